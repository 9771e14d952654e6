//! Recording from the window: what is chosen, what runs, and what came of it.

use super::App;
use super::format;
use super::messages::Severity;
use super::settings::{CompareLayout, Settings};
use crate::pipeline::Command;
use crate::pipeline::record::{
    Container, FrameOptions, PairLayout, RecordKind, Recorded, RecordingRequest, RecordingState, RecordingStatus,
    RecordingView, VideoOptions, VideoView,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Pictures a second where the source does not tell, and the most that are recorded.
const RATE: f64 = 30.0;

/// What is recorded, and where to; kept between starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordingSettings {
    /// Record video.
    pub video: bool,
    /// Record detections.
    pub detections: bool,
    /// Record frames.
    pub frames: bool,
    /// What is on the pictures of a video.
    pub view: VideoView,
    /// File format of a video.
    pub container: Container,
    /// Where to; none: `quantscope` in the user's videos.
    pub folder: Option<PathBuf>,
    /// Which frames are kept, and how.
    pub frame_options: FrameOptions,
}

impl Default for RecordingSettings {
    fn default() -> Self {
        Self {
            video: true,
            detections: false,
            frames: false,
            view: VideoView::default(),
            container: Container::default(),
            folder: None,
            frame_options: FrameOptions::default(),
        }
    }
}

impl RecordingSettings {
    /// Whether a kind is chosen.
    pub fn has(&self, kind: RecordKind) -> bool {
        match kind {
            RecordKind::Video => self.video,
            RecordKind::Detections => self.detections,
            RecordKind::Frames => self.frames,
        }
    }

    /// The folder in use.
    pub fn folder(&self) -> PathBuf {
        self.folder.clone().unwrap_or_else(default_folder)
    }

    /// The same with every value brought back into its range.
    #[must_use]
    pub fn sanitized(mut self) -> Self {
        use crate::pipeline::record::Every;
        let options = &mut self.frame_options;
        options.every = match options.every {
            Every::Frames(step) => Every::Frames(step.clamp(1, 1_000_000)),
            Every::Seconds(s) if s.is_finite() => Every::Seconds(s.clamp(0.0, 86_400.0)),
            Every::Seconds(_) => FrameOptions::default().every,
        };
        options.count = options.count.map(|count| count.clamp(1, 1_000_000));
        self
    }
}

fn default_folder() -> PathBuf {
    let user = directories::UserDirs::new();
    let videos = user.as_ref().and_then(directories::UserDirs::video_dir);
    let home = user.as_ref().map(directories::UserDirs::home_dir);
    videos.or(home).map_or_else(std::env::temp_dir, Path::to_owned).join("quantscope")
}

/// The recordings that run.
#[derive(Clone, Debug, Default)]
pub struct RecordingSession {
    /// By [`RecordKind::index`]; what was last told of each that was begun and has not ended.
    pub running: [Option<RecordingStatus>; 3],
    /// The newest file or folder that was written.
    pub latest: Option<PathBuf>,
    sent_view: Option<RecordingView>,
}

impl RecordingSession {
    /// Whether anything is recorded.
    pub fn is_running(&self) -> bool {
        self.running.iter().any(Option::is_some)
    }

    /// The longest time of those that run.
    pub fn elapsed(&self) -> Duration {
        self.running.iter().flatten().map(|status| status.elapsed).max().unwrap_or_default()
    }
}

/// How the window shows two models.
fn view_of(settings: &Settings) -> RecordingView {
    let layout = match settings.layout {
        CompareLayout::SideBySide => PairLayout::SideBySide,
        CompareLayout::Divider => PairLayout::Divider,
        CompareLayout::Overlay => PairLayout::Overlay,
    };
    RecordingView { layout, divider: settings.divider, hidden: settings.hidden_classes.clone() }
}

impl App {
    /// Begins what is chosen, or completes all that runs.
    pub(super) fn toggle_recording(&mut self) {
        if self.session.recording.is_running() {
            for kind in RecordKind::ALL {
                if self.session.recording.running[kind.index()].is_some() {
                    self.send(Command::StopRecording(kind));
                }
            }
            return;
        }
        let chosen: Vec<RecordKind> =
            RecordKind::ALL.into_iter().filter(|kind| self.settings.recording.has(*kind)).collect();
        if chosen.is_empty() {
            return self.tell(Severity::Info, "Nothing is chosen to be recorded: choose it in the list beside Record.");
        }
        self.follow_recording_view();
        for kind in chosen {
            self.start_recording(kind);
        }
    }

    fn start_recording(&mut self, kind: RecordKind) {
        let settings = &self.settings.recording;
        let nominal = self.session.source.open.as_ref().and_then(|open| open.info.frame_rate);
        let rate = nominal.filter(|rate| rate.is_finite() && *rate > 0.0).unwrap_or(RATE).clamp(5.0, RATE);
        let what = match kind {
            RecordKind::Video => {
                Recorded::Video(VideoOptions { view: settings.view, container: settings.container, rate })
            }
            RecordKind::Detections => Recorded::Detections,
            RecordKind::Frames => Recorded::Frames(settings.frame_options),
        };
        let folder = settings.folder();
        let status = RecordingStatus {
            kind,
            path: folder.clone(),
            elapsed: Duration::ZERO,
            frames: 0,
            dropped: 0,
            bytes: 0,
            encoder: None,
            state: RecordingState::Running,
        };
        self.session.recording.running[kind.index()] = Some(status);
        self.send(Command::StartRecording(RecordingRequest { folder, file: None, what }));
    }

    /// Tells the recordings how two models are shown, when that has changed.
    pub(super) fn follow_recording_view(&mut self) {
        let view = view_of(&self.settings);
        if self.session.recording.sent_view.as_ref() != Some(&view) {
            self.send(Command::SetRecordingView(Arc::new(view.clone())));
            self.session.recording.sent_view = Some(view);
        }
    }

    /// What the pipeline told of a recording.
    pub(super) fn on_recording(&mut self, status: RecordingStatus) {
        let recording = &mut self.session.recording;
        let slot = &mut recording.running[status.kind.index()];
        match &status.state {
            RecordingState::Running => *slot = Some(status),
            RecordingState::Finished => {
                *slot = None;
                if status.frames == 0 {
                    let text = format!("Nothing was recorded ({}): no frame came.", status.kind.name());
                    return self.tell(Severity::Warning, text);
                }
                recording.latest = Some(status.path.clone());
                let (frames, size) = (format::count(status.frames), format::bytes(status.bytes));
                let lost = match status.dropped {
                    0 => String::new(),
                    dropped => format!(", {} left out", format::count(dropped)),
                };
                let text = format!("Recorded {} ({frames} frames, {size}{lost})", status.path.display());
                self.tell(Severity::Info, text);
            }
            RecordingState::Failed(reason) => {
                *slot = None;
                let reason = reason.clone();
                if status.frames > 0 {
                    recording.latest = Some(status.path.clone());
                }
                self.tell(Severity::Error, reason);
            }
        }
    }

    /// Opens the folder of recordings in the system's file manager.
    pub(super) fn show_recordings(&mut self) {
        let folder = self.settings.recording.folder();
        if !self.background.show_folder(folder.clone()) {
            self.tell(Severity::Warning, format!("{} cannot be shown now. Try again in a moment.", folder.display()));
        }
    }
}
