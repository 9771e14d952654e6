//! COCO json: pictures, classes and objects in three lists (<https://cocodataset.org/#format-data>).
//!
//! An element that cannot be read is left out, a file that breaks off gives what came before, and Python's `NaN` is
//! understood. Segmentation is skipped; `iscrowd` means that an object is neither wanted nor wrong.

mod elements;

use super::entries::{Pictures, checked_box, short_name};
use super::picture::usable;
use super::problem::{ProblemKind, Problems, quoted};
use super::{DatasetClass, DatasetError, LabelledBox, LabelledPicture};
use crate::imaging::ImageSize;
use elements::{Elements, Id, RawAnnotation, RawCategory, RawImage};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Finds a picture by the name in the labels, or says where it was looked for.
pub(super) type FindPicture<'a> = &'a mut dyn FnMut(&str) -> Result<PathBuf, String>;

/// Reads the text of a COCO json. `find` tells where pictures are.
pub(super) fn read(
    text: &str,
    path: &Path,
    find: FindPicture<'_>,
    problems: &mut Problems,
) -> Result<(Vec<DatasetClass>, Vec<LabelledPicture>), DatasetError> {
    let elements = Elements::read(text, problems);
    let elements = elements.map_err(|reason| DatasetError::NotUnderstood { path: path.to_owned(), reason })?;
    let listed = elements.images.len();
    if listed == 0 {
        let reason = "it lists none. A COCO json has the lists images, annotations and categories".to_owned();
        return Err(DatasetError::NoPictures { path: path.to_owned(), reason });
    }
    let (classes, class_of_id) = classes(elements.categories, problems);
    let (mut pictures, picture_of_id) = pictures(elements.images, find, problems);
    if pictures.is_empty() {
        let first = problems.first_of(ProblemKind::MissingPicture).unwrap_or_default();
        let reason = format!(
            "none of the {listed} that it lists was found. Name their folder with --images DIR. First: {first}"
        );
        return Err(DatasetError::NoPictures { path: path.to_owned(), reason });
    }
    let ids = Ids { classes: class_of_id, pictures: picture_of_id };
    objects(elements.annotations, &ids, &mut pictures, problems);
    Ok((classes, pictures))
}

/// Where the ids of the file lead.
struct Ids {
    classes: HashMap<Id, usize>,
    /// None: the picture is known and left out, its objects with it.
    pictures: HashMap<Id, Option<usize>>,
}

fn classes(raw: Vec<RawCategory>, problems: &mut Problems) -> (Vec<DatasetClass>, HashMap<Id, usize>) {
    let mut classes: Vec<DatasetClass> = Vec::with_capacity(raw.len());
    let mut by_id = HashMap::new();
    for category in raw {
        if by_id.contains_key(&category.id) {
            problems.add(ProblemKind::DuplicateId, || {
                format!(
                    "category id {} is used twice; the second, {}, is left out",
                    category.id,
                    quoted(&category.name)
                )
            });
            continue;
        }
        let id = match category.id {
            Id::Number(id) => id,
            Id::Text(_) => classes.len() as u64,
        };
        let name = if category.name.trim().is_empty() { category.id.to_string() } else { category.name };
        by_id.insert(category.id, classes.len());
        classes.push(DatasetClass { name, id });
    }
    (classes, by_id)
}

fn pictures(
    raw: Vec<RawImage>,
    find: FindPicture<'_>,
    problems: &mut Problems,
) -> (Vec<LabelledPicture>, HashMap<Id, Option<usize>>) {
    let mut pictures = Pictures::default();
    let mut by_id = HashMap::with_capacity(raw.len());
    let mut numbers = Vec::with_capacity(raw.len());
    for image in raw {
        if by_id.contains_key(&image.id) {
            problems.add(ProblemKind::DuplicateId, || {
                format!("picture id {} is used twice; the second, {}, is left out", image.id, quoted(&image.file_name))
            });
            continue;
        }
        let index = match find(&image.file_name) {
            Ok(path) => pictures.add(path, size(&image), problems),
            Err(looked) => {
                problems.add(ProblemKind::MissingPicture, || {
                    format!("{} is not there; left out with its objects. Looked in {looked}", quoted(&image.file_name))
                });
                None
            }
        };
        if index.is_some_and(|index| index == numbers.len()) {
            numbers.push(image.id.number());
        }
        by_id.insert(image.id, index);
    }
    // Ids that are names count for nothing; then all pictures are numbered by their place.
    if numbers.iter().all(Option::is_some) {
        for (picture, number) in pictures.list.iter_mut().zip(numbers) {
            picture.id = number.unwrap_or(picture.id);
        }
    }
    (pictures.list, by_id)
}

/// The size as written, if it is one.
fn size(image: &RawImage) -> Option<ImageSize> {
    let side = |side: f64| (side.fract() == 0.0 && (0.0..=1e6).contains(&side)).then_some(side as u32);
    usable(ImageSize::new(side(image.width)?, side(image.height)?))
}

fn objects(raw: Vec<RawAnnotation>, ids: &Ids, pictures: &mut [LabelledPicture], problems: &mut Problems) {
    let mut seen = HashSet::with_capacity(raw.len());
    for annotation in raw {
        let place = || match &annotation.id {
            Some(id) => format!("object {id} of picture {}", annotation.image),
            None => format!("an object of picture {}", annotation.image),
        };
        let picture = match ids.pictures.get(&annotation.image) {
            Some(Some(index)) => pictures.get_mut(*index),
            Some(None) => continue,
            None => None,
        };
        let Some(picture) = picture else {
            let text = || format!("{}: there is no such picture; left out", place());
            problems.add(ProblemKind::UnknownPicture, text);
            continue;
        };
        let Some(&class) = ids.classes.get(&annotation.category) else {
            let text = || format!("{}: no category has the id {}; left out", place(), annotation.category);
            problems.add(ProblemKind::UnknownClass, text);
            continue;
        };
        let [x, y, width, height] = annotation.bbox;
        let found = LabelledBox { class, x, y, width, height, area: annotation.area, ignored: annotation.crowd };
        let place = || format!("{} ({})", place(), short_name(&picture.path));
        let Some(found) = checked_box(found, picture.size, problems, place) else { continue };
        let used = annotation.id.as_ref().is_some_and(|id| !seen.insert(id.clone()));
        if used {
            let same = picture.boxes.contains(&found);
            let done = if same { "it says the same again and is left out" } else { "both are kept" };
            problems.add(ProblemKind::DuplicateId, || format!("{}: its id is used twice; {done}", place()));
            if same {
                continue;
            }
        }
        picture.boxes.push(found);
    }
}

#[cfg(test)]
mod tests;
