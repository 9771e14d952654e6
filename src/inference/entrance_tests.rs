use super::*;
use proptest::prelude::*;

/// Numbers of the elements of a picture of that layout, moved into squares of which the pixels are taken in this order.
fn moved(layout: Layout, size: ImageSize, block: usize, order: Layout, channels: &[usize]) -> (Vec<usize>, Vec<f32>) {
    let arrangement = Arrangement { block, order, channels: channels.to_vec() };
    let count = (3 * size.width * size.height) as usize;
    let mut numbers = vec![0.0; count];
    for number in 0..count {
        numbers[arrangement.place(size, element(layout, size, number))] = number as f32;
    }
    (arrangement.shape(size).to_vec(), numbers)
}

/// YOLOX's order: the corners' columns last, the colours together.
const FOCUS: [usize; 12] = [0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11];

#[test]
fn focus_is_recognised_by_where_elements_go() {
    let size = ImageSize::new(8, 6);
    let number = |a: usize, b: usize, c: usize| {
        let (row, column) = [(0, 0), (1, 0), (0, 1), (1, 1)][c / 3];
        (c % 3) * 48 + (2 * a + row) * 8 + 2 * b + column
    };
    let mut numbers: Vec<f32> = (0..144).map(|place| number(place / 48, place / 12 % 4, place % 12) as f32).collect();
    let found = Arrangement::of(Layout::Nchw, size, &[1, 3, 4, 12], &numbers).unwrap();
    assert_eq!(found, Arrangement { block: 2, order: Layout::Nhwc, channels: FOCUS.to_vec() });
    assert!(found.suits(size) && !found.suits(ImageSize::new(8, 7)));
    assert_eq!(Arrangement::of(Layout::Nchw, size, &[1, 12, 3, 4], &numbers), None, "channels first");
    assert_eq!(Arrangement::of(Layout::Nchw, size, &[3, 4, 12], &numbers), None, "three axes");
    assert_eq!(Arrangement::of(Layout::Nchw, size, &[1, 0, 4, 12], &numbers), None);
    assert_eq!(Arrangement::of(Layout::Nchw, size, &[1, 3, 4, 12], &numbers[..140]), None, "elements are missing");
    numbers.swap(100, 101);
    assert_eq!(Arrangement::of(Layout::Nchw, size, &[1, 3, 4, 12], &numbers), None);
}

#[test]
fn what_someone_made_up_is_no_arrangement() {
    let size = ImageSize::new(8, 6);
    let of = |block, channels: &[usize]| Arrangement { block, order: Layout::Nhwc, channels: channels.to_vec() };
    assert!(of(1, &[2, 0, 1]).suits(size));
    for (block, channels) in
        [(0, &[][..]), (0, &[0, 1, 2]), (1, &[0, 1]), (1, &[0, 1, 1]), (1, &[0, 1, 3]), (4, &FOCUS)]
    {
        assert!(!of(block, channels).suits(size), "{block} {channels:?}");
    }
    assert!(of(1, &[0, 1, 2]).is_trivial(Layout::Nhwc) && !of(1, &[0, 1, 2]).is_trivial(Layout::Nchw));
    assert!(!of(1, &[2, 1, 0]).is_trivial(Layout::Nhwc));
}

#[test]
fn levels_are_quantized_as_onnx_defines_it() {
    let of = |kind, scale, zero_point| LevelQuantization { kind, scale, zero_point };
    let halves = of(Byte::Unsigned, 2.0, 128);
    let found = [-1000.0, -5.0, -3.0, -1.0, 1.0, 3.0, 5.0, 1000.0, f32::INFINITY].map(|value| halves.of(value));
    assert_eq!(found, [0, 126, 126, 128, 128, 130, 130, 255, 255], "halves go to the even one");
    let signed = of(Byte::Signed, 0.5, -3);
    assert_eq!([-100.0, 0.0, 1.0, 100.0].map(|value| signed.of(value).cast_signed()), [-128, -3, -1, 127]);
}

proptest! {
    #[test]
    fn a_row_lands_where_its_elements_belong(
        block in 1_usize..4, rows in 1_u32..4, columns in 1_u32..5, first in any::<bool>(), seed in any::<u64>(),
        left in 0_usize..6, top in 0_usize..3, count in 0_usize..12,
    ) {
        let size = ImageSize::new(columns * block as u32, rows * block as u32);
        let (width, height) = (size.width as usize, size.height as usize);
        let (left, top) = (left.min(width), top.min(height - 1));
        let mut channels: Vec<usize> = (0..3 * block * block).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut channels);
        let order = if first { Layout::Nchw } else { Layout::Nhwc };
        for layout in [Layout::Nchw, Layout::Nhwc] {
            let (shape, numbers) = moved(layout, size, block, order, &channels);
            let found = Arrangement::of(layout, size, &shape, &numbers).unwrap();
            prop_assert_eq!(found.shape(size).to_vec(), shape);
            let pixels: Vec<[i16; LANES]> = (0..count.min(width - left) as i16).map(|x| [10 * x, 10 * x + 1, 10 * x + 2, -1]).collect();
            let mut out = vec![-1; 3 * width * height];
            found.write(&mut out, width, [left, top], &pixels, |pixel, colour| pixel[colour]);
            let mut wanted = vec![-1; 3 * width * height];
            for (x, pixel) in pixels.iter().enumerate() {
                for colour in 0..3 {
                    wanted[found.place(size, [colour, top, left + x])] = pixel[colour];
                }
            }
            prop_assert_eq!(out, wanted);
        }
    }
}
