//! Saying when integers do not pay, and why.

use super::Point;
use super::layout::Kind;
use super::prepare::Prepared;
use std::collections::BTreeMap;

/// So many kinds of operators are named.
const NAMED: usize = 3;

/// Why a model is no faster in integers, and that the model in floats is to be kept.
pub(super) fn keep_floats(prepared: &Prepared, point: &Point) -> String {
    let ratio = point.measured.latency_ratio;
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
    format!(
        "integers do not pay for this model on this machine ({ratio:.2} of the FP32 time){why}. Keep the FP32 model"
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
