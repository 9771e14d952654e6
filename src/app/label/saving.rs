//! When the work is written down: after every change, one write at a time, and never an older state over a newer.

use super::album::Snapshot;
use super::work_file::WorkPlace;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A write that failed is tried again after this, or with the next change.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Writes from whichever thread, in order.
#[derive(Debug)]
pub struct WorkWriter {
    place: WorkPlace,
    /// The newest state that was written.
    written: Mutex<u64>,
}

impl WorkWriter {
    /// For work that is kept there.
    pub fn new(place: WorkPlace) -> Self {
        Self { place, written: Mutex::new(0) }
    }

    /// Writes a state, unless a newer one was written already; where it is.
    ///
    /// # Errors
    ///
    /// A sentence with the remedy.
    pub fn write(&self, revision: u64, snapshot: &Snapshot) -> Result<Option<PathBuf>, String> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if revision < *written {
            return Ok(None);
        }
        let path = self.place.write(snapshot)?;
        *written = revision;
        Ok(Some(path))
    }
}

/// What is saved, what is being saved, and what could not be.
#[derive(Debug)]
pub struct Saving {
    saved: u64,
    under_way: Option<u64>,
    failed: Option<Failed>,
    /// Where the last state was written.
    path: Option<PathBuf>,
}

#[derive(Debug)]
struct Failed {
    revision: u64,
    at: Instant,
    reason: String,
}

impl Saving {
    /// This state needs no saving: it was just opened.
    pub fn opened(revision: u64) -> Self {
        Self { saved: revision, under_way: None, failed: None, path: None }
    }

    /// Whether this state is to be written now.
    pub fn is_due(&self, revision: u64, now: Instant) -> bool {
        let waits = |failed: &Failed| failed.revision == revision && now.duration_since(failed.at) < AGAIN_AFTER;
        self.saved != revision && self.under_way.is_none() && !self.failed.as_ref().is_some_and(waits)
    }

    /// Whether something is not written yet.
    pub fn is_behind(&self, revision: u64) -> bool {
        self.saved != revision
    }

    /// When to look again, after a write that failed.
    pub fn again_in(&self, now: Instant) -> Option<Duration> {
        let failed = self.failed.as_ref()?;
        Some(AGAIN_AFTER.saturating_sub(now.duration_since(failed.at)))
    }

    /// A write of this state began.
    pub fn begin(&mut self, revision: u64) {
        self.under_way = Some(revision);
    }

    /// A write of this state ended.
    pub fn end(&mut self, revision: u64, result: Result<Option<PathBuf>, String>, now: Instant) {
        if self.under_way == Some(revision) {
            self.under_way = None;
        }
        match result {
            Ok(path) => {
                self.saved = self.saved.max(revision);
                self.path = path.or(self.path.take());
                self.failed = None;
            }
            Err(reason) => self.failed = Some(Failed { revision, at: now, reason }),
        }
    }

    /// Why the last write failed.
    pub fn failure(&self) -> Option<&str> {
        self.failed.as_ref().map(|failed| failed.reason.as_str())
    }

    /// Where the work is, once something was written.
    pub fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::label::album::Album;

    #[test]
    fn one_write_at_a_time_and_a_failed_one_again() {
        let now = Instant::now();
        let mut saving = Saving::opened(3);
        assert!(!saving.is_due(3, now) && saving.is_due(4, now));
        saving.begin(4);
        assert!(!saving.is_due(5, now), "one at a time");
        saving.end(4, Ok(Some("/x".into())), now);
        assert!(saving.is_due(5, now) && saving.is_behind(5) && !saving.is_behind(4));
        saving.begin(5);
        saving.end(5, Err("the disk is full".to_owned()), now);
        assert_eq!(saving.failure(), Some("the disk is full"));
        assert!(!saving.is_due(5, now) && saving.is_due(5, now + AGAIN_AFTER) && saving.is_due(6, now));
        assert_eq!(saving.again_in(now), Some(AGAIN_AFTER));
        saving.begin(6);
        saving.end(6, Ok(None), now);
        assert_eq!((saving.failure(), saving.path(), saving.again_in(now)), (None, Some(&"/x".into()), None));
    }

    #[test]
    fn an_older_state_is_never_written_over_a_newer() {
        let folder = tempfile::tempdir().unwrap();
        let writer = WorkWriter::new(WorkPlace::of(folder.path(), &folder.path().join("spare")));
        let mut album = Album::new(Vec::new());
        let old = album.snapshot(0);
        album.class_named("new");
        let path = writer.write(2, &album.snapshot(0)).unwrap().unwrap();
        assert_eq!(writer.write(1, &old), Ok(None));
        assert!(std::fs::read_to_string(path).unwrap().contains("new"));
    }
}
