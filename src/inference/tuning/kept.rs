//! What was measured before, so that it is measured once on a machine: a small file a model beside the accelerated graphs.
//! One that is damaged, or that does not answer what would be asked now, is measured again.

use super::{Measured, Share};
use crate::files;
use crate::inference::accelerate::cache::Cache;
use crate::runtime::MachineInfo;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Of the files in the cache's folder, ours.
const ENDING: &str = "threads";
/// Changes when something else is measured.
const FORM: &str = "threads 1";
/// Files that are kept, those written last; each has some hundred bytes.
const FILES_MAX: usize = 256;

/// The file: what was measured, and a checksum of it.
#[derive(Serialize, Deserialize)]
struct Kept {
    checksum: String,
    measured: Measured,
}

/// The place of what was measured of the model at `path`, of `bytes` bytes; None where it cannot be kept.
pub(super) fn place(path: &Path, bytes: u64, share: Share, accelerate: bool) -> Option<PathBuf> {
    place_in(&Cache::of_environment()?, path, bytes, share, accelerate)
}

fn place_in(cache: &Cache, path: &Path, bytes: u64, share: Share, accelerate: bool) -> Option<PathBuf> {
    let Share { cores, lanes } = share;
    let cpu = MachineInfo::read().cpu;
    let how = format!("{FORM}, {cpu}, {cores} cores, {lanes} lanes, accelerated {accelerate}");
    Some(cache.place(path, bytes, &how)?.with_extension(ENDING))
}

/// What lies at `place`, where it is whole and about `share`.
pub(super) fn find(place: &Path, share: Share) -> Option<Measured> {
    let text = fs::read(place).ok()?;
    let kept = serde_json::from_slice::<Kept>(&text).ok();
    let found = kept.filter(|kept| checksum(&kept.measured).as_ref() == Some(&kept.checksum)).map(|kept| kept.measured);
    let tried = |measured: &Measured| measured.rows.iter().map(|row| row.tuning).collect::<Vec<_>>();
    let fits = found.filter(|measured| measured.share == share && tried(measured) == share.candidates());
    if fits.is_none() {
        tracing::warn!("{} is damaged and measured again", place.display());
        if let Err(error) = fs::remove_file(place) {
            tracing::debug!("{}: {error}", place.display());
        }
    }
    fits
}

/// Writes what was measured. What fails costs only time: it is logged.
pub(super) fn store(place: &Path, measured: &Measured) {
    let written = || -> std::io::Result<()> {
        let checksum = checksum(measured).ok_or_else(|| std::io::Error::other("cannot be written as text"))?;
        let text = serde_json::to_vec(&Kept { checksum, measured: measured.clone() })?;
        let folder = place.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder)?;
        files::replace_quickly(place, &text)?;
        tidy(folder, FILES_MAX)
    };
    if let Err(error) = written() {
        tracing::info!("what was measured is not kept: {}: {error}", place.display());
    }
}

/// Removes the oldest where there are too many.
fn tidy(folder: &Path, most: usize) -> std::io::Result<()> {
    let mut found: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        if entry.path().extension().is_some_and(|ending| ending == ENDING) {
            found.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    found.sort_by_key(|(written, _)| std::cmp::Reverse(*written));
    found.drain(..most.min(found.len()));
    found.into_iter().try_for_each(|(_, path)| fs::remove_file(path))
}

fn checksum(measured: &Measured) -> Option<String> {
    let digest = Sha256::digest(serde_json::to_vec(measured).ok()?);
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::super::Row;
    use super::*;

    const SHARE: Share = Share { cores: 4, lanes: 1 };

    fn measured() -> Measured {
        let rows = SHARE.candidates().into_iter().map(|tuning| Row { tuning, micros: 5_000 / tuning.threads as u64 });
        Measured { share: SHARE, rows: rows.collect() }
    }

    #[test]
    fn what_was_measured_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("made/a.threads");
        assert_eq!(find(&place, SHARE), None);
        store(&place, &measured());
        assert_eq!(find(&place, SHARE), Some(measured()));
    }

    #[test]
    fn what_is_damaged_or_about_something_else_goes() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("a.threads");
        store(&place, &measured());
        let whole = fs::read(&place).unwrap();
        for at in (0..whole.len()).step_by(7) {
            let mut turned = whole.clone();
            turned[at] ^= 0x01;
            fs::write(&place, &turned).unwrap();
            assert_eq!(find(&place, SHARE), None, "{at}");
            assert!(!place.exists(), "{at}");
        }
        fs::write(&place, &whole[..whole.len() / 2]).unwrap();
        assert_eq!(find(&place, SHARE), None);
        // Whole, but without one of the ways that would be tried now.
        let mut less = measured();
        less.rows.pop();
        store(&place, &less);
        assert_eq!(find(&place, SHARE), None);
        store(&place, &measured());
        assert_eq!(find(&place, Share { lanes: 2, ..SHARE }), None);
        assert!(!place.exists());
    }

    #[test]
    fn few_files_are_kept_and_others_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for index in 0..5_u64 {
            let place = folder.path().join(format!("{index}.threads"));
            fs::write(&place, "x").unwrap();
            let written = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(index);
            fs::File::options().write(true).open(&place).unwrap().set_modified(written).unwrap();
        }
        fs::write(folder.path().join("a.folded"), "x").unwrap();
        tidy(folder.path(), 2).unwrap();
        let left = (0..5).filter(|index| folder.path().join(format!("{index}.threads")).exists());
        assert_eq!(left.collect::<Vec<_>>(), [3, 4]);
        assert!(folder.path().join("a.folded").exists());
    }

    #[test]
    fn the_place_tells_the_model_and_the_machine_s_share() {
        if crate::runtime::initialize().is_err() {
            eprintln!("skipped: no ONNX Runtime");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (cache, model) = (Cache::new(folder.path()), folder.path().join("m.onnx"));
        fs::write(&model, "model").unwrap();
        let place = |share, accelerate| place_in(&cache, &model, 5, share, accelerate).unwrap();
        let first = place(SHARE, true);
        assert_eq!(place(SHARE, true), first);
        assert_eq!(first.extension().unwrap(), ENDING);
        assert_ne!(place(Share { lanes: 2, ..SHARE }, true), first);
        assert_ne!(place(Share { cores: 8, ..SHARE }, true), first);
        assert_ne!(place(SHARE, false), first);
        fs::write(&model, "Model").unwrap();
        assert_ne!(place(SHARE, true), first);
    }
}
