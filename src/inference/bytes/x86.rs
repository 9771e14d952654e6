//! Look-ups on x86: AVX-512 VBMI, AVX2.
#![expect(
    unsafe_code,
    reason = "vector instructions load and store through pointers, and need a processor that has them"
)]

use super::columns::{COLUMNS, Lines, ROWS};
use super::{ENTRIES, Table};
use std::arch::x86_64::*;

/// Bytes of a vector.
const WIDE: usize = 64;
const HALF: usize = 32;
/// Entries that a shuffle knows.
const SHUFFLED: usize = 16;

pub(super) fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi")
}

pub(super) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
}

/// All bytes; says how many were done.
pub(super) fn by_avx512(table: &Table, from: &[u8], to: &mut [u8]) -> usize {
    assert!(has_avx512() && from.len() == to.len());
    // SAFETY: the processor has the instructions, and both slices have `from.len()` bytes.
    unsafe { wide(table, from.as_ptr(), to.as_mut_ptr(), from.len()) };
    from.len()
}

/// The same in place.
pub(super) fn by_avx512_in_place(table: &Table, bytes: &mut [u8]) -> usize {
    assert!(has_avx512());
    let at = bytes.as_mut_ptr();
    // SAFETY: the processor has the instructions; both pointers come from the one mutable borrow.
    unsafe { wide(table, at, at, bytes.len()) };
    bytes.len()
}

/// Whole vectors; says how many bytes were done.
pub(super) fn by_avx2(table: &Table, from: &[u8], to: &mut [u8]) -> usize {
    assert!(has_avx2() && from.len() == to.len());
    // SAFETY: the processor has the instructions, and both slices have `from.len()` bytes.
    unsafe { half(table, from.as_ptr(), to.as_mut_ptr(), from.len()) }
}

/// The same in place.
pub(super) fn by_avx2_in_place(table: &Table, bytes: &mut [u8]) -> usize {
    assert!(has_avx2());
    let at = bytes.as_mut_ptr();
    // SAFETY: the processor has the instructions; both pointers come from the one mutable borrow.
    unsafe { half(table, at, at, bytes.len()) }
}

/// # Safety
///
/// `from` is valid for `count` reads and `to` for `count` writes; they are the same, or do not overlap.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
unsafe fn wide(table: &Table, from: *const u8, to: *mut u8, count: usize) {
    let quarter = |index: usize| {
        // SAFETY: four vectors make up the table.
        unsafe { _mm512_loadu_si512(table.as_ptr().add(index * WIDE).cast()) }
    };
    let quarters = [quarter(0), quarter(1), quarter(2), quarter(3)];
    let look_up = |bytes: __m512i| {
        // Both take the lowest seven bits of a byte; the eighth chooses between them.
        let low = _mm512_permutex2var_epi8(quarters[0], bytes, quarters[1]);
        let high = _mm512_permutex2var_epi8(quarters[2], bytes, quarters[3]);
        _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), low, high)
    };
    let whole = count / WIDE * WIDE;
    for at in (0..whole).step_by(WIDE) {
        // SAFETY: the caller's promise, as `at + WIDE <= count`. What is written was read before.
        unsafe { _mm512_storeu_si512(to.add(at).cast(), look_up(_mm512_loadu_si512(from.add(at).cast()))) };
    }
    if whole < count {
        let mask = u64::MAX >> (WIDE - (count - whole));
        // SAFETY: the caller's promise; bytes that the mask leaves out are neither read nor written.
        unsafe {
            let bytes = _mm512_maskz_loadu_epi8(mask, from.add(whole).cast());
            _mm512_mask_storeu_epi8(to.add(whole).cast(), mask, look_up(bytes));
        }
    }
}

/// A shuffle gives zero for a byte with its highest bit set, and takes the lowest four bits of another. So 16 is
/// subtracted from the bytes again and again (they stay negative once they are), and the table of each step is the one
/// of 16 entries XORed with that of the step before: what a byte collects until it is negative is its own entry. The
/// bytes from 128 are negative from the beginning, and go the same way with their highest bit turned.
///
/// # Safety
///
/// As [`wide`]; says how many bytes were done, whole vectors.
#[target_feature(enable = "avx2")]
unsafe fn half(table: &Table, from: *const u8, to: *mut u8, count: usize) -> usize {
    let mut steps = [_mm256_setzero_si256(); ENTRIES / SHUFFLED];
    for (index, step) in steps.iter_mut().enumerate() {
        // SAFETY: 16 such parts make up the table.
        let part = |index: usize| unsafe { _mm_loadu_si128(table.as_ptr().add(index * SHUFFLED).cast()) };
        let is_first = index == 0 || index == ENTRIES / SHUFFLED / 2;
        let entries = if is_first { part(index) } else { _mm_xor_si128(part(index), part(index - 1)) };
        *step = _mm256_broadcastsi128_si256(entries);
    }
    let (low, high) = steps.split_at(ENTRIES / SHUFFLED / 2);
    let (sixteen, top) = (_mm256_set1_epi8(16), _mm256_set1_epi8(i8::MIN));
    let whole = count / HALF * HALF;
    for at in (0..whole).step_by(HALF) {
        // SAFETY: the caller's promise, as `at + HALF <= count`.
        let bytes = unsafe { _mm256_loadu_si256(from.add(at).cast()) };
        let (mut below, mut above) = (bytes, _mm256_xor_si256(bytes, top));
        let mut sum = _mm256_setzero_si256();
        for (low, high) in low.iter().zip(high) {
            let found = _mm256_xor_si256(_mm256_shuffle_epi8(*low, below), _mm256_shuffle_epi8(*high, above));
            sum = _mm256_xor_si256(sum, found);
            below = _mm256_subs_epi8(below, sixteen);
            above = _mm256_subs_epi8(above, sixteen);
        }
        // SAFETY: the caller's promise. What is written was read before.
        unsafe { _mm256_storeu_si256(to.add(at).cast(), sum) };
    }
    whole
}

