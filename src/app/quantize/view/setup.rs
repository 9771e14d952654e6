//! Choosing: the model, the pictures, what must be kept, where it goes. All of it has a value, so that the button is enough.

use super::parts::{choice_ui, main_button, note_ui, strip_ui};
use super::{WindowInput, how};
use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::format;
use crate::app::quantize::action::QuantizeAction;
use crate::app::quantize::job::QuantizeFailure;
use crate::app::quantize::setup::{Calibration, MOST_PICTURES, MOST_SPEEDUP, QuantizeSettings};
use crate::app::quantize::state::Stage;
use crate::app::theme::Colors;
use crate::capture::SourceSpec;
use eframe::egui::{Align, Button, DragValue, Label, Layout, RichText, Ui, vec2};
use std::path::Path;

const STILL_ENDING: &str = "Stopped. The step that it was at still comes to its end, which takes a few seconds; what is begun now \
                            waits for that.";

/// Draws the choices.
pub fn setup_ui(ui: &mut Ui, input: &WindowInput<'_>, actions: &mut Vec<Action>, wishes: &mut Vec<QuantizeAction>) {
    let introduction = "Makes an INT8 twin of an FP32 detector: pictures show which ranges its values have, several models are \
                        made and measured against FP32, and the fastest that keeps what you ask for is saved and compared \
                        in B.";
    ui.add(Label::new(RichText::new(introduction).color(Colors::of(ui).weak)).wrap());
    ui.add_space(4.0);
    failed_ui(ui, input, actions, wishes);
    choice_ui(ui, "Model", |ui| model_ui(ui, input, actions, wishes));
    choice_ui(ui, "Pictures", |ui| pictures_ui(ui, input, actions, wishes));
    let labelled = input.state.setup.calibration.is_labelled();
    choice_ui(ui, "Keep", |ui| gates_ui(ui, input.wishes, labelled, wishes));
    how::how_ui(ui, input, actions, wishes);
    choice_ui(ui, "Save as", |ui| output_ui(ui, input, actions, wishes));
    ui.separator();
    start_ui(ui, input, wishes);
}

/// Why nothing came of it, with what helps.
fn failed_ui(ui: &mut Ui, input: &WindowInput<'_>, actions: &mut Vec<Action>, wishes: &mut Vec<QuantizeAction>) {
    let Stage::Failed(failure) = &input.state.stage else { return };
    let colors = Colors::of(ui);
    let color = if *failure == QuantizeFailure::Cancelled { colors.line } else { colors.error };
    let ending = *failure == QuantizeFailure::Cancelled && input.state.ending.is_some();
    strip_ui(ui, if ending { STILL_ENDING } else { failure.words() }, color);
    ui.horizontal(|ui| match failure {
        QuantizeFailure::Model(_) => {
            if ui.button("Choose another model…").clicked() {
                actions.push(Action::Browse(DialogKind::ModelToQuantize));
            }
        }
        QuantizeFailure::Pictures(_) => {
            let choices =
                [("Other folder…", DialogKind::CalibrationFolder), ("Other file…", DialogKind::CalibrationFile)];
            for (name, kind) in choices {
                if ui.button(name).clicked() {
                    actions.push(Action::Browse(kind));
                }
            }
        }
        QuantizeFailure::Other(_) => {
            if ui.button("Try again").clicked() {
                wishes.push(QuantizeAction::Start);
            }
        }
        QuantizeFailure::Cancelled => {}
    });
    ui.add_space(4.0);
}

