//! What is to be evaluated, how it is stopped, and what is told meanwhile.

use super::{DatasetFacts, Evaluation};
use crate::imaging::ImageSize;
use crate::inference::trial::Trial;
use crate::inference::{CardSource, LoadStage, ModelOverrides, Thresholds};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Overlap above which the weaker of two boxes of a class is dropped, where none is asked for. COCO's figures of
/// detectors are usually given at 0.65, since a stricter suppression costs recall where objects stand close; the live
/// view's 0.45 is made for the eye.
pub const EVALUATION_IOU: f32 = 0.65;

/// What is to be evaluated.
#[derive(Clone, Debug)]
pub struct EvaluationPlan {
    /// The labelled pictures.
    pub pictures: LabelledPictures,
    /// The models; the first one is the reference of the others.
    pub models: Vec<ModelToEvaluate>,
    /// Confidence of agreement and gallery, and IoU of the suppression for all figures.
    pub thresholds: Thresholds,
    /// At most this many pictures, the first ones.
    pub limit: Option<usize>,
    /// Threads inside one operator; none: one, which is the fastest way to many pictures.
    pub threads: Option<usize>,
    /// Pictures that are worked on beside each other; none: as many as keep all cores busy and fit into the memory.
    pub lanes: Option<usize>,
    /// Whether quantized models are made faster where their outputs stay the same.
    pub accelerate: bool,
    /// Tries each model in a process of its own first; none skips that.
    pub trial: Option<Trial>,
    /// Folder for a file of detections a model (COCO's form of results), also while it runs; none writes none.
    pub detections_to: Option<PathBuf>,
}

/// Where labelled pictures come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelledPictures {
    /// From files.
    Files {
        /// A COCO json, a YOLO yaml, a folder of VOC xml; or, for several models, a folder of pictures without labels, of
        /// which only agreement can be told.
        path: PathBuf,
        /// Where the pictures lie, if not where the labels say.
        images: Option<PathBuf>,
        /// Which part of a YOLO dataset: `val`, `train`, `test`.
        split: Option<String>,
    },
    /// From the demo scene, rendered before into a folder.
    Scene {
        /// The folder; made if it does not exist.
        folder: PathBuf,
        /// Equal seeds give equal pictures.
        seed: u64,
        /// How many.
        count: usize,
        /// How large.
        size: ImageSize,
    },
}

impl LabelledPictures {
    /// What they are called: what was opened, or the demo scene with what decides its pictures.
    pub(super) fn name(&self, opened: &Path) -> PathBuf {
        match self {
            Self::Files { .. } => opened.to_owned(),
            Self::Scene { seed, size, .. } => {
                PathBuf::from(format!("demo scene, seed {seed}, {}x{}", size.width, size.height))
            }
        }
    }
}

/// A model with what was given for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelToEvaluate {
    /// The file.
    pub path: PathBuf,
    /// A card and labels instead of what would be found.
    pub overrides: ModelOverrides,
}

impl<P: Into<PathBuf>> From<P> for ModelToEvaluate {
    fn from(path: P) -> Self {
        Self { path: path.into(), overrides: ModelOverrides::default() }
    }
}

impl EvaluationPlan {
    /// Models on pictures, everything else as usual.
    pub fn new(pictures: LabelledPictures, models: Vec<ModelToEvaluate>) -> Self {
        let thresholds = Thresholds { iou: EVALUATION_IOU, ..Thresholds::default() };
        Self {
            pictures,
            models,
            thresholds,
            limit: None,
            threads: None,
            lanes: None,
            accelerate: true,
            trial: None,
            detections_to: None,
        }
    }

