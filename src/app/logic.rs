//! Receiving: the newest result, events, and what came of background work, on a time budget.

use super::App;
use super::background::Outcome;
use super::catalog::Shelf;
use super::dialogs::{DialogKind, Picked};
use super::messages::Severity;
use super::options::{TwinChoice, TwinRole};
use super::quantize::QuantizeAction;
use super::state::{CameraList, OpenedSource, PathPrompt, SourceFailure};
use crate::capture::SourceSpec;
use crate::inference::ModelInfo;
use crate::pipeline::{Event, LaneId};
use crossbeam_channel::Receiver;
use eframe::egui;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest time spent on receiving before the window is drawn.
const BUDGET: Duration = Duration::from_millis(3);

impl App {
    /// Takes what is new. Never blocks; what does not fit in the budget comes with the next pass.
    pub(super) fn receive(&mut self, ctx: &egui::Context) {
        let start = Instant::now();
        // The result first: an event is told after the results that came before it.
        if let Some(result) = self.link.take_result() {
            let recovered = |failure: &SourceFailure| result.frame.captured_at > failure.at;
            if self.session.source.is_broken() && self.session.source.failure.as_ref().is_some_and(recovered) {
                self.session.source.failure = None;
            }
            if let Some(run) = self.quantize.run() {
                run.watch.offer(&result.frame.image);
            }
            self.session.result = Some(result);
        }
        if let Some(worst) = self.link.take_worst() {
            self.session.worst.take(worst);
        }
        loop {
            if start.elapsed() > BUDGET {
                ctx.request_repaint();
                break;
            }
            if let Some(event) = self.link.take_event() {
                self.on_event(event);
            } else if let Some(outcome) = self.background.take() {
                self.on_outcome(outcome);
            } else {
                break;
            }
        }
        self.rest_for_quantizing();
        self.take_proposals();
        self.save_labels_when_due(ctx);
        self.guard_closing(ctx);
        self.take_log_lines();
        self.note_window_size(ctx);
        self.save_settings_when_due(ctx);
    }

    /// Warnings and errors of the whole program are for the user too.
    fn take_log_lines(&mut self) {
        for (level, text) in self.log.iter().flat_map(Receiver::try_iter) {
            let severity = if level == tracing::Level::ERROR { Severity::Error } else { Severity::Warning };
            self.session.messages.tell(severity, text);
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::SourceOpened { spec, info } => {
                tracing::info!("source open: {spec}");
                let source = &mut self.session.source;
                self.settings.source = Some(spec.clone());
                source.open = Some(OpenedSource { spec, info });
                (source.opening, source.failure, source.ended) = (None, None, false);
                source.controls = None;
                self.editing.camera_open &= source.camera().is_some();
            }
            Event::SourceFailed { spec, message, retries: true } => {
                self.on_source_failed(spec, format!("{message}. It is tried again by itself"), false);
            }
            Event::SourceFailed { spec, message, retries: false } => self.on_source_failed(spec, message, false),
            Event::SourceTroubled { spec, message } => self.on_source_failed(spec, message, true),
            Event::SourceRecovered { spec, info } => {
                tracing::info!("source is back: {spec}");
                let source = &mut self.session.source;
                source.open = Some(OpenedSource { spec, info });
                source.failure = None;
            }
            Event::CameraControls(controls) => self.session.source.controls = Some(controls.to_vec()),
            Event::SourceEnded => self.session.source.ended = true,
            Event::ModelLoading { lane, path, stage } => {
                let state = self.session.lane_mut(lane);
                state.loading = Some((path, stage));
                (state.failure, state.failed) = (None, None);
            }
            Event::ModelLoaded { lane, info } => self.on_model_loaded(lane, info),
            Event::ModelTuned { lane, info } => self.on_model_tuned(lane, info),
            Event::ModelFailed { lane, path, message } => {
                let state = self.session.lane_mut(lane);
                state.loading = None;
                state.failure = Some(message.clone());
                state.failed = Some(path.clone());
                if let Some(panel) = self.editing.model_panel.as_mut().filter(|panel| panel.lane == lane) {
                    panel.on_failed(&path, &message);
                }
                let name = super::format::file_name(&path);
                let text = if message.contains(&name) { message } else { format!("{name}: {message}") };
                self.tell(Severity::Error, text);
            }
            Event::ModelUnloaded(lane) => {
                *self.session.lane_mut(lane) = Default::default();
                self.remember_model(lane, None);
                if self.editing.model_panel.as_ref().is_some_and(|panel| panel.lane == lane) {
                    self.close_model_panel();
                }
                self.keep_ready(None);
            }
            Event::ModelReady(info) => self.on_model_ready(info),
            Event::Recording(status) => self.on_recording(status),
            Event::Warning(text) => self.tell(Severity::Warning, text),
        }
        if self.evaluate.open && self.evaluate.is_choosing() {
            self.take_loaded_models();
        }
        if self.quantize.open && self.quantize.is_choosing() {
            self.take_model_to_quantize();
            self.propose_output();
        }
    }

