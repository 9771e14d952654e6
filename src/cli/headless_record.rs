//! What the run in the terminal records beside its figures.

use super::start::UsageError;
use crate::pipeline::record::{
    Container, RecordKind, Recorded, RecordingRequest, RecordingState, RecordingStatus, VideoOptions, VideoView,
};
use crate::pipeline::{Command, Event, Link};
use anyhow::bail;
use crossbeam_channel::Receiver;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Pictures a second of a video; frames that come slower are repeated.
const RATE: f64 = 30.0;
/// The ending of detections.
const LINES: &str = "jsonl";
/// How long a recording may take to be completed.
const PATIENCE: Duration = Duration::from_secs(40);

/// The recordings that were asked for.
#[derive(Debug, Default)]
pub(super) struct Recordings {
    requests: Vec<RecordingRequest>,
    running: Vec<RecordKind>,
    failure: Option<String>,
}

impl Recordings {
    /// One for each file: video for `.mp4` and `.mkv`, detections for `.jsonl`.
    ///
    /// # Errors
    ///
    /// A file with another ending, or two files of a kind.
    pub fn of(files: &[PathBuf]) -> anyhow::Result<Self> {
        let mut requests: Vec<RecordingRequest> = Vec::new();
        for file in files {
            let request = request(file)?;
            let kind = request.what.kind();
            if requests.iter().any(|other| other.what.kind() == kind) {
                return Err(UsageError::because(format!("--record takes one file of {} only", kind.name())));
            }
            requests.push(request);
        }
        Ok(Self { requests, ..Self::default() })
    }

    /// Begins all of them.
    pub fn start(&mut self, link: &Link) {
        for request in self.requests.drain(..) {
            self.running.push(request.what.kind());
            link.send(Command::StartRecording(request));
        }
    }

    /// What was told of one.
    pub fn hear(&mut self, status: RecordingStatus) {
        match status.state {
            RecordingState::Running => return,
            RecordingState::Finished => {
                eprintln!("Recorded {} ({} frames, {} bytes)", status.path.display(), status.frames, status.bytes);
            }
            RecordingState::Failed(reason) => self.failure = Some(reason),
        }
        self.running.retain(|kind| *kind != status.kind);
    }

    /// Completes all of them and waits for it.
    ///
    /// # Errors
    ///
    /// When one has broken off, or is not completed in time.
    pub fn finish(mut self, link: &Link, woken: &Receiver<()>) -> anyhow::Result<()> {
        self.running.iter().for_each(|kind| {
            link.send(Command::StopRecording(*kind));
        });
        let end = Instant::now() + PATIENCE;
        while !self.running.is_empty() {
            if Instant::now() >= end {
                bail!("a recording was not completed within {PATIENCE:?}; what was written can be used");
            }
            let _ = woken.recv_timeout(Duration::from_millis(100));
            while let Some(event) = link.take_event() {
                if let Event::Recording(status) = event {
                    self.hear(status);
                }
            }
        }
        match self.failure {
            Some(reason) => bail!(reason),
            None => Ok(()),
        }
    }
}

fn request(file: &Path) -> anyhow::Result<RecordingRequest> {
    let what = match file.extension() {
        Some(ending) if ending.eq_ignore_ascii_case(LINES) => Recorded::Detections,
        _ => {
            let container = Container::of_path(file).map_err(|_| {
                UsageError::because(format!("{}: --record takes a name in .mp4, .mkv or .jsonl", file.display()))
            })?;
            Recorded::Video(VideoOptions { view: VideoView::SideBySide, container, rate: RATE })
        }
    };
    let folder = file.parent().map_or_else(PathBuf::new, Path::to_owned);
    Ok(RecordingRequest { folder, file: Some(file.to_owned()), what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_what_is_recorded_and_each_kind_is_recorded_once() {
        let files = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let kinds = |names: &[&str]| {
            let recordings = Recordings::of(&files(names)).map_err(|error| error.to_string())?;
            Ok::<_, String>(recordings.requests.iter().map(|request| request.what.kind()).collect::<Vec<_>>())
        };
        assert_eq!(kinds(&["a.MKV", "x/b.jsonl"]), Ok(vec![RecordKind::Video, RecordKind::Detections]));
        assert_eq!(kinds(&[]), Ok(vec![]));
        assert!(kinds(&["a.avi"]).is_err_and(|text| text.contains("a.avi: --record takes a name in .mp4")));
        assert!(kinds(&["a.mp4", "b.mkv"]).is_err_and(|text| text.contains("one file of video only")));
    }
}
