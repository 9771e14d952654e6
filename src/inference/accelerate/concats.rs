//! Joins of byte tensors, taken apart into a requantization for each part and a join that only copies. The requantization
//! is a function of a byte, which then becomes one with whatever made the part.

use super::chains::constants_of;
use super::rewrite::DOMAIN;
use crate::onnx::proto::{GraphProto, NodeProto, TensorProto};
use std::collections::HashMap;

/// What ONNX Runtime calls such a join: inputs are scale and zero point of the result, and a tensor, its scale and its
/// zero point for each part.
pub(super) const CONCAT: &str = "QLinearConcat";

/// Takes apart every join whose scales and zero points are constants.
pub(super) fn take_apart(graph: &mut GraphProto) {
    let constants = constants_of(graph);
    let nodes: Vec<NodeProto> = graph.node.iter().flat_map(|node| parts(node, &constants)).collect();
    graph.node = nodes;
}

fn parts(node: &NodeProto, constants: &HashMap<&str, &TensorProto>) -> Vec<NodeProto> {
    let as_it_is = || vec![node.clone()];
    let ([scale, zero, parts @ ..], [output]) = (node.input.as_slice(), node.output.as_slice()) else {
        return as_it_is();
    };
    let parts: Vec<&[String]> = parts.chunks(3).collect();
    let numbers = [scale, zero].into_iter().chain(parts.iter().flat_map(|part| &part[1..]));
    let known = numbers.into_iter().all(|name| constants.contains_key(name.as_str()));
    // One part alone is taken apart already.
    if node.op_type != CONCAT || !known || parts.len() < 2 || parts.iter().any(|part| part.len() != 3) {
        return as_it_is();
    }
    let same = |a: &str, b: &str| a == b || is_same(constants.get(a), constants.get(b));
    let mut nodes = Vec::new();
    let mut joined = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        if same(&part[1], scale) && same(&part[2], zero) {
            joined.push(part[0].clone());
            continue;
        }
        let name = format!("{output}/{DOMAIN}/part{index}");
        let mut one = NodeProto {
            name: name.clone(),
            input: [scale, zero].into_iter().chain(*part).cloned().collect(),
            output: vec![name.clone()],
            ..node.clone()
        };
        // Of one part it does not matter, and a list has no other.
        one.attribute.iter_mut().filter(|attribute| attribute.name == "axis").for_each(|axis| axis.i = Some(0));
        joined.push(name);
        nodes.push(one);
    }
    nodes.push(NodeProto { op_type: "Concat".into(), domain: String::new(), input: joined, ..node.clone() });
    nodes
}

fn is_same(a: Option<&&TensorProto>, b: Option<&&TensorProto>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    let content = |tensor: &TensorProto| TensorProto { name: String::new(), dims: Vec::new(), ..tensor.clone() };
    content(a) == content(b)
}
