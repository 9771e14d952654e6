//! The benchmark as tables that fit a terminal of 120 columns.

use crate::benchmark::{Benchmark, BenchmarkedModel, ThreadAdvice};
use crate::inference::Acceleration;
use crate::runtime::MachineInfo;

/// Width of a model's name.
const NAME: usize = 30;

/// Latencies, then everything else, then what they come to.
pub fn table(benchmark: &Benchmark) -> String {
    let mut text = format!(
        "{}\nframes of {}, {}, from memory; {} rounds in turn\n\n",
        benchmark.machine, benchmark.source, benchmark.frame_size, benchmark.rounds
    );
    text += &format!(
        "{:<NAME$} {:>5} {:>3} {:>10} {:>15} {:>11} {:>22} {:>17}\n",
        "latency, ms", "", "thr", "preprocess", "inference", "postprocess", "total", "ratio"
    );
    for (row, model) in benchmark.models.iter().enumerate() {
        let stages = &model.stages_ms;
        let [low, high] = model.latency_ratio_interval;
        text += &format!(
            "{:<NAME$} {:>5} {:>3} {:>10.2} {:>15} {:>11.2} {:>22} {:>17}\n",
            name(model, &benchmark.models),
            model.precision,
            model.threads,
            stages.preprocess.p50,
            format!("{:.2} / {:.2}", stages.inference.p50, stages.inference.p95),
            stages.postprocess.p50,
            format!("{:.2} / {:.2} / {:.2}", stages.total.p50, stages.total.p95, stages.total.p99),
            if row == 0 { "1".to_owned() } else { format!("{:.2} ({low:.2}–{high:.2})", model.latency_ratio) },
        );
    }
    text += &format!(
        "\n{:<NAME$} {:>5} {:>3} {:>8} {:>8} {:>6} {:>12} {:>9} {:>10} {:>8} {:>7}\n",
        "throughput and cost",
        "",
        "thr",
        "frames/s",
        "bare/s",
        "share",
        "CPU ms/frame",
        "mJ/frame",
        "memory MiB",
        "file MB",
        "spread"
    );
    for model in &benchmark.models {
        let known = |figure: Option<f64>, digits: usize| figure.map_or("–".to_owned(), |f| format!("{f:.digits$}"));
        text += &format!(
            "{:<NAME$} {:>5} {:>3} {:>8.1} {:>8.1} {:>6.2} {:>12} {:>9} {:>10} {:>8.2} {:>6.0}%\n",
            name(model, &benchmark.models),
            model.precision,
            model.threads,
            model.fps,
            model.session_only_fps,
            model.pipeline_efficiency,
            known(model.cpu_ms_per_frame, 2),
            known(model.millijoule_per_frame, 1),
            known(model.peak_rss_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20)), 0),
            model.bytes as f64 / 1e6,
            model.spread * 100.0,
        );
    }
    text += "\nlatencies are p50, p50 / p95 or p50 / p95 / p99; the ratio is to the first row, with its 95 % interval;\n\
             frames/s is the pipelined lane, bare/s session.run alone in the same rounds, share the first over the second";
    let untold = |model: &BenchmarkedModel| model.millijoule_per_frame.is_none() || model.peak_rss_bytes.is_none();
    text += match benchmark.models.iter().any(untold) {
        true => ";\n– is what this machine does not tell\n\n",
        false => "\n\n",
    };
    let named = benchmark.models.iter().map(|model| (name(model, &benchmark.models), &model.acceleration));
    text.extend(Acceleration::of_all(named).map(|told| format!("Acceleration: {told}\n")));
    let failures: Vec<String> =
        benchmark.failures.iter().map(|failure| format!("Not measured: {}", failure.message)).collect();
    let notes = benchmark.conclusions.iter().chain(&benchmark.noise).chain(&benchmark.notes);
    for line in notes.chain(&failures) {
        text += &format!("{line}\n");
    }
    text
}

/// What was found of threads.
pub fn advice(machine: &MachineInfo, found: &[ThreadAdvice]) -> String {
    let mut text = format!("{machine}\n\n");
    for advice in found {
        let row = |row: &crate::benchmark::ThreadRow| format!("{}: {:.2} ms", row.threads, row.p50_ms);
        let rows: Vec<String> = advice.rows.iter().map(row).collect();
        text += &format!("{}\n    threads {}\n", advice.sentence(), rows.join(", "));
        text.extend(advice.doubt.iter().map(|doubt| format!("    {doubt}\n")));
    }
    text
}

/// The file's name, with the provider where it is not the usual one; the end of it where it is long.
fn name(model: &BenchmarkedModel, all: &[BenchmarkedModel]) -> String {
    let mut name = model.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name += model.mark(all);
    if model.provider != "cpu" {
        name += &format!(" on {}", model.provider);
    }
    let letters = name.chars().count();
    if letters <= NAME { name } else { format!("…{}", name.chars().skip(letters - NAME + 1).collect::<String>()) }
}
