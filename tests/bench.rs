//! `quantscope bench`: the contract of its figures, that the models really take turns, and what wrong input gets. Times are
//! not judged: the machine that runs tests is busy.

mod common;

use common::default_model;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

/// A detector of this size needs more than its file, and far less than this.
const MEMORY_MOST: f64 = 1e9;

fn bench(arguments: &[&str]) -> Output {
    let config = tempfile::tempdir().unwrap();
    common::quantscope(config.path()).arg("bench").args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(arguments: &[&str]) -> Value {
    let output = bench(&[arguments, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn number(value: &Value, pointer: &str) -> f64 {
    value.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer} is no number: {value}"))
}

fn pair() -> [PathBuf; 2] {
    ["scene.onnx", "scene.int8.onnx"].map(default_model)
}

#[test]
fn the_figures_keep_the_contract_and_hang_together() {
    let [float, int8] = pair();
    let folder = tempfile::tempdir().unwrap();
    let reports = ["html", "json", "csv", "md"].map(|ending| folder.path().join(format!("r.{ending}")));
    let mut arguments = vec!["--model", text(&float), "--model", text(&int8), "--frames", "10"];
    reports.iter().for_each(|report| arguments.extend(["--report", text(report)]));
    let benchmark = json(&arguments);
    let models = benchmark["models"].as_array().unwrap();
    assert_eq!(models.iter().map(|m| m["precision"].as_str().unwrap()).collect::<Vec<_>>(), ["fp32", "int8"]);
    assert_eq!((&benchmark["complete"], &benchmark["rounds"]), (&true.into(), &5.into()));
    assert_eq!(benchmark["failures"], serde_json::json!([]));
    for (model, path) in models.iter().zip(pair()) {
        assert_eq!(model["path"].as_str(), path.to_str());
        assert_eq!((number(model, "/frames"), number(model, "/bytes")), (10.0, path.metadata().unwrap().len() as f64));
        let p50 = |stage: &str| number(model, &format!("/stages_ms/{stage}/p50"));
        let parts = p50("preprocess").max(p50("inference")).max(p50("postprocess"));
        assert!(p50("inference") > 0.0 && p50("total") >= parts, "{model}");
        for stage in ["preprocess", "inference", "postprocess", "total"] {
            let [p50, p95, p99] = ["p50", "p95", "p99"].map(|q| number(model, &format!("/stages_ms/{stage}/{q}")));
            assert!(0.0 <= p50 && p50 <= p95 && p95 <= p99, "{stage}: {model}");
        }
        for figure in ["/fps", "/session_only_ms/p50", "/session_only_fps", "/cpu_ms_per_frame"] {
            assert!(number(model, figure) > 0.0, "{figure}: {model}");
        }
        let [low, high] = [0, 1].map(|end| number(model, &format!("/latency_ratio_interval/{end}")));
        assert!(low <= number(model, "/latency_ratio") && number(model, "/latency_ratio") <= high, "{model}");
        assert!(number(model, "/threads") >= 1.0);
        if cfg!(target_os = "linux") {
            let memory = number(model, "/peak_rss_bytes");
            assert!(memory > number(model, "/bytes") && memory < MEMORY_MOST, "{memory}");
        }
    }
    assert_eq!(number(&models[0], "/latency_ratio"), 1.0);
    let [html, saved, csv, markdown] = reports.map(|report| std::fs::read_to_string(report).unwrap());
    assert_eq!(serde_json::from_str::<Value>(&saved).unwrap(), benchmark);
    for (report, words) in [(html, "scene.int8.onnx"), (csv, "speed,"), (markdown, "## Speed")] {
        assert!(report.contains(words), "{words}: {report}");
    }
}

#[test]
fn every_number_of_threads_is_a_row_and_the_best_is_named() {
    let [float, _] = pair();
    let output = bench(&["--model", text(&float), "--threads", "2,1", "--frames", "10"]);
    let table = String::from_utf8(output.stdout).unwrap();
    let rows = |threads: &str| {
        let is_row = |line: &&str| {
            line.starts_with("scene.onnx ") && line.split_whitespace().skip(1).take(2).eq(["fp32", threads])
        };
        table.lines().filter(is_row).count()
    };
    assert_eq!((rows("1"), rows("2")), (2, 2), "{table}");
    assert!(table.contains("best for scene.onnx: "), "{table}");
    assert!(table.contains("scene.onnx with 2 threads against scene.onnx with 1 thread: "), "{table}");
    let advice = json(&["--model", text(&float), "--advise-threads", "--time-limit", "1"]);
    let best = number(&advice, "/advice/0/best");
    let rows = advice["advice"][0]["rows"].as_array().unwrap();
    assert_eq!(rows[0]["threads"], 1);
    assert!(
        rows.iter().any(|row| number(row, "/threads") == best) && rows.iter().all(|row| number(row, "/p50_ms") > 0.0)
    );
}

#[test]
fn what_was_accelerated_is_told_and_can_be_measured_beside_the_plain_model() {
    let [_, int8] = pair();
    let arguments = ["--model", text(&int8), "--also-plain", "--frames", "10"];
    let benchmark = json(&arguments);
    let states: Vec<&str> =
        benchmark["models"].as_array().unwrap().iter().map(|m| m["acceleration"]["state"].as_str().unwrap()).collect();
    assert!(states.len() == 2 && states[0] != "off" && states[1] == "off", "{states:?}");
    let table = String::from_utf8(bench(&arguments).stdout).unwrap();
    assert!(table.contains("scene.int8.onnx (plain)"), "{table}");
    let told = table.lines().find(|line| line.starts_with("Acceleration: scene.int8.onnx: ")).unwrap_or(&table);
    assert!(told.contains("; scene.int8.onnx (plain): off"), "{told}");
    let plain = json(&["--model", text(&int8), "--no-accelerate", "--frames", "10"]);
    assert_eq!(plain["models"][0]["acceleration"]["state"], "off");
    let both = bench(&["--model", text(&int8), "--also-plain", "--no-accelerate"]);
    assert_eq!(both.status.code(), Some(2), "{}", stderr(&both));
}

#[test]
fn a_model_that_does_not_load_does_not_stop_the_others() {
    let [float, int8] = pair();
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.onnx");
    std::fs::write(&broken, b"no model").unwrap();
    let models = ["--model", text(&broken), "--model", text(&float), "--model", text(&int8)];
    let output = bench(&[&models[..], &["--frames", "10", "--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("error: 1 of 3 models were not measured: "), "{}", stderr(&output));
    let benchmark: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(benchmark["models"].as_array().unwrap().len(), 2);
    assert_eq!(number(&benchmark, "/models/0/latency_ratio"), 1.0, "the first that runs is the reference");
    let failure = &benchmark["failures"][0];
    assert_eq!(failure["path"].as_str(), broken.to_str());
    assert!(failure["message"].as_str().unwrap().contains("broken.onnx"), "{failure}");
}

#[test]
fn models_of_different_inputs_are_said_to_be() {
    let Some(yolox) = common::shared("zoo/yolox_nano.onnx") else { return };
    let [float, _] = pair();
    let benchmark = json(&["--model", text(&float), "--model", text(&yolox), "--frames", "10"]);
    let notes = benchmark["notes"].to_string();
    assert!(notes.contains("scene.onnx sees 320x320, yolox_nano.onnx sees 416x416"), "{notes}");
}

#[test]
fn wrong_input_is_told_with_a_remedy() {
    let [float, _] = pair();
    let float = text(&float);
    let folder = tempfile::tempdir().unwrap();
    let table: [(&[&str], i32, &[&str]); 9] = [
        (&[], 2, &["no model was named", "--model"]),
        (&["--model", "/no/such.onnx"], 1, &["/no/such.onnx"]),
        (&["--model", float, "--source", "/no/video.mp4"], 1, &["/no/video.mp4"]),
        (&["--model", float, "--source", text(folder.path())], 1, &[text(folder.path())]),
        (&["--model", float, "--report", "r.pdf"], 2, &["r.pdf", ".html, .json, .csv or .md"]),
        (&["--model", float, "--frames", "3"], 2, &["--frames"]),
        (&["--model", float, "--threads", "0"], 2, &["--threads"]),
        (&["--model", float, "--provider", "cuda"], 2, &["cpu"]),
        (&["--model", float, "--advise-threads", "--threads", "2"], 2, &["leave --threads out"]),
    ];
    for (arguments, code, words) in table {
        let output = bench(arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        for word in words {
            assert!(said.contains(word), "{arguments:?}: {word} is not in {said}");
        }
    }
}

#[test]
fn the_models_take_turns() {
    let [float, int8] = pair();
    let output = bench(&["--model", text(&float), "--model", text(&int8), "--frames", "10", "-vv"]);
    let said = stderr(&output);
    let turns: Vec<&str> = said.lines().filter_map(|line| line.split_once("round ")).map(|(_, turn)| turn).collect();
    let names = ["scene.onnx", "scene.int8.onnx"];
    let expected = [0, 1, 1, 0, 1, 0, 0, 1, 0, 1].map(|model| names[model]);
    assert_eq!(turns.len(), expected.len(), "{said}");
    for (place, (turn, name)) in turns.iter().zip(expected).enumerate() {
        assert!(turn.starts_with(&format!("{}: {name}, ", place / 2 + 1)), "{turns:?}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_one_keeps_its_rounds() {
    let [float, int8] = pair();
    let config = tempfile::tempdir().unwrap();
    let report = config.path().join("r.json");
    let mut child = common::quantscope(config.path())
        .args(["bench", "--model", text(&float), "--model", text(&int8), "--frames", "400", "--format", "json"])
        .args(["--report", text(&report), "-vv"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.by_ref().any(|line| line.unwrap().contains("round 2: ")), "it ended before its second round");
    let stopped = std::process::Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    let rest: Vec<String> = said.map(Result::unwrap).collect();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{rest:?}");
    let benchmark: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(benchmark["complete"], false);
    let rounds = number(&benchmark, "/rounds");
    assert!((1.0..10.0).contains(&rounds), "{rounds}");
    assert_eq!(number(&benchmark, "/models/1/frames"), 20.0 * rounds);
    assert_eq!(serde_json::from_slice::<Value>(&std::fs::read(&report).unwrap()).unwrap(), benchmark);
    assert!(rest.last().unwrap().starts_with("error: stopped after "), "{rest:?}");
}

#[test]
fn a_profile_tells_where_the_time_goes_and_why() {
    let config = tempfile::tempdir().unwrap();
    let float = common::default_model("scene.onnx");
    let int8 = common::default_model("scene.int8.onnx");
    let base = ["bench", "--profile", "--threads", "1", "--model", float.to_str().unwrap()];
    let run = |more: &[&str]| {
        let output = common::quantscope(config.path()).args(base).args(more).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        String::from_utf8(output.stdout).unwrap()
    };
    for more in [&["--no-accelerate"][..], &[]] {
        let json = run(&[&["--model", int8.to_str().unwrap(), "--format", "json"], more].concat());
        let told: serde_json::Value = serde_json::from_str(&json).unwrap();
        let [first, second] = [&told["profiles"][0], &told["profiles"][1]];
        assert!(first["advice"].is_null() && first["floats"].as_array().unwrap().is_empty(), "{first}");
        let sum = |profile: &serde_json::Value| -> f64 {
            profile["operators"].as_array().unwrap().iter().map(|operator| operator["ms"].as_f64().unwrap()).sum()
        };
        for profile in [first, second] {
            let (run, operators) = (profile["run_ms"].as_f64().unwrap(), sum(profile));
            assert!(operators > 0.0 && operators < 1.2 * run, "operators are what a run is made of: {operators} {run}");
            let shares: f64 = profile["work"].as_array().unwrap().iter().map(|w| w["share"].as_f64().unwrap()).sum();
            assert!((shares - 1.0).abs() < 1e-6, "{shares}");
        }
        let layers = |profile: &serde_json::Value, work: &str| -> u64 {
            let of = profile["work"].as_array().unwrap().iter().filter(|time| time["work"] == work);
            of.map(|time| time["nodes"].as_u64().unwrap()).sum()
        };
        assert_eq!((layers(first, "integer_layers"), layers(first, "float_layers") > 30), (0, true));
        assert!(layers(second, "integer_layers") > 20, "{second}");
        let reasons: Vec<&str> =
            second["floats"].as_array().unwrap().iter().map(|left| left["reason"].as_str().unwrap()).collect();
        assert!(reasons.contains(&"tail") && !reasons.contains(&"not_fused"), "{reasons:?}");
        assert!(second["advice"].as_str().unwrap().contains("FP32"), "{second}");
    }
    let text = run(&[]);
    for part in [
        "scene.onnx (FP32",
        "convolutions and products in floats",
        "the operators of a run take",
        "ONNX Runtime's own record",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}
