//! The live pipeline: the only place with threads.
//!
//! ```text
//! capture ─▶ LatestSlot ─▶ conductor ─▶ lane A, lane B ─▶ conductor ─▶ LatestSlot ─▶ view
//! ```
//!
//! The view sends [`Command`]s, takes the newest [`FrameResult`], and drains [`Event`]s. Nothing here blocks it.

mod link;
mod messages;
mod slot;
mod worker;

pub use link::{Link, LinkPeer};
pub use messages::{
    AgreementStatistics, Command, Event, FrameAgreement, FrameId, FrameResult, LaneAccuracy, LaneId, LaneResult,
    LaneStatistics, LatencySummary, LoadStage, Mode, Statistics,
};
pub use slot::{SlotReader, SlotWriter, latest_slot};
pub use worker::Worker;
