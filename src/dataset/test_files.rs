//! Files of datasets for the tests.

use image::RgbImage;
use std::fs;
use std::path::{Path, PathBuf};

/// Writes a text into a folder, with the folders on the way.
pub fn write(folder: &Path, name: &str, text: &str) {
    fs::write(place(folder, name), text).unwrap();
}

/// Writes a black picture of 40x20 pixels, likewise.
pub fn picture(folder: &Path, name: &str) {
    RgbImage::new(40, 20).save(place(folder, name)).unwrap();
}

fn place(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    path
}
