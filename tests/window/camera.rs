//! The camera: its controls, its figures, and what is said when it is in trouble.

use crate::support::{Setup, Window, frame, source_opened, statistics, text};
use eframe::egui::Key;
use eframe::egui::accesskit::Role;
use egui_kittest::kittest::{NodeT, Queryable};
use quantscope::app::Settings;
use quantscope::capture::{
    CameraControl, CameraLosses, CaptureError, ControlAccess, ControlGroup, ControlKind, ControlMemory, ControlSetting,
    SourceKind, SourceSpec,
};
use quantscope::pipeline::{Command, Event, Mode};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn control(id: u32, name: &str, group: ControlGroup, kind: ControlKind, value: i64) -> CameraControl {
    CameraControl { id, name: name.to_owned(), group, kind, default: value, value, access: ControlAccess::Free }
}

fn controls() -> Vec<CameraControl> {
    let modes = ControlKind::Menu(vec![(1, "Manual Mode".to_owned()), (3, "Aperture Priority Mode".to_owned())]);
    let number = |min, max| ControlKind::Number { min, max, step: 1 };
    let mut exposure = control(2, "Exposure Time", ControlGroup::Light, number(3, 2047), 250);
    exposure.access = ControlAccess::Automatic;
    vec![
        control(1, "Auto Exposure", ControlGroup::Light, modes, 3),
        exposure,
        control(3, "White Balance, Automatic", ControlGroup::Light, ControlKind::Switch, 1),
        control(4, "Brightness", ControlGroup::Picture, number(-64, 64), 0),
        control(5, "Zoom", ControlGroup::Other, number(100, 500), 100),
    ]
}

/// A window on a camera, its controls open.
fn with_controls(setup: Setup) -> Window {
    let mut window = Window::running(setup);
    window.tell(source_opened(SourceKind::Camera));
    window.click("Source");
    window.click("Camera controls…");
    assert!(window.sees("Asking the camera…"));
    window.tell(Event::CameraControls(controls().into()));
    window.commands();
    window
}

fn set(id: u32, value: i64) -> String {
    text(Command::SetCameraControl(ControlSetting { id, value }))
}

#[test]
fn every_control_is_shown_with_its_value_and_what_cannot_be_set_is_dimmed() {
    let window = with_controls(Setup::default());
    assert!(window.sees("A title. What is set here is remembered for it."));
    for free in ["White Balance, Automatic", "Brightness"] {
        let nodes: Vec<_> = window.harness.query_all_by_label(free).collect();
        assert!(nodes.iter().all(|node| !node.accesskit_node().is_disabled()), "{free}");
    }
    let exposure: Vec<_> = window.harness.query_all_by_label("Exposure Time").collect();
    assert!(exposure.iter().any(|node| node.accesskit_node().is_disabled()), "the camera sets it by itself");
    // What nobody needs is folded away.
    assert!(window.sees("More") && !window.sees("Zoom"));
}

fn click_switch(window: &mut Window) {
    window.harness.get_by_role_and_label(Role::CheckBox, "White Balance, Automatic").click();
    window.harness.run();
}

#[test]
fn a_change_is_made_at_once_and_remembered_for_the_camera() {
    let mut window = with_controls(Setup::default());
    click_switch(&mut window);
    assert_eq!(window.commands(), [set(3, 0)]);
    // What the camera made of it is what is shown: it refused.
    window.tell(Event::CameraControls(controls().into()));
    click_switch(&mut window);
    assert_eq!(window.commands(), [set(3, 0)]);
    let remembered = ControlMemory::from([("A title".to_owned(), vec![ControlSetting { id: 3, value: 0 }])]);
    assert_eq!(window.saved().camera_controls, remembered);
}

#[test]
fn what_was_remembered_goes_with_the_source_and_is_forgotten_by_a_reset() {
    let memory = ControlMemory::from([
        ("A title".to_owned(), vec![ControlSetting { id: 4, value: 9 }]),
        ("Another camera".to_owned(), vec![ControlSetting { id: 4, value: -9 }]),
    ]);
    let settings = Settings { welcome_dismissed: true, camera_controls: memory, ..Settings::default() };
    let mut window = with_controls(Setup { settings: Some(settings), ..Setup::default() });
    window.click("Reset to defaults");
    assert_eq!(window.commands(), [text(Command::ResetCameraControls)]);
    window.click("Source");
    window.click("Front camera (camera 0)");
    let commands = window.commands();
    assert!(commands[0].contains("Another camera") && !commands[0].contains("A title"), "{commands:?}");
    let left: Vec<String> = window.saved().camera_controls.into_keys().collect();
    assert_eq!(left, ["Another camera"]);
}

