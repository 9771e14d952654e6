//! `quantscope cameras`: which cameras there are and what they offer, and how one of them does.

mod probe;

use super::arguments::Global;
use super::output::{OutputFormat, print};
use super::start::UsageError;
use crate::capture::{CameraFormat, CameraInfo, list_cameras};
use serde::Serialize;

/// Seconds that a camera is read for, unless told otherwise.
const PROBE_SECONDS: f64 = 5.0;

/// Lists the cameras and their formats.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read camera N for so many seconds [default: 5] and say what came of it: mode, rate, times, losses
    #[arg(long, num_args = 1..=2, value_names = ["N", "SECONDS"])]
    probe: Option<Vec<String>>,
}

/// Writes the list to standard output: a table, or `{"cameras": […]}`; with `--probe` the figures of one camera. No
/// camera is no failure, unless it is to be probed.
///
/// # Errors
///
/// When standard output cannot be written; when the camera to be probed gives no picture.
pub(super) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    if let Some(values) = &args.probe {
        let (number, seconds) = probed(values)?;
        let probe = probe::probe(number, seconds, global.camera_backend)?;
        return match global.format {
            OutputFormat::Json => print(&(serde_json::to_string(&probe)? + "\n")),
            OutputFormat::Text => print(&probe.to_string()),
        };
    }
    let cameras = list_cameras();
    match global.format {
        OutputFormat::Json => print(&(json(&cameras)? + "\n")),
        OutputFormat::Text if cameras.is_empty() => print(
            "No camera found. Plug one in; if it is in already, see which devices the system knows:\n  ls -l /dev/video*\n",
        ),
        OutputFormat::Text => print(&table(&cameras)),
    }
}

/// Number and seconds.
fn probed(values: &[String]) -> anyhow::Result<(u32, f64)> {
    let number = values.first().map(|text| text.strip_prefix("camera:").unwrap_or(text).parse());
    let Some(Ok(number)) = number else {
        return Err(UsageError::because("--probe takes the number of a camera, such as 0"));
    };
    let seconds = values.get(1).map_or(Ok(PROBE_SECONDS), |text| text.parse::<f64>());
    match seconds {
        Ok(seconds) if (0.1..=86_400.0).contains(&seconds) => Ok((number, seconds)),
        _ => Err(UsageError::because("--probe takes from 0.1 to 86400 seconds")),
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
    fn a_camera_to_be_probed_is_named_by_its_number() {
        let read = |values: &[&str]| {
            probed(&values.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).map_err(|error| error.to_string())
        };
        assert_eq!(read(&["3"]), Ok((3, PROBE_SECONDS)));
        assert_eq!(read(&["camera:0", "0.5"]), Ok((0, 0.5)));
        for wrong in [&["-1"][..], &["webcam"], &["0", "0"], &["0", "soon"], &["0", "inf"]] {
            assert!(read(wrong).is_err_and(|error| error.contains("--probe takes")), "{wrong:?}");
        }
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
