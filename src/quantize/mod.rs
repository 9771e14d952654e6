//! From a detector in 32-bit floats to a twin that computes in 8-bit integers: calibrate, insert `QuantizeLinear` and
//! `DequantizeLinear` where ONNX Runtime makes integers of them, and find by measurement which layers are to stay in
//! floats. `docs/QUANTIZATION.md` has the methods with their papers, and figures.
//!
//! [`quantize`] is all of it. It takes pictures from whoever has some and runs on the thread that calls it.

mod advice;
mod agreement;
mod calibrate;
mod channels;
mod choose;
mod corrections;
mod equalize;
mod error;
mod forms;
mod functions;
mod histogram;
mod insert;
mod judge;
mod layers;
mod layout;
mod maker;
mod noise;
mod observe;
mod plan;
mod prepare;
mod profile;
mod quantizer;
mod range;
mod recipe;
mod rounding;
mod save;
mod scales;
mod search;
mod segments;
mod swish;
mod times;
mod truth;

pub use agreement::Agreement;
pub use choose::front;
pub use corrections::Corrections;
pub use error::QuantizeError;
pub use forms::{Activations, Mode, Numbers, Weights};
pub use histogram::Histogram;
pub use judge::Measured;
pub use layers::Layer;
pub use plan::{ChannelScales, Choice};
pub use profile::{LeftFloat, OperatorTime, Profile, Reason, Work, WorkTime, profile};
pub use quantizer::Quantizer;
pub use range::{Affine, Followed, Method, choose};
pub use recipe::{RECIPE_KEY, Recipe};
pub use save::save;
pub use times::{JudgeBy, Speed, Times};
pub use truth::Sample;

use crate::dataset::DatasetClass;
use crate::imaging::RgbImage;
use crate::inference::trial::Trial;
use crate::inference::{LoadOptions, Thresholds};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is to be quantized, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// The FP32 model.
    pub model: PathBuf,
    /// Card and labels; threads of calibration.
    pub load: LoadOptions,
    /// Threads of the sessions whose time is taken.
    pub judged_threads: usize,
    /// In which way of running models their time is judged.
    pub judge_by: JudgeBy,
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
    /// What is done to weights and biases before.
    pub corrections: Corrections,
    /// Whether channels get ranges of their own.
    pub channel_scales: ChannelScales,
    /// At most so many pictures.
    pub samples: usize,
    /// What must hold for a model to be given back as good.
    pub gate: Gate,
    /// Classes of the labels of [`Sample`]s; empty where they have none.
    pub classes: Vec<DatasetClass>,
    /// Decisions that are taken over instead of searched for.
    pub recipe: Option<Recipe>,
}

impl Request {
    /// What becomes of the numbers, which a recipe says where there is one.
    pub fn form(&self) -> Mode {
        self.recipe.as_ref().map_or(self.mode, |recipe| recipe.choice.form)
    }

    /// Whether channels may have ranges of their own in what is made.
    fn scales_channels(&self) -> bool {
        match &self.recipe {
            Some(recipe) => recipe.choice.channel_scales,
            None if self.mode != Mode::Static || self.numbers.activations.is_wide() => false,
            None => match self.channel_scales {
                ChannelScales::Auto => self.judge_by == JudgeBy::Accelerated,
                wish => wish == ChannelScales::On,
            },
        }
    }

    /// Whether they have in everything that is made.
    fn always_scales_channels(&self) -> bool {
        self.recipe.is_none() && self.channel_scales == ChannelScales::On
    }

    /// How ranges are chosen: as the recipe says, where there is one.
    fn range_method(&self) -> Method {
        self.recipe.as_ref().map_or(self.method, |recipe| recipe.method)
    }

    /// The way of running models that a model is chosen by, to be written into its recipe: that of the recipe, where there
    /// is one.
    fn recorded_judge(&self) -> Option<JudgeBy> {
        self.recipe.as_ref().map_or(Some(self.judge_by), |recipe| recipe.judged_by)
    }

