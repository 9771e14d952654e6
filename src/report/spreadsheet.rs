//! The report as one table for spreadsheets and data frames.
//!
//! Every row has all columns; those that do not apply are empty. The first column tells what a row is: filter by it.

use super::Report;
use super::words;
use crate::benchmark::{Benchmark, BenchmarkedModel};
use crate::evaluate::{ComparedWithReference, Evaluation, ModelEvaluation};
use crate::metrics::ClassFigures;
use serde::Serialize;
use std::path::Path;

/// A row; the names of its fields are those of the columns.
#[derive(Default, Serialize)]
struct Row {
    part: &'static str,
    model: String,
    path: String,
    numbers: String,
    precision: String,
    bytes: Option<u64>,
    sha256: String,
    threads: Option<usize>,
    provider: String,
    pictures: Option<usize>,
    class: String,
    objects: Option<usize>,
    ap: Option<f64>,
    ap50: Option<f64>,
    ap75: Option<f64>,
    ap_small: Option<f64>,
    ap_medium: Option<f64>,
    ap_large: Option<f64>,
    ar1: Option<f64>,
    ar10: Option<f64>,
    ar100: Option<f64>,
    ar_small: Option<f64>,
    ar_medium: Option<f64>,
    ar_large: Option<f64>,
    best_confidence: Option<f64>,
    best_f1: Option<f64>,
    reference: String,
    agreement_precision: Option<f64>,
    agreement_recall: Option<f64>,
    agreement_f1: Option<f64>,
    agreement_f1_low: Option<f64>,
    agreement_f1_high: Option<f64>,
    mean_iou: Option<f64>,
    mean_score_delta: Option<f64>,
    candidate_boxes: Option<usize>,
    reference_boxes: Option<usize>,
    ap_difference: Option<f64>,
    ap_difference_low: Option<f64>,
    ap_difference_high: Option<f64>,
    latency_p50_ms: Option<f32>,
    latency_p95_ms: Option<f32>,
    latency_p99_ms: Option<f32>,
    pictures_per_second: Option<f64>,
    frames: Option<usize>,
    fps: Option<f64>,
    session_only_fps: Option<f64>,
    pipeline_efficiency: Option<f64>,
    preprocess_p50_ms: Option<f32>,
    inference_p50_ms: Option<f32>,
    postprocess_p50_ms: Option<f32>,
    session_only_p50_ms: Option<f32>,
    latency_ratio: Option<f64>,
    latency_ratio_low: Option<f64>,
    latency_ratio_high: Option<f64>,
    spread: Option<f64>,
    cpu_ms_per_frame: Option<f64>,
    millijoule_per_frame: Option<f64>,
    peak_rss_bytes: Option<u64>,
    acceleration: String,
    complete: Option<bool>,
    note: String,
    dataset_or_source: String,
    begun: String,
    machine: String,
    quantscope: String,
    onnxruntime: String,
}