#[test]
fn the_controls_belong_to_the_camera_that_is_watched() {
    let mut window = with_controls(Setup::default());
    window.tell(source_opened(SourceKind::Demo));
    assert!(!window.sees("Camera controls"));
    window.click("Source");
    assert!(!window.sees("Camera controls…"), "a scene has none");
    window.press(Key::Escape);
    window.tell(source_opened(SourceKind::Camera));
    assert!(!window.sees("Reset to defaults"), "it was closed");
    window.click("Source");
    window.click("Camera controls…");
    window.tell(Event::CameraControls(Arc::new([])));
    assert!(window.sees("This camera has no controls that can be set here."));
}

#[test]
fn the_figures_of_a_camera_are_shown_for_cameras_only() {
    let mut window = Window::running(Setup::default());
    assert!(!window.sees("Driver drops") && !window.sees("Frame age"));
    window.tell(source_opened(SourceKind::Camera));
    let mut result = frame(2, Mode::Compare);
    let losses = CameraLosses { dropped: 1234, damaged: 5, reopened: 2 };
    let mut figures = statistics();
    figures.camera_losses = Some(losses);
    result.statistics = Arc::new(figures);
    result.frame.losses = Some(losses);
    result.frame.captured_at = Instant::now() - Duration::from_secs(3);
    // Frames of before are looked at for two seconds; these are the more.
    for id in 2..5 {
        result.id = quantscope::pipeline::FrameId(id);
        window.publish(result.clone());
    }
    for said in ["Driver drops: 1 234", "Damaged frames: 5", "Restarts: 2"] {
        assert!(window.sees(said), "{said}");
    }
    let age_is = |ms: i32| window.sees(&format!("Frame age: {ms} ms"));
    assert!((3000..4000).any(age_is), "that of the frames when they were drawn");
    window.tell(Event::SourceTroubled { spec: SourceSpec::Camera(0), message: "it is gone".to_owned() });
    assert!(window.sees("Frame age: –"), "nothing new comes");
}

/// The sentences of [`CaptureError`], as the pipeline passes them on.
#[test]
fn each_trouble_is_told_with_the_age_of_the_last_picture_and_passes() {
    let camera = || "Webcam (/dev/video0)".to_owned();
    let troubles = [
        (CaptureError::CameraBusy { camera: camera(), number: 0 }, "in use by another program"),
        (CaptureError::CameraForbidden { camera: camera() }, "no permission"),
        (CaptureError::CameraGone { camera: camera() }, "it is gone"),
        (
            CaptureError::CameraFrozen { camera: camera(), waited: Duration::from_secs(3) },
            "gives no pictures since 3 s",
        ),
        (CaptureError::CameraBandwidth { camera: camera() }, "no room"),
        (CaptureError::CameraDamaged { camera: camera(), reason: "they are empty".to_owned() }, "they are empty"),
    ];
    let mut window = Window::running(Setup::default());
    window.tell(source_opened(SourceKind::Camera));
    let mut id = 10;
    for (error, words) in troubles {
        let mut result = frame(id, Mode::Compare);
        result.frame.captured_at = Instant::now() - Duration::from_secs(7);
        window.publish(result);
        window.tell(Event::SourceTroubled { spec: SourceSpec::Camera(0), message: error.to_string() });
        assert!(window.sees("The camera gives no pictures"), "{words}");
        assert!(window.sees(words), "{words}");
        assert!(window.sees("It is tried again by itself."), "{words}");
        assert!(window.sees("The last picture is 7 s old.") || window.sees("The last picture is 8 s old."), "{words}");
        assert!(window.sees(&format!("Picture street, frame {id}")), "the last good frame stays");
        id += 1;
        window.publish(frame(id, Mode::Compare));
        assert!(!window.sees("The camera gives no pictures"), "{words}");
        id += 1;
    }
}

#[test]
fn a_camera_that_does_not_open_says_why_and_offers_what_else_there_is() {
    let mut window = Window::open(Setup::default());
    let error = CaptureError::CameraBusy { camera: "Webcam (/dev/video0)".to_owned(), number: 0 };
    window.tell(Event::SourceFailed { spec: SourceSpec::Camera(0), message: error.to_string(), retries: true });
    assert!(window.sees("The source did not open") && window.sees("in use by another program"));
    assert!(window.sees("It is tried again by itself"));
    assert!(window.sees("Try again") && window.sees("Show the demo scene"));
}
