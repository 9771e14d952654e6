//! Which nodes of a quantized model still run in floats, and why, told from the graph that ONNX Runtime's optimizer left.

use super::events::NodeTime;
use super::work::{Work, is_float};
use crate::onnx::graph::Links;
use crate::onnx::proto::{GraphProto, NodeProto};
use serde::Serialize;
use std::collections::HashMap;

/// Why a node runs in floats, or a conversion is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It comes after the last layer: box and score arithmetic, suppression.
    Tail,
    /// A layer that the file leaves in floats, as a recipe does with sensitive ones.
    LeftByFile,
    /// ONNX Runtime has no form of it in integers.
    NoIntegerForm,
    /// The file marks it as quantized, and ONNX Runtime runs it in floats between conversions all the same.
    NotFused,
    /// It could work in integers, but does not lie between integers.
    NotBetween,
    /// The model's inputs or outputs are floats.
    Border,
}

impl Reason {
    /// In words, to follow "in floats:".
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Tail => "after the last layer, where boxes and scores are worked out",
            Self::LeftByFile => "left in floats by the file, as sensitive layers are",
            Self::NoIntegerForm => "ONNX Runtime has no integer form of it",
            Self::NotFused => "quantized in the file, but ONNX Runtime has no integer operator for these numbers",
            Self::NotBetween => "not between integers",
            Self::Border => "the model's inputs and outputs are floats",
        }
    }
}

/// Nodes of one operator that run in floats for one reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeftFloat {
    /// Why.
    pub reason: Reason,
    /// The operator; empty for [`Reason::Border`].
    pub operator: String,
    /// How many there are.
    pub nodes: usize,
    /// Milliseconds of a run that they take together.
    pub ms: f64,
    /// Conversions before and after them.
    pub conversions: usize,
    /// Milliseconds of a run that these take.
    pub conversion_ms: f64,
}

/// What runs in floats in a session with that optimized graph, what takes most time first; nodes in order.
pub(super) fn left(graph: &GraphProto, nodes: &[NodeTime]) -> Vec<LeftFloat> {
    let view = View::of(graph);
    let mut groups: HashMap<(Reason, &str), LeftFloat> = HashMap::new();
    let timed: HashMap<&str, &NodeTime> = nodes.iter().map(|node| (node.name.as_str(), node)).collect();
    for time in nodes {
        let Some(index) = view.places.get(time.name.as_str()).copied() else { continue };
        if is_float(time) {
            let group = group(&mut groups, view.reason(index), &graph.node[index].op_type);
            group.nodes += 1;
            group.ms += time.ms;
        } else if Work::of(&time.operator) == Work::Conversions
            && let Some(beside) = view.beside_conversion(index, &timed)
        {
            let (reason, operator) = match beside {
                Beside::Border => (Reason::Border, ""),
                Beside::Node(node) => (view.reason(node), graph.node[node].op_type.as_str()),
            };
            let group = group(&mut groups, reason, operator);
            group.conversions += 1;
            group.conversion_ms += time.ms;
        }
    }
    let mut left: Vec<LeftFloat> = groups.into_values().collect();
    let key = |one: &LeftFloat| one.ms + one.conversion_ms;
    left.sort_by(|one, other| key(other).total_cmp(&key(one)).then(one.operator.cmp(&other.operator)));
    left
}

fn group<'a, 'b>(
    groups: &'a mut HashMap<(Reason, &'b str), LeftFloat>,
    reason: Reason,
    operator: &'b str,
) -> &'a mut LeftFloat {
    groups.entry((reason, operator)).or_insert_with(|| LeftFloat {
        reason,
        operator: operator.to_owned(),
        nodes: 0,
        ms: 0.0,
        conversions: 0,
        conversion_ms: 0.0,
    })
}

/// What a conversion is there for.
enum Beside {
    Border,
    Node(usize),
}

