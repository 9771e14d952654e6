//! `quantscope quantize` as a user runs it: the twin that is written, the one that is not, and what wrong input gets.

mod common;

use quantscope::inference::twin::{self, PARENT_SHA256};
use quantscope::onnx::{self, Form};
use quantscope::quantize::Recipe;
use serde_json::Value;
use std::path::Path;
use std::process::Output;

/// Pictures of the scene that the tests calibrate with.
const SAMPLES: &str = "12";
/// What the default model's twin keeps at least, on three pictures.
const F1_MIN: f64 = 0.8;

fn quantize(arguments: &[&str]) -> Output {
    let config = tempfile::tempdir().unwrap();
    common::quantscope(config.path()).arg("quantize").args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn error_of(arguments: &[&str]) -> (Option<i32>, String) {
    let output = quantize(arguments);
    (output.status.code(), stderr(&output))
}

#[test]
fn a_twin_is_written_that_runs_in_integers_and_agrees_and_can_be_made_again() {
    let (folder, model) = common::scene();
    let recipe = folder.path().join("recipe.toml");
    let demo = ["--calibrate", "demo", "--samples", SAMPLES, "--format", "json"];
    let output = quantize(&[&[text(&model), "--save-recipe", text(&recipe)], &demo[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let twin = folder.path().join("scene.int8.onnx");
    assert_eq!(report["written"], text(&twin));
    let best = &report["points"][report["best"].as_u64().unwrap() as usize];
    assert!(best["agreement"]["f1"].as_f64().unwrap() >= F1_MIN, "{best}");
    assert!(best["latency_ratio"].as_f64().unwrap() > 0.0 && best["integers"].as_u64().unwrap() > 10, "{best}");
    let executed = &best["executed"];
    let running = executed["integer_convolutions"].as_u64().unwrap() + executed["integer_products"].as_u64().unwrap();
    assert_eq!(running, best["integers"].as_u64().unwrap(), "what is written in integers runs in integers");

    let summary = onnx::summary(&onnx::read(&twin).unwrap(), &twin).unwrap();
    assert_eq!(summary.quantization.form, Some(Form::Qdq));
    let stored = Recipe::of_metadata(&summary.metadata).unwrap();
    assert_eq!(stored, Recipe::from_toml(&std::fs::read_to_string(&recipe).unwrap()).unwrap());
    assert_eq!(summary.metadata[PARENT_SHA256], stored.parent_sha256);

    assert_eq!(twin::find_by_content(&twin).unwrap().path, model);
    let again = folder.path().join("again.onnx");
    let arguments = [text(&model), "--recipe", text(&recipe), "--out", text(&again)];
    let output = quantize(&[&arguments, &demo[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(std::fs::read(&again).unwrap() == std::fs::read(&twin).unwrap(), "the same recipe, another model");
}

#[test]
fn labels_tell_what_is_lost_and_the_whole_front_can_be_written() {
    let (folder, model) = common::scene();
    let (pictures, front) = (folder.path().join("pictures"), folder.path().join("front"));
    let config = tempfile::tempdir().unwrap();
    let drawn = common::quantscope(config.path()).args(["scene", "--count", "8", "--out", text(&pictures)]).output();
    assert!(drawn.unwrap().status.success());
    let labels = pictures.join("instances.json");
    let mut arguments = vec![text(&model), "--calibrate", text(&labels), "--samples", "8", "--max-ap-drop", "0.3"];
    arguments.extend(["--front", text(&front), "--format", "json"]);
    let output = quantize(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let best = &report["points"][report["best"].as_u64().unwrap() as usize];
    let ap = |place: usize| best["ap"][place].as_f64().unwrap();
    assert!(ap(1) > 0.3 && ap(0) >= ap(1) - 0.3, "{best}");
    let written = std::fs::read_dir(&front).unwrap().flatten().map(|entry| entry.path());
    let models = written.filter(|path| path.extension().is_some_and(|ending| ending == "onnx")).count();
    assert_eq!(models, report["front"].as_array().unwrap().len());
    // Every layer is told, and the ones in floats are those of the best point.
    let layers = report["layer_table"].as_array().unwrap();
    assert_eq!(layers.len() as u64, report["layers"].as_u64().unwrap());
    let in_floats = layers.iter().filter(|layer| layer["integer"] == false).count();
    assert_eq!(in_floats, best["float"].as_array().unwrap().len());
    assert!(layers.iter().all(|layer| layer["sensitivity"].as_f64().is_some_and(|s| (0.0..=1.0).contains(&s))));
}

#[test]
fn what_does_not_pass_is_not_written_unless_asked_for() {
    let (folder, model) = common::scene();
    let twin = folder.path().join("twin.onnx");
    let mut arguments = vec![text(&model), "--calibrate", "demo", "--samples", "4", "--min-speedup", "90"];
    arguments.extend(["--out", text(&twin)]);
    let (code, said) = error_of(&arguments);
    assert_eq!(code, Some(1));
    assert!(said.contains("not quantized") && said.contains("90.00 was asked for"), "{said}");
    assert!(!twin.exists());
    let (code, said) = error_of(&[&arguments[..], &["--save-anyway"]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("although it does not pass") && twin.exists(), "{said}");
}

#[test]
fn wrong_input_gets_a_sentence() {
    let (folder, model) = common::scene();
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let recipe = folder.path().join("recipe.toml");
    std::fs::write(&recipe, "method = \"guess\"").unwrap();
    let int8 = common::default_model("scene.int8.onnx");
    let half = common::default_model("scene.fp16.onnx");
    let card = folder.path().join("scene.toml");
    let model = text(&model);
    let table: [(&[&str], i32, &str); 10] = [
        (&[model, "--calibrate", "demo", "--max-ap-drop", "0.1"], 2, "needs labels"),
        (&[model, "--calibrate", "demo", "--save-recipe", text(&card)], 2, "place of a model card"),
        (&[text(&int8), "--calibrate", "demo"], 1, "already. Name the FP32 model"),
        (&[text(&half), "--calibrate", "demo"], 1, "already. Name the FP32 model"),
        (&[model, "--calibrate", text(&empty)], 1, "no picture"),
        (&[model, "--calibrate", "/no/such/folder"], 1, "/no/such/folder"),
        (&["/no/such.onnx", "--calibrate", "demo"], 1, "no such file"),
        (&[model, "--calibrate", "demo", "--recipe", text(&recipe)], 1, "is no recipe"),
        (&[model, "--calibrate", "demo", "--out", model], 2, "stays as it is"),
        (&["--calibrate", "demo"], 2, "no model was named"),
    ];
    for (arguments, code, words) in table {
        let (found, said) = error_of(arguments);
        assert!(found == Some(code) && said.contains(words), "{arguments:?}: {found:?} {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    }
    assert!(!folder.path().join("scene.int8.onnx").exists());
}
