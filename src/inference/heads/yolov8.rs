//! Ultralytics YOLOv8 and its kin (v9, 11, 12): one output `[1, 4+C, N]`, a column a grid cell: centre x, centre y,
//! width and height in pixels of the input, then a score a class after the sigmoid. There is no objectness. Some exports are
//! transposed, `[1, N, 4+C]`, with a row a cell.
//!
//! Source: the export branch of `Detect` in Ultralytics' `nn/modules/head.py`, which joins decoded boxes and
//! sigmoid scores along the channel axis.
//!
//! The layout is class-major, so the search for the best class goes row by row over a block of cells whose running
//! best stays in the first-level cache.

use super::facts::{UNIT_LIMIT, are_scores, grid_text, largest, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Output, Usual, sure};
use super::rows;
use super::tensor::{as_matrix, best_class, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family =
    Family { heads: &[Head::YoloV8, Head::YoloV8Transposed], outputs: OUTPUTS, recognize, decode };

const OUTPUTS: &str = "[1, 4+classes, cells], or transposed [1, cells, 4+classes]";

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
    let output = decoded_output(look.outputs)?;
    let (table, cells, classes) = orientation(look, output)?;
    let grid = rows::strides_for(cells, look.size());
    let named = look.names() == Some(classes);
    if look.asked.is_none() && (grid.is_none() && !named || is_oriented(look, classes)) {
        return None;
    }
    let transposed = table == Head::YoloV8Transposed;
    let (shape, size) = (shape_text(&output.shape), look.size());
    let places = grid.map_or_else(|| cells.to_string(), |strides| grid_text(size, strides));
    let mut evidence = vec![sure(match transposed {
        false => format!("output {shape} = (4+{classes}) × {places} cells: YOLOv8"),
        true => format!("output {shape} = {places} cells × (4+{classes}): YOLOv8, transposed"),
    })];
    let mut certainty = Certainty::Guess;
    if look.asked.is_none() && transposed {
        let (objectness, why) = rows::have_objectness(look, output.shape[2]);
        if objectness {
            return None;
        }
        evidence.push(why);
    }
    if let (Some(values), None) = (output.values, look.asked) {
        let fits = match transposed {
            false => columns_fit(values, cells),
            true => rows_fit(values, CLASSES_FROM + classes),
        };
        if !fits {
            return None;
        }
        certainty = Certainty::Likely;
        evidence.push(sure("a run gave boxes in pixels and scores between 0 and 1"));
    }
    if named {
        certainty = Certainty::Certain;
    }
    Some(Found {
        head: look.head_or(table),
        classes: Classes::Known(classes),
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: true,
        certainty,
        evidence,
        usual: Usual::YOLO,
    })
}

/// The one output with boxes. Beside it there may be the raw feature maps `[1, 64+C, h, w]` that it was made from; masks
/// `[1, 32, h, w]` belong to a segmenter.
fn decoded_output<'a>(outputs: &'a [Output<'a>]) -> Option<&'a Output<'a>> {
    /// Numbers of the four distributions of distances in a raw map.
    const DISTANCES: usize = 64;
    let boxes = outputs.iter().find(|output| matches!(*output.shape, [1, _, _]))?;
    let sides = [boxes.shape[1], boxes.shape[2]];
    let is_its_map = |output: &Output<'_>| match *output.shape {
        [1, channels, _, _] => sides.iter().any(|side| channels == DISTANCES + side.saturating_sub(CLASSES_FROM)),
        _ => false,
    };
    let mut others = outputs.iter().filter(|output| output.name != boxes.name);
    others.all(is_its_map).then_some(boxes)
}

/// Which head the shape is, with its cells and classes: the longer axis has the cells.
fn orientation(look: &Look<'_>, output: &Output<'_>) -> Option<(Head, usize, usize)> {
    let (first, last) = (output.shape[1], output.shape[2]);
    let head = look.asked.unwrap_or(if last >= first { Head::YoloV8 } else { Head::YoloV8Transposed });
    let (cells, numbers) = if head == Head::YoloV8 { (last, first) } else { (first, last) };
    let classes = numbers.checked_sub(CLASSES_FROM).filter(|classes| *classes > 0)?;
    Some((head, cells, classes))
}

