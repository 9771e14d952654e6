//! The choices of the export.

use super::{note_ui, wish};
use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::label::action::LabelAction;
use crate::app::label::desk::Desk;
use crate::app::label::export::{ExportChoice, ExportCounts, FORMS, counted, counted_boxes};
use crate::app::theme::Colors;
use crate::dataset::DatasetForm;
use eframe::egui::{Align2, Button, Key, Label, RichText, Ui, Window, vec2};

const WIDTH: f32 = 430.0;

/// Draws the window while it is open.
pub fn export_ui(ui: &Ui, desk: &Desk, actions: &mut Vec<Action>, wishes: &mut Vec<LabelAction>) {
    let Some(mut choice) = desk.export else { return };
    let before = choice;
    let window = Window::new("Export the labelled set").collapsible(false).resizable(false);
    window.anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH);
        for (form, name, what) in FORMS {
            ui.horizontal(|ui| {
                ui.radio_value(&mut choice.form, form, name);
                ui.label(RichText::new(what).small().color(Colors::of(ui).weak));
            });
        }
        ui.add_space(4.0);
        ui.checkbox(&mut choice.copy, "Copy the pictures")
            .on_hover_text("Else they are linked, which needs no space, where the system can do that");
        ui.checkbox(&mut choice.only_used, "Only classes that have a box")
            .on_hover_text("Else all classes of the list are written, also those without a box");
        ui.add_space(4.0);
        let counts = ExportCounts::of(&desk.album);
        counts_ui(ui, &counts, choice, desk);
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            let ready = counts.pictures > 0;
            let text = RichText::new("Choose folder and export…").strong();
            let export = ui.add_enabled(ready, Button::new(text).min_size(vec2(0.0, 30.0)));
            let entered = ready && ui.input(|input| input.key_pressed(Key::Enter)) && !something_focused(ui);
            if export.clicked() || entered {
                actions.push(Action::Browse(DialogKind::LabelExport));
            }
            wish(wishes, ui.button("Cancel").clicked(), LabelAction::ToggleExport);
        });
        note_ui(ui, "An empty folder is taken as it is; in one that has files a new folder is made for the set.");
    });
    if choice != before {
        wishes.push(LabelAction::SetExport(choice));
    }
}

fn something_focused(ui: &Ui) -> bool {
    ui.memory(|memory| memory.focused().is_some())
}

fn counts_ui(ui: &mut Ui, counts: &ExportCounts, choice: ExportChoice, desk: &Desk) {
    let colors = Colors::of(ui);
    let line = |ui: &mut Ui, text: String, color| {
        ui.add(Label::new(RichText::new(text).color(color)).wrap());
    };
    if counts.pictures == 0 {
        let text = "No picture is done yet, and only those that are done are exported. Call pictures done with Space.";
        return line(ui, text.to_owned(), colors.warning);
    }
    let empty = match counts.empty {
        0 => String::new(),
        count => format!(", {count} of them empty"),
    };
    let (pictures, boxes) = (counted(counts.pictures, "picture"), counted_boxes(counts.boxes));
    line(ui, format!("{pictures} marked done{empty}, with {boxes}."), colors.text);
    if counts.open > 0 {
        line(ui, format!("Left out: {} not marked done.", counted(counts.open, "picture")), colors.warning);
    }
    if counts.proposals > 0 {
        line(ui, format!("Left out: {} not accepted.", counted(counts.proposals, "proposal")), colors.warning);
    }
    let done = desk.album.pictures().iter().filter(|picture| picture.content().done);
    let ignored = done.flat_map(|picture| picture.content().accepted()).filter(|found| found.ignored).count();
    if choice.form == DatasetForm::Yolo && ignored > 0 {
        let text = format!("Left out: {} marked crowd or difficult, which YOLO cannot say.", counted_boxes(ignored));
        line(ui, text, colors.warning);
    }
}
