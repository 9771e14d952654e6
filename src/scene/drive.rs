//! The live scene: a drive without end along a road full of signs.

use super::art::{ATLAS, Art};
use super::backdrop::{Backdrop, Road};
use super::light::Light;
use super::maths::{Camera, cos, sin, smooth_step};
use super::optics::Optics;
use super::picture::{Composition, Renderer};
use super::rng::Rng;
use super::stage::{Pose, Stage, Wear};
use crate::imaging::{ImageSize, RgbImage, Truth};

/// Class id of the traffic light.
const TRAFFIC_LIGHT: usize = 11;
/// Metres a second.
const SPEED: f64 = 8.0;
/// Seconds for one round of day, dusk and night.
const ROUND_S: f64 = 96.0;
/// Metres from one sign to the next.
const SIGN_SPACING: f64 = 7.5;
/// Signs are drawn this far ahead …
const SIGN_RANGE: f64 = 46.0;
/// … and are solid this far ahead.
const SIGN_SOLID: f32 = 38.0;
/// Metres between things beside the road, on each side.
const SCENERY_SPACING: f64 = 5.0;
/// Things beside the road are drawn this far ahead.
const SCENERY_RANGE: f64 = 105.0;
/// Half the width of the road, metres.
const HALF_WIDTH: f32 = 3.2;
/// Height of the camera, metres.
const EYE: f32 = 1.55;
/// Position of the camera on the road, metres right of its middle.
const LANE: f32 = 1.0;

/// A moving view, a function of seed and time alone.
///
/// A frame of 800x450 takes about 6 ms on one core of a server with AVX-512 (release build), and the first
/// one 80 ms more, in which the faces are drawn.
pub struct Drive {
    renderer: Renderer,
    seed: u64,
}

/// Where the camera is and where it looks.
struct View {
    travelled: f64,
    lateral: f32,
    camera: Camera,
    curvature: f32,
    height: f32,
}

impl Drive {
    /// A drive through the world `seed` in pictures of `size` (at least 16 on each side).
    pub fn new(seed: u64, size: ImageSize) -> Self {
        Self { renderer: Renderer::new(size), seed }
    }

    /// The picture at `time_s` seconds from the start, and what is in it.
    pub fn render(&mut self, time_s: f64) -> (RgbImage, Truth) {
        let light = Light::at(time_s / ROUND_S);
        let view = View::at(time_s, self.renderer.size());
        let mut stage = Stage::new(view.camera, &light);
        self.scenery(&view, &mut stage);
        self.signs(&view, &mut stage);
        let items = stage.into_items();
        let optics = Optics { noise: 1.5, ..Optics::CLEAN };
        let composition = Composition { backdrop: Backdrop::Road(view.road()), light, items, optics };
        let frame = (time_s * 1000.0) as i64 as u64;
        self.renderer.render(&composition, &mut Rng::new(self.seed ^ 0xF00D, frame))
    }

    fn signs(&self, view: &View, stage: &mut Stage<'_>) {
        for (slot, ahead) in slots(view.travelled, SIGN_SPACING, SIGN_RANGE, 3.0) {
            let mut rng = Rng::new(self.seed, slot as u64);
            let ahead = ahead + rng.around() * 1.2;
            let class = self.class_of(slot);
            let looks = &ATLAS.signs[class];
            // The later looks of a plate are rare in the streets; a traffic light shows any of its states.
            let common = if class == TRAFFIC_LIGHT { looks.len() } else { looks.len().min(2) };
            let Some(look) = looks.get(rng.below(common)) else { continue };
            // Two of three stand on the right, as on a real road.
            let side = if slot.rem_euclid(3) == 1 { -1.0 } else { 1.0 };
            let lateral = side * (HALF_WIDTH + rng.range(0.55, 1.5));
            let side_m = if class == TRAFFIC_LIGHT { rng.range(1.15, 1.35) } else { rng.range(0.92, 1.12) };
            let above = rng.range(1.75, 2.75);
            let opacity = 1.0 - smooth_step(SIGN_SOLID, SIGN_RANGE as f32 - 2.0, ahead);
            let place = view.place(lateral, above, ahead);
            let pose = Pose {
                yaw: side * 0.1 + rng.around() * 0.12,
                roll: rng.around() * 0.03,
                ..Pose::facing(place, [side_m, side_m])
            };
            let wear = Wear {
                dirt: if rng.chance(0.3) { rng.unit() * 0.35 } else { 0.0 },
                slope: rng.around() * 0.15,
                patch: [rng.below(256) as i32, rng.below(256) as i32],
                opacity,
                ..Wear::NEW
            };
            let pole = &ATLAS.poles[slot.rem_euclid(2) as usize];
            stage.post(pole, [place[0], place[1] - side_m * 0.3, place[2]], view.height, 0.08, opacity);
            stage.sign(look, class as u32, &pose, &wear, [1.0; 3]);
        }
    }

    /// Every block of twelve slots shows each class once, in an order of its own.
    fn class_of(&self, slot: i64) -> usize {
        let mut order: [usize; 12] = std::array::from_fn(|k| k);
        let mut rng = Rng::new(self.seed ^ 0xB10C, slot.div_euclid(12) as u64);
        for k in (1..order.len()).rev() {
            order.swap(k, rng.below(k + 1));
        }
        order[slot.rem_euclid(12) as usize]
    }

