//! What page and markdown have in common: titles, sentences, and the cells of tables.

use super::Quantized;
use crate::quantize::{Layer, LeftFloat, Point, Profile, Reason};
use crate::report::words::{self, figure};

/// Operators in the table: those that take most.
pub const OPERATORS: usize = 15;

/// The model that was made.
pub fn title(report: &Quantized<'_>) -> String {
    let model = words::file_name(report.model);
    match report.written {
        Some(written) => format!("{}, quantized from {model}", words::file_name(written)),
        None => format!("{model}, not quantized"),
    }
}

/// When, where, and with how many pictures.
pub fn subtitle(report: &Quantized<'_>) -> String {
    let seen = report.outcome.recipe.pictures;
    let judged = report.outcome.best().measured.agreement.pictures;
    format!(
        "{}, {} for ranges and {} to judge by, in {} s on {}",
        words::date(report.begun),
        words::counted(seen, "picture", "pictures"),
        words::counted(judged, "picture", "pictures"),
        words::number(Some(report.seconds), 0),
        report.machine.cpu
    )
}

/// What it came to, in a sentence.
pub fn headline(report: &Quantized<'_>) -> String {
    let best = report.outcome.best();
    let measured = &best.measured;
    format!(
        "{}, F1 {} against the FP32 model, {}, {} of its size.",
        sentence(&best.choice.in_words()),
        figure(Some(measured.agreement.f1)),
        measured.times.in_words(),
        words::percent(share(best.bytes.len() as f64, report.outcome.float_bytes as f64)),
    )
}

/// With a capital at its beginning.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// What the reader must know before any figure.
pub fn warnings(report: &Quantized<'_>) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(reason) = &report.outcome.failed {
        let end = if report.written.is_some() { "it was written all the same" } else { "nothing was written" };
        said.push(format!("The best model does not pass: {reason}; {end}."));
    }
    let agreement = report.outcome.best().measured.agreement;
    if agreement.boxes < FEW_BOXES {
        said.push(format!(
            "Agreement rests on {} in {} only; more pictures with objects would tell more.",
            words::counted(agreement.boxes, "box", "boxes"),
            words::counted(agreement.pictures, "picture", "pictures")
        ));
    }
    said
}

/// With fewer boxes a figure of agreement says little.
const FEW_BOXES: usize = 30;

/// What was done, step by step, each with its sentences.
pub fn steps(report: &Quantized<'_>) -> Vec<(&'static str, Vec<String>)> {
    let outcome = report.outcome;
    let (best, recipe) = (outcome.best(), &outcome.recipe);
    let agreement = best.measured.agreement;
    let calibrated = format!(
        "{} were run for ranges ({}), {} with {} of the FP32 model were kept to judge by",
        words::counted(recipe.pictures, "picture", "pictures"),
        recipe.method.name(),
        words::counted(agreement.pictures, "picture", "pictures"),
        words::counted(agreement.boxes, "box", "boxes"),
    );
    let tried = format!(
        "{} tried, of which {} on the front; number {} was chosen: {}",
        words::counted(outcome.points.len(), "model was", "models were"),
        outcome.front.len(),
        outcome.best + 1,
        best.choice.in_words()
    );
    let executed = best.measured.executed.map(|executed| format!("in ONNX Runtime {}", executed.in_words()));
    let mut steps = vec![("Prepared and checked", outcome.notes.clone())];
    steps.push(("Calibrated", vec![calibrated]));
    steps.push(("Searched", vec![tried]));
    steps.push(("Verified in the optimized graph", executed.into_iter().collect()));
    steps.retain(|(_, said)| !said.is_empty());
    steps
}

/// The heads of the table of everything that was tried.
pub const POINT_HEADS: [&str; 11] = [
    "#",
    "Tried",
    "Integers",
    "F1",
    "Closeness",
    "Mean IoU",
    "Score change",
    "Time / FP32",
    "ms",
    "The other way",
    "Size",
];

/// What the columns of time mean.
pub fn way(report: &Quantized<'_>) -> String {
    let way = report.outcome.best().measured.times.judged_by;
    format!("{}; the other way is {}, looked at for the front only", sentence(way.in_words()), way.other().place())
}

