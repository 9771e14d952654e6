//! YOLO: data.yaml, a list of the pictures, and a text file each.

use super::loss::{LossKind, Losses};
use super::stage::Stage;
use super::{Entry, IMAGES, ids, outline_area};
use crate::dataset::problem::Problems;
use crate::dataset::yolo::read_labels;
use crate::dataset::{Dataset, DatasetError, DatasetForm, LabelledBox};
use crate::imaging::ImageSize;
use std::fmt::Write;

const YAML: &str = "data.yaml";
/// Keeps the order of the pictures, which a folder does not.
const LIST: &str = "pictures.txt";
const LABELS: &str = "labels";

/// Writes the yaml, the list and the labels; returns the yaml's name and the number of boxes.
pub(super) fn write(
    dataset: &Dataset,
    entries: &[Entry<'_>],
    stage: &Stage,
    losses: &mut Losses,
) -> Result<(&'static str, usize), DatasetError> {
    let folder = stage.make_folder(LABELS)?;
    let mut list = String::new();
    let mut boxes = 0;
    for entry in entries {
        list.push_str(&format!("./{IMAGES}/{}\n", entry.file));
        let (text, count) = labels(entry, dataset.classes.len(), losses);
        stage.write(folder.join(format!("{}.txt", entry.stem)), text)?;
        boxes += count;
    }
    stage.write(LIST, list)?;
    ids(dataset.classes.iter().map(|class| class.id), DatasetForm::Yolo, LossKind::ClassNumbers, losses);
    stage.write(YAML, yaml(dataset))?;
    Ok((YAML, boxes))
}

/// The labels of a picture, and how many there are.
fn labels(entry: &Entry<'_>, classes: usize, losses: &mut Losses) -> (String, usize) {
    let size = entry.picture.size;
    let mut text = String::new();
    let mut read_again: Vec<LabelledBox> = Vec::with_capacity(entry.boxes.len());
    for found in &entry.boxes {
        if found.ignored {
            losses.add(LossKind::IgnoredBoxes, 1);
            continue;
        }
        let line = line(found, size);
        match read_labels(&line, size, classes, "", &mut Problems::default()).first() {
            None => losses.add(LossKind::UnusableBoxes, 1),
            Some(again) if read_again.contains(again) => losses.add(LossKind::SameBoxes, 1),
            Some(again) => {
                losses.add(LossKind::OutlineAreas, usize::from(outline_area(found).is_some()));
                read_again.push(*again);
                text.push_str(&line);
            }
        }
    }
    (text, read_again.len())
}

/// Class, centre and size in fractions of the picture, with all digits that it takes to read the same numbers.
fn line(found: &LabelledBox, size: ImageSize) -> String {
    let LabelledBox { class, x, y, width, height, .. } = *found;
    let (across, down) = (f64::from(size.width), f64::from(size.height));
    let center = [(x + width / 2.0) / across, (y + height / 2.0) / down];
    format!("{class} {} {} {} {}\n", center[0], center[1], width / across, height / down)
}

fn yaml(dataset: &Dataset) -> String {
    let mut text = format!(
        "# All pictures are in one list. To train with them, split it, and name the parts here.\n\
         train: {LIST}\nval: {LIST}\nnc: {}\nnames:\n",
        dataset.classes.len()
    );
    for (number, class) in dataset.classes.iter().enumerate() {
        text.push_str(&format!("  {number}: {}\n", quoted(&class.name)));
    }
    text
}

/// A text in double quotes as YAML 1.2 understands them, with everything unprintable spelled out.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ if character.is_alphanumeric() => quoted.push(character),
            // Writing to a string does not fail.
            _ => drop(write!(quoted, "\\U{:08x}", u32::from(character))),
        }
    }
    quoted.push('"');
    quoted
}
