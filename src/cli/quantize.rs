//! `quantscope quantize`: a quantized twin of an FP32 model, and a report.

mod pictures;
mod report;

use super::arguments::Global;
use super::output::{OutputFormat, print};
use super::start::{self, UsageError};
use crate::inference::{CardOverrides, LoadOptions, SessionOptions, sidecar_paths};
use crate::onnx;
use crate::quantize::{
    Corrections, Gate, Method, Mode, Outcome, Progress, QuantizeError, Quantizer, Recipe, Request, default_output,
};
use crate::runtime::default_threads;
use anyhow::Context;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What to quantize, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The FP32 model; may also be given with --model
    #[arg(value_name = "MODEL")]
    file: Option<PathBuf>,
    /// Pictures to calibrate with: a folder, a data.yaml or COCO json, a video, camera[:N], a stream, or demo
    #[arg(long, value_name = "DIR|DATASET|SPEC")]
    calibrate: String,
    /// Pictures at most; every fourth one judges the result instead of choosing ranges
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    samples: u32,
    /// `static`: weights and computing in integers; `weights`: weights are only stored as integers
    #[arg(long, value_enum, default_value_t)]
    mode: ModeName,
    /// How the range of a tensor is chosen from what was seen
    #[arg(long, value_enum, default_value_t)]
    method: MethodName,
    /// Does not bring the channels of a tensor to like ranges where that changes nothing but rounding
    #[arg(long)]
    no_equalize: bool,
    /// Does not take the mean error of rounding from the biases
    #[arg(long)]
    no_bias_correction: bool,
    /// File to write [default: MODEL.int8.onnx beside the model]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Lowest agreement (F1) with the FP32 model; without a model that has it nothing is written
    #[arg(long, value_name = "F", default_value_t = 0.8, value_parser = share)]
    min_agreement: f64,
    /// Lowest speed over that of the FP32 model, such as 1.2; without a model that has it nothing is written
    #[arg(long, value_name = "X", value_parser = factor)]
    min_speedup: Option<f64>,
    /// By how much AP, 0…1, may fall: told by the labels of a dataset that --calibrate names
    #[arg(long, value_name = "F", value_parser = share)]
    max_ap_drop: Option<f64>,
    /// Writes all models than which none is both faster and agrees better, into this folder, by their speed
    #[arg(long, value_name = "DIR")]
    front: Option<PathBuf>,
    /// Writes the best model even where it does not pass, and says so
    #[arg(long)]
    save_anyway: bool,
    /// Does what a recipe says instead of searching
    #[arg(long, value_name = "FILE.toml")]
    recipe: Option<PathBuf>,
    /// Writes the recipe of the model that is written
    #[arg(long, value_name = "FILE.toml")]
    save_recipe: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ModeName {
    #[default]
    Static,
    Weights,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum MethodName {
    MinMax,
    Percentile,
    Entropy,
    #[default]
    Mse,
}

impl From<MethodName> for Method {
    fn from(name: MethodName) -> Self {
        match name {
            MethodName::MinMax => Self::MinMax,
            MethodName::Percentile => Self::Percentile,
            MethodName::Entropy => Self::Entropy,
            MethodName::Mse => Self::Mse,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("must be a number from 0 to 1".to_owned()),
    }
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value <= 100.0 => Ok(value),
        _ => Err("must be a number above 0, such as 1.2".to_owned()),
    }
}

pub(super) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let began = Instant::now();
    let model = match (&args.file, global.model.as_slice()) {
        (Some(file), []) => file.as_path(),
        (None, [_, ..]) => global.one_model()?,
        (Some(_), _) => return Err(UsageError::because("the model was named twice; name it once")),
        (None, []) => {
            return Err(UsageError::because("no model was named: quantscope quantize MODEL.onnx --calibrate DIR"));
        }
    };
    let out = args.out.clone().unwrap_or_else(|| default_output(model));
    if same_file(&out, model) {
        return Err(UsageError::because("--out names the FP32 model itself, which stays as it is; name another file"));
    }
    if let Some(recipe) = &args.save_recipe
        && [model, &out].iter().any(|model| sidecar_paths(model).contains(recipe))
    {
        let reason = "--save-recipe names the place of a model card, which the file would be taken for; name another";
        return Err(UsageError::because(reason));
    }
    let mut pictures = pictures::Pictures::open(&args.calibrate, args.samples as usize)?;
    if args.max_ap_drop.is_some() && pictures.classes.is_empty() {
        let reason = "--max-ap-drop needs labels; name a data.yaml or a COCO json with --calibrate";
        return Err(UsageError::because(reason));
    }
    let request = Request { classes: pictures.classes.clone(), ..request(global, args, model)? };
    let bar = Bar::new();
    let report = &mut |step| bar.show(step);
    let quantizer = Quantizer::calibrate(&request, start::trial().as_ref(), &mut pictures, report);
    let outcome = quantizer.and_then(|mut quantizer| quantizer.quantize(report));
    bar.0.finish_and_clear();
    pictures.finish()?;
    let outcome = outcome.map_err(|error| match error {
        QuantizeError::NoPictures { .. } => QuantizeError::NoPictures { from: args.calibrate.clone() },
        error => error,
    })?;
    let saved = outcome.failed.is_none() || args.save_anyway;
    if saved {
        save(&outcome, &out, args.save_recipe.as_deref())?;
        pass_card_on(global, model, &out)?;
    }
    if let Some(folder) = &args.front {
        save_front(global, &outcome, model, folder)?;
    }
    let written = saved.then_some(out.as_path());
    match global.format {
        OutputFormat::Json => print(&report::json(&outcome, model, written, began.elapsed())?)?,
        OutputFormat::Text => print(&report::text(&outcome, model, written, began.elapsed()))?,
    }
    match (&outcome.failed, saved) {
        (Some(reason), false) => {
            Err(QuantizeError::GateFailed { path: model.to_owned(), reason: reason.clone() }.into())
        }
        (Some(reason), true) => {
            tracing::warn!("{} was written although it does not pass: {reason}", out.display());
            Ok(())
        }
        (None, _) => Ok(()),
    }
}

