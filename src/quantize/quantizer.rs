//! A model with its calibration, of which quantized models can be made: by a search, or with the layers that a user names.

use super::calibrate::{Fed, Seen, calibrate};
use super::judge::Judge;
use super::maker::Maker;
use super::noise::{self, Noise};
use super::prepare::{Prepared, prepare};
use super::search::{self, Search};
use super::truth::Truths;
use super::{
    Choice, Mode, Outcome, Point, Progress, QuantizeError, Report, Request, Sample, advice, equalize, forms, layers,
    profile, tell,
};
use crate::inference::preprocess::{ModelInput, Preprocessor};
use crate::inference::trial::Trial;
use crate::onnx;
use std::collections::{BTreeSet, HashMap};

/// How far channels reach is told from so many pictures, and from so many bytes of them: a channel that only fires for
/// what is rare must have been seen to.
const EQUALIZED_BY: usize = 64;
const EQUALIZED_BYTES: usize = 192 << 20;

/// A model that pictures have been run through. It keeps some of the pictures, for judging, and the model twice in memory.
pub struct Quantizer {
    request: Request,
    maker: Maker,
    judge: Judge,
    noise: HashMap<usize, Noise>,
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
        tell(report, Progress::Preparing)?;
        let mut prepared = prepare(&request.model, &request.load, trial)?;
        if let Some(recipe) = &request.recipe
            && recipe.parent_sha256 != prepared.sha256
        {
            let reason = format!("it was recorded for a file with SHA-256 {}", recipe.parent_sha256);
            return Err(QuantizeError::Recipe { path: request.model.clone(), reason });
        }
        let mut first = Vec::new();
        if request.corrections().equalize {
            let mut bytes = 0;
            while first.len() < EQUALIZED_BY.min(request.samples) && bytes < EQUALIZED_BYTES {
                let Some(picture) = pictures.next() else { break };
                bytes += picture.image.as_raw().len();
                first.push(picture);
            }
            let inputs: Vec<ModelInput> = fed(&prepared, &first).collect();
            equalize::equalize(&mut prepared, &inputs, request.load.session.threads)?;
        }
        let mut pictures = first.into_iter().chain(pictures);
        let Seen { observed, judged, truths, kept, used } = calibrate(&prepared, request, &mut pictures, report)?;
        let truths = Truths::new(&request.classes, &prepared.card.labels, truths);
        let judge = Judge::new(&prepared, request.thresholds, request.judged_threads, judged, truths)?;
        let mut maker = Maker::new(prepared, observed, request, used);
        let is_static = request.form() == Mode::Static;
        let noise = if is_static { listen(&maker, &kept, request, report)? } else { HashMap::new() };
        if request.corrections().bias {
            maker.shifts = noise.iter().map(|(node, noise)| (*node, noise.shift())).collect();
        }
        Ok(Self { request: request.clone(), maker, judge, noise })
    }

    /// Makes what the request asks for: what its recipe says, or what a search finds.
    ///
    /// # Errors
    /// When ONNX Runtime refuses what was made, or `report` ends it. A gate that no model passes is no error: see
    /// [`Outcome::failed`].
    pub fn quantize(&mut self, report: &mut Report<'_>) -> Result<Outcome, QuantizeError> {
        let Self { request, maker, judge, noise } = self;
        let noisy = layers::noisy(maker, noise);
        let mut search = Search { judge, maker, report, points: Vec::new() };
        match &request.recipe {
            Some(recipe) => {
                search.attempt(recipe.choice.clone(), 0)?;
            }
            None if request.mode != Mode::Static => {
                search.attempt(request.mode.choice(), 0)?;
            }
            None => {
                search.stretches()?;
                search.refine(&request.gate, &noisy)?;
            }
        }
        let points = search.points;
        self.outcome(points)
    }

    /// Makes and measures one model, in which the layers of these names stay in floats and all others work in integers,
    /// without a search and without running the calibration again. Names that no layer has are left out. The recipe in
    /// the outcome does the same from the command line.
    ///
    /// # Errors
    /// When ONNX Runtime refuses what was made, or `report` ends it.
    pub fn with_floats(&mut self, float: &BTreeSet<String>, report: &mut Report<'_>) -> Result<Outcome, QuantizeError> {
        let known = layers::layers(&self.maker, &self.noise, float);
        let float_nodes = known.into_iter().filter(|layer| !layer.integer).map(|layer| layer.name).collect();
        let Self { maker, judge, .. } = self;
        let mut search = Search { judge, maker, report, points: Vec::new() };
        search.attempt(Choice { float_nodes, ..Choice::default() }, 0)?;
        let points = search.points;
        self.outcome(points)
    }

    fn outcome(&self, points: Vec<Point>) -> Result<Outcome, QuantizeError> {
        let (maker, gate) = (&self.maker, &self.request.gate);
        let prepared = &maker.prepared;
        let Some(best) = search::best(&points, gate) else {
            return Err(QuantizeError::NothingToQuantize { path: self.request.model.clone() });
        };
        let point = &points[best];
        let mut notes = prepared.notes.clone();
        let written = onnx::parse(point.bytes.clone(), &prepared.path)?;
        notes.extend(forms::notes(point.choice.form, &prepared.model, &prepared.layout, &written));
        if let Some(executed) = point.measured.executed {
            let running = executed.integer_convolutions + executed.integer_products;
            if running != point.integers {
                notes.push(format!(
                    "{} convolutions and products are written in integers, and ONNX Runtime runs {running} so",
                    point.integers
                ));
            }
        }
        if point.measured.latency_ratio > search::WORTH_IT {
            notes.push(advice::keep_floats(prepared, point));
        }
        let mut profiles = Vec::new();
        if let Some(input) = self.judge.input() {
            match profile::of_made(prepared, &point.bytes, input, self.request.judged_threads) {
                Ok(found) => profiles = found,
                Err(error) => notes.push(format!("where the time goes was not found out: {error}")),
            }
        }
        Ok(Outcome {
            front: search::front(&points),
            failed: gate.failed_by(&point.measured),
            recipe: maker.recipe(&point.choice),
            layers: layers::layers(maker, &self.noise, &point.float),
            float_bytes: prepared.bytes,
            best,
            points,
            notes,
            profiles,
        })
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
