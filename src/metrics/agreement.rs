//! How far two lanes agree on the same frames.

use super::resample::interval;
use super::{AgreementFigures, MATCH_IOU};
use crate::inference::Detection;
use std::collections::VecDeque;
use std::iter::Sum;
use std::ops::AddAssign;

/// Frames in a stretch of the window at least: a third of a second of a camera.
const STRETCH_FRAMES_MIN: usize = 10;
/// Stretches that a long window is cut into.
const STRETCHES_MAX: usize = 30;
/// A few times a second; this many take some twenty microseconds.
const LIVE_RESAMPLES: usize = 400;

/// Frames that a live window of agreement may be asked to look back over.
pub const AGREEMENT_FRAMES: std::ops::RangeInclusive<usize> = 10..=10_000;
/// Frames that it looks back over unless told otherwise.
pub const AGREEMENT_FRAMES_DEFAULT: usize = 300;

/// How far two lanes agree on one frame: greedy matching of boxes of the same label name at IoU ≥ 0.5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrameAgreement {
    /// Matched pairs, as indices into lane A's and lane B's detections.
    pub matched: Vec<(usize, usize)>,
    /// Indices of lane A's detections that B lacks.
    pub only_a: Vec<usize>,
    /// Indices of lane B's detections that A lacks.
    pub only_b: Vec<usize>,
}

impl FrameAgreement {
    /// How much the two found differs on this frame, 0 where it is the same: the score of every box that only one of them
    /// found, and the change of the score of every matched box, added up. So a sure box that is missed weighs most, one
    /// that flickers about the threshold weighs what it is worth, and a crowded frame is not bad because it is crowded.
    /// The lists are those that were matched.
    pub fn disagreement(&self, a: &[Detection], b: &[Detection]) -> f32 {
        let score = |found: &[Detection], index: usize| found.get(index).map_or(0.0, |detection| detection.score);
        let only_a: f32 = self.only_a.iter().map(|index| score(a, *index)).sum();
        let only_b: f32 = self.only_b.iter().map(|index| score(b, *index)).sum();
        let changes: f32 = self.matched.iter().map(|(i, j)| (score(a, *i) - score(b, *j)).abs()).sum();
        only_a + only_b + changes
    }
}

/// Matches the boxes of a reference with those of a candidate: best IoU first, each box at most once, only boxes of
/// which `same_class(reference class, candidate class)` is true, at IoU of at least [`MATCH_IOU`].
pub fn agreement_of_frame(
    reference: &[Detection],
    candidate: &[Detection],
    same_class: impl Fn(u32, u32) -> bool,
) -> FrameAgreement {
    let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
    for (i, a) in reference.iter().enumerate() {
        for (j, b) in candidate.iter().enumerate() {
            let iou = a.rect.iou(&b.rect);
            if iou >= MATCH_IOU && same_class(a.class_id, b.class_id) {
                pairs.push((iou, i, j));
            }
        }
    }
    pairs.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    let mut taken_a = vec![false; reference.len()];
    let mut taken_b = vec![false; candidate.len()];
    let mut matched = Vec::new();
    for (_, i, j) in pairs {
        if !taken_a[i] && !taken_b[j] {
            (taken_a[i], taken_b[j]) = (true, true);
            matched.push((i, j));
        }
    }
    let free = |taken: &[bool]| taken.iter().enumerate().filter(|(_, t)| !**t).map(|(i, _)| i).collect();
    FrameAgreement { matched, only_a: free(&taken_a), only_b: free(&taken_b) }
}

/// Agreement of lane B with lane A over the rolling window of compared frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgreementStatistics {
    /// Share of B's boxes that A also has.
    pub precision: f32,
    /// Share of A's boxes that B also has.
    pub recall: f32,
    /// Harmonic mean of both, at IoU 0.5.
    pub f1: f32,
    /// Interval of F1 in 95 of 100 resamplings of stretches of the window; none while it holds fewer than ten.
    pub f1_interval: Option<[f32; 2]>,
    /// Mean IoU of matched boxes.
    pub mean_iou: f32,
    /// Mean absolute change of the score of matched boxes.
    pub mean_score_delta: f32,
    /// Number of compared frames.
    pub frames: usize,
    /// Number of frames that the window holds when it is full.
    pub window: usize,
    /// Number of boxes in A on those frames.
    pub reference_boxes: usize,
    /// Number of boxes in B on those frames.
    pub candidate_boxes: usize,
}

/// Boxes of a frame, or of many, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct BoxSums {
    pub matched: usize,
    pub only_reference: usize,
    pub only_candidate: usize,
    /// Sum over matched boxes.
    pub iou: f64,
    /// Sum of absolute changes over matched boxes.
    pub score_delta: f64,
}

impl BoxSums {
    /// A matched pair.
    pub fn of_pair(reference: &Detection, candidate: &Detection) -> Self {
        Self {
            matched: 1,
            iou: f64::from(reference.rect.iou(&candidate.rect)),
            score_delta: f64::from((reference.score - candidate.score).abs()),
            ..Self::default()
        }
    }

