//! Choosing: pictures, models, thresholds.

use super::PageInput;
use super::parts::{card_ui, note_ui, sample_ui, scrolled_ui, text_ui};
use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::evaluate::action::EvaluateAction;
use crate::app::evaluate::job::DatasetChoice;
use crate::app::evaluate::setup::{ChosenModel, MOST_PICTURES, Setup};
use crate::app::evaluate::state::Stage;
use crate::app::format;
use crate::app::theme::{Colors, readable_on};
use crate::pipeline::LaneId;
use eframe::egui::{Align, Button, DragValue, Label, Layout, RichText, Slider, Ui, vec2};
use std::path::Path;

/// From this width on pictures and models stand beside each other.
const TWO_COLUMNS_FROM: f32 = 860.0;
const WIDEST: f32 = 1240.0;

/// Draws the choices.
pub fn setup_ui(ui: &mut Ui, input: &PageInput<'_>, actions: &mut Vec<Action>, wishes: &mut Vec<EvaluateAction>) {
    let setup = &input.state.setup;
    scrolled_ui(ui, "evaluate setup", |ui| {
        ui.set_max_width(ui.available_width().min(WIDEST));
        if let Stage::Failed(reason) = &input.state.stage {
            card_ui(ui, "The last evaluation failed", |ui| {
                text_ui(ui, reason, Colors::of(ui).error);
            });
        }
        if ui.available_width() >= TWO_COLUMNS_FROM {
            ui.columns(2, |columns| {
                pictures_ui(&mut columns[0], input, actions, wishes);
                thresholds_ui(&mut columns[0], setup, wishes);
                models_ui(&mut columns[1], setup, actions, wishes);
            });
        } else {
            pictures_ui(ui, input, actions, wishes);
            models_ui(ui, setup, actions, wishes);
            thresholds_ui(ui, setup, wishes);
        }
    });
}

fn pictures_ui(ui: &mut Ui, input: &PageInput<'_>, actions: &mut Vec<Action>, wishes: &mut Vec<EvaluateAction>) {
    let setup = &input.state.setup;
    card_ui(ui, "Labelled pictures", |ui| {
        scene_ui(ui, setup, wishes);
        let chosen = match &setup.dataset {
            DatasetChoice::Path(path) => Some(path),
            DatasetChoice::Scene => None,
        };
        let recent = &input.settings.recent_datasets;
        for path in chosen.into_iter().filter(|path| !recent.contains(path)).chain(recent) {
            dataset_ui(ui, path, setup, wishes);
        }
        ui.horizontal(|ui| {
            for (name, kind) in [("Open file…", DialogKind::Dataset), ("Open folder…", DialogKind::DatasetFolder)] {
                if ui.button(name).accessible_name(format!("{name} data set")).clicked() {
                    actions.push(Action::Browse(kind));
                }
            }
        });
        note_ui(
            ui,
            "COCO json, YOLO data.yaml, or a folder of Pascal VOC xml; it can be dropped onto the window, too. A folder of \
             pictures without labels tells how far models agree, without AP.",
        );
    });
}

fn scene_ui(ui: &mut Ui, setup: &Setup, wishes: &mut Vec<EvaluateAction>) {
    let chosen = setup.dataset == DatasetChoice::Scene;
    ui.horizontal(|ui| {
        let radio = ui.radio(chosen, "Demo scene");
        if radio.on_hover_text("Road signs, rendered meanwhile with their exact boxes; no file is needed").clicked() {
            wishes.push(EvaluateAction::SetDataset(DatasetChoice::Scene));
        }
        let mut count = setup.scene_pictures;
        let value = DragValue::new(&mut count).range(1..=MOST_PICTURES).suffix(" pictures");
        if ui.add_enabled(chosen, value).accessible_name("Pictures of the scene").changed() {
            wishes.push(EvaluateAction::SetScenePictures(count));
        }
    });
}

fn dataset_ui(ui: &mut Ui, path: &Path, setup: &Setup, wishes: &mut Vec<EvaluateAction>) {
    let chosen = setup.dataset == DatasetChoice::Path(path.to_owned());
    let text = path.display().to_string();
    let longest = (ui.available_width() / 8.0) as usize;
    let radio = ui.radio(chosen, format::shortened(&text, longest.max(24)));
    if radio.on_hover_text(&text).accessible_name(format!("Data set {text}")).clicked() {
        wishes.push(EvaluateAction::SetDataset(DatasetChoice::Path(path.to_owned())));
    }
    if !chosen {
        return;
    }
    ui.horizontal(|ui| {
        ui.add_space(24.0);
        let mut limited = setup.limit.is_some();
        if ui.checkbox(&mut limited, "At most").accessible_name("Limit the pictures").changed() {
            wishes.push(EvaluateAction::SetLimit(limited.then_some(500)));
        }
        let mut count = setup.limit.unwrap_or(500);
        let value = DragValue::new(&mut count).range(1..=MOST_PICTURES).suffix(" pictures");
        if ui.add_enabled(limited, value).accessible_name("Most pictures").changed() {
            wishes.push(EvaluateAction::SetLimit(Some(count)));
        }
    });
}

