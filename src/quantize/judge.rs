//! Measuring what was made: does it find what the model in floats finds, and how fast is it.

use super::agreement::{Agreement, Sums};
use super::calibrate::Fed;
use super::prepare::Prepared;
use super::times::{JudgeBy, Speed, Times, taking_turns};
use super::truth::{self, Truths};
use super::{Pulse, QuantizeError};
use crate::inference::accelerate::{Acceleration, Both};
use crate::inference::heads::{DecodeContext, Decoder};
use crate::inference::preprocess::ModelInput;
use crate::inference::session::{ModelSource, Session};
use crate::inference::{
    Candidate, Detection, InputRecognition, ModelCard, Postprocessor, SessionError, SessionOptions, Thresholds,
};
use crate::onnx::{self, Executed};
use std::path::PathBuf;

/// Boxes are read down to this share of the confidence threshold.
const FLOOR: f32 = 0.2;
/// Pictures of a quick look.
const PICTURES_A_GLANCE: usize = 10;

/// What was measured of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Agreement with the model in floats, on pictures that the ranges were not chosen by.
    pub agreement: Agreement,
    /// How long it takes, by the way of running it that is judged by, and perhaps the other one.
    pub times: Times,
    /// Average precision, 0…1, of this model and of the model in floats on those of the pictures that have labels.
    pub ap: Option<[f64; 2]>,
    /// What ONNX Runtime's optimizer made of it; none where that could not be seen.
    pub executed: Option<Executed>,
}

impl Measured {
    /// Median time of a run over that of the model in floats, in the way that is judged by.
    pub fn ratio(&self) -> f64 {
        self.times.judged.ratio
    }

    /// By how much its average precision is below that of the model in floats, where labels tell that.
    pub fn ap_drop(&self) -> Option<f64> {
        self.ap.map(|[own, float]| float - own)
    }
}

/// The model in floats, pictures, and what it finds in them.
pub(super) struct Judge {
    path: PathBuf,
    input: InputRecognition,
    card: ModelCard,
    thresholds: Thresholds,
    /// Threads of sessions.
    threads: usize,
    judged_by: JudgeBy,
    /// In the way that is judged by.
    float: Session,
    /// Whether it may be another one in the other way.
    float_differs: bool,
    pictures: Vec<Fed>,
    expected: Vec<Vec<Detection>>,
    reader: Reader,
    /// Labels of the pictures, and the average precision of the model in floats.
    truths: Option<(Truths, f64)>,
}

/// From outputs to boxes.
struct Reader {
    decoder: Decoder,
    postprocessor: Postprocessor,
    candidates: Vec<Candidate>,
    thresholds: Thresholds,
}

/// What a model finds in a picture.
struct Found {
    /// Boxes well below the confidence threshold, too.
    boxes: Vec<Detection>,
    /// Boxes as average precision wants them; empty where it is not asked for.
    all: Vec<Detection>,
}

impl Reader {
    fn read(&mut self, session: &mut Session, (input, letterbox): &Fed, labelled: bool) -> Result<Found, SessionError> {
        let thresholds = Thresholds { confidence: self.thresholds.confidence * FLOOR, ..self.thresholds };
        let lowest = truth::THRESHOLDS.confidence.min(thresholds.confidence);
        let score_floor = if labelled { lowest } else { thresholds.confidence };
        let context = DecodeContext { input_size: letterbox.model, score_floor };
        let (decoder, candidates) = (&mut self.decoder, &mut self.candidates);
        session.run(input, |outputs, _| decoder.decode(outputs, &context, candidates))??;
        let mut found = Found { boxes: Vec::new(), all: Vec::new() };
        self.postprocessor.run(&self.candidates, &thresholds, letterbox, &mut found.boxes);
        if labelled {
            self.postprocessor.run(&self.candidates, &truth::THRESHOLDS, letterbox, &mut found.all);
        }
        Ok(found)
    }
}

impl Judge {
    pub fn new(
        prepared: &Prepared,
        (thresholds, threads, judged_by): (Thresholds, usize, JudgeBy),
        pictures: Vec<Fed>,
        truths: Option<Truths>,
        pulse: &mut Pulse<'_>,
    ) -> Result<Self, QuantizeError> {
        let (float, float_differs) = float_in(prepared, judged_by, threads)?;
        let (input, card) = (prepared.input.clone(), prepared.card.clone());
        let reader = Reader {
            decoder: Decoder::new(&prepared.card),
            postprocessor: Postprocessor::new(&prepared.card),
            candidates: Vec::new(),
            thresholds,
        };
        let (path, expected) = (prepared.path.clone(), Vec::new());
        let mut judge = Self {
            path,
            input,
            card,
            thresholds,
            threads,
            judged_by,
            float,
            float_differs,
            pictures,
            expected,
            reader,
            truths: None,
        };
        let mut all = Vec::new();
        for (index, picture) in judge.pictures.iter().enumerate() {
            pulse()?;
            let labelled = truths.as_ref().is_some_and(|truths| truths.has(index));
            let found = judge.reader.read(&mut judge.float, picture, labelled)?;
            judge.expected.push(found.boxes);
            all.push(found.all);
        }
        judge.truths = truths.and_then(|truths| truths.ap(&all).map(|ap| (truths, ap)));
        Ok(judge)
    }

    /// A picture that models are judged by.
    pub fn input(&self) -> Option<&ModelInput> {
        self.pictures.first().map(|(input, _)| input)
    }

