//! Holds the worst: the frames on which the two models disagreed most, to be looked at afterwards.

use super::{FrameId, FrameResult};
use crate::capture::CapturedFrame;
use std::sync::Arc;
use std::time::Duration;

/// Frames that are kept.
pub const WORST_FRAMES: usize = 10;
/// Frames of one source that are nearer to each other than this show the same: only the worst of them is kept.
const APART: Duration = Duration::from_secs(1);

/// A frame that is kept, with what both models found on it.
#[derive(Clone, Debug)]
pub struct WorstFrame {
    /// See [`FrameAgreement::disagreement`](super::FrameAgreement::disagreement).
    pub disagreement: f32,
    /// The frame; its picture is shared, not copied.
    pub result: Arc<FrameResult>,
}

/// What is kept: at most [`WORST_FRAMES`].
#[derive(Clone, Debug, Default)]
pub struct WorstFrames {
    /// One more with every time that all were forgotten.
    pub round: u64,
    /// The worst first.
    pub frames: Vec<WorstFrame>,
}

/// Chooses what is kept. Holds pictures, so that it only does while somebody wants them.
#[derive(Debug, Default)]
pub(super) struct WorstKeeper {
    keeps: bool,
    kept: WorstFrames,
    changed: bool,
}

impl WorstKeeper {
    /// Begins to keep frames, or stops and lets go of all of them.
    pub fn set_keeps(&mut self, keeps: bool) {
        self.keeps = keeps;
        if !keeps {
            self.clear();
        }
    }

    /// Forgets all frames: other models, other thresholds or another source make others comparable.
    pub fn clear(&mut self) {
        if !self.kept.frames.is_empty() {
            self.kept.frames.clear();
            self.kept.round += 1;
            self.changed = true;
        }
    }

    /// Offers a frame that both models ran on; `result` is asked for only when it is kept. The same frame again takes
    /// its own place. A frame on which they agree entirely is never kept.
    pub fn offer(
        &mut self,
        disagreement: f32,
        id: FrameId,
        frame: &CapturedFrame,
        result: impl FnOnce() -> FrameResult,
    ) {
        if !self.keeps || disagreement.is_nan() || disagreement <= 0.0 {
            return;
        }
        let frames = &mut self.kept.frames;
        let same = |kept: &WorstFrame| kept.result.id == id;
        let near = |kept: &WorstFrame| same(kept) || are_near(&kept.result.frame, frame);
        if frames.iter().any(|kept| near(kept) && !same(kept) && kept.disagreement >= disagreement) {
            return;
        }
        frames.retain(|kept| !near(kept));
        let place = frames.partition_point(|kept| kept.disagreement >= disagreement);
        if place >= WORST_FRAMES {
            return;
        }
        frames.insert(place, WorstFrame { disagreement, result: Arc::new(result()) });
        frames.truncate(WORST_FRAMES);
        self.changed = true;
    }

    /// What is kept, if that has changed since the last call.
    pub fn news(&mut self) -> Option<Arc<WorstFrames>> {
        std::mem::take(&mut self.changed).then(|| Arc::new(self.kept.clone()))
    }
}

