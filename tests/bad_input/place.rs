//! A folder to go wrong in, and what a refusal looks like.

use crate::common::{self, tiny_onnx};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with a model that works and a picture.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        tiny_onnx::write(place.path(), "good.onnx", &tiny_onnx::detector());
        // Noise, so that no encoder makes it small.
        let noise = |x: u32, y: u32| (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).to_le_bytes();
        let pixel = |x, y| image::Rgb([noise(x, y)[1], noise(y, x)[2], noise(x, y)[3]]);
        image::RgbImage::from_fn(160, 120, pixel).save(place.at("picture.png")).unwrap();
        place
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.at(name), bytes).unwrap();
        self.at(name)
    }

    pub fn quantscope(&self, arguments: &[&str]) -> Command {
        let mut command = common::quantscope(&self.at("config"));
        command.args(arguments).current_dir(self.path());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.quantscope(arguments).output().unwrap()
    }

    /// The sentence with which `detect` refuses a model.
    pub fn refused_model(&self, model: &str) -> String {
        let sentence = refusal(&self.run(&["detect", "picture.png", "--model", model]));
        assert!(sentence.contains(model), "{sentence}");
        sentence
    }

    /// The sentence with which `detect` refuses a source.
    pub fn refused_source(&self, source: &str) -> String {
        let sentence = refusal(&self.run(&["detect", source, "--model", "good.onnx"]));
        assert!(sentence.contains(source), "{sentence}");
        sentence
    }
}

/// The one line on stderr of a run that failed as it should.
pub fn refusal(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(text.starts_with("error: ") && text.lines().count() == 1, "{text}");
    text
}

pub fn assert_says(sentence: &str, parts: &[&str]) {
    for part in parts {
        assert!(sentence.contains(part), "no {part:?} in: {sentence}");
    }
}
