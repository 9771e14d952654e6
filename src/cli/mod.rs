//! The command line: one file a subcommand.

pub mod cameras;
pub mod output;

use clap::Parser;
use std::process::ExitCode;

/// Shows, live, what quantization does to an object detector.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {}

/// Parses the arguments and runs what they ask for.
pub fn main() -> ExitCode {
    let _arguments = Arguments::parse();
    ExitCode::SUCCESS
}
