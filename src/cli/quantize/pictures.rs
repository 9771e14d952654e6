//! Pictures to calibrate with: those of a dataset, or the frames of a source.

use crate::capture::{self, CaptureError, FrameSource, Next, Pace, SourceOptions, SourceSpec};
use crate::dataset::{Dataset, DatasetClass, LabelledPicture, OpenOptions};
use crate::imaging::RgbImage;
use crate::quantize::Sample;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a live source may give nothing before it is asked again.
const PATIENCE: Duration = Duration::from_millis(500);
/// A source that gives nothing for so many times in a row is at its end.
const QUIET_MAX: usize = 20;

/// Pictures, one after the other; what cannot be read is left out and said.
pub(super) struct Pictures {
    from: Origin,
    /// Classes of the labels; empty where there are none.
    pub classes: Vec<DatasetClass>,
    failed: Option<CaptureError>,
}

enum Origin {
    Files(std::vec::IntoIter<(PathBuf, Option<LabelledPicture>)>),
    Source(Box<dyn FrameSource>),
}

impl Pictures {
    /// Opens what was named. Of a dataset or a folder with more than `wanted` pictures, every so many is taken, so that all
    /// of it is seen.
    pub fn open(text: &str, wanted: usize) -> anyhow::Result<Self> {
        let path = Path::new(text);
        let is_dataset = path.extension().is_some_and(|ending| ending == "json" || ending == "yaml" || ending == "yml");
        let mut classes = Vec::new();
        let from = if is_dataset && path.is_file() {
            let dataset = training_part(path)?;
            classes = dataset.classes;
            let pictures = dataset.pictures.into_iter().map(|picture| (picture.path.clone(), Some(picture)));
            Origin::Files(spread(pictures.collect(), wanted).into_iter())
        } else if path.is_dir() {
            let files = in_folder(path)?.into_iter().map(|file| (file, None)).collect();
            Origin::Files(spread(files, wanted).into_iter())
        } else {
            let options = SourceOptions { pace: Pace::EveryFrame, ..SourceOptions::default() };
            Origin::Source(capture::open(&SourceSpec::from(text), &options)?)
        };
        Ok(Self { from, classes, failed: None })
    }

    /// The error that a source ended with.
    pub fn finish(self) -> anyhow::Result<()> {
        self.failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// A dataset's training split, or the one that it has.
fn training_part(path: &Path) -> anyhow::Result<Dataset> {
    let train = OpenOptions { images: None, split: Some("train".to_owned()) };
    Ok(Dataset::open_with(path, &train).or_else(|_| Dataset::open(path, None))?)
}

fn in_folder(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = |error: std::io::Error| anyhow::anyhow!("{} cannot be read: {error}", path.display());
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(path).map_err(unreadable)?.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| crate::dataset::has_picture_ending(file) && file.is_file());
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

impl Iterator for Pictures {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        match &mut self.from {
            Origin::Files(files) => files.find_map(|(file, truth)| match capture::read_picture(&file) {
                Ok(image) => Some(Sample { image, truth }),
                Err(error) => {
                    tracing::warn!("{error}; it is left out");
                    None
                }
            }),
            Origin::Source(source) => {
                for _ in 0..QUIET_MAX {
                    match source.next_frame(PATIENCE) {
                        Ok(Next::Frame(frame)) => return Some(RgbImage::clone(&frame.image).into()),
                        Ok(Next::Waiting) => {}
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let pictures = Pictures::open(folder.path().to_str().unwrap(), 10).unwrap();
        assert_eq!(pictures.map(|picture| picture.image.width()).collect::<Vec<_>>(), [1, 2]);
        let demo: Vec<_> = Pictures::open("demo", 10).unwrap().take(3).collect();
        assert_eq!(demo.len(), 3);
        assert!(Pictures::open("/no/such/folder", 1).is_err());
    }
}
