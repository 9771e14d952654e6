//! Writing a [`Dataset`] in any of the three forms, as the readers read it.
//!
//! What a form cannot hold is left out and counted in [`Written::losses`]; nothing is dropped in silence. Numbers have
//! as many digits as it takes to read the same number again, so a box comes back within a millionth of a pixel.

mod coco;
mod loss;
mod names;
mod stage;
mod voc;
mod yolo;

pub use loss::{Loss, LossKind};

use super::entries::checked_box;
use super::open::identify;
use super::problem::Problems;
use super::{Dataset, DatasetError, DatasetForm, LabelledBox, LabelledPicture};
use loss::Losses;
use stage::Stage;
use std::path::{Path, PathBuf};

/// Folder of the pictures in COCO and YOLO form.
const IMAGES: &str = "images";

/// How a dataset is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// What becomes of the pictures.
    pub pictures: PictureTransfer,
    /// Write into a folder that has files already: those of the same names are replaced, all others stay. Else only an
    /// empty folder, or one that is not there yet, is taken.
    pub overwrite: bool,
}

/// What becomes of the pictures of a dataset that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PictureTransfer {
    /// A hard link, which needs no space: the same file under a second name. Where the system cannot, a copy.
    #[default]
    Link,
    /// A copy.
    Copy,
    /// They stay where they are, and the labels name them with their whole path. Not possible in YOLO form.
    Reference,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What to open: the json, the yaml, or the folder of VOC's folders, or that of the xml files where it has another
    /// form in it too.
    pub path: PathBuf,
    /// Its form.
    pub form: DatasetForm,
    /// Number of pictures.
    pub pictures: usize,
    /// Number of boxes.
    pub boxes: usize,
    /// Number of classes.
    pub classes: usize,
    /// Pictures whose bytes were copied; the others were linked, or stayed where they are.
    pub copied: usize,
    /// What the form cannot hold, by kind.
    pub losses: Vec<Loss>,
}

/// A picture with what the labels say of it.
struct Entry<'a> {
    picture: &'a LabelledPicture,
    /// Its number in the new labels.
    id: u64,
    /// Its file, as it is named in the folder of pictures; unused where pictures stay where they are.
    file: String,
    /// What the file of its labels is called, without an ending.
    stem: String,
    /// Where it stays, if it does.
    stays_at: Option<String>,
    /// Only those that a reader takes.
    boxes: Vec<LabelledBox>,
}

/// Writes a dataset into a folder: all of it, or nothing.
///
/// - COCO: `instances.json` and `images/`.
/// - YOLO: `data.yaml`, `pictures.txt` (which keeps their order), `images/` and `labels/`, with an empty text file for
///   a picture without objects. It has no boxes that are neither wanted nor wrong: those are left out.
/// - VOC: `Annotations/`, `JPEGImages/`, `ImageSets/Main/val.txt` and `labels.txt`, which keeps the order of the
///   classes and those without an object. Areas that are not width times height stand in an `<area>` of our own.
///
/// Files are made in a hidden folder beside and moved at the end. Pictures of the same name get a number.
///
/// # Errors
///
/// When the folder has files already, cannot be written, a picture cannot be read, or there is nothing to write.
pub fn write(
    dataset: &Dataset,
    form: DatasetForm,
    folder: &Path,
    options: &WriteOptions,
) -> Result<Written, DatasetError> {
    write_telling(dataset, form, folder, options, &mut |_| {})
}

/// [`write()`], which tells before each picture, and at the end, how many of them have been linked or copied; of pictures that
/// stay where they are it tells nothing.
///
/// # Errors
///
/// As [`write()`].
pub fn write_telling(
    dataset: &Dataset,
    form: DatasetForm,
    folder: &Path,
    options: &WriteOptions,
    tell: &mut dyn FnMut(usize),
) -> Result<Written, DatasetError> {
    if dataset.pictures.is_empty() {
        let reason = "there is nothing to write".to_owned();
        return Err(DatasetError::NoPictures { path: dataset.path.clone(), reason });
    }
    if form == DatasetForm::Yolo && options.pictures == PictureTransfer::Reference {
        return Err(DatasetError::YoloNeedsPictures);
    }
    if form == DatasetForm::Yolo && dataset.classes.is_empty() {
        return Err(DatasetError::YoloNeedsClasses);
    }
    let mut losses = Losses::default();
    let entries = entries(dataset, form, options.pictures, &mut losses)?;
    let stage = Stage::prepare(folder, options.overwrite)?;
    let (index, boxes) = match form {
        DatasetForm::Coco => coco::write(dataset, &entries, &stage, &mut losses)?,
        DatasetForm::Yolo => yolo::write(dataset, &entries, &stage, &mut losses)?,
        DatasetForm::Voc => voc::write(dataset, &entries, &stage, &mut losses)?,
    };
    let copied = match options.pictures {
        PictureTransfer::Reference => 0,
        transfer => bring_pictures(&entries, (picture_folder(form), transfer), &stage, tell)?,
    };
    let folder = stage.commit()?;
    let path = match identify(&folder) {
        // Something else was there already, and a folder is opened by what is most telling in it.
        Ok((found, _)) if form == DatasetForm::Voc && found != form => folder.join(super::voc::ANNOTATIONS),
        _ if index.is_empty() => folder,
        _ => folder.join(index),
    };
    Ok(Written {
        path,
        form,
        pictures: entries.len(),
        boxes,
        classes: dataset.classes.len(),
        copied,
        losses: losses.into_list(),
    })
}

