use super::super::test_support::{decoded, look, summary, tensor, value};
use super::super::{Family, blazeface, yunet};
use super::*;
use crate::imaging::ImageSize;
use crate::onnx::Summary;
use crate::onnx::proto::DataType;

const SIZE: ImageSize = ImageSize::new(64, 64);

/// One output: name, shape and values.
type Tensor = (String, Vec<usize>, Vec<f32>);

fn square(side: i64) -> Summary {
    Summary { inputs: vec![value("input", &[1, 3, side, side], DataType::Float)], ..summary(&[]) }
}

fn recognized(family: &Family, side: i64, outputs: &[Tensor], with_values: bool) -> Option<Found> {
    let outputs: Vec<_> = outputs
        .iter()
        .map(|(name, shape, values)| (name.as_str(), shape.as_slice(), with_values.then_some(values.as_slice())))
        .collect();
    look(family, &square(side), &outputs)
}

/// Score and edges of the only candidate.
fn run(head: Head, size: ImageSize, outputs: &[Tensor]) -> (f32, [f32; 4]) {
    let outputs: Vec<_> = outputs.iter().map(|(name, shape, values)| tensor(name, shape, values)).collect();
    let found = decoded(head, size, &outputs, 0.25).unwrap();
    let [one] = found[..] else { panic!("{found:?}") };
    (one.score, [one.rect.x1, one.rect.y1, one.rect.x2, one.rect.y2].map(|edge| (edge * 100.0).round() / 100.0))
}

/// For each stride an output of each number of columns, filled with 0; with row 7 of stride 16 set.
fn levels(strides: &[u32], anchors: usize, rows: &[&[f32]], batch: bool) -> Vec<Tensor> {
    let mut all = Vec::new();
    for row in rows {
        for &stride in strides {
            let count = (SIZE.width.div_ceil(stride) * SIZE.height.div_ceil(stride)) as usize * anchors;
            let mut values = vec![0.0; count * row.len()];
            if stride == 16 {
                values[7 * row.len()..8 * row.len()].copy_from_slice(row);
            }
            let shape = if batch { vec![1, count, row.len()] } else { vec![count, row.len()] };
            all.push((format!("{}", 440 + all.len()), shape, values));
        }
    }
    all
}

#[test]
fn scrfd_is_known_with_and_without_landmarks_and_batch() {
    let row: [&[f32]; 3] = [&[0.75], &[1.0, 0.5, 0.25, 2.0], &[0.0; 10]];
    // Row 7 of two anchors a place is column 3, row 0 of stride 16; of one anchor, column 3, row 1.
    for (strides, anchors, top) in [(&[8, 16, 32][..], 2, 0.0), (&[8, 16, 32, 64, 128], 1, 16.0)] {
        for (columns, batch) in [(3, false), (3, true), (2, false), (2, true)] {
            let mut outputs = levels(strides, anchors, &row[..columns], batch);
            for _ in 0..2 {
                for with_values in [false, true] {
                    let found = recognized(&FAMILY, 64, &outputs, with_values).unwrap();
                    assert_eq!((found.certainty, found.only_class), (Certainty::Certain, Some("face")));
                }
                let want = [32.0, top - 8.0, 52.0, top + 32.0];
                assert_eq!(run(Head::Scrfd, SIZE, &outputs), (0.75, want));
                outputs.reverse();
            }
            assert!(recognized(&FAMILY, 64, &outputs[1..], true).is_none(), "an output less");
        }
    }
    let open: Vec<Tensor> = [1, 4, 10].iter().flat_map(|n| vec![("x".into(), vec![0, *n], vec![]); 3]).collect();
    assert!(recognized(&FAMILY, 640, &open, false).is_some(), "open rows");
    let mut logits = levels(&[8, 16, 32], 2, &row, false);
    logits[0].2[0] = -2.0;
    assert!(recognized(&FAMILY, 64, &logits, true).is_none(), "logits");
}

#[test]
fn yunet_has_class_and_objectness_in_any_order() {
    let ln2 = 2f32.ln();
    let mut outputs = levels(&[8, 16, 32], 1, &[&[0.9], &[0.4], &[0.5, 0.25, ln2, 0.0], &[0.0; 10]], true);
    for _ in 0..2 {
        assert_eq!(recognized(&yunet::FAMILY, 64, &outputs, true).unwrap().only_class, Some("face"));
        assert!(recognized(&FAMILY, 64, &outputs, true).is_none(), "SCRFD has no objectness");
        let (score, edges) = run(Head::YuNet, SIZE, &outputs);
        assert!((score - 0.6).abs() < 1e-6);
        // Column 3, row 1 of stride 16: centre 16·3.5 and 16·1.25, size 32 and 16.
        assert_eq!(edges, [40.0, 12.0, 72.0, 28.0]);
        outputs.reverse();
    }
    outputs[0].2[0] = 1.5;
    assert!(recognized(&yunet::FAMILY, 64, &outputs, true).is_none(), "no scores");
}

/// Logits and boxes of BlazeFace with one face, in anchor 515: the fourth of the first place of the coarse map.
fn blazeface(joined: bool) -> Vec<Tensor> {
    let (mut logits, mut boxes) = (vec![-150.0; 896], vec![0.0; 896 * 16]);
    logits[515] = 150.0;
    boxes[515 * 16..][..4].copy_from_slice(&[2.0, -3.0, 20.0, 10.0]);
    if joined {
        return vec![("a".into(), vec![1, 896, 16], boxes), ("b".into(), vec![1, 896, 1], logits)];
    }
    let (fine, coarse) = (logits[..512].to_vec(), logits[512..].to_vec());
    let (fine_boxes, coarse_boxes) = (boxes[..512 * 16].to_vec(), boxes[512 * 16..].to_vec());
    vec![
        ("a".into(), vec![1, 512, 1], fine),
        ("b".into(), vec![1, 384, 1], coarse),
        ("c".into(), vec![1, 512, 16], fine_boxes),
        ("d".into(), vec![1, 384, 16], coarse_boxes),
    ]
}

#[test]
fn blazeface_is_known_joined_or_apart_for_both_cameras() {
    for joined in [false, true] {
        let mut outputs = blazeface(joined);
        for _ in 0..2 {
            // The coarse map's first place has its middle at 8 on the short-range model and at 16 on the other.
            for (side, middle) in [(128, 8.0), (256, 16.0)] {
                assert!(recognized(&blazeface::FAMILY, side, &outputs, true).is_some());
                let (score, edges) = run(Head::BlazeFace, ImageSize::new(side as u32, side as u32), &outputs);
                assert_eq!((score, edges), (1.0, [middle - 8.0, middle - 8.0, middle + 12.0, middle + 2.0]));
            }
            assert!(recognized(&blazeface::FAMILY, 192, &outputs, true).is_none(), "another model's size");
            outputs.reverse();
        }
    }
    let full_range: [Tensor; 2] =
        [("r".into(), vec![1, 2304, 16], vec![0.0; 2304 * 16]), ("c".into(), vec![1, 2304, 1], vec![-9.0; 2304])];
    assert!(recognized(&blazeface::FAMILY, 192, &full_range, true).is_some());
}