/// The table, with its head, in UTF-8 as RFC 4180 has it.
///
/// # Errors
///
/// Those of the writer.
pub fn spreadsheet(report: &Report<'_>) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows(report) {
        writer.serialize(row)?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

fn rows(report: &Report<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(evaluation) = report.evaluation {
        let names = words::distinct_names(evaluation.models.iter().map(|model| model.path.as_path()));
        let named = || evaluation.models.iter().zip(&names);
        rows.extend(named().map(|(model, name)| accuracy_row(evaluation, model, name)));
        rows.extend(evaluation.agreement.iter().map(|it| agreement_row(evaluation, it, &names)));
        rows.extend(speed_rows(report));
        rows.extend(named().flat_map(|(model, name)| {
            let classes = model.accuracy.iter().flat_map(|accuracy| &accuracy.classes);
            classes.map(|class| class_row(model, name, class))
        }));
    } else {
        rows.extend(speed_rows(report));
    }
    if rows.is_empty() {
        // A head without rows is a readable table, too; the writer takes it from a row.
        rows.push(Row { part: "nothing", note: "nothing was measured".to_owned(), ..Row::default() });
    }
    rows
}

fn accuracy_row(evaluation: &Evaluation, model: &ModelEvaluation, name: &str) -> Row {
    let coco = &model.coco;
    let best = model.accuracy.as_ref().and_then(|accuracy| accuracy.best);
    Row {
        part: "accuracy",
        numbers: safe(&model.numbers),
        precision: safe(&model.precision),
        bytes: Some(model.bytes),
        threads: Some(model.threads),
        pictures: Some(model.pictures),
        objects: Some(evaluation.dataset.boxes),
        ap: finite(coco.ap),
        ap50: finite(coco.ap50),
        ap75: finite(coco.ap75),
        ap_small: finite(coco.ap_small),
        ap_medium: finite(coco.ap_medium),
        ap_large: finite(coco.ap_large),
        ar1: finite(coco.ar1),
        ar10: finite(coco.ar10),
        ar100: finite(coco.ar100),
        ar_small: finite(coco.ar_small),
        ar_medium: finite(coco.ar_medium),
        ar_large: finite(coco.ar_large),
        best_confidence: finite(best.map(|best| best.confidence)),
        best_f1: finite(best.map(|best| best.f1)),
        latency_p50_ms: finite_ms(model.latency_ms.p50),
        latency_p95_ms: finite_ms(model.latency_ms.p95),
        latency_p99_ms: finite_ms(model.latency_ms.p99),
        pictures_per_second: finite(Some(model.pictures_per_second)),
        acceleration: model.acceleration.in_short(),
        complete: Some(evaluation.complete),
        note: safe(model.error.as_deref().unwrap_or_default()),
        dataset_or_source: safe(&evaluation.dataset.path.to_string_lossy()),
        begun: words::date(evaluation.begun),
        machine: safe(&evaluation.machine.to_string()),
        quantscope: safe(&evaluation.versions.quantscope),
        onnxruntime: safe(&evaluation.versions.onnxruntime),
        ..file(name, &model.path, &model.sha256)
    }
}

fn agreement_row(evaluation: &Evaluation, it: &ComparedWithReference, names: &[String]) -> Row {
    let name = |index: usize| names.get(index).map_or("", String::as_str);
    let file = evaluation.models.get(it.candidate).map(|model| file(name(it.candidate), &model.path, &model.sha256));
    let [low, high] = it.details.f1_interval;
    let ends = it.ap_difference_interval;
    Row {
        part: "agreement",
        pictures: Some(it.details.pictures),
        reference: safe(name(it.reference)),
        agreement_precision: finite(Some(it.figures.precision)),
        agreement_recall: finite(Some(it.figures.recall)),
        agreement_f1: finite(Some(it.figures.f1)),
        agreement_f1_low: finite(Some(low)),
        agreement_f1_high: finite(Some(high)),
        mean_iou: finite(Some(it.figures.mean_iou)),
        mean_score_delta: finite(Some(it.figures.mean_score_delta)),
        candidate_boxes: Some(it.figures.candidate_boxes),
        reference_boxes: Some(it.figures.reference_boxes),
        ap_difference: finite(it.ap_difference),
        ap_difference_low: finite(ends.map(|ends| ends[0])),
        ap_difference_high: finite(ends.map(|ends| ends[1])),
        ..file.unwrap_or_default()
    }
}

fn class_row(model: &ModelEvaluation, name: &str, class: &ClassFigures) -> Row {
    Row {
        part: "class",
        class: safe(&class.name),
        objects: Some(class.objects),
        ap: finite(class.ap),
        ap50: finite(class.ap50),
        ar100: finite(class.ar100),
        ..file(name, &model.path, &model.sha256)
    }
}

fn speed_rows<'a>(report: &Report<'a>) -> impl Iterator<Item = Row> + use<'a> {
    let benchmarks = report.benchmark.into_iter();
    benchmarks.flat_map(|benchmark| benchmark.models.iter().map(|entry| speed_row(benchmark, entry)))
}

fn speed_row(benchmark: &Benchmark, entry: &BenchmarkedModel) -> Row {
    let [low, high] = entry.latency_ratio_interval;
    let stages = &entry.stages_ms;
    Row {
        part: "speed",
        numbers: safe(&entry.numbers),
        precision: safe(&entry.precision),
        bytes: Some(entry.bytes),
        threads: Some(entry.threads),
        provider: safe(&entry.provider),
        latency_p50_ms: finite_ms(stages.total.p50),
        latency_p95_ms: finite_ms(stages.total.p95),
        latency_p99_ms: finite_ms(stages.total.p99),
        frames: Some(entry.frames),
        fps: finite(Some(entry.fps)),
        session_only_fps: finite(Some(entry.session_only_fps)),
        pipeline_efficiency: finite(Some(entry.pipeline_efficiency)),
        preprocess_p50_ms: finite_ms(stages.preprocess.p50),
        inference_p50_ms: finite_ms(stages.inference.p50),
        postprocess_p50_ms: finite_ms(stages.postprocess.p50),
        session_only_p50_ms: finite_ms(entry.session_only_ms.p50),
        latency_ratio: finite(Some(entry.latency_ratio)),
        latency_ratio_low: finite(Some(low)),
        latency_ratio_high: finite(Some(high)),
        spread: finite(Some(entry.spread)),
        cpu_ms_per_frame: finite(entry.cpu_ms_per_frame),
        millijoule_per_frame: finite(entry.millijoule_per_frame),
        peak_rss_bytes: entry.peak_rss_bytes,
        acceleration: entry.acceleration.in_short(),
        complete: Some(benchmark.complete),
        note: safe(benchmark.noise.as_deref().unwrap_or_default()),
        dataset_or_source: safe(&format!("{} {}", benchmark.source, benchmark.frame_size)),
        begun: words::date(benchmark.begun),
        machine: safe(&benchmark.machine.to_string()),
        quantscope: safe(&benchmark.versions.quantscope),
        onnxruntime: safe(&benchmark.versions.onnxruntime),
        ..file(&words::file_name(&entry.path), &entry.path, &entry.sha256)
    }
}

fn file(name: &str, path: &Path, sha256: &str) -> Row {
    Row { model: safe(name), path: safe(&path.to_string_lossy()), sha256: safe(sha256), ..Row::default() }
}

/// Text that a spreadsheet does not take for a formula: an apostrophe before what begins like one (OWASP, "CSV
/// Injection").
pub(super) fn safe(text: &str) -> String {
    let visible = words::visible(text);
    if visible.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{visible}") } else { visible }
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

fn finite_ms(value: f32) -> Option<f32> {
    value.is_finite().then_some(value)
}
