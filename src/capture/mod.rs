//! Where frames come from. One trait, [`FrameSource`]; one file a kind of source; [`open()`] chooses.
//!
//! A source is a plain object: no thread of it outlives it (with one exception, a camera stuck in its driver) and it
//! knows nothing of models or windows. The pipeline gives it a thread of its own.

mod camera;
mod clock;
mod demo;
mod error;
mod frame_pool;
mod open;
mod pictures;
mod source;
mod spec;
mod video;

pub use camera::{
    CameraControl, CameraFormat, CameraInfo, ControlAccess, ControlGroup, ControlKind, ControlMemory, ControlSetting,
    FrameDecoder, FrameLayout, PixelFormat, count_cameras, list_cameras, put_control_setting,
};
pub use error::CaptureError;
pub use open::open;
pub use pictures::read_picture;
pub use source::{
    CameraBackend, CameraLosses, CapturedFrame, FrameSource, Next, Pace, SourceInfo, SourceKind, SourceOptions,
};
pub use spec::SourceSpec;
pub use video::program::{Input, NoAnswer, ProgramError, Programs, RunningProgram, answer_of};
