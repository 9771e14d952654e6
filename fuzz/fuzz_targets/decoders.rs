//! Any tensors to every head, and to recognition: nothing breaks, and nothing that is no number gets out.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use quantscope::imaging::{ImageSize, Letterbox, ResizeMode};
use quantscope::inference::heads::{DecodeContext, Decoder, OutputTensor};
use quantscope::inference::{Head, Postprocessor, Thresholds, recognize, recognize_input};
use quantscope::onnx::proto::DataType;
use quantscope::onnx::{Dimension, ElementType, Precision, Quantization, Summary, ValueInfo};

/// Names that mean something to some head.
const NAMES: &[&str] = &[
    "output", "boxes", "scores", "labels", "dets", "num_dets", "det_boxes", "det_scores", "det_classes", "logits",
    "pred_boxes", "cls_8", "cls_16", "cls_32", "obj_8", "obj_16", "obj_32", "bbox_8", "bbox_16", "bbox_32", "hm", "wh",
    "reg", "landmarks", "loc", "conf", "detection_out", "yolonms_layer_1", "multiclass_nms3_0.tmp_0", "Identity:0",
];
/// Sides: none, one, coordinates, classes, and the cells and anchors of the usual strides.
const SIDES: &[usize] = &[
    0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 16, 18, 20, 21, 24, 32, 33, 42, 64, 80, 84, 85, 96, 100, 112, 128, 255, 256,
    300, 336, 384, 512, 896,
];
const VALUES_MAX: usize = 8192;

#[derive(Debug)]
struct Input {
    head: Head,
    size: ImageSize,
    floor: f32,
    tensors: Vec<(&'static str, Vec<usize>, Vec<f32>)>,
}

impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let head = *u.choose(Head::ALL)?;
        let side = |u: &mut Unstructured<'a>| u.choose(&[1u32, 32, 64, 128, 256, 320, 8192]).copied();
        let size = ImageSize::new(side(u)?, side(u)?);
        let floor = *u.choose(&[0.0f32, 0.01, 0.25])?;
        let mut tensors = Vec::new();
        for _ in 0..u.int_in_range(0..=12)? {
            let mut shape = Vec::new();
            let mut volume = 1usize;
            for _ in 0..u.int_in_range(0..=4)? {
                let side = *u.choose(SIDES)?;
                let side = if volume * side > VALUES_MAX { 1 } else { side };
                volume *= side;
                shape.push(side);
            }
            // Batches of 1 are the rule; the largest sides come last or first.
            if u.arbitrary()? {
                shape.reverse();
            }
            let name = *u.choose(NAMES)?;
            let pattern: Vec<f32> = (0..u.int_in_range(1..=24)?).map(|_| number(u)).collect::<Result<_, _>>()?;
            tensors.push((name, shape, pattern.into_iter().cycle().take(volume).collect()));
        }
        Ok(Self { head, size, floor, tensors })
    }
}

fn number(u: &mut Unstructured<'_>) -> arbitrary::Result<f32> {
    Ok(match u.arbitrary::<u8>()? {
        kind @ 0..=127 => f32::from(kind) / 127.0,
        kind @ 128..=191 => f32::from(kind) - 160.0,
        192..=223 => u.arbitrary::<f32>()?,
        224..=231 => f32::NAN,
        232..=239 => f32::INFINITY,
        240..=243 => f32::NEG_INFINITY,
        244..=247 => f32::MAX,
        _ => 640.0,
    })
}

fuzz_target!(|input: Input| {
    let outputs: Vec<OutputTensor<'_>> =
        input.tensors.iter().map(|(name, shape, values)| OutputTensor { name, shape, values }).collect();
    check(&mut Decoder::for_head(input.head), input.size, &outputs, input.floor);
    let summary = summary(&input);
    let Ok(picture) = recognize_input(&summary, None) else { return };
    if let Ok(recognition) = recognize(&summary, &picture, Some(&outputs), None, None) {
        check(&mut Decoder::new(&recognition.card), picture.size, &outputs, input.floor);
    }
});

/// Decodes and goes on to boxes in the picture.
fn check(decoder: &mut Decoder, size: ImageSize, outputs: &[OutputTensor<'_>], score_floor: f32) {
    let mut candidates = Vec::new();
    let context = DecodeContext { input_size: size, score_floor };
    if decoder.decode(outputs, &context, &mut candidates).is_err() {
        return;
    }
    for candidate in &candidates {
        let rect = candidate.rect;
        assert!([candidate.score, rect.x1, rect.y1, rect.x2, rect.y2].iter().all(|n| n.is_finite()), "{candidate:?}");
    }
    let letterbox = Letterbox::fit(ImageSize::new(640, 480), size, ResizeMode::LetterboxCenter);
    let thresholds = Thresholds { confidence: score_floor, ..Thresholds::default() };
    let mut detections = Vec::new();
    Postprocessor::default().run(&candidates, &thresholds, &letterbox, &mut detections);
    for detection in &detections {
        let rect = detection.rect;
        assert!([rect.x1, rect.y1, rect.x2, rect.y2].iter().all(|edge| edge.is_finite()), "{detection:?}");
    }
}

fn summary(input: &Input) -> Summary {
    let value = |name: &str, shape: &[usize]| ValueInfo {
        name: name.into(),
        shape: Some(shape.iter().copied().map(Dimension::Fixed).collect()),
        dtype: ElementType(DataType::Float),
    };
    let (width, height) = (input.size.width as usize, input.size.height as usize);
    Summary {
        opset: 13,
        ir_version: 8,
        producer: String::new(),
        inputs: vec![value("images", &[1, 3, height, width])],
        outputs: input.tensors.iter().map(|(name, shape, _)| value(name, shape)).collect(),
        metadata: Default::default(),
        operators: Default::default(),
        precision: Precision::Fp32,
        precision_evidence: String::new(),
        quantization: Quantization::default(),
        weight_channels: Default::default(),
        bytes: 1,
    }
}
