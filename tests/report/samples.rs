//! Evaluations and benchmarks made by hand, with pictures of the demo scene.

use quantscope::benchmark::{Benchmark, BenchmarkedModel, Disturbance, StageQuantiles};
use quantscope::dataset::ProblemKind;
use quantscope::evaluate::{
    ComparedWithReference, CountedProblem, DatasetFacts, Evaluation, EvaluationSettings, ModelEvaluation, NamedBox,
    PictureDifference, Quantiles, Versions,
};
use quantscope::imaging::ImageSize;
use quantscope::inference::{Acceleration, accelerate::PictureForm};
use quantscope::metrics::{
    AccuracyReport, AgreementFigures, AgreementReport, ClassAgreement, ClassFigures, CocoFigures, Confusion,
    F1AtConfidence, PrecisionAtRecall,
};
use quantscope::runtime::MachineInfo;
use quantscope::scene;
use std::path::{Path, PathBuf};

/// Files, precisions, AP and latency of made-up models.
const MODELS: [(&str, &str, &str, f64, f32, u64); 5] = [
    ("models/yolox_nano.onnx", "fp32", "FP32", 0.332, 9.81, 3_659_000),
    ("models/yolox_nano_int8.onnx", "int8", "INT8 (QDQ)", 0.331, 4.62, 1_020_000),
    ("models/yolox_nano_int8_tensor.onnx", "int8", "INT8 (QDQ)", 0.297, 4.41, 1_004_000),
    ("models/yolox_nano_fp16.onnx", "fp16", "FP16", 0.332, 10.9, 1_840_000),
    ("models/yolox_nano_mixed_first_and_last_layers_float.onnx", "mixed", "mixed", 0.3305, 5.2, 1_260_000),
];

pub fn machine() -> MachineInfo {
    MachineInfo {
        board: None,
        cpu: "AMD EPYC 9B14".to_owned(),
        architecture: "x86_64".to_owned(),
        physical_cores: Some(2),
        logical_cores: 2,
        memory_bytes: Some(8 << 30),
        os: "Linux (Debian GNU/Linux 12)".to_owned(),
        cpu_features: ["avx2", "avx512f", "avx512vnni"].map(str::to_owned).to_vec(),
    }
}

fn versions() -> Versions {
    Versions { quantscope: "0.1.0".to_owned(), onnxruntime: "1.22.0".to_owned() }
}

/// `models` models, the first five of them named, on `classes` classes.
pub fn evaluation(models: usize, classes: &[&str]) -> Evaluation {
    let candidates = 1..models;
    let interval = |index: usize| (index != 3).then(|| if index == 2 { [-0.048, -0.019] } else { [-0.0062, 0.0041] });
    Evaluation {
        begun: 1_795_426_560,
        machine: machine(),
        versions: versions(),
        settings: EvaluationSettings {
            confidence: 0.25,
            iou: 0.45,
            score_floor: 0.001,
            boxes_a_picture: 100,
            threads: 2,
            lanes: 2,
            limit: None,
            command: "quantscope eval coco/instances_val.json --model models/yolox_nano.onnx --report report.html"
                .to_owned(),
        },
        dataset: DatasetFacts {
            path: "coco/instances_val.json".into(),
            labelled: true,
            images: 64,
            boxes: 451,
            classes: classes.len(),
            problems: Vec::new(),
        },
        models: (0..models).map(|index| model(index, classes)).collect(),
        agreement: candidates
            .map(|candidate| ComparedWithReference {
                reference: 0,
                candidate,
                figures: agreement(candidate),
                details: AgreementReport {
                    all: agreement(candidate),
                    f1_interval: [agreement(candidate).f1 - 0.014, agreement(candidate).f1 + 0.012],
                    classes: classes
                        .iter()
                        .enumerate()
                        .map(|(index, name)| ClassAgreement {
                            name: (*name).to_owned(),
                            figures: agreement(candidate),
                            f1_interval: if index == 0 { [0.931, 0.988] } else { [0.0, 1.0] },
                            pictures: 30 / (1 + 9 * index.min(1)),
                        })
                        .collect(),
                    pictures: 64,
                    confidence: 0.25,
                },
                ap_difference: Some(MODELS[candidate % MODELS.len()].3 - MODELS[0].3),
                ap_difference_interval: interval(candidate),
                ap_verdict: None,
            })
            .collect(),
        differences: Vec::new(),
        complete: true,
        seconds: 6.4,
    }
}

fn agreement(candidate: usize) -> AgreementFigures {
    AgreementFigures {
        precision: 0.971 - candidate as f64 * 0.01,
        recall: 0.959,
        f1: 0.965 - candidate as f64 * 0.005,
        mean_iou: 0.94,
        mean_score_delta: 0.021,
        reference_boxes: 380,
        candidate_boxes: 377,
    }
}

