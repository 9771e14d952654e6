use super::super::boxes_scores;
use super::super::test_support::{SIZE, decoded, look, summary, tensor};
use super::*;

/// 8² + 4² + 2² cells of an input of 64x64, and with the stride 64.
const CELLS: usize = 84;
const CELLS_64: usize = 85;
const CLASSES: usize = 3;

/// Boxes of 8 pixels along the diagonal, and scores of which one in cell 5 is high; a row a class.
fn boxes_and_scores(cells: usize) -> (Vec<f32>, Vec<f32>) {
    let boxes = (0..cells).flat_map(|cell| [cell as f32, cell as f32, cell as f32 + 8.0, cell as f32 + 9.0]).collect();
    let mut scores = vec![0.1; CLASSES * cells];
    scores[2 * cells + 5] = 0.7;
    (boxes, scores)
}

#[test]
fn boxes_and_a_row_a_class_are_known_in_any_order() {
    for (cells, mean) in [(CELLS, 0.0), (CELLS_64, 0.485)] {
        let (boxes, scores) = boxes_and_scores(cells);
        let shapes = [[1, cells, 4], [1, CLASSES, cells]];
        let mut outputs = [("a", &shapes[0][..], Some(&boxes[..])), ("b", &shapes[1][..], Some(&scores[..]))];
        for _ in 0..2 {
            let found = look(&FAMILY, &summary(&[]), &outputs).unwrap();
            assert_eq!((found.classes, found.certainty), (Classes::Known(CLASSES), Certainty::Certain));
            assert_eq!(found.usual.mean[0], mean, "PicoDet has a stride of 64, PP-YOLOE has none");
            assert!(look(&boxes_scores::FAMILY, &summary(&[]), &outputs).is_none());
            let not_run = outputs.map(|(name, shape, _)| (name, shape, None));
            assert_eq!(look(&FAMILY, &summary(&[]), &not_run).unwrap().certainty, Certainty::Likely);
            let tensors = outputs.map(|(name, shape, values)| tensor(name, shape, values.unwrap()));
            let got = decoded(Head::PpYoloe, SIZE, &tensors, 0.25).unwrap();
            assert_eq!(got, [Candidate { class_id: 2, score: 0.7, rect: BoxInModel::new(5.0, 5.0, 13.0, 14.0) }]);
            outputs.reverse();
        }
        let logits: Vec<f32> = scores.iter().map(|score| score - 2.0).collect();
        outputs[1].2 = Some(&logits);
        assert!(look(&FAMILY, &summary(&[]), &outputs).is_none(), "logits");
    }
}

#[test]
fn rows_of_edges_and_scores_are_told_from_yolov8_by_the_order_of_edges() {
    let (boxes, scores) = boxes_and_scores(CELLS);
    let row = |cell: usize, first: [f32; 4]| {
        first.into_iter().chain((0..CLASSES).map(|class| scores[class * CELLS + cell]).collect::<Vec<_>>())
    };
    let edges: Vec<f32> =
        boxes.as_chunks::<4>().0.iter().enumerate().flat_map(|(cell, edges)| row(cell, *edges)).collect();
    let centers: Vec<f32> = (0..CELLS).flat_map(|cell| row(cell, [cell as f32, cell as f32, 8.0, 9.0])).collect();
    let shape = [1, CELLS, 4 + CLASSES];
    let found = |values| look(&FAMILY, &summary(&[]), &[("output", &shape, values)]);
    assert_eq!(found(Some(&edges)).unwrap().certainty, Certainty::Likely);
    assert!(found(Some(&centers)).is_none() && found(None).is_none());
    let got = decoded(Head::PpYoloe, SIZE, &[tensor("output", &shape, &edges)], 0.25).unwrap();
    assert_eq!(got, [Candidate { class_id: 2, score: 0.7, rect: BoxInModel::new(5.0, 5.0, 13.0, 14.0) }]);
}
