//! The picture in the making, and the loop that warps a face into it.

use super::art::{Art, Level};
use super::maths::Homography;
use super::noise::{NATURAL, SIDE};
use crate::imaging::ImageSize;
use multiversion::multiversion;

/// How a face looks in its place. Colours are 0…255, gains are factors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shade {
    /// Factor on each channel: the light that falls on it, and the tint.
    pub gain: [f32; 3],
    /// Added to each channel: haze in front of it, or a faded coat of paint.
    pub bias: [f32; 3],
    /// 0 not there, 1 solid.
    pub opacity: f32,
    /// Change of brightness from the top-left to the bottom-right corner, as a factor of the gain (-0.5…0.5).
    pub slope: f32,
    /// Amount of dirt, 0…1.
    pub dirt: f32,
    /// Darkness of shadows of leaves that fall on it, 0…1.
    pub shadow: f32,
    /// Where in the noise tile dirt and shadow are taken from.
    pub patch: [i32; 2],
}

impl Shade {
    /// A clean solid face under white light of this strength.
    pub const fn lit(gain: [f32; 3]) -> Self {
        Self { gain, bias: [0.0; 3], opacity: 1.0, slope: 0.0, dirt: 0.0, shadow: 0.0, patch: [0, 0] }
    }
}

/// Pixels and who owns them.
pub(super) struct Canvas {
    /// Size in pixels.
    pub size: ImageSize,
    /// Red in the lowest byte, then green and blue; the highest byte means nothing. Rows from the top.
    pub pixels: Vec<u32>,
    /// Number of the foremost thing at each pixel: 0 the surroundings, else a sign.
    owners: Vec<u8>,
}

/// Multiplies the four bytes of `v` by `factor`/256.
#[inline(always)]
fn scaled(v: u32, factor: u32) -> u32 {
    let even = ((v & 0x00FF_00FF) * factor) >> 8 & 0x00FF_00FF;
    let odd = ((v >> 8 & 0x00FF_00FF) * factor) & 0xFF00_FF00;
    even | odd
}

/// `a` for `t` = 0, `b` for `t` = 256, in all four bytes.
#[inline(always)]
fn blend(a: u32, b: u32, t: u32) -> u32 {
    let even = ((a & 0x00FF_00FF) * (256 - t) + (b & 0x00FF_00FF) * t) >> 8 & 0x00FF_00FF;
    let odd = ((a >> 8 & 0x00FF_00FF) * (256 - t) + (b >> 8 & 0x00FF_00FF) * t) & 0xFF00_FF00;
    even | odd
}

/// Packs a colour, each channel 0…255.
#[inline]
pub(super) fn packed(colour: [f32; 3]) -> u32 {
    let c = |v: f32| v.clamp(0.0, 255.0) as u32;
    c(colour[0]) | c(colour[1]) << 8 | c(colour[2]) << 16
}

impl Level {
    /// Bilinear, premultiplied; `u` and `v` are 0…1 over the face.
    #[inline(always)]
    fn sample(&self, u: f32, v: f32) -> u32 {
        let scale = self.side as f32 * 256.0;
        let limit = scale - 257.0;
        let x = (u * scale - 128.0).max(0.0).min(limit) as u32;
        let y = (v * scale - 128.0).max(0.0).min(limit) as u32;
        let (fx, fy) = (x & 255, y & 255);
        let at = (y >> 8) as usize * self.side + (x >> 8) as usize;
        // One check for the whole neighbourhood.
        let Some(near) = self.texels.get(at..at + self.side + 2) else { return 0 };
        let (a, b, c, d) = (near[0], near[1], near[self.side], near[self.side + 1]);
        // Most texels of walls and of empty corners have equal neighbours.
        if a == b && a == c && a == d {
            return a;
        }
        blend(blend(a, b, fx), blend(c, d, fx), fy)
    }
}

/// Shading in fixed point, ready for the inner loop.
struct Ink<'a> {
    gain: [i32; 3],
    bias: [i32; 3],
    opacity: u32,
    /// Nothing but gain and bias: brightness is even.
    even: bool,
    shade: &'a Shade,
}

