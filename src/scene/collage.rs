//! Surroundings without a horizon that have the statistics of photographs: things of all sizes that hide each other,
//! a "dead leaves" picture (Lee, Mumford, Huang, "Occlusion models for natural images", IJCV 2001).

use super::canvas::Canvas;
use super::light::Light;
use super::maths::{cos, floor, mix3, sin};
use super::noise::{NATURAL, ROUGH};
use super::optics::smooth;
use super::rng::Rng;
use crate::imaging::ImageSize;

/// Most things in a picture.
const MOST: f32 = 160.0;
/// Half the size of the largest and of the largest of most others, as shares of the picture's longer side.
const LARGEST: [f32; 2] = [0.42, 0.04];

/// Of a pixel that nothing was painted on yet; the highest byte of colours is 0.
const BARE: u32 = u32::MAX;

/// A heap of flat things, from the back to the front.
pub(super) struct Collage {
    patches: Vec<Patch>,
    /// Painted with soft edges.
    soft: bool,
}

#[derive(Clone, Copy)]
enum Shape {
    Ellipse,
    Rectangle,
    Triangle,
}

/// What a thing's surface looks like; lengths in pixels.
#[derive(Clone, Copy)]
enum Surface {
    Plain,
    /// Amplitude falls as 1/f.
    Natural,
    /// Leaves, grass, gravel.
    Rough,
    /// Rows of stones of this width and height with joints.
    Bricks([f32; 2]),
    /// Bars of this period.
    Stripes(f32),
    /// Panes of this width and height in light frames.
    Windows([f32; 2]),
}

struct Patch {
    shape: Shape,
    middle: [f32; 2],
    /// Half its width and height, pixels.
    half: [f32; 2],
    /// Cosine and sine of its turn.
    turn: [f32; 2],
    /// Colour at its upper and its lower end.
    inks: [[f32; 3]; 2],
    surface: Surface,
    /// Strength of the surface's structure, in 1/256 of the brightness.
    strength: f32,
    /// Texels of noise a pixel.
    zoom: f32,
    /// Where in the noise tile it begins.
    patch: [i32; 2],
}

/// Colours that occur together in pictures of one kind of place.
const THEMES: [[[f32; 3]; 6]; 6] = [
    // A wood, a park.
    [
        [74.0, 96.0, 44.0],
        [38.0, 52.0, 28.0],
        [112.0, 128.0, 70.0],
        [98.0, 82.0, 60.0],
        [60.0, 48.0, 38.0],
        [196.0, 208.0, 214.0],
    ],
    // A town.
    [
        [146.0, 140.0, 132.0],
        [92.0, 92.0, 94.0],
        [188.0, 180.0, 166.0],
        [128.0, 88.0, 72.0],
        [52.0, 58.0, 66.0],
        [206.0, 216.0, 226.0],
    ],
    // A room.
    [
        [206.0, 196.0, 178.0],
        [122.0, 86.0, 56.0],
        [70.0, 50.0, 38.0],
        [232.0, 228.0, 220.0],
        [160.0, 120.0, 90.0],
        [96.0, 98.0, 104.0],
    ],
    // Water, snow, sky.
    [
        [92.0, 130.0, 166.0],
        [150.0, 182.0, 208.0],
        [54.0, 82.0, 104.0],
        [222.0, 228.0, 232.0],
        [186.0, 176.0, 152.0],
        [70.0, 84.0, 80.0],
    ],
    // People and their clothes.
    [
        [206.0, 160.0, 132.0],
        [142.0, 98.0, 76.0],
        [44.0, 48.0, 66.0],
        [226.0, 224.0, 222.0],
        [150.0, 36.0, 40.0],
        [50.0, 86.0, 150.0],
    ],
    // Dim light.
    [[46.0, 40.0, 38.0], [24.0, 24.0, 28.0], [84.0, 70.0, 56.0], [60.0, 62.0, 70.0], [120.0, 96.0, 60.0], [14.0; 3]],
];