/// Whether it is a model for oriented boxes, which have an angle after the class scores.
fn is_oriented(look: &Look<'_>, classes: usize) -> bool {
    look.names().is_some_and(|names| names + 1 == classes)
}

fn columns_fit(values: &[f32], cells: usize) -> bool {
    let (boxes, scores) = values.split_at((CLASSES_FROM * cells).min(values.len()));
    are_scores(scores) && largest(boxes) > UNIT_LIMIT
}

fn rows_fit(values: &[f32], columns: usize) -> bool {
    let rows = || values.chunks_exact(columns);
    let reach = rows().map(|row| largest(&row[..CLASSES_FROM])).fold(0.0, f32::max);
    let scores = rows().all(|row| are_scores(&row[CLASSES_FROM..]));
    scores && reach > UNIT_LIMIT && rows::have_sizes(rows()) && !rows::objectness_is_one(values, columns)
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    scratch: &mut super::Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let tables = || outputs.iter().filter_map(as_matrix);
    if head == Head::YoloV8Transposed {
        let (_, columns, values) = tables()
            .find(|(_, columns, _)| *columns > CLASSES_FROM)
            .ok_or_else(|| shape_error(head, "an output [1, cells, 4 + classes]", outputs))?;
        read_rows(values, columns, context.score_floor, candidates);
        return Ok(());
    }
    let (_, cells, values) = tables()
        .find(|(rows, _, _)| *rows > CLASSES_FROM)
        .ok_or_else(|| shape_error(head, "an output [1, 4 + classes, cells]", outputs))?;
    read_columns(values, cells, context.score_floor, &mut scratch.class_major, candidates);
    Ok(())
}

fn read_rows(values: &[f32], columns: usize, floor: f32, candidates: &mut Vec<Candidate>) {
    for row in values.chunks_exact(columns) {
        if let Some((class, score)) = best_class(&row[CLASSES_FROM..], floor) {
            push_finite(candidates, class, score, BoxInModel::from_center(row[0], row[1], row[2], row[3]));
        }
    }
}

/// `values` has four rows of `cells` numbers for the boxes and one a class.
fn read_columns(values: &[f32], cells: usize, floor: f32, scratch: &mut Scratch, candidates: &mut Vec<Candidate>) {
    let (boxes, scores) = values.split_at(CLASSES_FROM * cells);
    scratch.each_best(scores, cells, floor, |cell, class, score| {
        let side = |row: usize| boxes[row * cells + cell];
        push_finite(candidates, class, score, BoxInModel::from_center(side(0), side(1), side(2), side(3)));
    });
}

impl Scratch {
    /// Calls `found` with cell, best class and score of every cell that reaches the floor. `scores` has a row a class.
    pub(super) fn each_best(
        &mut self,
        scores: &[f32],
        cells: usize,
        floor: f32,
        mut found: impl FnMut(usize, usize, f32),
    ) {
        for first in (0..cells).step_by(BLOCK) {
            let count = BLOCK.min(cells - first);
            self.reset(count);
            let mut class = 0;
            let fours = scores.chunks_exact((4 * cells).max(1));
            let rest = fours.remainder();
            for rows in fours {
                let row = |number: usize| &rows[number * cells + first..][..count];
                self.take_better_of_four(class, [row(0), row(1), row(2), row(3)]);
                class += 4;
            }
            for row in rest.chunks_exact(cells.max(1)) {
                self.take_better(class, &row[first..first + count]);
                class += 1;
            }
            for (index, (&score, &class)) in self.score.iter().zip(&self.class).enumerate() {
                if score >= floor {
                    found(first + index, class as usize, score);
                }
            }
        }
    }

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

#[cfg(test)]
#[path = "yolov8_tests.rs"]
mod tests;
