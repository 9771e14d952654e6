//! The precisions of one network: which files there are, which are kept warm, and the way from one to the next.

use super::App;
use super::format::file_name;
use super::options::Variant;
use super::state::Session;
use crate::inference::{ModelInfo, ModelOverrides};
use crate::pipeline::{Command, LaneId};
use std::path::{Path, PathBuf};

impl App {
    /// Full precision in A, then the quantized model in B, then the one that is kept ready, then A again.
    pub(super) fn toggle_precision(&mut self) {
        // Which one is next is not known before it is told what runs in B.
        if self.session.exchanging {
            return;
        }
        if self.settings.active == LaneId::A {
            if self.session.ready_is_before_b() {
                self.exchange();
            }
            return self.show_lane(LaneId::B);
        }
        let last = self.session.ready.is_none() || self.session.ready_is_before_b();
        if last { self.show_lane(LaneId::A) } else { self.show_ready() }
    }

    /// Puts the model that is kept ready into lane B.
    pub(super) fn show_ready(&mut self) {
        self.exchange();
        if !self.settings.compare {
            self.show_lane(LaneId::B);
        }
    }

    /// Another precision of the same network, into this lane alone: fed and read as what runs there.
    pub(super) fn open_variant(&mut self, lane: LaneId, path: PathBuf) {
        let overrides = self.given(lane);
        self.load_model(lane, path, overrides);
    }

    /// The card and labels that were given with what runs in a lane.
    fn given(&self, lane: LaneId) -> ModelOverrides {
        self.session.lane(lane).loaded.as_ref().map_or_else(|| self.overrides.clone(), |info| info.given.clone())
    }

    /// The family of what runs in a lane is known. Behind a quantized model in B its next relative is kept warm.
    pub(super) fn on_family(&mut self, lane: LaneId, path: &Path, variants: Vec<Variant>) {
        let state = self.session.lane_mut(lane);
        if state.loaded.as_ref().is_none_or(|info| info.path != path) {
            return;
        }
        state.family = variants;
        let ready = self.wanted_ready();
        self.keep_ready(ready);
    }

    /// The first quantized relative of what runs in B, where the same network runs in A.
    fn wanted_ready(&self) -> Option<PathBuf> {
        let [a, b] = LaneId::BOTH.map(|lane| self.session.lane(lane));
        let (in_a, in_b) = (a.loaded.as_ref()?, b.loaded.as_ref()?);
        let is_in = |info: &ModelInfo| b.family.iter().find(|variant| variant.path == info.path);
        if !self.settings.pair_twins || is_in(in_a).is_none() || !is_in(in_b)?.quantized {
            return None;
        }
        let running = |variant: &Variant| [in_a, in_b].iter().any(|info| info.path == variant.path);
        b.family.iter().find(|variant| variant.quantized && !running(variant)).map(|variant| variant.path.clone())
    }

    /// Asks for a model behind lane B, fed and read as the one in it, unless it is there or on its way.
    pub(super) fn keep_ready(&mut self, path: Option<PathBuf>) {
        let asked = path.map(|path| (path, self.given(LaneId::B)));
        if asked == self.session.ready_asked {
            return;
        }
        self.session.ready_asked.clone_from(&asked);
        // What is there until then is not the one that is wanted.
        self.session.ready = None;
        self.send(Command::KeepReady(asked));
    }

    fn exchange(&mut self) {
        if self.session.exchanging {
            return;
        }
        self.session.exchanging = true;
        self.session.ready_asked =
            self.session.lane(LaneId::B).loaded.as_ref().map(|info| (info.path.clone(), info.given.clone()));
        self.send(Command::Exchange);
    }
}

impl Session {
    /// Whether the model that is kept ready comes before that of lane B in their family.
    pub fn ready_is_before_b(&self) -> bool {
        let state = self.lane(LaneId::B);
        let place = |info: &ModelInfo| state.family.iter().position(|variant| variant.path == info.path);
        match (&self.ready, &state.loaded) {
            (Some(ready), Some(shown)) => place(ready) < place(shown),
            _ => false,
        }
    }
}

/// The precision of a model, told from its relatives by the ending of its name where several of them are quantized.
pub(super) fn precision_name(info: &ModelInfo, family: &[Variant]) -> String {
    let precision = info.precision.to_string();
    let several = family.iter().filter(|variant| variant.quantized).count() > 1;
    let own = family.iter().find(|variant| several && variant.path == info.path);
    match own.and_then(|variant| variant.ending.as_deref()) {
        Some(ending) if !precision.eq_ignore_ascii_case(ending) => format!("{precision} {ending}"),
        _ => precision,
    }
}

/// A file of the family as a menu shows it.
pub(super) fn menu_name(variant: &Variant) -> String {
    file_name(&variant.path)
}
