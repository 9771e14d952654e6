//! One picture large: what is there, what the reference found, what the candidate found.

use super::boxes::{Placed, Side};
use super::differences::{count_words, fitted, legend_ui, picture_in};
use super::parts::note_ui;
use crate::app::evaluate::action::EvaluateAction;
use crate::app::evaluate::pictures::{PictureShelf, PictureSize};
use crate::app::evaluate::state::Results;
use crate::app::evaluate::zoom::Zoom;
use crate::app::format;
use crate::app::theme::{Colors, readable_on};
use crate::evaluate::{NamedBox, PictureDifference};
use crate::imaging::ImageSize;
use eframe::egui::containers::Sides;
use eframe::egui::{Align2, Button, FontId, Label, Rect, Response, RichText, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

const GAP: f32 = 8.0;
/// What stands below the pictures.
const BELOW: f32 = 24.0;
/// Room that the hint on the wheel takes.
const HINT_FROM: f32 = 290.0;
/// A notch of a wheel is about fifty points: a fifth closer.
const WHEEL: f32 = 0.0035;

/// Draws the picture that the gallery shows large.
pub fn large_ui(ui: &mut Ui, results: &Results, shelf: &mut PictureShelf, wishes: &mut Vec<EvaluateAction>) {
    let Some(picture) = results.enlarged() else { return };
    let at = results.gallery.enlarged.unwrap_or_default();
    controls_ui(ui, results, picture, at, wishes);
    let room = (ui.available_size() - vec2(0.0, BELOW)).max(Vec2::splat(80.0));
    let (stage, response) = ui.allocate_exact_size(room, Sense::click_and_drag());
    let name = format::file_name(&picture.path);
    response.widget_info(|| {
        let boxes = [&picture.truth, &picture.reference_boxes, &picture.candidate_boxes].map(|boxes| boxes.len());
        let [truth, reference, candidate] = boxes;
        let spoken =
            format!("{name} large: {truth} true boxes, {reference} of the reference, {candidate} of the candidate");
        let factor = results.gallery.zoom.factor();
        let closer = if factor > 1.0 { format!(", {factor:.1} times closer") } else { String::new() };
        WidgetInfo::labeled(Role::Image, true, spoken + &closer)
    });
    let halves = if results.gallery.overlaid { [stage, stage] } else { halves(stage, picture.size) };
    wishes.extend(zoomed(ui, &response, results.gallery.zoom, halves, picture.size));
    let truth = |placed: &Placed<'_>, found: &[NamedBox]| {
        if results.gallery.truth {
            placed.truth(&picture.truth, found);
        }
    };
    if results.gallery.overlaid {
        picture_in(ui, stage, picture, PictureSize::Large, results.gallery.zoom, shelf, |placed| {
            let found = [picture.reference_boxes.as_slice(), &picture.candidate_boxes].concat();
            truth(placed, &found);
            let mut taken = Vec::new();
            placed.shared(&picture.candidate_boxes);
            placed.side(&picture.reference_boxes, Side::Reference, &mut taken);
            let alone: Vec<_> = picture.candidate_boxes.iter().filter(|named| !named.matched).cloned().collect();
            placed.side(&alone, Side::Candidate, &mut taken);
        });
    } else {
        let names = [0, picture.candidate].map(|index| {
            let model = results.evaluation.models.get(index);
            model.map_or_else(String::new, |model| format::file_name(&model.path))
        });
        let sides = [(Side::Reference, &picture.reference_boxes), (Side::Candidate, &picture.candidate_boxes)];
        for ((stage, (side, boxes)), name) in halves.into_iter().zip(sides).zip(names) {
            picture_in(ui, stage, picture, PictureSize::Large, results.gallery.zoom, shelf, |placed| {
                truth(placed, boxes);
                let badge = badge(ui, placed, side, &name);
                placed.side(boxes, side, &mut vec![badge]);
            });
        }
    }
    ui.horizontal(|ui| {
        legend_ui(ui, true);
        if ui.available_width() > HINT_FROM {
            note_ui(ui, "Wheel: closer. Drag: move. Double click: all of it.");
        }
    });
    // The neighbours come before they are asked for.
    for step in [1, -1] {
        if let Some(next) = at.checked_add_signed(step).and_then(|index| results.shown_differences().nth(index)) {
            shelf.look(ui.ctx(), &next.path, PictureSize::Large);
        }
    }
}

