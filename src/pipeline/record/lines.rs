//! Detections as JSON lines, in the shape in which `quantscope detect` prints them.

use super::error::RecordError;
use super::names;
use crate::capture::CapturedFrame;
use crate::inference::{Detection, ModelCard, Precision, StageTimings};
use crate::pipeline::{FrameResult, LaneId};
use serde::Serialize;
use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What one model found in one frame. As JSON: `frame`, `source`, `width`, `height`, `detections`, `timings_ms`, and
/// in recordings also which lane and model it was, and when.
#[derive(Debug, Serialize)]
pub struct DetectionLine<'a> {
    frame: u64,
    source: &'a str,
    width: u32,
    height: u32,
    detections: Vec<LineDetection<'a>>,
    timings_ms: LineTimings,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    origin: Option<Origin<'a>>,
}

/// Which model it was, and when.
#[derive(Debug, Serialize)]
struct Origin<'a> {
    /// `A` or `B`.
    lane: LaneId,
    /// File name of the model.
    model: Cow<'a, str>,
    precision: Precision,
    /// When the frame was taken, in UTC.
    time: String,
    /// Position in a video or folder, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    position_s: Option<f64>,
}

#[derive(Debug, Serialize)]
struct LineDetection<'a> {
    label: Cow<'a, str>,
    class_id: u32,
    score: f32,
    /// Left, top, right, bottom in pixels of the source.
    #[serde(rename = "box")]
    rect: [f32; 4],
}

#[derive(Debug, Serialize)]
struct LineTimings {
    preprocess: f32,
    inference: f32,
    postprocess: f32,
}

impl<'a> DetectionLine<'a> {
    /// The line of a frame. `number` counts frames from 0.
    pub fn new(
        number: u64,
        frame: &'a CapturedFrame,
        card: &'a ModelCard,
        detections: &[Detection],
        timings: &StageTimings,
    ) -> Self {
        let ms = |duration: Duration| duration.as_secs_f32() * 1e3;
        let detection = |d: &Detection| LineDetection {
            label: card.label(d.class_id),
            class_id: d.class_id,
            score: d.score,
            rect: [d.rect.x1, d.rect.y1, d.rect.x2, d.rect.y2],
        };
        Self {
            frame: number,
            source: &frame.name,
            width: frame.image.width(),
            height: frame.image.height(),
            detections: detections.iter().map(detection).collect(),
            timings_ms: LineTimings {
                preprocess: ms(timings.preprocess),
                inference: ms(timings.inference),
                postprocess: ms(timings.postprocess),
            },
            origin: None,
        }
    }

    /// The lines of a frame of the pipeline, one a lane that ran.
    fn of_result(result: &'a FrameResult) -> impl Iterator<Item = Self> {
        let frame = &result.frame;
        LaneId::BOTH.into_iter().filter(|lane| result.mode.runs(*lane)).filter_map(move |lane| {
            let found = result.lanes[lane.index()].as_ref()?;
            let path = &found.model.path;
            let origin = Origin {
                lane,
                model: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy(),
                precision: found.model.precision,
                time: names::utc(frame.captured_at),
                position_s: frame.position.map(|position| position.as_secs_f64()),
            };
            let line = Self::new(result.id.0, frame, &found.model.card, &found.detections, &found.timings);
            Some(Self { origin: Some(origin), ..line })
        })
    }
}

/// A file of such lines. All lines of a frame are given to the system at once, so that a program that is killed leaves
/// whole lines; where the disk is full, the line that did not fit is taken back.
#[derive(Debug)]
pub struct DetectionFile {
    file: LineFile,
    frames: u64,
    last: Option<u64>,
}

impl DetectionFile {
    /// A new file in `folder`, named by date and time.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made or written to.
    pub fn create(folder: &Path) -> Result<Self, RecordError> {
        let path = names::free_path(folder, "detections", "jsonl")?;
        Ok(Self { file: LineFile::create(path)?, frames: 0, last: None })
    }

    /// A new file of this name.
    ///
    /// # Errors
    ///
    /// When it is there already or cannot be written to.
    pub fn create_as(path: PathBuf) -> Result<Self, RecordError> {
        if path.symlink_metadata().is_ok() {
            return Err(RecordError::Exists { path });
        }
        Ok(Self { file: LineFile::create(path)?, frames: 0, last: None })
    }

