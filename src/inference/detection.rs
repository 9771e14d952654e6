//! Boxes with a class and a score, before and after the way back to the picture.

use super::ModelCard;
use crate::imaging::{BoxInImage, BoxInModel, DrawnBox, class_color};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a head says before thresholds and NMS: a box in the model's pixels with its best class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Index of the best class.
    pub class_id: u32,
    /// Its score, 0…1.
    pub score: f32,
    /// The box in pixels of the model's input.
    pub rect: BoxInModel,
}

/// A detected object in the source picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Index into the model card's labels.
    pub class_id: u32,
    /// Its score, 0…1.
    pub score: f32,
    /// The box in pixels of the source picture; it may reach beyond the picture's edges.
    pub rect: BoxInImage,
}

impl Detection {
    /// As it is drawn on saved pictures: label and score, in the colour of its class.
    pub fn drawn(&self, card: &ModelCard) -> DrawnBox {
        DrawnBox {
            rect: self.rect,
            text: format!("{} {:.2}", card.label(self.class_id), self.score),
            color: class_color(self.class_id),
            dashed: false,
        }
    }
}

/// Which candidates become detections.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Lowest score shown, 0…1.
    pub confidence: f32,
    /// Of two boxes of one class whose intersection over union is higher than this, the weaker is dropped.
    pub iou: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { confidence: 0.25, iou: 0.45 }
    }
}

/// Time spent on one frame, by stage, as measured in the lane's threads.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StageTimings {
    /// Resize, padding, colour order, normalization.
    pub preprocess: Duration,
    /// `session.run`.
    pub inference: Duration,
    /// Decoding, thresholds and NMS.
    pub postprocess: Duration,
}

impl StageTimings {
    /// Sum of the stages.
    pub fn total(&self) -> Duration {
        self.preprocess + self.inference + self.postprocess
    }
}
