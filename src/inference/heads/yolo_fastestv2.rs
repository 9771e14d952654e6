//! Yolo-FastestV2: two maps of strides 16 and 32 with three anchors a cell: twelve numbers for the boxes, three for their
//! objectness, and one a class that the three share. Exported they are `[1, h, w, 15+C]` a map, boxes and objectness after
//! the sigmoid and classes after a softmax; out of training they are six raw maps `[1, 12, h, w]`, `[1, 3, h, w]`,
//! `[1, C, h, w]`. With σ for the sigmoid: centre `(2σ(x) − ½ + cell) · stride`, size `(2σ(w))² · anchor`, score
//! `objectness · class`.
//!
//! Source: `model/detector.py`, `utils/utils.py` and the anchors of `data/coco.data` in dog-qiuqiu/Yolo-FastestV2.

use super::facts::{are_scores, rows_add_up_to_one, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Usual, sure};
use super::tensor::{push_finite, shape_error, sigmoid};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize};
use crate::inference::{Candidate, ClassNumbers, ColorOrder, Head};

pub(super) const FAMILY: Family = Family { heads: &[Head::YoloFastestV2], outputs: EXPECTED, recognize, decode };

const EXPECTED: &str = "two maps [1, h, w, 15+classes], or six [1, 12, h, w], [1, 3, h, w], [1, classes, h, w]";

/// Anchors a cell.
const ANCHORS: usize = 3;
/// Numbers of a cell for the boxes of its anchors.
const BOXES: usize = 4 * ANCHORS;
/// Numbers of a cell before its classes.
const CLASSES_FROM: usize = BOXES + ANCHORS;
/// Pixels a cell of the two maps.
const STRIDES: [usize; 2] = [16, 32];
/// Widths and heights in pixels.
const USUAL_ANCHORS: [[[f32; 2]; ANCHORS]; 2] =
    [[[12.64, 19.39], [37.88, 51.48], [55.71, 138.31]], [[126.91, 78.23], [131.57, 214.55], [279.92, 258.87]]];

/// One tensor's part of a cell: where its numbers lie.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    /// Which output it is.
    output: usize,
    /// Its first number of a cell.
    first: usize,
    /// How far a cell's numbers, and cells, lie apart.
    steps: (usize, usize),
}

/// One map: the parts of its cells.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Map {
    stride: usize,
    columns: usize,
    rows: usize,
    classes: usize,
    boxes: Part,
    objectness: Part,
    scores: Part,
    /// Whether the numbers are those before sigmoid and softmax.
    raw: bool,
}

fn recognize(look: &Look<'_>) -> Option<Found> {
    let shapes: Vec<&[usize]> = look.outputs.iter().map(|output| output.shape.as_slice()).collect();
    let shape = |index: usize| shapes.get(index).copied();
    let maps = maps(shape, shapes.len(), look.size())?;
    let classes = maps[0].classes;
    let named = look.names() == Some(classes);
    let mut certainty = if named { Certainty::Likely } else { Certainty::Guess };
    if look.asked.is_none() {
        let values: Option<Vec<&[f32]>> = look.outputs.iter().map(|output| output.values).collect();
        match values {
            Some(values) if !maps.iter().all(|map| fits(map, &values)) => return None,
            Some(_) => certainty = Certainty::Certain,
            // Raw maps of YOLOv3 are of this shape too.
            None if !maps[0].raw && classes != 80 && !named => return None,
            None => {}
        }
    }
    let listed: Vec<_> = shapes.iter().map(|shape| shape_text(shape)).collect();
    let anchors = match look.anchors {
        Some(_) => "the anchors are the card's",
        None => "the anchors are those trained for COCO at 352x352; \"anchors\" in the card sets others",
    };
    Some(Found {
        head: Head::YoloFastestV2,
        classes: Classes::Known(classes),
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: true,
        certainty,
        evidence: vec![
            sure(format!(
                "outputs {} = 3 anchors × (4+1) + {classes} on maps of strides 16, 32: Yolo-FastestV2",
                listed.join(", ")
            )),
            sure(anchors),
        ],
        usual: Usual { color: ColorOrder::Bgr, from: "what Yolo-FastestV2 is trained with", ..Usual::UNIT_STRETCH },
    })
}

/// Whether boxes, objectness and classes look like those after sigmoid and softmax, or hardly any raw objectness is above 0.
fn fits(map: &Map, values: &[&[f32]]) -> bool {
    let part =
        |part: Part, count: usize| Values { part, count, values: values.get(part.output).copied().unwrap_or_default() };
    let cells = map.rows * map.columns;
    let objectness = part(map.objectness, ANCHORS);
    if map.raw {
        let sum: f32 = (0..cells).map(|cell| objectness.of(cell).sum::<f32>()).sum();
        return sum < 0.0;
    }
    let (boxes, scores) = (part(map.boxes, BOXES), part(map.scores, map.classes));
    (0..cells).all(|cell| {
        let classes: Vec<f32> = scores.of(cell).collect();
        let others: Vec<f32> = boxes.of(cell).chain(objectness.of(cell)).collect();
        are_scores(&others) && are_scores(&classes) && rows_add_up_to_one(&classes, map.classes)
    })
}

/// A part with its values.
#[derive(Clone, Copy)]
struct Values<'a> {
    part: Part,
    count: usize,
    values: &'a [f32],
}

impl<'a> Values<'a> {
    /// One number of a cell; NaN beyond the end.
    fn get(&self, cell: usize, number: usize) -> f32 {
        let Part { first, steps, .. } = self.part;
        self.values.get((first + number) * steps.0 + cell * steps.1).copied().unwrap_or(f32::NAN)
    }

