//! Every control gives the command it promises.

use crate::support::{Setup, Window, frame, source_opened, text};
use eframe::egui::Key;
use egui_kittest::kittest::Queryable;
use quantscope::app::{CompareLayout, DialogKind, Picked, Settings, ThemeChoice, TwinChoice, TwinRole};
use quantscope::capture::SourceKind;
use quantscope::inference::Thresholds;
use quantscope::pipeline::{Command, LaneId, Mode};
use std::time::Duration;

#[test]
fn buttons_of_the_bar_give_their_commands() {
    let mut window = Window::running(Setup::default());
    let single = |lane| text(Command::SetMode(Mode::Single(lane)));
    let table = [
        ("Pause", text(Command::SetPaused(true))),
        ("Resume", text(Command::SetPaused(false))),
        ("Compare", single(LaneId::A)),
        ("Show B INT8", single(LaneId::B)),
        ("Show A FP32", single(LaneId::A)),
        ("Compare", text(Command::SetMode(Mode::Compare))),
        ("Close model B", text(Command::UnloadModel(LaneId::B))),
    ];
    for (name, command) in table {
        window.click(name);
        assert_eq!(window.commands(), [command], "{name}");
    }
}

#[test]
fn shortcuts_give_the_same_commands() {
    let mut window = Window::running(Setup::default());
    let single = |lane| text(Command::SetMode(Mode::Single(lane)));
    let compare = text(Command::SetMode(Mode::Compare));
    let table = [
        (Key::Space, text(Command::SetPaused(true))),
        (Key::Space, text(Command::SetPaused(false))),
        (Key::T, single(LaneId::B)),
        (Key::T, single(LaneId::A)),
        (Key::C, compare.clone()),
        (Key::C, single(LaneId::A)),
        (Key::V, compare),
    ];
    for (key, command) in table {
        window.press(key);
        assert_eq!(window.commands(), [command], "{key:?}");
    }
    assert_eq!(window.saved().layout, CompareLayout::Divider);
}