    /// One frame; `agreement` holds indices into the two lists.
    pub fn of_frame(reference: &[Detection], candidate: &[Detection], agreement: &FrameAgreement) -> Self {
        let pairs = agreement.matched.iter().map(|(i, j)| Self::of_pair(&reference[*i], &candidate[*j]));
        let (only_reference, only_candidate) = (agreement.only_a.len(), agreement.only_b.len());
        Self { only_reference, only_candidate, ..pairs.sum() }
    }

    /// Boxes of both sides; a matched pair is two.
    pub fn boxes(&self) -> usize {
        2 * self.matched + self.only_reference + self.only_candidate
    }

    /// The figures; each is 0 where there is nothing to measure.
    pub fn figures(&self) -> AgreementFigures {
        let reference_boxes = self.matched + self.only_reference;
        let candidate_boxes = self.matched + self.only_candidate;
        let share = |part: f64, whole: usize| if whole == 0 { 0.0 } else { part / whole as f64 };
        AgreementFigures {
            precision: share(self.matched as f64, candidate_boxes),
            recall: share(self.matched as f64, reference_boxes),
            f1: share(2.0 * self.matched as f64, self.boxes()),
            mean_iou: share(self.iou, self.matched),
            mean_score_delta: share(self.score_delta, self.matched),
            reference_boxes,
            candidate_boxes,
        }
    }
}

impl AddAssign for BoxSums {
    fn add_assign(&mut self, other: Self) {
        self.matched += other.matched;
        self.only_reference += other.only_reference;
        self.only_candidate += other.only_candidate;
        self.iou += other.iou;
        self.score_delta += other.score_delta;
    }
}

impl Sum for BoxSums {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |mut sum, part| {
            sum += part;
            sum
        })
    }
}

/// Agreement over the last `capacity` compared frames.
#[derive(Clone, Debug)]
pub struct AgreementWindow {
    frames: VecDeque<BoxSums>,
    capacity: usize,
}

impl AgreementWindow {
    /// An empty window of `capacity` frames.
    pub fn new(capacity: usize) -> Self {
        Self { frames: VecDeque::new(), capacity }
    }

    /// Adds a frame; `agreement` holds indices into the two lists.
    pub fn push(&mut self, reference: &[Detection], candidate: &[Detection], agreement: &FrameAgreement) {
        if self.frames.len() >= self.capacity {
            self.frames.drain(..=self.frames.len() - self.capacity);
        }
        self.frames.push_back(BoxSums::of_frame(reference, candidate, agreement));
    }

