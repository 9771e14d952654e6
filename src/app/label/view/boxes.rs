//! Boxes on the picture: accepted ones in full lines, proposals in broken ones, the selected one with its handles.

use crate::app::label::album::Album;
use crate::app::label::content::{BoxId, EditBox};
use crate::app::label::geometry::{Handle, PixelBox, Point};
use crate::app::theme::{class_color32, readable_on};
use crate::app::video_view::label_place;
use crate::imaging::ImageSize;
use eframe::egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, pos2, vec2};

/// Side of a handle, in points.
pub const HANDLE: f32 = 9.0;
/// A point is on a handle within this, in points.
pub const REACH: f32 = 8.0;
const WIDTH: f32 = 2.0;
const TEXT: f32 = 12.5;
/// Edges outside of what is seen are drawn this far from it, where they do not show.
const OUTSIDE: f32 = 30.0;

/// A picture on the screen.
#[derive(Clone, Copy)]
pub struct Placed {
    /// Where the whole picture is.
    pub place: Rect,
    /// Its size.
    pub size: ImageSize,
}

impl Placed {
    fn scale(&self) -> Vec2 {
        self.place.size() / vec2(self.size.width.max(1) as f32, self.size.height.max(1) as f32)
    }

    /// Where a point of the picture is on the screen.
    pub fn on_screen(&self, at: Point) -> Pos2 {
        self.place.min + vec2(at.x as f32, at.y as f32) * self.scale()
    }

    /// Which point of the picture is there.
    pub fn in_picture(&self, at: Pos2) -> Point {
        let from = (at - self.place.min) / self.scale();
        Point::new(f64::from(from.x), f64::from(from.y))
    }

    /// So many points of the screen in pixels of the picture.
    pub fn pixels(&self, points: f32) -> f64 {
        f64::from(points / self.scale().min_elem().max(f32::EPSILON))
    }

    fn rect(&self, rect: &PixelBox) -> Rect {
        let corners = (Point::new(rect.x, rect.y), Point::new(rect.right(), rect.bottom()));
        Rect::from_min_max(self.on_screen(corners.0), self.on_screen(corners.1))
    }
}

/// What is drawn.
pub struct Drawn<'a> {
    /// The boxes and the names of their classes.
    pub boxes: &'a [EditBox],
    /// The names.
    pub album: &'a Album,
    /// The selected box.
    pub selected: Option<BoxId>,
    /// The box in hand, none being a new one, and where it would be.
    pub preview: Option<(Option<BoxId>, PixelBox)>,
    /// The class of new boxes.
    pub class: usize,
}

/// Draws all of it within `stage`.
pub fn paint(painter: &Painter, stage: Rect, placed: Placed, drawn: &Drawn<'_>) {
    let in_hand = |id: BoxId| drawn.preview.filter(|(held, _)| *held == Some(id)).map(|(_, rect)| rect);
    let seen = stage.intersect(placed.place);
    let mut labels: Vec<(Rect, String, Color32)> = Vec::new();
    // The selected one last, over the others.
    let others = drawn.boxes.iter().filter(|found| Some(found.id) != drawn.selected);
    let selected = drawn.boxes.iter().find(|found| Some(found.id) == drawn.selected);
    for found in others.chain(selected) {
        let rect = placed.rect(&in_hand(found.id).unwrap_or(found.rect));
        let is_selected = Some(found.id) == drawn.selected;
        let color = class_color32(found.class as u32);
        outline(painter, stage, rect, color, found.is_proposed() && in_hand(found.id).is_none(), is_selected);
        let name = drawn.album.class_name(found.class);
        let ignored = if found.ignored { " (ignored)" } else { "" };
        let text = found.score.map_or(format!("{name}{ignored}"), |score| format!("{name} {score:.2} ?"));
        labels.push((rect, text, color));
    }
    if let Some((None, rect)) = drawn.preview {
        let color = class_color32(drawn.class as u32);
        let rect = placed.rect(&rect);
        outline(painter, stage, rect, color, false, true);
        labels.push((rect, drawn.album.class_name(drawn.class).to_owned(), color));
    }
    // Under the hand nothing may hide what is being fitted.
    if drawn.preview.is_none() {
        paint_labels(painter, seen, &labels);
        if let Some(found) = selected {
            handles(painter, placed.rect(&found.rect));
        }
    }
}

fn outline(painter: &Painter, stage: Rect, rect: Rect, color: Color32, broken: bool, selected: bool) {
    // Of a box that is much larger than what is seen only the part near it: lines of a mile take time.
    let rect = rect.intersect(stage.expand(OUTSIDE));
    if !rect.is_positive() {
        return;
    }
    let width = if selected { WIDTH * 1.4 } else { WIDTH };
    if selected {
        painter.rect_filled(rect, 0, color.gamma_multiply(0.16));
    }
    painter.rect_stroke(rect, 0, Stroke::new(width + 2.0, Color32::from_black_alpha(170)), StrokeKind::Middle);
    let line = Stroke::new(width, color);
    if !broken {
        painter.rect_stroke(rect, 0, line, StrokeKind::Middle);
        return;
    }
    let around = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
    painter.extend(Shape::dashed_line(&around, line, 7.0, 5.0));
}

fn paint_labels(painter: &Painter, seen: Rect, labels: &[(Rect, String, Color32)]) {
    let mut taken = Vec::new();
    // The selected one has the first choice of place.
    for (rect, text, color) in labels.iter().rev().filter(|(rect, ..)| rect.intersects(seen)) {
        let galley = painter.layout_no_wrap(text.clone(), FontId::proportional(TEXT), readable_on(*color));
        let ground = label_place(seen, &taken, rect.expand(WIDTH), galley.size() + vec2(8.0, 2.0));
        painter.rect_filled(ground, 2, *color);
        let at = Align2::CENTER_CENTER.align_size_within_rect(galley.size(), ground).min;
        painter.galley(at, galley, readable_on(*color));
        taken.push(ground);
    }
}

fn handles(painter: &Painter, rect: Rect) {
    // On a small box the middles would hide it.
    let middles = rect.size().min_elem() > HANDLE * 4.0;
    let unit = PixelBox { x: 0.0, y: 0.0, width: 1.0, height: 1.0 };
    for (index, handle) in Handle::ALL.into_iter().enumerate().filter(|(index, _)| *index < 4 || middles) {
        let share = handle.place(&unit);
        let at = rect.min + vec2(share.x as f32, share.y as f32) * rect.size();
        let side = if index < 4 { HANDLE } else { HANDLE - 2.0 };
        let square = Rect::from_center_size(pos2(at.x.round(), at.y.round()), vec2(side, side));
        painter.rect(square, 1, Color32::WHITE, Stroke::new(1.5, Color32::BLACK), StrokeKind::Outside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_goes_to_the_screen_and_back() {
        let place = Rect::from_min_size(pos2(50.0, 20.0), vec2(400.0, 300.0));
        let placed = Placed { place, size: ImageSize::new(800, 600) };
        assert_eq!(placed.on_screen(Point::new(800.0, 0.0)), pos2(450.0, 20.0));
        let back = placed.in_picture(placed.on_screen(Point::new(123.0, 45.0)));
        assert!((back.x - 123.0).abs() < 1e-3 && (back.y - 45.0).abs() < 1e-3);
        assert_eq!(placed.pixels(8.0), 16.0);
    }
}
