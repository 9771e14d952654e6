//! What a library that reads cameras has to give.

use super::controls::{CameraControl, Orders};
use super::prepared::Prepared;
use crate::capture::{CaptureError, SourceOptions};
use std::time::{Duration, Instant};

/// A camera that streams, as one of the libraries reads it.
pub trait Stream {
    /// The newest frame, waiting for it about `limit` (nokhwa: for as long as it takes).
    ///
    /// # Errors
    ///
    /// When the camera has to be opened anew.
    fn newest(&mut self, limit: Duration) -> Result<Heard<'_>, CaptureError>;

    /// Frames that the driver dropped so far.
    fn dropped(&self) -> u64 {
        0
    }

    /// Damaged frames so far that were passed over because others came beside them.
    fn damaged(&self) -> u64 {
        0
    }

    /// Told after a pause.
    fn resume(&mut self) {}

    /// What can be set while it streams, as it is now.
    fn controls(&self) -> Vec<CameraControl> {
        Vec::new()
    }

    /// Sets controls. What could not be done, a sentence each.
    fn obey(&mut self, _orders: &Orders) -> Vec<String> {
        Vec::new()
    }

    /// How many frames of before a pause may come after it.
    fn stale_after_pause(&self) -> u32;
}

/// What came of waiting for a frame.
pub enum Heard<'a> {
    /// A frame.
    Frame(RawFrame<'a>),
    /// Frames that are not worth decoding: a sentence's end that says why.
    Faulty(&'static str),
    /// Nothing.
    Nothing,
}

/// One frame as the camera sent it.
pub struct RawFrame<'a> {
    /// Bytes in the camera's pixel format.
    pub bytes: &'a [u8],
    /// By the driver's clock, else when it was read.
    pub taken_at: Instant,
}

/// Opens a camera: a stream and what it is set to. Run on the camera's thread.
pub type Open = fn(u32, &SourceOptions) -> Result<(Box<dyn Stream>, Prepared), CaptureError>;
