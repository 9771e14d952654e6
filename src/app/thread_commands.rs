//! Acting on threads: for all models, for one, and the search for the best number.

use super::App;
use super::messages::Severity;
use super::model_panel::{AdviceView, ModelPanel};
use super::settings::most_threads;
use crate::benchmark::{AdviceRequest, ThreadAdvice};
use crate::inference::tuning::SessionClock;
use crate::pipeline::{Command, LaneId};
use std::sync::Arc;
use std::time::Duration;

/// How long the numbers of threads take turns.
const TIME: Duration = Duration::from_secs(5);

impl App {
    /// One number for all models.
    pub(super) fn set_threads(&mut self, threads: usize) {
        let threads = threads.clamp(1, most_threads());
        self.settings.threads = Some(threads);
        self.settings.model_threads.clear();
        self.send(Command::SetThreads(threads));
    }

    /// Whatever is measured to be best for each model.
    pub(super) fn measure_threads(&mut self) {
        self.settings.threads = None;
        self.settings.model_threads.clear();
        self.send(Command::MeasureThreads(Arc::new(SessionClock)));
    }

    /// A number for the model in the panel, now and whenever it is loaded; none: as all others.
    pub(super) fn set_threads_of_model(&mut self, threads: Option<usize>) {
        let Some(panel) = &self.editing.model_panel else { return };
        let path = panel.path.clone();
        let name = super::format::file_name(&path);
        let threads = threads.map(|threads| threads.clamp(1, most_threads()));
        self.settings.set_threads_of(&path, threads);
        self.send(Command::SetThreadsOf(path, threads));
        self.tell(
            Severity::Info,
            match threads {
                Some(1) => format!("{name} runs with 1 thread from now on."),
                Some(threads) => format!("{name} runs with {threads} threads from now on."),
                None => format!("{name} runs with as many threads as the other models again."),
            },
        );
    }

    /// What was set for single models before. A number on the command line is for all.
    pub(super) fn recall_threads(&mut self, named: bool) {
        if named {
            return;
        }
        for (path, threads) in self.settings.model_threads.clone() {
            self.send(Command::SetThreadsOf(path.into(), Some(threads)));
        }
    }

    /// Measures the model in the panel with 1, 2, … threads. The live view rests meanwhile.
    pub(super) fn find_threads(&mut self) {
        if self.evaluate.run().is_some() {
            return self
                .tell(Severity::Info, "An evaluation is under way, which would disturb this. Wait for its end.");
        }
        if self.quantize.is_at_work() {
            let text = "A model is being quantized, which would disturb this. Wait for its end, or stop it (Q).";
            return self.tell(Severity::Info, text);
        }
        let Some(result) = self.session.result.clone() else {
            return self.tell(Severity::Info, "There is no picture to measure with yet.");
        };
        let Some(panel) = &self.editing.model_panel else { return };
        let Some(overrides) = panel.overrides_in_effect() else { return };
        let request = AdviceRequest {
            path: panel.path.clone(),
            overrides,
            thresholds: self.settings.thresholds,
            images: vec![Arc::clone(&result.frame.image)],
            // It runs already, so it came through its trial.
            trial: None,
            most: most_threads(),
            accelerate: self.settings.accelerate,
            time: TIME,
        };
        match self.background.advise(panel.lane, request) {
            Some(watch) => {
                if let Some(panel) = &mut self.editing.model_panel {
                    panel.advice = AdviceView::Running(watch);
                }
            }
            None => self.tell(Severity::Info, "The last search is still ending. Try again in a moment."),
        }
        self.hold_live_view();
    }

    pub(super) fn cancel_find_threads(&mut self) {
        if let Some(panel) = &mut self.editing.model_panel {
            panel.cancel_advice();
        }
        self.hold_live_view();
    }

    /// Whether a measurement wants the machine for itself.
    pub(super) fn finds_threads(&self) -> bool {
        self.editing.model_panel.as_ref().is_some_and(|panel| matches!(panel.advice, AdviceView::Running(_)))
    }

    /// What came of the search.
    pub(super) fn on_advised(&mut self, lane: LaneId, found: Result<Option<ThreadAdvice>, String>) {
        if let Ok(Some(advice)) = &found {
            tracing::info!("threads measured: {}", advice.sentence());
        }
        let waits = |panel: &&mut ModelPanel| panel.lane == lane && matches!(panel.advice, AdviceView::Running(_));
        if let Some(panel) = self.editing.model_panel.as_mut().filter(waits) {
            panel.advice = match found {
                Ok(Some(advice)) => AdviceView::Done(advice),
                Ok(None) => AdviceView::None,
                Err(reason) => AdviceView::Failed(reason),
            };
        }
        self.hold_live_view();
    }
}
