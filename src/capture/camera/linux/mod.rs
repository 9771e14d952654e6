//! Cameras on Linux, asked through the `v4l` crate.

pub mod devices;
mod mapped;
pub mod prepare;
pub mod stream;
