//! YOLOX: one output `[1, N, 5+C]`, a row a grid cell: two numbers for the centre, two for the size, objectness,
//! and a score a class, the last two after the sigmoid.
//!
//! Raw, a box is relative to its cell: centre `(v + cell) · stride`, size `exp(v) · stride`. Decoded, it is in
//! pixels of the input: centre, width, height. The score is objectness times class score.
//!
//! Source: Ge et al., "YOLOX: Exceeding YOLO Series in 2021" (arXiv 2107.08430), section 2.1, and the reference
//! code's `decode_outputs` in `yolo_head.py`.

use super::{DecodeContext, DecodeError, OutputTensor, as_matrix, best_class, grid, push_finite, shape_error};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, Head};

/// Columns before the class scores.
const CLASSES_FROM: usize = 5;

pub(super) fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let found = outputs.iter().filter_map(as_matrix).find(|(_, columns, _)| *columns > CLASSES_FROM);
    let Some((rows, columns, values)) = found else {
        return Err(shape_error(head, "an output [1, cells, 5 + classes]", outputs));
    };
    let table = values.chunks_exact(columns);
    if head == Head::YoloxDecoded {
        for row in table {
            with_score(row, context.score_floor, |class, score| {
                push_finite(candidates, class, score, BoxInModel::from_center(row[0], row[1], row[2], row[3]));
            });
        }
        return Ok(());
    }
    let strides = grid::strides_for(rows, context.input_size)
        .ok_or(DecodeError::Grid { cells: rows, input: context.input_size })?;
    for (row, cell) in table.zip(grid::cells(context.input_size, strides)) {
        with_score(row, context.score_floor, |class, score| {
            let center = ((row[0] + cell.column) * cell.stride, (row[1] + cell.row) * cell.stride);
            let size = (row[2].exp() * cell.stride, row[3].exp() * cell.stride);
            push_finite(candidates, class, score, BoxInModel::from_center(center.0, center.1, size.0, size.1));
        });
    }
    Ok(())
}

/// Calls `found` with the best class and its score if that reaches the floor. A class score is at most 1, so that
/// the objectness alone rules most rows out; it is at most 1 itself, so that the class score may rule out too.
fn with_score(row: &[f32], floor: f32, found: impl FnOnce(usize, f32)) {
    let objectness = row[4];
    if objectness >= floor
        && let Some((class, class_score)) = best_class(&row[CLASSES_FROM..], floor)
    {
        let score = objectness * class_score;
        if score >= floor {
            found(class, score);
        }
    }
}
