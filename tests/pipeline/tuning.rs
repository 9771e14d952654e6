//! Threads that are measured: with a stand-in for the clock, so that no test depends on the machine.

use super::{PATIENCE, Running, model};
use quantscope::inference::tuning::{RunClock, TunedBy, Tuning};
use quantscope::inference::{Detector, ModelInfo, SessionError};
use quantscope::pipeline::{Command, Event, LaneId, Mode};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Says that two threads take half as long as one, and that nothing gains from spinning; counts what it is asked.
#[derive(Debug, Default)]
struct StandInClock {
    asked: AtomicUsize,
    /// Held by a test that wants the measuring to wait.
    gate: Mutex<()>,
    /// Four where none are said.
    cores: Option<usize>,
}

impl RunClock for StandInClock {
    fn time(&self, detector: &mut Detector, tuning: Tuning) -> Result<Duration, SessionError> {
        assert_eq!(detector.info().tuning(), tuning);
        self.asked.fetch_add(1, Ordering::SeqCst);
        let _open = self.gate.lock();
        Ok(Duration::from_millis(20) / tuning.threads as u32)
    }

    fn cores(&self) -> usize {
        self.cores.unwrap_or(4)
    }
}

impl StandInClock {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Both default models under names and with contents of their own, so that nothing is known of them.
fn unknown_models(folder: &Path) -> [PathBuf; 2] {
    ["scene.onnx", "scene.int8.onnx"].map(|name| {
        let copy = folder.join(name);
        let mut bytes = std::fs::read(model(name)).unwrap();
        // Another `doc_string`: of a field that comes twice, the last one counts.
        let told = format!("{:?} {:?}", std::time::SystemTime::now(), folder);
        bytes.extend([0x32, u8::try_from(told.len()).unwrap()]);
        bytes.extend(told.bytes());
        std::fs::write(&copy, bytes).unwrap();
        std::fs::copy(model("scene.toml"), copy.with_extension("toml")).unwrap();
        copy
    })
}

fn tuned(lane: LaneId, threads: usize, lanes: usize) -> impl Fn(&Event) -> bool {
    move |event| {
        let Event::ModelTuned { lane: at, info } = event else { return false };
        let TunedBy::Measuring(measured) = &info.tuned_by else { return false };
        (*at, info.threads, info.spinning, measured.share.lanes) == (lane, threads, false, lanes)
    }
}

#[test]
fn threads_are_measured_behind_the_running_models_once_they_have_shown_boxes() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = unknown_models(folder.path());
    let clock = Arc::new(StandInClock::default());
    let mut running = Running::start();
    running.send(Command::MeasureThreads(Arc::<StandInClock>::clone(&clock)));
    let gate = clock.gate.lock().unwrap();
    running.load(LaneId::A, a.clone());
    running.load(LaneId::B, b);
    running.open("demo");
    running.wait_for(|event| matches!(event, Event::ModelLoaded { lane: LaneId::A, info } if info.threads == 1));
    running.wait_for(|event| matches!(event, Event::ModelLoaded { lane: LaneId::B, info } if info.threads == 1));
    running.send(Command::SetMode(Mode::Compare));
    // It runs on while it is measured.
    let end = Instant::now() + PATIENCE;
    while clock.asked() == 0 {
        let both = running.result_where(|r| r.lanes.iter().all(Option::is_some) || clock.asked() > 0);
        assert!(both.lanes.iter().flatten().all(|lane| lane.model.threads == 1));
        assert!(Instant::now() < end, "nothing was measured");
    }
    let during = running.result_where(|r| r.lanes.iter().all(Option::is_some)).id;
    running.result_where(|r| r.id.0 > during.0 + 3 && r.lanes.iter().all(Option::is_some));
    drop(gate);
    running.wait_for(tuned(LaneId::A, 2, 2));
    running.wait_for(tuned(LaneId::B, 2, 2));
    running.result_where(|r| r.lanes.iter().flatten().filter(|lane| lane.model.threads == 2).count() == 2);
    // What was found is used at once the next time, and nothing is measured again.
    let asked = clock.asked();
    running.load(LaneId::A, a);
    running.wait_for(|event| matches!(event, Event::ModelLoaded { lane: LaneId::A, info } if info.threads == 2));
    // Alone, it may have other threads.
    running.send(Command::UnloadModel(LaneId::B));
    running.wait_for(tuned(LaneId::A, 4, 1));
    assert!(clock.asked() > asked);
    // A number that is fixed ends it.
    running.send(Command::SetThreads(1));
    let fixed = |info: &ModelInfo| info.threads == 1 && info.tuned_by == TunedBy::Order;
    running.wait_for(|event| matches!(event, Event::ModelLoaded { lane: LaneId::A, info } if fixed(info)));
}

#[test]
fn a_model_that_had_all_cores_gives_half_of_them_to_the_second_one() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = unknown_models(folder.path());
    let clock = Arc::new(StandInClock { cores: Some(2), ..StandInClock::default() });
    let mut running = Running::start();
    running.send(Command::MeasureThreads(Arc::<StandInClock>::clone(&clock)));
    running.load(LaneId::A, a);
    running.open("demo");
    running.wait_for(tuned(LaneId::A, 2, 1));
    let asked = clock.asked();
    running.load(LaneId::B, b);
    running.wait_for(tuned(LaneId::A, 1, 2));
    assert_eq!(clock.asked(), asked, "there is nothing to choose from");
}

#[test]
fn nothing_is_measured_while_the_picture_is_paused() {
    let folder = tempfile::tempdir().unwrap();
    let [a, _] = unknown_models(folder.path());
    let clock = Arc::new(StandInClock::default());
    let mut running = Running::start();
    running.send(Command::MeasureThreads(Arc::<StandInClock>::clone(&clock)));
    let gate = clock.gate.lock().unwrap();
    running.load(LaneId::A, a);
    running.open("demo");
    let end = Instant::now() + PATIENCE;
    while clock.asked() == 0 {
        assert!(Instant::now() < end, "nothing was measured");
        std::thread::sleep(Duration::from_millis(2));
    }
    running.send(Command::SetPaused(true));
    // A command that is answered after the one before it was obeyed.
    running.send(Command::Exchange);
    running.wait_for(|event| matches!(event, Event::ModelReady(None)));
    drop(gate);
    let asked = clock.asked();
    std::thread::sleep(Duration::from_millis(1500));
    assert!(clock.asked() <= asked + 1, "the run in hand may end, and no more begins");
    while let Some(event) = running.link.take_event() {
        assert!(!matches!(event, Event::ModelTuned { .. }), "{event:?}");
    }
    running.send(Command::SetPaused(false));
    running.wait_for(tuned(LaneId::A, 4, 1));
}
