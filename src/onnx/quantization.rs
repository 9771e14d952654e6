//! How much of a file is quantized, and in which form: counts over its operators and weights.

use super::Precision;
use super::external::for_each_tensor;
use super::proto::{DataType, GraphProto, ModelProto, NodeProto, TensorProto};
use std::collections::{HashMap, HashSet};

/// How a file writes down that it is quantized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Float operators between `DequantizeLinear` and `QuantizeLinear`, which ONNX Runtime fuses into integer ones.
    Qdq,
    /// Integer operators with fixed scales, such as `QLinearConv`.
    #[serde(rename = "qoperator")]
    QOperator,
    /// Integer operators whose data is quantized anew in every run, such as `ConvInteger`.
    Dynamic,
    /// Integers are only stored: weights become floats before they are used.
    WeightOnly,
}

impl std::fmt::Display for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Qdq => "QDQ",
            Self::QOperator => "QOperator",
            Self::Dynamic => "dynamic",
            Self::WeightOnly => "weights only",
        })
    }
}

/// How much of a graph computes in integers, as the file has it.
///
/// Counted are convolutions and products with weights (`MatMul`, `Gemm` with a constant operand). One is quantized
/// when it is an integer operator (QOperator or dynamic quantization), or when both its data and its weights come
/// from `DequantizeLinear` (QDQ). Where the weights alone do, it computes in floats: weights only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Quantization {
    /// The form that most quantized operators have; none where nothing is quantized.
    pub form: Option<Form>,
    /// All convolutions.
    pub convolutions: usize,
    /// Convolutions that compute in integers.
    pub quantized_convolutions: usize,
    /// Convolutions in floats whose weights are stored as integers.
    pub weight_only_convolutions: usize,
    /// All products with weights.
    pub products: usize,
    /// Products that compute in integers.
    pub quantized_products: usize,
    /// Products in floats whose weights are stored as integers.
    pub weight_only_products: usize,
    /// Bytes of the weights by their type.
    pub weights: WeightBytes,
}

/// Bytes of all tensors in a file (external ones included) by the type of their elements, as their shapes say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct WeightBytes {
    /// 32-bit floats.
    pub float32: u64,
    /// 16-bit floats of either kind.
    pub float16: u64,
    /// 8-bit integers, signed or not.
    pub int8: u64,
    /// 4-bit integers, two in a byte.
    pub int4: u64,
    /// Everything else: shapes, indices, 32-bit biases of integer operators.
    pub other: u64,
}

impl std::fmt::Display for WeightBytes {
    /// `float32 0.3 MB, int8 3.9 MB`, without what there is none of.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds = [
            ("float32", self.float32),
            ("float16", self.float16),
            ("int8", self.int8),
            ("int4", self.int4),
            ("other", self.other),
        ];
        let mut comma = "";
        for (kind, bytes) in kinds.into_iter().filter(|(_, bytes)| *bytes > 0) {
            write!(f, "{comma}{kind} {:.2} MB", bytes as f64 / 1e6)?;
            comma = ", ";
        }
        if comma.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

/// What an operator does with weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Convolution,
    Product,
}

/// What kind of work an operator does, and in which form of quantization; none for float operators. Operators of
/// ONNX and those that ONNX Runtime makes of them.
pub(super) fn work_of(operator: &str) -> Option<(Work, Option<Form>)> {
    Some(match operator {
        "Conv" | "ConvTranspose" | "FusedConv" | "NhwcFusedConv" => (Work::Convolution, None),
        "QLinearConv" | "QLinearConvTranspose" => (Work::Convolution, Some(Form::QOperator)),
        "ConvInteger" | "FusedConvInteger" => (Work::Convolution, Some(Form::Dynamic)),
        "MatMul" | "Gemm" | "FusedMatMul" | "FusedGemm" => (Work::Product, None),
        "QLinearMatMul" | "QGemm" => (Work::Product, Some(Form::QOperator)),
        "MatMulInteger" | "MatMulIntegerToFloat" | "DynamicQuantizeMatMul" => (Work::Product, Some(Form::Dynamic)),
        "MatMulNBits" => (Work::Product, Some(Form::WeightOnly)),
        _ => return None,
    })
}

