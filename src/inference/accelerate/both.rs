//! Both sessions of a model: as ONNX Runtime alone runs it, and as this program does. For judging models of which no file
//! is kept, so that the cache is neither asked nor filled.

use super::check::Shown;
use super::{Acceleration, Accelerator};
use crate::inference::session::{ModelSource, Session, SessionError, SessionOptions};
use crate::inference::{InputRecognition, ModelCard};
use crate::onnx::proto::ModelProto;
use crate::onnx::{self, Executed};

/// A model that runs in both ways.
pub struct Both {
    /// As ONNX Runtime alone runs it.
    pub plain: Session,
    /// As this program runs it; none where that is the same.
    pub accelerated: Option<Session>,
    /// What became of the wish for that.
    pub acceleration: Acceleration,
    /// What ONNX Runtime's optimizer made of it; none where it is not quantized or that could not be seen.
    pub executed: Option<Executed>,
}

impl Both {
    /// Builds the sessions of a model that `source` holds and that says `model`; it is fed as `input` and `card` say. The
    /// accelerated one, if `options` ask for one, is checked as it is when a file is loaded, and declined for the same
    /// reasons.
    ///
    /// # Errors
    ///
    /// When the plain session does not load.
    pub fn load(
        source: ModelSource<'_>,
        model: &ModelProto,
        (input, card): (&InputRecognition, &ModelCard),
        options: &SessionOptions,
    ) -> Result<Self, SessionError> {
        let (path, opset) = (source.path(), onnx::opset_of(model));
        let summary = onnx::summary(model, path).ok();
        let quantized = summary.as_ref().is_some_and(|summary| summary.quantization.is_worth_a_look());
        let suits = quantized || (options.accelerate && super::moves_floats(model, input));
        let small = summary.is_some_and(|summary| summary.bytes <= Executed::MODEL_BYTES_MAX);
        let folder = (suits && small).then(|| tempfile::Builder::new().prefix("quantscope-").tempdir().ok()).flatten();
        let Some(folder) = folder else {
            let plain = Session::load(source, opset, input, options)?;
            return Ok(Self { plain, accelerated: None, acceleration: Acceleration::NothingToDo, executed: None });
        };
        let accelerator = Accelerator { path, opset, options: options.clone(), quantized, folder, kept: None };
        let optimized_to = quantized.then(|| accelerator.optimized());
        let mut plain = Session::load(source, opset, input, &SessionOptions { optimized_to, ..options.clone() })?;
        let executed = if quantized { Executed::read(&accelerator.optimized()).ok() } else { None };
        let (accelerated, acceleration) = match options.accelerate {
            true => accelerator
                .accelerated(&mut plain, Shown::new(input, card), input)
                .unwrap_or_else(|declined| (None, Acceleration::Declined { reason: declined.to_string() })),
            false => (None, Acceleration::Off),
        };
        Ok(Self { plain, accelerated, acceleration, executed })
    }

    /// The session that takes the model's part: the accelerated one, where there is one.
    pub fn session(&mut self) -> &mut Session {
        self.accelerated.as_mut().unwrap_or(&mut self.plain)
    }
}
