//! Heads that give finished detections as boxes, scores and classes apart, and who gets which list.

use super::test_support::{SIZE, Seen, decoded, look, summary, tensor, value};
use super::*;
use crate::imaging::ResizeMode;
use crate::inference::{ColorOrder, Item, Recognition, guessed_keys, recognize, recognize_input};
use crate::onnx::Summary;
use crate::onnx::proto::DataType;
use proptest::prelude::*;

type Listed<'a> = [Seen<'a>];

/// What a family makes of a list, in whatever order its outputs come.
fn found(head: Head, summary: &Summary, outputs: &Listed<'_>) -> Option<Found> {
    let mut outputs = outputs.to_vec();
    let forth = look(family(head), summary, &outputs);
    outputs.reverse();
    let back = look(family(head), summary, &outputs);
    let told = |found: &Option<Found>| found.as_ref().map(|f| (f.head, f.certainty, f.numbers));
    assert_eq!(told(&forth), told(&back));
    forth
}

/// What wins among all families after a run.
fn winner(summary: &Summary, outputs: &[OutputTensor<'_>]) -> Recognition {
    let input = recognize_input(summary, None).unwrap();
    recognize(summary, &input, Some(outputs), None, None).unwrap()
}

fn with(widths: &[(usize, usize)], operators: &[(&str, usize)]) -> Summary {
    let operators = operators.iter().map(|(name, count)| (name.to_string(), *count)).collect();
    Summary { weight_channels: widths.iter().copied().collect(), operators, ..summary(&[]) }
}

fn with_input(name: &str) -> Summary {
    let mut summary = summary(&[]);
    summary.inputs.push(value(name, &[1, 2], DataType::Int64));
    summary
}

fn read(head: Head, outputs: &[OutputTensor<'_>]) -> Vec<(u32, f32, [f32; 4])> {
    let candidates = decoded(head, SIZE, outputs, 0.25).unwrap();
    candidates.iter().map(|c| (c.class_id, c.score, [c.rect.x1, c.rect.y1, c.rect.x2, c.rect.y2])).collect()
}

const PIXELS: [f32; 8] = [8.0, 4.0, 24.0, 12.0, 1.0, 2.0, 3.0, 4.0];
const FRACTIONS: [f32; 8] = [0.125, 0.0625, 0.375, 0.1875, 0.0, 0.0, 0.5, 0.5];
/// Top and left first.
const TOP_FIRST: [f32; 8] = [0.0625, 0.125, 0.1875, 0.375, 0.0, 0.0, 0.5, 0.5];
const SCORES: [f32; 2] = [0.9, 0.1];
const LABELS: [f32; 2] = [7.0, 1.0];
const FOUND: [(u32, f32, [f32; 4]); 1] = [(7, 0.9, [8.0, 4.0, 24.0, 12.0])];

fn tflite<'a>(values: bool) -> [Seen<'a>; 4] {
    [
        ("TFLite_Detection_PostProcess", &[1, 2, 4], values.then_some(&TOP_FIRST)),
        ("TFLite_Detection_PostProcess:1", &[1, 2], values.then_some(&LABELS)),
        ("TFLite_Detection_PostProcess:2", &[1, 2], values.then_some(&SCORES)),
        ("TFLite_Detection_PostProcess:3", &[1], values.then_some(&[2.0])),
    ]
}

#[test]
fn tensorflow_is_told_by_names_or_fractions_and_a_number() {
    let run = found(Head::TfSsd, &with(&[(546, 5), (273, 1)], &[]), &tflite(true)).unwrap();
    assert_eq!((run.certainty, run.numbers, run.nms), (Certainty::Certain, ClassNumbers::CocoIdsLessOne, false));
    assert_eq!((run.usual.mean, run.usual.std, run.usual.resize), ([127.5; 3], [127.5; 3], ResizeMode::Stretch));
    assert_eq!(look(family(Head::TfSsd), &summary(&[]), &tflite(false)).unwrap().numbers, ClassNumbers::FromZero);
    let api = |values: Option<&'static [f32]>| {
        [
            ("detection_anchor_indices", &[1, 2][..], values.map(|_| &LABELS[..])),
            ("detection_boxes", &[1, 2, 4], values),
            ("detection_classes", &[1, 2], values.map(|_| &[1.0, 1.0][..])),
            ("detection_multiclass_scores", &[1, 2, 91], None),
            ("detection_scores", &[1, 2], values.map(|_| &SCORES[..])),
            ("num_detections", &[1], values.map(|_| &[2.0][..])),
            ("raw_detection_boxes", &[1, 1917, 4], None),
            ("raw_detection_scores", &[1, 1917, 91], None),
        ]
    };
    for values in [None, Some(&TOP_FIRST[..])] {
        let run = found(Head::TfSsd, &with(&[(546, 5)], &[]), &api(values)).unwrap();
        assert_eq!((run.certainty, run.numbers), (Certainty::Certain, ClassNumbers::CocoIds));
    }
    let unnamed = |boxes: &'static [f32]| {
        let outputs = [
            ("Identity", &[1, 2][..], Some(&SCORES[..])),
            ("Identity_1", &[1, 2, 4], Some(boxes)),
            ("Identity_2", &[1], Some(&[2.0])),
            ("Identity_3", &[1, 2], Some(&LABELS)),
        ];
        found(Head::TfSsd, &summary(&[]), &outputs).map(|found| found.certainty)
    };
    assert_eq!(unnamed(&TOP_FIRST), Some(Certainty::Likely));
    assert_eq!(unnamed(&PIXELS), None);
    let nms = [
        ("num_dets", &[1, 1][..], None),
        ("det_boxes", &[1, 2, 4], None),
        ("det_scores", &[1, 2], None),
        ("det_classes", &[1, 2], None),
    ];
    assert!(found(Head::TfSsd, &summary(&[]), &nms).is_none());
}

