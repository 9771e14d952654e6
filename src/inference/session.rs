//! One loaded model in ONNX Runtime. Only this file and its folder name `ort`.

use super::InputRecognition;
use super::entrance::Entrance;
use super::explain::{Doing, explain};
use super::heads::OutputTensor;
use super::preprocess::{InputValues, ModelInput};
use super::recognize::{OtherInput, OtherType};
use super::tuning::{TunedBy, Tuning};
use crate::imaging::ImageSize;
use crate::onnx::shown;
use crate::runtime;
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session as OrtSession, SessionInputValue};
use ort::value::{DynTensor, DynValue, PrimitiveTensorElementType, Tensor, TensorRef};
use outputs::convert;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Why a model does not load or does not run.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// No usable ONNX Runtime.
    #[error(transparent)]
    Runtime(#[from] runtime::RuntimeError),
    /// ONNX Runtime was found but does not start.
    #[error("ONNX Runtime at {library} does not start: {reason}. Run `make setup` to install a fresh copy")]
    Environment {
        /// The library.
        library: PathBuf,
        /// What it said.
        reason: String,
    },
    /// ONNX Runtime refuses the model.
    #[error("{path}: ONNX Runtime {version} cannot load this model: {reason}")]
    Load {
        /// The model.
        path: PathBuf,
        /// Version of ONNX Runtime.
        version: String,
        /// Its reason and the remedy, in one line.
        reason: String,
    },
    /// The model loads but a run fails.
    #[error("the model failed on a picture: {reason}")]
    Run {
        /// ONNX Runtime's reason and the remedy, in one line.
        reason: String,
    },
    /// The outputs are not those of the head.
    #[error(transparent)]
    Decode(#[from] super::heads::DecodeError),
    /// An output cannot be had as a tensor of numbers.
    #[error("output `{name}` is {found}; only tensors of numbers can be decoded")]
    OutputType {
        /// Name of the output.
        name: String,
        /// What it is.
        found: String,
    },
}

/// How a session is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// Threads inside one operator; 1 runs everything on the calling thread.
    pub threads: usize,
    /// Whether they spin while they wait. That wins only on an idle machine; here capture, the other lane and the window
    /// want the cores too.
    pub spinning: bool,
    /// Who says so; the session does not depend on it.
    pub tuned_by: TunedBy,
    /// Where to write the graph that ONNX Runtime's optimizer leaves; None writes none.
    pub optimized_to: Option<PathBuf>,
    /// Whether a quantized model is made faster where its outputs stay the same, see
    /// [`accelerate`](super::accelerate).
    pub accelerate: bool,
    /// How far it goes.
    pub optimization: Optimization,
    /// In which folder to record what operators take, until [`Session::end_profile`]; none: nowhere.
    pub profile_in: Option<PathBuf>,
}

/// How far ONNX Runtime's optimizer goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Optimization {
    /// As far as it can.
    #[default]
    All,
    /// Constants are folded and batch norms fused; only operators of ONNX itself come out.
    Basic,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            threads: runtime::default_threads(),
            spinning: false,
            tuned_by: TunedBy::default(),
            optimized_to: None,
            accelerate: true,
            optimization: Optimization::All,
            profile_in: None,
        }
    }
}

impl SessionOptions {
    /// The same with another use of the processor.
    #[must_use]
    pub fn tuned(self, Tuning { threads, spinning }: Tuning) -> Self {
        Self { threads, spinning, ..self }
    }
}

/// Where a model is loaded from.
#[derive(Clone, Copy, Debug)]
pub enum ModelSource<'a> {
    /// Its file.
    File(&'a Path),
    /// A changed copy in memory of the file at the path, beside which its external data lies.
    Memory(&'a [u8], &'a Path),
    /// The graph that ONNX Runtime's optimizer made of the file at the path, with our operators in it.
    Folded(&'a [u8], &'a Path),
}

impl<'a> ModelSource<'a> {
    /// The file, or where it would be.
    pub(super) fn path(self) -> &'a Path {
        match self {
            Self::File(path) | Self::Memory(_, path) | Self::Folded(_, path) => path,
        }
    }
}

/// A loaded model. One thread owns it: ONNX Runtime's `Run` is not to be called from two at once.
pub struct Session {
    inner: OrtSession,
    opset: i64,
    /// The name of the picture's input.
    picture: String,
    /// Whether the picture is given without its batch axis.
    no_batch: bool,
    /// How the picture goes in, where that is not as the file has it.
    entrance: Option<Entrance>,
    spared: Arc<lookup::Spared>,
    others: Others,
    output_names: Vec<String>,
    outputs: OutputBuffers,
}

/// What is fed beside the picture, for the size of it that was used last.
struct Others {
    inputs: Vec<OtherInput>,
    values: Vec<DynTensor>,
    size: Option<ImageSize>,
}

