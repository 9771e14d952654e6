//! Opening a folder of pictures or a data set to be labelled, with the work that was done on it earlier. For a thread
//! that may wait.

use super::album::{Album, Class, KnownBox};
use super::geometry::PixelBox;
use super::recorded::detections_beside;
use super::work_file::{Earlier, Work, WorkPlace};
use crate::dataset::{Dataset, DatasetError, LabelledBox, has_picture_ending, picture_size};
use crate::evaluate::Cancel;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Pictures below folders of the folder are found this deep, where it has none itself.
const DEEPEST: usize = 2;
/// More pictures than this are for no hand.
const MOST_PICTURES: usize = 100_000;

/// Progress is told after so many pictures.
const TELL_EVERY: usize = 64;

/// What is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRequest {
    /// A folder of pictures, a picture of one, or a data set.
    pub path: PathBuf,
    /// Where work is kept that cannot be kept beside the pictures.
    pub spares: PathBuf,
    /// Names of the classes where nothing else says them: the loaded model's.
    pub labels: Vec<String>,
}

/// What was opened.
#[derive(Debug)]
pub struct Opened {
    /// What was opened, for people and to be opened again.
    pub path: PathBuf,
    /// The pictures and their boxes.
    pub album: Album,
    /// Where the work is kept.
    pub place: WorkPlace,
    /// The picture that was in view.
    pub at: usize,
    /// What the person should know.
    pub notes: Vec<String>,
}

/// How far the opening is.
#[derive(Debug, Default)]
pub struct OpenWatch {
    looked_at: AtomicUsize,
    cancel: Cancel,
}

impl OpenWatch {
    /// Pictures that were looked at.
    pub fn looked_at(&self) -> usize {
        self.looked_at.load(Ordering::Relaxed)
    }

    /// Stops it.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}

/// Opens it, telling now and then that there is progress. None when it was told to stop.
///
/// # Errors
///
/// A sentence with the remedy.
pub fn open(request: &OpenRequest, watch: &OpenWatch, tell: &dyn Fn()) -> Result<Option<Opened>, String> {
    let path = std::path::absolute(&request.path).unwrap_or_else(|_| request.path.clone());
    if !path.exists() {
        return Err(format!("{} is not there. Choose a folder of pictures or a data set that is", path.display()));
    }
    // A picture stands for its folder.
    let in_view = has_picture_ending(&path).then(|| path.clone());
    let path = in_view.as_ref().and_then(|file| file.parent()).map_or(path.clone(), Path::to_owned);
    let mut notes = Vec::new();
    // Work on a folder of pictures goes on although a data set was written into it meanwhile.
    let here = if path.is_dir() { earlier(&WorkPlace::of(&path, &request.spares), &mut notes)? } else { None };
    let on_dataset = here.as_ref().is_some_and(|work| work.of_dataset);
    let begun = here.filter(|work| !work.of_dataset);
    let dataset = if begun.is_some() { None } else { dataset_at(&path, &mut notes)? };
    if on_dataset && dataset.is_none() {
        let text = "there is earlier work on a data set here, and the data set is not to be found. Bring its labels back, \
                    or move the hidden file quantscope-labels.json away";
        return Err(format!("{}: {text}. {}", path.display(), notes.join(". ")));
    }
    // A data set in a folder is a file of it; the work is that file's.
    let path = dataset.as_ref().map_or(path, |dataset| dataset.path.clone());
    let place = WorkPlace::of(&path, &request.spares);
    let place = if dataset.is_some() { place.for_dataset() } else { place };
    let work = match (begun, &dataset) {
        (Some(work), _) => work,
        (None, Some(_)) => earlier(&place, &mut notes)?.unwrap_or_default(),
        (None, None) => Work::default(),
    };
    let opening = Opening { root: root_of(&path), watch, tell };
    let album = match dataset {
        Some(dataset) => Some(opening.dataset(dataset, &work)),
        None => opening.folder(&path, &work, &request.labels, &mut notes)?,
    };
    let Some(mut album) = album else { return Ok(None) };
    opening.restore(&mut album, &work, &mut notes);
    let seen = |index: Option<usize>| index.unwrap_or_default();
    let at = match in_view {
        Some(file) => seen(album.pictures().iter().position(|picture| picture.path == file)),
        None => seen(album.pictures().iter().position(|picture| Some(&*picture.key) == work.at.as_deref())),
    };
    Ok(Some(Opened { path, album, place, at, notes }))
}

fn earlier(place: &WorkPlace, notes: &mut Vec<String>) -> Result<Option<Work>, String> {
    match place.read(notes).map_err(|error| error.to_string())? {
        Earlier::Found(work, _) => Ok(Some(work)),
        Earlier::Nothing => Ok(None),
    }
}

/// The folder that names of pictures begin in.
fn root_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.to_owned() } else { path.parent().map_or_else(PathBuf::new, Path::to_owned) }
}

