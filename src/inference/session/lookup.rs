//! Our operators in ONNX Runtime: a look-up of every byte of a tensor in a table of 256.
//!
//! A model has a hundred of them, each of some microseconds. The wrapper's safe access to a tensor takes two, for shapes
//! and names that nobody reads, so that here ONNX Runtime's own functions are called.
#![expect(unsafe_code, reason = "ONNX Runtime's tensors are reached by its C interface, a look-up often in place")]

use super::convolve::Convolve;
use super::repeat::Repeat;
use crate::inference::accelerate::{BEHIND, Byte, DOMAIN, PASSES, look_up_name};
use crate::inference::bytes::{ENTRIES, Kernel, Table};
use ort::AsPointer;
use ort::operator::{
    ComputeContext, Kernel as OrtKernel, KernelContext, Operator, OperatorDomain, OperatorInput, OperatorOutput,
    ShapeInferenceContext,
};
use ort::value::{DynTensorValueType, TensorElementType, ValueType};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that one thread takes at once of a large tensor.
const PORTION: usize = 64 << 10;
/// Axes that a tensor may have.
const AXES_MAX: usize = 8;

/// The operators of our domain, for a session that was folded here.
pub(super) fn operators(spared: &Arc<Spared>) -> ort::Result<OperatorDomain> {
    let kinds = [Byte::Unsigned, Byte::Signed];
    let pairs = kinds.into_iter().flat_map(|from| kinds.into_iter().map(move |to| (from, to)));
    let domain = pairs.into_iter().try_fold(OperatorDomain::new(DOMAIN)?, |domain, (from, to)| {
        domain.add(LookUp { from, to, spared: Arc::clone(spared) })
    })?;
    let domain = kinds.into_iter().try_fold(domain, |domain, kind| domain.add(Repeat(kind)))?;
    domain.add(Convolve { spared: Arc::clone(spared) })
}

/// What look-ups took the place of, counted while a session runs.
#[derive(Debug, Default)]
pub(super) struct Spared {
    /// Bytes that were looked up.
    pub bytes: AtomicU64,
    /// The same, times the nodes that each look-up stands for.
    pub passes: AtomicU64,
}

impl Spared {
    /// Bytes that were looked up, and the bytes that nodes would have gone over, since the session was built.
    pub fn bytes_and_passes(&self) -> [u64; 2] {
        [self.bytes.load(Ordering::Relaxed), self.passes.load(Ordering::Relaxed)]
    }
}

struct LookUp {
    from: Byte,
    to: Byte,
    spared: Arc<Spared>,
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
        let entries: Vec<u8> = match self.to {
            Byte::Unsigned => constant.try_extract_tensor::<u8>()?.1.to_vec(),
            Byte::Signed => constant.try_extract_tensor::<i8>()?.1.iter().map(|entry| entry.cast_unsigned()).collect(),
        };
        let behind = context.get::<i64>(BEHIND).and_then(|behind| usize::try_from(behind).ok());
        let (tables, rest) = entries.as_chunks::<ENTRIES>();
        let fits = rest.is_empty() && (tables.len() == 1 || (behind.is_some() && !tables.is_empty()));
        if !fits {
            return Err(ort::Error::new(format!("a table has {ENTRIES} entries")));
        }
        let passes = context.get::<i64>(PASSES).and_then(|passes| u64::try_from(passes).ok()).unwrap_or(1);
        let (tables, behind, spared) = (tables.to_vec(), behind.unwrap_or(0), Arc::clone(&self.spared));
        Ok(LookUpKernel { tables, behind, passes, kernel: Kernel::best(), spared })
    }

    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        match context.inputs().into_iter().next() {
            // What is not known at all looks like a single number. A side that is open and has no name would be given on as
            // -1, which ONNX Runtime takes for a length: it then shares memory among tensors of different sizes.
            Some(ValueType::Tensor { shape, dimension_symbols, .. })
                if !shape.is_empty()
                    && shape
                        .iter()
                        .zip(dimension_symbols.iter())
                        .all(|(side, name)| *side >= 0 || !name.is_empty()) =>
            {
                let ty = element_type(self.to);
                context.set_output(0, &ValueType::Tensor { ty, shape, dimension_symbols })
            }
            _ => Ok(()),
        }
    }
}

