//! PicoDet without its post-processing: for each of the strides 8, 16, 32 and 64 the scores `[1, n, C]` after the
//! sigmoid, and distributions of the distances to the four edges `[1, n, 4·bins]`, as logits.
//!
//! A box lies around the middle of its cell, `(cell + 0.5) · stride`.
//!
//! Source: Yu et al., "PP-PicoDet" (arXiv 2111.00902), and `PicoHeadV2.forward_eval` and `PicoHead` in PaddleDetection's
//! `ppdet/modeling/heads/pico_head.py`. Exports with boxes decoded, but without NMS, are [`super::ppyoloe`]'s.

use super::facts::{are_scores, grid_text};
use super::family::{Certainty, Classes, Family, Found, Look, Output, Usual, sure};
use super::grid::{cells_of, places};
use super::levels::{
    are_levels, box_of_distributions, classes_and_bins, equals_before, find, matrix_shape, two_widths,
};
use super::tensor::{Wanted, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family = Family {
    heads: &[Head::PicoDet],
    outputs: "[1, n, classes] and [1, n, 4·bins] for each of 4 strides",
    recognize,
    decode: |head, outputs, context, scratch: &mut Scratch, candidates| {
        decode_levels(head, outputs, context, scratch.wanted(context), &STRIDES, candidates)
    },
};

const STRIDES: [u32; 4] = [8, 16, 32, 64];

fn recognize(look: &Look<'_>) -> Option<Found> {
    let (classes, bins) = levels(look, &STRIDES)?;
    let cells = grid_text(look.size(), &STRIDES);
    Some(Found {
        head: Head::PicoDet,
        classes: Classes::Known(classes),
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: true,
        certainty: Certainty::Certain,
        evidence: vec![sure(format!("8 outputs = {cells} cells × ({classes} scores + 4·{} bins): PicoDet", bins / 4))],
        usual: Usual { from: "what PicoDet is trained with", ..Usual::IMAGENET_STRETCH },
    })
}

/// Classes and columns of distributions where the outputs are a matrix of scores and one of distributions a stride.
pub(super) fn levels(look: &Look<'_>, strides: &[u32]) -> Option<(usize, usize)> {
    let shapes = look.outputs.iter().map(|output| matrix_shape(&output.shape));
    let (classes, bins) = classes_and_bins(two_widths(shapes)?)?;
    if !are_levels(look.outputs, look.size(), strides, &[classes, bins], 1) {
        return None;
    }
    let are_scores = |output: &Output<'_>| output.values.is_none_or(are_scores);
    let mut of_classes = look.outputs.iter().filter(|output| output.shape.last() == Some(&classes));
    (look.asked.is_some() || classes == bins || of_classes.all(are_scores)).then_some((classes, bins))
}

/// Reads a matrix of scores and one of distributions a stride, around the middles of the cells.
pub(super) fn decode_levels(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    wanted: Wanted,
    strides: &[u32],
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let error = || shape_error(head, EXPECTED, outputs);
    let widths = two_widths(outputs.iter().map(|output| matrix_shape(output.shape))).ok_or_else(error)?;
    let (classes, bins) = classes_and_bins(widths).ok_or_else(error)?;
    for (index, &stride) in strides.iter().enumerate() {
        let rows = places(context.input_size, stride);
        let skipped = equals_before(context.input_size, strides, index);
        // With as many classes as bins the order decides: scores come first.
        let (first, second) = if classes == bins { (2 * skipped, 2 * skipped + 1) } else { (skipped, skipped) };
        let scores = find(outputs, rows, classes, first).ok_or_else(error)?;
        let distances = find(outputs, rows, bins, second).ok_or_else(error)?;
        let table = scores.chunks_exact(classes).zip(distances.chunks_exact(bins));
        for ((row, distances), cell) in table.zip(cells_of(context.input_size, stride)) {
            wanted.each(row, |class, score| {
                let center = ((cell.column + 0.5) * cell.stride, (cell.row + 0.5) * cell.stride);
                push_finite(candidates, class, score, box_of_distributions(distances, center, cell.stride));
            });
        }
    }
    Ok(())
}

const EXPECTED: &str = "for each stride outputs [1, cells, classes] and [1, cells, 4 * bins]";
