//! Packed 4:2:2 to RGB by AVX-512: the same numbers as those of the `yuv` crate, which has AVX2, in less than half the time.
#![expect(
    unsafe_code,
    reason = "vector instructions load and store through pointers, and need a processor that has them"
)]

use std::arch::x86_64::*;

/// Pixels that are computed together: two vectors of packed bytes become three of RGB.
const BLOCK: usize = 64;
const VECTOR: usize = 64;

/// BT.601 of limited range in 1/64.
const LUMA: i16 = 75;
const V_TO_RED: i16 = 102;
const V_TO_GREEN: i16 = -52;
const U_TO_GREEN: i16 = -25;
const U_TO_BLUE: i16 = 129;
const FRACTION_BITS: u32 = 6;
/// The crate's, just below a half.
const ROUNDING: i16 = 31;
const BLACK: i16 = 16;
const COLORLESS: i16 = 128;

/// Where Y, U and V stand in the four bytes of two pixels.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Yuyv,
    Uyvy,
}

/// Converts as many pixels as whole blocks have, and says how many; none on a processor without the instructions.
/// `packed` has two bytes a pixel, `rgb` three, both without gaps.
pub(super) fn to_rgb(order: Order, packed: &[u8], rgb: &mut [u8]) -> usize {
    let has_it = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi");
    if !has_it {
        return 0;
    }
    let (from, _) = packed.as_chunks();
    let (to, _) = rgb.as_chunks_mut();
    // SAFETY: the processor has the instructions.
    unsafe { blocks(order, from, to) };
    from.len().min(to.len()) * BLOCK
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn blocks(order: Order, from: &[[u8; 2 * BLOCK]], to: &mut [[u8; 3 * BLOCK]]) {
    let every = |value: i16| _mm512_set1_epi16(value);
    let [y_at, u_at, v_at] = match order {
        Order::Yuyv => [[0, 2], [1, 1], [3, 3]],
        Order::Uyvy => [[1, 3], [0, 0], [2, 2]],
    }
    .map(|places| load(&widened(places)));
    let (red_green, blue) = (RED_GREEN.each_ref().map(|part| load(part)), BLUE.each_ref().map(|part| load(part)));
    let finished = |sum: __m512i| {
        let positive = _mm512_max_epi16(sum, _mm512_setzero_si512());
        _mm512_srai_epi16::<FRACTION_BITS>(_mm512_adds_epi16(positive, every(ROUNDING)))
    };
    for (from, to) in from.iter().zip(to) {
        let [low, high] = from.as_chunks().0 else { continue };
        let channels = [low, high].map(|bytes: &[u8; VECTOR]| {
            let packed = load(bytes);
            let y = _mm512_subs_epu16(_mm512_shuffle_epi8(packed, y_at), every(BLACK));
            let y = _mm512_mullo_epi16(y, every(LUMA));
            let u = _mm512_sub_epi16(_mm512_shuffle_epi8(packed, u_at), every(COLORLESS));
            let v = _mm512_sub_epi16(_mm512_shuffle_epi8(packed, v_at), every(COLORLESS));
            let part = |color: __m512i, factor: i16| _mm512_mullo_epi16(color, every(factor));
            [
                _mm512_adds_epi16(y, part(v, V_TO_RED)),
                _mm512_adds_epi16(y, _mm512_adds_epi16(part(v, V_TO_GREEN), part(u, U_TO_GREEN))),
                _mm512_adds_epi16(y, part(u, U_TO_BLUE)),
            ]
            .map(finished)
        });
        let [r, g, b] = [0, 1, 2].map(|channel| _mm512_packus_epi16(channels[0][channel], channels[1][channel]));
        for (part, to) in to.as_chunks_mut::<VECTOR>().0.iter_mut().enumerate() {
            let both = _mm512_permutex2var_epi8(r, red_green[part], g);
            let all = _mm512_mask_permutexvar_epi8(both, IS_BLUE[part], blue[part], b);
            // SAFETY: the place has the size of a vector; it need not be aligned.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), all) };
        }
    }
}

#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; VECTOR]) -> __m512i {
    // SAFETY: there are as many bytes as a vector has; they need not be aligned.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// A shuffle that takes two bytes of each four, and makes 16 bits of either.
fn widened(places: [u8; 2]) -> [u8; VECTOR] {
    /// A shuffle works within sixteen bytes; it writes 0 for this.
    const ZERO: u8 = 0x80;
    std::array::from_fn(|at| if at % 2 == 0 { (at % 16 / 4 * 4) as u8 + places[at / 2 % 2] } else { ZERO })
}

/// For each byte of the three vectors of RGB, which byte of red, or with the seventh bit set of green, it is.
static RED_GREEN: [[u8; VECTOR]; 3] = merged(0, 1);
/// The same for blue.
static BLUE: [[u8; VECTOR]; 3] = merged(2, 2);
/// Bytes that are blue.
static IS_BLUE: [u64; 3] = {
    let mut masks = [0; 3];
    let mut at = 2;
    while at < 3 * BLOCK {
        masks[at / VECTOR] |= 1 << (at % VECTOR);
        at += 3;
    }
    masks
};

const fn merged(first: usize, second: usize) -> [[u8; VECTOR]; 3] {
    let mut order = [[0; VECTOR]; 3];
    let mut at = 0;
    while at < 3 * BLOCK {
        // Packing two vectors takes eight numbers of the one and eight of the other by turns.
        let pixel = at / 3;
        let packed = pixel % 32 / 8 * 16 + pixel / 32 * 8 + pixel % 8;
        if at % 3 == first {
            order[at / VECTOR][at % VECTOR] = packed as u8;
        } else if at % 3 == second {
            order[at / VECTOR][at % VECTOR] = packed as u8 | VECTOR as u8;
        }
        at += 1;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use yuv::{YuvPackedImage, YuvRange, YuvStandardMatrix};

    #[test]
    fn numbers_are_those_of_the_crate_for_every_luma_and_colour() {
        // Every pair of U and V with two lumas that go through all values, and a block that the crate's vectors leave over.
        let mut yuyv: Vec<u8> =
            (0..=u16::MAX).flat_map(|uv| [(uv / 7) as u8, uv as u8, (uv / 5) as u8, (uv >> 8) as u8]).collect();
        yuyv.extend([16; 2 * BLOCK]);
        let uyvy: Vec<u8> = yuyv.chunks_exact(2).flat_map(|pair| [pair[1], pair[0]]).collect();
        let width = yuyv.len() / 2;
        let mut expected = vec![0; 3 * width];
        let image = YuvPackedImage { yuy: &yuyv, yuy_stride: 2 * width as u32, width: width as u32, height: 1 };
        let stride = 3 * width as u32;
        yuv::yuyv422_to_rgb(&image, &mut expected, stride, YuvRange::Limited, YuvStandardMatrix::Bt601).unwrap();
        for (order, packed) in [(Order::Yuyv, &yuyv), (Order::Uyvy, &uyvy)] {
            let mut rgb = vec![0; 3 * width];
            let done = to_rgb(order, packed, &mut rgb);
            if done == 0 {
                println!("skipped: this processor has no AVX-512");
                return;
            }
            assert_eq!(done, width);
            let differs = rgb.iter().zip(&expected).position(|(one, other)| one != other);
            assert!(differs.is_none(), "{order:?}: byte {differs:?}");
        }
    }

    #[test]
    fn what_is_no_whole_block_is_left_alone() {
        for pixels in [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 5] {
            let mut rgb = vec![7; 3 * pixels];
            let done = to_rgb(Order::Yuyv, &vec![128; 2 * pixels], &mut rgb);
            assert!(done == 0 || done == pixels / BLOCK * BLOCK, "{done} of {pixels}");
            assert!(rgb[3 * done..].iter().all(|byte| *byte == 7));
        }
    }
}
