//! An evaluation under way: what the thread that evaluates and the window see of each other.

use crate::evaluate::{Cancel, DatasetFacts, Evaluation, Progress, Speed};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Labelled pictures that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatasetChoice {
    /// Pictures of the demo scene, rendered for this purpose.
    Scene,
    /// A COCO json, a YOLO yaml, or a folder.
    Path(PathBuf),
}

/// What the evaluation does at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// It waits for its turn.
    #[default]
    Waiting,
    /// Pictures of the scene are rendered.
    Rendering {
        /// How many are done.
        done: usize,
        /// How many there will be.
        total: usize,
    },
    /// Labels are read.
    Reading,
    /// Models are loaded: which one of them.
    Loading(usize),
    /// Models detect.
    Detecting,
    /// Figures are computed from what was detected.
    Counting,
}

/// How far an evaluation is.
#[derive(Clone, Debug, Default)]
pub struct RunView {
    /// What it does.
    pub step: Step,
    /// Pictures done, and how fast.
    pub speed: Speed,
    /// What is known of the data set.
    pub dataset: Option<DatasetFacts>,
    /// Why models were left out, by their index.
    pub failed: Vec<(usize, String)>,
    /// The figures so far.
    pub partial: Option<Arc<Evaluation>>,
}

impl RunView {
    /// Takes in what was told.
    pub fn take(&mut self, progress: Progress) {
        match progress {
            Progress::Rendering { done, total } => self.step = Step::Rendering { done, total },
            Progress::ReadingLabels => self.step = Step::Reading,
            Progress::Dataset(facts) => self.dataset = Some(facts),
            Progress::Loading { model, .. } => self.step = Step::Loading(model),
            Progress::ModelFailed { model, message } => self.failed.push((model, message)),
            Progress::Running(speed) => (self.step, self.speed) = (Step::Detecting, speed),
            Progress::Partial(evaluation) => self.partial = Some(Arc::new(*evaluation)),
            Progress::Summing => self.step = Step::Counting,
        }
    }

    /// Why a model was left out.
    pub fn failure(&self, model: usize) -> Option<&str> {
        self.failed.iter().find(|(index, _)| *index == model).map(|(_, message)| message.as_str())
    }
}

/// What window and thread see of each other. A cell and not messages: however often it changes, it takes no place from
/// what is told once.
#[derive(Debug, Default)]
pub struct RunWatch {
    view: Mutex<RunView>,
    cancel: Cancel,
}

impl RunWatch {
    /// How far it is.
    pub fn view(&self) -> RunView {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in what was told.
    pub fn take(&self, progress: Progress) {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).take(progress);
    }

    /// Stops it.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::evaluate::test_support::evaluation;
    use crate::inference::LoadStage;

    #[test]
    fn what_is_told_one_after_the_other_is_seen_together() {
        let watch = RunWatch::default();
        assert_eq!(watch.view().step, Step::Waiting);
        watch.take(Progress::ReadingLabels);
        watch.take(Progress::Dataset(evaluation().dataset));
        watch.take(Progress::Loading { model: 1, stage: LoadStage::Trying });
        assert_eq!(watch.view().step, Step::Loading(1));
        watch.take(Progress::ModelFailed { model: 1, message: "no detector".to_owned() });
        let speed = Speed { done: vec![3, 0], total: 9, ..Speed::default() };
        watch.take(Progress::Running(speed.clone()));
        watch.take(Progress::Partial(Box::new(evaluation())));
        let view = watch.view();
        assert_eq!((view.step, view.speed), (Step::Detecting, speed));
        assert_eq!(view.dataset.unwrap().images, 200);
        assert!(view.partial.is_some());
        watch.take(Progress::Summing);
        let view = watch.view();
        assert_eq!((view.step, view.failure(1), view.failure(0)), (Step::Counting, Some("no detector"), None));
        watch.cancel().cancel();
        assert!(watch.cancel().is_cancelled());
    }
}
