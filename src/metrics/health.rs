//! Whether what a model finds makes sense: a range clash, a wrong head or a wrong input size shows in the boxes of a few
//! dozen frames.

use crate::imaging::{ImageSize, Letterbox, ResizeMode};
use crate::inference::{Candidate, ModelCard};
use std::collections::VecDeque;

/// Frames that are judged together.
const FRAMES: usize = 60;
/// Frames without anything before that is worth a word where nothing says that there is something to find.
const QUIET_FRAMES: u32 = 300;
/// Frames that have to do where no more are coming.
const FRAMES_AT_END: usize = 10;
/// Candidates of a frame that are looked at, for speed.
const MOST: usize = 300;
/// A score that leaves no doubt; a trained detector hardly ever gives it.
const SATURATED: f32 = 0.995;
/// A frame with so many saturated boxes is saturated.
const MANY: usize = 50;
/// Boxes that must have been seen before it is judged where they lie.
const BOXES_NEEDED: usize = 40;
/// A box of which less than this lies in the picture lies outside.
const INSIDE: f32 = 0.5;
/// So much smaller, small things are lost: what is 60 pixels high has 10 left.
const REDUCED: f32 = 6.0;
/// An input of which the picture fills less than this is mostly padding.
const FILLED: f32 = 0.4;
/// Distortion that no detector is trained for.
const DISTORTED: f32 = 2.5;

/// Something odd about a model's boxes, with what to do about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Oddity {
    /// Not one box, not even a doubtful one.
    Silent {
        /// For so many frames.
        frames: u32,
        /// Whether the other model found something on them.
        other_found: bool,
    },
    /// Many boxes at once, all of them entirely sure.
    Saturated,
    /// Most boxes lie outside the picture.
    Outside {
        /// How many of a hundred.
        percent: u32,
    },
    /// The picture is made very much smaller.
    Reduced {
        /// The source.
        picture: ImageSize,
        /// The input.
        input: ImageSize,
    },
    /// The picture is distorted, or most of the input is padding.
    Misfit {
        /// The source.
        picture: ImageSize,
        /// The input.
        input: ImageSize,
    },
}

impl std::fmt::Display for Oddity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const TRY: &str = "Try preprocessings in the model panel (`quantscope inspect --probe PICTURE`)";
        match self {
            Self::Silent { frames, other_found: true } => write!(
                f,
                "nothing was found in {frames} frames, not even with a score of 1 %, where the other model finds \
                 something. Scores that are all zero are typical of a quantized head whose boxes and scores share one \
                 range: keep the head in floats. Else the preprocessing is wrong. {TRY}"
            ),
            Self::Silent { frames, other_found: false } => write!(
                f,
                "nothing was found in {frames} frames, not even with a score of 1 %. If there is something to find, \
                 the preprocessing is wrong or the scores were lost in quantization. {TRY}"
            ),
            Self::Saturated => write!(
                f,
                "dozens of boxes a frame have a score of 100 %. Scores are saturated: the head was quantized with one \
                 range for boxes and scores, or the scores are read before their sigmoid. Check the head in the model panel"
            ),
            Self::Outside { percent } => write!(
                f,
                "{percent} % of the boxes lie outside the picture. Head, input size or layout are not what the model \
                 has: correct them in the model panel"
            ),
            Self::Reduced { picture, input } => write!(
                f,
                "pictures of {picture} are reduced to {input}: small things are lost. Take a model with a larger \
                 input, or a smaller picture from the camera"
            ),
            Self::Misfit { picture, input } => write!(
                f,
                "pictures of {picture} do not suit the input of {input}: most of it is padding, or the picture is \
                 distorted. Turn the camera, or take a model of another shape"
            ),
        }
    }
}

/// What one frame showed.
#[derive(Clone, Copy, Debug)]
struct Look {
    saturated: bool,
    boxes: usize,
    outside: usize,
}

/// The last frames of one model.
#[derive(Clone, Debug, Default)]
pub struct Health {
    frames: VecDeque<Look>,
    /// Frames since something was found; None once something was found at all.
    silent: Option<u32>,
    found_once: bool,
    fit: Option<Oddity>,
}

