//! What the window knows, and how it goes from choosing to running to results. Nothing here draws.

use super::job::QuantizeFailure;
use super::layers::{Floats, Order};
use super::setup::Setup;
use super::watch::QuantizeWatch;
use crate::capture::SourceSpec;
use crate::quantize::{Outcome, Point, Progress, Request};
use crate::report::{Again, asked_for};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The window Quantize.
#[derive(Debug, Default)]
pub struct QuantizeState {
    /// Whether it is shown.
    pub open: bool,
    /// What is chosen.
    pub setup: Setup,
    /// What it shows.
    pub stage: Stage,
    /// What was found last; kept while the next one is chosen.
    pub results: Option<Results>,
    /// A run that was stopped and whose thread still ends the step that it was at.
    pub ending: Option<Arc<QuantizeWatch>>,
    /// Whether the live view was stopped for the measurement's sake.
    pub rests: bool,
}

/// What the window shows.
#[derive(Debug, Default)]
pub enum Stage {
    /// The choices.
    #[default]
    Choosing,
    /// As before, after nothing came of it.
    Failed(QuantizeFailure),
    /// Progress.
    Running(Run),
    /// What was found.
    Results,
}

/// A model being quantized.
#[derive(Clone, Debug)]
pub struct Run {
    /// How far it is.
    pub watch: Arc<QuantizeWatch>,
    /// What is asked for; the classes of a data set are found out later.
    pub request: Arc<Request>,
    /// Where the new model goes.
    pub output: PathBuf,
    /// What is calibrated with.
    pub pictures: SourceSpec,
    /// The file that decisions are taken over from.
    pub recipe: Option<PathBuf>,
    /// When it began.
    pub began: std::time::Instant,
    /// The same in seconds since 1970.
    pub begun: u64,
}

impl Run {
    /// Whether the frames of a camera or a stream are taken, as they come.
    pub fn is_live(&self) -> bool {
        matches!(self.pictures, SourceSpec::Camera(_) | SourceSpec::Url(_))
    }

    /// What was asked for, in words: names and values.
    pub fn asked(&self) -> Vec<(&'static str, String)> {
        let mut asked = asked_for(&self.request, &self.pictures.to_string());
        asked.extend(self.recipe.as_ref().map(|path| ("By the recipe", path.display().to_string())));
        asked
    }

    /// The command that does it again; `by_hand`: of a model that a person chose among those that were tried.
    pub fn command(&self, by_hand: bool) -> String {
        let pictures = self.pictures.to_string();
        let (request, live, out) = (&self.request, self.is_live(), &self.output);
        Again { request, pictures: &pictures, live, out, by_recipe: by_hand }.command()
    }
}

/// A step of quantizing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantizeStep {
    /// The model is read, tried and tidied.
    Preparing,
    /// It is looked at how far channels reach.
    Channels,
    /// Pictures are run.
    Pictures,
    /// Layers are looked at one by one.
    Layers,
    /// Models are made and measured.
    Trying,
}

impl QuantizeStep {
    /// The step, what is done of it, of how much, and what it is about.
    pub fn of(progress: &Progress) -> (Self, usize, usize, String) {
        match progress {
            Progress::Preparing => (Self::Preparing, 0, 0, String::new()),
            Progress::Equalizing { done, of } => (Self::Channels, *done, *of, String::new()),
            Progress::Calibrating { done, of } => (Self::Pictures, *done, *of, String::new()),
            Progress::Rounding { done, of } | Progress::Sensitivity { done, of } => {
                (Self::Layers, *done, *of, String::new())
            }
            Progress::Trying { done, of, choice } => (Self::Trying, *done, *of, choice.in_words()),
        }
    }

    /// Whether the live view rests in it: where times are taken it would disturb them, and pictures are run in half the
    /// time without it. Frames of a `live` camera come through it.
    pub fn rests(self, live: bool) -> bool {
        match self {
            Self::Preparing => false,
            Self::Channels | Self::Pictures => !live,
            Self::Layers | Self::Trying => true,
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preparing => "Read and try the model",
            Self::Channels => "Bring channels to like ranges",
            Self::Pictures => "Run pictures",
            Self::Layers => "Look how sensitive layers are",
            Self::Trying => "Make and measure models",
        }
    }
}

