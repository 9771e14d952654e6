//! From candidates in the model's pixels to detections in the picture: threshold, non-maximum suppression, mapping.

use super::{Candidate, Detection, ModelCard, Thresholds};
use crate::imaging::{BoxInModel, Letterbox};

/// How many boxes are looked at and given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Candidates considered, best first. Bounds the time of a frame on which a threshold lets everything through.
    pub candidates: usize,
    /// Detections given out, best first.
    pub detections: usize,
    /// Detections given out of each class, best first. What comes behind them is not even looked at.
    pub of_a_class: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { candidates: 3000, detections: 300, of_a_class: usize::MAX }
    }
}

/// Class-aware greedy non-maximum suppression, with its buffers: it allocates nothing a frame once they have grown.
///
/// Going from the best score to the worst, a candidate is dropped when a kept one of its class overlaps it by more
/// than the threshold (Felzenszwalb et al., "Object Detection with Discriminatively Trained Part-Based Models",
/// 2010, section 6.2). Since a weaker candidate never touches a stronger one, the result at a confidence is the
/// result at any lower one, filtered: a threshold can be raised without running the model again.
#[derive(Clone, Debug, Default)]
pub struct Postprocessor {
    limits: Limits,
    /// Whether the model has done it already.
    off: bool,
    order: Vec<u32>,
    kept: Vec<Kept>,
    /// Index into `kept` of the last kept box of each class.
    last_of_class: Vec<u32>,
    /// Detections given out of each class.
    given_of_class: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    rect: BoxInModel,
    area: f32,
    /// The box of the same class that was kept before.
    before: u32,
}

/// End of a chain of kept boxes.
const NONE: u32 = u32::MAX;

/// Class numbers above this are from a broken output; no detector has as many classes.
const MAX_CLASS: u32 = 1 << 20;

impl Postprocessor {
    /// A postprocessor for a model that `card` describes.
    pub fn new(card: &ModelCard) -> Self {
        Self { off: !card.nms, ..Self::default() }
    }

