//! Quantized models made faster: the same outputs to the bit, whatever the processor, the cache or the file is like.

mod common;

use common::{quantized_onnx, shared, tiny_onnx};
use image::RgbImage;
use quantscope::imaging::ResizeMode;
use quantscope::inference::accelerate::PictureForm;
use quantscope::inference::{
    Acceleration, Candidate, ColorOrder, Detector, LoadOptions, ModelCard, SessionOptions, Thresholds,
};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Instructions that may be asked for, of each family of processors the fastest first.
const KERNELS: [&str; 6] = ["avx512", "avxvnni", "avx2", "dotprod", "neon", "scalar"];
/// Pictures that outputs are compared on.
const PICTURES: usize = 64;

fn load(path: &Path, accelerate: bool) -> Detector {
    let session = SessionOptions { threads: 1, accelerate, ..SessionOptions::default() };
    let options = LoadOptions { session, ..LoadOptions::default() };
    Detector::load(path, &options, None, &mut |_| {}).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Everything that the model says of a picture, down to a score of 0.
fn said(detector: &mut Detector, picture: &RgbImage) -> Vec<Candidate> {
    detector.look(picture, Thresholds::default(), 0.0, &mut Vec::new()).unwrap();
    detector.candidates().to_vec()
}

/// The tiny detector with activation functions of every kind.
fn activated(folder: &Path) -> PathBuf {
    tiny_onnx::write(folder, "activated.onnx", &quantized_onnx::activated())
}

/// Pictures that have nothing in common.
fn patterns() -> Vec<RgbImage> {
    (1..=12_u32)
        .map(|seed| {
            let level = |x: u32, y: u32, step: u32| ((x * seed * step) ^ (y * (seed + 7))) as u8;
            RgbImage::from_fn(90, 70, |x, y| image::Rgb([level(x, y, 1), level(y, x, 3), level(x + y, x, 5)]))
        })
        .collect()
}

/// The report of `quantscope inspect`, in a process of its own with these variables.
fn inspect(model: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let config = tempfile::tempdir().unwrap();
    let mut command = common::quantscope(config.path());
    command.args(["inspect", "--format", "json", "--threads", "1"]).args(arguments).arg(model);
    let output = command.envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}: {}", model.display(), String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_kind_of_activation_is_folded_and_gives_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = activated(folder.path());
    let (mut plain, mut accelerated) = (load(&path, false), load(&path, true));
    assert_eq!(plain.info().acceleration, Acceleration::Off);
    match &accelerated.info().acceleration {
        Acceleration::Done { look_ups, nodes, .. } => {
            println!("{look_ups} look-ups for {nodes} nodes");
            assert_eq!(*look_ups, quantized_onnx::ACTIVATIONS);
            assert!(nodes > look_ups);
        }
        other => panic!("{other:?}"),
    }
    let mut seen = Vec::new();
    for picture in patterns() {
        let wanted = said(&mut plain, &picture);
        assert!(!wanted.is_empty());
        assert_eq!(said(&mut accelerated, &picture), wanted);
        seen.push(wanted);
    }
    seen.dedup();
    assert!(seen.len() > 6, "the outputs depend on what goes through the look-ups");
}

#[test]
fn a_model_that_takes_bytes_instead_of_floats_may_be_fed_in_any_way() {
    let path = common::default_model("scene.int8.onnx");
    let (mut plain, mut accelerated) = (load(&path, false), load(&path, true));
    let done = accelerated.info().acceleration.clone();
    assert!(matches!(done, Acceleration::Done { picture: PictureForm::Bytes, .. }), "{done:?}");
    let own = plain.info().card.clone();
    let mut seen = Vec::new();
    for (color, scale, mean, resize) in [
        (ColorOrder::Rgb, 1.0 / 255.0, [0.485, 0.456, 0.406], ResizeMode::Stretch),
        (ColorOrder::Bgr, 1.0, [103.0, 116.0, 123.0], ResizeMode::LetterboxCenter),
    ] {
        let card = ModelCard { color, scale, mean, std: [0.25, 0.5, 1.5], resize, pad: 17, ..own.clone() };
        plain.feed_as(&card);
        accelerated.feed_as(&card);
        for picture in patterns() {
            let wanted = said(&mut plain, &picture);
            assert_eq!(said(&mut accelerated, &picture), wanted, "{color:?} {resize:?}");
            seen.push(wanted);
        }
    }
    seen.dedup();
    assert!(seen.len() > 6, "the outputs depend on how it is fed");
}

#[test]
fn a_model_in_floats_is_spared_the_moving_of_its_picture() {
    let Some(model) = shared("zoo/yolox_nano.onnx") else { return };
    let Some(folder) = shared("coco/images/val") else { return };
    let (mut plain, mut accelerated) = (load(&model, false), load(&model, true));
    match accelerated.info().acceleration.clone() {
        Acceleration::Done { picture, look_ups, .. } => assert_eq!((picture, look_ups), (PictureForm::LaidOut, 0)),
        // On a busy machine it may seem slower.
        Acceleration::Declined { reason } => assert!(reason.contains("no faster"), "{reason}"),
        other => panic!("{other:?}"),
    }
    let mut boxes = 0;
    for path in pictures(&folder).iter().take(8) {
        let picture = image::open(path).unwrap().into_rgb8();
        let wanted = said(&mut plain, &picture);
        boxes += wanted.len();
        assert_eq!(said(&mut accelerated, &picture), wanted, "{}", path.display());
    }
    assert!(boxes > 0);
}

