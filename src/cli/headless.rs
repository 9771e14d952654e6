//! The live pipeline without a window: both models on the same frames for ten seconds, a table in the terminal, and an
//! annotated picture.

use super::arguments::Global;
use super::headless_record::Recordings;
use super::output::{OutputFormat, print, save_picture};
use crate::app::{StartOptions, verdict};
use crate::capture::{SourceOptions, SourceSpec};
use crate::imaging::{DrawnBox, RgbImage, draw_boxes, draw_caption};
use crate::inference::ModelInfo;
use crate::inference::tuning::SessionClock;
use crate::pipeline::{
    AGREEMENT_FRAMES_DEFAULT, AgreementStatistics, Command, Event, FrameResult, LaneId, Link, Mode, Pipeline,
    PipelineConfig, Statistics,
};
use anyhow::{Context, bail};
use crossbeam_channel::{Receiver, bounded};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the pipeline runs after its first result.
const RUN_TIME: Duration = Duration::from_secs(10);
/// How long the first result may take: models are loaded and a source is opened.
const START_TIME: Duration = Duration::from_secs(90);
/// How often the table is drawn.
const TABLE_INTERVAL: Duration = Duration::from_millis(500);
/// Where the annotated picture goes: the current folder.
const PICTURE: &str = "quantscope-headless.jpg";

pub(super) fn run(
    global: &Global,
    options: StartOptions,
    config: PipelineConfig,
    recordings: Recordings,
) -> anyhow::Result<()> {
    let (wake_sender, woken) = bounded(1);
    let wake = Arc::new(move || {
        let _ = wake_sender.try_send(());
    });
    let (link, _pipeline) = Pipeline::start(config, wake).context("the operating system gives no thread")?;
    let mut watch = Watch { recordings, ..Watch::default() };
    watch.start(&link, global, options)?;
    watch.follow(&link, &woken)?;
    let recorded = std::mem::take(&mut watch.recordings).finish(&link, &woken);
    watch.finish(global.format)?;
    recorded
}

/// What was seen of the pipeline so far.
#[derive(Default)]
struct Watch {
    expected: usize,
    models: [Option<Arc<ModelInfo>>; 2],
    latest: Option<Arc<FrameResult>>,
    recordings: Recordings,
}

impl Watch {
    fn start(&mut self, link: &Link, global: &Global, options: StartOptions) -> anyhow::Result<()> {
        let named = options.model_a.is_some() || options.model_b.is_some();
        let [default_a, default_b] = options.default_models;
        let models = if named { [options.model_a, options.model_b] } else { [default_a, default_b] };
        for (lane, path) in LaneId::BOTH.into_iter().zip(models) {
            let Some(path) = path else { continue };
            self.expected += 1;
            link.send(Command::LoadModel { lane, path, overrides: options.overrides.clone() });
        }
        if self.expected == 0 {
            bail!("no model was named and the default models are missing: add --model FILE.onnx");
        }
        link.send(Command::SetMode(Mode::Compare));
        link.send(Command::SetThresholds(global.thresholds()));
        link.send(Command::SetAgreementWindow(options.agreement_frames.unwrap_or(AGREEMENT_FRAMES_DEFAULT)));
        link.send(Command::SetAccelerate(!global.no_accelerate));
        if global.measures_threads() {
            link.send(Command::MeasureThreads(Arc::new(SessionClock)));
        }
        let looping =
            SourceOptions { looping: true, camera_backend: global.camera_backend, ..SourceOptions::default() };
        link.send(Command::OpenSource(options.source.unwrap_or(SourceSpec::Demo), looping));
        Ok(())
    }

