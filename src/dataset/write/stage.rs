//! Files are made in a hidden folder and moved to their place when all of them are there.

use crate::dataset::DatasetError;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Prefix of the hidden folder; readers pass over hidden folders.
const HIDDEN: &str = ".quantscope-";

/// A place in the making. Dropped before [`Stage::commit`] it leaves nothing behind.
pub(super) struct Stage {
    target: PathBuf,
    /// Whether the target is there already, so that files are moved into it one by one.
    into_existing: bool,
    made: PathBuf,
    /// Holds `made`, and goes with it.
    _hidden: TempDir,
}

impl Stage {
    /// Checks the target. Nothing is made in it, but for the hidden folder.
    pub fn prepare(target: &Path, overwrite: bool) -> Result<Self, DatasetError> {
        let unwritable = |source| DatasetError::Unwritable { path: target.to_owned(), source };
        let into_existing = match fs::read_dir(target).map(|entries| entries.count()) {
            Ok(1..) if !overwrite => return Err(DatasetError::Exists { path: target.to_owned() }),
            Ok(_) => true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(source) => return Err(unwritable(source)),
        };
        let beside = match target.parent() {
            _ if into_existing => target,
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(beside).map_err(unwritable)?;
        let hidden = tempfile::Builder::new().prefix(HIDDEN).tempdir_in(beside).map_err(unwritable)?;
        // The hidden folder is its owner's alone; the dataset has the rights of any new folder.
        let made = hidden.path().join("made");
        fs::create_dir(&made).map_err(unwritable)?;
        Ok(Self { target: target.to_owned(), into_existing, made, _hidden: hidden })
    }

    /// Makes a folder, and returns where it is for now.
    pub fn make_folder(&self, name: &str) -> Result<PathBuf, DatasetError> {
        let folder = self.made.join(name);
        fs::create_dir_all(&folder).map_err(|source| self.unwritable(Path::new(name), source))?;
        Ok(folder)
    }

    /// Writes a file; its folder must be there.
    pub fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<(), DatasetError> {
        let name = name.as_ref();
        fs::write(self.made.join(name), bytes).map_err(|source| self.unwritable(name, source))
    }

    /// Moves everything to its place, and returns the target.
    pub fn commit(self) -> Result<PathBuf, DatasetError> {
        let unwritable = |source| DatasetError::Unwritable { path: self.target.clone(), source };
        if self.into_existing {
            move_into(&self.made, &self.target).map_err(unwritable)?;
        } else {
            fs::rename(&self.made, &self.target).map_err(unwritable)?;
        }
        Ok(self.target)
    }

    fn unwritable(&self, name: &Path, source: std::io::Error) -> DatasetError {
        DatasetError::Unwritable { path: self.target.join(name), source }
    }
}

/// Moves files over those of the same name; those of subfolders first, for the files at the top name them.
fn move_into(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&place)?;
            move_into(&entry.path(), &place)?;
        } else {
            files.push((entry.path(), place));
        }
    }
    files.into_iter().try_for_each(|(from, to)| fs::rename(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(target: &Path, overwrite: bool) -> Result<PathBuf, DatasetError> {
        let stage = Stage::prepare(target, overwrite)?;
        stage.make_folder("in/side")?;
        stage.write("in/side/a.txt", "new")?;
        stage.write("b.txt", "new")?;
        stage.commit()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_there_wholly_or_not_at_all() {
        let base = tempfile::tempdir().unwrap();
        let target = base.path().join("deep/set");
        made(&target, false).unwrap();
        assert_eq!(names(&target), ["b.txt", "in"]);
        assert_eq!(names(target.parent().unwrap()), ["set"], "the hidden folder is gone");
        let told = made(&target, false).unwrap_err().to_string();
        assert!(told.contains("not empty") && told.contains("set"), "{told}");
        let stage = Stage::prepare(&base.path().join("other"), false).unwrap();
        assert!(stage.write("nowhere/a.txt", "x").is_err());
        drop(stage);
        assert_eq!(names(base.path()), ["deep"]);
    }

    #[test]
    fn into_a_folder_that_is_there_only_the_same_names_are_replaced() {
        let base = tempfile::tempdir().unwrap();
        let target = base.path();
        made(target, false).unwrap();
        fs::write(target.join("in/side/a.txt"), "old").unwrap();
        fs::write(target.join("in/own.txt"), "own").unwrap();
        made(target, true).unwrap();
        assert_eq!(fs::read_to_string(target.join("in/side/a.txt")).unwrap(), "new");
        assert_eq!(
            (names(target), names(&target.join("in"))),
            (vec!["b.txt".into(), "in".into()], vec!["own.txt".into(), "side".into()])
        );
        let file = target.join("b.txt");
        assert!(made(&file, true).unwrap_err().to_string().contains("b.txt"));
    }
}
