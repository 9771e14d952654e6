//! From a picture to boxes: preprocess → session → decode → NMS, synchronous, without threads or windows.
//!
//! [`preprocess`] fills the model's input, [`session`] alone names `ort`, [`heads`] has one
//! file a family of heads, [`nms`] removes duplicates, and [`Detector`] joins them. What is believed of a model (input,
//! normalization, head, labels) is its [`ModelCard`], with the evidence for it.

pub mod accelerate;
mod anchors;
pub mod bytes;
mod card_file;
mod card_write;
mod detection;
mod detector;
mod entrance;
mod explain;
mod head;
pub mod heads;
pub mod labels;
mod model_card;
mod model_info;
pub mod nms;
pub mod preprocess;
pub mod probe;
mod recognize;
pub mod session;
pub mod trial;
pub mod tuning;
pub mod twin;

pub use crate::dataset::COCO80;
pub use crate::onnx::Precision;
pub use accelerate::Acceleration;
pub use anchors::Anchors;
pub use card_file::{CardError, CardLabels, CardOverrides, sidecar_paths};
pub use detection::{Candidate, Detection, StageTimings, Thresholds};
pub use detector::{Detector, Examined, LoadError, LoadOptions, Runner, examine};
pub use entrance::{Arrangement, Entrance, LevelQuantization};
pub use head::Head;
pub use model_card::{ClassNumbers, ColorOrder, LabelSource, Layout, ModelCard};
pub use model_info::{CardSource, LoadStage, ModelInfo, ModelOverrides};
pub use nms::Postprocessor;
pub use recognize::{
    Evidence, InputRecognition, Item, Recognition, RecognizeError, guessed_keys, recognize, recognize_input,
};
pub use session::{Optimization, SessionError, SessionOptions};