/// Videos and folders are told by the position, so that the second round of a loop is no other frame; the rest by when
/// they were taken. Pictures of different files are never near.
fn are_near(one: &CapturedFrame, other: &CapturedFrame) -> bool {
    let distance = match (one.position, other.position) {
        (Some(one), Some(other)) => one.abs_diff(other),
        _ => {
            let (one, other) = (one.captured_at, other.captured_at);
            one.saturating_duration_since(other).max(other.saturating_duration_since(one))
        }
    };
    one.name == other.name && distance < APART
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::ImageSize;
    use crate::pipeline::Mode;
    use crate::pipeline::record::test_support;

    /// Frame `id`, `seconds` after the first.
    struct Scene {
        start: std::time::Instant,
        keeper: WorstKeeper,
    }

    impl Scene {
        fn new() -> Self {
            let mut keeper = WorstKeeper::default();
            keeper.set_keeps(true);
            Self { start: std::time::Instant::now(), keeper }
        }

        fn frame(&self, id: u64, seconds: f64) -> FrameResult {
            let mut result = test_support::frame(id, Mode::Compare, ImageSize::new(64, 48));
            result.frame.captured_at = self.start + Duration::from_secs_f64(seconds);
            result.frame.position = None;
            result
        }

        fn offer(&mut self, result: FrameResult, disagreement: f32) {
            let frame = result.frame.clone();
            self.keeper.offer(disagreement, result.id, &frame, || result);
        }

        fn kept(&self) -> Vec<(u64, f32)> {
            self.keeper.kept.frames.iter().map(|kept| (kept.result.id.0, kept.disagreement)).collect()
        }
    }

    #[test]
    fn the_ten_worst_are_kept_worst_first() {
        let mut scene = Scene::new();
        for id in 0..100 {
            let result = scene.frame(id, id as f64 * 2.0);
            scene.offer(result, ((id * 37) % 100) as f32);
            assert!(scene.keeper.kept.frames.len() <= WORST_FRAMES);
        }
        let scores: Vec<f32> = scene.kept().into_iter().map(|(_, disagreement)| disagreement).collect();
        assert_eq!(scores, (90..100).rev().map(|score| score as f32).collect::<Vec<_>>());
    }

    #[test]
    fn of_frames_within_a_second_the_worst_stays() {
        let mut scene = Scene::new();
        for (id, seconds, disagreement) in [(1, 0.0, 1.0), (2, 0.1, 3.0), (3, 0.2, 2.0), (4, 1.05, 2.5), (5, 1.2, 2.6)]
        {
            let result = scene.frame(id, seconds);
            scene.offer(result, disagreement);
        }
        // 4 is within a second of 2, which is worse; 5 is not.
        assert_eq!(scene.kept(), [(2, 3.0), (5, 2.6)]);
        let between = scene.frame(6, 0.7);
        scene.offer(between, 9.0);
        assert_eq!(scene.kept(), [(6, 9.0)], "it stands for both");
        let again = scene.frame(6, 0.7);
        scene.offer(again, 0.5);
        assert_eq!(scene.kept(), [(6, 0.5)], "the same frame, looked at anew");
    }

    #[test]
    fn the_second_round_of_a_video_is_no_other_frame_and_pictures_of_a_folder_are_all_others() {
        let mut scene = Scene::new();
        for round in 0..3 {
            let mut result = scene.frame(round + 1, round as f64 * 60.0);
            result.frame.position = Some(Duration::from_secs(7));
            scene.offer(result, 1.0);
        }
        assert_eq!(scene.kept(), [(1, 1.0)]);
        for id in 10..14 {
            let mut result = scene.frame(id, id as f64 * 0.01);
            result.frame.name = format!("{id}.jpg").into();
            scene.offer(result, 0.5);
        }
        assert_eq!(scene.kept().len(), 5);
    }

    #[test]
    fn nothing_is_kept_unless_wanted_or_where_they_agree_and_news_are_told_once() {
        let mut scene = Scene::new();
        assert!(scene.keeper.news().is_none());
        for disagreement in [0.0, f32::NAN, -1.0] {
            let result = scene.frame(1, 0.0);
            scene.offer(result, disagreement);
        }
        assert!(scene.keeper.news().is_none());
        let result = scene.frame(2, 0.0);
        scene.offer(result, 1.0);
        let news = scene.keeper.news().unwrap();
        assert_eq!((news.round, news.frames.len()), (0, 1));
        assert!(scene.keeper.news().is_none());
        scene.keeper.set_keeps(false);
        let news = scene.keeper.news().unwrap();
        assert_eq!((news.round, news.frames.len()), (1, 0));
        scene.keeper.clear();
        assert!(scene.keeper.news().is_none(), "nothing was there to be forgotten");
        let result = scene.frame(3, 0.0);
        scene.offer(result, 1.0);
        assert!(scene.kept().is_empty());
    }
}
