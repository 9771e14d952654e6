//! Accuracy against a known truth over the last frames.

use super::MATCH_IOU;
use crate::imaging::TruthBox;
use crate::inference::Detection;
use std::collections::{BTreeMap, VecDeque};

/// Accuracy of a lane against the truth of the demo scene (or of labelled pictures) over the last frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LaneAccuracy {
    /// Average precision at IoU 0.5, mean over the classes seen, 0…1; all scores from 0.001 up are used.
    pub ap50: f32,
    /// Share of the true boxes found at the current confidence threshold, 0…1.
    pub recall: f32,
    /// Number of frames in the window.
    pub frames: usize,
    /// Number of true boxes in the window, of classes that the model knows.
    pub boxes: usize,
    /// Classes of the truth that the model knows by name; the others are left out of every figure.
    pub known_classes: usize,
    /// Classes of the truth.
    pub classes: usize,
}

/// One frame, already matched.
#[derive(Clone, Debug, Default)]
struct ScoredFrame {
    /// Class, score and whether it hit a true box, of every detection.
    detections: Vec<(u32, f32, bool)>,
    /// Class of every true box.
    truths: Vec<u32>,
    /// True boxes hit by a detection above the confidence threshold.
    found: usize,
}

/// Average precision and recall over the last `capacity` labelled frames.
///
/// Matching is COCO's: by class, detections in order of falling score, each takes the free true box that it overlaps
/// most, if by at least [`MATCH_IOU`]. The average precision is `hotcoco`'s 101-point one.
#[derive(Clone, Debug)]
pub struct AccuracyWindow {
    frames: VecDeque<ScoredFrame>,
    capacity: usize,
}

impl AccuracyWindow {
    /// An empty window of `capacity` frames.
    pub fn new(capacity: usize) -> Self {
        Self { frames: VecDeque::with_capacity(capacity), capacity }
    }

    /// Adds a frame. `detections` hold classes of the truth (the caller joined them by name) down to a score of
    /// 0.001, best first; `confidence` is the threshold above which a true box counts as found.
    pub fn push(&mut self, detections: &[Detection], truths: &[TruthBox], confidence: f32) {
        let mut free = vec![true; truths.len()];
        let mut frame = ScoredFrame { truths: truths.iter().map(|t| t.class_id).collect(), ..ScoredFrame::default() };
        for detection in detections {
            let best = truths
                .iter()
                .enumerate()
                .filter(|(index, truth)| free[*index] && truth.class_id == detection.class_id)
                .map(|(index, truth)| (index, detection.rect.iou(&truth.rect)))
                .max_by(|a, b| a.1.total_cmp(&b.1))
                .filter(|(_, iou)| *iou >= MATCH_IOU);
            if let Some((index, _)) = best {
                free[index] = false;
                frame.found += usize::from(detection.score >= confidence);
            }
            frame.detections.push((detection.class_id, detection.score, best.is_some()));
        }
        if self.frames.len() == self.capacity {
            self.frames.pop_front();
        }
        self.frames.push_back(frame);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.frames.clear();
    }

    /// The figures; none before the first true box. `known_classes` of the truth's `classes` are known to the model.
    pub fn accuracy(&self, known_classes: usize, classes: usize) -> Option<LaneAccuracy> {
        let mut truths_by_class: BTreeMap<u32, usize> = BTreeMap::new();
        let mut detections_by_class: BTreeMap<u32, (Vec<f64>, Vec<bool>)> = BTreeMap::new();
        for frame in &self.frames {
            for class in &frame.truths {
                *truths_by_class.entry(*class).or_default() += 1;
            }
            for (class, score, hit) in &frame.detections {
                let (scores, hits) = detections_by_class.entry(*class).or_default();
                scores.push(f64::from(*score));
                hits.push(*hit);
            }
        }
        let boxes: usize = truths_by_class.values().sum();
        if boxes == 0 {
            return None;
        }
        let recall_steps = hotcoco::params::default_rec_thrs();
        let sum: f64 = truths_by_class
            .iter()
            .filter_map(|(class, count)| {
                let (scores, hits) = detections_by_class.get(class)?;
                Some(hotcoco::metrics::counts::average_precision(scores, hits, None, *count, &recall_steps))
            })
            .sum();
        let found: usize = self.frames.iter().map(|frame| frame.found).sum();
        Some(LaneAccuracy {
            ap50: (sum / truths_by_class.len() as f64) as f32,
            recall: found as f32 / boxes as f32,
            frames: self.frames.len(),
            boxes,
            known_classes,
            classes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::BoxInImage;

    fn square(x: f32) -> BoxInImage {
        BoxInImage::new(x, 0.0, x + 10.0, 10.0)
    }

    #[test]
    fn perfect_detections_score_one_and_misses_lower_the_mean() {
        let truths = [TruthBox { class_id: 0, rect: square(0.0) }, TruthBox { class_id: 1, rect: square(50.0) }];
        let mut window = AccuracyWindow::new(5);
        assert!(window.accuracy(2, 2).is_none());
        let both = [
            Detection { class_id: 0, score: 0.9, rect: square(0.0) },
            Detection { class_id: 1, score: 0.3, rect: square(51.0) },
        ];
        window.push(&both, &truths, 0.5);
        let figures = window.accuracy(2, 2).unwrap();
        assert!((figures.ap50 - 1.0).abs() < 1e-6);
        assert!((figures.recall - 0.5).abs() < 1e-6, "the second one is below the threshold");
        window.clear();
        window.push(&both[..1], &truths, 0.5);
        assert!((window.accuracy(2, 2).unwrap().ap50 - 0.5).abs() < 1e-6, "one class of two was found");
    }

    #[test]
    fn a_second_box_on_the_same_object_is_false() {
        let truths = [TruthBox { class_id: 0, rect: square(0.0) }];
        let twice = [
            Detection { class_id: 0, score: 0.9, rect: square(100.0) },
            Detection { class_id: 0, score: 0.8, rect: square(0.0) },
            Detection { class_id: 0, score: 0.7, rect: square(1.0) },
        ];
        let mut window = AccuracyWindow::new(5);
        window.push(&twice, &truths, 0.1);
        let figures = window.accuracy(2, 2).unwrap();
        assert!((figures.ap50 - 0.5).abs() < 1e-6, "precision is 1/2 where the object is found");
        assert!((figures.recall - 1.0).abs() < 1e-6);
    }
}
