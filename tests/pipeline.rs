//! The live pipeline with the default models on the demo scene: what the window relies on.

#[path = "pipeline/tuning.rs"]
mod tuning;

use quantscope::capture::{SourceOptions, SourceSpec};
use quantscope::inference::{Acceleration, ModelOverrides, Thresholds};
use quantscope::pipeline::{Command, Event, FrameResult, LaneId, Link, Mode, Pipeline, PipelineConfig, WorstFrames};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Long enough for a busy machine; a test that works is done in a fraction of it.
const PATIENCE: Duration = Duration::from_secs(60);

struct Running {
    link: Link,
    events: Vec<Event>,
    _pipeline: Pipeline,
}

fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name)
}

impl Running {
    fn start() -> Self {
        let config = PipelineConfig { trial: None, threads: 1 };
        let (link, pipeline) = Pipeline::start(config, Arc::new(|| {})).unwrap();
        Self { link, events: Vec::new(), _pipeline: pipeline }
    }

    /// Both default models on the demo scene.
    fn with_defaults() -> Self {
        let mut running = Self::start();
        running.load(LaneId::A, model("scene.onnx"));
        running.load(LaneId::B, model("scene.int8.onnx"));
        running.open("demo");
        running.wait_for(|event| matches!(event, Event::ModelLoaded { lane: LaneId::A, .. }));
        running.wait_for(|event| matches!(event, Event::ModelLoaded { lane: LaneId::B, .. }));
        running
    }

    fn send(&self, command: Command) {
        assert!(self.link.send(command));
    }

    fn load(&self, lane: LaneId, path: PathBuf) {
        self.send(Command::LoadModel { lane, path, overrides: ModelOverrides::default() });
    }

    fn open(&self, source: &str) {
        self.send(Command::OpenSource(SourceSpec::from(source), SourceOptions::default()));
    }

