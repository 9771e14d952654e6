//! Real detectors: each is read, summed up, run once on a grey picture, recognised and decoded. Skipped where the
//! shared models or ONNX Runtime are absent.

use ort::session::Session;
use ort::value::{DynValue, Tensor, TensorElementType, ValueType};
use quantscope::imaging::{ImageSize, ResizeMode};
use quantscope::inference::decode::{DecodeContext, Decoder, OutputTensor};
use quantscope::inference::preprocess::InputType;
use quantscope::inference::{
    CardOverrides, ColorOrder, Head, InputRecognition, LabelSource, Layout, RecognizeError, recognize, recognize_input,
};
use quantscope::onnx::{self, Precision, Summary};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder of shared models, or a line that says what is skipped.
fn zoo() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("QUANTSCOPE_SHARED").map_or_else(beside, PathBuf::from);
    let zoo = shared.join("zoo");
    if zoo.is_dir() {
        return Some(zoo);
    }
    println!("skipped: {} is not there", zoo.display());
    None
}

/// ONNX Runtime, or a line that says that runs are skipped.
fn runtime() -> Option<&'static ort::environment::Environment> {
    static RUNTIME: OnceLock<Option<ort::environment::Environment>> = OnceLock::new();
    let started = RUNTIME.get_or_init(|| {
        let library = std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from).filter(|path| path.is_file())?;
        ort::init_from(library).ok()?.build().ok()
    });
    if started.is_none() {
        println!("skipped: ORT_DYLIB_PATH names no ONNX Runtime");
    }
    started.as_ref()
}

fn read(path: &Path) -> Summary {
    let model = onnx::read(path).unwrap_or_else(|error| panic!("{error}"));
    onnx::summary(&model, path).unwrap_or_else(|error| panic!("{error}"))
}

struct Owned {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

fn borrowed(outputs: &[Owned]) -> Vec<OutputTensor<'_>> {
    outputs.iter().map(|o| OutputTensor { name: &o.name, shape: &o.shape, values: &o.values }).collect()
}

/// The outputs of one run on mid-grey.
fn run_on_grey(path: &Path, input: &InputRecognition) -> Option<Vec<Owned>> {
    let mut session = Session::builder(runtime()?).unwrap().commit_from_file(path).unwrap();
    let names: Vec<String> = session.outputs().iter().map(|output| output.name().to_owned()).collect();
    let shape = input.shape();
    let count = shape.iter().product();
    let grey: DynValue = match input.dtype {
        InputType::F32 => Tensor::from_array((shape, vec![114f32; count])).unwrap().into_dyn(),
        InputType::F16 => Tensor::from_array((shape, vec![half::f16::from_f32(114.0); count])).unwrap().into_dyn(),
        InputType::U8 => Tensor::from_array((shape, vec![114u8; count])).unwrap().into_dyn(),
    };
    let outputs = session.run(ort::inputs![grey]).unwrap();
    let owned = names.iter().map(|name| floats(name, &outputs[name.as_str()])).collect();
    Some(owned)
}

fn floats(name: &str, value: &ort::value::Value) -> Owned {
    let ValueType::Tensor { ty, .. } = value.dtype() else { panic!("{name} is no tensor") };
    let (shape, values): (Vec<i64>, Vec<f32>) = match ty {
        TensorElementType::Float32 => take::<f32>(value, |v| v),
        TensorElementType::Float16 => take::<half::f16>(value, half::f16::to_f32),
        TensorElementType::Int64 => take::<i64>(value, |v| v as f32),
        TensorElementType::Int32 => take::<i32>(value, |v| v as f32),
        other => panic!("{name} has elements of type {other}"),
    };
    Owned { name: name.into(), shape: shape.iter().map(|&side| side as usize).collect(), values }
}

fn take<T: ort::value::PrimitiveTensorElementType + Copy>(
    value: &ort::value::Value,
    to_float: fn(T) -> f32,
) -> (Vec<i64>, Vec<f32>) {
    let (shape, values) = value.try_extract_tensor::<T>().unwrap();
    (shape.to_vec(), values.iter().map(|&v| to_float(v)).collect())
}

/// What is expected of one model.
struct Expected {
    file: &'static str,
    head: Head,
    precision: Precision,
    layout: Layout,
    color: ColorOrder,
    labels_from: LabelSource,
}

const USUAL: Expected = Expected {
    file: "yolox_nano.onnx",
    head: Head::Yolox,
    precision: Precision::Fp32,
    layout: Layout::Nchw,
    color: ColorOrder::Bgr,
    labels_from: LabelSource::BuiltinCoco80,
};

fn known() -> [Expected; 8] {
    let rgb = ColorOrder::Rgb;
    [
        USUAL,
        Expected { file: "yolox_nano_decoded.onnx", head: Head::YoloxDecoded, ..USUAL },
        Expected { file: "yolox_nano_ext.onnx", ..USUAL },
        Expected { file: "yolox_nano_fp16.onnx", precision: Precision::Fp16, ..USUAL },
        Expected { file: "yolox_nano_uint8_nhwc.onnx", layout: Layout::Nhwc, ..USUAL },
        Expected {
            file: "head_yolov8_from_yolox.onnx",
            head: Head::YoloV8,
            color: rgb,
            labels_from: LabelSource::Metadata,
            ..USUAL
        },
        Expected { file: "head_yolonas_from_yolox.onnx", head: Head::BoxesScores, color: rgb, ..USUAL },
        Expected { file: "head_yolov4_boxes_confs_from_yolox.onnx", head: Head::BoxesScoresUnit, color: rgb, ..USUAL },
    ]
}

