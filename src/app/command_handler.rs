//! Acting: one function an action.

use super::App;
use super::actions::Action;
use super::dialogs::DialogKind;
use super::messages::Severity;
use super::settings::CompareLayout;
use super::snapshot::SnapshotRequest;
use super::state::{CameraList, Speed};
use super::theme;
use crate::capture::SourceSpec;
use crate::inference::ModelOverrides;
use crate::pipeline::{Command, LaneId};
use eframe::egui;
use std::path::PathBuf;
use std::time::Duration;

impl App {
    /// Carries out one action.
    pub(super) fn handle(&mut self, ctx: &egui::Context, action: Action) {
        match action {
            Action::OpenSource(spec) => self.open_source(spec),
            Action::RetrySource => self.retry_source(),
            Action::Browse(kind) => self.browse(kind),
            Action::PathTyped(kind, path) => self.path_typed(kind, path),
            Action::CancelPath => self.editing.path_prompt = None,
            Action::RefreshCameras => self.refresh_cameras(),
            Action::SetCameraWish(wish) => self.set_camera_wish(wish),
            Action::ToggleCameraControls => self.editing.camera_open = !self.editing.camera_open,
            Action::SetCameraControl(setting) => self.set_camera_control(setting),
            Action::ResetCameraControls => self.reset_camera_controls(),
            Action::TogglePause => self.pause_by_hand(),
            Action::Step => self.step(),
            Action::Seek(to) => self.seek(to),
            Action::SetSpeed(factor) => self.set_speed(factor),
            Action::SetLooping(looping) => self.set_looping(looping),
            Action::PlayAgain => self.play_again(),
            Action::OpenModel(lane, path) => self.open_other_model(lane, path),
            Action::OpenDefaultModels => self.open_default_models(),
            Action::OpenPair(paths) => self.open_pair(paths),
            Action::ToggleCatalog => self.toggle_catalog(),
            Action::ListCatalog => self.list_catalog(),
            Action::GetModel(name) => self.get_model(&name),
            Action::CancelGet(name) => self.cancel_get(&name),
            Action::UnloadModel(lane) => self.send(Command::UnloadModel(lane)),
            Action::SetPairTwins(pair) => self.settings.pair_twins = pair,
            Action::SetAccelerate(accelerate) => {
                self.settings.accelerate = accelerate;
                self.send(Command::SetAccelerate(accelerate));
            }
            Action::TogglePrecision => self.toggle_precision(),
            Action::ShowLane(lane) => self.show_lane(lane),
            Action::ShowReady => self.show_ready(),
            Action::OpenVariant(lane, path) => self.open_variant(lane, path),
            Action::ToggleCompare => self.toggle_compare(),
            Action::SetLayout(layout) => self.set_layout(layout),
            Action::NextLayout => self.set_layout(self.settings.layout.next()),
            Action::SetDivider(place) => self.settings.divider = place.clamp(0.0, 1.0),
            Action::SetThresholds(thresholds) => self.set_thresholds(thresholds),
            Action::SetThreads(threads) => self.set_threads(threads),
            Action::MeasureThreads => self.measure_threads(),
            Action::FindThreads => self.find_threads(),
            Action::CancelFindThreads => self.cancel_find_threads(),
            Action::SetThreadsOfModel(threads) => self.set_threads_of_model(threads),
            Action::SetAgreementWindow(frames) => self.set_agreement_window(frames),
            Action::ToggleWorst => self.toggle_worst(),
            Action::HoldWorst(id) => self.session.worst.hold(id),
            Action::HoldNextWorst { forward } => self.session.worst.hold_next(forward),
            Action::ReleaseWorst => self.session.worst.release(),
            Action::ForgetWorst => self.forget_worst(),
            Action::ResetStatistics => self.send(Command::ResetStatistics),
            Action::SetClassShown(name, shown) => self.set_class_shown(name, shown),
            Action::ShowAllClasses => self.settings.hidden_classes.clear(),
            Action::HideClasses(names) => self.settings.hidden_classes.extend(names),
            Action::SetTheme(choice) => self.set_theme(ctx, choice),
            Action::ToggleFullPicture => self.editing.full_picture = !self.editing.full_picture,
            Action::ToggleHelp => self.editing.help_open = !self.editing.help_open,
            Action::ToggleMessages => self.editing.messages_open = !self.editing.messages_open,
            Action::DismissMessage(id) => self.session.messages.dismiss(id),
            Action::ClearMessages => self.session.messages.clear(),
            Action::DismissWelcome => self.settings.welcome_dismissed = true,
            Action::SaveSnapshot => self.save_snapshot(),
            Action::OpenTool(tool) => self.open_tool(tool),
            Action::ToggleRecording => self.toggle_recording(),
            Action::SetRecording(chosen) => self.settings.recording = chosen.sanitized(),
            Action::ShowRecordings => self.show_recordings(),
            Action::ToggleModelPanel(lane) => self.toggle_model_panel(lane),
            Action::ApplyCard => self.apply_card(),
            Action::RevertCard => self.revert_card(),
            Action::SaveCard => self.save_card(),
            Action::StartProbe => self.start_probe(),
            Action::CancelProbe => self.cancel_probe(),
            Action::TakeFeeding(feeding, bytes) => self.take_feeding(feeding, bytes),
            Action::Evaluate(action) => self.handle_evaluate(ctx, action),
            Action::Label(action) => self.handle_label(action),
            Action::Quantize(action) => self.handle_quantize(action),
        }
    }

