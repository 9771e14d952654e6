//! YOLOv10 and YOLO26: one output `[1, K, 6]` (or `[K, 6]`), a row a detection: left, top, right, bottom in pixels of the
//! input, score, class. Best score first; rows that are not used are 0.
//!
//! Source: Wang et al., "YOLOv10: Real-Time End-to-End Object Detection" (arXiv 2405.14458), and `v10postprocess` of
//! THU-MIG/yolov10: the best K places by their best class, then the best K of their class scores. As each object has one
//! place only, nothing is left to suppress. Ultralytics gives the same rows for its other models when they are exported
//! with their NMS. Rows that were merely sorted need it yet, and look the same.

use super::facts::shape_text;
use super::family::{Certainty, Classes, Family, Found, Look, Output, Usual, guess, sure};
use super::grid::strides_for;
use super::table::{Columns, share_of_rows_ordered_from, table, table_shape};
use super::tensor::{class_number, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, ClassNumbers, Evidence, Head};

pub(super) const FAMILY: Family = Family { heads: &[Head::YoloV10], outputs: "an output [1, k, 6]", recognize, decode };

const COLUMNS: usize = 6;
/// Where nothing but values tells the head, rows of at least this score have their edges in order.
const ORDERED_FROM: f32 = 0.05;
/// Anchor-based heads have three rows a cell.
const ANCHORS: usize = 3;

fn recognize(look: &Look<'_>) -> Option<Found> {
    let [output] = look.outputs else { return None };
    let rows = table_shape(&output.shape, COLUMNS)?;
    let certainty = match look.asked {
        Some(_) => Certainty::Certain,
        None => certainty(look, output, rows)?,
    };
    let (nms, reason) = nms(look);
    Some(Found {
        head: Head::YoloV10,
        classes: Classes::Open,
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms,
        certainty,
        evidence: vec![
            sure(format!(
                "output {} = detections as left, top, right, bottom, score, class: YOLOv10",
                shape_text(&output.shape)
            )),
            reason,
        ],
        usual: Usual::YOLO,
    })
}

fn certainty(look: &Look<'_>, output: &Output<'_>, rows: usize) -> Option<Certainty> {
    // A row a cell is a head with one class.
    if strides_for(rows, look.size()).or(strides_for(rows / ANCHORS, look.size())).is_some() {
        return None;
    }
    let from_ultralytics = look.names().is_some() && output.shape.len() == 3;
    let sure = if from_ultralytics { Certainty::Certain } else { Certainty::Likely };
    // On a picture of a single grey hardly any row is sure, and the edges of the others may cross.
    let ordered_from = if from_ultralytics || is_end2end(look) { f32::INFINITY } else { ORDERED_FROM };
    let reading = Columns { edges: 0, score: 4, class: 5, of: COLUMNS };
    match output.values {
        None if from_ultralytics => Some(Certainty::Certain),
        None => Some(Certainty::Guess),
        Some(values) => match share_of_rows_ordered_from(values, reading, ordered_from) {
            Some(share) => (share > 0.98).then_some(sure),
            None => Some(Certainty::Guess.max(if from_ultralytics { sure } else { Certainty::Guess })),
        },
    }
}

/// Whether the metadata says that the model itself finds one place an object.
fn is_end2end(look: &Look<'_>) -> bool {
    look.summary.metadata.get("end2end").is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Whether boxes of one object still have to be reduced to one.
fn nms(look: &Look<'_>) -> (bool, Evidence) {
    let metadata = |key: &str| look.summary.metadata.get(key).map(|value| value.to_ascii_lowercase());
    let count = |operator: &str| look.summary.operators.get(operator).copied().unwrap_or(0);
    if is_end2end(look) {
        return (false, sure("the metadata says end2end: it needs no NMS"));
    }
    if metadata("args").is_some_and(|value| value.replace(['\'', '"', ' '], "").contains("nms:true")) {
        return (false, sure("the metadata says that it was exported with its NMS"));
    }
    if count("NonMaxSuppression") > 0 {
        return (false, sure("the graph holds its NMS"));
    }
    if count("TopK") >= 2 {
        return (
            false,
            sure("the graph picks places, then classes, by two TopK, as YOLOv10 and YOLO26 do: it needs no NMS"),
        );
    }
    (
        true,
        guess(
            "whether boxes of one object are reduced to one is not to be seen: a guess that they are not, so NMS is run on them, \
         which hardly changes what needs none; \"nms = false\" in a card turns it off",
        ),
    )
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let rows = table::<COLUMNS>(outputs).ok_or_else(|| shape_error(head, FAMILY.outputs, outputs))?;
    for &[left, top, right, bottom, score, class] in rows {
        if score >= context.score_floor
            && let Some(class) = class_number(class)
        {
            push_finite(candidates, class, score, BoxInModel::new(left, top, right, bottom));
        }
    }
    Ok(())
}
