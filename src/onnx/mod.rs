//! The ONNX file format: reading it and saying what is in it. No policy: nothing here knows of detectors.
//!
//! [`read`] gives a checked [`proto::ModelProto`], [`summary`] what there is to know of it without running it.

mod channels;
mod error;
mod external;
mod precision;
pub mod proto;
mod read;
mod relax;
mod summary;

pub use error::OnnxError;
pub use precision::{Precision, Quantization};
pub use read::read;
pub use relax::relaxed;
pub use summary::{Dimension, ElementType, Summary, ValueInfo, summary};
