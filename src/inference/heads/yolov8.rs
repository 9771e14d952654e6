//! Ultralytics YOLOv8 and its kin (v9, 11, 12): one output `[1, 4+C, N]`, a column a grid cell: centre x, centre y,
//! width and height in pixels of the input, then a score a class after the sigmoid. There is no objectness.
//!
//! Source: the export branch of `Detect` in Ultralytics' `nn/modules/head.py`, which joins decoded boxes and
//! sigmoid scores along the channel axis.
//!
//! The layout is class-major, so the search for the best class goes row by row over a block of cells whose running
//! best stays in the first-level cache.

use super::facts::{UNIT_LIMIT, are_scores, grid_text, largest, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Usual};
use super::grid::strides_for;
use super::tensor::{as_matrix, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family =
    Family { heads: &[Head::YoloV8, Head::YoloV8Transposed], outputs: "[1, 4+classes, cells]", recognize, decode };

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

fn recognize(look: &Look<'_>) -> Option<Found> {
    let [output] = look.outputs else { return None };
    let &[1, rows, columns] = output.shape.as_slice() else { return None };
    if rows <= CLASSES_FROM {
        return None;
    }
    let (classes, size) = (rows - CLASSES_FROM, look.size());
    let grid = strides_for(columns, size);
    if look.asked.is_none() && (columns <= rows || grid.is_none() && look.names() != Some(classes)) {
        return None;
    }
    let cells = grid.map_or_else(|| columns.to_string(), |strides| grid_text(size, strides));
    let mut evidence = vec![format!("output {} = (4+{classes}) × {cells} cells: YOLOv8", shape_text(&output.shape))];
    let mut certainty = Certainty::Guess;
    if let (Some(values), None) = (output.values, look.asked) {
        let (boxes, scores) = values.split_at((CLASSES_FROM * columns).min(values.len()));
        if !are_scores(scores) || largest(boxes) <= UNIT_LIMIT {
            return None;
        }
        certainty = Certainty::Likely;
        evidence.push("a run gave boxes in pixels and scores between 0 and 1".to_owned());
    }
    if look.names() == Some(classes) {
        certainty = Certainty::Certain;
    }
    Some(Found {
        head: look.head_or(Head::YoloV8),
        classes: Classes::Known(classes),
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: true,
        certainty,
        evidence,
        usual: Usual::YOLO,
    })
}

fn decode(
    _: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    scratch: &mut super::Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let scratch = &mut scratch.class_major;
    let found = outputs.iter().filter_map(as_matrix).find(|(rows, _, _)| *rows > CLASSES_FROM);
    let Some((_, cells, values)) = found else {
        return Err(shape_error(Head::YoloV8, "an output [1, 4 + classes, cells]", outputs));
    };
    let (boxes, scores) = values.split_at(CLASSES_FROM * cells);
    for first in (0..cells).step_by(BLOCK) {
        let count = BLOCK.min(cells - first);
        scratch.reset(count);
        let mut class = 0;
        let fours = scores.chunks_exact((4 * cells).max(1));
        let rest = fours.remainder();
        for rows in fours {
            let row = |number: usize| &rows[number * cells + first..][..count];
            scratch.take_better_of_four(class, [row(0), row(1), row(2), row(3)]);
            class += 4;
        }
        for row in rest.chunks_exact(cells.max(1)) {
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
