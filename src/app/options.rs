//! What the window is given when it starts: wishes from the command line, and the outside world as functions, so
//! that tests can play it.

use super::dialogs::{self, DialogKind, Picked};
use super::label::{self, Propose};
use super::probe_job::{self, ProbeRequest, ProbeRow};
use super::quantize::{self, QuantizeFailure, QuantizeJob, QuantizeTalk};
use super::thread_job;
use crate::benchmark::{self, AdviceRequest, ThreadAdvice};
use crate::capture::{CameraBackend, SourceSpec};
use crate::evaluate::{self, Cancel, Evaluation, EvaluationPlan, Progress as EvaluationProgress};
use crate::imaging::ImageSize;
use crate::inference::ModelOverrides;
use crate::inference::probe::Progress;
use crate::inference::trial::Trial;
use crate::runtime::catalog::{Catalog, CatalogError, ModelStore};
use crossbeam_channel::Receiver;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What the command line asks for. Whatever is missing comes from the settings, and after those from the defaults.
#[derive(Clone, Debug, Default)]
pub struct StartOptions {
    /// Model of lane A.
    pub model_a: Option<PathBuf>,
    /// Model of lane B.
    pub model_b: Option<PathBuf>,
    /// A card and labels for the models named above.
    pub overrides: ModelOverrides,
    /// What to watch.
    pub source: Option<SourceSpec>,
    /// Lowest score shown, 0…1.
    pub confidence: Option<f32>,
    /// IoU above which the weaker of two boxes is dropped, 0…1.
    pub iou: Option<f32>,
    /// Threads ONNX Runtime uses inside one operator.
    pub threads: Option<usize>,
    /// Threads are measured, whatever was set before.
    pub measure_threads: bool,
    /// Frames that the agreement of two models looks back over.
    pub agreement_frames: Option<usize>,
    /// Whether quantized models are to run as ONNX Runtime does by itself, whatever the settings say.
    pub plain_sessions: bool,
    /// The library that reads cameras.
    pub camera_backend: CameraBackend,
    /// The models that come with the program, by [`crate::pipeline::LaneId::index`].
    pub default_models: [Option<PathBuf>; 2],
    /// Folder of the settings file; none: the user's own, or what QUANTSCOPE_CONFIG_DIR says.
    pub config_dir: Option<PathBuf>,
    /// Folder of saved pictures; none: `quantscope` in the user's pictures.
    pub snapshot_dir: Option<PathBuf>,
    /// Warnings and errors of the whole program, as they are logged: level and text.
    pub log: Option<Receiver<(tracing::Level, String)>>,
    /// When the program started, for the time until the first boxes.
    pub started_at: Option<Instant>,
}

/// One camera as the source menu shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraChoice {
    /// Its number, as in `camera:N`.
    pub number: u32,
    /// Its name for people.
    pub name: String,
    /// What it can give; may be empty when it does not tell.
    pub formats: Vec<CameraFormatChoice>,
}

/// One format on offer.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraFormatChoice {
    /// FourCC such as `YUYV` or `MJPG`.
    pub fourcc: String,
    /// Size of its pictures.
    pub size: ImageSize,
    /// Frames a second on offer.
    pub rates: Vec<f64>,
}

/// A model's counterpart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwinChoice {
    /// Its file.
    pub path: PathBuf,
    /// What the counterpart is.
    pub role: TwinRole,
}

/// What a counterpart is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TwinRole {
    /// The quantized one: the file asked about is full precision.
    Quantized,
    /// The full-precision one: the file asked about is quantized.
    FullPrecision,
}

/// One file of a family of models: the same network in another precision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its file.
    pub path: PathBuf,
    /// Whether it is named as a quantized model.
    pub quantized: bool,
    /// What tells it from its relatives, as `qat`; the precision where the name says nothing.
    pub ending: Option<String>,
}

/// Looks for the family of a model file, full precision first.
pub type FindFamily = Arc<dyn Fn(&Path) -> Vec<Variant> + Send + Sync>;
/// Asks the system for its cameras.
pub type ListCameras = Arc<dyn Fn() -> Vec<CameraChoice> + Send + Sync>;
/// Looks for the counterpart of a model file.
pub type FindTwin = Arc<dyn Fn(&Path) -> Option<TwinChoice> + Send + Sync>;
/// Asks a person for a path, with the system's own dialog.
pub type PickPath = Arc<dyn Fn(&DialogKind) -> Picked + Send + Sync>;

