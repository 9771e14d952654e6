//! Scales that are found anew in every run: `DynamicQuantizeLinear`, `ConvInteger` and `MatMulInteger` (ONNX operator set 10
//! and 11), the sums scaled back to floats. Nothing has to be seen beforehand, and nothing stays in integers between layers.

use super::{Draft, Weights};
use crate::onnx::graph::Links;
use crate::onnx::proto::{AttributeProto, DataType, ModelProto, NodeProto, TensorProto};
use crate::quantize::insert::Channels;
use crate::quantize::layout::{Kind, Layout};
use std::collections::HashMap;

/// The model with those layers in integers that `integer` says. `weight_limit` is the largest code of a weight.
pub(in crate::quantize) fn dynamic(
    model: &ModelProto,
    layout: &Layout,
    integer: &[bool],
    weights: Weights,
    weight_limit: i8,
) -> ModelProto {
    let Some(graph) = &model.graph else { return model.clone() };
    let mut writer = Writer {
        links: Links::of(graph),
        draft: Draft::of(graph),
        quantized: HashMap::new(),
        weights,
        limit: f32::from(weight_limit),
    };
    for (index, node) in graph.node.iter().enumerate() {
        let kind = layout.nodes[index].kind;
        if !integer[index] || !kind.has_weights() || !writer.layer(node, kind) {
            writer.draft.nodes.push(node.clone());
        }
    }
    writer.draft.finish(model, graph)
}

struct Writer<'a> {
    links: Links<'a>,
    draft: Draft,
    /// Of values that were quantized already: codes, scale and code of 0.
    quantized: HashMap<String, [String; 3]>,
    weights: Weights,
    limit: f32,
}

impl Writer<'_> {
    /// Writes a convolution or a product in integers; false where its weights cannot be had.
    fn layer(&mut self, node: &NodeProto, kind: Kind) -> bool {
        let Some(tensor) = self.links.constant(&node.input[1]) else { return false };
        let Some(values) = tensor.floats() else { return false };
        let shape = tensor.shape();
        let transposed = kind == Kind::Product && node.integer("transB").unwrap_or(0) != 0;
        // Matrices are written as they are multiplied: a column a channel.
        let (values, shape) = if transposed { turned(&values, &shape) } else { (values, shape) };
        let axis = usize::from(kind == Kind::Product);
        let channels = Channels::of(&shape, axis);
        let scales = channels.scales(&values, self.limit);
        let (data_type, zero) = self.weights.written();
        let codes = channels.codes(&values, &scales, self.limit).into_iter().map(|code| code ^ zero).collect();
        let base = tensor.name.clone();
        let codes = self.draft.keep(&format!("{base}_quantized"), TensorProto::of_bytes("", &shape, data_type, codes));
        let zero = TensorProto::of_bytes("", &[], data_type, vec![zero]);
        let zero = self.draft.keep(&format!("{base}_zero_point"), zero);
        // A convolution's channels are its second axis.
        let across = |count: usize| match kind {
            Kind::Convolution => [1, count].into_iter().chain(vec![1; shape.len() - 2]).collect(),
            _ => vec![count],
        };
        let scale = TensorProto::of_floats("", &across(scales.len()), &scales);
        let scale = self.draft.keep(&format!("{base}_scale"), scale);
        let [data, data_scale, data_zero] = self.quantized(&node.input[0]);
        let output = &node.output[0];
        let operator = if kind == Kind::Convolution { "ConvInteger" } else { "MatMulInteger" };
        let sums = self.draft.add(operator, &[&data, &codes, &data_zero, &zero], &format!("{output}_sums"));
        if let (Kind::Convolution, Some(last)) = (kind, self.draft.nodes.last_mut()) {
            last.attribute.clone_from(&node.attribute);
        }
        let floats = self.draft.add("Cast", &[&sums], &format!("{output}_floats"));
        if let Some(last) = self.draft.nodes.last_mut() {
            last.set_attribute(AttributeProto::of_integer("to", DataType::Float as i64));
        }
        let step = self.draft.add("Mul", &[&data_scale, &scale], &format!("{output}_scale"));
        let bias = node.input.get(2).and_then(|bias| self.links.constant(bias)).and_then(TensorProto::floats);
        let Some(bias) = bias else {
            let name = self.draft.names.fresh(&format!("{output}_Mul"));
            self.draft.nodes.push(NodeProto::new("Mul", name, &[&floats, &step], &[output]));
            return true;
        };
        let scaled = self.draft.add("Mul", &[&floats, &step], &format!("{output}_scaled"));
        let bias = TensorProto::of_floats("", &across(bias.len()), &bias);
        let bias = self.draft.keep(&format!("{}_across", node.input[2]), bias);
        let name = self.draft.names.fresh(&format!("{output}_Add"));
        self.draft.nodes.push(NodeProto::new("Add", name, &[&scaled, &bias], &[output]));
        true
    }

    /// Codes, scale and code of 0 of a value, found once however many read it.
    fn quantized(&mut self, value: &str) -> [String; 3] {
        if let Some(known) = self.quantized.get(value) {
            return known.clone();
        }
        let names = ["quantized", "scale", "zero_point"].map(|what| self.draft.names.fresh(&format!("{value}_{what}")));
        let outputs = names.each_ref().map(String::as_str);
        let name = self.draft.names.fresh(&format!("{value}_DynamicQuantizeLinear"));
        self.draft.nodes.push(NodeProto::new("DynamicQuantizeLinear", name, &[value], &outputs));
        self.quantized.insert(value.to_owned(), names.clone());
        names
    }
}

