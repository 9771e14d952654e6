//! Looking at a graph in order to edit it: who makes a value, who reads it, which names are free, and in which order
//! nodes stand.

use super::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use std::collections::{HashMap, HashSet};

/// Who makes and who reads each value of a graph: a snapshot, to be made anew after edits.
#[derive(Debug, Default)]
pub struct Links<'a> {
    producers: HashMap<&'a str, usize>,
    readers: HashMap<&'a str, Vec<usize>>,
    constants: HashMap<&'a str, &'a TensorProto>,
    outputs: HashSet<&'a str>,
}

impl<'a> Links<'a> {
    /// The links of a graph. Values that its subgraphs read count as read by the node that holds the subgraph.
    pub fn of(graph: &'a GraphProto) -> Self {
        let mut links = Self {
            constants: graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect(),
            outputs: graph.output.iter().map(|output| output.name.as_str()).collect(),
            ..Self::default()
        };
        for (index, node) in graph.node.iter().enumerate() {
            for name in node.output.iter().filter(|name| !name.is_empty()) {
                links.producers.insert(name, index);
            }
            for name in values_read(node) {
                let readers = links.readers.entry(name).or_default();
                if readers.last() != Some(&index) {
                    readers.push(index);
                }
            }
        }
        links
    }

    /// Index of the node that makes a value; none for inputs, weights, and names that nothing makes.
    pub fn producer(&self, value: &str) -> Option<usize> {
        self.producers.get(value).copied()
    }

    /// Indices of the nodes that read a value, in the graph's order, each once.
    pub fn readers(&self, value: &str) -> &[usize] {
        self.readers.get(value).map_or(&[], Vec::as_slice)
    }

    /// The weights of this name.
    pub fn constant(&self, value: &str) -> Option<&'a TensorProto> {
        self.constants.get(value).copied()
    }

    /// Whether a value is an output of the graph.
    pub fn is_output(&self, value: &str) -> bool {
        self.outputs.contains(value)
    }
}

/// The values that a node reads, those that its subgraphs take from outside among them.
fn values_read(node: &NodeProto) -> Vec<&str> {
    let mut names: Vec<&str> = node.input.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    for graph in subgraphs(node) {
        let mut own: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        own.extend(graph.input.iter().map(|input| input.name.as_str()));
        own.extend(graph.node.iter().flat_map(|inner| &inner.output).map(String::as_str));
        let read = graph.node.iter().flat_map(values_read).chain(graph.output.iter().map(|value| value.name.as_str()));
        names.extend(read.filter(|name| !own.contains(name)));
    }
    names
}

/// The graphs inside a node, as the branches of an `If`.
pub fn subgraphs(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
}

/// Names that a graph uses already, for values and nodes, so that new ones can be made.
#[derive(Debug, Default)]
pub struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// All names in a graph and its subgraphs.
    pub fn of(graph: &GraphProto) -> Self {
        let mut names = Self::default();
        names.add(graph);
        names
    }

    fn add(&mut self, graph: &GraphProto) {
        let values = graph.input.iter().chain(&graph.output).chain(&graph.value_info).map(|value| &value.name);
        self.taken.extend(values.chain(graph.initializer.iter().map(|tensor| &tensor.name)).cloned());
        for node in &graph.node {
            self.taken.extend(node.input.iter().chain(&node.output).chain([&node.name]).cloned());
            subgraphs(node).for_each(|inner| self.add(inner));
        }
    }

    /// A name that nothing has yet: `base`, or `base` with a number.
    pub fn fresh(&mut self, base: &str) -> String {
        let numbered = (1..).map(|number| format!("{base}_{number}"));
        let name = std::iter::once(base.to_owned()).chain(numbered).find(|name| !self.taken.contains(name));
        // There is always a number that is free.
        let name = name.unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }
}

/// Puts the nodes in an order in which each comes after those that it reads from, moving as few as need be. Returns
/// false, and leaves the graph as it is, where there is no such order.
pub fn sort(graph: &mut GraphProto) -> bool {
    let order = {
        let links = Links::of(graph);
        let mut order = Vec::with_capacity(graph.node.len());
        // 0 not seen, 1 waiting for what it reads, 2 placed.
        let mut state = vec![0u8; graph.node.len()];
        let mut stack: Vec<usize> = (0..graph.node.len()).rev().collect();
        while let Some(&index) = stack.last() {
            let sources = || values_read(&graph.node[index]).into_iter().filter_map(|name| links.producer(name));
            match state[index] {
                0 => {
                    state[index] = 1;
                    let mut missing: Vec<usize> = sources().filter(|source| state[*source] != 2).collect();
                    if missing.iter().any(|source| state[*source] == 1) {
                        return false;
                    }
                    missing.reverse();
                    stack.extend(missing);
                }
                1 => {
                    state[index] = 2;
                    order.push(index);
                    stack.pop();
                }
                _ => drop(stack.pop()),
            }
        }
        order
    };
    let mut nodes: Vec<Option<NodeProto>> = std::mem::take(&mut graph.node).into_iter().map(Some).collect();
    graph.node = order.into_iter().filter_map(|index| nodes[index].take()).collect();
    true
}

