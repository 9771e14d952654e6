//! Values for this folder's tests.

use crate::capture::CapturedFrame;
use crate::imaging::{BoxInImage, ImageSize, ResizeMode, RgbImage};
use crate::inference::{Detection, Head, LabelSource, ModelCard, ModelInfo, ModelOverrides, Precision, StageTimings};
use crate::onnx::Quantization;
use crate::pipeline::{FrameAgreement, FrameId, FrameResult, LaneId, LaneResult, Mode, Statistics};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A model of three classes.
pub fn model_info(path: &str, precision: Precision, bytes: u64) -> ModelInfo {
    let card = ModelCard {
        scale: 1.0,
        resize: ResizeMode::LetterboxTopLeft,
        labels: ["stop", "yield", "roundabout"].map(str::to_owned).to_vec(),
        labels_from: LabelSource::Metadata,
        ..ModelCard::usual(Head::BoxesScores, ImageSize::new(320, 320))
    };
    let provider = "CPU".to_owned();
    ModelInfo {
        path: path.into(),
        bytes,
        precision,
        quantization: Quantization::default(),
        executed: None,
        acceleration: Default::default(),
        recognised: card.clone(),
        card,
        set: None,
        given: ModelOverrides::default(),
        evidence: Vec::new(),
        threads: 2,
        spinning: false,
        tuned_by: Default::default(),
        provider,
    }
}

/// A grey frame on which A found two boxes and B one of them.
pub fn frame_result(id: u64, mode: Mode) -> FrameResult {
    let detection = |class_id, score, x| Detection { class_id, score, rect: BoxInImage::new(x, 60.0, x + 50.0, 120.0) };
    let lane = |path, precision, detections| LaneResult {
        model: Arc::new(model_info(path, precision, 1_000)),
        detections,
        timings: StageTimings::default(),
    };
    let a = lane("a.onnx", Precision::Fp32, vec![detection(0, 0.9, 40.0), detection(1, 0.6, 150.0)]);
    let b = lane("a.int8.onnx", Precision::Int8, vec![detection(0, 0.8, 42.0)]);
    let compared = mode == Mode::Compare;
    FrameResult {
        id: FrameId(id),
        frame: CapturedFrame {
            image: Arc::new(RgbImage::from_pixel(320, 240, image::Rgb([90, 90, 90]))),
            captured_at: Instant::now(),
            decode_time: Duration::ZERO,
            position: None,
            name: "street scene.jpg".into(),
            truth: None,
            losses: None,
        },
        mode,
        lanes: [mode.runs(LaneId::A).then_some(a), mode.runs(LaneId::B).then_some(b)],
        agreement: compared.then(|| FrameAgreement { matched: vec![(0, 0)], only_a: vec![1], only_b: vec![] }),
        frame_to_box: Duration::from_millis(12),
        statistics: Arc::new(Statistics::default()),
    }
}
