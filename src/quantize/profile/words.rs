//! What a profile comes to, in sentences.

use super::Profile;
use super::events::Record;
use super::floats::{LeftFloat, Reason};
use super::work::Work;
use crate::runtime::cpu_features;

/// At most this share of the first model's time is a gain worth having.
const GAIN: f64 = 0.85;
/// What takes a smaller share of the time is not talked about.
const WORTH_A_WORD: f64 = 0.03;
/// Integers whose layers take more than this share of what they take in floats bring nothing.
const LAYERS_GAIN: f64 = 0.8;
/// Kinds of nodes in floats that are named.
const GROUPS: usize = 4;

/// Adds findings and advice to a profile.
pub(super) fn explain(profile: &mut Profile, reference: Option<&Profile>, record: &Record) {
    let facts = Facts::of(profile, record, &cpu_features());
    profile.findings = facts.findings(profile);
    profile.advice = reference.and_then(|reference| facts.advice(profile, reference));
}

/// What there is to know beside the times.
struct Facts {
    /// Layers in integers whose data are signed.
    signed: usize,
    /// Convolutions in integers whose weights are unsigned.
    unsigned_weights: usize,
    /// Conversions to or from 16 bits.
    wide: usize,
    /// Scales are found anew in every run.
    dynamic: bool,
    /// An instruction that multiplies and adds 8-bit integers at once, which this processor lacks.
    missing: Option<&'static str>,
    x86: bool,
}

impl Facts {
    fn of(profile: &Profile, record: &Record, features: &[&str]) -> Self {
        let count =
            |wanted: &dyn Fn(&super::events::NodeTime) -> bool| record.nodes.iter().filter(|node| wanted(node)).count();
        let layer = |node: &super::events::NodeTime, work, kind: &str| {
            Work::of(&node.operator) == work && node.inputs.first().is_some_and(|found| found == kind)
        };
        let has = |names: &[&str]| names.iter().any(|name| features.contains(name));
        let missing = match std::env::consts::ARCH {
            "x86_64" if !has(&["avx512vnni", "avxvnni"]) => Some("VNNI"),
            "aarch64" if !has(&["dotprod"]) => Some("dot products (dotprod)"),
            _ => None,
        };
        Self {
            signed: count(&|node| layer(node, Work::IntegerLayers, "int8")),
            unsigned_weights: count(&|node| {
                node.operator == "QLinearConv" && node.inputs.get(3).is_some_and(|kind| kind == "uint8")
            }),
            wide: count(&|node| {
                let wide = |kind: &String| matches!(kind.as_str(), "uint16" | "int16");
                Work::of(&node.operator) == Work::Conversions && node.inputs.iter().chain(&node.outputs).any(wide)
            }),
            dynamic: record.nodes.iter().any(|node| node.operator == "DynamicQuantizeLinear"),
            missing: missing.filter(|_| profile.ms_of(Work::IntegerLayers) > 0.0),
            x86: cfg!(target_arch = "x86_64"),
        }
    }

    fn findings(&self, profile: &Profile) -> Vec<String> {
        let all = profile.operators_ms();
        let mut said = Vec::new();
        if let (Some(reference), Some(ratio)) = (profile.reference_ms, profile.ratio()) {
            let (own, other) = (ms(all), ms(reference));
            said.push(format!(
                "the operators of a run take {own} ms and those of the first model {other} ms: {ratio:.2} of the time"
            ));
            said.extend(self.changes(profile, reference));
        } else {
            let main = profile.work.iter().max_by(|one, other| one.ms.total_cmp(&other.ms));
            said.extend(main.map(|main| {
                format!(
                    "the operators of a run take {} ms, {} of it {}",
                    ms(all),
                    percent(main.share),
                    main.work.in_words()
                )
            }));
        }
        said.extend(floats(&profile.floats, all));
        if self.wide > 0 {
            said.push(format!(
                "{} conversions go to or from 16 bits, for which ONNX Runtime has no convolutions: those run in floats",
                self.wide
            ));
        }
        if self.signed > 0 && self.x86 {
            said.push(format!(
                "{} layers have signed 8-bit data; on x86 processors ONNX Runtime is slower with these than with unsigned",
                self.signed
            ));
        }
        if let Some(missing) = self.missing {
            said.push(format!(
                "this processor has no {missing}: a product of 8 bits takes several instructions, so integers gain less"
            ));
        }
        said
    }

