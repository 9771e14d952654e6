//! Sums of products by AVX-VNNI, which processors without AVX-512 have: as in `conv_avx512`, with half as wide vectors and
//! half as many of them.
#![expect(
    unsafe_code,
    reason = "vector instructions load and store through pointers, and need a processor that has them"
)]

use super::conv::{GROUP, LANES, Sums};
use super::vectors::Job;
use std::arch::x86_64::*;

/// Sums of a vector. Two of them make up a block of outputs.
const HALF: usize = LANES / 2;

pub(super) fn is_known() -> bool {
    super::x86::has_avx2() && is_x86_feature_detected!("avxvnni")
}

/// All channels with all.
pub(super) fn products(job: &Job<'_>) {
    assert!(is_known());
    for block in 0..job.blocks() {
        // SAFETY: the processor has the instructions, and the job has so many blocks.
        unsafe { all(job, block) };
    }
}

/// # Safety
///
/// The processor has the instructions; the job has that block.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn all(job: &Job<'_>, block: usize) {
    let mut pixel = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while job.pixels - pixel >= 6 {
            some::<6>(job, block, pixel);
            pixel += 6;
        }
        if job.pixels - pixel >= 3 {
            some::<3>(job, block, pixel);
            pixel += 3;
        }
        while pixel < job.pixels {
            some::<1>(job, block, pixel);
            pixel += 1;
        }
    }
}

/// # Safety
///
/// As `all`; there are so many pixels from that one.
#[target_feature(enable = "avx2,avxvnni")]
#[inline]
unsafe fn some<const PIXELS: usize>(job: &Job<'_>, block: usize, pixel: usize) {
    let (sums, step, first) = (job.sums, job.step, block * LANES);
    // No closures, which a build without optimizations would leave as calls.
    // SAFETY: the caller's promise.
    unsafe {
        let start = sums.start.as_ptr().add(first);
        let start = [_mm256_loadu_si256(start.cast()), _mm256_loadu_si256(start.add(HALF).cast())];
        let mut found = [start; PIXELS];
        let mut weights = sums.weights.as_ptr().add(block * job.height * sums.groups * LANES * GROUP);
        let mut number = 0;
        while number < job.height {
            let mut line = job.lines[number].add(pixel * step);
            let mut group = 0;
            while group < sums.groups {
                let low = _mm256_loadu_si256(weights.cast());
                let high = _mm256_loadu_si256(weights.wrapping_add(HALF * GROUP).cast());
                let mut p = 0;
                while p < PIXELS {
                    let four = *line.wrapping_add(p.wrapping_mul(step)).cast::<[u8; GROUP]>();
                    let bytes = _mm256_set1_epi32(i32::from_le_bytes(four));
                    found[p][0] = dot(found[p][0], bytes, low);
                    found[p][1] = dot(found[p][1], bytes, high);
                    p += 1;
                }
                weights = weights.wrapping_add(LANES * GROUP);
                line = line.wrapping_add(GROUP);
                group += 1;
            }
            number += 1;
        }
        // Packing takes four of each vector in turn.
        let order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
        let scales = sums.scales.as_ptr().add(first);
        let scales = [_mm256_loadu_ps(scales), _mm256_loadu_ps(scales.add(HALF))];
        let requantizer = Requantizer::new(sums, scales, order);
        let mut p = 0;
        while p < PIXELS {
            store(requantizer.bytes(found[p]), job, pixel + p, first);
            p += 1;
        }
    }
}

#[cfg(not(miri))]
#[target_feature(enable = "avx2,avxvnni")]
#[inline]
fn dot(sums: __m256i, bytes: __m256i, weights: __m256i) -> __m256i {
    _mm256_dpbusd_avx_epi32(sums, bytes, weights)
}

#[cfg(miri)]
fn dot(sums: __m256i, bytes: __m256i, weights: __m256i) -> __m256i {
    use std::mem::transmute;
    // SAFETY: vectors are as large as their numbers.
    unsafe { transmute(super::for_miri::dot::<HALF>(transmute(sums), transmute(bytes), transmute(weights))) }
}

/// From the sums of a block to bytes. Sums are rounded, packed to 16 bits, moved by the zero point and packed to 8 bits, all of
/// it cut off at the ends; [`Sums`] holds no such that do not fit into 32 bits after they are multiplied.
struct Requantizer {
    scales: [__m256; 2],
    zero: __m256i,
    order: __m256i,
}

impl Requantizer {
    /// `order` brings what is packed, four by four, into the order of the outputs.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn new(sums: &Sums, scales: [__m256; 2], order: __m256i) -> Self {
        Self { scales, zero: _mm256_set1_epi16(i16::from(sums.zero)), order }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn bytes(&self, [low, high]: [__m256i; 2]) -> __m128i {
        let low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(low), self.scales[0]));
        let high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(high), self.scales[1]));
        let words = _mm256_adds_epi16(_mm256_packs_epi32(low, high), self.zero);
        let bytes = _mm256_packus_epi16(words, words);
        _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(bytes, self.order))
    }
}

