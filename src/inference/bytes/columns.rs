//! Look-ups where neighbouring bytes belong to different channels, as in pictures whose channels come last.
//!
//! A vector instruction looks many bytes up in one table. So columns of such a tensor are laid out as rows in a small
//! buffer, looked up, and laid back.

use super::{Kernel, Table, Way};

/// Columns that are laid out at once.
pub(super) const COLUMNS: usize = 16;
/// Rows of the tensor that are laid out at once, so many that the buffer stays in a first-level cache.
pub(super) const ROWS: usize = 256;

/// The buffer: a line for each column.
pub(super) type Lines = [[u8; ROWS]; COLUMNS];

/// Bytes of a row that is made of whole columns: one place of the tensor with all its channels, or several.
fn width(channels: usize) -> usize {
    let shared = 1 << channels.trailing_zeros().min(COLUMNS.trailing_zeros());
    channels * (COLUMNS / shared)
}

/// Bytes of a part of a tensor of so many channels that is done without a rest.
pub(super) fn portion(channels: usize) -> usize {
    width(channels) * ROWS
}

/// Looks byte i up in table i modulo their number, as far as whole vectors go; says how many bytes were done. Where one of
/// the slices is longer, its rest is left alone.
pub(super) fn apply(kernel: Kernel, tables: &[Table], from: &[u8], to: &mut [u8]) -> usize {
    let mut columns = Columns::new(kernel, tables);
    let portion = portion(tables.len());
    from.chunks(portion).zip(to.chunks_mut(portion)).map(|(from, to)| columns.apply(from, to)).sum()
}

/// The same in place.
pub(super) fn apply_in_place(kernel: Kernel, tables: &[Table], bytes: &mut [u8]) -> usize {
    let mut columns = Columns::new(kernel, tables);
    bytes.chunks_mut(portion(tables.len())).map(|part| columns.apply_in_place(part)).sum()
}

struct Columns<'a> {
    kernel: Kernel,
    tables: &'a [Table],
    width: usize,
    lines: Lines,
}

impl<'a> Columns<'a> {
    fn new(kernel: Kernel, tables: &'a [Table]) -> Self {
        Self { kernel, tables, width: width(tables.len()), lines: [[0; ROWS]; COLUMNS] }
    }

    fn apply(&mut self, from: &[u8], to: &mut [u8]) -> usize {
        let rows = from.len().min(to.len()) / self.width;
        let mut done = 0;
        for column in self.columns(rows) {
            done = self.take(column, from, rows);
            self.look_up(column, done);
            self.give(column, to, done);
        }
        done * self.width
    }

    fn apply_in_place(&mut self, bytes: &mut [u8]) -> usize {
        let rows = bytes.len() / self.width;
        let mut done = 0;
        for column in self.columns(rows) {
            done = self.take(column, bytes, rows);
            self.look_up(column, done);
            self.give(column, bytes, done);
        }
        done * self.width
    }

    /// Where columns begin in a row.
    fn columns(&self, rows: usize) -> impl Iterator<Item = usize> + use<> {
        (0..if rows == 0 { 0 } else { self.width }).step_by(COLUMNS)
    }

    /// Lays a column out, as many whole vectors of `rows` as there are; says how many rows these are.
    fn take(&mut self, column: usize, from: &[u8], rows: usize) -> usize {
        match self.kernel.way {
            #[cfg(target_arch = "x86_64")]
            Way::Avx512 | Way::Avx2 => super::x86::lay_out(&from[column..], self.width, &mut self.lines, rows),
            #[cfg(target_arch = "aarch64")]
            Way::Neon => super::neon::lay_out(&from[column..], self.width, &mut self.lines, rows),
            // Without vectors nothing is gained.
            Way::Scalar => 0,
        }
    }

    fn look_up(&mut self, column: usize, rows: usize) {
        for (index, line) in self.lines.iter_mut().enumerate() {
            self.kernel.apply_in_place(&self.tables[(column + index) % self.tables.len()], &mut line[..rows]);
        }
    }

    /// Lays so many rows of a column back.
    fn give(&self, column: usize, to: &mut [u8], rows: usize) {
        match self.kernel.way {
            #[cfg(target_arch = "x86_64")]
            Way::Avx512 | Way::Avx2 => super::x86::lay_back(&self.lines, &mut to[column..], self.width, rows),
            #[cfg(target_arch = "aarch64")]
            Way::Neon => super::neon::lay_back(&self.lines, &mut to[column..], self.width, rows),
            Way::Scalar => {}
        }
    }
}
