//! What is far away: sky, hills, road; or a wall of noise, or a heap of things, which stand for everything else.

use super::canvas::{Canvas, packed};
use super::collage::Collage;
use super::light::Light;
use super::maths::{Camera, mix3, smooth_step};
use super::noise::{NATURAL, ROUGH, SIDE, Tile};

/// The surroundings of a picture.
pub(super) enum Backdrop {
    /// A road through open country.
    Road(Road),
    /// Two colours mixed by noise.
    Wall(Wall),
    /// Things of all sizes that hide each other.
    Collage(Collage),
}

/// A road that runs ahead of the camera.
pub(super) struct Road {
    /// Horizon at the optical axis.
    pub camera: Camera,
    /// Height of the camera above the road, metres.
    pub height: f32,
    /// Metres that the camera has gone.
    pub travelled: f64,
    /// Metres that the camera is to the right of the road's middle.
    pub lateral: f32,
    /// Sideways position of the road at `(z, z²)` ahead: `x = bend[0] z + bend[1] z²`.
    pub bend: [f32; 2],
    /// Half the width of the road, metres.
    pub half_width: f32,
    /// Colour of the road at noon.
    pub asphalt: [f32; 3],
    /// Colour of what is beside it.
    pub verge: [f32; 3],
    /// Colour of the hills.
    pub hills: [f32; 3],
    /// Height of the hills, as a share of the picture's height.
    pub hill_height: f32,
    /// How far the view has turned, in texels of the noise tile: moves hills and clouds.
    pub panorama: f32,
    /// Drift of the clouds, in texels.
    pub drift: f32,
}

/// A surface without a horizon.
pub(super) struct Wall {
    /// One colour.
    pub low: [f32; 3],
    /// The other.
    pub high: [f32; 3],
    /// Texels of noise a pixel, coarse.
    pub zoom: f32,
    /// Strength of fine structure, 0…1.
    pub grain: f32,
    /// Where in the tile it begins.
    pub patch: [i32; 2],
}

impl Backdrop {
    /// Paints the whole canvas; `scratch` is reused.
    pub fn paint(&self, canvas: &mut Canvas, light: &Light, scratch: &mut Vec<u32>) {
        match self {
            Self::Road(road) => {
                road.paint_sky(canvas, light);
                road.paint_ground(canvas, light);
            }
            Self::Wall(wall) => wall.paint(canvas, light),
            Self::Collage(collage) => collage.paint(canvas, light, scratch),
        }
    }
}

/// A colour with its brightness changed: 256 as it is.
#[inline]
fn lit(base: [i32; 3], light: i32) -> u32 {
    let c = |v: i32| ((v * light) >> 8).clamp(0, 255) as u32;
    c(base[0]) | c(base[1]) << 8 | c(base[2]) << 16
}

fn product(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[0] * b[0], a[1] * b[1], a[2] * b[2]]
}

fn whole(a: [f32; 3]) -> [i32; 3] {
    a.map(|v| v as i32)
}

impl Wall {
    fn paint(&self, canvas: &mut Canvas, light: &Light) {
        let gain = light.gain(12.0, 0.3);
        let (low, high) = (product(self.low, gain), product(self.high, gain));
        let ramp: Vec<[i32; 3]> =
            (0..256).map(|t| whole(mix3(low, high, smooth_step(40.0, 215.0, t as f32)))).collect();
        let step = (self.zoom * 256.0) as i32;
        let (natural, rough): (&Tile, &Tile) = (&NATURAL, &ROUGH);
        let grain = (self.grain * 256.0) as i32;
        let width = canvas.size.width as usize;
        for (y, row) in canvas.pixels.chunks_exact_mut(width).enumerate() {
            let v = y as i32 * step + (self.patch[1] << 8);
            let mut u = self.patch[0] << 8;
            for (x, pixel) in row.iter_mut().enumerate() {
                let coarse = natural.smooth(u, v);
                let fine = rough.texel(x as i32 + self.patch[1], y as i32 + self.patch[0]) - 128;
                *pixel = lit(ramp[coarse as usize & 255], 256 + ((fine * grain) >> 7));
                u += step;
            }
        }
    }
}

