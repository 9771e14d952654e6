//! From output tensors to candidates, one file a head.
//!
//! A [`Decoder`] is made once for a head and used for every frame; after the first frame it allocates nothing.

mod boxes_scores;
mod grid;
mod yolov8;
mod yolox;

use super::{Candidate, Head};
use crate::imaging::{BoxInModel, ImageSize};

pub(super) use boxes_scores::roles as boxes_and_scores;
pub(super) use grid::{Cell, cells, strides_for};

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

/// What a head needs to know beside the tensors.
#[derive(Clone, Copy, Debug)]
pub struct DecodeContext {
    /// Width and height of the model's input.
    pub input_size: ImageSize,
    /// Candidates with a lower score are not given out.
    pub score_floor: f32,
}

/// Why outputs cannot be read as a head's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No output has the shape that the head needs.
    #[error(
        "the head {head} needs {expected}, and the model gave {got}. Set \"head\" in the model's card to another one"
    )]
    Shape {
        /// The head that was to be read.
        head: Head,
        /// What it needs.
        expected: &'static str,
        /// Names and shapes of what there is.
        got: String,
    },
    /// The number of cells fits no set of strides.
    #[error(
        "{cells} cells are not those of strides 8, 16, 32 (or to 64) on an input of {input}. \
         Set \"input_size\" in the model's card to the model's own"
    )]
    Grid {
        /// Cells that the output has.
        cells: usize,
        /// Size of the model's input.
        input: ImageSize,
    },
}

/// Reads the outputs of one head, with the buffers it needs for that.
#[derive(Clone, Debug)]
pub struct Decoder {
    head: Head,
    scratch: yolov8::Scratch,
}

impl Decoder {
    /// A decoder for `head`.
    pub fn new(head: Head) -> Self {
        Self { head, scratch: yolov8::Scratch::default() }
    }

    /// Fills `candidates` (emptied first) with every box that scores at least [`DecodeContext::score_floor`]: one box
    /// a cell or row with its best class, in no special order but always the same one. What is not a finite number
    /// is left out.
    ///
    /// # Errors
    /// When the outputs' shapes are not those of the head.
    pub fn decode(
        &mut self,
        outputs: &[OutputTensor<'_>],
        context: &DecodeContext,
        candidates: &mut Vec<Candidate>,
    ) -> Result<(), DecodeError> {
        candidates.clear();
        match self.head {
            Head::Yolox | Head::YoloxDecoded => yolox::decode(self.head, outputs, context, candidates),
            Head::YoloV8 => yolov8::decode(outputs, context, &mut self.scratch, candidates),
            Head::BoxesScores | Head::BoxesScoresUnit => boxes_scores::decode(self.head, outputs, context, candidates),
        }
    }
}

/// Rows, columns and values of a tensor that is one matrix but for leading sides of 1.
fn as_matrix<'a>(output: &OutputTensor<'a>) -> Option<(usize, usize, &'a [f32])> {
    let (&columns, rest) = output.shape.split_last()?;
    let (&rows, leading) = rest.split_last()?;
    let whole = leading.iter().all(|&side| side == 1) && rows.checked_mul(columns)? == output.values.len();
    (whole && !output.values.is_empty()).then_some((rows, columns, output.values))
}

fn shape_error(head: Head, expected: &'static str, outputs: &[OutputTensor<'_>]) -> DecodeError {
    let one = |output: &OutputTensor<'_>| format!("{} {:?}", output.name, output.shape);
    let got = outputs.iter().map(one).collect::<Vec<_>>().join(", ");
    DecodeError::Shape { head, expected, got }
}

/// Index and score of the best class of a row, if that reaches the floor; the first of equals. NaN is never best.
fn best_class(scores: &[f32], floor: f32) -> Option<(usize, f32)> {
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

/// Adds a candidate if everything about it is a finite number.
fn push_finite(candidates: &mut Vec<Candidate>, class: usize, score: f32, rect: BoxInModel) {
    if [score, rect.x1, rect.y1, rect.x2, rect.y2].iter().all(|value| value.is_finite()) {
        candidates.push(Candidate { class_id: class as u32, score, rect });
    }
}

#[cfg(test)]
mod tests;
