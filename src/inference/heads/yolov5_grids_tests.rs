use super::*;
use crate::inference::heads::family;
use crate::inference::heads::test_support::{SIZE, decoded, look, summary, tensor, with_metadata};
use crate::inference::heads::{Certainty, Classes, Decoder, Found};
use crate::onnx::Summary;

const TOLERANCE: f32 = 1e-3;
/// Two classes.
const NUMBERS: usize = 7;
/// Numbers of an anchor that has found nothing, before the sigmoid.
const NOTHING: [f32; NUMBERS] = [0.3, -0.2, -0.4, 0.5, -8.0, -3.0, -2.0];
/// Anchor 1 of the cell in column 2, row 1 of every map finds class 1.
const FOUND: [f32; NUMBERS] = [0.5, -0.5, 0.25, -0.25, 3.0, -1.0, 2.0];

/// The numbers of a map in the order a, y, x, n.
fn map(stride: usize) -> (usize, Vec<f32>) {
    let side = 64 / stride;
    let anchor = |place: usize| {
        let (a, y, x) = (place / (side * side), place / side % side, place % side);
        if (a, y, x) == (1, 1, if side > 2 { 2 } else { 1 }) { FOUND } else { NOTHING }
    };
    (side, (0..3 * side * side).flat_map(anchor).collect())
}

/// The maps of strides 8, 16, 32 in an order of axes, coarsest first.
fn maps(order: &str) -> Vec<(Vec<usize>, Vec<f32>)> {
    let reordered = |stride: usize| {
        let (side, values) = map(stride);
        let length = |axis: char| match axis {
            'a' => 3,
            'n' => NUMBERS,
            _ => side,
        };
        let count = values.len();
        let shape: Vec<usize> = order.chars().map(length).collect();
        let reordered = (0..count).map(|place| {
            let (mut rest, mut at) = (place, [0; 128]);
            for axis in order.chars().rev() {
                at[axis as usize] = rest % length(axis);
                rest /= length(axis);
            }
            let [a, y, x, n] = ['a', 'y', 'x', 'n'].map(|axis| at[axis as usize]);
            values[((a * side + y) * side + x) * NUMBERS + n]
        });
        (shape, reordered.collect())
    };
    [32, 16, 8].map(reordered).to_vec()
}

/// The shape as exporters give it, with the batch, and axes joined where `join` says so.
fn with_batch(shape: &[usize], join: Option<usize>) -> Vec<usize> {
    let mut all = vec![1];
    all.extend(shape);
    if let Some(at) = join {
        let next = all.remove(at + 1);
        all[at] *= next;
    }
    all
}

const ORDERS: [(&str, Option<usize>); 6] =
    [("anyx", Some(1)), ("yxan", Some(3)), ("ayxn", None), ("yxan", None), ("anyx", None), ("ayxn", Some(2))];

fn recognized(summary: &Summary, maps: &[(Vec<usize>, Vec<f32>)], run: bool) -> Option<Found> {
    let outputs: Vec<_> =
        maps.iter().map(|(shape, values)| ("map", shape.as_slice(), run.then_some(values.as_slice()))).collect();
    look(family(Head::YoloV5Grids), summary, &outputs)
}

fn in_order(order: &str, join: Option<usize>) -> Vec<(Vec<usize>, Vec<f32>)> {
    maps(order).into_iter().map(|(shape, values)| (with_batch(&shape, join), values)).collect()
}

fn run(head: Head, maps: &[(Vec<usize>, Vec<f32>)]) -> Result<Vec<Candidate>, DecodeError> {
    let outputs: Vec<_> = maps.iter().map(|(shape, values)| tensor("map", shape, values)).collect();
    decoded(head, SIZE, &outputs, 0.25)
}

fn sigmoid_all(maps: &mut [(Vec<usize>, Vec<f32>)]) {
    maps.iter_mut().for_each(|(_, values)| values.iter_mut().for_each(|value| *value = sigmoid(*value)));
}

fn near(rect: &BoxInModel, want: [f32; 4]) -> bool {
    [rect.x1, rect.y1, rect.x2, rect.y2].iter().zip(want).all(|(got, want)| (got - want).abs() < TOLERANCE)
}

/// σ(0.5), σ(−0.5), σ(0.25), σ(−0.25).
const SIGMOIDS: [f32; 4] = [0.622_459_3, 0.377_540_7, 0.562_176_5, 0.437_823_5];

