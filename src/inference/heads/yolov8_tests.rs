use crate::imaging::{ImageSize, ResizeMode};
use crate::inference::Head;
use crate::inference::heads::family;
use crate::inference::heads::test_support::{SIZE, Seen, decoded, look, summary, tensor, with_metadata};
use crate::inference::heads::{Certainty, Classes, Found};
use crate::onnx::Summary;

/// Cells of an input of 64x64 at strides 8, 16, 32.
const CELLS: usize = 84;

fn recognized(summary: &Summary, outputs: &[Seen<'_>]) -> Option<Found> {
    look(family(Head::YoloV8), summary, outputs)
}

/// Cells with those of stride 4.
const MORE_CELLS: usize = 16 * 16 + CELLS;

/// Rows of centre, size and `classes` scores.
fn rows(cells: usize, classes: usize) -> Vec<f32> {
    let row = |cell: usize| {
        let scores = (0..classes).map(move |class| ((cell * 7 + class * 3) % 50) as f32 / 100.0);
        [20.0 + cell as f32 / 4.0, 30.0, 9.0, 8.0].into_iter().chain(scores)
    };
    (0..cells).flat_map(row).collect()
}

fn transposed(rows: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| rows.chunks_exact(columns).map(move |row| row[column])).collect()
}

#[test]
fn both_orders_of_the_axes_are_recognized() {
    let names = with_metadata(summary(&[]), &[("names", "['a', 'b', 'c']")]);
    let by_rows = rows(CELLS, 3);
    let by_columns = transposed(&by_rows, 7);
    for (summary, certainty) in [(&summary(&[]), Certainty::Likely), (&names, Certainty::Certain)] {
        let found = recognized(summary, &[("output0", &[1, 7, CELLS], Some(&by_columns))]).unwrap();
        assert_eq!((found.head, found.classes, found.certainty), (Head::YoloV8, Classes::Known(3), certainty));
    }
    let found = recognized(&names, &[("output0", &[1, CELLS, 7], Some(&by_rows))]).unwrap();
    assert_eq!((found.head, found.certainty), (Head::YoloV8Transposed, Certainty::Certain));
    // Without names, 80 classes or none but one tell that there is no objectness; 3 classes do not.
    for classes in [80, 1] {
        let (values, shape) = (rows(MORE_CELLS, classes), [1, MORE_CELLS, 4 + classes]);
        let found = recognized(&summary(&[]), &[("out", &shape, Some(&values))]).unwrap();
        assert_eq!((found.head, found.certainty), (Head::YoloV8Transposed, Certainty::Likely));
    }
    assert!(recognized(&summary(&[]), &[("out", &[1, CELLS, 7], Some(&by_rows))]).is_none());
    let mut distances = summary(&[]);
    distances.operators.insert("Softmax".into(), 1);
    assert!(recognized(&distances, &[("out", &[1, CELLS, 7], Some(&by_rows))]).is_some());
}

#[test]
fn yolox_leaves_rows_without_an_objectness_alone() {
    let (coco, yolox) = (rows(CELLS, 80), rows(CELLS, 81));
    let is_yolox = |values: &[f32], columns| {
        look(family(Head::Yolox), &summary(&[]), &[("out", &[1, CELLS, columns], Some(values))]).is_some()
    };
    assert!(!is_yolox(&coco, 84) && is_yolox(&yolox, 85));
    assert!(recognized(&summary(&[]), &[("out", &[1, CELLS, 85], Some(&yolox))]).is_none());
}

#[test]
fn raw_maps_beside_the_boxes_are_passed_over_and_masks_are_not() {
    let values = transposed(&rows(CELLS, 3), 7);
    let boxes = ("output0", &[1usize, 7, CELLS][..], Some(values.as_slice()));
    let map = ("345", &[1usize, 67, 8, 8][..], None);
    assert!(recognized(&summary(&[]), &[boxes, map]).is_some());
    assert!(recognized(&summary(&[]), &[map, boxes]).is_some());
    assert!(recognized(&summary(&[]), &[boxes, ("output1", &[1, 32, 16, 16], None)]).is_none());
}

