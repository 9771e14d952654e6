//! What the window knows: what the pipeline told it, and what a person has half typed.

use super::catalog::CatalogState;
use super::dialogs::DialogKind;
use super::messages::MessageLog;
use super::model_panel::ModelPanel;
use super::options::{CameraChoice, Variant};
use super::recording::RecordingSession;
use super::variants::precision_name;
use super::worst::WorstStrip;
use crate::capture::{CameraControl, SourceInfo, SourceKind, SourceSpec};
use crate::inference::{ModelInfo, ModelOverrides};
use crate::pipeline::{FrameId, FrameResult, LaneId, LoadStage};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the pipeline told.
#[derive(Debug, Default)]
pub struct Session {
    /// By [`LaneId::index`].
    pub lanes: [LaneState; 2],
    /// The model that is kept warm behind lane B.
    pub ready: Option<Arc<ModelInfo>>,
    /// The one that was last asked to be, and what is given with it.
    pub ready_asked: Option<(PathBuf, ModelOverrides)>,
    /// Whether an exchange of that model with lane B's has not been answered yet.
    pub exchanging: bool,
    /// What is watched.
    pub source: SourceState,
    /// The newest result: it is drawn unless an older one is looked at.
    pub result: Option<Arc<FrameResult>>,
    /// Whether the pipeline was asked to stop.
    pub paused: bool,
    /// Playing speed that was asked for.
    pub speed: Speed,
    /// Cameras of this machine.
    pub cameras: CameraList,
    /// What the user was told.
    pub messages: MessageLog,
    /// Models to download.
    pub catalog: CatalogState,
    /// What is being recorded.
    pub recording: RecordingSession,
    /// Frames that reached the screen.
    pub display: DisplayRate,
    /// The frames on which the models disagree most.
    pub worst: WorstStrip,
}

impl Session {
    /// What is drawn: the newest result, or a frame that is looked at in its place.
    pub fn on_view(&self) -> Option<&Arc<FrameResult>> {
        self.worst.result().or(self.result.as_ref())
    }

    /// The state of a lane.
    pub fn lane(&self, lane: LaneId) -> &LaneState {
        &self.lanes[lane.index()]
    }

    /// The state of a lane, to be changed.
    pub fn lane_mut(&mut self, lane: LaneId) -> &mut LaneState {
        &mut self.lanes[lane.index()]
    }
}

/// What is known of one lane.
#[derive(Clone, Debug, Default)]
pub struct LaneState {
    /// What runs.
    pub loaded: Option<Arc<ModelInfo>>,
    /// What is being loaded behind it.
    pub loading: Option<(PathBuf, LoadStage)>,
    /// Why the last load failed; gone with the next load.
    pub failure: Option<String>,
    /// The file that it failed for.
    pub failed: Option<PathBuf>,
    /// The files of the same family as what runs, itself among them, full precision first.
    pub family: Vec<Variant>,
}

impl LaneState {
    /// Name for people: file name, "loading …", or "no model".
    pub fn title(&self) -> String {
        match (&self.loaded, &self.loading) {
            (Some(info), _) => super::format::file_name(&info.path),
            (None, Some((path, _))) => super::format::file_name(path),
            (None, None) => "no model".to_owned(),
        }
    }

    /// Precision of what runs, for people; with the ending of its name where it has relatives of the same kind.
    pub fn precision(&self) -> Option<String> {
        self.loaded.as_ref().map(|info| precision_name(info, &self.family))
    }
}

/// What is watched.
#[derive(Clone, Debug, Default)]
pub struct SourceState {
    /// What gives frames.
    pub open: Option<OpenedSource>,
    /// What was asked for and has not answered yet.
    pub opening: Option<SourceSpec>,
    /// What went wrong last.
    pub failure: Option<SourceFailure>,
    /// Whether the open source came to its end.
    pub ended: bool,
    /// What can be set on the open camera; none until it has answered.
    pub controls: Option<Vec<CameraControl>>,
}

/// A source that is open.
#[derive(Clone, Debug)]
pub struct OpenedSource {
    /// As it was asked for.
    pub spec: SourceSpec,
    /// What it is.
    pub info: Arc<SourceInfo>,
}

/// A source that could not be opened, or broke off.
#[derive(Clone, Debug)]
pub struct SourceFailure {
    /// As it was asked for.
    pub spec: SourceSpec,
    /// Why, and what to do.
    pub message: String,
    /// When it was told; a frame taken later means that the source has recovered.
    pub at: Instant,
    /// Whether it is still open and tries again by itself.
    pub retrying: bool,
}

