//! The thread that talks to a camera. The only file that names nokhwa.
//!
//! nokhwa may block for ever (a frozen camera) and may panic, so it runs on a thread of its own, which hands over
//! the newest frame. A thread that is stuck in the driver cannot be ended: it is left behind, and ends itself when
//! the driver lets it go. It is the one exception to "no thread outlives its source".

use super::choice::Choice;
use super::pixels::PixelFormat;
use super::prepare::{Prepared, fault, label, prepare};
use crate::capture::{CaptureError, SourceOptions};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, TrySendError, bounded};
use nokhwa::utils::{CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution};
use nokhwa::{Buffer, Camera, NokhwaError};
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A camera that is not open by then does not answer.
const OPENING_LIMIT: Duration = Duration::from_secs(5);
/// Time for the thread to end before it is left behind; within it several frames come from every sound camera.
const CLOSING_LIMIT: Duration = Duration::from_millis(900);
/// Buffers that the driver fills: as many frames are stale after a pause.
const DRIVER_QUEUE: usize = 4;
/// A driver's time further back than this is not that of the frame.
const MAX_AGE: Duration = Duration::from_secs(10);

/// One frame as the camera sent it.
#[derive(Debug)]
pub struct RawFrame {
    buffer: Buffer,
    /// By the driver's clock, else when it was read.
    pub taken_at: Instant,
}

impl RawFrame {
    /// The bytes in the camera's pixel format. There may be more than the frame has.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.buffer()
    }
}

/// What came of waiting for a frame.
#[derive(Debug)]
pub enum Received {
    /// A frame.
    Frame(RawFrame),
    /// Nothing in the time allowed.
    Nothing,
    /// The camera can no longer be read.
    Failed(CaptureError),
}

enum Control {
    Pause,
    Resume,
}

type Handover = Result<RawFrame, CaptureError>;

/// A camera that streams.
#[derive(Debug)]
pub struct Driver {
    camera: String,
    frames: Receiver<Handover>,
    /// None once dropped, which ends the thread.
    control: Option<Sender<Control>>,
    /// Nothing is ever sent: it closes when the thread ends.
    ended: Receiver<Infallible>,
    thread: Option<JoinHandle<()>>,
}

impl Driver {
    /// Opens a camera and starts its stream.
    ///
    /// # Errors
    ///
    /// When there is no such camera, it cannot be used, or it does not answer within 5 s.
    pub fn open(number: u32, options: &SourceOptions) -> Result<(Self, Prepared), CaptureError> {
        let (opened_sender, opened) = bounded(1);
        let (frame_sender, frames) = bounded(1);
        let (control_sender, control) = bounded(8);
        let (ended_sender, ended) = bounded::<Infallible>(0);
        let outlet = Outlet { sender: frame_sender, waiting: frames.clone() };
        let options = options.clone();
        let thread = std::thread::Builder::new()
            .name(format!("quantscope-camera-{number}"))
            .spawn(move || {
                let _ended = ended_sender;
                run(number, &options, &opened_sender, &control, &outlet);
            })
            .map_err(|error| CaptureError::NoThread {
                source_name: format!("camera {number}"),
                reason: error.to_string(),
            })?;
        let camera = label("Camera", number);
        let mut driver = Self { camera, frames, control: Some(control_sender), ended, thread: Some(thread) };
        match opened.recv_timeout(OPENING_LIMIT) {
            Ok(Ok(prepared)) => {
                driver.camera = label(&prepared.name, number);
                Ok((driver, prepared))
            }
            Ok(Err(error)) => Err(error),
            Err(RecvTimeoutError::Timeout) => {
                // Dropping the driver would wait for it once more.
                driver.thread = None;
                Err(CaptureError::CameraSlow { camera: driver.camera.clone(), waited: OPENING_LIMIT })
            }
            Err(RecvTimeoutError::Disconnected) => Err(driver.lost()),
        }
    }

    /// How sentences call it.
    pub fn camera(&self) -> &str {
        &self.camera
    }

    /// The newest frame that was not taken yet, waiting for it at most `wait`.
    pub fn receive(&self, wait: Duration) -> Received {
        match self.frames.recv_timeout(wait) {
            Ok(Ok(frame)) => Received::Frame(frame),
            Ok(Err(error)) => Received::Failed(error),
            // The outlet holds the other ends, so it is the thread's end that closes them.
            Err(RecvTimeoutError::Disconnected) => Received::Failed(self.lost()),
            Err(RecvTimeoutError::Timeout) => match self.ended.try_recv() {
                Err(TryRecvError::Disconnected) => Received::Failed(self.lost()),
                _ => Received::Nothing,
            },
        }
    }

    /// While paused nothing is read; the frame that waits and those in the driver are dropped when it goes on.
    pub fn set_paused(&self, paused: bool) {
        let message = if paused { Control::Pause } else { Control::Resume };
        if let Some(control) = &self.control {
            let _full_or_gone = control.try_send(message);
        }
        let _stale = self.frames.try_recv();
    }

    fn lost(&self) -> CaptureError {
        CaptureError::CameraFailed { camera: self.camera.clone(), reason: "its driver thread ended".to_owned() }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.control = None;
        if let Some(thread) = self.thread.take() {
            match self.ended.recv_timeout(CLOSING_LIMIT) {
                Err(RecvTimeoutError::Timeout) => {
                    tracing::warn!("{}: it is stuck in its driver and could not be closed", self.camera);
                }
                _ => {
                    let _panicked = thread.join();
                }
            }
        }
    }
}

