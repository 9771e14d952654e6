//! What can be labelled: a folder, a data set, what was labelled last.

use super::{PageInput, note_ui, wish};
use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::format;
use crate::app::label::action::LabelAction;
use crate::app::label::state::Stage;
use crate::app::theme::Colors;
use eframe::egui::{Button, Frame, Label, Margin, RichText, ScrollArea, Spinner, Ui, vec2};

const WIDEST: f32 = 620.0;

/// Draws the choice, and what is being opened.
pub fn choose_ui(
    ui: &mut Ui,
    stage: &Stage,
    input: &PageInput<'_>,
    actions: &mut Vec<Action>,
    wishes: &mut Vec<LabelAction>,
) {
    ScrollArea::vertical().id_salt("label choices").auto_shrink([false, false]).show(ui, |ui| {
        let beside = ((ui.available_width() - WIDEST) / 2.0).max(0.0);
        let frame = Frame::new().inner_margin(Margin::symmetric(beside as i8, 0));
        frame.show(ui, |ui| {
            ui.set_width(ui.available_width().min(WIDEST));
            ui.add_space((ui.available_height() * 0.06).max(4.0));
            match stage {
                Stage::Opening(path, watch) => card_ui(ui, |ui| {
                    ui.horizontal(|ui| {
                        ui.add(Spinner::new());
                        ui.label(RichText::new(format!("Opening {}", path.display())).strong());
                    });
                    let text = format!("{} pictures so far", format::count(watch.looked_at() as u64));
                    ui.label(RichText::new(text).color(Colors::of(ui).weak));
                    wish(wishes, ui.button("Cancel").clicked(), LabelAction::CancelOpening);
                    ui.ctx().request_repaint_after(std::time::Duration::from_millis(100));
                }),
                stage => {
                    if let Stage::Failed(reason) = stage {
                        card_ui(ui, |ui| {
                            let color = Colors::of(ui).error;
                            ui.label(RichText::new("It cannot be opened").strong());
                            ui.add(Label::new(RichText::new(reason).color(color)).wrap());
                        });
                        ui.add_space(8.0);
                    }
                    choices_ui(ui, input, actions, wishes);
                }
            }
        });
    });
}

fn choices_ui(ui: &mut Ui, input: &PageInput<'_>, actions: &mut Vec<Action>, wishes: &mut Vec<LabelAction>) {
    card_ui(ui, |ui| {
        ui.label(RichText::new("Make a small labelled set").heading());
        let text = "Open pictures, let the model propose boxes, then accept, delete, move and add them by hand. What is \
                    done is exported as COCO, YOLO or Pascal VOC, to evaluate models on.";
        ui.add(Label::new(text).wrap());
        ui.add_space(6.0);
        ui.horizontal_wrapped(|ui| {
            let choices =
                [("Open folder of pictures…", DialogKind::LabelFolder), ("Open data set…", DialogKind::LabelDataset)];
            for (name, kind) in choices {
                if ui.add(Button::new(name).min_size(vec2(0.0, 30.0))).clicked() {
                    actions.push(Action::Browse(kind));
                }
            }
        });
        note_ui(
            ui,
            "A folder of jpg, png, bmp, webp or gif; of Pascal VOC xml; or one that Record in the live view filled with \
             frames: its detections come along. It can be dropped onto the window, too.",
        );
    });
    if input.settings.recent_labels.is_empty() {
        return;
    }
    ui.add_space(8.0);
    card_ui(ui, |ui| {
        ui.label(RichText::new("Go on with").strong());
        for path in &input.settings.recent_labels {
            let text = path.display().to_string();
            let longest = (ui.available_width() / 7.6) as usize;
            let button = ui.button(format::shortened(&text, longest.max(24))).on_hover_text(&text);
            let clicked = button.accessible_name(format!("Label {text}")).clicked();
            wish(wishes, clicked, LabelAction::Open(path.clone()));
        }
    });
}

fn card_ui(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    let colors = Colors::of(ui);
    let frame = Frame::new().fill(colors.card).stroke((1.0, colors.line)).corner_radius(8);
    frame.inner_margin(Margin::symmetric(14, 11)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        content(ui);
    });
}
