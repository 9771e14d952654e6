//! Running `ffmpeg` and `ffprobe`: for sources, and for whoever writes videos.

use crossbeam_channel::bounded;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;
use wait_timeout::ChildExt;

/// Lines of a program's error output that are kept, and the length that each is cut to.
const TAIL_LINES: usize = 8;
const TAIL_LINE_BYTES: u64 = 400;
/// More than this is not read of a program's answer.
const MAX_ANSWER_BYTES: u64 = 4 << 20;

/// Where the two programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// Decodes and encodes.
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

/// Why a program does not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// It is not installed.
    #[error("{program} was not found. Install it: sudo apt install ffmpeg")]
    Missing {
        /// The program that was looked for.
        program: String,
    },
    /// It is there but could not be run.
    #[error("{program} could not be started ({reason}). Check that it runs in a terminal")]
    NotStarted {
        /// The program.
        program: String,
        /// The system's words.
        reason: String,
    },
    /// The system would not give a thread to listen to it.
    #[error(
        "{program} cannot be listened to: the system has no thread left ({reason}). Close other programs and retry"
    )]
    NoThread {
        /// The program.
        program: String,
        /// The system's words.
        reason: String,
    },
}

/// What a program is given to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Nothing.
    Nothing,
    /// What is written to [`RunningProgram::take_input`]. Its output is not read then.
    Pipe,
}

/// A running program with its error output collected. Dropping it kills the program and waits for its end, so that
/// no zombie is left.
#[derive(Debug)]
pub struct RunningProgram {
    child: Child,
    complaints: Option<JoinHandle<VecDeque<String>>>,
}

impl RunningProgram {
    /// Starts `program` with its output going into a pipe, or with its input coming out of one.
    ///
    /// # Errors
    ///
    /// When it is not installed or cannot be started.
    pub fn start(program: &Path, arguments: &[OsString], input: Input) -> Result<Self, ProgramError> {
        let name = program.display().to_string();
        let (stdin, stdout) = match input {
            Input::Nothing => (Stdio::null(), Stdio::piped()),
            Input::Pipe => (Stdio::piped(), Stdio::null()),
        };
        let command = Command::new(program).args(arguments).stdin(stdin).stdout(stdout).stderr(Stdio::piped()).spawn();
        let mut child = command.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ProgramError::Missing { program: name.clone() },
            _ => ProgramError::NotStarted { program: name.clone(), reason: error.to_string() },
        })?;
        let stderr = child.stderr.take();
        let mut running = Self { child, complaints: None };
        let complaints = std::thread::Builder::new()
            .name("quantscope-ffmpeg-errors".to_owned())
            .spawn(move || stderr.map(last_lines).unwrap_or_default())
            .map_err(|error| ProgramError::NoThread { program: name, reason: error.to_string() })?;
        running.complaints = Some(complaints);
        Ok(running)
    }

    /// The pipe with its input, once. It ends for the program when this is dropped.
    pub fn take_input(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The pipe with its output, once.
    pub fn take_output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end. None: it did well; else its last words.
    pub fn wait_for_failure(&mut self) -> Option<String> {
        let status = self.child.wait();
        self.failure(status)
    }

    /// The same for a program that is about to end. One that has not after `limit` is killed.
    pub fn wait_for_failure_within(&mut self, limit: Duration) -> Option<String> {
        match self.child.wait_timeout(limit) {
            Ok(Some(status)) => self.failure(Ok(status)),
            Ok(None) => {
                self.kill();
                Some(format!("ffmpeg did not end within {} s and was killed", limit.as_secs()))
            }
            Err(error) => Some(error.to_string()),
        }
    }

    fn failure(&mut self, status: std::io::Result<ExitStatus>) -> Option<String> {
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

    /// The number of its process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it. Its pipes end, which wakes whoever reads them.
    pub fn kill(&mut self) {
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
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
    NotStarted(ProgramError),
    /// It ended with a failure; its last words.
    Failed(String),
    /// It was killed after the time allowed.
    TimedOut,
}

/// Runs a program to its end and gives what it wrote, within `limit`.
pub fn answer_of(program: &Path, arguments: &[OsString], limit: Duration) -> Result<Vec<u8>, NoAnswer> {
    let mut running = RunningProgram::start(program, arguments, Input::Nothing).map_err(NoAnswer::NotStarted)?;
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
            let program = program.display().to_string();
            NoAnswer::NotStarted(ProgramError::NoThread { program, reason: error.to_string() })
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
    use std::io::Write;

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
        let answer = answer_of(Path::new("sleep"), &["60".into()], Duration::from_millis(100));
        assert!(matches!(answer, Err(NoAnswer::TimedOut)), "{answer:?}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn what_is_piped_in_arrives_and_the_end_is_waited_for() {
        let mut running = RunningProgram::start(Path::new("grep"), &["-q".into(), "word".into()], Input::Pipe).unwrap();
        let mut input = running.take_input().unwrap();
        input.write_all(b"a word\n").unwrap();
        drop(input);
        assert_eq!(running.wait_for_failure_within(Duration::from_secs(5)), None);
        let mut running = RunningProgram::start(Path::new("sleep"), &["60".into()], Input::Pipe).unwrap();
        let failure = running.wait_for_failure_within(Duration::from_millis(10)).unwrap();
        assert!(failure.contains("was killed"), "{failure}");
    }
}
