//! Cameras, with our own choice of format, our own decoders, and a way back from every fault.
//!
//! ```text
//! devices (what is there) → choice (what is taken) → linux or portable (open, set, read: stream)
//!                                  → reader (the thread: decodes) → driver (its owner's end) → recovery (opens again)
//! ```
//!
//! On Linux a camera is read by the `v4l` crate, elsewhere (and on request) by nokhwa. A fault of any kind becomes an
//! error that is told once; the camera is then closed and opened again until it gives pictures.

mod choice;
mod controls;
mod devices;
mod driver;
mod jpeg_tables;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_arch = "x86_64")]
mod packed_yuv;
mod pixels;
mod portable;
mod prepared;
mod reader;
mod recovery;
mod stream;

pub use controls::{
    CameraControl, ControlAccess, ControlGroup, ControlKind, ControlMemory, ControlSetting, put as put_control_setting,
};
pub use devices::{CameraFormat, CameraInfo, count_cameras, list_cameras};
pub use pixels::{FrameDecoder, FrameLayout, PixelFormat};

use super::CaptureError;
use super::clock::pause_for;
use super::source::{
    CameraBackend, CameraLosses, CapturedFrame, FrameSource, Next, SourceInfo, SourceKind, SourceOptions,
};
use driver::{Driver, Received, Taken};
use prepared::{Prepared, label};
use reader::Shared;
use recovery::{Patience, Recovery};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use stream::Open;

/// A camera that is not open by then does not answer.
const OPENING_LIMIT: Duration = Duration::from_secs(5);
/// Time for the thread to end before it is left behind; within it several frames come from every sound camera.
const CLOSING_LIMIT: Duration = Duration::from_millis(400);
/// When no picture could be decoded for so long, that is told.
const DAMAGE: Duration = Duration::from_secs(3);

/// A camera as a source of frames: always the newest one.
pub struct CameraSource {
    info: SourceInfo,
    name: Arc<str>,
    asked: u32,
    options: SourceOptions,
    open: Open,
    /// None while it is away.
    driver: Option<Driver>,
    recovery: Recovery,
    patience: Patience,
    paused: bool,
    /// Since when every picture was damaged.
    damaged_since: Option<Instant>,
    shared: Arc<Shared>,
    #[cfg(target_os = "linux")]
    identity: Option<linux::devices::Identity>,
}

impl CameraSource {
    /// Opens camera `number` with the format nearest to what `options` ask for.
    ///
    /// # Errors
    ///
    /// When there is no such camera, when it cannot be used (in use, forbidden, no usable format), or when it does
    /// not answer within 5 s.
    pub fn open(number: u32, options: &SourceOptions) -> Result<Self, CaptureError> {
        let open = backend(options.camera_backend)?;
        let shared = Arc::new(Shared::new(options.camera_controls.clone()));
        let mut driver = Driver::start(number, move || number, options, open, Arc::clone(&shared))?;
        let prepared = match driver.receive(OPENING_LIMIT) {
            Received::Opened(prepared) => prepared,
            Received::Failed(error) => {
                driver.close().wait(CLOSING_LIMIT);
                return Err(error);
            }
            _ => {
                let camera = label("Camera", number);
                return Err(CaptureError::CameraSlow { camera, waited: OPENING_LIMIT });
            }
        };
        let info = describe(&prepared);
        Ok(Self {
            name: info.title.as_str().into(),
            patience: Patience::after_opening(info.frame_rate),
            info,
            asked: number,
            options: options.clone(),
            open,
            driver: Some(driver),
            recovery: Recovery::default(),
            paused: false,
            damaged_since: None,
            shared,
            #[cfg(target_os = "linux")]
            identity: linux::devices::Identity::of(number),
        })
    }

    fn heard(&mut self, received: Received) -> Result<Next, CaptureError> {
        match received {
            Received::Opened(prepared) => {
                self.info = describe(&prepared);
                self.name = self.info.title.as_str().into();
                self.patience = Patience::after_opening(self.info.frame_rate);
                self.damaged_since = None;
                Ok(Next::Waiting)
            }
            Received::Frame(taken) => {
                self.patience.heard();
                self.damaged_since = None;
                self.recovery.frame_came();
                Ok(Next::Frame(self.frame(taken)))
            }
            Received::Damaged(reason) => {
                self.patience.heard();
                self.damaged(reason)
            }
            Received::Nothing => self.silent(),
            Received::Failed(error) => self.away(error),
        }
    }

    fn frame(&self, taken: Taken) -> CapturedFrame {
        let losses = CameraLosses {
            dropped: self.shared.losses.dropped.load(Ordering::Relaxed),
            damaged: self.shared.losses.damaged.load(Ordering::Relaxed),
            reopened: self.recovery.reopened(),
        };
        CapturedFrame {
            image: taken.image,
            captured_at: taken.taken_at,
            decode_time: taken.decode_time,
            position: None,
            name: Arc::clone(&self.name),
            truth: None,
            losses: Some(losses),
        }
    }

    /// A damaged picture now and then is left out; when there are no others, that is an error, and the camera is read on.
    fn damaged(&mut self, reason: String) -> Result<Next, CaptureError> {
        let since = *self.damaged_since.get_or_insert_with(Instant::now);
        if since.elapsed() < DAMAGE {
            return Ok(Next::Waiting);
        }
        let camera = self.label();
        self.recovery.tell(CaptureError::CameraDamaged { camera, reason })
    }

