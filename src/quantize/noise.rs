//! What each layer loses when it alone works in integers: a session in which beside every layer stands its rounded twin,
//! fed with the rounded values of what the layer in floats reads. Only sums a channel come out of it, so that one session
//! tells of all layers.

use super::QuantizeError;
use super::insert::{self, Channels};
use super::layout::Kind;
use super::maker::Maker;
use super::prepare::heavy;
use super::range::Affine;
use super::rounding::Learned;
use crate::inference::preprocess::ModelInput;
use crate::inference::session::{ModelSource, Session};
use crate::inference::{Optimization, SessionOptions};
use crate::onnx;
use crate::onnx::graph::{Links, Names};
use crate::onnx::proto::{
    AttributeProto, AttributeType, DataType, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};
use std::collections::HashMap;

/// From this operator set on `ReduceMean` takes its axes as an input.
const AXES_AS_INPUT: i64 = 18;
/// A channel that varies less than this share of the layer's mean variance does not count as one that is lost.
const STILL: f64 = 1e-6;

/// What was seen of one layer, sums over pictures; a value a channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Noise {
    pictures: f64,
    /// Of what the twin gives less what the layer gives, before anything else is rounded.
    shift: Vec<f64>,
    /// Of the square of the difference behind the clamp and the rounding of the result.
    error: Vec<f64>,
    /// Of what the layer gives, behind the clamp.
    mean: Vec<f64>,
    square: Vec<f64>,
}

impl Noise {
    /// The error's share in the variance, 0…1, mean over the channels.
    pub fn share(&self) -> f64 {
        let n = self.pictures.max(1.0);
        let variances: Vec<f64> =
            self.square.iter().zip(&self.mean).map(|(square, mean)| square / n - (mean / n).powi(2)).collect();
        let count = variances.len().max(1) as f64;
        let least = variances.iter().sum::<f64>() / count * STILL;
        let share = |(error, variance): (&f64, &f64)| match *variance {
            variance if variance > least => (error / n / variance).min(1.0),
            _ => 0.0,
        };
        self.error.iter().zip(&variances).map(share).sum::<f64>() / count
    }

    /// The mean error of each channel, before anything behind the layer.
    pub fn shift(&self) -> Vec<f32> {
        self.shift.iter().map(|sum| (sum / self.pictures.max(1.0)) as f32).collect()
    }

    fn add(&mut self, part: Part, values: &[f32]) {
        let sums = match part {
            Part::Shift => &mut self.shift,
            Part::Error => &mut self.error,
            Part::Mean => &mut self.mean,
            Part::Square => &mut self.square,
        };
        sums.resize(values.len(), 0.0);
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*value));
        if part == Part::Shift {
            self.pictures += 1.0;
        }
    }
}

/// What an output of the session tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Shift,
    Error,
    Mean,
    Square,
}

/// The session, and what was heard of it.
pub(super) struct Listener {
    session: Session,
    /// Names of outputs, and what they tell of which node.
    told: HashMap<String, (usize, Part)>,
    pub noise: HashMap<usize, Noise>,
}

impl Listener {
    /// A session for the model as it was prepared, with the codes that were chosen.
    pub fn new(maker: &Maker, threads: usize) -> Result<Self, QuantizeError> {
        let prepared = &maker.prepared;
        let (model, told) = with_twins(maker);
        let bytes = onnx::encoded(&model, &prepared.path)?;
        let options = SessionOptions { threads, optimization: Optimization::Basic, ..SessionOptions::default() };
        let source = ModelSource::Memory(&bytes, &prepared.path);
        let session = Session::load(source, prepared.opset(), &prepared.input, &options)?;
        Ok(Self { session, told, noise: HashMap::new() })
    }

    /// Runs one picture.
    pub fn add(&mut self, input: &ModelInput) -> Result<(), QuantizeError> {
        let (told, noise) = (&self.told, &mut self.noise);
        self.session.run(input, |outputs, _| {
            for output in outputs {
                if let Some((node, part)) = told.get(output.name) {
                    noise.entry(*node).or_default().add(*part, output.values);
                }
            }
        })?;
        Ok(())
    }
}

fn with_twins(maker: &Maker) -> (ModelProto, HashMap<String, (usize, Part)>) {
    let Maker { prepared, codes, shapes, weight_limit, .. } = maker;
    let mut model = prepared.model.clone();
    let Some(graph) = &prepared.model.graph else { return (model, HashMap::new()) };
    let axes_as_input = prepared.opset() >= AXES_AS_INPUT;
    let mut writer = Writer {
        graph,
        links: Links::of(graph),
        names: Names::of(graph),
        nodes: Vec::new(),
        constants: Vec::new(),
        rounded: HashMap::new(),
        learned: &maker.learned,
        told: HashMap::new(),
        axes_as_input,
    };
    let all = vec![true; graph.node.len()];
    for (index, node) in heavy(&prepared.model, &prepared.layout) {
        let facts = &prepared.layout.nodes[index];
        let clamp = facts.clamped_by.map(|clamp| &graph.node[clamp]);
        let result = &clamp.unwrap_or(node).output[0];
        let of = |value: &str| insert::codes_of(graph, &prepared.layout, &writer.links, &all, codes, value);
        let (read, made) = (of(&node.input[0]), codes.get(result).copied());
        let axis = insert::weight_axis(node, facts.kind);
        if let (Some(read), Some(made), Some(shape)) = (read, made, shapes.get(result)) {
            let axes = but_channels(facts.kind, shape.len());
            writer.add_twin(index, clamp, (read, made), (axis, *weight_limit), &axes);
        }
    }
    let (nodes, constants, told) = (writer.nodes, writer.constants, writer.told);
    if let Some(graph) = &mut model.graph {
        graph.node.extend(nodes);
        graph.initializer.extend(constants);
        graph.output.extend(told.keys().map(|name| ValueInfoProto { name: name.clone(), ..Default::default() }));
    }
    (model, told)
}

