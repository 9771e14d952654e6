//! What a network is made of, told by structure and never by names: which operators ONNX Runtime has in integers, where
//! the tail begins that turns predictions into boxes, and how far down the resolution has gone.

use super::functions::Function;
use crate::onnx::graph::Links;
use crate::onnx::proto::{AttributeProto, DataType, GraphProto, NodeProto};
use std::collections::{HashMap, HashSet};

/// What ONNX Runtime's CPU provider can make of an operator between `DequantizeLinear` and `QuantizeLinear`
/// (`onnxruntime/core/optimizer/qdq_transformer/selectors_actions`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `Conv` with constant weights: `QLinearConv`.
    Convolution,
    /// `Gemm`, `MatMul` with a constant matrix: `QGemm`, `QLinearMatMul`.
    Product,
    /// `Sigmoid`, `LeakyRelu`, average pooling: their `QLinear…`.
    Single,
    /// `Add`, `Mul`: `QLinearAdd`, `QLinearMul`.
    Pair,
    /// `Concat`: `QLinearConcat`.
    Join,
    /// Values are moved and stay what they are: works on codes, with the scale of what comes in.
    Move,
    /// A product with one positive constant: the codes stay, their scale changes.
    Rescale,
    /// `Relu`, `Clip`: falls away where codes cannot go beyond its limits.
    Clamp,
    /// The end of a function that is computed in floats, between codes: an accelerated session makes a look-up of it.
    Function,
    /// Stays in floats.
    Float,
}

impl Kind {
    /// Whether it is the heavy work.
    pub fn has_weights(self) -> bool {
        matches!(self, Self::Convolution | Self::Product)
    }
}

/// What is known of a node.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub kind: Kind,
    /// Something with weights comes after it, or it is that: it is before the tail.
    pub in_trunk: bool,
    /// It has weights, and nothing with weights comes after it: what it gives are predictions.
    pub predicts: bool,
    /// The clamp that is all that reads it, and so becomes part of it.
    pub clamped_by: Option<usize>,
    /// It is such a clamp.
    pub is_part: bool,
    /// It is the end of a function: the layer before that.
    pub function_of: Option<usize>,
    /// It is such a layer: its channels fill 0…1, and the function knows where they really lie.
    pub is_spread: bool,
}

/// What is known of a graph.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub nodes: Vec<Facts>,
    /// Values of 32-bit floats that are no constants.
    floats: HashSet<String>,
}

impl Layout {
    /// Looks at a graph whose constants are folded and whose nodes stand in order.
    pub fn of(graph: &GraphProto) -> Self {
        Self::with(graph, &[])
    }

    /// The same for a graph in which these functions have a range for each channel.
    pub fn with(graph: &GraphProto, functions: &[Function]) -> Self {
        let links = Links::of(graph);
        let floats = float_values(graph, &links);
        let mut kinds: Vec<Kind> = graph.node.iter().map(|node| kind_of(node, &links, &floats)).collect();
        for (index, kind) in kinds.iter_mut().enumerate() {
            if kind.has_weights() && comes_from_softmax(graph, &links, index) {
                *kind = Kind::Float;
            }
        }
        for function in functions {
            function.nodes.iter().for_each(|index| kinds[*index] = Kind::Float);
            function.nodes.iter().last().into_iter().for_each(|index| kinds[*index] = Kind::Function);
        }
        let heavy = |index: usize| kinds[index].has_weights() || transposed(&graph.node[index], &links);
        let mut leads = vec![false; kinds.len()];
        for index in (0..kinds.len()).rev() {
            let outputs = graph.node[index].output.iter();
            let mut readers = outputs.flat_map(|value| links.readers(value));
            leads[index] = readers.any(|reader| heavy(*reader) || leads[*reader]);
        }
        let mut nodes: Vec<Facts> = (0..kinds.len())
            .map(|index| Facts {
                kind: kinds[index],
                in_trunk: leads[index] || heavy(index),
                predicts: kinds[index].has_weights() && !leads[index],
                clamped_by: None,
                is_part: false,
                function_of: None,
                is_spread: false,
            })
            .collect();
        for index in 0..nodes.len() {
            let clamp = sole_clamp(graph, &links, &kinds, index);
            nodes[index].clamped_by = clamp.filter(|clamp| nodes[*clamp].in_trunk == nodes[index].in_trunk);
            if let Some(clamp) = nodes[index].clamped_by {
                nodes[clamp].is_part = true;
            }
        }
        for Function { layer, nodes: inner, .. } in functions {
            nodes[*layer].is_spread = true;
            inner.iter().last().into_iter().for_each(|index| nodes[*index].function_of = Some(*layer));
        }
        Self { nodes, floats }
    }

    /// Whether a value holds 32-bit floats and is no constant.
    pub fn is_float(&self, value: &str) -> bool {
        self.floats.contains(value)
    }

