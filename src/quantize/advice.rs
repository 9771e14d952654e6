//! Saying when integers do not pay, and why, and where the time is another one.

use super::Point;
use super::forms::Mode;
use super::layout::Kind;
use super::prepare::Prepared;
use super::search::WORTH_IT;
use super::times::JudgeBy;
use std::collections::BTreeMap;

/// So many kinds of operators are named.
const NAMED: usize = 3;

/// What there is to say of the time of a model, in sentences.
pub(super) fn of_time(prepared: &Prepared, point: &Point) -> Vec<String> {
    let (times, mut said) = (&point.measured.times, Vec::new());
    said.extend(
        times.not_accelerated.as_ref().map(|reason| format!("quantscope runs it as plain ONNX Runtime does: {reason}")),
    );
    let pays = |way: JudgeBy| times.of(way).map(|speed| speed.ratio <= WORTH_IT);
    let words = times.in_words();
    match (pays(times.judged_by), pays(times.judged_by.other())) {
        (Some(true), Some(false)) => {
            let other = times.judged_by.other().place();
            said.push(format!("it takes {words} on this machine: {other} nothing worth having is gained"));
        }
        (Some(false), _) if point.choice.form == Mode::Static => said.push(keep_floats(prepared, point)),
        (Some(false), _) => said.push(format!("it takes {words} on this machine")),
        _ => {}
    }
    said
}

/// Why a model is no faster in integers, and that the model in floats is to be kept.
fn keep_floats(prepared: &Prepared, point: &Point) -> String {
    let mut reasons = Vec::new();
    let without = without_integers(prepared);
    if !without.is_empty() {
        reasons.push(format!("ONNX Runtime has no integers for {}", without.join(", ")));
    }
    if let Some(left) = point.measured.executed.map(|executed| executed.dequantize_left).filter(|left| *left > 0) {
        reasons.push(format!("{left} conversions from integers to floats are left"));
    }
    if !point.float.is_empty() {
        let all = point.float.len() + point.integers;
        reasons.push(format!("{} of {all} layers stay in floats to keep its boxes", point.float.len()));
    }
    let why = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
    let times = &point.measured.times;
    let keep = match times.other.filter(|other| other.ratio <= WORTH_IT) {
        Some(_) => format!("Run it {}, or keep the FP32 model", times.judged_by.other().place()),
        None => "Keep the FP32 model".to_owned(),
    };
    format!(
        "integers do not pay for this model {} on this machine ({}){why}. {keep}",
        times.judged_by.place(),
        times.in_words()
    )
}

/// Operators before the tail that have no integers, such as `4 HardSwish`, the most frequent first.
fn without_integers(prepared: &Prepared) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let nodes = prepared.model.graph.iter().flat_map(|graph| &graph.node).zip(&prepared.layout.nodes);
    for (node, _) in nodes.filter(|(_, facts)| facts.in_trunk && facts.kind == Kind::Float) {
        *counts.entry(&node.op_type).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.into_iter().take(NAMED).map(|(kind, count)| format!("{count} {kind}")).collect()
}
