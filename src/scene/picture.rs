//! A composed picture: surroundings and things from far to near. Rendering it gives pixels and truth.

use super::art::Art;
use super::backdrop::Backdrop;
use super::canvas::{Canvas, Shade};
use super::light::Light;
use super::maths::{Homography, polygon_area};
use super::optics::{Optics, Wobble};
use super::rng::Rng;
use crate::imaging::{BoxInImage, ImageSize, RgbImage, Truth, TruthBox};
use std::sync::{Arc, LazyLock};

/// A sign counts when at least this share of its outline's area is in the picture and not hidden.
const VISIBLE_SHARE: f32 = 0.5;
/// The longer side of a counted box is at least this and its shorter side at least the other, in pixels of a picture
/// that is 320 pixels wide or high at most; of a larger picture, as a model sees it that looks at 320 pixels.
const LEAST_SIDES: [f32; 2] = [10.0, 6.0];
/// Pixels that a model looks at.
const LOOKED_AT: f32 = 320.0;
/// Signs that are still fading in do not count below this opacity.
const LEAST_OPACITY: f32 = 0.6;

static NAMES: LazyLock<Arc<[String]>> = LazyLock::new(|| super::CLASS_NAMES.map(str::to_owned).into());

/// One thing in the picture.
pub(super) struct Item {
    /// What it looks like.
    pub art: &'static Art,
    /// Where it is.
    pub place: Homography,
    /// How it is lit.
    pub shade: Shade,
    /// The class of a sign; None for all else.
    pub class_id: Option<u32>,
    /// The thing before it in the list owns its pixels too: the lamps of a traffic light belong to the housing.
    pub part_of_previous: bool,
}

/// All that is in a picture.
pub(super) struct Composition {
    /// What is far away.
    pub backdrop: Backdrop,
    /// Light and air.
    pub light: Light,
    /// From far to near.
    pub items: Vec<Item>,
    /// The camera.
    pub optics: Optics,
}

/// Buffers that are used again for every picture.
pub(super) struct Renderer {
    canvas: Canvas,
    scratch: Vec<u32>,
}

impl Renderer {
    /// For pictures of `size`, which is at least 16 pixels on each side.
    pub fn new(size: ImageSize) -> Self {
        let size = ImageSize::new(size.width.max(16), size.height.max(16));
        Self { canvas: Canvas::new(size), scratch: Vec::new() }
    }

    /// Size of its pictures.
    pub fn size(&self) -> ImageSize {
        self.canvas.size
    }

    /// Draws everything; `rng` is for the sensor's noise.
    pub fn render(&mut self, composition: &Composition, rng: &mut Rng) -> (RgbImage, Truth) {
        self.canvas.reset_owners();
        composition.backdrop.paint(&mut self.canvas, &composition.light, &mut self.scratch);
        let (mut signs, mut owner) = (0u8, 0u8);
        for item in &composition.items {
            owner = match item {
                Item { part_of_previous: true, .. } => owner,
                Item { class_id: Some(_), .. } => {
                    signs = signs.saturating_add(1);
                    signs
                }
                _ => 0,
            };
            self.canvas.draw(item.art, &item.place, &item.shade, owner);
        }
        let truth = self.truth(&composition.items, &composition.optics.wobble);
        let mut picture = RgbImage::new(self.canvas.size.width, self.canvas.size.height);
        composition.optics.develop(&mut self.canvas, &mut self.scratch, rng, &mut picture);
        (picture, truth)
    }

    fn truth(&self, items: &[Item], wobble: &Wobble) -> Truth {
        let signs = items.iter().filter_map(|item| item.class_id.map(|class_id| (item, class_id)));
        let boxes = signs.zip(1u8..=254).filter_map(|((item, class_id), owner)| {
            let rect = self.visible_box(item, owner, wobble)?;
            Some(TruthBox { class_id, rect })
        });
        Truth { class_names: NAMES.clone(), boxes: boxes.collect() }
    }

    /// The box around the outline, clipped to the picture, where the sign counts.
    fn visible_box(&self, item: &Item, owner: u8, wobble: &Wobble) -> Option<BoxInImage> {
        let outline: Option<Vec<[f32; 2]>> = item.art.outline.iter().map(|p| item.place.apply(p[0], p[1])).collect();
        let outline = outline?;
        let size = self.canvas.size;
        // Pixels are counted as they were painted; the box is where the shutter moved them.
        let painted = bounds(outline.iter().copied()).clipped_to(size);
        let height = size.height as f32;
        // A bent edge may reach farther than its ends.
        let parts = if wobble.is_none() { 1 } else { 8 };
        let along = |i: usize, k: usize| {
            let (p, q, t) = (outline[i], outline[(i + 1) % outline.len()], k as f32 / parts as f32);
            [p[0] + (q[0] - p[0]) * t, p[1] + (q[1] - p[1]) * t]
        };
        let edge = (0..outline.len()).flat_map(|i| (0..parts).map(move |k| (i, k))).map(|(i, k)| along(i, k));
        let rect = bounds(edge.map(|p| [p[0] + wobble.shift(p[1], height), p[1]])).clipped_to(size);
        let scale = (size.width.max(size.height) as f32 / LOOKED_AT).max(1.0);
        let [longer, shorter] = LEAST_SIDES.map(|side| side * scale);
        let (width, height) = (rect.width(), rect.height());
        if width.max(height) < longer || width.min(height) < shorter || item.shade.opacity < LEAST_OPACITY {
            return None;
        }
        let reach = [painted.x1 as usize, painted.y1 as usize, painted.x2 as usize + 2, painted.y2 as usize + 2];
        let seen = self.canvas.count_owned(owner, reach) as f32;
        (seen >= VISIBLE_SHARE * polygon_area(&outline)).then_some(rect)
    }
}

/// The box around points.
fn bounds(points: impl Iterator<Item = [f32; 2]>) -> BoxInImage {
    let empty = BoxInImage::new(f32::MAX, f32::MAX, f32::MIN, f32::MIN);
    points.fold(empty, |b, p| BoxInImage::new(b.x1.min(p[0]), b.y1.min(p[1]), b.x2.max(p[0]), b.y2.max(p[1])))
}
