//! Measures, beside what runs, how many threads suit a model, and hands over a session that has them.
//!
//! One model at a time, on a thread of its own, and only while the picture runs: whatever pauses or loads breaks it off, and
//! it begins anew later.

use super::LaneId;
use super::lane::Generation;
use super::thread::NamedThread;
use crate::inference::LoadOptions;
use crate::inference::tuning::{RunClock, Settled, Share, Tuning, settle};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What came of it.
pub(super) struct Tuned {
    pub lane: LaneId,
    /// The model that was in the lane when it began.
    pub generation: Generation,
    pub share: Share,
    pub path: PathBuf,
    /// None where it was broken off or there is nothing to choose.
    pub outcome: Result<Option<Box<Settled>>, String>,
    /// Whether it was told to break off.
    pub broken_off: bool,
}

/// What is measured.
pub(super) struct Order {
    pub lane: LaneId,
    pub generation: Generation,
    pub share: Share,
    /// How it runs.
    pub runs: Tuning,
    pub path: PathBuf,
    pub options: LoadOptions,
}

pub(super) struct Tuner {
    outcomes: (Sender<Tuned>, Receiver<Tuned>),
    /// Set to break it off.
    stop: Arc<AtomicBool>,
    running: Option<NamedThread>,
}

impl Tuner {
    pub fn new() -> Self {
        Self { outcomes: bounded(2), stop: Arc::default(), running: None }
    }

    /// Where what came of it arrives.
    pub fn outcomes(&self) -> &Receiver<Tuned> {
        &self.outcomes.1
    }

    /// Whether something is measured, or its outcome waits to be taken.
    pub fn is_busy(&self) -> bool {
        self.running.as_ref().is_some_and(|thread| !thread.is_finished()) || !self.outcomes.1.is_empty()
    }

    /// Ends it after the run in hand.
    pub fn break_off(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Begins to measure.
    pub fn start(&mut self, order: Order, clock: Arc<dyn RunClock>) -> std::io::Result<()> {
        let stop = Arc::new(AtomicBool::new(false));
        self.stop = Arc::clone(&stop);
        let outcomes = self.outcomes.0.clone();
        let thread = NamedThread::spawn("tune-model", move || {
            let Order { lane, generation, share, runs, path, options } = order;
            let goes_on = || !stop.load(Ordering::Relaxed);
            let outcome = run(&path, &options, (share, runs), &*clock, &goes_on);
            let tuned = Tuned { lane, generation, share, path, outcome, broken_off: !goes_on() };
            let _ = outcomes.send(tuned);
        })?;
        self.running = Some(thread);
        Ok(())
    }
}

impl Drop for Tuner {
    fn drop(&mut self) {
        self.break_off();
    }
}

fn run(
    path: &Path,
    options: &LoadOptions,
    share_and_runs: (Share, Tuning),
    clock: &dyn RunClock,
    goes_on: &dyn Fn() -> bool,
) -> Result<Option<Box<Settled>>, String> {
    match catch_unwind(AssertUnwindSafe(|| settle(path, options, share_and_runs, clock, goes_on))) {
        Ok(settled) => settled.map(|settled| settled.map(Box::new)).map_err(|error| error.to_string()),
        Err(_) => Err(format!("{}: measuring its threads broke off inside the runtime", path.display())),
    }
}
