//! How an accelerated session takes its picture: laid out, and quantized, as the first nodes of its graph would do it. They
//! are left out of the graph, and preprocessing writes at once what they would have made of its result.
//!
//! That is exact: levels are whole numbers 0…255, so that what normalization and `QuantizeLinear` make of a level is a table
//! of 256 for each colour, and what slices, joins and transposes do is a place for each pixel.

use super::accelerate::Byte;
use super::bytes::{ENTRIES, Table};
use super::model_card::Layout;
use super::preprocess::{InputValues, LANES, ModelInput};
use crate::imaging::ImageSize;
use half::f16;
use serde::{Deserialize, Serialize};

/// How an accelerated session takes its picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entrance {
    /// Order of the axes of the graph in the file.
    pub layout: Layout,
    /// Where pixels go.
    pub arrangement: Arrangement,
    /// How floats become bytes; None leaves them as they are.
    pub quantization: Option<LevelQuantization>,
}

/// `q = clamp(round(x / scale) + zero_point)`, halves to even, as ONNX defines `QuantizeLinear`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelQuantization {
    /// What comes of it.
    pub kind: Byte,
    /// Step.
    pub scale: f32,
    /// The byte that stands for 0.
    pub zero_point: i16,
}

/// Where the pixels of a picture go in a tensor: squares of them become one cell, which has their values as its channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrangement {
    /// Side of the squares; 1 leaves each pixel to itself, 2 is YOLOX's `Focus`.
    block: usize,
    /// Order of the tensor's axes.
    order: Layout,
    /// The tensor's channel of each colour and each pixel of a square, by colour, then row, then column.
    channels: Vec<usize>,
}

impl LevelQuantization {
    /// The bits of what `value` becomes.
    pub fn of(self, value: f32) -> u8 {
        let [least, most] = match self.kind {
            Byte::Unsigned => [0, i32::from(u8::MAX)],
            Byte::Signed => [i32::from(i8::MIN), i32::from(i8::MAX)],
        };
        // A number beyond i32's is cut to its ends, far outside of a byte's.
        let rounded = (value / self.scale).round_ties_even() as i32;
        rounded.saturating_add(i32::from(self.zero_point)).clamp(least, most) as u8
    }
}

impl Arrangement {
    /// From the numbers that the elements of a picture (`layout`, 3 colours, `size`) have in a tensor of `shape`; None
    /// where that is no arrangement of squares.
    pub fn of(layout: Layout, size: ImageSize, shape: &[usize], numbers: &[f32]) -> Option<Self> {
        let [1, a, b, c] = *shape else { return None };
        let orders = [(Layout::Nhwc, [a, b, c]), (Layout::Nchw, [b, c, a])];
        orders.into_iter().find_map(|(order, sides)| Self::in_order(layout, size, order, sides, numbers))
    }

    fn in_order(
        layout: Layout,
        size: ImageSize,
        order: Layout,
        [rows, columns, channels]: [usize; 3],
        numbers: &[f32],
    ) -> Option<Self> {
        let (width, height) = (size.width as usize, size.height as usize);
        let block = height.checked_div(rows)?;
        if rows * block != height || columns * block != width || channels != 3 * block * block {
            return None;
        }
        let mut arrangement = Self { block, order, channels: vec![channels; channels] };
        for channel in 0..channels {
            let first = match order {
                Layout::Nhwc => channel,
                Layout::Nchw => channel * rows * columns,
            };
            let [colour, row, column] = element(layout, size, *numbers.get(first)? as usize);
            if row >= block || column >= block {
                return None;
            }
            *arrangement.channels.get_mut((colour * block + row) * block + column)? = channel;
        }
        let is_so = (0..numbers.len()).all(|number| {
            let place = arrangement.place(size, element(layout, size, number));
            numbers.get(place).is_some_and(|found| *found as usize == number)
        });
        (numbers.len() == 3 * width * height && is_so).then_some(arrangement)
    }

