//! The demo scene as a source.

use super::{CaptureError, FrameSource, Next, SourceInfo, SourceKind, SourceOptions};
use std::time::Duration;

/// The demo scene.
pub struct DemoScene {
    info: SourceInfo,
}

impl DemoScene {
    /// The scene that `options` ask for.
    pub fn new(_options: &SourceOptions) -> Self {
        let info = SourceInfo {
            title: "Demo scene".to_owned(),
            kind: SourceKind::Demo,
            size: None,
            frame_rate: None,
            duration: None,
            picture_count: None,
            detail: String::new(),
        };
        Self { info }
    }
}

impl FrameSource for DemoScene {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, _wait: Duration) -> Result<Next, CaptureError> {
        Ok(Next::End)
    }
}
