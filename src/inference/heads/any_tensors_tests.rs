//! Every head against tensors that mean nothing: whatever comes, nothing breaks and nothing that is no number gets out.

use super::test_support::{summary, value};
use super::*;
use crate::imaging::{Letterbox, ResizeMode};
use crate::inference::{Postprocessor, Thresholds, recognize, recognize_input};
use crate::onnx::proto::DataType;
use proptest::prelude::*;

/// Names that mean something to some head, and some that mean nothing.
const NAMES: [&str; 16] = [
    "output",
    "boxes",
    "scores",
    "labels",
    "dets",
    "num_dets",
    "det_boxes",
    "det_scores",
    "det_classes",
    "logits",
    "pred_boxes",
    "cls_8",
    "bbox_16",
    "hm",
    "loc",
    "",
];
/// Sides: none, one, coordinates, classes, and the cells of a 64x64 input at the usual strides.
const SIDES: [usize; 22] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 18, 21, 32, 42, 64, 80, 84, 85, 128, 336];
/// A tensor is cut to about this many values.
const VALUES_MAX: usize = 4096;
/// Numbers of all kinds.
const NUMBERS: [f32; 20] = [
    0.0,
    1.0,
    -1.0,
    0.5,
    0.999,
    2.0,
    7.0,
    -7.0,
    20.0,
    63.0,
    640.0,
    1e6,
    1e30,
    -1e30,
    f32::MAX,
    f32::MIN,
    f32::MIN_POSITIVE,
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
];

#[derive(Clone, Debug)]
struct AnyTensor {
    name: &'static str,
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl AnyTensor {
    fn new(name: &'static str, mut shape: Vec<usize>, numbers: &[f32]) -> Self {
        // The last sides matter most, so the first ones are cut.
        let mut volume = 1usize;
        for side in shape.iter_mut().rev() {
            if volume * *side > VALUES_MAX {
                *side = 1;
            }
            volume *= *side;
        }
        let values = numbers.iter().copied().cycle().take(volume).collect();
        Self { name, shape, values }
    }
}

/// Numbers of all kinds, scores among them.
pub(super) fn any_number() -> impl Strategy<Value = f32> {
    prop_oneof![4 => prop::sample::select(&NUMBERS[..]), 1 => any::<f32>(), 3 => 0.0f32..1.0]
}

fn any_tensor() -> impl Strategy<Value = AnyTensor> {
    let number = any_number();
    let shape = prop::collection::vec(prop::sample::select(&SIDES[..]), 0..5);
    // Batches of 1 are the rule.
    let shape = (any::<bool>(), shape).prop_map(|(batch, mut shape)| {
        if let (true, Some(first)) = (batch, shape.first_mut()) {
            *first = 1;
        }
        shape
    });
    (prop::sample::select(&NAMES[..]), shape, prop::collection::vec(number, 1..60))
        .prop_map(|(name, shape, numbers)| AnyTensor::new(name, shape, &numbers))
}

fn tensors(given: &[AnyTensor]) -> Vec<OutputTensor<'_>> {
    given.iter().map(|t| OutputTensor { name: t.name, shape: &t.shape, values: &t.values }).collect()
}

/// Decodes and goes on to boxes in the picture, all of which must be numbers. Returns whether the outputs could be read.
pub(super) fn check(decoder: &mut Decoder, size: ImageSize, outputs: &[OutputTensor<'_>], score_floor: f32) -> bool {
    let mut candidates = Vec::new();
    let context = DecodeContext { input_size: size, score_floor };
    if decoder.decode(outputs, &context, &mut candidates).is_err() {
        return false;
    }
    for candidate in &candidates {
        let rect = candidate.rect;
        let numbers = [candidate.score, rect.x1, rect.y1, rect.x2, rect.y2];
        assert!(numbers.iter().all(|number| number.is_finite()), "{candidate:?}");
        assert!(candidate.score >= score_floor, "{candidate:?} below {score_floor}");
    }
    let letterbox = Letterbox::fit(ImageSize::new(640, 480), size, ResizeMode::LetterboxCenter);
    let thresholds = Thresholds { confidence: score_floor, ..Thresholds::default() };
    let mut detections = Vec::new();
    Postprocessor::default().run(&candidates, &thresholds, &letterbox, &mut detections);
    for detection in &detections {
        let rect = detection.rect;
        assert!([rect.x1, rect.y1, rect.x2, rect.y2].iter().all(|edge| edge.is_finite()), "{detection:?}");
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_head_breaks_on_any_tensors(
        head in prop::sample::select(Head::ALL),
        given in prop::collection::vec(any_tensor(), 0..7),
        side in prop::sample::select(&[1u32, 32, 64, 100, 8192][..]),
        floor in prop::sample::select(&[0.0f32, 0.001, 0.25, 1.0][..]),
    ) {
        check(&mut Decoder::for_head(head), ImageSize::new(side, 64), &tensors(&given), floor);
    }

    #[test]
    fn whatever_is_recognized_can_be_decoded_without_harm(given in prop::collection::vec(any_tensor(), 1..7)) {
        let mut summary = summary(&[]);
        let sides = |t: &AnyTensor| t.shape.iter().map(|side| *side as i64).collect::<Vec<_>>();
        summary.outputs = given.iter().map(|t| value(t.name, &sides(t), DataType::Float)).collect();
        let input = recognize_input(&summary, None).unwrap();
        let outputs = tensors(&given);
        // From the file alone, and with what came out of a run.
        for trial in [None, Some(outputs.as_slice())] {
            if let Ok(recognition) = recognize(&summary, &input, trial, None, None) {
                check(&mut Decoder::new(&recognition.card), input.size, &outputs, 0.01);
            }
        }
    }
}
