//! In what numbers a model computes: as its file says, and as ONNX Runtime really runs it.

mod common;

use common::{quantized_onnx as quantized, tiny_onnx};
use quantscope::onnx::proto::ModelProto;
use serde_json::{Value, json};
use std::path::Path;

fn inspect(model: &Path) -> Value {
    let config = tempfile::tempdir().unwrap();
    let mut command = common::quantscope(config.path());
    let output = command.args(["inspect", "--format", "json"]).arg(model).output().unwrap();
    assert!(output.status.success(), "{}: {}", model.display(), String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a report says of convolutions, or of products: those in the file, those that are quantized, those with stored
/// weights; and of those that run, those in integers and in halves.
fn counts(report: &Value, what: &str) -> [Option<u64>; 6] {
    let (file, runs) = (&report["quantization"], &report["executed"]);
    [
        file[what].as_u64(),
        file[format!("quantized_{what}")].as_u64(),
        file[format!("weight_only_{what}")].as_u64(),
        runs[what].as_u64(),
        runs[format!("integer_{what}")].as_u64(),
        runs[format!("half_{what}")].as_u64(),
    ]
}

fn warns_of(report: &Value, words: &str) -> bool {
    report["warnings"].as_array().unwrap().iter().any(|text| text.as_str().unwrap().contains(words))
}

#[test]
fn every_form_of_quantization_is_told_and_so_is_what_runs() {
    let folder = tempfile::tempdir().unwrap();
    let some = |numbers: [u64; 6]| numbers.map(Some);
    let unknown = |a, b, c| [Some(a), Some(b), Some(c), None, None, None];
    type Case = (&'static str, ModelProto, &'static str, Value, &'static str, [Option<u64>; 6]);
    let cases: [Case; 9] = [
        ("floats", quantized::floats_only(), "fp32", Value::Null, "convolutions", unknown(2, 0, 0)),
        ("halves", quantized::halves(), "fp16", Value::Null, "convolutions", some([2, 0, 0, 2, 0, 0])),
        ("qdq", quantized::qdq(), "int8", json!("qdq"), "convolutions", some([2, 2, 0, 2, 2, 0])),
        ("gap", quantized::qdq_with_a_gap(), "int8", json!("qdq"), "convolutions", some([2, 2, 0, 2, 1, 0])),
        ("mixed", quantized::half_quantized(), "mixed", json!("qdq"), "convolutions", some([2, 1, 0, 2, 1, 0])),
        ("qoperator", quantized::q_operator(), "int8", json!("qoperator"), "convolutions", some([2, 2, 0, 2, 2, 0])),
        ("dynamic", quantized::dynamic(), "int8", json!("dynamic"), "convolutions", some([1, 1, 0, 1, 1, 0])),
        ("w8", quantized::weights_of_8_bits(), "fp32", json!("weight_only"), "convolutions", some([2, 0, 2, 2, 0, 0])),
        ("w4", quantized::weights_of_4_bits(), "fp32", json!("weight_only"), "products", some([1, 0, 1, 1, 1, 0])),
    ];
    for (name, model, precision, form, what, numbers) in cases {
        let path = tiny_onnx::write(folder.path(), &format!("{name}.onnx"), &model);
        let report = inspect(&path);
        println!("{name}: {} {}", report["quantization"], report["executed"]);
        assert_eq!(report["precision"], precision, "{name}");
        assert_eq!(report["quantization"]["form"], form, "{name}");
        assert_eq!(counts(&report, what), numbers, "{name}: {what}");
        assert_eq!(warns_of(&report, "as INT8, but"), name == "gap", "{name}: {}", report["warnings"]);
        assert_eq!(warns_of(&report, "into 32-bit floats"), name == "halves", "{name}: {}", report["warnings"]);
    }
}

#[test]
fn the_default_models_are_what_they_are_called() {
    // The quantization after training leaves the six convolutions of the predictions in floats.
    for (file, left_in_floats) in [("scene.int8.onnx", 6), ("scene.qat.onnx", 0)] {
        let report = inspect(&common::default_model(file));
        let all = report["executed"]["convolutions"].as_u64().unwrap();
        assert!(all > 30);
        assert_eq!(report["executed"]["integer_convolutions"], all - left_in_floats, "{}", report["executed"]);
        assert_eq!((&report["precision"], &report["quantization"]["form"]), (&json!("int8"), &json!("qdq")));
        let weights = &report["quantization"]["weights"];
        assert!(weights["int8"].as_u64() > weights["float32"].as_u64(), "{weights}");
    }
    let report = inspect(&common::default_model("scene.onnx"));
    assert!(report["executed"].is_null(), "nothing is in question: {}", report["executed"]);
}

#[test]
fn an_int8_model_of_the_zoo_runs_partly_in_floats_and_it_is_said() {
    let Some(model) = common::shared("zoo/ssd_mobilenet_v1_coco_quant_tf2onnx.onnx") else { return };
    let report = inspect(&model);
    assert_eq!(counts(&report, "convolutions"), [47, 47, 0, 47, 39, 0].map(Some));
    assert!(warns_of(&report, "only 39 of 47 convolutions"), "{}", report["warnings"]);
}
