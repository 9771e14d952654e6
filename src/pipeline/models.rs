//! Which model is where: loading beside what runs, putting it in place, exchanging two.

use super::conductor::Conductor;
use super::lane::{Generation, Lane};
use super::loader::{Berth, LoadNumber, Loaded};
use super::{Event, LaneId};
use crate::inference::tuning::{RunClock, TunedBy};
use crate::inference::{LoadOptions, ModelInfo, ModelOverrides, SessionOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// A model's file, and what the user gave with it.
pub(super) type Origin = (PathBuf, ModelOverrides);

/// A load that is under way.
struct Pending {
    number: LoadNumber,
    origin: Origin,
}

/// A place for a model.
#[derive(Default)]
pub(super) struct Place {
    pub lane: Option<Lane>,
    loading: Option<Pending>,
    /// What the lane was loaded from, to load it again when it is to run otherwise.
    origin: Option<Origin>,
    /// When the inference in hand began.
    pub started_at: Option<Instant>,
    /// The last failure told, so that it is not told thirty times a second.
    pub last_failure: Option<String>,
}

impl Place {
    pub fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    /// What the lane was loaded from.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// What is being loaded, else what runs.
    fn wanted(&self) -> Option<&Origin> {
        self.loading.as_ref().map(|pending| &pending.origin).or(self.origin.as_ref())
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl Conductor {
    pub(super) fn set_threads(&mut self, threads: usize) {
        self.threads = threads.max(1);
        self.threads_of.clear();
        self.tunings.set_clock(None);
        self.load_all_again();
    }

    pub(super) fn measure_threads(&mut self, clock: Arc<dyn RunClock>) {
        self.threads_of.clear();
        self.tunings.set_clock(Some(clock));
        self.load_all_again();
    }

    pub(super) fn set_accelerate(&mut self, accelerate: bool) {
        self.accelerate = accelerate;
        self.load_all_again();
    }

    fn load_all_again(&mut self) {
        for berth in Berth::ALL {
            if let Some((path, overrides)) = self.place(berth).wanted().cloned() {
                self.load(berth, path, overrides);
            }
        }
    }

    pub(super) fn set_threads_of(&mut self, path: &Path, threads: Option<usize>) {
        let file = absolute(path);
        match threads {
            Some(threads) => drop(self.threads_of.insert(file.clone(), threads.max(1))),
            None => drop(self.threads_of.remove(&file)),
        }
        for berth in Berth::ALL {
            let wanted = self.place(berth).wanted().filter(|(path, _)| absolute(path) == file).cloned();
            let Some((path, overrides)) = wanted else { continue };
            let session = self.session_options(Some(&path));
            let place = self.place(berth);
            let suits = |info: &ModelInfo| match session.tuned_by {
                TunedBy::Order => info.threads == session.threads && info.tuned_by == session.tuned_by,
                _ => info.tuned_by != TunedBy::Order,
            };
            // What is still being loaded was begun with another number.
            if place.loading.is_some() || place.lane.as_ref().is_some_and(|lane| !suits(&lane.info)) {
                self.load(berth, path, overrides);
            }
        }
    }

    /// How the session of the model at `path`, or of any, is built.
    pub(super) fn session_options(&self, path: Option<&Path>) -> SessionOptions {
        let ordered = path.and_then(|path| self.threads_of.get(&absolute(path)));
        let tuned_by = match (ordered, &self.tunings.clock) {
            (None, Some(_)) => TunedBy::Custom,
            _ => TunedBy::Order,
        };
        let threads = ordered.copied().unwrap_or(self.threads);
        SessionOptions { threads, tuned_by, accelerate: self.accelerate, ..Default::default() }
    }

    fn place(&mut self, berth: Berth) -> &mut Place {
        match berth {
            Berth::Lane(lane) => &mut self.places[lane.index()],
            Berth::Ready => &mut self.ready,
        }
    }

    pub(super) fn load(&mut self, berth: Berth, path: PathBuf, overrides: ModelOverrides) {
        self.tunings.put_off();
        let session = self.session_options(Some(&path));
        let share = self.share_with(Some(berth)).filter(|_| session.tuned_by == TunedBy::Custom);
        let options = LoadOptions { session, overrides: overrides.clone() };
        let (events, wake) = (self.peer.events.clone(), Arc::clone(&self.wake));
        let tell = move |event| {
            let _ = events.try_send(event);
            wake();
        };
        match self.loader.start(berth, &path, (options, share), tell) {
            Ok(number) => self.place(berth).loading = Some(Pending { number, origin: (path, overrides) }),
            Err(error) => {
                let message = format!("{}: no thread to load it: {error}", path.display());
                self.load_failed(berth, path, message);
            }
        }
    }

    fn load_failed(&self, berth: Berth, path: PathBuf, message: String) {
        self.tell(match berth {
            Berth::Lane(lane) => Event::ModelFailed { lane, path, message },
            // What runs is not touched by it.
            Berth::Ready => Event::Warning(message),
        });
    }

    pub(super) fn install(&mut self, Loaded { number, path, outcome }: Loaded) {
        let Some((berth, pending)) = self.take_pending(number) else { return };
        self.tunings.put_off();
        self.next_generation += 1;
        let generation = Generation(self.next_generation);
        let lane = berth.lane();
        let started = outcome.and_then(|detector| {
            let warnings = detector.warnings().to_vec();
            let lane = Lane::start(lane, generation, *detector, self.lane_events.0.clone());
            lane.map(|lane| (lane, warnings)).map_err(|error| format!("no thread to run the model: {error}"))
        });
        match started {
            Ok((running, warnings)) => {
                self.unload_running(berth);
                let info = Arc::clone(&running.info);
                let place = self.place(berth);
                (place.lane, place.origin) = (Some(running), Some(pending.origin));
                if let Berth::Lane(lane) = berth {
                    self.recorder.reset_lane(lane);
                }
                self.tell(match berth {
                    Berth::Lane(lane) => Event::ModelLoaded { lane, info },
                    Berth::Ready => Event::ModelReady(Some(info)),
                });
                warnings.into_iter().for_each(|warning| self.tell(Event::Warning(warning)));
            }
            Err(message) => self.load_failed(berth, path, message),
        }
    }

    /// The load of this number and where it goes by now; none if it was overtaken.
    fn take_pending(&mut self, number: LoadNumber) -> Option<(Berth, Pending)> {
        Berth::ALL.into_iter().find_map(|berth| {
            let pending = self.place(berth).loading.take_if(|pending| pending.number == number)?;
            Some((berth, pending))
        })
    }

    pub(super) fn unload(&mut self, lane: LaneId) {
        self.empty(Berth::Lane(lane));
        self.recorder.reset_lane(lane);
        self.tell(Event::ModelUnloaded(lane));
        if let Some(shown) = &mut self.shown {
            shown.forget(lane);
        }
        self.publish_again();
    }

    pub(super) fn drop_ready(&mut self) {
        self.empty(Berth::Ready);
        self.tell(Event::ModelReady(None));
    }

    /// Puts the model that is kept ready into lane B, and what ran there in its place: both are warm, so that no frame is
    /// without boxes. What is being loaded in place of either goes with it. Always answered by [`Event::ModelReady`].
    pub(super) fn exchange(&mut self) {
        if self.ready.lane.is_none() {
            return self.tell(Event::ModelReady(None));
        }
        self.loader.exchange(Berth::Lane(LaneId::B), Berth::Ready);
        let place = &mut self.places[LaneId::B.index()];
        std::mem::swap(&mut place.lane, &mut self.ready.lane);
        std::mem::swap(&mut place.origin, &mut self.ready.origin);
        std::mem::swap(&mut place.loading, &mut self.ready.loading);
        (place.started_at, place.last_failure) = (None, None);
        self.recorder.reset_lane(LaneId::B);
        let [shown, ready] = [&self.places[LaneId::B.index()], &self.ready]
            .map(|place| place.lane.as_ref().map(|lane| Arc::clone(&lane.info)));
        if let Some(info) = shown {
            self.tell(Event::ModelLoaded { lane: LaneId::B, info });
        }
        self.tell(Event::ModelReady(ready));
    }

    fn empty(&mut self, berth: Berth) {
        self.unload_running(berth);
        self.loader.forget(berth);
        let place = self.place(berth);
        (place.loading, place.origin) = (None, None);
    }

    /// Ends a lane's threads after the frames they have; their answers are still heard.
    pub(super) fn unload_running(&mut self, berth: Berth) {
        let place = self.place(berth);
        place.started_at = None;
        if let Some(running) = place.lane.take() {
            self.retired.extend(running.retire());
        }
    }
}
