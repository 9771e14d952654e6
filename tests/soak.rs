//! The long run, `make soak`: resident memory must stay flat over ten thousand toggles and two hundred model loads.

#![cfg(target_os = "linux")]
mod common;

use quantscope::capture::{Pace, SourceOptions, SourceSpec};
use quantscope::inference::{ModelOverrides, trial::Trial};
use quantscope::pipeline::{Command, Event, LaneId, Link, Mode, Pipeline, PipelineConfig};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Switches between the two lanes.
const TOGGLES: usize = 10_000;
/// Until then the allocator and the statistics' windows (300 frames) fill.
const TOGGLES_OF_WARM_UP: usize = 1_000;
/// Models put in the place of others.
const LOADS: usize = 200;
/// Until then the allocator's heaps have found their size.
const LOADS_OF_WARM_UP: usize = 40;
/// Loads that are tried in a process of their own first, as in real use.
const LOADS_WITH_TRIAL: usize = 5;
/// What memory may grow by after the warm-up of the toggles. One frame (1 MiB) in a hundred toggles, kept for ever,
/// would be 90 MiB; what an allocator does not give back at once is a few.
const TOGGLES_GROWTH_MAX: i64 = 16 << 20;
/// What memory may grow by after the warm-up of the loads. A tenth of each model kept for ever (a session of the
/// default pair holds about 8 MiB) would be 130 MiB; heaps breathe by about ten.
const LOADS_GROWTH_MAX: i64 = 32 << 20;
/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Memory is the process's: one soak at a time.
static TURN: Mutex<()> = Mutex::new(());

fn resident_bytes() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix("kB").unwrap().trim().parse::<i64>().unwrap() * 1024
}

/// Resident memory at moments of a run.
struct Memory {
    what: &'static str,
    begin: Instant,
    baseline: Option<i64>,
    highest: i64,
}

impl Memory {
    fn new(what: &'static str) -> Self {
        Self { what, begin: Instant::now(), baseline: None, highest: 0 }
    }

    /// Notes and prints the memory after `count`; the first time is the end of the warm-up.
    fn note(&mut self, count: usize) {
        let now = resident_bytes();
        let baseline = *self.baseline.get_or_insert(now);
        self.highest = self.highest.max(now - baseline);
        let mib = |bytes: i64| bytes as f64 / f64::from(1 << 20);
        let seconds = self.begin.elapsed().as_secs();
        println!("{count:>6} {}: {:.1} MiB ({:+.1}) after {seconds} s", self.what, mib(now), mib(now - baseline));
    }

    fn assert_flat(&self, growth_max: i64) {
        assert!(self.highest <= growth_max, "{}: memory grew by {} bytes", self.what, self.highest);
    }
}

struct Running {
    link: Link,
    _pipeline: Pipeline,
}

impl Running {
    /// Both default models on the demo scene, frames as fast as they are taken.
    fn start(trial: Option<Trial>) -> Self {
        // As the program does.
        quantscope::runtime::keep_few_heaps();
        let (link, pipeline) = Pipeline::start(PipelineConfig { trial, threads: 1 }, Arc::new(|| {})).unwrap();
        let running = Self { link, _pipeline: pipeline };
        let options = SourceOptions { pace: Pace::EveryFrame, ..SourceOptions::default() };
        running.send(Command::OpenSource(SourceSpec::Demo, options));
        running.load(LaneId::A, &common::default_model("scene.onnx"));
        running.load(LaneId::B, &common::default_model("scene.int8.onnx"));
        running
    }

    fn send(&self, command: Command) {
        assert!(self.link.send(command));
    }

    fn load(&self, lane: LaneId, path: &Path) {
        let overrides = ModelOverrides::default();
        self.send(Command::LoadModel { lane, path: path.to_owned(), overrides });
        let end = Instant::now() + PATIENCE;
        loop {
            match self.link.take_event() {
                Some(Event::ModelLoaded { .. }) => return,
                Some(Event::ModelFailed { message, .. }) => unreachable!("{message}"),
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
            assert!(Instant::now() < end, "the model was not loaded");
        }
    }

    /// Switches to a lane and waits for a frame with its boxes.
    fn show(&self, lane: LaneId, model: &Path) {
        self.send(Command::SetMode(Mode::Single(lane)));
        let end = Instant::now() + PATIENCE;
        loop {
            let result = self.link.take_result().filter(|result| result.mode == Mode::Single(lane));
            let found = result.as_ref().and_then(|result| result.lanes[lane.index()].as_ref());
            if found.is_some_and(|found| found.model.path == model) {
                return;
            }
            assert!(Instant::now() < end, "no frame of lane {lane:?} came");
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}

fn default_pair() -> [(LaneId, PathBuf); 2] {
    [(LaneId::A, common::default_model("scene.onnx")), (LaneId::B, common::default_model("scene.int8.onnx"))]
}

#[test]
#[ignore = "takes minutes: make soak"]
fn ten_thousand_toggles_leave_memory_flat() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let running = Running::start(None);
    let pair = default_pair();
    let mut memory = Memory::new("toggles");
    for count in 1..=TOGGLES {
        let (lane, model) = &pair[count % 2];
        running.show(*lane, model);
        if count % TOGGLES_OF_WARM_UP == 0 {
            memory.note(count);
        }
    }
    memory.assert_flat(TOGGLES_GROWTH_MAX);
}

#[test]
#[ignore = "takes minutes: make soak"]
fn two_hundred_model_loads_leave_memory_flat() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let pair = default_pair();
    let trial = Trial::new(PathBuf::from(env!("CARGO_BIN_EXE_quantscope")));
    let running = Running::start(Some(trial));
    for count in 0..LOADS_WITH_TRIAL {
        let (lane, model) = &pair[count % 2];
        running.load(*lane, model);
        running.show(*lane, model);
    }
    drop(running);
    let running = Running::start(None);
    let mut memory = Memory::new("loads");
    for count in LOADS_WITH_TRIAL + 1..=LOADS {
        // Each lane gets each model in turn, and is on view when it does.
        let lane = LaneId::BOTH[count / 2 % 2];
        let (_, model) = &pair[count % 2];
        running.load(lane, model);
        running.show(lane, model);
        if count % LOADS_OF_WARM_UP == 0 {
            memory.note(count);
        }
    }
    memory.assert_flat(LOADS_GROWTH_MAX);
}
