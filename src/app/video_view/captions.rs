//! What stands on the picture beside boxes: which model it is, and what the lines mean.

use super::VideoViewInput;
use super::boxes::LANE_ON_PICTURE;
use crate::app::snapshot::lane_title;
use crate::pipeline::LaneId;
use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{Align2, Color32, FontId, Galley, Painter, Rect, Shape, Stroke, Ui, pos2, vec2};
use std::sync::Arc;

const GROUND: Color32 = Color32::from_black_alpha(190);
const TEXT: Color32 = Color32::from_rgb(240, 242, 246);
const MARGIN: f32 = 6.0;

/// "A · FP32 · name.onnx" in an upper corner of the picture.
pub struct Badge {
    painter: Painter,
    ground: Rect,
    galley: Arc<Galley>,
    lane: LaneId,
}

impl Badge {
    /// The badge of a lane, in the left or the right corner; None where the lane did not run.
    pub fn new(ui: &Ui, place: Rect, input: &VideoViewInput<'_>, lane: LaneId, right: bool) -> Option<Self> {
        let found = input.result.lanes[lane.index()].as_ref()?;
        let painter = ui.painter_at(place);
        let mut job = LayoutJob::simple_singleline(lane_title(lane, found), FontId::proportional(13.0), TEXT);
        job.wrap = TextWrapping::truncate_at_width((place.width() / 2.0 - 40.0).max(40.0));
        let galley = painter.layout_job(job);
        let size = galley.size() + vec2(26.0, 8.0);
        let x = if right { place.right() - MARGIN - size.x } else { place.left() + MARGIN };
        let ground = Rect::from_min_size(pos2(x, place.top() + MARGIN), size);
        Some(Self { painter, ground, galley, lane })
    }

    /// Where it is: labels of boxes keep clear of it.
    pub fn rect(&self) -> Rect {
        self.ground
    }

    /// Draws it.
    pub fn paint(self) {
        let Self { painter, ground, galley, lane } = self;
        painter.rect_filled(ground, 5, GROUND);
        painter.circle_filled(pos2(ground.left() + 11.0, ground.center().y), 4.5, LANE_ON_PICTURE[lane.index()]);
        let at = pos2(ground.left() + 20.0, ground.center().y - galley.size().y / 2.0);
        painter.galley(at, galley, TEXT);
    }
}

/// A's badge in the left corner, B's in the right one.
pub fn both_badges(ui: &Ui, place: Rect, input: &VideoViewInput<'_>) -> Vec<Badge> {
    let badge = |lane| Badge::new(ui, place, input, lane, lane == LaneId::B);
    LaneId::BOTH.into_iter().filter_map(badge).collect()
}

/// What the lines of the overlay mean.
pub fn overlay_legend(ui: &Ui, place: Rect) {
    let painter = ui.painter_at(place);
    let entries = [("both", TEXT, false), ("only A", LANE_ON_PICTURE[0], true), ("only B", LANE_ON_PICTURE[1], true)];
    legend(&painter, place, &entries);
}

/// What a broken line means, where there is one.
pub fn alone_note(ui: &Ui, place: Rect, input: &VideoViewInput<'_>) {
    let alone = input.result.agreement.as_ref().is_some_and(|a| !a.only_a.is_empty() || !a.only_b.is_empty());
    if alone {
        legend(&ui.painter_at(place), place, &[("the other model missed it", TEXT, true)]);
    }
}

fn legend(painter: &Painter, place: Rect, entries: &[(&str, Color32, bool)]) {
    const LINE: f32 = 22.0;
    let font = FontId::proportional(12.0);
    let galleys: Vec<_> =
        entries.iter().map(|(name, ..)| painter.layout_no_wrap((*name).to_owned(), font.clone(), TEXT)).collect();
    let width: f32 = galleys.iter().map(|galley| galley.size().x + LINE + 18.0).sum();
    let size = vec2(width + 4.0, 22.0);
    let corner = place.right_bottom() - vec2(MARGIN, MARGIN);
    let ground = Align2::RIGHT_BOTTOM.anchor_size(corner, size);
    painter.rect_filled(ground, 5, GROUND);
    let mut x = ground.left() + 9.0;
    for (galley, (_, color, dashed)) in galleys.into_iter().zip(entries) {
        let points = [pos2(x, ground.center().y), pos2(x + LINE, ground.center().y)];
        let stroke = Stroke::new(2.0, *color);
        if *dashed {
            painter.extend(Shape::dashed_line(&points, stroke, 5.0, 3.0));
        } else {
            painter.line_segment(points, stroke);
        }
        let at = pos2(x + LINE + 5.0, ground.center().y - galley.size().y / 2.0);
        x += LINE + 18.0 + galley.size().x;
        painter.galley(at, galley, TEXT);
    }
}
