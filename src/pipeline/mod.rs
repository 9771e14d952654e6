//! The live pipeline: the only place with threads.
//!
//! ```text
//! capture ─▶ LatestSlot ─▶ conductor ─▶ lane A, lane B ─▶ conductor ─▶ LatestSlot ─▶ view
//! ```
//!
//! The view sends [`Command`]s, takes the newest [`FrameResult`] and, where it asked for them, the newest
//! [`WorstFrames`], and drains [`Event`]s. Nothing here blocks it.

mod capture_thread;
mod conductor;
mod flight;
mod lane;
mod link;
mod loader;
mod messages;
mod models;
pub mod record;
mod recorder;
mod slot;
mod thread;
mod throughput;
mod tuner;
mod tuning;
mod worker;
mod worst;

pub use crate::inference::LoadStage;
pub use crate::metrics::{
    AGREEMENT_FRAMES, AGREEMENT_FRAMES_DEFAULT, AgreementStatistics, FrameAgreement, LaneAccuracy, LatencySummary,
    Oddity,
};
pub use link::{Link, LinkPeer};
pub use messages::{Command, Event, FrameId, FrameResult, LaneId, LaneResult, LaneStatistics, Mode, Statistics};
pub use slot::{SlotReader, SlotWriter, latest_slot};
pub use thread::NamedThread;
pub use throughput::time_pipelined;
pub use worker::Worker;
pub use worst::{WORST_FRAMES, WorstFrame, WorstFrames};

use crate::inference::trial::Trial;
use conductor::Conductor;
use std::sync::Arc;

/// What the pipeline is started with.
#[derive(Clone, Debug)]
pub struct PipelineConfig {
    /// Tries each model in a process of its own before it is loaded here; None skips that.
    pub trial: Option<Trial>,
    /// Threads ONNX Runtime uses inside one operator, a lane.
    pub threads: usize,
}

/// The running pipeline. Dropping it stops and joins every thread.
#[derive(Debug)]
pub struct Pipeline {
    // Dropped first: its loss tells the conductor to end.
    _stop: crossbeam_channel::Sender<()>,
    _conductor: NamedThread,
}

impl Pipeline {
    /// Starts the pipeline with no source and no model. `wake` is called after something was published, from any of
    /// the pipeline's threads; it must not block.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub fn start(config: PipelineConfig, wake: Arc<dyn Fn() + Send + Sync>) -> std::io::Result<(Link, Self)> {
        let (link, peer) = Link::pair();
        let (stop, stopped) = crossbeam_channel::bounded(0);
        let conductor = Conductor::new(config, peer, wake, stopped)?;
        let thread = NamedThread::spawn("conductor", move || conductor.run())?;
        Ok((link, Self { _stop: stop, _conductor: thread }))
    }
}
