//! The ONNX file format: reading, editing and writing it, and saying what is in it. No policy: nothing here knows of
//! detectors.
//!
//! [`read`] (or [`parse`], from memory) gives a checked [`proto::ModelProto`], [`summary`] what there is to know of it
//! without running it, and [`Executed`] what ONNX Runtime's optimizer made of it. For edits there are [`graph`] (who makes
//! and reads what), [`repair`] (oddities of exporters) and [`raise_opset`]; [`write()`] writes all of a model or nothing,
//! with whatever the file held that is not known here.

mod channels;
mod error;
mod executed;
mod external;
mod footprint;
pub mod graph;
mod inline;
mod metadata;
mod opset;
mod precision;
pub mod proto;
mod quantization;
mod read;
mod relax;
mod repair;
mod summary;
mod tensor;
mod words;
mod write;

pub use error::OnnxError;
pub use executed::Executed;
pub use inline::inline_external;
pub use metadata::metadata;
pub use opset::{OpsetError, PER_CHANNEL_OPSET, opset_of, raise_opset};
pub use precision::Precision;
pub use quantization::{Form, Quantization, WeightBytes};
pub use read::{parse, read};
pub use relax::relaxed;
pub use repair::repair;
pub use summary::{Dimension, ElementType, Summary, ValueInfo, summary};
pub use words::{clipped, shown};
pub use write::{encoded, write};
