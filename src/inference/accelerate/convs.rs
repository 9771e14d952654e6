//! Convolutions of bytes that are computed here: with the requantization and the look-up behind them in one node.
//!
//! ONNX Runtime writes every sum into memory, requantizes in narrow vectors, and its depthwise convolutions of bytes are
//! slower than those of floats. On processors for which there is a faster way (see `bytes/conv.rs`), a `QLinearConv` of
//! unsigned bytes with signed weights, channels last, becomes a node of ours, with the look-up that alone uses its result.

use super::chains::{Byte, constants_of, kind_of_constant};
use super::rewrite::{BEHIND, DOMAIN, PASSES, look_up_name};
use crate::inference::bytes::conv::ConvolutionSpec;
use crate::inference::bytes::{ENTRIES, Table};
use crate::onnx::proto::{AttributeProto, AttributeType, DataType, GraphProto, NodeProto, TensorProto};
use std::collections::{HashMap, HashSet};

/// Name of the operator. Its inputs are the tensor (unsigned bytes: pictures, height, width, channels), weights (signed
/// bytes), scales (floats) and biases (whole numbers of 32 bits) of the output channels, and tables of unsigned bytes: one or
/// one for each output channel.
pub const CONVOLUTION: &str = "ConvolutionU8";
/// Its attributes: zero points of tensor and result; steps down and to the right; what is added above, left, below and right;
/// whether each channel is by itself.
pub const ZEROS: &str = "zeros";
/// See [`ZEROS`].
pub const STRIDES: &str = "strides";
/// See [`ZEROS`].
pub const PADS: &str = "pads";
/// See [`ZEROS`].
pub const DEPTHWISE: &str = "depthwise";

/// Replaces such nodes, in a graph whose functions of a byte are look-ups already; says how many.
pub(super) fn replace(graph: &mut GraphProto) -> usize {
    let constants = constants_of(graph);
    let users = users_of(graph);
    let outputs: HashSet<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    let mut found: Vec<(usize, Option<usize>, NodeProto, Vec<TensorProto>)> = Vec::new();
    for (index, node) in graph.node.iter().enumerate() {
        let Some(parts) = Parts::of(node, &constants) else { continue };
        let behind = match users.get(parts.output).map(Vec::as_slice) {
            Some(&[user]) if !outputs.contains(parts.output) => {
                tables_of(&graph.node[user], parts.output, parts.scales.len(), &constants).map(|tables| (user, tables))
            }
            _ => None,
        };
        let (user, tables) = behind.unzip();
        let output = user.map_or(parts.output, |user| graph.node[user].output[0].as_str());
        let passes = user.and_then(|user| attribute(&graph.node[user], PASSES)?.i).unwrap_or(0);
        let (node, tensors) = parts.joined(output, tables, passes);
        found.push((index, user, node, tensors));
    }
    drop((constants, users, outputs));
    let count = found.len();
    let mut gone = HashSet::new();
    for (index, user, node, tensors) in found {
        graph.node[index] = node;
        graph.initializer.extend(tensors);
        gone.extend(user);
    }
    let mut places = 0..;
    graph.node.retain(|_| places.next().is_none_or(|place| !gone.contains(&place)));
    let used: HashSet<&str> = graph.node.iter().flat_map(|node| &node.input).map(String::as_str).collect();
    let mut inner = HashSet::new();
    graph.node.iter().for_each(|node| super::chains::names_in_subgraphs(node, &mut inner));
    let given: HashSet<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    let is_used = |name: &str| used.contains(name) || inner.contains(name) || given.contains(name);
    let kept: Vec<bool> = graph.initializer.iter().map(|tensor| is_used(&tensor.name)).collect();
    let mut kept = kept.into_iter();
    graph.initializer.retain(|_| kept.next().unwrap_or(true));
    count
}

