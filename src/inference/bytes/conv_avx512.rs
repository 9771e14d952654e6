//! Sums of products by AVX-512 VNNI.
#![expect(
    unsafe_code,
    reason = "vector instructions load and store through pointers, and need a processor that has them"
)]

use super::conv::{GROUP, LANES, Sums};
use super::vectors::Job;
use std::arch::x86_64::*;

pub(super) fn is_known() -> bool {
    super::x86::has_avx512() && is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512vnni")
}

/// All channels with all.
pub(super) fn products(job: &Job<'_>) {
    assert!(is_known());
    let (mut block, blocks) = (0, job.blocks());
    while block < blocks {
        let vectors = (blocks - block).min(4);
        // SAFETY: the processor has the instructions, and the job has so many blocks.
        unsafe {
            match vectors {
                4 => all::<6, 4>(job, block),
                3 => all::<8, 3>(job, block),
                2 => all::<12, 2>(job, block),
                _ => all::<14, 1>(job, block),
            }
        }
        block += vectors;
    }
}

/// # Safety
///
/// The processor has the instructions; there are so many vectors from `block`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn all<const PIXELS: usize, const VECTORS: usize>(job: &Job<'_>, block: usize) {
    let pixels = job.pixels;
    let whole = pixels / PIXELS * PIXELS;
    // SAFETY: the caller's promise.
    unsafe {
        let half = PIXELS / 2;
        let mut pixel = 0;
        while pixel < whole {
            some::<PIXELS, VECTORS>(job, block, pixel);
            pixel += PIXELS;
        }
        if pixels - pixel >= half {
            match VECTORS {
                4 => some::<3, VECTORS>(job, block, pixel),
                3 => some::<4, VECTORS>(job, block, pixel),
                2 => some::<6, VECTORS>(job, block, pixel),
                _ => some::<7, VECTORS>(job, block, pixel),
            }
            pixel += half;
        }
        while pixel < pixels {
            some::<1, VECTORS>(job, block, pixel);
            pixel += 1;
        }
    }
}

/// # Safety
///
/// As `all`; there are so many pixels from that one.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
unsafe fn some<const PIXELS: usize, const VECTORS: usize>(job: &Job<'_>, block: usize, pixel: usize) {
    let (sums, step, outputs) = (job.sums, job.step, job.sums.outputs);
    let of_block = job.height * sums.groups * LANES * GROUP;
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
        while number < job.height {
            let mut line = job.lines[number].add(pixel * step);
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
                        found[p][v] = dot(found[p][v], bytes, of_group[v]);
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
        let count = (outputs - first).min(VECTORS * LANES);
        let mask = u64::MAX >> (4 * LANES - count);
        let mut p = 0;
        while p < PIXELS {
            let to = job.to.add((pixel + p) * outputs + first);
            _mm512_mask_storeu_epi8(to.cast(), mask, requantizer.bytes(&found[p]));
            p += 1;
        }
    }
}

#[cfg(not(miri))]
#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
fn dot(sums: __m512i, bytes: __m512i, weights: __m512i) -> __m512i {
    _mm512_dpbusd_epi32(sums, bytes, weights)
}

#[cfg(not(miri))]
#[target_feature(enable = "avx512f")]
#[inline]
fn rounded(numbers: __m512) -> __m512i {
    _mm512_cvtps_epi32(numbers)
}

#[cfg(miri)]
fn dot(sums: __m512i, bytes: __m512i, weights: __m512i) -> __m512i {
    use std::mem::transmute;
    // SAFETY: vectors are as large as their numbers.
    unsafe { transmute(super::for_miri::dot::<LANES>(transmute(sums), transmute(bytes), transmute(weights))) }
}

