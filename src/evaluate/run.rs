//! The thread that leads an evaluation: it loads models into lanes, follows them, and stops.

use super::gathered::Gathered;
use super::lane::{self, Ends, LaneEvent, LoadOrder, Order, Shared};
use super::pictures::{Decoders, PictureFile};
use super::{Cancel, EvaluateError, Evaluation, EvaluationPlan, Progress, Speed, labels, results_file};
use crate::inference::LoadStage;
use crate::metrics::TotalRate;
use crate::pipeline::NamedThread;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often it is looked whether to stop, and told how far it is.
const TICK: Duration = Duration::from_millis(50);
/// How often it is told how far it is.
const TELL_INTERVAL: Duration = Duration::from_millis(100);
/// Time before the first figures in between, and at least between them.
const PARTIAL_INTERVAL: Duration = Duration::from_secs(2);
/// Figures in between may take this share of the time.
const PARTIAL_SHARE: u32 = 20;
/// Span of the rate that the time left is told from.
const RATE_SPAN: Duration = Duration::from_secs(10);
/// How long lanes may go on after a cancel, all together; what takes longer is left behind.
const CANCEL_PATIENCE: Duration = Duration::from_millis(150);
/// Memory that the copies of a model in a lane are reckoned with: that of its weights so often, and so many bytes more.
const COPIES_OF_WEIGHTS: u64 = 4;
const BYTES_A_SESSION: u64 = 64 << 20;
/// The sessions of all lanes may take this part of the memory.
const MEMORY_PART: u64 = 4;

/// Evaluates models on labelled pictures. Blocks until it is done or cancelled (then for 0.2 s at most, and the time that
/// the figures take); call it from a worker. `tell` is called from this thread.
///
/// # Errors
///
/// When there is nothing to evaluate. A model that fails is told in its own result, the others go on.
pub fn run(
    plan: &EvaluationPlan,
    cancel: &Cancel,
    tell: &mut dyn FnMut(Progress),
) -> Result<Evaluation, EvaluateError> {
    if plan.models.is_empty() {
        return Err(EvaluateError::NoModels);
    }
    let dataset = labels::read(plan, cancel, tell)?;
    let mut lead = Lead::new(plan, Gathered::new(plan, dataset))?;
    tell(Progress::Dataset(lead.gathered.facts()));
    let done = lead.load_models(cancel, tell)? && lead.follow(cancel, tell)?;
    lead.stop(done);
    tell(Progress::Summing);
    if lead.gathered.is_empty() && cancel.is_cancelled() {
        return Err(EvaluateError::Cancelled);
    }
    if let Some(folder) = &plan.detections_to {
        results_file::write(folder, &lead.gathered)?;
    }
    Ok(lead.gathered.evaluation(true))
}

/// The lanes and what they found.
struct Lead<'a> {
    plan: &'a EvaluationPlan,
    shared: Arc<Shared>,
    gathered: Gathered,
    lanes: Vec<Lane>,
    decoders: Vec<NamedThread>,
    events: Receiver<LaneEvent>,
    pictures: Sender<super::pictures::Decoded>,
}

struct Lane {
    orders: Sender<Order>,
    thread: NamedThread,
}

impl<'a> Lead<'a> {
    /// Starts the lanes' threads.
    fn new(plan: &'a EvaluationPlan, mut gathered: Gathered) -> Result<Self, EvaluateError> {
        let threads = plan.threads.unwrap_or(1).max(1);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let count = plan.lanes.unwrap_or(cores / threads).clamp(1, gathered.pictures().max(1));
        (gathered.threads, gathered.lanes) = (threads, count);
        let failed = plan.models.iter().map(|_| AtomicBool::new(false)).collect();
        let (thresholds, stop) = (gathered.thresholds(), AtomicBool::new(false));
        let shared = Arc::new(Shared { threads, accelerate: plan.accelerate, thresholds, stop, failed });
        let (event_sender, events) = bounded(4 * count);
        let (pictures, decoded) = bounded(count);
        let mut lanes = Vec::with_capacity(count);
        for number in 0..count {
            let (orders, for_lane) = bounded(plan.models.len() + 1);
            let ends = Ends { orders: for_lane, pictures: decoded.clone(), events: event_sender.clone() };
            let shared = Arc::clone(&shared);
            let thread = NamedThread::spawn(format!("evaluate-{number}"), move || lane::run(&shared, &ends));
            lanes.push(Lane { orders, thread: thread.map_err(no_thread)? });
        }
        Ok(Self { plan, shared, gathered, lanes, decoders: Vec::new(), events, pictures })
    }

