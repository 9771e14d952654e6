//! The window. The only folder that names egui.
//!
//! [`App`] works in three steps a pass: `logic` receives (results, events, outcomes of background work), `ui`
//! draws what is known and collects [`Action`]s, and `command_handler` carries them out, one function an action.
//! Nothing here blocks, infers or decodes: the pipeline and the threads of `background` do, and wake the window
//! when there is something new. With nothing new the window is not drawn again.

mod actions;
mod background;
mod camera;
mod card_commands;
mod catalog;
mod command_handler;
mod dialogs;
mod evaluate;
mod format;
mod get_models;
mod journal;
mod label;
mod logic;
mod messages;
mod model_panel;
mod options;
mod panels;
mod plot;
mod probe_job;
mod quantize;
mod recording;
mod settings;
mod shortcuts;
mod snapshot;
mod start;
mod state;
#[cfg(test)]
mod test_support;
mod theme;
mod thread_commands;
mod thread_job;
mod thumbnails;
mod tools;
mod ui;
mod variants;
mod verdict;
mod video_view;
mod worst;
mod worst_files;

pub use actions::Action;
pub use background::Wake;
pub use dialogs::{DialogKind, Picked};
pub use evaluate::{EvaluateAction, ReportForm};
pub use label::{LabelAction, PixelBox, Proposal, Propose, ProposeRequest, ProposeStep};
pub use options::{
    Advise, CameraChoice, CameraFormatChoice, Evaluate, OpenCatalog, Quantize, Services, StartOptions, TwinChoice,
    TwinRole, Variant,
};
pub use probe_job::{ProbeRequest, ProbeRow, ProbeWatch};
pub use quantize::{
    PicturesFrom, QuantizeAction, QuantizeFailure, QuantizeJob, QuantizeSettings, QuantizeTalk, run as run_quantize,
};
pub use recording::RecordingSettings;
pub use settings::{CameraWish, CompareLayout, FOLDER_VARIABLE, Settings, SettingsStore, ThemeChoice, WindowPlace};
pub use tools::Tool;
pub use verdict::{FRAMES_NEEDED, Verdict, verdict};

use crate::capture::CameraBackend;
use crate::inference::ModelOverrides;
use crate::pipeline::Link;
use anyhow::anyhow;
use background::Background;
use crossbeam_channel::Receiver;
use eframe::egui;
use evaluate::{EvaluateState, PictureShelf};
use journal::Journal;
use label::LabelState;
use quantize::QuantizeState;
use state::{Editing, Session};
use std::path::PathBuf;
use std::sync::Arc;
use thumbnails::Thumbnails;
use video_view::Picture;

/// Smallest window in which everything can be reached.
const LEAST_SIZE: egui::Vec2 = egui::vec2(720.0, 480.0);

/// The window's state.
pub struct App {
    link: Link,
    background: Background,
    session: Session,
    settings: Settings,
    saving: start::Saving,
    editing: Editing,
    picture: Picture,
    evaluate: EvaluateState,
    gallery: PictureShelf,
    label: LabelState,
    quantize: QuantizeState,
    thumbnails: Thumbnails,
    /// Rendered pictures that were evaluated; goes when the program ends.
    scene_folder: Option<tempfile::TempDir>,
    journal: Journal,
    /// Warnings and errors of the whole program.
    log: Option<Receiver<(tracing::Level, String)>>,
    default_models: [Option<PathBuf>; 2],
    /// The library that reads cameras.
    camera_backend: CameraBackend,
    /// Card and labels from the command line; they hold for the models named there, not for those opened later.
    overrides: ModelOverrides,
    snapshot_folder: PathBuf,
}

/// Opens the window and returns when it was closed.
///
/// `link_factory` is given the function that wakes the window, to be called after a result or an event was
/// published, and returns the window's end of the pipeline.
///
/// # Errors
///
/// When there is no display, no OpenGL, or no thread to be had.
pub fn run(
    options: StartOptions,
    services: Services,
    link_factory: impl FnOnce(Wake) -> anyhow::Result<Link>,
) -> anyhow::Result<()> {
    let place = SettingsStore::locate(options.config_dir.clone()).peek().window;
    let viewport = egui::ViewportBuilder::default()
        .with_title("quantscope")
        .with_app_id("quantscope")
        .with_inner_size([place.width, place.height])
        .with_min_inner_size(LEAST_SIZE)
        .with_maximized(place.maximized)
        .with_drag_and_drop(true);
    // Settings are kept in a file of our own, which is replaced as a whole and survives damage.
    let native = eframe::NativeOptions { viewport, persist_window: false, ..Default::default() };
    let create: eframe::AppCreator<'_> = Box::new(move |context| {
        let ctx = context.egui_ctx.clone();
        let wake: Wake = Arc::new(move || ctx.request_repaint());
        let link = link_factory(Arc::clone(&wake))?;
        Ok(Box::new(App::new(&context.egui_ctx, options, services, link, wake)?))
    });
    eframe::run_native("quantscope", native, create).map_err(|error| {
        anyhow!(
            "the window cannot be opened: {error}. On a machine without a display use `quantscope detect` or `bench`"
        )
    })
}

impl App {
    /// How often a picture was sent to the graphics card: once for each frame that was drawn.
    pub fn picture_uploads(&self) -> u64 {
        self.picture.uploads()
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.receive(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn save(&mut self, _storage: &mut dyn eframe::Storage) {
        self.save_now();
    }

    fn on_exit(&mut self, _gl: Option<&eframe::glow::Context>) {
        self.save_now();
    }

    fn persist_egui_memory(&self) -> bool {
        false
    }
}
