use super::*;
use crate::imaging::ImageSize;
use crate::inference::Layout;
use crate::inference::decode::{cells, strides_for};
use crate::onnx::proto::DataType;
use crate::onnx::{Dimension, ElementType, Precision, Quantization, ValueInfo};
use proptest::prelude::*;
use std::path::PathBuf;

const SIZE: ImageSize = ImageSize::new(64, 64);
/// 8² + 4² + 2²
const CELLS: usize = 84;

/// Sides below 0 are open.
fn value(name: &str, shape: &[i64], dtype: DataType) -> ValueInfo {
    let side = |side: &i64| usize::try_from(*side).map_or(Dimension::Unknown, Dimension::Fixed);
    ValueInfo { name: name.into(), shape: Some(shape.iter().map(side).collect()), dtype: ElementType(dtype) }
}

fn summary(outputs: &[(&str, &[i64])]) -> Summary {
    Summary {
        opset: 11,
        ir_version: 7,
        producer: String::new(),
        inputs: vec![value("images", &[1, 3, 64, 64], DataType::Float)],
        outputs: outputs.iter().map(|(name, shape)| value(name, shape, DataType::Float)).collect(),
        metadata: Default::default(),
        operators: Default::default(),
        precision: Precision::Fp32,
        precision_evidence: "fp32".into(),
        quantization: Quantization::default(),
        bytes: 1,
    }
}

fn with_metadata(mut summary: Summary, pairs: &[(&str, &str)]) -> Summary {
    summary.metadata = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    summary
}

fn plain(summary: &Summary) -> Result<Recognition, RecognizeError> {
    recognize(summary, None, None, None)
}

fn tried(summary: &Summary, outputs: &[(&str, &[usize], &[f32])]) -> Result<Recognition, RecognizeError> {
    let trial: Vec<_> = outputs.iter().map(|(name, shape, values)| OutputTensor { name, shape, values }).collect();
    recognize(summary, Some(&trial), None, None)
}

fn says(recognition: &Recognition, words: &str) {
    assert!(recognition.evidence.iter().any(|line| line.contains(words)), "{words:?} in {:?}", recognition.evidence);
}

fn refused(result: Result<Recognition, RecognizeError>, words: &[&str]) {
    let text = result.unwrap_err().to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} in {text:?}");
    }
    assert!(!text.contains('\n'));
}

/// YOLOX rows of 5 + 3 numbers, raw or decoded.
fn yolox_values(decoded: bool) -> Vec<f32> {
    let strides = strides_for(CELLS, SIZE).unwrap();
    let row = |cell: crate::inference::decode::Cell| match decoded {
        false => [0.4, -0.3, 0.2, 0.1, 0.01, 0.1, 0.2, 0.9],
        true => {
            let center = [(cell.column + 0.4) * cell.stride, (cell.row - 0.3) * cell.stride];
            [center[0], center[1], 9.0, 8.0, 0.01, 0.1, 0.2, 0.9]
        }
    };
    cells(SIZE, strides).flat_map(row).collect()
}

#[test]
fn yolox_raw_and_decoded_are_told_apart_by_values() {
    let summary = summary(&[("output", &[1, CELLS as i64, 8])]);
    for (decoded, head) in [(false, Head::Yolox), (true, Head::YoloxDecoded)] {
        let values = yolox_values(decoded);
        let found = tried(&summary, &[("output", &[1, CELLS, 8], &values)]).unwrap();
        assert_eq!(found.card.head, head);
        says(&found, "output [1,84,8] = 8²+4²+2² cells × (5+3): YOLOX");
        assert_eq!(found.card.color, ColorOrder::Bgr);
        assert_eq!((found.card.scale, found.card.pad, found.card.resize), (1.0, 114, ResizeMode::LetterboxTopLeft));
        assert_eq!(found.card.labels, ["class 0", "class 1", "class 2"]);
        assert!(!found.evidence.iter().any(|line| line.contains("guess")), "{:?}", found.evidence);
    }
}

#[test]
fn without_a_run_what_is_open_is_called_a_guess() {
    let mut yolox = summary(&[("output", &[-1, CELLS as i64, 85])]);
    let found = plain(&yolox).unwrap();
    assert_eq!((found.card.head, found.card.labels_from.clone()), (Head::Yolox, LabelSource::BuiltinCoco80));
    says(&found, "raw, a guess");
    yolox.operators.insert("Exp".into(), 1);
    assert_eq!(plain(&yolox).unwrap().card.head, Head::YoloxDecoded);
    let found = plain(&summary(&[("boxes", &[1, CELLS as i64, 1, 4]), ("confs", &[1, CELLS as i64, 7])])).unwrap();
    assert_eq!(found.card.head, Head::BoxesScoresUnit);
    says(&found, "guess");
}

