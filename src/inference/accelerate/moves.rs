//! What a graph does to its picture before it computes anything: slices, joins and other orders of axes, such as YOLOX's
//! `Focus`, and the quantization of its levels. Preprocessing can do that while it writes the picture, see [`Entrance`].
//!
//! Where each element goes is found by letting ONNX Runtime move numbered ones. Elements may be quantized before they are
//! moved as well as after.

use super::chains::{constants_of, kind_of_constant, names_in_subgraphs};
use super::concats::is_same;
use super::rewrite::float_value;
use crate::inference::preprocess::InputType;
use crate::inference::session::tables;
use crate::inference::{Arrangement, Entrance, InputRecognition, LevelQuantization};
use crate::onnx::proto::{
    DataType, DimensionValue, GraphProto, ModelProto, NodeProto, ShapeDimension, TensorProto, TensorShapeProto,
    TensorType, TypeProto, TypeValue, ValueInfoProto,
};
use prost::Message;
use std::collections::{HashMap, HashSet};

/// Elements that a 32-bit float can number.
const ELEMENTS_MAX: usize = 1 << 24;
/// Operators that move elements and change none.
const MOVING: &[&str] = &["Concat", "Identity", "Reshape", "Slice", "SpaceToDepth", "Transpose"];
/// The operator that makes a byte of a float.
const QUANTIZE: &str = "QuantizeLinear";

/// Whether the model moves its picture about in floats, before it computes anything.
pub fn moves_floats(model: &ModelProto, input: &InputRecognition) -> bool {
    let moves = model.graph.as_ref().and_then(|graph| Moves::find(graph, input));
    moves.is_some_and(|moves| moves.quantization.is_none())
}

/// Takes out of the model what preprocessing can do; None where that is nothing.
pub(super) fn enter(model: &mut ModelProto, input: &InputRecognition) -> Option<Entrance> {
    let moves = Moves::find(model.graph.as_ref()?, input)?;
    let moving = moves.model(model).encode_to_vec();
    let numbered = tables::numbered(&moving, (&input.name, &input.shape()), &moves.moved);
    let not_found = |error| tracing::debug!("the picture stays to be moved by the graph: {error}");
    let (shape, numbers) = numbered.map_err(not_found).ok()?;
    let arrangement = Arrangement::of(input.layout, input.size, &shape, &numbers)?;
    let entrance = Entrance { layout: input.layout, arrangement, quantization: moves.quantization };
    if entrance.quantization.is_none() && entrance.arrangement.is_trivial(input.layout) {
        return None;
    }
    moves.take_out(model.graph.as_mut()?, input, &entrance);
    Some(entrance)
}

/// The part of a graph between its picture and the first tensor that something is computed from.
struct Moves {
    /// That tensor.
    moved: String,
    /// How its elements are quantized, if they are.
    quantization: Option<LevelQuantization>,
    /// The nodes between, and the constants that they use.
    nodes: Vec<usize>,
    constants: Vec<TensorProto>,
}

impl Moves {
    /// None where there is no such part, or the picture is needed otherwise, too.
    fn find(graph: &GraphProto, input: &InputRecognition) -> Option<Self> {
        let picture = graph.input.iter().find(|value| value.name == input.name)?;
        if input.dtype != InputType::F32 || input.relaxed_from.is_some() || !is_of_shape(picture, input.shape()) {
            return None;
        }
        let mut constants = constants_of(graph);
        constants.extend(graph.node.iter().filter_map(constant));
        // A tensor that is the picture moved, and the node that quantized it, if one did.
        let mut moved: HashMap<&str, Option<&NodeProto>> = HashMap::from([(picture.name.as_str(), None)]);
        let mut nodes = Vec::new();
        for (index, node) in graph.node.iter().enumerate() {
            let is_known = matches!(node.domain.as_str(), "" | "ai.onnx") && node.output.len() == 1;
            let mut origins = node.input.iter().filter_map(|name| moved.get(name.as_str()));
            let Some(first) = origins.next().filter(|_| is_known) else { continue };
            let alike = origins.all(|other| is_alike(*first, *other, &constants));
            let others_known = node.input.iter().all(|name| {
                name.is_empty() || moved.contains_key(name.as_str()) || constants.contains_key(name.as_str())
            });
            let state = match node.op_type.as_str() {
                QUANTIZE if first.is_none() && others_known => Some(node),
                moving if MOVING.contains(&moving) && alike && others_known => *first,
                _ => continue,
            };
            moved.insert(&node.output[0], state);
            nodes.push(index);
        }
        let only = needed_outside(graph, &moved, &nodes)?;
        let quantization = match *moved.get(only)? {
            Some(node) => Some(quantization_of(node, &constants)?),
            None => None,
        };
        let used: HashSet<&str> =
            nodes.iter().flat_map(|index| &graph.node[*index].input).map(String::as_str).collect();
        let used = constants.iter().filter(|(name, _)| used.contains(*name));
        let constants =
            used.map(|(name, tensor)| TensorProto { name: (*name).to_owned(), ..TensorProto::clone(tensor) }).collect();
        (only != picture.name).then(|| Self { moved: only.to_owned(), quantization, nodes, constants })
    }

    /// A model that moves floats as the graph moves the picture.
    fn model(&self, model: &ModelProto) -> ModelProto {
        let empty = GraphProto::default();
        let graph = model.graph.as_ref().unwrap_or(&empty);
        let node = |index: &usize| {
            let node = &graph.node[*index];
            match node.op_type.as_str() {
                QUANTIZE => NodeProto {
                    op_type: "Identity".into(),
                    input: node.input[..1].to_vec(),
                    attribute: Vec::new(),
                    ..node.clone()
                },
                _ => node.clone(),
            }
        };
        let is_constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
        let moving = GraphProto {
            name: "moves".to_owned(),
            input: graph.input.iter().filter(|value| !is_constant(&value.name)).cloned().collect(),
            output: vec![float_value(&self.moved)],
            initializer: self.constants.clone(),
            node: self.nodes.iter().map(node).collect(),
            ..GraphProto::default()
        };
        ModelProto {
            ir_version: model.ir_version,
            opset_import: model.opset_import.clone(),
            graph: Some(moving),
            ..ModelProto::default()
        }
    }

