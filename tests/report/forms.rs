//! The four forms, what is said in words, and what happens when a report cannot be written.

use crate::{page_of, samples, text_of, texts};
use quantscope::report::{Form, Report, ReportError, Tone, findings, write};
use quantscope::scene::CLASS_NAMES;
use serde_json::Value;
use std::path::Path;

#[test]
fn json_is_the_contract_and_with_both_an_object_of_both() {
    let evaluation = samples::evaluation(2, &CLASS_NAMES);
    let benchmark = samples::benchmark(2, &[2]);
    let read = |evaluation, benchmark| -> Value {
        serde_json::from_str(&text_of("r.json", &Report { evaluation, benchmark })).unwrap()
    };
    let of_evaluation = read(Some(&evaluation), None);
    assert_eq!(of_evaluation["dataset"]["images"], 64);
    assert_eq!(of_evaluation["models"][1]["precision"], "int8");
    assert_eq!(of_evaluation["models"][1]["ap"], 0.331);
    assert_eq!(of_evaluation["models"][1]["acceleration"]["look_ups"], 57);
    assert!(of_evaluation["models"][1]["ap_small"].is_null());
    assert_eq!(of_evaluation["agreement"][0]["candidate"], 1);
    assert_eq!(of_evaluation["agreement"][0]["mean_iou"], 0.94);
    assert_eq!(of_evaluation["models"][0]["latency_ms"]["p50"].as_f64().map(|p50| (p50 * 100.0).round()), Some(981.0));
    let of_benchmark = read(None, Some(&benchmark));
    assert_eq!(of_benchmark["models"][0]["frames"], 200);
    assert!(of_benchmark["models"][0]["stages_ms"]["preprocess"]["p50"].is_number());
    let of_both = read(Some(&evaluation), Some(&benchmark));
    assert_eq!((&of_both["evaluation"], &of_both["benchmark"]), (&of_evaluation, &of_benchmark));
}

#[test]
fn the_spreadsheet_can_be_read_again() {
    let evaluation = samples::evaluation(2, &["person", "a, \"quoted\"\nclass", "=SUM(A1)"]);
    let benchmark = samples::benchmark(2, &[1, 2]);
    let text = text_of("r.csv", &Report { evaluation: Some(&evaluation), benchmark: Some(&benchmark) });
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let heads = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: &csv::StringRecord, name: &str| -> String {
        let column = heads.iter().position(|head| head == name).unwrap_or_else(|| panic!("no column {name}"));
        row[column].to_owned()
    };
    let of = |part: &str| -> Vec<&csv::StringRecord> { rows.iter().filter(|row| &row[0] == part).collect() };
    assert_eq!([of("accuracy").len(), of("agreement").len(), of("speed").len(), of("class").len()], [2, 1, 4, 6]);
    assert_eq!(rows.len(), 13);
    let int8 = of("accuracy")[1];
    assert_eq!(
        (cell(int8, "model"), cell(int8, "ap"), cell(int8, "ap_small")),
        ("yolox_nano_int8.onnx".into(), "0.331".into(), String::new())
    );
    assert_eq!(cell(of("agreement")[0], "reference"), "yolox_nano.onnx");
    assert_eq!(cell(of("agreement")[0], "ap_difference_low"), "-0.0062");
    assert_eq!(cell(of("speed")[1], "threads"), "2");
    assert_eq!(cell(int8, "acceleration"), "57, 1.50×");
    assert!(cell(of("speed")[2], "latency_ratio").parse::<f64>().unwrap() < 0.5);
    let classes: Vec<String> = of("class").iter().map(|row| cell(row, "class")).collect();
    assert_eq!(classes[..3], ["person", "a, \"quoted\"\nclass", "'=SUM(A1)"], "no formula");
}

