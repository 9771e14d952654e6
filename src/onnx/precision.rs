//! In what numbers a model computes, told from its operators and weights.

use super::external::for_each_tensor;
use super::proto::{DataType, GraphProto, ModelProto, NodeProto, TensorProto};
use std::collections::{HashMap, HashSet};

/// In what numbers a model computes, told from its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    Fp32,
    /// 16-bit floats.
    Fp16,
    /// 8-bit integers in the convolutions and matrix products.
    Int8,
    /// Some convolutions in integers, others in floats.
    Mixed,
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Fp32 => "FP32",
            Self::Fp16 => "FP16",
            Self::Int8 => "INT8",
            Self::Mixed => "mixed",
        })
    }
}

/// How much of a graph computes in integers.
///
/// Counted are convolutions and products with weights (`MatMul`, `Gemm` with a constant operand). One is quantized
/// when it is an integer operator (QOperator or dynamic quantization), or when both its data and its weights come
/// from `DequantizeLinear` (QDQ), which is the pattern that ONNX Runtime fuses into an integer operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Quantization {
    /// All convolutions.
    pub convolutions: usize,
    /// Convolutions that compute in integers.
    pub quantized_convolutions: usize,
    /// All products with weights.
    pub products: usize,
    /// Products that compute in integers.
    pub quantized_products: usize,
}

/// From this share of quantized convolutions on a model is called INT8: a float first layer or a float tail of the
/// head is usual in INT8 models, a whole float stage is not.
const INT8_SHARE: f32 = 0.8;

impl Quantization {
    /// Counts over the main graph and its subgraphs.
    pub fn of(model: &ModelProto) -> Self {
        let mut counts = Self::default();
        if let Some(graph) = &model.graph {
            counts.add_graph(graph);
        }
        counts
    }

    /// Convolutions decide; in a model without any, the products do.
    fn share(&self) -> f32 {
        match (self.convolutions, self.products) {
            (0, 0) => 0.0,
            (0, products) => self.quantized_products as f32 / products as f32,
            (convolutions, _) => self.quantized_convolutions as f32 / convolutions as f32,
        }
    }

    fn add_graph(&mut self, graph: &GraphProto) {
        let context = Context::of(graph);
        for node in &graph.node {
            match node.op_type.as_str() {
                "QLinearConv" | "ConvInteger" | "FusedConvInteger" | "QLinearConvTranspose" => {
                    self.convolutions += 1;
                    self.quantized_convolutions += 1;
                }
                "QLinearMatMul" | "MatMulInteger" | "QGemm" | "DynamicQuantizeMatMul" | "MatMulIntegerToFloat" => {
                    self.products += 1;
                    self.quantized_products += 1;
                }
                "Conv" | "ConvTranspose" | "FusedConv" => {
                    self.convolutions += 1;
                    self.quantized_convolutions += usize::from(context.reads_quantized(node));
                }
                "MatMul" | "Gemm" | "FusedMatMul" | "FusedGemm" if context.has_weights(node) => {
                    self.products += 1;
                    self.quantized_products += usize::from(context.reads_quantized(node));
                }
                _ => {}
            }
            let subgraphs = node.attribute.iter().flat_map(|a| a.g.iter().chain(&a.graphs));
            subgraphs.for_each(|subgraph| self.add_graph(subgraph));
        }
    }
}

/// Where the values of a graph come from.
struct Context<'a> {
    producers: HashMap<&'a str, &'a NodeProto>,
    constants: HashSet<&'a str>,
}

impl<'a> Context<'a> {
    fn of(graph: &'a GraphProto) -> Self {
        let outputs = |node: &'a NodeProto| node.output.iter().map(move |name| (name.as_str(), node));
        Self {
            producers: graph.node.iter().flat_map(outputs).collect(),
            constants: graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect(),
        }
    }

    /// The node behind a value, looking through operators that only move values. Bounded, as a damaged graph may
    /// have a cycle.
    fn origin(&self, name: &str) -> Option<&'a NodeProto> {
        let mut node = *self.producers.get(name)?;
        for _ in 0..8 {
            if !matches!(node.op_type.as_str(), "Transpose" | "Reshape" | "Squeeze" | "Unsqueeze" | "Identity") {
                return Some(node);
            }
            match node.input.first().and_then(|input| self.producers.get(input.as_str())) {
                Some(before) => node = before,
                None => return None,
            }
        }
        None
    }

    fn reads_quantized(&self, node: &NodeProto) -> bool {
        let dequantized = |index: usize| {
            let origin = node.input.get(index).and_then(|name| self.origin(name));
            origin.is_some_and(|origin| origin.op_type == "DequantizeLinear")
        };
        dequantized(0) && dequantized(1)
    }

    fn has_weights(&self, node: &NodeProto) -> bool {
        node.input.iter().take(2).any(|name| {
            self.constants.contains(name.as_str())
                || self.origin(name).is_some_and(|origin| match origin.op_type.as_str() {
                    "Constant" => true,
                    "DequantizeLinear" => origin.input.first().is_some_and(|n| self.constants.contains(n.as_str())),
                    _ => false,
                })
        })
    }
}