/// Opens the catalog and the folder that its models are kept in.
pub type OpenCatalog = Arc<dyn Fn() -> Result<(Catalog, ModelStore), CatalogError> + Send + Sync>;
/// Tries the usual preprocessings of a model; None when it was told to break off.
pub type Probe = Arc<
    dyn Fn(&ProbeRequest, &mut dyn FnMut(Progress) -> ControlFlow<()>) -> Result<Option<Vec<ProbeRow>>, String>
        + Send
        + Sync,
>;

/// Looks for the best number of threads of a model; None when it was told to break off.
pub type Advise = Arc<
    dyn Fn(
            &AdviceRequest,
            &mut dyn FnMut(benchmark::Progress) -> ControlFlow<()>,
        ) -> Result<Option<ThreadAdvice>, String>
        + Send
        + Sync,
>;

/// Evaluates models on labelled pictures, telling how far it is; why it failed is a sentence.
pub type Evaluate = Arc<
    dyn Fn(&EvaluationPlan, &Cancel, &mut dyn FnMut(EvaluationProgress)) -> Result<Evaluation, String> + Send + Sync,
>;

/// Quantizes a model and makes further ones for as long as some are asked for; why there is none at all.
pub type Quantize = Arc<dyn Fn(&QuantizeJob, &mut dyn QuantizeTalk) -> Result<(), QuantizeFailure> + Send + Sync>;

/// The outside world. Each function may take its time: it is called on a thread of its own, never on the window's.
#[derive(Clone)]
pub struct Services {
    /// Asks the system for its cameras.
    pub list_cameras: ListCameras,
    /// Looks for the counterpart of a model file.
    pub find_twin: FindTwin,
    /// Looks for the family of a model file; none: every model stands alone.
    pub find_family: Option<FindFamily>,
    /// Asks a person for a path, with the system's own dialog.
    pub pick_path: PickPath,
    /// Opens the catalog and the folder that its models are kept in.
    pub open_catalog: OpenCatalog,
    /// Tries the usual preprocessings of a model.
    pub probe: Probe,
    /// Looks for the best number of threads of a model.
    pub advise: Advise,
    /// Evaluates models on labelled pictures.
    pub evaluate: Evaluate,
    /// Quantizes a model.
    pub quantize: Quantize,
    /// Lets a model propose boxes on pictures that are labelled.
    pub propose: Propose,
    /// Tries each model to be evaluated or quantized in a process of its own first; none skips that.
    pub trial: Option<Trial>,
}

impl Services {
    /// Services with the system's file dialogs, the program's catalog and the user's own folder of models.
    pub fn new(
        list_cameras: impl Fn() -> Vec<CameraChoice> + Send + Sync + 'static,
        find_twin: impl Fn(&Path) -> Option<TwinChoice> + Send + Sync + 'static,
    ) -> Self {
        Self {
            list_cameras: Arc::new(list_cameras),
            find_twin: Arc::new(find_twin),
            find_family: None,
            pick_path: Arc::new(dialogs::native),
            open_catalog: Arc::new(|| Ok((Catalog::built_in()?, ModelStore::of_environment()?))),
            probe: Arc::new(probe_job::run),
            advise: Arc::new(thread_job::run),
            evaluate: Arc::new(run_evaluation),
            quantize: Arc::new(quantize::run),
            propose: Arc::new(label::propose),
            trial: None,
        }
    }

    /// The same with a search for families of models.
    #[must_use]
    pub fn with_families(self, find_family: impl Fn(&Path) -> Vec<Variant> + Send + Sync + 'static) -> Self {
        Self { find_family: Some(Arc::new(find_family)), ..self }
    }

    /// The same with a trial of models before they are evaluated.
    #[must_use]
    pub fn with_trial(self, trial: Option<Trial>) -> Self {
        Self { trial, ..self }
    }
}

fn run_evaluation(
    plan: &EvaluationPlan,
    cancel: &Cancel,
    tell: &mut dyn FnMut(EvaluationProgress),
) -> Result<Evaluation, String> {
    let run = || evaluate::run(plan, cancel, tell).map_err(|error| error.to_string());
    let broken = |_| Err("the evaluation broke off inside the runtime. Try again with fewer models".to_owned());
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(broken)
}