/// Nodes that use each tensor, and twice those that use it twice; a body counts as its node.
fn users_of(graph: &GraphProto) -> HashMap<&str, Vec<usize>> {
    let mut users: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        let mut names: Vec<&str> = node.input.iter().map(String::as_str).collect();
        let mut inner = HashSet::new();
        super::chains::names_in_subgraphs(node, &mut inner);
        names.extend(inner);
        names.into_iter().for_each(|name| users.entry(name).or_default().push(index));
    }
    users
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

/// The tables of a look-up of `tensor`, unsigned to unsigned: one, or one for each of its last axis' `channels`.
fn tables_of(
    node: &NodeProto,
    tensor: &str,
    channels: usize,
    constants: &HashMap<&str, &TensorProto>,
) -> Option<Vec<Table>> {
    let is_look_up = node.domain == DOMAIN && node.op_type == look_up_name(Byte::Unsigned, Byte::Unsigned);
    let [input, table] = node.input.as_slice() else { return None };
    if !is_look_up || input != tensor {
        return None;
    }
    let (tables, rest) = constants.get(table.as_str())?.raw_data.as_deref()?.as_chunks::<ENTRIES>();
    let fits = match tables.len() {
        1 => true,
        count => count == channels && attribute(node, BEHIND).and_then(|behind| behind.i) == Some(0),
    };
    (rest.is_empty() && fits).then(|| tables.to_vec())
}

/// What a convolution is made of.
struct Parts<'a> {
    node: &'a NodeProto,
    output: &'a str,
    zeros: [u8; 2],
    scales: Vec<f32>,
    strides: Vec<i64>,
    pads: Vec<i64>,
    depthwise: bool,
}

impl<'a> Parts<'a> {
    fn of(node: &'a NodeProto, constants: &HashMap<&str, &TensorProto>) -> Option<Self> {
        let whole = |name: &str| attribute(node, name).and_then(|attribute| attribute.i);
        let list = |name: &str| attribute(node, name).map(|attribute| attribute.ints.clone()).unwrap_or_default();
        let is_last = whole("channels_last") == Some(1) && node.domain == "com.microsoft";
        let pads_given =
            attribute(node, "auto_pad").and_then(|a| a.s.clone()).is_none_or(|s| s.is_empty() || s == b"NOTSET");
        let [_, x_scale, x_zero, weights, w_scale, w_zero, y_scale, y_zero, rest @ ..] = node.input.as_slice() else {
            return None;
        };
        let ([output], 0..=1) = (node.output.as_slice(), rest.len()) else { return None };
        if node.op_type != "QLinearConv" || !is_last || !pads_given || list("dilations").iter().any(|step| *step != 1) {
            return None;
        }
        let constant = |name: &String| constants.get(name.as_str()).copied();
        let weights = constant(weights).filter(|weights| weights.data_type == DataType::Int8 as i32)?;
        let [outputs, of_one, height, width] = *weights.dims.as_slice() else { return None };
        let unsigned = [2, 7].into_iter().all(|place| kind_of_constant(node, place, constants) == Some(Byte::Unsigned));
        if !unsigned || weights.raw_data.is_none() || !bytes_of(constant(w_zero)?)?.iter().all(|zero| *zero == 0) {
            return None;
        }
        let one = |name| Some(*constant(name)?.floats()?.first()?);
        let (x, y) = (one(x_scale)?, one(y_scale)?);
        let w = constant(w_scale)?.floats()?;
        let count = usize::try_from(outputs).ok()?;
        // In the order in which ONNX Runtime computes it.
        let scales: Vec<f32> =
            (0..count).map(|i| Some(x * w.get(if w.len() == 1 { 0 } else { i })? / y)).collect::<Option<_>>()?;
        let zero = |name| bytes_of(constant(name)?)?.first().copied();
        let group = whole("group").unwrap_or(1);
        let depthwise = group == outputs && of_one == 1 && group > 1;
        let or = |given: Vec<i64>, usual: Vec<i64>| if given.is_empty() { usual } else { given };
        let parts = Self {
            node,
            output,
            zeros: [zero(x_zero)?, zero(y_zero)?],
            scales,
            strides: or(list("strides"), vec![1, 1]),
            pads: or(list("pads"), vec![0; 4]),
            depthwise,
        };
        let bias = match rest.first().filter(|bias| !bias.is_empty()) {
            Some(bias) => Some(constant(bias)?.raw_data.as_deref()?),
            None => None,
        };
        let known = depthwise || group == 1;
        (known && parts.are_known([of_one, height, width], weights.raw_data.as_deref()?, bias)?).then_some(parts)
    }

