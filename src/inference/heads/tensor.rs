//! Reading tensors: shapes, best classes, finite boxes.

use super::DecodeError;
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, Head};
use crate::onnx::shown;

/// One output tensor of a run, as 32-bit floats whatever its own type.
#[derive(Clone, Copy, Debug)]
pub struct OutputTensor<'a> {
    /// Name in the graph.
    pub name: &'a str,
    /// Its shape on this run.
    pub shape: &'a [usize],
    /// Its values, row-major.
    pub values: &'a [f32],
}

/// Rows, columns and values of a tensor that is one matrix but for leading sides of 1. It may have no rows.
pub(super) fn as_matrix<'a>(output: &OutputTensor<'a>) -> Option<(usize, usize, &'a [f32])> {
    let (&columns, rest) = output.shape.split_last()?;
    let (&rows, leading) = rest.split_last()?;
    let whole = leading.iter().all(|&side| side == 1) && rows.checked_mul(columns)? == output.values.len();
    (whole && columns > 0).then_some((rows, columns, output.values))
}

pub(super) fn shape_error(head: Head, expected: &'static str, outputs: &[OutputTensor<'_>]) -> DecodeError {
    let one = |output: &OutputTensor<'_>| format!("{} {:?}", shown(output.name), output.shape);
    let got = outputs.iter().map(one).collect::<Vec<_>>().join(", ");
    DecodeError::Shape { head, expected, got }
}

/// Index and score of the best class of a row, if that reaches the floor; the first of equals. NaN is never best.
pub(super) fn best_class(scores: &[f32], floor: f32) -> Option<(usize, f32)> {
    const LANES: usize = 8;
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = scores.chunks_exact(LANES);
    let tail = chunks.remainder();
    for chunk in chunks {
        for (lane, &score) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, score);
        }
    }
    let best = lanes.iter().chain(tail).copied().fold(f32::NEG_INFINITY, larger);
    if best < floor {
        return None;
    }
    scores.iter().position(|&score| score == best).map(|class| (class, best))
}

/// Which classes of a box become candidates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Lowest score.
    pub floor: f32,
    /// Every class that reaches the floor, not the best one alone.
    pub every_class: bool,
}

impl Wanted {
    /// Calls `found` with the classes of a row that are wanted and their scores.
    pub fn each(self, scores: &[f32], mut found: impl FnMut(usize, f32)) {
        if self.every_class {
            let above = scores.iter().enumerate().filter(|(_, score)| **score >= self.floor);
            above.for_each(|(class, score)| found(class, *score));
        } else if let Some((class, score)) = best_class(scores, self.floor) {
            found(class, score);
        }
    }
}

/// Adds a candidate if everything about it is a finite number.
pub(super) fn push_finite(candidates: &mut Vec<Candidate>, class: usize, score: f32, rect: BoxInModel) {
    if [score, rect.x1, rect.y1, rect.x2, rect.y2].iter().all(|value| value.is_finite()) {
        candidates.push(Candidate { class_id: class as u32, score, rect });
    }
}

/// A class number that came as a float; none for what is no such number.
pub(super) fn class_number(value: f32) -> Option<usize> {
    (-0.5..1e6).contains(&value).then(|| value.round() as usize)
}

/// The logistic function, from a logit to 0…1.
pub(super) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// The logit of a score, by which what is too low is told without a logistic function. A little lower than that, so that
/// rounding decides nothing; no number for scores outside 0…1, and nothing is below that.
pub(super) fn logit_below(score: f32) -> f32 {
    (score / (1.0 - score)).ln() - 1e-3
}
