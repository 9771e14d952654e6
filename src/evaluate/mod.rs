//! Models on labelled pictures: any number of models on one dataset, with progress, cancelling and partial results.

mod compare;
mod gathered;
mod labels;
mod lane;
mod pictures;
mod plan;
mod results_file;
mod run;
mod scene_set;

pub use plan::{
    Cancel, EVALUATION_IOU, EvaluateError, EvaluationPlan, LabelledPictures, ModelToEvaluate, Progress, Speed,
};
pub use run::run;
pub use scene_set::{RenderedSet, SceneSet, render};

use crate::imaging::ImageSize;
use crate::inference::Acceleration;
use crate::metrics::{AccuracyReport, AgreementReport, CocoFigures};
use crate::runtime::MachineInfo;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What an evaluation found; complete, or what there was when it was cancelled.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// When it began, seconds since 1970 UTC.
    pub begun: u64,
    /// Where it ran.
    pub machine: MachineInfo,
    /// Version of this program and of ONNX Runtime.
    pub versions: Versions,
    /// What was asked for.
    pub settings: EvaluationSettings,
    /// The labelled pictures.
    pub dataset: DatasetFacts,
    /// A result a model, in the order asked for; the first one is the reference of the others.
    pub models: Vec<ModelEvaluation>,
    /// The others against the first model.
    pub agreement: Vec<ComparedWithReference>,
    /// The pictures on which the models differ most, worst first.
    pub differences: Vec<PictureDifference>,
    /// Whether every picture was evaluated with every model.
    pub complete: bool,
    /// Time from the first picture to the last, without loading, seconds.
    pub seconds: f64,
}

/// Versions of what took part.
#[derive(Clone, Debug, Serialize)]
pub struct Versions {
    /// This program.
    pub quantscope: String,
    /// ONNX Runtime.
    pub onnxruntime: String,
}

impl Versions {
    /// Those of this run; "not found" where there is no ONNX Runtime.
    pub fn of_this_run() -> Self {
        let library = crate::runtime::initialize().map(|library| library.version.clone());
        Self {
            quantscope: env!("CARGO_PKG_VERSION").to_owned(),
            onnxruntime: library.unwrap_or_else(|_| "not found".to_owned()),
        }
    }
}

/// What an evaluation was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct EvaluationSettings {
    /// Confidence threshold of agreement and of the gallery; AP uses every score from 0.001 up.
    pub confidence: f32,
    /// IoU threshold of the non-maximum suppression.
    pub iou: f32,
    /// Lowest score of a box that counts for AP.
    pub score_floor: f32,
    /// Boxes of a class that count for AP on a picture, best first; pycocotools counts so, too.
    pub boxes_a_picture: usize,
    /// Threads ONNX Runtime uses inside one operator.
    pub threads: usize,
    /// Pictures that are worked on beside each other, each with sessions of its own.
    pub lanes: usize,
    /// At most this many pictures, if not all.
    pub limit: Option<usize>,
    /// The command line that repeats it.
    pub command: String,
}

/// What is said of the dataset.
#[derive(Clone, Debug, Serialize)]
pub struct DatasetFacts {
    /// The file or folder, or the demo scene in words.
    #[serde(serialize_with = "path_as_text")]
    pub path: PathBuf,
    /// Whether there are labels; without them only agreement can be told.
    pub labelled: bool,
    /// Pictures evaluated.
    pub images: usize,
    /// Objects in them.
    pub boxes: usize,
    /// Classes that it declares.
    pub classes: usize,
    /// How many entries were wrong, by kind, with the first sentences.
    pub problems: Vec<CountedProblem>,
}

impl DatasetFacts {
    /// How many objects there are, or that there are no labels.
    pub fn objects_in_words(&self) -> String {
        if self.labelled { format!("{} objects", self.boxes) } else { "no labels".to_owned() }
    }
}

/// Wrong entries of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct CountedProblem {
    /// The kind.
    pub kind: crate::dataset::ProblemKind,
    /// How many.
    pub count: usize,
    /// The first few, as sentences.
    pub examples: Vec<String>,
}