/// Lays 16 columns of a matrix out: of each row of `from`, which begin `stride` bytes after each other, the first 16 bytes
/// are taken. Whole vectors of `rows`; says how many rows were done.
pub(super) fn lay_out(from: &[u8], stride: usize, to: &mut Lines, rows: usize) -> usize {
    let whole = rows / HALF * HALF;
    assert!(has_avx2() && whole <= ROWS && (whole == 0 || from.len() >= (whole - 1) * stride + COLUMNS));
    // SAFETY: the processor has the instructions; `from` has `whole` rows, and so has each of the lines.
    unsafe { turn_out(from.as_ptr(), stride, to.as_mut_ptr().cast(), whole) };
    whole
}

/// The way back of [`lay_out`].
pub(super) fn lay_back(from: &Lines, to: &mut [u8], stride: usize, rows: usize) {
    let whole = rows / HALF * HALF;
    assert!(has_avx2() && whole <= ROWS && (whole == 0 || to.len() >= (whole - 1) * stride + COLUMNS));
    // SAFETY: the processor has the instructions; each of the lines has `whole` bytes, and `to` has as many rows.
    unsafe { turn_back(from.as_ptr().cast(), to.as_mut_ptr(), stride, whole) };
}

/// # Safety
///
/// `from` is valid for reads of 16 bytes at each of `rows`, which are whole vectors, and `to` for writes of so many bytes at
/// each of its lines; they do not overlap.
#[target_feature(enable = "avx2")]
unsafe fn turn_out(from: *const u8, stride: usize, to: *mut u8, rows: usize) {
    for at in (0..rows).step_by(HALF) {
        let mut lines = [_mm256_setzero_si256(); COLUMNS];
        for (index, line) in lines.iter_mut().enumerate() {
            // SAFETY: the caller's promise, as both rows are below `at + HALF`.
            let part = |row: usize| unsafe { _mm_loadu_si128(from.add(row * stride).cast()) };
            *line = _mm256_set_m128i(part(at + COLUMNS + index), part(at + index));
        }
        for (index, line) in turned(lines).into_iter().enumerate() {
            // SAFETY: the caller's promise, as `at + HALF <= rows`.
            unsafe { _mm256_storeu_si256(to.add(index * ROWS + at).cast(), line) };
        }
    }
}

/// # Safety
///
/// As [`turn_out`] with reading and writing exchanged.
#[target_feature(enable = "avx2")]
unsafe fn turn_back(from: *const u8, to: *mut u8, stride: usize, rows: usize) {
    for at in (0..rows).step_by(HALF) {
        let mut lines = [_mm256_setzero_si256(); COLUMNS];
        for (index, line) in lines.iter_mut().enumerate() {
            // SAFETY: the caller's promise, as `at + HALF <= rows`.
            *line = unsafe { _mm256_loadu_si256(from.add(index * ROWS + at).cast()) };
        }
        for (index, line) in turned(lines).into_iter().enumerate() {
            // SAFETY: the caller's promise, as both rows are below `at + HALF`.
            unsafe {
                _mm_storeu_si128(to.add((at + index) * stride).cast(), _mm256_castsi256_si128(line));
                let upper = _mm256_extracti128_si256::<1>(line);
                _mm_storeu_si128(to.add((at + COLUMNS + index) * stride).cast(), upper);
            }
        }
    }
}

/// Exchanges rows and columns of 16 times 16 bytes, in both halves. A byte's place is told by eight bits, those of its
/// vector before those of its place within; mixing the vectors i and i + 8 moves all these bits up by one, and the highest
/// one to the end, so that four times exchange the halves.
#[target_feature(enable = "avx2")]
fn turned(mut lines: [__m256i; COLUMNS]) -> [__m256i; COLUMNS] {
    for _ in 0..4 {
        let before = lines;
        for index in 0..COLUMNS / 2 {
            let (a, b) = (before[index], before[index + COLUMNS / 2]);
            lines[2 * index] = _mm256_unpacklo_epi8(a, b);
            lines[2 * index + 1] = _mm256_unpackhi_epi8(a, b);
        }
    }
    lines
}
