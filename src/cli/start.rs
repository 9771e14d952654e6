//! What every subcommand needs at its start and end.

use super::tap::{Tapped, tap};
use crate::evaluate::Cancel;
use crate::inference::trial::Trial;
use crate::report::shell_line;
use anyhow::Context;
use std::io::IsTerminal;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Exit code of a program that a person stopped, as shells have it.
const STOPPED: i32 = 130;

/// The first time, what there is is kept; the second time the program ends at once.
pub(super) fn stop_on_ctrl_c(cancel: Cancel) -> anyhow::Result<()> {
    let stop = move || {
        if cancel.is_cancelled() {
            std::process::exit(STOPPED);
        }
        cancel.cancel();
    };
    ctrlc::set_handler(stop).context("Ctrl-C cannot be listened to")
}

/// Messages go to stderr: warnings, with `-v` what happens, with `-vv` everything of ours. `RUST_LOG` overrides.
/// Warnings and errors can also be read from what is returned, whatever is shown on stderr.
pub(super) fn set_up_logging(verbose: u8) -> Tapped {
    let level = match verbose {
        0 => "quantscope=warn,error",
        1 => "quantscope=info,warn",
        _ => "quantscope=debug,info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let colored = std::io::stderr().is_terminal();
    let stderr = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(colored)
        .without_time();
    let (tap, tapped) = tap();
    let _ = tracing_subscriber::registry().with(stderr.with_filter(filter)).with(tap).try_init();
    tapped
}

/// Options that fit each other badly, which only a subcommand can see: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}. See `quantscope --help`")]
pub(super) struct UsageError(String);

impl UsageError {
    pub fn because(reason: impl Into<String>) -> anyhow::Error {
        Self(reason.into()).into()
    }
}

/// An error and its causes in one line.
pub(super) fn one_line(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // Some errors repeat their cause in their own text.
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text
}

/// Tries models in a process of this same program; None (with a warning) where the program cannot find itself.
pub(super) fn trial() -> Option<Trial> {
    match std::env::current_exe() {
        Ok(program) => Some(Trial::new(program)),
        Err(error) => {
            tracing::warn!("models are loaded without trying them in a process of their own first: {error}");
            None
        }
    }
}

/// The command line that was given, so that it can be repeated.
pub(super) fn command_line() -> String {
    let rest = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    shell_line(std::iter::once("quantscope".to_owned()).chain(rest))
}
