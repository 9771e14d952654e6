//! What weather, lens and sensor do to a picture: rain, blur, rolling shutter, exposure, noise.

use super::canvas::Canvas;
use super::maths::sin;
use super::noise::GAUSSIAN;
use super::rng::Rng;
use crate::imaging::RgbImage;

/// Faults of a camera.
#[derive(Clone, Copy, Debug)]
pub(super) struct Optics {
    /// Times that a small smoothing filter (1 2 1)/4 is applied both ways; its variance is half a pixel each.
    pub defocus: usize,
    /// Movement during exposure in pixels, right and down, up to 8 each.
    pub motion: [f32; 2],
    /// Contrast about mid grey, 1 as it is.
    pub contrast: f32,
    /// Exposure of red, green and blue, 1 as it is.
    pub exposure: [f32; 3],
    /// Standard deviation of sensor noise at mid grey, 0…255.
    pub noise: f32,
    /// Streaks of rain before the camera.
    pub rain: usize,
    /// Rows that move while they are read one after the other.
    pub wobble: Wobble,
    /// Quality at which the picture is stored as JPEG, 1…100; 0 for not at all.
    pub jpeg: u8,
}

/// What a rolling shutter does to a camera that moves: every row is shifted sideways by its own amount.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wobble {
    /// Shift of the lowest row against the uppermost, pixels.
    pub skew: f32,
    /// Shift by vibration, pixels.
    pub amplitude: f32,
    /// Rows of one vibration.
    pub period: f32,
    /// Where it begins, radians.
    pub phase: f32,
}

impl Wobble {
    /// A camera at rest.
    pub const NONE: Self = Self { skew: 0.0, amplitude: 0.0, period: 100.0, phase: 0.0 };

    /// Shift to the right at height `y` of a picture of `height` rows, pixels.
    pub fn shift(&self, y: f32, height: f32) -> f32 {
        let turn = f64::from(y / self.period) * std::f64::consts::TAU + f64::from(self.phase);
        self.skew * (y / height - 0.5) + self.amplitude * sin(turn)
    }

    /// Whether nothing moves.
    pub const fn is_none(&self) -> bool {
        self.skew == 0.0 && self.amplitude == 0.0
    }
}

impl Optics {
    /// A good camera in good light.
    pub const CLEAN: Self = Self {
        defocus: 0,
        motion: [0.0; 2],
        contrast: 1.0,
        exposure: [1.0; 3],
        noise: 0.0,
        rain: 0,
        wobble: Wobble::NONE,
        jpeg: 0,
    };

    /// Applies all of it and writes the picture, which has the size of the canvas. `scratch` is reused.
    pub fn develop(&self, canvas: &mut Canvas, scratch: &mut Vec<u32>, rng: &mut Rng, picture: &mut RgbImage) {
        for _ in 0..self.rain {
            streak(canvas, rng);
        }
        for _ in 0..self.defocus {
            smooth(canvas, scratch);
        }
        if self.motion.iter().any(|m| m.abs() >= 1.0) {
            smear(canvas, scratch, self.motion);
        }
        if !self.wobble.is_none() {
            shift_rows(canvas, scratch, &self.wobble);
        }
        self.expose(canvas, rng, picture);
        if self.jpeg > 0 {
            super::jpeg::degrade(picture, self.jpeg);
        }
    }

    fn expose(&self, canvas: &Canvas, rng: &mut Rng, picture: &mut RgbImage) {
        let tables: [[u8; 256]; 3] = [0, 1, 2].map(|k| {
            let tone = |v: usize| (v as f32 * self.exposure[k] - 128.0) * self.contrast + 128.0;
            std::array::from_fn(|v| tone(v).clamp(0.0, 255.0) as u8)
        });
        let width = canvas.size.width as usize;
        // Shot noise grows with the square root of light, on top of a floor; in 1/256 of the tile's numbers.
        let strength: [i32; 256] =
            std::array::from_fn(|v| (self.noise / 32.0 * 256.0 * (0.45 + 0.55 * (v as f32 / 128.0).sqrt())) as i32);
        let noisy = self.noise > 0.0;
        for (row, out) in canvas.pixels.chunks_exact(width).zip(picture.chunks_exact_mut(width * 3)) {
            for (&pixel, rgb) in row.iter().zip(out.chunks_exact_mut(3)) {
                rgb[0] = tables[0][usize::from(pixel as u8)];
                rgb[1] = tables[1][usize::from((pixel >> 8) as u8)];
                rgb[2] = tables[2][usize::from((pixel >> 16) as u8)];
            }
            if noisy {
                add_noise(out, &strength, (rng.next() & 0xFFFF) as usize);
            }
        }
    }
}

/// Noise from the tile, which begins anew where it ends, on a row of channels; `strength` is for each value, in 1/256 of
/// the tile's numbers.
fn add_noise(mut row: &mut [u8], strength: &[i32; 256], mut start: usize) {
    while !row.is_empty() {
        let grains = GAUSSIAN.get(start..).unwrap_or_default();
        let (now, later) = row.split_at_mut(row.len().min(grains.len()));
        for (channel, &grain) in now.iter_mut().zip(grains) {
            let noise = (i32::from(grain) * strength[usize::from(*channel)]) >> 8;
            *channel = (i32::from(*channel) + noise).clamp(0, 255) as u8;
        }
        (row, start) = (later, 0);
    }
}

/// Mean of two packed pixels, each byte rounded down.
#[inline]
fn mean(a: u32, b: u32) -> u32 {
    (a & b) + (((a ^ b) & 0xFEFE_FEFE) >> 1)
}

