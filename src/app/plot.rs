//! What all charts have in common.

use eframe::egui::{Color32, Vec2b, vec2};
use egui_plot::Plot;

/// A chart between these ends of its axes, with a grid in this colour, that stays as it is: pages are scrolled here, not
/// charts.
pub fn still_plot<'a>(id: &'static str, height: f32, [x, y]: [[f64; 2]; 2], grid: Color32) -> Plot<'a> {
    Plot::new(id)
        .height(height)
        .default_x_bounds(x[0], x[1])
        .default_y_bounds(y[0], y[1])
        .auto_bounds(Vec2b::FALSE)
        .set_margin_fraction(vec2(0.0, 0.0))
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .grid_fade(0.0)
        .grid_color(grid)
}
