//! The thread that talks to a camera, whichever library reads it.
//!
//! A driver may block for ever and a library may panic, so a camera is opened and read on a thread of its own, which
//! decodes the newest frame out of the driver's memory and hands the picture over. A thread that is stuck in the driver
//! cannot be ended: it is left behind, and ends itself when the driver lets it go. It is the one exception to "no
//! thread outlives its source".

use super::pixels::FrameDecoder;
use super::prepared::{Prepared, label};
use crate::capture::frame_pool::FramePool;
use crate::capture::{CaptureError, SourceOptions};
use crate::imaging::RgbImage;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, TrySendError, bounded};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a frame is waited for before the source's wishes are looked at again.
const PATIENCE: Duration = Duration::from_millis(100);
/// Rest when a driver says that there is a frame and then gives none, so that it burns no core.
const REST: Duration = Duration::from_millis(5);

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

    /// Told after a pause.
    fn resume(&mut self) {}

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

/// Frames that nobody saw.
#[derive(Debug, Default)]
pub struct Losses {
    /// By the driver, of earlier streams and of this one.
    pub dropped: AtomicU64,
    /// Flagged, empty, short or undecodable.
    pub damaged: AtomicU64,
}

enum Control {
    Pause,
    Resume,
}

enum Handover {
    Frame(Taken),
    Damaged(String),
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
        losses: Arc<Losses>,
    ) -> Result<Self, CaptureError> {
        let (opened, opening) = bounded(1);
        let (frame_sender, frames) = bounded(1);
        let (control_sender, control) = bounded(8);
        let (ended_sender, ended) = bounded::<Infallible>(0);
        let outlet = Outlet { sender: frame_sender, waiting: frames.clone(), losses };
        let options = options.clone();
        let thread = std::thread::Builder::new()
            .name(format!("quantscope-camera-{number}"))
            .spawn(move || {
                let _ended = ended_sender;
                run(find, &options, open, &opened, &control, &outlet);
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

/// The thread's end of the handover: the newest frame replaces the one that waits.
struct Outlet {
    sender: Sender<Handover>,
    waiting: Receiver<Handover>,
    losses: Arc<Losses>,
}

impl Outlet {
    fn publish(&self, mut handover: Handover) {
        while let Err(TrySendError::Full(returned)) = self.sender.try_send(handover) {
            handover = returned;
            let _older = self.waiting.try_recv();
        }
    }

    /// A damaged frame replaces none that is sound.
    fn damaged(&self, camera: &str, reason: String) {
        tracing::debug!("{camera}: damaged picture: {reason}");
        self.losses.damaged.fetch_add(1, Ordering::Relaxed);
        let _sound_one_waits = self.sender.try_send(Handover::Damaged(reason));
    }
}

fn run(
    find: impl FnOnce() -> u32,
    options: &SourceOptions,
    open: Open,
    opened: &Sender<Result<Prepared, CaptureError>>,
    control: &Receiver<Control>,
    outlet: &Outlet,
) {
    let number = find();
    let opening = catch_unwind(|| open(number, options)).unwrap_or_else(|_| {
        let camera = label("Camera", number);
        Err(CaptureError::CameraFailed { camera, reason: "its driver cannot be understood".to_owned() })
    });
    let (mut stream, prepared) = match opening {
        Ok(open) => open,
        Err(error) => {
            let _gave_up = opened.send(Err(error));
            return;
        }
    };
    let name = label(&prepared.name, number);
    let decoder = FrameDecoder::new(prepared.layout);
    let reader = Reader { camera: name.clone(), decoder, prepared: prepared.clone(), pool: FramePool::default() };
    let failure = if opened.send(Ok(prepared)).is_ok() {
        let read = catch_unwind(AssertUnwindSafe(|| reader.read(&mut *stream, control, outlet)));
        read.unwrap_or_else(|_| {
            Err(CaptureError::CameraFailed { camera: name, reason: "its driver gave up".to_owned() })
        })
    } else {
        Ok(())
    };
    // Closed before the failure is told, so that who hears of it can open the camera again at once.
    let _closed = catch_unwind(AssertUnwindSafe(|| drop(stream)));
    if let Err(failure) = failure {
        outlet.publish(Handover::Failed(failure));
    }
}

struct Reader {
    camera: String,
    prepared: Prepared,
    decoder: FrameDecoder,
    pool: FramePool,
}

impl Reader {
    /// Reads frames until the source is dropped or the camera fails.
    fn read(
        mut self,
        stream: &mut dyn Stream,
        control: &Receiver<Control>,
        outlet: &Outlet,
    ) -> Result<(), CaptureError> {
        let mut stale = 0;
        let mut dropped = 0;
        loop {
            let mut message = control.try_recv();
            while let Ok(Control::Pause) = message {
                message = control.recv().map_err(|_| TryRecvError::Disconnected);
                stale = stream.stale_after_pause();
                stream.resume();
            }
            if message.is_err_and(|error| error.is_disconnected()) {
                return Ok(());
            }
            let asked = Instant::now();
            let heard_nothing = match stream.newest(PATIENCE)? {
                Heard::Frame(_) if stale > 0 => {
                    stale -= 1;
                    false
                }
                Heard::Frame(raw) => {
                    self.hand_over(&raw, outlet);
                    false
                }
                Heard::Faulty(reason) => {
                    outlet.damaged(&self.camera, reason.to_owned());
                    false
                }
                Heard::Nothing => true,
            };
            outlet.losses.dropped.fetch_add(stream.dropped() - dropped, Ordering::Relaxed);
            dropped = stream.dropped();
            if heard_nothing && asked.elapsed() < REST {
                crate::capture::clock::pause_for(REST);
            }
        }
    }

    fn hand_over(&mut self, raw: &RawFrame<'_>, outlet: &Outlet) {
        let started = Instant::now();
        let mut image = self.pool.take(self.prepared.layout.size);
        let decoded = self.decoder.decode(raw.bytes, &mut image);
        let image = self.pool.share(image);
        match decoded {
            Ok(()) => {
                let taken = Taken { image, taken_at: raw.taken_at, decode_time: started.elapsed() };
                outlet.publish(Handover::Frame(taken));
            }
            Err(reason) => outlet.damaged(&self.camera, reason),
        }
    }
}