/// As models in integers are, mostly.
fn accelerated(precision: &str) -> Acceleration {
    match precision {
        "int8" => Acceleration::Done {
            look_ups: 57,
            convolutions: 0,
            nodes: 114,
            conversions: 1,
            kernel: "avx2",
            picture: PictureForm::Bytes,
            gain: 1.5,
            predicted: Some(1.45),
        },
        _ => Acceleration::NothingToDo,
    }
}

fn model(index: usize, classes: &[&str]) -> ModelEvaluation {
    let (path, precision, numbers, ap, latency, bytes) = MODELS[index % MODELS.len()];
    let latency_ms = Quantiles { p50: latency, p95: latency * 1.12, p99: latency * 1.31 };
    ModelEvaluation {
        path: path.into(),
        precision: precision.to_owned(),
        numbers: numbers.to_owned(),
        bytes,
        sha256: format!("{index:02x}").repeat(32),
        threads: 2,
        acceleration: accelerated(precision),
        pictures: 64,
        coco: coco(ap),
        accuracy: Some(accuracy(ap, classes)),
        latency_ms,
        pictures_per_second: 1400.0 / f64::from(latency),
        unmatched_dataset_classes: Vec::new(),
        unmatched_model_classes: Vec::new(),
        warnings: Vec::new(),
        error: None,
    }
}

fn coco(ap: f64) -> CocoFigures {
    CocoFigures {
        ap: Some(ap),
        ap50: Some(ap * 1.5),
        ap75: Some(ap * 1.05),
        ap_small: None,
        ap_medium: Some(ap * 1.1),
        ap_large: Some(ap * 1.6),
        ar1: Some(ap * 0.9),
        ar10: Some(ap * 1.2),
        ar100: Some(ap * 1.25),
        ar_small: None,
        ar_medium: Some(ap * 1.3),
        ar_large: Some(ap * 1.9),
    }
}

fn accuracy(ap: f64, classes: &[&str]) -> AccuracyReport {
    let f1: Vec<F1AtConfidence> = (0..=100)
        .map(|step| {
            let confidence = f64::from(step) / 100.0;
            let precision = (0.25 + 0.75 * confidence.sqrt()).min(1.0);
            let recall = (1.0 - confidence.powi(2)) * (0.3 + ap);
            F1AtConfidence { confidence, precision, recall, f1: 2.0 * precision * recall / (precision + recall) }
        })
        .collect();
    let best = f1.iter().copied().max_by(|a, b| a.f1.total_cmp(&b.f1));
    AccuracyReport {
        coco: coco(ap),
        classes: classes
            .iter()
            .enumerate()
            .map(|(class, name)| {
                let own = (ap + 0.4 * ((class * 37 % 11) as f64 / 11.0 - 0.4)).clamp(0.0, 1.0);
                ClassFigures {
                    class,
                    name: (*name).to_owned(),
                    objects: 400 / (class + 1),
                    ap: (class % 9 != 8).then_some(own),
                    ap50: Some((own * 1.5).min(1.0)),
                    ar100: Some((own * 1.2).min(1.0)),
                }
            })
            .collect(),
        precision_recall: (0..=100)
            .map(|step| {
                let recall = f64::from(step) / 100.0;
                PrecisionAtRecall { recall, precision: (1.0 - (recall / (ap + 0.45)).powi(3)).max(0.0) }
            })
            .collect(),
        f1,
        best,
        confusion: confusion(classes),
    }
}

fn confusion(classes: &[&str]) -> Confusion {
    let count = classes.len();
    let counts = (0..=count)
        .map(|row| {
            (0..=count)
                .map(|column| match (row == count, column == count) {
                    (true, true) => 0,
                    (true, false) => (column * 7 % 5) as u64,
                    (false, true) => (60 / (row + 2)) as u64,
                    _ if row == column => (200 / (row + 1)) as u64,
                    _ => u64::from(row.abs_diff(column) == 1) * (12 / (row + 1)) as u64,
                })
                .collect()
        })
        .collect();
    Confusion { confidence: 0.36, classes: classes.iter().map(|name| (*name).to_owned()).collect(), counts }
}

