//! The four outputs of TensorRT's EfficientNMS: number of detections `[1, 1]`, boxes `[1, K, 4]` as left, top, right, bottom in
//! pixels of the input, scores `[1, K]` and classes `[1, K]`. Rows beyond the number are 0 or −1.
//!
//! Source: TensorRT's `efficientNMSPlugin`; the `--end2end` exports of YOLOv6, YOLOv7 and others name the outputs `num_dets`,
//! `det_boxes`, `det_scores`, `det_classes`. SuperGradients' "batch format" (YOLO-NAS) has the same four:
//! `num_predictions`, `pred_boxes`, `pred_scores`, `pred_classes`.

use super::facts::{UNIT_LIMIT, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Usual, all_sure};
use super::listed::{self, Name, Places};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, ClassNumbers, Head};
use crate::onnx::proto::DataType;

pub(super) const FAMILY: Family = Family {
    heads: &[Head::EfficientNms],
    outputs: "a number [1, 1], boxes [1, k, 4], scores [1, k] and classes [1, k]",
    recognize,
    decode,
};

fn recognize(look: &Look<'_>) -> Option<Found> {
    let places = listed::places(look)?;
    let reach = listed::rows_seen(look.outputs, places).and_then(listed::Rows::reach);
    let certainty = match look.asked {
        Some(_) => Certainty::Certain,
        None => certainty(look, places, reach)?,
    };
    let boxes = &look.outputs[places.boxes];
    let mut evidence = vec![format!(
        "output {} {} = boxes, beside their number, scores and classes: EfficientNMS",
        boxes.name,
        shape_text(&boxes.shape)
    )];
    evidence.extend(reach.map(|reach| format!("a run gave box edges up to {reach:.0}: pixels")));
    Some(Found {
        head: Head::EfficientNms,
        classes: Classes::Open,
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: false,
        certainty,
        evidence: all_sure(evidence),
        usual: Usual { from: "what most models with this head are fed with", ..Usual::YOLO.guessed() },
    })
}

/// TensorFlow's lists differ in a number `[1]`, classes as floats, and boxes in 0…1.
fn certainty(look: &Look<'_>, places: Places, reach: Option<f32>) -> Option<Certainty> {
    let count = &look.outputs[places.count?];
    let name = |index: usize| Name(look.outputs[index].name);
    if reach.is_some_and(|reach| reach <= UNIT_LIMIT) || name(places.boxes).has(&["detection_boxes"]) {
        return None;
    }
    let counted = Name(count.name).has(&["num_det", "num_pred"]);
    if counted && name(places.boxes).has(&["det_boxes", "pred_boxes", "bboxes"]) {
        return Some(Certainty::Certain);
    }
    let classes = look.outputs[places.classes].name;
    let is_whole = |dtype: DataType| matches!(dtype, DataType::Int32 | DataType::Int64);
    let whole = look.summary.outputs.iter().any(|output| output.name == classes && is_whole(output.dtype.0));
    match (count.shape.len() == 2 || whole, reach) {
        (true, _) | (false, Some(_)) => Some(Certainty::Likely),
        (false, None) => Some(Certainty::Guess),
    }
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
