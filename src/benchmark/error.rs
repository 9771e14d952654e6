//! Why nothing was measured.

use crate::capture::CaptureError;
use crate::inference::{LoadError, SessionError};
use std::path::PathBuf;

/// Why a benchmark gave no figures. Each is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum BenchmarkError {
    /// A plan without a model, a number of threads or a provider.
    #[error("there is nothing to measure: name a model, a number of threads and a provider")]
    Nothing,
    /// The source of the frames does not open.
    #[error(transparent)]
    Source(#[from] CaptureError),
    /// The source gave no picture.
    #[error("{source_spec}: the source gave no picture to measure with. Name another one with --source")]
    NoPicture {
        /// As it was asked for.
        source_spec: String,
    },
    /// An execution provider that this version does not have.
    #[error("there is no execution provider {name:?} here; this version has {}", super::PROVIDERS.join(", "))]
    Provider {
        /// As it was asked for.
        name: String,
    },
    /// A model does not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A model fails on a frame.
    #[error("{path}: {source}")]
    Run {
        /// The model.
        path: PathBuf,
        /// What went wrong.
        source: SessionError,
    },
    /// The file of a model cannot be read any more.
    #[error("{path}: cannot be read: {source}. It was there when the measurement began")]
    File {
        /// The model.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It was cancelled before every model had one turn.
    #[error("cancelled before every model was measured once")]
    Cancelled,
}
