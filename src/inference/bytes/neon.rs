//! Look-ups on 64-bit ARM.
#![expect(unsafe_code, reason = "vector instructions load and store through pointers")]

use super::Table;
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
