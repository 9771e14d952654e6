//! What was tried and what came of it, as text; what was asked for, for reports.

use super::Args;
use crate::quantize::Request;
use crate::report::{Quantized, asked_for};
use std::fmt::Write;

/// Names and values of what was asked for.
pub(super) fn asked(args: &Args, request: &Request) -> Vec<(&'static str, String)> {
    let mut asked = asked_for(request, &args.calibrate);
    asked.extend(args.recipe.as_ref().map(|path| ("By the recipe", path.display().to_string())));
    asked
}

/// A table of everything that was tried, the chosen one marked.
pub(super) fn text(told: &Quantized<'_>) -> String {
    let (outcome, mut text) = (told.outcome, String::new());
    let best = outcome.best();
    let judged_by = best.measured.times.judged_by;
    // Writing to a text does not fail.
    let _ =
        writeln!(text, "{:<44} {:>9} {:>6} {:>9} {:>8} {:>8}", "tried", "integers", "F1", "closeness", "time", "other");
    for (index, point) in outcome.points.iter().enumerate() {
        let mark = if index == outcome.best { "*" } else { " " };
        let name = format!("{mark} {}", point.choice.in_words());
        let integers = format!("{}/{}", point.integers, outcome.layers.len());
        let measured = &point.measured;
        let other = measured.times.other.map_or_else(String::new, |other| format!("{:.2}", other.ratio));
        let _ = writeln!(
            text,
            "{name:<44} {integers:>9} {:>6.3} {:>9.3} {:>8.2} {other:>8}",
            measured.agreement.f1,
            measured.agreement.closeness,
            measured.ratio()
        );
    }
    let agreement = best.measured.agreement;
    let _ = writeln!(
        text,
        "\nagreement and time are against the FP32 model, on {} pictures ({} boxes) that the ranges were not chosen by",
        agreement.pictures, agreement.boxes
    );
    let _ = writeln!(text, "{}; other: {}, of the best models only", judged_by.in_words(), judged_by.other().place());
    if let Some([own, float]) = best.measured.ap {
        let _ = writeln!(text, "AP is {own:.3} on those that have labels, {float:.3} in floats");
    }
    outcome.notes.iter().for_each(|note| {
        let _ = writeln!(text, "{note}");
    });
    if let Some(profile) = outcome.profiles.last() {
        let said = profile.findings.iter().chain(&profile.advice);
        let _ = writeln!(text, "\nwhere the time goes (`quantscope bench --profile` tells more)");
        said.for_each(|sentence| {
            let _ = writeln!(text, "  {sentence}");
        });
        let _ = writeln!(text);
    }
    let _ = match told.written {
        Some(path) => writeln!(
            text,
            "{} is written: {:.2} MB of {:.2} MB, {}, in {:.0} s",
            path.display(),
            best.bytes.len() as f64 / 1e6,
            outcome.float_bytes as f64 / 1e6,
            best.measured.times.in_words(),
            told.seconds
        ),
        None => writeln!(text, "nothing is written"),
    };
    text
}
