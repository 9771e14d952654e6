//! Names by date and time that no file has yet, and times as they are written into files.

use super::error::RecordError;
use jiff::{Timestamp, Zoned};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Files of the same second that are kept apart by a number.
const MOST_NUMBERS: u32 = 10_000;

/// Makes `folder` where there is none and gives a path in it that nothing has yet:
/// `<prefix>-2026-11-23-104512.mp4`, `<prefix>-2026-11-23-104512-2.mp4`, … in local time. `ending` may be empty.
pub fn free_path(folder: &Path, prefix: &str, ending: &str) -> Result<PathBuf, RecordError> {
    let failed = |reason: String| RecordError::Folder { path: folder.to_owned(), reason };
    std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
    let stem = format!("{prefix}-{}", Zoned::now().strftime("%Y-%m-%d-%H%M%S"));
    let dot = if ending.is_empty() { "" } else { "." };
    (1..MOST_NUMBERS)
        .map(|number| match number {
            1 => format!("{stem}{dot}{ending}"),
            more => format!("{stem}-{more}{dot}{ending}"),
        })
        .map(|name| folder.join(name))
        // A dangling link is in the way as well.
        .find(|path| path.symlink_metadata().is_err())
        .ok_or_else(|| failed("too many recordings within a second".to_owned()))
}

/// When something happened, as written into files: `2026-11-23T09:45:12.123Z`.
pub fn utc(at: Instant) -> String {
    format!("{:.3}", timestamp(at))
}

/// When something happened, for people: `2026-11-23 10:45:12`, local time.
pub fn local(at: Instant) -> String {
    Zoned::new(timestamp(at), jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn timestamp(at: Instant) -> Timestamp {
    let now = Timestamp::now();
    let ago = jiff::SignedDuration::try_from(at.elapsed()).unwrap_or_default();
    now.checked_sub(ago).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn names_never_clash_and_folders_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        let paths: Vec<PathBuf> = (0..5)
            .map(|_| {
                let path = free_path(&deep, "quantscope", "mp4").unwrap();
                std::fs::write(&path, "x").unwrap();
                path
            })
            .collect();
        assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 5);
        let name = paths[0].file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("quantscope-20") && name.len() == "quantscope-2026-11-23-104512.mp4".len(), "{name}");
        assert!(!free_path(&deep, "frames", "").unwrap().to_str().unwrap().ends_with('.'));
        std::fs::write(folder.path().join("file"), "in the way").unwrap();
        let error = free_path(&folder.path().join("file/x"), "a", "b").unwrap_err().to_string();
        assert!(error.contains("file/x: cannot be used"), "{error}");
    }

    #[test]
    fn times_are_written_in_utc_and_shown_in_local_time() {
        let text = utc(Instant::now() - Duration::from_millis(1500));
        assert_eq!((text.len(), text.as_bytes()[10], text.ends_with('Z')), (24, b'T', true), "{text}");
        let read: Timestamp = text.parse().unwrap();
        let ago = Timestamp::now().duration_since(read).as_secs_f64();
        assert!((1.4..2.5).contains(&ago), "{ago}");
        assert_eq!(local(Instant::now()).len(), "2026-11-23 10:45:12".len());
    }
}
