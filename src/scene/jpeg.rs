//! What storing a picture as JPEG does to it, without the file: the lossy steps of ITU-T T.81 alone, in fixed order,
//! so that every machine gives the same bits.

use super::maths::{cos, floor};
use crate::imaging::RgbImage;
use std::f64::consts::PI;
use std::sync::LazyLock;

/// Side of a block of the transform.
const SIDE: usize = 8;
/// Quantization of luminance and of chrominance at quality 50, row by row (T.81 annex K.1).
const LUMINANCE: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
];
const CHROMINANCE: [u8; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99,
];

type Block = [[f32; SIDE]; SIDE];

/// The cosine transform as a matrix: row `k`, column `x` (T.81 A.3.3, with the factors of both directions shared out).
static COSINES: LazyLock<Block> = LazyLock::new(|| {
    std::array::from_fn(|k| {
        let scale = if k == 0 { 0.125f32.sqrt() } else { 0.5 };
        std::array::from_fn(|x| scale * cos((2.0 * x as f64 + 1.0) * k as f64 * PI / 16.0))
    })
});

/// Colour planes of a picture; the two of colour have half its size, rounded up.
struct Plane {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

/// Stores and reads back `picture` with `quality` 1…100 (the scale of the Independent JPEG Group) and colours at half
/// the resolution.
pub(super) fn degrade(picture: &mut RgbImage, quality: u8) {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let [mut y, mut cb, mut cr] = split(picture.as_raw(), width, height);
    let quality = f32::from(quality.clamp(1, 100));
    let scale = if quality < 50.0 { 50.0 / quality } else { 2.0 - quality / 50.0 };
    let table = |base: &[u8; 64]| base.map(|q| (f32::from(q) * scale + 0.5).floor().clamp(1.0, 255.0));
    y.quantize(&table(&LUMINANCE));
    let chrominance = table(&CHROMINANCE);
    cb.quantize(&chrominance);
    cr.quantize(&chrominance);
    let rows = picture.chunks_exact_mut(width * 3).zip(y.values.chunks_exact(width)).enumerate();
    for (row, (pixels, luma)) in rows {
        let start = row / 2 * cb.width;
        let colours = cb.values[start..start + cb.width].iter().zip(&cr.values[start..start + cb.width]);
        // Two pixels a colour; the last of an odd number has one for itself.
        for ((pair, luma), (&blue, &red)) in pixels.chunks_mut(6).zip(luma.chunks(2)).zip(colours) {
            let shift = [1.402 * red, 0.344_136 * blue, 0.714_136 * red, 1.772 * blue];
            for (rgb, luma) in pair.chunks_exact_mut(3).zip(luma) {
                let luma = luma + 128.5;
                rgb[0] = (luma + shift[0]) as u8;
                rgb[1] = (luma - shift[1] - shift[2]) as u8;
                rgb[2] = (luma + shift[3]) as u8;
            }
        }
    }
}

/// Red, green and blue to luminance less 128 and the two differences of colour (ITU-T T.871).
fn split(pixels: &[u8], width: usize, height: usize) -> [Plane; 3] {
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let plane = |width: usize, height: usize| Plane { width, height, values: vec![0.0; width * height] };
    let (mut y, mut cb, mut cr) =
        (plane(width, height), plane(half_width, half_height), plane(half_width, half_height));
    for (row, line) in pixels.chunks_exact(width * 3).enumerate() {
        for (column, rgb) in line.chunks_exact(3).enumerate() {
            let [r, g, b] = [rgb[0], rgb[1], rgb[2]].map(f32::from);
            let luma = 0.299 * r + 0.587 * g + 0.114 * b;
            y.values[row * width + column] = luma - 128.0;
            let at = (row / 2) * half_width + column / 2;
            // A quarter each; at an odd edge the last row or column stands for the one that is missing.
            let share = doubled(column, width) * doubled(row, height) * 0.25;
            cb.values[at] += (b - luma) * 0.564_334 * share;
            cr.values[at] += (r - luma) * 0.713_267 * share;
        }
    }
    [y, cb, cr]
}

/// 2 for the last of an odd number of rows or columns, else 1.
fn doubled(index: usize, count: usize) -> f32 {
    if index + 1 == count && index.is_multiple_of(2) { 2.0 } else { 1.0 }
}

impl Plane {
    /// Rounds every block's coefficients to multiples of the table's steps.
    fn quantize(&mut self, steps: &[f32; 64]) {
        let cosines = &*COSINES;
        let across = &transposed(cosines);
        for top in (0..self.height).step_by(SIDE) {
            for left in (0..self.width).step_by(SIDE) {
                let mut block = [[0.0; SIDE]; SIDE];
                for (dy, line) in block.iter_mut().enumerate() {
                    let start = (top + dy).min(self.height - 1) * self.width;
                    for (dx, value) in line.iter_mut().enumerate() {
                        *value = self.values[start + (left + dx).min(self.width - 1)];
                    }
                }
                let mut spectrum = product(cosines, &product(&block, across));
                for (value, step) in spectrum.as_flattened_mut().iter_mut().zip(steps) {
                    *value = floor(*value / step + 0.5) * step;
                }
                let block = product(across, &product(&spectrum, cosines));
                for (dy, line) in block.iter().enumerate().take(self.height - top) {
                    let start = (top + dy) * self.width + left;
                    let count = SIDE.min(self.width - left);
                    self.values[start..start + count].copy_from_slice(&line[..count]);
                }
            }
        }
    }
}

/// `a · b`.
#[inline]
fn product(a: &Block, b: &Block) -> Block {
    let mut out = [[0.0; SIDE]; SIDE];
    for (line, row) in out.iter_mut().zip(a) {
        for (&factor, other) in row.iter().zip(b) {
            for (value, &term) in line.iter_mut().zip(other) {
                *value += factor * term;
            }
        }
    }
    out
}

fn transposed(a: &Block) -> Block {
    std::array::from_fn(|y| std::array::from_fn(|x| a[x][y]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> RgbImage {
        RgbImage::from_fn(37, 22, |x, y| image::Rgb([(x * 6) as u8, (y * 11) as u8, ((x + y) * 4) as u8]))
    }

    fn worst(quality: u8) -> i32 {
        let mut after = picture();
        degrade(&mut after, quality);
        let pairs = after.as_raw().iter().zip(picture().into_raw());
        pairs.map(|(&a, b)| (i32::from(a) - i32::from(b)).abs()).max().unwrap_or_default()
    }

    #[test]
    fn a_smooth_picture_stays_and_a_low_quality_shows() {
        assert!(worst(98) <= 24, "{}", worst(98));
        assert!(worst(10) > worst(98), "{} {}", worst(10), worst(98));
    }

    #[test]
    fn a_plain_picture_keeps_its_colour() {
        let mut plain = RgbImage::from_pixel(32, 16, image::Rgb([200, 60, 30]));
        degrade(&mut plain, 90);
        for pixel in plain.pixels() {
            for (have, want) in pixel.0.into_iter().zip([200, 60, 30]) {
                assert!(i32::from(have).abs_diff(want) <= 3, "{:?}", pixel.0);
            }
        }
    }
}
