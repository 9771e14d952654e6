//! The rows of a picture that a window meets, with what is added around them.

use super::conv::{Convolution, WINDOW_MAX};

/// Bytes behind a row that may be read.
const SLACK: usize = 64;

/// Rows of a picture with what is added on their left and right, those that a window meets; each is copied once.
pub(super) struct Rows<'a> {
    picture: &'a [u8],
    size: [usize; 2],
    inputs: usize,
    pads: [usize; 4],
    lines: Vec<u8>,
    /// Bytes of a line.
    length: usize,
    height: usize,
    /// The row of the window's beginning, and those that are there by line.
    first: usize,
    held: [Option<usize>; WINDOW_MAX],
    zero: u8,
}

impl<'a> Rows<'a> {
    pub fn new(of: &Convolution, picture: &'a [u8], size: [usize; 2]) -> Self {
        let (inputs, height, pads) = (of.channels[0], of.window[0], of.pads);
        let length = (size[1] + pads[1] + pads[3]) * inputs + SLACK;
        let lines = vec![of.zeros[0]; height * length];
        let (first, held, zero) = (0, [None; WINDOW_MAX], of.zeros[0]);
        Self { picture, size, inputs, pads, lines, length, height, first, held, zero }
    }

    /// Makes the lines of a window whose first row is that, counted with those that are added above.
    pub fn prepare(&mut self, first: usize) {
        self.first = first;
        for row in first..first + self.height {
            let slot = row % self.height;
            if self.held[slot].replace(row) == Some(row) {
                continue;
            }
            let line = &mut self.lines[slot * self.length..][..self.length];
            let line = &mut line[self.pads[1] * self.inputs..][..self.size[1] * self.inputs];
            match row.checked_sub(self.pads[0]).filter(|row| *row < self.size[0]) {
                Some(row) => line.copy_from_slice(&self.picture[row * line.len()..][..line.len()]),
                None => line.fill(self.zero),
            }
        }
    }

    /// Row so many of the window; the first one where it has none such.
    pub fn line(&self, line: usize) -> &[u8] {
        let slot = (self.first + line % self.height) % self.height;
        &self.lines[slot * self.length..][..self.length]
    }
}
