//! The unfinished file of a download.

use super::CatalogError;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// An unfinished file, its checksum kept up to date, locked against a second download.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    length: u64,
    wanted: u64,
}

/// Bytes read from a file at once.
const BLOCK: usize = 256 * 1024;

impl Part {
    /// Opens the unfinished file of `target` or begins one. What is there counts, unless it is more than the `wanted`
    /// bytes.
    ///
    /// # Errors
    /// When it cannot be made, written or read, or another download has it.
    pub fn open(target: &Path, wanted: u64) -> Result<Self, CatalogError> {
        let path = path_of(target);
        let failed = |source| CatalogError::File { path: path.clone(), source };
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(CatalogError::Busy { path }),
            // Some file systems have no locks; two downloads at once would then end in a wrong checksum.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let mut part = Self { path, file, hasher: Sha256::new(), length: 0, wanted };
        part.take_in()?;
        Ok(part)
    }

    /// Reads what is there into the checksum.
    fn take_in(&mut self) -> Result<(), CatalogError> {
        let there = self.file.metadata().map_err(|source| self.failed(source))?.len();
        if there > self.wanted {
            return self.restart();
        }
        let (hasher, length) = hash(&mut self.file, there).map_err(|source| self.failed(source))?;
        (self.hasher, self.length) = (hasher, length);
        Ok(())
    }

    /// Bytes that are here.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins again with nothing.
    pub fn restart(&mut self) -> Result<(), CatalogError> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|source| self.failed(source))?;
        (self.hasher, self.length) = (Sha256::new(), 0);
        self.forget_etag();
        Ok(())
    }

    /// Writes the next bytes.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), CatalogError> {
        self.file.write_all(bytes).map_err(|source| self.failed(source))?;
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Makes sure that it is on the disk, and returns the SHA-256 of all of it.
    pub fn finish(&self) -> Result<String, CatalogError> {
        self.file.sync_all().map_err(|source| self.failed(source))?;
        Ok(hex(self.hasher.clone()))
    }

    /// Deletes it.
    pub fn discard(self) {
        self.forget_etag();
        let _ = std::fs::remove_file(&self.path);
    }

    /// The server's mark of the version that is here.
    pub fn etag(&self) -> Option<String> {
        std::fs::read_to_string(self.etag_path()).ok().filter(|etag| !etag.is_empty())
    }

    /// Remembers the server's mark. Without it resuming still ends right, for the checksum decides.
    pub fn remember_etag(&self, etag: Option<&str>) {
        match etag {
            Some(etag) => drop(std::fs::write(self.etag_path(), etag)),
            None => self.forget_etag(),
        }
    }

    /// Forgets the server's mark.
    pub fn forget_etag(&self) {
        let _ = std::fs::remove_file(self.etag_path());
    }

    fn etag_path(&self) -> PathBuf {
        with_ending(&self.path, ".etag")
    }

    fn failed(&self, source: std::io::Error) -> CatalogError {
        let missing = self.wanted.saturating_sub(self.length);
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                CatalogError::DiskFull { path: self.path.clone(), missing }
            }
            _ => CatalogError::File { path: self.path.clone(), source },
        }
    }
}

/// Where the unfinished file of `target` lies.
pub(super) fn path_of(target: &Path) -> PathBuf {
    with_ending(target, ".part")
}

/// The path with something behind its name.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// SHA-256 of a file in 64 hexadecimal digits.
///
/// # Errors
///
/// When the file cannot be read.
pub fn sha256_of(path: &Path) -> std::io::Result<String> {
    Ok(hex(hash(&mut File::open(path)?, u64::MAX)?.0))
}

/// Reads from where the file is, at most so many bytes; returns how many there were.
fn hash(file: &mut File, limit: u64) -> std::io::Result<(Sha256, u64)> {
    let mut file = file.take(limit);
    let (mut hasher, mut length) = (Sha256::new(), 0);
    let mut block = vec![0; BLOCK];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok((hasher, length)),
            Ok(count) => {
                hasher.update(&block[..count]);
                length += count as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
