//! A camera's bytes → RGB.

use super::jpeg_tables::with_huffman_tables;
#[cfg(target_arch = "x86_64")]
use super::packed_yuv::{self, Order};
use crate::imaging::{ImageSize, RgbImage};
use std::panic::{AssertUnwindSafe, catch_unwind};
use yuv::{YuvBiPlanarImage, YuvConversionMode, YuvPackedImage, YuvRange, YuvStandardMatrix};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The pixel formats that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// Packed 4:2:2, two bytes a pixel: `Y0 U Y1 V`.
    Yuyv,
    /// The same with the colours first: `U Y0 V Y1`.
    Uyvy,
    /// A plane of Y, then a plane of U and V at half the size, 12 bits a pixel.
    Nv12,
    /// A JPEG a frame.
    Mjpg,
    /// Three bytes a pixel, red first.
    Rgb,
    /// Three bytes a pixel, blue first.
    Bgr,
    /// One byte a pixel.
    Gray,
}

/// Marks the end of a JPEG; inside of one the second byte would be 0.
const END_OF_JPEG: [u8; 2] = [0xff, 0xd9];

/// Format, size and distance between the rows of a camera's frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameLayout {
    /// Pixel format.
    pub pixels: PixelFormat,
    /// Size.
    pub size: ImageSize,
    /// Bytes from one row to the next as the driver tells; 0 when it does not. Of no meaning for JPEG.
    pub stride: u32,
}

impl PixelFormat {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Yuyv, Self::Uyvy, Self::Nv12, Self::Mjpg, Self::Rgb, Self::Bgr, Self::Gray];

    /// V4L2's four characters.
    pub const fn fourcc(self) -> &'static str {
        match self {
            Self::Yuyv => "YUYV",
            Self::Uyvy => "UYVY",
            Self::Nv12 => "NV12",
            Self::Mjpg => "MJPG",
            Self::Rgb => "RGB3",
            Self::Bgr => "BGR3",
            Self::Gray => "GREY",
        }
    }

    /// From V4L2's four characters, in any case. None for what cannot be decoded.
    pub fn from_fourcc(text: &str) -> Option<Self> {
        let text = text.trim();
        let named = Self::ALL.into_iter().find(|format| format.fourcc().eq_ignore_ascii_case(text));
        named.or_else(|| text.eq_ignore_ascii_case("GRAY").then_some(Self::Gray))
    }

    /// Whether nokhwa passes it on. Grey pictures it knows on some systems only, and by another name on Linux.
    pub const fn nokhwa_knows(self) -> bool {
        match self {
            Self::Uyvy => false,
            Self::Gray => cfg!(not(target_os = "linux")),
            Self::Yuyv | Self::Nv12 | Self::Mjpg | Self::Rgb | Self::Bgr => true,
        }
    }

    /// How much less it is liked than YUYV when nothing is asked; halving the side of the picture counts 1.4.
    pub const fn reluctance(self) -> f64 {
        match self {
            Self::Yuyv => 0.0,
            Self::Uyvy => 0.01,
            Self::Nv12 => 0.05,
            Self::Mjpg => 0.1,
            Self::Rgb | Self::Bgr => 0.2,
            Self::Gray => 3.0,
        }
    }

    const fn bytes_a_row(self, width: u32) -> u32 {
        match self {
            Self::Yuyv | Self::Uyvy => width.div_ceil(2) * 4,
            Self::Nv12 | Self::Gray => width,
            Self::Rgb | Self::Bgr => width * 3,
            Self::Mjpg => 0,
        }
    }
}

impl std::fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.fourcc())
    }
}

/// Decodes the frames of one stream.
#[derive(Debug)]
pub struct FrameDecoder {
    layout: FrameLayout,
    /// Whether this camera ends its JPEGs as the standard wants it. If it does, one without an end was cut off.
    marks_the_end: bool,
}

impl FrameDecoder {
    /// A decoder for frames of that layout.
    pub fn new(layout: FrameLayout) -> Self {
        Self { layout, marks_the_end: false }
    }

