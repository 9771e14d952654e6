//! What is known of a loaded model.

use super::ModelCard;
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
    pub evidence: Vec<String>,
    /// Threads ONNX Runtime uses inside one operator.
    pub threads: usize,
    /// Execution provider that runs it, such as `CPU`.
    pub provider: String,
}
