//! How results are written: to standard output, and to files that are there completely or not at all.

use crate::files;
use crate::imaging::RgbImage;
use anyhow::{Context, bail};
use clap::ValueEnum;
use image::ImageFormat;
use std::io::{Cursor, ErrorKind, Write};
use std::path::Path;

/// The form of what goes to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Writes to standard output. `println!` would panic where the disk is full or the reader has gone.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.context("the results cannot be written to stdout")
}

/// Whether this is what happens when whoever reads has had enough (`| head`), which is no failure.
pub(super) fn reader_is_gone(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|e| e.kind() == ErrorKind::BrokenPipe)
}

/// The kind of picture that a name asks for by its ending.
pub(super) fn picture_format(path: &Path) -> anyhow::Result<ImageFormat> {
    use ImageFormat::{Bmp, Jpeg, Png, WebP};
    match ImageFormat::from_path(path) {
        Ok(format @ (Jpeg | Png | Bmp | WebP)) => Ok(format),
        _ => {
            bail!("{}: pictures are saved as .jpg, .png, .bmp or .webp. End the name with one of these", path.display())
        }
    }
}

/// Saves a picture in the format that its name asks for.
pub(super) fn save_picture(picture: &RgbImage, path: &Path) -> anyhow::Result<()> {
    let format = picture_format(path)?;
    let mut bytes = Vec::new();
    let encoded = picture.write_to(&mut Cursor::new(&mut bytes), format);
    encoded.with_context(|| format!("{}: the picture cannot be encoded", path.display()))?;
    write_whole(path, &bytes)
}

/// Writes a file completely or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = files::replace(path, bytes);
    written.with_context(|| format!("{}: cannot be written. Free some space or name another place", path.display()))
}
