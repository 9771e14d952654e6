//! From a detector in 32-bit floats to a twin that computes in 8-bit integers: calibrate, insert `QuantizeLinear` and
//! `DequantizeLinear` where ONNX Runtime makes integers of them, and find by measurement which layers are to stay in
//! floats. `docs/QUANTIZATION.md` has the methods with their papers, and figures.
//!
//! [`quantize`] is all of it. It takes pictures from whoever has some and runs on the thread that calls it.

mod error;
mod forms;
mod histogram;
mod insert;
mod judge;
mod layers;
mod layout;
mod observe;
mod plan;
mod prepare;
mod profile;
mod quantizer;
mod range;
mod recipe;
mod save;
mod search;
mod sensitivity;

pub use error::QuantizeError;
pub use forms::{Activations, Mode, Numbers, Weights};
pub use histogram::Histogram;
pub use judge::{Agreement, Measured};
pub use layers::Layer;
pub use plan::Choice;
pub use profile::{LeftFloat, OperatorTime, Profile, Reason, Work, WorkTime, profile};
pub use quantizer::Quantizer;
pub use range::{Affine, Followed, Method, choose};
pub use recipe::{RECIPE_KEY, Recipe};
pub use save::save;
pub use search::front;

use crate::imaging::{Letterbox, RgbImage};
use crate::inference::preprocess::{ModelInput, Preprocessor};
use crate::inference::trial::Trial;
use crate::inference::{LoadOptions, Thresholds};
use crate::onnx;
use forms::Writing;
use observe::{Observed, Observer};
use prepare::{Prepared, heavy};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Of so many pictures one is kept for judging and not used for ranges.
const JUDGED_EVERY: usize = 4;
/// More pictures than this are not judged by; they are kept in memory as the model's input.
const JUDGED_MAX: usize = 32;
/// With fewer, those that are judged are used for ranges as well.
const JUDGED_MIN: usize = 4;

/// What is to be quantized, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// The FP32 model.
    pub model: PathBuf,
    /// Card and labels; threads of calibration.
    pub load: LoadOptions,
    /// Threads of the sessions whose time is taken.
    pub judged_threads: usize,
    /// From which score on boxes are compared.
    pub thresholds: Thresholds,
    /// What becomes integers.
    pub mode: Mode,
    /// Types of what fixed scales are written with.
    pub numbers: Numbers,
    /// Largest code of a weight; none: 127, or 63 where this processor's products of 8 bits overflow.
    pub weight_limit: Option<i8>,
    /// How ranges are chosen.
    pub method: Method,
    /// At most so many pictures.
    pub samples: usize,
    /// What must hold for a model to be given back as good.
    pub gate: Gate,
    /// Decisions that are taken over instead of searched for.
    pub recipe: Option<Recipe>,
}

/// What a quantized model must keep.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gate {
    /// Lowest F1 against the model in floats.
    pub min_agreement: Option<f64>,
    /// Lowest ratio of the time of the model in floats to its own.
    pub min_speedup: Option<f64>,
}

impl Request {
    /// What becomes of the numbers, which a recipe says where there is one.
    fn form(&self) -> Mode {
        self.recipe.as_ref().map_or(self.mode, |recipe| recipe.choice.form)
    }
}

impl Gate {
    fn agrees(&self, measured: &Measured) -> bool {
        self.min_agreement.is_none_or(|wanted| measured.agreement.f1 >= wanted)
    }

    /// Why a model does not pass; none where it does.
    pub fn failed_by(&self, measured: &Measured) -> Option<String> {
        let (f1, speedup) = (measured.agreement.f1, 1.0 / measured.latency_ratio.max(f64::MIN_POSITIVE));
        if let Some(wanted) = self.min_agreement.filter(|_| !self.agrees(measured)) {
            return Some(format!("its agreement with the FP32 model is {f1:.3}, and {wanted:.3} was asked for"));
        }
        let wanted = self.min_speedup.filter(|wanted| speedup < *wanted)?;
        Some(format!("it is {speedup:.2} times as fast as the FP32 model, and {wanted:.2} was asked for"))
    }
}

