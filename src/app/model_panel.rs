//! What a person changes about a model before it is applied: the half-filled model card of one lane.

use super::probe_job::{ProbeRow, ProbeWatch};
use super::state::LaneState;
use super::thread_job::AdviceWatch;
use crate::benchmark::ThreadAdvice;
use crate::imaging::ImageSize;
use crate::inference::probe::Feeding;
use crate::inference::{CardOverrides, CardSource, Head, ModelCard, ModelInfo, ModelOverrides, guessed_keys};
use crate::pipeline::LaneId;
use eframe::egui::TextureHandle;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The open panel.
#[derive(Debug)]
pub struct ModelPanel {
    /// Whose model.
    pub lane: LaneId,
    /// Its file.
    pub path: PathBuf,
    /// What is believed of it; none for a model that was not recognised.
    pub info: Option<Arc<ModelInfo>>,
    /// The card as it is to be: only the keys that the person or a card file sets.
    pub draft: CardOverrides,
    /// The card that the running model was loaded with.
    pub effect: CardOverrides,
    /// What was applied and has not been answered.
    pub waiting: Option<CardOverrides>,
    /// Why what was applied or saved did not work.
    pub refused: Option<String>,
    /// What the person should know of the draft: a sentence.
    pub note: Option<String>,
    /// Where the card was saved.
    pub saved: Option<PathBuf>,
    /// The search for the preprocessing.
    pub probe: ProbeView,
    /// The search for the best number of threads.
    pub advice: AdviceView,
}

/// The search for the best number of threads, as far as it is.
#[derive(Debug, Default)]
pub enum AdviceView {
    /// None was asked for.
    #[default]
    None,
    /// Under way.
    Running(Arc<AdviceWatch>),
    /// It did not work: a sentence.
    Failed(String),
    /// What came of it.
    Done(ThreadAdvice),
}

/// The search for the preprocessing, as far as it is.
#[derive(Default)]
pub enum ProbeView {
    /// None was asked for.
    #[default]
    None,
    /// Under way.
    Running(Arc<ProbeWatch>),
    /// It did not work: a sentence.
    Failed(String),
    /// What came of it, best first, with the small pictures once they are on the graphics card.
    Done(Vec<(ProbeRow, Option<TextureHandle>)>),
}

impl std::fmt::Debug for ProbeView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Running(watch) => f.debug_tuple("Running").field(watch).finish(),
            Self::Failed(reason) => f.debug_tuple("Failed").field(reason).finish(),
            // Textures say nothing.
            Self::Done(rows) => f.debug_tuple("Done").field(&rows.len()).finish(),
        }
    }
}

/// How sure the value of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The file tells it.
    Sure,
    /// Models that look the same differ in it.
    Guess,
    /// A person or a card file has set it.
    Set,
}

impl ModelPanel {
    /// The panel of what a lane runs, or of what it could not load. None for an empty lane.
    pub fn open(lane: LaneId, state: &LaneState) -> Option<Self> {
        let (path, info) = match (&state.failed, &state.loaded) {
            (Some(path), loaded) => (path.clone(), loaded.as_ref().filter(|info| info.path == *path).cloned()),
            (None, Some(info)) => (info.path.clone(), Some(Arc::clone(info))),
            (None, None) => return None,
        };
        let effect = effect_of(info.as_deref());
        let refused = state.failure.clone().filter(|_| state.failed.is_some());
        Some(Self {
            lane,
            path,
            info,
            draft: effect.clone(),
            effect,
            waiting: None,
            refused,
            note: None,
            saved: None,
            probe: ProbeView::None,
            advice: AdviceView::None,
        })
    }

    /// The lane's model runs, with what was applied or with another card, or another model does. What was edited
    /// meanwhile stays.
    pub fn on_loaded(&mut self, info: &Arc<ModelInfo>) {
        let same = info.path == self.path;
        let answered = same && self.waiting.as_ref() == Some(&self.draft);
        let untouched = answered || !self.is_changed();
        self.effect = effect_of(Some(info));
        if untouched {
            self.draft = self.effect.clone();
        }
        self.note = None;
        if !same {
            self.cancel_probe();
            self.cancel_advice();
            (self.saved, self.probe, self.advice) = (None, ProbeView::None, AdviceView::None);
            self.note = self.is_changed().then(|| {
                let [before, now] = [&self.path, &info.path].map(|path| super::format::file_name(path));
                format!("What was edited for {before} is kept, and not applied to {now}. Apply it, or revert.")
            });
            self.path = info.path.clone();
        }
        self.info = Some(Arc::clone(info));
        (self.waiting, self.refused) = (None, None);
    }

