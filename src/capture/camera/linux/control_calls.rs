//! The calls about a camera's controls, one function a call.
//!
//! The `v4l` crate has them too, but its list of controls ends the program on a menu whose step is 0 and stops at the
//! first gap that a driver reports in a way it does not expect.
//!
//! Source of the calls: Linux media documentation, "User Controls" and "Extended Controls API".
#![expect(unsafe_code, reason = "controls are asked for by ioctl, in structures with unions")]

use std::ffi::c_void;
use std::io;
use v4l::Device;
use v4l::v4l_sys::{
    v4l2_control, v4l2_ext_control, v4l2_ext_controls, v4l2_query_ext_ctrl, v4l2_queryctrl, v4l2_querymenu,
};
use v4l::v4l2::{self, vidioc};

/// The driver does not know a call.
const ENOTTY: i32 = 25;
/// Asks for the control after the one with this number.
const NEXT: u32 = 0x8000_0000;

/// A control as the driver describes it.
#[derive(Clone, Debug)]
pub struct RawControl {
    /// Its number.
    pub id: u32,
    /// V4L2_CTRL_TYPE_….
    pub kind: u32,
    /// Its name, made readable.
    pub name: String,
    /// Smallest value.
    pub min: i64,
    /// Largest value.
    pub max: i64,
    /// From one value to the next.
    pub step: u64,
    /// Its default.
    pub default: i64,
    /// V4L2_CTRL_FLAG_….
    pub flags: u32,
}

/// One entry of a menu.
#[derive(Clone, Debug)]
pub struct RawItem {
    /// Its name, where the menu is one of names.
    pub name: String,
    /// Its number, where the menu is one of numbers.
    pub number: i64,
}

/// The control with the smallest number above `id`.
///
/// # Errors
///
/// EINVAL when there is none; else the driver's.
pub fn next(device: &Device, id: u32) -> io::Result<RawControl> {
    // SAFETY: a plain C structure, for which all zeros is a value.
    let mut asked: v4l2_query_ext_ctrl = unsafe { std::mem::zeroed() };
    asked.id = id | NEXT;
    match call(device, vidioc::VIDIOC_QUERY_EXT_CTRL, &mut asked) {
        Err(error) if error.raw_os_error() == Some(ENOTTY) => return next_of_old_driver(device, id),
        other => other?,
    }
    Ok(RawControl {
        id: asked.id,
        kind: asked.type_,
        name: text(&asked.name.map(|letter| letter as u8)),
        min: asked.minimum,
        max: asked.maximum,
        step: asked.step,
        default: asked.default_value,
        flags: asked.flags,
    })
}

/// The same by the call that every kernel knows; its values have 32 bits.
fn next_of_old_driver(device: &Device, id: u32) -> io::Result<RawControl> {
    // SAFETY: a plain C structure, for which all zeros is a value.
    let mut asked: v4l2_queryctrl = unsafe { std::mem::zeroed() };
    asked.id = id | NEXT;
    call(device, vidioc::VIDIOC_QUERYCTRL, &mut asked)?;
    Ok(RawControl {
        id: asked.id,
        kind: asked.type_,
        name: text(&asked.name),
        min: asked.minimum.into(),
        max: asked.maximum.into(),
        step: u64::try_from(asked.step).unwrap_or(0),
        default: asked.default_value.into(),
        flags: asked.flags,
    })
}

/// The entry of a menu at `index`.
///
/// # Errors
///
/// EINVAL where the menu has a gap; else the driver's.
pub fn menu_item(device: &Device, id: u32, index: u32) -> io::Result<RawItem> {
    // SAFETY: a plain C structure, for which all zeros is a value.
    let mut asked: v4l2_querymenu = unsafe { std::mem::zeroed() };
    (asked.id, asked.index) = (id, index);
    call(device, vidioc::VIDIOC_QUERYMENU, &mut asked)?;
    // SAFETY: both members are plain bytes and lie within the union, so either reads initialised memory.
    let (name, number) = unsafe { (asked.__bindgen_anon_1.name, asked.__bindgen_anon_1.value) };
    Ok(RawItem { name: text(&name), number })
}

/// The value that a control has. `is_wide`: it has 64 bits.
///
/// # Errors
///
/// The driver's.
pub fn get(device: &Device, id: u32, is_wide: bool) -> io::Result<i64> {
    let mut control = extended(id, 0, is_wide);
    match call_extended(device, vidioc::VIDIOC_G_EXT_CTRLS, &mut control) {
        Err(error) if error.raw_os_error() == Some(ENOTTY) && !is_wide => {
            let mut control = v4l2_control { id, value: 0 };
            call(device, vidioc::VIDIOC_G_CTRL, &mut control)?;
            return Ok(control.value.into());
        }
        other => other?,
    }
    // SAFETY: the driver wrote the member that belongs to the control's type; both are plain numbers.
    Ok(unsafe { if is_wide { control.__bindgen_anon_1.value64 } else { control.__bindgen_anon_1.value.into() } })
}

/// Sets a control. `is_wide`: it has 64 bits.
///
/// # Errors
///
/// The driver's: EACCES or EBUSY when it cannot be set now, ERANGE when it does not take the value.
pub fn set(device: &Device, id: u32, value: i64, is_wide: bool) -> io::Result<()> {
    let mut control = extended(id, value, is_wide);
    match call_extended(device, vidioc::VIDIOC_S_EXT_CTRLS, &mut control) {
        Err(error) if error.raw_os_error() == Some(ENOTTY) && !is_wide => {
            let value = i32::try_from(value).map_err(io::Error::other)?;
            call(device, vidioc::VIDIOC_S_CTRL, &mut v4l2_control { id, value })
        }
        other => other,
    }
}

fn extended(id: u32, value: i64, is_wide: bool) -> v4l2_ext_control {
    // SAFETY: a plain C structure, for which all zeros is a value.
    let mut control: v4l2_ext_control = unsafe { std::mem::zeroed() };
    control.id = id;
    if is_wide {
        control.__bindgen_anon_1.value64 = value;
    } else {
        let bounds = i64::from(i32::MIN)..=i64::from(i32::MAX);
        control.__bindgen_anon_1.value = value.clamp(*bounds.start(), *bounds.end()) as i32;
    }
    control
}

fn call_extended(device: &Device, request: vidioc::_IOC_TYPE, control: &mut v4l2_ext_control) -> io::Result<()> {
    // SAFETY: a plain C structure, for which all zeros is a value: the present values are meant.
    let mut controls: v4l2_ext_controls = unsafe { std::mem::zeroed() };
    (controls.count, controls.controls) = (1, std::ptr::from_mut(control));
    call(device, request, &mut controls)
}

fn call<T>(device: &Device, request: vidioc::_IOC_TYPE, argument: &mut T) -> io::Result<()> {
    loop {
        // SAFETY: every caller passes the structure that belongs to `request`.
        match unsafe { v4l2::ioctl(device.handle().fd(), request, std::ptr::from_mut(argument).cast::<c_void>()) } {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// A driver's text up to its end; whatever cannot be shown is left out.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..end]);
    text.chars().filter(|letter| !letter.is_control()).collect::<String>().trim().to_owned()
}
