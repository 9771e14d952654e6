//! `quantscope scene`: labelled demo pictures with a COCO json.

use super::output::write_whole;
use crate::imaging::{ImageSize, RgbImage, Truth};
use crate::scene::{CLASS_NAMES, Stills};
use anyhow::{Context, bail};
use image::codecs::jpeg::JpegEncoder;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Longest side of a picture that can be asked for.
const LONGEST_SIDE: u32 = 4096;
/// Shortest side of a picture that can be asked for.
const SHORTEST_SIDE: u32 = 32;
/// Name of the json file in the folder.
const JSON_NAME: &str = "instances.json";

/// Renders labelled pictures of road signs: images/000000.jpg … and instances.json in COCO form.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Number of pictures
    #[arg(long)]
    count: u64,
    /// Folder to write to; made if it does not exist
    #[arg(long)]
    out: PathBuf,
    /// Equal seeds give equal pictures
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Size of the pictures in pixels, as WIDTHxHEIGHT
    #[arg(long, default_value = "320x320", value_parser = parse_size)]
    size: ImageSize,
    /// JPEG quality, 1 to 100
    #[arg(long, default_value_t = 92, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
}

#[derive(Serialize)]
struct CocoImage {
    id: u64,
    file_name: String,
    width: u32,
    height: u32,
}

#[derive(Serialize)]
struct CocoAnnotation {
    id: u64,
    image_id: u64,
    category_id: u32,
    /// Left, top, width, height, in pixels.
    bbox: [f32; 4],
    area: f32,
    iscrowd: u8,
}

#[derive(Serialize)]
struct CocoCategory {
    id: u32,
    name: &'static str,
    supercategory: &'static str,
}

#[derive(Serialize)]
struct CocoFile {
    images: Vec<CocoImage>,
    annotations: Vec<CocoAnnotation>,
    categories: Vec<CocoCategory>,
}

/// Writes the pictures, then the json.
///
/// # Errors
///
/// When the count is 0 or the folder cannot be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    if args.count == 0 {
        bail!("--count 0 gives no pictures: ask for at least 1");
    }
    let images = args.out.join("images");
    fs::create_dir_all(&images).with_context(|| format!("cannot make the folder {}", images.display()))?;
    // An older json would describe pictures that are about to be replaced.
    remove_if_there(&args.out.join(JSON_NAME))?;
    let bar = progress_bar(args.count);
    let mut stills = Stills::new(args.seed, args.size);
    let mut coco = CocoFile::new();
    let mut bytes = Vec::new();
    for index in 0..args.count {
        let (picture, truth) = stills.picture(index);
        let name = format!("images/{index:06}.jpg");
        write_jpeg(&args.out.join(&name), &picture, args.quality, &mut bytes)?;
        coco.add(index, name, args.size, &truth);
        bar.inc(1);
    }
    bar.finish_and_clear();
    write_whole(&args.out.join(JSON_NAME), &serde_json::to_vec(&coco)?)?;
    eprintln!(
        "{} pictures with {} signs in {}",
        coco.images.len(),
        coco.annotations.len(),
        args.out.join(JSON_NAME).display()
    );
    Ok(())
}

impl CocoFile {
    fn new() -> Self {
        let category = |(id, name)| CocoCategory { id, name, supercategory: "road sign" };
        Self { images: Vec::new(), annotations: Vec::new(), categories: (1..).zip(CLASS_NAMES).map(category).collect() }
    }

    fn add(&mut self, index: u64, file_name: String, size: ImageSize, truth: &Truth) {
        let id = index + 1;
        self.images.push(CocoImage { id, file_name, width: size.width, height: size.height });
        for sign in &truth.boxes {
            let rect = sign.rect;
            self.annotations.push(CocoAnnotation {
                id: self.annotations.len() as u64 + 1,
                image_id: id,
                category_id: sign.class_id + 1,
                bbox: [rect.x1, rect.y1, rect.width(), rect.height()],
                area: rect.area(),
                iscrowd: 0,
            });
        }
    }
}

fn parse_size(text: &str) -> Result<ImageSize, String> {
    let sides = text.split_once(['x', 'X']).and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let Some((width, height)) = sides else {
        return Err("expected WIDTHxHEIGHT in pixels, such as 320x320".to_owned());
    };
    let fits = SHORTEST_SIDE..=LONGEST_SIDE;
    if fits.contains(&width) && fits.contains(&height) {
        Ok(ImageSize::new(width, height))
    } else {
        Err(format!("each side must be {SHORTEST_SIDE} to {LONGEST_SIDE} pixels"))
    }
}

fn progress_bar(count: u64) -> ProgressBar {
    // Draws to stderr, and nothing at all where that is no terminal.
    let bar = ProgressBar::new(count);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} pictures, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn write_jpeg(path: &Path, picture: &RgbImage, quality: u8, bytes: &mut Vec<u8>) -> anyhow::Result<()> {
    bytes.clear();
    let encoded = JpegEncoder::new_with_quality(&mut *bytes, quality).encode_image(picture);
    encoded.with_context(|| format!("cannot encode {}", path.display()))?;
    write_whole(path, bytes)
}

fn remove_if_there(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot replace {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_or_refused() {
        assert_eq!(parse_size("320x240"), Ok(ImageSize::new(320, 240)));
        assert_eq!(parse_size("64X4096"), Ok(ImageSize::new(64, 4096)));
        for bad in ["", "320", "x", "320x", "axb", "-1x5", "31x320", "320x4097", "99999999999x320", "1x2x3"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