impl NodeProto {
    /// A node of the default domain.
    pub fn new(op_type: &str, name: impl Into<String>, inputs: &[&str], outputs: &[&str]) -> Self {
        Self {
            op_type: op_type.to_owned(),
            name: name.into(),
            input: inputs.iter().map(|name| (*name).to_owned()).collect(),
            output: outputs.iter().map(|name| (*name).to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Whether it is an operator of ONNX itself with this name.
    pub fn is(&self, op_type: &str) -> bool {
        self.op_type == op_type && matches!(self.domain.as_str(), "" | "ai.onnx")
    }

    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.attribute.iter().find(|attribute| attribute.name == name)
    }

    /// An attribute that is one integer.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.attribute(name)?.i
    }

    /// Takes an attribute away.
    pub fn take_attribute(&mut self, name: &str) -> Option<AttributeProto> {
        let index = self.attribute.iter().position(|attribute| attribute.name == name)?;
        Some(self.attribute.remove(index))
    }

    /// Sets an attribute, in place of one of the same name.
    pub fn set_attribute(&mut self, attribute: AttributeProto) {
        drop(self.take_attribute(&attribute.name));
        self.attribute.push(attribute);
    }
}

impl AttributeProto {
    /// One integer.
    pub fn of_integer(name: &str, value: i64) -> Self {
        let r#type = super::proto::AttributeType::Int as i32;
        Self { name: name.to_owned(), i: Some(value), r#type, ..Self::default() }
    }

    /// A text.
    pub fn of_text(name: &str, value: &str) -> Self {
        let r#type = super::proto::AttributeType::String as i32;
        Self { name: name.to_owned(), s: Some(value.as_bytes().to_vec()), r#type, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::ValueInfoProto;

    fn graph(nodes: Vec<NodeProto>) -> GraphProto {
        let output = ValueInfoProto { name: "d".into(), ..Default::default() };
        GraphProto { node: nodes, output: vec![output], ..Default::default() }
    }

    fn order(graph: &GraphProto) -> Vec<&str> {
        graph.node.iter().map(|node| node.name.as_str()).collect()
    }

    #[test]
    fn links_know_makers_readers_and_what_subgraphs_take() {
        let inner = graph(vec![NodeProto::new("Add", "add", &["b", "local"], &["d"])]);
        let inner =
            GraphProto { initializer: vec![TensorProto { name: "local".into(), ..Default::default() }], ..inner };
        let mut branch = NodeProto::new("If", "if", &["c"], &["d"]);
        branch.attribute = vec![AttributeProto { g: Some(inner), ..Default::default() }];
        let graph = graph(vec![
            NodeProto::new("Relu", "relu", &["a"], &["b"]),
            NodeProto::new("Mul", "mul", &["b", "b"], &["c"]),
            branch,
        ]);
        let links = Links::of(&graph);
        assert_eq!((links.producer("c"), links.producer("a")), (Some(1), None));
        assert_eq!((links.readers("b"), links.readers("local"), links.readers("d")), (&[1, 2][..], &[][..], &[][..]));
        assert!(links.is_output("d") && !links.is_output("c"));
    }

    #[test]
    fn nodes_are_sorted_and_those_in_order_stay() {
        let relu = |name: &str, from: &str, to: &str| NodeProto::new("Relu", name, &[from], &[to]);
        let mut sorted = graph(vec![relu("1", "a", "b"), relu("2", "x", "y"), relu("3", "b", "d")]);
        assert!(sort(&mut sorted));
        assert_eq!(order(&sorted), ["1", "2", "3"]);
        let mut turned =
            graph(vec![relu("3", "c", "d"), relu("0", "x", "y"), relu("2", "b", "c"), relu("1", "a", "b")]);
        assert!(sort(&mut turned));
        assert_eq!(order(&turned), ["1", "2", "3", "0"]);
        let mut circle = graph(vec![relu("1", "b", "a"), relu("2", "a", "b")]);
        let before = circle.clone();
        assert!(!sort(&mut circle));
        assert_eq!(circle, before);
    }

    #[test]
    fn fresh_names_are_free_and_stay_taken() {
        let mut names = Names::of(&graph(vec![NodeProto::new("Relu", "n", &["a"], &["d"])]));
        assert_eq!([names.fresh("a"), names.fresh("a"), names.fresh("z")], ["a_1", "a_2", "z"]);
    }
}
