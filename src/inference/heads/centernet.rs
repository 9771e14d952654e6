//! CenterNet: three maps at a quarter of the input's size: a heat map a class `[1, C, h, w]`, widths and heights
//! `[1, 2, h, w]`, and offsets `[1, 2, h, w]` of the centre in its place. The heat map is after the sigmoid or before it,
//! which its values show: below 0 there are no scores.
//!
//! A place that is the largest of its 3×3 neighbourhood, in one class, is an object: centre `(cell + offset) · 4`, size
//! `wh · 4`, in pixels of the input. This takes the place of NMS.
//!
//! Source: Zhou et al., "Objects as Points" (arXiv 1904.07850), section 4, and `ctdet_decode` in
//! `src/lib/models/decode.py` of xingyizhou/CenterNet.

use super::facts::{are_scores, largest, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Output, Usual, sure};
use super::maps::{Map, size_and_offset};
use super::tensor::{logit_below, push_finite, shape_error, sigmoid};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize, ResizeMode};
use crate::inference::{Candidate, ClassNumbers, ColorOrder, Head};

pub(super) const FAMILY: Family = Family {
    heads: &[Head::CenterNet],
    outputs: "a heat map [1, classes, h, w] and maps [1, 2, h, w] of sizes and offsets",
    recognize,
    decode,
};

/// Pixels of the input a place of the maps.
const STRIDE: u32 = 4;

/// Channels of the maps of sizes and offsets.
const PAIR: usize = 2;

fn recognize(look: &Look<'_>) -> Option<Found> {
    let [heat, size, offset] = roles(look.outputs, |output| (output.name, output.shape.get(1).copied()))?;
    let (&[_, classes, height, width], size_shape, offset_shape) =
        (heat.shape.as_slice(), size.shape.as_slice(), offset.shape.as_slice())
    else {
        return None;
    };
    let pair = |shape: &[usize]| matches!(*shape, [_, PAIR, h, w] if (h, w) == (height, width));
    if classes == 0 || !pair(size_shape) || !pair(offset_shape) {
        return None;
    }
    let quarter = |side: u32| side.div_ceil(STRIDE) as usize;
    let known = height > 0 && width > 0;
    let expected = (quarter(look.size().width), quarter(look.size().height));
    if look.asked.is_none() && (known && (width, height) != expected || !fits(heat, size, offset)) {
        return None;
    }
    let named = [heat, size].map(|output| output.name.to_ascii_lowercase());
    let named = ["hm", "heat"].iter().any(|word| named[0].contains(word)) && named[1].contains("wh");
    let certainty = match (named, heat.values) {
        (true, _) => Certainty::Certain,
        (false, Some(_)) => Certainty::Likely,
        (false, None) => Certainty::Guess,
    };
    let shape = shape_text(&heat.shape);
    Some(Found {
        head: Head::CenterNet,
        classes: Classes::Known(classes),
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: false,
        certainty,
        evidence: vec![sure(format!(
            "a heat map {shape} with {classes} classes, and two maps of its size with pairs: CenterNet"
        ))],
        usual: Usual {
            color: ColorOrder::Bgr,
            mean: [0.408, 0.447, 0.470],
            std: [0.289, 0.274, 0.278],
            resize: ResizeMode::LetterboxCenter,
            pad: 0,
            size: Some(ImageSize::new(512, 512)),
            from: "what CenterNet is trained with",
            ..Usual::YOLO
        },
    })
}

/// Whether a run gave heat that may be scores or logits of a picture without objects, finite sizes, and offsets within
/// a place or so.
fn fits(heat: &Output<'_>, size: &Output<'_>, offset: &Output<'_>) -> bool {
    let (Some(heat), Some(size), Some(offset)) = (heat.values, size.values, offset.values) else { return true };
    let mostly_cold = |heat: &[f32]| heat.iter().filter(|value| **value > 0.5).count() * 10 <= heat.len();
    (are_scores(heat) || heat.iter().all(|value| value.is_finite()))
        && mostly_cold(heat)
        && largest(offset) <= 4.0
        && size.iter().all(|value| value.is_finite())
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let error = || shape_error(head, "maps [1, classes, h, w], and [1, 2, h, w] twice", outputs);
    let [heat, size, offset] =
        roles(outputs, |output| (output.name, output.shape.get(1).copied())).ok_or_else(error)?;
    let maps = [Map::of(heat), Map::of(size), Map::of(offset)];
    let [Some(heat), Some(size), Some(offset)] = maps else { return Err(error()) };
    let grid = |map: &Map<'_>| (map.rows, map.columns);
    if size.channels != PAIR || offset.channels != PAIR || grid(&size) != grid(&heat) || grid(&offset) != grid(&heat) {
        return Err(error());
    }
    let [widths, heights] = [size.channel(0), size.channel(1)];
    let [right, down] = [offset.channel(0), offset.channel(1)];
    let step =
        (context.input_size.width as f32 / heat.columns as f32, context.input_size.height as f32 / heat.rows as f32);
    let logits = heat.values.iter().any(|value| *value < 0.0);
    let least = if logits { logit_below(context.score_floor) } else { context.score_floor };
    for class in 0..heat.channels {
        let channel = heat.channel(class);
        for (place, &value) in channel.iter().enumerate() {
            if value < least {
                continue;
            }
            let score = if logits { sigmoid(value) } else { value };
            let (column, row) = (place % heat.columns, place / heat.columns);
            if score >= context.score_floor && is_peak(channel, heat.columns, row, column) {
                let center = ((column as f32 + right[place]) * step.0, (row as f32 + down[place]) * step.1);
                let (width, height) = (widths[place] * step.0, heights[place] * step.1);
                push_finite(candidates, class, score, BoxInModel::from_center(center.0, center.1, width, height));
            }
        }
    }
    Ok(())
}

/// Whether no neighbour is larger.
fn is_peak(channel: &[f32], columns: usize, row: usize, column: usize) -> bool {
    let value = channel[row * columns + column];
    let rows = channel.len() / columns;
    let near = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
    near(row, rows).all(|r| near(column, columns).all(|c| channel[r * columns + c] <= value))
}

/// Heat map, size and offset of three outputs: the pairs have two channels; with two classes the names decide.
fn roles<T>(outputs: &[T], parts: impl Fn(&T) -> (&str, Option<usize>)) -> Option<[&T; 3]> {
    let [a, b, c] = outputs else { return None };
    let is_heat = |output: &T| {
        let (name, channels) = parts(output);
        let name = name.to_ascii_lowercase();
        channels != Some(PAIR) || name.contains("hm") || name.contains("heat")
    };
    let (heat, first, second) = match [is_heat(a), is_heat(b), is_heat(c)] {
        [true, false, false] | [false, false, false] => (a, b, c),
        [false, true, false] => (b, a, c),
        [false, false, true] => (c, a, b),
        _ => return None,
    };
    let (size, offset) = size_and_offset(first, second, |output| parts(output).0);
    Some([heat, size, offset])
}
