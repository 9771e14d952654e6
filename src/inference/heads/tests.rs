use super::facts::grid_text;
use super::tensor::best_class;
use super::test_support::{SIZE, decoded, look, summary, tensor};
use super::*;
use crate::imaging::BoxInModel;
use proptest::prelude::*;
use std::collections::HashSet;

/// 64x32 has 8·4 + 4·2 + 2·1 = 42 cells.
const INPUT: ImageSize = ImageSize::new(64, 32);
const CELLS: usize = 42;
const CLASSES: usize = 3;
/// Boxes here are computed in two ways that differ in rounding only.
const TOLERANCE: f32 = 1e-3;

fn run(head: Head, outputs: &[OutputTensor<'_>], floor: f32) -> Result<Vec<Candidate>, DecodeError> {
    decoded(head, INPUT, outputs, floor)
}

fn near(got: &BoxInModel, want: [f32; 4]) -> bool {
    [got.x1, got.y1, got.x2, got.y2].iter().zip(want).all(|(g, w)| (g - w).abs() < TOLERANCE)
}

fn yolox_rows(rows: &[(usize, [f32; 8])]) -> Vec<f32> {
    let mut values = vec![0.0; CELLS * 8];
    for (index, row) in rows {
        values[index * 8..][..8].copy_from_slice(row);
    }
    values
}

#[test]
fn yolox_raw_boxes_are_relative_to_their_cell() {
    // Cell 9 is column 1, row 1 of stride 8; cell 41 is column 1, row 0 of stride 32.
    let ln2 = 2f32.ln();
    let values = yolox_rows(&[
        (9, [0.5, 0.25, ln2, 0.0, 0.8, 0.1, 0.9, 0.2]),
        (41, [0.5, 0.5, 0.0, 0.0, 0.9, 1.0, 0.0, 0.0]),
        (3, [0.0, 0.0, 0.0, 0.0, 0.9, 0.1, 0.1, 0.1]),
    ]);
    let got = run(Head::Yolox, &[tensor("output", &[1, CELLS, 8], &values)], 0.25).unwrap();
    assert_eq!(got.len(), 2);
    assert_eq!((got[0].class_id, got[1].class_id), (1, 0));
    assert!((got[0].score - 0.72).abs() < TOLERANCE && (got[1].score - 0.9).abs() < TOLERANCE);
    assert!(near(&got[0].rect, [4.0, 6.0, 20.0, 14.0]), "{:?}", got[0].rect);
    assert!(near(&got[1].rect, [32.0, 0.0, 64.0, 32.0]), "{:?}", got[1].rect);
}

#[test]
fn yolox_decoded_boxes_are_taken_as_they_are() {
    let values = yolox_rows(&[(9, [20.0, 10.0, 8.0, 4.0, 0.8, 0.1, 0.9, 0.2])]);
    let got = run(Head::YoloxDecoded, &[tensor("output", &[1, CELLS, 8], &values)], 0.25).unwrap();
    assert_eq!(got.len(), 1);
    assert!(near(&got[0].rect, [16.0, 8.0, 24.0, 12.0]));
}

#[test]
fn for_an_evaluation_every_class_above_the_floor_is_a_candidate() {
    let columns = |rows: &[f32], width: usize| -> Vec<f32> {
        (0..width).flat_map(|column| rows.chunks_exact(width).map(move |row| row[column])).collect()
    };
    let with_objectness = yolox_rows(&[(9, [20.0, 10.0, 8.0, 4.0, 0.5, 0.6, 0.9, 0.2])]);
    let without: Vec<f32> = [20.0, 10.0, 8.0, 4.0, 0.3, 0.45, 0.1].into_iter().chain([0.0; 7]).collect();
    let (corners, scores) = ([16.0, 8.0, 24.0, 12.0, 0.0, 0.0, 0.0, 0.0], [0.3, 0.45, 0.1, 0.0, 0.0, 0.0]);
    let by_columns = columns(&without, 7);
    let heads: [(Head, Vec<OutputTensor<'_>>); 4] = [
        (Head::YoloxDecoded, vec![tensor("output", &[1, CELLS, 8], &with_objectness)]),
        (Head::YoloV8Transposed, vec![tensor("output", &[1, 2, 7], &without)]),
        (Head::YoloV8, vec![tensor("output", &[1, 7, 2], &by_columns)]),
        (Head::BoxesScores, vec![tensor("boxes", &[1, 2, 4], &corners), tensor("scores", &[1, 2, 3], &scores)]),
    ];
    for (head, outputs) in heads {
        let context = DecodeContext { input_size: INPUT, score_floor: 0.25 };
        let (mut decoder, mut found) = (Decoder::for_head(head), Vec::new());
        decoder.decode(&outputs, &context, &mut found).unwrap();
        assert_eq!(found.iter().map(|c| c.class_id).collect::<Vec<_>>(), [1], "{head}");
        decoder.give_every_class();
        decoder.decode(&outputs, &context, &mut found).unwrap();
        assert_eq!(found.iter().map(|c| c.class_id).collect::<Vec<_>>(), [0, 1], "{head}");
        for (candidate, score) in found.iter().zip([0.3, 0.45]) {
            assert!((candidate.score - score).abs() < TOLERANCE && near(&candidate.rect, [16.0, 8.0, 24.0, 12.0]));
        }
    }
}

#[test]
fn yolox_on_the_wrong_grid_is_an_error() {
    let values = vec![0.0; 41 * 8];
    let got = run(Head::Yolox, &[tensor("output", &[1, 41, 8], &values)], 0.25);
    assert_eq!(got, Err(DecodeError::Grid { cells: 41, input: INPUT }));
}

#[test]
fn yolov8_is_read_column_by_column() {
    let cells = 3000; // several blocks, the last one not full
    let classes = 6; // four that are searched together, and two more
    let mut values = vec![0.0; (4 + classes) * cells];
    for (index, class, score) in [(0, 2, 0.9), (1023, 0, 0.5), (1024, 5, 0.6), (2999, 1, 0.24)] {
        for (row, value) in [(0, 20.0), (1, 10.0), (2, 8.0), (3, 4.0), (4 + class, score)] {
            values[row * cells + index] = value;
        }
    }
    let got = run(Head::YoloV8, &[tensor("output0", &[1, 4 + classes, cells], &values)], 0.25).unwrap();
    let found: Vec<_> = got.iter().map(|c| (c.class_id, c.score)).collect();
    assert_eq!(found, [(2, 0.9), (0, 0.5), (5, 0.6)]);
    assert!(got.iter().all(|c| near(&c.rect, [16.0, 8.0, 24.0, 12.0])));
}

#[test]
fn boxes_and_scores_may_come_in_either_order_and_unit() {
    let pixels = [16.0, 8.0, 24.0, 12.0, 0.0, 0.0, 1.0, 1.0];
    let fractions = [0.25, 0.25, 0.375, 0.375, 0.0, 0.0, 0.1, 0.1];
    let scores = [0.1, 0.8, 0.3, 0.1, 0.1, 0.1];
    let scores = tensor("scores", &[1, 2, CLASSES], &scores);
    for (head, boxes) in [
        (Head::BoxesScores, tensor("boxes", &[1, 2, 4], &pixels)),
        (Head::BoxesScoresUnit, tensor("boxes", &[1, 2, 1, 4], &fractions)),
    ] {
        for outputs in [[boxes, scores], [scores, boxes]] {
            let got = run(head, &outputs, 0.25).unwrap();
            assert_eq!(got.len(), 1);
            assert_eq!((got[0].class_id, got[0].score), (1, 0.8));
            assert!(near(&got[0].rect, [16.0, 8.0, 24.0, 12.0]), "{head:?} {:?}", got[0].rect);
        }
    }
}

#[test]
fn with_four_classes_the_names_tell_boxes_from_scores() {
    let boxes = [16.0, 8.0, 24.0, 12.0];
    let scores = [0.1, 0.1, 0.1, 0.7];
    let outputs = [tensor("cls_scores", &[1, 1, 4], &scores), tensor("out", &[1, 1, 4], &boxes)];
    assert_eq!(run(Head::BoxesScores, &outputs, 0.25).unwrap()[0].class_id, 3);
}

#[test]
fn what_is_not_finite_is_left_out() {
    let bad = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30];
    for value in bad {
        for column in 0..8 {
            let mut row = [0.5, 0.5, 0.0, 0.0, 0.9, 0.9, 0.1, 0.1];
            row[column] = value;
            let values = yolox_rows(&[(9, row)]);
            for candidate in run(Head::Yolox, &[tensor("o", &[1, CELLS, 8], &values)], 0.25).unwrap() {
                assert!(candidate.score.is_finite() && candidate.rect.x1.is_finite() && candidate.rect.y2.is_finite());
            }
        }
    }
}

#[test]
fn the_wrong_shape_names_what_is_needed_and_what_came() {
    let values = [0.0; 12];
    let output = [tensor("logits", &[1, 3, 2, 2], &values)];
    for &head in Head::ALL {
        let text = run(head, &output, 0.1).unwrap_err().to_string();
        assert!(text.contains("logits [1, 3, 2, 2]") && text.contains(&head.to_string()), "{text}");
        assert!(run(head, &[], 0.1).is_err());
    }
}

#[test]
fn every_head_has_one_family() {
    let heads: Vec<_> = families().flat_map(|family| family.heads).collect();
    assert_eq!(heads.iter().collect::<HashSet<_>>().len(), heads.len());
    assert_eq!(heads.len(), Head::ALL.len());
}

#[test]
fn class_numbers_are_brought_to_one_numbering() {
    let values =
        yolox_rows(&[(9, [20.0, 10.0, 8.0, 4.0, 0.8, 0.1, 0.9, 0.2]), (3, [9.0, 9.0, 2.0, 2.0, 0.8, 0.9, 0.0, 0.0])]);
    let mut decoder = Decoder { numbers: ClassNumbers::FromOne, ..Decoder::for_head(Head::YoloxDecoded) };
    let (mut candidates, context) = (Vec::new(), DecodeContext { input_size: INPUT, score_floor: 0.25 });
    decoder.decode(&[tensor("output", &[1, CELLS, 8], &values)], &context, &mut candidates).unwrap();
    assert_eq!(candidates.iter().map(|c| c.class_id).collect::<Vec<_>>(), [0]);
}

/// Cells of an input of 64x64.
const SQUARE_CELLS: usize = 84;

/// YOLOX rows of 5 + 3 numbers, raw or decoded.
fn yolox_values(decoded: bool) -> Vec<f32> {
    let row = |cell: grid::Cell| match decoded {
        false => [0.4, -0.3, 0.2, 0.1, 0.01, 0.1, 0.2, 0.9],
        true => {
            let center = [(cell.column + 0.4) * cell.stride, (cell.row - 0.3) * cell.stride];
            [center[0], center[1], 9.0, 8.0, 0.01, 0.1, 0.2, 0.9]
        }
    };
    grid::cells(SIZE, &[8, 16, 32]).flat_map(row).collect()
}

#[test]
fn yolox_raw_and_decoded_are_told_apart_by_values() {
    for (decoded, head) in [(false, Head::Yolox), (true, Head::YoloxDecoded)] {
        let values = yolox_values(decoded);
        let output = ("output", &[1, SQUARE_CELLS, 8][..], Some(values.as_slice()));
        let found = look(family(head), &summary(&[]), &[output]).unwrap();
        assert_eq!((found.head, found.classes, found.certainty), (head, Classes::Known(3), Certainty::Likely));
        assert_eq!(found.evidence[0].text, "output [1,84,8] = 8²+4²+2² cells × (5+3): YOLOX");
        let not_run = look(family(head), &summary(&[]), &[("output", &[1, SQUARE_CELLS, 8], None)]).unwrap();
        assert_eq!((not_run.head, not_run.certainty), (Head::Yolox, Certainty::Guess));
    }
}

#[test]
fn boxes_and_scores_are_told_from_their_relatives_by_values() {
    let run = |boxes: &[f32], scores: &[f32]| {
        let outputs = [("a", &[1, 2, 4][..], Some(boxes)), ("b", &[1, 2, 2], Some(scores))];
        look(family(Head::BoxesScores), &summary(&[]), &outputs).map(|found| found.head)
    };
    let pixels = [0.0, 0.0, 60.0, 50.0, 3.0, 4.0, 5.0, 6.0];
    let fractions = [-0.1, 0.0, 1.1, 0.5, 0.3, 0.4, 0.5, 0.6];
    let centers = [0.5, 0.5, 0.2, 0.2, 0.3, 0.4, 0.1, 0.1];
    let scores = [0.1, 0.2, 0.01, 0.3];
    assert_eq!(run(&pixels, &scores), Some(Head::BoxesScores));
    assert_eq!(run(&fractions, &scores), Some(Head::BoxesScoresUnit));
    assert_eq!(run(&pixels, &[0.1, -4.0, 0.01, 0.3]), None, "logits");
    assert_eq!(run(&fractions, &[0.9, 0.1, 0.99, 0.01]), None, "softmax");
    assert_eq!(run(&centers, &scores), None, "centres");
}

#[test]
fn grids_are_written_as_sums() {
    assert_eq!(grid_text(ImageSize::new(640, 480), &[8, 16, 32]), "80×60+40×30+20×15");
}

proptest! {
    #[test]
    fn the_best_class_is_the_first_maximum(scores in prop::collection::vec(-1.0f32..1.0, 1..100)) {
        let mut want = 0;
        for (index, score) in scores.iter().enumerate() {
            if *score > scores[want] { want = index; }
        }
        prop_assert_eq!(best_class(&scores, -1.0), Some((want, scores[want])));
        prop_assert_eq!(best_class(&scores, 1.1), None);
        // The same scores as one column of YOLOv8's layout.
        let values: Vec<f32> = [8.0, 8.0, 4.0, 4.0].iter().chain(&scores).copied().collect();
        let got = run(Head::YoloV8, &[tensor("o", &[1, values.len(), 1], &values)], -1.0).unwrap();
        prop_assert_eq!((got[0].class_id as usize, got[0].score), (want, scores[want]));
    }

    #[test]
    fn no_shape_and_no_value_panics(
        shape in prop::collection::vec(0usize..9, 0..5),
        second in prop::collection::vec(0usize..9, 0..5),
        seed in any::<u32>(), short in 0usize..3,
    ) {
        let fill = |shape: &[usize]| -> Vec<f32> {
            let count = shape.iter().product::<usize>().saturating_sub(short);
            (0..count).map(|i| f32::from_bits(seed.wrapping_mul(i as u32 ^ 0x9e37_79b9))).collect()
        };
        let (a, b) = (fill(&shape), fill(&second));
        let outputs = [tensor("boxes", &shape, &a), tensor("scores", &second, &b)];
        for &head in Head::ALL {
            let _ = run(head, &outputs, 0.1);
            let _ = run(head, &outputs[..1], 0.1);
        }
    }
}
