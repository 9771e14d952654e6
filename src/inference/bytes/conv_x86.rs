//! Sums of products by AVX-512 VNNI.
#![expect(
    unsafe_code,
    reason = "vector instructions load and store through pointers, and need a processor that has them"
)]

use super::conv::{GROUP, LANES, Sums, WINDOW_MAX};
use std::arch::x86_64::*;

pub(super) fn is_known() -> bool {
    super::x86::has_avx512() && is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512vnni")
}

/// Products of pixels with all output channels, for one after the other in `to`, `outputs` bytes each. The lines are those of
/// the window; the next pixel begins `step` bytes further on each of them.
pub(super) fn products(sums: &Sums, lines: &[&[u8]], step: usize, to: &mut [u8], outputs: usize) {
    let pixels = to.len() / outputs;
    let last = pixels.saturating_sub(1) * step + sums.groups * GROUP;
    let blocks = outputs.div_ceil(LANES);
    assert!(is_known() && lines.len() <= WINDOW_MAX && lines.iter().all(|line| pixels == 0 || line.len() >= last));
    assert!(sums.weights.len() >= blocks * lines.len() * sums.groups * GROUP * LANES);
    assert!(sums.start.len() >= blocks * LANES && sums.scales.len() >= blocks * LANES);
    let mut starts = [std::ptr::null(); WINDOW_MAX];
    starts.iter_mut().zip(lines).for_each(|(start, line)| *start = line.as_ptr());
    let job = Job { sums, lines: &starts[..lines.len()], step, to: to.as_mut_ptr(), outputs };
    let mut block = 0;
    while block < blocks {
        let vectors = (blocks - block).min(4);
        // SAFETY: the processor has the instructions; lines, weights and constants are as long as was asserted, and so is
        // the result, of which columns from `block` are written, cut off where it ends.
        unsafe {
            match vectors {
                4 => job.all::<6, 4>(block, pixels),
                3 => job.all::<8, 3>(block, pixels),
                2 => job.all::<12, 2>(block, pixels),
                _ => job.all::<14, 1>(block, pixels),
            }
        }
        block += vectors;
    }
}

struct Job<'a> {
    sums: &'a Sums,
    lines: &'a [*const u8],
    step: usize,
    to: *mut u8,
    outputs: usize,
}