/// The data set there; none where there are only pictures.
fn dataset_at(path: &Path, notes: &mut Vec<String>) -> Result<Option<Dataset>, String> {
    match Dataset::open(path, None) {
        Ok(dataset) => {
            if let Some(first) = dataset.problems.first() {
                let count = dataset.problems.len();
                notes.push(format!("The data set has {count} problems, the first: {}", first.text));
            }
            Ok(Some(dataset))
        }
        Err(error) if path.is_dir() => {
            // A folder of pictures in which some json lies is a folder of pictures.
            if !matches!(error, DatasetError::NotADataset { .. } | DatasetError::NoLabels { .. }) {
                notes.push(format!("{error}; the pictures are opened without it"));
            }
            Ok(None)
        }
        Err(error) => Err(error.to_string()),
    }
}

struct Opening<'a> {
    root: PathBuf,
    watch: &'a OpenWatch,
    tell: &'a dyn Fn(),
}

impl Opening<'_> {
    fn key(&self, path: &Path) -> Arc<str> {
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/").into()
    }

    /// A data set says of all its pictures what is in them: they are complete until a person opens them again.
    fn dataset(&self, dataset: Dataset, work: &Work) -> Album {
        let classes = dataset.classes.iter().map(|class| Class { name: class.name.clone(), id: Some(class.id) });
        let mut album = Album::new(classes.collect());
        for name in &work.classes {
            album.class_named(name);
        }
        let names: Vec<&str> = dataset.classes.iter().map(|class| class.name.as_str()).collect();
        for picture in &dataset.pictures {
            let known = |found: &LabelledBox| KnownBox {
                label: names.get(found.class).copied().unwrap_or_default().to_owned(),
                rect: PixelBox { x: found.x, y: found.y, width: found.width, height: found.height },
                area: Some(found.area),
                ignored: found.ignored,
                score: None,
            };
            let boxes = picture.boxes.iter().map(known).collect();
            album.add_picture(picture.path.clone(), self.key(&picture.path), Ok(picture.size), boxes);
        }
        album.call_complete();
        album
    }

    fn folder(
        &self,
        folder: &Path,
        work: &Work,
        labels: &[String],
        notes: &mut Vec<String>,
    ) -> Result<Option<Album>, String> {
        let mut files = pictures_below(folder, 0)?;
        if files.is_empty() {
            files = pictures_below(folder, DEEPEST)?;
        }
        if files.is_empty() {
            let text = "there is no picture in it (jpg, png, bmp, webp, gif). Choose a folder of pictures; Record in the \
                        live view makes one of frames";
            return Err(format!("{}: {text}", folder.display()));
        }
        if files.len() > MOST_PICTURES {
            notes.push(format!("{} pictures are too many: the first {MOST_PICTURES} are opened", files.len()));
            files.truncate(MOST_PICTURES);
        }
        let names = if work.classes.is_empty() { labels } else { &work.classes };
        let mut album = Album::new(names.iter().map(|name| Class { name: name.clone(), id: None }).collect());
        let mut recorded = detections_beside(folder);
        for path in files {
            if self.watch.cancel.is_cancelled() {
                return Ok(None);
            }
            let remedy = "It is passed over; take it away or put a whole one in its place";
            let size = picture_size(&path);
            let size =
                size.map_err(|reason| format!("{} cannot be read as a picture ({reason}). {remedy}", path.display()));
            let key = self.key(&path);
            let proposals = path.file_name().and_then(|name| recorded.remove(&*name.to_string_lossy()));
            album.add_picture(path, key, size, Vec::new());
            if let Some(proposals) = proposals {
                album.propose(album.pictures().len() - 1, &proposals);
            }
            if self.watch.looked_at.fetch_add(1, Ordering::Relaxed) % TELL_EVERY == TELL_EVERY - 1 {
                (self.tell)();
            }
        }
        Ok(Some(album))
    }

    /// Puts the earlier work in. What was done to a picture that has gone is kept: it may come back.
    fn restore(&self, album: &mut Album, work: &Work, notes: &mut Vec<String>) {
        let places: HashMap<Arc<str>, usize> =
            album.pictures().iter().enumerate().map(|(index, picture)| (Arc::clone(&picture.key), index)).collect();
        let mut gone = 0;
        for picture in &work.pictures {
            let index = places.get(picture.file.as_str()).copied().unwrap_or_else(|| {
                gone += 1;
                let path = self.root.join(&picture.file);
                let reason = format!("{} is no longer there. Its boxes are kept for when it is", path.display());
                album.add_picture(path, picture.file.as_str().into(), Err(reason), Vec::new());
                album.pictures().len() - 1
            });
            album.restore(index, picture.known_boxes(), picture.done, picture.asked);
        }
        if gone > 0 {
            notes.push(format!("{gone} pictures that were labelled are no longer there; their boxes are kept"));
        }
    }
}

