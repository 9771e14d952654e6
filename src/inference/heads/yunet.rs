//! YuNet, in both of its forms.
//!
//! * Of 2023: for each of the strides 8, 16 and 32 the outputs `cls` and `obj` `[1, n, 1]`, `bbox` `[1, n, 4]` and `kps`
//!   `[1, n, 10]` (landmarks, not read). The score is √(cls · obj); a box is relative to its cell: centre
//!   `(v + cell) · stride`, size `exp(v) · stride`.
//! * Of 2022: `loc` `[N, 14]` (offsets to prior boxes, landmarks), `conf` `[N, 2]` after the softmax and `iou` `[N, 1]`.
//!   The score is √(face · iou), with iou cut to 0…1.
//!
//! Source: Wu et al., "YuNet: A Tiny Millisecond-level Face Detector" (Machine Intelligence Research, 2023), and
//! OpenCV's `modules/objdetect/src/face_detect.cpp` of version 4.8 and of version 4.5.4.

use super::facts::{are_scores, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Usual, sure};
use super::grid::{cells_of, places};
use super::levels::{are_levels, equals_before, find, matrix_shape};
use super::priors::{PriorMap, Rounding, box_from, count, priors};
use super::tensor::{push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize, ResizeMode};
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family = Family {
    heads: &[Head::YuNet],
    outputs: "[1, n, 1] twice, [1, n, 4] and [1, n, 10] for each of 3 strides, or [n, 14], [n, 2] and [n, 1]",
    recognize,
    decode: |head, outputs, context, _: &mut Scratch, candidates| match outputs.len() {
        3 => decode_priors(head, outputs, context, candidates),
        _ => decode_levels(head, outputs, context, candidates),
    },
};

const STRIDES: [u32; 3] = [8, 16, 32];

/// Columns a stride: class, objectness, box, landmarks.
const COLUMNS: [usize; 4] = [1, 1, 4, 10];

const MAPS: [PriorMap; 4] =
    [(8, &[10.0, 16.0, 24.0]), (16, &[32.0, 48.0]), (32, &[64.0, 96.0]), (64, &[128.0, 192.0, 256.0])];

/// Columns of the form with priors: offsets and landmarks, background and face, overlap.
const PRIOR_COLUMNS: [usize; 3] = [14, 2, 1];

/// OpenCV scales the width with SSD's first variance, and trained models expect it.
const VARIANCES: [f32; 3] = [0.1, 0.1, 0.2];

fn recognize(look: &Look<'_>) -> Option<Found> {
    let size = look.size();
    if are_levels(look.outputs, size, &STRIDES, &COLUMNS, 1) {
        let mut scores = look.outputs.iter().filter(|output| output.shape.last() == Some(&COLUMNS[0]));
        let fits = look.asked.is_some() || scores.all(|output| output.values.is_none_or(are_scores));
        return fits.then(|| found("12 outputs = class, objectness, box and landmarks of 3 strides: YuNet".to_owned()));
    }
    let [_, _, _] = look.outputs else { return None };
    let rows = count(size, &MAPS, Rounding::Down);
    let shapes: Vec<_> = look.outputs.iter().map(|output| matrix_shape(&output.shape)).collect::<Option<_>>()?;
    let open = shapes.iter().all(|(n, _)| *n == 0) && look.outputs.iter().all(|output| output.values.is_none());
    let has = |columns: &usize| shapes.iter().any(|(n, c)| c == columns && (*n == rows || open));
    PRIOR_COLUMNS.iter().all(has).then(|| {
        let shapes: Vec<_> = look.outputs.iter().map(|output| shape_text(&output.shape)).collect();
        found(format!("outputs {} = {rows} priors of strides 8 to 64: YuNet of 2022", shapes.join(", ")))
    })
}

fn found(evidence: String) -> Found {
    Found {
        head: Head::YuNet,
        classes: Classes::Known(1),
        numbers: ClassNumbers::FromZero,
        only_class: Some("face"),
        nms: true,
        certainty: Certainty::Certain,
        evidence: vec![sure(evidence)],
        usual: Usual {
            resize: ResizeMode::LetterboxTopLeft,
            pad: 0,
            size: Some(ImageSize::new(640, 640)),
            from: "what YuNet is trained with",
            ..Usual::YOLOX
        },
    }
}

fn decode_levels(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let error = || shape_error(head, "for each stride outputs [1, n, 1] twice and [1, n, 4]", outputs);
    for (index, &stride) in STRIDES.iter().enumerate() {
        let rows = places(context.input_size, stride);
        let skipped = equals_before(context.input_size, &STRIDES, index);
        let of = |columns, skipped| find(outputs, rows, columns, skipped).ok_or_else(error);
        // The score is the same whichever of the two comes first.
        let (one, other, boxes) = (of(1, 2 * skipped)?, of(1, 2 * skipped + 1)?, of(4, skipped)?);
        let table = one.iter().zip(other).zip(boxes.chunks_exact(4));
        for (((one, other), side), cell) in table.zip(cells_of(context.input_size, stride)) {
            let score = (one.clamp(0.0, 1.0) * other.clamp(0.0, 1.0)).sqrt();
            if score >= context.score_floor {
                let center = ((side[0] + cell.column) * cell.stride, (side[1] + cell.row) * cell.stride);
                let (width, height) = (side[2].exp() * cell.stride, side[3].exp() * cell.stride);
                push_finite(candidates, 0, score, BoxInModel::from_center(center.0, center.1, width, height));
            }
        }
    }
    Ok(())
}

fn decode_priors(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let error = || shape_error(head, "outputs [n, 14], [n, 2] and [n, 1] with n prior boxes", outputs);
    let rows = count(context.input_size, &MAPS, Rounding::Down);
    let of = |columns: usize| find(outputs, rows, columns, 0).ok_or_else(error);
    let (offsets, scores, overlaps) = (of(14)?, of(2)?, of(1)?);
    let table = offsets.chunks_exact(14).zip(scores.as_chunks::<2>().0).zip(overlaps);
    for (((offsets, [_, face]), overlap), prior) in table.zip(priors(context.input_size, &MAPS, Rounding::Down)) {
        let score = (face * overlap.clamp(0.0, 1.0)).sqrt();
        if score >= context.score_floor {
            push_finite(candidates, 0, score, box_from(prior, offsets, VARIANCES));
        }
    }
    Ok(())
}
