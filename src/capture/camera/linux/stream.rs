//! Reading a camera through the `v4l` crate: every wait has a limit, and of the frames that wait only the newest counts.

use super::mapped::{Filled, Mapped, monotonic};
use super::{controls, prepare};
use crate::capture::camera::controls::{CameraControl, Orders};
use crate::capture::camera::prepared::{Prepared, fault, label};
use crate::capture::camera::stream::{Heard, RawFrame, Stream};
use crate::capture::{CaptureError, SourceOptions};
use std::io;
use std::time::{Duration, Instant};
use v4l::Device;
use v4l::buffer::Flags;

/// One is decoded while the others are filled.
const BUFFERS: u32 = 4;
/// A driver's time further back than this is not that of the frame.
const MAX_AGE: Duration = Duration::from_secs(10);
/// A gap in the driver's numbers longer than this is not one: it began to count anew.
const MAX_GAP: u32 = 100_000;

/// A camera that streams.
pub struct V4lStream {
    camera: String,
    number: u32,
    mapped: Mapped,
    /// Kept open as long as the buffers are mapped, and closed after them.
    device: Device,
    /// The frame that was handed out last; given back before the next wait.
    held: Option<Filled>,
    last_sequence: Option<u32>,
    dropped: u64,
    damaged: u64,
}

impl V4lStream {
    /// Opens camera `number`, sets the format nearest to what `options` ask for, and starts it.
    ///
    /// # Errors
    ///
    /// When there is no such camera, it cannot be used, or it offers nothing that can be decoded.
    pub fn open(number: u32, options: &SourceOptions) -> Result<(Self, Prepared), CaptureError> {
        let (device, prepared) = prepare::prepare(number, options, false)?;
        let camera = label(&prepared.name, number);
        let mapped = Mapped::start(&device, BUFFERS).map_err(|error| explain(&camera, number, &error))?;
        let stream = Self { camera, number, mapped, device, held: None, last_sequence: None, dropped: 0, damaged: 0 };
        Ok((stream, prepared))
    }

    /// Takes every frame that waits and keeps the newest that is sound. What is wrong with the last one that is not.
    fn drain(&mut self) -> io::Result<Option<&'static str>> {
        let (mut fault, mut faults) = (None, 0);
        // The driver fills on meanwhile; more than all buffers at once cannot wait.
        for _ in 0..self.mapped.len() {
            let Some(filled) = self.mapped.dequeue()? else { break };
            self.note_sequence(filled.sequence);
            let wrong = wrong_with(&filled);
            fault = wrong.or(fault);
            faults += u64::from(wrong.is_some());
            let older = if wrong.is_some() { Some(filled) } else { self.held.replace(filled) };
            if let Some(older) = older {
                self.mapped.queue(older)?;
            }
        }
        // Where nothing else came, the last one is told.
        self.damaged += if self.held.is_some() { faults } else { faults.saturating_sub(1) };
        Ok(fault)
    }

    fn note_sequence(&mut self, sequence: u32) {
        if let Some(last) = self.last_sequence.replace(sequence) {
            let missing = sequence.wrapping_sub(last).wrapping_sub(1);
            if missing < MAX_GAP {
                self.dropped += u64::from(missing);
            }
        }
    }
}

impl Stream for V4lStream {
    fn newest(&mut self, limit: Duration) -> Result<Heard<'_>, CaptureError> {
        let heard = (|| {
            if let Some(held) = self.held.take() {
                self.mapped.queue(held)?;
            }
            match self.mapped.poll(limit) {
                Ok(true) => self.drain(),
                Ok(false) => Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
                Err(error) => Err(error),
            }
        })();
        match (heard, &self.held) {
            (Err(error), _) => Err(explain(&self.camera, self.number, &error)),
            (Ok(_), Some(filled)) => {
                Ok(Heard::Frame(RawFrame { bytes: self.mapped.bytes(filled), taken_at: taken_at(filled) }))
            }
            (Ok(Some(fault)), None) => Ok(Heard::Faulty(fault)),
            (Ok(None), None) => Ok(Heard::Nothing),
        }
    }

    fn dropped(&self) -> u64 {
        self.dropped
    }

    fn damaged(&self) -> u64 {
        self.damaged
    }

    fn resume(&mut self) {
        // What it drops while nobody reads is no loss.
        self.last_sequence = None;
    }

    fn controls(&self) -> Vec<CameraControl> {
        controls::list(&self.device)
    }

    fn obey(&mut self, orders: &Orders) -> Vec<String> {
        controls::obey(&self.device, orders)
    }

    fn stale_after_pause(&self) -> u32 {
        // All that wait are taken at once.
        1
    }
}

fn wrong_with(filled: &Filled) -> Option<&'static str> {
    if filled.flags.contains(Flags::ERROR) {
        Some("the driver marks them as faulty")
    } else if filled.bytes_used == 0 {
        Some("they are empty")
    } else {
        None
    }
}

/// The driver's time of a frame; the present where it uses another clock.
fn taken_at(filled: &Filled) -> Instant {
    let now = Instant::now();
    if filled.flags & Flags::TIMESTAMP_MASK != Flags::TIMESTAMP_MONOTONIC {
        return now;
    }
    let age = monotonic().checked_sub(filled.timestamp).filter(|age| *age < MAX_AGE);
    age.and_then(|age| now.checked_sub(age)).unwrap_or(now)
}

fn explain(camera: &str, number: u32, error: &io::Error) -> CaptureError {
    fault(camera, number, error.raw_os_error(), &error.to_string())
}
