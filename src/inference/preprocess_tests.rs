use super::*;
use crate::inference::Head;
use proptest::prelude::*;

fn card(size: (u32, u32), layout: Layout, color: ColorOrder, resize: ResizeMode) -> ModelCard {
    ModelCard { layout, color, scale: 1.0, resize, ..ModelCard::usual(Head::Yolox, ImageSize::new(size.0, size.1)) }
}

fn picture(width: u32, height: u32) -> RgbImage {
    let hash = |x: u32, y: u32, c: u32| (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503) ^ (c * 977)) >> 7;
    RgbImage::from_fn(width, height, |x, y| image::Rgb([0, 1, 2].map(|c| hash(x, y, c) as u8)))
}

fn bytes(card: &ModelCard, image: &RgbImage) -> Vec<u8> {
    let mut preprocessor = Preprocessor::new(card, InputType::U8);
    let mut input = preprocessor.new_input();
    preprocessor.run(image, &mut input);
    match input.values {
        InputValues::U8(values) => values,
        other => panic!("asked for bytes, got {other:?}"),
    }
}

/// The same resampling written down the plain way, value by value, in real numbers.
fn exact_level(image: &RgbImage, to: ImageSize, x: u32, y: u32, channel: usize) -> f64 {
    let position = |index: u32, from: u32, to: u32| {
        let at = (f64::from(index) + 0.5) * f64::from(from) / f64::from(to) - 0.5;
        let at = at.clamp(0.0, f64::from(from - 1));
        (at.floor() as u32, (at.floor() as u32 + 1).min(from - 1), at.fract())
    };
    let (left, right, fx) = position(x, image.width(), to.width);
    let (upper, lower, fy) = position(y, image.height(), to.height);
    let at = |x, y| f64::from(image.get_pixel(x, y)[channel]);
    let row = |y| at(left, y) * (1.0 - fx) + at(right, y) * fx;
    row(upper) * (1.0 - fy) + row(lower) * fy
}

proptest! {
    #[test]
    fn every_level_is_the_bilinear_one_within_opencv_s_rounding(
        w in 1u32..90, h in 1u32..90, mw in 1u32..70, mh in 1u32..70,
    ) {
        let image = picture(w, h);
        let card = card((mw, mh), Layout::Nhwc, ColorOrder::Rgb, ResizeMode::Stretch);
        let levels = bytes(&card, &image);
        for (index, level) in levels.iter().enumerate() {
            let (pixel, channel) = (index as u32 / 3, index % 3);
            let exact = exact_level(&image, ImageSize::new(mw, mh), pixel % mw, pixel / mw, channel);
            // Cut sums pull downwards by up to half a level more than rounding would, weights of 11 bits add a little.
            prop_assert!((f64::from(*level) - exact).abs() <= 1.15, "{level} for {exact}");
        }
    }
}

/// What OpenCV 5.0's `resize(..., INTER_LINEAR)` makes of this 4x3 picture at 3x2, computed with it once.
#[test]
fn a_small_picture_is_opencv_s_to_the_bit() {
    let image = RgbImage::from_fn(4, 3, |x, y| {
        image::Rgb([(x * 60 + y * 7) as u8, (250 - x * 50 - y * 9) as u8, ((x * x * 23 + y * 91) % 256) as u8])
    });
    let card = card((3, 2), Layout::Nhwc, ColorOrder::Rgb, ResizeMode::Stretch);
    assert_eq!(bytes(&card, &image), OPENCV_LEVELS);
}

const OPENCV_LEVELS: [u8; 18] = [11, 239, 26, 92, 173, 80, 172, 106, 157, 22, 226, 163, 102, 159, 121, 182, 92, 102];

#[test]
fn padding_layout_colour_and_normalization_land_where_the_card_says() {
    let image = RgbImage::from_pixel(8, 4, image::Rgb([10, 20, 30]));
    let mut card = card((8, 8), Layout::Nchw, ColorOrder::Bgr, ResizeMode::LetterboxCenter);
    (card.scale, card.mean, card.std) = (0.5, [1.0, 2.0, 3.0], [2.0, 4.0, 8.0]);
    let mut preprocessor = Preprocessor::new(&card, InputType::F32);
    let mut input = preprocessor.new_input();
    let letterbox = preprocessor.run(&image, &mut input);
    assert_eq!((letterbox.left, letterbox.top), (0, 2));
    let InputValues::F32(values) = input.values() else { panic!("asked for floats") };
    let normalized = |level: f32, channel: usize| (level * 0.5 - card.mean[channel]) / card.std[channel];
    for (channel, level) in [(0, 30.0), (1, 20.0), (2, 10.0)] {
        let plane = &values[channel * 64..(channel + 1) * 64];
        for (index, value) in plane.iter().enumerate() {
            let expected = if (16..48).contains(&index) { level } else { 114.0 };
            assert!((value - normalized(expected, channel)).abs() < 1e-5, "channel {channel}, value {index}");
        }
    }
}

#[test]
fn one_input_serves_pictures_of_changing_sizes() {
    let card = card((64, 64), Layout::Nhwc, ColorOrder::Rgb, ResizeMode::LetterboxCenter);
    let mut preprocessor = Preprocessor::new(&card, InputType::U8);
    let mut input = preprocessor.new_input();
    for (width, height) in [(80, 40), (40, 80), (64, 64), (80, 40)] {
        let image = picture(width, height);
        preprocessor.run(&image, &mut input);
        let InputValues::U8(values) = input.values() else { panic!("asked for bytes") };
        assert_eq!(*values, bytes(&card, &image), "{width}x{height} after another size");
    }
}
