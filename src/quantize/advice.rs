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

/// What there is to say of the time of a model, in sentences. `without` are the operators that have no integers.
pub(super) fn of_time(point: &Point, without: &[String]) -> Vec<String> {
    let (times, mut said) = (&point.measured.times, Vec::new());
    let declined = |reason| format!("quantscope runs it as plain ONNX Runtime does: {reason}");
    said.extend(times.not_accelerated.as_ref().map(declined));
    let pays = |way: JudgeBy| times.of(way).map(|speed| speed.ratio <= WORTH_IT);
    let (words, other) = (times.in_words(), times.judged_by.other());
    match (pays(times.judged_by), pays(other)) {
        (Some(true), Some(false)) => {
            said.push(format!("it takes {words} on this machine: {} nothing worth having is gained", other.place()));
        }
        (Some(false), _) if point.choice.form == Mode::Static => said.push(keep_floats(point, without)),
        (Some(false), _) => said.push(format!("it takes {words} on this machine")),
        _ => {}
    }
    said
}

/// Why a model is no faster in integers, and that the model in floats is to be kept.
fn keep_floats(point: &Point, without: &[String]) -> String {
    let mut reasons = Vec::new();
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
pub(super) fn without_integers(prepared: &Prepared) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let nodes = prepared.model.graph.iter().flat_map(|graph| &graph.node).zip(&prepared.layout.nodes);
    for (node, _) in nodes.filter(|(_, facts)| facts.in_trunk && facts.kind == Kind::Float) {
        *counts.entry(&node.op_type).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.into_iter().take(NAMED).map(|(kind, count)| format!("{count} {kind}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::{Agreement, Choice, Measured, Speed, Times};

    fn said(judged_by: JudgeBy, ratio: f64, other: Option<f64>, form: Mode) -> Vec<String> {
        let speed = |ratio| Speed { ratio, ms: [ratio, 1.0] };
        let times = Times { other: other.map(speed), ..Times::new(judged_by, speed(ratio)) };
        let measured = Measured { agreement: Agreement::default(), times, ap: None, executed: None };
        let choice = Choice { form, ..Choice::default() };
        let float = ["stem".to_owned()].into();
        of_time(&Point { choice, integers: 3, float, measured, bytes: Vec::new().into() }, &["4 Erf".to_owned()])
    }

    #[test]
    fn nothing_is_said_of_a_model_that_is_faster_in_both_ways() {
        assert!(said(JudgeBy::Accelerated, 0.5, Some(0.8), Mode::Static).is_empty());
        assert!(said(JudgeBy::Plain, 0.8, None, Mode::Static).is_empty());
    }

    #[test]
    fn what_is_chosen_for_decides_and_the_other_way_is_told_where_it_differs() {
        let [plain] = &said(JudgeBy::Accelerated, 0.72, Some(0.99), Mode::Static)[..] else { panic!() };
        assert_eq!(
            plain,
            "it takes 0.72 of the FP32 time in quantscope, 0.99 in plain ONNX Runtime on this machine: in plain ONNX Runtime \
             nothing worth having is gained"
        );
        let [kept] = &said(JudgeBy::Plain, 1.1, Some(0.7), Mode::Static)[..] else { panic!() };
        assert!(
            kept.starts_with("integers do not pay for this model in plain ONNX Runtime on this machine (1.10"),
            "{kept}"
        );
        assert!(kept.contains("no integers for 4 Erf; 1 of 4 layers stay in floats"), "{kept}");
        assert!(kept.ends_with("Run it in quantscope, or keep the FP32 model"), "{kept}");
        let [kept] = &said(JudgeBy::Accelerated, 1.1, Some(1.2), Mode::Static)[..] else { panic!() };
        assert!(kept.ends_with(". Keep the FP32 model"), "{kept}");
        let [half] = &said(JudgeBy::Accelerated, 1.1, None, Mode::Half)[..] else { panic!() };
        assert_eq!(half, "it takes 1.10 of the FP32 time in quantscope on this machine");
    }

    #[test]
    fn a_model_that_is_not_accelerated_is_told_with_the_reason() {
        let speed = Speed { ratio: 0.5, ms: [0.5, 1.0] };
        let reason = Some("it would be no faster here (0.90 times as fast)".to_owned());
        let times = Times { not_accelerated: reason, ..Times::new(JudgeBy::Accelerated, speed) };
        let measured = Measured { agreement: Agreement::default(), times, ap: None, executed: None };
        let (choice, bytes) = (Choice::default(), Vec::new().into());
        let said = of_time(&Point { choice, integers: 3, float: Default::default(), measured, bytes }, &[]);
        assert_eq!(
            said,
            ["quantscope runs it as plain ONNX Runtime does: it would be no faster here (0.90 times as fast)"]
        );
    }
}
