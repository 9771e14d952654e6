//! Pieces that several stages are made of.

use crate::app::theme::{Colors, readable_on};
use crate::pipeline::LaneId;
use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{Align, Button, Color32, FontId, Frame, Label, Layout, Margin, Rect, RichText, Ui, pos2, vec2};

/// Height of a line of a table.
pub const ROW: f32 = 24.0;
/// Width of the names of the choices.
const NAMES: f32 = 92.0;

/// One choice: its name, and what is chosen.
pub fn choice_ui(ui: &mut Ui, name: &str, content: impl FnOnce(&mut Ui)) {
    ui.horizontal_top(|ui| {
        let height = ui.spacing().interact_size.y;
        ui.allocate_ui_with_layout(vec2(NAMES, height), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_size(vec2(NAMES, height));
            ui.label(RichText::new(name).color(Colors::of(ui).weak));
        });
        ui.vertical(|ui| {
            ui.set_width(ui.available_width());
            content(ui);
        });
    });
    ui.add_space(2.0);
}

/// A framed line that must not be missed.
pub fn strip_ui(ui: &mut Ui, text: &str, color: Color32) {
    let colors = Colors::of(ui);
    let frame = Frame::new().fill(colors.card).stroke((1.0, color)).corner_radius(6);
    frame.inner_margin(Margin::symmetric(10, 6)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.add(Label::new(RichText::new(text).color(colors.text)).wrap());
    });
}

/// Small text that explains, and wraps.
pub fn note_ui(ui: &mut Ui, text: &str) {
    let weak = Colors::of(ui).weak;
    ui.add(Label::new(RichText::new(text).small().color(weak)).wrap());
}

/// The button that is meant to be pressed.
pub fn main_button(ui: &Ui, text: &str) -> Button<'static> {
    let fill = Colors::of(ui).lane(LaneId::A);
    Button::new(RichText::new(text).strong().color(readable_on(fill))).fill(fill).min_size(vec2(120.0, 30.0))
}

/// One line of text in a place; true when it had to be cut where that ends.
pub fn write(ui: &Ui, place: Rect, text: &str, color: Color32, flush_right: bool) -> bool {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), FontId::proportional(13.5), color);
    job.wrap = TextWrapping::truncate_at_width(place.width());
    let galley = ui.painter().layout_job(job);
    let x = if flush_right { place.right() - galley.size().x } else { place.left() };
    let cut = galley.elided;
    ui.painter().galley(pos2(x, place.center().y - galley.size().y / 2.0), galley, color);
    cut
}

/// Columns of a table: the first takes what the others leave, those are so wide and stand flush right.
pub fn columns<const N: usize>(line: Rect, widths: [f32; N]) -> [Rect; N] {
    const GAP: f32 = 10.0;
    let rest = line.width() - widths[1..].iter().map(|width| width + GAP).sum::<f32>();
    let mut left = line.left();
    std::array::from_fn(|index| {
        let width = if index == 0 { rest.max(20.0) } else { widths[index] };
        let place = Rect::from_min_max(pos2(left, line.top()), pos2(left + width, line.bottom()));
        left += width + GAP;
        place
    })
}
