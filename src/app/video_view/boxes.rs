//! Boxes on the picture: a coloured line on a dark one, and a filled label.

use super::VideoViewInput;
use super::captions::Badge;
use crate::app::theme::{class_color32, readable_on};
use crate::imaging::BoxInImage;
use crate::inference::Detection;
use crate::pipeline::{FrameResult, LaneId, LaneResult};
use eframe::egui::{Align2, Color32, FontId, Galley, Painter, Rect, Shape, Stroke, StrokeKind, Vec2, pos2, vec2};
use std::sync::Arc;

/// Gives a class the same colour in both lanes, by its name, also when the models number their classes differently.
pub struct ClassColors<'a> {
    reference: &'a [String],
}

impl<'a> ClassColors<'a> {
    /// Lane A's labels give the numbers.
    pub fn of(result: &'a FrameResult) -> Self {
        let reference = result.lanes[0].as_ref().map_or(&[][..], |found| &found.model.card.labels);
        Self { reference }
    }

    /// The number that gives the colour.
    pub fn class(&self, lane: LaneId, class_id: u32, label: &str) -> u32 {
        if lane == LaneId::A {
            return class_id;
        }
        self.reference.iter().position(|name| name == label).map_or(class_id, |index| index as u32)
    }
}

/// Whether boxes that only this model found are marked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Marking {
    /// All alike.
    None,
    /// Those with a broken line.
    Alone,
}

/// How one box is drawn.
struct Style {
    line: Color32,
    width: f32,
    dashed: bool,
    text: Option<String>,
}

/// Where a box is on the screen, how it is drawn, and whether its row in the list is under the pointer.
type StyledBox = (Rect, Style, bool);

/// Draws boxes of one frame at one place.
pub struct BoxPainter<'a> {
    painter: Painter,
    place: Rect,
    input: &'a VideoViewInput<'a>,
    colors: ClassColors<'a>,
    width: f32,
    text: f32,
    taken: Vec<Rect>,
}

impl<'a> BoxPainter<'a> {
    /// Line and text grow with the place. The painter's clip may be narrower than the place.
    /// Labels keep clear of the badges.
    pub fn new(painter: Painter, place: Rect, input: &'a VideoViewInput<'a>, badges: &[Badge]) -> Self {
        let side = place.size().min_elem();
        Self {
            painter,
            place,
            input,
            colors: ClassColors::of(input.result),
            width: (side / 240.0).clamp(2.0, 4.0),
            text: (side / 38.0).clamp(12.0, 20.0),
            taken: badges.iter().map(Badge::rect).collect(),
        }
    }

    /// All boxes of one model.
    pub fn lane(&self, lane: LaneId, marking: Marking) {
        let alone = self.alone(lane);
        let boxes = self.boxes(lane, |index, label, detection, color| Style {
            line: color,
            width: self.width,
            dashed: marking == Marking::Alone && alone.contains(&index),
            text: Some(format!("{label} {:.2}", detection.score)),
        });
        self.paint(&boxes);
    }

    /// Boxes of both: A's in the colour of their class with both scores, B's matching ones as a thin line, and those
    /// that only one found broken and in the colour of that lane.
    pub fn overlay(&self) {
        let Some(agreement) = &self.input.result.agreement else { return };
        let only = |lane: LaneId, label: &str, score: f32| Style {
            line: LANE_ON_PICTURE[lane.index()],
            width: self.width,
            dashed: true,
            text: Some(format!("only {lane:?}: {label} {score:.2}")),
        };
        let mut boxes = self.boxes(LaneId::B, |index, label, detection, color| {
            if agreement.only_b.contains(&index) {
                return only(LaneId::B, label, detection.score);
            }
            Style { line: color.gamma_multiply(0.9), width: (self.width * 0.5).max(1.0), dashed: false, text: None }
        });
        let score_b = |index: usize| {
            let (_, other) = agreement.matched.iter().find(|(first, _)| *first == index)?;
            Some(self.input.result.lanes[1].as_ref()?.detections.get(*other)?.score)
        };
        boxes.extend(self.boxes(LaneId::A, |index, label, detection, color| match score_b(index) {
            Some(score) => {
                let text = Some(format!("{label} {:.2} | {score:.2}", detection.score));
                Style { line: color, width: self.width, dashed: false, text }
            }
            None => only(LaneId::A, label, detection.score),
        }));
        self.paint(&boxes);
    }

    fn alone(&self, lane: LaneId) -> &[usize] {
        match (&self.input.result.agreement, lane) {
            (Some(agreement), LaneId::A) => &agreement.only_a,
            (Some(agreement), LaneId::B) => &agreement.only_b,
            (None, _) => &[],
        }
    }

    /// Every box of a lane that is not hidden.
    fn boxes(&self, lane: LaneId, style: impl Fn(usize, &str, &Detection, Color32) -> Style) -> Vec<StyledBox> {
        let Some(found) = &self.input.result.lanes[lane.index()] else { return Vec::new() };
        let shown = |(index, detection)| self.styled(lane, found, index, detection, &style);
        found.detections.iter().enumerate().filter_map(shown).collect()
    }

    /// All lines first, then all labels. The best box comes first in the list: its label is drawn last, on top.
    fn paint(&self, boxes: &[StyledBox]) {
        for (rect, style, hovered) in boxes {
            self.outline(*rect, style, *hovered);
        }
        // The best has the first choice of place, and is drawn last.
        let mut taken = self.taken.clone();
        let labels = boxes.iter().filter_map(|(rect, style, _)| {
            let (ground, galley) = self.label(*rect, style.text.as_ref()?, style.line, &taken);
            taken.push(ground);
            Some((ground, galley, style.line))
        });
        let labels: Vec<_> = labels.collect();
        for (ground, galley, fill) in labels.into_iter().rev() {
            self.painter.rect_filled(ground, 2, fill);
            let at = Align2::CENTER_CENTER.align_size_within_rect(galley.size(), ground).min;
            self.painter.galley(at, galley, readable_on(fill));
        }
    }

