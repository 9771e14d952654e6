//! Saving what is on view: a picture with its boxes, and the boxes as JSON beside it.

use super::format;
use crate::files::replace_in_folder;
use crate::imaging::{DrawnBox, RgbImage, draw_boxes, draw_caption};
use crate::inference::Thresholds;
use crate::pipeline::{FrameResult, LaneId, LaneResult, Mode};
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Colour of the caption bar.
const CAPTION: [u8; 3] = [27, 29, 35];
/// Files of the same name that are kept apart by a number.
const MOST_NUMBERS: u32 = 10_000;

/// Everything that is needed to save one frame.
#[derive(Clone, Debug)]
pub struct SnapshotRequest {
    /// The frame and its boxes.
    pub result: Arc<FrameResult>,
    /// The source as it was asked for.
    pub source: String,
    /// Thresholds the boxes were made with.
    pub thresholds: Thresholds,
    /// Names of classes that are not drawn (they are in the JSON even so).
    pub hidden_classes: BTreeSet<String>,
    /// Where to.
    pub folder: PathBuf,
}

/// The folder for pictures when none is named.
pub fn default_folder() -> PathBuf {
    let user = directories::UserDirs::new();
    let pictures = user.as_ref().and_then(directories::UserDirs::picture_dir);
    let home = user.as_ref().map(directories::UserDirs::home_dir);
    pictures.or(home).map_or_else(std::env::temp_dir, Path::to_owned).join("quantscope")
}

