//! What the pipeline tells is seen, and nothing is drawn that it did not tell.

use crate::support::{Setup, Window, frame, source_opened, text};
use egui_kittest::kittest::Queryable;
use quantscope::capture::{SourceKind, SourceSpec};
use quantscope::pipeline::{Command, Event, LaneId, LoadStage, Mode};
use std::time::Duration;

#[test]
fn figures_and_verdict_are_told_in_words() {
    let window = Window::running(Setup::default());
    for said in [
        "Verdict: INT8 is 1.8× faster, 3.4× smaller, agrees on 97 % of boxes",
        "Precision: A FP32, B INT8",
        "File size: A 3.4 MB, B 1.0 MB",
        "Threads: A 1, B 1",
        "Provider: A CPU, B CPU",
        "Inference FPS: A 29.5, B 29.5",
        "Latency: A 18.0 / 21.6, B 10.0 / 12.0",
        "AP50: A 0.875, B 0.875",
        "Recall: A 0.750, B 0.750",
        "F1 at IoU 0.5: 0.970",
        "Mean IoU: 0.940",
        "Score change: ±0.020",
        "Compared frames: 250 of 300",
        "Capture FPS: 30.0",
        "Dropped frames: 7 of 1 234",
        "CPU: 150 %",
        "Memory: 400 MB",
    ] {
        assert!(window.sees(said), "{said}");
    }
}

#[test]
fn exactly_the_newest_result_is_drawn_and_each_frame_is_uploaded_once() {
    let mut window = Window::running(Setup::default());
    assert_eq!(window.harness.state().picture_uploads(), 1);
    for _ in 0..5 {
        window.harness.run();
    }
    assert_eq!(window.harness.state().picture_uploads(), 1);
    window.peer.results.publish(frame(2, Mode::Compare).into());
    window.peer.results.publish(frame(3, Mode::Single(LaneId::B)).into());
    window.harness.run();
    assert!(window.sees("Picture street, frame 3, B: 1 boxes"));
    assert_eq!(window.harness.state().picture_uploads(), 2);
}

#[test]
fn with_nothing_new_the_window_is_not_drawn_again() {
    let mut window = Window::running(Setup::default());
    window.click("Pause");
    // Changed settings are saved after a while; after that nothing is due.
    std::thread::sleep(Duration::from_millis(2100));
    window.harness.run();
    window.harness.run();
    let output = &window.harness.output().viewport_output[&eframe::egui::ViewportId::ROOT];
    assert_eq!(output.repaint_delay, Duration::MAX);
}

#[test]
fn a_model_that_fails_leaves_the_running_one_and_shows_why() {
    let mut window = Window::running(Setup::default());
    let path: std::path::PathBuf = "/models/broken.onnx".into();
    let stages = [
        (LoadStage::Reading, "Reading broken.onnx"),
        (LoadStage::Trying, "Trying out broken.onnx"),
        (LoadStage::Building, "Preparing broken.onnx"),
        (LoadStage::WarmingUp, "Warming up broken.onnx"),
    ];
    for (stage, said) in stages {
        window.tell(Event::ModelLoading { lane: LaneId::B, path: path.clone(), stage });
        assert!(window.sees(said), "{said}");
    }
    let message = "it ends in the middle of node 12. Copy it again".to_owned();
    window.tell(Event::ModelFailed { lane: LaneId::B, path, message });
    assert!(window.sees("broken.onnx: it ends in the middle of node 12. Copy it again"));
    assert!(window.sees("a.int8.onnx (last load failed)"));
    assert!(window.sees("Precision: A FP32, B INT8"));
    window.publish(frame(2, Mode::Compare));
    assert!(window.sees("frame 2, A: 2 boxes, B: 1 boxes"));
    window.click("Dismiss: broken.onnx: it ends in the middle of node 12. Copy it again");
    assert!(!window.sees("broken.onnx: it ends"));
    window.click("Messages");
    assert!(window.sees("broken.onnx: it ends"));
    window.click("Clear messages");
    assert!(window.sees("Nothing has been told since the start."));
}