/// The outputs of a pixel from `first`, as many as there are.
///
/// # Safety
///
/// The job has that pixel and that output.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn store(bytes: __m128i, job: &Job<'_>, pixel: usize, first: usize) {
    let outputs = job.sums.outputs;
    // SAFETY: the caller's promise; no more is written than there is.
    unsafe {
        let to = job.to.add(pixel * outputs + first);
        match outputs - first {
            LANES.. => _mm_storeu_si128(to.cast(), bytes),
            HALF => _mm_storel_epi64(to.cast(), bytes),
            count => {
                let mut all = [0_u8; LANES];
                _mm_storeu_si128(all.as_mut_ptr().cast(), bytes);
                std::ptr::copy_nonoverlapping(all.as_ptr(), to, count);
            }
        }
    }
}

/// Each channel by itself.
pub(super) fn of_each(job: &Job<'_>) {
    assert!(is_known());
    for block in 0..if job.pixels == 0 { 0 } else { job.blocks() } {
        // SAFETY: the processor has the instructions, and the job has so many blocks; a window of three has a group of rows
        // in a column, one of five has two.
        unsafe {
            match (job.height, job.stride()) {
                (3, 1) => row_of_each::<3, 1, 1>(job, block),
                (3, _) => row_of_each::<3, 1, 2>(job, block),
                (_, 1) => row_of_each::<5, 2, 1>(job, block),
                (_, _) => row_of_each::<5, 2, 2>(job, block),
            }
        }
    }
}

/// Quarters of a block lie in the order 0, 2 and 1, 3, as `column` gives them.
///
/// # Safety
///
/// The processor has the instructions; the job has windows of `SIDE` with so many groups in a column and that stride, and
/// has that block.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn row_of_each<const SIDE: usize, const GROUPS: usize, const STRIDE: usize>(job: &Job<'_>, block: usize) {
    let (sums, first, channels) = (job.sums, block * LANES, job.sums.outputs);
    // SAFETY: the caller's promise.
    unsafe {
        let from = sums.weights.as_ptr().add(block * SIDE * GROUPS * LANES * GROUP);
        let mut weights = [[[_mm256_setzero_si256(); 2]; GROUPS]; SIDE];
        let mut columns = weights;
        let mut c = 0;
        while c < SIDE {
            let mut g = 0;
            while g < GROUPS {
                weights[c][g] = crossed(from.add((c * GROUPS + g) * LANES * GROUP).cast());
                g += 1;
            }
            // Those that the first window shares with one before it.
            if c >= STRIDE {
                columns[c] = column::<SIDE, GROUPS>(job, (c - STRIDE) * channels + first);
            }
            c += 1;
        }
        let start = crossed(sums.start.as_ptr().add(first).cast());
        let [low, high] = crossed(sums.scales.as_ptr().add(first).cast());
        let order = _mm256_setr_epi32(0, 1, 4, 5, 0, 1, 4, 5);
        let requantizer = Requantizer::new(sums, [_mm256_castsi256_ps(low), _mm256_castsi256_ps(high)], order);
        let mut pixel = 0;
        while pixel < job.pixels {
            let mut sum = start;
            let mut c = 0;
            while c < SIDE {
                columns[c] = match c + STRIDE < SIDE {
                    true => columns[c + STRIDE],
                    false => column::<SIDE, GROUPS>(job, (pixel * STRIDE + c) * channels + first),
                };
                let mut g = 0;
                while g < GROUPS {
                    sum[0] = dot(sum[0], columns[c][g][0], weights[c][g][0]);
                    sum[1] = dot(sum[1], columns[c][g][1], weights[c][g][1]);
                    g += 1;
                }
                c += 1;
            }
            store(requantizer.bytes(sum), job, pixel, first);
            pixel += 1;
        }
    }
}

/// Sixteen numbers of 32 bits, their quarters in the order 0, 2 and 1, 3.
///
/// # Safety
///
/// They can be read.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn crossed(from: *const i32) -> [__m256i; 2] {
    // SAFETY: the caller's promise.
    let (low, high) = unsafe { (_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(HALF).cast())) };
    [_mm256_permute2x128_si256::<0x20>(low, high), _mm256_permute2x128_si256::<0x31>(low, high)]
}

/// Sixteen bytes of each line from `at`, those of a channel after each other.
///
/// # Safety
///
/// As `row_of_each`; the lines have so many bytes from `at`.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn column<const SIDE: usize, const GROUPS: usize>(job: &Job<'_>, at: usize) -> [[__m256i; 2]; GROUPS] {
    let mut groups = [[_mm256_setzero_si256(); 2]; GROUPS];
    // SAFETY: the caller's promise.
    let words = |index: usize| unsafe { _mm256_cvtepu8_epi16(_mm_loadu_si128(job.lines[index].add(at).cast())) };
    let pairs = _mm256_or_si256(words(0), _mm256_slli_epi16::<8>(words(1)));
    let mut others = words(2);
    if SIDE > 3 {
        others = _mm256_or_si256(others, _mm256_slli_epi16::<8>(words(3)));
        let (last, none) = (words(4), _mm256_setzero_si256());
        groups[GROUPS - 1] = [_mm256_unpacklo_epi16(last, none), _mm256_unpackhi_epi16(last, none)];
    }
    groups[0] = [_mm256_unpacklo_epi16(pairs, others), _mm256_unpackhi_epi16(pairs, others)];
    groups
}
