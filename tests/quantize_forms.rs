//! Every form that `quantscope quantize` writes: it runs, is judged by the gate, can be made again from its recipe, passes
//! `onnx.checker` and loads in Python's onnxruntime.

mod common;

use quantscope::onnx::{self, Form, Precision};
use quantscope::quantize::Recipe;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Pictures of the scene.
const SAMPLES: &str = "12";
/// What the default model's twin keeps at least, on three pictures.
const F1_MIN: f64 = 0.8;

/// Checks a model and runs it on zeros with both of ONNX Runtime's levels of optimization.
const SCRIPT: &str = r"
import sys, onnx, numpy, onnxruntime
model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
for level in (onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL, onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(sys.argv[1], options, providers=['CPUExecutionProvider'])
    value = session.get_inputs()[0]
    shape = [side if isinstance(side, int) else 1 for side in value.shape]
    if 'float' in value.type and len(session.get_inputs()) == 1:
        session.run(None, {value.name: numpy.zeros(shape, numpy.float32)})
";

/// A Python with onnx and onnxruntime: the one that QUANTSCOPE_PYTHON names, or python3.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("QUANTSCOPE_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let probed = Command::new(&python).args(["-c", "import onnx, onnxruntime, numpy"]).output();
    if probed.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    println!("skipped: no Python with onnx and onnxruntime; QUANTSCOPE_PYTHON may name one");
    None
}

fn check_in_python(model: &Path) {
    let Some(python) = python() else { return };
    let output = Command::new(python).args(["-c", SCRIPT]).arg(model).output().unwrap();
    assert!(output.status.success(), "{}: {}", model.display(), String::from_utf8_lossy(&output.stderr));
}

fn quantize(arguments: &[&str]) -> Value {
    let config = tempfile::tempdir().unwrap();
    let mut command = common::quantscope(config.path());
    let output = command.arg("quantize").args(arguments).args(["--format", "json"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Quantizes the default model, makes it again from its recipe, and looks at the file; what came of it and the file.
fn made(options: &[&str], folder: &Path, model: &Path) -> (Value, onnx::Summary) {
    let name = options.join("").replace('-', "");
    let [twin, again, recipe] = ["onnx", "again.onnx", "toml.recipe"].map(|end| folder.join(format!("{name}.{end}")));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (model, twin_text) = (text(model), text(&twin));
    let base = [model.as_str(), "--calibrate", "demo", "--samples", SAMPLES];
    let recipe = text(&recipe);
    let first = [&base[..], options, &["--out", &twin_text, "--save-recipe", &recipe]].concat();
    let report = quantize(&first);
    let again_text = text(&again);
    let gate = options.iter().copied().find(|option| *option == "--save-anyway");
    quantize(&[&base[..], gate.as_slice(), &["--out", &again_text, "--recipe", &recipe]].concat());
    assert!(
        std::fs::read(&again).unwrap() == std::fs::read(&twin).unwrap(),
        "{options:?}: another model by its recipe"
    );
    check_in_python(&twin);
    let summary = onnx::summary(&onnx::read(&twin).unwrap(), &twin).unwrap();
    let stored = Recipe::of_metadata(&summary.metadata).unwrap();
    assert_eq!(stored, Recipe::from_toml(&std::fs::read_to_string(&recipe).unwrap()).unwrap());
    (report, summary)
}

fn best(report: &Value) -> &Value {
    &report["points"][report["best"].as_u64().unwrap() as usize]
}

#[test]
fn fixed_scales_are_written_in_every_pair_of_types() {
    let (folder, model) = common::scene();
    let pairs = [("u8", "s7"), ("s8", "s8"), ("u8", "u8"), ("u16", "s8"), ("s16", "u8")];
    for (activations, weights) in pairs {
        let options = ["--activations", activations, "--weights", weights];
        let (report, summary) = made(&options, folder.path(), &model);
        assert_eq!(summary.quantization.form, Some(Form::Qdq), "{options:?}");
        let best = best(&report);
        let executed = best["executed"]["integer_convolutions"].as_u64().unwrap();
        assert!(best["agreement"]["f1"].as_f64().unwrap() >= F1_MIN, "{options:?}: {best}");
        let wide = activations.ends_with("16");
        match activations {
            "u8" => assert_eq!(executed, best["integers"].as_u64().unwrap(), "{options:?}"),
            // On x86 processors ONNX Runtime leaves most signed ones in floats, and says so.
            "s8" => assert!(executed > 0 || cfg!(target_arch = "x86_64"), "{options:?}"),
            _ => assert_eq!(executed, 0, "{options:?}: there are integer convolutions of 8 bits only"),
        }
        if wide {
            let said = report["profiles"][1]["findings"].to_string();
            assert!(said.contains("to or from 16 bits"), "{said}");
        }
    }
}

#[test]
fn scales_of_every_run_are_written() {
    let (folder, model) = common::scene();
    let (report, summary) = made(&["--mode", "dynamic"], folder.path(), &model);
    assert_eq!(summary.quantization.form, Some(Form::Dynamic));
    let best = best(&report);
    assert!(best["agreement"]["f1"].as_f64().unwrap() >= F1_MIN, "{best}");
    assert_eq!(best["executed"]["integer_convolutions"], best["integers"], "all of them run in integers");
}

#[test]
fn sixteen_bit_floats_are_written_half_as_large() {
    let (folder, model) = common::scene();
    let (report, summary) = made(&["--mode", "fp16"], folder.path(), &model);
    assert_eq!(summary.precision, Precision::Fp16);
    let best = best(&report);
    assert!(best["agreement"]["f1"].as_f64().unwrap() >= 0.99, "{best}");
    let share = best["bytes"].as_f64().unwrap() / report["float_bytes"].as_f64().unwrap();
    assert!((0.45..0.65).contains(&share), "{share}");
    assert_eq!(summary.inputs[0].dtype.to_string(), "float32", "casts stand at the border");
}

#[test]
fn four_bits_are_for_products_and_convolutions_are_said_to_be_stored_in_eight() {
    let (folder, model) = common::scene();
    let (report, _) = made(&["--mode", "int4"], folder.path(), &model);
    assert!(report["notes"].to_string().contains("no 4-bit form of convolutions"), "{}", report["notes"]);
    let Some(model) = common::shared("zoo/deimv2_atto_coco_raw.onnx") else { return };
    let copy = folder.path().join("deim.onnx");
    std::fs::copy(&model, &copy).unwrap();
    let (report, summary) = made(&["--mode", "int4", "--save-anyway"], folder.path(), &copy);
    assert!(summary.quantization.weight_only_products > 10, "{:?}", summary.quantization);
    assert!(summary.quantization.weights.int4 > 0);
    let best = best(&report);
    assert!(best["latency_ratio"].as_f64().unwrap() > 0.0);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let (_folder, model) = common::scene();
    let config = tempfile::tempdir().unwrap();
    let base = ["quantize", model.to_str().unwrap(), "--calibrate", "demo"];
    for (options, words) in [
        (&["--mode", "fp16", "--weights", "u8"][..], "--mode static"),
        (&["--mode", "weights", "--activations", "s8"], "--mode static"),
    ] {
        let output = common::quantscope(config.path()).args(base).args(options).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(words), "{options:?}: {said}");
    }
}