    fn wait_for(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        let end = Instant::now() + PATIENCE;
        loop {
            while let Some(event) = self.link.take_event() {
                self.events.push(event);
            }
            if let Some(position) = self.events.iter().position(&wanted) {
                return self.events.remove(position);
            }
            assert!(Instant::now() < end, "the event did not come; there were {:?}", self.events);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn result(&self) -> Arc<FrameResult> {
        self.result_where(|_| true)
    }

    fn result_where(&self, wanted: impl Fn(&FrameResult) -> bool) -> Arc<FrameResult> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(result) = self.link.take_result().filter(|result| wanted(result)) {
                return result;
            }
            assert!(Instant::now() < end, "no such result came");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn worst_where(&self, wanted: impl Fn(&WorstFrames) -> bool) -> Arc<WorstFrames> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(worst) = self.link.take_worst().filter(|worst| wanted(worst)) {
                return worst;
            }
            assert!(Instant::now() < end, "no such frames were kept");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Takes what is under way and then sees that nothing more comes.
    fn assert_at_rest(&self) {
        std::thread::sleep(Duration::from_millis(500));
        while self.link.take_result().is_some() {}
        std::thread::sleep(Duration::from_millis(400));
        assert!(self.link.take_result().is_none(), "something is still published");
    }
}

#[test]
fn compare_mode_runs_both_models_on_the_same_frame_and_knows_the_truth() {
    let running = Running::with_defaults();
    running.send(Command::SetMode(Mode::Compare));
    let both = |r: &FrameResult| r.lanes.iter().all(Option::is_some);
    let result = running.result_where(|r| both(r) && r.lanes[0].as_ref().is_some_and(|l| !l.detections.is_empty()));
    assert_eq!(result.mode, Mode::Compare);
    assert!(result.agreement.is_some());
    let truth = result.frame.truth.as_ref().expect("the demo scene knows what it shows");
    assert_eq!(truth.class_names.len(), 12);
    let late = running.result_where(|r| both(r) && r.statistics.lanes.iter().all(|lane| lane.accuracy.is_some()));
    for lane in &late.statistics.lanes {
        assert!(lane.fps.is_some() || lane.frames < 3);
        assert!(lane.total.p50_ms >= lane.inference.p50_ms);
        let accuracy = lane.accuracy.unwrap();
        assert!((0.0..=1.0).contains(&accuracy.ap50) && (0.0..=1.0).contains(&accuracy.recall));
    }
}

#[test]
fn the_agreement_looks_back_over_as_many_frames_as_it_is_told_also_after_a_reset() {
    let running = Running::with_defaults();
    running.send(Command::SetMode(Mode::Compare));
    running.send(Command::SetAgreementWindow(12));
    let agreement = |r: &FrameResult| r.statistics.agreement;
    let full = running.result_where(|r| agreement(r).is_some_and(|a| a.window == 12 && a.frames == 12));
    let late = running.result_where(|r| r.id.0 > full.id.0 + 20 && agreement(r).is_some());
    assert_eq!(agreement(&late).map(|a| (a.frames, a.f1_interval)), Some((12, None)), "twelve frames are no sample");
    running.send(Command::ResetStatistics);
    running.result_where(|r| agreement(r).is_some_and(|a| a.window == 12 && a.frames < 12));
    // What fits is kept when the window grows.
    running.result_where(|r| agreement(r).is_some_and(|a| a.frames == 12));
    running.send(Command::SetAgreementWindow(1_000_000));
    let grown = running.result_where(|r| agreement(r).is_some_and(|a| a.window == 10_000));
    assert!(agreement(&grown).is_some_and(|a| a.frames >= 12));
}

#[test]
fn the_worst_frames_are_kept_while_they_are_wanted_and_begin_anew_with_other_thresholds() {
    let running = Running::with_defaults();
    running.send(Command::SetMode(Mode::Compare));
    // Low, so that two good models disagree about something.
    running.send(Command::SetThresholds(Thresholds { confidence: 0.05, iou: 0.45 }));
    running.result_where(|r| r.agreement.as_ref().is_some_and(|a| !a.only_a.is_empty() || !a.only_b.is_empty()));
    assert!(running.link.take_worst().is_none(), "nobody has asked for them");
    running.send(Command::KeepWorst(true));
    let two = running.worst_where(|worst| worst.frames.len() >= 2);
    for pair in two.frames.windows(2) {
        assert!(pair[0].disagreement >= pair[1].disagreement);
        let apart = |a: &FrameResult, b: &FrameResult| {
            a.frame
                .captured_at
                .saturating_duration_since(b.frame.captured_at)
                .max(b.frame.captured_at.saturating_duration_since(a.frame.captured_at))
        };
        assert!(apart(&pair[0].result, &pair[1].result) >= Duration::from_secs(1), "near copies");
    }
    for kept in &two.frames {
        let [a, b] = [0, 1].map(|lane| &kept.result.lanes[lane].as_ref().unwrap().detections[..]);
        let agreement = kept.result.agreement.as_ref().unwrap();
        assert_eq!((kept.disagreement, kept.result.mode), (agreement.disagreement(a, b), Mode::Compare));
    }
    running.send(Command::SetThresholds(Thresholds { confidence: 0.06, iou: 0.45 }));
    let anew = running.worst_where(|worst| worst.round > two.round);
    assert!(anew.frames.len() <= 1, "{} are of the old thresholds", anew.frames.len().saturating_sub(1));
    running.worst_where(|worst| !worst.frames.is_empty());
    running.open("demo");
    let last = running.worst_where(|worst| worst.round > anew.round);
    running.worst_where(|worst| !worst.frames.is_empty());
    running.send(Command::KeepWorst(false));
    running.worst_where(|worst| worst.round > last.round && worst.frames.is_empty());
    running.result();
    running.result();
    assert!(running.link.take_worst().is_none());
}

#[test]
fn toggling_never_shows_a_frame_without_boxes_of_the_lane_it_belongs_to() {
    let running = Running::with_defaults();
    running.result_where(|r| r.lanes[0].is_some());
    let mut last = 0;
    for turn in 0..40 {
        let lane = if turn % 2 == 0 { LaneId::B } else { LaneId::A };
        running.send(Command::SetMode(Mode::Single(lane)));
        loop {
            let result = running.result();
            assert!(result.id.0 >= last, "frames come in order");
            last = result.id.0;
            let Mode::Single(of) = result.mode else { panic!("nobody asked to compare") };
            assert!(result.lanes[of.index()].is_some(), "frame {last} of lane {of:?} has no boxes");
            if of == lane {
                break;
            }
        }
    }
}

#[test]
fn exchanging_the_model_of_lane_b_never_shows_a_frame_without_boxes() {
    let mut running = Running::with_defaults();
    let folder = tempfile::tempdir().unwrap();
    let third = folder.path().join("third.onnx");
    std::fs::copy(model("scene.int8.onnx"), &third).unwrap();
    std::fs::copy(model("scene.toml"), folder.path().join("third.toml")).unwrap();
    running.send(Command::KeepReady(Some((third.clone(), ModelOverrides::default()))));
    let ready =
        |path: PathBuf| move |event: &Event| matches!(event, Event::ModelReady(Some(info)) if info.path == path);
    running.wait_for(ready(third.clone()));
    running.send(Command::SetMode(Mode::Single(LaneId::B)));
    let path = |r: &FrameResult| r.lanes[1].as_ref().map(|lane| lane.model.path.clone());
    let mut last = running.result_where(|r| path(r) == Some(model("scene.int8.onnx")));
    for wanted in [third.clone(), model("scene.int8.onnx"), third.clone()] {
        running.send(Command::Exchange);
        loop {
            let result = running.result();
            assert!(path(&result).is_some(), "a frame without an answer of lane B");
            assert!(result.id >= last.id);
            last = result;
            if path(&last) == Some(wanted.clone()) {
                break;
            }
        }
    }
    running.wait_for(ready(model("scene.int8.onnx")));
    running.send(Command::KeepReady(None));
    running.wait_for(|event| matches!(event, Event::ModelReady(None)));
    running.send(Command::Exchange);
    assert_eq!(path(&running.result()), Some(third), "nothing is there to be exchanged");
}

#[test]
fn a_load_that_is_under_way_does_not_undo_an_exchange() {
    let mut running = Running::with_defaults();
    let folder = tempfile::tempdir().unwrap();
    let third = folder.path().join("third.onnx");
    std::fs::copy(model("scene.int8.onnx"), &third).unwrap();
    std::fs::copy(model("scene.toml"), folder.path().join("third.toml")).unwrap();
    running.send(Command::KeepReady(Some((third.clone(), ModelOverrides::default()))));
    let loaded = |wanted: PathBuf, threads: usize| move |event: &Event| matches!(event, Event::ModelLoaded { lane: LaneId::B, info } if info.path == wanted && info.threads == threads);
    let ready = |wanted: PathBuf, threads: usize| move |event: &Event| matches!(event, Event::ModelReady(Some(info)) if info.path == wanted && info.threads == threads);
    running.wait_for(|event| matches!(event, Event::ModelReady(Some(_))));
    running.send(Command::SetMode(Mode::Single(LaneId::B)));
    // All three are loaded again; the exchange comes before any of them is there.
    running.send(Command::SetThreads(2));
    running.send(Command::Exchange);
    running.wait_for(ready(model("scene.int8.onnx"), 2));
    running.wait_for(loaded(third.clone(), 2));
    let undone = loaded(model("scene.int8.onnx"), 2);
    assert!(!running.events.iter().any(undone), "the exchange was undone");
    running.result_where(|r| {
        let lane = r.lanes[1].as_ref();
        lane.is_some_and(|lane| lane.model.path == third && lane.model.threads == 2)
    });
}

#[test]
fn a_model_may_have_threads_of_its_own_wherever_it_runs() {
    let mut running = Running::with_defaults();
    let loaded = |lane: LaneId, name: &str, threads: usize| {
        let path = model(name);
        move |event: &Event| matches!(event, Event::ModelLoaded { lane: at, info } if (*at, &info.path, info.threads) == (lane, &path, threads))
    };
    running.send(Command::SetThreadsOf(model("scene.int8.onnx"), Some(2)));
    running.wait_for(loaded(LaneId::B, "scene.int8.onnx", 2));
    running.load(LaneId::A, model("scene.int8.onnx"));
    running.wait_for(loaded(LaneId::A, "scene.int8.onnx", 2));
    running.load(LaneId::B, model("scene.onnx"));
    running.wait_for(loaded(LaneId::B, "scene.onnx", 1));
    running.send(Command::SetThreadsOf(model("scene.int8.onnx"), None));
    running.wait_for(loaded(LaneId::A, "scene.int8.onnx", 1));
    running.send(Command::SetThreadsOf(model("scene.onnx"), Some(2)));
    running.wait_for(loaded(LaneId::B, "scene.onnx", 2));
    running.send(Command::SetThreads(1));
    running.wait_for(loaded(LaneId::B, "scene.onnx", 1));
    running.wait_for(loaded(LaneId::A, "scene.int8.onnx", 1));
    let reloads = running.events.iter().filter(|event| matches!(event, Event::ModelLoaded { .. })).count();
    assert_eq!(reloads, 0, "nothing is loaded again whose number stays");
}

#[test]
fn models_are_loaded_again_when_acceleration_is_switched() {
    let mut running = Running::with_defaults();
    let loaded = |lane: LaneId, off: bool| move |event: &Event| matches!(event, Event::ModelLoaded { lane: at, info } if *at == lane && (info.acceleration == Acceleration::Off) == off);
    for off in [true, false, true] {
        running.send(Command::SetAccelerate(!off));
        running.wait_for(loaded(LaneId::A, off));
        running.wait_for(loaded(LaneId::B, off));
        running.result_where(|r| {
            let lane = r.lanes[0].as_ref().or(r.lanes[1].as_ref());
            lane.is_some_and(|lane| (lane.model.acceleration == Acceleration::Off) == off)
        });
    }
}

#[test]
fn a_paused_frame_gets_new_thresholds_and_lanes_without_a_new_frame() {
    let running = Running::with_defaults();
    running.result_where(|r| r.lanes[0].as_ref().is_some_and(|lane| !lane.detections.is_empty()));
    running.send(Command::SetPaused(true));
    running.assert_at_rest();
    let inference_frames = |r: &FrameResult| r.statistics.lanes[0].frames;
    running.send(Command::SetThresholds(Thresholds { confidence: 0.02, iou: 0.45 }));
    let many = running.result();
    running.send(Command::SetThresholds(Thresholds { confidence: 0.999, iou: 0.45 }));
    let none = running.result();
    let count = |r: &FrameResult| r.lanes[0].as_ref().map_or(0, |lane| lane.detections.len());
    assert_eq!(many.id, none.id);
    assert!(count(&many) > count(&none), "{} > {}", count(&many), count(&none));
    assert_eq!(inference_frames(&many), inference_frames(&none), "inference was run again");
    running.send(Command::SetMode(Mode::Compare));
    let compared = running.result_where(|r| r.lanes[1].is_some());
    assert_eq!(compared.id, many.id, "the second lane works on the frame on view");
    running.assert_at_rest();
    running.send(Command::Step);
    assert!(running.result().id > compared.id);
    running.assert_at_rest();
}

#[test]
fn a_model_that_fails_to_load_leaves_the_running_one_running() {
    let mut running = Running::with_defaults();
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.onnx");
    std::fs::write(&broken, b"this is no model").unwrap();
    running.load(LaneId::A, broken.clone());
    let Event::ModelFailed { lane, path, message } =
        running.wait_for(|event| matches!(event, Event::ModelFailed { .. }))
    else {
        unreachable!()
    };
    assert_eq!((lane, path), (LaneId::A, broken));
    assert!(message.contains("broken.onnx"), "{message}");
    // What waits to be taken may be from before the models were there.
    let waiting = running.result().id;
    for _ in 0..5 {
        let result = running.result();
        assert!(result.id > waiting && result.lanes[0].is_some());
    }
}

#[test]
fn a_source_changes_while_running_and_a_wrong_one_leaves_the_old_one() {
    let mut running = Running::with_defaults();
    running.open("/nowhere/at/all.png");
    running.wait_for(|event| matches!(event, Event::SourceFailed { .. }));
    let before = running.result().id;
    assert!(running.result_where(|r| r.id > before).frame.truth.is_some(), "the demo scene goes on");
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("grey.png");
    image::RgbImage::from_pixel(64, 48, image::Rgb([90, 90, 90])).save(&picture).unwrap();
    running.open(picture.to_str().unwrap());
    let still = running.result_where(|r| &*r.frame.name == "grey.png" && r.lanes[0].is_some());
    assert_eq!(still.frame.image.dimensions(), (64, 48));
    running.assert_at_rest();
    running.send(Command::SetMode(Mode::Compare));
    let compared = running.result_where(|r| r.lanes[1].is_some());
    assert_eq!(compared.id, still.id, "a single picture is compared without being read again");
    running.assert_at_rest();
}

#[test]
fn an_empty_pipeline_shows_pictures_and_stops_at_once() {
    let running = Running::start();
    running.open("demo");
    let result = running.result();
    assert!(result.lanes.iter().all(Option::is_none));
    let begin = Instant::now();
    drop(running);
    assert!(begin.elapsed() < Duration::from_secs(2), "stopping took {:?}", begin.elapsed());
}