/// What the last run gave: the shapes, and those values that had to be converted to 32-bit floats.
#[derive(Default)]
struct OutputBuffers {
    shapes: Vec<Vec<usize>>,
    values: Vec<Vec<f32>>,
}

/// The process-wide environment of ONNX Runtime, started on first use.
fn environment() -> Result<&'static Environment, SessionError> {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    static STARTING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = STARTING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(environment) = ENVIRONMENT.get() {
        return Ok(environment);
    }
    let library = runtime::initialize()?;
    let failed =
        |reason: String| SessionError::Environment { library: library.path.clone(), reason: one_line(&reason) };
    let environment = ort::init_from(&library.path)
        .map_err(|error| failed(error.to_string()))?
        .with_name("quantscope")
        .with_telemetry(false)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    Ok(ENVIRONMENT.get_or_init(|| environment))
}

impl Session {
    /// Loads a model that uses operator set `opset` and is fed as `input` says, on the CPU.
    ///
    /// # Errors
    ///
    /// When there is no usable ONNX Runtime, or when it refuses the model.
    pub fn load(
        source: ModelSource<'_>,
        opset: i64,
        input: &InputRecognition,
        options: &SessionOptions,
    ) -> Result<Self, SessionError> {
        let spared = Arc::default();
        let inner = build(source, options, &spared).map_err(|error| match error {
            BuildError::Session(error) => error,
            BuildError::Ort(error) => SessionError::Load {
                path: source.path().to_owned(),
                version: runtime::initialize().map_or_else(|_| String::new(), |library| library.version.clone()),
                reason: explain(&error, opset, Doing::Load),
            },
        })?;
        let output_names = inner.outputs().iter().map(|outlet| outlet.name().to_owned()).collect();
        let picture = inner.inputs().iter().find(|outlet| outlet.name() == input.name);
        let axes = picture.and_then(|outlet| outlet.dtype().tensor_shape()).map_or(4, |shape| shape.len());
        Ok(Self {
            opset,
            picture: input.name.clone(),
            no_batch: axes == 3,
            entrance: None,
            spared,
            others: Others { inputs: input.others.clone(), values: Vec::new(), size: None },
            output_names,
            outputs: OutputBuffers::default(),
            inner,
        })
    }

    /// The same session of a graph that takes its pictures by `entrance`.
    pub(super) fn entering(mut self, entrance: Option<Entrance>) -> Self {
        self.entrance = entrance;
        self
    }

    /// Bytes that were looked up, and bytes that the nodes would have gone over that look-ups stand for, in all runs.
    pub(super) fn spared(&self) -> [u64; 2] {
        self.spared.bytes_and_passes()
    }

    /// How pictures go in, where that is not as the file has it.
    pub fn entrance(&self) -> Option<&Entrance> {
        self.entrance.as_ref()
    }

