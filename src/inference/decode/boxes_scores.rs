//! Two outputs: boxes `[1, N, 4]` (or `[1, N, 1, 4]`) as left, top, right, bottom, and scores `[1, N, C]` after the
//! sigmoid, without a background class. Edges are in pixels of the input, or fractions 0…1 of it.
//!
//! Pixels: YOLO-NAS (Deci's SuperGradients, `export` without NMS). Fractions: pytorch-YOLOv4 ("boxes" and "confs",
//! `yolo_layer.py` of Tianxiaomo/pytorch-YOLOv4).

use super::{DecodeContext, DecodeError, OutputTensor, as_matrix, best_class, push_finite, shape_error};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, Head};

pub(super) fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
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
        if let Some((class, score)) = best_class(row, context.score_floor) {
            let rect = BoxInModel::new(edges[0] * width, edges[1] * height, edges[2] * width, edges[3] * height);
            push_finite(candidates, class, score, rect);
        }
    }
    Ok(())
}

const EXPECTED: &str = "outputs [1, n, 4] and [1, n, classes]";

/// Tells boxes and scores apart by shape, and by name where there are four classes. None unless there are exactly
/// these two.
pub(in crate::inference) fn roles<T>(outputs: &[T], parts: impl Fn(&T) -> (&str, &[usize])) -> Option<(&T, &T)> {
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
