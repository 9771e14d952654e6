//! Pascal VOC: an xml file a picture (<http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf>).
//!
//! # Pixels
//!
//! VOC counts pixels from 1 and its boxes include the last one: `xmin` 1 to `xmax` 640 is the whole width of a picture
//! of 640 pixels, left edge 0, right edge 640. Boxes in whole numbers are read so, as Detectron2 does. Programs that
//! write fractions of pixels (CVAT among them) mean edges counted from 0; a box with a decimal point is read so. What
//! we write follows the same rule, so that nothing is lost on the way there and back.
//!
//! # What is not VOC's
//!
//! `labels.txt` beside the folders (as CVAT writes it) keeps the order of the classes, and those without an object; the
//! classes that it does not name come after it, by name. `<area>` in an object is the area of its outline, and `difficult`
//! is COCO's crowd: neither wanted nor wrong.

mod annotation;

pub(super) use annotation::{Annotation, rect_of};

use super::entries::{Pictures, checked_box, short_name};
use super::picture::{PictureFolders, files_below, read_text};
use super::problem::{ProblemKind, Problems, quoted};
use super::{DatasetClass, DatasetError, LabelledBox, LabelledPicture};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

const XML_MEGABYTES: u64 = 16;
const LIST_MEGABYTES: u64 = 256;
/// Where the development kit of VOC keeps things.
pub(super) const ANNOTATIONS: &str = "Annotations";
pub(super) const PICTURES: &str = "JPEGImages";
pub(super) const SETS: &str = "ImageSets/Main";
/// Names of all classes, one a line, beside the folders: so that those without an object are known too.
pub(super) const CLASS_LIST: &str = "labels.txt";
/// The set that is read when none was asked for: the first that there is.
const SPLITS: [&str; 4] = ["val", "valid", "test", "train"];
const KNOWN_SPLITS: [&str; 6] = ["train", "val", "trainval", "test", "valid", "minival"];

/// Reads a folder of xml files, or one in VOC's layout, or a single xml file.
pub(super) fn read(
    path: &Path,
    images: Option<&Path>,
    split: Option<&str>,
    problems: &mut Problems,
) -> Result<(Vec<DatasetClass>, Vec<LabelledPicture>), DatasetError> {
    let place = Place::find(path, split)?;
    let mut folders = match images {
        Some(folder) => PictureFolders::new(vec![folder.to_owned()]),
        None => PictureFolders::new(place.picture_folders()),
    };
    let mut pictures = Pictures::default();
    let mut found = Vec::new();
    for file in &place.files {
        let Some(annotation) = read_file(file, problems) else { continue };
        let Some(picture) = find_picture(&annotation, file, &mut folders, images.is_some()) else {
            problems.add(ProblemKind::MissingPicture, || {
                format!("the picture of {} is not in {}; left out", short_name(file), folders.described())
            });
            continue;
        };
        let Some(index) = pictures.add(picture, annotation.size, problems) else { continue };
        found.push((index, annotation, short_name(file)));
    }
    let mut pictures = pictures.list;
    if pictures.is_empty() {
        let first = problems.first_of(ProblemKind::MissingPicture);
        let first = first.or_else(|| problems.first_of(ProblemKind::UnreadableLabels));
        let reason = first.map_or_else(
            || "there is no xml file".to_owned(),
            |first| format!("{first}. If they are elsewhere, name their folder with --images DIR"),
        );
        return Err(DatasetError::NoPictures { path: path.to_owned(), reason });
    }
    let classes = classes(&found, place.class_list());
    let place_of: HashMap<&str, usize> = classes.iter().map(String::as_str).zip(0..).collect();
    for (index, annotation, name) in found {
        add_objects(&mut pictures[index], annotation, &name, &place_of, problems);
    }
    let classes = classes.into_iter().enumerate().map(|(id, name)| DatasetClass { name, id: id as u64 });
    Ok((classes.collect(), pictures))
}

/// Adds the objects of an xml file to its picture.
pub(super) fn add_objects(
    picture: &mut LabelledPicture,
    annotation: Annotation,
    name: &str,
    classes: &HashMap<&str, usize>,
    problems: &mut Problems,
) {
    if annotation.objects.is_empty() && annotation.broken.is_none() {
        problems.add(ProblemKind::EmptyLabels, || format!("{name} has no object: a picture without objects"));
    }
    for (number, object) in annotation.objects.into_iter().enumerate() {
        let place = || format!("{name} object {} ({})", number + 1, quoted(&object.name));
        let Some(&class) = classes.get(object.name.as_str()) else {
            let text = || format!("{name} object {}: it has no name; left out", number + 1);
            problems.add(ProblemKind::UnknownClass, text);
            continue;
        };
        let [x, y, width, height] = object.rect;
        let area = object.area.unwrap_or(f64::NAN);
        let found = LabelledBox { class, x, y, width, height, area, ignored: object.difficult };
        let Some(found) = checked_box(found, picture.size, problems, place) else { continue };
        if picture.boxes.contains(&found) {
            problems.add(ProblemKind::DuplicateId, || format!("{}: the same box again; left out", place()));
        } else {
            picture.boxes.push(found);
        }
    }
}

/// All classes: those listed, in the list's order, and then by name those that only objects have.
fn classes(found: &[(usize, Annotation, String)], listed: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut classes: Vec<String> = listed.into_iter().filter(|name| !name.is_empty()).collect();
    classes.retain(|name| seen.insert(name.clone()));
    let names = found.iter().flat_map(|(_, annotation, _)| &annotation.objects).map(|object| &object.name);
    let others: BTreeSet<&String> = names.filter(|name| !name.is_empty() && !seen.contains(*name)).collect();
    classes.extend(others.into_iter().cloned());
    classes
}

