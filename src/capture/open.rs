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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::SourceKind;
    use crate::imaging::RgbImage;

    fn error_of(text: &str) -> CaptureError {
        open(&SourceSpec::from(text), &SourceOptions::default()).err().expect("an error")
    }

    #[test]
    fn a_path_is_a_folder_or_a_picture_by_what_lies_there() {
        let folder = tempfile::tempdir().unwrap();
        let picture = folder.path().join("a.png");
        RgbImage::new(4, 4).save(&picture).unwrap();
        for (path, count) in [(folder.path(), Some(1)), (&picture, Some(1))] {
            let source = open(&SourceSpec::Path(path.to_owned()), &SourceOptions::default()).unwrap();
            assert_eq!((source.info().kind, source.info().picture_count), (SourceKind::Pictures, count));
        }
        let demo = open(&SourceSpec::Demo, &SourceOptions::default()).unwrap();
        assert_eq!(demo.info().kind, SourceKind::Demo);
    }

    #[test]
    fn what_cannot_be_opened_is_told_apart() {
        assert!(matches!(error_of("/no/such/file.mp4"), CaptureError::NotFound { .. }));
        assert!(matches!(error_of("/dev/null"), CaptureError::NotAFile { .. }));
        assert!(matches!(error_of("file:///etc/hostname"), CaptureError::UnknownAddress { .. }));
        assert!(matches!(error_of("camera:250"), CaptureError::NoSuchCamera { number: 250, .. }));
    }
}
