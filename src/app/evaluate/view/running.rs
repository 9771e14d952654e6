//! Progress, with what is known so far.

use super::parts::{card_ui, note_ui, sample_ui, scrolled_ui, text_ui};
use super::summary;
use crate::app::actions::Action;
use crate::app::evaluate::action::EvaluateAction;
use crate::app::evaluate::job::{RunView, Step};
use crate::app::evaluate::state::Run;
use crate::app::format;
use crate::app::theme::Colors;
use eframe::egui::{Align, Area, Frame, Id, Label, Layout, Margin, Order, ProgressBar, Rect, RichText, Ui, vec2};
use std::time::Duration;

const NAME_WIDTH: f32 = 210.0;
/// The strip over the live view stays where it is while its figures change.
const RESTING_WIDTH: f32 = 360.0;
const WIDEST: f32 = 1240.0;

/// Draws, over the live view, why it stands still while the page is closed.
pub fn resting_ui(ui: &Ui, stage: Rect, run: &Run, actions: &mut Vec<Action>) {
    let colors = Colors::of(ui);
    let view = run.watch.view();
    let area = Area::new(Id::unique("resting")).order(Order::Middle);
    area.fixed_pos(stage.center_top() + vec2(-RESTING_WIDTH / 2.0, 12.0)).constrain_to(stage).show(ui.ctx(), |ui| {
        let frame = Frame::new().fill(colors.bar).stroke((1.0, colors.line)).corner_radius(8);
        frame.inner_margin(Margin::symmetric(12, 6)).show(ui, |ui| {
            ui.set_width(RESTING_WIDTH - 26.0);
            ui.horizontal(|ui| {
                let done = view.speed.done.iter().min().copied().unwrap_or_default();
                let far = if view.speed.total > 0 { format!(" {done} of {}", view.speed.total) } else { String::new() };
                ui.label(format!("Evaluating{far}: the live view rests"));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.button("Show").accessible_name("Show the evaluation").clicked() {
                        actions.push(Action::Evaluate(EvaluateAction::Open));
                    }
                });
            });
        });
    });
}

/// Draws the progress of an evaluation.
pub fn running_ui(ui: &mut Ui, run: &Run, wishes: &mut Vec<EvaluateAction>) {
    let view = run.watch.view();
    let cancelled = run.watch.cancel().is_cancelled();
    scrolled_ui(ui, "evaluate running", |ui| {
        ui.set_max_width(ui.available_width().min(WIDEST));
        card_ui(ui, "", |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(step_words(&view, run, cancelled)).strong());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let tip = "Stop here; what is done by now is kept and shown";
                    let button = ui.add_enabled(!cancelled, eframe::egui::Button::new("Cancel")).on_hover_text(tip);
                    if button.accessible_name("Cancel the evaluation").clicked() {
                        wishes.push(EvaluateAction::Cancel);
                    }
                    ui.label(RichText::new(pace_words(&view)).color(Colors::of(ui).weak));
                });
            });
            for (index, name) in run.models.iter().enumerate() {
                model_ui(ui, index, name, &view);
            }
            note_ui(
                ui,
                "The live view rests until this is done: all cores belong to the evaluation. The page can be closed; \
                 it goes on.",
            );
        });
        if let Some(partial) = &view.partial {
            let pictures = partial.models.iter().map(|model| model.pictures).max().unwrap_or_default();
            card_ui(ui, &format!("So far, on {pictures} pictures"), |ui| summary::models_table_ui(ui, partial));
        }
    });
}

fn model_ui(ui: &mut Ui, index: usize, name: &str, view: &RunView) {
    let done = view.speed.done.get(index).copied().unwrap_or_default();
    let share = done as f32 / view.speed.total.max(1) as f32;
    ui.horizontal(|ui| {
        sample_ui(ui, index);
        let width = NAME_WIDTH.min(ui.available_width() * 0.4);
        ui.allocate_ui_with_layout(vec2(width, 20.0), Layout::left_to_right(Align::Center), |ui| {
            ui.set_width(width);
            ui.add(Label::new(name).truncate()).on_hover_text(name);
        });
        let text = format!("{done} of {}", view.speed.total);
        let bar = ProgressBar::new(share).desired_width(ui.available_width()).text(RichText::new(&text).small());
        ui.add(bar).accessible_name(format!("Progress {name}: {text}"));
    });
    if let Some(message) = view.failure(index) {
        text_ui(ui, message, Colors::of(ui).error);
    }
}

fn step_words(view: &RunView, run: &Run, cancelled: bool) -> String {
    if cancelled {
        return "Stopping…".to_owned();
    }
    match view.step {
        Step::Waiting => "Starting…".to_owned(),
        Step::Rendering { done, total } => format!("Rendering pictures: {done} of {total}"),
        Step::Reading => "Reading the labels…".to_owned(),
        Step::Loading(model) => match run.models.get(model) {
            Some(name) => format!("Loading {}…", format::shortened(name, 40)),
            None => "Loading the models…".to_owned(),
        },
        Step::Detecting => "Detecting".to_owned(),
        Step::Counting => "Computing the figures…".to_owned(),
    }
}

/// "12.3 pictures/s · 0:42 left"; nothing where neither is known.
fn pace_words(view: &RunView) -> String {
    if view.step != Step::Detecting {
        return String::new();
    }
    let rate = view.speed.pictures_per_second.map(|rate| format!("{} pictures/s", format::rate(Some(rate))));
    // Never 0:00 while something is left.
    let left = view.speed.left.map(|left| format!("{} left", format::position(left.max(Duration::from_secs(1)))));
    rate.into_iter().chain(left).collect::<Vec<_>>().join(" · ")
}