    /// Whether the operator takes them; one that it refused would cost the whole session.
    fn are_known(&self, sides: [i64; 3], weights: &[u8], bias: Option<&[u8]>) -> Option<bool> {
        let whole = |numbers: &[i64]| -> Option<Vec<usize>> {
            numbers.iter().map(|number| usize::try_from(*number).ok()).collect()
        };
        let [of_one, height, width] = sides.map(|side| usize::try_from(side).unwrap_or(0));
        let outputs = self.scales.len();
        let weights: Vec<i8> = weights.iter().map(|weight| weight.cast_signed()).collect();
        let bias = bias.map(|bias| bias.as_chunks().0.iter().map(|four| i32::from_le_bytes(*four)).collect());
        let spec = ConvolutionSpec {
            channels: [if self.depthwise { outputs } else { of_one }, outputs],
            depthwise: self.depthwise,
            window: [height, width],
            strides: whole(&self.strides)?.try_into().ok()?,
            pads: whole(&self.pads)?.try_into().ok()?,
            weights: &weights,
            bias: &bias.unwrap_or_else(|| vec![0; outputs]),
            scales: &self.scales,
            zeros: self.zeros,
            // Of those, nothing depends on what they hold.
            tables: vec![[0; ENTRIES]],
        };
        Some(spec.is_known())
    }

    /// The node with its look-up, and what it needs.
    fn joined(&self, output: &str, tables: Option<Vec<Table>>, passes: i64) -> (NodeProto, Vec<TensorProto>) {
        let name = |of: &str| format!("{output}/{DOMAIN}/{of}");
        let count = self.scales.len();
        let tables = tables.unwrap_or_else(|| vec![std::array::from_fn(|byte| byte as u8)]);
        let mut tensors = vec![
            TensorProto::of_floats(name("scales"), &[count], &self.scales),
            TensorProto::of_bytes(name("tables"), &[tables.len(), ENTRIES], DataType::Uint8, tables.concat()),
        ];
        let bias = match self.node.input.get(8).filter(|bias| !bias.is_empty()) {
            Some(bias) => bias.clone(),
            None => {
                tensors.push(TensorProto::of_bytes(name("bias"), &[count], DataType::Int32, vec![0; count * 4]));
                name("bias")
            }
        };
        let ints = |name: &str, ints: Vec<i64>| AttributeProto {
            name: name.to_owned(),
            ints,
            r#type: AttributeType::Ints as i32,
            ..AttributeProto::default()
        };
        let int = |name: &str, i: i64| AttributeProto {
            name: name.to_owned(),
            i: Some(i),
            r#type: AttributeType::Int as i32,
            ..AttributeProto::default()
        };
        let node = NodeProto {
            name: name("convolution"),
            op_type: CONVOLUTION.to_owned(),
            domain: DOMAIN.to_owned(),
            input: vec![self.node.input[0].clone(), self.node.input[3].clone(), name("scales"), bias, name("tables")],
            output: vec![output.to_owned()],
            attribute: vec![
                ints(ZEROS, self.zeros.map(i64::from).to_vec()),
                ints(STRIDES, self.strides.clone()),
                ints(PADS, self.pads.clone()),
                int(DEPTHWISE, i64::from(self.depthwise)),
                int(PASSES, passes),
            ],
            ..NodeProto::default()
        };
        (node, tensors)
    }
}

/// The bytes of a tensor of bytes.
fn bytes_of(tensor: &TensorProto) -> Option<Vec<u8>> {
    match &tensor.raw_data {
        Some(raw) => Some(raw.clone()),
        None => Some(tensor.int32_data.iter().map(|number| *number as u8).collect()),
    }
}
