//! A model being quantized: what the thread that does it and the window see of each other.

use super::state::QuantizeStep;
use crate::imaging::RgbImage;
use crate::quantize::Progress;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The window is woken no more often: drawing it takes processor time from what is measured.
const QUIET: Duration = Duration::from_millis(200);

/// A step that is over, or under way.
#[derive(Clone, Debug, PartialEq)]
pub struct StepView {
    /// Which one.
    pub step: QuantizeStep,
    /// What is done of it, and of how much; 0 where that is not known.
    pub done: usize,
    /// See `done`.
    pub of: usize,
    /// What it is about at the moment.
    pub words: String,
    /// When it began.
    pub began: Instant,
    /// How long it took, once it is over.
    pub took: Option<Duration>,
}

impl StepView {
    /// How long the rest of it takes when it goes on as it did; none before there is anything to tell that by.
    pub fn left(&self, now: Instant) -> Option<Duration> {
        if self.done == 0 || self.of <= self.done {
            return None;
        }
        let each = now.saturating_duration_since(self.began).div_f64(self.done as f64);
        Some(each.mul_f64((self.of - self.done) as f64))
    }

    /// 0…1.
    pub fn share(&self) -> f32 {
        if self.of == 0 { 0.0 } else { (self.done as f32 / self.of as f32).min(1.0) }
    }
}

/// What the window and the thread see of each other.
#[derive(Debug)]
pub struct QuantizeWatch {
    steps: Mutex<Vec<StepView>>,
    woken_at: Mutex<Option<Instant>>,
    cancelled: Arc<AtomicBool>,
    /// Layers that are to stay in floats in a further model; without it the thread ends.
    wishes: Mutex<Option<Sender<BTreeSet<String>>>>,
    waiting: Receiver<BTreeSet<String>>,
    /// Frames of what is watched, for as long as some are wanted.
    frames: Mutex<Option<Sender<Arc<RgbImage>>>>,
}

impl Default for QuantizeWatch {
    fn default() -> Self {
        let (wishes, waiting) = bounded(1);
        Self {
            steps: Mutex::default(),
            woken_at: Mutex::default(),
            cancelled: Arc::default(),
            wishes: Mutex::new(Some(wishes)),
            waiting,
            frames: Mutex::default(),
        }
    }
}

fn locked<T>(cell: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

impl QuantizeWatch {
    /// The steps so far, in the order in which they began.
    pub fn steps(&self) -> Vec<StepView> {
        locked(&self.steps).clone()
    }

    /// The step that is under way.
    pub fn step(&self) -> Option<StepView> {
        locked(&self.steps).last().filter(|step| step.took.is_none()).cloned()
    }

    /// Takes in what was told; whether to go on, and whether it is time to show it.
    pub fn note(&self, progress: &Progress, now: Instant) -> (ControlFlow<()>, bool) {
        let (step, done, of, words) = QuantizeStep::of(progress);
        let mut steps = locked(&self.steps);
        let same = steps.last().is_some_and(|last| last.step == step && last.took.is_none());
        if !same {
            end_last(&mut steps, now);
            steps.push(StepView { step, done, of, words: words.clone(), began: now, took: None });
        }
        let mut news = !same;
        if let Some(last) = steps.last_mut() {
            news |= (last.done, last.of, &last.words) != (done, of, &words);
            (last.done, last.of, last.words) = (done, of, words);
        }
        drop(steps);
        let mut woken_at = locked(&self.woken_at);
        // What is told again only asks whether to go on.
        let wake = !same || (news && woken_at.is_none_or(|at| now.saturating_duration_since(at) >= QUIET));
        if wake {
            *woken_at = Some(now);
        }
        let go_on = if self.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        (go_on, wake)
    }

    /// Nothing is under way any more.
    pub fn rest(&self, now: Instant) {
        end_last(&mut locked(&self.steps), now);
    }

    /// Stops what is under way at the next step.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.enough_frames();
    }

    /// Whether that was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// The same, for who ends with it.
    pub fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }

    /// Stops what is under way, and lets the thread end after it.
    pub fn close(&self) {
        self.cancel();
        locked(&self.wishes).take();
    }

    /// Asks for a further model in which these layers stay in floats. False when one is still being made.
    pub fn wish(&self, float: BTreeSet<String>) -> bool {
        self.cancelled.store(false, Ordering::SeqCst);
        locked(&self.steps).clear();
        locked(&self.wishes).as_ref().is_some_and(|wishes| wishes.try_send(float).is_ok())
    }

    /// Waits for such a wish; none when there will be no more. For the thread that quantizes.
    pub fn wait_for_wish(&self) -> Option<BTreeSet<String>> {
        self.waiting.recv().ok()
    }

    /// Opens the way for frames of what is watched: what is handed in at [`Self::offer`] comes out here.
    pub fn take_frames(&self) -> Receiver<Arc<RgbImage>> {
        let (sender, frames) = bounded(1);
        *locked(&self.frames) = Some(sender);
        frames
    }

    /// Hands in a frame of what is watched. It is dropped where none is wanted or the last one still waits.
    pub fn offer(&self, frame: &Arc<RgbImage>) {
        let mut frames = locked(&self.frames);
        let gone = frames.as_ref().map(|sender| sender.try_send(Arc::clone(frame)));
        if matches!(gone, Some(Err(TrySendError::Disconnected(_)))) {
            *frames = None;
        }
    }

    /// Whether frames of what is watched are wanted.
    pub fn wants_frames(&self) -> bool {
        locked(&self.frames).is_some()
    }

    /// Ends them.
    pub fn enough_frames(&self) {
        *locked(&self.frames) = None;
    }
}

