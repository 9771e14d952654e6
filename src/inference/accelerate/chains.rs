//! Which parts of a graph are a function of one byte: found by structure, for any operators that work element by element.
//!
//! # Functions that differ from channel to channel
//!
//! A tensor may have a table for each of its channels. Then a quantizer can give every channel a range of its own, and it
//! costs no more than one range for all. Two forms are found, between the tensor of bytes and the next one:
//!
//! - `DequantizeLinear → Mul (or Add, Div, Sub, PRelu …) by a constant of shape [1,C,1,1] or [C,1,1] → … → QuantizeLinear`,
//!   all scales being single numbers;
//! - `DequantizeLinear(axis) → … → QuantizeLinear(axis)` with lists of C scales and zero points, of a tensor of four axes.
//!   ONNX Runtime 1.32 joins a single `LeakyRelu` or `Sigmoid` between them into an operator that it then refuses to build,
//!   so that a quantizer had better write the first form.
//!
//! All such constants of one function have to lie along the same axis. A convolution before it writes bytes of one scale:
//! with its weights (and bias) of channel c divided by s(c), a `Mul` by s(c) begins the function. A convolution behind it
//! takes bytes of one scale: with its weights of input channel c multiplied by t(c), a `Mul` by 1/t(c) ends the function.
//! Nothing of that is needed to run the file in plain ONNX Runtime.

use super::concats::CONCAT;
use crate::onnx::proto::{DataType, GraphProto, NodeProto, TensorProto};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// Signed or not; both have 256 values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Byte {
    /// 0…255.
    Unsigned,
    /// -128…127.
    Signed,
}

impl Byte {
    fn of(data_type: i32) -> Option<Self> {
        match DataType::try_from(data_type) {
            Ok(DataType::Uint8) => Some(Self::Unsigned),
            Ok(DataType::Int8) => Some(Self::Signed),
            _ => None,
        }
    }

    /// As ONNX numbers it.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Unsigned => DataType::Uint8,
            Self::Signed => DataType::Int8,
        }
    }
}

/// A tensor of bytes that is, element by element, a function of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The tensor that it is a function of.
    pub input: String,
    /// What that one holds.
    pub input_type: Byte,
    /// The tensor.
    pub output: String,
    /// What it holds.
    pub output_type: Byte,
    /// The axis along which the function differs; None where it is one function for all.
    pub channels: Option<Channels>,
    /// The nodes between, as indices into the graph's nodes, in their order.
    pub nodes: Vec<usize>,
}

/// An axis of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// How many axes follow it.
    pub behind: usize,
    /// Its length.
    pub count: usize,
}

/// More channels than that have no tables.
const CHANNELS_MAX: usize = 4096;
/// Axes of a tensor that a convolution of pictures gives.
const AXES: i64 = 4;

/// Operators that give each element from the element at the same place, and from constants.
const POINTWISE: &[&str] = &[
    "Abs",
    "Add",
    "Cast",
    "Ceil",
    "Celu",
    "Clip",
    "DequantizeLinear",
    "Div",
    "Elu",
    "Erf",
    "Exp",
    "FastGelu",
    "Floor",
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
    "PRelu",
    "Pow",
    "QLinearAdd",
    "QLinearConcat",
    "QLinearLeakyRelu",
    "QLinearMul",
    "QLinearSigmoid",
    "QuantizeLinear",
    "QuickGelu",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
    "Sigmoid",
    "Sign",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Sub",
    "Swish",
    "Tanh",
    "ThresholdedRelu",
];

/// All chains of `graph` whose results something else needs, in the order of their last nodes. Nodes have to be sorted,
/// producers first, as ONNX asks.
pub fn chains(graph: &GraphProto) -> Vec<Chain> {
    Finder::new(graph).find()
}

/// The constants of a graph by name.
pub(super) fn constants_of(graph: &GraphProto) -> HashMap<&str, &TensorProto> {
    // One that is also an input may be given another value at every run.
    let inputs: HashSet<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
    let constants = graph.initializer.iter().filter(|tensor| !inputs.contains(tensor.name.as_str()));
    constants.map(|tensor| (tensor.name.as_str(), tensor)).collect()
}

