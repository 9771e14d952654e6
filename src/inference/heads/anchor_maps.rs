//! Raw feature maps with anchor boxes: where each number of a cell lies, whatever the order of the axes.
//!
//! A cell has, for every anchor box, two numbers for the centre, two for the size, objectness, and one a class. Exporters
//! leave the axes in many orders; [`Map::of`] knows `[1, a·(5+C), h, w]`, `[1, h, w, a·(5+C)]`, `[1, a, h, w, 5+C]`,
//! `[1, h, w, a, 5+C]`, `[1, a, 5+C, h, w]` and `[1, a, h·w, 5+C]`, for a anchors and C classes.

use super::facts::are_scores;
use super::tensor::{Wanted, best_class};
use crate::imaging::ImageSize;

/// Numbers of an anchor before its class scores: centre, size, objectness.
pub(super) const CLASSES_FROM: usize = 5;
/// The number of an anchor that is its objectness.
const OBJECTNESS: usize = 4;
/// Pixels a cell that feature maps have.
const STRIDES: [usize; 6] = [4, 8, 16, 32, 64, 128];

/// One feature map and how to walk it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Map {
    /// Pixels of the input a cell.
    pub stride: usize,
    /// Cells in a row.
    pub columns: usize,
    /// Rows of cells.
    pub rows: usize,
    /// Anchor boxes a cell.
    pub anchors: usize,
    /// Numbers an anchor: 5 and the classes.
    pub numbers: usize,
    /// The order of the axes.
    pub axes: Axes,
    steps: Steps,
}

/// The order of a map's axes after the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axes {
    /// `[a·(5+C), h, w]`
    Planes,
    /// `[h, w, a·(5+C)]`
    Pixels,
    /// `[a, h, w, 5+C]`, or `[a, h·w, 5+C]`
    AnchorRows,
    /// `[h, w, a, 5+C]`
    PixelRows,
    /// `[a, 5+C, h, w]`
    AnchorPlanes,
}

/// How far apart neighbours lie in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Steps {
    anchor: usize,
    number: usize,
    row: usize,
    column: usize,
}

impl Map {
    /// The map that a tensor of that shape is on an input of `size`, with `anchors` boxes a cell where the shape does not
    /// tell their number.
    pub fn of(shape: &[usize], size: ImageSize, anchors: usize) -> Option<Self> {
        let grid = |rows: usize, columns: usize| stride_of(rows, columns, size);
        let map = |axes, rows, columns, anchors, numbers| Self::new(axes, rows, columns, anchors, numbers, size);
        let split = |channels: usize| (anchors > 0 && channels.is_multiple_of(anchors)).then(|| channels / anchors);
        match *shape {
            [1, channels, rows, columns] if grid(rows, columns).is_some() => {
                map(Axes::Planes, rows, columns, anchors, split(channels)?)
            }
            [1, rows, columns, channels] if grid(rows, columns).is_some() => {
                map(Axes::Pixels, rows, columns, anchors, split(channels)?)
            }
            [1, anchors, cells, numbers] => {
                let sides = |stride: &usize| (size.height as usize / stride, size.width as usize / stride);
                let fits = |&(rows, columns): &(usize, usize)| rows * columns == cells && grid(rows, columns).is_some();
                let (rows, columns) = STRIDES.iter().map(sides).find(fits)?;
                map(Axes::AnchorRows, rows, columns, anchors, numbers)
            }
            [1, anchors, rows, columns, numbers] if grid(rows, columns).is_some() => {
                map(Axes::AnchorRows, rows, columns, anchors, numbers)
            }
            [1, rows, columns, anchors, numbers] if grid(rows, columns).is_some() => {
                map(Axes::PixelRows, rows, columns, anchors, numbers)
            }
            [1, anchors, numbers, rows, columns] if grid(rows, columns).is_some() => {
                map(Axes::AnchorPlanes, rows, columns, anchors, numbers)
            }
            _ => None,
        }
    }