/// A model that was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// What stays in floats.
    pub choice: Choice,
    /// Convolutions and products that are meant to run in integers.
    pub integers: usize,
    /// Names of those that stay in floats, as in [`Outcome::layers`].
    pub float: BTreeSet<String>,
    /// What it came to.
    pub measured: Measured,
    /// The file's contents.
    pub bytes: Vec<u8>,
}

/// What came of quantizing.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Everything that was tried.
    pub points: Vec<Point>,
    /// The best of it, an index into `points`.
    pub best: usize,
    /// The points than which none is both faster and agrees better, the fastest first.
    pub front: Vec<usize>,
    /// Why the best one does not pass the gate; none where it does.
    pub failed: Option<String>,
    /// How the best one was made.
    pub recipe: Recipe,
    /// Convolutions and products with weights before the tail, in the graph's order.
    pub layers: Vec<Layer>,
    /// Size of the FP32 model's file.
    pub float_bytes: u64,
    /// What was done and what was left, in sentences.
    pub notes: Vec<String>,
    /// Where the time of the FP32 model goes, and that of the best one; empty where that was not found out.
    pub profiles: Vec<Profile>,
}

impl Outcome {
    /// The best model.
    pub fn best(&self) -> &Point {
        &self.points[self.best]
    }
}

/// What is going on.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// The model is read, tried and tidied.
    Preparing,
    /// So many pictures of so many have been run.
    Calibrating {
        /// Pictures done.
        done: usize,
        /// Pictures at most.
        of: usize,
    },
    /// Layers are quantized one at a time to see what that does.
    Sensitivity {
        /// Layers done.
        done: usize,
        /// Layers.
        of: usize,
    },
    /// A model is made and measured.
    Trying {
        /// Models done.
        done: usize,
        /// Models that will probably be made.
        of: usize,
        /// What stays in floats in this one.
        choice: Choice,
    },
}

/// Told what is going on; may end it.
pub type Report<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// Quantizes a model with the pictures that `pictures` gives. Nothing is written but temporary files.
///
/// # Errors
/// When the model or the pictures cannot be used, or `report` ends it. A gate that no model passes is no error: see
/// [`Outcome::failed`].
pub fn quantize(
    request: &Request,
    trial: Option<&Trial>,
    pictures: &mut dyn Iterator<Item = RgbImage>,
    report: &mut Report<'_>,
) -> Result<Outcome, QuantizeError> {
    Quantizer::calibrate(request, trial, pictures, report)?.quantize(report)
}

fn outcome(
    prepared: &Prepared,
    maker: &Maker<'_>,
    request: &Request,
    points: Vec<Point>,
) -> Result<Outcome, QuantizeError> {
    let Some(best) = search::best(&points, &request.gate) else {
        return Err(QuantizeError::NothingToQuantize { path: request.model.clone() });
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
    if point.measured.latency_ratio > 1.0 {
        notes.push(format!(
            "on this machine integers do not pay for this model ({:.2} of the FP32 time); the FP32 model is faster",
            point.measured.latency_ratio
        ));
    }
    Ok(Outcome {
        front: search::front(&points),
        failed: request.gate.failed_by(&point.measured),
        recipe: maker.recipe(&point.choice),
        layers: layers::layers(maker, &point.float),
        float_bytes: prepared.bytes,
        best,
        points,
        notes,
        profiles: Vec::new(),
    })
}

fn tell(report: &mut Report<'_>, progress: Progress) -> Result<(), QuantizeError> {
    match report(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(QuantizeError::Cancelled),
    }
}

type Judged = Vec<(ModelInput, Letterbox)>;

/// Runs the pictures; returns what was seen, the pictures to judge by, and how many the ranges are chosen by.
fn calibrate(
    prepared: &Prepared,
    request: &Request,
    pictures: &mut dyn Iterator<Item = RgbImage>,
    report: &mut Report<'_>,
) -> Result<(Observed, Judged, usize), QuantizeError> {
    let mut observer = Observer::new(prepared, request.load.session.threads)?;
    let needs_ranges = request.form().needs_ranges();
    let mut preprocessor = Preprocessor::new(&prepared.card, prepared.input.dtype);
    let (mut judged, mut spare, mut used) = (Judged::new(), Judged::new(), 0);
    for (index, picture) in pictures.take(request.samples).enumerate() {
        tell(report, Progress::Calibrating { done: index, of: request.samples })?;
        let mut input = preprocessor.new_input();
        let letterbox = preprocessor.run(&picture, &mut input);
        let is_judged = !needs_ranges || index % JUDGED_EVERY == JUDGED_EVERY - 1;
        if is_judged && judged.len() < JUDGED_MAX {
            judged.push((input, letterbox));
            continue;
        }
        if !needs_ranges {
            break;
        }
        observer.add(&input)?;
        used += 1;
        if spare.len() < JUDGED_MIN {
            spare.push((input, letterbox));
        }
    }
    if used == 0 && judged.is_empty() {
        return Err(QuantizeError::NoPictures { from: "what was named".to_owned() });
    }
    if judged.len() < JUDGED_MIN {
        judged.append(&mut spare);
    }
    Ok((observer.observed, judged, used))
}

/// Makes models of choices.
struct Maker<'a> {
    prepared: &'a Prepared,
    codes: insert::Codes,
    strides: Vec<usize>,
    method: Method,
    weight_limit: i8,
    numbers: Numbers,
    pictures: usize,
}

