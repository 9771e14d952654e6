//! Heads that give finished detections as rows of one table.

use super::test_support::{SIZE, Seen, decoded, look, summary, tensor, with_metadata};
use super::*;
use crate::inference::{ColorOrder, recognize_input};
use crate::onnx::Summary;

/// 8² + 4² + 2², the cells of [`SIZE`].
const CELLS: usize = 84;

fn found(head: Head, summary: &Summary, shape: &[usize], values: Option<&[f32]>) -> Option<Found> {
    look(family(head), summary, &[("output", shape, values)])
}

fn asked(head: Head, outputs: &[(&str, &[usize], &[f32])]) -> Option<Found> {
    let summary = summary(&[]);
    let input = recognize_input(&summary, None).unwrap();
    let outputs: Vec<_> = outputs
        .iter()
        .map(|(name, shape, values)| Output { name, shape: shape.to_vec(), values: Some(values) })
        .collect();
    (family(head).recognize)(&Look {
        summary: &summary,
        input: &input,
        outputs: &outputs,
        asked: Some(head),
        anchors: None,
    })
}

fn with_operators(operators: &[(&str, usize)]) -> Summary {
    let operators = operators.iter().map(|(name, count)| (name.to_string(), *count)).collect();
    Summary { operators, ..summary(&[]) }
}

fn rects(candidates: &[Candidate]) -> Vec<(u32, f32, [f32; 4])> {
    candidates.iter().map(|c| (c.class_id, c.score, [c.rect.x1, c.rect.y1, c.rect.x2, c.rect.y2])).collect()
}

fn read(head: Head, shape: &[usize], values: &[f32]) -> Vec<(u32, f32, [f32; 4])> {
    rects(&decoded(head, SIZE, &[tensor("output", shape, values)], 0.25).unwrap())
}

const V10: [f32; 18] = [8.0, 4.0, 24.0, 12.0, 0.9, 7.0, 1.0, 2.0, 3.0, 4.0, 0.1, 0.0, 5.0, 5.0, 9.0, 9.0, 0.5, 0.0];

#[test]
fn yolov10_is_told_by_its_rows() {
    let plain = summary(&[]);
    let run = found(Head::YoloV10, &plain, &[1, 3, 6], Some(&V10)).unwrap();
    assert_eq!((run.head, run.certainty, run.classes), (Head::YoloV10, Certainty::Likely, Classes::Open));
    let declared = found(Head::YoloV10, &plain, &[1, 300, 6], None).unwrap();
    assert_eq!(declared.certainty, Certainty::Guess);
    let empty = found(Head::YoloV10, &plain, &[1, 0, 6], Some(&[])).unwrap();
    assert_eq!(empty.certainty, Certainty::Guess);
    let ultralytics = with_metadata(plain.clone(), &[("names", "{0: 'a', 1: 'b'}"), ("task", "detect")]);
    assert_eq!(found(Head::YoloV10, &ultralytics, &[1, 300, 6], None).unwrap().certainty, Certainty::Certain);
    let mut fractional_class = V10;
    fractional_class[5] = 0.7;
    assert!(found(Head::YoloV10, &plain, &[1, 3, 6], Some(&fractional_class)).is_none());
    assert!(found(Head::YoloV10, &plain, &[1, CELLS, 6], None).is_none(), "YOLOX with one class");
    assert!(found(Head::YoloV10, &plain, &[1, 3 * CELLS, 6], None).is_none(), "YOLOv5 with one class");
    assert!(found(Head::YoloV10, &plain, &[1, 6, CELLS], None).is_none(), "YOLOv8 with two classes");
    assert!(asked(Head::YoloV10, &[("o", &[1, 3, 6], &fractional_class)]).is_some());
    assert!(asked(Head::YoloV10, &[("o", &[1, 3, 7], &[0.0; 21])]).is_none());
}

#[test]
fn edges_of_unsure_rows_may_cross_in_yolov10() {
    let rows = |score: f32| [9.0, 9.0, 3.0, 4.0, score, 1.0, 5.0, 6.0, 7.0, 8.0, score, 0.0];
    let plain = summary(&[]);
    let is_taken = |summary: &Summary, score| found(Head::YoloV10, summary, &[1, 2, 6], Some(&rows(score))).is_some();
    assert!(is_taken(&plain, 0.01) && !is_taken(&plain, 0.5));
    for (key, value) in [("end2end", "True"), ("names", "{0: 'a', 1: 'b'}")] {
        let told = with_metadata(plain.clone(), &[(key, value)]);
        assert!(is_taken(&told, 0.5) && !is_taken(&told, 1.5), "{key}");
    }
}