    /// The inputs of a node that are data: floats and no constants.
    pub fn data<'a>(&'a self, node: &'a NodeProto) -> impl Iterator<Item = &'a str> {
        node.input.iter().map(String::as_str).filter(|value| self.is_float(value))
    }

    /// The values of which a range may be needed: those that nodes before the tail make or read.
    pub fn observed(&self, graph: &GraphProto) -> Vec<String> {
        let mut wanted = Vec::new();
        let mut seen = HashSet::new();
        for (node, facts) in graph.node.iter().zip(&self.nodes) {
            if !facts.in_trunk || facts.kind == Kind::Float {
                continue;
            }
            let made = node.output.iter().map(String::as_str).filter(|_| facts.clamped_by.is_none());
            let read = self.data(node).filter(|_| !facts.is_part && facts.kind != Kind::Function);
            for value in read.chain(made).filter(|value| self.is_float(value)) {
                if seen.insert(value.to_owned()) {
                    wanted.push(value.to_owned());
                }
            }
        }
        wanted
    }
}

/// How far down the resolution has gone when a node is reached: the largest ratio of the input's height to that of any
/// convolution's output on the way to it, itself among them. 0 before the first convolution.
pub(super) fn strides(graph: &GraphProto, shapes: &HashMap<String, Vec<usize>>, input_height: usize) -> Vec<usize> {
    let links = Links::of(graph);
    let mut reached = vec![0usize; graph.node.len()];
    for index in 0..reached.len() {
        let node = &graph.node[index];
        let before = node.input.iter().filter_map(|value| links.producer(value)).map(|source| reached[source]);
        let own = match (node.is("Conv"), shape_after(graph, &links, shapes, index)) {
            (true, Some([_, _, height, _])) if *height > 0 => input_height / height,
            _ => 0,
        };
        reached[index] = before.chain([own]).max().unwrap_or(0);
    }
    reached
}

/// The shape of what a node makes, or of what its clamp does.
fn shape_after<'a>(
    graph: &GraphProto,
    links: &Links<'_>,
    shapes: &'a HashMap<String, Vec<usize>>,
    index: usize,
) -> Option<&'a [usize]> {
    let value = graph.node[index].output.first()?;
    let shape = shapes.get(value).or_else(|| {
        let clamp = links.readers(value).first()?;
        shapes.get(graph.node[*clamp].output.first()?)
    });
    shape.map(Vec::as_slice)
}

fn kind_of(node: &NodeProto, links: &Links<'_>, floats: &HashSet<String>) -> Kind {
    let constant = |index: usize| node.input.get(index).and_then(|value| links.constant(value));
    let weights = |index| constant(index).filter(|tensor| tensor.data_type == DataType::Float as i32);
    let is_data = |index: usize| node.input.get(index).is_some_and(|value| floats.contains(value));
    if !matches!(node.domain.as_str(), "" | "ai.onnx") || !(is_data(0) || is_data(1)) {
        return Kind::Float;
    }
    let is_plain = |name: &str| node.attribute(name).and_then(|attribute| attribute.f).is_none_or(|f| f == 1.0);
    let optional_bias = node.input.get(2).is_none_or(|bias| bias.is_empty()) || weights(2).is_some();
    match node.op_type.as_str() {
        "Conv" if weights(1).is_some() && optional_bias => Kind::Convolution,
        "Gemm" if weights(1).is_some() && optional_bias && is_plain("alpha") && is_plain("beta") => {
            let transposed = node.integer("transA").unwrap_or(0) != 0;
            let flat = weights(2).is_none_or(|bias| bias.dims.len() == 1);
            if transposed || !flat { Kind::Float } else { Kind::Product }
        }
        "MatMul" if weights(1).is_some_and(|matrix| matrix.dims.len() == 2) => Kind::Product,
        "Mul" | "Div" if factor_of(node, links).is_some() => Kind::Rescale,
        "Sigmoid" | "LeakyRelu" | "AveragePool" | "GlobalAveragePool" => Kind::Single,
        "Add" | "Mul" if is_data(0) && (is_data(1) || weights(1).is_some()) => Kind::Pair,
        "Add" | "Mul" if is_data(1) && weights(0).is_some() => Kind::Pair,
        "Concat" if node.input.iter().all(|value| floats.contains(value)) => Kind::Join,
        "MaxPool" if node.output.len() == 1 => Kind::Move,
        "Reshape" | "Transpose" | "Flatten" | "Squeeze" | "Unsqueeze" | "Slice" | "Gather" | "Split" => Kind::Move,
        "Resize" if is_simple_resize(node) => Kind::Move,
        "Relu" => Kind::Clamp,
        "Clip"
            if [1, 2]
                .into_iter()
                .all(|limit| node.input.get(limit).is_none_or(|v| v.is_empty() || constant(limit).is_some())) =>
        {
            Kind::Clamp
        }
        _ => Kind::Float,
    }
}

