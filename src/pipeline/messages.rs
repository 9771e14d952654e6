//! What goes through the pipeline: commands in; results, statistics and events out.

use super::record::{RecordKind, RecordingRequest, RecordingStatus, RecordingView};
use crate::capture::{
    CameraControl, CameraLosses, CapturedFrame, ControlSetting, SourceInfo, SourceOptions, SourceSpec,
};
use crate::inference::tuning::RunClock;
use crate::inference::{Detection, LoadStage, ModelInfo, ModelOverrides, StageTimings, Thresholds};
use crate::metrics::{AgreementStatistics, FrameAgreement, LaneAccuracy, LatencySummary, Oddity};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Counts the frames of one run of the program; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameId(pub u64);

/// One of the two models that are kept loaded. By custom A is the full-precision model, B its quantized twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum LaneId {
    /// The reference, drawn left.
    A,
    /// The candidate, drawn right.
    B,
}

impl LaneId {
    /// Both lanes, in order.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// Index into arrays with an entry a lane.
    pub const fn index(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
        }
    }

    /// The other lane.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Which lanes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Mode {
    /// One lane; the other stays loaded and warm.
    Single(LaneId),
    /// Both lanes on the same frames.
    Compare,
}

impl Mode {
    /// Whether `lane` takes part.
    pub fn runs(self, lane: LaneId) -> bool {
        match self {
            Self::Single(active) => active == lane,
            Self::Compare => true,
        }
    }
}

/// What the view or the command line may ask for. Every command returns at once; its outcome is an [`Event`]
/// or shows in the next [`FrameResult`].
#[derive(Clone, Debug)]
pub enum Command {
    /// Opens a source; the old one runs on until the new one is open. The same one again is closed first.
    OpenSource(SourceSpec, SourceOptions),
    /// Loads a model into a lane off the view's thread; the old one runs on until the new one is ready.
    LoadModel {
        /// Which lane.
        lane: LaneId,
        /// The ONNX file.
        path: PathBuf,
        /// A model card or labels given by the user instead of what is found.
        overrides: ModelOverrides,
    },
    /// Empties a lane.
    UnloadModel(LaneId),
    /// Loads a third model and keeps it warm behind lane B, or lets go of it.
    KeepReady(Option<(PathBuf, ModelOverrides)>),
    /// Exchanges the model of lane B with the one that is kept ready; takes effect on the next frame, without a reload.
    /// Answered by [`Event::ModelReady`], after [`Event::ModelLoaded`] where there was one to exchange with.
    Exchange,
    /// Takes effect on the next frame, without a reload. On a paused frame the lanes that lack a result for it run
    /// once.
    SetMode(Mode),
    /// Applies at once; a paused frame is not inferred again, only filtered and suppressed again.
    SetThresholds(Thresholds),
    /// Stops or goes on. While paused nothing runs.
    SetPaused(bool),
    /// While paused: shows one more frame.
    Step,
    /// Goes to a position of a video or folder; works while paused.
    Seek(Duration),
    /// Playing speed of a video, 1.0 is real time.
    SetSpeed(f64),
    /// Whether a video or folder starts again at its end.
    SetLooping(bool),
    /// Sets a control of the camera that is read, now and whenever it comes back. Answered by [`Event::CameraControls`].
    SetCameraControl(ControlSetting),
    /// Sets all controls of the camera to their defaults. Answered by [`Event::CameraControls`].
    ResetCameraControls,
    /// Threads ONNX Runtime uses inside one operator, for all models; they are loaded again behind the running ones. What
    /// was set for single models is forgotten.
    SetThreads(usize),
    /// Threads are measured from now on, for each model beside whatever runs: it begins with the usual number, or what was
    /// found before on this machine, and goes on with the best without a gap. Runs are timed by this. What was set for
    /// single models is forgotten.
    MeasureThreads(Arc<dyn RunClock>),
    /// The same as `SetThreads` for the model of one file, wherever it runs and whenever it is loaded; none: as all others.
    SetThreadsOf(PathBuf, Option<usize>),
    /// Frames that the agreement looks back over, brought into [`AGREEMENT_FRAMES`](super::AGREEMENT_FRAMES). Frames that
    /// fit are kept; it holds for all that is compared later, too.
    SetAgreementWindow(usize),
    /// Whether quantized models are made faster where their outputs stay the same; the models are loaded again behind the
    /// running ones.
    SetAccelerate(bool),
    /// Forgets all statistics.
    ResetStatistics,
    /// Whether the frames on which the two models disagree most are kept, see [`WorstFrames`](super::WorstFrames); what
    /// is kept is let go when not. Off at first.
    KeepWorst(bool),
    /// Forgets the frames that are kept.
    ForgetWorst,
    /// Begins a recording; one of the same kind that runs is completed first. Answered by [`Event::Recording`].
    StartRecording(RecordingRequest),
    /// Completes a recording.
    StopRecording(RecordKind),
    /// How two models are shown, for videos that show what the window does.
    SetRecordingView(Arc<RecordingView>),
}

