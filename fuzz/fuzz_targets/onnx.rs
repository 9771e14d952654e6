//! Any bytes as an ONNX file: read, summarised, recognised, written again; never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message;
use quantscope::onnx::{self, Executed};
use quantscope::inference;
use std::path::PathBuf;
use std::sync::LazyLock;

/// Where the bytes are said to lie: a folder with nothing else in it, so that external data is never there.
static PLACE: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, "a file, so that there is a size").expect("room for a file");
    (folder, path)
});

fuzz_target!(|data: &[u8]| {
    let path = &PLACE.1;
    let model = match onnx::parse(data.to_vec(), path) {
        Ok(model) => model,
        Err(error) => return one_line(&error.to_string()),
    };
    let summary = onnx::summary(&model, path).expect("what was read can be summarised");
    let executed = Executed::of(&model);
    executed.warning(summary.precision, &summary.quantization).iter().for_each(|text| one_line(text));
    one_line(&summary.precision_evidence);
    let recognized = inference::recognize_input(&summary, None)
        .and_then(|input| inference::recognize(&summary, &input, None, None, None));
    match recognized {
        Ok(recognition) => recognition.evidence.iter().for_each(|evidence| one_line(&evidence.to_string())),
        Err(error) => one_line(&error.to_string()),
    }
    // What is written again is the same model.
    let written = model.encode_to_vec();
    let again = onnx::parse(written.clone(), path).expect("what was written can be read");
    assert_eq!(again.encode_to_vec(), written);
});

fn one_line(text: &str) {
    assert!(!text.contains('\n') && text.len() < 20_000, "{text}");
}