    /// The command that does the same in a terminal. A card that was put together in the window has to be saved first.
    pub fn command(&self) -> String {
        let mut text = "quantscope eval".to_owned();
        let mut add = |flag: &str, value: &str| {
            let _ = write!(text, "{}{flag} {}", if flag.is_empty() { "" } else { " " }, quoted(value));
        };
        let shown = |path: &Path| path.display().to_string();
        match &self.pictures {
            LabelledPictures::Files { path, images, split } => {
                add("", &shown(path));
                images.iter().for_each(|folder| add("--images", &shown(folder)));
                split.iter().for_each(|name| add("--split", name));
            }
            LabelledPictures::Scene { seed, count, size, .. } => {
                add("", "demo");
                add("--count", &count.to_string());
                add("--seed", &seed.to_string());
                add("--size", &format!("{}x{}", size.width, size.height));
            }
        }
        self.models.iter().for_each(|model| add("--model", &shown(&model.path)));
        if let Some(first) = self.models.first() {
            if let Some(CardSource::File(card)) = &first.overrides.card {
                add("--card", &shown(card));
            }
            first.overrides.labels.iter().for_each(|labels| add("--labels", &shown(labels)));
        }
        add("--confidence", &self.thresholds.confidence.to_string());
        add("--iou", &self.thresholds.iou.to_string());
        for (flag, value) in [("--limit", self.limit), ("--threads", self.threads), ("--lanes", self.lanes)] {
            value.iter().for_each(|value| add(flag, &value.to_string()));
        }
        text
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Stops an evaluation from another thread; what was found until then is kept.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks it to stop. May be called at any time and again.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// How far an evaluation is.
#[derive(Clone, Debug)]
pub enum Progress {
    /// Pictures of the scene are being rendered.
    Rendering {
        /// How many are done.
        done: usize,
        /// How many there will be.
        total: usize,
    },
    /// The labels are being read.
    ReadingLabels,
    /// They are read.
    Dataset(DatasetFacts),
    /// A model is being loaded.
    Loading {
        /// Its index.
        model: usize,
        /// How far it is.
        stage: LoadStage,
    },
    /// A model is left out from here on; the others go on.
    ModelFailed {
        /// Its index.
        model: usize,
        /// Why, and what to do.
        message: String,
    },
    /// Pictures are being evaluated; at most ten times a second.
    Running(Speed),
    /// The figures so far, now and then. Intervals are left out, they take time.
    Partial(Box<Evaluation>),
    /// All pictures are done, or it was cancelled; the figures are being computed.
    Summing,
}

/// How fast it goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speed {
    /// Pictures done by each model.
    pub done: Vec<usize>,
    /// Pictures to do.
    pub total: usize,
    /// Pictures a second, each with all models; none in the beginning.
    pub pictures_per_second: Option<f32>,
    /// Time left at that rate.
    pub left: Option<Duration>,
}

/// Why there is nothing to evaluate.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] crate::dataset::DatasetError),
    /// No model was named.
    #[error("there is no model to evaluate: name at least one")]
    NoModels,
    /// Pictures without labels, and a single model.
    #[error(
        "{path} is a folder of {pictures} pictures without labels: there is nothing to compare one model with. Name the \
         file of their labels, or a second model to see how far both agree"
    )]
    NothingToCompareWith {
        /// The folder.
        path: PathBuf,
        /// Pictures in it.
        pictures: usize,
    },
    /// A file of detections cannot be written.
    #[error("{path}: detections cannot be written: {reason}. Free some space or name another folder")]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Pictures of the scene cannot be written.
    #[error("{path}: pictures of the scene cannot be written: {reason}. Free some space or name another folder")]
    SceneUnwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The operating system gives no thread, or one broke off.
    #[error("the evaluation broke off: {0}. Try again with fewer lanes")]
    Threads(String),
    /// It was cancelled before the first picture was done.
    #[error("cancelled before there was anything to show")]
    Cancelled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_repeats_the_plan() {
        let files = LabelledPictures::Files {
            path: "my data/instances.json".into(),
            images: Some("it's/here".into()),
            split: Some("val".into()),
        };
        let plan =
            EvaluationPlan { limit: Some(7), ..EvaluationPlan::new(files, vec!["a.onnx".into(), "b.onnx".into()]) };
        assert_eq!(
            plan.command(),
            r"quantscope eval 'my data/instances.json' --images 'it'\''s/here' --split val --model a.onnx --model b.onnx --confidence 0.25 --iou 0.65 --limit 7"
        );
        let scene = LabelledPictures::Scene { folder: "x".into(), seed: 3, count: 20, size: ImageSize::new(320, 240) };
        let plan =
            EvaluationPlan { lanes: Some(2), threads: Some(1), ..EvaluationPlan::new(scene, vec!["a.onnx".into()]) };
        assert_eq!(
            plan.command(),
            "quantscope eval demo --count 20 --seed 3 --size 320x240 --model a.onnx --confidence 0.25 --iou 0.65 --threads 1 --lanes 2"
        );
    }
}
