//! The charts of an evaluation and of a benchmark.

use super::Report;
use super::chart::{self, Axis, Bar, Line, Point, Whisker};
use super::confusion::badge;
use super::speed;
use super::words::{self, letter};
use crate::benchmark::Benchmark;
use crate::evaluate::Evaluation;
use maud::{Markup, html};
use std::collections::BTreeMap;
use std::path::Path;

/// Room above and below the APs of a chart: a difference of half a point should look like one.
const LEAST_AP_SPAN: f64 = 0.02;

/// Precision over recall, all models; none where no model has a curve.
pub fn precision_recall(evaluation: &Evaluation, names: &[String]) -> Option<Markup> {
    let curves: Vec<Line> = with_accuracy(evaluation, |accuracy| {
        accuracy.precision_recall.iter().map(|point| (point.recall, point.precision)).collect()
    });
    if curves.is_empty() {
        return None;
    }
    let facts = curves.iter().map(|curve| {
        let ap50 = words::figure(evaluation.models[curve.style].coco.ap50);
        (curve.style, names[curve.style].clone(), format!("AP50 {ap50}"))
    });
    let facts: Vec<_> = facts.collect();
    let alt = alt_text("Precision over recall at IoU 0.5", &facts);
    let (x, y) = (Axis::unit("recall"), Axis::unit("precision"));
    let caption = "Precision over recall at IoU 0.5, mean over the classes. Higher and further right is better.";
    Some(figure(caption, chart::lines(&alt, &x, &y, &curves), &legend(&facts, true)))
}

/// F1 over the confidence threshold with the best one marked, all models; none where no model has a curve.
pub fn f1_over_confidence(evaluation: &Evaluation, names: &[String]) -> Option<Markup> {
    let mut curves: Vec<Line> =
        with_accuracy(evaluation, |accuracy| accuracy.f1.iter().map(|point| (point.confidence, point.f1)).collect());
    if curves.is_empty() {
        return None;
    }
    let mut facts = Vec::new();
    for curve in &mut curves {
        let best = evaluation.models[curve.style].accuracy.as_ref().and_then(|accuracy| accuracy.best);
        curve.mark = best.map(|best| (best.confidence, best.f1));
        let fact = best.map_or_else(
            || "no best threshold".to_owned(),
            |best| format!("best F1 {} at {:.2}", words::figure(Some(best.f1)), best.confidence),
        );
        facts.push((curve.style, names[curve.style].clone(), fact));
    }
    let alt = alt_text("F1 over the confidence threshold at IoU 0.5", &facts);
    let (x, y) = (Axis::unit("confidence threshold"), Axis::unit("F1"));
    let caption = "F1 over the confidence threshold at IoU 0.5, all classes together; the mark is the best threshold.";
    Some(figure(caption, chart::lines(&alt, &x, &y, &curves), &legend(&facts, true)))
}

/// How far the candidates are from the reference, in AP and in boxes; none where there is nothing to compare.
pub fn differences(evaluation: &Evaluation, names: &[String]) -> Option<Markup> {
    let charts = [ap_differences(evaluation, names), agreement(evaluation, names)];
    if charts.iter().all(Option::is_none) {
        return None;
    }
    Some(html! { div class="stack" { @for chart in charts.into_iter().flatten() { (chart) } } })
}