    /// Kinds of work that take more or less than in the first model.
    fn changes(&self, profile: &Profile, reference_ms: f64) -> Option<String> {
        let before = |work: Work| profile.work.iter().find(|time| time.work == work)?.reference_ms;
        let layers = |ms: &dyn Fn(Work) -> f64| ms(Work::IntegerLayers) + ms(Work::FloatLayers);
        let own = |work| profile.ms_of(work);
        let other = |work| before(work).unwrap_or(0.0);
        let mut parts = vec![("convolutions and products", layers(&other), layers(&own))];
        for work in [Work::Elements, Work::Conversions, Work::Moves, Work::Other] {
            parts.push((work.in_words(), other(work), own(work)));
        }
        let told = parts.into_iter().filter(|(_, was, is)| (is - was).abs() > WORTH_A_WORD * reference_ms);
        let told: Vec<String> =
            told.map(|(what, was, is)| format!("{what} went from {} to {} ms", ms(was), ms(is))).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }

    fn advice(&self, profile: &Profile, reference: &Profile) -> Option<String> {
        let ratio = profile.ratio()?;
        let (own, first) = (&profile.numbers, &reference.numbers);
        let place = if profile.accelerated { ", accelerated in quantscope" } else { "" };
        if ratio <= GAIN {
            return Some(format!("{own} is the faster choice here{place}: {ratio:.2} of the time of {first}"));
        }
        let (cause, share) = self.cause(profile, reference)?;
        let because = format!("because {} of the time of {own} is {}", percent(share), Self::cause_in_words(cause));
        let tip = self.tip(cause, profile);
        let judgement = if ratio >= 1.0 {
            format!("{first} is the better choice here{place}, {because}")
        } else {
            format!("{own} gains little over {first} here{place} ({ratio:.2} of its time), {because}")
        };
        Some(match tip {
            Some(tip) => format!("{judgement}. {tip}"),
            None => judgement,
        })
    }

    /// The kind of work that a gain founders on, and its share of the time: layers in integers only where they are hardly
    /// faster than in floats.
    fn cause(&self, profile: &Profile, reference: &Profile) -> Option<(Work, f64)> {
        let layers = |profile: &Profile| profile.ms_of(Work::IntegerLayers) + profile.ms_of(Work::FloatLayers);
        let useless = layers(profile) > LAYERS_GAIN * layers(reference);
        let guilty = profile.work.iter().filter(|time| time.work != Work::IntegerLayers || useless);
        guilty.max_by(|one, other| one.ms.total_cmp(&other.ms)).map(|time| (time.work, time.share))
    }

    fn cause_in_words(cause: Work) -> String {
        match cause {
            Work::IntegerLayers => "convolutions and products that integers hardly make faster".to_owned(),
            Work::FloatLayers => "convolutions and products that run in floats".to_owned(),
            Work::Conversions => "conversions between floats and integers".to_owned(),
            other => format!("{}, which integers hardly make faster", other.in_words()),
        }
    }

    fn tip(&self, cause: Work, profile: &Profile) -> Option<&'static str> {
        let left =
            |reason| profile.floats.iter().any(|left| left.reason == reason && Work::of(&left.operator) == cause);
        match cause {
            Work::FloatLayers if self.wide > 0 || left(Reason::NotFused) => {
                Some("ONNX Runtime has integer convolutions for 8-bit data only: --activations u8")
            }
            Work::FloatLayers if left(Reason::LeftByFile) => {
                Some("Fewer layers in floats are faster, at a price in accuracy")
            }
            Work::FloatLayers if profile.ms_of(Work::IntegerLayers) == 0.0 => {
                Some("Only how weights are stored has changed; quantize with --mode static to compute in integers")
            }
            Work::IntegerLayers if self.unsigned_weights > 0 && self.x86 => {
                Some("Signed weights are faster here: --weights s8")
            }
            Work::IntegerLayers if self.signed > 0 && self.x86 => {
                Some("Unsigned data are faster here: --activations u8")
            }
            Work::IntegerLayers | Work::Conversions | Work::Elements if self.dynamic => {
                Some("Fixed scales need none of the work that finds them: --mode static")
            }
            Work::IntegerLayers if self.missing.is_some() => Some("A processor with such instructions would gain"),
            Work::Conversions => Some("Layers in floats that lie beside each other need fewer conversions"),
            Work::Elements if !profile.accelerated => {
                Some("This program's accelerated session makes look-ups of functions of a byte")
            }
            _ => None,
        }
    }
}

/// What stays in floats, the tail as one.
fn floats(left: &[LeftFloat], all: f64) -> Vec<String> {
    let cost = |one: &LeftFloat| one.ms + one.conversion_ms;
    let worth = |ms: f64| all > 0.0 && ms / all >= WORTH_A_WORD;
    let named = left.iter().filter(|one| !matches!(one.reason, Reason::Tail | Reason::Border) && worth(cost(one)));
    let mut said: Vec<String> = named
        .take(GROUPS)
        .map(|one| {
            let conversions = match one.conversions {
                0 => String::new(),
                count => format!(" with {count} conversions around"),
            };
            let (count, what) = (one.nodes, &one.operator);
            let share = percent(cost(one) / all);
            let them = if count == 1 { "runs" } else { "run" };
            format!("{count} {what} {them} in floats{conversions}, {share} of the time: {}", one.reason.in_words())
        })
        .collect();
    let tail: f64 = left.iter().filter(|one| one.reason == Reason::Tail).map(cost).sum();
    if worth(tail) {
        said.push(format!("the tail takes {} of the time, {}", percent(tail / all), Reason::Tail.in_words()));
    }
    said
}

