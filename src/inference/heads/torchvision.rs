//! torchvision's detectors and their like: boxes `[K, 4]` as left, top, right, bottom, labels `[K]`, scores `[K]`, in any order, with
//! or without a batch of one; masks or key points may come beside them. Edges are in pixels of the input, or fractions
//! 0…1 of it. Labels are numbered from 1; those of COCO go by its category ids.
//!
//! Source: `GeneralizedRCNN` and `RetinaNet` of torchvision (`torchvision/models/detection`), which normalize and resize the
//! picture by themselves. Fractions: SSD of the ONNX model zoo (`bboxes`, `labels`, `scores`; MLPerf's ssd-resnet34).
//! The zoo's Faster and Mask R-CNN come from facebookresearch/maskrcnn-benchmark: the same lists with 81 classes, fed
//! with BGR 0…255 less a mean. Detectron2's exports give `image_size` [2] beside the same lists and number classes from 0.

use super::facts::{UNIT_LIMIT, shape_text};
use super::family::{Certainty, Classes, Family, Found, Look, Output, Usual, guess, sure};
use super::listed::{self, Name, Places};
use super::numbering::{self, Numbering};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize, ResizeMode};
use crate::inference::{Candidate, ColorOrder, Evidence, Head};

pub(super) const FAMILY: Family = Family {
    heads: &[Head::Torchvision, Head::TorchvisionUnit],
    outputs: "boxes [k, 4], labels [k] and scores [k]",
    recognize,
    decode,
};

/// The shorter side that torchvision's and maskrcnn-benchmark's detectors resize to.
const USUAL_SIZE: ImageSize = ImageSize::new(800, 800);

fn recognize(look: &Look<'_>) -> Option<Found> {
    let places = listed::places(look)?;
    let seen = listed::rows_seen(look.outputs, places);
    let boxes = &look.outputs[places.boxes];
    let (head, unit, reason) = unit(boxes.name, seen.and_then(listed::Rows::reach));
    let certainty = match look.asked {
        Some(_) => Certainty::Certain,
        None => certainty(look, places)?,
    };
    let classes_seen = seen.into_iter().flat_map(listed::Rows::classes);
    let Numbering { numbers, classes, evidence } = match image_size(look, places) {
        Some(name) => numbering::of_detectron2(name),
        None => numbering::tell(look, 1, classes_seen),
    };
    let shape = shape_text(&boxes.shape);
    let nms = !holds_nms(look);
    Some(Found {
        head: look.head_or(head),
        classes,
        numbers,
        only_class: None,
        nms,
        certainty,
        evidence: vec![
            sure(format!(
                "output {} {shape} = boxes in {unit}, beside labels and scores: torchvision's lists",
                boxes.name
            )),
            reason,
            evidence,
            match nms {
                true => guess("the graph holds no NMS, so it is run on the boxes: a guess"),
                false => sure("the graph holds its NMS"),
            },
        ],
        usual: usual(look, look.head_or(head), classes),
    })
}

/// The output of Detectron2's exports that repeats the input's height and width.
fn image_size<'a>(look: &Look<'a>, places: Places) -> Option<&'a str> {
    let (size, taken) = (look.size(), [places.boxes, places.scores, places.classes]);
    let sides = [size.height as f32, size.width as f32];
    let spare = look.outputs.iter().enumerate().filter(|(index, _)| !taken.contains(index));
    let is_size = |output: &&Output<'_>| {
        output.shape == [2] && output.values.map_or(Name(output.name).has(&["image_size"]), |values| values == sides)
    };
    spare.map(|(_, output)| output).find(is_size).map(|output| output.name)
}

/// Exports of one-stage detectors without it may end in the same three lists.
fn holds_nms(look: &Look<'_>) -> bool {
    look.summary.operators.keys().any(|operator| Name(operator).has(&["NonMaxSuppression", "nms"]))
}

/// Pixels or fractions: told by how far the boxes of a run reach, else by the name.
fn unit(name: &str, reach: Option<f32>) -> (Head, &'static str, Evidence) {
    let (fractions, reason) = match reach {
        Some(reach) => (reach <= UNIT_LIMIT, sure(format!("a run gave box edges up to {reach:.2}"))),
        None => (Name(name).has(&["bboxes"]), guess("a run on grey gave no boxes: their unit is a guess by the name")),
    };
    if fractions { (Head::TorchvisionUnit, "fractions 0…1", reason) } else { (Head::Torchvision, "pixels", reason) }
}

/// Lists with a number of detections are TensorFlow's or EfficientNMS's; what asks for the picture's size is RT-DETR's.
fn certainty(look: &Look<'_>, places: Places) -> Option<Certainty> {
    let other =
        look.summary.inputs.iter().any(|input| Name(&input.name).has(&["target_size", "orig_size", "scale_factor"]));
    if places.count.is_some() || other {
        return None;
    }
    let name = |index: usize| Name(look.outputs[index].name);
    let named = name(places.boxes).has(&["box"]) && name(places.classes).has(&["label", "class"]);
    let unbatched = look.outputs[places.boxes].shape.len() == 2;
    match (unbatched, named && name(places.scores).has(&["score"])) {
        (true, true) => Some(Certainty::Certain),
        (true, false) | (false, true) => Some(Certainty::Likely),
        (false, false) => Some(Certainty::Guess),
    }
}

fn usual(look: &Look<'_>, head: Head, classes: Classes) -> Usual {
    let unbatched = look.summary.inputs.iter().any(|input| input.shape.as_ref().is_some_and(|sides| sides.len() == 3));
    let inside = Usual {
        resize: ResizeMode::LetterboxTopLeft,
        size: Some(USUAL_SIZE),
        from: "what torchvision's detectors take, which normalize by themselves",
        ..Usual::YOLO.guessed()
    };
    match (head, classes) {
        // ImageNet's mean and deviation outside, as torchvision normalizes inside.
        (Head::TorchvisionUnit, _) => Usual {
            size: Some(SSD_SIZE),
            from: "what SSD of the ONNX model zoo takes",
            ..Usual::IMAGENET_STRETCH.guessed()
        },
        (_, Classes::Known(81)) if unbatched => Usual {
            color: ColorOrder::Bgr,
            scale: 1.0,
            mean: [102.9801, 115.9465, 122.7717],
            from: "what the R-CNNs of maskrcnn-benchmark take, with 81 classes and no batch",
            ..inside
        },
        _ if is_ssd(look) => Usual {
            resize: ResizeMode::Stretch,
            from: "what torchvision's SSD takes, by its size, which normalizes by itself",
            ..inside
        },
        _ => inside,
    }
}

/// SSD's are the small inputs, and it looks at no regions. It is the one detector of torchvision that stretches pictures.
fn is_ssd(look: &Look<'_>) -> bool {
    let size = look.size();
    size.width.max(size.height) <= 320 && !look.summary.operators.contains_key("RoiAlign")
}

/// Of the ONNX model zoo's SSD.
const SSD_SIZE: ImageSize = ImageSize::new(1200, 1200);

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    _: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let (width, height) = match head {
        Head::TorchvisionUnit => (context.input_size.width as f32, context.input_size.height as f32),
        _ => (1.0, 1.0),
    };
    listed::decode(head, outputs, context.score_floor, candidates, |[left, top, right, bottom]| {
        BoxInModel::new(left * width, top * height, right * width, bottom * height)
    })
}
