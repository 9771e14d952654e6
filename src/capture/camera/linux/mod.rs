//! Cameras on Linux, asked through the `v4l` crate.

mod control_calls;
pub mod controls;
pub mod devices;
mod mapped;
pub mod prepare;
pub mod stream;
