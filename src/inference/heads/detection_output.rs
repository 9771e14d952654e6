//! Caffe's DetectionOutput: one output `[1, 1, K, 7]`, a row a detection: picture of the batch, class, score, left, top,
//! right, bottom as fractions 0…1 of the input. Classes are numbered from 1; the first row with a picture below 0 ends
//! the list.
//!
//! Source: `DetectionOutputLayer` of SSD's Caffe (Liu et al., arXiv 1512.02325, `detection_output_layer.cpp`); OpenVINO's
//! operator of the same name describes the end of the list.

use super::facts::shape_text;
use super::family::{Certainty, Family, Found, Look, Usual, sure};
use super::numbering::{self, Numbering};
use super::table::{Columns, share_of_rows, table};
use super::tensor::{class_number, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize};
use crate::inference::{Candidate, ColorOrder, Head};

pub(super) const FAMILY: Family =
    Family { heads: &[Head::DetectionOutput], outputs: "an output [1, 1, k, 7]", recognize, decode };

const COLUMNS: usize = 7;
const READING: Columns = Columns { edges: 3, score: 2, class: 1, of: COLUMNS };
/// Most SSDs of Caffe.
const USUAL_SIZE: ImageSize = ImageSize::new(300, 300);

fn recognize(look: &Look<'_>) -> Option<Found> {
    let [output] = look.outputs else { return None };
    let open = usize::from(output.values.is_some());
    let fits = match *output.shape.as_slice() {
        [1, batch, _, COLUMNS] => (open..=1).contains(&batch),
        [1, _, COLUMNS] | [_, COLUMNS] => look.asked.is_some(),
        _ => false,
    };
    let values = output.values.unwrap_or_default();
    let share = share_of_rows(values, READING);
    if !fits || look.asked.is_none() && share.is_some_and(|share| share < 1.0) {
        return None;
    }
    let scored = values.chunks_exact(COLUMNS).filter(|row| row[READING.score] > 0.0);
    let Numbering { numbers, classes, evidence } = numbering::tell(look, 1, scored.map(|row| row[READING.class]));
    Some(Found {
        head: Head::DetectionOutput,
        classes,
        numbers,
        only_class: None,
        nms: false,
        certainty: if share.is_some() { Certainty::Certain } else { Certainty::Likely },
        evidence: vec![
            sure(format!(
                "output {} = detections as picture, class, score, box: Caffe's DetectionOutput",
                shape_text(&output.shape)
            )),
            evidence,
        ],
        usual: usual(look),
    })
}

/// SSDs with VGG's backbone have more than 25 million weights, those with MobileNet's fewer than 10.
fn usual(look: &Look<'_>) -> Usual {
    const VGG_WEIGHTS: u64 = 15_000_000;
    let stretched = Usual { color: ColorOrder::Bgr, size: Some(USUAL_SIZE), ..Usual::UNIT_STRETCH.guessed() };
    if look.weights() >= VGG_WEIGHTS {
        let from = "a guess by its size, what SSD with VGG is trained with";
        return Usual { scale: 1.0, mean: [104.0, 117.0, 123.0], from, ..stretched };
    }
    let from = "a guess by its size, what MobileNet-SSD is trained with";
    Usual { scale: 1.0, mean: [127.5; 3], std: [127.5; 3], from, ..stretched }
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let rows = table::<COLUMNS>(outputs).ok_or_else(|| shape_error(head, FAMILY.outputs, outputs))?;
    let (width, height) = (context.input_size.width as f32, context.input_size.height as f32);
    for &[picture, class, score, left, top, right, bottom] in rows {
        if picture < 0.0 {
            break;
        }
        if score >= context.score_floor
            && let Some(class) = class_number(class)
        {
            let rect = BoxInModel::new(left * width, top * height, right * width, bottom * height);
            push_finite(candidates, class, score, rect);
        }
    }
    Ok(())
}
