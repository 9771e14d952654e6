//! How wide the layers of a network are: the last ones often tell the number of classes.

use super::proto::{AttributeProto, GraphProto, ModelProto, NodeProto};
use std::collections::{BTreeMap, HashMap};

/// How many convolutions and products with constant weights have so many output channels.
pub(super) fn weight_channels(model: &ModelProto) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    if let Some(graph) = &model.graph {
        count(graph, &mut counts);
    }
    counts
}

/// Nodes come after those that they read from, so that one pass sees every constant before its use.
fn count(graph: &GraphProto, counts: &mut BTreeMap<usize, usize>) {
    let mut constants: HashMap<&str, Vec<i64>> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor.dims.clone())).collect();
    for node in &graph.node {
        if let Some(channels) = channels(node, &constants) {
            *counts.entry(channels).or_default() += 1;
        }
        if let (Some(output), Some(shape)) = (node.output.first(), constant_shape(node, &constants)) {
            constants.insert(output, shape);
        }
        let subgraphs = node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs));
        subgraphs.for_each(|subgraph| count(subgraph, counts));
    }
}

/// The shape of what a node gives, where that is a constant, or one that is only moved or converted.
fn constant_shape(node: &NodeProto, constants: &HashMap<&str, Vec<i64>>) -> Option<Vec<i64>> {
    let moved = || constants.get(node.input.first()?.as_str());
    match node.op_type.as_str() {
        "Constant" => Some(attribute(node, "value")?.t.as_ref()?.dims.clone()),
        "DequantizeLinear" | "QuantizeLinear" | "Cast" | "Identity" => moved().cloned(),
        "Transpose" => {
            let shape = moved()?;
            match attribute(node, "perm") {
                Some(order) => order.ints.iter().map(|&axis| shape.get(usize::try_from(axis).ok()?).copied()).collect(),
                None => Some(shape.iter().rev().copied().collect()),
            }
        }
        _ => None,
    }
}

fn channels(node: &NodeProto, constants: &HashMap<&str, Vec<i64>>) -> Option<usize> {
    let shape = |input: usize| constants.get(node.input.get(input)?.as_str());
    let transposed = || attribute(node, "transB").and_then(|attribute| attribute.i) == Some(1);
    let side = match node.op_type.as_str() {
        "Conv" | "ConvInteger" | "FusedConv" => shape(1)?.first(),
        "QLinearConv" => shape(3)?.first(),
        "Gemm" if transposed() => shape(1)?.first(),
        "QGemm" if transposed() => shape(3)?.first(),
        "Gemm" | "MatMul" | "MatMulInteger" => shape(1)?.last(),
        "QGemm" | "QLinearMatMul" => shape(3)?.last(),
        _ => None,
    };
    usize::try_from(*side?).ok()
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::TensorProto;

    fn node(op_type: &str, inputs: &[&str], output: &str, attribute: Option<AttributeProto>) -> NodeProto {
        NodeProto {
            op_type: op_type.into(),
            input: inputs.iter().map(|s| s.to_string()).collect(),
            output: vec![output.into()],
            attribute: attribute.into_iter().collect(),
            ..Default::default()
        }
    }

    fn number(name: &str, i: i64) -> Option<AttributeProto> {
        Some(AttributeProto { name: name.into(), i: Some(i), ..Default::default() })
    }

    fn numbers(name: &str, ints: &[i64]) -> Option<AttributeProto> {
        Some(AttributeProto { name: name.into(), ints: ints.to_vec(), ..Default::default() })
    }

    #[test]
    fn channels_are_counted_behind_conversions_and_in_subgraphs() {
        let tensor =
            |name: &str, dims: &[i64]| TensorProto { name: name.into(), dims: dims.to_vec(), ..Default::default() };
        let constant = AttributeProto { name: "value".into(), t: Some(tensor("", &[7, 9])), ..Default::default() };
        let inner = GraphProto {
            initializer: vec![tensor("w", &[546, 8, 1, 1])],
            node: vec![node("Conv", &["x", "w"], "y", None)],
            ..Default::default()
        };
        let branch = AttributeProto { g: Some(inner), ..Default::default() };
        let graph = GraphProto {
            initializer: vec![tensor("a", &[91, 4]), tensor("b", &[4, 80]), tensor("c", &[3, 3, 8, 273])],
            node: vec![
                node("Gemm", &["x", "a"], "g", number("transB", 1)),
                node("MatMul", &["x", "b"], "m", None),
                node("DequantizeLinear", &["c", "s"], "d", None),
                node("Transpose", &["d"], "t", numbers("perm", &[3, 2, 0, 1])),
                node("Conv", &["x", "t"], "y", None),
                node("Constant", &[], "k", Some(constant)),
                node("MatMul", &["x", "k"], "z", None),
                node("MatMul", &["x", "y"], "no weights", None),
                node("Transpose", &["a"], "u", numbers("perm", &[5, -1])),
                node("If", &["x"], "i", Some(branch)),
            ],
            ..Default::default()
        };
        let counts = weight_channels(&ModelProto { graph: Some(graph), ..Default::default() });
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(9, 1), (80, 1), (91, 1), (273, 1), (546, 1)]);
    }
}
