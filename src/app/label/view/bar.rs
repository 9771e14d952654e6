//! The bar above: what is labelled, how far it is, whether it is saved, and the way out.

use super::{PageInput, wish};
use crate::app::format;
use crate::app::label::action::LabelAction;
use crate::app::label::desk::Desk;
use crate::app::label::export::{counted, written_words};
use crate::app::theme::Colors;
use eframe::egui::containers::Sides;
use eframe::egui::{Button, Frame, Label, Margin, RichText, Sense, Ui, vec2};

const BAR_WIDTH: f32 = 90.0;
const BAR_HEIGHT: f32 = 7.0;

/// Draws it.
pub fn bar_ui(ui: &mut Ui, input: &PageInput<'_>, wishes: &mut Vec<LabelAction>) {
    let mut right = Vec::new();
    let desk = input.state.desk();
    Sides::new().shrink_left().show(
        ui,
        |ui| {
            ui.label(RichText::new("Label").heading());
            let weak = Colors::of(ui).weak;
            let Some(desk) = desk else {
                let text = "Boxes corrected by hand, for a small labelled set";
                ui.add(Label::new(RichText::new(text).color(weak)).truncate());
                return;
            };
            progress_ui(ui, desk);
            let text = desk.path.display().to_string();
            let label = Label::new(RichText::new(&text).color(weak)).truncate();
            ui.add(label).on_hover_text(text);
        },
        |ui| {
            let close = ui.button("Close").on_hover_text("Back to the live view; the work is kept (L)");
            wish(&mut right, close.accessible_name("Close the labelling").clicked(), LabelAction::Toggle);
            if let Some(desk) = desk {
                desk_buttons_ui(ui, desk, &mut right);
            }
        },
    );
    wishes.append(&mut right);
    if let Some(desk) = desk {
        strips_ui(ui, desk, wishes);
    }
}

fn progress_ui(ui: &mut Ui, desk: &Desk) {
    let (done, all) = (desk.album.done(), desk.album.pictures().len());
    let share = if all == 0 { 0.0 } else { done as f32 / all as f32 };
    let colors = Colors::of(ui);
    // The toolkit's own bar shows a dot where nothing is done.
    let (place, _) = ui.allocate_exact_size(vec2(BAR_WIDTH, BAR_HEIGHT), Sense::hover());
    ui.painter().rect_filled(place, BAR_HEIGHT / 2.0, colors.line);
    if share > 0.0 {
        let filled = place.with_max_x(place.left() + (place.width() * share).max(BAR_HEIGHT));
        ui.painter().rect_filled(filled, BAR_HEIGHT / 2.0, colors.good);
    }
    let count = |number: usize| format::count(number as u64);
    ui.label(RichText::new(format!("{} of {} done", count(done), count(all))).strong());
}

/// From right to left.
fn desk_buttons_ui(ui: &mut Ui, desk: &Desk, wishes: &mut Vec<LabelAction>) {
    let other = ui.button("Other…").on_hover_text("Open other pictures; the work on these is kept");
    wish(wishes, other.accessible_name("Open other pictures").clicked(), LabelAction::ChooseAgain);
    let tip = "Write the pictures that are done as COCO, YOLO or Pascal VOC (Ctrl+E)";
    let export = Button::new(RichText::new(if desk.exporting { "Exporting…" } else { "Export…" }).strong());
    let export = ui.add_enabled(!desk.exporting, export).on_hover_text(tip);
    wish(wishes, export.accessible_name("Export").clicked(), LabelAction::ToggleExport);
    let (undo, redo) = desk.album.can_undo_redo();
    let steps = [
        ("Redo", redo, "Do again what was taken back (Ctrl+Y)", LabelAction::Redo),
        ("Undo", undo, "Take the last change back (Ctrl+Z)", LabelAction::Undo),
    ];
    for (name, possible, tip, action) in steps {
        wish(wishes, ui.add_enabled(possible, Button::new(name)).on_hover_text(tip).clicked(), action);
    }
    let behind = desk.saving.is_behind(desk.revision());
    let colors = Colors::of(ui);
    let (text, color) = match (desk.saving.failure(), behind, desk.saving.path()) {
        (Some(_), ..) => ("Not saved", colors.error),
        (None, true, _) => ("Saving…", colors.weak),
        (None, false, Some(_)) => ("Saved", colors.weak),
        (None, false, None) => return,
    };
    let saved = ui.label(RichText::new(text).color(color));
    if let Some(path) = desk.saving.path() {
        saved.on_hover_text(format!("Every change is saved at once in {}", path.display()));
    }
}

/// What must not be missed, and what was exported.
fn strips_ui(ui: &mut Ui, desk: &Desk, wishes: &mut Vec<LabelAction>) {
    let colors = Colors::of(ui);
    if let Some(reason) = desk.saving.failure() {
        strip_ui(ui, colors.error, |ui| {
            ui.add(Label::new(RichText::new(reason).color(colors.text)).wrap());
        });
    }
    if let Some((count, reason)) = &desk.unproposed {
        strip_ui(ui, colors.warning, |ui| {
            let text =
                format!("Nothing could be proposed on {}, the last time because: {reason}", counted(*count, "picture"));
            ui.add(Label::new(RichText::new(text).color(colors.text)).wrap());
        });
    }
    if let Some(written) = &desk.exported {
        strip_ui(ui, colors.good, |ui| {
            ui.add(Label::new(RichText::new(written_words(written)).color(colors.text)).wrap());
            ui.horizontal(|ui| {
                let tip = "Open the page Evaluate with this set";
                let evaluate = ui.button("Evaluate models on it").on_hover_text(tip).clicked();
                wish(wishes, evaluate, LabelAction::EvaluateExported);
                let dismiss = ui.button("Dismiss").accessible_name("Dismiss the export");
                wish(wishes, dismiss.clicked(), LabelAction::DismissExported);
            });
        });
    }
}

fn strip_ui(ui: &mut Ui, edge: eframe::egui::Color32, content: impl FnOnce(&mut Ui)) {
    let frame = Frame::new().fill(Colors::of(ui).tint).stroke((1.0, edge)).corner_radius(6);
    frame.inner_margin(Margin::symmetric(10, 6)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        content(ui);
    });
}
