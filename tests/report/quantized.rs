//! Reports of a quantization.

use crate::{HOSTILE, all, references, texts};
use quantscope::evaluate::Versions;
use quantscope::onnx::Executed;
use quantscope::quantize::{
    Agreement, Choice, Corrections, JudgeBy, Layer, LeftFloat, Measured, Method, Numbers, OperatorTime, Outcome, Point,
    Profile, Reason, Recipe, Speed, Times, Work, WorkTime,
};
use quantscope::report::{Quantized, write_quantized};
use quantscope::runtime::MachineInfo;
use scraper::Html;
use serde_json::Value;
use std::path::Path;

fn point(float_until_stride: usize, f1: f64, ratio: f64) -> Point {
    let agreement =
        Agreement { f1, closeness: f1 - 0.05, mean_iou: 0.93, mean_score_delta: 0.02, boxes: 240, pictures: 32 };
    let executed = Executed { convolutions: 113, integer_convolutions: 104, ..Executed::default() };
    let judged = Speed { ratio, ms: [14.4 * ratio, 14.4] };
    let other = Some(Speed { ratio: ratio + 0.2, ..judged });
    let times = Times { other, ..Times::new(JudgeBy::Accelerated, judged) };
    Point {
        choice: Choice { float_until_stride, ..Choice::default() },
        integers: 113 - float_until_stride,
        float: Default::default(),
        measured: Measured { agreement, times, ap: None, executed: Some(executed) },
        bytes: vec![0; 1_320_000].into(),
    }
}

fn profile(of_int8: bool) -> Profile {
    let reference = |ms: f64| of_int8.then_some(ms);
    let (layers, elements) = if of_int8 { (5.4, 5.1) } else { (11.0, 2.9) };
    let all = layers + elements;
    let work =
        |work, nodes, ms: f64, before| WorkTime { work, nodes, ms, share: ms / all, reference_ms: reference(before) };
    let operator = |operator: &str, work, nodes, ms: f64, before| OperatorTime {
        operator: operator.into(),
        work,
        nodes,
        ms,
        share: ms / all,
        reference_ms: reference(before),
    };
    let kind = if of_int8 { Work::IntegerLayers } else { Work::FloatLayers };
    let left = LeftFloat {
        reason: Reason::NoIntegerForm,
        operator: if of_int8 { HOSTILE.into() } else { String::new() },
        nodes: 3,
        ms: 0.4,
        conversions: 6,
        conversion_ms: 0.3,
    };
    Profile {
        path: "yolox_nano.onnx".into(),
        numbers: if of_int8 { "INT8 (QDQ)".into() } else { "FP32".into() },
        accelerated: false,
        run_ms: all,
        reference_ms: reference(13.9),
        runs: 20,
        operators: vec![
            operator(if of_int8 { "QLinearConv" } else { "Conv" }, kind, 113, layers, 0.0),
            operator("Sigmoid", Work::Elements, 104, elements, 2.9),
        ],
        work: vec![work(kind, 113, layers, 0.0), work(Work::Elements, 104, elements, 2.9)],
        floats: if of_int8 { vec![left] } else { Vec::new() },
        findings: vec!["convolutions and products went from 11.0 to 5.40 ms".into()],
        advice: of_int8.then(|| "INT8 (QDQ) is the faster choice here: 0.76 of the time of FP32".into()),
    }
}

fn layer(name: &str, sensitivity: Option<f64>, integer: bool) -> Layer {
    Layer { name: name.into(), op: "Conv".into(), weights: 864, sensitivity, integer }
}

fn outcome() -> Outcome {
    let points = vec![
        point(0, 0.58, 0.75),
        point(4, 0.81, 0.79),
        point(8, 0.932, 0.81),
        point(16, 0.938, 0.86),
        point(2, 0.6, 0.9),
    ];
    Outcome {
        recipe: Recipe {
            parent_sha256: "01".repeat(32),
            method: Method::Mse,
            weight_limit: 127,
            pictures: 96,
            corrections: Corrections::default(),
            judged_by: Some(JudgeBy::Accelerated),
            numbers: Numbers::default(),
            choice: points[2].choice.clone(),
        },
        points,
        best: 2,
        front: vec![0, 1, 2, 3],
        failed: None,
        layers: vec![layer("Conv_0", Some(0.78), false), layer(HOSTILE, None, true), layer("Conv_9", Some(0.02), true)],
        float_bytes: 3_680_000,
        notes: vec!["ONNX Runtime's optimizer left 312 of 410 operators".into(), HOSTILE.into()],
        profiles: vec![profile(false), profile(true)],
    }
}

fn report(outcome: &Outcome) -> Quantized<'_> {
    let machine = MachineInfo {
        board: None,
        cpu: "AMD EPYC 9B14".into(),
        architecture: "x86_64".into(),
        physical_cores: Some(2),
        logical_cores: 2,
        memory_bytes: Some(4 << 30),
        os: "Debian 12".into(),
        cpu_features: vec!["avx2".into(), "avx512vnni".into()],
    };
    Quantized {
        outcome,
        model: Path::new("models/yolox_nano.onnx"),
        written: Some(Path::new("models/yolox_nano.int8.onnx")),
        asked: vec![("Calibrated with", "coco/train, at most 128 pictures".into()), ("Numbers", HOSTILE.into())],
        begun: 1_795_426_560,
        seconds: 66.2,
        machine,
        versions: Versions { quantscope: "0.1.0".into(), onnxruntime: "1.32.0".into() },
        command: format!("quantscope quantize yolox_nano.onnx '{HOSTILE}'"),
    }
}

