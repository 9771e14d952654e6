//! `quantscope quantize`: a quantized twin of an FP32 model, and a report.

mod names;
mod report;

use super::arguments::Global;
use super::output::{OutputFormat, print};
use super::start::{self, UsageError};
use crate::capture::SourceSpec;
use crate::evaluate::Versions;
use crate::inference::{LoadOptions, SessionOptions, sidecar_paths};
use crate::pictures::Pictures;
use crate::quantize::{
    self, Corrections, Gate, Outcome, Progress, QuantizeError, Quantizer, Recipe, Request, Sample, default_output,
};
use crate::report::{Form, Quantized, write_quantized};
use crate::runtime::{MachineInfo, default_threads};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use names::{ActivationsName, MethodName, ModeName, ScalesName, WayName, WeightsName};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

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
    /// `static`: integers with fixed scales; `dynamic`: scales found in every run; `weights`, `int4`: weights are only
    /// stored as integers of 8 or (of products) 4 bits; `fp16`: 16-bit floats before the tail
    #[arg(long, value_enum, default_value_t)]
    mode: ModeName,
    /// Of `static`: type of what goes from layer to layer [default: u8]
    #[arg(long, value_enum, value_name = "TYPE")]
    activations: Option<ActivationsName>,
    /// Of `static` and `dynamic`: type of weights; s7 is s8 with the smaller half of the codes, the default on processors
    /// whose products of 8 bits overflow [default: s8]
    #[arg(long, value_enum, value_name = "TYPE")]
    weights: Option<WeightsName>,
    /// How the range of a tensor is chosen from what was seen
    #[arg(long, value_enum, default_value_t)]
    method: MethodName,
    /// Does not bring the channels of a tensor to like ranges where that changes nothing but rounding
    #[arg(long)]
    no_equalize: bool,
    /// Ranges of their own for channels: exact in floats and free in quantscope, where look-ups take them back; other
    /// programs run such a file slowly. `auto` tries it where time is judged as in quantscope
    #[arg(long, value_enum, default_value_t)]
    channel_scales: ScalesName,
    /// Does not take the mean error of rounding from the biases
    #[arg(long)]
    no_bias_correction: bool,
    /// Rounds each weight to the nearest, instead of so that layers give what they gave
    #[arg(long)]
    no_learned_rounding: bool,
    /// File to write [default: MODEL.int8.onnx beside the model]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// In which way of running models their time is judged: as this program does, accelerated, or in plain ONNX Runtime, for
    /// files that other programs run [default: accelerated; plain with --no-accelerate]
    #[arg(long, value_enum, value_name = "WAY")]
    judge_by: Option<WayName>,
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
    /// Write a report: .html, .json, .csv or .md; may be given several times
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
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
    let begun = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let model = named_model(global, args)?;
    let out = args.out.clone().unwrap_or_else(|| default_output(model, args.mode.into()));
    check_files(args, model, &out)?;
    let (request, outcome) = search(global, args, model)?;
    let saved = outcome.failed.is_none() || args.save_anyway;
    if saved {
        quantize::save(outcome.best(), model, &global.overrides(), &out)?;
        if let Some(path) = &args.save_recipe {
            std::fs::write(path, outcome.recipe.to_toml())
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
    }
    if let Some(folder) = &args.front {
        save_front(global, &outcome, model, folder)?;
    }
    let told = Quantized {
        outcome: &outcome,
        model,
        written: saved.then_some(out.as_path()),
        asked: report::asked(args, &request),
        begun,
        seconds: began.elapsed().as_secs_f64(),
        machine: MachineInfo::read(),
        versions: Versions::of_this_run(),
        command: start::command_line(),
    };
    for path in &args.report {
        write_quantized(path, &told)?;
    }
    match global.format {
        OutputFormat::Json => print(&format!("{}\n", told.json()))?,
        OutputFormat::Text => print(&report::text(&told))?,
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

fn named_model<'a>(global: &'a Global, args: &'a Args) -> anyhow::Result<&'a Path> {
    match (&args.file, global.model.as_slice()) {
        (Some(file), []) => Ok(file.as_path()),
        (None, [_, ..]) => global.one_model(),
        (Some(_), _) => Err(UsageError::because("the model was named twice; name it once")),
        (None, []) => Err(UsageError::because("no model was named: quantscope quantize MODEL.onnx --calibrate DIR")),
    }
}

/// What is to be written, before anything is worked out.
fn check_files(args: &Args, model: &Path, out: &Path) -> anyhow::Result<()> {
    if same_file(out, model) {
        return Err(UsageError::because("--out names the FP32 model itself, which stays as it is; name another file"));
    }
    if let Some(recipe) = &args.save_recipe
        && [model, out].iter().any(|model| sidecar_paths(model).contains(recipe))
    {
        let reason = "--save-recipe names the place of a model card, which the file would be taken for; name another";
        return Err(UsageError::because(reason));
    }
    for path in &args.report {
        Form::of(path).map_err(|error| UsageError::because(error.to_string()))?;
    }
    Ok(())
}

fn search(global: &Global, args: &Args, model: &Path) -> anyhow::Result<(Request, Outcome)> {
    let request = request(global, args, model)?;
    let calibrate = SourceSpec::from(args.calibrate.as_str());
    let mut pictures = Pictures::open(&calibrate, args.samples as usize, global.camera_backend)?;
    if args.max_ap_drop.is_some() && pictures.classes.is_empty() {
        let reason = "--max-ap-drop needs labels; name a data.yaml or a COCO json with --calibrate";
        return Err(UsageError::because(reason));
    }
    let request = Request { classes: pictures.classes.clone(), ..request };
    let mut samples = pictures.by_ref().map(|picture| Sample { image: picture.image, truth: picture.truth });
    let bar = Bar::new();
    let report = &mut |step| bar.show(step);
    let quantizer = Quantizer::calibrate(&request, start::trial().as_ref(), &mut samples, report);
    let outcome = quantizer.and_then(|mut quantizer| quantizer.quantize(report));
    bar.0.finish_and_clear();
    pictures.finish()?;
    let outcome = outcome.map_err(|error| match error {
        QuantizeError::NoPictures { .. } => QuantizeError::NoPictures { from: args.calibrate.clone() },
        error => error,
    })?;
    Ok((request, outcome))
}

fn request(global: &Global, args: &Args, model: &Path) -> anyhow::Result<Request> {
    names::check(args.mode.into(), args.activations, args.weights, args.recipe.is_some())?;
    let recipe = match &args.recipe {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
            let wrong =
                |reason| anyhow::anyhow!("{} is no recipe: {reason}. Write one with --save-recipe", path.display());
            Some(Recipe::from_toml(&text).map_err(wrong)?)
        }
    };
    let threads = global.thread_counts().next();
    let session = SessionOptions { threads: threads.unwrap_or_else(default_threads), ..SessionOptions::default() };
    Ok(Request {
        model: model.to_owned(),
        load: LoadOptions { session, overrides: global.overrides() },
        judged_threads: threads.unwrap_or(1),
        channel_scales: args.channel_scales.into(),
        judge_by: names::judge_by(args.judge_by, global.no_accelerate)?,
        thresholds: global.thresholds(),
        mode: args.mode.into(),
        numbers: names::numbers(args.activations, args.weights),
        weight_limit: args.weights.and_then(WeightsName::limit),
        method: args.method.into(),
        corrections: Corrections {
            equalize: !args.no_equalize,
            bias: !args.no_bias_correction,
            rounding: !args.no_learned_rounding,
        },
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

/// All points of the front, the fastest first: `name.1.int8.onnx`, `name.2.int8.onnx` …
fn save_front(global: &Global, outcome: &Outcome, model: &Path, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let stem = model.file_stem().unwrap_or_default().to_string_lossy();
    for (number, index) in outcome.front.iter().enumerate() {
        let file = folder.join(format!("{stem}.{}.int8.onnx", number + 1));
        quantize::save(&outcome.points[*index], model, &global.overrides(), &file)?;
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
            Progress::Equalizing { done, of } => (done, of, "how far channels reach".to_owned()),
            Progress::Calibrating { done, of } => (done, of, "running pictures".to_owned()),
            Progress::Rounding { done, of } => (done, of, "rounding of weights".to_owned()),
            Progress::Sensitivity { done, of } => (done, of, "sensitivity of layers".to_owned()),
            Progress::Trying { done, of, choice } => (done, of, choice.in_words()),
        };
        self.0.set_length(of as u64);
        self.0.set_position(done as u64);
        self.0.set_message(words);
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
#[path = "quantize/again_tests.rs"]
mod tests;
