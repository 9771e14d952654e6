//! Frames for the tests of this folder.

use crate::capture::CapturedFrame;
use crate::imaging::{BoxInImage, ImageSize, ResizeMode, RgbImage};
use crate::inference::{Detection, Head, LabelSource, ModelCard, ModelInfo, ModelOverrides, StageTimings};
use crate::onnx::{Precision, Quantization};
use crate::pipeline::{FrameAgreement, FrameId, FrameResult, LaneId, LaneResult, Mode, Statistics};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A model of two classes.
fn model(path: &str, precision: Precision, labels: [&str; 2]) -> Arc<ModelInfo> {
    let card = ModelCard {
        scale: 1.0,
        resize: ResizeMode::LetterboxTopLeft,
        labels: labels.map(str::to_owned).to_vec(),
        labels_from: LabelSource::Metadata,
        ..ModelCard::usual(Head::BoxesScores, ImageSize::new(320, 320))
    };
    Arc::new(ModelInfo {
        path: path.into(),
        bytes: 1000,
        precision,
        quantization: Quantization::default(),
        executed: None,
        acceleration: Default::default(),
        recognised: card.clone(),
        card,
        set: None,
        given: ModelOverrides::default(),
        evidence: Vec::new(),
        threads: 1,
        spinning: false,
        tuned_by: Default::default(),
        provider: "CPU".to_owned(),
    })
}

/// A grey frame on which A found a stop sign and a yield sign, and B the stop sign; B numbers its classes the other
/// way round. Boxes are at 1/8…3/8 and 5/8…7/8 of the width, and at the same height.
pub fn frame(id: u64, mode: Mode, size: ImageSize) -> FrameResult {
    let share = |value: f32| value * size.width as f32;
    let (top, bottom) = (size.height as f32 * 0.4, size.height as f32 * 0.7);
    let found = |class_id, score, left: f32| {
        let rect = BoxInImage::new(share(left), top, share(left + 0.25), bottom);
        Detection { class_id, score, rect }
    };
    let lane = |model, detections| LaneResult { model, detections, timings: StageTimings::default() };
    let a =
        lane(model("/m/a.onnx", Precision::Fp32, ["stop", "yield"]), vec![found(0, 0.9, 0.125), found(1, 0.6, 0.625)]);
    let b = lane(model("/m/a.int8.onnx", Precision::Int8, ["yield", "stop"]), vec![found(1, 0.8, 0.125)]);
    FrameResult {
        id: FrameId(id),
        frame: CapturedFrame {
            image: Arc::new(RgbImage::from_pixel(size.width, size.height, image::Rgb([90, 90, 90]))),
            captured_at: Instant::now(),
            decode_time: Duration::ZERO,
            position: Some(Duration::from_millis(id * 100)),
            name: "street".into(),
            truth: None,
            losses: None,
        },
        mode,
        lanes: [mode.runs(LaneId::A).then_some(a), mode.runs(LaneId::B).then_some(b)],
        agreement: (mode == Mode::Compare).then(|| FrameAgreement {
            matched: vec![(0, 0)],
            only_a: vec![1],
            only_b: vec![],
        }),
        frame_to_box: Duration::from_millis(12),
        statistics: Arc::new(Statistics::default()),
    }
}
