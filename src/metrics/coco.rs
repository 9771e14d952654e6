//! Accuracy of a model on labelled pictures: COCO's figures by `hotcoco`, which equal those of pycocotools.

use super::confusion::confusion;
use super::judged::{DETECTIONS_MAX, JudgedClass, judge, usable};
use super::{AccuracyReport, ClassFigures, CocoFigures, F1AtConfidence, JudgedPicture, PrecisionAtRecall};
use crate::dataset::DatasetClass;
use crate::inference::Thresholds;
use hotcoco::params::{IouType, Params};
use hotcoco::{AccumulatedEval, Annotation, COCOeval, Category, EvalMode, Image, StreamingEval};

/// Pictures that are handed to `hotcoco` at a time: what it keeps of them is small, what it is given is not.
const BATCH: usize = 64;
/// Steps of the confidence threshold in the F1 curve.
const F1_STEPS: usize = 100;
/// Places in `hotcoco`'s axes: all sizes of objects, and a hundred detections a picture.
const ALL_SIZES: usize = 0;
const HUNDRED: usize = 2;

/// Everything that is told of one model on these pictures: COCO's twelve figures
/// (<https://cocodataset.org/#detection-eval>), each class, the curves and the confusion between classes.
///
/// `known` says of each of the `classes` whether the model knows it by name; the others are left out of every figure.
/// Pictures may be any of the dataset's, in any order, each at most once. At most a hundred detections of a class
/// count on a picture. `hotcoco` spreads the work over all cores by threads of its own (`rayon`), so a call holds up
/// only the thread that makes it.
pub fn accuracy(classes: &[DatasetClass], known: &[bool], pictures: &[JudgedPicture<'_>]) -> AccuracyReport {
    let known: Vec<bool> = (0..classes.len()).map(|class| known.get(class).copied().unwrap_or(false)).collect();
    let Some((figures, curves)) = coco_figures(classes, &known, pictures) else { return AccuracyReport::default() };
    let judged = judge(&known, pictures);
    let f1 = f1_curve(&judged);
    let best = f1.iter().copied().filter(|point| point.f1 > 0.0).reduce(|a, b| if b.f1 > a.f1 { b } else { a });
    let confidence = best.map_or(f64::from(Thresholds::default().confidence), |best| best.confidence);
    AccuracyReport {
        coco: figures,
        classes: class_figures(classes, &judged, &curves),
        precision_recall: precision_recall(&curves),
        f1,
        best,
        confusion: confusion(classes, &known, pictures, confidence),
    }
}

/// The twelve figures and the curves behind them; none when nothing is known or `hotcoco` refuses its input.
fn coco_figures(
    classes: &[DatasetClass],
    known: &[bool],
    pictures: &[JudgedPicture<'_>],
) -> Option<(CocoFigures, AccumulatedEval)> {
    let categories = classes.iter().enumerate().filter(|(class, _)| known[*class]);
    let categories: Vec<Category> = categories
        .map(|(class, named)| Category { id: category_id(class), name: named.name.clone(), ..Category::default() })
        .collect();
    if categories.is_empty() {
        return None;
    }
    let evaluated = evaluate(categories, known, pictures);
    let mut evaluated = evaluated.inspect_err(|error| tracing::warn!("no accuracy: {error}")).ok()?;
    evaluated.accumulate();
    // Computes the figures without printing them.
    evaluated.summarize_lines();
    let figure = |index: usize| evaluated.stats().and_then(|all| all.get(index)).copied().and_then(measured);
    let figures = CocoFigures {
        ap: figure(0),
        ap50: figure(1),
        ap75: figure(2),
        ap_small: figure(3),
        ap_medium: figure(4),
        ap_large: figure(5),
        ar1: figure(6),
        ar10: figure(7),
        ar100: figure(8),
        ar_small: figure(9),
        ar_medium: figure(10),
        ar_large: figure(11),
    };
    Some((figures, evaluated.accumulated()?.clone()))
}

fn evaluate(
    categories: Vec<Category>,
    known: &[bool],
    pictures: &[JudgedPicture<'_>],
) -> Result<COCOeval, hotcoco::Error> {
    let mut streaming = StreamingEval::new(Params::new(IouType::Bbox), EvalMode::Coco, categories)?;
    for batch in pictures.chunks(BATCH) {
        let images = batch.iter().map(|picture| Image {
            id: picture.truth.id,
            width: picture.truth.size.width,
            height: picture.truth.size.height,
            ..Image::default()
        });
        let objects = batch.iter().flat_map(|picture| objects(known, picture));
        let detections = batch.iter().flat_map(|picture| detections(known, picture));
        streaming.update(images.collect(), objects.collect(), detections.collect())?;
    }
    Ok(streaming.finalize())
}

fn objects<'a>(known: &'a [bool], picture: &JudgedPicture<'a>) -> impl Iterator<Item = Annotation> {
    let image_id = picture.truth.id;
    let of_known = picture.truth.boxes.iter().filter(|object| known.get(object.class).copied().unwrap_or(false));
    of_known.map(move |object| Annotation {
        image_id,
        category_id: category_id(object.class),
        bbox: Some([object.x, object.y, object.width, object.height]),
        area: Some(object.area),
        iscrowd: object.ignored,
        ..Annotation::default()
    })
}

fn detections<'a>(known: &'a [bool], picture: &JudgedPicture<'a>) -> impl Iterator<Item = Annotation> {
    let image_id = picture.truth.id;
    usable(known, picture).map(move |found| Annotation {
        image_id,
        category_id: category_id(found.class),
        bbox: Some(found.bbox),
        score: Some(found.score),
        ..Annotation::default()
    })
}

/// COCO numbers categories from 1.
fn category_id(class: usize) -> u64 {
    class as u64 + 1
}

/// COCO's tools write -1 where there is nothing to measure.
fn measured(figure: f64) -> Option<f64> {
    (figure >= 0.0).then_some(figure)
}

/// Mean of what was measured; none where nothing was.
fn mean(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = figures.filter_map(measured).fold((0.0, 0usize), |(sum, n), figure| (sum + figure, n + 1));
    (count > 0).then(|| sum / count as f64)
}

fn class_figures(classes: &[DatasetClass], judged: &[JudgedClass], curves: &AccumulatedEval) -> Vec<ClassFigures> {
    let shape = &curves.shape;
    let precision = |t: usize, k: usize| {
        (0..shape.r).map(move |r| curves.precision[curves.precision_idx(t, r, k, ALL_SIZES, HUNDRED)])
    };
    let seen = curves.cat_ids.iter().enumerate().filter_map(|(k, id)| {
        let class = usize::try_from(id - 1).ok()?;
        let JudgedClass { objects, detections } = judged.get(class)?;
        (!(objects.is_empty() && detections.is_empty())).then_some((k, class))
    });
    seen.map(|(k, class)| ClassFigures {
        class,
        name: classes[class].name.clone(),
        objects: judged[class].object_count(),
        ap: mean((0..shape.t).flat_map(|t| precision(t, k))),
        ap50: mean(precision(0, k)),
        ar100: mean((0..shape.t).map(|t| curves.recall[curves.recall_idx(t, k, ALL_SIZES, HUNDRED)])),
    })
    .collect()
}

/// At IoU 0.5, which is the first threshold.
fn precision_recall(curves: &AccumulatedEval) -> Vec<PrecisionAtRecall> {
    let recalls = hotcoco::params::default_rec_thrs();
    let at = |r: usize| {
        mean((0..curves.shape.k).map(|k| curves.precision[curves.precision_idx(0, r, k, ALL_SIZES, HUNDRED)]))
    };
    recalls
        .iter()
        .enumerate()
        .filter_map(|(r, recall)| Some(PrecisionAtRecall { recall: *recall, precision: at(r)? }))
        .collect()
}

/// All classes together at IoU 0.5, in steps of 0.01 from 0 to the highest score, above which there is no precision.
fn f1_curve(judged: &[JudgedClass]) -> Vec<F1AtConfidence> {
    let objects: usize = judged.iter().map(JudgedClass::object_count).sum();
    if objects == 0 {
        return Vec::new();
    }
    let detections = judged.iter().flat_map(|class| &class.detections).filter(|found| !found.is_ignored(0));
    let mut detections: Vec<(f64, bool)> = detections.map(|found| (found.score, found.is_hit(0))).collect();
    detections.sort_by(|a, b| b.0.total_cmp(&a.0));
    let hits: Vec<usize> = detections
        .iter()
        .scan(0, |hits, (_, hit)| {
            *hits += usize::from(*hit);
            Some(*hits)
        })
        .collect();
    (0..=F1_STEPS)
        .map_while(|step| {
            let confidence = step as f64 / F1_STEPS as f64;
            let found = detections.partition_point(|(score, _)| *score >= confidence);
            let right = *hits.get(found.checked_sub(1)?)? as f64;
            Some(F1AtConfidence {
                confidence,
                precision: right / found as f64,
                recall: right / objects as f64,
                f1: 2.0 * right / (found + objects) as f64,
            })
        })
        .collect()
}

const _: () = assert!(DETECTIONS_MAX == 100, "HUNDRED is the place of COCO's largest number of detections");
