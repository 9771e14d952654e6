//! One picture of a recorded video: the frame with the boxes of one or two models.

use super::names;
use super::request::VideoView;
use crate::imaging::{BoxInImage, Corner, DrawnBox, ImageSize, RgbImage, class_color, draw_boxes, draw_captions};
use crate::inference::{Detection, ModelCard};
use crate::pipeline::{FrameResult, LaneId, LaneResult};
use image::Rgb;
use image::imageops::{self, FilterType};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Ground of captions.
const CAPTION: [u8; 3] = [27, 29, 35];
/// Boxes that only one model found, in an overlay: A, B.
const LANE_COLORS: [[u8; 3]; 2] = [[104, 170, 255], [255, 170, 84]];
/// A video is at most so large; larger pictures are made smaller before boxes are drawn.
const LARGEST: ImageSize = ImageSize { width: 3840, height: 2160 };
/// Encoders refuse what is smaller.
const SHORTEST_SIDE: u32 = 64;

/// How two models are shown on one picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PairLayout {
    /// Two pictures, A left and B right.
    #[default]
    SideBySide,
    /// One picture, A's boxes left of a line, B's right of it.
    Divider,
    /// One picture with the boxes of both.
    Overlay,
}

/// How the window shows two models now, for [`VideoView::AsShown`].
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingView {
    /// The layout.
    pub layout: PairLayout,
    /// Where the divider stands, 0…1 of the picture's width.
    pub divider: f32,
    /// Names of classes that are not drawn.
    pub hidden: BTreeSet<String>,
}

impl Default for RecordingView {
    fn default() -> Self {
        Self { layout: PairLayout::default(), divider: 0.5, hidden: BTreeSet::new() }
    }
}

/// Draws pictures of one size, whatever size the frames have: a frame of another shape gets black bars.
#[derive(Debug)]
pub struct Composer {
    video: VideoView,
    canvas: RgbImage,
}

impl Composer {
    /// For a video that begins with this frame. The size has even sides, as encoders want it.
    pub fn for_first(video: VideoView, result: &FrameResult, view: &RecordingView) -> Self {
        let frame = &result.frame.image;
        let beside = match video {
            VideoView::SideBySide => true,
            VideoView::AsShown => layout(video, result, view) == Some(PairLayout::SideBySide),
            VideoView::Divider => false,
        };
        let columns = if beside { 2 } else { 1 };
        let whole = ImageSize::new(frame.width().max(1) * columns, frame.height().max(1));
        let scale = scale_to_fit(whole, LARGEST).min(1.0);
        let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(SHORTEST_SIDE).next_multiple_of(2);
        Self { video, canvas: RgbImage::new(side(whole.width), side(whole.height)) }
    }

    /// Size of its pictures.
    pub fn size(&self) -> ImageSize {
        ImageSize::new(self.canvas.width(), self.canvas.height())
    }

    /// The picture that was drawn last; black at first.
    pub fn picture(&self) -> &RgbImage {
        &self.canvas
    }

    /// Draws a frame.
    pub fn draw(&mut self, result: &FrameResult, view: &RecordingView) {
        self.canvas.fill(0);
        let time = names::local(result.frame.captured_at);
        let drawing = Drawing { result, view };
        let titles = LaneId::BOTH.map(|lane| drawing.title(lane));
        let time = (Corner::BottomLeft, time.as_str());
        let [a, b] = titles.each_ref().map(String::as_str);
        let whole = self.size();
        match layout(self.video, result, view) {
            Some(PairLayout::SideBySide) => {
                let half = ImageSize::new(whole.width / 2, whole.height);
                let left = drawing.lanes(&[LaneId::A], half, &[(Corner::TopLeft, a), time]);
                let right = drawing.lanes(&[LaneId::B], half, &[(Corner::TopLeft, b)]);
                self.put(&left, 0, half);
                self.put(&right, half.width, half);
            }
            Some(PairLayout::Divider) => {
                let mut picture = drawing.lanes(&[LaneId::A], whole, &[]);
                let other = drawing.lanes(&[LaneId::B], whole, &[]);
                divide(&mut picture, &other, view.divider);
                draw_captions(&mut picture, &[(Corner::TopLeft, a), (Corner::TopRight, b), time], CAPTION);
                self.put(&picture, 0, whole);
            }
            Some(PairLayout::Overlay) => {
                let mut picture = drawing.fitted(whole).into_owned();
                let boxes = drawing.overlay(drawing.scale(&picture));
                draw_boxes(&mut picture, &boxes);
                draw_captions(&mut picture, &[(Corner::TopLeft, a), (Corner::TopRight, b), time], CAPTION);
                self.put(&picture, 0, whole);
            }
            None => {
                let picture = drawing.lanes(&LaneId::BOTH, whole, &[(Corner::TopLeft, a), (Corner::TopRight, b), time]);
                self.put(&picture, 0, whole);
            }
        }
    }

