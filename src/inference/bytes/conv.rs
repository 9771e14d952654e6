//! Convolutions of bytes whose channels come last, together with what follows them: requantization and a look-up.
//!
//! They give what ONNX Runtime's `QLinearConv` and the look-up behind it give, bit for bit: sums are exact integers,
//! and each is multiplied by a 32-bit float, rounded to the nearest (halves to even) and cut off in the same order as there
//! (`MlasRequantizeOutput`). Two forms are known: all channels with all, and three by three or five by five with one channel
//! each.

use super::rows::Rows;
use super::vectors::{Job, Vectors};
use super::{Kernel, Table};

/// Pixels of a picture that are done at once where the window is a single pixel.
const PIXELS: usize = 96;
/// Rows of the result that are done at once elsewhere.
const ROWS: usize = 8;
/// Outputs that a vector of sums holds.
pub(super) const LANES: usize = 16;
/// Inputs that are multiplied and summed up at once.
pub(super) const GROUP: usize = 4;
/// Rows of a window.
pub(super) const WINDOW_MAX: usize = 7;
/// Windows of channels by themselves.
pub(super) const SQUARES: [[usize; 2]; 2] = [[3, 3], [5, 5]];

/// A convolution: what stays the same from picture to picture.
#[derive(Clone, Debug)]
pub struct ConvolutionSpec<'a> {
    /// Channels of the picture and of the result.
    pub channels: [usize; 2],
    /// Each channel by itself; there are as many of them in the result.
    pub depthwise: bool,
    /// Height and width of the window.
    pub window: [usize; 2],
    /// Steps down and to the right.
    pub strides: [usize; 2],
    /// Rows and columns that are added above, left, below, right.
    pub pads: [usize; 4],
    /// Weights: output channel, input channel (one only where `depthwise`), row, column.
    pub weights: &'a [i8],
    /// What is added to the sum of each output channel.
    pub bias: &'a [i32],
    /// By what the sum of each output channel is multiplied.
    pub scales: &'a [f32],
    /// Zero points of the picture and of the result.
    pub zeros: [u8; 2],
    /// What the result is looked up in: one table for all, or one for each channel.
    pub tables: Vec<Table>,
}

/// A convolution that is ready to run.
#[derive(Debug)]
pub struct Convolution {
    pub(super) channels: [usize; 2],
    depthwise: bool,
    pub(super) window: [usize; 2],
    strides: [usize; 2],
    pub(super) pads: [usize; 4],
    pub(super) zeros: [u8; 2],
    sums: Sums,
    tables: Vec<Table>,
}

/// What is multiplied, as the vectors want it.
#[derive(Debug)]
pub(super) struct Sums {
    /// Of each 16 output channels, for each row of the window, for each four inputs: 16 times 4 weights. Depthwise: of each
    /// 16 channels, for each column of the window, for each four rows: 16 times 4 weights, 0 for rows that are not.
    pub weights: Vec<i8>,
    /// Groups of four in a row of the window; in a column of it where depthwise.
    pub groups: usize,
    /// Channels of the result.
    pub outputs: usize,
    /// What each sum begins with: the bias less the weights times the picture's zero point.
    pub start: Vec<i32>,
    /// The same for a picture whose bytes are moved by -128, and so signed.
    #[cfg(target_arch = "aarch64")]
    pub moved_start: Vec<i32>,
    pub scales: Vec<f32>,
    /// The zero point of the result.
    pub zero: u8,
}

impl ConvolutionSpec<'_> {
    /// Whether the form is one that is known here, and the parts fit each other.
    pub fn is_known(&self) -> bool {
        let Self { channels: [inputs, outputs], depthwise, window: [height, width], strides, pads, .. } = *self;
        let of_one = if depthwise { 1 } else { inputs };
        let counts = self.weights.len() == outputs * of_one * height * width
            && self.bias.len() == outputs
            && self.scales.len() == outputs
            && (self.tables.len() == 1 || self.tables.len() == outputs);
        let known = match depthwise {
            true => inputs == outputs && SQUARES.contains(&[height, width]) && strides[1] <= 2,
            false => height <= WINDOW_MAX,
        };
        let sides = [inputs, outputs, height, width, strides[0], strides[1]];
        // What is added has to be less than the window: then every row of it meets the picture.
        let fits = pads[0] < height && pads[2] < height && pads[1] < width && pads[3] < width;
        if !counts || !known || !fits || sides.contains(&0) || sides.iter().any(|side| *side > 1 << 14) {
            return false;
        }
        // The vectors multiply before they cut off.
        (0..outputs).all(|output| {
            let weights = &self.weights[output * of_one * height * width..][..of_one * height * width];
            let reach: i64 = weights.iter().map(|weight| i64::from(weight.unsigned_abs()) * 255).sum();
            let most = (2 * reach + i64::from(self.bias[output].unsigned_abs())) as f64;
            self.scales[output].is_finite() && most * f64::from(self.scales[output].abs()).max(1.0) < f64::from(1 << 30)
        })
    }
}

