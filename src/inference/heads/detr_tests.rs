use super::super::test_support::{SIZE, decoded, look, summary, tensor, with_metadata};
use super::*;
use crate::onnx::Summary;

const QUERIES: usize = 10;

/// Logits of which all are low but that of "no object", where there is one, and boxes as centre and size.
fn queries(logits: usize, no_object: bool) -> (Vec<f32>, Vec<f32>) {
    let row = |query: usize| {
        let last = if no_object { 6.0 } else { -5.0 };
        (0..logits).map(move |class| if class + 1 == logits { last } else { -5.0 - 0.01 * query as f32 })
    };
    let boxes = (0..QUERIES).flat_map(|query| [0.5 + 0.04 * query as f32, 0.5, 0.2, 0.1]).collect();
    ((0..QUERIES).flat_map(row).collect(), boxes)
}

/// A graph with attention.
fn transformer() -> Summary {
    let mut summary = summary(&[]);
    summary.operators.insert("MatMul".into(), 12);
    summary
}

fn recognized(summary: &Summary, names: [&str; 2], count: usize, values: Option<(&[f32], &[f32])>) -> Option<Found> {
    let shapes = [[1, QUERIES, count], [1, QUERIES, 4]];
    let outputs = [
        (names[0], &shapes[0][..], values.map(|values| values.0)),
        (names[1], &shapes[1][..], values.map(|values| values.1)),
    ];
    let reversed = [outputs[1], outputs[0]];
    let found = look(&FAMILY, summary, &outputs);
    let got = look(&FAMILY, summary, &reversed);
    assert_eq!(found.as_ref().map(|found| found.head), got.map(|found| found.head), "the order matters");
    found
}

#[test]
fn softmax_and_sigmoid_are_told_by_the_number_of_logits_and_by_values() {
    use ClassNumbers::{CocoIds, FromZero};
    for (logits, no_object, head, classes, numbers) in [
        (80, false, Head::Detr, 80, FromZero),
        (91, false, Head::Detr, 91, CocoIds),
        (92, true, Head::DetrSoftmax, 91, CocoIds),
        (7, true, Head::DetrSoftmax, 6, FromZero),
        (2, false, Head::Detr, 2, FromZero),
    ] {
        let (values, boxes) = queries(logits, no_object);
        for names in [["pred_logits", "pred_boxes"], ["a", "b"]] {
            let found = recognized(&transformer(), names, logits, Some((&values, &boxes))).unwrap();
            assert_eq!(
                (found.head, found.classes, found.numbers),
                (head, Classes::Known(classes), numbers),
                "{logits}"
            );
            let certainty = if names[0] == "a" { Certainty::Likely } else { Certainty::Certain };
            assert_eq!((found.nms, found.certainty), (false, certainty));
        }
    }
    let own = with_metadata(transformer(), &[("names", &format!("{:?}", vec!["x"; 91]))]);
    let (values, boxes) = queries(91, false);
    assert_eq!(recognized(&own, ["a", "b"], 91, Some((&values, &boxes))).unwrap().numbers, FromZero);
    assert!(recognized(&summary(&[]), ["a", "b"], 91, Some((&values, &boxes))).unwrap().nms, "no attention");
}

#[test]
fn each_line_of_models_has_its_own_preprocessing() {
    for (names, logits, mean, side) in [
        (["labels", "dets"], 91, 0.485, None),
        (["logits", "pred_boxes"], 92, 0.485, Some(800)),
        (["logits", "pred_boxes"], 80, 0.0, Some(640)),
    ] {
        let usual = recognized(&transformer(), names, logits, None).unwrap().usual;
        assert_eq!((usual.mean[0], usual.size.map(|size| size.width)), (mean, side), "{names:?} {logits}");
    }
}

