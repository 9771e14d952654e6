//! The usual ways of feeding a detector.

use crate::imaging::ResizeMode;
use crate::inference::{CardOverrides, ColorOrder, ModelCard};

/// How pictures are made a model's input, but for size, layout and element type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Feeding {
    /// See [`ModelCard::color`].
    pub color: ColorOrder,
    /// See [`ModelCard::scale`].
    pub scale: f32,
    /// See [`ModelCard::mean`].
    pub mean: [f32; 3],
    /// See [`ModelCard::std`].
    pub std: [f32; 3],
    /// See [`ModelCard::resize`].
    pub resize: ResizeMode,
    /// See [`ModelCard::pad`].
    pub pad: u8,
}

/// A usual range of values: its name, scale, and mean and deviation of red, green, blue.
struct Range {
    name: &'static str,
    scale: f32,
    mean: [f32; 3],
    std: [f32; 3],
}

const UNIT: f32 = 1.0 / 255.0;

/// The most usual first. ImageNet's mean and deviation on 0…1 come to the same as those of OpenMMLab on 0…255.
const RANGES: [Range; 5] = [
    Range { name: "0…1", scale: UNIT, mean: [0.0; 3], std: [1.0; 3] },
    Range { name: "0…255", scale: 1.0, mean: [0.0; 3], std: [1.0; 3] },
    Range { name: "ImageNet", scale: 1.0, mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] },
    Range { name: "−1…1", scale: 1.0, mean: [127.5; 3], std: [127.5; 3] },
    Range { name: "0…255 less a mean", scale: 1.0, mean: [123.675, 116.28, 103.53], std: [1.0; 3] },
];

/// Factors and offsets that differ by less than this share of the range come to the same.
const SAME: f32 = 0.01;

impl Feeding {
    /// What a card says.
    pub fn of(card: &ModelCard) -> Self {
        let ModelCard { color, scale, mean, std, resize, pad, .. } = *card;
        Self { color, scale, mean, std, resize, pad }
    }

    /// `card` with this feeding.
    pub fn on(&self, card: &ModelCard) -> ModelCard {
        let Self { color, scale, mean, std, resize, pad } = *self;
        ModelCard { color, scale, mean, std, resize, pad, ..card.clone() }
    }

    /// Sets it in a card's keys; numbers only where the model does not take bytes.
    pub fn set_in(&self, keys: &mut CardOverrides, bytes: bool) {
        (keys.color, keys.resize, keys.pad) = (Some(self.color), Some(self.resize), Some(self.pad));
        if !bytes {
            (keys.scale, keys.mean, keys.std) = (Some(self.scale), Some(self.mean), Some(self.std));
        }
    }

    /// In words, as `BGR 0…255, centred letterbox, padding 114`.
    pub fn describe(&self, bytes: bool) -> String {
        let range = match bytes {
            true => "as bytes".to_owned(),
            false => self.range(),
        };
        format!("{} {range}, {}", self.color.name().to_uppercase(), self.resize.describe(self.pad))
    }

    fn range(&self) -> String {
        let own = || format!("(pixel · {} − {:?}) / {:?}", self.scale, self.mean, self.std);
        self.range_name().map_or_else(own, str::to_owned)
    }

    /// The name of its range of values, such as `0…255`, where it is a usual one.
    pub fn range_name(&self) -> Option<&'static str> {
        RANGES.iter().find(|range| range.on(self).comes_to_the_same(self)).map(|range| range.name)
    }

    /// The usual ranges of values, by name, all else as here.
    pub fn with_usual_ranges(&self) -> impl Iterator<Item = (&'static str, Self)> {
        RANGES.iter().map(|range| (range.name, range.on(self)))
    }

    /// Whether two give nearly the same numbers; (x − 127) / 128 is −1…1.
    pub fn comes_to_the_same(&self, other: &Self) -> bool {
        let ends = |feeding: &Self, channel: usize| {
            let at = |pixel: f32| (pixel * feeding.scale - feeding.mean[channel]) / feeding.std[channel];
            [at(0.0), at(255.0)]
        };
        let same = |channel: usize| {
            let (a, b) = (ends(self, channel), ends(other, channel));
            let span = (a[1] - a[0]).abs().max(f32::MIN_POSITIVE);
            a.iter().zip(b).all(|(a, b)| (a - b).abs() <= SAME * span)
        };
        self.color == other.color && self.resize == other.resize && (0..3).all(same)
    }
}