/// Mean of two packed pixels, each byte rounded up; used in turn with [`mean`], so that nothing darkens.
#[inline]
fn mean_up(a: u32, b: u32) -> u32 {
    (a | b) - (((a ^ b) & 0xFEFE_FEFE) >> 1)
}

/// Moves the pixels to `scratch`; those of the canvas are all to be written then.
fn set_aside(canvas: &mut Canvas, scratch: &mut Vec<u32>) {
    scratch.resize(canvas.pixels.len(), 0);
    std::mem::swap(&mut canvas.pixels, scratch);
}

/// (1 2 1)/4 along rows and along columns, as means of means.
pub(super) fn smooth(canvas: &mut Canvas, scratch: &mut Vec<u32>) {
    let width = canvas.size.width as usize;
    let height = canvas.size.height as usize;
    set_aside(canvas, scratch);
    for y in 0..height {
        let above = y.saturating_sub(1) * width;
        let below = (y + 1).min(height - 1) * width;
        let rows =
            (&scratch[above..above + width], &scratch[y * width..(y + 1) * width], &scratch[below..below + width]);
        for (((out, &a), &b), &c) in canvas.pixels[y * width..].iter_mut().zip(rows.0).zip(rows.1).zip(rows.2) {
            *out = mean_up(mean(a, c), b);
        }
    }
    set_aside(canvas, scratch);
    for (row, out) in scratch.chunks_exact(width).zip(canvas.pixels.chunks_exact_mut(width)) {
        (out[0], out[width - 1]) = (row[0], row[width - 1]);
        for (three, out) in row.windows(3).zip(out.iter_mut().skip(1)) {
            *out = mean_up(mean(three[0], three[2]), three[1]);
        }
    }
}

/// Mean of copies of the picture along a straight path, centred, so that boxes stay where they are.
fn smear(canvas: &mut Canvas, scratch: &mut Vec<u32>, [dx, dy]: [f32; 2]) {
    const TAPS: usize = 8;
    let (width, height) = (canvas.size.width as i64, canvas.size.height as i64);
    let offsets: [(i64, i64); TAPS] = std::array::from_fn(|k| {
        let t = (k as f32 + 0.5) / TAPS as f32 - 0.5;
        ((dx * t + 1024.5) as i64 - 1024, (dy * t + 1024.5) as i64 - 1024)
    });
    set_aside(canvas, scratch);
    let margin = dx.abs() as i64 / 2 + 1;
    for y in 0..height {
        let rows = offsets.map(|(ox, oy)| ((y + oy).clamp(0, height - 1) * width, ox));
        for x in 0..width {
            let inside = x >= margin && x < width - margin;
            let (mut even, mut odd) = (0x0004_0004u32, 0x0004_0004u32);
            for (row, ox) in rows {
                let column = if inside { x + ox } else { (x + ox).clamp(0, width - 1) };
                let pixel = scratch[(row + column) as usize];
                even += pixel & 0x00FF_00FF;
                odd += pixel >> 8 & 0x00FF_00FF;
            }
            canvas.pixels[(y * width + x) as usize] = (even >> 3 & 0x00FF_00FF) | (odd >> 3 & 0x00FF_00FF) << 8;
        }
    }
}

/// A drop that falls while the shutter is open: a faint light line, nearly upright.
fn streak(canvas: &mut Canvas, rng: &mut Rng) {
    let (width, height) = (canvas.size.width as usize, canvas.size.height as usize);
    let length = (height as f32 * rng.range(0.02, 0.12)) as usize + 2;
    let (mut x, top) = (rng.unit() * width as f32, rng.below(height));
    let slope = 0.12 + rng.around() * 0.1;
    let light = 30 + rng.below(60) as u32;
    for y in top..(top + length).min(height) {
        if let Some(pixel) = canvas.pixels.get_mut(y * width + (x as usize).min(width - 1)) {
            let c = |k: u32| {
                let below = *pixel >> (8 * k) & 255;
                (below * (256 - light) + 214 * light) >> 8
            };
            *pixel = c(0) | c(1) << 8 | c(2) << 16;
        }
        x += slope;
    }
}

/// Shifts every row sideways, mixing neighbouring pixels; what comes in from outside repeats the edge.
fn shift_rows(canvas: &mut Canvas, scratch: &mut Vec<u32>, wobble: &Wobble) {
    let (width, height) = (canvas.size.width as usize, canvas.size.height);
    set_aside(canvas, scratch);
    for (y, (row, out)) in scratch.chunks_exact(width).zip(canvas.pixels.chunks_exact_mut(width)).enumerate() {
        // Where the row is taken from, in 1/256 of a pixel.
        let from = (-wobble.shift(y as f32 + 0.5, height as f32) * 256.0) as i64;
        let (whole, share) = (from >> 8, (from & 255) as u32);
        for (x, pixel) in out.iter_mut().enumerate() {
            let at = |offset: i64| row[(x as i64 + whole + offset).clamp(0, width as i64 - 1) as usize];
            *pixel = mixed(at(0), at(1), share);
        }
    }
}

/// `a` for `t` = 0, nearly `b` for `t` = 255.
#[inline]
fn mixed(a: u32, b: u32, t: u32) -> u32 {
    let even = ((a & 0x00FF_00FF) * (256 - t) + (b & 0x00FF_00FF) * t) >> 8 & 0x00FF_00FF;
    let odd = ((a >> 8 & 0x00FF_00FF) * (256 - t) + (b >> 8 & 0x00FF_00FF) * t) & 0xFF00_FF00;
    even | odd
}
