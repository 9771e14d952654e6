//! Look-ups with a table for each channel where the channels of a pixel lie beside each other, by AVX-512 VBMI.
#![expect(
    unsafe_code,
    reason = "vector instructions load and store through pointers, and need a processor that has them"
)]

use super::super::{ENTRIES, Table};
use std::arch::x86_64::*;

/// Channels that are done together, and pixels of a lane of a vector.
const SIDE: usize = 16;
/// Pixels that are done together.
const PIXELS: usize = 64;
/// Pixels after which the next channels are done, so that both tables and pixels stay in the nearest cache.
const BLOCK: usize = 256;
/// Bytes of a vector.
const WIDE: usize = 64;

pub(in super::super) fn has_it() -> bool {
    super::has_avx512() && is_x86_feature_detected!("avx512vl")
}

/// All whole pixels; says how many bytes that were. Both slices are of the same length.
pub(in super::super) fn by_avx512(tables: &[Table], from: &[u8], to: &mut [u8]) -> usize {
    assert!(has_it() && from.len() == to.len());
    let Some(pixels) = from.len().checked_div(tables.len()) else { return 0 };
    // SAFETY: the processor has the instructions, and both slices hold so many pixels.
    unsafe { blocks(tables, from.as_ptr(), to.as_mut_ptr(), pixels) };
    pixels * tables.len()
}

/// The same in place.
pub(in super::super) fn by_avx512_in_place(tables: &[Table], bytes: &mut [u8]) -> usize {
    assert!(has_it());
    let Some(pixels) = bytes.len().checked_div(tables.len()) else { return 0 };
    let at = bytes.as_mut_ptr();
    // SAFETY: the processor has the instructions; both pointers come from the one mutable borrow.
    unsafe { blocks(tables, at, at, pixels) };
    pixels * tables.len()
}

/// # Safety
///
/// `from` is valid for reads of `pixels` times as many bytes as there are tables, and `to` for writes; they are the same, or
/// do not overlap.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
unsafe fn blocks(tables: &[Table], from: *const u8, to: *mut u8, pixels: usize) {
    let stride = tables.len();
    for block in (0..pixels).step_by(BLOCK) {
        let end = (block + BLOCK).min(pixels);
        for (index, tables) in tables.chunks(SIDE).enumerate() {
            for first in (block..end).step_by(PIXELS) {
                let at = first * stride + index * SIDE;
                // SAFETY: the caller's promise; the pixels and channels of this tile are among those.
                unsafe { tile(tables, from.add(at), to.add(at), stride, (end - first).min(PIXELS)) };
            }
        }
    }
}

/// Up to 64 pixels of up to 16 channels: pixels become lanes of vectors that hold one channel each, are looked up, and
/// become pixels again.
///
/// # Safety
///
/// `pixels` times, `stride` apart, `from` is valid for reads of as many bytes as there are tables, and `to` for writes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
unsafe fn tile(tables: &[Table], from: *const u8, to: *mut u8, stride: usize, pixels: usize) {
    let mask = u16::MAX >> (SIDE - tables.len());
    let load = |pixel: usize| {
        if pixel >= pixels {
            return _mm_setzero_si128();
        }
        // SAFETY: the caller's promise; what the mask leaves out is not read.
        unsafe { _mm_maskz_loadu_epi8(mask, from.add(pixel * stride).cast()) }
    };
    let mut rows = [_mm512_setzero_si512(); SIDE];
    for (pixel, row) in rows.iter_mut().enumerate() {
        let first = _mm512_castsi128_si512(load(pixel));
        let second = _mm512_inserti32x4::<1>(first, load(pixel + SIDE));
        let third = _mm512_inserti32x4::<2>(second, load(pixel + 2 * SIDE));
        *row = _mm512_inserti32x4::<3>(third, load(pixel + 3 * SIDE));
    }
    rows = turned(rows);
    for (row, table) in rows.iter_mut().zip(tables) {
        *row = looked_up(table, *row);
    }
    rows = turned(rows);
    let store = |pixel: usize, bytes: __m128i| {
        if pixel < pixels {
            // SAFETY: the caller's promise; what the mask leaves out is not written. All was read before.
            unsafe { _mm_mask_storeu_epi8(to.add(pixel * stride).cast(), mask, bytes) }
        }
    };
    for (pixel, row) in rows.into_iter().enumerate() {
        store(pixel, _mm512_castsi512_si128(row));
        store(pixel + SIDE, _mm512_extracti32x4_epi32::<1>(row));
        store(pixel + 2 * SIDE, _mm512_extracti32x4_epi32::<2>(row));
        store(pixel + 3 * SIDE, _mm512_extracti32x4_epi32::<3>(row));
    }
}

/// In each of the four lanes, byte b of vector v becomes byte v of vector b. Interleaving vectors v and v + 8 into 2v and
/// 2v + 1 turns the eight bits of a byte's place, those of the vector before those in it, by one; four times, both halves
/// have changed places.
#[target_feature(enable = "avx512f,avx512bw")]
fn turned(mut rows: [__m512i; SIDE]) -> [__m512i; SIDE] {
    for _ in 0..SIDE.ilog2() {
        let mut next = rows;
        for place in 0..SIDE / 2 {
            next[2 * place] = _mm512_unpacklo_epi8(rows[place], rows[place + SIDE / 2]);
            next[2 * place + 1] = _mm512_unpackhi_epi8(rows[place], rows[place + SIDE / 2]);
        }
        rows = next;
    }
    rows
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn looked_up(table: &Table, bytes: __m512i) -> __m512i {
    const { assert!(ENTRIES == 4 * WIDE) };
    // SAFETY: four vectors make up the table.
    let quarter = |index: usize| unsafe { _mm512_loadu_si512(table.as_ptr().add(index * WIDE).cast()) };
    // Both take the lowest seven bits of a byte; the eighth chooses between them.
    let low = _mm512_permutex2var_epi8(quarter(0), bytes, quarter(1));
    let high = _mm512_permutex2var_epi8(quarter(2), bytes, quarter(3));
    _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), low, high)
}