/// What was found, and how a person looks at it.
#[derive(Debug)]
pub struct Results {
    /// What it was asked for.
    pub run: Run,
    /// Everything that was made; later models come behind.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// The model that is shown, an index into the outcome's points.
    pub shown: usize,
    /// What became of its file.
    pub saved: Saved,
    /// The model that it was looked at where its time goes.
    pub profiled: usize,
    /// The tab in front.
    pub tab: Tab,
    /// Order of the table of layers.
    pub order: Order,
    /// Ticks in it.
    pub floats: Floats,
    /// Whether further models can be made: the thread that has the pictures still waits.
    pub alive: bool,
    /// Whether one is being made.
    pub making: bool,
    /// Why the last one was not.
    pub not_made: Option<String>,
}

/// What became of the file of the model that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// Nothing: the model does not pass.
    No,
    /// It is being written.
    Writing,
    /// It is written.
    Yes,
    /// It could not be: a sentence.
    Failed(String),
}

/// The tabs of the results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// All that was tried.
    #[default]
    Models,
    /// The layers.
    Layers,
    /// Where the time goes.
    Time,
}

impl Tab {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Models, Self::Layers, Self::Time];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Models => "Models tried",
            Self::Layers => "Layers",
            Self::Time => "Where time goes",
        }
    }
}

impl QuantizeState {
    /// What is under way.
    pub fn run(&self) -> Option<&Run> {
        match &self.stage {
            Stage::Running(run) => Some(run),
            Stage::Choosing | Stage::Failed(_) | Stage::Results => None,
        }
    }

    /// The thread that is at work, be it for a search or for one further model.
    pub fn watch(&self) -> Option<&Arc<QuantizeWatch>> {
        let making = self.results.as_ref().filter(|results| results.making);
        self.run().or(making.map(|results| &results.run)).map(|run| &run.watch)
    }

    /// Whether it is the machine's turn.
    pub fn is_at_work(&self) -> bool {
        self.watch().is_some()
    }

    /// Whether the live view is to rest.
    pub fn wants_rest(&self) -> bool {
        let live = self.run().is_some_and(Run::is_live);
        self.watch().and_then(|watch| watch.step()).is_some_and(|step| step.step.rests(live))
    }

    /// Whether choices can be changed.
    pub fn is_choosing(&self) -> bool {
        matches!(self.stage, Stage::Choosing | Stage::Failed(_))
    }

    /// What was found, if that is what the window shows.
    pub fn shown_results(&self) -> Option<&Results> {
        self.results.as_ref().filter(|_| matches!(self.stage, Stage::Results))
    }

    /// The results that belong to this thread.
    pub fn results_of(&mut self, watch: &Arc<QuantizeWatch>) -> Option<&mut Results> {
        self.results.as_mut().filter(|results| Arc::ptr_eq(&results.run.watch, watch))
    }
}

impl Results {
    /// What a search found.
    pub fn new(run: Run, outcome: Outcome) -> Self {
        let saved = if outcome.failed.is_some() { Saved::No } else { Saved::Writing };
        Self {
            took: run.began.elapsed(),
            shown: outcome.best,
            profiled: outcome.best,
            floats: Floats::of(&outcome.best().float),
            saved,
            tab: Tab::default(),
            order: Order::default(),
            alive: true,
            making: false,
            not_made: None,
            run,
            outcome,
        }
    }

    /// The model that is shown.
    pub fn point(&self) -> &Point {
        &self.outcome.points[self.shown.min(self.outcome.points.len().saturating_sub(1))]
    }

    /// Shows another model, whose file is to be written.
    pub fn show(&mut self, index: usize) {
        if let Some(point) = self.outcome.points.get(index) {
            self.floats = Floats::of(&point.float);
            (self.shown, self.saved) = (index, Saved::Writing);
        }
    }

