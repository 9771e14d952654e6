//! The thread that talks to a camera, whichever library reads it, as its owner sees it.
//!
//! A driver may block for ever and a library may panic, so a camera is opened and read on a thread of its own
//! ([`super::reader`]), which decodes the newest frame out of the driver's memory and hands the picture over. A thread
//! that is stuck in the driver cannot be ended: it is left behind, and ends itself when the driver lets it go. It is the
//! one exception to "no thread outlives its source".

use super::prepared::{Prepared, label};
use super::reader::{self, Control, Handover, Outlet, Shared};
use super::stream::Open;
use crate::capture::{CaptureError, SourceOptions};
use crate::imaging::RgbImage;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use std::convert::Infallible;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// One decoded frame.
#[derive(Debug)]
pub struct Taken {
    /// The picture.
    pub image: Arc<RgbImage>,
    /// By the driver's clock, else when it was read.
    pub taken_at: Instant,
    /// Time spent decoding.
    pub decode_time: Duration,
}

/// What came of asking a camera.
#[derive(Debug)]
pub enum Received {
    /// It is open, with this format.
    Opened(Box<Prepared>),
    /// A frame.
    Frame(Taken),
    /// A frame that could not be used: a sentence's end that says why.
    Damaged(String),
    /// Nothing in the time allowed.
    Nothing,
    /// The camera can no longer be read.
    Failed(CaptureError),
}

/// A camera that is being opened or that streams. Dropping it tells the thread to end and does not wait for that.
#[derive(Debug)]
pub struct Driver {
    camera: String,
    /// Until it has answered.
    opening: Option<Receiver<Result<Prepared, CaptureError>>>,
    frames: Receiver<Handover>,
    control: Sender<Control>,
    closing: Closing,
}

/// The end of a camera's thread. Dropping it leaves the thread behind.
#[derive(Debug)]
pub struct Closing {
    /// Nothing is ever sent: it closes when the thread ends.
    ended: Receiver<Infallible>,
    thread: Option<JoinHandle<()>>,
}

impl Driver {
    /// Begins to open camera `number`; the answer comes by [`Self::receive`]. `number` is looked for under `find` on the
    /// camera's thread, since that may take its time.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(
        number: u32,
        find: impl FnOnce() -> u32 + Send + 'static,
        options: &SourceOptions,
        open: Open,
        shared: Arc<Shared>,
    ) -> Result<Self, CaptureError> {
        let (opened, opening) = bounded(1);
        let (frame_sender, frames) = bounded(1);
        let (control_sender, control) = bounded(8);
        let (ended_sender, ended) = bounded::<Infallible>(0);
        let outlet = Outlet { sender: frame_sender, waiting: frames.clone(), shared };
        let options = options.clone();
        let thread = std::thread::Builder::new()
            .name(format!("quantscope-camera-{number}"))
            .spawn(move || {
                let _ended = ended_sender;
                reader::run(find, &options, open, &opened, control, outlet);
            })
            .map_err(|error| CaptureError::NoThread {
                source_name: format!("camera {number}"),
                reason: error.to_string(),
            })?;
        let closing = Closing { ended, thread: Some(thread) };
        let camera = label("Camera", number);
        Ok(Self { camera, opening: Some(opening), frames, control: control_sender, closing })
    }

    /// Whether it has not answered yet.
    pub fn is_opening(&self) -> bool {
        self.opening.is_some()
    }

    /// The answer to the opening, then the newest frame that was not taken yet, waiting for it at most `wait`.
    pub fn receive(&mut self, wait: Duration) -> Received {
        if let Some(opening) = &self.opening {
            let answer = match opening.recv_timeout(wait) {
                Ok(Ok(prepared)) => {
                    self.camera = label(&prepared.name, prepared.number);
                    Received::Opened(Box::new(prepared))
                }
                Ok(Err(error)) => Received::Failed(error),
                Err(RecvTimeoutError::Disconnected) => Received::Failed(self.lost()),
                Err(RecvTimeoutError::Timeout) => return Received::Nothing,
            };
            self.opening = None;
            return answer;
        }
        match self.frames.recv_timeout(wait) {
            Ok(Handover::Frame(taken)) => Received::Frame(taken),
            Ok(Handover::Damaged(reason)) => Received::Damaged(reason),
            Ok(Handover::Failed(error)) => Received::Failed(error),
            // The outlet holds the other ends, so it is the thread's end that closes them.
            Err(RecvTimeoutError::Disconnected) => Received::Failed(self.lost()),
            Err(RecvTimeoutError::Timeout) if self.closing.has_ended() => Received::Failed(self.lost()),
            Err(RecvTimeoutError::Timeout) => Received::Nothing,
        }
    }

    /// While paused nothing is read; the frame that waits and those in the driver are dropped when it goes on.
    pub fn set_paused(&self, paused: bool) {
        let message = if paused { Control::Pause } else { Control::Resume };
        let _full_or_gone = self.control.try_send(message);
        let _stale = self.frames.try_recv();
    }

    /// Wakes a paused thread to look at its orders; one that reads looks by itself.
    pub fn look(&self) {
        let _full_or_gone = self.control.try_send(Control::Look);
    }

    /// Tells the thread to end; whether it has, can be asked of what is returned.
    pub fn close(self) -> Closing {
        self.closing
    }

    fn lost(&self) -> CaptureError {
        CaptureError::CameraFailed { camera: self.camera.clone(), reason: "its driver thread ended".to_owned() }
    }
}

impl Closing {
    /// Whether the thread has ended and with it let go of the camera.
    pub fn has_ended(&self) -> bool {
        matches!(self.ended.try_recv(), Err(TryRecvError::Disconnected))
    }

    /// Waits for the thread's end at most `limit`. Whether it has ended.
    pub fn wait(&mut self, limit: Duration) -> bool {
        if matches!(self.ended.recv_timeout(limit), Err(RecvTimeoutError::Timeout)) {
            return false;
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
        true
    }
}
