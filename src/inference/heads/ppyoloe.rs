//! PaddleDetection's heads with boxes decoded, but without NMS: PP-YOLOE and PicoDet exported with `export.nms=False`,
//! boxes `[1, N, 4]` as left, top, right, bottom in pixels of the input, and scores `[1, C, N]` after the sigmoid, a row
//! a class. Exports with `exclude_post_process` have both in one output `[1, N, 4+C]`.
//!
//! Source: `PPYOLOEHead.post_process` in `ppdet/modeling/heads/ppyoloe_head.py`, `PicoHeadV2.post_process` in
//! `pico_head.py` of PaddleDetection.

use super::facts::{ORDERED_SHARE, UNIT_LIMIT, are_scores, grid_text, largest, shape_text, share_of_ordered_boxes};
use super::family::{Certainty, Classes, Family, Found, Look, Output, Usual, sure};
use super::grid::strides_for;
use super::tensor::{as_matrix, push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family = Family {
    heads: &[Head::PpYoloe],
    outputs: "[1, n, 4] and [1, classes, n], or [1, n, 4+classes]",
    recognize,
    decode,
};

/// Columns of a box before the class scores, where both are in one output.
const BOX: usize = 4;

fn recognize(look: &Look<'_>) -> Option<Found> {
    match look.outputs {
        [output] => of_one_output(look, output),
        [first, second] => of_two_outputs(look, first, second),
        _ => None,
    }
}

fn of_two_outputs(look: &Look<'_>, first: &Output<'_>, second: &Output<'_>) -> Option<Found> {
    let (boxes, scores) = roles([(first, first.shape.as_slice()), (second, second.shape.as_slice())])?;
    let (count, classes) = (boxes.shape[1], scores.shape[1]);
    let shapes = (shape_text(&boxes.shape), shape_text(&scores.shape));
    let evidence = format!(
        "outputs {} and {} = {count} boxes and a row of scores for each of {classes} classes: PP-YOLOE",
        shapes.0, shapes.1
    );
    if look.asked.is_some() {
        return Some(found(look, count, classes, Certainty::Certain, evidence));
    }
    let Some((edges, values)) = boxes.values.zip(scores.values) else {
        strides_for(count, look.size())?;
        return Some(found(look, count, classes, Certainty::Likely, evidence));
    };
    let fits = are_scores(values) && share_of_ordered_boxes(edges) >= ORDERED_SHARE && largest(edges) > UNIT_LIMIT;
    fits.then(|| found(look, count, classes, Certainty::Certain, evidence))
}

/// Rows of a box and its scores: told from YOLOv8's by the order of the edges, which only a run shows.
fn of_one_output(look: &Look<'_>, output: &Output<'_>) -> Option<Found> {
    let &[1, count, columns] = output.shape.as_slice() else { return None };
    let classes = columns.checked_sub(BOX).filter(|classes| *classes > 0)?;
    let evidence = format!("output {} = {count} cells × (4+{classes})", shape_text(&output.shape));
    if look.asked.is_some() {
        return Some(found(look, count, classes, Certainty::Certain, evidence));
    }
    strides_for(count, look.size())?;
    let rows = || output.values.unwrap_or_default().chunks_exact(columns);
    let ordered = rows().filter(|row| row[2] >= row[0] && row[3] >= row[1]).count() as f32;
    let reach = rows().map(|row| largest(&row[..BOX])).fold(0.0, f32::max);
    let fits =
        ordered >= ORDERED_SHARE * count as f32 && reach > UNIT_LIMIT && rows().all(|row| are_scores(&row[BOX..]));
    let evidence = format!("{evidence}, and a run gave left, top, right and bottom edges in pixels: PP-YOLOE");
    (output.values.is_some() && fits).then(|| found(look, count, classes, Certainty::Likely, evidence))
}

fn found(look: &Look<'_>, count: usize, classes: usize, certainty: Certainty, evidence: String) -> Found {
    let strides = strides_for(count, look.size()).unwrap_or_default();
    let cells = (!strides.is_empty()).then(|| format!("{count} cells = {}", grid_text(look.size(), strides)));
    // The stride 64 is PicoDet's.
    let usual = match strides.len() {
        4 => Usual { from: "what PicoDet is trained with", ..Usual::IMAGENET_STRETCH },
        _ => Usual { from: "what PP-YOLOE+ is trained with", ..Usual::UNIT_STRETCH.guessed() },
    };
    Found {
        head: Head::PpYoloe,
        classes: Classes::Known(classes),
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: true,
        certainty,
        evidence: std::iter::once(evidence).chain(cells).map(sure).collect(),
        usual,
    }
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    scratch: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let wanted = scratch.wanted(context);
    let error = || shape_error(head, "outputs [1, n, 4] and [1, classes, n], or [1, n, 4 + classes]", outputs);
    if let [output] = outputs {
        let (_, columns, values) = as_matrix(output).filter(|(_, columns, _)| *columns > BOX).ok_or_else(error)?;
        for row in values.chunks_exact(columns) {
            wanted.each(&row[BOX..], |class, score| {
                push_finite(candidates, class, score, BoxInModel::new(row[0], row[1], row[2], row[3]));
            });
        }
        return Ok(());
    }
    let [first, second] = outputs else { return Err(error()) };
    let (boxes, scores) = roles([(first, first.shape), (second, second.shape)]).ok_or_else(error)?;
    let (count, _, edges) = as_matrix(boxes).ok_or_else(error)?;
    let (_, _, scores) = as_matrix(scores).ok_or_else(error)?;
    scratch.class_major.each(scores, count, wanted, |cell, class, score| {
        let edges = &edges[cell * BOX..][..BOX];
        push_finite(candidates, class, score, BoxInModel::new(edges[0], edges[1], edges[2], edges[3]));
    });
    Ok(())
}

/// Boxes and scores of two outputs, by shape. Four boxes with four classes are in the file's order.
fn roles<'a, T>([first, second]: [(&'a T, &[usize]); 2]) -> Option<(&'a T, &'a T)> {
    let fits = |boxes: &[usize], scores: &[usize]| match (boxes, scores) {
        ([1, count, BOX], [1, classes, cells]) => count == cells && *count > 0 && *classes > 0,
        _ => false,
    };
    match (fits(first.1, second.1), fits(second.1, first.1)) {
        (true, _) => Some((first.0, second.0)),
        (false, true) => Some((second.0, first.0)),
        (false, false) => None,
    }
}

#[cfg(test)]
#[path = "ppyoloe_tests.rs"]
mod tests;