/// What happened, in the order in which it happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A source is open and gives frames.
    SourceOpened {
        /// As it was asked for.
        spec: SourceSpec,
        /// What it is.
        info: Arc<SourceInfo>,
    },
    /// A source could not be opened, or broke off. The last frame stays on view.
    SourceFailed {
        /// As it was asked for.
        spec: SourceSpec,
        /// One sentence: what, and what to do.
        message: String,
        /// It is tried again by itself, until something else is asked for.
        retries: bool,
    },
    /// A source that stays open gives nothing for now and tries again by itself; told again when the reason changes. The
    /// last frame stays on view.
    SourceTroubled {
        /// As it was asked for.
        spec: SourceSpec,
        /// One sentence: what, and what to do.
        message: String,
    },
    /// A troubled source gives frames again.
    SourceRecovered {
        /// As it was asked for.
        spec: SourceSpec,
        /// What it is now: a camera may have come back with another number or format.
        info: Arc<SourceInfo>,
    },
    /// What can be set on the camera that is read, as it is now. None are told for other sources.
    CameraControls(Arc<[CameraControl]>),
    /// A video or a folder came to its end.
    SourceEnded,
    /// A model is being loaded.
    ModelLoading {
        /// Which lane.
        lane: LaneId,
        /// The file.
        path: PathBuf,
        /// How far it is.
        stage: LoadStage,
    },
    /// A model runs from the next frame on.
    ModelLoaded {
        /// Which lane.
        lane: LaneId,
        /// What it is.
        info: Arc<ModelInfo>,
    },
    /// The threads of a lane's model were measured, and it uses the best number from the next frame on.
    ModelTuned {
        /// Which lane.
        lane: LaneId,
        /// What is known of the model now.
        info: Arc<ModelInfo>,
    },
    /// A model could not be loaded; what ran in the lane runs on.
    ModelFailed {
        /// Which lane.
        lane: LaneId,
        /// The file.
        path: PathBuf,
        /// One sentence: what, and what to do.
        message: String,
    },
    /// A lane was emptied.
    ModelUnloaded(LaneId),
    /// This model is kept warm behind lane B now; none is any more.
    ModelReady(Option<Arc<ModelInfo>>),
    /// How a recording is doing: a few times a second, and at its end.
    Recording(RecordingStatus),
    /// Something the user should know that stops nothing (label count, inference error on one frame, …).
    Warning(String),
}

/// What one lane found in one frame.
#[derive(Clone, Debug)]
pub struct LaneResult {
    /// The model that found them: its labels are the ones that belong to these class numbers, also while another
    /// model is being put in its place.
    pub model: Arc<ModelInfo>,
    /// Detections above the thresholds, best score first.
    pub detections: Vec<Detection>,
    /// Time spent.
    pub timings: StageTimings,
}

/// One frame with everything that was computed on it. The view draws exactly this.
#[derive(Clone, Debug)]
pub struct FrameResult {
    /// Number of the frame.
    pub id: FrameId,
    /// The picture that the boxes were computed on.
    pub frame: CapturedFrame,
    /// The mode it was computed in.
    pub mode: Mode,
    /// Results by [`LaneId::index`]; none where the lane did not run.
    pub lanes: [Option<LaneResult>; 2],
    /// Present when both lanes ran.
    pub agreement: Option<FrameAgreement>,
    /// Time from the capture of the frame to the publication of its boxes.
    pub frame_to_box: Duration,
    /// Figures up to and including this frame.
    pub statistics: Arc<Statistics>,
}

/// Figures of one lane over its rolling window (the last 300 frames it ran on).
#[derive(Clone, Debug, Default)]
pub struct LaneStatistics {
    /// Frames a second that this lane finished, over the last two seconds. None while it does not run.
    pub fps: Option<f32>,
    /// Frames in the window.
    pub frames: usize,
    /// Preprocessing.
    pub preprocess: LatencySummary,
    /// `session.run`.
    pub inference: LatencySummary,
    /// Decoding, thresholds, NMS.
    pub postprocess: LatencySummary,
    /// The three together.
    pub total: LatencySummary,
    /// Capture to boxes.
    pub frame_to_box: LatencySummary,
    /// Total latencies in milliseconds, oldest first, for a sparkline (at most 120).
    pub recent_total_ms: Vec<f32>,
    /// Against the truth, where the source knows it.
    pub accuracy: Option<LaneAccuracy>,
    /// What is odd about the boxes or the input, the gravest first.
    pub oddities: Vec<Oddity>,
}

/// All figures of the panel. Windows are counted in frames and said in the panel.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// Frames a second that the source gave, over the last two seconds.
    pub capture_fps: Option<f32>,
    /// Time to decode (or render) a frame at the source.
    pub capture_decode: LatencySummary,
    /// Frames that were replaced by newer ones before a lane took them, since the source was opened.
    pub dropped_frames: u64,
    /// Frames that the source gave, since it was opened.
    pub captured_frames: u64,
    /// What a camera lost on the way.
    pub camera_losses: Option<CameraLosses>,
    /// By [`LaneId::index`].
    pub lanes: [LaneStatistics; 2],
    /// B against A.
    pub agreement: Option<AgreementStatistics>,
    /// CPU use of this process in percent of one core, over the last second.
    pub cpu_percent: f32,
    /// Resident memory of this process in bytes.
    pub resident_bytes: u64,
}
