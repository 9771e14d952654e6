//! What stands behind the figures: models, machine, settings, the command, and what was wrong with the labels.

use super::Report;
use super::confusion::badge;
use super::speed;
use super::tables::scrolling;
use super::words;
use crate::dataset::ProblemKind;
use crate::evaluate::{Evaluation, Versions};
use crate::inference::Acceleration;
use crate::runtime::MachineInfo;
use maud::{Markup, html};
use std::path::Path;

/// What is told of a model file.
struct ModelFile<'a> {
    badge: Option<usize>,
    name: String,
    path: &'a Path,
    numbers: &'a str,
    bytes: u64,
    sha256: &'a str,
    threads: Vec<String>,
}

/// Every model file once, with its hash.
pub fn models(report: &Report<'_>) -> Markup {
    let files = model_files(report);
    scrolling(
        "Models",
        &html! {
            table {
                caption { "Model files" }
                thead { tr {
                    @for head in ["Model", "Numbers"] { th scope="col" { (head) } }
                    @for head in ["Size", "Threads"] { th scope="col" class="figure" { (head) } }
                    th scope="col" { "Path and SHA-256" }
                } }
                tbody {
                    @for file in &files {
                        tr {
                            th scope="row" {
                                @if let Some(index) = file.badge { (badge(index)) " " }
                                span class="file" { (file.name) }
                            }
                            td { (file.numbers) }
                            td class="figure" { (words::bytes(file.bytes)) }
                            td class="figure" { (file.threads.join(", ")) }
                            td class="hash" { (file.path.to_string_lossy()) br; code { (file.sha256) } }
                        }
                    }
                }
            }
        },
    )
}

fn model_files<'a>(report: &Report<'a>) -> Vec<ModelFile<'a>> {
    let mut files: Vec<ModelFile<'a>> = Vec::new();
    if let Some(evaluation) = report.evaluation {
        let names = words::distinct_names(evaluation.models.iter().map(|model| model.path.as_path()));
        files.extend(evaluation.models.iter().zip(names).enumerate().map(|(index, (model, name))| ModelFile {
            badge: Some(index),
            name,
            path: &model.path,
            numbers: &model.numbers,
            bytes: model.bytes,
            sha256: &model.sha256,
            threads: vec![model.threads.to_string()],
        }));
    }
    for entry in report.benchmark.iter().flat_map(|benchmark| &benchmark.models) {
        let threads = entry.threads.to_string();
        match files.iter_mut().find(|file| file.path == entry.path && file.sha256 == entry.sha256) {
            Some(file) if file.threads.contains(&threads) => {}
            Some(file) => file.threads.push(threads),
            None => files.push(ModelFile {
                badge: None,
                name: words::file_name(&entry.path),
                path: &entry.path,
                numbers: &entry.numbers,
                bytes: entry.bytes,
                sha256: &entry.sha256,
                threads: vec![threads],
            }),
        }
    }
    files
}

/// Machine, versions, settings and the command that repeats it.
pub fn method(report: &Report<'_>) -> Markup {
    let facts = facts(report);
    let commands: Vec<&str> = commands(report);
    html! {
        dl class="facts" { @for (name, value) in &facts { div { dt { (name) } dd { (value) } } } }
        @for command in commands {
            p { "The command that repeats it:" }
            pre tabindex="0" { code { (command) } }
        }
    }
}

/// The commands that repeat what is reported.
pub fn commands<'a>(report: &Report<'a>) -> Vec<&'a str> {
    let evaluation = report.evaluation.map(|evaluation| evaluation.settings.command.as_str());
    let benchmark = report.benchmark.map(|benchmark| benchmark.command.as_str());
    evaluation.into_iter().chain(benchmark).filter(|command| !command.is_empty()).collect()
}

/// Names and values, for the page and for markdown.
pub fn facts(report: &Report<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(evaluation) = report.evaluation {
        let settings = &evaluation.settings;
        facts.push(("Evaluated", words::date(evaluation.begun)));
        facts.extend(place(&evaluation.machine, &evaluation.versions));
        facts.push(("Dataset", evaluation.dataset.path.to_string_lossy().into_owned()));
        facts.push(("Labels", dataset_words(evaluation)));
        facts.push((
            "Confidence",
            format!(
                "{:.2} for agreement and pictures; AP uses scores from {} up, the best {} of a picture",
                settings.confidence, settings.score_floor, settings.boxes_a_picture
            ),
        ));
        facts.push(("IoU of the suppression", format!("{:.2}", settings.iou)));
        let threads = words::counted(settings.threads, "thread", "threads");
        let lanes = words::counted(settings.lanes, "picture at a time", "pictures at a time");
        facts.push(("Threads", format!("{threads} an operator, {lanes}")));
        facts.push(("Time", format!("{} s", words::number(Some(evaluation.seconds), 1))));
        facts.extend(settings.limit.map(|limit| ("Limit", words::counted(limit, "picture", "pictures"))));
    }
    if let Some(benchmark) = report.benchmark {
        facts.push(("Benchmarked", words::date(benchmark.begun)));
        let same_place = report.evaluation.is_some_and(|it| it.machine == benchmark.machine);
        if !same_place {
            facts.extend(place(&benchmark.machine, &benchmark.versions));
        }
        facts.push(("Frames from", format!("{}, {}", benchmark.source, benchmark.frame_size)));
        let names = speed::entry_names(benchmark);
        let frames = benchmark.models.iter().zip(names).map(|(entry, name)| format!("{name}: {}", entry.frames));
        facts.push(("Rounds", format!("{}, in each of which every model had its turn", benchmark.rounds)));
        facts.extend(benchmark.disturbance.map(|it| {
            let [others, stolen] = [it.others, it.stolen].map(words::percent);
            ("Disturbance", format!("other programs took {others} of the processors, other machines {stolen}"))
        }));
        facts.push(("Frames measured", frames.collect::<Vec<_>>().join("; ")));
    }
    facts.extend(accelerated(report).map(|words| ("Acceleration", words)));
    facts
}

