//! Everything a person can ask of the window. Panels and shortcuts push these; `command_handler` carries them out.

use super::dialogs::DialogKind;
use super::evaluate::EvaluateAction;
use super::label::LabelAction;
use super::quantize::QuantizeAction;
use super::recording::RecordingSettings;
use super::settings::{CameraWish, CompareLayout, ThemeChoice};
use super::tools::Tool;
use crate::capture::{ControlSetting, SourceSpec};
use crate::inference::Thresholds;
use crate::inference::probe::Feeding;
use crate::pipeline::{FrameId, LaneId};
use std::path::PathBuf;
use std::time::Duration;

/// One wish of the person before the window.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Watch this.
    OpenSource(SourceSpec),
    /// Try the source that failed once more.
    RetrySource,
    /// Ask for a path with a dialog.
    Browse(DialogKind),
    /// The path that was typed where no dialog is to be had.
    PathTyped(DialogKind, PathBuf),
    /// Close the window with the path field.
    CancelPath,
    /// Ask the system for its cameras again.
    RefreshCameras,
    /// Format, size and rate wanted of cameras; the open camera is opened again.
    SetCameraWish(CameraWish),
    /// Show or hide the controls of the camera that is watched.
    ToggleCameraControls,
    /// Set one of them.
    SetCameraControl(ControlSetting),
    /// Set all of them to their defaults.
    ResetCameraControls,
    /// Stop or go on.
    TogglePause,
    /// One frame on, while paused.
    Step,
    /// Go to a position.
    Seek(Duration),
    /// Playing speed, 1.0 is real time.
    SetSpeed(f64),
    /// Start again at the end.
    SetLooping(bool),
    /// From the start again, after the end.
    PlayAgain,
    /// Load this file into a lane (and its twin into the other, if that is wished).
    OpenModel(LaneId, PathBuf),
    /// Back to the models that come with the program.
    OpenDefaultModels,
    /// Load these files: full precision into A, quantized into B.
    OpenPair([PathBuf; 2]),
    /// Show or hide the models that can be downloaded.
    ToggleCatalog,
    /// Look again what can be downloaded and what is here.
    ListCatalog,
    /// Download the model of this name, or the rest of it.
    GetModel(String),
    /// Stop downloading it.
    CancelGet(String),
    /// Empty a lane.
    UnloadModel(LaneId),
    /// Whether opening a model also opens its twin.
    SetPairTwins(bool),
    /// Whether quantized models are made faster where their outputs stay the same.
    SetAccelerate(bool),
    /// Show the other model.
    TogglePrecision,
    /// Show this model alone.
    ShowLane(LaneId),
    /// Put the model that is kept ready into lane B, and show it unless two are compared.
    ShowReady,
    /// Load this file of the same family into a lane, and nothing else.
    OpenVariant(LaneId, PathBuf),
    /// Both models on the same frames, or one.
    ToggleCompare,
    /// How two models are shown.
    SetLayout(CompareLayout),
    /// The next way of showing two models.
    NextLayout,
    /// Where the divider stands, 0…1 of the picture's width.
    SetDivider(f32),
    /// Thresholds of score and overlap.
    SetThresholds(Thresholds),
    /// Threads inside one operator.
    SetThreads(usize),
    /// Threads are measured for each model.
    MeasureThreads,
    /// Measure with how many threads the model in the panel is fastest.
    FindThreads,
    /// Break that off.
    CancelFindThreads,
    /// Threads for the model in the panel alone; none: as all others.
    SetThreadsOfModel(Option<usize>),
    /// Frames that the agreement looks back over.
    SetAgreementWindow(usize),
    /// Show the frames on which the models disagree most and keep them, or let go of them.
    ToggleWorst,
    /// Look at this one of them in place of the newest frame.
    HoldWorst(FrameId),
    /// Look at the next one of them, or at the one before.
    HoldNextWorst {
        /// The next.
        forward: bool,
    },
    /// Back to the newest frame.
    ReleaseWorst,
    /// Forget them and begin anew.
    ForgetWorst,
    /// Forget all figures.
    ResetStatistics,
    /// Show or hide boxes of the class with this name.
    SetClassShown(String, bool),
    /// Show all classes.
    ShowAllClasses,
    /// Hide these classes.
    HideClasses(Vec<String>),
    /// Light, dark, or as the system.
    SetTheme(ThemeChoice),
    /// Show or hide everything but the picture.
    ToggleFullPicture,
    /// Show or hide the help.
    ToggleHelp,
    /// Show or hide the list of messages.
    ToggleMessages,
    /// Stop one message from floating.
    DismissMessage(u64),
    /// Forget all messages.
    ClearMessages,
    /// Never show the first strip again.
    DismissWelcome,
    /// Save the picture with its boxes.
    SaveSnapshot,
    /// Open the window of a tool.
    OpenTool(Tool),
    /// Begin what is chosen to be recorded, or complete all that runs.
    ToggleRecording,
    /// What is recorded, and where to.
    SetRecording(RecordingSettings),
    /// Open the folder of recordings in the system's file manager.
    ShowRecordings,
    /// Open or close the panel of a lane's model.
    ToggleModelPanel(LaneId),
    /// Load the model again with the card as it was edited.
    ApplyCard,
    /// Back to the card that the running model was loaded with.
    RevertCard,
    /// Save the card beside the model.
    SaveCard,
    /// Try the usual preprocessings on the frame in view.
    StartProbe,
    /// Break that off.
    CancelProbe,
    /// Take this preprocessing; whether the model takes bytes.
    TakeFeeding(Feeding, bool),
    /// Something on the page Evaluate.
    Evaluate(EvaluateAction),
    /// Something in the window Quantize.
    Quantize(QuantizeAction),
    /// Something on the page Label.
    Label(LabelAction),
}
