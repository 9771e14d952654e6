//! Raw feature maps with anchors of YOLOv3, v4, v5 and v7, one output a stride, in any of the axis orders that
//! [`super::anchor_maps`] knows. For an anchor box of a cell with the numbers x, y, w, h, o and one c a class, σ being the
//! sigmoid:
//!
//! - YOLOv5, v7: centre `(2σ(x) − ½ + cell) · stride`, size `(2σ(w))² · anchor`.
//! - YOLOv3: centre `(σ(x) + cell) · stride`, size `exp(w) · anchor`.
//! - YOLOv4: the same with `s·σ(x) − (s−1)/2`, where s is 1.2, 1.1, 1.05 from the finest map on.
//!
//! The score is `σ(o) · σ(c)`. Some exports end behind the sigmoid (RKNN's of YOLOv5), some have it on the scores only
//! (YOLOv4 of the ONNX model zoo); both are told by whether all numbers of the coarsest map lie in 0…1.
//!
//! Sources: `Detect.forward` in `models/yolo.py` of ultralytics/yolov5 and of WongKinYiu/yolov7; Redmon and Farhadi,
//! "YOLOv3: An Incremental Improvement" (arXiv 1804.02767), section 2.1; `get_yolo_box` in `yolo_layer.c` of
//! AlexeyAB/darknet with `scale_x_y` of `yolov4.cfg`, which is also the post-processing of YOLOv4 in onnx/models. The
//! anchors are those of `yolov5s.yaml`, `yolov5s6.yaml`, `yolov7.yaml`, `yolov3.cfg`, `yolov3-tiny.yaml` and
//! `yolov4-tiny.cfg`; where a model has its own, the card's `anchors` has them.

use super::anchor_maps::{Anchor, Map, logit};
use super::family::Family;
use super::tensor::{Wanted, push_finite, shape_error, sigmoid};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize};
use crate::inference::{Anchors, Candidate, Head};

mod recognition;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::YoloV5Grids, Head::YoloV7Grids, Head::YoloV3Grids, Head::YoloV4Grids],
    outputs: EXPECTED,
    recognize: recognition::recognize,
    decode,
};

const EXPECTED: &str = "maps [1, anchors·(5+classes), h, w], one a stride";

/// Anchors a cell in every model of YOLOv3 to v7.
const ANCHORS: usize = 3;
/// More maps than any model has.
const MOST_MAPS: usize = 6;

type Row = [[f32; 2]; ANCHORS];

const V3_AND_V5: [Row; 3] = [
    [[10.0, 13.0], [16.0, 30.0], [33.0, 23.0]],
    [[30.0, 61.0], [62.0, 45.0], [59.0, 119.0]],
    [[116.0, 90.0], [156.0, 198.0], [373.0, 326.0]],
];
const V4_AND_V7: [Row; 3] = [
    [[12.0, 16.0], [19.0, 36.0], [40.0, 28.0]],
    [[36.0, 75.0], [76.0, 55.0], [72.0, 146.0]],
    [[142.0, 110.0], [192.0, 243.0], [459.0, 401.0]],
];
/// The models with a fourth map ("P6"), strides 8 to 64.
const P6: [Row; 4] = [
    [[19.0, 27.0], [44.0, 40.0], [38.0, 94.0]],
    [[96.0, 68.0], [86.0, 152.0], [180.0, 137.0]],
    [[140.0, 301.0], [303.0, 264.0], [238.0, 542.0]],
    [[436.0, 615.0], [739.0, 380.0], [925.0, 792.0]],
];
/// The tiny models with two maps, strides 16 and 32.
const TINY: [Row; 2] = [[[10.0, 14.0], [23.0, 27.0], [37.0, 58.0]], [[81.0, 82.0], [135.0, 169.0], [344.0, 319.0]]];
/// YOLOv4-tiny, whose finer map has the second to fourth box.
const V4_TINY: [Row; 2] = [[[23.0, 27.0], [37.0, 58.0], [81.0, 82.0]], [[81.0, 82.0], [135.0, 169.0], [344.0, 319.0]]];

/// The anchors that models of a head with so many maps are trained with.
fn usual_anchors(head: Head, maps: usize, finest: usize) -> Option<&'static [Row]> {
    match (maps, finest, head) {
        (3, 8, Head::YoloV4Grids | Head::YoloV7Grids) => Some(&V4_AND_V7),
        (3, 8, _) => Some(&V3_AND_V5),
        (4, 8, _) => Some(&P6),
        (2, 16, Head::YoloV4Grids) => Some(&V4_TINY),
        (2, 16, _) => Some(&TINY),
        _ => None,
    }
}

/// How far YOLOv4's centres reach beyond their cells.
fn reach(head: Head, stride: usize) -> f32 {
    match (head, stride) {
        (Head::YoloV4Grids, 8) => 1.2,
        (Head::YoloV4Grids, 16) => 1.1,
        (Head::YoloV4Grids, _) => 1.05,
        _ => 1.0,
    }
}

