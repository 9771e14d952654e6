//! From a picture's pixels to a model's input in one pass: resize, padding, colour order, normalization.
//!
//! The picture is resampled bilinearly as OpenCV's `INTER_LINEAR` does it on 8-bit pictures, to the bit: pixel centres at
//! half coordinates, no low-pass filter, weights of 11 bits, columns first, and sums cut to the fixed-point places that
//! OpenCV cuts them to (`modules/imgproc/src/resize.cpp`, `VResizeLinear` with `FixedPtCast<int, uchar, 22>`). Nearly every
//! detector was trained and is measured with it, and small ones notice an eighth of a level. Levels are whole numbers
//! 0…255, so an 8-bit input holds exactly what a float input holds.
//!
//! Row by row: two source rows are sampled at the target's columns (a row that serves again is kept), blended, and written,
//! normalized, to their place. Nothing is allocated once the sizes are known.

use super::entrance::{Entrance, EntranceWriter};
use super::model_card::{ColorOrder, Layout, ModelCard};
use crate::imaging::{ImageSize, Letterbox, ResizeMode, RgbImage};
use half::f16;
use wide::{i16x8, i32x4, i32x8, u8x16};

/// Bits of the weights.
const WEIGHT_BITS: u32 = 11;
/// Bits that a sampled row loses so that it fits 16 bits.
const SAMPLE_SHIFT: i32 = 4;
/// Values a pixel takes in sampled rows: red, green, blue and one without meaning.
pub(super) const LANES: usize = 4;
/// Bytes read at once around a source pixel, counted from its first.
const READ_AHEAD: usize = 3 + 16;

/// The element type of a model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum InputType {
    /// 32-bit float, normalized.
    F32,
    /// 16-bit float, normalized.
    F16,
    /// 8-bit levels; the card's normalization does not apply.
    U8,
    /// 8-bit levels less 128; the card's normalization does not apply.
    I8,
}

/// The values of a model's input tensor.
#[derive(Clone, Debug)]
pub enum InputValues {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 16-bit floats.
    F16(Vec<f16>),
    /// 8-bit levels.
    U8(Vec<u8>),
    /// 8-bit levels less 128.
    I8(Vec<i8>),
}

/// A model's input tensor, owned by the caller and filled by [`Preprocessor::run`] again and again.
#[derive(Clone, Debug)]
pub struct ModelInput {
    values: InputValues,
    shape: [usize; 4],
    size: ImageSize,
    padded_for: Option<Letterbox>,
}

impl ModelInput {
    /// An input of one level (as float: 0…255 not scaled), for a first run of a model of which little is known.
    pub fn grey(size: ImageSize, layout: Layout, input_type: InputType, level: u8) -> Self {
        let (width, height) = (size.width as usize, size.height as usize);
        let count = 3 * width * height;
        let values = match input_type {
            InputType::F32 => InputValues::F32(vec![f32::from(level); count]),
            InputType::F16 => InputValues::F16(vec![f16::from_f32(f32::from(level)); count]),
            InputType::U8 => InputValues::U8(vec![level; count]),
            InputType::I8 => InputValues::I8(vec![signed(i16::from(level)); count]),
        };
        let shape = match layout {
            Layout::Nchw => [1, 3, height, width],
            Layout::Nhwc => [1, height, width, 3],
        };
        Self { values, shape, size, padded_for: None }
    }

    pub(super) fn new(values: InputValues, shape: [usize; 4], size: ImageSize) -> Self {
        Self { values, shape, size, padded_for: None }
    }

    pub(super) fn values_mut(&mut self) -> &mut InputValues {
        &mut self.values
    }

    /// The values, row-major in the card's layout, batch 1; of a session with an [`Entrance`] as that says.
    pub fn values(&self) -> &InputValues {
        &self.values
    }

    /// `[1, 3, height, width]` or `[1, height, width, 3]`; of a session with an [`Entrance`] as that says.
    pub fn shape(&self) -> [usize; 4] {
        self.shape
    }

    /// Width and height.
    pub fn size(&self) -> ImageSize {
        self.size
    }
}

/// Turns pictures into one model's input.
#[derive(Clone, Debug)]
pub struct Preprocessor {
    input_type: InputType,
    layout: Layout,
    color: ColorOrder,
    resize: ResizeMode,
    model_size: ImageSize,
    pad: u8,
    /// `tensor = level * gain + bias`, by the tensor's channel.
    gain: [f32; 3],
    bias: [f32; 3],
    entrance: Option<EntranceWriter>,
    plan: Option<Plan>,
    sampled: SampledRows,
    levels: Vec<i16>,
}

