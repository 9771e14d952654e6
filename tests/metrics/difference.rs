//! Whether a difference in AP is more than noise.

use super::common::shared;
use super::support::LabelledSet;
use quantscope::metrics::{ApDifference, ApVerdict, ScoredBox, ap_difference};
use std::time::Instant;

fn difference(set: &LabelledSet, candidate: &[Vec<ScoredBox>]) -> Option<ApDifference> {
    let pictures: Vec<_> = set
        .pictures
        .iter()
        .zip(&set.detections)
        .zip(candidate)
        .map(|((truth, a), b)| (truth, a.as_slice(), b.as_slice()))
        .collect();
    ap_difference(&vec![true; set.classes.len()], &pictures)
}

/// Every `nth` detection is lost.
fn thinned(set: &LabelledSet, nth: usize) -> Vec<Vec<ScoredBox>> {
    let mut count = 0;
    let mut keep = |_: &&ScoredBox| {
        count += 1;
        count % nth != 0
    };
    set.detections.iter().map(|found| found.iter().filter(&mut keep).copied().collect()).collect()
}

#[test]
fn the_difference_is_that_of_the_two_figures() {
    let (set, _) = LabelledSet::handmade();
    let candidate = thinned(&set, 5);
    let found = difference(&set, &candidate).unwrap();
    let ap = |detections: &[Vec<ScoredBox>]| {
        LabelledSet { detections: detections.to_vec(), ..set.clone() }.accuracy().coco.ap.unwrap()
    };
    assert!((found.difference - (ap(&candidate) - ap(&set.detections))).abs() < 1e-12);
    assert_eq!((found.pictures, found.resamples), (14, 1000));
    let [low, high] = found.interval.unwrap();
    assert!(low < found.difference && found.difference < high && high - low > 0.01, "{low} … {high}");
    assert_eq!(difference(&set, &candidate), Some(found), "the seed is fixed");
}

#[test]
fn small_sets_leave_small_differences_in_the_noise_and_large_ones_do_not() {
    let (small, _) = LabelledSet::handmade();
    let verdict = |set: &LabelledSet, nth: usize| difference(set, &thinned(set, nth)).unwrap().verdict();
    assert_eq!(verdict(&small, 40), ApVerdict::WithinNoise { pictures: 14 });
    assert_eq!(verdict(&small, 40).to_string(), "the difference is within the noise of 14 pictures");
    assert_eq!(verdict(&small, 1), ApVerdict::Worse, "nothing is left");
    assert_eq!(difference(&small, &small.detections).unwrap().interval, Some([0.0, 0.0]));
    let large = small.repeated(60);
    assert_eq!(verdict(&large, 9), ApVerdict::Worse);
    let worse = LabelledSet { detections: thinned(&large, 9), ..large.clone() };
    assert_eq!(difference(&worse, &large.detections).unwrap().verdict(), ApVerdict::Better);
}

#[test]
fn few_pictures_or_none_are_said_to_be_so() {
    let (set, _) = LabelledSet::handmade();
    let few = LabelledSet { pictures: set.pictures[..3].to_vec(), detections: set.detections[..3].to_vec(), ..set };
    let found = difference(&few, &thinned(&few, 2)).unwrap();
    assert_eq!((found.interval, found.resamples), (None, 0));
    assert_eq!(found.verdict().to_string(), "3 pictures are too few to tell");
    assert_eq!(ap_difference(&[true], &[]), None);
    assert_eq!(difference(&LabelledSet { pictures: vec![], detections: vec![], ..few }, &[]), None);
}

#[test]
fn a_real_set_takes_no_time_worth_mentioning() {
    let (Some(truth), Some(found)) =
        (shared("coco/instances_val.json"), shared("coco/reference/yolox_nano_detections.json"))
    else {
        return;
    };
    let set = LabelledSet::coco(&truth, &found);
    let begun = Instant::now();
    let found = difference(&set, &thinned(&set, 30)).unwrap();
    println!("{found:?}: {} in {:?}", found.verdict(), begun.elapsed());
    assert_eq!(found.verdict(), ApVerdict::WithinNoise { pictures: 64 });
    assert!(begun.elapsed().as_secs() < 20, "even unoptimized on a busy machine");
}

/// Not part of the run: `cargo test --test metrics -- --ignored --nocapture` on a machine at rest.
#[test]
#[ignore = "a measurement"]
fn measure_five_thousand_pictures() {
    let (Some(truth), Some(found)) =
        (shared("coco/instances_val.json"), shared("coco/reference/yolox_nano_detections.json"))
    else {
        return;
    };
    let small = LabelledSet::coco(&truth, &found);
    for copies in [1, 8, 78] {
        let set = small.repeated(copies);
        let begun = Instant::now();
        let report = set.accuracy();
        println!("{} pictures: AP {:?} in {:?}", set.pictures.len(), report.coco.ap, begun.elapsed());
        let (candidate, begun) = (thinned(&set, 30), Instant::now());
        let found = difference(&set, &candidate).unwrap();
        println!(
            "  {:?} of {:?}, {} resamples, in {:?}",
            found.interval,
            found.difference,
            found.resamples,
            begun.elapsed()
        );
    }
}
