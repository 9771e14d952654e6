//! Which preprocessing suits a model: the usual ones are tried on a few pictures and ranked by how sure and how steady the
//! boxes are.
//!
//! # The score
//!
//! A picture is shown three times: as it is, mirrored, and with an eighth cut off at the left and at the top. Fed rightly, a
//! detector is sure of what it finds, and finds it again where the change of the picture has moved it to; fed wrongly, it
//! finds little, or things that stay where they are whatever is shown (saturated cells), or other things each time.
//!
//! Boxes count from a score of `CONFIDENCE`, the best `MOST_BOXES` of them, after the model's own way of removing
//! duplicates. Of boxes of any class that lie on one place (IoU ≥ 0.7) only the best is an object, the others are strays:
//! one place holds one thing. With `s` the score of a box, and `s'` that of the box of the same class that it meets in a
//! changed view at IoU ≥ 0.5,
//!
//! ```text
//! view    = Σ met s·s'·IoU  −  ½·Σ of both, not met or strays, s²
//! picture = (mean of the views) · (share of the boxes' area that is inside the picture)² · min(1, 50 / boxes)
//! score   = mean of the pictures
//! ```
//!
//! The score of a feeding that resizes as the card says counts a tenth more: a network that keeps to its objects in a
//! letterbox nearly always does so in a stretched picture too, and what looks better by less is chance (stretching shows
//! small things larger). That is about all that boxes can say of it; colours and range they tell surely.
//!
//! It is about the number of objects that are found surely and steadily. Squares let one sure box weigh more than several
//! doubtful ones. Boxes that the cut touches are left out of that view. A score can be negative.

mod feeding;
mod score;

pub use feeding::{Feeding, feedings};

use super::{Detection, Detector, ModelCard, SessionError, Thresholds};
use crate::imaging::{BoxInImage, DrawnBox, ImageSize, Letterbox, RgbImage, draw_boxes};
use score::View;
use std::ops::ControlFlow;

/// Score from which boxes count: low, since a small or quantized model is seldom sure.
const CONFIDENCE: f32 = 0.15;
/// Boxes that are looked at, best first.
const MOST_BOXES: usize = 100;
/// What resizing as the card says is worth.
const AS_THE_CARD: f32 = 1.1;

/// A feeding that was tried.
#[derive(Clone, Debug)]
pub struct Tried {
    /// How the model was fed.
    pub feeding: Feeding,
    /// Whether it is what the model's card says.
    pub current: bool,
    /// See the module's documentation; higher is better.
    pub score: f32,
    /// What was found in each picture as it is, best first.
    pub found: Vec<Vec<Detection>>,
}

/// How far a probe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Feedings that were tried.
    pub done: usize,
    /// Feedings there are to try.
    pub of: usize,
}

