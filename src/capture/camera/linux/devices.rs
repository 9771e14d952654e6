//! Which cameras there are and what they offer, asked of the kernel (V4L2) directly.
//!
//! nokhwa's own list panics on odd names in `/dev`, holds nodes that are no cameras, and leaves out formats, so it is
//! not used here.

use crate::capture::camera::devices::{CameraFormat, CameraInfo};
use crate::imaging::ImageSize;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use v4l::capability::{Capabilities, Flags};
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

/// All cameras by number. Empty when there is none. Opens each of them for a moment, so it may take some 100 ms; it
/// changes nothing in a camera, not even in one that is in use.
pub fn list_cameras() -> Vec<CameraInfo> {
    cameras(formats_of)
}

/// How many cameras there are; quicker than [`list_cameras`], but not for a thread that draws.
pub fn count_cameras() -> usize {
    cameras(|_| Vec::new()).len()
}

/// What a camera is known by when it comes back under another number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    name: String,
    bus: String,
    /// Numbers of other cameras of the same name: they are not the one that went away.
    twins: Vec<u32>,
}

impl Identity {
    /// That of camera `number`; none where it is no camera or cannot be asked.
    pub fn of(number: u32) -> Option<Self> {
        let (name, bus) = name_and_bus(number)?;
        let is_twin = |other: &u32| *other != number && name_and_bus(*other).is_some_and(|(twin, _)| twin == name);
        let twins = numbers().into_iter().filter(is_twin).collect();
        Some(Self { name, bus, twins })
    }

    /// The number under which the camera is found now: `expected` where it is still there, else another with its name.
    /// None when there is none of that name.
    pub fn find(&self, expected: u32) -> Option<u32> {
        if name_and_bus(expected).is_some_and(|(name, _)| name == self.name) {
            return Some(expected);
        }
        let others = numbers().into_iter().filter(|number| !self.twins.contains(number));
        let namesakes: Vec<(u32, String)> = others
            .filter_map(|number| name_and_bus(number).map(|known| (number, known)))
            .filter(|(_, (name, _))| *name == self.name)
            .map(|(number, (_, bus))| (number, bus))
            .collect();
        // In the same socket rather than in another one.
        let same_bus = namesakes.iter().find(|(_, bus)| *bus == self.bus);
        same_bus.or(namesakes.first()).map(|(number, _)| *number)
    }
}

fn name_and_bus(number: u32) -> Option<(String, String)> {
    let device = Device::new(number as usize).ok()?;
    let capabilities = capabilities(&device).ok()?;
    is_camera(&capabilities).then_some((capabilities.card, capabilities.bus))
}

/// The name of a camera; none where the device is something else.
///
/// # Errors
///
/// The driver's.
pub fn name_of(device: &Device) -> io::Result<Option<String>> {
    let capabilities = capabilities(device)?;
    Ok(is_camera(&capabilities).then_some(capabilities.card))
}

/// The v4l crate panics on names that are not UTF-8.
fn capabilities(device: &Device) -> io::Result<Capabilities> {
    let asked = catch_unwind(AssertUnwindSafe(|| device.query_caps()));
    asked.unwrap_or_else(|_| Err(io::Error::other("its name cannot be read")))
}

fn is_camera(capabilities: &Capabilities) -> bool {
    let flags = capabilities.capabilities;
    flags.contains(Flags::VIDEO_CAPTURE)
        && !flags.intersects(Flags::VIDEO_M2M | Flags::VIDEO_M2M_MPLANE | Flags::META_CAPTURE)
        && !NOT_CAMERAS.contains(&capabilities.driver.as_str())
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
    let asked = Device::new(number as usize).and_then(|device| {
        let capabilities = capabilities(&device)?;
        let camera =
            || CameraInfo { number, name: capabilities.card.clone(), formats: formats(&device), problem: None };
        Ok(is_camera(&capabilities).then(camera))
    });
    match asked {
        Ok(camera) => camera,
        // It cannot be asked what it is; the first node of a device is the one with the pictures.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_first_node(number) => {
            let problem = Some("no permission to use it: sudo usermod -aG video $USER, then log in again".to_owned());
            Some(CameraInfo { number, name: system_name(number), formats: Vec::new(), problem })
        }
        Err(_) => None,
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
    if sizes.is_empty() {
        // Cards that read television or HDMI need not tell: they have the size of what comes in, and stand at it.
        let present = device.format().ok().map(|format| ImageSize::new(format.width, format.height));
        sizes.extend(present.filter(|size| size.width > 0 && size.height > 0));
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
pub fn rate(numerator: u32, denominator: u32) -> Option<f64> {
    (numerator > 0 && denominator > 0).then(|| f64::from(denominator) / f64::from(numerator))
}
