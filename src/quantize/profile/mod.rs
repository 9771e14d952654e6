//! Why is it slow: where the time of a model goes, operator by operator, against another one; which of its nodes stayed in
//! floats and why; in words, with advice.
//!
//! The times are ONNX Runtime's own, recorded while the models take turns. Recording takes time itself, so that small
//! operators look larger than they are; ratios of whole runs are better taken from a benchmark.

mod events;
mod floats;
mod words;
mod work;

pub use floats::{LeftFloat, Reason};
pub use work::Work;

use super::prepare::Prepared;
use super::times::JudgeBy;
use super::{Pulse, QuantizeError};
use crate::imaging::RgbImage;
use crate::inference::accelerate::Both;
use crate::inference::preprocess::ModelInput;
use crate::inference::session::{ModelSource, Session};
use crate::inference::trial::Trial;
use crate::inference::{Detector, LoadError, LoadOptions, Precision, SessionError, SessionOptions, Thresholds};
use crate::onnx;
use crate::onnx::proto::{GraphProto, ModelProto};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Runs of each model that count, and how long all of them may take at most.
const ROUNDS: usize = 20;
const ROUNDS_MIN: usize = 3;
const ROUNDS_TIME: Duration = Duration::from_secs(2);

/// Where the time of a model goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Profile {
    /// The model's file, or the one that it was made from.
    pub path: PathBuf,
    /// In what numbers it computes, such as `INT8 (QDQ)`.
    pub numbers: String,
    /// Whether functions of a byte are look-ups in it.
    pub accelerated: bool,
    /// Median milliseconds of a run, recording included, and whatever else the machine does.
    pub run_ms: f64,
    /// Milliseconds of all operators of the first model together; none for that itself.
    pub reference_ms: Option<f64>,
    /// Runs that this rests on.
    pub runs: usize,
    /// Operators, the one that takes most first.
    pub operators: Vec<OperatorTime>,
    /// Kinds of work in the order of [`Work::ALL`], without those that there are none of.
    pub work: Vec<WorkTime>,
    /// What runs in floats, what takes most first; empty for a model that is not quantized.
    pub floats: Vec<LeftFloat>,
    /// What there is to say, in sentences.
    pub findings: Vec<String>,
    /// What to do, in a sentence; none for the first model of several.
    pub advice: Option<String>,
}

/// What all nodes of an operator take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OperatorTime {
    /// The operator, as ONNX Runtime names it.
    pub operator: String,
    /// Its kind of work.
    pub work: Work,
    /// How many nodes.
    pub nodes: usize,
    /// Milliseconds of a run.
    pub ms: f64,
    /// Of all operators' time, 0…1.
    pub share: f64,
    /// Milliseconds of this operator in the first model; none for that itself.
    pub reference_ms: Option<f64>,
}

/// What a kind of work takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WorkTime {
    /// The kind.
    pub work: Work,
    /// How many nodes.
    pub nodes: usize,
    /// Milliseconds of a run.
    pub ms: f64,
    /// Of all operators' time, 0…1.
    pub share: f64,
    /// Milliseconds of this kind in the first model; none for that itself.
    pub reference_ms: Option<f64>,
}

impl Profile {
    /// Milliseconds of all operators together: of each the median, so that a busy machine disturbs it little.
    pub fn operators_ms(&self) -> f64 {
        self.operators.iter().map(|operator| operator.ms).sum()
    }

    /// What a kind of work takes, 0 where there is none.
    pub fn ms_of(&self, work: Work) -> f64 {
        self.work.iter().find(|time| time.work == work).map_or(0.0, |time| time.ms)
    }

    /// Time of all operators over that of the first model's.
    pub fn ratio(&self) -> Option<f64> {
        self.reference_ms.filter(|ms| *ms > 0.0).map(|ms| self.operators_ms() / ms)
    }

