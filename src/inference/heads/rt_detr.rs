//! RT-DETR, D-FINE, DEIM with their post-processing: labels `[1, K]` from 0, boxes `[1, K, 4]` as left, top, right, bottom, and
//! scores `[1, K]`, in any order. Boxes are in pixels of the size that `orig_target_sizes` gives; fed with that of the
//! model's input, in pixels of that. Always K rows (300), most of them with low scores; a box may come in several rows
//! with different labels.
//!
//! Source: Zhao et al., "DETRs Beat YOLOs on Real-time Object Detection" (arXiv 2304.08069), and `RTDETRPostProcessor` of
//! lyuwenyu/RT-DETR, which D-FINE and DEIM took over.

use super::facts::{UNIT_LIMIT, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Usual, all_sure};
use super::listed::{self, Name, Places};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, ClassNumbers, Head};

pub(super) const FAMILY: Family =
    Family { heads: &[Head::RtDetr], outputs: "labels [1, k], boxes [1, k, 4] and scores [1, k]", recognize, decode };

/// Rows that a set predictor gives at least, whatever it sees.
const QUERIES: usize = 50;

fn recognize(look: &Look<'_>) -> Option<Found> {
    let places = listed::places(look)?;
    let sizes =
        look.summary.inputs.iter().find(|input| Name(&input.name).has(&["target_size", "orig_size", "original_size"]));
    let certainty = match (look.asked, sizes) {
        (Some(_), _) | (None, Some(_)) => Certainty::Certain,
        (None, None) => without_sizes(look, places)?,
    };
    let boxes = &look.outputs[places.boxes];
    let mut evidence = vec![format!(
        "output {} {} = boxes, beside labels and scores: RT-DETR's lists",
        boxes.name,
        shape_text(&boxes.shape)
    )];
    if let Some(sizes) = sizes {
        evidence.push(format!("the input {} is RT-DETR's and its kin's", sizes.name));
    }
    Some(Found {
        head: Head::RtDetr,
        classes: Classes::Open,
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: false,
        certainty,
        evidence: all_sure(evidence),
        usual: usual(look),
    })
}

/// With the size built in, a set predictor shows in its attention, and in a fixed number of rows even on grey.
fn without_sizes(look: &Look<'_>, places: Places) -> Option<Certainty> {
    let count = |operator: &str| look.summary.operators.get(operator).copied().unwrap_or(0);
    let boxes = &look.outputs[places.boxes];
    let queries = places.count.is_none() && boxes.shape.len() == 3 && boxes.shape[1] >= QUERIES;
    let attention = count("Softmax") >= 2 && count("TopK") > 0 && count("NonMaxSuppression") == 0;
    if !queries || !attention {
        return None;
    }
    let reach = listed::rows_seen(look.outputs, places).map(|rows| rows.reach().unwrap_or(0.0));
    match reach {
        Some(reach) if reach <= UNIT_LIMIT => None,
        Some(_) => Some(Certainty::Certain),
        None => Some(Certainty::Likely),
    }
}

/// DEIMv2's larger models have a ViT as backbone, which shows in its many GELUs, and take ImageNet's normalization.
fn usual(look: &Look<'_>) -> Usual {
    const VIT_BLOCKS: usize = 8;
    let gelus: usize = ["Erf", "Gelu"].iter().filter_map(|operator| look.summary.operators.get(*operator)).sum();
    if gelus >= VIT_BLOCKS {
        let from = "a guess by its operators, what DEIMv2 with a ViT is trained with";
        return Usual { from, ..Usual::IMAGENET_STRETCH.guessed() };
    }
    Usual { from: "what RT-DETR, D-FINE and DEIM are trained with", ..Usual::UNIT_STRETCH }
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    listed::decode(head, outputs, context.score_floor, candidates, |[left, top, right, bottom]| {
        BoxInModel::new(left, top, right, bottom)
    })
}
