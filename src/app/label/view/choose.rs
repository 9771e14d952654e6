//! What can be labelled: a folder, a data set, what was labelled last.

use super::{PageInput, note_ui, wish};
use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::format;
use crate::app::label::action::LabelAction;
use crate::app::label::state::Stage;
use crate::app::theme::Colors;
use eframe::egui::{Button, Frame, Label, Margin, Rect, RichText, ScrollArea, Ui, UiBuilder, vec2};

const WIDEST: f32 = 620.0;
const ABOVE: f32 = 24.0;

/// Draws the choice, and what is being opened.
pub fn choose_ui(
    ui: &mut Ui,
    stage: &Stage,
    input: &PageInput<'_>,
    actions: &mut Vec<Action>,
    wishes: &mut Vec<LabelAction>,
) {
    ScrollArea::vertical().id_salt("label choices").auto_shrink([false, false]).show(ui, |ui| {
        let width = ui.available_width().min(WIDEST);
        let middle = Rect::from_center_size(ui.max_rect().center_top(), vec2(width, 0.0));
        let middle = middle.with_max_y(f32::INFINITY);
        ui.scope_builder(UiBuilder::new().max_rect(middle), |ui| {
            ui.set_width(width);
            ui.add_space(ABOVE);
            match stage {
                Stage::Opening(path, watch) => card_ui(ui, |ui| {
                    ui.add(Label::new(RichText::new(format!("Opening {}", path.display())).strong()).wrap());
                    let text = format!("{} pictures so far", format::count(watch.looked_at() as u64));
                    ui.label(RichText::new(text).color(Colors::of(ui).weak));
                    wish(wishes, ui.button("Cancel").clicked(), LabelAction::CancelOpening);
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
        for (index, path) in input.settings.recent_labels.iter().enumerate() {
            let text = path.display().to_string();
            let longest = (ui.available_width() / 7.6) as usize;
            let button = ui.button(format::shortened(&text, longest.max(24))).on_hover_text(match index {
                0 => format!("{text} (Enter)"),
                _ => text.clone(),
            });
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
