//! What a graph does to its picture before it computes anything: slices, joins and other orders of axes, such as YOLOX's
//! `Focus`. It becomes one pass over bytes: the picture is quantized first, which may be done before it is moved as well
//! as after, and where each byte goes is found by letting ONNX Runtime move numbered elements.

use super::chains::{Byte, constants_of, kind_of_constant, names_in_subgraphs};
use super::concats::is_same;
use super::rewrite::{DOMAIN, float_value};
use crate::onnx::proto::{
    AttributeProto, AttributeType, DataType, DimensionValue, GraphProto, ModelProto, NodeProto, TensorProto, TypeValue,
    ValueInfoProto,
};
use std::collections::{HashMap, HashSet};

/// Attributes of the operator `y[0, a, b, c] = x[bases[c] + steps[0] * a + steps[1] * b]`, in which `x` is taken as a list
/// and `sides` are those of axes a and b.
pub const MOVE_ATTRIBUTES: [&str; 3] = ["sides", "steps", "bases"];
/// Elements that a 32-bit float can number.
const ELEMENTS_MAX: usize = 1 << 24;
/// Operators that move elements and change none.
const MOVING: &[&str] = &["Concat", "Identity", "Reshape", "Slice", "SpaceToDepth", "Transpose"];

/// Name of the operator.
pub const fn move_name(kind: Byte) -> &'static str {
    match kind {
        Byte::Unsigned => "MoveU8",
        Byte::Signed => "MoveS8",
    }
}

/// The part of a graph between its picture and the first tensor that something is computed from.
pub(super) struct Moves {
    /// The graph's only input, and its sides.
    pub picture: String,
    pub shape: Vec<usize>,
    /// The tensor of bytes that comes of it.
    pub moved: String,
    kind: Byte,
    /// The nodes between.
    nodes: Vec<usize>,
    /// One of those that quantize.
    quantize: NodeProto,
}

/// Where the bytes of the moved tensor come from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Places {
    sides: [usize; 2],
    steps: [usize; 2],
    bases: Vec<usize>,
}

impl Places {
    /// From the numbers of the picture's elements in the moved tensor; None where they follow no such rule.
    pub fn of(shape: &[usize], numbers: &[f32]) -> Option<Self> {
        let [1, height, width, channels] = *shape else { return None };
        if height < 2 || width < 2 || numbers.len() != height * width * channels {
            return None;
        }
        let at = |a: usize, b: usize, c: usize| numbers[(a * width + b) * channels + c] as usize;
        let steps = [at(1, 0, 0).checked_sub(at(0, 0, 0))?, at(0, 1, 0).checked_sub(at(0, 0, 0))?];
        let bases: Vec<usize> = (0..channels).map(|channel| at(0, 0, channel)).collect();
        let by_rule = (0..height)
            .all(|a| (0..width).all(|b| (0..channels).all(|c| at(a, b, c) == bases[c] + steps[0] * a + steps[1] * b)));
        by_rule.then_some(Self { sides: [height, width], steps, bases })
    }
}

