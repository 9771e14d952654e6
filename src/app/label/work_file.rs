//! The file that the work is kept in: JSON, beside the pictures under a hidden name, replaced as a whole after every
//! change. It holds the pictures that were touched; the others are what was opened.

use super::album::{KnownBox, Snapshot};
use super::geometry::PixelBox;
use crate::files::replace_in_folder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Layout of the file that this program writes.
const VERSION: u32 = 1;
/// Ending of its name. Hidden, so that no reader of data sets takes it for labels.
const NAME: &str = "quantscope-labels.json";
/// A hundred thousand pictures with ten boxes each have a tenth of this.
const MOST_BYTES: u64 = 1 << 30;

/// What is in the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Work {
    /// Layout of the file.
    version: u32,
    /// What was opened; for people.
    opened: String,
    /// Whether that is a data set, whose other pictures keep its labels, and not a folder of pictures.
    pub of_dataset: bool,
    /// Names of the classes, in their order.
    pub classes: Vec<String>,
    /// The picture that was in view.
    pub at: Option<String>,
    /// The pictures that were touched.
    pub pictures: Vec<WorkPicture>,
}

/// A picture that was touched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkPicture {
    /// Its file, below the folder that was opened.
    pub file: String,
    /// Whether it is complete.
    pub done: bool,
    /// Whether proposals were made for it.
    pub asked: bool,
    /// Its boxes.
    pub boxes: Vec<WorkBox>,
}

/// A box of such a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkBox {
    /// Name of its class.
    class: String,
    #[serde(flatten)]
    rect: PixelBox,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    area: Option<f64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    ignored: bool,
    /// How sure the model was, if it is a proposal still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
}

impl WorkPicture {
    /// Its boxes, but those that are none.
    pub fn known_boxes(&self) -> Vec<KnownBox> {
        let sound = self.boxes.iter().filter(|found| found.is_sound());
        let known = |found: &WorkBox| KnownBox {
            label: found.class.clone(),
            rect: found.rect,
            area: found.area,
            ignored: found.ignored,
            score: found.score,
        };
        sound.map(known).collect()
    }
}

impl WorkBox {
    fn is_sound(&self) -> bool {
        self.rect.is_sound() && self.area.is_none_or(f64::is_finite) && self.score.is_none_or(f32::is_finite)
    }
}

/// Where the work on something is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkPlace {
    /// What was opened.
    opened: PathBuf,
    /// Beside the pictures.
    beside: PathBuf,
    /// Where it is kept when nothing can be written there.
    spare: PathBuf,
    /// Whether a data set was opened.
    of_dataset: bool,
}

/// How earlier work was found.
#[derive(Debug, PartialEq)]
pub enum Earlier {
    /// There is none.
    Nothing,
    /// Read from there.
    Found(Work, PathBuf),
}

