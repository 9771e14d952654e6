//! Every model at hand is read, written and read again, and nothing is lost.

mod common;

use prost::Message;
use quantscope::onnx::{self, proto::ModelProto};
use std::path::{Path, PathBuf};

#[test]
fn every_file_is_written_as_it_was_read() {
    let mut files = models_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
    assert!(files.len() >= 4, "{files:?}");
    files.extend(common::shared("zoo").iter().flat_map(|zoo| models_in(zoo)));
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let model = onnx::read(&file).unwrap();
        let bytes = std::fs::metadata(&file).unwrap().len();
        // Beside its external data, which is not copied.
        let copy = folder.path().join(file.file_name().unwrap());
        onnx::write(&model, &copy).unwrap();
        let written = std::fs::read(&copy).unwrap();
        assert!(ModelProto::decode(written.as_slice()).unwrap() == model, "{} differs", file.display());
        let difference = bytes.abs_diff(written.len() as u64);
        // Lists of numbers may be packed by one writer and not by another; texts and weights are the same.
        assert!(difference <= bytes / 100, "{}: {bytes} bytes, then {}", file.display(), written.len());
    }
}

#[test]
fn weights_in_other_files_are_taken_in() {
    let Some(path) = common::shared("zoo/yolox_nano_ext.onnx") else { return };
    let mut model = onnx::read(&path).unwrap();
    assert!(onnx::inline_external(&mut model, &path).unwrap() > 100);
    let whole = onnx::read(&path.with_file_name("yolox_nano.onnx")).unwrap();
    let weights = |model: &ModelProto| {
        let mut all: Vec<_> =
            model.graph.as_ref().unwrap().initializer.iter().map(|t| (t.name.clone(), t.floats())).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    };
    assert!(weights(&model) == weights(&whole));
}

fn models_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "onnx")).collect()
}