#[test]
fn known_heads_are_recognised_with_and_without_a_run() {
    let Some(zoo) = zoo() else { return };
    for expected in known() {
        let path = zoo.join(expected.file);
        let summary = read(&path);
        println!(
            "{}: {} bytes, opset {}, {} operators",
            expected.file,
            summary.bytes,
            summary.opset,
            summary.operators.len()
        );
        assert_eq!(summary.precision, expected.precision, "{}", expected.file);
        let check = |trial: Option<&[OutputTensor<'_>]>| {
            let found = recognize(&summary, trial, None, None).unwrap_or_else(|e| panic!("{}: {e}", expected.file));
            println!("{}: {:#?}", expected.file, found.evidence);
            assert_eq!((found.card.head, found.card.layout), (expected.head, expected.layout), "{}", expected.file);
            assert_eq!((found.card.color, &found.card.labels_from), (expected.color, &expected.labels_from));
            assert_eq!(found.card.input_size, ImageSize::new(416, 416));
            assert_eq!(
                (found.card.labels.len(), found.card.label(0), found.card.label(79)),
                (80, "person".into(), "toothbrush".into())
            );
            assert!(found.warnings.is_empty(), "{:?}", found.warnings);
        };
        check(None);
        let input = recognize_input(&summary, None).unwrap();
        if let Some(outputs) = run_on_grey(&path, &input) {
            check(Some(&borrowed(&outputs)));
        }
    }
}

#[test]
fn the_same_network_gives_the_same_boxes_behind_every_head() {
    let Some(zoo) = zoo() else { return };
    // Pixels, in the mean over all cells. One network is behind all heads, so that boxes differ by rounding only; in
    // 16 bits every layer rounds.
    const TOLERANCE: f32 = 0.01;
    const TOLERANCE_FP16: f32 = 1.0;
    let mut reference: Option<Vec<_>> = None;
    for expected in known() {
        let path = zoo.join(expected.file);
        let input = recognize_input(&read(&path), None).unwrap();
        let Some(outputs) = run_on_grey(&path, &input) else { return };
        let mut candidates = Vec::new();
        let context = DecodeContext { input_size: input.size, score_floor: 0.0 };
        Decoder::new(expected.head).decode(&borrowed(&outputs), &context, &mut candidates).unwrap();
        assert_eq!(candidates.len(), 3549, "{}", expected.file);
        let reference = reference.get_or_insert_with(|| candidates.clone());
        let tolerance = if expected.precision == Precision::Fp16 { TOLERANCE_FP16 } else { TOLERANCE };
        let mut distance = 0.0;
        for (got, want) in candidates.iter().zip(reference.iter()) {
            assert!((got.score - want.score).abs() < 0.01, "{}: {got:?} {want:?}", expected.file);
            distance += (got.rect.x1 - want.rect.x1).abs().max((got.rect.y2 - want.rect.y2).abs());
        }
        let mean = distance / candidates.len() as f32;
        println!("{}: boxes are {mean} pixels from those of the first", expected.file);
        assert!(mean < tolerance, "{}: {mean}", expected.file);
    }
}

#[test]
fn a_card_says_how_the_borrowed_heads_are_fed() {
    let Some(zoo) = zoo() else { return };
    let folder = tempfile::tempdir().unwrap();
    let card = folder.path().join("card.toml");
    std::fs::write(&card, "color = \"bgr\"\nscale = 1\nresize = \"letterbox_top_left\"\n").unwrap();
    let overrides = CardOverrides::read(&card).unwrap();
    let found = recognize(&read(&zoo.join("head_yolov8_from_yolox.onnx")), None, Some(&overrides), None).unwrap();
    assert_eq!((found.card.head, found.card.color, found.card.scale), (Head::YoloV8, ColorOrder::Bgr, 1.0));
    assert_eq!(found.card.resize, ResizeMode::LetterboxTopLeft);
}

#[test]
fn every_other_model_is_read_and_its_head_called_unknown() {
    let Some(zoo) = zoo() else { return };
    let mut others = 0;
    for entry in std::fs::read_dir(&zoo).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".onnx") || known().iter().any(|expected| expected.file == name) {
            continue;
        }
        others += 1;
        let summary = read(&path);
        let want = if name.contains("_quant_") { Precision::Int8 } else { Precision::Fp32 };
        assert_eq!(summary.precision, want, "{name}: {}", summary.precision_evidence);
        let error = recognize(&summary, None, None, None).map(|found| found.evidence).unwrap_err();
        println!("{name}, not run: {error}");
        assert_is_one_sentence_that_helps(&error);
        let Ok(input) = recognize_input(&summary, None) else { continue };
        let Some(outputs) = run_on_grey(&path, &input) else { continue };
        let error = recognize(&summary, Some(&borrowed(&outputs)), None, None).map(|f| f.evidence).unwrap_err();
        println!("{name}, run: {error}");
        assert!(matches!(error, RecognizeError::NotKnown { .. }), "{name}: {error}");
        assert_is_one_sentence_that_helps(&error);
    }
    assert!(others > 15, "only {others} other models in {}", zoo.display());
}

fn assert_is_one_sentence_that_helps(error: &RecognizeError) {
    let text = error.to_string();
    assert!(!text.contains('\n') && text.len() < 1200, "{text}");
    let helps = text.contains("Known are yolox") || text.contains("Export");
    assert!(helps, "{text}");
}
