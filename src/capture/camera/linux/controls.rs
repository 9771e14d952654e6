//! A camera's controls: which there are, and setting them so that modes and what they manage do not get in each other's way.

use super::control_calls::{self, RawControl};
use crate::capture::camera::controls::{
    CameraControl, ControlAccess, ControlGroup, ControlKind, ControlSetting, Orders,
};
use v4l::Device;

/// More than any camera has; a driver that lists without an end is not followed.
const MOST_CONTROLS: usize = 256;
/// Of a menu whose bounds are nonsense only so many entries are asked for.
const MOST_ITEMS: i64 = 64;

// V4L2_CTRL_TYPE_….
const INTEGER: u32 = 1;
const BOOLEAN: u32 = 2;
const MENU: u32 = 3;
const INTEGER64: u32 = 5;
const INTEGER_MENU: u32 = 9;

// V4L2_CTRL_FLAG_….
const DISABLED: u32 = 0x1;
const GRABBED: u32 = 0x2;
const READ_ONLY: u32 = 0x4;
const INACTIVE: u32 = 0x10;
const WRITE_ONLY: u32 = 0x40;

/// Exposure, gain, focus, white balance and the lamps' frequency, in the order in which they are shown: a mode before
/// what it manages. V4L2_CID_….
const LIGHT: [u32; 16] = [
    0x009a_0901, // EXPOSURE_AUTO
    0x009a_0902, // EXPOSURE_ABSOLUTE
    0x0098_0911, // EXPOSURE
    0x009a_0903, // EXPOSURE_AUTO_PRIORITY
    0x009a_0913, // AUTO_EXPOSURE_BIAS
    0x0098_0912, // AUTOGAIN
    0x0098_0913, // GAIN
    0x009a_0918, // ISO_SENSITIVITY_AUTO
    0x009a_0917, // ISO_SENSITIVITY
    0x009a_090c, // FOCUS_AUTO
    0x009a_090a, // FOCUS_ABSOLUTE
    0x0098_090c, // AUTO_WHITE_BALANCE
    0x0098_091a, // WHITE_BALANCE_TEMPERATURE
    0x0098_090f, // BLUE_BALANCE
    0x0098_090e, // RED_BALANCE
    0x0098_0918, // POWER_LINE_FREQUENCY
];
/// Brightness, contrast, saturation, hue, gamma, sharpness, backlight compensation. V4L2_CID_….
const PICTURE: [u32; 7] = [0x0098_0900, 0x0098_0901, 0x0098_0902, 0x0098_0903, 0x0098_0910, 0x0098_091b, 0x0098_091c];

/// A way to the controls of a camera that something else reads.
pub struct ControlDevice(Device);

impl ControlDevice {
    /// None where the device cannot be opened a second time.
    pub fn open(number: u32) -> Option<Self> {
        Device::new(number as usize).ok().map(Self)
    }

    /// As [`list`].
    pub fn list(&self) -> Vec<CameraControl> {
        list(&self.0)
    }

    /// As [`obey`].
    pub fn obey(&self, orders: &Orders) -> Vec<String> {
        obey(&self.0, orders)
    }
}

/// A control, and whether the driver keeps its value in 64 bits.
struct Known {
    control: CameraControl,
    is_wide: bool,
}

/// What the driver offers and can be shown, in the order in which it is shown. Buttons, texts and tables are left out,
/// and what cannot be read.
pub fn list(device: &Device) -> Vec<CameraControl> {
    known(device).into_iter().map(|known| known.control).collect()
}

fn known(device: &Device) -> Vec<Known> {
    let mut controls: Vec<Known> = raw(device).iter().filter_map(|raw| readable(device, raw)).collect();
    controls.sort_by_key(|Known { control, .. }| {
        let place = |list: &[u32]| list.iter().position(|id| *id == control.id).unwrap_or(list.len());
        (control.group, place(&LIGHT), place(&PICTURE), control.id)
    });
    controls
}

/// Does what was asked: modes first, so that what they manage is free by then. What could not be done, a sentence each.
pub fn obey(device: &Device, orders: &Orders) -> Vec<String> {
    if orders.reset {
        reset(device);
    }
    make(device, &orders.set)
}