impl<'a> Ink<'a> {
    fn new(shade: &'a Shade) -> Self {
        let gain = shade.gain.map(|c| (c * 256.0) as i32);
        let opacity = (shade.opacity.clamp(0.0, 1.0) * 256.0) as u32;
        let even = shade.slope == 0.0 && shade.dirt <= 0.0 && shade.shadow <= 0.0;
        Self { gain, bias: shade.bias.map(|c| c as i32), opacity, even, shade }
    }

    /// Brightness at a point of the face, in 1/256.
    #[inline(always)]
    fn brightness(&self, u: f32, v: f32) -> i32 {
        let s = self.shade;
        let mut light = 256 + (s.slope * (u + v - 1.0) * 256.0) as i32;
        if s.dirt > 0.0 {
            let span = (SIDE * 256) as f32;
            let n = NATURAL
                .smooth((u * span * 0.5) as i32 + (s.patch[0] << 8), (v * span * 0.5) as i32 + (s.patch[1] << 8));
            light -= (((n - 120).max(0) * 3) as f32 * s.dirt) as i32;
        }
        if s.shadow > 0.0 {
            let span = (SIDE * 64) as f32;
            let n = NATURAL.smooth((u * span) as i32 + (s.patch[1] << 8), (v * span) as i32 + (s.patch[0] << 8));
            let hidden = ((n - 122) * 16).clamp(0, 256) as f32;
            light -= (hidden * s.shadow) as i32;
        }
        light.max(24)
    }

    /// The texel as it is laid over the picture.
    #[inline(always)]
    fn apply(&self, texel: u32, u: f32, v: f32) -> u32 {
        let light = if self.even { 256 } else { self.brightness(u, v) };
        let alpha = (texel >> 24) as i32;
        let channel = |k: usize| {
            let value = (texel >> (8 * k) & 255) as i32;
            let lit = ((value * self.gain[k]) >> 8) * light;
            ((lit + self.bias[k] * alpha) >> 8).clamp(0, 255) as u32
        };
        let solid = channel(0) | channel(1) << 8 | channel(2) << 16 | (texel & 0xFF00_0000);
        if self.opacity >= 256 { solid } else { scaled(solid, self.opacity) }
    }
}

/// Nearness of `ratio` to a power of two, as level and share of the next level (0…256). Monotonic, exact at powers.
fn level_of_detail(ratio: f32) -> (usize, u32) {
    let bits = ratio.max(1.0).to_bits();
    let exponent = (bits >> 23) as usize - 127;
    (exponent, (bits >> 15) & 255)
}

impl Canvas {
    /// A canvas of `size` pixels.
    pub fn new(size: ImageSize) -> Self {
        let count = size.width as usize * size.height as usize;
        Self { size, pixels: vec![0; count], owners: vec![0; count] }
    }

    /// Forgets who owns which pixel, before a new picture.
    pub fn reset_owners(&mut self) {
        self.owners.fill(0);
    }

    /// Pixels owned by `owner` among rows and columns `x1..x2`, `y1..y2`.
    pub fn count_owned(&self, owner: u8, [x1, y1, x2, y2]: [usize; 4]) -> usize {
        let width = self.size.width as usize;
        let rows = self.owners.chunks_exact(width).take(y2).skip(y1);
        rows.map(|row| row.iter().take(x2).skip(x1).filter(|&&o| o == owner).count()).sum()
    }

