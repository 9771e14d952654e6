//! Looking at output tensors: shapes as declared or as they came, and simple facts about their values.

use crate::inference::decode::OutputTensor;
use crate::onnx::{Dimension, Summary, ValueInfo};

/// An output with the best that is known of its shape.
#[derive(Clone, Debug)]
pub(super) struct Output<'a> {
    pub name: &'a str,
    pub shape: Vec<usize>,
    /// From the trial run.
    pub values: Option<&'a [f32]>,
}

/// The outputs of the trial, or else those that the file declares; none where a declared shape is open.
pub(super) fn known<'a>(summary: &'a Summary, trial: Option<&'a [OutputTensor<'a>]>) -> Option<Vec<Output<'a>>> {
    match trial {
        Some(trial) => Some(trial.iter().map(of_trial).collect()),
        None => summary.outputs.iter().map(declared).collect(),
    }
}

fn of_trial<'a>(output: &OutputTensor<'a>) -> Output<'a> {
    Output { name: output.name, shape: output.shape.to_vec(), values: Some(output.values) }
}

/// An open first axis is the batch, which is 1 here.
fn declared(output: &ValueInfo) -> Option<Output<'_>> {
    let side = |(axis, side): (usize, &Dimension)| side.fixed().or((axis == 0).then_some(1));
    let shape = output.shape.as_ref()?.iter().enumerate().map(side).collect::<Option<Vec<_>>>()?;
    Some(Output { name: &output.name, shape, values: None })
}

/// Outputs listed in a message; heads with one output a feature map have a dozen.
const LISTED: usize = 4;

/// Names and shapes for a message.
pub(super) fn describe(summary: &Summary, trial: Option<&[OutputTensor<'_>]>) -> String {
    let mut list: Vec<String> = match trial {
        Some(trial) => trial.iter().map(|o| format!("{} {}", o.name, shape_text(o.shape))).collect(),
        None => summary.outputs.iter().map(ValueInfo::to_string).collect(),
    };
    if list.len() > LISTED + 1 {
        let more = list.len() - LISTED;
        list.truncate(LISTED);
        list.push(format!("and {more} more"));
    }
    if list.is_empty() { "(none)".to_owned() } else { list.join(", ") }
}

/// `[1,3549,85]`
pub(super) fn shape_text(shape: &[usize]) -> String {
    format!("[{}]", shape.iter().map(usize::to_string).collect::<Vec<_>>().join(","))
}

/// Rounding of 16-bit floats around 0 and 1.
const SCORE_TOLERANCE: f32 = 2e-3;

/// Whether all numbers could be scores after a sigmoid.
pub(super) fn are_scores<'a>(values: impl IntoIterator<Item = &'a f32>) -> bool {
    values.into_iter().all(|value| (-SCORE_TOLERANCE..=1.0 + SCORE_TOLERANCE).contains(value))
}

/// Whether every row adds up to 1, as after a softmax.
pub(super) fn rows_add_up_to_one(values: &[f32], columns: usize) -> bool {
    const TOLERANCE: f32 = 1e-2;
    values.chunks_exact(columns.max(1)).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < TOLERANCE)
}

/// Share of boxes whose edges are in the order left, top, right, bottom.
pub(super) fn share_of_ordered_boxes(values: &[f32]) -> f32 {
    let boxes = values.chunks_exact(4);
    let count = boxes.len().max(1);
    boxes.filter(|edges| edges[2] >= edges[0] && edges[3] >= edges[1]).count() as f32 / count as f32
}

/// The largest number by amount.
pub(super) fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}
