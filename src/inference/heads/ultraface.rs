//! UltraFace, and the SSD that it descends from: scores `[1, N, 1+C]` after a softmax, the background first, and boxes
//! `[1, N, 4]` as left, top, right, bottom in fractions 0…1 of the input.
//!
//! UltraFace has one class and a fixed number of prior boxes for each size of the input. Its exports without
//! post-processing give offsets to these priors instead of boxes; so few of them have their edges in order that the
//! values show it. pytorch-ssd and jetson-inference have any classes and priors, and boxes decoded.
//!
//! Source: `vision/utils/box_utils.py` and `vision/ssd/config/fd_config.py` of
//! Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB; `vision/ssd/ssd.py` of qfgaohao/pytorch-ssd.

use super::facts::{
    ORDERED_SHARE, UNIT_LIMIT, are_scores, largest, rows_add_up_to_one, shape_text, share_of_ordered_boxes,
};
use super::family::{Certainty, Classes, Family, Found, Look, Usual, sure};
use super::levels::matrix_shape;
use super::priors::{PriorMap, Rounding, VARIANCES, box_from, count, priors};
use super::tensor::{as_matrix, best_class, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize};
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family =
    Family { heads: &[Head::UltraFace], outputs: "scores [1, n, 1+classes] and boxes [1, n, 4]", recognize, decode };

const MAPS: [PriorMap; 4] =
    [(8, &[10.0, 16.0, 24.0]), (16, &[32.0, 48.0]), (32, &[64.0, 96.0]), (64, &[128.0, 192.0, 256.0])];

/// Background and face.
const FACE_COLUMNS: usize = 2;

/// Boxes by which edges are told from offsets.
const BOXES_CHECKED: usize = 256;

fn recognize(look: &Look<'_>) -> Option<Found> {
    let (scores, boxes) = roles(look.outputs, |output| (output.name, output.shape.as_slice()))?;
    let (rows, columns) = matrix_shape(&scores.shape)?;
    let face = columns == FACE_COLUMNS && (rows == 0 || rows == count(look.size(), &MAPS, Rounding::Up));
    let certainty = match (look.asked, scores.values, boxes.values) {
        (Some(_), ..) => Certainty::Certain,
        (None, Some(scores), Some(boxes)) => {
            let of_background = scores.chunks_exact(columns).filter(|row| row[0] > 0.5).count();
            let softmax = rows_add_up_to_one(scores, columns) && are_scores(scores) && 2 * of_background >= rows;
            let decoded = share_of_ordered_boxes(boxes) >= ORDERED_SHARE && largest(boxes) <= UNIT_LIMIT;
            (rows > 0 && softmax && (face || decoded)).then_some(Certainty::Certain)?
        }
        // Without a run only UltraFace's own number of priors is telling.
        _ => (face && !scores.name.contains("logit")).then_some(Certainty::Likely)?,
    };
    let shapes = (shape_text(&scores.shape), shape_text(&boxes.shape));
    let kind = if face { "UltraFace" } else { "SSD in PyTorch" };
    let evidence = format!(
        "outputs {} and {} = {columns} scores with the background first, and boxes: {kind}",
        shapes.0, shapes.1
    );
    Some(Found {
        head: Head::UltraFace,
        classes: Classes::Known(columns),
        numbers: ClassNumbers::FromOne,
        only_class: face.then_some("face"),
        nms: true,
        certainty,
        evidence: vec![sure(evidence)],
        usual: Usual {
            scale: 1.0,
            mean: [127.0; 3],
            std: [128.0; 3],
            size: Some(if face { ImageSize::new(320, 240) } else { ImageSize::new(300, 300) }),
            from: if face { "what UltraFace is trained with" } else { "what pytorch-ssd is trained with" },
            ..Usual::UNIT_STRETCH
        },
    })
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let error = || shape_error(head, "scores [1, n, 1 + classes] and boxes [1, n, 4]", outputs);
    let (scores, boxes) = roles(outputs, |output| (output.name, output.shape)).ok_or_else(error)?;
    let (rows, columns, scores) = as_matrix(scores).ok_or_else(error)?;
    let (_, _, boxes) = as_matrix(boxes).ok_or_else(error)?;
    let size = context.input_size;
    let class_of = |row: &[f32]| best_class(&row[1..], context.score_floor).map(|(class, score)| (class + 1, score));
    let table = scores.chunks_exact(columns).zip(boxes.chunks_exact(4));
    let first = &boxes[..boxes.len().min(4 * BOXES_CHECKED)];
    if rows == count(size, &MAPS, Rounding::Up) && share_of_ordered_boxes(first) < ORDERED_SHARE {
        for ((row, offsets), prior) in table.zip(priors(size, &MAPS, Rounding::Up)) {
            if let Some((class, score)) = class_of(row) {
                push_finite(candidates, class, score, box_from(prior, offsets, VARIANCES));
            }
        }
        return Ok(());
    }
    let (width, height) = (size.width as f32, size.height as f32);
    for (row, edges) in table {
        if let Some((class, score)) = class_of(row) {
            let rect = BoxInModel::new(edges[0] * width, edges[1] * height, edges[2] * width, edges[3] * height);
            push_finite(candidates, class, score, rect);
        }
    }
    Ok(())
}

/// Scores and boxes of the only two outputs; four scores a row are told by name.
fn roles<T>(outputs: &[T], parts: impl Fn(&T) -> (&str, &[usize])) -> Option<(&T, &T)> {
    let [first, second] = outputs else { return None };
    let fits = |scores: &T, boxes: &T| match (parts(scores).1, parts(boxes).1) {
        ([1, n, columns], [1, count, 4]) => n == count && *columns >= FACE_COLUMNS,
        _ => false,
    };
    let named_box = |output: &T| parts(output).0.to_ascii_lowercase().contains("box");
    match (fits(first, second), fits(second, first)) {
        (true, true) if named_box(first) => Some((second, first)),
        (true, _) => Some((first, second)),
        (false, true) => Some((second, first)),
        (false, false) => None,
    }
}

#[cfg(test)]
#[path = "prior_tests.rs"]
mod tests;
