//! Where frames come from. One trait, [`FrameSource`]; one file a kind of source.
//!
//! A source is a plain synchronous object: it owns no thread that outlives it and knows nothing of models or
//! windows. The pipeline gives it a thread of its own.

mod demo;
mod error;
mod source;
mod spec;

pub use demo::DemoScene;
pub use error::CaptureError;
pub use source::{CapturedFrame, FrameSource, Next, Pace, SourceInfo, SourceKind, SourceOptions};
pub use spec::SourceSpec;
