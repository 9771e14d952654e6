use super::super::test_support::{decoded, look, summary, tensor};
use super::super::{Family, boxes_scores, detr, retinaface, yunet};
use super::*;
use crate::imaging::ImageSize;

/// The size of the test models, with these numbers of priors.
const SIZE: ImageSize = ImageSize::new(64, 64);
const ULTRA: usize = 64 * 3 + 16 * 2 + 4 * 2 + 3;
const RETINA: usize = (64 + 16 + 4) * 2;

/// Background nearly everywhere, and a face in row 1.
fn scores(rows: usize) -> Vec<f32> {
    let mut scores = [0.99, 0.01].repeat(rows);
    (scores[2], scores[3]) = (0.2, 0.8);
    scores
}

/// One output: name, shape and values.
type Tensor<'a> = (&'a str, &'a [usize], &'a [f32]);

fn recognized(family: &Family, outputs: &[Tensor<'_>]) -> Option<Found> {
    let outputs: Vec<_> = outputs.iter().map(|(name, shape, values)| (*name, *shape, Some(*values))).collect();
    look(family, &summary(&[]), &outputs)
}

/// The only candidate's score and edges.
fn run(head: Head, outputs: &[Tensor<'_>]) -> (f32, [f32; 4]) {
    let outputs: Vec<_> = outputs.iter().map(|(name, shape, values)| tensor(name, shape, values)).collect();
    let found = decoded(head, SIZE, &outputs, 0.25).unwrap();
    let [one] = found[..] else { panic!("{found:?}") };
    (one.score, [one.rect.x1, one.rect.y1, one.rect.x2, one.rect.y2].map(|edge| (edge * 100.0).round() / 100.0))
}

#[test]
fn ultraface_is_known_by_its_priors_and_softmax() {
    let (scores, boxes) = (scores(ULTRA), [0.25, 0.5, 0.5, 1.0].repeat(ULTRA));
    let mut outputs =
        [("scores", &[1, ULTRA, 2][..], scores.as_slice()), ("boxes", &[1, ULTRA, 4][..], boxes.as_slice())];
    for _ in 0..2 {
        let found = recognized(&FAMILY, &outputs).unwrap();
        assert_eq!((found.classes, found.numbers), (Classes::Known(2), ClassNumbers::FromOne));
        assert_eq!((found.only_class, found.certainty), (Some("face"), Certainty::Certain));
        assert!(recognized(&boxes_scores::FAMILY, &outputs).is_none() && recognized(&detr::FAMILY, &outputs).is_none());
        let not_run = outputs.map(|(name, shape, _)| (name, shape, None));
        assert_eq!(look(&FAMILY, &summary(&[]), &not_run).unwrap().certainty, Certainty::Likely);
        assert_eq!(run(Head::UltraFace, &outputs), (0.8, [16.0, 32.0, 32.0, 64.0]));
        outputs.reverse();
    }
    let foreground: Vec<f32> = scores.iter().map(|score| 1.0 - score).collect();
    assert!(recognized(&FAMILY, &[("scores", &[1, ULTRA, 2], &foreground), outputs[1]]).is_none());
    assert!(recognized(&FAMILY, &[("scores", &[1, ULTRA, 2], &vec![0.1; 2 * ULTRA]), outputs[1]]).is_none());
}

#[test]
fn ultraface_without_post_processing_has_offsets() {
    let scores = scores(ULTRA);
    let mut offsets = [0.3, 0.2, -0.4, -0.5].repeat(ULTRA);
    offsets[4..8].copy_from_slice(&[10.0, 0.0, 5.0 * 2f32.ln(), 0.0]);
    let outputs =
        [("scores", &[1, ULTRA, 2][..], scores.as_slice()), ("boxes", &[1, ULTRA, 4][..], offsets.as_slice())];
    assert_eq!(recognized(&FAMILY, &outputs).unwrap().only_class, Some("face"));
    // The second prior is a square of 16 around 4, 4; it is moved by its side and doubled in width.
    assert_eq!(run(Head::UltraFace, &outputs), (0.8, [4.0, -4.0, 36.0, 12.0]));
}

#[test]
fn ssd_with_other_classes_and_priors_is_read_as_well() {
    let boxes = [0.0, 0.0, 1.0, 0.5].repeat(3);
    let scores = [0.9, 0.05, 0.05, 0.2, 0.1, 0.7, 1.0, 0.0, 0.0];
    let outputs = [("boxes", &[1, 3, 4][..], &boxes[..]), ("scores", &[1, 3, 3], &scores)];
    let found = recognized(&FAMILY, &outputs).unwrap();
    assert_eq!((found.classes, found.numbers, found.only_class), (Classes::Known(3), ClassNumbers::FromOne, None));
    let tensors = outputs.map(|(name, shape, values)| tensor(name, shape, values));
    let got = decoded(Head::UltraFace, SIZE, &tensors, 0.25).unwrap();
    assert_eq!(got, [Candidate { class_id: 2, score: 0.7, rect: BoxInModel::new(0.0, 0.0, 64.0, 32.0) }]);
    let pixels: Vec<f32> = boxes.iter().map(|edge| edge * 64.0).collect();
    assert!(recognized(&FAMILY, &[("boxes", &[1, 3, 4], &pixels), outputs[1]]).is_none());
}

#[test]
fn retinaface_reads_probabilities_and_logits() {
    let mut offsets = vec![0.0; 4 * RETINA];
    offsets[4..6].copy_from_slice(&[5.0, -5.0]);
    let (scores, landmarks) = (scores(RETINA), vec![0.0; 10 * RETINA]);
    let logits: Vec<f32> = scores.iter().map(|score| score.ln() + 3.0).collect();
    let shapes = [[1, RETINA, 4], [1, RETINA, 2], [1, RETINA, 10]];
    for conf in [&scores, &logits] {
        let mut outputs = [("a", &shapes[0][..], &offsets[..]), ("b", &shapes[1], conf), ("c", &shapes[2], &landmarks)];
        for _ in 0..2 {
            let found = recognized(&retinaface::FAMILY, &outputs).unwrap();
            assert_eq!((found.only_class, found.usual.mean), (Some("face"), [104.0, 117.0, 123.0]));
            // The second prior is a square of 32 around 4, 4, moved by half its side.
            let (score, edges) = run(Head::RetinaFace, &outputs);
            assert!((score - 0.8).abs() < 1e-5);
            assert_eq!(edges, [4.0, -28.0, 36.0, 4.0]);
            outputs.reverse();
        }
        assert!(recognized(&retinaface::FAMILY, &outputs[1..]).is_none());
    }
    let shapes = [[1, 7, 4], [1, 7, 2], [1, 7, 10]];
    let others = shapes.each_ref().map(|shape| ("x", &shape[..], None));
    assert!(look(&retinaface::FAMILY, &summary(&[]), &others).is_none(), "other priors");
}

#[test]
fn yunet_of_2022_has_priors_and_an_overlap() {
    // The same priors as UltraFace's, as 64 is a multiple of every stride.
    let mut offsets = vec![0.0; 14 * ULTRA];
    offsets[14..18].copy_from_slice(&[10.0, 0.0, 10.0 * 2f32.ln(), 5.0 * 2f32.ln()]);
    let (conf, mut overlap) = (scores(ULTRA), vec![1.4; ULTRA]);
    overlap[1] = 0.2;
    let mut outputs =
        [("loc", &[ULTRA, 14][..], &offsets[..]), ("conf", &[ULTRA, 2], &conf), ("iou", &[ULTRA, 1], &overlap)];
    for _ in 0..2 {
        assert_eq!(recognized(&yunet::FAMILY, &outputs).unwrap().head, Head::YuNet);
        // √(0.8 · 0.2); moved by its side of 16, and doubled both ways.
        let (score, edges) = run(Head::YuNet, &outputs);
        assert!((score - 0.4).abs() < 1e-5);
        assert_eq!(edges, [4.0, -12.0, 36.0, 20.0]);
        outputs.reverse();
    }
    assert!(recognized(&retinaface::FAMILY, &outputs).is_none());
}
