//! Which cameras there are and what they offer.

use crate::imaging::ImageSize;
use serde::Serialize;

#[cfg(target_os = "linux")]
pub use super::linux::devices::{count_cameras, list_cameras};
#[cfg(not(target_os = "linux"))]
pub use super::portable::list::{count_cameras, list_cameras};

/// A camera and what it offers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CameraInfo {
    /// The N of `camera:N`; on Linux also of `/dev/videoN`.
    pub number: u32,
    /// As the driver calls it.
    pub name: String,
    /// What it offers, in the driver's order.
    pub formats: Vec<CameraFormat>,
    /// Why its formats are not known, where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// One pixel format at one size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CameraFormat {
    /// The pixel format by its four characters, such as `YUYV` or `MJPG`.
    pub format: String,
    /// The size.
    #[serde(flatten)]
    pub size: ImageSize,
    /// Frames a second, fastest first. Empty where the driver does not tell.
    pub rates: Vec<f64>,
}
