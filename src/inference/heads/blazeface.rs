//! BlazeFace: logits `[1, n, 1]` and boxes with landmarks `[1, n, 16]`, of which the first four are centre and size in
//! pixels of the input, the centre relative to its anchor. Some exports join the feature maps in one output, others have
//! one for each.
//!
//! An anchor is the middle of a place. The short-range model (128x128) and the one for back cameras (256x256) have two
//! a place of a 16×16 map and six of an 8×8 map; the full-range one (192x192) has one a place of a 48×48 map.
//!
//! Source: Bazarevsky et al., "BlazeFace" (arXiv 1907.05047), and MediaPipe's `face_detection_short_range` and
//! `_full_range` graphs with `ssd_anchors_calculator.cc` and `tensors_to_detections_calculator.cc`, which also cuts
//! logits to ±100.

use super::facts::grid_text;
use super::family::{Certainty, Classes, Family, Found, Look, Usual, sure};
use super::grid::{cells_of, places};
use super::levels::matrix_shape;
use super::tensor::{as_matrix, logit_below, push_finite, shape_error, sigmoid};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize, ResizeMode};
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family = Family {
    heads: &[Head::BlazeFace],
    outputs: "[1, n, 1] and [1, n, 16], once or for each of 2 feature maps",
    recognize,
    decode,
};

/// Stride and anchors a place of the feature maps, for a side of the input.
type Anchors = &'static [(u32, usize)];

/// The published models.
const MODELS: [(u32, Anchors); 3] = [(128, &[(8, 2), (16, 6)]), (256, &[(16, 2), (32, 6)]), (192, &[(4, 1)])];

/// Columns of scores, and of boxes with six landmarks.
const COLUMNS: [usize; 2] = [1, 16];

const LOGIT_LIMIT: f32 = 100.0;

fn anchors(input: ImageSize) -> Option<Anchors> {
    let model = MODELS.iter().find(|(side, _)| input == ImageSize::new(*side, *side));
    model.map(|(_, anchors)| *anchors)
}

fn rows(input: ImageSize, (stride, anchors): (u32, usize)) -> usize {
    places(input, stride) * anchors
}

fn recognize(look: &Look<'_>) -> Option<Found> {
    let size = look.size();
    let maps = anchors(size)?;
    let mut got: Vec<_> = look.outputs.iter().map(|output| matrix_shape(&output.shape)).collect::<Option<_>>()?;
    let apart: Vec<usize> = maps.iter().map(|map| rows(size, *map)).collect();
    let expected = |rows: &[usize]| {
        let mut all: Vec<_> = rows.iter().flat_map(|rows| COLUMNS.map(|columns| (*rows, columns))).collect();
        all.sort_unstable();
        all
    };
    got.sort_unstable();
    let count: usize = apart.iter().sum();
    if got != expected(&apart) && got != expected(&[count]) {
        return None;
    }
    let strides: Vec<u32> = maps.iter().map(|(stride, _)| *stride).collect();
    let cells = grid_text(size, &strides);
    Some(Found {
        head: Head::BlazeFace,
        classes: Classes::Known(1),
        numbers: ClassNumbers::FromZero,
        only_class: Some("face"),
        nms: true,
        certainty: Certainty::Certain,
        evidence: vec![sure(format!("{count} anchors over {cells} places, a logit and 16 numbers each: BlazeFace"))],
        usual: Usual {
            scale: 1.0,
            mean: [127.5; 3],
            std: [127.5; 3],
            resize: ResizeMode::LetterboxCenter,
            pad: 0,
            from: "what MediaPipe feeds BlazeFace with",
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
    let error = || shape_error(head, "outputs [1, n, 1] and [1, n, 16] for its anchors", outputs);
    let size = context.input_size;
    let maps = anchors(size).ok_or_else(error)?;
    let count: usize = maps.iter().map(|map| rows(size, *map)).sum();
    // Rows of the outputs, and the one of them from which a map's are taken.
    let find = |rows: usize, columns: usize| {
        let mut all = outputs.iter().filter_map(as_matrix);
        all.find(|(r, c, _)| (*r, *c) == (rows, columns)).map(|(.., values)| values)
    };
    let joined = find(count, COLUMNS[0]).zip(find(count, COLUMNS[1]));
    let least = logit_below(context.score_floor);
    let mut first = 0;
    for &(stride, per_place) in maps {
        let rows = rows(size, (stride, per_place));
        let (logits, boxes) = match joined {
            Some((logits, boxes)) => (&logits[first..][..rows], &boxes[16 * first..][..16 * rows]),
            None => find(rows, COLUMNS[0]).zip(find(rows, COLUMNS[1])).ok_or_else(error)?,
        };
        first += rows;
        let anchors = cells_of(size, stride).flat_map(|cell| std::iter::repeat_n(cell, per_place));
        for ((&logit, row), cell) in logits.iter().zip(boxes.as_chunks::<16>().0).zip(anchors) {
            if logit < least {
                continue;
            }
            let score = sigmoid(logit.clamp(-LOGIT_LIMIT, LOGIT_LIMIT));
            if score >= context.score_floor {
                let center = (row[0] + (cell.column + 0.5) * cell.stride, row[1] + (cell.row + 0.5) * cell.stride);
                push_finite(candidates, 0, score, BoxInModel::from_center(center.0, center.1, row[2], row[3]));
            }
        }
    }
    Ok(())
}
