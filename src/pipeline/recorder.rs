//! Gathers the figures of the panel, frame by frame, and hands out snapshots.

use super::worst::WorstKeeper;
use super::{LaneId, LaneResult, LaneStatistics, Mode, Statistics};
use crate::capture::{CameraLosses, CapturedFrame};
use crate::dataset::match_class_names;
use crate::imaging::{Letterbox, Truth, TruthBox};
use crate::inference::{Candidate, Detection, ModelCard, StageTimings};
use crate::metrics::{
    AGREEMENT_FRAMES, AGREEMENT_FRAMES_DEFAULT, AccuracyWindow, AgreementWindow, FrameAgreement, Health, LatencyWindow,
    RateMeter, TotalRate,
};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Frames in the windows of latency and accuracy.
const WINDOW_FRAMES: usize = 300;
/// Latencies in the sparkline.
const SPARKLINE_FRAMES: usize = 120;
/// Span of the rates.
const RATE_SPAN: Duration = Duration::from_secs(2);
/// Sorting 300 values for every stage at every frame would be a waste; people read a few figures a second.
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(200);
/// Span of the CPU figure.
const PROCESS_INTERVAL: Duration = Duration::from_secs(1);

struct LaneRecorder {
    finished: RateMeter,
    preprocess: LatencyWindow,
    inference: LatencyWindow,
    postprocess: LatencyWindow,
    total: LatencyWindow,
    frame_to_box: LatencyWindow,
    accuracy: AccuracyWindow,
    health: Health,
    /// Classes of the truth that the model knows, and all classes of the truth.
    classes: [usize; 2],
}

impl LaneRecorder {
    fn new() -> Self {
        let window = || LatencyWindow::new(WINDOW_FRAMES);
        Self {
            finished: RateMeter::new(RATE_SPAN),
            preprocess: window(),
            inference: window(),
            postprocess: window(),
            total: window(),
            frame_to_box: window(),
            accuracy: AccuracyWindow::new(WINDOW_FRAMES),
            health: Health::default(),
            classes: [0; 2],
        }
    }

    fn push(&mut self, timings: &StageTimings, frame_to_box: Duration, now: Instant) {
        self.finished.tick(now);
        self.preprocess.push(timings.preprocess);
        self.inference.push(timings.inference);
        self.postprocess.push(timings.postprocess);
        self.total.push(timings.total());
        self.frame_to_box.push(frame_to_box);
    }

    fn statistics(&mut self, now: Instant, other_found: bool) -> LaneStatistics {
        LaneStatistics {
            fps: self.finished.rate(now),
            frames: self.total.len(),
            preprocess: self.preprocess.summary(),
            inference: self.inference.summary(),
            postprocess: self.postprocess.summary(),
            total: self.total.summary(),
            frame_to_box: self.frame_to_box.summary(),
            recent_total_ms: self.total.newest_ms(SPARKLINE_FRAMES),
            accuracy: self.accuracy.accuracy(self.classes[0], self.classes[1]),
            oddities: self.health.oddities(other_found),
        }
    }
}

/// Everything that is counted.
pub(super) struct Recorder {
    lanes: [LaneRecorder; 2],
    agreement: AgreementWindow,
    /// Goes with the agreement: what makes other frames comparable empties both.
    pub worst: WorstKeeper,
    captured: TotalRate,
    decode: LatencyWindow,
    captured_frames: u64,
    dropped_frames: u64,
    camera_losses: Option<CameraLosses>,
    process: ProcessFigures,
    snapshot: Arc<Statistics>,
    snapshot_at: Option<Instant>,
}

impl Recorder {
    pub fn new() -> Self {
        Self {
            lanes: [LaneRecorder::new(), LaneRecorder::new()],
            agreement: AgreementWindow::new(AGREEMENT_FRAMES_DEFAULT),
            worst: WorstKeeper::default(),
            captured: TotalRate::new(RATE_SPAN),
            decode: LatencyWindow::new(WINDOW_FRAMES),
            captured_frames: 0,
            dropped_frames: 0,
            camera_losses: None,
            process: ProcessFigures::new(),
            snapshot: Arc::default(),
            snapshot_at: None,
        }
    }

    /// Forgets what all windows and counters hold. How long they are stays.
    pub fn reset(&mut self) {
        let new = Self::new();
        let process = std::mem::replace(&mut self.process, ProcessFigures::new());
        let mut agreement = std::mem::replace(&mut self.agreement, AgreementWindow::new(AGREEMENT_FRAMES_DEFAULT));
        agreement.clear();
        let mut worst = std::mem::take(&mut self.worst);
        worst.clear();
        *self = Self { process, agreement, worst, ..new };
    }

