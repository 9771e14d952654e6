//! Folded graphs that were made before, so that a model that is loaded again is accelerated at once.
//!
//! An entry is a file named after everything that its graph depends on: the model's bytes, ONNX Runtime's version, the
//! instruction sets of the processor, the number of threads, this program's version. It holds what the plain session gave
//! for the checks, so that an accelerated session is checked at every load, although no plain one is built. An entry that
//! is damaged, or whose session gives anything else, is thrown away and made again.

use super::check::{Fingerprint, Shown};
use crate::inference::Entrance;
use crate::runtime;
use directories::ProjectDirs;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Names the folder of what can be made again.
pub const CACHE_VARIABLE: &str = "QUANTSCOPE_CACHE_DIR";
/// Of the files in it, ours.
const ENDING: &str = "folded";
/// Changes when entries are read otherwise, or another program makes other graphs of the same file.
const FORM: &str = "4";
/// Entries that are kept, those used last.
const ENTRIES_MAX: usize = 32;
/// Bytes that all entries together may take.
const BYTES_MAX: u64 = 512 << 20;
/// Bytes of the checksum at an entry's beginning.
const CHECKSUM: usize = 32;
/// Bytes that tell how long the facts are.
const LENGTH: usize = 4;

/// A graph that was folded, and what is known of it.
pub(super) struct Entry {
    pub facts: Facts,
    /// The graph; empty where there was nothing to fold.
    pub graph: Vec<u8>,
}

/// What is known of a folded graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub look_ups: usize,
    pub convolutions: usize,
    pub nodes: usize,
    pub conversions: usize,
    pub gain: f32,
    pub predicted: Option<f32>,
    /// How the pictures of the check were fed.
    pub shown: Shown,
    /// What the plain session gave for them.
    pub fingerprint: Fingerprint,
    /// How the picture goes in, where that is not as the file has it.
    pub entrance: Option<Entrance>,
}

/// The folder of entries.
#[derive(Clone, Debug)]
pub(in crate::inference) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The user's own: the folder that [`CACHE_VARIABLE`] names, else the one that the system has for such files.
    pub fn of_environment() -> Option<Self> {
        let folder = match std::env::var_os(CACHE_VARIABLE).filter(|folder| !folder.is_empty()) {
            Some(folder) => PathBuf::from(folder),
            None => ProjectDirs::from("org", "quantscope", "quantscope")?.cache_dir().to_owned(),
        };
        Some(Self { folder: folder.join("accelerated") })
    }

    #[cfg(test)]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The place of the entry for the model at `path`; None where the model cannot be read or is not one file of
    /// `bytes`. `how` tells what else the graph depends on.
    pub fn place(&self, path: &Path, bytes: u64, how: &str) -> Option<PathBuf> {
        let mut file = File::open(path).ok()?;
        if file.metadata().ok()?.len() != bytes {
            return None;
        }
        let mut digest = Sha256::new();
        let version = &runtime::initialize().ok()?.version;
        let features = runtime::cpu_features().join(" ");
        for part in [FORM, env!("CARGO_PKG_VERSION"), version, &features, how] {
            digest.update(part);
            digest.update([0]);
        }
        let mut block = vec![0; 1 << 20];
        loop {
            match file.read(&mut block).ok()? {
                0 => break,
                count => digest.update(&block[..count]),
            }
        }
        let name: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(self.folder.join(name).with_extension(ENDING))
    }

    /// The entry at `place`; one that is damaged is removed.
    pub(super) fn find(&self, place: &Path) -> Option<Entry> {
        let bytes = fs::read(place).ok()?;
        let Some(entry) = Entry::of_bytes(bytes) else {
            tracing::warn!("{} is damaged and made again", place.display());
            self.forget(place);
            return None;
        };
        // The time of the last use decides what is kept.
        let used = File::options().write(true).open(place).and_then(|file| file.set_modified(SystemTime::now()));
        if let Err(error) = used {
            tracing::debug!("{}: {error}", place.display());
        }
        Some(entry)
    }

    /// Removes the entry at `place`.
    pub(super) fn forget(&self, place: &Path) {
        if let Err(error) = fs::remove_file(place) {
            tracing::debug!("{}: {error}", place.display());
        }
    }

    /// Writes an entry, whole or not at all, and removes those that were not used for longest where there are too many.
    /// What fails costs only time: it is logged.
    pub(super) fn store(&self, place: &Path, entry: &Entry) {
        if let Err(error) = self.write(place, entry).and_then(|()| self.tidy(place, ENTRIES_MAX, BYTES_MAX)) {
            tracing::info!("what was made of the model is not kept: {}: {error}", place.display());
        }
    }

    fn write(&self, place: &Path, entry: &Entry) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::Builder::new().prefix("new-").tempfile_in(&self.folder)?;
        file.write_all(&entry.to_bytes()?)?;
        file.persist(place)?;
        Ok(())
    }

    fn tidy(&self, newest: &Path, entries: usize, bytes: u64) -> io::Result<()> {
        let mut found: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let (path, metadata) = (entry.path(), entry.metadata()?);
            if path.extension().is_some_and(|ending| ending == ENDING) && path != newest {
                found.push((metadata.modified()?, metadata.len(), path));
            }
        }
        found.sort_by_key(|(used, ..)| std::cmp::Reverse(*used));
        let mut room = bytes.saturating_sub(fs::metadata(newest)?.len());
        for (index, (_, length, path)) in found.iter().enumerate() {
            room = room.saturating_sub(*length);
            if room == 0 || index + 1 >= entries {
                self.forget(path);
            }
        }
        Ok(())
    }
}

