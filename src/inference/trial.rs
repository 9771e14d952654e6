//! Trying a model in a process of its own before it is loaded here, so that a model which crashes ONNX Runtime, hangs it
//! or eats all memory costs one process and not the window.
//!
//! Nothing that a model says makes the process open a library: ONNX Runtime loads custom operators only from paths that
//! its caller registers, and this program registers none. Weights in other files are confined to the model's folder by
//! [`crate::onnx::read`] before the process is started.

use super::{CardSource, LoadOptions};
use crate::onnx::{Executed, Summary};
use crate::runtime;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wait_timeout::ChildExt;

/// Time that any model may take to load and to run once; small files are refused after this long.
const TIME_BASE: Duration = Duration::from_secs(4);
/// A second more for each so many bytes: a model that is large has much to compute. That is ten times what a small
/// computer (a Raspberry Pi 4) needs for usual detectors.
const BYTES_A_SECOND: u64 = 2 << 20;
/// No model may take longer than this.
const TIME_MAX: Duration = Duration::from_secs(120);
/// Where others keep the processor busy the process may take so many times as long.
const BUSY_FACTOR: u32 = 3;
/// A process that got this share of its time from the processor was not kept waiting by others.
const WORKED_SHARE: f32 = 0.8;
/// How often it is looked whether the process, late as it is, was kept waiting.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Address space that any model may use.
const MEMORY_BASE: u64 = 3 << 30;
/// The same, for each byte of the file: weights are copied and packed, and large models hold large tensors.
const MEMORY_PER_BYTE: u64 = 24;
/// No model may use more than this.
const MEMORY_MAX: u64 = 8 << 30;
/// What the program itself needs; less makes no sense on any computer.
const MEMORY_MIN: u64 = 2 << 30;

/// Of what the process says, the end that is kept.
const MESSAGE_BYTES: usize = 4096;
/// What it writes to its output once the model has run.
pub const PASSED: &str = "passed";

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
    /// The process asked for more memory than it may have.
    #[error(
        "{path}: the model needs more memory than the {limit_gib} GiB that it may have; it is not loaded. Export it \
         with a smaller input"
    )]
    Memory {
        /// The model.
        path: PathBuf,
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
    /// Whoever waited for it thought better of it.
    #[error("{path}: the trial was stopped")]
    Stopped {
        /// The model.
        path: PathBuf,
    },
    /// There was no process.
    #[error("the process that tries models does not start: {0}. Reinstall the program")]
    NoProcess(#[from] std::io::Error),
}

/// How models are tried: by this program, with the hidden subcommand `try-model`.
#[derive(Clone, Debug)]
pub struct Trial {
    program: PathBuf,
    limits: Option<Limits>,
    stop: Option<Arc<AtomicBool>>,
}

/// What a model may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time to load and to run once, on a machine that does nothing else.
    pub time: Duration,
    /// Address space.
    pub memory_bytes: u64,
}

impl Limits {
    /// Limits for a model of so many bytes on a computer with so much memory. A small file has to be quick, so that one
    /// that never ends is refused within seconds.
    pub fn for_model(bytes: u64, memory: Option<u64>) -> Self {
        let time = (TIME_BASE + Duration::from_secs(bytes / BYTES_A_SECOND)).min(TIME_MAX);
        let fair = MEMORY_BASE.saturating_add(bytes.saturating_mul(MEMORY_PER_BYTE)).min(MEMORY_MAX);
        // Some is left for the program and the models that run already.
        let there = memory.map_or(MEMORY_MAX, |memory| memory / 4 * 3);
        Self { time, memory_bytes: fair.min(there).max(MEMORY_MIN) }
    }
}

/// A model that is to be tried.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The file.
    pub path: &'a Path,
    /// Its size, with its external data.
    pub bytes: u64,
    /// Whether to look what ONNX Runtime's optimizer makes of it.
    pub look_inside: bool,
}

impl<'a> Subject<'a> {
    /// From what the file says of itself.
    pub fn new(path: &'a Path, summary: &Summary) -> Self {
        let look_inside = summary.quantization.is_worth_a_look() && summary.bytes <= Executed::MODEL_BYTES_MAX;
        Self { path, bytes: summary.bytes, look_inside }
    }
}

impl Trial {
    /// Trials by the quantscope binary at `program`, with limits that suit each model.
    pub fn new(program: PathBuf) -> Self {
        Self { program, limits: None, stop: None }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, time: Duration, memory_bytes: u64) -> Self {
        Self { limits: Some(Limits { time, memory_bytes }), ..self }
    }

