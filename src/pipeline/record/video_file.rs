//! A video with boxes, written by ffmpeg as frames come.

use super::compose::{Composer, RecordingView};
use super::encoder::{Container, Encoder, arguments, keep_times};
use super::error::RecordError;
use super::names;
use super::pace::Pacer;
use super::raw_stream;
use super::request::VideoOptions;
use super::watched::WatchedProgram;
use crate::capture::{Input, Programs, RunningProgram};
use crate::pipeline::FrameResult;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long ffmpeg may take to close a file.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);
/// How long it may take to take a picture; one that hangs would keep the recording open for ever.
const PATIENCE: Duration = Duration::from_secs(10);
/// ffmpeg gives way to the rest, but is not starved: behind in time it has still more to write.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// A video of one size, in which each frame shows at the time at which it was taken. What is written can be played at any moment but for about the last second, also
/// when the program or ffmpeg is killed. Dropping it without [`Self::finish`] stops ffmpeg at once.
#[derive(Debug)]
pub struct VideoFile {
    path: PathBuf,
    options: VideoOptions,
    encoder: Encoder,
    ffmpeg: PathBuf,
    pacer: Pacer,
    frames: u64,
    /// From the first frame on, whose size is the video's.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    composer: Composer,
    program: WatchedProgram,
}

impl VideoFile {
    /// A new video in `folder`, named by date and time. The file itself is made with the first frame.
    ///
    /// # Errors
    ///
    /// When ffmpeg is missing or has no encoder, or the folder cannot be made.
    pub fn create_in(folder: &Path, options: VideoOptions) -> Result<Self, RecordError> {
        let path = names::free_path(folder, "quantscope", options.container.ending())?;
        Self::create(path, options, &Programs::default().ffmpeg)
    }

    /// A new video of this name, written by this ffmpeg.
    ///
    /// # Errors
    ///
    /// The same, and when there is such a file already.
    pub fn create(path: PathBuf, options: VideoOptions, ffmpeg: &Path) -> Result<Self, RecordError> {
        if path.symlink_metadata().is_ok() {
            return Err(RecordError::Exists { path });
        }
        let encoder = Encoder::choose(ffmpeg)?;
        let pacer = Pacer::new(options.rate);
        Ok(Self { path, options, encoder, ffmpeg: ffmpeg.to_owned(), pacer, frames: 0, open: None })
    }

    /// Adds a frame that was taken `at` after the start.
    ///
    /// # Errors
    ///
    /// When it cannot be written; the file can be played up to there.
    pub fn write(&mut self, result: &FrameResult, view: &RecordingView, at: Duration) -> Result<(), RecordError> {
        if self.open.is_none() {
            self.open = Some(self.begin(result, view)?);
        }
        if let Some(time) = self.pacer.frame(at) {
            if let Some(open) = &mut self.open {
                open.composer.draw(result, view);
            }
            self.put(time)?;
            self.frames += 1;
        }
        Ok(())
    }

    /// Nothing came up to `at`: the last picture stays on view.
    ///
    /// # Errors
    ///
    /// As [`Self::write`].
    pub fn idle(&mut self, at: Duration) -> Result<(), RecordError> {
        self.pacer.idle(at).map_or(Ok(()), |time| self.put(time))
    }

    /// Ends the video at `at` and closes the file.
    ///
    /// # Errors
    ///
    /// As [`Self::write`].
    pub fn finish(&mut self, at: Duration) -> Result<(), RecordError> {
        if let Some(time) = self.pacer.finish(at) {
            self.put(time)?;
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        match open.program.close(CLOSE_LIMIT) {
            None => Ok(()),
            Some(words) => Err(RecordError::encoding(&self.path, words)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Frames shown; a picture that is shown again does not count.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    /// What encodes it.
    pub fn encoder(&self) -> Encoder {
        self.encoder
    }

    /// The container.
    pub fn container(&self) -> Container {
        self.options.container
    }

    fn begin(&self, first: &FrameResult, view: &RecordingView) -> Result<Open, RecordError> {
        let composer = Composer::for_first(self.options.view, first, view);
        let (size, rate) = (composer.size(), self.pacer.rate());
        let keep_times = keep_times(&self.ffmpeg);
        let arguments = arguments(&self.path, self.options.container, self.encoder, keep_times, size, rate);
        let program = RunningProgram::start(&self.ffmpeg, &arguments, Input::Pipe).map_err(RecordError::Ffmpeg)?;
        give_way(&program);
        let mut program = WatchedProgram::new(program, PATIENCE)?;
        self.feed(&mut program, &raw_stream::beginning(size, rate))?;
        Ok(Open { composer, program })
    }

    /// Writes the picture that was drawn last, to show at `time`.
    fn put(&mut self, time: Duration) -> Result<(), RecordError> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let picture = open.composer.picture().as_raw();
        let written = self.feed(&mut open.program, &raw_stream::before_picture(time, picture.len()));
        let written = written.and_then(|()| self.feed(&mut open.program, picture));
        self.open = Some(open);
        written
    }

    fn feed(&self, program: &mut WatchedProgram, bytes: &[u8]) -> Result<(), RecordError> {
        program.feed(bytes, CLOSE_LIMIT).map_or(Ok(()), |words| Err(RecordError::encoding(&self.path, words)))
    }
}

/// Lets the threads that ffmpeg is about to start run after all others. Where that is refused it runs as it is.
fn give_way(program: &RunningProgram) {
    #[cfg(target_os = "linux")]
    {
        let id = i32::try_from(program.process_id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            let _ = rustix::process::setpriority_process(Some(id), NICENESS);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = program;
}
