//! What can go wrong with a recording, in words that say what to do next.

use crate::capture::ProgramError;
use std::path::{Path, PathBuf};

/// Why something is not recorded, or not any further.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// ffmpeg does not run.
    #[error("video cannot be recorded: {0}")]
    Ffmpeg(ProgramError),
    /// ffmpeg is there but has no usable encoder, or does not tell.
    #[error(
        "video cannot be recorded: {program} has none of the encoders {wanted}{reason}. Install the complete program: sudo apt install ffmpeg"
    )]
    NoEncoder {
        /// The program.
        program: String,
        /// The encoders that were looked for.
        wanted: String,
        /// Its own words, in brackets; may be empty.
        reason: String,
    },
    /// A file name of a kind that is not written.
    #[error("{path}: videos are recorded as .mp4 or .mkv. End the name with one of these")]
    Container {
        /// The name as given.
        path: PathBuf,
    },
    /// Nothing is overwritten.
    #[error("{path}: is there already and is not overwritten. Choose another name, or move the file away")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The folder cannot be made or used.
    #[error("{path}: cannot be used to record into ({reason}). Choose another folder")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The disk is full.
    #[error(
        "{path}: the disk is full, so the recording ended here. What was written can be used; free some space before the next one"
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// Something else went wrong while writing.
    #[error(
        "{path}: the recording broke off ({reason}). What was written can be used; choose another folder and start it again"
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's or ffmpeg's words.
        reason: String,
    },
    /// A frame cannot be written as a picture.
    #[error("{path}: the picture cannot be encoded ({reason}). Choose the other picture format")]
    Picture {
        /// The file.
        path: PathBuf,
        /// The encoder's words.
        reason: String,
    },
    /// The system would not give a thread.
    #[error("recording cannot begin: the system has no thread left for it ({reason}). Close other programs and retry")]
    NoThread {
        /// The system's words.
        reason: String,
    },
}

impl RecordError {
    /// For a file that cannot be written to.
    pub(super) fn writing(path: &Path, error: &std::io::Error) -> Self {
        let full = matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
        if full {
            return Self::DiskFull { path: path.to_owned() };
        }
        Self::Write { path: path.to_owned(), reason: error.to_string() }
    }

    /// For a video of which ffmpeg said so.
    pub(super) fn encoding(path: &Path, words: String) -> Self {
        if ["No space left", "Disk quota exceeded"].iter().any(|part| words.contains(part)) {
            return Self::DiskFull { path: path.to_owned() };
        }
        Self::Write { path: path.to_owned(), reason: words }
    }
}
