//! What bad input gets: one sentence that names it, the reason and the remedy; exit code 1; nothing on stdout.
//!
//! Tested elsewhere: damaged settings in `src/app/settings.rs`, dialogs in `tests/window`, cameras that fail while they
//! run in `tests/camera.rs`, videos that break off in `src/capture/video/tests`.

#![cfg(unix)]
#[path = "../common/mod.rs"]
mod common;
mod dataset;
mod disk;
mod hostile;
mod place;

use common::tiny_onnx;
use place::{Place, assert_says, refusal};
use prost::Message;
use quantscope::capture::{SourceOptions, SourceSpec};
use quantscope::inference::trial::{Subject, Trial, TrialError};
use quantscope::inference::{LoadOptions, ModelOverrides};
use quantscope::onnx;
use quantscope::pipeline::{Command as PipelineCommand, Event, LaneId, Link, Pipeline, PipelineConfig};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// What a refusal that needs no inference may take, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn what_is_no_onnx_file_is_refused_at_once() {
    let place = Place::new();
    place.file("empty.onnx", b"");
    place.file("text.onnx", b"hello, I am a text");
    place.file("noise.onnx", &[0xa7; 10_000]);
    fs::create_dir(place.at("folder.onnx")).unwrap();
    for (name, length) in [("zeros.onnx", (1 << 31) - 1), ("large.onnx", 1 << 31)] {
        File::create(place.at(name)).unwrap().set_len(length).unwrap();
    }
    for (name, reason) in [
        ("gone.onnx", "no"),
        ("empty.onnx", "empty"),
        ("text.onnx", "text file"),
        ("noise.onnx", "no ONNX file"),
        ("folder.onnx", "folder"),
        ("zeros.onnx", "no ONNX file"),
        ("large.onnx", "2 GiB"),
    ] {
        let begin = Instant::now();
        assert_says(&place.refused_model(name), &[reason]);
        assert!(begin.elapsed() < AT_ONCE, "{name} took {:?}", begin.elapsed());
    }
}

#[test]
fn a_model_cut_off_anywhere_is_refused() {
    let place = Place::new();
    let bytes = tiny_onnx::detector().encode_to_vec();
    for end in 0..bytes.len() {
        let path = place.file("cut.onnx", &bytes[..end]);
        let error = onnx::read(&path).err().unwrap_or_else(|| panic!("{end} of {} bytes were read", bytes.len()));
        let text = error.to_string();
        assert!(text.contains("cut.onnx") && !text.contains('\n'), "{text}");
    }
    for end in [bytes.len() / 10, bytes.len() / 2, bytes.len() - 1] {
        place.file("cut.onnx", &bytes[..end]);
        assert_says(&place.refused_model("cut.onnx"), &["cut off"]);
    }
}

#[test]
fn a_model_that_is_no_detector_is_described() {
    let place = Place::new();
    tiny_onnx::write(place.path(), "classifier.onnx", &tiny_onnx::classifier());
    tiny_onnx::write(place.path(), "segmenter.onnx", &tiny_onnx::segmenter());
    let known = "Known are yolox";
    assert_says(&place.refused_model("classifier.onnx"), &["logits [1,10]", "classifier with 10 classes", known]);
    assert_says(&place.refused_model("segmenter.onnx"), &["mask [1,21,64,64]", "segmenter", known]);
}

#[test]
fn weights_outside_the_folder_are_refused() {
    let place = Place::new();
    for location in ["../weights.bin", "/etc/passwd"] {
        tiny_onnx::write(place.path(), "outside.onnx", &tiny_onnx::with_external_data(location));
        assert_says(&place.refused_model("outside.onnx"), &[location, "refused"]);
    }
    tiny_onnx::write(place.path(), "beside.onnx", &tiny_onnx::with_external_data("weights.bin"));
    assert_says(&place.refused_model("beside.onnx"), &["weights.bin", "not beside it"]);
}

