//! `quantscope bench`: latency and throughput, stage by stage.
//!
//! Models take turns in short rounds (A B A B …), and in each round the bare session, the stages one after the other,
//! and the pipelined lane follow each other, so that a machine that grows slower meanwhile is fair to all of them.

use super::arguments::Global;
use super::output::{OutputFormat, print};
use super::start;
use super::start::UsageError;
use crate::capture::{self, Next, Pace, SourceOptions, SourceSpec};
use crate::imaging::RgbImage;
use crate::inference::{Detector, Thresholds};
use crate::metrics::percentile;
use crate::pipeline::time_pipelined;
use crate::runtime::MachineInfo;
use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rounds in which the models take turns.
const ROUNDS: usize = 10;
/// Different frames held in memory; more would only measure the memory.
const FRAMES_IN_MEMORY: usize = 16;
/// Runs of each kind before anything is counted.
const WARM_UP: usize = 10;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the frames come from; they are read into memory before the clock starts
    #[arg(long, value_name = "SPEC", default_value = "demo")]
    source: String,
    /// Frames a model
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    frames: u32,
}

#[derive(Serialize)]
struct Report {
    machine: MachineInfo,
    source: String,
    frame_size: String,
    models: Vec<ModelReport>,
}

#[derive(Serialize)]
struct ModelReport {
    path: String,
    precision: String,
    bytes: u64,
    threads: usize,
    frames: usize,
    /// Frames a second of the lane: preprocessing of the next frame beside the inference of this one.
    fps: f64,
    /// Frames a second of `session.run` alone, in the same rounds.
    session_only_fps: f64,
    /// The first over the second: 1 is a pipeline that costs nothing.
    pipeline_efficiency: f64,
    stages_ms: Stages,
    session_only_ms: Percentiles,
    /// Highest resident memory of this process so far, all its models together.
    peak_rss_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Stages {
    preprocess: Percentiles,
    inference: Percentiles,
    postprocess: Percentiles,
    total: Percentiles,
}

#[derive(Clone, Copy, Serialize)]
struct Percentiles {
    p50: f32,
    p95: f32,
}

/// What was measured of one model so far, in milliseconds a frame; and the pipelined time altogether.
#[derive(Default)]
struct Samples {
    session_only: Vec<f32>,
    preprocess: Vec<f32>,
    inference: Vec<f32>,
    postprocess: Vec<f32>,
    total: Vec<f32>,
    pipelined: Duration,
    pipelined_frames: usize,
}

pub(super) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    if global.model.is_empty() {
        return Err(UsageError::because("no model was named: add --model FILE.onnx, once for each model"));
    }
    let images = frames_in_memory(&args.source)?;
    let trial = start::trial();
    let mut detectors = Vec::new();
    for path in &global.model {
        detectors.push(Detector::load(path, &global.load_options(), trial.as_ref(), &mut |_| {})?);
    }
    let per_round = (args.frames as usize).div_ceil(ROUNDS);
    let thresholds = global.thresholds();
    for detector in &mut detectors {
        measure(detector, &images, WARM_UP, thresholds, &mut Samples::default())?;
    }
    let progress = ProgressBar::new((ROUNDS * detectors.len()) as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} measuring, {eta} left") {
        progress.set_style(style);
    }
    let mut samples: Vec<Samples> = detectors.iter().map(|_| Samples::default()).collect();
    for _ in 0..ROUNDS {
        for (detector, samples) in detectors.iter_mut().zip(&mut samples) {
            measure(detector, &images, per_round, thresholds, samples)?;
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    let size = images.first().map_or_else(String::new, |image| format!("{}x{}", image.width(), image.height()));
    let models = detectors.iter().zip(samples).map(|(detector, samples)| report(detector, samples)).collect();
    let report = Report { machine: MachineInfo::read(), source: args.source.clone(), frame_size: size, models };
    match global.format {
        OutputFormat::Json => print(&(serde_json::to_string(&report)? + "\n")),
        OutputFormat::Text => print(&table(&report)),
    }
}

fn frames_in_memory(spec: &str) -> anyhow::Result<Vec<Arc<RgbImage>>> {
    let options = SourceOptions { pace: Pace::EveryFrame, ..SourceOptions::default() };
    let mut source = capture::open(&SourceSpec::from(spec), &options)?;
    let mut images = Vec::new();
    while images.len() < FRAMES_IN_MEMORY {
        match source.next_frame(Duration::from_secs(1)).with_context(|| format!("{spec}: no frames to measure with"))? {
            Next::Frame(frame) => images.push(frame.image),
            Next::Waiting => {}
            Next::End => break,
        }
    }
    ensure!(!images.is_empty(), "{spec}: the source gave no picture to measure with");
    Ok(images)
}

/// One round of one model.
fn measure(
    detector: &mut Detector,
    images: &[Arc<RgbImage>],
    count: usize,
    thresholds: Thresholds,
    samples: &mut Samples,
) -> anyhow::Result<()> {
    let ms = |duration: Duration| duration.as_secs_f32() * 1e3;
    for _ in 0..count {
        samples.session_only.push(ms(detector.time_session()?));
    }
    let mut detections = Vec::new();
    for image in images.iter().cycle().take(count) {
        let begin = Instant::now();
        let timings = detector.detect(image, thresholds, &mut detections)?;
        samples.total.push(ms(begin.elapsed()));
        samples.preprocess.push(ms(timings.preprocess));
        samples.inference.push(ms(timings.inference));
        samples.postprocess.push(ms(timings.postprocess));
    }
    samples.pipelined += time_pipelined(detector, images, count, thresholds)?;
    samples.pipelined_frames += count;
    Ok(())
}

fn report(detector: &Detector, mut samples: Samples) -> ModelReport {
    let info = detector.info();
    let fps = samples.pipelined_frames as f64 / samples.pipelined.as_secs_f64();
    let session_seconds: f64 = samples.session_only.iter().map(|ms| f64::from(*ms) / 1e3).sum();
    let session_only_fps = samples.session_only.len() as f64 / session_seconds;
    ModelReport {
        path: info.path.display().to_string(),
        precision: info.precision.to_string().to_lowercase(),
        bytes: info.bytes,
        threads: info.threads,
        frames: samples.pipelined_frames,
        fps,
        session_only_fps,
        pipeline_efficiency: fps / session_only_fps,
        stages_ms: Stages {
            preprocess: percentiles(&mut samples.preprocess),
            inference: percentiles(&mut samples.inference),
            postprocess: percentiles(&mut samples.postprocess),
            total: percentiles(&mut samples.total),
        },
        session_only_ms: percentiles(&mut samples.session_only),
        peak_rss_bytes: peak_rss_bytes(),
    }
}

fn percentiles(values: &mut [f32]) -> Percentiles {
    values.sort_by(f32::total_cmp);
    Percentiles { p50: percentile(values, 0.50), p95: percentile(values, 0.95) }
}

/// The kernel's high-water mark; None where it keeps none.
fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn table(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |written: String| text += &(written + "\n");
    line(report.machine.to_string());
    line(format!("frames of {}, {}, from memory\n", report.source, report.frame_size));
    line(format!(
        "{:<32} {:>9} {:>7} {:>15} {:>15} {:>15} {:>15} {:>8} {:>9} {:>6}",
        "model",
        "precision",
        "threads",
        "preprocess ms",
        "inference ms",
        "postprocess ms",
        "total ms",
        "frames/s",
        "bare/s",
        "ratio"
    ));
    for model in &report.models {
        let cell = |p: Percentiles| format!("{:.2} / {:.2}", p.p50, p.p95);
        line(format!(
            "{:<32} {:>9} {:>7} {:>15} {:>15} {:>15} {:>15} {:>8.1} {:>9.1} {:>6.2}",
            model.path,
            model.precision,
            model.threads,
            cell(model.stages_ms.preprocess),
            cell(model.stages_ms.inference),
            cell(model.stages_ms.postprocess),
            cell(model.stages_ms.total),
            model.fps,
            model.session_only_fps,
            model.pipeline_efficiency
        ));
    }
    line(
        "\nlatencies are p50 / p95; frames/s is the pipelined lane, bare/s is session.run alone in the same rounds"
            .to_owned(),
    );
    if let [first, others @ ..] = report.models.as_slice() {
        for other in others {
            line(format!(
                "{} against {}: {:.2} of the latency, {:.2} of the size",
                other.path,
                first.path,
                other.stages_ms.total.p50 / first.stages_ms.total.p50,
                other.bytes as f64 / first.bytes as f64
            ));
        }
    }
    if let Some(peak) = report.models.last().and_then(|model| model.peak_rss_bytes) {
        line(format!("highest resident memory of the whole run: {:.0} MiB", peak as f64 / f64::from(1 << 20)));
    }
    text
}