#[test]
fn tensorflow_with_an_open_size_resizes_by_itself() {
    let mut open = summary(&[]);
    open.inputs = vec![value("image_tensor:0", &[-1, -1, -1, 3], DataType::Uint8)];
    let outputs = [
        ("detection_boxes:0", &[1, 0, 4][..], None),
        ("detection_classes:0", &[1, 0], None),
        ("detection_scores:0", &[1, 0], None),
        ("num_detections:0", &[0], None),
    ];
    let run = found(Head::TfSsd, &open, &outputs).unwrap();
    assert_eq!((run.usual.resize, run.certainty), (ResizeMode::OwnSize, Certainty::Certain));
}

#[test]
fn tensorflow_gives_top_and_left_first() {
    let outputs = tflite(true).map(|(name, shape, values)| tensor(name, shape, values.unwrap()));
    assert_eq!(read(Head::TfSsd, &outputs), FOUND);
    let none = [outputs[0], outputs[1], outputs[2], tensor("TFLite_Detection_PostProcess:3", &[1], &[0.0])];
    assert_eq!(read(Head::TfSsd, &none), []);
}

#[test]
fn efficient_nms_is_told_by_names_types_and_pixels() {
    let list = |names: [&'static str; 4], count: &'static [usize], boxes: Option<&'static [f32]>| {
        [
            (names[0], count, boxes.map(|_| &[2.0][..])),
            (names[1], &[1, 2, 4][..], boxes),
            (names[2], &[1, 2], boxes.map(|_| &SCORES[..])),
            (names[3], &[1, 2], boxes.map(|_| &LABELS[..])),
        ]
    };
    let told = |outputs: &Listed<'_>| found(Head::EfficientNms, &summary(&[]), outputs).map(|found| found.certainty);
    let trt = ["num_dets", "det_boxes", "det_scores", "det_classes"];
    assert_eq!(told(&list(trt, &[1, 1], None)), Some(Certainty::Certain));
    let nas = ["graph2_num_predictions", "graph2_pred_boxes", "graph2_pred_scores", "graph2_pred_classes"];
    assert_eq!(told(&list(nas, &[1, 1], Some(&PIXELS))), Some(Certainty::Certain));
    let unnamed = ["num", "a", "b", "c"];
    assert_eq!(told(&list(unnamed, &[1, 1], Some(&PIXELS))), Some(Certainty::Likely));
    assert_eq!(told(&list(unnamed, &[1], Some(&PIXELS))), Some(Certainty::Likely));
    assert_eq!(told(&list(unnamed, &[1], Some(&TOP_FIRST))), None);
    let tensorflow = ["num_detections", "detection_boxes", "detection_scores", "detection_classes"];
    assert_eq!(told(&list(tensorflow, &[1], Some(&[0.0; 8]))), None);
    let outputs = list(trt, &[1, 1], Some(&PIXELS)).map(|(name, shape, values)| tensor(name, shape, values.unwrap()));
    assert_eq!(read(Head::EfficientNms, &outputs), FOUND);
}

