//! Our operator for a convolution of bytes with the requantization and the look-up behind it.
#![expect(unsafe_code, reason = "ONNX Runtime's tensors are reached by its C interface, see `lookup`")]

use super::lookup::{Sides, Spared, Tensors, element_type, in_portions, tensors};
use crate::inference::accelerate::{Byte, CONVOLUTION, DEPTHWISE, PADS, PASSES, STRIDES, ZEROS};
use crate::inference::bytes::conv::{Convolution, ConvolutionSpec};
use crate::inference::bytes::{ENTRIES, Kernel};
use ort::operator::{
    ComputeContext, Kernel as OrtKernel, KernelContext, Operator, OperatorInput, OperatorOutput, ShapeInferenceContext,
};
use ort::value::{DynTensorValueType, TensorElementType, ValueType};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Axes of a tensor: pictures, height, width, channels.
const AXES: usize = 4;

pub(super) struct Convolve {
    pub spared: Arc<Spared>,
}

impl Operator for Convolve {
    type Kernel<'attr> = ConvolveKernel;

    fn name(&self) -> &str {
        CONVOLUTION
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        let [unsigned, signed] = [Byte::Unsigned, Byte::Signed].map(element_type);
        [unsigned, signed, TensorElementType::Float32, TensorElementType::Int32, unsigned].map(OperatorInput::required)
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(element_type(Byte::Unsigned))]
    }

    fn create_kernel<'attr>(&self, context: &KernelContext<'attr>) -> ort::Result<ConvolveKernel> {
        let constant = |index| context.constant_input::<DynTensorValueType>(index);
        let [weights, scales, bias, tables] = [constant(1)?, constant(2)?, constant(3)?, constant(4)?];
        let (sides, weights) = weights.try_extract_tensor::<i8>()?;
        let side = |at: usize| sides.get(at).and_then(|side| usize::try_from(*side).ok()).unwrap_or(0);
        let tables = tables.try_extract_tensor::<u8>()?.1.as_chunks::<ENTRIES>().0.to_vec();
        let whole = |name: &str| -> Option<Vec<usize>> {
            let numbers = context.get::<Vec<i64>>(name)?;
            numbers.into_iter().map(|number| usize::try_from(number).ok()).collect()
        };
        let depthwise = context.get::<i64>(DEPTHWISE) == Some(1);
        let attributes = || {
            let zeros: [usize; 2] = whole(ZEROS)?.try_into().ok()?;
            let zeros = [u8::try_from(zeros[0]).ok()?, u8::try_from(zeros[1]).ok()?];
            Convolution::new(&ConvolutionSpec {
                channels: [if depthwise { side(0) } else { side(1) }, side(0)],
                depthwise,
                window: [side(2), side(3)],
                strides: whole(STRIDES)?.try_into().ok()?,
                pads: whole(PADS)?.try_into().ok()?,
                weights,
                bias: bias.try_extract_tensor::<i32>().ok()?.1,
                scales: scales.try_extract_tensor::<f32>().ok()?.1,
                zeros,
                tables,
            })
        };
        let convolution = attributes().ok_or_else(|| ort::Error::new("the parts of a convolution do not fit"))?;
        let passes = context.get::<i64>(PASSES).and_then(|passes| u64::try_from(passes).ok()).unwrap_or(0);
        Ok(ConvolveKernel { convolution, passes, kernel: Kernel::best(), spared: Arc::clone(&self.spared) })
    }

    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        let strides: Vec<i64> = context.attr(STRIDES)?;
        let pads: Vec<i64> = context.attr(PADS)?;
        let mut inputs = context.inputs().into_iter();
        let (Some(ValueType::Tensor { shape, dimension_symbols, .. }), Some(ValueType::Tensor { shape: window, .. })) =
            (inputs.next(), inputs.next())
        else {
            return Ok(());
        };
        let ([_, height, width, _], [outputs, _, down, across]) = (shape.as_ref(), window.as_ref()) else {
            return Ok(());
        };
        let ([top, left, bottom, right], [steps_down, steps_across]) = (pads.as_slice(), strides.as_slice()) else {
            return Ok(());
        };
        let side = |side: i64, pads: i64, window: i64, step: i64| (side + pads - window) / step.max(1) + 1;
        let result =
            [side(*height, top + bottom, *down, *steps_down), side(*width, left + right, *across, *steps_across)];
        // A side that is open has a name, which would no longer be true.
        if shape.iter().any(|side| *side < 0) || *outputs <= 0 {
            return Ok(());
        }
        let ty = element_type(Byte::Unsigned);
        let mut of_result = shape.clone();
        of_result.iter_mut().skip(1).zip([result[0], result[1], *outputs]).for_each(|(side, result)| *side = result);
        context.set_output(0, &ValueType::Tensor { ty, shape: of_result, dimension_symbols })
    }
}

pub(super) struct ConvolveKernel {
    convolution: Convolution,
    /// Nodes that its look-up stands for.
    passes: u64,
    kernel: Kernel,
    spared: Arc<Spared>,
}

impl ConvolveKernel {
    /// Pictures, height, width; and the sides of the result.
    fn sizes(&self, sides: &Sides) -> Option<([usize; 3], [usize; 2])> {
        let sides: &[i64; AXES] = sides.as_slice().try_into().ok()?;
        let [pictures, height, width, channels] = sides.map(|side| usize::try_from(side).unwrap_or(0));
        let result = self.convolution.size_of_result([height, width])?;
        (channels == self.convolution.channels()[0]).then_some(([pictures, height, width], result))
    }
}

impl OrtKernel for ConvolveKernel {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        let unfit =
            || ort::Error::new("a tensor of the convolution's channels, not smaller than its window, has to go in");
        let [inputs, outputs] = self.convolution.channels();
        let result = |sides: &Sides| {
            let ([pictures, ..], [down, across]) = self.sizes(sides).ok_or_else(unfit)?;
            Ok(Sides::of([pictures, down, across, outputs]))
        };
        // SAFETY: this is the only place that takes them, once a call.
        let (given, sides) = unsafe { tensors(context, result) }?;
        let ([_, height, width], [down, across]) = self.sizes(&sides).ok_or_else(unfit)?;
        let Tensors::Apart(from, to) = given else { return Ok(()) };
        let count = to.len() as u64;
        self.spared.bytes.fetch_add(count, Ordering::Relaxed);
        // A convolution of ours spares about as much as one pass over its result takes.
        self.spared.passes.fetch_add(count * (self.passes + 1), Ordering::Relaxed);
        let part = self.convolution.part([height, width]);
        let pictures = from.chunks_exact(height * width * inputs).zip(to.chunks_exact_mut(down * across * outputs));
        let parts: Vec<(&[u8], usize, &mut [u8])> = pictures
            .flat_map(|(from, to)| to.chunks_mut(part).enumerate().map(move |(index, to)| (from, index, to)))
            .collect();
        in_portions(context, parts.into_iter(), |(from, index, to)| {
            self.convolution.run(self.kernel, from, [height, width], index, to);
        })
    }
}
