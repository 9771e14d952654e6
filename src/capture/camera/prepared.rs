//! What is known of a camera once it is set, and the words for what its driver reports.

use super::choice::Choice;
use super::pixels::FrameLayout;
use crate::capture::{CaptureError, SourceOptions};

/// A camera that stands at the format that will be used.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The N of `camera:N` under which it was found.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// What it stands at, as the driver confirms it.
    pub choice: Choice,
    /// How its frames lie in memory.
    pub layout: FrameLayout,
    /// What was asked and could not be had, in words.
    pub compromise: Option<String>,
}

/// A camera as sentences call it.
pub fn label(name: &str, number: u32) -> String {
    if cfg!(target_os = "linux") { format!("{name} (/dev/video{number})") } else { format!("{name} (camera {number})") }
}

/// The error for what a driver reports, by its number where it is known.
pub fn fault(camera: &str, number: u32, errno: Option<i32>, words: &str) -> CaptureError {
    let camera = camera.to_owned();
    // The numbers are the same on every processor that Linux runs these cameras on.
    match errno.filter(|_| cfg!(target_os = "linux")) {
        Some(16) => CaptureError::CameraBusy { camera, number },
        Some(1 | 13) => CaptureError::CameraForbidden { camera },
        Some(2 | 6 | 19) => CaptureError::CameraGone { camera },
        Some(28) => CaptureError::CameraBandwidth { camera },
        _ => CaptureError::CameraFailed { camera, reason: words.to_owned() },
    }
}

/// What was asked and could not be had.
pub fn compromise(got: &Choice, options: &SourceOptions) -> Option<String> {
    let mut missed = Vec::new();
    if let Some(format) = &options.camera_format
        && super::pixels::PixelFormat::from_fourcc(format) != Some(got.pixels)
    {
        missed.push(format.clone());
    }
    if let Some(size) = options.camera_size
        && size != got.size
    {
        missed.push(size.to_string());
    }
    if let Some(rate) = options.camera_rate
        && (rate - got.rate).abs() > 0.5
    {
        missed.push(format!("{rate} fps"));
    }
    (!missed.is_empty()).then(|| format!("{} is not on offer", missed.join(", ")))
}