/// INT8 or mixed as [`Quantization`] says, else the type that most weights have. Also says why, in one sentence.
pub(super) fn precision(model: &ModelProto, counts: &Quantization) -> (Precision, String) {
    let (all, quantized, what) = match counts.convolutions {
        0 => (counts.products, counts.quantized_products, "matrix products"),
        all => (all, counts.quantized_convolutions, "convolutions"),
    };
    let sentence = format!("{quantized} of {all} {what} compute in integers");
    if counts.share() >= INT8_SHARE {
        return (Precision::Int8, format!("{sentence}: INT8"));
    }
    if counts.quantized_convolutions + counts.quantized_products > 0 {
        let products = match (counts.convolutions, counts.products) {
            (0, _) | (_, 0) => String::new(),
            (_, products) => format!(", {} of {products} matrix products", counts.quantized_products),
        };
        return (Precision::Mixed, format!("{sentence}{products}: mixed"));
    }
    let (mut half, mut full) = (0u64, 0u64);
    for_each_tensor(model, &mut |tensor| match DataType::try_from(tensor.data_type) {
        Ok(DataType::Float16 | DataType::Bfloat16) => half = half.saturating_add(elements(tensor)),
        Ok(DataType::Float | DataType::Double) => full = full.saturating_add(elements(tensor)),
        _ => {}
    });
    if half > full {
        (Precision::Fp16, format!("{half} of {} weights are 16-bit floats: FP16", half.saturating_add(full)))
    } else {
        (Precision::Fp32, "no operator computes in integers and the weights are 32-bit floats: FP32".to_owned())
    }
}

fn elements(tensor: &TensorProto) -> u64 {
    tensor.dims.iter().fold(1u64, |product, side| product.saturating_mul((*side).max(0) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::TensorProto;

    fn node(op_type: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto {
            op_type: op_type.into(),
            input: inputs.iter().map(|s| s.to_string()).collect(),
            output: vec![output.into()],
            ..Default::default()
        }
    }

    fn model(node: Vec<NodeProto>, weights: &[(&str, DataType, i64)]) -> ModelProto {
        let tensor = |(name, kind, count): &(&str, DataType, i64)| TensorProto {
            name: name.to_string(),
            data_type: *kind as i32,
            dims: vec![*count],
            ..Default::default()
        };
        let graph = GraphProto { node, initializer: weights.iter().map(tensor).collect(), ..Default::default() };
        ModelProto { graph: Some(graph), ..Default::default() }
    }

    fn told(model: &ModelProto) -> Precision {
        precision(model, &Quantization::of(model)).0
    }

    #[test]
    fn precision_is_told_from_operators_and_weights() {
        let dq = |x: &str, out: &str| node("DequantizeLinear", &[x, "s", "z"], out);
        let qdq = || {
            vec![
                dq("x", "xd"),
                dq("w", "wd"),
                node("Transpose", &["wd"], "wt"),
                node("Conv", &["xd", "wt"], "y"),
                node("Conv", &["xd", "wd"], "y2"),
            ]
        };
        let mut partly = qdq();
        partly.push(node("Conv", &["xd", "f"], "y3"));
        let integers = vec![node("ConvInteger", &["x", "w"], "y"), node("QLinearConv", &["x"], "y2")];
        let dynamic = vec![node("Conv", &["x", "f"], "y"), node("MatMulInteger", &["x", "w"], "z")];
        let weight_only = vec![dq("w", "wd"), node("Conv", &["x", "wd"], "y")];
        let float = || vec![node("Conv", &["x", "f"], "y"), node("MatMul", &["y", "y"], "z")];
        let int8 = ("w", DataType::Int8, 10);
        let cases = [
            ("QDQ", model(qdq(), &[int8]), Precision::Int8),
            ("two of three", model(partly, &[int8]), Precision::Mixed),
            ("QOperator and ConvInteger", model(integers, &[int8]), Precision::Int8),
            ("dynamic products only", model(dynamic, &[int8]), Precision::Mixed),
            ("quantized weights alone", model(weight_only, &[int8]), Precision::Fp32),
            ("halves", model(float(), &[("f", DataType::Float16, 9), ("g", DataType::Float, 3)]), Precision::Fp16),
            ("floats", model(float(), &[("f", DataType::Float, 9)]), Precision::Fp32),
            ("product of int8", model(vec![node("QGemm", &["x"], "y")], &[int8]), Precision::Int8),
        ];
        for (name, model, want) in cases {
            assert_eq!(told(&model), want, "{name}");
        }
    }

    #[test]
    fn a_cycle_of_moves_ends() {
        let cycle = vec![node("Identity", &["b"], "a"), node("Identity", &["a"], "b"), node("Conv", &["a", "b"], "y")];
        assert_eq!(told(&model(cycle, &[])), Precision::Fp32);
    }
}
