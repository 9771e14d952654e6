//! A fair stopwatch: all models in one process, in turn, every stage, with the noise told.
//!
//! # What is measured, around what
//!
//! All models are loaded and warmed up before the clock starts, and the frames are in memory. Then rounds follow each
//! other. In a round every model has one turn; the order changes from round to round (A B, B A, B A, A B …), so that
//! nobody is always first, nobody always follows the same neighbour, and a machine that grows slower meanwhile is slower
//! for all. A round in which not every model had its turn counts for nobody. A turn is:
//!
//! 1. one frame that is not counted, since the turn before has left the caches to another model;
//! 2. `session.run` alone, on the input of that frame, frame after frame: *bare session*;
//! 3. the stages one after the other on one thread, a time around each: *preprocess* (from the picture to the input),
//!    *inference* (`session.run`), *postprocess* (decoding and NMS), and *total* around all three;
//! 4. the lane of the live pipeline with its two threads, as fast as it takes frames: *frames a second*, from the first
//!    frame's handing over to the last one's boxes, starting and ending included.
//!
//! Processor time (of the whole process, all threads) and energy (of the whole processor, whoever uses it) are taken
//! around 3 and 4, which both do all the work of a frame, and divided by their frames. Memory is that of a process of its
//! own for each model, after the rounds: in this one all models lie together.
//!
//! A model's *latency ratio* is the median over the rounds of its median total in a round over that of the first model in
//! the same round; its interval comes from drawing the rounds anew ([`crate::metrics::bootstrap`]).
//!
//! Load of other programs is what the system counted as busy while the rounds ran, less this process's own time.

mod advice;
mod conclusions;
mod energy;
mod error;
mod frames;
mod memory;
mod noise;
mod plan;
mod runner;
mod statistics;
mod stopwatch;
mod turns;

pub use advice::{AdviceRequest, ThreadAdvice, ThreadRow, advise_threads};
pub use energy::{EnergyError, Rapl};
pub use error::BenchmarkError;
pub use frames::frames_in_memory;
pub use memory::{MemoryProbe, peak_rss_bytes, run_alone};
pub use noise::{Load, noise};
pub use plan::{PROVIDERS, Plan, Progress, Setting, Stage};
pub use runner::run;

use crate::evaluate::{Quantiles, Versions};
use crate::inference::Acceleration;
use crate::runtime::MachineInfo;
use serde::Serialize;
use std::path::PathBuf;

/// What a benchmark measured.
#[derive(Clone, Debug, Serialize)]
pub struct Benchmark {
    /// When it began, seconds since 1970 UTC.
    pub begun: u64,
    /// Where it ran.
    pub machine: MachineInfo,
    /// Versions of what took part.
    pub versions: Versions,
    /// Where the frames came from.
    pub source: String,
    /// Their size, `1280x720`.
    pub frame_size: String,
    /// The command line that repeats it.
    pub command: String,
    /// A model, a number of threads and a provider each, in the order asked for; the first is what others are
    /// compared with.
    pub models: Vec<BenchmarkedModel>,
    /// Models that could not be measured; the others were.
    pub failures: Vec<ModelFailure>,
    /// Set when other programs disturbed the measurement so much that small differences mean nothing: a sentence.
    pub noise: Option<String>,
    /// What that rests on; none where the system does not tell.
    pub disturbance: Option<Disturbance>,
    /// Rounds in which every model had its turn.
    pub rounds: usize,
    /// Whether all rounds that were asked for were measured; false when it was cancelled or the time was up.
    pub complete: bool,
    /// What the figures come to, a sentence each: models against the first one, the best number of threads.
    pub conclusions: Vec<String>,
    /// What could not be measured and why, a sentence each (energy that only root may read, …).
    pub notes: Vec<String>,
}

/// A model that could not be measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelFailure {
    /// The file.
    #[serde(serialize_with = "crate::evaluate::path_as_text")]
    pub path: PathBuf,
    /// A sentence: what is wrong with it, and what to do.
    pub message: String,
}

/// What went on beside the measurement, as shares of all processors, 0…1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Disturbance {
    /// Processor time that other programs used.
    pub others: f64,
    /// Processor time that the hypervisor gave to other machines.
    pub stolen: f64,
}

/// One model with one setting.
#[derive(Clone, Debug, Serialize)]
pub struct BenchmarkedModel {
    /// The file.
    #[serde(serialize_with = "crate::evaluate::path_as_text")]
    pub path: PathBuf,
    /// `fp32`, `fp16`, `int8`, `mixed`.
    pub precision: String,
    /// As the window writes it.
    pub numbers: String,
    /// Size of the file and its external data.
    pub bytes: u64,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Execution provider.
    pub provider: String,
    /// Threads ONNX Runtime uses inside one operator.
    pub threads: usize,
    /// What became of the wish for a faster session.
    pub acceleration: Acceleration,
    /// Frames measured.
    pub frames: usize,
    /// Frames a second of the lane: preprocessing of the next frame beside the inference of this one.
    pub fps: f64,
    /// Frames a second of `session.run` alone, in the same rounds.
    pub session_only_fps: f64,
    /// The first over the second: 1 is a pipeline that costs nothing.
    pub pipeline_efficiency: f64,
    /// Every stage.
    pub stages_ms: StageQuantiles,
    /// `session.run` alone.
    pub session_only_ms: Quantiles,
    /// Median of this model's total latency over that of the first one, from ratios of neighbouring rounds.
    pub latency_ratio: f64,
    /// Interval that holds this ratio in 95 of 100 resamplings of the rounds.
    pub latency_ratio_interval: [f64; 2],
    /// How far the middle half of the rounds is apart: the interquartile range of the rounds' median latencies over their
    /// median, 0 when all are the same.
    pub spread: f64,
    /// Processor time a frame, all threads, milliseconds.
    pub cpu_ms_per_frame: Option<f64>,
    /// Energy a frame in millijoule, where the machine tells it (RAPL).
    pub millijoule_per_frame: Option<f64>,
    /// Highest resident memory of the process with this model loaded alone, bytes.
    pub peak_rss_bytes: Option<u64>,
}

impl BenchmarkedModel {
    /// What is added to its name where it is measured beside accelerated ones and is none: ` (plain)`.
    pub fn mark(&self, all: &[Self]) -> &'static str {
        let is_plain = |model: &Self| model.acceleration == Acceleration::Off;
        if is_plain(self) && !all.iter().all(is_plain) { " (plain)" } else { "" }
    }
}

/// Quantiles of every stage, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct StageQuantiles {
    /// Resize, colour, normalization.
    pub preprocess: Quantiles,
    /// `session.run`.
    pub inference: Quantiles,
    /// Decoding and NMS.
    pub postprocess: Quantiles,
    /// All three.
    pub total: Quantiles,
}
