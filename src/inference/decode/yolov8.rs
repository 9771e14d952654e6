//! Ultralytics YOLOv8 and its kin (v9, 11, 12): one output `[1, 4+C, N]`, a column a grid cell: centre x, centre y,
//! width and height in pixels of the input, then a score a class after the sigmoid. There is no objectness.
//!
//! Source: the export branch of `Detect` in Ultralytics' `nn/modules/head.py`, which joins decoded boxes and
//! sigmoid scores along the channel axis.
//!
//! The layout is class-major, so the search for the best class goes row by row over a block of cells whose running
//! best stays in the first-level cache.

use super::{DecodeContext, DecodeError, OutputTensor, as_matrix, push_finite, shape_error};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, Head};

/// Rows before the class scores.
const CLASSES_FROM: usize = 4;

/// Cells a block: 8 KiB of running best, which leaves the first-level cache room for the rows that stream through.
const BLOCK: usize = 1024;

/// Running best of one block of cells.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    score: Vec<f32>,
    class: Vec<u32>,
}

pub(super) fn decode(
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    scratch: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let found = outputs.iter().filter_map(as_matrix).find(|(rows, _, _)| *rows > CLASSES_FROM);
    let Some((_, cells, values)) = found else {
        return Err(shape_error(Head::YoloV8, "an output [1, 4 + classes, cells]", outputs));
    };
    let (boxes, scores) = values.split_at(CLASSES_FROM * cells);
    for first in (0..cells).step_by(BLOCK) {
        let count = BLOCK.min(cells - first);
        scratch.reset(count);
        let mut class = 0;
        let fours = scores.chunks_exact(4 * cells);
        let rest = fours.remainder();
        for rows in fours {
            let row = |number: usize| &rows[number * cells + first..][..count];
            scratch.take_better_of_four(class, [row(0), row(1), row(2), row(3)]);
            class += 4;
        }
        for row in rest.chunks_exact(cells) {
            scratch.take_better(class, &row[first..first + count]);
            class += 1;
        }
        for (index, (&score, &class)) in scratch.score.iter().zip(&scratch.class).enumerate() {
            if score >= context.score_floor {
                let side = |row: usize| boxes[row * cells + first + index];
                let rect = BoxInModel::from_center(side(0), side(1), side(2), side(3));
                push_finite(candidates, class as usize, score, rect);
            }
        }
    }
    Ok(())
}

impl Scratch {
    fn reset(&mut self, count: usize) {
        self.score.clear();
        self.score.resize(count, f32::NEG_INFINITY);
        self.class.clear();
        self.class.resize(count, 0);
    }

    /// Four classes in one pass, which loads and stores the running best once instead of four times.
    fn take_better_of_four(&mut self, class: u32, rows: [&[f32]; 4]) {
        let [a, b, c, d] = rows;
        let best = self.score.iter_mut().zip(&mut self.class);
        for ((((best, a), b), c), d) in best.zip(a).zip(b).zip(c).zip(d) {
            let (mut score, mut number) = (*best.0, *best.1);
            for (next, offset) in [(*a, 0), (*b, 1), (*c, 2), (*d, 3)] {
                let better = next > score;
                score = if better { next } else { score };
                number = if better { class + offset } else { number };
            }
            (*best.0, *best.1) = (score, number);
        }
    }

    /// Branch-free, so that the compiler makes vector instructions of it. NaN is never better.
    fn take_better(&mut self, class: u32, row: &[f32]) {
        for ((best, best_class), &score) in self.score.iter_mut().zip(&mut self.class).zip(row) {
            let better = score > *best;
            *best = if better { score } else { *best };
            *best_class = if better { class } else { *best_class };
        }
    }
}
