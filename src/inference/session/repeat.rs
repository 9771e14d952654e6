//! Our operator that makes a tensor of bytes larger by saying everything several times: `Resize` to the nearest.

use crate::inference::accelerate::{Byte, FACTORS, repeat_name};
use crate::inference::session::lookup::element_type;
use ort::operator::{
    ComputeContext, Kernel as OrtKernel, KernelContext, Operator, OperatorInput, OperatorOutput, ShapeInferenceContext,
};
use ort::value::{DynTensorValueType, ValueType};

pub(super) struct Repeat(pub Byte);

impl Operator for Repeat {
    type Kernel<'attr> = RepeatKernel;

    fn name(&self) -> &str {
        repeat_name(self.0)
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [OperatorInput::required(element_type(self.0))]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(element_type(self.0))]
    }

    fn create_kernel<'attr>(&self, context: &KernelContext<'attr>) -> ort::Result<RepeatKernel> {
        let factors = context.get::<Vec<i64>>(FACTORS).unwrap_or_default();
        let factors: Option<Vec<usize>> = factors.iter().map(|factor| usize::try_from(*factor).ok()).collect();
        match factors.filter(|factors| !factors.is_empty() && !factors.contains(&0)) {
            Some(factors) => Ok(RepeatKernel { kind: self.0, factors }),
            None => Err(ort::Error::new(format!("`{FACTORS}` has to be a whole number for each axis"))),
        }
    }

    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        let factors: Vec<i64> = context.attr(FACTORS)?;
        let Some(ValueType::Tensor { ty, mut shape, dimension_symbols }) = context.inputs().into_iter().next() else {
            return Ok(());
        };
        // A side that is open has a name, which would no longer be true.
        if shape.len() != factors.len() || shape.iter().any(|side| *side < 0) {
            return Ok(());
        }
        shape.iter_mut().zip(&factors).for_each(|(side, factor)| *side *= factor);
        context.set_output(0, &ValueType::Tensor { ty, shape, dimension_symbols })
    }
}

pub(super) struct RepeatKernel {
    kind: Byte,
    factors: Vec<usize>,
}

impl OrtKernel for RepeatKernel {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        let missing = || ort::Error::new("a tensor of as many axes as there are factors has to go in");
        let input = context.input(0)?.ok_or_else(missing)?.downcast::<DynTensorValueType>()?;
        let sides: Vec<usize> = input.shape().iter().map(|side| usize::try_from(*side).unwrap_or(0)).collect();
        if sides.len() != self.factors.len() {
            return Err(missing());
        }
        let larger: Vec<i64> = sides.iter().zip(&self.factors).map(|(side, factor)| (side * factor) as i64).collect();
        let output = context.output(0, larger)?.ok_or_else(missing)?;
        let mut output = output.downcast::<DynTensorValueType>()?;
        if sides.contains(&0) {
            return Ok(());
        }
        match self.kind {
            Byte::Unsigned => {
                let (from, to) = (input.try_extract_tensor::<u8>()?.1, output.try_extract_tensor_mut::<u8>()?.1);
                repeat(from, &sides, &self.factors, to);
            }
            Byte::Signed => {
                let (from, to) = (input.try_extract_tensor::<i8>()?.1, output.try_extract_tensor_mut::<i8>()?.1);
                repeat(from, &sides, &self.factors, to);
            }
        }
        Ok(())
    }
}

/// Writes each part of `from` along each axis `factors` times; no side is 0.
fn repeat<T: Copy>(from: &[T], sides: &[usize], factors: &[usize], to: &mut [T]) {
    let ([side, sides @ ..], [factor, factors @ ..]) = (sides, factors) else {
        return to.copy_from_slice(from);
    };
    if *factor == 1 && factors.iter().all(|factor| *factor == 1) {
        return to.copy_from_slice(from);
    }
    let (part, larger) = (from.len() / side, to.len() / side);
    for (from, to) in from.chunks_exact(part).zip(to.chunks_exact_mut(larger)) {
        let (first, others) = to.split_at_mut(larger / factor);
        repeat(from, sides, factors, first);
        others.chunks_exact_mut(first.len()).for_each(|other| other.copy_from_slice(first));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_where_the_nearest_would_be() {
        let (sides, factors) = ([2, 3, 2, 5], [1, 2, 3, 1]);
        let from: Vec<u8> = (0..60).collect();
        let mut to = vec![255; 60 * 6];
        repeat(&from, &sides, &factors, &mut to);
        for (place, found) in to.iter().enumerate() {
            let (n, y, x, c) = (place / 180, place / 30 % 6, place / 5 % 6, place % 5);
            assert_eq!(usize::from(*found), ((n * 3 + y / 2) * 2 + x / 3) * 5 + c, "{place}");
        }
        let mut same = [0; 4];
        repeat(&[1, 2, 3, 4], &[2, 2], &[1, 1], &mut same);
        assert_eq!(same, [1, 2, 3, 4]);
        let mut twice = [0; 4];
        repeat(&[1_i8, 2], &[2], &[2], &mut twice);
        assert_eq!(twice, [1, 1, 2, 2]);
    }
}
