use super::*;
use crate::imaging::{ImageSize, ResizeMode};
use crate::inference::heads::test_support::{summary, value, with_metadata};
use crate::inference::{CardLabels, ClassNumbers, ColorOrder, Layout};
use crate::onnx::ValueInfo;
use crate::onnx::proto::DataType;
use proptest::prelude::*;
use std::path::PathBuf;

/// 8² + 4² + 2², the cells of an input of 64x64.
const CELLS: usize = 84;

fn plain(summary: &Summary) -> Result<Recognition, RecognizeError> {
    recognize(summary, &recognize_input(summary, None)?, None, None, None)
}

fn with_card(summary: &Summary, card: &CardOverrides) -> Result<Recognition, RecognizeError> {
    recognize(summary, &recognize_input(summary, Some(card))?, None, Some(card), None)
}

fn tried(summary: &Summary, outputs: &[(&str, &[usize], &[f32])]) -> Result<Recognition, RecognizeError> {
    let trial: Vec<_> = outputs.iter().map(|(name, shape, values)| OutputTensor { name, shape, values }).collect();
    recognize(summary, &recognize_input(summary, None)?, Some(&trial), None, None)
}

fn says(recognition: &Recognition, words: &str) {
    assert!(
        recognition.evidence.iter().any(|line| line.to_string().contains(words)),
        "{words:?} in {:?}",
        recognition.evidence
    );
}

fn refused(result: Result<Recognition, RecognizeError>, words: &[&str]) {
    let text = result.unwrap_err().to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} in {text:?}");
    }
    assert!(!text.contains('\n'));
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
    for task in ["segment", "pose", "obb", "classify", "Pose"] {
        refused(plain(&with_metadata(v8.clone(), &[("task", task)])), &[&format!("task = {task}")]);
    }
    for task in ["detect", "object-detection", "Detect", ""] {
        assert_eq!(plain(&with_metadata(v8.clone(), &[("task", task)])).unwrap().card.head, Head::YoloV8, "{task}");
    }
}

#[test]
fn what_is_no_detector_says_what_it_looks_like() {
    for (outputs, words) in [
        (&[("probabilities", &[1i64, 1000][..])][..], "a classifier with 1000 classes"),
        (&[("mask", &[1, 21, 64, 64])], "a segmenter"),
        (&[("output0", &[1, 116, 84]), ("output1", &[1, 32, 16, 16])], "a segmenter, with masks [1,32,16,16]"),
        (&[("a", &[1, 5]), ("b", &[1, 9, 9]), ("c", &[2])], "a head with 3 outputs"),
        (&[], "none at all"),
    ] {
        refused(plain(&summary(outputs)), &[words, "Known are yolox, yolox_decoded, ", "\"head\" in a model card"]);
    }
}

