//! Reports: what they hold in each form, and that nothing in a label, a path or a sentence can harm their reader.

mod browser;
mod forms;
mod quantized;
mod samples;

use quantscope::report::{Report, write};
use quantscope::scene::CLASS_NAMES;
use scraper::{Html, Selector};
use serde_json::Value;
use std::path::{Path, PathBuf};

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>|`@all`\u{0}\u{202e}";

fn text_of(name: &str, report: &Report<'_>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    write(&path, report).unwrap();
    std::fs::read_to_string(&path).unwrap()
}

fn page_of(report: &Report<'_>) -> (String, Html) {
    let text = text_of("report.html", report);
    let page = Html::parse_document(&text);
    assert_eq!(page.errors, Vec::<String>::new(), "not a valid page");
    (text, page)
}

fn all<'a>(page: &'a Html, selector: &str) -> Vec<scraper::ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn texts(page: &Html, selector: &str) -> Vec<String> {
    all(page, selector).iter().map(|element| element.text().collect::<String>().trim().to_owned()).collect()
}

#[test]
fn the_page_holds_every_part() {
    let folder = tempfile::tempdir().unwrap();
    let mut evaluation = samples::evaluation(2, &CLASS_NAMES);
    samples::add_differences(&mut evaluation, folder.path(), 3);
    samples::add_problems(&mut evaluation);
    let benchmark = samples::benchmark(2, &[2]);
    let (text, page) = page_of(&Report { evaluation: Some(&evaluation), benchmark: Some(&benchmark) });
    let titles = texts(&page, "section h2");
    for title in ["Accuracy", "Agreement with the reference", "Speed", "Where they differ", "How it was measured"] {
        assert!(titles.iter().any(|it| it == title), "{title} in {titles:?}");
    }
    let headline = &texts(&page, ".headline")[0];
    assert_eq!(headline, "INT8 (QDQ) keeps 99.7\u{a0}% of the AP, needs 0.47 of the latency and is 3.6× smaller.");
    for sentence in [
        "AP 0.331 against 0.332: the difference of −0.001 [−0.006,\u{a0}+0.004] is within the noise of 64 pictures",
        "AMD EPYC 9B14",
        "ONNX Runtime 1.22.0",
        "quantscope eval coco/instances_val.json",
        "2026-11-23 09:36 UTC",
        &"01".repeat(32),
        "hair drier, toaster",
        "INT8 is 2.1× faster than FP32",
        "may be read by root only",
        "other programs took 2.1 % of the processors",
        "is listed and not there",
    ] {
        assert!(text.contains(sentence), "{sentence}");
    }
    assert_eq!(all(&page, "section#accuracy tbody tr.main td").len(), 2);
    assert_eq!(
        texts(&page, "section#accuracy table:first-of-type tbody th")[..2],
        ["AP mean over IoU 0.50 to 0.95", "AP50 at IoU 0.50"]
    );
    assert_eq!(all(&page, "svg.chart").len(), 7, "differences, agreement, AP over latency, PR, F1, stages, ratios");
    assert_eq!(all(&page, "table.heat").len(), 2);
    assert_eq!(all(&page, "table.classes tbody tr").len(), CLASS_NAMES.len());
    assert_eq!(all(&page, "figure.difference svg.photo").len(), 9);
    assert_eq!(all(&page, "svg image").len(), 3, "each picture once");
    assert_eq!(all(&page, "svg use").len(), 6);
}

#[test]
fn everything_that_is_drawn_is_told_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut evaluation = samples::evaluation(3, &CLASS_NAMES);
    samples::add_differences(&mut evaluation, folder.path(), 2);
    let benchmark = samples::benchmark(2, &[1, 2]);
    let (_, page) = page_of(&Report { evaluation: Some(&evaluation), benchmark: Some(&benchmark) });
    for svg in all(&page, "svg") {
        let named = svg.attr("aria-label").is_some_and(|label| label.len() > 10) && svg.attr("role") == Some("img");
        assert!(named || svg.attr("aria-hidden") == Some("true"), "{}", svg.html());
    }
    for table in all(&page, "table") {
        let captions = Selector::parse("caption").unwrap();
        assert_eq!(table.select(&captions).count(), 1);
    }
    for head in all(&page, "th") {
        assert!(["col", "row", "colgroup"].contains(&head.attr("scope").unwrap_or_default()), "{}", head.html());
    }
    let ids: Vec<&str> = all(&page, "[id]").iter().filter_map(|element| element.attr("id")).collect();
    let distinct: std::collections::BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(ids.len(), distinct.len(), "{ids:?}");
    for link in all(&page, "[href^='#']") {
        let to = link.attr("href").unwrap().trim_start_matches('#').to_owned();
        assert!(ids.contains(&to.as_str()), "nothing is at {to}");
    }
}