    /// What the person decides holds, also against an evaluation that had stopped the live view.
    fn pause_by_hand(&mut self) {
        self.evaluate.holds_live_view = false;
        self.toggle_pause();
    }

    /// Gives a command to the pipeline; says so when it is not taken.
    pub(super) fn send(&mut self, command: Command) {
        if !self.link.send(command) {
            self.tell(Severity::Error, "The pipeline does not answer. Save what you need and start the program again.");
        }
    }

    /// Tells the user, and says so in the log at `-v`: warnings of the log come back into the window.
    pub(super) fn tell(&mut self, severity: Severity, text: impl Into<String>) {
        let text = text.into();
        tracing::info!("told {}: {text}", severity.name());
        self.session.messages.tell(severity, text);
    }

    pub(super) fn open_source(&mut self, spec: SourceSpec) {
        self.session.source.opening = Some(spec.clone());
        self.session.source.failure = None;
        let options = self.source_options();
        self.send(Command::OpenSource(spec, options));
        // A new source is there to be watched: a speed or a pause meant the old one.
        if self.session.paused {
            self.toggle_pause();
        }
        if self.session.speed != Speed::default() {
            self.set_speed(1.0);
        }
    }

    fn retry_source(&mut self) {
        if let Some(failure) = &self.session.source.failure {
            self.open_source(failure.spec.clone());
        }
    }

    pub(super) fn browse(&mut self, kind: DialogKind) {
        if self.background.ask_for_path(kind.clone()) {
            self.editing.dialog = Some(kind);
        } else {
            self.tell(Severity::Info, "A file dialog is open already: answer it first.");
        }
    }

    fn path_typed(&mut self, kind: DialogKind, path: PathBuf) {
        self.editing.path_prompt = None;
        self.on_path(kind, path);
    }

    fn refresh_cameras(&mut self) {
        self.session.cameras = CameraList::Searching;
        self.background.list_cameras();
    }

    fn set_camera_wish(&mut self, wish: super::CameraWish) {
        self.settings.camera = wish;
        let open = self.session.source.open.as_ref().map(|open| open.spec.clone());
        if let Some(spec @ SourceSpec::Camera(_)) = open {
            self.open_source(spec);
        }
    }

    pub(super) fn toggle_pause(&mut self) {
        self.session.paused = !self.session.paused;
        tracing::info!("{}", if self.session.paused { "paused" } else { "running" });
        self.send(Command::SetPaused(self.session.paused));
    }

    fn step(&mut self) {
        if !self.session.paused {
            self.toggle_pause();
        }
        self.send(Command::Step);
    }