    /// Takes in a further model, the best of `made`; its index. One that came to the same as an earlier one is not taken
    /// twice.
    pub fn add(&mut self, mut made: Outcome) -> usize {
        let point = made.points.swap_remove(made.best);
        let points = &mut self.outcome.points;
        let known = points.iter().position(|earlier| earlier.bytes == point.bytes);
        let index = known.unwrap_or_else(|| {
            points.push(point);
            self.outcome.front = crate::quantize::front(points);
            points.len() - 1
        });
        if !made.profiles.is_empty() {
            (self.outcome.profiles, self.profiled) = (made.profiles, index);
        }
        index
    }

    /// What was found with the model that is shown as the one that was chosen.
    pub fn outcome_of_shown(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let point = self.point();
        outcome.failed = self.failed(point);
        outcome.recipe.choice.clone_from(&point.choice);
        outcome.layers.iter_mut().for_each(|layer| layer.integer = !point.float.contains(&layer.name));
        outcome.best = self.shown.min(outcome.points.len().saturating_sub(1));
        if self.profiled != self.shown {
            outcome.profiles.clear();
        }
        outcome
    }

    /// Why a model does not pass; none where it does.
    pub fn failed(&self, point: &Point) -> Option<String> {
        self.run.request.gate.failed_by(&point.measured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::quantize::test_support::{outcome, run};

    #[test]
    fn a_search_goes_from_choosing_to_results_and_rests_the_live_view_while_it_measures() {
        let mut state = QuantizeState::default();
        assert!(state.is_choosing() && !state.is_at_work());
        let run = Run { pictures: SourceSpec::Camera(0), ..run() };
        let watch = Arc::clone(&run.watch);
        state.stage = Stage::Running(run.clone());
        let now = std::time::Instant::now();
        let _ = watch.note(&Progress::Calibrating { done: 0, of: 2 }, now);
        assert!(state.is_at_work() && !state.wants_rest(), "frames of the camera are wanted");
        let _ = watch.note(&Progress::Trying { done: 0, of: 2, choice: Default::default() }, now);
        assert!(state.wants_rest());
        (state.results, state.stage) = (Some(Results::new(run, outcome())), Stage::Results);
        assert!(!state.is_at_work() && !state.wants_rest());
        assert!(state.results_of(&watch).is_some() && state.results_of(&Arc::default()).is_none());
        state.results.as_mut().unwrap().making = true;
        assert!(state.is_at_work());
    }

    #[test]
    fn further_models_come_behind_and_only_once() {
        let mut results = Results::new(run(), outcome());
        assert_eq!((results.shown, &results.saved), (1, &Saved::Writing));
        let mut made = Outcome { best: 0, ..outcome() };
        made.points[0].measured.times.judged.ratio = 0.3;
        assert_eq!(results.add(made.clone()), 0, "the same file");
        made.points[0].bytes = vec![9].into();
        assert_eq!((results.add(made.clone()), results.profiled), (3, 1), "nothing is known of its time");
        assert_eq!(results.add(made), 3);
        assert!(results.outcome.front.contains(&3));
        results.show(0);
        let shown = results.outcome_of_shown();
        assert_eq!((shown.best, &shown.recipe.choice), (0, &results.outcome.points[0].choice));
        assert!(shown.failed.is_some_and(|reason| reason.contains("agreement")) && shown.layers[0].integer);
        results.show(3);
        assert_eq!((results.shown, results.floats.wanted()), (3, &results.outcome.points[3].float));
        results.show(99);
        assert_eq!(results.shown, 3);
    }

    #[test]
    fn a_command_does_again_what_can_be_done_again() {
        let again = run();
        let command = again.command(false);
        assert!(command.starts_with("quantscope quantize /m/a.onnx --calibrate demo --samples 128"), "{command}");
        assert!(command.ends_with("--out /m/a.int8.onnx --min-agreement 0.8"), "{command}");
        let by_hand = again.command(true);
        assert!(by_hand.starts_with("# recipe.toml: the recipe of this report\n"), "{by_hand}");
        assert!(by_hand.contains(" --recipe recipe.toml "), "{by_hand}");
        let live = Run { pictures: SourceSpec::Camera(1), recipe: Some("r.toml".into()), ..again };
        assert!(live.command(false).starts_with("# takes other frames") && live.is_live());
        assert!(live.asked().contains(&("By the recipe", "r.toml".to_owned())));
    }
}
