//! Which cameras there are and what they offer, asked of the kernel (V4L2) directly.
//!
//! nokhwa's own list panics on odd names in `/dev`, holds nodes that are no cameras, and leaves out formats, so it is
//! not used.

use crate::imaging::ImageSize;
use serde::Serialize;
use std::panic::catch_unwind;
use v4l::capability::Flags;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture;
use v4l::{Device, FourCC};

/// Drivers whose nodes say "video capture" and are parts of a processor's picture pipeline (Raspberry Pi).
const NOT_CAMERAS: [&str; 5] = ["bcm2835-isp", "bcm2835-codec", "pispbe", "rp1-cfe", "rpi-hevc-dec"];
/// Where a camera takes any size within bounds, these are offered, those within the bounds.
const USUAL_SIZES: [ImageSize; 5] = [
    ImageSize::new(320, 240),
    ImageSize::new(640, 480),
    ImageSize::new(800, 600),
    ImageSize::new(1280, 720),
    ImageSize::new(1920, 1080),
];
/// Where a camera takes any rate within bounds, these are offered, those within the bounds.
const USUAL_RATES: [f64; 5] = [60.0, 30.0, 25.0, 15.0, 10.0];

/// A camera and what it offers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CameraInfo {
    /// The N of `/dev/videoN` and of `camera:N`.
    pub number: u32,
    /// As the driver calls it.
    pub name: String,
    /// What it offers, in the driver's order.
    pub formats: Vec<CameraFormat>,
    /// Why its formats are not known, where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One pixel format at one size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CameraFormat {
    /// The pixel format by its four characters, such as `YUYV` or `MJPG`.
    pub format: String,
    /// The size.
    #[serde(flatten)]
    pub size: ImageSize,
    /// Frames a second, fastest first. Empty where the driver does not tell.
    pub rates: Vec<f64>,
}

/// All cameras by number. Empty when there is none. Opens each of them for a moment, so it may take some 100 ms; it
/// changes nothing in a camera, not even in one that is in use.
pub fn list_cameras() -> Vec<CameraInfo> {
    cameras(formats_of)
}

/// How many cameras there are; quicker than [`list_cameras`], but not for a thread that draws.
pub fn count_cameras() -> usize {
    cameras(|_| Vec::new()).len()
}

/// The name of one camera, where it is one.
pub fn name_of(number: u32) -> Option<String> {
    camera(number, |_| Vec::new()).map(|camera| camera.name)
}

fn cameras(formats: fn(&Device) -> Vec<CameraFormat>) -> Vec<CameraInfo> {
    numbers().into_iter().filter_map(|number| camera(number, formats)).collect()
}

/// Numbers of the nodes `/dev/videoN`, rising. Other names are passed over.
fn numbers() -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/dev") else { return Vec::new() };
    let number = |name: std::ffi::OsString| name.to_str()?.strip_prefix("video")?.parse::<u32>().ok();
    let mut numbers: Vec<u32> = entries.flatten().filter_map(|entry| number(entry.file_name())).collect();
    numbers.sort_unstable();
    numbers
}

/// None when the node is no camera: a metadata node, a codec, an output.
fn camera(number: u32, formats: fn(&Device) -> Vec<CameraFormat>) -> Option<CameraInfo> {
    // The v4l crate panics on names that are not UTF-8.
    let asked = catch_unwind(|| {
        let device = Device::new(number as usize)?;
        let capabilities = device.query_caps()?;
        let flags = capabilities.capabilities;
        let is_camera = flags.contains(Flags::VIDEO_CAPTURE)
            && !flags.intersects(Flags::VIDEO_M2M | Flags::VIDEO_M2M_MPLANE | Flags::META_CAPTURE)
            && !NOT_CAMERAS.contains(&capabilities.driver.as_str());
        let camera = || CameraInfo { number, name: capabilities.card, formats: formats(&device), problem: None };
        Ok::<_, std::io::Error>(is_camera.then(camera))
    });
    match asked {
        Ok(Ok(camera)) => camera,
        // It cannot be asked what it is; the first node of a device is the one with the pictures.
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::PermissionDenied && is_first_node(number) => {
            let problem = Some("no permission to use it: sudo usermod -aG video $USER, then log in again".to_owned());
            Some(CameraInfo { number, name: system_name(number), formats: Vec::new(), problem })
        }
        Ok(Err(_)) | Err(_) => None,
    }
}

fn is_first_node(number: u32) -> bool {
    let index = std::fs::read_to_string(format!("/sys/class/video4linux/video{number}/index"));
    index.is_ok_and(|index| index.trim() == "0")
}

fn system_name(number: u32) -> String {
    let name = std::fs::read(format!("/sys/class/video4linux/video{number}/name")).unwrap_or_default();
    let name = String::from_utf8_lossy(&name).trim().to_owned();
    if name.is_empty() { "Camera".to_owned() } else { name }
}

/// What a camera offers; what it fails to tell is left out.
pub fn formats_of(device: &Device) -> Vec<CameraFormat> {
    let mut formats: Vec<CameraFormat> = Vec::new();
    for description in device.enum_formats().unwrap_or_default() {
        let fourcc = description.fourcc;
        let Ok(name) = fourcc.str() else { continue };
        for size in sizes_of(device, fourcc) {
            let format = CameraFormat { format: name.trim().to_owned(), size, rates: rates_of(device, fourcc, size) };
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
    }
    formats
}

fn sizes_of(device: &Device, fourcc: FourCC) -> Vec<ImageSize> {
    let mut sizes = Vec::new();
    for offered in device.enum_framesizes(fourcc).unwrap_or_default() {
        match offered.size {
            FrameSizeEnum::Discrete(size) => sizes.push(ImageSize::new(size.width, size.height)),
            FrameSizeEnum::Stepwise(bounds) => {
                let fits = |size: &ImageSize| {
                    (bounds.min_width..=bounds.max_width).contains(&size.width)
                        && (bounds.min_height..=bounds.max_height).contains(&size.height)
                        && (size.width - bounds.min_width).is_multiple_of(bounds.step_width.max(1))
                        && (size.height - bounds.min_height).is_multiple_of(bounds.step_height.max(1))
                };
                sizes.extend(USUAL_SIZES.into_iter().filter(fits));
                sizes.push(ImageSize::new(bounds.max_width, bounds.max_height));
            }
        }
    }
    sizes
}

fn rates_of(device: &Device, fourcc: FourCC, size: ImageSize) -> Vec<f64> {
    let mut rates = Vec::new();
    for offered in device.enum_frameintervals(fourcc, size.width, size.height).unwrap_or_default() {
        match offered.interval {
            FrameIntervalEnum::Discrete(interval) => rates.extend(rate(interval.numerator, interval.denominator)),
            FrameIntervalEnum::Stepwise(bounds) => {
                let slowest = rate(bounds.max.numerator, bounds.max.denominator).unwrap_or(0.0);
                let fastest = rate(bounds.min.numerator, bounds.min.denominator).unwrap_or(0.0);
                rates.extend(USUAL_RATES.into_iter().filter(|rate| (slowest..=fastest).contains(rate)));
            }
        }
    }
    rates.sort_by(|a, b| f64::total_cmp(b, a));
    rates.dedup();
    rates
}

/// Frames a second for the time between two frames, in seconds as a fraction.
fn rate(numerator: u32, denominator: u32) -> Option<f64> {
    (numerator > 0 && denominator > 0).then(|| f64::from(denominator) / f64::from(numerator))
}
