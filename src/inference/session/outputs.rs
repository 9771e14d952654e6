//! What a model gives, as 32-bit floats.

use super::{SessionError, one_line};
use crate::onnx::shown;
use half::{bf16, f16};
use ort::value::{DynValue, PrimitiveTensorElementType, TensorElementType, ValueType};

/// Notes the shape of an output and, unless it holds 32-bit floats already, converts its values. False where it holds no
/// numbers (texts, sequences, maps): a model may give such beside its boxes.
pub(super) fn convert(
    name: &str,
    value: &DynValue,
    shape: &mut Vec<usize>,
    converted: &mut Vec<f32>,
) -> Result<bool, SessionError> {
    let ValueType::Tensor { ty, shape: dimensions, .. } = value.dtype() else {
        return Ok(false);
    };
    shape.clear();
    shape.extend(dimensions.iter().map(|side| usize::try_from(*side).unwrap_or(0)));
    converted.clear();
    let done = match ty {
        TensorElementType::Float32 => Ok(()),
        TensorElementType::Float16 => extend(converted, value, f16::to_f32),
        TensorElementType::Bfloat16 => extend(converted, value, bf16::to_f32),
        TensorElementType::Float64 => extend(converted, value, |number: f64| number as f32),
        TensorElementType::Int64 => extend(converted, value, |number: i64| number as f32),
        TensorElementType::Int32 => extend(converted, value, |number: i32| number as f32),
        TensorElementType::Int16 => extend(converted, value, <f32 as From<i16>>::from),
        TensorElementType::Int8 => extend(converted, value, <f32 as From<i8>>::from),
        TensorElementType::Uint64 => extend(converted, value, |number: u64| number as f32),
        TensorElementType::Uint32 => extend(converted, value, |number: u32| number as f32),
        TensorElementType::Uint16 => extend(converted, value, <f32 as From<u16>>::from),
        TensorElementType::Uint8 => extend(converted, value, <f32 as From<u8>>::from),
        TensorElementType::Bool => extend(converted, value, |holds: bool| f32::from(u8::from(holds))),
        _ => return Ok(false),
    };
    done.map(|()| true).map_err(|error| SessionError::OutputType {
        name: shown(name).into_owned(),
        found: one_line(&error.to_string()),
    })
}

fn extend<T: PrimitiveTensorElementType + Copy>(
    converted: &mut Vec<f32>,
    value: &DynValue,
    number: impl Fn(T) -> f32,
) -> ort::Result<()> {
    converted.extend(value.try_extract_tensor::<T>()?.1.iter().map(|value| number(*value)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ort::value::Tensor;

    fn converted<T>(values: Vec<T>) -> Option<(Vec<usize>, Vec<f32>)>
    where
        T: PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static,
    {
        read(&Tensor::from_array(([1, values.len()], values)).unwrap().into_dyn())
    }

    fn read(value: &DynValue) -> Option<(Vec<usize>, Vec<f32>)> {
        // What an earlier run left must not stay.
        let (mut shape, mut numbers) = (vec![7, 7], vec![5.0; 3]);
        convert("output", value, &mut shape, &mut numbers).unwrap().then_some((shape, numbers))
    }

    #[test]
    fn numbers_of_every_type_are_read_and_other_outputs_are_left_out() {
        if super::super::environment().is_err() {
            eprintln!("skipped: no ONNX Runtime");
            return;
        }
        let both = |numbers: [f32; 2]| Some((vec![1, 2], numbers.to_vec()));
        assert_eq!(converted(vec![true, false]), both([1.0, 0.0]));
        assert_eq!(converted(vec![-0.5f64, 3.0]), both([-0.5, 3.0]));
        assert_eq!(converted(vec![f16::from_f32(-0.5), f16::ONE]), both([-0.5, 1.0]));
        assert_eq!(converted(vec![bf16::from_f32(-0.5), bf16::ONE]), both([-0.5, 1.0]));
        assert_eq!(converted(vec![-3i8, 4]), both([-3.0, 4.0]));
        assert_eq!(converted(vec![-300i16, 4]), both([-300.0, 4.0]));
        assert_eq!(converted(vec![-70_000i32, 4]), both([-70_000.0, 4.0]));
        assert_eq!(converted(vec![-70_000i64, 4]), both([-70_000.0, 4.0]));
        assert_eq!(converted(vec![200u8, 4]), both([200.0, 4.0]));
        assert_eq!(converted(vec![60_000u16, 4]), both([60_000.0, 4.0]));
        assert_eq!(converted(vec![70_000u32, 4]), both([70_000.0, 4.0]));
        assert_eq!(converted(vec![70_000u64, 4]), both([70_000.0, 4.0]));
        // These are lent as they are.
        assert_eq!(converted(vec![0.5f32, 4.0]), Some((vec![1, 2], vec![])));
        let texts = Tensor::from_string_array(([1usize, 2], &["a", "b"][..])).unwrap();
        assert_eq!(read(&texts.into_dyn()), None);
        let number = Tensor::from_array(([1usize], vec![0.5f32])).unwrap();
        assert_eq!(read(&ort::value::Sequence::new([number]).unwrap().into_dyn()), None);
    }
}
