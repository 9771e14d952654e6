//! Drawing into a square face with coordinates 0…1, y downwards.

use crate::scene::maths::{cos, sin};
use tiny_skia::{Color, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, Stroke, Transform};

/// A colour as red, green, blue, 0…255.
pub(super) type Ink = [u8; 3];

/// One step of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Go to.
    M(f32, f32),
    /// Straight line to.
    L(f32, f32),
    /// Cubic curve: two control points, then the end.
    C(f32, f32, f32, f32, f32, f32),
    /// Close.
    Z,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// Cut off square.
    Flat,
    /// Round.
    Round,
}

/// A face being drawn.
pub(super) struct Pen {
    pixmap: Option<Pixmap>,
    side: f32,
}

impl Pen {
    /// A transparent face of `side` texels.
    pub fn new(side: u32) -> Self {
        Self { pixmap: Pixmap::new(side, side), side: side as f32 }
    }

    /// The texels, premultiplied, red in the lowest byte and alpha in the highest.
    pub fn into_texels(self) -> Vec<u32> {
        let pixels = self.pixmap.map(|p| p.take()).unwrap_or_default();
        pixels.chunks_exact(4).map(|p| u32::from_le_bytes([p[0], p[1], p[2], p[3]])).collect()
    }

    fn paint(ink: Ink, alpha: f32) -> Paint<'static> {
        let mut paint = Paint { anti_alias: true, ..Paint::default() };
        let c = |v: u8| f32::from(v) / 255.0;
        paint.set_color(Color::from_rgba(c(ink[0]), c(ink[1]), c(ink[2]), alpha).unwrap_or(Color::BLACK));
        paint
    }

    fn transform(&self) -> Transform {
        Transform::from_scale(self.side, self.side)
    }

    /// Fills a polygon.
    pub fn polygon(&mut self, points: &[[f32; 2]], ink: Ink) {
        self.polygon_alpha(points, ink, 1.0);
    }

    /// Fills a polygon that lets what is below shine through.
    pub fn polygon_alpha(&mut self, points: &[[f32; 2]], ink: Ink, alpha: f32) {
        let mut builder = PathBuilder::new();
        for (i, p) in points.iter().enumerate() {
            if i == 0 { builder.move_to(p[0], p[1]) } else { builder.line_to(p[0], p[1]) }
        }
        builder.close();
        let transform = self.transform();
        if let (Some(pixmap), Some(path)) = (self.pixmap.as_mut(), builder.finish()) {
            pixmap.fill_path(&path, &Self::paint(ink, alpha), FillRule::Winding, transform, None);
        }
    }

    /// Fills an axis-aligned rectangle.
    pub fn rectangle(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, ink: Ink) {
        self.polygon(&[[x1, y1], [x2, y1], [x2, y2], [x1, y2]], ink);
    }

    /// Fills a disc.
    pub fn disc(&mut self, x: f32, y: f32, radius: f32, ink: Ink) {
        self.polygon(&circle(x, y, radius), ink);
    }

    /// Strokes a path given in its own coordinates: `face = path * scale + (dx, dy)`; `width` is in path units.
    pub fn stroke_at(&mut self, steps: &[Step], [dx, dy, scale]: [f32; 3], width: f32, ends: Ends, ink: Ink) {
        let mut builder = PathBuilder::new();
        for &step in steps {
            match step {
                Step::M(x, y) => builder.move_to(x, y),
                Step::L(x, y) => builder.line_to(x, y),
                Step::C(a, b, c, d, x, y) => builder.cubic_to(a, b, c, d, x, y),
                Step::Z => builder.close(),
            }
        }
        let (line_cap, line_join) = match ends {
            Ends::Flat => (LineCap::Butt, LineJoin::Miter),
            Ends::Round => (LineCap::Round, LineJoin::Round),
        };
        let stroke = Stroke { width, line_cap, line_join, ..Stroke::default() };
        let transform =
            Transform::from_row(scale * self.side, 0.0, 0.0, scale * self.side, dx * self.side, dy * self.side);
        if let (Some(pixmap), Some(path)) = (self.pixmap.as_mut(), builder.finish()) {
            pixmap.stroke_path(&path, &Self::paint(ink, 1.0), &stroke, transform, None);
        }
    }

    /// Strokes a path in face coordinates.
    pub fn stroke(&mut self, steps: &[Step], width: f32, ends: Ends, ink: Ink) {
        self.stroke_at(steps, [0.0, 0.0, 1.0], width, ends, ink);
    }

    /// Strokes a line through points.
    pub fn line(&mut self, points: &[[f32; 2]], width: f32, ends: Ends, ink: Ink) {
        let steps: Vec<Step> = points
            .iter()
            .enumerate()
            .map(|(i, p)| if i == 0 { Step::M(p[0], p[1]) } else { Step::L(p[0], p[1]) })
            .collect();
        self.stroke(&steps, width, ends, ink);
    }
}

/// A circle as a polygon of 96 points.
pub(super) fn circle(x: f32, y: f32, radius: f32) -> Vec<[f32; 2]> {
    arc(x, y, radius, 0.0, 360.0, 96)
}

/// Points on an arc from `from` to `to` degrees; 0 is right, 90 is down.
pub(super) fn arc(x: f32, y: f32, radius: f32, from: f32, to: f32, count: usize) -> Vec<[f32; 2]> {
    let last = if (to - from).abs() >= 360.0 { count } else { count.max(2) - 1 };
    let angle = |i: usize| f64::from(from + (to - from) * i as f32 / last as f32).to_radians();
    (0..count).map(|i| [x + radius * cos(angle(i)), y + radius * sin(angle(i))]).collect()
}

/// A regular polygon; `first` is the direction of its first corner in degrees.
pub(super) fn regular(corners: usize, x: f32, y: f32, radius: f32, first: f32) -> Vec<[f32; 2]> {
    arc(x, y, radius, first, first + 360.0, corners)
}

/// A convex polygon with its corners rounded: each is cut `cut` before and after and joined by a curve.
pub(super) fn rounded(corners: &[[f32; 2]], cut: f32) -> Vec<[f32; 2]> {
    let count = corners.len();
    let mut points = Vec::with_capacity(count * 7);
    for i in 0..count {
        let (before, at, after) = (corners[(i + count - 1) % count], corners[i], corners[(i + 1) % count]);
        let towards = |other: [f32; 2]| {
            let (dx, dy) = (other[0] - at[0], other[1] - at[1]);
            let length = (dx * dx + dy * dy).sqrt().max(1e-6);
            [at[0] + dx / length * cut, at[1] + dy / length * cut]
        };
        let (start, end) = (towards(before), towards(after));
        for k in 0..=6 {
            let t = k as f32 / 6.0;
            let blend = |a: f32, b: f32, c: f32| a * (1.0 - t) * (1.0 - t) + 2.0 * b * t * (1.0 - t) + c * t * t;
            points.push([blend(start[0], at[0], end[0]), blend(start[1], at[1], end[1])]);
        }
    }
    points
}

/// Every point moved towards `(x, y)` by a factor.
pub(super) fn scaled_about(points: &[[f32; 2]], x: f32, y: f32, factor: f32) -> Vec<[f32; 2]> {
    points.iter().map(|p| [x + (p[0] - x) * factor, y + (p[1] - y) * factor]).collect()
}