/// Which source pixels make which target pixel; depends on the two sizes alone.
#[derive(Clone, Debug)]
struct Plan {
    letterbox: Letterbox,
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// Sampling position of one target column.
#[derive(Clone, Copy, Debug)]
struct Column {
    /// Index of the left source pixel's first byte in its row.
    offset: usize,
    /// Weights of the left and of the right pixel, alternating.
    weights: i16x8,
}

/// Sampling position of one target row.
#[derive(Clone, Copy, Debug)]
struct Row {
    upper: usize,
    lower: usize,
    weights: [i16; 2],
}

/// Two source rows sampled at the target's columns.
#[derive(Clone, Debug, Default)]
struct SampledRows {
    rows: [Vec<i16>; 2],
    /// Which source row each of them holds.
    sources: [Option<usize>; 2],
    /// A copy of a source row with room behind it, for the end of the picture.
    padded: Vec<u8>,
}

impl Preprocessor {
    /// A preprocessor for the model that `card` describes, whose input has elements of type `input_type`.
    pub fn new(card: &ModelCard, input_type: InputType) -> Self {
        let gain = std::array::from_fn(|channel| card.scale / card.std[channel]);
        let bias = std::array::from_fn(|channel| -card.mean[channel] / card.std[channel]);
        Self {
            input_type,
            layout: card.layout,
            color: card.color,
            resize: card.resize,
            model_size: card.input_size,
            pad: card.pad,
            gain,
            bias,
            entrance: None,
            plan: None,
            sampled: SampledRows::default(),
            levels: Vec::new(),
        }
    }

    /// The same for a session that takes its pictures by `entrance`, if it has one.
    pub fn entering(mut self, entrance: Option<&Entrance>) -> Self {
        self.entrance = entrance.map(|entrance| EntranceWriter::new(entrance.clone(), self.gain, self.bias));
        self
    }

    /// The element type of the inputs in the model's file.
    pub fn input_type(&self) -> InputType {
        self.input_type
    }

    /// An input tensor of the right type and shape.
    pub fn new_input(&self) -> ModelInput {
        self.blank(self.model_size)
    }

    /// None for a size that the session cannot take either way.
    fn entrance_for(&self, size: ImageSize) -> Option<&EntranceWriter> {
        self.entrance.as_ref().filter(|entrance| entrance.takes(size))
    }

    fn blank(&self, size: ImageSize) -> ModelInput {
        match self.entrance_for(size) {
            Some(entrance) => entrance.blank(size, self.pad),
            None => ModelInput::grey(size, self.layout, self.input_type, self.pad),
        }
    }

    /// Fills `input` with `image` and says how the two are mapped onto each other.
    pub fn run(&mut self, image: &RgbImage, input: &mut ModelInput) -> Letterbox {
        let size = ImageSize::new(image.width(), image.height());
        let plan = match self.plan.take() {
            Some(plan) if plan.letterbox.image == size => plan,
            _ => Plan::new(Letterbox::fit(size, self.model_size, self.resize)),
        };
        let letterbox = plan.letterbox;
        if input.size() != letterbox.model {
            *input = self.blank(letterbox.model);
        }
        if input.padded_for != Some(letterbox) {
            match self.entrance_for(letterbox.model) {
                Some(entrance) => entrance.fill(&mut input.values, letterbox.model, self.pad),
                None => self.fill_padding(&mut input.values),
            }
            input.padded_for = Some(letterbox);
        }
        self.resample(image, &plan, &mut input.values);
        self.plan = Some(plan);
        letterbox
    }

    fn fill_padding(&self, values: &mut InputValues) {
        let level = f32::from(self.pad);
        let normalized: [f32; 3] = std::array::from_fn(|channel| level * self.gain[channel] + self.bias[channel]);
        match values {
            InputValues::U8(values) => values.fill(self.pad),
            InputValues::I8(values) => values.fill(signed(i16::from(self.pad))),
            InputValues::F32(values) => fill_by_channel(values, self.layout, normalized),
            InputValues::F16(values) => fill_by_channel(values, self.layout, normalized.map(f16::from_f32)),
        }
    }

    fn resample(&mut self, image: &RgbImage, plan: &Plan, values: &mut InputValues) {
        self.sampled.begin(plan.columns.len());
        self.levels.resize(row_length(plan.columns.len()), 0);
        for (y, row) in plan.rows.iter().enumerate() {
            let [upper, lower] = self.sampled.pair(image, &plan.columns, row);
            blend(upper, lower, row.weights, &mut self.levels);
            self.write_row(plan, y, values);
        }
    }

