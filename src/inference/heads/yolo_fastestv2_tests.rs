use super::*;
use crate::inference::heads::family;
use crate::inference::heads::test_support::{SIZE, decoded, look, summary, tensor};

const TOLERANCE: f32 = 1e-3;
const CLASSES: usize = 2;

/// The raw numbers of a cell: anchor 1 of the cell in column 1, row 0 finds class 1.
fn cell(place: usize) -> [f32; CLASSES_FROM + CLASSES] {
    let mut numbers = [0.2; CLASSES_FROM + CLASSES];
    numbers[BOXES..CLASSES_FROM].fill(-6.0);
    if place == 1 {
        numbers[4..8].copy_from_slice(&[0.5, -0.5, 0.25, -0.25]);
        numbers[BOXES + 1] = 2.0;
        numbers[CLASSES_FROM + 1] = 3.2;
    }
    numbers
}

fn map(side: usize) -> Vec<f32> {
    (0..side * side).flat_map(cell).collect()
}

/// The same after sigmoid and softmax.
fn activated(side: usize) -> Vec<f32> {
    let mut values = map(side);
    for cell in values.chunks_exact_mut(CLASSES_FROM + CLASSES) {
        cell[..CLASSES_FROM].iter_mut().for_each(|value| *value = sigmoid(*value));
        let sum: f32 = cell[CLASSES_FROM..].iter().map(|value| value.exp()).sum();
        cell[CLASSES_FROM..].iter_mut().for_each(|value| *value = value.exp() / sum);
    }
    values
}

/// Six maps with planes, in the order of training.
fn six() -> Vec<(Vec<usize>, Vec<f32>)> {
    let part = |side: usize, from: usize, count: usize| {
        let values = map(side);
        let plane = move |number: usize| {
            let cells: Vec<f32> = values.chunks_exact(CLASSES_FROM + CLASSES).map(|cell| cell[number]).collect();
            cells
        };
        (vec![1, count, side, side], (from..from + count).flat_map(plane).collect())
    };
    let of = |side| [part(side, 0, BOXES), part(side, BOXES, ANCHORS), part(side, CLASSES_FROM, CLASSES)];
    [of(4), of(2)].concat()
}

fn two() -> Vec<(Vec<usize>, Vec<f32>)> {
    [4, 2].map(|side| (vec![1, side, side, CLASSES_FROM + CLASSES], activated(side))).to_vec()
}

fn recognized(maps: &[(Vec<usize>, Vec<f32>)], run: bool) -> Option<Found> {
    let outputs: Vec<_> = maps.iter().map(|(shape, v)| ("o", shape.as_slice(), run.then_some(v.as_slice()))).collect();
    look(family(Head::YoloFastestV2), &summary(&[]), &outputs)
}

#[test]
fn both_exports_give_the_same_boxes_in_any_order() {
    for mut maps in [two(), six()] {
        for _ in 0..2 {
            let outputs: Vec<_> = maps.iter().map(|(shape, values)| tensor("o", shape, values)).collect();
            let got = decoded(Head::YoloFastestV2, SIZE, &outputs, 0.25).unwrap();
            assert_eq!(got.iter().map(|c| c.class_id).collect::<Vec<_>>(), [1, 1]);
            let score = 0.880_797_1 * 0.952_574_1;
            assert!(got.iter().all(|c| (c.score - score).abs() < TOLERANCE));
            let (cx, cy) = ((2.0 * 0.622_459_3 - 0.5 + 1.0) * 16.0, (2.0 * 0.377_540_7 - 0.5) * 16.0);
            let (w, h) = (4.0 * 0.562_176_5f32.powi(2) * 37.88, 4.0 * 0.437_823_5f32.powi(2) * 51.48);
            let (want, r) = ([cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0], got[0].rect);
            assert!(
                [r.x1, r.y1, r.x2, r.y2].iter().zip(want).all(|(g, w)| (g - w).abs() < TOLERANCE),
                "{r:?} {want:?}"
            );
            maps.reverse();
        }
    }
}

#[test]
fn values_tell_it_from_other_maps() {
    for mut maps in [two(), six()] {
        for _ in 0..2 {
            let found = recognized(&maps, true).unwrap();
            assert_eq!((found.classes, found.certainty), (Classes::Known(CLASSES), Certainty::Certain));
            maps.reverse();
        }
    }
    assert_eq!(recognized(&six(), false).unwrap().certainty, Certainty::Guess);
    assert!(recognized(&two(), false).is_none(), "two maps of 17 numbers may be anything");
    let raw: Vec<_> = [4, 2].map(|side| (vec![1, side, side, CLASSES_FROM + CLASSES], map(side))).to_vec();
    assert!(recognized(&raw, true).is_none(), "no softmax over the classes");
    assert!(recognized(&two()[..1], true).is_none());
    let mut features = six();
    features.iter_mut().flat_map(|(_, values)| values).for_each(|value| *value = value.abs());
    assert!(recognized(&features, true).is_none());
}