impl Collage {
    /// Any heap for a picture of `size`.
    pub fn random(rng: &mut Rng, size: ImageSize) -> Self {
        let theme = &THEMES[rng.below(THEMES.len())];
        let colourful = rng.unit() * rng.unit() * 0.6;
        let (width, height) = (size.width as f32, size.height as f32);
        let longer = width.max(height);
        let mut patches = vec![Patch::random(rng, theme, colourful)];
        patches[0].cover(size);
        let count = (MOST * rng.range(0.15, 1.0)) as usize;
        for _ in 0..count {
            let most = longer * LARGEST[usize::from(rng.chance(0.7))];
            let mut patch = Patch::random(rng, theme, colourful);
            let radius = between(rng, 2.0, most);
            let slender = between(rng, 0.25, 1.0);
            patch.half = if rng.chance(0.5) { [radius, radius * slender] } else { [radius * slender, radius] };
            patch.middle = [rng.range(-0.05, 1.05) * width, rng.range(-0.05, 1.05) * height];
            patches.push(patch);
        }
        Self { patches, soft: rng.chance(0.7) }
    }

    /// Paints the whole canvas.
    pub fn paint(&self, canvas: &mut Canvas, light: &Light, scratch: &mut Vec<u32>) {
        let gain = light.gain(12.0, 0.3);
        // From the nearest to the ground, so that nothing is computed that another patch hides.
        canvas.pixels.fill(BARE);
        for patch in self.patches.iter().rev() {
            patch.paint(canvas, gain);
        }
        if self.soft {
            smooth(canvas, scratch);
        }
    }
}

/// A size between two others, all magnitudes equally frequent.
fn between(rng: &mut Rng, low: f32, high: f32) -> f32 {
    let (mut low, mut high) = (low, high.max(low));
    for _ in 0..5 {
        let middle = (low * high).sqrt();
        if rng.chance(0.5) { low = middle } else { high = middle }
    }
    rng.range(low, high)
}

impl Patch {
    /// Any colour and surface, still without place and size.
    fn random(rng: &mut Rng, theme: &[[f32; 3]; 6], colourful: f32) -> Self {
        let base = theme[rng.below(theme.len())];
        let vivid = rng.colour(0.0, 255.0);
        let base = mix3(base, vivid, if rng.chance(0.15) { colourful * 1.6 } else { colourful * 0.4 }.min(1.0));
        let tone = |rng: &mut Rng| {
            let light = rng.range(0.65, 1.3);
            base.map(|c| (c * light).min(252.0))
        };
        let inks = [tone(rng), tone(rng)];
        let surface = match rng.below(14) {
            0..3 => Surface::Plain,
            3..7 => Surface::Natural,
            7..10 => Surface::Rough,
            10 => Surface::Bricks([rng.range(8.0, 30.0), rng.range(4.0, 12.0)]),
            11 | 12 => Surface::Stripes(between(rng, 3.0, 24.0)),
            _ => Surface::Windows([rng.range(8.0, 30.0), rng.range(8.0, 36.0)]),
        };
        let angle = if rng.chance(0.5) { rng.around() * 0.2 } else { rng.range(0.0, std::f32::consts::TAU) };
        Self {
            shape: [Shape::Ellipse, Shape::Rectangle, Shape::Rectangle, Shape::Triangle][rng.below(4)],
            middle: [0.0; 2],
            half: [1.0; 2],
            turn: [cos(f64::from(angle)), sin(f64::from(angle))],
            inks,
            surface,
            strength: rng.range(0.05, 0.9),
            zoom: between(rng, 0.08, 2.0),
            patch: [rng.below(256) as i32, rng.below(256) as i32],
        }
    }