#[test]
fn relatives_for_other_tasks_are_refused() {
    // 51 numbers of key points after one class, in pixels.
    let pose: Vec<f32> = (0..56 * CELLS).map(|place| if place < 4 * CELLS { 20.0 } else { 33.0 }).collect();
    assert!(recognized(&summary(&[]), &[("output0", &[1, 56, CELLS], Some(&pose))]).is_none());
    // An angle after two classes.
    let oriented = with_metadata(summary(&[]), &[("names", "['a', 'b']")]);
    let values = transposed(&rows(CELLS, 3), 7);
    assert!(recognized(&oriented, &[("output0", &[1, 7, CELLS], Some(&values))]).is_none());
    // Offsets within cells, which lie around the middle; the finished list of YOLOv10, a feature map, nothing.
    let offsets: Vec<f32> = (0..7 * CELLS).map(|place| 0.4 + (place % 20) as f32 / 100.0).collect();
    assert!(recognized(&summary(&[]), &[("output0", &[1, 7, CELLS], Some(&offsets))]).is_none());
    assert!(recognized(&summary(&[]), &[("output0", &[1, 300, 6], None)]).is_none());
    assert!(recognized(&summary(&[]), &[("output0", &[1, 7, 8, 8], None)]).is_none());
    assert!(recognized(&summary(&[]), &[]).is_none());
}

#[test]
fn finer_and_fewer_maps_are_known() {
    for cells in [MORE_CELLS, 16 + 4] {
        assert!(recognized(&summary(&[]), &[("output0", &[1, 6, cells], None)]).is_some(), "{cells}");
    }
    assert!(recognized(&summary(&[]), &[("output0", &[1, 6, 90], None)]).is_none());
}

#[test]
fn transposed_boxes_are_read_row_by_row() {
    let values = [20.0, 10.0, 8.0, 4.0, 0.1, 0.9, 20.0, 10.0, 8.0, 4.0, 0.1, 0.2, 9.0, 9.0, 2.0, 2.0, 0.5, f32::NAN];
    let output = [tensor("output0", &[1, 3, 6], &values)];
    let got = decoded(Head::YoloV8Transposed, ImageSize::new(64, 32), &output, 0.25).unwrap();
    assert_eq!(got.iter().map(|c| (c.class_id, c.score)).collect::<Vec<_>>(), [(1, 0.9), (0, 0.5)]);
    let r = got[0].rect;
    assert_eq!([r.x1, r.y1, r.x2, r.y2], [16.0, 8.0, 24.0, 12.0]);
    let columns = transposed(&values, 6);
    let other = decoded(Head::YoloV8, SIZE, &[tensor("o", &[1, 6, 3], &columns)], 0.25).unwrap();
    assert_eq!(other.len(), 2);
}

#[test]
fn a_table_without_room_for_boxes_is_none() {
    // Found by fuzzing: fewer than four numbers a cell, in either order of the axes.
    for shape in [[1, 2, CELLS], [1, CELLS, 2], [1, 0, CELLS], [1, 4, CELLS], [1, 1, 1]] {
        let values = vec![0.5; shape.iter().product()];
        assert!(recognized(&summary(&[]), &[("output0", &shape, Some(&values))]).is_none(), "{shape:?}");
    }
}

/// Rows with centres all over the input, in fractions of it.
fn unit_rows(count: usize, classes: usize) -> Vec<f32> {
    let row = |number: usize| {
        let center = [(number % 8) as f32 / 8.0 + 0.05, (number / 8 % 8) as f32 / 8.0 + 0.05];
        center
            .into_iter()
            .chain([0.1, 0.2])
            .chain((0..classes).map(move |class| ((number + class) % 40) as f32 / 100.0))
    };
    (0..count).flat_map(row).collect()
}

