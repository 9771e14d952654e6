//! Recognising raw feature maps with anchors, and by which formula and with which anchors they are read.

use super::{ANCHORS, Activated, MOST_MAPS, map_of, usual_anchors};
use crate::imaging::ResizeMode;
use crate::inference::heads::anchor_maps::{Axes, Map};
use crate::inference::heads::facts::shape_text;
use crate::inference::heads::family::{Certainty, Classes, Found, Look, Usual, guess, sure};
use crate::inference::heads::tensor::sigmoid;
use crate::inference::{ClassNumbers, Evidence, Head};

/// How Darknet's models are fed: its `letterbox_image` fills with half of white.
const DARKNET: Usual =
    Usual { pad: 128, resize: ResizeMode::LetterboxCenter, from: "what YOLOv3 and v4 are trained with", ..Usual::YOLO };

pub(super) fn recognize(look: &Look<'_>) -> Option<Found> {
    let maps = maps(look)?;
    let (first, finest) = (maps[0], maps.iter().map(|map| map.stride).min()?);
    let classes = first.classes();
    let named = look.names() == Some(classes);
    let (head, why) = match look.asked {
        Some(head) => (head, None),
        None => {
            if !is_plausible(look, &maps, named) {
                return None;
            }
            let (head, why) = style(look, &maps);
            (head, Some(why))
        }
    };
    let has_values = look.outputs.iter().all(|output| output.values.is_some());
    let certainty = match (named, has_values) {
        (true, true) => Certainty::Certain,
        (false, true) if !could_be_features(&first, named) => Certainty::Likely,
        _ => Certainty::Guess,
    };
    let mut evidence = vec![sure(shape_sentence(look, &maps))];
    evidence.extend(why.map(|why: Evidence| Evidence {
        text: format!("{}: {}; another head in the card corrects it", formula(head), why.text),
        ..why
    }));
    evidence.push(anchors_sentence(look, head, maps.len(), finest));
    Some(Found {
        head,
        classes: Classes::Known(classes),
        numbers: ClassNumbers::FromZero,
        only_class: None,
        nms: true,
        certainty,
        evidence,
        usual: match head {
            Head::YoloV3Grids | Head::YoloV4Grids => DARKNET.guessed(),
            _ => Usual::YOLO,
        },
    })
}

/// All outputs as maps of one kind whose strides double from one to the next, in the outputs' order.
fn maps(look: &Look<'_>) -> Option<Vec<Map>> {
    let fewest = if look.asked.is_some() { 1 } else { 2 };
    if !(fewest..MOST_MAPS).contains(&look.outputs.len()) {
        return None;
    }
    let map = |output: &crate::inference::heads::Output<'_>| map_of(&output.shape, look.size(), look.anchors);
    let maps = look.outputs.iter().map(map).collect::<Option<Vec<_>>>()?;
    let kind = |map: &Map| (map.anchors, map.numbers, map.axes);
    let mut strides: Vec<_> = maps.iter().map(|map| map.stride).collect();
    strides.sort_unstable();
    let alike = maps.iter().all(|map| kind(map) == kind(&maps[0]));
    let doubling = strides.windows(2).all(|pair| pair[1] == 2 * pair[0]);
    (alike && doubling).then_some(maps)
}

/// A backbone's maps may well have a multiple of three channels, such as 96 or 192. Nothing in such a shape speaks of a
/// detector, but for COCO's 80 classes or as many as the file has names for.
fn could_be_features(map: &Map, named: bool) -> bool {
    matches!(map.axes, Axes::Planes | Axes::Pixels) && !named && map.classes() != 80
}

/// The logit of a score of 0.12: detectors start their training far below it, and features lie about 0.
const SURE_OF_NOTHING: f32 = -2.0;

/// Whether these are more than the feature maps of some other network: where there was a run, hardly any anchor has found
/// something on a grey picture; else the number of classes is one that is met, or the shape has an axis of anchors.
fn is_plausible(look: &Look<'_>, maps: &[Map], named: bool) -> bool {
    /// YOLOv8's maps before its decoding: 64 numbers for distances, and 80 classes.
    const YOLOV8_CHANNELS: usize = 144;
    let joined = matches!(maps[0].axes, Axes::Planes | Axes::Pixels);
    if joined && !named && maps[0].anchors * maps[0].numbers == YOLOV8_CHANNELS {
        return false;
    }
    let doubtful = could_be_features(&maps[0], named);
    let (most_score, most_logit) = if doubtful { (sigmoid(SURE_OF_NOTHING), SURE_OF_NOTHING) } else { (0.5, 0.0) };
    let run = maps.iter().zip(look.outputs).map(|(map, output)| {
        let values = output.values?;
        let mean = map.mean_objectness(values);
        let scores = map.are_in_unit(values, 4, map.numbers);
        Some(map.len() == values.len() && if scores { (0.0..most_score).contains(&mean) } else { mean < most_logit })
    });
    run.collect::<Option<Vec<_>>>().map_or(!doubtful, |maps| maps.into_iter().all(|fits| fits))
}

