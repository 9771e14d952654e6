//! What ffmpeg is pointed at, and how it is told so.

use crate::capture::CaptureError;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Kinds of address that are played.
const SCHEMES: [&str; 8] = ["rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "udp", "srt"];
/// What a local file may open: itself and other local files (a playlist), never the network.
const FILE_PROTOCOLS: &str = "file,crypto,data";
/// What a stream may open: the network, never a local file.
const STREAM_PROTOCOLS: &str = "rtsp,rtp,rtcp,udp,tcp,tls,http,httpproxy,https,rtmp,rtmps,rtmpt,srt,crypto,data";
/// For protocols that know it: a connection that gives nothing for so long is given up, in microseconds.
const NETWORK_TIMEOUT_US: &str = "5000000";

/// A file or an address.
#[derive(Clone, Debug)]
pub enum Target {
    /// A file on this machine.
    File(PathBuf),
    /// An address on the network.
    Url {
        /// As given, with user name and password: for ffmpeg only.
        url: String,
        /// In lower case.
        scheme: String,
    },
}

impl Target {
    /// A file.
    pub fn file(path: &Path) -> Self {
        Self::File(path.to_owned())
    }

    /// An address.
    ///
    /// # Errors
    ///
    /// When its scheme is not one of those that are played.
    pub fn url(url: &str) -> Result<Self, CaptureError> {
        let scheme = url.split("://").next().unwrap_or_default().to_ascii_lowercase();
        if SCHEMES.contains(&scheme.as_str()) {
            return Ok(Self::Url { url: url.to_owned(), scheme });
        }
        let schemes = SCHEMES.map(|scheme| format!("{scheme}://")).join(", ");
        Err(CaptureError::UnknownAddress { url: without_password(url), schemes })
    }

    /// For sentences: the path, or the address without user name and password.
    pub fn display_name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Url { url, .. } => without_password(url),
        }
    }

    /// ffmpeg's words without what our sentences begin with, and without user name and password.
    pub fn cleaned(&self, words: &str) -> String {
        let name = self.argument();
        let name = name.to_string_lossy();
        words.replace(&format!("{name}: "), "").replace(&*name, &self.display_name())
    }

    /// A short name: that of the file, or the host and path of an address.
    pub fn title(&self) -> String {
        match self {
            Self::File(path) => {
                path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
            }
            Self::Url { url, .. } => {
                let name = without_password(url);
                let name = name.split_once("://").map_or(name.as_str(), |(_, rest)| rest);
                name.split('?').next().unwrap_or(name).to_owned()
            }
        }
    }

    /// Whether it is an address that may also be a finite file behind a web server.
    pub fn may_be_finite(&self) -> bool {
        match self {
            Self::File(_) => true,
            Self::Url { scheme, .. } => scheme.starts_with("http"),
        }
    }

    /// Options before `-i`, for ffmpeg and ffprobe alike.
    pub fn input_options(&self) -> Vec<OsString> {
        let Self::Url { scheme, .. } = self else {
            return vec!["-protocol_whitelist".into(), FILE_PROTOCOLS.into()];
        };
        let mut options = vec!["-protocol_whitelist", STREAM_PROTOCOLS];
        match scheme.as_str() {
            // The name of RTSP's own time-out changed between versions of ffmpeg, so our watchdog does that job.
            "rtsp" | "rtsps" => {
                options.extend(["-rtsp_transport", "tcp", "-fflags", "nobuffer", "-flags", "low_delay"])
            }
            "http" | "https" => options.extend(["-rw_timeout", NETWORK_TIMEOUT_US]),
            _ => options.extend(["-rw_timeout", NETWORK_TIMEOUT_US, "-fflags", "nobuffer", "-flags", "low_delay"]),
        }
        options.into_iter().map(OsString::from).collect()
    }

    /// The argument that names it. A file gets the prefix `file:`, so that a name may begin with `-` or hold a `:`.
    pub fn argument(&self) -> OsString {
        match self {
            Self::File(path) => {
                let mut argument = OsString::from("file:");
                argument.push(path);
                argument
            }
            Self::Url { url, .. } => url.into(),
        }
    }
}

/// `rtsp://name:secret@host/x` → `rtsp://host/x`.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let target = Target::url("rtsp://me:pa@ss@10.0.0.7:554/live?x=1").unwrap();
        assert_eq!(target.display_name(), "rtsp://10.0.0.7:554/live?x=1");
        assert_eq!(target.title(), "10.0.0.7:554/live");
        assert_eq!(target.argument(), "rtsp://me:pa@ss@10.0.0.7:554/live?x=1");
        let words = "Cannot open rtsp://me:pa@ss@10.0.0.7:554/live?x=1, sorry";
        assert_eq!(target.cleaned(words), "Cannot open rtsp://10.0.0.7:554/live?x=1, sorry");
    }

    #[test]
    fn only_network_schemes_are_addresses() {
        for url in ["file:///etc/passwd", "concat://a", "ftp://me:secret@host/x", "://"] {
            let error = Target::url(url).unwrap_err().to_string();
            assert!(error.contains("not an address that can be played. Use rtsp://"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(Target::url("RTSP://host/x").is_ok());
    }

    #[test]
    fn a_file_may_have_any_name() {
        assert_eq!(Target::file(Path::new("-i.mp4")).argument(), "file:-i.mp4");
        assert_eq!(Target::file(Path::new("http:x.mp4")).argument(), "file:http:x.mp4");
        assert!(!FILE_PROTOCOLS.contains("http") && !STREAM_PROTOCOLS.split(',').any(|name| name == "file"));
    }
}