    fn of(subject: &Subject<'_>, record: &events::Record, reference: Option<&Self>) -> Self {
        let all: f64 = record.nodes.iter().map(|node| node.ms).sum();
        let share = |ms: f64| if all > 0.0 { ms / all } else { 0.0 };
        let mut operators: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
        // A kind that is gone is worth a row, too.
        let known = reference.iter().flat_map(|reference| reference.work.iter().map(|time| (time.work, (0, 0.0))));
        let mut kinds: BTreeMap<Work, (usize, f64)> = known.collect();
        for node in &record.nodes {
            for (count, ms) in
                [operators.entry(&node.operator).or_default(), kinds.entry(Work::of(&node.operator)).or_default()]
            {
                *count += 1;
                *ms += node.ms;
            }
        }
        let before = |operator: &str| {
            let known = |reference: &Self| reference.operators.iter().find(|o| o.operator == operator).map(|o| o.ms);
            reference.map(|reference| known(reference).unwrap_or(0.0))
        };
        let mut times: Vec<OperatorTime> = operators
            .into_iter()
            .map(|(operator, (nodes, ms))| OperatorTime {
                operator: operator.to_owned(),
                work: Work::of(operator),
                nodes,
                ms,
                share: share(ms),
                reference_ms: before(operator),
            })
            .collect();
        times.sort_by(|one, other| other.ms.total_cmp(&one.ms));
        let reference_ms = |work| reference.map(|reference| reference.ms_of(work));
        let work = kinds
            .into_iter()
            .map(|(work, (nodes, ms))| WorkTime { work, nodes, ms, share: share(ms), reference_ms: reference_ms(work) })
            .collect();
        let is_quantized = record.nodes.iter().any(|node| {
            let byte = |kind: &String| kind.starts_with("uint") || matches!(kind.as_str(), "int8" | "int16");
            Work::of(&node.operator) == Work::IntegerLayers || node.outputs.iter().any(byte)
        });
        let graph = subject.graph.filter(|_| is_quantized);
        Self {
            path: subject.path.to_owned(),
            numbers: subject.numbers.clone(),
            accelerated: subject.accelerated,
            run_ms: record.run_ms,
            reference_ms: reference.map(Self::operators_ms),
            runs: record.runs,
            operators: times,
            work,
            floats: graph.map_or_else(Vec::new, |graph| floats::left(graph, &record.nodes)),
            findings: Vec::new(),
            advice: None,
        }
    }
}

/// A model whose session records what it does.
pub(super) struct Subject<'a> {
    pub path: &'a Path,
    pub numbers: String,
    pub accelerated: bool,
    /// The graph that ONNX Runtime's optimizer left.
    pub graph: Option<&'a GraphProto>,
    pub session: Recording<'a>,
}

/// Whose session it is.
pub(super) enum Recording<'a> {
    Session(&'a mut Session, &'a ModelInput),
    Detector(&'a mut Detector),
}

impl Recording<'_> {
    fn run(&mut self) -> Result<(), SessionError> {
        match self {
            Self::Session(session, input) => session.run(input, |_, _| ()),
            Self::Detector(detector) => detector.time_session().map(drop),
        }
    }

    fn end(&mut self) -> Result<PathBuf, SessionError> {
        match self {
            Self::Session(session, _) => session.end_profile(),
            Self::Detector(detector) => detector.end_profile(),
        }
    }
}

