//! Datasets written in another form: COCO's figures stay what they are, and `quantscope dataset` keeps its contract.

mod common;
#[expect(dead_code, reason = "the tests of the metrics use all of it")]
#[path = "metrics/support.rs"]
mod support;

use quantscope::dataset::{Dataset, DatasetForm, LossKind, PictureTransfer, WriteOptions, Written, write};
use quantscope::metrics::{JudgedPicture, ScoredBox, accuracy};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use support::{LabelledSet, twelve};
use tempfile::TempDir;

/// What a figure may change on the way through another form and back.
const SAME: f64 = 1e-6;
/// The figures by size, which depend on areas: small, medium and large of precision and of recall.
const BY_SIZE: [usize; 6] = [3, 4, 5, 9, 10, 11];

type Figures = [Option<f64>; 12];

fn figures(dataset: &Dataset, detections: &[Vec<ScoredBox>]) -> Figures {
    let pictures = dataset.pictures.iter().zip(detections);
    let judged: Vec<_> = pictures.map(|(truth, detections)| JudgedPicture { truth, detections }).collect();
    twelve(&accuracy(&dataset.classes, &vec![true; dataset.classes.len()], &judged).coco)
}

#[track_caller]
fn assert_same(name: &str, ours: &Figures, theirs: &Figures, except: &[usize]) {
    for index in (0..12).filter(|index| !except.contains(index)) {
        let (Some(one), Some(other)) = (ours[index], theirs[index]) else {
            panic!("{name}: figure {index} is {:?}, and was {:?}", ours[index], theirs[index]);
        };
        assert!((one - other).abs() <= SAME, "{name}: figure {index} is {one}, and was {other}");
    }
}

fn through(dataset: &Dataset, form: DatasetForm, folder: &Path) -> (Written, Dataset) {
    let options = WriteOptions { pictures: PictureTransfer::Copy, ..WriteOptions::default() };
    let written = write(dataset, form, folder, &options).unwrap();
    let read = Dataset::open(&written.path, None).unwrap();
    (written, read)
}