/// The box that [`FOUND`] is by YOLOv5's formula, cell (2, 1) of stride 8.
fn want_v5(anchor: [f32; 2]) -> [f32; 4] {
    let [x, y, w, h] = SIGMOIDS;
    let (cx, cy) = ((2.0 * x - 0.5 + 2.0) * 8.0, (2.0 * y - 0.5 + 1.0) * 8.0);
    let (w, h) = (4.0 * w * w * anchor[0], 4.0 * h * h * anchor[1]);
    [cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0]
}

#[test]
fn every_order_of_axes_is_read_by_yolov5s_formula() {
    for (order, join) in ORDERS {
        let mut raw = in_order(order, join);
        for activated in [false, true] {
            if activated {
                sigmoid_all(&mut raw);
            }
            let got = run(Head::YoloV5Grids, &raw).unwrap();
            assert_eq!(got.len(), 3, "{order} {join:?}");
            let score = 0.952_574_1 * 0.880_797_1;
            assert!(got.iter().all(|c| c.class_id == 1 && (c.score - score).abs() < TOLERANCE));
            // The finest map came last.
            assert!(near(&got[2].rect, want_v5([16.0, 30.0])), "{order} {:?}", got[2].rect);
        }
    }
}

#[test]
fn every_head_has_its_formula_and_anchors() {
    let raw = in_order("yxan", None);
    let v7 = run(Head::YoloV7Grids, &raw).unwrap();
    assert!(near(&v7[2].rect, want_v5([19.0, 36.0])), "{:?}", v7[2].rect);
    let [x, y, ..] = SIGMOIDS;
    for (head, anchor, reach) in [(Head::YoloV3Grids, [16.0, 30.0], 1.0), (Head::YoloV4Grids, [19.0, 36.0], 1.2)] {
        let center = |unit: f32, cell: f32| ((unit - 0.5) * reach + 0.5 + cell) * 8.0;
        let (cx, cy) = (center(x, 2.0), center(y, 1.0));
        let (w, h) = (0.25f32.exp() * anchor[0], (-0.25f32).exp() * anchor[1]);
        let want = [cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0];
        let mut maps = raw.clone();
        // With the sigmoid on the scores only, as in the ONNX model zoo, the boxes are the same.
        for activated in [false, true] {
            if activated {
                for (_, values) in &mut maps {
                    for row in values.chunks_exact_mut(NUMBERS) {
                        row[4..].iter_mut().for_each(|value| *value = sigmoid(*value));
                    }
                }
            }
            let got = run(head, &maps).unwrap();
            assert!(got.len() == 3 && near(&got[2].rect, want), "{head} {:?} {want:?}", got[2].rect);
            assert!((got[2].score - 0.952_574_1 * 0.880_797_1).abs() < TOLERANCE);
        }
    }
}

#[test]
fn the_cards_anchors_go_before_the_usual_ones() {
    let raw = in_order("anyx", Some(1));
    let outputs: Vec<_> = raw.iter().map(|(shape, values)| tensor("map", shape, values)).collect();
    let with = |text: &str| {
        let anchors: Anchors =
            toml::Value::try_into(toml::from_str::<toml::Table>(text).unwrap()["a"].clone()).unwrap();
        let mut decoder = Decoder::for_head(Head::YoloV5Grids);
        decoder.scratch.anchors = Some(anchors);
        let (mut candidates, context) = (Vec::new(), DecodeContext { input_size: SIZE, score_floor: 0.25 });
        decoder.decode(&outputs, &context, &mut candidates).map(|()| candidates)
    };
    let got = with("a = [[1,1, 8,4, 1,1], [1,1, 2,2, 3,3], [1,1, 2,2, 3,3]]").unwrap();
    assert!(near(&got[2].rect, want_v5([8.0, 4.0])), "{:?}", got[2].rect);
    let few = with("a = [[1,1, 8,4, 1,1]]").unwrap_err().to_string();
    assert!(
        few.contains("yolov5_grids") && few.contains("3 feature maps from stride 8") && few.contains("\"anchors\""),
        "{few}"
    );
}