    /// Takes these nodes out: the picture goes in as they would have left it.
    fn take_out(self, graph: &mut GraphProto, input: &InputRecognition, entrance: &Entrance) {
        let nodes: HashSet<usize> = self.nodes.iter().copied().collect();
        let gone: HashSet<String> = self.nodes.iter().flat_map(|index| graph.node[*index].output.clone()).collect();
        let mut places = 0..;
        graph.node.retain(|_| places.next().is_none_or(|place| !nodes.contains(&place)));
        graph.value_info.retain(|value| !gone.contains(&value.name));
        let names = graph.node.iter_mut().flat_map(|node| &mut node.input);
        names.filter(|name| **name == self.moved).for_each(|name| name.clone_from(&input.name));
        let kind = entrance.quantization.map_or(DataType::Float, |quantization| quantization.kind.data_type());
        let sides = entrance.arrangement.shape(input.size).map(|side| ShapeDimension {
            value: Some(DimensionValue::DimValue(side as i64)),
            ..ShapeDimension::default()
        });
        let tensor = TensorType {
            elem_type: kind as i32,
            shape: Some(TensorShapeProto { dim: sides.to_vec(), ..Default::default() }),
            ..Default::default()
        };
        for value in graph.input.iter_mut().filter(|value| value.name == input.name) {
            value.r#type =
                Some(TypeProto { value: Some(TypeValue::TensorType(tensor.clone())), ..TypeProto::default() });
        }
    }
}

/// The tensor of a node that is a constant.
fn constant(node: &NodeProto) -> Option<(&str, &TensorProto)> {
    let value = node.attribute.iter().find(|attribute| attribute.name == "value")?;
    if node.op_type != "Constant" {
        return None;
    }
    Some((node.output.first()?.as_str(), value.t.as_ref()?))
}

/// How a node quantizes, where that is the same for all colours.
fn quantization_of(node: &NodeProto, constants: &HashMap<&str, &TensorProto>) -> Option<LevelQuantization> {
    let kind = kind_of_constant(node, 2, constants)?;
    let one = |place: usize| {
        let tensor = constants.get(node.input.get(place)?.as_str())?;
        (tensor.count() == Some(1)).then_some(*tensor)
    };
    let [scale] = *one(1)?.floats()?.as_slice() else { return None };
    let zero_point = match node.input.get(2).filter(|name| !name.is_empty()) {
        None => 0,
        Some(_) => {
            let tensor = one(2)?;
            let bits = match &tensor.raw_data {
                Some(raw) => *raw.first()?,
                None => *tensor.int32_data.first()? as u8,
            };
            match kind {
                super::Byte::Unsigned => i16::from(bits),
                super::Byte::Signed => i16::from(bits.cast_signed()),
            }
        }
    };
    let is_plain = node.attribute.iter().all(|attribute| attribute.name == "axis");
    (is_plain && scale.is_finite() && scale > 0.0).then_some(LevelQuantization { kind, scale, zero_point })
}

/// Whether two parts of a picture are both floats, or quantized in the same way.
fn is_alike(a: Option<&NodeProto>, b: Option<&NodeProto>, constants: &HashMap<&str, &TensorProto>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) if a.input.len() == b.input.len() => {
            a.input[1..].iter().zip(&b.input[1..]).all(|(a, b)| is_same(a, b, constants))
        }
        _ => false,
    }
}

/// The one moved tensor that something else needs, if that is nodes of this graph alone; None where there are several.
fn needed_outside<'a>(
    graph: &'a GraphProto,
    moved: &HashMap<&str, Option<&NodeProto>>,
    nodes: &[usize],
) -> Option<&'a str> {
    let inside: HashSet<usize> = nodes.iter().copied().collect();
    let mut fixed: HashSet<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    graph.node.iter().for_each(|node| names_in_subgraphs(node, &mut fixed));
    let outside = graph.node.iter().enumerate().filter(|(index, _)| !inside.contains(index));
    let names: HashSet<&str> = outside.flat_map(|(_, node)| &node.input).map(String::as_str).collect();
    let mut needed = names.into_iter().filter(|name| moved.contains_key(name));
    let only = needed.next()?;
    let alone = needed.next().is_none() && fixed.iter().all(|name| !moved.contains_key(name));
    alone.then_some(only)
}

/// Whether a value is floats of that shape; the number of pictures may be open.
fn is_of_shape(value: &ValueInfoProto, wanted: [usize; 4]) -> bool {
    let Some(TypeValue::TensorType(tensor)) = value.r#type.as_ref().and_then(|kind| kind.value.as_ref()) else {
        return false;
    };
    let sides = tensor.shape.as_ref().map_or(&[][..], |shape| shape.dim.as_slice());
    let fits = |(place, (side, wanted)): (usize, (&ShapeDimension, usize))| match side.value {
        Some(DimensionValue::DimValue(side)) => usize::try_from(side) == Ok(wanted),
        _ => place == 0,
    };
    let is_small = wanted
        .iter()
        .try_fold(1_usize, |count, side| count.checked_mul(*side))
        .is_some_and(|count| (1..=ELEMENTS_MAX).contains(&count));
    tensor.elem_type == DataType::Float as i32
        && sides.len() == wanted.len()
        && is_small
        && sides.iter().zip(wanted).enumerate().all(fits)
}
