//! The page: the finding at the top, then accuracy, agreement, speed, pictures, and how it was measured.

use super::confusion::{self, badge};
use super::verdict::{Compared, Finding, Tone, findings};
use super::{Report, curves, details, pictures, tables, words};
use crate::benchmark::Benchmark;
use crate::evaluate::Evaluation;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The page's look; ours, so nothing of it needs escaping.
const STYLE: &str = include_str!("page.css");
/// The page may show what lies in it and load nothing: neither scripts nor anything of another place.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// Findings that are shown before the others have to be unfolded.
const MOST_CARDS: usize = 6;

/// A part of the page with its heading.
pub(super) struct Section {
    pub id: &'static str,
    pub title: &'static str,
    pub content: Markup,
}

/// The whole page.
pub fn page(report: &Report<'_>) -> String {
    let lead = html! { (warnings(report)) (verdict(report)) };
    document(&title(report), &subtitle(report), &lead, &sections(report))
}

/// A page that needs nothing but itself: `lead` stands before its parts.
pub(super) fn document(title: &str, subtitle: &str, lead: &Markup, sections: &[Section]) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "quantscope " (env!("CARGO_PKG_VERSION")) };
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p class="kind" { "quantscope report" }
                    h1 { (title) }
                    p class="muted" { (subtitle) }
                    nav aria-label="Parts of this report" {
                        @for section in sections { a href={ "#" (section.id) } { (section.title) } }
                    }
                }
                main {
                    (lead)
                    @for section in sections {
                        section id=(section.id) aria-labelledby={ (section.id) "-title" } {
                            h2 id={ (section.id) "-title" } { (section.title) }
                            (section.content)
                        }
                    }
                }
                footer class="muted" { "Made by quantscope " (env!("CARGO_PKG_VERSION")) ". This page needs nothing but itself." }
            }
        }
    };
    markup.into_string()
}

/// What is compared with what, or measured on what.
pub fn title(report: &Report<'_>) -> String {
    if let Some(evaluation) = report.evaluation {
        let names = words::distinct_names(evaluation.models.iter().map(|model| model.path.as_path()));
        let dataset = words::file_name(&evaluation.dataset.path);
        return match names.as_slice() {
            [] => format!("Evaluation on {dataset}"),
            [only] => format!("{only} on {dataset}"),
            [reference, candidate] => format!("{candidate} against {reference}"),
            many => format!("{} models on {dataset}", many.len()),
        };
    }
    let paths = report.benchmark.iter().flat_map(|benchmark| benchmark.models.iter().map(|entry| entry.path.as_path()));
    let mut seen = std::collections::BTreeSet::new();
    match words::distinct_names(paths.filter(|path| seen.insert(*path))).as_slice() {
        [] => "Benchmark".to_owned(),
        [only] => format!("Speed of {only}"),
        [reference, candidate] => format!("Speed of {candidate} against {reference}"),
        many => format!("Speed of {} models", many.len()),
    }
}

/// When, and on how much.
pub fn subtitle(report: &Report<'_>) -> String {
    let evaluated = report.evaluation.map(|evaluation| {
        format!(
            "{}, {} {}",
            words::date(evaluation.begun),
            words::counted(evaluation.dataset.images, "picture", "pictures"),
            match evaluation.dataset.labelled {
                true => format!("with {}", words::counted(evaluation.dataset.boxes, "object", "objects")),
                false => "without labels".to_owned(),
            },
        )
    });
    let benchmarked = report.benchmark.map(|benchmark| {
        let cpu = &benchmark.machine.cpu;
        format!(
            "{}, frames of {} from {} on {cpu}",
            words::date(benchmark.begun),
            benchmark.frame_size,
            benchmark.source
        )
    });
    match (evaluated, benchmarked) {
        (Some(evaluated), Some(benchmarked)) => format!("Evaluated {evaluated}. Benchmarked {benchmarked}."),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => String::new(),
    }
}

/// What a reader must know before any figure: that an evaluation is partial, that the machine was noisy.
pub fn warning_sentences(report: &Report<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(evaluation) = report.evaluation.filter(|evaluation| !evaluation.complete) {
        let seen: Vec<String> = evaluation
            .models
            .iter()
            .enumerate()
            .map(|(index, model)| {
                format!("{}: {}", words::letter(index), words::counted(model.pictures, "picture", "pictures"))
            })
            .collect();
        sentences.push(format!(
            "This evaluation is partial: it was stopped before every model had seen every picture ({}). Figures are those \
             of the pictures that were seen.",
            seen.join(", ")
        ));
    }
    if report.benchmark.is_some_and(|benchmark| !benchmark.complete) {
        sentences.push("This benchmark is partial: not all rounds that were asked for were measured.".to_owned());
    }
    if let Some(benchmark) = report.benchmark {
        sentences.extend(benchmark.noise.clone());
        sentences.extend(benchmark.failures.iter().map(|failure| format!("Not measured: {}", failure.message)));
    }
    sentences
}