#[test]
fn inputs_that_are_no_picture_are_refused_by_name() {
    let base = summary(&[("output", &[1, CELLS as i64, 85])]);
    let with = |inputs: &[ValueInfo]| plain(&Summary { inputs: inputs.to_vec(), ..base.clone() });
    let picture = value("images", &[1, 3, 64, 64], DataType::Float);
    refused(with(&[]), &["no inputs"]);
    refused(with(&[picture, value("prompt", &[1, 2], DataType::Int64)]), &["prompt [1,2] int64", "beside the picture"]);
    refused(with(&[value("x", &[1, 3, 64, 64], DataType::Int64)]), &["x [1,3,64,64] int64", "float16"]);
    refused(with(&[value("x", &[1, 10], DataType::Float)]), &["2 axes instead of 4"]);
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
    assert!(open.size_open && open.evidence.iter().any(|line| line.guess));
    assert_eq!(open.shape(), [1, 3, 640, 640]);
    assert_eq!(
        open.sizes_to_try(Some(ImageSize::new(320, 320)))[..2],
        [320, 640].map(|side| ImageSize::new(side, side))
    );
    let unbatched = input(&[3, 240, 320], DataType::Float, &[]);
    assert_eq!((unbatched.size, unbatched.layout), (ImageSize::new(320, 240), Layout::Nchw));
    let lying = input(&[10, 3, 32, 32], DataType::Float, &[]);
    assert!(lying.relaxed_from.is_some() && lying.size_open, "{lying:?}");
    let several = input(&[8, 3, 416, 416], DataType::Float, &[]);
    assert!(several.relaxed_from.is_some() && several.size == ImageSize::new(416, 416), "{several:?}");
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
    let found = with_card(&yolox, &card).unwrap();
    assert_eq!((found.card.head, found.card.color), (Head::YoloxDecoded, ColorOrder::Rgb));
    assert_eq!((found.card.labels[0].as_str(), found.card.labels[1].as_str()), ("cat", "class 1"));
    assert_eq!(found.card.labels_from, LabelSource::File("m.toml".into()));
    assert!(found.warnings[0].contains("names 1 classes and the model has 80"), "{:?}", found.warnings);
    says(&found, "the model card m.toml sets head, color");
    let wrong = CardOverrides { head: Some(Head::BoxesScores), ..card.clone() };
    refused(with_card(&yolox, &wrong), &["boxes_scores", "output [1,84,85] float32", "Correct the card"]);
    let numbers = CardOverrides { class_numbers: Some(ClassNumbers::FromOne), nms: Some(false), ..Default::default() };
    let found = with_card(&yolox, &numbers).unwrap();
    assert_eq!((found.card.labels.len(), found.card.nms), (79, false));
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
    let input = recognize_input(&v8, None).unwrap();
    let found = recognize(&v8, &input, None, None, Some(&file)).unwrap();
    assert_eq!(found.card.labels, ["one", "two"]);
    assert_eq!(found.card.labels_from, LabelSource::File(file));
    assert!(found.warnings[0].contains("has only 2"));
    refused(recognize(&v8, &input, None, None, Some(Path::new("/no/such.names"))), &["/no/such.names"]);
}

#[test]
fn bytes_are_not_scaled() {
    let mut v8 = summary(&[("output0", &[1, 6, CELLS as i64])]);
    v8.inputs = vec![value("x", &[1, 64, 64, 3], DataType::Uint8)];
    let found = plain(&v8).unwrap();
    assert_eq!((found.card.scale, found.card.layout), (1.0, Layout::Nhwc));
}

#[test]
fn a_model_for_several_pictures_is_refused_where_its_batch_is_built_in() {
    let mut v8 = summary(&[("output0", &[4, 6, CELLS as i64])]);
    v8.inputs = vec![value("images", &[4, 3, 64, 64], DataType::Float)];
    let card = CardOverrides { input_size: Some([64, 64]), ..Default::default() };
    let input = recognize_input(&v8, Some(&card)).unwrap();
    let run = |batch: usize, head: Option<Head>| {
        let values: Vec<f32> = [vec![30.0; 4 * CELLS], vec![0.1; 2 * CELLS]].concat().repeat(batch);
        let outputs = [OutputTensor { name: "output0", shape: &[batch, 6, CELLS], values: &values }];
        recognize(&v8, &input, Some(&outputs), Some(&CardOverrides { head, ..card.clone() }), None)
    };
    let words = ["4 pictures at once", "images [4,3,64,64]", "output0 [4,6,84]", "Export it with batch 1"];
    refused(run(4, None), &words);
    refused(run(4, Some(Head::YoloV8)), &words);
    assert_eq!(run(1, None).unwrap().card.head, Head::YoloV8, "a batch that is not built in");
    refused(run(3, None), &["that is not known"]);
    let how = input.batch_error("Reshape fails".into()).unwrap().to_string();
    assert!(how.contains("4 pictures") && how.contains("Reshape fails. Export"), "{how}");
    let single = recognize_input(&summary(&[]), None).unwrap();
    assert!(single.batch_error(String::new()).is_none());
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
        let input = recognize_input(&summary, None).unwrap();
        for head in Head::ALL.iter().copied().map(Some).chain([None]) {
            let card = CardOverrides { head, ..Default::default() };
            let _ = recognize(&summary, &input, Some(&trial), Some(&card), None);
        }
    }
}
