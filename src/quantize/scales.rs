//! A range for each channel, at no cost in an accelerated session: where a function stands behind a convolution, weights
//! and bias of channel c are made so that its values fill 0…1, and the function begins with what takes that back; it ends
//! with the factors of equalization ("cross-layer equalization" of Nagel et al., 2019, which alone is only exact where
//! `f(a·x) = a·f(x)`), which the convolutions that read it take back. In floats nothing changes; in codes each channel has
//! all 256 before the function, and behind it as many as its weights allow. The function becomes one look-up a channel.

use super::channels::Channels;
use super::equalize::{self, Reaches};
use super::functions::{Function, functions};
use super::layout::Layout;
use super::observe::{Observed, followed};
use super::prepare::Prepared;
use super::range::{Method, span};
use super::{Histogram, QuantizeError};
use crate::inference::preprocess::ModelInput;
use crate::onnx::graph::{Links, Names};
use crate::onnx::proto::{GraphProto, ModelProto, NodeProto, TensorProto};
use std::collections::{HashMap, HashSet};

/// No channel's range counts as smaller than this share of the widest one of its tensor: what is small may grow on other
/// pictures.
const SPAN_MIN: f32 = 1.0 / 256.0;
/// A tensor of nothing but one value.
const NOTHING: f32 = 1e-6;

/// Lowest and highest value of channels.
type Spans = Vec<(f32, f32)>;

/// Names of the values of which [`scaled`] has to know what each channel takes.
pub(super) fn wanted(prepared: &Prepared) -> HashSet<String> {
    let graph = prepared.model.graph.as_ref();
    let found = graph.map_or_else(Vec::new, |graph| functions(graph, &prepared.layout));
    found.into_iter().map(|function| function.reads).collect()
}

/// The same model with a range for each channel; none where no function stands behind a convolution, or where it says
/// something else. `seen` is of the model as it is.
pub(super) fn scaled(
    prepared: &Prepared,
    seen: &Observed,
    method: Method,
    picture: Option<&ModelInput>,
) -> Result<Option<Prepared>, QuantizeError> {
    let (Some(graph), Some(picture)) = (&prepared.model.graph, picture) else { return Ok(None) };
    let links = Links::of(graph);
    let mut found = functions(graph, &prepared.layout);
    let mut spans: HashMap<String, Spans> = HashMap::new();
    found.retain(|function| {
        let counts = seen.channels.get(&function.reads).filter(|counts| counts.len() == function.channels);
        let Some(counts) = counts else { return false };
        let followed = followed(graph, &prepared.layout, &links, &function.reads);
        let of_one = |counts: &Histogram| span(counts, method, followed);
        spans.insert(function.reads.clone(), widened(counts.iter().map(of_one).collect()));
        true
    });
    if found.is_empty() {
        return Ok(None);
    }
    let (graph, moved) = rewritten(graph, &prepared.layout, &found, &spans, &seen.shapes, &seen.reaches);
    let layout = Layout::with(&graph, &moved);
    let model = ModelProto { graph: Some(graph), ..prepared.model.clone() };
    if equalize::changes(prepared, &model, picture)? {
        return Ok(None);
    }
    Ok(Some(Prepared { model, layout, ..prepared.clone() }))
}

/// The ranges, none much smaller than the widest.
fn widened(mut spans: Spans) -> Spans {
    let widest = spans.iter().map(|(low, high)| high - low).fold(NOTHING, f32::max);
    for (low, high) in &mut spans {
        *high = high.max(*low + widest * SPAN_MIN);
    }
    spans
}

/// The graph with ranges a channel, and the functions with their nodes in it.
fn rewritten(
    graph: &GraphProto,
    layout: &Layout,
    found: &[Function],
    spans: &HashMap<String, Spans>,
    shapes: &HashMap<String, Vec<usize>>,
    reaches: &Reaches,
) -> (GraphProto, Vec<Function>) {
    let channels = Channels::of(graph, layout, shapes, found);
    let gains = equalize::gains(graph, &channels, reaches);
    let balanced = equalize::scaled(graph, &channels, &gains);
    let mut writer = Writer {
        links: Links::of(&balanced),
        names: Names::of(&balanced),
        result: GraphProto { node: Vec::new(), ..balanced.clone() },
        moved: found.to_vec(),
    };
    for (index, node) in balanced.node.iter().enumerate() {
        if let Some(function) = found.iter().position(|function| function.layer == index) {
            let spans = &spans[&found[function].reads];
            writer.layer(node, function, spans);
        } else if let Some(function) = found.iter().position(|function| function.nodes.contains(&index)) {
            let of_channel = |member: &usize| gains[*member];
            let made = channels.of_value(&found[function].makes).unwrap_or_default();
            writer.inner(node, index, (function, &found[function]), &made.iter().map(of_channel).collect::<Vec<_>>());
        } else {
            writer.result.node.push(node.clone());
        }
    }
    let Writer { mut result, moved, .. } = writer;
    super::insert::remove_unread(&mut result);
    (result, moved)
}

