//! Reading a camera through nokhwa: on every system, and the only way outside Linux.
//!
//! What nokhwa leaves out is made up for here and in [`super::driver`]: it blocks for ever on a frozen camera, its list of
//! devices and its decoder may panic, it takes exact formats only, its errors are text, and any error leaves the stream
//! unusable until the camera is opened again. What cannot be made up for: it does not tell the bytes used, error flags
//! or frame numbers, so an empty or flagged frame passes for the one before it.

use super::choice::Choice;
#[cfg(target_os = "linux")]
use super::controls::{CameraControl, Orders};
#[cfg(target_os = "linux")]
use super::linux::controls::ControlDevice;
use super::pixels::PixelFormat;
use super::prepared::{Prepared, fault, label};
use super::stream::{Heard, RawFrame, Stream};
use crate::capture::{CaptureError, SourceOptions};
use nokhwa::utils::{CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution};
use nokhwa::{Buffer, Camera, NokhwaError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Buffers that the driver fills: as many frames are stale after a pause.
const DRIVER_QUEUE: u32 = 4;
/// A driver's time further back than this is not that of the frame.
const MAX_AGE: Duration = Duration::from_secs(10);

/// A camera that streams.
pub struct NokhwaStream {
    camera: Camera,
    name: String,
    number: u32,
    buffer: Option<Buffer>,
    /// A second way to the device, since nokhwa's own list of controls panics on some menus. None where it is refused.
    #[cfg(target_os = "linux")]
    controls: Option<ControlDevice>,
}

impl NokhwaStream {
    /// Opens camera `number`, sets the format nearest to what `options` ask for, and starts it.
    ///
    /// # Errors
    ///
    /// When there is no such camera, it cannot be used, or it offers nothing that nokhwa and we can decode.
    pub fn open(number: u32, options: &SourceOptions) -> Result<(Self, Prepared), CaptureError> {
        let prepared = prepare(number, options)?;
        let name = label(&prepared.name, number);
        let wanted = nokhwa_format(&prepared.choice);
        let decodable = [wanted.format()];
        let request = RequestedFormat::with_formats(RequestedFormatType::Exact(wanted), &decodable);
        let explained = |error: NokhwaError| explain(&name, number, &error);
        let mut camera = Camera::new(CameraIndex::Index(number), request).map_err(explained)?;
        camera.open_stream().map_err(explained)?;
        let stream = Self {
            camera,
            name,
            number,
            buffer: None,
            #[cfg(target_os = "linux")]
            controls: ControlDevice::open(number),
        };
        Ok((stream, prepared))
    }
}

impl Stream for NokhwaStream {
    fn newest(&mut self, _limit: Duration) -> Result<Heard<'_>, CaptureError> {
        let buffer = self.camera.frame().map_err(|error| explain(&self.name, self.number, &error))?;
        let taken_at = taken_at(&buffer);
        Ok(Heard::Frame(RawFrame { bytes: self.buffer.insert(buffer).buffer(), taken_at }))
    }

    #[cfg(target_os = "linux")]
    fn controls(&self) -> Vec<CameraControl> {
        self.controls.as_ref().map(ControlDevice::list).unwrap_or_default()
    }

    #[cfg(target_os = "linux")]
    fn obey(&mut self, orders: &Orders) -> Vec<String> {
        self.controls.as_ref().map(|device| device.obey(orders)).unwrap_or_default()
    }

    fn stale_after_pause(&self) -> u32 {
        DRIVER_QUEUE
    }
}

#[cfg(target_os = "linux")]
fn prepare(number: u32, options: &SourceOptions) -> Result<Prepared, CaptureError> {
    // The device is closed before nokhwa opens it.
    super::linux::prepare::prepare(number, options, true).map(|(_, prepared)| prepared)
}

#[cfg(not(target_os = "linux"))]
use list::prepare;

/// The driver's time of a frame, which nokhwa gives by the wall clock.
fn taken_at(buffer: &Buffer) -> Instant {
    let now = Instant::now();
    let age = buffer.capture_timestamp().and_then(|taken| {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        wall.checked_sub(taken).filter(|age| *age < MAX_AGE)
    });
    age.and_then(|age| now.checked_sub(age)).unwrap_or(now)
}

fn nokhwa_format(choice: &Choice) -> CameraFormat {
    let format = match choice.pixels {
        PixelFormat::Yuyv | PixelFormat::Uyvy => FrameFormat::YUYV,
        PixelFormat::Nv12 => FrameFormat::NV12,
        PixelFormat::Mjpg => FrameFormat::MJPEG,
        PixelFormat::Rgb => FrameFormat::RAWRGB,
        PixelFormat::Bgr => FrameFormat::RAWBGR,
        PixelFormat::Gray => FrameFormat::GRAY,
    };
    CameraFormat::new(Resolution::new(choice.size.width, choice.size.height), format, choice.rate as u32)
}

/// nokhwa tells the system's error number in its text only: `… (os error 16)`.
fn explain(camera: &str, number: u32, error: &NokhwaError) -> CaptureError {
    let words = error.to_string();
    let errno = words.split_once("(os error ").and_then(|(_, rest)| rest.split_once(')')?.0.parse().ok());
    fault(camera, number, errno, &words)
}