    fn scenery(&self, view: &View, stage: &mut Stage<'_>) {
        for (slot, ahead) in slots(view.travelled, SCENERY_SPACING, SCENERY_RANGE, 2.0) {
            for side in [-1.0f32, 1.0] {
                let mut rng = Rng::new(self.seed ^ 0x7EE5, (slot * 2 + i64::from(side > 0.0)) as u64);
                let ahead = ahead + rng.around() * 1.5;
                let opacity = 1.0 - smooth_step(80.0, SCENERY_RANGE as f32 - 3.0, ahead);
                // Town and country take turns every two hundred metres.
                let town = sin(slot as f64 * SCENERY_SPACING / 64.0) > 0.1;
                match rng.below(10) {
                    0..7 if town && slot.rem_euclid(2) == 0 => {
                        let place = view.place(side * rng.range(9.5, 12.0), 0.0, ahead - 5.0);
                        let (length, height) = (rng.range(8.0, 11.0), rng.range(4.5, 8.5));
                        stage.house(pick(&mut rng, &ATLAS.facades), place, length, height, opacity);
                    }
                    4 | 5 if town => self.beside(
                        view,
                        stage,
                        &mut rng,
                        (&ATLAS.adverts, [2.6, 2.0]),
                        (side * 7.6, 1.0, ahead, opacity),
                    ),
                    6 if town => {
                        self.beside(view, stage, &mut rng, (&ATLAS.cars, [1.8, 1.5]), (side * 5.6, 0.0, ahead, opacity))
                    }
                    0..4 if !town => {
                        let extent = [rng.range(4.0, 6.5), rng.range(5.0, 8.5)];
                        let lateral = side * rng.range(7.5, 16.0);
                        self.beside(view, stage, &mut rng, (&ATLAS.trees, extent), (lateral, 0.0, ahead, opacity));
                    }
                    _ => {
                        let extent = [rng.range(1.6, 3.4), rng.range(0.9, 1.9)];
                        let lateral = side * rng.range(6.0, 12.0);
                        self.beside(view, stage, &mut rng, (&ATLAS.bushes, extent), (lateral, 0.0, ahead, opacity));
                    }
                }
            }
        }
    }

    /// A thing that faces the camera: what and how large; then lateral position, height of its foot, distance, opacity.
    fn beside(
        &self,
        view: &View,
        stage: &mut Stage<'_>,
        rng: &mut Rng,
        (list, extent): (&'static [Art], [f32; 2]),
        (lateral, foot, ahead, opacity): (f32, f32, f32, f32),
    ) {
        if ahead > 2.0 {
            let place = view.place(lateral, foot + extent[1] * 0.5, ahead);
            let tint = [rng.range(0.85, 1.1), rng.range(0.9, 1.08), rng.range(0.85, 1.1)];
            stage.thing(pick(rng, list), &Pose::facing(place, extent), 0.35, tint, opacity);
        }
    }
}

fn pick(rng: &mut Rng, list: &'static [Art]) -> &'static Art {
    list.get(rng.below(list.len())).unwrap_or(&ATLAS.panel)
}

/// Slots along the road from `behind` metres behind the camera to `range` ahead, the farthest last, with their
/// distance ahead.
fn slots(travelled: f64, spacing: f64, range: f64, behind: f64) -> impl Iterator<Item = (i64, f32)> {
    let first = ((travelled - behind) / spacing).ceil() as i64;
    let last = ((travelled + range) / spacing).floor() as i64;
    (first..=last).map(move |slot| (slot, (slot as f64 * spacing - travelled) as f32))
}

impl View {
    fn at(time_s: f64, size: ImageSize) -> Self {
        let travelled = time_s * SPEED;
        let (width, height) = (size.width as f32, size.height as f32);
        let sway_x = sin(time_s * 0.9) * 0.006 + sin(time_s * 2.3 + 1.0) * 0.002;
        let sway_y = sin(time_s * 1.7) * 0.004 + sin(time_s * 3.9 + 2.0) * 0.0015;
        let curvature = 0.0034 * sin(travelled / 85.0) + 0.0022 * sin(travelled / 41.0 + 1.3);
        let camera = Camera {
            focal: width * 1.22,
            center_x: width * (0.5 + sway_x - curvature * 9.0),
            center_y: height * (0.54 + sway_y),
        };
        let lateral = LANE + sin(time_s * 0.31) * 0.25;
        Self { travelled, lateral, camera, curvature, height: EYE + sin(time_s * 1.7) * 0.012 }
    }

    /// Camera space of a point `lateral` metres right of the road's middle, `above` the ground, `ahead` along it.
    fn place(&self, lateral: f32, above: f32, ahead: f32) -> [f32; 3] {
        [lateral - self.lateral + self.curvature * ahead * ahead, self.height - above, ahead]
    }

    fn road(&self) -> Road {
        // The heading is the integral of the curvature (twice, as x = curvature * z² bends by two a metre).
        let heading = -0.0068 * 85.0 * cos(self.travelled / 85.0) - 0.0044 * 41.0 * cos(self.travelled / 41.0 + 1.3);
        Road {
            camera: self.camera,
            height: self.height,
            travelled: self.travelled,
            lateral: self.lateral,
            bend: [0.0, self.curvature],
            half_width: HALF_WIDTH,
            asphalt: [94.0, 95.0, 98.0],
            verge: [92.0, 118.0, 58.0],
            hills: [74.0, 104.0, 78.0],
            hill_height: 0.13,
            panorama: heading * 73.0,
            drift: (self.travelled * 0.05) as f32,
        }
    }
}