    /// Loads every model in the first lane, and copies into the others while that one goes on. False when cancelled.
    fn load_models(&mut self, cancel: &Cancel, tell: &mut dyn FnMut(Progress)) -> Result<bool, EvaluateError> {
        for (model, what) in self.plan.models.iter().enumerate() {
            self.order(0, Order::Load(LoadOrder { model, what: what.clone(), first: Some(self.plan.trial.clone()) }));
            loop {
                match self.next_event(cancel)? {
                    Some(LaneEvent::Loaded { outcome }) => {
                        let joined = outcome.and_then(|loaded| self.gathered.take_model(model, loaded));
                        if let Err(message) = joined {
                            self.model_failed(model, message, tell);
                        }
                        self.give_up_lanes_without_memory();
                        break;
                    }
                    Some(LaneEvent::Loading { model, stage }) => {
                        // Its trial is over: the copies are built beside the first one.
                        if stage == LoadStage::Building {
                            self.load_copies(model);
                        }
                        tell(Progress::Loading { model, stage });
                    }
                    Some(_) => {}
                    None => return Ok(false),
                }
            }
        }
        Ok(self.gathered.models_left() > 0)
    }

    /// Gives up lanes, unless their number was asked for, where all of them need more memory than there is for them.
    fn give_up_lanes_without_memory(&mut self) {
        if self.plan.lanes.is_none() {
            let a_lane = |bytes: u64| bytes * COPIES_OF_WEIGHTS + BYTES_A_SESSION;
            let needed: u64 = self.gathered.bytes_of_models().map(a_lane).sum();
            let allowed = crate::runtime::memory_bytes().map_or(1, |bytes| bytes / MEMORY_PART / needed.max(1));
            let allowed = usize::try_from(allowed).unwrap_or(usize::MAX).max(1);
            for mut lane in self.lanes.drain(allowed.min(self.lanes.len())..) {
                // It ends by itself when what it loads is loaded: nobody waits for that.
                lane.thread.set_patience(Duration::ZERO);
            }
            self.gathered.lanes = self.lanes.len();
        }
    }

    /// Lets all lanes but the first load a model.
    fn load_copies(&mut self, model: usize) {
        for lane in 1..self.lanes.len() {
            let what = self.plan.models[model].clone();
            self.order(lane, Order::Load(LoadOrder { model, what, first: None }));
        }
    }

    fn order(&self, lane: usize, order: Order) {
        // A lane that gave up does not listen any more.
        let _ = self.lanes[lane].orders.send(order);
    }

    /// The next event; none when cancelled.
    fn next_event(&mut self, cancel: &Cancel) -> Result<Option<LaneEvent>, EvaluateError> {
        loop {
            if cancel.is_cancelled() {
                return Ok(None);
            }
            match self.events.recv_timeout(TICK) {
                Ok(event) => return Ok(Some(event)),
                Err(RecvTimeoutError::Timeout) if self.lanes.iter().any(|lane| !lane.thread.is_finished()) => {}
                Err(_) => return Err(EvaluateError::Threads("no lane is left".to_owned())),
            }
        }
    }

    /// Lets the pictures come and takes what the lanes find. False when cancelled.
    fn follow(&mut self, cancel: &Cancel, tell: &mut dyn FnMut(Progress)) -> Result<bool, EvaluateError> {
        (0..self.lanes.len()).for_each(|lane| self.order(lane, Order::Start));
        self.start_decoders()?;
        let mut clock = Clock::new();
        while !self.gathered.is_done() {
            let Some(event) = self.next_event(cancel)? else { return Ok(false) };
            self.take(event, &mut clock, tell);
            // Those that wait already, so that telling does not hold them up.
            for event in self.events.try_iter().collect::<Vec<_>>() {
                self.take(event, &mut clock, tell);
            }
            self.gathered.seconds = clock.seconds();
            self.tell_now_and_then(&mut clock, tell)?;
        }
        tell(Progress::Running(clock.speed(&self.gathered)));
        Ok(true)
    }

