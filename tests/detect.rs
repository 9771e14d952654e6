//! `quantscope detect` against the detections that another program made with the same model and pictures.

mod common;

use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// Pixels that an edge of a box may lie off: the reference was resized by another library and rounded.
const EDGE_TOLERANCE: f64 = 1.0;
/// What a score may be off, for the same reason.
const SCORE_TOLERANCE: f64 = 0.01;
/// Share of the reference's boxes above [`REFERENCE_SCORE`] that must be found within the tolerances.
const SHARE_REQUIRED: f64 = 0.98;
/// Boxes of the reference below this score are not looked for.
const REFERENCE_SCORE: f64 = 0.3;

struct Found {
    class_id: i64,
    score: f64,
    rect: [f64; 4],
}

fn detect(model: &Path, pictures: &Path, extra: &[&str]) -> HashMap<String, Vec<Found>> {
    let config = tempfile::tempdir().unwrap();
    let output = common::quantscope(config.path())
        .arg("detect")
        .arg(pictures)
        .arg("--model")
        .arg(model)
        .args(["--confidence", "0.001", "--iou", "0.65", "--format", "json"])
        .args(extra)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let numbers =
            |value: &Value| -> Vec<f64> { value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect() };
        let found = value["detections"].as_array().unwrap().iter().map(|d| Found {
            class_id: d["class_id"].as_i64().unwrap(),
            score: d["score"].as_f64().unwrap(),
            rect: numbers(&d["box"]).try_into().unwrap(),
        });
        assert!(value["timings_ms"]["inference"].as_f64().unwrap() > 0.0);
        (value["source"].as_str().unwrap().to_owned(), found.collect())
    };
    text.lines().map(line).collect()
}

#[test]
fn yolox_nano_finds_the_boxes_of_the_reference() {
    let (Some(model), Some(pictures)) = (common::shared("zoo/yolox_nano.onnx"), common::shared("coco/images/val"))
    else {
        return;
    };
    let (Some(reference), Some(instances)) =
        (common::shared("coco/reference/yolox_nano_detections.json"), common::shared("coco/instances_val.json"))
    else {
        return;
    };
    let read = |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let names: HashMap<i64, String> = read(&instances)["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| {
            let name = Path::new(image["file_name"].as_str().unwrap()).file_name().unwrap();
            (image["id"].as_i64().unwrap(), name.to_string_lossy().into_owned())
        })
        .collect();
    let found = detect(&model, &pictures, &[]);
    assert_eq!(found.len(), names.len());
    let (mut wanted, mut met) = (0, 0);
    for truth in read(&reference).as_array().unwrap() {
        let score = truth["score"].as_f64().unwrap();
        if score <= REFERENCE_SCORE {
            continue;
        }
        wanted += 1;
        let b: Vec<f64> = truth["bbox"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let edges = [b[0], b[1], b[0] + b[2], b[1] + b[3]];
        let near = |f: &&Found| {
            f.class_id == truth["category_id"].as_i64().unwrap()
                && (f.score - score).abs() <= SCORE_TOLERANCE
                && f.rect.iter().zip(edges).all(|(a, b)| (a - b).abs() <= EDGE_TOLERANCE)
        };
        met += usize::from(found[&names[&truth["image_id"].as_i64().unwrap()]].iter().any(|f| near(&f)));
    }
    let share = met as f64 / wanted as f64;
    println!("{met} of {wanted} boxes of the reference were found ({share:.4})");
    assert!(wanted > 100 && share >= SHARE_REQUIRED, "only {share:.4} of the reference's boxes were found");
}

#[test]
fn every_way_to_feed_one_network_finds_the_same_boxes() {
    let Some(pictures) = common::shared("coco/images/val") else { return };
    let Some(plain) = common::shared("zoo/yolox_nano.onnx") else { return };
    let reference = detect(&plain, &pictures, &["--limit", "8"]);
    // Pixels that an edge may lie off, and the share of boxes that must be found: 16-bit floats change which of two nearly
    // equal boxes survives.
    for (name, tolerance, share) in [
        ("yolox_nano_decoded.onnx", 0.02, 1.0),
        ("yolox_nano_uint8_nhwc.onnx", 0.02, 1.0),
        ("yolox_nano_ext.onnx", 0.001, 1.0),
        ("yolox_nano_fp16.onnx", 4.0, 0.9),
    ] {
        let Some(model) = common::shared(&format!("zoo/{name}")) else { continue };
        let found = detect(&model, &pictures, &["--limit", "8"]);
        let (mut wanted, mut met) = (0, 0);
        for (picture, boxes) in &reference {
            for b in boxes.iter().filter(|b| b.score > REFERENCE_SCORE) {
                let near = |f: &Found| {
                    f.class_id == b.class_id && f.rect.iter().zip(b.rect).all(|(x, y)| (x - y).abs() <= tolerance)
                };
                wanted += 1;
                met += usize::from(found[picture].iter().any(near));
            }
        }
        assert!(met as f64 >= share * wanted as f64, "{name}: {met} of {wanted} boxes");
    }
}
