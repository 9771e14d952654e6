//! Running `ffmpeg` and `ffprobe`.

use super::target::Target;
use crate::capture::CaptureError;
use crossbeam_channel::bounded;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

/// Lines of a program's error output that are kept, and the length that each is cut to.
const TAIL_LINES: usize = 8;
const TAIL_LINE_BYTES: u64 = 400;
/// More than this is not read of a program's answer.
const MAX_ANSWER_BYTES: u64 = 4 << 20;

/// Where the two programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Decodes.
    pub ffmpeg: PathBuf,
    /// Tells what is in a file.
    pub ffprobe: PathBuf,
}

impl Default for Programs {
    /// Looked up in `PATH`.
    fn default() -> Self {
        Self { ffmpeg: "ffmpeg".into(), ffprobe: "ffprobe".into() }
    }
}

/// A running program with its error output collected. Dropping it kills the program and waits for its end, so that
/// no zombie is left.
#[derive(Debug)]
pub struct RunningProgram {
    child: Child,
    complaints: Option<JoinHandle<VecDeque<String>>>,
}

impl RunningProgram {
    /// Starts `program` with its output going into a pipe.
    ///
    /// # Errors
    ///
    /// When it is not installed or cannot be started.
    pub fn start(program: &Path, arguments: &[OsString], target: &Target) -> Result<Self, CaptureError> {
        let name = program.display().to_string();
        let source_name = target.display_name();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => {
                    CaptureError::FfmpegMissing { program: name.clone(), source_name: source_name.clone() }
                }
                _ => CaptureError::FfmpegNotStarted {
                    program: name.clone(),
                    source_name: source_name.clone(),
                    reason: error.to_string(),
                },
            })?;
        let stderr = child.stderr.take();
        let mut running = Self { child, complaints: None };
        let complaints = std::thread::Builder::new()
            .name("quantscope-ffmpeg-errors".to_owned())
            .spawn(move || stderr.map(last_lines).unwrap_or_default())
            .map_err(|error| CaptureError::NoThread { source_name, reason: error.to_string() })?;
        running.complaints = Some(complaints);
        Ok(running)
    }

    /// The pipe with its output, once.
    pub fn take_output(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end. None: it did well; else its last words.
    pub fn wait_for_failure(&mut self) -> Option<String> {
        let status = self.child.wait();
        let words = self.last_words();
        match status {
            Ok(status) if status.success() => None,
            Ok(status) if words.is_empty() => Some(format!("ffmpeg ended with {status}")),
            Ok(_) => Some(words),
            Err(error) => Some(error.to_string()),
        }
    }

    /// What it complained about last; call after its end. Empty when it did not, or when asked twice.
    pub fn last_words(&mut self) -> String {
        let lines = self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let parts: Vec<&str> = lines.iter().map(|line| without_prefix(line)).collect();
        parts.join("; ")
    }

    /// Kills it. Its pipes end, which wakes whoever reads them.
    pub fn kill(&mut self) {
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
    }
}

#[cfg(test)]
impl RunningProgram {
    /// The number of its process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for RunningProgram {
    fn drop(&mut self) {
        self.kill();
        let _words = self.last_words();
    }
}

/// Why a program gave no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// It could not be started.
    NotStarted(CaptureError),
    /// It ended with a failure; its last words.
    Failed(String),
    /// It was killed after the time allowed.
    TimedOut,
}

/// Runs a program to its end and gives what it wrote, within `limit`.
pub fn answer_of(
    program: &Path,
    arguments: &[OsString],
    target: &Target,
    limit: Duration,
) -> Result<Vec<u8>, NoAnswer> {
    let mut running = RunningProgram::start(program, arguments, target).map_err(NoAnswer::NotStarted)?;
    let output = running.take_output();
    let (sender, receiver) = bounded(1);
    let reader = std::thread::Builder::new()
        .name("quantscope-ffprobe".to_owned())
        .spawn(move || {
            let mut answer = Vec::new();
            if let Some(output) = output {
                // What was read before a failure is used: the exit status tells whether it is enough.
                let _ = output.take(MAX_ANSWER_BYTES).read_to_end(&mut answer);
            }
            let _caller_gone = sender.send(answer);
        })
        .map_err(|error| {
            let source_name = target.display_name();
            NoAnswer::NotStarted(CaptureError::NoThread { source_name, reason: error.to_string() })
        })?;
    let answer = receiver.recv_timeout(limit);
    if answer.is_err() {
        running.kill();
    }
    let _panicked = reader.join();
    match answer {
        Err(_) => Err(NoAnswer::TimedOut),
        Ok(answer) => match running.wait_for_failure() {
            None => Ok(answer),
            Some(words) => Err(NoAnswer::Failed(words)),
        },
    }
}

/// Reads to the end and keeps the last lines.
fn last_lines(stream: impl Read) -> VecDeque<String> {
    let mut reader = BufReader::new(stream);
    let mut lines = VecDeque::new();
    loop {
        let mut line = Vec::new();
        match reader.by_ref().take(TAIL_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return lines,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line).trim().to_owned();
                if !text.is_empty() && lines.back() != Some(&text) {
                    lines.push_back(text);
                }
                if lines.len() > TAIL_LINES {
                    lines.pop_front();
                }
            }
        }
    }
}

/// ffmpeg begins lines with `[mov,mp4 @ 0x55d0c0de] `, which tells people nothing.
fn without_prefix(line: &str) -> &str {
    match line.split_once("] ") {
        Some((prefix, rest)) if prefix.starts_with('[') && prefix.contains(" @ 0x") => rest,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept_and_long_ones_are_cut() {
        let text = (0..100).map(|n| format!("line {n}\n")).collect::<String>();
        let lines = last_lines(text.as_bytes());
        assert_eq!(lines.len(), TAIL_LINES);
        assert_eq!(lines.back().unwrap(), "line 99");
        let endless = vec![b'x'; 1 << 20];
        assert!(last_lines(&endless[..]).iter().map(String::len).sum::<usize>() <= TAIL_LINES * 400);
        assert_eq!(without_prefix("[mov,mp4 @ 0x55d0] moov atom not found"), "moov atom not found");
        assert_eq!(without_prefix("[1, 2] stays"), "[1, 2] stays");
    }

    #[test]
    fn a_program_that_hangs_is_killed_in_time() {
        let started = std::time::Instant::now();
        let target = Target::file(Path::new("x"));
        let answer = answer_of(Path::new("sleep"), &["60".into()], &target, Duration::from_millis(100));
        assert!(matches!(answer, Err(NoAnswer::TimedOut)), "{answer:?}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