    fn on_source_failed(&mut self, spec: SourceSpec, message: String, retrying: bool) {
        let source = &mut self.session.source;
        if source.opening.as_ref() == Some(&spec) {
            source.opening = None;
        }
        source.failure = Some(SourceFailure { spec, message: message.clone(), at: Instant::now(), retrying });
        if source.is_broken() {
            // The picture's place says it already.
            tracing::info!("source failed: {message}");
            self.session.messages.note(Severity::Error, message);
        } else {
            self.tell(Severity::Error, message);
        }
    }

    fn on_model_loaded(&mut self, lane: LaneId, info: Arc<ModelInfo>) {
        tracing::info!("model loaded: {lane:?} {} {}", info.precision, info.path.display());
        self.remember_model(lane, Some(info.path.clone()));
        self.background.search_family(lane, info.path.clone());
        let state = self.session.lane_mut(lane);
        state.loading = None;
        (state.failure, state.failed) = (None, None);
        if let Some(panel) = self.editing.model_panel.as_mut().filter(|panel| panel.lane == lane) {
            panel.on_loaded(&info);
        }
        state.loaded = Some(info);
    }

    /// The same model with other threads: nothing that was chosen for it changes.
    fn on_model_tuned(&mut self, lane: LaneId, info: Arc<ModelInfo>) {
        if let Some(panel) = self.editing.model_panel.as_mut().filter(|panel| panel.lane == lane) {
            panel.on_tuned(&info);
        }
        self.session.lane_mut(lane).loaded = Some(info);
    }

    fn on_model_ready(&mut self, info: Option<Arc<ModelInfo>>) {
        if let Some(info) = &info {
            tracing::info!("model ready: {}", info.path.display());
        }
        (self.session.ready, self.session.exchanging) = (info, false);
    }

    fn remember_model(&mut self, lane: LaneId, path: Option<PathBuf>) {
        let path = path.map(super::start::absolute);
        match lane {
            LaneId::A => self.settings.model_a = path,
            LaneId::B => self.settings.model_b = path,
        }
    }