    /// Takes results until the time is over.
    fn follow(&mut self, link: &Link, woken: &Receiver<()>) -> anyhow::Result<()> {
        let table = ProgressBar::new_spinner();
        table.set_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let mut end = Instant::now() + START_TIME;
        let mut running = false;
        let mut next_table = Instant::now();
        loop {
            // Whether it was woken or waited long enough: there may be something new.
            let _ = woken.recv_timeout(TABLE_INTERVAL);
            while let Some(event) = link.take_event() {
                self.hear(event)?;
            }
            if let Some(result) = link.take_result() {
                let complete = result.lanes.iter().flatten().count() == self.expected;
                if complete && !running {
                    running = true;
                    // What was measured while the other model was still loading does not count.
                    link.send(Command::ResetStatistics);
                    self.recordings.start(link);
                    end = Instant::now() + RUN_TIME;
                }
                if complete {
                    self.latest = Some(result);
                }
            }
            if let Some(latest) = &self.latest
                && Instant::now() >= next_table
            {
                next_table = Instant::now() + TABLE_INTERVAL;
                table.set_message(self.table(&latest.statistics));
            }
            if Instant::now() >= end {
                table.finish_and_clear();
                return if running {
                    Ok(())
                } else {
                    Err(anyhow::anyhow!("nothing was detected within {START_TIME:?}"))
                };
            }
        }
    }

    fn hear(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::ModelLoaded { lane, info } | Event::ModelTuned { lane, info } => {
                self.models[lane.index()] = Some(info);
            }
            Event::ModelFailed { message, .. } | Event::SourceFailed { message, .. } => bail!(message),
            Event::Recording(status) => self.recordings.hear(status),
            Event::Warning(message) => tracing::warn!("{message}"),
            Event::SourceTroubled { message, .. } => tracing::warn!("{message}. It is tried again by itself"),
            Event::SourceRecovered { spec, .. } => tracing::warn!("{spec}: it gives pictures again"),
            _ => {}
        }
        Ok(())
    }

    fn finish(self, format: OutputFormat) -> anyhow::Result<()> {
        let Some(latest) = &self.latest else { bail!("nothing was detected") };
        match format {
            OutputFormat::Text => print(&format!("{}\n", self.table(&latest.statistics)))?,
            OutputFormat::Json => print(&format!("{}\n", self.json(&latest.statistics)))?,
        }
        for lane in LaneId::BOTH {
            for oddity in &latest.statistics.lanes[lane.index()].oddities {
                eprintln!("model {lane:?}: {oddity}");
            }
        }
        save_picture(&side_by_side(latest, &self.models), Path::new(PICTURE))?;
        eprintln!("The last frame with the boxes of both models: {PICTURE}");
        Ok(())
    }

    /// The panel's figures in columns, and the verdict.
    fn table(&self, statistics: &Statistics) -> String {
        let lanes = &statistics.lanes;
        let column = |lane: usize, value: &dyn Fn(usize) -> String| {
            if self.models[lane].is_some() { value(lane) } else { String::new() }
        };
        let mut text = String::new();
        let mut row = |name: &str, value: &dyn Fn(usize) -> String| {
            text.push_str(&format!("{name:<26} {:>22} {:>22}\n", column(0, value), column(1, value)));
        };
        row("", &|i| self.models[i].as_ref().map_or_else(String::new, |m| file_name(&m.path)));
        row("precision", &|i| self.models[i].as_ref().map_or_else(String::new, |m| m.precision.to_string()));
        row("size, MB", &|i| {
            self.models[i].as_ref().map_or_else(String::new, |m| format!("{:.2}", m.bytes as f64 / 1e6))
        });
        row("frames/s", &|i| lanes[i].fps.map_or_else(|| "–".to_owned(), |fps| format!("{fps:.1}")));
        row("total ms, p50 / p95", &|i| format!("{:.2} / {:.2}", lanes[i].total.p50_ms, lanes[i].total.p95_ms));
        row("  preprocess", &|i| format!("{:.2} / {:.2}", lanes[i].preprocess.p50_ms, lanes[i].preprocess.p95_ms));
        row("  inference", &|i| format!("{:.2} / {:.2}", lanes[i].inference.p50_ms, lanes[i].inference.p95_ms));
        row("  postprocess", &|i| format!("{:.2} / {:.2}", lanes[i].postprocess.p50_ms, lanes[i].postprocess.p95_ms));
        row("AP50 against the truth", &|i| {
            lanes[i].accuracy.map_or_else(
                || "–".to_owned(),
                |a| format!("{:.3} ({} of {} classes)", a.ap50, a.known_classes, a.classes),
            )
        });
        row("recall", &|i| lanes[i].accuracy.map_or_else(|| "–".to_owned(), |a| format!("{:.3}", a.recall)));
        if let Some(agreement) = &statistics.agreement {
            text.push_str(&agreement_words(agreement));
        }
        let capture = statistics.capture_fps.unwrap_or(0.0);
        text.push_str(&format!(
            "capture {capture:.1} frames/s, {} of {} dropped; CPU {:.0} % of one core, {:.0} MiB resident\n",
            statistics.dropped_frames,
            statistics.captured_frames,
            statistics.cpu_percent,
            statistics.resident_bytes as f64 / f64::from(1 << 20)
        ));
        text.push_str(&verdict(statistics, [self.models[0].as_deref(), self.models[1].as_deref()]).text());
        text
    }

    fn json(&self, statistics: &Statistics) -> serde_json::Value {
        let models: Vec<_> = LaneId::BOTH
            .into_iter()
            .filter_map(|lane| {
                let (info, figures) = (self.models[lane.index()].as_ref()?, &statistics.lanes[lane.index()]);
                let stage = |s: crate::metrics::LatencySummary| serde_json::json!({"p50": s.p50_ms, "p95": s.p95_ms});
                Some(serde_json::json!({
                    "path": info.path, "precision": info.precision, "bytes": info.bytes, "threads": info.threads,
                    "fps": figures.fps,
                    "stages_ms": {"preprocess": stage(figures.preprocess), "inference": stage(figures.inference),
                                  "postprocess": stage(figures.postprocess), "total": stage(figures.total)},
                    "frame_to_box_ms": stage(figures.frame_to_box),
                    "ap50": figures.accuracy.map(|a| a.ap50), "recall": figures.accuracy.map(|a| a.recall),
                }))
            })
            .collect();
        let agreement = statistics.agreement.map(|a| {
            serde_json::json!({"precision": a.precision, "recall": a.recall, "f1": a.f1, "f1_interval": a.f1_interval,
                               "mean_iou": a.mean_iou, "mean_score_delta": a.mean_score_delta, "frames": a.frames,
                               "window": a.window, "reference_boxes": a.reference_boxes,
                               "candidate_boxes": a.candidate_boxes})
        });
        serde_json::json!({"models": models, "agreement": agreement, "capture_fps": statistics.capture_fps,
                           "dropped_frames": statistics.dropped_frames, "picture": PICTURE})
    }
}

