//! Look-ups on 64-bit ARM.
#![expect(unsafe_code, reason = "vector instructions load and store through pointers")]

use super::Table;
use super::columns::{COLUMNS, Lines, ROWS};
use std::arch::aarch64::*;

/// Bytes of a vector.
const WIDTH: usize = 16;
/// Entries of a part of the table.
const PART: usize = 64;

/// Whole vectors; says how many bytes were done.
pub(super) fn by_neon(table: &Table, from: &[u8], to: &mut [u8]) -> usize {
    assert!(from.len() == to.len());
    // SAFETY: both slices have `from.len()` bytes.
    unsafe { by_parts(table, from.as_ptr(), to.as_mut_ptr(), from.len()) }
}

/// The same in place.
pub(super) fn by_neon_in_place(table: &Table, bytes: &mut [u8]) -> usize {
    let at = bytes.as_mut_ptr();
    // SAFETY: both pointers come from the one mutable borrow.
    unsafe { by_parts(table, at, at, bytes.len()) }
}

/// # Safety
///
/// `from` is valid for `count` reads and `to` for `count` writes; they are the same, or do not overlap.
unsafe fn by_parts(table: &Table, from: *const u8, to: *mut u8, count: usize) -> usize {
    let whole = count / WIDTH * WIDTH;
    // SAFETY: every such processor has these instructions; four parts make up the table; and the caller's promise, as
    // `at + WIDTH <= count`. What is written was read before.
    unsafe {
        let part = |index: usize| vld1q_u8_x4(table.as_ptr().add(index * PART));
        let parts = [part(0), part(1), part(2), part(3)];
        let step = vdupq_n_u8(PART as u8);
        for at in (0..whole).step_by(WIDTH) {
            let mut bytes = vld1q_u8(from.add(at));
            // A byte beyond a part's end finds zero in the first look-up and keeps what it has in the others.
            let mut found = vqtbl4q_u8(parts[0], bytes);
            for part in &parts[1..] {
                bytes = vsubq_u8(bytes, step);
                found = vqtbx4q_u8(found, *part, bytes);
            }
            vst1q_u8(to.add(at), found);
        }
    }
    whole
}

/// Lays 16 columns of a matrix out: of each row of `from`, which begin `stride` bytes after each other, the first 16 bytes
/// are taken. Whole vectors of `rows`; says how many rows were done.
pub(super) fn lay_out(from: &[u8], stride: usize, to: &mut Lines, rows: usize) -> usize {
    let whole = rows / WIDTH * WIDTH;
    assert!(whole <= ROWS && (whole == 0 || from.len() >= (whole - 1) * stride + COLUMNS));
    let to = to.as_mut_ptr().cast();
    // SAFETY: `from` has `whole` rows, and so has each of the lines.
    unsafe { turn(from.as_ptr(), [stride, WIDTH * stride], to, [ROWS, WIDTH], whole / WIDTH) };
    whole
}

/// The way back of [`lay_out`].
pub(super) fn lay_back(from: &Lines, to: &mut [u8], stride: usize, rows: usize) {
    let whole = rows / WIDTH * WIDTH;
    assert!(whole <= ROWS && (whole == 0 || to.len() >= (whole - 1) * stride + COLUMNS));
    let from = from.as_ptr().cast();
    // SAFETY: each of the lines has `whole` bytes, and `to` has as many rows.
    unsafe { turn(from, [ROWS, WIDTH], to.as_mut_ptr(), [stride, WIDTH * stride], whole / WIDTH) };
}

/// Turns squares of 16 times 16 bytes. For both sides it is told how many bytes after each other the lines of a square
/// begin, and the squares.
///
/// Four times the vectors i and i + 8 are mixed: of the eight bits that tell a byte's place, those of its vector first,
/// each time moves all up by one, and the highest one to the end.
///
/// # Safety
///
/// `from` is valid for reads and `to` for writes of 16 bytes at each line of each square; they do not overlap.
unsafe fn turn(
    from: *const u8,
    [from_line, from_square]: [usize; 2],
    to: *mut u8,
    [to_line, to_square]: [usize; 2],
    squares: usize,
) {
    for square in 0..squares {
        // SAFETY: every such processor has these instructions; and the caller's promise.
        unsafe {
            let line = |index: usize| vld1q_u8(from.add(square * from_square + index * from_line));
            let mut lines: [uint8x16_t; COLUMNS] = std::array::from_fn(line);
            for _ in 0..4 {
                let before = lines;
                for index in 0..COLUMNS / 2 {
                    let (a, b) = (before[index], before[index + COLUMNS / 2]);
                    lines[2 * index] = vzip1q_u8(a, b);
                    lines[2 * index + 1] = vzip2q_u8(a, b);
                }
            }
            for (index, line) in lines.into_iter().enumerate() {
                vst1q_u8(to.add(square * to_square + index * to_line), line);
            }
        }
    }
}
