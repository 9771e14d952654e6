//! Activation functions that ONNX Runtime has no integers for, spelled out in operators that it has them for:
//! `HardSigmoid(x)` is `a · min(max(x + b/a, 0), 1/a)`, `HardSwish(x)` is `x · HardSigmoid(x)`. The sum is cut by the ends of
//! its codes, and the factor changes only their scale, so that one or two operators are left in integers.

use crate::onnx::graph::Names;
use crate::onnx::proto::{GraphProto, NodeProto, TensorProto};

/// Spells them out; returns how many.
pub(super) fn spell_out(graph: &mut GraphProto) -> usize {
    let mut names = Names::of(graph);
    let (mut nodes, mut count) = (Vec::with_capacity(graph.node.len()), 0);
    for node in std::mem::take(&mut graph.node) {
        let float = |name: &str, usual: f32| node.attribute(name).and_then(|attribute| attribute.f).unwrap_or(usual);
        let (slope, shift, is_product) = match node.op_type.as_str() {
            _ if !matches!(node.domain.as_str(), "" | "ai.onnx") => (0.0, 0.0, false),
            "HardSigmoid" => (float("alpha", 0.2), float("beta", 0.5), false),
            "HardSwish" => (1.0 / 6.0, 0.5, true),
            _ => (0.0, 0.0, false),
        };
        if slope <= 0.0 || shift <= 0.0 {
            nodes.push(node);
            continue;
        }
        count += 1;
        let mut constant = |what: &str, value: f32| {
            let name = names.fresh(&format!("{}_{what}", node.output[0]));
            graph.initializer.push(TensorProto::of_floats(&name, &[], &[value]));
            name
        };
        let [shift, low, high, slope] = [
            constant("shift", shift / slope),
            constant("low", 0.0),
            constant("high", 1.0 / slope),
            constant("slope", slope),
        ];
        let input = node.input[0].as_str();
        let mut add = |kind: &str, inputs: &[&str], output: Option<&str>| {
            let made = output.map_or_else(|| names.fresh(&format!("{}_{kind}", node.output[0])), ToOwned::to_owned);
            let name = names.fresh(&format!("{}_{kind}", node.name));
            nodes.push(NodeProto::new(kind, name, inputs, &[&made]));
            made
        };
        let sum = add("Add", &[input, &shift], None);
        let mut cut = add("Clip", &[&sum, &low, &high], None);
        if is_product {
            cut = add("Mul", &[input, &cut], None);
        }
        add("Mul", &[&cut, &slope], Some(&node.output[0]));
    }
    graph.node = nodes;
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_become_a_sum_a_cut_and_a_factor() {
        let mut graph = GraphProto {
            node: vec![
                NodeProto::new("HardSwish", "one", &["x"], &["y"]),
                NodeProto::new("HardSigmoid", "two", &["y"], &["z"]),
                NodeProto::new("Relu", "three", &["z"], &["out"]),
            ],
            ..Default::default()
        };
        assert_eq!(spell_out(&mut graph), 2);
        let kinds: Vec<&str> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
        assert_eq!(kinds, ["Add", "Clip", "Mul", "Mul", "Add", "Clip", "Mul", "Relu"]);
        let constant = |name: &str| {
            graph.initializer.iter().find(|tensor| tensor.name == name).and_then(TensorProto::floats).unwrap()[0]
        };
        assert!((constant(&graph.node[0].input[1]) - 3.0).abs() < 1e-6);
        assert!((constant(&graph.node[1].input[2]) - 6.0).abs() < 1e-6);
        assert_eq!(graph.node[2].input, ["x", graph.node[1].output[0].as_str()]);
        assert_eq!(graph.node[3].output, ["y"]);
        assert!((constant(&graph.node[4].input[1]) - 2.5).abs() < 1e-6);
        assert_eq!(constant(&graph.node[6].input[1]), 0.2);
        assert_eq!(graph.node[6].output, ["z"]);
    }
}