    /// The same, whose process is ended soon after this becomes true.
    #[must_use]
    pub fn stopped_by(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop: Some(stop), ..self }
    }

    fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::SeqCst))
    }

    /// Loads a model and runs it once, in a process of its own. Returns what runs in integers, where that was asked for
    /// and could be found out.
    ///
    /// # Errors
    ///
    /// When the model is refused, crashes the process, or exceeds a limit, or the trial is stopped.
    pub fn run(&self, subject: &Subject<'_>, options: &LoadOptions) -> Result<Option<Executed>, TrialError> {
        let limits = self.limits.unwrap_or_else(|| Limits::for_model(subject.bytes, runtime::memory_bytes()));
        let (mut said, mut answered) = (tempfile::tempfile()?, tempfile::tempfile()?);
        // Here, and not in the process, so that it goes even where the process is ended.
        let folder = if subject.look_inside { tempfile::tempdir().ok() } else { None };
        let given = card_file(options)?;
        let card = match &options.overrides.card {
            Some(CardSource::File(file)) => Some(file.as_path()),
            _ => given.as_deref(),
        };
        let mut command = self.command(subject.path, card, options, &limits);
        if let Some(folder) = &folder {
            command.arg("--optimized").arg(folder.path().join("optimized.onnx"));
        }
        command.arg("--").arg(subject.path);
        command.stdin(Stdio::null()).stdout(answered.try_clone()?).stderr(said.try_clone()?);
        let status = self.wait(&mut command.spawn()?, &limits)?;
        if self.is_stopped() {
            return Err(TrialError::Stopped { path: subject.path.to_owned() });
        }
        let answer = tail_of(&mut answered)?;
        let mut lines = answer.lines();
        // What comes after the run is no longer about whether the model can be used.
        if lines.next() == Some(PASSED) || status.is_some_and(|status| status.success()) {
            return Ok(lines.next().and_then(|line| serde_json::from_str(line).ok()));
        }
        let Some(status) = status else {
            return Err(TrialError::TimedOut { path: subject.path.to_owned(), seconds: limits.time.as_secs() });
        };
        Err(failure(subject.path, &limits, status, &tail_of(&mut said)?))
    }

    fn command(&self, path: &Path, card: Option<&Path>, options: &LoadOptions, limits: &Limits) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("try-model").arg("--parent").arg(std::process::id().to_string());
        command.arg("--memory-limit").arg(limits.memory_bytes.to_string());
        // Of all threads together; whoever waits ends it before.
        let threads = u32::try_from(options.session.threads).unwrap_or(1).max(1);
        let processor = limits.time * BUSY_FACTOR * threads + TIME_BASE;
        command.arg("--time-limit").arg(processor.as_secs().to_string());
        command.arg("--threads").arg(options.session.threads.to_string());
        for (flag, file) in [("--card", card), ("--labels", options.overrides.labels.as_deref())] {
            if let Some(file) = file {
                command.arg(flag).arg(file);
            }
        }
        tracing::debug!("{} is tried within {limits:?}", path.display());
        command.env_remove("RUST_LOG").env("RUST_BACKTRACE", "0");
        command
    }

    /// Waits for the end of a process; ends it when its time is up or it is stopped, and returns None.
    fn wait(&self, child: &mut Child, limits: &Limits) -> std::io::Result<Option<ExitStatus>> {
        let begin = Instant::now();
        loop {
            let left = limits.time.saturating_sub(begin.elapsed());
            let patience = if self.stop.is_some() || left.is_zero() { LOOK_AGAIN } else { left };
            if let Some(status) = child.wait_timeout(patience)? {
                return Ok(Some(status));
            }
            if self.is_stopped() || Self::is_too_late(child, limits, begin) {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
        }
    }

    /// Whether it had its time, and was not kept from the processor meanwhile.
    fn is_too_late(child: &Child, limits: &Limits, begin: Instant) -> bool {
        if begin.elapsed() < limits.time {
            return false;
        }
        let worked = runtime::processor_time_of(child.id()).unwrap_or(limits.time);
        worked >= limits.time.mul_f32(WORKED_SHARE) || begin.elapsed() >= limits.time * BUSY_FACTOR
    }
}

fn failure(path: &Path, limits: &Limits, status: ExitStatus, said: &str) -> TrialError {
    let path = path.to_owned();
    let limit_gib = limits.memory_bytes >> 30;
    if ended_by_time_limit(status) {
        return TrialError::TimedOut { path, seconds: limits.time.as_secs() };
    }
    // How Rust and C++ say that there is no memory before they abort.
    if status.code().is_none() && (said.contains("memory allocation of ") || said.contains("bad_alloc")) {
        return TrialError::Memory { path, limit_gib };
    }
    match said.lines().rev().find_map(|line| line.strip_prefix("error: ")) {
        Some(reason) if status.code() == Some(1) => TrialError::Refused(reason.to_owned()),
        _ => TrialError::Crashed { path, how: status.to_string(), limit_gib },
    }
}

#[cfg(unix)]
fn ended_by_time_limit(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    const SIGXCPU: i32 = 24;
    status.signal() == Some(SIGXCPU)
}

#[cfg(not(unix))]
fn ended_by_time_limit(_: ExitStatus) -> bool {
    false
}

/// A card that is no file, as one, for a process of its own; it goes with the returned path.
///
/// # Errors
///
/// When the temporary file cannot be written.
pub fn card_file(options: &LoadOptions) -> std::io::Result<Option<tempfile::TempPath>> {
    let Some(CardSource::Given(card)) = &options.overrides.card else { return Ok(None) };
    let mut file = tempfile::Builder::new().prefix("quantscope-card-").suffix(".toml").tempfile()?;
    file.write_all(card.to_toml().as_bytes())?;
    Ok(Some(file.into_temp_path()))
}

fn tail_of(file: &mut File) -> std::io::Result<String> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(MESSAGE_BYTES as u64)))?;
    let mut bytes = Vec::with_capacity(MESSAGE_BYTES);
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_have_seconds_and_large_ones_minutes() {
        let time = |bytes| Limits::for_model(bytes, None).time.as_secs();
        assert_eq!([time(0), time(1 << 20), time(4 << 20), time(100 << 20), time(u64::MAX)], [4, 4, 6, 54, 120]);
        let gib =
            |bytes, memory: Option<u64>| Limits::for_model(bytes, memory).memory_bytes as f64 / f64::from(1 << 30);
        assert_eq!(gib(0, None), 3.0);
        assert_eq!(gib(u64::MAX, None), 8.0);
        assert_eq!(gib(1 << 30, Some(8 << 30)), 6.0);
        assert_eq!(gib(0, Some(1 << 30)), 2.0, "less than the program itself needs makes no sense");
    }
}
