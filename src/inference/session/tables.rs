//! Runs the nodes that a look-up replaces on all 256 bytes: a table is what ONNX Runtime itself gives. In the same way it
//! is asked where the elements of a picture go.

use super::{SessionError, environment};
use crate::inference::accelerate::{Byte, TableInput, TableOutput};
use crate::inference::bytes::Table;
use crate::inference::explain::{Doing, explain};
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session as OrtSession, SessionInputValue};
use ort::value::Tensor;

/// The tables that the `outputs` of a model hold whose `inputs` are all bytes, in the order without sign.
///
/// # Errors
///
/// When ONNX Runtime fails, or an output holds other than it should.
pub(in crate::inference) fn compute(
    model: &[u8],
    inputs: &[TableInput],
    outputs: &[TableOutput<'_>],
) -> Result<Vec<Vec<Table>>, SessionError> {
    let environment = environment()?;
    run(environment, model, inputs, outputs).map_err(failed)
}

/// Numbers the elements of a model's only input from 0 and says what shape and numbers its `output` has.
///
/// # Errors
///
/// When ONNX Runtime fails, or the output holds no floats.
pub(in crate::inference) fn numbered(
    model: &[u8],
    (input, shape): (&str, &[usize]),
    output: &str,
) -> Result<(Vec<usize>, Vec<f32>), SessionError> {
    let environment = environment()?;
    let run = || -> ort::Result<(Vec<usize>, Vec<f32>)> {
        let mut session = as_it_is(environment, model)?;
        let numbers: Vec<f32> = (0..shape.iter().product::<usize>()).map(|number| number as f32).collect();
        let outputs =
            session.run(vec![(input, SessionInputValue::from(Tensor::from_array((shape.to_vec(), numbers))?))])?;
        let value = outputs.get(output).ok_or_else(|| ort::Error::new(format!("there is no output {output}")))?;
        let (shape, numbers) = value.try_extract_tensor::<f32>()?;
        let shape = shape.iter().map(|side| usize::try_from(*side).unwrap_or(0)).collect();
        Ok((shape, numbers.to_vec()))
    };
    run().map_err(failed)
}

fn failed(error: ort::Error) -> SessionError {
    SessionError::Run { reason: explain(&error.to_string(), 0, Doing::Run) }
}

/// The nodes come out of an optimized graph, and are to run as they do there.
fn as_it_is(environment: &Environment, model: &[u8]) -> ort::Result<OrtSession> {
    OrtSession::builder(environment)?
        .with_log_level(LogLevel::Fatal)?
        .with_intra_threads(1)?
        .with_optimization_level(GraphOptimizationLevel::Disable)?
        .commit_from_memory(model)
}

fn run(
    environment: &Environment,
    model: &[u8],
    inputs: &[TableInput],
    outputs: &[TableOutput<'_>],
) -> ort::Result<Vec<Vec<Table>>> {
    let mut session = as_it_is(environment, model)?;
    let mut fed: Vec<(&str, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
    for input in inputs {
        let channels = input.channels.map_or(1, |channels| channels.count);
        let all = (0..=u8::MAX).flat_map(|byte| std::iter::repeat_n(byte, channels));
        let value = match input.kind {
            Byte::Unsigned => Tensor::from_array((input.shape(), all.collect::<Vec<u8>>()))?.into_dyn(),
            Byte::Signed => {
                Tensor::from_array((input.shape(), all.map(u8::cast_signed).collect::<Vec<i8>>()))?.into_dyn()
            }
        };
        fed.push((&input.name, value.into()));
    }
    let found = session.run(fed)?;
    outputs
        .iter()
        .map(|output| {
            let name = output.name;
            let value = found.get(name).ok_or_else(|| ort::Error::new(format!("there is no output {name}")))?;
            let bytes: Vec<u8> = match output.kind {
                Byte::Unsigned => value.try_extract_tensor::<u8>()?.1.to_vec(),
                Byte::Signed => value.try_extract_tensor::<i8>()?.1.iter().map(|byte| byte.cast_unsigned()).collect(),
            };
            output.tables(&bytes).ok_or_else(|| ort::Error::new(format!("{name} has {} entries", bytes.len())))
        })
        .collect()
}