#[test]
fn shortcuts_that_open_something() {
    let mut window = Window::running(Setup::default());
    window.press(Key::F1);
    assert!(window.sees("Toggle between model A and model B"));
    window.press(Key::F1);
    assert!(!window.sees("Toggle between model A and model B"));
    window.press(Key::O);
    window.background();
    assert_eq!(*window.asked.lock().unwrap(), [DialogKind::Model(LaneId::A)]);
    window.press(Key::F);
    assert!(window.harness.query_by_label("Pause").is_none());
    window.press(Key::F);
    window.harness.get_by_label("Pause");
    window.press(Key::S);
    window.background();
    assert!(window.sees("Saved"));
    let saved: Vec<_> = std::fs::read_dir(window.path("pictures")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(saved.len(), 2, "{saved:?}");
    assert!(saved.iter().any(|path| image::open(path).is_ok_and(|picture| picture.width() == 640)));
}

#[test]
fn no_shortcut_works_while_a_text_is_typed() {
    let mut window = Window::running(Setup::default());
    window.click("Source");
    let field = window.harness.get_by_label("Stream address");
    field.focus();
    window.harness.run();
    window.harness.get_by_label("Stream address").type_text("rtsp://t c");
    for key in [Key::T, Key::C, Key::Space, Key::V, Key::S, Key::F] {
        window.press(key);
    }
    assert_eq!(window.commands(), [] as [String; 0]);
    window.click("Open stream");
    let commands = window.commands();
    assert!(commands[0].starts_with("OpenSource(Url(\"rtsp://t c\")"), "{commands:?}");
}

#[test]
fn the_source_menu_opens_sources() {
    let mut window = Window::running(Setup::default());
    for (name, command) in [("Demo scene", "OpenSource(Demo"), ("Front camera (camera 0)", "OpenSource(Camera(0)")] {
        window.click("Source");
        window.click(name);
        let commands = window.commands();
        assert!(commands.len() == 1 && commands[0].starts_with(command), "{commands:?}");
    }
    for (name, kind) in [("Open file…", DialogKind::SourceFile), ("Open folder…", DialogKind::SourceFolder)] {
        window.click("Source");
        window.click(name);
        window.background();
        assert_eq!(window.asked.lock().unwrap().pop(), Some(kind));
    }
    window.click("Source");
    window.click("Look again");
    window.background();
    assert_eq!(window.commands(), [] as [String; 0]);
}

#[test]
fn the_camera_is_opened_again_with_the_format_that_was_chosen() {
    let mut window = Window::running(Setup::default());
    window.tell(source_opened(SourceKind::Camera));
    for (list, choice, part) in [
        ("Camera size: Automatic", "1280x720", "camera_size: Some(ImageSize { width: 1280, height: 720 })"),
        ("Camera format: Automatic", "MJPG", "camera_format: Some(\"MJPG\")"),
        ("Camera rate: Automatic", "15", "camera_rate: Some(15.0)"),
    ] {
        if window.harness.query_by_label("Demo scene").is_none() {
            window.click("Source");
        }
        window.click(list);
        window.click(choice);
        let commands = window.commands();
        assert!(commands.len() == 1 && commands[0].starts_with("OpenSource(Camera(0)"), "{commands:?}");
        assert!(commands[0].contains(part), "{commands:?}");
    }
}

#[test]
fn a_model_and_its_twin_go_to_their_lanes() {
    let load = |lane, path: &str| text(Command::LoadModel { lane, path: path.into(), overrides: Default::default() });
    let twin = |path: &str, role| Some(TwinChoice { path: path.into(), role });
    let table = [
        ("Open model A", "/x.onnx", None, vec![load(LaneId::A, "/x.onnx")]),
        ("Open model B", "/x.onnx", None, vec![load(LaneId::B, "/x.onnx")]),
        (
            "Open model A",
            "/x.onnx",
            twin("/x.int8.onnx", TwinRole::Quantized),
            vec![load(LaneId::A, "/x.onnx"), load(LaneId::B, "/x.int8.onnx")],
        ),
        (
            "Open model A",
            "/x.int8.onnx",
            twin("/x.onnx", TwinRole::FullPrecision),
            vec![load(LaneId::A, "/x.onnx"), load(LaneId::B, "/x.int8.onnx")],
        ),
    ];
    for (button, path, twin, commands) in table {
        let mut window = Window::running(Setup { picked: Picked::Path(path.into()), twin, ..Setup::default() });
        window.click(button);
        // First the dialog, then the search for the twin; neither holds up the window.
        window.background();
        window.background();
        assert_eq!(window.commands(), commands);
    }
}

#[test]
fn twins_stay_apart_when_they_are_to() {
    let settings = Settings { pair_twins: false, welcome_dismissed: true, ..Settings::default() };
    let twin = Some(TwinChoice { path: "/x.int8.onnx".into(), role: TwinRole::Quantized });
    let picked = Picked::Path("/x.onnx".into());
    let mut window = Window::running(Setup { settings: Some(settings), picked, twin, ..Setup::default() });
    window.click("Open model B");
    window.background();
    assert_eq!(
        window.commands(),
        [text(Command::LoadModel { lane: LaneId::B, path: "/x.onnx".into(), overrides: Default::default() })]
    );
}

#[test]
fn without_a_dialog_a_path_can_be_typed() {
    let mut window = Window::running(Setup { picked: Picked::Unavailable, ..Setup::default() });
    window.click("Source");
    window.click("Open file…");
    window.background();
    assert!(window.sees("zenity"));
    window.harness.get_by_label("Path").focus();
    window.harness.run();
    window.harness.get_by_label("Path").type_text("/videos/a.mp4");
    window.harness.run();
    window.click("Open this path");
    let commands = window.commands();
    assert!(commands[0].starts_with("OpenSource(Path(\"/videos/a.mp4\")"), "{commands:?}");
    assert!(!window.sees("zenity"));
}

#[test]
fn sliders_give_thresholds() {
    let mut window = Window::running(Setup::default());
    let slider = eframe::egui::accesskit::Role::Slider;
    window.harness.get_by_role_and_label(slider, "Confidence").set_value_accesskit(0.5);
    window.harness.run();
    let thresholds = Thresholds { confidence: 0.5, ..Thresholds::default() };
    assert_eq!(window.commands(), [text(Command::SetThresholds(thresholds))]);
    window.harness.get_by_role_and_label(slider, "Overlap (IoU)").set_value_accesskit(0.75);
    window.harness.run();
    let thresholds = Thresholds { confidence: 0.5, iou: 0.75 };
    assert_eq!(window.commands(), [text(Command::SetThresholds(thresholds))]);
    assert_eq!(window.saved().thresholds, thresholds);
}

#[test]
fn classes_can_be_searched_and_hidden() {
    let mut window = Window::running(Setup::default());
    assert!(window.sees("stop, A 0.90, B 0.80"));
    assert!(window.sees("yield, A 0.60"));
    window.click("Classes: all 3");
    window.harness.get_by_label("yield").click();
    window.harness.run();
    assert!(!window.sees("yield, A 0.60"));
    window.harness.get_by_label("Search classes").focus();
    window.harness.run();
    window.harness.get_by_label("Search classes").type_text("ROUND");
    window.harness.run();
    assert!(window.harness.query_by_label("stop").is_none());
    window.click("Hide listed");
    window.click("Show all");
    assert!(window.sees("yield, A 0.60"));
    window.click("Hide listed");
    assert_eq!(window.commands(), [] as [String; 0], "classes are a matter of the view alone");
    assert_eq!(window.saved().hidden_classes.into_iter().collect::<Vec<_>>(), ["roundabout"]);
}

#[test]
fn the_transport_row_steers_videos() {
    let mut window = Window::running(Setup::default());
    assert!(window.harness.query_by_label("Position").is_none(), "the demo scene has no transport row");
    window.tell(source_opened(SourceKind::Video));
    window.publish(frame(2, Mode::Compare));
    for (name, command) in [
        ("Pause video", Command::SetPaused(true)),
        ("Step", Command::Step),
        ("Play video", Command::SetPaused(false)),
        ("Loop", Command::SetLooping(false)),
    ] {
        window.click(name);
        assert_eq!(window.commands(), [text(command)], "{name}");
    }
    window.harness.get_by_label("Position").set_value_accesskit(50.0);
    window.harness.run();
    assert_eq!(window.commands(), [text(Command::Seek(Duration::from_secs(50)))]);
    window.click("Speed");
    window.click("2×");
    assert_eq!(window.commands(), [text(Command::SetSpeed(2.0))]);
    window.click("Step");
    assert_eq!(window.commands(), [text(Command::SetPaused(true)), text(Command::Step)]);
}

#[test]
fn the_settings_menu() {
    let mut window = Window::running(Setup::default());
    window.click("Settings");
    window.click("Light");
    assert_eq!(window.harness.ctx.theme(), eframe::egui::Theme::Light);
    for (name, commands) in [
        ("Reset figures", vec![text(Command::ResetStatistics)]),
        (
            "Default models",
            vec![
                text(Command::LoadModel {
                    lane: LaneId::A,
                    path: "/models/a.onnx".into(),
                    overrides: Default::default(),
                }),
                text(Command::LoadModel {
                    lane: LaneId::B,
                    path: "/models/a.int8.onnx".into(),
                    overrides: Default::default(),
                }),
            ],
        ),
    ] {
        if window.harness.query_by_label(name).is_none() {
            window.click("Settings");
        }
        window.click(name);
        assert_eq!(window.commands(), commands, "{name}");
    }
    window.click("Settings");
    let number = eframe::egui::accesskit::Role::SpinButton;
    window.harness.get_by_role_and_label(number, "Threads for each model").focus();
    window.harness.run();
    window.press(Key::Tab);
    assert_eq!(window.commands(), [""; 0], "only another number loads the models again");
    window.click("Open twins together");
    window.click("Settings");
    window.click("Accelerate quantized models");
    assert_eq!(window.commands(), [text(Command::SetAccelerate(false))]);
    let saved = window.saved();
    assert!(!saved.accelerate);
    assert_eq!(saved.theme, ThemeChoice::Light);
    assert!(!saved.pair_twins);
}

#[test]
fn the_view_of_two_models_is_chosen_and_the_divider_moved() {
    let mut window = Window::running(Setup::default());
    for (choice, layout) in [("Overlay", CompareLayout::Overlay), ("Divider", CompareLayout::Divider)] {
        window.click("View");
        window.click(choice);
        window.harness.run();
        assert!(window.sees("Picture street, frame 1, A: 2 boxes, B: 1 boxes"), "{layout:?}");
    }
    let slider = eframe::egui::accesskit::Role::Slider;
    let divider = window.harness.get_by_role_and_label(slider, "Divider").rect();
    window.harness.drag_at(divider.center());
    window.harness.run();
    window.harness.hover_at(divider.center() + eframe::egui::vec2(60.0, 0.0));
    window.harness.run();
    window.harness.drop_at(divider.center() + eframe::egui::vec2(60.0, 0.0));
    window.harness.run();
    assert_eq!(window.commands(), [] as [String; 0]);
    let saved = window.saved();
    assert_eq!(saved.layout, CompareLayout::Divider);
    assert!(saved.divider > 0.52, "{}", saved.divider);
}

#[test]
fn files_dropped_onto_the_window_are_opened() {
    let mut window = Window::running(Setup::default());
    let mut drop = |path: &str| {
        window.drop_file(path);
        if path.ends_with("NX") {
            window.background();
        }
        window.commands()
    };
    let commands = drop("/videos/street.mp4");
    assert!(commands[0].starts_with("OpenSource(Path(\"/videos/street.mp4\")"), "{commands:?}");
    assert_eq!(
        drop("/x.ONNX"),
        [text(Command::LoadModel { lane: LaneId::A, path: "/x.ONNX".into(), overrides: Default::default() })]
    );
}