    fn silent(&mut self) -> Result<Next, CaptureError> {
        let opening = self.driver.as_ref().is_some_and(Driver::is_opening);
        match self.patience.lost() {
            None => Ok(Next::Waiting),
            Some(waited) if opening => self.away(CaptureError::CameraSlow { camera: self.label(), waited }),
            Some(waited) => self.away(CaptureError::CameraFrozen { camera: self.label(), waited }),
        }
    }

    /// The camera is let go of, to be opened again later.
    fn away(&mut self, error: CaptureError) -> Result<Next, CaptureError> {
        let closing = self.driver.take().map(Driver::close);
        self.damaged_since = None;
        // A camera that was there and is not any more is gone, whichever call noticed it.
        let error = match error {
            CaptureError::NoSuchCamera { .. } => CaptureError::CameraGone { camera: self.label() },
            other => other,
        };
        self.recovery.lost(error, closing)
    }

    /// Opens the camera again once it is time and it was closed.
    fn try_again(&mut self, wait: Duration) -> Result<Next, CaptureError> {
        if !self.recovery.is_due(wait) {
            return Ok(Next::Waiting);
        }
        self.patience = Patience::while_opening(OPENING_LIMIT);
        let started = Driver::start(self.asked, self.finder(), &self.options, self.open, Arc::clone(&self.shared));
        match started {
            Ok(driver) => {
                self.driver = Some(driver);
                Ok(Next::Waiting)
            }
            Err(error) => self.away(error),
        }
    }

    /// Finds the number that the camera has now: it may have been plugged in again under another one.
    #[cfg(target_os = "linux")]
    fn finder(&self) -> impl FnOnce() -> u32 + Send + 'static {
        let (asked, identity) = (self.asked, self.identity.clone());
        let last = self.info.camera.unwrap_or(asked);
        move || identity.and_then(|identity| identity.find(last)).unwrap_or(asked)
    }

    #[cfg(not(target_os = "linux"))]
    fn finder(&self) -> impl FnOnce() -> u32 + Send + 'static {
        let asked = self.asked;
        move || asked
    }

    /// A thread that reads sees its orders by itself.
    fn wake_paused(&self) {
        if let Some(driver) = self.driver.as_ref().filter(|_| self.paused) {
            driver.look();
        }
    }

    fn label(&self) -> String {
        label(&self.info.title, self.info.camera.unwrap_or(self.asked))
    }
}

impl FrameSource for CameraSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, wait: Duration) -> Result<Next, CaptureError> {
        if self.paused {
            pause_for(wait);
            return Ok(Next::Waiting);
        }
        let Some(driver) = &mut self.driver else { return self.try_again(wait) };
        let received = driver.receive(wait.min(self.patience.left()));
        self.heard(received)
    }

    fn take_warning(&mut self) -> Option<String> {
        self.shared.desk.take_refusal()
    }

    fn take_controls(&mut self) -> Option<Arc<[CameraControl]>> {
        self.shared.desk.take_controls()
    }

    fn set_control(&mut self, setting: ControlSetting) {
        self.shared.desk.wish(setting);
        self.wake_paused();
    }

    fn reset_controls(&mut self) {
        self.shared.desk.wish_defaults();
        self.wake_paused();
    }

    fn set_paused(&mut self, paused: bool) {
        if paused == self.paused {
            return;
        }
        self.paused = paused;
        if let Some(driver) = &self.driver {
            driver.set_paused(paused);
        }
        self.patience.begin_anew();
    }
}

impl Drop for CameraSource {
    fn drop(&mut self) {
        let Some(mut closing) = self.driver.take().map(Driver::close).or_else(|| self.recovery.take_closing()) else {
            return;
        };
        if !closing.wait(CLOSING_LIMIT) {
            tracing::warn!("{}: it is stuck in its driver and could not be closed", self.label());
        }
    }
}

/// How a camera is opened by that library.
fn backend(backend: CameraBackend) -> Result<Open, CaptureError> {
    let nokhwa: Open = |number, options| {
        portable::NokhwaStream::open(number, options).map(|(stream, prepared)| (Box::new(stream) as _, prepared))
    };
    #[cfg(target_os = "linux")]
    let v4l: Open = |number, options| {
        linux::stream::V4lStream::open(number, options).map(|(stream, prepared)| (Box::new(stream) as _, prepared))
    };
    match backend {
        CameraBackend::Nokhwa => Ok(nokhwa),
        #[cfg(target_os = "linux")]
        CameraBackend::Auto | CameraBackend::V4l => Ok(v4l),
        #[cfg(not(target_os = "linux"))]
        CameraBackend::Auto => Ok(nokhwa),
        #[cfg(not(target_os = "linux"))]
        CameraBackend::V4l => Err(CaptureError::NoCameraBackend { backend: "v4l".to_owned() }),
    }
}

fn describe(prepared: &Prepared) -> SourceInfo {
    let choice = prepared.choice;
    let detail = match &prepared.compromise {
        Some(compromise) => format!("{choice} ({compromise})"),
        None => choice.to_string(),
    };
    SourceInfo {
        title: prepared.name.clone(),
        kind: SourceKind::Camera,
        size: Some(choice.size),
        frame_rate: Some(choice.rate),
        duration: None,
        picture_count: None,
        detail,
        camera: Some(prepared.number),
    }
}
