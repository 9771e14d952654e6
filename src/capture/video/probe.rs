//! What is in a video, told by `ffprobe`.

use super::program::{NoAnswer, Programs, answer_of};
use super::target::Target;
use crate::capture::CaptureError;
use crate::imaging::ImageSize;
use serde::Deserialize;
use std::ffi::OsString;
use std::time::Duration;

/// A file on a slow disk may take a while; a stream that takes longer is as good as dead.
const LIMIT: Duration = Duration::from_secs(8);
/// For a video that does not tell its rate.
const DEFAULT_RATE: Rate = Rate { numerator: 25, denominator: 1 };
/// Above this a rate is a mistake in the file (such as the 90000 of a time base).
const MAX_RATE: f64 = 300.0;

/// Frames a second, as a fraction such as 30000/1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Above the line.
    pub numerator: u32,
    /// Below the line, never 0.
    pub denominator: u32,
}

impl Rate {
    /// Frames a second.
    pub fn per_second(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// Time at which frame `index` begins.
    pub fn time_of(self, index: u64) -> Duration {
        Duration::from_secs_f64(index as f64 * f64::from(self.denominator) / f64::from(self.numerator))
    }

    /// Reads `30000/1001`; none for `0/0` and for what cannot be a rate of pictures.
    fn parse(text: &str) -> Option<Self> {
        let (numerator, denominator) = text.split_once('/')?;
        let rate = Self { numerator: numerator.parse().ok()?, denominator: denominator.parse().ok()? };
        let sensible = rate.numerator > 0 && rate.denominator > 0 && rate.per_second() <= MAX_RATE;
        sensible.then_some(rate)
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// The video stream that will be played.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Index of the stream in its file.
    pub stream: usize,
    /// Size as shown, that is after the rotation that the file asks for.
    pub size: Option<ImageSize>,
    /// Average rate.
    pub rate: Rate,
    /// Length; none for what is live.
    pub duration: Option<Duration>,
    /// `h264`, for instance.
    pub codec: String,
}

/// Asks `ffprobe` about `target`.
///
/// # Errors
///
/// When ffprobe is missing, when the target cannot be read within 8 s, or when it has no video in it.
pub fn probe(programs: &Programs, target: &Target) -> Result<Probe, CaptureError> {
    let mut arguments: Vec<OsString> =
        ["-v", "error", "-print_format", "json", "-show_streams", "-show_format"].map(OsString::from).into();
    arguments.extend(target.input_options());
    arguments.extend(["-i".into(), target.argument()]);
    let answer = answer_of(&programs.ffprobe, &arguments, LIMIT).map_err(|reason| failure(target, reason))?;
    read_answer(&answer, target)
}

fn failure(target: &Target, reason: NoAnswer) -> CaptureError {
    let name = target.display_name();
    match (target, reason) {
        (_, NoAnswer::NotStarted(error)) => super::not_running(error, target),
        (Target::File(_), NoAnswer::Failed(words)) => {
            CaptureError::NotAVideo { source_name: name, reason: target.cleaned(&words) }
        }
        (Target::File(_), NoAnswer::TimedOut) => {
            CaptureError::NotAVideo { source_name: name, reason: "ffprobe found nothing in it in time".to_owned() }
        }
        (Target::Url { .. }, NoAnswer::Failed(words)) => {
            CaptureError::StreamFailed { url: name, reason: target.cleaned(&words) }
        }
        (Target::Url { .. }, NoAnswer::TimedOut) => CaptureError::StreamSilent { url: name, waited: LIMIT },
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
}

#[derive(Deserialize, Default)]
struct Format {
    duration: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Stream {
    index: usize,
    codec_type: String,
    codec_name: String,
    width: u32,
    height: u32,
    avg_frame_rate: String,
    r_frame_rate: String,
    duration: Option<String>,
    disposition: Disposition,
    side_data_list: Vec<SideData>,
}

#[derive(Deserialize, Default)]
struct Disposition {
    /// The cover of a piece of music is kept as a video stream of one frame.
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Deserialize, Default)]
struct SideData {
    /// In degrees.
    rotation: Option<f64>,
}

fn read_answer(answer: &[u8], target: &Target) -> Result<Probe, CaptureError> {
    let source_name = target.display_name();
    let answer: Answer = serde_json::from_slice(answer).map_err(|error| CaptureError::NotAVideo {
        source_name: source_name.clone(),
        reason: format!("ffprobe's answer could not be understood: {error}"),
    })?;
    let is_video = |stream: &&Stream| stream.codec_type == "video" && stream.disposition.attached_pic == 0;
    let Some(stream) = answer.streams.iter().find(is_video) else {
        return Err(CaptureError::NoVideoStream { source_name });
    };
    let seconds = |text: &Option<String>| {
        let seconds: f64 = text.as_deref()?.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok().filter(|duration| !duration.is_zero())
    };
    let quarter_turns = stream.side_data_list.iter().find_map(|data| data.rotation).unwrap_or(0.0) / 90.0;
    let lies_on_its_side = quarter_turns.round() as i64 % 2 != 0;
    let (width, height) = if lies_on_its_side { (stream.height, stream.width) } else { (stream.width, stream.height) };
    Ok(Probe {
        stream: stream.index,
        size: (width > 0 && height > 0).then(|| ImageSize::new(width, height)),
        rate: Rate::parse(&stream.avg_frame_rate).or_else(|| Rate::parse(&stream.r_frame_rate)).unwrap_or(DEFAULT_RATE),
        duration: seconds(&stream.duration).or_else(|| seconds(&answer.format.duration)),
        codec: stream.codec_name.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read(json: &str) -> Result<Probe, CaptureError> {
        read_answer(json.as_bytes(), &Target::file(Path::new("x.mp4")))
    }

    #[test]
    fn the_cover_of_a_piece_of_music_is_no_video() {
        let cover = r#"{"streams":[{"index":0,"codec_type":"audio"},
            {"index":1,"codec_type":"video","disposition":{"attached_pic":1}}]}"#;
        assert!(matches!(read(cover), Err(CaptureError::NoVideoStream { .. })));
        assert!(matches!(read("{}"), Err(CaptureError::NoVideoStream { .. })));
        assert!(matches!(read("nonsense"), Err(CaptureError::NotAVideo { .. })));
    }

    #[test]
    fn rotation_swaps_the_sides_and_the_length_may_come_from_the_container() {
        let json = r#"{"streams":[{"index":2,"codec_type":"video","codec_name":"hevc","width":640,"height":360,
            "avg_frame_rate":"30000/1001","r_frame_rate":"90000/1","side_data_list":[{"rotation":-90}]}],
            "format":{"duration":"2.5"}}"#;
        let probe = read(json).unwrap();
        assert_eq!((probe.stream, probe.size), (2, Some(ImageSize::new(360, 640))));
        assert_eq!(probe.rate.to_string(), "30000/1001");
        assert_eq!(probe.duration, Some(Duration::from_millis(2500)));
    }

    #[test]
    fn a_rate_that_cannot_be_is_replaced() {
        for text in ["0/0", "90000/1", "-1/1", "x", ""] {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
        assert_eq!(DEFAULT_RATE.time_of(50), Duration::from_secs(2));
    }
}
