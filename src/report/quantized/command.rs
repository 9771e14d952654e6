//! The command line that does a quantization again.

use crate::inference::{CardSource, Thresholds};
use crate::quantize::{Activations, ChannelScales, Corrections, JudgeBy, Method, Mode, Request, Weights};

/// Name under which the recipe of a report is expected where a command needs it.
const RECIPE: &str = "recipe.toml";

/// What a command is to do again.
#[derive(Clone, Copy, Debug)]
pub struct Again<'a> {
    /// What was asked for.
    pub request: &'a Request,
    /// What was calibrated with, as `--calibrate` takes it.
    pub pictures: &'a str,
    /// Whether that were frames of a camera or a stream, which nobody has kept.
    pub live: bool,
    /// Where the model was to go.
    pub out: &'a std::path::Path,
    /// Whether the recipe has to say which model it is, because a person chose it and not the search.
    pub by_recipe: bool,
}

impl Again<'_> {
    /// `quantscope quantize …` for a shell, below comments on what it does not do again.
    pub fn command(&self) -> String {
        let request = self.request;
        let by_recipe = self.by_recipe || request.recipe.is_some();
        let mut lines = Vec::new();
        if self.live {
            let text = "# takes other frames: those of the first time were not kept (`quantscope capture` keeps some)";
            lines.push(text.to_owned());
        }
        if by_recipe {
            lines.push(format!("# {RECIPE}: the recipe of this report"));
        }
        let mut words = vec!["quantscope".to_owned(), "quantize".to_owned(), request.model.display().to_string()];
        let mut add = |name: &str, value: String| words.extend([format!("--{name}"), value]);
        add("calibrate", self.pictures.to_owned());
        add("samples", request.samples.to_string());
        add("out", self.out.display().to_string());
        match &request.load.overrides.card {
            Some(CardSource::File(card)) => add("card", card.display().to_string()),
            Some(CardSource::Given(_)) => {
                lines.push("# the card of the model panel has to be saved beside the model first".to_owned());
            }
            None => {}
        }
        if let Some(labels) = &request.load.overrides.labels {
            add("labels", labels.display().to_string());
        }
        if by_recipe {
            add("recipe", RECIPE.to_owned());
        } else {
            how(request, &mut words);
            words.extend(left_out(request));
        }
        wishes(request, &mut words);
        lines.push(shell_line(words));
        lines.join("\n")
    }
}

/// What a recipe would say.
fn how(request: &Request, words: &mut Vec<String>) {
    let mut add = |name: &str, value: &str| words.extend([format!("--{name}"), value.to_owned()]);
    let (mode, numbers) = (request.mode, request.numbers);
    if mode != Mode::default() {
        add("mode", mode.name());
    }
    if mode == Mode::Static && numbers.activations != Activations::default() {
        add("activations", activations(numbers.activations));
    }
    if matches!(mode, Mode::Static | Mode::Dynamic)
        && let Some(weights) = weights(numbers.weights, request.weight_limit)
    {
        add("weights", weights);
    }
    if mode != Mode::Static {
        return;
    }
    if request.method != Method::default() {
        add("method", request.method.name());
    }
    match request.channel_scales {
        ChannelScales::Auto => {}
        ChannelScales::On => add("channel-scales", "on"),
        ChannelScales::Off => add("channel-scales", "off"),
    }
}

/// Corrections that were not to be made, of those that the form can have.
fn left_out(request: &Request) -> impl Iterator<Item = String> {
    let Corrections { equalize, bias, rounding } = request.corrections;
    let fixed = request.mode == Mode::Static;
    let learns = fixed || request.mode == Mode::WeightsOnly;
    let all = [
        (fixed && !equalize, "--no-equalize"),
        (fixed && !bias, "--no-bias-correction"),
        (learns && !rounding, "--no-learned-rounding"),
    ];
    all.into_iter().filter(|(left_out, _)| *left_out).map(|(_, name)| name.to_owned())
}

/// What a model has to keep, and how that is told.
fn wishes(request: &Request, words: &mut Vec<String>) {
    let mut add = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    if request.judge_by == JudgeBy::Plain {
        add("judge-by", "plain".to_owned());
    }
    // Where nothing is said, the command line asks for some agreement.
    add("min-agreement", request.gate.min_agreement.unwrap_or(0.0).to_string());
    if let Some(factor) = request.gate.min_speedup {
        add("min-speedup", factor.to_string());
    }
    if let Some(most) = request.gate.max_ap_drop {
        add("max-ap-drop", most.to_string());
    }
    let (thresholds, usual) = (request.thresholds, Thresholds::default());
    if thresholds.confidence != usual.confidence {
        add("confidence", thresholds.confidence.to_string());
    }
    if thresholds.iou != usual.iou {
        add("iou", thresholds.iou.to_string());
    }
}

fn activations(kind: Activations) -> &'static str {
    match kind {
        Activations::U8 => "u8",
        Activations::S8 => "s8",
        Activations::U16 => "u16",
        Activations::S16 => "s16",
    }
}

/// None for what is taken where nothing is said.
fn weights(kind: Weights, limit: Option<i8>) -> Option<&'static str> {
    match (kind, limit) {
        (Weights::U8, _) => Some("u8"),
        (Weights::S8, None) => None,
        (Weights::S8, Some(63)) => Some("s7"),
        (Weights::S8, Some(_)) => Some("s8"),
    }
}

/// Words as a line for a shell, quoted where that is necessary.
pub fn shell_line(words: impl IntoIterator<Item = String>) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    let quoted = |text: String| match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    };
    words.into_iter().map(quoted).collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_words_that_were_given() {
        let words = ["quantscope", "a b.onnx", "it's", "", "$HOME", "50%", "dä"].map(str::to_owned);
        let line = shell_line(words);
        assert_eq!(line, r"quantscope 'a b.onnx' 'it'\''s' '' '$HOME' 50% 'dä'");
    }
}
