//! Sizes, boxes and the mapping between picture and model input.

use serde::{Deserialize, Serialize};

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageSize {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl ImageSize {
    /// A size of `width` columns and `height` rows.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }
}

impl std::fmt::Display for ImageSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// A box in pixels of the source picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoxInImage {
    /// Left edge.
    pub x1: f32,
    /// Top edge.
    pub y1: f32,
    /// Right edge.
    pub x2: f32,
    /// Bottom edge.
    pub y2: f32,
}

impl BoxInImage {
    /// A box from its left, top, right and bottom edges.
    pub const fn new(x1: f32, y1: f32, x2: f32, y2: f32) -> Self {
        Self { x1, y1, x2, y2 }
    }

    /// Width in pixels, never negative.
    pub fn width(&self) -> f32 {
        (self.x2 - self.x1).max(0.0)
    }

    /// Height in pixels, never negative.
    pub fn height(&self) -> f32 {
        (self.y2 - self.y1).max(0.0)
    }

    /// Area in square pixels.
    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    /// Intersection over union with `other`, 0…1 (0 when both are empty).
    pub fn iou(&self, other: &Self) -> f32 {
        let overlap_width = (self.x2.min(other.x2) - self.x1.max(other.x1)).max(0.0);
        let overlap_height = (self.y2.min(other.y2) - self.y1.max(other.y1)).max(0.0);
        let intersection = overlap_width * overlap_height;
        let union = self.area() + other.area() - intersection;
        if union > 0.0 { intersection / union } else { 0.0 }
    }

    /// The part of the box that lies inside a picture of `size`.
    pub fn clipped_to(&self, size: ImageSize) -> Self {
        let (width, height) = (size.width as f32, size.height as f32);
        Self {
            x1: self.x1.clamp(0.0, width),
            y1: self.y1.clamp(0.0, height),
            x2: self.x2.clamp(0.0, width),
            y2: self.y2.clamp(0.0, height),
        }
    }
}

/// A box in pixels of the model's input tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxInModel {
    /// Left edge.
    pub x1: f32,
    /// Top edge.
    pub y1: f32,
    /// Right edge.
    pub x2: f32,
    /// Bottom edge.
    pub y2: f32,
}

impl BoxInModel {
    /// A box from its left, top, right and bottom edges.
    pub const fn new(x1: f32, y1: f32, x2: f32, y2: f32) -> Self {
        Self { x1, y1, x2, y2 }
    }

    /// A box from its centre, width and height.
    pub fn from_center(cx: f32, cy: f32, width: f32, height: f32) -> Self {
        Self { x1: cx - width / 2.0, y1: cy - height / 2.0, x2: cx + width / 2.0, y2: cy + height / 2.0 }
    }
}

/// How a picture is made to fit the model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeMode {
    /// Aspect ratio kept, picture in the top-left corner, padding right or below (YOLOX, RTMDet).
    LetterboxTopLeft,
    /// Aspect ratio kept, picture in the middle, padding on both sides (YOLOv5 and later).
    LetterboxCenter,
    /// Aspect ratio given up, no padding (SSD, DETR).
    Stretch,
    /// The picture as large as it is, its sides stretched up to multiples of 32; the model's input has that size
    /// (fully convolutional networks, as CenterFace). Pictures beyond 1920 pixels are reduced to that first.
    OwnSize,
}

/// Sides of an input in [`ResizeMode::OwnSize`] are multiples of this, the coarsest stride of usual networks.
const OWN_SIZE_STEP: u32 = 32;

/// Longest side of an input in [`ResizeMode::OwnSize`]: a photograph of 50 megapixels would ask for gigabytes.
const OWN_SIZE_LONGEST: u32 = 1920;

impl ResizeMode {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::LetterboxTopLeft, Self::LetterboxCenter, Self::Stretch, Self::OwnSize];

    /// The name used in cards and reports, such as `letterbox_center`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LetterboxTopLeft => "letterbox_top_left",
            Self::LetterboxCenter => "letterbox_center",
            Self::Stretch => "stretch",
            Self::OwnSize => "own_size",
        }
    }

    /// In words, as `centred letterbox, padding 114`.
    pub fn describe(self, pad: u8) -> String {
        match self {
            Self::LetterboxTopLeft => format!("letterbox at the top left, padding {pad}"),
            Self::LetterboxCenter => format!("centred letterbox, padding {pad}"),
            Self::Stretch => "stretched".to_owned(),
            Self::OwnSize => "in its own size, sides rounded up to multiples of 32".to_owned(),
        }
    }
}

/// The model's input for a picture in its own size.
fn own_size(image: ImageSize) -> ImageSize {
    let longest = image.width.max(image.height).max(1);
    let reduced = |side: u32| match longest > OWN_SIZE_LONGEST {
        true => (u64::from(side) * u64::from(OWN_SIZE_LONGEST) / u64::from(longest)) as u32,
        false => side,
    };
    let rounded = |side: u32| reduced(side).max(1).next_multiple_of(OWN_SIZE_STEP);
    ImageSize::new(rounded(image.width), rounded(image.height))
}

/// The mapping from a picture onto the model's input and back.
///
/// `model = image * scale + offset` on each axis, in corner coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Letterbox {
    /// Size of the source picture.
    pub image: ImageSize,
    /// Size of the model's input.
    pub model: ImageSize,
    /// Size of the resized picture inside the model's input.
    pub content: ImageSize,
    /// Column of the model's input where the resized picture begins.
    pub left: u32,
    /// Row of the model's input where the resized picture begins.
    pub top: u32,
    /// Pixels of the model's input for one pixel of the source, on x and on y. A letterbox has one ratio for both, as in
    /// every reference implementation, although the resized picture's sides are rounded to whole pixels.
    scale: [f32; 2],
}

