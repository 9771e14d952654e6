//! How far a candidate finds what its reference finds, over a set of pictures.

use super::agreement::BoxSums;
use super::resample::{UNITS_MIN, intervals};
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
/// where there is no box. With fewer than ten pictures the interval is 0…1: nothing is known. So is that of a class
/// with boxes on fewer than ten pictures; the others come from the same resamplings of all pictures.
pub fn agreement(pictures: &[ComparedPicture<'_>], names: [&[String]; 2], confidence: f32) -> AgreementReport {
    // The boxes on each picture, all of them and by class; a class has no entry for a picture without its boxes.
    let mut all = ByPicture::default();
    let mut by_class: BTreeMap<String, ByPicture> = BTreeMap::new();
    for (index, picture) in pictures.iter().enumerate() {
        all.add(
            index,
            sums_of_picture(picture, names, confidence, |name, sums| {
                by_class.entry(name).or_default().add(index, sums);
            }),
        );
    }
    let mut classes: Vec<(String, ByPicture)> = by_class.into_iter().collect();
    classes.sort_by_key(|(_, boxes)| std::cmp::Reverse(boxes.sum().boxes()));
    let figure = |drawn: &[u32], index: usize| match index.checked_sub(1) {
        None => all.f1(drawn),
        Some(class) => classes.get(class)?.1.f1(drawn),
    };
    let mut ends = intervals(pictures.len(), RESAMPLES, 1 + classes.len(), figure).into_iter();
    let mut next = || ends.next().flatten().unwrap_or(ANYTHING);
    AgreementReport {
        all: all.sum().figures(),
        f1_interval: next(),
        classes: classes.iter().map(|(name, boxes)| boxes.of_class(name, next())).collect(),
        pictures: pictures.len(),
        confidence: f64::from(confidence),
    }
}

/// Boxes by the index of their picture, in rising order.
#[derive(Default)]
struct ByPicture(Vec<(usize, BoxSums)>);

impl ByPicture {
    fn add(&mut self, picture: usize, sums: BoxSums) {
        match self.0.last_mut() {
            Some((last, known)) if *last == picture => *known += sums,
            _ => self.0.push((picture, sums)),
        }
    }

    fn sum(&self) -> BoxSums {
        self.0.iter().map(|(_, sums)| *sums).sum()
    }

    /// F1 where each picture counts as often as it was drawn; none without boxes.
    fn f1(&self, drawn: &[u32]) -> Option<f64> {
        let (matched, boxes) = self.0.iter().fold((0, 0), |(matched, boxes), (picture, sums)| {
            let times = drawn.get(*picture).map_or(0, |times| *times as usize);
            (matched + sums.matched * times, boxes + sums.boxes() * times)
        });
        (boxes > 0).then(|| 2.0 * matched as f64 / boxes as f64)
    }

    /// An interval of a handful of pictures would say more than is known: all of them drawn alike look certain.
    fn of_class(&self, name: &str, interval: [f64; 2]) -> ClassAgreement {
        let f1_interval = if self.0.len() < UNITS_MIN { ANYTHING } else { interval };
        ClassAgreement { name: name.to_owned(), figures: self.sum().figures(), f1_interval, pictures: self.0.len() }
    }
}

/// Counts the boxes of a picture; `class` is told those of each class, in parts.
fn sums_of_picture(
    picture: &ComparedPicture<'_>,
    names: [&[String]; 2],
    confidence: f32,
    mut class: impl FnMut(String, BoxSums),
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
    for (a, b) in &matching.matched {
        class(name(of_reference, reference[*a].class_id), BoxSums::of_pair(&reference[*a], &candidate[*b]));
    }
    for a in &matching.only_a {
        class(name(of_reference, reference[*a].class_id), BoxSums { only_reference: 1, ..BoxSums::default() });
    }
    for b in &matching.only_b {
        class(name(of_candidate, candidate[*b].class_id), BoxSums { only_candidate: 1, ..BoxSums::default() });
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
    fn a_class_has_an_interval_of_the_pictures_that_show_it() {
        // Cats are always found by both. Every second dog is missed. A bird is on three pictures only.
        let (cat, dog, bird) = (found(0, 0.9, 0.0), found(1, 0.9, 100.0), found(2, 0.9, 200.0));
        let reference: Vec<Vec<Detection>> =
            (0..64).map(|index| [cat, dog].into_iter().chain((index < 3).then_some(bird)).collect()).collect();
        let candidate: Vec<Vec<Detection>> = (0..64)
            .map(|index| reference[index].iter().filter(|d| d.class_id != 1 || index % 2 == 0).copied().collect())
            .collect();
        let pictures: Vec<_> = reference
            .iter()
            .zip(&candidate)
            .map(|(reference, candidate)| ComparedPicture { reference, candidate })
            .collect();
        let labels = names(&["cat", "dog", "bird"]);
        let report = agreement(&pictures, [&labels, &labels], 0.25);
        let class = |name: &str| report.classes.iter().find(|class| class.name == name).unwrap();
        assert_eq!((class("cat").f1_interval, class("cat").pictures), ([1.0, 1.0], 64));
        let [low, high] = class("dog").f1_interval;
        let f1 = class("dog").figures.f1;
        assert!((f1 - 2.0 / 3.0).abs() < 1e-9 && low < f1 && f1 < high, "{low} … {f1} … {high}");
        // F1 = 2p/(1+p) with p = 1/2 of 64 coins: 1.96 standard errors of p, 0.0625, by the slope 2/(1+p)² = 0.89.
        assert!((f1 - low - 0.109).abs() < 0.025 && (high - f1 - 0.109).abs() < 0.025, "{low} … {high}");
        assert_eq!((class("bird").f1_interval, class("bird").pictures), (ANYTHING, 3), "three pictures say nothing");
        assert!(high - low > report.f1_interval[1] - report.f1_interval[0], "all classes together are surer");
        // Dogs alone: their interval is that of the whole, and the one they have among others.
        let alone: Vec<_> = pictures
            .iter()
            .map(|p| ComparedPicture {
                reference: &p.reference[1..2],
                candidate: p.candidate.get(1..2).filter(|d| d[0].class_id == 1).unwrap_or(&[]),
            })
            .collect();
        let alone = agreement(&alone, [&labels, &labels], 0.25);
        assert_eq!(alone.classes[0].f1_interval, alone.f1_interval);
        assert_eq!(alone.f1_interval, class("dog").f1_interval, "the same resamplings");
    }

    #[test]
    fn models_that_find_nothing_have_no_figures() {
        let nothing = agreement(&[ComparedPicture { reference: &[], candidate: &[] }; 20], [&[], &[]], 0.25);
        assert_eq!((nothing.all.f1, nothing.all.reference_boxes, nothing.f1_interval), (0.0, 0, [0.0, 1.0]));
        assert!(nothing.classes.is_empty());
    }
}