#[test]
fn yolov8_brings_its_names_along() {
    let names = "{0: 'cat', 1: \"it's\"}";
    let v8 = with_metadata(summary(&[("output0", &[1, 6, CELLS as i64])]), &[("names", names), ("task", "detect")]);
    let found = plain(&v8).unwrap();
    assert_eq!((found.card.head, found.card.labels_from.clone()), (Head::YoloV8, LabelSource::Metadata));
    assert_eq!(found.card.labels, ["cat", "it's"]);
    assert_eq!((found.card.color, found.card.scale), (ColorOrder::Rgb, 1.0 / 255.0));
    assert_eq!(found.card.resize, ResizeMode::LetterboxCenter);
    let mut values = vec![30.0; 4 * CELLS];
    values.extend(vec![0.1; 2 * CELLS]);
    assert_eq!(tried(&v8, &[("output0", &[1, 6, CELLS], &values)]).unwrap().card.head, Head::YoloV8);
    values[5 * CELLS] = -3.0;
    refused(tried(&v8, &[("output0", &[1, 6, CELLS], &values)]), &["no scores between 0 and 1", "not known yet"]);
    let pose = with_metadata(v8.clone(), &[("task", "pose")]);
    refused(plain(&pose), &["task = pose"]);
}

#[test]
fn boxes_and_scores_are_told_from_their_relatives_by_values() {
    let pair = summary(&[("a", &[1, -1, 4]), ("b", &[1, -1, 2])]);
    let run = |boxes: &[f32], scores: &[f32]| tried(&pair, &[("a", &[1, 2, 4], boxes), ("b", &[1, 2, 2], scores)]);
    let pixels = [0.0, 0.0, 60.0, 50.0, 3.0, 4.0, 5.0, 6.0];
    let fractions = [-0.1, 0.0, 1.1, 0.5, 0.3, 0.4, 0.5, 0.6];
    let centers = [0.5, 0.5, 0.2, 0.2, 0.3, 0.4, 0.1, 0.1];
    let scores = [0.1, 0.2, 0.01, 0.3];
    assert_eq!(run(&pixels, &scores).unwrap().card.head, Head::BoxesScores);
    assert_eq!(run(&fractions, &scores).unwrap().card.head, Head::BoxesScoresUnit);
    refused(run(&pixels, &[0.1, -4.0, 0.01, 0.3]), &["before the sigmoid", "yolov8 [1, 4+classes, cells]"]);
    refused(run(&fractions, &[0.9, 0.1, 0.99, 0.01]), &["background class"]);
    refused(run(&centers, &scores), &["not left, top, right, bottom"]);
    refused(plain(&pair), &["cannot be told from the file alone"]);
}

#[test]
fn what_is_no_detector_says_what_it_looks_like() {
    for (outputs, words) in [
        (&[("probabilities", &[1i64, 1000][..])][..], "a classifier with 1000 classes"),
        (&[("mask", &[1, 21, 64, 64])], "a segmenter"),
        (&[("out", &[1, 252, 85])], "YOLOv5 or YOLOv7 (3 anchors × 84 cells)"),
        (&[("out", &[1, 300, 6])], "300 finished detections"),
        (&[("output", &[1, 7])], "a list of finished detections"),
        (&[("a", &[1, 5]), ("b", &[1]), ("c", &[2])], "a head with 3 outputs"),
        (&[], "none at all"),
        (&[("logits", &[1, 100, 80]), ("pred_boxes", &[1, 100, 4])], "DETR"),
    ] {
        refused(plain(&summary(outputs)), &[words, "Known are yolox or yolox_decoded [1, cells, 5+classes]; yolov8 "]);
    }
    refused(plain(&summary(&[("out", &[1, -1, 85])])), &["leaves their shapes open"]);
}

#[test]
fn inputs_that_are_no_picture_are_refused_by_name() {
    let base = summary(&[("output", &[1, CELLS as i64, 85])]);
    let with = |inputs: &[ValueInfo]| plain(&Summary { inputs: inputs.to_vec(), ..base.clone() });
    let picture = value("images", &[1, 3, 64, 64], DataType::Float);
    refused(with(&[]), &["0 inputs"]);
    refused(with(&[picture, value("sizes", &[1, 2], DataType::Int64)]), &["2 inputs", "sizes [1,2] int64"]);
    refused(with(&[value("x", &[1, 3, 64, 64], DataType::Int64)]), &["x [1,3,64,64] int64", "float16"]);
    refused(with(&[value("x", &[1, 10], DataType::Float)]), &["2 axes instead of 4"]);
    refused(with(&[value("x", &[8, 3, 64, 64], DataType::Float)]), &["8 pictures at once"]);
    refused(with(&[value("x", &[1, 1, 64, 64], DataType::Float)]), &["no axis has the length 3"]);
    refused(with(&[value("x", &[1, 3, 99999, 64], DataType::Float)]), &["larger than 8192"]);
}