impl Health {
    /// Notes a frame: every candidate from a score of 0.01 up, as the head gave them, and how the picture was fed. Boxes
    /// count from a score of `confidence`.
    pub fn push(&mut self, candidates: &[Candidate], letterbox: &Letterbox, card: &ModelCard, confidence: f32) {
        let (mut saturated, mut boxes, mut outside) = (0, 0, 0);
        for candidate in candidates.iter().filter(|candidate| candidate.score >= confidence).take(MOST) {
            let rect = letterbox.image_from_model(candidate.rect);
            boxes += 1;
            saturated += usize::from(candidate.score >= SATURATED);
            outside += usize::from(rect.clipped_to(letterbox.image).area() < INSIDE * rect.area());
        }
        if self.frames.len() == FRAMES {
            self.frames.pop_front();
        }
        // A model that has duplicates removed gives many boxes an object: only nearly all of them saturated is odd.
        self.frames.push_back(Look { saturated: saturated >= MANY && saturated * 10 >= boxes * 9, boxes, outside });
        self.found_once |= !candidates.is_empty();
        let silent = self.silent.unwrap_or(0).saturating_add(1);
        self.silent = (!self.found_once).then_some(silent);
        self.fit = misfit(letterbox, card.resize);
    }

    /// Forgets the frames: others are coming.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// What is odd, the gravest first. `other_found` says whether the other model finds something on the same frames.
    pub fn oddities(&self, other_found: bool) -> Vec<Oddity> {
        let needed = if other_found { FRAMES as u32 } else { QUIET_FRAMES };
        self.judged(needed, other_found, FRAMES)
    }

    /// The same where no more frames are coming: fewer have to do.
    pub fn oddities_at_end(&self) -> Vec<Oddity> {
        self.judged(FRAMES_AT_END as u32, false, FRAMES_AT_END)
    }

    fn judged(&self, needed: u32, other_found: bool, least: usize) -> Vec<Oddity> {
        let enough = self.frames.len() >= least;
        let silent = self.silent.filter(|frames| *frames >= needed);
        let silent = silent.map(|frames| Oddity::Silent { frames, other_found });
        let saturated = self.frames.iter().filter(|look| look.saturated).count();
        let saturated = (enough && saturated * 2 > self.frames.len()).then_some(Oddity::Saturated);
        let boxes: usize = self.frames.iter().map(|look| look.boxes).sum();
        let outside: usize = self.frames.iter().map(|look| look.outside).sum();
        let outside = (enough && boxes >= BOXES_NEEDED && outside * 2 > boxes)
            .then(|| Oddity::Outside { percent: (100 * outside / boxes) as u32 });
        silent.into_iter().chain(saturated).chain(outside).chain(self.fit).collect()
    }

    /// Whether anything was found, however doubtful.
    pub fn found_something(&self) -> bool {
        self.frames.iter().any(|look| look.boxes > 0)
    }
}

