//! `quantscope cameras`: which cameras there are and what they offer.

use super::output::{OutputFormat, print};
use crate::capture::{CameraFormat, CameraInfo, list_cameras};
use serde::Serialize;

/// Lists the cameras and their formats.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Writes the list to standard output: a table, or `{"cameras": […]}`. No camera is no failure.
///
/// # Errors
///
/// When standard output cannot be written.
pub fn run(_args: &Args, format: OutputFormat) -> anyhow::Result<()> {
    let cameras = list_cameras();
    match format {
        OutputFormat::Json => print(&(json(&cameras)? + "\n")),
        OutputFormat::Text if cameras.is_empty() => print(
            "No camera found. Plug one in; if it is in already, see which devices the system knows:\n  ls -l /dev/video*\n",
        ),
        OutputFormat::Text => print(&table(&cameras)),
    }
}

#[derive(Serialize)]
struct Listing<'a> {
    cameras: &'a [CameraInfo],
}

fn json(cameras: &[CameraInfo]) -> serde_json::Result<String> {
    serde_json::to_string(&Listing { cameras })
}

/// A camera a block, a format a line.
fn table(cameras: &[CameraInfo]) -> String {
    let mut text = String::new();
    for camera in cameras {
        text += &format!("camera:{}  {}\n", camera.number, camera.name);
        if let Some(problem) = &camera.problem {
            text += &format!("  {problem}\n");
        }
        for format in &camera.formats {
            text += &format!("  {:<5} {:>9}  {}\n", format.format, format.size.to_string(), rates(format));
        }
    }
    text
}

fn rates(format: &CameraFormat) -> String {
    if format.rates.is_empty() {
        return "rate unknown".to_owned();
    }
    let short = |rate: &f64| format!("{rate:.2}").trim_end_matches('0').trim_end_matches('.').to_owned();
    format!("{} fps", format.rates.iter().map(short).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::ImageSize;

    fn cameras() -> Vec<CameraInfo> {
        let format = |name: &str, width, height, rates: &[f64]| CameraFormat {
            format: name.to_owned(),
            size: ImageSize::new(width, height),
            rates: rates.to_vec(),
        };
        vec![CameraInfo {
            number: 2,
            name: "Webcam".to_owned(),
            formats: vec![format("YUYV", 640, 480, &[30.0, 7.5]), format("MJPG", 1920, 1080, &[])],
            problem: None,
        }]
    }

    #[test]
    fn the_table_has_a_line_a_format() {
        let expected = "camera:2  Webcam\n  YUYV    640x480  30, 7.5 fps\n  MJPG  1920x1080  rate unknown\n";
        assert_eq!(table(&cameras()), expected);
    }

    #[test]
    fn the_json_is_a_list_even_when_empty() {
        assert_eq!(json(&[]).unwrap(), r#"{"cameras":[]}"#);
        let expected = concat!(
            r#"{"cameras":[{"number":2,"name":"Webcam","formats":["#,
            r#"{"format":"YUYV","width":640,"height":480,"rates":[30.0,7.5]},"#,
            r#"{"format":"MJPG","width":1920,"height":1080,"rates":[]}]}]}"#
        );
        assert_eq!(json(&cameras()).unwrap(), expected);
    }
}