    /// Whether every pixel of a picture of that size has a place of its own.
    pub fn suits(&self, size: ImageSize) -> bool {
        let mut channels = self.channels.clone();
        channels.sort_unstable();
        let count = self.block.checked_pow(2).and_then(|pixels| pixels.checked_mul(3));
        let each_once = channels.iter().copied().eq(0..channels.len());
        self.divides(size) && count == Some(channels.len()) && each_once
    }

    /// Whether a picture of that size is made of whole squares.
    fn divides(&self, size: ImageSize) -> bool {
        [size.width, size.height].iter().all(|side| (*side as usize).checked_rem(self.block) == Some(0))
    }

    /// Whether the tensor is the picture as it was.
    pub fn is_trivial(&self, layout: Layout) -> bool {
        self.block == 1 && self.order == layout && self.channels == [0, 1, 2]
    }

    /// The tensor's shape.
    pub fn shape(&self, size: ImageSize) -> [usize; 4] {
        let (rows, columns) = (size.height as usize / self.block, size.width as usize / self.block);
        match self.order {
            Layout::Nhwc => [1, rows, columns, self.channels.len()],
            Layout::Nchw => [1, self.channels.len(), rows, columns],
        }
    }

    fn place(&self, size: ImageSize, [colour, row, column]: [usize; 3]) -> usize {
        let (block, [_, _, b, c]) = (self.block, self.shape(size));
        let channel = self.channels[(colour * block + row % block) * block + column % block];
        match self.order {
            Layout::Nhwc => ((row / block) * b + column / block) * c + channel,
            Layout::Nchw => (channel * b + row / block) * c + column / block,
        }
    }

    /// Writes `value(pixel, colour)` of a row of pixels, which begins at `left` in row `top` of a picture of that width.
    #[inline]
    fn write<T>(
        &self,
        out: &mut [T],
        width: usize,
        [left, top]: [usize; 2],
        pixels: &[[i16; LANES]],
        value: impl Fn(&[i16; LANES], usize) -> T,
    ) {
        let (block, count) = (self.block, self.channels.len());
        for column in 0..block.min(pixels.len()) {
            // The pixels whose column in their squares is the same.
            let pixels = pixels[column..].iter().step_by(block);
            let (row_inside, column_inside) = (top % block, (left + column) % block);
            let first = (top / block) * (width / block) + (left + column) / block;
            let channel: [usize; 3] =
                std::array::from_fn(|colour| self.channels[(colour * block + row_inside) * block + column_inside]);
            match self.order {
                Layout::Nhwc => {
                    let cells = out[first * count..].chunks_exact_mut(count).zip(pixels);
                    // Mostly the colours lie beside each other.
                    let together = channel[1] == channel[0] + 1 && channel[2] == channel[0] + 2;
                    for (cell, pixel) in cells {
                        match cell[channel[0]..].first_chunk_mut::<3>().filter(|_| together) {
                            Some(beside) => *beside = std::array::from_fn(|colour| value(pixel, colour)),
                            None => (0..3).for_each(|colour| cell[channel[colour]] = value(pixel, colour)),
                        }
                    }
                }
                Layout::Nchw => {
                    let plane = out.len() / count;
                    for (colour, channel) in channel.iter().enumerate() {
                        let targets = out[channel * plane + first..].iter_mut();
                        targets.zip(pixels.clone()).for_each(|(target, pixel)| *target = value(pixel, colour));
                    }
                }
            }
        }
    }
}

/// Colour, row and column of an element of a picture.
fn element(layout: Layout, size: ImageSize, number: usize) -> [usize; 3] {
    let (width, height) = (size.width.max(1) as usize, size.height.max(1) as usize);
    match layout {
        Layout::Nchw => [number / (width * height), number / width % height, number % width],
        Layout::Nhwc => [number % 3, number / 3 / width, number / 3 % width],
    }
}

