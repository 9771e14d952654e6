//! One picture, A's boxes left of a line that can be dragged, B's right of it.

use super::VideoViewInput;
use super::boxes::{BoxPainter, Marking};
use super::captions::{self, Badge, both_badges};
use crate::app::actions::Action;
use crate::pipeline::LaneId;
use eframe::egui::{Color32, CursorIcon, FontId, Key, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

/// How far from the line the pointer takes hold of it.
const GRIP: f32 = 9.0;
/// How far an arrow key moves it.
const KEY_STEP: f32 = 0.02;

/// Draws boxes and line over the picture at `place`.
pub fn divider_ui(ui: &mut Ui, place: Rect, input: &VideoViewInput<'_>, actions: &mut Vec<Action>) {
    let x = place.left() + place.width() * input.divider.clamp(0.0, 1.0);
    let left = Rect::from_min_max(place.min, pos2(x, place.bottom()));
    let right = Rect::from_min_max(pos2(x, place.top()), place.max);
    let badges = both_badges(ui, place, input);
    for (lane, half) in [(LaneId::A, left), (LaneId::B, right)] {
        let painter = BoxPainter::new(ui.painter_at(half), place, input, &badges);
        painter.lane(lane, Marking::Alone);
    }
    badges.into_iter().for_each(Badge::paint);
    captions::alone_note(ui, place, input);
    let grip = Rect::from_center_size(pos2(x, place.center().y), vec2(GRIP * 2.0, place.height()));
    let response = ui.interact(grip, ui.scope_id().with("divider"), Sense::click_and_drag());
    let response = response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::slider(enabled, f64::from(input.divider), "Divider"));
    if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged()) {
        let to = ((pointer.x - place.left()) / place.width().max(1.0)).clamp(0.0, 1.0);
        // Held still it asks for nothing, and the window may rest.
        if to != input.divider {
            actions.push(Action::SetDivider(to));
        }
    }
    if response.has_focus() {
        let pressed = |key| ui.input(|i| i.key_pressed(key));
        let step = f32::from(pressed(Key::ArrowRight)) - f32::from(pressed(Key::ArrowLeft));
        if step != 0.0 {
            actions.push(Action::SetDivider(input.divider + step * KEY_STEP));
        }
    }
    line(ui, place, x, response.hovered() || response.dragged() || response.has_focus());
}

fn line(ui: &Ui, place: Rect, x: f32, held: bool) {
    let painter = ui.painter_at(place.expand(GRIP));
    painter.vline(x, place.y_range(), (4.0, Color32::from_black_alpha(150)));
    painter.vline(x, place.y_range(), (2.0, Color32::WHITE));
    let knob = pos2(x, place.center().y);
    let radius = if held { 13.0 } else { 11.0 };
    painter.circle_filled(knob, radius + 1.5, Color32::from_black_alpha(150));
    painter.circle_filled(knob, radius, Color32::WHITE);
    let dark = Color32::from_rgb(30, 32, 38);
    painter.text(knob, eframe::egui::Align2::CENTER_CENTER, "↔", FontId::proportional(14.0), dark);
}