    fn seek(&mut self, to: Duration) {
        self.session.source.ended = false;
        self.send(Command::Seek(to));
    }

    fn set_speed(&mut self, factor: f64) {
        self.session.speed = Speed(factor);
        self.send(Command::SetSpeed(factor));
    }

    fn set_looping(&mut self, looping: bool) {
        self.settings.looping = looping;
        // A source that waits at its end goes on.
        self.session.source.ended &= !looping;
        self.send(Command::SetLooping(looping));
    }

    fn play_again(&mut self) {
        self.seek(Duration::ZERO);
        if self.session.paused {
            self.toggle_pause();
        }
    }

    /// Opens a model that was not named on the command line.
    pub(super) fn open_other_model(&mut self, lane: LaneId, path: PathBuf) {
        self.overrides = ModelOverrides::default();
        self.open_model(lane, path);
    }

    /// Opens a model; its twin, if it has one and twins are wished, goes into the other lane.
    pub(super) fn open_model(&mut self, lane: LaneId, path: PathBuf) {
        if self.settings.pair_twins && self.background.search_twin(lane, path.clone()) {
            return;
        }
        let mut paths = [None, None];
        paths[lane.index()] = Some(path);
        self.load_models(paths);
    }

    pub(super) fn open_default_models(&mut self) {
        self.overrides = ModelOverrides::default();
        if self.default_models.iter().all(Option::is_none) {
            return self
                .tell(Severity::Warning, "There are no default models here. Open a model of your own with Open…");
        }
        self.load_models(self.default_models.clone());
    }

    pub(super) fn load_models(&mut self, paths: [Option<PathBuf>; 2]) {
        for (lane, path) in LaneId::BOTH.into_iter().zip(paths) {
            if let Some(path) = path {
                self.load_model(lane, path, self.overrides.clone());
            }
        }
    }

    /// One model alone.
    pub(super) fn show_lane(&mut self, lane: LaneId) {
        self.settings.active = lane;
        self.settings.compare = false;
        self.session.worst.release();
        self.send(Command::SetMode(self.settings.mode()));
    }

    pub(super) fn toggle_compare(&mut self) {
        self.settings.compare = !self.settings.compare;
        self.session.worst.release();
        self.send(Command::SetMode(self.settings.mode()));
    }

    /// Choosing how two models are shown means that two are to be shown.
    fn set_layout(&mut self, layout: CompareLayout) {
        self.settings.layout = layout;
        if !self.settings.compare {
            self.toggle_compare();
        }
    }

    pub(super) fn set_thresholds(&mut self, thresholds: crate::inference::Thresholds) {
        self.settings.thresholds = thresholds;
        self.settings = std::mem::take(&mut self.settings).sanitized();
        self.send(Command::SetThresholds(self.settings.thresholds));
    }

    fn set_agreement_window(&mut self, frames: usize) {
        self.settings.agreement_frames = frames;
        self.settings = std::mem::take(&mut self.settings).sanitized();
        self.send(Command::SetAgreementWindow(self.settings.agreement_frames));
    }

    fn set_class_shown(&mut self, name: String, shown: bool) {
        if shown {
            self.settings.hidden_classes.remove(&name);
        } else {
            self.settings.hidden_classes.insert(name);
        }
    }

    fn set_theme(&mut self, ctx: &egui::Context, choice: super::ThemeChoice) {
        self.settings.theme = choice;
        theme::apply(ctx, choice);
    }

    fn save_snapshot(&mut self) {
        let Some(result) = self.session.on_view().cloned() else {
            return self.tell(Severity::Info, "There is no picture to save yet.");
        };
        let source = self.session.source.open.as_ref().map(|open| open.spec.to_string()).unwrap_or_default();
        let request = SnapshotRequest {
            result,
            source,
            thresholds: self.settings.thresholds,
            hidden_classes: self.settings.hidden_classes.clone(),
            folder: self.snapshot_folder.clone(),
        };
        if !self.background.save_snapshot(request) {
            self.tell(Severity::Warning, "Too many snapshots wait to be written already. Try again in a moment.");
        }
    }
}