#[test]
fn layout_type_and_size_of_the_input() {
    let base = summary(&[]);
    let input = |shape: &[i64], dtype, metadata: &[(&str, &str)]| {
        let summary = with_metadata(base.clone(), metadata);
        recognize_input(&Summary { inputs: vec![value("x", shape, dtype)], ..summary }, None).unwrap()
    };
    let imgsz = [("imgsz", "[480, 640]")];
    for (shape, dtype, metadata, want) in [
        (&[1i64, 3, 240, 320][..], DataType::Float, &[][..], (320, 240, Layout::Nchw, InputType::F32)),
        (&[1, 240, 320, 3], DataType::Uint8, &[], (320, 240, Layout::Nhwc, InputType::U8)),
        (&[-1, 3, -1, -1], DataType::Float16, &[], (640, 640, Layout::Nchw, InputType::F16)),
        (&[-1, -1, -1, 3], DataType::Float, &imgsz, (640, 480, Layout::Nhwc, InputType::F32)),
        (&[1, 3, 352, -1], DataType::Float, &imgsz, (640, 352, Layout::Nchw, InputType::F32)),
        (&[1, 3, -1, -1], DataType::Float, &[("imgsz", "nonsense 7 8 9")], (640, 640, Layout::Nchw, InputType::F32)),
    ] {
        let got = input(shape, dtype, metadata);
        assert_eq!((got.size.width, got.size.height, got.layout, got.dtype), want, "{shape:?}");
    }
    let open = input(&[1, 3, -1, -1], DataType::Float, &[]);
    assert!(open.evidence.iter().any(|line| line.contains("guess")));
    assert_eq!(open.shape(), [1, 3, 640, 640]);
}

#[test]
fn a_card_overrides_and_is_checked_against_the_outputs() {
    let yolox = summary(&[("output", &[1, CELLS as i64, 85])]);
    let card = CardOverrides {
        head: Some(Head::YoloxDecoded),
        color: Some(ColorOrder::Rgb),
        labels: Some(CardLabels::Names(vec!["cat".into()])),
        path: PathBuf::from("m.toml"),
        ..Default::default()
    };
    let found = recognize(&yolox, None, Some(&card), None).unwrap();
    assert_eq!((found.card.head, found.card.color), (Head::YoloxDecoded, ColorOrder::Rgb));
    assert_eq!((found.card.labels[0].as_str(), found.card.labels[1].as_str()), ("cat", "class 1"));
    assert_eq!(found.card.labels_from, LabelSource::File("m.toml".into()));
    assert!(found.warnings[0].contains("names 1 classes and the model has 80"), "{:?}", found.warnings);
    says(&found, "the card m.toml sets head, color");
    let wrong = CardOverrides { head: Some(Head::BoxesScores), ..card.clone() };
    refused(
        recognize(&yolox, None, Some(&wrong), None),
        &["boxes_scores", "output [1,84,85] float32", "Correct the card"],
    );
    let size = CardOverrides { input_size: Some([96, 64]), ..Default::default() };
    let found = recognize_input(&yolox, Some(&size)).unwrap();
    assert_eq!(found.size, ImageSize::new(96, 64));
    assert!(found.warnings[0].contains("declares 64x64"), "{:?}", found.warnings);
}

#[test]
fn a_label_file_goes_before_everything_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.names");
    std::fs::write(&file, "one\ntwo\nthree\n").unwrap();
    let v8 = with_metadata(summary(&[("output0", &[1, 6, CELLS as i64])]), &[("names", "['a', 'b']")]);
    let found = recognize(&v8, None, None, Some(&file)).unwrap();
    assert_eq!(found.card.labels, ["one", "two"]);
    assert_eq!(found.card.labels_from, LabelSource::File(file));
    assert!(found.warnings[0].contains("has only 2"));
    refused(recognize(&v8, None, None, Some(Path::new("/no/such.names"))), &["/no/such.names"]);
}

#[test]
fn bytes_are_not_scaled() {
    let mut v8 = summary(&[("output0", &[1, 6, CELLS as i64])]);
    v8.inputs = vec![value("x", &[1, 64, 64, 3], DataType::Uint8)];
    let found = plain(&v8).unwrap();
    assert_eq!((found.card.scale, found.card.layout), (1.0, Layout::Nhwc));
}

proptest! {
    #[test]
    fn no_shape_panics(
        shapes in prop::collection::vec(prop::collection::vec(0usize..100, 0..5), 0..4),
        lie in 0usize..3, fill in prop::sample::select(vec![0.5f32, -7.0, 300.0, f32::NAN, f32::INFINITY]),
    ) {
        let values: Vec<Vec<f32>> = shapes.iter()
            .map(|shape| vec![fill; shape.iter().product::<usize>().min(100_000).saturating_sub(lie)]).collect();
        let trial: Vec<_> = shapes.iter().zip(&values)
            .map(|(shape, values)| OutputTensor { name: "boxes", shape, values }).collect();
        let summary = summary(&[]);
        for head in Head::ALL.map(Some).into_iter().chain([None]) {
            let card = CardOverrides { head, ..Default::default() };
            let _ = recognize(&summary, Some(&trial), Some(&card), None);
        }
    }
}
