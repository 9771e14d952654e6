//! What is believed of a model.

use super::{Anchors, Head};
use crate::imaging::{ImageSize, ResizeMode};
use serde::{Deserialize, Serialize};

/// Order of a tensor's axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Batch, channel, row, column.
    Nchw,
    /// Batch, row, column, channel.
    Nhwc,
}

/// Order of the colour channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColorOrder {
    /// Red first.
    Rgb,
    /// Blue first (OpenCV's order).
    Bgr,
}

impl Layout {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Nchw, Self::Nhwc];

    /// `nchw` or `nhwc`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nchw => "nchw",
            Self::Nhwc => "nhwc",
        }
    }
}

impl ColorOrder {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Rgb, Self::Bgr];

    /// `rgb` or `bgr`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rgb => "rgb",
            Self::Bgr => "bgr",
        }
    }
}

/// How a model numbers its classes. Detections are numbered from 0 in any case, those of COCO as its 80 classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassNumbers {
    /// The first class is 0.
    #[default]
    FromZero,
    /// The first class is 1; 0 is the background.
    FromOne,
    /// COCO's category ids 1…90, of which ten are not used.
    CocoIds,
    /// COCO's category ids less one, 0…89.
    CocoIdsLessOne,
}

impl ClassNumbers {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::FromZero, Self::FromOne, Self::CocoIds, Self::CocoIdsLessOne];

    /// The name used in cards and reports, such as `from_zero`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FromZero => "from_zero",
            Self::FromOne => "from_one",
            Self::CocoIds => "coco_ids",
            Self::CocoIdsLessOne => "coco_ids_less_one",
        }
    }

    /// The number of a detection's class for the model's own; none for the background and for ids that COCO does not use.
    pub fn class_id(self, own: u32) -> Option<u32> {
        match self {
            Self::FromZero => Some(own),
            Self::FromOne => own.checked_sub(1),
            Self::CocoIds => crate::dataset::class_of_category(own),
            Self::CocoIdsLessOne => crate::dataset::class_of_category(own.checked_add(1)?),
        }
    }

    /// Whether these are COCO's ids.
    pub fn is_coco(self) -> bool {
        matches!(self, Self::CocoIds | Self::CocoIdsLessOne)
    }
}

/// Where a model's labels come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelSource {
    /// The file's own metadata.
    Metadata,
    /// The sidecar card or a label file; its path.
    File(std::path::PathBuf),
    /// The 80 classes of COCO, because the model has 80 classes or numbers them as COCO does.
    BuiltinCoco80,
    /// The one class that models with this head find, such as `face`.
    Builtin(&'static str),
    /// Nothing was found: classes are numbered.
    Numbered,
}

impl std::fmt::Display for LabelSource {
    /// `metadata`, `builtin:coco80`, `numbered`, or the path of the file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Metadata => f.write_str("metadata"),
            Self::File(path) => path.display().fmt(f),
            Self::BuiltinCoco80 => f.write_str("builtin:coco80"),
            Self::Builtin(name) => write!(f, "builtin:{name}"),
            Self::Numbered => f.write_str("numbered"),
        }
    }
}

/// Everything needed to feed a model and to read its answer.
///
/// Normalization is `tensor = (pixel * scale - mean) / std` a channel, pixel 0…255, channels in the order of
/// [`ModelCard::color`].
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCard {
    /// Encoding of the outputs.
    pub head: Head,
    /// How the outputs number the classes.
    pub class_numbers: ClassNumbers,
    /// Whether boxes of one object still have to be reduced to one; false where the model does it.
    pub nms: bool,
    /// Sizes of the anchor boxes, for heads that give raw feature maps with anchors; none stands for those that the
    /// head's models are trained with.
    pub anchors: Option<Anchors>,
    /// Width and height of the input tensor; with [`ResizeMode::OwnSize`] those of the first run only.
    pub input_size: ImageSize,
    /// Axes of the input tensor.
    pub layout: Layout,
    /// Colour order of the input tensor.
    pub color: ColorOrder,
    /// Factor on the pixel value.
    pub scale: f32,
    /// Subtracted after scaling, a channel of the tensor.
    pub mean: [f32; 3],
    /// Divided by at last, a channel of the tensor.
    pub std: [f32; 3],
    /// How the picture is made to fit.
    pub resize: ResizeMode,
    /// Grey value 0…255 of the padding, before normalization.
    pub pad: u8,
    /// One name a class; always as many as the model has classes, where that is known.
    pub labels: Vec<String>,
    /// Where the names come from.
    pub labels_from: LabelSource,
}

impl ModelCard {
    /// What most models of this head are like: classes from 0, one tensor of RGB 0…1 channel by channel, a centred letterbox
    /// with grey padding, no names.
    pub fn usual(head: Head, input_size: ImageSize) -> Self {
        Self {
            head,
            class_numbers: ClassNumbers::FromZero,
            nms: true,
            anchors: None,
            input_size,
            layout: Layout::Nchw,
            color: ColorOrder::Rgb,
            scale: 1.0 / 255.0,
            mean: [0.0; 3],
            std: [1.0; 3],
            resize: ResizeMode::LetterboxCenter,
            pad: 114,
            labels: Vec::new(),
            labels_from: LabelSource::Numbered,
        }
    }

    /// The name of a class; its number where there is none.
    pub fn label(&self, class_id: u32) -> std::borrow::Cow<'_, str> {
        match self.labels.get(class_id as usize) {
            Some(name) => name.as_str().into(),
            None => format!("class {class_id}").into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_called_the_same_in_cards_and_reports() {
        for numbers in ClassNumbers::ALL {
            assert_eq!(serde_json::to_value(numbers).unwrap(), numbers.name());
        }
        for layout in Layout::ALL {
            assert_eq!(serde_json::to_value(layout).unwrap(), layout.name());
        }
        for color in ColorOrder::ALL {
            assert_eq!(serde_json::to_value(color).unwrap(), color.name());
        }
        for resize in ResizeMode::ALL {
            assert_eq!(serde_json::to_value(resize).unwrap(), resize.name());
        }
    }

    #[test]
    fn class_numbers_lead_to_one_numbering() {
        for (numbers, own, want) in [
            (ClassNumbers::FromZero, 0, Some(0)),
            (ClassNumbers::FromOne, 1, Some(0)),
            (ClassNumbers::FromOne, 0, None),
            (ClassNumbers::CocoIds, 90, Some(79)),
            (ClassNumbers::CocoIds, 13, Some(11)),
            (ClassNumbers::CocoIds, 12, None),
            (ClassNumbers::CocoIds, 0, None),
            (ClassNumbers::CocoIdsLessOne, 0, Some(0)),
            (ClassNumbers::CocoIdsLessOne, 89, Some(79)),
            (ClassNumbers::CocoIdsLessOne, u32::MAX, None),
        ] {
            assert_eq!(numbers.class_id(own), want, "{numbers:?} {own}");
        }
    }
}
