//! The page.

use super::Quantized;
use super::parts::{self, FLOAT_HEADS, LAYER_HEADS, POINT_HEADS, TIME_HEADS, TimeRow};
use crate::quantize::{JudgeBy, Layer, Profile};
use crate::report::chart::{self, Axis};
use crate::report::details;
use crate::report::page::{Section, document};
use crate::report::tables::scrolling;
use crate::report::words::{self, figure};
use maud::{Markup, html};

/// Numbers of the styles of points: chosen, on the front, beaten.
const CHOSEN: usize = 1;
const FRONT: usize = 0;
const BEATEN: usize = 5;

/// The whole page.
pub fn page(report: &Quantized<'_>) -> String {
    let mut sections = vec![Section { id: "tried", title: "Everything that was tried", content: tried(report) }];
    let mut push = |id, title, content| sections.push(Section { id, title, content });
    if let Some(profile) = report.outcome.profiles.last() {
        push("time", "Where the time goes", time(profile));
    }
    if !report.outcome.layers.is_empty() {
        push("layers", "Layers", layers(report));
    }
    push("steps", "What was done", steps(report));
    push("recipe", "Recipe", recipe(report));
    push("method", "How it was made", method(report));
    document(&parts::title(report), &parts::subtitle(report), &lead(report), &sections)
}

fn lead(report: &Quantized<'_>) -> Markup {
    let outcome = report.outcome;
    let best = outcome.best();
    let (agreement, ratio) = (best.measured.agreement, best.measured.ratio());
    let (tone, sign, chip) = match &outcome.failed {
        Some(_) => ("worse", "▼", "Does not pass"),
        None if ratio >= 1.0 => ("worse", "▼", "No faster than FP32"),
        None if ratio <= 0.95 => ("better", "▲", "Faster"),
        None => ("even", "≈", "About as fast"),
    };
    let place = best.measured.times.judged_by.place();
    let smaller = outcome.float_bytes as f64 / best.bytes.len().max(1) as f64;
    let [own, float] = best.measured.times.judged.ms.map(|ms| words::number(Some(ms), 2));
    let keys = [
        ("Agreement with FP32", figure(Some(agreement.f1)), format!("F1 over {} boxes", agreement.boxes)),
        ("Closeness", figure(Some(agreement.closeness)), "overlap times score ratio, 1 is equal".to_owned()),
        ("Time of FP32", words::number(Some(ratio), 2), format!("{own} ms against {float} ms {place}")),
        ("Size", words::bytes(best.bytes.len() as u64), format!("{smaller:.1}× smaller")),
        (
            "Layers in integers",
            format!("{}/{}", best.integers, report.layer_count()),
            "convolutions and products before the tail".to_owned(),
        ),
    ];
    let advice = outcome.profiles.last().and_then(|profile| profile.advice.as_ref());
    html! {
        @for warning in parts::warnings(report) { p class="warning" role="note" { (warning) } }
        div class="findings" {
            article class={ "finding " (tone) } {
                p class="tone" { span class="chip" { span aria-hidden="true" { (sign) } " " (chip) } }
                h2 class="headline" { (words::tied(&parts::headline(report))) }
                dl class="keys" {
                    @for (label, value, note) in &keys {
                        div { dt { (label) } dd { b { (value) } " " span class="muted" { (words::tied(note)) } } }
                    }
                }
                @if let Some(advice) = advice { p { (words::tied(&(parts::sentence(advice) + "."))) } }
            }
        }
    }
}

fn tried(report: &Quantized<'_>) -> Markup {
    let outcome = report.outcome;
    let table = html! {
        table {
            caption {
                "Agreement and time are against the FP32 model, on pictures that ranges were not chosen by; the chosen model is bold. "
                (parts::way(report)) "."
            }
            thead { tr {
                @for (place, head) in POINT_HEADS.iter().enumerate() {
                    th scope="col" class=[(place != 1).then_some("figure")] { (head) }
                }
            } }
            tbody {
                @for (index, point) in outcome.points.iter().enumerate() {
                    @let cells = parts::point_cells(report, index, point);
                    tr class=[(index == outcome.best).then_some("main")] {
                        td class="figure" { (cells[0]) }
                        th scope="row" { (cells[1]) @if outcome.front.contains(&index) { " " span class="muted" { "on the front" } } }
                        @for cell in &cells[2..] { td class="figure" { (cell) } }
                    }
                }
            }
        }
    };
    html! {
        @if outcome.points.len() > 1 { div class="plots" { (front(report)) } }
        (scrolling("Everything that was tried", &table))
    }
}

/// Agreement over time, with the line of those that none beats in both.
fn front(report: &Quantized<'_>) -> Markup {
    let outcome = report.outcome;
    let at = |index: usize| {
        let measured = &outcome.points[index].measured;
        (measured.ratio(), measured.agreement.f1)
    };
    let all = || (0..outcome.points.len()).map(at);
    let axis = match outcome.best().measured.times.judged_by {
        JudgeBy::Accelerated => "time / FP32, in quantscope",
        JudgeBy::Plain => "time / FP32, in plain ONNX Runtime",
    };
    let x = Axis::around(axis, all().map(|(x, _)| x), &[1.0]);
    let y = Axis::around("F1 against FP32", all().map(|(_, y)| y), &[1.0]);
    let style = |index: usize| match index {
        index if index == outcome.best => CHOSEN,
        index if outcome.front.contains(&index) => FRONT,
        _ => BEATEN,
    };
    let point = |index: usize| chart::Point { style: style(index), name: (index + 1).to_string(), at: at(index) };
    let points: Vec<chart::Point> = (0..outcome.points.len()).map(point).collect();
    let line: Vec<(f64, f64)> = outcome.front.iter().map(|index| at(*index)).collect();
    let alt = format!(
        "Agreement over time of {}; number {} is chosen",
        words::counted(points.len(), "model", "models"),
        outcome.best + 1
    );
    html! {
        figure class="plot" {
            (chart::points_on(&alt, &x, &y, &points, &line))
            ul class="legend" {
                @for (style, what) in [(CHOSEN, "chosen"), (FRONT, "on the front: none is both faster and closer"), (BEATEN, "beaten")] {
                    li { (chart::swatch(style)) (what) }
                }
            }
            figcaption { "Numbers are those of the table. Further left is faster, further up agrees better." }
        }
    }
}

