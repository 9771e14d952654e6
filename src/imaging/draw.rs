//! Boxes and captions on a picture that is going to be saved. The window draws its own.

use super::{BoxInImage, ImageSize, RgbImage, text_on};
use ab_glyph::{FontRef, PxScale};
use image::Rgb;
use imageproc::drawing::{draw_filled_rect_mut, draw_text_mut, text_size};
use imageproc::rect::Rect;

/// A box as it is to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnBox {
    /// Where, in pixels of the picture.
    pub rect: BoxInImage,
    /// Text on its label, such as "stop 0.91"; none is drawn when it is empty.
    pub text: String,
    /// Colour of line and label, red, green, blue.
    pub color: [u8; 3],
    /// Broken line, for boxes that only one of two models found.
    pub dashed: bool,
}

/// Draws boxes with their labels; line width and text grow with the picture. A dark line around each coloured one
/// keeps it visible on any picture.
pub fn draw_boxes(image: &mut RgbImage, boxes: &[DrawnBox]) {
    let size = ImageSize::new(image.width(), image.height());
    let pen = Pen::for_picture(size);
    for drawn in boxes {
        pen.outline(image, drawn.rect.clipped_to(size), drawn.color, drawn.dashed);
    }
    // Labels last, so that no line crosses a text.
    for drawn in boxes.iter().filter(|drawn| !drawn.text.is_empty()) {
        let rect = drawn.rect.clipped_to(size);
        pen.label(image, &drawn.text, drawn.color, (rect.x1 as i32, rect.y1 as i32), Anchor::Above);
    }
}

/// Writes a line of text on a filled bar in the top left corner.
pub fn draw_caption(image: &mut RgbImage, text: &str, color: [u8; 3]) {
    draw_captions(image, &[(Corner::TopLeft, text)], color);
}

/// A corner of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corner {
    /// Top left.
    TopLeft,
    /// Top right.
    TopRight,
    /// Bottom left.
    BottomLeft,
}

/// Writes lines of text on filled bars in corners. One that would lie over an earlier one goes below it.
pub fn draw_captions(image: &mut RgbImage, captions: &[(Corner, &str)], color: [u8; 3]) {
    let (width, height) = (image.width() as i32, image.height() as i32);
    let pen = Pen::for_picture(ImageSize::new(image.width(), image.height()));
    let mut taken: Vec<(i32, i32, i32)> = Vec::new();
    for (corner, text) in captions.iter().filter(|(_, text)| !text.is_empty()) {
        let (bar, line) = pen.label_size(text);
        let x = if *corner == Corner::TopRight { (width - bar).max(0) } else { 0 };
        let mut y = if *corner == Corner::BottomLeft { height - line } else { 0 };
        while let Some((_, _, bottom)) = taken
            .iter()
            .find(|(left, right, bottom)| y + line > bottom - line && y < *bottom && x < *right && x + bar > *left)
        {
            y = *bottom;
        }
        taken.push((x, x + bar, y + line));
        pen.label(image, text, color, (x, y), Anchor::Below);
    }
}

/// Which side of a point a label is put on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Above,
    Below,
}

/// Sizes that fit a picture.
struct Pen {
    line: i32,
    text: PxScale,
    font: Option<FontRef<'static>>,
}

impl Pen {
    fn for_picture(size: ImageSize) -> Self {
        let side = size.width.min(size.height) as f32;
        // The bytes belong to the program, so a font that cannot be read is a broken build; boxes are drawn even so.
        let font = FontRef::try_from_slice(epaint_default_fonts::HACK_REGULAR).ok();
        Self { line: ((side / 240.0).round() as i32).clamp(1, 8), text: (side / 32.0).clamp(11.0, 48.0).into(), font }
    }

    fn outline(&self, image: &mut RgbImage, rect: BoxInImage, color: [u8; 3], dashed: bool) {
        let (x1, y1) = (rect.x1.round() as i32, rect.y1.round() as i32);
        let (x2, y2) = (rect.x2.round() as i32, rect.y2.round() as i32);
        let halo = self.line + 2;
        for (width, color, dash) in [(halo, [0, 0, 0], false), (self.line, color, dashed)] {
            let before = width / 2;
            let spans = |from: i32, to: i32| -> Vec<(i32, i32)> {
                if !dash {
                    return vec![(from, to)];
                }
                let period = self.line * 8;
                (from..to).step_by(period.max(1) as usize).map(|at| (at, (at + period / 2).min(to))).collect()
            };
            for (from, to) in spans(x1 - before, x2 + before + 1) {
                fill(image, (from, y1 - before), (to - from, width), color);
                fill(image, (from, y2 - before), (to - from, width), color);
            }
            for (from, to) in spans(y1 - before, y2 + before + 1) {
                fill(image, (x1 - before, from), (width, to - from), color);
                fill(image, (x2 - before, from), (width, to - from), color);
            }
        }
    }

    /// Between a label's text and its edge.
    fn pad(&self) -> i32 {
        self.line + 1
    }

