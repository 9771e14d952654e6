//! Ultralytics YOLOv8 and its kin (v9, 11, 12): one output `[1, 4+C, N]`, a column a grid cell: centre x, centre y,
//! width and height in pixels of the input, then a score a class after the sigmoid. There is no objectness. Some exports are
//! transposed, `[1, N, 4+C]`, with a row a cell; exports for TensorFlow give boxes in fractions 0…1 of the input. Ultralytics'
//! RT-DETR does both, with a row a query (300) in the place of cells.
//!
//! YOLOv9 with its auxiliary branch gives two tables of the same shape; the last one is that of the branch that counts.
//!
//! Source: the export branch of `Detect` in Ultralytics' `nn/modules/head.py`, which joins decoded boxes and
//! sigmoid scores along the channel axis; `RTDETRDecoder` there, which joins them for every query;
//! `DualDDetect` in WongKinYiu/yolov9's `models/yolo.py`, and its `detect_dual.py`, which reads the last table.
//!
//! The layout is class-major, so the search for the best class goes row by row over a block of cells whose running
//! best stays in the first-level cache.

use super::facts::{are_scores, grid_text, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Output, Usual, sure};
use super::rows::{self, Unit};
use super::tensor::{Wanted, as_matrix, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor};
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family = Family {
    heads: &[Head::YoloV8, Head::YoloV8Transposed, Head::YoloV8Unit, Head::YoloV8TransposedUnit],
    outputs: OUTPUTS,
    recognize,
    decode,
};

const OUTPUTS: &str = "[1, 4+classes, cells], or transposed [1, cells, 4+classes]";

/// Rows before the class scores.
const CLASSES_FROM: usize = 4;

/// A set predictor has 100 to 900 queries; a grid has thousands of cells.
const MOST_QUERIES: usize = 1500;

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
    let table = Table::of(look, output)?;
    let Table { transposed, cells, classes } = table;
    let grid = rows::strides_for(cells, look.size());
    let named = look.names() == Some(classes);
    if look.asked.is_none() && (grid.is_none() && !named || is_oriented(look, classes)) {
        return None;
    }
    let queries = transposed && grid.is_none() && cells <= MOST_QUERIES;
    let shape = shape_text(&output.shape);
    let places = grid.map_or_else(|| cells.to_string(), |strides| grid_text(look.size(), strides));
    let mut evidence = vec![sure(match (transposed, queries) {
        (false, _) => format!("output {shape} = (4+{classes}) × {places} cells: YOLOv8"),
        (true, false) => format!("output {shape} = {places} cells × (4+{classes}): YOLOv8, transposed"),
        (true, true) => format!("output {shape} = {places} queries × (4+{classes}): RT-DETR of Ultralytics"),
    })];
    let mut certainty = Certainty::Guess;
    if look.asked.is_none() && transposed {
        let (objectness, why) = rows::have_objectness(look, output.shape[2]);
        if objectness {
            return None;
        }
        evidence.push(why);
    }
    let mut unit = if queries { Unit::Fractions } else { Unit::Pixels };
    if let (Some(values), None) = (output.values, look.asked) {
        unit = table.unit_beside_scores(values, grid.is_some())?;
        certainty = Certainty::Likely;
        evidence.push(sure(format!("a run gave boxes in {} and scores between 0 and 1", unit.name())));
    }
    if named {
        certainty = Certainty::Certain;
    }
    let head = look.head_or(table.head(unit));
    let set = queries && head == Head::YoloV8TransposedUnit;
    Some(Found {
        head,
        classes: Classes::Known(classes),
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: !set,
        certainty,
        evidence,
        usual: if set { RT_DETR } else { Usual::YOLO },
    })
}

/// Ultralytics stretches pictures for RT-DETR alone.
const RT_DETR: Usual = Usual { from: "what Ultralytics' RT-DETR is trained with", ..Usual::UNIT_STRETCH };

/// The output with boxes, the last of several of the same shape. Beside it there may be the raw feature maps `[1, 64+C, h, w]` that it was made from; masks
/// `[1, 32, h, w]` belong to a segmenter.
fn decoded_output<'a>(outputs: &'a [Output<'a>]) -> Option<&'a Output<'a>> {
    /// Numbers of the four distributions of distances in a raw map.
    const DISTANCES: usize = 64;
    let boxes = outputs.iter().rfind(|output| matches!(*output.shape, [1, _, _]))?;
    let sides = [boxes.shape[1], boxes.shape[2]];
    let is_its_map = |output: &Output<'_>| match *output.shape {
        [1, channels, _, _] => sides.iter().any(|side| channels == DISTANCES + side.saturating_sub(CLASSES_FROM)),
        _ => false,
    };
    let mut others = outputs.iter().filter(|output| output.name != boxes.name);
    others.all(|other| other.shape == boxes.shape || is_its_map(other)).then_some(boxes)
}

/// How an output's axes are read.
#[derive(Clone, Copy, Debug)]
struct Table {
    /// Whether a cell is a row.
    transposed: bool,
    cells: usize,
    classes: usize,
}