fn ms(value: f64) -> String {
    let digits = if value < 10.0 { 2 } else { 1 };
    format!("{value:.digits$}")
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::super::{OperatorTime, WorkTime};
    use super::*;

    fn profile(numbers: &str, work: &[(Work, f64, Option<f64>)]) -> Profile {
        let run_ms = work.iter().map(|(_, ms, _)| ms).sum();
        let references: Vec<f64> = work.iter().filter_map(|(_, _, reference)| *reference).collect();
        let time = |(work, ms, reference_ms): &(Work, f64, Option<f64>)| WorkTime {
            work: *work,
            nodes: 1,
            ms: *ms,
            share: ms / run_ms,
            reference_ms: *reference_ms,
        };
        let operator = OperatorTime {
            operator: "all".into(),
            work: Work::Other,
            nodes: 1,
            ms: run_ms,
            share: 1.0,
            reference_ms: None,
        };
        Profile {
            path: "a.onnx".into(),
            numbers: numbers.into(),
            accelerated: false,
            run_ms,
            reference_ms: (!references.is_empty()).then(|| references.iter().sum()),
            runs: 3,
            operators: vec![operator],
            work: work.iter().map(time).collect(),
            floats: Vec::new(),
            findings: Vec::new(),
            advice: None,
        }
    }

    fn facts() -> Facts {
        Facts { signed: 0, unsigned_weights: 0, wide: 0, dynamic: false, missing: None, x86: true }
    }

    #[test]
    fn the_better_one_is_named_with_the_reason() {
        let float = profile("FP32", &[(Work::FloatLayers, 11.0, None), (Work::Elements, 3.0, None)]);
        let layers =
            |integer, float| [(Work::IntegerLayers, integer, Some(0.0)), (Work::FloatLayers, float, Some(11.0))];
        let elements = |ms| (Work::Elements, ms, Some(3.0));
        let told = |work: &[_]| facts().advice(&profile("INT8", work), &float).unwrap();
        let [integer, none] = layers(4.0, 0.0);
        let fast = told(&[integer, none, elements(3.0)]);
        assert_eq!(fast, "INT8 is the faster choice here: 0.50 of the time of FP32");
        let [integer, none] = layers(5.0, 0.0);
        let slow = told(&[integer, none, elements(11.0)]);
        assert!(
            slow.starts_with("FP32 is the better choice here, because 69 % of the time of INT8 is activation"),
            "{slow}"
        );
        assert!(slow.contains("look-ups"), "{slow}");
        let [integer, float_layers] = layers(1.0, 9.0);
        let weak = told(&[integer, float_layers, elements(3.0)]);
        assert!(weak.contains("gains little") && weak.contains("70 %") || weak.contains("69 %"), "{weak}");
        let [integer, none] = layers(12.0, 0.0);
        let signed = Facts { signed: 9, ..facts() };
        let told = signed.advice(&profile("INT8", &[integer, none, elements(3.0)]), &float).unwrap();
        assert!(told.contains("80 %") && told.contains("--activations u8"), "{told}");
    }

    #[test]
    fn findings_tell_what_changed_and_what_stayed() {
        let mut quantized = profile(
            "INT8",
            &[
                (Work::IntegerLayers, 5.0, Some(0.0)),
                (Work::FloatLayers, 0.0, Some(11.0)),
                (Work::Elements, 5.0, Some(3.0)),
            ],
        );
        let left = |reason, operator: &str, nodes, ms, conversions| LeftFloat {
            reason,
            operator: operator.into(),
            nodes,
            ms,
            conversions,
            conversion_ms: 0.1 * conversions as f64,
        };
        quantized.floats =
            vec![left(Reason::NoIntegerForm, "HardSwish", 3, 2.0, 6), left(Reason::Tail, "Exp", 2, 0.5, 0)];
        let facts = Facts { wide: 2, missing: Some("VNNI"), ..facts() };
        let said = facts.findings(&quantized).join("\n");
        for part in [
            "the operators of a run take 10.0 ms and those of the first model 14.0 ms: 0.71 of the time",
            "convolutions and products went from 11.0 to 5.00 ms, activation functions and sums went from 3.00 to 5.00 ms",
            "3 HardSwish run in floats with 6 conversions around, 26 % of the time: ONNX Runtime has no integer form of it",
            "the tail takes 5 % of the time",
            "2 conversions go to or from 16 bits",
            "no VNNI",
        ] {
            assert!(said.contains(part), "{part:?} in\n{said}");
        }
    }
}
