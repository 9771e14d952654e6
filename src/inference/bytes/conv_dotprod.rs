//! Sums of products by the dot products of 64-bit ARM, which most of its processors since 2018 have (Raspberry Pi 5, Apple).
//!
//! They take signed bytes on both sides. So bytes of pictures are moved by 128, which turns their highest bit, and sums begin
//! with what that takes from them.
#![expect(
    unsafe_code,
    reason = "vector instructions load and store through pointers, and need a processor that has them"
)]

use super::conv::{GROUP, LANES, Sums};
use super::vectors::Job;
use std::arch::aarch64::*;
use std::arch::asm;

/// Sums of a vector.
const QUARTER: usize = 4;
/// Vectors that make up a block of outputs.
const VECTORS: usize = LANES / QUARTER;

pub(super) fn is_known() -> bool {
    std::arch::is_aarch64_feature_detected!("dotprod")
}

/// All channels with all.
pub(super) fn products(job: &Job<'_>) {
    assert!(is_known());
    for block in 0..job.blocks() {
        let mut pixel = 0;
        // SAFETY: the processor has the instructions; the job has so many blocks and pixels.
        unsafe {
            while job.pixels - pixel >= 4 {
                some::<4>(job, block, pixel);
                pixel += 4;
            }
            while pixel < job.pixels {
                some::<1>(job, block, pixel);
                pixel += 1;
            }
        }
    }
}

/// # Safety
///
/// The processor has the instructions; the job has that block, and so many pixels from that one.
#[target_feature(enable = "neon,dotprod")]
#[inline]
unsafe fn some<const PIXELS: usize>(job: &Job<'_>, block: usize, pixel: usize) {
    let (sums, step, first) = (job.sums, job.step, block * LANES);
    let requantizer = Requantizer::new(sums, first);
    let mut found = [start(sums, first); PIXELS];
    let mut bytes = [vdupq_n_u8(0); PIXELS];
    // SAFETY: the caller's promise.
    unsafe {
        let mut weights = sums.weights.as_ptr().add(block * job.height * sums.groups * LANES * GROUP);
        for number in 0..job.height {
            let mut line = job.lines[number].add(pixel * step);
            let mut group = 0;
            while group + 4 <= sums.groups {
                for (p, bytes) in bytes.iter_mut().enumerate() {
                    *bytes = vld1q_u8(line.wrapping_add(p * step));
                }
                add::<PIXELS, 0>(&mut found, bytes, weights);
                add::<PIXELS, 1>(&mut found, bytes, weights.wrapping_add(LANES * GROUP));
                add::<PIXELS, 2>(&mut found, bytes, weights.wrapping_add(2 * LANES * GROUP));
                add::<PIXELS, 3>(&mut found, bytes, weights.wrapping_add(3 * LANES * GROUP));
                weights = weights.wrapping_add(4 * LANES * GROUP);
                line = line.wrapping_add(4 * GROUP);
                group += 4;
            }
            while group < sums.groups {
                for (p, bytes) in bytes.iter_mut().enumerate() {
                    let four = line.wrapping_add(p * step).cast::<u32>().read_unaligned();
                    *bytes = vreinterpretq_u8_u32(vdupq_n_u32(four));
                }
                add::<PIXELS, 0>(&mut found, bytes, weights);
                weights = weights.wrapping_add(LANES * GROUP);
                line = line.wrapping_add(GROUP);
                group += 1;
            }
        }
        for (p, sums) in found.into_iter().enumerate() {
            store(requantizer.bytes(sums), job, pixel + p, first);
        }
    }
}

/// Adds the products of four bytes of each pixel, those of that lane, with four weights of each output.
///
/// # Safety
///
/// The processor has the instructions; there are weights of a block.
#[target_feature(enable = "neon,dotprod")]
#[inline]
unsafe fn add<const PIXELS: usize, const LANE: i32>(
    found: &mut [[int32x4_t; VECTORS]; PIXELS],
    bytes: [uint8x16_t; PIXELS],
    weights: *const i8,
) {
    let mut four = [vdupq_n_s8(0); VECTORS];
    for (v, four) in four.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *four = unsafe { vld1q_s8(weights.add(v * QUARTER * GROUP)) };
    }
    for (sums, bytes) in found.iter_mut().zip(bytes) {
        let bytes = moved(bytes);
        for (sums, weights) in sums.iter_mut().zip(four) {
            *sums = dot_of_lane::<LANE>(*sums, weights, bytes);
        }
    }
}

