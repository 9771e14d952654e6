//! COCO's figures, curves and confusion.

use super::common::shared;
use super::support::{LabelledSet, labelled, object, scored, twelve};
use quantscope::dataset::DatasetClass;
use quantscope::metrics::{AccuracyReport, accuracy};
use serde_json::Value;

/// Where pycocotools was run itself.
const EXACT: f64 = 1e-9;
/// The reference file has five digits.
const FIVE_DIGITS: f64 = 0.5e-5 + 1e-9;
const COCO_KEYS: [&str; 12] = [
    "ap",
    "ap50",
    "ap75",
    "ap_small",
    "ap_medium",
    "ap_large",
    "ar1",
    "ar10",
    "ar100",
    "ar_small",
    "ar_medium",
    "ar_large",
];

#[track_caller]
fn assert_close(name: &str, ours: Option<f64>, theirs: Option<f64>, tolerance: f64) {
    match (ours, theirs) {
        (Some(a), Some(b)) => assert!((a - b).abs() <= tolerance, "{name}: {a} where pycocotools has {b}"),
        (a, b) => assert_eq!(a, b, "{name}"),
    }
}

#[test]
fn the_twelve_figures_each_class_and_the_curve_equal_pycocotools() {
    let (set, json) = LabelledSet::handmade();
    let report = set.accuracy();
    for (key, ours) in COCO_KEYS.iter().zip(twelve(&report.coco)) {
        assert_close(key, ours, json["expected"]["coco"][key].as_f64(), EXACT);
    }
    let classes = json["expected"]["classes"].as_array().unwrap();
    assert_eq!(report.classes.len(), classes.len(), "each class has objects or detections");
    for (ours, theirs) in report.classes.iter().zip(classes) {
        assert_eq!(ours.name, theirs["name"].as_str().unwrap());
        for (key, value) in [("ap", ours.ap), ("ap50", ours.ap50), ("ar100", ours.ar100)] {
            assert_close(&format!("{key} of {}", ours.name), value, theirs[key].as_f64(), EXACT);
        }
    }
    let objects: Vec<usize> = report.classes.iter().map(|class| class.objects).collect();
    let counted = |class: usize| {
        let boxes = set.pictures.iter().flat_map(|picture| &picture.boxes);
        boxes.filter(|object| object.class == class && !object.ignored).count()
    };
    assert_eq!(objects, (0..5).map(counted).collect::<Vec<_>>());
    let curve = json["expected"]["precision_recall"].as_array().unwrap();
    assert_eq!(report.precision_recall.len(), curve.len());
    for (point, precision) in report.precision_recall.iter().zip(curve) {
        assert_close(
            &format!("precision at recall {}", point.recall),
            Some(point.precision),
            precision.as_f64(),
            EXACT,
        );
    }
}

