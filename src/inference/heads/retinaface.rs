//! RetinaFace: offsets to prior boxes `[1, N, 4]`, scores of background and face `[1, N, 2]`, and landmarks
//! `[1, N, 10]`, which are not read. There are two priors a place of the strides 8, 16 and 32. The scores are after the
//! softmax or, from exports in training mode, before it, which their sums show.
//!
//! Source: Deng et al., "RetinaFace" (arXiv 1905.00641), and `prior_box.py`, `box_utils.py` and `data/config.py` of
//! biubug6/Pytorch_Retinaface.

use super::facts::{are_scores, rows_add_up_to_one, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Output, Usual, sure};
use super::levels::matrix_shape;
use super::priors::{PriorMap, Rounding, VARIANCES, box_from, count, priors};
use super::tensor::{as_matrix, push_finite, shape_error, sigmoid};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::ResizeMode;
use crate::inference::{Candidate, ClassNumbers, ColorOrder, Head};

pub(super) const FAMILY: Family =
    Family { heads: &[Head::RetinaFace], outputs: "[1, n, 4], [1, n, 2] and [1, n, 10]", recognize, decode };

const MAPS: [PriorMap; 3] = [(8, &[16.0, 32.0]), (16, &[64.0, 128.0]), (32, &[256.0, 512.0])];

/// Columns of offsets, scores and landmarks.
const COLUMNS: [usize; 3] = [4, 2, 10];

/// Rows of scores by which those after a softmax are told from logits.
const ROWS_CHECKED: usize = 64;

fn recognize(look: &Look<'_>) -> Option<Found> {
    let [_, _, _] = look.outputs else { return None };
    let role = |columns: usize| {
        look.outputs
            .iter()
            .find_map(|output| Some((output, matrix_shape(&output.shape)?)).filter(|(_, s)| s.1 == columns))
    };
    let found: Vec<(&Output<'_>, (usize, usize))> =
        COLUMNS.iter().map(|columns| role(*columns)).collect::<Option<_>>()?;
    let (rows, expected) = (found[0].1.0, count(look.size(), &MAPS, Rounding::Up));
    if found.iter().any(|(_, (n, _))| *n != rows) {
        return None;
    }
    // Open rows are known after a run.
    let open = rows == 0 && found.iter().all(|(output, _)| output.values.is_none());
    if look.asked.is_none() && rows != expected && !open {
        return None;
    }
    let shapes: Vec<_> = found.iter().map(|(output, _)| shape_text(&output.shape)).collect();
    let evidence = format!("outputs {} = {expected} priors of strides 8, 16 and 32: RetinaFace", shapes.join(", "));
    Some(Found {
        head: Head::RetinaFace,
        classes: Classes::Known(1),
        numbers: ClassNumbers::FromZero,
        only_class: Some("face"),
        nms: true,
        certainty: Certainty::Certain,
        evidence: vec![sure(evidence)],
        usual: Usual {
            color: ColorOrder::Bgr,
            scale: 1.0,
            mean: [104.0, 117.0, 123.0],
            resize: ResizeMode::LetterboxTopLeft,
            pad: 114,
            from: "what RetinaFace is trained with",
            ..Usual::YOLOX
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
    let error = || shape_error(head, "outputs [1, n, 4], [1, n, 2] and [1, n, 10] with n prior boxes", outputs);
    let rows = count(context.input_size, &MAPS, Rounding::Up);
    let of = |columns: usize| {
        let mut all = outputs.iter().filter_map(as_matrix);
        all.find(|(r, c, _)| (*r, *c) == (rows, columns)).map(|(.., values)| values).ok_or_else(error)
    };
    let (offsets, scores) = (of(4)?, of(2)?);
    let first = &scores[..scores.len().min(2 * ROWS_CHECKED)];
    let done = are_scores(first) && rows_add_up_to_one(first, 2);
    let table = scores.as_chunks::<2>().0.iter().zip(offsets.chunks_exact(4));
    for (([background, face], offsets), prior) in table.zip(priors(context.input_size, &MAPS, Rounding::Up)) {
        // A softmax over two is a sigmoid of their difference.
        let score = if done { *face } else { sigmoid(face - background) };
        if score >= context.score_floor {
            push_finite(candidates, 0, score, box_from(prior, offsets, VARIANCES));
        }
    }
    Ok(())
}
