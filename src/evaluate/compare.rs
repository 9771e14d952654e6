//! Candidates against the reference: how far they agree, and where they differ most.

use super::gathered::{FoundOnPicture, GatheredModel};
use super::{ComparedWithReference, NamedBox, PictureDifference};
use crate::dataset::{Dataset, LabelledPicture};
use crate::inference::Detection;
use crate::metrics::{ComparedPicture, MATCH_IOU, agreement, agreement_of_frame, ap_difference};

/// Pictures in the gallery of differences.
const DIFFERENCES: usize = 24;

/// A model's findings, as they are compared.
pub(super) struct Found<'a> {
    model: &'a GatheredModel,
    labels: &'a [String],
}

impl<'a> Found<'a> {
    /// Those of a model; none of a model that is not loaded.
    pub fn of(model: &'a GatheredModel) -> Self {
        Self { model, labels: model.info().map_or(&[], |info| &info.card.labels) }
    }

    /// Whether there is a picture that both have looked at.
    pub fn looked_beside(&self, other: &Self) -> bool {
        (self.model.pictures.iter().zip(&other.model.pictures)).any(|(one, other)| one.is_some() && other.is_some())
    }

    fn named(&self, detection: &Detection, matched: bool) -> NamedBox {
        let (class_id, rect) = (detection.class_id, detection.rect);
        let label = self.labels.get(class_id as usize).cloned();
        NamedBox {
            label: label.unwrap_or_else(|| format!("class {class_id}")),
            class_id,
            score: Some(detection.score),
            rect: [rect.x1, rect.y1, rect.x2, rect.y2],
            matched,
        }
    }

    /// Whether a true box is found above the confidence threshold.
    fn finds(&self, found: &FoundOnPicture, truth: &crate::dataset::LabelledBox) -> bool {
        let class = |detection: &Detection| {
            self.model.classes.dataset_from_model.get(detection.class_id as usize).copied().flatten()
        };
        let rect = truth.rect();
        found.shown.iter().any(|d| class(d) == Some(truth.class) && d.rect.iou(&rect) >= MATCH_IOU)
    }
}

/// A picture with what both found on it.
type Pair<'a> = (&'a LabelledPicture, &'a FoundOnPicture, &'a FoundOnPicture);

fn pairs<'a>(dataset: &'a Dataset, [reference, candidate]: [&Found<'a>; 2]) -> impl Iterator<Item = Pair<'a>> {
    let both = reference.model.pictures.iter().zip(&candidate.model.pictures);
    dataset.pictures.iter().zip(both).filter_map(|(truth, (a, b))| Some((truth, a.as_ref()?, b.as_ref()?)))
}

/// Agreement of the candidate with that index, the second of `found`, with the reference, the first.
pub(super) fn compared(
    dataset: &Dataset,
    found: [&Found<'_>; 2],
    candidate: usize,
    confidence: f32,
    aps: [Option<f64>; 2],
    with_intervals: bool,
) -> ComparedWithReference {
    let pairs: Vec<Pair<'_>> = pairs(dataset, found).collect();
    let pictures: Vec<ComparedPicture<'_>> =
        pairs.iter().map(|(_, a, b)| ComparedPicture { reference: &a.shown, candidate: &b.shown }).collect();
    let details = agreement(&pictures, found.map(|found| found.labels), confidence);
    let difference = with_intervals.then(|| {
        let [a, b] = found.map(|found| found.model.known(dataset.classes.len()));
        let known: Vec<bool> = a.iter().zip(&b).map(|(a, b)| *a && *b).collect();
        let scored: Vec<_> = pairs.iter().map(|(truth, a, b)| (*truth, &*a.scored, &*b.scored)).collect();
        ap_difference(&known, &scored)
    });
    let difference = difference.flatten();
    let plain = || Some(aps[1]? - aps[0]?);
    ComparedWithReference {
        reference: 0,
        candidate,
        figures: details.all,
        details,
        ap_difference: difference.as_ref().map(|d| d.difference).or_else(plain),
        ap_difference_interval: difference.as_ref().and_then(|d| d.interval),
        ap_verdict: difference.as_ref().map(|d| d.verdict().to_string()),
    }
}

/// The pictures on which a candidate differs most from the reference, the first of `found`; worst first.
pub(super) fn differences(dataset: &Dataset, found: &[Found<'_>]) -> Vec<PictureDifference> {
    let Some((reference, candidates)) = found.split_first() else { return Vec::new() };
    let mut ranked: Vec<(usize, usize, usize, Pair<'_>)> = Vec::new();
    for (candidate, with) in candidates.iter().enumerate() {
        for pair in pairs(dataset, [reference, with]) {
            let agreement = agreed(pair, reference, with);
            let different = agreement.only_a.len() + agreement.only_b.len();
            if different > 0 {
                ranked.push((different, agreement.matched.len(), candidate, pair));
            }
        }
    }
    // Of pictures with as many differences those that agree on less.
    ranked.sort_by_key(|(different, same, candidate, (truth, ..))| {
        (std::cmp::Reverse(*different), *same, truth.id, *candidate)
    });
    ranked.truncate(DIFFERENCES);
    let told = ranked.into_iter().map(|(_, _, candidate, pair)| {
        let with = &candidates[candidate];
        difference(dataset, pair, reference, with, candidate + 1)
    });
    told.collect()
}

fn agreed((_, a, b): Pair<'_>, reference: &Found<'_>, candidate: &Found<'_>) -> crate::metrics::FrameAgreement {
    let name =
        |labels: &[String], class: u32| labels.get(class as usize).map_or_else(|| class.to_string(), Clone::clone);
    let same = |a: u32, b: u32| name(reference.labels, a) == name(candidate.labels, b);
    agreement_of_frame(&a.shown, &b.shown, same)
}

fn difference(
    dataset: &Dataset,
    pair: Pair<'_>,
    reference: &Found<'_>,
    with: &Found<'_>,
    candidate: usize,
) -> PictureDifference {
    let (truth, a, b) = pair;
    let agreement = agreed(pair, reference, with);
    let boxes = |found: &Found<'_>, shown: &[Detection], only: &[usize]| -> Vec<NamedBox> {
        shown.iter().enumerate().map(|(index, d)| found.named(d, !only.contains(&index))).collect()
    };
    let true_box = |object: &crate::dataset::LabelledBox| {
        let rect = object.rect();
        NamedBox {
            label: dataset.classes.get(object.class).map_or_else(String::new, |class| class.name.clone()),
            class_id: u32::try_from(object.class).unwrap_or(u32::MAX),
            score: None,
            rect: [rect.x1, rect.y1, rect.x2, rect.y2],
            matched: reference.finds(a, object) && with.finds(b, object),
        }
    };
    PictureDifference {
        path: truth.path.clone(),
        size: truth.size,
        candidate,
        different_boxes: agreement.only_a.len() + agreement.only_b.len(),
        same_boxes: agreement.matched.len(),
        truth: truth.boxes.iter().map(true_box).collect(),
        reference_boxes: boxes(reference, &a.shown, &agreement.only_a),
        candidate_boxes: boxes(with, &b.shown, &agreement.only_b),
    }
}
