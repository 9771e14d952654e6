//! The gallery: small pictures on which the models differ most, with the boxes that only one of them has.

use super::boxes::{Placed, Side, TRUTH, legend};
use super::parts::{models_ui, note_ui};
use crate::app::evaluate::action::EvaluateAction;
use crate::app::evaluate::pictures::{Look, PictureShelf, PictureSize};
use crate::app::evaluate::state::Results;
use crate::app::evaluate::zoom::Zoom;
use crate::app::format;
use crate::app::theme::Colors;
use crate::evaluate::PictureDifference;
use crate::imaging::ImageSize;
use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{
    Align2, Color32, FontId, Painter, Rect, Response, Role, ScrollArea, Sense, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

/// A card is about so wide.
const CARD_WIDTH: f32 = 236.0;
const CAPTION: f32 = 40.0;
const GAP: f32 = 10.0;

/// Draws the tab.
pub fn differences_ui(ui: &mut Ui, results: &Results, shelf: &mut PictureShelf, wishes: &mut Vec<EvaluateAction>) {
    let evaluation = &*results.evaluation;
    if evaluation.models.len() < 2 {
        note_ui(ui, "There is one model only: evaluate two or more to see where they differ.");
        return;
    }
    filter_ui(ui, results, wishes);
    let pictures: Vec<&PictureDifference> = results.shown_differences().collect();
    if pictures.is_empty() {
        let confidence = evaluation.settings.confidence;
        note_ui(ui, &format!("No picture on which they differ at a confidence of {confidence:.2}."));
        return;
    }
    legend_ui(ui, false);
    let columns = ((ui.available_width() + GAP) / (CARD_WIDTH + GAP)).floor().max(1.0);
    let width = (ui.available_width() - 10.0 - GAP * (columns - 1.0)) / columns;
    let size = vec2(width, width * 0.7 + CAPTION);
    let columns = columns as usize;
    ScrollArea::vertical().id_salt("gallery").auto_shrink([false, false]).show_rows(
        ui,
        size.y + GAP - ui.spacing().item_spacing.y,
        pictures.len().div_ceil(columns),
        |ui, rows| {
            for row in rows {
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = GAP;
                    for (index, picture) in pictures.iter().enumerate().skip(row * columns).take(columns) {
                        let (place, response) = ui.allocate_exact_size(size, Sense::click());
                        card(ui, place, &response, picture, shelf);
                        name_card(&response, index, picture);
                        if response.clicked() {
                            wishes.push(EvaluateAction::Enlarge(Some(index)));
                        }
                    }
                });
                ui.add_space(GAP - 2.0 * ui.spacing().item_spacing.y);
            }
        },
    );
}

fn filter_ui(ui: &mut Ui, results: &Results, wishes: &mut Vec<EvaluateAction>) {
    let models = &results.evaluation.models;
    if models.len() < 3 {
        return;
    }
    let mut choices = vec![(None, "All models".to_owned())];
    choices
        .extend(models.iter().enumerate().skip(1).map(|(index, model)| (Some(index), format::file_name(&model.path))));
    models_ui(ui, &choices, results.gallery.candidate, |chosen| wishes.push(EvaluateAction::DifferencesOf(chosen)));
}

/// Draws what the lines mean; `large` also what only large pictures have.
pub fn legend_ui(ui: &mut Ui, large: bool) {
    let weak = Colors::of(ui).weak;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let alone = [
            (true, Side::Reference.color(), "only the reference finds it"),
            (true, Side::Candidate.color(), "only the candidate finds it"),
        ];
        let truth = [(false, TRUTH, "truth"), (true, TRUTH, "truth that is missed")];
        for (broken, color, text) in alone.into_iter().chain(truth.into_iter().filter(|_| large)) {
            let (at, _) = ui.allocate_exact_size(vec2(30.0, 16.0), Sense::hover());
            legend(broken, color, ui.painter(), at);
            ui.label(eframe::egui::RichText::new(text).small().color(weak));
            ui.add_space(8.0);
        }
    });
}

fn card(ui: &Ui, place: Rect, response: &Response, picture: &PictureDifference, shelf: &mut PictureShelf) {
    let colors = Colors::of(ui);
    let line = if response.hovered() || response.has_focus() { colors.text } else { colors.line };
    ui.painter().rect_filled(place, 6, colors.card);
    ui.painter().rect_stroke(place, 6, (1.0, line), StrokeKind::Inside);
    let stage = Rect::from_min_max(place.min + vec2(5.0, 5.0), pos2(place.right() - 5.0, place.bottom() - CAPTION));
    picture_in(ui, stage, picture, PictureSize::Small, Zoom::default(), shelf, |placed| {
        placed.alone(&picture.reference_boxes, Side::Reference);
        placed.alone(&picture.candidate_boxes, Side::Candidate);
    });
    let text = |row: f32, text: &str, size: f32, color: Color32| {
        let mut job = LayoutJob::simple_singleline(text.to_owned(), FontId::proportional(size), color);
        job.wrap = TextWrapping::truncate_at_width(place.width() - 16.0);
        let galley = ui.painter().layout_job(job);
        ui.painter().galley(pos2(place.left() + 8.0, place.bottom() - CAPTION + row), galley, color);
    };
    text(3.0, &count_words(picture), 13.5, colors.text);
    text(20.0, &format::file_name(&picture.path), 12.0, colors.weak);
}

/// "3 boxes differ, 5 alike".
pub fn count_words(picture: &PictureDifference) -> String {
    let differ = if picture.different_boxes == 1 { "1 box differs" } else { "" };
    let differ =
        if differ.is_empty() { format!("{} boxes differ", picture.different_boxes) } else { differ.to_owned() };
    format!("{differ}, {} alike", picture.same_boxes)
}

fn name_card(response: &Response, index: usize, picture: &PictureDifference) {
    let name = format::file_name(&picture.path);
    let spoken = format!("Picture {}: {name}, {}", index + 1, count_words(picture));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
}

/// Draws a picture as large as fits into `stage`, what stands in for it while it is not there, and its boxes.
pub fn picture_in(
    ui: &Ui,
    stage: Rect,
    picture: &PictureDifference,
    size: PictureSize,
    zoom: Zoom,
    shelf: &mut PictureShelf,
    boxes: impl FnOnce(&Placed<'_>),
) {
    let painter = ui.painter().with_clip_rect(stage.intersect(ui.clip_rect()));
    painter.rect_filled(stage, 3, Colors::of(ui).stage);
    match shelf.look(ui.ctx(), &picture.path, size) {
        Look::Waiting => said(ui, &painter, stage, "…"),
        Look::Failed(reason) => said(ui, &painter, stage, &reason),
        Look::Ready(texture) => {
            let place = zoom.place(stage, fitted(stage, picture.size));
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            painter.image(texture.id(), place, whole, Color32::WHITE);
            boxes(&Placed { painter: &painter, place, size: picture.size, stage });
        }
    }
}

fn said(ui: &Ui, painter: &Painter, stage: Rect, text: &str) {
    let color = Colors::of(ui).weak;
    let galley = painter.layout(text.to_owned(), FontId::proportional(12.0), color, stage.width() - 12.0);
    let at = Align2::CENTER_CENTER.align_size_within_rect(galley.size(), stage).min;
    painter.galley(at, galley, color);
}

/// The largest place of a picture's shape in the middle of `stage`.
pub fn fitted(stage: Rect, size: ImageSize) -> Rect {
    let size = vec2(size.width.max(1) as f32, size.height.max(1) as f32);
    let scale = (stage.size() / size).min_elem();
    Rect::from_center_size(stage.center(), size * scale)
}
