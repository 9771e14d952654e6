//! Boxes with a class and a score, before and after the way back to the picture.

use crate::imaging::{BoxInImage, BoxInModel};
use serde::{Deserialize, Serialize};

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
    /// The box in pixels of the source picture, clipped to it.
    pub rect: BoxInImage,
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
