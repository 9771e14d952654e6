//! The page Label: boxes proposed by a model or a recording are accepted, deleted, moved and added by hand, and become a
//! small labelled set.
//!
//! `geometry`, `content`, `album` and `desk` are what a hand does, without a window; `open`, `proposing`, `work_file` and
//! `export` may wait and run on threads of [`super::background`]; `commands` acts, `view` draws.

mod action;
mod album;
mod commands;
mod content;
mod desk;
mod export;
mod geometry;
mod keys;
mod open;
mod proposing;
mod recorded;
mod saving;
mod state;
mod view;
mod work_file;

pub use action::LabelAction;
pub use album::{Proposal, Snapshot};
pub use export::{ExportChoice, export};
pub use geometry::PixelBox;
pub use keys::{KEYS, shortcuts};
pub use open::{OpenRequest, OpenWatch, Opened, open};
pub use proposing::{Propose, ProposeRequest, ProposeStep, ProposeWatch, propose};
pub use saving::WorkWriter;
pub use state::LabelState;
pub use view::{PageInput, page_ui};
