//! Which encoder this machine's ffmpeg has, and how it is told to encode.

use super::error::RecordError;
use crate::capture::{NoAnswer, answer_of};
use crate::imaging::ImageSize;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// How long ffmpeg may take to list its encoders.
const LIMIT: Duration = Duration::from_secs(5);

/// The file format of a video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// MP4 in fragments of a second, so that a file that breaks off can be played.
    #[default]
    Mp4,
    /// Matroska.
    Mkv,
}

impl Container {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Mp4, Self::Mkv];

    /// The ending of its file names.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mkv => "mkv",
        }
    }

    /// The format that a file name asks for.
    ///
    /// # Errors
    ///
    /// When it ends in neither.
    pub fn of_path(path: &Path) -> Result<Self, RecordError> {
        let ending = path.extension().unwrap_or_default();
        let found = Self::ALL.into_iter().find(|container| ending.eq_ignore_ascii_case(container.ending()));
        found.ok_or_else(|| RecordError::Container { path: path.to_owned() })
    }
}

/// An encoder of ffmpeg, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoder {
    /// H.264 in software.
    X264,
    /// H.264 by the hardware of small boards.
    V4l2,
    /// H.264 in software, of lower quality.
    OpenH264,
    /// MPEG-4 part 2, which every ffmpeg has.
    Mpeg4,
}

impl Encoder {
    /// All of them, the best first.
    pub const ALL: [Self; 4] = [Self::X264, Self::V4l2, Self::OpenH264, Self::Mpeg4];

    /// Its name in ffmpeg.
    pub const fn name(self) -> &'static str {
        match self {
            Self::X264 => "libx264",
            Self::V4l2 => "h264_v4l2m2m",
            Self::OpenH264 => "libopenh264",
            Self::Mpeg4 => "mpeg4",
        }
    }

    /// For people: `H.264 (libx264)`.
    pub fn title(self) -> String {
        let codec = if self == Self::Mpeg4 { "MPEG-4" } else { "H.264" };
        format!("{codec} ({})", self.name())
    }

    /// The best one that `ffmpeg` has.
    ///
    /// # Errors
    ///
    /// When ffmpeg does not run, or has none of them.
    pub fn choose(ffmpeg: &Path) -> Result<Self, RecordError> {
        let none = |reason: String| RecordError::NoEncoder {
            program: ffmpeg.display().to_string(),
            wanted: Self::ALL.map(Self::name).join(", "),
            reason,
        };
        let arguments = ["-hide_banner", "-loglevel", "error", "-encoders"].map(OsString::from);
        let answer = answer_of(ffmpeg, &arguments, LIMIT).map_err(|reason| match reason {
            NoAnswer::NotStarted(error) => RecordError::Ffmpeg(error),
            NoAnswer::Failed(words) => none(format!(" ({words})")),
            NoAnswer::TimedOut => none(" (it did not answer in time)".to_owned()),
        })?;
        let listed = String::from_utf8_lossy(&answer);
        let has = |encoder: &Self| listed.lines().any(|line| line.split_whitespace().nth(1) == Some(encoder.name()));
        // What drives hardware is listed whether there is such hardware or not.
        let works = |encoder: &Self| *encoder != Self::V4l2 || encoder.works(ffmpeg);
        Self::ALL.into_iter().filter(has).find(works).ok_or_else(|| none(String::new()))
    }

    /// Whether a black picture can be encoded.
    fn works(self, ffmpeg: &Path) -> bool {
        let text = format!(
            "-hide_banner -nostdin -loglevel error -f rawvideo -pix_fmt yuv420p -s 320x240 -t 0.1 -i /dev/zero -c:v {} \
             -f null -",
            self.name()
        );
        let arguments: Vec<OsString> = text.split_whitespace().map(OsString::from).collect();
        answer_of(ffmpeg, &arguments, LIMIT).is_ok()
    }

    /// How fast and how good: quick enough beside inference, and without frames that wait in the encoder.
    fn options(self, size: ImageSize, rate: f64) -> Vec<String> {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect();
        let bits = (f64::from(size.width) * f64::from(size.height) * rate * 0.1) as u64;
        match self {
            Self::X264 => words("-preset superfast -tune zerolatency -crf 21"),
            Self::V4l2 | Self::OpenH264 => words(&format!("-b:v {bits}")),
            Self::Mpeg4 => words("-q:v 3"),
        }
    }
}