#[cfg(miri)]
fn rounded(numbers: __m512) -> __m512i {
    use std::mem::transmute;
    // SAFETY: the same.
    unsafe { transmute(super::for_miri::rounded::<LANES>(transmute(numbers))) }
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
            whole[v] = rounded(_mm512_mul_ps(_mm512_cvtepi32_ps(sums[v]), self.scales[v]));
            v += 1;
        }
        let low = _mm512_adds_epi16(_mm512_packs_epi32(whole[0], whole[1]), self.zero);
        let high = if VECTORS > 2 { _mm512_adds_epi16(_mm512_packs_epi32(whole[2], whole[3]), self.zero) } else { low };
        _mm512_permutexvar_epi32(self.order, _mm512_packus_epi16(low, high))
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

/// The bytes of a column of the window lie in groups of four. So a column is made ready once for all the windows that it
/// belongs to.
///
/// # Safety
///
/// The processor has the instructions; the job has windows of `SIDE` with so many groups in a column and that stride, and
/// has that block.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
unsafe fn row_of_each<const SIDE: usize, const GROUPS: usize, const STRIDE: usize>(job: &Job<'_>, block: usize) {
    let (sums, first, channels) = (job.sums, block * LANES, job.sums.outputs);
    // SAFETY: the caller's promise.
    unsafe {
        let order = _mm512_loadu_si512(ORDER.as_ptr().cast());
        let from = sums.weights.as_ptr().add(block * SIDE * GROUPS * LANES * GROUP);
        let mut weights = [[_mm512_setzero_si512(); GROUPS]; SIDE];
        let mut columns = weights;
        let mut c = 0;
        while c < SIDE {
            let mut g = 0;
            while g < GROUPS {
                weights[c][g] = _mm512_loadu_si512(from.add((c * GROUPS + g) * LANES * GROUP).cast());
                g += 1;
            }
            // Those that the first window shares with one before it.
            if c >= STRIDE {
                columns[c] = column::<SIDE, GROUPS>(job, (c - STRIDE) * channels + first, order);
            }
            c += 1;
        }
        let start = _mm512_loadu_si512(sums.start.as_ptr().add(first).cast());
        let requantizer = Requantizer::<1>::new(sums, first);
        let mask = u16::MAX >> (LANES - (channels - first).min(LANES));
        let mut pixel = 0;
        while pixel < job.pixels {
            let mut sum = start;
            let mut c = 0;
            while c < SIDE {
                columns[c] = match c + STRIDE < SIDE {
                    true => columns[c + STRIDE],
                    false => column::<SIDE, GROUPS>(job, (pixel * STRIDE + c) * channels + first, order),
                };
                let mut g = 0;
                while g < GROUPS {
                    sum = dot(sum, columns[c][g], weights[c][g]);
                    g += 1;
                }
                c += 1;
            }
            let bytes = _mm512_castsi512_si128(requantizer.bytes(&[sum]));
            _mm_mask_storeu_epi8(job.to.add(pixel * channels + first).cast(), mask, bytes);
            pixel += 1;
        }
    }
}

/// Sixteen bytes of each line from `at`, those of a channel after each other.
///
/// # Safety
///
/// As `row_of_each`; the lines have so many bytes from `at`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
#[inline]
unsafe fn column<const SIDE: usize, const GROUPS: usize>(
    job: &Job<'_>,
    at: usize,
    order: __m512i,
) -> [__m512i; GROUPS] {
    let mut groups = [_mm512_setzero_si512(); GROUPS];
    // SAFETY: the caller's promise.
    unsafe {
        let line = |index: usize| _mm_loadu_si128(job.lines[index].add(at).cast());
        let first = _mm512_inserti32x4::<1>(_mm512_castsi128_si512(line(0)), line(1));
        let mut four = _mm512_inserti32x4::<2>(first, line(2));
        if SIDE > 3 {
            four = _mm512_inserti32x4::<3>(four, line(3));
            groups[GROUPS - 1] = _mm512_cvtepu8_epi32(line(4));
        }
        groups[0] = _mm512_permutexvar_epi8(order, four);
    }
    groups
}

/// Byte c of each of four lines become bytes 4 c to 4 c + 3.
static ORDER: [u8; 64] = {
    let mut order = [0; 64];
    let mut at = 0;
    while at < order.len() {
        order[at] = (at / GROUP + at % GROUP * LANES) as u8;
        at += 1;
    }
    order
};
