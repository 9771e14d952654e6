//! Writing the quantization into the graph: `QuantizeLinear` and `DequantizeLinear` around what is to work in integers, in
//! the form that ONNX Runtime fuses: scales and zero points without axes (with one, `Mul` and `Add` stay unfused), a scale a
//! channel for weights, biases as 32-bit integers of the product of both scales.

use super::forms::{MICROSOFT, Numbers, Writing, declare_microsoft};
use super::layout::{Kind, Layout, factor_of};
use super::range::Affine;
use super::rounding::{Learned, Rounded};
use crate::onnx::graph::{Links, Names};
use crate::onnx::proto::{AttributeProto, DataType, GraphProto, ModelProto, NodeProto, TensorProto};
use std::collections::{HashMap, HashSet};

/// Codes of every value that may need them.
pub(super) type Codes = HashMap<String, Affine>;

/// Biases are kept this far from the ends of 32 bits, as products are added to them.
const BIAS_MAX: f32 = (1u32 << 30) as f32;
/// Of a channel whose weights are all 0.
const SCALE_MIN: f32 = 1e-12;

/// The model with those nodes in integers that [`Writing::integer`] says; [`Writing::codes`] must hold every value that
/// [`Layout::observed`] names. With `weights_only` the weights of the others are stored as integers, too, and computed with
/// in floats.
pub(super) fn insert(writing: &Writing<'_>, weights_only: bool) -> ModelProto {
    let Writing { model, layout, integer, codes, weight_limit, numbers, learned } = *writing;
    let mut result = ModelProto { graph: None, ..model.clone() };
    let Some(graph) = &model.graph else { return model.clone() };
    let mut writer = Writer {
        graph,
        layout,
        integer,
        codes,
        links: Links::of(graph),
        names: Names::of(graph),
        nodes: Vec::new(),
        constants: Vec::new(),
        converted: HashMap::new(),
        quantized: HashMap::new(),
        weight_limit: f32::from(weight_limit),
        learned,
        numbers,
        weights_only,
    };
    (0..graph.node.len()).for_each(|index| writer.write(index));
    let (nodes, constants) = (writer.nodes, writer.constants);
    let mut edited = GraphProto { node: nodes, ..graph.clone() };
    edited.initializer.extend(constants);
    remove_unread(&mut edited);
    result.graph = Some(edited);
    if numbers.activations.is_wide() && integer.contains(&true) {
        declare_microsoft(&mut result);
    }
    result
}

/// Takes out weights that nothing reads any more.
pub(super) fn remove_unread(graph: &mut GraphProto) {
    let unread: HashSet<String> = {
        let links = Links::of(graph);
        let names = graph.initializer.iter().map(|tensor| &tensor.name);
        names.filter(|name| links.readers(name).is_empty() && !links.is_output(name)).cloned().collect()
    };
    graph.initializer.retain(|tensor| !unread.contains(&tensor.name));
}

/// The codes of a value. What moves values keeps their codes, so that ONNX Runtime can leave the conversions out.
pub(super) fn codes_of(
    graph: &GraphProto,
    layout: &Layout,
    links: &Links<'_>,
    integer: &[bool],
    codes: &Codes,
    value: &str,
) -> Option<Affine> {
    let (mut value, mut factor) = (value, 1.0);
    while let Some(source) = links.producer(value).filter(|source| integer[*source]) {
        let node = &graph.node[source];
        match (layout.nodes[source].kind, factor_of(node, links)) {
            (Kind::Move, _) => value = &node.input[0],
            (Kind::Rescale, Some((by, place))) => (value, factor) = (&node.input[place], factor * by),
            _ => break,
        }
    }
    codes.get(value).map(|affine| Affine { scale: affine.scale * factor, ..*affine })
}

/// The axis of a layer's weights along which its output channels lie.
pub(super) fn weight_axis(node: &NodeProto, kind: Kind) -> usize {
    usize::from(kind == Kind::Product && node.integer("transB").unwrap_or(0) == 0)
}

