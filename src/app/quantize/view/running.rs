//! Progress, step by step.

use super::parts::{columns, note_ui, write};
use crate::app::actions::Action;
use crate::app::format;
use crate::app::quantize::action::QuantizeAction;
use crate::app::quantize::state::{QuantizeStep, Run};
use crate::app::quantize::watch::StepView;
use crate::app::theme::Colors;
use eframe::egui::{
    Align, Area, Color32, Frame, Id, Layout, Margin, Order, Painter, ProgressBar, Rect, RichText, Role, Sense, Shape,
    Stroke, Ui, WidgetInfo, pos2, vec2,
};
use std::time::{Duration, Instant};

/// The strip over the live view stays where it is while its figures change.
const RESTING_WIDTH: f32 = 380.0;
const HEIGHT: f32 = 24.0;
/// Steps that every run has.
const USUAL: [QuantizeStep; 3] = [QuantizeStep::Preparing, QuantizeStep::Pictures, QuantizeStep::Trying];

/// Draws, over the live view, what goes on while the window is hidden.
pub fn resting_ui(ui: &Ui, stage: Rect, run: &Run, rests: bool, actions: &mut Vec<Action>) {
    let colors = Colors::of(ui);
    let step = run.watch.step();
    let area = Area::new(Id::unique("quantizing")).order(Order::Middle);
    area.fixed_pos(stage.center_top() + vec2(-RESTING_WIDTH / 2.0, 12.0)).constrain_to(stage).show(ui.ctx(), |ui| {
        let frame = Frame::new().fill(colors.bar).stroke((1.0, colors.line)).corner_radius(8);
        frame.inner_margin(Margin::symmetric(12, 6)).show(ui, |ui| {
            ui.set_width(RESTING_WIDTH - 26.0);
            ui.horizontal(|ui| {
                let far = step.filter(|step| step.of > 0).map(|step| format!(", {} of {}", step.done, step.of));
                let view = if rests { ": the live view rests" } else { "" };
                ui.label(format!("Quantizing{}{view}", far.unwrap_or_default()));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.button("Show").accessible_name("Show the quantizing").clicked() {
                        actions.push(Action::Quantize(QuantizeAction::Open));
                    }
                });
            });
        });
    });
}

/// Draws the progress. `paused`: a person stopped the live view; `waits`: the run before is still being ended.
pub fn running_ui(ui: &mut Ui, run: &Run, (paused, waits): (bool, bool), wishes: &mut Vec<QuantizeAction>) {
    let steps = run.watch.steps();
    ui.horizontal(|ui| {
        let name = format::shortened(&format::file_name(&run.request.model), 48);
        ui.label(RichText::new(format!("Quantizing {name}")).strong());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let cancel = ui.button("Cancel").on_hover_text("Stop at once; nothing is written");
            if cancel.accessible_name("Cancel quantizing").clicked() {
                wishes.push(QuantizeAction::Cancel);
            }
            let took = format::position(run.began.elapsed());
            ui.label(RichText::new(took).color(Colors::of(ui).weak)).on_hover_text("Since it was begun");
        });
    });
    ui.add_space(2.0);
    if waits && steps.is_empty() {
        note_ui(ui, "Waits for the end of the step that the run before was stopped in.");
    }
    steps_ui(ui, &steps);
    let still = |step: &&QuantizeStep| steps.iter().all(|seen| seen.step != **step);
    for step in USUAL.iter().filter(still) {
        line_ui(ui, step.name(), "", Mark::Open);
    }
    if run.is_live() && steps.last().is_none_or(|step| step.step != QuantizeStep::Trying) {
        live_ui(ui, run, paused, wishes);
    }
    ui.add_space(2.0);
    note_ui(
        ui,
        "The live view rests while pictures are run and models are timed: it would take the time that is measured. Space \
         lets it go on. This window may be closed, too.",
    );
    // The clock goes on where nothing is told.
    ui.ctx().request_repaint_after(Duration::from_secs(1));
}