    /// Puts a picture into the middle of a part of the canvas.
    fn put(&mut self, picture: &RgbImage, left: u32, part: ImageSize) {
        let middle = |room: u32, length: u32| i64::from(room.saturating_sub(length) / 2);
        let (x, y) = (middle(part.width, picture.width()), middle(part.height, picture.height()));
        imageops::replace(&mut self.canvas, picture, i64::from(left) + x, y);
    }
}

/// How a frame is laid out; None where not both models ran on it.
fn layout(video: VideoView, result: &FrameResult, view: &RecordingView) -> Option<PairLayout> {
    let both = LaneId::BOTH.iter().all(|lane| found(result, *lane).is_some());
    both.then_some(match video {
        VideoView::AsShown => view.layout,
        VideoView::SideBySide => PairLayout::SideBySide,
        VideoView::Divider => PairLayout::Divider,
    })
}

/// What a lane that takes part found.
fn found(result: &FrameResult, lane: LaneId) -> Option<&LaneResult> {
    result.lanes[lane.index()].as_ref().filter(|_| result.mode.runs(lane))
}

/// The factor that makes `size` as large as `room` allows. A difference of a pixel, which even sides bring, is none.
fn scale_to_fit(size: ImageSize, room: ImageSize) -> f64 {
    let (spare_x, spare_y) = (room.width.checked_sub(size.width), room.height.checked_sub(size.height));
    if let (Some(x), Some(y)) = (spare_x, spare_y)
        && x.min(y) <= 1
    {
        return 1.0;
    }
    let share = |room: u32, length: u32| f64::from(room) / f64::from(length.max(1));
    share(room.width, size.width).min(share(room.height, size.height))
}

/// Takes what is right of the line from `other`, and draws the line.
fn divide(picture: &mut RgbImage, other: &RgbImage, divider: f32) {
    let (width, height) = picture.dimensions();
    let at = (divider.clamp(0.0, 1.0) * width as f32).round() as u32;
    let right = imageops::crop_imm(other, at.min(width), 0, width - at.min(width), height);
    imageops::replace(picture, &*right, i64::from(at), 0);
    let half = (width.min(height) / 400).max(1);
    for x in at.saturating_sub(half + 1)..(at + half + 1).min(width) {
        let edge = x + half < at || x >= at + half;
        let color = if edge { Rgb([20, 20, 20]) } else { Rgb([255, 255, 255]) };
        (0..height).for_each(|y| picture.put_pixel(x, y, color));
    }
}

/// What one frame looks like.
struct Drawing<'a> {
    result: &'a FrameResult,
    view: &'a RecordingView,
}

