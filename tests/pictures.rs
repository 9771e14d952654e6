//! Pictures to calibrate with from what moves: frames that differ, in the same memory however many there are.

mod common;

use quantscope::capture::{CameraBackend, SourceSpec};
use quantscope::pictures::{Different, Pictures};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Two seconds of which nothing moves, and one in which a square goes through the picture, 30 frames a second.
const SCENE: &str = "overlay=x='if(lt(t,2),20,20+200*(t-2))':y=90";
const FRAMES: usize = 90;

/// Writes a video; false (said aloud) where there is no ffmpeg.
fn video(path: &Path) -> bool {
    let source = |color: &str, size: &str| format!("color={color}:s={size}:r=30:d=3");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y", "-f", "lavfi", "-i", &source("gray", "320x240"), "-f", "lavfi", "-i"]);
    command.args([&source("white", "60x60"), "-filter_complex", SCENE, "-pix_fmt", "yuv420p"]).arg(path);
    match command.stdin(Stdio::null()).status() {
        Ok(status) => {
            assert!(status.success(), "ffmpeg wrote no video");
            true
        }
        Err(error) => {
            println!("skipped: ffmpeg: {error}");
            false
        }
    }
}

#[test]
fn of_a_video_frames_that_differ_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    if !video(&path) {
        return;
    }
    let open = |wanted| Pictures::open(&SourceSpec::from(path.to_str().unwrap()), wanted, CameraBackend::default());
    let taken: Vec<_> = open(FRAMES).unwrap().map(|picture| picture.image).collect();
    assert!((5..FRAMES / 3).contains(&taken.len()), "{} of {FRAMES} frames", taken.len());
    let mut different = Different::default();
    let new = taken.iter().filter(|picture| different.takes(picture)).count();
    assert!(new + 2 >= taken.len(), "{new} of {} differ; one a second may be taken of what does not move", taken.len());
    assert_eq!(open(4).unwrap().take(4).count(), 4, "no more than are wanted");
}

/// Peak memory in bytes of the program while it quantizes.
#[cfg(target_os = "linux")]
fn peak_memory(arguments: &[&str]) -> u64 {
    let config = tempfile::tempdir().unwrap();
    let mut command = common::quantscope(config.path());
    let mut child = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        let text = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0) << 10);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success(), "{arguments:?}");
    peak
}

#[cfg(target_os = "linux")]
#[test]
fn three_times_as_many_pictures_take_no_more_memory() {
    /// What allocators may differ by. Of both numbers as many pictures are kept: those that judge and those that show how far
    /// channels reach.
    const SLACK: u64 = 48 << 20;
    let (folder, model) = common::scene();
    let [out, recipe] = ["out.onnx", "kept.recipe"].map(|name| folder.path().join(name));
    let [model, out, recipe] = [&model, &out, &recipe].map(|path| path.to_str().unwrap());
    let base = ["quantize", model, "--calibrate", "demo", "--out", out, "--save-anyway", "--threads", "1"];
    peak_memory(&[&base[..], &["--samples", "8", "--save-recipe", recipe]].concat());
    let with = |samples: &'static str| peak_memory(&[&base[..], &["--recipe", recipe, "--samples", samples]].concat());
    let (few, many) = (with("130"), with("390"));
    println!("{} MiB with 130 pictures, {} MiB with 390", few >> 20, many >> 20);
    assert!(many < few + SLACK, "{} MiB with 130 pictures, {} MiB with 390", few >> 20, many >> 20);
}
