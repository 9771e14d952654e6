//! The controls of the camera that is watched: set at once, and remembered for every camera of that name.

use super::App;
use crate::capture::{ControlSetting, put_control_setting};
use crate::pipeline::Command;

impl App {
    /// Sets one control.
    pub(super) fn set_camera_control(&mut self, setting: ControlSetting) {
        let source = &mut self.session.source;
        let Some(camera) = source.camera().map(str::to_owned) else { return };
        // Shown as wished until the camera tells what it made of it.
        let known = source.controls.iter_mut().flatten().find(|control| control.id == setting.id);
        if let Some(control) = known {
            control.value = setting.value;
        }
        put_control_setting(self.settings.camera_controls.entry(camera).or_default(), setting);
        self.send(Command::SetCameraControl(setting));
    }

    /// Sets all to their defaults and forgets what was set.
    pub(super) fn reset_camera_controls(&mut self) {
        let Some(camera) = self.session.source.camera().map(str::to_owned) else { return };
        self.settings.camera_controls.remove(&camera);
        self.send(Command::ResetCameraControls);
    }
}
