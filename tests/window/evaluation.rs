//! An evaluation made by hand: a reference and two candidates on pictures of the demo scene.

use quantscope::dataset::ProblemKind;
use quantscope::evaluate::{
    ComparedWithReference, CountedProblem, DatasetFacts, Evaluation, EvaluationSettings, ModelEvaluation, NamedBox,
    PictureDifference, Quantiles, Versions,
};
use quantscope::imaging::{ImageSize, Truth};
use quantscope::inference::{Acceleration, accelerate::PictureForm};
use quantscope::metrics::{
    AccuracyReport, AgreementFigures, AgreementReport, ClassAgreement, ClassFigures, CocoFigures, Confusion,
    F1AtConfidence, PrecisionAtRecall,
};
use quantscope::runtime::MachineInfo;
use quantscope::scene::{CLASS_NAMES, still};
use std::path::Path;

const SIZE: ImageSize = ImageSize { width: 320, height: 320 };

/// Everything complete; `pictures` of the scene are written to `folder`, one a difference.
pub fn evaluation(folder: &Path, pictures: usize) -> Evaluation {
    let models = vec![
        model("/models/scene.onnx", "FP32", 3_400_000, 0.85, 21.4),
        model("/models/scene.int8.onnx", "INT8 (QDQ)", 1_000_000, 0.79, 11.2),
        model("/models/scene.qat.int8.onnx", "INT8 (QDQ)", 1_000_000, 0.843, 11.3),
    ];
    let count = |kind, count, example: &str| CountedProblem { kind, count, examples: vec![example.to_owned()] };
    Evaluation {
        begun: 1_764_000_000,
        machine: MachineInfo::read(),
        versions: Versions { quantscope: "0.1.0".into(), onnxruntime: "1.32.0".into() },
        settings: EvaluationSettings {
            confidence: 0.25,
            iou: 0.65,
            score_floor: 0.001,
            boxes_a_picture: 100,
            threads: 1,
            lanes: 2,
            limit: None,
            command: "quantscope eval /data/signs/instances.json --model scene.onnx --model scene.int8.onnx".into(),
        },
        dataset: DatasetFacts {
            path: "/data/signs/instances.json".into(),
            labelled: true,
            images: 200,
            boxes: 1451,
            classes: CLASS_NAMES.len(),
            problems: vec![
                count(ProblemKind::MissingPicture, 2, "images/000017.jpg: no such file; its 3 objects are left out"),
                count(ProblemKind::OutsidePicture, 14, "annotation 31 of images/000004.jpg: cut at the right edge"),
            ],
        },
        agreement: vec![compared(1, -0.06, 0.012), compared(2, -0.007, 0.010)],
        models,
        differences: (0..pictures).map(|index| difference(folder, index)).collect(),
        complete: true,
        seconds: 4.2,
    }
}

fn coco(ap: f64) -> CocoFigures {
    let figure = |factor: f64| Some((ap * factor).min(1.0));
    CocoFigures {
        ap: Some(ap),
        ap50: figure(1.12),
        ap75: figure(1.05),
        ap_small: figure(0.7),
        ap_medium: figure(1.0),
        ap_large: None,
        ar1: figure(0.8),
        ar10: figure(1.0),
        ar100: figure(1.03),
        ar_small: figure(0.75),
        ar_medium: figure(1.0),
        ar_large: None,
    }
}

/// As models in integers are, mostly.
fn accelerated(numbers: &str) -> Acceleration {
    match numbers {
        "FP32" => Acceleration::NothingToDo,
        _ => Acceleration::Done {
            look_ups: 57,
            convolutions: 0,
            nodes: 114,
            conversions: 1,
            kernel: "avx2",
            picture: PictureForm::Bytes,
            gain: 1.5,
            predicted: Some(1.45),
        },
    }
}

fn model(path: &str, numbers: &str, bytes: u64, ap: f64, ms: f32) -> ModelEvaluation {
    ModelEvaluation {
        path: path.into(),
        precision: if numbers == "FP32" { "fp32" } else { "int8" }.into(),
        numbers: numbers.into(),
        bytes,
        sha256: "0".repeat(64),
        threads: 1,
        acceleration: accelerated(numbers),
        pictures: 200,
        coco: coco(ap),
        accuracy: Some(accuracy(ap)),
        latency_ms: Quantiles { p50: ms, p95: ms * 1.3, p99: ms * 1.6 },
        pictures_per_second: 90.0,
        unmatched_dataset_classes: vec!["traffic light".into()],
        unmatched_model_classes: Vec::new(),
        warnings: Vec::new(),
        error: None,
    }
}

