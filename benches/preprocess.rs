//! Preprocessing a 1280x720 frame to a 416x416 input on one thread, beside the naive way: resize with the `image`
//! crate, then pad and normalize pixel by pixel into the planes.

use divan::{Bencher, black_box};
use quantscope::imaging::{ImageSize, Letterbox, ResizeMode, RgbImage};
use quantscope::inference::preprocess::{InputType, Preprocessor};
use quantscope::inference::{ColorOrder, Head, Layout, ModelCard};

fn main() {
    divan::main();
}

fn card(layout: Layout) -> ModelCard {
    ModelCard {
        layout,
        color: ColorOrder::Bgr,
        scale: 1.0,
        resize: ResizeMode::LetterboxTopLeft,
        ..ModelCard::usual(Head::Yolox, ImageSize::new(416, 416))
    }
}

/// A frame with structure, so that nothing can be skipped.
fn frame() -> RgbImage {
    RgbImage::from_fn(1280, 720, |x, y| image::Rgb([(x ^ y) as u8, (x * 7 + y * 3) as u8, (x / 5 + y / 3) as u8]))
}

#[divan::bench(args = [InputType::F32, InputType::F16, InputType::U8])]
fn one_pass_nchw(bencher: Bencher<'_, '_>, input_type: InputType) {
    one_pass(bencher, Layout::Nchw, input_type);
}

#[divan::bench(args = [InputType::F32, InputType::U8])]
fn one_pass_nhwc(bencher: Bencher<'_, '_>, input_type: InputType) {
    one_pass(bencher, Layout::Nhwc, input_type);
}

fn one_pass(bencher: Bencher<'_, '_>, layout: Layout, input_type: InputType) {
    let frame = frame();
    let mut preprocessor = Preprocessor::new(&card(layout), input_type);
    let mut input = preprocessor.new_input();
    bencher.bench_local(|| preprocessor.run(black_box(&frame), &mut input));
}

#[divan::bench]
fn naive_per_pixel_nchw_f32(bencher: Bencher<'_, '_>) {
    let frame = frame();
    let fit = Letterbox::fit(ImageSize::new(1280, 720), ImageSize::new(416, 416), ResizeMode::LetterboxTopLeft);
    bencher.bench_local(|| {
        let filter = image::imageops::FilterType::Triangle;
        let small = image::imageops::resize(black_box(&frame), fit.content.width, fit.content.height, filter);
        let mut tensor = vec![114.0f32; 3 * 416 * 416];
        for (x, y, pixel) in small.enumerate_pixels() {
            for channel in 0..3 {
                tensor[channel * 416 * 416 + y as usize * 416 + x as usize] = f32::from(pixel[2 - channel]);
            }
        }
        tensor
    });
}
