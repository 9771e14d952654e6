//! DETR and its kin: a fixed number of queries, for each a row of class logits `[1, Q, C]` and a box `[1, Q, 4]` as
//! centre x, centre y, width and height in fractions 0…1 of the input.
//!
//! * [`Head::Detr`]: a sigmoid a class. Every pair of query and class is a candidate of its own, so that one query may
//!   give several classes. Deformable DETR, DINO, Conditional DETR, RT-DETR, D-FINE, DEIM and RF-DETR without their
//!   post-processing.
//! * [`Head::DetrSoftmax`]: a softmax over the classes and, last, "no object"; the best class of a query counts. DETR,
//!   YOLOS, Table Transformer.
//!
//! Queries have looked at each other, so that no NMS is needed.
//!
//! Source: Carion et al., "End-to-End Object Detection with Transformers" (arXiv 2005.12872), and `PostProcess` in
//! facebookresearch/detr's `models/detr.py`; Zhu et al., "Deformable DETR" (arXiv 2010.04159), `PostProcess` in
//! `models/deformable_detr.py`.

use super::facts::{ORDERED_SHARE, are_scores, shape_text, share_of_ordered_boxes};
use super::family::{Certainty, Classes, Family, Found, Look, Output, Usual, all_sure};
use super::tensor::{as_matrix, best_class, logit_below, push_finite, shape_error, sigmoid};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize};
use crate::inference::{Candidate, ClassNumbers, Evidence, Head, Item};

pub(super) const FAMILY: Family = Family {
    heads: &[Head::Detr, Head::DetrSoftmax],
    outputs: "logits [1, q, classes] and boxes [1, q, 4]",
    recognize,
    decode,
};

/// Logits where they are COCO's category ids 0…90, and the same with "no object".
const COCO_LOGITS: usize = 91;
const COCO_LOGITS_AND_NONE: usize = 92;

/// Most models have 100 to 900 queries; a grid has thousands of cells.
const MOST_QUERIES: usize = 1500;

/// Share of queries that must prefer the last class on a grey picture for it to be "no object".
const NO_OBJECT_SHARE: f32 = 0.8;

fn recognize(look: &Look<'_>) -> Option<Found> {
    let roles = roles(look.outputs, |output| (output.name, output.shape.as_slice()))?;
    let (queries, logits) = (roles.boxes.shape[1], roles.logits.shape[2]);
    // Before a run their numbers may be open.
    let least = usize::from(!roles.named || roles.boxes.values.is_some());
    let counts_fit = (least..=MOST_QUERIES).contains(&queries) && logits >= least;
    if look.asked.is_none() && (!counts_fit || refused_by_values(&roles)) {
        return None;
    }
    let softmax = match look.asked {
        Some(head) => head == Head::DetrSoftmax,
        None => logits == COCO_LOGITS_AND_NONE || roles.logits.values.is_some_and(|v| last_is_no_object(v, logits)),
    };
    let certainty = match (roles.named, roles.boxes.values) {
        (true, _) => Certainty::Certain,
        (false, Some(_)) => Certainty::Likely,
        (false, None) => Certainty::Guess,
    };
    let classes = if softmax { logits.saturating_sub(1) } else { logits };
    let coco = classes == COCO_LOGITS && look.names() != Some(classes);
    let shapes = (shape_text(&roles.logits.shape), shape_text(&roles.boxes.shape));
    let mut evidence =
        vec![format!("outputs {} and {} = {queries} queries with {logits} logits each", shapes.0, shapes.1)];
    evidence.push(match softmax {
        true => "the last logit stands for \"no object\": softmax, as in DETR".to_owned(),
        false => "every class has a sigmoid of its own, as in Deformable DETR, RT-DETR and RF-DETR".to_owned(),
    });
    let numbered =
        || Evidence::sure(Item::ClassNumbers, format!("{classes} classes are numbered as COCO's categories, 0…90"));
    let overlap = !has_attention(look);
    if overlap {
        evidence
            .push("the graph holds no attention, by which queries share out the objects: boxes may overlap".to_owned());
    }
    Some(Found {
        head: if softmax { Head::DetrSoftmax } else { Head::Detr },
        classes: Classes::Known(classes),
        numbers: if coco { ClassNumbers::CocoIds } else { ClassNumbers::FromZero },
        only_class: None,
        nms: overlap,
        certainty,
        evidence: all_sure(evidence).into_iter().chain(coco.then(numbered)).collect(),
        usual: usual(roles.logits.name, softmax, logits),
    })
}

/// RF-DETR and the models of Facebook's line are fed with ImageNet's normalization, RT-DETR's line without.
fn usual(logits_name: &str, softmax: bool, logits: usize) -> Usual {
    let side = |side| Some(ImageSize::new(side, side));
    if logits_name == RF_DETR.0 {
        return Usual { from: "what RF-DETR is trained with", ..Usual::IMAGENET_STRETCH };
    }
    if softmax || logits == COCO_LOGITS {
        let from = "what DETR is trained with, but for the aspect ratio";
        return Usual { size: side(800), from, ..Usual::IMAGENET_STRETCH.guessed() };
    }
    Usual { size: side(640), from: "what RT-DETR, D-FINE and DEIM are trained with", ..Usual::UNIT_STRETCH.guessed() }
}

