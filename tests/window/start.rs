//! The first commands, and what survives a restart.

use crate::support::{Setup, Window, source_opened, text};
use egui_kittest::kittest::Queryable;
use quantscope::app::{DialogKind, Settings, StartOptions};
use quantscope::capture::{SourceKind, SourceSpec};
use quantscope::inference::Thresholds;
use quantscope::pipeline::{Command, LaneId, Mode};

fn load(lane: LaneId, path: &str) -> String {
    text(Command::LoadModel { lane, path: path.into(), overrides: Default::default() })
}

#[test]
fn the_first_start_shows_the_default_models_on_the_demo_scene() {
    let window = Window::open(Setup { settings: None, ..Setup::default() });
    let commands = window.commands();
    assert_eq!(commands[0], "MeasureThreads(SessionClock)", "no number was ever set");
    assert_eq!(commands[1], text(Command::SetThresholds(Thresholds::default())));
    assert_eq!(commands[2], text(Command::SetMode(Mode::Compare)));
    assert_eq!(commands[3], text(Command::SetAgreementWindow(300)));
    assert_eq!(commands[4..6], [load(LaneId::A, "/models/a.onnx"), load(LaneId::B, "/models/a.int8.onnx")]);
    assert!(commands[6].starts_with("OpenSource(Demo"), "{commands:?}");
    assert_eq!(commands.len(), 7);
}

#[test]
fn the_strip_of_the_first_start_offers_next_steps_and_does_not_come_back() {
    let setup = || Setup { settings: Some(Settings::default()), ..Setup::default() };
    let mut window = Window::running(setup());
    assert!(window.sees("You are watching the demo scene with the default models"));
    window.click("Dismiss the first steps");
    assert!(!window.sees("You are watching"));
    assert!(window.saved().welcome_dismissed);

    let mut window = Window::running(setup());
    window.click("Your camera (1 found)");
    assert!(window.commands()[0].starts_with("OpenSource(Camera(0)"));
    for (name, kind) in
        [("Video or pictures…", DialogKind::SourceFile), ("Your own model…", DialogKind::Model(LaneId::A))]
    {
        let mut window = Window::running(setup());
        window.click(name);
        window.background();
        assert_eq!(*window.asked.lock().unwrap(), [kind]);
        assert!(!window.sees("You are watching"));
    }
    let window = Window::running(Setup { cameras: Vec::new(), ..setup() });
    window.harness.get_by_label("Your camera (none found)");
}

#[test]
fn later_starts_return_to_what_was_open_last() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b, video] = ["a.onnx", "b.onnx", "street.mp4"].map(|name| folder.path().join(name));
    for path in [&a, &b, &video] {
        std::fs::write(path, "there").unwrap();
    }
    let settings = Settings {
        model_a: Some(a.clone()),
        model_b: Some(b.clone()),
        source: Some(SourceSpec::Path(video.clone())),
        compare: false,
        active: LaneId::B,
        threads: Some(1),
        looping: false,
        thresholds: Thresholds { confidence: 0.5, iou: 0.6 },
        ..Settings::default()
    };
    let window = Window::open(Setup { settings: Some(settings), ..Setup::default() });
    let commands = window.commands();
    let expected = [
        text(Command::SetThreads(1)),
        text(Command::SetThresholds(Thresholds { confidence: 0.5, iou: 0.6 })),
        text(Command::SetMode(Mode::Single(LaneId::B))),
        text(Command::SetAgreementWindow(300)),
        text(Command::LoadModel { lane: LaneId::A, path: a, overrides: Default::default() }),
        text(Command::LoadModel { lane: LaneId::B, path: b, overrides: Default::default() }),
    ];
    assert_eq!(commands[..6], expected);
    assert!(commands[6].starts_with(&format!("OpenSource(Path({video:?})")), "{commands:?}");
    assert!(commands[6].contains("looping: false"));
}

#[test]
fn what_is_gone_is_said_and_replaced_by_the_defaults() {
    let settings = Settings {
        model_a: Some("/gone/a.onnx".into()),
        source: Some(SourceSpec::Path("/gone/street.mp4".into())),
        ..Settings::default()
    };
    let mut window = Window::open(Setup { settings: Some(settings), ..Setup::default() });
    let commands = window.commands();
    assert!(commands.contains(&load(LaneId::A, "/models/a.onnx")));
    assert!(commands.iter().any(|command| command.starts_with("OpenSource(Demo")));
    window.harness.run();
    assert!(window.sees("/gone/a.onnx is no longer there"));
    assert!(window.sees("/gone/street.mp4 is no longer there"));
}

#[test]
fn the_command_line_comes_first() {
    let options = StartOptions {
        model_a: Some("/x.onnx".into()),
        model_b: Some("/y.onnx".into()),
        source: Some(SourceSpec::Camera(2)),
        confidence: Some(0.1),
        ..StartOptions::default()
    };
    let window = Window::open(Setup { options, ..Setup::default() });
    let commands = window.commands();
    assert!(commands.contains(&text(Command::SetThresholds(Thresholds { confidence: 0.1, ..Thresholds::default() }))));
    assert!(commands.contains(&load(LaneId::A, "/x.onnx")) && commands.contains(&load(LaneId::B, "/y.onnx")));
    assert!(commands.last().unwrap().starts_with("OpenSource(Camera(2)"), "{commands:?}");
}

#[test]
fn a_damaged_settings_file_does_not_stop_the_start() {
    let prepare = |folder: &std::path::Path| std::fs::write(folder.join("settings.toml"), "\u{0}[[[").unwrap();
    let mut window = Window::open(Setup { settings: None, prepare, ..Setup::default() });
    window.harness.run();
    assert!(window.sees("settings.damaged.toml"));
    assert!(window.path("config/settings.damaged.toml").exists());
    assert!(!window.commands().is_empty());
}

#[test]
fn what_was_opened_is_remembered() {
    let mut window = Window::running(Setup::default());
    window.tell(source_opened(SourceKind::Video));
    window.click("Show B INT8");
    let saved = window.saved();
    assert_eq!(saved.model_a, Some("/models/a.onnx".into()));
    assert_eq!(saved.model_b, Some("/models/a.int8.onnx".into()));
    assert_eq!(saved.source, Some(SourceSpec::Path("/videos/street.mp4".into())));
    assert_eq!((saved.compare, saved.active), (false, LaneId::B));
}
