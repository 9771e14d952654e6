//! The page Evaluate: models on labelled pictures, from the choice to tables, charts and the pictures that tell.
//!
//! `state` holds what is known and how it changes, `commands` acts, `view` draws. The evaluation itself is
//! [`crate::evaluate`]'s and runs on a thread of [`super::background`].

mod action;
mod classes;
mod commands;
mod confusion;
mod job;
mod markdown;
mod pictures;
mod setup;
mod state;
mod style;
#[cfg(test)]
mod test_support;
mod view;
mod words;
mod zoom;

pub use action::{EvaluateAction, ReportForm};
pub use job::RunWatch;
pub use pictures::{Look, PictureKey, PictureShelf, PictureSize, decode};
pub use setup::remember;
pub use state::EvaluateState;
pub use view::{PageInput, fitted, page_ui, resting_ui, shortcuts};
pub use zoom::Zoom;