    /// Frames that the agreement looks back over from now on.
    pub fn set_agreement_window(&mut self, frames: usize) {
        self.agreement.set_capacity(frames.clamp(*AGREEMENT_FRAMES.start(), *AGREEMENT_FRAMES.end()));
        self.snapshot_at = None;
    }

    /// Forgets what a lane did: it has another model now.
    pub fn reset_lane(&mut self, lane: LaneId) {
        self.lanes[lane.index()] = LaneRecorder::new();
        self.agreement.clear();
        self.worst.clear();
        self.snapshot_at = None;
    }

    /// Forgets what belongs to the frames of a source.
    pub fn reset_source(&mut self) {
        self.captured.clear();
        self.decode.clear();
        (self.captured_frames, self.dropped_frames, self.camera_losses) = (0, 0, None);
        self.agreement.clear();
        self.worst.clear();
        self.lanes.iter_mut().for_each(|lane| {
            lane.accuracy.clear();
            lane.health.clear();
            lane.frame_to_box.clear();
        });
    }

    /// Thresholds changed: recall and agreement begin anew, since they belong to the thresholds.
    pub fn reset_thresholds(&mut self) {
        self.snapshot_at = None;
        self.agreement.clear();
        self.worst.clear();
        self.lanes.iter_mut().for_each(|lane| lane.accuracy.clear());
    }

    /// One lane runs alone now, or both at once: latencies of before were measured under another load.
    pub fn reset_latencies(&mut self) {
        for lane in &mut self.lanes {
            let LaneRecorder { accuracy, health, classes, .. } = std::mem::replace(lane, LaneRecorder::new());
            (lane.accuracy, lane.health, lane.classes) = (accuracy, health, classes);
        }
        self.snapshot_at = None;
    }

    /// A frame came from the source, and `dropped` frames were replaced since the source was opened.
    pub fn captured(&mut self, frame: &CapturedFrame, captured: u64, dropped: u64) {
        self.captured.note(frame.captured_at, captured);
        self.decode.push(frame.decode_time);
        (self.captured_frames, self.dropped_frames) = (captured, dropped);
        self.camera_losses = frame.losses;
    }

    /// A lane finished a frame.
    pub fn finished(&mut self, lane: LaneId, result: &LaneResult, frame_to_box: Duration) {
        self.lanes[lane.index()].push(&result.timings, frame_to_box, Instant::now());
    }

    /// What a lane's head gave for a frame, down to a score of 0.01 at least.
    pub fn looked(
        &mut self,
        lane: LaneId,
        candidates: &[Candidate],
        letterbox: &Letterbox,
        card: &ModelCard,
        confidence: f32,
    ) {
        self.lanes[lane.index()].health.push(candidates, letterbox, card, confidence);
    }

    /// A lane's detections, down to a score of 0.001, on a frame of which the truth is known.
    pub fn labelled(
        &mut self,
        lane: LaneId,
        detections: &[Detection],
        card: &ModelCard,
        truth: &Truth,
        confidence: f32,
    ) {
        let joined = JoinedClasses::new(&card.labels, truth);
        let (detections, boxes) = (joined.detections(detections), joined.truths(truth));
        let recorder = &mut self.lanes[lane.index()];
        recorder.accuracy.push(&detections, &boxes, confidence);
        recorder.classes = [joined.known.iter().filter(|known| **known).count(), joined.known.len()];
    }

    /// Both lanes finished a frame.
    pub fn compared(&mut self, a: &LaneResult, b: &LaneResult, agreement: &FrameAgreement) {
        self.agreement.push(&a.detections, &b.detections, agreement);
    }

    /// Median times of a lane as of the last snapshot, for planning; zero while unknown.
    pub fn typical(&self, lane: LaneId) -> StageTimings {
        let lane = &self.snapshot.lanes[lane.index()];
        let duration = |ms: f32| Duration::from_secs_f32(ms.max(0.0) / 1e3);
        StageTimings {
            preprocess: duration(lane.preprocess.p50_ms),
            inference: duration(lane.inference.p50_ms),
            postprocess: duration(lane.postprocess.p50_ms),
        }
    }

    /// The figures as of the last snapshot.
    pub fn latest(&self) -> Arc<Statistics> {
        Arc::clone(&self.snapshot)
    }

