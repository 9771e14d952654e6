//! A model ready to detect: preprocess → session → decode → NMS.

use super::decode::DecodeContext;
use super::detection::{Candidate, Detection, StageTimings, Thresholds};
use super::model_info::{LoadStage, ModelInfo};
use super::nms::Postprocessor;
use super::preprocess::{ModelInput, Preprocessor};
use super::recognize::{self, Recognition};
use super::session::{Session, SessionError, SessionOptions};
use super::{ModelCard, decode, model_card};
use crate::imaging::{Letterbox, RgbImage};
use crate::onnx;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Runs before a model counts as loaded: the first ones allocate and are slow.
const WARM_UP_RUNS: usize = 2;

/// Why a model is not ready to detect.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read as a model.
    #[error(transparent)]
    File(#[from] onnx::OnnxError),
    /// A sidecar or a label file is wrong.
    #[error(transparent)]
    Card(#[from] model_card::CardError),
    /// It is a model, but no detector that is known.
    #[error(transparent)]
    Recognize(#[from] recognize::RecognizeError),
    /// ONNX Runtime refuses it.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// It was tried in a process of its own and did not come through.
    #[error(transparent)]
    Trial(#[from] super::trial::TrialError),
}

/// How a model is loaded.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// How its session is built.
    pub session: SessionOptions,
    /// A model card instead of the sidecar.
    pub card: Option<PathBuf>,
    /// A label file instead of every other source of labels.
    pub labels: Option<PathBuf>,
}

/// A loaded model.
pub struct Detector {
    info: Arc<ModelInfo>,
    warnings: Vec<String>,
    preprocessor: Preprocessor,
    runner: Runner,
    input: ModelInput,
}

/// The part of a detector that runs the model: session, decoder, NMS.
pub struct Runner {
    session: Session,
    decoder: Decoder,
    postprocessor: Postprocessor,
    input_size: ImageSize,
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
        let context = DecodeContext {
            input_size: self.input_size,
            score_floor: score_floor.min(thresholds.confidence),
        };
        let begin = Instant::now();
        let (decoder, candidates) = (&mut self.decoder, &mut self.candidates);
        let (decoded, inferred) =
            self.session.run(input, |outputs, finished| (decoder.decode(outputs, &context, candidates), finished))?;
        decoded.map_err(SessionError::Decode)?;
        self.postprocessor.run(&self.candidates, thresholds, letterbox, detections);
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
