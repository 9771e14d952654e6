//! YOLOX: one output `[1, N, 5+C]`, a row a grid cell: two numbers for the centre, two for the size, objectness,
//! and a score a class, the last two after the sigmoid.
//!
//! Raw, a box is relative to its cell: centre `(v + cell) · stride`, size `exp(v) · stride`. Decoded, it is in
//! pixels of the input: centre, width, height. The score is objectness times class score.
//!
//! Source: Ge et al., "YOLOX: Exceeding YOLO Series in 2021" (arXiv 2107.08430), section 2.1, and the reference
//! code's `decode_outputs` in `yolo_head.py`.

use super::facts::{are_scores, grid_text, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Output, Usual, guess, sure};
use super::grid::{self, Cell, strides_for};
use super::rows::{self, CLASSES_FROM, with_score};
use super::tensor::{as_matrix, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize};
use crate::inference::{Candidate, ClassNumbers, Evidence, Head};

pub(super) const FAMILY: Family =
    Family { heads: &[Head::Yolox, Head::YoloxDecoded], outputs: "[1, cells, 5+classes]", recognize, decode };

/// One row a cell of the grid, scores in 0…1. Raw and decoded are told apart by where the boxes lie under each reading;
/// without a run by the exponential that decoding needs. A run that gives an objectness of 1 everywhere is YOLOv6, and
/// decoded rows without an objectness are YOLOv8's, transposed.
fn recognize(look: &Look<'_>) -> Option<Found> {
    let [output] = look.outputs else { return None };
    let &[1, rows, columns] = output.shape.as_slice() else { return None };
    if columns <= CLASSES_FROM {
        return None;
    }
    let grid = strides_for(rows, look.size());
    if look.asked == Some(Head::YoloxDecoded) {
        return Some(found(look, output, grid.unwrap_or_default(), Head::YoloxDecoded, Certainty::Certain, None));
    }
    let strides = grid?;
    if let Some(head) = look.asked {
        return Some(found(look, output, strides, head, Certainty::Certain, None));
    }
    let Some(values) = output.values else {
        if strides.len() > 3 {
            // YOLOX's or NanoDet-Plus's, which only a run can tell.
            return None;
        }
        // Raw exports of YOLOX have no exponential; decoding needs one for the sizes.
        let (head, why) = match look.summary.operators.contains_key("Exp") {
            true => (Head::YoloxDecoded, "decoded, a guess as the graph holds an Exp operator"),
            false => (Head::Yolox, "raw, a guess as the graph holds no Exp operator"),
        };
        return Some(found(look, output, strides, head, Certainty::Guess, Some(guess(format!("boxes are {why}")))));
    };
    let mut rows = values.chunks_exact(columns);
    if !rows.all(|row| are_scores(&row[4..])) || rows::objectness_is_one(values, columns) {
        return None;
    }
    let raw = mean_distance(values, columns, look.size(), strides, |value, _, _| value - 0.5);
    let decoded =
        mean_distance(values, columns, look.size(), strides, |value, cell, stride| value / stride - cell - 0.5);
    if raw > decoded && !rows::have_objectness(look, columns).0 {
        return None;
    }
    let (head, evidence) = if raw <= decoded {
        (Head::Yolox, format!("as offsets the boxes lie {raw:.1} cells from their cells (as pixels {decoded:.1}): raw"))
    } else {
        let head = Head::YoloxDecoded;
        (head, format!("as pixels the boxes lie {decoded:.1} cells from their cells (as offsets {raw:.1}): decoded"))
    };
    Some(found(look, output, strides, head, Certainty::Likely, Some(sure(evidence))))
}

fn found(
    look: &Look<'_>,
    output: &Output<'_>,
    strides: &[u32],
    head: Head,
    certainty: Certainty,
    evidence: Option<Evidence>,
) -> Found {
    let classes = output.shape[2] - CLASSES_FROM;
    let shape = shape_text(&output.shape);
    let told = format!("output {shape} = {} cells × (5+{classes}): YOLOX", grid_text(look.size(), strides));
    Found {
        head,
        classes: Classes::Known(classes),
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: true,
        certainty,
        evidence: std::iter::once(sure(told)).chain(evidence).collect(),
        usual: Usual::YOLOX,
    }
}

/// Mean distance in cells between boxes' centres and the middle of their cells, under one reading of the centre.
fn mean_distance(
    values: &[f32],
    columns: usize,
    size: ImageSize,
    strides: &'static [u32],
    reading: impl Fn(f32, f32, f32) -> f32,
) -> f32 {
    let rows = values.chunks_exact(columns);
    let count = rows.len().max(1) as f32;
    let distance = |(row, cell): (&[f32], Cell)| {
        reading(row[0], cell.column, cell.stride).abs() + reading(row[1], cell.row, cell.stride).abs()
    };
    rows.zip(grid::cells(size, strides)).map(distance).sum::<f32>() / (2.0 * count)
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    scratch: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let found = outputs.iter().filter_map(as_matrix).find(|(_, columns, _)| *columns > CLASSES_FROM);
    let Some((rows, columns, values)) = found else {
        return Err(shape_error(head, "an output [1, cells, 5 + classes]", outputs));
    };
    let wanted = scratch.wanted(context);
    if head == Head::YoloxDecoded {
        rows::read(values, columns, rows::PIXELS, wanted, candidates);
        return Ok(());
    }
    let table = values.chunks_exact(columns);
    let strides = grid::strides_for(rows, context.input_size)
        .ok_or(DecodeError::Grid { cells: rows, input: context.input_size })?;
    for (row, cell) in table.zip(grid::cells(context.input_size, strides)) {
        with_score(row, wanted, |class, score| {
            let center = ((row[0] + cell.column) * cell.stride, (row[1] + cell.row) * cell.stride);
            let size = (row[2].exp() * cell.stride, row[3].exp() * cell.stride);
            push_finite(candidates, class, score, BoxInModel::from_center(center.0, center.1, size.0, size.1));
        });
    }
    Ok(())
}
