//! Acting in the window Quantize: one function an action that does more than change what is looked at.

use super::action::QuantizeAction;
use super::job::{PicturesFrom, QuantizeFailure};
use super::setup::{Calibration, ChosenModel, Proposed, model_file, with_ending};
use super::state::{Results, Run, Saved, Stage};
use super::watch::QuantizeWatch;
use crate::app::App;
use crate::app::background::ReportOf;
use crate::app::dialogs::DialogKind;
use crate::app::evaluate::{ReportForm, remember};
use crate::app::format;
use crate::app::messages::Severity;
use crate::app::start::absolute;
use crate::capture::SourceSpec;
use crate::inference::Precision;
use crate::pipeline::LaneId;
use crate::quantize::{Outcome, Recipe, Request};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

impl App {
    /// Carries out one wish in the window.
    pub(in crate::app) fn handle_quantize(&mut self, action: QuantizeAction) {
        let state = &mut self.quantize;
        match action {
            QuantizeAction::Toggle if state.open => state.open = false,
            QuantizeAction::Toggle | QuantizeAction::Open => self.open_quantize(),
            QuantizeAction::SetModel(path) => {
                state.setup.picked = path.map(ChosenModel::file);
                state.setup.output = None;
            }
            QuantizeAction::SetCalibration(calibration) => state.setup.calibration = calibration,
            QuantizeAction::SetWishes(wishes) => self.settings.quantize = wishes.sanitized(),
            QuantizeAction::SetOutput(path) => state.setup.output = path.map(model_file),
            QuantizeAction::Start => self.start_quantizing(),
            QuantizeAction::Cancel => self.cancel_quantizing(),
            QuantizeAction::EnoughFrames => {
                if let Some(run) = state.run() {
                    run.watch.enough_frames();
                }
            }
            QuantizeAction::ChooseAgain => {
                if state.run().is_none() {
                    state.stage = Stage::Choosing;
                    self.take_model_to_quantize();
                }
            }
            QuantizeAction::ShowResults => {
                if state.run().is_none() && state.results.is_some() {
                    state.stage = Stage::Results;
                }
            }
            QuantizeAction::Load(index) => self.load_quantized(index),
            QuantizeAction::SaveAgain => self.save_quantized(),
            QuantizeAction::Requantize => self.requantize(),
            QuantizeAction::Report(form) => self.browse(DialogKind::QuantizationReport(form)),
            QuantizeAction::NoRecipe => state.setup.recipe = None,
            action => {
                if let Some(results) = &mut state.results {
                    look(results, action);
                }
            }
        }
        self.propose_output();
        self.rest_for_quantizing();
    }

    /// Shows the window.
    pub(in crate::app) fn open_quantize(&mut self) {
        (self.evaluate.open, self.label.open) = (false, false);
        self.quantize.open = true;
        tracing::info!("quantize window open");
        self.take_model_to_quantize();
        self.propose_output();
        self.hold_live_view();
    }

    /// The model in lane A, or the one that is FP32, is quantized unless a person chose another.
    pub(in crate::app) fn take_model_to_quantize(&mut self) {
        let loaded = || self.session.lanes.iter().filter_map(|lane| lane.loaded.as_ref());
        let chosen = loaded().find(|info| info.precision == Precision::Fp32).or_else(|| loaded().next());
        self.quantize.setup.loaded = chosen.map(|info| ChosenModel::loaded(info));
    }

    /// Lets a file be looked for that the new model can go to.
    pub(in crate::app) fn propose_output(&mut self) {
        let mode = self.quantize.setup.form(self.settings.quantize.mode);
        if let Some(model) = self.quantize.setup.without_output(mode).filter(|_| self.quantize.open) {
            self.background.find_output(model.to_owned(), mode);
        }
    }

    /// Such a file is found.
    pub(in crate::app) fn on_output_found(&mut self, proposed: Proposed) {
        self.quantize.setup.proposed = Some(proposed);
    }

    /// Calibrates with these pictures.
    pub(in crate::app) fn choose_calibration(&mut self, path: PathBuf) {
        self.quantize.setup.calibration = Calibration::Path(path);
    }

    /// A place was chosen for the new model: before it is made, or because it could not be written where it was to go.
    pub(in crate::app) fn choose_output(&mut self, path: PathBuf) {
        let path = model_file(path);
        let shown = self.quantize.shown_results().is_some();
        match self.quantize.results.as_mut().filter(|_| shown) {
            Some(results) => {
                results.run.output = path;
                self.save_quantized();
            }
            None => self.quantize.setup.output = Some(path),
        }
    }

