//! Setting a camera to its format before it is read.
//!
//! For nokhwa too: it refuses a camera whose last user left it at a rate or format that it does not know, and its
//! errors are text only. Setting the camera first avoids the one and tells the cause of the other.

use super::devices;
use crate::capture::camera::choice::{Choice, choose};
use crate::capture::camera::devices::CameraFormat;
use crate::capture::camera::pixels::{FrameLayout, PixelFormat};
use crate::capture::camera::prepared::{Prepared, compromise, fault, label};
use crate::capture::{CaptureError, SourceOptions};
use crate::imaging::ImageSize;
use std::io;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC, Fraction};

/// The driver does not know the call (ENOTTY) or the values (EINVAL).
const NOT_OFFERED: [i32; 2] = [25, 22];

/// Finds the camera, chooses among its formats (`for_nokhwa`: among those that nokhwa knows), and sets it.
///
/// # Errors
///
/// When there is no such camera, when it is in use or forbidden, or when it offers nothing that can be decoded.
pub fn prepare(number: u32, options: &SourceOptions, for_nokhwa: bool) -> Result<(Device, Prepared), CaptureError> {
    let label = |name: &str| label(name, number);
    let device = Device::new(number as usize).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => no_such_camera(number),
        _ => fault(&label("Camera"), number, error.raw_os_error(), &error.to_string()),
    })?;
    let name = match devices::name_of(&device) {
        Ok(Some(name)) => name,
        Ok(None) => return Err(no_such_camera(number)),
        Err(error) => return Err(fault(&label("Camera"), number, error.raw_os_error(), &error.to_string())),
    };
    let camera = label(&name);
    let offered = devices::formats_of(&device);
    let Some(choice) = choose(&offered, options, for_nokhwa) else { return Err(nothing_usable(camera, &offered)) };
    let failed = |error: io::Error| fault(&camera, number, error.raw_os_error(), &error.to_string());
    let got = set(&device, &choice).map_err(failed)?;
    let Some(choice) = got.choice else { return Err(nothing_usable(camera, &offered)) };
    if for_nokhwa && !choice.has_whole_rate() {
        return Err(nothing_usable(camera, &offered));
    }
    let layout = FrameLayout { pixels: choice.pixels, size: choice.size, stride: got.stride };
    Ok((device, Prepared { number, name, choice, layout, compromise: compromise(&choice, options) }))
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
    let (numerator, denominator) = wanted.interval();
    match device.set_params(&Parameters::new(Fraction::new(numerator, denominator))) {
        // A camera of one rate need not let it be set.
        Err(error) if error.raw_os_error().is_some_and(|number| NOT_OFFERED.contains(&number)) => {}
        other => {
            other?;
        }
    }
    let format = device.format()?;
    let pixels = format.fourcc.str().ok().and_then(PixelFormat::from_fourcc);
    let rate = device.params().ok().map(|parameters| parameters.interval);
    let rate = rate.and_then(|interval| devices::rate(interval.numerator, interval.denominator));
    let size = ImageSize::new(format.width, format.height);
    let choice = pixels.map(|pixels| Choice { pixels, size, rate: rate.unwrap_or(wanted.rate) });
    Ok(Set { choice: choice.filter(|choice| choice.size.width > 0 && choice.size.height > 0), stride: format.stride })
}

fn no_such_camera(number: u32) -> CaptureError {
    let cameras = devices::list_cameras();
    let present = match cameras.as_slice() {
        [] => "no camera is connected".to_owned(),
        _ => {
            let mut names: Vec<String> =
                cameras.iter().take(8).map(|camera| format!("{} {}", camera.number, camera.name)).collect();
            if cameras.len() > names.len() {
                names.push(format!("and {} more", cameras.len() - names.len()));
            }
            format!("found: {}", names.join(", "))
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
