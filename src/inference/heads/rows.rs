//! Rows of boxes in pixels or in fractions of the input: `[1, N, 5+C]` with an objectness before the class scores (YOLOX
//! decoded, YOLOv5, YOLOv6, YOLOv7) and `[1, N, 4+C]` without (YOLOv8 transposed). What tells these apart, and reading
//! the first.

use super::facts::UNIT_LIMIT;
use super::family::{Look, guess, sure};
use super::grid::map_size;
use super::tensor::{Wanted, push_finite};
use crate::imaging::{BoxInModel, ImageSize};
use crate::inference::{Candidate, Evidence};

/// Columns before the class scores where there is an objectness.
pub(super) const CLASSES_FROM: usize = 5;

/// Whether rows of so many columns have an objectness, and why that is believed. Shapes and values can be the same in both
/// cases, so this goes by the number of classes and by operators.
pub(super) fn have_objectness(look: &Look<'_>, columns: usize) -> (bool, Evidence) {
    let has = |operator| look.summary.operators.contains_key(operator);
    match look.names() {
        Some(names) if names + 5 == columns => {
            return (true, sure("the metadata names 5 classes fewer than there are columns"));
        }
        Some(names) if names + 4 == columns => {
            return (false, sure("the metadata names 4 classes fewer than there are columns"));
        }
        _ => {}
    }
    match columns {
        ..=5 => (false, sure("5 columns leave no room for an objectness")),
        84 => (false, sure("84 columns are COCO's 80 classes without an objectness")),
        85 => (true, sure("85 columns are COCO's 80 classes with an objectness")),
        _ if has("Softmax") && !has("Exp") => {
            (false, guess("without an objectness, a guess as the graph has YOLOv8's Softmax and no Exp as YOLOX has"))
        }
        _ => (true, guess("with an objectness, a guess")),
    }
}

/// Whether every row has an objectness of 1, as YOLOv6 writes it for programs that expect YOLOv5's rows.
pub(super) fn objectness_is_one(values: &[f32], columns: usize) -> bool {
    /// The rounding of an 8-bit output.
    const TOLERANCE: f32 = 1e-2;
    let mut rows = values.chunks_exact(columns.max(CLASSES_FROM));
    rows.len() > 0 && rows.all(|row| (row[4] - 1.0).abs() <= TOLERANCE)
}

/// From this share of sound boxes on all are taken as such.
const SIZED_SHARE: f32 = 0.98;

/// Whether nearly all boxes have a width and a height, which offsets and logarithms do not.
pub(super) fn have_sizes<'a>(boxes: impl Iterator<Item = &'a [f32]>) -> bool {
    let (mut count, mut sized) = (0, 0);
    for row in boxes {
        count += 1;
        sized += usize::from(row.len() >= 4 && row[2] >= 0.0 && row[3] >= 0.0);
    }
    sized as f32 >= SIZED_SHARE * count as f32
}

/// What boxes are measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Pixels of the input.
    Pixels,
    /// Fractions 0…1 of the input.
    Fractions,
}

impl Unit {
    /// In words, for evidence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pixels => "pixels",
            Self::Fractions => "fractions of the input",
        }
    }

    /// The unit of boxes as centre, width and height; none for what can be no boxes in fractions. `spread` says that there
    /// is a box for every cell of a grid, so that their centres must lie all over the input, which offsets within cells
    /// after a sigmoid do not.
    pub fn of(boxes: impl Iterator<Item = [f32; 4]>, spread: bool) -> Option<Self> {
        /// Mean distance from the middle; centres that are evenly spread have a quarter.
        const SPREAD: f32 = 0.15;
        let (mut count, mut inside, mut reach, mut distance) = (0, 0, 0.0f32, [0.0; 2]);
        for sides in boxes {
            let [x, y, width, height] = sides;
            count += 1;
            inside +=
                usize::from([x, y].iter().all(|center| (-0.5..=1.5).contains(center)) && width.min(height) >= 0.0);
            reach = sides.iter().fold(reach, |reach, side| reach.max(side.abs()));
            distance = [distance[0] + (x - 0.5).abs(), distance[1] + (y - 0.5).abs()];
        }
        if reach > UNIT_LIMIT {
            return Some(Self::Pixels);
        }
        let share = |of: f32| of * count as f32;
        let lie_all_over = !spread || distance.iter().all(|sum| *sum >= share(SPREAD));
        (reach > 0.0 && inside as f32 >= share(SIZED_SHARE) && lie_all_over).then_some(Self::Fractions)
    }
}

/// What the sides of a box are multiplied by to get pixels.
pub(super) const PIXELS: [f32; 2] = [1.0; 2];

/// The same for fractions of an input of that size.
pub(super) fn fractions_of(size: ImageSize) -> [f32; 2] {
    [size.width as f32, size.height as f32]
}

/// A box of centre, width and height in pixels of the input.
pub(super) fn scaled([x, y, width, height]: [f32; 4], scale: [f32; 2]) -> BoxInModel {
    BoxInModel::from_center(x * scale[0], y * scale[1], width * scale[0], height * scale[1])
}

/// Pixels between cells, a feature map, of the models that are met: the usual ones, with a coarser or finer map ("P6", "P7",
/// "P2"), and the two maps of the tiny ones.
const GRIDS: [&[u32]; 5] = [&[8, 16, 32], &[8, 16, 32, 64], &[16, 32], &[4, 8, 16, 32], &[8, 16, 32, 64, 128]];

/// The strides whose feature maps have so many cells on an input of that size.
pub(super) fn strides_for(cells: usize, size: ImageSize) -> Option<&'static [u32]> {
    let places = |stride: &u32| {
        let (columns, rows) = map_size(size, *stride);
        columns * rows
    };
    GRIDS.into_iter().find(|strides| strides.iter().map(places).sum::<usize>() == cells)
}

/// Reads rows of centre, width, height, objectness, and class scores; `scale` makes pixels of the boxes.
pub(super) fn read(values: &[f32], columns: usize, scale: [f32; 2], wanted: Wanted, candidates: &mut Vec<Candidate>) {
    for row in values.chunks_exact(columns.max(CLASSES_FROM)) {
        with_score(row, wanted, |class, score| {
            push_finite(candidates, class, score, scaled([row[0], row[1], row[2], row[3]], scale));
        });
    }
}

/// Calls `found` with the classes that are wanted and their scores. A class score is at most 1, so that
/// the objectness alone rules most rows out; it is at most 1 itself, so that the class score may rule out too.
pub(super) fn with_score(row: &[f32], wanted: Wanted, mut found: impl FnMut(usize, f32)) {
    let objectness = row[4];
    if objectness >= wanted.floor {
        wanted.each(&row[CLASSES_FROM..], |class, class_score| {
            let score = objectness * class_score;
            if score >= wanted.floor {
                found(class, score);
            }
        });
    }
}
