//! One picture file → RGB.

use crate::capture::CaptureError;
use crate::imaging::{ImageSize, RgbImage};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use std::fs::File;
use std::io::Read;
use std::panic::catch_unwind;
use std::path::Path;

/// File name endings of pictures, in lower case.
pub const EXTENSIONS: [&str; 6] = ["jpg", "jpeg", "png", "bmp", "webp", "gif"];

/// More pixels than this are refused: 100 megapixels are 300 MB as RGB.
const MAX_MEGAPIXELS: u32 = 100;
/// What a decoder may allocate: the largest picture with four 16-bit channels.
const MAX_DECODER_BYTES: u64 = MAX_MEGAPIXELS as u64 * 1_000_000 * 8;
/// Transparent parts are laid over this grey (sRGB, 0…255).
const BACKDROP: u16 = 128;

/// Whether `path` is a picture: by its first bytes, else by its ending.
///
/// # Errors
///
/// When the file cannot be read.
pub fn is_picture(path: &Path) -> Result<bool, CaptureError> {
    let mut magic = Vec::with_capacity(32);
    File::open(path)
        .and_then(|file| file.take(32).read_to_end(&mut magic))
        .map_err(|error| CaptureError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
    Ok(recognised(&magic).is_some() || has_picture_extension(path))
}

/// Whether the name ends like that of a picture.
pub fn has_picture_extension(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str()))
}

/// Reads a picture as 8-bit RGB, turned upright as its EXIF orientation says. Of an animation the first picture.
///
/// Transparent parts are blended over mid grey; 16-bit channels are scaled to 8.
///
/// # Errors
///
/// When the file cannot be read, is no picture, is damaged, or has more than 100 megapixels.
pub fn read_picture(path: &Path) -> Result<RgbImage, CaptureError> {
    let broken = |reason: String| CaptureError::BrokenPicture { path: path.to_owned(), reason };
    let unreadable =
        |error: std::io::Error| CaptureError::Unreadable { path: path.to_owned(), reason: error.to_string() };
    let mut reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(unreadable)?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);
    let is_jpeg = reader.format() == Some(ImageFormat::Jpeg);
    let mut decoder = reader.into_decoder().map_err(|error| broken(error.to_string()))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > u64::from(MAX_MEGAPIXELS) * 1_000_000 {
        let size = ImageSize::new(width, height);
        return Err(CaptureError::PictureTooLarge { path: path.to_owned(), size, limit_megapixels: MAX_MEGAPIXELS });
    }
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let decoded = if is_jpeg { jpeg_pixels(path) } else { None };
    let mut picture = match decoded {
        Some(pixels) => DynamicImage::ImageRgb8(pixels),
        None => DynamicImage::from_decoder(decoder).map_err(|error| broken(error.to_string()))?,
    };
    picture.apply_orientation(orientation);
    Ok(if picture.color().has_alpha() { over_backdrop(&picture) } else { picture.into_rgb8() })
}

/// The pixels as libjpeg decodes them, which are to the bit those that OpenCV, Pillow and so every reference evaluation
/// see; other decoders are off by one level here and there, and small detectors notice. None for what libjpeg does not
/// take as it is (CMYK, damage): the other decoder then decides, or says what is wrong.
fn jpeg_pixels(path: &Path) -> Option<RgbImage> {
    let bytes = std::fs::read(path).ok()?;
    // libjpeg's way out of an error is an unwinding.
    catch_unwind(|| {
        let mut started = mozjpeg::Decompress::new_mem(&bytes).ok()?.rgb().ok()?;
        let (width, height) = (u32::try_from(started.width()).ok()?, u32::try_from(started.height()).ok()?);
        let pixels = started.read_scanlines::<u8>().ok()?;
        started.finish().ok()?;
        RgbImage::from_raw(width, height, pixels)
    })
    .ok()
    .flatten()
}

fn recognised(magic: &[u8]) -> Option<ImageFormat> {
    let format = image::guess_format(magic).ok()?;
    format.reading_enabled().then_some(format)
}

