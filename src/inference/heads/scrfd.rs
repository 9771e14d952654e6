//! SCRFD: for each stride scores `[n, 1]` after the sigmoid, distances to the four edges `[n, 4]` in strides and, in some
//! models, landmarks `[n, 10]`, which are not read; with or without a batch axis. Three strides from 8 have two anchors a
//! place, both in its corner, so that `n` is twice the places; five strides have one.
//!
//! A box is `cell · stride` ∓ `distance · stride`, in pixels of the input.
//!
//! Source: Guo et al., "Sample and Computation Redistribution for Efficient Face Detection" (arXiv 2105.04714), and
//! `python-package/insightface/model_zoo/scrfd.py` of deepinsight/insightface.

use super::facts::are_scores;
use super::family::{Certainty, Classes, Family, Found, Look, Usual, sure};
use super::grid::{cells_of, places};
use super::levels::{are_levels, box_of_distances, equals_before, find};
use super::tensor::{push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::ResizeMode;
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family = Family {
    heads: &[Head::Scrfd],
    outputs: "[n, 1] and [n, 4], and perhaps [n, 10], for each of 3 or 5 strides",
    recognize,
    decode,
};

/// Columns a stride: score, distances, landmarks.
const COLUMNS: [usize; 3] = [1, 4, 10];

/// One way to build the head.
struct Form {
    strides: &'static [u32],
    anchors: usize,
    columns: &'static [usize],
}

/// InsightFace tells them apart by the number of outputs as well. One anchor a place is not usual with three strides.
const FORMS: [Form; 6] = [
    Form { strides: &[8, 16, 32], anchors: 2, columns: &COLUMNS },
    Form { strides: &[8, 16, 32], anchors: 2, columns: &[1, 4] },
    Form { strides: &[8, 16, 32], anchors: 1, columns: &COLUMNS },
    Form { strides: &[8, 16, 32], anchors: 1, columns: &[1, 4] },
    Form { strides: &[8, 16, 32, 64, 128], anchors: 1, columns: &COLUMNS },
    Form { strides: &[8, 16, 32, 64, 128], anchors: 1, columns: &[1, 4] },
];

fn recognize(look: &Look<'_>) -> Option<Found> {
    let fits = |form: &&Form| are_levels(look.outputs, look.size(), form.strides, form.columns, form.anchors);
    let form = FORMS.iter().find(fits)?;
    let mut scores = look.outputs.iter().filter(|output| output.shape.last() == Some(&COLUMNS[0]));
    if look.asked.is_none() && !scores.all(|output| output.values.is_none_or(are_scores)) {
        return None;
    }
    let landmarks = if form.columns.len() == COLUMNS.len() { ", distances and landmarks" } else { " and distances" };
    let (count, strides, anchors) = (look.outputs.len(), form.strides.len(), form.anchors);
    let plural = if anchors == 1 { "" } else { "s" };
    Some(Found {
        head: Head::Scrfd,
        classes: Classes::Known(1),
        numbers: ClassNumbers::FromZero,
        only_class: Some("face"),
        nms: true,
        certainty: Certainty::Certain,
        evidence: vec![sure(format!(
            "{count} outputs = scores{landmarks} of {strides} strides with {anchors} anchor{plural} a place: SCRFD"
        ))],
        usual: Usual {
            scale: 1.0,
            mean: [127.5; 3],
            std: [128.0; 3],
            resize: ResizeMode::LetterboxTopLeft,
            pad: 0,
            from: "what SCRFD is trained with",
            ..Usual::YOLO
        },
    })
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let error = || shape_error(head, "for each stride outputs [n, 1] and [n, 4], and perhaps [n, 10]", outputs);
    let size = context.input_size;
    let rows = |form: &Form, stride: u32| places(size, stride) * form.anchors;
    let fits = |form: &&Form| {
        let count = form.strides.len() * form.columns.len();
        count == outputs.len() && find(outputs, rows(form, form.strides[0]), COLUMNS[0], 0).is_some()
    };
    let form = FORMS.iter().find(fits).ok_or_else(error)?;
    for (index, &stride) in form.strides.iter().enumerate() {
        let (rows, skipped) = (rows(form, stride), equals_before(size, form.strides, index));
        let scores = find(outputs, rows, COLUMNS[0], skipped).ok_or_else(error)?;
        let distances = find(outputs, rows, COLUMNS[1], skipped).ok_or_else(error)?;
        let cells = cells_of(size, stride).flat_map(|cell| std::iter::repeat_n(cell, form.anchors));
        for ((&score, distances), cell) in scores.iter().zip(distances.as_chunks::<4>().0).zip(cells) {
            if score >= context.score_floor {
                let corner = (cell.column * cell.stride, cell.row * cell.stride);
                let rect = box_of_distances(corner, distances.map(|distance| distance * cell.stride));
                push_finite(candidates, 0, score, rect);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "face_tests.rs"]
mod tests;