    fn of(self, cell: usize) -> impl Iterator<Item = f32> + use<'a> {
        (0..self.count).map(move |number| self.get(cell, number))
    }
}

/// The two maps that outputs of these shapes are, finer one first.
fn maps<'a>(shape: impl Fn(usize) -> Option<&'a [usize]>, count: usize, size: ImageSize) -> Option<[Map; 2]> {
    if count != 2 && count != 6 {
        return None;
    }
    let map = |stride: usize| {
        let (columns, rows) = (size.width as usize / stride, size.height as usize / stride);
        let whole = columns * stride == size.width as usize && rows * stride == size.height as usize;
        let plane = rows * columns;
        let here = |index: usize| match *shape(index)? {
            [1, channels, r, c] if (r, c) == (rows, columns) => Some((index, channels, (plane, 1))),
            [1, r, c, channels] if (r, c) == (rows, columns) => Some((index, channels, (1, channels))),
            _ => None,
        };
        let new = |classes, [boxes, objectness, scores]: [Part; 3], raw| Map {
            stride,
            columns,
            rows,
            classes,
            boxes,
            objectness,
            scores,
            raw,
        };
        let mut of_stride = (0..count).filter_map(here);
        if !whole || plane == 0 {
            return None;
        }
        if count == 2 {
            let (output, channels, steps) = of_stride.next()?;
            let part = |first| Part { output, first, steps };
            let classes = channels.checked_sub(CLASSES_FROM).filter(|classes| *classes > 0)?;
            return Some(new(classes, [part(0), part(BOXES), part(CLASSES_FROM)], false));
        }
        let mut three = [of_stride.next()?, of_stride.next()?, of_stride.next()?];
        // Boxes and objectness go by their numbers; what is left are the classes, even if these are 3 or 12.
        let boxes = three.iter().position(|(_, channels, _)| *channels == BOXES)?;
        three.swap(0, boxes);
        let objectness = 1 + three[1..].iter().position(|(_, channels, _)| *channels == ANCHORS)?;
        three.swap(1, objectness);
        let parts = three.map(|(output, _, steps)| Part { output, first: 0, steps });
        (three[2].1 > 0).then(|| new(three[2].1, parts, true))
    };
    let maps = [map(STRIDES[0])?, map(STRIDES[1])?];
    (maps[0].classes == maps[1].classes).then_some(maps)
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    scratch: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let whole = |output: &OutputTensor<'_>| {
        output.shape.iter().try_fold(1usize, |product, side| product.checked_mul(*side)) == Some(output.values.len())
    };
    let shape = |index: usize| outputs.get(index).map(|output| output.shape);
    let maps = maps(shape, outputs.len(), context.input_size).filter(|_| outputs.iter().all(whole));
    let maps = maps.ok_or_else(|| shape_error(head, EXPECTED, outputs))?;
    for (rank, map) in maps.iter().enumerate() {
        let row = match &scratch.anchors {
            Some(anchors) => anchors.row(rank),
            None => USUAL_ANCHORS.get(rank).map(<[_; ANCHORS]>::as_slice),
        };
        let row = row.filter(|row| row.len() == ANCHORS);
        let row = row.ok_or(DecodeError::Anchors { head, maps: maps.len(), finest: STRIDES[0] })?;
        read(map, outputs, row, context.score_floor, candidates);
    }
    Ok(())
}

fn read(map: &Map, outputs: &[OutputTensor<'_>], anchors: &[[f32; 2]], floor: f32, candidates: &mut Vec<Candidate>) {
    let part = |part: Part, count: usize| {
        let values = outputs.get(part.output).map(|output| output.values).unwrap_or_default();
        Values { part, count, values }
    };
    let (boxes, objectness) = (part(map.boxes, BOXES), part(map.objectness, ANCHORS));
    let scores = part(map.scores, map.classes);
    let unit = |number: f32| if map.raw { sigmoid(number) } else { number };
    for cell in 0..map.rows * map.columns {
        let mut class = None;
        for (index, [width, height]) in anchors.iter().enumerate() {
            let objectness = unit(objectness.get(cell, index));
            if objectness.is_nan() || objectness < floor {
                continue;
            }
            let (class, share) = *class.get_or_insert_with(|| best_class(scores, cell, map.raw));
            let score = objectness * share;
            if score >= floor {
                let number = |number: usize| unit(boxes.get(cell, 4 * index + number));
                let (column, row) = ((cell % map.columns) as f32, (cell / map.columns) as f32);
                let center = |index: usize, cell: f32| (2.0 * number(index) - 0.5 + cell) * map.stride as f32;
                let (w, h) = ((2.0 * number(2)).powi(2) * width, (2.0 * number(3)).powi(2) * height);
                push_finite(candidates, class, score, BoxInModel::from_center(center(0, column), center(1, row), w, h));
            }
        }
    }
}

/// The best class of a cell and its share; NaN is never best.
fn best_class(scores: Values<'_>, cell: usize, raw: bool) -> (usize, f32) {
    let larger = |best: (usize, f32), next: (usize, f32)| if next.1 > best.1 { next } else { best };
    let (class, best) = scores.of(cell).enumerate().fold((0, f32::NEG_INFINITY), larger);
    if !raw {
        return (class, best);
    }
    (class, 1.0 / scores.of(cell).map(|number| (number - best).exp()).sum::<f32>())
}

#[cfg(test)]
#[path = "yolo_fastestv2_tests.rs"]
mod tests;
