//! Recording with the default models on the demo scene, and what is left when it is killed or the disk is full.

mod common;

use common::default_model;
use quantscope::capture::{SourceOptions, SourceSpec};
use quantscope::inference::ModelOverrides;
use quantscope::pipeline::record::{
    Container, Every, FrameOptions, RecordKind, Recorded, RecordingRequest, RecordingState, RecordingStatus,
    VideoOptions, VideoView,
};
use quantscope::pipeline::{Command, Event, LaneId, Link, Mode, Pipeline, PipelineConfig};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn has_ffmpeg() -> bool {
    let found = Program::new("ffprobe").arg("-version").stdout(Stdio::null()).status().is_ok();
    if !found {
        println!("skipped: ffmpeg is not installed");
    }
    found
}

/// Seconds from the first picture to the end of the last.
fn length(path: &Path) -> f64 {
    let output = Program::new("ffprobe")
        .args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0.0)
}

/// Width, height, and number of pictures that can be decoded.
fn probe(path: &Path) -> (u64, u64, u64) {
    let output = Program::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", "v:0", "-print_format", "json"])
        .args(["-show_entries", "stream=width,height,nb_read_frames"])
        .arg(path)
        .output()
        .unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stream = &json["streams"][0];
    let frames = stream["nb_read_frames"].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
    (stream["width"].as_u64().unwrap_or(0), stream["height"].as_u64().unwrap_or(0), frames)
}

struct Running {
    link: Link,
    pipeline: Pipeline,
    folder: tempfile::TempDir,
}

impl Running {
    fn start() -> Self {
        let config = PipelineConfig { trial: None, threads: 1 };
        let (link, pipeline) = Pipeline::start(config, Arc::new(|| {})).unwrap();
        let running = Self { link, pipeline, folder: tempfile::tempdir().unwrap() };
        for (lane, name) in [(LaneId::A, "scene.onnx"), (LaneId::B, "scene.int8.onnx")] {
            let path = default_model(name);
            running.send(Command::LoadModel { lane, path, overrides: ModelOverrides::default() });
        }
        running.send(Command::SetMode(Mode::Compare));
        running.send(Command::OpenSource(SourceSpec::Demo, SourceOptions::default()));
        let end = Instant::now() + PATIENCE;
        while running.link.take_result().is_none_or(|result| result.lanes.iter().any(Option::is_none)) {
            assert!(Instant::now() < end, "nothing is detected");
            std::thread::sleep(Duration::from_millis(5));
        }
        running
    }

    fn send(&self, command: Command) {
        assert!(self.link.send(command));
    }

    fn record(&self, what: Recorded) {
        let folder = self.folder.path().join("new");
        self.send(Command::StartRecording(RecordingRequest { folder, file: None, what }));
    }

    fn status_where(&self, wanted: impl Fn(&RecordingStatus) -> bool) -> RecordingStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.link.take_event() {
                Some(Event::Recording(status)) if wanted(&status) => return status,
                Some(_) => continue,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
            assert!(Instant::now() < end, "the recording does not say so");
        }
    }
}

fn video(view: VideoView, container: Container) -> Recorded {
    Recorded::Video(VideoOptions { view, container, rate: 30.0 })
}

