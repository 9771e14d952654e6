//! Two small drawings of latency: the last frames as lines, and its parts as bars.

use crate::app::theme::Colors;
use crate::pipeline::{LaneId, LaneStatistics};
use eframe::egui::{Align2, Color32, FontId, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, remap, vec2};

const HEIGHT: f32 = 44.0;

/// Draws total latency over the last frames, a line for each model, from zero up.
pub fn sparkline_ui(ui: &mut Ui, lanes: &[LaneStatistics; 2]) {
    let colors = Colors::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Latency of the last frames"));
    response.on_hover_text("Total latency of the last frames (at most 120), from zero; the newest is on the right.");
    ui.painter().rect_filled(rect, 4, ui.visuals().extreme_bg_color);
    let values = lanes.iter().flat_map(|lane| lane.recent_total_ms.iter().copied());
    let most = values.filter(|ms| ms.is_finite()).fold(0.0f32, f32::max);
    if most <= 0.0 {
        return;
    }
    let mut plot = rect.shrink2(vec2(4.0, 5.0));
    // Room for the figure at the top.
    plot.min.y += 10.0;
    for lane in LaneId::BOTH {
        let recent = &lanes[lane.index()].recent_total_ms;
        if recent.len() < 2 {
            continue;
        }
        let last = (recent.len() - 1) as f32;
        let points = recent.iter().enumerate().map(|(index, ms)| {
            let x = remap(index as f32, 0.0..=last, plot.left()..=plot.right());
            pos2(x, remap(*ms, 0.0..=most, plot.bottom()..=plot.top()))
        });
        ui.painter().add(Shape::line(points.collect(), Stroke::new(1.3, colors.lane(lane))));
    }
    let font = FontId::proportional(10.5);
    ui.painter().text(rect.left_top() + vec2(4.0, 2.0), Align2::LEFT_TOP, format!("{most:.1} ms"), font, colors.weak);
}

/// Draws the medians of the parts of each model's latency as a bar, both on one scale.
pub fn stage_bars_ui(ui: &mut Ui, lanes: &[LaneStatistics; 2]) {
    let colors = Colors::of(ui);
    let parts = |lane: &LaneStatistics| [lane.preprocess.p50_ms, lane.inference.p50_ms, lane.postprocess.p50_ms];
    let longest = lanes.iter().map(|lane| parts(lane).iter().sum::<f32>()).fold(0.0f32, f32::max);
    for lane in LaneId::BOTH {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 9.0), Sense::hover());
        let of_lane = parts(&lanes[lane.index()]);
        ui.painter().rect_filled(rect, 3, ui.visuals().extreme_bg_color);
        if longest > 0.0 && longest.is_finite() {
            bar(ui, rect, of_lane.map(|ms| ms / longest), colors.lane(lane), colors.stages);
        }
        let [pre, run, post] = of_lane;
        let text = format!("{lane:?}: preprocessing {pre:.2} ms, inference {run:.2} ms, postprocessing {post:.2} ms");
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &text));
        response.on_hover_text(format!("{text} (medians; both bars have one scale)"));
    }
}

fn bar(ui: &Ui, rect: Rect, shares: [f32; 3], color: Color32, strengths: [f32; 3]) {
    let mut left = rect.left();
    for (share, strength) in shares.into_iter().zip(strengths) {
        let width = rect.width() * share;
        let part = Rect::from_min_size(pos2(left, rect.top()), vec2((width - 1.0).max(0.5), rect.height()));
        ui.painter().rect_filled(part.intersect(rect), 2, color.gamma_multiply(strength));
        left += width;
    }
}
