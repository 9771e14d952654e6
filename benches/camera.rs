//! Decoding a camera's frames of 1280x720 on one thread, beside nokhwa's own decoding of the same bytes.
//!
//! nokhwa's YUYV is part of this program's nokhwa. Its JPEG decoder (mozjpeg) is not: it belongs to a feature that is left
//! out. `make bench` builds it by itself (benches/nokhwa) and names the program in QUANTSCOPE_NOKHWA_JPEG.

use divan::black_box;
use quantscope::capture::{FrameDecoder, FrameLayout, PixelFormat};
use quantscope::imaging::{ImageSize, RgbImage};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SIZE: ImageSize = ImageSize::new(1280, 720);
/// Milliseconds that are aimed at.
const YUYV_GOAL: f64 = 0.3;
const MJPEG_GOAL: f64 = 3.5;

fn main() {
    let picture = picture();
    println!("camera decoding, {SIZE}, one thread, median of 300");
    let yuyv = yuyv_of(&picture);
    let (theirs, _) = median_and_best(60, || drop(nokhwa::utils::yuyv422_to_rgb(black_box(&yuyv), false)));
    report("YUYV", ours(PixelFormat::Yuyv, &yuyv), YUYV_GOAL, Some(theirs));
    let jpeg = jpeg_of(&picture);
    println!("  a JPEG of {} kB", jpeg.len() / 1000);
    report("MJPEG", ours(PixelFormat::Mjpg, &jpeg), MJPEG_GOAL, nokhwa_jpeg(&jpeg));
}

fn report(format: &str, (ours, best): (f64, f64), goal: f64, theirs: Option<f64>) {
    let verdict = if ours < goal { "reached" } else { "missed" };
    let theirs = theirs.map_or_else(
        || "nokhwa's is not built here (make bench builds it)".to_owned(),
        |theirs| format!("nokhwa {theirs:.2} ms, {:.1} times as long", theirs / ours),
    );
    println!("  {format:<6} {ours:.3} ms, best {best:.3} ms (goal {goal} ms {verdict}); {theirs}");
}

fn ours(pixels: PixelFormat, bytes: &[u8]) -> (f64, f64) {
    let mut decoder = FrameDecoder::new(FrameLayout { pixels, size: SIZE, stride: 0 });
    let mut rgb = RgbImage::new(SIZE.width, SIZE.height);
    decoder.decode(bytes, &mut rgb).expect("the bench's own frame");
    median_and_best(300, || decoder.decode(black_box(bytes), &mut rgb).expect("decoded before"))
}

/// Milliseconds. On a machine that does nothing else the two are nearly the same.
fn median_and_best(runs: usize, mut run: impl FnMut()) -> (f64, f64) {
    let mut times: Vec<Duration> = (0..runs + runs / 10)
        .map(|_| {
            let started = Instant::now();
            run();
            started.elapsed()
        })
        .skip(runs / 10)
        .collect();
    times.sort_unstable();
    let ms = |index: usize| times[index].as_secs_f64() * 1e3;
    (ms(times.len() / 2), ms(0))
}

/// What the separate program says; none where there is none.
fn nokhwa_jpeg(jpeg: &[u8]) -> Option<f64> {
    let program = std::env::var_os("QUANTSCOPE_NOKHWA_JPEG")?;
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    child.stdin.take()?.write_all(jpeg).ok()?;
    let output = child.wait_with_output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// Soft shapes and fine texture, as in a room: a JPEG of it has about the size that a webcam sends.
fn picture() -> RgbImage {
    RgbImage::from_fn(SIZE.width, SIZE.height, |x, y| {
        let soft =
            |scale: f32, phase: f32| ((x as f32 / scale + phase).sin() + (y as f32 / scale - phase).cos()) * 50.0;
        let grain = ((x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) >> 7 & 7) as f32;
        [soft(90.0, 0.0), soft(37.0, 1.0), soft(140.0, 2.0)].map(|value| (128.0 + value + grain) as u8).into()
    })
}

fn yuyv_of(picture: &RgbImage) -> Vec<u8> {
    let bytes = picture.as_raw().chunks_exact(6);
    bytes.flat_map(|two| [two[1], two[2].wrapping_add(40), two[4], two[0].wrapping_sub(40)]).collect()
}

fn jpeg_of(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 85);
    encoder.encode_image(picture).expect("a picture can be encoded");
    bytes
}
