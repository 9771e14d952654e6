//! What the page knows, and how it goes from choosing to running to results. Nothing here draws.

use super::classes::{ClassColumn, ClassOrder, Measure};
use super::job::RunWatch;
use super::setup::Setup;
use super::zoom::Zoom;
use crate::evaluate::{Evaluation, PictureDifference};
use std::sync::Arc;

/// The page Evaluate.
#[derive(Debug, Default)]
pub struct EvaluateState {
    /// Whether it is shown.
    pub open: bool,
    /// What is chosen.
    pub setup: Setup,
    /// What it shows.
    pub stage: Stage,
    /// What the last evaluation found; kept while the next one is chosen.
    pub results: Option<Results>,
    /// Whether the live view was stopped for the page's sake.
    pub holds_live_view: bool,
}

/// What the page shows.
#[derive(Debug, Default)]
pub enum Stage {
    /// The choices, and why the last evaluation failed.
    #[default]
    Choosing,
    /// As before, after an evaluation that found nothing: a sentence.
    Failed(String),
    /// Progress.
    Running(Run),
    /// What was found.
    Results,
}

/// An evaluation under way.
#[derive(Debug)]
pub struct Run {
    /// How far it is.
    pub watch: Arc<RunWatch>,
    /// File names of the models.
    pub models: Vec<String>,
    /// Name of the data set.
    pub dataset: String,
}

/// What was found, and how a person looks at it.
#[derive(Debug)]
pub struct Results {
    /// What was found.
    pub evaluation: Arc<Evaluation>,
    /// The tab in front.
    pub tab: Tab,
    /// Order of the table of classes.
    pub order: ClassOrder,
    /// What the table of classes compares.
    pub measure: Measure,
    /// Whose confusions are shown.
    pub confused: usize,
    /// Whether right detections are left out of the confusions.
    pub only_mistakes: bool,
    /// The gallery.
    pub gallery: GalleryView,
}

/// How the gallery is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct GalleryView {
    /// Only differences of this model with the reference; none: of all.
    pub candidate: Option<usize>,
    /// The picture that is shown large: its place among [`Results::shown_differences`].
    pub enlarged: Option<usize>,
    /// How close that one is.
    pub zoom: Zoom,
    /// Whether the true boxes are drawn.
    pub truth: bool,
    /// Whether both models' boxes are on one picture.
    pub overlaid: bool,
}

/// The tabs of the results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Tables and the verdict.
    #[default]
    Summary,
    /// Precision-recall and F1.
    Curves,
    /// Figures of each class.
    Classes,
    /// What is taken for what.
    Confusion,
    /// Pictures on which the models differ.
    Differences,
}

impl Tab {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::Summary, Self::Curves, Self::Classes, Self::Confusion, Self::Differences];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Summary => "Summary",
            Self::Curves => "Curves",
            Self::Classes => "Classes",
            Self::Confusion => "Confusion",
            Self::Differences => "Differences",
        }
    }
}

impl EvaluateState {
    /// The evaluation that is under way.
    pub fn run(&self) -> Option<&Run> {
        match &self.stage {
            Stage::Running(run) => Some(run),
            Stage::Choosing | Stage::Failed(_) | Stage::Results => None,
        }
    }

    /// Whether choices can be changed.
    pub fn is_choosing(&self) -> bool {
        matches!(self.stage, Stage::Choosing | Stage::Failed(_))
    }

    /// Whether the live view is to rest: nothing of it is seen, or its work would disturb the measurement.
    pub fn wants_rest(&self) -> bool {
        self.open || self.run().is_some()
    }

    /// An evaluation began.
    pub fn begin(&mut self, run: Run) {
        self.stage = Stage::Running(run);
    }

    /// The evaluation that is under way came to its end.
    pub fn finish(&mut self, found: Result<Evaluation, String>) {
        self.stage = match found {
            Ok(evaluation) => {
                self.results = Some(Results::new(evaluation));
                Stage::Results
            }
            Err(reason) => Stage::Failed(reason),
        };
    }

    /// Back to the choices; what was found is kept.
    pub fn choose_again(&mut self) {
        if self.run().is_none() {
            self.stage = Stage::Choosing;
        }
    }

    /// Back to what was found last.
    pub fn show_results(&mut self) {
        if self.run().is_none() && self.results.is_some() {
            self.stage = Stage::Results;
        }
    }

    /// What was found, if that is what the page shows.
    pub fn shown_results(&self) -> Option<&Results> {
        self.results.as_ref().filter(|_| matches!(self.stage, Stage::Results))
    }