/// Whether sizes are powers of e, as in YOLOv3 and v4.
fn is_exponential(head: Head) -> bool {
    matches!(head, Head::YoloV3Grids | Head::YoloV4Grids)
}

/// What has been through a sigmoid in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Activated {
    boxes: bool,
    scores: bool,
}

impl Activated {
    /// By the values of one map, the coarsest as it is the smallest.
    fn of(head: Head, map: &Map, values: &[f32]) -> Self {
        // The size is never after a sigmoid where it is a power of e.
        let last = if is_exponential(head) { 2 } else { 4 };
        Self { boxes: map.are_in_unit(values, 0, last), scores: map.are_in_unit(values, 4, map.numbers) }
    }
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    scratch: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let anchors = scratch.anchors.as_ref();
    let size = context.input_size;
    let map_of = |output: &OutputTensor<'_>| map_of(output.shape, size, anchors);
    let whole = |output: &OutputTensor<'_>| map_of(output).is_some_and(|map| map.len() == output.values.len());
    if outputs.is_empty() || outputs.len() > MOST_MAPS || !outputs.iter().all(whole) {
        return Err(shape_error(head, EXPECTED, outputs));
    }
    let maps = || outputs.iter().filter_map(|output| Some((map_of(output)?, output.values)));
    let finest = maps().map(|(map, _)| map.stride).min().unwrap_or_default();
    let Some((coarsest, values)) = maps().max_by_key(|(map, _)| map.stride) else {
        return Err(shape_error(head, EXPECTED, outputs));
    };
    let activated = Activated::of(head, &coarsest, values);
    let no_anchors = || DecodeError::Anchors { head, maps: outputs.len(), finest };
    let usual = usual_anchors(head, outputs.len(), finest);
    for (map, values) in maps() {
        let rank = maps().filter(|(other, _)| other.stride < map.stride).count();
        let row: Option<&[[f32; 2]]> = match anchors {
            Some(anchors) => anchors.row(rank),
            None => usual.and_then(|rows| rows.get(rank)).map(<[_; ANCHORS]>::as_slice),
        };
        let row = row.filter(|row| row.len() == map.anchors).ok_or_else(no_anchors)?;
        read(&Reading { head, map, activated, anchors: row }, values, scratch.wanted(context), candidates);
    }
    Ok(())
}

/// The map that a tensor is; the card's anchors tell their number where the shape does not.
fn map_of(shape: &[usize], size: ImageSize, anchors: Option<&Anchors>) -> Option<Map> {
    Map::of(shape, size, anchors.map_or(ANCHORS, Anchors::a_cell))
}

/// How one map is read.
struct Reading<'a> {
    head: Head,
    map: Map,
    activated: Activated,
    anchors: &'a [[f32; 2]],
}

fn read(reading: &Reading<'_>, values: &[f32], wanted: Wanted, candidates: &mut Vec<Candidate>) {
    let (activated, floor) = (reading.activated.scores, wanted.floor);
    // A score is at most its objectness and at most its class score, so that either may rule an anchor out.
    let least = if activated { floor } else { logit(floor) };
    let score_of = |number: f32| if activated { number } else { sigmoid(number) };
    for anchor in reading.map.anchors_above(values, least) {
        anchor.numbers.each_class(Wanted { floor: least, ..wanted }, |class, number| {
            let score = score_of(anchor.objectness) * score_of(number);
            if score >= floor {
                push_finite(candidates, class, score, reading.rect(&anchor));
            }
        });
    }
}

impl Reading<'_> {
    fn rect(&self, anchor: &Anchor<'_>) -> BoxInModel {
        let number = |index: usize| anchor.numbers.get(index);
        let unit = |index: usize| if self.activated.boxes { number(index) } else { sigmoid(number(index)) };
        let [width, height] = self.anchors.get(anchor.index).copied().unwrap_or_default();
        let stride = self.map.stride as f32;
        let (column, row) = anchor.place;
        if is_exponential(self.head) {
            let reach = reach(self.head, self.map.stride);
            let center = |index: usize, cell: f32| (reach * unit(index) - (reach - 1.0) / 2.0 + cell) * stride;
            let size = (number(2).exp() * width, number(3).exp() * height);
            return BoxInModel::from_center(center(0, column), center(1, row), size.0, size.1);
        }
        let center = |index: usize, cell: f32| (2.0 * unit(index) - 0.5 + cell) * stride;
        let side = |index: usize, anchor: f32| (2.0 * unit(index)).powi(2) * anchor;
        BoxInModel::from_center(center(0, column), center(1, row), side(2, width), side(3, height))
    }
}

#[cfg(test)]
#[path = "yolov5_grids_tests.rs"]
mod tests;