fn request(global: &Global, args: &Args, model: &Path) -> anyhow::Result<Request> {
    let recipe = match &args.recipe {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
            let wrong =
                |reason| anyhow::anyhow!("{} is no recipe: {reason}. Write one with --save-recipe", path.display());
            Some(Recipe::from_toml(&text).map_err(wrong)?)
        }
    };
    let threads = global.threads.first().map(|threads| usize::from(*threads));
    let session = SessionOptions { threads: threads.unwrap_or_else(default_threads), ..SessionOptions::default() };
    Ok(Request {
        model: model.to_owned(),
        load: LoadOptions { session, overrides: global.overrides() },
        judged_threads: threads.unwrap_or(1),
        thresholds: global.thresholds(),
        mode: match args.mode {
            ModeName::Static => Mode::Static,
            ModeName::Weights => Mode::WeightsOnly,
        },
        method: args.method.into(),
        corrections: Corrections { equalize: !args.no_equalize, bias: !args.no_bias_correction },
        samples: args.samples as usize,
        classes: Vec::new(),
        gate: Gate {
            min_agreement: Some(args.min_agreement),
            min_speedup: args.min_speedup,
            max_ap_drop: args.max_ap_drop,
        },
        recipe,
    })
}

fn save(outcome: &Outcome, out: &Path, recipe: Option<&Path>) -> anyhow::Result<()> {
    let quantized = onnx::parse(outcome.best().bytes.clone(), out)?;
    onnx::write(&quantized, out)?;
    if let Some(path) = recipe {
        std::fs::write(path, outcome.recipe.to_toml())
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// All points of the front, the fastest first: `name.1.int8.onnx`, `name.2.int8.onnx` …
fn save_front(global: &Global, outcome: &Outcome, model: &Path, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let stem = model.file_stem().unwrap_or_default().to_string_lossy();
    for (number, index) in outcome.front.iter().enumerate() {
        let file = folder.join(format!("{stem}.{}.int8.onnx", number + 1));
        onnx::write(&onnx::parse(outcome.points[*index].bytes.clone(), &file)?, &file)?;
        pass_card_on(global, model, &file)?;
    }
    Ok(())
}

/// The twin is fed as its parent is: what the user knows of the one holds for the other. A twin beside its parent finds
/// the same card.
fn pass_card_on(global: &Global, model: &Path, out: &Path) -> anyhow::Result<()> {
    let card = match &global.card {
        Some(file) => Some(CardOverrides::read(file)?),
        None => CardOverrides::beside(model)?,
    };
    if let Some(card) = card
        && CardOverrides::beside(out)?.is_none()
    {
        card.detached().save(&out.with_extension("toml"))?;
    }
    Ok(())
}

fn same_file(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(1);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}, {eta} left") {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn show(&self, progress: Progress) -> ControlFlow<()> {
        let (done, of, words) = match progress {
            Progress::Preparing => (0, 1, "reading the model".to_owned()),
            Progress::Calibrating { done, of } => (done, of, "running pictures".to_owned()),
            Progress::Sensitivity { done, of } => (done, of, "sensitivity of layers".to_owned()),
            Progress::Trying { done, of, choice } => (done, of, choice.in_words()),
        };
        self.0.set_length(of as u64);
        self.0.set_position(done as u64);
        self.0.set_message(words);
        ControlFlow::Continue(())
    }
}