fn over_backdrop(picture: &DynamicImage) -> RgbImage {
    let rgba = picture.to_rgba8();
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (target, source) in rgb.pixels_mut().zip(rgba.pixels()) {
        let [r, g, b, alpha] = source.0.map(u16::from);
        // (c * a + k * (255 - a)) / 255 fits in 16 bits and cannot exceed 255.
        target.0 = [r, g, b].map(|channel| ((channel * alpha + BACKDROP * (255 - alpha) + 127) / 255) as u8);
    }
    rgb
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, Rgba, RgbaImage};

    #[test]
    fn transparent_parts_become_grey() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let colors = [Rgba([200, 10, 0, 255]), Rgba([200, 10, 0, 0]), Rgba([255, 255, 255, 128])];
        RgbaImage::from_fn(3, 1, |x, _| colors[x as usize]).save(&path).unwrap();
        let got = read_picture(&path).unwrap();
        assert_eq!(got.get_pixel(0, 0), &Rgb([200, 10, 0]));
        assert_eq!(got.get_pixel(1, 0), &Rgb([128, 128, 128]));
        assert_eq!(got.get_pixel(2, 0), &Rgb([192, 192, 192]));
    }

    #[test]
    fn the_content_decides_before_the_ending() {
        let folder = tempfile::tempdir().unwrap();
        let png = folder.path().join("really a picture.mp4");
        RgbImage::new(2, 2).save_with_format(&png, ImageFormat::Png).unwrap();
        assert!(is_picture(&png).unwrap());
        assert_eq!(read_picture(&png).unwrap().dimensions(), (2, 2));
        let text = folder.path().join("text.JPG");
        std::fs::write(&text, "not a picture").unwrap();
        assert!(is_picture(&text).unwrap(), "by its ending, so that the error speaks of pictures");
        let error = read_picture(&text).unwrap_err().to_string();
        assert!(error.contains("text.JPG: not a picture that can be read"), "{error}");
        let video = folder.path().join("empty.mp4");
        std::fs::write(&video, "").unwrap();
        assert!(!is_picture(&video).unwrap());
    }

    #[test]
    fn a_picture_beyond_the_limit_is_refused_before_it_is_decoded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.bmp");
        // A header that announces 20000x20000 pixels of 24 bits and nothing behind it.
        let mut header = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        header.extend(20_000u32.to_le_bytes());
        header.extend(20_000u32.to_le_bytes());
        header.extend([1, 0, 24, 0]);
        header.extend([0; 24]);
        std::fs::write(&path, header).unwrap();
        let error = read_picture(&path).unwrap_err();
        assert!(matches!(error, CaptureError::PictureTooLarge { .. }), "{error}");
        assert!(error.to_string().contains("20000x20000 is more than the 100 megapixels"), "{error}");
    }

    #[test]
    fn exif_orientation_turns_the_picture_upright() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("turned.jpg");
        let mut jpeg = Vec::new();
        // Left half red, right half blue, lying on its side: orientation 6 means "turn clockwise by 90°".
        let lying = RgbImage::from_fn(32, 16, |x, _| if x < 16 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) });
        lying.write_to(&mut std::io::Cursor::new(&mut jpeg), ImageFormat::Jpeg).unwrap();
        let tiff = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let mut with_exif = vec![0xff, 0xd8, 0xff, 0xe1];
        with_exif.extend((tiff.len() as u16 + 2).to_be_bytes());
        with_exif.extend(tiff);
        with_exif.extend(&jpeg[2..]);
        std::fs::write(&path, with_exif).unwrap();
        let upright = read_picture(&path).unwrap();
        assert_eq!(upright.dimensions(), (16, 32));
        assert!(upright.get_pixel(8, 4).0[0] > 200, "red on top: {:?}", upright.get_pixel(8, 4));
        assert!(upright.get_pixel(8, 28).0[2] > 200, "blue below: {:?}", upright.get_pixel(8, 28));
    }
}
