//! How models are told apart: colour and dash on charts, the same everywhere on the page.

use crate::app::theme::Colors;
use crate::pipeline::LaneId;
use eframe::egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Ui, pos2};
use egui_plot::LineStyle;

/// Beyond the lanes' blue and orange, in the order of Okabe and Ito's set for all kinds of colour vision
/// (<https://jfly.uni-koeln.de/color/>), brightened or darkened for the theme.
const MORE_DARK: [Color32; 4] = [
    Color32::from_rgb(60, 205, 160),
    Color32::from_rgb(232, 140, 200),
    Color32::from_rgb(235, 225, 105),
    Color32::from_rgb(178, 186, 200),
];
const MORE_LIGHT: [Color32; 4] = [
    Color32::from_rgb(0, 120, 88),
    Color32::from_rgb(164, 62, 122),
    Color32::from_rgb(112, 100, 0),
    Color32::from_rgb(88, 94, 104),
];
/// Width of a curve.
pub const LINE_WIDTH: f32 = 2.0;

/// Colour of the model at `index`: the lanes' for the first two.
pub fn model_color(ui: &Ui, index: usize) -> Color32 {
    let more = if ui.visuals().dark_mode { MORE_DARK } else { MORE_LIGHT };
    match index {
        0 => Colors::of(ui).lane(LaneId::A),
        1 => Colors::of(ui).lane(LaneId::B),
        _ => more[(index - 2) % more.len()],
    }
}

/// Dash of the model at `index`, so that no two of the first eight have colour and dash in common.
pub fn model_dash(index: usize) -> LineStyle {
    match index % 5 {
        0 => LineStyle::Solid,
        1 => LineStyle::Dashed { length: 9.0 },
        2 => LineStyle::Dotted { spacing: 5.0 },
        3 => LineStyle::Dashed { length: 4.0 },
        _ => LineStyle::Dashed { length: 16.0 },
    }
}

/// Draws a piece of a model's curve across the middle of `rect`.
pub fn sample(painter: &Painter, rect: Rect, color: Color32, dash: LineStyle) {
    let y = rect.center().y;
    let line: [Pos2; 2] = [pos2(rect.left(), y), pos2(rect.right(), y)];
    let stroke = Stroke::new(LINE_WIDTH + 0.5, color);
    match dash {
        LineStyle::Solid => {
            painter.line_segment(line, stroke);
        }
        LineStyle::Dotted { spacing } => {
            painter.extend(Shape::dotted_line(&line, color, spacing, LINE_WIDTH * 0.8));
        }
        LineStyle::Dashed { length } => {
            painter.extend(Shape::dashed_line(&line, stroke, length, length * 0.6));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::evaluate::setup::MOST_MODELS;

    #[test]
    fn no_two_models_look_alike() {
        eframe::egui::__run_test_ui(|ui| {
            let look = |index| (model_color(ui, index), format!("{:?}", model_dash(index)));
            for a in 0..MOST_MODELS {
                for b in 0..a {
                    assert_ne!(look(a), look(b), "{a} and {b}");
                }
            }
        });
    }
}
