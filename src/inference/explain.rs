//! What ONNX Runtime means when it refuses a model, with what to do about it.

use crate::onnx::clipped;

/// ONNX Runtime repeats names from the file, however long they are.
const REASON_CHARACTERS: usize = 600;

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// A session was being built.
    Load,
    /// A picture was being inferred.
    Run,
}

/// Turns what ONNX Runtime `said` into a reason and a remedy, in one line. `opset` is the model's operator set, for
/// messages that do not tell it. What is not known is passed on without the source locations in it.
pub(super) fn explain(said: &str, opset: i64, doing: Doing) -> String {
    clipped(&reason_and_remedy(said, opset, doing), REASON_CHARACTERS).into_owned()
}

fn reason_and_remedy(said: &str, opset: i64, doing: Doing) -> String {
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = said.as_str();
    opset_too_new(said)
        .or_else(|| unknown_operator(said, opset))
        .or_else(|| no_implementation(said))
        .or_else(|| format_too_new(said))
        .or_else(|| out_of_memory(said))
        .unwrap_or_else(|| {
            let remedy = match doing {
                Doing::Load => "Export the model again, or with another opset",
                Doing::Run => "Check the card's input size and layout (`quantscope inspect`)",
            };
            format!("{}. {remedy}", plain(said).trim_end_matches('.'))
        })
}

fn opset_too_new(said: &str) -> Option<String> {
    let wanted = number(between(said, "Opset ", " is under development")?)?;
    let domain = between(said, "official support for domain ", " is till")?;
    let known = number(after(said, " is till opset ")?)?;
    Some(format!(
        "it uses opset {wanted} of {domain}, and this version knows opsets up to {known}. Export it with opset {known} \
         or lower, or install a newer ONNX Runtime"
    ))
}

fn unknown_operator(said: &str, opset: i64) -> Option<String> {
    let (operator, opset) = if let Some(rest) = after(said, "No Op registered for ") {
        let version = after(rest, "domain_version of ").and_then(number);
        (word(rest)?, version.unwrap_or(opset))
    } else {
        let before = said.split(" is not a registered function/op").next().filter(|before| *before != said)?;
        // `Fatal error: com.microsoft:Name(-1)`
        let name = before.rsplit(' ').next()?;
        (name.split('(').next()?, opset)
    };
    Some(format!(
        "it has no operator {operator} (the model uses opset {opset}). Export the model without it, or with another \
         opset"
    ))
}

fn no_implementation(said: &str) -> Option<String> {
    let rest = after(said, "Could not find an implementation for ")?;
    let (operator, opset) = word(rest)?.split_once('(')?;
    let node = between(rest, "node with name '", "'").filter(|node| !node.is_empty());
    let node = node.map_or_else(String::new, |node| format!(" (node {node})"));
    Some(format!(
        "it cannot compute operator {operator} of opset {}{node} in these number types on a CPU. Export the model \
         without it, or in float32",
        number(opset)?
    ))
}

fn format_too_new(said: &str) -> Option<String> {
    let rest = after(said, "Unsupported model IR version: ")?;
    let known = number(after(rest, "max supported IR version: ")?)?;
    Some(format!(
        "its file format is IR version {}, and this version knows IR versions up to {known}. Export it with an older \
         ONNX, or install a newer ONNX Runtime",
        number(rest)?
    ))
}

fn out_of_memory(said: &str) -> Option<String> {
    let asked = after(said, "Failed to allocate memory for requested buffer of size ").and_then(number);
    if asked.is_none() && !said.contains("bad_alloc") && !said.contains("bad allocation") {
        return None;
    }
    let asked = asked.map_or_else(String::new, |bytes| format!(" ({} MiB at once)", bytes >> 20));
    Some(format!("it needs more memory than it may have{asked}. Export the model with a smaller input"))
}

/// Without `Load model from x failed:` and `/onnxruntime_src/file.cc:12 signature(…)`.
fn plain(said: &str) -> String {
    let said = match said.strip_prefix("Load model from ").and_then(|rest| rest.split_once(" failed:")) {
        Some((_, reason)) => reason.trim_start(),
        None => said,
    };
    let mut text = said.to_owned();
    while let Some(start) = text.find("/onnxruntime_src/") {
        let end = end_of_signature(&text[start..]).map_or(text.len(), |length| start + length);
        text.replace_range(start..end, "");
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Bytes up to the parenthesis that closes the first one opened.
fn end_of_signature(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth <= 1 => return Some(index + 1),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(_, rest)| rest)
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    after(text, open)?.split_once(close).map(|(inside, _)| inside)
}

fn word(text: &str) -> Option<&str> {
    text.split_whitespace().next()
}

/// The whole number that a text begins with.
fn number(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_refusal_has_its_sentence() {
        let table = [
            (
                "Load model from m.onnx failed:/onnxruntime_src/a.h:46 void f(const std::map<x, int>&, int)\nONNX \
                 Runtime only *guarantees* support for models stamped with official released onnx opset versions. \
                 Opset 999 is under development and support for this is limited. Current official support for domain \
                 ai.onnx is till opset 28.",
                "it uses opset 999 of ai.onnx, and this version knows opsets up to 28. Export it with opset 28 or \
                 lower, or install a newer ONNX Runtime",
            ),
            (
                "Load model from m.onnx failed:This is an invalid model. In Node, (\"n\", Frobnicate, \"\", -1) : , \
                 Error No Op registered for Frobnicate with domain_version of 13",
                "it has no operator Frobnicate (the model uses opset 13). Export the model without it, or with another \
                 opset",
            ),
            (
                "Load model from m.onnx failed:Fatal error: com.acme:Twist(-1) is not a registered function/op",
                "it has no operator com.acme:Twist (the model uses opset 17). Export the model without it, or with \
                 another opset",
            ),
            (
                "Could not find an implementation for ConvInteger(10) node with name 'conv_3'",
                "it cannot compute operator ConvInteger of opset 10 (node conv_3) in these number types on a CPU. \
                 Export the model without it, or in float32",
            ),
            (
                "Load model from m.onnx failed:/onnxruntime_src/model.cc:149 Model(x) Unsupported model IR version: \
                 99, max supported IR version: 13",
                "its file format is IR version 99, and this version knows IR versions up to 13. Export it with an \
                 older ONNX, or install a newer ONNX Runtime",
            ),
            (
                "Non-zero status code returned while running Expand node. Failed to allocate memory for requested \
                 buffer of size 4294967296",
                "it needs more memory than it may have (4096 MiB at once). Export the model with a smaller input",
            ),
            ("std::bad_alloc", "it needs more memory than it may have. Export the model with a smaller input"),
        ];
        for (said, expected) in table {
            assert_eq!(explain(said, 17, Doing::Load), expected);
        }
    }

    #[test]
    fn what_is_not_known_is_passed_on_without_source_locations() {
        let said = "Load model from a b.onnx failed:/onnxruntime_src/a/b.cc:12 void ns::f(int, g(h)) It is odd.";
        assert_eq!(explain(said, 17, Doing::Load), "It is odd. Export the model again, or with another opset");
        let said = "Got invalid dimensions for input: images";
        let remedy = "Check the card's input size and layout (`quantscope inspect`)";
        assert_eq!(explain(said, 17, Doing::Run), format!("{said}. {remedy}"));
        assert_eq!(
            explain("see /onnxruntime_src/a.cc:1", 17, Doing::Load),
            "see. Export the model again, or with another opset"
        );
    }
}
