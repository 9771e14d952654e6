//! Cameras of a real kernel: its test driver `vivid` plays them, inside a virtual machine that scripts/test-kernel.sh
//! starts (`make test-kernel`). Outside of it these tests are ignored.
//!
//! Each scenario loads the driver anew, and at the end it must be possible to unload it: nothing holds the camera any more.
#![cfg(target_os = "linux")]

#[path = "../vcam/controls.rs"]
#[expect(dead_code, reason = "one part of it is for the camera that is played by a library")]
mod controls;
mod driver;
mod measured;
#[path = "../vcam/reading.rs"]
mod reading;
mod scenarios;

use driver::Driver;
use quantscope::capture::{
    self, CameraBackend, CameraLosses, ControlSetting, FrameSource, Next, SourceOptions, SourceSpec,
};
use reading::{frames, told_within};
use scenarios::{Scenario, Step};
use std::time::{Duration, Instant};

/// Each step has to be done by then, also on an emulated processor.
const STEP_LIMIT: Duration = Duration::from_secs(40);
/// Whatever the camera does.
const CLOSING_LIMIT: Duration = Duration::from_secs(1);
/// Share of one core that a scenario may use: a loop that spins uses all of it. Decoding alone does on an emulated one.
const CORE_SHARE: f64 = 0.7;
/// What opening may take.
const OPENING_LIMIT: Duration = Duration::from_secs(7);

/// Plays a scenario; passes over it with a line where there is no driver to load.
fn run(scenario: &Scenario, backend: CameraBackend) {
    let Some(driver) = Driver::load(scenario.camera) else {
        return println!("skipped: not inside of the virtual machine that `make test-kernel` starts");
    };
    let (started, used) = (Instant::now(), core_seconds());
    play(scenario, backend);
    let (wall, used) = (started.elapsed().as_secs_f64(), core_seconds() - used);
    let spins = used > 0.5 + CORE_SHARE * wall;
    assert!(!spins || driver::is_emulated(), "{used:.2} s of a core in {wall:.2} s: something spins");
    driver.unload();
}

fn play(scenario: &Scenario, backend: CameraBackend) {
    let options = SourceOptions { camera_backend: backend, ..scenario.wish.options() };
    let mut source = None;
    // By another program.
    let mut held = None;
    for step in scenario.steps {
        match step {
            Step::Opens(detail) => {
                // Closed first: two streams of one camera cannot be.
                drop(source.take());
                let opened = capture::open(&SourceSpec::Camera(0), &options).unwrap();
                assert_eq!(opened.info().detail, *detail);
                source = Some(opened);
            }
            Step::OpenFails(words) => {
                let started = Instant::now();
                let error = capture::open(&SourceSpec::Camera(0), &options).err().expect("an error").to_string();
                assert!(error.contains(words), "{error}");
                assert!(started.elapsed() < OPENING_LIMIT, "told after {:?}", started.elapsed());
            }
            Step::Lists(expected) => {
                let cameras = capture::list_cameras();
                let cameras: Vec<String> =
                    cameras.iter().map(|camera| format!("{} {}", camera.number, camera.name)).collect();
                assert_eq!(cameras, *expected);
            }
            Step::Offers(format, rates) => measured::offers(format, rates),
            Step::OtherProgramSets(control, value) => driver::set(*control, *value),
            Step::Unplug => driver::unplug(),
            Step::UnplugHeld => {
                held = Some(std::fs::File::open("/dev/video0").unwrap());
                driver::unplug();
            }
            Step::PlugIn => driver::plug_in(),
            other => watch(source.as_deref_mut().expect("an open source"), other),
        }
    }
    let started = Instant::now();
    drop(source);
    assert!(started.elapsed() < CLOSING_LIMIT, "closing took {:?}", started.elapsed());
    drop(held);
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
        Step::Quiet(span_ms) => assert_eq!(told_within(source, Duration::from_millis(span_ms)), None),
        Step::Loses(expected) => loses(source, expected),
        Step::Pause(span_ms) => pause(source, Duration::from_millis(span_ms)),
        Step::Controls(expected) => measured::has_controls(source, expected),
        Step::Sets(id, value) => source.set_control(ControlSetting { id, value }),
        Step::Resets => source.reset_controls(),
        Step::Has(values) => controls::comes_to_have(source, values),
        Step::Warned(words) => controls::warned(source, words),
        Step::Shows(colour) => measured::shows(source, colour),
        Step::Rate(rate) => measured::rate(source, rate),
        Step::Slowly(count) => measured::slowly(source, count),
        Step::AgeIsTheDrivers(stamped_at) => measured::age_is_the_drivers(source, stamped_at),
        Step::Flaps(times) => flaps(source, times),
        Step::Opens(_)
        | Step::OpenFails(_)
        | Step::Lists(_)
        | Step::Offers(..)
        | Step::OtherProgramSets(..)
        | Step::Unplug
        | Step::UnplugHeld
        | Step::PlugIn => unreachable!(),
    }
}

/// A frame comes by which at least so many of each kind were lost, and far fewer than a wrong count would give.
fn loses(source: &mut dyn FrameSource, expected: CameraLosses) {
    let started = Instant::now();
    loop {
        let losses = frames(source, 1)[0].losses.expect("a camera's frame");
        assert!(losses.dropped < 2000, "{losses:?}");
        let enough = [
            losses.dropped >= expected.dropped,
            losses.damaged >= expected.damaged,
            losses.reopened >= expected.reopened,
        ];
        if enough == [true; 3] {
            return;
        }
        assert!(started.elapsed() < STEP_LIMIT, "{losses:?}");
    }
}

fn pause(source: &mut dyn FrameSource, span: Duration) {
    source.set_paused(true);
    let end = Instant::now() + span;
    while Instant::now() < end {
        assert!(matches!(source.next_frame(Duration::from_millis(50)), Ok(Next::Waiting)));
    }
    source.set_paused(false);
    let resumed = Instant::now();
    assert!(frames(source, 1)[0].captured_at + Duration::from_millis(50) > resumed, "a frame of before");
}

/// So often it is unplugged and comes back.
fn flaps(source: &mut dyn FrameSource, times: usize) {
    let mut first = None;
    for _ in 0..times {
        driver::unplug();
        let error = told_within(source, STEP_LIMIT).expect("an error").to_string();
        assert!(error.contains("it is gone"), "{error}");
        driver::plug_in();
        frames(source, 3);
        let held = held();
        let before = *first.get_or_insert(held);
        assert!(held.0 <= before.0 && held.1 <= before.1, "files and threads: {before:?} became {held:?}");
    }
}

/// Open files and threads of this process.
fn held() -> (usize, usize) {
    let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

/// Processor time of this process.
fn core_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    // User and system time in hundredths of a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}