#[test]
fn torchvision_is_told_by_three_lists() {
    let list = |names: [&'static str; 3], values: Option<&'static [f32]>| {
        [
            (names[0], &[2, 4][..], values),
            (names[1], &[2], values.map(|_| &LABELS[..])),
            (names[2], &[2], values.map(|_| &SCORES[..])),
        ]
    };
    let plain = summary(&[]);
    let told = |outputs: &Listed<'_>| found(Head::Torchvision, &plain, outputs).map(|f| (f.head, f.certainty));
    let names = ["boxes", "labels", "scores"];
    assert_eq!(told(&list(names, Some(&PIXELS))), Some((Head::Torchvision, Certainty::Certain)));
    assert_eq!(told(&list(names, None)), Some((Head::Torchvision, Certainty::Certain)));
    assert_eq!(told(&list(names, Some(&FRACTIONS))), Some((Head::TorchvisionUnit, Certainty::Certain)));
    let zoo = ["6379", "6381", "6383"];
    assert_eq!(told(&list(zoo, Some(&PIXELS))), Some((Head::Torchvision, Certainty::Likely)));
    let ssd = [("bboxes", &[1, 0, 4][..], None), ("labels", &[1, 0], None), ("scores", &[1, 0], None)];
    assert_eq!(told(&ssd), Some((Head::TorchvisionUnit, Certainty::Likely)));
    let mut masks = list(names, Some(&PIXELS)).to_vec();
    masks.push(("masks", &[2, 1, 28, 28], None));
    assert!(told(&masks).is_some());
    assert!(found(Head::Torchvision, &with_input("orig_target_sizes"), &list(names, None)).is_none());
    assert_eq!(told(&[("boxes", &[1, 84, 4], None), ("scores", &[1, 84, 80], None)]), None);
    let yunet = [("cls_8", &[1, 2, 1][..], None), ("obj_8", &[1, 2, 1], None), ("bbox_8", &[1, 2, 4], None)];
    assert_eq!(told(&yunet), None);
    let fractions = [("boxes", &[2, 4][..], Some(&PIXELS[..])), ("a", &[2], Some(&SCORES)), ("b", &[2], Some(&SCORES))];
    assert_eq!(told(&fractions), None);
    assert_eq!(told(&[("logits", &[1, 100, 91], None), ("pred_boxes", &[1, 100, 4], None)]), None);
}

#[test]
fn torchvision_classes_and_preprocessing_follow_from_the_file() {
    let lists =
        [("boxes", &[2, 4][..], Some(&PIXELS[..])), ("labels", &[2], Some(&LABELS)), ("scores", &[2], Some(&SCORES))];
    let coco = found(Head::Torchvision, &with(&[(91, 1), (364, 1)], &[]), &lists).unwrap();
    assert_eq!(
        (coco.numbers, coco.usual.color, coco.usual.scale),
        (ClassNumbers::CocoIds, ColorOrder::Rgb, 1.0 / 255.0)
    );
    let mut zoo = with(&[(81, 1), (324, 1)], &[]);
    zoo.inputs = vec![value("image", &[3, -1, -1], DataType::Float)];
    let zoo = found(Head::Torchvision, &zoo, &lists).unwrap();
    assert_eq!((zoo.numbers, zoo.classes), (ClassNumbers::FromOne, Classes::Known(81)));
    assert_eq!((zoo.usual.color, zoo.usual.scale, zoo.usual.mean[0]), (ColorOrder::Bgr, 1.0, 102.9801));
    let regions = found(Head::Torchvision, &with(&[], &[("RoiAlign", 1)]), &lists).unwrap();
    assert_eq!((coco.usual.resize, regions.usual.resize), (ResizeMode::Stretch, ResizeMode::LetterboxTopLeft));
    let unknown = found(Head::Torchvision, &summary(&[]), &lists).unwrap();
    assert_eq!((unknown.numbers, unknown.classes), (ClassNumbers::FromOne, Classes::Open));
    assert!(unknown.evidence.iter().any(|e| e.item == Item::ClassNumbers && e.guess && e.text.contains("from 1")));
    for (operator, nms) in [("NonMaxSuppression", false), ("com.custom.BatchedNMS", false), ("Conv", true)] {
        assert_eq!(found(Head::Torchvision, &with(&[], &[(operator, 1)]), &lists).unwrap().nms, nms);
    }
}

#[test]
fn guessed_class_numbers_are_named_and_do_not_make_the_head_a_guess() {
    let outputs = [tensor("boxes", &[2, 4], &PIXELS), tensor("labels", &[2], &LABELS), tensor("scores", &[2], &SCORES)];
    let guesses = |widths: &[(usize, usize)]| {
        let recognition = winner(&with(widths, &[("NonMaxSuppression", 1)]), &outputs);
        guessed_keys(&recognition.evidence, None)
    };
    let (open, told) = (guesses(&[]), guesses(&[(91, 1), (364, 1)]));
    assert!(open.contains(&"class_numbers") && !open.contains(&"head"), "{open:?}");
    assert!(!told.contains(&"class_numbers") && !told.contains(&"head"), "{told:?}");
}

#[test]
fn detectron2_numbers_classes_from_zero() {
    let lists = |rows: bool, spare: &'static str, size: Option<&'static [f32]>| {
        let (count, boxes): (&[usize], &[usize]) = if rows { (&[2], &[2, 4]) } else { (&[0], &[0, 4]) };
        let values = |values: &'static [f32]| size.map(|_| if rows { values } else { &[] });
        let lists = [
            ("boxes", boxes, values(&PIXELS)),
            ("pred_classes", count, values(&LABELS)),
            ("scores", count, values(&SCORES)),
            (spare, &[2][..], size),
        ];
        // Widths that would speak for COCO's ids elsewhere.
        found(Head::Torchvision, &with(&[(91, 1), (364, 1)], &[]), &lists).unwrap()
    };
    for rows in [false, true] {
        let run = lists(rows, "image_size", Some(&[64.0, 64.0]));
        assert_eq!((run.head, run.numbers, run.classes), (Head::Torchvision, ClassNumbers::FromZero, Classes::Open));
        assert!(run.evidence.iter().any(|e| !e.guess && e.text.contains("from 0") && e.text.contains("Detectron2")));
        let unnamed = lists(rows, "3218", Some(&[64.0, 64.0]));
        assert_eq!(unnamed.numbers, ClassNumbers::FromZero);
        assert_eq!(lists(rows, "image_size", Some(&[64.0, 65.0])).numbers, ClassNumbers::CocoIds);
    }
    assert_eq!(lists(true, "image_size", None).numbers, ClassNumbers::FromZero);
    assert_eq!(lists(true, "3218", None).numbers, ClassNumbers::CocoIds);
}

#[test]
fn torchvision_rows_are_read_in_their_unit() {
    for (head, boxes) in [(Head::Torchvision, &PIXELS), (Head::TorchvisionUnit, &FRACTIONS)] {
        let batched = [
            tensor("scores", &[1, 2], &SCORES),
            tensor("labels", &[1, 2], &LABELS),
            tensor("boxes", &[1, 2, 4], boxes),
        ];
        let unbatched = [tensor("a", &[2, 4], boxes), tensor("b", &[2], &SCORES), tensor("c", &[2], &LABELS)];
        assert_eq!(read(head, &batched), FOUND);
        assert_eq!(read(head, &unbatched), FOUND);
    }
    let none = [tensor("boxes", &[0, 4], &[]), tensor("labels", &[0], &[]), tensor("scores", &[0], &[])];
    assert_eq!(read(Head::Torchvision, &none), []);
}

/// A row a query: always as many, whatever the picture.
const QUERIES: usize = 60;

fn queries<'a>(boxes: &'a [f32], scores: &'a [f32], labels: &'a [f32]) -> [OutputTensor<'a>; 3] {
    [
        tensor("labels", &[1, QUERIES], labels),
        tensor("boxes", &[1, QUERIES, 4], boxes),
        tensor("scores", &[1, QUERIES], scores),
    ]
}