/// Which sessions were made faster.
fn accelerated(report: &Report<'_>) -> Option<String> {
    let evaluated = report.evaluation.iter().flat_map(|evaluation| {
        let names = words::distinct_names(evaluation.models.iter().map(|model| model.path.as_path()));
        names.into_iter().zip(evaluation.models.iter().map(|model| &model.acceleration))
    });
    let benchmarked = report.benchmark.iter().flat_map(|benchmark| {
        speed::entry_names(benchmark).into_iter().zip(benchmark.models.iter().map(|entry| &entry.acceleration))
    });
    Acceleration::of_all(evaluated.chain(benchmarked))
}

/// The machine and the versions, in words.
pub fn place(machine: &MachineInfo, versions: &Versions) -> [(&'static str, String); 2] {
    let versions = format!("quantscope {}, ONNX Runtime {}", versions.quantscope, versions.onnxruntime);
    [("Machine", machine.to_string()), ("Versions", versions)]
}

fn dataset_words(evaluation: &Evaluation) -> String {
    let facts = &evaluation.dataset;
    if !facts.labelled {
        return format!("{} without labels", words::counted(facts.images, "picture", "pictures"));
    }
    format!(
        "{}, {}, {}",
        words::counted(facts.images, "picture", "pictures"),
        words::counted(facts.boxes, "object", "objects"),
        words::counted(facts.classes, "class", "classes"),
    )
}

/// What was wrong with labels and names; none where all was well.
pub fn problems(evaluation: &Evaluation) -> Option<Markup> {
    let sentences = on_models(evaluation);
    let problems = &evaluation.dataset.problems;
    if problems.is_empty() && sentences.is_empty() {
        return None;
    }
    Some(html! {
        @if !problems.is_empty() {
            (scrolling("Wrong entries", &html! {
                table {
                    caption { "Entries of the dataset that were wrong, and the first of each kind" }
                    thead { tr {
                        th scope="col" { "What" }
                        th scope="col" class="figure" { "Count" }
                        th scope="col" { "Examples" }
                    } }
                    tbody {
                        @for problem in problems {
                            tr {
                                th scope="row" { (problem_words(problem.kind)) }
                                td class="figure" { (problem.count) }
                                td class="text" { ul { @for example in &problem.examples { li { (example) } } } }
                            }
                        }
                    }
                }
            }))
        }
        @for sentence in sentences { p { (sentence) } }
    })
}

/// Sentences on models: what the evaluation warned of, and classes that only one side has.
pub fn on_models(evaluation: &Evaluation) -> Vec<String> {
    let names = words::distinct_names(evaluation.models.iter().map(|model| model.path.as_path()));
    let mut sentences = Vec::new();
    for (model, name) in evaluation.models.iter().zip(names) {
        sentences.extend(model.warnings.iter().map(|warning| format!("{name}: {warning}")));
        if !model.unmatched_dataset_classes.is_empty() {
            let classes = listed(&model.unmatched_dataset_classes);
            sentences.push(format!(
                "{name} does not know these classes of the dataset, which are left out of its figures: {classes}."
            ));
        }
        if !model.unmatched_model_classes.is_empty() {
            let classes = listed(&model.unmatched_model_classes);
            sentences.push(format!("The dataset does not know these classes of {name}: {classes}."));
        }
    }
    sentences
}

/// The first names of a list that may be long.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let first = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// A kind of problem in words.
pub fn problem_words(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::MissingPicture => "Picture missing or unreadable",
        ProblemKind::WrongSize => "Picture of another size than its labels say",
        ProblemKind::UnreadableLabels => "Labels unreadable",
        ProblemKind::EmptyLabels => "Picture without objects",
        ProblemKind::OutsidePicture => "Box outside its picture",
        ProblemKind::NotABox => "Not a box",
        ProblemKind::UnknownClass => "Unknown class",
        ProblemKind::DuplicateId => "Id used twice",
        ProblemKind::UnknownPicture => "Object of an unknown picture",
        ProblemKind::DuplicatePicture => "Picture listed twice",
    }
}