impl Road {
    fn paint_sky(&self, canvas: &mut Canvas, light: &Light) {
        let (width, height) = (canvas.size.width as usize, canvas.size.height as usize);
        let horizon = self.camera.center_y;
        let rows = (horizon.max(0.0) as usize + 1).min(height);
        let crest = self.hill_height * height as f32;
        let tops: Vec<i32> = (0..width).map(|x| self.hill_top(x, width, horizon, crest)).collect();
        let haze = light.haze_at(260.0);
        let hills = mix3(product(self.hills, light.gain(0.0, 0.0)), light.sky_low, haze.min(0.75));
        let hills = whole(hills);
        let (natural, rough): (&Tile, &Tile) = (&NATURAL, &ROUGH);
        let hill_contrast = (150.0 * (1.0 - haze)) as i32;
        let hill_step = (320.0 * 256.0 / width as f32) as i32 + 64;
        let hill_start = (self.panorama * width as f32 / 60.0) as i32 * hill_step;
        let sun = [width as f32 * 0.5 - self.panorama * 3.0, horizon - height as f32 * 0.12];
        for (y, row) in canvas.pixels.chunks_exact_mut(width).enumerate().take(rows) {
            let up = ((horizon - y as f32) / height as f32).max(0.0);
            let base = whole(mix3(light.sky_low, light.sky_top, smooth_step(0.0, 0.75, up)));
            // Clouds lie on a plane overhead, so that they crowd towards the horizon.
            let depth = 60.0 / (up + 0.12);
            let v = (depth * 150.0) as i32 + (self.drift * 256.0) as i32;
            let step = (depth * 0.9 * 640.0 / width as f32) as i32;
            let mut u = (self.panorama * 256.0) as i32 - step * (width as i32 / 2);
            let threshold = 190 - (light.cover * 130.0) as i32;
            let cloud = whole(light.cloud);
            for (x, pixel) in row.iter_mut().enumerate() {
                if y as i32 >= tops[x] {
                    let n = rough.smooth((x as i32 * hill_step + hill_start) >> 1, y as i32 * hill_step) - 128;
                    // Darker towards the top, where the wood stands against the sky.
                    let rim = (24 - (y as i32 - tops[x])).max(0);
                    *pixel = lit(hills, 256 - rim + ((n * hill_contrast) >> 8));
                } else {
                    let n = natural.smooth(u, v);
                    let t = ((n - threshold) * 4).clamp(0, 216);
                    let c = |k: usize| ((base[k] * (256 - t) + cloud[k] * t) >> 8) as u32;
                    *pixel = c(0) | c(1) << 8 | c(2) << 16;
                }
                u += step;
            }
            if light.sun > 0.05 {
                add_sun(row, sun, y as f32, height as f32, light);
            }
        }
    }

    /// Row of the hills' upper edge at a column.
    fn hill_top(&self, x: usize, width: usize, horizon: f32, crest: f32) -> i32 {
        let u = ((x as f32 / width as f32 * 60.0 + self.panorama) * 256.0) as i32;
        let broad = NATURAL.smooth(u, 40 << 8) as f32 / 255.0;
        let narrow = NATURAL.smooth(u * 4, 170 << 8) as f32 / 255.0;
        let trees = ROUGH.smooth(u * 8, 90 << 8) as f32 / 255.0;
        (horizon - crest * (1.5 * broad + 0.4 * narrow + 0.16 * trees - 0.3).max(0.05)) as i32
    }

    fn paint_ground(&self, canvas: &mut Canvas, light: &Light) {
        let width = canvas.size.width as usize;
        let first = (self.camera.center_y + 1.0).max(0.0) as usize;
        for (y, row) in canvas.pixels.chunks_exact_mut(width).enumerate().skip(first) {
            self.paint_ground_row(row, y as f32 + 0.5 - self.camera.center_y, light);
        }
    }

