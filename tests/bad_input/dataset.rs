//! Datasets that are none, that break off, and that mean no good.

use crate::disk::on_a_full_disk;
use crate::place::{Place, assert_says, refusal};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What any of them may take, on a busy machine.
const SOON: Duration = Duration::from_secs(5);
/// Memory that no refusal may need, in kB of address space.
const MEMORY_KB: &str = "1000000";

const COCO: &str = r#"{"images": [{"id": 1, "file_name": "picture.png", "width": 160, "height": 120}],
    "categories": [{"id": 1, "name": "cat"}], "annotations": [
    {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40], "area": 1200, "iscrowd": 0}]}"#;

/// Refuses a dataset in every command that takes one, in the same words.
fn refused(place: &Place, name: &str) -> String {
    let begin = Instant::now();
    let checked = refusal(&place.run(&["dataset", "check", name]));
    assert!(begin.elapsed() < SOON, "{name} took {:?}", begin.elapsed());
    let converted = refusal(&place.run(&["dataset", "convert", name, "--to", "coco", "--out", "out"]));
    assert_eq!(checked, converted);
    assert!(checked.contains(name) && !place.at("out").exists() && checked.len() < 1500, "{checked}");
    checked
}

fn write(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn what_is_no_dataset_is_refused_in_one_line() {
    let place = Place::new();
    fs::create_dir(place.at("nothing")).unwrap();
    let pipe = |name: &str| assert!(Command::new("mkfifo").arg(place.at(name)).status().unwrap().success());
    pipe("pipe.json");
    pipe("pipe.yaml");
    let deep = "[".repeat(1_000_000);
    let laughs = (1..30).fold("l0: &l0 [a, a]\n".to_owned(), |text, level| {
        let below = level - 1;
        text + &format!("l{level}: &l{level} [*l{below}, *l{below}]\n")
    });
    let files: [(&str, Vec<u8>, &[&str]); 17] = [
        ("empty.json", vec![], &["cannot be understood"]),
        ("noise.json", vec![0xa7; 10_000], &["cannot be understood"]),
        ("list.json", b"[1, 2]".to_vec(), &["cannot be understood"]),
        ("other.json", b"{\"name\": 1}".to_vec(), &["lists none"]),
        ("deep.json", deep.clone().into_bytes(), &["cannot be understood"]),
        ("deeper.json", format!("{{\"images\": {deep}").into_bytes(), &[]),
        ("nowhere.json", COCO.replace("picture.png", "gone.png").into_bytes(), &["gone.png", "--images DIR"]),
        ("empty.yaml", vec![], &["data.yaml"]),
        ("names.yaml", b"names: 5".to_vec(), &["names"]),
        ("lost.yaml", b"names: [a]\nval: nowhere".to_vec(), &["nowhere", "--images DIR"]),
        ("unlabelled.yaml", b"names: [a]\nval: picture.png".to_vec(), &["label file"]),
        ("laughs.yaml", format!("{laughs}names: *l29\nval: .").into_bytes(), &["cannot be understood"]),
        ("empty.xml", vec![], &["empty.xml"]),
        ("page.xml", b"<html></html>".to_vec(), &["<annotation>"]),
        ("deep.xml", "<a>".repeat(100_000).into_bytes(), &["deep.xml"]),
        ("words.txt", b"0 0.5 0.5 1 1".to_vec(), &["data.yaml"]),
        ("odd.dat", b"x".to_vec(), &["no ending"]),
    ];
    for (name, bytes, says) in files {
        place.file(name, &bytes);
        assert_says(&refused(&place, name), says);
    }
    for (name, says) in [
        ("gone.json", "no such dataset"),
        ("nothing", "without labels"),
        ("picture.png", "without labels"),
        ("good.onnx", "a model"),
        ("pipe.json", "it is no file"),
        ("pipe.yaml", "it is no file"),
    ] {
        assert_says(&refused(&place, name), &[says]);
    }
}

#[test]
fn a_file_larger_than_any_dataset_is_refused_unread() {
    let place = Place::new();
    for name in ["large.json", "large.yaml"] {
        fs::File::create(place.at(name)).unwrap().set_len(5 << 30).unwrap();
    }
    assert_says(&refused(&place, "large.yaml"), &["5120 MB", "at most 4 MB"]);
    let begin = Instant::now();
    // Zeros are no json, but a limit that is only felt at the end would need all of the memory first.
    let limited = format!("ulimit -v {MEMORY_KB}; exec \"$@\"");
    let program = env!("CARGO_BIN_EXE_quantscope");
    let mut command = Command::new("sh");
    command.args(["-c", &limited, "sh", program, "dataset", "check", "large.json"]).current_dir(place.path());
    assert_says(&refusal(&command.output().unwrap()), &["large.json", "at most 1024 MB"]);
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
}

#[test]
fn a_json_cut_off_anywhere_gives_what_came_before_or_one_line() {
    let place = Place::new();
    let mut kept = 0;
    for end in (0..COCO.len()).step_by(23) {
        place.file("cut.json", &COCO.as_bytes()[..end]);
        let output = place.run(&["dataset", "check", "cut.json"]);
        if output.status.success() {
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(text.contains("1 pictures") && text.contains("breaks off"), "{text}");
            kept += 1;
        } else {
            refusal(&output);
        }
    }
    assert!(kept > 3, "{kept}");
}

#[test]
fn what_is_broken_is_listed_and_the_rest_used() {
    let place = Place::new();
    let yaml = "names: [cat]\nval: images\n";
    let root = place.at("yolo");
    for (name, labels) in [
        ("good", "0 0.5 0.5 0.5 0.5\n"),
        ("nan", "0 nan 0.5 0.5 0.5\n0 0.5 0.5 0.1 0.1\n"),
        ("unknown", "7 0.5 0.5 0.5 0.5\n"),
        ("outside", "0 3 3 0.5 0.5\n"),
        ("words", "this is no label\n"),
        ("bare", ""),
    ] {
        write(&root.join(format!("labels/{name}.txt")), labels);
        write(&root.join(format!("images/{name}.png")), fs::read(place.at("picture.png")).unwrap());
    }
    write(&root.join("images/broken.png"), "no picture");
    write(&root.join("data.yaml"), yaml);
    // A folder where a file should be.
    fs::create_dir_all(root.join("labels/broken.txt")).unwrap();
    let output = place.run(&["dataset", "check", "yolo", "--format", "json"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["images"], &json["boxes"]), (&6.into(), &2.into()));
    let kinds: Vec<_> = json["problems"].as_array().unwrap().iter().map(|p| p["kind"].as_str().unwrap()).collect();
    let all = ["missing_picture", "unreadable_labels", "empty_labels", "outside_picture", "not_a_box", "unknown_class"];
    assert_eq!(kinds, all);
    let output = place.run(&["dataset", "check", "yolo", "--strict"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_place_that_cannot_be_written_leaves_nothing() {
    let place = Place::new();
    place.file("set.json", COCO.as_bytes());
    place.file("taken", b"a file");
    let convert = |out: &str| refusal(&place.run(&["dataset", "convert", "set.json", "--to", "voc", "--out", out]));
    assert_says(&convert("taken"), &["taken", "cannot be written"]);
    assert_says(&convert("taken/below"), &["cannot be written"]);
    assert_says(&convert("/proc/none"), &["/proc/none", "cannot be written"]);
    assert_eq!(fs::read(place.at("taken")).unwrap(), b"a file");
    let to_copy = ["dataset", "convert", "set.json", "--to", "voc", "--out", "full", "--pictures", "copy"];
    assert_says(&refusal(&on_a_full_disk(&place, &to_copy)), &["picture.png", "cannot be copied", "space"]);
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name != "full" && !name.to_string_lossy().starts_with('.')), "{left:?}");
}