    /// Writes the sampled row to row `y` of the content.
    fn write_row(&self, plan: &Plan, y: usize, values: &mut InputValues) {
        let Letterbox { model, left, top, .. } = plan.letterbox;
        let place = Place {
            layout: self.layout,
            first: (top as usize + y) * model.width as usize + left as usize,
            count: plan.columns.len(),
            plane: model.width as usize * model.height as usize,
        };
        let order = match self.color {
            ColorOrder::Rgb => [0, 1, 2],
            ColorOrder::Bgr => [2, 1, 0],
        };
        let normalized = |pixel: &[i16; LANES], channel: usize| {
            f32::from(pixel[order[channel]]) * self.gain[channel] + self.bias[channel]
        };
        let pixels = &self.levels.as_chunks::<LANES>().0[..plan.columns.len()];
        if let Some(entrance) = self.entrance_for(model) {
            return entrance.write_row(values, model, [left as usize, top as usize + y], pixels, order);
        }
        match values {
            InputValues::F32(out) => place.write(out, pixels, normalized),
            InputValues::F16(out) => {
                place.write(out, pixels, |pixel, channel| f16::from_f32(normalized(pixel, channel)))
            }
            InputValues::U8(out) => place.write(out, pixels, |pixel, channel| pixel[order[channel]] as u8),
            InputValues::I8(out) => place.write(out, pixels, |pixel, channel| signed(pixel[order[channel]])),
        }
    }
}

/// A level as a signed byte.
fn signed(level: i16) -> i8 {
    (level - 128) as i8
}

/// Where a row of the content lies in the tensor.
struct Place {
    layout: Layout,
    /// Index of the first pixel, in pixels.
    first: usize,
    count: usize,
    /// Pixels in a plane.
    plane: usize,
}

impl Place {
    /// Writes `value(pixel, channel)` of every pixel and channel of the tensor.
    #[inline]
    fn write<T>(&self, out: &mut [T], pixels: &[[i16; LANES]], value: impl Fn(&[i16; LANES], usize) -> T) {
        match self.layout {
            Layout::Nchw => {
                let (first, rest) = out.split_at_mut(self.plane);
                let (second, third) = rest.split_at_mut(self.plane);
                let span = self.first..self.first + self.count;
                let planes = first[span.clone()].iter_mut().zip(&mut second[span.clone()]).zip(&mut third[span]);
                for (((a, b), c), pixel) in planes.zip(pixels) {
                    *a = value(pixel, 0);
                    *b = value(pixel, 1);
                    *c = value(pixel, 2);
                }
            }
            Layout::Nhwc => {
                let start = 3 * self.first;
                let targets = out[start..start + 3 * self.count].as_chunks_mut::<3>().0;
                for (target, pixel) in targets.iter_mut().zip(pixels) {
                    *target = std::array::from_fn(|channel| value(pixel, channel));
                }
            }
        }
    }
}

fn fill_by_channel<T: Copy>(values: &mut [T], layout: Layout, by_channel: [T; 3]) {
    match layout {
        Layout::Nchw => {
            let plane = values.len() / 3;
            for (target, value) in values.chunks_exact_mut(plane.max(1)).zip(by_channel) {
                target.fill(value);
            }
        }
        Layout::Nhwc => values.chunks_exact_mut(3).for_each(|pixel| pixel.copy_from_slice(&by_channel)),
    }
}

impl SampledRows {
    /// Forgets the rows of the last picture and makes room for `columns` pixels.
    fn begin(&mut self, columns: usize) {
        self.sources = [None; 2];
        self.rows.iter_mut().for_each(|row| row.resize(row_length(columns), 0));
    }