/// A matrix with rows and columns exchanged.
pub(super) fn turned(values: &[f32], shape: &[usize]) -> (Vec<f32>, Vec<usize>) {
    let (rows, columns) = (shape[0], shape[1]);
    let at = |place: usize| values[place % rows * columns + place / rows];
    ((0..rows * columns).map(at).collect(), vec![columns, rows])
}

#[cfg(test)]
mod tests {
    use super::super::test_model::{model, operators};
    use super::*;

    #[test]
    fn layers_become_integers_and_what_is_read_twice_is_quantized_once() {
        let mut model = model();
        // The product of two layers that read the same.
        let graph = model.graph.as_mut().unwrap();
        graph.node.insert(3, NodeProto::new("Conv", "three", &["r", "v"], &["u"]));
        let graph = model.graph.as_ref().unwrap();
        let layout = Layout::of(graph);
        let integer: Vec<bool> = layout.nodes.iter().map(|facts| facts.kind.has_weights()).collect();
        let written = dynamic(&model, &layout, &integer, Weights::U8, 127);
        let made = written.graph.as_ref().unwrap();
        let count = |wanted: &str| operators(made).iter().filter(|name| **name == wanted).count();
        assert_eq!((count("ConvInteger"), count("MatMulInteger"), count("DynamicQuantizeLinear")), (3, 1, 3));
        assert_eq!((count("Conv"), count("Gemm"), count("Exp")), (0, 0, 1));
        let constant = |name: &str| made.initializer.iter().find(|tensor| tensor.name == name).unwrap();
        assert_eq!(constant("w_zero_point").raw_data.as_deref(), Some(&[128][..]));
        // Channels of 1 and of 0.1 both use all codes: 128 ± 127.
        assert_eq!(constant("w_quantized").raw_data.as_deref(), Some(&[255, 1][..]));
        assert_eq!(constant("m_quantized").dims, [32, 2], "a matrix lies as it is multiplied");
        assert!(!made.initializer.iter().any(|tensor| ["w", "v", "m"].contains(&tensor.name.as_str())));
        let mut sorted = made.clone();
        assert!(crate::onnx::graph::sort(&mut sorted) && sorted == *made, "nodes stand in order");
        assert_eq!(turned(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]), (vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0], vec![3, 2]));
    }
}
