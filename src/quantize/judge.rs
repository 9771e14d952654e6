//! Measuring what was made: does it find what the model in floats finds, and how fast is it.

use super::QuantizeError;
use super::calibrate::Fed;
use super::prepare::Prepared;
use super::truth::Truths;
use crate::inference::heads::{DecodeContext, Decoder};
use crate::inference::preprocess::ModelInput;
use crate::inference::session::{ModelSource, Session};
use crate::inference::{
    Candidate, Detection, InputRecognition, Postprocessor, SessionError, SessionOptions, Thresholds,
};
use crate::metrics::agreement_of_frame;
use crate::onnx::Executed;
use crate::runtime::own_processor_time;
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Boxes are read down to this share of the confidence threshold.
const FLOOR: f32 = 0.2;
/// Pictures of a quick look.
const PICTURES_A_GLANCE: usize = 10;
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
    /// Average precision, 0…1, of this model and of the model in floats on those of the pictures that have labels.
    pub ap: Option<[f64; 2]>,
    /// What ONNX Runtime's optimizer made of it; none where that could not be seen.
    pub executed: Option<Executed>,
}

/// The model in floats, pictures, and what it finds in them.
pub(super) struct Judge {
    path: PathBuf,
    opset: i64,
    input: InputRecognition,
    thresholds: Thresholds,
    threads: usize,
    float: Session,
    pictures: Vec<Fed>,
    expected: Vec<Vec<Detection>>,
    reader: Reader,
    /// Labels of the pictures, and the average precision of the model in floats.
    truths: Option<(Truths, f64)>,
}

/// From outputs to boxes.
pub(super) struct Reader {
    decoder: Decoder,
    postprocessor: Postprocessor,
    candidates: Vec<Candidate>,
}

impl Reader {
    /// Boxes well below the confidence threshold, too.
    fn read(
        &mut self,
        session: &mut Session,
        picture: &Fed,
        thresholds: Thresholds,
    ) -> Result<Vec<Detection>, SessionError> {
        self.read_from(session, picture, Thresholds { confidence: thresholds.confidence * FLOOR, ..thresholds })
    }

    /// Boxes from the confidence threshold up.
    pub fn read_from(
        &mut self,
        session: &mut Session,
        (input, letterbox): &Fed,
        thresholds: Thresholds,
    ) -> Result<Vec<Detection>, SessionError> {
        let context = DecodeContext { input_size: letterbox.model, score_floor: thresholds.confidence };
        let (decoder, candidates) = (&mut self.decoder, &mut self.candidates);
        session.run(input, |outputs, _| decoder.decode(outputs, &context, candidates))??;
        let mut detections = Vec::new();
        self.postprocessor.run(&self.candidates, &thresholds, letterbox, &mut detections);
        Ok(detections)
    }
}

impl Judge {
    pub fn new(
        prepared: &Prepared,
        thresholds: Thresholds,
        threads: usize,
        pictures: Vec<Fed>,
        truths: Option<Truths>,
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
        let float_ap = truths.as_ref().map(|truths| truths.ap(&mut float, &mut reader, &pictures)).transpose()?;
        let truths = truths.zip(float_ap.flatten());
        let (path, opset, input) = (prepared.path.clone(), prepared.opset(), prepared.input.clone());
        Ok(Self { path, opset, input, thresholds, threads, float, expected: expected?, pictures, reader, truths })
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
        let source = ModelSource::Memory(bytes, &self.path);
        let mut session = Session::load(source, self.opset, &self.input, &options)?;
        let executed = Executed::read(&optimized).ok();
        let agreement = self.agreement(&mut session)?;
        let (latency_ms, latency_ratio) = self.latency(&mut session)?;
        let ap = match &self.truths {
            Some((truths, float)) => {
                truths.ap(&mut session, &mut self.reader, &self.pictures)?.map(|own| [own, *float])
            }
            None => None,
        };
        Ok(Measured { agreement, latency_ratio, latency_ms, ap, executed })
    }

    /// A quick look at a model, with a few pictures.
    pub fn glance(&mut self, bytes: &[u8]) -> Result<Glance, QuantizeError> {
        let options = SessionOptions { threads: self.threads, ..SessionOptions::default() };
        let source = ModelSource::Memory(bytes, &self.path);
        let mut session = Session::load(source, self.opset, &self.input, &options)?;
        let mut closeness = Closeness::default();
        let mut shares = Vec::new();
        for (picture, expected) in self.pictures.iter().zip(&self.expected).take(PICTURES_A_GLANCE) {
            let found = self.reader.read(&mut session, picture, self.thresholds)?;
            closeness.add(expected, &found, self.thresholds.confidence);
            let (own, float) = (timed(&mut session, &picture.0)?, timed(&mut self.float, &picture.0)?);
            shares.push(own.of(float, self.threads));
        }
        Ok(Glance { error: 1.0 - closeness.mean(), time: median(shares) })
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
    /// two runs that follow each other.
    fn latency(&mut self, session: &mut Session) -> Result<([f64; 2], f64), QuantizeError> {
        let Some((input, _)) = self.pictures.first() else { return Ok(([0.0; 2], 1.0)) };
        let begin = Instant::now();
        let mut times: [Vec<f64>; 2] = Default::default();
        let mut ratios = Vec::new();
        for round in 0..ROUNDS {
            if round > 2 && begin.elapsed() > ROUNDS_TIME {
                break;
            }
            let (own, float) = (timed(session, input)?, timed(&mut self.float, input)?);
            times[0].push(own.wall_ms);
            times[1].push(float.wall_ms);
            ratios.push(own.of(float, self.threads));
        }
        Ok((times.map(median), median(ratios)))
    }
}

/// What a quick look tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glance {
    /// How far it is from the model in floats, 0…1: 1 less [`Agreement::closeness`].
    pub error: f64,
    /// Its time over that of the model in floats.
    pub time: f64,
}

/// Milliseconds of a run.
#[derive(Clone, Copy)]
struct Time {
    wall_ms: f64,
    /// Of this thread's work; 0 where the system does not tell it.
    processor_ms: f64,
}

impl Time {
    /// This time over another one. With one thread the ratio is that of processor time, where the system tells it finely
    /// enough: what else the machine does is left out of it.
    fn of(self, other: Self, threads: usize) -> f64 {
        if threads == 1 && self.processor_ms > 0.0 && other.processor_ms > 0.0 {
            return self.processor_ms / other.processor_ms;
        }
        self.wall_ms / other.wall_ms.max(f64::MIN_POSITIVE)
    }
}

fn timed(session: &mut Session, input: &ModelInput) -> Result<Time, SessionError> {
    let (before, begin) = (own_processor_time(), Instant::now());
    let wall = session.run(input, |_, finished| finished.duration_since(begin))?;
    let processor = before.zip(own_processor_time()).map(|(before, after)| after.saturating_sub(before));
    Ok(Time { wall_ms: wall.as_secs_f64() * 1e3, processor_ms: processor.unwrap_or_default().as_secs_f64() * 1e3 })
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
