//! What is known of a loaded model.

use super::{Evidence, ModelCard};
use crate::onnx::Precision;
use std::path::PathBuf;

/// What is known of a loaded model.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// The file.
    pub path: PathBuf,
    /// Size of the file (and of its external data) in bytes.
    pub bytes: u64,
    /// Told from the graph.
    pub precision: Precision,
    /// What is believed of input and outputs.
    pub card: ModelCard,
    /// Why that is believed, a sentence an item.
    pub evidence: Vec<Evidence>,
    /// Threads ONNX Runtime uses inside one operator.
    pub threads: usize,
    /// Execution provider that runs it, such as `CPU`.
    pub provider: String,
}
/// How far the loading of a model has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadStage {
    /// Reading the file and recognising it.
    Reading,
    /// Trying it in a process of its own, where a crash or a hang does no harm.
    Trying,
    /// Building the session.
    Building,
    /// First runs, so that the first frame is not slow.
    WarmingUp,
}

/// What the user gave for a model instead of what would be found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelOverrides {
    /// A model card instead of the sidecar.
    pub card: Option<PathBuf>,
    /// A label file instead of every other source of labels.
    pub labels: Option<PathBuf>,
}
