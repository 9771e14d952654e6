//! FastestDet: one map `[1, 5+C, h, w]` of stride 16 with one box a cell: objectness after the sigmoid, four numbers for the
//! box, and the classes after a softmax. The centre is `tanh(x) + cell`, in cells; the size `σ(w)`, in widths of the input.
//! The score is objectness to the power of 0.6 times class to the power of 0.4.
//!
//! Source: `handle_preds` in `utils/tool.py` and `model/detector.py` of dog-qiuqiu/FastestDet.

use super::facts::{are_scores, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Usual, all_sure};
use super::tensor::{push_finite, shape_error, sigmoid};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize};
use crate::inference::{Candidate, ClassNumbers, ColorOrder, Head};

pub(super) const FAMILY: Family = Family { heads: &[Head::FastestDet], outputs: EXPECTED, recognize, decode };

const EXPECTED: &str = "a map [1, 5+classes, h, w]";

/// Planes before those of the classes: objectness and box.
const CLASSES_FROM: usize = 5;
/// Pixels a cell.
const STRIDE: usize = 16;
/// What the score takes from the objectness and from the class.
const EXPONENTS: (f32, f32) = (0.6, 0.4);

fn recognize(look: &Look<'_>) -> Option<Found> {
    let [output] = look.outputs else { return None };
    let &[1, planes, rows, columns] = output.shape.as_slice() else { return None };
    if planes <= CLASSES_FROM || rows == 0 || columns == 0 {
        return None;
    }
    let classes = planes - CLASSES_FROM;
    let mut certainty = Certainty::Guess;
    let mut evidence =
        vec![format!("output {} = (5+{classes}) × {columns}×{rows} cells: FastestDet", shape_text(&output.shape))];
    if look.asked.is_none() {
        if !has_stride(rows, columns, look.size()) {
            return None;
        }
        match output.values {
            Some(values) if !are_scores_and_shares(values, planes, rows * columns) => return None,
            Some(_) => {
                certainty = Certainty::Likely;
                evidence.push("a run gave an objectness between 0 and 1 and classes that add up to 1".to_owned());
            }
            // One class adds up to 1 in any case, and other maps of this stride are met.
            None if classes != 80 && look.names() != Some(classes) => return None,
            None => {}
        }
    }
    Some(Found {
        head: Head::FastestDet,
        classes: Classes::Known(classes),
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: true,
        certainty,
        evidence: all_sure(evidence),
        usual: Usual { color: ColorOrder::Bgr, from: "what FastestDet is trained with", ..Usual::UNIT_STRETCH },
    })
}

fn has_stride(rows: usize, columns: usize, size: ImageSize) -> bool {
    columns.checked_mul(STRIDE) == Some(size.width as usize) && rows.checked_mul(STRIDE) == Some(size.height as usize)
}

/// Whether the first plane is an objectness, the next four are not all scores, and the classes of every cell add up to 1.
fn are_scores_and_shares(values: &[f32], planes: usize, cells: usize) -> bool {
    const TOLERANCE: f32 = 1e-2;
    if planes.checked_mul(cells) != Some(values.len()) {
        return false;
    }
    let (objectness, rest) = values.split_at(cells);
    let (boxes, classes) = rest.split_at(4 * cells);
    let sum = |cell: usize| classes[cell..].iter().step_by(cells).sum::<f32>();
    are_scores(objectness)
        && are_scores(classes)
        && !are_scores(boxes)
        && (0..cells).all(|cell| (sum(cell) - 1.0).abs() < TOLERANCE)
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let (rows, columns, values) = outputs.iter().find_map(map).ok_or_else(|| shape_error(head, EXPECTED, outputs))?;
    let cells = rows * columns;
    let (width, height) = (context.input_size.width as f32, context.input_size.height as f32);
    // With a class of 1 the score is the objectness to its power, which is the most it can be.
    let least = context.score_floor.max(0.0).powf(1.0 / EXPONENTS.0);
    for (cell, &objectness) in values[..cells].iter().enumerate() {
        if objectness < least || objectness.is_nan() {
            continue;
        }
        let plane = |index: usize| values[index * cells + cell];
        let classes = values[CLASSES_FROM * cells + cell..].iter().step_by(cells);
        let Some((class, share)) = best(classes) else { continue };
        let score = objectness.powf(EXPONENTS.0) * share.powf(EXPONENTS.1);
        if score >= context.score_floor {
            let (column, row) = ((cell % columns) as f32, (cell / columns) as f32);
            let center = ((plane(1).tanh() + column) / columns as f32, (plane(2).tanh() + row) / rows as f32);
            let (w, h) = (sigmoid(plane(3)) * width, sigmoid(plane(4)) * height);
            push_finite(candidates, class, score, BoxInModel::from_center(center.0 * width, center.1 * height, w, h));
        }
    }
    Ok(())
}

