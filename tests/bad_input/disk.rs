//! Results that cannot be written.

use crate::place::{Place, assert_says, refusal};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program, on a disk that takes no more than a kilobyte a file.
pub fn on_a_full_disk(place: &Place, arguments: &[&str]) -> Output {
    let program = place.quantscope(arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""]).arg(program.get_program());
    shell.args(program.get_args()).current_dir(place.path());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.output().unwrap()
}

#[test]
fn a_full_disk_is_told_and_what_was_saved_before_stays() {
    let place = Place::new();
    let names = |folder: &Path| -> Vec<String> {
        let entry = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().to_string_lossy().into_owned();
        fs::read_dir(folder).unwrap().map(entry).collect()
    };
    place.file("out.png", b"saved before");
    let before = names(place.path());
    let output = on_a_full_disk(&place, &["detect", "picture.png", "-m", "good.onnx", "--save", "out.png"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert_says(&text, &["out.png", "cannot be written", "Free some space"]);
    assert_eq!(fs::read(place.at("out.png")).unwrap(), b"saved before");
    assert_eq!(names(place.path()).len(), before.len(), "something was left behind");

    let output = on_a_full_disk(&place, &["scene", "--count", "2", "--out", "data"]);
    assert_says(&refusal(&output), &["000000.jpg", "cannot be written"]);
    assert!(names(&place.at("data/images")).is_empty(), "half a picture was left behind");
}

#[test]
fn a_stdout_that_cannot_be_written_is_a_sentence_and_not_a_panic() {
    let place = Place::new();
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        println!("skipped: there is no /dev/full");
        return;
    };
    for arguments in [
        &["detect", "picture.png", "-m", "good.onnx"][..],
        &["detect", "picture.png", "-m", "good.onnx", "--format", "json"],
        &["inspect", "good.onnx"],
        &["cameras"],
        &["bench", "-m", "good.onnx", "--frames", "10"],
    ] {
        let stdout = Stdio::from(full.try_clone().unwrap());
        let output = place.quantscope(arguments).stdout(stdout).stderr(Stdio::piped()).output().unwrap();
        assert_says(&refusal(&output), &["stdout", "No space left"]);
    }
}

#[test]
fn a_place_to_save_that_will_not_do_is_told_before_anything_is_detected() {
    let place = Place::new();
    place.file("file", b"x");
    for (target, reason) in [("out.xyz", ".png"), ("file", "no folder"), ("file/out", "no folder")] {
        let sentence = refusal(&place.run(&["detect", "picture.png", "-m", "good.onnx", "--save", target]));
        assert_says(&sentence, &[target, reason]);
    }
    let sentence = refusal(&place.run(&["detect", "demo", "--limit", "2", "-m", "good.onnx", "--save", "one.png"]));
    assert_says(&sentence, &["one.png", "folder"]);
}