    /// Adds a frame; one without a result, and the same one again, are passed over.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&mut self, result: &FrameResult) -> Result<(), RecordError> {
        if self.last == Some(result.id.0) {
            return Ok(());
        }
        let mut lines = 0;
        for line in DetectionLine::of_result(result) {
            self.file.add(&line);
            lines += 1;
        }
        if lines > 0 {
            self.file.flush()?;
            self.last = Some(result.id.0);
            self.frames += 1;
        }
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Frames written.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes written.
    pub fn bytes(&self) -> u64 {
        self.file.bytes
    }
}

/// A text file that only ever holds whole lines.
#[derive(Debug)]
pub(super) struct LineFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    pending: Vec<u8>,
}

impl LineFile {
    /// A new file; one that is there already is not touched.
    pub fn create(path: PathBuf) -> Result<Self, RecordError> {
        let opened = File::options().write(true).create_new(true).open(&path);
        Self::new(path, opened)
    }

    /// A file to which lines are added, made where there is none.
    pub fn append(path: PathBuf) -> Result<Self, RecordError> {
        let opened = File::options().append(true).create(true).open(&path);
        Self::new(path, opened)
    }

    fn new(path: PathBuf, opened: std::io::Result<File>) -> Result<Self, RecordError> {
        let file = opened.map_err(|error| RecordError::writing(&path, &error))?;
        let bytes = file.metadata().map_err(|error| RecordError::writing(&path, &error))?.len();
        Ok(Self { path, file, bytes, pending: Vec::new() })
    }

    /// Keeps a line until [`Self::flush`].
    pub fn add(&mut self, line: &impl Serialize) {
        let start = self.pending.len();
        match serde_json::to_writer(&mut self.pending, line) {
            Ok(()) => self.pending.push(b'\n'),
            // Only values that JSON cannot hold fail; the lines here have none.
            Err(_) => self.pending.truncate(start),
        }
    }

    /// Gives the lines to the system in one piece.
    pub fn flush(&mut self) -> Result<(), RecordError> {
        let written = self.file.write_all(&self.pending);
        if let Err(error) = written {
            // Part of a line may have been written. Making a file shorter needs no room.
            let _ = self.file.set_len(self.bytes);
            return Err(RecordError::writing(&self.path, &error));
        }
        self.bytes += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::ImageSize;
    use crate::pipeline::Mode;
    use crate::pipeline::record::test_support::frame;
    use serde_json::Value;

    const SIZE: ImageSize = ImageSize { width: 320, height: 240 };

    fn read(path: &Path) -> Vec<Value> {
        std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn each_lane_has_a_line_and_it_is_there_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = DetectionFile::create(folder.path()).unwrap();
        file.write(&frame(7, Mode::Compare, SIZE)).unwrap();
        // Nothing was closed yet: this is what a killed program leaves.
        let lines = read(file.path());
        assert_eq!(lines.len(), 2);
        for (line, (lane, model, count)) in lines.iter().zip([("A", "a.onnx", 2), ("B", "a.int8.onnx", 1)]) {
            assert_eq!((line["frame"].as_u64(), &line["lane"], &line["model"]), (Some(7), &lane.into(), &model.into()));
            assert_eq!((&line["source"], line["width"].as_u64()), (&"street".into(), Some(320)));
            assert_eq!(line["detections"].as_array().unwrap().len(), count);
            assert_eq!(line["detections"][0]["label"], "stop");
            assert_eq!(line["detections"][0]["box"][0], 40.0);
            assert_eq!(line["position_s"], 0.7);
            assert!(line["time"].as_str().unwrap().ends_with('Z'), "{line}");
            assert!(line["timings_ms"]["inference"].is_number());
        }
        assert_eq!(lines[1]["precision"], "int8");
        file.write(&frame(7, Mode::Compare, SIZE)).unwrap();
        file.write(&frame(8, Mode::Single(LaneId::B), SIZE)).unwrap();
        assert_eq!(read(file.path()).len(), 3, "the same frame is written once");
        assert_eq!(file.frames(), 2);
        assert_eq!(file.bytes(), std::fs::metadata(file.path()).unwrap().len());
    }

    #[test]
    fn a_full_disk_is_named_as_such() {
        let path = PathBuf::from("/dev/full");
        let Ok(file) = File::options().write(true).open(&path) else {
            println!("skipped: there is no /dev/full");
            return;
        };
        let mut file = LineFile { path, file, bytes: 0, pending: Vec::new() };
        file.add(&1);
        let error = file.flush().unwrap_err().to_string();
        assert!(error.contains("/dev/full: the disk is full"), "{error}");
    }
}
