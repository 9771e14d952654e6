//! What the view holds of the pipeline: one way to speak, two ways to listen, none of which blocks.

use super::slot::{SlotReader, SlotWriter, latest_slot};
use super::{Command, Event, FrameResult, WorstFrames};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::Arc;

/// Commands that may wait; far more than a person can give between two frames.
const COMMAND_CAPACITY: usize = 256;
/// Events that may wait for the view.
const EVENT_CAPACITY: usize = 1024;

/// The view's end.
#[derive(Clone, Debug)]
pub struct Link {
    commands: Sender<Command>,
    results: SlotReader<Arc<FrameResult>>,
    events: Receiver<Event>,
    worst: SlotReader<Arc<WorstFrames>>,
}

/// The pipeline's end. Tests hold it to play the pipeline.
#[derive(Clone, Debug)]
pub struct LinkPeer {
    /// Commands from the view.
    pub commands: Receiver<Command>,
    /// Where results are published.
    pub results: SlotWriter<Arc<FrameResult>>,
    /// Where the frames on which the models disagree most are published.
    pub worst: SlotWriter<Arc<WorstFrames>>,
    /// Where events are told; when nobody drains them, new ones are lost.
    pub events: Sender<Event>,
}

impl Link {
    /// A link and its other end.
    pub fn pair() -> (Self, LinkPeer) {
        let (command_sender, command_receiver) = bounded(COMMAND_CAPACITY);
        let (event_sender, event_receiver) = bounded(EVENT_CAPACITY);
        let (result_writer, result_reader) = latest_slot();
        let (worst_writer, worst_reader) = latest_slot();
        let link =
            Self { commands: command_sender, results: result_reader, events: event_receiver, worst: worst_reader };
        let peer =
            LinkPeer { commands: command_receiver, results: result_writer, worst: worst_writer, events: event_sender };
        (link, peer)
    }

    /// Gives a command. Never blocks; false when the pipeline is gone or does not keep up (the command is lost).
    pub fn send(&self, command: Command) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// The newest result, if there is one that was not taken yet.
    pub fn take_result(&self) -> Option<Arc<FrameResult>> {
        self.results.take()
    }

    /// The frames on which the models disagree most, if they are others than those taken last.
    pub fn take_worst(&self) -> Option<Arc<WorstFrames>> {
        self.worst.take()
    }

    /// The oldest event not taken yet.
    pub fn take_event(&self) -> Option<Event> {
        self.events.try_recv().ok()
    }
}