/// The steps so far; the last one with a bar.
pub fn steps_ui(ui: &mut Ui, steps: &[StepView]) {
    for step in steps {
        match step.took {
            Some(took) => line_ui(ui, step.step.name(), &seconds(took), Mark::Done),
            None => under_way_ui(ui, step),
        }
    }
}

fn under_way_ui(ui: &mut Ui, step: &StepView) {
    let left = step.left(Instant::now()).map(|left| {
        // Never 0:00 while something is left.
        format!("about {} left", format::position(left.max(Duration::from_secs(1))))
    });
    line_ui(ui, step.step.name(), &left.unwrap_or_default(), Mark::UnderWay);
    if step.of == 0 {
        return;
    }
    let text = if step.words.is_empty() {
        format!("{} of {}", step.done, step.of)
    } else {
        format!("{} of {}: {}", step.done + 1, step.of.max(step.done + 1), step.words)
    };
    let bar = ProgressBar::new(step.share()).desired_width(ui.available_width()).text(RichText::new(&text).small());
    ui.add(bar).accessible_name(format!("Progress: {text}"));
}

/// How far a step is.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Done,
    UnderWay,
    Open,
}

fn line_ui(ui: &mut Ui, name: &str, right: &str, mark: Mark) {
    let colors = Colors::of(ui);
    let (line, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let [left, end] = columns(line.with_min_x(line.left() + 24.0), [0.0, 150.0]);
    let color = if mark == Mark::Open { colors.weak } else { colors.text };
    draw_mark(ui.painter(), line.left_center() + vec2(8.0, 0.0), mark, &colors);
    write(ui, left, name, color, false);
    write(ui, end, right, colors.weak, true);
    let state = match mark {
        Mark::Done => "done",
        Mark::UnderWay => "under way",
        Mark::Open => "to do",
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {state} {right}").trim_end()));
}

fn draw_mark(painter: &Painter, at: eframe::egui::Pos2, mark: Mark, colors: &Colors) {
    let stroke = |color: Color32| Stroke::new(2.0, color);
    match mark {
        Mark::Done => {
            let points = [(-5.0, 0.0), (-1.5, 4.0), (5.0, -4.5)].map(|(x, y)| at + vec2(x, y));
            painter.add(Shape::line(points.to_vec(), stroke(colors.good)));
        }
        Mark::UnderWay => {
            painter.circle_filled(pos2(at.x, at.y), 4.5, colors.lane(crate::pipeline::LaneId::A));
        }
        Mark::Open => {
            painter.circle_stroke(at, 4.0, Stroke::new(1.5, colors.line));
        }
    }
}

/// Frames of a camera come as they come.
fn live_ui(ui: &mut Ui, run: &Run, paused: bool, wishes: &mut Vec<QuantizeAction>) {
    if paused {
        let text = "The live view is paused, so no frames come: press Space to go on.";
        ui.label(RichText::new(text).color(Colors::of(ui).warning));
    }
    let taken = run.watch.step().filter(|step| step.step == QuantizeStep::Pictures).map_or(0, |step| step.done);
    ui.horizontal(|ui| {
        let enough =
            ui.add_enabled(taken > 0 && run.watch.wants_frames(), eframe::egui::Button::new("These are enough"));
        let tip = "Goes on with the frames that have been taken";
        if enough.on_hover_text(tip).on_disabled_hover_text("There are none yet").clicked() {
            wishes.push(QuantizeAction::EnoughFrames);
        }
        note_ui(ui, "Move the camera or what it sees: frames that look alike are left out.");
    });
}

/// "0.8 s", "24 s", "2:05".
fn seconds(took: Duration) -> String {
    match took.as_secs() {
        0..=9 => format!("{:.1} s", took.as_secs_f64()),
        10..=99 => format!("{} s", took.as_secs()),
        _ => format::position(took),
    }
}
