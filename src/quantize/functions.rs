//! Functions behind convolutions: stretches of operators that work element by element on what one convolution gives, and
//! of which one value comes out. Each channel can go into such a stretch, and come out of it, with a range of its own.

use super::layout::{Kind, Layout};
use crate::onnx::graph::Links;
use crate::onnx::proto::{GraphProto, NodeProto, TensorProto};
use std::collections::HashSet;

/// What follows a convolution, element by element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// The convolution.
    pub layer: usize,
    /// The nodes in the graph's order; the last one gives the result.
    pub nodes: Vec<usize>,
    /// What the convolution gives.
    pub reads: String,
    /// The result.
    pub makes: String,
    /// Channels of both.
    pub channels: usize,
}

/// Operators that give each element from the element at the same place, and from numbers.
const POINTWISE: [&str; 31] = [
    "Abs",
    "Add",
    "Celu",
    "Clip",
    "Div",
    "Elu",
    "Erf",
    "Exp",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "Log",
    "Max",
    "Min",
    "Mish",
    "Mul",
    "Neg",
    "Pow",
    "Relu",
    "Round",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Sub",
    "Swish",
    "Tanh",
    "ThresholdedRelu",
];
/// Of these, ONNX Runtime makes a part of the convolution: nothing is left to look up.
const EASY: [&str; 3] = ["Clip", "Identity", "Relu"];

/// The functions before the tail, in the order of their convolutions.
pub(super) fn functions(graph: &GraphProto, layout: &Layout) -> Vec<Function> {
    let links = Links::of(graph);
    let layers = layout
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, facts)| facts.kind == Kind::Convolution && !facts.predicts && facts.clamped_by.is_none());
    layers.filter_map(|(layer, _)| function(graph, layout, &links, layer)).collect()
}

fn function(graph: &GraphProto, layout: &Layout, links: &Links<'_>, layer: usize) -> Option<Function> {
    let node = &graph.node[layer];
    let reads = node.output.first().filter(|value| !links.is_output(value))?;
    let shape = links.constant(node.input.get(1)?)?.shape();
    let [channels, _, _, _] = shape[..] else { return None };
    let mut inside: HashSet<&str> = HashSet::from([reads.as_str()]);
    let mut nodes: Vec<usize> = Vec::new();
    let mut whole = 0;
    let mut open: Vec<usize> = links.readers(reads).to_vec();
    // Nodes stand in order, so that the lowest is the next one that can be known.
    while let Some(next) = open.iter().copied().min() {
        open.retain(|index| *index != next);
        let node = &graph.node[next];
        if !layout.nodes[next].in_trunk || !is_pointwise(node, links, &inside) {
            continue;
        }
        let made = node.output[0].as_str();
        inside.insert(made);
        nodes.push(next);
        open.extend(links.readers(made));
        if is_all_that_leaves(graph, links, &nodes, reads, made) {
            whole = nodes.len();
        }
    }
    nodes.truncate(whole);
    let makes = graph.node[*nodes.last()?].output[0].clone();
    let is_worth_it = nodes.iter().any(|index| !EASY.contains(&graph.node[*index].op_type.as_str()));
    is_worth_it.then(|| Function { layer, nodes, reads: reads.clone(), makes, channels })
}

/// Whether a node's result is, element by element, a function of what is `inside`, and of numbers.
fn is_pointwise(node: &NodeProto, links: &Links<'_>, inside: &HashSet<&str>) -> bool {
    let is_number = |value: &str| links.constant(value).and_then(TensorProto::count) == Some(1);
    let flat = |value: &str| links.constant(value).is_none_or(|tensor| tensor.dims.len() <= 4);
    let inputs = || node.input.iter().map(String::as_str).filter(|value| !value.is_empty());
    matches!(node.domain.as_str(), "" | "ai.onnx")
        && POINTWISE.contains(&node.op_type.as_str())
        && node.output.len() == 1
        && inputs().all(|value| inside.contains(value) || is_number(value) && flat(value))
}

/// Whether nothing but `made` of what these nodes read and make is read by others.
fn is_all_that_leaves(graph: &GraphProto, links: &Links<'_>, nodes: &[usize], reads: &str, made: &str) -> bool {
    let own: HashSet<usize> = nodes.iter().copied().collect();
    let values = nodes.iter().map(|index| graph.node[*index].output[0].as_str()).chain([reads]);
    let mut hidden = values.filter(|value| *value != made);
    !links.is_output(made)
        && hidden.all(|value| !links.is_output(value) && links.readers(value).iter().all(|r| own.contains(r)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{DataType, TensorType, TypeProto, TypeValue, ValueInfoProto};

    fn found(between: Vec<NodeProto>) -> Vec<Function> {
        let tensor = TensorType { elem_type: DataType::Float as i32, ..Default::default() };
        let kind = TypeProto { value: Some(TypeValue::TensorType(tensor)), ..Default::default() };
        let mut node = vec![NodeProto::new("Conv", "first", &["x", "w"], &["a"])];
        node.extend(between);
        node.push(NodeProto::new("Conv", "last", &["y", "w"], &["out"]));
        let graph = GraphProto {
            input: vec![ValueInfoProto { name: "x".into(), r#type: Some(kind), ..Default::default() }],
            output: vec![ValueInfoProto { name: "out".into(), ..Default::default() }],
            initializer: vec![
                TensorProto::of_floats("w", &[2, 2, 1, 1], &[1.0; 4]),
                TensorProto::of_floats("six", &[], &[6.0]),
                TensorProto::of_floats("each", &[2, 1, 1], &[1.0, 2.0]),
            ],
            node,
            ..Default::default()
        };
        functions(&graph, &Layout::of(&graph))
    }

    fn node(kind: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto::new(kind, output, inputs, &[output])
    }

    #[test]
    fn a_function_reaches_as_far_as_one_value_comes_out_of_it() {
        let silu = || vec![node("Sigmoid", &["a"], "s"), node("Mul", &["a", "s"], "y")];
        let [one] = &found(silu())[..] else { panic!("{:?}", found(silu())) };
        assert_eq!((one.layer, &one.nodes[..], one.makes.as_str(), one.channels), (0, &[1, 2][..], "y", 2));
        let mut longer = silu();
        longer[1].output = vec!["m".to_owned()];
        longer.push(node("Div", &["m", "six"], "y"));
        assert_eq!(found(longer)[0].nodes, [1, 2, 3]);
        // What follows on the function's result and is read beside it is not part of it.
        let mut beside = silu();
        beside.extend([node("Tanh", &["y"], "t"), node("Concat", &["y", "t"], "c"), node("Conv", &["c", "w"], "d")]);
        assert_eq!(found(beside)[0].nodes, [1, 2]);
        let mut open = silu();
        open.push(node("Conv", &["s", "w"], "d"));
        assert_eq!(found(open), []);
    }

    #[test]
    fn what_differs_from_channel_to_channel_or_needs_no_table_is_none() {
        assert_eq!(found(vec![node("Relu", &["a"], "y")]), []);
        assert_eq!(found(vec![node("Clip", &["a", "", "six"], "y")]), []);
        assert_eq!(found(vec![node("LeakyRelu", &["a"], "y")]).len(), 1);
        assert_eq!(found(vec![node("Mul", &["a", "each"], "y")]), []);
        assert_eq!(found(vec![node("Mul", &["a", "x"], "y")]), []);
        assert_eq!(found(vec![node("Softmax", &["a"], "y")]), []);
    }
}