#[test]
fn rt_detr_is_told_by_its_second_input_or_its_attention() {
    let (pixels, fractions) = (PIXELS.repeat(QUERIES / 2), FRACTIONS.repeat(QUERIES / 2));
    let (scores, labels) = (SCORES.repeat(QUERIES / 2), [3.0, 0.0].repeat(QUERIES / 2));
    let sizes = with_input("orig_target_sizes");
    let list = queries(&pixels, &scores, &labels);
    let detr = winner(&sizes, &list).card;
    assert_eq!((detr.head, detr.class_numbers, detr.nms), (Head::RtDetr, ClassNumbers::FromZero, false));
    assert_eq!((detr.resize, detr.mean[0]), (ResizeMode::Stretch, 0.0));
    let declared = [("labels", &[0, 0][..], None), ("boxes", &[1, 0, 0], None), ("scores", &[0, 0], None)];
    assert_eq!(found(Head::RtDetr, &sizes, &declared).unwrap().certainty, Certainty::Certain);
    let attention = with(&[], &[("Softmax", 8), ("TopK", 2)]);
    assert_eq!(winner(&attention, &list).card.head, Head::RtDetr);
    let unit = winner(&attention, &queries(&fractions, &scores, &labels)).card;
    assert_eq!((unit.head, unit.class_numbers), (Head::TorchvisionUnit, ClassNumbers::FromZero));
    assert_eq!(winner(&with(&[], &[("NonMaxSuppression", 1)]), &list).card.head, Head::Torchvision);
    let vit = Summary { operators: with(&[], &[("Erf", 12)]).operators, ..sizes };
    assert_eq!(winner(&vit, &list).card.mean[0], 0.485);
}

