//! The demo scene: pictures of road signs in perspective, without end, with exact ground truth.
//!
//! Two modes share one renderer: [`Stills`] gives independent random pictures for data sets and training,
//! [`Drive`] a moving view for the live demo. Both are pure functions of their seed and an index or a time, with
//! the same pixels at every run.
//!
//! # How a picture is made
//!
//! ```text
//! still.rs | drive.rs   choose what is seen      ─▶ Composition (picture.rs)
//! art/                  faces, drawn once as vectors, in all sizes
//! backdrop.rs           sky, hills, road, a wall of noise, or collage.rs, a heap of things
//! canvas.rs             warps each face into the picture, from far to near
//! optics.rs, jpeg.rs    rain, blur, shutter, exposure, noise, compression ─▶ RgbImage
//! ```
//!
//! # What counts as truth
//!
//! The box is the tight axis-aligned box around the warped outline of the sign (of a traffic light: its
//! housing), clipped to the picture; what hides a part of the sign does not shrink it. A sign counts when at
//! least half of its area lies in the picture and is hidden by nothing, and when the clipped box's longer side is
//! at least 10 and its shorter side at least 6 pixels in a picture whose longer side is 320 pixels or less (in a
//! larger one: after it has shrunk to 320 pixels). Dirt, blur, darkness, fading and all else do not matter: a sign
//! that is merely hard to see counts. In the drive, signs that are still fading in at the far end do not count.

mod art;
mod backdrop;
mod canvas;
mod collage;
mod decoys;
mod drive;
mod jpeg;
mod light;
mod maths;
mod noise;
mod optics;
mod picture;
mod rng;
mod stage;
mod still;
#[cfg(test)]
mod tests;

pub use drive::Drive;
pub use still::Stills;

use crate::imaging::{ImageSize, RgbImage, Truth};

/// Names of the classes; the position is the class id.
pub const CLASS_NAMES: [&str; 12] = [
    "stop",
    "yield",
    "no entry",
    "speed limit 30",
    "speed limit 50",
    "speed limit 80",
    "pedestrian crossing",
    "roundabout",
    "priority road",
    "turn left",
    "turn right",
    "traffic light",
];

/// One independent picture and what is in it; the same for equal arguments. [`Stills`] is faster for many.
pub fn still(seed: u64, index: u64, size: ImageSize) -> (RgbImage, Truth) {
    Stills::new(seed, size).picture(index)
}
