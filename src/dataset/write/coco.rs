//! COCO json, with pictures named from the json's folder on.

use super::loss::{LossKind, Losses};
use super::stage::Stage;
use super::{Entry, IMAGES, ids};
use crate::dataset::{Dataset, DatasetError, DatasetForm};
use serde::Serialize;

const JSON: &str = "instances.json";

#[derive(Serialize)]
struct File<'a> {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category<'a>>,
}

#[derive(Serialize)]
struct Image {
    id: u64,
    file_name: String,
    width: u32,
    height: u32,
}

#[derive(Serialize)]
struct Annotation {
    id: u64,
    image_id: u64,
    category_id: u64,
    bbox: [f64; 4],
    area: f64,
    iscrowd: u8,
    /// There are no outlines; some tools want the key.
    segmentation: [f64; 0],
}

#[derive(Serialize)]
struct Category<'a> {
    id: u64,
    name: &'a str,
}

/// Writes the json; returns its name and the number of boxes.
pub(super) fn write(
    dataset: &Dataset,
    entries: &[Entry<'_>],
    stage: &Stage,
    losses: &mut Losses,
) -> Result<(&'static str, usize), DatasetError> {
    let classes = dataset.classes.iter().map(|class| class.id);
    let class_ids = ids(classes, DatasetForm::Coco, LossKind::ClassNumbers, losses);
    let categories = dataset.classes.iter().zip(&class_ids).map(|(class, id)| Category { id: *id, name: &class.name });
    let mut file =
        File { images: Vec::with_capacity(entries.len()), annotations: Vec::new(), categories: categories.collect() };
    for entry in entries {
        let file_name = entry.stays_at.clone().unwrap_or_else(|| format!("{IMAGES}/{}", entry.file));
        let size = entry.picture.size;
        file.images.push(Image { id: entry.id, file_name, width: size.width, height: size.height });
        for found in &entry.boxes {
            file.annotations.push(Annotation {
                // From 1: pycocotools takes an object with the number 0 for none.
                id: file.annotations.len() as u64 + 1,
                image_id: entry.id,
                category_id: class_ids[found.class],
                bbox: [found.x, found.y, found.width, found.height],
                area: found.area,
                iscrowd: u8::from(found.ignored),
                segmentation: [],
            });
        }
    }
    let unwritable = |error: serde_json::Error| DatasetError::Unwritable { path: JSON.into(), source: error.into() };
    stage.write(JSON, serde_json::to_vec(&file).map_err(unwritable)?)?;
    Ok((JSON, file.annotations.len()))
}
