//! Setting a camera to its format before nokhwa takes it.
//!
//! nokhwa refuses a camera whose last user left it at a rate or format that nokhwa does not know, and its errors are
//! text only. Setting the camera first, through V4L2, avoids the one and tells the cause of the other.

use super::choice::{Choice, choose};
use super::devices::{self, CameraFormat};
use super::pixels::{FrameLayout, PixelFormat};
use crate::capture::{CaptureError, SourceOptions};
use crate::imaging::ImageSize;
use std::io;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

/// A camera that stands at the format that will be used.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its name.
    pub name: String,
    /// What it stands at, as the driver confirms it.
    pub choice: Choice,
    /// How its frames lie in memory.
    pub layout: FrameLayout,
    /// What was asked and could not be had, in words.
    pub compromise: Option<String>,
}

/// Finds the camera, chooses among its formats, and sets it.
///
/// # Errors
///
/// When there is no such camera, when it is in use or forbidden, or when it offers nothing that can be decoded.
pub fn prepare(number: u32, options: &SourceOptions) -> Result<Prepared, CaptureError> {
    let label = |name: &str| label(name, number);
    let device = Device::new(number as usize).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => no_such_camera(number),
        _ => fault(&label("Camera"), number, error.raw_os_error(), &error.to_string()),
    })?;
    let Some(name) = devices::name_of(number) else { return Err(no_such_camera(number)) };
    let camera = label(&name);
    let offered = devices::formats_of(&device);
    let Some(choice) = choose(&offered, options) else { return Err(nothing_usable(camera, &offered)) };
    let failed = |error: io::Error| fault(&camera, number, error.raw_os_error(), &error.to_string());
    let got = set(&device, &choice).map_err(failed)?;
    let Some(choice) = got.choice else { return Err(nothing_usable(camera, &offered)) };
    let layout = FrameLayout { pixels: choice.pixels, size: choice.size, stride: got.stride };
    Ok(Prepared { name, choice, layout, compromise: compromise(&choice, options) })
}

/// A camera as sentences call it.
pub fn label(name: &str, number: u32) -> String {
    format!("{name} (/dev/video{number})")
}

/// The error for what a driver reports, by its number where it is known.
pub fn fault(camera: &str, number: u32, errno: Option<i32>, words: &str) -> CaptureError {
    let camera = camera.to_owned();
    // The numbers are the same on every processor that Linux runs these cameras on.
    match errno {
        Some(16) => CaptureError::CameraBusy { camera, number },
        Some(1 | 13) => CaptureError::CameraForbidden { camera },
        Some(2 | 6 | 19) => CaptureError::CameraGone { camera },
        Some(28) => CaptureError::CameraBandwidth { camera },
        _ => CaptureError::CameraFailed { camera, reason: words.to_owned() },
    }
}

struct Set {
    choice: Option<Choice>,
    stride: u32,
}

/// Sets format and rate, and reads back what the driver made of it.
fn set(device: &Device, wanted: &Choice) -> io::Result<Set> {
    let mut fourcc = [b' '; 4];
    fourcc.iter_mut().zip(wanted.pixels.fourcc().bytes()).for_each(|(to, from)| *to = from);
    device.set_format(&Format::new(wanted.size.width, wanted.size.height, FourCC::new(&fourcc)))?;
    device.set_params(&Parameters::with_fps(wanted.rate))?;
    let format = device.format()?;
    let interval = device.params()?.interval;
    let pixels = format.fourcc.str().ok().and_then(PixelFormat::from_fourcc);
    // nokhwa takes intervals of 1/N only.
    let rate = (interval.numerator == 1 && interval.denominator > 0).then_some(interval.denominator);
    let size = ImageSize::new(format.width, format.height);
    let choice = pixels.zip(rate).map(|(pixels, rate)| Choice { pixels, size, rate });
    Ok(Set { choice, stride: format.stride })
}

fn no_such_camera(number: u32) -> CaptureError {
    let cameras = devices::list_cameras();
    let present = match cameras.as_slice() {
        [] => "no camera is connected".to_owned(),
        _ => {
            let names = cameras.iter().map(|camera| format!("{} {}", camera.number, camera.name));
            format!("found: {}", names.collect::<Vec<_>>().join(", "))
        }
    };
    CaptureError::NoSuchCamera { number, present }
}

fn nothing_usable(camera: String, offered: &[CameraFormat]) -> CaptureError {
    let mut names: Vec<String> = offered
        .iter()
        .map(|format| {
            let rates = format.rates.iter().map(|rate| format!("{rate:.3}").trim_end_matches(".000").to_owned());
            format!("{} {} at {} fps", format.format, format.size, rates.collect::<Vec<_>>().join("/"))
        })
        .collect();
    names.truncate(6);
    let offered = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    let usable = PixelFormat::ALL.map(PixelFormat::fourcc).join(", ");
    CaptureError::CameraFormats { camera, offered, usable }
}

/// What was asked and could not be had.
fn compromise(got: &Choice, options: &SourceOptions) -> Option<String> {
    let mut missed = Vec::new();
    if let Some(format) = &options.camera_format
        && PixelFormat::from_fourcc(format) != Some(got.pixels)
    {
        missed.push(format.clone());
    }
    if let Some(size) = options.camera_size
        && size != got.size
    {
        missed.push(size.to_string());
    }
    if let Some(rate) = options.camera_rate
        && (rate - f64::from(got.rate)).abs() > 0.5
    {
        missed.push(format!("{rate} fps"));
    }
    (!missed.is_empty()).then(|| format!("{} is not on offer", missed.join(", ")))
}
