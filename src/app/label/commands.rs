//! Acting on the page Label: what reaches beyond the table.

use super::action::LabelAction;
use super::export::{self, ExportChoice, labelled_set};
use super::open::{OpenRequest, OpenWatch, Opened};
use super::proposing::{ProposeRequest, ProposeWatch};
use super::saving::WorkWriter;
use super::state::Stage;
use crate::app::App;
use crate::app::evaluate::remember;
use crate::app::format;
use crate::app::messages::Severity;
use crate::dataset::Written;
use crate::inference::Thresholds;
use crate::pipeline::LaneId;
use eframe::egui::{Context, ViewportCommand};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

impl App {
    /// Carries out one wish on the page.
    pub(in crate::app) fn handle_label(&mut self, action: LabelAction) {
        match action {
            LabelAction::Toggle if self.label.open => self.close_label(),
            LabelAction::Toggle => self.open_label(),
            LabelAction::Back => self.step_back(),
            LabelAction::Open(path) => self.open_to_label(path),
            LabelAction::CancelOpening => {
                if let Stage::Opening(_, watch) = &self.label.stage {
                    watch.cancel().cancel();
                }
            }
            LabelAction::ChooseAgain => self.choose_what_to_label(),
            LabelAction::Propose { only_this } => self.propose(only_this),
            LabelAction::StopProposing => {
                if let Some(watch) = self.label.desk().and_then(|desk| desk.proposing.as_ref()) {
                    watch.cancel().cancel();
                }
            }
            LabelAction::SetConfidence(confidence) => self.label.confidence = Some(confidence.clamp(0.01, 1.0)),
            LabelAction::EvaluateExported => self.evaluate_exported(),
            action => {
                if let Some(desk) = self.label.desk_mut() {
                    desk.act(action);
                }
            }
        }
    }

    /// Shows the page.
    pub(in crate::app) fn open_label(&mut self) {
        self.label.open = true;
        tracing::info!("label page open");
        self.hold_live_view();
    }

    fn close_label(&mut self) {
        self.label.open = false;
        self.gallery.clear();
        self.hold_live_view();
    }

    fn step_back(&mut self) {
        if !self.label.desk_mut().is_some_and(|desk| desk.let_go()) {
            self.close_label();
        }
    }

    /// Opens a folder of pictures or a data set in place of what is on the table, which is kept first.
    pub(in crate::app) fn open_to_label(&mut self, path: PathBuf) {
        if !self.keep_labels() {
            return;
        }
        self.stop_proposing();
        let labels = self.session.lane(LaneId::A).loaded.as_ref().map(|info| info.card.labels.clone());
        let request = OpenRequest {
            path: crate::app::start::absolute(path),
            spares: self.label_spares(),
            labels: labels.unwrap_or_default(),
        };
        let watch = Arc::new(OpenWatch::default());
        let path = request.path.clone();
        if self.background.open_labels(request, Arc::clone(&watch)) {
            self.gallery.clear();
            self.label.stage = Stage::Opening(path, watch);
        } else {
            self.tell(Severity::Warning, "Something is still being opened or saved. Try again in a moment.");
        }
    }

    /// What this is the watch of is open, or is not.
    pub(in crate::app) fn on_labels_opened(&mut self, watch: &Arc<OpenWatch>, result: Result<Option<Opened>, String>) {
        if !matches!(&self.label.stage, Stage::Opening(_, own) if Arc::ptr_eq(own, watch)) {
            return;
        }
        if let Err(reason) = &result {
            tracing::info!("not opened to be labelled: {reason}");
        }
        for note in self.label.opened(result) {
            self.tell(Severity::Warning, note);
        }
        if let Some(desk) = self.label.desk() {
            tracing::info!("to be labelled: {} pictures", desk.album.pictures().len());
            let path = desk.path.clone();
            remember(&mut self.settings.recent_labels, &path);
        }
    }

    /// The work goes from the table only when it is written down.
    fn keep_labels(&mut self) -> bool {
        let kept = self.save_labels_now();
        if let Err(reason) = &kept {
            self.tell(Severity::Error, format!("{reason}. Until then it stays open."));
        }
        kept.is_ok()
    }