impl Convolution {
    /// None where it [is not known](ConvolutionSpec::is_known).
    pub fn new(spec: &ConvolutionSpec<'_>) -> Option<Self> {
        if !spec.is_known() {
            return None;
        }
        let ConvolutionSpec { depthwise, strides, pads, .. } = *spec;
        let sums = if depthwise { Sums::of_each(spec) } else { Sums::of_all(spec) };
        Some(Self {
            channels: spec.channels,
            depthwise,
            window: spec.window,
            strides,
            pads,
            zeros: spec.zeros,
            sums,
            tables: spec.tables.iter().filter(|_| !is_identity(&spec.tables)).copied().collect(),
        })
    }

    /// Height and width of the result for a picture of that height and width; None where it is smaller than the window.
    pub fn size_of_result(&self, [height, width]: [usize; 2]) -> Option<[usize; 2]> {
        let [top, left, bottom, right] = self.pads;
        let down = (height + top + bottom).checked_sub(self.window[0])? / self.strides[0] + 1;
        let across = (width + left + right).checked_sub(self.window[1])? / self.strides[1] + 1;
        (height > 0 && width > 0).then_some([down, across])
    }

    /// Channels of the picture and of the result.
    pub fn channels(&self) -> [usize; 2] {
        self.channels
    }

    fn is_plain(&self) -> bool {
        !self.depthwise
            && [self.window, self.strides] == [[1, 1]; 2]
            && self.pads == [0; 4]
            && self.channels[0].is_multiple_of(GROUP)
    }

    /// Bytes of a part of the result, of which each may be made by itself; the last one may be shorter.
    pub fn part(&self, size: [usize; 2]) -> usize {
        let of_result = self.size_of_result(size).unwrap_or([1, 1]);
        self.channels[1] * if self.is_plain() { PIXELS } else { ROWS * of_result[1] }
    }

    /// Makes the part of that number of the result for a picture of height and width `size`.
    pub fn run(&self, kernel: Kernel, picture: &[u8], size: [usize; 2], index: usize, part: &mut [u8]) {
        if picture.len() != size[0] * size[1] * self.channels[0] {
            return;
        }
        match kernel.vectors {
            Some(vectors) => self.by_vectors(vectors, picture, size, index, part),
            None => self.one_by_one(picture, size, index, part),
        }
        match self.tables.as_slice() {
            [] => {}
            [table] => kernel.apply_in_place(table, part),
            tables => kernel.apply_by_channel_in_place(tables, 1, part),
        }
    }

    fn by_vectors(&self, vectors: Vectors, picture: &[u8], size: [usize; 2], index: usize, part: &mut [u8]) {
        let [inputs, outputs] = self.channels;
        if self.is_plain() {
            let from = &picture[index * PIXELS * inputs..];
            return vectors.products(&Job::of_all(&self.sums, &[from], inputs, part));
        }
        let Some([_, across]) = self.size_of_result(size) else { return };
        let mut rows = Rows::new(self, picture, size);
        for (row, part) in part.chunks_exact_mut(across * outputs).enumerate() {
            rows.prepare((index * ROWS + row) * self.strides[0]);
            let lines: [&[u8]; WINDOW_MAX] = std::array::from_fn(|line| rows.line(line));
            let lines = &lines[..self.window[0]];
            match self.depthwise {
                true => vectors.of_each(&Job::of_each(&self.sums, lines, self.strides[1], part)),
                false => vectors.products(&Job::of_all(&self.sums, lines, inputs * self.strides[1], part)),
            }
        }
    }

