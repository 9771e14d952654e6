//! How far a model finds what the model in floats finds.

use crate::inference::Detection;
use crate::metrics::agreement_of_frame;
use serde::Serialize;

/// How far a model finds what the model in floats finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Harmonic mean of precision and recall against the boxes of the model in floats, at IoU 0.5.
    pub f1: f64,
    /// How close it comes to the boxes of the model in floats, 0…1: the mean over them of the overlap with the best box of
    /// the same class times the ratio of the scores. Boxes down to half of the confidence threshold count, so that a score
    /// that moves across the threshold is a small change here.
    pub closeness: f64,
    /// Mean overlap of the boxes that match.
    pub mean_iou: f64,
    /// Mean change of their scores.
    pub mean_score_delta: f64,
    /// Boxes of the model in floats.
    pub boxes: usize,
    /// Pictures compared.
    pub pictures: usize,
}

/// Sums over pictures.
#[derive(Default)]
pub(super) struct Sums {
    closeness: Closeness,
    matched: usize,
    all: usize,
    boxes: usize,
    iou: f64,
    delta: f64,
}

impl Sums {
    /// Adds a picture: the boxes of the model in floats, and those that were found.
    pub fn add(&mut self, expected: &[Detection], found: &[Detection], confidence: f32) {
        self.closeness.add(expected, found, confidence);
        let above = |boxes: &[Detection]| -> Vec<Detection> {
            boxes.iter().filter(|detection| detection.score >= confidence).copied().collect()
        };
        let (expected, found) = (above(expected), above(found));
        let frame = agreement_of_frame(&expected, &found, |one, other| one == other);
        self.matched += frame.matched.len();
        self.all += expected.len() + found.len();
        self.boxes += expected.len();
        for (one, other) in frame.matched.iter().map(|(one, other)| (&expected[*one], &found[*other])) {
            self.iou += f64::from(one.rect.iou(&other.rect));
            self.delta += f64::from((one.score - other.score).abs());
        }
    }

    /// What they come to, over so many pictures.
    pub fn agreement(&self, pictures: usize) -> Agreement {
        let share = |sum: f64, of: usize| if of == 0 { 0.0 } else { sum / of as f64 };
        Agreement {
            // Two models that both find nothing agree.
            f1: if self.all == 0 { 1.0 } else { share(2.0 * self.matched as f64, self.all) },
            closeness: self.closeness.mean(),
            mean_iou: share(self.iou, self.matched),
            mean_score_delta: share(self.delta, self.matched),
            boxes: self.boxes,
            pictures,
        }
    }
}

/// See [`Agreement::closeness`].
#[derive(Default)]
struct Closeness {
    sum: f64,
    boxes: usize,
}

impl Closeness {
    fn add(&mut self, expected: &[Detection], found: &[Detection], confidence: f32) {
        for wanted in expected.iter().filter(|wanted| wanted.score >= confidence / 2.0) {
            let close = found.iter().filter(|other| other.class_id == wanted.class_id).map(|other| {
                let (low, high) = (wanted.score.min(other.score), wanted.score.max(other.score));
                f64::from(wanted.rect.iou(&other.rect) * low / high)
            });
            self.sum += close.fold(0.0, f64::max);
            self.boxes += 1;
        }
    }

    fn mean(&self) -> f64 {
        if self.boxes == 0 { 1.0 } else { self.sum / self.boxes as f64 }
    }
}
