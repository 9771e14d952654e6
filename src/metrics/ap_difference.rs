//! Whether one model's AP is really higher than another's, or only on these pictures.

use super::judged::{JudgedClass, RankedDetection, THRESHOLDS, judge};
use super::resample::{UNITS_MIN, interval};
use super::{JudgedPicture, ScoredBox};
use crate::dataset::LabelledPicture;
use serde::Serialize;
use std::fmt;

/// Resamplings for sets of up to 500 pictures.
const RESAMPLES_MAX: usize = 1000;
/// And for sets of 2500 and more.
const RESAMPLES_MIN: usize = 200;
/// Between them, pictures times resamplings stay at this, and with them the time.
const PICTURES_RESAMPLED: usize = 500_000;

/// AP (IoU 0.50:0.95) of a candidate less that of its reference on the same pictures, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ApDifference {
    /// Candidate less reference, -1…1.
    pub difference: f64,
    /// Interval that holds the difference in 95 of 100 resamplings of the pictures, both models on the same ones
    /// (paired bootstrap percentile, Efron 1979); none with fewer than ten pictures.
    pub interval: Option<[f64; 2]>,
    /// Pictures it rests on.
    pub pictures: usize,
    /// Resamplings made: 1000, fewer for sets of more than 500 pictures.
    pub resamples: usize,
}

/// What can be said of a difference. `to_string` is a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApVerdict {
    /// There are too few pictures for a statement.
    TooFewPictures {
        /// How many there are.
        pictures: usize,
    },
    /// The interval holds zero.
    WithinNoise {
        /// Of how many pictures.
        pictures: usize,
    },
    /// The candidate is worse on nearly every resampling.
    Worse,
    /// The candidate is better on nearly every resampling.
    Better,
}

impl fmt::Display for ApVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewPictures { pictures: 1 } => f.write_str("one picture is too few to tell"),
            Self::TooFewPictures { pictures } => write!(f, "{pictures} pictures are too few to tell"),
            Self::WithinNoise { pictures } => write!(f, "the difference is within the noise of {pictures} pictures"),
            Self::Worse => f.write_str("worse, and more than the choice of pictures explains"),
            Self::Better => f.write_str("better, and more than the choice of pictures explains"),
        }
    }
}

impl ApDifference {
    /// What can be said of it.
    pub fn verdict(&self) -> ApVerdict {
        match self.interval {
            None => ApVerdict::TooFewPictures { pictures: self.pictures },
            Some([_, high]) if high < 0.0 => ApVerdict::Worse,
            Some([low, _]) if low > 0.0 => ApVerdict::Better,
            Some(_) => ApVerdict::WithinNoise { pictures: self.pictures },
        }
    }
}

/// AP of a candidate less that of a reference on the same pictures, with its interval; none where there is nothing to
/// measure. `known` are the classes that both models know. Each item is a picture with the detections of the reference
/// and those of the candidate. Matching is done once; a resampling only adds up again.
pub fn ap_difference(
    known: &[bool],
    pictures: &[(&LabelledPicture, &[ScoredBox], &[ScoredBox])],
) -> Option<ApDifference> {
    let reference: Vec<_> = pictures.iter().map(|(truth, detections, _)| JudgedPicture { truth, detections }).collect();
    let candidate: Vec<_> = pictures.iter().map(|(truth, _, detections)| JudgedPicture { truth, detections }).collect();
    let mut reference = Accumulator::new(&judge(known, &reference));
    let mut candidate = Accumulator::new(&judge(known, &candidate));
    let mut difference = |weights: &[u32]| Some(candidate.ap(weights)? - reference.ap(weights)?);
    let all = difference(&vec![1; pictures.len()])?;
    let resamples = (PICTURES_RESAMPLED / pictures.len().max(1)).clamp(RESAMPLES_MIN, RESAMPLES_MAX);
    let resamples = if pictures.len() < UNITS_MIN { 0 } else { resamples };
    let interval = interval(pictures.len(), resamples, difference);
    Some(ApDifference { difference: all, interval, pictures: pictures.len(), resamples })
}

/// Adds up AP again and again with other weights of the pictures.
struct Accumulator {
    classes: Vec<WeightedClass>,
    /// COCO's 101 recalls.
    recalls: Vec<f64>,
    /// Sum of the weights of a class's detections up to and with each rank.
    detections: Vec<u32>,
    /// Precision at each hit, and the weight of the hits up to there.
    curve: Vec<(f64, usize)>,
}

/// One class: what decides about its AP.
struct WeightedClass {
    objects: Vec<(u32, u32)>,
    /// The picture of each detection by falling score, up to the last that hits at any threshold: what follows cannot
    /// change a precision.
    pictures: Vec<u32>,
    /// For each IoU threshold the ranks of hits (true) and of ignored detections (false).
    events: [Vec<(u32, bool)>; THRESHOLDS],
}

impl WeightedClass {
    fn new(class: &JudgedClass) -> Self {
        let events: [Vec<(u32, bool)>; THRESHOLDS] = std::array::from_fn(|threshold| {
            let event = |(rank, found): (usize, &RankedDetection)| {
                let hit = found.is_hit(threshold);
                (hit || found.is_ignored(threshold)).then_some((rank as u32, hit))
            };
            class.detections.iter().enumerate().filter_map(event).collect()
        });
        let last = events.iter().flatten().filter(|(_, hit)| *hit).map(|(rank, _)| *rank as usize + 1).max();
        let pictures = class.detections.iter().take(last.unwrap_or(0)).map(|found| found.picture).collect();
        Self { objects: class.objects.clone(), pictures, events }
    }
}

