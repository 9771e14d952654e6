//! Which head a model has, told from the shapes of its outputs and, after a trial run, from their values.

use super::outputs::{self, Output, are_scores, shape_text};
use super::{InputRecognition, RecognizeError};
use crate::imaging::ImageSize;
use crate::inference::Head;
use crate::inference::decode::{OutputTensor, boxes_and_scores, cells, strides_for};
use crate::inference::labels;
use crate::onnx::Summary;

/// A head with its number of classes.
#[derive(Debug)]
pub(super) struct HeadRecognition {
    pub head: Head,
    pub classes: usize,
    pub evidence: Vec<String>,
}

/// What a look at the outputs gives, before it is put into a message.
#[derive(Debug)]
enum Verdict {
    Known(HeadRecognition),
    NotKnown(String),
    NeedsTrial(&'static str),
}

pub(super) fn recognize(
    summary: &Summary,
    trial: Option<&[OutputTensor<'_>]>,
    input: &InputRecognition,
    card: Option<Head>,
) -> Result<HeadRecognition, RecognizeError> {
    let listed = || outputs::describe(summary, trial);
    let Some(known) = outputs::known(summary, trial) else {
        let reason = "the file leaves their shapes open, and it was not run";
        return Err(RecognizeError::NeedsTrial { outputs: listed(), reason });
    };
    if let Some(head) = card {
        return as_the_card_says(head, &known)
            .ok_or_else(|| RecognizeError::HeadDoesNotFit { head, outputs: listed() });
    }
    match tell(summary, &known, input.size) {
        Verdict::Known(found) => Ok(found),
        Verdict::NotKnown(looks) => Err(RecognizeError::NotKnown { outputs: listed(), looks }),
        Verdict::NeedsTrial(reason) => Err(RecognizeError::NeedsTrial { outputs: listed(), reason }),
    }
}

/// Takes the card's word for the head and only counts the classes.
fn as_the_card_says(head: Head, known: &[Output<'_>]) -> Option<HeadRecognition> {
    let matrices = known.iter().filter_map(|output| match output.shape.as_slice() {
        [1, rows, columns] => Some((*rows, *columns)),
        _ => None,
    });
    let mut matrices = matrices.filter(|(rows, columns)| *rows > 0 && *columns > 0);
    let classes = match head {
        Head::Yolox | Head::YoloxDecoded => matrices.find(|(_, columns)| *columns > 5).map(|(_, columns)| columns - 5),
        Head::YoloV8 => matrices.find(|(rows, _)| *rows > 4).map(|(rows, _)| rows - 4),
        Head::BoxesScores | Head::BoxesScoresUnit => {
            boxes_and_scores(known, |o| (o.name, o.shape.as_slice())).map(|(_, scores)| scores.shape[2])
        }
    }?;
    Some(HeadRecognition {
        head,
        classes,
        evidence: vec![format!("head {head} with {classes} classes: the card says so")],
    })
}

fn tell(summary: &Summary, known: &[Output<'_>], size: ImageSize) -> Verdict {
    if let Some(task) = summary.metadata.get("task").filter(|task| task.as_str() != "detect") {
        return Verdict::NotKnown(format!("a model for another task, since its metadata says task = {task}"));
    }
    match known {
        [output] => match *output.shape.as_slice() {
            [1, rows, columns] if columns > 5 && strides_for(rows, size).is_some() => {
                tell_yolox(summary, output, rows, columns, size)
            }
            [1, rows, columns] if rows > 4 && is_yolov8(summary, rows, columns, size) => {
                tell_yolov8(output, rows, columns, size)
            }
            _ => Verdict::NotKnown(looks_of_one(output, size)),
        },
        [_, _] => match boxes_and_scores(known, |output| (output.name, output.shape.as_slice())) {
            Some((boxes, scores)) => tell_boxes_scores(boxes, scores, size),
            None => Verdict::NotKnown("two outputs of another kind of head".to_owned()),
        },
        [] => Verdict::NotKnown("none at all".to_owned()),
        many => Verdict::NotKnown(format!("a head with {} outputs", many.len())),
    }
}

fn is_yolov8(summary: &Summary, rows: usize, columns: usize, size: ImageSize) -> bool {
    let named =
        || summary.metadata.get("names").and_then(|names| labels::literal_names(names)).map(|names| names.len());
    columns > rows && (strides_for(columns, size).is_some() || named() == Some(rows - 4))
}

fn tell_yolox(summary: &Summary, output: &Output<'_>, rows: usize, columns: usize, size: ImageSize) -> Verdict {
    let classes = columns - 5;
    let strides = strides_for(rows, size).unwrap_or_default();
    let Some(values) = output.values else {
        if strides.len() > 3 {
            return Verdict::NeedsTrial("a grid of four maps is YOLOX's or NanoDet's, which only a run can tell");
        }
        // Raw exports of YOLOX have no exponential; decoding needs one for the sizes.
        let (head, why) = match summary.operators.contains_key("Exp") {
            true => (Head::YoloxDecoded, "decoded, a guess as the graph holds an Exp operator"),
            false => (Head::Yolox, "raw, a guess as the graph holds no Exp operator"),
        };
        return yolox(head, output, size, strides, classes, format!("boxes are {why}"));
    };
    if !values.chunks_exact(columns).all(|row| are_scores(&row[4..])) {
        return Verdict::NotKnown(format!(
            "one row a cell of a grid ({}), but numbers behind the fourth are no scores between 0 and 1",
            grid_text(size, strides)
        ));
    }
    let raw = mean_distance(values, columns, size, strides, |value, _, _| value - 0.5);
    let decoded = mean_distance(values, columns, size, strides, |value, cell, stride| value / stride - cell - 0.5);
    let (head, evidence) = if raw <= decoded {
        (Head::Yolox, format!("as offsets the boxes lie {raw:.1} cells from their cells (as pixels {decoded:.1}): raw"))
    } else {
        let head = Head::YoloxDecoded;
        (head, format!("as pixels the boxes lie {decoded:.1} cells from their cells (as offsets {raw:.1}): decoded"))
    };
    yolox(head, output, size, strides, classes, evidence)
}

fn yolox(
    head: Head,
    output: &Output<'_>,
    size: ImageSize,
    strides: &'static [u32],
    classes: usize,
    evidence: String,
) -> Verdict {
    let shape = shape_text(&output.shape);
    let told = format!("output {shape} = {} cells × (5+{classes}): YOLOX", grid_text(size, strides));
    Verdict::Known(HeadRecognition { head, classes, evidence: vec![told, evidence] })
}

/// Mean distance in cells between boxes' centres and the middle of their cells, under one reading of the centre.
fn mean_distance(
    values: &[f32],
    columns: usize,
    size: ImageSize,
    strides: &'static [u32],
    reading: impl Fn(f32, f32, f32) -> f32,
) -> f32 {
    let rows = values.chunks_exact(columns);
    let count = rows.len().max(1) as f32;
    let distance = |(row, cell): (&[f32], crate::inference::decode::Cell)| {
        reading(row[0], cell.column, cell.stride).abs() + reading(row[1], cell.row, cell.stride).abs()
    };
    rows.zip(cells(size, strides)).map(distance).sum::<f32>() / (2.0 * count)
}

fn tell_yolov8(output: &Output<'_>, rows: usize, columns: usize, size: ImageSize) -> Verdict {
    let classes = rows - 4;
    let shape = shape_text(&output.shape);
    let cells = strides_for(columns, size).map_or_else(|| columns.to_string(), |strides| grid_text(size, strides));
    let mut evidence = vec![format!("output {shape} = (4+{classes}) × {cells} cells: YOLOv8")];
    if let Some(values) = output.values {
        let (boxes, scores) = values.split_at((4 * columns).min(values.len()));
        if !are_scores(scores) {
            return Verdict::NotKnown(format!(
                "YOLOv8's ({cells} cells), but with numbers that are no scores between 0 and 1"
            ));
        }
        if outputs::largest(boxes) <= UNIT_LIMIT {
            return Verdict::NotKnown(format!("YOLOv8's ({cells} cells), but with boxes that are no pixels"));
        }
        evidence.push("a run gave boxes in pixels and scores between 0 and 1".to_owned());
    }
    Verdict::Known(HeadRecognition { head: Head::YoloV8, classes, evidence })
}

/// Fractions of the input reach a little beyond 1; pixels of boxes all over an input reach far beyond this.
const UNIT_LIMIT: f32 = 4.0;

/// From this share of ordered boxes on they are taken as left, top, right, bottom.
const ORDERED_SHARE: f32 = 0.98;

fn tell_boxes_scores(boxes: &Output<'_>, scores: &Output<'_>, size: ImageSize) -> Verdict {
    let (count, classes) = (scores.shape[1], scores.shape[2]);
    let told = |head, reason: &str| {
        let shapes = (shape_text(&boxes.shape), shape_text(&scores.shape));
        let sentence = format!("outputs {} and {} = {count} boxes with {classes} scores each", shapes.0, shapes.1);
        Verdict::Known(HeadRecognition { head, classes, evidence: vec![sentence, reason.to_owned()] })
    };
    if scores.name.to_ascii_lowercase().contains("logit") {
        return Verdict::NotKnown("a DETR-like head, with scores before the sigmoid".to_owned());
    }
    let (Some(edges), Some(values)) = (boxes.values, scores.values) else {
        if strides_for(count, size).or(strides_for(count / 3, size)).is_none() {
            return Verdict::NeedsTrial(
                "boxes and scores of many heads look alike, and only a run can tell them apart",
            );
        }
        return match scores.name.to_ascii_lowercase().contains("conf") {
            true => told(Head::BoxesScoresUnit, "boxes as fractions of the input, a guess by the name \"conf\""),
            false => told(Head::BoxesScores, "boxes in pixels, a guess as the model was not run"),
        };
    };
    if !are_scores(values) {
        return Verdict::NotKnown("a DETR-like head, with scores before the sigmoid".to_owned());
    }
    if classes > 1 && outputs::rows_add_up_to_one(values, classes) {
        return Verdict::NotKnown("an SSD-like head, with a background class and scores after a softmax".to_owned());
    }
    if outputs::share_of_ordered_boxes(edges) < ORDERED_SHARE {
        return Verdict::NotKnown("boxes and scores, but with boxes that are not left, top, right, bottom".to_owned());
    }
    let largest = outputs::largest(edges);
    match largest > UNIT_LIMIT {
        true => told(Head::BoxesScores, &format!("a run gave box edges up to {largest:.0}: pixels")),
        false => {
            told(Head::BoxesScoresUnit, &format!("a run gave box edges up to {largest:.2}: fractions of the input"))
        }
    }
}

/// `52²+26²+13²`, or `80×60+40×30+20×15`.
fn grid_text(size: ImageSize, strides: &[u32]) -> String {
    let map = |stride: &u32| match (size.width.div_ceil(*stride), size.height.div_ceil(*stride)) {
        (columns, rows) if columns == rows => format!("{columns}²"),
        (columns, rows) => format!("{columns}×{rows}"),
    };
    strides.iter().map(map).collect::<Vec<_>>().join("+")
}

fn looks_of_one(output: &Output<'_>, size: ImageSize) -> String {
    match *output.shape.as_slice() {
        [_, 6 | 7] | [1, 1, _, 7] => "a list of finished detections".to_owned(),
        [1, classes] | [1, classes, 1, 1] if classes > 1 => format!("a classifier with {classes} classes"),
        [1, _, height, width] if height > 1 && width > 1 => {
            format!("a segmenter or a feature map ({width}x{height} places)")
        }
        [1, rows, columns] if columns > 5 && rows % 3 == 0 && strides_for(rows / 3, size).is_some() => {
            format!("YOLOv5 or YOLOv7 (3 anchors × {} cells)", rows / 3)
        }
        [1, rows, columns] if columns == 6 || columns == 7 => {
            format!("{rows} finished detections with {columns} numbers each")
        }
        _ => "another kind of head".to_owned(),
    }
}