fn warnings(report: &Report<'_>) -> Markup {
    html! { @for sentence in warning_sentences(report) { p class="warning" role="note" { (sentence) } } }
}

fn verdict(report: &Report<'_>) -> Markup {
    let findings = findings(report);
    let compared = if report.evaluation.is_some() { Compared::Accuracy } else { Compared::Speed };
    let count = report.evaluation.map_or(0, |evaluation| evaluation.models.len());
    html! {
        @if findings.is_empty() { p class="warning" { "Nothing was measured." } }
        @let (first, others) = findings.split_at(findings.len().min(MOST_CARDS));
        div class={ "findings" @if findings.len() > 1 { " many" } } {
            @for finding in first { (card(finding, compared, count > 1)) }
        }
        @if !others.is_empty() {
            details {
                summary { (words::counted(others.len(), "more finding", "more findings")) }
                div class="findings many" { @for finding in others { (card(finding, compared, count > 1)) } }
            }
        }
    }
}

fn card(finding: &Finding, compared: Compared, with_badge: bool) -> Markup {
    let (tone, sign) = match finding.tone {
        Tone::WithinNoise => ("even", "≈"),
        Tone::Worse => ("worse", "▼"),
        Tone::Better => ("better", "▲"),
        Tone::Open => ("open", "?"),
    };
    html! {
        article class={ "finding " (tone) } {
            @if finding.tone != Tone::Open || with_badge {
                p class="tone" {
                    @if with_badge { (badge(finding.model)) " " }
                    span class="chip" { span aria-hidden="true" { (sign) } " " (finding.tone.words(compared)) }
                }
            }
            h2 class="headline" { (words::tied(&finding.headline)) }
            dl class="keys" {
                @for key in &finding.figures {
                    div { dt { (key.label) } dd { b { (key.value) } " " span class="muted" { (words::tied(&key.note)) } } }
                }
            }
            @for detail in &finding.details { p { (words::tied(detail)) } }
        }
    }
}

fn sections(report: &Report<'_>) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut push = |id, title, content: Markup| sections.push(Section { id, title, content });
    let file_names = report.evaluation.map_or_else(Vec::new, |evaluation| {
        words::distinct_names(evaluation.models.iter().map(|model| model.path.as_path()))
    });
    if let Some(evaluation) = report.evaluation.filter(|evaluation| !evaluation.models.is_empty()) {
        if evaluation.dataset.labelled {
            push("accuracy", "Accuracy", accuracy(report, evaluation, &file_names));
        }
        if !evaluation.agreement.is_empty() {
            push("agreement", "Agreement with the reference", tables::agreement(evaluation, &file_names));
        }
    }
    match (report.benchmark, report.evaluation) {
        (Some(benchmark), _) if !benchmark.models.is_empty() => push("speed", "Speed", speed(benchmark)),
        (None, Some(evaluation)) if !evaluation.models.is_empty() => {
            push("speed", "Speed", tables::evaluation_latency(evaluation, &file_names));
        }
        _ => {}
    }
    if let Some(evaluation) = report.evaluation {
        if let Some(gallery) = pictures::gallery(evaluation, &file_names) {
            push("pictures", "Where they differ", gallery);
        }
        if let Some(problems) = details::problems(evaluation) {
            push("problems", "What was wrong", problems);
        }
    }
    push("method", "How it was measured", html! { (details::models(report)) (details::method(report)) });
    sections
}

fn accuracy(report: &Report<'_>, evaluation: &Evaluation, names: &[String]) -> Markup {
    html! {
        (tables::coco(evaluation, names))
        div class="plots" {
            @for chart in [
                curves::differences(evaluation, names),
                curves::accuracy_over_latency(report, evaluation, names),
                curves::precision_recall(evaluation, names),
                curves::f1_over_confidence(evaluation, names),
            ].into_iter().flatten() { (chart) }
        }
        @for part in [tables::classes(evaluation, names), confusion::tables(evaluation, names)].into_iter().flatten() { (part) }
    }
}

fn speed(benchmark: &Benchmark) -> Markup {
    html! {
        @if !benchmark.conclusions.is_empty() { ul { @for it in &benchmark.conclusions { li { (words::tied(it)) } } } }
        div class="plots" {
            @for chart in [curves::stages(benchmark), curves::ratios(benchmark), curves::threads(benchmark)].into_iter().flatten() { (chart) }
        }
        (tables::benchmark(benchmark))
        (tables::stages(benchmark))
        @if !benchmark.notes.is_empty() { ul class="muted" { @for note in &benchmark.notes { li { (words::tied(note)) } } } }
    }
}