    /// The same without vectors.
    fn one_by_one(&self, picture: &[u8], size: [usize; 2], index: usize, part: &mut [u8]) {
        let [inputs, outputs] = self.channels;
        let Some([_, across]) = self.size_of_result(size) else { return };
        let first = index * self.part(size) / outputs;
        for (pixel, part) in part.chunks_exact_mut(outputs).enumerate() {
            let (y, x) = ((first + pixel) / across * self.strides[0], (first + pixel) % across * self.strides[1]);
            for (output, result) in part.iter_mut().enumerate() {
                let mut sum = self.sums.start[output];
                for (row, column) in
                    (0..self.window[0]).flat_map(|row| (0..self.window[1]).map(move |column| (row, column)))
                {
                    let at = (y + row).checked_sub(self.pads[0]).zip((x + column).checked_sub(self.pads[1]));
                    let at = at.filter(|(y, x)| *y < size[0] && *x < size[1]).map(|(y, x)| (y * size[1] + x) * inputs);
                    let value = |input: usize| at.map_or(self.zeros[0], |at| picture[at + input]);
                    let mut add = |input: usize, weight: i8| {
                        sum = sum.wrapping_add(i32::from(value(input)) * i32::from(weight));
                    };
                    match self.depthwise {
                        true => add(output, self.sums.weight(output, [column, row], self.window[1])),
                        false => (0..inputs).for_each(|input| {
                            add(input, self.sums.weight(output, [row, column * inputs + input], self.window[0]));
                        }),
                    }
                }
                *result = self.sums.requantized(output, sum);
            }
        }
    }
}

/// Whether a look-up would change nothing.
fn is_identity(tables: &[Table]) -> bool {
    tables.iter().all(|table| table.iter().enumerate().all(|(byte, entry)| byte == usize::from(*entry)))
}

fn padded(count: usize) -> usize {
    count.next_multiple_of(LANES)
}

impl Sums {
    fn of_all(spec: &ConvolutionSpec<'_>) -> Self {
        let ([inputs, outputs], [height, width]) = (spec.channels, spec.window);
        let groups = (width * inputs).div_ceil(GROUP);
        let mut weights = vec![0; padded(outputs) * height * groups * GROUP];
        for (number, weight) in spec.weights.iter().enumerate() {
            let (column, rest) = (number % width, number / width);
            let (row, rest) = (rest % height, rest / height);
            let (input, output) = (rest % inputs, rest / inputs);
            weights[place(output, [row, column * inputs + input], height, groups)] = *weight;
        }
        Self::with(spec, weights, groups)
    }

    fn of_each(spec: &ConvolutionSpec<'_>) -> Self {
        let [height, width] = spec.window;
        let groups = height.div_ceil(GROUP);
        let mut weights = vec![0; padded(spec.channels[1]) * width * groups * GROUP];
        for (number, weight) in spec.weights.iter().enumerate() {
            let (column, rest) = (number % width, number / width);
            // Columns and rows change their parts.
            weights[place(rest / height, [column, rest % height], width, groups)] = *weight;
        }
        Self::with(spec, weights, groups)
    }

    fn with(spec: &ConvolutionSpec<'_>, weights: Vec<i8>, groups: usize) -> Self {
        let outputs = spec.channels[1];
        let start_at = |zero: i32| -> Vec<i32> {
            let of_one = spec.weights.chunks_exact(spec.weights.len() / outputs);
            let mut start: Vec<i32> = (of_one.zip(spec.bias))
                .map(|(weights, bias)| {
                    let sum: i32 = weights.iter().map(|weight| i32::from(*weight)).sum();
                    bias.wrapping_sub(sum.wrapping_mul(zero))
                })
                .collect();
            start.resize(padded(outputs), 0);
            start
        };
        let zero = i32::from(spec.zeros[0]);
        let mut scales = spec.scales.to_vec();
        scales.resize(padded(outputs), 0.0);
        Self {
            weights,
            groups,
            outputs,
            start: start_at(zero),
            #[cfg(target_arch = "aarch64")]
            moved_start: start_at(zero - 128),
            scales,
            zero: spec.zeros[1],
        }
    }

    fn weight(&self, output: usize, at: [usize; 2], lines: usize) -> i8 {
        self.weights[place(output, at, lines, self.groups)]
    }

    fn requantized(&self, output: usize, sum: i32) -> u8 {
        let zero = f32::from(self.zero);
        let scaled = (sum as f32 * self.scales[output]).max(-zero).min(255.0 - zero);
        (scaled.round_ties_even() as i32 + i32::from(self.zero)) as u8
    }
}

/// Where the weight of an output channel for a line of the window (of so many) and a place in it lies. Lines are its rows;
/// where depthwise, its columns.
fn place(output: usize, [line, at]: [usize; 2], lines: usize, groups: usize) -> usize {
    let (block, lane) = (output / LANES, output % LANES);
    (((block * lines + line) * groups + at / GROUP) * LANES + lane) * GROUP + at % GROUP
}
