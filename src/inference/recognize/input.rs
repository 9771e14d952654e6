//! What a model is fed with: size, axes and element type of its picture, and what it wants beside it.

use super::{Evidence, Item, OtherInput, RecognizeError};
use crate::imaging::ImageSize;
use crate::inference::preprocess::InputType;
use crate::inference::{CardOverrides, Layout};
use crate::onnx::proto::DataType;
use crate::onnx::{Dimension, Summary, ValueInfo};

/// What a model is fed with; enough for a first run before its outputs are recognised.
#[derive(Clone, Debug, PartialEq)]
pub struct InputRecognition {
    /// Name of the picture in the graph.
    pub name: String,
    /// Width and height.
    pub size: ImageSize,
    /// Whether the file leaves the size open, so that another may be tried.
    pub size_open: bool,
    /// Order of the axes.
    pub layout: Layout,
    /// Type of the elements.
    pub dtype: InputType,
    /// Inputs beside the picture.
    pub others: Vec<OtherInput>,
    /// Pictures that the file takes at once, where it fixes their number and that is not one.
    pub batch: Option<usize>,
    /// The declared sides, where they stand in the way: the model is to be loaded with open ones.
    pub relaxed_from: Option<String>,
    /// Why that is believed.
    pub evidence: Vec<Evidence>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Side that is taken where neither the file nor a card nor its head says one.
const USUAL_SIDE: usize = 640;

/// Sides tried after that one, the most frequent first.
const OTHER_SIDES: [u32; 13] = [416, 320, 512, 300, 608, 800, 256, 224, 384, 480, 960, 1024, 1280];

/// The largest side that is believed; a larger one would ask for gigabytes.
const MAX_SIDE: usize = 8192;

/// A model that declares several pictures and sides below this was exported with placeholders.
const PLACEHOLDER_BELOW: usize = 96;

impl InputRecognition {
    /// Shape of the tensor to feed.
    pub fn shape(&self) -> [usize; 4] {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        match self.layout {
            Layout::Nchw => [1, 3, height, width],
            Layout::Nhwc => [1, height, width, 3],
        }
    }

    /// That the model does not work with one picture, where it was exported for several; `how` says what came of one.
    pub(in crate::inference) fn batch_error(&self, how: String) -> Option<RecognizeError> {
        let (count, input) = (self.batch?, self.relaxed_from.clone()?);
        Some(RecognizeError::Batch { count, input, how })
    }

    /// The sizes worth trying, first choice first; `usual` is that of the head.
    pub(in crate::inference) fn sizes_to_try(&self, usual: Option<ImageSize>) -> Vec<ImageSize> {
        if !self.size_open {
            return vec![self.size];
        }
        let mut sizes: Vec<_> = usual.into_iter().chain([self.size]).collect();
        for size in OTHER_SIDES.map(|side| ImageSize::new(side, side)) {
            if !sizes.contains(&size) {
                sizes.push(size);
            }
        }
        sizes
    }

