//! What may be written on the command line.

use super::output::OutputFormat;
use super::start::UsageError;
use super::{
    bench, cameras, capture, dataset, detect, eval, inspect, measure_memory, models, quantize, scene, try_model, window,
};
use crate::capture::CameraBackend;
use crate::inference::{CardSource, LoadOptions, ModelOverrides, SessionOptions, Thresholds};
use crate::runtime;
use std::path::{Path, PathBuf};

/// Shows, live, what quantization does to an object detector: FP32 and INT8 on the same frames.
#[derive(Debug, clap::Parser)]
#[command(version, about, args_conflicts_with_subcommands = false)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(flatten)]
    pub window: window::Args,
    #[command(subcommand)]
    pub command: Option<Subcommand>,
}

/// Options that every subcommand takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Global {
    /// Lowest score of a detection, 0…1 [default: 0.25]
    #[arg(long, short = 'c', global = true, value_name = "F", value_parser = fraction)]
    pub confidence: Option<f32>,
    /// Overlap (intersection over union) above which the weaker of two boxes of a class is dropped, 0…1
    /// [default: 0.45; of `eval`: 0.65]
    #[arg(long, global = true, value_name = "F", value_parser = fraction)]
    pub iou: Option<f32>,
    /// Class names: a text file with one a line, or a YOLO data.yaml
    #[arg(long, short = 'l', global = true, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// ONNX model; `eval` and `bench` take several
    #[arg(long, short = 'm', global = true, value_name = "FILE")]
    pub model: Vec<PathBuf>,
    /// Model card instead of the sidecar <model>.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub card: Option<PathBuf>,
    /// Execution provider; only `cpu` so far. `bench` takes several: a,b
    #[arg(long, global = true, value_name = "NAME", default_value = "cpu", value_delimiter = ',', value_parser = ["cpu"])]
    pub provider: Vec<String>,
    /// Threads ONNX Runtime uses inside one operator [default: half of the cores, at most 4; of `eval`: 1; in the window
    /// what was last set, else `auto`]. `auto`, only without a subcommand: measured for each model in the background.
    /// `bench` takes several: 1,2,4
    #[arg(long, global = true, value_name = "N", value_delimiter = ',', value_parser = thread_count)]
    pub threads: Vec<ThreadCount>,
    /// Run quantized models as ONNX Runtime does by itself. Outputs are the same without it; only the time differs
    #[arg(long, global = true)]
    pub no_accelerate: bool,
    /// Library that reads cameras: `v4l` (Linux only) or `nokhwa`; `auto` is v4l on Linux and nokhwa elsewhere
    #[arg(long, global = true, value_name = "NAME", default_value = "auto", value_parser = camera_backend)]
    pub camera_backend: CameraBackend,
    /// Form of the results on stdout
    #[arg(long, global = true, value_enum, default_value_t)]
    pub format: OutputFormat,
    /// Say more on stderr; twice: still more
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What there is beside the window.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Subcommand {
    /// Boxes of every frame, as text or as a JSON object a line
    Detect(detect::Args),
    /// Accuracy on labelled pictures, and how far models agree
    Eval(eval::Args),
    /// Keeps frames of a source as pictures: for calibration, and to be labelled
    Capture(capture::Args),
    /// Labelled pictures: looked over, and written as COCO, YOLO or Pascal VOC
    Dataset(dataset::Args),
    /// Latency and throughput, stage by stage
    Bench(bench::Args),
    /// A twin of an FP32 model that computes in 8-bit integers
    Quantize(quantize::Args),
    /// What a model is taken for, and why
    Inspect(inspect::Args),
    /// Well-known detectors: lists them, downloads them
    Models(models::Args),
    /// Cameras and their formats
    Cameras(cameras::Args),
    /// Writes labelled pictures of the demo scene (COCO json)
    Scene(scene::Args),
    /// Loads a model alone, runs it, and says its peak memory; `bench` calls the program itself with this
    #[command(hide = true)]
    MeasureMemory(measure_memory::Args),
    /// Loads a model and runs it once, under limits; the program calls itself with this before it loads a model
    #[command(hide = true)]
    TryModel(try_model::Args),
}

/// Threads of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThreadCount {
    /// So many.
    Fixed(usize),
    /// What is found by measuring.
    Measured,
}

fn thread_count(text: &str) -> Result<ThreadCount, String> {
    match text {
        "auto" => Ok(ThreadCount::Measured),
        _ => match text.parse() {
            Ok(count @ 1..=THREADS_MAX) => Ok(ThreadCount::Fixed(count)),
            _ => Err(format!("must be a number from 1 to {THREADS_MAX}, or `auto`")),
        },
    }
}

/// Most threads that can be asked for.
const THREADS_MAX: usize = 256;

impl Global {
    /// The thresholds, where none was given the defaults.
    pub fn thresholds(&self) -> Thresholds {
        let default = Thresholds::default();
        Thresholds { confidence: self.confidence.unwrap_or(default.confidence), iou: self.iou.unwrap_or(default.iou) }
    }

    /// The numbers of threads that were named.
    pub fn thread_counts(&self) -> impl Iterator<Item = usize> + '_ {
        self.threads.iter().filter_map(|threads| match threads {
            ThreadCount::Fixed(count) => Some(*count),
            ThreadCount::Measured => None,
        })
    }

    /// Threads of a session.
    pub fn threads(&self) -> usize {
        self.thread_counts().next().unwrap_or_else(runtime::default_threads)
    }

    /// Whether threads are to be found by measuring.
    pub fn measures_threads(&self) -> bool {
        self.threads.contains(&ThreadCount::Measured)
    }

    /// Only what runs on has time to measure threads.
    pub fn refuse_measured_threads(&self) -> anyhow::Result<()> {
        if self.measures_threads() {
            let text = "only the window and --headless measure threads by themselves; name a number, or find one with \
                        `quantscope bench --advise-threads`";
            return Err(UsageError::because(text));
        }
        Ok(())
    }

    /// Only `bench` measures several settings.
    pub fn refuse_lists(&self) -> anyhow::Result<()> {
        if self.threads.len() > 1 || self.provider.len() > 1 {
            return Err(UsageError::because("only `bench` takes several --threads or --provider; name one"));
        }
        Ok(())
    }

    /// Card and labels given on the command line.
    pub fn overrides(&self) -> ModelOverrides {
        ModelOverrides { card: self.card.clone().map(CardSource::File), labels: self.labels.clone() }
    }

    /// How models are loaded.
    pub fn load_options(&self) -> LoadOptions {
        let session = SessionOptions { threads: self.threads(), accelerate: !self.no_accelerate, ..Default::default() };
        LoadOptions { session, overrides: self.overrides() }
    }

    /// The one model of a subcommand that takes one.
    pub fn one_model(&self) -> anyhow::Result<&Path> {
        match self.model.as_slice() {
            [model] => Ok(model),
            [] => Err(UsageError::because("no model was named: add --model FILE.onnx")),
            several => Err(UsageError::because(format!("{} models were named; this takes one --model", several.len()))),
        }
    }
}

fn camera_backend(text: &str) -> Result<CameraBackend, String> {
    match text {
        "auto" => Ok(CameraBackend::Auto),
        "v4l" => Ok(CameraBackend::V4l),
        "nokhwa" => Ok(CameraBackend::Nokhwa),
        _ => Err("is none of auto, v4l, nokhwa".to_owned()),
    }
}

fn fraction(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        Ok(_) => Err("must lie between 0 and 1".to_owned()),
        Err(_) => Err("is not a number".to_owned()),
    }
}
