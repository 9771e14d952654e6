//! A quantization as a report: what was asked for, what was done, everything that was tried, and where the time goes.

mod command;
mod markdown;
mod page;
mod parts;
mod spreadsheet;

pub use command::{Again, shell_line};

use super::{Form, ReportError, words};
use crate::evaluate::Versions;
use crate::files;
use crate::quantize::{JudgeBy, Mode, Outcome, Request};
use crate::runtime::MachineInfo;
use serde_json::{Value, json};
use std::path::Path;

/// What a report of a quantization tells.
#[derive(Clone, Debug)]
pub struct Quantized<'a> {
    /// What came of it.
    pub outcome: &'a Outcome,
    /// The FP32 model.
    pub model: &'a Path,
    /// The file that was written; none where nothing was.
    pub written: Option<&'a Path>,
    /// What was asked for: names and values, in words.
    pub asked: Vec<(&'static str, String)>,
    /// When it began, seconds since 1970.
    pub begun: u64,
    /// How long it took.
    pub seconds: f64,
    /// Where.
    pub machine: MachineInfo,
    /// With what.
    pub versions: Versions,
    /// The command that repeats it, for a shell: [`Again`] makes it of a request; empty where there is none.
    pub command: String,
}

impl Quantized<'_> {
    /// Convolutions and products with weights before the tail.
    fn layer_count(&self) -> usize {
        self.outcome.layers.len()
    }

    /// Everything, for programs.
    pub fn json(&self) -> Value {
        let outcome = self.outcome;
        let points = outcome.points.iter().enumerate().map(|(index, point)| {
            let times = &point.measured.times;
            json!({
                "choice": point.choice,
                "float": point.float,
                "in_words": point.choice.in_words(),
                "integers": point.integers,
                "bytes": point.bytes.len(),
                "agreement": point.measured.agreement,
                "latency_ratio": times.judged.ratio,
                "latency_ms": times.judged.ms,
                "judged_by": times.judged_by,
                "accelerated": times.of(JudgeBy::Accelerated),
                "plain": times.of(JudgeBy::Plain),
                "not_accelerated": times.not_accelerated,
                "ap": point.measured.ap,
                "executed": point.measured.executed,
                "on_front": outcome.front.contains(&index),
            })
        });
        let asked: serde_json::Map<String, Value> =
            self.asked.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))).collect();
        json!({
            "model": self.model,
            "written": self.written,
            "begun": self.begun,
            "seconds": self.seconds,
            "float_bytes": outcome.float_bytes,
            "layers": outcome.layers.len(),
            "layer_table": outcome.layers,
            "best": outcome.best,
            "front": outcome.front,
            "failed": outcome.failed,
            "recipe": outcome.recipe,
            "points": points.collect::<Vec<Value>>(),
            "notes": outcome.notes,
            "profiles": outcome.profiles,
            "asked": asked,
            "machine": self.machine,
            "versions": self.versions,
            "command": self.command,
        })
    }
}

/// Names and values of what was asked for; `pictures` is what was calibrated with.
pub fn asked_for(request: &Request, pictures: &str) -> Vec<(&'static str, String)> {
    let gate = &request.gate;
    let types = match request.mode {
        Mode::Static => format!(", {}", request.numbers.name()),
        _ => String::new(),
    };
    let agreement = gate.min_agreement.map(|f1| format!("F1 of at least {f1}"));
    let speedup = gate.min_speedup.map(|factor| format!("at least {factor} times as fast"));
    let drop = gate.max_ap_drop.map(|most| format!("AP lower by at most {most}"));
    let pass: Vec<String> = [agreement, speedup, drop].into_iter().flatten().collect();
    vec![
        ("Calibrated with", format!("{pictures}, at most {} pictures", request.samples)),
        ("Numbers", format!("{}{types}", request.mode.in_words())),
        ("Ranges", request.method.name().to_owned()),
        ("To pass", if pass.is_empty() { "anything".to_owned() } else { pass.join(", ") }),
        ("Judged by the time", request.judge_by.place().to_owned()),
        ("Confidence", format!("{:.2}", request.thresholds.confidence)),
        ("Threads", request.judged_threads.to_string()),
    ]
}

/// Writes a report in the form that the name asks for by its ending, as [`write`](super::write) does.
///
/// # Errors
///
/// When the ending is unknown, or the file cannot be written.
pub fn write_quantized(path: &Path, content: &Quantized<'_>) -> Result<(), ReportError> {
    let encoded = match Form::of(path)? {
        Form::Html => Ok(words::visible(&page::page(content)).into_bytes()),
        Form::Markdown => Ok(words::visible(&markdown::markdown(content)).into_bytes()),
        Form::Csv => spreadsheet::spreadsheet(content).map_err(|error| error.to_string()),
        Form::Json => serde_json::to_vec_pretty(&content.json()).map_err(|error| error.to_string()),
    };
    let bytes = encoded.map_err(|reason| ReportError::Encode { path: path.to_owned(), reason })?;
    files::replace(path, &bytes).map_err(|source| ReportError::Write { path: path.to_owned(), source })
}