fn models_ui(ui: &mut Ui, setup: &Setup, actions: &mut Vec<Action>, wishes: &mut Vec<EvaluateAction>) {
    card_ui(ui, "Models", |ui| {
        for (index, model) in setup.models.iter().enumerate() {
            model_ui(ui, index, model, wishes);
        }
        if let Some(missing) = setup.missing() {
            text_ui(ui, missing, Colors::of(ui).warning);
        }
        if ui.button("Add model…").clicked() {
            actions.push(Action::Browse(DialogKind::EvaluatedModel));
        }
        note_ui(ui, "The first one is the reference that the others are compared with.");
    });
}

fn model_ui(ui: &mut Ui, index: usize, model: &ChosenModel, wishes: &mut Vec<EvaluateAction>) {
    let name = format::file_name(&model.path);
    ui.horizontal(|ui| {
        sample_ui(ui, index);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let remove = ui.add(Button::new("×").frame(false)).on_hover_text("Leave this model out");
            if remove.accessible_name(format!("Leave out {name}")).clicked() {
                wishes.push(EvaluateAction::RemoveModel(index));
            }
            if index == 0 {
                let fill = Colors::of(ui).lane(LaneId::A);
                let text = RichText::new(" reference ").small().color(readable_on(fill)).background_color(fill);
                ui.label(text);
            } else {
                let make = ui.small_button("Make reference").on_hover_text("Compare the others with this one");
                if make.accessible_name(format!("Make {name} the reference")).clicked() {
                    wishes.push(EvaluateAction::MakeReference(index));
                }
            }
            if let Some(precision) = &model.precision {
                ui.label(RichText::new(precision).color(Colors::of(ui).weak));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(&name).truncate()).on_hover_text(model.path.display().to_string());
            });
        });
    });
}

fn thresholds_ui(ui: &mut Ui, setup: &Setup, wishes: &mut Vec<EvaluateAction>) {
    card_ui(ui, "Thresholds", |ui| {
        let mut new = setup.thresholds;
        for (name, value, tip) in [
            ("Confidence", &mut new.confidence, "Boxes from this score up count for agreement and for the gallery"),
            (
                "Overlap (IoU)",
                &mut new.iou,
                "Of two boxes of a class that overlap more than this, the weaker is dropped",
            ),
        ] {
            ui.horizontal(|ui| {
                let label = ui.allocate_ui_with_layout(vec2(96.0, 20.0), Layout::left_to_right(Align::Center), |ui| {
                    ui.set_width(96.0);
                    ui.label(name).on_hover_text(tip)
                });
                let slider = Slider::new(value, 0.0..=1.0).fixed_decimals(2).step_by(0.01);
                ui.add(slider).labelled_by(label.inner.id).on_hover_text(tip);
            });
        }
        if new != setup.thresholds {
            wishes.push(EvaluateAction::SetThresholds(new));
        }
        note_ui(
            ui,
            "AP and the curves use every score from 0.001 up, as COCO's definition asks for; the confidence counts for \
             agreement and the gallery. Figures of detectors are usually given at an overlap of 0.65.",
        );
    });
}

/// Draws the bar with the button that begins.
pub fn start_ui(ui: &mut Ui, input: &PageInput<'_>, wishes: &mut Vec<EvaluateAction>) {
    let setup = &input.state.setup;
    ui.horizontal(|ui| {
        let ready = setup.missing().is_none();
        let start = Button::new(RichText::new("Start evaluation").strong()).min_size(vec2(150.0, 30.0));
        let start = ui.add_enabled(ready, start).on_hover_text("Enter");
        if start.on_disabled_hover_text(setup.missing().unwrap_or_default()).clicked() {
            wishes.push(EvaluateAction::Start);
        }
        let models = match setup.models.len() {
            1 => "1 model".to_owned(),
            count => format!("{count} models"),
        };
        let pictures = match (&setup.dataset, setup.limit) {
            (DatasetChoice::Scene, _) => format!("{} rendered pictures", setup.scene_pictures),
            (DatasetChoice::Path(_), Some(limit)) => format!("at most {limit} pictures"),
            (DatasetChoice::Path(_), None) => "all pictures of the data set".to_owned(),
        };
        let text =
            format!("{models} on {pictures}. The live view rests meanwhile: all cores belong to the evaluation.");
        ui.add(Label::new(RichText::new(text).color(Colors::of(ui).weak)).wrap());
    });
}