    /// The figures now; computed anew a few times a second.
    pub fn snapshot(&mut self, mode: Mode) -> Arc<Statistics> {
        let now = Instant::now();
        if self.snapshot_at.is_some_and(|at| now.duration_since(at) < SNAPSHOT_INTERVAL) {
            return Arc::clone(&self.snapshot);
        }
        self.snapshot_at = Some(now);
        let (cpu_percent, resident_bytes) = self.process.read(now);
        // A lane that has just been running alone says nothing about the frames of the other.
        let found = [0, 1].map(|index: usize| mode == Mode::Compare && self.lanes[index].health.found_something());
        let mut lanes = [self.lanes[0].statistics(now, found[1]), self.lanes[1].statistics(now, found[0])];
        for lane in LaneId::BOTH {
            if !mode.runs(lane) {
                lanes[lane.index()].fps = None;
            }
        }
        self.snapshot = Arc::new(Statistics {
            capture_fps: self.captured.rate(now),
            capture_decode: self.decode.summary(),
            dropped_frames: self.dropped_frames,
            camera_losses: self.camera_losses,
            captured_frames: self.captured_frames,
            lanes,
            agreement: self.agreement.statistics(),
            cpu_percent,
            resident_bytes,
        });
        Arc::clone(&self.snapshot)
    }
}

/// Joins a model's classes with those of the truth, as an evaluation does. Classes that only one side knows can neither be found nor
/// be wrong, so they are left out.
struct JoinedClasses {
    /// For each class of the model the class of the truth that means the same.
    truth_from_model: Vec<Option<usize>>,
    /// Whether the model knows a class of the truth.
    known: Vec<bool>,
}

impl JoinedClasses {
    fn new(labels: &[String], truth: &Truth) -> Self {
        let matched = match_class_names(&truth.class_names, labels);
        let mut known = vec![true; truth.class_names.len()];
        matched.unmatched_dataset.iter().for_each(|index| known[*index] = false);
        Self { truth_from_model: matched.dataset_from_model, known }
    }

    fn detections(&self, detections: &[Detection]) -> Vec<Detection> {
        let joined = |d: &Detection| {
            let class = (*self.truth_from_model.get(d.class_id as usize)?)?;
            Some(Detection { class_id: class as u32, ..*d })
        };
        detections.iter().filter_map(joined).collect()
    }

    fn truths(&self, truth: &Truth) -> Vec<TruthBox> {
        let known = |t: &&TruthBox| self.known.get(t.class_id as usize).copied().unwrap_or(false);
        truth.boxes.iter().filter(known).copied().collect()
    }
}

/// CPU use and memory of this process.
struct ProcessFigures {
    system: Option<System>,
    pid: Option<Pid>,
    read_at: Option<Instant>,
    latest: (f32, u64),
}

impl ProcessFigures {
    fn new() -> Self {
        Self { system: System::new().ok(), pid: sysinfo::get_current_pid().ok(), read_at: None, latest: (0.0, 0) }
    }

    fn read(&mut self, now: Instant) -> (f32, u64) {
        let (Some(system), Some(pid)) = (&mut self.system, self.pid) else { return self.latest };
        if self.read_at.is_none_or(|at| now.duration_since(at) >= PROCESS_INTERVAL) {
            self.read_at = Some(now);
            let kind = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
            system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
            if let Some(process) = system.process(pid) {
                self.latest = (process.cpu_usage(), process.memory());
            }
        }
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::BoxInImage;

    #[test]
    fn classes_are_joined_as_an_evaluation_joins_them() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let rect = BoxInImage::new(0.0, 0.0, 5.0, 5.0);
        let boxes = (0..3).map(|class_id| TruthBox { class_id, rect }).collect();
        let truth = Truth { class_names: names(&["stop sign", "motorcycle", "wildlife"]).into(), boxes };
        let joined = JoinedClasses::new(&names(&["Motorbike", "Stop_Sign", "boat"]), &truth);
        assert_eq!(joined.known, [true, true, false]);
        assert_eq!(joined.truths(&truth).iter().map(|found| found.class_id).collect::<Vec<_>>(), [0, 1]);
        let detections: Vec<_> = (0..4).map(|class_id| Detection { class_id, score: 0.5, rect }).collect();
        let found = joined.detections(&detections);
        assert_eq!(found.iter().map(|found| found.class_id).collect::<Vec<_>>(), [1, 0]);
    }
}
