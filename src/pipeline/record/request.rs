//! What can be asked to be recorded, and what is told of it.

use super::encoder::Container;
use super::frame_folder::FrameOptions;
use std::path::PathBuf;
use std::time::Duration;

/// The kinds of recording; one of each may run at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// Video with boxes.
    Video,
    /// Detections as JSON lines.
    Detections,
    /// Frames without boxes, as pictures.
    Frames,
}

impl RecordKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Video, Self::Detections, Self::Frames];

    /// Index into arrays with an entry a kind.
    pub const fn index(self) -> usize {
        match self {
            Self::Video => 0,
            Self::Detections => 1,
            Self::Frames => 2,
        }
    }

    /// For people, and for the name of its thread.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Detections => "detections",
            Self::Frames => "frames",
        }
    }
}

/// A recording that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingRequest {
    /// Folder in which a new file (or, for frames, a new folder) is made, named by date and time. Made where there is
    /// none.
    pub folder: PathBuf,
    /// This file instead of a new one in `folder`; one that is there already is not overwritten. Frames go into a folder
    /// in any case.
    pub file: Option<PathBuf>,
    /// What.
    pub what: Recorded,
}

/// What is recorded, with what there is to choose.
#[derive(Clone, Debug, PartialEq)]
pub enum Recorded {
    /// Video with boxes.
    Video(VideoOptions),
    /// Detections of every frame and of both lanes.
    Detections,
    /// Frames without boxes.
    Frames(FrameOptions),
}

impl Recorded {
    /// Its kind.
    pub fn kind(&self) -> RecordKind {
        match self {
            Self::Video(_) => RecordKind::Video,
            Self::Detections => RecordKind::Detections,
            Self::Frames(_) => RecordKind::Frames,
        }
    }
}

/// What there is to choose of a video.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VideoOptions {
    /// What is on its pictures.
    pub view: VideoView,
    /// Its file format.
    pub container: Container,
    /// Pictures a second, brought into 1…60.
    pub rate: f64,
}

/// What is on the pictures of a video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoView {
    /// What the window shows, also when that changes.
    #[default]
    AsShown,
    /// A left, B right.
    SideBySide,
    /// A's boxes left of a line, B's right of it.
    Divider,
}

impl VideoView {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AsShown, Self::SideBySide, Self::Divider];

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsShown => "As shown",
            Self::SideBySide => "Side by side",
            Self::Divider => "Divider",
        }
    }
}

/// How a recording is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordingStatus {
    /// Which.
    pub kind: RecordKind,
    /// The file, or the folder of frames.
    pub path: PathBuf,
    /// Recorded time; pauses do not count.
    pub elapsed: Duration,
    /// Frames that were written.
    pub frames: u64,
    /// Frames that were left out because it did not keep up.
    pub dropped: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// How a video is encoded, such as `H.264 (libx264)`.
    pub encoder: Option<String>,
    /// Whether it goes on.
    pub state: RecordingState,
}

/// Whether a recording goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordingState {
    /// It runs.
    Running,
    /// It is complete.
    Finished,
    /// It broke off; one sentence: why, and what to do. What was written can be read.
    Failed(String),
}