/// Whether these cannot be boxes as centre and size in fractions, and logits.
fn refused_by_values(roles: &Roles<'_, Output<'_>>) -> bool {
    let (Some(boxes), Some(logits)) = (roles.boxes.values, roles.logits.values) else { return false };
    let centers = |range: &[f32]| range.iter().all(|value| (-1.0..=2.0).contains(value));
    let sizes = |range: &[f32]| range.iter().all(|value| (-0.01..=3.0).contains(value));
    let are_boxes = boxes.chunks_exact(4).all(|row| centers(&row[..2]) && sizes(&row[2..]));
    // Named ones may be a set that happens to look like edges.
    let edges = !roles.named && share_of_ordered_boxes(boxes) >= ORDERED_SHARE;
    !are_boxes || edges || are_scores(logits)
}

/// On a grey picture a softmax head says "no object" nearly everywhere, with a positive logit; a sigmoid head has none
/// but negative logits.
fn last_is_no_object(logits: &[f32], columns: usize) -> bool {
    if columns < 2 {
        return false;
    }
    let rows = logits.chunks_exact(columns);
    let count = rows.len().max(1) as f32;
    let says_none = |row: &&[f32]| row[columns - 1] > 0.0 && row[..columns - 1].iter().all(|l| *l < row[columns - 1]);
    rows.filter(says_none).count() as f32 >= NO_OBJECT_SHARE * count
}

/// Whether the queries can have looked at each other.
fn has_attention(look: &Look<'_>) -> bool {
    const OF_ATTENTION: [&str; 5] = ["Softmax", "Attention", "MatMul", "Einsum", "Gemm"];
    look.summary.operators.keys().any(|name| OF_ATTENTION.iter().any(|word| name.contains(word)))
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let error = || shape_error(head, "logits [1, q, classes] and boxes [1, q, 4]", outputs);
    let roles = roles(outputs, |output| (output.name, output.shape)).ok_or_else(error)?;
    let (_, classes, logits) = as_matrix(roles.logits).ok_or_else(error)?;
    let (_, _, boxes) = as_matrix(roles.boxes).ok_or_else(error)?;
    let (width, height) = (context.input_size.width as f32, context.input_size.height as f32);
    for (row, side) in logits.chunks_exact(classes).zip(boxes.chunks_exact(4)) {
        let rect = BoxInModel::from_center(side[0] * width, side[1] * height, side[2] * width, side[3] * height);
        match head {
            Head::DetrSoftmax => {
                if let Some((class, score)) = best_of_softmax(row, context.score_floor) {
                    push_finite(candidates, class, score, rect);
                }
            }
            _ => with_sigmoid(row, context.score_floor, |class, score| push_finite(candidates, class, score, rect)),
        }
    }
    Ok(())
}

/// Calls `found` with every class whose score reaches the floor.
fn with_sigmoid(row: &[f32], floor: f32, mut found: impl FnMut(usize, f32)) {
    let least = logit_below(floor);
    for (class, &logit) in row.iter().enumerate() {
        if logit < least {
            continue;
        }
        let score = sigmoid(logit);
        if score >= floor {
            found(class, score);
        }
    }
}

/// The best class but for the last, "no object", with its share of the softmax over all.
fn best_of_softmax(row: &[f32], floor: f32) -> Option<(usize, f32)> {
    let (none, classes) = row.split_last()?;
    let (class, best) = best_class(classes, f32::NEG_INFINITY)?;
    // The share is at most that against "no object" alone.
    if sigmoid(best - none) < floor {
        return None;
    }
    let largest = best.max(*none);
    let sum: f32 = row.iter().map(|logit| (logit - largest).exp()).sum();
    let score = (best - largest).exp() / sum;
    (score >= floor).then_some((class, score))
}

/// The two outputs that are read.
struct Roles<'a, T> {
    logits: &'a T,
    boxes: &'a T,
    /// Whether they are called as in one of the known repositories.
    named: bool,
}

/// Names of logits and boxes: facebookresearch/detr and its descendants, Hugging Face, RF-DETR and LW-DETR.
const NAMES: [(&str, &str); 4] =
    [("pred_logits", "pred_boxes"), ("logits", "pred_boxes"), ("logits", "boxes"), RF_DETR];
const RF_DETR: (&str, &str) = ("labels", "dets");

/// Logits and boxes: by name beside other outputs such as hidden states, else the only two. Masks are a segmenter's.
fn roles<T>(outputs: &[T], parts: impl Fn(&T) -> (&str, &[usize])) -> Option<Roles<'_, T>> {
    let fits = |logits: &T, boxes: &T| match (parts(logits).1, parts(boxes).1) {
        ([1, queries, _], [1, count, 4]) => queries == count,
        _ => false,
    };
    if outputs.iter().any(|output| parts(output).0.contains("mask")) {
        return None;
    }
    let named = |name: &str| outputs.iter().find(|output| parts(output).0 == name);
    for (logits, boxes) in NAMES {
        if let (Some(logits), Some(boxes)) = (named(logits), named(boxes))
            && fits(logits, boxes)
        {
            return Some(Roles { logits, boxes, named: true });
        }
    }
    let [first, second] = outputs else { return None };
    match (fits(first, second), fits(second, first)) {
        (true, true) if parts(first).0.contains("box") => Some(Roles { logits: second, boxes: first, named: false }),
        (true, _) => Some(Roles { logits: first, boxes: second, named: false }),
        (false, true) => Some(Roles { logits: second, boxes: first, named: false }),
        (false, false) => None,
    }
}

#[cfg(test)]
#[path = "detr_tests.rs"]
mod tests;
