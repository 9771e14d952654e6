//! `quantscope` without a subcommand: the window; without a display the same pipeline in the terminal.

use super::arguments::Global;
use super::headless_record::Recordings;
use super::start::UsageError;
use super::tap::Tapped;
use super::{headless, start};
use crate::app::{self, CameraChoice, CameraFormatChoice, Services, StartOptions, TwinChoice, TwinRole, Variant};
use crate::capture::{self, SourceSpec};
use crate::inference::twin;
use crate::pipeline::{AGREEMENT_FRAMES, Pipeline, PipelineConfig};
use crate::runtime;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// The models that come with the program: full precision and quantized.
const DEFAULT_MODELS: [&str; 2] = ["scene.onnx", "scene.int8.onnx"];

/// Options of the window beside the global ones.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Second model, compared with --model
    #[arg(long, value_name = "FILE")]
    model_b: Option<PathBuf>,
    /// demo | camera[:N] | FILE (picture or video) | DIR (pictures) | rtsp://… | http://…
    #[arg(long, value_name = "SPEC")]
    source: Option<String>,
    /// Compared frames that the agreement of two models looks back over [default: 300, or as it was set in the window]
    #[arg(long, value_name = "N", value_parser = agreement_frames)]
    agreement_window: Option<usize>,
    /// Run in the terminal for ten seconds although there is a display
    #[arg(long)]
    headless: bool,
    /// In the terminal: record what is computed, a video (.mp4, .mkv) or detections (.jsonl); may be given twice
    #[arg(long, value_name = "FILE")]
    record: Vec<PathBuf>,
}

pub(super) fn run(global: &Global, args: &Args, started_at: Instant, tapped: &Tapped) -> anyhow::Result<()> {
    let recordings = Recordings::of(&args.record)?;
    // Without ONNX Runtime nothing can be shown; better said now than in every lane.
    runtime::initialize()?;
    let options = StartOptions {
        model_a: match global.model.as_slice() {
            [] => None,
            _ => Some(global.one_model()?.to_owned()),
        },
        model_b: args.model_b.clone(),
        overrides: global.overrides(),
        source: args.source.as_deref().map(SourceSpec::from),
        confidence: global.confidence,
        iou: global.iou,
        threads: global.thread_counts().next(),
        measure_threads: global.measures_threads(),
        agreement_frames: args.agreement_window,
        plain_sessions: global.no_accelerate,
        camera_backend: global.camera_backend,
        default_models: DEFAULT_MODELS.map(default_model),
        log: Some(tapped.lines.clone()),
        started_at: Some(started_at),
        ..StartOptions::default()
    };
    let config = PipelineConfig { trial: start::trial(), threads: global.threads() };
    if args.headless || !has_display() {
        if !args.headless {
            eprintln!("There is no display, so there is no window; the same pipeline runs here for ten seconds.");
        }
        return headless::run(global, options, config, recordings);
    }
    if !args.record.is_empty() {
        return Err(UsageError::because("--record goes with --headless; the window has its own control to record"));
    }
    let mut pipeline = None;
    let services = Services::new(list_cameras, find_twin).with_families(find_family).with_trial(start::trial());
    app::run(options, services, |wake| {
        tapped.wake_with(Arc::clone(&wake));
        let (link, running) = Pipeline::start(config, wake).context("the operating system gives no thread")?;
        pipeline = Some(running);
        Ok(link)
    })
}

fn agreement_frames(text: &str) -> Result<usize, String> {
    let (least, most) = AGREEMENT_FRAMES.into_inner();
    let frames = text.parse().ok().filter(|frames| AGREEMENT_FRAMES.contains(frames));
    frames.ok_or_else(|| format!("must be a number of frames from {least} to {most}"))
}

/// Whether a window can be hoped for. On Linux that is a matter of the environment.
fn has_display() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Looks for `models/<name>` beside the program, above it (a checkout's `target/release`) and above the current folder.
fn default_model(name: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().ok();
    let here = std::env::current_dir().ok();
    let ancestors = [program.as_deref(), here.as_deref()].into_iter().flatten().flat_map(Path::ancestors);
    ancestors.map(|folder| folder.join("models").join(name)).find(|path| path.is_file())
}

fn list_cameras() -> Vec<CameraChoice> {
    let choice = |camera: capture::CameraInfo| CameraChoice {
        number: camera.number,
        name: camera.name,
        formats: camera
            .formats
            .into_iter()
            .map(|format| CameraFormatChoice { fourcc: format.format, size: format.size, rates: format.rates })
            .collect(),
    };
    capture::list_cameras().into_iter().map(choice).collect()
}

fn find_twin(path: &Path) -> Option<TwinChoice> {
    let twin = twin::find(path).or_else(|| twin::find_by_content(path))?;
    let role = match twin.role {
        twin::Role::Quantized => TwinRole::Quantized,
        twin::Role::FullPrecision | twin::Role::HalfPrecision => TwinRole::FullPrecision,
    };
    Some(TwinChoice { path: twin.path, role })
}

fn find_family(path: &Path) -> Vec<Variant> {
    let variant = |member: twin::Twin| Variant {
        quantized: member.role == twin::Role::Quantized,
        ending: twin::ending(&member.path),
        path: member.path,
    };
    twin::family(path).into_iter().map(variant).collect()
}
