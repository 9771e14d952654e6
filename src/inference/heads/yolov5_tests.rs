use crate::imaging::ImageSize;
use crate::inference::Head;
use crate::inference::heads::family;
use crate::inference::heads::test_support::{SIZE, Seen, decoded, look, summary, tensor, with_metadata};
use crate::inference::heads::{Certainty, Classes, Found};

/// Cells of an input of 64x64 at strides 8, 16, 32, and anchors of the two maps of tiny models.
const CELLS: usize = 84;
const TINY: usize = 3 * (16 + 4);

fn recognized(outputs: &[Seen<'_>]) -> Option<Found> {
    look(family(Head::YoloV5), &summary(&[]), outputs)
}

fn table(rows: usize, objectness: f32) -> Vec<f32> {
    [20.0, 30.0, 9.0, 8.0, objectness, 0.3, 0.1].repeat(rows)
}

#[test]
fn three_anchors_a_cell_are_yolov5() {
    for rows in [3 * CELLS, TINY] {
        let values = table(rows, 0.2);
        let found = recognized(&[("output0", &[1, rows, 7], Some(&values))]).unwrap();
        assert_eq!((found.head, found.classes, found.certainty), (Head::YoloV5, Classes::Known(2), Certainty::Likely));
        assert_eq!(recognized(&[("output0", &[1, rows, 7], None)]).unwrap().certainty, Certainty::Guess);
    }
    let values = table(3 * CELLS, 0.2);
    let found = recognized(&[("output0", &[1, 3 * CELLS, 7], Some(&values))]).unwrap();
    assert_eq!(found.evidence[0].text, "output [1,252,7] = 3 anchors × (8²+4²+2²) cells × (5+2): YOLOv5");
    let named = with_metadata(summary(&[]), &[("names", "['a', 'b']")]);
    let values = table(100, 0.2);
    let output = ("output0", &[1usize, 100, 7][..], Some(values.as_slice()));
    assert_eq!(look(family(Head::YoloV5), &named, &[output]).unwrap().certainty, Certainty::Certain);
    assert!(recognized(&[output]).is_none());
}

#[test]
fn raw_maps_may_lie_beside_the_rows_in_any_order() {
    let values = table(3 * CELLS, 0.2);
    let rows = ("output", &[1usize, 3 * CELLS, 7][..], Some(values.as_slice()));
    let map = ("345", &[1usize, 3, 8, 8, 7][..], None);
    assert!(recognized(&[rows, map]).is_some() && recognized(&[map, rows]).is_some());
    assert!(recognized(&[rows, ("proto", &[1, 32, 16, 16], None)]).is_none(), "a segmenter");
    let map_values = vec![9.0; 3 * 64 * 7];
    let outputs = [tensor("345", &[1, 3, 8, 8, 7], &map_values), tensor("o", &[1, 3 * CELLS, 7], &values)];
    assert_eq!(decoded(Head::YoloV5, SIZE, &outputs, 0.05).unwrap().len(), 3 * CELLS);
}

#[test]
fn an_objectness_of_one_everywhere_is_yolov6() {
    let values = table(CELLS, 1.0);
    let output = ("outputs", &[1usize, CELLS, 7][..], Some(values.as_slice()));
    let found = recognized(&[output]).unwrap();
    assert_eq!((found.head, found.certainty), (Head::YoloV6, Certainty::Likely));
    assert!(look(family(Head::Yolox), &summary(&[]), &[output]).is_none());
    let yolox = table(CELLS, 0.9);
    assert!(recognized(&[("outputs", &[1, CELLS, 7], Some(&yolox))]).is_none());
}

#[test]
fn look_alikes_are_refused() {
    let rows = 3 * CELLS;
    let offsets = [0.6, 0.45, 0.3, 0.2, 0.2, 0.3, 0.1].repeat(rows);
    let landmarks = [20.0, 30.0, 9.0, 8.0, 0.2, 33.0, 0.1].repeat(rows);
    let logits = [-0.3, 0.4, 6.0, -2.0, -5.0, -3.0, 0.1].repeat(rows);
    for values in [offsets, landmarks, logits] {
        assert!(recognized(&[("output", &[1, rows, 7], Some(&values))]).is_none());
    }
    assert!(recognized(&[("output", &[1, rows, 5], None)]).is_none());
    assert!(recognized(&[("output", &[rows, 7], None)]).is_none());
}

#[test]
fn boxes_in_fractions_are_a_head_of_their_own() {
    let rows = 3 * CELLS;
    let row = |n: usize| [(n % 8) as f32 / 8.0, (n / 8 % 8) as f32 / 8.0, 0.1, 0.2, 0.2, 0.3, 0.1];
    let values: Vec<f32> = (0..rows).flat_map(row).collect();
    let found = recognized(&[("output", &[1, rows, 7], Some(&values))]).unwrap();
    assert_eq!((found.head, found.certainty, found.nms), (Head::YoloV5Unit, Certainty::Likely, true));
    let values = [0.25, 0.5, 0.125, 0.25, 0.8, 0.1, 0.9];
    let got = decoded(Head::YoloV5Unit, ImageSize::new(64, 32), &[tensor("o", &[1, 1, 7], &values)], 0.25).unwrap();
    let r = got[0].rect;
    assert_eq!((got[0].class_id, [r.x1, r.y1, r.x2, r.y2]), (1, [12.0, 12.0, 20.0, 20.0]));
}

#[test]
fn a_score_is_objectness_times_class() {
    let values = [20.0, 10.0, 8.0, 4.0, 0.8, 0.1, 0.9, 20.0, 10.0, 8.0, 4.0, 0.2, 0.9, 0.9];
    for head in [Head::YoloV5, Head::YoloV6] {
        let got = decoded(head, SIZE, &[tensor("o", &[1, 2, 7], &values)], 0.25).unwrap();
        assert_eq!(got.len(), 1);
        assert!(got[0].class_id == 1 && (got[0].score - 0.72).abs() < 1e-6);
        let r = got[0].rect;
        assert_eq!([r.x1, r.y1, r.x2, r.y2], [16.0, 8.0, 24.0, 12.0]);
    }
}