/// Its cells.
pub fn point_cells(report: &Quantized<'_>, index: usize, point: &Point) -> [String; 11] {
    let measured = &point.measured;
    let agreement = measured.agreement;
    [
        (index + 1).to_string(),
        point.choice.in_words(),
        format!("{}/{}", point.integers, report.layer_count()),
        figure(Some(agreement.f1)),
        figure(Some(agreement.closeness)),
        figure(Some(agreement.mean_iou)),
        figure(Some(agreement.mean_score_delta)),
        words::number(Some(measured.ratio()), 2),
        words::number(Some(measured.times.judged.ms[0]), 2),
        words::number(measured.times.other.map(|other| other.ratio), 2),
        words::bytes(point.bytes.len() as u64),
    ]
}

/// Layers in the table: the most sensitive ones.
pub const LAYERS: usize = 40;

/// The heads of the table of layers.
pub const LAYER_HEADS: [&str; 5] = ["Layer", "Operator", "Weights", "Lost alone", "Works in"];

/// The layers, the most sensitive first; those that were not looked at come last, in the graph's order.
pub fn layers<'a>(report: &Quantized<'a>) -> Vec<&'a Layer> {
    let mut layers: Vec<&Layer> = report.outcome.layers.iter().collect();
    let key = |layer: &Layer| layer.sensitivity.unwrap_or(-1.0);
    layers.sort_by(|one, other| key(other).total_cmp(&key(one)));
    layers
}

/// The cells of a layer.
pub fn layer_cells(layer: &Layer) -> [String; 5] {
    [
        layer.name.clone(),
        layer.op.clone(),
        layer.weights.to_string(),
        figure(layer.sensitivity),
        if layer.integer { "integers" } else { "floats" }.to_owned(),
    ]
}

/// The heads of the tables of time.
pub const TIME_HEADS: [&str; 5] = ["", "Nodes", "ms", "Share", "FP32 ms"];

/// A row of them: name, nodes, milliseconds, share, milliseconds of the FP32 model.
pub type TimeRow = (String, usize, f64, f64, Option<f64>);

/// Kinds of work.
pub fn work_rows(profile: &Profile) -> Vec<TimeRow> {
    let row =
        |it: &crate::quantize::WorkTime| (sentence(it.work.in_words()), it.nodes, it.ms, it.share, it.reference_ms);
    profile.work.iter().map(row).collect()
}

/// The operators that take most.
pub fn operator_rows(profile: &Profile) -> Vec<TimeRow> {
    let row = |it: &crate::quantize::OperatorTime| (it.operator.clone(), it.nodes, it.ms, it.share, it.reference_ms);
    profile.operators.iter().take(OPERATORS).map(row).collect()
}

/// The cells of such a row.
pub fn time_cells((name, nodes, ms, share, reference): &TimeRow) -> [String; 5] {
    [name.clone(), nodes.to_string(), words::number(Some(*ms), 2), words::percent(*share), words::number(*reference, 2)]
}

/// The heads of the table of what stays in floats.
pub const FLOAT_HEADS: [&str; 6] = ["Operator", "Nodes", "ms", "Conversions", "their ms", "Why"];

/// Its rows; the tail is one.
pub fn float_rows(profile: &Profile) -> Vec<[String; 6]> {
    let (tail, others): (Vec<&LeftFloat>, Vec<&LeftFloat>) =
        profile.floats.iter().partition(|left| left.reason == Reason::Tail);
    let sum = |ms: fn(&LeftFloat) -> f64| tail.iter().map(|left| ms(left)).sum::<f64>();
    let count = |nodes: fn(&LeftFloat) -> usize| tail.iter().map(|left| nodes(left)).sum::<usize>();
    let whole = (!tail.is_empty()).then(|| LeftFloat {
        reason: Reason::Tail,
        operator: tail.iter().map(|left| left.operator.as_str()).collect::<Vec<_>>().join(", "),
        nodes: count(|left| left.nodes),
        ms: sum(|left| left.ms),
        conversions: count(|left| left.conversions),
        conversion_ms: sum(|left| left.conversion_ms),
    });
    others.into_iter().chain(&whole).map(float_cells).collect()
}

fn float_cells(left: &LeftFloat) -> [String; 6] {
    let operator = if left.operator.is_empty() { "inputs and outputs".to_owned() } else { left.operator.clone() };
    [
        operator,
        left.nodes.to_string(),
        words::number(Some(left.ms), 2),
        left.conversions.to_string(),
        words::number(Some(left.conversion_ms), 2),
        left.reason.in_words().to_owned(),
    ]
}

/// What a profile says, the advice last.
pub fn said(profile: &Profile) -> Vec<String> {
    profile.findings.iter().chain(&profile.advice).map(|text| sentence(text) + ".").collect()
}
