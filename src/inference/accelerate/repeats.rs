//! `Resize` of bytes to the nearest by whole factors, which ONNX Runtime computes element by element: a copy.

use super::chains::{Byte, constants_of, kind_of_constant};
use super::concats::CONCAT;
use super::rewrite::DOMAIN;
use crate::onnx::proto::{AttributeProto, AttributeType, DataType, GraphProto, NodeProto, TensorProto};
use std::collections::HashMap;

/// The attribute of the operator: how many times along each axis.
pub const FACTORS: &str = "factors";
/// Nodes that are followed back to one that tells the type of its bytes.
const STEPS: usize = 8;

/// Name of the operator that says each element so many times along each axis.
pub const fn repeat_name(kind: Byte) -> &'static str {
    match kind {
        Byte::Unsigned => "RepeatU8",
        Byte::Signed => "RepeatS8",
    }
}

/// Replaces such nodes and says how many there were.
pub(super) fn replace(graph: &mut GraphProto) -> usize {
    let constants = constants_of(graph);
    let named = graph.node.iter().flat_map(|node| node.output.iter().map(move |name| (name.as_str(), node)));
    let producers: HashMap<&str, &NodeProto> = named.collect();
    let found: Vec<(usize, NodeProto)> = graph
        .node
        .iter()
        .enumerate()
        .filter_map(|(index, node)| {
            let factors = factors_of(node, &constants)?;
            let kind = kind_of(node.input.first()?, &producers, &constants)?;
            Some((index, repeat(node, kind, factors)))
        })
        .collect();
    let count = found.len();
    found.into_iter().for_each(|(index, node)| graph.node[index] = node);
    count
}

fn repeat(node: &NodeProto, kind: Byte, factors: Vec<i64>) -> NodeProto {
    let factors = AttributeProto {
        name: FACTORS.into(),
        ints: factors,
        r#type: AttributeType::Ints as i32,
        ..Default::default()
    };
    NodeProto {
        op_type: repeat_name(kind).into(),
        domain: DOMAIN.into(),
        input: node.input[..1].to_vec(),
        attribute: vec![factors],
        ..node.clone()
    }
}

/// The factors of a `Resize` where every element of the result is a copy, and they are whole numbers.
fn factors_of(node: &NodeProto, constants: &HashMap<&str, &TensorProto>) -> Option<Vec<i64>> {
    if node.op_type != "Resize" || !matches!(node.domain.as_str(), "" | "ai.onnx") || node.output.len() != 1 {
        return None;
    }
    let scales = match node.input.as_slice() {
        [_, _, scales] => scales,
        [_, _, scales, sizes] if sizes.is_empty() => scales,
        _ => return None,
    };
    let text = |name: &str, default: &'static str| {
        let attribute = node.attribute.iter().find(|attribute| attribute.name == name);
        attribute.and_then(|attribute| attribute.s.clone()).unwrap_or_else(|| default.as_bytes().to_vec())
    };
    // Axes in another order, or another policy, came later; nobody uses them here.
    let plain = ["axes", "keep_aspect_ratio_policy"];
    if text("mode", "nearest") != b"nearest" || node.attribute.iter().any(|a| plain.contains(&a.name.as_str())) {
        return None;
    }
    let factors: Vec<i64> = floats(constants.get(scales.as_str())?)?.into_iter().map(whole).collect::<Option<_>>()?;
    let most = factors.iter().copied().max()?;
    let nearest = text("nearest_mode", "round_prefer_floor");
    let copies = match text("coordinate_transformation_mode", "half_pixel").as_slice() {
        // Place x of the result is x / factor: that, cut off. A half is rounded down, more would be rounded up.
        b"asymmetric" => nearest == b"floor" || (nearest == b"round_prefer_floor" && most <= 2),
        // (x + ½) / factor - ½ is nearest to x / factor, cut off; halves do not occur with an even factor.
        b"half_pixel" => nearest.starts_with(b"round_prefer") && most <= 2,
        _ => false,
    };
    (copies && most > 1).then_some(factors)
}

fn whole(factor: f32) -> Option<i64> {
    (factor.fract() == 0.0 && (1.0..=16.0).contains(&factor)).then_some(factor as i64)
}

fn floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    if tensor.data_type != DataType::Float as i32 {
        return None;
    }
    match &tensor.raw_data {
        Some(raw) => Some(raw.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
        None => Some(tensor.float_data.clone()),
    }
}

/// What a tensor holds, where it comes from an operator whose zero point tells it.
fn kind_of(name: &str, producers: &HashMap<&str, &NodeProto>, constants: &HashMap<&str, &TensorProto>) -> Option<Byte> {
    let mut name = name;
    for _ in 0..STEPS {
        let node = producers.get(name)?;
        let zero_point = match node.op_type.as_str() {
            "QuantizeLinear" if node.attribute.iter().all(|attribute| attribute.name != "output_dtype") => 2,
            "QLinearSigmoid" | "QLinearLeakyRelu" => 4,
            "QLinearConv" | "QLinearMul" | "QLinearAdd" => 7,
            CONCAT => 1,
            "MaxPool" | "NhwcMaxPool" | "Transpose" | "Reshape" | "Concat" => {
                name = node.input.first()?;
                continue;
            }
            _ => return None,
        };
        return kind_of_constant(node, zero_point, constants);
    }
    None
}
