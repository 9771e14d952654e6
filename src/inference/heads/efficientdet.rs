//! EfficientDet of google/automl: one output `[1, K, 7]`, a row a detection: picture of the batch, top, left, bottom,
//! right in pixels of the picture, score, class. Classes are numbered from 1, COCO's by its category ids; rows that are
//! not used are 0.
//!
//! Source: Tan et al., "EfficientDet: Scalable and Efficient Object Detection" (arXiv 1911.09070), and
//! `generate_detections` in google/automl's `efficientdet/tf2/postprocess.py`.

use super::facts::shape_text;
use super::family::{Certainty, Family, Found, Look, Output, Usual, sure};
use super::grid::strides_for;
use super::listed::Name;
use super::numbering::{self, Numbering};
use super::table::{Columns, share_of_rows, table, table_shape};
use super::tensor::{class_number, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize, ResizeMode};
use crate::inference::{Candidate, Head};

pub(super) const FAMILY: Family =
    Family { heads: &[Head::EfficientDet], outputs: "an output [1, k, 7]", recognize, decode };

const COLUMNS: usize = 7;
const READING: Columns = Columns { edges: 1, score: 5, class: 6, of: COLUMNS };
/// Anchor-based heads of the YOLO kind have three rows a cell.
const ANCHORS: usize = 3;
/// EfficientDet-D0's; the larger ones have more.
const USUAL_SIZE: ImageSize = ImageSize::new(512, 512);

fn recognize(look: &Look<'_>) -> Option<Found> {
    let [output] = look.outputs else { return None };
    let rows = table_shape(&output.shape, COLUMNS)?;
    let certainty = match look.asked {
        Some(_) => Certainty::Certain,
        None => certainty(look, output, rows)?,
    };
    let scored = output.values.unwrap_or_default().chunks_exact(COLUMNS).filter(|row| row[READING.score] > 0.0);
    let Numbering { numbers, classes, evidence } = numbering::tell(look, 1, scored.map(|row| row[READING.class]));
    Some(Found {
        head: Head::EfficientDet,
        classes,
        numbers,
        only_class: None,
        nms: false,
        certainty,
        evidence: vec![
            sure(format!(
                "output {} = detections as picture, top, left, bottom, right, score, class: EfficientDet",
                shape_text(&output.shape)
            )),
            evidence,
        ],
        usual: Usual {
            resize: ResizeMode::LetterboxTopLeft,
            size: Some(USUAL_SIZE),
            from: "what EfficientDet of google/automl is trained with; other models with this head differ",
            ..Usual::IMAGENET_STRETCH.guessed()
        },
    })
}

/// None of a table without a batch, or with a row a cell: these are other heads.
fn certainty(look: &Look<'_>, output: &Output<'_>, rows: usize) -> Option<Certainty> {
    let cells = strides_for(rows, look.size()).or(strides_for(rows / ANCHORS, look.size()));
    if output.shape.len() != 3 || cells.is_some() {
        return None;
    }
    let named = Name(output.name).has(&["detection"]);
    match output.values.and_then(|values| share_of_rows(values, READING)) {
        Some(share) if share < 1.0 => None,
        Some(_) if named => Some(Certainty::Certain),
        Some(_) => Some(Certainty::Likely),
        None => Some(if named { Certainty::Likely } else { Certainty::Guess }),
    }
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let rows = table::<COLUMNS>(outputs).ok_or_else(|| shape_error(head, FAMILY.outputs, outputs))?;
    for &[_, top, left, bottom, right, score, class] in rows {
        if score >= context.score_floor
            && let Some(class) = class_number(class)
        {
            push_finite(candidates, class, score, BoxInModel::new(left, top, right, bottom));
        }
    }
    Ok(())
}
