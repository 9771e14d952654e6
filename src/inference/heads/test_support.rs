//! Models that are no more than names and shapes, for tests of recognition and decoding.

use super::{DecodeContext, DecodeError, Decoder, Family, Found, Look, Output, OutputTensor};
use crate::imaging::ImageSize;
use crate::inference::{Candidate, Head, recognize_input};
use crate::onnx::proto::DataType;
use crate::onnx::{Dimension, ElementType, Precision, Quantization, Summary, ValueInfo};

/// The input of [`summary`]'s models.
pub const SIZE: ImageSize = ImageSize::new(64, 64);

/// An input or output. Sides below 0 are open.
pub fn value(name: &str, shape: &[i64], dtype: DataType) -> ValueInfo {
    let side = |side: &i64| usize::try_from(*side).map_or(Dimension::Unknown, Dimension::Fixed);
    ValueInfo { name: name.into(), shape: Some(shape.iter().map(side).collect()), dtype: ElementType(dtype) }
}

/// A model with the input `images` [1,3,64,64] and these outputs.
pub fn summary(outputs: &[(&str, &[i64])]) -> Summary {
    Summary {
        opset: 11,
        ir_version: 7,
        producer: String::new(),
        inputs: vec![value("images", &[1, 3, 64, 64], DataType::Float)],
        outputs: outputs.iter().map(|(name, shape)| value(name, shape, DataType::Float)).collect(),
        metadata: Default::default(),
        operators: Default::default(),
        weight_channels: Default::default(),
        precision: Precision::Fp32,
        precision_evidence: "fp32".into(),
        quantization: Quantization::default(),
        bytes: 1,
    }
}

/// The same with metadata.
pub fn with_metadata(mut summary: Summary, pairs: &[(&str, &str)]) -> Summary {
    summary.metadata = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    summary
}

/// Name, shape, and values if there was a run.
pub type Seen<'a> = (&'a str, &'a [usize], Option<&'a [f32]>);

/// What `family` makes of a model whose first run gave these outputs; without values of one that was not run.
pub fn look(family: &Family, summary: &Summary, outputs: &[Seen<'_>]) -> Option<Found> {
    let input = recognize_input(summary, None).unwrap();
    let outputs: Vec<_> =
        outputs.iter().map(|(name, shape, values)| Output { name, shape: shape.to_vec(), values: *values }).collect();
    (family.recognize)(&Look { summary, input: &input, outputs: &outputs, asked: None, anchors: None })
}

/// A tensor of a run.
pub fn tensor<'a>(name: &'a str, shape: &'a [usize], values: &'a [f32]) -> OutputTensor<'a> {
    OutputTensor { name, shape, values }
}

/// What a decoder for `head` finds on an input of `size` with scores of at least `floor`.
pub fn decoded(
    head: Head,
    size: ImageSize,
    outputs: &[OutputTensor<'_>],
    floor: f32,
) -> Result<Vec<Candidate>, DecodeError> {
    let mut candidates = Vec::new();
    let context = DecodeContext { input_size: size, score_floor: floor };
    Decoder::for_head(head).decode(outputs, &context, &mut candidates).map(|()| candidates)
}