struct Writer<'a> {
    graph: &'a GraphProto,
    layout: &'a Layout,
    integer: &'a [bool],
    codes: &'a Codes,
    links: Links<'a>,
    names: Names,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    /// Values of floats, and the name under which they come back from integers.
    converted: HashMap<String, String>,
    /// Values of floats, and the integers that they come from.
    quantized: HashMap<String, (String, Affine)>,
    weight_limit: f32,
    learned: &'a Learned,
    numbers: Numbers,
    weights_only: bool,
}

impl Writer<'_> {
    fn write(&mut self, index: usize) {
        let mut node = self.graph.node[index].clone();
        let (facts, integer) = (&self.layout.nodes[index], self.integer[index]);
        if !integer {
            if self.weights_only && facts.kind.has_weights() {
                self.quantize_weights(&mut node, index);
            }
            self.nodes.push(node);
            return;
        }
        if facts.kind == Kind::Rescale {
            return self.rescale(&node);
        }
        let is_inner = facts.is_part && self.producer_is_integer(&node.input[0]);
        if !is_inner && facts.kind != Kind::Function {
            for place in 0..node.input.len() {
                node.input[place] = self.as_read(&node.input[place]);
            }
            match facts.kind {
                Kind::Convolution | Kind::Product => self.quantize_weights(&mut node, index),
                Kind::Pair => self.quantize_operand(&mut node),
                _ => {}
            }
        }
        let is_open = facts.clamped_by.is_none_or(|clamp| !self.integer[clamp]);
        let made: Vec<String> = node.output.clone();
        if is_open {
            for output in node.output.iter_mut().filter(|output| self.layout.is_float(output)) {
                *output = self.names.fresh(&format!("{output}_float"));
            }
        }
        let raw = node.output.clone();
        self.nodes.push(node);
        for (value, raw) in made.iter().zip(raw).filter(|(value, raw)| *value != raw) {
            let affine = self.codes_of(value);
            self.convert(value, &raw, affine, value.clone());
        }
    }

    /// The same integers, read with another scale.
    fn rescale(&mut self, node: &NodeProto) {
        let Some((factor, place)) = factor_of(node, &self.links) else { return };
        let value = &node.input[place];
        self.as_read(value);
        let Some((quantized, affine)) = self.quantized.get(value).cloned() else { return };
        let affine = Affine { scale: affine.scale * factor, ..affine };
        self.dequantize(&quantized, affine, node.output[0].clone());
    }

    fn producer_is_integer(&self, value: &str) -> bool {
        self.links.producer(value).is_some_and(|source| self.integer[source])
    }

    /// The name under which a node in integers reads a value: that of an integer node already comes from integers.
    fn as_read(&mut self, value: &str) -> String {
        if !self.layout.is_float(value) || self.producer_is_integer(value) {
            return value.to_owned();
        }
        if let Some(name) = self.converted.get(value) {
            return name.clone();
        }
        let name = self.names.fresh(&format!("{value}_dequantized"));
        self.convert(value, value, self.codes_of(value), name.clone());
        self.converted.insert(value.to_owned(), name.clone());
        name
    }

    fn codes_of(&self, value: &str) -> Affine {
        let found = codes_of(self.graph, self.layout, &self.links, self.integer, self.codes, value);
        found.unwrap_or(Affine { scale: 1.0, zero: 0 })
    }

    /// `raw` → integers → `result`; constants are named after `value`.
    fn convert(&mut self, value: &str, raw: &str, affine: Affine, result: String) {
        let quantized = self.names.fresh(&format!("{value}_quantized"));
        let (scale, zero) = self.constants_of(value, affine);
        let name = self.names.fresh(&format!("{value}_QuantizeLinear"));
        let node = NodeProto::new("QuantizeLinear", name, &[raw, &scale, &zero], &[&quantized]);
        self.nodes.push(NodeProto { domain: self.domain(), ..node });
        let name = self.names.fresh(&format!("{value}_DequantizeLinear"));
        let node = NodeProto::new("DequantizeLinear", name, &[&quantized, &scale, &zero], &[&result]);
        self.nodes.push(NodeProto { domain: self.domain(), ..node });
        self.quantized.insert(value.to_owned(), (quantized, affine));
    }

    fn dequantize(&mut self, quantized: &str, affine: Affine, result: String) {
        let (scale, zero) = self.constants_of(&result, affine);
        let name = self.names.fresh(&format!("{result}_DequantizeLinear"));
        let node = NodeProto::new("DequantizeLinear", name, &[quantized, &scale, &zero], &[&result]);
        self.nodes.push(NodeProto { domain: self.domain(), ..node });
        self.quantized.insert(result, (quantized.to_owned(), affine));
    }

    /// Operator set 13 converts to and from 8 bits; ONNX Runtime's own operators take 16 as well.
    fn domain(&self) -> String {
        if self.numbers.activations.is_wide() { MICROSOFT } else { "" }.to_owned()
    }

    /// Names of a scale and a zero point.
    fn constants_of(&mut self, value: &str, affine: Affine) -> (String, String) {
        let [scale, zero] = ["scale", "zero_point"].map(|what| self.names.fresh(&format!("{value}_{what}")));
        let (step, data_type, code) = self.numbers.activations.written(affine);
        self.constants.push(TensorProto::of_floats(&scale, &[], &[step]));
        self.constants.push(TensorProto::of_bytes(&zero, &[], data_type, code));
        (scale, zero)
    }

    /// A constant summand or factor, with codes of its own.
    fn quantize_operand(&mut self, node: &mut NodeProto) {
        for place in 0..node.input.len() {
            let Some(values) = self.links.constant(&node.input[place]).and_then(TensorProto::floats) else { continue };
            let low = values.iter().copied().fold(f32::INFINITY, f32::min);
            let affine = Affine::over(low.min(0.0), values.iter().copied().fold(0.0, f32::max));
            let value = node.input[place].clone();
            let name = self.names.fresh(&format!("{value}_dequantized"));
            self.convert(&value, &value, affine, name.clone());
            node.input[place] = name;
        }
    }

    /// Weights, and where the node works in integers its bias, whose scale is the product of those of data and weights.
    fn quantize_weights(&mut self, node: &mut NodeProto, index: usize) {
        let original = &self.graph.node[index];
        let Some(tensor) = self.links.constant(&original.input[1]) else { return };
        let Some(values) = tensor.floats() else { return };
        let axis = weight_axis(original, self.layout.nodes[index].kind);
        let data_scale = self.codes_of(&original.input[0]).scale;
        let bias = original.input.get(2).and_then(|name| self.links.constant(name)).and_then(TensorProto::floats);
        // With data of 16 bits the node computes in floats, and 32 bits may be too few for the product of both scales.
        let bias = bias.filter(|_| self.integer[index] && !self.numbers.activations.is_wide());
        let shape = tensor.shape();
        let channels = Channels::of(&shape, axis);
        let learned = self.learned.get(&index).filter(|learned| learned.codes.len() == values.len());
        let mut scales =
            learned.map_or_else(|| channels.scales(&values, self.weight_limit), |learned| learned.scales.clone());
        for (scale, bias) in scales.iter_mut().zip(bias.iter().flatten()) {
            *scale = scale.max(bias.abs() / (data_scale * BIAS_MAX));
        }
        let (data_type, zero) = self.numbers.weights.written();
        let mut codes = channels.codes(&values, &scales, self.weight_limit);
        if let Some(learned) = learned {
            channels.take_over(learned, &scales, &mut codes);
        }
        let codes = codes.into_iter().map(|code| code ^ zero).collect();
        let codes = TensorProto::of_bytes("", &shape, data_type, codes);
        node.input[1] = self.constant_in_integers(&tensor.name, codes, &scales, axis);
        if let Some(bias) = bias {
            let scales: Vec<f32> = scales.iter().map(|scale| scale * data_scale).collect();
            // The scales were chosen so that it fits.
            let codes = bias.iter().zip(&scales).map(|(bias, scale)| (bias / scale).round_ties_even() as i32);
            let bytes = codes.flat_map(i32::to_le_bytes).collect();
            let codes = TensorProto::of_bytes("", &[bias.len()], DataType::Int32, bytes);
            node.input[2] = self.constant_in_integers(&original.input[2], codes, &scales, 0);
        }
    }

    /// Adds integers with a scale a channel and a node that gives them back as floats; returns the name of those.
    fn constant_in_integers(&mut self, base: &str, codes: TensorProto, scales: &[f32], axis: usize) -> String {
        let [quantized, scale, zero, result] =
            ["quantized", "scale", "zero_point", "dequantized"].map(|what| self.names.fresh(&format!("{base}_{what}")));
        let (data_type, zeros) = match self.numbers.weights.written() {
            _ if codes.data_type == DataType::Int32 as i32 => (DataType::Int32, vec![0; scales.len() * 4]),
            (data_type, zero) => (data_type, vec![zero; scales.len()]),
        };
        self.constants.push(TensorProto { name: quantized.clone(), ..codes });
        self.constants.push(TensorProto::of_floats(&scale, &[scales.len()], scales));
        self.constants.push(TensorProto::of_bytes(&zero, &[scales.len()], data_type, zeros));
        let name = self.names.fresh(&format!("{base}_DequantizeLinear"));
        let mut node = NodeProto::new("DequantizeLinear", name, &[&quantized, &scale, &zero], &[&result]);
        node.set_attribute(AttributeProto::of_integer("axis", axis as i64));
        self.nodes.push(node);
        result
    }
}