    fn new(axes: Axes, rows: usize, columns: usize, anchors: usize, numbers: usize, size: ImageSize) -> Option<Self> {
        if numbers <= CLASSES_FROM || anchors == 0 {
            return None;
        }
        let plane = rows * columns;
        // A declared shape may be absurd.
        plane.checked_mul(numbers)?.checked_mul(anchors)?;
        let (anchor, number, row, column) = match axes {
            Axes::Planes | Axes::AnchorPlanes => (numbers * plane, plane, columns, 1),
            Axes::Pixels | Axes::PixelRows => (numbers, 1, columns * anchors * numbers, anchors * numbers),
            Axes::AnchorRows => (plane * numbers, 1, columns * numbers, numbers),
        };
        let steps = Steps { anchor, number, row, column };
        Some(Self { stride: stride_of(rows, columns, size)?, columns, rows, anchors, numbers, axes, steps })
    }

    /// Classes that an anchor tells apart.
    pub fn classes(&self) -> usize {
        self.numbers - CLASSES_FROM
    }

    /// Numbers in the whole map.
    pub fn len(&self) -> usize {
        self.rows * self.columns * self.anchors * self.numbers
    }

    /// Every anchor of every cell whose objectness reaches `least`. `values` has [`Map::len`] numbers.
    pub fn anchors_above<'a>(&self, values: &'a [f32], least: f32) -> impl Iterator<Item = Anchor<'a>> {
        let Self { columns, rows, anchors, numbers, steps, .. } = *self;
        (0..anchors).flat_map(move |index| {
            (0..rows).flat_map(move |row| {
                (0..columns).filter_map(move |column| {
                    let from = index * steps.anchor + row * steps.row + column * steps.column;
                    let numbers = Numbers { values: values.get(from..)?, step: steps.number, count: numbers };
                    let objectness = numbers.get(OBJECTNESS);
                    let place = (column as f32, row as f32);
                    (objectness >= least).then_some(Anchor { index, place, objectness, numbers })
                })
            })
        })
    }

    /// Whether the numbers `first` to `last` (exclusive) of all anchors lie in 0…1, as after a sigmoid.
    pub fn are_in_unit(&self, values: &[f32], first: usize, last: usize) -> bool {
        self.anchors_above(values, f32::NEG_INFINITY)
            .all(|anchor| (first..last).all(|number| are_scores([&anchor.numbers.get(number)])))
    }

    /// Mean objectness, as it came.
    pub fn mean_objectness(&self, values: &[f32]) -> f32 {
        let all = self.anchors_above(values, f32::NEG_INFINITY);
        all.map(|anchor| anchor.objectness).sum::<f32>() / (self.len() / self.numbers).max(1) as f32
    }
}

/// An anchor of a cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor<'a> {
    /// Which anchor box it is.
    pub index: usize,
    /// Column and row of its cell.
    pub place: (f32, f32),
    /// Its objectness, as it came.
    pub objectness: f32,
    /// All its numbers.
    pub numbers: Numbers<'a>,
}

/// The numbers of an anchor, which may lie apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers<'a> {
    values: &'a [f32],
    step: usize,
    count: usize,
}

impl Numbers<'_> {
    /// One of them; NaN beyond the end.
    pub fn get(&self, number: usize) -> f32 {
        self.values.get(number * self.step).copied().unwrap_or(f32::NAN)
    }

    /// Calls `found` with the classes that are wanted and their numbers as they came; the floor is for these.
    pub fn each_class(&self, wanted: Wanted, mut found: impl FnMut(usize, f32)) {
        if !wanted.every_class {
            if let Some((class, number)) = self.best_class(wanted.floor) {
                found(class, number);
            }
            return;
        }
        for class in 0..self.count - CLASSES_FROM {
            let number = self.get(CLASSES_FROM + class);
            if number >= wanted.floor {
                found(class, number);
            }
        }
    }

    /// The class with the best number and that number as it came, if it reaches `least`.
    pub fn best_class(&self, least: f32) -> Option<(usize, f32)> {
        if self.step == 1 {
            return best_class(self.values.get(CLASSES_FROM..self.count)?, least);
        }
        let mut best = None;
        let mut most = least;
        for class in 0..self.count - CLASSES_FROM {
            let score = self.get(CLASSES_FROM + class);
            if score > most || best.is_none() && score >= most {
                (best, most) = (Some(class), score);
            }
        }
        best.map(|class| (class, most))
    }

    /// The numbers of the classes.
    pub fn classes(&self) -> impl Iterator<Item = f32> {
        (CLASSES_FROM..self.count).map(|number| self.get(number))
    }
}

