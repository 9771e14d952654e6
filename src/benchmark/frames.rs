//! Frames to measure with, read before the clock starts.

use super::BenchmarkError;
use crate::capture::{self, CameraBackend, Next, Pace, SourceOptions, SourceSpec};
use crate::imaging::RgbImage;
use std::sync::Arc;
use std::time::Duration;

/// Different frames held in memory; more would only measure the memory.
const FRAMES_IN_MEMORY: usize = 16;

/// The first frames of a source, 16 at most; a camera is read by `backend`.
///
/// # Errors
///
/// When the source does not open, breaks off, or has no picture.
pub fn frames_in_memory(spec: &str, backend: CameraBackend) -> Result<Vec<Arc<RgbImage>>, BenchmarkError> {
    let options = SourceOptions { pace: Pace::EveryFrame, camera_backend: backend, ..SourceOptions::default() };
    let mut source = capture::open(&SourceSpec::from(spec), &options)?;
    let mut images = Vec::new();
    while images.len() < FRAMES_IN_MEMORY {
        match source.next_frame(Duration::from_secs(1))? {
            Next::Frame(frame) => images.push(frame.image),
            Next::Waiting => {}
            Next::End => break,
        }
    }
    if images.is_empty() {
        return Err(BenchmarkError::NoPicture { source_spec: spec.to_owned() });
    }
    Ok(images)
}
