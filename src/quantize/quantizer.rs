//! A model with its calibration, of which quantized models can be made: by a search, or with the layers that a user names.

use super::calibrate::{Fed, Seen, calibrate};
use super::choose::{self, Aim};
use super::judge::Judge;
use super::maker::Maker;
use super::noise::{self, Noise};
use super::prepare::{Prepared, prepare};
use super::search::Search;
use super::truth::Truths;
use super::{
    Choice, Mode, Outcome, Point, Profile, Progress, Pulse, QuantizeError, Report, Request, Sample, advice, equalize,
    forms, layers, profile, rounding, scales, tell,
};
use crate::inference::preprocess::{ModelInput, Preprocessor};
use crate::inference::trial::Trial;
use std::collections::{BTreeSet, HashMap, HashSet};

/// How far channels reach is told from so many pictures, and from so many bytes of them: a channel that only fires for
/// what is rare must have been seen to.
const EQUALIZED_BY: usize = 64;
const EQUALIZED_BYTES: usize = 192 << 20;

/// A model that pictures have been run through. It keeps some of the pictures, for judging, and the model twice in memory.
pub struct Quantizer {
    request: Request,
    maker: Maker,
    judge: Judge,
    /// Whether channels have ranges of their own in what was made last.
    scales: bool,
}

impl Quantizer {
    /// Reads a model and runs the pictures. Pictures without labels are [`Sample::from`] them.
    ///
    /// # Errors
    /// When the model, the recipe or the pictures cannot be used, or `report` ends it.
    pub fn calibrate(
        request: &Request,
        trial: Option<&Trial>,
        pictures: &mut dyn Iterator<Item = Sample>,
        report: &mut Report<'_>,
    ) -> Result<Self, QuantizeError> {
        let mut prepared = prepare(&request.model, &request.load, trial, &mut || tell(report, Progress::Preparing))?;
        if let Some(recipe) = &request.recipe
            && recipe.parent_sha256 != prepared.sha256
        {
            let reason = format!("it was recorded for a file with SHA-256 {}", recipe.parent_sha256);
            return Err(QuantizeError::Recipe { path: request.model.clone(), reason });
        }
        let mut first = Vec::new();
        let (equalizes, scales) = (request.corrections().equalize, request.scales_channels());
        let mut scaled = None;
        if equalizes || scales {
            let mut bytes = 0;
            while first.len() < EQUALIZED_BY.min(request.samples) && bytes < EQUALIZED_BYTES {
                tell(report, Progress::Preparing)?;
                let Some(picture) = pictures.next() else { break };
                bytes += picture.image.as_raw().len();
                first.push(picture);
            }
            let inputs: Vec<ModelInput> = fed(&prepared, &first).collect();
            let counted = if scales { scales::wanted(&prepared) } else { HashSet::new() };
            let seen = equalize::watch(&prepared, &inputs, counted, request.load.session.threads, report)?;
            if scales {
                scaled = scales::scaled(&prepared, &seen, request.range_method(), inputs.first())?;
            }
            if equalizes {
                equalize::equalize(&mut prepared, &seen, inputs.first())?;
            }
        }
        let mut pictures = first.into_iter().chain(pictures);
        let models: Vec<&Prepared> = [&prepared].into_iter().chain(&scaled).collect();
        let Seen { observed, judged, truths, kept, used } = calibrate(&models, request, &mut pictures, report)?;
        let truths = Truths::new(&request.classes, &prepared.card.labels, truths);
        let of = request.samples;
        let mut pulse = || tell(report, Progress::Calibrating { done: of, of });
        let how = (request.thresholds, request.judged_threads, request.judge_by);
        let judge = Judge::new(&prepared, how, judged, truths, &mut pulse)?;
        let mut observed = observed.into_iter();
        let mut maker_of = |prepared: Prepared| -> Result<Maker, QuantizeError> {
            let mut maker = Maker::new(prepared, observed.next().unwrap_or_default(), request, used);
            let learns = request.corrections();
            if learns.rounding {
                let how = rounding::How {
                    threads: request.load.session.threads,
                    rounded_inputs: request.form().needs_ranges() && !maker.numbers.activations.is_wide(),
                    bias_follows: learns.bias,
                };
                let lessons = rounding::learn(&maker, &kept, how, report)?;
                maker.learned = lessons.learned;
                maker.prepared.notes.extend(lessons.note);
            }
            if request.form().needs_ranges() {
                maker.noise = listen(&maker, &kept, request, report)?;
            }
            if request.corrections().bias {
                maker.shifts = maker.noise.iter().map(|(node, noise)| (*node, noise.shift())).collect();
            }
            Ok(maker)
        };
        let mut maker = maker_of(prepared)?;
        maker.always_scaled = request.always_scales_channels();
        maker.scaled = scaled.map(&mut maker_of).transpose()?.map(Box::new);
        Ok(Self { request: request.clone(), maker, judge, scales: false })
    }

