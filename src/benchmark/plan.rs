//! What is to be measured, and how far it is.

use super::MemoryProbe;
use crate::imaging::RgbImage;
use crate::inference::trial::Trial;
use crate::inference::{LoadOptions, ModelOverrides, SessionOptions, Thresholds};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Execution providers of this version, the first by default.
pub const PROVIDERS: [&str; 1] = ["cpu"];

/// What to measure. Every model is measured with every provider and every number of threads.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The models; the others are compared with the first.
    pub models: Vec<PathBuf>,
    /// Numbers of threads inside one operator.
    pub threads: Vec<usize>,
    /// Execution providers, some of [`PROVIDERS`].
    pub providers: Vec<String>,
    /// Whether models are made faster where their outputs stay the same; both, to see what comes of it.
    pub accelerate: Vec<bool>,
    /// Card and labels given by the user, for every model.
    pub overrides: ModelOverrides,
    /// Thresholds of score and overlap: they decide how much work is left to NMS.
    pub thresholds: Thresholds,
    /// Where the frames came from, for the report.
    pub source: String,
    /// The frames, at least one; they are used in turn.
    pub images: Vec<Arc<RgbImage>>,
    /// Frames a row.
    pub frames: usize,
    /// The rounds end after so long, but not before every model had one turn.
    pub time_limit: Option<Duration>,
    /// Tries each model in a process of its own before it is loaded here; None skips that.
    pub trial: Option<Trial>,
    /// Measures the memory of each row in a process of its own; None leaves it out.
    pub memory: Option<MemoryProbe>,
    /// The command line that repeats it, for the report.
    pub command: String,
}

/// A model with one of its settings: a row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The file.
    pub model: PathBuf,
    /// Execution provider.
    pub provider: String,
    /// Threads inside one operator.
    pub threads: usize,
    /// Whether it is made faster where its outputs stay the same.
    pub accelerate: bool,
}

impl Plan {
    /// The rows: model by model as they were named, for each the providers, for each of these accelerated and plain, and
    /// for each of these the threads by rising number. Nothing twice.
    pub fn settings(&self) -> Vec<Setting> {
        let mut threads = self.threads.clone();
        threads.sort_unstable();
        let mut settings = Vec::new();
        for model in &self.models {
            let first = settings.len();
            for provider in &self.providers {
                let ways = self.accelerate.iter().flat_map(|way| threads.iter().map(move |threads| (*way, *threads)));
                for (accelerate, threads) in ways {
                    let setting = Setting { model: model.clone(), provider: provider.clone(), threads, accelerate };
                    // A model that is named twice is measured twice: that shows what the stopwatch is worth.
                    if !settings[first..].contains(&setting) {
                        settings.push(setting);
                    }
                }
            }
        }
        settings
    }

    /// How the model of a row is loaded.
    pub fn load_options(&self, setting: &Setting) -> LoadOptions {
        let session =
            SessionOptions { threads: setting.threads, accelerate: setting.accelerate, ..SessionOptions::default() };
        LoadOptions { session, overrides: self.overrides.clone() }
    }
}

/// What is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Models are loaded and warmed up.
    Loading,
    /// A model does not load, for this reason; the others go on.
    Failed(String),
    /// This number of threads is tried for the first time.
    Trying(usize),
    /// Turns are measured.
    Measuring,
    /// Models are loaded alone, each in a process of its own, for their memory.
    Memory,
}

/// How far a benchmark is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Rows or turns that are done in this stage.
    pub done: usize,
    /// All of them.
    pub of: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_is_a_row_in_a_sensible_order() {
        let plan = Plan {
            models: ["a.onnx", "b.onnx", "a.onnx"].map(PathBuf::from).to_vec(),
            threads: vec![4, 1, 4],
            providers: vec!["cpu".to_owned(), "other".to_owned(), "cpu".to_owned()],
            accelerate: vec![true, false],
            overrides: ModelOverrides::default(),
            thresholds: Thresholds::default(),
            source: "demo".to_owned(),
            images: Vec::new(),
            frames: 10,
            time_limit: None,
            trial: None,
            memory: None,
            command: String::new(),
        };
        let rows: Vec<String> = plan
            .settings()
            .iter()
            .map(|row| {
                let way = if row.accelerate { "" } else { " plain" };
                format!("{} {} {}{way}", row.model.display(), row.provider, row.threads)
            })
            .collect();
        let of = |model: &str| {
            let rows = [
                "cpu 1",
                "cpu 4",
                "cpu 1 plain",
                "cpu 4 plain",
                "other 1",
                "other 4",
                "other 1 plain",
                "other 4 plain",
            ];
            rows.map(|rest| format!("{model} {rest}"))
        };
        assert_eq!(rows, [of("a.onnx"), of("b.onnx"), of("a.onnx")].concat());
        let last = plan.load_options(&plan.settings()[3]).session;
        assert_eq!((last.threads, last.accelerate), (4, false));
    }
}