    /// As `decode`; a JPEG that was cut off is an error too.
    ///
    /// # Errors
    ///
    /// A sentence's end.
    pub fn decode(&mut self, bytes: &[u8], rgb: &mut RgbImage) -> Result<(), String> {
        if self.layout.pixels == PixelFormat::Mjpg {
            let has_end = bytes.windows(2).rev().any(|pair| pair == END_OF_JPEG);
            self.marks_the_end |= has_end;
            if self.marks_the_end && !has_end {
                return Err("they are cut off".to_owned());
            }
        }
        decode(&self.layout, bytes, rgb)
    }
}

/// Decodes one frame into `rgb`, which has the size of `layout`. YUV is taken as BT.601 of limited range, which is
/// what USB cameras send.
///
/// # Errors
///
/// A sentence's end, when the bytes are too few, no JPEG, or a JPEG of another size. The picture is then undefined.
fn decode(layout: &FrameLayout, bytes: &[u8], rgb: &mut RgbImage) -> Result<(), String> {
    if layout.pixels == PixelFormat::Mjpg {
        return decode_jpeg(layout.size, bytes, rgb);
    }
    let ImageSize { width, height } = layout.size;
    let stride = layout.stride.max(layout.pixels.bytes_a_row(width));
    let luma_bytes = stride as usize * height as usize;
    let chroma_bytes =
        if layout.pixels == PixelFormat::Nv12 { stride as usize * height.div_ceil(2) as usize } else { 0 };
    if bytes.len() < luma_bytes + chroma_bytes {
        return Err(format!("{} bytes came, a frame has {}", bytes.len(), luma_bytes + chroma_bytes));
    }
    let (plane, rest) = bytes.split_at(luma_bytes);
    let rows = plane.chunks_exact(stride as usize).zip(rgb.chunks_exact_mut(width as usize * 3));
    let (range, matrix) = (YuvRange::Limited, YuvStandardMatrix::Bt601);
    match layout.pixels {
        PixelFormat::Yuyv | PixelFormat::Uyvy => {
            // Without a gap between rows it is one long row, of which less is left over at the end: 1.15 times as fast.
            let rows_touch = stride == width * 2 && width.is_multiple_of(2);
            let times = if rows_touch { height } else { 1 };
            let (width, height, stride) = (width * times, height / times, stride * times);
            let done = if rows_touch { whole_blocks(layout.pixels, plane, rgb) } else { 0 };
            if done == width as usize {
                return Ok(());
            }
            let (width, rgb): (u32, &mut [u8]) = (width - done as u32, rgb);
            let image = YuvPackedImage { yuy: &plane[2 * done..], yuy_stride: stride - 2 * done as u32, width, height };
            let convert = if layout.pixels == PixelFormat::Yuyv { yuv::yuyv422_to_rgb } else { yuv::uyvy422_to_rgb };
            convert(&image, &mut rgb[3 * done..], width * 3, range, matrix).map_err(|error| error.to_string())
        }
        PixelFormat::Nv12 => {
            let uv_plane = rest.get(..chroma_bytes).unwrap_or_default();
            let image =
                YuvBiPlanarImage { y_plane: plane, y_stride: stride, uv_plane, uv_stride: stride, width, height };
            yuv::yuv_nv12_to_rgb(&image, rgb, width * 3, range, matrix, YuvConversionMode::Balanced)
                .map_err(|error| error.to_string())
        }
        PixelFormat::Bgr => yuv::bgr_to_rgb(plane, stride, rgb, width * 3, width, height).map_err(|e| e.to_string()),
        PixelFormat::Rgb => {
            rows.for_each(|(from, to)| to.copy_from_slice(&from[..to.len()]));
            Ok(())
        }
        PixelFormat::Gray => {
            rows.for_each(|(from, to)| to.chunks_exact_mut(3).zip(from).for_each(|(pixel, &gray)| pixel.fill(gray)));
            Ok(())
        }
        PixelFormat::Mjpg => Ok(()),
    }
}

