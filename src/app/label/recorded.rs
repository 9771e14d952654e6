//! Detections that lie beside the pictures as JSON lines: those of a recording, which go with recorded frames by source
//! and time, and those of `quantscope detect`, which go with pictures by name.

use super::album::Proposal;
use super::geometry::PixelBox;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The index that a recording of frames has in its folder.
const INDEX: &str = "frames.jsonl";
/// Frame and detections are of the same moment when their times differ by no more: each is rounded to a millisecond.
const SAME_MOMENT_MS: i64 = 2;
/// A recording of hours has a tenth of this.
const MOST_LINES: usize = 5_000_000;

/// A line of the index.
#[derive(Deserialize)]
struct Frame {
    file: String,
    #[serde(deserialize_with = "milliseconds")]
    time: i64,
    source: String,
}

/// A line of detections.
#[derive(Deserialize)]
struct Detections {
    source: String,
    width: u32,
    height: u32,
    detections: Vec<Detection>,
    #[serde(default, deserialize_with = "some_milliseconds")]
    time: Option<i64>,
    lane: Option<String>,
}

#[derive(Deserialize)]
struct Detection {
    label: String,
    score: f32,
    #[serde(rename = "box")]
    corners: [f64; 4],
}

/// What was detected on the pictures of a folder, by the names of their files. Of two models it is the first, the
/// reference. Lines that are none are passed over: a recording that broke off ends with half a line.
pub fn detections_beside(folder: &Path) -> HashMap<String, Vec<Proposal>> {
    let files = lines_files(folder);
    if files.is_empty() {
        return HashMap::new();
    }
    let frames: Vec<Frame> = read_lines(&folder.join(INDEX)).collect();
    let mut moments: HashMap<&str, Vec<(i64, &str)>> = HashMap::new();
    for frame in &frames {
        moments.entry(&frame.source).or_default().push((frame.time, &frame.file));
    }
    moments.values_mut().for_each(|times| times.sort_unstable());
    let mut found = HashMap::new();
    for line in files.iter().flat_map(|path| read_lines::<Detections>(path)) {
        let second = line.lane.as_deref() == Some("B");
        let named = match line.time {
            Some(time) => moments.get(line.source.as_str()).and_then(|times| at_moment(times, time)),
            None => Some(file_name(&line.source)),
        };
        let Some(named) = named.filter(|_| line.width > 0 && line.height > 0) else { continue };
        // The first model's line comes first and stays.
        if second && found.contains_key(named) {
            continue;
        }
        found.insert(named.to_owned(), line.detections.iter().filter_map(proposal).collect());
    }
    found
}

fn proposal(found: &Detection) -> Option<Proposal> {
    let [x1, y1, x2, y2] = found.corners;
    let rect = PixelBox { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
    (rect.is_sound() && found.score.is_finite()).then(|| Proposal {
        label: found.label.clone(),
        rect,
        score: found.score,
    })
}

/// A moment as it is written, in milliseconds since 1970.
fn milliseconds<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let text = String::deserialize(from)?;
    text.parse::<Timestamp>().map(|time| time.as_millisecond()).map_err(de::Error::custom)
}

fn some_milliseconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    milliseconds(from).map(Some)
}

/// The frame of that moment among those of one source, by time.
fn at_moment<'a>(times: &[(i64, &'a str)], time: i64) -> Option<&'a str> {
    let from = times.partition_point(|(at, _)| *at < time - SAME_MOMENT_MS);
    let near = times[from..].iter().take_while(|(at, _)| *at <= time + SAME_MOMENT_MS);
    near.min_by_key(|(at, _)| at.abs_diff(time)).map(|(_, file)| *file)
}

fn file_name(source: &str) -> &str {
    Path::new(source).file_name().and_then(|name| name.to_str()).unwrap_or(source)
}

/// Files of detections in the folder and in the one that it lies in, where recordings put both side by side.
fn lines_files(folder: &Path) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("detections") && name.ends_with(".jsonl")
    };
    let folders = [Some(folder), folder.parent().filter(|_| folder.join(INDEX).is_file())];
    let entries = folders.into_iter().flatten().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_one).collect();
    files.sort();
    files
}

fn read_lines<T: for<'a> Deserialize<'a>>(path: &Path) -> impl Iterator<Item = T> + use<T> {
    let lines = std::fs::File::open(path).ok().map(|file| BufReader::new(file).lines());
    let lines = lines.into_iter().flatten().map_while(Result::ok).take(MOST_LINES);
    lines.filter_map(|line| serde_json::from_str(&line).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(source: &str, more: &str, label: &str) -> String {
        format!(
            r#"{{"frame": 3, "source": "{source}", "width": 64, "height": 48, "detections": [{{"label": "{label}", "class_id": 0, "score": 0.8, "box": [1.5, 2, 11.5, 22]}}], "timings_ms": {{}}{more}}}"#
        )
    }

    #[test]
    fn frames_and_detections_of_one_recording_meet_by_source_and_time() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("frames-1");
        std::fs::create_dir(&folder).unwrap();
        let frame = |file: &str, source: &str, time: &str| {
            format!(
                r#"{{"file": "{file}", "time": "2026-11-23T09:45:{time}Z", "source": "{source}", "width": 64, "height": 48}}"#
            )
        };
        let index =
            [frame("1.png", "cam", "12.100"), frame("2.png", "cam", "12.133"), frame("3.png", "other", "12.100")];
        std::fs::write(folder.join(INDEX), index.join("\n")).unwrap();
        let of = |source, lane, time, label| {
            line(source, &format!(r#", "lane": "{lane}", "time": "2026-11-23T09:45:{time}Z""#), label)
        };
        let lines = [
            of("cam", "B", "12.100", "of B"),
            of("cam", "A", "12.101", "of A"),
            of("cam", "B", "12.100", "of B again"),
            of("cam", "A", "12.140", "another moment"),
            of("nobody", "A", "12.100", "another source"),
            r#"{"frame": 4, "sou"#.to_owned(),
        ];
        std::fs::write(parent.path().join("detections-1.jsonl"), lines.join("\n")).unwrap();
        let found = detections_beside(&folder);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found["1.png"][0].label, "of A", "the reference");
        assert_eq!(found["1.png"][0].rect, PixelBox { x: 1.5, y: 2.0, width: 10.0, height: 20.0 });
    }

    #[test]
    fn detections_of_pictures_are_found_by_name() {
        let folder = tempfile::tempdir().unwrap();
        assert!(detections_beside(folder.path()).is_empty());
        let lines = [line("/elsewhere/a.png", "", "stop"), line("b.png", "", "yield")];
        std::fs::write(folder.path().join("detections.jsonl"), lines.join("\n")).unwrap();
        let found = detections_beside(folder.path());
        assert_eq!((found["a.png"][0].label.as_str(), found["b.png"][0].score), ("stop", 0.8));
    }
}
