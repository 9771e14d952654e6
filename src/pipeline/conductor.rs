//! The thread that decides: which frame goes to which lane, what is published, what a command changes.
//!
//! A lane holds at most two frames: one that is inferred and one that is prepared meanwhile. The second is taken
//! *just in time*, so late that it is ready just before the first is through: the session never waits, and yet the
//! frame is no older than it need be. For a model so slow that preparing takes next to nothing beside it, a frame is only
//! taken when the model is free.

use super::capture_thread::{CaptureCommand, CaptureThread, NumberedFrame, SourceNumber};
use super::flight::{Flight, Models, Shown};
use super::lane::{LaneEvent, LaneJob};
use super::link::LinkPeer;
use super::loader::Berth;
use super::loader::{Loaded, Loader};
use super::models::Place;
use super::record::Recordings;
use super::recorder::Recorder;
use super::slot::{SlotReader, latest_slot};
use super::thread::NamedThread;
use super::tuner::Tuned;
use super::tuning::Tunings;
use super::{Command, Event, FrameId, LaneId, Mode, PipelineConfig};
use crate::inference::Thresholds;
use crossbeam_channel::{Receiver, Sender, bounded, never};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Slack in the just-in-time plan: a thread may wake late.
const MARGIN: Duration = Duration::from_millis(1);
/// A second frame is not taken early where that saves less than this share of the inference: when a slow model is through
/// is hard to tell, and the frame would grow old meanwhile.
const LEAD_WORTH: f32 = 0.02;
/// A source that gave nothing for this long is at rest; the frame on view may be worked on again.
const AT_REST: Duration = Duration::from_millis(250);
/// Scores from here up are kept, so that a lower threshold applies to the frame on view at once.
const CANDIDATE_FLOOR: f32 = 0.01;
/// Scores from here up are kept where the truth is known: COCO's average precision uses them.
const LABELLED_FLOOR: f32 = 0.001;

/// Wakes the view after something was published.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

/// State of the conductor's thread.
pub(super) struct Conductor {
    pub(super) peer: LinkPeer,
    pub(super) wake: Wake,
    // Before everything else that is waited for, so that files are completed at once.
    recordings: Recordings,
    stop: Receiver<()>,
    capture: CaptureThread,
    frames: SlotReader<NumberedFrame>,
    pub(super) loader: Loader,
    pub(super) lane_events: (Sender<LaneEvent>, Receiver<LaneEvent>),
    pub(super) places: [Place; 2],
    /// A model that is kept warm behind lane B.
    pub(super) ready: Place,
    flights: VecDeque<Flight>,
    pub(super) shown: Option<Shown>,
    pub(super) retired: Vec<NamedThread>,
    pub(super) recorder: Recorder,
    mode: Mode,
    thresholds: Thresholds,
    pub(super) paused: bool,
    pub(super) threads: usize,
    /// Threads of single models, by absolute path.
    pub(super) threads_of: BTreeMap<PathBuf, usize>,
    pub(super) accelerate: bool,
    pub(super) tunings: Tunings,
    source: SourceNumber,
    captured_of_source: u64,
    replaced_before_source: u64,
    last_frame_at: Instant,
    next_frame_id: u64,
    pub(super) next_generation: u64,
}

/// What the loop woke up for.
enum Signal {
    Command(Command),
    Frame(NumberedFrame),
    Lane(LaneEvent),
    Loaded(Loaded),
    Tuned(Tuned),
    Timeout,
    Stop,
}

