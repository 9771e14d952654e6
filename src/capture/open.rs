//! From what the user named to an open source.

use super::camera::CameraSource;
use super::demo::DemoScene;
use super::pictures::{self, Pictures};
use super::video::VideoSource;
use super::{CaptureError, FrameSource, SourceOptions, SourceSpec};
use std::path::Path;

/// Opens a source.
///
/// A path is a folder of pictures, a picture (by its content, else by its ending) or a video.
///
/// # Errors
///
/// When there is no such source, or when it cannot be read: one sentence with the remedy. Some faults show only at
/// the first [`FrameSource::next_frame`] (a camera that is open but gives nothing).
pub fn open(spec: &SourceSpec, options: &SourceOptions) -> Result<Box<dyn FrameSource>, CaptureError> {
    match spec {
        SourceSpec::Demo => Ok(Box::new(DemoScene::open(options))),
        SourceSpec::Camera(number) => Ok(Box::new(CameraSource::open(*number, options)?)),
        SourceSpec::Path(path) => open_path(path, options),
        SourceSpec::Url(url) => Ok(Box::new(VideoSource::open_url(url, options)?)),
    }
}

fn open_path(path: &Path, options: &SourceOptions) -> Result<Box<dyn FrameSource>, CaptureError> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => CaptureError::NotFound { path: path.to_owned() },
        _ => CaptureError::Unreadable { path: path.to_owned(), reason: error.to_string() },
    })?;
    if metadata.is_dir() {
        return Ok(Box::new(Pictures::open_folder(path, options)?));
    }
    if !metadata.is_file() {
        return Err(CaptureError::NotAFile { path: path.to_owned() });
    }
    if pictures::is_picture(path)? {
        Ok(Box::new(Pictures::open_file(path, options)?))
    } else {
        Ok(Box::new(VideoSource::open_file(path, options)?))
    }
}