    /// A postprocessor with other limits than the usual ones.
    pub fn with_limits(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Other limits from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Fills `detections` (emptied first) with what is left of `candidates`, best score first, equal scores in the
    /// order of the candidates; as large as the model says, even beyond the picture's edges, but without boxes of which
    /// nothing lies inside.
    pub fn run(
        &mut self,
        candidates: &[Candidate],
        thresholds: &Thresholds,
        letterbox: &Letterbox,
        detections: &mut Vec<Detection>,
    ) {
        detections.clear();
        self.kept.clear();
        self.last_of_class.clear();
        self.given_of_class.clear();
        self.rank(candidates, thresholds.confidence);
        for position in 0..self.order.len() {
            if detections.len() >= self.limits.detections {
                break;
            }
            let candidate = &candidates[self.order[position] as usize];
            if self.given(candidate) >= self.limits.of_a_class || !self.off && !self.keep(candidate, thresholds.iou) {
                continue;
            }
            let rect = letterbox.image_from_model(candidate.rect);
            // Finite edges of a broken output may grow beyond all numbers on their way into the picture.
            let is_finite = rect.width().is_finite() && rect.height().is_finite();
            if is_finite && rect.clipped_to(letterbox.image).area() > 0.0 {
                self.given_of_class[candidate.class_id as usize] += 1;
                detections.push(Detection { class_id: candidate.class_id, score: candidate.score, rect });
            }
        }
    }

    /// How many detections of a candidate's class were given out.
    fn given(&mut self, candidate: &Candidate) -> usize {
        let class = candidate.class_id as usize;
        if self.given_of_class.len() <= class {
            self.given_of_class.resize(class + 1, 0);
        }
        self.given_of_class[class] as usize
    }

    /// Puts the indices of the best candidates into `order`, best first.
    fn rank(&mut self, candidates: &[Candidate], confidence: f32) {
        self.order.clear();
        let enough = candidates.iter().zip(0u32..).filter(|(c, _)| c.score >= confidence && c.class_id < MAX_CLASS);
        self.order.extend(enough.map(|(_, index)| index));
        let score = |index: &u32| candidates[*index as usize].score;
        let better = |a: &u32, b: &u32| score(b).total_cmp(&score(a)).then(a.cmp(b));
        let limit = self.limits.candidates;
        if self.order.len() > limit {
            self.order.select_nth_unstable_by(limit, better);
            self.order.truncate(limit);
        }
        self.order.sort_unstable_by(better);
    }

    /// Keeps a candidate unless a kept one of its class overlaps it; says whether it was kept.
    fn keep(&mut self, candidate: &Candidate, threshold: f32) -> bool {
        let class = candidate.class_id as usize;
        if self.last_of_class.len() <= class {
            self.last_of_class.resize(class + 1, NONE);
        }
        let rect = candidate.rect;
        let area = area(&rect);
        let mut link = self.last_of_class[class];
        while let Some(kept) = self.kept.get(link as usize) {
            if overlaps(kept, &rect, area, threshold) {
                return false;
            }
            link = kept.before;
        }
        let before = self.last_of_class[class];
        self.last_of_class[class] = self.kept.len() as u32;
        self.kept.push(Kept { rect, area, before });
        true
    }
}

fn area(rect: &BoxInModel) -> f32 {
    (rect.x2 - rect.x1).max(0.0) * (rect.y2 - rect.y1).max(0.0)
}

/// Whether the intersection over union is above the threshold, without a division.
fn overlaps(kept: &Kept, rect: &BoxInModel, area: f32, threshold: f32) -> bool {
    let width = (kept.rect.x2.min(rect.x2) - kept.rect.x1.max(rect.x1)).max(0.0);
    let height = (kept.rect.y2.min(rect.y2) - kept.rect.y1.max(rect.y1)).max(0.0);
    let intersection = width * height;
    intersection > threshold * (kept.area + area - intersection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{ImageSize, ResizeMode};
    use proptest::prelude::*;

    const SIZE: ImageSize = ImageSize::new(100, 100);

    fn same_size() -> Letterbox {
        Letterbox::fit(SIZE, SIZE, ResizeMode::Stretch)
    }

    fn candidate(class_id: u32, score: f32, [x1, y1, x2, y2]: [f32; 4]) -> Candidate {
        Candidate { class_id, score, rect: BoxInModel::new(x1, y1, x2, y2) }
    }

    fn run(candidates: &[Candidate], thresholds: Thresholds) -> Vec<Detection> {
        let mut detections = Vec::new();
        Postprocessor::default().run(candidates, &thresholds, &same_size(), &mut detections);
        detections
    }

    /// The definition, pair by pair.
    fn naive(candidates: &[Candidate], thresholds: Thresholds) -> Vec<Detection> {
        let mut sorted: Vec<_> = candidates.iter().filter(|c| c.score >= thresholds.confidence).collect();
        sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut kept: Vec<&Candidate> = Vec::new();
        for c in sorted {
            let kept_rect = |k: &Candidate| Kept { rect: k.rect, area: area(&k.rect), before: 0 };
            let same = kept.iter().filter(|k| k.class_id == c.class_id);
            if !same.into_iter().any(|k| overlaps(&kept_rect(k), &c.rect, area(&c.rect), thresholds.iou)) {
                kept.push(c);
            }
        }
        let mapped = kept.iter().map(|c| Detection {
            class_id: c.class_id,
            score: c.score,
            rect: same_size().image_from_model(c.rect),
        });
        mapped.filter(|d| d.rect.clipped_to(SIZE).area() > 0.0).collect()
    }

    #[test]
    fn a_box_beyond_all_numbers_is_dropped() {
        // Found by fuzzing: the edges are finite in the model's pixels and are not in the picture's.
        let letterbox = Letterbox::fit(ImageSize::new(640, 480), ImageSize::new(64, 64), ResizeMode::Stretch);
        let candidate = |edge: f32| Candidate {
            class_id: 0,
            score: 0.9,
            rect: BoxInModel { x1: -edge, y1: 1.0, x2: edge, y2: 9.0 },
        };
        let (mut found, thresholds) = (Vec::new(), Thresholds::default());
        for (edge, count) in [(f32::MAX, 0), (f32::MAX / 4.0, 0), (30.0, 1)] {
            Postprocessor::default().run(&[candidate(edge)], &thresholds, &letterbox, &mut found);
            assert_eq!(found.len(), count, "{edge}");
        }
    }

    #[test]
    fn a_weaker_box_of_the_same_class_is_dropped() {
        let square = [10.0, 10.0, 50.0, 50.0];
        let candidates = [
            candidate(0, 0.6, square),
            candidate(0, 0.9, [12.0, 10.0, 52.0, 50.0]),
            candidate(1, 0.5, square),
            candidate(0, 0.7, [60.0, 60.0, 90.0, 90.0]),
            candidate(0, 0.2, [0.0, 60.0, 20.0, 90.0]),
        ];
        let scores: Vec<_> = run(&candidates, Thresholds::default()).iter().map(|d| d.score).collect();
        assert_eq!(scores, [0.9, 0.7, 0.5]);
    }

    #[test]
    fn boxes_are_mapped_whole_and_dropped_outside() {
        let (image, model) = (ImageSize::new(200, 100), ImageSize::new(100, 100));
        let letterbox = Letterbox::fit(image, model, ResizeMode::LetterboxCenter);
        let candidates = [
            candidate(0, 0.9, [-10.0, 25.0, 50.0, 50.0]),
            candidate(0, 0.8, [60.0, 0.0, 90.0, 20.0]),
            candidate(0, 0.7, [f32::NAN, 0.0, 90.0, 90.0]),
            candidate(0, f32::NAN, [0.0, 0.0, 90.0, 90.0]),
        ];
        let mut detections = Vec::new();
        Postprocessor::default().run(&candidates, &Thresholds::default(), &letterbox, &mut detections);
        assert_eq!(detections.len(), 1);
        let rect = detections[0].rect;
        assert_eq!((rect.x1, rect.y1, rect.x2, rect.y2), (-20.0, 0.0, 100.0, 50.0));
    }

    #[test]
    fn limits_keep_the_best() {
        let at = |i: u32| candidate(i, 0.3 + 0.001 * i as f32, [0.0, 0.0, 10.0, 10.0]);
        let candidates: Vec<_> = (0..100).map(at).collect();
        let mut detections = Vec::new();
        let limits = Limits { candidates: 50, detections: 7, ..Limits::default() };
        let thresholds = Thresholds::default();
        Postprocessor::with_limits(limits).run(&candidates, &thresholds, &same_size(), &mut detections);
        let classes: Vec<_> = detections.iter().map(|d| d.class_id).collect();
        assert_eq!(classes, [99, 98, 97, 96, 95, 94, 93]);
    }

    #[test]
    fn a_limit_of_a_class_leaves_the_others_alone() {
        let at = |class: u32, i: u32| {
            candidate(class, 0.9 - 0.01 * i as f32, [i as f32 * 10.0, 0.0, i as f32 * 10.0 + 9.0, 9.0])
        };
        // The first box of class 0 lies outside and is not given out, so that it does not count.
        let outside = candidate(0, 0.95, [-50.0, -50.0, -10.0, -10.0]);
        let candidates: Vec<_> = std::iter::once(outside).chain((0..5).map(|i| at(i % 2, i))).collect();
        let limits = Limits { of_a_class: 2, ..Limits::default() };
        let mut detections = Vec::new();
        Postprocessor::with_limits(limits).run(&candidates, &Thresholds::default(), &same_size(), &mut detections);
        let classes: Vec<_> = detections.iter().map(|d| d.class_id).collect();
        assert_eq!(classes, [0, 1, 0, 1]);
    }

    fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
        let one = (0u32..4, 0u32..40, 0.0f32..90.0, 0.0f32..90.0, 1.0f32..60.0, 1.0f32..60.0);
        // Few distinct scores, so that ties occur.
        let make = |(class, score, x, y, w, h)| candidate(class, score as f32 / 40.0, [x - 5.0, y, x + w, y + h]);
        prop::collection::vec(one.prop_map(make), 0..120)
    }

    proptest! {
        #[test]
        fn it_equals_the_definition(c in candidates(), confidence in 0.0f32..1.0, iou in 0.0f32..1.0) {
            let thresholds = Thresholds { confidence, iou };
            prop_assert_eq!(run(&c, thresholds), naive(&c, thresholds));
        }

        #[test]
        fn a_higher_confidence_is_a_filter_on_a_lower_one(
            c in candidates(), low in 0.0f32..0.5, more in 0.0f32..0.5, iou in 0.0f32..1.0,
        ) {
            let mut filtered = run(&c, Thresholds { confidence: low, iou });
            filtered.retain(|d| d.score >= low + more);
            prop_assert_eq!(run(&c, Thresholds { confidence: low + more, iou }), filtered);
        }
    }
}