    fn on_outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Picked(kind, picked) => {
                self.editing.dialog = None;
                match picked {
                    Picked::Path(path) => self.on_path(kind, path),
                    Picked::Cancelled => {}
                    Picked::Unavailable => {
                        self.editing.path_prompt = Some(PathPrompt { kind, text: String::new() });
                    }
                }
            }
            Outcome::Cameras(cameras) => self.session.cameras = CameraList::Found(cameras),
            Outcome::FamilySearched { lane, path, variants } => self.on_family(lane, &path, variants),
            Outcome::TwinSearched { lane, path, twin } => self.on_twin(lane, path, twin),
            Outcome::SnapshotSaved(path) => {
                self.tell(Severity::Info, format!("Saved {} and its boxes as JSON beside it", path.display()));
            }
            Outcome::Advised { lane, found } => self.on_advised(lane, found),
            Outcome::Evaluated(found) => self.on_evaluated(found.map(|found| *found)),
            Outcome::Quantized(watch, made) => self.on_quantized(&watch, *made),
            Outcome::QuantizingEnded(watch, ended) => self.on_quantizing_ended(&watch, ended),
            Outcome::QuantizedSaved(run, index, result) => self.on_quantized_saved(&run, index, result),
            Outcome::OutputFound(proposed) => self.on_output_found(proposed),
            Outcome::PictureDecoded(key, decoded) => self.gallery.put(key, decoded),
            Outcome::LabelsOpened(watch, opened) => {
                self.on_labels_opened(&watch, opened.map(|opened| opened.map(|opened| *opened)));
            }
            Outcome::LabelsSaved(writer, revision, result) => self.on_labels_saved(&writer, revision, result),
            Outcome::Proposed(watch, result) => self.on_proposed(&watch, result),
            Outcome::LabelsExported(result) => self.on_labels_exported(result),
            Outcome::ReportSaved(path) => self.tell(Severity::Info, format!("Saved the report {}", path.display())),
            Outcome::RecipeSaved(path) => self.tell(Severity::Info, format!("Saved the recipe {}", path.display())),
            Outcome::RecipeRead(path, read) => self.on_recipe_read(path, read),
            Outcome::CatalogListed(Ok(listing)) => self.session.catalog.shelf = Shelf::Listed(listing),
            Outcome::CatalogListed(Err(reason)) => self.session.catalog.shelf = Shelf::Failed(reason),
            Outcome::GetEnded(name, result) => self.on_get_ended(&name, result),
            Outcome::WorstSaved(folder) => {
                let text = format!("Saved the worst frames, as pictures and as JSON lines, in {}", folder.display());
                self.tell(Severity::Info, text);
            }
            Outcome::SaveFailed(text) => self.tell(Severity::Error, text),
            outcome @ (Outcome::Probed { .. } | Outcome::CardSaved { .. } | Outcome::CardNotSaved { .. }) => {
                self.on_card_outcome(outcome);
            }
        }
    }

    /// A path was chosen or typed.
    pub(super) fn on_path(&mut self, kind: DialogKind, path: PathBuf) {
        match kind {
            DialogKind::Model(lane) => self.open_other_model(lane, path),
            DialogKind::Labels(lane) => self.take_labels(lane, path),
            DialogKind::RecordingFolder => self.settings.recording.folder = Some(super::start::absolute(path)),
            DialogKind::WorstFolder => self.save_worst(path),
            DialogKind::SourceFile | DialogKind::SourceFolder => self.open_source(SourceSpec::Path(path)),
            DialogKind::Dataset | DialogKind::DatasetFolder => self.choose_dataset(path),
            DialogKind::LabelFolder | DialogKind::LabelDataset => self.open_to_label(path),
            DialogKind::LabelExport => self.export_labels(path),
            DialogKind::ModelToQuantize => self.handle_quantize(QuantizeAction::SetModel(Some(path))),
            DialogKind::CalibrationFolder | DialogKind::CalibrationFile => self.choose_calibration(path),
            DialogKind::QuantizedModel(_) => self.choose_output(path),
            DialogKind::Recipe => self.read_recipe(path),
            DialogKind::SaveRecipe => self.save_recipe(path),
            DialogKind::EvaluatedModel => self.add_evaluated_model(path),
            DialogKind::Report(form) => self.save_report(form, path),
            DialogKind::QuantizationReport(form) => self.save_quantization_report(form, path),
        }
    }

    /// A pair goes where the figures expect it: full precision in A, the reference, quantized in B.
    fn on_twin(&mut self, lane: LaneId, path: PathBuf, twin: Option<TwinChoice>) {
        let Some(twin) = twin else {
            let mut paths = [None, None];
            paths[lane.index()] = Some(path);
            return self.load_models(paths);
        };
        let (opened_lane, pair) = match twin.role {
            TwinRole::Quantized => (LaneId::A, [Some(path), Some(twin.path)]),
            TwinRole::FullPrecision => (LaneId::B, [Some(twin.path), Some(path)]),
        };
        if opened_lane != lane {
            let text = format!("A twin was found: full precision goes to A, quantized to B. {PAIR_HINT}");
            self.tell(Severity::Info, text);
        }
        if !self.settings.compare && self.settings.active != opened_lane {
            self.show_lane(opened_lane);
        }
        self.load_models(pair);
    }

    fn note_window_size(&mut self, ctx: &egui::Context) {
        let (inner, maximized) = ctx.input(|input| (input.viewport().inner_rect, input.viewport().maximized));
        self.settings.window.maximized = maximized.unwrap_or(self.settings.window.maximized);
        // A maximized window's size is the screen's: the size to come back to is the one before.
        if let Some(inner) = inner.filter(|inner| inner.is_positive() && maximized != Some(true)) {
            (self.settings.window.width, self.settings.window.height) = (inner.width(), inner.height());
        }
    }
}

const PAIR_HINT: &str = "To open one model alone, turn off \"Open twins together\" in the settings.";