#[test]
fn yolov10_needs_nms_unless_something_says_otherwise() {
    let plain = summary(&[]);
    let metadata = |key: &str, value: &str| with_metadata(plain.clone(), &[(key, value)]);
    for (summary, nms) in [
        (with_operators(&[("TopK", 1)]), true),
        (with_operators(&[("TopK", 2)]), false),
        (with_operators(&[("NonMaxSuppression", 1)]), false),
        (metadata("end2end", "True"), false),
        (metadata("end2end", "False"), true),
        (metadata("args", "{'batch': 1, 'nms': True}"), false),
        (metadata("args", "{'batch': 1, 'nms': False}"), true),
    ] {
        let found = found(Head::YoloV10, &summary, &[1, 3, 6], Some(&V10)).unwrap();
        assert_eq!(found.nms, nms, "{:?}", found.evidence);
        assert_eq!(found.evidence[1].guess, nms);
    }
}

#[test]
fn yolov10_rows_are_box_score_class() {
    let want = [(7, 0.9, [8.0, 4.0, 24.0, 12.0]), (0, 0.5, [5.0, 5.0, 9.0, 9.0])];
    assert_eq!(read(Head::YoloV10, &[1, 3, 6], &V10), want);
    assert_eq!(read(Head::YoloV10, &[3, 6], &V10), want);
    assert_eq!(read(Head::YoloV10, &[1, 0, 6], &[]), []);
}

#[test]
fn end_to_end_rows_have_class_and_score_in_either_order() {
    let yolov7 = [0.0, 8.0, 4.0, 24.0, 12.0, 7.0, 0.9, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.1];
    let flat = [0.0, 8.0, 4.0, 24.0, 12.0, 0.9, 7.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.1, 0.0];
    for values in [yolov7, flat] {
        assert_eq!(read(Head::YoloEnd2End, &[2, 7], &values), [(7, 0.9, [8.0, 4.0, 24.0, 12.0])]);
        let found = found(Head::YoloEnd2End, &summary(&[]), &[2, 7], Some(&values)).unwrap();
        assert_eq!((found.head, found.nms, found.certainty), (Head::YoloEnd2End, false, Certainty::Likely));
    }
    let plain = summary(&[]);
    assert!(found(Head::YoloEnd2End, &plain, &[0, 7], None).is_some());
    assert!(found(Head::YoloEnd2End, &plain, &[0, 7], Some(&[])).is_some());
    assert!(found(Head::YoloEnd2End, &plain, &[1, 100, 7], None).is_none(), "EfficientDet");
    assert!(found(Head::YoloEnd2End, &plain, &[2, 7], Some(&[0.5; 14])).is_none(), "no rows of detections");
}

