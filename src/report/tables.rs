//! The tables of the page.

use super::confusion::badge;
use super::speed;
use super::words::{self, NONE, figure, milliseconds};
use crate::benchmark::Benchmark;
use crate::evaluate::{Evaluation, Quantiles};
use crate::metrics::{ClassFigures, CocoFigures};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Rows that are shown before the others have to be unfolded.
const ROWS_SHOWN: usize = 20;
/// Differences from here on are coloured.
const NOTABLE: f64 = 0.005;

/// A figure of COCO: its name, what it means, and where it is.
pub type CocoRow = (&'static str, &'static str, fn(&CocoFigures) -> Option<f64>);

/// COCO's twelve figures, in COCO's order.
pub fn coco_rows() -> [CocoRow; 12] {
    [
        ("AP", "mean over IoU 0.50 to 0.95", |c| c.ap),
        ("AP50", "at IoU 0.50", |c| c.ap50),
        ("AP75", "at IoU 0.75", |c| c.ap75),
        ("AP small", "objects below 32² pixels", |c| c.ap_small),
        ("AP medium", "32² to 96²", |c| c.ap_medium),
        ("AP large", "above 96²", |c| c.ap_large),
        ("AR 1", "recall with 1 box a picture", |c| c.ar1),
        ("AR 10", "with 10", |c| c.ar10),
        ("AR 100", "with 100", |c| c.ar100),
        ("AR small", "recall of small objects", |c| c.ar_small),
        ("AR medium", "of medium ones", |c| c.ar_medium),
        ("AR large", "of large ones", |c| c.ar_large),
    ]
}

/// A table that scrolls by itself where the page is narrow.
pub fn scrolling(name: &str, table: &Markup) -> Markup {
    html! { div class="scroll" tabindex="0" role="group" aria-label=(name) { (table) } }
}

fn model_heads(names: &[String]) -> Markup {
    html! { @for (index, name) in names.iter().enumerate() { th scope="col" class="figure" { (badge(index)) " " span class="file" { (name) } } } }
}

/// The twelve figures, a column a model, with the difference to the first.
pub fn coco(evaluation: &Evaluation, names: &[String]) -> Markup {
    let models = &evaluation.models;
    scrolling(
        "COCO figures",
        &html! {
            table {
                caption { "COCO's twelve figures" @if models.len() > 1 { "; small numbers are differences to " (badge(0)) } }
                thead { tr { th scope="col" { "Figure" } (model_heads(names)) } }
                tbody {
                    @for (name, meaning, value) in coco_rows() {
                        tr class=[(name == "AP").then_some("main")] {
                            th scope="row" { (name) " " span class="muted" { (meaning) } }
                            @for (index, model) in models.iter().enumerate() {
                                td class="figure" {
                                    (figure(value(&model.coco)))
                                    @if index > 0 { (difference(value(&models[0].coco), value(&model.coco))) }
                                }
                            }
                        }
                    }
                }
            }
        },
    )
}

fn difference(reference: Option<f64>, value: Option<f64>) -> Markup {
    let difference = reference.zip(value).map(|(reference, value)| value - reference).filter(|d| d.is_finite());
    html! {
        @if let Some(difference) = difference {
            " " small class=(sign_class(difference)) { (words::signed(difference, 3)) }
        }
    }
}

/// Differences below half a point, which few datasets can tell from chance, have no colour.
fn sign_class(difference: f64) -> &'static str {
    match difference {
        d if d <= -NOTABLE => "delta worse",
        d if d >= NOTABLE => "delta better",
        _ => "delta",
    }
}

/// A class with the figures of every model that has some.
pub struct ClassRow<'a> {
    /// Its name.
    pub name: &'a str,
    /// Objects of it.
    pub objects: usize,
    /// A place a model.
    pub models: Vec<Option<&'a ClassFigures>>,
}

/// The classes by falling number of objects.
pub fn class_rows(evaluation: &Evaluation) -> Vec<ClassRow<'_>> {
    let mut rows: BTreeMap<usize, ClassRow<'_>> = BTreeMap::new();
    for (index, model) in evaluation.models.iter().enumerate() {
        for class in model.accuracy.iter().flat_map(|accuracy| &accuracy.classes) {
            let row = rows.entry(class.class).or_insert_with(|| ClassRow {
                name: &class.name,
                objects: 0,
                models: vec![None; evaluation.models.len()],
            });
            row.objects = row.objects.max(class.objects);
            row.models[index] = Some(class);
        }
    }
    let mut rows: Vec<ClassRow<'_>> = rows.into_values().collect();
    rows.sort_by(|a, b| b.objects.cmp(&a.objects).then_with(|| a.name.cmp(b.name)));
    rows
}