/// Why earlier work is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// A newer program wrote it.
    #[error("{path} was written by a newer version of this program. Update it, or move that file away to start anew")]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// It is there and cannot be read, so that nothing may be written over it.
    #[error(
        "{path} keeps earlier work and cannot be read: {source}. Give yourself the right to read it, or move it away"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is damaged and cannot be put aside, so that nothing may be written over it.
    #[error("{path} is damaged and cannot be put aside: {source}. Move it away to start anew")]
    Stuck {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl WorkPlace {
    /// Where the work on `opened` is kept: in it if it is a folder, else beside it; and in `spares` where that cannot be
    /// written.
    pub fn of(opened: &Path, spares: &Path) -> Self {
        let beside = if opened.is_dir() {
            opened.join(format!(".{NAME}"))
        } else {
            let file = opened.file_name().unwrap_or_default().to_string_lossy();
            opened.with_file_name(format!(".{file}.{NAME}"))
        };
        let digest = Sha256::digest(opened.as_os_str().as_encoded_bytes());
        let number: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let stem = opened.file_name().unwrap_or_default().to_string_lossy();
        let spare = spares.join(format!("{stem}-{number}.{NAME}"));
        Self { opened: opened.to_owned(), beside, spare, of_dataset: false }
    }

    /// The same for work on a data set.
    #[must_use]
    pub fn for_dataset(self) -> Self {
        Self { of_dataset: true, ..self }
    }

    /// Reads what was kept, the later where there are two. What is damaged is put aside and told in `notes`.
    ///
    /// # Errors
    ///
    /// When there is something that must not be written over.
    pub fn read(&self, notes: &mut Vec<String>) -> Result<Earlier, WorkError> {
        let written = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
        let mut paths = [&self.beside, &self.spare];
        if written(&self.spare) > written(&self.beside) {
            paths.reverse();
        }
        for path in paths {
            if let Some(work) = read_one(path, notes)? {
                return Ok(Earlier::Found(work, path.clone()));
            }
        }
        Ok(Earlier::Nothing)
    }

    /// Writes the work down, beside the pictures if that can be; where it is now.
    ///
    /// # Errors
    ///
    /// A sentence with the remedy; what was written before is untouched.
    pub fn write(&self, snapshot: &Snapshot) -> Result<PathBuf, String> {
        let work = Work::of(snapshot, self);
        let text = serde_json::to_vec(&work).map_err(|error| format!("The labels cannot be written down: {error}"))?;
        // A folder that has gone is not made anew: it may be a drive that was taken out.
        let there = self.beside.parent().is_some_and(Path::is_dir);
        let gone = || Err(std::io::Error::new(std::io::ErrorKind::NotFound, "the folder is no longer there"));
        let beside = if there { replace_in_folder(&self.beside, &text) } else { gone() };
        let Err(first) = beside else { return Ok(self.beside.clone()) };
        replace_in_folder(&self.spare, &text).map(|()| self.spare.clone()).map_err(|second| {
            format!(
                "The labels are not saved: {} cannot be written ({first}), nor can {} ({second}). Make room or make one of \
                 the folders writable; the work is tried to be saved again with every change",
                self.beside.display(),
                self.spare.display()
            )
        })
    }
}

impl Work {
    fn of(snapshot: &Snapshot, place: &WorkPlace) -> Self {
        let name = |class: usize| snapshot.classes.get(class).cloned().unwrap_or_default();
        let pictures = snapshot.pictures.iter().map(|picture| WorkPicture {
            file: picture.key.to_string(),
            done: picture.content.done,
            asked: picture.asked,
            boxes: (picture.content.boxes.iter())
                .map(|found| WorkBox {
                    class: name(found.class),
                    rect: found.rect,
                    area: found.area,
                    ignored: found.ignored,
                    score: found.score,
                })
                .collect(),
        });
        Self {
            version: VERSION,
            opened: place.opened.display().to_string(),
            of_dataset: place.of_dataset,
            classes: snapshot.classes.clone(),
            at: snapshot.at.as_deref().map(str::to_owned),
            pictures: pictures.collect(),
        }
    }
}

fn read_one(path: &Path, notes: &mut Vec<String>) -> Result<Option<Work>, WorkError> {
    let unreadable = |source| WorkError::Unreadable { path: path.to_owned(), source };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    // A list is read as a structure, too.
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    let damaged = match serde_json::from_slice::<Work>(&bytes) {
        Ok(_) if !is_object => "it is no file of labels".to_owned(),
        Ok(work) if work.version > VERSION => return Err(WorkError::Newer { path: path.to_owned() }),
        Ok(work) if work.version == 0 => "it is no file of labels".to_owned(),
        Ok(work) => {
            let boxes = work.pictures.iter().flat_map(|picture| &picture.boxes);
            let broken = boxes.filter(|found| !found.is_sound()).count();
            if broken > 0 {
                let kept = put_aside(path, &|from, to| std::fs::copy(from, to).map(|_| ()));
                let kept = kept.map_err(|source| WorkError::Stuck { path: path.to_owned(), source })?;
                notes
                    .push(format!("{broken} boxes of the earlier work are damaged and left out; it is kept as {kept}"));
            }
            return Ok(Some(work));
        }
        Err(error) => error.to_string(),
    };
    let kept = put_aside(path, &|from, to| std::fs::rename(from, to));
    let kept = kept.map_err(|source| WorkError::Stuck { path: path.to_owned(), source })?;
    notes.push(format!("The earlier work cannot be read ({damaged}). It is kept as {kept}, and the labels start anew"));
    Ok(None)
}

/// Puts a file under a name that nothing has yet; that name.
fn put_aside(path: &Path, put: &dyn Fn(&Path, &Path) -> std::io::Result<()>) -> std::io::Result<String> {
    let named = |number: u32| path.with_extension(format!("damaged-{number}.json"));
    let free = (1..1000).map(named).find(|aside| aside.symlink_metadata().is_err());
    let aside = free.ok_or_else(|| std::io::Error::other("too many damaged files are there already"))?;
    put(path, &aside)?;
    Ok(aside.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::label::album::{Album, Class};
    use crate::app::label::content::Edit;
    use crate::imaging::ImageSize;
    use proptest::prelude::*;

    fn album() -> Album {
        let mut album = Album::new(vec![Class { name: "stop".to_owned(), id: None }]);
        let key = "a/1.png";
        let rect = PixelBox { x: 0.1, y: 2.0 / 3.0, width: 10.0, height: 7.5 };
        let known = |score| KnownBox { label: "yield".into(), rect, area: Some(3.25), ignored: true, score };
        let size = Ok(ImageSize::new(100, 60));
        album.add_picture(key.into(), key.into(), size, vec![known(None), known(Some(0.3))]);
        album.add_picture("b.png".into(), "b.png".into(), Ok(ImageSize::new(9, 9)), Vec::new());
        album.apply(0, Edit::SetDone(true));
        album
    }

    fn place() -> (tempfile::TempDir, WorkPlace) {
        let folder = tempfile::tempdir().unwrap();
        let pictures = folder.path().join("pictures");
        std::fs::create_dir(&pictures).unwrap();
        let place = WorkPlace::of(&pictures, &folder.path().join("spare"));
        (folder, place)
    }

    fn read(place: &WorkPlace) -> (Result<Earlier, String>, Vec<String>) {
        let mut notes = Vec::new();
        (place.read(&mut notes).map_err(|error| error.to_string()), notes)
    }

    #[test]
    fn everything_survives_a_round_trip() {
        let (_folder, place) = place();
        assert_eq!(read(&place), (Ok(Earlier::Nothing), vec![]));
        let album = album();
        assert_eq!(place.write(&album.snapshot(1)).unwrap(), place.beside);
        let (Ok(Earlier::Found(work, path)), notes) = read(&place) else { panic!() };
        assert_eq!((path, notes.len()), (place.beside.clone(), 0));
        assert_eq!((work.classes.join(" "), work.at.as_deref()), ("stop yield".to_owned(), Some("b.png")));
        let mut again = Album::new(Vec::new());
        again.class_named("stop");
        again.add_picture("a".into(), "a/1.png".into(), Ok(ImageSize::new(100, 60)), Vec::new());
        assert_eq!(work.pictures.len(), 1, "only what was touched");
        let picture = &work.pictures[0];
        again.restore(0, picture.known_boxes(), picture.done, picture.asked);
        assert_eq!(again.pictures()[0].content(), album.pictures()[0].content());
    }

    #[test]
    fn a_damaged_file_is_kept_and_told() {
        let (_folder, place) = place();
        place.write(&album().snapshot(0)).unwrap();
        let whole = std::fs::read(&place.beside).unwrap();
        for damaged in [&whole[..whole.len() / 2], b"", b"{}", b"\xff\xfe", b"[1]"] {
            std::fs::write(&place.beside, damaged).unwrap();
            let (found, notes) = read(&place);
            assert_eq!(found, Ok(Earlier::Nothing));
            assert!(notes[0].contains("It is kept as ") && !place.beside.exists(), "{notes:?}");
        }
        let kept = std::fs::read_dir(place.beside.parent().unwrap()).unwrap().count();
        assert_eq!(kept, 5, "none was written over another");
    }

    #[test]
    fn broken_boxes_are_left_out_and_the_file_is_kept() {
        let (_folder, place) = place();
        place.write(&album().snapshot(0)).unwrap();
        let text = std::fs::read_to_string(&place.beside).unwrap().replacen("\"width\":10.0", "\"width\":-10.0", 1);
        std::fs::write(&place.beside, text).unwrap();
        let (Ok(Earlier::Found(work, _)), notes) = read(&place) else { panic!() };
        assert!(notes[0].starts_with("1 boxes of the earlier work are damaged"), "{notes:?}");
        assert_eq!((work.pictures[0].boxes.len(), work.pictures[0].known_boxes().len()), (2, 1));
        assert_eq!(std::fs::read_dir(place.beside.parent().unwrap()).unwrap().count(), 2);
    }

    #[test]
    fn a_newer_file_is_left_alone() {
        let (_folder, place) = place();
        std::fs::write(&place.beside, r#"{"version": 2, "new": []}"#).unwrap();
        let (found, _) = read(&place);
        assert!(found.unwrap_err().contains("newer version"), "and nothing is put aside");
        assert!(place.beside.exists());
    }

    #[test]
    fn where_nothing_can_be_written_the_spare_place_is_used_and_found_again() {
        let (folder, place) = place();
        // Nobody, root neither, can write a file where a folder is.
        std::fs::create_dir(&place.beside).unwrap();
        assert_eq!(place.write(&album().snapshot(0)).unwrap(), place.spare);
        std::fs::remove_dir(&place.beside).unwrap();
        let (Ok(Earlier::Found(_, path)), _) = read(&place) else { panic!() };
        assert_eq!(path, place.spare);

        std::fs::remove_dir_all(folder.path().join("pictures")).unwrap();
        assert_eq!(place.write(&album().snapshot(0)).unwrap(), place.spare);
        assert!(!folder.path().join("pictures").exists(), "a folder that has gone is not made anew");

        std::fs::remove_dir_all(folder.path().join("spare")).unwrap();
        std::fs::write(folder.path().join("spare"), "in the way").unwrap();
        let error = place.write(&album().snapshot(0)).unwrap_err();
        assert!(error.contains("are not saved") && error.contains("Make room"), "{error}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let (_folder, place) = place();
            std::fs::write(&place.beside, &bytes).unwrap();
            let (found, notes) = read(&place);
            prop_assert!(found.is_ok() && (notes.len() == 1 || place.beside.exists()));
        }
    }
}