#[test]
fn efficientdet_is_told_by_a_batch_and_its_rows() {
    let plain = summary(&[]);
    // Picture, top, left, bottom, right, score, class.
    let rows = [0.0, 4.0, 8.0, 12.0, 24.0, 0.9, 18.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let run = found(Head::EfficientDet, &plain, &[1, 2, 7], Some(&rows)).unwrap();
    assert_eq!((run.certainty, run.numbers, run.nms), (Certainty::Likely, ClassNumbers::FromOne, false));
    let empty = found(Head::EfficientDet, &plain, &[1, 100, 7], Some(&[0.0; 700])).unwrap();
    assert_eq!(empty.certainty, Certainty::Guess);
    let named = look(family(Head::EfficientDet), &plain, &[("detections:0", &[1, 100, 7], Some(&[0.0; 700]))]).unwrap();
    assert_eq!(named.certainty, Certainty::Likely);
    let mut coco = plain.clone();
    coco.weight_channels.insert(810, 1);
    assert_eq!(found(Head::EfficientDet, &coco, &[1, 100, 7], None).unwrap().numbers, ClassNumbers::CocoIds);
    assert!(found(Head::EfficientDet, &plain, &[1, CELLS, 7], None).is_none(), "YOLOX with two classes");
    assert!(found(Head::EfficientDet, &plain, &[0, 7], None).is_none(), "end-to-end export");
    assert!(found(Head::EfficientDet, &plain, &[1, 2, 7], Some(&[0.5; 14])).is_none());
    assert_eq!(read(Head::EfficientDet, &[1, 2, 7], &rows), [(18, 0.9, [8.0, 4.0, 24.0, 12.0])]);
}

#[test]
fn detection_output_is_told_by_four_axes() {
    let plain = summary(&[]);
    // Picture, class, score, then fractions of 64.
    let rows = [
        0.0, 15.0, 0.9, 0.125, 0.0625, 0.375, 0.1875, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.8, 0.0, 0.0, 1.0,
        1.0,
    ];
    let run = found(Head::DetectionOutput, &plain, &[1, 1, 3, 7], Some(&rows)).unwrap();
    assert_eq!((run.certainty, run.numbers, run.nms), (Certainty::Certain, ClassNumbers::FromOne, false));
    assert_eq!((run.usual.color, run.usual.mean[0]), (ColorOrder::Bgr, 127.5));
    for shape in [[1, 1, 0, 7], [1, 0, 200, 7]] {
        assert_eq!(found(Head::DetectionOutput, &plain, &shape, None).unwrap().certainty, Certainty::Likely);
    }
    let vgg = Summary { bytes: 100 << 20, ..plain.clone() };
    assert_eq!(found(Head::DetectionOutput, &vgg, &[1, 1, 200, 7], None).unwrap().usual.mean, [104.0, 117.0, 123.0]);
    assert!(found(Head::DetectionOutput, &plain, &[1, 3, 7, 7], None).is_none(), "a feature map");
    assert!(found(Head::DetectionOutput, &plain, &[1, 1, 2, 7], Some(&[0.5; 14])).is_none(), "a feature map");
    assert!(found(Head::DetectionOutput, &plain, &[1, 100, 7], None).is_none());
    assert!(asked(Head::DetectionOutput, &[("o", &[1, 2, 7], &rows[..14])]).is_some());
    assert_eq!(read(Head::DetectionOutput, &[1, 1, 3, 7], &rows), [(15, 0.9, [8.0, 4.0, 24.0, 12.0])]);
}

const PADDLE: [f32; 12] = [7.0, 0.9, 8.0, 4.0, 24.0, 12.0, -1.0, 0.9, 0.0, 0.0, 0.0, 0.0];

#[test]
fn paddle_is_told_by_names_or_by_its_number_of_rows() {
    let told = |names: [&'static str; 2], values: Option<&[f32]>| {
        let rows = (names[0], &[2, 6][..], values);
        let number = (names[1], &[1][..], values.map(|_| &[2.0][..]));
        let [forth, back] = [[rows, number], [number, rows]].map(|o| look(family(Head::PaddleNms), &summary(&[]), &o));
        let certainties = [&forth, &back].map(|found| found.as_ref().map(|found| found.certainty));
        assert_eq!(certainties[0], certainties[1]);
        certainties[0]
    };
    assert_eq!(told(["multiclass_nms3_0.tmp_0", "multiclass_nms3_0.tmp_2"], None), Some(Certainty::Certain));
    assert_eq!(told(["a", "b"], Some(&PADDLE)), Some(Certainty::Likely));
    assert_eq!(told(["a", "b"], None), Some(Certainty::Guess));
    assert_eq!(told(["a", "b"], Some(&[0.5; 12])), None);
    let alone = |name| look(family(Head::PaddleNms), &summary(&[]), &[(name, &[2, 6], Some(&PADDLE))]);
    assert!(alone("a").is_none());
    assert_eq!(alone("save_infer_model/scale_0.tmp_1").unwrap().certainty, Certainty::Certain);
    let yolov10 = look(family(Head::PaddleNms), &summary(&[]), &[("output0", &[1, 300, 6], None)]);
    assert!(yolov10.is_none());
}

#[test]
fn paddle_is_fed_as_its_size_and_operators_suggest() {
    let fed = |summary: &Summary| {
        let outputs = [("multiclass_nms3_0.tmp_0", &[0, 6][..], None), ("n", &[1][..], None)];
        let usual = look(family(Head::PaddleNms), summary, &outputs).unwrap().usual;
        assert!(usual.guess);
        usual.mean[0]
    };
    let plain = summary(&[]);
    let large = Summary { bytes: 30 << 20, ..plain.clone() };
    assert_eq!(fed(&plain), 0.485);
    assert_eq!(fed(&large), 0.0);
    assert_eq!(fed(&with_operators(&[("Softmax", 9)])), 0.0);
    let mut older = large;
    older.inputs.push(super::test_support::value("im_shape", &[1, 2], crate::onnx::proto::DataType::Float));
    assert_eq!(fed(&older), 0.485);
}

#[test]
fn paddle_rows_are_class_score_box() {
    let want = [(7, 0.9, [8.0, 4.0, 24.0, 12.0])];
    for (number, want) in [(2.0, &want[..]), (9.0, &want), (f32::NAN, &want), (0.0, &[])] {
        let number = [number];
        let outputs = [tensor("number", &[1], &number), tensor("rows", &[2, 6], &PADDLE)];
        assert_eq!(rects(&decoded(Head::PaddleNms, SIZE, &outputs, 0.25).unwrap()), want);
    }
}

const DETS: [f32; 10] = [8.0, 4.0, 24.0, 12.0, 0.9, 1.0, 2.0, 3.0, 4.0, 0.1];

#[test]
fn mmdet_is_told_by_rows_and_labels() {
    let told = |summary: &Summary, outputs: &[Seen<'_>]| {
        let mut outputs = outputs.to_vec();
        let forth = look(family(Head::MmDet), summary, &outputs);
        outputs.reverse();
        let back = look(family(Head::MmDet), summary, &outputs);
        assert_eq!(forth.is_some(), back.is_some());
        forth.map(|found| (found.certainty, found.usual.size.map(|size| size.width)))
    };
    let (small, large) = (summary(&[]), Summary { bytes: 20 << 20, ..summary(&[]) });
    let labels = [7.0, 0.0];
    let run = [("dets", &[1, 2, 5][..], Some(&DETS[..])), ("labels", &[1, 2][..], Some(&labels[..]))];
    assert_eq!(told(&large, &run), Some((Certainty::Certain, None)));
    let unnamed = [("a", &[1, 2, 5][..], Some(&DETS[..])), ("b", &[1, 2][..], Some(&labels[..]))];
    assert_eq!(told(&large, &unnamed), Some((Certainty::Likely, None)));
    let masks = [unnamed[0], unnamed[1], ("masks", &[1, 2, 8, 8][..], None)];
    assert!(told(&large, &masks).is_some());
    assert_eq!(
        told(&small, &[("dets", &[1, 0, 0], None), ("labels", &[0, 0], None)]),
        Some((Certainty::Certain, Some(320)))
    );
    let twin = with_metadata(large.clone(), &[(crate::inference::twin::PARENT_WEIGHTS, "1000000")]);
    assert_eq!(told(&twin, &run), Some((Certainty::Certain, Some(320))), "a twin is read as its parent is");
    let rf_detr = [("dets", &[1, 300, 4][..], None), ("labels", &[1, 300, 80][..], None)];
    assert_eq!(told(&large, &rf_detr), None);
    let fractions = [("a", &[1, 2, 5][..], Some(&DETS[..])), ("b", &[1, 2][..], Some(&[0.3, 0.2][..]))];
    assert_eq!(told(&large, &fractions), None);
}

#[test]
fn mmdet_rows_go_with_their_labels() {
    let labels = [7.0, 0.0];
    for (dets_shape, labels_shape) in [(&[1usize, 2, 5][..], &[1usize, 2][..]), (&[2, 5], &[2])] {
        let outputs = [tensor("labels", labels_shape, &labels), tensor("dets", dets_shape, &DETS)];
        let got = rects(&decoded(Head::MmDet, SIZE, &outputs, 0.25).unwrap());
        assert_eq!(got, [(7, 0.9, [8.0, 4.0, 24.0, 12.0])]);
    }
    let none = [tensor("dets", &[1, 0, 5], &[]), tensor("labels", &[1, 0], &[])];
    assert_eq!(decoded(Head::MmDet, SIZE, &none, 0.25).unwrap(), []);
}
