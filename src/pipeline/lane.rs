//! A lane: one loaded model with two threads, so that the next frame is preprocessed while this one is inferred.
//!
//! ```text
//! LaneJob ─▶ [prepare-a] ─Prepared─▶ [infer-a] ─▶ LaneEvent::Done
//!                 ▲──────── empty inputs ────┘
//! ```

use super::thread::NamedThread;
use super::{FrameId, LaneId, LaneResult};
use crate::imaging::{Letterbox, RgbImage};
use crate::inference::preprocess::{ModelInput, Preprocessor};
use crate::inference::{Candidate, Detector, ModelInfo, Runner, SessionError, StageTimings, Thresholds};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Input tensors of a lane: one being inferred, one being prepared.
pub(super) const INPUTS: usize = 2;

/// A frame for a lane.
#[derive(Clone, Debug)]
pub(super) struct LaneJob {
    pub frame: FrameId,
    pub image: Arc<RgbImage>,
    pub thresholds: Thresholds,
    /// Candidates below this score are not kept.
    pub score_floor: f32,
}

/// Distinguishes the models that a lane has had, so that a late answer of an old one is known as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generation(pub u64);

/// What a lane tells the conductor.
#[derive(Debug)]
pub(super) enum LaneEvent {
    /// `session.run` begins on a frame.
    Started { lane: LaneId, generation: Generation, at: Instant },
    /// A frame is through.
    Done { lane: LaneId, generation: Generation, frame: FrameId, outcome: Result<LaneOutput, SessionError> },
}

/// What a lane found in a frame, with what is needed to apply other thresholds later.
#[derive(Clone, Debug)]
pub(super) struct LaneOutput {
    pub result: LaneResult,
    pub candidates: Vec<Candidate>,
    pub letterbox: Letterbox,
}

pub(super) struct Prepared {
    job: LaneJob,
    input: ModelInput,
    letterbox: Letterbox,
    preprocess: Duration,
}

/// A running lane. Dropping it ends both threads after the frame they are at.
#[derive(Debug)]
pub(super) struct Lane {
    pub generation: Generation,
    pub info: Arc<ModelInfo>,
    jobs: Sender<LaneJob>,
    // Dropped after `jobs`, whose loss ends the threads.
    prepare: NamedThread,
    infer: NamedThread,
}

impl Lane {
    pub fn start(
        id: LaneId,
        generation: Generation,
        detector: Detector,
        events: Sender<LaneEvent>,
    ) -> std::io::Result<Self> {
        let info = detector.info();
        let model = Arc::clone(&info);
        let (mut preprocessor, mut runner) = detector.into_parts();
        let (job_sender, job_receiver) = bounded(INPUTS);
        let (prepared_sender, prepared_receiver) = bounded(1);
        let (input_sender, input_receiver) = bounded(INPUTS);
        for _ in 0..INPUTS {
            let _ = input_sender.try_send(preprocessor.new_input());
        }
        let letter = match id {
            LaneId::A => 'a',
            LaneId::B => 'b',
        };
        let prepare = NamedThread::spawn(format!("prepare-{letter}"), move || {
            prepare_frames(&mut preprocessor, &job_receiver, &input_receiver, &prepared_sender);
        })?;
        let infer = NamedThread::spawn(format!("infer-{letter}"), move || {
            let model = (id, generation, model);
            infer_frames(&mut runner, &model, &prepared_receiver, &input_sender, &events);
        })?;
        Ok(Self { generation, info, jobs: job_sender, prepare, infer })
    }

    /// Hands over a frame; false when the lane has as many as it can hold, or died.
    pub fn submit(&self, job: LaneJob) -> bool {
        self.jobs.try_send(job).is_ok()
    }

    /// Lets the threads end on their own and gives them back, for the conductor to join without waiting now.
    pub fn retire(self) -> [NamedThread; 2] {
        [self.prepare, self.infer]
    }
}

pub(super) fn prepare_frames(
    preprocessor: &mut Preprocessor,
    jobs: &Receiver<LaneJob>,
    inputs: &Receiver<ModelInput>,
    prepared: &Sender<Prepared>,
) {
    for job in jobs {
        let Ok(mut input) = inputs.recv() else { return };
        let begin = Instant::now();
        let letterbox = preprocessor.run(&job.image, &mut input);
        let preprocess = begin.elapsed();
        if prepared.send(Prepared { job, input, letterbox, preprocess }).is_err() {
            return;
        }
    }
}

pub(super) fn infer_frames(
    runner: &mut Runner,
    (lane, generation, model): &(LaneId, Generation, Arc<ModelInfo>),
    prepared: &Receiver<Prepared>,
    inputs: &Sender<ModelInput>,
    events: &Sender<LaneEvent>,
) {
    let (lane, generation) = (*lane, *generation);
    for Prepared { job, input, letterbox, preprocess } in prepared {
        let _ = events.send(LaneEvent::Started { lane, generation, at: Instant::now() });
        let infer = || infer(runner, model, &job, &input, letterbox, preprocess);
        let outcome = catch_unwind(AssertUnwindSafe(infer))
            .unwrap_or_else(|_| Err(SessionError::Run { reason: "the inference broke off".to_owned() }));
        let _ = inputs.try_send(input);
        if events.send(LaneEvent::Done { lane, generation, frame: job.frame, outcome }).is_err() {
            return;
        }
    }
}

fn infer(
    runner: &mut Runner,
    model: &Arc<ModelInfo>,
    job: &LaneJob,
    input: &ModelInput,
    letterbox: Letterbox,
    preprocess: Duration,
) -> Result<LaneOutput, SessionError> {
    let mut detections = Vec::new();
    let timings = runner.run(input, &letterbox, job.thresholds, job.score_floor, &mut detections)?;
    let result = LaneResult { detections, timings: StageTimings { preprocess, ..timings }, model: Arc::clone(model) };
    Ok(LaneOutput { result, candidates: runner.candidates().to_vec(), letterbox })
}
