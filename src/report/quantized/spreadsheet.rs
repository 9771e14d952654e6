//! The same as one table, told apart by its first column: a row a model that was tried (`tried`), a row a layer
//! (`layer`), a row a kind of work (`work`), a row an operator (`operator`), and a row a reason to run in floats (`float`).

use super::Quantized;
use crate::quantize::JudgeBy;
use crate::report::spreadsheet::safe;
use serde::Serialize;

/// A row; the names of its fields are those of the columns.
#[derive(Default, Serialize)]
struct Row {
    part: &'static str,
    name: String,
    number: Option<usize>,
    chosen: Option<bool>,
    on_front: Option<bool>,
    integers: Option<usize>,
    layers: Option<usize>,
    f1: Option<f64>,
    closeness: Option<f64>,
    mean_iou: Option<f64>,
    mean_score_delta: Option<f64>,
    latency_ratio: Option<f64>,
    judged_by: Option<JudgeBy>,
    accelerated_ratio: Option<f64>,
    plain_ratio: Option<f64>,
    bytes: Option<usize>,
    nodes: Option<usize>,
    ms: Option<f64>,
    share: Option<f64>,
    fp32_ms: Option<f64>,
    conversions: Option<usize>,
    conversion_ms: Option<f64>,
    weights: Option<usize>,
    sensitivity: Option<f64>,
    in_integers: Option<bool>,
    why: String,
}

/// The table with its head.
pub fn spreadsheet(report: &Quantized<'_>) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows(report) {
        writer.serialize(row)?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

fn rows(report: &Quantized<'_>) -> Vec<Row> {
    let outcome = report.outcome;
    let mut rows: Vec<Row> = outcome
        .points
        .iter()
        .enumerate()
        .map(|(index, point)| {
            let (measured, agreement) = (&point.measured, point.measured.agreement);
            let times = &measured.times;
            let ratio = |way| times.of(way).map(|speed| speed.ratio);
            Row {
                part: "tried",
                name: safe(&point.choice.in_words()),
                number: Some(index + 1),
                chosen: Some(index == outcome.best),
                on_front: Some(outcome.front.contains(&index)),
                integers: Some(point.integers),
                layers: Some(report.layer_count()),
                f1: Some(agreement.f1),
                closeness: Some(agreement.closeness),
                mean_iou: Some(agreement.mean_iou),
                mean_score_delta: Some(agreement.mean_score_delta),
                latency_ratio: Some(measured.ratio()),
                judged_by: Some(times.judged_by),
                accelerated_ratio: ratio(JudgeBy::Accelerated),
                plain_ratio: ratio(JudgeBy::Plain),
                bytes: Some(point.bytes.len()),
                ms: Some(times.judged.ms[0]),
                fp32_ms: Some(times.judged.ms[1]),
                ..Row::default()
            }
        })
        .collect();
    rows.extend(outcome.layers.iter().map(|layer| Row {
        part: "layer",
        name: safe(&layer.name),
        weights: Some(layer.weights),
        sensitivity: layer.sensitivity,
        in_integers: Some(layer.integer),
        ..Row::default()
    }));
    let Some(profile) = outcome.profiles.last() else { return rows };
    let time = |part, name: &str, nodes, ms, share, fp32_ms| Row {
        part,
        name: safe(name),
        nodes: Some(nodes),
        ms: Some(ms),
        share: Some(share),
        fp32_ms,
        ..Row::default()
    };
    rows.extend(
        profile.work.iter().map(|it| time("work", it.work.in_words(), it.nodes, it.ms, it.share, it.reference_ms)),
    );
    rows.extend(
        profile.operators.iter().map(|it| time("operator", &it.operator, it.nodes, it.ms, it.share, it.reference_ms)),
    );
    rows.extend(profile.floats.iter().map(|left| Row {
        part: "float",
        name: safe(&left.operator),
        nodes: Some(left.nodes),
        ms: Some(left.ms),
        conversions: Some(left.conversions),
        conversion_ms: Some(left.conversion_ms),
        why: left.reason.in_words().to_owned(),
        ..Row::default()
    }));
    rows
}
