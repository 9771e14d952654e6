//! End-to-end exports: one output `[K, 7]`, a row a detection: picture of the batch, left, top, right, bottom in pixels
//! of the input, then class and score. K is what a picture has.
//!
//! Source: `ONNX_ORT` in WongKinYiu/yolov7's `models/experimental.py` (and YOLOv6's after it), which puts class before
//! score. SuperGradients' "flat format" (YOLO-NAS, `DetectionOutputFormatMode.FLAT_FORMAT`) has the same rows with the
//! score before the class. Which of both it is shows in every row, since a class is a whole number.

use super::facts::shape_text;
use super::family::{Certainty, Classes, Family, Found, Look, Usual, all_sure};
use super::table::{Columns, share_of_rows, table};
use super::tensor::{class_number, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family =
    Family { heads: &[Head::YoloEnd2End], outputs: "an output [k, 7]", recognize, decode };

const COLUMNS: usize = 7;
const CLASS_THEN_SCORE: Columns = Columns { edges: 1, score: 6, class: 5, of: COLUMNS };
const SCORE_THEN_CLASS: Columns = Columns { edges: 1, score: 5, class: 6, of: COLUMNS };

fn recognize(look: &Look<'_>) -> Option<Found> {
    let [output] = look.outputs else { return None };
    // Rows of the other lists of seven columns come with a batch.
    if !matches!(*output.shape.as_slice(), [_, COLUMNS]) && (look.asked.is_none() || *output.shape.last()? != COLUMNS) {
        return None;
    }
    let seen = output.values.and_then(|values| {
        let share = |columns| share_of_rows(values, columns);
        share(CLASS_THEN_SCORE).map(|first| first.max(share(SCORE_THEN_CLASS).unwrap_or(0.0)))
    });
    if look.asked.is_none() && seen.is_some_and(|share| share < 1.0) {
        return None;
    }
    let mut evidence = vec![format!(
        "output {} = detections as picture, box, class, score: end-to-end export",
        shape_text(&output.shape)
    )];
    if seen.is_none() {
        evidence.push("a run on grey gave no row to confirm it".to_owned());
    }
    Some(Found {
        head: Head::YoloEnd2End,
        classes: Classes::Open,
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: false,
        certainty: Certainty::Likely,
        evidence: all_sure(evidence),
        usual: Usual { from: "what YOLOv7 is trained with", ..Usual::YOLO.guessed() },
    })
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let rows = table::<COLUMNS>(outputs).ok_or_else(|| shape_error(head, FAMILY.outputs, outputs))?;
    let whole = |column: usize| rows.iter().all(|row| row[column].fract() == 0.0);
    // Both are whole only where every score is 1 or there is nothing.
    let score_first = !whole(CLASS_THEN_SCORE.class) && whole(SCORE_THEN_CLASS.class);
    let Columns { score, class, .. } = if score_first { SCORE_THEN_CLASS } else { CLASS_THEN_SCORE };
    for row in rows {
        if row[score] >= context.score_floor
            && let Some(class) = class_number(row[class])
        {
            push_finite(candidates, class, row[score], BoxInModel::new(row[1], row[2], row[3], row[4]));
        }
    }
    Ok(())
}
