//! What is believed of a model.

use crate::imaging::{ImageSize, ResizeMode};
use serde::{Deserialize, Serialize};

/// How a model's outputs encode boxes and scores. Each variant is one file of [`super::decode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Head {
    /// YOLOX `[1, N, 5+C]`, offsets and logarithmic sizes a grid cell, scores after the sigmoid.
    Yolox,
    /// YOLOX exported with decoding inside: the same shape, boxes already in pixels.
    YoloxDecoded,
    /// Ultralytics YOLOv8 and its kin `[1, 4+C, N]`: centre, width and height in pixels, then class scores.
    #[serde(rename = "yolov8")]
    YoloV8,
    /// Two outputs: boxes `[1, N, 4]` as left, top, right, bottom in pixels, and scores `[1, N, C]`.
    BoxesScores,
    /// The same with box edges as fractions 0…1 of the input.
    BoxesScoresUnit,
}

impl Head {
    /// Every head that is known.
    pub const ALL: [Self; 5] =
        [Self::Yolox, Self::YoloxDecoded, Self::YoloV8, Self::BoxesScores, Self::BoxesScoresUnit];

    /// The name used in cards and reports, such as `yolox`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yolox => "yolox",
            Self::YoloxDecoded => "yolox_decoded",
            Self::YoloV8 => "yolov8",
            Self::BoxesScores => "boxes_scores",
            Self::BoxesScoresUnit => "boxes_scores_unit",
        }
    }

    /// The outputs it reads, for messages.
    pub const fn outputs(self) -> &'static str {
        match self {
            Self::Yolox | Self::YoloxDecoded => "[1, cells, 5+classes]",
            Self::YoloV8 => "[1, 4+classes, cells]",
            Self::BoxesScores => "[1, n, 4] in pixels and [1, n, classes]",
            Self::BoxesScoresUnit => "[1, n, 4] in 0…1 and [1, n, classes]",
        }
    }
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

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

/// Where a model's labels come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LabelSource {
    /// The file's own metadata.
    Metadata,
    /// The sidecar card or a label file; its path.
    File(std::path::PathBuf),
    /// The 80 classes of COCO, because the model has 80 classes.
    BuiltinCoco80,
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
    /// Width and height of the input tensor.
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
    /// One name a class; always as many as the model has classes.
    pub labels: Vec<String>,
    /// Where the names come from.
    pub labels_from: LabelSource,
}

impl ModelCard {
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
    fn heads_are_called_the_same_in_cards_and_reports() {
        for head in Head::ALL {
            assert_eq!(serde_json::to_value(head).unwrap(), head.name());
        }
    }
}