    /// The two source rows of a target row, sampled; those that are there already are not sampled again.
    fn pair(&mut self, image: &RgbImage, columns: &[Column], row: &Row) -> [&[i16]; 2] {
        if self.sources[0] != Some(row.upper) && self.sources[1] == Some(row.upper) {
            self.rows.swap(0, 1);
            self.sources.swap(0, 1);
        }
        for (slot, source) in [row.upper, row.lower].into_iter().enumerate() {
            if self.sources[slot] != Some(source) {
                let stride = 3 * image.width() as usize;
                let rest = &image.as_raw()[source * stride..];
                if rest.len() < stride + READ_AHEAD {
                    self.padded.clear();
                    self.padded.extend_from_slice(&rest[..stride]);
                    self.padded.resize(stride + READ_AHEAD, 0);
                    sample(&self.padded, columns, &mut self.rows[slot]);
                } else {
                    sample(rest, columns, &mut self.rows[slot]);
                }
                self.sources[slot] = Some(source);
            }
        }
        let [upper, lower] = &self.rows;
        [upper, lower]
    }
}

/// Samples a source row at every column: weighted sums of two pixels, 15 bits.
fn sample(source: &[u8], columns: &[Column], sampled: &mut [i16]) {
    let targets = sampled.as_chunks_mut::<{ 2 * LANES }>().0;
    let (pairs, last) = columns.as_chunks::<2>();
    for (target, [a, b]) in targets.iter_mut().zip(pairs) {
        *target = sample_two(source, a, b);
    }
    if let ([column], Some(target)) = (last, targets.last_mut()) {
        *target = sample_two(source, column, column);
    }
}

#[inline]
fn sample_two(source: &[u8], a: &Column, b: &Column) -> [i16; 2 * LANES] {
    let ([a, b, c, _], [d, e, f, _]) = (sample_pixel(source, a).to_array(), sample_pixel(source, b).to_array());
    i16x8::from_i32x8_saturate(i32x8::new([a, b, c, 0, d, e, f, 0])).to_array()
}

/// Red, green, blue and a value without meaning.
#[inline]
fn sample_pixel(source: &[u8], column: &Column) -> i32x4 {
    let around = &source[column.offset..column.offset + READ_AHEAD];
    let (mut left, mut right) = ([0; 16], [0; 16]);
    left.copy_from_slice(&around[..16]);
    right.copy_from_slice(&around[3..]);
    // Bytes left red, right red, left green, right green, …
    let pairs = u8x16::unpack_low(u8x16::new(left), u8x16::new(right));
    i16x8::from_u8x16_low(pairs).dot(column.weights) >> SAMPLE_SHIFT
}

/// Blends two sampled rows into levels 0…255, cutting as OpenCV cuts.
fn blend(upper: &[i16], lower: &[i16], weights: [i16; 2], levels: &mut [i16]) {
    let [upper_weight, lower_weight] = weights.map(i16x8::splat);
    let sources = upper.as_chunks::<8>().0.iter().zip(lower.as_chunks::<8>().0);
    for (target, (upper, lower)) in levels.as_chunks_mut::<8>().0.iter_mut().zip(sources) {
        let high = i16x8::new(*upper).mul_keep_high(upper_weight) + i16x8::new(*lower).mul_keep_high(lower_weight);
        let level: i16x8 = (high + i16x8::splat(2)) >> 2;
        *target = level.to_array();
    }
}

/// Values in a sampled row: whole groups of eight.
fn row_length(columns: usize) -> usize {
    (columns * LANES).next_multiple_of(8)
}

impl Plan {
    fn new(letterbox: Letterbox) -> Self {
        let (from, to) = (letterbox.image, letterbox.content);
        let columns = (0..to.width).map(|x| {
            let (left, [a, b]) = sampling_position(x, from.width, to.width);
            Column { offset: 3 * left, weights: i16x8::new([a, b, a, b, a, b, 0, 0]) }
        });
        let rows = (0..to.height).map(|y| {
            let (upper, weights) = sampling_position(y, from.height, to.height);
            Row { upper, lower: (upper + 1).min(from.height as usize - 1), weights }
        });
        Self { letterbox, columns: columns.collect(), rows: rows.collect() }
    }
}

/// The source sample before target sample `index`, and the weights of it and of the next one, in units of
/// 2^-[`WEIGHT_BITS`]; computed in the float widths that OpenCV uses.
fn sampling_position(index: u32, from: u32, to: u32) -> (usize, [i16; 2]) {
    let scale = 1.0 / (f64::from(to) / f64::from(from));
    let position = ((f64::from(index) + 0.5) * scale - 0.5) as f32;
    let first = position.floor();
    let (first, fraction) = if first < 0.0 {
        (0, 0.0)
    } else if first as u32 >= from - 1 {
        (from - 1, 0.0)
    } else {
        (first as u32, position - first)
    };
    let weight = |share: f32| (share * (1u32 << WEIGHT_BITS) as f32).round_ties_even() as i16;
    (first as usize, [weight(1.0 - fraction), weight(fraction)])
}

#[cfg(test)]
#[path = "preprocess_tests.rs"]
mod tests;
