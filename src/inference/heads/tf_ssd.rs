//! SSD of TensorFlow's detection API, and what else ends in its post-processing (EfficientDet-Lite, CenterNet, Faster
//! R-CNN): boxes `[1, K, 4]` as top, left, bottom, right in fractions 0…1 of the input, classes `[1, K]`, scores `[1, K]`, and
//! the number of detections `[1]`, in any order. TensorFlow 2 gives up to four more that are not needed.
//!
//! Source: `detection_postprocess.cc` of TensorFlow Lite (classes numbered from 0) and `exporter_lib_v2.py` of the detection
//! API (`detection_boxes`, …, numbered from 1). Those of COCO go by its category ids.

use super::facts::{UNIT_LIMIT, shape_text};
use super::family::{Certainty, Family, Found, Look, Usual, sure};
use super::listed::{self, Name, Places};
use super::numbering::{self, Numbering};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize, ResizeMode};
use crate::inference::{Candidate, Head};

pub(super) const FAMILY: Family = Family {
    heads: &[Head::TfSsd],
    outputs: "boxes [1, k, 4], classes [1, k], scores [1, k] and a number [1]",
    recognize,
    decode,
};

/// What most are trained with.
const USUAL_SIZE: ImageSize = ImageSize::new(300, 300);

fn recognize(look: &Look<'_>) -> Option<Found> {
    let places = listed::places(look)?;
    let seen = listed::rows_seen(look.outputs, places);
    let certainty = match look.asked {
        Some(_) => Certainty::Certain,
        None => certainty(look, places, seen.and_then(listed::Rows::reach))?,
    };
    let boxes = &look.outputs[places.boxes];
    let from_one = Name(boxes.name).has(&["detection_boxes"]);
    let classes_seen = seen.into_iter().flat_map(listed::Rows::classes);
    let Numbering { numbers, classes, evidence } = numbering::tell(look, usize::from(from_one), classes_seen);
    let sentence = format!(
        "output {} {} = boxes as top, left, bottom, right in 0…1, with scores in {} and classes in {}: TensorFlow's SSD",
        boxes.name,
        shape_text(&boxes.shape),
        look.outputs[places.scores].name,
        look.outputs[places.classes].name
    );
    Some(Found {
        head: Head::TfSsd,
        classes,
        numbers,
        only_class: None,
        nms: false,
        certainty,
        evidence: vec![sure(sentence), evidence],
        usual: usual(look),
    })
}

/// Exports that leave the size open resize the picture by themselves.
fn usual(look: &Look<'_>) -> Usual {
    Usual {
        scale: 1.0,
        mean: [127.5; 3],
        std: [127.5; 3],
        resize: if look.input.size_open { ResizeMode::OwnSize } else { ResizeMode::Stretch },
        size: Some(USUAL_SIZE),
        from: "what SSD with MobileNet is trained with",
        ..Usual::UNIT_STRETCH.guessed()
    }
}

/// Names are TensorFlow's, or there is a number of detections and boxes lie in 0…1.
fn certainty(look: &Look<'_>, places: Places, reach: Option<f32>) -> Option<Certainty> {
    let output = |index: usize| &look.outputs[index];
    let boxes = output(places.boxes);
    if boxes.shape.len() != 3 || reach.is_some_and(|reach| reach > UNIT_LIMIT) {
        return None;
    }
    let named = |words: &[&str]| look.outputs.iter().any(|output| Name(output.name).has(words));
    if named(&["TFLite_Detection_PostProcess"]) || Name(boxes.name).has(&["detection_boxes"]) {
        return Some(Certainty::Certain);
    }
    let count = output(places.count?);
    let of_converter = named(&["StatefulPartitionedCall", "PartitionedCall", "Identity"]);
    match (count.shape.len(), reach) {
        (1, Some(_)) => Some(Certainty::Likely),
        (1, None) if of_converter => Some(Certainty::Likely),
        (1, None) => Some(Certainty::Guess),
        _ => None,
    }
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let (width, height) = (context.input_size.width as f32, context.input_size.height as f32);
    listed::decode(head, outputs, context.score_floor, candidates, |[top, left, bottom, right]| {
        BoxInModel::new(left * width, top * height, right * width, bottom * height)
    })
}
