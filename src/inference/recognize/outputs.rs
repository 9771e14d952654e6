//! The outputs of a model, as declared or as they came from a first run.

use crate::inference::heads::{Output, OutputTensor, shape_text};
use crate::onnx::{Dimension, Summary, ValueInfo, shown};

/// The outputs of the trial, or else those that the file declares.
pub(super) fn known<'a>(summary: &'a Summary, trial: Option<&'a [OutputTensor<'a>]>) -> Vec<Output<'a>> {
    match trial {
        Some(trial) => trial.iter().map(of_trial).collect(),
        None => summary.outputs.iter().map(declared).collect(),
    }
}

fn of_trial<'a>(output: &OutputTensor<'a>) -> Output<'a> {
    Output { name: output.name, shape: output.shape.to_vec(), values: Some(output.values) }
}

/// An open first axis is the batch, which is 1 here; of other open axes the length is not known.
fn declared(output: &ValueInfo) -> Output<'_> {
    let sides = output.shape.as_deref().unwrap_or_default();
    let open = |axis: usize| usize::from(axis == 0 && sides.len() > 2);
    let side = |(axis, side): (usize, &Dimension)| side.fixed().unwrap_or_else(|| open(axis));
    Output { name: &output.name, shape: sides.iter().enumerate().map(side).collect(), values: None }
}

/// Outputs listed in a message; heads with one output a feature map have a dozen.
const LISTED: usize = 4;

/// Names and shapes for a message.
pub(super) fn describe(summary: &Summary, trial: Option<&[OutputTensor<'_>]>) -> String {
    let mut list: Vec<String> = match trial {
        Some(trial) => trial.iter().map(|o| format!("{} {}", shown(o.name), shape_text(o.shape))).collect(),
        None => summary.outputs.iter().map(ValueInfo::to_string).collect(),
    };
    if list.len() > LISTED + 1 {
        let more = list.len() - LISTED;
        list.truncate(LISTED);
        list.push(format!("and {more} more"));
    }
    if list.is_empty() { "(none)".to_owned() } else { list.join(", ") }
}
