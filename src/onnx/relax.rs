//! Opening declared sides, in memory: some files declare a size that their network does not need.

use super::proto::{DimensionValue, ModelProto, TypeValue, ValueInfoProto};
use prost::Message;

/// The bytes of `model` with the sides of input `name` open, but for the axis of the colours, and no declared shapes of
/// outputs and intermediate values: ONNX Runtime checks a picture against the former and works the latter out itself.
pub fn relaxed(mut model: ModelProto, name: &str) -> Vec<u8> {
    if let Some(graph) = &mut model.graph {
        graph.value_info.clear();
        graph.output.iter_mut().for_each(|output| open(output, |_| true));
        graph.input.iter_mut().filter(|input| input.name == name).for_each(|input| open(input, |side| side != 3));
    }
    model.encode_to_vec()
}

/// Opens those sides of a value that `chosen` says.
fn open(value: &mut ValueInfoProto, chosen: impl Fn(i64) -> bool) {
    if let Some(TypeValue::TensorType(tensor)) = value.r#type.as_mut().and_then(|kind| kind.value.as_mut())
        && let Some(shape) = &mut tensor.shape
    {
        for side in &mut shape.dim {
            if matches!(side.value, Some(DimensionValue::DimValue(length)) if chosen(length)) {
                side.value = None;
            }
        }
    }
}