impl Moves {
    /// None where nothing is moved before something is computed, or the picture is more than that.
    pub fn find(graph: &GraphProto) -> Option<Self> {
        let constants = constants_of(graph);
        let mut inputs = graph.input.iter().filter(|input| graph.initializer.iter().all(|one| one.name != input.name));
        let (picture, None) = (inputs.next()?, inputs.next()) else { return None };
        let shape = float_shape(picture)?;
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
                "QuantizeLinear" if first.is_none() && others_known => Some(node),
                moving if MOVING.contains(&moving) && alike && others_known => *first,
                _ => continue,
            };
            moved.insert(&node.output[0], state);
            nodes.push(index);
        }
        let only = needed_outside(graph, &moved, &nodes)?;
        let quantize = (*moved.get(only)?)?;
        let kind = kind_of_constant(quantize, 2, &constants)?;
        let scalar = quantize.input[1..].iter().all(|name| {
            constants.get(name.as_str()).is_some_and(|constant| constant.dims.iter().all(|side| *side == 1))
        });
        let is_moved = nodes.iter().any(|index| graph.node[*index].op_type != "QuantizeLinear");
        (scalar && is_moved).then(|| Self {
            picture: picture.name.clone(),
            shape,
            moved: only.to_owned(),
            kind,
            nodes: nodes.clone(),
            quantize: quantize.clone(),
        })
    }

    /// A model that moves floats as the graph moves the picture.
    pub fn model(&self, model: &ModelProto) -> ModelProto {
        let empty = GraphProto::default();
        let graph = model.graph.as_ref().unwrap_or(&empty);
        let node = |index: &usize| {
            let node = &graph.node[*index];
            match node.op_type.as_str() {
                "QuantizeLinear" => NodeProto {
                    op_type: "Identity".into(),
                    input: node.input[..1].to_vec(),
                    attribute: Vec::new(),
                    ..node.clone()
                },
                _ => node.clone(),
            }
        };
        let moving = GraphProto {
            name: "moves".to_owned(),
            input: graph.input.iter().filter(|input| input.name == self.picture).cloned().collect(),
            output: vec![float_value(&self.moved)],
            initializer: graph.initializer.clone(),
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

    /// Puts the quantized picture and one move in the place of these nodes; those that nobody needs are left for
    /// [`super::rewrite::fold`] to take out.
    pub fn replace(self, graph: &mut GraphProto, places: &Places) {
        let levels = format!("{}/{DOMAIN}/levels", self.moved);
        let Some(last) = graph.node.iter().position(|node| node.output.contains(&self.moved)) else { return };
        let mut input = self.quantize.input.clone();
        input[0] = self.picture;
        let quantize = NodeProto { name: levels.clone(), input, output: vec![levels.clone()], ..self.quantize };
        let numbers = [&places.sides[..], &places.steps[..], &places.bases[..]];
        let attribute = MOVE_ATTRIBUTES.iter().zip(numbers).map(|(name, numbers)| AttributeProto {
            name: (*name).to_owned(),
            ints: numbers.iter().map(|number| *number as i64).collect(),
            r#type: AttributeType::Ints as i32,
            ..AttributeProto::default()
        });
        graph.node[last] = NodeProto {
            name: format!("{}/{DOMAIN}/move", self.moved),
            op_type: move_name(self.kind).to_owned(),
            domain: DOMAIN.to_owned(),
            input: vec![levels],
            output: vec![self.moved],
            attribute: attribute.collect(),
            ..NodeProto::default()
        };
        graph.node.insert(last, quantize);
    }
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

/// The one moved tensor that something else needs; None where that is none, or several.
fn needed_outside<'a>(
    graph: &'a GraphProto,
    moved: &HashMap<&str, Option<&NodeProto>>,
    nodes: &[usize],
) -> Option<&'a str> {
    let inside: HashSet<usize> = nodes.iter().copied().collect();
    let mut names: HashSet<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    for (index, node) in graph.node.iter().enumerate() {
        names_in_subgraphs(node, &mut names);
        if !inside.contains(&index) {
            names.extend(node.input.iter().map(String::as_str));
        }
    }
    let mut needed = names.into_iter().filter(|name| moved.contains_key(name));
    let only = needed.next()?;
    needed.next().is_none().then_some(only)
}

/// The sides of a tensor of floats that leaves none open and can be numbered.
fn float_shape(value: &ValueInfoProto) -> Option<Vec<usize>> {
    let TypeValue::TensorType(tensor) = value.r#type.as_ref()?.value.as_ref()? else { return None };
    let sides: Option<Vec<usize>> = tensor.shape.as_ref()?.dim.iter().map(|side| match side.value {
        Some(DimensionValue::DimValue(side)) => usize::try_from(side).ok(),
        _ => None,
    });
    let sides = sides?;
    let count = sides.iter().try_fold(1_usize, |count, side| count.checked_mul(*side))?;
    (tensor.elem_type == DataType::Float as i32 && (1..=ELEMENTS_MAX).contains(&count)).then_some(sides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_a_rule_or_there_are_none() {
        // Four pictures of a quarter, as YOLOX's Focus takes them from one of 3x6x8, with the channels last.
        let corner = |c: usize| [(0, 0), (1, 0), (0, 1), (1, 1)][c / 3];
        let number = |a: usize, b: usize, c: usize| (c % 3) * 48 + (2 * a + corner(c).0) * 8 + 2 * b + corner(c).1;
        let mut numbers = Vec::new();
        for a in 0..3 {
            for b in 0..4 {
                numbers.extend((0..12).map(|c| number(a, b, c) as f32));
            }
        }
        let places = Places::of(&[1, 3, 4, 12], &numbers).unwrap();
        assert_eq!((places.sides, places.steps), ([3, 4], [16, 2]));
        assert_eq!(places.bases, [0, 48, 96, 8, 56, 104, 1, 49, 97, 9, 57, 105]);
        assert_eq!(Places::of(&[1, 12, 3, 4], &numbers), None, "channels first");
        assert_eq!(Places::of(&[3, 4, 12], &numbers), None);
        numbers.swap(100, 101);
        assert_eq!(Places::of(&[1, 3, 4, 12], &numbers), None);
    }
}
