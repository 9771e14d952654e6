//! Recording what the pipeline computes: video with boxes, detections as JSON lines, frames as pictures.
//!
//! ```text
//! conductor ─FrameResult─▶ bounded channel ─▶ [record-video]      ─▶ ffmpeg ─▶ mp4, mkv
//!                        ├▶ bounded channel ─▶ [record-detections] ─▶ jsonl
//!                        └▶ bounded channel ─▶ [record-frames]     ─▶ png, jpg + index
//! ```
//!
//! A thread a recording. When one does not keep up, frames are left out of that recording and counted; the pipeline
//! never waits. What is on disk is readable at every moment: a video is cut into fragments of a second, lines are
//! written whole, pictures are renamed into place. The writers themselves ([`VideoFile`], [`DetectionFile`],
//! [`FrameFolder`]) are synchronous and know no threads; the command line calls them directly.

mod clock;
mod compose;
mod encoder;
mod error;
mod frame_folder;
mod lines;
mod names;
mod pace;
mod raw_stream;
mod recordings;
mod request;
mod task;
mod video_file;
mod watched;

pub use compose::{PairLayout, RecordingView};
pub use encoder::{Container, Encoder};
pub use error::RecordError;
pub use frame_folder::{Every, FrameFolder, FrameOptions, PictureFormat};
pub use lines::{DetectionFile, DetectionLine};
pub use names::free_path;
pub use request::{RecordKind, Recorded, RecordingRequest, RecordingState, RecordingStatus, VideoOptions, VideoView};
pub use video_file::VideoFile;

pub(super) use recordings::Recordings;

#[cfg(test)]
pub(super) mod test_support;