    /// One row, `below` pixels under the horizon.
    fn paint_ground_row(&self, row: &mut [u32], below: f32, light: &Light) {
        let ahead = self.height * self.camera.focal / below;
        let metres = ahead / self.camera.focal;
        let middle = self.bend[0] * ahead + self.bend[1] * ahead * ahead - self.lateral;
        let gain = light.gain(ahead, 0.55);
        let veil = light.veil(ahead);
        let tone = |c: [f32; 3]| [0, 1, 2].map(|k| (c[k] * gain[k] + veil[k]) as i32);
        let (asphalt, verge, paint) = (tone(self.asphalt), tone(self.verge), tone([206.0, 206.0, 200.0]));
        let along = self.travelled + f64::from(ahead);
        let dash = (along / 9.0 - (along / 9.0).floor()) < 0.45;
        // Texture fades where its texels become smaller than pixels.
        let clear = (0.012 * 40.0 / (metres * ahead / self.height * 12.0 + 0.02)).clamp(0.0, 1.0);
        let fine = (clear * 120.0) as i32;
        let v_coarse = (along * 14.0 * 256.0) as i64 as i32;
        let v_fine = (along * 70.0 * 256.0) as i64 as i32;
        let left = (0.5 - self.camera.center_x) * metres - middle;
        let pixel_fixed = 65536.0;
        let mut x = (left * pixel_fixed) as i32;
        let step = (metres * pixel_fixed) as i32;
        let edge = (self.half_width * pixel_fixed) as i32;
        let line_in = ((self.half_width - 0.34) * pixel_fixed) as i32;
        let line_out = ((self.half_width - 0.2) * pixel_fixed) as i32;
        let soften = step.max(1);
        let (natural, rough): (&Tile, &Tile) = (&NATURAL, &ROUGH);
        let half_dash = if dash { (0.075 * pixel_fixed) as i32 } else { -soften };
        for pixel in row.iter_mut() {
            // Far ahead the bend leads out of the numbers, where i32::MIN has no positive twin.
            let side = x.saturating_abs();
            let texture =
                |tile: &Tile, rate: i32, v: i32| tile.smooth(((x >> 8) * rate) & (SIDE as i32 * 256 - 1), v) - 128;
            let coarse = texture(natural, 14, v_coarse);
            let grain = if fine > 4 { (texture(rough, 70, v_fine) * fine) >> 7 } else { 0 };
            *pixel = if side > edge {
                lit(verge, 256 + (coarse >> 1) + grain)
            } else {
                let base = lit(asphalt, 256 + (coarse >> 2) + (grain >> 1));
                let in_line = (side - line_in).min(line_out - side).max(half_dash - side) + soften / 2;
                let t = (i64::from(in_line.clamp(0, soften)) * 220 / i64::from(soften)) as i32;
                if t > 0 { over(base, paint, t) } else { base }
            };
            x = x.wrapping_add(step);
        }
    }
}

/// Paint over a pixel, `t` 0…256.
#[inline]
fn over(base: u32, paint: [i32; 3], t: i32) -> u32 {
    let c = |k: usize| {
        let below = (base >> (8 * k) & 255) as i32;
        (((below * (256 - t) + paint[k] * t) >> 8) as u32) << (8 * k)
    };
    c(0) | c(1) | c(2)
}

/// The sun's glow on a row of the sky.
fn add_sun(row: &mut [u32], [sun_x, sun_y]: [f32; 2], y: f32, height: f32, light: &Light) {
    let reach = 1.0 / (height * height * 0.35);
    let dy = (y - sun_y) * (y - sun_y);
    for (x, pixel) in row.iter_mut().enumerate() {
        let dx = x as f32 - sun_x;
        let near = (1.0 - (dx * dx + dy) * reach).max(0.0);
        let square = near * near;
        let core = square * square * square;
        let add = (square * 50.0 + core * core * 190.0) * light.sun;
        let c = |k: u32, share: f32| (*pixel >> (8 * k) & 255) as f32 + add * share;
        *pixel = packed([c(0, 1.0), c(1, 0.92), c(2, 0.72)]);
    }
}
