//! What the figures come to, in sentences.

use super::runner::round_medians;
use super::stopwatch::Lap;
use super::{BenchmarkedModel, ThreadAdvice};
use std::path::Path;

/// A sentence a row against the first, and one a model whose number of threads was varied.
pub(super) fn conclusions(models: &[BenchmarkedModel], laps: &[Vec<Lap>]) -> Vec<String> {
    let Some(first) = models.first() else { return Vec::new() };
    let names = names(models);
    let against_first = |(model, name): (&BenchmarkedModel, &String)| {
        let [low, high] = model.latency_ratio_interval;
        let size = match model.sha256 == first.sha256 {
            true => String::new(),
            false => format!(", {:.2} of the size", model.bytes as f64 / first.bytes.max(1) as f64),
        };
        format!("{name} against {}: {:.2} of the latency ({low:.2} to {high:.2}){size}", names[0], model.latency_ratio)
    };
    let mut said: Vec<String> = models.iter().zip(&names).skip(1).map(against_first).collect();
    let mut row = 0;
    for group in models.chunk_by(|a, b| a.path == b.path && a.provider == b.provider && a.threads < b.threads) {
        if group.len() > 1 {
            let rounds = group.iter().enumerate().map(|(at, model)| (model.threads, round_medians(laps, row + at)));
            if let Some(advice) = ThreadAdvice::of(&group[0].path, rounds) {
                said.push(advice.sentence());
                said.extend(advice.doubt);
            }
        }
        row += group.len();
    }
    said
}

/// What the rows are called in sentences: the file, with what else differs.
pub(super) fn names(models: &[BenchmarkedModel]) -> Vec<String> {
    let Some(first) = models.first() else { return Vec::new() };
    let swept = models.iter().any(|model| model.threads != first.threads);
    let name = |model: &BenchmarkedModel| {
        let plural = if model.threads == 1 { "" } else { "s" };
        let threads = if swept { format!(" with {} thread{plural}", model.threads) } else { String::new() };
        let provider = if model.provider == first.provider { String::new() } else { format!(" on {}", model.provider) };
        format!("{}{}{provider}{threads}", file_name(&model.path), model.mark(models))
    };
    models.iter().map(name).collect()
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
