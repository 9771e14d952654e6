//! The two graphs that folding needs: one that computes the tables, and the model with look-ups in place of chains.

use super::chains::{Byte, Chain, Channels};
use crate::inference::bytes::{ENTRIES, Table};
use crate::onnx::proto::{
    AttributeProto, AttributeType, DataType, DimensionValue, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    ShapeDimension, TensorProto, TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
};
use std::collections::{HashMap, HashSet};

/// Domain of our operators.
pub const DOMAIN: &str = "quantscope";

/// The attribute of a look-up that has a table for each channel: how many axes follow that of the channels.
pub const BEHIND: &str = "behind";

/// The attribute of a look-up that tells how many nodes it stands for.
pub const PASSES: &str = "passes";

/// Name of the operator `y[i] = table[x[i]]`: its inputs are a tensor of bytes and a constant table of 256, in which the
/// byte without sign tells the place, or one for each channel. One name a type, since ONNX Runtime does not infer the types of operators that
/// share one.
pub const fn look_up_name(from: Byte, to: Byte) -> &'static str {
    match (from, to) {
        (Byte::Unsigned, Byte::Unsigned) => "LookUpU8U8",
        (Byte::Unsigned, Byte::Signed) => "LookUpU8S8",
        (Byte::Signed, Byte::Unsigned) => "LookUpS8U8",
        (Byte::Signed, Byte::Signed) => "LookUpS8S8",
    }
}

/// An input of a model that computes tables: a list of 256 bytes, or a list for each channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInput {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Byte,
    /// The channels, if functions of it differ from channel to channel.
    pub channels: Option<Channels>,
}

impl TableInput {
    /// Its sides: all bytes along the first axis, and the channels where they lie among four.
    pub fn shape(&self) -> Vec<usize> {
        let Some(Channels { behind, count }) = self.channels else { return vec![ENTRIES] };
        let mut shape = vec![ENTRIES, 1, 1, 1];
        if let Some(side) = shape.iter_mut().rev().nth(behind) {
            *side = count;
        }
        shape
    }
}

/// An output of a model that computes tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableOutput<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it holds.
    pub kind: Byte,
    /// How many tables it holds, byte 0 of all of them first.
    pub held: usize,
    /// How many of them differ: all, or the first one is all there is.
    pub tables: usize,
}

impl<'a> TableOutput<'a> {
    /// That of a chain.
    pub fn of(chain: &'a Chain, inputs: &[TableInput]) -> Self {
        let count = |channels: Option<Channels>| channels.map_or(1, |channels| channels.count);
        let input = inputs.iter().find(|input| input.name == chain.input);
        let held = count(input.and_then(|input| input.channels));
        Self { name: &chain.output, kind: chain.output_type, held, tables: count(chain.channels) }
    }

    /// The tables in the output's bytes; None where these are not as many as they should be.
    pub fn tables(&self, bytes: &[u8]) -> Option<Vec<Table>> {
        if bytes.len() != self.held * ENTRIES {
            return None;
        }
        let table = |channel: usize| std::array::from_fn(|byte| bytes[byte * self.held + channel]);
        Some((0..self.tables).map(table).collect())
    }
}