    /// The lane's model runs on with other threads.
    pub fn on_tuned(&mut self, info: &Arc<ModelInfo>) {
        if info.path == self.path {
            self.info = Some(Arc::clone(info));
        }
    }

    /// Breaks off a search that is under way.
    pub fn cancel_probe(&mut self) {
        if let ProbeView::Running(watch) = &self.probe {
            watch.cancel();
            self.probe = ProbeView::None;
        }
    }

    /// The same for the best number of threads.
    pub fn cancel_advice(&mut self) {
        if let AdviceView::Running(watch) = &self.advice {
            watch.cancel();
            self.advice = AdviceView::None;
        }
    }

    /// What the running model was loaded with; none for a model that does not run.
    pub fn overrides_in_effect(&self) -> Option<ModelOverrides> {
        let info = self.info.as_ref()?;
        Some(ModelOverrides {
            card: Some(CardSource::Given(Arc::new(self.effect.clone()))),
            labels: info.given.labels.clone().filter(|_| self.effect.labels.is_none()),
        })
    }

    /// The model was not loaded: nothing that was edited is lost.
    pub fn on_failed(&mut self, path: &Path, message: &str) {
        if path == self.path {
            (self.waiting, self.refused) = (None, Some(message.to_owned()));
        }
    }

    /// Whether there is something to apply.
    pub fn is_changed(&self) -> bool {
        self.draft != self.effect
    }

    /// Back to what runs.
    pub fn revert(&mut self) {
        self.draft = self.effect.clone();
        (self.refused, self.note) = (None, None);
    }

    /// What holds where the draft sets nothing.
    pub fn recognised(&self) -> ModelCard {
        self.info.as_ref().map_or_else(nothing_known, |info| info.recognised.clone())
    }

    /// How sure the value of a key is.
    pub fn mark(&self, key: &str) -> Mark {
        if self.draft.keys().contains(&key) {
            return Mark::Set;
        }
        let evidence = self.info.as_ref().map(|info| info.evidence.as_slice()).unwrap_or_default();
        let guessed = guessed_keys(evidence, None).contains(&key) || self.info.is_none();
        if guessed { Mark::Guess } else { Mark::Sure }
    }

    /// Leaves a key to what is recognised.
    pub fn forget(&mut self, key: &str) {
        let draft = &mut self.draft;
        match key {
            "head" => draft.head = None,
            "class_numbers" => draft.class_numbers = None,
            "nms" => draft.nms = None,
            "input_size" => draft.input_size = None,
            "layout" => draft.layout = None,
            "color" => draft.color = None,
            "scale" => draft.scale = None,
            "mean" => draft.mean = None,
            "std" => draft.std = None,
            "resize" => draft.resize = None,
            "pad" => draft.pad = None,
            "labels" => draft.labels = None,
            "anchors" => draft.anchors = None,
            unknown => tracing::warn!("a model card has no key {unknown}"),
        }
    }

    /// How the model is fed as the draft has it.
    pub fn feeding(&self) -> Feeding {
        let mut card = self.recognised();
        self.draft.apply(&mut card);
        Feeding::of(&card)
    }

    /// Where the card of this model alone lies.
    pub fn sidecar(&self) -> PathBuf {
        self.path.with_extension("toml")
    }
}

fn effect_of(info: Option<&ModelInfo>) -> CardOverrides {
    info.and_then(|info| info.set.as_deref()).map(CardOverrides::detached).unwrap_or_default()
}

