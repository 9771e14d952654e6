//! What survives a restart, in one TOML file that is replaced as a whole.

use super::quantize::QuantizeSettings;
use super::recording::RecordingSettings;
use crate::capture::{ControlMemory, SourceSpec};
use crate::files;
use crate::imaging::ImageSize;
use crate::inference::Thresholds;
use crate::pipeline::{AGREEMENT_FRAMES, AGREEMENT_FRAMES_DEFAULT, LaneId, Mode};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Version of the file's layout that this program writes.
const VERSION: u32 = 1;
/// Data sets that are remembered.
pub(super) const RECENT_DATASETS: usize = 6;
/// Models whose own number of threads is remembered.
const MODELS_WITH_THREADS: usize = 200;
const FILE_NAME: &str = "settings.toml";
const DAMAGED_NAME: &str = "settings.damaged.toml";
/// Names the folder of the settings file, above all else but the program's own start options.
pub const FOLDER_VARIABLE: &str = "QUANTSCOPE_CONFIG_DIR";

/// How two models are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareLayout {
    /// Two pictures, A left and B right.
    #[default]
    SideBySide,
    /// One picture, A's boxes left of a line that can be dragged, B's right of it.
    Divider,
    /// One picture with the boxes of both.
    Overlay,
}

impl CompareLayout {
    /// All of them, in the order in which they follow each other.
    pub const ALL: [Self; 3] = [Self::SideBySide, Self::Divider, Self::Overlay];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::SideBySide => "Side by side",
            Self::Divider => "Divider",
            Self::Overlay => "Overlay",
        }
    }

    /// The one after this.
    pub fn next(self) -> Self {
        match self {
            Self::SideBySide => Self::Divider,
            Self::Divider => Self::Overlay,
            Self::Overlay => Self::SideBySide,
        }
    }
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// What is wanted of cameras; whatever is missing is left to the camera.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CameraWish {
    /// FourCC such as `YUYV`.
    pub format: Option<String>,
    /// Picture size.
    pub size: Option<ImageSize>,
    /// Frames a second.
    pub rate: Option<f64>,
}

/// Everything that survives a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Layout of the file.
    pub version: u32,
    /// What was watched last.
    pub source: Option<SourceSpec>,
    /// Model of lane A.
    pub model_a: Option<PathBuf>,
    /// Model of lane B.
    pub model_b: Option<PathBuf>,
    /// The model that is shown when only one is.
    pub active: LaneId,
    /// Whether both models run.
    pub compare: bool,
    /// How two models are shown.
    pub layout: CompareLayout,
    /// Where the divider stands, 0…1 of the picture's width.
    pub divider: f32,
    /// Whether opening a model also opens its twin.
    pub pair_twins: bool,
    /// Threads inside one operator; none: as the program chooses.
    pub threads: Option<usize>,
    /// The same for single models, by their absolute paths.
    pub model_threads: BTreeMap<String, usize>,
    /// Whether quantized models are made faster where their outputs stay the same.
    pub accelerate: bool,
    /// Whether videos start again at their end.
    pub looping: bool,
    /// Light or dark.
    pub theme: ThemeChoice,
    /// Whether the strip of the first start was dismissed.
    pub welcome_dismissed: bool,
    /// Names of classes that are not drawn.
    pub hidden_classes: BTreeSet<String>,
    /// Thresholds of score and overlap.
    pub thresholds: Thresholds,
    /// Frames that the agreement of two models looks back over.
    pub agreement_frames: usize,
    /// Whether the frames on which two models disagree most are kept, and shown.
    pub worst_strip: bool,
    /// What is wanted of cameras.
    pub camera: CameraWish,
    /// What was set on cameras, by their names.
    pub camera_controls: ControlMemory,
    /// Data sets that models were evaluated on, the last one first.
    pub recent_datasets: Vec<PathBuf>,
    /// What was labelled, the last one first.
    pub recent_labels: Vec<PathBuf>,
    /// How models are quantized.
    pub quantize: QuantizeSettings,
    /// What is recorded, and where to.
    pub recording: RecordingSettings,
    /// The window.
    pub window: WindowPlace,
}

/// Size of the window, in points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowPlace {
    /// Width without the frame.
    pub width: f32,
    /// Height without the frame.
    pub height: f32,
    /// Whether it fills the screen.
    pub maximized: bool,
}

impl Default for WindowPlace {
    fn default() -> Self {
        Self { width: 1360.0, height: 860.0, maximized: false }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: VERSION,
            source: None,
            model_a: None,
            model_b: None,
            active: LaneId::A,
            compare: true,
            layout: CompareLayout::default(),
            divider: 0.5,
            pair_twins: true,
            threads: None,
            model_threads: BTreeMap::new(),
            accelerate: true,
            looping: true,
            theme: ThemeChoice::default(),
            welcome_dismissed: false,
            hidden_classes: BTreeSet::new(),
            thresholds: Thresholds::default(),
            agreement_frames: AGREEMENT_FRAMES_DEFAULT,
            worst_strip: false,
            camera: CameraWish::default(),
            camera_controls: ControlMemory::new(),
            recent_datasets: Vec::new(),
            recent_labels: Vec::new(),
            quantize: QuantizeSettings::default(),
            recording: RecordingSettings::default(),
            window: WindowPlace::default(),
        }
    }
}

