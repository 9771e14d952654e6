//! The camera, tested without one: a library that is loaded before all others plays a V4L2 webcam to the program.
//!
//! That library reads its settings once a process, so every scenario is a process of its own: this test program is
//! started again and runs the one test `inside_the_child`, told by the environment what to do.

use quantscope::capture::{self, CaptureError, FrameSource, Next, SourceOptions, SourceSpec};
use quantscope::imaging::ImageSize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Tells the child which of [`SCENARIOS`] to run.
const SCENARIO: &str = "QUANTSCOPE_TEST_SCENARIO";
/// Formats of the camera that most tests use.
const FORMATS: &str = "YUYV:640x480@30,15;MJPG:1280x720@30";
/// Closing a sound camera waits for one frame; this leaves room for a busy machine.
const CLOSING_LIMIT: Duration = Duration::from_secs(1);

#[test]
fn yuyv_frames_arrive_whole_and_closing_is_quick() {
    run_child("yuyv", &[("VCAM_FORMATS", "YUYV:640x480@30")]);
}

#[test]
fn mjpg_frames_arrive_whole_and_closing_is_quick() {
    let Some(pictures) = pictures_for_mjpg() else { return };
    run_child("mjpg", &[("VCAM_FORMATS", FORMATS), ("VCAM_FRAMES", pictures.path().to_str().unwrap())]);
}

#[test]
fn the_nearest_format_is_taken_and_the_difference_is_told() {
    run_child("nearest", &[("VCAM_FORMATS", FORMATS)]);
}

#[test]
fn a_camera_left_at_an_odd_rate_by_its_last_user_opens() {
    run_child("yuyv", &[("VCAM_FORMATS", "YUYV:640x480@30"), ("VCAM_CUR", "YUYV:640x480@15/2")]);
}

#[test]
fn a_busy_camera_is_named_with_the_remedy() {
    for step in ["fmt=EBUSY", "reqbufs=EBUSY"] {
        run_child("busy", &[("VCAM_FORMATS", FORMATS), ("VCAM_FAIL", step)]);
    }
}

#[test]
fn a_forbidden_camera_and_a_full_bus_are_told_apart() {
    run_child("forbidden", &[("VCAM_FORMATS", FORMATS), ("VCAM_FAIL", "open=EACCES")]);
    run_child("bandwidth", &[("VCAM_FORMATS", FORMATS), ("VCAM_FAIL", "streamon=ENOSPC")]);
}

#[test]
fn a_frozen_camera_is_told_after_three_seconds_and_can_be_closed() {
    run_child("frozen", &[("VCAM_FORMATS", FORMATS), ("VCAM_EVENTS", "freeze@10")]);
}

#[test]
fn an_unplugged_camera_is_told_and_asking_again_does_not_spin() {
    run_child("unplugged", &[("VCAM_FORMATS", FORMATS), ("VCAM_EVENTS", "unplug@10")]);
}

#[test]
fn a_pause_drops_what_is_stale() {
    run_child("pause", &[("VCAM_FORMATS", "YUYV:640x480@30")]);
}

#[test]
fn what_cannot_be_decoded_or_is_not_there_is_told() {
    run_child("unusable", &[("VCAM_FORMATS", "H264:640x480@30")]);
    run_child("missing", &[("VCAM_FORMATS", FORMATS), ("VCAM_DEVS", "2")]);
    run_child("none", &[("VCAM_DEVS", "")]);
}

#[test]
fn damaged_jpegs_are_left_out_and_a_camera_that_sends_no_others_is_told() {
    let Some(pictures) = pictures_for_mjpg() else { return };
    let folder = pictures.path().to_str().unwrap();
    let formats = ("VCAM_FORMATS", "MJPG:640x480@30");
    run_child("some damaged", &[formats, ("VCAM_FRAMES", folder), ("VCAM_EVENTS", "garbage%3")]);
    run_child("all damaged", &[formats, ("VCAM_FRAMES", folder), ("VCAM_EVENTS", "garbage%1")]);
}

