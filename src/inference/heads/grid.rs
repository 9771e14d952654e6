//! The cells of anchor-free heads: one a place of each feature map, finest map first, row by row.

use crate::imaging::ImageSize;

/// Pixels between cells, a feature map: the usual three, and the four of "P6" models.
const STRIDES: [&[u32]; 2] = [&[8, 16, 32], &[8, 16, 32, 64]];

/// The strides whose feature maps have `cells` places together on an input of that size.
pub(in crate::inference) fn strides_for(cells: usize, input: ImageSize) -> Option<&'static [u32]> {
    STRIDES.into_iter().find(|strides| strides.iter().map(|&stride| places(input, stride)).sum::<usize>() == cells)
}

/// Columns and rows of a feature map.
pub(super) fn map_size(input: ImageSize, stride: u32) -> (usize, usize) {
    (input.width.div_ceil(stride) as usize, input.height.div_ceil(stride) as usize)
}

/// Places of a feature map.
pub(super) fn places(input: ImageSize, stride: u32) -> usize {
    let (columns, rows) = map_size(input, stride);
    columns * rows
}

/// One cell of a grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::inference) struct Cell {
    /// Column in its feature map.
    pub column: f32,
    /// Row in its feature map.
    pub row: f32,
    /// Pixels of the input a cell.
    pub stride: f32,
}

/// All cells in the order in which heads give them.
pub(in crate::inference) fn cells(input: ImageSize, strides: &'static [u32]) -> impl Iterator<Item = Cell> {
    strides.iter().flat_map(move |&stride| cells_of(input, stride))
}

/// The cells of one feature map, row by row.
pub(super) fn cells_of(input: ImageSize, stride: u32) -> impl Iterator<Item = Cell> {
    let (columns, rows) = map_size(input, stride);
    (0..rows).flat_map(move |row| {
        (0..columns).map(move |column| Cell { column: column as f32, row: row as f32, stride: stride as f32 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_follow_from_the_number_of_cells() {
        for (cells, width, height, want) in [
            (3549, 416, 416, Some(3)),
            (8400, 640, 640, Some(3)),
            (2125, 320, 320, Some(4)),
            (34000, 1280, 1280, Some(4)),
            (6300, 640, 480, Some(3)),
            (25200, 640, 640, None),
            (0, 416, 416, None),
        ] {
            assert_eq!(strides_for(cells, ImageSize::new(width, height)).map(<[u32]>::len), want, "{cells}");
        }
    }

    #[test]
    fn cells_go_row_by_row_from_the_finest_map() {
        let all: Vec<_> = cells(ImageSize::new(64, 32), &[8, 16, 32]).collect();
        assert_eq!(all.len(), 8 * 4 + 4 * 2 + 2);
        assert_eq!(all[9], Cell { column: 1.0, row: 1.0, stride: 8.0 });
        assert_eq!(all[all.len() - 1], Cell { column: 1.0, row: 0.0, stride: 32.0 });
    }
}