impl Accumulator {
    fn new(classes: &[JudgedClass]) -> Self {
        Self {
            classes: classes.iter().filter(|class| !class.objects.is_empty()).map(WeightedClass::new).collect(),
            recalls: hotcoco::params::default_rec_thrs(),
            detections: Vec::new(),
            curve: Vec::new(),
        }
    }

    /// COCO's AP over ten IoU thresholds with picture `i` taken `weights[i]` times, mean over the classes that have
    /// objects then; none where none has.
    fn ap(&mut self, weights: &[u32]) -> Option<f64> {
        let Self { classes, recalls, detections, curve } = self;
        let (mut sum, mut measured) = (0.0, 0usize);
        for class in classes {
            let objects: u32 = class.objects.iter().map(|(picture, count)| weights[*picture as usize] * count).sum();
            if objects == 0 {
                continue;
            }
            detections.clear();
            detections.extend(class.pictures.iter().scan(0, |total, picture| {
                *total += weights[*picture as usize];
                Some(*total)
            }));
            for events in &class.events {
                precision_at_hits(events, &class.pictures, weights, detections, curve);
                sum += mean_precision(curve, objects, recalls);
            }
            measured += THRESHOLDS;
        }
        (measured > 0).then(|| sum / measured as f64)
    }
}

/// Precision at every hit, and the weight of the hits up to there. A detection of a picture that was drawn twice is
/// two detections of equal score.
fn precision_at_hits(
    events: &[(u32, bool)],
    pictures: &[u32],
    weights: &[u32],
    detections: &[u32],
    curve: &mut Vec<(f64, usize)>,
) {
    curve.clear();
    let (mut hits, mut ignored) = (0, 0);
    for (rank, hit) in events {
        let rank = *rank as usize;
        let Some(weight) = pictures.get(rank).map(|picture| weights[*picture as usize]) else { break };
        if *hit && weight > 0 {
            hits += weight;
            curve.push((f64::from(hits) / f64::from(detections[rank] - ignored), hits as usize));
        } else if !*hit {
            ignored += weight;
        }
    }
}

/// COCO's 101-point mean of the highest precision at each recall or a higher one.
fn mean_precision(curve: &[(f64, usize)], objects: u32, recalls: &[f64]) -> f64 {
    let reached = |hits: usize| {
        let recall = hits as f64 / f64::from(objects);
        recalls.partition_point(|step| *step <= recall)
    };
    let (mut sum, mut highest) = (0.0f64, 0.0f64);
    let mut above = curve.last().map_or(0, |(_, hits)| reached(*hits));
    for index in (0..curve.len()).rev() {
        highest = highest.max(curve[index].0);
        let below = index.checked_sub(1).map_or(0, |before| reached(curve[before].1));
        sum += highest * (above - below) as f64;
        above = below;
    }
    sum / recalls.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::LabelledBox;
    use crate::imaging::ImageSize;

    fn picture(id: u64, random: &mut fastrand::Rng) -> (LabelledPicture, Vec<ScoredBox>) {
        let bbox = |i: usize, by: f64| [60.0 * i as f64 + by, 0.0, 50.0, 50.0];
        let mut boxes = Vec::new();
        let mut detections = Vec::new();
        for i in 0..random.usize(0..6) {
            let (class, [x, y, width, height]) = (random.usize(0..2), bbox(i, 0.0));
            let ignored = random.usize(0..6) == 0;
            boxes.push(LabelledBox { class, x, y, width, height, area: 2500.0, ignored });
            for _ in 0..random.usize(0..3) {
                detections.push(ScoredBox { class, score: random.f64(), bbox: bbox(i, 25.0 * random.f64()) });
            }
        }
        (LabelledPicture { id, path: "a".into(), size: ImageSize { width: 640, height: 480 }, boxes }, detections)
    }

    fn ap(pictures: &[(LabelledPicture, Vec<ScoredBox>)], weights: &[u32]) -> Option<f64> {
        let judged: Vec<_> = pictures.iter().map(|(truth, detections)| JudgedPicture { truth, detections }).collect();
        Accumulator::new(&judge(&[true; 2], &judged)).ap(weights)
    }

    #[test]
    fn a_picture_drawn_twice_counts_as_two_pictures() {
        let mut random = fastrand::Rng::with_seed(3);
        let pictures: Vec<_> = (0..30).map(|id| picture(id, &mut random)).collect();
        for _ in 0..20 {
            let weights: Vec<u32> = pictures.iter().map(|_| random.u32(0..4)).collect();
            let copies = |((truth, found), times): (&(LabelledPicture, Vec<ScoredBox>), &u32)| -> Vec<_> {
                let copy = |n| (LabelledPicture { id: truth.id * 10 + u64::from(n), ..truth.clone() }, found.clone());
                (0..*times).map(copy).collect()
            };
            let drawn: Vec<_> = pictures.iter().zip(&weights).flat_map(copies).collect();
            let (weighted, copied) = (ap(&pictures, &weights).unwrap(), ap(&drawn, &vec![1; drawn.len()]).unwrap());
            assert!((weighted - copied).abs() < 1e-12 && weighted > 0.05, "{weighted} and {copied}");
        }
        assert_eq!(ap(&pictures, &[0; 30]), None);
    }
}