    /// Width and height of a label in pixels.
    fn label_size(&self, text: &str) -> (i32, i32) {
        let width = self.font.as_ref().map_or(0, |font| text_size(self.text, font, text).0);
        (width as i32 + 2 * self.pad(), self.text.y.ceil() as i32 + self.pad())
    }

    fn label(&self, image: &mut RgbImage, text: &str, color: [u8; 3], at: (i32, i32), anchor: Anchor) {
        let Some(font) = &self.font else { return };
        let (width, height) = self.label_size(text);
        let pad = self.pad();
        let above = at.1 - height;
        let y = if anchor == Anchor::Above && above >= 0 { above } else { at.1 };
        let x = at.0.min(image.width() as i32 - width).max(0);
        fill(image, (x, y), (width, height), color);
        draw_text_mut(image, Rgb(text_on(color)), x + pad, y + pad / 2, self.text, font, text);
    }
}

/// Fills a rectangle, cut at the picture's edges; nothing when it is empty.
fn fill(image: &mut RgbImage, at: (i32, i32), size: (i32, i32), color: [u8; 3]) {
    if size.0 > 0 && size.1 > 0 {
        draw_filled_rect_mut(image, Rect::at(at.0, at.1).of_size(size.0 as u32, size.1 as u32), Rgb(color));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 3] = [230, 30, 30];

    fn drawn(x1: f32, y1: f32, x2: f32, y2: f32, text: &str, dashed: bool) -> DrawnBox {
        DrawnBox { rect: BoxInImage::new(x1, y1, x2, y2), text: text.to_owned(), color: RED, dashed }
    }

    fn count(image: &RgbImage, color: [u8; 3]) -> usize {
        image.pixels().filter(|pixel| pixel.0 == color).count()
    }

    #[test]
    fn the_line_lies_on_the_box_with_a_dark_line_around_it_and_the_inside_is_untouched() {
        let mut image = RgbImage::from_pixel(320, 240, Rgb([90, 90, 90]));
        draw_boxes(&mut image, &[drawn(40.0, 60.0, 200.0, 160.0, "", false)]);
        assert_eq!(image.get_pixel(40, 100).0, RED);
        assert_eq!(image.get_pixel(120, 160).0, RED);
        assert_eq!(image.get_pixel(38, 100).0, [90, 90, 90]);
        assert_eq!(image.get_pixel(39, 100).0, [0, 0, 0]);
        assert_eq!(image.get_pixel(120, 110).0, [90, 90, 90]);
    }

    #[test]
    fn a_broken_line_has_about_half_the_colour() {
        let picture = |dashed| {
            let mut image = RgbImage::new(320, 240);
            draw_boxes(&mut image, &[drawn(40.0, 60.0, 200.0, 160.0, "", dashed)]);
            count(&image, RED) as f32
        };
        let share = picture(true) / picture(false);
        assert!((0.35..0.65).contains(&share), "{share}");
    }

    #[test]
    fn a_label_is_written_above_or_inside_at_the_top_edge_and_stays_in_the_picture() {
        for (y1, row) in [(80.0, 70), (0.0, 6)] {
            let mut image = RgbImage::new(320, 240);
            draw_boxes(&mut image, &[drawn(280.0, y1, 318.0, 200.0, "roundabout 0.91", false)]);
            let filled = (0..320).filter(|&x| image.get_pixel(x, row).0 != [0, 0, 0]).count();
            assert!(filled > 90, "{filled} pixels of the label at row {row}");
        }
    }

    #[test]
    fn captions_stand_in_their_corners_and_never_over_each_other() {
        let captions = [(Corner::TopLeft, "left"), (Corner::TopRight, "right"), (Corner::BottomLeft, "below")];
        let mut image = RgbImage::new(320, 240);
        draw_captions(&mut image, &captions, RED);
        for (x, y) in [(0, 0), (319, 0), (0, 239)] {
            assert_eq!(image.get_pixel(x, y).0, RED, "{x}, {y}");
        }
        assert_ne!(image.get_pixel(319, 239).0, RED);
        let mut narrow = RgbImage::new(60, 240);
        draw_captions(&mut narrow, &captions, RED);
        let rows = (0..240).filter(|&y| narrow.get_pixel(0, y).0 == RED || narrow.get_pixel(59, y).0 == RED);
        let one = Pen::for_picture(ImageSize::new(60, 240)).label_size("left").1;
        assert_eq!(rows.count() as i32, 3 * one, "the right one stands below the left one");
    }

    #[test]
    fn boxes_off_the_picture_and_empty_ones_do_no_harm() {
        let mut image = RgbImage::new(32, 8);
        let boxes = [
            drawn(-500.0, -500.0, 900.0, 900.0, "a", true),
            drawn(5.0, 5.0, 5.0, 5.0, "b", true),
            drawn(f32::NAN, 0.0, f32::INFINITY, 3.0, "a long label that is wider than the picture", false),
        ];
        draw_boxes(&mut image, &boxes);
        draw_caption(&mut image, "caption", RED);
        assert_eq!(image.dimensions(), (32, 8));
    }
}