impl Range {
    /// The range in the colour order of `feeding`, all else as there.
    fn on(&self, feeding: &Feeding) -> Feeding {
        let ordered = |[red, green, blue]: [f32; 3]| match feeding.color {
            ColorOrder::Rgb => [red, green, blue],
            ColorOrder::Bgr => [blue, green, red],
        };
        Feeding { scale: self.scale, mean: ordered(self.mean), std: ordered(self.std), ..*feeding }
    }
}

/// The feedings worth trying: that of the card first, then the usual ones that do not come to the same. Models that take
/// bytes are not normalized.
pub fn feedings(card: &ModelCard, bytes: bool) -> Vec<Feeding> {
    let current = Feeding::of(card);
    let ranges = if bytes { &RANGES[..1] } else { &RANGES[..] };
    let mut all = vec![current];
    for color in [ColorOrder::Rgb, ColorOrder::Bgr] {
        for range in ranges {
            for resize in [ResizeMode::LetterboxCenter, ResizeMode::LetterboxTopLeft, ResizeMode::Stretch] {
                let plain = Feeding { color, resize, ..current };
                let feeding = if bytes { plain } else { range.on(&plain) };
                if !all.iter().any(|other| other.comes_to_the_same(&feeding)) {
                    all.push(feeding);
                }
            }
        }
    }
    all
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::imaging::ImageSize;
    use crate::inference::Head;

    /// RGB 0…1, centred letterbox.
    pub fn card() -> ModelCard {
        ModelCard {
            scale: UNIT,
            labels: vec!["cat".into()],
            ..ModelCard::usual(Head::YoloV8, ImageSize::new(320, 320))
        }
    }

    #[test]
    fn the_usual_ones_are_tried_and_the_own_one_comes_first() {
        let card = card();
        let all = feedings(&card, false);
        assert_eq!((all[0], all.len()), (Feeding::of(&card), 2 * 5 * 3));
        let bytes = feedings(&card, true);
        assert_eq!((bytes[0], bytes.len()), (Feeding::of(&card), 2 * 3));
        // An unusual one is tried beside the others.
        let odd = ModelCard { mean: [7.0; 3], ..card.clone() };
        assert_eq!(feedings(&odd, false).len(), 31);
        let own_size = ModelCard { resize: ResizeMode::OwnSize, ..card };
        assert_eq!(feedings(&own_size, false).len(), 31);
    }

    #[test]
    fn what_comes_to_the_same_is_called_the_same() {
        let card = card();
        let imagenet = ModelCard { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], ..card.clone() };
        assert_eq!(feedings(&imagenet, false).len(), 30);
        assert_eq!(Feeding::of(&imagenet).describe(false), "RGB ImageNet, centred letterbox, padding 114");
        let openmmlab = ModelCard {
            color: ColorOrder::Bgr,
            scale: 1.0,
            mean: [103.53, 116.28, 123.675],
            std: [57.375, 57.12, 58.395],
            ..card.clone()
        };
        assert_eq!(Feeding::of(&openmmlab).describe(false), "BGR ImageNet, centred letterbox, padding 114");
        let ultraface = ModelCard { scale: 1.0, mean: [127.0; 3], std: [128.0; 3], ..card.clone() };
        assert!(Feeding::of(&ultraface).describe(false).starts_with("RGB −1…1,"));
        assert_eq!(Feeding::of(&card).describe(true), "RGB as bytes, centred letterbox, padding 114");
        let odd = ModelCard { scale: 2.0, ..card };
        assert!(Feeding::of(&odd).describe(false).starts_with("RGB (pixel · 2 − [0.0, 0.0, 0.0]) / [1.0, 1.0, 1.0],"));
    }

    #[test]
    fn a_choice_becomes_keys_of_a_card() {
        let mut keys = CardOverrides { nms: Some(false), ..CardOverrides::default() };
        Feeding::of(&card()).set_in(&mut keys, true);
        assert_eq!(keys.keys(), ["nms", "color", "resize", "pad"]);
        Feeding::of(&card()).set_in(&mut keys, false);
        assert_eq!(keys.keys(), ["nms", "color", "scale", "mean", "std", "resize", "pad"]);
        let mut other = ModelCard { color: ColorOrder::Bgr, scale: 1.0, ..card() };
        keys.apply(&mut other);
        assert_eq!(Feeding::of(&other), Feeding::of(&card()));
        assert_eq!(Feeding::of(&Feeding::of(&card()).on(&other)), Feeding::of(&card()));
    }
}
