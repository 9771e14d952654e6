//! Rows of figures: a name, and a value for each model, in columns that line up.

use crate::app::theme::Colors;
use crate::pipeline::LaneId;
use eframe::egui::{
    Align, Color32, FontId, Layout, Pos2, Rect, Response, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

const HEIGHT: f32 = 20.0;
/// Where the columns end, as shares of the width.
const NAME_END: f32 = 0.40;
const A_END: f32 = 0.70;

/// What a row says.
pub enum Values<'a> {
    /// One for each model.
    Both([&'a str; 2]),
    /// One that belongs to both or to neither.
    One(&'a str),
}

/// Draws a row. `tip` says what is measured, and how to measure it again.
pub fn row_ui(ui: &mut Ui, name: &str, values: &Values<'_>, tip: &str) -> Response {
    let colors = Colors::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let response = response.on_hover_text(tip);
    if response.hovered() {
        ui.painter().rect_filled(rect.expand2(vec2(4.0, 0.0)), 4, ui.visuals().faint_bg_color);
    }
    let at = |share: f32| rect.left() + rect.width() * share;
    text(ui, rect, pos2(rect.left(), rect.center().y), at(NAME_END), name, colors.weak, Align::Min);
    let spoken = match values {
        Values::Both([a, b]) => {
            text(ui, rect, pos2(at(A_END), rect.center().y), at(NAME_END), a, colors.text, Align::Max);
            text(ui, rect, pos2(rect.right(), rect.center().y), at(A_END), b, colors.text, Align::Max);
            format!("{name}: A {a}, B {b}")
        }
        Values::One(value) => {
            text(ui, rect, pos2(rect.right(), rect.center().y), at(NAME_END), value, colors.text, Align::Max);
            format!("{name}: {value}")
        }
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    response
}

/// One line of text that ends or starts at `at`, cut at `limit`, centred on the row.
fn text(ui: &Ui, row: Rect, at: Pos2, limit: f32, text: &str, color: Color32, align: Align) {
    let mut job = eframe::egui::text::LayoutJob::simple_singleline(text.to_owned(), FontId::proportional(13.5), color);
    job.wrap = eframe::egui::text::TextWrapping::truncate_at_width((limit - at.x).abs() - 4.0);
    let galley = ui.painter().layout_job(job);
    let x = if align == Align::Max { at.x - galley.size().x } else { at.x };
    ui.painter().galley(pos2(x, row.center().y - galley.size().y / 2.0), galley, color);
}

/// Draws the head of a section: a name over a thin line.
pub fn section_ui(ui: &mut Ui, name: &str) {
    ui.add_space(7.0);
    let colors = Colors::of(ui);
    ui.label(RichText::new(name).small().strong().color(colors.weak));
    let y = ui.min_rect().bottom() + 1.0;
    ui.painter().hline(ui.max_rect().x_range(), y, (1.0, colors.line));
    ui.add_space(2.0);
}

/// Draws the heads of the two columns.
pub fn heads_ui(ui: &mut Ui, heads: [&str; 2]) {
    let colors = Colors::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let right = [rect.left() + rect.width() * A_END, rect.right()];
    let limit = [rect.left() + rect.width() * NAME_END, right[0]];
    for (index, lane) in LaneId::BOTH.into_iter().enumerate() {
        let at = pos2(right[index], rect.center().y);
        text(ui, rect, at, limit[index], heads[index], colors.lane(lane), Align::Max);
    }
}

/// A small line of text that explains, in weak colour.
pub fn note_ui(ui: &mut Ui, text: &str) {
    let weak = Colors::of(ui).weak;
    ui.with_layout(Layout::top_down(Align::Min), |ui| {
        ui.add(eframe::egui::Label::new(RichText::new(text).small().color(weak)).wrap());
    });
}
