//! The picture under the hand.

use super::boxes::{Drawn, Placed, REACH, paint};
use crate::app::evaluate::{Look, PictureShelf, PictureSize, Zoom, fitted};
use crate::app::label::action::LabelAction;
use crate::app::label::album::Picture;
use crate::app::label::content::BoxId;
use crate::app::label::desk::Desk;
use crate::app::label::export::{counted, counted_boxes};
use crate::app::label::geometry::{Grab, Handle};
use crate::app::theme::{Colors, readable_on};
use crate::imaging::ImageSize;
use eframe::egui::{
    Align2, Color32, CursorIcon, FontId, PointerButton, Pos2, Rect, Response, RichText, Role, Sense, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};

/// Around the picture.
const MARGIN: f32 = 12.0;
/// A notch of a wheel is about fifty points: a fifth closer.
const WHEEL: f32 = 0.0035;

/// Draws the picture in view with its boxes, and takes what the hand does.
pub fn canvas_ui(ui: &mut Ui, desk: &Desk, shelf: &mut PictureShelf, wishes: &mut Vec<LabelAction>) {
    let Some(picture) = desk.picture() else { return };
    let (whole, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
    let spoken = spoken(desk, picture);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &spoken));
    let size = match &picture.size {
        Ok(size) => *size,
        Err(reason) => return notice(ui, whole, reason, Colors::of(ui).error),
    };
    let stage = whole.shrink(MARGIN);
    if !stage.is_positive() {
        return;
    }
    let place = desk.zoom.place(stage, fitted(stage, size));
    let placed = Placed { place, size };
    let painter = ui.painter_at(whole);
    match shelf.look(ui.ctx(), &picture.path, PictureSize::Large) {
        Look::Ready(texture) => {
            let all = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            painter.image(texture.id(), place, all, Color32::WHITE);
        }
        Look::Waiting => {
            painter.rect_filled(place.intersect(whole), 0, Colors::of(ui).card);
        }
        Look::Failed(reason) => return notice(ui, whole, &reason, Colors::of(ui).error),
    }
    let drawn = Drawn {
        boxes: &picture.content().boxes,
        album: &desk.album,
        selected: desk.selected,
        preview: desk.preview(),
        class: desk.class,
    };
    paint(&painter, whole, placed, &drawn);
    if picture.content().done {
        badge(ui, whole, place);
    }
    if let Some(at) = response.hover_pos() {
        guide(&painter, whole.intersect(place), at, desk.in_hand.is_some());
    }
    hand(ui, &response, desk, placed, wishes);
    look_closer(ui, &response, desk.zoom, stage, size, wishes);
    fetch_neighbours(ui, desk, shelf);
}

fn spoken(desk: &Desk, picture: &Picture) -> String {
    let content = picture.content();
    let (accepted, proposed) = (content.accepted().count(), content.proposed().count());
    let selected = desk.selected.and_then(|id| content.find(id));
    let selected = selected.map_or_else(String::new, |found| {
        let [left, top, right, bottom] =
            [found.rect.x, found.rect.y, found.rect.right(), found.rect.bottom()].map(|edge| edge.round());
        let name = desk.album.class_name(found.class);
        format!(", selected {name} at {left} {top} {right} {bottom}")
    });
    let done = if content.done { ", done" } else { "" };
    let closer =
        if desk.zoom.factor() > 1.0 { format!(", {:.1} times closer", desk.zoom.factor()) } else { String::new() };
    let (boxes, proposals) = (counted_boxes(accepted), counted(proposed, "proposal"));
    format!("Picture {}: {boxes}, {proposals}{selected}{done}{closer}", picture.key)
}

/// Draws with the first button: a click selects, a drag moves, resizes or draws.
fn hand(ui: &Ui, response: &Response, desk: &Desk, placed: Placed, wishes: &mut Vec<LabelAction>) {
    let (latest, origin, down, fresh) = ui.input(|input| {
        let pointer = &input.pointer;
        (pointer.latest_pos(), pointer.press_origin(), pointer.primary_down(), input.modifiers.shift)
    });
    // The button may be let go of outside of the window.
    if desk.in_hand.is_some() && !down {
        wishes.extend(latest.map(|at| LabelAction::DragTo(placed.in_picture(at))));
        wishes.push(LabelAction::Drop);
        return;
    }
    let Some(now) = response.interact_pointer_pos().or(response.hover_pos()) else { return };
    let reach = placed.pixels(REACH);
    if response.drag_started_by(PointerButton::Primary) {
        wishes.push(LabelAction::Grab(placed.in_picture(origin.unwrap_or(now)), reach, fresh));
    }
    let to = placed.in_picture(now);
    if response.dragged_by(PointerButton::Primary) && desk.in_hand.is_some_and(|(_, before)| before != to) {
        wishes.push(LabelAction::DragTo(to));
    }
    if response.clicked_by(PointerButton::Primary) {
        wishes.push(LabelAction::Click(placed.in_picture(now)));
    }
    let grab = desk.in_hand.map_or_else(|| Grab::at(desk.selection(), placed.in_picture(now), reach), |(grab, _)| grab);
    ui.ctx().set_cursor_icon(cursor(&grab));
}

