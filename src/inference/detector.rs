//! A model ready to detect: preprocess → session → decode → NMS.

use super::accelerate::{self, Acceleration};
use super::heads::{DecodeContext, Decoder};
use super::nms::Limits;
use super::preprocess::{InputType, ModelInput, Preprocessor};
use super::recognize::{Recognition, RecognizeError, recognize, recognize_input, usual_size};
use super::session::{ModelSource, Session, SessionError, SessionOptions};
use super::trial::{Subject, Trial, TrialError};
use super::tuning::TunedBy;
use super::{
    Candidate, CardError, CardOverrides, CardSource, Detection, Evidence, InputRecognition, Item, LoadStage, ModelCard,
    ModelInfo, ModelOverrides, Postprocessor, StageTimings, Thresholds,
};
use crate::imaging::{Letterbox, RgbImage};
use crate::onnx::{self, Executed, OnnxError, Summary};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs before a model counts as loaded: the first ones allocate and are slow.
const WARM_UP_RUNS: usize = 2;
/// The grey of the picture a model is first tried on.
const TRIAL_GREY: u8 = 114;

/// Why a model is not ready to detect.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read as a model.
    #[error(transparent)]
    File(#[from] OnnxError),
    /// A sidecar or a label file is wrong.
    #[error(transparent)]
    Card(#[from] CardError),
    /// It is a model, but no detector that is known.
    #[error("{path}: {source}")]
    Recognize {
        /// The model.
        path: std::path::PathBuf,
        /// What is not known of it.
        source: RecognizeError,
    },
    /// There is no usable ONNX Runtime, or it refuses the model.
    #[error(transparent)]
    Session(SessionError),
    /// ONNX Runtime takes it, but it does not run.
    #[error("{path}: {source}")]
    Run {
        /// The model.
        path: std::path::PathBuf,
        /// What went wrong.
        source: SessionError,
    },
    /// It was tried in a process of its own and did not come through.
    #[error(transparent)]
    Trial(#[from] TrialError),
}

impl LoadError {
    /// Errors of a session, with the model's path where they do not name it themselves.
    fn of_session(path: &Path, error: SessionError) -> Self {
        match error {
            SessionError::Runtime(_) | SessionError::Environment { .. } | SessionError::Load { .. } => {
                Self::Session(error)
            }
            source => Self::Run { path: path.to_owned(), source },
        }
    }
}

/// How a model is loaded.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// How its session is built.
    pub session: SessionOptions,
    /// A card and labels given by the user.
    pub overrides: ModelOverrides,
}

/// A loaded model.
pub struct Detector {
    info: Arc<ModelInfo>,
    warnings: Vec<String>,
    preprocessor: Preprocessor,
    runner: Runner,
    input: ModelInput,
}

/// A model that was recognised and whose session is built.
pub struct Examined {
    /// What the file says of itself.
    pub summary: Summary,
    /// What it is taken for.
    pub recognition: Recognition,
    /// How it is fed.
    pub input: InputRecognition,
    /// What really runs in integers, where that is in question and was found out.
    pub executed: Option<Executed>,
    /// What became of the wish for a faster session.
    pub acceleration: Acceleration,
    /// The user's card, if there is one.
    pub set: Option<Arc<CardOverrides>>,
    session: Session,
}

/// Reads the model at `path`, tries it in a process of its own if there is a `trial`, builds its session, and
/// recognises it with the values of a first run.
///
/// # Errors
///
/// A sentence naming the file, the reason, and what to do.
pub fn examine(
    path: &Path,
    options: &LoadOptions,
    trial: Option<&Trial>,
    progress: &mut dyn FnMut(LoadStage),
) -> Result<Examined, LoadError> {
    progress(LoadStage::Reading);
    let model = onnx::read(path)?;
    let summary = onnx::summary(&model, path)?;
    let card = card_in_effect(path, &options.overrides)?;
    let unknown = |source| LoadError::Recognize { path: path.to_owned(), source };
    let input = recognize_input(&summary, card.as_ref()).map_err(unknown)?;
    let mut executed = None;
    if let Some(trial) = trial {
        progress(LoadStage::Trying);
        executed = trial.run(&Subject::new(path, &summary), options)?;
    }
    let moves_floats = accelerate::moves_floats(&model, &input);
    let relaxed = input.relaxed_from.is_some().then(|| onnx::relaxed(model, &input.name));
    progress(LoadStage::Building);
    let of_session = |error| LoadError::of_session(path, error);
    let source = relaxed.as_ref().map_or(ModelSource::File(path), |bytes| ModelSource::Memory(bytes, path));
    let (session, begun) = accelerate::begin(source, &summary, &input, moves_floats, &options.session)
        .map_err(|error| of_batch(&input, &error).map_or_else(|| of_session(error), unknown))?;
    let first = FirstRun { summary, card, labels: options.overrides.labels.as_deref(), input, session };
    let mut examined = first.run().map_err(|error| match error {
        FirstRunError::Session(error) => of_session(error),
        FirstRunError::Recognize(error) => unknown(error),
    })?;
    examined.take_note_of(executed);
    let Examined { session, input, recognition, .. } = &mut examined;
    examined.acceleration = begun.finish(session, input, &recognition.card);
    Ok(examined)
}

impl Examined {
    /// Adds what ONNX Runtime's optimizer made of the model to what is known of it.
    fn take_note_of(&mut self, executed: Option<Executed>) {
        let Some(counts) = executed else { return };
        let (summary, recognition) = (&self.summary, &mut self.recognition);
        let text = format!("after ONNX Runtime's optimizer {}", counts.in_words());
        recognition.evidence.push(Evidence::sure(Item::Precision, text));
        recognition.warnings.extend(counts.warning(summary.precision, &summary.quantization));
        self.executed = executed;
    }
}

/// The card that the user gave, else the sidecar.
fn card_in_effect(model: &Path, overrides: &ModelOverrides) -> Result<Option<CardOverrides>, CardError> {
    match &overrides.card {
        Some(CardSource::File(card)) => CardOverrides::read(card).map(Some),
        Some(CardSource::Given(card)) => card.check().map(|()| Some(CardOverrides::clone(card))),
        None => CardOverrides::beside(model),
    }
}

impl Detector {
    /// Loads the model at `path`: [`examine`], and a few runs to warm up.
    ///
    /// # Errors
    ///
    /// As [`examine`].
    pub fn load(
        path: &Path,
        options: &LoadOptions,
        trial: Option<&Trial>,
        progress: &mut dyn FnMut(LoadStage),
    ) -> Result<Self, LoadError> {
        let examined = examine(path, options, trial, progress)?;
        let mut detector = Self::assemble(path, options, examined);
        progress(LoadStage::WarmingUp);
        detector.warm_up().map_err(|error| LoadError::of_session(path, error))?;
        Ok(detector)
    }

    fn assemble(path: &Path, options: &LoadOptions, examined: Examined) -> Self {
        let Examined { summary, recognition, input, executed, acceleration, set, session } = examined;
        let Recognition { card, recognised, evidence, warnings, .. } = recognition;
        let preprocessor = Preprocessor::new(&card, input.dtype).entering(session.entrance());
        let input = preprocessor.new_input();
        let runner = Runner {
            session,
            decoder: Decoder::new(&card),
            postprocessor: Postprocessor::new(&card),
            candidates: Vec::new(),
        };
        let info = ModelInfo {
            path: path.to_owned(),
            bytes: summary.bytes,
            precision: summary.precision,
            quantization: summary.quantization,
            executed,
            acceleration,
            card,
            recognised,
            set,
            given: options.overrides.clone(),
            evidence,
            threads: options.session.threads,
            spinning: options.session.spinning,
            tuned_by: options.session.tuned_by.clone(),
            provider: "CPU".to_owned(),
        };
        Self { info: Arc::new(info), warnings, preprocessor, runner, input }
    }

    fn warm_up(&mut self) -> Result<(), SessionError> {
        let size = self.info.card.input_size;
        let grey = RgbImage::from_pixel(size.width, size.height, image::Rgb([TRIAL_GREY; 3]));
        for _ in 0..WARM_UP_RUNS {
            self.detect(&grey, Thresholds::default(), &mut Vec::new())?;
        }
        Ok(())
    }

    /// Says why its session uses the processor as it does.
    pub fn note_tuned_by(&mut self, tuned_by: TunedBy) {
        Arc::make_mut(&mut self.info).tuned_by = tuned_by;
    }

    /// What is known of the model.
    pub fn info(&self) -> Arc<ModelInfo> {
        Arc::clone(&self.info)
    }

    /// What the user should know of it, such as labels that do not fit.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Detects in one picture. `detections` is emptied first; best score first.
    ///
    /// # Errors
    ///
    /// When ONNX Runtime fails or the outputs are not those of the head.
    pub fn detect(
        &mut self,
        image: &RgbImage,
        thresholds: Thresholds,
        detections: &mut Vec<Detection>,
    ) -> Result<StageTimings, SessionError> {
        self.look(image, thresholds, thresholds.confidence, detections).map(|(timings, _)| timings)
    }

    /// The same, keeping what scores at least `score_floor` as [`Runner::candidates`]; also says how picture and input are
    /// mapped onto each other.
    ///
    /// # Errors
    ///
    /// As [`Detector::detect`].
    pub fn look(
        &mut self,
        image: &RgbImage,
        thresholds: Thresholds,
        score_floor: f32,
        detections: &mut Vec<Detection>,
    ) -> Result<(StageTimings, Letterbox), SessionError> {
        let begin = Instant::now();
        let letterbox = self.preprocessor.run(image, &mut self.input);
        let preprocess = begin.elapsed();
        let timings = self.runner.run(&self.input, &letterbox, thresholds, score_floor, detections)?;
        Ok((StageTimings { preprocess, ..timings }, letterbox))
    }

    /// From now on every class of a box is a candidate of its own and limits are others, as average precision wants it:
    /// of many low scores, too, it makes the end of its curve.
    pub fn set_for_evaluation(&mut self, limits: Limits) {
        self.runner.decoder.give_every_class();
        self.runner.postprocessor.set_limits(limits);
    }

    /// What the last picture gave before thresholds and NMS.
    pub fn candidates(&self) -> &[Candidate] {
        self.runner.candidates()
    }

    /// Feeds the model as `card` says from now on; everything but colour order, normalization, resize mode and padding is
    /// taken from its own card. The session stays.
    pub fn feed_as(&mut self, card: &ModelCard) {
        let own = &self.info.card;
        let card = ModelCard { head: own.head, input_size: own.input_size, layout: own.layout, ..card.clone() };
        let preprocessor = Preprocessor::new(&card, self.preprocessor.input_type());
        self.preprocessor = preprocessor.entering(self.runner.session.entrance());
        self.input = self.preprocessor.new_input();
    }

    /// Whether the model takes bytes, so that scale, mean and deviation do not apply.
    pub fn takes_bytes(&self) -> bool {
        matches!(self.preprocessor.input_type(), InputType::U8 | InputType::I8)
    }

    /// Time of `session.run` alone, on the input as it was left.
    ///
    /// # Errors
    ///
    /// When ONNX Runtime fails.
    pub fn time_session(&mut self) -> Result<Duration, SessionError> {
        let begin = Instant::now();
        self.runner.session.run(&self.input, |_, finished| finished.duration_since(begin))
    }

    /// See [`Session::end_profile`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn end_profile(&mut self) -> Result<std::path::PathBuf, SessionError> {
        self.runner.session.end_profile()
    }

    /// The part that fills inputs and the part that infers them, for two threads.
    pub fn into_parts(self) -> (Preprocessor, Runner) {
        (self.preprocessor, self.runner)
    }

    /// The same two parts, lent.
    pub fn parts_mut(&mut self) -> (&mut Preprocessor, &mut Runner) {
        (&mut self.preprocessor, &mut self.runner)
    }
}

