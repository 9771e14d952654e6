//! Labelled pictures: COCO json, YOLO and Pascal VOC, read into one [`Dataset`] and written from it.
//!
//! Nothing broken is fatal as long as something is left to evaluate: what was wrong is listed in [`Dataset::problems`].

use crate::imaging::{BoxInImage, ImageSize};
use serde::Serialize;
use std::path::PathBuf;

/// Pictures with the objects in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What was opened: the json, the yaml, or the folder of xml files.
    pub path: PathBuf,
    /// How it is written.
    pub form: DatasetForm,
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

/// Something wrong in a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What kind, so that they can be counted.
    pub kind: ProblemKind,
    /// Where and what, and what was done: a sentence with the file, line or id in it.
    pub text: String,
}

/// Kinds of wrong entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// A listed picture is not there or is no picture.
    MissingPicture,
    /// Labels that cannot be read at all.
    UnreadableLabels,
    /// A label file without a line: a picture without objects, which is allowed.
    EmptyLabels,
    /// A box that lies partly or wholly outside its picture.
    OutsidePicture,
    /// A box without an area, or with an edge that is no number.
    NotABox,
    /// A class that the dataset does not declare.
    UnknownClass,
    /// An id that was used before.
    DuplicateId,
    /// An object of a picture that is not listed.
    UnknownPicture,
}
