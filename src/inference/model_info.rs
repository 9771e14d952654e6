//! What is known of a loaded model.

use super::tuning::{TunedBy, Tuning};
use super::{Acceleration, CardOverrides, Evidence, ModelCard};
use crate::onnx::{Executed, Precision, Quantization};
use std::path::PathBuf;
use std::sync::Arc;

/// What is known of a loaded model.
#[derive(Clone, Debug)]
pub struct ModelInfo {
    /// The file.
    pub path: PathBuf,
    /// Size of the file (and of its external data) in bytes.
    pub bytes: u64,
    /// Told from the graph.
    pub precision: Precision,
    /// How much of the file is quantized, and in which form.
    pub quantization: Quantization,
    /// What really runs in integers; None where the file is plain 32-bit floats, or it could not be found out.
    pub executed: Option<Executed>,
    /// What became of the wish for a faster session.
    pub acceleration: Acceleration,
    /// What is believed of input and outputs.
    pub card: ModelCard,
    /// The same without what the user's card sets.
    pub recognised: ModelCard,
    /// The user's card, if there is one.
    pub set: Option<Arc<CardOverrides>>,
    /// What the user gave with it; its relatives are loaded with the same.
    pub given: ModelOverrides,
    /// Why that is believed, a sentence an item.
    pub evidence: Vec<Evidence>,
    /// Threads ONNX Runtime uses inside one operator.
    pub threads: usize,
    /// Whether they spin while they wait.
    pub spinning: bool,
    /// Why so many.
    pub tuned_by: TunedBy,
    /// Execution provider that runs it, such as `CPU`.
    pub provider: String,
}

impl ModelInfo {
    /// In what numbers it computes and how the file writes that down: `INT8 (QDQ)`, `FP32, INT8 weights`, `FP16`.
    pub fn numbers(&self) -> String {
        self.quantization.name_with(self.precision)
    }

    /// How its session uses the processor.
    pub fn tuning(&self) -> Tuning {
        Tuning { threads: self.threads, spinning: self.spinning }
    }

    /// How many convolutions (in a model without any: matrix products) really run in integers, and how many there are;
    /// none where that is not known.
    pub fn in_integers(&self) -> Option<(usize, usize)> {
        match (&self.executed, self.quantization.form) {
            (Some(counts), _) if counts.convolutions > 0 => Some((counts.integer_convolutions, counts.convolutions)),
            (Some(counts), _) => Some((counts.integer_products, counts.products)),
            (None, None) if self.quantization.convolutions > 0 => Some((0, self.quantization.convolutions)),
            (None, None) => Some((0, self.quantization.products)),
            (None, Some(_)) => None,
        }
    }
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelOverrides {
    /// A model card instead of the sidecar.
    pub card: Option<CardSource>,
    /// A label file instead of every other source of labels.
    pub labels: Option<PathBuf>,
}

/// A model card instead of the sidecar.
#[derive(Clone, Debug, PartialEq)]
pub enum CardSource {
    /// A file.
    File(PathBuf),
    /// As it was put together in the window.
    Given(Arc<CardOverrides>),
}

impl ModelInfo {
    /// The keys of a model card whose values are guesses: other models that look the same differ in them, and the user's
    /// card does not set them.
    pub fn guesses(&self) -> Vec<&'static str> {
        super::guessed_keys(&self.evidence, self.set.as_deref())
    }
}
