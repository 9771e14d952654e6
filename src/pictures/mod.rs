//! Pictures to calibrate with, one after the other: those of a data set or a folder, or different frames of a source.
//!
//! Whoever quantizes asks for them, the command line and the window alike; it is known here what was named and how it is
//! read, not what the pictures are for.

mod different;

pub use different::Different;

use crate::capture::{self, CameraBackend, CaptureError, FrameSource, Next, Pace, SourceOptions, SourceSpec};
use crate::dataset::{self, Dataset, DatasetClass, DatasetError, LabelledPicture, OpenOptions};
use crate::imaging::RgbImage;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a live source may give nothing before it is asked again.
const PATIENCE: Duration = Duration::from_millis(250);
/// A source that gives nothing for so many times in a row is at its end.
const QUIET_MAX: usize = 40;

/// Why there are no pictures.
#[derive(Debug, thiserror::Error)]
pub enum PicturesError {
    /// The source cannot be opened, or broke off.
    #[error(transparent)]
    Source(#[from] CaptureError),
    /// It is no data set.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The folder cannot be looked into.
    #[error("{path} cannot be read: {source}. Name a folder that you may read")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// A picture to calibrate with.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The picture.
    pub image: RgbImage,
    /// What is in it, where a data set says that.
    pub truth: Option<LabelledPicture>,
}

/// Pictures, one after the other; what cannot be read is left out and said in the log.
pub struct Pictures {
    /// Classes of the labels; empty where there are none.
    pub classes: Vec<DatasetClass>,
    from: Origin,
    failed: Option<CaptureError>,
}

enum Origin {
    Files(std::vec::IntoIter<(PathBuf, Option<LabelledPicture>)>),
    Source(Box<dyn FrameSource>, Different),
}

impl Pictures {
    /// Opens what was named: a folder, a `data.yaml` or COCO json (its training split, where it has one), a picture, a
    /// video, `camera[:N]`, an address, or `demo`. Of a data set or a folder with more than `wanted` pictures, every so
    /// many is taken, so that all of it is seen; of a source, frames that look like the one before are left out, see
    /// [`Different`].
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn open(spec: &SourceSpec, wanted: usize, cameras: CameraBackend) -> Result<Self, PicturesError> {
        let mut classes = Vec::new();
        let from = match spec {
            SourceSpec::Path(path) if is_dataset(path) => {
                let dataset = training_part(path)?;
                classes = dataset.classes;
                let pictures = dataset.pictures.into_iter().map(|picture| (picture.path.clone(), Some(picture)));
                Origin::Files(spread(pictures.collect(), wanted).into_iter())
            }
            SourceSpec::Path(path) if path.is_dir() => {
                let files = in_folder(path)?.into_iter().map(|file| (file, None)).collect();
                Origin::Files(spread(files, wanted).into_iter())
            }
            spec => {
                let options =
                    SourceOptions { pace: Pace::EveryFrame, camera_backend: cameras, ..SourceOptions::default() };
                Origin::Source(capture::open(spec, &options)?, Different::default())
            }
        };
        Ok(Self { classes, from, failed: None })
    }

    /// The next one; none at the end, or once `stop` says so.
    pub fn next_unless(&mut self, stop: &dyn Fn() -> bool) -> Option<Picture> {
        match &mut self.from {
            Origin::Files(files) => files.take_while(|_| !stop()).find_map(|(file, truth)| {
                let left_out = |error: &CaptureError| tracing::warn!("{error}; it is left out");
                let image = capture::read_picture(&file).inspect_err(left_out).ok()?;
                Some(Picture { image, truth })
            }),
            Origin::Source(source, different) => {
                let mut quiet = 0;
                while quiet < QUIET_MAX && !stop() {
                    match source.next_frame(PATIENCE) {
                        Ok(Next::Frame(frame)) if different.takes(&frame.image) => {
                            return Some(Picture { image: RgbImage::clone(&frame.image), truth: None });
                        }
                        Ok(Next::Frame(_)) => quiet = 0,
                        Ok(Next::Waiting) => quiet += 1,
                        Ok(Next::End) => return None,
                        Err(error) => {
                            self.failed = Some(error);
                            return None;
                        }
                    }
                }
                None
            }
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// What a source broke off with.
    pub fn finish(self) -> Result<(), PicturesError> {
        self.failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

impl Iterator for Pictures {
    type Item = Picture;

    fn next(&mut self) -> Option<Picture> {
        self.next_unless(&|| false)
    }
}

fn is_dataset(path: &Path) -> bool {
    let endings = ["json", "yaml", "yml"];
    path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)) && path.is_file()
}

/// A data set's training split, or the one that it has.
fn training_part(path: &Path) -> Result<Dataset, DatasetError> {
    let train = OpenOptions { images: None, split: Some("train".to_owned()) };
    Dataset::open_with(path, &train).or_else(|_| Dataset::open(path, None))
}

fn in_folder(path: &Path) -> Result<Vec<PathBuf>, PicturesError> {
    let unreadable = |source| PicturesError::Folder { path: path.to_owned(), source };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(path).map_err(unreadable)?.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| dataset::has_picture_ending(file) && file.is_file());
    files.sort();
    Ok(files)
}

fn spread<T: Clone>(files: Vec<T>, wanted: usize) -> Vec<T> {
    let count = files.len();
    if count <= wanted {
        return files;
    }
    (0..wanted).map(|index| files[index * count / wanted].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str, wanted: usize) -> Result<Pictures, PicturesError> {
        Pictures::open(&SourceSpec::from(text), wanted, CameraBackend::default())
    }

    #[test]
    fn of_many_files_all_parts_are_seen() {
        let files: Vec<PathBuf> = (0..10).map(|index| PathBuf::from(index.to_string())).collect();
        let names = |wanted| -> Vec<String> {
            spread(files.clone(), wanted).iter().map(|file| file.display().to_string()).collect()
        };
        assert_eq!(names(3), ["0", "3", "6"]);
        assert_eq!(names(20).len(), 10);
    }

    #[test]
    fn pictures_of_a_folder_come_in_order_and_broken_ones_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for (name, width) in [("b.png", 2), ("a.png", 1)] {
            RgbImage::new(width, 1).save(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("aa.jpg"), b"no picture").unwrap();
        let pictures = open(folder.path().to_str().unwrap(), 10).unwrap();
        assert_eq!(pictures.map(|picture| picture.image.width()).collect::<Vec<_>>(), [1, 2]);
        let mut stopped = open(folder.path().to_str().unwrap(), 10).unwrap();
        assert!(stopped.next_unless(&|| true).is_none());
        assert!(open("/no/such/folder", 1).is_err());
    }

    #[test]
    fn frames_of_the_scene_differ_and_come_the_same_each_time() {
        let taken = || -> Vec<RgbImage> { open("demo", 10).unwrap().take(3).map(|picture| picture.image).collect() };
        let (one, other) = (taken(), taken());
        assert_eq!(one.len(), 3);
        assert!(one == other && one[0] != one[1] && one[1] != one[2]);
    }
}