/// Saves a frame as PNG and JSON and returns the path of the picture. In compare mode A stands left of B.
///
/// # Errors
///
/// When the picture cannot be encoded, or the folder cannot be written to.
pub fn save(request: &SnapshotRequest) -> anyhow::Result<PathBuf> {
    let picture = annotated(request);
    let mut png = Vec::new();
    picture.write_to(&mut Cursor::new(&mut png), image::ImageFormat::Png).context("encoding the picture")?;
    let path = free_path(request)?;
    let name = format::file_name(&path);
    let text = serde_json::to_string_pretty(&boxes_json(request, &name)).context("encoding the boxes")?;
    for (path, bytes) in [(path.with_extension("json"), text.as_bytes()), (path.clone(), &png)] {
        replace_in_folder(&path, bytes).with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    Ok(path)
}

/// The lanes that are on the picture, in order.
fn shown(result: &FrameResult) -> Vec<(LaneId, &LaneResult)> {
    let lanes = LaneId::BOTH.into_iter().filter(|lane| result.mode.runs(*lane));
    lanes.filter_map(|lane| Some((lane, result.lanes[lane.index()].as_ref()?))).collect()
}

/// The frame with its boxes, A left and B right where both ran.
pub(super) fn annotated(request: &SnapshotRequest) -> RgbImage {
    let result = &request.result;
    let source = &result.frame.image;
    let lanes = shown(result);
    if lanes.is_empty() {
        return RgbImage::clone(source);
    }
    let (width, height) = source.dimensions();
    let mut whole = RgbImage::new(width * lanes.len() as u32, height);
    for (index, (lane, found)) in lanes.iter().enumerate() {
        let mut picture = RgbImage::clone(source);
        draw_boxes(&mut picture, &drawn_boxes(request, *lane, found));
        draw_caption(&mut picture, &lane_title(*lane, found), CAPTION);
        image::imageops::replace(&mut whole, &picture, i64::from(width) * index as i64, 0);
    }
    whole
}

/// "A · FP32 · name.onnx".
pub fn lane_title(lane: LaneId, found: &LaneResult) -> String {
    format!("{lane:?} · {} · {}", found.model.precision, format::file_name(&found.model.path))
}

fn drawn_boxes(request: &SnapshotRequest, lane: LaneId, found: &LaneResult) -> Vec<DrawnBox> {
    let alone: &[usize] = match (&request.result.agreement, lane) {
        (Some(agreement), LaneId::A) => &agreement.only_a,
        (Some(agreement), LaneId::B) => &agreement.only_b,
        (None, _) => &[],
    };
    let boxes = found.detections.iter().enumerate().filter_map(|(index, detection)| {
        let label = found.model.card.label(detection.class_id);
        (!request.hidden_classes.contains(label.as_ref()))
            .then(|| DrawnBox { dashed: alone.contains(&index), ..detection.drawn(&found.model.card) })
    });
    boxes.collect()
}

/// The boxes and where they come from; `image` is the name of the picture they belong to.
pub(super) fn boxes_json(request: &SnapshotRequest, image: &str) -> Value {
    let result = &request.result;
    let milliseconds = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    let models: Vec<Value> = shown(result)
        .into_iter()
        .map(|(lane, found)| {
            let detections: Vec<Value> = found
                .detections
                .iter()
                .map(|d| {
                    json!({
                        "label": found.model.card.label(d.class_id), "class_id": d.class_id, "score": d.score,
                        "box": [d.rect.x1, d.rect.y1, d.rect.x2, d.rect.y2],
                    })
                })
                .collect();
            json!({
                "lane": format!("{lane:?}"), "path": found.model.path, "precision": found.model.precision,
                "detections": detections,
                "timings_ms": {
                    "preprocess": milliseconds(found.timings.preprocess),
                    "inference": milliseconds(found.timings.inference),
                    "postprocess": milliseconds(found.timings.postprocess),
                },
            })
        })
        .collect();
    json!({
        "image": image,
        "frame": result.id.0,
        "source": request.source,
        "name": &*result.frame.name,
        "width": result.frame.image.width(),
        "height": result.frame.image.height(),
        "mode": match result.mode { Mode::Compare => "compare", Mode::Single(_) => "single" },
        "thresholds": request.thresholds,
        "models": models,
        "agreement": result.agreement.as_ref().map(|agreement| json!({
            "matched": agreement.matched, "only_a": agreement.only_a, "only_b": agreement.only_b,
        })),
    })
}

/// A name in the folder that no file has yet: "street-000042.png", "street-000042-2.png", …
fn free_path(request: &SnapshotRequest) -> anyhow::Result<PathBuf> {
    let name = Path::new(&*request.result.frame.name).file_stem().unwrap_or_default().to_string_lossy();
    let plain: String = name.chars().map(|c| if c.is_alphanumeric() || "-_".contains(c) { c } else { '-' }).collect();
    let stem = if plain.is_empty() { "frame" } else { plain.as_str() };
    (1..MOST_NUMBERS)
        .map(|number| match number {
            1 => format!("{stem}-{:06}.png", request.result.id.0),
            more => format!("{stem}-{:06}-{more}.png", request.result.id.0),
        })
        .map(|name| request.folder.join(name))
        .find(|path| !path.exists() && !path.with_extension("json").exists())
        .with_context(|| format!("{}: too many snapshots of one frame. Move some away", request.folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::test_support::frame_result;
    use crate::imaging::class_color;

    fn request(mode: Mode, folder: &Path) -> SnapshotRequest {
        SnapshotRequest {
            result: Arc::new(frame_result(42, mode)),
            source: "demo".to_owned(),
            thresholds: Thresholds::default(),
            hidden_classes: BTreeSet::new(),
            folder: folder.join("deep"),
        }
    }

    #[test]
    fn the_picture_carries_boxes_and_the_json_says_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let request = request(Mode::Compare, folder.path());
        let path = save(&request).unwrap();
        let picture = image::open(&path).unwrap().to_rgb8();
        let frame = &request.result.frame.image;
        assert_eq!(picture.dimensions(), (frame.width() * 2, frame.height()));
        let json: Value = serde_json::from_slice(&std::fs::read(path.with_extension("json")).unwrap()).unwrap();
        assert_eq!(json["image"], format::file_name(&path));
        assert_eq!(json["mode"], "compare");
        assert_eq!(json["models"].as_array().unwrap().len(), 2);
        for (index, model) in json["models"].as_array().unwrap().iter().enumerate() {
            let expected = request.result.lanes[index].as_ref().unwrap();
            let detections = model["detections"].as_array().unwrap();
            assert_eq!(detections.len(), expected.detections.len());
            let first = &expected.detections[0];
            assert_eq!(detections[0]["label"], *expected.model.card.label(first.class_id));
            assert_eq!(detections[0]["box"][2].as_f64().unwrap() as f32, first.rect.x2);
            // The box's left edge has the colour of its class, on the half that belongs to the lane.
            let x = first.rect.x1 as u32 + frame.width() * index as u32;
            let y = ((first.rect.y1 + first.rect.y2) / 2.0) as u32;
            assert_eq!(picture.get_pixel(x, y).0, class_color(first.class_id));
        }
    }

    #[test]
    fn single_mode_saves_one_picture_and_names_never_clash() {
        let folder = tempfile::tempdir().unwrap();
        let request = request(Mode::Single(LaneId::B), folder.path());
        let paths = [save(&request).unwrap(), save(&request).unwrap()];
        assert_ne!(paths[0], paths[1]);
        let picture = image::open(&paths[0]).unwrap();
        assert_eq!(picture.width(), request.result.frame.image.width());
        assert_eq!(std::fs::read_dir(&request.folder).unwrap().count(), 4);
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "in the way").unwrap();
        let error = save(&request(Mode::Compare, &file)).unwrap_err();
        assert!(format!("{error:#}").contains("file"), "{error:#}");
    }
}
