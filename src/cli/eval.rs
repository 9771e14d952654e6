//! `quantscope eval`: models on labelled pictures.

use super::arguments::Global;
use super::eval_table::table;
use super::output::{OutputFormat, print};
use super::scene::parse_size;
use super::start::{self, UsageError};
use crate::evaluate::{
    self, Cancel, EVALUATION_IOU, Evaluation, EvaluationPlan, LabelledPictures, ModelToEvaluate, Progress,
};
use crate::imaging::ImageSize;
use crate::inference::{LoadStage, Thresholds};
use crate::report::{self, Form, Report};
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};

/// What to evaluate on, and what to keep.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The first model is the reference of the others. AP counts every box from a score of 0.001 up, a hundred of a class on a
picture, after a suppression at --iou (here 0.65, which COCO's figures are usually given at); agreement and differences
count the boxes from --confidence up. Ctrl-C stops: what there is by then is printed and written, and the exit code is 1,
as it is when a model fails.")]
pub(super) struct Args {
    /// A COCO json, a YOLO data.yaml, a folder of Pascal VOC xml, or `demo` for pictures of the scene; a folder of pictures
    /// without labels tells how far models agree
    dataset: String,
    /// Folder of the pictures, where the labels do not lead to them
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// Part of a YOLO or VOC dataset: val, train, test
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// Evaluate only the first pictures
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Write a report, also while it runs: .html, .json, .csv or .md; may be given several times
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
    /// Write the detections of every model, also while it runs: a json a model in COCO's form of results
    #[arg(long, value_name = "DIR")]
    detections: Option<PathBuf>,
    /// Pictures that are worked on beside each other, each with sessions of its own [default: what keeps all cores busy
    /// and fits into the memory]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    lanes: Option<u16>,
    /// Of `demo`: number of pictures
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// Of `demo`: equal seeds give equal pictures
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Of `demo`: size of the pictures, as WIDTHxHEIGHT
    #[arg(long, default_value = "320x320", value_parser = parse_size)]
    size: ImageSize,
}

pub(super) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    if global.model.is_empty() {
        return Err(UsageError::because("no model was named: add --model FILE.onnx, once for each model"));
    }
    for path in &args.report {
        Form::of(path).map_err(|error| UsageError::because(error.to_string()))?;
    }
    // Lives as long as its pictures are shown in reports.
    let rendered = tempfile::tempdir().context("there is no room for temporary files: free some space")?;
    let plan = plan(global, args, rendered.path());
    let cancel = Cancel::default();
    start::stop_on_ctrl_c(cancel.clone())?;
    let mut watch = Watch::new(&plan, args);
    let outcome = evaluate::run(&plan, &cancel, &mut |progress| watch.hear(progress));
    watch.bar.finish_and_clear();
    let evaluation = outcome?;
    for path in &args.report {
        write_report(path, &evaluation)?;
    }
    match global.format {
        OutputFormat::Json => print(&(serde_json::to_string(&evaluation)? + "\n"))?,
        OutputFormat::Text => print(&table(&evaluation))?,
    }
    judge(&evaluation, cancel.is_cancelled(), watch.total)
}

fn plan(global: &Global, args: &Args, rendered: &Path) -> EvaluationPlan {
    let is_scene = args.dataset == "demo" && !Path::new("demo").exists();
    let pictures = if is_scene {
        LabelledPictures::Scene {
            folder: rendered.to_owned(),
            seed: args.seed,
            count: args.count as usize,
            size: args.size,
        }
    } else {
        let path = PathBuf::from(&args.dataset);
        LabelledPictures::Files { path, images: args.images.clone(), split: args.split.clone() }
    };
    let model = |path: &PathBuf| ModelToEvaluate { path: path.clone(), overrides: global.overrides() };
    let thresholds = Thresholds { iou: global.iou.unwrap_or(EVALUATION_IOU), ..global.thresholds() };
    EvaluationPlan {
        thresholds,
        limit: args.limit.map(|limit| limit as usize),
        threads: global.thread_counts().next(),
        lanes: args.lanes.map(usize::from),
        accelerate: !global.no_accelerate,
        trial: start::trial(),
        detections_to: args.detections.clone(),
        ..EvaluationPlan::new(pictures, global.model.iter().map(model).collect())
    }
}

fn write_report(path: &Path, evaluation: &Evaluation) -> anyhow::Result<()> {
    Ok(report::write(path, &Report { evaluation: Some(evaluation), benchmark: None })?)
}

/// What the exit code is about.
fn judge(evaluation: &Evaluation, cancelled: bool, total: usize) -> anyhow::Result<()> {
    let failed: Vec<&str> = evaluation.models.iter().filter_map(|model| model.error.as_deref()).collect();
    if let Some(first) = failed.first() {
        bail!("{} of {} models failed: {first}", failed.len(), evaluation.models.len());
    }
    if cancelled && !evaluation.complete {
        bail!("stopped after {} of {total} pictures; the figures rest on these", evaluation.dataset.images);
    }
    Ok(())
}

/// Shows how far it is, and writes the reports in between.
struct Watch<'a> {
    bar: ProgressBar,
    models: Vec<String>,
    reports: &'a [PathBuf],
    total: usize,
}

impl<'a> Watch<'a> {
    fn new(plan: &EvaluationPlan, args: &'a Args) -> Self {
        let name = |model: &ModelToEvaluate| {
            model.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
        };
        // Draws to stderr, and nothing at all where that is no terminal.
        let bar = ProgressBar::new(0);
        bar.set_style(style("{spinner} {msg}"));
        Self { bar, models: plan.models.iter().map(name).collect(), reports: &args.report, total: 0 }
    }

    fn hear(&mut self, progress: Progress) {
        match progress {
            Progress::Rendering { done, total } => self.say(format!("rendering {done} of {total} pictures")),
            Progress::ReadingLabels => self.say("reading labels".to_owned()),
            Progress::Dataset(facts) => self.total = facts.images,
            Progress::Loading { model, stage } => {
                let step = match stage {
                    LoadStage::Reading => "reading",
                    LoadStage::Trying => "trying",
                    LoadStage::Building => "building",
                    LoadStage::WarmingUp => "warming up",
                };
                self.say(format!("{step} {}", self.models[model]));
            }
            Progress::ModelFailed { message, .. } => {
                self.bar.suspend(|| tracing::warn!("{message}. The other models go on"));
            }
            Progress::Running(speed) => {
                if self.bar.length() != Some(speed.total as u64) {
                    self.bar.set_length(speed.total as u64);
                    self.bar.set_style(style("{bar:30} {pos}/{len} pictures, {msg}"));
                }
                self.bar.set_position(speed.done.iter().copied().min().unwrap_or(0) as u64);
                let rate = speed.pictures_per_second.map(|rate| format!("{rate:.1}/s"));
                let left = speed.left.map(|left| format!(", {} s left", left.as_secs_f32().ceil()));
                self.bar.set_message(rate.unwrap_or_default() + &left.unwrap_or_default());
            }
            Progress::Partial(evaluation) => {
                for path in self.reports {
                    if let Err(error) = write_report(path, &evaluation) {
                        self.bar.suspend(|| tracing::warn!("{error}"));
                    }
                }
            }
            Progress::Summing => self.say("computing figures".to_owned()),
        }
    }

    fn say(&self, what: String) {
        self.bar.set_style(style("{spinner} {msg}"));
        self.bar.set_message(what);
        self.bar.tick();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
