//! Simple facts about output tensors, for recognising them.

use crate::imaging::ImageSize;

/// `[1,3549,85]`
pub(in crate::inference) fn shape_text(shape: &[usize]) -> String {
    format!("[{}]", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(","))
}

/// Rounding of 16-bit floats around 0 and 1.
const SCORE_TOLERANCE: f32 = 2e-3;

/// Whether all numbers could be scores after a sigmoid.
pub(in crate::inference) fn are_scores<'a>(values: impl IntoIterator<Item = &'a f32>) -> bool {
    values.into_iter().all(|value| (-SCORE_TOLERANCE..=1.0 + SCORE_TOLERANCE).contains(value))
}

/// Whether every row adds up to 1, as after a softmax.
pub(in crate::inference) fn rows_add_up_to_one(values: &[f32], columns: usize) -> bool {
    const TOLERANCE: f32 = 1e-2;
    values.chunks_exact(columns.max(1)).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < TOLERANCE)
}

/// Share of boxes whose edges are in the order left, top, right, bottom.
pub(in crate::inference) fn share_of_ordered_boxes(values: &[f32]) -> f32 {
    let boxes = values.chunks_exact(4);
    let count = boxes.len().max(1);
    boxes.filter(|edges| edges[2] >= edges[0] && edges[3] >= edges[1]).count() as f32 / count as f32
}

/// The largest number by amount.
pub(in crate::inference) fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// Fractions of the input reach a little beyond 1; pixels of boxes all over an input reach far beyond this.
pub(super) const UNIT_LIMIT: f32 = 4.0;

/// From this share of ordered boxes on they are taken as left, top, right, bottom.
pub(super) const ORDERED_SHARE: f32 = 0.98;

/// `52²+26²+13²`, or `80×60+40×30+20×15`.
pub(super) fn grid_text(size: ImageSize, strides: &[u32]) -> String {
    let map = |stride: &u32| match (size.width.div_ceil(*stride), size.height.div_ceil(*stride)) {
        (columns, rows) if columns == rows => format!("{columns}²"),
        (columns, rows) => format!("{columns}×{rows}"),
    };
    strides.iter().map(map).collect::<Vec<_>>().join("+")
}
