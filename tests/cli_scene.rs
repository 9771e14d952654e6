//! `quantscope scene` as a user runs it.

use assert_cmd::Command;
use serde_json::Value;
use std::fs;

fn quantscope() -> Command {
    Command::new(env!("CARGO_BIN_EXE_quantscope"))
}

fn error_of(arguments: &[&str]) -> (Option<i32>, String) {
    let output = quantscope().args(arguments).output().expect("the program starts");
    assert!(output.stdout.is_empty());
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn writes_pictures_and_a_coco_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("new/data");
    let arguments = ["scene", "--count", "6", "--seed", "3", "--size", "160x128", "--out"];
    let first = quantscope().args(arguments).arg(&out).assert().success();
    assert!(first.get_output().stdout.is_empty());
    let text = fs::read_to_string(out.join("instances.json")).expect("the json");
    let coco: Value = serde_json::from_str(&text).expect("json");
    let images = coco["images"].as_array().expect("images");
    assert_eq!(images.len(), 6);
    for image in images {
        let path = out.join(image["file_name"].as_str().expect("a name"));
        let picture = image::open(&path).expect("a picture");
        assert_eq!((picture.width(), picture.height()), (160, 128));
        assert_eq!((image["width"].as_u64(), image["height"].as_u64()), (Some(160), Some(128)));
    }
    let categories = coco["categories"].as_array().expect("categories");
    assert_eq!(categories.len(), 12);
    assert_eq!((categories[0]["id"].as_u64(), categories[0]["name"].as_str()), (Some(1), Some("stop")));
    let annotations = coco["annotations"].as_array().expect("annotations");
    assert!(!annotations.is_empty());
    for annotation in annotations {
        let side: Vec<f64> = annotation["bbox"].as_array().expect("bbox").iter().filter_map(Value::as_f64).collect();
        assert!(side[0] >= 0.0 && side[1] >= 0.0 && side[0] + side[2] <= 160.01 && side[1] + side[3] <= 128.01);
        assert!((1..=12).contains(&annotation["category_id"].as_u64().expect("category")));
        assert!((1..=6).contains(&annotation["image_id"].as_u64().expect("image")));
    }
    assert!(!out.join("instances.json.partial").exists());
    // A second run replaces the first with the same.
    let jpeg = fs::read(out.join("images/000002.jpg")).expect("a picture");
    quantscope().args(arguments).arg(&out).assert().success();
    assert_eq!(fs::read_to_string(out.join("instances.json")).expect("the json"), text);
    assert_eq!(fs::read(out.join("images/000002.jpg")).expect("a picture"), jpeg);
}

#[test]
fn says_in_one_line_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "x").expect("a file");
    let (file, folder) = (file.to_string_lossy(), folder.path().to_string_lossy());
    let (code, text) = error_of(&["scene", "--count", "0", "--out", &folder]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with("error: --count 0") && text.lines().count() == 1, "{text}");
    let (code, text) = error_of(&["scene", "--count", "1", "--out", &file]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with("error: ") && text.contains(&*file) && text.lines().count() == 1, "{text}");
    for bad in [["--size", "0x9"], ["--size", "big"], ["--quality", "0"], ["--count", "-3"]] {
        let mut arguments = vec!["scene", "--out", &*folder, "--count", "1"];
        arguments.extend(bad);
        assert_eq!(error_of(&arguments).0, Some(2), "{bad:?}");
    }
}
