//! A program that is fed through a pipe, and ended when it takes nothing any more: a write would wait for ever, and with
//! it the recording.

use super::error::RecordError;
use crate::capture::RunningProgram;
use crate::pipeline::thread::NamedThread;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::io::Write;
use std::process::ChildStdin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A program, its input, and the thread that watches over it.
#[derive(Debug)]
pub struct WatchedProgram {
    // Dropped first: its loss ends the thread, which then holds nothing of the program any more.
    _stop: Sender<()>,
    _thread: NamedThread,
    watched: Arc<Watched>,
    /// None once it is closed.
    input: Option<ChildStdin>,
}

/// What both sides know.
#[derive(Debug)]
struct Watched {
    program: Mutex<RunningProgram>,
    /// When the write began that goes on now.
    writing_since: Mutex<Option<Instant>>,
    patience: Duration,
    killed: AtomicBool,
}

impl WatchedProgram {
    /// Watches a program that was started with its input coming out of a pipe. It is killed when it takes longer than
    /// `patience` to take a picture.
    pub fn new(mut program: RunningProgram, patience: Duration) -> Result<Self, RecordError> {
        let input = program.take_input();
        let (stop, stopped) = bounded(0);
        let watched = Arc::new(Watched {
            program: Mutex::new(program),
            writing_since: Mutex::new(None),
            patience,
            killed: AtomicBool::new(false),
        });
        let watching = Arc::clone(&watched);
        let thread = NamedThread::spawn("record-watch", move || watching.watch(&stopped));
        let thread = thread.map_err(|error| RecordError::NoThread { reason: error.to_string() })?;
        Ok(Self { _stop: stop, _thread: thread, watched, input })
    }

    /// Gives it a picture. None: it took all of it, or nothing is to be given any more; else why it did not.
    pub fn feed(&mut self, picture: &[u8], close_limit: Duration) -> Option<String> {
        let input = self.input.as_mut()?;
        *lock(&self.watched.writing_since) = Some(Instant::now());
        let written = input.write_all(picture);
        *lock(&self.watched.writing_since) = None;
        let error = written.err()?;
        // It has ended, and says why.
        Some(self.close(close_limit).unwrap_or_else(|| error.to_string()))
    }

    /// Closes its input and waits for its end, so long at most. None: it did well; else its last words.
    pub fn close(&mut self, limit: Duration) -> Option<String> {
        self.input = None;
        let words = lock(&self.watched.program).wait_for_failure_within(limit);
        if self.watched.killed.load(Ordering::Acquire) {
            let seconds = self.watched.patience.as_secs_f32();
            return Some(format!("ffmpeg took no picture for {seconds} s and was ended"));
        }
        words
    }
}

impl Watched {
    fn watch(&self, stopped: &Receiver<()>) {
        // Often enough that the patience is kept, seldom enough to cost nothing.
        while stopped.recv_timeout(self.patience / 8) == Err(RecvTimeoutError::Timeout) {
            let since = *lock(&self.writing_since);
            if since.is_some_and(|since| since.elapsed() >= self.patience) {
                self.killed.store(true, Ordering::Release);
                return lock(&self.program).kill();
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Input;
    use std::path::Path;

    const LIMIT: Duration = Duration::from_secs(5);

    fn start(program: &str, argument: &str, patience: Duration) -> WatchedProgram {
        let program = RunningProgram::start(Path::new(program), &[argument.into()], Input::Pipe).unwrap();
        WatchedProgram::new(program, patience).unwrap()
    }

    #[test]
    fn a_program_that_takes_nothing_is_ended_and_named_as_such() {
        let begin = Instant::now();
        let mut program = start("sleep", "60", Duration::from_millis(300));
        // More than any pipe holds.
        let words = program.feed(&vec![0; 4 << 20], LIMIT).unwrap();
        assert!(words.contains("took no picture for 0.3 s"), "{words}");
        assert!((Duration::from_millis(300)..LIMIT).contains(&begin.elapsed()), "{:?}", begin.elapsed());
        assert_eq!(program.feed(&[0], LIMIT), None, "nothing is given to it any more");
    }

    #[test]
    fn a_slow_program_is_waited_for_as_long_as_it_takes_something() {
        // A second in all, never longer than a fifth of one without taking anything.
        let patience = Duration::from_millis(900);
        let script = "import sys, time\nwhile sys.stdin.buffer.read(1 << 17): time.sleep(0.1)";
        let program = RunningProgram::start(Path::new("python3"), &["-c".into(), script.into()], Input::Pipe);
        let Ok(program) = program else {
            println!("skipped: there is no python3");
            return;
        };
        let mut program = WatchedProgram::new(program, patience).unwrap();
        for _ in 0..10 {
            assert_eq!(program.feed(&vec![0; 1 << 17], LIMIT), None);
        }
        assert_eq!(program.close(LIMIT), None);
    }

    #[test]
    fn dropping_it_ends_the_program_at_once() {
        let begin = Instant::now();
        drop(start("sleep", "60", Duration::from_secs(10)));
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    }
}
