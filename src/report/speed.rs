//! How fast a candidate is beside its reference, from the fairest measurement at hand.

use super::Report;
use super::words;
use crate::benchmark::{Benchmark, BenchmarkedModel};
use crate::evaluate::ModelEvaluation;
use crate::inference::Acceleration;
use std::path::Path;

/// Latencies of a pair of models.
pub struct Speed {
    /// Median latency of the reference, milliseconds.
    pub reference_ms: f32,
    /// That of the candidate.
    pub candidate_ms: f32,
    /// The second over the first, from neighbouring rounds where they were benchmarked together.
    pub ratio: f64,
    /// Interval of the ratio, where it is known.
    pub interval: Option<[f64; 2]>,
    /// Measured by the benchmark; else in an evaluation, where models may have run beside each other.
    pub benchmarked: bool,
}

/// Speed of two evaluated models: from the benchmark if it has both, else from the evaluation itself.
pub fn of_pair(report: &Report<'_>, reference: &ModelEvaluation, candidate: &ModelEvaluation) -> Option<Speed> {
    let benchmarked = report.benchmark.and_then(|benchmark| {
        let is = |entry: &BenchmarkedModel, model: &ModelEvaluation| {
            same_file((&entry.path, &entry.sha256), (&model.path, &model.sha256))
        };
        let pairs = benchmark.models.iter().enumerate().filter(|(_, entry)| is(entry, reference)).flat_map(|(i, a)| {
            let with_same_settings = benchmark.models.iter().filter(move |b| settings(b) == settings(a));
            with_same_settings.filter(|b| is(b, candidate)).map(move |b| (i, a, b))
        });
        // The first entry of a benchmark is the one that ratios were measured against.
        let (index, a, b) = pairs.min_by_key(|(i, ..)| *i)?;
        Some(of_entries(index == 0, a, b))
    });
    benchmarked.or_else(|| {
        let (a, b) = (reference.latency_ms.p50, candidate.latency_ms.p50);
        let speed = Speed {
            reference_ms: a,
            candidate_ms: b,
            ratio: f64::from(b) / f64::from(a),
            interval: None,
            benchmarked: false,
        };
        (a > 0.0 && b > 0.0 && speed.ratio.is_finite()).then_some(speed)
    })
}

/// Speed of a benchmarked setting beside the first one.
pub fn of_entries(against_first: bool, a: &BenchmarkedModel, b: &BenchmarkedModel) -> Speed {
    let (reference_ms, candidate_ms) = (a.stages_ms.total.p50, b.stages_ms.total.p50);
    let medians = f64::from(candidate_ms) / f64::from(reference_ms);
    let (ratio, interval) = match against_first {
        true => (b.latency_ratio, Some(b.latency_ratio_interval)),
        false => (medians, None),
    };
    Speed { reference_ms, candidate_ms, ratio, interval, benchmarked: true }
}

/// The benchmark's entry for an evaluated model with the evaluation's number of threads, or any of it.
pub fn entry_of<'a>(benchmark: &'a Benchmark, model: &ModelEvaluation) -> Option<&'a BenchmarkedModel> {
    let entries = || {
        let is = |entry: &&BenchmarkedModel| same_file((&entry.path, &entry.sha256), (&model.path, &model.sha256));
        benchmark.models.iter().filter(is)
    };
    entries().find(|entry| entry.threads == model.threads).or_else(|| entries().next())
}

/// Names of the benchmark's entries, with threads and provider where those differ.
pub fn entry_names(benchmark: &Benchmark) -> Vec<String> {
    let Some(first) = benchmark.models.first() else { return Vec::new() };
    let threads_differ = benchmark.models.iter().any(|entry| entry.threads != first.threads);
    let providers_differ = benchmark.models.iter().any(|entry| entry.provider != first.provider);
    let mut files: Vec<&Path> = benchmark.models.iter().map(|entry| entry.path.as_path()).collect();
    files.sort_unstable();
    files.dedup();
    let names = words::distinct_names(files.iter().copied());
    let name = |entry: &BenchmarkedModel| {
        let at = files.iter().position(|file| *file == entry.path);
        let mut name = at.map_or_else(|| words::file_name(&entry.path), |at| names[at].clone());
        name += entry.mark(&benchmark.models);
        if threads_differ {
            name += &format!(", {}", words::counted(entry.threads, "thread", "threads"));
        }
        if providers_differ {
            name += &format!(", {}", entry.provider);
        }
        name
    };
    benchmark.models.iter().map(name).collect()
}

fn settings(entry: &BenchmarkedModel) -> (usize, &str, bool) {
    (entry.threads, &entry.provider, entry.acceleration == Acceleration::Off)
}

fn same_file(a: (&Path, &str), b: (&Path, &str)) -> bool {
    a.0 == b.0 || (!a.1.is_empty() && a.1 == b.1)
}
