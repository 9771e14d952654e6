//! How far a candidate finds what its reference finds, over a set of pictures.

use super::agreement::BoxSums;
use super::resample::interval;
use super::{AgreementReport, ClassAgreement, agreement_of_frame};
use crate::inference::Detection;
use std::collections::BTreeMap;

/// Resamplings of the pictures; they cost microseconds each, whatever the set.
const RESAMPLES: usize = 2000;
/// What is known of F1 where there are too few pictures for an interval: nothing.
const ANYTHING: [f64; 2] = [0.0, 1.0];

/// What two models found on one picture, with the numbers of their own classes, down to the confidence threshold at
/// least.
#[derive(Clone, Copy, Debug)]
pub struct ComparedPicture<'a> {
    /// The model that is trusted.
    pub reference: &'a [Detection],
    /// The one that is compared with it.
    pub candidate: &'a [Detection],
}

/// Agreement of a candidate with its reference over `pictures`: boxes of both at a score of `confidence` or more,
/// matched as [`agreement_of_frame`] does, classes by name. `names` are those of the reference's and of the
/// candidate's classes, in the order of their numbers; a class without a name is called by its number. Figures are 0
/// where there is no box. With fewer than ten pictures the interval is 0…1: nothing is known.
pub fn agreement(pictures: &[ComparedPicture<'_>], names: [&[String]; 2], confidence: f32) -> AgreementReport {
    let mut by_picture = Vec::with_capacity(pictures.len());
    let mut by_class: BTreeMap<String, BoxSums> = BTreeMap::new();
    for picture in pictures {
        by_picture.push(sums_of_picture(picture, names, confidence, &mut by_class));
    }
    let all: BoxSums = by_picture.iter().copied().sum();
    let f1 = |drawn: &[u32]| {
        let weighted = by_picture.iter().zip(drawn);
        let (matched, boxes) = weighted.fold((0, 0), |(matched, boxes), (sums, times)| {
            (matched + sums.matched * *times as usize, boxes + sums.boxes() * *times as usize)
        });
        (boxes > 0).then(|| 2.0 * matched as f64 / boxes as f64)
    };
    let f1_interval = interval(pictures.len(), RESAMPLES, f1).unwrap_or(ANYTHING);
    let mut classes: Vec<(String, BoxSums)> = by_class.into_iter().collect();
    classes.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.boxes()));
    AgreementReport {
        all: all.figures(),
        f1_interval,
        classes: classes.into_iter().map(|(name, sums)| ClassAgreement { name, figures: sums.figures() }).collect(),
        pictures: pictures.len(),
        confidence: f64::from(confidence),
    }
}

fn sums_of_picture(
    picture: &ComparedPicture<'_>,
    names: [&[String]; 2],
    confidence: f32,
    by_class: &mut BTreeMap<String, BoxSums>,
) -> BoxSums {
    let above = |detections: &[Detection]| -> Vec<Detection> {
        detections.iter().filter(|found| found.score >= confidence).copied().collect()
    };
    let (reference, candidate) = (above(picture.reference), above(picture.candidate));
    let [of_reference, of_candidate] = names;
    let name = |names: &[String], id: u32| names.get(id as usize).cloned().unwrap_or_else(|| format!("class {id}"));
    let same = |a: u32, b: u32| match (of_reference.get(a as usize), of_candidate.get(b as usize)) {
        (Some(a), Some(b)) => a == b,
        _ => name(of_reference, a) == name(of_candidate, b),
    };
    let matching = agreement_of_frame(&reference, &candidate, same);
    let mut class = |names: &[String], id: u32, sums: BoxSums| *by_class.entry(name(names, id)).or_default() += sums;
    for (a, b) in &matching.matched {
        class(of_reference, reference[*a].class_id, BoxSums::of_pair(&reference[*a], &candidate[*b]));
    }
    for a in &matching.only_a {
        class(of_reference, reference[*a].class_id, BoxSums { only_reference: 1, ..BoxSums::default() });
    }
    for b in &matching.only_b {
        class(of_candidate, candidate[*b].class_id, BoxSums { only_candidate: 1, ..BoxSums::default() });
    }
    BoxSums::of_frame(&reference, &candidate, &matching)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::BoxInImage;

    fn found(class_id: u32, score: f32, x: f32) -> Detection {
        Detection { class_id, score, rect: BoxInImage::new(x, 0.0, x + 10.0, 10.0) }
    }

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn classes_are_matched_by_name_and_counted_apart() {
        let reference = [found(0, 0.9, 0.0), found(1, 0.8, 50.0), found(1, 0.2, 90.0)];
        let candidate = [found(1, 0.7, 1.0), found(0, 0.6, 200.0), found(7, 0.6, 300.0)];
        let pictures = [ComparedPicture { reference: &reference, candidate: &candidate }];
        let (ours, theirs) = (names(&["cat", "dog"]), names(&["dog", "cat"]));
        let report = agreement(&pictures, [&ours, &theirs], 0.5);
        assert_eq!((report.all.reference_boxes, report.all.candidate_boxes, report.pictures), (2, 3, 1));
        assert!((report.all.f1 - 0.4).abs() < 1e-12 && (report.all.recall - 0.5).abs() < 1e-12);
        assert!((report.all.mean_iou - 9.0 / 11.0).abs() < 1e-6 && (report.all.mean_score_delta - 0.2).abs() < 1e-6);
        let classes: Vec<_> = report.classes.iter().map(|class| (class.name.as_str(), class.figures.f1)).collect();
        assert_eq!(classes, [("cat", 1.0), ("dog", 0.0), ("class 7", 0.0)], "both dogs count, then one box");
        assert_eq!(report.f1_interval, [0.0, 1.0], "one picture says nothing of others");
    }

    #[test]
    fn the_interval_narrows_with_more_pictures() {
        let both = [found(0, 0.9, 0.0), found(0, 0.9, 100.0)];
        let width = |count: usize| {
            let pictures: Vec<_> = (0..count)
                .map(|index| ComparedPicture { reference: &both, candidate: &both[..1 + usize::from(index % 2 == 0)] })
                .collect();
            let report = agreement(&pictures, [&[], &[]], 0.25);
            let [low, high] = report.f1_interval;
            assert!(low < report.all.f1 && report.all.f1 < high && (report.all.f1 - 6.0 / 7.0).abs() < 1e-9);
            high - low
        };
        let (few, many) = (width(16), width(1600));
        assert!(few > 5.0 * many && few < 20.0 * many, "{few} and {many}: ten times narrower is expected");
    }

    #[test]
    fn models_that_find_nothing_have_no_figures() {
        let nothing = agreement(&[ComparedPicture { reference: &[], candidate: &[] }; 20], [&[], &[]], 0.25);
        assert_eq!((nothing.all.f1, nothing.all.reference_boxes, nothing.f1_interval), (0.0, 0, [0.0, 1.0]));
        assert!(nothing.classes.is_empty());
    }
}
