//! Choosing, among what a camera offers, what is nearest to what was asked.

use super::devices::CameraFormat;
use super::pixels::PixelFormat;
use crate::capture::SourceOptions;
use crate::imaging::ImageSize;

/// What is taken when nothing is asked: enough for every detector, and cheap to decode.
const DEFAULT_SIZE: ImageSize = ImageSize::new(1280, 720);
/// Below this, motion is seen to jerk.
const DEFAULT_RATE: f64 = 30.0;

/// One entry of a camera's list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// Pixel format.
    pub pixels: PixelFormat,
    /// Size.
    pub size: ImageSize,
    /// Frames a second; need not be whole.
    pub rate: f64,
}

impl Choice {
    /// Whether the time between two frames is one second over a whole number: nokhwa knows no other rates.
    pub fn has_whole_rate(&self) -> bool {
        is_whole(self.rate)
    }

    /// Seconds from one frame to the next as numerator and denominator, such as 1001 and 30000. The smallest numbers that
    /// give the rate.
    pub fn interval(&self) -> (u32, u32) {
        // Rates in the wild are N, N/2, and N·1000/1001.
        let fits = |numerator: &u32| {
            let denominator = (self.rate * f64::from(*numerator)).round();
            (denominator / f64::from(*numerator) - self.rate).abs() < 1e-9 * self.rate
        };
        let numerator = (1..=1001).find(fits).unwrap_or(1000);
        (numerator, ((self.rate * f64::from(numerator)).round() as u32).max(1))
    }
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rate = format!("{:.2}", self.rate);
        let rate = rate.trim_end_matches('0').trim_end_matches('.');
        write!(f, "{} {} at {rate} fps", self.pixels, self.size)
    }
}

fn is_whole(rate: f64) -> bool {
    rate >= 1.0 && rate.fract() == 0.0
}

/// The entry nearest to what was asked: first the pixel format, then the size, then the rate. What was not asked is
/// free: then 1280x720, else 640x480, at 30 fps or more. None when the camera offers nothing that can be decoded, or
/// (`for_nokhwa`) nothing that nokhwa knows.
pub fn choose(offered: &[CameraFormat], options: &SourceOptions, for_nokhwa: bool) -> Option<Choice> {
    let candidates = offered.iter().flat_map(|format| {
        let pixels = PixelFormat::from_fourcc(&format.format).filter(|pixels| !for_nokhwa || pixels.nokhwa_knows());
        // A driver that does not tell its rates most often has just one; which, shows when it is opened.
        let rates = if format.rates.is_empty() { &[DEFAULT_RATE][..] } else { &format.rates };
        let usable = rates.iter().filter(move |rate| **rate > 0.0 && (!for_nokhwa || is_whole(**rate)));
        usable.filter_map(move |&rate| Some(Choice { pixels: pixels?, size: format.size, rate }))
    });
    candidates.min_by(|a, b| f64::total_cmp(&cost(a, options), &cost(b, options)))
}

/// How far a choice is from what was asked. The weights only rank: a wish weighs more than any preference of ours.
fn cost(choice: &Choice, options: &SourceOptions) -> f64 {
    let format = match &options.camera_format {
        Some(wanted) if PixelFormat::from_fourcc(wanted) == Some(choice.pixels) => 0.0,
        // In the place of what is not on offer comes what would come without a wish.
        Some(_) => 1_000.0 + choice.pixels.reluctance(),
        None => choice.pixels.reluctance(),
    };
    let size = match options.camera_size {
        Some(wanted) => 50.0 * distance(choice.size, wanted),
        None => distance(choice.size, DEFAULT_SIZE),
    };
    let rate = choice.rate;
    let rate = match options.camera_rate {
        Some(wanted) if wanted > 0.0 => 10.0 * (rate / wanted).ln().abs(),
        // Faster than needed costs a little, slower much.
        _ if rate >= DEFAULT_RATE => 0.02 * (rate / DEFAULT_RATE).ln(),
        _ => 3.0 * (DEFAULT_RATE / rate).ln(),
    };
    format + size + rate
}

