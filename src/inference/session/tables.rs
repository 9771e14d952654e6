//! Runs the nodes that a look-up replaces on all 256 bytes: a table is what ONNX Runtime itself gives.

use super::{SessionError, environment};
use crate::inference::accelerate::{Byte, TableInput};
use crate::inference::bytes::{ENTRIES, Table};
use crate::inference::explain::{Doing, explain};
use ort::logging::LogLevel;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session as OrtSession, SessionInputValue};
use ort::value::Tensor;

/// The `outputs` of a model whose `inputs` are lists of 256 bytes, for all bytes in the order without sign.
///
/// # Errors
///
/// When ONNX Runtime fails, or an output is no list of 256 bytes.
pub(in crate::inference) fn compute(
    model: &[u8],
    inputs: &[TableInput],
    outputs: &[(&str, Byte)],
) -> Result<Vec<Table>, SessionError> {
    let environment = environment()?;
    run(environment, model, inputs, outputs)
        .map_err(|error| SessionError::Run { reason: explain(&error.to_string(), 0, Doing::Run) })
}

fn run(
    environment: &ort::environment::Environment,
    model: &[u8],
    inputs: &[TableInput],
    outputs: &[(&str, Byte)],
) -> ort::Result<Vec<Table>> {
    let mut session = OrtSession::builder(environment)?
        .with_log_level(LogLevel::Fatal)?
        .with_intra_threads(1)?
        // The nodes come out of an optimized graph, and are to run as they do there.
        .with_optimization_level(GraphOptimizationLevel::Disable)?
        .commit_from_memory(model)?;
    let mut fed: Vec<(&str, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
    for input in inputs {
        let all = 0..=u8::MAX;
        let value = match input.kind {
            Byte::Unsigned => Tensor::from_array(([ENTRIES], all.collect::<Vec<u8>>()))?.into_dyn(),
            Byte::Signed => Tensor::from_array(([ENTRIES], all.map(u8::cast_signed).collect::<Vec<i8>>()))?.into_dyn(),
        };
        fed.push((&input.name, value.into()));
    }
    let found = session.run(fed)?;
    outputs
        .iter()
        .map(|(name, kind)| {
            let value = found.get(*name).ok_or_else(|| ort::Error::new(format!("there is no output {name}")))?;
            let bytes: Vec<u8> = match kind {
                Byte::Unsigned => value.try_extract_tensor::<u8>()?.1.to_vec(),
                Byte::Signed => value.try_extract_tensor::<i8>()?.1.iter().map(|byte| byte.cast_unsigned()).collect(),
            };
            Table::try_from(bytes).map_err(|bytes| ort::Error::new(format!("{name} has {} entries", bytes.len())))
        })
        .collect()
}
