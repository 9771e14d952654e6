//! Pieces that several tabs are made of.

use crate::app::evaluate::style;
use crate::app::format;
use crate::app::theme::Colors;
use crate::evaluate::Evaluation;
use eframe::egui::{
    Align, Color32, FontId, Frame, Label, Layout, Margin, Rect, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo,
    pos2, vec2,
};

/// Length of a piece of a model's line.
const SAMPLE: f32 = 24.0;

/// A framed piece of the page.
pub fn card_ui(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) {
    let colors = Colors::of(ui);
    let frame = Frame::new().fill(colors.card).stroke((1.0, colors.line)).corner_radius(8);
    frame.inner_margin(Margin::symmetric(12, 9)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        // Columns would stretch buttons and lines of text.
        ui.with_layout(Layout::top_down(Align::Min), |ui| {
            if !title.is_empty() {
                ui.label(RichText::new(title).strong());
            }
            content(ui);
        });
    });
}

/// A line that the reader must not miss.
pub fn strip_ui(ui: &mut Ui, text: &str) {
    let colors = Colors::of(ui);
    let frame = Frame::new().fill(colors.tint).stroke((1.0, colors.warning)).corner_radius(6);
    frame.inner_margin(Margin::symmetric(10, 5)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.add(Label::new(RichText::new(text).color(colors.text)).wrap());
    });
    ui.add_space(6.0);
}

/// Text that wraps.
pub fn text_ui(ui: &mut Ui, text: &str, color: Color32) {
    ui.add(Label::new(RichText::new(text).color(color)).wrap());
}

/// Small text that explains, and wraps.
pub fn note_ui(ui: &mut Ui, text: &str) {
    let weak = Colors::of(ui).weak;
    ui.add(Label::new(RichText::new(text).small().color(weak)).wrap());
}

/// Which line is which model.
pub fn key_ui(ui: &mut Ui, evaluation: &Evaluation) {
    let color = Colors::of(ui).text;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(16.0, 2.0);
        for (index, model) in evaluation.models.iter().enumerate() {
            let name = format!("{} {}", format::shortened(&format::file_name(&model.path), 36), model.numbers);
            // Line and name in one piece, so that they wrap together.
            let galley = ui.painter().layout_no_wrap(name.clone(), FontId::proportional(13.5), color);
            let size = vec2(SAMPLE + 6.0 + galley.size().x, 20.0);
            let (place, response) = ui.allocate_exact_size(size, Sense::hover());
            let line = Rect::from_min_size(place.min, vec2(SAMPLE, size.y));
            style::sample(ui.painter(), line, style::model_color(ui, index), style::model_dash(index));
            let at = pos2(line.right() + 6.0, place.center().y - galley.size().y / 2.0);
            ui.painter().galley(at, galley, color);
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
            response.on_hover_text(model.path.display().to_string());
        }
    });
}

/// A piece of a model's line.
pub fn sample_ui(ui: &mut Ui, model: usize) {
    let (rect, _) = ui.allocate_exact_size(vec2(SAMPLE, 18.0), Sense::hover());
    style::sample(ui.painter(), rect, style::model_color(ui, model), style::model_dash(model));
}

/// Content of any height.
pub fn scrolled_ui(ui: &mut Ui, id: &str, content: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical().id_salt(id).auto_shrink([false, false]).show(ui, |ui| {
        // Room for the scroll bar, so that it never lies over figures.
        ui.set_width((ui.available_width() - 8.0).max(0.0));
        content(ui);
    });
}

/// Names of models to choose from; the one at `shown` is lit.
pub fn models_ui<T: PartialEq + Copy>(ui: &mut Ui, choices: &[(T, String)], shown: T, mut choose: impl FnMut(T)) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
        for (choice, name) in choices {
            let button = eframe::egui::Button::selectable(*choice == shown, format::shortened(name, 34));
            if ui.add(button.frame_when_inactive(true)).accessible_name(name.clone()).clicked() {
                choose(*choice);
            }
        }
    });
}
