//! From a picture's pixels to a model's input in one pass: resize, padding, colour order, normalization.
//!
//! The picture is resampled bilinearly with pixel centres at half coordinates and without a low-pass filter, and
//! rounded to 8-bit levels: the convention of OpenCV's `INTER_LINEAR`, which nearly every detector was trained
//! with. Rounding also makes an 8-bit input hold exactly what a float input holds.
//!
//! Row by row: the two source rows are blended (16-bit integers, contiguous, so the compiler vectorizes it), then the
//! blended row is sampled and written, normalized, to its place. Nothing is allocated once the sizes are known.

use super::model_card::{ColorOrder, Layout, ModelCard};
use crate::imaging::{ImageSize, Letterbox, ResizeMode, RgbImage};
use half::f16;
use wide::{i16x8, i32x4};

/// Bits of the vertical weights: 255 * 2^7 still fits a signed 16-bit integer.
const VERTICAL_BITS: u32 = 7;
/// Bits of the horizontal weights: the sum of two products fits a signed 32-bit integer.
const HORIZONTAL_BITS: u32 = 14;
/// Half a level, added before the shift so that it rounds.
const ROUNDING: i32 = 1 << (VERTICAL_BITS + HORIZONTAL_BITS - 1);

/// The element type of a model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputType {
    /// 32-bit float, normalized.
    F32,
    /// 16-bit float, normalized.
    F16,
    /// 8-bit levels; the card's normalization does not apply.
    U8,
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
}

/// A model's input tensor, owned by the caller and filled by [`Preprocessor::run`] again and again.
#[derive(Clone, Debug)]
pub struct ModelInput {
    values: InputValues,
    shape: [usize; 4],
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
        };
        let shape = match layout {
            Layout::Nchw => [1, 3, height, width],
            Layout::Nhwc => [1, height, width, 3],
        };
        Self { values, shape, padded_for: None }
    }

    /// The values, row-major in the card's layout, batch 1.
    pub fn values(&self) -> &InputValues {
        &self.values
    }

    /// `[1, 3, height, width]` or `[1, height, width, 3]`.
    pub fn shape(&self) -> [usize; 4] {
        self.shape
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
    plan: Option<Plan>,
    blended_row: Vec<i16>,
    levels: [Vec<i32>; 3],
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
    /// Index of the left source sample in the blended row (three a pixel).
    offset: usize,
    /// Weights of the left and of the right pixel, alternating; their sum is 2^[`HORIZONTAL_BITS`].
    weights: i16x8,
}

