//! Labelled pictures: COCO json, YOLO and Pascal VOC, read into one [`Dataset`] and written from it.
//!
//! Nothing broken is fatal as long as something is left to evaluate: what was wrong is listed in [`Dataset::problems`].

mod check;
mod classes;
mod coco;
mod coco80;
mod entries;
mod error;
mod open;
mod picture;
mod problem;
mod summary;
#[cfg(test)]
mod test_files;
mod voc;
mod write;
mod yolo;

pub use classes::{ClassMatch, match_class_names, match_classes};
pub use coco80::{COCO80, class_of_category};
pub use error::DatasetError;
pub use open::OpenOptions;
pub use picture::{has_picture_ending, picture_size};
pub use problem::{CountedKind, Problem, ProblemKind, count_problems};
pub use summary::{ClassSummary, DatasetSummary};
pub use write::{Loss, LossKind, PictureTransfer, WriteOptions, Written, write, write_telling};

use crate::imaging::{BoxInImage, ImageSize};
use serde::Serialize;
use std::path::PathBuf;

/// Pictures with the objects in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What was opened: the json, the yaml, or the folder of xml files.
    pub path: PathBuf,
    /// How it is written; none of pictures without labels.
    pub form: Option<DatasetForm>,
    /// All classes that it declares, also those that no object has.
    pub classes: Vec<DatasetClass>,
    /// The pictures, in the file's order.
    pub pictures: Vec<LabelledPicture>,
    /// What was wrong, and what was done about it.
    pub problems: Vec<Problem>,
}

/// How labels are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DatasetForm {
    /// One json for all pictures, boxes as left, top, width, height in pixels.
    Coco,
    /// A yaml with the names and a text file a picture, boxes as centre and size in fractions of the picture.
    Yolo,
    /// An xml file a picture, boxes as left, top, right, bottom in pixels, names in place of numbers.
    Voc,
}

impl DatasetForm {
    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Coco => "COCO",
            Self::Yolo => "YOLO",
            Self::Voc => "Pascal VOC",
        }
    }
}

/// A class of the dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetClass {
    /// Its name, as written.
    pub name: String,
    /// Its number in the file (COCO: category id; the others: place in the list).
    pub id: u64,
}

/// A picture and the objects in it.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledPicture {
    /// Its number in the file (COCO), or its place in the list; unique in the dataset.
    pub id: u64,
    /// The picture's file.
    pub path: PathBuf,
    /// Its size, as written or as in the picture file.
    pub size: ImageSize,
    /// The objects, in the file's order.
    pub boxes: Vec<LabelledBox>,
}

/// A labelled object, in pixels of the picture, in double precision as COCO's tools compute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelledBox {
    /// Index into [`Dataset::classes`].
    pub class: usize,
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Area of the object in square pixels; decides whether it is small, medium or large. COCO's is that of its outline.
    pub area: f64,
    /// Neither wanted nor wrong: COCO's crowd, VOC's difficult.
    pub ignored: bool,
}

impl LabelledBox {
    /// The box as corners.
    pub fn rect(&self) -> BoxInImage {
        BoxInImage::new(self.x as f32, self.y as f32, (self.x + self.width) as f32, (self.y + self.height) as f32)
    }
}