    /// Looks back over another number of frames from now on, at least one. Frames that fit are kept.
    pub fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity.max(1);
        let surplus = self.frames.len().saturating_sub(self.capacity);
        self.frames.drain(..surplus);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.frames.clear();
    }

    /// The figures; none before the first frame on which either side found a box.
    pub fn statistics(&self) -> Option<AgreementStatistics> {
        let total: BoxSums = self.frames.iter().copied().sum();
        if total.boxes() == 0 {
            return None;
        }
        let figures = total.figures();
        Some(AgreementStatistics {
            precision: figures.precision as f32,
            recall: figures.recall as f32,
            f1: figures.f1 as f32,
            f1_interval: self.f1_interval(),
            mean_iou: figures.mean_iou as f32,
            mean_score_delta: figures.mean_score_delta as f32,
            frames: self.frames.len(),
            window: self.capacity,
            reference_boxes: figures.reference_boxes,
            candidate_boxes: figures.candidate_boxes,
        })
    }

    /// Frames that follow each other show the same objects, so that single frames say too little: whole stretches are
    /// drawn (block bootstrap; Künsch, "The jackknife and the bootstrap for general stationary observations", 1989).
    fn f1_interval(&self) -> Option<[f32; 2]> {
        let length = STRETCH_FRAMES_MIN.max(self.frames.len() / STRETCHES_MAX);
        // Stretches are all of one length, so the oldest frames that do not fill one are left out.
        let skipped = self.frames.len() % length;
        let stretches: Vec<BoxSums> = (skipped..self.frames.len())
            .step_by(length)
            .map(|start| self.frames.range(start..start + length).copied().sum())
            .collect();
        let f1 = |drawn: &[u32]| {
            let (matched, boxes) = stretches.iter().zip(drawn).fold((0, 0), |(matched, boxes), (sums, times)| {
                (matched + sums.matched * *times as usize, boxes + sums.boxes() * *times as usize)
            });
            (boxes > 0).then(|| 2.0 * matched as f64 / boxes as f64)
        };
        interval(stretches.len(), LIVE_RESAMPLES, f1).map(|ends| ends.map(|end| end as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::BoxInImage;

    fn detection(class_id: u32, score: f32, x: f32) -> Detection {
        Detection { class_id, score, rect: BoxInImage::new(x, 0.0, x + 10.0, 10.0) }
    }

    #[test]
    fn boxes_match_once_by_class_and_overlap() {
        let a = [detection(0, 0.9, 0.0), detection(1, 0.8, 50.0), detection(0, 0.7, 100.0)];
        let b = [detection(0, 0.8, 1.0), detection(0, 0.5, 2.0), detection(2, 0.8, 50.0)];
        let agreement = agreement_of_frame(&a, &b, |x, y| x == y);
        assert_eq!(agreement.matched, vec![(0, 0)]);
        assert_eq!(agreement.only_a, vec![1, 2]);
        assert_eq!(agreement.only_b, vec![1, 2]);
        // 0.8 and 0.7 are missed by B, 0.5 and 0.8 by A, and a score falls by 0.1.
        assert!((agreement.disagreement(&a, &b) - 2.9).abs() < 1e-5);
        assert_eq!(agreement_of_frame(&a, &a, |x, y| x == y).disagreement(&a, &a), 0.0);
        let mut window = AgreementWindow::new(10);
        assert_eq!(window.statistics(), None);
        window.push(&a, &b, &agreement);
        let figures = window.statistics().unwrap();
        assert!((figures.f1 - 1.0 / 3.0).abs() < 1e-6);
        assert!((figures.mean_iou - 9.0 / 11.0).abs() < 1e-5);
        assert!((figures.mean_score_delta - 0.1).abs() < 1e-5);
        assert_eq!((figures.frames, figures.reference_boxes), (1, 3));
    }

    #[test]
    fn frames_without_boxes_count_but_say_nothing() {
        let mut window = AgreementWindow::new(2);
        window.push(&[], &[], &FrameAgreement::default());
        assert_eq!(window.statistics(), None);
    }

    #[test]
    fn a_window_keeps_as_many_frames_as_it_is_told() {
        let (found, both) = ([detection(0, 0.9, 0.0)], |x, y| x == y);
        let mut window = AgreementWindow::new(3);
        let push = |window: &mut AgreementWindow, candidate: &[Detection]| {
            window.push(&found, candidate, &agreement_of_frame(&found, candidate, both));
        };
        push(&mut window, &[]);
        (0..4).for_each(|_| push(&mut window, &found));
        assert_eq!(window.statistics().map(|s| (s.frames, s.f1, s.candidate_boxes)), Some((3, 1.0, 3)));
        window.set_capacity(5);
        push(&mut window, &[]);
        assert_eq!(window.statistics().map(|s| (s.frames, s.reference_boxes, s.candidate_boxes)), Some((4, 4, 3)));
        window.set_capacity(2);
        let shrunk = window.statistics().unwrap();
        assert_eq!((shrunk.frames, shrunk.reference_boxes, shrunk.candidate_boxes), (2, 2, 1), "the newest are kept");
        assert_eq!(shrunk.f1_interval, None, "two frames are no sample");
    }

    #[test]
    fn the_figures_of_a_long_window_cost_little() {
        /// Five times a second on a thread that has frames to hand on. Measured: 0.06 ms for 10 000 frames.
        const BUDGET: std::time::Duration = std::time::Duration::from_millis(10);
        let found = [detection(0, 0.9, 0.0), detection(1, 0.9, 50.0)];
        for frames in [300, 1000, *AGREEMENT_FRAMES.end()] {
            let mut window = AgreementWindow::new(frames);
            for frame in 0..frames {
                let candidate = &found[frame % 3 / 2..];
                window.push(&found, candidate, &agreement_of_frame(&found, candidate, |x, y| x == y));
            }
            let times = (0..5).map(|_| {
                let begin = std::time::Instant::now();
                assert!(window.statistics().is_some_and(|figures| figures.f1_interval.is_some()));
                begin.elapsed()
            });
            // The quickest of five: what else the machine does is not measured.
            let quickest = times.min().unwrap();
            println!("{frames} frames: {quickest:?}");
            assert!(quickest < BUDGET, "{frames} frames: {quickest:?}");
        }
    }

    #[test]
    fn the_interval_of_a_window_sees_that_frames_go_together() {
        let found = [detection(0, 0.9, 0.0)];
        let width = |misses: fn(usize) -> bool| {
            let mut window = AgreementWindow::new(300);
            for frame in 0..300 {
                let candidate = &found[..usize::from(!misses(frame))];
                window.push(&found, candidate, &agreement_of_frame(&found, candidate, |x, y| x == y));
            }
            let statistics = window.statistics().unwrap();
            let [low, high] = statistics.f1_interval.unwrap();
            assert!(low <= statistics.f1 && statistics.f1 <= high);
            high - low
        };
        // Half of the frames are missed, now and then or for seconds: the second says much less of the next minutes.
        assert!(width(|frame| frame / 30 % 2 == 0) > 3.0 * width(|frame| frame % 2 == 0) + 0.1);
    }
}