/// What sums of moved bytes begin with, of a block.
#[target_feature(enable = "neon")]
#[inline]
fn start(sums: &Sums, first: usize) -> [int32x4_t; VECTORS] {
    let from = &sums.moved_start[first..first + LANES];
    let mut start = [vdupq_n_s32(0); VECTORS];
    for (start, from) in start.iter_mut().zip(from.as_chunks::<QUARTER>().0) {
        // SAFETY: four numbers are read.
        *start = unsafe { vld1q_s32(from.as_ptr()) };
    }
    start
}

/// Bytes less 128.
#[target_feature(enable = "neon")]
#[inline]
fn moved(bytes: uint8x16_t) -> int8x16_t {
    vreinterpretq_s8_u8(veorq_u8(bytes, vdupq_n_u8(128)))
}

/// Adds the products of four bytes with four of the other vector to each of the sums.
#[target_feature(enable = "neon,dotprod")]
#[inline]
fn dot(mut sums: int32x4_t, weights: int8x16_t, bytes: int8x16_t) -> int32x4_t {
    // The intrinsic is stable since Rust 1.98.
    // SAFETY: the instruction works on registers alone.
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {weights:v}.16b, {bytes:v}.16b",
            sums = inout(vreg) sums, weights = in(vreg) weights, bytes = in(vreg) bytes,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sums
}

/// The same with the four bytes of that lane for all sums.
#[target_feature(enable = "neon,dotprod")]
#[inline]
fn dot_of_lane<const LANE: i32>(mut sums: int32x4_t, weights: int8x16_t, bytes: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction works on registers alone.
    unsafe {
        asm!(
            "sdot {sums:v}.4s, {weights:v}.16b, {bytes:v}.4b[{lane}]",
            sums = inout(vreg) sums, weights = in(vreg) weights, bytes = in(vreg) bytes, lane = const LANE,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sums
}

/// From the sums of a block to bytes. Sums are rounded, packed to 16 bits, moved by the zero point and packed to 8 bits, all of
/// it cut off at the ends; [`Sums`] holds no such that do not fit into 32 bits after they are multiplied.
struct Requantizer {
    scales: [float32x4_t; VECTORS],
    zero: int16x8_t,
}

impl Requantizer {
    #[target_feature(enable = "neon")]
    #[inline]
    fn new(sums: &Sums, first: usize) -> Self {
        let from = &sums.scales[first..first + LANES];
        let mut scales = [vdupq_n_f32(0.0); VECTORS];
        for (scales, from) in scales.iter_mut().zip(from.as_chunks::<QUARTER>().0) {
            // SAFETY: four numbers are read.
            *scales = unsafe { vld1q_f32(from.as_ptr()) };
        }
        Self { scales, zero: vdupq_n_s16(i16::from(sums.zero)) }
    }

    #[target_feature(enable = "neon")]
    #[inline]
    fn bytes(&self, sums: [int32x4_t; VECTORS]) -> uint8x16_t {
        let mut words = [vdup_n_s16(0); VECTORS];
        for v in 0..VECTORS {
            words[v] = vqmovn_s32(vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(sums[v]), self.scales[v])));
        }
        let low = vqaddq_s16(vcombine_s16(words[0], words[1]), self.zero);
        let high = vqaddq_s16(vcombine_s16(words[2], words[3]), self.zero);
        vcombine_u8(vqmovun_s16(low), vqmovun_s16(high))
    }
}

