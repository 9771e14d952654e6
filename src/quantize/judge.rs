//! Measuring what was made: does it find what the model in floats finds, and how fast is it.

use super::QuantizeError;
use super::prepare::Prepared;
use crate::imaging::Letterbox;
use crate::inference::heads::{DecodeContext, Decoder};
use crate::inference::preprocess::ModelInput;
use crate::inference::session::{ModelSource, Session};
use crate::inference::{Candidate, Detection, Postprocessor, SessionError, SessionOptions, Thresholds};
use crate::metrics::agreement_of_frame;
use crate::onnx::Executed;
use crate::runtime::own_processor_time;
use serde::Serialize;
use std::time::{Duration, Instant};

/// Boxes are read down to this share of the confidence threshold.
const FLOOR: f32 = 0.2;
/// Pictures that a single layer is judged by.
const PICTURES_A_LAYER: usize = 8;
/// Runs of each of two models that take turns, and how long that may take at most.
const ROUNDS: usize = 30;
const ROUNDS_TIME: Duration = Duration::from_secs(4);

/// How far a model finds what the model in floats finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Agreement {
    /// Harmonic mean of precision and recall against the boxes of the model in floats, at IoU 0.5.
    pub f1: f64,
    /// How close it comes to the boxes of the model in floats, 0…1: the mean over them of the overlap with the best box of
    /// the same class times the ratio of the scores. Boxes down to half of the confidence threshold count, so that a score
    /// that moves across the threshold is a small change here.
    pub closeness: f64,
    /// Mean overlap of the boxes that match.
    pub mean_iou: f64,
    /// Mean change of their scores.
    pub mean_score_delta: f64,
    /// Boxes of the model in floats.
    pub boxes: usize,
    /// Pictures compared.
    pub pictures: usize,
}

/// What was measured of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Agreement with the model in floats, on pictures that the ranges were not chosen by.
    pub agreement: Agreement,
    /// Median time of a run over that of the model in floats, taking turns.
    pub latency_ratio: f64,
    /// Milliseconds of a run of this model and of the model in floats.
    pub latency_ms: [f64; 2],
    /// What ONNX Runtime's optimizer made of it; none where that could not be seen.
    pub executed: Option<Executed>,
}

/// The model in floats, pictures, and what it finds in them.
pub(super) struct Judge<'a> {
    prepared: &'a Prepared,
    thresholds: Thresholds,
    threads: usize,
    float: Session,
    pictures: Vec<(ModelInput, Letterbox)>,
    expected: Vec<Vec<Detection>>,
    reader: Reader,
}

/// From outputs to boxes.
struct Reader {
    decoder: Decoder,
    postprocessor: Postprocessor,
    candidates: Vec<Candidate>,
}

impl Reader {
    fn read(
        &mut self,
        session: &mut Session,
        (input, letterbox): &(ModelInput, Letterbox),
        thresholds: Thresholds,
    ) -> Result<Vec<Detection>, SessionError> {
        let thresholds = Thresholds { confidence: thresholds.confidence * FLOOR, ..thresholds };
        let context = DecodeContext { input_size: letterbox.model, score_floor: thresholds.confidence };
        let (decoder, candidates) = (&mut self.decoder, &mut self.candidates);
        session.run(input, |outputs, _| decoder.decode(outputs, &context, candidates))??;
        let mut detections = Vec::new();
        self.postprocessor.run(&self.candidates, &thresholds, letterbox, &mut detections);
        Ok(detections)
    }
}

impl<'a> Judge<'a> {
    pub fn new(
        prepared: &'a Prepared,
        thresholds: Thresholds,
        threads: usize,
        pictures: Vec<(ModelInput, Letterbox)>,
    ) -> Result<Self, QuantizeError> {
        let options = SessionOptions { threads, ..SessionOptions::default() };
        let mut float = Session::load(prepared.float_source(), prepared.opset(), &prepared.input, &options)?;
        let mut reader = Reader {
            decoder: Decoder::new(&prepared.card),
            postprocessor: Postprocessor::new(&prepared.card),
            candidates: Vec::new(),
        };
        let expected: Result<Vec<_>, SessionError> =
            pictures.iter().map(|picture| reader.read(&mut float, picture, thresholds)).collect();
        Ok(Self { prepared, thresholds, threads, float, expected: expected?, pictures, reader })
    }

    /// A picture that models are judged by.
    pub fn input(&self) -> Option<&ModelInput> {
        self.pictures.first().map(|(input, _)| input)
    }

    /// Measures a model that is to be fed and read as the one in floats.
    pub fn measure(&mut self, bytes: &[u8]) -> Result<Measured, QuantizeError> {
        let folder = tempfile::tempdir().map_err(QuantizeError::Temporary)?;
        let optimized = folder.path().join("optimized.onnx");
        let options = SessionOptions {
            threads: self.threads,
            optimized_to: Some(optimized.clone()),
            ..SessionOptions::default()
        };
        let source = ModelSource::Memory(bytes, &self.prepared.path);
        let mut session = Session::load(source, self.prepared.opset(), &self.prepared.input, &options)?;
        let executed = Executed::read(&optimized).ok();
        let agreement = self.agreement(&mut session)?;
        let (latency_ms, latency_ratio) = self.latency(&mut session)?;
        Ok(Measured { agreement, latency_ratio, latency_ms, executed })
    }