#[test]
fn classes_that_the_model_does_not_know_change_nothing() {
    let (set, json) = LabelledSet::handmade();
    let report = accuracy(&set.classes, &[true, false, true, false, false], &set.judged());
    for (key, ours) in COCO_KEYS.iter().zip(twelve(&report.coco)) {
        assert_close(key, ours, json["expected_subset"][key].as_f64(), EXACT);
    }
    assert_eq!(report.classes.iter().map(|class| class.class).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(report.confusion.classes, ["car", "sign"]);
    assert_eq!(accuracy(&set.classes, &[], &set.judged()), AccuracyReport::default(), "nothing is known");
}

#[test]
fn a_real_model_on_real_pictures_scores_as_pycocotools_says() {
    let (Some(truth), Some(found), Some(expected)) = (
        shared("coco/instances_val.json"),
        shared("coco/reference/yolox_nano_detections.json"),
        shared("coco/reference/yolox_nano_pycocotools.json"),
    ) else {
        return;
    };
    let set = LabelledSet::coco(&truth, &found);
    let expected: Value = serde_json::from_slice(&std::fs::read(expected).unwrap()).unwrap();
    let report = set.accuracy();
    let keys = [
        "AP",
        "AP50",
        "AP75",
        "AP_small",
        "AP_medium",
        "AP_large",
        "AR1",
        "AR10",
        "AR100",
        "AR_small",
        "AR_medium",
        "AR_large",
    ];
    for (key, ours) in keys.iter().zip(twelve(&report.coco)) {
        assert_close(key, ours, expected[key].as_f64(), FIVE_DIGITS);
    }
    let best = report.best.unwrap();
    println!("best F1 {:.3} at {:.2}, {} classes", best.f1, best.confidence, report.classes.len());
    assert!(best.confidence > 0.05 && best.confidence < 0.9 && best.f1 > 0.3);
    let counted: u64 = report.confusion.counts.iter().take(report.confusion.classes.len()).flatten().sum();
    assert_eq!(counted, expected["boxes"].as_u64().unwrap(), "every object is in one cell of its row");
}

fn two_classes() -> Vec<DatasetClass> {
    ["cat", "dog"].iter().enumerate().map(|(id, name)| DatasetClass { name: (*name).into(), id: id as u64 }).collect()
}

const LEFT: [f64; 4] = [0.0, 0.0, 50.0, 50.0];
const RIGHT: [f64; 4] = [200.0, 0.0, 50.0, 50.0];
const NOWHERE: [f64; 4] = [400.0, 400.0, 30.0, 30.0];

#[test]
fn f1_is_highest_where_false_boxes_end() {
    let picture = labelled(1, [640, 480], vec![object(0, &LEFT, 2500.0, false), object(1, &RIGHT, 2500.0, false)]);
    let detections =
        [scored(0, 0.9, &LEFT), scored(1, 0.4, &RIGHT), scored(1, 0.2, &NOWHERE), scored(0, 0.1, &NOWHERE)];
    let set = LabelledSet { classes: two_classes(), pictures: vec![picture], detections: vec![detections.to_vec()] };
    let report = set.accuracy();
    let best = report.best.unwrap();
    assert_eq!((best.confidence, best.precision, best.recall, best.f1), (0.21, 1.0, 1.0, 1.0));
    let at = |confidence: usize| report.f1[confidence];
    assert_eq!((at(0).precision, at(0).recall), (0.5, 1.0));
    assert_eq!((at(41).precision, at(41).recall), (1.0, 0.5), "the second is below the threshold");
    assert!((at(41).f1 - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(report.f1.len(), 91, "above the highest score there is no precision");
    assert_eq!(report.confusion.confidence, 0.21);
}

#[test]
fn confusion_counts_wrong_names_false_boxes_and_misses() {
    let picture = labelled(
        1,
        [640, 480],
        vec![object(0, &LEFT, 2500.0, false), object(1, &RIGHT, 2500.0, false), object(0, &NOWHERE, 900.0, true)],
    );
    // A dog where the cat is; the dog twice; a box on the ignored region; something where nothing is.
    let found = [
        scored(1, 0.9, &LEFT),
        scored(1, 0.8, &RIGHT),
        scored(1, 0.7, &[201.0, 0.0, 50.0, 50.0]),
        scored(0, 0.6, &NOWHERE),
        scored(0, 0.5, &[100.0, 300.0, 20.0, 20.0]),
    ];
    let empty = labelled(2, [640, 480], vec![object(0, &LEFT, 2500.0, false)]);
    let set = LabelledSet {
        classes: two_classes(),
        pictures: vec![picture, empty],
        detections: vec![found.to_vec(), vec![]],
    };
    let report = set.accuracy();
    assert_eq!(report.confusion.classes, ["cat", "dog"]);
    let (confidence, counts) = (report.confusion.confidence, &report.confusion.counts);
    // At the best threshold, above the second dog.
    assert_eq!(confidence, report.best.unwrap().confidence);
    assert_eq!(*counts, [[0, 1, 1], [0, 1, 0], [0, 0, 0]], "at {confidence}");
    let without_best = LabelledSet { detections: vec![found[4..].to_vec(), vec![]], ..set };
    let report = without_best.accuracy();
    assert_eq!(report.best, None, "nothing is right at any threshold");
    assert_eq!(report.confusion.confidence, 0.25, "the program's own threshold");
    assert_eq!(report.confusion.counts, [[0, 0, 2], [0, 0, 1], [1, 0, 0]]);
}

#[test]
fn odd_numbers_and_empty_sets_do_no_harm() {
    let (mut set, _) = LabelledSet::handmade();
    let clean = set.accuracy();
    for found in &mut set.detections {
        found.push(scored(0, f64::NAN, &LEFT));
        found.push(scored(0, 0.99, &[0.0, f64::INFINITY, 5.0, 5.0]));
        found.push(scored(77, 0.99, &LEFT));
    }
    assert_eq!(set.accuracy(), clean);
    let nothing = LabelledSet { pictures: Vec::new(), detections: Vec::new(), ..set.clone() }.accuracy();
    assert_eq!((nothing.coco.ap, nothing.best, nothing.classes.len()), (None, None, 0));
    let blind = LabelledSet { detections: vec![Vec::new(); set.pictures.len()], ..set.clone() }.accuracy();
    assert_eq!((blind.coco.ap, blind.coco.ar100, blind.best), (Some(0.0), Some(0.0), None));
    let boxless = set.pictures.iter().map(|p| labelled(p.id, [640, 480], vec![])).collect();
    let unlabelled = LabelledSet { pictures: boxless, ..set }.accuracy();
    assert_eq!((unlabelled.coco.ap, unlabelled.f1.len()), (None, 0));
    assert!(!unlabelled.confusion.classes.is_empty(), "false boxes are still shown");
}
