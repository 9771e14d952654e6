//! One picture, or a folder of pictures in the order of their names.
//!
//! A folder shows a picture a second in real time. A single picture is given once and then only again after a seek:
//! a still picture costs nothing. A picture in a folder that cannot be read is left out, and a warning says so.

mod read;

pub use read::{is_picture, read_picture};

use super::CaptureError;
use super::clock::{Clock, pause_for};
use super::source::{CapturedFrame, FrameSource, Next, Pace, SourceInfo, SourceKind, SourceOptions};
use crate::imaging::RgbImage;
use read::{EXTENSIONS, has_picture_extension};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a picture of a folder is shown at normal speed.
const SHOWN_FOR: Duration = Duration::from_secs(1);
/// Warnings kept for a caller that does not ask for them.
const MAX_WARNINGS: usize = 100;

/// Pictures as a source of frames. The position of picture `n`, counted from 0, is `n` seconds.
pub struct Pictures {
    info: SourceInfo,
    files: Vec<PathBuf>,
    /// The folder, or the only file.
    root: PathBuf,
    pace: Pace,
    looping: bool,
    /// Index of the next picture.
    next: usize,
    clock: Clock,
    warnings: VecDeque<String>,
    /// Pictures that could not be read since the last one that could.
    broken_in_a_row: usize,
    /// The last picture decoded, so that a single one that is asked for again costs nothing.
    last: Option<(usize, Arc<RgbImage>)>,
}

impl Pictures {
    /// A single picture. It is read at once, so that a broken one is told here.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn open_file(path: &Path, options: &SourceOptions) -> Result<Self, CaptureError> {
        let image = Arc::new(read_picture(path)?);
        let mut source = Self::new(path, vec![path.to_owned()], options);
        source.info.size = Some(crate::imaging::ImageSize::new(image.width(), image.height()));
        source.info.detail = format!("picture, {}x{}", image.width(), image.height());
        source.info.frame_rate = None;
        source.last = Some((0, image));
        Ok(source)
    }

    /// The pictures of a folder, without those of its subfolders and without hidden files.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read or has no pictures.
    pub fn open_folder(path: &Path, options: &SourceOptions) -> Result<Self, CaptureError> {
        let unreadable =
            |error: std::io::Error| CaptureError::Unreadable { path: path.to_owned(), reason: error.to_string() };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            let hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if !hidden && has_picture_extension(&file) && file.is_file() {
                files.push(file);
            }
        }
        if files.is_empty() {
            return Err(CaptureError::EmptyFolder { path: path.to_owned(), extensions: EXTENSIONS.join(", ") });
        }
        files.sort();
        Ok(Self::new(path, files, options))
    }

    fn new(root: &Path, files: Vec<PathBuf>, options: &SourceOptions) -> Self {
        let info = SourceInfo {
            title: name_of(root).to_string(),
            kind: SourceKind::Pictures,
            size: None,
            frame_rate: Some(1.0 / SHOWN_FOR.as_secs_f64()),
            duration: None,
            picture_count: Some(files.len()),
            detail: format!("{} pictures", files.len()),
            camera: None,
        };
        Self {
            info,
            files,
            root: root.to_owned(),
            pace: options.pace,
            looping: options.looping,
            next: 0,
            clock: Clock::start(),
            warnings: VecDeque::new(),
            broken_in_a_row: 0,
            last: None,
        }
    }

    /// In real time: waits until the next picture is due. False when that is beyond `wait`.
    fn wait_until_due(&self, wait: Duration) -> bool {
        if self.pace == Pace::EveryFrame || self.clock.is_paused() {
            return true;
        }
        let due = self.clock.until(SHOWN_FOR * self.next as u32);
        pause_for(due.min(wait));
        due <= wait
    }

    /// The next picture that can be read; the broken ones on the way become warnings.
    fn read_next(&mut self) -> Result<Option<CapturedFrame>, CaptureError> {
        for _ in 0..self.files.len() {
            let Some(path) = self.files.get(self.next).cloned() else { return Ok(None) };
            let index = self.next;
            self.next += 1;
            let started = Instant::now();
            match self.decoded(index, &path) {
                Ok(image) => {
                    self.broken_in_a_row = 0;
                    return Ok(Some(frame(index, &path, image, started)));
                }
                Err(error) => self.skip_broken(&error)?,
            }
            if self.looping && self.next == self.files.len() {
                self.rewind();
            }
        }
        Ok(None)
    }

    fn decoded(&mut self, index: usize, path: &Path) -> Result<Arc<RgbImage>, CaptureError> {
        if let Some((known, image)) = &self.last
            && *known == index
        {
            return Ok(Arc::clone(image));
        }
        let image = Arc::new(read_picture(path)?);
        self.last = Some((index, Arc::clone(&image)));
        Ok(image)
    }

    /// Notes a broken picture; an error once every single one of the folder was tried in vain.
    fn skip_broken(&mut self, error: &CaptureError) -> Result<(), CaptureError> {
        self.broken_in_a_row += 1;
        if self.broken_in_a_row >= self.files.len() {
            self.broken_in_a_row = 0;
            return Err(CaptureError::NoReadablePicture {
                path: self.root.clone(),
                count: self.files.len(),
                reason: error.to_string(),
            });
        }
        if self.warnings.len() == MAX_WARNINGS {
            self.warnings.pop_front();
        }
        self.warnings.push_back(format!("Skipped {error}"));
        // The gap is not shown: the next good picture takes the place of the broken one.
        self.clock.seek(SHOWN_FOR * self.next as u32);
        Ok(())
    }

    fn rewind(&mut self) {
        self.next = 0;
        self.clock.seek(Duration::ZERO);
    }

    /// A single picture in real time has been shown: nothing more comes by itself.
    fn is_still(&self) -> bool {
        self.pace == Pace::RealTime && self.files.len() == 1
    }
}

