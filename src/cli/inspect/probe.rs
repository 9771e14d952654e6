//! `quantscope inspect --probe`: the usual preprocessings, tried and ranked.

use super::super::arguments::Global;
use super::super::output::save_picture;
use crate::capture::{self, Next, Pace, SourceOptions, SourceSpec};
use crate::imaging::{ResizeMode, RgbImage};
use crate::inference::probe::{self, Feeding, Tried};
use crate::inference::{ColorOrder, Detector, ModelCard};
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Pictures that are looked at; a folder or a video may hold more.
const MOST_PICTURES: usize = 8;
/// Width of the pictures that are saved.
const PICTURE_WIDTH: u32 = 480;
/// How long a source may give nothing before it is asked again.
const PATIENCE: Duration = Duration::from_millis(500);

/// What to try.
pub(super) struct Request<'a> {
    /// Pictures, folders of them, or videos.
    pub pictures: &'a [PathBuf],
    /// Where a small picture of each goes.
    pub out: Option<&'a Path>,
}

/// The ranking, best first.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct ProbeReport {
    ranking: Vec<Row>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// From 1.
    rank: usize,
    /// About the number of objects a picture that are found surely and steadily.
    score: f32,
    /// Boxes above the confidence in all pictures.
    boxes: usize,
    /// Whether it is what the card says already.
    current: bool,
    /// In words.
    preprocessing: String,
    color: ColorOrder,
    scale: f32,
    mean: [f32; 3],
    std: [f32; 3],
    resize: ResizeMode,
    pad: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<PathBuf>,
    #[serde(skip)]
    pub feeding: Feeding,
    #[serde(skip)]
    pub bytes: bool,
}

impl ProbeReport {
    /// The first of the ranking, if it found anything.
    pub fn best(&self) -> Option<&Row> {
        self.ranking.first().filter(|row| row.score > 0.0)
    }
}

/// Loads the model once more and tries it. What may be wrong with the file was found out before.
pub(super) fn run(model: &Path, global: &Global, request: &Request<'_>) -> anyhow::Result<ProbeReport> {
    let pictures = read_pictures(request.pictures)?;
    let borrowed: Vec<&RgbImage> = pictures.iter().map(Arc::as_ref).collect();
    let mut detector = Detector::load(model, &global.load_options(), None, &mut |_| {})?;
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} preprocessings").unwrap_or(ProgressStyle::default_bar()),
    );
    let tried = probe::run(&mut detector, &borrowed, &mut |progress| {
        bar.set_length(progress.of as u64);
        bar.set_position(progress.done as u64);
        ControlFlow::Continue(())
    })?;
    bar.finish_and_clear();
    // Nothing breaks it off here.
    let tried = tried.unwrap_or_default();
    let (bytes, confidence) = (detector.takes_bytes(), global.thresholds().confidence);
    let mut ranking: Vec<Row> =
        (1..).zip(&tried).map(|(rank, tried)| Row::new(rank, tried, bytes, confidence)).collect();
    if let Some(out) = request.out {
        std::fs::create_dir_all(out)
            .with_context(|| format!("{}: no folder can be made here, name another one", out.display()))?;
        let card = &detector.info().card;
        for (row, tried) in ranking.iter_mut().zip(&tried) {
            row.picture = Some(save(row, tried, &pictures, card, out, confidence)?);
        }
    }
    Ok(ProbeReport { ranking })
}

impl Row {
    fn new(rank: usize, tried: &Tried, bytes: bool, confidence: f32) -> Self {
        let feeding = tried.feeding;
        Self {
            rank,
            score: tried.score,
            boxes: tried.found.iter().flatten().filter(|found| found.score >= confidence).count(),
            current: tried.current,
            preprocessing: feeding.describe(bytes),
            color: feeding.color,
            scale: feeding.scale,
            mean: feeding.mean,
            std: feeding.std,
            resize: feeding.resize,
            pad: feeding.pad,
            picture: None,
            feeding,
            bytes,
        }
    }
}

/// The first frame of each picture or video, the first ones of a folder.
fn read_pictures(paths: &[PathBuf]) -> anyhow::Result<Vec<Arc<RgbImage>>> {
    let options = SourceOptions { pace: Pace::EveryFrame, ..SourceOptions::default() };
    let mut pictures = Vec::new();
    for path in paths {
        let mut source = capture::open(&SourceSpec::Path(path.clone()), &options)?;
        let most = if path.is_dir() { MOST_PICTURES } else { 1 };
        let before = pictures.len();
        while pictures.len() < before + most {
            match source.next_frame(PATIENCE)? {
                Next::Frame(frame) => pictures.push(frame.image),
                Next::Waiting => {}
                Next::End => break,
            }
        }
        if pictures.len() == before {
            bail!("{}: there is no picture in it. Name another one to --probe", path.display());
        }
    }
    Ok(pictures)
}

/// Saves what one preprocessing found, all pictures side by side.
fn save(
    row: &Row,
    tried: &Tried,
    pictures: &[Arc<RgbImage>],
    card: &ModelCard,
    out: &Path,
    confidence: f32,
) -> anyhow::Result<PathBuf> {
    let small: Vec<RgbImage> = pictures
        .iter()
        .zip(&tried.found)
        .map(|(picture, found)| probe::small_picture(picture, found, card, PICTURE_WIDTH, confidence))
        .collect();
    let width = small.iter().map(RgbImage::width).sum::<u32>().max(1);
    let height = small.iter().map(RgbImage::height).max().unwrap_or(1);
    let mut whole = RgbImage::new(width, height);
    let mut x = 0;
    for picture in &small {
        image::imageops::replace(&mut whole, picture, x, 0);
        x += i64::from(picture.width());
    }
    let words: String = row
        .preprocessing
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let words = words.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    let path = out.join(format!("{:02}-{words}.jpg", row.rank));
    save_picture(&whole, &path)?;
    Ok(path)
}

impl fmt::Display for ProbeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "preprocessings, best first (score: objects a picture that are found surely and steadily)")?;
        for row in &self.ranking {
            let current = if row.current { "  <- what is believed now" } else { "" };
            writeln!(
                f,
                "  {:>2}. {:>7.2} {:>4} boxes  {}{current}",
                row.rank, row.score, row.boxes, row.preprocessing
            )?;
        }
        match self.best() {
            Some(best) if best.current => writeln!(f, "The card need not be changed."),
            Some(_) => writeln!(f, "Add --save-card to keep the first one in the model's card."),
            None => writeln!(f, "None found anything sure. Try pictures that show what the model looks for."),
        }
    }
}