impl Table {
    /// As the card says; else as the number of names says; else the longer axis has the cells.
    fn of(look: &Look<'_>, output: &Output<'_>) -> Option<Self> {
        let (first, last) = (output.shape[1], output.shape[2]);
        let named = |side: usize| side > 0 && look.names().is_some_and(|names| names + CLASSES_FROM == side);
        let transposed = match look.asked {
            Some(head) => is_transposed(head),
            None if first > 0 && last > 0 && named(first) != named(last) => named(last),
            None => last < first,
        };
        let (cells, numbers) = if transposed { (first, last) } else { (last, first) };
        let classes = numbers.checked_sub(CLASSES_FROM).filter(|classes| *classes > 0)?;
        Some(Self { transposed, cells, classes })
    }

    fn head(self, unit: Unit) -> Head {
        match (self.transposed, unit) {
            (false, Unit::Pixels) => Head::YoloV8,
            (true, Unit::Pixels) => Head::YoloV8Transposed,
            (false, Unit::Fractions) => Head::YoloV8Unit,
            (true, Unit::Fractions) => Head::YoloV8TransposedUnit,
        }
    }

    /// What the boxes are measured in; none if there are no boxes or no scores.
    fn unit_beside_scores(self, values: &[f32], spread: bool) -> Option<Unit> {
        let Self { transposed, cells, classes } = self;
        if transposed {
            let columns = CLASSES_FROM + classes;
            let rows = || values.chunks_exact(columns);
            let unit = Unit::of(rows().map(|row| [row[0], row[1], row[2], row[3]]), spread)?;
            let scores = rows().all(|row| are_scores(&row[CLASSES_FROM..]));
            let fits = scores && rows::have_sizes(rows()) && !rows::objectness_is_one(values, columns);
            return fits.then_some(unit);
        }
        let (boxes, scores) = values.split_at_checked(CLASSES_FROM * cells)?;
        let side = |row: usize, cell: usize| boxes[row * cells + cell];
        let unit = Unit::of((0..cells).map(|cell| [0, 1, 2, 3].map(|row| side(row, cell))), spread)?;
        are_scores(scores).then_some(unit)
    }
}

fn is_transposed(head: Head) -> bool {
    matches!(head, Head::YoloV8Transposed | Head::YoloV8TransposedUnit)
}

/// Whether it is a model for oriented boxes, which have an angle after the class scores.
fn is_oriented(look: &Look<'_>, classes: usize) -> bool {
    look.names().is_some_and(|names| names + 1 == classes)
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    scratch: &mut super::Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let tables = || outputs.iter().rev().filter_map(as_matrix);
    let scale = match head {
        Head::YoloV8Unit | Head::YoloV8TransposedUnit => rows::fractions_of(context.input_size),
        _ => rows::PIXELS,
    };
    if is_transposed(head) {
        let (_, columns, values) = tables()
            .find(|(_, columns, _)| *columns > CLASSES_FROM)
            .ok_or_else(|| shape_error(head, "an output [1, cells, 4 + classes]", outputs))?;
        read_rows(values, columns, scale, scratch.wanted(context), candidates);
        return Ok(());
    }
    let (_, cells, values) = tables()
        .find(|(rows, _, _)| *rows > CLASSES_FROM)
        .ok_or_else(|| shape_error(head, "an output [1, 4 + classes, cells]", outputs))?;
    let (boxes, scores) = values.split_at(CLASSES_FROM * cells);
    let wanted = scratch.wanted(context);
    scratch.class_major.each(scores, cells, wanted, |cell, class, score| {
        let sides = [0, 1, 2, 3].map(|row| boxes[row * cells + cell]);
        push_finite(candidates, class, score, rows::scaled(sides, scale));
    });
    Ok(())
}

fn read_rows(values: &[f32], columns: usize, scale: [f32; 2], wanted: Wanted, candidates: &mut Vec<Candidate>) {
    for row in values.chunks_exact(columns) {
        wanted.each(&row[CLASSES_FROM..], |class, score| {
            push_finite(candidates, class, score, rows::scaled([row[0], row[1], row[2], row[3]], scale));
        });
    }
}

impl Scratch {
    /// Calls `found` with cell, class and score of what is wanted. `scores` has a row a class.
    pub(super) fn each(
        &mut self,
        scores: &[f32],
        cells: usize,
        wanted: Wanted,
        mut found: impl FnMut(usize, usize, f32),
    ) {
        if !wanted.every_class {
            return self.each_best(scores, cells, wanted.floor, found);
        }
        for (class, row) in scores.chunks_exact(cells.max(1)).enumerate() {
            let above = row.iter().enumerate().filter(|(_, score)| **score >= wanted.floor);
            above.for_each(|(cell, score)| found(cell, class, *score));
        }
    }

    /// Calls `found` with cell, best class and score of every cell that reaches the floor. `scores` has a row a class.
    fn each_best(&mut self, scores: &[f32], cells: usize, floor: f32, mut found: impl FnMut(usize, usize, f32)) {
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