fn end_last(steps: &mut [StepView], now: Instant) {
    if let Some(last) = steps.last_mut().filter(|last| last.took.is_none()) {
        last.took = Some(now.saturating_duration_since(last.began));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::Choice;

    #[test]
    fn steps_are_seen_one_after_the_other_with_the_time_that_is_left() {
        let watch = QuantizeWatch::default();
        assert_eq!(watch.step(), None);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(watch.note(&Progress::Preparing, at(0)).1, "the first is shown");
        assert!(watch.note(&Progress::Calibrating { done: 0, of: 40 }, at(2)).1, "a new step is shown");
        let soon = at(2) + Duration::from_millis(50);
        assert!(!watch.note(&Progress::Calibrating { done: 1, of: 40 }, soon).1, "not within a moment");
        let _ = watch.note(&Progress::Calibrating { done: 10, of: 40 }, at(7));
        let step = watch.step().unwrap();
        assert_eq!((step.step, step.share()), (QuantizeStep::Pictures, 0.25));
        assert_eq!(step.left(at(7)), Some(Duration::from_secs(15)));
        let _ = watch.note(&Progress::Trying { done: 0, of: 8, choice: Choice::default() }, at(22));
        assert_eq!(watch.step().unwrap().left(at(23)), None, "nothing to tell it by");
        let steps = watch.steps();
        let took: Vec<_> = steps.iter().map(|step| step.took.map(|took| took.as_secs())).collect();
        assert_eq!(took, [Some(2), Some(20), None]);
        watch.rest(at(30));
        assert_eq!(watch.step(), None);
    }

    #[test]
    fn it_can_be_cancelled_and_asked_for_more_until_it_is_closed() {
        let watch = QuantizeWatch::default();
        watch.cancel();
        assert!(watch.note(&Progress::Preparing, Instant::now()).0.is_break());
        assert!(watch.wish(["a".to_owned()].into()));
        assert!(!watch.is_cancelled(), "the wish is new");
        assert!(!watch.wish(BTreeSet::new()), "one waits");
        assert_eq!(watch.wait_for_wish(), Some(["a".to_owned()].into()));
        watch.close();
        assert!(watch.is_cancelled() && !watch.wish(BTreeSet::new()));
        assert_eq!(watch.wait_for_wish(), None);
    }

    #[test]
    fn frames_come_through_until_there_are_enough() {
        let watch = QuantizeWatch::default();
        let frame = Arc::new(RgbImage::new(2, 2));
        watch.offer(&frame);
        assert!(!watch.wants_frames());
        let frames = watch.take_frames();
        watch.offer(&frame);
        watch.offer(&frame);
        assert_eq!(frames.try_iter().count(), 1, "a second one does not wait");
        watch.enough_frames();
        assert!(frames.recv().is_err() && !watch.wants_frames());
        let frames = watch.take_frames();
        drop(frames);
        watch.offer(&frame);
        assert!(!watch.wants_frames(), "nobody takes them any more");
    }
}
