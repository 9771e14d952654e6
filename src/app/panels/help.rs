//! The help window: keys, and what is to be seen.

use crate::app::shortcuts::SHORTCUTS;
use eframe::egui::{Align2, Context, Grid, RichText, Window};

const TOUR: [&str; 5] = [
    "Two models are kept loaded: A, the full-precision reference, and B, its quantized twin. Open x.onnx and its twin \
     beside it (x.int8.onnx and the like) is found.",
    "Compare runs both on the same frame. A broken line marks a box that only one of the two models found.",
    "The figures on the right say how fast each model is and how much they agree; rest the pointer on one to read \
     what it measures and how to measure it on the command line.",
    "On the demo scene every object is known, so accuracy is measured against the truth, live.",
    "Drop a model, a video, a picture or a folder onto the window to open it.",
];

/// Draws the window when it is open.
pub fn help_ui(ctx: &Context, open: &mut bool) {
    let window = Window::new("Help").open(open).collapsible(false).resizable(false).default_width(520.0);
    let window = window.pivot(Align2::CENTER_CENTER).default_pos(ctx.content_rect().center());
    window.show(ctx, |ui| {
        ui.set_max_width(520.0);
        ui.label(RichText::new("Keys").strong());
        Grid::new("keys").num_columns(2).min_row_height(19.0).spacing([18.0, 2.0]).show(ui, |ui| {
            for (key, text) in SHORTCUTS {
                ui.label(RichText::new(key.name()).strong());
                ui.label(text);
                ui.end_row();
            }
        });
        ui.add_space(8.0);
        ui.label(RichText::new("What you see").strong());
        for text in TOUR {
            ui.label(text);
        }
    });
}