#[test]
fn a_model_that_was_unloaded_leaves_its_slot_empty() {
    let mut window = Window::running(Setup::default());
    window.tell(Event::ModelUnloaded(LaneId::B));
    assert!(window.sees("no model"));
    assert!(window.sees("Verdict: Open two models to compare them."));
    assert!(window.harness.query_by_label("Close model B").is_none());
    assert_eq!(window.saved().model_b, None);
}

#[test]
fn a_source_that_breaks_off_keeps_its_last_frame_and_recovers() {
    let mut window = Window::running(Setup::default());
    let message = "The camera was unplugged. Plug it in again".to_owned();
    window.tell(Event::SourceFailed { spec: SourceSpec::Demo, message: message.clone(), retries: false });
    assert!(window.sees("The source broke off"));
    assert!(window.sees(&message));
    assert!(window.sees("Picture street, frame 1"));
    window.click("Try again");
    let commands = window.commands();
    assert!(commands[0].starts_with("OpenSource(Demo"), "{commands:?}");
    window.tell(Event::SourceFailed { spec: SourceSpec::Demo, message, retries: false });
    window.publish(frame(2, Mode::Compare));
    assert!(!window.sees("The source broke off"));
}

#[test]
fn a_source_that_does_not_open_leaves_the_running_one() {
    let mut window = Window::running(Setup::default());
    window.click("Source");
    window.click("Front camera (camera 0)");
    window.commands();
    let message = "Camera 0 is used by another program".to_owned();
    window.tell(Event::SourceFailed { spec: SourceSpec::Camera(0), message: message.clone(), retries: false });
    assert!(window.sees(&message));
    assert!(!window.sees("The source broke off"));
    window.publish(frame(2, Mode::Compare));
    assert!(window.sees(&message), "an error stays until it is dismissed");
    window.click(&format!("Dismiss: {message}"));
    assert!(!window.sees(&message));
}

#[test]
fn the_empty_states_offer_a_way_on() {
    let mut window = Window::open(Setup::default());
    assert!(window.sees("Opening demo"));
    let message = "It is not there".to_owned();
    window.tell(Event::SourceFailed { spec: SourceSpec::Demo, message, retries: false });
    assert!(window.sees("The source did not open"));
    window.commands();
    window.click("Show the demo scene");
    assert!(window.commands()[0].starts_with("OpenSource(Demo"));
    window.tell(source_opened(SourceKind::Demo));
    window.publish(frame(1, Mode::Compare));
    assert!(window.sees("No model is loaded"));
    window.click("Take the default models");
    assert_eq!(window.commands().len(), 2);
    window.load_models();
    assert!(!window.sees("No model is loaded"));
}

#[test]
fn the_end_of_a_video_offers_to_play_it_again() {
    let mut window = Window::running(Setup::default());
    window.tell(source_opened(SourceKind::Video));
    window.tell(Event::SourceEnded);
    assert!(window.sees("This is the end"));
    window.click("Play from the start");
    assert_eq!(window.commands(), [text(Command::Seek(Duration::ZERO))]);
    assert!(!window.sees("This is the end"));
}

#[test]
fn warnings_are_told() {
    let mut window = Window::running(Setup::default());
    window.tell(Event::Warning("coco.names has 79 lines, the model 80 classes".to_owned()));
    assert!(window.sees("coco.names has 79 lines"));
}

#[test]
fn a_pipeline_that_is_gone_is_told_not_a_panic() {
    let mut window = Window::running(Setup::default());
    let (_, other) = quantscope::pipeline::Link::pair();
    drop(std::mem::replace(&mut window.peer, other));
    window.click("Pause");
    assert!(window.sees("The pipeline does not answer"));
}