impl Job<'_> {
    /// # Safety
    ///
    /// The processor has the instructions; lines are readable for all `pixels`, and the result has room for them; weights and
    /// constants are there for all of the vectors from `block`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    unsafe fn all<const PIXELS: usize, const VECTORS: usize>(&self, block: usize, pixels: usize) {
        let whole = pixels / PIXELS * PIXELS;
        // SAFETY: the caller's promise.
        unsafe {
            let half = PIXELS / 2;
            let mut pixel = 0;
            while pixel < whole {
                self.some::<PIXELS, VECTORS>(block, pixel);
                pixel += PIXELS;
            }
            if pixels - pixel >= half {
                match VECTORS {
                    4 => self.some::<3, VECTORS>(block, pixel),
                    3 => self.some::<4, VECTORS>(block, pixel),
                    2 => self.some::<6, VECTORS>(block, pixel),
                    _ => self.some::<7, VECTORS>(block, pixel),
                }
                pixel += half;
            }
            while pixel < pixels {
                self.some::<1, VECTORS>(block, pixel);
                pixel += 1;
            }
        }
    }

    /// # Safety
    ///
    /// As `all`, for so many pixels from that one.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    #[inline]
    unsafe fn some<const PIXELS: usize, const VECTORS: usize>(&self, block: usize, pixel: usize) {
        let (sums, step) = (self.sums, self.step);
        let of_block = self.lines.len() * sums.groups * LANES * GROUP;
        // No closures, which a build without optimizations would leave as calls.
        // SAFETY: the caller's promise.
        unsafe {
            let mut found = [[_mm512_setzero_si512(); VECTORS]; PIXELS];
            let mut v = 0;
            while v < VECTORS {
                let start = _mm512_loadu_si512(sums.start.as_ptr().add((block + v) * LANES).cast());
                let mut p = 0;
                while p < PIXELS {
                    found[p][v] = start;
                    p += 1;
                }
                v += 1;
            }
            let mut weights = sums.weights.as_ptr().add(block * of_block);
            let mut number = 0;
            while number < self.lines.len() {
                let mut line = self.lines.as_ptr().add(number).read().add(pixel * self.step);
                let mut group = 0;
                while group < sums.groups {
                    let mut of_group = [_mm512_setzero_si512(); VECTORS];
                    let mut v = 0;
                    while v < VECTORS {
                        of_group[v] = _mm512_loadu_si512(weights.wrapping_add(v.wrapping_mul(of_block)).cast());
                        v += 1;
                    }
                    let mut p = 0;
                    while p < PIXELS {
                        let four = *line.wrapping_add(p.wrapping_mul(step)).cast::<[u8; GROUP]>();
                        let bytes = _mm512_set1_epi32(i32::from_le_bytes(four));
                        let mut v = 0;
                        while v < VECTORS {
                            found[p][v] = _mm512_dpbusd_epi32(found[p][v], bytes, of_group[v]);
                            v += 1;
                        }
                        p += 1;
                    }
                    weights = weights.wrapping_add(LANES * GROUP);
                    line = line.wrapping_add(GROUP);
                    group += 1;
                }
                number += 1;
            }
            let first = block * LANES;
            let requantizer = Requantizer::<VECTORS>::new(sums, first);
            let count = (self.outputs - first).min(VECTORS * LANES);
            let mask = u64::MAX >> (4 * LANES - count);
            let mut p = 0;
            while p < PIXELS {
                let to = self.to.add((pixel + p) * self.outputs + first);
                _mm512_mask_storeu_epi8(to.cast(), mask, requantizer.bytes(&found[p]));
                p += 1;
            }
        }
    }
}

/// From sums to bytes, of up to four vectors at once. Sums are rounded, packed to 16 bits, moved by the zero point and packed
/// to 8 bits, all of it cut off at the ends; [`Sums`] holds no such that do not fit into 32 bits after they are multiplied.
struct Requantizer<const VECTORS: usize> {
    scales: [__m512; VECTORS],
    zero: __m512i,
    order: __m512i,
}

impl<const VECTORS: usize> Requantizer<VECTORS> {
    /// # Safety
    ///
    /// There are scales for as many channels from `first`.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    unsafe fn new(sums: &Sums, first: usize) -> Self {
        let mut scales = [_mm512_setzero_ps(); VECTORS];
        let mut v = 0;
        while v < VECTORS {
            // SAFETY: the caller's promise.
            scales[v] = unsafe { _mm512_loadu_ps(sums.scales.as_ptr().add(first + v * LANES)) };
            v += 1;
        }
        // Packing takes four of each vector in turn.
        let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        Self { scales, zero: _mm512_set1_epi16(i16::from(sums.zero)), order }
    }

    /// The bytes of all vectors, one vector after the other; what follows has no meaning.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn bytes(&self, sums: &[__m512i; VECTORS]) -> __m512i {
        let mut whole = [_mm512_setzero_si512(); 4];
        let mut v = 0;
        while v < VECTORS {
            whole[v] = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sums[v]), self.scales[v]));
            v += 1;
        }
        let low = _mm512_adds_epi16(_mm512_packs_epi32(whole[0], whole[1]), self.zero);
        let high = if VECTORS > 2 { _mm512_adds_epi16(_mm512_packs_epi32(whole[2], whole[3]), self.zero) } else { low };
        _mm512_permutexvar_epi32(self.order, _mm512_packus_epi16(low, high))
    }
}

