//! The first commands: what the command line asks for, else what was open last, else the defaults.

use super::background::{Background, Wake};
use super::evaluate::{EvaluateState, PictureShelf};
use super::journal::Journal;
use super::label::LabelState;
use super::messages::Severity;
use super::quantize::QuantizeState;
use super::settings::{Found, Settings, SettingsStore};
use super::state::{Editing, Session};
use super::thumbnails::Thumbnails;
use super::video_view::Picture;
use super::{App, Services, StartOptions, snapshot, theme};
use crate::capture::{SourceOptions, SourceSpec};
use crate::inference::tuning::SessionClock;
use crate::pipeline::{Command, LaneId, Link};
use eframe::egui;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Settings are written this long after a change, so that dragging a slider writes once.
const SAVE_AFTER: Duration = Duration::from_secs(2);

/// What is written already, and where.
pub(super) struct Saving {
    store: SettingsStore,
    written: Settings,
    changed_at: Option<Instant>,
}

impl Saving {
    /// The folder of the settings.
    pub(super) fn folder(&self) -> PathBuf {
        self.store.path().parent().map_or_else(PathBuf::new, Path::to_owned)
    }
}

/// A relative path would be lost when the program is started from another folder.
pub(super) fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

impl App {
    /// Reads the settings, starts the background threads and gives the pipeline its first commands.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub fn new(
        ctx: &egui::Context,
        options: StartOptions,
        services: Services,
        link: Link,
        wake: Wake,
    ) -> anyhow::Result<Self> {
        let store = SettingsStore::locate(options.config_dir.clone());
        let (settings, found) = store.load();
        theme::install(ctx);
        theme::apply(ctx, settings.theme);
        let mut app = Self {
            link,
            background: Background::start(services, wake)?,
            session: Session::default(),
            saving: Saving { store, written: settings.clone(), changed_at: None },
            settings,
            editing: Editing::default(),
            picture: Picture::default(),
            evaluate: EvaluateState::default(),
            gallery: PictureShelf::default(),
            label: LabelState::default(),
            quantize: QuantizeState::default(),
            thumbnails: Thumbnails::default(),
            scene_folder: None,
            journal: Journal::new(options.started_at),
            log: options.log.clone(),
            default_models: options.default_models.clone().map(|path| path.map(absolute)),
            camera_backend: options.camera_backend,
            overrides: options.overrides.clone(),
            snapshot_folder: options.snapshot_dir.clone().unwrap_or_else(snapshot::default_folder),
        };
        if let Found::Damaged(aside) = found {
            let text =
                format!("The settings could not be read and were set back; they are kept as {}", aside.display());
            app.tell(Severity::Warning, text);
        }
        app.start_pipeline(&options);
        app.background.list_cameras();
        Ok(app)
    }

    fn start_pipeline(&mut self, options: &StartOptions) {
        let thresholds = &mut self.settings.thresholds;
        thresholds.confidence = options.confidence.unwrap_or(thresholds.confidence);
        thresholds.iou = options.iou.unwrap_or(thresholds.iou);
        self.settings.threads = options.threads.or(self.settings.threads).filter(|_| !options.measure_threads);
        self.settings.agreement_frames = options.agreement_frames.unwrap_or(self.settings.agreement_frames);
        self.settings = std::mem::take(&mut self.settings).sanitized();
        match self.settings.threads {
            Some(threads) => self.send(Command::SetThreads(threads)),
            None => self.send(Command::MeasureThreads(Arc::new(SessionClock))),
        }
        self.recall_threads(options.threads.is_some() || options.measure_threads);
        self.settings.accelerate &= !options.plain_sessions;
        if !self.settings.accelerate {
            self.send(Command::SetAccelerate(false));
        }
        self.send(Command::SetThresholds(self.settings.thresholds));
        self.send(Command::SetMode(self.settings.mode()));
        self.send(Command::SetAgreementWindow(self.settings.agreement_frames));
        if self.settings.worst_strip {
            self.send(Command::KeepWorst(true));
        }
        self.start_models(options);
        let remembered = self.settings.source.clone().filter(|spec| match spec {
            SourceSpec::Path(path) if !path.exists() => {
                let text = format!("{} is no longer there; this is the demo scene.", path.display());
                self.session.messages.tell(Severity::Warning, text);
                false
            }
            _ => true,
        });
        self.open_source(options.source.clone().or(remembered).unwrap_or(SourceSpec::Demo));
    }

    fn start_models(&mut self, options: &StartOptions) {
        match (&options.model_a, &options.model_b) {
            (Some(a), None) => return self.open_model(LaneId::A, a.clone()),
            (a, Some(b)) => {
                let a = a.clone().or_else(|| self.remembered(LaneId::A)).or_else(|| self.default_models[0].clone());
                return self.load_models([a, Some(b.clone())]);
            }
            (None, None) => {}
        }
        let named = [self.settings.model_a.clone(), self.settings.model_b.clone()];
        for path in named.iter().flatten().filter(|path| !path.exists()) {
            let text = format!("{} is no longer there; choose another model with Open…", path.display());
            self.session.messages.tell(Severity::Warning, text);
        }
        let [a, b] = LaneId::BOTH.map(|lane| self.remembered(lane));
        if a.is_some() || b.is_some() {
            self.load_models([a, b]);
        } else {
            self.open_default_models();
        }
    }

    fn remembered(&self, lane: LaneId) -> Option<PathBuf> {
        let path = match lane {
            LaneId::A => &self.settings.model_a,
            LaneId::B => &self.settings.model_b,
        };
        path.clone().filter(|path| path.exists())
    }

    /// Options with which sources are opened.
    pub(super) fn source_options(&self) -> SourceOptions {
        SourceOptions {
            looping: self.settings.looping,
            camera_size: self.settings.camera.size,
            camera_rate: self.settings.camera.rate,
            camera_format: self.settings.camera.format.clone(),
            camera_backend: self.camera_backend,
            camera_controls: self.settings.camera_controls.clone(),
            ..Default::default()
        }
    }

    /// Writes the settings on a thread of their own, a while after they changed.
    pub(super) fn save_settings_when_due(&mut self, ctx: &egui::Context) {
        if self.settings == self.saving.written {
            self.saving.changed_at = None;
            return;
        }
        let changed_at = *self.saving.changed_at.get_or_insert_with(Instant::now);
        let wait = SAVE_AFTER.saturating_sub(changed_at.elapsed());
        if !wait.is_zero() {
            ctx.request_repaint_after(wait);
            return;
        }
        if self.background.save_settings(self.saving.store.clone(), self.settings.clone()) {
            self.saving.written = self.settings.clone();
            self.saving.changed_at = None;
        }
    }

    /// Writes everything at once: the window is about to close.
    pub(super) fn save_now(&mut self) {
        if let Err(reason) = self.save_labels_now() {
            tracing::error!("{reason}");
        }
        self.save_settings_now();
    }

    fn save_settings_now(&mut self) {
        if self.settings == self.saving.written {
            return;
        }
        match self.saving.store.save(&self.settings) {
            Ok(()) => self.saving.written = self.settings.clone(),
            Err(error) => tracing::error!("{}: cannot be written: {error}", self.saving.store.path().display()),
        }
    }
}