    /// How far a model is from the one in floats, 0…1, on a few pictures: 1 less [`Agreement::closeness`].
    pub fn error(&mut self, bytes: &[u8]) -> Result<f64, QuantizeError> {
        let options = SessionOptions { threads: self.threads, ..SessionOptions::default() };
        let source = ModelSource::Memory(bytes, &self.prepared.path);
        let mut session = Session::load(source, self.prepared.opset(), &self.prepared.input, &options)?;
        let mut closeness = Closeness::default();
        for (picture, expected) in self.pictures.iter().zip(&self.expected).take(PICTURES_A_LAYER) {
            let found = self.reader.read(&mut session, picture, self.thresholds)?;
            closeness.add(expected, &found, self.thresholds.confidence);
        }
        Ok(1.0 - closeness.mean())
    }

    fn agreement(&mut self, session: &mut Session) -> Result<Agreement, QuantizeError> {
        let mut closeness = Closeness::default();
        let confidence = self.thresholds.confidence;
        let above = |boxes: &[Detection]| -> Vec<Detection> {
            boxes.iter().filter(|detection| detection.score >= confidence).copied().collect()
        };
        let (mut matched, mut all, mut boxes, mut iou, mut delta) = (0usize, 0usize, 0usize, 0.0f64, 0.0f64);
        for (picture, expected) in self.pictures.iter().zip(&self.expected) {
            let found = self.reader.read(session, picture, self.thresholds)?;
            closeness.add(expected, &found, confidence);
            let (expected, found) = (above(expected), above(&found));
            let frame = agreement_of_frame(&expected, &found, |one, other| one == other);
            matched += frame.matched.len();
            all += expected.len() + found.len();
            boxes += expected.len();
            for (one, other) in frame.matched.iter().map(|(one, other)| (&expected[*one], &found[*other])) {
                iou += f64::from(one.rect.iou(&other.rect));
                delta += f64::from((one.score - other.score).abs());
            }
        }
        let share = |sum: f64, of: usize| if of == 0 { 0.0 } else { sum / of as f64 };
        Ok(Agreement {
            // Two models that both find nothing agree.
            f1: if all == 0 { 1.0 } else { share(2.0 * matched as f64, all) },
            closeness: closeness.mean(),
            mean_iou: share(iou, matched),
            mean_score_delta: share(delta, matched),
            boxes,
            pictures: self.pictures.len(),
        })
    }

    /// Median milliseconds of a run of the session and of the model in floats, which take turns, and the median ratio of
    /// two runs that follow each other. With one thread the ratio is that of processor time, where the system tells it
    /// finely enough: what else the machine does is left out of it.
    fn latency(&mut self, session: &mut Session) -> Result<([f64; 2], f64), QuantizeError> {
        let Some((input, _)) = self.pictures.first() else { return Ok(([0.0; 2], 1.0)) };
        let of_processor =
            |one: Option<Duration>| one.zip(own_processor_time()).map(|(one, other)| other.saturating_sub(one));
        let time = |session: &mut Session| -> Result<(f64, f64), SessionError> {
            let (before, begin) = (own_processor_time(), Instant::now());
            let wall = session.run(input, |_, finished| finished.duration_since(begin))?;
            let processor = of_processor(before).unwrap_or_default();
            Ok((wall.as_secs_f64() * 1e3, processor.as_secs_f64() * 1e3))
        };
        let begin = Instant::now();
        let mut times: [Vec<f64>; 2] = Default::default();
        let (mut walls, mut processors) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            if round > 2 && begin.elapsed() > ROUNDS_TIME {
                break;
            }
            let (own, float) = (time(session)?, time(&mut self.float)?);
            times[0].push(own.0);
            times[1].push(float.0);
            walls.push(own.0 / float.0.max(f64::MIN_POSITIVE));
            processors.extend((own.1 > 0.0 && float.1 > 0.0).then(|| own.1 / float.1));
        }
        let fine = self.threads == 1 && processors.len() == walls.len();
        Ok((times.map(median), median(if fine { processors } else { walls })))
    }
}

/// See [`Agreement::closeness`].
#[derive(Default)]
struct Closeness {
    sum: f64,
    boxes: usize,
}

impl Closeness {
    fn add(&mut self, expected: &[Detection], found: &[Detection], confidence: f32) {
        for wanted in expected.iter().filter(|wanted| wanted.score >= confidence / 2.0) {
            let close = found.iter().filter(|other| other.class_id == wanted.class_id).map(|other| {
                let (low, high) = (wanted.score.min(other.score), wanted.score.max(other.score));
                f64::from(wanted.rect.iou(&other.rect) * low / high)
            });
            self.sum += close.fold(0.0, f64::max);
            self.boxes += 1;
        }
    }

    fn mean(&self) -> f64 {
        if self.boxes == 0 { 1.0 } else { self.sum / self.boxes as f64 }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
