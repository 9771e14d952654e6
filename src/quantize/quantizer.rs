//! A model with its calibration, of which quantized models can be made: by a search, or with the layers that a user names.

use super::observe::Observed;
use super::prepare::{Prepared, heavy, prepare};
use super::{
    Choice, Judged, Maker, Mode, Outcome, Progress, QuantizeError, Report, Request, judge, outcome, profile, search,
    sensitivity, tell,
};
use crate::imaging::RgbImage;
use crate::inference::trial::Trial;
use std::collections::BTreeSet;

/// A model that pictures have been run through.
pub struct Quantizer {
    request: Request,
    prepared: Prepared,
    observed: Observed,
    judged: Judged,
    used: usize,
}

impl Quantizer {
    /// Reads a model and runs the pictures.
    ///
    /// # Errors
    /// When the model, the recipe or the pictures cannot be used, or `report` ends it.
    pub fn calibrate(
        request: &Request,
        trial: Option<&Trial>,
        pictures: &mut dyn Iterator<Item = RgbImage>,
        report: &mut Report<'_>,
    ) -> Result<Self, QuantizeError> {
        tell(report, Progress::Preparing)?;
        let prepared = prepare(&request.model, &request.load, trial)?;
        if let Some(recipe) = &request.recipe
            && recipe.parent_sha256 != prepared.sha256
        {
            let reason = format!("it was recorded for a file with SHA-256 {}", recipe.parent_sha256);
            return Err(QuantizeError::Recipe { path: request.model.clone(), reason });
        }
        let (observed, judged, used) = super::calibrate(&prepared, request, pictures, report)?;
        Ok(Self { request: request.clone(), prepared, observed, judged, used })
    }

    /// Makes what the request asks for: what its recipe says, or what a search finds.
    ///
    /// # Errors
    /// When ONNX Runtime refuses what was made, or `report` ends it.
    pub fn quantize(&mut self, report: &mut Report<'_>) -> Result<Outcome, QuantizeError> {
        self.search(report, None)
    }

    /// Makes and measures one model, in which the layers of these names stay in floats.
    ///
    /// # Errors
    /// When ONNX Runtime refuses what was made, or `report` ends it.
    pub fn with_floats(&mut self, float: &BTreeSet<String>, report: &mut Report<'_>) -> Result<Outcome, QuantizeError> {
        self.search(report, Some(Choice { float_nodes: float.clone(), ..Choice::default() }))
    }

    fn search(&mut self, report: &mut Report<'_>, choice: Option<Choice>) -> Result<Outcome, QuantizeError> {
        let request = &self.request;
        let judged = self.judged.clone();
        let mut judge = judge::Judge::new(&self.prepared, request.thresholds, request.judged_threads, judged)?;
        let maker = Maker::new(&self.prepared, &self.observed, request, self.used);
        let layers = heavy(&self.prepared.model, &self.prepared.layout).count();
        let mut points = Vec::new();
        {
            let mut build = |choice: &Choice| maker.make(choice);
            let mut progress =
                |done, of, choice: &Choice| tell(report, Progress::Trying { done, of, choice: choice.clone() });
            let (judge, build, progress) = (&mut judge, &mut build, &mut progress);
            let mut search = search::Search { judge, build, progress, points, layers };
            match (&choice, &request.recipe) {
                (Some(choice), _) => drop(search.attempt(choice.clone(), 0)?),
                (None, Some(recipe)) => drop(search.attempt(recipe.choice.clone(), 0)?),
                (None, None) if request.mode != Mode::Static => drop(search.attempt(request.mode.choice(), 0)?),
                (None, None) => search.stretches()?,
            }
            points = search.points;
        }
        let agrees = |best: &usize| request.gate.agrees(&points[*best].measured);
        let disagreeing = search::best(&points, &request.gate).filter(|best| !agrees(best));
        let searched = choice.is_none() && request.recipe.is_none() && request.mode == Mode::Static;
        if let Some(from) = disagreeing.filter(|_| searched) {
            let sensitive = sensitivity::ranked(&maker, &points[from].choice, &mut judge, report)?;
            let mut build = |choice: &Choice| maker.make(choice);
            let mut progress =
                |done, of, choice: &Choice| tell(report, Progress::Trying { done, of, choice: choice.clone() });
            let (judge, build, progress) = (&mut judge, &mut build, &mut progress);
            let mut search = search::Search { judge, build, progress, points, layers };
            search.refine(from, &sensitive, &request.gate)?;
            points = search.points;
        }
        let mut outcome = outcome(&self.prepared, &maker, request, points)?;
        if let Some(input) = judge.input() {
            match profile::of_made(&self.prepared, &outcome.best().bytes, input, request.judged_threads) {
                Ok(profiles) => outcome.profiles = profiles,
                Err(error) => outcome.notes.push(format!("where the time goes was not found out: {error}")),
            }
        }
        Ok(outcome)
    }
}
