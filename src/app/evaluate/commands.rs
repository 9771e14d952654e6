//! Acting on the page Evaluate: one function an action that does more than change what is looked at.

use super::action::{EvaluateAction, ReportForm};
use super::job::{DatasetChoice, RunWatch};
use super::setup::{ChosenModel, MOST_PICTURES, Origin, remember};
use super::state::{Results, Run};
use super::{markdown, words};
use crate::app::App;
use crate::app::dialogs::DialogKind;
use crate::app::format;
use crate::app::messages::Severity;
use crate::evaluate::Evaluation;
use crate::inference::{ModelOverrides, Thresholds};
use eframe::egui;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl App {
    /// Carries out one wish on the page.
    pub(in crate::app) fn handle_evaluate(&mut self, ctx: &egui::Context, action: EvaluateAction) {
        let setup = &mut self.evaluate.setup;
        match action {
            EvaluateAction::Open => self.open_evaluate(),
            EvaluateAction::Toggle if self.evaluate.open => self.close_evaluate(),
            EvaluateAction::Toggle => self.open_evaluate(),
            EvaluateAction::Back => {
                if !self.evaluate.shown_results_mut().is_some_and(Results::back) {
                    self.close_evaluate();
                }
            }
            EvaluateAction::SetDataset(choice) => setup.dataset = choice,
            EvaluateAction::SetScenePictures(count) => setup.scene_pictures = count.clamp(1, MOST_PICTURES),
            EvaluateAction::SetLimit(limit) => setup.limit = limit.map(|limit| limit.clamp(1, MOST_PICTURES)),
            EvaluateAction::SetThresholds(thresholds) => setup.thresholds = thresholds,
            EvaluateAction::AddModel(path) => self.add_evaluated_model(path),
            EvaluateAction::RemoveModel(index) => setup.remove(index),
            EvaluateAction::MakeReference(index) => setup.make_reference(index),
            EvaluateAction::Start => self.start_evaluation(),
            EvaluateAction::Cancel => {
                if let Some(run) = self.evaluate.run() {
                    run.watch.cancel().cancel();
                }
            }
            EvaluateAction::ChooseAgain => {
                self.evaluate.choose_again();
                self.take_loaded_models();
            }
            EvaluateAction::ShowResults => self.evaluate.show_results(),
            EvaluateAction::UseThreshold(confidence) => self.use_threshold(confidence),
            EvaluateAction::Report(form) => self.browse(DialogKind::Report(form)),
            EvaluateAction::CopyTable => self.copy_summary(ctx),
            action => {
                if let Some(results) = self.evaluate.shown_results_mut() {
                    look(results, action);
                }
            }
        }
    }

    /// Shows the page.
    pub(in crate::app) fn open_evaluate(&mut self) {
        (self.evaluate.open, self.label.open) = (true, false);
        tracing::info!("evaluate page open");
        if self.evaluate.is_choosing() {
            self.take_loaded_models();
        }
        self.hold_live_view();
    }

    fn close_evaluate(&mut self) {
        self.evaluate.open = false;
        self.gallery.clear();
        self.hold_live_view();
    }

    /// The live view stands still while nothing of it is seen or its work would disturb a measurement, and goes on
    /// after that unless the person had paused it.
    pub(in crate::app) fn hold_live_view(&mut self) {
        let wanted = self.evaluate.wants_rest() || self.label.open || self.finds_threads() || self.quantize.rests;
        if wanted && !self.session.paused {
            self.toggle_pause();
            self.evaluate.holds_live_view = true;
        } else if !wanted && std::mem::take(&mut self.evaluate.holds_live_view) && self.session.paused {
            self.toggle_pause();
        }
    }

    /// The models of the lanes and the one that waits behind B are evaluated unless the person says otherwise.
    pub(in crate::app) fn take_loaded_models(&mut self) {
        let running = self.session.lanes.iter().filter_map(|lane| Some((lane.loaded.as_ref()?, lane.precision())));
        let ready = self.session.ready.iter().map(|info| (info, Some(info.precision.to_string())));
        let mut models: Vec<ChosenModel> = Vec::new();
        for (info, precision) in running.chain(ready) {
            if models.iter().all(|model| model.path != info.path) {
                let (path, overrides) = (info.path.clone(), info.given.clone());
                models.push(ChosenModel { path, precision, overrides, origin: Origin::Loaded });
            }
        }
        self.evaluate.setup.take_loaded(models);
    }

    /// Evaluates on these pictures.
    pub(in crate::app) fn choose_dataset(&mut self, path: PathBuf) {
        self.evaluate.setup.dataset = DatasetChoice::Path(path);
    }

    /// Evaluates a model beside the others.
    pub(in crate::app) fn add_evaluated_model(&mut self, path: PathBuf) {
        let name = format::file_name(&path);
        let overrides = ModelOverrides::default();
        let model = ChosenModel { path, precision: None, overrides, origin: Origin::Added };
        if !self.evaluate.setup.add(model) {
            self.tell(Severity::Info, format!("{name} is not added: it is in the list already, or the list is full."));
        }
    }

    fn start_evaluation(&mut self) {
        let setup = &self.evaluate.setup;
        if !self.evaluate.is_choosing() || setup.missing().is_some() {
            return;
        }
        if self.quantize.is_at_work() {
            let text = "A model is being quantized, which would disturb this. Wait for its end, or stop it (Q).";
            return self.tell(Severity::Info, text);
        }
        let folder = match self.scene_folder.take().map_or_else(scene_folder, Ok) {
            Ok(folder) => self.scene_folder.insert(folder).path().to_owned(),
            Err(error) => {
                return self.tell(Severity::Error, format!("No folder for temporary files can be made: {error}"));
            }
        };
        // Each would disturb the other.
        self.cancel_find_threads();
        let setup = &self.evaluate.setup;
        let watch = Arc::new(RunWatch::default());
        let models = setup.models.iter().map(|model| format::file_name(&model.path)).collect();
        let run = Run { watch: Arc::clone(&watch), models, dataset: setup.dataset.name() };
        let plan = crate::evaluate::EvaluationPlan { accelerate: self.settings.accelerate, ..setup.plan(&folder) };
        if !self.background.evaluate(plan, watch) {
            return self.tell(Severity::Warning, "An evaluation is still ending. Try again in a moment.");
        }
        if let DatasetChoice::Path(path) = &setup.dataset {
            remember(&mut self.settings.recent_datasets, path);
        }
        tracing::info!("evaluation begun: {}", run.dataset);
        self.evaluate.begin(run);
        self.gallery.clear();
        self.hold_live_view();
    }

    /// The evaluation came to its end, one way or the other.
    pub(in crate::app) fn on_evaluated(&mut self, found: Result<Evaluation, String>) {
        let told = match &found {
            Ok(evaluation) => {
                tracing::info!("evaluation done: {}", words::partial(evaluation).as_deref().unwrap_or("complete"));
                "The evaluation is done: press E to see it.".to_owned()
            }
            Err(reason) => format!("The evaluation failed: {reason}"),
        };
        let severity = if found.is_ok() { Severity::Info } else { Severity::Error };
        self.evaluate.finish(found);
        if self.evaluate.open {
            self.session.messages.note(severity, told);
        } else {
            self.tell(severity, told);
        }
        self.hold_live_view();
    }

    fn use_threshold(&mut self, confidence: f32) {
        let thresholds = Thresholds { confidence, ..self.settings.thresholds };
        self.set_thresholds(thresholds);
        self.tell(Severity::Info, format!("The live view shows boxes from a confidence of {confidence:.2} up now."));
    }

    fn copy_summary(&mut self, ctx: &egui::Context) {
        if let Some(results) = self.evaluate.shown_results() {
            ctx.copy_text(markdown::summary(&results.evaluation));
            self.tell(Severity::Info, "The table is in the clipboard, as markdown.");
        }
    }

    /// Saves a report of what the page shows.
    pub(in crate::app) fn save_report(&mut self, form: ReportForm, path: PathBuf) {
        let Some(results) = self.evaluate.shown_results() else { return };
        let path = form.complete(path);
        if !self.background.save_report(path, Arc::clone(&results.evaluation)) {
            self.tell(Severity::Warning, "Too much waits to be written already. Try again in a moment.");
        }
    }

    /// Hands what the gallery wants to the thread that decodes.
    pub(in crate::app) fn fetch_pictures(&mut self) {
        for key in self.gallery.take_wanted() {
            if !self.background.decode_picture(key.clone()) {
                self.gallery.not_asked(&key);
            }
        }
    }

    /// A file dropped onto the page: a model is added, everything else is the data set. Both are to be seen.
    pub(in crate::app) fn dropped_on_evaluate(path: &Path) -> [EvaluateAction; 2] {
        let is_model = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"));
        let chosen = if is_model {
            EvaluateAction::AddModel(path.to_owned())
        } else {
            EvaluateAction::SetDataset(DatasetChoice::Path(path.to_owned()))
        };
        [EvaluateAction::ChooseAgain, chosen]
    }
}

/// A folder for rendered pictures, which the gallery reads as long as the program runs.
fn scene_folder() -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("quantscope-scene-").tempdir()
}

/// Another way to look at what was found.
fn look(results: &mut Results, action: EvaluateAction) {
    match action {
        EvaluateAction::Show(tab) => results.tab = tab,
        EvaluateAction::SortClasses(column) => results.sort_classes(column),
        EvaluateAction::SetMeasure(measure) => results.measure = measure,
        EvaluateAction::ConfusionOf(model) => results.confused = model,
        EvaluateAction::SetOnlyMistakes(only) => results.only_mistakes = only,
        EvaluateAction::DifferencesOf(candidate) => results.filter_differences(candidate),
        EvaluateAction::Enlarge(index) => results.enlarge(index),
        EvaluateAction::SetZoom(zoom) => results.gallery.zoom = zoom,
        EvaluateAction::TurnPage(step) => results.turn_page(step),
        EvaluateAction::SetTruthShown(shown) => results.gallery.truth = shown,
        EvaluateAction::SetOverlaid(overlaid) => results.gallery.overlaid = overlaid,
        // The others are no ways to look at results.
        _ => {}
    }
}
