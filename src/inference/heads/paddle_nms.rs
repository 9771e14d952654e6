//! PaddleDetection with its post-processing inside: rows `[M, 6]` of class, score, left, top, right, bottom, and their number
//! `[1]`. Boxes are in pixels of the picture that `im_shape` and `scale_factor` describe; fed for the model's input, in
//! pixels of that. Classes are numbered from 0; a row of class −1 says that there is nothing.
//!
//! Source: `multiclass_nms3` of PaddlePaddle (`paddle/phi/kernels/cpu/multiclass_nms3_kernel.cc`) and `PPYOLOEHead` of
//! PaddleDetection; its DETR and RT-DETR give the same rows without an NMS (`ppdet/modeling/post_process.py`).

use super::facts::shape_text;
use super::family::{Certainty, Classes, Family, Found, Look, Output, Usual, all_sure};
use super::listed::Name;
use super::table::{Columns, share_of_rows, table};
use super::tensor::{class_number, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family =
    Family { heads: &[Head::PaddleNms], outputs: "an output [m, 6] and the number of rows", recognize, decode };

const COLUMNS: usize = 6;
const READING: Columns = Columns { edges: 2, score: 1, class: 0, of: COLUMNS };

fn recognize(look: &Look<'_>) -> Option<Found> {
    let rows = look.outputs.iter().find(|output| matches!(*output.shape.as_slice(), [_, COLUMNS]))?;
    let number = look.outputs.iter().any(|output| is_number(output));
    let certainty = match look.asked {
        Some(_) => Certainty::Certain,
        None => certainty(look, rows, number)?,
    };
    let mut evidence =
        vec![format!("output {} = rows of class, score, box: PaddleDetection with its NMS", shape_text(&rows.shape))];
    if number {
        evidence.push("another output is the number of rows".to_owned());
    }
    Some(Found {
        head: Head::PaddleNms,
        classes: Classes::Open,
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: false,
        certainty,
        evidence: all_sure(evidence),
        usual: usual(look),
    })
}

fn is_number(output: &Output<'_>) -> bool {
    match *output.shape.as_slice() {
        [] | [1] => true,
        [0] => output.values.is_none(),
        _ => false,
    }
}

/// Masks may come beside rows and number; rows alone are Paddle's only where names say so.
fn certainty(look: &Look<'_>, rows: &Output<'_>, number: bool) -> Option<Certainty> {
    let share = rows.values.and_then(|values| share_of_rows(values, READING));
    if share.is_some_and(|share| share < 1.0) {
        return None;
    }
    let of_paddle = Name(rows.name).has(&[".tmp_", "multiclass_nms", "save_infer_model", "fetch_name"])
        || look.summary.inputs.iter().any(|input| Name(&input.name).has(&["scale_factor"]))
        || Name(&look.summary.producer).has(&["paddle"]);
    match (of_paddle, number) {
        (true, _) => Some(Certainty::Certain),
        (false, true) if share.is_some() => Some(Certainty::Likely),
        (false, true) => Some(Certainty::Guess),
        (false, false) => None,
    }
}

/// PicoDet has at most 6 million weights and is normalized as for ImageNet; PP-YOLOE+ and RT-DETR are fed with 0…1.
fn usual(look: &Look<'_>) -> Usual {
    const PICODET_WEIGHTS: u64 = 7_000_000;
    let older = look.summary.inputs.iter().any(|input| Name(&input.name).has(&["im_shape"]));
    let attention = look.summary.operators.get("Softmax").is_some_and(|count| *count > 4);
    if attention {
        return Usual { from: "a guess by its operators, what RT-DETR of PaddleDetection is trained with", ..UNIT };
    }
    let imagenet = Usual::IMAGENET_STRETCH.guessed();
    if look.weights() < PICODET_WEIGHTS {
        return Usual { from: "a guess by its size, what PicoDet is trained with", ..imagenet };
    }
    if older {
        return Usual { from: "a guess by its inputs, what PP-YOLO is trained with", ..imagenet };
    }
    Usual { from: "a guess by its size, what PP-YOLOE+ is trained with; PP-YOLOE takes ImageNet's mean", ..UNIT }
}

const UNIT: Usual = Usual::UNIT_STRETCH.guessed();

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let rows = table::<COLUMNS>(outputs).ok_or_else(|| shape_error(head, FAMILY.outputs, outputs))?;
    let number = outputs.iter().find(|output| output.shape.len() < 2).and_then(|output| output.values.first());
    let number = number.filter(|number| **number >= 0.0).map_or(rows.len(), |number| *number as usize);
    for &[class, score, left, top, right, bottom] in rows.iter().take(number) {
        if score >= context.score_floor
            && let Some(class) = class_number(class)
        {
            push_finite(candidates, class, score, BoxInModel::new(left, top, right, bottom));
        }
    }
    Ok(())
}
