//! Frames as pictures in a folder, with an index: for calibration, and to be labelled.

use super::error::RecordError;
use super::lines::LineFile;
use super::names;
use crate::capture::CapturedFrame;
use crate::imaging::RgbImage;
use image::ImageFormat;
use image::codecs::jpeg::JpegEncoder;
use serde::{Deserialize, Serialize};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The index in the folder: a JSON object a picture.
const INDEX: &str = "frames.jsonl";
const JPEG_QUALITY: u8 = 95;
/// Frames are compared as grey pictures of so many cells.
const CELLS: [u32; 2] = [32, 24];
/// A cell changed when its grey level did by more than this, of 255.
const CHANGED_LEVELS: u8 = 10;
/// A frame is different enough when so large a share of the cells changed since the last one that was kept.
const CHANGED_SHARE: f32 = 0.04;

/// Which frames are kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// One in so many.
    Frames(u64),
    /// One in so many seconds.
    Seconds(f64),
}

/// The kind of picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureFormat {
    /// Lossless.
    #[default]
    Png,
    /// JPEG of quality 95.
    Jpeg,
}

impl PictureFormat {
    const fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
        }
    }
}

/// What there is to choose.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FrameOptions {
    /// Which frames are kept.
    pub every: Every,
    /// Of those, only the ones that differ visibly from the last one kept.
    pub different: bool,
    /// When so many are kept it is over; none: never.
    pub count: Option<u64>,
    /// The kind of picture.
    pub format: PictureFormat,
}

impl Default for FrameOptions {
    fn default() -> Self {
        Self { every: Every::Seconds(1.0), different: false, count: Some(100), format: PictureFormat::default() }
    }
}

/// A line of the index.
#[derive(Serialize)]
struct Entry<'a> {
    file: &'a str,
    /// When the frame was taken, in UTC.
    time: String,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position_s: Option<f64>,
    width: u32,
    height: u32,
}

/// The folder. Pictures are renamed into place and then entered into the index: none is ever half written.
#[derive(Debug)]
pub struct FrameFolder {
    path: PathBuf,
    options: FrameOptions,
    index: LineFile,
    number: u64,
    kept: u64,
    seen: u64,
    due: Option<Duration>,
    last: Option<Vec<u8>>,
    bytes: u64,
}

impl FrameFolder {
    /// A new folder in `parent`, named by date and time.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn create_in(parent: &Path, options: FrameOptions) -> Result<Self, RecordError> {
        Self::open(&names::free_path(parent, "frames", "")?, options)
    }

    /// This folder, made where there is none; pictures that are there stay, and are counted on from.
    ///
    /// # Errors
    ///
    /// When it cannot be made or written to.
    pub fn open(path: &Path, options: FrameOptions) -> Result<Self, RecordError> {
        let failed = |error: std::io::Error| RecordError::Folder { path: path.to_owned(), reason: error.to_string() };
        std::fs::create_dir_all(path).map_err(failed)?;
        let numbers = std::fs::read_dir(path)
            .map_err(failed)?
            .flatten()
            .filter_map(|entry| Path::new(&entry.file_name()).file_stem()?.to_str()?.parse::<u64>().ok());
        let number = numbers.max().unwrap_or(0);
        let index = LineFile::append(path.join(INDEX))?;
        let path = path.to_owned();
        Ok(Self { path, options, index, number, kept: 0, seen: 0, due: None, last: None, bytes: 0 })
    }

    /// Looks at a frame that was taken `at` after the start, and keeps it if it is wanted. Returns whether it was.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn offer(&mut self, frame: &CapturedFrame, at: Duration) -> Result<bool, RecordError> {
        let turn = match self.options.every {
            Every::Frames(step) => self.seen.is_multiple_of(step.max(1)),
            Every::Seconds(_) => self.due.is_none_or(|due| at >= due),
        };
        self.seen += 1;
        if !turn || self.is_full() {
            return Ok(false);
        }
        let thumbnail = self.options.different.then(|| thumbnail(&frame.image));
        if let (Some(now), Some(last)) = (&thumbnail, &self.last)
            && !is_different(last, now)
        {
            return Ok(false);
        }
        self.keep(frame)?;
        self.last = thumbnail;
        if let Every::Seconds(seconds) = self.options.every {
            // Counted from when it was due, so that the average is right; but never a burst after a gap.
            let step = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            let next = self.due.unwrap_or(at) + step;
            self.due = Some(if next > at { next } else { at + step });
        }
        Ok(true)
    }

    /// Whether as many are kept as were wanted.
    pub fn is_full(&self) -> bool {
        self.options.count.is_some_and(|count| self.kept >= count)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Frames kept.
    pub fn frames(&self) -> u64 {
        self.kept
    }

    /// Bytes of the pictures kept and of the index.
    pub fn bytes(&self) -> u64 {
        self.bytes + self.index.bytes()
    }

    fn keep(&mut self, frame: &CapturedFrame) -> Result<(), RecordError> {
        let number = self.number + 1;
        let name = format!("{number:06}.{}", self.options.format.ending());
        let path = self.path.join(&name);
        let bytes = encoded(&frame.image, self.options.format)
            .map_err(|error| RecordError::Picture { path: path.clone(), reason: error.to_string() })?;
        let write = || {
            let mut file = tempfile::Builder::new().prefix(".frame").tempfile_in(&self.path)?;
            file.write_all(&bytes)?;
            file.persist_noclobber(&path).map_err(|error| error.error)
        };
        let file = write().map_err(|error: std::io::Error| RecordError::writing(&path, &error))?;
        share(&file);
        let (width, height) = frame.image.dimensions();
        self.index.add(&Entry {
            file: &name,
            time: names::utc(frame.captured_at),
            source: &frame.name,
            position_s: frame.position.map(|position| position.as_secs_f64()),
            width,
            height,
        });
        self.index.flush()?;
        (self.number, self.kept) = (number, self.kept + 1);
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// A temporary file is its owner's alone; a picture that is kept may be read as others may.
fn share(file: &std::fs::File) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Where the file system knows no such thing the picture is as good.
        let _ = file.set_permissions(std::fs::Permissions::from_mode(0o644));
    }
    #[cfg(not(unix))]
    let _ = file;
}