#[test]
fn markdown_has_tables_with_equal_columns() {
    let mut evaluation = samples::evaluation(3, &["a|b", "c"]);
    samples::add_problems(&mut evaluation);
    let benchmark = samples::benchmark(2, &[2]);
    let text = text_of("r.md", &Report { evaluation: Some(&evaluation), benchmark: Some(&benchmark) });
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let lines: Vec<&str> = text.lines().collect();
    let tables: Vec<usize> = (1..lines.len()).filter(|&at| lines[at].starts_with("| ---")).collect();
    assert_eq!(tables.len(), 5, "figures, classes, agreement, speed, models:\n{text}");
    for rule in tables {
        let rows = lines[rule - 1..].iter().take_while(|line| line.starts_with('|'));
        let counts: Vec<usize> = rows.map(|line| columns(line)).collect();
        assert!(
            counts.len() > 2 && counts.iter().all(|count| *count == counts[0]),
            "{counts:?} at {}",
            lines[rule - 1]
        );
    }
    for part in
        ["**yolox_nano_int8.onnx keeps", "`a\\|b`", "```sh\nquantscope eval", "Picture missing or unreadable: 3"]
    {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn a_model_that_was_not_measured_and_a_noisy_machine_are_said_before_the_figures() {
    let mut benchmark = samples::benchmark(2, &[2]);
    benchmark.noise = Some("The machine was noisy: other programs used 31 % of the processor.".to_owned());
    let message = "/m/broken.onnx: it is cut off".to_owned();
    benchmark.failures = vec![quantscope::benchmark::ModelFailure { path: "/m/broken.onnx".into(), message }];
    let report = Report { evaluation: None, benchmark: Some(&benchmark) };
    let text = text_of("r.md", &report);
    let (before, _) = text.split_once("## Speed").unwrap();
    assert_eq!(before.matches("The machine was noisy").count(), 1, "{before}");
    assert!(before.contains("Not measured: /m/broken.onnx: it is cut off"), "{before}");
    let json: serde_json::Value = serde_json::from_str(&text_of("r.json", &report)).unwrap();
    assert_eq!(json["failures"][0]["path"], "/m/broken.onnx");
}

#[test]
fn a_difference_is_seen_against_its_noise() {
    let mut evaluation = samples::evaluation(5, &CLASS_NAMES);
    let report = Report { evaluation: Some(&evaluation), benchmark: None };
    let found = findings(&report);
    let tones: Vec<Tone> = found.iter().map(|finding| finding.tone).collect();
    assert_eq!(tones, [Tone::WithinNoise, Tone::Worse, Tone::Open, Tone::WithinNoise]);
    assert!(found[1].details[0].contains("is more than the noise of 64 pictures explains"), "{:?}", found[1]);
    assert!(found[2].details[0].contains("no interval was computed"), "{:?}", found[2]);
    // Two of the five are called INT8 (QDQ), so that their files have to tell them apart.
    assert!(found[0].headline.starts_with("yolox_nano_int8.onnx keeps 99.7 % of the AP"), "{}", found[0].headline);
    assert!(found[0].details.iter().any(|it| it.contains("a benchmark tells it fairly")), "{:?}", found[0]);
    evaluation.agreement[0].ap_difference_interval = Some([0.001, 0.01]);
    let better = findings(&Report { evaluation: Some(&evaluation), benchmark: None });
    assert_eq!(better[0].tone, Tone::Better);
    let benchmark = samples::benchmark(2, &[2]);
    let fast = findings(&Report { evaluation: None, benchmark: Some(&benchmark) });
    assert_eq!(fast.len(), 1);
    assert_eq!(fast[0].tone, Tone::Better);
    assert_eq!(fast[0].headline, "yolox_nano_int8.onnx is 2.1× faster than yolox_nano.onnx.");
}

#[test]
fn a_page_needs_none_of_its_optional_parts() {
    let mut evaluation = samples::evaluation(2, &[]);
    evaluation.complete = false;
    evaluation.agreement.clear();
    for model in &mut evaluation.models {
        (model.accuracy, model.pictures) = (None, 0);
        (model.coco, model.latency_ms) = (Default::default(), Default::default());
    }
    let (text, page) = page_of(&Report { evaluation: Some(&evaluation), benchmark: None });
    assert!(text.contains("This evaluation is partial"));
    assert_eq!(texts(&page, "section h2"), ["Accuracy", "Speed", "How it was measured"]);
    evaluation.models.truncate(1);
    page_of(&Report { evaluation: Some(&evaluation), benchmark: None });
    evaluation.models.clear();
    let (text, _) = page_of(&Report { evaluation: Some(&evaluation), benchmark: None });
    assert!(text.contains("Nothing was measured"));
    let (mut benchmark, one) = (samples::benchmark(1, &[]), samples::benchmark(1, &[2]));
    page_of(&Report { evaluation: None, benchmark: Some(&one) });
    page_of(&Report { evaluation: None, benchmark: Some(&benchmark) });
    benchmark.noise = Some("it was.".to_owned());
    for name in ["r.csv", "r.md", "r.json"] {
        assert!(!text_of(name, &Report { evaluation: Some(&evaluation), benchmark: Some(&benchmark) }).is_empty());
    }
}

#[test]
fn agreement_that_names_models_which_are_not_there_does_no_harm() {
    let mut evaluation = samples::evaluation(2, &CLASS_NAMES);
    (evaluation.agreement[0].candidate, evaluation.agreement[0].reference) = (7, 9);
    for name in ["r.html", "r.csv", "r.md"] {
        text_of(name, &Report { evaluation: Some(&evaluation), benchmark: None });
    }
}

#[test]
fn the_form_is_told_by_the_ending() {
    for (name, form) in [("a.HTML", Form::Html), ("a.htm", Form::Html), ("b/c.json", Form::Json), ("x.csv", Form::Csv)]
    {
        assert_eq!(Form::of(Path::new(name)).unwrap(), form);
    }
    assert_eq!(Form::of(Path::new("notes.md")).unwrap(), Form::Markdown);
    for name in ["report.pdf", "report", ".html", ""] {
        let error = Form::of(Path::new(name)).unwrap_err();
        assert!(matches!(error, ReportError::UnknownForm { .. }));
        assert!(error.to_string().contains(".html, .json, .csv or .md"), "{error}");
    }
}

#[test]
fn a_report_that_cannot_be_written_leaves_the_older_one() {
    let folder = tempfile::tempdir().unwrap();
    let evaluation = samples::evaluation(2, &CLASS_NAMES);
    let report = Report { evaluation: Some(&evaluation), benchmark: None };
    let path = folder.path().join("r.json");
    std::fs::write(&path, "older").unwrap();
    let nothing = write(&path, &Report { evaluation: None, benchmark: None }).unwrap_err();
    assert!(matches!(nothing, ReportError::Nothing { .. }), "{nothing}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "older");
    write(&path, &report).unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().starts_with('{'));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    let nowhere = folder.path().join("missing").join("r.html");
    let error = write(&nowhere, &report).unwrap_err();
    assert!(error.to_string().contains("r.html") && matches!(error, ReportError::Write { .. }), "{error}");
    let taken = folder.path().join("taken.html");
    std::fs::create_dir_all(taken.join("inside")).unwrap();
    write(&taken, &report).unwrap_err();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_older_report() {
    // A limit on the size of files stands in for the disk's: the write fails in the same place.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.html");
    std::fs::write(&path, "older").unwrap();
    let program = std::env::current_exe().unwrap();
    let status = std::process::Command::new("sh")
        .args(["-c", "ulimit -f 8; trap '' XFSZ; exec \"$0\" forms::writes_where_told --ignored --exact"])
        .arg(program)
        .env("REPORT_OF_TEST", &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.status.success(), "{said}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "older");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
#[ignore = "the other half of a_full_disk_leaves_the_older_report"]
fn writes_where_told() {
    let Some(path) = std::env::var_os("REPORT_OF_TEST") else { return };
    let evaluation = samples::evaluation(2, &CLASS_NAMES);
    let error = write(Path::new(&path), &Report { evaluation: Some(&evaluation), benchmark: None }).unwrap_err();
    assert!(matches!(error, ReportError::Write { .. }), "{error}");
    assert!(error.to_string().contains("the space on the disk"), "{error}");
}
