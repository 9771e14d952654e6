//! Threads of the lanes' models where nobody has fixed them: measured beside what runs, once all of it has shown boxes, and
//! put in place between two frames.

use super::conductor::Conductor;
use super::lane::{Generation, Lane};
use super::loader::Berth;
use super::tuner::{Order, Tuned, Tuner};
use super::{Event, LaneId};
use crate::inference::tuning::{RunClock, Settled, Share, TunedBy};
use crate::inference::{LoadOptions, ModelInfo};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What was loaded, or goes on, is left alone for so long first.
const REST: Duration = Duration::from_secs(1);

/// Where the measuring of threads is.
pub(super) struct Tunings {
    /// Times runs; none where threads are fixed.
    pub clock: Option<Arc<dyn RunClock>>,
    pub tuner: Tuner,
    /// Came while the picture was paused.
    waiting: Option<Tuned>,
    /// Lanes for which nothing can be found.
    given_up: [Option<(Generation, Share)>; 2],
    not_before: Instant,
}

impl Tunings {
    pub fn new() -> Self {
        let (clock, tuner, waiting, given_up) = (None, Tuner::new(), None, [None; 2]);
        Self { clock, tuner, waiting, given_up, not_before: Instant::now() }
    }

    /// Something happened that measuring would disturb, or that it would be disturbed by.
    pub fn put_off(&mut self) {
        self.tuner.break_off();
        self.not_before = Instant::now() + REST;
    }

    /// Threads are what `clock` finds from now on; none: what is ordered.
    pub fn set_clock(&mut self, clock: Option<Arc<dyn RunClock>>) {
        self.put_off();
        (self.clock, self.waiting, self.given_up) = (clock, None, [None; 2]);
    }
}

impl Conductor {
    /// Where threads are measured: cores, and the lanes among which they are to be parted when `berth` has its model, too.
    pub(super) fn share_with(&self, berth: Option<Berth>) -> Option<Share> {
        let clock = self.tunings.clock.as_ref()?;
        let is_taken = |lane: &LaneId| {
            let place = &self.places[lane.index()];
            place.lane.is_some() || place.is_loading() || berth == Some(Berth::Lane(*lane))
        };
        let lanes = LaneId::BOTH.iter().filter(|lane| is_taken(lane)).count();
        Some(Share { cores: clock.cores(), lanes: lanes.max(1) })
    }

    /// Begins to measure where it is due.
    pub(super) fn tune(&mut self) {
        if self.paused || self.tunings.tuner.is_busy() {
            return;
        }
        if let Some(tuned) = self.tunings.waiting.take() {
            return self.hear_tuned(tuned);
        }
        let Some((clock, lane)) = self.tunings.clock.clone().zip(self.lane_to_tune()) else { return };
        if Instant::now() < self.tunings.not_before || !self.has_shown(lane) {
            return;
        }
        let Some(order) = self.order(lane) else { return };
        tracing::info!("the threads of {} are measured", order.path.display());
        if let Err(error) = self.tunings.tuner.start(order, clock) {
            tracing::warn!("no thread to measure with: {error}");
            self.tunings.clock = None;
        }
    }

    /// When [`Conductor::tune`] is to be called again, if nothing else happens.
    pub(super) fn tune_at(&self) -> Option<Instant> {
        let tunings = &self.tunings;
        let is_due = tunings.clock.is_some() && !self.paused && !tunings.tuner.is_busy();
        let at = Some(tunings.not_before).filter(|at| is_due && *at > Instant::now());
        at.filter(|_| self.lane_to_tune().is_some())
    }

    /// A lane whose model runs as usual, or as was measured when the machine was shared otherwise.
    fn lane_to_tune(&self) -> Option<LaneId> {
        let share = self.share_with(None)?;
        if self.places.iter().chain([&self.ready]).any(|place| place.is_loading()) {
            return None;
        }
        LaneId::BOTH.into_iter().find(|lane| {
            let Some(running) = &self.places[lane.index()].lane else { return false };
            let is_open = match &running.info.tuned_by {
                TunedBy::Order => false,
                TunedBy::Custom => true,
                TunedBy::Measuring(measured) => measured.share != share,
            };
            is_open && self.tunings.given_up[lane.index()] != Some((running.generation, share))
        })
    }

    /// Whether the boxes of all lanes that take part are on view: nothing comes later for the measuring.
    fn has_shown(&self, lane: LaneId) -> bool {
        let lanes = LaneId::BOTH.into_iter().filter(|other| self.mode_runs(*other) || *other == lane);
        let mut running = lanes.filter(|lane| self.mode_runs(*lane)).filter_map(|lane| {
            let running = self.places[lane.index()].lane.as_ref()?;
            Some((lane, running.generation))
        });
        let shown = self.shown.as_ref();
        shown.is_some_and(|shown| running.all(|(lane, generation)| shown.generation(lane) == Some(generation)))
    }

    fn order(&self, lane: LaneId) -> Option<Order> {
        let place = &self.places[lane.index()];
        let (path, overrides) = place.origin()?.clone();
        let options = LoadOptions { session: self.session_options(None), overrides };
        let (running, share) = (place.lane.as_ref()?, self.share_with(None)?);
        let (generation, runs) = (running.generation, running.info.tuning());
        Some(Order { lane, generation, share, runs, path, options })
    }

    /// Puts in place what was found, unless something else is there by now.
    pub(super) fn hear_tuned(&mut self, tuned: Tuned) {
        let lane = tuned.lane;
        let running = self.places[lane.index()].lane.as_ref();
        let is_wanted = running.is_some_and(|running| running.generation == tuned.generation)
            && self.share_with(None) == Some(tuned.share)
            && !self.places[lane.index()].is_loading();
        if tuned.broken_off || !is_wanted {
            return;
        }
        if self.paused {
            self.tunings.waiting = Some(tuned);
            return;
        }
        let settled = match tuned.outcome {
            Ok(Some(settled)) => *settled,
            Ok(None) => return self.give_up(lane, tuned.generation, tuned.share),
            Err(reason) => {
                tracing::warn!("threads could not be measured: {reason}");
                return self.give_up(lane, tuned.generation, tuned.share);
            }
        };
        if let Some(words) = settled.measured.in_words() {
            tracing::info!("{}: {words}", tuned.path.display());
        }
        self.put_in_place(lane, settled);
    }

    fn give_up(&mut self, lane: LaneId, generation: Generation, share: Share) {
        self.tunings.given_up[lane.index()] = Some((generation, share));
    }

    fn put_in_place(&mut self, lane: LaneId, Settled { detector, measured }: Settled) {
        let Some(running) = self.places[lane.index()].lane.as_mut() else { return };
        if running.info.tuning() == detector.info().tuning() {
            running.info =
                Arc::new(ModelInfo { tuned_by: TunedBy::Measuring(measured), ..ModelInfo::clone(&running.info) });
            let info = Arc::clone(&running.info);
            return self.tell(Event::ModelTuned { lane, info });
        }
        self.next_generation += 1;
        let generation = Generation(self.next_generation);
        match Lane::start(lane, generation, detector, self.lane_events.0.clone()) {
            Ok(running) => {
                self.unload_running(Berth::Lane(lane));
                let info = Arc::clone(&running.info);
                self.places[lane.index()].lane = Some(running);
                // Both lanes' latencies were measured under another load.
                self.recorder.reset_latencies();
                self.tell(Event::ModelTuned { lane, info });
            }
            Err(error) => {
                tracing::warn!("no thread to run the model with the threads that were found: {error}");
                self.tunings.clock = None;
            }
        }
    }
}
