//! Independent random pictures, for data sets and training.

use super::art::{ATLAS, Art};
use super::backdrop::{Backdrop, Road, Wall};
use super::collage::Collage;
use super::light::Light;
use super::maths::{Camera, turned_axes};
use super::optics::{Optics, Wobble};
use super::picture::{Composition, Renderer};
use super::rng::Rng;
use super::stage::{Pose, Stage, Wear};
use crate::imaging::{ImageSize, RgbImage, Truth};

/// Smallest sign that is drawn, pixels across its face in a picture of 320 pixels.
const SMALLEST: f32 = 10.6;
/// Largest sign, as a share of the picture's shorter side.
const LARGEST: f32 = 0.95;

/// Makes independent pictures of one size, keeping its buffers between them.
///
/// A picture of 320x320 takes about 4 ms on one core of a server with AVX-512 (release build).
pub struct Stills {
    renderer: Renderer,
    seed: u64,
}

impl Stills {
    /// Pictures of `size` (at least 16 on each side) from the stream `seed`.
    pub fn new(seed: u64, size: ImageSize) -> Self {
        Self { renderer: Renderer::new(size), seed }
    }

    /// Picture `index` and what is in it: the same at every call, in any order.
    pub fn picture(&mut self, index: u64) -> (RgbImage, Truth) {
        let mut rng = Rng::new(self.seed, index);
        let composition = Composer::new(&mut rng, self.renderer.size()).compose();
        self.renderer.render(&composition, &mut rng)
    }
}

/// A place that is taken, in pixels.
#[derive(Clone, Copy)]
struct Taken {
    x: f32,
    y: f32,
    side: f32,
}

pub(super) struct Composer<'a> {
    pub(super) rng: &'a mut Rng,
    size: ImageSize,
    light: Light,
    camera: Camera,
    /// Height of the camera above the ground, metres.
    height: f32,
    taken: Vec<Taken>,
}

pub(super) fn any<'b, T>(rng: &mut Rng, list: &'b [T]) -> Option<&'b T> {
    list.get(rng.below(list.len()))
}

impl<'a> Composer<'a> {
    fn new(rng: &'a mut Rng, size: ImageSize) -> Self {
        let light = Light::random(rng);
        let (width, height) = (size.width as f32, size.height as f32);
        let camera = Camera {
            focal: width * rng.range(0.8, 2.0),
            center_x: width * 0.5,
            center_y: height * rng.range(0.32, 0.68),
        };
        let height = rng.range(1.1, 2.4);
        Self { rng, size, light, camera, height, taken: Vec::new() }
    }

    fn compose(mut self) -> Composition {
        let backdrop = match self.rng.below(20) {
            0..10 => Backdrop::Road(self.road()),
            10..13 => Backdrop::Wall(self.wall()),
            _ => Backdrop::Collage(Collage::random(self.rng, self.size)),
        };
        let light = self.light;
        let mut stage = Stage::new(self.camera, &light);
        self.scenery(&mut stage);
        let count = match self.rng.below(20) {
            0 => 0,
            1..7 => 1,
            7..12 => 2,
            12..15 => 3,
            15..17 => 4,
            17 | 18 => 6,
            _ => 10,
        };
        for _ in 0..count {
            self.sign(&mut stage);
        }
        let decoys = if self.rng.chance(0.1) { 8 } else { self.rng.below(5) };
        for _ in 0..decoys {
            self.decoy(&mut stage);
        }
        let optics = self.optics();
        Composition { backdrop, light, items: stage.into_items(), optics }
    }

    fn road(&mut self) -> Road {
        let rng = &mut *self.rng;
        let grey = rng.range(62.0, 128.0);
        let (lush, dry) = ([78.0, 104.0, 48.0], [150.0, 138.0, 100.0]);
        let verge = super::maths::mix3(lush, if rng.chance(0.3) { [122.0, 120.0, 116.0] } else { dry }, rng.unit());
        Road {
            camera: self.camera,
            height: self.height,
            travelled: f64::from(rng.range(0.0, 500.0)),
            lateral: rng.range(-3.0, 3.0),
            bend: [rng.around() * 0.25, rng.around() * 0.006],
            half_width: rng.range(2.4, 5.5),
            asphalt: [grey, grey * rng.range(0.96, 1.02), grey * rng.range(0.92, 1.06)],
            verge,
            hills: [rng.range(50.0, 110.0), rng.range(80.0, 120.0), rng.range(45.0, 105.0)],
            hill_height: rng.range(0.0, 0.2),
            panorama: rng.range(-20.0, 230.0),
            drift: rng.range(0.0, 255.0),
        }
    }

