//! The played camera at the start of the whole pipeline.

use crate::STEP_LIMIT;
use crate::growth::frames_behind;
use crate::tiny_onnx;
use quantscope::capture::{SourceOptions, SourceSpec};
use quantscope::imaging::RgbImage;
use quantscope::inference::{Detector, LoadOptions, ModelOverrides, Thresholds};
use quantscope::pipeline::{Command, Event, LaneId, Link, Pipeline, PipelineConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A view behind the whole pipeline that looks once in ten periods: what it finds is at most two frames behind, one that is
/// on its way through the pipeline and one that the camera took meanwhile.
pub fn slow_view(options: &SourceOptions, count: usize) {
    let (link, _pipeline) = start();
    open(&link, options);
    let started = Instant::now();
    let (mut seen, mut in_time) = (0, 0);
    while seen < count {
        assert!(started.elapsed() < STEP_LIMIT, "{seen} results");
        std::thread::sleep(Duration::from_millis(333));
        if let Some(result) = link.take_result() {
            seen += 1;
            in_time += usize::from(frames_behind(&result.frame) <= 2);
        }
    }
    assert!(in_time + count / 4 >= count, "{in_time} of {count} were new");
}

/// What a camera takes in this time is one frame.
const PERIOD: Duration = Duration::from_millis(33);

/// A model ten times too slow for the camera: where its inference begins, a frame is no older than the time from one frame
/// to the next, although eight of ten are passed over.
pub fn slow_model(options: &SourceOptions, count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = slow_enough(folder.path());
    let (link, _pipeline) = start();
    assert!(link.send(Command::LoadModel { lane: LaneId::A, path, overrides: ModelOverrides::default() }));
    open(&link, options);
    let started = Instant::now();
    let mut ages = Vec::new();
    while ages.len() < count {
        assert!(started.elapsed() < STEP_LIMIT, "{} results", ages.len());
        let Some(result) = link.take_result() else {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        };
        if let Some(lane) = &result.lanes[LaneId::A.index()] {
            let timings = &lane.timings;
            ages.push(result.frame_to_box.saturating_sub(timings.inference + timings.postprocess));
        }
    }
    ages.sort_unstable();
    println!("age where inference begins: {ages:?}");
    assert!(ages[count / 2] <= PERIOD, "{ages:?}");
}

/// A model that takes ten periods of the camera on this machine, by a run of its own.
fn slow_enough(folder: &Path) -> PathBuf {
    let (picture, options) = (RgbImage::new(64, 64), LoadOptions::default());
    let mut sines = 16;
    loop {
        let path = tiny_onnx::write(folder, "slow.onnx", &tiny_onnx::slow(sines));
        let mut detector = Detector::load(&path, &options, None, &mut |_| {}).unwrap();
        let takes = detector.detect(&picture, Thresholds::default(), &mut Vec::new()).unwrap().inference;
        if takes > PERIOD * 10 {
            return path;
        }
        sines += sines / 2;
    }
}

/// The camera is asked for so many times, the next time while it is being opened or just was: only the last one counts,
/// and that another one is in the way is never told.
pub fn asked_again(options: &SourceOptions, times: usize) {
    let (link, _pipeline) = start();
    for pause_ms in (0..times as u64).map(|time| time % 3 * 15) {
        open(&link, options);
        std::thread::sleep(Duration::from_millis(pause_ms));
    }
    let started = Instant::now();
    let mut opened = false;
    // What was opened before the last one may have given a frame already: one of after the last opening is waited for.
    loop {
        assert!(started.elapsed() < STEP_LIMIT, "it does not open");
        while let Some(event) = link.take_event() {
            match event {
                Event::SourceOpened { .. } => opened = true,
                Event::SourceFailed { message, .. } | Event::SourceTroubled { message, .. } => panic!("{message}"),
                _ => {}
            }
        }
        let newest = link.take_result().map(|result| result.frame.captured_at);
        if opened && started.elapsed() > Duration::from_secs(1) && newest.is_some_and(|at| at > started) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn start() -> (Link, Pipeline) {
    Pipeline::start(PipelineConfig { trial: None, threads: 1 }, Arc::new(|| {})).unwrap()
}

fn open(link: &Link, options: &SourceOptions) {
    assert!(link.send(Command::OpenSource(SourceSpec::Camera(0), options.clone())));
}