fn time(profile: &Profile) -> Markup {
    html! {
        ul { @for sentence in parts::said(profile) { li { (words::tied(&sentence)) } } }
        (times("Kinds of work", "What a run is made of", &parts::work_rows(profile)))
        (times("Operators", "Operators, those that take most first", &parts::operator_rows(profile)))
        @if !profile.floats.is_empty() {
            (scrolling("What runs in floats", &html! {
                table {
                    caption { "What runs in floats, and the conversions around it" }
                    thead { tr { @for (place, head) in FLOAT_HEADS.iter().enumerate() {
                        th scope="col" class=[(1..5).contains(&place).then_some("figure")] { (head) }
                    } } }
                    tbody {
                        @for cells in parts::float_rows(profile) {
                            tr {
                                th scope="row" { (cells[0]) }
                                @for cell in &cells[1..5] { td class="figure" { (cell) } }
                                td { (cells[5]) }
                            }
                        }
                    }
                }
            }))
        }
        p class="muted note" {
            "Milliseconds of a run by ONNX Runtime's own record, the median of " (profile.runs) " runs in turn with the FP32 model; recording takes time itself, so the ratio above is measured without it."
        }
    }
}

fn times(name: &str, caption: &str, rows: &[TimeRow]) -> Markup {
    let most = rows.iter().map(|row| row.2).fold(f64::MIN_POSITIVE, f64::max);
    scrolling(
        name,
        &html! {
            table class="classes" {
                caption { (caption) }
                thead { tr { @for (place, head) in TIME_HEADS.iter().enumerate() {
                    th scope="col" class=[(place > 0).then_some("figure")] { @if place == 0 { (name) } @else { (head) } }
                } } }
                tbody {
                    @for row in rows {
                        @let cells = parts::time_cells(row);
                        tr {
                            th scope="row" { (cells[0]) }
                            td class="figure" { (cells[1]) }
                            td class="figure bar" style={ "--length: " (format!("{:.3}", row.2 / most)) } { (cells[2]) }
                            @for cell in &cells[3..] { td class="figure" { (cell) } }
                        }
                    }
                }
            }
        },
    )
}

fn layers(report: &Quantized<'_>) -> Markup {
    let all = parts::layers(report);
    let (first, others) = all.split_at(all.len().min(parts::LAYERS));
    html! {
        (layer_table(first, "Convolutions and products before the tail, the most sensitive first. Lost alone: the share of what a layer gives that is lost when it alone works in integers"))
        @if !others.is_empty() {
            details {
                summary { (words::counted(others.len(), "more layer", "more layers")) }
                (layer_table(others, "The other layers"))
            }
        }
    }
}

fn layer_table(layers: &[&Layer], caption: &str) -> Markup {
    let most = layers.iter().filter_map(|layer| layer.sensitivity).fold(f64::MIN_POSITIVE, f64::max);
    scrolling(
        "Layers",
        &html! {
            table class="classes" {
                caption { (caption) }
                thead { tr { @for (place, head) in LAYER_HEADS.iter().enumerate() {
                    th scope="col" class=[matches!(place, 2 | 3).then_some("figure")] { (head) }
                } } }
                tbody {
                    @for layer in layers {
                        @let cells = parts::layer_cells(layer);
                        @let length = layer.sensitivity.unwrap_or(0.0) / most;
                        tr {
                            th scope="row" class="file" { (cells[0]) }
                            td { (cells[1]) }
                            td class="figure" { (cells[2]) }
                            td class="figure bar" style={ "--length: " (format!("{length:.3}")) } { (cells[3]) }
                            td { (cells[4]) }
                        }
                    }
                }
            }
        },
    )
}

fn steps(report: &Quantized<'_>) -> Markup {
    html! {
        @for (name, sentences) in parts::steps(report) {
            h3 { (name) }
            ul { @for sentence in sentences { li { (words::tied(&parts::sentence(&sentence))) } } }
        }
    }
}

fn recipe(report: &Quantized<'_>) -> Markup {
    html! {
        p { "With the same pictures, quantscope quantize --recipe makes the same model of it. It is also in the metadata of the model." }
        pre tabindex="0" { code { (report.outcome.recipe.to_toml()) } }
    }
}

fn method(report: &Quantized<'_>) -> Markup {
    let mut facts = vec![("FP32 model", report.model.to_string_lossy().into_owned())];
    facts.extend(report.written.map(|path| ("Written", path.to_string_lossy().into_owned())));
    facts.extend(report.asked.iter().cloned());
    facts.push(("SHA-256 of the FP32 model", report.outcome.recipe.parent_sha256.clone()));
    facts.extend(details::place(&report.machine, &report.versions));
    html! {
        dl class="facts" { @for (name, value) in &facts { div { dt { (name) } dd { (value) } } } }
        @if !report.command.is_empty() {
            p { "The command that repeats it:" }
            pre tabindex="0" { code { (report.command) } }
        }
    }
}
