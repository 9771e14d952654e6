//! YOLOv3, v4, v5 and v7 with their decoding inside, and YOLOv6: one output `[1, N, 5+C]`, a row an anchor: centre x,
//! centre y, width, height in pixels of the input, objectness, and a score a class, the last two after the sigmoid. The
//! score is objectness times class score.
//!
//! Exports for TensorFlow give the boxes in fractions 0…1 of the input instead.
//!
//! YOLOv5 has three anchors a cell, so that N is three times the cells of its feature maps, and may give those out beside
//! the decoded rows. YOLOv6 has one box a cell and an objectness of 1.
//!
//! Sources: `Detect.forward` in `models/yolo.py` of ultralytics/yolov5 and of WongKinYiu/yolov7; `Detect.forward` in
//! `yolov6/models/effidehead.py` of meituan/YOLOv6, which joins boxes, ones and scores; `TFDetect` in `models/tf.py` of
//! ultralytics/yolov5, which divides by the size of the input.

use super::facts::{are_scores, grid_text, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Output, Usual, all_sure};
use super::rows::{self, CLASSES_FROM, Unit};
use super::tensor::{as_matrix, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family =
    Family { heads: &[Head::YoloV5, Head::YoloV5Unit, Head::YoloV6], outputs: "[1, n, 5+classes]", recognize, decode };

/// Anchors a cell in every model of YOLOv3 to v7.
const ANCHORS: usize = 3;

fn recognize(look: &Look<'_>) -> Option<Found> {
    let output = decoded_output(look.outputs)?;
    let (rows, columns) = (output.shape[1], output.shape[2]);
    let classes = columns - CLASSES_FROM;
    let named = look.names() == Some(classes);
    let shape = shape_text(&output.shape);
    if let Some(head) = look.asked {
        return Some(found(
            head,
            classes,
            Certainty::Certain,
            vec![format!("output {shape} = {rows} × (5+{classes})")],
        ));
    }
    let by_anchors = rows.is_multiple_of(ANCHORS).then(|| rows::strides_for(rows / ANCHORS, look.size())).flatten();
    let by_cells = rows::strides_for(rows, look.size());
    let values = output.values;
    let one = values.is_some_and(|values| rows::objectness_is_one(values, columns));
    let (mut head, mut evidence) = match (by_anchors, by_cells) {
        (Some(strides), _) => {
            let cells = grid_text(look.size(), strides);
            (
                Head::YoloV5,
                vec![format!("output {shape} = {ANCHORS} anchors × ({cells}) cells × (5+{classes}): YOLOv5")],
            )
        }
        (None, Some(strides)) if one => {
            let cells = grid_text(look.size(), strides);
            (Head::YoloV6, vec![format!("output {shape} = {cells} cells × (5+{classes}), objectness always 1: YOLOv6")])
        }
        (None, None) if named && values.is_some() => {
            (Head::YoloV5, vec![format!("output {shape} = {rows} rows × (5+{classes} named classes): YOLOv5")])
        }
        _ => return None,
    };
    let mut certainty = Certainty::Guess;
    if let Some(values) = values {
        let unit = unit_beside_scores(values, columns, by_anchors.is_some())?;
        head = match (head, unit) {
            (Head::YoloV5, Unit::Fractions) => Head::YoloV5Unit,
            (_, Unit::Fractions) => return None,
            (head, Unit::Pixels) => head,
        };
        certainty = Certainty::Likely;
        evidence.push(format!("a run gave boxes in {} and scores between 0 and 1", unit.name()));
    }
    if named {
        certainty = Certainty::Certain;
    }
    Some(found(head, classes, certainty, evidence))
}

/// The one output with rows; beside it there may be the raw feature maps that it was made from.
fn decoded_output<'a>(outputs: &'a [Output<'a>]) -> Option<&'a Output<'a>> {
    let is_table = |output: &&Output<'_>| matches!(*output.shape, [1, _, columns] if columns > CLASSES_FROM);
    let table = outputs.iter().find(is_table)?;
    let is_its_map = |output: &Output<'_>| output.shape.len() == 5 && output.shape[4] == table.shape[2];
    let mut others = outputs.iter().filter(|output| output.name != table.name);
    others.all(is_its_map).then_some(table)
}

/// What the boxes are measured in; none if there are no boxes or no scores.
fn unit_beside_scores(values: &[f32], columns: usize, spread: bool) -> Option<Unit> {
    let rows = || values.chunks_exact(columns);
    let unit = Unit::of(rows().map(|row| [row[0], row[1], row[2], row[3]]), spread)?;
    (rows().all(|row| are_scores(&row[4..])) && rows::have_sizes(rows())).then_some(unit)
}

fn found(head: Head, classes: usize, certainty: Certainty, evidence: Vec<String>) -> Found {
    Found {
        head,
        classes: Classes::Known(classes),
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: true,
        certainty,
        evidence: all_sure(evidence),
        usual: Usual::YOLO,
    }
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    scratch: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let table = outputs.iter().filter_map(as_matrix).find(|(_, columns, _)| *columns > CLASSES_FROM);
    let Some((_, columns, values)) = table else {
        return Err(shape_error(head, "an output [1, n, 5 + classes]", outputs));
    };
    let scale = if head == Head::YoloV5Unit { rows::fractions_of(context.input_size) } else { rows::PIXELS };
    rows::read(values, columns, scale, scratch.wanted(context), candidates);
    Ok(())
}

#[cfg(test)]
#[path = "yolov5_tests.rs"]
mod tests;
