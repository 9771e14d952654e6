//! The labelled set that comes of the work: the pictures that a person called complete.

use super::album::Album;
use crate::dataset::{
    self, Dataset, DatasetClass, DatasetForm, LabelledBox, LabelledPicture, PictureTransfer, WriteOptions, Written,
};
use std::path::{Path, PathBuf};

/// How the set is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportChoice {
    /// Its form.
    pub form: DatasetForm,
    /// Whether pictures are copied; else they are linked, which needs no space, where the system can.
    pub copy: bool,
    /// Whether classes without a box are left out.
    pub only_used: bool,
}

impl Default for ExportChoice {
    fn default() -> Self {
        Self { form: DatasetForm::Coco, copy: false, only_used: false }
    }
}

impl ExportChoice {
    /// What becomes of the pictures.
    pub fn transfer(self) -> PictureTransfer {
        if self.copy { PictureTransfer::Copy } else { PictureTransfer::Link }
    }
}

/// The forms with their names for people and what is written.
pub const FORMS: [(DatasetForm, &str, &str); 3] = [
    (DatasetForm::Coco, "COCO", "instances.json and a folder of pictures"),
    (DatasetForm::Yolo, "YOLO", "data.yaml, folders of pictures and of text files"),
    (DatasetForm::Voc, "Pascal VOC", "an xml file a picture, and a folder of pictures"),
];

/// What is written, and what is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportCounts {
    /// Complete pictures.
    pub pictures: usize,
    /// Those of them without an object.
    pub empty: usize,
    /// Accepted boxes on complete pictures.
    pub boxes: usize,
    /// Pictures that are not complete.
    pub open: usize,
    /// Proposals on complete pictures that nobody accepted.
    pub proposals: usize,
}

impl ExportCounts {
    /// Counts.
    pub fn of(album: &Album) -> Self {
        let mut counts = Self::default();
        for picture in album.pictures() {
            let content = picture.content();
            if !content.done || picture.size.is_err() {
                counts.open += 1;
                continue;
            }
            let boxes = content.accepted().count();
            counts.pictures += 1;
            counts.empty += usize::from(boxes == 0);
            counts.boxes += boxes;
            counts.proposals += content.proposed().count();
        }
        counts
    }
}

/// The complete pictures with their accepted boxes as a data set. Classes keep the numbers they have in the data set that
/// was opened; others are numbered on.
pub fn labelled_set(album: &Album, opened: &Path, choice: ExportChoice) -> Dataset {
    let complete = || album.pictures().iter().filter(|picture| picture.content().done);
    let mut used = vec![!choice.only_used; album.classes().len()];
    for found in complete().flat_map(|picture| picture.content().accepted()) {
        if let Some(used) = used.get_mut(found.class) {
            *used = true;
        }
    }
    let mut next = album.classes().iter().filter_map(|class| class.id).max().map_or(0, |id| id + 1);
    let mut places = vec![None; used.len()];
    let mut classes = Vec::new();
    for (index, class) in album.classes().iter().enumerate().filter(|(index, _)| used[*index]) {
        let id = class.id.unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        places[index] = Some(classes.len());
        classes.push(DatasetClass { name: class.name.clone(), id });
    }
    let mut pictures = Vec::new();
    for picture in complete() {
        let Ok(size) = picture.size else { continue };
        let boxes = picture.content().accepted().filter_map(|found| {
            let class = places.get(found.class).copied().flatten()?;
            let rect = found.rect;
            let area = found.area.unwrap_or_else(|| rect.area());
            let ignored = found.ignored;
            Some(LabelledBox { class, x: rect.x, y: rect.y, width: rect.width, height: rect.height, area, ignored })
        });
        let boxes = boxes.collect();
        pictures.push(LabelledPicture { id: pictures.len() as u64, path: picture.path.clone(), size, boxes });
    }
    Dataset { path: opened.to_owned(), form: Some(choice.form), classes, pictures, problems: Vec::new() }
}

/// What was written, in a sentence.
pub fn written_words(written: &Written) -> String {
    let losses = written.losses.iter().map(|loss| format!(" {} {}.", loss.count, loss.kind.words()));
    let losses: String = losses.collect();
    let (pictures, boxes, path) = (written.pictures, written.boxes, written.path.display());
    format!("Exported {} and {} to {path}.{losses}", counted(pictures, "picture"), counted_boxes(boxes))
}

/// A number and a word, as `1 picture`, `2 pictures`.
pub fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// As `1 box`, `2 boxes`.
pub fn counted_boxes(count: usize) -> String {
    format!("{count} {}", if count == 1 { "box" } else { "boxes" })
}

/// Writes a set into a folder that is empty or not there yet; else into a new one in it. For a thread that may wait.
///
/// # Errors
///
/// A sentence with the remedy; nothing was written then.
pub fn export(set: &Dataset, choice: ExportChoice, folder: &Path) -> Result<Written, String> {
    let options = WriteOptions { pictures: choice.transfer(), overwrite: false };
    let folder = target(folder, set, choice);
    dataset::write(set, choice.form, &folder, &options).map_err(|error| format!("Nothing was exported. {error}"))
}