    fn choose_what_to_label(&mut self) {
        if self.keep_labels() {
            self.stop_proposing();
            self.label.stage = Stage::Choosing;
        }
    }

    fn label_spares(&self) -> PathBuf {
        self.saving.folder().join("labels")
    }

    fn propose(&mut self, only_this: bool) {
        let Some(info) = self.session.lane(LaneId::A).loaded.clone() else {
            return self.tell(Severity::Info, "No model is loaded in A. Load one in the live view (O) first.");
        };
        let least = self.label.confidence.unwrap_or(self.settings.thresholds.confidence);
        let Some(desk) = self.label.desk_mut().filter(|desk| desk.proposing.is_none()) else { return };
        let pictures = desk.album.pictures();
        let order = (0..pictures.len()).map(|step| (desk.at + step) % pictures.len());
        // Whoever asks for one picture wants it although it was asked for before.
        let wanted = |index: &usize| match only_this {
            true => *index == desk.at && pictures[*index].is_open(),
            false => pictures[*index].wants_proposals(),
        };
        let pictures: Vec<_> = order.filter(wanted).map(|index| (index, pictures[index].path.clone())).collect();
        if pictures.is_empty() {
            let text = if only_this { "The picture is done: press D to open it again." } else { NOTHING_WAITS };
            return self.tell(Severity::Info, text);
        }
        let watch = Arc::new(ProposeWatch::of(pictures.len()));
        let request = ProposeRequest {
            model: info.path.clone(),
            overrides: info.given.clone(),
            thresholds: Thresholds { confidence: least, iou: self.settings.thresholds.iou },
            pictures,
        };
        if self.background.propose(request, Arc::clone(&watch)) {
            if let Some(desk) = self.label.desk_mut() {
                (desk.proposing, desk.unproposed) = (Some(watch), None);
            }
        } else {
            self.tell(Severity::Info, "The last proposals are still being stopped. Try again in a moment.");
        }
    }

    /// Stops it; what comes later is for nobody.
    fn stop_proposing(&mut self) {
        if let Some(watch) = self.label.desk_mut().and_then(|desk| desk.proposing.take()) {
            watch.cancel().cancel();
        }
    }

    /// Takes in what the detector found since the last pass.
    pub(in crate::app) fn take_proposals(&mut self) {
        let Some(desk) = self.label.desk_mut() else { return };
        let Some(watch) = desk.proposing.clone() else { return };
        for (index, found) in watch.take_found() {
            match found {
                Ok(found) => desk.album.propose(index, &found),
                Err(reason) => {
                    let before = desk.unproposed.take().map_or(0, |(count, _)| count);
                    desk.unproposed = Some((before + 1, reason));
                }
            }
        }
    }

    /// The detector that this is the watch of came to its end.
    pub(in crate::app) fn on_proposed(&mut self, watch: &Arc<ProposeWatch>, result: Result<(), String>) {
        let is_it = |desk: &super::desk::Desk| desk.proposing.as_ref().is_some_and(|own| Arc::ptr_eq(own, watch));
        if !self.label.desk().is_some_and(is_it) {
            return;
        }
        self.take_proposals();
        if let Some(desk) = self.label.desk_mut() {
            desk.proposing = None;
        }
        match result {
            Ok(()) => tracing::info!("proposals made"),
            Err(reason) => self.tell(Severity::Error, format!("Nothing is proposed. {reason}")),
        }
    }

    /// Writes the set into a folder.
    pub(in crate::app) fn export_labels(&mut self, folder: PathBuf) {
        let Some(desk) = self.label.desk_mut() else { return };
        let choice: ExportChoice = desk.export.unwrap_or(desk.last_export);
        let set = labelled_set(&desk.album, &desk.path, choice);
        (desk.export, desk.exporting, desk.exported) = (None, true, None);
        if !self.background.export_labels(set, choice, folder) {
            self.tell(Severity::Warning, "Too much waits to be written already. Try again in a moment.");
            if let Some(desk) = self.label.desk_mut() {
                desk.exporting = false;
            }
        }
    }

