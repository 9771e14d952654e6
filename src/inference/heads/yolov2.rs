//! YOLOv2: one raw feature map of stride 32 with anchors, usually `[1, 5·(5+C), h, w]` with five anchors a cell. For an
//! anchor box with the numbers x, y, w, h, o and one a class, σ being the sigmoid: centre `(σ(x) + cell) · 32`, size
//! `exp(w) · anchor`, score `σ(o) · softmax(classes)`.
//!
//! Sources: Redmon and Farhadi, "YOLO9000: Better, Faster, Stronger" (arXiv 1612.08242), section 2; `region_layer.c` of
//! pjreddie/darknet. The anchors, there in cells, are those of `yolov2-tiny-voc.cfg` for the 20 classes of Pascal VOC (tiny
//! YOLOv2 of the ONNX model zoo) and of `yolov2.cfg` otherwise (YOLOv2 of the zoo, and the compact models of Azure Custom
//! Vision); the card's `anchors` sets others.

use super::anchor_maps::{Anchor, Map, logit};
use super::facts::shape_text;
use super::family::{Certainty, Classes, Family, Found, Look, Usual, guess, sure};
use super::tensor::{push_finite, shape_error, sigmoid};
use super::{DecodeContext, DecodeError, OutputTensor, Scratch};
use crate::imaging::{BoxInModel, ImageSize};
use crate::inference::{Anchors, Candidate, ClassNumbers, ColorOrder, Head};

pub(super) const FAMILY: Family = Family { heads: &[Head::YoloV2], outputs: EXPECTED, recognize, decode };

const EXPECTED: &str = "a map [1, anchors·(5+classes), h, w]";

/// Pixels a cell.
const STRIDE: usize = 32;
/// Anchors a cell where the card sets none.
const ANCHORS: usize = 5;
/// Classes of Pascal VOC.
const VOC: usize = 20;
/// Classes of COCO.
const COCO: usize = 80;

/// In cells, as in Darknet's files.
const TINY_VOC: [[f32; 2]; ANCHORS] = [[1.08, 1.19], [3.42, 4.41], [6.63, 11.38], [9.42, 5.11], [16.62, 10.52]];
const USUAL: [[f32; 2]; ANCHORS] =
    [[0.57273, 0.677385], [1.87446, 2.06253], [3.33843, 5.47434], [7.88282, 3.52778], [9.77052, 9.16828]];

/// The output of tiny YOLOv2 in the ONNX model zoo, which was made for pictures of Core ML.
const CORE_ML_OUTPUT: &str = "grid";
/// The output of Azure Custom Vision's compact models.
const CUSTOM_VISION_OUTPUT: &str = "model_outputs0";

fn recognize(look: &Look<'_>) -> Option<Found> {
    let [output] = look.outputs else { return None };
    let map = map_of(&output.shape, look.size(), look.anchors)?;
    let classes = map.classes();
    let named = look.names() == Some(classes) || [CORE_ML_OUTPUT, CUSTOM_VISION_OUTPUT].contains(&output.name);
    let mut certainty = if named { Certainty::Likely } else { Certainty::Guess };
    if look.asked.is_none() {
        // Feature maps of other networks are of this shape too.
        if !named && classes != VOC && classes != COCO {
            return None;
        }
        if let Some(values) = output.values {
            if values.len() != map.len()
                || map.mean_objectness(values) >= 0.0
                || map.are_in_unit(values, 0, map.numbers)
            {
                return None;
            }
            certainty = if named { Certainty::Certain } else { Certainty::Likely };
        }
    }
    let (shape, anchors) = (shape_text(&output.shape), map.anchors);
    let anchors_from = match (look.anchors, classes) {
        (Some(_), _) => sure("the anchors are the card's"),
        (None, VOC) => {
            guess("the anchors are a guess, tiny YOLOv2's for Pascal VOC; \"anchors\" in the card sets others")
        }
        (None, _) => guess("the anchors are a guess, YOLOv2's for COCO; \"anchors\" in the card sets others"),
    };
    Some(Found {
        head: Head::YoloV2,
        classes: Classes::Known(classes),
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: true,
        certainty,
        evidence: vec![
            sure(format!("output {shape} = {anchors} anchors × (5+{classes}) on a map of stride {STRIDE}: YOLOv2")),
            anchors_from,
        ],
        usual: usual(look, output.name),
    })
}

