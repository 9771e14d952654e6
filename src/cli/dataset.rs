//! `quantscope dataset`: labelled pictures looked over, and written in another form.

use super::output::{OutputFormat, print};
use crate::dataset::{
    self, CountedKind, Dataset, DatasetForm, DatasetSummary, Loss, OpenOptions, PictureTransfer, WriteOptions, Written,
    count_problems,
};
use anyhow::bail;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Sentences of each kind of problem that are printed; with `--format json` all are.
const EXAMPLES: usize = 5;

/// Labelled pictures: looked over, and written in another form
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: DatasetCommand,
}

#[derive(Debug, clap::Subcommand)]
enum DatasetCommand {
    /// Counts classes, pictures and boxes, looks at every picture's size, and lists what is wrong
    Check(CheckArgs),
    /// Writes it in another form, with its pictures
    Convert(ConvertArgs),
}

/// Which dataset.
#[derive(Debug, clap::Args)]
struct Source {
    /// A COCO json, a YOLO data.yaml, or a folder of Pascal VOC xml
    #[arg(value_name = "IN")]
    path: PathBuf,
    /// Folder of the pictures, where the labels do not lead to them
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// Part of a YOLO or VOC dataset: train, val, test or all [default: the first there is of val, test, train]
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
What is wrong is listed, and the exit code is 0 as long as something is left to be used; with --strict it is 1.

Example: quantscope dataset check coco/instances_val.json")]
struct CheckArgs {
    #[command(flatten)]
    source: Source,
    /// Fail when anything is wrong but pictures without labels
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
COCO becomes instances.json and images/; YOLO data.yaml, pictures.txt, images/ and labels/; VOC Annotations/, \
JPEGImages/, ImageSets/ and labels.txt. All of it is written, or nothing. What the form cannot hold is counted: YOLO has \
no ignored boxes (crowd, difficult), which are left out, and no areas of outlines, so that COCO's figures for small, \
medium and large objects may change.

Example: quantscope dataset convert coco/instances_val.json --to yolo --out coco-yolo")]
struct ConvertArgs {
    #[command(flatten)]
    source: Source,
    /// Form to write
    #[arg(long, value_enum)]
    to: Form,
    /// Folder to write to; made if it does not exist, refused if it has files
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// What becomes of the pictures
    #[arg(long, value_enum, default_value_t)]
    pictures: Pictures,
    /// Write into a folder that has files: those of the same names are replaced, all others stay
    #[arg(long)]
    overwrite: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// One json
    Coco,
    /// A yaml, and a text file a picture
    Yolo,
    /// An xml file a picture
    Voc,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Pictures {
    /// Hard links, which need no space; copies where that cannot be
    #[default]
    Link,
    /// Copies
    Copy,
    /// They stay, and labels name their whole path; not with YOLO
    Reference,
}

pub(super) fn run(args: &Args, format: OutputFormat) -> anyhow::Result<()> {
    match &args.command {
        DatasetCommand::Check(args) => check(args, format),
        DatasetCommand::Convert(args) => convert(args, format),
    }
}

fn open(source: &Source) -> anyhow::Result<Dataset> {
    let options = OpenOptions { images: source.images.clone(), split: source.split.clone() };
    Ok(Dataset::open_with(&source.path, &options)?)
}

/// A dataset looked over, as JSON.
#[derive(Serialize)]
struct Checked<'a> {
    path: &'a Path,
    #[serde(flatten)]
    summary: DatasetSummary,
    problems: Vec<CountedKind>,
}

fn check(args: &CheckArgs, format: OutputFormat) -> anyhow::Result<()> {
    let mut dataset = open(&args.source)?;
    dataset.problems.extend(dataset.picture_problems());
    let summary = dataset.summary();
    match format {
        OutputFormat::Text => print(&checked_text(&dataset, &summary))?,
        OutputFormat::Json => {
            let problems = count_problems(&dataset.problems, usize::MAX);
            let checked = Checked { path: &dataset.path, summary, problems };
            print(&(serde_json::to_string(&checked)? + "\n"))?;
        }
    }
    let wrong = dataset.problems.iter().filter(|problem| !problem.kind.is_allowed()).count();
    if args.strict && wrong > 0 {
        let problems = if wrong == 1 { "1 problem".to_owned() } else { format!("{wrong} problems") };
        bail!("{} has {problems}. Correct what is listed, or check without --strict", dataset.path.display());
    }
    Ok(())
}

fn checked_text(dataset: &Dataset, summary: &DatasetSummary) -> String {
    let mut text = format!(
        "{}: {}\n{} pictures ({} without boxes), {} boxes ({} ignored), {} classes\n\
         {} small (below 32x32 pixels), {} medium, {} large (above 96x96 pixels)\n\n",
        dataset.path.display(),
        dataset.form.map_or("pictures without labels", DatasetForm::words),
        summary.images,
        summary.without_boxes,
        summary.boxes,
        summary.ignored,
        summary.classes.len(),
        summary.small,
        summary.medium,
        summary.large
    );
    let names = summary.classes.iter().map(|class| class.name.chars().count());
    let width = names.max().unwrap_or(0).clamp("class".len(), 40);
    text += &format!("{:<width$} {:>8} {:>8}\n", "class", "boxes", "pictures");
    for class in &summary.classes {
        let name: String = class.name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        text += &format!("{name:<width$} {:>8} {:>8}\n", class.boxes, class.images);
    }
    if dataset.problems.is_empty() {
        return text + "\nnothing is wrong\n";
    }
    for counted in count_problems(&dataset.problems, EXAMPLES) {
        text += &format!("\n{}: {}\n", counted.kind.words(), counted.count);
        counted.examples.iter().for_each(|example| text += &format!("  {example}\n"));
        if counted.count > counted.examples.len() {
            text += "  …\n";
        }
    }
    text
}

/// What was converted, as JSON.
#[derive(Serialize)]
struct Converted<'a> {
    path: &'a Path,
    form: DatasetForm,
    images: usize,
    boxes: usize,
    classes: usize,
    copied: usize,
    losses: &'a [Loss],
    problems: Vec<CountedKind>,
}

fn convert(args: &ConvertArgs, format: OutputFormat) -> anyhow::Result<()> {
    let dataset = open(&args.source)?;
    let options = WriteOptions {
        pictures: match args.pictures {
            Pictures::Link => PictureTransfer::Link,
            Pictures::Copy => PictureTransfer::Copy,
            Pictures::Reference => PictureTransfer::Reference,
        },
        overwrite: args.overwrite,
    };
    let form = match args.to {
        Form::Coco => DatasetForm::Coco,
        Form::Yolo => DatasetForm::Yolo,
        Form::Voc => DatasetForm::Voc,
    };
    // Draws to stderr, and nothing at all where that is no terminal.
    let bar = ProgressBar::new(dataset.pictures.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} pictures, {eta} left") {
        bar.set_style(style);
    }
    let tell = &mut |done: usize| bar.set_position(done as u64);
    let written = dataset::write_telling(&dataset, form, &args.out, &options, tell);
    bar.finish_and_clear();
    let written = written?;
    match format {
        OutputFormat::Text => print(&converted_text(&dataset, &written)),
        OutputFormat::Json => {
            let converted = Converted {
                path: &written.path,
                form,
                images: written.pictures,
                boxes: written.boxes,
                classes: written.classes,
                copied: written.copied,
                losses: &written.losses,
                problems: count_problems(&dataset.problems, usize::MAX),
            };
            print(&(serde_json::to_string(&converted)? + "\n"))
        }
    }
}

fn converted_text(dataset: &Dataset, written: &Written) -> String {
    let mut text = format!(
        "{}: {}, {} pictures, {} boxes, {} classes\n",
        written.path.display(),
        written.form.words(),
        written.pictures,
        written.boxes,
        written.classes
    );
    written.losses.iter().for_each(|loss| text += &format!("{}: {}\n", loss.kind.words(), loss.count));
    for counted in count_problems(&dataset.problems, 1) {
        let example = counted.examples.first().map(String::as_str).unwrap_or_default();
        text += &format!("in the original, {}: {}, as: {example}\n", counted.kind.words(), counted.count);
    }
    text
}
