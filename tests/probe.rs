//! The search for a model's preprocessing finds that of models whose preprocessing is known. Skipped where the shared models
//! are absent.

mod common;

use serde_json::Value;
use std::collections::HashMap;

/// Pictures that are looked at together: those with the most boxes of the reference.
const PICTURES: usize = 4;
/// Share of the models whose colours and range must come first.
const FIRST_REQUIRED: f64 = 0.9;

/// How each file of the zoo is fed: colours and range as the program calls them, and the resize mode. Byte inputs have no
/// range.
const TRUTH: &[(&str, &str, &str)] = &[
    ("yolox_nano.onnx", "BGR 0…255", "letterbox_top_left"),
    ("yolox_nano_decoded.onnx", "BGR 0…255", "letterbox_top_left"),
    ("yolox_nano_fp16.onnx", "BGR 0…255", "letterbox_top_left"),
    ("yolox_nano_ext.onnx", "BGR 0…255", "letterbox_top_left"),
    ("yolox_nano_uint8_nhwc.onnx", "BGR as bytes", "letterbox_top_left"),
    ("head_yolov8_from_yolox.onnx", "BGR 0…255", "letterbox_top_left"),
    ("head_yolov7_end2end_from_yolox.onnx", "BGR 0…255", "letterbox_top_left"),
    ("head_yolonas_from_yolox.onnx", "BGR 0…255", "letterbox_top_left"),
    ("head_torchvision_from_yolox.onnx", "BGR 0…255", "letterbox_top_left"),
    ("head_yolov4_boxes_confs_from_yolox.onnx", "BGR 0…255", "letterbox_top_left"),
    ("head_yolov10_e2e_from_yolox.onnx", "BGR 0…255", "letterbox_top_left"),
    ("head_trt_efficientnms_from_yolox.onnx", "BGR 0…255", "letterbox_top_left"),
    ("head_efficientdet_automl_from_yolox.onnx", "BGR 0…255", "letterbox_top_left"),
    ("head_ssd_caffe_detectionoutput_from_yolox.onnx", "BGR 0…255", "letterbox_top_left"),
    ("head_mmdet_from_yolox.onnx", "BGR 0…255", "letterbox_top_left"),
    ("head_rfdetr_from_yolox.onnx", "BGR 0…255", "letterbox_top_left"),
    ("head_tinyyolov3_onnxzoo_from_yolox.onnx", "BGR 0…255", "letterbox_center"),
    ("picodet_xs_320_processed.onnx", "RGB ImageNet", "stretch"),
    ("picodet_xs_320_postprocessed.onnx", "RGB ImageNet", "stretch"),
    ("nanodet_m.onnx", "BGR ImageNet", "letterbox_center"),
    ("nanodet-plus-m_320.onnx", "BGR ImageNet", "stretch"),
    ("ssd_mobilenet_v1_coco_dequant_tf2onnx.onnx", "RGB as bytes", "stretch"),
    ("ssd_mobilenet_v1_coco_quant_tf2onnx.onnx", "RGB as bytes", "stretch"),
    ("deimv2_atto_coco_fp32.onnx", "RGB 0…1", "stretch"),
    ("deimv2_atto_coco_raw.onnx", "RGB 0…1", "stretch"),
    ("rtmdet_nano_person.onnx", "BGR ImageNet", "letterbox_top_left"),
    ("face_detection_yunet_2023mar.onnx", "BGR 0…255", "letterbox_top_left"),
    ("version-RFB-320.onnx", "RGB −1…1", "stretch"),
    ("face_detection_back_256x256_barracuda.onnx", "RGB −1…1", "letterbox_center"),
];