fn usual(look: &Look<'_>, output: &str) -> Usual {
    let whole = Usual { scale: 1.0, ..Usual::UNIT_STRETCH };
    match output {
        CUSTOM_VISION_OUTPUT => {
            Usual { color: ColorOrder::Bgr, from: "what Custom Vision's models are fed with", ..whole }
        }
        CORE_ML_OUTPUT => Usual { from: "what tiny YOLOv2 of the ONNX model zoo is fed with", ..whole },
        _ if look.summary.producer.to_ascii_lowercase().contains("onnxmltools") => {
            Usual { from: "what models made for Core ML are fed with", ..whole.guessed() }
        }
        _ => Usual { from: "what YOLOv2 is trained with", ..Usual::UNIT_STRETCH.guessed() },
    }
}

/// The map that a tensor is, if its stride is YOLOv2's.
fn map_of(shape: &[usize], size: ImageSize, anchors: Option<&Anchors>) -> Option<Map> {
    Map::of(shape, size, anchors.map_or(ANCHORS, Anchors::a_cell)).filter(|map| map.stride == STRIDE)
}

fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    context: &DecodeContext,
    scratch: &mut Scratch,
    candidates: &mut Vec<Candidate>,
) -> Result<(), DecodeError> {
    let anchors = scratch.anchors.as_ref();
    let mut with_maps = outputs.iter().filter_map(|output| {
        let map = map_of(output.shape, context.input_size, anchors)?;
        (map.len() == output.values.len()).then_some((map, output.values))
    });
    let (map, values) = with_maps.next().ok_or_else(|| shape_error(head, EXPECTED, outputs))?;
    let usual = if map.classes() == VOC { TINY_VOC } else { USUAL }.map(|side| side.map(|cells| cells * STRIDE as f32));
    let row = anchors.map_or(Some(usual.as_slice()), |anchors| anchors.row(0)).filter(|row| row.len() == map.anchors);
    let row = row.ok_or(DecodeError::Anchors { head, maps: 1, finest: STRIDE })?;
    let floor = context.score_floor;
    for anchor in map.anchors_above(values, logit(floor)) {
        if let Some((class, score)) = best_score(&anchor, floor) {
            push_finite(candidates, class, score, rect(&anchor, row));
        }
    }
    Ok(())
}

/// The best class and objectness times its share of the softmax.
fn best_score(anchor: &Anchor<'_>, floor: f32) -> Option<(usize, f32)> {
    let (class, best) = anchor.numbers.best_class(f32::NEG_INFINITY)?;
    let sum: f32 = anchor.numbers.classes().map(|number| (number - best).exp()).sum();
    let score = sigmoid(anchor.objectness) / sum;
    (score >= floor).then_some((class, score))
}