/// The area, unless it is that of the box.
fn outline_area(found: &LabelledBox) -> Option<f64> {
    // By rounding alone a product differs by less.
    const ROUNDING: f64 = 1e-9;
    let of_box = found.width * found.height;
    Some(found.area).filter(|area| (area - of_box).abs() > ROUNDING * of_box)
}

const fn picture_folder(form: DatasetForm) -> &'static str {
    match form {
        DatasetForm::Coco | DatasetForm::Yolo => IMAGES,
        DatasetForm::Voc => super::voc::PICTURES,
    }
}

fn entries<'a>(
    dataset: &'a Dataset,
    form: DatasetForm,
    transfer: PictureTransfer,
    losses: &mut Losses,
) -> Result<Vec<Entry<'a>>, DatasetError> {
    let ids = ids(dataset.pictures.iter().map(|picture| picture.id), form, LossKind::PictureNumbers, losses);
    let mut taken = names::PictureNames::new(form);
    let mut entries = Vec::with_capacity(dataset.pictures.len());
    for (picture, id) in dataset.pictures.iter().zip(ids) {
        let named = taken.name(&picture.path);
        let stays_at = match transfer {
            PictureTransfer::Reference => Some(names::whole_path(&picture.path)?),
            PictureTransfer::Link | PictureTransfer::Copy => None,
        };
        if named.changed && stays_at.is_none() {
            losses.add(LossKind::PictureNames, 1);
        }
        let boxes = usable_boxes(picture, dataset.classes.len(), losses);
        entries.push(Entry { picture, id, file: named.file, stem: named.stem, stays_at, boxes });
    }
    Ok(entries)
}

/// The numbers to be written: COCO keeps them unless one is used twice, the others count.
fn ids(given: impl Iterator<Item = u64>, form: DatasetForm, kind: LossKind, losses: &mut Losses) -> Vec<u64> {
    let given: Vec<u64> = given.collect();
    let counted = || (0..given.len() as u64).collect::<Vec<_>>();
    let distinct = given.iter().collect::<std::collections::HashSet<_>>().len() == given.len();
    let kept = if form == DatasetForm::Coco && distinct { given.clone() } else { counted() };
    losses.add(kind, given.iter().zip(&kept).filter(|(given, kept)| given != kept).count());
    kept
}

/// Without boxes that no reader would take: of an unknown class, without an area, outside the picture.
fn usable_boxes(picture: &LabelledPicture, classes: usize, losses: &mut Losses) -> Vec<LabelledBox> {
    let known = picture.boxes.iter().filter(|found| found.class < classes);
    let checked = |found: &LabelledBox| checked_box(*found, picture.size, &mut Problems::default(), String::new);
    let usable: Vec<LabelledBox> = known.filter_map(checked).collect();
    losses.add(LossKind::UnusableBoxes, picture.boxes.len() - usable.len());
    usable
}

/// Links or copies the pictures; returns how many were copied.
fn bring_pictures(
    entries: &[Entry<'_>],
    (folder, transfer): (&str, PictureTransfer),
    stage: &Stage,
    tell: &mut dyn FnMut(usize),
) -> Result<usize, DatasetError> {
    let folder = stage.make_folder(folder)?;
    let mut copied = 0;
    for (done, entry) in entries.iter().enumerate() {
        tell(done);
        let to = folder.join(&entry.file);
        let not_copied = |source| DatasetError::PictureNotCopied { path: entry.picture.path.clone(), source };
        // A symbolic link is followed: the link alone might lead nowhere from its new place.
        let from = std::fs::canonicalize(&entry.picture.path).map_err(not_copied)?;
        if transfer == PictureTransfer::Link && std::fs::hard_link(&from, &to).is_ok() {
            continue;
        }
        std::fs::copy(&from, &to).map_err(not_copied)?;
        copied += 1;
    }
    tell(entries.len());
    Ok(copied)
}

#[cfg(test)]
mod tests;