struct LookUpKernel {
    /// One for all, or one for each channel.
    tables: Vec<Table>,
    /// How many axes follow that of the channels.
    behind: usize,
    /// Nodes that it stands for.
    passes: u64,
    kernel: Kernel,
    spared: Arc<Spared>,
}

impl OrtKernel for LookUpKernel {
    fn compute(&mut self, context: &ComputeContext) -> ort::Result<()> {
        // SAFETY: this is the only place that takes them, once a call.
        let (tensors, sides) = unsafe { tensors(context, |sides| Ok(*sides)) }?;
        let (tables, kernel) = (self.tables.as_slice(), self.kernel);
        let count = match &tensors {
            Tensors::Same(bytes) => bytes.len() as u64,
            Tensors::Apart(bytes, _) => bytes.len() as u64,
        };
        self.spared.bytes.fetch_add(count, Ordering::Relaxed);
        self.spared.passes.fetch_add(count * self.passes, Ordering::Relaxed);
        if let [table] = tables {
            return match tensors {
                Tensors::Same(bytes) => {
                    in_portions(context, bytes.chunks_mut(PORTION), |part| kernel.apply_in_place(table, part))
                }
                Tensors::Apart(from, to) => {
                    let parts = from.chunks(PORTION).zip(to.chunks_mut(PORTION));
                    in_portions(context, parts, |(from, to)| kernel.apply(table, from, to))
                }
            };
        }
        let inner = self.inner(&sides)?;
        let least = Kernel::portion(tables.len(), inner);
        let portion = least * (PORTION / least).max(1);
        match tensors {
            Tensors::Same(bytes) => in_portions(context, bytes.chunks_mut(portion), |part| {
                kernel.apply_by_channel_in_place(tables, inner, part);
            }),
            Tensors::Apart(from, to) => {
                let parts = from.chunks(portion).zip(to.chunks_mut(portion));
                in_portions(context, parts, |(from, to)| kernel.apply_by_channel(tables, inner, from, to))
            }
        }
    }
}

impl LookUpKernel {
    /// How many bytes of a channel lie beside each other.
    fn inner(&self, sides: &Sides) -> ort::Result<usize> {
        let sides = sides.as_slice();
        let inner = |at: usize| sides[at + 1..].iter().map(|side| usize::try_from(*side).unwrap_or(0)).product();
        let at = sides.len().checked_sub(1 + self.behind);
        match at.filter(|at| usize::try_from(sides[*at]) == Ok(self.tables.len())).map(inner) {
            // A tensor without elements.
            Some(0) => Ok(1),
            Some(inner) => Ok(inner),
            None => Err(ort::Error::new("there has to be a table for each channel")),
        }
    }
}

/// Does the parts, several of them on the session's threads.
pub(super) fn in_portions<P: Send>(
    context: &ComputeContext,
    parts: impl ExactSizeIterator<Item = P>,
    look_up: impl Fn(P) + Sync + Send,
) -> ort::Result<()> {
    if parts.len() <= 1 {
        parts.for_each(look_up);
        return Ok(());
    }
    let parts: Vec<Mutex<Option<P>>> = parts.map(|part| Mutex::new(Some(part))).collect();
    context.par_for(parts.len(), 0, |index| {
        let part = parts.get(index).and_then(|part| part.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(part) = part {
            look_up(part);
        }
    })
}

/// What is looked up, and where it goes.
pub(super) enum Tensors<'a> {
    /// ONNX Runtime gave the result the same memory.
    Same(&'a mut [u8]),
    Apart(&'a [u8], &'a mut [u8]),
}

/// The sides of a tensor.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Sides {
    all: [i64; AXES_MAX],
    axes: usize,
}

