//! What was tried and what came of it, as text and as JSON.

use crate::quantize::{Outcome, Point};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// A table of everything that was tried, the chosen one marked.
pub(super) fn text(outcome: &Outcome, model: &Path, written: Option<&Path>, took: Duration) -> String {
    let mut text = String::new();
    // Writing to a text does not fail.
    let _ = writeln!(text, "{:<44} {:>9} {:>6} {:>9} {:>8}", "tried", "integers", "F1", "closeness", "time");
    for (index, point) in outcome.points.iter().enumerate() {
        let mark = if index == outcome.best { "*" } else { " " };
        let name = format!("{mark} {}", point.choice.in_words());
        let integers = format!("{}/{}", point.integers, outcome.layers.len());
        let measured = &point.measured;
        let _ = writeln!(
            text,
            "{name:<44} {integers:>9} {:>6.3} {:>9.3} {:>8.2}",
            measured.agreement.f1, measured.agreement.closeness, measured.latency_ratio
        );
    }
    let best = outcome.best();
    let agreement = best.measured.agreement;
    let _ = writeln!(
        text,
        "\nagreement and time are against the FP32 model, on {} pictures ({} boxes) that the ranges were not chosen by",
        agreement.pictures, agreement.boxes
    );
    if let Some([own, float]) = best.measured.ap {
        let _ = writeln!(text, "AP is {own:.3} on those that have labels, {float:.3} in floats");
    }
    outcome.notes.iter().for_each(|note| {
        let _ = writeln!(text, "{note}");
    });
    let _ = match written {
        Some(path) => writeln!(
            text,
            "{} is written: {:.2} MB of {:.2} MB, {:.2} of the time of {}, in {:.0} s",
            path.display(),
            best.bytes.len() as f64 / 1e6,
            outcome.float_bytes as f64 / 1e6,
            best.measured.latency_ratio,
            model.display(),
            took.as_secs_f64()
        ),
        None => writeln!(text, "nothing is written"),
    };
    text
}

/// One JSON object in a line.
pub(super) fn json(outcome: &Outcome, model: &Path, written: Option<&Path>, took: Duration) -> anyhow::Result<String> {
    let points: Vec<Value> = outcome.points.iter().map(|point| of_point(point, outcome)).collect();
    let object = json!({
        "model": model,
        "written": written,
        "seconds": took.as_secs_f64(),
        "float_bytes": outcome.float_bytes,
        "layers": outcome.layers.len(),
        "layer_table": outcome.layers,
        "best": outcome.best,
        "front": outcome.front,
        "failed": outcome.failed,
        "recipe": outcome.recipe,
        "points": points,
        "notes": outcome.notes,
    });
    Ok(serde_json::to_string(&object)? + "\n")
}

fn of_point(point: &Point, outcome: &Outcome) -> Value {
    json!({
        "choice": point.choice,
        "float": point.float,
        "in_words": point.choice.in_words(),
        "integers": point.integers,
        "bytes": point.bytes.len(),
        "agreement": point.measured.agreement,
        "latency_ratio": point.measured.latency_ratio,
        "latency_ms": point.measured.latency_ms,
        "ap": point.measured.ap,
        "executed": point.measured.executed,
        "on_front": outcome.front.iter().any(|index| std::ptr::eq(&outcome.points[*index], point)),
    })
}
