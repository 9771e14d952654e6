//! A lane of an evaluation: a thread with a session of every model, which takes one decoded picture after the other.

use super::ModelToEvaluate;
use super::gathered::BOXES_A_CLASS;
use super::pictures::Decoded;
use crate::inference::nms::Limits;
use crate::inference::trial::Trial;
use crate::inference::{Detection, Detector, LoadOptions, LoadStage, ModelInfo, SessionOptions, Thresholds};
use crate::runtime::catalog::sha256_of;
use crossbeam_channel::{Receiver, Sender};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Boxes looked at and given out a picture: so many that no figure depends on them, but for those of a class, of which no
/// more count. That bounds the time of the suppression, too.
const LIMITS: Limits = Limits { candidates: 100_000, detections: 30_000, of_a_class: BOXES_A_CLASS };

/// What a lane says.
pub(super) enum LaneEvent {
    /// How far the first load of a model is.
    Loading { model: usize, stage: LoadStage },
    /// The first load of a model is done.
    Loaded { outcome: Result<LoadedModel, String> },
    /// This lane has its copies and takes pictures from now on.
    Ready,
    /// A picture cannot be evaluated; why, as a sentence.
    Unreadable { picture: usize, reason: String },
    /// A model has looked at a picture.
    Looked { picture: usize, model: usize, outcome: Result<Looked, String> },
}

/// What is known of a model once it is loaded.
pub(super) struct LoadedModel {
    pub info: Arc<ModelInfo>,
    pub warnings: Vec<String>,
    pub sha256: String,
}

/// What a model sees in a picture, from the score floor up.
pub(super) struct Looked {
    pub detections: Vec<Detection>,
    pub time: Duration,
}

/// What a lane is to do.
pub(super) enum Order {
    Load(LoadOrder),
    /// All models are there: take pictures. A lane that is not told so by the end is not wanted.
    Start,
}

/// A model to load.
pub(super) struct LoadOrder {
    pub model: usize,
    pub what: ModelToEvaluate,
    /// Whether it is the first lane to load it, which tries it and tells what it is.
    pub first: Option<Option<Trial>>,
}

/// What all lanes of an evaluation share.
pub(super) struct Shared {
    pub threads: usize,
    pub accelerate: bool,
    pub thresholds: Thresholds,
    /// Nothing more is wanted.
    pub stop: AtomicBool,
    /// Models that failed and are left out.
    pub failed: Vec<AtomicBool>,
}

impl Shared {
    fn has_failed(&self, model: usize) -> bool {
        self.failed[model].load(Ordering::Relaxed)
    }

    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// The ends of a lane's channels.
pub(super) struct Ends {
    pub orders: Receiver<Order>,
    pub pictures: Receiver<Decoded>,
    pub events: Sender<LaneEvent>,
}

/// The body of a lane's thread. Ends when there are no more pictures, or nobody listens.
pub(super) fn run(shared: &Shared, ends: &Ends) {
    let mut detectors: Vec<(usize, Detector)> = Vec::new();
    let mut lacks: Vec<(usize, String)> = Vec::new();
    loop {
        let order = match ends.orders.recv() {
            Ok(Order::Load(order)) => order,
            Ok(Order::Start) => break,
            Err(_) => return,
        };
        if shared.stopped() {
            return;
        }
        match (load(shared, &order, &ends.events), &order.first) {
            (Ok(detector), Some(_)) => {
                let sha256 = sha256_of(&order.what.path).unwrap_or_default();
                let loaded = LoadedModel { info: detector.info(), warnings: detector.warnings().to_vec(), sha256 };
                detectors.push((order.model, detector));
                if ends.events.send(LaneEvent::Loaded { outcome: Ok(loaded) }).is_err() {
                    return;
                }
            }
            (Ok(detector), None) => detectors.push((order.model, detector)),
            (Err(message), Some(_)) => {
                let _ = ends.events.send(LaneEvent::Loaded { outcome: Err(message) });
            }
            (Err(message), None) => lacks.push((order.model, message)),
        }
    }
    // What the first lane could load and this one could not: it lacks memory, and the other lanes do the work.
    if let Some((_, message)) = lacks.iter().find(|(model, _)| !shared.has_failed(*model)) {
        tracing::warn!("an evaluation lane is left out: {message}");
        return;
    }
    if shared.stopped() || ends.events.send(LaneEvent::Ready).is_err() {
        return;
    }
    for picture in &ends.pictures {
        if shared.stopped() || !look_with_all(shared, &mut detectors, picture, &ends.events) {
            return;
        }
    }
}

fn load(shared: &Shared, order: &LoadOrder, events: &Sender<LaneEvent>) -> Result<Detector, String> {
    let session =
        SessionOptions { threads: shared.threads, accelerate: shared.accelerate, ..SessionOptions::default() };
    let options = LoadOptions { session, overrides: order.what.overrides.clone() };
    let trial = order.first.as_ref().and_then(Option::as_ref);
    let mut progress = |stage| {
        if order.first.is_some() {
            let _ = events.send(LaneEvent::Loading { model: order.model, stage });
        }
    };
    let path = &order.what.path;
    let guarded = catch_unwind(AssertUnwindSafe(|| Detector::load(path, &options, trial, &mut progress)));
    let mut detector = guarded.map_err(|_| broke_off(path))?.map_err(|error| error.to_string())?;
    detector.set_for_evaluation(LIMITS);
    Ok(detector)
}

fn broke_off(model: &Path) -> String {
    format!("{}: it broke off inside the runtime; the file may be damaged", model.display())
}

/// Shows a picture to every model that has not failed; false when nobody listens any more.
fn look_with_all(
    shared: &Shared,
    detectors: &mut [(usize, Detector)],
    picture: Decoded,
    events: &Sender<LaneEvent>,
) -> bool {
    let index = picture.index;
    let pixels = match picture.pixels {
        Ok(pixels) => pixels,
        Err(reason) => return events.send(LaneEvent::Unreadable { picture: index, reason }).is_ok(),
    };
    for (model, detector) in detectors {
        if shared.has_failed(*model) {
            continue;
        }
        if shared.stopped() {
            return false;
        }
        let mut detections = Vec::new();
        let look = || detector.detect(&pixels, shared.thresholds, &mut detections);
        let outcome = match catch_unwind(AssertUnwindSafe(look)) {
            Ok(Ok(timings)) => Ok(Looked { detections, time: timings.total() }),
            Ok(Err(error)) => Err(format!("{}: {error}", detector.info().path.display())),
            Err(_) => Err(broke_off(&detector.info().path)),
        };
        if outcome.is_err() {
            shared.failed[*model].store(true, Ordering::Relaxed);
        }
        if events.send(LaneEvent::Looked { picture: index, model: *model, outcome }).is_err() {
            return false;
        }
    }
    true
}
