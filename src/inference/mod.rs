//! From a picture to boxes: preprocess → session → decode → NMS, synchronous, without threads or windows.
//!
//! [`preprocess`] fills the model's input, [`session`] is the only file that names `ort`, [`decode`] has one
//! file a head, [`nms`] removes duplicates, and [`Detector`] joins them. What is believed of a model (input,
//! normalization, head, labels) is its [`ModelCard`], with the evidence for it.

pub mod decode;
mod detection;
mod model_card;
mod model_info;
pub mod preprocess;
pub mod session;

pub use detection::{Candidate, Detection, StageTimings, Thresholds};
pub use model_card::{ColorOrder, Head, LabelSource, Layout, ModelCard};
pub use model_info::{LoadStage, ModelInfo, Precision};