fn ended(kind: RecordKind) -> impl Fn(&RecordingStatus) -> bool {
    move |status| status.kind == kind && status.state != RecordingState::Running
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.split_inclusive('\n').map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn everything_is_recorded_at_once_and_completed() {
    if !has_ffmpeg() {
        return;
    }
    let running = Running::start();
    running.record(video(VideoView::AsShown, Container::Mp4));
    running.record(Recorded::Detections);
    let frames = FrameOptions { every: Every::Frames(3), count: Some(4), ..FrameOptions::default() };
    running.record(Recorded::Frames(frames));
    let kept = running.status_where(ended(RecordKind::Frames));
    assert_eq!((&kept.state, kept.frames), (&RecordingState::Finished, 4), "it ends by itself");
    let pictures = std::fs::read_dir(&kept.path).unwrap().flatten();
    assert_eq!(pictures.filter(|entry| image::open(entry.path()).is_ok()).count(), 4);
    let far = running.status_where(|status| status.kind == RecordKind::Video && status.elapsed.as_secs() >= 2);
    assert!(far.encoder.is_some_and(|encoder| encoder.contains('(')));
    running.send(Command::StopRecording(RecordKind::Video));
    let film = running.status_where(ended(RecordKind::Video));
    assert_eq!(film.state, RecordingState::Finished, "{film:?}");
    running.send(Command::StopRecording(RecordKind::Detections));
    let found = running.status_where(ended(RecordKind::Detections));
    let (width, height, pictures) = probe(&film.path);
    assert_eq!((width, height), (1600, 450), "A and B side by side");
    // Not more than time has passed; less only where a busy machine made a gap of ten seconds and more.
    let seconds = length(&film.path);
    assert!(seconds >= 1.5 && seconds <= film.elapsed.as_secs_f64() + 0.5, "{seconds} s in {:?}", film.elapsed);
    assert!(film.frames > 5 && (film.frames..=film.frames + 8).contains(&pictures), "{pictures} pictures, {film:?}");
    assert_eq!(film.bytes, std::fs::metadata(&film.path).unwrap().len());
    let lines = lines(&found.path);
    assert_eq!(lines.len() as u64, found.frames * 2, "a line a lane");
    assert!(lines.iter().any(|line| line["lane"] == "B" && !line["detections"].as_array().unwrap().is_empty()));
}

/// Processes that want all of the processor until they are dropped.
struct Load(Vec<std::process::Child>);

impl Load {
    fn on_every_core() -> Self {
        let busy = || Program::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self((0..2 * cores).map(|_| busy()).collect())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn a_video_that_is_recorded_on_a_busy_machine_is_as_long_as_it_took() {
    /// A picture at its start, one at its end, and what the clock of the test misses.
    const TOLERANCE: f64 = 0.5;
    if !has_ffmpeg() {
        return;
    }
    let running = Running::start();
    let load = Load::on_every_core();
    running.record(video(VideoView::SideBySide, Container::Mp4));
    running.status_where(|status| status.frames > 0);
    std::thread::sleep(Duration::from_secs(8));
    running.send(Command::StopRecording(RecordKind::Video));
    let stopped = Instant::now();
    let status = running.status_where(ended(RecordKind::Video));
    let closing = stopped.elapsed();
    drop(load);
    assert_eq!(status.state, RecordingState::Finished);
    let (seconds, took) = (length(&status.path), status.elapsed.saturating_sub(closing).as_secs_f64());
    println!(
        "{seconds:.2} s of video for {took:.2} s, {} frames, closed within {:.2} s",
        status.frames,
        closing.as_secs_f64()
    );
    assert!(
        seconds > took - TOLERANCE && seconds < status.elapsed.as_secs_f64() + TOLERANCE,
        "{seconds} s for {took} s"
    );
    assert!(closing < Duration::from_secs(10), "{closing:?}: it had fallen behind");
}

#[test]
fn closing_completes_the_files_within_a_moment() {
    if !has_ffmpeg() {
        return;
    }
    let running = Running::start();
    running.record(video(VideoView::Divider, Container::Mkv));
    let status = running.status_where(|status| status.frames >= 10);
    let Running { link, pipeline, folder: _folder } = running;
    let begin = Instant::now();
    drop((link, pipeline));
    assert!(begin.elapsed() < Duration::from_secs(2), "closing took {:?}", begin.elapsed());
    // What has not ended within the second ends by itself.
    let end = Instant::now() + PATIENCE;
    while probe(&status.path).2 < status.frames {
        assert!(Instant::now() < end, "the file is not complete");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(probe(&status.path).0, 800);
}

/// `quantscope detect demo --record NAME` without end, until the file has grown.
fn recording_for_ever(folder: &Path, name: &str) -> (std::process::Child, PathBuf) {
    let path = folder.join(name);
    let child = common::quantscope(folder)
        .args(["detect", "demo", "--format", "json", "--model"])
        .arg(default_model("scene.int8.onnx"))
        .arg("--record")
        .arg(&path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let end = Instant::now() + PATIENCE;
    while std::fs::metadata(&path).map_or(0, |file| file.len()) < 200_000 {
        assert!(Instant::now() < end, "{name} does not grow");
        std::thread::sleep(Duration::from_millis(20));
    }
    (child, path)
}

#[test]
fn a_killed_program_and_a_killed_ffmpeg_leave_files_that_can_be_played() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["killed.mp4", "killed.mkv"] {
        let (mut child, path) = recording_for_ever(folder.path(), name);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(probe(&path).2 >= 20, "{name}: {:?}", probe(&path));
    }
    for name in ["cut.mp4", "cut.mkv"] {
        let (mut child, path) = recording_for_ever(folder.path(), name);
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let Ok(children) = std::fs::read_to_string(children) else {
            println!("skipped: this system does not tell the children of a process");
            child.kill().unwrap();
            return;
        };
        for id in children.split_whitespace() {
            assert!(Program::new("kill").args(["-9", id]).status().unwrap().success());
        }
        assert_eq!(child.wait().unwrap().code(), Some(1), "{name}: it is told that the recording broke off");
        assert!(probe(&path).2 >= 20, "{name}: {:?}", probe(&path));
    }
}

fn detect(folder: &Path, arguments: &[&str]) -> Program {
    let mut program = common::quantscope(folder);
    program.current_dir(folder).args(["detect"]).args(arguments).arg("--model").arg(default_model("scene.int8.onnx"));
    program.stdout(Stdio::null());
    program
}

#[test]
fn a_full_disk_ends_the_recording_with_a_sentence_and_the_file_can_be_played() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let mounted = Program::new("mount").args(["-t", "tmpfs", "-o", "size=400k", "tmpfs"]).arg(&disk).status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("skipped: no small disk can be made here");
        return;
    }
    let output = detect(folder.path(), &["demo", "--limit", "2000", "--record", "disk/full.mp4"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let frames = probe(&disk.join("full.mp4")).2;
    assert!(Program::new("umount").arg(&disk).status().unwrap().success());
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("disk/full.mp4: the disk is full"), "{said}");
    assert!(frames >= 20, "{frames} frames can be played");
}

#[test]
fn no_ffmpeg_a_wrong_name_and_a_name_that_is_taken_are_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("taken.mp4"), "mine").unwrap();
    let refused = |name: &str, empty_path: bool| {
        let mut program = detect(folder.path(), &["demo", "--limit", "2", "--record", name]);
        if empty_path {
            program.env("PATH", "");
        }
        let output = program.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused("new.mp4", true);
    assert!(said.contains("ffmpeg was not found. Install it: sudo apt install ffmpeg"), "{said}");
    assert!(refused("new.avi", false).contains(".mp4 or .mkv"));
    assert!(refused("taken.mp4", false).contains("is not overwritten"));
    assert_eq!(std::fs::read(folder.path().join("taken.mp4")).unwrap(), b"mine");
}

#[test]
fn every_frame_is_in_the_video_whatever_size_the_pictures_have() {
    if !has_ffmpeg() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    std::fs::create_dir(&pictures).unwrap();
    for (index, (width, height)) in [(321, 243), (640, 100), (50, 400), (321, 243)].into_iter().enumerate() {
        let picture = image::RgbImage::from_pixel(width, height, image::Rgb([120, 90, 60]));
        picture.save(pictures.join(format!("{index}.png"))).unwrap();
    }
    let output = detect(folder.path(), &["pictures", "--record", "odd.mkv"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(probe(&folder.path().join("odd.mkv")), (322, 244, 4));
    let again = detect(folder.path(), &["demo", "--limit", "60", "--record", "demo.mp4"]).output().unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(probe(&folder.path().join("demo.mp4")), (800, 450, 60));
}

#[test]
fn capture_keeps_frames_with_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let capture = |arguments: &[&str]| {
        let mut program = common::quantscope(folder.path());
        let output = program.current_dir(folder.path()).args(["capture", "demo", "--out", "kept"]).args(arguments);
        let output = output.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(capture(&["--count", "3", "--every", "0.5"]).starts_with("3 of 31 frames"));
    let json: Value =
        serde_json::from_str(&capture(&["--count", "2", "--different", "--format", "json", "--picture", "jpeg"]))
            .unwrap();
    assert_eq!(json["kept"], 2);
    let index = lines(&folder.path().join("kept/frames.jsonl"));
    let files: Vec<&str> = index.iter().map(|line| line["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["000001.png", "000002.png", "000003.png", "000004.jpg", "000005.jpg"]);
    for file in files {
        assert_eq!(image::open(folder.path().join("kept").join(file)).unwrap().width(), 800);
    }
}