impl SourceState {
    /// Whether nothing new is to be expected from what is on view.
    pub fn is_broken(&self) -> bool {
        match (&self.failure, &self.open) {
            (Some(failure), Some(open)) => failure.spec == open.spec,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    /// The name of the camera that is watched, also while it is away.
    pub fn camera(&self) -> Option<&str> {
        let open = self.open.as_ref().filter(|open| open.info.kind == SourceKind::Camera);
        open.map(|open| open.info.title.as_str())
    }

    /// Whether the source can be searched: a video, or several pictures.
    pub fn has_transport(&self) -> bool {
        self.open.as_ref().is_some_and(|open| match open.info.kind {
            SourceKind::Video => true,
            SourceKind::Pictures => open.info.picture_count.is_some_and(|count| count > 1),
            SourceKind::Demo | SourceKind::Camera | SourceKind::Stream => false,
        })
    }
}

/// Playing speed, 1.0 is real time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed(pub f64);

impl Default for Speed {
    fn default() -> Self {
        Self(1.0)
    }
}

/// Cameras of this machine, as far as asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CameraList {
    /// The system is being asked.
    #[default]
    Searching,
    /// These; may be empty.
    Found(Vec<CameraChoice>),
}

/// What a person has half done: nothing here matters to the pipeline or to the next start.
#[derive(Debug, Default)]
pub struct Editing {
    /// Address typed in the source menu.
    pub url: String,
    /// Typed over the list of classes.
    pub class_search: String,
    /// The window with the path field, where no dialog is to be had.
    pub path_prompt: Option<PathPrompt>,
    /// The panel of a lane's model, at most one.
    pub model_panel: Option<ModelPanel>,
    /// The dialog that is open, at most one.
    pub dialog: Option<DialogKind>,
    /// Whether the controls of the camera are shown.
    pub camera_open: bool,
    /// Whether the help is shown.
    pub help_open: bool,
    /// Whether the list of messages is shown.
    pub messages_open: bool,
    /// Whether only the picture is shown.
    pub full_picture: bool,
    /// The box under the pointer in the list of detections.
    pub hovered: Option<HoveredBox>,
}

/// A path field in place of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPrompt {
    /// What it is for.
    pub kind: DialogKind,
    /// What is typed so far.
    pub text: String,
}

/// One row of the list of detections: a box, or two that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoveredBox {
    /// The frame.
    pub frame: FrameId,
    /// Indices into the detections of the lanes, by [`LaneId::index`].
    pub boxes: [Option<usize>; 2],
}

impl HoveredBox {
    /// Whether this is the box of `lane` at `index` in `frame`.
    pub fn is(&self, frame: FrameId, lane: LaneId, index: usize) -> bool {
        self.frame == frame && self.boxes[lane.index()] == Some(index)
    }
}

/// Counts distinct frames that were drawn.
#[derive(Debug, Default)]
pub struct DisplayRate {
    last: Option<FrameId>,
    /// With the age that the frame had then.
    shown_at: VecDeque<(Instant, Duration)>,
}

/// Display rate is said over this time, as the pipeline does for capture and inference.
const RATE_WINDOW: Duration = Duration::from_secs(2);

impl DisplayRate {
    /// Notes that a frame that was taken at `taken_at` is being drawn; the same frame again does not count.
    pub fn note(&mut self, frame: FrameId, taken_at: Instant, now: Instant) {
        if self.last == Some(frame) {
            return;
        }
        self.last = Some(frame);
        self.shown_at.push_back((now, now.saturating_duration_since(taken_at)));
        while self.shown_at.front().is_some_and(|(at, _)| now.duration_since(*at) > RATE_WINDOW) {
            self.shown_at.pop_front();
        }
    }

    /// Distinct frames a second over the last two seconds before the newest one. None before the second frame.
    pub fn per_second(&self) -> Option<f32> {
        let ((first, _), (last, _)) = (self.shown_at.front()?, self.shown_at.back()?);
        let seconds = last.duration_since(*first).as_secs_f32();
        (seconds > 0.0).then(|| (self.shown_at.len() - 1) as f32 / seconds)
    }

    /// The median age of the frames of the last two seconds when they were first drawn. None before the first frame.
    pub fn age(&self) -> Option<Duration> {
        let mut ages: Vec<Duration> = self.shown_at.iter().map(|(_, age)| *age).collect();
        ages.sort_unstable();
        ages.get(ages.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_distinct_frames_count_as_displayed() {
        let mut rate = DisplayRate::default();
        let start = Instant::now();
        assert_eq!(rate.per_second(), None);
        assert_eq!(rate.age(), None);
        for tick in 0..200u64 {
            // Every frame is drawn four times, 10 ms apart: 25 distinct frames a second.
            let taken_at = start + Duration::from_millis(tick / 4 * 40);
            rate.note(FrameId(tick / 4), taken_at, taken_at + Duration::from_millis(7 + tick % 4 * 10));
        }
        let fps = rate.per_second().unwrap();
        assert!((fps - 25.0).abs() < 0.01, "{fps}");
        assert_eq!(rate.age(), Some(Duration::from_millis(7)), "that of the first time");
    }
}
