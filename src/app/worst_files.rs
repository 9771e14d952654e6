//! Saving the frames on which the models disagreed most: pictures with and without boxes, and a JSON line a frame.

use super::snapshot::{SnapshotRequest, annotated, boxes_json};
use crate::files::replace_in_folder;
use crate::imaging::RgbImage;
use crate::inference::Thresholds;
use crate::pipeline::WorstFrame;
use crate::pipeline::record::free_path;
use anyhow::Context;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything that is needed to save them.
#[derive(Clone, Debug)]
pub struct WorstRequest {
    /// The frames, worst first.
    pub frames: Vec<WorstFrame>,
    /// The source as it was asked for.
    pub source: String,
    /// Thresholds the boxes were made with.
    pub thresholds: Thresholds,
    /// Names of classes that are not drawn (they are in the JSON even so).
    pub hidden_classes: BTreeSet<String>,
    /// In what folder a new one is made.
    pub folder: PathBuf,
}

/// The lines of all frames.
const LINES: &str = "worst.jsonl";

/// Makes a new folder, `worst-<date>-<time>`, and saves the frames in it: `01-frame-000123.png` as it came from the source,
/// `01-frame-000123-boxes.png` with A's boxes left and B's right, and in `worst.jsonl` a line with the boxes of both
/// models and `disagreement`. Returns the folder.
///
/// # Errors
///
/// When a picture cannot be encoded, or the folder cannot be written to.
pub fn save(request: &WorstRequest) -> anyhow::Result<PathBuf> {
    let folder = free_path(&request.folder, "worst", "")?;
    std::fs::create_dir(&folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    let mut lines = String::new();
    for (index, frame) in request.frames.iter().enumerate() {
        let stem = format!("{:02}-frame-{:06}", index + 1, frame.result.id.0);
        let snapshot = SnapshotRequest {
            result: Arc::clone(&frame.result),
            source: request.source.clone(),
            thresholds: request.thresholds,
            hidden_classes: request.hidden_classes.clone(),
            folder: folder.clone(),
        };
        let (plain, boxes) = (format!("{stem}.png"), format!("{stem}-boxes.png"));
        write_png(&folder.join(&plain), &frame.result.frame.image)?;
        write_png(&folder.join(&boxes), &annotated(&snapshot))?;
        let mut line = boxes_json(&snapshot, &plain);
        line["image_with_boxes"] = Value::from(boxes);
        line["disagreement"] = Value::from(frame.disagreement);
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    write(&folder.join(LINES), lines.as_bytes())?;
    Ok(folder)
}

fn write_png(path: &Path, picture: &RgbImage) -> anyhow::Result<()> {
    let mut png = Vec::new();
    picture.write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png).context("encoding the picture")?;
    write(path, &png)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    replace_in_folder(path, bytes).with_context(|| format!("{}: cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::test_support::frame_result;
    use crate::pipeline::Mode;

    fn request(folder: &Path) -> WorstRequest {
        let frame = |id, disagreement| WorstFrame { disagreement, result: Arc::new(frame_result(id, Mode::Compare)) };
        WorstRequest {
            frames: vec![frame(42, 1.5), frame(7, 0.25)],
            source: "demo".to_owned(),
            thresholds: Thresholds::default(),
            hidden_classes: BTreeSet::new(),
            folder: folder.to_owned(),
        }
    }

    #[test]
    fn every_frame_has_two_pictures_and_a_line() {
        let place = tempfile::tempdir().unwrap();
        let request = request(place.path());
        let folders = [save(&request).unwrap(), save(&request).unwrap()];
        assert_ne!(folders[0], folders[1]);
        let lines = std::fs::read_to_string(folders[0].join(LINES)).unwrap();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        for (line, frame) in lines.iter().zip(&request.frames) {
            assert_eq!(
                (line["frame"].as_u64(), line["disagreement"].as_f64()),
                (Some(frame.result.id.0), Some(f64::from(frame.disagreement)))
            );
            assert_eq!(line["models"].as_array().unwrap().len(), 2);
            let size =
                |name: &str| image::open(folders[0].join(line[name].as_str().unwrap())).unwrap().to_rgb8().dimensions();
            let (width, height) = frame.result.frame.image.dimensions();
            assert_eq!((size("image"), size("image_with_boxes")), ((width, height), (2 * width, height)));
        }
        assert_eq!(std::fs::read_dir(&folders[0]).unwrap().count(), 5);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("file"), "in the way").unwrap();
        let error = save(&request(&place.path().join("file/deep"))).unwrap_err();
        assert!(format!("{error:#}").contains("file/deep"), "{error:#}");
    }
}