impl Drawing<'_> {
    /// The frame, as large as `room` allows.
    fn fitted(&self, room: ImageSize) -> Cow<'_, RgbImage> {
        let frame = &*self.result.frame.image;
        let scale = scale_to_fit(ImageSize::new(frame.width(), frame.height()), room);
        if scale == 1.0 {
            return Cow::Borrowed(frame);
        }
        let side = |length: u32, most: u32| ((f64::from(length) * scale).round() as u32).clamp(1, most.max(1));
        let (width, height) = (side(frame.width(), room.width), side(frame.height(), room.height));
        Cow::Owned(if scale < 1.0 {
            imageops::thumbnail(frame, width, height)
        } else {
            imageops::resize(frame, width, height, FilterType::Triangle)
        })
    }

    /// Pixels of `picture` in a pixel of the frame: across, down.
    fn scale(&self, picture: &RgbImage) -> [f32; 2] {
        let frame = &self.result.frame.image;
        let share = |length: u32, of: u32| length as f32 / of.max(1) as f32;
        [share(picture.width(), frame.width()), share(picture.height(), frame.height())]
    }

    /// The frame with the boxes of some lanes, each as if it were alone.
    fn lanes(&self, lanes: &[LaneId], room: ImageSize, captions: &[(Corner, &str)]) -> RgbImage {
        let mut picture = self.fitted(room).into_owned();
        let scale = self.scale(&picture);
        for lane in lanes {
            let alone = self.alone(*lane);
            let boxes =
                self.boxes(*lane, scale, |index, _, drawn| Some(DrawnBox { dashed: alone.contains(&index), ..drawn }));
            draw_boxes(&mut picture, &boxes);
        }
        draw_captions(&mut picture, captions, CAPTION);
        picture
    }

    /// Boxes of both: those that match in the colour of their class with both scores, the others broken and in the
    /// colour of their lane.
    fn overlay(&self, scale: [f32; 2]) -> Vec<DrawnBox> {
        let matched: &[(usize, usize)] = self.result.agreement.as_ref().map_or(&[], |agreement| &agreement.matched);
        let only = |lane: LaneId, drawn: DrawnBox| DrawnBox {
            text: format!("only {lane:?}: {}", drawn.text),
            color: LANE_COLORS[lane.index()],
            dashed: true,
            ..drawn
        };
        let mut boxes = self.boxes(LaneId::B, scale, |index, _, drawn| {
            let alone = !matched.iter().any(|(_, second)| *second == index);
            alone.then(|| only(LaneId::B, drawn))
        });
        let other = |index: usize| found(self.result, LaneId::B).and_then(|found| found.detections.get(index));
        boxes.extend(self.boxes(LaneId::A, scale, |index, _, drawn| {
            match matched.iter().find(|(first, _)| *first == index).and_then(|(_, second)| other(*second)) {
                Some(twin) => Some(DrawnBox { text: format!("{} | {:.2}", drawn.text, twin.score), ..drawn }),
                None => Some(only(LaneId::A, drawn)),
            }
        }));
        boxes
    }

    /// The boxes of a lane that are not hidden, as `style` wants them.
    fn boxes(
        &self,
        lane: LaneId,
        scale: [f32; 2],
        style: impl Fn(usize, &Detection, DrawnBox) -> Option<DrawnBox>,
    ) -> Vec<DrawnBox> {
        let Some(found) = found(self.result, lane) else { return Vec::new() };
        let card = &found.model.card;
        let boxes = found.detections.iter().enumerate().filter_map(|(index, detection)| {
            let label = card.label(detection.class_id);
            if self.view.hidden.contains(label.as_ref()) {
                return None;
            }
            let r = detection.rect;
            let rect = BoxInImage::new(r.x1 * scale[0], r.y1 * scale[1], r.x2 * scale[0], r.y2 * scale[1]);
            let color = class_color(self.class(lane, card, detection.class_id));
            style(index, detection, DrawnBox { rect, color, ..detection.drawn(card) })
        });
        boxes.collect()
    }

    /// The number that gives the colour: A's for the class of this name, so that a class looks alike in both lanes.
    fn class(&self, lane: LaneId, card: &ModelCard, class_id: u32) -> u32 {
        let reference = found(self.result, LaneId::A).filter(|_| lane == LaneId::B);
        let label = card.label(class_id);
        let number = reference.and_then(|a| a.model.card.labels.iter().position(|name| *name == label));
        number.map_or(class_id, |number| number as u32)
    }

    fn alone(&self, lane: LaneId) -> &[usize] {
        match (&self.result.agreement, lane) {
            (Some(agreement), LaneId::A) => &agreement.only_a,
            (Some(agreement), LaneId::B) => &agreement.only_b,
            (None, _) => &[],
        }
    }

    /// "A · FP32 · name.onnx · 9.8 ms": the median latency where there is one, else that of this frame. Empty where
    /// the lane did not run.
    fn title(&self, lane: LaneId) -> String {
        let Some(found) = found(self.result, lane) else { return String::new() };
        let statistics = &self.result.statistics.lanes[lane.index()].total;
        let own = found.timings.total().as_secs_f32() * 1e3;
        let ms = if statistics.count > 0 { statistics.p50_ms } else { own };
        let path = &found.model.path;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        format!("{lane:?} · {} · {name} · {ms:.1} ms", found.model.precision)
    }
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