/// How the values of a tensor belong to the channels of one of its axes.
pub(super) struct Channels {
    count: usize,
    inner: usize,
}

impl Channels {
    pub fn of(shape: &[usize], axis: usize) -> Self {
        let inner: usize = shape.iter().skip(axis + 1).product();
        Self { count: shape.get(axis).copied().unwrap_or(1).max(1), inner: inner.max(1) }
    }

    fn of_value(&self, place: usize) -> usize {
        place / self.inner % self.count
    }

    /// The steps at which the largest weight of each channel has the largest code.
    pub fn scales(&self, values: &[f32], limit: f32) -> Vec<f32> {
        let mut scales = vec![SCALE_MIN; self.count];
        for (place, value) in values.iter().enumerate() {
            let scale = &mut scales[self.of_value(place)];
            *scale = scale.max(value.abs() / limit);
        }
        scales
    }

    /// The values that codes of these come to.
    pub fn rounded(&self, values: &[f32], limit: f32) -> Vec<f32> {
        let scales = self.scales(values, limit);
        let on_grid = |(place, value): (usize, &f32)| {
            let scale = scales[self.of_value(place)];
            (value / scale).round_ties_even() * scale
        };
        values.iter().enumerate().map(on_grid).collect()
    }

    /// The values that codes come to.
    pub fn values(&self, Rounded { scales, codes }: &Rounded) -> Vec<f32> {
        codes.iter().enumerate().map(|(place, code)| f32::from(*code) * scales[self.of_value(place)]).collect()
    }

    /// Puts in the codes that were learnt, of those channels that have the scale that they were learnt for.
    fn take_over(&self, learned: &Rounded, scales: &[f32], codes: &mut [u8]) {
        for (place, code) in codes.iter_mut().enumerate() {
            let channel = self.of_value(place);
            if learned.scales[channel] == scales[channel] {
                *code = learned.codes[place].cast_unsigned();
            }
        }
    }

    /// Codes of signed bytes.
    pub fn codes(&self, values: &[f32], scales: &[f32], limit: f32) -> Vec<u8> {
        let code = |(place, value): (usize, &f32)| {
            let code = (value / scales[self.of_value(place)]).round_ties_even();
            (code.clamp(-limit, limit) as i8).cast_unsigned()
        };
        values.iter().enumerate().map(code).collect()
    }
}

#[cfg(test)]
#[path = "insert_tests.rs"]
mod tests;