/// The inputs among which an operator's weights are.
pub(super) fn weight_inputs(node: &NodeProto) -> &[String] {
    let (first, last) = match node.op_type.as_str() {
        "QLinearConv" | "QLinearConvTranspose" | "QLinearMatMul" | "QGemm" => (3, 4),
        "MatMul" | "FusedMatMul" => (0, 2),
        _ => (1, 2),
    };
    let last = last.min(node.input.len());
    &node.input[first.min(last)..last]
}

impl Quantization {
    /// Counts over the main graph, its subgraphs and the model's functions.
    pub fn of(model: &ModelProto) -> Self {
        let mut tally = Tally::default();
        if let Some(graph) = &model.graph {
            tally.add_graph(graph, None);
        }
        for function in &model.functions {
            tally.add_nodes(&function.node, &Context::new(&function.node, &[], None));
        }
        let form = tally.forms.iter().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > 0);
        Self { form: form.map(|(form, _)| *form), weights: WeightBytes::of(model), ..tally.counts }
    }

    /// The integers that the weights are stored as, `INT8` or `INT4`, where the file only stores integers.
    pub fn stored_weights(&self) -> Option<&'static str> {
        let stored = self.weight_only_convolutions + self.weight_only_products;
        let only = stored > 0 && self.quantized_convolutions + self.quantized_products == 0;
        only.then_some(if self.weights.int4 > self.weights.int8 { "INT4" } else { "INT8" })
    }

    /// A model's precision with the form of its quantization: `INT8 (QDQ)`, `FP32, INT8 weights`, `FP16`.
    pub fn name_with(&self, precision: Precision) -> String {
        match (self.stored_weights(), self.form) {
            (Some(stored), _) => format!("{precision}, {stored} weights"),
            (None, Some(form)) => format!("{precision} ({form})"),
            (None, None) => precision.to_string(),
        }
    }

    /// Whether what ONNX Runtime makes of the file may differ from what the file says.
    pub fn is_worth_a_look(&self) -> bool {
        self.form.is_some() || self.weights.are_mostly_halves()
    }
}

/// What [`Quantization::of`] has counted so far. Of forms that are equally frequent the last one here is named.
struct Tally {
    counts: Quantization,
    forms: [(Form, usize); 4],
}

impl Default for Tally {
    fn default() -> Self {
        let forms = [Form::WeightOnly, Form::Dynamic, Form::QOperator, Form::Qdq].map(|form| (form, 0));
        Self { counts: Quantization::default(), forms }
    }
}

impl Tally {
    fn add_graph(&mut self, graph: &GraphProto, outer: Option<&Context<'_>>) {
        self.add_nodes(&graph.node, &Context::new(&graph.node, &graph.initializer, outer));
    }

    fn add_nodes(&mut self, nodes: &[NodeProto], context: &Context<'_>) {
        for node in nodes {
            self.add(node, context);
            let subgraphs = node.attribute.iter().flat_map(|a| a.g.iter().chain(&a.graphs));
            subgraphs.for_each(|subgraph| self.add_graph(subgraph, Some(context)));
        }
    }

    fn add(&mut self, node: &NodeProto, context: &Context<'_>) {
        let Some((work, form)) = work_of(&node.op_type) else { return };
        if work == Work::Product && !weight_inputs(node).iter().any(|name| context.is_constant(name)) {
            return;
        }
        let form = form.or_else(|| context.form_around(node));
        let counts = &mut self.counts;
        let (all, quantized, weight_only) = match work {
            Work::Convolution => {
                (&mut counts.convolutions, &mut counts.quantized_convolutions, &mut counts.weight_only_convolutions)
            }
            Work::Product => (&mut counts.products, &mut counts.quantized_products, &mut counts.weight_only_products),
        };
        *all += 1;
        match form {
            None => {}
            Some(Form::WeightOnly) => *weight_only += 1,
            Some(_) => *quantized += 1,
        }
        let counted = self.forms.iter_mut().find(|(known, _)| Some(*known) == form);
        counted.into_iter().for_each(|(_, count)| *count += 1);
    }
}

/// Where the values of a graph come from.
struct Context<'a> {
    producers: HashMap<&'a str, &'a NodeProto>,
    constants: HashSet<&'a str>,
    outer: Option<&'a Context<'a>>,
}

impl<'a> Context<'a> {
    fn new(nodes: &'a [NodeProto], weights: &'a [TensorProto], outer: Option<&'a Context<'a>>) -> Self {
        let outputs = |node: &'a NodeProto| node.output.iter().map(move |name| (name.as_str(), node));
        Self {
            producers: nodes.iter().flat_map(outputs).collect(),
            constants: weights.iter().map(|tensor| tensor.name.as_str()).collect(),
            outer,
        }
    }