impl Entrance {
    /// What the session wants instead of `input`, which is as the file's graph wants it; None where it is what the session
    /// wants already.
    pub fn laid_out(&self, input: &ModelInput) -> Option<ModelInput> {
        let InputValues::F32(floats) = input.values() else { return None };
        let (size, shape) = (input.size(), self.arrangement.shape(input.size()));
        // What cannot go in is left for ONNX Runtime to refuse.
        let is_laid_out = self.quantization.is_none() && input.shape() == shape;
        if is_laid_out || !self.arrangement.divides(size) {
            return None;
        }
        let mut moved = vec![0.0; floats.len()];
        for (number, value) in floats.iter().enumerate() {
            *moved.get_mut(self.arrangement.place(size, element(self.layout, size, number)))? = *value;
        }
        let values = match self.quantization {
            None => InputValues::F32(moved),
            Some(quantization) => {
                let bytes = moved.into_iter().map(|value| quantization.of(value));
                match quantization.kind {
                    Byte::Unsigned => InputValues::U8(bytes.collect()),
                    Byte::Signed => InputValues::I8(bytes.map(u8::cast_signed).collect()),
                }
            }
        };
        Some(ModelInput::new(values, shape, size))
    }
}

/// Writes pictures as an entrance wants them.
#[derive(Clone, Debug)]
pub(super) struct EntranceWriter {
    entrance: Entrance,
    /// `tensor = level * gain + bias`, by the tensor's colour.
    gain: [f32; 3],
    bias: [f32; 3],
    /// What comes of each level, where that is bytes.
    tables: [Table; 3],
}

impl EntranceWriter {
    pub fn new(entrance: Entrance, gain: [f32; 3], bias: [f32; 3]) -> Self {
        let mut tables = [[0; ENTRIES]; 3];
        if let Some(quantization) = entrance.quantization {
            for (colour, table) in tables.iter_mut().enumerate() {
                for (level, byte) in (0..=u8::MAX).zip(table.iter_mut()) {
                    *byte = quantization.of(f32::from(level) * gain[colour] + bias[colour]);
                }
            }
        }
        Self { entrance, gain, bias, tables }
    }

    /// Whether a picture of that size can go in.
    pub fn takes(&self, size: ImageSize) -> bool {
        self.entrance.arrangement.divides(size)
    }

    /// A tensor of one level.
    pub fn blank(&self, size: ImageSize, level: u8) -> ModelInput {
        let shape = self.entrance.arrangement.shape(size);
        let count = shape.iter().product();
        let values = match self.entrance.quantization.map(|quantization| quantization.kind) {
            None => InputValues::F32(vec![0.0; count]),
            Some(Byte::Unsigned) => InputValues::U8(vec![0; count]),
            Some(Byte::Signed) => InputValues::I8(vec![0; count]),
        };
        let mut input = ModelInput::new(values, shape, size);
        self.fill(input.values_mut(), size, level);
        input
    }

    /// Makes all of it one level.
    pub fn fill(&self, values: &mut InputValues, size: ImageSize, level: u8) {
        let row = vec![[i16::from(level); LANES]; size.width as usize];
        for top in 0..size.height as usize {
            self.write_row(values, size, [0, top], &row, [0; 3]);
        }
    }

    /// Writes a row of levels, whose colours lie in `order`.
    pub fn write_row(
        &self,
        values: &mut InputValues,
        size: ImageSize,
        at: [usize; 2],
        pixels: &[[i16; LANES]],
        order: [usize; 3],
    ) {
        let (arrangement, width) = (&self.entrance.arrangement, size.width as usize);
        let byte = |pixel: &[i16; LANES], colour: usize| self.tables[colour][usize::from(pixel[order[colour]] as u8)];
        let float = |pixel: &[i16; LANES], colour: usize| {
            f32::from(pixel[order[colour]]) * self.gain[colour] + self.bias[colour]
        };
        match values {
            InputValues::U8(out) => arrangement.write(out, width, at, pixels, byte),
            InputValues::I8(out) => {
                arrangement.write(out, width, at, pixels, |pixel, colour| byte(pixel, colour).cast_signed());
            }
            InputValues::F32(out) => arrangement.write(out, width, at, pixels, float),
            InputValues::F16(out) => {
                arrangement.write(out, width, at, pixels, |pixel, colour| f16::from_f32(float(pixel, colour)));
            }
        }
    }
}

#[cfg(test)]
#[path = "entrance_tests.rs"]
mod tests;
