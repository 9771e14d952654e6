//! File dialogs of the system, run on a thread of their own because they block until a person answers.

mod zenity;

use super::evaluate::ReportForm;
use crate::pipeline::LaneId;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, Signal, System};

/// What a dialog is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialogKind {
    /// A model for a lane.
    Model(LaneId),
    /// The class names of a lane's model.
    Labels(LaneId),
    /// A video or a picture.
    SourceFile,
    /// A folder of pictures.
    SourceFolder,
    /// A data set in a file.
    Dataset,
    /// A data set in a folder.
    DatasetFolder,
    /// A folder of pictures to be labelled.
    LabelFolder,
    /// A data set to be corrected.
    LabelDataset,
    /// Where a labelled set goes.
    LabelExport,
    /// A model to be evaluated beside the others.
    EvaluatedModel,
    /// An FP32 model to be quantized.
    ModelToQuantize,
    /// A folder of pictures to calibrate with.
    CalibrationFolder,
    /// A data set or a video to calibrate with.
    CalibrationFile,
    /// Where the quantized model goes; the file that is proposed.
    QuantizedModel(PathBuf),
    /// A recipe to quantize by.
    Recipe,
    /// Where a recipe goes.
    SaveRecipe,
    /// Where a report goes.
    Report(ReportForm),
    /// Where a report of a quantization goes.
    QuantizationReport(ReportForm),
    /// Where recordings go.
    RecordingFolder,
    /// Where the frames go on which the models disagree most.
    WorstFolder,
}

impl DialogKind {
    /// What is asked for, as a window title.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Model(LaneId::A) => "Open model A",
            Self::Model(LaneId::B) => "Open model B",
            Self::Labels(_) => "Choose the class names",
            Self::SourceFile => "Open a video or a picture",
            Self::SourceFolder => "Open a folder of pictures",
            Self::Dataset => "Open a data set (COCO json, YOLO yaml)",
            Self::DatasetFolder => "Open a data set in a folder (Pascal VOC, YOLO)",
            Self::LabelFolder => "Open a folder of pictures to label",
            Self::LabelDataset => "Open a data set to correct (COCO json, YOLO yaml)",
            Self::LabelExport => "Choose a folder for the labelled set",
            Self::EvaluatedModel => "Add a model to the evaluation",
            Self::ModelToQuantize => "Choose the FP32 model to quantize",
            Self::CalibrationFolder => "Choose a folder of pictures to calibrate with",
            Self::CalibrationFile => "Choose a data set or a video to calibrate with",
            Self::QuantizedModel(_) => "Save the quantized model",
            Self::Recipe => "Choose a recipe",
            Self::SaveRecipe => "Save the recipe",
            Self::Report(_) | Self::QuantizationReport(_) => "Save the report",
            Self::RecordingFolder => "Choose where recordings go",
            Self::WorstFolder => "Choose where the worst frames go",
        }
    }
}

impl DialogKind {
    fn wanted(&self) -> Wanted {
        let sets = || vec!["json", "yaml", "yml"];
        match self {
            Self::Model(_) | Self::EvaluatedModel | Self::ModelToQuantize => Wanted::File(MODELS, vec!["onnx"]),
            Self::Labels(_) => Wanted::File("Class names", vec!["names", "txt", "yaml", "yml"]),
            Self::SourceFile => {
                Wanted::File("Videos and pictures", VIDEO_ENDINGS.into_iter().chain(PICTURE_ENDINGS).collect())
            }
            Self::SourceFolder
            | Self::DatasetFolder
            | Self::LabelFolder
            | Self::LabelExport
            | Self::CalibrationFolder
            | Self::WorstFolder
            | Self::RecordingFolder => Wanted::Folder,
            Self::Dataset | Self::LabelDataset => Wanted::File("Data sets", sets()),
            Self::CalibrationFile => {
                Wanted::File("Data sets and videos", sets().into_iter().chain(VIDEO_ENDINGS).collect())
            }
            Self::Recipe => Wanted::File(RECIPES, vec!["toml"]),
            Self::SaveRecipe => Wanted::Save(RECIPES, "toml", "recipe.toml".into()),
            Self::QuantizedModel(proposed) => Wanted::Save(MODELS, "onnx", proposed.clone()),
            Self::Report(form) => {
                Wanted::Save(form.name(), form.ending(), format!("quantscope-evaluation.{}", form.ending()).into())
            }
            Self::QuantizationReport(form) => {
                Wanted::Save(form.name(), form.ending(), format!("quantscope-quantization.{}", form.ending()).into())
            }
        }
    }
}

