//! `quantscope detect`: boxes of every frame of a source.

use super::arguments::Global;
use super::output::{OutputFormat, picture_format, save_picture};
use super::start;
use crate::capture::{self, CapturedFrame, Next, Pace, SourceInfo, SourceKind, SourceOptions, SourceSpec};
use crate::imaging::{DrawnBox, draw_boxes};
use crate::inference::{Detection, Detector, ModelCard, StageTimings};
use crate::metrics::Health;
use crate::pipeline::record::{Container, DetectionLine, RecordingView, VideoFile, VideoOptions, VideoView};
use crate::pipeline::{FrameId, FrameResult, LaneId, LaneResult, Mode};
use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a live source may give nothing before it is asked again.
const PATIENCE: Duration = Duration::from_millis(500);

/// Scores from here up show whether a model finds anything at all.
const CANDIDATE_FLOOR: f32 = 0.01;

/// What to detect in, and what to keep.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// demo | camera[:N] | FILE (picture or video) | DIR (pictures) | rtsp://… | http://…
    source: String,
    /// Save annotated pictures: a folder, or a file where there is one picture
    #[arg(long, value_name = "PATH")]
    save: Option<PathBuf>,
    /// Record a video with boxes: FILE.mp4 or FILE.mkv, which must not be there yet
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Stop after so many frames
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

