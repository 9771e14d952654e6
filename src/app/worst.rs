//! Holding the worst: the frames on which the models disagreed most, and the one of them that is looked at.

use super::App;
use super::messages::Severity;
use super::worst_files::WorstRequest;
use crate::pipeline::{Command, FrameId, FrameResult, WorstFrame, WorstFrames};
use std::path::PathBuf;
use std::sync::Arc;

/// What the strip shows.
#[derive(Clone, Debug, Default)]
pub struct WorstStrip {
    shown: Arc<WorstFrames>,
    /// What came while a frame was looked at: the strip stands still meanwhile, so that it can be gone through.
    newer: Option<Arc<WorstFrames>>,
    held: Option<WorstFrame>,
}

impl WorstStrip {
    /// The frames, worst first.
    pub fn frames(&self) -> &[WorstFrame] {
        &self.shown.frames
    }

    /// The frame that is looked at in place of the newest one.
    pub fn held(&self) -> Option<&WorstFrame> {
        self.held.as_ref()
    }

    /// Takes what the pipeline keeps now. When it has forgotten what there was, nothing is looked at any more.
    pub fn take(&mut self, news: Arc<WorstFrames>) {
        if self.held.is_some() && news.round == self.shown.round {
            self.newer = Some(news);
        } else {
            *self = Self { shown: news, ..Self::default() };
        }
    }

    /// Looks at a frame of the strip.
    pub fn hold(&mut self, id: FrameId) {
        self.held = self.shown.frames.iter().find(|frame| frame.result.id == id).cloned();
    }

    /// Looks at the next frame of the strip, or the one before it.
    pub fn hold_next(&mut self, forward: bool) {
        let Some(held) = &self.held else { return };
        let frames = &self.shown.frames;
        let Some(index) = frames.iter().position(|frame| frame.result.id == held.result.id) else { return };
        let next = if forward { index.checked_add(1) } else { index.checked_sub(1) };
        if let Some(frame) = next.and_then(|next| frames.get(next)) {
            self.held = Some(frame.clone());
        }
    }

    /// Back to the newest frame.
    pub fn release(&mut self) {
        self.held = None;
        if let Some(newer) = self.newer.take() {
            self.shown = newer;
        }
    }

    /// The frame in place of the newest one.
    pub fn result(&self) -> Option<&Arc<FrameResult>> {
        self.held.as_ref().map(|held| &held.result)
    }
}

impl App {
    /// Shows the strip and begins to keep frames, or lets go of them.
    pub(super) fn toggle_worst(&mut self) {
        self.settings.worst_strip = !self.settings.worst_strip;
        self.session.worst.release();
        self.thumbnails.keep_only(std::iter::empty());
        self.send(Command::KeepWorst(self.settings.worst_strip));
    }

    /// Forgets what is kept.
    pub(super) fn forget_worst(&mut self) {
        self.session.worst.release();
        self.send(Command::ForgetWorst);
    }

    /// Saves what the strip shows into a new folder in `folder`.
    pub(super) fn save_worst(&mut self, folder: PathBuf) {
        let frames = self.session.worst.frames().to_vec();
        if frames.is_empty() {
            return self.tell(Severity::Info, "There is no frame to save: none is kept any more.");
        }
        let request = WorstRequest {
            frames,
            source: self.session.source.open.as_ref().map(|open| open.spec.to_string()).unwrap_or_default(),
            thresholds: self.settings.thresholds,
            hidden_classes: self.settings.hidden_classes.clone(),
            folder,
        };
        if !self.background.save_worst(request) {
            self.tell(Severity::Warning, "Too many files wait to be written already. Try again in a moment.");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::test_support::frame_result;
    use crate::pipeline::Mode;

    fn frames(round: u64, ids: &[u64]) -> Arc<WorstFrames> {
        let frame = |id| WorstFrame { disagreement: id as f32, result: Arc::new(frame_result(id, Mode::Compare)) };
        Arc::new(WorstFrames { round, frames: ids.iter().copied().map(frame).collect() })
    }

    fn ids(strip: &WorstStrip) -> Vec<u64> {
        strip.frames().iter().map(|frame| frame.result.id.0).collect()
    }

    #[test]
    fn the_strip_stands_still_while_a_frame_is_looked_at() {
        let mut strip = WorstStrip::default();
        strip.take(frames(0, &[9, 5]));
        strip.hold(FrameId(5));
        strip.take(frames(0, &[9, 8, 7]));
        assert_eq!((ids(&strip), strip.result().map(|result| result.id.0)), (vec![9, 5], Some(5)));
        strip.hold_next(true);
        assert_eq!(strip.result().map(|result| result.id.0), Some(5), "the last");
        strip.hold_next(false);
        assert_eq!(strip.result().map(|result| result.id.0), Some(9));
        strip.release();
        assert_eq!((ids(&strip), strip.held().is_none()), (vec![9, 8, 7], true));
        strip.hold(FrameId(5));
        assert!(strip.held().is_none(), "it is not kept any more");
    }

    #[test]
    fn what_the_pipeline_has_forgotten_is_not_looked_at() {
        let mut strip = WorstStrip::default();
        strip.take(frames(0, &[9, 5]));
        strip.hold(FrameId(9));
        // The empty list in between may never have been seen.
        strip.take(frames(1, &[20]));
        assert_eq!((ids(&strip), strip.held().is_none()), (vec![20], true));
    }
}
