//! Models that mean no good: each gets one line within seconds, and the model that runs does not notice.

use super::{PATIENCE, next_answer};
use crate::common::{hostile_onnx as hostile, tiny_onnx};
use crate::place::{Place, assert_says};
use quantscope::capture::{SourceOptions, SourceSpec};
use quantscope::inference::{ModelOverrides, trial::Trial};
use quantscope::onnx::proto::ModelProto;
use quantscope::pipeline::{Command, Event, LaneId, Link, Pipeline, PipelineConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What any of them may take until it is refused.
const SECONDS: Duration = Duration::from_secs(5);
/// The same where the processor is busy with other tests: whoever waits gives a process time that it did not get.
const SECONDS_WHEN_BUSY: Duration = Duration::from_secs(15);

/// File name, model, and what is said of it.
fn models() -> Vec<(&'static str, ModelProto, &'static [&'static str])> {
    vec![
        ("cycle", hostile::cycle(), &["acyclic"]),
        ("words", hostile::words_as_shape(), &["Reshape"]),
        ("input", hostile::enormous_input(), &["is larger than 8192"]),
        ("weights", hostile::enormous_weights(), &["cannot load", "TensorProto"]),
        ("nowhere", hostile::output_from_nowhere(), &["boxes"]),
        ("nested", hostile::nested(60), &["damaged", "nested deeper"]),
        ("names", hostile::names_with_control_characters(), &["classifier"]),
        ("task", hostile::task_in_two_lines(), &["a classifier"]),
        ("itself", hostile::function_calling_itself(), &["itself"]),
        ("operator", tiny_onnx::with_operator("Frobnicate"), &["no operator Frobnicate"]),
        ("range", hostile::endless_range(), &["more memory"]),
        ("hog", tiny_onnx::memory_hog(64 << 30), &["more memory"]),
        // Memory runs out, or on a busy machine the time before.
        ("swelling", hostile::swelling(16, 512 << 20), &["smaller input"]),
        ("laughs", hostile::billion_laughs(), &["not loaded"]),
        ("loop", hostile::endless_loop(), &["within 4 s", "not loaded"]),
    ]
}

#[test]
fn each_is_refused_in_one_line_within_seconds() {
    let place = Place::new();
    let mut wrong = Vec::new();
    for (name, model, words) in models() {
        let file = format!("{name}.onnx");
        tiny_onnx::write(place.path(), &file, &model);
        let begin = Instant::now();
        let sentence = place.refused_model(&file);
        let elapsed = begin.elapsed();
        let sentence = sentence.trim_end();
        println!("{name}: {:.1} s: {sentence}", elapsed.as_secs_f32());
        let one_line = sentence.len() < 1500 && !sentence.contains(char::is_control);
        if !(words.iter().all(|word| sentence.contains(word)) && one_line && elapsed < SECONDS_WHEN_BUSY) {
            wrong.push(format!("{name} after {elapsed:?}, not {words:?}: {sentence:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nesting_that_the_format_allows_is_no_crime() {
    let place = Place::new();
    tiny_onnx::write(place.path(), "nested.onnx", &hostile::nested(20));
    let output = place.run(&["detect", "picture.png", "--model", "nested.onnx"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn nothing_that_a_model_names_is_opened() {
    // Whoever opens a pipe that nobody writes to waits for ever.
    let place = Place::new();
    let trap = place.at("library.so");
    let made = std::process::Command::new("mkfifo").arg(&trap).status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: there is no mkfifo");
        return;
    }
    let trap = trap.to_str().unwrap();
    tiny_onnx::write(place.path(), "naming.onnx", &hostile::naming_a_library(trap));
    let output = place.run(&["detect", "picture.png", "--model", "naming.onnx"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    tiny_onnx::write(place.path(), "needing.onnx", &hostile::needing_a_library(trap));
    assert_says(&place.refused_model("needing.onnx"), &["no operator ai.onnx.contrib:Custom"]);
}

#[test]
fn a_card_that_is_a_pipe_or_a_device_is_not_waited_for() {
    let place = Place::new();
    for card in ["/dev/zero", "/dev/tty"] {
        let output = place.run(&["detect", "picture.png", "--model", "good.onnx", "--card", card]);
        assert_says(&crate::place::refusal(&output), &[card, "no file"]);
        let output = place.run(&["detect", "picture.png", "--model", "good.onnx", "--labels", card]);
        assert_says(&crate::place::refusal(&output), &[card]);
    }
}

/// Lane A runs; each of the others is loaded into lane B.
#[test]
fn the_running_model_does_not_notice() {
    let place = Place::new();
    let trial = Trial::new(PathBuf::from(env!("CARGO_BIN_EXE_quantscope")));
    let config = PipelineConfig { trial: Some(trial), threads: 1 };
    let (link, _pipeline) = Pipeline::start(config, Arc::new(|| {})).unwrap();
    let good = place.at("good.onnx");
    load(&link, LaneId::A, &good);
    assert!(link.send(Command::OpenSource(SourceSpec::Demo, SourceOptions::default())));
    let mut last = next_answer(&link, &good);
    for (name, model, words) in models() {
        let bad = tiny_onnx::write(place.path(), &format!("{name}.onnx"), &model);
        load(&link, LaneId::B, &bad);
        let begin = Instant::now();
        let (mut frames, mut longest, mut before) = (0, Duration::ZERO, begin);
        let message = loop {
            let frame = next_answer(&link, &good);
            assert!(frame > last, "{name}: frame {frame} after {last}");
            last = frame;
            frames += 1;
            longest = longest.max(before.elapsed());
            before = Instant::now();
            if let Some(message) = failure_of(&link, &bad) {
                break message;
            }
            assert!(begin.elapsed() < PATIENCE, "{name} never failed");
        };
        println!("{name}: {frames} frames in {:.1} s, none later than {longest:?}", begin.elapsed().as_secs_f32());
        assert_says(&message, words);
        assert!(!message.contains('\n'), "{message}");
        assert!(longest < SECONDS, "{name}: no frame for {longest:?}");
    }
}

fn load(link: &Link, lane: LaneId, path: &Path) {
    let overrides = ModelOverrides::default();
    assert!(link.send(Command::LoadModel { lane, path: path.to_owned(), overrides }));
}

fn failure_of(link: &Link, model: &Path) -> Option<String> {
    std::iter::from_fn(|| link.take_event()).find_map(|event| match event {
        Event::ModelFailed { lane: LaneId::B, path, message } if path == model => Some(message),
        _ => None,
    })
}

/// Stops what is being tried when whoever tries it is killed.
#[cfg(target_os = "linux")]
#[test]
fn a_trial_ends_with_the_program_that_started_it() {
    let place = Place::new();
    let model = tiny_onnx::write(place.path(), "orphan.onnx", &hostile::endless_loop());
    let mut program = place.quantscope(&["detect", "picture.png", "--model", "orphan.onnx"]);
    let mut program = program.stderr(std::process::Stdio::null()).spawn().unwrap();
    let trials = || {
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        let name = model.to_str().unwrap().as_bytes().to_owned();
        let of_trial = |line: &Vec<u8>| {
            let mut words = line.split(|byte| *byte == 0);
            words.clone().any(|word| word == b"try-model") && words.any(|word| name.ends_with(word) && !word.is_empty())
        };
        lines.filter(of_trial).count()
    };
    let wait_for = |count: usize| {
        let end = Instant::now() + PATIENCE;
        while trials() != count {
            assert!(Instant::now() < end, "there are {} trials, not {count}", trials());
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    wait_for(1);
    let begin = Instant::now();
    program.kill().unwrap();
    program.wait().unwrap();
    wait_for(0);
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}