impl FrameSource for Pictures {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, wait: Duration) -> Result<Next, CaptureError> {
        if self.is_still() && self.next > 0 {
            pause_for(wait);
            return Ok(Next::Waiting);
        }
        // The last picture of a folder is shown as long as the others before the end is told.
        if !self.wait_until_due(wait) {
            return Ok(Next::Waiting);
        }
        if self.looping && self.next >= self.files.len() {
            self.rewind();
        }
        let Some(frame) = self.read_next()? else { return Ok(Next::End) };
        if self.clock.is_paused() {
            self.clock.seek(frame.position.unwrap_or_default());
        } else {
            // Skips nothing: a picture that took long to decode is shown its full time, too.
            self.clock.not_ahead_of(frame.position.unwrap_or_default());
        }
        Ok(Next::Frame(frame))
    }

    fn take_warning(&mut self) -> Option<String> {
        self.warnings.pop_front()
    }

    fn set_paused(&mut self, paused: bool) {
        self.clock.set_paused(paused);
    }

    fn seek(&mut self, to: Duration) -> Result<(), CaptureError> {
        let index = (to.as_secs_f64() / SHOWN_FOR.as_secs_f64()) as usize;
        self.next = index.min(self.files.len() - 1);
        self.clock.seek(SHOWN_FOR * self.next as u32);
        Ok(())
    }

    fn set_speed(&mut self, factor: f64) {
        self.clock.set_speed(factor);
    }

    fn set_looping(&mut self, looping: bool) {
        self.looping = looping;
    }
}

fn frame(index: usize, path: &Path, image: Arc<RgbImage>, started: Instant) -> CapturedFrame {
    let now = Instant::now();
    CapturedFrame {
        image,
        captured_at: now,
        decode_time: now - started,
        position: Some(SHOWN_FOR * index as u32),
        name: name_of(path),
        truth: None,
        losses: None,
    }
}

fn name_of(path: &Path) -> Arc<str> {
    // A path such as `..` has no name of its own.
    path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into()
}

#[cfg(test)]
mod tests;