impl Sides {
    /// These, at most eight.
    pub fn of<const AXES: usize>(sides: [usize; AXES]) -> Self {
        let mut all = [0; AXES_MAX];
        all.iter_mut().zip(sides).for_each(|(to, side)| *to = side as i64);
        Self { all, axes: AXES.min(AXES_MAX) }
    }

    /// In their order.
    pub fn as_slice(&self) -> &[i64] {
        &self.all[..self.axes]
    }

    /// Bytes of such a tensor.
    fn count(&self) -> usize {
        self.as_slice().iter().map(|side| usize::try_from(*side).unwrap_or(0)).product()
    }
}

/// The first input of an operator as bytes, and its output, of the shape that `result` makes of the input's; and the input's
/// shape.
///
/// # Safety
///
/// What comes of an earlier call with the same context is no longer used. The operator's first input and its output are
/// tensors of bytes, which ONNX Runtime makes sure of when it builds the session.
pub(super) unsafe fn tensors<'a>(
    context: &'a ComputeContext,
    result: impl FnOnce(&Sides) -> ort::Result<Sides>,
) -> ort::Result<(Tensors<'a>, Sides)> {
    let api = ort::api();
    let told = |status| {
        // SAFETY: every status here comes from a function of ONNX Runtime.
        unsafe { ort::Error::result_from_status(status) }
    };
    let context = context.ptr().cast_mut();
    let (mut input, mut output, mut shape) = (null(), null_mut(), null_mut());
    let mut sides = Sides { all: [0; AXES_MAX], axes: 0 };
    let (mut from, mut to) = (null_mut(), null_mut());
    // SAFETY: the context is ONNX Runtime's own and lives as long as this call; the places to write to are those that each
    // function asks for; the shape is given back whatever is told of it.
    unsafe {
        told((api.KernelContext_GetInput)(context, 0, &raw mut input))?;
        told((api.GetTensorTypeAndShape)(input, &raw mut shape))?;
        let (axes, all) = (&raw mut sides.axes, sides.all.as_mut_ptr());
        let known = told((api.GetDimensionsCount)(shape, axes))
            .and_then(|()| if *axes <= AXES_MAX { Ok(()) } else { Err(ort::Error::new("a tensor has too many axes")) })
            .and_then(|()| told((api.GetDimensions)(shape, all, *axes)));
        (api.ReleaseTensorTypeAndShapeInfo)(shape);
        known?;
    }
    let of_result = result(&sides)?;
    // SAFETY: as above.
    unsafe {
        let all = of_result.as_slice();
        told((api.KernelContext_GetOutput)(context, 0, all.as_ptr(), all.len(), &raw mut output))?;
        told((api.GetTensorMutableData)(input.cast_mut(), &raw mut from))?;
        told((api.GetTensorMutableData)(output, &raw mut to))?;
    }
    let (from, to) = (from.cast::<u8>().cast_const(), to.cast::<u8>());
    let (before, after) = (sides.count(), of_result.count());
    if before == 0 || after == 0 {
        return Ok((Tensors::Same(&mut []), sides));
    }
    // SAFETY: the tensors have so many bytes; and ONNX Runtime gives the output the input's memory, which only operators
    // whose result has the input's shape let it do, or its own.
    unsafe {
        let result = std::slice::from_raw_parts_mut(to, after);
        if from == to.cast_const() {
            return Ok((Tensors::Same(result), sides));
        }
        Ok((Tensors::Apart(std::slice::from_raw_parts(from, before), result), sides))
    }
}

pub(super) fn element_type(kind: Byte) -> TensorElementType {
    match kind {
        Byte::Unsigned => TensorElementType::Uint8,
        Byte::Signed => TensorElementType::Int8,
    }
}
