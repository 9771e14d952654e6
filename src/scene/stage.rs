//! Puts things before the camera; shared by the independent pictures and the drive.

use super::art::{ATLAS, Art, SignArt};
use super::canvas::Shade;
use super::light::Light;
use super::maths::{Camera, Vec3, turned_axes};
use super::picture::Item;

/// A flat thing in space.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pose {
    /// Its middle, in camera space, metres.
    pub center: Vec3,
    /// Width and height, metres.
    pub extent: [f32; 2],
    /// Turn about the upright axis, radians.
    pub yaw: f32,
    /// Tilt backwards, radians.
    pub pitch: f32,
    /// Turn in its own plane, radians.
    pub roll: f32,
}

impl Pose {
    /// A thing that faces the camera.
    pub const fn facing(center: Vec3, extent: [f32; 2]) -> Self {
        Self { center, extent, yaw: 0.0, pitch: 0.0, roll: 0.0 }
    }
}

/// Wear of a sign's face.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wear {
    /// Bleached by the sun, 0…1.
    pub fading: f32,
    /// Dirt, 0…1.
    pub dirt: f32,
    /// Shadows of leaves, 0…1.
    pub shadow: f32,
    /// Uneven light, -0.5…0.5.
    pub slope: f32,
    /// Its place in the noise tile.
    pub patch: [i32; 2],
    /// 0 not there yet, 1 solid.
    pub opacity: f32,
}

impl Wear {
    /// Fresh from the factory.
    pub const NEW: Self = Self { fading: 0.0, dirt: 0.0, shadow: 0.0, slope: 0.0, patch: [0, 0], opacity: 1.0 };
}

/// Things gathered for one picture.
pub(super) struct Stage<'a> {
    camera: Camera,
    light: &'a Light,
    items: Vec<(f32, Item)>,
}

impl<'a> Stage<'a> {
    /// An empty stage.
    pub const fn new(camera: Camera, light: &'a Light) -> Self {
        Self { camera, light, items: Vec::new() }
    }

    /// The things from far to near.
    pub fn into_items(mut self) -> Vec<Item> {
        self.items.sort_by(|a, b| b.0.total_cmp(&a.0));
        self.items.into_iter().map(|(_, item)| item).collect()
    }

    fn push(&mut self, art: &'static Art, pose: &Pose, shade: Shade, class_id: Option<u32>, part_of_previous: bool) {
        let (across, down) = turned_axes(pose.yaw, pose.pitch, pose.roll);
        let across = across.map(|c| c * pose.extent[0]);
        let down = down.map(|c| c * pose.extent[1]);
        let corner = [0, 1, 2].map(|k| pose.center[k] - (across[k] + down[k]) * 0.5);
        let place = self.camera.plane(corner, across, down);
        self.items.push((pose.center[2], Item { art, place, shade, class_id, part_of_previous }));
    }

    /// How paint looks at this distance; `reflective` is 1 for a sign's foil.
    fn shade(&self, distance: f32, reflective: f32, tint: [f32; 3]) -> Shade {
        let gain = self.light.gain(distance, reflective);
        let mut shade = Shade::lit([gain[0] * tint[0], gain[1] * tint[1], gain[2] * tint[2]]);
        shade.bias = self.light.veil(distance);
        shade
    }

    /// Anything that is no sign of the twelve. `reflective` as in [`Light::gain`].
    pub fn thing(&mut self, art: &'static Art, pose: &Pose, reflective: f32, tint: [f32; 3], opacity: f32) {
        let mut shade = self.shade(pose.center[2], reflective, tint);
        shade.opacity = opacity;
        self.push(art, pose, shade, None, false);
    }

    /// A worn plate: a sign of the twelve where `class_id` says so, else something that looks like one.
    pub fn plate(&mut self, art: &'static Art, class_id: Option<u32>, pose: &Pose, wear: &Wear, tint: [f32; 3]) {
        let mut shade = self.shade(pose.center[2], 1.0, tint);
        let bleach = shade.gain.map(|g| g * wear.fading * 190.0);
        for (k, white) in bleach.into_iter().enumerate() {
            shade.gain[k] *= 1.0 - wear.fading;
            shade.bias[k] += white;
        }
        shade.dirt = wear.dirt;
        shade.shadow = wear.shadow * self.light.shadow.min(0.8);
        shade.slope = wear.slope;
        shade.patch = wear.patch;
        shade.opacity = wear.opacity;
        self.push(art, pose, shade, class_id, false);
    }

    /// A sign of the twelve, with lamps lit where it has some.
    pub fn sign(&mut self, look: &'static SignArt, class_id: u32, pose: &Pose, wear: &Wear, tint: [f32; 3]) {
        self.plate(&look.face, Some(class_id), pose, wear, tint);
        if let Some(lamps) = &look.lit {
            let clear = 1.0 - self.light.haze_at(pose.center[2]);
            let mut shade = Shade::lit([clear * 1.05; 3]);
            shade.bias = self.light.veil(pose.center[2]);
            shade.opacity = wear.opacity;
            self.push(lamps, pose, shade, None, true);
        }
    }

    /// Light that only adds.
    pub fn glow(&mut self, pose: &Pose, colour: [f32; 3]) {
        self.push(&ATLAS.glow, pose, Shade::lit(colour), None, false);
    }

    /// An upright post from a point down to `ground` (both camera space y), just behind what it carries.
    pub fn post(&mut self, art: &'static Art, [x, top, z]: Vec3, ground: f32, thickness: f32, opacity: f32) {
        let z = z + 0.04;
        let pose = Pose::facing([x, (top + ground) * 0.5, z], [thickness, (ground - top).max(0.01)]);
        self.thing(art, &pose, 0.4, [1.0; 3], opacity);
    }

    /// A house beside the road. Its corner next to the road and the camera is at `[x, ground, near]`; it is
    /// `length` metres long, as wide as high, and its far side is never seen.
    pub fn house(&mut self, art: &'static Art, [x, ground, near]: Vec3, length: f32, height: f32, opacity: f32) {
        let outwards = if x > 0.0 { height } else { -height };
        let walls = [(near + length * 0.5, [0.0, 0.0, length], 0.74), (near, [outwards, 0.0, 0.0], 0.95)];
        for (distance, across, brightness) in walls {
            let mut shade = self.shade(distance, 0.25, [brightness; 3]);
            shade.opacity = opacity;
            let place = self.camera.plane([x, ground - height, near], across, [0.0, height, 0.0]);
            self.items.push((distance, Item { art, place, shade, class_id: None, part_of_previous: false }));
        }
    }
}
