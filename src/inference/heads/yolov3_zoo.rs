//! YOLOv3 and tiny YOLOv3 of the ONNX model zoo: boxes `[1, N, 4]` as top, left, bottom, right in pixels, scores
//! `[1, C, N]`, and what the NMS inside chose of them, `[M, 3]` or `[1, M, 3]`: picture, class, box. A second input,
//! `image_shape`, says in which pixels the boxes are.
//!
//! Source: the README of `vision/object_detection_segmentation/yolov3` in onnx/models; its operator NonMaxSuppression gives
//! the indices.

use super::facts::shape_text;
use super::family::{Certainty, Classes, Family, Found, Look, Usual, sure};
use super::tensor::{class_number, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family = Family { heads: &[Head::YoloV3Zoo], outputs: EXPECTED, recognize, decode };

const EXPECTED: &str = "[1, n, 4], [1, classes, n] and the chosen [k, 3]";

fn recognize(look: &Look<'_>) -> Option<Found> {
    let Roles { boxes, scores, chosen } = roles(look.outputs, |output| &output.shape)?;
    // What has no such operator inside may be three outputs of any kind.
    let has_nms = look.summary.operators.contains_key("NonMaxSuppression");
    let named = chosen.name.to_ascii_lowercase().contains("nms");
    if look.asked.is_none() && !has_nms && !named {
        return None;
    }
    let shapes = [boxes, scores, chosen].map(|output| shape_text(&output.shape));
    let classes = match scores.shape[1] {
        0 => Classes::Open,
        classes => Classes::Known(classes),
    };
    Some(Found {
        head: Head::YoloV3Zoo,
        classes,
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: false,
        certainty: if has_nms && named { Certainty::Certain } else { Certainty::Likely },
        evidence: vec![sure(format!(
            "outputs {}, {} and {} = boxes, scores and what an NMS chose of them: YOLOv3 of the ONNX model zoo",
            shapes[0], shapes[1], shapes[2]
        ))],
        usual: Usual { pad: 128, from: "what YOLOv3 of the ONNX model zoo is fed with", ..Usual::YOLO },
    })
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let whole = |output: &OutputTensor<'_>| {
        output.shape.iter().try_fold(1usize, |product, side| product.checked_mul(*side)) == Some(output.values.len())
    };
    let roles = roles(outputs, |output| output.shape).filter(|_| outputs.iter().all(whole));
    let Roles { boxes, scores, chosen } = roles.ok_or_else(|| shape_error(head, EXPECTED, outputs))?;
    let count = boxes.shape[1];
    for index in chosen.values.chunks_exact(3) {
        // Some exports fill the rest of a fixed number of rows with -1.
        let (Some(class), Some(row)) = (class_number(index[1]), class_number(index[2])) else { continue };
        let place = class.checked_mul(count).filter(|_| row < count).and_then(|first| first.checked_add(row));
        let Some(&score) = place.and_then(|place| scores.values.get(place)) else { continue };
        if score >= context.score_floor {
            let edges = &boxes.values[4 * row..][..4];
            push_finite(candidates, class, score, BoxInModel::new(edges[1], edges[0], edges[3], edges[2]));
        }
    }
    Ok(())
}

struct Roles<'a, T> {
    boxes: &'a T,
    scores: &'a T,
    chosen: &'a T,
}

/// Which output is which, by shapes alone: their lengths may be open, which is 0.
fn roles<T>(outputs: &[T], shape: impl Fn(&T) -> &[usize]) -> Option<Roles<'_, T>> {
    let [a, b, c] = outputs else { return None };
    let orders = [[a, b, c], [a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]];
    let fits = |[boxes, scores, chosen]: &[&T; 3]| {
        let (&[1, boxes, 4], &[1, _, scores]) = (shape(boxes), shape(scores)) else { return false };
        boxes == scores && matches!(shape(chosen), [_, 3] | [1, _, 3])
    };
    let [boxes, scores, chosen] = orders.into_iter().find(fits)?;
    Some(Roles { boxes, scores, chosen })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::heads::family;
    use crate::inference::heads::test_support::{SIZE, decoded, look, summary, tensor};

    const N: usize = 5;
    const BOXES: [f32; 4 * N] =
        [8.0, 16.0, 12.0, 24.0, 0.0, 1.0, 2.0, 3.0, 30.0, 20.0, 50.0, 40.0, 1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0];
    /// Two classes of five boxes.
    const SCORES: [f32; 2 * N] = [0.1, 0.2, 0.9, 0.1, 0.1, 0.8, 0.1, 0.3, 0.1, 0.1];

    #[test]
    fn a_box_is_read_for_every_index() {
        let rows = [
            0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 1.0, 2.0, 0.0, 1.0, 1.0, 0.0, 9.0, 0.0, 0.0, 0.0, 9.0, -1.0, -1.0, -1.0,
        ];
        for shape in [&[7usize, 3][..], &[1, 7, 3]] {
            let boxes = tensor("b", &[1, N, 4], &BOXES);
            let scores = tensor("s", &[1, 2, N], &SCORES);
            let chosen = tensor("nms", shape, &rows);
            for outputs in [[boxes, scores, chosen], [chosen, scores, boxes], [scores, boxes, chosen]] {
                let got = decoded(Head::YoloV3Zoo, SIZE, &outputs, 0.25).unwrap();
                let found: Vec<_> = got.iter().map(|c| (c.class_id, c.score)).collect();
                assert_eq!(found, [(1, 0.8), (0, 0.9), (1, 0.3)]);
                let r = got[0].rect;
                assert_eq!([r.x1, r.y1, r.x2, r.y2], [16.0, 8.0, 24.0, 12.0]);
                assert!(got[2].rect == got[1].rect);
            }
        }
    }

    #[test]
    fn it_is_recognized_with_nothing_chosen_and_with_open_lengths() {
        let mut with_nms = summary(&[]);
        with_nms.operators.insert("NonMaxSuppression".into(), 1);
        let family = family(Head::YoloV3Zoo);
        for (boxes, scores, chosen) in [
            (&[1usize, N, 4][..], &[1usize, 2, N][..], &[0usize, 3][..]),
            (&[1, N, 4], &[1, 2, N], &[1, 0, 3]),
            (&[1, 0, 4], &[1, 80, 0], &[0, 3]),
        ] {
            let all = [("b", boxes, None), ("s", scores, None), ("yolonms_layer_1:2", chosen, None)];
            let found = look(family, &with_nms, &all).unwrap();
            assert_eq!((found.classes, found.certainty), (Classes::Known(scores[1]), Certainty::Certain));
            assert!(!found.nms);
            let reversed: Vec<_> = all.iter().rev().copied().collect();
            assert_eq!(look(family, &with_nms, &reversed).unwrap().classes, found.classes);
            let unnamed = [("b", boxes, None), ("s", scores, None), ("c", chosen, None)];
            assert_eq!(look(family, &with_nms, &unnamed).unwrap().certainty, Certainty::Likely);
            assert!(look(family, &summary(&[]), &unnamed).is_none(), "no NMS in sight");
        }
        let other = [("b", &[1usize, 6, 4][..], None), ("s", &[1, 2, N], None), ("yolonms", &[0, 3], None)];
        assert!(look(family, &with_nms, &other).is_none(), "more scores than boxes");
    }
}