fn best<'a>(classes: impl Iterator<Item = &'a f32>) -> Option<(usize, f32)> {
    let mut best = None;
    for (class, &share) in classes.enumerate() {
        if !share.is_nan() && best.is_none_or(|(_, most)| share > most) {
            best = Some((class, share));
        }
    }
    best
}

/// Rows, columns and values of a map with a class at least.
fn map<'a>(output: &OutputTensor<'a>) -> Option<(usize, usize, &'a [f32])> {
    let &[1, planes, rows, columns] = output.shape else { return None };
    let whole = planes.checked_mul(rows)?.checked_mul(columns)? == output.values.len();
    (whole && planes > CLASSES_FROM && rows > 0 && columns > 0).then_some((rows, columns, output.values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::heads::family;
    use crate::inference::heads::test_support::{SIZE, decoded, look, summary, tensor};

    const CELLS: usize = 16;
    const TOLERANCE: f32 = 1e-3;

    /// 4x4 cells with two classes; the cell in column 2, row 1 finds the second one.
    fn map() -> Vec<f32> {
        let mut values = vec![0.01; CELLS];
        values.extend(vec![-0.7; 4 * CELLS]);
        values.extend(vec![0.5; 2 * CELLS]);
        for (plane, value) in [(0, 0.9), (1, 0.5), (2, -0.5), (3, 0.25), (4, -0.25), (5, 0.2), (6, 0.8)] {
            values[plane * CELLS + 6] = value;
        }
        values
    }

    fn recognized(shape: &[usize], values: Option<&[f32]>) -> Option<Found> {
        look(family(Head::FastestDet), &summary(&[]), &[("output", shape, values)])
    }

    #[test]
    fn a_box_is_read() {
        let values = map();
        let got = decoded(Head::FastestDet, SIZE, &[tensor("output", &[1, 7, 4, 4], &values)], 0.3).unwrap();
        assert_eq!((got.len(), got[0].class_id), (1, 1));
        assert!((got[0].score - 0.858_6).abs() < TOLERANCE, "{}", got[0].score);
        let (cx, cy) = ((0.462_117_2 + 2.0) * 16.0, (1.0 - 0.462_117_2) * 16.0);
        let (w, h) = (0.562_176_5 * 64.0, 0.437_823_5 * 64.0);
        let (want, r) = ([cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0], got[0].rect);
        assert!([r.x1, r.y1, r.x2, r.y2].iter().zip(want).all(|(got, want)| (got - want).abs() < TOLERANCE), "{r:?}");
    }

    #[test]
    fn a_softmax_over_the_classes_tells_it_from_other_maps() {
        let values = map();
        let found = recognized(&[1, 7, 4, 4], Some(&values)).unwrap();
        assert_eq!(
            (found.classes, found.certainty, found.usual.color),
            (Classes::Known(2), Certainty::Likely, ColorOrder::Bgr)
        );
        assert_eq!(recognized(&[1, 85, 4, 4], None).unwrap().certainty, Certainty::Guess);
        assert!(recognized(&[1, 7, 4, 4], None).is_none(), "7 planes may be anything");
        let segmenter = [0.1, 0.2, 0.1, 0.1, 0.2, 0.2, 0.1].map(|share| vec![share; CELLS]).concat();
        assert!(recognized(&[1, 7, 4, 4], Some(&segmenter)).is_none());
        let logits: Vec<f32> = values.iter().map(|value| value * 8.0 - 4.0).collect();
        assert!(recognized(&[1, 7, 4, 4], Some(&logits)).is_none());
        assert!(recognized(&[1, 7, 2, 2], None).is_none() && recognized(&[1, 5, 4, 4], None).is_none());
    }
}
