//! Which channels of a network may be scaled together without changing what it says: a channel that a convolution makes
//! can be larger by a factor where everything that reads it, by way of operators for which `f(a·x) = a·f(x)`, is a
//! convolution that can take the factor back.

use super::functions::Function;
use super::layout::{Kind, Layout};
use crate::onnx::graph::{Links, subgraphs};
use crate::onnx::proto::{DataType, GraphProto, NodeProto, TensorProto};
use std::collections::HashMap;

/// A set of channels that share a factor, by one of its members; see [`Channels::class`].
pub(super) type Class = usize;
/// The class of what must stay as it is.
pub(super) const FIXED: Class = 0;

/// The channels of a network.
pub(super) struct Channels {
    parents: Vec<Class>,
    /// Of every value that has channels along its second axis, a member of the class of each; without those that are fixed
    /// throughout.
    values: HashMap<String, Vec<Class>>,
    /// Convolutions with constant weights, and the classes of what they read and make.
    pub layers: Vec<Layer>,
}

/// A convolution that takes and gives channels.
pub(super) struct Layer {
    pub node: usize,
    pub reads: Vec<Class>,
    pub makes: Vec<Class>,
    pub groups: usize,
}

impl Channels {
    /// Looks at a graph whose nodes stand in order. `shapes` are those of values that were seen at work; the channels of
    /// what `functions` make can be larger by themselves.
    pub fn of(
        graph: &GraphProto,
        layout: &Layout,
        shapes: &HashMap<String, Vec<usize>>,
        functions: &[Function],
    ) -> Self {
        let links = Links::of(graph);
        let mut channels = Self { parents: vec![FIXED], values: HashMap::new(), layers: Vec::new() };
        // Values between a reshape and the one that takes it back: their second axis is split in so many parts.
        let mut split: HashMap<&str, usize> = HashMap::new();
        for (index, node) in graph.node.iter().enumerate() {
            let made = channels.pass(graph, layout, shapes, &links, index, &mut split);
            let function = functions.iter().find(|function| function.nodes.last() == Some(&index));
            let made = function.map(|function| channels.fresh(function.channels)).or(made);
            // What goes into a function has its ranges, and no factor besides that what comes out of it would have to share.
            if functions.iter().any(|function| function.layer == index) {
                channels.fix(made.as_deref().unwrap_or_default());
            }
            let outputs = node.output.first().filter(|_| made.is_some());
            if let (Some(output), Some(made)) = (outputs, made) {
                channels.values.insert(output.clone(), made);
            }
        }
        for (value, members) in channels.values.clone() {
            let held_inside = links.readers(&value).iter().any(|r| subgraphs(&graph.node[*r]).next().is_some());
            if links.is_output(&value) || held_inside {
                channels.fix(&members);
            }
        }
        channels
    }

    /// The class that a member belongs to.
    pub fn class(&self, member: Class) -> Class {
        let mut class = member;
        while self.parents[class] != class {
            class = self.parents[class];
        }
        class
    }

    /// Members of the classes of a value's channels.
    pub fn of_value(&self, value: &str) -> Option<&[Class]> {
        self.values.get(value).map(Vec::as_slice)
    }

    /// Number of members; a class is below it.
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    fn fresh(&mut self, count: usize) -> Vec<Class> {
        let begin = self.parents.len();
        self.parents.extend(begin..begin + count);
        (begin..begin + count).collect()
    }

    fn unite(&mut self, one: Class, other: Class) {
        let (one, other) = (self.class(one), self.class(other));
        // The fixed class is the lowest, and stays the root of what joins it.
        self.parents[one.max(other)] = one.min(other);
    }

    fn fix(&mut self, members: &[Class]) {
        members.iter().for_each(|member| self.unite(*member, FIXED));
    }

    fn take(&self, value: Option<&String>) -> Option<Vec<Class>> {
        self.values.get(value?).cloned()
    }