/// The outputs of a pixel from `first`, as many as there are.
///
/// # Safety
///
/// The job has that pixel and that output.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn store(bytes: uint8x16_t, job: &Job<'_>, pixel: usize, first: usize) {
    let outputs = job.sums.outputs;
    // SAFETY: the caller's promise; no more is written than there is.
    unsafe {
        let to = job.to.add(pixel * outputs + first);
        match outputs - first {
            LANES.. => vst1q_u8(to, bytes),
            8 => vst1_u8(to, vget_low_u8(bytes)),
            count => {
                let mut all = [0_u8; LANES];
                vst1q_u8(all.as_mut_ptr(), bytes);
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

/// A column of the window: for each group of rows 16 channels.
type Column<const GROUPS: usize> = [[int8x16_t; VECTORS]; GROUPS];

/// # Safety
///
/// The processor has the instructions; the job has windows of `SIDE` with so many groups in a column and that stride, and
/// has that block.
#[target_feature(enable = "neon,dotprod")]
unsafe fn row_of_each<const SIDE: usize, const GROUPS: usize, const STRIDE: usize>(job: &Job<'_>, block: usize) {
    let (sums, first, channels) = (job.sums, block * LANES, job.sums.outputs);
    let (start, requantizer) = (start(sums, first), Requantizer::new(sums, first));
    let mut weights: [Column<GROUPS>; SIDE] = [[[vdupq_n_s8(0); VECTORS]; GROUPS]; SIDE];
    let mut columns = weights;
    // SAFETY: the caller's promise.
    unsafe {
        let from = sums.weights.as_ptr().add(block * SIDE * GROUPS * LANES * GROUP);
        for (index, weights) in weights.iter_mut().flatten().flatten().enumerate() {
            *weights = vld1q_s8(from.add(index * QUARTER * GROUP));
        }
        // Those that the first window shares with one before it.
        for (c, shared) in columns[STRIDE..].iter_mut().enumerate() {
            *shared = column::<SIDE, GROUPS>(job, c * channels + first);
        }
        for pixel in 0..job.pixels {
            let mut sum = start;
            let mut c = 0;
            while c < SIDE {
                columns[c] = match c + STRIDE < SIDE {
                    true => columns[c + STRIDE],
                    false => column::<SIDE, GROUPS>(job, (pixel * STRIDE + c) * channels + first),
                };
                for (weights, column) in weights[c].iter().zip(&columns[c]) {
                    for v in 0..VECTORS {
                        sum[v] = dot(sum[v], weights[v], column[v]);
                    }
                }
                c += 1;
            }
            store(requantizer.bytes(sum), job, pixel, first);
        }
    }
}

/// Sixteen bytes of each line from `at`, those of a channel after each other. Where there is no fourth row, weights are 0.
///
/// # Safety
///
/// As `row_of_each`; the lines have so many bytes from `at`.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn column<const SIDE: usize, const GROUPS: usize>(job: &Job<'_>, at: usize) -> Column<GROUPS> {
    let mut groups = [[vdupq_n_s8(0); VECTORS]; GROUPS];
    // SAFETY: the caller's promise.
    let line = |index: usize| unsafe { vld1q_u8(job.lines[index].add(at)) };
    groups[0] = in_fours([line(0), line(1), line(2), line(if SIDE > 3 { 3 } else { 2 })]);
    if SIDE > 3 {
        groups[GROUPS - 1] = in_fours([line(4); GROUP]);
    }
    groups
}

/// Byte c of each of four vectors become bytes 4 c to 4 c + 3, less 128.
#[target_feature(enable = "neon")]
#[inline]
fn in_fours([a, b, c, d]: [uint8x16_t; GROUP]) -> [int8x16_t; VECTORS] {
    let pairs = |a, b| [vreinterpretq_u16_u8(vzip1q_u8(a, b)), vreinterpretq_u16_u8(vzip2q_u8(a, b))];
    let ([first, later], [others, later_others]) = (pairs(a, b), pairs(c, d));
    [
        moved(vreinterpretq_u8_u16(vzip1q_u16(first, others))),
        moved(vreinterpretq_u8_u16(vzip2q_u16(first, others))),
        moved(vreinterpretq_u8_u16(vzip1q_u16(later, later_others))),
        moved(vreinterpretq_u8_u16(vzip2q_u16(later, later_others))),
    ]
}
