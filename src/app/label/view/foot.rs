//! The bar below: which picture it is, and calling it done.

use super::wish;
use crate::app::format;
use crate::app::label::action::LabelAction;
use crate::app::label::desk::Desk;
use crate::app::theme::Colors;
use eframe::egui::containers::Sides;
use eframe::egui::{Button, DragValue, Label, RichText, Ui, vec2};

/// Draws it.
pub fn foot_ui(ui: &mut Ui, desk: &Desk, wishes: &mut Vec<LabelAction>) {
    let mut right = Vec::new();
    Sides::new().shrink_left().show(ui, |ui| turning_ui(ui, desk, wishes), |ui| answers_ui(ui, desk, &mut right));
    wishes.append(&mut right);
}

fn turning_ui(ui: &mut Ui, desk: &Desk, wishes: &mut Vec<LabelAction>) {
    let all = desk.album.pictures().len();
    let steps = [
        ("‹", "Previous picture", "Previous picture (Left or P)", -1, desk.at > 0),
        ("›", "Next picture", "Next picture (Right or N)", 1, desk.at + 1 < all),
    ];
    for (text, name, tip, step, possible) in steps {
        let button = ui.add_enabled(possible, Button::new(text).min_size(vec2(28.0, 0.0))).on_hover_text(tip);
        wish(wishes, button.accessible_name(name).clicked(), LabelAction::Step(step));
    }
    let mut number = desk.at + 1;
    let value = DragValue::new(&mut number).range(1..=all.max(1)).speed(0.2);
    let value = ui.add(value).on_hover_text("Drag, or type a number").accessible_name("Number of the picture");
    wish(wishes, value.changed(), LabelAction::Go(number.saturating_sub(1)));
    ui.label(format!("of {}", format::count(all as u64)));
    let Some(picture) = desk.picture() else { return };
    let size = picture.size.as_ref().map(|size| format!(" · {}×{}", size.width, size.height)).unwrap_or_default();
    let label = RichText::new(format!("{}{size}", picture.key)).color(Colors::of(ui).weak);
    ui.add(Label::new(label).truncate()).on_hover_text(picture.path.display().to_string());
}

/// From right to left.
fn answers_ui(ui: &mut Ui, desk: &Desk, wishes: &mut Vec<LabelAction>) {
    let Some(picture) = desk.picture() else { return };
    let (readable, done) = (picture.size.is_ok(), picture.content().done);
    let next = Button::new(RichText::new("Done, next").strong()).min_size(vec2(92.0, 28.0));
    let tip = "The picture is complete; go to the next one that is not (Space)";
    wish(wishes, ui.add_enabled(readable, next).on_hover_text(tip).clicked(), LabelAction::DoneAndNext);
    let empty = ui
        .add_enabled(readable, Button::new("Empty"))
        .on_hover_text("There is nothing in the picture: take all boxes away, call it done and go to the next (X)");
    wish(wishes, empty.accessible_name("Nothing in the picture").clicked(), LabelAction::EmptyAndNext);
    let mut checked = done;
    let check = ui.add_enabled(readable, eframe::egui::Checkbox::new(&mut checked, "Done"));
    let check = check.on_hover_text("Whether the picture is complete; only such ones are exported (D)");
    wish(wishes, check.changed(), LabelAction::ToggleDone);
    let open = desk.album.pictures().len() - desk.album.done();
    let skip = ui.add_enabled(open > 0, Button::new("Skip")).on_hover_text("The next picture that is not done");
    wish(wishes, skip.accessible_name("Next picture that is not done").clicked(), LabelAction::NextOpen);
}