/// The thread's end of the handover: the newest frame replaces the one that waits.
struct Outlet {
    sender: Sender<Handover>,
    waiting: Receiver<Handover>,
}

impl Outlet {
    fn publish(&self, mut handover: Handover) {
        while let Err(TrySendError::Full(returned)) = self.sender.try_send(handover) {
            handover = returned;
            let _older = self.waiting.try_recv();
        }
    }
}

fn run(
    number: u32,
    options: &SourceOptions,
    opened: &Sender<Result<Prepared, CaptureError>>,
    control: &Receiver<Control>,
    outlet: &Outlet,
) {
    let caught = catch_unwind(|| open_camera(number, options));
    let opening = caught.unwrap_or_else(|_| {
        let camera = label("Camera", number);
        Err(CaptureError::CameraFailed { camera, reason: "its driver cannot be understood".to_owned() })
    });
    let (camera, prepared) = match opening {
        Ok(open) => open,
        Err(error) => {
            let _gave_up = opened.send(Err(error));
            return;
        }
    };
    let name = label(&prepared.name, number);
    if opened.send(Ok(prepared)).is_err() {
        return;
    }
    let mut camera = camera;
    let streamed = catch_unwind(AssertUnwindSafe(|| stream(&mut camera, control, outlet)));
    let failure = match streamed {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(explain(&name, number, &error)),
        Err(_) => Some(CaptureError::CameraFailed { camera: name, reason: "its driver gave up".to_owned() }),
    };
    // Closed before the failure is told, so that who hears of it can open the camera again at once.
    let _closed = catch_unwind(AssertUnwindSafe(|| drop(camera)));
    if let Some(failure) = failure {
        outlet.publish(Err(failure));
    }
}

fn open_camera(number: u32, options: &SourceOptions) -> Result<(Camera, Prepared), CaptureError> {
    let prepared = prepare(number, options)?;
    let name = label(&prepared.name, number);
    let wanted = nokhwa_format(&prepared.choice);
    let decodable = [wanted.format()];
    let request = RequestedFormat::with_formats(RequestedFormatType::Exact(wanted), &decodable);
    let explained = |error: NokhwaError| explain(&name, number, &error);
    let mut camera = Camera::new(CameraIndex::Index(number), request).map_err(explained)?;
    camera.open_stream().map_err(explained)?;
    Ok((camera, prepared))
}

/// Reads frames until the source is dropped or the camera fails.
fn stream(camera: &mut Camera, control: &Receiver<Control>, outlet: &Outlet) -> Result<(), NokhwaError> {
    let mut stale = 0;
    loop {
        let mut message = control.try_recv();
        while let Ok(Control::Pause) = message {
            message = control.recv().map_err(|_| TryRecvError::Disconnected);
            stale = DRIVER_QUEUE;
        }
        if message.is_err_and(|error| error.is_disconnected()) {
            return Ok(());
        }
        let buffer = camera.frame()?;
        if stale > 0 {
            stale -= 1;
            continue;
        }
        let taken_at = taken_at(&buffer);
        outlet.publish(Ok(RawFrame { buffer, taken_at }));
    }
}

/// The driver's time of a frame, which nokhwa gives by the wall clock.
fn taken_at(buffer: &Buffer) -> Instant {
    let now = Instant::now();
    let age = buffer.capture_timestamp().and_then(|taken| {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        wall.checked_sub(taken).filter(|age| *age < MAX_AGE)
    });
    age.and_then(|age| now.checked_sub(age)).unwrap_or(now)
}

fn nokhwa_format(choice: &Choice) -> CameraFormat {
    let format = match choice.pixels {
        PixelFormat::Yuyv => FrameFormat::YUYV,
        PixelFormat::Nv12 => FrameFormat::NV12,
        PixelFormat::Mjpg => FrameFormat::MJPEG,
        PixelFormat::Rgb => FrameFormat::RAWRGB,
        PixelFormat::Bgr => FrameFormat::RAWBGR,
        PixelFormat::Gray => FrameFormat::GRAY,
    };
    CameraFormat::new(Resolution::new(choice.size.width, choice.size.height), format, choice.rate)
}

/// nokhwa tells the system's error number in its text only: `… (os error 16)`.
fn explain(camera: &str, number: u32, error: &NokhwaError) -> CaptureError {
    let words = error.to_string();
    let errno = words.split_once("(os error ").and_then(|(_, rest)| rest.split_once(')')?.0.parse().ok());
    fault(camera, number, errno, &words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_read_out_of_the_text() {
        let text = |errno| NokhwaError::ReadFrameError(format!("Something (os error {errno})"));
        let explained = |errno| explain("Webcam (/dev/video3)", 3, &text(errno)).to_string();
        assert!(explained(16).contains("Webcam (/dev/video3): in use by another program"), "{}", explained(16));
        assert!(explained(16).contains("fuser -v /dev/video3"), "{}", explained(16));
        assert!(explained(13).contains("no permission"), "{}", explained(13));
        assert!(explained(19).contains("unplugged"), "{}", explained(19));
        assert!(explained(28).contains("USB bus"), "{}", explained(28));
        assert!(explained(5).contains("Could not capture frame: Something (os error 5)"), "{}", explained(5));
    }
}