    /// The same with the size that the model was seen to run at.
    pub(in crate::inference) fn at(&self, size: ImageSize) -> Self {
        let mut input = self.clone();
        if size != self.size {
            input.size = size;
            input.evidence.retain(|evidence| evidence.item != Item::Size);
            input
                .evidence
                .push(Evidence::guess(Item::Size, format!("input size {size}: a guess, the model runs at it")));
        }
        input
    }
}

/// Recognises the inputs alone.
///
/// # Errors
/// When none of them is a colour picture of one of the known element types, or one has no known meaning.
pub fn recognize_input(
    summary: &Summary,
    overrides: Option<&CardOverrides>,
) -> Result<InputRecognition, RecognizeError> {
    let picture = picture_input(&summary.inputs)?;
    let input = &summary.inputs[picture];
    let dtype = match input.dtype.0 {
        DataType::Float => InputType::F32,
        DataType::Float16 => InputType::F16,
        DataType::Uint8 => InputType::U8,
        DataType::Int8 => InputType::I8,
        _ => return Err(RecognizeError::InputType { input: input.to_string() }),
    };
    let no_picture = |reason: String| RecognizeError::InputShape { input: input.to_string(), reason };
    let mut sides = input.shape.clone().unwrap_or_else(|| vec![Dimension::Unknown; 4]);
    if sides.len() == 3 {
        sides.insert(0, Dimension::Fixed(1));
    }
    let [batch, second, third, fourth] = sides.as_slice() else {
        return Err(no_picture(format!("it has {} axes instead of 4", sides.len())));
    };
    let (layout, layout_evidence) = tell_layout(input, second, fourth, overrides.and_then(|card| card.layout))
        .ok_or_else(|| no_picture("no axis has the length 3".into()))?;
    let (height, width) = match layout {
        Layout::Nchw => (third, fourth),
        Layout::Nhwc => (second, third),
    };
    let mut recognition = InputRecognition {
        name: input.name.clone(),
        size: ImageSize::new(0, 0),
        size_open: false,
        layout,
        dtype,
        others: Vec::new(),
        batch: batch.fixed().filter(|count| *count > 1),
        relaxed_from: None,
        evidence: vec![layout_evidence],
        warnings: Vec::new(),
    };
    let several = batch.fixed().is_some_and(|count| count != 1);
    let size = tell_size(summary, [width, height], several, overrides, &mut recognition);
    if size.iter().any(|side| *side > MAX_SIDE) {
        return Err(no_picture(format!("{}x{} is larger than {MAX_SIDE}", size[0], size[1])));
    }
    recognition.size = ImageSize::new(size[0] as u32, size[1] as u32);
    let fixed = [width, height].map(Dimension::fixed);
    if several || fixed.iter().zip(size).any(|(fixed, side)| fixed.is_some_and(|fixed| fixed != side)) {
        recognition.relaxed_from = Some(input.to_string());
        let text = format!(
            "the file declares {input}; it is loaded with open sides to run one picture of {}x{}",
            size[0], size[1]
        );
        recognition.evidence.push(Evidence::guess(Item::Input, text));
    }
    for other in summary.inputs.iter().enumerate().filter(|(index, _)| *index != picture).map(|(_, other)| other) {
        let other = OtherInput::recognize(other)?;
        recognition.evidence.push(Evidence::sure(Item::Input, other.describe()));
        recognition.others.push(other);
    }
    Ok(recognition)
}

/// The input that is the picture: the only one, or the first one with four axes or three.
fn picture_input(inputs: &[ValueInfo]) -> Result<usize, RecognizeError> {
    let axes = |input: &ValueInfo| input.shape.as_ref().map_or(0, Vec::len);
    let colours = |input: &ValueInfo| {
        let is_three = |side: &Dimension| side.fixed() == Some(3);
        input.shape.as_ref().is_some_and(|sides| sides.len() >= 3 && sides.iter().skip(sides.len() - 3).any(is_three))
    };
    match inputs {
        [] => Err(RecognizeError::NoInputs),
        [_] => Ok(0),
        several => {
            several.iter().position(colours).or_else(|| several.iter().position(|input| axes(input) == 4)).ok_or_else(
                || RecognizeError::NoPicture {
                    inputs: several.iter().map(ValueInfo::to_string).collect::<Vec<_>>().join(", "),
                },
            )
        }
    }
}

fn tell_layout(
    input: &ValueInfo,
    second: &Dimension,
    last: &Dimension,
    card: Option<Layout>,
) -> Option<(Layout, Evidence)> {
    const OPEN: &str = "a guess, as the file does not fix the axis of the colours";
    let (layout, guess, reason) = match (card, second.fixed(), last.fixed()) {
        (Some(layout), ..) => (layout, false, "the card says so"),
        (None, Some(3), Some(3)) => (Layout::Nchw, true, "a guess, as both axis 1 and axis 3 have the length 3"),
        (None, Some(3), _) => (Layout::Nchw, false, "axis 1 holds the 3 colours"),
        (None, _, Some(3)) => (Layout::Nhwc, false, "axis 3 holds the 3 colours"),
        (None, None, _) => (Layout::Nchw, true, OPEN),
        (None, Some(_), None) => (Layout::Nhwc, true, OPEN),
        (None, Some(_), Some(_)) => return None,
    };
    let name = match layout {
        Layout::Nchw => "NCHW",
        Layout::Nhwc => "NHWC",
    };
    Some((layout, Evidence { item: Item::Input, text: format!("input {input}: {name}, {reason}"), guess }))
}

/// Width and height: as the card says, as the file fixes them, as its metadata says, or the usual.
fn tell_size(
    summary: &Summary,
    declared: [&Dimension; 2],
    several: bool,
    overrides: Option<&CardOverrides>,
    recognition: &mut InputRecognition,
) -> [usize; 2] {
    let mut fixed = declared.map(Dimension::fixed);
    if several && fixed.iter().flatten().any(|side| *side < PLACEHOLDER_BELOW) {
        fixed = [None; 2];
    }
    if let Some(size) = overrides.and_then(|card| card.input_size) {
        let size = size.map(|side| side as usize);
        if fixed.iter().zip(size).any(|(fixed, side)| fixed.is_some_and(|fixed| fixed != side)) {
            recognition.warnings.push(format!(
                "the card sets the input size {}x{}, and the file declares {}x{}",
                size[0], size[1], declared[0], declared[1]
            ));
        }
        let text = format!("input size {}x{}: the card says so", size[0], size[1]);
        recognition.evidence.push(Evidence::sure(Item::Size, text));
        return size;
    }
    if let [Some(width), Some(height)] = fixed {
        let text = format!("input size {width}x{height}: fixed by the file");
        recognition.evidence.push(Evidence::sure(Item::Size, text));
        return [width, height];
    }
    let size = |fallback: [usize; 2]| [fixed[0].unwrap_or(fallback[0]), fixed[1].unwrap_or(fallback[1])];
    let (size, evidence) = match metadata_size(summary) {
        Some(metadata) => {
            let [width, height] = size(metadata);
            let text = format!("input size {width}x{height}: the metadata's imgsz");
            (size(metadata), Evidence::sure(Item::Size, text))
        }
        None => {
            recognition.size_open = fixed == [None; 2];
            let [width, height] = size([USUAL_SIDE; 2]);
            let text = format!(
                "input size {width}x{height}: a guess, as the file leaves it open; \"input_size\" in a card sets it"
            );
            (size([USUAL_SIDE; 2]), Evidence::guess(Item::Size, text))
        }
    };
    recognition.evidence.push(evidence);
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
