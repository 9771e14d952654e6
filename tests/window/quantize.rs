//! The window Quantize: its choices, progress, stopping, and what it says when nothing comes of it.

use crate::common;
use crate::quantization::{Next, Played, outcome};
use crate::support::{Setup, Window, frame, model, source_opened};
use eframe::egui::Key;
use quantscope::app::{DialogKind, Picked, PicturesFrom, QuantizeFailure, QuantizeSettings, Settings};
use quantscope::capture::{SourceKind, SourceSpec};
use quantscope::inference::Precision;
use quantscope::pipeline::{self, Event, LaneId};
use quantscope::quantize::{ChannelScales, Choice, Corrections, JudgeBy, Method, Mode, Progress};
use std::path::Path;
use std::time::{Duration, Instant};

/// The program ends within this although a run of a model cannot be broken off.
const CLOSES_WITHIN: Duration = Duration::from_secs(1);
/// The default model with a few pictures takes a few seconds on an idle machine.
const QUANTIZES_WITHIN: Duration = Duration::from_secs(240);

fn trying(done: usize) -> Progress {
    Progress::Trying { done, of: 8, choice: Choice { float_until_stride: 8, ..Choice::default() } }
}

#[test]
fn one_button_does_it_with_what_is_chosen_from_the_start() {
    let mut played = Played::open(Setup::default());
    assert!(played.window.sees("a.onnx  FP32, 3.4 MB") && played.window.sees("Pictures of what is on view"));
    played.until_ready();
    played.window.click("Start quantizing");
    played.window.until(|window| window.sees("Cancel quantizing"));
    played.until_begun();
    let jobs = played.jobs.lock().unwrap();
    let request = &jobs[0].request;
    assert_eq!(request.model, played.path("a.onnx"));
    assert_eq!((request.samples, request.method, request.judged_threads), (128, Method::Mse, 1));
    assert_eq!(request.judge_by, JudgeBy::Accelerated);
    assert_eq!((request.gate.min_agreement, request.gate.min_speedup), (Some(0.8), None));
    assert!(matches!(&jobs[0].pictures, PicturesFrom::Spec(SourceSpec::Demo, _)), "{:?}", jobs[0].pictures);
}

#[test]
fn it_opens_from_the_menus_and_closes_with_escape() {
    let mut window = Window::running(Setup::default());
    for menu in ["Tools", "More models A"] {
        window.click(menu);
        window.click("Quantize…");
        assert!(window.sees("Start quantizing"));
        window.press(Key::Escape);
        assert!(!window.sees("Start quantizing"));
    }
    window.press(Key::Q);
    window.press(Key::Q);
    assert!(!window.sees("Start quantizing"));
}

#[test]
fn every_choice_can_be_changed_and_is_remembered() {
    let picked = Picked::Path("/data/street".into());
    let mut played = Played::open(Setup { picked, ..Setup::default() });
    played.window.click("Choose a folder of pictures");
    played.window.until(|window| window.sees("Pictures of /data/street"));
    assert_eq!(*played.window.asked.lock().unwrap(), [DialogKind::CalibrationFolder]);
    played.window.click("How ranges are chosen");
    played.window.click("ranges: entropy");
    played.window.click("Where time is judged");
    played.window.click("judged by its time in plain ONNX Runtime");
    played.window.click("Form");
    played.window.click("scales found in every run");
    played.window.until(|window| window.sees("a.dynamic.onnx"));
    played.window.press(Key::Enter);
    played.window.until(|window| window.sees("Cancel quantizing"));
    played.until_begun();
    {
        let jobs = played.jobs.lock().unwrap();
        let request = &jobs[0].request;
        assert_eq!((request.method, request.mode), (Method::Entropy, Mode::Dynamic));
        assert_eq!(request.judge_by, JudgeBy::Plain);
        let street = SourceSpec::Path("/data/street".into());
        assert!(matches!(&jobs[0].pictures, PicturesFrom::Spec(spec, _) if *spec == street));
    }
    let saved = played.window.saved();
    assert_eq!((saved.quantize.method, saved.quantize.judge_by), (Method::Entropy, JudgeBy::Plain));
    assert_eq!(saved.quantize.recent, [Path::new("/data/street")]);
}

