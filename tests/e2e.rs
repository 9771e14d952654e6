//! The whole program, once through: started in a real window under Xvfb, driven by keys and a real file dialog, read by
//! its log (`-v`) and its pixels, and closed by the window manager.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper of a test stops it at the first surprise")]

mod common;
mod desktop;

use desktop::{Program, Screen, Setup};
use image::RgbImage;
use quantscope::imaging::class_color;
use std::path::Path;
use std::time::Duration;

/// From the request to close the window to the end of the process. Two seconds are wanted where there is nothing else to
/// do (the time is printed); these tests run beside others on small machines.
const LONGEST_STOP: Duration = Duration::from_secs(5);
/// Of one core, while paused.
const MOST_CPU_PAUSED: f64 = 0.01;
/// The red of errors in the dark theme.
const ERROR_RED: [u8; 3] = [255, 125, 118];

#[test]
fn the_program_is_watched_driven_and_closed() {
    let Some(screen) = Screen::start(1600, 1000, &["zenity"]) else { return };
    let other = screen.home().join("other.onnx");
    std::fs::copy(common::default_model("scene.onnx"), &other).unwrap();
    std::fs::copy(common::default_model("scene.toml"), other.with_extension("toml")).unwrap();
    let broken = screen.home().join("broken.onnx");
    let bytes = std::fs::read(&other).unwrap();
    std::fs::write(&broken, &bytes[..bytes.len() / 2]).unwrap();

    let mut program = Program::start(&screen, &Setup::default());
    boxes_come(&mut program);
    models_are_toggled_and_compared(&mut program);
    a_model_is_opened_in_the_dialog(&mut program, &other);
    a_broken_model_is_refused(&mut program, &broken);
    a_snapshot_is_saved(&mut program);
    program.resize(900, 600);
    program.shows("boxes and figures at 900x600", |shot| boxes_on(shot) && is_drawn_to_the_corner(shot));
    it_rests_while_paused(&mut program);
    it_ends(&mut program);
}

#[test]
fn closing_the_window_also_closes_an_open_dialog() {
    let Some(screen) = Screen::start(1600, 1000, &["zenity"]) else { return };
    let mut program = Program::start(&screen, &Setup::default());
    program.waits(&["first boxes"]);
    program.key("o");
    let dialog = program.until("the file dialog opens", |program| program.screen.window(["--class", "zenity"]));
    // A new window takes the keyboard a moment later; before that, the dialog would be what Alt+F4 closes.
    program.until("the file dialog has the keyboard", |program| program.screen.is_active(&dialog).then_some(()));
    it_ends(&mut program);
}

fn boxes_come(program: &mut Program<'_>) {
    let said = program.waits(&["first boxes", "ms after the start"]);
    println!("{said}; seen {:.2} s after the process was started", program.age().as_secs_f64());
    program.waits(&["on view: A FP32 scene.onnx", "B INT8 scene.int8.onnx"]);
    let first = program.shows("boxes", boxes_on);
    program.shows("another frame", |shot| *shot != first);
}

fn models_are_toggled_and_compared(program: &mut Program<'_>) {
    program.waits(&["model ready", "scene.qat.onnx"]);
    program.key_brings("t", &["on view: B INT8 scene.int8.onnx"], &["A FP32"]);
    program.key_brings("t", &["on view: B INT8 scene.qat.onnx"], &["A FP32"]);
    program.key_brings("t", &["on view: A FP32"], &["B INT8"]);
    program.shows("boxes of one model", boxes_on);
    program.key_brings("c", &["on view: A FP32", "B INT8"], &[]);
}

fn a_model_is_opened_in_the_dialog(program: &mut Program<'_>, path: &Path) {
    program.key("o");
    program.answer_dialog(path);
    let name = path.display().to_string();
    program.waits(&["model loaded: A FP32", &name]);
    program.waits(&["on view: A FP32 other.onnx", "B INT8 scene.qat.onnx"]);
}

fn a_broken_model_is_refused(program: &mut Program<'_>, path: &Path) {
    assert!(!has_an_error(&program.shot()), "there is an error already");
    program.key("o");
    program.answer_dialog(path);
    let before = program.log().len();
    let told = program.waits(&["told Error: ", "broken.onnx"]);
    println!("{told}");
    let shot = program.shows("the message", has_an_error);
    program.shows("the running model runs on", |newer| *newer != shot && boxes_on(newer));
    assert!(!program.log()[before..].contains("on view"), "the models on view changed\n{}", program.log());
}

fn a_snapshot_is_saved(program: &mut Program<'_>) {
    let line = program.key_brings("s", &["told Info: Saved "], &[]);
    let path = line.split("Saved ").nth(1).unwrap().split(" and its boxes").next().unwrap();
    assert!(image::open(path).is_ok() && Path::new(path).with_extension("json").is_file(), "{line}");
    assert!(Path::new(path).starts_with(program.screen.home()), "{line}");
}

fn it_rests_while_paused(program: &mut Program<'_>) {
    program.key_brings("space", &["paused"], &[]);
    program.rests();
    let share = program.cpu_share(Duration::from_secs(10));
    println!("paused: {:.2} % of a core", share * 100.0);
    assert!(share < MOST_CPU_PAUSED, "{share}");
    let paused = program.shot();
    program.key_brings("space", &["running"], &[]);
    program.shows("a newer frame", |shot| *shot != paused && boxes_on(shot));
}

fn it_ends(program: &mut Program<'_>) {
    let (status, time) = program.close();
    println!("closed within {:.2} s", time.as_secs_f64());
    assert_eq!(status.code(), Some(0), "{}", program.log());
    assert!(time < LONGEST_STOP, "{time:?}");
    let left = program.left_behind();
    assert!(left.is_empty(), "{left:?}");
    let log = program.log();
    assert!(!log.contains("left behind") && !log.contains("broke off") && !log.contains("panicked"), "{log}");
}

/// Whether lines in colours of classes are on the picture (and not only their small squares in the list).
fn boxes_on(shot: &RgbImage) -> bool {
    const CLASSES: u32 = 12;
    const LEAST: usize = 300;
    let colors: Vec<[u8; 3]> = (0..CLASSES).map(class_color).collect();
    // The list of boxes is left of the picture or right of it; its middle half belongs to the picture.
    let (left, right) = (shot.width() / 4, shot.width() / 2);
    let on_picture = shot.enumerate_pixels().filter(|(x, _, _)| (left..right).contains(x));
    on_picture.filter(|(_, _, pixel)| colors.contains(&pixel.0)).count() >= LEAST
}

/// Whether the lower right corner belongs to the window and is not the ground behind it.
fn is_drawn_to_the_corner(shot: &RgbImage) -> bool {
    shot.get_pixel(shot.width() - 3, shot.height() - 3).0 != [0, 0, 0]
}

fn near(pixel: [u8; 3], color: [u8; 3]) -> bool {
    pixel.iter().zip(color).all(|(a, b)| a.abs_diff(b) < 12)
}

/// Whether the word of an error stands over the picture.
fn has_an_error(shot: &RgbImage) -> bool {
    shot.pixels().filter(|pixel| near(pixel.0, ERROR_RED)).count() > 100
}