/// The positive constant that all values of the other input are multiplied with, and the place of that input.
pub(super) fn factor_of(node: &NodeProto, links: &Links<'_>) -> Option<(f32, usize)> {
    let number = |place: usize| {
        let tensor = links.constant(node.input.get(place)?)?;
        match tensor.floats()?.as_slice() {
            // A longer shape could give the result more axes.
            [value] if tensor.dims.len() <= 1 && value.is_finite() && *value > 0.0 => Some(*value),
            _ => None,
        }
    };
    match (node.op_type.as_str(), number(0), number(1)) {
        ("Mul", None, Some(factor)) => Some((factor, 0)),
        ("Mul", Some(factor), None) => Some((factor, 1)),
        ("Div", None, Some(divisor)) => Some((1.0 / divisor, 0)),
        _ => None,
    }
}

/// Nearest and linear sampling give values between those that come in.
fn is_simple_resize(node: &NodeProto) -> bool {
    let mode = node.attribute("mode").and_then(|mode: &AttributeProto| mode.s.as_deref()).unwrap_or(b"nearest");
    matches!(mode, b"nearest" | b"linear")
}

/// A transposed convolution is heavy work, which ONNX Runtime does in floats.
fn transposed(node: &NodeProto, links: &Links<'_>) -> bool {
    node.is("ConvTranspose") && node.input.get(1).is_some_and(|weights| links.constant(weights).is_some())
}

/// A product behind a softmax is an expected value over a distribution ("Generalized focal loss", Li et al. 2020), as
/// boxes are read from; it belongs to the tail.
fn comes_from_softmax(graph: &GraphProto, links: &Links<'_>, index: usize) -> bool {
    const FAR: usize = 6;
    let mut node = &graph.node[index];
    for _ in 0..FAR {
        let Some(source) = node.input.first().and_then(|value| links.producer(value)) else { return false };
        node = &graph.node[source];
        match node.op_type.as_str() {
            "Softmax" => return true,
            "Reshape" | "Transpose" | "Squeeze" | "Unsqueeze" | "Flatten" | "Split" | "Slice" => {}
            _ => return false,
        }
    }
    false
}

fn sole_clamp(graph: &GraphProto, links: &Links<'_>, kinds: &[Kind], index: usize) -> Option<usize> {
    if matches!(kinds[index], Kind::Move | Kind::Rescale | Kind::Clamp | Kind::Function | Kind::Float) {
        return None;
    }
    let [value] = graph.node[index].output.as_slice() else { return None };
    match links.readers(value) {
        [reader] if kinds[*reader] == Kind::Clamp && !links.is_output(value) => Some(*reader),
        _ => None,
    }
}

/// Operators whose results are no floats, whatever comes in.
const NO_FLOATS: [&str; 18] = [
    "Shape",
    "Size",
    "ArgMax",
    "ArgMin",
    "NonZero",
    "NonMaxSuppression",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Equal",
    "Not",
    "And",
    "Or",
    "Xor",
    "IsNaN",
    "IsInf",
    "QuantizeLinear",
];

/// Values that hold 32-bit floats and are no constants, by what the operators make of their inputs.
fn float_values(graph: &GraphProto, links: &Links<'_>) -> HashSet<String> {
    use crate::onnx::proto::TypeValue;
    let float = DataType::Float as i32;
    let mut floats: HashSet<String> = HashSet::new();
    for input in &graph.input {
        let kind = input.r#type.as_ref().and_then(|kind| kind.value.as_ref());
        if matches!(kind, Some(TypeValue::TensorType(tensor)) if tensor.elem_type == float) {
            floats.insert(input.name.clone());
        }
    }
    for node in &graph.node {
        let is_float = |value: &String| {
            floats.contains(value) || links.constant(value).is_some_and(|tensor| tensor.data_type == float)
        };
        let makes = match node.op_type.as_str() {
            "Cast" => node.integer("to") == Some(i64::from(float)),
            "Where" => node.input.get(1).is_some_and(is_float),
            "DequantizeLinear" => true,
            "ConstantOfShape" => {
                let value = node.attribute("value").and_then(|value| value.t.as_ref());
                value.is_none_or(|tensor| tensor.data_type == float)
            }
            name if NO_FLOATS.contains(&name) => false,
            _ => node.input.first().is_some_and(is_float),
        };
        // The second result of these is a list of places.
        let count = if matches!(node.op_type.as_str(), "TopK" | "MaxPool") { 1 } else { usize::MAX };
        let made = node.output.iter().take(count).filter(|value| makes && !value.is_empty());
        floats.extend(made.cloned().collect::<Vec<_>>());
    }
    floats
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
