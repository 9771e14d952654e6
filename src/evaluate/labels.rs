//! Reading the labels, or making them, on a thread of its own: a slow disk must not hold up a cancel.

use super::scene_set::{SceneSet, render};
use super::{Cancel, EvaluateError, EvaluationPlan, LabelledPictures, Progress};
use crate::dataset::{Dataset, DatasetError, OpenOptions};
use crate::pipeline::NamedThread;
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use std::time::Duration;

/// How often it is looked whether to stop.
const TICK: Duration = Duration::from_millis(50);

enum Message {
    Progress(Progress),
    Done(Result<Dataset, EvaluateError>),
}

/// The dataset of a plan.
pub(super) fn read(
    plan: &EvaluationPlan,
    cancel: &Cancel,
    tell: &mut dyn FnMut(Progress),
) -> Result<Dataset, EvaluateError> {
    let (sender, messages) = bounded(4);
    let (pictures, models, cancelled) = (plan.pictures.clone(), plan.models.len(), cancel.clone());
    let body = move || {
        let outcome = open(&pictures, models, &cancelled, &sender);
        let _ = sender.send(Message::Done(outcome));
    };
    let broke_off = |reason: String| EvaluateError::Threads(reason);
    let mut thread = NamedThread::spawn("read-labels", body).map_err(|error| broke_off(error.to_string()))?;
    loop {
        if cancel.is_cancelled() {
            thread.set_patience(TICK);
            return Err(EvaluateError::Cancelled);
        }
        match messages.recv_timeout(TICK) {
            Ok(Message::Progress(progress)) => tell(progress),
            Ok(Message::Done(outcome)) => return outcome,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(broke_off("reading the labels failed".to_owned())),
        }
    }
}

fn open(
    pictures: &LabelledPictures,
    models: usize,
    cancel: &Cancel,
    out: &Sender<Message>,
) -> Result<Dataset, EvaluateError> {
    let (path, options) = match pictures {
        LabelledPictures::Files { path, images, split } => {
            (path.clone(), OpenOptions { images: images.clone(), split: split.clone() })
        }
        LabelledPictures::Scene { folder, seed, count, size } => {
            let set = SceneSet { seed: *seed, count: *count as u64, size: *size, ..SceneSet::default() };
            let tell = &mut |done: u64| {
                let progress = Progress::Rendering { done: done as usize, total: *count };
                let _ = out.try_send(Message::Progress(progress));
                !cancel.is_cancelled()
            };
            (render(folder, &set, tell)?.json, OpenOptions::default())
        }
    };
    let _ = out.send(Message::Progress(Progress::ReadingLabels));
    match Dataset::open_with(&path, &options) {
        // Models can be compared with each other without labels.
        Err(DatasetError::NoLabels { path, .. }) if models > 1 => Ok(Dataset::without_labels(&path)?),
        Err(DatasetError::NoLabels { path, pictures }) => Err(EvaluateError::NothingToCompareWith { path, pictures }),
        opened => Ok(opened?),
    }
}