/// What came of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked {
    /// This path.
    Path(PathBuf),
    /// The person thought better of it.
    Cancelled,
    /// The system has no dialog to show.
    Unavailable,
}

/// The program that shows dialogs where there is no portal.
const ZENITY: &str = "zenity";
/// A dialog that says nothing for less than this was never seen by a person.
const NEVER_SHOWN: Duration = Duration::from_millis(250);

const MODELS: &str = "ONNX models";
const RECIPES: &str = "Recipes";
const ALL_FILES: &str = "All files";
const VIDEO_ENDINGS: [&str; 9] = ["mp4", "mkv", "avi", "mov", "webm", "m4v", "mpg", "mpeg", "ts"];
const PICTURE_ENDINGS: [&str; 6] = ["jpg", "jpeg", "png", "bmp", "gif", "webp"];

/// What a dialog lets a person choose.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// A file that is there, with one of these endings by default.
    File(&'static str, Vec<&'static str>),
    /// A folder.
    Folder,
    /// A file to be written, of this kind and ending, proposed in this place.
    Save(&'static str, &'static str, PathBuf),
}

/// Shows the system's dialog (desktop portal, else zenity) and waits for the answer.
pub fn native(kind: &DialogKind) -> Picked {
    if !is_available() {
        return Picked::Unavailable;
    }
    let (title, wanted, asked_at) = (kind.title(), kind.wanted(), Instant::now());
    // Where there is no portal, rfd would call zenity, too, but without title and folder.
    let path = if cfg!(target_os = "linux") && !has_portal() {
        zenity::ask(title, &wanted)
    } else {
        by_library(title, wanted)
    };
    match path {
        Some(path) => Picked::Path(path),
        None if asked_at.elapsed() < NEVER_SHOWN => Picked::Unavailable,
        None => Picked::Cancelled,
    }
}

fn by_library(title: &str, wanted: Wanted) -> Option<PathBuf> {
    let dialog = rfd::FileDialog::new().set_title(title);
    match wanted {
        Wanted::File(name, endings) => dialog.add_filter(name, &endings).add_filter(ALL_FILES, &["*"]).pick_file(),
        Wanted::Folder => dialog.pick_folder(),
        Wanted::Save(name, ending, proposed) => {
            let file = proposed.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let dialog = dialog.add_filter(name, &[ending]).set_file_name(file);
            let folder = proposed.parent().filter(|folder| folder.is_dir());
            folder.map_or(dialog.clone(), |folder| dialog.set_directory(folder)).save_file()
        }
    }
}

/// Closes the dialog that nobody has answered yet: zenity is a process of its own and would outlive the window.
pub fn close_open() {
    let (Ok(own), Ok(mut system)) = (sysinfo::get_current_pid(), System::new()) else { return };
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, ProcessRefreshKind::nothing());
    let dialogs = system.processes().values().filter(|process| process.parent() == Some(own));
    for dialog in dialogs.filter(|process| process.name() == ZENITY) {
        if dialog.kill_with(Signal::Term) != Some(true) {
            tracing::warn!("the file dialog could not be closed");
        }
    }
}

/// Whether a dialog can be expected to appear: elsewhere than on Linux always; there a portal or zenity is needed.
fn is_available() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let zenity = std::env::split_paths(&paths).any(|folder| folder.join(ZENITY).is_file());
    zenity || has_portal()
}

/// Whether the session bus runs and knows a desktop portal.
fn has_portal() -> bool {
    let bus = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some()
        || std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| Path::new(&folder).join("bus").exists());
    let shared = std::env::var_os("XDG_DATA_DIRS").unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    bus && std::env::split_paths(&shared)
        .any(|folder| folder.join("dbus-1/services/org.freedesktop.portal.Desktop.service").is_file())
}