/// Attributes and style rules through which a page could fetch something.
fn references(page: &Html) -> Vec<String> {
    let mut found = Vec::new();
    for element in all(page, "*") {
        for (name, value) in element.value().attrs() {
            let fetches =
                ["src", "href", "xlink:href", "srcset", "action", "data", "poster", "background"].contains(&name);
            if fetches && !value.starts_with('#') && !value.starts_with("data:image/jpeg;base64,") {
                found.push(format!("{name}={value}"));
            }
            if name.starts_with("on") || value.contains("url(") || value.trim_start().starts_with("javascript:") {
                found.push(format!("{name}={value}"));
            }
        }
        if ["script", "link", "iframe", "object", "embed", "base", "form"].contains(&element.value().name()) {
            found.push(element.html());
        }
    }
    for style in texts(page, "style") {
        found.extend(["url(", "@import", "http"].iter().filter(|word| style.contains(**word)).map(|w| (*w).to_owned()));
    }
    found
}

/// An evaluation and a benchmark in which every text is hostile.
fn hostile(folder: &Path) -> (quantscope::evaluate::Evaluation, quantscope::benchmark::Benchmark) {
    let mut evaluation = samples::evaluation(3, &[HOSTILE, "=1+1", "b"]);
    samples::add_differences(&mut evaluation, folder, 1);
    samples::add_problems(&mut evaluation);
    let odd = odd_path();
    for model in &mut evaluation.models {
        model.path.clone_from(&odd);
        (model.numbers, model.precision) = (HOSTILE.to_owned(), HOSTILE.to_owned());
        (model.sha256, model.error) = (HOSTILE.to_owned(), Some(HOSTILE.to_owned()));
        (model.unmatched_model_classes, model.warnings) = (vec![HOSTILE.to_owned()], vec![HOSTILE.to_owned()]);
    }
    evaluation.dataset.path.clone_from(&odd);
    evaluation.dataset.problems[0].examples = vec![HOSTILE.to_owned()];
    evaluation.settings.command = format!("quantscope eval {HOSTILE}");
    evaluation.machine.cpu = HOSTILE.to_owned();
    evaluation.versions.onnxruntime = HOSTILE.to_owned();
    evaluation.differences[0].path.clone_from(&odd);
    let difference = &mut evaluation.differences[0];
    for named in difference.truth.iter_mut().chain(&mut difference.candidate_boxes) {
        named.label = HOSTILE.to_owned();
    }
    evaluation.differences[0].reference_boxes[0].rect = [f32::NAN, f32::INFINITY, -1e30, 3.0];
    let mut benchmark = samples::benchmark(2, &[1, 2]);
    benchmark.noise = Some(HOSTILE.to_owned());
    (benchmark.notes, benchmark.conclusions) = (vec![HOSTILE.to_owned()], vec![HOSTILE.to_owned()]);
    (benchmark.source, benchmark.command) = (HOSTILE.to_owned(), format!("bench {HOSTILE}"));
    for entry in &mut benchmark.models {
        entry.path.clone_from(&odd);
        (entry.numbers, entry.provider) = (HOSTILE.to_owned(), HOSTILE.to_owned());
        (entry.fps, entry.latency_ratio) = (f64::NAN, f64::INFINITY);
    }
    (evaluation, benchmark)
}

/// A path that is markup, and on Unix no Unicode either.
fn odd_path() -> PathBuf {
    let mut path = PathBuf::from("models");
    #[cfg(unix)]
    path.push(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\xfe<script>\"'&.onnx"));
    #[cfg(not(unix))]
    path.push("'&.onnx");
    path
}

#[test]
fn nothing_hostile_gets_out_of_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (evaluation, benchmark) = hostile(folder.path());
    let report = Report { evaluation: Some(&evaluation), benchmark: Some(&benchmark) };
    let (text, page) = page_of(&report);
    assert_eq!(references(&page), Vec::<String>::new());
    assert!(all(&page, "img, script").is_empty());
    assert!(text.contains("&lt;script&gt;alert(1)"), "it is shown as text");
    assert!(!text.contains(['\u{0}', '\u{202e}']));
    assert!(!text.contains("NaN") && !text.contains("inf\""));
    let markdown = text_of("report.md", &report);
    assert!(!markdown.contains("\n<script") && !markdown.contains("| <script"), "{markdown}");
    for table in text_of("report.csv", &report).lines() {
        assert!(!table.contains(",=1+1"), "a formula: {table}");
    }
    let json: Value = serde_json::from_str(&text_of("report.json", &report)).unwrap();
    assert_eq!(json["evaluation"]["models"][0]["precision"], HOSTILE, "json keeps what it is given");
}
