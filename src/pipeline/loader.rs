//! Loads models beside the running ones, each on a thread of its own.

use super::thread::NamedThread;
use super::{Event, LaneId};
use crate::inference::{Detector, LoadOptions, LoadStage, trial::Trial};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// A model that is ready, or the reason why it is not.
pub(super) struct Loaded {
    pub lane: LaneId,
    pub number: LoadNumber,
    pub path: PathBuf,
    pub outcome: Result<Detector, String>,
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
}

impl Loader {
    /// `trial` tries a model in a process of its own first; None skips that.
    pub fn new(trial: Option<Trial>) -> Self {
        Self { trial, outcomes: bounded(4), running: Vec::new(), last_number: 0 }
    }

    /// Where finished loads arrive.
    pub fn outcomes(&self) -> &Receiver<Loaded> {
        &self.outcomes.1
    }

    /// Begins to load `path` for `lane`, telling how far it is.
    pub fn start(
        &mut self,
        lane: LaneId,
        path: &Path,
        options: LoadOptions,
        tell: impl Fn(Event) + Send + 'static,
    ) -> std::io::Result<LoadNumber> {
        self.running.retain(|thread| !thread.is_finished());
        self.last_number += 1;
        let number = LoadNumber(self.last_number);
        let (trial, outcomes, path) = (self.trial.clone(), self.outcomes.0.clone(), path.to_owned());
        let thread = NamedThread::spawn("load-model", move || {
            let mut progress = |stage: LoadStage| tell(Event::ModelLoading { lane, path: path.clone(), stage });
            let load = || Detector::load(&path, &options, trial.as_ref(), &mut progress);
            let outcome = match catch_unwind(AssertUnwindSafe(load)) {
                Ok(outcome) => outcome.map_err(|error| error.to_string()),
                Err(_) => {
                    Err(format!("{}: loading it broke off inside the runtime; the file may be damaged", path.display()))
                }
            };
            let _ = outcomes.send(Loaded { lane, number, path: path.clone(), outcome });
        })?;
        self.running.push(thread);
        Ok(number)
    }
}