#[test]
fn the_command_lists_cameras_and_passes_over_what_is_none() {
    let settings = [("VCAM_FORMATS", FORMATS), ("VCAM_META", "1"), ("VCAM_EXTRA", "video-cam"), ("VCAM_DEVS", "0,4")];
    let Some(said) = run_child("list", &settings) else { return };
    assert!(said.contains("camera:4  Fake Webcam\n  YUYV    640x480  30, 15 fps\n"), "{said}");
    assert!(said.contains(r#"{"cameras":[{"number":0,"name":"Fake Webcam","formats":[{"format":"YUYV","#), "{said}");
}

#[test]
fn the_command_says_that_there_is_no_camera_and_does_not_fail() {
    let Some(said) = run_child("list none", &[("VCAM_DEVS", "")]) else { return };
    assert!(said.contains("No camera found. Plug one in"), "{said}");
    assert!(said.contains(r#"{"cameras":[]}"#), "{said}");
}

type Scenario = fn();

const SCENARIOS: [(&str, Scenario); 16] = [
    ("yuyv", || stream("YUYV 640x480 at 30 fps", "")),
    ("mjpg", || stream("MJPG 1280x720 at 30 fps", "MJPG")),
    ("nearest", nearest),
    ("busy", || assert!(matches!(first_error(), CaptureError::CameraBusy { number: 0, .. }))),
    ("forbidden", || assert!(matches!(first_error(), CaptureError::CameraForbidden { .. }))),
    ("bandwidth", || assert!(matches!(first_error(), CaptureError::CameraBandwidth { .. }))),
    ("frozen", frozen),
    ("unplugged", unplugged),
    ("pause", pause),
    ("unusable", || {
        let error = first_error().to_string();
        assert!(error.contains("offers no format that can be used (H264 640x480 at 30 fps)"), "{error}");
    }),
    ("missing", || {
        let error = first_error().to_string();
        assert!(error.contains("camera 0: there is no such camera (found: 2 Fake Webcam)"), "{error}");
    }),
    ("none", || {
        assert_eq!(capture::count_cameras(), 0);
        let error = first_error().to_string();
        assert!(error.contains("no camera is connected"), "{error}");
    }),
    ("some damaged", some_damaged),
    ("all damaged", all_damaged),
    ("list", list),
    ("list none", run_command),
];

/// What the children run; alone it does nothing.
#[test]
#[ignore = "started by the other tests in a process of its own"]
fn inside_the_child() {
    let Ok(wanted) = std::env::var(SCENARIO) else { return };
    let (_, scenario) = SCENARIOS.iter().find(|(name, _)| *name == wanted).expect("a known scenario");
    scenario();
    println!("done: {wanted}");
}

fn stream(detail: &str, format: &str) {
    let options =
        SourceOptions { camera_format: (!format.is_empty()).then(|| format.to_owned()), ..SourceOptions::default() };
    let mut source = capture::open(&SourceSpec::Camera(0), &options).unwrap();
    let info = source.info().clone();
    assert_eq!((info.title.as_str(), info.detail.as_str()), ("Fake Webcam", detail));
    let size = info.size.unwrap();
    let mut frames = Vec::new();
    let started = Instant::now();
    while frames.len() < 30 {
        assert!(started.elapsed() < Duration::from_secs(20), "{} frames in 20 s", frames.len());
        if let Next::Frame(frame) = source.next_frame(Duration::from_millis(500)).unwrap() {
            assert_eq!(frame.image.dimensions(), (size.width, size.height));
            assert!(frame.captured_at.elapsed() < Duration::from_millis(500), "{:?}", frame.captured_at.elapsed());
            frames.push(frame);
        }
    }
    assert!(frames.windows(2).any(|pair| pair[0].image != pair[1].image), "the pictures differ");
    if let Ok(folder) = std::env::var("QUANTSCOPE_TEST_KEEP") {
        let path = Path::new(&folder).join(format!("camera {}.png", detail.split(' ').next().unwrap()));
        frames[29].image.save(path).unwrap();
    }
    if format == "MJPG" {
        let pixel = frames[0].image.get_pixel(20, 360).0;
        assert!(pixel[0] > 220 && pixel[1] < 40 && pixel[2] < 40, "red at the left: {pixel:?}");
    }
    close_quickly(source);
}

fn close_quickly(source: Box<dyn FrameSource>) {
    let started = Instant::now();
    drop(source);
    assert!(started.elapsed() < CLOSING_LIMIT, "closing took {:?}", started.elapsed());
}

fn nearest() {
    let wanted = |format: &str, width, height| SourceOptions {
        camera_format: Some(format.to_owned()),
        camera_size: Some(ImageSize::new(width, height)),
        ..SourceOptions::default()
    };
    let detail =
        |options: &SourceOptions| capture::open(&SourceSpec::Camera(0), options).unwrap().info().detail.clone();
    assert_eq!(detail(&wanted("YUYV", 640, 480)), "YUYV 640x480 at 30 fps");
    // The same camera again, at another format: so the first was closed properly.
    assert_eq!(detail(&wanted("MJPG", 1280, 720)), "MJPG 1280x720 at 30 fps");
    assert_eq!(detail(&wanted("YUYV", 640, 360)), "YUYV 640x480 at 30 fps (640x360 is not on offer)");
}

/// The error that opening or the first frames give.
fn first_error() -> CaptureError {
    let mut source = match capture::open(&SourceSpec::Camera(0), &SourceOptions::default()) {
        Ok(source) => source,
        Err(error) => return error,
    };
    error_within(&mut *source, Duration::from_secs(10))
}

fn error_within(source: &mut dyn FrameSource, limit: Duration) -> CaptureError {
    let started = Instant::now();
    while started.elapsed() < limit {
        if let Err(error) = source.next_frame(Duration::from_millis(100)) {
            return error;
        }
    }
    panic!("no error in {limit:?}");
}

fn frozen() {
    let mut source = capture::open(&SourceSpec::Camera(0), &SourceOptions::default()).unwrap();
    let mut last_frame = Instant::now();
    let error = loop {
        match source.next_frame(Duration::from_secs(20)) {
            Ok(Next::Frame(_)) => last_frame = Instant::now(),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("the camera gives no pictures since 3 s"), "{error}");
    let silence = last_frame.elapsed().as_secs_f64();
    assert!((2.9..4.0).contains(&silence), "told after {silence} s");
    close_quickly(source);
}

fn unplugged() {
    let mut source = capture::open(&SourceSpec::Camera(0), &SourceOptions::default()).unwrap();
    let error = error_within(&mut *source, Duration::from_secs(10));
    assert!(matches!(error, CaptureError::CameraGone { .. }), "{error}");
    let started = Instant::now();
    let (mut told, mut asked) = (Vec::new(), 0);
    while started.elapsed() < Duration::from_secs(3) {
        asked += 1;
        told.extend(source.next_frame(Duration::from_millis(50)).err());
    }
    assert!(asked < 150, "it waits before it answers: {asked} answers in 3 s");
    // The reason is another one once it is looked for, and each is told once.
    assert!(told.len() <= 1, "{told:?}");
    close_quickly(source);
}

fn pause() {
    let mut source = capture::open(&SourceSpec::Camera(0), &SourceOptions::default()).unwrap();
    assert!(matches!(source.next_frame(Duration::from_secs(5)), Ok(Next::Frame(_))));
    source.set_paused(true);
    // Longer than the silence that makes a running camera an error.
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(3_500) {
        assert!(matches!(source.next_frame(Duration::from_millis(500)), Ok(Next::Waiting)));
    }
    source.set_paused(false);
    let resumed = Instant::now();
    let frame = loop {
        if let Next::Frame(frame) = source.next_frame(Duration::from_secs(5)).unwrap() {
            break frame;
        }
    };
    let early = resumed.saturating_duration_since(frame.captured_at);
    assert!(early < Duration::from_millis(50), "taken {early:?} before the pause ended");
    source.set_paused(true);
    close_quickly(source);
}

fn some_damaged() {
    let mut source = capture::open(&SourceSpec::Camera(0), &SourceOptions::default()).unwrap();
    let mut frames = 0;
    let started = Instant::now();
    while frames < 30 && started.elapsed() < Duration::from_secs(20) {
        frames += usize::from(matches!(source.next_frame(Duration::from_millis(500)).unwrap(), Next::Frame(_)));
    }
    assert_eq!(frames, 30);
    close_quickly(source);
}

fn all_damaged() {
    let error = first_error().to_string();
    assert!(error.contains("its pictures arrive damaged ("), "{error}");
}

fn list() {
    let cameras = capture::list_cameras();
    assert_eq!(cameras.iter().map(|camera| camera.number).collect::<Vec<_>>(), [0, 4]);
    assert_eq!(capture::count_cameras(), 2);
    let formats: Vec<String> = cameras[0]
        .formats
        .iter()
        .map(|format| format!("{} {} {:?}", format.format, format.size, format.rates))
        .collect();
    assert_eq!(formats, ["YUYV 640x480 [30.0, 15.0]", "MJPG 1280x720 [30.0]"]);
    run_command();
}

/// `quantscope cameras` in both forms, on standard output.
fn run_command() {
    for format in ["text", "json"] {
        // The child inherits the library that plays the camera.
        let output =
            Command::new(env!("CARGO_BIN_EXE_quantscope")).args(["cameras", "--format", format]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        println!("{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Runs a scenario in a child that sees the camera described by `settings`. Passes over it with a line where the
/// library cannot be had. What the child said.
fn run_child(scenario: &str, settings: &[(&str, &str)]) -> Option<String> {
    let library = fake_camera()?;
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "inside_the_child", "--ignored", "--nocapture"])
        .env(SCENARIO, scenario)
        .env("LD_PRELOAD", library)
        .envs(settings.iter().copied())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{scenario} {settings:?}: {}\n{said}", output.status);
    assert!(said.contains(&format!("done: {scenario}")), "the child ran nothing:\n{said}");
    Some(said)
}

/// The library, built once by the C compiler. None, with a line that says so, where its source or gcc is absent.
fn fake_camera() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let library = LIBRARY.get_or_init(build_fake_camera).as_deref();
    if library.is_none() {
        println!("skipped: no fake camera (../shared/vcam/fakev4l.c and gcc are needed)");
    }
    library
}

fn build_fake_camera() -> Option<PathBuf> {
    let shared = std::env::var_os("QUANTSCOPE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let source = shared.join("vcam/fakev4l.c");
    if !source.exists() {
        return None;
    }
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("libfakev4l-{}.so", std::process::id()));
    let built = Command::new("gcc")
        // Rust's standard library calls `statx` with a null path to see whether it is there. glibc's header says that
        // nobody would, so an optimizing compiler leaves out the fake library's check for it, and it crashes.
        .args(["-O0", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source)
        .args(["-ldl", "-lpthread"])
        .status()
        .ok()?;
    built.success().then_some(library)
}

/// JPEGs of 1280x720 and 640x480: red at the left, blue at the right, a brightness that changes.
fn pictures_for_mjpg() -> Option<tempfile::TempDir> {
    fake_camera()?;
    let folder = tempfile::tempdir().unwrap();
    for (width, height) in [(1280, 720), (640, 480)] {
        for number in 0..3u8 {
            let picture = image::RgbImage::from_fn(width, height, |x, _| match x * 3 / width {
                0 => image::Rgb([250, 10, 10]),
                1 => image::Rgb([80 * number; 3]),
                _ => image::Rgb([10, 10, 250]),
            });
            picture.save(folder.path().join(format!("{width}-{number}.jpg"))).unwrap();
        }
    }
    Some(folder)
}