fn misfit(letterbox: &Letterbox, resize: ResizeMode) -> Option<Oddity> {
    let (picture, input, content) = (letterbox.image, letterbox.model, letterbox.content);
    let ratio = |from: u32, to: u32| from as f32 / to.max(1) as f32;
    let (x, y) = (ratio(picture.width, content.width), ratio(picture.height, content.height));
    let area = |size: ImageSize| f64::from(size.width) * f64::from(size.height);
    let filled = (area(content) / area(input).max(1.0)) as f32;
    let distorted = (x / y).max(y / x);
    match resize {
        ResizeMode::OwnSize => None,
        _ if filled < FILLED || distorted > DISTORTED => Some(Oddity::Misfit { picture, input }),
        _ if x.min(y) >= REDUCED => Some(Oddity::Reduced { picture, input }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::BoxInModel;
    use crate::inference::Head;

    fn card(resize: ResizeMode) -> ModelCard {
        ModelCard {
            scale: 1.0,
            resize,
            labels: vec!["cat".into()],
            ..ModelCard::usual(Head::YoloV8, ImageSize::new(320, 320))
        }
    }

    fn fit(width: u32, height: u32, mode: ResizeMode) -> Letterbox {
        Letterbox::fit(ImageSize::new(width, height), ImageSize::new(320, 320), mode)
    }

    fn candidates(count: usize, score: f32, x: f32) -> Vec<Candidate> {
        vec![Candidate { class_id: 0, score, rect: BoxInModel::new(x, 100.0, x + 40.0, 140.0) }; count]
    }

    fn after(frames: usize, candidates: &[Candidate], other_found: bool) -> Vec<Oddity> {
        let mode = ResizeMode::LetterboxCenter;
        let mut health = Health::default();
        (0..frames).for_each(|_| health.push(candidates, &fit(640, 480, mode), &card(mode), 0.25));
        health.oddities(other_found)
    }

    #[test]
    fn a_model_that_works_is_not_odd() {
        assert_eq!(after(400, &candidates(3, 0.8, 50.0), true), []);
        // Hundreds of candidates of a few objects, all quite sure, are usual before duplicates are removed.
        assert_eq!(after(400, &candidates(200, 0.9, 50.0), true), []);
    }

    #[test]
    fn silence_is_odd_soon_where_the_other_model_finds_something_and_late_where_not() {
        assert_eq!(after(59, &[], true), []);
        assert_eq!(after(60, &[], true), [Oddity::Silent { frames: 60, other_found: true }]);
        assert_eq!(after(299, &[], false), []);
        assert_eq!(after(300, &[], false), [Oddity::Silent { frames: 300, other_found: false }]);
        let mode = ResizeMode::LetterboxCenter;
        let mut health = Health::default();
        health.push(&candidates(1, 0.02, 50.0), &fit(640, 480, mode), &card(mode), 0.25);
        (0..999).for_each(|_| health.push(&[], &fit(640, 480, mode), &card(mode), 0.25));
        assert_eq!(health.oddities(true), [], "an empty street after a car is no fault");
        health.clear();
        (0..10).for_each(|_| health.push(&[], &fit(640, 480, mode), &card(mode), 0.25));
        assert_eq!((health.oddities(true).len(), health.oddities_at_end().len()), (0, 1));
        (0..50).for_each(|_| health.push(&[], &fit(640, 480, mode), &card(mode), 0.25));
        assert_eq!(health.oddities(true).len(), 1);
    }

    #[test]
    fn saturated_scores_and_boxes_outside_are_odd() {
        assert_eq!(after(60, &candidates(100, 1.0, 50.0), true), [Oddity::Saturated]);
        assert_eq!(after(30, &candidates(100, 1.0, 50.0), true), [], "too early");
        assert_eq!(after(60, &candidates(2, 0.9, 900.0), true), [Oddity::Outside { percent: 100 }]);
        assert_eq!(after(60, &candidates(2, 0.9, 300.0), true), []);
    }

    #[test]
    fn only_an_input_that_is_really_unsuitable_is_odd() {
        use ResizeMode::{LetterboxCenter, OwnSize, Stretch};
        let table = [
            (1280, 720, LetterboxCenter, 0),
            (1920, 1080, LetterboxCenter, 1),
            (1920, 1080, Stretch, 0),
            (720, 1280, Stretch, 0),
            (3000, 300, Stretch, 1),
            (3000, 300, LetterboxCenter, 1),
            (3840, 2160, Stretch, 1),
            (3840, 2160, OwnSize, 0),
            (64, 64, LetterboxCenter, 0),
        ];
        for (width, height, mode, count) in table {
            let found: Vec<_> = misfit(&fit(width, height, mode), mode).into_iter().collect();
            assert_eq!(found.len(), count, "{width}x{height} {mode:?}: {found:?}");
        }
        let portrait = Letterbox::fit(ImageSize::new(720, 1280), ImageSize::new(640, 384), LetterboxCenter);
        assert!(matches!(misfit(&portrait, LetterboxCenter), Some(Oddity::Misfit { .. })));
    }

    #[test]
    fn every_oddity_says_what_to_do() {
        let size = ImageSize::new(8, 4);
        for (oddity, remedy) in [
            (Oddity::Silent { frames: 60, other_found: true }, "keep the head in floats"),
            (Oddity::Silent { frames: 300, other_found: false }, "inspect --probe"),
            (Oddity::Saturated, "Check the head"),
            (Oddity::Outside { percent: 80 }, "correct them in the model panel"),
            (Oddity::Reduced { picture: size, input: size }, "larger input"),
            (Oddity::Misfit { picture: size, input: size }, "Turn the camera"),
        ] {
            assert!(oddity.to_string().contains(remedy), "{oddity}");
        }
    }
}
