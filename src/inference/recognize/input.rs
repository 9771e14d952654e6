//! What a model is fed with: size, axes and element type of its picture.

use super::RecognizeError;
use crate::imaging::ImageSize;
use crate::inference::preprocess::InputType;
use crate::inference::{CardOverrides, Layout};
use crate::onnx::proto::DataType;
use crate::onnx::{Dimension, Summary, ValueInfo};

/// What a model is fed with; enough for a trial run before its outputs are recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputRecognition {
    /// Name in the graph.
    pub name: String,
    /// Width and height.
    pub size: ImageSize,
    /// Order of the axes.
    pub layout: Layout,
    /// Type of the elements.
    pub dtype: InputType,
    /// Why that is believed.
    pub evidence: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl InputRecognition {
    /// Shape of the tensor to feed.
    pub fn shape(&self) -> [usize; 4] {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        match self.layout {
            Layout::Nchw => [1, 3, height, width],
            Layout::Nhwc => [1, height, width, 3],
        }
    }
}

/// Side that is taken where neither the file nor a card says one.
const USUAL_SIDE: usize = 640;

/// The largest side that is believed; a larger one would ask for gigabytes.
const MAX_SIDE: usize = 8192;

/// Recognises the input alone.
///
/// # Errors
/// When there is not exactly one input, or it is no colour picture of one of the known element types.
pub fn recognize_input(
    summary: &Summary,
    overrides: Option<&CardOverrides>,
) -> Result<InputRecognition, RecognizeError> {
    let [input] = summary.inputs.as_slice() else {
        let inputs = summary.inputs.iter().map(ValueInfo::to_string).collect::<Vec<_>>().join(", ");
        return Err(RecognizeError::Inputs { count: summary.inputs.len(), inputs });
    };
    let dtype = match input.dtype.0 {
        DataType::Float => InputType::F32,
        DataType::Float16 => InputType::F16,
        DataType::Uint8 => InputType::U8,
        _ => return Err(RecognizeError::InputType { input: input.to_string() }),
    };
    let no_picture = |reason: String| RecognizeError::InputShape { input: input.to_string(), reason };
    let sides = input.shape.clone().unwrap_or_else(|| vec![Dimension::Unknown; 4]);
    let [batch, second, third, fourth] = sides.as_slice() else {
        return Err(no_picture(format!("it has {} axes instead of 4", sides.len())));
    };
    if batch.fixed().is_some_and(|count| count != 1) {
        return Err(no_picture(format!("it takes {batch} pictures at once")));
    }
    let (layout, mut evidence) = tell_layout(input, second, fourth, overrides.and_then(|card| card.layout))
        .ok_or_else(|| no_picture("no axis has the length 3".into()))?;
    let (height, width) = match layout {
        Layout::Nchw => (third, fourth),
        Layout::Nhwc => (second, third),
    };
    let mut warnings = Vec::new();
    let size = tell_size(summary, [width, height], overrides, &mut evidence, &mut warnings);
    if size.iter().any(|side| *side > MAX_SIDE) {
        return Err(no_picture(format!("{}x{} is larger than {MAX_SIDE}", size[0], size[1])));
    }
    let size = ImageSize::new(size[0] as u32, size[1] as u32);
    Ok(InputRecognition { name: input.name.clone(), size, layout, dtype, evidence, warnings })
}

fn tell_layout(
    input: &ValueInfo,
    second: &Dimension,
    last: &Dimension,
    card: Option<Layout>,
) -> Option<(Layout, Vec<String>)> {
    let (layout, reason) = match (card, second.fixed(), last.fixed()) {
        (Some(layout), ..) => (layout, "the card says so"),
        (None, Some(3), Some(3)) => (Layout::Nchw, "a guess, as both axis 1 and axis 3 have the length 3"),
        (None, Some(3), _) => (Layout::Nchw, "axis 1 holds the 3 colours"),
        (None, _, Some(3)) => (Layout::Nhwc, "axis 3 holds the 3 colours"),
        (None, None, _) => (Layout::Nchw, "a guess, as the file does not fix the axis of the colours"),
        (None, Some(_), None) => (Layout::Nhwc, "a guess, as the file does not fix the axis of the colours"),
        (None, Some(_), Some(_)) => return None,
    };
    let name = match layout {
        Layout::Nchw => "NCHW",
        Layout::Nhwc => "NHWC",
    };
    Some((layout, vec![format!("input {input}: {name}, {reason}")]))
}

/// Width and height: as the card says, as the file fixes them, as its metadata says, or the usual.
fn tell_size(
    summary: &Summary,
    declared: [&Dimension; 2],
    overrides: Option<&CardOverrides>,
    evidence: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> [usize; 2] {
    let fixed = declared.map(Dimension::fixed);
    if let Some(size) = overrides.and_then(|card| card.input_size) {
        let size = size.map(|side| side as usize);
        if fixed.iter().zip(size).any(|(fixed, side)| fixed.is_some_and(|fixed| fixed != side)) {
            warnings.push(format!(
                "the card sets the input size {}x{}, and the file declares {}x{}",
                size[0], size[1], declared[0], declared[1]
            ));
        }
        return size;
    }
    if let [Some(width), Some(height)] = fixed {
        return [width, height];
    }
    let (fallback, origin) = match metadata_size(summary) {
        Some(size) => (size, "the metadata's imgsz"),
        None => ([USUAL_SIDE; 2], "a guess, as the file leaves it open; \"input_size\" in a card sets it"),
    };
    let size = [fixed[0].unwrap_or(fallback[0]), fixed[1].unwrap_or(fallback[1])];
    evidence.push(format!("input size {}x{}: {origin}", size[0], size[1]));
    size
}

/// Ultralytics' `imgsz`, which is `[height, width]` or one number for both.
fn metadata_size(summary: &Summary) -> Option<[usize; 2]> {
    let text = summary.metadata.get("imgsz")?;
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let sides: Vec<usize> = numbers.map(str::parse).collect::<Result<_, _>>().ok()?;
    let size = match sides.as_slice() {
        [side] => [*side; 2],
        [height, width] => [*width, *height],
        _ => return None,
    };
    size.iter().all(|side| (32..=MAX_SIDE).contains(side)).then_some(size)
}