#[test]
fn what_is_seldom_needed_is_below_more() {
    let mut played = Played::open(Setup::default());
    assert!(!played.window.sees("Ranges of channels"));
    played.window.click("More");
    played.window.click("Ranges of channels");
    played.window.click("always a range for each");
    played.window.click("Bits of weights");
    played.window.click("always 7 bits");
    played.window.click("equalize channels");
    assert!(played.window.sees("More (3 changed)"));
    played.until_ready();
    played.window.press(Key::Enter);
    played.window.until(|window| window.sees("Cancel quantizing"));
    played.until_begun();
    {
        let jobs = played.jobs.lock().unwrap();
        let request = &jobs[0].request;
        assert_eq!((request.channel_scales, request.weight_limit), (ChannelScales::On, Some(63)));
        assert_eq!(request.corrections, Corrections { equalize: false, bias: true, rounding: true });
    }
    played.window.click("Cancel quantizing");
    played.window.click("Form");
    played.window.click("weights stored as integers");
    assert!(!played.window.sees("Bits of weights") && !played.window.sees("changed)"), "nothing of it counts here");
    assert!(!played.window.sees("equalize channels"), "floats are computed with");
    played.window.click("learn the rounding");
    assert!(played.window.sees("More (1 changed)"));
    let saved = played.window.saved().quantize;
    assert_eq!((saved.channel_scales, saved.equalize, saved.learn_rounding), (ChannelScales::On, false, false));
}

#[test]
fn another_model_and_another_place_can_be_chosen() {
    let mut played = Played::open(Setup { picked: Picked::Path("/else/where".into()), ..Setup::default() });
    played.window.click("Choose the model to quantize");
    played.window.until(|window| window.sees("Loaded model"));
    played.window.click("Save as…");
    played.window.until(|window| window.sees("where.onnx"));
    played.window.press(Key::Enter);
    played.window.until(|window| window.sees("Quantizing where"));
    played.until_begun();
    assert_eq!(played.jobs.lock().unwrap()[0].request.model, Path::new("/else/where"));
    played.window.click("Cancel quantizing");
    played.window.click("Loaded model");
    assert!(played.window.sees("a.onnx  FP32"));
}

#[test]
fn what_is_missing_is_said() {
    let mut window = Window::open(Setup::default());
    window.settle();
    window.press(Key::Q);
    assert!(window.sees("There is no model: open one in A, or choose a file."));
    window.tell(Event::ModelLoaded { lane: LaneId::B, info: model("/models/a.int8.onnx", Precision::Int8) });
    assert!(window.sees("a.int8.onnx is INT8 already: choose the FP32 model"));
    window.press(Key::Enter);
    assert!(window.sees("Start quantizing"), "it does not begin");
    window.tell(Event::ModelLoaded { lane: LaneId::A, info: model("/models/a.onnx", Precision::Fp32) });
    assert!(window.sees("Nothing is on view: choose a folder"));
    window.tell(source_opened(SourceKind::Demo));
    assert!(!window.sees("Nothing is on view"));
}

#[test]
fn progress_is_told_step_by_step_and_the_live_view_rests() {
    let mut played = Played::started(Setup::default());
    played.send(Next::Tell(Progress::Preparing));
    played.window.until(|window| window.sees("Read and try the model: under way"));
    played.send(Next::Tell(Progress::Calibrating { done: 0, of: 128 }));
    played.send(Next::Tell(Progress::Calibrating { done: 64, of: 128 }));
    played.window.until(|window| window.sees("Progress: 64 of 128") || window.sees("Progress: 0 of 128"));
    assert!(played.window.sees("Read and try the model: done") && played.window.sees("Make and measure models: to do"));
    assert_eq!(played.window.commands(), ["SetPaused(true)"]);
    played.send(Next::Tell(trying(0)));
    played.window.until(|window| window.sees("Progress: 1 of 8: float before stride 8"));
    assert_eq!(played.window.commands(), [""; 0], "it rests on");
    played.window.press(Key::Q);
    assert!(played.window.sees("Quantizing, 0 of 8: the live view rests"));
    played.window.click("Show the quantizing");
    assert!(played.window.sees("Cancel quantizing"));
    played.send(Next::Make(outcome()));
    played.window.until(|window| window.sees("Models tried"));
    assert!(played.window.commands().contains(&"SetPaused(false)".to_owned()));
}

#[test]
fn stopping_works_at_once_and_the_next_one_can_begin() {
    let mut played = Played::started(Setup::default());
    played.send(Next::Tell(trying(3)));
    played.window.until(|window| window.sees("Progress: 4 of 8"));
    played.send(Next::Busy(Duration::from_millis(700)));
    let asked = Instant::now();
    played.window.click("Cancel quantizing");
    assert!(played.window.sees("Stopped. The step that it was at still comes to its end"));
    assert!(asked.elapsed() < Duration::from_millis(500));
    assert_eq!(played.window.commands(), ["SetPaused(true)", "SetPaused(false)"]);
    played.window.press(Key::Enter);
    assert!(played.window.sees("Cancel quantizing"), "the next one waits for the end of the last");
    assert!(played.window.sees("Waits for the end of the step that the run before was stopped in."));
    played.stopped.recv_timeout(CLOSES_WITHIN * 10).unwrap();
    played.send(Next::Make(outcome()));
    played.window.until(|window| window.sees("Models tried"));
    assert!(!played.path("a.int8-2.onnx").exists());
}

