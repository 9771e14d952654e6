//! Why a model is not quantized.

use crate::inference::{CardError, LoadError, SessionError};
use crate::onnx::{OnnxError, OpsetError};
use std::path::PathBuf;

/// Why a model is not quantized.
#[derive(Debug, thiserror::Error)]
pub enum QuantizeError {
    /// It is no model that can be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It cannot be read or written.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// Its card cannot be passed on.
    #[error(transparent)]
    Card(#[from] CardError),
    /// ONNX Runtime refuses it, or what was made of it.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// It is no FP32 model.
    #[error("{path} is {precision} already. Name the FP32 model that it was made from")]
    NotFullPrecision {
        /// The model.
        path: PathBuf,
        /// What it is.
        precision: String,
    },
    /// Its operator set is too low.
    #[error("{path}: {source}")]
    Opset {
        /// The model.
        path: PathBuf,
        /// What stands in the way.
        source: OpsetError,
    },
    /// There is nothing in it to quantize.
    #[error(
        "{path} has no convolution or product with FP32 weights before its outputs, so there is nothing to quantize. \
         Run it as it is"
    )]
    NothingToQuantize {
        /// The model.
        path: PathBuf,
    },
    /// There were no pictures.
    #[error("no picture to calibrate with came from {from}. Name a folder of pictures, or a dataset with --calibrate")]
    NoPictures {
        /// What was named.
        from: String,
    },
    /// A temporary file cannot be made.
    #[error("a temporary file cannot be written: {0}. Make room in the folder for temporary files")]
    Temporary(#[source] std::io::Error),
    /// ONNX Runtime's record of where time goes cannot be read.
    #[error("{path}: ONNX Runtime's record of its time cannot be used: {reason}. Try once more, with room on the disk")]
    Profile {
        /// The model.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No model that was tried keeps what was asked for.
    #[error(
        "{path} is not quantized: {reason}. Ask for less, give more pictures, or save the best one with --save-anyway"
    )]
    GateFailed {
        /// The model.
        path: PathBuf,
        /// What the best model has, and what was asked for.
        reason: String,
    },
    /// A recipe does not fit the model.
    #[error("the recipe does not fit {path}: {reason}. Use it with the model that it was recorded for")]
    Recipe {
        /// The model.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// The user cancelled.
    #[error("quantizing was cancelled")]
    Cancelled,
}