impl Letterbox {
    /// Fits a picture of size `image` into a model input of size `model` (which [`ResizeMode::OwnSize`] replaces). The
    /// sides of the resized picture are rounded to whole pixels, halves to even ones as Python's `round` does, which the
    /// reference implementations use: a row more or less shifts boxes of small inputs.
    pub fn fit(image: ImageSize, model: ImageSize, mode: ResizeMode) -> Self {
        let model = if mode == ResizeMode::OwnSize { own_size(image) } else { model };
        let ratios = [(model.width, image.width), (model.height, image.height)]
            .map(|(to, from)| f64::from(to) / f64::from(from.max(1)));
        let ratio = ratios[0].min(ratios[1]);
        let rounded =
            |side: u32, limit: u32| ((f64::from(side) * ratio).round_ties_even() as u32).clamp(1, limit.max(1));
        let kept = ImageSize::new(rounded(image.width, model.width), rounded(image.height, model.height));
        let (content, left, top, scale) = match mode {
            ResizeMode::Stretch | ResizeMode::OwnSize => (model, 0, 0, ratios),
            ResizeMode::LetterboxTopLeft => (kept, 0, 0, [ratio; 2]),
            ResizeMode::LetterboxCenter => {
                (kept, (model.width - kept.width) / 2, (model.height - kept.height) / 2, [ratio; 2])
            }
        };
        Self { image, model, content, left, top, scale: scale.map(|ratio| ratio as f32) }
    }

    /// Takes a box from the model's input to the source picture (not clipped).
    pub fn image_from_model(&self, b: BoxInModel) -> BoxInImage {
        let [sx, sy] = self.scale;
        let (left, top) = (self.left as f32, self.top as f32);
        BoxInImage { x1: (b.x1 - left) / sx, y1: (b.y1 - top) / sy, x2: (b.x2 - left) / sx, y2: (b.y2 - top) / sy }
    }

    /// Takes a box from the source picture to the model's input.
    pub fn model_from_image(&self, b: BoxInImage) -> BoxInModel {
        let [sx, sy] = self.scale;
        let (left, top) = (self.left as f32, self.top as f32);
        BoxInModel { x1: b.x1 * sx + left, y1: b.y1 * sy + top, x2: b.x2 * sx + left, y2: b.y2 * sy + top }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_wide_picture_gets_its_padding_below_or_on_both_sides() {
        let half = Letterbox::fit(ImageSize::new(640, 425), ImageSize::new(320, 320), ResizeMode::LetterboxTopLeft);
        assert_eq!(half.content, ImageSize::new(320, 212));
        let (image, model) = (ImageSize::new(1280, 720), ImageSize::new(416, 416));
        let corner = Letterbox::fit(image, model, ResizeMode::LetterboxTopLeft);
        assert_eq!((corner.content, corner.left, corner.top), (ImageSize::new(416, 234), 0, 0));
        let center = Letterbox::fit(image, model, ResizeMode::LetterboxCenter);
        assert_eq!((center.content, center.left, center.top), (ImageSize::new(416, 234), 0, 91));
        let stretch = Letterbox::fit(image, model, ResizeMode::Stretch);
        assert_eq!(stretch.content, model);
        let own = Letterbox::fit(image, model, ResizeMode::OwnSize);
        assert_eq!((own.model, own.content), (ImageSize::new(1280, 736), ImageSize::new(1280, 736)));
        let large = Letterbox::fit(ImageSize::new(8000, 6000), model, ResizeMode::OwnSize);
        assert_eq!(large.model, ImageSize::new(1920, 1440));
    }

    #[test]
    fn iou_of_known_boxes() {
        let a = BoxInImage::new(0.0, 0.0, 10.0, 10.0);
        assert_eq!(a.iou(&a), 1.0);
        assert_eq!(a.iou(&BoxInImage::new(20.0, 0.0, 30.0, 10.0)), 0.0);
        assert!((a.iou(&BoxInImage::new(5.0, 0.0, 15.0, 10.0)) - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(BoxInImage::new(1.0, 1.0, 1.0, 1.0).iou(&BoxInImage::new(1.0, 1.0, 1.0, 1.0)), 0.0);
    }

    proptest! {
        #[test]
        fn a_box_survives_the_way_to_the_model_and_back(
            w in 1u32..4000, h in 1u32..4000, mw in 32u32..1280, mh in 32u32..1280,
            mode in prop::sample::select(vec![
                ResizeMode::LetterboxTopLeft, ResizeMode::LetterboxCenter, ResizeMode::Stretch, ResizeMode::OwnSize,
            ]),
            fx in 0.0f32..1.0, fy in 0.0f32..1.0,
        ) {
            let fit = Letterbox::fit(ImageSize::new(w, h), ImageSize::new(mw, mh), mode);
            let model = fit.model;
            prop_assert!(fit.left + fit.content.width <= model.width && fit.top + fit.content.height <= model.height);
            let b = BoxInImage::new(fx * w as f32 * 0.5, fy * h as f32 * 0.5, w as f32, h as f32);
            let back = fit.image_from_model(fit.model_from_image(b));
            let tolerance = 1e-3 * w.max(h) as f32;
            for (got, want) in [(back.x1, b.x1), (back.y1, b.y1), (back.x2, b.x2), (back.y2, b.y2)] {
                prop_assert!((got - want).abs() <= tolerance, "{back:?} {b:?}");
            }
        }
    }
}