/// Converts the first pixels of packed 4:2:2 where this processor has instructions that the `yuv` crate does not use; says
/// how many.
#[cfg(target_arch = "x86_64")]
fn whole_blocks(pixels: PixelFormat, packed: &[u8], rgb: &mut [u8]) -> usize {
    let order = if pixels == PixelFormat::Yuyv { Order::Yuyv } else { Order::Uyvy };
    packed_yuv::to_rgb(order, packed, rgb)
}

#[cfg(not(target_arch = "x86_64"))]
fn whole_blocks(_: PixelFormat, _: &[u8], _: &mut [u8]) -> usize {
    0
}

fn decode_jpeg(size: ImageSize, bytes: &[u8], rgb: &mut RgbImage) -> Result<(), String> {
    let bytes = with_huffman_tables(bytes);
    let options = DecoderOptions::default()
        .set_max_width(size.width as usize)
        .set_max_height(size.height as usize)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&*bytes), options);
    // Bytes from a device are not to be trusted, and a decoder's panic must not end the source.
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        decoder.decode_headers().map_err(|error| error.to_string())?;
        match decoder.info() {
            Some(info) if (u32::from(info.width), u32::from(info.height)) == (size.width, size.height) => {
                decoder.decode_into(rgb).map_err(|error| error.to_string())
            }
            Some(info) => Err(format!("a picture of {}x{} came instead of {size}", info.width, info.height)),
            None => Err("a JPEG without a size".to_owned()),
        }
    }));
    decoded.unwrap_or_else(|_| Err("the JPEG decoder gave up".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, Rgb};

    fn decoded(pixels: PixelFormat, size: ImageSize, stride: u32, bytes: &[u8]) -> Result<RgbImage, String> {
        let mut rgb = RgbImage::new(size.width, size.height);
        decode(&FrameLayout { pixels, size, stride }, bytes, &mut rgb).map(|()| rgb)
    }

    /// BT.601, limited range.
    fn yuv_of([r, g, b]: [f64; 3]) -> [u8; 3] {
        let y = 16.0 + (65.738 * r + 129.057 * g + 25.064 * b) / 256.0;
        let u = 128.0 + (-37.945 * r - 74.494 * g + 112.439 * b) / 256.0;
        let v = 128.0 + (112.439 * r - 94.154 * g - 18.285 * b) / 256.0;
        [y, u, v].map(|value| value.round() as u8)
    }

    fn assert_near(pixel: &Rgb<u8>, expected: [f64; 3]) {
        let near = pixel.0.iter().zip(expected).all(|(&got, want)| (f64::from(got) - want).abs() <= 4.0);
        assert!(near, "{pixel:?} is not {expected:?}");
    }

    #[test]
    fn every_raw_format_gives_its_colors_in_the_right_order_with_padded_rows() {
        let size = ImageSize::new(6, 4);
        for color in [[255.0, 0.0, 0.0], [0.0, 255.0, 0.0], [0.0, 0.0, 255.0], [200.0, 120.0, 40.0]] {
            let [y, u, v] = yuv_of(color);
            let [r, g, b] = color.map(|channel| channel as u8);
            let row = |pixel: &[u8], times: usize, stride: usize| {
                let mut row = pixel.repeat(times);
                row.resize(stride, 99);
                row
            };
            let yuyv = row(&[y, u, y, v], 3, 16).repeat(4);
            let uyvy = row(&[u, y, v, y], 3, 16).repeat(4);
            let nv12 = [row(&[y], 6, 8).repeat(4), row(&[u, v], 3, 8).repeat(2)].concat();
            let yuyv_touching = row(&[y, u, y, v], 3, 12).repeat(4);
            let uyvy_touching = row(&[u, y, v, y], 3, 12).repeat(4);
            let table = [
                (PixelFormat::Yuyv, 16, yuyv),
                (PixelFormat::Yuyv, 12, yuyv_touching),
                (PixelFormat::Uyvy, 16, uyvy),
                (PixelFormat::Uyvy, 12, uyvy_touching),
                (PixelFormat::Nv12, 8, nv12),
                (PixelFormat::Rgb, 20, row(&[r, g, b], 6, 20).repeat(4)),
                (PixelFormat::Bgr, 20, row(&[b, g, r], 6, 20).repeat(4)),
            ];
            for (pixels, stride, bytes) in table {
                let rgb = decoded(pixels, size, stride, &bytes).unwrap();
                rgb.pixels().for_each(|pixel| assert_near(pixel, color));
                let short = decoded(pixels, size, stride, &bytes[..bytes.len() - 1]).unwrap_err();
                assert!(short.contains("bytes came"), "{short}");
            }
        }
        let gray = decoded(PixelFormat::Gray, size, 0, &[77; 24]).unwrap();
        assert_eq!(gray.get_pixel(5, 3), &Rgb([77, 77, 77]));
    }

    #[test]
    fn a_jpeg_is_decoded_with_and_without_its_huffman_tables() {
        let size = ImageSize::new(48, 32);
        let picture = RgbImage::from_fn(48, 32, |x, y| Rgb([(x * 5) as u8, (y * 7) as u8, (255 - x - y) as u8]));
        let mut jpeg = Vec::new();
        picture.write_to(&mut std::io::Cursor::new(&mut jpeg), ImageFormat::Jpeg).unwrap();
        let whole = decoded(PixelFormat::Mjpg, size, 0, &jpeg).unwrap();
        for (got, want) in whole.iter().zip(picture.iter()) {
            assert!(got.abs_diff(*want) < 40, "{got} {want}");
        }
        let bare = without_tables(&jpeg);
        assert!(bare.len() + 400 < jpeg.len(), "the tables were cut out");
        assert_eq!(decoded(PixelFormat::Mjpg, size, 0, &bare).unwrap(), whole);
    }

    /// As many USB cameras send them.
    fn without_tables(jpeg: &[u8]) -> Vec<u8> {
        let mut bare = jpeg[..2].to_vec();
        let mut at = 2;
        while jpeg[at + 1] != 0xda {
            let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
            if jpeg[at + 1] != 0xc4 {
                bare.extend(&jpeg[at..end]);
            }
            at = end;
        }
        bare.extend(&jpeg[at..]);
        bare
    }

    #[test]
    fn a_jpeg_without_an_end_is_one_cut_off_unless_the_camera_never_marks_the_end() {
        let size = ImageSize::new(32, 32);
        let mut jpeg = Vec::new();
        RgbImage::new(32, 32).write_to(&mut std::io::Cursor::new(&mut jpeg), ImageFormat::Jpeg).unwrap();
        let padded = [&jpeg[..], &[0; 100]].concat();
        let cut = &jpeg[..jpeg.len() - 2];
        let layout = FrameLayout { pixels: PixelFormat::Mjpg, size, stride: 0 };
        let mut rgb = RgbImage::new(32, 32);
        let mut decoder = FrameDecoder::new(layout);
        assert_eq!(decoder.decode(cut, &mut rgb), Ok(()), "it may be its way");
        assert_eq!(decoder.decode(&padded, &mut rgb), Ok(()));
        assert_eq!(decoder.decode(cut, &mut rgb), Err("they are cut off".to_owned()));
    }

    #[test]
    fn damaged_jpegs_are_errors_and_never_panics() {
        let size = ImageSize::new(32, 32);
        let mut jpeg = Vec::new();
        RgbImage::new(32, 32).write_to(&mut std::io::Cursor::new(&mut jpeg), ImageFormat::Jpeg).unwrap();
        assert!(decoded(PixelFormat::Mjpg, size, 0, &[]).is_err());
        assert!(decoded(PixelFormat::Mjpg, size, 0, &[0x5a; 5000]).is_err());
        assert!(decoded(PixelFormat::Mjpg, ImageSize::new(64, 32), 0, &jpeg).unwrap_err().contains("32x32 came"));
        for at in 0..jpeg.len() {
            let mut damaged = jpeg.clone();
            damaged[at] = !damaged[at];
            let _either = decoded(PixelFormat::Mjpg, size, 0, &damaged);
            let _either = decoded(PixelFormat::Mjpg, size, 0, &jpeg[..at]);
        }
    }
}