/// What was found of one model.
#[derive(Clone, Debug, Serialize)]
pub struct ModelEvaluation {
    /// The file.
    #[serde(serialize_with = "path_as_text")]
    pub path: PathBuf,
    /// `fp32`, `fp16`, `int8`, `mixed`.
    pub precision: String,
    /// As the window writes it: `INT8 (QDQ)`.
    pub numbers: String,
    /// Size of the file and its external data.
    pub bytes: u64,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Threads ONNX Runtime uses inside one operator.
    pub threads: usize,
    /// What became of the wish for a faster session.
    pub acceleration: Acceleration,
    /// Pictures evaluated so far.
    pub pictures: usize,
    /// The twelve figures; `ap`, `ap50` … stand beside the path in json.
    #[serde(flatten)]
    pub coco: CocoFigures,
    /// Everything else about accuracy; none while nothing is done.
    pub accuracy: Option<AccuracyReport>,
    /// Time a picture in this evaluation, preprocessing to NMS, milliseconds. Lanes ran beside each other: the bench
    /// measures fairly.
    pub latency_ms: Quantiles,
    /// Pictures a second, all threads of the evaluation together.
    pub pictures_per_second: f64,
    /// Classes of the dataset that the model does not know by name, left out of its figures.
    pub unmatched_dataset_classes: Vec<String>,
    /// Classes of the model that the dataset does not know by name.
    pub unmatched_model_classes: Vec<String>,
    /// What the user should know of it, such as labels that do not fit.
    pub warnings: Vec<String>,
    /// Why it stopped early, if it did.
    pub error: Option<String>,
}

/// Quantiles in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// Median.
    pub p50: f32,
    /// 95th percentile.
    pub p95: f32,
    /// 99th percentile.
    pub p99: f32,
}

/// A candidate against the reference.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedWithReference {
    /// Index of the reference in `models`.
    pub reference: usize,
    /// Index of the candidate.
    pub candidate: usize,
    /// Over all pictures.
    #[serde(flatten)]
    pub figures: crate::metrics::AgreementFigures,
    /// Per class, with the interval.
    pub details: AgreementReport,
    /// AP of the candidate less that of the reference.
    pub ap_difference: Option<f64>,
    /// Interval of that difference in 95 of 100 resamplings of the pictures; none where it was not computed.
    pub ap_difference_interval: Option<[f64; 2]>,
    /// What can be said of that difference, in words; none where there is none.
    pub ap_verdict: Option<String>,
}

/// A picture on which models differ.
#[derive(Clone, Debug, Serialize)]
pub struct PictureDifference {
    /// The picture.
    #[serde(serialize_with = "path_as_text")]
    pub path: PathBuf,
    /// Its size.
    #[serde(skip)]
    pub size: ImageSize,
    /// Index of the candidate that differs from the reference.
    pub candidate: usize,
    /// Boxes that only one of the two has.
    pub different_boxes: usize,
    /// Boxes that both have.
    pub same_boxes: usize,
    /// What is really there.
    pub truth: Vec<NamedBox>,
    /// Boxes of the reference above the confidence threshold.
    pub reference_boxes: Vec<NamedBox>,
    /// Boxes of the candidate above it.
    pub candidate_boxes: Vec<NamedBox>,
}

/// A box to draw.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamedBox {
    /// Class.
    pub label: String,
    /// Number of the class in its list, for the colour.
    pub class_id: u32,
    /// 0…1; none for a true box.
    pub score: Option<f32>,
    /// Left, top, right, bottom in pixels of the picture.
    #[serde(rename = "box")]
    pub rect: [f32; 4],
    /// Whether the other side has it too (a true box: whether both models found it).
    pub matched: bool,
}

/// Writes a path into json, which has no text but Unicode: what is none is replaced, so that one odd name does not cost
/// the whole result.
///
/// # Errors
///
/// Those of the serializer.
pub fn path_as_text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}