fn model_ui(ui: &mut Ui, input: &WindowInput<'_>, actions: &mut Vec<Action>, wishes: &mut Vec<QuantizeAction>) {
    let setup = &input.state.setup;
    let colors = Colors::of(ui);
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let other = ui.button("Other…").on_hover_text("Choose the file of an FP32 model");
            if other.accessible_name("Choose the model to quantize").clicked() {
                actions.push(Action::Browse(DialogKind::ModelToQuantize));
            }
            let back = setup.picked.is_some() && setup.loaded.is_some();
            if back && ui.button("Loaded model").on_hover_text("Back to the model that is loaded").clicked() {
                wishes.push(QuantizeAction::SetModel(None));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let Some(model) = setup.model() else {
                    ui.label(RichText::new("none").color(colors.warning));
                    return;
                };
                let facts = model.known.map(|(precision, bytes)| format!("  {precision}, {}", format::bytes(bytes)));
                let text = format!("{}{}", format::file_name(&model.path), facts.unwrap_or_default());
                ui.add(Label::new(text).truncate()).on_hover_text(model.path.display().to_string());
            });
        });
    });
}

fn pictures_ui(ui: &mut Ui, input: &WindowInput<'_>, actions: &mut Vec<Action>, wishes: &mut Vec<QuantizeAction>) {
    let setup = &input.state.setup;
    let chosen = setup.calibration == Calibration::OnView;
    let (name, tip) = on_view_words(input);
    if ui.radio(chosen, name).on_hover_text(tip).accessible_name("Pictures of what is on view").clicked() {
        wishes.push(QuantizeAction::SetCalibration(Calibration::OnView));
    }
    let picked = match &setup.calibration {
        Calibration::Path(path) => Some(path),
        Calibration::OnView => None,
    };
    let recent = &input.wishes.recent;
    for path in picked.into_iter().filter(|path| !recent.contains(path)).chain(recent.iter().take(4)) {
        path_ui(ui, path, picked == Some(path), wishes);
    }
    ui.horizontal(|ui| {
        let choices = [
            ("Folder…", DialogKind::CalibrationFolder, "Choose a folder of pictures"),
            ("Data set or video…", DialogKind::CalibrationFile, "Choose a COCO json, a YOLO data.yaml or a video"),
        ];
        for (name, kind, tip) in choices {
            if ui.button(name).on_hover_text(tip).accessible_name(tip).clicked() {
                actions.push(Action::Browse(kind));
            }
        }
        let mut wished = input.wishes.clone();
        let value = DragValue::new(&mut wished.pictures).range(1..=MOST_PICTURES).suffix(" pictures");
        let tip = "At most so many; every fourth one judges the models instead of choosing ranges. 32 are enough for a \
                   try, more make ranges and measurement surer";
        if ui.add(value).on_hover_text(tip).accessible_name("Pictures at most").changed() {
            wishes.push(QuantizeAction::SetWishes(wished));
        }
    });
    note_ui(ui, "Pictures as the model will see them in use; labels are not needed.");
}

/// What stands beside the first choice, and what it means.
fn on_view_words(input: &WindowInput<'_>) -> (String, &'static str) {
    match input.on_view {
        None => ("What is on view (nothing at the moment)".to_owned(), "Open a source first"),
        Some((SourceSpec::Demo, _)) => {
            ("The demo scene".to_owned(), "Different moments of it, rendered for this purpose")
        }
        Some((SourceSpec::Camera(_) | SourceSpec::Url(_), title)) => (
            format!("The next different frames of {}", format::shortened(title, 40)),
            "Frames that look like the one before are left out; the live view goes on meanwhile",
        ),
        Some((SourceSpec::Path(_), title)) => {
            (format!("What is on view: {}", format::shortened(title, 40)), "Different frames or pictures of it")
        }
    }
}

fn path_ui(ui: &mut Ui, path: &Path, chosen: bool, wishes: &mut Vec<QuantizeAction>) {
    let text = path.display().to_string();
    let longest = (ui.available_width() / 8.0) as usize;
    let radio = ui.radio(chosen, format::shortened(&text, longest.max(24)));
    if radio.on_hover_text(&text).accessible_name(format!("Pictures of {text}")).clicked() {
        wishes.push(QuantizeAction::SetCalibration(Calibration::Path(path.to_owned())));
    }
}

