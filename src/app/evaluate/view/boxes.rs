//! Boxes of truth, reference and candidate on a picture.

use crate::app::theme::{class_color32, readable_on};
use crate::app::video_view::{LANE_ON_PICTURE, label_place};
use crate::evaluate::NamedBox;
use crate::imaging::{BoxInImage, ImageSize};
use crate::metrics::MATCH_IOU;
use eframe::egui::{Align2, Color32, FontId, Painter, Rect, Shape, Stroke, StrokeKind, pos2, vec2};

/// True boxes, whatever their class.
pub const TRUTH: Color32 = Color32::WHITE;

/// Edges outside of what is seen are drawn this far from it, where they do not show.
const FRAME: f32 = 20.0;

/// Whose boxes are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The first model's.
    Reference,
    /// The other one's.
    Candidate,
}

impl Side {
    /// Its colour on pictures, where the theme does not matter.
    pub fn color(self) -> Color32 {
        match self {
            Self::Reference => LANE_ON_PICTURE[0],
            Self::Candidate => LANE_ON_PICTURE[1],
        }
    }

    fn only(self) -> &'static str {
        match self {
            Self::Reference => "only reference",
            Self::Candidate => "only candidate",
        }
    }
}

/// A picture on the screen.
pub struct Placed<'a> {
    /// Draws into the picture's place only.
    pub painter: &'a Painter,
    /// Where the whole picture is.
    pub place: Rect,
    /// What of it is to be seen.
    pub stage: Rect,
    /// Its size, which the boxes are in.
    pub size: ImageSize,
}

impl Placed<'_> {
    fn on_screen(&self, [left, top, right, bottom]: [f32; 4]) -> Rect {
        let size = vec2(self.size.width.max(1) as f32, self.size.height.max(1) as f32);
        let point = |x: f32, y: f32| self.place.min + vec2(x, y) * self.place.size() / size;
        Rect::from_min_max(point(left, top), point(right, bottom))
    }

    /// What only one side found, in its colour and broken; nothing of what both have. For small pictures.
    pub fn alone(&self, boxes: &[NamedBox], side: Side) {
        for named in drawable(boxes).filter(|named| !named.matched) {
            self.outline(self.on_screen(named.rect), Stroke::new(2.0, side.color()), true);
        }
    }

    /// True boxes as thin lines, those that are not among `found` broken and with their class.
    pub fn truth(&self, boxes: &[NamedBox], found: &[NamedBox]) {
        for named in drawable(boxes) {
            let rect = self.on_screen(named.rect).expand(1.5);
            let missed = !found.iter().any(|other| is_same(named, other));
            self.outline(rect, Stroke::new(1.0, TRUTH), missed);
            if missed {
                let font = FontId::proportional(11.0);
                let at = pos2(rect.left(), rect.bottom() + 1.0);
                let text = format!("missed: {}", named.label);
                let galley = self.painter.layout_no_wrap(text, font, TRUTH);
                let ground = Rect::from_min_size(at, galley.size()).expand2(vec2(3.0, 1.0));
                self.painter.rect_filled(ground, 2, Color32::from_black_alpha(170));
                self.painter.galley(at, galley, TRUTH);
            }
        }
    }

    /// All boxes of one side: in the colour of their class, those that the other side lacks broken and in the side's.
    /// `taken` are places that labels keep clear of; theirs are added.
    pub fn side(&self, boxes: &[NamedBox], side: Side, taken: &mut Vec<Rect>) {
        let width = (self.stage.size().min_elem() / 240.0).clamp(1.5, 3.5);
        let line = |named: &NamedBox| if named.matched { class_color32(named.class_id) } else { side.color() };
        for named in drawable(boxes) {
            self.outline(self.on_screen(named.rect), Stroke::new(width, line(named)), !named.matched);
        }
        for named in drawable(boxes) {
            let score = named.score.map_or_else(String::new, |score| format!(" {score:.2}"));
            let before = if named.matched { String::new() } else { format!("{}: ", side.only()) };
            self.label(self.on_screen(named.rect), &format!("{before}{}{score}", named.label), line(named), taken);
        }
    }

    /// What both have as a thin line in the colour of its class, without a label.
    pub fn shared(&self, boxes: &[NamedBox]) {
        for named in drawable(boxes).filter(|named| named.matched) {
            self.outline(self.on_screen(named.rect), Stroke::new(1.0, class_color32(named.class_id)), false);
        }
    }

    fn label(&self, rect: Rect, text: &str, fill: Color32, taken: &mut Vec<Rect>) {
        if !rect.intersects(self.stage) {
            return;
        }
        let font = FontId::proportional((self.stage.size().min_elem() / 38.0).clamp(11.0, 17.0));
        let galley = self.painter.layout_no_wrap(text.to_owned(), font, readable_on(fill));
        let ground =
            label_place(self.place.intersect(self.stage), taken, rect.expand(1.0), galley.size() + vec2(8.0, 2.0));
        self.painter.rect_filled(ground, 2, fill);
        let at = Align2::CENTER_CENTER.align_size_within_rect(galley.size(), ground).min;
        self.painter.galley(at, galley, readable_on(fill));
        taken.push(ground);
    }

    fn outline(&self, rect: Rect, line: Stroke, broken: bool) {
        // Boxes are not clipped by models: a broken line far outside would be of thousands of pieces.
        let rect = rect.intersect(self.stage.expand(FRAME));
        if !rect.is_positive() {
            return;
        }
        let dark = Stroke::new(line.width + 2.0, Color32::from_black_alpha(150));
        self.painter.rect_stroke(rect, 1, dark, StrokeKind::Middle);
        if !broken {
            self.painter.rect_stroke(rect, 1, line, StrokeKind::Middle);
            return;
        }
        let around = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
        self.painter.extend(Shape::dashed_line(&around, line, line.width * 4.0, line.width * 3.0));
    }
}

/// Boxes whose edges are numbers that a picture could have.
fn drawable(boxes: &[NamedBox]) -> impl Iterator<Item = &NamedBox> {
    const FARTHEST: f32 = 1e6;
    boxes.iter().filter(|named| named.rect.iter().all(|edge| edge.abs() < FARTHEST))
}

/// Whether two boxes are of one object: of one class, and overlapping as agreement asks for.
fn is_same(a: &NamedBox, b: &NamedBox) -> bool {
    let rect = |[x1, y1, x2, y2]: [f32; 4]| BoxInImage::new(x1, y1, x2, y2);
    a.label == b.label && rect(a.rect).iou(&rect(b.rect)) >= MATCH_IOU
}

/// Draws a piece of a line and says what it means; dark ground, as on pictures.
pub fn legend(broken: bool, color: Color32, painter: &Painter, at: Rect) {
    painter.rect_filled(at, 3, Color32::from_rgb(38, 41, 49));
    let line = [pos2(at.left() + 3.0, at.center().y), pos2(at.right() - 3.0, at.center().y)];
    let stroke = Stroke::new(2.0, color);
    if broken {
        painter.extend(Shape::dashed_line(&line, stroke, 5.0, 4.0));
    } else {
        painter.line_segment(line, stroke);
    }
}