    /// The channels of what a node makes; none where they are fixed. What it cannot pass on, it fixes.
    fn pass<'a>(
        &mut self,
        graph: &'a GraphProto,
        layout: &Layout,
        shapes: &HashMap<String, Vec<usize>>,
        links: &Links<'_>,
        index: usize,
        split: &mut HashMap<&'a str, usize>,
    ) -> Option<Vec<Class>> {
        let node = &graph.node[index];
        let known = self.take(node.input.first());
        let shape = |value: Option<&String>| value.and_then(|value| shapes.get(value)).map(Vec::as_slice);
        let is_split = node.input.first().is_some_and(|value| split.contains_key(value.as_str()));
        let passed = match node.op_type.as_str() {
            "Conv" if layout.nodes[index].kind == Kind::Convolution => {
                return self.convolution(links, node, index, known);
            }
            "Add" => return self.sum(node),
            "Mul" => return self.product(node),
            "Concat" => return self.join(node, shapes),
            _ if known.is_none() => return None,
            "Relu" | "LeakyRelu" | "PRelu" | "MaxPool" | "AveragePool" | "GlobalAveragePool" | "Resize"
            | "Identity"
                if !is_split && node.output.len() == 1 =>
            {
                let is_plain = node.op_type != "Resize" || layout.nodes[index].kind == Kind::Move;
                known.clone().filter(|_| is_plain)
            }
            "Slice" if !is_split => known.as_deref().and_then(|known| sliced(known, node, links)),
            "Reshape" => known.clone().filter(|known| {
                let parts = regrouped(known.len(), shape(node.output.first()));
                if let (Some(Some(parts)), Some(output)) = (parts, node.output.first()) {
                    split.insert(output, parts);
                }
                parts.is_some()
            }),
            "Transpose" => {
                let parts = node.input.first().and_then(|value| split.get(value.as_str())).copied();
                let turned = parts.zip(known.as_deref()).and_then(|(parts, known)| turned(known, parts, node));
                if let (Some((_, parts)), Some(output)) = (&turned, node.output.first()) {
                    split.insert(output, *parts);
                }
                turned.map(|(members, _)| members)
            }
            _ => None,
        };
        if passed.is_none() {
            for value in &node.input {
                let members = self.take(Some(value)).unwrap_or_default();
                self.fix(&members);
            }
        }
        passed
    }

    fn convolution(
        &mut self,
        links: &Links<'_>,
        node: &NodeProto,
        index: usize,
        known: Option<Vec<Class>>,
    ) -> Option<Vec<Class>> {
        let shape = links.constant(&node.input[1])?.shape();
        let groups = usize::try_from(node.integer("group").unwrap_or(1)).unwrap_or(1).max(1);
        let count = shape.get(1).copied().unwrap_or(0) * groups;
        let reads = known.unwrap_or_else(|| vec![FIXED; count]);
        if reads.len() != count {
            self.fix(&reads);
            return None;
        }
        let makes = self.fresh(shape.first().copied().unwrap_or(0));
        self.layers.push(Layer { node: index, reads, makes: makes.clone(), groups });
        Some(makes)
    }

    /// Both summands must be larger by the same factor.
    fn sum(&mut self, node: &NodeProto) -> Option<Vec<Class>> {
        let (one, other) = (self.take(node.input.first()), self.take(node.input.get(1)));
        match (one, other) {
            (Some(one), Some(other)) if one.len() == other.len() => {
                one.iter().zip(&other).for_each(|(one, other)| self.unite(*one, *other));
                Some(one)
            }
            (one, other) => {
                self.fix(&one.unwrap_or_default());
                self.fix(&other.unwrap_or_default());
                None
            }
        }
    }

    /// One factor may be larger, and so is the product.
    fn product(&mut self, node: &NodeProto) -> Option<Vec<Class>> {
        match (self.take(node.input.first()), self.take(node.input.get(1))) {
            (Some(one), Some(other)) => {
                self.fix(&other);
                if one.len() == other.len() {
                    return Some(one);
                }
                self.fix(&one);
                None
            }
            (one, other) => one.or(other),
        }
    }

    fn join(&mut self, node: &NodeProto, shapes: &HashMap<String, Vec<usize>>) -> Option<Vec<Class>> {
        let parts: Vec<Option<Vec<Class>>> = node.input.iter().map(|value| self.take(Some(value))).collect();
        let count = |value: &String| shapes.get(value).filter(|shape| shape.len() == 4).map(|shape| shape[1]);
        let mut joined = Vec::new();
        let mut complete = node.integer("axis") == Some(1) && parts.iter().any(Option::is_some);
        for (value, part) in node.input.iter().zip(&parts) {
            match (part, count(value)) {
                (Some(part), _) => joined.extend(part),
                (None, Some(count)) => joined.extend(std::iter::repeat_n(FIXED, count)),
                (None, None) => complete = false,
            }
        }
        if !complete {
            parts.into_iter().flatten().for_each(|part| self.fix(&part));
            return None;
        }
        Some(joined)
    }
}

/// What a slice along the channels leaves; along other axes, all.
fn sliced(known: &[Class], node: &NodeProto, links: &Links<'_>) -> Option<Vec<Class>> {
    let list = |place: usize| -> Option<Vec<i64>> {
        let value = node.input.get(place).filter(|value| !value.is_empty())?;
        links
            .constant(value)
            .filter(|tensor| tensor.data_type != DataType::Float as i32)
            .and_then(TensorProto::integers)
    };
    let (starts, ends, axes) = (list(1)?, list(2)?, list(3)?);
    let steps = if node.input.get(4).is_some_and(|steps| !steps.is_empty()) { list(4)? } else { vec![1; axes.len()] };
    let ([start], [end], [1], [1]) = (&starts[..], &ends[..], &axes[..], &steps[..]) else { return None };
    let count = known.len() as i64;
    let place = |at: i64| usize::try_from(if at < 0 { at + count } else { at }.clamp(0, count)).unwrap_or(0);
    known.get(place(*start)..place(*end)).map(<[Class]>::to_vec)
}

/// A reshape that splits channels in parts, `[1, c, h, w]` to `[1, parts, c / parts, h, w]`, gives the parts; one that puts
/// them together again gives none. Others are no such.
fn regrouped(count: usize, to: Option<&[usize]>) -> Option<Option<usize>> {
    match to? {
        [1, parts, each, _, _] if parts * each == count => Some(Some(*parts)),
        [1, all, _, _] if *all == count => Some(None),
        _ => None,
    }
}

/// A transpose of the parts with what is in them: the channels, and in how many parts they are now.
fn turned(known: &[Class], parts: usize, node: &NodeProto) -> Option<(Vec<Class>, usize)> {
    let order = node.attribute("perm").map(|order| order.ints.as_slice());
    if order != Some(&[0, 2, 1, 3, 4]) || parts == 0 {
        return None;
    }
    let each = known.len() / parts;
    Some(((0..known.len()).map(|place| known[place % parts * each + place / parts]).collect(), each))
}

#[cfg(test)]
#[path = "channels_tests.rs"]
mod tests;
