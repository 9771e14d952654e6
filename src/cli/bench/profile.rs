//! `bench --profile` as text: where the time of each model goes, and why.

use crate::quantize::Profile;
use crate::runtime::MachineInfo;
use std::fmt::Write;

/// Operators shown; the JSON has them all.
const OPERATORS: usize = 8;

/// All models, each with its operators, kinds of work, what stayed in floats, and advice.
pub fn text(machine: Option<&MachineInfo>, profiles: &[Profile]) -> String {
    let mut text = machine.map_or_else(String::new, |machine| format!("{machine}\n\n"));
    for profile in profiles {
        one(&mut text, profile);
    }
    text += "milliseconds of a run by ONNX Runtime's own record, which takes time itself; ratios of whole runs without it \
             are those of `quantscope bench`\n";
    text
}

// Writing to a text does not fail.
fn one(text: &mut String, profile: &Profile) {
    let faster = if profile.accelerated { ", accelerated" } else { "" };
    let _ = writeln!(text, "{} ({}{faster})", profile.path.display(), profile.numbers);
    let against = |reference: Option<f64>| reference.map_or_else(String::new, |ms| format!("{ms:>9.2}"));
    let head = if profile.reference_ms.is_some() { "of first" } else { "" };
    let _ = writeln!(text, "  {:<40} {:>6} {:>9} {:>6} {head:>9}", "", "nodes", "ms", "share");
    for work in &profile.work {
        let _ = writeln!(
            text,
            "  {:<40} {:>6} {:>9.2} {:>5.0}% {:>9}",
            work.work.in_words(),
            work.nodes,
            work.ms,
            work.share * 100.0,
            against(work.reference_ms)
        );
    }
    let _ = writeln!(text);
    for operator in profile.operators.iter().take(OPERATORS) {
        let _ = writeln!(
            text,
            "  {:<40} {:>6} {:>9.2} {:>5.0}% {:>9}",
            operator.operator,
            operator.nodes,
            operator.ms,
            operator.share * 100.0,
            against(operator.reference_ms)
        );
    }
    let left = profile.operators.len().saturating_sub(OPERATORS);
    if left > 0 {
        let ms: f64 = profile.operators[OPERATORS..].iter().map(|operator| operator.ms).sum();
        let _ = writeln!(text, "  {:<40} {:>6} {ms:>9.2}", format!("{left} other operators"), "");
    }
    let _ = writeln!(text);
    for sentence in profile.findings.iter().chain(&profile.advice) {
        let _ = writeln!(text, "  {sentence}");
    }
    let _ = writeln!(text);
}
