//! The command line as a contract: exit codes, JSON shapes, what goes to which stream.

mod common;

use common::tiny_onnx;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder with a model, a picture, and a folder of two pictures.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        tiny_onnx::write(place.path(), "tiny.onnx", &tiny_onnx::detector());
        std::fs::create_dir(place.at("pictures")).unwrap();
        for name in ["one.png", "pictures/a.png", "pictures/b.png"] {
            image::RgbImage::from_pixel(128, 96, image::Rgb([90, 100, 110])).save(place.at(name)).unwrap();
        }
        std::fs::write(place.at("labels.txt"), "cat\ndog\ncow\n").unwrap();
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn quantscope(&self, arguments: &[&str]) -> Command {
        let mut command = common::quantscope(&self.at("config"));
        command.args(arguments).current_dir(self.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.quantscope(arguments).output().unwrap()
    }

    /// The JSON objects of a run that works, a line each, with nothing on stderr but that pictures of the demo scene are
    /// far larger than the tiny model's input.
    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.quantscope(arguments).args(["--format", "json"]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        let expected = " WARN tiny.onnx: pictures of 800x450 are reduced to 64x64";
        let quiet = said.lines().all(|line| line.starts_with(expected));
        assert!(quiet && said.lines().count() <= 1, "{arguments:?} is not quiet: {said}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// `value` has the field at this path (`a.b.0.c`), and it passes.
fn assert_field(value: &Value, path: &str, right: impl Fn(&Value) -> bool) {
    let pointer = format!("/{}", path.replace('.', "/"));
    let field = value.pointer(&pointer).unwrap_or(&Value::Null);
    assert!(right(field), "{path} is {field} in {value}");
}

fn positive(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number > 0.0)
}

fn not_negative(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number >= 0.0)
}

#[test]
fn detect_writes_an_object_a_frame_with_boxes_in_source_pixels() {
    let place = Place::new();
    let lines = place.json(&["detect", "pictures", "--model", "tiny.onnx", "--labels", "labels.txt"]);
    assert_eq!(lines.len(), 2);
    for (number, (line, name)) in lines.iter().zip(["a.png", "b.png"]).enumerate() {
        assert_field(line, "frame", |v| v.as_u64() == Some(number as u64));
        assert_field(line, "source", |v| v == name);
        assert_field(line, "width", |v| v == 128);
        assert_field(line, "height", |v| v == 96);
        assert_eq!(line["detections"].as_array().unwrap().len(), 1);
        assert_field(line, "detections.0.label", |v| v == "dog");
        assert_field(line, "detections.0.class_id", |v| v == 1);
        assert_field(line, "detections.0.score", |v| v.as_f64().is_some_and(|score| (score - 0.9).abs() < 1e-4));
        // (8, 8) to (40, 40) of 64x64; the picture is half as large there, with 8 rows of padding above it.
        for (edge, expected) in [16.0, 0.0, 80.0, 64.0].into_iter().enumerate() {
            assert_field(line, &format!("detections.0.box.{edge}"), |v| v.as_f64() == Some(expected));
        }
        for stage in ["preprocess", "inference", "postprocess"] {
            assert_field(line, &format!("timings_ms.{stage}"), positive);
        }
    }
}

#[test]
fn bench_writes_one_report_with_an_entry_a_model() {
    let place = Place::new();
    let lines = place.json(&["bench", "-m", "tiny.onnx", "-m", "tiny.onnx", "--frames", "20", "--threads", "1"]);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["models"].as_array().unwrap().len(), 2);
    for model in lines[0]["models"].as_array().unwrap() {
        assert_field(model, "path", |v| v == "tiny.onnx");
        assert_field(model, "precision", |v| v == "fp32");
        assert_field(model, "threads", |v| v == 1);
        assert_field(model, "frames", |v| v == 20);
        assert_field(model, "bytes", |v| v.as_u64() == Some(place.at("tiny.onnx").metadata().unwrap().len()));
        for stage in ["preprocess", "inference", "postprocess", "total"] {
            assert_field(model, &format!("stages_ms.{stage}.p50"), not_negative);
            assert_field(model, &format!("stages_ms.{stage}.p95"), not_negative);
        }
        assert_field(model, "fps", positive);
        assert_field(model, "session_only_ms.p50", positive);
        assert_field(model, "peak_rss_bytes", |v| positive(v) || !cfg!(target_os = "linux"));
    }
}