impl Entry {
    /// The checksum of the rest, the length of the facts, the facts as JSON, the graph.
    fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let facts = serde_json::to_vec(&self.facts)?;
        let mut bytes = vec![0; CHECKSUM];
        let length = u32::try_from(facts.len()).map_err(io::Error::other)?;
        bytes.extend(length.to_le_bytes());
        bytes.extend(facts);
        bytes.extend(&self.graph);
        let checksum = Sha256::digest(&bytes[CHECKSUM..]);
        bytes[..CHECKSUM].copy_from_slice(&checksum);
        Ok(bytes)
    }

    fn of_bytes(mut bytes: Vec<u8>) -> Option<Self> {
        let (checksum, rest) = bytes.split_at_checked(CHECKSUM)?;
        if Sha256::digest(rest).as_slice() != checksum {
            return None;
        }
        let (length, rest) = rest.split_first_chunk::<LENGTH>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let facts = serde_json::from_slice(rest.get(..length)?).ok()?;
        Some(Self { facts, graph: bytes.split_off(CHECKSUM + LENGTH + length) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::accelerate::check::test_support::shown;
    use std::time::Duration;

    fn entry(graph: &[u8]) -> Entry {
        let (shown, fingerprint, predicted, entrance) = (shown(), [7; 32], Some(1.25), None);
        let facts = Facts {
            look_ups: 3,
            convolutions: 2,
            nodes: 6,
            conversions: 2,
            gain: 1.5,
            predicted,
            shown,
            fingerprint,
            entrance,
        };
        Entry { facts, graph: graph.to_vec() }
    }

    #[test]
    fn an_entry_is_found_as_it_was_stored() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(&folder.path().join("made"));
        let place = folder.path().join("made/a.folded");
        assert!(cache.find(&place).is_none());
        cache.store(&place, &entry(b"graph"));
        let found = cache.find(&place).unwrap();
        assert_eq!((found.facts, found.graph), (entry(b"").facts, b"graph".to_vec()));
        cache.forget(&place);
        assert!(cache.find(&place).is_none());
    }

    #[test]
    fn a_damaged_entry_is_no_entry_and_goes() {
        let whole = entry(b"graph").to_bytes().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (cache, place) = (Cache::new(folder.path()), folder.path().join("a.folded"));
        for length in [0, 10, CHECKSUM, CHECKSUM + LENGTH, whole.len() - 1] {
            fs::write(&place, &whole[..length]).unwrap();
            assert!(cache.find(&place).is_none(), "{length}");
            assert!(!place.exists(), "{length}");
        }
        for at in 0..whole.len() {
            let mut turned = whole.clone();
            turned[at] ^= 0x10;
            assert!(Entry::of_bytes(turned).is_none(), "{at}");
        }
        // One that someone made on purpose: its checksum is right.
        let mut odd = vec![0; CHECKSUM];
        odd.extend(u32::MAX.to_le_bytes());
        let checksum = Sha256::digest(&odd[CHECKSUM..]);
        odd[..CHECKSUM].copy_from_slice(&checksum);
        assert!(Entry::of_bytes(odd).is_none());
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        let place = |index: u32| folder.path().join(format!("{index}.folded"));
        for index in 0..6 {
            fs::write(place(index), [0; 100]).unwrap();
            let used = SystemTime::now() - Duration::from_secs(u64::from(100 - index));
            File::options().write(true).open(place(index)).unwrap().set_modified(used).unwrap();
        }
        fs::write(folder.path().join("other.txt"), "stays").unwrap();
        let left = || (0..6).filter(|index| place(*index).exists()).collect::<Vec<_>>();
        cache.tidy(&place(0), 4, u64::MAX).unwrap();
        assert_eq!(left(), [0, 3, 4, 5], "the newest one is kept, whatever its time");
        cache.tidy(&place(5), 100, 250).unwrap();
        assert_eq!(left(), [4, 5]);
        assert!(folder.path().join("other.txt").exists());
    }

    #[test]
    fn the_place_depends_on_the_model_and_on_how_it_is_run() {
        if runtime::initialize().is_err() {
            eprintln!("skipped: no ONNX Runtime");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (cache, model) = (Cache::new(folder.path()), folder.path().join("m.onnx"));
        fs::write(&model, "model").unwrap();
        let place = |how| cache.place(&model, 5, how);
        assert_eq!(place("1 thread"), place("1 thread"));
        assert_ne!(place("1 thread"), place("2 threads"));
        assert_eq!(cache.place(&model, 6, ""), None, "part of it lies in another file");
        let before = place("");
        fs::write(&model, "Model").unwrap();
        assert_ne!(place(""), before);
        assert_eq!(cache.place(&folder.path().join("none.onnx"), 5, ""), None);
    }
}