fn ap_differences(evaluation: &Evaluation, names: &[String]) -> Option<Markup> {
    let rows: Vec<Whisker> = evaluation
        .agreement
        .iter()
        .filter_map(|it| {
            let value = it.ap_difference.filter(|value| value.is_finite())?;
            let interval = it.ap_difference_interval;
            let name = format!("{} {}", letter(it.candidate), names.get(it.candidate)?);
            Some(Whisker { style: it.candidate, name, value, interval })
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let ends = rows.iter().flat_map(|row| row.interval.unwrap_or([row.value; 2]).into_iter().chain([row.value]));
    let axis = Axis::around("difference of AP to the reference", ends, &[0.0]);
    let facts = rows.iter().map(|row| {
        let interval = row.interval.map_or_else(|| "no interval".to_owned(), words::signed_interval);
        format!("{}: {} {interval}", row.name, words::signed(row.value, 3))
    });
    let alt = format!("Differences of AP to the reference. {}", facts.collect::<Vec<_>>().join("; "));
    let caption = "Difference of AP to the reference, with the interval that holds it in 95 of 100 resamplings of the \
                   pictures. An interval across the line at 0 cannot be told from no difference.";
    Some(figure(caption, chart::whiskers(&alt, &axis, 0.0, &rows), &html! {}))
}

fn agreement(evaluation: &Evaluation, names: &[String]) -> Option<Markup> {
    let row = |it: &crate::evaluate::ComparedWithReference| {
        let name = format!("{} {}", letter(it.candidate), names.get(it.candidate)?);
        let interval = Some(it.details.f1_interval);
        Some(Whisker { style: it.candidate, name, value: it.figures.f1, interval })
    };
    let rows: Vec<Whisker> = evaluation.agreement.iter().filter_map(row).collect();
    if rows.is_empty() {
        return None;
    }
    let ends = rows.iter().flat_map(|row| row.interval.into_iter().flatten().chain([row.value]));
    let axis = Axis::around("F1 of the boxes against the reference", ends, &[1.0]);
    let facts = rows.iter().map(|row| {
        let interval = row.interval.map_or_else(String::new, |ends| words::interval(ends, 3));
        format!("{}: {} {interval}", row.name, words::figure(Some(row.value)))
    });
    let alt = format!("Agreement with the reference. {}", facts.collect::<Vec<_>>().join("; "));
    let caption = "Agreement: F1 of a candidate's boxes against those of the reference, with its interval of 95 %. At 1 \
                   they are the same boxes.";
    Some(figure(caption, chart::whiskers(&alt, &axis, 1.0, &rows), &html! {}))
}

/// AP over latency, a point a model; none with fewer than two.
pub fn accuracy_over_latency(report: &Report<'_>, evaluation: &Evaluation, names: &[String]) -> Option<Markup> {
    let benchmarked = |index: usize| {
        let entry = speed::entry_of(report.benchmark?, &evaluation.models[index])?;
        Some(entry.stages_ms.total.p50)
    };
    let all_benchmarked = (0..evaluation.models.len()).all(|index| benchmarked(index).is_some());
    let points: Vec<Point> = evaluation
        .models
        .iter()
        .enumerate()
        .filter_map(|(index, model)| {
            let latency = if all_benchmarked { benchmarked(index)? } else { model.latency_ms.p50 };
            let at = (f64::from(latency), model.coco.ap?);
            (latency > 0.0 && at.0.is_finite() && at.1.is_finite()).then(|| Point {
                style: index,
                name: letter(index),
                at,
            })
        })
        .collect();
    if points.len() < 2 {
        return None;
    }
    let facts: Vec<_> = points
        .iter()
        .map(|point| {
            let fact = format!("AP {}, {} ms", words::figure(Some(point.at.1)), words::milliseconds(point.at.0 as f32));
            (point.style, names[point.style].clone(), fact)
        })
        .collect();
    let alt = alt_text("AP over latency", &facts);
    let x = Axis::around("median latency, ms", points.iter().map(|point| point.at.0), &[0.0]);
    let aps = || points.iter().map(|point| point.at.1);
    let (low, high) = aps().fold((1.0f64, 0.0f64), |(low, high), ap| (low.min(ap), high.max(ap)));
    let y = Axis::around("AP", aps(), &[(low - LEAST_AP_SPAN).max(0.0), (high + LEAST_AP_SPAN).min(1.0)]);
    let source =
        if all_benchmarked { "of the benchmark" } else { "in the evaluation, where models may run beside each other" };
    let caption = format!(
        "AP over median latency {source}. Higher and further left is better; the scale of AP does not begin at 0."
    );
    Some(figure(&caption, chart::points(&alt, &x, &y, &points), &legend(&facts, true)))
}

/// Latency of every benchmarked setting by stages.
pub fn stages(benchmark: &Benchmark) -> Option<Markup> {
    if benchmark.models.is_empty() {
        return None;
    }
    let rows: Vec<Bar> = benchmark
        .models
        .iter()
        .zip(speed::entry_names(benchmark))
        .map(|(entry, name)| {
            let stages = &entry.stages_ms;
            let parts = [stages.preprocess.p50, stages.inference.p50, stages.postprocess.p50].map(f64::from).to_vec();
            let total = stages.total;
            Bar { name, parts, marks: [total.p50, total.p95, total.p99].map(f64::from) }
        })
        .collect();
    let ends = rows.iter().flat_map(|row| row.marks.into_iter().chain([row.parts.iter().sum()]));
    let axis = Axis::around("ms a frame", ends, &[0.0]);
    let facts = rows.iter().map(|row| {
        let [p50, p95, p99] = row.marks.map(|mark| words::milliseconds(mark as f32));
        format!("{}: median {p50} ms, p95 {p95} ms, p99 {p99} ms", row.name)
    });
    let alt = format!("Latency by stages. {}", facts.collect::<Vec<_>>().join("; "));
    let legend = html! {
        ul class="legend" {
            @for (part, name) in ["preprocessing", "inference", "postprocessing"].into_iter().enumerate() {
                li { svg class="swatch" viewBox="0 0 14 14" width="14" height="14" aria-hidden="true" {
                    rect class={ "part p" (part) } width="14" height="14" {}
                } (name) }
            }
            li { "│ median of the whole, ┆ p95, ○ p99" }
        }
    };
    let caption = "Latency a frame: medians of the stages, and how far the slowest frames reach. Medians of stages need \
                   not add up to the median of the whole.";
    Some(figure(caption, chart::bars(&alt, &axis, &rows), &legend))
}

/// Latency of every setting over that of the first one, with its interval; none with fewer than two.
pub fn ratios(benchmark: &Benchmark) -> Option<Markup> {
    let entries = benchmark.models.iter().zip(speed::entry_names(benchmark)).enumerate().skip(1);
    let finite = entries.filter(|(_, (entry, _))| entry.latency_ratio.is_finite());
    let rows: Vec<Whisker> = finite
        .map(|(style, (entry, name))| {
            let (value, interval) = (entry.latency_ratio, Some(entry.latency_ratio_interval));
            Whisker { style, name, value, interval }
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let first = speed::entry_names(benchmark).swap_remove(0);
    let ends = rows.iter().flat_map(|row| row.interval.into_iter().flatten().chain([row.value]));
    let axis = Axis::around("latency over that of the first", ends, &[1.0]);
    let facts = rows.iter().map(|row| {
        let interval = row.interval.map_or_else(String::new, |ends| words::interval(ends, 2));
        format!("{}: {:.2} {interval}", row.name, row.value)
    });
    let alt = format!("Latency over that of {first}. {}", facts.collect::<Vec<_>>().join("; "));
    let caption = format!(
        "Latency over that of {first}, from neighbouring rounds, with the interval that holds it in 95 of 100 \
         resamplings of the rounds. Left of 1 is faster."
    );
    Some(figure(&caption, chart::whiskers(&alt, &axis, 1.0, &rows), &html! {}))
}

/// Frames a second over the number of threads; none where no model ran with several.
pub fn threads(benchmark: &Benchmark) -> Option<Markup> {
    let mut sweeps: BTreeMap<(&Path, &str), Vec<(f64, f64)>> = BTreeMap::new();
    for entry in &benchmark.models {
        let points = sweeps.entry((&entry.path, &entry.provider)).or_default();
        points.push((entry.threads as f64, entry.fps));
    }
    sweeps.retain(|_, points| {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points.dedup_by_key(|point| point.0 as usize);
        points.len() > 1
    });
    if sweeps.is_empty() {
        return None;
    }
    let mut files: Vec<&Path> = sweeps.keys().map(|(path, _)| *path).collect();
    files.dedup();
    let names = words::distinct_names(files.iter().copied());
    let mut curves = Vec::new();
    let mut facts = Vec::new();
    for (index, ((path, provider), points)) in sweeps.into_iter().enumerate() {
        let name = files.iter().position(|file| *file == path).map_or_else(String::new, |at| names[at].clone());
        let mark = points.iter().copied().filter(|point| point.1.is_finite()).max_by(|a, b| a.1.total_cmp(&b.1));
        let fact = mark.map_or_else(String::new, |(threads, fps)| {
            format!(
                "{provider}: {fps:.1} frames a second with {}",
                words::counted(threads as usize, "thread", "threads")
            )
        });
        curves.push(Line { style: index, points, mark });
        facts.push((index, name, fact));
    }
    let all = || curves.iter().flat_map(|curve| curve.points.iter());
    let x = Axis::counts("threads", all().map(|point| point.0).fold(0.0, f64::max));
    let y = Axis::around("frames a second", all().map(|point| point.1), &[0.0]);
    let alt = alt_text("Frames a second over threads", &facts);
    let caption = "Frames a second over the number of threads; the mark is the fastest.";
    Some(figure(caption, chart::lines(&alt, &x, &y, &curves), &legend(&facts, false)))
}

fn with_accuracy(
    evaluation: &Evaluation,
    points: impl Fn(&crate::metrics::AccuracyReport) -> Vec<(f64, f64)>,
) -> Vec<Line> {
    let models = evaluation.models.iter().enumerate();
    let curves = models.filter_map(|(style, model)| {
        let points = points(model.accuracy.as_ref()?);
        (!points.is_empty()).then_some(Line { style, points, mark: None })
    });
    curves.collect()
}

/// Number of the style, name, and what there is to say in figures.
type Fact = (usize, String, String);

fn alt_text(what: &str, facts: &[Fact]) -> String {
    let facts: Vec<String> = facts.iter().map(|(_, name, fact)| format!("{name}: {fact}")).collect();
    format!("{what}. {}.", facts.join("; "))
}

/// `models`: styles are the numbers of models, whose letters are told.
fn legend(facts: &[Fact], models: bool) -> Markup {
    html! {
        ul class="legend" {
            @for (style, name, fact) in facts {
                li { (chart::swatch(*style)) span { @if models { (badge(*style)) " " } b { (name) } " " span class="muted" { (fact) } } }
            }
        }
    }
}

fn figure(caption: &str, chart: Markup, legend: &Markup) -> Markup {
    html! { figure class="plot" { (chart) (legend) figcaption { (caption) } } }
}