    fn start_decoders(&mut self) -> Result<(), EvaluateError> {
        let files: Vec<PictureFile> = self.gathered.dataset().pictures.iter().map(PictureFile::from).collect();
        let decoders = Arc::new(Decoders::new(files));
        for number in 0..self.lanes.len() {
            let (decoders, shared, out) = (Arc::clone(&decoders), Arc::clone(&self.shared), self.pictures.clone());
            let body = move || decoders.run(&out, &|| shared.stopped());
            self.decoders.push(NamedThread::spawn(format!("decode-{number}"), body).map_err(no_thread)?);
        }
        Ok(())
    }

    fn take(&mut self, event: LaneEvent, clock: &mut Clock, tell: &mut dyn FnMut(Progress)) {
        match event {
            LaneEvent::Ready => clock.start(),
            LaneEvent::Unreadable { picture, reason } => self.gathered.take_unreadable(picture, reason),
            LaneEvent::Looked { picture, model, outcome: Ok(looked) } => {
                self.gathered.take_looked(picture, model, &looked);
            }
            LaneEvent::Looked { model, outcome: Err(message), .. } => self.model_failed(model, message, tell),
            LaneEvent::Loading { .. } | LaneEvent::Loaded { .. } => {}
        }
    }

    fn model_failed(&mut self, model: usize, message: String, tell: &mut dyn FnMut(Progress)) {
        self.shared.failed[model].store(true, Ordering::Relaxed);
        if self.gathered.take_failure(model, &message) {
            tell(Progress::ModelFailed { model, message });
        }
    }

    fn tell_now_and_then(&mut self, clock: &mut Clock, tell: &mut dyn FnMut(Progress)) -> Result<(), EvaluateError> {
        let now = Instant::now();
        if now >= clock.next_tell {
            clock.next_tell = now + TELL_INTERVAL;
            tell(Progress::Running(clock.speed(&self.gathered)));
        }
        if now >= clock.next_partial && !self.gathered.is_empty() {
            if let Some(folder) = &self.plan.detections_to {
                results_file::write(folder, &self.gathered)?;
            }
            tell(Progress::Partial(Box::new(self.gathered.evaluation(false))));
            let took = now.elapsed();
            clock.next_partial = Instant::now() + PARTIAL_INTERVAL.max(took * PARTIAL_SHARE);
        }
        Ok(())
    }

    /// Ends all threads; after a cancel without waiting for what takes long.
    fn stop(&mut self, done: bool) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Whoever waits for room or for something to do finds the other end closed.
        let (_, closed) = bounded(0);
        self.events = closed;
        self.pictures = bounded(0).0;
        let mut threads: Vec<NamedThread> = self.decoders.drain(..).collect();
        threads.extend(self.lanes.drain(..).map(|lane| lane.thread));
        let end = Instant::now() + CANCEL_PATIENCE;
        for mut thread in threads {
            if !done {
                thread.set_patience(end.saturating_duration_since(Instant::now()));
            }
        }
    }
}

fn no_thread(error: std::io::Error) -> EvaluateError {
    EvaluateError::Threads(format!("the operating system gives no thread ({error})"))
}

/// What the time is needed for.
struct Clock {
    begin: Option<Instant>,
    rate: TotalRate,
    next_tell: Instant,
    next_partial: Instant,
}

impl Clock {
    fn new() -> Self {
        let now = Instant::now();
        Self { begin: None, rate: TotalRate::new(RATE_SPAN), next_tell: now, next_partial: now + PARTIAL_INTERVAL }
    }

    /// The first lane is ready.
    fn start(&mut self) {
        self.begin.get_or_insert_with(Instant::now);
    }

    fn seconds(&self) -> f64 {
        self.begin.map_or(0.0, |begin| begin.elapsed().as_secs_f64())
    }

    fn speed(&mut self, gathered: &Gathered) -> Speed {
        let now = Instant::now();
        let (done, total) = (gathered.done(), gathered.pictures());
        let slowest = gathered.slowest();
        self.rate.note(now, slowest as u64);
        let rate = self.rate.rate(now).filter(|rate| *rate > 0.0);
        let left = rate.map(|rate| Duration::from_secs_f32(total.saturating_sub(slowest) as f32 / rate));
        Speed { done, total, pictures_per_second: rate, left }
    }
}