/// Those that the camera manages by itself at the moment are passed over.
fn make(device: &Device, settings: &[ControlSetting]) -> Vec<String> {
    let mut refusals = Vec::new();
    let mut controls = if settings.is_empty() { Vec::new() } else { known(device) };
    for modes in [true, false] {
        let mut made = false;
        for setting in settings {
            let wanted = |known: &&Known| known.control.id == setting.id && known.control.is_mode() == modes;
            let Some(known) = controls.iter().find(wanted) else { continue };
            match known.control.access {
                ControlAccess::Free => refusals.extend(set(device, known, setting.value).err()),
                ControlAccess::Grabbed => refusals.push(grabbed(&known.control.name)),
                ControlAccess::Automatic | ControlAccess::ReadOnly => {}
            }
            made = true;
        }
        // A mode changes what is free.
        if modes && made {
            controls = known(device);
        }
    }
    refusals
}

/// Drivers hold what would change the size of a picture while they give some, and what another program has reserved.
fn grabbed(name: &str) -> String {
    format!("{name}: it cannot be set while the camera gives pictures, or another program holds it")
}

/// Everything to its default: what is free, then the modes, then what they have set free.
fn reset(device: &Device) {
    for modes in [false, true, false] {
        for known in known(device) {
            let control = &known.control;
            if control.is_mode() == modes && control.is_free() && control.value != control.default {
                // What keeps its value is seen in the list that is told afterwards.
                if let Err(refusal) = set(device, &known, control.default) {
                    tracing::debug!("{refusal}");
                }
            }
        }
    }
}

fn set(device: &Device, Known { control, is_wide }: &Known, value: i64) -> Result<(), String> {
    let value = control.nearest(value);
    control_calls::set(device, control.id, value, *is_wide)
        .map_err(|error| format!("{}: the camera does not take {value} ({error})", control.name))
}

fn raw(device: &Device) -> Vec<RawControl> {
    let mut found = Vec::new();
    let mut last = 0;
    while found.len() < MOST_CONTROLS {
        match control_calls::next(device, last) {
            // A driver that does not go on would be asked for ever.
            Ok(control) if control.id > last => {
                last = control.id;
                found.push(control);
            }
            Ok(_) => break,
            Err(error) => {
                tracing::debug!("controls end after {last:#x}: {error}");
                break;
            }
        }
    }
    found
}

fn readable(device: &Device, raw: &RawControl) -> Option<Known> {
    if raw.flags & (DISABLED | WRITE_ONLY) != 0 || raw.name.is_empty() {
        return None;
    }
    let kind = match raw.kind {
        BOOLEAN => ControlKind::Switch,
        INTEGER | INTEGER64 if raw.min < raw.max => {
            let step = i64::try_from(raw.step).unwrap_or(1).max(1);
            ControlKind::Number { min: raw.min, max: raw.max, step }
        }
        MENU | INTEGER_MENU => {
            let items = menu(device, raw);
            if items.is_empty() {
                return None;
            }
            ControlKind::Menu(items)
        }
        _ => return None,
    };
    let access = match raw.flags {
        flags if flags & READ_ONLY != 0 => ControlAccess::ReadOnly,
        flags if flags & GRABBED != 0 => ControlAccess::Grabbed,
        flags if flags & INACTIVE != 0 => ControlAccess::Automatic,
        _ => ControlAccess::Free,
    };
    let group = if LIGHT.contains(&raw.id) {
        ControlGroup::Light
    } else if PICTURE.contains(&raw.id) {
        ControlGroup::Picture
    } else {
        ControlGroup::Other
    };
    let mut control = CameraControl {
        id: raw.id,
        name: raw.name.clone(),
        group,
        kind,
        default: raw.default,
        value: raw.default,
        access,
    };
    control.default = control.nearest(raw.default);
    let is_wide = raw.kind == INTEGER64;
    control.value = control_calls::get(device, raw.id, is_wide)
        .inspect_err(|error| tracing::debug!("{} cannot be read: {error}", control.name))
        .ok()?;
    Some(Known { control, is_wide })
}

/// The entries that there are: menus have gaps.
fn menu(device: &Device, raw: &RawControl) -> Vec<(i64, String)> {
    let first = raw.min.max(0);
    let last = raw.max.min(first + MOST_ITEMS - 1);
    let item = |index: i64| {
        let item = control_calls::menu_item(device, raw.id, u32::try_from(index).ok()?).ok()?;
        let name = if raw.kind == INTEGER_MENU { item.number.to_string() } else { item.name };
        (!name.is_empty()).then_some((index, name))
    };
    (first..=last).filter_map(item).collect()
}
