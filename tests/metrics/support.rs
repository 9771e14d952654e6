//! Labelled pictures and detections for the tests, from json.

use quantscope::dataset::{DatasetClass, LabelledBox, LabelledPicture};
use quantscope::imaging::ImageSize;
use quantscope::metrics::{AccuracyReport, CocoFigures, JudgedPicture, ScoredBox};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// Pictures, and for each what a model found.
#[derive(Clone)]
pub struct LabelledSet {
    pub classes: Vec<DatasetClass>,
    pub pictures: Vec<LabelledPicture>,
    pub detections: Vec<Vec<ScoredBox>>,
}

impl LabelledSet {
    /// The set that comes with the tests, and what pycocotools says of it (`make_handmade.py`).
    pub fn handmade() -> (Self, Value) {
        let json: Value = serde_json::from_str(include_str!("handmade.json")).unwrap();
        let names = json["classes"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
        let classes = names.enumerate().map(|(id, name)| DatasetClass { name, id: id as u64 }).collect();
        let pictures = json["pictures"].as_array().unwrap().iter().map(|picture| {
            let rows = picture["objects"].as_array().unwrap().iter();
            let boxes = rows.map(numbers).map(|row| object(row[0] as usize, &row[1..5], row[5], row[6] > 0.0));
            labelled(picture["id"].as_u64().unwrap(), [640, 480], boxes.collect())
        });
        let found = json["detections"].as_array().unwrap().iter().map(|rows| {
            let rows = rows.as_array().unwrap().iter().map(numbers);
            rows.map(|row| scored(row[0] as usize, row[1], &row[2..6])).collect()
        });
        (Self { classes, pictures: pictures.collect(), detections: found.collect() }, json)
    }

    /// COCO's own json files of truth and detections.
    pub fn coco(truth: &Path, detections: &Path) -> Self {
        let read = |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
        let (truth, found) = (read(truth), read(detections));
        let rows = |json: &Value| json.as_array().unwrap().clone();
        let id = |row: &Value, key: &str| row[key].as_u64().unwrap();
        let categories = rows(&truth["categories"]);
        let classes: Vec<DatasetClass> = categories
            .iter()
            .map(|row| DatasetClass { name: row["name"].as_str().unwrap().to_owned(), id: id(row, "id") })
            .collect();
        let class_of: HashMap<u64, usize> =
            classes.iter().enumerate().map(|(index, class)| (class.id, index)).collect();
        let pictures: Vec<LabelledPicture> = rows(&truth["images"])
            .iter()
            .map(|row| labelled(id(row, "id"), [id(row, "width") as u32, id(row, "height") as u32], Vec::new()))
            .collect();
        let place: HashMap<u64, usize> =
            pictures.iter().enumerate().map(|(index, picture)| (picture.id, index)).collect();
        let mut set = Self { detections: vec![Vec::new(); pictures.len()], classes, pictures };
        for row in rows(&truth["annotations"]) {
            let (class, crowd) = (class_of[&id(&row, "category_id")], row["iscrowd"] == 1);
            let object = object(class, &numbers(&row["bbox"]), row["area"].as_f64().unwrap(), crowd);
            set.pictures[place[&id(&row, "image_id")]].boxes.push(object);
        }
        for row in rows(&found) {
            let found =
                scored(class_of[&id(&row, "category_id")], row["score"].as_f64().unwrap(), &numbers(&row["bbox"]));
            set.detections[place[&id(&row, "image_id")]].push(found);
        }
        set
    }

    pub fn judged(&self) -> Vec<JudgedPicture<'_>> {
        let both = self.pictures.iter().zip(&self.detections);
        both.map(|(truth, detections)| JudgedPicture { truth, detections }).collect()
    }

    /// Every class is known to the model.
    pub fn accuracy(&self) -> AccuracyReport {
        quantscope::metrics::accuracy(&self.classes, &vec![true; self.classes.len()], &self.judged())
    }

    /// The set `times` times, as other pictures.
    pub fn repeated(&self, times: usize) -> Self {
        let mut set = Self { pictures: Vec::new(), detections: Vec::new(), classes: self.classes.clone() };
        for copy in 0..times {
            let renumbered = |p: &LabelledPicture| LabelledPicture { id: p.id * 100_000 + copy as u64, ..p.clone() };
            set.pictures.extend(self.pictures.iter().map(renumbered));
            set.detections.extend(self.detections.iter().cloned());
        }
        set
    }
}

/// The twelve figures in pycocotools' order.
pub fn twelve(figures: &CocoFigures) -> [Option<f64>; 12] {
    let f = figures;
    let precision = [f.ap, f.ap50, f.ap75, f.ap_small, f.ap_medium, f.ap_large];
    let recall = [f.ar1, f.ar10, f.ar100, f.ar_small, f.ar_medium, f.ar_large];
    std::array::from_fn(|index| if index < 6 { precision[index] } else { recall[index - 6] })
}

pub fn labelled(id: u64, [width, height]: [u32; 2], boxes: Vec<LabelledBox>) -> LabelledPicture {
    LabelledPicture { id, path: format!("{id}.jpg").into(), size: ImageSize { width, height }, boxes }
}

pub fn object(class: usize, bbox: &[f64], area: f64, ignored: bool) -> LabelledBox {
    LabelledBox { class, x: bbox[0], y: bbox[1], width: bbox[2], height: bbox[3], area, ignored }
}

pub fn scored(class: usize, score: f64, bbox: &[f64]) -> ScoredBox {
    ScoredBox { class, score, bbox: bbox.try_into().unwrap() }
}

fn numbers(row: &Value) -> Vec<f64> {
    row.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}