/// A graph with what is asked of it.
struct View<'a> {
    graph: &'a GraphProto,
    links: Links<'a>,
    places: HashMap<&'a str, usize>,
    in_trunk: Vec<bool>,
}

impl<'a> View<'a> {
    fn of(graph: &'a GraphProto) -> Self {
        let links = Links::of(graph);
        let places = graph.node.iter().enumerate().map(|(index, node)| (node.name.as_str(), index)).collect();
        let mut view = Self { graph, links, places, in_trunk: vec![false; graph.node.len()] };
        // Optimized graphs are written in order; where one is not, more counts as tail, never less.
        for index in (0..graph.node.len()).rev() {
            let readers = graph.node[index].output.iter().flat_map(|value| view.links.readers(value));
            let leads = readers.into_iter().any(|reader| view.in_trunk[*reader]);
            view.in_trunk[index] = leads || view.is_layer(&graph.node[index]);
        }
        view
    }

    /// Convolutions and products with weights, but not those behind a softmax, by which boxes are read.
    fn is_layer(&self, node: &NodeProto) -> bool {
        let layer = matches!(Work::of(&node.op_type), Work::IntegerLayers | Work::FloatLayers);
        layer && node.input.iter().skip(1).any(|value| self.is_weight(value)) && !self.follows_softmax(node)
    }

    fn is_weight(&self, value: &str) -> bool {
        let dequantized = || {
            let node = &self.graph.node[self.links.producer(value)?];
            node.input.first().filter(|_| node.op_type == "DequantizeLinear")
        };
        let large = |name: &str| self.links.constant(name).is_some_and(|tensor| tensor.dims.len() > 1);
        large(value) || dequantized().is_some_and(|value| large(value))
    }

    fn follows_softmax(&self, node: &NodeProto) -> bool {
        const FAR: usize = 6;
        let mut node = node;
        for _ in 0..FAR {
            let source = node.input.first().and_then(|value| self.links.producer(value));
            let Some(source) = source else { return false };
            node = &self.graph.node[source];
            if node.op_type.ends_with("Softmax") {
                return true;
            }
            if !matches!(Work::of(&node.op_type), Work::Moves | Work::Conversions) {
                return false;
            }
        }
        false
    }

    fn comes_from(&self, value: &str, operator: &str) -> bool {
        self.links.producer(value).is_some_and(|source| self.graph.node[source].op_type == operator)
    }

    fn reason(&self, index: usize) -> Reason {
        let node = &self.graph.node[index];
        if !self.in_trunk[index] {
            return Reason::Tail;
        }
        let dequantized = |place: usize| node.input.get(place).is_some_and(|v| self.comes_from(v, "DequantizeLinear"));
        match Work::of(&node.op_type) {
            Work::FloatLayers if node.op_type == "ConvTranspose" => Reason::NoIntegerForm,
            Work::FloatLayers if dequantized(0) && dequantized(1) => Reason::NotFused,
            Work::FloatLayers => Reason::LeftByFile,
            _ if HAVE_INTEGER_FORMS.contains(&node.op_type.as_str()) => Reason::NotBetween,
            _ => Reason::NoIntegerForm,
        }
    }

    /// What in floats a conversion is there for: what it gives floats to, or takes them from, other conversions between; none
    /// where it is part of the weights or lies between integers.
    fn beside_conversion(&self, index: usize, timed: &HashMap<&str, &NodeTime>) -> Option<Beside> {
        const FAR: usize = 4;
        let node = &self.graph.node[index];
        if self.links.constant(node.input.first()?).is_some() {
            return None;
        }
        let is_float = |node: usize| timed.get(self.graph.node[node].name.as_str()).is_some_and(|time| is_float(time));
        let is_conversion = |node: usize| Work::of(&self.graph.node[node].op_type) == Work::Conversions;
        let forward = matches!(node.op_type.as_str(), "DequantizeLinear" | "ReorderInput" | "Cast");
        let mut at = index;
        for _ in 0..FAR {
            let node = &self.graph.node[at];
            let next = if forward {
                let output = node.output.first()?;
                let readers = self.links.readers(output);
                if let Some(float) = readers.iter().copied().find(|reader| is_float(*reader)) {
                    return Some(Beside::Node(float));
                }
                if self.links.is_output(output) {
                    return Some(Beside::Border);
                }
                readers.iter().copied().find(|reader| is_conversion(*reader))
            } else {
                match self.links.producer(node.input.first()?) {
                    None => return Some(Beside::Border),
                    Some(source) if is_float(source) => return Some(Beside::Node(source)),
                    Some(source) => is_conversion(source).then_some(source),
                }
            };
            at = next?;
        }
        None
    }
}