    /// The same, to look at it in another way.
    pub fn shown_results_mut(&mut self) -> Option<&mut Results> {
        self.results.as_mut().filter(|_| matches!(self.stage, Stage::Results))
    }
}

impl Results {
    /// What was found, with the summary in front.
    pub fn new(evaluation: Evaluation) -> Self {
        Self {
            evaluation: Arc::new(evaluation),
            tab: Tab::default(),
            order: ClassOrder::default(),
            measure: Measure::default(),
            confused: 0,
            only_mistakes: false,
            gallery: GalleryView {
                candidate: None,
                enlarged: None,
                zoom: Zoom::default(),
                truth: true,
                overlaid: false,
            },
        }
    }

    /// Sorts by a column; by the same one again: the other way round.
    pub fn sort_classes(&mut self, column: ClassColumn) {
        self.order = self.order.clicked(column);
    }

    /// The pictures that the gallery shows, worst first.
    pub fn shown_differences(&self) -> impl Iterator<Item = &PictureDifference> {
        let wanted = self.gallery.candidate;
        self.evaluation.differences.iter().filter(move |picture| wanted.is_none_or(|index| picture.candidate == index))
    }

    /// The picture that is shown large.
    pub fn enlarged(&self) -> Option<&PictureDifference> {
        self.shown_differences().nth(self.gallery.enlarged?)
    }

    /// Shows another model's differences only, from the start.
    pub fn filter_differences(&mut self, candidate: Option<usize>) {
        self.gallery.candidate = candidate;
        self.gallery.enlarged = None;
    }

    /// Shows a picture large, all of it; none: the gallery.
    pub fn enlarge(&mut self, index: Option<usize>) {
        (self.gallery.enlarged, self.gallery.zoom) = (index, Zoom::default());
    }

    /// Shows the picture `step` places further large; stays at the ends.
    pub fn turn_page(&mut self, step: isize) {
        let last = self.shown_differences().count().saturating_sub(1);
        if let Some(at) = self.gallery.enlarged {
            self.enlarge(Some(at.saturating_add_signed(step).min(last)));
        }
    }

    /// Goes one step back: from a large picture to the gallery. False when there is nowhere to go back to.
    pub fn back(&mut self) -> bool {
        self.tab == Tab::Differences && self.gallery.enlarged.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::evaluate::test_support::evaluation;

    fn run() -> Run {
        Run { watch: Arc::default(), models: vec!["a.onnx".to_owned()], dataset: "d".to_owned() }
    }

    #[test]
    fn an_evaluation_goes_from_choosing_to_results_and_back() {
        let mut state = EvaluateState::default();
        assert!(state.is_choosing() && !state.wants_rest());
        state.show_results();
        assert!(state.is_choosing(), "there are none yet");
        state.begin(run());
        assert!(state.run().is_some() && state.wants_rest(), "the live view rests although the page is closed");
        state.choose_again();
        assert!(state.run().is_some(), "not while it runs");
        state.finish(Ok(evaluation()));
        assert!(state.shown_results().is_some());
        state.choose_again();
        assert!(state.is_choosing() && state.shown_results().is_none());
        state.begin(run());
        state.finish(Err("no such file".to_owned()));
        assert!(matches!(&state.stage, Stage::Failed(reason) if reason == "no such file"));
        assert!(state.is_choosing());
        state.show_results();
        assert!(state.shown_results().is_some(), "what was found before is still there");
    }

    #[test]
    fn the_gallery_turns_pages_within_what_it_shows() {
        let mut results = Results::new(evaluation());
        let all = results.shown_differences().count();
        assert_eq!(all, 3);
        results.turn_page(1);
        assert_eq!(results.gallery.enlarged, None, "nothing is large");
        results.tab = Tab::Differences;
        results.gallery.enlarged = Some(0);
        results.turn_page(-1);
        assert_eq!(results.gallery.enlarged, Some(0));
        for _ in 0..5 {
            results.turn_page(1);
        }
        assert_eq!(results.gallery.enlarged, Some(all - 1));
        assert_eq!(results.enlarged().unwrap().path, results.evaluation.differences[all - 1].path);
        assert!(results.back() && !results.back());
        results.gallery.enlarged = Some(2);
        results.filter_differences(Some(2));
        assert_eq!((results.shown_differences().count(), results.gallery.enlarged), (1, None));
        assert!(results.enlarged().is_none());
    }
}
