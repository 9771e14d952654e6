//! `quantscope bench`: latency and throughput, stage by stage. What is measured around what: [`crate::benchmark`].

mod profile;
mod table;

use super::arguments::Global;
use super::output::{OutputFormat, print};
use super::start::{self, UsageError};
use crate::benchmark::{
    self, AdviceRequest, Benchmark, MemoryProbe, Plan, Progress, Stage, ThreadAdvice, advise_threads,
};
use crate::evaluate::Cancel;
use crate::quantize;
use crate::report::{self, Form, Report};
use crate::runtime::{MachineInfo, default_threads};
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

/// Frames a model where none are asked for; then the rounds end after a minute a row, too.
const FRAMES: u32 = 200;
const TIME_A_ROW: Duration = Duration::from_secs(60);
/// How long numbers of threads take turns.
const ADVICE_TIME: Duration = Duration::from_secs(5);

/// What to measure.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The models are measured in turn, a few frames each, round after round, so that a machine that grows slower is slower for
all; the first model is the one that others are compared with. --threads 1,2,4 measures every model with each of these
numbers. Ctrl-C stops after the turn: complete rounds are printed and written, and the exit code is 1, as it is when a
model does not load.")]
pub(super) struct Args {
    /// Where the frames come from; they are read into memory before the clock starts
    #[arg(long, value_name = "SPEC", default_value = "demo")]
    source: String,
    /// Frames a model [default: 200, or as many as a minute allows]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    frames: Option<u32>,
    /// Ends the rounds after so many seconds, all models together, but not before each had one turn; of
    /// --advise-threads: each model [default: 5]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    time_limit: Option<u32>,
    /// Finds the best number of threads for each model, and measures nothing else
    #[arg(long, conflicts_with_all = ["frames", "report"])]
    advise_threads: bool,
    /// Measure every model a second time, as ONNX Runtime alone runs it
    #[arg(long, conflicts_with_all = ["no_accelerate", "advise_threads"])]
    also_plain: bool,
    /// Tells where the time goes inside ONNX Runtime, operator by operator, against the first model, what of a quantized
    /// model stayed in floats, and why; measures nothing else
    #[arg(long, conflicts_with_all = ["frames", "report", "advise_threads", "time_limit"])]
    profile: bool,
    /// Write a report: .html, .json, .csv or .md; may be given several times
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
}

pub(super) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    if global.model.is_empty() {
        return Err(UsageError::because("no model was named: add --model FILE.onnx, once for each model"));
    }
    if args.advise_threads && !global.threads.is_empty() {
        return Err(UsageError::because("--advise-threads finds the number of threads itself: leave --threads out"));
    }
    for path in &args.report {
        Form::of(path).map_err(|error| UsageError::because(error.to_string()))?;
    }
    if args.profile {
        return tell_profiles(global, args);
    }
    let bar = Bar::new()?;
    if args.advise_threads {
        return advise(global, args, &bar);
    }
    let outcome = benchmark::run(&plan(global, args)?, &mut |progress| bar.show(progress));
    bar.bar.finish_and_clear();
    let benchmark = outcome?;
    for path in &args.report {
        report::write(path, &Report { evaluation: None, benchmark: Some(&benchmark) })?;
    }
    match global.format {
        OutputFormat::Json => print(&(serde_json::to_string(&benchmark)? + "\n"))?,
        OutputFormat::Text => print(&table::table(&benchmark))?,
    }
    judge(&benchmark, bar.cancel.is_cancelled())
}

fn plan(global: &Global, args: &Args) -> anyhow::Result<Plan> {
    let threads: Vec<usize> = global.thread_counts().collect();
    let ways = 1 + usize::from(args.also_plain);
    let rows = global.model.len() * threads.len().max(1) * global.provider.len() * ways;
    let usual = args.frames.is_none().then(|| TIME_A_ROW * u32::try_from(rows).unwrap_or(1));
    Ok(Plan {
        models: global.model.clone(),
        threads: if threads.is_empty() { vec![default_threads()] } else { threads },
        providers: global.provider.clone(),
        accelerate: if args.also_plain { vec![true, false] } else { vec![!global.no_accelerate] },
        overrides: global.overrides(),
        thresholds: global.thresholds(),
        source: args.source.clone(),
        images: benchmark::frames_in_memory(&args.source, global.camera_backend)?,
        frames: args.frames.unwrap_or(FRAMES) as usize,
        time_limit: args.time_limit.map(|seconds| Duration::from_secs(seconds.into())).or(usual),
        trial: start::trial(),
        memory: std::env::current_exe().ok().map(MemoryProbe::new),
        command: start::command_line(),
    })
}