fn text_of(name: &str, report: &Quantized<'_>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    write_quantized(&path, report).unwrap();
    std::fs::read_to_string(&path).unwrap()
}

#[test]
fn the_page_holds_every_part_and_runs_nothing() {
    let outcome = outcome();
    let text = text_of("report.html", &report(&outcome));
    let page = Html::parse_document(&text);
    assert_eq!(page.errors, Vec::<String>::new(), "not a valid page");
    assert_eq!(references(&page), Vec::<String>::new());
    assert_eq!(
        texts(&page, "section h2"),
        ["Everything that was tried", "Where the time goes", "Layers", "What was done", "Recipe", "How it was made"]
    );
    assert_eq!(texts(&page, "h1"), ["yolox_nano.int8.onnx, quantized from yolox_nano.onnx"]);
    let headline = &texts(&page, ".headline")[0];
    let told =
        "Float before stride 8, F1 0.932 against the FP32 model, 0.81 of the FP32 time in quantscope, 1.01 in plain";
    assert!(headline.starts_with(told), "{headline}");
    assert!(text.contains("accelerated where that can be done"), "how the time was taken is said");
    assert_eq!(all(&page, "section#tried tbody tr").len(), 5);
    assert_eq!(all(&page, "section#tried tbody tr.main").len(), 1);
    assert_eq!(all(&page, "section#tried svg.chart .mark").len(), 5, "a mark a model");
    assert_eq!(all(&page, "section#tried svg.chart path.line").len(), 1, "and the front");
    for part in
        ["0.76 of the time of FP32", "QLinearConv", "6", "96 pictures for ranges", "parent_sha256", "avx512vnni"]
    {
        assert!(text.contains(part), "{part}");
    }
    let layers = texts(&page, "section#layers tbody th");
    assert!(layers[0] == "Conv_0" && layers[1] == "Conv_9" && layers.len() == 3, "{layers:?}");
    for svg in all(&page, "svg") {
        let named = svg.attr("aria-label").is_some_and(|label| label.len() > 10) && svg.attr("role") == Some("img");
        assert!(named || svg.attr("aria-hidden") == Some("true"), "{}", svg.html());
    }
    let mut failed = outcome.clone();
    failed.failed = Some("its agreement with the FP32 model is 0.932, and 0.990 was asked for".into());
    failed.profiles.clear();
    let text = text_of("report.html", &Quantized { written: None, ..report(&failed) });
    assert!(text.contains("does not pass: its agreement") && text.contains("nothing was written"), "{text}");
}

#[test]
fn every_form_has_every_model_and_the_operators() {
    let outcome = outcome();
    let report = report(&outcome);
    let markdown = text_of("report.md", &report);
    for part in ["| **3** |", "## Where the time goes", "`QLinearConv`", "```toml\nparent_sha256", "yes |"] {
        assert!(markdown.contains(part), "{part} in\n{markdown}");
    }
    // What stands in code is no markup.
    for line in markdown.lines().filter(|line| !line.contains('`')) {
        assert!(!line.contains("<script>") && !line.contains("@all"), "{line}");
    }
    assert!(markdown.contains("&lt;script>"), "{markdown}");
    let rows: Vec<std::collections::BTreeMap<String, String>> =
        csv::Reader::from_reader(text_of("report.csv", &report).as_bytes()).deserialize().map(Result::unwrap).collect();
    let part = |name: &str| rows.iter().filter(|row| row["part"] == name).collect::<Vec<_>>();
    assert_eq!((part("tried").len(), part("work").len(), part("operator").len(), part("float").len()), (5, 2, 2, 1));
    assert_eq!(part("layer").iter().map(|row| row["sensitivity"].as_str()).collect::<Vec<_>>(), ["0.78", "", "0.02"]);
    assert_eq!((part("tried")[2]["chosen"].as_str(), part("tried")[2]["f1"].as_str()), ("true", "0.932"));
    let way = |name: &str| part("tried")[2][name].clone();
    assert_eq!(
        (way("judged_by"), way("accelerated_ratio"), way("latency_ratio")),
        ("accelerated".into(), "0.81".into(), "0.81".into())
    );
    assert!(markdown.contains("in plain ONNX Runtime, looked at for the front only"), "{markdown}");
    let json: Value = serde_json::from_str(&text_of("report.json", &report)).unwrap();
    assert_eq!((&json["best"], json["points"].as_array().unwrap().len()), (&Value::from(2), 5));
    let point = &json["points"][2];
    assert_eq!(
        (&point["judged_by"], &point["latency_ratio"]),
        (&Value::from("accelerated"), &point["accelerated"]["ratio"])
    );
    assert!(point["plain"]["ratio"].as_f64().unwrap() > 1.0 && point["not_accelerated"].is_null(), "{point}");
    assert_eq!(json["profiles"][1]["floats"][0]["reason"], "no_integer_form");
    assert_eq!(json["asked"]["Calibrated with"], "coco/train, at most 128 pictures");
}