impl<'a> Maker<'a> {
    fn new(prepared: &'a Prepared, observed: &Observed, request: &Request, pictures: usize) -> Self {
        let method = request.recipe.as_ref().map_or(request.method, |recipe| recipe.method);
        let by_request = || request.weight_limit.unwrap_or_else(weight_limit);
        let weight_limit = request.recipe.as_ref().map_or_else(by_request, |recipe| recipe.weight_limit);
        let numbers = request.recipe.as_ref().map_or(request.numbers, |recipe| recipe.numbers);
        // With steps as fine as those of 16 bits nothing has to be cut off.
        let ranges = if numbers.activations.is_wide() { Method::MinMax } else { method };
        let height = prepared.input.size.height as usize;
        let (codes, strides) = prepared.model.graph.as_ref().map_or_else(Default::default, |graph| {
            let codes = observed.codes(graph, &prepared.layout, ranges);
            (codes, layout::strides(graph, &observed.shapes, height))
        });
        Self { prepared, codes, strides, method, weight_limit, numbers, pictures }
    }

    fn recipe(&self, choice: &Choice) -> Recipe {
        Recipe {
            parent_sha256: self.prepared.sha256.clone(),
            method: self.method,
            weight_limit: self.weight_limit,
            pictures: self.pictures,
            numbers: self.numbers,
            choice: choice.clone(),
        }
    }

    fn integers(&self, choice: &Choice) -> Vec<bool> {
        let graph = self.prepared.model.graph.as_ref();
        graph.map_or_else(Vec::new, |graph| plan::integers(graph, &self.prepared.layout, &self.strides, choice))
    }

    /// The file's contents, and how many convolutions and products are in integers.
    fn make(&self, choice: &Choice) -> Result<(Vec<u8>, BTreeSet<String>), QuantizeError> {
        let integer = self.integers(choice);
        let float = heavy(&self.prepared.model, &self.prepared.layout)
            .filter(|(index, _)| !integer[*index])
            .map(|(_, node)| node.name.clone())
            .collect();
        let writing = Writing {
            model: &self.prepared.model,
            layout: &self.prepared.layout,
            integer: &integer,
            codes: &self.codes,
            weight_limit: self.weight_limit,
            numbers: self.numbers,
        };
        let mut model = writing.write(choice);
        self.recipe(choice).store(self.prepared.own_bytes, &mut model);
        Ok((onnx::encoded(&model, &self.prepared.path)?, float))
    }
}

/// On x86 processors without VNNI the sum of two products of 8 bits is cut to 16 bits (ONNX Runtime, "Quantize ONNX
/// models": "saturation"); weights of 7 bits avoid it.
fn weight_limit() -> i8 {
    #[cfg(target_arch = "x86_64")]
    {
        let vnni = std::arch::is_x86_feature_detected!("avx512vnni") || std::arch::is_x86_feature_detected!("avxvnni");
        if !vnni {
            return 63;
        }
    }
    127
}

/// Where the twin of a model is written by default: beside it, as `name.int8.onnx`, or as its form is called.
pub fn default_output(model: &Path, mode: Mode) -> PathBuf {
    model.with_extension(mode.ending())
}