    /// Warps a face into the picture. `owner` is the number that solid pixels get.
    pub fn draw(&mut self, art: &Art, place: &Homography, shade: &Shade, owner: u8) {
        let corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]].map(|[u, v]| place.apply(u, v));
        let [Some(a), Some(b), Some(c), Some(d)] = corners else { return };
        let Some(back) = place.inverse() else { return };
        let quad = [a, b, c, d];
        let area = super::maths::polygon_area(&quad);
        let full = art.levels.first().map_or(1, |level| level.side) as f32;
        if area < 0.5 {
            return;
        }
        // A little sharper than one texel a pixel: the bilinear filter softens enough.
        let (fine, share) = level_of_detail(full / area.sqrt() * 0.85);
        // Signs change from level to level without a step; for all else the nearer level will do.
        let (fine, share) = match (art.outline.is_empty(), share) {
            (true, 140..) => (fine + 1, 0),
            (true, _) | (false, ..24) => (fine, 0),
            (false, _) => (fine, share),
        };
        let share = if full < area.sqrt() * 0.85 { 0 } else { share };
        let fine = fine.min(art.levels.len() - 1);
        let coarse = (fine + 1).min(art.levels.len() - 1);
        let ink = Ink::new(shade);
        let (width, height) = (self.size.width as i32, self.size.height as i32);
        let top = quad.iter().fold(f32::MAX, |m, p| m.min(p[1])).max(0.0) as i32;
        let bottom = (quad.iter().fold(f32::MIN, |m, p| m.max(p[1])).min(height as f32)).max(0.0) as i32 + 1;
        for row in top..bottom.min(height) {
            let Some((left, right)) = span(&quad, row as f32 + 0.5, width) else { continue };
            let start = row as usize * width as usize;
            let range = start + left..start + right;
            let (Some(pixels), Some(owners)) = (self.pixels.get_mut(range.clone()), self.owners.get_mut(range)) else {
                continue;
            };
            let levels = (&art.levels[fine], &art.levels[coarse], share);
            draw_row(pixels, owners, [left as f32 + 0.5, row as f32 + 0.5], &back, levels, &ink, owner);
        }
    }
}

/// Columns that a convex quadrilateral covers at height `y`.
fn span(quad: &[[f32; 2]; 4], y: f32, width: i32) -> Option<(usize, usize)> {
    let (mut left, mut right) = (f32::MAX, f32::MIN);
    for i in 0..4 {
        let (p, q) = (quad[i], quad[(i + 1) % 4]);
        if (p[1] <= y) != (q[1] <= y) {
            let x = p[0] + (q[0] - p[0]) * ((y - p[1]) / (q[1] - p[1]));
            left = left.min(x);
            right = right.max(x);
        }
    }
    let left = (left - 0.5).clamp(0.0, width as f32) as usize;
    let right = (right + 0.5).clamp(0.0, width as f32) as usize;
    (left < right).then_some((left, right))
}

/// One row of a face; `x` and `y` are the middle of its first pixel.
#[multiversion(targets("x86_64+avx2+bmi1+bmi2"))]
fn draw_row<'a>(
    pixels: &mut [u32],
    owners: &mut [u8],
    [x, y]: [f32; 2],
    back: &Homography,
    (fine, coarse, share): (&Level, &Level, u32),
    ink: &Ink<'a>,
    owner: u8,
) {
    let m = &back.0;
    // Walls and panels have long runs of one texel, which look the same where the light is even.
    let mut last = (0, 0);
    let (mut u, mut v, mut w) = (m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5], m[6] * x + m[7] * y + m[8]);
    for (pixel, owned) in pixels.iter_mut().zip(owners) {
        let scale = 1.0 / w;
        let (fu, fv) = (u * scale, v * scale);
        let mut texel = fine.sample(fu, fv);
        if share > 0 {
            texel = blend(texel, coarse.sample(fu, fv), share);
        }
        if texel != 0 {
            if !(ink.even && texel == last.0) {
                last = (texel, ink.apply(texel, fu, fv));
            }
            let over = last.1;
            let alpha = over >> 24;
            // A solid texel leaves exactly nothing of what is below.
            *pixel = if alpha == 255 { over } else { saturating_add(over, scaled(*pixel, 256 - alpha - (alpha >> 7))) };
            if alpha > 127 {
                *owned = owner;
            }
        }
        u += m[0];
        v += m[3];
        w += m[6];
    }
}

/// Adds red, green and blue, each limited to 255.
#[inline(always)]
fn saturating_add(a: u32, b: u32) -> u32 {
    let even = (a & 0x00FF_00FF) + (b & 0x00FF_00FF);
    let odd = (a >> 8 & 0x0000_00FF) + (b >> 8 & 0x0000_00FF);
    // A carry into bit 8 of a field turns into 255.
    let limit = |sum: u32| (sum | ((sum >> 8 & 0x0001_0001) * 255)) & 0x00FF_00FF;
    limit(even) | limit(odd) << 8
}