#[test]
fn the_named_two_are_found_among_other_outputs() {
    let wide = [1, QUERIES, 256];
    let outputs = [
        ("last_hidden_state", &wide[..], None),
        ("enc_topk_logits", &[1, QUERIES, 80], None),
        ("pred_boxes", &[1, QUERIES, 4], None),
        ("logits", &[1, QUERIES, 80], None),
    ];
    assert_eq!(look(&FAMILY, &transformer(), &outputs).unwrap().classes, Classes::Known(80));
    let (logits, boxes) = queries(80, false);
    let tensors = [
        tensor("last_hidden_state", &[1, 1, 2], &[0.0; 2]),
        tensor("pred_boxes", &[1, QUERIES, 4], &boxes),
        tensor("logits", &[1, QUERIES, 80], &logits),
    ];
    assert_eq!(decoded(Head::Detr, SIZE, &tensors, 0.001).unwrap().len(), 80 * QUERIES);
    assert!(
        look(&FAMILY, &transformer(), &[outputs[2], outputs[3], ("pred_masks", &[1, QUERIES, 9, 9], None)]).is_none()
    );
    assert!(look(&FAMILY, &transformer(), &[outputs[0], outputs[1], outputs[2]]).is_none());
}

#[test]
fn look_alikes_are_refused() {
    let (logits, boxes) = queries(80, false);
    let refused =
        |logits: &[f32], boxes: &[f32]| recognized(&transformer(), ["a", "b"], 80, Some((logits, boxes))).is_none();
    assert!(!refused(&logits, &boxes));
    assert!(refused(&vec![0.3; logits.len()], &boxes), "scores");
    assert!(refused(&logits, &boxes.iter().map(|side| side * 64.0).collect::<Vec<_>>()), "pixels");
    assert!(refused(&logits, &[0.1, 0.1, 0.5, 0.6].repeat(QUERIES)), "edges");
    assert!(refused(&logits, &vec![f32::NAN; boxes.len()]), "no numbers");
    let open = |names: [&'static str; 2]| [(names[0], &[1, 0, 92][..], None), (names[1], &[1, 0, 4], None)];
    assert!(look(&FAMILY, &transformer(), &open(["logits", "pred_boxes"])).is_some());
    assert!(look(&FAMILY, &transformer(), &open(["a", "b"])).is_none(), "nothing tells what they are");
    let grid = [("a", &[1, 8400, 80][..], None), ("b", &[1, 8400, 4], None)];
    assert!(look(&FAMILY, &transformer(), &grid).is_none(), "a grid has more rows");
}

#[test]
fn a_query_gives_every_class_that_reaches_the_floor() {
    // Sigmoids 0.5, 0.88 and 0.12; then 0.27 three times.
    let logits = [0.0, 2.0, -2.0, -1.0, -1.0, f32::NAN];
    let boxes = [0.5, 0.25, 0.5, 0.25, 0.1, 0.1, 0.1, 0.1];
    let tensors = [tensor("boxes", &[1, 2, 4], &boxes), tensor("logits", &[1, 2, 3], &logits)];
    let got = decoded(Head::Detr, SIZE, &tensors, 0.25).unwrap();
    assert_eq!(got.iter().map(|c| c.class_id).collect::<Vec<_>>(), [0, 1, 0, 1]);
    assert_eq!((got[0].score, got[0].rect), (0.5, BoxInModel::new(16.0, 8.0, 48.0, 24.0)));
    assert!((got[1].score - 0.880_797).abs() < 1e-5);
    assert_eq!(decoded(Head::Detr, SIZE, &tensors, 0.5).unwrap().len(), 2, "the floor itself counts");
    assert_eq!(decoded(Head::Detr, SIZE, &tensors, 0.0).unwrap().len(), 5);
    assert_eq!(decoded(Head::Detr, SIZE, &tensors, 1.0).unwrap().len(), 0);
}

#[test]
fn a_softmax_gives_the_best_class_but_no_object() {
    let (ln2, ln6) = (2f32.ln(), 6f32.ln());
    // Shares 1/9, 2/9, 6/9; 6/9, 1/9, 2/9.
    let logits = [0.0, ln2, ln6, ln6, 0.0, ln2];
    let boxes = [0.5; 8];
    let tensors = [tensor("logits", &[1, 2, 3], &logits), tensor("boxes", &[1, 2, 4], &boxes)];
    let got = decoded(Head::DetrSoftmax, SIZE, &tensors, 0.1).unwrap();
    assert_eq!(got.iter().map(|c| c.class_id).collect::<Vec<_>>(), [1, 0]);
    assert!((got[0].score - 2.0 / 9.0).abs() < 1e-6 && (got[1].score - 6.0 / 9.0).abs() < 1e-6, "{got:?}");
    assert_eq!(decoded(Head::DetrSoftmax, SIZE, &tensors, 0.25).unwrap().len(), 1);
}