/// Which formula and which anchors, and why. The numbers themselves do not tell, so this goes by what else is different in
/// the networks and the exporters of each.
fn style(look: &Look<'_>, maps: &[Map]) -> (Head, Evidence) {
    /// YOLOv7 has eight, YOLOv5 three.
    const MAX_POOLS_OF_V7: usize = 5;
    let count = |operator: &str| look.summary.operators.get(operator).copied().unwrap_or(0);
    let leaky = count("LeakyRelu") > 0;
    let mish = count("Mish") > 0 || count("Softplus") > 0;
    let darknet = if mish { Head::YoloV4Grids } else { Head::YoloV3Grids };
    let v7 = maps.len() == 3 && count("MaxPool") >= MAX_POOLS_OF_V7 && !leaky;
    let v5 = if v7 { Head::YoloV7Grids } else { Head::YoloV5Grids };
    let coarsest = maps.iter().zip(look.outputs).max_by_key(|(map, _)| map.stride);
    let activated = coarsest.and_then(|(map, output)| Some(Activated::of(Head::YoloV5Grids, map, output.values?)));
    match (activated, maps[0].axes) {
        (Some(Activated { boxes: true, .. }), _) => {
            (v5, sure("the boxes have been through a sigmoid, as only this formula wants"))
        }
        (Some(Activated { scores: true, .. }), _) => (
            Head::YoloV4Grids,
            sure("the scores have been through a sigmoid and the boxes have not, as in YOLOv4 of the ONNX model zoo"),
        ),
        (_, Axes::PixelRows) => (darknet, guess("a guess by the order of the axes, which is TensorFlow's")),
        (_, Axes::AnchorRows | Axes::AnchorPlanes) => {
            (v5, guess("a guess by the order of the axes, which is PyTorch's"))
        }
        _ if mish => (darknet, guess("a guess by the activation Mish")),
        _ if leaky && count("Add") > 0 => (darknet, guess("a guess by LeakyRelu beside Add, as in Darknet-53")),
        _ if leaky && maps.len() == 2 => (darknet, guess("a guess by LeakyRelu and two maps, as in YOLOv3-tiny")),
        _ => (v5, guess("a guess, as most of such exports are")),
    }
}

fn formula(head: Head) -> &'static str {
    match head {
        Head::YoloV3Grids => "read by YOLOv3's formula, centre (σ+cell)·stride and size exp·anchor",
        Head::YoloV4Grids => "read by YOLOv4's formula, centre (s·σ−(s−1)/2+cell)·stride and size exp·anchor",
        Head::YoloV7Grids => {
            "read by YOLOv5's formula with YOLOv7's anchors, centre (2σ−½+cell)·stride and size (2σ)²·anchor"
        }
        _ => "read by YOLOv5's formula, centre (2σ−½+cell)·stride and size (2σ)²·anchor",
    }
}

fn shape_sentence(look: &Look<'_>, maps: &[Map]) -> String {
    let shapes: Vec<_> = look.outputs.iter().map(|output| shape_text(&output.shape)).collect();
    let strides: Vec<_> = maps.iter().map(|map| map.stride.to_string()).collect();
    let (anchors, classes) = (maps[0].anchors, maps[0].classes());
    let shapes = shapes.join(", ");
    format!("outputs {shapes} = {anchors} anchors × (5+{classes}) on maps of strides {}", strides.join(", "))
}

fn anchors_sentence(look: &Look<'_>, head: Head, maps: usize, finest: usize) -> Evidence {
    if look.anchors.is_some() {
        return sure("the anchors are the card's");
    }
    match usual_anchors(head, maps, finest) {
        Some(rows) => {
            let row = |row: &[[f32; 2]; ANCHORS]| row.map(|[w, h]| format!("{w},{h}")).join(" ");
            let rows: Vec<_> = rows.iter().map(row).collect();
            guess(format!(
                "the anchors are a guess, those of the published models: {}; \"anchors\" in the card sets others",
                rows.join(" | ")
            ))
        }
        None => sure(format!(
            "no anchors are known for {maps} maps from stride {finest} on: \"anchors\" in the card must set them"
        )),
    }
}
