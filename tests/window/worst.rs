//! Holding the worst: the strip of frames on which the models disagreed most.

use crate::support::{Setup, Window, frame, text};
use eframe::egui::Key;
use egui_kittest::kittest::Queryable;
use quantscope::app::{DialogKind, Picked, Settings};
use quantscope::pipeline::{Command, Event, LaneId, Mode, WorstFrame, WorstFrames};
use std::sync::Arc;

fn on() -> Setup {
    let settings = Settings { welcome_dismissed: true, worst_strip: true, ..Settings::default() };
    Setup { settings: Some(settings), ..Setup::default() }
}

/// What the pipeline keeps: these frames, each as bad as its number.
fn keep(window: &mut Window, round: u64, ids: &[u64]) {
    let worst = |id: &u64| WorstFrame { disagreement: *id as f32, result: Arc::new(frame(*id, Mode::Compare)) };
    window.peer.worst.publish(Arc::new(WorstFrames { round, frames: ids.iter().map(worst).collect() }));
    window.harness.run();
}

/// Which frame is drawn.
fn drawn(window: &Window) -> u64 {
    let ids = 0..1000;
    ids.into_iter().find(|id| window.sees(&format!("Picture street, frame {id},"))).expect("a frame is drawn")
}

#[test]
fn the_strip_is_opened_and_closed_and_that_is_kept() {
    let mut window = Window::running(Setup::default());
    assert!(!window.sees("No disagreement yet"));
    window.press(Key::W);
    assert_eq!(window.commands(), [text(Command::KeepWorst(true))]);
    assert!(window.sees("No disagreement yet. The ten frames on which the two models disagree most are kept here."));
    window.click("Close the worst frames");
    assert_eq!(window.commands(), [text(Command::KeepWorst(false))]);
    assert!(!window.sees("No disagreement yet"));
    window.harness.get_by_label("Hold the worst frames").scroll_to_me();
    window.harness.run();
    window.click("Hold the worst frames");
    assert!(window.sees("No disagreement yet"));
    assert!(window.saved().worst_strip);
    assert!(Window::open(on()).commands().contains(&text(Command::KeepWorst(true))), "also at the next start");
}

#[test]
fn an_empty_strip_says_what_is_missing() {
    let mut window = Window::running(on());
    window.press(Key::C);
    assert!(window.sees("Turn on Compare: the frames on which"));
    window.tell(Event::ModelUnloaded(LaneId::B));
    assert!(window.sees("Open two models: the frames on which"));
}

#[test]
fn a_frame_is_held_gone_through_and_left_for_the_live_view() {
    let mut window = Window::running(on());
    keep(&mut window, 0, &[500, 400, 300]);
    assert!(window.sees("3 of 10, by disagreement"));
    window.publish(frame(600, Mode::Compare));
    assert_eq!(drawn(&window), 600);
    window.click("Worst 2: frame 400, disagreement 400.00");
    assert_eq!(drawn(&window), 400);
    assert!(window.sees("Held: frame 400, disagreement 400.00"));
    assert_eq!(window.commands(), Vec::<String>::new(), "the pipeline goes on");
    window.publish(frame(601, Mode::Compare));
    keep(&mut window, 0, &[601, 500, 450]);
    assert_eq!(drawn(&window), 400, "and the picture stays");
    assert!(window.sees("Worst 3: frame 300"), "and so does the strip");
    window.press(Key::ArrowRight);
    assert_eq!(drawn(&window), 300);
    window.press(Key::ArrowRight);
    window.press(Key::ArrowLeft);
    window.press(Key::ArrowLeft);
    assert_eq!(drawn(&window), 500);
    for _ in 0..3 {
        window.press(Key::V);
        assert_eq!(drawn(&window), 500, "in every view of two models");
    }
    window.press(Key::F);
    assert!(window.sees("Held: frame 500") && !window.sees("Worst 1"), "also with the picture alone");
    window.press(Key::F);
    window.press(Key::Escape);
    assert_eq!(drawn(&window), 601);
    assert!(window.sees("Worst 1: frame 601") && !window.sees("Held:"));
    window.click("Worst 1: frame 601, disagreement 601.00");
    window.click("Back to live (Esc)");
    assert!(!window.sees("Held:"));
    window.click("Worst 3: frame 450, disagreement 450.00");
    window.click("Worst 3: frame 450, disagreement 450.00");
    assert_eq!(drawn(&window), 601, "a second click leads back, too");
}

#[test]
fn what_is_forgotten_is_not_held_any_more() {
    let mut window = Window::running(on());
    keep(&mut window, 0, &[500]);
    window.click("Worst 1: frame 500, disagreement 500.00");
    keep(&mut window, 1, &[]);
    assert_eq!(drawn(&window), 1);
    assert!(window.sees("No disagreement yet"));
    keep(&mut window, 1, &[500]);
    window.click("Clear the worst frames");
    assert_eq!(window.commands(), [text(Command::ForgetWorst)]);
    window.click("Worst 1: frame 500, disagreement 500.00");
    window.press(Key::T);
    assert_eq!(drawn(&window), 1, "one model alone was asked for");
}

#[test]
fn a_snapshot_is_of_the_frame_that_is_held() {
    let mut window = Window::running(on());
    keep(&mut window, 0, &[500]);
    window.click("Worst 1: frame 500, disagreement 500.00");
    window.press(Key::S);
    window.background();
    assert!(window.sees("street-000500.png"));
}

#[test]
fn the_frames_are_saved_into_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = Window::running(Setup { picked: Picked::Path(folder.path().to_owned()), ..on() });
    keep(&mut window, 0, &[500, 400]);
    window.click("Save the worst frames");
    window.until(|window| window.sees("Saved the worst frames"));
    assert_eq!(*window.asked.lock().unwrap(), [DialogKind::WorstFolder]);
    let made = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let mut names: Vec<String> =
        std::fs::read_dir(&made).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let pictures = ["01-frame-000500", "02-frame-000400"];
    let expected: Vec<String> =
        pictures.iter().flat_map(|stem| [format!("{stem}-boxes.png"), format!("{stem}.png")]).collect();
    assert_eq!(names, [expected, vec!["worst.jsonl".to_owned()]].concat());
    assert_eq!(std::fs::read_to_string(made.join("worst.jsonl")).unwrap().lines().count(), 2);
}

#[test]
fn the_strip_leaves_room_for_the_picture_in_a_small_window() {
    for size in [[720.0, 480.0], [900.0, 600.0]] {
        let mut window = Window::running(Setup { size, ..on() });
        keep(&mut window, 0, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
        let rect = window.harness.get_by_label("Worst 1: frame 10, disagreement 10.00").rect();
        assert!(rect.max.y <= size[1] && rect.height() > 40.0, "{rect:?} in {size:?}");
        let picture = window.harness.get_by_label_contains("Picture street").rect();
        assert!(picture.height() > 150.0 && picture.max.y <= rect.min.y, "{picture:?} in {size:?}");
        for name in ["Clear the worst frames", "Save the worst frames", "Close the worst frames"] {
            let rect = window.harness.get_by_label(name).rect();
            assert!(rect.max.x <= size[0] && rect.is_positive(), "{name}: {rect:?} in {size:?}");
        }
    }
}