    /// Runs the model on `input` (as the file has it, or by its entrance, which takes less time) and hands those of its outputs that are numbers, as 32-bit floats, to `read`.
    ///
    /// # Errors
    ///
    /// When ONNX Runtime fails, or an output does not come.
    pub fn run<R>(
        &mut self,
        input: &ModelInput,
        read: impl FnOnce(&[OutputTensor<'_>], std::time::Instant) -> R,
    ) -> Result<R, SessionError> {
        let opset = self.opset;
        let failed = |error: ort::Error| SessionError::Run { reason: explain(&error.to_string(), opset, Doing::Run) };
        self.others.prepare(input.size()).map_err(failed)?;
        let laid_out = self.entrance.as_ref().and_then(|entrance| entrance.laid_out(input));
        let input = laid_out.as_ref().unwrap_or(input);
        let shape = input.shape().map(|side| side as i64);
        let shape = &shape[usize::from(self.no_batch)..];
        let value: SessionInputValue<'_> = match input.values() {
            InputValues::F32(values) => TensorRef::from_array_view((shape, values.as_slice())).map_err(failed)?.into(),
            InputValues::F16(values) => TensorRef::from_array_view((shape, values.as_slice())).map_err(failed)?.into(),
            InputValues::U8(values) => TensorRef::from_array_view((shape, values.as_slice())).map_err(failed)?.into(),
            InputValues::I8(values) => TensorRef::from_array_view((shape, values.as_slice())).map_err(failed)?.into(),
        };
        let mut inputs: Vec<(&str, SessionInputValue<'_>)> = Vec::with_capacity(1 + self.others.inputs.len());
        inputs.push((&self.picture, value));
        for (other, value) in self.others.inputs.iter().zip(&self.others.values) {
            inputs.push((&other.name, value.into()));
        }
        let outputs = self.inner.run(inputs).map_err(failed)?;
        let finished = std::time::Instant::now();
        let count = self.output_names.len();
        self.outputs.shapes.resize_with(count, Vec::new);
        self.outputs.values.resize_with(count, Vec::new);
        let buffers = self.outputs.shapes.iter_mut().zip(&mut self.outputs.values);
        let mut values: Vec<(usize, &DynValue)> = Vec::with_capacity(count);
        for (index, (name, (shape, converted))) in self.output_names.iter().zip(buffers).enumerate() {
            let value = outputs.get(name).ok_or_else(|| SessionError::OutputType {
                name: shown(name).into_owned(),
                found: "missing from the result".to_owned(),
            })?;
            if convert(name, value, shape, converted)? {
                values.push((index, value));
            }
        }
        let tensors: Vec<OutputTensor<'_>> = values
            .into_iter()
            .map(|(index, value)| OutputTensor {
                name: &self.output_names[index],
                shape: &self.outputs.shapes[index],
                values: match value.try_extract_tensor::<f32>() {
                    Ok((_, floats)) => floats,
                    Err(_) => &self.outputs.values[index],
                },
            })
            .collect();
        Ok(read(&tensors, finished))
    }
}

enum BuildError {
    Session(SessionError),
    Ort(String),
}

fn build(
    source: ModelSource<'_>,
    options: &SessionOptions,
    spared: &Arc<lookup::Spared>,
) -> Result<OrtSession, BuildError> {
    let environment = environment().map_err(BuildError::Session)?;
    fn failed(error: impl std::fmt::Display) -> BuildError {
        BuildError::Ort(error.to_string())
    }
    let mut builder = OrtSession::builder(environment)
        .map_err(failed)?
        // What fails is told as an error; ONNX Runtime would write it to stderr as well.
        .with_log_level(LogLevel::Fatal)
        .map_err(failed)?
        .with_intra_threads(options.threads.max(1))
        .map_err(failed)?
        .with_intra_op_spinning(options.spinning)
        .map_err(failed)?
        .with_optimization_level(match (source, options.optimization) {
            (ModelSource::Folded(..), _) => GraphOptimizationLevel::Disable,
            (_, Optimization::All) => GraphOptimizationLevel::All,
            (_, Optimization::Basic) => GraphOptimizationLevel::Level1,
        })
        .map_err(failed)?;
    if let Some(path) = &options.optimized_to {
        builder = builder.with_optimized_model_path(path).map_err(failed)?;
    }
    if let Some(folder) = &options.profile_in {
        builder = builder.with_profiling(profile::place_in(folder)).map_err(failed)?;
    }
    match source {
        ModelSource::File(path) => builder.commit_from_file(path).map_err(failed),
        ModelSource::Memory(bytes, path) => {
            let folder = path.parent().unwrap_or(Path::new("")).to_string_lossy().into_owned();
            let folder = if folder.is_empty() { ".".to_owned() } else { folder };
            builder
                .with_config_entry(EXTERNAL_DATA_FOLDER, folder)
                .map_err(failed)?
                .commit_from_memory(bytes)
                .map_err(failed)
        }
        ModelSource::Folded(bytes, _) => builder
            .with_operators(lookup::operators(spared).map_err(failed)?)
            .map_err(failed)?
            .commit_from_memory(bytes)
            .map_err(failed),
    }
}

/// ONNX Runtime's setting for where the external data of a model in memory lies.
const EXTERNAL_DATA_FOLDER: &str = "session.model_external_initializers_file_folder_path";

impl Others {
    /// Makes the tensors for a picture of `size`, unless they are there.
    fn prepare(&mut self, size: ImageSize) -> ort::Result<()> {
        if self.size == Some(size) {
            return Ok(());
        }
        self.size = None;
        self.values.clear();
        for input in &self.inputs {
            let (shape, values) = input.values(size);
            let tensor = match input.dtype {
                OtherType::F32 => tensor(shape, &values, |value| value as f32)?,
                OtherType::I32 => tensor(shape, &values, |value| value as i32)?,
                OtherType::I64 => tensor(shape, &values, |value| value as i64)?,
                OtherType::Bool => tensor(shape, &values, |value| value != 0.0)?,
            };
            self.values.push(tensor);
        }
        self.size = Some(size);
        Ok(())
    }
}

fn tensor<T>(shape: Vec<usize>, values: &[f64], convert: impl Fn(f64) -> T) -> ort::Result<DynTensor>
where
    T: PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static,
{
    let values: Vec<T> = values.iter().map(|value| convert(*value)).collect();
    Ok(Tensor::from_array((shape, values))?.upcast())
}

/// ONNX Runtime's messages run over several lines; ours are one.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

mod convolve;
mod lookup;
mod outputs;
mod profile;
mod repeat;
pub(super) mod tables;

#[cfg(test)]
mod run_tests;
