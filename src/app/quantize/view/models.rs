//! The models that were tried, as a table: a click writes one and loads it as B.

use super::parts::{ROW, columns, write};
use crate::app::format;
use crate::app::quantize::action::QuantizeAction;
use crate::app::quantize::state::Results;
use crate::app::quantize::words;
use crate::app::theme::Colors;
use crate::pipeline::LaneId;
use eframe::egui::{Rect, Role, Sense, Ui, WidgetInfo, vec2};

const WIDTHS: [f32; 6] = [0.0, 62.0, 52.0, 74.0, 74.0, 70.0];
const HEADS: [&str; 6] = ["stays in floats", "integers", "time", "agreement", "closeness", "size"];

/// Draws the table, the fastest first.
pub fn models_ui(ui: &mut Ui, results: &Results, wishes: &mut Vec<QuantizeAction>) {
    let colors = Colors::of(ui);
    ui.spacing_mut().item_spacing.y = 0.0;
    let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    ui.painter().hline(line.x_range(), line.bottom() - 0.5, (1.0, colors.line));
    for (index, (place, head)) in columns(inside(line), WIDTHS).into_iter().zip(HEADS).enumerate() {
        write(ui, place, head, colors.weak, index > 0);
    }
    let points = &results.outcome.points;
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|one, other| points[*one].measured.ratio().total_cmp(&points[*other].measured.ratio()));
    for index in order {
        row_ui(ui, results, index, wishes);
    }
}

/// Room for the mark of the one in B.
fn inside(line: Rect) -> Rect {
    line.with_min_x(line.left() + 10.0).with_max_x(line.right() - 4.0)
}

fn row_ui(ui: &mut Ui, results: &Results, index: usize, wishes: &mut Vec<QuantizeAction>) {
    let colors = Colors::of(ui);
    let point = &results.outcome.points[index];
    let (line, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let shown = results.shown == index;
    if shown || response.hovered() || response.has_focus() {
        ui.painter().rect_filled(line, 4, ui.visuals().faint_bg_color);
    }
    if shown {
        let mark = line.with_max_x(line.left() + 3.0).shrink2(vec2(0.0, 3.0));
        ui.painter().rect_filled(mark, 1, colors.lane(LaneId::B));
    }
    let measured = &point.measured;
    let cells = [
        words::choice(point),
        format!("{}/{}", point.integers, results.outcome.layers.len()),
        format!("{:.2}", measured.ratio()),
        format!("{:.3}", measured.agreement.f1),
        format!("{:.3}", measured.agreement.closeness),
        format::bytes(point.bytes.len() as u64),
    ];
    let fails = results.failed(point).is_some();
    for (column, (place, text)) in columns(inside(line), WIDTHS).into_iter().zip(&cells).enumerate() {
        let color = if fails { colors.weak } else { colors.text };
        write(ui, place, text, color, column > 0);
    }
    let spoken = format!("Model {}: {}", index + 1, cells.join(", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
    let tip = format!("{}\nClick: write it and load it as B", words::of_point(results, index));
    if response.on_hover_text(tip).clicked() {
        wishes.push(QuantizeAction::Load(index));
    }
}
