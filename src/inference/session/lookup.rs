//! Our operators in ONNX Runtime: a look-up of every byte of a tensor in a table of 256.

use crate::inference::accelerate::{Byte, DOMAIN, look_up_name};
use crate::inference::bytes::{ENTRIES, Kernel, Table};
use ort::operator::{
    ComputeContext, Kernel as OrtKernel, KernelContext, Operator, OperatorDomain, OperatorInput, OperatorOutput,
    ShapeInferenceContext,
};
use ort::value::{DynTensorRef, DynTensorRefMut, DynTensorValueType, TensorElementType, ValueType};
use std::sync::{Mutex, PoisonError};

/// Bytes that one thread takes at once of a large tensor.
const PORTION: usize = 64 << 10;

/// The operators of our domain, for a session that was folded here.
pub(super) fn operators() -> ort::Result<OperatorDomain> {
    let kinds = [Byte::Unsigned, Byte::Signed];
    let pairs = kinds.into_iter().flat_map(|from| kinds.into_iter().map(move |to| (from, to)));
    pairs.into_iter().try_fold(OperatorDomain::new(DOMAIN)?, |domain, (from, to)| domain.add(LookUp { from, to }))
}

struct LookUp {
    from: Byte,
    to: Byte,
}

impl Operator for LookUp {
    type Kernel<'attr> = LookUpKernel;

    /// The result may be written over the tensor.
    const INPLACES: &[(u32, u32)] = &[(0, 0)];

    fn name(&self) -> &str {
        look_up_name(self.from, self.to)
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [OperatorInput::required(element_type(self.from)), OperatorInput::required(element_type(self.to))]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(element_type(self.to))]
    }

    fn create_kernel<'attr>(&self, context: &KernelContext<'attr>) -> ort::Result<LookUpKernel> {
        let constant = context.constant_input::<DynTensorValueType>(1)?;
        let table = Table::try_from(bytes_of(&constant, self.to)?)
            .map_err(|_| ort::Error::new(format!("a table has {ENTRIES} entries")))?;
        Ok(LookUpKernel { from: self.from, to: self.to, table, kernel: Kernel::best() })
    }

    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        match context.inputs().into_iter().next() {
            // What is not known at all looks like a single number.
            Some(ValueType::Tensor { shape, dimension_symbols, .. }) if !shape.is_empty() => {
                let ty = element_type(self.to);
                context.set_output(0, &ValueType::Tensor { ty, shape, dimension_symbols })
            }
            _ => Ok(()),
        }
    }
}

struct LookUpKernel {
    from: Byte,
    to: Byte,
    table: Table,
    kernel: Kernel,
}

impl OrtKernel for LookUpKernel {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        let missing = || ort::Error::new("a look-up has a tensor and gives one");
        let input = context.input(0)?.ok_or_else(missing)?.downcast::<DynTensorValueType>()?;
        let output = context.output(0, input.shape().clone())?.ok_or_else(missing)?;
        let mut output = output.downcast::<DynTensorValueType>()?;
        if input.data_ptr() == output.data_ptr() {
            // Only one of the two may be looked at.
            let bytes = bytes_of_mut(&mut output, self.to)?;
            return self.in_portions(context, bytes.chunks_mut(PORTION), |table, kernel, part| {
                kernel.apply_in_place(table, part);
            });
        }
        let (from, to) = (bytes_of(&input, self.from)?, bytes_of_mut(&mut output, self.to)?);
        let parts = from.chunks(PORTION).zip(to.chunks_mut(PORTION));
        self.in_portions(context, parts, |table, kernel, (from, to)| kernel.apply(table, from, to))
    }
}

impl LookUpKernel {
    /// Does the parts, several of them on the session's threads.
    fn in_portions<P: Send>(
        &self,
        context: &ComputeContext,
        parts: impl ExactSizeIterator<Item = P>,
        look_up: impl Fn(&Table, Kernel, P) + Sync + Send,
    ) -> ort::Result<()> {
        let (table, kernel) = (&self.table, self.kernel);
        if parts.len() <= 1 {
            parts.for_each(|part| look_up(table, kernel, part));
            return Ok(());
        }
        let parts: Vec<Mutex<Option<P>>> = parts.map(|part| Mutex::new(Some(part))).collect();
        context.par_for(parts.len(), 0, |index| {
            let part = parts.get(index).and_then(|part| part.lock().unwrap_or_else(PoisonError::into_inner).take());
            if let Some(part) = part {
                look_up(table, kernel, part);
            }
        })
    }
}

fn element_type(kind: Byte) -> TensorElementType {
    match kind {
        Byte::Unsigned => TensorElementType::Uint8,
        Byte::Signed => TensorElementType::Int8,
    }
}

/// The bytes of a tensor, without sign.
fn bytes_of<'a>(value: &'a DynTensorRef<'_>, kind: Byte) -> ort::Result<&'a [u8]> {
    match kind {
        Byte::Unsigned => value.try_extract_tensor::<u8>().map(|(_, bytes)| bytes),
        Byte::Signed => value.try_extract_tensor::<i8>().map(|(_, bytes)| bytemuck::cast_slice(bytes)),
    }
}

fn bytes_of_mut<'a>(value: &'a mut DynTensorRefMut<'_>, kind: Byte) -> ort::Result<&'a mut [u8]> {
    match kind {
        Byte::Unsigned => value.try_extract_tensor_mut::<u8>().map(|(_, bytes)| bytes),
        Byte::Signed => value.try_extract_tensor_mut::<i8>().map(|(_, bytes)| bytemuck::cast_slice_mut(bytes)),
    }
}