fn read_file(file: &Path, problems: &mut Problems) -> Option<Annotation> {
    let read = read_text(file, XML_MEGABYTES).map_err(|error| error.to_string());
    match read.and_then(|(text, damaged)| Annotation::parse(&text).map(|annotation| (annotation, damaged))) {
        Ok((annotation, damaged)) => {
            let name = short_name(file);
            if let Some(reason) = &annotation.broken {
                let text = || format!("{name}: {reason}. The objects before are used");
                problems.add(ProblemKind::UnreadableLabels, text);
            } else if damaged {
                problems.add(ProblemKind::UnreadableLabels, || format!("{name} is no UTF-8 in places"));
            }
            Some(annotation)
        }
        Err(reason) => {
            let text = || format!("{}: {reason}; left out with its picture", short_name(file));
            problems.add(ProblemKind::UnreadableLabels, text);
            None
        }
    }
}

/// By the name in the xml, by the name of the xml, and by the path in it, in this order.
fn find_picture(
    annotation: &Annotation,
    file: &Path,
    folders: &mut PictureFolders,
    only_there: bool,
) -> Option<PathBuf> {
    let named = annotation.file_name.as_ref().and_then(|name| folders.find(name));
    let by_stem = |folders: &mut PictureFolders| folders.find_stem(file.file_stem()?.to_str()?);
    let by_path = || annotation.path.as_ref().map(PathBuf::from).filter(|path| !only_there && path.is_file());
    named.or_else(|| by_stem(folders)).or_else(by_path)
}

/// Where the xml files are, and which.
struct Place {
    /// Folder of the xml files.
    xml: PathBuf,
    /// Folder of the whole dataset.
    root: PathBuf,
    files: Vec<PathBuf>,
}

impl Place {
    fn find(path: &Path, split: Option<&str>) -> Result<Self, DatasetError> {
        let parent = |path: &Path| path.parent().map_or_else(PathBuf::new, Path::to_owned);
        if path.is_file() {
            return Ok(Self { xml: parent(path), root: parent(path), files: vec![path.to_owned()] });
        }
        let inside = path.join(ANNOTATIONS);
        let xml = if inside.is_dir() { inside } else { path.to_owned() };
        let root = if xml.ends_with(ANNOTATIONS) { parent(&xml) } else { xml.clone() };
        let is_xml = |path: &Path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xml"));
        let files = files_below(&xml, 0, &is_xml)?;
        if files.is_empty() {
            return Self::in_split_folder(path, split);
        }
        let files = select(path, files, &root.join(SETS), split)?;
        Ok(Self { xml, root, files })
    }

    /// Some tools make a folder for each split, with pictures and xml files side by side.
    fn in_split_folder(path: &Path, split: Option<&str>) -> Result<Self, DatasetError> {
        let known: Vec<&str> = KNOWN_SPLITS.into_iter().filter(|name| path.join(name).is_dir()).collect();
        let chosen = match split {
            Some(wanted) => known.iter().find(|name| **name == wanted),
            None => SPLITS.iter().find(|name| known.contains(name)),
        };
        let Some(chosen) = chosen else {
            let wanted = split.unwrap_or(SPLITS[0]).to_owned();
            return Err(DatasetError::NoSplit { path: path.to_owned(), wanted, known: known.join(", ") });
        };
        Self::find(&path.join(chosen), None)
    }

    fn picture_folders(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.xml.clone()];
        for base in [&self.root, &self.xml] {
            folders.extend([PICTURES, "images", "Images", "."].map(|name| base.join(name)));
        }
        if let Some(above) = self.root.parent() {
            folders.extend(["images", "Images", PICTURES].map(|name| above.join(name)));
        }
        folders
    }

    /// The names in the list of classes, where there is one.
    fn class_list(&self) -> Vec<String> {
        let file = self.root.join(CLASS_LIST);
        let text = if file.is_file() {
            read_text(&file, XML_MEGABYTES).map(|(text, _)| text).unwrap_or_default()
        } else {
            String::new()
        };
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

/// The files of the set; all where there are no sets and none was asked for.
fn select(path: &Path, files: Vec<PathBuf>, sets: &Path, split: Option<&str>) -> Result<Vec<PathBuf>, DatasetError> {
    let there = |name: &&&str| sets.join(format!("{name}.txt")).is_file();
    let known: Vec<&str> = KNOWN_SPLITS.iter().filter(|name| there(name)).copied().collect();
    let chosen = match split {
        Some("all") => return Ok(files),
        Some(wanted) if sets.join(format!("{wanted}.txt")).is_file() && !wanted.contains(['/', '\\']) => wanted,
        Some(wanted) => {
            let known =
                if known.is_empty() { "all, it has no lists in ImageSets/Main".to_owned() } else { known.join(", ") };
            return Err(DatasetError::NoSplit { path: path.to_owned(), wanted: wanted.to_owned(), known });
        }
        None => match SPLITS.iter().find(|name| known.contains(name)) {
            Some(name) => name,
            None => return Ok(files),
        },
    };
    let (text, _) = read_text(&sets.join(format!("{chosen}.txt")), LIST_MEGABYTES)?;
    let stem = |file: &PathBuf| Some(file.file_stem()?.to_str()?.to_owned());
    let mut by_stem: HashMap<String, PathBuf> =
        files.into_iter().filter_map(|file| Some((stem(&file)?, file))).collect();
    let listed = text.lines().map(str::trim).filter_map(|line| {
        // A line may go on with 1 or -1, whether an object of some class is there.
        by_stem.remove(line).or_else(|| by_stem.remove(line.rsplit_once(char::is_whitespace)?.0.trim_end()))
    });
    Ok(listed.collect())
}

#[cfg(test)]
mod tests;
