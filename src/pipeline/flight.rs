//! A frame on its way through the lanes, and the frame on view.

use super::lane::{Generation, LaneOutput};
use super::recorder::Recorder;
use super::{FrameId, FrameResult, LaneId, Mode, Statistics};
use crate::capture::CapturedFrame;
use crate::inference::nms::Postprocessor;
use crate::inference::{Detection, ModelInfo, Thresholds};
use crate::metrics::{FrameAgreement, agreement_of_frame};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Lowest score that counts for the average precision.
const AP_SCORE_FLOOR: f32 = 0.001;

/// Generation and description of the model in each lane.
pub(super) type Models = [Option<(Generation, Arc<ModelInfo>)>; 2];

/// What a flight knows of one lane.
#[derive(Clone, Debug, Default)]
enum Leg {
    /// The lane does not take part.
    #[default]
    None,
    /// The lane has the frame.
    Awaited(Generation),
    /// The lane answered; nothing when it failed.
    Arrived(Generation, Option<LaneOutput>),
}

impl Leg {
    fn output(&self) -> Option<(Generation, &LaneOutput)> {
        match self {
            Self::Arrived(generation, Some(output)) => Some((*generation, output)),
            _ => None,
        }
    }
}

/// A frame that lanes work on.
#[derive(Debug)]
pub(super) struct Flight {
    pub id: FrameId,
    pub frame: CapturedFrame,
    mode: Mode,
    /// From when the frame-to-box delay counts.
    since: Instant,
    legs: [Leg; 2],
    /// Legs that were there before this flight and are not to be counted again.
    known: [bool; 2],
}

impl Flight {
    pub fn new(id: FrameId, frame: CapturedFrame, mode: Mode) -> Self {
        let since = frame.captured_at;
        Self { id, frame, mode, since, legs: Default::default(), known: [false; 2] }
    }

    /// Notes that `lane` was given the frame.
    pub fn expect(&mut self, lane: LaneId, generation: Generation) {
        self.legs[lane.index()] = Leg::Awaited(generation);
    }

    pub fn awaits(&self, lane: LaneId) -> bool {
        matches!(self.legs[lane.index()], Leg::Awaited(_))
    }

    /// Whether `lane` answered already.
    pub fn has(&self, lane: LaneId) -> bool {
        matches!(self.legs[lane.index()], Leg::Arrived(..))
    }

    /// Notes a lane's answer; one of a model that was not asked is ignored.
    pub fn arrive(&mut self, lane: LaneId, generation: Generation, output: Option<LaneOutput>) {
        let leg = &mut self.legs[lane.index()];
        if matches!(leg, Leg::Awaited(awaited) if *awaited == generation) {
            *leg = Leg::Arrived(generation, output);
        }
    }

    pub fn is_complete(&self) -> bool {
        LaneId::BOTH.iter().all(|lane| !self.awaits(*lane))
    }
}

/// The frame on view with everything known of it.
pub(super) struct Shown {
    pub mode: Mode,
    id: FrameId,
    frame: CapturedFrame,
    legs: [Leg; 2],
    known: [bool; 2],
    agreement: Option<FrameAgreement>,
    frame_to_box: Duration,
}

impl Shown {
    pub fn new(flight: Flight) -> Self {
        let Flight { id, frame, mode, since, legs, known } = flight;
        Self { mode, id, frame, legs, known, agreement: None, frame_to_box: since.elapsed() }
    }

    /// The model whose answer is on view.
    pub fn generation(&self, lane: LaneId) -> Option<Generation> {
        match &self.legs[lane.index()] {
            Leg::Arrived(generation, _) => Some(*generation),
            _ => None,
        }
    }

    /// The same frame once more for another mode or other models; answers of models that still run are kept.
    pub fn again(self, mode: Mode, models: &Models) -> Flight {
        let mut flight = Flight { since: Instant::now(), ..Flight::new(self.id, self.frame, mode) };
        for (index, leg) in self.legs.into_iter().enumerate() {
            let current = models[index].as_ref().map(|(generation, _)| *generation);
            if matches!(&leg, Leg::Arrived(generation, _) if Some(*generation) == current) {
                flight.legs[index] = leg;
                flight.known[index] = true;
            }
        }
        flight
    }

    /// Filters and suppresses the kept candidates anew; inference is not run again.
    pub fn apply_thresholds(&mut self, thresholds: Thresholds) {
        let mut postprocessor = Postprocessor::default();
        for leg in &mut self.legs {
            if let Leg::Arrived(_, Some(output)) = leg {
                let detections = &mut output.result.detections;
                postprocessor.run(&output.candidates, &thresholds, &output.letterbox, detections);
            }
        }
    }

    /// Enters the frame into the figures: latencies of the lanes that ran, accuracy, agreement.
    pub fn record(&mut self, recorder: &mut Recorder, models: &Models, thresholds: Thresholds) {
        for lane in LaneId::BOTH {
            if let Some((generation, output)) = self.legs[lane.index()].output()
                && !self.known[lane.index()]
                && is_current(models, lane, generation)
            {
                recorder.finished(lane, &output.result, self.frame_to_box);
            }
        }
        self.record_accuracy(recorder, models, thresholds);
    }

    /// Enters accuracy and agreement only.
    pub fn record_accuracy(&mut self, recorder: &mut Recorder, models: &Models, thresholds: Thresholds) {
        for lane in LaneId::BOTH {
            let Some((generation, output)) = self.legs[lane.index()].output() else { continue };
            let Some((_, info)) = models[lane.index()].as_ref().filter(|(current, _)| *current == generation) else {
                continue;
            };
            if let Some(truth) = &self.frame.truth {
                let detections = detections_for_ap(output, thresholds);
                recorder.labelled(lane, &detections, &info.card, truth, thresholds.confidence);
            }
        }
        self.agreement = self.agree(models);
        if let (Some(agreement), [Some((_, a)), Some((_, b))]) = (&self.agreement, self.outputs()) {
            recorder.compared(&a.result, &b.result, agreement);
        }
    }

    fn outputs(&self) -> [Option<(Generation, &LaneOutput)>; 2] {
        [self.legs[0].output(), self.legs[1].output()]
    }

    fn agree(&self, models: &Models) -> Option<FrameAgreement> {
        let [Some((_, a)), Some((_, b))] = self.outputs() else { return None };
        let [Some((_, info_a)), Some((_, info_b))] = models else { return None };
        let same_class = |x: u32, y: u32| info_a.card.label(x) == info_b.card.label(y);
        Some(agreement_of_frame(&a.result.detections, &b.result.detections, same_class))
    }

    /// What the view gets.
    pub fn to_result(&self, statistics: Arc<Statistics>) -> FrameResult {
        FrameResult {
            id: self.id,
            frame: self.frame.clone(),
            mode: self.mode,
            lanes: self.outputs().map(|leg| leg.map(|(_, output)| output.result.clone())),
            agreement: self.agreement.clone(),
            frame_to_box: self.frame_to_box,
            statistics,
        }
    }
}

fn is_current(models: &Models, lane: LaneId, generation: Generation) -> bool {
    models[lane.index()].as_ref().is_some_and(|(current, _)| *current == generation)
}

/// Every detection that COCO's average precision looks at.
fn detections_for_ap(output: &LaneOutput, thresholds: Thresholds) -> Vec<Detection> {
    let mut detections = Vec::new();
    let all = Thresholds { confidence: AP_SCORE_FLOOR, ..thresholds };
    Postprocessor::default().run(&output.candidates, &all, &output.letterbox, &mut detections);
    detections.truncate(100);
    detections
}
