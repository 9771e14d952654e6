//! The trait behind every source of frames.

use super::{CameraControl, CaptureError, ControlMemory, ControlSetting};
use crate::imaging::{ImageSize, RgbImage, Truth};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One picture as it came from its source.
#[derive(Clone, Debug)]
pub struct CapturedFrame {
    /// The picture; shared, never copied.
    pub image: Arc<RgbImage>,
    /// When the picture was taken (the driver's time where there is one), else when it was read.
    pub captured_at: Instant,
    /// Time spent turning the source's bytes into RGB (for the demo scene: rendering).
    pub decode_time: Duration,
    /// Position in a video, or index over rate in a folder of pictures.
    pub position: Option<Duration>,
    /// File name of a picture, else the title of the source.
    pub name: Arc<str>,
    /// What is really in the picture, where the source knows.
    pub truth: Option<Arc<Truth>>,
    /// What was lost on the way, where the source is a camera.
    pub losses: Option<CameraLosses>,
}

/// Frames of a camera that nobody saw, counted since the source was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CameraLosses {
    /// Frames that the driver had no buffer for, told by the gaps in its numbers. Always 0 where it does not number them.
    pub dropped: u64,
    /// Frames that came flagged as faulty, empty, too short, or that could not be decoded.
    pub damaged: u64,
    /// How often the camera was closed and opened again after a fault.
    pub reopened: u64,
}

/// What a source answers when it is asked for the next frame.
#[derive(Debug)]
pub enum Next {
    /// A new frame.
    Frame(CapturedFrame),
    /// Nothing new within the time that was allowed; ask again.
    Waiting,
    /// The end of a video or of a folder that does not loop. Seeking makes the source go on.
    End,
}

/// The kind of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// The built-in demo scene, with known truth.
    Demo,
    /// A camera.
    Camera,
    /// A video file: it can be paused, searched, looped, and played faster or slower.
    Video,
    /// A network stream: live, it can only be watched.
    Stream,
    /// One picture or a folder of them.
    Pictures,
}

/// What is known of an open source.
#[derive(Clone, Debug)]
pub struct SourceInfo {
    /// A short name for people: file name, camera name, "Demo scene".
    pub title: String,
    /// Its kind.
    pub kind: SourceKind,
    /// Size of its frames, where all have the same.
    pub size: Option<ImageSize>,
    /// Nominal frames a second.
    pub frame_rate: Option<f64>,
    /// Length of a video.
    pub duration: Option<Duration>,
    /// Number of pictures in a folder.
    pub picture_count: Option<usize>,
    /// One more sentence for people, such as the camera format that was got ("YUYV 640x480 at 30 fps").
    pub detail: String,
    /// Number of the camera (`/dev/videoN` on Linux) that is read now; after it was plugged in again it may be another one
    /// than was asked for.
    pub camera: Option<u32>,
}

/// Which library reads cameras.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CameraBackend {
    /// The best one for this system: [`Self::V4l`] on Linux, [`Self::Nokhwa`] elsewhere.
    #[default]
    Auto,
    /// Video4Linux by the `v4l` crate; Linux only.
    V4l,
    /// The `nokhwa` crate, on every system.
    Nokhwa,
}

/// How fast frames are handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Pace {
    /// As a camera would: at the source's rate, times its speed.
    #[default]
    RealTime,
    /// As fast as they are asked for, none left out: for the command line.
    EveryFrame,
}

/// What can be asked of a source when it is opened. Whatever does not apply to its kind is ignored.
#[derive(Clone, Debug, Default)]
pub struct SourceOptions {
    /// Real time or every frame.
    pub pace: Pace,
    /// Start again at the end (videos and folders).
    pub looping: bool,
    /// Camera: the size wanted; the nearest one on offer is taken.
    pub camera_size: Option<ImageSize>,
    /// Camera: the frame rate wanted.
    pub camera_rate: Option<f64>,
    /// Camera: the pixel format wanted, by its FourCC such as `YUYV` or `MJPG`.
    pub camera_format: Option<String>,
    /// Camera: the library that reads it.
    pub camera_backend: CameraBackend,
    /// Cameras: settings of their controls, by the cameras' names. Those of the camera that is opened are made, and made
    /// again whenever it comes back.
    pub camera_controls: ControlMemory,
    /// Demo scene: seed of its world. None: the default world.
    pub seed: Option<u64>,
}

/// A source of frames. Dropping it closes it.
pub trait FrameSource: Send {
    /// What is known of it.
    fn info(&self) -> &SourceInfo;

    /// The next frame, waiting for it at most `wait`.
    ///
    /// In [`Pace::RealTime`] a source that fell behind skips to the present.
    ///
    /// # Errors
    ///
    /// When the source cannot go on; it may be asked again later (a camera may come back).
    fn next_frame(&mut self, wait: Duration) -> Result<Next, CaptureError>;

    /// What the user should know and what stops nothing, one sentence at a time, oldest first: a picture that was
    /// skipped, for instance. Ask after each [`Self::next_frame`], until there is none.
    fn take_warning(&mut self) -> Option<String> {
        None
    }

    /// What can be set on a camera, when that changed since this was last asked: ask after each [`Self::next_frame`]. None
    /// for every other source.
    fn take_controls(&mut self) -> Option<Arc<[CameraControl]>> {
        None
    }

    /// Sets a control of a camera: soon, by the camera's own thread, and again whenever it comes back. What was made of it
    /// shows in [`Self::take_controls`], a refusal in [`Self::take_warning`]. Ignored by every other source.
    fn set_control(&mut self, _setting: ControlSetting) {}

    /// Sets all controls of a camera to their defaults, and forgets what was set. Ignored by every other source.
    fn reset_controls(&mut self) {}

    /// Told when the user pauses or resumes, so that the clock of a video stops and a camera drops stale frames.
    ///
    /// A paused video or folder that is asked for a frame all the same gives the next one at once: that is how a
    /// single step works, and how a seek shows its picture. A paused live source gives nothing.
    fn set_paused(&mut self, _paused: bool) {}

    /// Goes to a position (videos: time; folders: the picture shown at that time). Ignored by live sources.
    ///
    /// # Errors
    ///
    /// When the source cannot be read there.
    fn seek(&mut self, _to: Duration) -> Result<(), CaptureError> {
        Ok(())
    }

    /// Playing speed, 1.0 is real time. Ignored by live sources.
    fn set_speed(&mut self, _factor: f64) {}

    /// Whether to start again at the end.
    fn set_looping(&mut self, _looping: bool) {}
}