/// What the fields begin with for a model that was not recognised.
fn nothing_known() -> ModelCard {
    ModelCard::usual(Head::YoloV8, ImageSize::new(640, 640))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::test_support::model_info;
    use crate::inference::ColorOrder;
    use crate::inference::probe::Progress;
    use crate::inference::{Evidence, Item, Precision};

    fn loaded(set: Option<CardOverrides>) -> Arc<ModelInfo> {
        let mut info = model_info("/m/a.onnx", Precision::Fp32, 1);
        info.evidence = vec![Evidence::guess(Item::Preprocessing, "as usual"), Evidence::sure(Item::Head, "because")];
        info.set = set.map(Arc::new);
        Arc::new(info)
    }

    fn panel() -> ModelPanel {
        let state = LaneState { loaded: Some(loaded(None)), ..LaneState::default() };
        ModelPanel::open(LaneId::A, &state).unwrap()
    }

    #[test]
    fn marks_tell_what_is_set_sure_and_guessed() {
        let mut panel = panel();
        assert_eq!((panel.mark("head"), panel.mark("color")), (Mark::Sure, Mark::Guess));
        panel.draft.color = Some(ColorOrder::Bgr);
        assert_eq!((panel.mark("color"), panel.mark("resize")), (Mark::Set, Mark::Guess));
        assert_eq!(panel.feeding().color, ColorOrder::Bgr);
        panel.forget("color");
        assert!(!panel.is_changed());
        panel.draft.labels = Some(crate::inference::CardLabels::Names(vec!["gate".into()]));
        panel.forget("anchors");
        assert!(panel.draft.labels.is_some(), "each key is forgotten alone");
        panel.forget("labels");
        assert!(!panel.is_changed());
        for key in crate::inference::Item::Preprocessing.keys() {
            panel.forget(key);
        }
        assert_eq!(panel.sidecar(), Path::new("/m/a.toml"));
    }

    #[test]
    fn a_refusal_loses_nothing_and_what_is_edited_meanwhile_stays() {
        let mut panel = panel();
        panel.draft.pad = Some(3);
        panel.waiting = Some(panel.draft.clone());
        panel.on_failed(Path::new("/m/other.onnx"), "not this one");
        assert_eq!(panel.refused, None);
        panel.on_failed(Path::new("/m/a.onnx"), "no");
        assert_eq!((panel.refused.as_deref(), panel.draft.pad), (Some("no"), Some(3)));
        panel.waiting = Some(panel.draft.clone());
        panel.draft.color = Some(ColorOrder::Bgr);
        panel.on_loaded(&loaded(Some(CardOverrides { pad: Some(3), ..CardOverrides::default() })));
        assert_eq!((panel.draft.color, panel.refused.clone()), (Some(ColorOrder::Bgr), None));
        assert!(panel.is_changed());
        panel.revert();
        assert_eq!((panel.draft.color, panel.draft.pad), (None, Some(3)));
    }

    #[test]
    fn another_model_ends_the_search_and_leaves_what_is_edited() {
        let mut panel = panel();
        let watch = Arc::new(ProbeWatch::default());
        panel.probe = ProbeView::Running(Arc::clone(&watch));
        panel.draft.pad = Some(3);
        let other = Arc::new(model_info("/m/b.onnx", Precision::Int8, 1));
        panel.on_loaded(&other);
        assert!(watch.note(Progress { done: 1, of: 30 }).is_break());
        assert!(matches!(panel.probe, ProbeView::None));
        assert_eq!((panel.path.as_path(), panel.draft.pad), (Path::new("/m/b.onnx"), Some(3)));
        let note = panel.note.clone().unwrap();
        assert!(note.contains("a.onnx is kept, and not applied to b.onnx"), "{note}");
        panel.revert();
        assert_eq!((panel.is_changed(), panel.note.as_deref()), (false, None));
        panel.on_loaded(&loaded(None));
        assert_eq!(panel.note, None, "nothing was edited");
    }

    #[test]
    fn a_model_that_was_not_recognised_has_a_panel_too() {
        let state = LaneState {
            loaded: Some(loaded(None)),
            failure: Some("the outputs are not known".into()),
            failed: Some("/m/b.onnx".into()),
            ..LaneState::default()
        };
        let panel = ModelPanel::open(LaneId::B, &state).unwrap();
        assert_eq!((panel.path.as_path(), panel.info.is_none()), (Path::new("/m/b.onnx"), true));
        assert_eq!(panel.refused.as_deref(), Some("the outputs are not known"));
        assert_eq!(panel.mark("head"), Mark::Guess);
        assert!(ModelPanel::open(LaneId::B, &LaneState::default()).is_none());
    }
}
