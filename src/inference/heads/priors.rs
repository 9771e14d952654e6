//! Prior boxes: squares of given sides around the middle of every place of some feature maps, and boxes given as offsets
//! to them.
//!
//! Source: Liu et al., "SSD: Single Shot MultiBox Detector" (arXiv 1512.02325), section 2.2; the variances are those of
//! its code.

use crate::imaging::{BoxInModel, ImageSize};

/// One feature map: its stride, and the sides in pixels of the priors in each place.
pub(super) type PriorMap = (u32, &'static [f32]);

/// How many places a feature map has where a side is no multiple of its stride.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounding {
    Up,
    Down,
}

/// A square in pixels of the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Prior {
    pub center: (f32, f32),
    pub side: f32,
}

fn map_size(input: ImageSize, stride: u32, rounding: Rounding) -> (usize, usize) {
    let places = |side: u32| match rounding {
        Rounding::Up => side.div_ceil(stride),
        Rounding::Down => side / stride,
    };
    (places(input.width) as usize, places(input.height) as usize)
}

/// How many priors there are.
pub(super) fn count(input: ImageSize, maps: &[PriorMap], rounding: Rounding) -> usize {
    let in_map = |(stride, sides): &PriorMap| {
        let (columns, rows) = map_size(input, *stride, rounding);
        columns * rows * sides.len()
    };
    maps.iter().map(in_map).sum()
}

/// Every prior: map by map, row by row, and in each place one a side.
pub(super) fn priors(input: ImageSize, maps: &'static [PriorMap], rounding: Rounding) -> impl Iterator<Item = Prior> {
    maps.iter().flat_map(move |&(stride, sides)| {
        let (columns, rows) = map_size(input, stride, rounding);
        let middle = move |place: usize| (place as f32 + 0.5) * stride as f32;
        (0..rows).flat_map(move |row| {
            (0..columns).flat_map(move |column| {
                sides.iter().map(move |&side| Prior { center: (middle(column), middle(row)), side })
            })
        })
    })
}

/// The variances that SSD and its descendants scale offsets with: of the centre, and of width and height.
pub(super) const VARIANCES: [f32; 3] = [0.1, 0.2, 0.2];

/// The box that lies by `offsets` (of the centre in sides of the prior, of width and height as logarithms) from a prior.
pub(super) fn box_from(prior: Prior, offsets: &[f32], variances: [f32; 3]) -> BoxInModel {
    let [of_center, of_width, of_height] = variances;
    let Prior { center, side } = prior;
    BoxInModel::from_center(
        center.0 + offsets[0] * of_center * side,
        center.1 + offsets[1] * of_center * side,
        (offsets[2] * of_width).exp() * side,
        (offsets[3] * of_height).exp() * side,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: [PriorMap; 2] = [(8, &[10.0, 16.0]), (16, &[32.0])];

    #[test]
    fn priors_go_map_by_map_row_by_row() {
        let input = ImageSize::new(24, 16);
        assert_eq!(count(input, &MAPS, Rounding::Up), 3 * 2 * 2 + 2);
        assert_eq!(count(input, &MAPS, Rounding::Down), 3 * 2 * 2 + 1);
        let all: Vec<_> = priors(input, &MAPS, Rounding::Up).collect();
        assert_eq!(all.len(), 14);
        assert_eq!(all[3], Prior { center: (12.0, 4.0), side: 16.0 });
        assert_eq!(all[13], Prior { center: (24.0, 8.0), side: 32.0 });
    }

    #[test]
    fn offsets_move_and_scale_a_prior() {
        let prior = Prior { center: (100.0, 50.0), side: 20.0 };
        let ln2 = 2f32.ln();
        let rect = box_from(prior, &[5.0, -5.0, 5.0 * ln2, 0.0], VARIANCES);
        assert_eq!((rect.x1, rect.y1, rect.x2, rect.y2), (90.0, 30.0, 130.0, 50.0));
    }
}