    /// The node behind a value, looking through operators that only move values; None for inputs and weights.
    /// Bounded, as a damaged graph may have a cycle.
    fn origin(&self, name: &str) -> Option<&'a NodeProto> {
        let mut node = self.producer(name)?;
        for _ in 0..8 {
            if !matches!(node.op_type.as_str(), "Transpose" | "Reshape" | "Squeeze" | "Unsqueeze" | "Identity") {
                return Some(node);
            }
            node = self.producer(node.input.first()?)?;
        }
        None
    }

    fn producer(&self, name: &str) -> Option<&'a NodeProto> {
        match self.producers.get(name) {
            Some(node) => Some(node),
            None if self.constants.contains(name) => None,
            None => self.outer.and_then(|outer| outer.producer(name)),
        }
    }

    fn is_weight(&self, name: &str) -> bool {
        self.constants.contains(name) || self.outer.is_some_and(|outer| outer.is_weight(name))
    }

    /// Whether a value is a weight, moved, quantized or dequantized on its way or not. Bounded as [`Self::origin`].
    fn is_constant(&self, name: &str) -> bool {
        let mut name = name;
        for _ in 0..8 {
            if self.is_weight(name) {
                return true;
            }
            let Some(node) = self.producer(name) else { return false };
            match (node.op_type.as_str(), node.input.first()) {
                ("Constant", _) => return true,
                (
                    "DequantizeLinear" | "QuantizeLinear" | "Transpose" | "Reshape" | "Squeeze" | "Unsqueeze"
                    | "Identity" | "Cast",
                    Some(input),
                ) => name = input,
                _ => return false,
            }
        }
        false
    }

    /// The form that the operators before a float operator give it.
    fn form_around(&self, node: &NodeProto) -> Option<Form> {
        let dequantized = |index: usize| {
            let name = node
                .input
                .get(index)
                .filter(|name| self.origin(name).is_some_and(|origin| origin.op_type == "DequantizeLinear"))?;
            Some(self.is_constant(name))
        };
        match (dequantized(0), dequantized(1)) {
            (Some(_), Some(_)) => Some(Form::Qdq),
            (Some(true), None) | (None, Some(true)) => Some(Form::WeightOnly),
            _ => None,
        }
    }
}

impl WeightBytes {
    /// Whether of the floats more are of 16 bits than of 32.
    pub fn are_mostly_halves(&self) -> bool {
        self.float16 / 2 > self.float32 / 4
    }

    fn of(model: &ModelProto) -> Self {
        let packed = names_of_packed_nibbles(model);
        let mut bytes = Self::default();
        for_each_tensor(model, &mut |tensor| {
            let sides = tensor.dims.iter().map(|side| u64::try_from(*side).unwrap_or(0));
            let elements = sides.fold(1u64, u64::saturating_mul);
            let kind = DataType::try_from(tensor.data_type).unwrap_or(DataType::Undefined);
            let sum = match kind {
                DataType::Float => &mut bytes.float32,
                DataType::Float16 | DataType::Bfloat16 => &mut bytes.float16,
                DataType::Int8 | DataType::Uint8 if packed.contains(tensor.name.as_str()) => &mut bytes.int4,
                DataType::Int8 | DataType::Uint8 => &mut bytes.int8,
                DataType::Int4 | DataType::Uint4 => &mut bytes.int4,
                _ => &mut bytes.other,
            };
            let bits = kind.bits().unwrap_or(0);
            *sum = sum.saturating_add(elements.saturating_mul(bits).div_ceil(8));
        });
        bytes
    }
}

/// Weights of `MatMulNBits` with 4 bits: they are declared as bytes that hold two numbers each.
fn names_of_packed_nibbles(model: &ModelProto) -> HashSet<&str> {
    let bits = |node: &NodeProto| node.attribute.iter().find(|a| a.name == "bits").and_then(|a| a.i).unwrap_or(4);
    let nodes = model.graph.iter().flat_map(|graph| &graph.node);
    nodes
        .filter(|node| node.op_type == "MatMulNBits" && bits(node) <= 4)
        .filter_map(|node| node.input.get(1).map(String::as_str))
        .collect()
}

#[cfg(test)]
#[path = "quantization_tests.rs"]
mod tests;