    fn start_quantizing(&mut self) {
        if self.evaluate.run().is_some() {
            return self
                .tell(Severity::Info, "An evaluation is under way, which would disturb this. Wait for its end.");
        }
        let on_view = self.session.source.open.as_ref().map(|open| open.spec.clone());
        let state = &self.quantize;
        let ready = state.is_choosing() && state.setup.missing(on_view.as_ref()).is_none();
        let chosen =
            state.setup.model().cloned().zip(state.setup.output(self.settings.quantize.mode).map(PathBuf::from));
        let Some((model, output)) = chosen.filter(|_| ready) else { return };
        // Each would disturb the other.
        self.cancel_find_threads();
        let spec = match &self.quantize.setup.calibration {
            Calibration::Path(path) => SourceSpec::Path(absolute(path.clone())),
            Calibration::OnView => on_view.unwrap_or(SourceSpec::Demo),
        };
        let watch = Arc::new(QuantizeWatch::default());
        let request = self.request(&model);
        let run = Run {
            watch: Arc::clone(&watch),
            request: Arc::new(request.clone()),
            output: absolute(output),
            pictures: spec.clone(),
            recipe: self.quantize.setup.recipe.as_ref().map(|(path, _)| path.clone()),
            began: Instant::now(),
            begun: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        };
        let pictures = if run.is_live() {
            PicturesFrom::Live(watch.take_frames())
        } else {
            PicturesFrom::Spec(spec, self.camera_backend)
        };
        if !self.background.quantize(request, pictures, watch) {
            return self.tell(Severity::Warning, "The last model is still being given up. Try again in a moment.");
        }
        if let Calibration::Path(path) = &self.quantize.setup.calibration {
            remember(&mut self.settings.quantize.recent, path);
        }
        if let Some(results) = &mut self.quantize.results {
            results.alive = false;
        }
        tracing::info!("quantizing begun: {}", run.request.model.display());
        // Without new frames there is nothing to take.
        let waits = run.is_live() && self.session.paused;
        self.quantize.stage = Stage::Running(run);
        if waits {
            self.toggle_pause();
        }
    }

    fn request(&self, model: &ChosenModel) -> Request {
        let (wishes, setup) = (&self.settings.quantize, &self.quantize.setup);
        let gate = wishes.gate(setup.calibration.is_labelled());
        let recipe = setup.recipe.as_ref().map(|(_, recipe)| recipe.clone());
        let mut request = wishes.request(model, gate, recipe);
        request.model = absolute(request.model);
        request.thresholds = self.settings.thresholds;
        let session = &mut request.load.session;
        session.threads = self.settings.threads.unwrap_or(session.threads);
        request
    }

    /// Stops the search, or the making of one further model. What the thread still does is heard no more.
    fn cancel_quantizing(&mut self) {
        if let Some(run) = self.quantize.run() {
            run.watch.close();
            self.quantize.ending = Some(Arc::clone(&run.watch));
            self.quantize.stage = Stage::Failed(QuantizeFailure::Cancelled);
            tracing::info!("quantizing cancelled");
        } else if let Some(watch) = self.quantize.watch() {
            watch.cancel();
        }
    }

    /// A search, or one further model, came to its end.
    pub(in crate::app) fn on_quantized(&mut self, watch: &Arc<QuantizeWatch>, made: Result<Outcome, QuantizeFailure>) {
        watch.rest(Instant::now());
        let searched = self.quantize.run().filter(|run| Arc::ptr_eq(&run.watch, watch)).cloned();
        match (searched, made) {
            (Some(run), Ok(outcome)) => {
                let best = outcome.best();
                tracing::info!("quantized: {}", best.choice.in_words());
                let passes = outcome.failed.is_none();
                self.quantize.results = Some(Results::new(run, outcome));
                self.quantize.stage = Stage::Results;
                if passes {
                    self.save_quantized();
                } else {
                    self.say("The model is quantized, but no twin passes: press Q to see why.", Severity::Warning);
                }
            }
            (Some(_), Err(failure)) => self.quantize.stage = Stage::Failed(failure),
            (None, made) => self.on_further_model(watch, made),
        }
        self.rest_for_quantizing();
    }

    fn on_further_model(&mut self, watch: &Arc<QuantizeWatch>, made: Result<Outcome, QuantizeFailure>) {
        let Some(results) = self.quantize.results_of(watch) else { return };
        results.making = false;
        match made {
            Ok(outcome) => {
                let index = results.add(outcome);
                self.load_quantized(index);
            }
            Err(QuantizeFailure::Cancelled) => {}
            Err(failure) => results.not_made = Some(failure.words().to_owned()),
        }
    }

    /// The thread that quantized has ended.
    pub(in crate::app) fn on_quantizing_ended(
        &mut self,
        watch: &Arc<QuantizeWatch>,
        ended: Result<(), QuantizeFailure>,
    ) {
        watch.rest(Instant::now());
        self.quantize.ending.take_if(|ending| Arc::ptr_eq(ending, watch));
        if self.quantize.run().is_some_and(|run| Arc::ptr_eq(&run.watch, watch)) {
            let nothing = || QuantizeFailure::Other("Nothing came of it. Try again.".to_owned());
            let failure = ended.err().unwrap_or_else(nothing);
            if failure != QuantizeFailure::Cancelled {
                self.say(failure.words().to_owned(), Severity::Error);
            }
            self.quantize.stage = Stage::Failed(failure);
        } else if let Some(results) = self.quantize.results_of(watch) {
            (results.alive, results.making) = (false, false);
            results.not_made = ended.err().map(|failure| failure.words().to_owned());
        }
        self.rest_for_quantizing();
    }

