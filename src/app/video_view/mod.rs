//! The picture with its boxes: exactly one [`FrameResult`], never boxes on a newer frame.

mod boxes;
mod captions;
mod divider;
mod picture;

pub use boxes::{ClassColors, LANE_ON_PICTURE, label_place};
pub use picture::Picture;

use super::actions::Action;
use super::settings::CompareLayout;
use super::state::HoveredBox;
use super::theme::Colors;
use crate::pipeline::{FrameResult, LaneId, Mode};
use boxes::{BoxPainter, Marking};
use captions::{Badge, both_badges};
use eframe::egui::{Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use std::collections::BTreeSet;

/// What is drawn.
pub struct VideoViewInput<'a> {
    /// The frame and its boxes.
    pub result: &'a FrameResult,
    /// The same frame as a texture.
    pub picture: &'a Picture,
    /// How two models are shown.
    pub layout: CompareLayout,
    /// Where the divider stands, 0…1 of the picture's width.
    pub divider: f32,
    /// Names of classes that are not drawn.
    pub hidden: &'a BTreeSet<String>,
    /// The row of the list of detections under the pointer.
    pub hovered: Option<HoveredBox>,
    /// Whether the source is gone: the last good frame is shown darker.
    pub dimmed: bool,
}

/// Draws the picture into the room that is left.
pub fn video_view_ui(ui: &mut Ui, input: &VideoViewInput<'_>, actions: &mut Vec<Action>) {
    let stage = ui.available_rect_before_wrap();
    let response = ui.allocate_rect(stage, Sense::hover());
    let spoken = spoken(input);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &spoken));
    let room = stage.shrink(10.0);
    if !room.is_positive() {
        return;
    }
    let both = input.result.mode == Mode::Compare && input.result.lanes.iter().all(Option::is_some);
    match input.layout {
        CompareLayout::SideBySide if both => side_by_side_ui(ui, room, input),
        CompareLayout::Divider if both => {
            let place = picture_ui(ui, room, input);
            divider::divider_ui(ui, place, input, actions);
        }
        CompareLayout::Overlay if both => {
            let place = picture_ui(ui, room, input);
            let badges = both_badges(ui, place, input);
            BoxPainter::new(ui.painter_at(place), place, input, &badges).overlay();
            badges.into_iter().for_each(Badge::paint);
            captions::overlay_legend(ui, place);
        }
        _ => single_ui(ui, room, input),
    }
}

/// What a screen reader says of the picture; which frame it is can be read from it too.
fn spoken(input: &VideoViewInput<'_>) -> String {
    let found = LaneId::BOTH.into_iter().filter_map(|lane| {
        let found = input.result.lanes[lane.index()].as_ref()?;
        Some(format!(", {lane:?}: {} boxes", found.detections.len()))
    });
    let found: String = found.collect();
    format!("Picture {}, frame {}{found}", input.result.frame.name, input.result.id.0)
}

fn side_by_side_ui(ui: &mut Ui, room: Rect, input: &VideoViewInput<'_>) {
    const GAP: f32 = 8.0;
    // Side by side while that gives the larger pictures, else one above the other.
    let beside = vec2((room.width() - GAP) / 2.0, room.height());
    let above = vec2(room.width(), (room.height() - GAP) / 2.0);
    let scale = |size: eframe::egui::Vec2| (size / input.picture.size()).min_elem();
    let rooms = if scale(beside) >= scale(above) {
        [room.left(), room.left() + beside.x + GAP].map(|x| Rect::from_min_size(pos2(x, room.top()), beside))
    } else {
        [room.top(), room.top() + above.y + GAP].map(|y| Rect::from_min_size(pos2(room.left(), y), above))
    };
    for (lane, room) in LaneId::BOTH.into_iter().zip(rooms) {
        let place = picture_ui(ui, room, input);
        let badge = Badge::new(ui, place, input, lane, false);
        BoxPainter::new(ui.painter_at(place), place, input, badge.as_slice()).lane(lane, Marking::Alone);
        badge.into_iter().for_each(Badge::paint);
        if lane == LaneId::B {
            captions::alone_note(ui, place, input);
        }
    }
}

/// One picture with the boxes of the models that ran: normally one.
fn single_ui(ui: &mut Ui, room: Rect, input: &VideoViewInput<'_>) {
    let place = picture_ui(ui, room, input);
    let ran = |lane: LaneId| input.result.lanes[lane.index()].is_some();
    let badge = |lane| Badge::new(ui, place, input, lane, lane == LaneId::B && ran(LaneId::A));
    let badges: Vec<Badge> = LaneId::BOTH.into_iter().filter_map(badge).collect();
    let painter = BoxPainter::new(ui.painter_at(place), place, input, &badges);
    LaneId::BOTH.into_iter().filter(|lane| ran(*lane)).for_each(|lane| painter.lane(lane, Marking::None));
    badges.into_iter().for_each(Badge::paint);
}

/// Draws the picture as large as it fits and returns where it is.
fn picture_ui(ui: &Ui, room: Rect, input: &VideoViewInput<'_>) -> Rect {
    let size = input.picture.size();
    let scale = (room.size() / size).min_elem();
    let place = Rect::from_center_size(room.center(), size * scale).round_to_pixels_in(ui);
    input.picture.paint(ui.painter(), place, input.dimmed);
    ui.painter().rect_stroke(place, 0, (1.0, Colors::of(ui).line), eframe::egui::StrokeKind::Outside);
    place
}

trait RoundToPixels {
    fn round_to_pixels_in(self, ui: &Ui) -> Self;
}

impl RoundToPixels for Rect {
    fn round_to_pixels_in(self, ui: &Ui) -> Self {
        use eframe::egui::emath::GuiRounding;
        self.round_to_pixels(ui.pixels_per_point())
    }
}