    fn styled(
        &self,
        lane: LaneId,
        found: &LaneResult,
        index: usize,
        detection: &Detection,
        style: &impl Fn(usize, &str, &Detection, Color32) -> Style,
    ) -> Option<StyledBox> {
        let label = found.model.card.label(detection.class_id);
        if self.input.hidden.contains(label.as_ref()) {
            return None;
        }
        let color = class_color32(self.colors.class(lane, detection.class_id, &label));
        let mut style = style(index, &label, detection, color);
        let hovered = self.input.hovered.is_some_and(|hovered| hovered.is(self.input.result.id, lane, index));
        let other_hovered = self.input.hovered.is_some_and(|hovered| hovered.frame == self.input.result.id) && !hovered;
        if other_hovered {
            style.line = style.line.gamma_multiply(0.45);
            style.text = None;
        }
        Some((self.on_screen(detection.rect), style, hovered))
    }

    /// Where a box of the source picture is on the screen.
    fn on_screen(&self, b: BoxInImage) -> Rect {
        let scale = self.place.size() / self.input.picture.size();
        let point = |x: f32, y: f32| self.place.min + vec2(x, y) * scale;
        Rect::from_min_max(point(b.x1, b.y1), point(b.x2, b.y2))
    }

    fn outline(&self, rect: Rect, style: &Style, hovered: bool) {
        let width = if hovered { style.width * 1.8 } else { style.width };
        let dark = Stroke::new(width + 2.0, Color32::from_black_alpha(170));
        self.painter.rect_stroke(rect, 1, dark, StrokeKind::Middle);
        if hovered {
            self.painter.rect_filled(rect, 1, style.line.gamma_multiply(0.18));
        }
        let line = Stroke::new(width, style.line);
        if !style.dashed {
            self.painter.rect_stroke(rect, 1, line, StrokeKind::Middle);
            return;
        }
        let around = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
        let (dash, gap) = (width * 4.0, width * 3.0);
        self.painter.extend(Shape::dashed_line(&around, line, dash, gap));
    }

    /// Where the label of a box stands, and its text.
    fn label(&self, rect: Rect, text: &str, fill: Color32, taken: &[Rect]) -> (Rect, Arc<Galley>) {
        let font = FontId::proportional(self.text);
        let galley = self.painter.layout_no_wrap(text.to_owned(), font, readable_on(fill));
        let ground = label_place(self.place, taken, rect.expand(self.width / 2.0), galley.size() + vec2(8.0, 2.0));
        (ground, galley)
    }
}

/// Colours of the lanes on pictures, where the theme does not matter: bright, with dark text on them.
pub const LANE_ON_PICTURE: [Color32; 2] = [Color32::from_rgb(104, 170, 255), Color32::from_rgb(255, 170, 84)];

/// Obstacles below which a label is tried: with hundreds of boxes not every one is worth the time.
const MOST_TRIES: usize = 6;

/// Where the label of `rect` stands: above it; where that is taken or outside `place`, at its upper edge within it,
/// below it, or under what is in the way. Kept within `place`; with no free room it lies over others.
pub fn label_place(place: Rect, taken: &[Rect], rect: Rect, size: Vec2) -> Rect {
    let x = rect.left().min(place.right() - size.x).max(place.left());
    let at_height = |y: f32| Rect::from_min_size(pos2(x, y), size);
    let free = |ground: &Rect| {
        let within = ground.top() >= place.top() && ground.bottom() <= place.bottom();
        within && taken.iter().all(|taken| !taken.shrink(0.5).intersects(*ground))
    };
    let above = at_height(rect.top() - size.y);
    let clear = taken.iter().filter(|taken| taken.expand2(size).intersects(rect));
    let clear = clear.map(|taken| taken.bottom()).take(MOST_TRIES);
    let heights = [above.top(), rect.top(), rect.bottom()].into_iter().chain(clear);
    let fallback = if above.top() >= place.top() { above } else { at_height(rect.top().max(place.top())) };
    heights.map(at_height).find(free).unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_stands_above_its_box_unless_an_edge_a_badge_or_another_label_is_in_the_way() {
        let place = Rect::from_min_max(pos2(100.0, 50.0), pos2(500.0, 350.0));
        let badge = Rect::from_min_max(pos2(106.0, 56.0), pos2(250.0, 80.0));
        let label = Rect::from_min_max(pos2(300.0, 280.0), pos2(360.0, 300.0));
        let size = vec2(60.0, 20.0);
        let top_left = |x, y, height| {
            let rect = Rect::from_min_size(pos2(x, y), vec2(50.0, height));
            label_place(place, &[badge, label], rect, size).min
        };
        assert_eq!(top_left(300.0, 200.0, 40.0), pos2(300.0, 180.0), "above");
        assert_eq!(top_left(300.0, 55.0, 40.0), pos2(300.0, 55.0), "inside at the upper edge");
        assert_eq!(top_left(480.0, 200.0, 40.0), pos2(440.0, 180.0), "within the right edge");
        assert_eq!(top_left(120.0, 52.0, 40.0), pos2(120.0, 92.0), "below the box: the badge is inside");
        assert_eq!(top_left(120.0, 90.0, 40.0), pos2(120.0, 90.0), "inside: above is the badge");
        assert_eq!(top_left(310.0, 300.0, 40.0), pos2(310.0, 300.0), "inside: above is a label");
        assert_eq!(top_left(310.0, 290.0, 55.0), pos2(310.0, 270.0 + 30.0), "under the label");
    }
}