#[test]
fn every_list_goes_to_its_own_head() {
    let plain = summary(&[]);
    let [zeros, number] = [[0.0; 800], [0.0; 800]];
    let vector = &zeros[..100];
    let cases: [(&[OutputTensor<'_>], Head); 9] = [
        (&[tensor("output0", &[1, 100, 6], &zeros[..600])], Head::YoloV10),
        (&[tensor("output", &[0, 7], &[])], Head::YoloEnd2End),
        (&[tensor("detections", &[1, 100, 7], &zeros[..700])], Head::EfficientDet),
        (&[tensor("detection_out", &[1, 1, 0, 7], &[])], Head::DetectionOutput),
        (&[tensor("rows", &[0, 6], &[]), tensor("number", &[1], &number[..1])], Head::PaddleNms),
        (&[tensor("dets", &[1, 0, 5], &[]), tensor("labels", &[1, 0], &[])], Head::MmDet),
        (&[tensor("boxes", &[0, 4], &[]), tensor("labels", &[0], &[]), tensor("scores", &[0], &[])], Head::Torchvision),
        (
            &[
                tensor("num_dets", &[1, 1], &number[..1]),
                tensor("det_boxes", &[1, 100, 4], &zeros[..400]),
                tensor("det_scores", &[1, 100], vector),
                tensor("det_classes", &[1, 100], vector),
            ],
            Head::EfficientNms,
        ),
        (
            &[
                tensor("StatefulPartitionedCall:0", &[1, 100], vector),
                tensor("StatefulPartitionedCall:1", &[1, 100, 4], &zeros[..400]),
                tensor("StatefulPartitionedCall:2", &[1], &number[..1]),
                tensor("StatefulPartitionedCall:3", &[1, 100], vector),
            ],
            Head::TfSsd,
        ),
    ];
    for (outputs, head) in cases {
        assert_eq!(winner(&plain, outputs).card.head, head);
    }
}

proptest! {
    #[test]
    fn no_list_panics(
        parts in prop::collection::vec((0usize..10, prop::collection::vec(0usize..8, 0..5)), 1..6),
        seed in any::<u32>(), short in 0usize..3, run in any::<bool>(),
    ) {
        const NAMES: [&str; 10] = [
            "boxes", "scores", "labels", "num_dets", "dets", "a", "b", "detection_boxes", "x.tmp_0", "detection_classes",
        ];
        let odd = [0.0, 1.0, 0.5, 7.0, -1.0, f32::NAN, f32::INFINITY, 1e30];
        let values: Vec<Vec<f32>> = parts.iter().map(|(_, shape)| {
            let count = shape.iter().product::<usize>().saturating_sub(short);
            (0..count).map(|i| odd[(seed.rotate_left(i as u32 % 31) % 8) as usize]).collect()
        }).collect();
        let tensors: Vec<_> = parts.iter().zip(&values)
            .map(|((name, shape), values)| tensor(NAMES[*name], shape, values)).collect();
        let looked: Vec<_> = tensors.iter().map(|t| (t.name, t.shape, run.then_some(t.values))).collect();
        for &head in Head::ALL {
            for candidate in decoded(head, SIZE, &tensors, 0.1).into_iter().flatten() {
                prop_assert!(candidate.score.is_finite() && candidate.rect.x1.is_finite());
            }
            let _ = look(family(head), &summary(&[]), &looked);
        }
    }
}