/// The photographs in a folder, by name.
fn pictures(folder: &Path) -> Vec<PathBuf> {
    let mut pictures: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pictures.retain(|path| path.extension().is_some_and(|ending| ending == "jpg"));
    pictures.sort();
    pictures
}

#[test]
fn sixty_four_pictures_give_identical_outputs() {
    let Some(model) = shared("zoo/ssd_mobilenet_v1_coco_quant_tf2onnx.onnx") else { return };
    let Some(folder) = shared("coco/images/val") else { return };
    let (mut plain, mut accelerated) = (load(&model, false), load(&model, true));
    println!("{:?}", accelerated.info().acceleration);
    let mut boxes = 0;
    for path in pictures(&folder).iter().take(PICTURES) {
        let picture = image::open(path).unwrap().into_rgb8();
        let wanted = said(&mut plain, &picture);
        boxes += wanted.len();
        assert_eq!(said(&mut accelerated, &picture), wanted, "{}", path.display());
    }
    assert!(boxes > PICTURES, "{boxes}");
}

#[test]
fn every_quantized_file_of_the_zoo_is_accelerated_or_declined_with_a_reason() {
    let Some(zoo) = shared("zoo") else { return };
    let mut files: Vec<PathBuf> = std::fs::read_dir(zoo).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.extend(["scene.int8.onnx", "scene.qat.onnx"].map(common::default_model));
    files.sort();
    let mut looked_at = 0;
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "onnx")) {
        let Ok(model) = quantscope::onnx::read(file) else { continue };
        if quantscope::onnx::summary(&model, file).unwrap().quantization.form.is_none() {
            continue;
        }
        looked_at += 1;
        let detector = load(file, true);
        match &detector.info().acceleration {
            Acceleration::Done { look_ups, gain, picture, .. } => {
                println!("{}: {look_ups} look-ups, {picture:?}, {gain:.2}", file.display());
                assert!(*look_ups > 0 || *picture != PictureForm::AsInFile);
            }
            Acceleration::NothingToDo => println!("{}: nothing to fold", file.display()),
            Acceleration::Declined { reason } => {
                println!("{}: {reason}", file.display());
                assert!(!reason.is_empty());
            }
            Acceleration::Off => panic!("{}", file.display()),
        }
    }
    assert!(looked_at > 2);
}

#[test]
fn every_processor_gives_the_same_boxes() {
    let folder = tempfile::tempdir().unwrap();
    let model = activated(folder.path());
    let picture = folder.path().join("a.png");
    patterns()[3].save(&picture).unwrap();
    let mut answers: Vec<(String, String)> = Vec::new();
    for (name, arguments) in
        [("", &["--no-accelerate"][..]), ("", &[]), ("avxvnni", &[]), ("avx2", &[]), ("scalar", &[])]
    {
        let cache = tempfile::tempdir().unwrap();
        let mut command = common::quantscope(folder.path());
        command.args(["detect", "--format", "json", "--confidence", "0.0005", "--model"]).arg(&model).arg(&picture);
        command.args(arguments).env("QUANTSCOPE_CPU", name).env("QUANTSCOPE_CACHE_DIR", cache.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let frame: Value = serde_json::from_slice(&output.stdout).unwrap();
        answers.push((format!("{name} {arguments:?}"), frame["detections"].to_string()));
        let report = inspect(&model, arguments, &[("QUANTSCOPE_CPU", name)]);
        if !name.is_empty() {
            let known = report["acceleration"]["kernel"].as_str().unwrap();
            let place = |name: &str| KERNELS.iter().position(|kernel| *kernel == name);
            assert!(place(known) >= place(name), "{known} instead of {name}");
        }
    }
    assert!(answers[0].1.contains("box"), "{}", answers[0].1);
    for (how, boxes) in &answers[1..] {
        assert_eq!(*boxes, answers[0].1, "{how}");
    }
}

#[test]
fn what_was_made_is_found_again_and_what_is_damaged_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let (model, cache) = (activated(folder.path()), folder.path().join("cache"));
    let variables = [("QUANTSCOPE_CACHE_DIR", cache.to_str().unwrap())];
    let entries = || -> Vec<PathBuf> {
        let found = std::fs::read_dir(cache.join("accelerated"));
        found.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    };
    let first = inspect(&model, &[], &variables);
    assert_eq!(first["acceleration"]["state"], "done", "{}", first["acceleration"]);
    let [entry] = entries().try_into().unwrap();
    let made = std::fs::read(&entry).unwrap();
    // The figures of the first time are those of the entry.
    let again = inspect(&model, &[], &variables);
    assert_eq!(again["acceleration"], first["acceleration"]);
    assert_eq!(std::fs::read(&entry).unwrap(), made, "it was read and not made again");
    assert!(inspect(&model, &["--no-accelerate"], &variables)["acceleration"]["state"] == "off");
    for damage in [&made[..made.len() / 2], &[], b"something else entirely, and longer than a checksum is"] {
        std::fs::write(&entry, damage).unwrap();
        let report = inspect(&model, &[], &variables);
        assert_eq!(report["acceleration"]["look_ups"], first["acceleration"]["look_ups"]);
        // Made again it holds a newly measured gain, and is whole: the next load leaves it as it is.
        let anew = std::fs::read(&entry).unwrap();
        assert_ne!(anew, damage);
        assert_eq!(inspect(&model, &[], &variables)["acceleration"], report["acceleration"]);
        assert_eq!(std::fs::read(&entry).unwrap(), anew);
    }
    // Where there is no folder to write to it goes without.
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let report = inspect(&model, &[], &[("QUANTSCOPE_CACHE_DIR", file.to_str().unwrap())]);
    assert_eq!(report["acceleration"]["state"], "done");
}
