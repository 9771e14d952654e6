//! The Pareto chart: every model that was tried by time and agreement; a click writes it and loads it as B.

use super::parts::note_ui;
use crate::app::plot::still_plot;
use crate::app::quantize::action::QuantizeAction;
use crate::app::quantize::state::{Results, Saved};
use crate::app::quantize::words;
use crate::app::theme::Colors;
use crate::pipeline::LaneId;
use crate::quantize::Point;
use eframe::egui::{Color32, FontId, Painter, Pos2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use egui_plot::{GridInput, GridMark, HLine, LineStyle, PlotPoint, PlotTransform, VLine};

/// Height of the chart: what the table below it leaves, within reason.
const HEIGHTS: std::ops::RangeInclusive<f32> = 190.0..=300.0;
const BELOW: f32 = 190.0;
/// A point is as large, and is hit from as far away.
const RADIUS: f32 = 5.5;
const REACH: f32 = 11.0;

/// Draws the chart where there are `height` points in all.
pub fn chart_ui(ui: &mut Ui, results: &Results, height: f32, wishes: &mut Vec<QuantizeAction>) {
    let colors = Colors::of(ui);
    let points = &results.outcome.points;
    let ([left, right], [low, high]) = bounds(points);
    let gate = results.run.request.gate;
    let high_as = (height - BELOW).clamp(*HEIGHTS.start(), *HEIGHTS.end());
    let shown = still_plot("pareto", high_as, [[left, right], [low, high]], colors.line)
        .show_x(false)
        .show_y(false)
        .x_grid_spacer(grid)
        .y_grid_spacer(grid)
        .x_axis_label(format!("time / FP32 time, {}", results.point().measured.times.judged_by.place()))
        .y_axis_label("agreement (F1)")
        .label_formatter(|_| None)
        .show(ui, |plot| {
            let dashed = LineStyle::Dashed { length: 6.0 };
            if let Some(least) = gate.min_agreement {
                plot.hline(HLine::new("least agreement", least).color(colors.warning).width(1.0).style(dashed));
            }
            if let Some(least) = gate.min_speedup {
                plot.vline(VLine::new("least speed-up", 1.0 / least).color(colors.warning).width(1.0).style(dashed));
            }
        });
    let frame = *shown.transform.frame();
    let painter = ui.painter().with_clip_rect(frame);
    let front = steps(results.outcome.front.iter().filter_map(|index| points.get(*index)).map(place));
    // A line a piece: egui fills what lies inside of one that turns back on itself.
    for piece in front.windows(2) {
        let ends = [position(&shown.transform, piece[0]), position(&shown.transform, piece[1])];
        painter.line_segment(ends, Stroke::new(1.5, colors.lane(LaneId::B)));
    }
    float_ui(&painter, position(&shown.transform, [1.0, 1.0]), &colors);
    // The one that is shown last, so that it lies above its neighbours.
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by_key(|index| *index == results.shown);
    for index in order {
        let at = position(&shown.transform, place(&points[index]));
        point_ui(ui, &painter, results, index, at, wishes);
    }
    key_ui(ui, results);
}

/// Time over that of FP32, and agreement.
fn place(point: &Point) -> [f64; 2] {
    [point.measured.ratio(), point.measured.agreement.f1]
}

fn position(transform: &PlotTransform, [x, y]: [f64; 2]) -> Pos2 {
    transform.position_from_point(&PlotPoint::new(x, y))
}

/// From left to right and from below to above, with all points and FP32 at (1, 1) inside.
fn bounds(points: &[Point]) -> ([f64; 2], [f64; 2]) {
    let places = || points.iter().map(place).filter(|place| place.iter().all(|value| value.is_finite()));
    let (mut left, mut right, mut low) = (0.9f64, 1.0f64, 0.95f64);
    for [x, y] in places() {
        (left, right, low) = (left.min(x), right.max(x), low.min(y));
    }
    let (wide, high) = (right - left, 1.0 - low);
    ([(left - 0.08 * wide).max(0.0), right + 0.08 * wide], [low - 0.1 * high, 1.0 + 0.1 * high])
}

/// Lines at round numbers, about eight of them.
fn grid(input: GridInput) -> Vec<GridMark> {
    const STEPS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];
    let (low, high) = input.bounds;
    let step = STEPS.into_iter().find(|step| (high - low) / step <= 8.0).unwrap_or((high - low).abs().max(1.0));
    let first = (low / step).ceil() as i64;
    (first..first + 9)
        .map(|number| GridMark { value: number as f64 * step, step_size: step })
        .filter(|mark| mark.value <= high)
        .collect()
}

/// A line that goes along the front: what is reached at a time is kept until the next point.
fn steps(front: impl Iterator<Item = [f64; 2]>) -> Vec<[f64; 2]> {
    let mut line: Vec<[f64; 2]> = Vec::new();
    for [x, y] in front {
        if let Some([_, before]) = line.last().copied() {
            line.push([x, before]);
        }
        line.push([x, y]);
    }
    line
}

/// The FP32 model: what the others are measured against.
fn float_ui(painter: &Painter, at: Pos2, colors: &Colors) {
    let reach = RADIUS + 1.0;
    let corners = [vec2(0.0, -reach), vec2(reach, 0.0), vec2(0.0, reach), vec2(-reach, 0.0)].map(|by| at + by);
    let stroke = Stroke::new(2.0, colors.lane(LaneId::A));
    painter.add(eframe::egui::Shape::convex_polygon(corners.to_vec(), Color32::TRANSPARENT, stroke));
    let font = FontId::proportional(12.0);
    painter.text(at + vec2(0.0, 9.0), eframe::egui::Align2::CENTER_TOP, "FP32", font, colors.lane(LaneId::A));
}

