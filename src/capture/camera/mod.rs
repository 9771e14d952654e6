//! Cameras: V4L2 through nokhwa, with our own choice of format and our own decoders.
//!
//! ```text
//! devices (what is there) → choice (what is taken) → prepare (set it) → driver (the thread: nokhwa) → pixels (RGB)
//! ```
//!
//! A frozen camera becomes an error after 3 s instead of a frozen program. Frames are decoded only when they are
//! asked for, so that a slow reader pays for none that it does not see.

mod choice;
mod devices;
mod driver;
mod jpeg_tables;
mod pixels;
mod prepare;

pub use devices::{CameraFormat, CameraInfo, count_cameras, list_cameras};

use super::CaptureError;
use super::clock::pause_for;
use super::frame_pool::FramePool;
use super::source::{CapturedFrame, FrameSource, Next, SourceInfo, SourceKind, SourceOptions};
use driver::{Driver, RawFrame, Received};
use pixels::{FrameLayout, decode};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A camera that gave nothing for so long is taken to be frozen.
const SILENCE: Duration = Duration::from_secs(3);
/// The first picture may take longer: the sensor wakes up and finds its exposure.
const FIRST_PICTURE: Duration = Duration::from_secs(5);
/// When no picture could be decoded for so long, that is told.
const DAMAGE: Duration = Duration::from_secs(3);

/// A camera as a source of frames: always the newest one.
pub struct CameraSource {
    info: SourceInfo,
    name: Arc<str>,
    layout: FrameLayout,
    driver: Driver,
    pool: FramePool,
    paused: bool,
    /// When the last frame came, or when the first one began to be waited for.
    heard_at: Instant,
    /// How long the next frame is waited for, counted from then.
    patience: Duration,
    /// Since when every picture was damaged.
    damaged_since: Option<Instant>,
    /// What the driver ended with: it does not come back by itself.
    failure: Option<CaptureError>,
}

impl CameraSource {
    /// Opens camera `number` with the format nearest to what `options` ask for.
    ///
    /// # Errors
    ///
    /// When there is no such camera, when it cannot be used (in use, forbidden, no usable format), or when it does
    /// not answer within 5 s.
    pub fn open(number: u32, options: &SourceOptions) -> Result<Self, CaptureError> {
        let (driver, prepared) = Driver::open(number, options)?;
        let choice = prepared.choice;
        let detail = match prepared.compromise {
            Some(compromise) => format!("{choice} ({compromise})"),
            None => choice.to_string(),
        };
        let info = SourceInfo {
            title: prepared.name,
            kind: SourceKind::Camera,
            size: Some(choice.size),
            frame_rate: Some(f64::from(choice.rate)),
            duration: None,
            picture_count: None,
            detail,
        };
        Ok(Self {
            name: info.title.as_str().into(),
            info,
            layout: prepared.layout,
            driver,
            pool: FramePool::default(),
            paused: false,
            heard_at: Instant::now(),
            patience: FIRST_PICTURE,
            damaged_since: None,
            failure: None,
        })
    }

    fn decoded(&mut self, raw: &RawFrame) -> Result<Next, CaptureError> {
        let started = Instant::now();
        let mut image = self.pool.take(self.layout.size);
        if let Err(reason) = decode(&self.layout, raw.bytes(), &mut image) {
            return self.damaged(reason);
        }
        self.damaged_since = None;
        Ok(Next::Frame(CapturedFrame {
            image: self.pool.share(image),
            captured_at: raw.taken_at,
            decode_time: started.elapsed(),
            position: None,
            name: Arc::clone(&self.name),
            truth: None,
        }))
    }

    /// A damaged picture now and then is left out; when there are no others, that is an error.
    fn damaged(&mut self, reason: String) -> Result<Next, CaptureError> {
        tracing::debug!("{}: damaged picture: {reason}", self.driver.camera());
        let since = *self.damaged_since.get_or_insert_with(Instant::now);
        if since.elapsed() < DAMAGE {
            return Ok(Next::Waiting);
        }
        self.damaged_since = None;
        Err(CaptureError::CameraDamaged { camera: self.driver.camera().to_owned(), reason })
    }

    fn expect_within(&mut self, patience: Duration) {
        self.heard_at = Instant::now();
        self.patience = patience;
    }

    fn silent(&mut self) -> Result<Next, CaptureError> {
        let waited = self.heard_at.elapsed();
        if waited < self.patience {
            return Ok(Next::Waiting);
        }
        // Told again at this distance for as long as it lasts.
        self.patience = waited + SILENCE;
        Err(CaptureError::CameraFrozen { camera: self.driver.camera().to_owned(), waited })
    }
}

impl FrameSource for CameraSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, wait: Duration) -> Result<Next, CaptureError> {
        if let Some(failure) = &self.failure {
            // Asked in a loop, a dead camera must not burn a core.
            pause_for(wait);
            return Err(failure.clone());
        }
        if self.paused {
            pause_for(wait);
            return Ok(Next::Waiting);
        }
        match self.driver.receive(wait.min(self.patience.saturating_sub(self.heard_at.elapsed()))) {
            Received::Frame(raw) => {
                self.expect_within(SILENCE);
                self.decoded(&raw)
            }
            Received::Nothing => self.silent(),
            Received::Failed(error) => {
                self.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    fn set_paused(&mut self, paused: bool) {
        if paused != self.paused {
            self.paused = paused;
            self.driver.set_paused(paused);
            self.expect_within(FIRST_PICTURE);
        }
    }
}