/// AP of every class; AP50, too, where columns are few.
pub fn classes(evaluation: &Evaluation, names: &[String]) -> Option<Markup> {
    let rows = class_rows(evaluation);
    if rows.is_empty() {
        return None;
    }
    let with_ap50 = evaluation.models.len() <= 2;
    let body = |rows: &[ClassRow<'_>]| html! { @for row in rows { (class_row(row, with_ap50)) } };
    let table = |caption: &str, rows: &[ClassRow<'_>]| {
        scrolling(
            caption,
            &html! {
                table class={ "classes" @if evaluation.models.len() > 3 { " slim" } } {
                    caption { (caption) }
                    thead { tr {
                        th scope="col" { "Class" }
                        th scope="col" class="figure" { "Objects" }
                        @for (index, name) in names.iter().enumerate() {
                            th scope="col" class="figure" { (badge(index)) " AP " span class="file sr" { (name) } }
                            @if with_ap50 { th scope="col" class="figure" { (badge(index)) " AP50 " span class="file sr" { (name) } } }
                        }
                    } }
                    tbody { (body(rows)) }
                }
            },
        )
    };
    let (first, others) = rows.split_at(rows.len().min(ROWS_SHOWN));
    Some(html! {
        h3 { "Classes" }
        (table("AP of each class, most objects first", first))
        @if !others.is_empty() {
            details {
                summary { (words::counted(others.len(), "more class", "more classes")) }
                (table("AP of the other classes", others))
            }
        }
    })
}

fn class_row(row: &ClassRow<'_>, with_ap50: bool) -> Markup {
    let value = |index: usize, value: fn(&ClassFigures) -> Option<f64>| row.models[index].and_then(value);
    html! {
        tr {
            th scope="row" { (row.name) }
            td class="figure" { (row.objects) }
            @for index in 0..row.models.len() {
                @let ap = value(index, |class| class.ap);
                td class="figure bar" style={ "--length:" (format!("{:.3}", ap.unwrap_or(0.0).clamp(0.0, 1.0))) } {
                    (figure(ap))
                    @if index > 0 { (difference(value(0, |class| class.ap), ap)) }
                }
                @if with_ap50 { td class="figure" { (figure(value(index, |class| class.ap50))) } }
            }
        }
    }
}

/// Every candidate against the reference, and each class of each candidate.
pub fn agreement(evaluation: &Evaluation, names: &[String]) -> Markup {
    html! {
        (scrolling("Agreement", &html! {
            table {
                caption { "Boxes of each candidate against those of the reference, of one class and overlapping by IoU 0.5 or more" }
                thead { tr {
                    @for head in ["Candidate", "Reference"] { th scope="col" { (head) } }
                    @for head in ["F1", "95 % interval", "Precision", "Recall", "Mean IoU", "Score change", "Boxes", "of reference"] {
                        th scope="col" class="figure" { (head) }
                    }
                } }
                tbody {
                    @for it in &evaluation.agreement {
                        tr {
                            th scope="row" { (badge(it.candidate)) " " span class="file" { (name_of(names, it.candidate)) } }
                            td { (badge(it.reference)) }
                            td class="figure" { b { (figure(Some(it.figures.f1))) } }
                            td class="figure" { (words::interval(it.details.f1_interval, 3)) }
                            (agreement_cells(&it.figures))
                        }
                    }
                }
            }
        }))
        @for it in evaluation.agreement.iter().filter(|it| !it.details.classes.is_empty()) {
            details {
                summary { (badge(it.candidate)) " by class: " (words::counted(it.details.classes.len(), "class", "classes")) }
                (scrolling("Agreement by class", &html! {
                    table {
                        caption { (name_of(names, it.candidate)) " against " (name_of(names, it.reference)) ", most boxes first. No interval with boxes of the class on fewer than ten pictures" }
                        thead { tr {
                            th scope="col" { "Class" }
                            @for head in ["F1", "95 % interval", "Pictures", "Precision", "Recall", "Mean IoU", "Score change", "Boxes", "of reference"] {
                                th scope="col" class="figure" { (head) }
                            }
                        } }
                        tbody {
                            @for class in &it.details.classes {
                                tr {
                                    th scope="row" { (class.name) }
                                    td class="figure" { (figure(Some(class.figures.f1))) }
                                    td class="figure" { (class.known_interval().map_or(NONE.to_owned(), |ends| words::interval(ends, 3))) }
                                    td class="figure" { (class.pictures) }
                                    (agreement_cells(&class.figures))
                                }
                            }
                        }
                    }
                }))
            }
        }
    }
}

fn agreement_cells(figures: &crate::metrics::AgreementFigures) -> Markup {
    html! {
        @for value in [figures.precision, figures.recall, figures.mean_iou, figures.mean_score_delta] {
            td class="figure" { (figure(Some(value))) }
        }
        @for count in [figures.candidate_boxes, figures.reference_boxes] { td class="figure" { (count) } }
    }
}

fn name_of(names: &[String], index: usize) -> &str {
    names.get(index).map_or(NONE, String::as_str)
}

/// Throughput, latency and what a frame costs, a row a setting.
pub fn benchmark(benchmark: &Benchmark) -> Markup {
    let names = speed::entry_names(benchmark);
    scrolling(
        "Speed",
        &html! {
            table {
                caption { "Whole frame: preprocessing, inference and postprocessing. The spread is how far the middle half of the rounds lies apart" }
                thead { tr {
                    th scope="col" { "Model" }
                    @for head in ["p50 ms", "p95", "p99", "of the first", "95 % interval", "Spread", "Frames/s", "session alone", "CPU ms", "mJ", "Memory"] {
                        th scope="col" class="figure" { (head) }
                    }
                } }
                tbody {
                    @for (index, (entry, name)) in benchmark.models.iter().zip(names).enumerate() {
                        @let total = entry.stages_ms.total;
                        @let first = index == 0;
                        tr {
                            th scope="row" { span class="file" { (name) } " " span class="muted" { (entry.numbers) } }
                            td class="figure" { b { (milliseconds(total.p50)) } }
                            td class="figure" { (milliseconds(total.p95)) }
                            td class="figure" { (milliseconds(total.p99)) }
                            td class="figure" { @if first { (NONE) } @else { (words::number(Some(entry.latency_ratio), 2)) } }
                            td class="figure" { @if first { (NONE) } @else { (words::interval(entry.latency_ratio_interval, 2)) } }
                        td class="figure" { (words::percent(entry.spread)) }
                            td class="figure" { (words::number(Some(entry.fps), 1)) }
                            td class="figure" { (words::number(Some(entry.session_only_fps), 1)) }
                            td class="figure" { (words::number(entry.cpu_ms_per_frame, 2)) }
                            td class="figure" { (words::number(entry.millijoule_per_frame, 1)) }
                            td class="figure" { (entry.peak_rss_bytes.map_or_else(|| NONE.to_owned(), words::bytes)) }
                        }
                    }
                }
            }
        },
    )
}

/// Every stage's quantiles.
pub fn stages(benchmark: &Benchmark) -> Markup {
    let cells = |quantiles: Quantiles| {
        html! {
            @for value in [quantiles.p50, quantiles.p95, quantiles.p99] { td class="figure" { (milliseconds(value)) } }
        }
    };
    scrolling(
        "Stages",
        &html! {
            table {
                caption { "Stages, milliseconds a frame: p50, p95 and p99 each" }
                thead { tr {
                    th scope="col" { "Model" }
                    th scope="col" class="figure" { "Frames" }
                    @for head in ["Preprocessing", "Inference", "Postprocessing", "Session alone"] { th scope="colgroup" colspan="3" class="figure" { (head) } }
                } }
                tbody {
                    @for (entry, name) in benchmark.models.iter().zip(speed::entry_names(benchmark)) {
                        tr {
                            th scope="row" { span class="file" { (name) } }
                            td class="figure" { (entry.frames) }
                            (cells(entry.stages_ms.preprocess)) (cells(entry.stages_ms.inference))
                            (cells(entry.stages_ms.postprocess)) (cells(entry.session_only_ms))
                        }
                    }
                }
            }
        },
    )
}

/// Latency in an evaluation, where there is no benchmark to look at.
pub fn evaluation_latency(evaluation: &Evaluation, names: &[String]) -> Markup {
    scrolling(
        "Latency in the evaluation",
        &html! {
            table {
                caption { "Milliseconds a picture during the evaluation, where models may run beside each other" }
                thead { tr {
                    th scope="col" { "Model" }
                    @for head in ["p50 ms", "p95", "p99", "Pictures/s"] { th scope="col" class="figure" { (head) } }
                } }
                tbody {
                    @for (index, model) in evaluation.models.iter().enumerate() {
                        @let latency = model.latency_ms;
                        tr {
                            th scope="row" { (badge(index)) " " span class="file" { (names[index]) } }
                            @for value in [latency.p50, latency.p95, latency.p99] { td class="figure" { (milliseconds(value)) } }
                            td class="figure" { (words::number(Some(model.pictures_per_second), 1)) }
                        }
                    }
                }
            }
        },
    )
}