struct Writer<'a> {
    links: Links<'a>,
    names: Names,
    result: GraphProto,
    /// The functions, whose nodes are put in their new places.
    moved: Vec<Function>,
}

impl Writer<'_> {
    /// A convolution whose channels fill 0…1, and what takes that back.
    fn layer(&mut self, node: &NodeProto, function: usize, spans: &Spans) {
        let mut node = node.clone();
        let tensor = self.links.constant(&node.input[1]);
        if let Some((mut values, shape)) = tensor.and_then(|tensor| Some((tensor.floats()?, tensor.shape()))) {
            let each = (values.len() / spans.len()).max(1);
            for (place, weight) in values.iter_mut().enumerate() {
                let (low, high) = spans[place / each];
                *weight /= high - low;
            }
            node.input[1] = self.constant(&node.input[1].clone(), &shape, &values);
        }
        let bias = node.input.get(2).and_then(|bias| self.links.constant(bias)).and_then(TensorProto::floats);
        let bias = bias.unwrap_or_else(|| vec![0.0; spans.len()]);
        let bias: Vec<f32> = bias.iter().zip(spans).map(|(bias, (low, high))| (bias - low) / (high - low)).collect();
        let base = node.input.get(2).filter(|bias| !bias.is_empty()).unwrap_or(&node.name).clone();
        node.input.truncate(2);
        node.input.push(self.constant(&base, &[bias.len()], &bias));
        self.moved[function].layer = self.result.node.len();
        self.moved[function].nodes.clear();
        let value = node.output[0].clone();
        self.result.node.push(node);
        let sides = [1, spans.len(), 1, 1];
        let widths: Vec<f32> = spans.iter().map(|(low, high)| high - low).collect();
        let lows: Vec<f32> = spans.iter().map(|(low, _)| *low).collect();
        let width = self.constant(&format!("{value}_width"), &sides, &widths);
        let low = self.constant(&format!("{value}_low"), &sides, &lows);
        let wide = self.names.fresh(&format!("{value}_wide"));
        self.push("Mul", [&value, &width], &wide, function);
        let real = self.names.fresh(&format!("{value}_real"));
        self.push("Add", [&wide, &low], &real, function);
        self.moved[function].reads = real;
    }

    /// A node of a function, and behind the last one the factors.
    fn inner(&mut self, node: &NodeProto, index: usize, (function, old): (usize, &Function), gains: &[f32]) {
        let mut node = node.clone();
        let real = self.moved[function].reads.clone();
        node.input.iter_mut().filter(|value| **value == old.reads).for_each(|value| value.clone_from(&real));
        let is_last = old.nodes.last() == Some(&index) && gains.iter().any(|gain| *gain != 1.0);
        if is_last {
            node.output[0] = self.names.fresh(&format!("{}_even", old.makes));
        }
        let made = node.output[0].clone();
        self.moved[function].nodes.push(self.result.node.len());
        self.result.node.push(node);
        if is_last {
            let gain = self.constant(&format!("{}_gain", old.makes), &[1, gains.len(), 1, 1], gains);
            self.push("Mul", [&made, &gain], &old.makes, function);
        }
    }

    fn push(&mut self, kind: &str, inputs: [&str; 2], output: &str, function: usize) {
        let name = self.names.fresh(&format!("{output}_{kind}"));
        self.moved[function].nodes.push(self.result.node.len());
        self.result.node.push(NodeProto::new(kind, name, &inputs, &[output]));
    }

    fn constant(&mut self, base: &str, shape: &[usize], values: &[f32]) -> String {
        let name = self.names.fresh(&format!("{base}_spread"));
        self.result.initializer.push(TensorProto::of_floats(&name, shape, values));
        name
    }
}

#[cfg(test)]
#[path = "scales_tests.rs"]
mod tests;
