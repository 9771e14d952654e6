//! Videos are made by ffmpeg itself when the tests run; without it they are skipped.

mod every_frame;
mod faults;
mod real_time;
mod streams;

use super::*;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const WAIT: Duration = Duration::from_secs(20);

fn every_frame() -> SourceOptions {
    SourceOptions { pace: Pace::EveryFrame, ..SourceOptions::default() }
}

/// Runs ffmpeg with `arguments` and then `output`. None, with a line that says so, where there is no ffmpeg.
fn made(folder: &tempfile::TempDir, output: &str, arguments: &str) -> Option<PathBuf> {
    let path = folder.path().join(output);
    let mut target = std::ffi::OsString::from("file:");
    target.push(&path);
    let run = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-y"])
        .args(arguments.split(' '))
        .arg(target)
        .stdin(Stdio::null())
        .output();
    match run {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("skipped: ffmpeg is not installed");
            None
        }
        Err(error) => panic!("{error}"),
        Ok(run) => {
            assert!(run.status.success(), "ffmpeg {arguments}: {}", String::from_utf8_lossy(&run.stderr));
            Some(path)
        }
    }
}

fn frames_until_end(source: &mut VideoSource) -> Vec<CapturedFrame> {
    let mut frames = Vec::new();
    loop {
        match source.next_frame(WAIT).unwrap() {
            Next::Frame(frame) => frames.push(frame),
            Next::Waiting => {}
            Next::End => return frames,
        }
    }
}

/// The next frame, within [`WAIT`]; panics at the end.
fn next(source: &mut VideoSource) -> CapturedFrame {
    let deadline = Instant::now() + WAIT;
    while Instant::now() < deadline {
        match source.next_frame(Duration::from_millis(200)).unwrap() {
            Next::Frame(frame) => return frame,
            Next::Waiting => {}
            Next::End => panic!("the end came instead of a frame"),
        }
    }
    panic!("no frame came");
}
