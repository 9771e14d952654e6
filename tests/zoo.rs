//! Real detectors of every family: each is recognised from its file, and `quantscope detect` finds the boxes that an
//! independent decoder found. Skipped where the shared models are absent.

mod common;

use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// Share of the reference's boxes that must be found.
const SHARE_REQUIRED: f64 = 0.97;
/// Overlap from which a box counts as found.
const IOU_REQUIRED: f64 = 0.9;
/// What a score may be off.
const SCORE_TOLERANCE: f64 = 0.03;
/// What F1 may be off.
const F1_TOLERANCE: f64 = 0.01;

/// How the network behind the borrowed heads is fed: it is YOLOX-Nano, whatever its head looks like.
const AS_YOLOX: &str =
    "color = \"bgr\"\nscale = 1\nmean = [0, 0, 0]\nstd = [1, 1, 1]\nresize = \"letterbox_top_left\"\npad = 114\n";

/// Defines a test for a file: its name, the head that must be recognised, and the card that its preprocessing needs.
macro_rules! zoo {
    ($($name:ident: $file:literal is $head:literal $(with $card:expr)?;)+) => {
        $(#[test]
        fn $name() {
            let card: &[&str] = &[$($card)?];
            check($file, $head, card.first().copied());
        })+

        #[test]
        fn every_file_has_a_test() {
            let Some(table) = common::shared("zoo/zoo.tsv") else { return };
            let tested = [$($file),+];
            for line in std::fs::read_to_string(table).unwrap().lines().skip(1) {
                let file = line.split('\t').next().unwrap();
                assert!(tested.contains(&file), "{file} is not tested");
            }
        }
    };
}

zoo! {
    yolox: "yolox_nano.onnx" is "yolox";
    yolox_decoded: "yolox_nano_decoded.onnx" is "yolox_decoded";
    yolox_fp16: "yolox_nano_fp16.onnx" is "yolox";
    yolox_bytes: "yolox_nano_uint8_nhwc.onnx" is "yolox";
    yolox_external_data: "yolox_nano_ext.onnx" is "yolox";
    yolov8: "head_yolov8_from_yolox.onnx" is "yolov8" with AS_YOLOX;
    yolov7_end2end: "head_yolov7_end2end_from_yolox.onnx" is "yolo_end2end" with AS_YOLOX;
    yolo_nas: "head_yolonas_from_yolox.onnx" is "boxes_scores" with AS_YOLOX;
    torchvision: "head_torchvision_from_yolox.onnx" is "torchvision" with AS_YOLOX;
    yolov4: "head_yolov4_boxes_confs_from_yolox.onnx" is "boxes_scores_unit" with AS_YOLOX;
    yolov10: "head_yolov10_e2e_from_yolox.onnx" is "yolov10" with AS_YOLOX;
    efficient_nms: "head_trt_efficientnms_from_yolox.onnx" is "efficient_nms" with AS_YOLOX;
    efficientdet: "head_efficientdet_automl_from_yolox.onnx" is "efficientdet" with AS_YOLOX;
    detection_output: "head_ssd_caffe_detectionoutput_from_yolox.onnx" is "detection_output" with AS_YOLOX;
    mmdet: "head_mmdet_from_yolox.onnx" is "mmdet" with AS_YOLOX;
    rf_detr: "head_rfdetr_from_yolox.onnx" is "detr" with AS_YOLOX;
    yolov3_zoo: "head_tinyyolov3_onnxzoo_from_yolox.onnx" is "yolov3_zoo"
        with "color = \"bgr\"\nscale = 1\nresize = \"letterbox_center\"\npad = 114\n";
    picodet: "picodet_xs_320_processed.onnx" is "picodet";
    paddle_nms: "picodet_xs_320_postprocessed.onnx" is "paddle_nms";
    nanodet: "nanodet_m.onnx" is "nanodet";
    nanodet_plus: "nanodet-plus-m_320.onnx" is "nanodet_plus";
    tf_ssd: "ssd_mobilenet_v1_coco_dequant_tf2onnx.onnx" is "tf_ssd";
    tf_ssd_quantized: "ssd_mobilenet_v1_coco_quant_tf2onnx.onnx" is "tf_ssd";
    deim: "deimv2_atto_coco_fp32.onnx" is "rt_detr";
    deim_raw: "deimv2_atto_coco_raw.onnx" is "detr";
    rtmdet: "rtmdet_nano_person.onnx" is "mmdet";
    yunet: "face_detection_yunet_2023mar.onnx" is "yunet";
    ultraface: "version-RFB-320.onnx" is "ultraface";
    blazeface: "face_detection_back_256x256_barracuda.onnx" is "blazeface";
    // Its reference was made at one size for all pictures.
    centerface: "centerface.onnx" is "centerface";
}

#[derive(Clone, Debug)]
struct Found {
    class_id: i64,
    score: f64,
    rect: [f64; 4],
}