/// Pictures in a folder and, down to a depth, in its folders, by name. Hidden ones are left out.
fn pictures_below(folder: &Path, depth: usize) -> Result<Vec<PathBuf>, String> {
    let unreadable =
        |error: std::io::Error| format!("{} cannot be read: {error}. Check its permissions", folder.display());
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b".")) {
            entries.push(path);
        }
    }
    entries.sort();
    let mut pictures = Vec::new();
    for path in entries {
        if has_picture_ending(&path) && !path.is_dir() {
            pictures.push(path);
        } else if depth > 0 && path.is_dir() {
            pictures.extend(pictures_below(&path, depth - 1)?);
        }
    }
    Ok(pictures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::label::content::Edit;
    use crate::imaging::RgbImage;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new(names: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("p")).unwrap();
            for name in names {
                let path = folder.path().join("p").join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                RgbImage::new(64, 48).save(path).unwrap();
            }
            Self(folder)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join("p").join(name)
        }

        fn open(&self, path: &Path) -> Result<Opened, String> {
            let labels = ["stop", "yield"].map(str::to_owned).to_vec();
            let request = OpenRequest { path: path.to_owned(), spares: self.0.path().join("spare"), labels };
            open(&request, &OpenWatch::default(), &|| {}).map(Option::unwrap)
        }
    }

    fn keys(opened: &Opened) -> Vec<&str> {
        opened.album.pictures().iter().map(|picture| &*picture.key).collect()
    }

    #[test]
    fn a_folder_is_opened_with_what_was_done_to_it_earlier() {
        let place = Place::new(&["b.png", "a.png", ".hidden.png"]);
        std::fs::write(place.path("c.jpg"), "no picture").unwrap();
        let mut first = place.open(&place.path("")).unwrap();
        assert_eq!(keys(&first), ["a.png", "b.png", "c.jpg"]);
        assert!(first.album.pictures()[2].size.as_ref().unwrap_err().contains("c.jpg cannot be read as a picture"));
        let sign = first.album.class_named("a new sign");
        let rect = PixelBox { x: 1.0, y: 2.0, width: 30.0, height: 20.0 };
        first.album.apply(1, Edit::Add(sign, rect));
        first.album.apply(1, Edit::SetDone(true));
        first.place.write(&first.album.snapshot(1)).unwrap();

        RgbImage::new(8, 8).save(place.path("aa.png")).unwrap();
        let again = place.open(&place.path("")).unwrap();
        assert_eq!((keys(&again), again.at), (vec!["a.png", "aa.png", "b.png", "c.jpg"], 2));
        let restored = again.album.pictures()[2].content();
        assert!(restored.done && again.album.class_name(restored.boxes[0].class) == "a new sign");
        assert_eq!(place.open(&place.path("aa.png")).unwrap().at, 1, "a picture is opened in its folder");

        std::fs::remove_file(place.path("b.png")).unwrap();
        let without = place.open(&place.path("")).unwrap();
        assert!(without.notes[0].contains("1 pictures that were labelled are no longer there"), "{:?}", without.notes);
        assert_eq!(keys(&without), ["a.png", "aa.png", "c.jpg", "b.png"]);
        without.place.write(&without.album.snapshot(0)).unwrap();
        RgbImage::new(64, 48).save(place.path("b.png")).unwrap();
        let json = r#"{"images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}], "categories": [], "annotations": []}"#;
        std::fs::write(place.path("exported.json"), json).unwrap();
        let back = place.open(&place.path("")).unwrap();
        assert_eq!(back.path, place.path(""), "the work on the folder goes on");
        assert_eq!(back.album.pictures()[2].content().boxes.len(), 1, "and with the picture its box");
    }

    #[test]
    fn pictures_in_folders_are_found_where_the_folder_has_none() {
        let place = Place::new(&["x/1.png", "x/y/2.png"]);
        assert_eq!(keys(&place.open(&place.path("")).unwrap()), ["x/1.png", "x/y/2.png"]);
        RgbImage::new(8, 8).save(place.path("0.png")).unwrap();
        assert_eq!(keys(&place.open(&place.path("")).unwrap()), ["0.png"]);
    }

    #[test]
    fn a_data_set_is_opened_with_its_boxes() {
        let place = Place::new(&["1.png", "2.png"]);
        let json = r#"{"images": [{"id": 1, "file_name": "1.png", "width": 64, "height": 48},
                                  {"id": 2, "file_name": "2.png", "width": 64, "height": 48}],
                       "categories": [{"id": 7, "name": "bus"}],
                       "annotations": [{"id": 1, "image_id": 2, "category_id": 7, "bbox": [1.5, 2, 10, 8.25], "area": 61.5, "iscrowd": 1}]}"#;
        std::fs::write(place.path("labels.json"), json).unwrap();
        let mut opened = place.open(&place.path("")).unwrap();
        assert_eq!((opened.path.clone(), opened.album.done()), (place.path("labels.json"), 2));
        assert_eq!(opened.album.classes(), [Class { name: "bus".to_owned(), id: Some(7) }]);
        let found = opened.album.pictures()[1].content().boxes[0];
        assert_eq!((found.area, found.ignored, found.rect.height), (Some(61.5), true, 8.25));
        opened.album.apply(1, Edit::Delete(found.id));
        opened.place.write(&opened.album.snapshot(1)).unwrap();
        let again = place.open(&place.path("")).unwrap();
        assert_eq!((again.at, again.album.pictures()[1].content().boxes.len()), (1, 0));
        assert!(again.notes.is_empty(), "{:?}", again.notes);
    }

    #[test]
    fn untouched_pictures_of_a_voc_folder_keep_its_labels_when_the_work_goes_on() {
        let place = Place::new(&["1.png", "2.png"]);
        for name in ["1", "2"] {
            let xml = format!(
                "<annotation><filename>{name}.png</filename><size><width>64</width><height>48</height></size><object>\
                 <name>bus</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object>\
                 </annotation>"
            );
            std::fs::write(place.path(&format!("{name}.xml")), xml).unwrap();
        }
        let mut opened = place.open(&place.path("")).unwrap();
        assert_eq!(opened.path, place.path(""));
        opened.album.apply(1, Edit::MarkEmpty);
        opened.place.write(&opened.album.snapshot(0)).unwrap();
        let again = place.open(&place.path("")).unwrap();
        let boxes: Vec<_> = again.album.pictures().iter().map(|picture| picture.content().boxes.len()).collect();
        assert_eq!(boxes, [1, 0]);
        for name in ["1.xml", "2.xml"] {
            std::fs::remove_file(place.path(name)).unwrap();
        }
        assert!(place.open(&place.path("")).unwrap_err().contains("earlier work on a data set"));
    }

    #[test]
    fn detections_of_the_recording_are_proposals_until_the_picture_was_touched() {
        let place = Place::new(&["a.png"]);
        let line = r#"{"frame": 1, "source": "a.png", "width": 64, "height": 48,
            "detections": [{"label": "bike", "class_id": 1, "score": 0.5, "box": [1, 1, 20, 20]}]}"#;
        std::fs::write(place.path("detections.jsonl"), line.replace('\n', "")).unwrap();
        let mut opened = place.open(&place.path("")).unwrap();
        let content = opened.album.pictures()[0].content();
        assert_eq!((content.proposed().count(), opened.album.class_name(content.boxes[0].class)), (1, "bike"));
        opened.album.apply(0, Edit::RejectAll);
        opened.place.write(&opened.album.snapshot(0)).unwrap();
        assert_eq!(place.open(&place.path("")).unwrap().album.pictures()[0].content().boxes.len(), 0);
    }

    #[test]
    fn what_cannot_be_opened_is_told_with_the_remedy() {
        let place = Place::new(&[]);
        assert!(place.open(&place.path("nowhere")).unwrap_err().contains("is not there. Choose a folder"));
        assert!(place.open(&place.path("")).unwrap_err().contains("there is no picture in it"));
        std::fs::write(place.path("x.onnx"), "").unwrap();
        assert!(place.open(&place.path("x.onnx")).unwrap_err().contains("a model"));
        RgbImage::new(8, 8).save(place.path("1.png")).unwrap();
        std::fs::write(place.path("broken.json"), "{").unwrap();
        let opened = place.open(&place.path("")).unwrap();
        assert!(opened.notes[0].contains("the pictures are opened without it"), "{:?}", opened.notes);
        let watch = OpenWatch::default();
        watch.cancel().cancel();
        let request = OpenRequest { path: place.path(""), spares: place.path("s"), labels: Vec::new() };
        assert!(open(&request, &watch, &|| {}).unwrap().is_none());
    }
}