#[test]
fn inspect_writes_what_was_recognised_and_why() {
    let place = Place::new();
    let model = common::default_model("scene.int8.onnx");
    let lines = place.json(&["inspect", model.to_str().unwrap()]);
    let [report] = lines.as_slice() else { unreachable!("{lines:?}") };
    assert_field(report, "path", |v| v.as_str() == model.to_str());
    assert_field(report, "precision", |v| v == "int8");
    assert_field(report, "opset", positive);
    assert_field(report, "bytes", |v| v.as_u64() == Some(model.metadata().unwrap().len()));
    assert_field(report, "inputs.0.name", |v| v == "images");
    assert_field(report, "inputs.0.shape", |v| *v == serde_json::json!([1, 3, 320, 320]));
    assert_field(report, "inputs.0.dtype", |v| v == "float32");
    assert_field(report, "outputs.1.shape.2", |v| v == 12);
    for (key, value) in [
        ("head", serde_json::json!("boxes_scores")),
        ("layout", serde_json::json!("nchw")),
        ("input_size", serde_json::json!([320, 320])),
        ("classes", serde_json::json!(12)),
    ] {
        assert_field(report, &format!("card.{key}"), |v| *v == value);
    }
    for key in ["color", "resize", "labels_from"] {
        assert_field(report, &format!("card.{key}"), |v| v.as_str().is_some_and(|text| !text.is_empty()));
    }
    assert_field(report, "card.scale", positive);
    for key in ["mean", "std"] {
        assert_field(report, &format!("card.{key}"), |v| v.as_array().is_some_and(|list| list.len() == 3));
    }
    assert_field(report, "evidence.0", Value::is_string);
    // The model may be given either way.
    assert_eq!(place.json(&["inspect", "tiny.onnx"]), place.json(&["inspect", "--model", "tiny.onnx"]));
}

#[test]
fn cameras_writes_a_list() {
    let place = Place::new();
    let lines = place.json(&["cameras"]);
    assert_eq!(lines.len(), 1);
    for camera in lines[0]["cameras"].as_array().unwrap() {
        assert_field(camera, "number", Value::is_u64);
        assert_field(camera, "name", Value::is_string);
        assert_field(camera, "formats", Value::is_array);
    }
    assert_eq!(place.run(&["cameras"]).status.code(), Some(0));
}

#[test]
fn global_options_go_before_and_after_the_subcommand_and_have_short_names() {
    let place = Place::new();
    let boxes = |arguments: &[&str]| place.json(arguments)[0]["detections"].clone();
    let expected =
        boxes(&["detect", "one.png", "--model", "tiny.onnx", "--labels", "labels.txt", "--confidence", "0.5"]);
    assert_eq!(expected.as_array().unwrap().len(), 1);
    for arguments in [
        ["--model", "tiny.onnx", "--labels", "labels.txt", "--confidence", "0.5", "detect", "one.png"],
        ["-m", "tiny.onnx", "-l", "labels.txt", "-c", "0.5", "detect", "one.png"],
        ["-m", "tiny.onnx", "detect", "-l", "labels.txt", "one.png", "-c", "0.5"],
        ["-c", "0.5", "detect", "one.png", "-m", "tiny.onnx", "-l", "labels.txt"],
    ] {
        assert_eq!(boxes(&arguments), expected, "{arguments:?}");
    }
    let none = boxes(&["-m", "tiny.onnx", "-c", "0.95", "detect", "one.png"]);
    assert!(none.as_array().unwrap().is_empty(), "{none}");
}

#[test]
fn wrong_usage_is_exit_code_2_with_nothing_on_stdout() {
    let place = Place::new();
    for arguments in [
        &["detect", "one.png", "-m", "tiny.onnx", "--confidence", "2"][..],
        &["detect", "one.png", "-m", "tiny.onnx", "--confidence", "many"],
        &["detect", "one.png", "-m", "tiny.onnx", "--iou", "-0.1"],
        &["detect", "one.png", "-m", "tiny.onnx", "--threads", "0"],
        &["detect", "one.png", "-m", "tiny.onnx", "--threads", "257"],
        &["detect", "one.png", "-m", "tiny.onnx", "--threads", "auto"],
        &["bench", "-m", "tiny.onnx", "--threads", "1,auto"],
        &["detect", "one.png", "-m", "tiny.onnx", "--format", "xml"],
        &["detect", "one.png", "-m", "tiny.onnx", "--provider", "abacus"],
        &["detect", "one.png", "-m", "tiny.onnx", "--limit", "few"],
        &["detect", "-m", "tiny.onnx"],
        &["detect", "one.png"],
        &["detect", "one.png", "-m", "tiny.onnx", "-m", "tiny.onnx"],
        &["inspect"],
        &["bench"],
        &["scene"],
        &["paint"],
        &["--nonsense"],
    ] {
        let output = place.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(said.starts_with("error: "), "{arguments:?}: {said}");
    }
    for arguments in [&["--help"][..], &["--version"], &["detect", "--help"]] {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty() && !output.stdout.is_empty());
    }
}