#[test]
fn maps_are_recognized_in_every_order() {
    let named = with_metadata(summary(&[]), &[("names", "['a', 'b']")]);
    for (order, join) in ORDERS {
        let mut maps = in_order(order, join);
        for _ in 0..2 {
            let found = recognized(&summary(&[]), &maps, true).unwrap_or_else(|| panic!("{order} {join:?}"));
            // Without an axis of anchors nothing but the values speaks for a detector.
            let joined = matches!(join, Some(1 | 3));
            let certainty = if joined { Certainty::Guess } else { Certainty::Likely };
            assert_eq!((found.classes, found.certainty, found.nms), (Classes::Known(2), certainty, true));
            assert_eq!(recognized(&named, &maps, true).unwrap().certainty, Certainty::Certain);
            assert_eq!(recognized(&named, &maps, false).unwrap().certainty, Certainty::Guess);
            maps.reverse();
        }
    }
    let found = recognized(&summary(&[]), &in_order("anyx", Some(1)), true).unwrap();
    assert_eq!(found.head, Head::YoloV5Grids);
    assert_eq!(
        found.evidence[0].text,
        "outputs [1,21,2,2], [1,21,4,4], [1,21,8,8] = 3 anchors × (5+2) on maps of strides 32, 16, 8"
    );
    assert!(found.evidence[2].text.contains("10,13 16,30 33,23 | 30,61"), "{}", found.evidence[2].text);
}

#[test]
fn the_formula_follows_from_values_axes_and_operators() {
    let with = |operators: &[(&str, usize)]| {
        let mut summary = summary(&[]);
        summary.operators = operators.iter().map(|(name, count)| (name.to_string(), *count)).collect();
        summary
    };
    let (planes, tensorflow) = (in_order("anyx", Some(1)), in_order("yxan", None));
    let mut activated = tensorflow.clone();
    sigmoid_all(&mut activated);
    let head = |operators: &[(&str, usize)], maps: &[_]| recognized(&with(operators), maps, true).unwrap().head;
    assert_eq!(head(&[("Sigmoid", 60), ("MaxPool", 3)], &planes), Head::YoloV5Grids);
    assert_eq!(head(&[("Sigmoid", 92), ("MaxPool", 8)], &planes), Head::YoloV7Grids);
    assert_eq!(head(&[("LeakyRelu", 55), ("MaxPool", 6)], &planes), Head::YoloV5Grids);
    assert_eq!(head(&[("LeakyRelu", 72), ("Add", 23)], &planes), Head::YoloV3Grids);
    assert_eq!(head(&[("Softplus", 72), ("Add", 23)], &planes), Head::YoloV4Grids);
    assert_eq!(head(&[("LeakyRelu", 11)], &planes[..2]), Head::YoloV3Grids);
    assert_eq!(head(&[], &tensorflow), Head::YoloV3Grids);
    assert_eq!(head(&[("Mish", 3)], &activated), Head::YoloV5Grids);
}

#[test]
fn other_feature_maps_are_refused() {
    let refused = |maps: &[(Vec<usize>, Vec<f32>)], run| recognized(&summary(&[]), maps, run).is_none();
    let planes = in_order("anyx", Some(1));
    assert!(refused(&planes, false), "2 classes, and no axis of anchors");
    assert!(refused(&planes[..1], true), "one map");
    assert!(refused(&[planes[0].clone(), planes[2].clone()], true), "a map is missing between");
    assert!(refused(&[planes[0].clone(), planes[0].clone()], true), "twice the same stride");
    let features: Vec<_> = planes
        .iter()
        .map(|(shape, values)| (shape.clone(), values.iter().map(|value| value.abs()).collect()))
        .collect();
    assert!(refused(&features, true), "features after a rectifier");
    // About -0.05, as a layer before its activation gives them.
    let spread = |place: usize| if place.is_multiple_of(2) { 0.95 } else { -1.05 };
    for channels in [96, 255] {
        let maps: Vec<_> = [8, 4, 2]
            .map(|side| (vec![1, channels, side, side], (0..channels * side * side).map(spread).collect::<Vec<_>>()))
            .to_vec();
        assert_eq!(refused(&maps, true), channels == 96, "{channels} channels");
    }
    let yolov8: Vec<_> = [8, 4, 2].map(|side| (vec![1, 144, side, side], vec![-3.0; 144 * side * side])).to_vec();
    assert!(refused(&yolov8, true) && refused(&yolov8, false));
    let coco: Vec<_> = [8, 4, 2].map(|side| (vec![1, 255, side, side], vec![-3.0; 255 * side * side])).to_vec();
    assert!(!refused(&coco, false) && !refused(&coco, true));
}
