//! What can go wrong with a source, in words that say what to do next.

use crate::imaging::ImageSize;
use std::path::PathBuf;
use std::time::Duration;

/// Why a source cannot be opened or cannot go on. Each sentence names the source and the remedy.
///
/// `camera` is a camera as people know it: name and device file, such as `Webcam C270 (/dev/video0)`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CaptureError {
    /// Nothing lies at that path.
    #[error("{path}: no such file or folder. Check the name, or use \"Open\" to choose one")]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// The file or folder is there but the system does not let us read it.
    #[error("{path}: cannot be read ({reason}). Check its permissions")]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// A device, a socket or a pipe.
    #[error("{path}: is neither a file nor a folder. Give a picture, a folder of pictures or a video file")]
    NotAFile {
        /// The path as given.
        path: PathBuf,
    },
    /// A folder without a single picture.
    #[error("{path}: no pictures in this folder (looked for {extensions}). Choose a folder that has some")]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
        /// The endings that were looked for.
        extensions: String,
    },
    /// A picture that cannot be decoded.
    #[error("{path}: not a picture that can be read ({reason}). Choose another file, or save it again as PNG or JPEG")]
    BrokenPicture {
        /// The file.
        path: PathBuf,
        /// The decoder's words.
        reason: String,
    },
    /// A picture beyond what is sensible to hold in memory.
    #[error(
        "{path}: {size} is more than the {limit_megapixels} megapixels that are read. Scale the picture down first"
    )]
    PictureTooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        size: ImageSize,
        /// The limit, in millions of pixels.
        limit_megapixels: u32,
    },
    /// A folder in which every picture is broken.
    #[error("{path}: none of its {count} pictures can be read. The last one said: {reason}")]
    NoReadablePicture {
        /// The folder.
        path: PathBuf,
        /// Number of pictures tried.
        count: usize,
        /// Why the last one failed.
        reason: String,
    },
    /// ffmpeg or ffprobe is not installed.
    #[error("{program} is needed to play {source_name} and was not found. Install it: sudo apt install ffmpeg")]
    FfmpegMissing {
        /// The program that was looked for.
        program: String,
        /// What was to be played.
        source_name: String,
    },
    /// ffmpeg or ffprobe is there but could not be run.
    #[error("{program} could not be started for {source_name} ({reason}). Check that it runs in a terminal")]
    FfmpegNotStarted {
        /// The program.
        program: String,
        /// What was to be played.
        source_name: String,
        /// The system's words.
        reason: String,
    },
    /// ffmpeg does not recognise the file.
    #[error("{source_name}: not a video that ffmpeg can read ({reason}). Choose a video, a picture or a folder")]
    NotAVideo {
        /// The file or address.
        source_name: String,
        /// ffmpeg's words.
        reason: String,
    },
    /// A sound file, for instance.
    #[error("{source_name}: has no pictures in it, only other streams. Choose a file with video")]
    NoVideoStream {
        /// The file or address.
        source_name: String,
    },
    /// Decoding broke off.
    #[error("{source_name}: the video broke off ({reason}). The file may be damaged: play it with ffplay to see")]
    VideoBroke {
        /// The file or address.
        source_name: String,
        /// ffmpeg's words.
        reason: String,
    },
    /// An address that is not a kind of stream that is understood.
    #[error("{url}: not an address that can be played. Use {schemes}, or give a file by its path")]
    UnknownAddress {
        /// The address, without user name and password.
        url: String,
        /// The kinds that are understood.
        schemes: String,
    },
    /// A stream that cannot be reached or that broke off.
    #[error("{url}: the stream cannot be played ({reason}). Check the address and that the sender is running")]
    StreamFailed {
        /// The address, without user name and password.
        url: String,
        /// ffmpeg's words.
        reason: String,
    },
    /// A stream that gives nothing.
    #[error("{url}: no picture came for {seconds} s. Check the address, the network and that the sender is running",
            seconds = waited.as_secs())]
    StreamSilent {
        /// The address, without user name and password.
        url: String,
        /// How long was waited.
        waited: Duration,
    },
    /// No camera has that number.
    #[error("camera {number}: there is no such camera ({present}). Plug one in, or list them: quantscope cameras")]
    NoSuchCamera {
        /// The number asked for.
        number: u32,
        /// Which cameras there are, in words.
        present: String,
    },
    /// Another program has the camera.
    #[error("{camera}: in use by another program. Close that program (see which: fuser -v /dev/video{number})")]
    CameraBusy {
        /// The camera.
        camera: String,
        /// Its number.
        number: u32,
    },
    /// The user may not open the camera.
    #[error("{camera}: no permission to use it. Run: sudo usermod -aG video $USER, then log out and in again")]
    CameraForbidden {
        /// The camera.
        camera: String,
    },
    /// The camera was pulled out.
    #[error("{camera}: it is gone, unplugged or switched off. Plug it in again")]
    CameraGone {
        /// The camera.
        camera: String,
    },
    /// The USB bus is full.
    #[error("{camera}: the USB bus has no room for its pictures. Ask for a smaller size, or use another USB port")]
    CameraBandwidth {
        /// The camera.
        camera: String,
    },
    /// None of its formats can be decoded.
    #[error("{camera}: offers no format that can be used ({offered}). Usable are {usable}; choose another camera")]
    CameraFormats {
        /// The camera.
        camera: String,
        /// What it offers.
        offered: String,
        /// What could be used.
        usable: String,
    },
    /// The camera does not answer while it is being opened.
    #[error("{camera}: did not answer within {seconds} s. Unplug it, plug it in again, and retry",
            seconds = waited.as_secs())]
    CameraSlow {
        /// The camera.
        camera: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The camera is open but gives nothing.
    #[error("{camera}: the camera gives no pictures since {seconds} s. Unplug it, plug it in again, or restart its driver",
            seconds = waited.as_secs())]
    CameraFrozen {
        /// The camera.
        camera: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The camera gives pictures, and none of them can be decoded.
    #[error("{camera}: its pictures arrive damaged ({reason}). Try another cable, USB port or format")]
    CameraDamaged {
        /// The camera.
        camera: String,
        /// The decoder's words.
        reason: String,
    },
    /// Whatever else the driver says.
    #[error("{camera}: the driver reports an error ({reason}). Unplug it, plug it in again, and retry")]
    CameraFailed {
        /// The camera.
        camera: String,
        /// The driver's words.
        reason: String,
    },
    /// The library that was asked for does not exist on this system.
    #[error("cameras cannot be read by {backend} on this system. Leave out --camera-backend, or give nokhwa")]
    NoCameraBackend {
        /// The library.
        backend: String,
    },
    /// A fault of this program or of a library.
    #[error("{source_name}: reading it broke off by a fault of the program. Open it again, and please report this")]
    BrokeOff {
        /// What was being read.
        source_name: String,
    },
    /// The system would not give a thread.
    #[error("{source_name}: the system has no thread left for it ({reason}). Close other programs and retry")]
    NoThread {
        /// What was to be opened.
        source_name: String,
        /// The system's words.
        reason: String,
    },
}

impl CaptureError {
    /// Whether the fault may pass by itself, as when a camera is plugged in again or another program lets go of it.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::NoSuchCamera { .. }
                | Self::CameraBusy { .. }
                | Self::CameraForbidden { .. }
                | Self::CameraGone { .. }
                | Self::CameraBandwidth { .. }
                | Self::CameraFormats { .. }
                | Self::CameraSlow { .. }
                | Self::CameraFrozen { .. }
                | Self::CameraDamaged { .. }
                | Self::CameraFailed { .. }
        )
    }
}