fn cursor(grab: &Grab<BoxId>) -> CursorIcon {
    match grab {
        Grab::Draw(_) => CursorIcon::Crosshair,
        Grab::Move(..) => CursorIcon::Move,
        Grab::Resize(_, _, handle, _) => match handle {
            Handle::TopLeft | Handle::BottomRight => CursorIcon::ResizeNwSe,
            Handle::TopRight | Handle::BottomLeft => CursorIcon::ResizeNeSw,
            Handle::Top | Handle::Bottom => CursorIcon::ResizeVertical,
            Handle::Left | Handle::Right => CursorIcon::ResizeHorizontal,
        },
    }
}

/// The wheel and two fingers look closer, the other buttons move the picture.
fn look_closer(ui: &Ui, response: &Response, zoom: Zoom, stage: Rect, size: ImageSize, wishes: &mut Vec<LabelAction>) {
    let mut new = zoom;
    let fitted = fitted(stage, size);
    if response.dragged_by(PointerButton::Secondary) || response.dragged_by(PointerButton::Middle) {
        new = new.dragged(response.drag_delta(), stage, fitted);
    }
    if let Some(at) = response.hover_pos() {
        let (pinch, wheel) = ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta().y));
        let times = pinch * (wheel * WHEEL).exp();
        if times != 1.0 {
            new = new.by(times, at - stage.center(), stage, fitted);
        }
    }
    if new != zoom {
        wishes.push(LabelAction::SetZoom(new));
    }
}

/// Lines through the pointer, to begin a box exactly.
fn guide(painter: &eframe::egui::Painter, within: Rect, at: Pos2, in_hand: bool) {
    if in_hand || !within.contains(at) {
        return;
    }
    for (width, color) in [(3.0, Color32::from_black_alpha(40)), (1.0, Color32::from_white_alpha(110))] {
        painter.hline(within.x_range(), at.y, Stroke::new(width, color));
        painter.vline(at.x, within.y_range(), Stroke::new(width, color));
    }
}

/// Says that the picture is done.
fn badge(ui: &Ui, whole: Rect, place: Rect) {
    let color = Color32::from_rgb(96, 208, 140);
    let seen = whole.intersect(place);
    let painter = ui.painter_at(whole);
    painter.rect_stroke(place, 0, Stroke::new(2.0, color), eframe::egui::StrokeKind::Outside);
    let ink = readable_on(color);
    let galley = painter.layout_no_wrap("Done".to_owned(), FontId::proportional(13.0), ink);
    let size = galley.size() + vec2(30.0, 4.0);
    let ground = Align2::RIGHT_TOP.anchor_size(seen.right_top() + vec2(-6.0, 6.0), size);
    painter.rect_filled(ground, 4, color);
    check_mark(&painter, ground.left_center() + vec2(12.0, 0.0), ink);
    painter.galley(ground.min + vec2(23.0, 2.0), galley, ink);
}

/// A tick: no font that comes with the program has one.
pub fn check_mark(painter: &eframe::egui::Painter, at: Pos2, color: Color32) {
    let points = vec![at + vec2(-4.5, 0.0), at + vec2(-1.5, 3.5), at + vec2(4.5, -4.0)];
    painter.add(eframe::egui::Shape::line(points, Stroke::new(2.0, color)));
}

/// A sentence in place of the picture.
fn notice(ui: &mut Ui, whole: Rect, text: &str, color: Color32) {
    let room = Rect::from_center_size(whole.center(), vec2((whole.width() - 40.0).clamp(80.0, 460.0), whole.height()));
    let galley = ui.painter().layout(text.to_owned(), FontId::proportional(14.0), color, room.width());
    let at = pos2(room.left(), whole.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, color);
    let label = ui.interact(room, ui.scope_id().with("notice"), Sense::hover());
    label.widget_info(|| WidgetInfo::labeled(Role::Label, true, RichText::new(text).text()));
}

/// The neighbours come before they are asked for.
fn fetch_neighbours(ui: &Ui, desk: &Desk, shelf: &mut PictureShelf) {
    let next = [desk.album.next_open(desk.at), Some(desk.at + 1), desk.at.checked_sub(1)];
    // Two fit beside the one in view.
    for index in next.into_iter().flatten().filter(|index| *index != desk.at).take(2) {
        if let Some(picture) = desk.album.picture(index).filter(|picture| picture.size.is_ok()) {
            shelf.look(ui.ctx(), &picture.path, PictureSize::Large);
        }
    }
}
