//! Accuracy of a model on labelled pictures: what COCO's tools print, and what explains it.

use serde::Serialize;

/// A detection on a picture of a dataset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoredBox {
    /// Index into the dataset's classes.
    pub class: usize,
    /// 0…1.
    pub score: f64,
    /// Left, top, width, height in pixels of the picture.
    pub bbox: [f64; 4],
}

/// COCO's twelve figures, each 0…1; none where there is nothing to measure (no object of that size).
///
/// Definition: <https://cocodataset.org/#detection-eval>; AP is the mean over IoU 0.50, 0.55 … 0.95 and over classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct CocoFigures {
    /// Mean average precision over ten IoU thresholds.
    pub ap: Option<f64>,
    /// At IoU 0.5.
    pub ap50: Option<f64>,
    /// At IoU 0.75.
    pub ap75: Option<f64>,
    /// Objects below 32² pixels.
    pub ap_small: Option<f64>,
    /// 32² to 96².
    pub ap_medium: Option<f64>,
    /// Above 96².
    pub ap_large: Option<f64>,
    /// Recall with one detection a picture.
    pub ar1: Option<f64>,
    /// With ten.
    pub ar10: Option<f64>,
    /// With a hundred.
    pub ar100: Option<f64>,
    /// Recall of small objects.
    pub ar_small: Option<f64>,
    /// Recall of medium objects.
    pub ar_medium: Option<f64>,
    /// Recall of large objects.
    pub ar_large: Option<f64>,
}

/// Everything that is told of one model on one dataset.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AccuracyReport {
    /// The twelve figures.
    pub coco: CocoFigures,
    /// Every class that has objects or detections.
    pub classes: Vec<ClassFigures>,
    /// Precision over recall at IoU 0.5, mean over the classes.
    pub precision_recall: Vec<PrecisionAtRecall>,
    /// Precision, recall and F1 at IoU 0.5 against the confidence threshold, all classes together.
    pub f1: Vec<F1AtConfidence>,
    /// The threshold with the highest F1; none without objects.
    pub best: Option<F1AtConfidence>,
    /// Which class is taken for which, at the confidence that `best` names.
    pub confusion: Confusion,
}

/// Figures of one class.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ClassFigures {
    /// Index into the dataset's classes.
    pub class: usize,
    /// Its name.
    pub name: String,
    /// Objects of it that count.
    pub objects: usize,
    /// AP over ten IoU thresholds.
    pub ap: Option<f64>,
    /// AP at IoU 0.5.
    pub ap50: Option<f64>,
    /// Recall with a hundred detections a picture.
    pub ar100: Option<f64>,
}

/// A point of the precision-recall curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PrecisionAtRecall {
    /// 0, 0.01 … 1.
    pub recall: f64,
    /// Highest precision at that recall or a higher one, 0…1.
    pub precision: f64,
}

/// A point of the curve of F1 over the confidence threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct F1AtConfidence {
    /// The threshold.
    pub confidence: f64,
    /// Share of the detections above it that are right.
    pub precision: f64,
    /// Share of the objects that are found.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
}

/// How often objects of one class were taken for another.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Confusion {
    /// Confidence threshold that it was counted at.
    pub confidence: f64,
    /// Names of the classes that occur; one more row and column behind them stands for "nothing".
    pub classes: Vec<String>,
    /// `counts[true class][detected class]`; the last row holds false boxes, the last column missed objects.
    pub counts: Vec<Vec<u64>>,
}

/// How far a candidate finds what its reference finds, over a set of pictures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgreementReport {
    /// Over all classes.
    pub all: AgreementFigures,
    /// Interval that holds F1 in 95 of 100 resamplings of the pictures (bootstrap percentile, Efron 1979).
    pub f1_interval: [f64; 2],
    /// Each class, by falling number of boxes.
    pub classes: Vec<ClassAgreement>,
    /// Pictures it rests on.
    pub pictures: usize,
    /// Confidence threshold of both.
    pub confidence: f64,
}

/// Agreement figures, each 0…1 but for the score's change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct AgreementFigures {
    /// Share of the candidate's boxes that the reference also has.
    pub precision: f64,
    /// Share of the reference's boxes that the candidate also has.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Mean IoU of matched boxes.
    pub mean_iou: f64,
    /// Mean absolute change of the score of matched boxes.
    pub mean_score_delta: f64,
    /// Boxes of the reference.
    pub reference_boxes: usize,
    /// Boxes of the candidate.
    pub candidate_boxes: usize,
}

/// Agreement on one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassAgreement {
    /// Its name.
    pub name: String,
    /// The figures.
    pub figures: AgreementFigures,
    /// Interval of F1, from the same resamplings of the pictures as that of all classes. 0…1, which is to say that
    /// nothing is known, with boxes of the class on fewer than ten pictures.
    pub f1_interval: [f64; 2],
    /// Pictures with boxes of the class.
    pub pictures: usize,
}

impl ClassAgreement {
    /// The interval where it says something.
    pub fn known_interval(&self) -> Option<[f64; 2]> {
        Some(self.f1_interval).filter(|ends| *ends != [0.0, 1.0])
    }
}
