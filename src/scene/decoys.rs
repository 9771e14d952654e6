//! Of the independent pictures: what hides signs, and what could be taken for one.

use super::art::{ATLAS, Art};
use super::maths::{cos, sin};
use super::stage::{Pose, Stage};
use super::still::{Composer, any};

impl Composer<'_> {
    /// Something that hides a part of a sign: a twig, the edge of something plain, or a sticker on its face.
    pub(super) fn occluder(&mut self, stage: &mut Stage<'_>, pose: &Pose) {
        let side = pose.extent[0];
        let rng = &mut *self.rng;
        let (list, reach, size): (&'static [Art], f32, f32) = match rng.below(10) {
            0..6 => (&ATLAS.branches, rng.range(0.1, 0.6), rng.range(0.7, 1.2)),
            6..9 => (std::slice::from_ref(&ATLAS.panel), rng.range(0.65, 1.0), rng.range(0.7, 1.2)),
            _ => (&ATLAS.lookalikes, rng.range(0.1, 0.4), rng.range(0.12, 0.26)),
        };
        let leafy = std::ptr::eq(list, ATLAS.branches.as_slice());
        let Some(art) = any(rng, list) else { return };
        let angle = std::f64::consts::TAU * f64::from(rng.unit());
        let (dx, dy) = (cos(angle) * reach, sin(angle) * reach);
        let [x, y, z] = pose.center;
        let size = side * size;
        let cover = Pose {
            roll: rng.around() * if leafy { 3.0 } else { 0.2 },
            ..Pose::facing([x + dx * side, y + dy * side, z * 0.97 - 0.3], [size, size])
        };
        let tint = if leafy { [1.0; 3] } else { rng.colour(0.1, 0.9) };
        stage.thing(art, &cover, 0.3, tint, 1.0);
    }

    /// Something that could be taken for a sign but is none.
    pub(super) fn decoy(&mut self, stage: &mut Stage<'_>) {
        let side = self.side();
        let Some(place) = self.free_place(side) else { return };
        let (pose, wear) = (self.pose(place, side), self.wear());
        let rng = &mut *self.rng;
        match rng.below(10) {
            0 => {
                let colour = [[1.0, 0.85, 0.6], [1.0, 0.2, 0.15], [0.9, 0.95, 1.0], [0.3, 1.0, 0.5]][rng.below(4)];
                stage.glow(&pose, colour);
            }
            1 => {
                if let Some(art) = any(rng, &ATLAS.adverts) {
                    stage.plate(art, None, &pose, &wear, [1.0; 3]);
                }
            }
            2..5 => {
                if let Some(art) = any(rng, &ATLAS.other_limits) {
                    stage.plate(art, None, &pose, &wear, [1.0; 3]);
                }
                self.post_below(stage, &pose);
            }
            _ => {
                let which = rng.below(ATLAS.lookalikes.len());
                // The first four are white plates that take any colour.
                let tint = if which < 4 { rng.colour(0.05, 1.0) } else { [1.0; 3] };
                if let Some(art) = ATLAS.lookalikes.get(which) {
                    stage.plate(art, None, &pose, &wear, tint);
                }
                self.post_below(stage, &pose);
            }
        }
    }
}