#[test]
fn an_opset_or_operator_that_the_runtime_lacks_is_named_with_its_version() {
    let place = Place::new();
    tiny_onnx::write(place.path(), "future.onnx", &tiny_onnx::of_opset(999));
    tiny_onnx::write(place.path(), "strange.onnx", &tiny_onnx::with_operator("Frobnicate"));
    let version = "ONNX Runtime 1.";
    let sentence = place.refused_model("future.onnx");
    assert_says(&sentence, &[version, "opset 999 of ai.onnx", "knows opsets up to", "Export it with opset"]);
    let sentence = place.refused_model("strange.onnx");
    assert_says(&sentence, &[version, "no operator Frobnicate", &format!("opset {}", tiny_onnx::OPSET), "Export"]);
    assert!(!sentence.contains("onnxruntime_src"), "{sentence}");
}

fn subject(path: &Path) -> Subject<'_> {
    Subject { path, bytes: 0, look_inside: false }
}

fn stand_in() -> Trial {
    Trial::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stand_ins/try-model.sh"))
        .with_limits(Duration::from_secs(2), 1 << 30)
}

#[test]
fn a_trial_tells_a_crash_from_a_hang_and_from_a_process_that_is_not_there() {
    let try_it = |trial: &Trial, name: &str| trial.run(&subject(Path::new(name)), &LoadOptions::default());
    try_it(&stand_in(), "good.onnx").unwrap();
    let crash = try_it(&stand_in(), "crash.onnx").unwrap_err();
    assert!(matches!(crash, TrialError::Crashed { .. }), "{crash}");
    assert_says(&crash.to_string(), &["crash.onnx", "signal: 11", "not loaded"]);
    assert!(matches!(try_it(&stand_in(), "silent.onnx"), Err(TrialError::Crashed { .. })));
    let begin = Instant::now();
    let hang = try_it(&stand_in(), "hang.onnx").unwrap_err();
    assert!(matches!(hang, TrialError::TimedOut { seconds: 2, .. }), "{hang}");
    assert!(begin.elapsed() < PATIENCE / 2, "{:?}", begin.elapsed());
    assert_says(&hang.to_string(), &["hang.onnx", "within 2 s"]);
    let begin = Instant::now();
    let stopped = stand_in().with_limits(PATIENCE, 1 << 30).stopped_by(Arc::new(AtomicBool::new(true)));
    let stopped = try_it(&stopped, "hang.onnx").unwrap_err();
    assert!(matches!(stopped, TrialError::Stopped { .. }), "{stopped}");
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    let nobody = Trial::new(PathBuf::from("/no/such/program"));
    assert!(matches!(try_it(&nobody, "good.onnx"), Err(TrialError::NoProcess(_))));
}

#[test]
fn a_model_that_wants_too_much_memory_is_refused_in_words() {
    let place = Place::new();
    let trial = |limit| Trial::new(PathBuf::from(env!("CARGO_BIN_EXE_quantscope"))).with_limits(PATIENCE, limit);
    let hog = tiny_onnx::write(place.path(), "hog.onnx", &tiny_onnx::memory_hog(4 << 30));
    let error = trial(1 << 30).run(&subject(&hog), &LoadOptions::default()).unwrap_err();
    assert!(matches!(error, TrialError::Refused(_)), "{error}");
    assert_says(&error.to_string(), &["hog.onnx", "more memory", "4096 MiB"]);
    // Within the same limit a model that is content with little runs.
    trial(1 << 30).run(&subject(&place.at("good.onnx")), &LoadOptions::default()).unwrap();
    // The limit that the program sets by itself.
    tiny_onnx::write(place.path(), "hog.onnx", &tiny_onnx::memory_hog(64 << 30));
    assert_says(&place.refused_model("hog.onnx"), &["more memory"]);
}

