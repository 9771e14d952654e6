//! A frame on its way through the lanes, and the frame on view.

use super::capture_thread::SourceNumber;
use super::lane::{Generation, LaneOutput};
use super::recorder::Recorder;
use super::{FrameId, FrameResult, LaneId, Mode, Statistics};
use crate::capture::CapturedFrame;
use crate::inference::nms::Postprocessor;
use crate::inference::{Detection, Thresholds};
use crate::metrics::{FrameAgreement, agreement_of_frame};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Lowest score that counts for the average precision.
const AP_SCORE_FLOOR: f32 = 0.001;

/// Generation of the model in each lane.
pub(super) type Models = [Option<Generation>; 2];

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
    pub source: SourceNumber,
    mode: Mode,
    /// The thresholds that the lanes were given.
    thresholds: Thresholds,
    /// From when the frame-to-box delay counts.
    since: Instant,
    legs: [Leg; 2],
    /// Legs that were there before this flight and are not to be counted again.
    known: [bool; 2],
}

impl Flight {
    pub fn new(id: FrameId, source: SourceNumber, frame: CapturedFrame, mode: Mode, thresholds: Thresholds) -> Self {
        let since = frame.captured_at;
        Self { id, frame, source, mode, thresholds, since, legs: Default::default(), known: [false; 2] }
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
    pub source: SourceNumber,
    id: FrameId,
    frame: CapturedFrame,
    since: Instant,
    legs: [Leg; 2],
    known: [bool; 2],
    agreement: Option<FrameAgreement>,
    frame_to_box: Duration,
}

impl Shown {
    /// What a flight brought; `thresholds` are those that hold now, which may have changed meanwhile.
    pub fn new(flight: Flight, thresholds: Thresholds) -> Self {
        let Flight { id, frame, source, mode, thresholds: given, since, legs, known } = flight;
        let frame_to_box = since.elapsed();
        let mut shown = Self { mode, source, id, frame, since, legs, known, agreement: None, frame_to_box };
        if given != thresholds {
            shown.apply_thresholds(thresholds);
        }
        shown
    }

    /// Takes a lane's answer from the view: its model was closed.
    pub fn forget(&mut self, lane: LaneId) {
        self.legs[lane.index()] = Leg::None;
        self.agreement = None;
    }

    /// The model whose answer is on view.
    pub fn generation(&self, lane: LaneId) -> Option<Generation> {
        match &self.legs[lane.index()] {
            Leg::Arrived(generation, _) => Some(*generation),
            _ => None,
        }
    }

    /// The same frame once more for another mode or other models; answers of models that still run are kept.
    pub fn again(self, mode: Mode, models: &Models, thresholds: Thresholds) -> Flight {
        let flight = Flight::new(self.id, self.source, self.frame, mode, thresholds);
        let mut flight = Flight { since: Instant::now(), ..flight };
        for (index, leg) in self.legs.into_iter().enumerate() {
            if matches!(&leg, Leg::Arrived(generation, _) if Some(*generation) == models[index]) {
                flight.legs[index] = leg;
                flight.known[index] = true;
            }
        }
        flight
    }

    /// Filters and suppresses the kept candidates anew; inference is not run again.
    pub fn apply_thresholds(&mut self, thresholds: Thresholds) {
        for leg in &mut self.legs {
            if let Leg::Arrived(_, Some(output)) = leg {
                let mut postprocessor = Postprocessor::new(&output.result.model.card);
                let detections = &mut output.result.detections;
                postprocessor.run(&output.candidates, &thresholds, &output.letterbox, detections);
            }
        }
    }

    /// Enters the frame into the figures: latencies of the lanes that ran, accuracy, agreement. What was entered for this
    /// frame before is not entered again.
    pub fn record(&mut self, recorder: &mut Recorder, models: &Models, thresholds: Thresholds) {
        self.record_found(recorder, models, thresholds, true);
        // The work up to here is part of the way to the view.
        self.frame_to_box = self.since.elapsed();
        for lane in LaneId::BOTH {
            if let Some(output) = self.current(lane, models)
                && !self.known[lane.index()]
            {
                recorder.finished(lane, &output.result, self.frame_to_box);
                let (candidates, card) = (&output.candidates, &output.result.model.card);
                recorder.looked(lane, candidates, &output.letterbox, card, thresholds.confidence);
            }
        }
    }

    /// Enters accuracy and agreement only: the frame is the same, but the thresholds are new.
    pub fn record_accuracy(&mut self, recorder: &mut Recorder, models: &Models, thresholds: Thresholds) {
        self.record_found(recorder, models, thresholds, false);
    }

    fn record_found(&mut self, recorder: &mut Recorder, models: &Models, thresholds: Thresholds, only_new: bool) {
        for lane in LaneId::BOTH {
            let Some(output) = self.current(lane, models) else { continue };
            let counted = only_new && self.known[lane.index()];
            if let (Some(truth), false) = (&self.frame.truth, counted) {
                let detections = detections_for_ap(output, thresholds);
                recorder.labelled(lane, &detections, &output.result.model.card, truth, thresholds.confidence);
            }
        }
        self.agreement = self.agree();
        if let (Some(agreement), Some(a), Some(b)) =
            (&self.agreement, self.current(LaneId::A, models), self.current(LaneId::B, models))
        {
            recorder.compared(&a.result, &b.result, agreement);
            if self.mode == Mode::Compare {
                let disagreement = agreement.disagreement(&a.result.detections, &b.result.detections);
                let statistics = recorder.latest();
                recorder.worst.offer(disagreement, self.id, &self.frame, || self.to_result(statistics));
            }
        }
    }

    /// A lane's answer, if it is from the model that is there now.
    fn current(&self, lane: LaneId, models: &Models) -> Option<&LaneOutput> {
        let (generation, output) = self.legs[lane.index()].output()?;
        (models[lane.index()] == Some(generation)).then_some(output)
    }

    fn outputs(&self) -> [Option<(Generation, &LaneOutput)>; 2] {
        [self.legs[0].output(), self.legs[1].output()]
    }

    /// Boxes are compared by the labels of the models that found them.
    fn agree(&self) -> Option<FrameAgreement> {
        let [Some((_, a)), Some((_, b))] = self.outputs() else { return None };
        let (card_a, card_b) = (&a.result.model.card, &b.result.model.card);
        let same_class = |x: u32, y: u32| card_a.label(x) == card_b.label(y);
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

/// Every detection that COCO's average precision looks at.
fn detections_for_ap(output: &LaneOutput, thresholds: Thresholds) -> Vec<Detection> {
    let mut detections = Vec::new();
    let all = Thresholds { confidence: AP_SCORE_FLOOR, ..thresholds };
    let mut postprocessor = Postprocessor::new(&output.result.model.card);
    postprocessor.run(&output.candidates, &all, &output.letterbox, &mut detections);
    detections.truncate(100);
    detections
}