fn gates_ui(ui: &mut Ui, now: &QuantizeSettings, labelled: bool, wishes: &mut Vec<QuantizeAction>) {
    let mut wished = now.clone();
    ui.horizontal_wrapped(|ui| {
        ui.label("agreement at least");
        let tip =
            "F1 of the boxes against the FP32 model's, on pictures that no range was chosen by. 0 asks for nothing";
        let value = DragValue::new(&mut wished.min_agreement).range(0.0..=1.0).speed(0.005).custom_formatter(any_or(2));
        ui.add(value).on_hover_text(tip).accessible_name("Least agreement");
        ui.add_space(10.0);
        ui.label("speed-up at least");
        let tip =
            "Time of the FP32 model over that of its twin. 0 asks for nothing; where no twin is faster, that is said";
        let value = DragValue::new(&mut wished.min_speedup).range(0.0..=MOST_SPEEDUP).speed(0.02);
        ui.add(value.custom_formatter(any_or(2))).on_hover_text(tip).accessible_name("Least speed-up");
        if !labelled {
            return;
        }
        ui.add_space(10.0);
        ui.label("AP falls by at most");
        let tip = "Average precision, 0…1, on the data set's pictures that no range was chosen by. 1 asks for nothing";
        let value = DragValue::new(&mut wished.max_ap_drop).range(0.0..=1.0).speed(0.002);
        let value = value.custom_formatter(|most, _| if most < 1.0 { format!("{most:.3}") } else { "any".to_owned() });
        ui.add(value).on_hover_text(tip).accessible_name("Most that AP falls by");
    });
    if wished != *now {
        wishes.push(QuantizeAction::SetWishes(wished));
    }
}

/// A number, or "any" for 0.
fn any_or(decimals: usize) -> impl Fn(f64, std::ops::RangeInclusive<usize>) -> String {
    move |value, _| if value > 0.0 { format!("{value:.decimals$}") } else { "any".to_owned() }
}

fn output_ui(ui: &mut Ui, input: &WindowInput<'_>, actions: &mut Vec<Action>, wishes: &mut Vec<QuantizeAction>) {
    let setup = &input.state.setup;
    let output = setup.output(input.wishes.mode);
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let proposed = output.unwrap_or(Path::new("model.int8.onnx")).to_owned();
            let save = ui.button("Save as…").on_hover_text("Choose another place for the new model");
            if save.clicked() {
                actions.push(Action::Browse(DialogKind::QuantizedModel(proposed)));
            }
            if setup.output.is_some() {
                let back = ui.button("×").on_hover_text("Back to a new file beside the model");
                if back.accessible_name("Save beside the model").clicked() {
                    wishes.push(QuantizeAction::SetOutput(None));
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| match output {
                Some(path) => {
                    let text = path.display().to_string();
                    ui.add(Label::new(format::file_name(path)).truncate()).on_hover_text(text);
                }
                None => {
                    ui.label(RichText::new("beside the model").color(Colors::of(ui).weak));
                }
            });
        });
    });
}

fn start_ui(ui: &mut Ui, input: &WindowInput<'_>, wishes: &mut Vec<QuantizeAction>) {
    let state = input.state;
    let missing = state.setup.missing(input.on_view.map(|(spec, _)| spec));
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let ready = missing.is_none() && state.setup.output(input.wishes.mode).is_some();
            let start = ui.add_enabled(ready, main_button(ui, "Quantize"));
            if start.on_hover_text("Begin (Enter)").accessible_name("Start quantizing").clicked() {
                wishes.push(QuantizeAction::Start);
            }
            let last = state.results.is_some();
            if last && ui.add(Button::new("Last result").min_size(vec2(0.0, 30.0))).clicked() {
                wishes.push(QuantizeAction::ShowResults);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let colors = Colors::of(ui);
                let (text, color) = missing.as_deref().map_or_else(
                    || ("It takes some ten seconds to a few minutes; the window stays usable.", colors.weak),
                    |missing| (missing, colors.warning),
                );
                ui.add(Label::new(RichText::new(text).small().color(color)).wrap());
            });
        });
    });
}
