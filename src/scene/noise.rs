//! Precomputed noise, so that no picture computes any: two textures that repeat, and sensor noise.

use super::rng::Rng;
use std::sync::LazyLock;

/// Side of a tile in texels; a power of two.
pub(super) const SIDE: usize = 256;

/// A square texture that repeats in both directions, mean about 128.
pub(super) struct Tile(Box<[u8; SIDE * SIDE]>);

/// Amplitude falls as 1/f, as in pictures of nature: clouds, walls, road, dirt.
pub(super) static NATURAL: LazyLock<Tile> =
    LazyLock::new(|| Tile::octaves(0xC10D, &[1.0, 0.5, 0.25, 0.125, 0.062, 0.031, 0.016]));
/// Mostly fine structure: leaves, grass, gravel.
pub(super) static ROUGH: LazyLock<Tile> = LazyLock::new(|| Tile::octaves(0x6EA5, &[0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 0.8]));
/// Normally distributed numbers, standard deviation 32.
pub(super) static GAUSSIAN: LazyLock<Vec<i8>> = LazyLock::new(|| {
    let mut rng = Rng::new(0x5E_15E, 0);
    // Twelve uniform numbers have variance one.
    let mut normal = move || (0..12).map(|_| rng.unit()).sum::<f32>() - 6.0;
    (0..1 << 16).map(|_| (normal() * 32.0) as i8).collect()
});

impl Tile {
    /// Value noise: one lattice an octave, of 2, 4, 8, … cells a side, weighted by `amplitudes`.
    fn octaves(seed: u64, amplitudes: &[f32]) -> Self {
        let mut sum = vec![0.0f32; SIDE * SIDE];
        for (octave, &amplitude) in amplitudes.iter().enumerate() {
            let cells = 2usize << octave;
            let mut rng = Rng::new(seed, octave as u64);
            let lattice: Vec<f32> = (0..cells * cells).map(|_| rng.range(-1.0, 1.0)).collect();
            let step = cells as f32 / SIDE as f32;
            for (i, value) in sum.iter_mut().enumerate() {
                let (x, y) = ((i % SIDE) as f32 * step, (i / SIDE) as f32 * step);
                let (x0, y0) = (x as usize, y as usize);
                let ease = |t: f32| t * t * (3.0 - 2.0 * t);
                let (tx, ty) = (ease(x - x0 as f32), ease(y - y0 as f32));
                let at = |dx: usize, dy: usize| lattice[((y0 + dy) % cells) * cells + (x0 + dx) % cells];
                let top = at(0, 0) + (at(1, 0) - at(0, 0)) * tx;
                let bottom = at(0, 1) + (at(1, 1) - at(0, 1)) * tx;
                *value += amplitude * (top + (bottom - top) * ty);
            }
        }
        let mean = sum.iter().sum::<f32>() / sum.len() as f32;
        let variance = sum.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / sum.len() as f32;
        let scale = 48.0 / variance.sqrt().max(1e-6);
        let mut texels = Box::new([0; SIDE * SIDE]);
        for (texel, value) in texels.iter_mut().zip(sum) {
            *texel = (128.0 + (value - mean) * scale).clamp(0.0, 255.0) as u8;
        }
        Self(texels)
    }

    /// The texel at these coordinates, which wrap.
    #[inline]
    pub fn texel(&self, x: i32, y: i32) -> i32 {
        let (x, y) = (x as usize & (SIDE - 1), y as usize & (SIDE - 1));
        i32::from(self.0[y * SIDE + x])
    }

    /// Bilinear value, 0…255; coordinates in 1/256 of a texel.
    #[inline]
    pub fn smooth(&self, x: i32, y: i32) -> i32 {
        let (x0, y0, fx, fy) = (x >> 8, y >> 8, x & 255, y & 255);
        let top = self.texel(x0, y0) * (256 - fx) + self.texel(x0 + 1, y0) * fx;
        let bottom = self.texel(x0, y0 + 1) * (256 - fx) + self.texel(x0 + 1, y0 + 1) * fx;
        (top * (256 - fy) + bottom * fy) >> 16
    }
}
