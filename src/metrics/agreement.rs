//! How far two lanes agree on the same frames.

use super::MATCH_IOU;
use crate::inference::Detection;
use std::collections::VecDeque;

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
    /// Mean IoU of matched boxes.
    pub mean_iou: f32,
    /// Mean absolute change of the score of matched boxes.
    pub mean_score_delta: f32,
    /// Number of compared frames.
    pub frames: usize,
    /// Number of boxes in A on those frames.
    pub reference_boxes: usize,
}

/// Sums of one frame.
#[derive(Clone, Copy, Debug, Default)]
struct FrameSums {
    matched: usize,
    only_reference: usize,
    only_candidate: usize,
    iou: f64,
    score_delta: f64,
}

/// Agreement over the last `capacity` compared frames.
#[derive(Clone, Debug)]
pub struct AgreementWindow {
    frames: VecDeque<FrameSums>,
    capacity: usize,
}

impl AgreementWindow {
    /// An empty window of `capacity` frames.
    pub fn new(capacity: usize) -> Self {
        Self { frames: VecDeque::with_capacity(capacity), capacity }
    }

    /// Adds a frame; `agreement` holds indices into the two lists.
    pub fn push(&mut self, reference: &[Detection], candidate: &[Detection], agreement: &FrameAgreement) {
        let mut sums = FrameSums {
            matched: agreement.matched.len(),
            only_reference: agreement.only_a.len(),
            only_candidate: agreement.only_b.len(),
            ..FrameSums::default()
        };
        for (i, j) in &agreement.matched {
            let (a, b) = (&reference[*i], &candidate[*j]);
            sums.iou += f64::from(a.rect.iou(&b.rect));
            sums.score_delta += f64::from((a.score - b.score).abs());
        }
        if self.frames.len() == self.capacity {
            self.frames.pop_front();
        }
        self.frames.push_back(sums);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.frames.clear();
    }

    /// The figures; none before the first frame on which either side found a box.
    pub fn statistics(&self) -> Option<AgreementStatistics> {
        let total = self.frames.iter().fold(FrameSums::default(), |sum, frame| FrameSums {
            matched: sum.matched + frame.matched,
            only_reference: sum.only_reference + frame.only_reference,
            only_candidate: sum.only_candidate + frame.only_candidate,
            iou: sum.iou + frame.iou,
            score_delta: sum.score_delta + frame.score_delta,
        });
        let reference_boxes = total.matched + total.only_reference;
        let candidate_boxes = total.matched + total.only_candidate;
        if reference_boxes + candidate_boxes == 0 {
            return None;
        }
        let share = |part: f64, whole: usize| if whole == 0 { 0.0 } else { (part / whole as f64) as f32 };
        Some(AgreementStatistics {
            precision: share(total.matched as f64, candidate_boxes),
            recall: share(total.matched as f64, reference_boxes),
            f1: share(2.0 * total.matched as f64, reference_boxes + candidate_boxes),
            mean_iou: share(total.iou, total.matched),
            mean_score_delta: share(total.score_delta, total.matched),
            frames: self.frames.len(),
            reference_boxes,
        })
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
}