fn point_ui(ui: &Ui, painter: &Painter, results: &Results, index: usize, at: Pos2, wishes: &mut Vec<QuantizeAction>) {
    let place = Rect::from_center_size(at, vec2(2.0 * REACH, 2.0 * REACH)).intersect(painter.clip_rect());
    if !place.is_positive() {
        return;
    }
    let response = ui.interact(place, ui.scope_id().with(("model tried", index)), Sense::click());
    let look = Look::of(results, index);
    draw(painter, at, look, &Colors::of(ui), response.hovered() || response.has_focus());
    let spoken = format!("Point {}: {}", index + 1, words::of_point(results, index).replace('\n', ", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
    let tip = format!("{}\nClick: write it and load it as B", words::of_point(results, index));
    if response.on_hover_text(tip).clicked() {
        wishes.push(QuantizeAction::Load(index));
    }
}

/// How a point is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    /// Neither faster nor better is to be had.
    on_front: bool,
    /// It lacks what was asked for.
    fails: bool,
    /// It is the one that is shown.
    shown: bool,
}

impl Look {
    fn of(results: &Results, index: usize) -> Self {
        Self {
            on_front: results.outcome.front.contains(&index),
            fails: results.outcome.points.get(index).is_some_and(|point| results.failed(point).is_some()),
            shown: results.shown == index,
        }
    }
}

fn draw(painter: &Painter, at: Pos2, look: Look, colors: &Colors, lit: bool) {
    let color = if look.on_front { colors.lane(LaneId::B) } else { colors.weak };
    let radius = if lit { RADIUS + 1.5 } else { RADIUS };
    if look.fails {
        let stroke = Stroke::new(2.0, if look.on_front { color } else { colors.weak });
        let arm = radius * 0.8;
        painter.line_segment([at + vec2(-arm, -arm), at + vec2(arm, arm)], stroke);
        painter.line_segment([at + vec2(-arm, arm), at + vec2(arm, -arm)], stroke);
    } else if look.on_front {
        painter.circle_filled(at, radius, color);
    } else {
        painter.circle_stroke(at, radius - 1.0, Stroke::new(1.8, color));
    }
    if look.shown {
        painter.circle_stroke(at, radius + 3.5, Stroke::new(1.6, colors.text));
    }
}

/// What the shapes mean; only of those that are there.
fn key_ui(ui: &mut Ui, results: &Results) {
    let looks: Vec<Look> = (0..results.outcome.points.len()).map(|index| Look::of(results, index)).collect();
    let plain = Look { on_front: true, fails: false, shown: false };
    let entries = [
        (
            plain,
            "on the front: none is faster and agrees better",
            looks.iter().any(|look| look.on_front && !look.fails),
        ),
        (Look { on_front: false, ..plain }, "beaten", looks.iter().any(|look| !look.on_front && !look.fails)),
        (Look { fails: true, ..plain }, "does not pass", looks.iter().any(|look| look.fails)),
        (Look { shown: true, ..plain }, if results.saved == Saved::Yes { "in B" } else { "told above" }, true),
    ];
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        for (look, name, _) in entries.into_iter().filter(|(.., there)| *there) {
            let (place, _) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
            draw(ui.painter(), pos2(place.center().x, place.center().y), look, &Colors::of(ui), false);
            note_ui(ui, name);
            ui.add_space(8.0);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::quantize::test_support::{outcome, run};

    #[test]
    fn all_points_and_fp32_lie_inside_whatever_there_is() {
        let mut points = outcome().points;
        points[0].measured.times.judged.ratio = 3.0;
        points[1].measured.agreement.f1 = 0.0;
        for points in [&points[..], &points[..1], &[]] {
            let ([left, right], [low, high]) = bounds(points);
            let places = points.iter().map(place).chain([[1.0, 1.0]]);
            for [x, y] in places {
                assert!(left < x && x < right && low < y && y < high, "{x} {y} in {left} {right} {low} {high}");
            }
        }
        let mut odd = outcome().points;
        odd[0].measured.times.judged.ratio = f64::NAN;
        let ([left, right], _) = bounds(&odd);
        assert!(left.is_finite() && right.is_finite());
    }

    #[test]
    fn lines_stand_at_round_numbers() {
        let at = |low, high| -> Vec<f64> {
            let marks = grid(GridInput { bounds: (low, high), base_step_size: 0.1 });
            marks.into_iter().map(|mark| (mark.value * 1000.0).round() / 1000.0).collect()
        };
        assert_eq!(at(0.37, 1.05), [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]);
        assert_eq!(at(0.0, 3.1), [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]);
        assert_eq!(at(0.0, 100.0).len(), 2);
    }

    #[test]
    fn the_front_goes_up_in_steps() {
        assert_eq!(steps([[0.5, 0.7], [0.7, 0.9]].into_iter()), [[0.5, 0.7], [0.7, 0.7], [0.7, 0.9]]);
        assert_eq!(steps([[0.5, 0.7]].into_iter()), [[0.5, 0.7]]);
        assert!(steps(std::iter::empty()).is_empty());
    }

    #[test]
    fn points_look_like_what_they_are() {
        let results = Results::new(run(), outcome());
        let looks = [0, 1, 2].map(|index| Look::of(&results, index));
        assert_eq!(looks.map(|look| look.on_front), [true, true, false]);
        assert_eq!(looks.map(|look| look.fails), [true, false, false]);
        assert_eq!(looks.map(|look| look.shown), [false, true, false]);
    }
}