fn target(folder: &Path, set: &Dataset, choice: ExportChoice) -> PathBuf {
    let is_free = |folder: &Path| folder.read_dir().map_or(true, |mut entries| entries.next().is_none());
    if is_free(folder) {
        return folder.to_owned();
    }
    let stem = set.path.file_stem().unwrap_or_default().to_string_lossy();
    let form = FORMS.iter().find(|(form, ..)| *form == choice.form).map_or("set", |(_, ending, _)| ending);
    let form = form.rsplit(' ').next().unwrap_or(form).to_lowercase();
    let named = |number: u32| match number {
        1 => folder.join(format!("{stem}-{form}")),
        number => folder.join(format!("{stem}-{form}-{number}")),
    };
    (1..10_000).map(named).find(|folder| is_free(folder)).unwrap_or_else(|| named(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::label::album::{Class, KnownBox, Proposal};
    use crate::app::label::content::Edit;
    use crate::app::label::geometry::PixelBox;
    use crate::imaging::{ImageSize, RgbImage};

    fn album(folder: &Path) -> Album {
        let class = |name: &str, id| Class { name: name.to_owned(), id };
        let mut album = Album::new(vec![class("bus", Some(7)), class("tram", None), class("ship", None)]);
        let rect = PixelBox { x: 1.0, y: 2.0, width: 10.0, height: 8.0 };
        for name in ["a.png", "b.png", "c.png"] {
            RgbImage::new(64, 48).save(folder.join(name)).unwrap();
            let known =
                KnownBox { label: "ship".to_owned(), rect, area: Some(61.0), ignored: name == "a.png", score: None };
            album.add_picture(folder.join(name), name.into(), Ok(ImageSize::new(64, 48)), vec![known]);
        }
        album.add_picture("gone.png".into(), "gone.png".into(), Err("gone".to_owned()), Vec::new());
        let far = PixelBox { x: 30.0, ..rect };
        album.propose(0, &[Proposal { label: "bus".to_owned(), rect: far, score: 0.5 }]);
        album.apply(0, Edit::SetDone(true));
        album.apply(1, Edit::MarkEmpty);
        album
    }

    #[test]
    fn only_complete_pictures_and_accepted_boxes_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let album = album(folder.path());
        let counts = ExportCounts::of(&album);
        assert_eq!(counts, ExportCounts { pictures: 2, empty: 1, boxes: 1, open: 2, proposals: 1 });
        for form in [DatasetForm::Coco, DatasetForm::Voc, DatasetForm::Yolo] {
            let choice = ExportChoice { form, ..ExportChoice::default() };
            let made = labelled_set(&album, folder.path(), choice);
            let ids: Vec<_> = made.classes.iter().map(|class| (class.name.as_str(), class.id)).collect();
            assert_eq!(ids, [("bus", 7), ("tram", 8), ("ship", 9)]);
            let written = export(&made, choice, folder.path()).unwrap();
            assert!(written.path.starts_with(folder.path()) && written.path != folder.path());
            let read = Dataset::open(&written.path, None).unwrap();
            assert_eq!(read.pictures.len(), 2, "{form:?}");
            let lost = usize::from(form == DatasetForm::Yolo);
            assert_eq!((read.pictures[0].boxes.len(), read.pictures[1].boxes.len()), (1 - lost, 0), "{form:?}");
            if let Some(found) = read.pictures[0].boxes.first() {
                assert_eq!((found.rect(), found.area, found.ignored), (made.pictures[0].boxes[0].rect(), 61.0, true));
                assert_eq!(read.classes[found.class].name, "ship");
            }
            let words = written_words(&written);
            assert!(words.starts_with("Exported 2 pictures and "), "{words}");
        }
    }

    #[test]
    fn classes_without_a_box_can_be_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let choice = ExportChoice { only_used: true, ..ExportChoice::default() };
        let album = album(folder.path());
        let made = labelled_set(&album, folder.path(), choice);
        assert_eq!(
            (made.classes.len(), made.classes[0].name.as_str(), made.pictures[0].boxes[0].class),
            (1, "ship", 0)
        );
    }

    #[test]
    fn a_set_never_goes_among_other_files_and_a_failure_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let made = labelled_set(&album(folder.path()), &folder.path().join("frames.d"), ExportChoice::default());
        let new = folder.path().join("new");
        assert_eq!(export(&made, ExportChoice::default(), &new).unwrap().path.parent(), Some(&*new));
        let voc = ExportChoice { form: DatasetForm::Voc, copy: true, ..ExportChoice::default() };
        for name in ["new/frames-voc", "new/frames-voc-2"] {
            assert!(export(&made, voc, &new).unwrap().path.starts_with(folder.path().join(name)));
        }
        std::fs::remove_file(folder.path().join("b.png")).unwrap();
        let error = export(&made, voc, &folder.path().join("third")).unwrap_err();
        assert!(error.contains("Nothing was exported") && error.contains("b.png"), "{error}");
        assert!(!folder.path().join("third").exists());
    }
}