/// Three by three of each channel by itself, for a row of pixels; windows begin every `stride` (1 or 2) pixels.
pub(super) fn of_each(sums: &Sums, lines: [&[u8]; 3], stride: usize, to: &mut [u8], channels: usize) {
    let pixels = to.len() / channels;
    let blocks = channels.div_ceil(LANES);
    let last = (pixels.saturating_sub(1) * stride + 2) * channels + blocks * LANES;
    assert!(is_known() && (stride == 1 || stride == 2));
    assert!(lines.iter().all(|line| pixels == 0 || line.len() >= last));
    assert!(sums.weights.len() >= blocks * 3 * GROUP * LANES);
    assert!(sums.start.len() >= blocks * LANES && sums.scales.len() >= blocks * LANES);
    let lines = lines.map(<[u8]>::as_ptr);
    for block in 0..if pixels == 0 { 0 } else { blocks } {
        // SAFETY: the processor has the instructions; lines, weights and constants are as long as was asserted, and so is
        // the result.
        unsafe {
            match stride {
                1 => row_of_each::<1>(sums, lines, block, to.as_mut_ptr(), [pixels, channels]),
                _ => row_of_each::<2>(sums, lines, block, to.as_mut_ptr(), [pixels, channels]),
            }
        }
    }
}

/// The three bytes of a column of the window lie in one group of four. So a column is made ready once for all the windows
/// that it belongs to.
///
/// # Safety
///
/// The processor has the instructions; the lines are readable for all windows of `pixels`, 16 channels of `block` each, and
/// the result has room for the channels that there are.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
unsafe fn row_of_each<const STRIDE: usize>(
    sums: &Sums,
    lines: [*const u8; 3],
    block: usize,
    to: *mut u8,
    [pixels, channels]: [usize; 2],
) {
    let first = block * LANES;
    // SAFETY: the caller's promise.
    unsafe {
        let order = _mm512_loadu_si512(ORDER.as_ptr().cast());
        let weights = sums.weights.as_ptr().add(block * 3 * LANES * GROUP);
        let first_weights = _mm512_loadu_si512(weights.cast());
        let second_weights = _mm512_loadu_si512(weights.add(LANES * GROUP).cast());
        let third_weights = _mm512_loadu_si512(weights.add(2 * LANES * GROUP).cast());
        let start = _mm512_loadu_si512(sums.start.as_ptr().add(first).cast());
        let requantizer = Requantizer::<1>::new(sums, first);
        let mask = u16::MAX >> (LANES - (channels - first).min(LANES));
        let mut earlier = column(lines, first, order);
        let mut middle = column(lines, channels + first, order);
        let mut pixel = 0;
        while pixel < pixels {
            let at = pixel * STRIDE * channels + first;
            let later = column(lines, at + 2 * channels, order);
            let sum = _mm512_dpbusd_epi32(start, earlier, first_weights);
            let sum = _mm512_dpbusd_epi32(sum, middle, second_weights);
            let sum = _mm512_dpbusd_epi32(sum, later, third_weights);
            _mm_mask_storeu_epi8(
                to.add(pixel * channels + first).cast(),
                mask,
                _mm512_castsi512_si128(requantizer.bytes(&[sum])),
            );
            pixel += 1;
            if STRIDE == 1 {
                (earlier, middle) = (middle, later);
            } else if pixel < pixels {
                (earlier, middle) = (later, column(lines, at + 3 * channels, order));
            }
        }
    }
}

/// Byte c of each line, and one without meaning, become bytes 4 c to 4 c + 3.
static ORDER: [u8; 64] = {
    let mut order = [0; 64];
    let mut at = 0;
    while at < order.len() {
        order[at] = (at / GROUP + at % GROUP * LANES) as u8;
        at += 1;
    }
    order
};

/// Sixteen bytes of each line, in [`ORDER`].
///
/// # Safety
///
/// The lines are readable for 16 bytes from `at`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
#[inline]
unsafe fn column(lines: [*const u8; 3], at: usize, order: __m512i) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe {
        let first = _mm512_castsi128_si512(_mm_loadu_si128(lines[0].add(at).cast()));
        let two = _mm512_inserti32x4::<1>(first, _mm_loadu_si128(lines[1].add(at).cast()));
        _mm512_permutexvar_epi8(order, _mm512_inserti32x4::<2>(two, _mm_loadu_si128(lines[2].add(at).cast())))
    }
}