/// Tries the usual feedings of `detector` on `pictures`, the session staying the same, and ranks them, best first; among
/// equals the one of the model's card, then the most usual. Feedings that come to the same on these pictures are tried
/// once. `tell` hears of each one and may break off: then None is returned.
///
/// # Errors
///
/// When ONNX Runtime fails.
pub fn run(
    detector: &mut Detector,
    pictures: &[&RgbImage],
    tell: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Option<Vec<Tried>>, SessionError> {
    let card = detector.info().card.clone();
    let feedings = distinct(feedings(&card, detector.takes_bytes()), pictures, card.input_size);
    let views: Vec<Vec<View>> = pictures.iter().map(|picture| View::all(picture)).collect();
    let mut tried = Vec::with_capacity(feedings.len());
    let of = feedings.len();
    for (done, feeding) in feedings.into_iter().enumerate() {
        if tell(Progress { done, of }).is_break() {
            detector.feed_as(&card);
            return Ok(None);
        }
        detector.feed_as(&feeding.on(&card));
        let outcome = try_one(detector, &views, feeding, feeding == Feeding::of(&card));
        match outcome {
            Ok(mut outcome) => {
                if feeding.resize == card.resize && outcome.score > 0.0 {
                    outcome.score *= AS_THE_CARD;
                }
                tried.push(outcome);
            }
            Err(error) => {
                detector.feed_as(&card);
                return Err(error);
            }
        }
    }
    detector.feed_as(&card);
    // Stable: equals stay in the order of `feedings`.
    tried.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(Some(tried))
}

fn try_one(
    detector: &mut Detector,
    views: &[Vec<View>],
    feeding: Feeding,
    current: bool,
) -> Result<Tried, SessionError> {
    let thresholds = Thresholds { confidence: CONFIDENCE, ..Thresholds::default() };
    let (mut found, mut total) = (Vec::new(), 0.0);
    for views in views {
        let mut of_views = Vec::with_capacity(views.len());
        for view in views {
            let mut detections = Vec::new();
            detector.detect(&view.image, thresholds, &mut detections)?;
            detections.truncate(MOST_BOXES);
            of_views.push(detections);
        }
        total += score::of_picture(views, &of_views);
        found.push(of_views.into_iter().next().unwrap_or_default());
    }
    Ok(Tried { feeding, current, score: total / views.len().max(1) as f32, found })
}

/// Without those that map every picture as an earlier one does, such as stretching where letterbox leaves no border.
fn distinct(feedings: Vec<Feeding>, pictures: &[&RgbImage], model: ImageSize) -> Vec<Feeding> {
    let mapped = |feeding: &Feeding| -> Vec<Letterbox> {
        let size = |picture: &&RgbImage| ImageSize::new(picture.width(), picture.height());
        pictures.iter().map(|picture| Letterbox::fit(size(picture), model, feeding.resize)).collect()
    };
    let mut kept: Vec<Feeding> = Vec::new();
    for feeding in feedings {
        let same = |other: &Feeding| {
            Feeding { resize: feeding.resize, ..*other } == feeding && mapped(other) == mapped(&feeding)
        };
        if !kept.iter().any(same) {
            kept.push(feeding);
        }
    }
    kept
}

/// A small picture, at most `width` wide, with what was found in it from a score of `confidence` on.
pub fn small_picture(
    picture: &RgbImage,
    found: &[Detection],
    card: &ModelCard,
    width: u32,
    confidence: f32,
) -> RgbImage {
    let scale = (width as f32 / picture.width().max(1) as f32).min(1.0);
    let side = |side: u32| ((side as f32 * scale).round() as u32).max(1);
    let mut small = image::imageops::thumbnail(picture, side(picture.width()), side(picture.height()));
    let boxes: Vec<DrawnBox> = found
        .iter()
        .filter(|detection| detection.score >= confidence)
        .map(|detection| {
            let r = detection.rect;
            let rect = BoxInImage::new(r.x1 * scale, r.y1 * scale, r.x2 * scale, r.y2 * scale);
            DrawnBox { rect, ..detection.drawn(card) }
        })
        .collect();
    draw_boxes(&mut small, &boxes);
    small
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::ResizeMode;

    #[test]
    fn feedings_that_come_to_the_same_are_tried_once() {
        let card = feeding::tests::card();
        let all = feedings(&card, false);
        let square = RgbImage::new(640, 640);
        let wide = RgbImage::new(640, 360);
        let size = ImageSize::new(320, 320);
        let of_square = distinct(all.clone(), &[&square], size);
        assert_eq!(of_square.len() * 3, all.len());
        assert!(of_square.iter().all(|feeding| feeding.resize == card.resize), "the card's own way is kept");
        assert_eq!(distinct(all.clone(), &[&square, &wide], size).len(), all.len());
        // Twice as wide as high fits without a border.
        let fitting = distinct(all, &[&wide], ImageSize::new(640, 360));
        assert!(fitting.iter().all(|feeding| feeding.resize == ResizeMode::LetterboxCenter));
    }

    #[test]
    fn a_small_picture_carries_the_boxes() {
        let picture = RgbImage::from_pixel(640, 480, image::Rgb([90; 3]));
        let found = Detection { class_id: 0, score: 0.9, rect: BoxInImage::new(160.0, 120.0, 480.0, 360.0) };
        let weak = Detection { score: 0.1, ..found };
        let card = feeding::tests::card();
        let small = small_picture(&picture, &[found], &card, 320, 0.25);
        assert_eq!(small.dimensions(), (320, 240));
        assert_ne!(small.get_pixel(80, 120), &image::Rgb([90; 3]));
        assert!(small_picture(&picture, &[weak], &card, 320, 0.25).pixels().all(|p| *p == image::Rgb([90; 3])));
        assert_eq!(small_picture(&picture, &[], &card, 9000, 0.25).dimensions(), (640, 480));
    }
}
