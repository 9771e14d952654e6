//! Finding the best number of threads for a model, on a thread of its own, while the live view rests.

use crate::benchmark::{AdviceRequest, Progress, Stage, ThreadAdvice, advise_threads};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The window is woken no more often: drawing it takes processor time from what is measured.
const QUIET: Duration = Duration::from_millis(500);

/// What window and thread see of each other.
#[derive(Debug, Default)]
pub struct AdviceWatch {
    progress: Mutex<Option<Progress>>,
    woken_at: Mutex<Option<Instant>>,
    cancelled: AtomicBool,
}

/// What a thread that measures is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Break off or go on.
    pub go_on: ControlFlow<()>,
    /// Whether it is time to show how far it is.
    pub wake: bool,
}

impl AdviceWatch {
    /// Breaks it off before the next turn.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Notes how far it is.
    pub fn note(&self, progress: Progress) -> Noted {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
        let mut woken_at = self.woken_at.lock().unwrap_or_else(PoisonError::into_inner);
        let wake = woken_at.is_none_or(|at| at.elapsed() >= QUIET);
        if wake {
            *woken_at = Some(Instant::now());
        }
        let cancelled = self.cancelled.load(Ordering::Relaxed);
        Noted { go_on: if cancelled { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }, wake }
    }

    /// For people: what is being done.
    pub fn words(&self) -> String {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match progress {
            Some(Progress { stage: Stage::Trying(1), .. }) => "Trying 1 thread".to_owned(),
            Some(Progress { stage: Stage::Trying(threads), .. }) => format!("Trying {threads} threads"),
            Some(Progress { stage: Stage::Measuring, done, of }) => {
                format!("Measuring in turn, {} %", 100 * done / of.max(1))
            }
            Some(_) | None => "Beginning".to_owned(),
        }
    }
}

/// Measures the model. None when it was broken off.
///
/// # Errors
///
/// A sentence.
pub fn run(
    request: &AdviceRequest,
    tell: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<ThreadAdvice>, String> {
    let measure = || advise_threads(request, tell).map_err(|error| error.to_string());
    let broken = |_| Err("the measurement broke off inside the runtime".to_owned());
    catch_unwind(AssertUnwindSafe(measure)).unwrap_or_else(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_far_it_is_wakes_seldom_and_can_be_broken_off() {
        let watch = AdviceWatch::default();
        let progress = |stage, done| Progress { stage, done, of: 40 };
        let noted = watch.note(progress(Stage::Trying(1), 0));
        assert_eq!(noted, Noted { go_on: ControlFlow::Continue(()), wake: true });
        assert_eq!(watch.words(), "Trying 1 thread");
        assert!(!watch.note(progress(Stage::Trying(2), 1)).wake, "not within half a second");
        assert_eq!(watch.words(), "Trying 2 threads");
        watch.note(progress(Stage::Measuring, 10));
        assert_eq!(watch.words(), "Measuring in turn, 25 %");
        watch.cancel();
        assert!(watch.note(progress(Stage::Measuring, 11)).go_on.is_break());
    }

    #[test]
    fn a_model_that_is_gone_is_told_by_name() {
        let request = AdviceRequest {
            path: "/no/such.onnx".into(),
            overrides: Default::default(),
            thresholds: Default::default(),
            images: vec![std::sync::Arc::new(crate::imaging::RgbImage::new(8, 8))],
            trial: None,
            most: 1,
            accelerate: true,
            time: Duration::from_secs(1),
        };
        let error = run(&request, &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(error.contains("such.onnx"), "{error}");
    }
}