    /// Told where it is seen: floating, unless the window shows it anyway.
    fn say(&mut self, text: impl Into<String>, severity: Severity) {
        if self.quantize.open && !self.evaluate.open && !self.label.open {
            self.session.messages.note(severity, text.into());
        } else {
            self.tell(severity, text);
        }
    }

    /// Writes one of the models that were made and compares it with FP32.
    fn load_quantized(&mut self, index: usize) {
        if let Some(results) = &mut self.quantize.results {
            results.show(index);
            self.save_quantized();
        }
    }

    fn save_quantized(&mut self) {
        let Some(results) = &mut self.quantize.results else { return };
        results.saved = Saved::Writing;
        let (run, point) = (results.run.clone(), results.point().clone());
        if !self.background.save_quantized(run, results.shown, point) {
            results.saved = Saved::Failed("Too much waits to be written already. Try again in a moment.".to_owned());
        }
    }

    /// A model was written, or was not.
    pub(in crate::app) fn on_quantized_saved(&mut self, run: &Run, index: usize, result: Result<(), String>) {
        // A name that is taken now is not proposed again.
        self.quantize.setup.proposed = None;
        let saved = result.is_ok();
        let reason = result.as_ref().err().cloned();
        let Some(results) = self.quantize.results_of(&run.watch).filter(|results| results.shown == index) else {
            return;
        };
        results.saved = result.map_or_else(Saved::Failed, |()| Saved::Yes);
        match reason {
            None => tracing::info!("quantized model saved: {}", run.output.display()),
            Some(reason) => self.say(reason, Severity::Error),
        }
        if saved {
            self.say(format!("{} is saved and runs in B.", format::file_name(&run.output)), Severity::Info);
            self.compare_with_twin(run);
        }
        self.propose_output();
    }

    /// Saves a report of what the window shows.
    pub(in crate::app) fn save_quantization_report(&mut self, form: ReportForm, path: PathBuf) {
        let Some(results) = self.quantize.shown_results() else { return };
        let content = ReportOf {
            by_hand: results.shown != results.outcome.best,
            run: results.run.clone(),
            outcome: results.outcome_of_shown(),
            written: results.saved == Saved::Yes,
            took: results.took,
        };
        if !self.background.save_quantization_report(form.complete(path), content) {
            self.tell(Severity::Warning, "Too much waits to be written already. Try again in a moment.");
        }
    }

    /// Saves the recipe of the model that the window shows.
    pub(in crate::app) fn save_recipe(&mut self, path: PathBuf) {
        let Some(results) = self.quantize.shown_results() else { return };
        let recipe = results.outcome_of_shown().recipe;
        if !self.background.save_recipe(with_ending(path, "toml"), recipe) {
            self.tell(Severity::Warning, "Too much waits to be written already. Try again in a moment.");
        }
    }

    /// Reads a recipe, which is taken over from then on.
    pub(in crate::app) fn read_recipe(&mut self, path: PathBuf) {
        if !self.background.read_recipe(path) {
            self.tell(Severity::Warning, "Too much waits to be read already. Try again in a moment.");
        }
    }

    /// A recipe was read, or is none.
    pub(in crate::app) fn on_recipe_read(&mut self, path: PathBuf, read: Result<Recipe, String>) {
        match read {
            Ok(recipe) => {
                self.quantize.setup.recipe = Some((path, recipe));
                self.propose_output();
            }
            Err(reason) => self.tell(Severity::Error, reason),
        }
    }

    /// Full precision in A, what was made of it in B, both on the same frames.
    fn compare_with_twin(&mut self, run: &Run) {
        let in_a = self
            .session
            .lane(LaneId::A)
            .loaded
            .as_ref()
            .is_some_and(|info| absolute(info.path.clone()) == run.request.model);
        if !in_a {
            self.load_model(LaneId::A, run.request.model.clone(), run.request.load.overrides.clone());
        }
        self.load_model(LaneId::B, run.output.clone(), run.request.load.overrides.clone());
        if !self.settings.compare {
            self.toggle_compare();
        }
    }

    /// Makes the model that the ticks in the table of layers say.
    fn requantize(&mut self) {
        let Some(results) = &mut self.quantize.results else { return };
        if !results.alive || results.making || results.floats.changes() == 0 {
            return;
        }
        results.not_made = None;
        if results.run.watch.wish(results.floats.wanted().clone()) {
            results.making = true;
        }
    }

    /// The live view stands still while the machine is needed, and goes on after that.
    pub(in crate::app) fn rest_for_quantizing(&mut self) {
        let wanted = self.quantize.wants_rest();
        if wanted != self.quantize.rests {
            self.quantize.rests = wanted;
            self.hold_live_view();
        }
    }
}

/// Another way to look at what was found.
fn look(results: &mut Results, action: QuantizeAction) {
    match action {
        QuantizeAction::Show(tab) => results.tab = tab,
        QuantizeAction::SetFloat(layer, float) => results.floats.set(layer, float),
        QuantizeAction::RevertFloats => results.floats.revert(),
        QuantizeAction::SortLayers(order) => results.order = order,
        _ => {}
    }
}