/// Listing and choosing where there is no V4L2 to ask.
#[cfg(not(target_os = "linux"))]
pub mod list {
    use super::super::choice::choose;
    use super::super::devices::{CameraFormat, CameraInfo};
    use super::super::pixels::FrameLayout;
    use super::super::prepared::compromise;
    use super::*;
    use crate::imaging::ImageSize;
    use nokhwa::utils::ApiBackend;
    use std::panic::catch_unwind;

    /// All cameras by number. Opens each of them for a moment, so it may take some 100 ms.
    pub fn list_cameras() -> Vec<CameraInfo> {
        let info = |(number, name): (u32, String)| {
            let asked = catch_unwind(|| formats_of(number)).unwrap_or_else(|_| Err("it cannot be asked".to_owned()));
            let (formats, problem) = match asked {
                Ok(formats) => (formats, None),
                Err(reason) => (Vec::new(), Some(reason)),
            };
            CameraInfo { number, name, formats, problem }
        };
        names().into_iter().map(info).collect()
    }

    /// How many cameras there are; quicker than [`list_cameras`], but not for a thread that draws.
    pub fn count_cameras() -> usize {
        names().len()
    }

    /// Finds the camera and chooses among its formats.
    pub(super) fn prepare(number: u32, options: &SourceOptions) -> Result<Prepared, CaptureError> {
        let known = names();
        let Some((_, name)) = known.iter().find(|(known, _)| *known == number).cloned() else {
            let present = known.iter().map(|(number, name)| format!("{number} {name}")).collect::<Vec<_>>().join(", ");
            let present = if known.is_empty() { "no camera is connected".to_owned() } else { present };
            return Err(CaptureError::NoSuchCamera { number, present });
        };
        let camera = label(&name, number);
        let offered =
            formats_of(number).map_err(|reason| CaptureError::CameraFailed { camera: camera.clone(), reason })?;
        let Some(choice) = choose(&offered, options, true) else {
            let offered = offered.iter().take(6).map(|format| format!("{} {}", format.format, format.size));
            return Err(CaptureError::CameraFormats {
                camera,
                offered: offered.collect::<Vec<_>>().join(", "),
                usable: PixelFormat::ALL.map(PixelFormat::fourcc).join(", "),
            });
        };
        let layout = FrameLayout { pixels: choice.pixels, size: choice.size, stride: 0 };
        Ok(Prepared { number, name, choice, layout, compromise: compromise(&choice, options) })
    }

    fn names() -> Vec<(u32, String)> {
        let listed = catch_unwind(|| nokhwa::query(ApiBackend::Auto)).ok().and_then(Result::ok).unwrap_or_default();
        let mut names: Vec<(u32, String)> = listed
            .into_iter()
            .filter_map(|camera| Some((camera.index().as_index().ok()?, camera.human_name())))
            .collect();
        names.sort_unstable();
        names
    }

    fn formats_of(number: u32) -> Result<Vec<CameraFormat>, String> {
        let decodable =
            [FrameFormat::YUYV, FrameFormat::NV12, FrameFormat::MJPEG, FrameFormat::RAWRGB, FrameFormat::GRAY];
        let any = RequestedFormat::with_formats(RequestedFormatType::None, &decodable);
        let mut camera = Camera::new(CameraIndex::Index(number), any).map_err(|error| error.to_string())?;
        let mut formats: Vec<CameraFormat> = Vec::new();
        for offered in camera.compatible_camera_formats().map_err(|error| error.to_string())? {
            let Some(pixels) = pixels_of(offered.format()) else { continue };
            let size = ImageSize::new(offered.width(), offered.height());
            let rate = f64::from(offered.frame_rate());
            let fourcc = pixels.fourcc();
            match formats.iter_mut().find(|format| format.format == fourcc && format.size == size) {
                Some(format) => format.rates.push(rate),
                None => formats.push(CameraFormat { format: fourcc.to_owned(), size, rates: vec![rate] }),
            }
        }
        for format in &mut formats {
            format.rates.sort_by(|a, b| f64::total_cmp(b, a));
            format.rates.dedup();
        }
        Ok(formats)
    }

    fn pixels_of(format: FrameFormat) -> Option<PixelFormat> {
        match format {
            FrameFormat::YUYV => Some(PixelFormat::Yuyv),
            FrameFormat::NV12 => Some(PixelFormat::Nv12),
            FrameFormat::MJPEG => Some(PixelFormat::Mjpg),
            FrameFormat::RAWRGB => Some(PixelFormat::Rgb),
            FrameFormat::RAWBGR => Some(PixelFormat::Bgr),
            FrameFormat::GRAY => Some(PixelFormat::Gray),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_systems_error_number_is_found_in_the_text() {
        let text = |errno| NokhwaError::ReadFrameError(format!("Something (os error {errno})"));
        let explained = |errno| explain("Webcam (/dev/video3)", 3, &text(errno)).to_string();
        assert!(explained(16).contains("Webcam (/dev/video3): in use by another program"), "{}", explained(16));
        assert!(explained(16).contains("fuser -v /dev/video3"), "{}", explained(16));
        assert!(explained(13).contains("no permission"), "{}", explained(13));
        assert!(explained(19).contains("unplugged"), "{}", explained(19));
        assert!(explained(28).contains("USB bus"), "{}", explained(28));
        assert!(explained(5).contains("Could not capture frame: Something (os error 5)"), "{}", explained(5));
    }
}
