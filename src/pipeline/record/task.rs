//! One recording on a thread of its own.

use super::clock::RecordClock;
use super::compose::RecordingView;
use super::error::RecordError;
use super::frame_folder::FrameFolder;
use super::lines::DetectionFile;
use super::request::{RecordKind, Recorded, RecordingRequest, RecordingState, RecordingStatus};
use super::video_file::VideoFile;
use crate::capture::Programs;
use crate::pipeline::FrameResult;
use crate::pipeline::thread::NamedThread;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Frames that may wait; more are left out.
const QUEUE: usize = 4;
/// How often it is told how a recording is doing.
const TELL_INTERVAL: Duration = Duration::from_millis(250);

/// Takes a status away; called on the recording's thread.
pub type Tell = Arc<dyn Fn(RecordingStatus) + Send + Sync>;

/// A frame for a recording.
#[derive(Clone, Debug)]
pub struct Offered {
    pub result: Arc<FrameResult>,
    pub view: Arc<RecordingView>,
    /// When it was taken.
    pub at: Instant,
}

/// What both sides know.
struct Shared {
    clock: Mutex<RecordClock>,
    dropped: AtomicU64,
    /// Frames that come before are not expected to be recorded.
    ready: AtomicBool,
}

impl Shared {
    fn at(&self, instant: Instant) -> Duration {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).at(instant)
    }
}

/// A running recording. Dropping it lets its file be completed.
pub struct RecordTask {
    // Dropped first: its loss ends the thread.
    frames: Sender<Offered>,
    shared: Arc<Shared>,
    thread: NamedThread,
}

impl RecordTask {
    /// Begins with the frame on view, if there is one.
    pub fn start(
        request: RecordingRequest,
        first: Option<Offered>,
        paused: bool,
        tell: Tell,
    ) -> Result<Self, RecordError> {
        let (frames, waiting) = bounded(QUEUE);
        let shared = Arc::new(Shared {
            clock: Mutex::new(RecordClock::start(Instant::now(), paused)),
            dropped: AtomicU64::new(0),
            ready: AtomicBool::new(false),
        });
        let seen = Arc::clone(&shared);
        let name = format!("record-{}", request.what.kind().name());
        let body = move || Work::new(request, seen, tell).run(first, &waiting);
        let thread =
            NamedThread::spawn(name, body).map_err(|error| RecordError::NoThread { reason: error.to_string() })?;
        Ok(Self { frames, shared, thread })
    }

    /// Offers a frame; one that finds no room is left out and counted. False when the recording is over.
    pub fn offer(&self, offered: &Offered) -> bool {
        if !self.shared.ready.load(Ordering::Acquire) {
            return !self.thread.is_finished();
        }
        match self.frames.try_send(offered.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.shared.dropped.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }

    /// Its time stands still, or goes on.
    pub fn set_paused(&self, paused: bool) {
        let mut clock = self.shared.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.set_paused(paused, Instant::now());
    }

    /// Lets the file be completed and gives the thread back, to be joined when it has ended.
    pub fn stop(self) -> NamedThread {
        self.thread
    }
}

/// What is written to.
enum Sink {
    Video(Box<VideoFile>),
    Detections(DetectionFile),
    Frames { folder: Box<FrameFolder>, last: Option<u64> },
}

impl Sink {
    fn open(request: &RecordingRequest) -> Result<Self, RecordError> {
        Ok(match (&request.what, &request.file) {
            (Recorded::Video(options), Some(file)) => {
                Self::Video(Box::new(VideoFile::create(file.clone(), *options, &Programs::default().ffmpeg)?))
            }
            (Recorded::Video(options), None) => Self::Video(Box::new(VideoFile::create_in(&request.folder, *options)?)),
            (Recorded::Detections, Some(file)) => Self::Detections(DetectionFile::create_as(file.clone())?),
            (Recorded::Detections, None) => Self::Detections(DetectionFile::create(&request.folder)?),
            (Recorded::Frames(options), _) => {
                Self::Frames { folder: Box::new(FrameFolder::create_in(&request.folder, *options)?), last: None }
            }
        })
    }

