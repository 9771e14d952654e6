use super::super::test_support::{SIZE, decoded, look, summary, tensor};
use super::super::{Family, picodet};
use super::*;
use crate::imaging::ImageSize;
use crate::inference::heads::Candidate;

/// Classes and numbers a box in these models.
const CLASSES: usize = 3;
const BINS: usize = 32;
const TOLERANCE: f32 = 1e-3;

/// One output of a model: name, shape and values.
type Tensor = (String, Vec<usize>, Vec<f32>);

/// Distances of 1, 2, 3 and 4 strides to the edges, beyond doubt.
fn distances() -> Vec<f32> {
    let mut logits = vec![-100.0; BINS];
    for edge in 0..4 {
        logits[8 * edge + edge + 1] = 100.0;
    }
    logits
}

/// The outputs of the strides on an input of 64x64, with one box of class 1 in column 1, row 0 of stride 16.
fn levels(strides: &[u32]) -> Vec<Tensor> {
    let mut all = Vec::new();
    for &stride in strides {
        let places = (SIZE.width / stride).pow(2) as usize;
        let (mut scores, mut boxes) = (vec![0.01; CLASSES * places], vec![-0.5; BINS * places]);
        if stride == 16 {
            scores[CLASSES + 1] = 0.8;
            boxes[BINS..2 * BINS].copy_from_slice(&distances());
        }
        all.push((format!("cls{stride}"), vec![1, places, CLASSES], scores));
        all.push((format!("reg{stride}"), vec![1, places, BINS], boxes));
    }
    all
}

/// The same joined in one output.
fn joined(strides: &[u32]) -> Tensor {
    let levels = levels(strides);
    let mut rows = Vec::new();
    for pair in levels.chunks(2) {
        for (scores, boxes) in pair[0].2.chunks(CLASSES).zip(pair[1].2.chunks(BINS)) {
            rows.extend(scores.iter().chain(boxes));
        }
    }
    ("output".into(), vec![1, rows.len() / (CLASSES + BINS), CLASSES + BINS], rows)
}

fn recognized(family: &Family, tensors: &[Tensor], with_values: bool) -> Option<Found> {
    let outputs: Vec<_> = tensors
        .iter()
        .map(|(name, shape, values)| (name.as_str(), shape.as_slice(), with_values.then_some(values.as_slice())))
        .collect();
    look(family, &summary(&[]), &outputs)
}

fn run(head: Head, tensors: &[Tensor], size: ImageSize) -> Vec<Candidate> {
    let outputs: Vec<_> = tensors.iter().map(|(name, shape, values)| tensor(name, shape, values)).collect();
    decoded(head, size, &outputs, 0.25).unwrap()
}

fn is_the_box(found: &[Candidate], want: [f32; 4]) {
    let [one] = found else { panic!("{found:?}") };
    assert_eq!((one.class_id, one.score), (1, 0.8));
    let got = [one.rect.x1, one.rect.y1, one.rect.x2, one.rect.y2];
    assert!(got.iter().zip(want).all(|(got, want)| (got - want).abs() < TOLERANCE), "{got:?}");
}

#[test]
fn scores_and_distributions_a_stride_are_known_in_any_order() {
    for (family, strides, head) in
        [(&picodet::FAMILY, &[8, 16, 32, 64][..], Head::PicoDet), (&FAMILY, &[8, 16, 32], Head::NanoDet)]
    {
        let mut outputs = levels(strides);
        for _ in 0..2 {
            for with_values in [false, true] {
                let found = recognized(family, &outputs, with_values).unwrap();
                assert_eq!((found.head, found.classes, found.nms), (head, Classes::Known(CLASSES), true));
            }
            // Column 1 and row 0 of stride 16, and its middle is 24, 8.
            is_the_box(&run(head, &outputs, SIZE), [8.0, -24.0, 72.0, 72.0]);
            outputs.reverse();
        }
        let mut logits = levels(strides);
        logits[0].2[5] = -3.0;
        assert!(recognized(family, &logits, true).is_none(), "logits instead of scores");
        assert!(recognized(family, &outputs[1..], true).is_none(), "an output less");
    }
    assert!(recognized(&FAMILY, &levels(&[8, 16, 32, 64]), true).is_none(), "PicoDet");
    assert!(recognized(&picodet::FAMILY, &levels(&[8, 16, 32]), true).is_none(), "NanoDet");
}

#[test]
fn one_output_is_nanodet_or_plus_by_its_strides() {
    for (strides, head, want) in [
        (&[8, 16, 32][..], Head::NanoDet, [8.0, -24.0, 72.0, 72.0]),
        (&[8, 16, 32, 64], Head::NanoDetPlus, [0.0, -32.0, 64.0, 64.0]),
    ] {
        let output = [joined(strides)];
        let found = recognized(&FAMILY, &output, true).unwrap();
        assert_eq!((found.head, found.classes, found.certainty), (head, Classes::Known(CLASSES), Certainty::Certain));
        assert!(recognized(&FAMILY, &output, false).is_none(), "any grid has such a shape");
        is_the_box(&run(head, &output, SIZE), want);
    }
    let (name, shape, mut values) = joined(&[8, 16, 32]);
    values.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
    assert!(recognized(&FAMILY, &[(name, shape, values)], true).is_none(), "scores alone");
}

#[test]
fn the_usual_shape_is_known_without_a_run() {
    for (rows, columns, head) in [
        (84, 112, Some((Head::NanoDet, 80))),
        (85, 112, Some((Head::NanoDetPlus, 80))),
        (84, 124, Some((Head::NanoDet, 80))),
        (84, 85, None),
        (90, 112, None),
    ] {
        let found = look(&FAMILY, &summary(&[]), &[("output", &[1, rows, columns], None)]);
        let got = found.map(|found| (found.head, found.classes, found.certainty));
        assert_eq!(got, head.map(|(head, classes)| (head, Classes::Known(classes), Certainty::Guess)));
    }
}

#[test]
fn another_size_than_the_outputs_is_an_error() {
    let output = joined(&[8, 16, 32]);
    let outputs = [tensor(&output.0, &output.1, &output.2)];
    assert!(decoded(Head::NanoDet, ImageSize::new(96, 64), &outputs, 0.25).is_err());
    let levels = levels(&[8, 16, 32]);
    let outputs: Vec<_> = levels.iter().map(|(name, shape, values)| tensor(name, shape, values)).collect();
    assert!(decoded(Head::NanoDet, ImageSize::new(96, 64), &outputs, 0.25).is_err());
}
