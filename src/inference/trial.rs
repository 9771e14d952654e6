//! Trying a model in a process of its own before it is loaded here, so that a model which crashes ONNX Runtime, hangs it
//! or eats all memory costs one process and not the window.

use super::{CardSource, LoadOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;
use wait_timeout::ChildExt;

/// Time that a model may take to load and to run once. Large detectors on small computers need tens of seconds.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// Address space that the process may use.
const MEMORY_LIMIT_BYTES: u64 = 8 << 30;
/// Of what the process says, the end that is kept.
const MESSAGE_BYTES: usize = 4096;

/// Why a model did not come through its trial.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The model was refused in words.
    #[error("{0}")]
    Refused(String),
    /// The process ended by a signal, or without a word.
    #[error(
        "{path}: the model made the inference process crash ({how}); it is not loaded. The file may be damaged, or \
             need more than {limit_gib} GiB of memory"
    )]
    Crashed {
        /// The model.
        path: PathBuf,
        /// Signal or exit code.
        how: String,
        /// Memory that was allowed.
        limit_gib: u64,
    },
    /// The process took too long and was ended.
    #[error(
        "{path}: the model did not load and run once within {seconds} s; it is not loaded. Try a smaller input size"
    )]
    TimedOut {
        /// The model.
        path: PathBuf,
        /// Time that was allowed.
        seconds: u64,
    },
    /// There was no process.
    #[error("the process that tries models does not start: {0}. Reinstall the program")]
    NoProcess(#[from] std::io::Error),
}

/// How models are tried: by this program, with the hidden subcommand `try-model`.
#[derive(Clone, Debug)]
pub struct Trial {
    program: PathBuf,
    time_limit: Duration,
    memory_limit_bytes: u64,
}

impl Trial {
    /// Trials by the quantscope binary at `program`.
    pub fn new(program: PathBuf) -> Self {
        Self { program, time_limit: TIME_LIMIT, memory_limit_bytes: MEMORY_LIMIT_BYTES }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, time_limit: Duration, memory_limit_bytes: u64) -> Self {
        Self { time_limit, memory_limit_bytes, ..self }
    }

    /// Loads the model at `path` and runs it once, in a process of its own.
    ///
    /// # Errors
    ///
    /// When the model is refused, crashes the process, or exceeds a limit.
    pub fn run(&self, path: &Path, options: &LoadOptions) -> Result<(), TrialError> {
        let mut said = tempfile::tempfile()?;
        let mut command = Command::new(&self.program);
        command.arg("try-model").arg("--memory-limit").arg(self.memory_limit_bytes.to_string());
        command.arg("--threads").arg(options.session.threads.to_string());
        let given = given_card(options)?;
        let card = match (&options.overrides.card, &given) {
            (Some(CardSource::File(file)), _) => Some(file.as_path()),
            (_, given) => given.as_deref(),
        };
        for (flag, file) in [("--card", card), ("--labels", options.overrides.labels.as_deref())] {
            if let Some(file) = file {
                command.arg(flag).arg(file);
            }
        }
        command.arg("--").arg(path);
        command.env_remove("RUST_LOG").env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said.try_clone()?);
        let mut child = command.spawn()?;
        let Some(status) = child.wait_timeout(self.time_limit)? else {
            child.kill()?;
            child.wait()?;
            return Err(TrialError::TimedOut { path: path.to_owned(), seconds: self.time_limit.as_secs() });
        };
        if status.success() {
            return Ok(());
        }
        Err(self.failure(path, status, &tail_of(&mut said)?))
    }

    fn failure(&self, path: &Path, status: ExitStatus, said: &str) -> TrialError {
        match said.lines().rev().find_map(|line| line.strip_prefix("error: ")) {
            Some(reason) if status.code() == Some(1) => TrialError::Refused(reason.to_owned()),
            _ => TrialError::Crashed {
                path: path.to_owned(),
                how: status.to_string(),
                limit_gib: self.memory_limit_bytes >> 30,
            },
        }
    }
}

/// A card that is no file, as one, until the trial is over.
fn given_card(options: &LoadOptions) -> std::io::Result<Option<tempfile::TempPath>> {
    let Some(CardSource::Given(card)) = &options.overrides.card else { return Ok(None) };
    let mut file = tempfile::Builder::new().prefix("quantscope-card-").suffix(".toml").tempfile()?;
    file.write_all(card.to_toml().as_bytes())?;
    Ok(Some(file.into_temp_path()))
}

fn tail_of(file: &mut std::fs::File) -> std::io::Result<String> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(MESSAGE_BYTES as u64)))?;
    let mut bytes = Vec::with_capacity(MESSAGE_BYTES);
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