    fn write(&mut self, offered: &Offered, at: Duration) -> Result<(), RecordError> {
        let result = &offered.result;
        match self {
            Self::Video(file) => file.write(result, &offered.view, at),
            Self::Detections(file) => file.write(result),
            Self::Frames { folder, last } => {
                if last.replace(result.id.0) != Some(result.id.0) {
                    folder.offer(&result.frame, at)?;
                }
                Ok(())
            }
        }
    }

    fn idle(&mut self, at: Duration) -> Result<(), RecordError> {
        if let Self::Video(file) = self { file.idle(at) } else { Ok(()) }
    }

    fn finish(&mut self, at: Duration) -> Result<(), RecordError> {
        if let Self::Video(file) = self { file.finish(at) } else { Ok(()) }
    }

    fn is_full(&self) -> bool {
        matches!(self, Self::Frames { folder, .. } if folder.is_full())
    }

    fn figures(&self) -> (&Path, u64, u64, Option<String>) {
        match self {
            Self::Video(file) => (file.path(), file.frames(), file.bytes(), Some(file.encoder().title())),
            Self::Detections(file) => (file.path(), file.frames(), file.bytes(), None),
            Self::Frames { folder, .. } => (folder.path(), folder.frames(), folder.bytes(), None),
        }
    }
}

/// The thread's own.
struct Work {
    request: RecordingRequest,
    kind: RecordKind,
    shared: Arc<Shared>,
    tell: Tell,
    told: Option<(Instant, Duration, u64)>,
}

impl Work {
    fn new(request: RecordingRequest, shared: Arc<Shared>, tell: Tell) -> Self {
        Self { kind: request.what.kind(), request, shared, tell, told: None }
    }

    fn run(mut self, first: Option<Offered>, frames: &Receiver<Offered>) {
        let mut sink = match Sink::open(&self.request) {
            Ok(sink) => sink,
            Err(error) => return self.say(None, RecordingState::Failed(error.to_string())),
        };
        let outcome = self.record(&mut sink, first, frames).and_then(|()| {
            let end = self.shared.at(Instant::now());
            sink.finish(end)
        });
        let state = match outcome {
            Ok(()) => RecordingState::Finished,
            Err(error) => RecordingState::Failed(error.to_string()),
        };
        self.say(Some(&sink), state);
    }

    fn record(
        &mut self,
        sink: &mut Sink,
        first: Option<Offered>,
        frames: &Receiver<Offered>,
    ) -> Result<(), RecordError> {
        if let Some(first) = first {
            sink.write(&first, Duration::ZERO)?;
        }
        self.shared.ready.store(true, Ordering::Release);
        while !sink.is_full() {
            match frames.recv_timeout(TELL_INTERVAL) {
                Ok(offered) => sink.write(&offered, self.shared.at(offered.at))?,
                Err(RecvTimeoutError::Timeout) => sink.idle(self.shared.at(Instant::now()))?,
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.say_now_and_then(sink);
        }
        Ok(())
    }

    /// Nothing is said of a recording that stands still, so that the window may rest.
    fn say_now_and_then(&mut self, sink: &Sink) {
        let now = Instant::now();
        let news = (self.shared.at(now), self.shared.dropped.load(Ordering::Relaxed));
        let due = self
            .told
            .is_none_or(|(at, elapsed, dropped)| now.duration_since(at) >= TELL_INTERVAL && (elapsed, dropped) != news);
        if due {
            self.told = Some((now, news.0, news.1));
            self.say(Some(sink), RecordingState::Running);
        }
    }

    fn say(&self, sink: Option<&Sink>, state: RecordingState) {
        let nothing = (self.request.folder.as_path(), 0, 0, None);
        let (path, frames, bytes, encoder) = sink.map_or(nothing, Sink::figures);
        (self.tell)(RecordingStatus {
            kind: self.kind,
            path: PathBuf::from(path),
            elapsed: self.shared.at(Instant::now()),
            frames,
            dropped: self.shared.dropped.load(Ordering::Relaxed),
            bytes,
            encoder,
            state,
        });
    }
}