enum FirstRunError {
    Session(SessionError),
    Recognize(RecognizeError),
}

/// The first run of a model, which shows what it is.
struct FirstRun<'a> {
    summary: Summary,
    card: Option<CardOverrides>,
    labels: Option<&'a Path>,
    input: InputRecognition,
    session: Session,
}

impl FirstRun<'_> {
    /// Runs the model once on a grey picture, at another size if it fails at one that was guessed, and recognises it with
    /// what came out.
    fn run(mut self) -> Result<Examined, FirstRunError> {
        let sizes = self.input.sizes_to_try(usual_size(&self.summary, &self.input));
        let mut first_error = None;
        for size in sizes {
            let input = self.input.at(size);
            match self.run_at(&input) {
                Ok(recognition) => {
                    let Self { summary, card, session, .. } = self;
                    let (recognition, set) = (recognition?, card.map(Arc::new));
                    let acceleration = Acceleration::Off;
                    return Ok(Examined { summary, recognition, input, executed: None, acceleration, set, session });
                }
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        // There is always a first size.
        let Some(error) = first_error else { return Err(FirstRunError::Recognize(RecognizeError::NoInputs)) };
        Err(of_batch(&self.input, &error).map_or_else(|| FirstRunError::Session(error), FirstRunError::Recognize))
    }

    fn run_at(&mut self, input: &InputRecognition) -> Result<Result<Recognition, FirstRunError>, SessionError> {
        let (summary, card, labels) = (&self.summary, self.card.as_ref(), self.labels);
        let tensor = match recognize(summary, input, None, card, labels) {
            Ok(Recognition { card, .. }) => grey_input(&card, input),
            // Nothing is known without values: any picture will do to get some.
            Err(_) => ModelInput::grey(input.size, input.layout, input.dtype, TRIAL_GREY),
        };
        self.session.run(&tensor, |outputs, _| {
            recognize(summary, input, Some(outputs), card, labels).map_err(FirstRunError::Recognize)
        })
    }
}

/// The part of a detector that runs the model: session, decoder, NMS.
pub struct Runner {
    session: Session,
    decoder: Decoder,
    postprocessor: Postprocessor,
    candidates: Vec<Candidate>,
}

impl Runner {
    /// Infers a preprocessed picture. `detections` (emptied first) gets what passes the thresholds; what scores at least
    /// `score_floor` (or the threshold, if that is lower) stays in [`Runner::candidates`].
    ///
    /// # Errors
    ///
    /// When ONNX Runtime fails or the outputs are not those of the head.
    pub fn run(
        &mut self,
        input: &ModelInput,
        letterbox: &Letterbox,
        thresholds: Thresholds,
        score_floor: f32,
        detections: &mut Vec<Detection>,
    ) -> Result<StageTimings, SessionError> {
        let context =
            DecodeContext { input_size: letterbox.model, score_floor: score_floor.min(thresholds.confidence) };
        let begin = Instant::now();
        let (decoder, candidates) = (&mut self.decoder, &mut self.candidates);
        let (decoded, inferred) =
            self.session.run(input, |outputs, finished| (decoder.decode(outputs, &context, candidates), finished))?;
        decoded.map_err(SessionError::Decode)?;
        self.postprocessor.run(&self.candidates, &thresholds, letterbox, detections);
        Ok(StageTimings {
            preprocess: std::time::Duration::ZERO,
            inference: inferred.duration_since(begin),
            postprocess: inferred.elapsed(),
        })
    }

    /// What the last run found before thresholds and NMS.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }
}

/// Says that a model was exported for several pictures at once, where that is why it fails with one.
fn of_batch(input: &InputRecognition, error: &SessionError) -> Option<RecognizeError> {
    match error {
        SessionError::Load { reason, .. } | SessionError::Run { reason } => input.batch_error(reason.clone()),
        _ => None,
    }
}

/// A grey picture as the model is to see it.
fn grey_input(card: &ModelCard, input: &InputRecognition) -> ModelInput {
    let mut preprocessor = Preprocessor::new(card, input.dtype);
    let mut tensor = preprocessor.new_input();
    let grey = RgbImage::from_pixel(input.size.width, input.size.height, image::Rgb([TRIAL_GREY; 3]));
    preprocessor.run(&grey, &mut tensor);
    tensor
}
