//! Weights and computing in 16-bit floats (IEEE 754 binary16) before the tail, with casts where they begin and end. The tail
//! stays in 32 bits: box coordinates above 512 would be whole halves of a pixel.

use super::Draft;
use crate::onnx::graph::Links;
use crate::onnx::proto::{AttributeProto, DataType, GraphProto, ModelProto, NodeProto, TensorProto};
use crate::quantize::layout::Layout;
use half::f16;
use std::collections::{HashMap, HashSet};

/// Operators that take 16-bit floats in operator set 13, all float inputs and outputs alike.
const TAKE_HALVES: [&str; 53] = [
    "Abs",
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Ceil",
    "Clip",
    "Concat",
    "Conv",
    "ConvTranspose",
    "DepthToSpace",
    "Div",
    "Elu",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Floor",
    "Gather",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "LeakyRelu",
    "LayerNormalization",
    "Log",
    "MatMul",
    "Max",
    "MaxPool",
    "Min",
    "Mul",
    "Neg",
    "PRelu",
    "Pad",
    "Pow",
    "ReduceMean",
    "Relu",
    "Reshape",
    "Resize",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Softplus",
    "SpaceToDepth",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tanh",
    "Transpose",
    "Unsqueeze",
];

/// The model with everything before the tail in 16-bit floats that can be, and how many convolutions and products that are.
pub(in crate::quantize) fn half(model: &ModelProto, layout: &Layout) -> (ModelProto, usize) {
    let Some(graph) = &model.graph else { return (model.clone(), 0) };
    let mut writer = Writer {
        layout,
        links: Links::of(graph),
        draft: Draft::of(graph),
        in_halves: HashMap::new(),
        weights: HashMap::new(),
        half_nodes: HashSet::new(),
    };
    for (index, node) in graph.node.iter().enumerate() {
        if layout.nodes[index].in_trunk && writer.takes_halves(node) {
            writer.half_nodes.insert(index);
        }
    }
    let layers = writer.half_nodes.iter().filter(|index| layout.nodes[**index].kind.has_weights()).count();
    for (index, node) in graph.node.iter().enumerate() {
        writer.write(graph, index, node);
    }
    (writer.draft.finish(model, graph), layers)
}

struct Writer<'a> {
    layout: &'a Layout,
    links: Links<'a>,
    draft: Draft,
    /// Values of 32 bits, and the name of the same in 16 bits.
    in_halves: HashMap<String, String>,
    weights: HashMap<String, String>,
    half_nodes: HashSet<usize>,
}

impl Writer<'_> {
    fn takes_halves(&self, node: &NodeProto) -> bool {
        let known = matches!(node.domain.as_str(), "" | "ai.onnx") && TAKE_HALVES.contains(&node.op_type.as_str());
        let data = node.input.iter().any(|value| self.layout.is_float(value));
        // One that is beyond the range would become infinite.
        let fits = |values: Vec<f32>| values.iter().all(|value| value.abs() <= f32::from(f16::MAX));
        let constants = node.input.iter().filter_map(|value| self.links.constant(value)?.floats());
        known && data && constants.into_iter().all(fits) && node.output.iter().all(|value| self.layout.is_float(value))
    }

    fn write(&mut self, graph: &GraphProto, index: usize, node: &NodeProto) {
        if !self.half_nodes.contains(&index) {
            self.draft.nodes.push(node.clone());
            return;
        }
        let mut made = node.clone();
        // Scales of Resize are 32-bit floats whatever it resizes.
        let taken = if node.is("Resize") { 1 } else { made.input.len() };
        for value in made.input.iter_mut().take(taken).filter(|value| !value.is_empty()) {
            if self.links.constant(value).is_some_and(|tensor| tensor.data_type == DataType::Float as i32) {
                *value = self.weights_in_halves(value);
            } else if self.layout.is_float(value) {
                *value = self.value_in_halves(value);
            }
        }
        for output in &mut made.output {
            let name = self.draft.names.fresh(&format!("{output}_half"));
            self.in_halves.insert(output.clone(), name.clone());
            *output = name;
        }
        self.draft.nodes.push(made);
        for output in &node.output {
            let readers = self.links.readers(output).iter();
            let wanted = readers.into_iter().any(|reader| !self.half_nodes.contains(reader));
            if wanted || self.links.is_output(output) || is_read_inside(graph, output) {
                let half = self.in_halves[output].clone();
                self.cast(&half, output, DataType::Float);
            }
        }
    }

    fn cast(&mut self, from: &str, to: &str, kind: DataType) {
        let name = self.draft.names.fresh(&format!("{to}_Cast"));
        let mut node = NodeProto::new("Cast", name, &[from], &[to]);
        node.set_attribute(AttributeProto::of_integer("to", kind as i64));
        self.draft.nodes.push(node);
    }

    fn value_in_halves(&mut self, value: &str) -> String {
        if let Some(known) = self.in_halves.get(value) {
            return known.clone();
        }
        let name = self.draft.names.fresh(&format!("{value}_half"));
        self.cast(value, &name, DataType::Float16);
        self.in_halves.insert(value.to_owned(), name.clone());
        name
    }

    fn weights_in_halves(&mut self, name: &str) -> String {
        if let Some(known) = self.weights.get(name) {
            return known.clone();
        }
        let Some(tensor) = self.links.constant(name) else { return name.to_owned() };
        let values = tensor.floats().unwrap_or_default();
        let bytes = values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
        let halves = TensorProto::of_bytes("", &tensor.shape(), DataType::Float16, bytes);
        let made = self.draft.keep(&format!("{name}_half"), halves);
        self.weights.insert(name.to_owned(), made.clone());
        made
    }
}

/// Whether a graph inside a node reads a value, as the branches of an `If` do.
fn is_read_inside(graph: &GraphProto, value: &str) -> bool {
    use crate::onnx::graph::subgraphs;
    let mut inner = graph.node.iter().flat_map(subgraphs);
    inner.any(|graph| graph.node.iter().any(|node| node.input.iter().any(|name| name == value)))
}

#[cfg(test)]
mod tests {
    use super::super::test_model::{model, operators};
    use super::*;

    #[test]
    fn casts_stand_where_halves_begin_and_end_and_what_does_not_fit_stays() {
        let model = model();
        let layout = Layout::of(model.graph.as_ref().unwrap());
        let (written, layers) = half(&model, &layout);
        let graph = written.graph.as_ref().unwrap();
        // The second convolution has a weight of 70000.
        assert_eq!(layers, 2);
        let expected = ["Cast", "Conv", "Relu", "Cast", "Conv", "Cast", "Add", "Reshape", "Gemm", "Cast", "Exp"];
        assert_eq!(operators(graph), expected);
        let links = Links::of(graph);
        let kind = |name: &str| links.constant(name).map(|tensor| tensor.data_type);
        assert_eq!(kind(&graph.node[1].input[1]), Some(DataType::Float16 as i32));
        assert_eq!(kind(&graph.node[4].input[1]), Some(DataType::Float as i32));
        assert_eq!(kind(&graph.node[7].input[1]), Some(DataType::Int64 as i32), "a shape stays a shape");
        assert_eq!(graph.node[9].output, ["g"], "the tail reads what it read");
    }
}
