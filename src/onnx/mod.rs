//! The ONNX file format: reading it and saying what is in it. No policy: nothing here knows of detectors.
//!
//! [`read`] (or [`parse`], from memory) gives a checked [`proto::ModelProto`], [`summary`] what there is to know of it
//! without running it, and [`Executed`] what ONNX Runtime's optimizer made of it.

mod channels;
mod error;
mod executed;
mod external;
mod footprint;
mod precision;
pub mod proto;
mod quantization;
mod read;
mod relax;
mod summary;
mod words;
mod write;

pub use error::OnnxError;
pub use executed::Executed;
pub use precision::Precision;
pub use quantization::{Form, Quantization, WeightBytes};
pub use read::{parse, read};
pub use relax::relaxed;
pub use summary::{Dimension, ElementType, Summary, ValueInfo, summary};
pub use words::{clipped, shown};
pub use write::{encoded, write};
