//! Loads models beside the running ones, each on a thread of its own.

use super::thread::NamedThread;
use super::{Event, LaneId};
use crate::inference::tuning::{self, Share, TunedBy};
use crate::inference::{Detector, LoadOptions, LoadStage, SessionOptions, trial::Trial};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A model that is ready, or the reason why it is not.
pub(super) struct Loaded {
    pub number: LoadNumber,
    pub path: PathBuf,
    pub outcome: Result<Box<Detector>, String>,
}

/// Where a loaded model goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Berth {
    /// Into a lane.
    Lane(LaneId),
    /// Behind lane B, warm.
    Ready,
}

impl Berth {
    pub const ALL: [Self; 3] = [Self::Lane(LaneId::A), Self::Lane(LaneId::B), Self::Ready];

    /// The lane that the model runs in, or will.
    pub const fn lane(self) -> LaneId {
        match self {
            Self::Lane(lane) => lane,
            Self::Ready => LaneId::B,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Lane(lane) => lane.index(),
            Self::Ready => 2,
        }
    }
}

/// Counts the loads of a run, so that a load that was overtaken by a later one is known as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LoadNumber(pub u64);

/// Starts loads and hands over their outcomes.
pub(super) struct Loader {
    trial: Option<Trial>,
    outcomes: (Sender<Loaded>, Receiver<Loaded>),
    running: Vec<NamedThread>,
    last_number: u64,
    /// Number of the newest load of each place, 0 for none; older ones keep silent.
    newest: Arc<[AtomicU64; 3]>,
}

impl Loader {
    /// `trial` tries a model in a process of its own first; None skips that.
    pub fn new(trial: Option<Trial>) -> Self {
        Self { trial, outcomes: bounded(4), running: Vec::new(), last_number: 0, newest: Arc::default() }
    }

    /// Where finished loads arrive.
    pub fn outcomes(&self) -> &Receiver<Loaded> {
        &self.outcomes.1
    }

    /// What is being loaded for `berth` is not wanted any more.
    pub fn forget(&self, berth: Berth) {
        self.newest[berth.index()].store(0, Ordering::Relaxed);
    }

    /// What is being loaded for one of two places goes to the other.
    pub fn exchange(&self, one: Berth, other: Berth) {
        let [one, other] = [one, other].map(|berth| &self.newest[berth.index()]);
        other.store(one.swap(other.load(Ordering::Relaxed), Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Begins to load `path` for `berth`, telling how far it is where that is a lane. Where there is a `share`, it runs as was
    /// measured before, if it was.
    pub fn start(
        &mut self,
        berth: Berth,
        path: &Path,
        (mut options, share): (LoadOptions, Option<Share>),
        tell: impl Fn(Event) + Send + 'static,
    ) -> std::io::Result<LoadNumber> {
        self.running.retain(|thread| !thread.is_finished());
        self.last_number += 1;
        let number = LoadNumber(self.last_number);
        self.newest[berth.index()].store(number.0, Ordering::Relaxed);
        let newest = Arc::clone(&self.newest);
        let (trial, outcomes, path) = (self.trial.clone(), self.outcomes.0.clone(), path.to_owned());
        let thread = NamedThread::spawn("load-model", move || {
            let mut progress = |stage: LoadStage| {
                let is_for = |berth: &Berth| newest[berth.index()].load(Ordering::Relaxed) == number.0;
                if let Some(Berth::Lane(lane)) = Berth::ALL.into_iter().find(is_for) {
                    tell(Event::ModelLoading { lane, path: path.clone(), stage });
                }
            };
            let recalled = share.and_then(|share| tuning::recall(&path, share, options.session.accelerate));
            if let Some((best, measured)) = recalled.and_then(|measured| Some((measured.best()?, measured))) {
                let tuned_by = TunedBy::Measuring(measured);
                options.session = SessionOptions { tuned_by, ..options.session.tuned(best) };
            }
            let load = || Detector::load(&path, &options, trial.as_ref(), &mut progress);
            let outcome = match catch_unwind(AssertUnwindSafe(load)) {
                Ok(outcome) => outcome.map(Box::new).map_err(|error| error.to_string()),
                Err(_) => {
                    Err(format!("{}: loading it broke off inside the runtime; the file may be damaged", path.display()))
                }
            };
            let _ = outcomes.send(Loaded { number, path: path.clone(), outcome });
        })?;
        self.running.push(thread);
        Ok(number)
    }
}
