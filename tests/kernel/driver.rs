//! The kernel's test driver: loaded with parameters, told to fail by its controls, unplugged by unbinding it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use v4l::control::{Control, Value};

/// Where the guest has the driver; set nowhere else.
const MODULE: &str = "QUANTSCOPE_TEST_DRIVER";
/// The kernel's own device behind the cameras of the driver.
const BUS: &str = "/sys/bus/platform/drivers/vivid";
/// Device files come and go a moment after what causes it.
const MOMENT: Duration = Duration::from_secs(2);

/// The driver while it is loaded.
pub struct Driver;

impl Driver {
    /// Loads it with these parameters, without the state of an earlier test. None outside of the guest.
    pub fn load(parameters: &str) -> Option<Self> {
        let module = std::env::var_os(MODULE)?;
        if Path::new(BUS).exists() {
            // A test that failed has left it.
            unload();
        }
        let output = Command::new("insmod").arg(module).args(parameters.split_whitespace()).output().unwrap();
        assert!(output.status.success(), "{parameters}: {}", String::from_utf8_lossy(&output.stderr));
        Some(Self)
    }

    /// Takes it out again, which works only when nothing holds a camera of it.
    pub fn unload(self) {
        unload();
    }
}

fn unload() {
    let mut said = String::new();
    let done = within(MOMENT, || {
        let output = Command::new("rmmod").arg("vivid").output().unwrap();
        said = String::from_utf8_lossy(&output.stderr).into_owned();
        output.status.success()
    });
    assert!(done, "a camera is still held: {said}");
}

/// Whether the guest's processor is emulated, so that times of computing say nothing.
pub fn is_emulated() -> bool {
    std::env::var_os("QUANTSCOPE_TEST_EMULATED").is_some()
}

/// Sets a control of the first camera, or presses it, as another program would.
pub fn set(control: u32, value: i64) {
    let device = v4l::Device::new(0).unwrap();
    device.set_control(Control { id: control, value: Value::Integer(value) }).unwrap();
}

/// The cameras go away as if their cable was pulled.
pub fn unplug() {
    fs::write(format!("{BUS}/unbind"), "vivid.0").unwrap();
    assert!(within(MOMENT, || !Path::new("/dev/video0").exists()));
}

/// They come back.
pub fn plug_in() {
    fs::write(format!("{BUS}/bind"), "vivid.0").unwrap();
}

fn within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !holds() {
        if started.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}
