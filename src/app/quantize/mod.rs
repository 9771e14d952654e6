//! The window Quantize: from an FP32 model to its quantized twin in lane B, with one button.
//!
//! `setup` holds what is chosen, `job` and `watch` what the thread that quantizes and the window see of each other, `state`
//! what came of it, `commands` acts, `view` draws. Quantizing itself is [`crate::quantize`]'s and runs on a thread of
//! [`super::background`].

mod action;
mod commands;
mod job;
mod layers;
mod setup;
mod state;
#[cfg(test)]
mod test_support;
mod view;
mod watch;
mod words;

pub use action::QuantizeAction;
pub use job::{PicturesFrom, QuantizeFailure, QuantizeJob, QuantizeTalk, free_output, run};
pub use setup::{Proposed, QuantizeSettings};
pub use state::{QuantizeState, Run as QuantizeRun};
pub use view::{WindowInput, quantize_ui, resting_ui};
pub use watch::QuantizeWatch;