/// `models` models, each with these numbers of threads.
pub fn benchmark(models: usize, threads: &[usize]) -> Benchmark {
    let settings = (0..models).flat_map(|index| threads.iter().map(move |&threads| (index, threads)));
    Benchmark {
        begun: 1_795_430_160,
        machine: machine(),
        versions: versions(),
        source: "demo".to_owned(),
        frame_size: "1280x720".to_owned(),
        command: "quantscope bench --model models/yolox_nano.onnx --model models/yolox_nano_int8.onnx".to_owned(),
        models: settings.map(|(index, count)| benchmarked(index, count, threads[0])).collect(),
        failures: Vec::new(),
        noise: None,
        disturbance: Some(Disturbance { others: 0.021, stolen: 0.0 }),
        rounds: 10,
        complete: true,
        conclusions: vec!["INT8 is 2.1× faster than FP32 [2.08×, 2.16×].".to_owned()],
        notes: vec!["Energy is not told: /sys/class/powercap may be read by root only.".to_owned()],
    }
}

fn benchmarked(index: usize, threads: usize, first_threads: usize) -> BenchmarkedModel {
    let (path, precision, numbers, _, latency, bytes) = MODELS[index % MODELS.len()];
    let with = |latency: f32, threads: usize| latency / (threads as f32).powf(0.7) * 2f32.powf(0.7);
    let latency = with(latency, threads);
    let quantiles = |p50: f32| Quantiles { p50, p95: p50 * 1.1, p99: p50 * 1.3 };
    let ratio = f64::from(latency / with(MODELS[0].4, first_threads));
    BenchmarkedModel {
        path: path.into(),
        precision: precision.to_owned(),
        numbers: numbers.to_owned(),
        bytes,
        sha256: format!("{index:02x}").repeat(32),
        provider: "cpu".to_owned(),
        threads,
        acceleration: accelerated(precision),
        frames: 200,
        fps: 1000.0 / f64::from(latency) * 1.05,
        session_only_fps: 1000.0 / f64::from(latency) * 1.08,
        pipeline_efficiency: 0.97,
        stages_ms: StageQuantiles {
            preprocess: quantiles(0.4),
            inference: quantiles(latency - 0.6),
            postprocess: quantiles(0.15),
            total: quantiles(latency),
        },
        session_only_ms: quantiles(latency - 0.65),
        latency_ratio: ratio,
        latency_ratio_interval: [ratio - 0.01, ratio + 0.012],
        spread: 0.018,
        cpu_ms_per_frame: Some(f64::from(latency) * 1.9),
        millijoule_per_frame: None,
        peak_rss_bytes: Some(84 << 20),
    }
}

/// Adds a difference a picture: pictures of the demo scene in `folder`, boxes that are almost right.
pub fn add_differences(evaluation: &mut Evaluation, folder: &Path, count: u64) {
    let size = ImageSize::new(640, 400);
    for index in 0..count {
        let (picture, truth) = scene::still(7, index, size);
        let path: PathBuf = folder.join(format!("{index:06}.jpg"));
        picture.save(&path).unwrap();
        let named = |shift: f32, score: Option<f32>, left_out: usize| -> Vec<NamedBox> {
            let boxes = truth.boxes.iter().enumerate().filter(|(number, _)| *number != left_out);
            boxes
                .map(|(number, sign)| NamedBox {
                    label: scene::CLASS_NAMES[sign.class_id as usize].to_owned(),
                    class_id: sign.class_id,
                    score: score.map(|score| score - number as f32 * 0.07),
                    rect: [sign.rect.x1 + shift, sign.rect.y1 - shift, sign.rect.x2 + shift * 2.0, sign.rect.y2],
                    matched: number != 0,
                })
                .collect()
        };
        let candidate = 1 + index as usize % (evaluation.models.len() - 1);
        evaluation.differences.push(PictureDifference {
            path,
            size,
            candidate,
            different_boxes: 2,
            same_boxes: truth.boxes.len().saturating_sub(1),
            truth: named(0.0, None, usize::MAX),
            reference_boxes: named(1.5, Some(0.93), usize::MAX),
            candidate_boxes: named(-2.0, Some(0.88), 0),
        });
    }
}

/// Wrong entries of two kinds, and classes that do not match.
pub fn add_problems(evaluation: &mut Evaluation) {
    let counted = |kind, count, example: &str| CountedProblem { kind, count, examples: vec![example.to_owned()] };
    evaluation.dataset.problems = vec![
        counted(
            ProblemKind::MissingPicture,
            3,
            "images/000012.jpg: is listed and not there; its 4 objects are left out",
        ),
        counted(ProblemKind::OutsidePicture, 1, "annotation 17: lies 12 pixels outside its picture; it was clipped"),
    ];
    evaluation.models[0].unmatched_dataset_classes = vec!["hair drier".to_owned(), "toaster".to_owned()];
}

/// As many classes as COCO has.
pub fn many_classes() -> Vec<String> {
    (1..=80).map(|number| format!("{} {number}", scene::CLASS_NAMES[number % scene::CLASS_NAMES.len()])).collect()
}
