//! An evaluation made by hand: a reference and two candidates on three classes.

use crate::evaluate::{
    ComparedWithReference, DatasetFacts, Evaluation, EvaluationSettings, ModelEvaluation, NamedBox, PictureDifference,
    Quantiles, Versions,
};
use crate::imaging::ImageSize;
use crate::metrics::{
    AccuracyReport, AgreementFigures, AgreementReport, ClassAgreement, ClassFigures, CocoFigures, Confusion,
    F1AtConfidence, PrecisionAtRecall,
};
use crate::runtime::MachineInfo;

/// Classes stop, yield and roundabout, of which the last has no object.
pub fn evaluation() -> Evaluation {
    Evaluation {
        begun: 1_764_000_000,
        machine: MachineInfo::read(),
        versions: Versions { quantscope: "0.1.0".into(), onnxruntime: "1.32.0".into() },
        settings: EvaluationSettings {
            confidence: 0.25,
            iou: 0.45,
            score_floor: 0.001,
            boxes_a_picture: 100,
            threads: 2,
            lanes: 2,
            limit: None,
            command: "quantscope eval /data/signs.json".into(),
        },
        dataset: DatasetFacts {
            path: "/data/signs.json".into(),
            labelled: true,
            images: 200,
            boxes: 90,
            classes: 3,
            problems: Vec::new(),
        },
        models: vec![
            model("/m/a.onnx", "FP32", 3_400_000, [0.85, 0.9, 0.8], 20.0),
            model("/m/a.int8.onnx", "INT8 (QDQ)", 1_000_000, [0.83, 0.88, 0.75], 10.0),
            model("/m/a.qat.onnx", "INT8 (QDQ)", 1_000_000, [0.84, 0.89, 0.78], 10.0),
        ],
        agreement: vec![compared(1, -0.02), compared(2, -0.01)],
        differences: vec![difference("1.jpg", 1, 3), difference("2.jpg", 2, 2), difference("3.jpg", 1, 1)],
        complete: true,
        seconds: 4.2,
    }
}

fn model(path: &str, numbers: &str, bytes: u64, [ap, stop, other]: [f64; 3], ms: f32) -> ModelEvaluation {
    let coco = CocoFigures { ap: Some(ap), ap50: Some(ap + 0.1), ..CocoFigures::default() };
    let class = |class, name: &str, objects, ap: Option<f64>| ClassFigures {
        class,
        name: name.into(),
        objects,
        ap,
        ap50: ap.map(|ap| ap + 0.05),
        ar100: ap,
    };
    let best = F1AtConfidence { confidence: 0.4, precision: 0.9, recall: 0.8, f1: 0.85 };
    let accuracy = AccuracyReport {
        coco,
        classes: vec![
            class(0, "stop", 40, Some(stop)),
            class(1, "yield", 30, Some(other)),
            class(2, "roundabout", 0, None),
        ],
        precision_recall: vec![PrecisionAtRecall { recall: 0.0, precision: 1.0 }],
        f1: vec![best],
        best: Some(best),
        confusion: Confusion {
            confidence: 0.4,
            classes: vec!["stop".into(), "yield".into()],
            counts: vec![vec![36, 3, 1], vec![2, 25, 3], vec![5, 1, 0]],
        },
    };
    ModelEvaluation {
        path: path.into(),
        precision: if numbers == "FP32" { "fp32" } else { "int8" }.into(),
        numbers: numbers.into(),
        bytes,
        sha256: "0".repeat(64),
        threads: 2,
        acceleration: Default::default(),
        pictures: 200,
        coco,
        accuracy: Some(accuracy),
        latency_ms: Quantiles { p50: ms, p95: ms * 1.2, p99: ms * 1.5 },
        pictures_per_second: 50.0,
        unmatched_dataset_classes: Vec::new(),
        unmatched_model_classes: Vec::new(),
        warnings: Vec::new(),
        error: None,
    }
}

fn compared(candidate: usize, difference: f64) -> ComparedWithReference {
    let figures = AgreementFigures {
        precision: 0.98,
        recall: 0.96,
        f1: 0.97,
        mean_iou: 0.94,
        mean_score_delta: 0.02,
        reference_boxes: 100,
        candidate_boxes: 98,
    };
    let details = AgreementReport {
        all: figures,
        f1_interval: [0.95, 0.99],
        classes: ["stop", "not in the data set"].map(|name| class_agreement(name, figures)).to_vec(),
        pictures: 200,
        confidence: 0.25,
    };
    ComparedWithReference {
        reference: 0,
        candidate,
        figures,
        details,
        ap_difference: Some(difference),
        ap_difference_interval: Some([difference - 0.005, difference + 0.005]),
        ap_verdict: None,
    }
}

fn class_agreement(name: &str, figures: AgreementFigures) -> ClassAgreement {
    ClassAgreement { name: name.into(), figures, f1_interval: [0.94, 0.995], pictures: 90 }
}

fn difference(path: &str, candidate: usize, different_boxes: usize) -> PictureDifference {
    let named = |label: &str, class_id, score, matched| NamedBox {
        label: label.into(),
        class_id,
        score,
        rect: [10.0, 20.0, 60.0, 70.0],
        matched,
    };
    PictureDifference {
        path: path.into(),
        size: ImageSize::new(320, 240),
        candidate,
        different_boxes,
        same_boxes: 1,
        truth: vec![named("stop", 0, None, true)],
        reference_boxes: vec![named("stop", 0, Some(0.9), true)],
        candidate_boxes: vec![named("stop", 0, Some(0.8), true), named("yield", 1, Some(0.3), false)],
    }
}
