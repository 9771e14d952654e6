//! The command line: one file a subcommand. JSON goes to stdout, everything else to stderr; exit code 0 is done,
//! 1 is failed with one line saying what and what to do, 2 is wrong usage.

mod arguments;
mod bench;
mod cameras;
mod capture;
mod dataset;
mod detect;
mod eval;
mod eval_table;
mod headless;
mod headless_record;
mod inspect;
mod measure_memory;
mod models;
mod output;
mod quantize;
mod scene;
mod start;
mod tap;
mod try_model;
mod window;

use arguments::{Arguments, Subcommand};
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

/// Parses the arguments and runs what they ask for.
pub fn main() -> ExitCode {
    let started_at = Instant::now();
    let arguments = Arguments::parse();
    crate::runtime::keep_few_heaps();
    let tapped = start::set_up_logging(arguments.global.verbose);
    match run(arguments, started_at, &tapped) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if output::reader_is_gone(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`, which panics where stderr cannot be written either.
            let _ = writeln!(std::io::stderr(), "error: {}", start::one_line(&error));
            if error.is::<start::UsageError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

fn run(arguments: Arguments, started_at: Instant, tapped: &tap::Tapped) -> anyhow::Result<()> {
    let global = arguments.global;
    if !matches!(arguments.command, Some(Subcommand::Bench(_))) {
        global.refuse_lists()?;
    }
    if arguments.command.is_some() {
        global.refuse_measured_threads()?;
    }
    match arguments.command {
        None => window::run(&global, &arguments.window, started_at, tapped),
        Some(Subcommand::Detect(args)) => detect::run(&global, &args),
        Some(Subcommand::Eval(args)) => eval::run(&global, &args),
        Some(Subcommand::Dataset(args)) => dataset::run(&args, global.format),
        Some(Subcommand::Capture(args)) => capture::run(&global, &args),
        Some(Subcommand::Bench(args)) => bench::run(&global, &args),
        Some(Subcommand::Quantize(args)) => quantize::run(&global, &args),
        Some(Subcommand::Inspect(args)) => inspect::run(&global, &args),
        Some(Subcommand::Models(args)) => models::run(&args, global.format),
        Some(Subcommand::Cameras(args)) => cameras::run(&global, &args),
        Some(Subcommand::Scene(args)) => scene::run(&args),
        Some(Subcommand::MeasureMemory(args)) => measure_memory::run(&global, &args),
        Some(Subcommand::TryModel(args)) => try_model::run(&global, &args),
    }
}
