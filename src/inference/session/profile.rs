//! ONNX Runtime's own record of what a session does: which operator ran when, and for how long.

use super::{Session, SessionError};
use crate::inference::explain::{Doing, explain};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where a session begins its record: ONNX Runtime adds the time to the name, which two sessions may share.
pub(super) fn place_in(folder: &Path) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    folder.join(format!("profile-{}", COUNT.fetch_add(1, Ordering::Relaxed)))
}

impl Session {
    /// Ends the record that [`SessionOptions::profile_in`](super::SessionOptions) asked for; the file with it, JSON in the
    /// form of Chrome's trace events.
    ///
    /// # Errors
    ///
    /// When there is none, or it cannot be written.
    pub fn end_profile(&mut self) -> Result<PathBuf, SessionError> {
        let ended = self.inner.end_profiling();
        ended
            .map(PathBuf::from)
            .map_err(|error| SessionError::Run { reason: explain(&error.to_string(), self.opset, Doing::Run) })
    }
}
