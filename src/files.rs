//! Files that are there completely or not at all.

use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// Beginning of the name of a file that is being written; one that is found later was left by a crash.
const PREFIX: &str = ".quantscope-";

/// Writes a file as a whole: under another name in its folder, then it takes the place. A crash, a full disk or a failure
/// leaves what was there before. A link leads to the file that is replaced, which keeps its permissions.
///
/// # Errors
///
/// Those of the file system; nothing is left behind.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    replace_with(path, |out| out.write_all(bytes))
}

/// [`replace`], which makes the folder where there is none.
///
/// # Errors
///
/// As [`replace`].
pub fn replace_in_folder(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    replace(path, bytes)
}

/// [`replace`] for what is written bit by bit.
///
/// # Errors
///
/// As [`replace`], and what `write` itself fails with.
pub fn replace_with(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    put(path, Wait::ForTheDisk, write)
}

/// [`replace`] without waiting for the disk, for one of thousands that can be made again: a power cut may leave it empty.
///
/// # Errors
///
/// As [`replace`].
pub fn replace_quickly(path: &Path, bytes: &[u8]) -> Result<()> {
    put(path, Wait::ForNothing, |out| out.write_all(bytes))
}

#[derive(PartialEq)]
enum Wait {
    ForTheDisk,
    ForNothing,
}

fn put(path: &Path, wait: Wait, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let place = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        // As any other new file: what the user's mask leaves, not for the owner alone.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let file = builder.tempfile_in(place.parent().unwrap_or(Path::new(".")))?;
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    if let Ok(before) = std::fs::metadata(&place) {
        file.as_file().set_permissions(before.permissions())?;
    }
    if wait == Wait::ForTheDisk {
        file.as_file().sync_all()?;
    }
    file.persist(&place).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_failure_leaves_what_was_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        replace(&path, b"old").unwrap();
        let failed = replace_with(&path, |out| {
            out.write_all(&[b'x'; 100_000])?;
            Err(Error::from(ErrorKind::StorageFull))
        });
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        replace_with(&path, |out| write!(out, "new")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.json"]);
        let taken = folder.path().join("taken");
        std::fs::create_dir_all(taken.join("inside")).unwrap();
        replace(&taken, b"new").unwrap_err();
        replace(&folder.path().join("no/folder/a"), b"new").unwrap_err();
        assert_eq!(names(folder.path()), ["a.json", "taken"]);
        replace_in_folder(&folder.path().join("no/folder/a"), b"new").unwrap();
        assert_eq!(names(&folder.path().join("no/folder")), ["a"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_to_the_file_and_its_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["deep/file", "link"].map(|name| folder.path().join(name));
        std::fs::create_dir(folder.path().join("deep")).unwrap();
        replace(&file, b"old").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }
}
