//! The help window: keys, and what is to be seen.

use crate::app::label::KEYS;
use crate::app::shortcuts::SHORTCUTS;
use eframe::egui::{Align2, Context, Grid, RichText, ScrollArea, Ui, Window};

const TOUR: [&str; 5] = [
    "Two models are kept loaded: A, the full-precision reference, and B, its quantized twin. Open x.onnx and its twin \
     beside it (x.int8.onnx and the like) is found.",
    "Compare runs both on the same frame. A broken line marks a box that only one of the two models found.",
    "The figures on the right say how fast each model is and how much they agree; rest the pointer on one to read \
     what it measures and how to measure it on the command line.",
    "On the demo scene every object is known, so accuracy is measured against the truth, live.",
    "Drop a model, a video, a picture or a folder onto the window to open it.",
];

const LABELLING: [&str; 4] = [
    "A broken line is a proposal: of the model in A, or of a recording whose detections lie beside its frames. It counts \
     only once it is accepted; correcting it accepts it.",
    "Only pictures that are done are exported. A picture that is done and has no box says that there is nothing in it.",
    "Every change is saved at once, in a small hidden file beside the pictures, and is there when they are opened again.",
    "A click on overlapping boxes selects the smallest, the next click the one below.",
];

/// What the help is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelpTopic {
    /// The live view.
    Live,
    /// The page Label.
    Label,
}

/// What the window has beside its list.
const MARGINS: f32 = 90.0;

/// Draws the window when it is open.
pub fn help_ui(ctx: &Context, topic: HelpTopic, open: &mut bool) {
    let window = Window::new("Help").open(open).collapsible(false).resizable(false).default_width(540.0);
    let window = window.pivot(Align2::CENTER_CENTER).default_pos(ctx.content_rect().center());
    let most = (ctx.content_rect().height() - MARGINS).max(160.0);
    window.show(ctx, |ui| {
        // In a low window the end has to be scrolled to.
        ScrollArea::vertical().max_height(most).min_scrolled_height(most).show(ui, |ui| {
            ui.set_width(540.0);
            match topic {
                HelpTopic::Live => {
                    let keys = SHORTCUTS.map(|(key, text)| (key.name(), text));
                    content_ui(ui, &keys, "What you see", &TOUR);
                }
                HelpTopic::Label => content_ui(ui, &KEYS, "Good to know", &LABELLING),
            }
        });
    });
}

fn content_ui(ui: &mut Ui, keys: &[(&str, &str)], title: &str, texts: &[&str]) {
    ui.label(RichText::new("Keys").strong());
    Grid::new("keys").num_columns(2).min_row_height(19.0).spacing([18.0, 2.0]).show(ui, |ui| {
        for (key, text) in keys {
            ui.label(RichText::new(*key).strong());
            ui.label(*text);
            ui.end_row();
        }
    });
    ui.add_space(8.0);
    ui.label(RichText::new(title).strong());
    for text in texts {
        ui.label(*text);
    }
}