#[test]
fn the_best_preprocessing_is_kept_in_a_card() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = common::quantscope(folder.path()).current_dir(folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["scene", "--count", "8", "--out", "scene"]);
    // Away from its sidecar, and told wrongly on purpose.
    std::fs::copy(common::default_model("scene.onnx"), folder.path().join("signs.onnx")).unwrap();
    std::fs::write(folder.path().join("signs.toml"), "# mine\nscale = 1.0\n").unwrap();
    let arguments = ["inspect", "signs.onnx", "--probe", "scene/images", "--probe-out", "out", "--save-card"];
    let text = run(&arguments);
    assert!(text.contains("preprocessings, best first") && text.contains("<- what is believed now"), "{text}");
    // Trained on pictures of every light, the model is as sure with pictures that are a little too bright or too dark: the
    // true reading is among the best, and what is the best of all is in the card.
    let (_, ranking) = text.split_once("preprocessings, best first").unwrap();
    let score = |reading: &str| -> f64 {
        let row = ranking.lines().find(|line| line.contains(reading)).unwrap_or_else(|| panic!("no {reading}: {text}"));
        row.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let readings =
        [("RGB 0…1,", "scale = 0.003921569"), ("RGB ImageNet,", "mean = [123.675"), ("RGB −1…1,", "mean = [127.5")];
    let best = readings.iter().map(|(reading, _)| score(reading)).fold(0.0, f64::max);
    assert!(score("RGB 0…1,") >= best - 0.03 && best > score("RGB 0…255,") + 0.1, "{text}");
    let first = ranking.lines().find(|line| line.trim_start().starts_with("1.")).unwrap();
    let key = readings.iter().find(|(reading, _)| first.contains(reading)).unwrap_or_else(|| panic!("{first}")).1;
    let card = std::fs::read_to_string(folder.path().join("signs.toml")).unwrap();
    assert!(card.contains("# mine") && card.contains(key) && card.contains("color = \"rgb\""), "{first}\n{card}");
    let report: Value = serde_json::from_str(&run(&["inspect", "signs.onnx", "--format", "json"])).unwrap();
    assert!(report["set_by_card"]["keys"].as_array().unwrap().iter().any(|key| key == "scale"), "{report}");
    assert!(std::fs::read_dir(folder.path().join("out")).unwrap().count() >= 10);
}

#[test]
fn the_preprocessing_of_borrowed_heads_is_found() {
    // Their heads are usually fed otherwise, so that what is believed of them is wrong.
    for file in ["head_yolov8_from_yolox.onnx", "yolox_nano_uint8_nhwc.onnx"] {
        let (_, fed, resize) = TRUTH.iter().find(|(name, ..)| *name == file).unwrap();
        let Some(ranks) = ranks(file, fed, resize) else { return };
        let [same, _] = ranks.unwrap_or_else(|| panic!("{file} is not recognised"));
        assert_eq!(same, 1, "{file}");
    }
}

#[test]
#[ignore = "runs every model of the zoo ninety times a picture; `cargo test --test probe -- --ignored --nocapture` shows the table"]
fn the_preprocessing_of_the_whole_zoo_is_found() {
    let (mut first, mut all) = (0, 0);
    println!("{:<50} {:<16} {:<20} rank of colours and range, of all", "model", "fed with", "resized by");
    for (file, fed, resize) in TRUTH {
        match ranks(file, fed, resize) {
            None => return,
            Some(None) => println!("{file:<50} {fed:<16} {resize:<20} not recognised"),
            Some(Some([same, exact])) => {
                println!("{file:<50} {fed:<16} {resize:<20} {same} {exact}");
                all += 1;
                first += usize::from(same == 1);
            }
        }
    }
    println!("colours and range come first for {first} of {all} models");
    assert_eq!(all, TRUTH.len(), "a model was not recognised");
    assert!(first as f64 >= FIRST_REQUIRED * all as f64, "{first} of {all}");
}

/// Rank of the first row with the true colours and range, and of the one that is resized rightly too. None without the
/// shared models; Some(None) for a model that is not recognised.
fn ranks(file: &str, fed: &str, resize: &str) -> Option<Option<[usize; 2]>> {
    let (model, pictures) = (common::shared(&format!("zoo/{file}"))?, common::shared("coco/images/val")?);
    let folder = tempfile::tempdir().unwrap();
    let mut command = common::quantscope(folder.path());
    command.args(["inspect", "--format", "json"]).arg(&model);
    for picture in fullest_pictures(file)? {
        command.arg("--probe").arg(pictures.join(picture));
    }
    let output = command.output().unwrap();
    if !output.status.success() {
        return Some(None);
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["probe"].as_array().unwrap();
    let is_fed = |row: &&Value| row["preprocessing"].as_str().unwrap().starts_with(&format!("{fed},"));
    let rank = |row: &Value| row["rank"].as_u64().unwrap() as usize;
    let same = rows.iter().find(is_fed).map(rank).unwrap_or_else(|| panic!("{file}: {fed} is not in {rows:#?}"));
    let exact = rows.iter().filter(is_fed).find(|row| row["resize"] == resize).map(rank);
    Some(Some([same, exact.unwrap_or(same)]))
}

/// The pictures in which the reference has the most boxes of this model.
fn fullest_pictures(file: &str) -> Option<Vec<String>> {
    let path = common::shared(&format!("zoo/reference/{}.json", file.trim_end_matches(".onnx")))?;
    let boxes: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for found in boxes.as_array().unwrap() {
        *counts.entry(found["image"].as_str().unwrap()).or_default() += 1;
    }
    let mut names: Vec<_> = counts.into_iter().collect();
    names.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    Some(names.into_iter().take(PICTURES).map(|(name, _)| name.to_owned()).collect())
}