/// 0 for the same size; doubling a side adds 0.7.
fn distance(a: ImageSize, b: ImageSize) -> f64 {
    let side = |a: u32, b: u32| (f64::from(a.max(1)) / f64::from(b.max(1))).ln().abs();
    side(a.width, b.width) + side(a.height, b.height)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(list: &[(&str, u32, u32, &[f64])]) -> Vec<CameraFormat> {
        let format = |&(format, width, height, rates): &(&str, u32, u32, &[f64])| CameraFormat {
            format: format.to_owned(),
            size: ImageSize::new(width, height),
            rates: rates.to_vec(),
        };
        list.iter().map(format).collect()
    }

    fn webcam() -> Vec<CameraFormat> {
        offered(&[
            ("YUYV", 640, 480, &[30.0, 15.0]),
            ("YUYV", 1280, 720, &[10.0, 7.5]),
            ("MJPG", 640, 480, &[60.0, 30.0]),
            ("MJPG", 1280, 720, &[30.0]),
            ("MJPG", 1920, 1080, &[30.0]),
            ("H264", 1280, 720, &[60.0]),
        ])
    }

    fn chosen(offered: &[CameraFormat], options: &SourceOptions) -> String {
        choose(offered, options, false).map_or("nothing".to_owned(), |choice| choice.to_string())
    }

    #[test]
    fn without_a_wish_a_good_picture_at_a_good_rate_is_taken() {
        let anything = SourceOptions::default();
        assert_eq!(chosen(&webcam(), &anything), "MJPG 1280x720 at 30 fps");
        assert_eq!(chosen(&webcam()[..2], &anything), "YUYV 640x480 at 30 fps", "10 fps is too slow");
        assert_eq!(chosen(&offered(&[("H264", 640, 480, &[30.0])]), &anything), "nothing");
        let slow = offered(&[("YUYV", 640, 480, &[7.5])]);
        assert_eq!(chosen(&slow, &anything), "YUYV 640x480 at 7.5 fps");
        assert_eq!(choose(&slow, &anything, true), None, "nokhwa knows whole rates only");
        assert_eq!(chosen(&offered(&[("YUYV", 640, 480, &[])]), &anything), "YUYV 640x480 at 30 fps");
    }

    #[test]
    fn a_wish_is_met_as_nearly_as_the_list_allows() {
        let size = |width, height| Some(ImageSize::new(width, height));
        let table = [
            (SourceOptions { camera_size: size(640, 360), ..Default::default() }, "YUYV 640x480 at 30 fps"),
            (SourceOptions { camera_size: size(3840, 2160), ..Default::default() }, "MJPG 1920x1080 at 30 fps"),
            (SourceOptions { camera_rate: Some(60.0), ..Default::default() }, "MJPG 640x480 at 60 fps"),
            (SourceOptions { camera_format: Some("yuyv".into()), ..Default::default() }, "YUYV 640x480 at 30 fps"),
            (
                SourceOptions {
                    camera_format: Some("YUYV".into()),
                    camera_size: size(1280, 720),
                    camera_rate: Some(30.0),
                    ..Default::default()
                },
                "YUYV 1280x720 at 10 fps",
            ),
            (SourceOptions { camera_format: Some("NV12".into()), ..Default::default() }, "MJPG 1280x720 at 30 fps"),
        ];
        for (options, expected) in table {
            assert_eq!(chosen(&webcam(), &options), expected, "{options:?}");
        }
    }

    #[test]
    fn in_the_place_of_a_format_that_is_not_on_offer_comes_the_best_one_and_not_the_first() {
        let grey_first =
            offered(&[("GREY", 640, 480, &[30.0]), ("RGB3", 640, 480, &[30.0]), ("YUYV", 640, 480, &[30.0])]);
        let wish = SourceOptions { camera_format: Some("MJPG".into()), ..Default::default() };
        assert_eq!(chosen(&grey_first, &wish), "YUYV 640x480 at 30 fps");
    }

    #[test]
    fn a_rate_gives_the_smallest_interval_in_whole_numbers() {
        let table = [(30.0, (1, 30)), (7.5, (2, 15)), (30_000.0 / 1001.0, (1001, 30_000)), (0.2, (5, 1))];
        for (rate, interval) in table {
            let choice = Choice { pixels: PixelFormat::Yuyv, size: ImageSize::new(2, 2), rate };
            assert_eq!(choice.interval(), interval, "{rate}");
        }
    }
}
