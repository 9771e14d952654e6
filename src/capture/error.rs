//! What can go wrong with a source, in words that say what to do next.

use std::path::PathBuf;

/// Why a source cannot be opened or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// Nothing lies at that path.
    #[error("{path}: no such file or folder. Check the name, or use \"Open\" to choose one")]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
}
