//! `quantscope capture`: frames of a source as pictures, without a model.

use super::arguments::Global;
use super::output::{OutputFormat, print};
use crate::capture::{self, Next, Pace, SourceOptions, SourceSpec};
use crate::pipeline::record::{Every, FrameFolder, FrameOptions, PictureFormat};
use anyhow::ensure;
use clap::ValueEnum;
use std::path::PathBuf;
use std::time::Duration;

/// How long a live source may give nothing before it is asked again.
const PATIENCE: Duration = Duration::from_millis(500);

/// What to keep, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// demo | camera[:N] | FILE (picture or video) | DIR (pictures) | rtsp://… | http://…
    source: String,
    /// Folder to write to; made if it does not exist, and pictures that are there stay
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Stop after so many pictures
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// Keep one every so many seconds [default: 1]
    #[arg(long, value_name = "S", value_parser = seconds, conflicts_with = "every_frames")]
    every: Option<f64>,
    /// Keep one of so many frames
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    every_frames: Option<u64>,
    /// Of those, keep only the ones that differ visibly from the last one kept
    #[arg(long)]
    different: bool,
    /// Kind of picture; jpeg is written at quality 95
    #[arg(long, value_enum, default_value_t)]
    picture: Picture,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Picture {
    #[default]
    Png,
    Jpeg,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=86_400.0).contains(&value) => Ok(value),
        _ => Err("must be a number of seconds from 0 to 86400".to_owned()),
    }
}

/// # Errors
///
/// When the source cannot be read, gives nothing, or the folder cannot be written.
pub(super) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let options =
        SourceOptions { pace: Pace::EveryFrame, camera_backend: global.camera_backend, ..SourceOptions::default() };
    let mut source = capture::open(&SourceSpec::from(args.source.as_str()), &options)?;
    let kept = FrameOptions {
        every: args.every_frames.map_or(Every::Seconds(args.every.unwrap_or(1.0)), Every::Frames),
        different: args.different,
        count: Some(args.count),
        format: match args.picture {
            Picture::Png => PictureFormat::Png,
            Picture::Jpeg => PictureFormat::Jpeg,
        },
    };
    let mut folder = FrameFolder::open(&args.out, kept)?;
    let rate = source.info().frame_rate.filter(|rate| *rate > 0.0);
    let live = matches!(source.info().kind, capture::SourceKind::Camera | capture::SourceKind::Stream);
    let (mut number, mut first) = (0_u64, None);
    while !folder.is_full() {
        let next = source.next_frame(PATIENCE);
        while let Some(warning) = source.take_warning() {
            tracing::warn!("{warning}");
        }
        let frame = match next? {
            Next::Frame(frame) => frame,
            Next::Waiting => continue,
            Next::End => break,
        };
        let began = *first.get_or_insert(frame.captured_at);
        let nominal = rate.filter(|_| !live).map(|rate| Duration::from_secs_f64(number as f64 / rate));
        let at = frame.position.or(nominal).unwrap_or(frame.captured_at.saturating_duration_since(began));
        folder.offer(&frame, at)?;
        number += 1;
    }
    ensure!(number > 0, "{}: the source gave no picture", args.source);
    let (count, path) = (folder.frames(), folder.path().display());
    match global.format {
        OutputFormat::Text => print(&format!("{count} of {number} frames in {path}\n")),
        OutputFormat::Json => {
            let line =
                serde_json::json!({"frames": number, "kept": count, "folder": folder.path(), "bytes": folder.bytes()});
            print(&format!("{line}\n"))
        }
    }
}
