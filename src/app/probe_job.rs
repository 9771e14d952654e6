//! The search for a model's preprocessing on the frame in view, on a thread of its own.

use crate::imaging::RgbImage;
use crate::inference::probe::{self, Feeding, Progress};
use crate::inference::{Detector, LoadOptions, ModelOverrides, SessionOptions};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Width of the small pictures.
const PICTURE_WIDTH: u32 = 320;

/// What to search.
#[derive(Clone, Debug)]
pub struct ProbeRequest {
    /// The model.
    pub path: PathBuf,
    /// What the person gave with it.
    pub overrides: ModelOverrides,
    /// Threads inside one operator.
    pub threads: usize,
    /// Whether the model is made faster when it is loaded.
    pub accelerate: bool,
    /// The frame.
    pub picture: Arc<RgbImage>,
    /// Boxes from this score up are drawn and counted.
    pub confidence: f32,
}

/// One preprocessing that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeRow {
    /// How the model was fed.
    pub feeding: Feeding,
    /// Whether the model takes bytes.
    pub bytes: bool,
    /// About the number of objects that are found surely and steadily.
    pub score: f32,
    /// Boxes that are drawn.
    pub boxes: usize,
    /// The frame with its boxes.
    pub picture: RgbImage,
}

/// What window and thread see of each other.
#[derive(Debug, Default)]
pub struct ProbeWatch {
    done: AtomicUsize,
    of: AtomicUsize,
    cancelled: AtomicBool,
}

impl ProbeWatch {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        Progress { done: self.done.load(Ordering::Relaxed), of: self.of.load(Ordering::Relaxed) }
    }

    /// Breaks it off before the next preprocessing.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Notes how far it is; says whether to go on.
    pub fn note(&self, progress: Progress) -> ControlFlow<()> {
        self.done.store(progress.done, Ordering::Relaxed);
        self.of.store(progress.of, Ordering::Relaxed);
        if self.cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Loads the model once more, beside the running one, and tries it. None when it was broken off.
///
/// # Errors
///
/// A sentence.
pub fn run(
    request: &ProbeRequest,
    tell: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<Vec<ProbeRow>>, String> {
    let search = || search(request, tell);
    catch_unwind(AssertUnwindSafe(search)).unwrap_or_else(|_| Err("the search broke off inside the runtime".to_owned()))
}

fn search(
    request: &ProbeRequest,
    tell: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<Vec<ProbeRow>>, String> {
    let session =
        SessionOptions { threads: request.threads, accelerate: request.accelerate, ..SessionOptions::default() };
    let options = LoadOptions { session, overrides: request.overrides.clone() };
    // It runs already, so it came through its trial.
    let loaded = Detector::load(&request.path, &options, None, &mut |_| {});
    let mut detector = loaded.map_err(|error| error.to_string())?;
    let tried = probe::run(&mut detector, &[&request.picture], tell).map_err(|error| error.to_string())?;
    let (bytes, info) = (detector.takes_bytes(), detector.info());
    let row = |tried: probe::Tried| {
        let found = tried.found.first().map(Vec::as_slice).unwrap_or_default();
        let picture = probe::small_picture(&request.picture, found, &info.card, PICTURE_WIDTH, request.confidence);
        let boxes = found.iter().filter(|found| found.score >= request.confidence).count();
        ProbeRow { feeding: tried.feeding, bytes, score: tried.score, boxes, picture }
    };
    Ok(tried.map(|tried| tried.into_iter().map(row).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_can_be_watched_and_broken_off() {
        let watch = ProbeWatch::default();
        assert!(watch.note(Progress { done: 3, of: 30 }).is_continue());
        assert_eq!(watch.progress(), Progress { done: 3, of: 30 });
        watch.cancel();
        assert!(watch.note(Progress { done: 4, of: 30 }).is_break());
    }

    #[test]
    fn a_model_that_is_gone_is_told_by_name() {
        let request = ProbeRequest {
            path: "/no/such.onnx".into(),
            overrides: ModelOverrides::default(),
            threads: 1,
            accelerate: true,
            picture: Arc::new(RgbImage::new(8, 8)),
            confidence: 0.25,
        };
        let error = run(&request, &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(error.contains("such.onnx"), "{error}");
    }
}