impl Settings {
    /// The mode that these settings ask for.
    pub fn mode(&self) -> Mode {
        if self.compare { Mode::Compare } else { Mode::Single(self.active) }
    }

    /// Threads of the model of this file, where it has a number of its own.
    pub fn threads_of(&self, path: &Path) -> Option<usize> {
        self.model_threads.get(&key_of(path)?).copied()
    }

    /// Remembers threads for the model of this file, or forgets them. A path that is no text is not remembered.
    pub fn set_threads_of(&mut self, path: &Path, threads: Option<usize>) {
        let Some(key) = key_of(path) else { return };
        match threads {
            Some(threads) => drop(self.model_threads.insert(key, threads)),
            None => drop(self.model_threads.remove(&key)),
        }
    }

    /// The same with every value brought back into its range.
    #[must_use]
    pub fn sanitized(mut self) -> Self {
        let share = |value: f32, default: f32| if value.is_finite() { value.clamp(0.0, 1.0) } else { default };
        let thresholds = Thresholds::default();
        self.version = VERSION;
        self.divider = share(self.divider, 0.5);
        self.thresholds.confidence = share(self.thresholds.confidence, thresholds.confidence);
        self.thresholds.iou = share(self.thresholds.iou, thresholds.iou);
        self.agreement_frames = self.agreement_frames.clamp(*AGREEMENT_FRAMES.start(), *AGREEMENT_FRAMES.end());
        self.threads = self.threads.map(|threads| threads.clamp(1, most_threads()));
        self.model_threads.values_mut().for_each(|threads| *threads = (*threads).clamp(1, most_threads()));
        while self.model_threads.len() > MODELS_WITH_THREADS {
            self.model_threads.pop_last();
        }
        let place = WindowPlace::default();
        let side = |value: f32, least: f32, default: f32| {
            if value.is_finite() { value.clamp(least, 16_384.0) } else { default }
        };
        self.window.width = side(self.window.width, 640.0, place.width);
        self.window.height = side(self.window.height, 480.0, place.height);
        self.recent_datasets.truncate(RECENT_DATASETS);
        self.recent_labels.truncate(RECENT_DATASETS);
        self.quantize = self.quantize.sanitized();
        self.recording = self.recording.sanitized();
        self.camera.rate = self.camera.rate.filter(|rate| rate.is_finite() && *rate > 0.0);
        self.camera.size = self.camera.size.filter(|size| size.width > 0 && size.height > 0);
        self
    }
}

fn key_of(path: &Path) -> Option<String> {
    std::path::absolute(path).ok()?.to_str().map(str::to_owned)
}

/// Threads that can be of use on this machine.
pub fn most_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// How the settings were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// There was no file: the first start.
    Nothing,
    /// Read.
    File,
    /// The file could not be read; it was put aside under this name.
    Damaged(PathBuf),
}

/// The settings file.
#[derive(Clone, Debug)]
pub struct SettingsStore {
    folder: PathBuf,
}

impl SettingsStore {
    /// The file in `folder`, else in the folder that QUANTSCOPE_CONFIG_DIR names, else in the user's own.
    pub fn locate(folder: Option<PathBuf>) -> Self {
        let named = || std::env::var_os(FOLDER_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let own = || {
            let user = directories::ProjectDirs::from("org", "quantscope", "quantscope");
            user.map(|user| user.config_dir().to_owned())
        };
        let folder = folder.or_else(named).or_else(own);
        Self { folder: folder.unwrap_or_else(|| std::env::temp_dir().join("quantscope")) }
    }

    /// Where the file is.
    pub fn path(&self) -> PathBuf {
        self.folder.join(FILE_NAME)
    }

    /// The settings, defaults where there are none. A file that cannot be read is kept beside and said so.
    pub fn load(&self) -> (Settings, Found) {
        let path = self.path();
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return (Settings::default(), Found::Nothing);
            }
            Err(_) => return (Settings::default(), self.put_aside(&path)),
        };
        let read = str::from_utf8(&bytes).ok().and_then(|text| toml::from_str::<Settings>(text).ok());
        match read {
            Some(settings) => (settings.sanitized(), Found::File),
            None => (Settings::default(), self.put_aside(&path)),
        }
    }

    /// The settings as [`Self::load`] gives them, leaving a damaged file where it is.
    pub fn peek(&self) -> Settings {
        let text = std::fs::read_to_string(self.path()).unwrap_or_default();
        toml::from_str::<Settings>(&text).unwrap_or_default().sanitized()
    }

    fn put_aside(&self, path: &Path) -> Found {
        let aside = self.folder.join(DAMAGED_NAME);
        if let Err(error) = std::fs::rename(path, &aside) {
            tracing::warn!("{}: the damaged settings cannot be put aside: {error}", path.display());
        }
        Found::Damaged(aside)
    }

    /// Writes the settings; a crash leaves the old or the new file.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or written to; the old file is then untouched.
    pub fn save(&self, settings: &Settings) -> std::io::Result<()> {
        let text = toml::to_string_pretty(settings).map_err(std::io::Error::other)?;
        files::replace_in_folder(&self.path(), text.as_bytes())
    }
}

#[cfg(test)]
mod tests;