/// Inspects and runs one model of the zoo and compares with its reference.
fn check(file: &str, head: &str, card: Option<&str>) {
    let (Some(model), Some(pictures)) = (common::shared(&format!("zoo/{file}")), common::shared("coco/images/val"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let report: Value =
        serde_json::from_str(&run(folder.path(), &["inspect", "--format", "json"], &model, None)).unwrap();
    assert_eq!(report["card"]["head"], head, "{:#}", report["evidence"]);

    let Some((confidence, f1)) = reference_figures(file) else { return };
    let card = card.map(|text| {
        let path = folder.path().join("card.toml");
        std::fs::write(&path, text).unwrap();
        path
    });
    let confidence = confidence.to_string();
    let arguments = ["detect", pictures.to_str().unwrap(), "-c", &confidence, "--iou", "0.5", "--format", "json"];
    let found = detections(&run(folder.path(), &arguments, &model, card.as_deref()));
    let (met, wanted) = met_of_reference(file, &found);
    let share = met as f64 / wanted as f64;
    let ours = f1.map(|_| f1_against_labels(&found));
    println!("{file}: {met} of {wanted} boxes ({share:.4}), F1 {ours:?}, reference {f1:?}");
    assert!(share >= SHARE_REQUIRED, "{file}: {met} of {wanted} boxes of the reference");
    if let (Some(want), Some(got)) = (f1, ours) {
        assert!((got - want).abs() <= F1_TOLERANCE, "{file}: F1 {got:.3} instead of {want}");
    }
}

fn run(folder: &Path, arguments: &[&str], model: &Path, card: Option<&Path>) -> String {
    let mut command = common::quantscope(folder);
    command.args(arguments).arg("--model").arg(model);
    if let Some(card) = card {
        command.arg("--card").arg(card);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Score threshold and F1 of the reference's table.
fn reference_figures(file: &str) -> Option<(f64, Option<f64>)> {
    let table = std::fs::read_to_string(common::shared("zoo/reference/reference.tsv")?).unwrap();
    let row = table.lines().find(|line| line.split('\t').next() == Some(file)).unwrap_or_else(|| panic!("{file}"));
    let columns: Vec<_> = row.split('\t').collect();
    Some((columns[1].parse().unwrap(), columns.get(3).and_then(|text| text.parse().ok())))
}

fn detections(lines: &str) -> HashMap<String, Vec<Found>> {
    let one = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let boxes = value["detections"].as_array().unwrap().iter().map(found).collect();
        (value["source"].as_str().unwrap().to_owned(), boxes)
    };
    lines.lines().map(one).collect()
}

fn found(value: &Value) -> Found {
    let rect: Vec<f64> = value["box"].as_array().unwrap().iter().map(|side| side.as_f64().unwrap()).collect();
    Found {
        class_id: value["class_id"].as_i64().unwrap(),
        score: value["score"].as_f64().unwrap(),
        rect: rect.try_into().unwrap(),
    }
}

/// How many boxes of the reference were found, and how many there are. A found box serves once.
fn met_of_reference(file: &str, found: &HashMap<String, Vec<Found>>) -> (usize, usize) {
    let path = common::shared(&format!("zoo/reference/{}.json", file.trim_end_matches(".onnx"))).unwrap();
    let reference: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut free = found.clone();
    let wanted = reference.as_array().unwrap();
    let met = wanted.iter().filter(|&want| {
        let boxes = free.get_mut(want["image"].as_str().unwrap()).unwrap();
        let want = self::found(want);
        let near = |f: &Found| {
            f.class_id == want.class_id
                && (f.score - want.score).abs() <= SCORE_TOLERANCE
                && iou(f.rect, want.rect) >= IOU_REQUIRED
        };
        let place = boxes.iter().position(near);
        place.map(|place| boxes.remove(place)).is_some()
    });
    (met.count(), wanted.len())
}

fn iou(a: [f64; 4], b: [f64; 4]) -> f64 {
    let area = |r: [f64; 4]| (r[2] - r[0]).max(0.0) * (r[3] - r[1]).max(0.0);
    let overlap = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    overlap / (area(a) + area(b) - overlap)
}

/// F1 at IoU 0.5: the best-scored box first, each takes the truth of its class that it overlaps most.
fn f1_against_labels(found: &HashMap<String, Vec<Found>>) -> f64 {
    let labels: Value =
        serde_json::from_slice(&std::fs::read(common::shared("coco/instances_val.json").unwrap()).unwrap()).unwrap();
    let name = |path: &Value| Path::new(path.as_str().unwrap()).file_name().unwrap().to_string_lossy().into_owned();
    let names: HashMap<i64, String> = labels["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| (i["id"].as_i64().unwrap(), name(&i["file_name"])))
        .collect();
    let mut truths: HashMap<&str, Vec<(i64, [f64; 4])>> = HashMap::new();
    let only_people = found.values().flatten().all(|f| f.class_id == 0);
    for truth in labels["annotations"].as_array().unwrap() {
        let class = truth["category_id"].as_i64().unwrap();
        let b: Vec<f64> = truth["bbox"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        if !only_people || class == 0 {
            let rect = [b[0], b[1], b[0] + b[2], b[1] + b[3]];
            truths.entry(&names[&truth["image_id"].as_i64().unwrap()]).or_default().push((class, rect));
        }
    }
    let count: usize = truths.values().map(Vec::len).sum();
    let (mut hits, mut all) = (0, 0);
    for (picture, boxes) in found {
        let mut free = truths.get(picture.as_str()).cloned().unwrap_or_default();
        let mut boxes = boxes.clone();
        boxes.sort_by(|a, b| b.score.total_cmp(&a.score));
        all += boxes.len();
        for b in boxes {
            let overlap = |truth: &(i64, [f64; 4])| if truth.0 == b.class_id { iou(truth.1, b.rect) } else { 0.0 };
            let best = (0..free.len()).max_by(|&x, &y| overlap(&free[x]).total_cmp(&overlap(&free[y])));
            if let Some(best) = best.filter(|&best| overlap(&free[best]) >= 0.5) {
                free.remove(best);
                hits += 1;
            }
        }
    }
    2.0 * f64::from(hits) / (all + count) as f64
}
