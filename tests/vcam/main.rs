//! Cameras in every trouble, without one: `vcam.c` is preloaded and plays a V4L2 webcam by the text of a scenario.
//!
//! The library reads its scenario once a process, so each runs in a process of its own: this test program starts itself
//! again for the one test `inside_the_child`.
#![cfg(target_os = "linux")]

#[path = "../common/tiny_onnx.rs"]
#[expect(dead_code, reason = "one of its models is used here")]
mod tiny_onnx;

mod controls;
mod growth;
mod live;
mod probe;
mod reading;
mod scenarios;

use quantscope::capture::{
    self, CameraBackend, CapturedFrame, ControlSetting, FrameSource, Next, SourceOptions, SourceSpec,
};
use reading::{frames, told_within};
use scenarios::{Scenario, Step};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Tells the child which scenario to run, and by which library.
const NAME: &str = "QUANTSCOPE_TEST_SCENARIO";
const BACKEND: &str = "QUANTSCOPE_TEST_BACKEND";
/// Each step has to be done by then; none takes half of it on an idle machine.
const STEP_LIMIT: Duration = Duration::from_secs(25);
/// Whatever the camera does.
const CLOSING_LIMIT: Duration = Duration::from_secs(1);
/// Share of one core that a scenario may use: a loop that spins uses all of it. Decoding in a debug build is a third.
const CORE_SHARE: f64 = 0.7;

/// Runs a scenario in a child; passes over it with a line where there is no C compiler.
fn run(name: &str, backend: &str) {
    let scenario = scenarios::named(name);
    let Some(library) = library() else { return println!("skipped: no C compiler to build the played camera") };
    let pictures = scenario.camera.contains("MJPG").then(pictures);
    let folder = pictures.as_ref().map_or_else(String::new, |folder| format!(";jpeg={}", folder.path().display()));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "inside_the_child", "--ignored", "--nocapture"])
        .env(NAME, name)
        .env(BACKEND, backend)
        .env("LD_PRELOAD", library)
        .env("VCAM", format!("{}{folder}", scenario.camera))
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}, {backend}: {}\n{said}", output.status);
    assert!(said.contains(&format!("done: {name}")), "the child ran nothing:\n{said}");
}

#[test]
fn there_are_forty_scenarios() {
    assert!(scenarios::ALL.len() >= 40, "{}", scenarios::ALL.len());
}

/// What the children run; alone it does nothing.
#[test]
#[ignore = "started by the other tests in a process of its own"]
fn inside_the_child() {
    let Ok(name) = std::env::var(NAME) else { return };
    let backend = match std::env::var(BACKEND).as_deref() {
        Ok("nokhwa") => CameraBackend::Nokhwa,
        _ => CameraBackend::Auto,
    };
    let (started, used) = (Instant::now(), core_seconds());
    let scenario = scenarios::named(&name);
    play(scenario, backend);
    let (wall, used) = (started.elapsed().as_secs_f64(), core_seconds() - used);
    // A model uses a whole core for itself.
    let models = scenario.steps.iter().filter(|step| matches!(step, Step::SlowModel(_))).count();
    assert!(used < 0.5 + (CORE_SHARE + models as f64) * wall, "{used:.2} s of a core in {wall:.2} s: something spins");
    println!("done: {name}");
}

fn play(scenario: &Scenario, backend: CameraBackend) {
    let mut options = SourceOptions { camera_backend: backend, ..scenario.wish.options() };
    let mut source = None;
    for step in scenario.steps {
        match step {
            Step::Opens(detail) => {
                let opened = capture::open(&SourceSpec::Camera(0), &options).unwrap();
                assert!(opened.info().detail.contains(detail), "{}", opened.info().detail);
                source = Some(opened);
            }
            Step::OpenFails(words) => {
                let started = Instant::now();
                let error = capture::open(&SourceSpec::Camera(0), &options).err().expect("an error").to_string();
                assert!(error.contains(words), "{error}");
                assert!(started.elapsed() < Duration::from_secs(7), "told after {:?}", started.elapsed());
            }
            Step::Remembers(settings) => options.camera_controls = controls::memory(settings),
            Step::Reopens(times) => {
                for _ in 0..*times {
                    // Closed first: two streams of one camera cannot be.
                    drop(source.take());
                    source = Some(capture::open(&SourceSpec::Camera(0), &options).unwrap());
                }
            }
            Step::SlowView(count) => {
                drop(source.take());
                live::slow_view(&options, *count);
            }
            Step::SlowModel(count) => {
                drop(source.take());
                live::slow_model(&options, *count);
            }
            Step::AskedAgain(times) => {
                drop(source.take());
                live::asked_again(&options, *times);
            }
            Step::Lists(count) => assert_eq!(capture::count_cameras(), *count),
            other => watch(source.as_deref_mut().expect("an open source"), other),
        }
    }
    let Some(source) = source else { return };
    if matches!(scenario.steps.last(), Some(Step::Flaps(_))) {
        // A second of its clock is no time at all.
        return;
    }
    let started = Instant::now();
    drop(source);
    assert!(started.elapsed() < CLOSING_LIMIT, "closing took {:?}", started.elapsed());
}