/// A model that computes the tables of `chains`: every chain's input is an input of all bytes, every chain's output an
/// output, and between are the nodes of the model itself.
pub fn table_model(model: &ModelProto, chains: &[Chain]) -> (ModelProto, Vec<TableInput>) {
    let empty = GraphProto::default();
    let graph = model.graph.as_ref().unwrap_or(&empty);
    let mut wanted: Vec<usize> = chains.iter().flat_map(|chain| chain.nodes.iter().copied()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let nodes: Vec<NodeProto> = wanted.iter().filter_map(|index| graph.node.get(*index)).cloned().collect();
    let used: HashSet<&str> = nodes.iter().flat_map(|node| node.input.iter().map(String::as_str)).collect();
    let constants = graph.initializer.iter().filter(|tensor| used.contains(tensor.name.as_str())).cloned().collect();
    let outputs: HashSet<&str> = chains.iter().map(|chain| chain.output.as_str()).collect();
    let mut seen = HashSet::new();
    let inputs: Vec<TableInput> = chains
        .iter()
        // A chain that goes on from another one's output shares its origin, so no input is an output.
        .filter(|chain| !outputs.contains(chain.input.as_str()) && seen.insert(chain.input.as_str()))
        .map(|chain| {
            let of_same = chains.iter().filter(|other| other.input == chain.input);
            let channels = of_same.filter_map(|other| other.channels).next();
            TableInput { name: chain.input.clone(), kind: chain.input_type, channels }
        })
        .collect();
    let table_graph = GraphProto {
        name: "tables".to_owned(),
        input: inputs.iter().map(|input| value(&input.name, input.kind, Some(&input.shape()))).collect(),
        output: chains.iter().map(|chain| value(&chain.output, chain.output_type, None)).collect(),
        initializer: constants,
        node: nodes,
        ..GraphProto::default()
    };
    let model = ModelProto {
        ir_version: model.ir_version,
        opset_import: model.opset_import.clone(),
        functions: model.functions.clone(),
        graph: Some(table_graph),
        ..ModelProto::default()
    };
    (model, inputs)
}

/// Puts a look-up in the place of every chain and takes out what nobody needs any more.
pub fn fold(model: &mut ModelProto, chains: &[Chain], tables: &[Vec<Table>]) {
    let Some(graph) = &mut model.graph else { return };
    let mut by_output: HashMap<&str, (&Chain, &Vec<Table>)> =
        chains.iter().zip(tables).map(|(chain, table)| (chain.output.as_str(), (chain, table))).collect();
    for node in &mut graph.node {
        let [output] = node.output.as_slice() else { continue };
        let Some((chain, tables)) = by_output.remove(output.as_str()) else { continue };
        let table_name = format!("{output}/{DOMAIN}/table");
        let sides = [tables.len(), ENTRIES];
        let sides = if chain.channels.is_some() { &sides[..] } else { &sides[1..] };
        let entries = tables.concat();
        graph.initializer.push(TensorProto::of_bytes(&table_name, sides, chain.output_type.data_type(), entries));
        let attribute = |name: &str, number: usize| AttributeProto {
            name: name.to_owned(),
            i: Some(number as i64),
            r#type: AttributeType::Int as i32,
            ..AttributeProto::default()
        };
        let behind = chain.channels.map(|channels| attribute(BEHIND, channels.behind));
        *node = NodeProto {
            name: format!("{output}/{DOMAIN}"),
            op_type: look_up_name(chain.input_type, chain.output_type).to_owned(),
            domain: DOMAIN.to_owned(),
            input: vec![chain.input.clone(), table_name],
            output: vec![output.clone()],
            attribute: behind.into_iter().chain([attribute(PASSES, chain.nodes.len())]).collect(),
            ..NodeProto::default()
        };
    }
    take_out_unused(graph);
    if !model.opset_import.iter().any(|set| set.domain == DOMAIN) {
        model.opset_import.push(OperatorSetIdProto {
            domain: DOMAIN.to_owned(),
            version: Some(1),
            ..Default::default()
        });
    }
}

fn take_out_unused(graph: &mut GraphProto) {
    let mut live: HashSet<String> = graph.output.iter().map(|output| output.name.clone()).collect();
    let mut kept = vec![false; graph.node.len()];
    for (node, kept) in graph.node.iter().zip(&mut kept).rev() {
        *kept = node.output.iter().any(|name| live.contains(name)) || node.output.is_empty();
        if *kept {
            live.extend(node.input.iter().cloned());
            collect_inner(node, &mut live);
        }
    }
    let mut keep = kept.into_iter();
    graph.node.retain(|_| keep.next().unwrap_or(true));
    graph.initializer.retain(|tensor| live.contains(&tensor.name));
}

fn collect_inner(node: &NodeProto, names: &mut HashSet<String>) {
    for graph in node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs)) {
        names.extend(graph.output.iter().map(|output| output.name.clone()));
        for inner in &graph.node {
            names.extend(inner.input.iter().cloned());
            collect_inner(inner, names);
        }
    }
}

/// A tensor of floats of any shape.
pub(super) fn float_value(name: &str) -> ValueInfoProto {
    let tensor = TensorType { elem_type: DataType::Float as i32, shape: None, ..Default::default() };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto { value: Some(TypeValue::TensorType(tensor)), ..TypeProto::default() }),
        ..ValueInfoProto::default()
    }
}

/// A tensor of bytes; without a shape of any.
fn value(name: &str, kind: Byte, shape: Option<&[usize]>) -> ValueInfoProto {
    let side = |side: &usize| ShapeDimension {
        value: Some(DimensionValue::DimValue(*side as i64)),
        ..ShapeDimension::default()
    };
    let shape = shape.map(|sides| TensorShapeProto { dim: sides.iter().map(side).collect(), ..Default::default() });
    let tensor = TensorType { elem_type: kind.data_type() as i32, shape, ..Default::default() };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto { value: Some(TypeValue::TensorType(tensor)), ..TypeProto::default() }),
        ..ValueInfoProto::default()
    }
}
