//! Taking a model out of the archive that it comes in.

use super::CatalogError;
use super::part::sha256_of;
use super::transfer::Wanted;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zip::ZipArchive;

/// Writes the member of a zip archive to `to`, and checks its size and checksum. No more than the wanted bytes are
/// unpacked, whatever the archive says of itself.
///
/// # Errors
/// When the archive does not hold this file, or `to` cannot be written.
pub(super) fn take_out(archive: &Path, member: &str, wanted: Wanted<'_>, to: &Path) -> Result<(), CatalogError> {
    let wrong = |reason: String| CatalogError::Archive { path: archive.to_owned(), reason };
    let unwritten = |source| CatalogError::File { path: to.to_owned(), source };
    let file = File::open(archive).map_err(|source| CatalogError::File { path: archive.to_owned(), source })?;
    let mut archive = ZipArchive::new(file).map_err(|error| wrong(error.to_string()))?;
    let packed = archive.by_name(member).map_err(|error| wrong(format!("{member}: {error}")))?;
    if packed.size() != wanted.bytes {
        return Err(wrong(format!("{member} has {} bytes instead of {}", packed.size(), wanted.bytes)));
    }
    let mut out = File::create(to).map_err(unwritten)?;
    // Errors of both sides come out of one copy; those of the archive are told by their kind.
    std::io::copy(&mut packed.take(wanted.bytes), &mut out).map_err(|source| match source.kind() {
        std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput | std::io::ErrorKind::UnexpectedEof => {
            wrong(source.to_string())
        }
        _ => unwritten(source),
    })?;
    out.sync_all().map_err(unwritten)?;
    let found = sha256_of(to).map_err(unwritten)?;
    if found != wanted.sha256 {
        return Err(wrong(format!("{member} has SHA-256 {found}")));
    }
    Ok(())
}