/// All axes of what a layer gives but that of its channels; a batch of one is no axis of its own.
fn but_channels(kind: Kind, rank: usize) -> Vec<i64> {
    let rank = rank as i64;
    if kind == Kind::Convolution { [0].into_iter().chain(2..rank).collect() } else { (0..rank - 1).collect() }
}

struct Writer<'a> {
    graph: &'a GraphProto,
    links: Links<'a>,
    names: Names,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    /// Values, and the names under which they have been rounded.
    rounded: HashMap<String, String>,
    learned: &'a Learned,
    told: HashMap<String, (usize, Part)>,
    axes_as_input: bool,
}

impl Writer<'_> {
    /// The twin of a layer; means are taken over `axes`.
    fn add_twin(
        &mut self,
        index: usize,
        clamp: Option<&NodeProto>,
        (read, made): (Affine, Affine),
        (axis, limit): (usize, i8),
        axes: &[i64],
    ) {
        let node = &self.graph.node[index];
        let Some(weights) = self.links.constant(&node.input[1]) else { return };
        let Some(values) = weights.floats() else { return };
        let channels = Channels::of(&weights.shape(), axis);
        let on_grid = match self.learned.get(&index) {
            Some(learned) => channels.values(learned),
            None => channels.rounded(&values, f32::from(limit)),
        };
        let mut twin = node.clone();
        twin.name = self.names.fresh(&format!("{}_twin", node.name));
        twin.input[0] = self.round_once(&node.input[0], read);
        twin.input[1] = self.names.fresh(&format!("{}_rounded", weights.name));
        self.constants.push(TensorProto::of_floats(&twin.input[1], &weights.shape(), &on_grid));
        let plain = node.output[0].clone();
        let mut result = self.names.fresh(&format!("{plain}_twin"));
        twin.output = vec![result.clone()];
        self.nodes.push(twin);
        let shift = self.node("Sub", &[&result, &plain], "shift");
        self.tell(&shift, axes, (index, Part::Shift));
        let mut wanted = plain;
        if let Some(clamp) = clamp {
            let mut again = clamp.clone();
            again.name = self.names.fresh(&format!("{}_twin", clamp.name));
            again.input[0] = result;
            result = self.names.fresh(&format!("{}_twin", clamp.output[0]));
            again.output = vec![result.clone()];
            self.nodes.push(again);
            wanted.clone_from(&clamp.output[0]);
        }
        let result = self.round(&result, made);
        let error = self.node("Sub", &[&result, &wanted], "error");
        let error = self.node("Mul", &[&error, &error], "square");
        self.tell(&error, axes, (index, Part::Error));
        self.tell(&wanted, axes, (index, Part::Mean));
        let square = self.node("Mul", &[&wanted, &wanted], "square");
        self.tell(&square, axes, (index, Part::Square));
    }

    /// Adds a node; returns the name of what it makes.
    fn node(&mut self, kind: &str, inputs: &[&str], what: &str) -> String {
        let output = self.names.fresh(&format!("{}_{what}", inputs[0]));
        let name = self.names.fresh(&format!("{output}_{kind}"));
        self.nodes.push(NodeProto::new(kind, name, inputs, &[&output]));
        output
    }

    /// To codes and back.
    fn round(&mut self, value: &str, affine: Affine) -> String {
        let [scale, zero] = ["scale", "zero_point"].map(|what| self.names.fresh(&format!("{value}_{what}")));
        self.constants.push(TensorProto::of_floats(&scale, &[], &[affine.scale]));
        self.constants.push(TensorProto::of_bytes(&zero, &[], DataType::Uint8, vec![affine.zero]));
        let quantized = self.node("QuantizeLinear", &[value, &scale, &zero], "quantized");
        self.node("DequantizeLinear", &[&quantized, &scale, &zero], "dequantized")
    }

    fn round_once(&mut self, value: &str, affine: Affine) -> String {
        if let Some(known) = self.rounded.get(value) {
            return known.clone();
        }
        let name = self.round(value, affine);
        self.rounded.insert(value.to_owned(), name.clone());
        name
    }

    /// The mean of a value over all axes but that of its channels, as an output.
    fn tell(&mut self, value: &str, axes: &[i64], what: (usize, Part)) {
        let output = if self.axes_as_input {
            let name = self.names.fresh(&format!("{value}_axes"));
            self.constants.push(TensorProto::of_integers(&name, &[axes.len()], axes));
            self.node("ReduceMean", &[value, &name], "mean")
        } else {
            let output = self.node("ReduceMean", &[value], "mean");
            if let Some(node) = self.nodes.last_mut() {
                let r#type = AttributeType::Ints as i32;
                node.set_attribute(AttributeProto {
                    name: "axes".to_owned(),
                    ints: axes.to_vec(),
                    r#type,
                    ..AttributeProto::default()
                });
            }
            output
        };
        self.told.insert(output, what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_that_of_the_error_in_the_variance_a_channel() {
        let mut noise = Noise::default();
        for _ in 0..2 {
            noise.add(Part::Shift, &[0.5, 0.0, 0.0]);
            noise.add(Part::Error, &[0.25, 9.0, 1.0]);
            noise.add(Part::Mean, &[1.0, 0.0, 3.0]);
            noise.add(Part::Square, &[2.0, 4.0, 9.0]);
        }
        // A quarter, all of it, and a channel that does not vary.
        assert!((noise.share() - 1.25 / 3.0).abs() < 1e-12, "{}", noise.share());
        assert_eq!(noise.shift(), [0.5, 0.0, 0.0]);
    }
}