/// Sampling position of one target row.
#[derive(Clone, Copy, Debug)]
struct Row {
    upper: u32,
    lower: u32,
    /// Weight of the lower row, 0…2^[`VERTICAL_BITS`].
    lower_weight: i16,
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
            plan: None,
            blended_row: Vec::new(),
            levels: Default::default(),
        }
    }

    /// An input tensor of the right type and shape.
    pub fn new_input(&self) -> ModelInput {
        ModelInput::grey(self.model_size, self.layout, self.input_type, self.pad)
    }

    /// Fills `input` with `image` and says how the two are mapped onto each other.
    pub fn run(&mut self, image: &RgbImage, input: &mut ModelInput) -> Letterbox {
        let size = ImageSize::new(image.width(), image.height());
        let plan = match self.plan.take() {
            Some(plan) if plan.letterbox.image == size => plan,
            _ => Plan::new(Letterbox::fit(size, self.model_size, self.resize)),
        };
        let letterbox = plan.letterbox;
        if input.padded_for != Some(letterbox) {
            self.fill_padding(&mut input.values);
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
            InputValues::F32(values) => fill_by_channel(values, self.layout, normalized),
            InputValues::F16(values) => fill_by_channel(values, self.layout, normalized.map(f16::from_f32)),
        }
    }

    fn resample(&mut self, image: &RgbImage, plan: &Plan, values: &mut InputValues) {
        let stride = 3 * image.width() as usize;
        let pixels = image.as_raw().as_slice();
        // Room for the pixel right of the last one and for reading four values at a time.
        self.blended_row.resize(stride + 8, 0);
        for row in &mut self.levels {
            row.resize(plan.columns.len().next_multiple_of(4), 0);
        }
        let mut previous: Option<Row> = None;
        for (y, row) in plan.rows.iter().enumerate() {
            let same = previous
                .is_some_and(|p| (p.upper, p.lower, p.lower_weight) == (row.upper, row.lower, row.lower_weight));
            if !same {
                let (upper, lower) = (row.upper as usize * stride, row.lower as usize * stride);
                blend_rows(
                    &pixels[upper..upper + stride],
                    &pixels[lower..lower + stride],
                    row.lower_weight,
                    &mut self.blended_row,
                );
                sample_row(&self.blended_row, &plan.columns, &mut self.levels);
                previous = Some(*row);
            }
            self.write_row(plan, y, values);
        }
    }

    /// Writes the sampled row to row `y` of the content.
    fn write_row(&self, plan: &Plan, y: usize, values: &mut InputValues) {
        let place = Place {
            layout: self.layout,
            first: (plan.letterbox.top as usize + y) * self.model_size.width as usize + plan.letterbox.left as usize,
            count: plan.columns.len(),
            plane: self.model_size.width as usize * self.model_size.height as usize,
        };
        for channel in 0..3 {
            let source = match self.color {
                ColorOrder::Rgb => channel,
                ColorOrder::Bgr => 2 - channel,
            };
            let (gain, bias) = (self.gain[channel], self.bias[channel]);
            let levels = &self.levels[source];
            match values {
                InputValues::F32(out) => place.write(out, channel, levels, |level| level as f32 * gain + bias),
                InputValues::F16(out) => {
                    place.write(out, channel, levels, |level| f16::from_f32(level as f32 * gain + bias));
                }
                InputValues::U8(out) => place.write(out, channel, levels, |level| level as u8),
            }
        }
    }
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
    #[inline]
    fn write<T>(&self, out: &mut [T], channel: usize, levels: &[i32], value: impl Fn(i32) -> T) {
        match self.layout {
            Layout::Nchw => {
                let start = channel * self.plane + self.first;
                for (target, level) in out[start..start + self.count].iter_mut().zip(levels) {
                    *target = value(*level);
                }
            }
            Layout::Nhwc => {
                let start = 3 * self.first;
                let pixels = out[start..start + 3 * self.count].chunks_exact_mut(3);
                for (target, level) in pixels.zip(levels) {
                    target[channel] = value(*level);
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

/// `out = upper * (1 - w) + lower * w`, scaled by 2^[`VERTICAL_BITS`].
fn blend_rows(upper: &[u8], lower: &[u8], lower_weight: i16, out: &mut [i16]) {
    let upper_weight = (1 << VERTICAL_BITS) - lower_weight;
    for ((target, a), b) in out.iter_mut().zip(upper).zip(lower) {
        *target = i16::from(*a) * upper_weight + i16::from(*b) * lower_weight;
    }
}

/// Samples a blended row at every column into levels 0…255, a row a colour (red, green, blue).
fn sample_row(blended: &[i16], columns: &[Column], levels: &mut [Vec<i32>; 3]) {
    let [red, green, blue] = levels;
    let targets = red.chunks_exact_mut(4).zip(green.chunks_exact_mut(4)).zip(blue.chunks_exact_mut(4));
    for (group, ((red, green), blue)) in columns.chunks(4).zip(targets) {
        let sampled: [[i32; 4]; 4] = std::array::from_fn(|i| sample(blended, group.get(i).unwrap_or(&group[0])));
        for (i, pixel) in sampled.iter().enumerate() {
            red[i] = pixel[0];
            green[i] = pixel[1];
            blue[i] = pixel[2];
        }
    }
}

/// One pixel: red, green, blue and a value without meaning.
#[inline]
fn sample(blended: &[i16], column: &Column) -> [i32; 4] {
    let at = &blended[column.offset..column.offset + 8];
    let pairs = i16x8::new([at[0], at[3], at[1], at[4], at[2], at[5], 0, 0]);
    let sum = pairs.dot(column.weights) + i32x4::splat(ROUNDING);
    (sum >> (VERTICAL_BITS + HORIZONTAL_BITS) as i32).to_array()
}

impl Plan {
    fn new(letterbox: Letterbox) -> Self {
        let (from, to) = (letterbox.image, letterbox.content);
        let columns = (0..to.width).map(|x| {
            let (left, weight) = sampling_position(x, from.width, to.width);
            let right = (weight * f64::from(1u32 << HORIZONTAL_BITS)).round() as i16;
            let left_weight = (1 << HORIZONTAL_BITS) - right;
            let weights = [left_weight, right, left_weight, right, left_weight, right, 0, 0];
            Column { offset: 3 * left as usize, weights: i16x8::new(weights) }
        });
        let rows = (0..to.height).map(|y| {
            let (upper, weight) = sampling_position(y, from.height, to.height);
            let lower_weight = (weight * f64::from(1u32 << VERTICAL_BITS)).round() as i16;
            Row { upper, lower: (upper + 1).min(from.height - 1), lower_weight }
        });
        Self { letterbox, columns: columns.collect(), rows: rows.collect() }
    }
}

/// The source sample before target sample `index`, and the weight of the one after it (0 at the last).
fn sampling_position(index: u32, from: u32, to: u32) -> (u32, f64) {
    let position = (f64::from(index) + 0.5) * f64::from(from) / f64::from(to) - 0.5;
    let position = position.clamp(0.0, f64::from(from - 1));
    let first = position.floor();
    (first as u32, position - first)
}