fn watch(source: &mut dyn FrameSource, step: &Step) {
    match *step {
        Step::Frames(count) => drop(frames(source, count)),
        Step::Number(number) => {
            frames(source, 1);
            assert_eq!(source.info().camera, Some(number));
        }
        Step::Told(words) => {
            let error = told_within(source, STEP_LIMIT).expect("an error").to_string();
            assert!(error.contains(words), "{error}");
        }
        Step::Quiet(span_ms) => {
            let error = told_within(source, Duration::from_millis(span_ms));
            assert_eq!(error, None);
        }
        Step::Loses(least) => {
            let losses = frames(source, 1)[0].losses.expect("a camera's frame");
            assert!(losses.dropped + losses.damaged + losses.reopened >= least, "{losses:?}");
        }
        Step::Slowly(count) => slowly(source, count),
        Step::Pause(span_ms) => {
            source.set_paused(true);
            let end = Instant::now() + Duration::from_millis(span_ms);
            while Instant::now() < end {
                assert!(matches!(source.next_frame(Duration::from_millis(50)), Ok(Next::Waiting)));
            }
            source.set_paused(false);
            let resumed = Instant::now();
            assert!(frames(source, 1)[0].captured_at + Duration::from_millis(50) > resumed, "a frame of before");
        }
        Step::Controls(expected) => controls::told(source, expected),
        Step::Sets(id, value) => source.set_control(ControlSetting { id, value }),
        Step::Resets => source.reset_controls(),
        Step::Has(values) => controls::comes_to_have(source, values),
        Step::Luma(luma) => controls::comes_to_be(source, luma),
        Step::Warned(words) => controls::warned(source, words),
        Step::Flaps(times) => growth::flaps(source, times),
        Step::Opens(_)
        | Step::OpenFails(_)
        | Step::Lists(_)
        | Step::Remembers(_)
        | Step::SlowModel(_)
        | Step::SlowView(_)
        | Step::AskedAgain(_)
        | Step::Reopens(_) => unreachable!(),
    }
}

/// A reader that takes a frame of every ten gets the newest one each time, told by the numbers in the pictures: what it
/// gets is at most one frame behind what the camera had taken when it was handed over.
fn slowly(source: &mut dyn FrameSource, count: usize) {
    let period = Duration::from_secs_f64(1.0 / source.info().frame_rate.unwrap());
    let mut in_time = 0;
    for _ in 0..count {
        std::thread::sleep(10 * period);
        let frame = frames(source, 1).remove(0);
        in_time += usize::from(growth::frames_behind(&frame) <= 1);
    }
    // A queue anywhere would make all of them late; a machine that has something else to do, some.
    assert!(in_time + count / 4 >= count, "{in_time} of {count} were the newest");
}

/// The number that a frame of `vcam.c` shows.
fn number_in(frame: &CapturedFrame) -> u32 {
    (0..16).fold(0, |number, bit| number << 1 | u32::from(frame.image.get_pixel(bit * 16 + 8, 8).0[1] > 128))
}

/// Processor time of this process.
fn core_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    // User and system time in hundredths of a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("libvcam-{}.so", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vcam/vcam.c");
        let arguments = ["-O1", "-shared", "-fPIC", "-o"];
        let built = Command::new("cc").args(arguments).arg(&library).arg(source).args(["-ldl", "-lpthread"]).status();
        let built = built.ok()?;
        assert!(built.success(), "vcam.c does not compile");
        Some(library)
    };
    LIBRARY.get_or_init(build).as_deref()
}

/// Three JPEGs of 640x480.
fn pictures() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..3u8 {
        let picture = image::RgbImage::from_fn(640, 480, |x, y| image::Rgb([x as u8, y as u8, 80 * number]));
        picture.save(folder.path().join(format!("{number}.jpg"))).unwrap();
    }
    folder
}