    /// The way of running models that is judged by, and threads.
    pub fn way(&self) -> (JudgeBy, usize) {
        (self.judged_by, self.threads)
    }

    /// Measures a model that is to be fed and read as the one in floats; its time in the way that is judged by.
    pub fn measure(&mut self, bytes: &[u8], pulse: &mut Pulse<'_>) -> Result<Measured, QuantizeError> {
        pulse()?;
        let Both { plain, accelerated, acceleration, executed } = self.load(bytes, self.judged_by)?;
        pulse()?;
        let is_same = self.judged_by == JudgeBy::Accelerated && accelerated.is_none() && !self.float_differs;
        // Both sessions say the same, to the bit.
        let mut session = accelerated.unwrap_or(plain);
        let (agreement, ap) = self.agreement(&mut session, pulse)?;
        let judged = self.speed(&mut session, pulse)?;
        let not_accelerated = match acceleration {
            Acceleration::Declined { reason } => Some(reason),
            _ => None,
        };
        let times = Times { judged_by: self.judged_by, judged, other: is_same.then_some(judged), not_accelerated };
        Ok(Measured { agreement, times, ap, executed })
    }

    /// Takes the times of these models in the way that is not judged by, where they are not known.
    pub fn measure_other_way<'a>(
        &mut self,
        prepared: &Prepared,
        models: impl Iterator<Item = (&'a [u8], &'a mut Times)>,
        pulse: &mut Pulse<'_>,
    ) -> Result<(), QuantizeError> {
        let (way, threads) = (self.judged_by.other(), self.threads);
        let mut float: Option<Session> = None;
        for (bytes, times) in models.filter(|(_, times)| times.other.is_none()) {
            pulse()?;
            let Both { plain, accelerated, .. } = self.load(bytes, way)?;
            let mut own = accelerated.unwrap_or(plain);
            let Some((picture, _)) = self.pictures.first() else { return Ok(()) };
            let float = match &mut float {
                Some(float) => float,
                None if self.float_differs => float.insert(float_in(prepared, way, threads)?.0),
                None => &mut self.float,
            };
            times.other = Some(taking_turns([&mut own, float], picture, threads, pulse)?);
        }
        Ok(())
    }

    /// A quick look at a model, with a few pictures.
    pub fn glance(&mut self, bytes: &[u8], pulse: &mut Pulse<'_>) -> Result<Glance, QuantizeError> {
        pulse()?;
        let Both { plain, accelerated, .. } = self.load(bytes, self.judged_by)?;
        let mut session = accelerated.unwrap_or(plain);
        let mut sums = Sums::default();
        for (picture, expected) in self.pictures.iter().zip(&self.expected).take(PICTURES_A_GLANCE) {
            pulse()?;
            let found = self.reader.read(&mut session, picture, false)?;
            sums.add(expected, &found.boxes, self.thresholds.confidence);
        }
        let (agreement, speed) = (sums.agreement(PICTURES_A_GLANCE), self.speed(&mut session, pulse)?);
        Ok(Glance { error: 1.0 - agreement.closeness, time: speed.ratio })
    }

    fn load(&self, bytes: &[u8], way: JudgeBy) -> Result<Both, QuantizeError> {
        let model = onnx::parse(bytes.to_vec(), &self.path)?;
        let source = ModelSource::Memory(bytes, &self.path);
        Ok(Both::load(source, &model, (&self.input, &self.card), &options(way, self.threads))?)
    }

    fn agreement(
        &mut self,
        session: &mut Session,
        pulse: &mut Pulse<'_>,
    ) -> Result<(Agreement, Option<[f64; 2]>), QuantizeError> {
        let confidence = self.thresholds.confidence;
        let mut sums = Sums::default();
        let mut all = Vec::new();
        for (index, (picture, expected)) in self.pictures.iter().zip(&self.expected).enumerate() {
            pulse()?;
            let labelled = self.truths.as_ref().is_some_and(|(truths, _)| truths.has(index));
            let found = self.reader.read(session, picture, labelled)?;
            sums.add(expected, &found.boxes, confidence);
            all.push(found.all);
        }
        let ap = self.truths.as_ref().and_then(|(truths, float)| truths.ap(&all).map(|own| [own, *float]));
        Ok((sums.agreement(self.pictures.len()), ap))
    }

    fn speed(&mut self, session: &mut Session, pulse: &mut Pulse<'_>) -> Result<Speed, QuantizeError> {
        let Some((picture, _)) = self.pictures.first() else { return Ok(Speed { ratio: 1.0, ms: [0.0; 2] }) };
        taking_turns([session, &mut self.float], picture, self.threads, pulse)
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

fn options(way: JudgeBy, threads: usize) -> SessionOptions {
    SessionOptions { threads, accelerate: way == JudgeBy::Accelerated, ..SessionOptions::default() }
}

/// The model in floats, run in a way, and whether it may run otherwise in the other one.
fn float_in(prepared: &Prepared, way: JudgeBy, threads: usize) -> Result<(Session, bool), QuantizeError> {
    let model = onnx::read(&prepared.path)?;
    let how = (&prepared.input, &prepared.card);
    let Both { plain, accelerated, .. } = Both::load(prepared.float_source(), &model, how, &options(way, threads))?;
    let differs = accelerated.is_some() || way == JudgeBy::Plain;
    Ok((accelerated.unwrap_or(plain), differs))
}