/// Float operators that ONNX Runtime's CPU provider also has in integers, as they or a fusion of them are named.
const HAVE_INTEGER_FORMS: [&str; 24] = [
    "Add",
    "AveragePool",
    "Clip",
    "Concat",
    "Flatten",
    "Gather",
    "GlobalAveragePool",
    "LeakyRelu",
    "MaxPool",
    "Mul",
    "QuickGelu",
    "Relu",
    "Reshape",
    "Resize",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Split",
    "Squeeze",
    "Sub",
    "Transpose",
    "Unsqueeze",
    "Upsample",
    "Where",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{TensorProto, ValueInfoProto};

    fn time(name: &str, operator: &str, output: &str, ms: f64) -> NodeTime {
        NodeTime { name: name.into(), operator: operator.into(), inputs: Vec::new(), outputs: vec![output.into()], ms }
    }

    #[test]
    fn every_node_in_floats_has_its_reason_and_its_conversions() {
        let nodes = [
            ("QuantizeLinear", vec!["x", "s", "z"], "xq"),
            ("QLinearConv", vec!["xq", "s", "z", "w8"], "aq"),
            ("DequantizeLinear", vec!["aq", "s", "z"], "a"),
            ("HardSwish", vec!["a"], "h"),
            ("QuantizeLinear", vec!["h", "s", "z"], "hq"),
            ("QLinearConv", vec!["hq", "s", "z", "w8"], "bq"),
            ("DequantizeLinear", vec!["bq", "s", "z"], "b"),
            ("Conv", vec!["b", "w"], "c"),
            ("Sigmoid", vec!["c"], "y"),
        ];
        let node = |(kind, inputs, output): &(&str, Vec<&str>, &str)| NodeProto::new(kind, *output, inputs, &[output]);
        let graph = GraphProto {
            node: nodes.iter().map(node).collect(),
            initializer: ["w", "w8"].map(|name| TensorProto::of_floats(name, &[1, 1, 1, 1], &[1.0])).into(),
            output: vec![ValueInfoProto { name: "y".into(), ..Default::default() }],
            ..Default::default()
        };
        let is_byte = |output: &str| if output.ends_with('q') { "uint8" } else { "float" };
        let times: Vec<NodeTime> = nodes.iter().map(|(kind, _, out)| time(out, kind, is_byte(out), 1.0)).collect();
        let found = left(&graph, &times);
        let of = |reason, operator: &str| found.iter().find(|one| one.reason == reason && one.operator == operator);
        let figures =
            |reason, operator| of(reason, operator).map(|one| (one.nodes, one.conversions, one.ms + one.conversion_ms));
        assert_eq!(figures(Reason::NoIntegerForm, "HardSwish"), Some((1, 2, 3.0)));
        assert_eq!(figures(Reason::LeftByFile, "Conv"), Some((1, 1, 2.0)));
        assert_eq!(figures(Reason::Tail, "Sigmoid"), Some((1, 0, 1.0)));
        assert_eq!(figures(Reason::Border, ""), Some((0, 1, 1.0)));
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(found[0].operator, "HardSwish", "what takes most comes first");
    }
}