/// The wheel and two fingers look closer, dragging moves, a double click shows all of it again.
fn zoomed(ui: &Ui, response: &Response, zoom: Zoom, halves: [Rect; 2], size: ImageSize) -> Option<EvaluateAction> {
    let mut new = zoom;
    let at = response.hover_pos().or(response.interact_pointer_pos());
    let stage = halves.into_iter().find(|half| at.is_some_and(|at| half.contains(at))).unwrap_or(halves[0]);
    if response.double_clicked() {
        new = Zoom::default();
    } else if response.dragged() {
        new = new.dragged(response.drag_delta(), stage, fitted(stage, size));
    }
    if let Some(at) = response.hover_pos() {
        let (pinch, wheel) = ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta().y));
        let times = pinch * (wheel * WHEEL).exp();
        if times != 1.0 {
            new = new.by(times, at - stage.center(), stage, fitted(stage, size));
        }
    }
    (new != zoom).then_some(EvaluateAction::SetZoom(new))
}

fn controls_ui(
    ui: &mut Ui,
    results: &Results,
    picture: &PictureDifference,
    at: usize,
    wishes: &mut Vec<EvaluateAction>,
) {
    let count = results.shown_differences().count();
    let mut right = Vec::new();
    Sides::new().shrink_left().show(
        ui,
        |ui| {
            if ui.button("← Gallery").on_hover_text("Back to all pictures (Esc)").clicked() {
                wishes.push(EvaluateAction::Enlarge(None));
            }
            for (text, name, step, possible) in
                [("‹", "Previous picture", -1, at > 0), ("›", "Next picture", 1, at + 1 < count)]
            {
                let tip = if step < 0 { "Previous picture (Left)" } else { "Next picture (Right)" };
                let button = ui.add_enabled(possible, Button::new(text).min_size(vec2(28.0, 0.0))).on_hover_text(tip);
                if button.accessible_name(name).clicked() {
                    wishes.push(EvaluateAction::TurnPage(step));
                }
            }
            ui.label(format!("{} of {count}", at + 1));
            let text = format!("{} · {}", format::file_name(&picture.path), count_words(picture));
            let label = Label::new(RichText::new(text).color(Colors::of(ui).weak)).truncate();
            ui.add(label).on_hover_text(picture.path.display().to_string());
        },
        |ui| {
            let mut overlaid = results.gallery.overlaid;
            if ui.checkbox(&mut overlaid, "One picture").on_hover_text("All boxes on one picture (V)").changed() {
                right.push(EvaluateAction::SetOverlaid(overlaid));
            }
            let mut truth = results.gallery.truth;
            if ui.checkbox(&mut truth, "Truth").on_hover_text("What is really there (T)").changed() {
                right.push(EvaluateAction::SetTruthShown(truth));
            }
        },
    );
    wishes.append(&mut right);
}

/// The two halves in which the picture is larger: beside or below each other.
fn halves(stage: Rect, size: ImageSize) -> [Rect; 2] {
    let (left, right) = stage.split_left_right_at_fraction(0.5);
    let (top, bottom) = stage.split_top_bottom_at_fraction(0.5);
    let beside = [left.with_max_x(left.right() - GAP / 2.0), right.with_min_x(right.left() + GAP / 2.0)];
    let below = [top.with_max_y(top.bottom() - GAP / 2.0), bottom.with_min_y(bottom.top() + GAP / 2.0)];
    if fitted(beside[0], size).area() >= fitted(below[0], size).area() { beside } else { below }
}

/// Whose boxes these are, in the upper left corner; its place.
fn badge(ui: &Ui, placed: &Placed<'_>, side: Side, name: &str) -> Rect {
    let role = match side {
        Side::Reference => "reference",
        Side::Candidate => "candidate",
    };
    let fill = side.color();
    let most = (placed.stage.width() / 8.0) as usize;
    let text = format::shortened(&format!("{role}: {name}"), most.max(12));
    let galley = ui.painter().layout_no_wrap(text, FontId::proportional(12.5), readable_on(fill));
    let ground =
        Rect::from_min_size(placed.place.intersect(placed.stage).min + vec2(6.0, 6.0), galley.size() + vec2(10.0, 4.0));
    placed.painter.rect_filled(ground, 4, fill);
    let at = Align2::CENTER_CENTER.align_size_within_rect(galley.size(), ground).min;
    placed.painter.galley(at, galley, readable_on(fill));
    ground
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::pos2;

    #[test]
    fn two_pictures_stand_where_they_are_larger() {
        let stage = |width, height| Rect::from_min_size(pos2(10.0, 20.0), vec2(width, height));
        let [a, b] = halves(stage(1000.0, 400.0), ImageSize::new(640, 480));
        assert!(a.right() < b.left() && a.top() == b.top(), "beside each other in a wide place");
        let [a, b] = halves(stage(400.0, 1000.0), ImageSize::new(640, 480));
        assert!(a.bottom() < b.top() && a.left() == b.left(), "below each other in a high one");
    }
}
