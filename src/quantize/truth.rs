//! Average precision of a model on those of its judging pictures that have labels.

use crate::dataset::{ClassMatch, DatasetClass, LabelledPicture, match_classes};
use crate::imaging::RgbImage;
use crate::inference::{Detection, Thresholds};
use crate::metrics::{JudgedPicture, ScoredBox, accuracy};

/// As COCO's figures are usually given: boxes from this score on, after a suppression at this overlap, a hundred a class.
pub(super) const THRESHOLDS: Thresholds = Thresholds { confidence: 0.001, iou: 0.65 };
const BOXES_A_CLASS: usize = 100;

/// A picture to calibrate with.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The picture.
    pub image: RgbImage,
    /// What is in it, where that is known.
    pub truth: Option<LabelledPicture>,
}

impl From<RgbImage> for Sample {
    fn from(image: RgbImage) -> Self {
        Self { image, truth: None }
    }
}

/// The labels of the pictures that models are judged by.
pub(super) struct Truths {
    classes: Vec<DatasetClass>,
    joined: ClassMatch,
    pictures: Vec<Option<LabelledPicture>>,
}

impl Truths {
    /// None where no picture has a label, or the model knows none of the classes.
    pub fn new(classes: &[DatasetClass], labels: &[String], pictures: Vec<Option<LabelledPicture>>) -> Option<Self> {
        let joined = match_classes(classes, labels);
        let is_of_use = pictures.iter().any(Option::is_some) && joined.matched(classes.len()) > 0;
        is_of_use.then(|| Self { classes: classes.to_vec(), joined, pictures })
    }

    /// Whether a picture has labels.
    pub fn has(&self, picture: usize) -> bool {
        self.pictures.get(picture).is_some_and(Option::is_some)
    }

    /// AP@[.50:.95], 0…1, of what was found with [`THRESHOLDS`] in the pictures, of which those without labels do not
    /// count. None where there is no object.
    pub fn ap(&self, detections: &[Vec<Detection>]) -> Option<f64> {
        let labelled = self.pictures.iter().zip(detections);
        let found: Vec<(&LabelledPicture, Vec<ScoredBox>)> =
            labelled.filter_map(|(truth, boxes)| Some((truth.as_ref()?, self.scored(boxes)))).collect();
        let pictures: Vec<JudgedPicture<'_>> =
            found.iter().map(|(truth, detections)| JudgedPicture { truth, detections }).collect();
        let known: Vec<bool> =
            (0..self.classes.len()).map(|class| !self.joined.unmatched_dataset.contains(&class)).collect();
        accuracy(&self.classes, &known, &pictures).coco.ap
    }

    fn scored(&self, detections: &[Detection]) -> Vec<ScoredBox> {
        let mut counts = vec![0usize; self.classes.len()];
        let scored = detections.iter().filter_map(|detection| {
            let class = self.joined.dataset_from_model.get(detection.class_id as usize).copied().flatten()?;
            counts[class] += 1;
            let rect = detection.rect;
            let bbox = [rect.x1, rect.y1, rect.x2 - rect.x1, rect.y2 - rect.y1].map(f64::from);
            (counts[class] <= BOXES_A_CLASS).then_some(ScoredBox { class, score: f64::from(detection.score), bbox })
        });
        scored.collect()
    }
}