    /// The corrections that are made: those of the recipe, where there is one.
    fn corrections(&self) -> Corrections {
        match (&self.recipe, self.mode) {
            (Some(recipe), _) => recipe.corrections,
            (None, Mode::Static) => self.corrections,
            (None, Mode::WeightsOnly) => Corrections { rounding: self.corrections.rounding, ..Corrections::NONE },
            (None, _) => Corrections::NONE,
        }
    }
}

/// What a quantized model must keep.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gate {
    /// Lowest F1 against the model in floats.
    pub min_agreement: Option<f64>,
    /// Lowest ratio of the time of the model in floats to its own, in the way that is judged by.
    pub min_speedup: Option<f64>,
    /// By how much its average precision, 0…1, may be below that of the model in floats. Where no labels tell that, no
    /// model passes.
    pub max_ap_drop: Option<f64>,
}

impl Gate {
    fn ap_holds(&self, measured: &Measured) -> bool {
        self.max_ap_drop.is_none_or(|most| measured.ap_drop().is_some_and(|drop| drop <= most))
    }

    /// Why a model does not pass; none where it does.
    pub fn failed_by(&self, measured: &Measured) -> Option<String> {
        let (f1, speedup) = (measured.agreement.f1, 1.0 / measured.ratio().max(f64::MIN_POSITIVE));
        if self.min_agreement.is_some() && measured.agreement.boxes == 0 {
            let pictures = measured.agreement.pictures;
            return Some(format!(
                "the FP32 model finds nothing on the {pictures} pictures that are judged by, so that agreement cannot be \
                 told: give pictures of what it detects, or lower the confidence"
            ));
        }
        if let Some(wanted) = self.min_agreement.filter(|wanted| f1 < *wanted) {
            return Some(format!("its agreement with the FP32 model is {f1:.3}, and {wanted:.3} was asked for"));
        }
        if let Some(most) = self.max_ap_drop.filter(|_| !self.ap_holds(measured)) {
            return Some(match measured.ap {
                Some([own, float]) => {
                    format!("its AP is {own:.3}, {float:.3} in floats, and a drop of {most:.3} is allowed")
                }
                None => {
                    "none of the pictures that it is judged by has labels of classes that it knows, so that a drop of \
                         its AP cannot be told"
                        .to_owned()
                }
            });
        }
        let wanted = self.min_speedup.filter(|wanted| speedup < *wanted)?;
        let place = measured.times.judged_by.place();
        Some(format!("it is {speedup:.2} times as fast as the FP32 model {place}, and {wanted:.2} was asked for"))
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
    pub bytes: Arc<[u8]>,
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
    /// It is looked at how far channels reach, to bring them to like ranges.
    Equalizing {
        /// Pictures done.
        done: usize,
        /// Pictures at most.
        of: usize,
    },
    /// So many pictures of so many have been run.
    Calibrating {
        /// Pictures done.
        done: usize,
        /// Pictures at most.
        of: usize,
    },
    /// Codes of weights are found by which layers give what they gave in floats: pictures are run, then layer follows layer.
    Rounding {
        /// Pictures and layers done.
        done: usize,
        /// Pictures and layers.
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

/// Told what is going on; may end it. Within a step it is told the same again and again, so that it can end the step.
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
    Quantizer::calibrate(request, trial, &mut pictures.map(Sample::from), report)?.quantize(report)
}

fn tell(report: &mut Report<'_>, progress: Progress) -> Result<(), QuantizeError> {
    match report(progress) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(QuantizeError::Cancelled),
    }
}

/// Called again and again within a step that takes long; an error ends it.
type Pulse<'a> = dyn FnMut() -> Result<(), QuantizeError> + 'a;

/// Where the twin of a model is written by default: beside it, as `name.int8.onnx`, or as its form is called.
pub fn default_output(model: &Path, mode: Mode) -> PathBuf {
    model.with_extension(mode.ending())
}