/// The type of the zero point at that place of a node's inputs; without one it is unsigned.
pub(super) fn kind_of_constant(
    node: &NodeProto,
    place: usize,
    constants: &HashMap<&str, &TensorProto>,
) -> Option<Byte> {
    match node.input.get(place).filter(|name| !name.is_empty()) {
        Some(name) => Byte::of(constants.get(name.as_str())?.data_type),
        None => Some(Byte::Unsigned),
    }
}

/// Where a tensor comes from, as far as it is a function of one byte.
#[derive(Clone, Copy)]
struct Origin<'a> {
    tensor: &'a str,
    kind: Byte,
    channels: Option<Channels>,
}

struct Finder<'a> {
    graph: &'a GraphProto,
    constants: HashMap<&'a str, &'a TensorProto>,
    producers: HashMap<&'a str, usize>,
    origins: HashMap<&'a str, Origin<'a>>,
}

impl<'a> Finder<'a> {
    fn new(graph: &'a GraphProto) -> Self {
        let constants = constants_of(graph);
        let named = graph.node.iter().enumerate();
        let producers = named.flat_map(|(index, node)| node.output.iter().map(move |name| (name.as_str(), index)));
        Self { graph, constants, producers: producers.collect(), origins: HashMap::new() }
    }

    fn find(mut self) -> Vec<Chain> {
        for node in &self.graph.node {
            if let (Some(origin), [output]) = (self.origin_of(node), node.output.as_slice()) {
                self.origins.insert(output, origin);
            }
        }
        let mut chains: Vec<Chain> = self.needed().into_iter().filter_map(|output| self.chain(output)).collect();
        // The tables of a tensor are worked out together, along one axis.
        let mut axes: HashMap<String, Channels> = HashMap::new();
        chains.retain(|chain| match chain.channels {
            None => true,
            Some(channels) => *axes.entry(chain.input.clone()).or_insert(channels) == channels,
        });
        chains
    }

    /// The one tensor of bytes that every element of the node's output is a function of.
    fn origin_of(&self, node: &'a NodeProto) -> Option<Origin<'a>> {
        let is_known = matches!(node.domain.as_str(), "" | "ai.onnx" | "com.microsoft");
        let joins = node.op_type == CONCAT && node.input.len() != 5;
        if !is_known || joins || !POINTWISE.contains(&node.op_type.as_str()) {
            return None;
        }
        let mut origin: Option<Origin<'a>> = None;
        let mut channels: Option<Channels> = None;
        for (place, name) in node.input.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            if let Some(constant) = self.constants.get(name.as_str()) {
                channels = joined(channels, axis_of(node, place, &constant.dims)?)?;
                continue;
            }
            let of_input = match self.origins.get(name.as_str()) {
                Some(origin) => *origin,
                None => Origin { tensor: name, kind: self.byte_taken(node, place)?, channels: None },
            };
            channels = joined(channels, of_input.channels)?;
            if origin.is_some_and(|origin| origin.tensor != of_input.tensor) {
                return None;
            }
            origin = Some(of_input);
        }
        origin.map(|origin| Origin { channels, ..origin })
    }

    /// What the node takes at that place, if that is certainly bytes.
    fn byte_taken(&self, node: &NodeProto, place: usize) -> Option<Byte> {
        let zero_point = match (node.op_type.as_str(), place) {
            ("DequantizeLinear" | "QLinearSigmoid" | "QLinearLeakyRelu" | "QLinearMul" | "QLinearAdd", 0) => 2,
            ("QLinearMul" | "QLinearAdd", 3) => 5,
            // Of one part: it only gives it another scale.
            (CONCAT, 2) if node.input.len() == 5 => 4,
            _ => return None,
        };
        self.kind_of(node, zero_point)
    }

    /// What the node gives, if that is certainly bytes.
    fn byte_given(&self, node: &NodeProto) -> Option<Byte> {
        let zero_point = match node.op_type.as_str() {
            "QuantizeLinear" if node.attribute.iter().any(|attribute| attribute.name == "output_dtype") => return None,
            "QuantizeLinear" => 2,
            "QLinearSigmoid" | "QLinearLeakyRelu" => 4,
            "QLinearMul" | "QLinearAdd" => 7,
            CONCAT => 1,
            _ => return None,
        };
        self.kind_of(node, zero_point)
    }