#[test]
fn real_figures_are_the_same_in_every_form_and_back() {
    let (Some(truth), Some(found)) =
        (common::shared("coco/instances_val.json"), common::shared("coco/reference/yolox_nano_detections.json"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let coco = Dataset::open(&truth, None).unwrap();
    let detections = LabelledSet::coco(&truth, &found).detections;
    let wanted = figures(&coco, &detections);
    println!("{wanted:.6?}");
    let [voc, yolo] = [DatasetForm::Voc, DatasetForm::Yolo].map(|form| {
        let (written, there) = through(&coco, form, &folder.path().join(format!("{form:?}")));
        assert_eq!((written.pictures, written.boxes, written.classes), (64, 461, 80));
        let (_, back) = through(&there, DatasetForm::Coco, &folder.path().join(format!("{form:?} and back")));
        assert_same(form.words(), &figures(&there, &detections), &wanted, &[]);
        assert_same("back", &figures(&back, &detections), &wanted, &[]);
        there
    });
    let farthest = [&voc, &yolo].map(|dataset| {
        let both =
            coco.pictures.iter().zip(&dataset.pictures).flat_map(|(one, other)| one.boxes.iter().zip(&other.boxes));
        both.map(|(one, other)| (one.x - other.x).abs().max((one.width - other.width).abs())).fold(0.0, f64::max)
    });
    println!("boxes moved by at most {farthest:?} pixels");
}

/// Outlines are smaller than their boxes, and some objects are crowds.
#[test]
fn what_yolo_cannot_keep_voc_keeps() {
    let (Some(truth), Some(found)) =
        (common::shared("coco/instances_val.json"), common::shared("coco/reference/yolox_nano_detections.json"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let detections = LabelledSet::coco(&truth, &found).detections;
    let boxes = Dataset::open(&truth, None).unwrap();
    let mut outlines = boxes.clone();
    for (index, found) in outlines.pictures.iter_mut().flat_map(|picture| &mut picture.boxes).enumerate() {
        found.area *= 0.3 + 0.1 * (index % 7) as f64;
    }
    let wanted = figures(&outlines, &detections);
    let by_box = figures(&boxes, &detections);
    assert!((wanted[3].unwrap() - by_box[3].unwrap()).abs() > 0.01, "areas make a difference: {wanted:?}");
    let (written, yolo) = through(&outlines, DatasetForm::Yolo, &folder.path().join("yolo"));
    assert_eq!(lost(&written, LossKind::OutlineAreas), 461);
    assert_same("yolo", &figures(&yolo, &detections), &wanted, &BY_SIZE);
    assert_same("yolo, by boxes", &figures(&yolo, &detections), &by_box, &[]);

    let mut crowds = outlines;
    for found in crowds.pictures.iter_mut().flat_map(|picture| &mut picture.boxes).step_by(9) {
        found.ignored = true;
    }
    let wanted = figures(&crowds, &detections);
    assert!((wanted[0].unwrap() - by_box[0].unwrap()).abs() > 0.001, "crowds make a difference: {wanted:?}");
    let (written, voc) = through(&crowds, DatasetForm::Voc, &folder.path().join("voc"));
    assert_eq!([LossKind::OutlineAreas, LossKind::IgnoredBoxes].map(|kind| lost(&written, kind)), [0, 0]);
    assert_same("voc", &figures(&voc, &detections), &wanted, &[]);
    let (written, _) = through(&crowds, DatasetForm::Yolo, &folder.path().join("yolo without crowds"));
    assert_eq!((lost(&written, LossKind::IgnoredBoxes), written.boxes), (52, 461 - 52));
}

fn lost(written: &Written, kind: LossKind) -> usize {
    written.losses.iter().find(|loss| loss.kind == kind).map_or(0, |loss| loss.count)
}

/// A folder with a set of the scene in it, and the program.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(count: u32) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        let output = place.run(&["scene", "--count", &count.to_string(), "--out", "scene", "--seed", "20261123"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = common::quantscope(&self.at("config"));
        command.args(arguments).current_dir(self.folder.path()).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--format", "json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn a_model_scores_the_same_on_the_scene_in_every_form() {
    let place = Place::new(16);
    let model = common::default_model("scene.onnx");
    let evaluated = |dataset: &str| {
        let evaluation = place.json(&["eval", dataset, "--model", model.to_str().unwrap()]);
        let keys = ["ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large"];
        let keys = keys.into_iter().chain(["ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large"]);
        keys.map(|key| evaluation["models"][0][key].as_f64()).collect::<Vec<_>>()
    };
    let wanted = evaluated("scene/instances.json");
    assert!(wanted[0].is_some_and(|ap| ap > 0.5), "{wanted:?}");
    for (from, to, out) in [
        ("scene/instances.json", "yolo", "yolo"),
        ("scene/instances.json", "voc", "voc"),
        ("yolo/data.yaml", "voc", "yolo-voc"),
        ("yolo-voc", "coco", "back"),
    ] {
        let converted = place.json(&["dataset", "convert", from, "--to", to, "--out", out]);
        assert_eq!(
            (&converted["images"], &converted["form"], &converted["copied"]),
            (&16.into(), &to.into(), &0.into())
        );
        assert_eq!(converted["problems"].as_array().unwrap().iter().filter(|p| p["kind"] != "empty_labels").count(), 0);
        let figures = evaluated(converted["path"].as_str().unwrap());
        for (one, other) in figures.iter().zip(&wanted) {
            let close = one.zip(*other).map_or(one == other, |(one, other)| (one - other).abs() <= SAME);
            assert!(close, "{out}: {figures:?}, and {wanted:?} before");
        }
    }
}

#[test]
fn a_dataset_is_looked_over() {
    let place = Place::new(4);
    let json = place.json(&["dataset", "check", "scene/instances.json", "--strict"]);
    let sum =
        |key: &str| json["classes"].as_array().unwrap().iter().map(|class| class[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(
        (&json["images"], &json["form"], &json["problems"]),
        (&4.into(), &"coco".into(), &serde_json::json!([]))
    );
    let sizes: u64 = ["small", "medium", "large"].iter().map(|key| json[*key].as_u64().unwrap()).sum();
    assert_eq!(json["boxes"].as_u64(), Some(sum("boxes")));
    assert!(sizes == sum("boxes") && sizes > 0 && sum("images") > 0, "{json}");
    let text = place.text(&["dataset", "check", "scene/instances.json"]);
    assert!(text.contains("4 pictures") && text.ends_with("nothing is wrong\n"), "{text}");

    let odd = place.at("scene/images/000001.jpg");
    let seen = std::fs::read(&odd).unwrap();
    image::RgbImage::new(50, 40).save(&odd).unwrap();
    let json = place.json(&["dataset", "check", "scene/instances.json"]);
    assert_eq!(json["problems"][0]["kind"], "wrong_size");
    std::fs::write(&odd, seen).unwrap();

    std::fs::remove_file(place.at("scene/images/000002.jpg")).unwrap();
    let json = place.json(&["dataset", "check", "scene/instances.json"]);
    assert_eq!((&json["images"], &json["problems"][0]["kind"]), (&3.into(), &"missing_picture".into()));
    let text = place.text(&["dataset", "check", "scene/instances.json"]);
    assert!(text.contains("are none: 1\n  \"images/000002.jpg\" is not there"), "{text}");
    let output = place.run(&["dataset", "check", "scene/instances.json", "--strict"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.lines().count() == 1 && told.contains("has 1 problem."), "{told}");
    let text = place.text(&["dataset", "convert", "scene/instances.json", "--to", "voc", "--out", "voc"]);
    assert!(
        text.contains("3 pictures") && text.contains("in the original, pictures that are missing or are none: 1, as"),
        "{text}"
    );
}

#[test]
fn a_folder_with_files_is_refused_and_wrong_usage_is_told() {
    let place = Place::new(1);
    let convert =
        |more: &[&str]| place.run(&[&["dataset", "convert", "scene/instances.json", "--out", "scene"], more].concat());
    let before = std::fs::read(place.at("scene/instances.json")).unwrap();
    let refused = convert(&["--to", "yolo"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!((refused.status.code(), told.lines().count()), (Some(1), 1), "{told}");
    assert!(told.contains("--overwrite") && !place.at("scene/data.yaml").exists(), "{told}");
    assert_eq!(convert(&["--to", "yolo", "--overwrite"]).status.code(), Some(0));
    assert!(place.at("scene/data.yaml").is_file() && place.at("scene/labels/000000.txt").is_file());
    assert_eq!(std::fs::read(place.at("scene/instances.json")).unwrap(), before, "what has another name stays");
    for wrong in [&["--to", "pascal"][..], &["--to", "yolo", "--pictures", "move"], &[]] {
        assert_eq!(convert(wrong).status.code(), Some(2), "{wrong:?}");
    }
    let help = place.text(&["dataset", "convert", "--help"]);
    assert!(help.contains("Example: quantscope dataset convert"), "{help}");
}
