//! `quantscope bench`: latency and throughput, stage by stage. What is measured around what: [`crate::benchmark`].

mod table;

use super::arguments::Global;
use super::output::{OutputFormat, print};
use super::start;
use super::start::UsageError;
use crate::benchmark::{
    self, AdviceRequest, MemoryProbe, Plan, Progress, Stage, ThreadAdvice, advise_threads, frames_in_memory,
};
use crate::runtime::{MachineInfo, default_threads};
use indicatif::{ProgressBar, ProgressStyle};
use std::ops::ControlFlow;
use std::time::Duration;

/// Frames a model where none are asked for; then the rounds end after a minute a row, too.
const FRAMES: u32 = 200;
const TIME_A_ROW: Duration = Duration::from_secs(60);
/// How long numbers of threads take turns.
const ADVICE_TIME: Duration = Duration::from_secs(5);

/// What to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the frames come from; they are read into memory before the clock starts
    #[arg(long, value_name = "SPEC", default_value = "demo")]
    source: String,
    /// Frames a model [default: 200, or as many as a minute allows]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    frames: Option<u32>,
    /// Ends the rounds after so many seconds, all models together, but not before each had one turn
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    time_limit: Option<u32>,
    /// Finds the best number of threads for each model, and measures nothing else
    #[arg(long)]
    advise_threads: bool,
}

pub(super) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    if global.model.is_empty() {
        return Err(UsageError::because("no model was named: add --model FILE.onnx, once for each model"));
    }
    if args.advise_threads {
        return advise(global, args);
    }
    let threads: Vec<usize> = global.threads.iter().map(|threads| usize::from(*threads)).collect();
    let rows = global.model.len() * threads.len().max(1) * global.provider.len();
    let usual = args.frames.is_none().then(|| TIME_A_ROW * u32::try_from(rows).unwrap_or(1));
    let plan = Plan {
        models: global.model.clone(),
        threads: if threads.is_empty() { vec![default_threads()] } else { threads },
        providers: global.provider.clone(),
        overrides: global.overrides(),
        thresholds: global.thresholds(),
        source: args.source.clone(),
        images: benchmark::frames_in_memory_by(&args.source, global.camera_backend)?,
        frames: args.frames.unwrap_or(FRAMES) as usize,
        time_limit: args.time_limit.map(|seconds| Duration::from_secs(seconds.into())).or(usual),
        trial: start::trial(),
        memory: std::env::current_exe().ok().map(MemoryProbe::new),
        command: command_line(),
    };
    let bar = Bar::new();
    let benchmark = benchmark::run(&plan, &mut |progress| bar.show(progress))?;
    bar.0.finish_and_clear();
    match global.format {
        OutputFormat::Json => print(&(serde_json::to_string(&benchmark)? + "\n")),
        OutputFormat::Text => print(&table::table(&benchmark)),
    }
}

fn advise(global: &Global, args: &Args) -> anyhow::Result<()> {
    let (images, trial, bar) = (frames_in_memory(&args.source)?, start::trial(), Bar::new());
    let machine = MachineInfo::read();
    let mut found: Vec<ThreadAdvice> = Vec::new();
    for path in &global.model {
        let request = AdviceRequest {
            path: path.clone(),
            overrides: global.overrides(),
            thresholds: global.thresholds(),
            images: images.clone(),
            trial: trial.clone(),
            most: machine.logical_cores,
            time: args.time_limit.map_or(ADVICE_TIME, |seconds| Duration::from_secs(seconds.into())),
        };
        found.extend(advise_threads(&request, &mut |progress| bar.show(progress))?);
    }
    bar.0.finish_and_clear();
    match global.format {
        OutputFormat::Json => print(&format!("{}\n", serde_json::json!({ "machine": machine, "advice": found }))),
        OutputFormat::Text => print(&table::advice(&machine, &found)),
    }
}

/// The command line that was given, so that it can be repeated.
fn command_line() -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    let quoted = |text: String| match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    };
    let rest = std::env::args_os().skip(1).map(|argument| quoted(argument.to_string_lossy().into_owned()));
    std::iter::once("quantscope".to_owned()).chain(rest).collect::<Vec<String>>().join(" ")
}

struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(1);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}, {eta} left") {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn show(&self, progress: Progress) -> ControlFlow<()> {
        let words = match progress.stage {
            Stage::Loading => "loading".to_owned(),
            Stage::Trying(threads) => format!("trying {threads} threads"),
            Stage::Measuring => "measuring".to_owned(),
            Stage::Memory => "memory".to_owned(),
        };
        self.0.set_length(progress.of as u64);
        self.0.set_position(progress.done as u64);
        self.0.set_message(words);
        ControlFlow::Continue(())
    }
}
