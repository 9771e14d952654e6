//! The frame as a texture, uploaded once for each frame.

use crate::imaging::RgbImage;
use crate::pipeline::FrameId;
use eframe::egui::{Color32, ColorImage, Context, Painter, Rect, TextureHandle, TextureOptions, Vec2, pos2, vec2};

/// The texture of the frame that is drawn.
#[derive(Default)]
pub struct Picture {
    texture: Option<TextureHandle>,
    frame: Option<FrameId>,
    size: Vec2,
    uploads: u64,
}

impl Picture {
    /// Makes `image` the picture. Does nothing when `frame` is on the graphics card already.
    pub fn show(&mut self, ctx: &Context, frame: FrameId, image: &RgbImage) {
        if self.frame == Some(frame) {
            return;
        }
        let side = ctx.input(|input| input.max_texture_side);
        let pixels = pixels(image, side);
        let options = TextureOptions::LINEAR;
        match &mut self.texture {
            Some(texture) => texture.set(pixels, options),
            None => self.texture = Some(ctx.load_texture("frame", pixels, options)),
        }
        self.frame = Some(frame);
        self.size = vec2(image.width().max(1) as f32, image.height().max(1) as f32);
        self.uploads += 1;
    }

    /// Width and height in pixels of the source picture.
    pub fn size(&self) -> Vec2 {
        if self.size == Vec2::ZERO { vec2(16.0, 9.0) } else { self.size }
    }

    /// How often a texture was uploaded.
    pub fn uploads(&self) -> u64 {
        self.uploads
    }

    /// Draws the picture; darker when it is old.
    pub fn paint(&self, painter: &Painter, place: Rect, dimmed: bool) {
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        let tint = if dimmed { Color32::from_gray(90) } else { Color32::WHITE };
        if let Some(texture) = &self.texture {
            painter.image(texture.id(), place, whole, tint);
        }
    }
}

/// The picture as egui takes it; every n-th pixel where it is larger than the graphics card allows.
fn pixels(image: &RgbImage, most: usize) -> ColorImage {
    let (width, height) = (image.width() as usize, image.height() as usize);
    if width == 0 || height == 0 {
        return ColorImage::filled([1, 1], Color32::BLACK);
    }
    let step = width.max(height).div_ceil(most.max(1));
    if step <= 1 {
        return ColorImage::from_rgb([width, height], image.as_raw());
    }
    let (columns, rows) = (width.div_ceil(step), height.div_ceil(step));
    let color = |x: usize, y: usize| {
        let [r, g, b] = image.get_pixel((x * step) as u32, (y * step) as u32).0;
        Color32::from_rgb(r, g, b)
    };
    let pixels = (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))).map(|(x, y)| color(x, y)).collect();
    ColorImage::new([columns, rows], pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn a_picture_that_is_too_large_is_thinned_out_and_an_empty_one_does_no_harm() {
        let image = RgbImage::from_fn(1000, 30, |x, y| Rgb([x as u8, y as u8, 7]));
        let thinned = pixels(&image, 256);
        assert_eq!(thinned.size, [250, 8]);
        assert_eq!(thinned.pixels[251], Color32::from_rgb(4, 4, 7));
        assert_eq!(pixels(&image, 4096).size, [1000, 30]);
        assert_eq!(pixels(&RgbImage::new(0, 5), 256).size, [1, 1]);
    }

    #[test]
    fn a_texture_is_uploaded_only_for_a_new_frame() {
        let ctx = Context::default();
        let mut picture = Picture::default();
        for frame in [1, 1, 1, 2, 2, 3] {
            picture.show(&ctx, FrameId(frame), &RgbImage::new(8, 4));
        }
        assert_eq!(picture.uploads(), 3);
        assert_eq!(picture.size(), vec2(8.0, 4.0));
    }
}