    fn wall(&mut self) -> Wall {
        let rng = &mut *self.rng;
        let low = rng.colour(10.0, 190.0);
        let high = if rng.chance(0.5) { rng.colour(60.0, 255.0) } else { low.map(|c| c * 1.25 + 14.0) };
        let shared = rng.range(0.0, 0.8);
        let grey = |c: [f32; 3]| c.map(|v| super::maths::mix(v, (c[0] + c[1] + c[2]) / 3.0, shared));
        Wall {
            low: grey(low),
            high: grey(high),
            zoom: 320.0 / self.size.width.max(1) as f32 * rng.range(0.06, 0.8),
            grain: rng.unit() * rng.unit() * 0.6,
            patch: [rng.below(256) as i32, rng.below(256) as i32],
        }
    }

    /// A point `depth` metres ahead that is seen at a pixel.
    fn at(&self, x: f32, y: f32, depth: f32) -> [f32; 3] {
        let c = self.camera;
        [(x - c.center_x) * depth / c.focal, (y - c.center_y) * depth / c.focal, depth]
    }

    fn scenery(&mut self, stage: &mut Stage<'_>) {
        let count = self.rng.below(13);
        for _ in 0..count {
            let depth = 7.0 + 80.0 * self.rng.unit() * self.rng.unit();
            let x = self.rng.range(-0.1, 1.1) * self.size.width as f32;
            let [x, _, z] = self.at(x, 0.0, depth);
            let rng = &mut *self.rng;
            let (list, width, height, raised): (&'static [Art], f32, f32, f32) = match rng.below(10) {
                0..3 => (&ATLAS.trees, rng.range(3.5, 8.0), rng.range(4.0, 9.0), 0.0),
                3..5 => (&ATLAS.bushes, rng.range(1.5, 4.0), rng.range(1.0, 2.6), 0.0),
                5..8 => (&ATLAS.facades, rng.range(5.0, 14.0), rng.range(4.0, 12.0), 0.0),
                8 => (&ATLAS.cars, 1.8, 1.55, 0.0),
                _ => (&ATLAS.adverts, rng.range(1.5, 4.0), rng.range(1.2, 3.0), rng.range(0.3, 2.5)),
            };
            let y = self.height - height * 0.5 - raised;
            let tint = [rng.range(0.75, 1.15), rng.range(0.8, 1.1), rng.range(0.75, 1.15)];
            let mut pose = Pose::facing([x, y, z], [width, height]);
            pose.yaw = rng.around() * 0.6;
            if let Some(art) = any(rng, list) {
                stage.thing(art, &pose, 0.3, tint, 1.0);
            }
        }
    }

    /// A free square of the picture for a face `side` pixels wide; None when there is no room.
    pub(super) fn free_place(&mut self, side: f32) -> Option<[f32; 2]> {
        let (width, height) = (self.size.width as f32, self.size.height as f32);
        for _ in 0..16 {
            // One in eight may be cut by the frame.
            let margin = if self.rng.chance(0.125) { 0.1 } else { 0.5 };
            let x = self.rng.range(side * margin, (width - side * margin).max(side * margin + 1.0));
            let y = self.rng.range(side * margin, (height - side * margin).max(side * margin + 1.0));
            let free = |t: &Taken| (t.x - x).abs().max((t.y - y).abs()) > (t.side + side) * 0.5;
            if self.taken.iter().all(free) {
                self.taken.push(Taken { x, y, side });
                return Some([x, y]);
            }
        }
        None
    }

    /// Sizes are equally frequent on a logarithmic scale, with a few more small ones.
    pub(super) fn side(&mut self) -> f32 {
        let smallest = SMALLEST * (self.size.width.max(self.size.height) as f32 / 320.0).max(1.0);
        let largest = self.size.width.min(self.size.height) as f32 * LARGEST;
        let t = self.rng.unit();
        let t = if self.rng.chance(0.3) { t * t } else { t };
        // A geometric row of 64 steps instead of a power function.
        let ratio = largest / smallest;
        let (mut low, mut high) = (1.0f32, ratio.max(1.0));
        let mut place = t;
        for _ in 0..8 {
            let middle = (low * high).sqrt();
            place *= 2.0;
            if place >= 1.0 {
                place -= 1.0;
                low = middle;
            } else {
                high = middle;
            }
        }
        smallest * low
    }

    pub(super) fn wear(&mut self) -> Wear {
        let rng = &mut *self.rng;
        let rare =
            |rng: &mut Rng, probability: f32, most: f32| if rng.chance(probability) { rng.unit() * most } else { 0.0 };
        Wear {
            fading: rare(rng, 0.4, 0.4),
            dirt: rare(rng, 0.4, 0.8),
            shadow: rare(rng, 0.35, 2.0),
            slope: rng.around() * 0.3,
            patch: [rng.below(256) as i32, rng.below(256) as i32],
            opacity: 1.0,
        }
    }

