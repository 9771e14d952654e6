//! Two outputs: boxes `[1, N, 4]` (or `[1, N, 1, 4]`) as left, top, right, bottom, and scores `[1, N, C]` after the
//! sigmoid, without a background class. Edges are in pixels of the input, or fractions 0…1 of it.
//!
//! Pixels: YOLO-NAS (Deci's SuperGradients, `convert_to_onnx`, or `export` without NMS; its outputs may have numbers for
//! names). Fractions: pytorch-YOLOv4 ("boxes" and "confs", `yolo_layer.py` of Tianxiaomo/pytorch-YOLOv4). How they are
//! fed: `default_yolo_nas_coco_processing_params` in SuperGradients' `processing.py`, a letterbox in RGB 0…1; and
//! `demo_pytorch2onnx.py` of pytorch-YOLOv4, which stretches.

use super::facts::{
    ORDERED_SHARE, UNIT_LIMIT, are_scores, largest, rows_add_up_to_one, shape_text, share_of_ordered_boxes,
};
use super::family::{Certainty, Classes, Family, Found, Look, Usual, guess, sure};
use super::grid::strides_for;
use super::tensor::{as_matrix, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, ClassNumbers, Evidence, Head};

pub(super) const FAMILY: Family = Family {
    heads: &[Head::BoxesScores, Head::BoxesScoresUnit],
    outputs: "[1, n, 4] and [1, n, classes]",
    recognize,
    decode,
};

/// Scores after a sigmoid, without a background class, and boxes as left, top, right, bottom; their unit is told by how far
/// they reach.
fn recognize(look: &Look<'_>) -> Option<Found> {
    let (boxes, scores) = roles(look.outputs, |output| (output.name, output.shape.as_slice()))?;
    let (count, classes) = (scores.shape[1], scores.shape[2]);
    let shapes = (shape_text(&boxes.shape), shape_text(&scores.shape));
    let sentence = format!("outputs {} and {} = {count} boxes with {classes} scores each", shapes.0, shapes.1);
    let found = |head, certainty, reason: Option<Evidence>| {
        Some(Found {
            head,
            classes: Classes::Known(classes),
            numbers: ClassNumbers::FromZero,
            only_class: None,
            nms: true,
            certainty,
            evidence: std::iter::once(sure(sentence.clone())).chain(reason).collect(),
            usual: match head {
                Head::BoxesScoresUnit => {
                    Usual { from: "what YOLOv4 with this head is fed with", ..Usual::UNIT_STRETCH.guessed() }
                }
                _ => Usual { from: "what YOLO-NAS is trained with", ..Usual::YOLO.guessed() },
            },
        })
    };
    if let Some(head) = look.asked {
        return found(head, Certainty::Certain, None);
    }
    let name = scores.name.to_ascii_lowercase();
    if name.contains("logit") {
        return None;
    }
    let (Some(edges), Some(values)) = (boxes.values, scores.values) else {
        strides_for(count, look.size()).or(strides_for(count / 3, look.size()))?;
        let (head, reason) = match name.contains("conf") {
            true => (Head::BoxesScoresUnit, "boxes as fractions of the input, a guess by the name \"conf\""),
            false => (Head::BoxesScores, "boxes in pixels, a guess as the model was not run"),
        };
        return found(head, Certainty::Guess, Some(guess(reason)));
    };
    let softmax = classes > 1 && rows_add_up_to_one(values, classes);
    if !are_scores(values) || softmax || share_of_ordered_boxes(edges) < ORDERED_SHARE {
        return None;
    }
    let largest = largest(edges);
    let (head, reason) = match largest > UNIT_LIMIT {
        true => (Head::BoxesScores, format!("a run gave box edges up to {largest:.0}: pixels")),
        false => (Head::BoxesScoresUnit, format!("a run gave box edges up to {largest:.2}: fractions of the input")),
    };
    found(head, Certainty::Likely, Some(sure(reason)))
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    scratch: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let shape_of = |output: &OutputTensor<'_>| shape_error(head, EXPECTED, std::slice::from_ref(output));
    let Some((boxes, scores)) = roles(outputs, |output| (output.name, output.shape)) else {
        return Err(shape_error(head, EXPECTED, outputs));
    };
    let (_, classes, scores) = as_matrix(scores).ok_or_else(|| shape_of(scores))?;
    let (width, height) = match head {
        Head::BoxesScoresUnit => (context.input_size.width as f32, context.input_size.height as f32),
        _ => (1.0, 1.0),
    };
    for (edges, row) in boxes.values.chunks_exact(4).zip(scores.chunks_exact(classes)) {
        scratch.wanted(context).each(row, |class, score| {
            let rect = BoxInModel::new(edges[0] * width, edges[1] * height, edges[2] * width, edges[3] * height);
            push_finite(candidates, class, score, rect);
        });
    }
    Ok(())
}

const EXPECTED: &str = "outputs [1, n, 4] and [1, n, classes]";

/// Tells boxes and scores apart by shape, and by name where there are four classes. None unless there are exactly
/// these two.
fn roles<T>(outputs: &[T], parts: impl Fn(&T) -> (&str, &[usize])) -> Option<(&T, &T)> {
    let [first, second] = outputs else { return None };
    let fits = |boxes: &T, scores: &T| match (box_count(parts(boxes).1), parts(scores).1) {
        (Some(count), [1, n, classes]) => *n == count && *classes > 0,
        _ => false,
    };
    let named_scores = |output: &T| {
        let name = parts(output).0.to_ascii_lowercase();
        ["score", "conf", "cls", "prob", "class"].iter().any(|word| name.contains(word))
    };
    match (fits(first, second), fits(second, first)) {
        (true, true) if named_scores(first) && !named_scores(second) => Some((second, first)),
        (true, _) => Some((first, second)),
        (false, true) => Some((second, first)),
        (false, false) => None,
    }
}

fn box_count(shape: &[usize]) -> Option<usize> {
    match shape {
        [1, count, 4] | [1, count, 1, 4] if *count > 0 => Some(*count),
        _ => None,
    }
}