    /// Makes what the request asks for: what its recipe says, or what a search finds.
    ///
    /// # Errors
    /// When ONNX Runtime refuses what was made, or `report` ends it. A gate that no model passes is no error: see
    /// [`Outcome::failed`].
    pub fn quantize(&mut self, report: &mut Report<'_>) -> Result<Outcome, QuantizeError> {
        let Self { request, maker, judge, .. } = self;
        let noisy = layers::noisy(maker);
        let mut search = Search::new((judge, maker), request.gate, request.judge_by, report);
        match &request.recipe {
            Some(recipe) => {
                search.attempt(recipe.choice.clone(), 0)?;
            }
            None if request.mode != Mode::Static => {
                search.attempt(request.mode.choice(), 0)?;
            }
            None => {
                search.run(&noisy)?;
            }
        }
        let points = search.points;
        self.outcome(points, report)
    }

    /// Makes and measures one model, in which the layers of these names stay in floats and all others work in integers,
    /// without a search and without running the calibration again. Names that no layer has are left out. The recipe in
    /// the outcome does the same from the command line.
    ///
    /// # Errors
    /// When ONNX Runtime refuses what was made, or `report` ends it.
    pub fn with_floats(&mut self, float: &BTreeSet<String>, report: &mut Report<'_>) -> Result<Outcome, QuantizeError> {
        let known = layers::layers(&self.maker, float);
        let float_nodes = known.into_iter().filter(|layer| !layer.integer).map(|layer| layer.name).collect();
        let Self { maker, judge, request, scales: channel_scales } = self;
        let channel_scales = *channel_scales;
        let mut search = Search::new((judge, maker), request.gate, request.judge_by, report);
        search.attempt(Choice { float_nodes, channel_scales, ..Choice::default() }, 0)?;
        let points = search.points;
        self.outcome(points, report)
    }

    fn outcome(&mut self, mut points: Vec<Point>, report: &mut Report<'_>) -> Result<Outcome, QuantizeError> {
        let gate = &self.request.gate;
        let aim = Aim::of(gate, self.request.judge_by);
        let Some(best) = choose::best(&points, gate, &aim) else {
            return Err(QuantizeError::NothingToQuantize { path: self.request.model.clone() });
        };
        let front = choose::front(&points);
        self.scales = points[best].choice.channel_scales;
        let done = points.len();
        let last = Progress::Trying { done, of: done + 1, choice: points[best].choice.clone() };
        let mut pulse = || tell(report, last.clone());
        let told = points.iter_mut().enumerate().filter(|(index, _)| *index == best || front.contains(index));
        let times = told.map(|(_, point)| (&*point.bytes, &mut point.measured.times));
        self.judge.measure_other_way(&self.maker.prepared, times, &mut pulse)?;
        let (maker, point) = (&self.maker, &points[best]);
        let mut notes = maker.prepared.notes.clone();
        notes.extend(forms::notes(&maker.prepared, point)?);
        if let Some(executed) = point.measured.executed {
            let running = executed.integer_convolutions + executed.integer_products;
            if running != point.integers {
                notes.push(format!(
                    "{} convolutions and products are written in integers, and ONNX Runtime runs {running} so",
                    point.integers
                ));
            }
        }
        // One model is what was asked for, whatever it is.
        notes.extend(aim.missed(&point.measured).filter(|_| points.len() > 1));
        notes.extend(advice::of_time(point, &advice::without_integers(&maker.prepared)));
        let profiles = self.profiles(point, &mut notes, &mut pulse)?;
        Ok(Outcome {
            front,
            failed: gate.failed_by(&point.measured),
            recipe: maker.recipe(&point.choice),
            layers: layers::layers(maker.of(&point.choice), &point.float),
            float_bytes: maker.prepared.bytes,
            best,
            points,
            notes,
            profiles,
        })
    }

    /// Where the time of the FP32 model goes, and that of a model that was made.
    fn profiles(
        &self,
        point: &Point,
        notes: &mut Vec<String>,
        pulse: &mut Pulse<'_>,
    ) -> Result<Vec<Profile>, QuantizeError> {
        let Some(input) = self.judge.input() else { return Ok(Vec::new()) };
        match profile::of_made(&self.maker.prepared, &point.bytes, input, self.judge.way(), pulse) {
            Err(QuantizeError::Cancelled) => Err(QuantizeError::Cancelled),
            Err(error) => {
                notes.push(format!("where the time goes was not found out: {error}"));
                Ok(Vec::new())
            }
            profiles => profiles,
        }
    }
}

/// Pictures as the model reads them.
fn fed(prepared: &Prepared, pictures: &[Sample]) -> impl Iterator<Item = ModelInput> {
    let mut preprocessor = Preprocessor::new(&prepared.card, prepared.input.dtype);
    pictures.iter().map(move |picture| {
        let mut input = preprocessor.new_input();
        preprocessor.run(&picture.image, &mut input);
        input
    })
}

/// What each layer loses alone.
fn listen(
    maker: &Maker,
    kept: &[Fed],
    request: &Request,
    report: &mut Report<'_>,
) -> Result<HashMap<usize, Noise>, QuantizeError> {
    let mut listener = noise::Listener::new(maker, request.load.session.threads)?;
    for (done, (input, _)) in kept.iter().enumerate() {
        tell(report, Progress::Sensitivity { done, of: kept.len() })?;
        listener.add(input)?;
    }
    Ok(listener.noise)
}
