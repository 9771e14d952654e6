//! CenterFace: four maps at a quarter of the input's size: a heat map of faces `[1, 1, h, w]` after the sigmoid,
//! logarithmic sizes `[1, 2, h, w]` and offsets `[1, 2, h, w]`, the row's before the column's, and landmarks
//! `[1, 10, h, w]`, which are not read.
//!
//! Size `exp(v) · 4`, centre `(cell + offset + 0.5) · 4`, in pixels of the input.
//!
//! Source: Xu et al., "CenterFace" (arXiv 1911.03599), and `decode` in `centerface.py` of Star-Clouds/CenterFace.

use super::facts::{are_scores, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Output, Usual, sure};
use super::maps::{Map, size_and_offset};
use super::tensor::{push_finite, shape_error};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize, ResizeMode};
use crate::inference::{Candidate, ClassNumbers, ColorOrder, Head};

pub(super) const FAMILY: Family = Family {
    heads: &[Head::CenterFace],
    outputs: "maps [1, 1, h, w], [1, 2, h, w], [1, 2, h, w] and [1, 10, h, w]",
    recognize,
    decode,
};

/// Pixels of the input a place of the maps.
const STRIDE: u32 = 4;

/// Channels of the four maps: faces, sizes, offsets, landmarks.
const CHANNELS: [usize; 4] = [1, 2, 2, 10];

fn recognize(look: &Look<'_>) -> Option<Found> {
    let maps = look.outputs.iter().map(|output| match *output.shape.as_slice() {
        [_, channels, height, width] => Some((channels, height, width)),
        _ => None,
    });
    let maps: Vec<_> = maps.collect::<Option<_>>()?;
    let mut channels: Vec<_> = maps.iter().map(|(channels, ..)| *channels).collect();
    channels.sort_unstable();
    let (_, height, width) = *maps.first()?;
    if channels != CHANNELS || maps.iter().any(|(_, h, w)| (*h, *w) != (height, width)) {
        return None;
    }
    let heat = look.outputs.iter().find(|output| output.shape[1] == CHANNELS[0])?;
    if look.asked.is_none() && !fits(look, heat, height, width) {
        return None;
    }
    let shape = shape_text(&heat.shape);
    Some(Found {
        head: Head::CenterFace,
        classes: Classes::Known(1),
        numbers: ClassNumbers::FromZero,
        only_class: Some("face"),
        nms: true,
        certainty: Certainty::Certain,
        evidence: vec![sure(format!("4 maps, the heat map {shape} with 1, 2, 2 and 10 channels: CenterFace"))],
        usual: Usual {
            color: ColorOrder::Rgb,
            resize: ResizeMode::Stretch,
            size: Some(ImageSize::new(640, 480)),
            from: "the shape of most cameras' pictures; the network takes any multiple of 32, for which a card says \
                   resize = \"own_size\"",
            ..Usual::YOLOX.guessed()
        },
    })
}

/// Whether a run gave maps of a quarter of the input's size and scores. What a file declares may be a placeholder.
fn fits(look: &Look<'_>, heat: &Output<'_>, height: usize, width: usize) -> bool {
    let Some(scores) = heat.values else { return true };
    let quarter = |side: u32| side.div_ceil(STRIDE) as usize;
    (width, height) == (quarter(look.size().width), quarter(look.size().height)) && are_scores(scores)
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let error = || shape_error(head, "maps [1, 1, h, w], and [1, 2, h, w] twice", outputs);
    let map = |channels: usize, skipped: usize| {
        let maps = outputs.iter().filter_map(|output| Some((output.name, Map::of(output)?)));
        maps.filter(|(_, map)| map.channels == channels).nth(skipped).ok_or_else(error)
    };
    let ((_, heat), first, second) = (map(1, 0)?, map(2, 0)?, map(2, 1)?);
    let ((_, size), (_, offset)) = size_and_offset(first, second, |(name, _)| name);
    let grid = |map: &Map<'_>| (map.rows, map.columns);
    if grid(&size) != grid(&heat) || grid(&offset) != grid(&heat) {
        return Err(error());
    }
    let [heights, widths] = [size.channel(0), size.channel(1)];
    let [down, right] = [offset.channel(0), offset.channel(1)];
    let step = STRIDE as f32;
    for (place, &score) in heat.values.iter().enumerate() {
        if score >= context.score_floor {
            let (column, row) = ((place % heat.columns) as f32, (place / heat.columns) as f32);
            let center = ((column + right[place] + 0.5) * step, (row + down[place] + 0.5) * step);
            let (width, height) = (widths[place].exp() * step, heights[place].exp() * step);
            push_finite(candidates, 0, score, BoxInModel::from_center(center.0, center.1, width, height));
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "map_tests.rs"]
mod tests;
