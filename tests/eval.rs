//! Evaluations: COCO's figures as pycocotools has them, the contract of `quantscope eval`, and that what was found stays
//! whatever stops it.

mod common;

use common::tiny_onnx;
use quantscope::evaluate::{
    Cancel, EvaluateError, Evaluation, EvaluationPlan, LabelledPictures, ModelToEvaluate, Progress, SceneSet, render,
    run,
};
use quantscope::imaging::ImageSize;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

/// What a figure may be off from pycocotools on detections of its own.
const TOLERANCE: f64 = 0.001;
/// How long a cancel may take, with room for a machine that is busy.
const CANCEL_TIME: Duration = Duration::from_millis(1500);
/// COCO's figures and what pycocotools' file calls them.
const FIGURES: [(&str, &str); 12] = [
    ("ap", "AP"),
    ("ap50", "AP50"),
    ("ap75", "AP75"),
    ("ap_small", "AP_small"),
    ("ap_medium", "AP_medium"),
    ("ap_large", "AP_large"),
    ("ar1", "AR1"),
    ("ar10", "AR10"),
    ("ar100", "AR100"),
    ("ar_small", "AR_small"),
    ("ar_medium", "AR_medium"),
    ("ar_large", "AR_large"),
];

fn eval(arguments: &[&str]) -> Output {
    let config = tempfile::tempdir().unwrap();
    common::quantscope(config.path()).arg("eval").args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(arguments: &[&str]) -> Value {
    let output = eval(&[arguments, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn files(path: PathBuf) -> LabelledPictures {
    LabelledPictures::Files { path, images: None, split: None }
}

/// A small set of the scene.
fn scene(folder: &Path, count: u64) -> PathBuf {
    let set = SceneSet { seed: 20_261_123, count, size: ImageSize::new(320, 320), ..SceneSet::default() };
    render(folder, &set, &mut |_| true).unwrap().json
}

fn scene_models() -> Vec<ModelToEvaluate> {
    ["scene.onnx", "scene.int8.onnx"].map(|name| common::default_model(name).into()).to_vec()
}

#[test]
fn the_figures_are_those_of_pycocotools_in_either_form() {
    let (Some(model), Some(reference)) =
        (common::shared("zoo/yolox_nano.onnx"), common::shared("coco/reference/yolox_nano_pycocotools.json"))
    else {
        return;
    };
    let reference: Value = serde_json::from_slice(&std::fs::read(reference).unwrap()).unwrap();
    for dataset in ["coco/instances_val.json", "coco/data.yaml"] {
        let Some(dataset) = common::shared(dataset) else { return };
        let evaluation = json(&[text(&dataset), "--model", text(&model)]);
        assert_eq!((&evaluation["dataset"]["images"], &evaluation["dataset"]["boxes"]), (&64.into(), &461.into()));
        for (name, theirs) in FIGURES {
            let (ours, theirs) = (evaluation["models"][0][name].as_f64().unwrap(), reference[theirs].as_f64().unwrap());
            assert!((ours - theirs).abs() <= TOLERANCE, "{dataset:?} {name}: {ours}, pycocotools {theirs}");
        }
    }
}

#[test]
fn the_default_models_on_the_scene_keep_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = scene(folder.path(), 24);
    let [float, int8] = ["scene.onnx", "scene.int8.onnx"].map(common::default_model);
    let report = folder.path().join("report.html");
    let found = folder.path().join("found");
    let evaluation = json(&[
        text(&dataset),
        "--model",
        text(&float),
        "--model",
        text(&int8),
        "--report",
        text(&report),
        "--detections",
        text(&found),
    ]);
    assert_eq!((&evaluation["dataset"]["images"], &evaluation["complete"]), (&24.into(), &true.into()));
    let models = evaluation["models"].as_array().unwrap();
    assert_eq!(models.iter().map(|m| m["precision"].as_str().unwrap()).collect::<Vec<_>>(), ["fp32", "int8"]);
    for model in models {
        // They were trained for this: AP 0.90 on 500 pictures.
        assert!(model["ap"].as_f64().unwrap() > 0.8 && model["ap50"].as_f64() >= model["ap75"].as_f64(), "{model}");
        assert!(model["latency_ms"]["p95"].as_f64().unwrap() >= model["latency_ms"]["p50"].as_f64().unwrap());
        assert_eq!(model["sha256"].as_str().unwrap().len(), 64);
        assert!(model["bytes"].as_u64().unwrap() > 1_000_000 && model["error"].is_null());
        assert!(model["acceleration"]["state"].is_string(), "{model}");
    }
    let agreement = &evaluation["agreement"][0];
    assert_eq!((&agreement["reference"], &agreement["candidate"]), (&0.into(), &1.into()));
    for figure in ["precision", "recall", "f1", "mean_iou"] {
        assert!((0.8..=1.0).contains(&agreement[figure].as_f64().unwrap()), "{figure}: {agreement}");
    }
    assert!(agreement["mean_score_delta"].is_number() && agreement["ap_verdict"].is_string());
    for class in agreement["details"]["classes"].as_array().unwrap() {
        let [low, high] = [0, 1].map(|end| class["f1_interval"][end].as_f64().unwrap());
        let f1 = class["figures"]["f1"].as_f64().unwrap();
        assert!(low <= f1 && f1 <= high, "{class}");
        assert!(class["pictures"].as_u64().unwrap() >= 10 || (low, high) == (0.0, 1.0), "{class}");
    }
    assert!(std::fs::read_to_string(&report).unwrap().contains("</html>"));
    for name in ["scene.json", "scene.int8.json"] {
        let lines: Vec<Value> = serde_json::from_slice(&std::fs::read(found.join(name)).unwrap()).unwrap();
        assert!(lines.len() > 50 && lines.iter().all(|line| line["bbox"].as_array().unwrap().len() == 4), "{name}");
    }
}

#[test]
fn the_demo_is_a_dataset_and_a_table_is_printed() {
    let model = common::default_model("scene.onnx");
    let output = eval(&["demo", "--count", "6", "--seed", "3", "--model", text(&model), "--lanes", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("demo scene, seed 3, 320x320: 6 pictures"), "{table}");
    assert!(table.contains("AP50") && table.contains("IoU 0.65"), "{table}");
}

/// Without labels there is no AP, but how far models agree is told as it is with them.
#[test]
fn pictures_without_labels_tell_how_far_models_agree() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = scene(folder.path(), 8);
    let [float, int8] = ["scene.onnx", "scene.int8.onnx"].map(common::default_model);
    let both = ["--model", text(&float), "--model", text(&int8)];
    let labelled = json(&[&[text(&dataset)], &both[..]].concat());
    let pictures = folder.path().join("images");
    let detections = folder.path().join("found");
    let found = json(&[&[text(&pictures), "--detections", text(&detections)], &both[..]].concat());

    assert_eq!(
        (&found["dataset"]["labelled"], &labelled["dataset"]["labelled"]),
        (&Value::Bool(false), &Value::Bool(true))
    );
    assert_eq!((found["dataset"]["images"].as_u64(), found["dataset"]["boxes"].as_u64()), (Some(8), Some(0)));
    assert!(found["models"][0]["ap"].is_null() && found["models"][0]["error"].is_null(), "{}", found["models"][0]);
    for figure in ["f1", "mean_iou", "reference_boxes"] {
        let (one, other) = (&found["agreement"][0][figure], &labelled["agreement"][0][figure]);
        assert!(one.as_f64().is_some_and(|figure| figure > 0.0) && one == other, "{figure}: {one} {other}");
    }
    assert!(found["agreement"][0]["ap_difference"].is_null());
    let results: Value = serde_json::from_slice(&std::fs::read(detections.join("scene.json")).unwrap()).unwrap();
    assert!(results.as_array().is_some_and(|results| !results.is_empty()), "{results}");

    let table = eval(&[&[text(&pictures)], &both[..]].concat());
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("8 pictures, no labels") && table.contains("agreement F1"), "{table}");
    assert!(!table.contains("best F1"), "nothing is said of truths that nobody told: {table}");

    let alone = eval(&[text(&pictures), "--model", text(&float)]);
    assert_eq!(alone.status.code(), Some(1));
    assert!(stderr(&alone).contains("8 pictures without labels") && stderr(&alone).contains("a second model"));
}

/// Lanes beside each other change nothing but the time.
#[test]
fn lanes_find_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = scene(folder.path(), 10);
    let with = |lanes| {
        let plan = EvaluationPlan { lanes: Some(lanes), ..EvaluationPlan::new(files(dataset.clone()), scene_models()) };
        let evaluation = run(&plan, &Cancel::default(), &mut |_| {}).unwrap();
        (
            evaluation.settings.lanes,
            evaluation.models.iter().map(|m| m.coco).collect::<Vec<_>>(),
            evaluation.agreement[0].figures,
        )
    };
    let (one, three) = (with(1), with(3));
    assert_eq!((one.0, three.0), (1, 3));
    assert_eq!((one.1, one.2), (three.1, three.2));
}

fn cancelled_after(pictures: usize) -> (Result<Evaluation, EvaluateError>, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let dataset = scene(folder.path(), 60);
    let cancel = Cancel::default();
    let mut asked = None;
    let plan = EvaluationPlan { lanes: Some(1), ..EvaluationPlan::new(files(dataset), scene_models()) };
    let outcome = run(&plan, &cancel, &mut |progress| {
        let enough = match progress {
            Progress::Running(speed) => speed.done[0] >= pictures,
            Progress::Loading { .. } => pictures == 0,
            _ => false,
        };
        if enough && asked.is_none() {
            asked = Some(Instant::now());
            cancel.cancel();
        }
    });
    (outcome, asked.expect("it was cancelled").elapsed())
}

#[test]
fn a_cancel_keeps_what_was_found() {
    let (outcome, took) = cancelled_after(5);
    let evaluation = outcome.unwrap();
    assert!(took < CANCEL_TIME, "{took:?}");
    assert!(!evaluation.complete && (5..60).contains(&evaluation.models[0].pictures), "{:?}", evaluation.dataset);
    assert!(evaluation.models[0].coco.ap.is_some_and(|ap| ap > 0.5) && evaluation.agreement.len() == 1);
}

#[test]
fn a_cancel_during_the_load_is_told() {
    let (outcome, took) = cancelled_after(0);
    assert!(matches!(outcome, Err(EvaluateError::Cancelled)) && took < CANCEL_TIME, "{took:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn killed_or_interrupted_it_leaves_readable_files() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = scene(folder.path(), 1000);
    let (float, int8) = (common::default_model("scene.onnx"), common::default_model("scene.int8.onnx"));
    for signal in ["KILL", "INT"] {
        let (report, found) = (folder.path().join(format!("{signal}.json")), folder.path().join(signal));
        let mut child = common::quantscope(folder.path())
            .arg("eval")
            .arg(&dataset)
            .args(["--model", text(&float), "--model", text(&int8), "--lanes", "1"])
            .args(["--report", text(&report), "--detections", text(&found), "--format", "json"])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let begin = Instant::now();
        while !report.exists() {
            assert!(begin.elapsed() < Duration::from_secs(60), "no report in between");
            assert_eq!(child.try_wait().unwrap(), None, "over before it was stopped");
            std::thread::sleep(Duration::from_millis(20));
        }
        let stopped =
            std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(stopped.success());
        let output = child.wait_with_output().unwrap();
        let evaluation: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
        assert_eq!(evaluation["complete"], false);
        assert!(evaluation["models"][0]["pictures"].as_u64().unwrap() > 0);
        let lines: Vec<Value> = serde_json::from_slice(&std::fs::read(found.join("scene.json")).unwrap()).unwrap();
        assert!(!lines.is_empty());
        if signal == "INT" {
            assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
            assert!(stderr(&output).contains("of 1000 pictures; the figures rest on these"), "{}", stderr(&output));
            let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(printed["complete"], false);
        }
    }
}

#[test]
fn what_is_broken_is_told_and_the_rest_is_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = scene(folder.path(), 6);
    std::fs::write(folder.path().join("images/000001.jpg"), b"no picture").unwrap();
    std::fs::remove_file(folder.path().join("images/000002.jpg")).unwrap();
    let model = common::default_model("scene.onnx");
    let broken = folder.path().join("broken.onnx");
    std::fs::write(&broken, b"no model").unwrap();
    let tiny = tiny_onnx::write(folder.path(), "tiny.onnx", &tiny_onnx::detector());
    let names = folder.path().join("names.txt");
    std::fs::write(&names, "cat\ndog\ncow\n").unwrap();

    let output = eval(&[text(&dataset), "--model", text(&model), "--model", text(&broken), "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("1 of 2 models failed") && stderr(&output).contains("broken.onnx"));
    let evaluation: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(evaluation["dataset"]["images"], 4);
    assert_eq!(evaluation["dataset"]["problems"][0]["count"], 2, "{}", evaluation["dataset"]);
    assert!(evaluation["models"][0]["ap"].is_number() && evaluation["models"][1]["ap"].is_null());
    assert!(evaluation["models"][1]["error"].as_str().unwrap().contains("broken.onnx"));

    // Classes that have nothing in common are no AP of 0.
    let output = eval(&[text(&dataset), "--model", text(&tiny), "--labels", text(&names)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("none of its classes (cat, dog, cow)"), "{}", stderr(&output));

    for (arguments, code, words) in [
        (vec![text(&dataset)], 2, "add --model"),
        (vec!["nowhere.json", "--model", text(&model)], 1, "nowhere.json"),
        (vec![text(&dataset), "--model", text(&model), "--report", "a.pdf"], 2, "a.pdf"),
    ] {
        let output = eval(&arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(words) && output.stdout.is_empty(), "{}", stderr(&output));
    }
}
