//! Acting on the model panel: one function an action.

use super::App;
use super::background::Outcome;
use super::messages::Severity;
use super::model_panel::{ModelPanel, ProbeView};
use super::probe_job::{ProbeRequest, ProbeRow};
use crate::inference::probe::Feeding;
use crate::inference::{CardLabels, CardSource, ModelOverrides};
use crate::pipeline::{Command, LaneId};
use std::path::PathBuf;
use std::sync::Arc;

impl App {
    /// Opens the panel of a lane; closes it when it is open already.
    pub(super) fn toggle_model_panel(&mut self, lane: LaneId) {
        if self.editing.model_panel.as_ref().is_some_and(|panel| panel.lane == lane) {
            return self.close_model_panel();
        }
        self.close_model_panel();
        match ModelPanel::open(lane, self.session.lane(lane)) {
            Some(panel) => self.editing.model_panel = Some(panel),
            None => self.tell(Severity::Info, format!("There is no model {lane:?}. Open one with Open…")),
        }
    }

    pub(super) fn close_model_panel(&mut self) {
        self.cancel_probe();
        self.cancel_find_threads();
        self.editing.model_panel = None;
    }

    /// Loads the lane's model again with the card as it was edited. What runs goes on until then.
    pub(super) fn apply_card(&mut self) {
        let Some(panel) = &mut self.editing.model_panel else { return };
        if let Err(error) = panel.draft.check() {
            panel.refused = Some(error.to_string());
            return;
        }
        let (lane, path, card) = (panel.lane, panel.path.clone(), panel.draft.clone());
        (panel.waiting, panel.refused, panel.saved) = (Some(card.clone()), None, None);
        panel.note = None;
        // A label file of the command line goes before the card's: it gives way when another is chosen here.
        let given = panel.info.as_ref().map_or(&self.overrides, |info| &info.given);
        let labels = given.labels.clone().filter(|_| card.labels.is_none());
        let overrides = ModelOverrides { card: Some(CardSource::Given(Arc::new(card))), labels };
        self.load_model(lane, path, overrides);
    }

    /// Gives a lane a model to load.
    pub(super) fn load_model(&mut self, lane: LaneId, path: PathBuf, overrides: ModelOverrides) {
        let state = self.session.lane_mut(lane);
        (state.failure, state.failed) = (None, None);
        self.send(Command::LoadModel { lane, path, overrides });
    }

    pub(super) fn revert_card(&mut self) {
        if let Some(panel) = &mut self.editing.model_panel {
            panel.revert();
        }
    }

    pub(super) fn save_card(&mut self) {
        let Some(panel) = &mut self.editing.model_panel else { return };
        panel.refused = None;
        if !self.background.save_card(panel.lane, panel.sidecar(), panel.draft.clone()) {
            self.tell(Severity::Warning, "Too many files wait to be written already. Try again in a moment.");
        }
    }

    /// A label file was chosen for the model in the panel.
    pub(super) fn take_labels(&mut self, lane: LaneId, path: PathBuf) {
        if let Some(panel) = self.editing.model_panel.as_mut().filter(|panel| panel.lane == lane) {
            panel.draft.labels = Some(CardLabels::File(super::start::absolute(path)));
        }
    }

    /// Tries the usual preprocessings on the frame in view.
    pub(super) fn start_probe(&mut self) {
        let Some(result) = self.session.on_view().cloned() else {
            return self.tell(Severity::Info, "There is no picture to try it on yet.");
        };
        let Some(panel) = &mut self.editing.model_panel else { return };
        let (Some(info), Some(overrides)) = (&panel.info, panel.overrides_in_effect()) else { return };
        let request = ProbeRequest {
            path: panel.path.clone(),
            overrides,
            threads: info.threads,
            accelerate: self.settings.accelerate,
            picture: Arc::clone(&result.frame.image),
            confidence: self.settings.thresholds.confidence,
        };
        match self.background.probe(panel.lane, request) {
            Some(watch) => panel.probe = ProbeView::Running(watch),
            None => self.tell(Severity::Info, "A search is under way already. Cancel it or wait for it."),
        }
    }

    pub(super) fn cancel_probe(&mut self) {
        if let Some(panel) = &mut self.editing.model_panel {
            panel.cancel_probe();
        }
    }

    /// A preprocessing was picked: it is applied at once.
    pub(super) fn take_feeding(&mut self, feeding: Feeding, bytes: bool) {
        if let Some(panel) = &mut self.editing.model_panel {
            feeding.set_in(&mut panel.draft, bytes);
            self.apply_card();
        }
    }

    /// What came of a search or of saving a card.
    pub(super) fn on_card_outcome(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Probed { lane, found } => self.on_probed(lane, found),
            Outcome::CardSaved { lane, path } => {
                self.tell(Severity::Info, format!("The model card was saved as {}", path.display()));
                if let Some(panel) = self.editing.model_panel.as_mut().filter(|panel| panel.lane == lane) {
                    panel.saved = Some(path);
                }
            }
            Outcome::CardNotSaved { lane, reason } => {
                self.tell(Severity::Error, reason.clone());
                if let Some(panel) = self.editing.model_panel.as_mut().filter(|panel| panel.lane == lane) {
                    panel.refused = Some(reason);
                }
            }
            other => tracing::warn!("an outcome that is none of the model panel's: {other:?}"),
        }
    }

    fn on_probed(&mut self, lane: LaneId, found: Result<Option<Vec<ProbeRow>>, String>) {
        let waits = |panel: &&mut ModelPanel| panel.lane == lane && matches!(panel.probe, ProbeView::Running(_));
        let Some(panel) = self.editing.model_panel.as_mut().filter(waits) else { return };
        panel.probe = match found {
            Ok(Some(rows)) => ProbeView::Done(rows.into_iter().map(|row| (row, None)).collect()),
            Ok(None) => ProbeView::None,
            Err(reason) => ProbeView::Failed(reason),
        };
    }
}