    /// The type of a zero point; without one it is unsigned.
    fn kind_of(&self, node: &NodeProto, place: usize) -> Option<Byte> {
        kind_of_constant(node, place, &self.constants)
    }

    /// Byte tensors with an origin that something besides such chains needs, in the order of the nodes.
    fn needed(&self) -> Vec<&'a str> {
        let graph = self.graph;
        let mut live: HashSet<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
        graph.node.iter().for_each(|node| names_in_subgraphs(node, &mut live));
        let mut needed = Vec::new();
        for node in graph.node.iter().rev() {
            if !node.output.iter().any(|name| live.contains(name.as_str())) {
                continue;
            }
            let origin = node.output.first().and_then(|output| self.origins.get(output.as_str()));
            match origin {
                Some(origin) if self.byte_given(node).is_some() => {
                    needed.push(node.output[0].as_str());
                    live.insert(origin.tensor);
                }
                _ => live.extend(node.input.iter().map(String::as_str)),
            }
        }
        needed.reverse();
        needed
    }

    /// The nodes between a tensor and its origin.
    fn chain(&self, output: &'a str) -> Option<Chain> {
        let origin = self.origins.get(output)?;
        let last = *self.producers.get(output)?;
        let mut nodes = HashSet::from([last]);
        let mut open = vec![last];
        while let Some(index) = open.pop() {
            for name in self.graph.node[index].input.iter().filter(|name| *name != origin.tensor) {
                // Constants have no producer.
                if let Some(producer) = self.producers.get(name.as_str())
                    && nodes.insert(*producer)
                {
                    open.push(*producer);
                }
            }
        }
        let mut nodes: Vec<usize> = nodes.into_iter().collect();
        nodes.sort_unstable();
        Some(Chain {
            input: origin.tensor.to_owned(),
            input_type: origin.kind,
            output: output.to_owned(),
            output_type: self.byte_given(&self.graph.node[last])?,
            channels: origin.channels,
            nodes,
        })
    }
}

/// The axis along which the constant at that place of a node's inputs has more than one value; None where it is a tensor
/// of more than that.
fn axis_of(node: &NodeProto, place: usize, dims: &[i64]) -> Option<Option<Channels>> {
    let mut long = dims.iter().enumerate().filter(|(_, side)| **side != 1);
    let Some((at, side)) = long.next() else { return Some(None) };
    let count = usize::try_from(*side).ok().filter(|count| (2..=CHANNELS_MAX).contains(count))?;
    let behind = match (node.op_type.as_str(), place) {
        ("DequantizeLinear" | "QuantizeLinear", 1..) => {
            let attribute = |name: &str| node.attribute.iter().find(|attribute| attribute.name == name)?.i;
            let axis = attribute("axis").unwrap_or(1);
            let is_list = dims.len() == 1 && attribute("block_size").unwrap_or(0) == 0;
            let behind = if axis < 0 { -1 - axis } else { AXES - 1 - axis };
            usize::try_from(behind).ok().filter(|_| is_list)?
        }
        // Of these, only the tensors themselves are laid along axes.
        ("QLinearAdd" | "QLinearMul", 0 | 3) => dims.len() - 1 - at,
        (other, _) if other.starts_with("QLinear") => return None,
        _ => dims.len() - 1 - at,
    };
    // The first axis is that of the pictures.
    let fits = long.next().is_none() && behind + 1 < AXES as usize;
    fits.then_some(Some(Channels { behind, count }))
}

/// The axis of both; None where they differ.
fn joined(a: Option<Channels>, b: Option<Channels>) -> Option<Option<Channels>> {
    match (a, b) {
        (Some(a), Some(b)) if a != b => None,
        _ => Some(a.or(b)),
    }
}

/// Tensors of this graph that the bodies of the node (of a loop, a branch) use.
pub(super) fn names_in_subgraphs<'a>(node: &'a NodeProto, names: &mut HashSet<&'a str>) {
    for graph in node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs)) {
        names.extend(graph.output.iter().map(|output| output.name.as_str()));
        for inner in &graph.node {
            names.extend(inner.input.iter().map(String::as_str));
            names_in_subgraphs(inner, names);
        }
    }
}
