//! Small pictures of frames, made once for each.

use crate::imaging::RgbImage;
use crate::pipeline::FrameId;
use eframe::egui::{Color32, ColorImage, Context, TextureHandle, TextureId, TextureOptions};
use std::collections::BTreeMap;

/// Longest side of a small picture, in pixels.
const SIDE: u32 = 192;
/// Pixels of the frame that make one of the small picture, along each side: enough that nothing flickers, and as much
/// work for a frame of any size.
const SAMPLES: u32 = 3;

/// The textures of the frames that are wanted.
#[derive(Default)]
pub struct Thumbnails {
    textures: BTreeMap<FrameId, TextureHandle>,
}

impl Thumbnails {
    /// Lets go of all but these.
    pub fn keep_only(&mut self, wanted: impl Iterator<Item = FrameId>) {
        let wanted: Vec<FrameId> = wanted.collect();
        self.textures.retain(|id, _| wanted.contains(id));
    }

    /// The small picture of a frame.
    pub fn of(&mut self, ctx: &Context, id: FrameId, frame: &RgbImage) -> TextureId {
        let texture = self
            .textures
            .entry(id)
            .or_insert_with(|| ctx.load_texture(format!("thumbnail {}", id.0), small(frame), TextureOptions::LINEAR));
        texture.id()
    }
}

/// Means of a few pixels each; a small picture is taken as it is.
fn small(frame: &RgbImage) -> ColorImage {
    let (width, height) = frame.dimensions();
    if width == 0 || height == 0 {
        return ColorImage::filled([1, 1], Color32::BLACK);
    }
    let scale = (f64::from(SIDE) / f64::from(width.max(height))).min(1.0);
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let (columns, rows) = (side(width), side(height));
    let color = |column: u32, row: u32| {
        let mut sums = [0u32; 3];
        for sample in 0..SAMPLES * SAMPLES {
            let place = |cell: u32, offset: u32, cells: u32, length: u32| {
                let at = u64::from(cell * SAMPLES + offset) * 2 + 1;
                let at = at * u64::from(length) / (u64::from(cells * SAMPLES) * 2);
                (at as u32).min(length - 1)
            };
            let x = place(column, sample % SAMPLES, columns, width);
            let y = place(row, sample / SAMPLES, rows, height);
            let pixel = frame.get_pixel(x, y).0;
            sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u32::from(value));
        }
        let [r, g, b] = sums.map(|sum| (sum / (SAMPLES * SAMPLES)) as u8);
        Color32::from_rgb(r, g, b)
    };
    let pixels = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
    let pixels = pixels.map(|(column, row)| color(column, row)).collect();
    ColorImage::new([columns as usize, rows as usize], pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn a_frame_is_made_small_and_keeps_its_colours_and_its_shape() {
        let halves = RgbImage::from_fn(1920, 1080, |x, _| if x < 960 { Rgb([200, 0, 0]) } else { Rgb([0, 0, 100]) });
        let made = small(&halves);
        assert_eq!(made.size, [192, 108]);
        assert_eq!([made.pixels[0], made.pixels[191]], [Color32::from_rgb(200, 0, 0), Color32::from_rgb(0, 0, 100)]);
        // Stripes a pixel wide come out as their mean, or nearly so.
        let stripes = RgbImage::from_fn(1000, 10, |x, _| Rgb([if x % 2 == 0 { 255 } else { 0 }; 3]));
        let mean = small(&stripes).pixels.iter().map(|p| f64::from(p.r())).sum::<f64>() / (192.0 * 2.0);
        assert!((100.0..155.0).contains(&mean), "{mean}");
        assert_eq!(small(&RgbImage::new(40, 30)).size, [40, 30]);
        assert_eq!(small(&RgbImage::new(1, 5000)).size, [1, 192]);
        assert_eq!(small(&RgbImage::new(0, 5)).size, [1, 1]);
    }

    #[test]
    fn textures_of_frames_that_are_gone_go_too() {
        let (ctx, frame) = (Context::default(), RgbImage::new(8, 6));
        let mut thumbnails = Thumbnails::default();
        let first = thumbnails.of(&ctx, FrameId(1), &frame);
        assert_eq!(thumbnails.of(&ctx, FrameId(1), &frame), first, "made once");
        thumbnails.of(&ctx, FrameId(2), &frame);
        thumbnails.keep_only([FrameId(2), FrameId(3)].into_iter());
        assert_eq!(thumbnails.textures.keys().collect::<Vec<_>>(), [&FrameId(2)]);
    }
}