    pub(super) fn pose(&mut self, [x, y]: [f32; 2], side: f32) -> Pose {
        let metres = self.rng.range(0.6, 0.95);
        let depth = self.camera.focal * metres / side;
        let rng = &mut *self.rng;
        let strong = if rng.chance(0.25) { 1.9 } else { 1.0 };
        Pose {
            yaw: rng.around() * 0.55 * strong,
            pitch: rng.around() * 0.25 * strong,
            roll: rng.around() * 0.16 * strong,
            ..Pose::facing(self.at(x, y, depth), [metres, metres])
        }
    }

    fn tint(&mut self) -> [f32; 3] {
        let strength = self.rng.range(0.75, 1.12);
        [0; 3].map(|_| strength * self.rng.range(0.95, 1.05))
    }

    pub(super) fn post_below(&mut self, stage: &mut Stage<'_>, pose: &Pose) {
        if self.rng.chance(0.7) {
            let [x, y, z] = pose.center;
            let ground = self.height.max(y + pose.extent[1] * self.rng.range(0.9, 3.0));
            let thickness = self.rng.range(0.05, 0.11);
            if let Some(art) = any(self.rng, &ATLAS.poles) {
                stage.post(art, [x, y - pose.extent[1] * 0.3, z], ground, thickness, 1.0);
            }
        }
    }

    /// A note below the sign, or the name of the street above it.
    fn plate_beside(&mut self, stage: &mut Stage<'_>, pose: &Pose) {
        let Some(art) = any(self.rng, &ATLAS.plates) else { return };
        let (_, down) = turned_axes(pose.yaw, pose.pitch, pose.roll);
        let height = pose.extent[1] * self.rng.range(0.2, 0.36);
        let gap = (pose.extent[1] + height) * 0.5 + 0.02;
        let offset = if self.rng.chance(0.6) { gap } else { -gap };
        let center = [0, 1, 2].map(|k| pose.center[k] + down[k] * offset);
        let width = pose.extent[0] * self.rng.range(0.7, 1.2);
        let plate = Pose { center: [center[0], center[1], center[2] + 0.02], extent: [width, height], ..*pose };
        let wear = self.wear();
        stage.plate(art, None, &plate, &wear, [1.0; 3]);
    }

    fn sign(&mut self, stage: &mut Stage<'_>) {
        let side = self.side();
        let Some(place) = self.free_place(side) else { return };
        let class = self.rng.below(ATLAS.signs.len());
        let Some(look) = any(self.rng, &ATLAS.signs[class]) else { return };
        let (pose, wear, tint) = (self.pose(place, side), self.wear(), self.tint());
        self.post_below(stage, &pose);
        stage.sign(look, class as u32, &pose, &wear, tint);
        if self.rng.chance(0.22) {
            self.plate_beside(stage, &pose);
        }
        if self.rng.chance(0.2) {
            self.occluder(stage, &pose);
        }
    }

    /// Faults of the camera, never so strong that the smallest sign could not be told any more.
    fn optics(&mut self) -> Optics {
        let smallest = self.taken.iter().fold(80.0f32, |m, t| m.min(t.side));
        let dark = 1.0 - self.light.ambient[1].min(1.0);
        let rng = &mut *self.rng;
        let sigma = 0.045 * smallest;
        let most = ((2.0 * sigma * sigma) as usize).clamp(1, 8);
        let defocus = if rng.chance(0.45) { 1 + rng.below(most) } else { 0 };
        let reach = (0.15 * smallest).min(8.0);
        let motion = if rng.chance(0.25) { [rng.around() * reach * 1.5, rng.around() * reach * 0.7] } else { [0.0; 2] };
        let level = rng.range(0.85, 1.15) * (1.0 + dark * rng.range(0.0, 0.9));
        let warm = rng.around() * 0.08;
        Optics {
            defocus,
            motion: motion.map(|m| m.clamp(-8.0, 8.0)),
            contrast: rng.range(0.75, 1.2),
            exposure: [level * (1.0 + warm), level, level * (1.0 - warm)],
            noise: rng.unit() * rng.range(1.0, 6.0 + 10.0 * dark),
            rain: if rng.chance(0.07) { 20 + rng.below(120) } else { 0 },
            wobble: if rng.chance(0.12) { wobble(rng, smallest) } else { Wobble::NONE },
            jpeg: if rng.chance(0.3) { 30 + rng.below(60) as u8 } else { 0 },
        }
    }
}

/// A shutter that bends signs of this size visibly, but not beyond recognition.
fn wobble(rng: &mut Rng, smallest: f32) -> Wobble {
    Wobble {
        skew: rng.around() * 16.0,
        amplitude: rng.unit() * (0.05 * smallest).min(2.5),
        period: rng.range(24.0, 160.0),
        phase: rng.range(0.0, std::f32::consts::TAU),
    }
}
