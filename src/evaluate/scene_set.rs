//! Pictures of the demo scene as a dataset in a folder: `images/000000.jpg` … and `instances.json` in COCO form.

use super::EvaluateError;
use crate::files;
use crate::imaging::{ImageSize, RgbImage, Truth};
use crate::scene::{CLASS_NAMES, Stills};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the json file in the folder.
const JSON_NAME: &str = "instances.json";

/// Which pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SceneSet {
    /// Equal seeds give equal pictures.
    pub seed: u64,
    /// How many.
    pub count: u64,
    /// How large.
    pub size: ImageSize,
    /// JPEG quality, 1…100.
    pub quality: u8,
}

impl Default for SceneSet {
    fn default() -> Self {
        Self { seed: 1, count: 100, size: ImageSize::new(320, 320), quality: 92 }
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedSet {
    /// The labels.
    pub json: PathBuf,
    /// Number of pictures.
    pub pictures: usize,
    /// Number of objects in them.
    pub signs: usize,
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

/// Renders the pictures, then writes the json. `go_on` hears after each picture how many are done, and says whether to
/// go on.
///
/// # Errors
///
/// When the folder cannot be written, or `go_on` says no.
pub fn render(folder: &Path, set: &SceneSet, go_on: &mut dyn FnMut(u64) -> bool) -> Result<RenderedSet, EvaluateError> {
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |reason| EvaluateError::SceneUnwritable { path, reason }
    };
    let images = folder.join("images");
    fs::create_dir_all(&images).map_err(unwritable(&images))?;
    let json = folder.join(JSON_NAME);
    // An older json would describe pictures that are about to be replaced.
    if let Err(error) = fs::remove_file(&json)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(unwritable(&json)(error));
    }
    let mut stills = Stills::new(set.seed, set.size);
    let mut coco = CocoFile::new();
    for index in 0..set.count {
        let (picture, truth) = stills.picture(index);
        let name = format!("images/{index:06}.jpg");
        let path = folder.join(&name);
        write_jpeg(&path, &picture, set.quality).map_err(unwritable(&path))?;
        coco.add(index, name, set.size, &truth);
        if !go_on(index + 1) {
            return Err(EvaluateError::Cancelled);
        }
    }
    let written = serde_json::to_vec(&coco).map_err(std::io::Error::from);
    written.and_then(|bytes| files::replace(&json, &bytes)).map_err(unwritable(&json))?;
    Ok(RenderedSet { json, pictures: coco.images.len(), signs: coco.annotations.len() })
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

fn write_jpeg(path: &Path, picture: &RgbImage, quality: u8) -> std::io::Result<()> {
    let side = |pixels: u32| u16::try_from(pixels).map_err(std::io::Error::other);
    let (width, height) = (side(picture.width())?, side(picture.height())?);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    // Small signs live by their colours: chrominance keeps its resolution.
    encoder.set_sampling_factor(SamplingFactor::R_4_4_4);
    encoder.encode(picture.as_raw(), width, height, ColorType::Rgb).map_err(std::io::Error::other)?;
    files::replace_quickly(path, &bytes)
}