fn accuracy(ap: f64) -> AccuracyReport {
    let f1_at = |confidence: f64| {
        let recall = ap.sqrt() * (1.0 - confidence.powi(3));
        let precision = (0.35 + 0.65 * confidence.powf(0.35 / ap)).min(1.0);
        F1AtConfidence { confidence, precision, recall, f1: 2.0 * precision * recall / (precision + recall).max(1e-9) }
    };
    let f1: Vec<_> = (0..=100).map(|step| f1_at(f64::from(step) / 100.0)).collect();
    let precision = |recall: f64| if recall < ap + 0.1 { 1.0 - 0.3 * recall.powi(6) / ap } else { 0.0 };
    AccuracyReport {
        coco: coco(ap),
        classes: CLASS_NAMES.iter().enumerate().map(|(class, name)| class_figures(class, name, ap)).collect(),
        precision_recall: (0..=100)
            .map(|step| f64::from(step) / 100.0)
            .map(|recall| PrecisionAtRecall { recall, precision: precision(recall) })
            .collect(),
        best: f1.iter().copied().max_by(|a, b| a.f1.total_cmp(&b.f1)),
        f1,
        confusion: confusion(),
    }
}

fn class_figures(class: usize, name: &str, ap: f64) -> ClassFigures {
    let objects = if name == "traffic light" { 0 } else { 60 + class * 13 % 70 };
    let ap = (objects > 0).then(|| (ap + (class as f64 * 1.7).sin() * (1.0 - ap) * 0.7).clamp(0.0, 1.0));
    ClassFigures { class, name: name.to_owned(), objects, ap, ap50: ap.map(|ap| (ap + 0.1).min(1.0)), ar100: ap }
}

fn confusion() -> Confusion {
    let count = CLASS_NAMES.len();
    let counts = (0..=count).map(|row| {
        let times = |column: usize| match (row, column) {
            (row, column) if row == count && column == count => 0,
            (row, column) if row == column => 80 + (row * 7 % 30) as u64,
            (3, 4) => 12,
            (4, 5) => 7,
            (row, column) if (row * 5 + column * 3) % 11 == 0 => (row + column) as u64 % 5,
            _ => 0,
        };
        (0..=count).map(times).collect()
    });
    Confusion { confidence: 0.42, classes: CLASS_NAMES.map(str::to_owned).to_vec(), counts: counts.collect() }
}

fn compared(candidate: usize, difference: f64, around: f64) -> ComparedWithReference {
    let figures = AgreementFigures {
        precision: 0.981,
        recall: 0.962,
        f1: 0.971,
        mean_iou: 0.942,
        mean_score_delta: 0.021,
        reference_boxes: 1402,
        candidate_boxes: 1387,
    };
    let details = AgreementReport {
        all: figures,
        f1_interval: [0.952, 0.984],
        classes: vec![
            ClassAgreement { name: "stop".into(), figures, f1_interval: [0.93, 0.99], pictures: 61 },
            ClassAgreement { name: "yield".into(), figures, f1_interval: [0.0, 1.0], pictures: 4 },
        ],
        pictures: 200,
        confidence: 0.25,
    };
    ComparedWithReference {
        reference: 0,
        candidate,
        figures,
        details,
        ap_difference: Some(difference),
        ap_difference_interval: Some([difference - around, difference + around]),
        ap_verdict: None,
    }
}

/// A picture of the scene. The reference finds all but the last object, the candidate all but the first, and something
/// that is not there.
fn difference(folder: &Path, index: usize) -> PictureDifference {
    let (picture, truth) = still(7, index as u64, SIZE);
    let path = folder.join(format!("{index:06}.png"));
    picture.save(&path).unwrap();
    let last = truth.boxes.len().saturating_sub(1);
    let named = |truth: &Truth, at: usize, score, matched| {
        let (sign, shift) = (&truth.boxes[at], if score == Some(0.8) { 1.5 } else { 0.0 });
        let rect = [sign.rect.x1 + shift, sign.rect.y1 + shift, sign.rect.x2 + shift, sign.rect.y2 + shift];
        NamedBox { label: CLASS_NAMES[sign.class_id as usize].into(), class_id: sign.class_id, score, rect, matched }
    };
    let all = 0..truth.boxes.len();
    let ghost = NamedBox {
        label: "stop".into(),
        class_id: 0,
        score: Some(0.31),
        rect: [20.0, 230.0, 80.0, 290.0],
        matched: false,
    };
    let reference = all.clone().filter(|at| *at != last || last == 0);
    let candidate = all.clone().filter(|at| *at != 0);
    PictureDifference {
        path,
        size: SIZE,
        candidate: 1 + index % 2,
        different_boxes: 3,
        same_boxes: truth.boxes.len().saturating_sub(2),
        truth: all.map(|at| named(&truth, at, None, at != 0 && at != last)).collect(),
        reference_boxes: reference.map(|at| named(&truth, at, Some(0.9), at != 0)).collect(),
        candidate_boxes: candidate.map(|at| named(&truth, at, Some(0.8), at != last)).chain([ghost]).collect(),
    }
}
