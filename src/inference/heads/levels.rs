//! Heads with a few outputs a feature map, which are told apart by their numbers of rows and columns.

use super::family::Output;
use super::grid::places;
use super::tensor::{OutputTensor, as_matrix};
use crate::imaging::{BoxInModel, ImageSize};

/// Rows and columns of a shape that is one matrix but for leading sides of 1. An open side is 0.
pub(super) fn matrix_shape(shape: &[usize]) -> Option<(usize, usize)> {
    let (&columns, rest) = shape.split_last()?;
    let (&rows, leading) = rest.split_last()?;
    leading.iter().all(|&side| side == 1).then_some((rows, columns))
}

/// Whether the outputs are, in any order, one matrix for each stride and each of `columns`, with as many rows as the
/// stride has places, times `anchors`. Open rows fit any stride.
pub(super) fn are_levels(
    outputs: &[Output<'_>],
    input: ImageSize,
    strides: &[u32],
    columns: &[usize],
    anchors: usize,
) -> bool {
    let Some(mut got) = outputs.iter().map(|output| matrix_shape(&output.shape)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let rows = strides.iter().map(|&stride| places(input, stride) * anchors);
    let mut want: Vec<_> = rows.flat_map(|rows| columns.iter().map(move |&columns| (rows, columns))).collect();
    if got.iter().all(|(rows, _)| *rows == 0) {
        want.iter_mut().for_each(|(rows, _)| *rows = 0);
    }
    got.sort_unstable();
    want.sort_unstable();
    got == want
}

/// The values of the output that is a matrix of that many rows and columns; of several such the one after `skipped`.
pub(super) fn find<'a>(outputs: &[OutputTensor<'a>], rows: usize, columns: usize, skipped: usize) -> Option<&'a [f32]> {
    let fits = |&(r, c, _): &(usize, usize, &[f32])| r == rows && c == columns;
    outputs.iter().filter_map(as_matrix).filter(fits).nth(skipped).map(|(_, _, values)| values)
}

/// How many of the finer strides have as many places as stride number `index`, which happens on tiny inputs only.
pub(super) fn equals_before(input: ImageSize, strides: &[u32], index: usize) -> usize {
    let count = |stride: &&u32| places(input, **stride) == places(input, strides[index]);
    strides[..index].iter().filter(count).count()
}

/// Numbers a box in a distribution of distances, for the ranges that models of this kind have (0…7, 0…10, 0…16, 0…15),
/// the usual one first.
pub(super) const BIN_COLUMNS: [usize; 4] = [32, 44, 68, 64];

/// Of two numbers of columns, in any order, the classes and the bins of a distribution.
pub(super) fn classes_and_bins(columns: [usize; 2]) -> Option<(usize, usize)> {
    let bins = BIN_COLUMNS.into_iter().find(|bins| columns.contains(bins))?;
    let classes = if columns[0] == bins { columns[1] } else { columns[0] };
    (classes > 0).then_some((classes, bins))
}

/// The two numbers of columns that the shapes have; the same twice where they have but one.
pub(super) fn two_widths(shapes: impl IntoIterator<Item = Option<(usize, usize)>>) -> Option<[usize; 2]> {
    let mut widths = [0; 2];
    for shape in shapes {
        let (_, columns) = shape?;
        match widths {
            [0, _] => widths = [columns; 2],
            [first, second] if columns == first || columns == second => {}
            [first, second] if first == second => widths[1] = columns,
            _ => return None,
        }
    }
    (widths[0] > 0).then_some(widths)
}

/// A box around `center` from the distributions of its distances to the left, top, right and bottom edge: the mean of
/// 0, 1, 2, … weighted with the softmax of the logits, in strides.
///
/// Source: Li et al., "Generalized Focal Loss" (arXiv 2006.04388), section 3.2.
pub(super) fn box_of_distributions(logits: &[f32], center: (f32, f32), stride: f32) -> BoxInModel {
    let side = logits.len() / 4;
    let distance = |edge: usize| mean_of_distribution(&logits[edge * side..][..side]) * stride;
    box_of_distances(center, [distance(0), distance(1), distance(2), distance(3)])
}

/// A box from its distances to the left, top, right and bottom edge.
pub(super) fn box_of_distances((x, y): (f32, f32), [left, top, right, bottom]: [f32; 4]) -> BoxInModel {
    BoxInModel::new(x - left, y - top, x + right, y + bottom)
}

fn mean_of_distribution(logits: &[f32]) -> f32 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (mut sum, mut weighted) = (0.0, 0.0);
    for (index, logit) in logits.iter().enumerate() {
        let weight = (logit - largest).exp();
        sum += weight;
        weighted += weight * index as f32;
    }
    weighted / sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: ImageSize = ImageSize::new(64, 64);

    fn outputs(shapes: &[&[usize]]) -> Vec<Output<'static>> {
        shapes.iter().map(|shape| Output { name: "x", shape: shape.to_vec(), values: None }).collect()
    }

    #[test]
    fn levels_are_known_in_any_order_and_with_open_rows() {
        let levels = |shapes: &[&[usize]]| are_levels(&outputs(shapes), SIZE, &[16, 32], &[1, 4], 2);
        assert!(levels(&[&[8, 4], &[1, 32, 1], &[32, 4], &[8, 1]]));
        assert!(levels(&[&[0, 4], &[1, 0, 1], &[0, 4], &[0, 1]]));
        assert!(!levels(&[&[8, 4], &[32, 1], &[32, 4]]));
        assert!(!levels(&[&[8, 4], &[32, 1], &[32, 4], &[9, 1]]));
        assert!(!levels(&[&[8, 4], &[2, 32, 1], &[32, 4], &[8, 1]]));
    }

    #[test]
    fn classes_are_told_from_bins() {
        assert_eq!(classes_and_bins([80, 32]), Some((80, 32)));
        assert_eq!(classes_and_bins([32, 1]), Some((1, 32)));
        assert_eq!(classes_and_bins([32, 32]), Some((32, 32)));
        assert_eq!(classes_and_bins([44, 80]), Some((80, 44)));
        assert_eq!(classes_and_bins([80, 4]), None);
        assert_eq!(two_widths([Some((9, 80)), Some((9, 32)), Some((4, 80))]), Some([80, 32]));
        assert_eq!(two_widths([Some((9, 80)), Some((9, 32)), Some((4, 81))]), None);
        assert_eq!(two_widths([]), None);
    }

    #[test]
    fn a_distribution_becomes_its_mean() {
        // All weight on 2; half on 0 and half on 1; nothing known: the middle of 0…7; all on 7.
        let mut logits = vec![-200.0f32; 32];
        logits[2] = 100.0;
        (logits[8], logits[9]) = (50.0, 50.0);
        logits[16..24].fill(0.0);
        logits[31] = 300.0;
        let rect = box_of_distributions(&logits, (100.0, 60.0), 8.0);
        assert_eq!((rect.x1, rect.y1, rect.x2, rect.y2), (84.0, 56.0, 128.0, 116.0));
    }
}