/// How this ffmpeg is told that pictures keep their times: before 5.1 it does not know the one word, after 7 the other is
/// to go.
pub fn keep_times(ffmpeg: &Path) -> &'static str {
    const NEW: &str = "-fps_mode vfr";
    let text = format!(
        "-hide_banner -nostdin -loglevel error -f rawvideo -pix_fmt yuv420p -s 32x32 -t 0.04 -i /dev/zero {NEW} -f null -"
    );
    let arguments: Vec<OsString> = text.split_whitespace().map(OsString::from).collect();
    if answer_of(ffmpeg, &arguments, LIMIT).is_ok() { NEW } else { "-vsync vfr" }
}

/// Arguments for pictures with their times (see `raw_stream`) on the standard input and a new file at `path`. `rate` is
/// what an encoder plans with; the pictures show at their own times.
pub fn arguments(
    path: &Path,
    container: Container,
    encoder: Encoder,
    keep_times: &str,
    size: ImageSize,
    rate: f64,
) -> Vec<OsString> {
    let input = format!("-hide_banner -loglevel error -n -f matroska -i pipe:0 {keep_times} -enc_time_base 1:1000");
    // High definition colours, and said so: without it players guess.
    let colors = "-vf scale=out_color_matrix=bt709:out_range=tv,format=yuv420p -colorspace bt709 \
                  -color_primaries bt709 -color_trc bt709 -color_range tv";
    // A key picture a second: what is lost when ffmpeg is killed.
    let key = format!("-an -c:v {} -force_key_frames expr:gte(t,n_forced)", encoder.name());
    let format = match container {
        Container::Mp4 => "-movflags +frag_keyframe+empty_moov+default_base_moof -flush_packets 1 -f mp4",
        Container::Mkv => "-cluster_time_limit 1000 -flush_packets 1 -f matroska",
    };
    let mut arguments: Vec<OsString> = [input.as_str(), colors, &key]
        .into_iter()
        .flat_map(str::split_whitespace)
        .map(OsString::from)
        .chain(encoder.options(size, rate).into_iter().map(OsString::from))
        .chain(format.split_whitespace().map(OsString::from))
        .collect();
    let mut file = OsString::from("file:");
    file.push(path);
    arguments.push(file);
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_encoder_that_is_there_is_chosen() {
        let folder = tempfile::tempdir().unwrap();
        let fake = |name: &str, lines: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("#!/bin/sh\nprintf '{lines}'\n")).unwrap();
            #[cfg(unix)]
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
            path
        };
        let all = fake("all", " V..... mpeg4  x\\n V....D libx264 y\\n");
        assert_eq!(Encoder::choose(&all).unwrap(), Encoder::X264);
        let few = fake("few", " V..... mpeg4  x\\n V....D libx264rgb y\\n");
        assert_eq!(Encoder::choose(&few).unwrap(), Encoder::Mpeg4);
        let error = Encoder::choose(&fake("none", " V..... ffv1 x\\n")).unwrap_err().to_string();
        assert!(error.contains("none of the encoders libx264, ") && error.contains("apt install ffmpeg"), "{error}");
        let error = Encoder::choose(Path::new("no-such-ffmpeg")).unwrap_err().to_string();
        assert!(error.contains("no-such-ffmpeg was not found. Install it: sudo apt install ffmpeg"), "{error}");
    }

    #[test]
    fn the_ending_of_a_name_chooses_the_container() {
        assert_eq!(Container::of_path(Path::new("a.MKV")).unwrap(), Container::Mkv);
        assert!(Container::of_path(Path::new("a.avi")).unwrap_err().to_string().contains(".mp4 or .mkv"));
    }
}