impl Conductor {
    pub fn new(config: PipelineConfig, peer: LinkPeer, wake: Wake, stop: Receiver<()>) -> std::io::Result<Self> {
        let (frame_writer, frame_reader) = latest_slot();
        let (events, wake_view) = (peer.events.clone(), Arc::clone(&wake));
        let capture = CaptureThread::start(frame_writer, move |event| {
            let _ = events.try_send(event);
            wake_view();
        })?;
        let (events, wake_view) = (peer.events.clone(), Arc::clone(&wake));
        let recordings = Recordings::new(Arc::new(move |status| {
            let _ = events.try_send(Event::Recording(status));
            wake_view();
        }));
        Ok(Self {
            peer,
            wake,
            recordings,
            stop,
            capture,
            frames: frame_reader,
            loader: Loader::new(config.trial),
            lane_events: bounded(16),
            places: Default::default(),
            ready: Place::default(),
            flights: VecDeque::new(),
            shown: None,
            retired: Vec::new(),
            recorder: Recorder::new(),
            mode: Mode::Single(LaneId::A),
            thresholds: Thresholds::default(),
            paused: false,
            threads: config.threads,
            threads_of: BTreeMap::new(),
            accelerate: true,
            tunings: Tunings::new(),
            source: SourceNumber(0),
            captured_of_source: 0,
            replaced_before_source: 0,
            last_frame_at: Instant::now(),
            next_frame_id: 0,
            next_generation: 0,
        })
    }

    pub fn run(mut self) {
        loop {
            match self.wait() {
                Signal::Command(command) => self.obey(command),
                Signal::Frame(frame) => self.take_frame(frame),
                Signal::Lane(event) => self.hear(event),
                Signal::Loaded(loaded) => self.install(loaded),
                Signal::Tuned(tuned) => self.hear_tuned(tuned),
                Signal::Timeout => {}
                Signal::Stop => return,
            }
            self.retired.retain(|thread| !thread.is_finished());
            self.refresh_shown();
            self.tune();
            if let Some(worst) = self.recorder.worst.news() {
                self.peer.worst.publish(worst);
                (self.wake)();
            }
        }
    }

    fn wait(&self) -> Signal {
        let closed = never();
        let (ready, deadline) = self.readiness();
        let frames = if ready { self.frames.receiver() } else { &closed };
        let timeout = match deadline.into_iter().chain(self.tune_at()).min() {
            Some(deadline) => crossbeam_channel::at(deadline),
            None => never(),
        };
        crossbeam_channel::select! {
            recv(self.peer.commands) -> command => command.map_or(Signal::Stop, Signal::Command),
            recv(self.stop) -> _ => Signal::Stop,
            recv(self.lane_events.1) -> event => event.map_or(Signal::Stop, Signal::Lane),
            recv(self.loader.outcomes()) -> loaded => loaded.map_or(Signal::Stop, Signal::Loaded),
            recv(self.tunings.tuner.outcomes()) -> tuned => tuned.map_or(Signal::Stop, Signal::Tuned),
            recv(frames) -> frame => frame.map_or(Signal::Stop, Signal::Frame),
            recv(timeout) -> _ => Signal::Timeout,
        }
    }

    /// Whether `lane` takes part.
    pub(super) fn mode_runs(&self, lane: LaneId) -> bool {
        self.mode.runs(lane)
    }