#[test]
fn boxes_in_fractions_are_a_head_of_their_own() {
    let by_rows = unit_rows(MORE_CELLS, 80);
    let found = recognized(&summary(&[]), &[("out", &[1, MORE_CELLS, 84], Some(&by_rows))]).unwrap();
    assert_eq!((found.head, found.nms), (Head::YoloV8TransposedUnit, true));
    let by_columns = transposed(&unit_rows(CELLS, 3), 7);
    let found = recognized(&summary(&[]), &[("out", &[1, 7, CELLS], Some(&by_columns))]).unwrap();
    assert_eq!((found.head, found.certainty, found.nms), (Head::YoloV8Unit, Certainty::Likely, true));
    let nothing = vec![0.0; 7 * CELLS];
    assert!(recognized(&summary(&[]), &[("out", &[1, 7, CELLS], Some(&nothing))]).is_none());
}

#[test]
fn rt_detr_of_ultralytics_has_queries_for_cells() {
    // More classes than queries too, where the longer axis has the classes.
    for classes in [1, 2, 80, 365] {
        let names: Vec<_> = (0..classes).map(|class| format!("'c{class}'")).collect();
        let names = format!("[{}]", names.join(", "));
        let named = with_metadata(summary(&[]), &[("names", names.as_str()), ("task", "detect")]);
        let (values, shape) = (unit_rows(300, classes), [1, 300, 4 + classes]);
        for values in [Some(values.as_slice()), None] {
            let found = recognized(&named, &[("output0", &shape, values)]).unwrap();
            assert_eq!((found.head, found.certainty), (Head::YoloV8TransposedUnit, Certainty::Certain));
            assert_eq!((found.classes, found.nms), (Classes::Known(classes), false));
            assert_eq!(found.usual.resize, ResizeMode::Stretch);
        }
        assert!(recognized(&summary(&[]), &[("output0", &shape, Some(&values))]).is_none(), "nothing names it");
    }
}

#[test]
fn fractions_become_pixels_of_the_input() {
    let values = [0.25, 0.5, 0.125, 0.25, 0.1, 0.9];
    let want = [12.0, 12.0, 20.0, 20.0];
    for (head, shape) in [(Head::YoloV8TransposedUnit, [1, 1, 6]), (Head::YoloV8Unit, [1, 6, 1])] {
        let got = decoded(head, ImageSize::new(64, 32), &[tensor("o", &shape, &values)], 0.25).unwrap();
        let r = got[0].rect;
        assert_eq!((got[0].class_id, [r.x1, r.y1, r.x2, r.y2]), (1, want), "{head}");
    }
}

#[test]
fn the_last_of_two_equal_tables_is_read() {
    let main = transposed(&rows(CELLS, 3), 7);
    // What the auxiliary branch gives here is no answer at all.
    let auxiliary = vec![-3.0; 7 * CELLS];
    let shape = [1usize, 7, CELLS];
    let seen = |first, last| recognized(&summary(&[]), &[("a", &shape, Some(first)), ("b", &shape, Some(last))]);
    assert_eq!(seen(&auxiliary, &main).unwrap().head, Head::YoloV8);
    assert!(seen(&main, &auxiliary).is_none());
    let other = recognized(&summary(&[]), &[("a", &[1, 9, CELLS], None), ("b", &shape, Some(&main))]);
    assert!(other.is_none(), "tables of two shapes");
    let tables = [[20.0, 10.0, 8.0, 4.0, 0.9, 0.1], [20.0, 10.0, 8.0, 4.0, 0.1, 0.8]];
    for (head, shape) in [(Head::YoloV8, [1, 6, 1]), (Head::YoloV8Transposed, [1, 1, 6])] {
        let outputs = tables.each_ref().map(|values| tensor("o", &shape, values));
        let got = decoded(head, SIZE, &outputs, 0.25).unwrap();
        assert_eq!(got.iter().map(|c| (c.class_id, c.score)).collect::<Vec<_>>(), [(1, 0.8)], "{head}");
    }
}