/// Two lines: the figures, and what they rest on.
fn agreement_words(agreement: &AgreementStatistics) -> String {
    let interval = match agreement.f1_interval {
        Some([low, high]) => format!("95 % interval {low:.3} … {high:.3}"),
        None => "too few frames for an interval".to_owned(),
    };
    format!(
        "agreement: F1 {:.3} ({interval}), mean IoU {:.3}, mean score change {:.3}\n  over the last {} compared frames \
         (window {}) with {} boxes of A and {} of B\n",
        agreement.f1,
        agreement.mean_iou,
        agreement.mean_score_delta,
        agreement.frames,
        agreement.window,
        agreement.reference_boxes,
        agreement.candidate_boxes
    )
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// The frame once a lane, side by side, with boxes.
fn side_by_side(result: &FrameResult, models: &[Option<Arc<ModelInfo>>; 2]) -> RgbImage {
    let frame = &result.frame.image;
    let lanes: Vec<LaneId> = LaneId::BOTH.into_iter().filter(|lane| result.lanes[lane.index()].is_some()).collect();
    let mut whole = RgbImage::new(frame.width() * lanes.len().max(1) as u32, frame.height());
    for (position, lane) in lanes.into_iter().enumerate() {
        let mut picture = (**frame).clone();
        if let (Some(found), Some(info)) = (&result.lanes[lane.index()], &models[lane.index()]) {
            let boxes: Vec<DrawnBox> = found.detections.iter().map(|d| d.drawn(&info.card)).collect();
            draw_boxes(&mut picture, &boxes);
            draw_caption(&mut picture, &format!("{} {}", info.precision, file_name(&info.path)), [40, 40, 40]);
        }
        image::imageops::replace(&mut whole, &picture, i64::from(frame.width()) * position as i64, 0);
    }
    whole
}