pub(super) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let model = global.one_model()?;
    let options =
        SourceOptions { pace: Pace::EveryFrame, camera_backend: global.camera_backend, ..SourceOptions::default() };
    let mut source = capture::open(&SourceSpec::from(args.source.as_str()), &options)?;
    let saver = args.save.as_deref().map(|path| Saver::new(path, source.info())).transpose()?;
    let mut film = args.record.as_deref().map(|path| Film::new(path, source.info())).transpose()?;
    let mut detector = Detector::load(model, &global.load_options(), start::trial().as_ref(), &mut |_| {})?;
    for warning in detector.warnings() {
        tracing::warn!("{warning}");
    }
    let progress = progress_bar(source.info(), args.limit);
    let mut detections = Vec::new();
    let mut health = Health::default();
    let mut count = 0;
    let mut troubled = false;
    while args.limit.is_none_or(|limit| count < limit) {
        let next = source.next_frame(PATIENCE);
        while let Some(warning) = source.take_warning() {
            tracing::warn!("{warning}");
        }
        let frame = match next {
            Ok(Next::Frame(frame)) => frame,
            Ok(Next::Waiting) => continue,
            Ok(Next::End) => break,
            // What has given pictures may give some again; what never did is not waited for.
            Err(error) if error.may_pass() && count > 0 => {
                tracing::warn!("{error}. It is tried again by itself");
                troubled = true;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if std::mem::take(&mut troubled) {
            tracing::warn!("{}: it gives pictures again", source.info().title);
        }
        let thresholds = global.thresholds();
        let (timings, letterbox) = detector.look(&frame.image, thresholds, CANDIDATE_FLOOR, &mut detections)?;
        let card = &detector.info().card;
        health.push(detector.candidates(), &letterbox, card, thresholds.confidence);
        let written = write_line(global.format, count, &frame, card, &detections, &timings);
        written.context("the results cannot be written to stdout")?;
        if let Some(saver) = &saver {
            saver.save(count, &frame, card, &detections)?;
        }
        if let Some(film) = &mut film {
            let found = LaneResult { model: detector.info(), detections: detections.clone(), timings };
            film.add(count, frame, found)?;
        }
        count += 1;
        progress.inc(1);
    }
    progress.finish_and_clear();
    if let Some(film) = film {
        film.finish(count)?;
    }
    for oddity in health.oddities_at_end() {
        tracing::warn!("{}: {oddity}", model.display());
    }
    ensure!(count > 0, "{}: the source gave no picture", args.source);
    Ok(())
}

fn write_line(
    format: OutputFormat,
    number: u64,
    frame: &CapturedFrame,
    card: &ModelCard,
    detections: &[Detection],
    timings: &StageTimings,
) -> std::io::Result<()> {
    let ms = |duration: Duration| duration.as_secs_f32() * 1e3;
    let mut out = std::io::stdout().lock();
    match format {
        OutputFormat::Json => {
            let line = DetectionLine::new(number, frame, card, detections, timings);
            serde_json::to_writer(&mut out, &line)?;
            writeln!(out)
        }
        OutputFormat::Text => {
            let total = ms(timings.total());
            writeln!(out, "{number} {}: {} boxes in {total:.1} ms", frame.name, detections.len())?;
            for d in detections {
                let (label, r) = (card.label(d.class_id), d.rect);
                writeln!(
                    out,
                    "  {label:<16} {:>5.1} %  ({:.0}, {:.0}) – ({:.0}, {:.0})",
                    100.0 * d.score,
                    r.x1,
                    r.y1,
                    r.x2,
                    r.y2
                )?;
            }
            Ok(())
        }
    }
}

fn progress_bar(info: &SourceInfo, limit: Option<u64>) -> ProgressBar {
    let frames_of_video = info.duration.zip(info.frame_rate).map(|(length, rate)| (length.as_secs_f64() * rate) as u64);
    let known = info.picture_count.map(|count| count as u64).or(frames_of_video);
    let length = match (known, limit) {
        (Some(known), Some(limit)) => Some(known.min(limit)),
        (known, limit) => known.or(limit),
    };
    let Some(length) = length.filter(|length| *length > 1) else { return ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} frames, {per_sec}, {eta} left");
    // indicatif draws to stderr and stays silent where that is no terminal.
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Where annotated pictures go.
enum Saver {
    File(PathBuf),
    Folder(PathBuf),
}

impl Saver {
    fn new(path: &Path, info: &SourceInfo) -> anyhow::Result<Self> {
        let single = info.kind == SourceKind::Pictures && info.picture_count.is_none_or(|count| count == 1);
        let is_file_name = path.extension().is_some() && !path.is_dir();
        if single && is_file_name {
            picture_format(path)?;
            return Ok(Self::File(path.to_owned()));
        }
        ensure!(
            !is_file_name,
            "{}: there is more than one frame to save; name a folder instead of a file",
            path.display()
        );
        std::fs::create_dir_all(path)
            .with_context(|| format!("{}: no folder can be made here, name another one to save to", path.display()))?;
        Ok(Self::Folder(path.to_owned()))
    }

    fn save(&self, number: u64, frame: &CapturedFrame, card: &ModelCard, found: &[Detection]) -> anyhow::Result<()> {
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Folder(folder) => {
                let stem = Path::new(&*frame.name).file_stem().map_or_else(|| "frame".into(), |s| s.to_string_lossy());
                folder.join(format!("{number:06}_{stem}.jpg"))
            }
        };
        let mut picture = (*frame.image).clone();
        let boxes: Vec<DrawnBox> = found.iter().map(|d| d.drawn(card)).collect();
        draw_boxes(&mut picture, &boxes);
        save_picture(&picture, &path)
    }
}

/// The recorded video.
struct Film {
    file: VideoFile,
    rate: f64,
    /// The start, where frames come when they like; else each has its place by its number.
    live_since: Option<Option<Instant>>,
    latest: Duration,
}

impl Film {
    fn new(path: &Path, info: &SourceInfo) -> anyhow::Result<Self> {
        let rate = info.frame_rate.filter(|rate| (1.0..=60.0).contains(rate)).unwrap_or(30.0);
        let options = VideoOptions { view: VideoView::AsShown, container: Container::of_path(path)?, rate };
        let file = VideoFile::create(path.to_owned(), options, &capture::Programs::default().ffmpeg)?;
        let live = matches!(info.kind, SourceKind::Camera | SourceKind::Stream);
        Ok(Self { file, rate, live_since: live.then_some(None), latest: Duration::ZERO })
    }

    fn add(&mut self, number: u64, frame: CapturedFrame, found: LaneResult) -> anyhow::Result<()> {
        self.latest = match &mut self.live_since {
            None => Duration::from_secs_f64(number as f64 / self.rate),
            Some(since) => frame.captured_at.saturating_duration_since(*since.get_or_insert(frame.captured_at)),
        };
        let result = FrameResult {
            id: FrameId(number),
            frame,
            mode: Mode::Single(LaneId::A),
            lanes: [Some(found), None],
            agreement: None,
            frame_to_box: Duration::ZERO,
            statistics: Arc::default(),
        };
        Ok(self.file.write(&result, &RecordingView::default(), self.latest)?)
    }

    fn finish(mut self, frames: u64) -> anyhow::Result<()> {
        self.file.finish(self.latest)?;
        if frames > 0 {
            eprintln!("{frames} frames in {}, {}", self.file.path().display(), self.file.encoder().title());
        }
        Ok(())
    }
}