/// The frame number of the next result, in which lane A must have an answer of `model`.
fn next_answer(link: &Link, model: &Path) -> u64 {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(result) = link.take_result()
            && let Some(lane) = &result.lanes[0]
        {
            assert_eq!(lane.model.path, model);
            return result.id.0;
        }
        assert!(Instant::now() < end, "no result came");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn the_running_model_goes_on_while_another_crashes_or_hangs() {
    let place = Place::new();
    let config = PipelineConfig { trial: Some(stand_in()), threads: 1 };
    let (link, _pipeline) = Pipeline::start(config, Arc::new(|| {})).unwrap();
    let load = |path: PathBuf| {
        let overrides = ModelOverrides::default();
        assert!(link.send(PipelineCommand::LoadModel { lane: LaneId::A, path, overrides }));
    };
    let good = place.at("good.onnx");
    load(good.clone());
    assert!(link.send(PipelineCommand::OpenSource(SourceSpec::Demo, SourceOptions::default())));
    let mut last = next_answer(&link, &good);
    for (name, reason) in [("crash.onnx", "crash ("), ("hang.onnx", "within 2 s")] {
        let bad = tiny_onnx::write(place.path(), name, &tiny_onnx::detector());
        load(bad.clone());
        let end = Instant::now() + PATIENCE;
        let message = loop {
            // Frames come all the while, from the model that runs.
            let frame = next_answer(&link, &good);
            assert!(frame > last);
            last = frame;
            let failed = std::iter::from_fn(|| link.take_event()).find_map(|event| match event {
                Event::ModelFailed { lane: LaneId::A, path, message } if path == bad => Some(message),
                _ => None,
            });
            if let Some(message) = failed {
                break message;
            }
            assert!(Instant::now() < end, "{name} never failed");
        };
        assert_says(&message, &[name, reason]);
    }
    assert!(next_answer(&link, &good) > last);
}

#[test]
fn labels_that_do_not_fit_load_with_a_warning() {
    let place = Place::new();
    place.file("few.txt", b"cat\ndog\n");
    place.file("many.txt", b"cat\ndog\ncow\nhen\n");
    place.file("lone.txt", b"cat\n");
    let run = |labels: &str| {
        let output = place.run(&["detect", "picture.png", "-m", "good.onnx", "-l", labels, "--format", "json"]);
        assert!(output.status.success(), "{output:?}");
        let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let label = line["detections"][0]["label"].as_str().unwrap().to_owned();
        (label, String::from_utf8(output.stderr).unwrap())
    };
    let (label, warning) = run("few.txt");
    assert_eq!(label, "dog");
    assert_says(&warning, &["few.txt names 2 classes and the model has 3", "numbered"]);
    assert!(!warning.contains('\u{1b}') && warning.lines().count() == 1, "{warning:?}");
    let (label, warning) = run("many.txt");
    assert_eq!(label, "dog");
    assert_says(&warning, &["many.txt names 4 classes and the model has only 3"]);
    assert_eq!(run("lone.txt").0, "class 1");
}

#[test]
fn label_files_and_cards_that_cannot_be_used_are_named() {
    let place = Place::new();
    place.file("binary.txt", b"cat\0dog");
    place.file("empty.txt", b"\n\n");
    place.file("unknown.toml", b"pad = 114\nhaed = \"yolox\"\n");
    place.file("torn.toml", b"head = \"yolo");
    place.file("value.toml", b"scale = 0\n");
    place.file("other.toml", b"head = \"yolox\"\n");
    for (option, file, reason) in [
        ("--labels", "gone.txt", "cannot be read"),
        ("--labels", "binary.txt", "binary"),
        ("--labels", "empty.txt", "no names"),
        ("--card", "gone.toml", "cannot be read"),
        ("--card", "unknown.toml", "line 2"),
        ("--card", "torn.toml", "line 1"),
        ("--card", "value.toml", "scale = 0"),
    ] {
        let sentence = refusal(&place.run(&["detect", "picture.png", "-m", "good.onnx", option, file]));
        assert_says(&sentence, &[file, reason]);
    }
    let sentence = refusal(&place.run(&["detect", "picture.png", "-m", "good.onnx", "--card", "other.toml"]));
    assert_says(&sentence, &["good.onnx", "yolox"]);
    // A damaged sidecar is not passed over in silence.
    place.file("good.toml", b"head = 7\n");
    assert_says(&refusal(&place.run(&["inspect", "good.onnx"])), &["good.toml", "line 1"]);
}

#[test]
fn sources_that_cannot_be_opened_say_why() {
    let place = Place::new();
    fs::create_dir(place.at("nothing")).unwrap();
    place.file("broken.png", b"\x89PNG\r\n\x1a\nand then nothing");
    assert_says(&place.refused_source("gone.png"), &["no such file"]);
    assert_says(&place.refused_source("nothing"), &["no pictures in this folder"]);
    assert_says(&place.refused_source("broken.png"), &["not a picture"]);
    assert_says(&place.refused_source("/dev/null"), &["neither a file nor a folder"]);
    assert_says(&place.refused_source("gopher://host/x"), &["Use rtsp://"]);
    let sentence = refusal(&place.run(&["detect", "camera:250", "--model", "good.onnx"]));
    assert_says(&sentence, &["camera 250", "quantscope cameras"]);
}

#[test]
fn a_video_that_is_none_and_a_missing_ffmpeg_are_told_apart() {
    let place = Place::new();
    place.file("video.mp4", b"this is no video at all");
    let mut command = place.quantscope(&["detect", "video.mp4", "--model", "good.onnx"]);
    let sentence = refusal(&command.env("PATH", "").output().unwrap());
    assert_says(&sentence, &["video.mp4", "was not found", "sudo apt install ffmpeg"]);
    if Command::new("ffprobe").arg("-version").output().is_err() {
        println!("skipped: ffmpeg is not installed");
        return;
    }
    assert_says(&place.refused_source("video.mp4"), &["not a video"]);
}

#[test]
fn without_a_display_the_same_pipeline_runs_in_the_terminal() {
    let place = Place::new();
    let output = place.run(&["--model", "good.onnx", "--format", "json"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    assert_says(&text, &["There is no display", "quantscope-headless.jpg"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["models"].as_array().unwrap().len(), 1);
    assert!(report["models"][0]["fps"].as_f64().unwrap() > 0.0);
    image::open(place.at("quantscope-headless.jpg")).unwrap();
    // What cannot work is not tried for ten seconds.
    let begin = Instant::now();
    place.file("text.onnx", b"hello");
    let output = place.run(&["--headless", "--model", "text.onnx"]);
    assert_says(&refusal(&output), &["text.onnx", "no ONNX file"]);
    assert!(begin.elapsed() < PATIENCE / 4, "{:?}", begin.elapsed());
}

#[test]
fn a_missing_wrong_or_old_runtime_is_one_sentence_within_a_second() {
    let place = Place::new();
    place.file("text.so", b"no library");
    place.file("empty.so", b"");
    let mut table =
        vec![("gone.so", "not there"), ("text.so", "no shared library"), ("empty.so", "empty"), (".", "folder")];
    place.file(
        "old.c",
        b"static const void *api(unsigned v) { (void)v; return 0; }\n\
          static const char *version(void) { return \"1.16.3\"; }\n\
          static const struct { const void *(*a)(unsigned); const char *(*v)(void); } base = { api, version };\n\
          const void *OrtGetApiBase(void) { return &base; }\n",
    );
    let compiler =
        Command::new("cc").args(["-shared", "-fPIC", "-o", "old.so", "old.c"]).current_dir(place.path()).status();
    match compiler {
        Ok(status) if status.success() => table.push(("old.so", "1.16.3, which is too old")),
        _ => println!("skipped: no C compiler, so no old library"),
    }
    for (library, reason) in table {
        for arguments in [&["detect", "picture.png", "-m", "good.onnx"][..], &["--headless"], &[]] {
            let begin = Instant::now();
            let output = place.quantscope(arguments).env("ORT_DYLIB_PATH", place.at(library)).output().unwrap();
            assert!(begin.elapsed() < AT_ONCE, "{library}: {:?}", begin.elapsed());
            assert_says(&refusal(&output), &[reason, "make setup"]);
        }
    }
}
