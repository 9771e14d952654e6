//! The hour and the weather.

use super::maths::{mix, mix3};
use super::rng::Rng;

/// Light and air. Colours are 0…255, gains are factors on colours as they look at noon.
#[derive(Clone, Copy, Debug)]
pub(super) struct Light {
    /// Sky overhead.
    pub sky_top: [f32; 3],
    /// Sky at the horizon, which is also the colour of haze.
    pub sky_low: [f32; 3],
    /// Clouds.
    pub cloud: [f32; 3],
    /// How much of the sky they cover, 0…1.
    pub cover: f32,
    /// Light on everything that faces the camera.
    pub ambient: [f32; 3],
    /// Haze a metre: 0.01 hides a third at 40 m.
    pub haze: f32,
    /// Strength of the headlights, which signs send back.
    pub headlight: f32,
    /// Strength of the sun's glow low in the sky, ahead.
    pub sun: f32,
    /// Strength of shadows of leaves.
    pub shadow: f32,
}

const DAY: Light = Light {
    sky_top: [88.0, 142.0, 214.0],
    sky_low: [196.0, 216.0, 234.0],
    cloud: [246.0, 247.0, 250.0],
    cover: 0.45,
    ambient: [1.0, 0.99, 0.96],
    haze: 0.0035,
    headlight: 0.0,
    sun: 0.0,
    shadow: 0.35,
};
const OVERCAST: Light = Light {
    sky_top: [168.0, 176.0, 186.0],
    sky_low: [208.0, 212.0, 216.0],
    cloud: [142.0, 148.0, 156.0],
    cover: 0.6,
    ambient: [0.78, 0.8, 0.83],
    haze: 0.008,
    headlight: 0.05,
    sun: 0.0,
    shadow: 0.0,
};
const BACKLIGHT: Light = Light {
    sky_top: [150.0, 182.0, 220.0],
    sky_low: [255.0, 240.0, 208.0],
    cloud: [255.0, 250.0, 236.0],
    cover: 0.4,
    ambient: [0.56, 0.5, 0.44],
    haze: 0.008,
    headlight: 0.0,
    sun: 1.0,
    shadow: 0.1,
};
const DUSK: Light = Light {
    sky_top: [52.0, 66.0, 118.0],
    sky_low: [232.0, 150.0, 110.0],
    cloud: [150.0, 96.0, 112.0],
    cover: 0.55,
    ambient: [0.5, 0.43, 0.46],
    haze: 0.006,
    headlight: 0.4,
    sun: 0.3,
    shadow: 0.0,
};
const NIGHT: Light = Light {
    sky_top: [8.0, 11.0, 24.0],
    sky_low: [26.0, 29.0, 46.0],
    cloud: [30.0, 31.0, 40.0],
    cover: 0.4,
    ambient: [0.15, 0.16, 0.21],
    haze: 0.002,
    headlight: 0.9,
    sun: 0.0,
    shadow: 0.0,
};
/// One round of the live scene: mostly day, so that it is pleasant, with every other light in turn.
const ROUND: [Light; 8] = [DAY, DAY, OVERCAST, DAY, BACKLIGHT, DUSK, NIGHT, DUSK];

impl Light {
    /// Between `a` and `b`.
    fn between(a: &Self, b: &Self, t: f32) -> Self {
        Self {
            sky_top: mix3(a.sky_top, b.sky_top, t),
            sky_low: mix3(a.sky_low, b.sky_low, t),
            cloud: mix3(a.cloud, b.cloud, t),
            cover: mix(a.cover, b.cover, t),
            ambient: mix3(a.ambient, b.ambient, t),
            haze: mix(a.haze, b.haze, t),
            headlight: mix(a.headlight, b.headlight, t),
            sun: mix(a.sun, b.sun, t),
            shadow: mix(a.shadow, b.shadow, t),
        }
    }

    /// The light at a point of an endless round; 1.0 is one round, and 0.0 is day.
    pub fn at(round: f64) -> Self {
        let place = (round - round.floor()) * ROUND.len() as f64;
        let index = place as usize;
        let t = super::maths::smooth_step(0.0, 1.0, (place - index as f64) as f32);
        Self::between(&ROUND[index % ROUND.len()], &ROUND[(index + 1) % ROUND.len()], t)
    }

    /// Any light: a mixture of two hours, somewhat brighter or darker.
    pub fn random(rng: &mut Rng) -> Self {
        let pick = |rng: &mut Rng| match rng.below(10) {
            0..4 => DAY,
            4 | 5 => OVERCAST,
            6 => BACKLIGHT,
            7 | 8 => DUSK,
            _ => NIGHT,
        };
        let (a, b) = (pick(rng), pick(rng));
        let mut light = Self::between(&a, &b, rng.unit() * rng.unit());
        let strength = rng.range(0.8, 1.15);
        let warmth = 1.0 + rng.around() * 0.1;
        for (gain, tint) in light.ambient.iter_mut().zip([warmth, 1.0, 2.0 - warmth]) {
            *gain *= strength * tint;
        }
        light.haze *= rng.range(0.3, 2.0);
        light.cover = rng.unit();
        light
    }

    /// Light on a thing `distance` metres ahead; `reflective` is 1 for the foil of signs and less for all else.
    pub fn gain(&self, distance: f32, reflective: f32) -> [f32; 3] {
        let lamp = self.headlight * reflective / (1.0 + distance * distance * 0.0011);
        let clear = 1.0 - self.haze_at(distance);
        [0, 1, 2].map(|k| (self.ambient[k] + lamp * [1.0, 0.98, 0.9][k]) * clear)
    }

    /// Share of haze before a thing `distance` metres ahead, 0…1.
    pub fn haze_at(&self, distance: f32) -> f32 {
        let depth = distance * self.haze;
        depth / (1.0 + depth)
    }

    /// What haze adds to a thing `distance` metres ahead.
    pub fn veil(&self, distance: f32) -> [f32; 3] {
        let haze = self.haze_at(distance);
        self.sky_low.map(|c| c * haze)
    }
}
