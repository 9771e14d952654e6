//! Why a dataset cannot be used.

use std::path::PathBuf;

/// Why a dataset cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// There is nothing.
    #[error("{path}: there is no such dataset. Name a COCO json, a YOLO data.yaml or a folder of Pascal VOC xml files")]
    NotFound {
        /// What was named.
        path: PathBuf,
    },
    /// A file or folder cannot be read.
    #[error("{path} cannot be read: {source}. Check its permissions")]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is larger than such files are.
    #[error("{path} has {megabytes} MB and is no file of labels: at most {limit} MB are read. Split the dataset")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        megabytes: u64,
        /// The most that is read.
        limit: u64,
    },
    /// Something else was named.
    #[error("{path} is no dataset: {what}. {remedy}")]
    NotADataset {
        /// What was named.
        path: PathBuf,
        /// What it is instead.
        what: String,
        /// What to name.
        remedy: &'static str,
    },
    /// Pictures alone.
    #[error(
        "{path} is no dataset: a folder of {pictures} pictures without labels. Name the file of their labels; the folder \
         of pictures may be given with --images"
    )]
    NoLabels {
        /// The folder.
        path: PathBuf,
        /// Pictures in it.
        pictures: usize,
    },
    /// It looks like a dataset and cannot be understood.
    #[error("{path} cannot be understood: {reason}")]
    NotUnderstood {
        /// The file.
        path: PathBuf,
        /// Where and why, and what to do.
        reason: String,
    },
    /// The split that was asked for is not there.
    #[error("{path} has no split {wanted:?}. Name one of: {known}")]
    NoSplit {
        /// The dataset.
        path: PathBuf,
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: String,
    },
    /// Not one picture is left.
    #[error("{path} has no picture that can be used: {reason}")]
    NoPictures {
        /// The dataset.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The place to write to is taken.
    #[error(
        "{path} is there already and is not empty. Name another folder, or let it be written into with --overwrite"
    )]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// Something cannot be written.
    #[error("{path} cannot be written: {source}. Free some space or name another folder")]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A picture cannot be brought along.
    #[error("the picture {path} cannot be copied: {source}. Check that it can be read and that there is space")]
    PictureNotCopied {
        /// The picture.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// YOLO finds labels by the place of the picture.
    #[error("YOLO looks for labels beside the pictures, so these cannot stay where they are: link or copy them")]
    YoloNeedsPictures,
    /// YOLO numbers classes by their place in a list, which may not be empty.
    #[error("YOLO needs the names of its classes, and the dataset has none. Add one, or write COCO or VOC")]
    YoloNeedsClasses,
    /// Labels are text.
    #[error("the picture {path} has a name that labels cannot hold. Rename it, or link or copy the pictures")]
    NameNotWritable {
        /// The picture.
        path: PathBuf,
    },
}