fn rect(anchor: &Anchor<'_>, anchors: &[[f32; 2]]) -> BoxInModel {
    let number = |index: usize| anchor.numbers.get(index);
    let [width, height] = anchors.get(anchor.index).copied().unwrap_or_default();
    let center = |index: usize, cell: f32| (sigmoid(number(index)) + cell) * STRIDE as f32;
    let (column, row) = anchor.place;
    BoxInModel::from_center(center(0, column), center(1, row), number(2).exp() * width, number(3).exp() * height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::heads::family;
    use crate::inference::heads::test_support::{SIZE, decoded, look, summary, tensor};

    const TOLERANCE: f32 = 1e-3;
    const CELLS: usize = 4;

    /// `[5·(5+C), 2, 2]` where anchor 1 of the cell in column 1, row 0 finds class 2.
    fn map(classes: usize) -> Vec<f32> {
        let numbers = 5 + classes;
        let mut values = vec![-1.0; ANCHORS * numbers * CELLS];
        for anchor in 0..ANCHORS {
            for cell in 0..CELLS {
                values[(anchor * numbers + 4) * CELLS + cell] = if (anchor, cell) == (1, 1) { 2.0 } else { -9.0 };
            }
        }
        for (number, value) in [(0, 0.5), (1, -0.5), (2, 0.25), (3, -0.25), (7, 4.0)] {
            values[(numbers + number) * CELLS + 1] = value;
        }
        values
    }

    #[test]
    fn boxes_are_relative_to_cell_and_anchor() {
        for (classes, anchor) in [(20, [3.42, 4.41]), (3, [1.87446, 2.06253])] {
            let values = map(classes);
            let shape = [1, ANCHORS * (5 + classes), 2, 2];
            let got = decoded(Head::YoloV2, SIZE, &[tensor("grid", &shape, &values)], 0.3).unwrap();
            assert_eq!((got.len(), got[0].class_id), (1, 2));
            let score = 0.880_797_1 / (1.0 + (classes - 1) as f32 * (-5f32).exp());
            assert!((got[0].score - score).abs() < TOLERANCE, "{} {score}", got[0].score);
            let (cx, cy) = ((0.622_459_3 + 1.0) * 32.0, 0.377_540_7 * 32.0);
            let (w, h) = (0.25f32.exp() * anchor[0] * 32.0, (-0.25f32).exp() * anchor[1] * 32.0);
            let (want, r) = ([cx - w / 2.0, cy - h / 2.0, cx + w / 2.0, cy + h / 2.0], got[0].rect);
            let near = [r.x1, r.y1, r.x2, r.y2].iter().zip(want).all(|(got, want)| (got - want).abs() < TOLERANCE);
            assert!(near, "{r:?} {want:?}");
        }
    }

    fn recognized(name: &str, classes: usize, values: Option<&[f32]>) -> Option<Found> {
        look(family(Head::YoloV2), &summary(&[]), &[(name, &[1, ANCHORS * (5 + classes), 2, 2], values)])
    }

    #[test]
    fn the_models_of_the_zoo_and_of_custom_vision_are_recognized() {
        let (voc, three) = (map(20), map(3));
        let grid = recognized("grid", 20, Some(&voc)).unwrap();
        assert_eq!((grid.certainty, grid.usual.scale, grid.usual.color), (Certainty::Certain, 1.0, ColorOrder::Rgb));
        assert_eq!(grid.evidence[0].text, "output [1,125,2,2] = 5 anchors × (5+20) on a map of stride 32: YOLOv2");
        let azure = recognized("model_outputs0", 3, Some(&three)).unwrap();
        assert_eq!((azure.certainty, azure.usual.color), (Certainty::Certain, ColorOrder::Bgr));
        let plain = recognized("218", 20, Some(&voc)).unwrap();
        assert_eq!((plain.certainty, plain.usual.scale, plain.usual.guess), (Certainty::Likely, 1.0 / 255.0, true));
        assert_eq!(recognized("218", 80, None).unwrap().certainty, Certainty::Guess);
    }

    #[test]
    fn other_maps_are_refused() {
        let three = map(3);
        assert!(recognized("out", 3, Some(&three)).is_none(), "a feature map of 40 channels");
        let positive: Vec<f32> = map(20).iter().map(|value| value.abs()).collect();
        assert!(recognized("out", 20, Some(&positive)).is_none(), "features after a rectifier");
        let outputs = [("mask", &[1usize, 125, 4, 4][..], None)];
        assert!(look(family(Head::YoloV2), &summary(&[]), &outputs).is_none(), "another stride");
    }
}
