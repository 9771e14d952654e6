//! Our operator that moves the bytes of a picture to where a model wants them, such as YOLOX's `Focus`.

use super::lookup::element_type;
use crate::inference::accelerate::{Byte, MOVE_ATTRIBUTES, move_name};
use ort::operator::{
    ComputeContext, Kernel as OrtKernel, KernelContext, Operator, OperatorInput, OperatorOutput, ShapeInferenceContext,
};
use ort::value::{DynTensorValueType, ValueType};

pub(super) struct Move(pub Byte);

impl Operator for Move {
    type Kernel<'attr> = MoveKernel;

    fn name(&self) -> &str {
        move_name(self.0)
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [OperatorInput::required(element_type(self.0))]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(element_type(self.0))]
    }

    fn create_kernel<'attr>(&self, context: &KernelContext<'attr>) -> ort::Result<MoveKernel> {
        let numbers = MOVE_ATTRIBUTES.map(|name| context.get::<Vec<i64>>(name).unwrap_or_default());
        let [sides, steps, bases] =
            numbers.map(|numbers| numbers.into_iter().map(usize::try_from).collect::<Result<Vec<usize>, _>>());
        let wrong = || ort::Error::new(format!("{MOVE_ATTRIBUTES:?} have to tell where bytes go"));
        let (Ok(sides), Ok(steps), Ok(bases)) = (sides, steps, bases) else { return Err(wrong()) };
        Places::new(sides, steps, bases).map(|places| MoveKernel { kind: self.0, places }).ok_or_else(wrong)
    }

    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        let sides: Vec<i64> = context.attr(MOVE_ATTRIBUTES[0])?;
        let bases: Vec<i64> = context.attr(MOVE_ATTRIBUTES[2])?;
        let shape: Vec<i64> = [1].into_iter().chain(sides).chain([bases.len() as i64]).collect();
        let (ty, dimension_symbols) = (element_type(self.0), shape.iter().map(|_| String::new()).collect());
        context.set_output(0, &ValueType::Tensor { ty, shape: shape.into(), dimension_symbols })
    }
}

pub(super) struct MoveKernel {
    kind: Byte,
    places: Places,
}

impl OrtKernel for MoveKernel {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        let missing = || ort::Error::new("a picture has to go in");
        let input = context.input(0)?.ok_or_else(missing)?.downcast::<DynTensorValueType>()?;
        let output = context.output(0, self.places.shape())?.ok_or_else(missing)?;
        let mut output = output.downcast::<DynTensorValueType>()?;
        let done = match self.kind {
            Byte::Unsigned => {
                self.places.apply(input.try_extract_tensor::<u8>()?.1, output.try_extract_tensor_mut::<u8>()?.1)
            }
            Byte::Signed => {
                self.places.apply(input.try_extract_tensor::<i8>()?.1, output.try_extract_tensor_mut::<i8>()?.1)
            }
        };
        done.ok_or_else(|| ort::Error::new("the picture is smaller than it was said to be"))
    }
}

/// `to[a, b, c] = from[bases[c] + steps[0] * a + steps[1] * b]`.
struct Places {
    sides: [usize; 2],
    steps: [usize; 2],
    bases: Vec<usize>,
    /// Elements that the source has to have.
    reach: usize,
}

impl Places {
    /// None where there is nothing to move, a step is none, or the numbers are too large.
    fn new(sides: Vec<usize>, steps: Vec<usize>, bases: Vec<usize>) -> Option<Self> {
        let (sides, steps): ([usize; 2], [usize; 2]) = (sides.try_into().ok()?, steps.try_into().ok()?);
        if sides.contains(&0) || steps.contains(&0) {
            return None;
        }
        let way = |axis: usize| (sides[axis] - 1).checked_mul(steps[axis]);
        let reach = bases.iter().max()?.checked_add(way(0)?)?.checked_add(way(1)?)?.checked_add(1)?;
        sides[0].checked_mul(sides[1])?.checked_mul(bases.len())?;
        Some(Self { sides, steps, bases, reach })
    }

    fn shape(&self) -> Vec<i64> {
        [1, self.sides[0], self.sides[1], self.bases.len()].map(|side| side as i64).to_vec()
    }

    /// None where `from` is too short; `to` has the elements of [`Self::shape`].
    fn apply<T: Copy>(&self, from: &[T], to: &mut [T]) -> Option<()> {
        if from.len() < self.reach {
            return None;
        }
        let channels = self.bases.len();
        for (a, row) in to.chunks_exact_mut(self.sides[1] * channels).enumerate() {
            for (channel, base) in self.bases.iter().enumerate() {
                let from = &from[base + self.steps[0] * a..];
                let places = row[channel..].iter_mut().step_by(channels);
                places.zip(from.iter().step_by(self.steps[1])).for_each(|(to, from)| *to = *from);
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_where_they_are_wanted() {
        let places = Places::new(vec![2, 3], vec![12, 2], vec![0, 24, 7]).unwrap();
        assert_eq!(places.shape(), [1, 2, 3, 3]);
        let from: Vec<u8> = (0..48).collect();
        let mut to = [0; 18];
        assert_eq!(places.apply(&from[..41], &mut to), Some(()));
        assert_eq!(to, [0, 24, 7, 2, 26, 9, 4, 28, 11, 12, 36, 19, 14, 38, 21, 16, 40, 23]);
        assert_eq!(places.apply(&from[..40], &mut to), None, "one is missing");
        assert!(Places::new(vec![2, 3], vec![0, 2], vec![0]).is_none());
        assert!(Places::new(vec![2, 3], vec![1], vec![0]).is_none());
        assert!(Places::new(vec![2, 3], vec![1, 1], vec![]).is_none());
        assert!(Places::new(vec![usize::MAX, 3], vec![2, 1], vec![0]).is_none());
    }
}