    /// The set was written, or was not.
    pub(in crate::app) fn on_labels_exported(&mut self, result: Result<Written, String>) {
        let desk = self.label.desk_mut();
        match (result, desk) {
            (Ok(written), Some(desk)) => {
                tracing::info!("exported {}", written.path.display());
                (desk.exporting, desk.exported) = (false, Some(written));
            }
            (Ok(written), None) => self.tell(Severity::Info, export::written_words(&written)),
            (Err(reason), desk) => {
                if let Some(desk) = desk {
                    desk.exporting = false;
                }
                self.tell(Severity::Error, reason);
            }
        }
    }

    fn evaluate_exported(&mut self) {
        let written = self.label.desk_mut().and_then(|desk| desk.exported.take());
        if let Some(written) = written {
            self.label.open = false;
            self.open_evaluate();
            self.evaluate.choose_again();
            self.choose_dataset(written.path);
        }
    }

    /// Hands the newest state to the thread that writes.
    pub(in crate::app) fn save_labels_when_due(&mut self, ctx: &Context) {
        let now = Instant::now();
        let Some(desk) = self.label.desk_mut() else { return };
        let revision = desk.revision();
        if !desk.saving.is_due(revision, now) {
            if let Some(wait) = desk.saving.again_in(now).filter(|_| desk.saving.is_behind(revision)) {
                ctx.request_repaint_after(wait);
            }
            return;
        }
        let (writer, snapshot) = (Arc::clone(&desk.writer), desk.album.snapshot(desk.at));
        if self.background.save_labels(writer, revision, snapshot)
            && let Some(desk) = self.label.desk_mut()
        {
            desk.saving.begin(revision);
        }
    }

    /// A state was written, or was not.
    pub(in crate::app) fn on_labels_saved(
        &mut self,
        writer: &Arc<WorkWriter>,
        revision: u64,
        result: Result<Option<PathBuf>, String>,
    ) {
        let Some(desk) = self.label.desk_mut().filter(|desk| Arc::ptr_eq(&desk.writer, writer)) else { return };
        let had_failed = desk.saving.failure().is_some();
        let failed = result.as_ref().err().cloned();
        desk.saving.end(revision, result, Instant::now());
        match failed {
            // Said once; the page shows it as long as it holds.
            Some(reason) if !had_failed => {
                tracing::info!("labels not saved: {reason}");
                self.session.messages.note(Severity::Error, reason);
            }
            Some(_) => {}
            None => self.label.close_asked = false,
        }
    }

    /// Writes the newest state at once: the table or the window is about to go.
    ///
    /// # Errors
    ///
    /// A sentence, when it cannot be written.
    pub(in crate::app) fn save_labels_now(&mut self) -> Result<(), String> {
        let Some(desk) = self.label.desk_mut() else { return Ok(()) };
        let revision = desk.revision();
        if !desk.saving.is_behind(revision) {
            return Ok(());
        }
        let result = desk.writer.write(revision, &desk.album.snapshot(desk.at));
        desk.saving.end(revision, result.clone(), Instant::now());
        result.map(|_| ())
    }

    /// A window that is to be closed while work cannot be written stays open once, and says why.
    pub(in crate::app) fn guard_closing(&mut self, ctx: &Context) {
        let closing = ctx.input(|input| input.viewport().close_requested());
        if !closing || self.label.close_asked {
            return;
        }
        if let Err(reason) = self.save_labels_now() {
            self.label.close_asked = true;
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.tell(Severity::Error, format!("{reason}. To give that work up, close the window once more."));
        }
    }

    /// What the table shows of the model that proposes.
    pub(in crate::app) fn proposing_model(&self) -> Option<String> {
        let info = self.session.lane(LaneId::A).loaded.as_ref()?;
        Some(format::file_name(&info.path))
    }
}

const NOTHING_WAITS: &str = "Proposals were made for every picture that is not done.";
