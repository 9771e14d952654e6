//! What several test programs share.

#![expect(dead_code, reason = "each test program uses its own part of this")]

pub mod hostile_onnx;
pub mod quantized_onnx;
pub mod tiny_onnx;

use std::path::{Path, PathBuf};

/// One of the models that come with the program.
pub fn default_model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name)
}

/// A copy of the default model and its card in a folder of its own.
pub fn scene() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["scene.onnx", "scene.toml"] {
        std::fs::copy(default_model(name), folder.path().join(name)).unwrap();
    }
    let model = folder.path().join("scene.onnx");
    (folder, model)
}

/// A file of the folder with real models and labelled pictures that may lie beside the checkout; None (said aloud) where
/// it does not.
pub fn shared(path: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("QUANTSCOPE_SHARED").map_or(beside, PathBuf::from);
    let file = folder.join(path);
    if file.exists() {
        return Some(file);
    }
    println!("skipped: {} is not here; set QUANTSCOPE_SHARED to the folder that holds it", file.display());
    None
}

/// The program that is tested: the one built with the tests, or the one that `QUANTSCOPE_TEST_PROGRAM` names.
pub fn program() -> PathBuf {
    std::env::var_os("QUANTSCOPE_TEST_PROGRAM").unwrap_or(env!("CARGO_BIN_EXE_quantscope").into()).into()
}

/// The program, in a folder of its own for settings, away from any display.
pub fn quantscope(config: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(program());
    command
        .env("QUANTSCOPE_CONFIG_DIR", config)
        .env_remove("RUST_LOG")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY");
    command
}
