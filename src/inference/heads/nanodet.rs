//! NanoDet: scores after the sigmoid and distributions of the distances to the four edges, as logits.
//!
//! * NanoDet, older exports: for each of the strides 8, 16 and 32 an output `[1, n, C]` and one `[1, n, 4·bins]`.
//! * NanoDet, newer exports: one output `[1, N, C + 4·bins]` over these strides.
//! * NanoDet-Plus: the same over the strides 8, 16, 32 and 64.
//!
//! A box lies around the middle of its cell in NanoDet, `(cell + 0.5) · stride`, and around its corner in NanoDet-Plus,
//! `cell · stride`.
//!
//! Source: `gfl_head.py` (`get_single_level_center_point`, `_forward_onnx`) and `nanodet_plus_head.py`
//! (`get_single_level_center_priors`) in RangiLyu/nanodet.

use super::facts::{are_scores, grid_text, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Usual, sure};
use super::grid::{cells, strides_for};
use super::levels::{BIN_COLUMNS, box_of_distributions, matrix_shape};
use super::picodet::{decode_levels, levels};
use super::tensor::{as_matrix, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::ResizeMode;
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family = Family {
    heads: &[Head::NanoDet, Head::NanoDetPlus],
    outputs: "[1, n, classes] and [1, n, 4·bins] a stride, or both in one",
    recognize,
    decode,
};

const STRIDES: [u32; 3] = [8, 16, 32];

/// The classes of COCO, with which the number of bins is sure.
const COCO_CLASSES: usize = 80;

fn recognize(look: &Look<'_>) -> Option<Found> {
    match look.outputs {
        [_] => of_one_output(look),
        _ if look.asked == Some(Head::NanoDetPlus) => None,
        _ => {
            let (classes, bins) = levels(look, &STRIDES)?;
            let cells = grid_text(look.size(), &STRIDES);
            let evidence = format!("6 outputs = {cells} cells × ({classes} scores + 4·{} bins): NanoDet", bins / 4);
            Some(found(Head::NanoDet, classes, Certainty::Certain, evidence))
        }
    }
}

fn of_one_output(look: &Look<'_>) -> Option<Found> {
    let [output] = look.outputs else { return None };
    let (rows, columns) = matrix_shape(&output.shape)?;
    let (classes, bins) = split_columns(columns)?;
    let strides = strides_for(rows, look.size())?;
    let head = look.head_or(if strides.len() == STRIDES.len() { Head::NanoDet } else { Head::NanoDetPlus });
    let (shape, cells) = (shape_text(&output.shape), grid_text(look.size(), strides));
    let evidence = format!("output {shape} = {cells} cells × ({classes} scores + 4·{} bins): {}", bins / 4, name(head));
    if look.asked.is_some() {
        return Some(found(head, classes, Certainty::Certain, evidence));
    }
    let Some(values) = output.values else {
        let usual = classes == COCO_CLASSES || look.names() == Some(classes);
        return usual.then(|| found(head, classes, Certainty::Guess, evidence));
    };
    let rows = || values.chunks_exact(columns);
    let fits = rows().all(|row| are_scores(&row[..classes])) && !rows().all(|row| are_scores(&row[classes..]));
    fits.then(|| found(head, classes, Certainty::Certain, evidence))
}

const fn name(head: Head) -> &'static str {
    match head {
        Head::NanoDetPlus => "NanoDet-Plus",
        _ => "NanoDet",
    }
}

fn found(head: Head, classes: usize, certainty: Certainty, evidence: String) -> Found {
    // NanoDet is trained with `keep_ratio`, NanoDet-Plus without.
    let (resize, from) = match head {
        Head::NanoDetPlus => (ResizeMode::Stretch, "what NanoDet-Plus is trained with"),
        _ => (ResizeMode::LetterboxCenter, "what NanoDet is trained with"),
    };
    Found {
        head,
        classes: Classes::Known(classes),
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: true,
        certainty,
        evidence: vec![sure(evidence)],
        usual: Usual { resize, from, ..Usual::OPENMMLAB },
    }
}

/// Classes and columns of distributions in a row of so many. Distances reach to 7 in all published models but
/// NanoDet-g, which has 10 and COCO's classes.
fn split_columns(columns: usize) -> Option<(usize, usize)> {
    let coco = BIN_COLUMNS.into_iter().find(|bins| columns == COCO_CLASSES + bins);
    let bins = coco.unwrap_or(BIN_COLUMNS[0]);
    (columns > bins).then(|| (columns - bins, bins))
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    scratch: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let wanted = scratch.wanted(context);
    let [output] = outputs else { return decode_levels(head, outputs, context, wanted, &STRIDES, candidates) };
    let error = || shape_error(head, "one output [1, cells, classes + 4 * bins], or two a stride", outputs);
    let (rows, columns, values) = as_matrix(output).ok_or_else(error)?;
    let (classes, _) = split_columns(columns).ok_or_else(error)?;
    let strides =
        strides_for(rows, context.input_size).ok_or(DecodeError::Grid { cells: rows, input: context.input_size })?;
    let middle = if head == Head::NanoDetPlus { 0.0 } else { 0.5 };
    for (row, cell) in values.chunks_exact(columns).zip(cells(context.input_size, strides)) {
        let (scores, distances) = row.split_at(classes);
        wanted.each(scores, |class, score| {
            let center = ((cell.column + middle) * cell.stride, (cell.row + middle) * cell.stride);
            push_finite(candidates, class, score, box_of_distributions(distances, center, cell.stride));
        });
    }
    Ok(())
}

#[cfg(test)]
#[path = "distribution_tests.rs"]
mod tests;
