//! `quantscope scene`: labelled demo pictures with a COCO json.

use crate::evaluate::{SceneSet, render};
use crate::imaging::ImageSize;
use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// Longest side of a picture that can be asked for.
const LONGEST_SIDE: u32 = 4096;
/// Shortest side of a picture that can be asked for.
const SHORTEST_SIDE: u32 = 32;

/// Renders labelled pictures of road signs: images/000000.jpg … and instances.json in COCO form.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Number of pictures
    #[arg(long)]
    count: u64,
    /// Folder to write to; made if it does not exist
    #[arg(long)]
    out: PathBuf,
    /// Equal seeds give equal pictures
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Size of the pictures in pixels, as WIDTHxHEIGHT
    #[arg(long, default_value = "320x320", value_parser = parse_size)]
    size: ImageSize,
    /// JPEG quality, 1 to 100
    #[arg(long, default_value_t = 92, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
}

/// Writes the pictures, then the json.
///
/// # Errors
///
/// When the count is 0 or the folder cannot be written.
pub fn run(args: &Args) -> anyhow::Result<()> {
    if args.count == 0 {
        bail!("--count 0 gives no pictures: ask for at least 1");
    }
    let bar = progress_bar(args.count);
    let set = SceneSet { seed: args.seed, count: args.count, size: args.size, quality: args.quality };
    let rendered = render(&args.out, &set, &mut |done| {
        bar.set_position(done);
        true
    })?;
    bar.finish_and_clear();
    eprintln!("{} pictures with {} signs in {}", rendered.pictures, rendered.signs, rendered.json.display());
    Ok(())
}

pub(super) fn parse_size(text: &str) -> Result<ImageSize, String> {
    let sides = text.split_once(['x', 'X']).and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let Some((width, height)) = sides else {
        return Err("expected WIDTHxHEIGHT in pixels, such as 320x320".to_owned());
    };
    let fits = SHORTEST_SIDE..=LONGEST_SIDE;
    if fits.contains(&width) && fits.contains(&height) {
        Ok(ImageSize::new(width, height))
    } else {
        Err(format!("each side must be {SHORTEST_SIDE} to {LONGEST_SIDE} pixels"))
    }
}

fn progress_bar(count: u64) -> ProgressBar {
    // Draws to stderr, and nothing at all where that is no terminal.
    let bar = ProgressBar::new(count);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} pictures, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_or_refused() {
        assert_eq!(parse_size("320x240"), Ok(ImageSize::new(320, 240)));
        assert_eq!(parse_size("64X4096"), Ok(ImageSize::new(64, 4096)));
        for bad in ["", "320", "x", "320x", "axb", "-1x5", "31x320", "320x4097", "99999999999x320", "1x2x3"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
