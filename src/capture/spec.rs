//! What a user writes to name a source.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A source as named on the command line and in the settings:
/// `demo | camera[:N] | FILE (image or video) | DIR (images) | rtsp://… | http://…`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum SourceSpec {
    /// The built-in demo scene.
    Demo,
    /// The camera with this number (`/dev/videoN` on Linux).
    Camera(u32),
    /// A picture, a folder of pictures or a video file.
    Path(PathBuf),
    /// A network stream that ffmpeg understands.
    Url(String),
}

impl From<String> for SourceSpec {
    fn from(text: String) -> Self {
        let trimmed = text.trim();
        if trimmed == "demo" {
            return Self::Demo;
        }
        if trimmed == "camera" {
            return Self::Camera(0);
        }
        if let Some(number) = trimmed.strip_prefix("camera:").and_then(|n| n.parse().ok()) {
            return Self::Camera(number);
        }
        if trimmed.contains("://") { Self::Url(trimmed.to_owned()) } else { Self::Path(PathBuf::from(text)) }
    }
}

impl From<&str> for SourceSpec {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<SourceSpec> for String {
    fn from(spec: SourceSpec) -> Self {
        spec.to_string()
    }
}

impl std::fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Demo => f.write_str("demo"),
            Self::Camera(number) => write!(f, "camera:{number}"),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Url(url) => f.write_str(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        let table = [
            ("demo", SourceSpec::Demo),
            ("camera:0", SourceSpec::Camera(0)),
            ("camera:12", SourceSpec::Camera(12)),
            ("a b/c.mp4", SourceSpec::Path("a b/c.mp4".into())),
            ("rtsp://host/stream", SourceSpec::Url("rtsp://host/stream".into())),
        ];
        for (text, spec) in table {
            assert_eq!(SourceSpec::from(text), spec);
            assert_eq!(spec.to_string(), text);
        }
        assert_eq!(SourceSpec::from("camera"), SourceSpec::Camera(0));
        assert_eq!(SourceSpec::from("camera:x"), SourceSpec::Path("camera:x".into()));
    }
}