    /// The lanes that take part and have a model.
    fn active(&self) -> impl Iterator<Item = LaneId> + '_ {
        LaneId::BOTH.into_iter().filter(|lane| self.mode.runs(*lane) && self.places[lane.index()].lane.is_some())
    }

    /// Whether every active lane can use another frame now; if not, when to look again.
    fn readiness(&self) -> (bool, Option<Instant>) {
        let now = Instant::now();
        let mut take_at = now;
        for lane in self.active() {
            match self.flights.iter().filter(|flight| flight.awaits(lane)).count() {
                0 => {}
                1 => {
                    // A lane that has not begun yet tells when it does.
                    let Some(started) = self.places[lane.index()].started_at else { return (false, None) };
                    let typical = self.recorder.typical(lane);
                    let lead = typical.preprocess.mul_f32(1.5) + MARGIN;
                    if lead < typical.inference.mul_f32(LEAD_WORTH) {
                        return (false, None);
                    }
                    take_at = take_at.max(started + typical.inference.saturating_sub(lead));
                }
                _ => return (false, None),
            }
        }
        if take_at > now {
            return (false, Some(take_at));
        }
        let rest = (!self.paused && self.is_outdated()).then(|| self.last_frame_at + AT_REST);
        (true, rest.filter(|at| *at > now))
    }

    fn take_frame(&mut self, NumberedFrame { source, frame }: NumberedFrame) {
        if source != self.source {
            self.source = source;
            self.captured_of_source = 0;
            self.replaced_before_source = self.frames.replaced();
            self.recorder.reset_source();
        }
        let dropped = self.frames.replaced() - self.replaced_before_source;
        self.captured_of_source += 1;
        self.recorder.captured(&frame, self.captured_of_source + dropped, dropped);
        self.last_frame_at = Instant::now();
        self.next_frame_id += 1;
        let mut flight = Flight::new(FrameId(self.next_frame_id), source, frame, self.mode, self.thresholds);
        let lanes: Vec<LaneId> = self.active().collect();
        for lane in lanes {
            self.submit(lane, &mut flight);
        }
        self.flights.push_back(flight);
        self.land();
    }

    /// Sends a flight's frame to a lane.
    fn submit(&mut self, lane: LaneId, flight: &mut Flight) {
        let Some(running) = &self.places[lane.index()].lane else { return };
        let job = LaneJob {
            frame: flight.id,
            image: Arc::clone(&flight.frame.image),
            thresholds: self.thresholds,
            score_floor: if flight.frame.truth.is_some() { LABELLED_FLOOR } else { CANDIDATE_FLOOR },
        };
        flight.expect(lane, running.generation);
        if !running.submit(job) {
            flight.arrive(lane, running.generation, None);
        }
    }

    fn hear(&mut self, event: LaneEvent) {
        match event {
            LaneEvent::Started { lane, generation, at } => {
                let place = &mut self.places[lane.index()];
                if place.lane.as_ref().is_some_and(|running| running.generation == generation) {
                    place.started_at = Some(at);
                }
            }
            LaneEvent::Done { lane, generation, frame, outcome } => {
                let place = &mut self.places[lane.index()];
                if place.lane.as_ref().is_some_and(|running| running.generation == generation) {
                    place.started_at = None;
                }
                let output = match outcome {
                    Ok(output) => {
                        place.last_failure = None;
                        Some(output)
                    }
                    Err(error) => {
                        let message = error.to_string();
                        if place.last_failure.as_ref() != Some(&message) {
                            place.last_failure = Some(message.clone());
                            self.tell(Event::Warning(message));
                        }
                        None
                    }
                };
                if let Some(flight) = self.flights.iter_mut().find(|flight| flight.id == frame) {
                    flight.arrive(lane, generation, output);
                }
                self.land();
            }
        }
    }

    /// Publishes the flights that are complete, in the order in which they were taken.
    fn land(&mut self) {
        while self.flights.front().is_some_and(Flight::is_complete) {
            let Some(flight) = self.flights.pop_front() else { return };
            let mut shown = Shown::new(flight, self.thresholds);
            if shown.source == self.source {
                let models = self.current_models();
                shown.record(&mut self.recorder, &models, self.thresholds);
            }
            self.publish(shown);
        }
    }

    fn current_models(&self) -> Models {
        LaneId::BOTH.map(|lane| self.places[lane.index()].lane.as_ref().map(|running| running.generation))
    }

    fn publish(&mut self, shown: Shown) {
        let statistics = self.recorder.snapshot(self.mode);
        let result = Arc::new(shown.to_result(statistics));
        self.recordings.offer(&result);
        self.peer.results.publish(result);
        self.shown = Some(shown);
        (self.wake)();
    }

    /// Whether the frame on view lacks the answer of a lane that takes part.
    fn needs_refresh(&self) -> bool {
        self.shown.as_ref().is_some_and(|shown| LaneId::BOTH.iter().any(|lane| self.lacks(shown, *lane)))
    }

    fn lacks(&self, shown: &Shown, lane: LaneId) -> bool {
        let running = self.places[lane.index()].lane.as_ref().filter(|_| self.mode.runs(lane));
        running.is_some_and(|running| shown.generation(lane) != Some(running.generation))
    }

    /// Whether the frame on view is not what mode and models ask for.
    fn is_outdated(&self) -> bool {
        self.needs_refresh() || self.shown.as_ref().is_some_and(|shown| shown.mode != self.mode)
    }

    /// While the source rests (paused, or a single picture), brings the frame on view up to date with mode and models.
    fn refresh_shown(&mut self) {
        let at_rest = self.paused || self.last_frame_at.elapsed() >= AT_REST;
        if !at_rest || !self.flights.is_empty() || !self.is_outdated() {
            return;
        }
        let Some(mut shown) = self.shown.take() else { return };
        if LaneId::BOTH.iter().all(|lane| !self.lacks(&shown, *lane)) {
            shown.mode = self.mode;
            return self.publish(shown);
        }
        let models = self.current_models();
        let mut flight = shown.again(self.mode, &models, self.thresholds);
        let lanes: Vec<LaneId> = self.active().filter(|lane| !flight.has(*lane)).collect();
        for lane in lanes {
            self.submit(lane, &mut flight);
        }
        self.flights.push_back(flight);
        self.land();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::OpenSource(spec, options) => self.capture.send(CaptureCommand::Open(spec, options)),
            Command::LoadModel { lane, path, overrides } => self.load(Berth::Lane(lane), path, overrides),
            Command::KeepReady(Some((path, overrides))) => self.load(Berth::Ready, path, overrides),
            Command::KeepReady(None) => self.drop_ready(),
            Command::Exchange => self.exchange(),
            Command::UnloadModel(lane) => self.unload(lane),
            Command::SetMode(mode) => self.set_mode(mode),
            Command::SetThresholds(thresholds) => self.set_thresholds(thresholds),
            Command::SetPaused(paused) => {
                self.paused = paused;
                self.tunings.put_off();
                self.recordings.set_paused(paused);
                self.capture.send(CaptureCommand::SetPaused(paused));
            }
            Command::Step => self.capture.send(CaptureCommand::Step),
            Command::Seek(to) => self.capture.send(CaptureCommand::Seek(to)),
            Command::SetSpeed(factor) => self.capture.send(CaptureCommand::SetSpeed(factor)),
            Command::SetLooping(looping) => self.capture.send(CaptureCommand::SetLooping(looping)),
            Command::SetCameraControl(setting) => self.capture.send(CaptureCommand::SetControl(setting)),
            Command::ResetCameraControls => self.capture.send(CaptureCommand::ResetControls),
            Command::SetThreads(threads) => self.set_threads(threads),
            Command::MeasureThreads(clock) => self.measure_threads(clock),
            Command::SetThreadsOf(path, threads) => self.set_threads_of(&path, threads),
            Command::SetAccelerate(accelerate) => self.set_accelerate(accelerate),
            Command::StartRecording(request) => self.recordings.start(request, &mut self.retired),
            Command::StopRecording(kind) => self.recordings.stop(kind, &mut self.retired),
            Command::SetRecordingView(view) => self.recordings.set_view(view),
            Command::SetAgreementWindow(frames) => {
                self.recorder.set_agreement_window(frames);
                self.publish_again();
            }
            Command::KeepWorst(keep) => self.recorder.worst.set_keeps(keep),
            Command::ForgetWorst => self.recorder.worst.clear(),
            Command::ResetStatistics => {
                self.recorder.reset();
                self.publish_again();
            }
        }
    }

    /// The next frame, or a refresh of the one on view, shows it.
    fn set_mode(&mut self, mode: Mode) {
        if (self.mode == Mode::Compare) != (mode == Mode::Compare) {
            self.recorder.reset_latencies();
        }
        self.mode = mode;
    }

    /// The frame on view with new figures.
    pub(super) fn publish_again(&mut self) {
        if let Some(shown) = self.shown.take() {
            self.publish(shown);
        }
    }

    fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.thresholds = thresholds;
        self.recorder.reset_thresholds();
        if let Some(mut shown) = self.shown.take() {
            let models = self.current_models();
            shown.apply_thresholds(thresholds);
            shown.record_accuracy(&mut self.recorder, &models, thresholds);
            self.publish(shown);
        }
    }

    pub(super) fn tell(&self, event: Event) {
        let _ = self.peer.events.try_send(event);
        (self.wake)();
    }
}