#[test]
fn what_goes_wrong_is_said_with_what_helps() {
    let table = [
        (QuantizeFailure::Model("b.onnx is INT8 already.".to_owned()), "Choose another model…"),
        (QuantizeFailure::Pictures("No picture came from /data.".to_owned()), "Other folder…"),
        (QuantizeFailure::Other("A temporary file cannot be written.".to_owned()), "Try again"),
    ];
    for (failure, remedy) in table {
        let mut played = Played::started(Setup::default());
        played.send(Next::Fail(failure.clone()));
        played.window.until(|window| window.sees(failure.words()));
        assert!(played.window.sees(remedy) && played.window.sees("Start quantizing"), "{failure:?}");
        assert!(!played.path("a.int8.onnx").exists());
    }
}

#[test]
fn frames_of_a_camera_are_taken_from_the_live_view() {
    let mut played = Played::open(Setup::default());
    played.window.tell(source_opened(SourceKind::Camera));
    assert!(played.window.sees("Pictures of what is on view"));
    played.until_ready();
    played.window.press(Key::Enter);
    played.window.until(|window| window.sees("Move the camera or what it sees"));
    played.until_begun();
    let frames = {
        let jobs = played.jobs.lock().unwrap();
        let PicturesFrom::Live(frames) = &jobs[0].pictures else { panic!("{:?}", jobs[0].pictures) };
        frames.clone()
    };
    played.window.publish(frame(2, pipeline::Mode::Compare));
    assert_eq!(frames.recv_timeout(CLOSES_WITHIN).unwrap().dimensions(), (320, 240));
    played.send(Next::Tell(Progress::Calibrating { done: 5, of: 128 }));
    played.window.until(|window| window.sees("Progress: 5 of 128"));
    played.window.click("These are enough");
    assert!(frames.recv_timeout(CLOSES_WITHIN).is_err(), "there are no more");
    played.window.press(Key::Space);
    played.window.until(|window| window.sees("The live view is paused, so no frames come"));
}

#[test]
fn the_window_closes_within_a_second_whatever_the_engine_does() {
    let mut played = Played::started(Setup::default());
    played.send(Next::Tell(trying(0)));
    played.window.until(|window| window.sees("Progress: 1 of 8"));
    played.send(Next::Busy(Duration::from_secs(4)));
    std::thread::sleep(Duration::from_millis(50));
    let asked = Instant::now();
    drop(played.window);
    assert!(asked.elapsed() < CLOSES_WITHIN, "{:?}", asked.elapsed());
}

#[test]
fn two_that_measure_do_not_run_at_once() {
    let mut played = Played::started(Setup::default());
    played.send(Next::Tell(Progress::Preparing));
    played.window.until(|window| window.sees("Read and try the model: under way"));
    played.window.press(Key::E);
    played.window.click("Start evaluation");
    assert!(played.window.sees("A model is being quantized, which would disturb this."));
    assert!(!played.window.sees("Cancel the evaluation"));
}

#[test]
fn the_default_model_is_quantized_with_pictures_of_the_scene() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["scene.onnx", "scene.toml"] {
        std::fs::copy(common::default_model(name), folder.path().join(name)).unwrap();
    }
    let wishes = QuantizeSettings { pictures: 12, ..QuantizeSettings::default() };
    let settings = Settings { welcome_dismissed: true, compare: false, quantize: wishes, ..Settings::default() };
    let mut window = Window::running(Setup { settings: Some(settings), ..Setup::default() });
    let path = folder.path().join("scene.onnx");
    window.tell(Event::ModelLoaded { lane: LaneId::A, info: model(path.to_str().unwrap(), Precision::Fp32) });
    window.press(Key::Q);
    window.until(|window| window.sees("scene.int8.onnx"));
    window.commands();
    window.press(Key::Enter);
    window.until_within(QUANTIZES_WITHIN, |window| window.sees("Saved as") || window.sees("Nothing is saved"));
    assert!(window.sees("Saved as"), "it does not pass");
    let twin = folder.path().join("scene.int8.onnx");
    assert!(std::fs::metadata(&twin).unwrap().len() < std::fs::metadata(&path).unwrap().len());
    let commands = window.commands();
    let loads = format!("LoadModel {{ lane: B, path: {twin:?}");
    assert!(commands.iter().any(|command| command.starts_with(&loads)), "{commands:?}");
    assert!(commands.contains(&"SetMode(Compare)".to_owned()), "{commands:?}");
    assert!(!commands.iter().any(|command| command.starts_with("LoadModel { lane: A")), "A has it already");
}