#[test]
fn the_limit_ends_an_endless_source_and_text_is_a_line_a_frame_and_a_box() {
    let place = Place::new();
    assert_eq!(place.json(&["detect", "demo", "-m", "tiny.onnx", "--limit", "3"]).len(), 3);
    assert_eq!(place.json(&["detect", "pictures", "-m", "tiny.onnx", "--limit", "1"]).len(), 1);
    let output = place.run(&["detect", "one.png", "-m", "tiny.onnx", "-l", "labels.txt"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("0 one.png: 1 boxes") && lines[1].contains("dog"), "{text}");
}

#[test]
fn saved_pictures_show_the_boxes_and_differ_from_the_source() {
    let place = Place::new();
    let source = image::open(place.at("one.png")).unwrap().into_rgb8();
    place.json(&["detect", "one.png", "-m", "tiny.onnx", "--save", "marked.png"]);
    let marked = image::open(place.at("marked.png")).unwrap().into_rgb8();
    assert_eq!(marked.dimensions(), source.dimensions());
    let differs = |x, y| marked.get_pixel(x, y) != source.get_pixel(x, y);
    assert!(differs(16, 40) || differs(15, 40) || differs(17, 40), "no left edge of the box");
    assert!(!differs(120, 90), "something was drawn where there is no box");

    place.json(&["detect", "pictures", "-m", "tiny.onnx", "--save", "new/folder"]);
    let mut names: Vec<String> = std::fs::read_dir(place.at("new/folder"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["000000_a.jpg", "000001_b.jpg"]);
    for name in names {
        assert_eq!(image::open(place.at("new/folder").join(name)).unwrap().into_rgb8().dimensions(), (128, 96));
    }
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let place = Place::new();
    // More than a pipe holds, so that the program must notice.
    let mut child = place
        .quantscope(&["detect", "demo", "-m", "tiny.onnx", "-c", "0.001", "--limit", "5000", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    serde_json::from_str::<Value>(&first).unwrap();
    assert_ends_quietly(child, "detect");
    for arguments in [&["inspect", "tiny.onnx"][..], &["cameras"], &["bench", "-m", "tiny.onnx", "--frames", "10"]] {
        let mut child = place.quantscope(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert_ends_quietly(child, arguments[0]);
    }
}

fn assert_ends_quietly(mut child: std::process::Child, what: &str) {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{what}: {said}");
    assert!(said.is_empty(), "{what}: {said}");
}

#[test]
fn without_a_window_the_agreement_says_over_what_and_how_surely() {
    let place = Place::new();
    let [a, b] = ["scene.onnx", "scene.int8.onnx"].map(common::default_model);
    let models = ["--headless", "--model", a.to_str().unwrap(), "--model-b", b.to_str().unwrap()];
    let record = ["--record", "found.jsonl", "--record", "film.mkv"];
    let record = if has_ffmpeg() { &record[..] } else { &record[..2] };
    let options = ["--agreement-window", "100", "--format", "json"];
    let output = place.run(&[&models[..], &options, record].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    let agreement = &figures["agreement"];
    let frames = agreement["frames"].as_u64().unwrap();
    assert!(agreement["window"] == 100 && (1..=100).contains(&frames), "{agreement}");
    let boxes = |side: &str| agreement[side].as_u64().unwrap();
    assert!(boxes("reference_boxes") > frames / 2 && boxes("candidate_boxes") > frames / 2, "{agreement}");
    let f1 = agreement["f1"].as_f64().unwrap();
    match agreement["f1_interval"].as_array() {
        Some(ends) => {
            let [low, high] = [&ends[0], &ends[1]].map(|end| end.as_f64().unwrap());
            assert!(low <= f1 && f1 <= high && high < low + 0.5, "{agreement}");
        }
        None => assert!(frames < 100 && agreement["f1_interval"].is_null(), "{agreement}"),
    }
    let lines = std::fs::read_to_string(place.at("found.jsonl")).unwrap();
    // The first frames may pass while the file is being made.
    assert!(lines.lines().count() as u64 > frames, "two lines a frame");
    assert!(record.len() < 4 || std::fs::metadata(place.at("film.mkv")).unwrap().len() > 10_000);
    for wrong in ["found.avi", "found.jsonl"] {
        let output = place.run(&["--headless", "--record", wrong, "--record", "found.jsonl"]);
        assert_eq!(output.status.code(), Some(2), "another ending, and two of a kind");
    }
    for wrong in ["0", "9", "1000000", "many"] {
        let output = place.run(&["--headless", "--agreement-window", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("a number of frames from 10 to 10000"));
    }
}

fn has_ffmpeg() -> bool {
    let found = Command::new("ffmpeg").arg("-version").stdout(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: ffmpeg is not installed");
    }
    found
}
