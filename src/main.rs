//! Parses, dispatches, prints the error chain, sets the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    quantscope::cli::main()
}