/// Pixels a cell, where cells are squares of a known side.
fn stride_of(rows: usize, columns: usize, size: ImageSize) -> Option<usize> {
    let (width, height) = (size.width as usize, size.height as usize);
    let fits =
        |stride: &usize| columns.checked_mul(*stride) == Some(width) && rows.checked_mul(*stride) == Some(height);
    STRIDES.into_iter().find(fits)
}

/// The logit whose sigmoid is `score`: what lies below it scores less.
pub(super) fn logit(score: f32) -> f32 {
    let score = score.clamp(0.0, 1.0);
    (score / (1.0 - score)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: ImageSize = ImageSize::new(64, 32);

    #[test]
    fn axes_are_told_by_the_input() {
        for (shape, axes) in [
            (&[1usize, 24, 4, 8][..], Axes::Planes),
            (&[1, 4, 8, 24], Axes::Pixels),
            (&[1, 3, 4, 8, 8], Axes::AnchorRows),
            (&[1, 3, 32, 8], Axes::AnchorRows),
            (&[1, 4, 8, 3, 8], Axes::PixelRows),
            (&[1, 3, 8, 4, 8], Axes::AnchorPlanes),
        ] {
            let map = Map::of(shape, SIZE, 3).unwrap();
            let told = (map.axes, map.stride, map.rows, map.columns, map.anchors, map.numbers);
            assert_eq!(told, (axes, 8, 4, 8, 3, 8), "{shape:?}");
            assert_eq!((map.classes(), map.len()), (3, 3 * 8 * 32));
        }
        for shape in
            [&[1usize, 25, 4, 8][..], &[1, 24, 5, 8], &[2, 24, 4, 8], &[1, 15, 4, 8], &[1, 24], &[1, 0, 4, 8, 8]]
        {
            assert_eq!(Map::of(shape, SIZE, 3), None, "{shape:?}");
        }
        assert_eq!(Map::of(&[1, 24, 4, 8], SIZE, 0), None);
    }

    #[test]
    fn every_order_of_axes_leads_to_the_same_numbers() {
        // The number of anchor a, cell (x, y), number n is a·1000 + n·100 + y·10 + x.
        let value = |a: usize, n: usize, y: usize, x: usize| (a * 1000 + n * 100 + y * 10 + x) as f32;
        for (shape, order) in [
            (&[1usize, 24, 4, 8][..], "anyx"),
            (&[1, 4, 8, 24], "yxan"),
            (&[1, 3, 4, 8, 8], "ayxn"),
            (&[1, 4, 8, 3, 8], "yxan"),
        ] {
            let map = Map::of(shape, SIZE, 3).unwrap();
            let length = |axis| match axis {
                'a' => 3,
                'y' => 4,
                _ => 8,
            };
            let values: Vec<f32> = (0..map.len())
                .map(|place| {
                    let mut rest = place;
                    let mut at = [0; 128];
                    for axis in order.chars().rev() {
                        at[axis as usize] = rest % length(axis);
                        rest /= length(axis);
                    }
                    value(at['a' as usize], at['n' as usize], at['y' as usize], at['x' as usize])
                })
                .collect();
            let anchors: Vec<_> = map.anchors_above(&values, f32::NEG_INFINITY).collect();
            assert_eq!(anchors.len(), 3 * 32);
            for anchor in anchors {
                let (x, y) = (anchor.place.0 as usize, anchor.place.1 as usize);
                assert!((0..8).all(|n| anchor.numbers.get(n) == value(anchor.index, n, y, x)), "{shape:?}");
                assert_eq!(anchor.objectness, value(anchor.index, 4, y, x));
                assert_eq!(anchor.numbers.best_class(0.0), Some((2, value(anchor.index, 7, y, x))));
                assert_eq!(anchor.numbers.best_class(1e9), None);
            }
            assert_eq!(map.anchors_above(&values, 2437.0).count(), 1);
        }
    }

    #[test]
    fn logits_of_scores() {
        assert_eq!(logit(0.5), 0.0);
        assert_eq!((logit(0.0), logit(-1.0), logit(1.0)), (f32::NEG_INFINITY, f32::NEG_INFINITY, f32::INFINITY));
        assert!((logit(0.25) + 3f32.ln()).abs() < 1e-6);
    }
}