    /// Makes it the ground of a picture.
    fn cover(&mut self, size: ImageSize) {
        self.shape = Shape::Rectangle;
        self.turn = [1.0, 0.0];
        self.middle = [size.width as f32 * 0.5, size.height as f32 * 0.5];
        self.half = [self.middle[0] + 1.0, self.middle[1] + 1.0];
    }

    fn paint(&self, canvas: &mut Canvas, gain: [f32; 3]) {
        let [c, s] = self.turn;
        let [a, b] = self.half;
        let reach = [c.abs() * a + s.abs() * b, s.abs() * a + c.abs() * b];
        let (width, height) = (canvas.size.width as usize, canvas.size.height as usize);
        let limits = |k: usize, most: usize| {
            let low = (self.middle[k] - reach[k]).max(0.0) as usize;
            (low.min(most), ((self.middle[k] + reach[k]).max(0.0) as usize + 1).min(most))
        };
        let ((left, right), (top, bottom)) = (limits(0, width), limits(1, height));
        let inks = self.inks.map(|ink| [0, 1, 2].map(|k| ink[k] * gain[k]));
        for y in top..bottom {
            let (dx, dy) = (left as f32 + 0.5 - self.middle[0], y as f32 + 0.5 - self.middle[1]);
            // Coordinates of the thing, in pixels from its middle.
            let (mut u, mut v) = (dx * c + dy * s, dy * c - dx * s);
            let t = ((dy / reach[1].max(1.0)) * 0.5 + 0.5).clamp(0.0, 1.0);
            let ink = mix3(inks[0], inks[1], t).map(|c| c as i32);
            let Some(row) = canvas.pixels.get_mut(y * width + left..y * width + right) else { continue };
            for pixel in row {
                if *pixel == BARE && self.contains(u, v) {
                    *pixel = lit(ink, 256 + self.structure(u, v));
                }
                u += c;
                v -= s;
            }
        }
    }

    #[inline]
    fn contains(&self, u: f32, v: f32) -> bool {
        let (u, v) = (u / self.half[0], v / self.half[1]);
        match self.shape {
            Shape::Ellipse => u * u + v * v < 1.0,
            Shape::Rectangle => u.abs() < 1.0 && v.abs() < 1.0,
            Shape::Triangle => v.abs() < 1.0 && 2.0 * u.abs() < 1.0 + v,
        }
    }

    /// Change of brightness at a point, in 1/256.
    #[inline]
    fn structure(&self, u: f32, v: f32) -> i32 {
        let noise = |tile: &super::noise::Tile, strength: f32| {
            let at = |x: f32, offset: i32| (x * self.zoom * 256.0) as i32 + (offset << 8);
            ((tile.smooth(at(u, self.patch[0]), at(v, self.patch[1])) - 128) as f32 * 2.0 * strength) as i32
        };
        let share = |x: f32| x - floor(x);
        match self.surface {
            Surface::Plain => 0,
            Surface::Natural => noise(&NATURAL, self.strength),
            Surface::Rough => noise(&ROUGH, self.strength),
            Surface::Bricks([w, h]) => {
                let row = floor(v / h);
                let joint = share(v / h) < 0.16 || share(u / w + row * 0.5) < 0.08;
                noise(&ROUGH, self.strength * 0.4) + if joint { 70 } else { 0 }
            }
            Surface::Stripes(period) => {
                if share(u / period) < 0.5 {
                    (self.strength * 200.0) as i32
                } else {
                    0
                }
            }
            Surface::Windows([w, h]) => {
                let (x, y) = (share(u / w), share(v / h));
                if (0.25..0.75).contains(&x) && (0.2..0.75).contains(&y) { (self.strength * -200.0) as i32 } else { 0 }
            }
        }
    }
}

/// A colour with its brightness changed: 256 as it is.
#[inline]
fn lit(base: [i32; 3], light: i32) -> u32 {
    let c = |v: i32| ((v * light.max(20)) >> 8).clamp(0, 255) as u32;
    c(base[0]) | c(base[1]) << 8 | c(base[2]) << 16
}