/// Lets the models take turns and tells where their time goes, and why; the first is what the others are compared with.
pub(super) fn take(subjects: &mut [Subject<'_>], pulse: &mut Pulse<'_>) -> Result<Vec<Profile>, QuantizeError> {
    let begin = Instant::now();
    let mut rounds = 0;
    while rounds < ROUNDS_MIN || (rounds < ROUNDS && begin.elapsed() < ROUNDS_TIME) {
        for subject in subjects.iter_mut() {
            pulse()?;
            subject.session.run()?;
        }
        rounds += 1;
    }
    let mut profiles: Vec<Profile> = Vec::new();
    for subject in subjects {
        let file = subject.session.end()?;
        let unreadable = |reason: String| QuantizeError::Profile { path: subject.path.to_owned(), reason };
        let text = std::fs::read_to_string(&file).map_err(|error| unreadable(error.to_string()))?;
        let record = events::read(&text, rounds).map_err(unreadable)?;
        let mut profile = Profile::of(subject, &record, profiles.first());
        words::explain(&mut profile, profiles.first(), &record);
        profiles.push(profile);
    }
    Ok(profiles)
}

/// Where the time of a model that was made goes, after that of the model in floats; `input` is what both are fed, in which
/// way they are run, and by how many threads, says `way`.
pub(super) fn of_made(
    prepared: &Prepared,
    bytes: &[u8],
    input: &ModelInput,
    (way, threads): (JudgeBy, usize),
    pulse: &mut Pulse<'_>,
) -> Result<Vec<Profile>, QuantizeError> {
    let folder = tempfile::Builder::new().prefix("quantscope-").tempdir().map_err(QuantizeError::Temporary)?;
    let made = onnx::parse(bytes.to_vec(), &prepared.path)?;
    let summary = onnx::summary(&made, &prepared.path)?;
    let optimized = folder.path().join("optimized.onnx");
    let options = SessionOptions {
        threads,
        accelerate: way == JudgeBy::Accelerated,
        profile_in: Some(folder.path().to_owned()),
        ..SessionOptions::default()
    };
    let how = (&prepared.input, &prepared.card);
    let mut load = |source, model: &ModelProto| {
        pulse()?;
        Ok::<Both, QuantizeError>(Both::load(source, model, how, &options)?)
    };
    let mut float = load(prepared.float_source(), &onnx::read(&prepared.path)?)?;
    let source = ModelSource::Memory(bytes, &prepared.path);
    // What stayed in floats is told from the graph that ONNX Runtime leaves, which the accelerated one is made of.
    let plain = SessionOptions { threads, optimized_to: Some(optimized.clone()), ..SessionOptions::default() };
    drop(Session::load(source, onnx::opset_of(&made), &prepared.input, &plain)?);
    let graph = onnx::read(&optimized).ok();
    let mut own = load(source, &made)?;
    let accelerated = own.accelerated.is_some();
    let subject = |session, accelerated, numbers, graph| Subject {
        path: &prepared.path,
        numbers,
        accelerated,
        graph,
        session: Recording::Session(session, input),
    };
    let subjects = &mut [
        subject(float.session(), false, Precision::Fp32.to_string(), None),
        subject(
            own.session(),
            accelerated,
            summary.quantization.name_with(summary.precision),
            graph.as_ref().and_then(|model| model.graph.as_ref()),
        ),
    ];
    take(subjects, pulse)
}

/// Where the time of models goes, that of the first being what the others are compared with. Each is loaded as `options`
/// say (accelerated, if they ask for it) and fed `picture`.
///
/// # Errors
/// When a model does not load or run, or ONNX Runtime's record cannot be read.
pub fn profile(
    models: &[PathBuf],
    options: &LoadOptions,
    trial: Option<&Trial>,
    picture: &RgbImage,
) -> Result<Vec<Profile>, QuantizeError> {
    let folder = tempfile::Builder::new().prefix("quantscope-").tempdir().map_err(QuantizeError::Temporary)?;
    let mut loaded: Vec<(Detector, Option<ModelProto>)> = Vec::new();
    for (index, path) in models.iter().enumerate() {
        let optimized = folder.path().join(format!("{index}.onnx"));
        let mut plain = options.clone();
        plain.session.accelerate = false;
        plain.session.optimized_to = Some(optimized.clone());
        plain.session.profile_in = Some(folder.path().to_owned());
        let mut detector = Detector::load(path, &plain, trial, &mut |_| {})?;
        if options.session.accelerate && detector.info().quantization.is_worth_a_look() {
            let session = SessionOptions { profile_in: plain.session.profile_in, ..options.session.clone() };
            detector = Detector::load(path, &LoadOptions { session, ..options.clone() }, None, &mut |_| {})?;
        }
        let failed = |source| LoadError::Run { path: path.clone(), source };
        detector.detect(picture, Thresholds::default(), &mut Vec::new()).map_err(failed)?;
        loaded.push((detector, onnx::read(&optimized).ok()));
    }
    let mut subjects: Vec<Subject<'_>> = loaded
        .iter_mut()
        .zip(models)
        .map(|((detector, optimized), path)| {
            let info = detector.info();
            Subject {
                path,
                numbers: info.quantization.name_with(info.precision),
                accelerated: info.acceleration.is_done(),
                graph: optimized.as_ref().and_then(|model| model.graph.as_ref()),
                session: Recording::Detector(detector),
            }
        })
        .collect();
    take(&mut subjects, &mut || Ok(()))
}
