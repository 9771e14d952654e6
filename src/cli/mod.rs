//! The command line: one file a subcommand.

mod scene;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Shows, live, what quantization does to an object detector.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Scene(scene::Args),
}

/// Parses the arguments and runs what they ask for.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Some(Command::Scene(args)) => scene::run(args),
        None => {
            eprintln!("no subcommand given: see quantscope --help");
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line: the whole chain, joined by ": ".
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