fn encoded(picture: &RgbImage, format: PictureFormat) -> image::ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    match format {
        PictureFormat::Png => picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?,
        PictureFormat::Jpeg => JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(picture)?,
    }
    Ok(bytes)
}

/// Grey levels of a small copy.
fn thumbnail(picture: &RgbImage) -> Vec<u8> {
    let small = image::imageops::thumbnail(picture, CELLS[0], CELLS[1]);
    small
        .pixels()
        .map(|pixel| ((u32::from(pixel[0]) + u32::from(pixel[1]) * 2 + u32::from(pixel[2])) / 4) as u8)
        .collect()
}

fn is_different(a: &[u8], b: &[u8]) -> bool {
    let changed = a.iter().zip(b).filter(|(a, b)| a.abs_diff(**b) > CHANGED_LEVELS).count();
    changed as f32 >= CHANGED_SHARE * a.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::ImageSize;
    use crate::pipeline::Mode;
    use crate::pipeline::record::test_support::frame;
    use std::sync::Arc;

    fn captured(level: u8) -> CapturedFrame {
        let mut frame = frame(1, Mode::Compare, ImageSize::new(64, 48)).frame;
        frame.image = Arc::new(RgbImage::from_pixel(64, 48, image::Rgb([level; 3])));
        frame
    }

    fn kept(options: FrameOptions, frames: &[(u8, f64)]) -> Vec<usize> {
        let folder = tempfile::tempdir().unwrap();
        let mut into = FrameFolder::open(folder.path(), options).unwrap();
        let offers = frames.iter().enumerate();
        let kept: Vec<usize> = offers
            .filter(|(_, (level, at))| into.offer(&captured(*level), Duration::from_secs_f64(*at)).unwrap())
            .map(|(index, _)| index)
            .collect();
        let index = std::fs::read_to_string(folder.path().join(INDEX)).unwrap();
        assert_eq!(index.lines().count(), kept.len());
        for line in index.lines() {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            let picture = image::open(folder.path().join(entry["file"].as_str().unwrap())).unwrap();
            assert_eq!((picture.width(), picture.height()), (64, 48));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), kept.len() + 1, "nothing else is left");
        kept
    }

    #[test]
    fn frames_are_kept_by_number_by_time_and_by_difference_up_to_a_count() {
        let base = FrameOptions { count: None, ..FrameOptions::default() };
        let frames: Vec<(u8, f64)> =
            (0..10).map(|index| (90 + 20 * u8::from(index >= 6), index as f64 * 0.4)).collect();
        assert_eq!(kept(FrameOptions { every: Every::Frames(4), ..base }, &frames), [0, 4, 8]);
        assert_eq!(kept(FrameOptions { every: Every::Seconds(1.0), ..base }, &frames), [0, 3, 5, 8]);
        let different = FrameOptions { every: Every::Frames(0), different: true, ..base };
        assert_eq!(kept(different, &frames), [0, 6]);
        let two = FrameOptions { every: Every::Frames(1), count: Some(2), format: PictureFormat::Jpeg, ..base };
        assert_eq!(kept(two, &frames), [0, 1]);
    }

    #[test]
    fn pictures_that_are_there_stay() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("000007.png"), "mine").unwrap();
        let mut into = FrameFolder::open(folder.path(), FrameOptions::default()).unwrap();
        assert!(into.offer(&captured(9), Duration::ZERO).unwrap());
        assert!(folder.path().join("000008.png").exists());
        assert_eq!(std::fs::read(folder.path().join("000007.png")).unwrap(), b"mine");
    }
}