/// What the exit code is about.
fn judge(benchmark: &Benchmark, cancelled: bool) -> anyhow::Result<()> {
    if let Some(first) = benchmark.failures.first() {
        let named = benchmark.models.iter().map(|model| &model.path).collect::<std::collections::BTreeSet<_>>().len();
        let failed = benchmark.failures.len();
        bail!("{failed} of {} models were not measured: {}", failed + named, first.message);
    }
    if cancelled && !benchmark.complete {
        bail!("stopped after {} rounds; the figures rest on these", benchmark.rounds);
    }
    Ok(())
}

fn advise(global: &Global, args: &Args, bar: &Bar) -> anyhow::Result<()> {
    let (images, trial) = (benchmark::frames_in_memory(&args.source, global.camera_backend)?, start::trial());
    let machine = MachineInfo::read();
    let mut found: Vec<ThreadAdvice> = Vec::new();
    let mut failed: Vec<anyhow::Error> = Vec::new();
    for path in &global.model {
        let request = AdviceRequest {
            path: path.clone(),
            overrides: global.overrides(),
            thresholds: global.thresholds(),
            images: images.clone(),
            trial: trial.clone(),
            most: machine.logical_cores,
            accelerate: !global.no_accelerate,
            time: args.time_limit.map_or(ADVICE_TIME, |seconds| Duration::from_secs(seconds.into())),
        };
        match advise_threads(&request, &mut |progress| bar.show(progress)) {
            Ok(Some(advice)) => found.push(advice),
            Ok(None) => {}
            Err(_) if bar.cancel.is_cancelled() => {}
            Err(error) => failed.push(error.into()),
        }
        if bar.cancel.is_cancelled() {
            break;
        }
    }
    bar.bar.finish_and_clear();
    match global.format {
        OutputFormat::Json => print(&format!("{}\n", serde_json::json!({ "machine": machine, "advice": found })))?,
        OutputFormat::Text => print(&table::advice(&machine, &found))?,
    }
    let of = global.model.len();
    if let Some(first) = failed.first() {
        bail!("{} of {of} models were not measured: {}", failed.len(), start::one_line(first));
    }
    if bar.cancel.is_cancelled() && found.len() < of {
        bail!("stopped after {} of {of} models", found.len());
    }
    Ok(())
}

fn tell_profiles(global: &Global, args: &Args) -> anyhow::Result<()> {
    global.refuse_lists()?;
    let images = benchmark::frames_in_memory(&args.source, global.camera_backend)?;
    let picture = images.first().context("the source gave no picture")?;
    let profiles = quantize::profile(&global.model, &global.load_options(), start::trial().as_ref(), picture)?;
    let machine = MachineInfo::read();
    match global.format {
        OutputFormat::Json => print(&format!("{}\n", serde_json::json!({ "machine": machine, "profiles": profiles }))),
        OutputFormat::Text => print(&profile::text(Some(&machine), &profiles)),
    }
}

/// Shows how far it is, and ends it at Ctrl-C.
struct Bar {
    bar: ProgressBar,
    cancel: Cancel,
}

impl Bar {
    fn new() -> anyhow::Result<Self> {
        let cancel = Cancel::default();
        start::stop_on_ctrl_c(cancel.clone())?;
        // Draws to stderr, and nothing at all where that is no terminal.
        let bar = ProgressBar::new(1);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}, {eta} left") {
            bar.set_style(style);
        }
        Ok(Self { bar, cancel })
    }

    fn show(&self, progress: Progress) -> ControlFlow<()> {
        if self.cancel.is_cancelled() {
            return ControlFlow::Break(());
        }
        let words = match progress.stage {
            Stage::Loading => "loading".to_owned(),
            Stage::Trying(1) => "trying 1 thread".to_owned(),
            Stage::Trying(threads) => format!("trying {threads} threads"),
            Stage::Measuring => "measuring".to_owned(),
            Stage::Memory => "memory".to_owned(),
            Stage::Failed(message) => {
                self.bar.suspend(|| tracing::warn!("{message}. The other models go on"));
                return ControlFlow::Continue(());
            }
        };
        self.bar.set_length(progress.of as u64);
        self.bar.set_position(progress.done as u64);
        self.bar.set_message(words);
        ControlFlow::Continue(())
    }
}
