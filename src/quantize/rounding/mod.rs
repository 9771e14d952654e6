//! Rounding of weights that is learnt: codes are chosen so that what a layer gives on the calibration's pictures changes
//! least, instead of each weight by itself. With the second moments `H` of what the layer reads, the error of a row of
//! weights is `eᵀ·H·e`; one code after the other is decided, and its error is made up for by those that are still open
//! (Frantar and Alistarh, "Optimal Brain Compression", 2022; Frantar et al., "GPTQ", 2022; which layer outputs to aim at:
//! Nagel et al., "Up or down? Adaptive rounding for post-training quantization", 2020).

mod moments;
mod patches;
mod solve;

use super::calibrate::Fed;
use super::insert::{self, Channels};
use super::maker::Maker;
use super::observe;
use super::prepare::heavy;
use super::range::Affine;
use super::{Progress, QuantizeError, Report, tell};
use crate::inference::preprocess::InputValues;
use crate::inference::session::Session;
use crate::onnx::graph::Links;
use crate::onnx::proto::TensorProto;
use moments::Moments;
use patches::Patches;
use solve::{Metric, Rounder};
use std::collections::HashMap;

/// Moments of all layers together, in values; layers that come after are rounded to the nearest.
const MOMENTS_MAX: usize = 96 << 20;

/// Codes of the weights of layers, by node.
pub(super) type Learned = HashMap<usize, Rounded>;

/// Weights of one layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rounded {
    /// Of each channel that the layer gives.
    pub scales: Vec<f32>,
    /// As the weights lie.
    pub codes: Vec<i8>,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Lessons {
    pub learned: Learned,
    /// What was done and what was left, as a sentence without its full stop.
    pub note: Option<String>,
}

/// How it is gone about.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    pub threads: usize,
    /// What layers read is rounded, as it will be.
    pub rounded_inputs: bool,
    /// The mean error is taken from the bias afterwards, so that only what varies counts.
    pub bias_follows: bool,
}

/// Learns from these pictures how the weights of the model that `maker` makes are rounded.
pub(super) fn learn(maker: &Maker, kept: &[Fed], how: How, report: &mut Report<'_>) -> Result<Lessons, QuantizeError> {
    let (mut layers, mut nearest) = layers(maker, how);
    let of = kept.len() + layers.len();
    let mut sessions = sessions(maker, &layers, how.threads)?;
    for (done, (input, _)) in kept.iter().enumerate() {
        tell(report, Progress::Rounding { done, of })?;
        if let InputValues::F32(values) = input.values() {
            add(&mut layers, &maker.prepared.input.name, (&input.shape(), values), done);
        }
        for session in &mut sessions {
            session.run(input, |outputs, _| {
                outputs.iter().for_each(|output| add(&mut layers, output.name, (output.shape, output.values), done));
            })?;
        }
    }
    drop(sessions);
    let mut learned = Learned::new();
    let mut kept_error = Vec::new();
    for (done, layer) in layers.into_iter().enumerate() {
        tell(report, Progress::Rounding { done: kept.len() + done, of })?;
        let node = layer.node;
        match layer.solved(maker.weight_limit, how.bias_follows) {
            Some((rounded, share)) => {
                learned.insert(node, rounded);
                kept_error.push(share);
            }
            None => nearest += 1,
        }
    }
    let note = note(&mut kept_error, nearest);
    Ok(Lessons { learned, note })
}

fn note(kept_error: &mut [f64], nearest: usize) -> Option<String> {
    kept_error.sort_by(f64::total_cmp);
    let median = kept_error.get(kept_error.len() / 2)?;
    let mut note = format!(
        "the rounding of the weights of {} layers was learnt: half of them keep {:.0} % or less of the error of nearest rounding",
        kept_error.len(),
        median * 100.0
    );
    if nearest > 0 {
        note.push_str(&format!(
            "; {nearest} layers are rounded to the nearest, whose form is another or which saw nothing but zeros"
        ));
    }
    Some(note)
}

/// A layer whose rounding is learnt.
struct Layer {
    node: usize,
    reads: String,
    /// Codes of what it reads.
    codes: Option<Affine>,
    patches: Patches,
    weights: Vec<f32>,
    moments: Moments,
}

/// The layers, and how many are left out.
fn layers(maker: &Maker, how: How) -> (Vec<Layer>, usize) {
    let prepared = &maker.prepared;
    let Some(graph) = &prepared.model.graph else { return (Vec::new(), 0) };
    let links = Links::of(graph);
    let all = vec![true; graph.node.len()];
    let (mut layers, mut nearest, mut size) = (Vec::new(), 0, 0);
    for (node, proto) in heavy(&prepared.model, &prepared.layout) {
        let kind = prepared.layout.nodes[node].kind;
        let tensor = links.constant(&proto.input[1]);
        let weights = tensor.and_then(TensorProto::floats);
        let patches = tensor.and_then(|tensor| Patches::of(proto, kind, &tensor.shape()));
        let (Some(weights), Some(patches)) = (weights, patches) else {
            nearest += 1;
            continue;
        };
        size += patches.blocks() * patches.width * patches.width;
        if size > MOMENTS_MAX {
            nearest += 1;
            continue;
        }
        let reads = proto.input[0].clone();
        let codes = insert::codes_of(graph, &prepared.layout, &links, &all, &maker.codes, &reads);
        let moments = Moments::of(patches.blocks(), patches.width);
        layers.push(Layer { node, reads, codes: codes.filter(|_| how.rounded_inputs), patches, weights, moments });
    }
    (layers, nearest)
}

/// Sessions that give what the layers read.
fn sessions(maker: &Maker, layers: &[Layer], threads: usize) -> Result<Vec<Session>, QuantizeError> {
    let mut wanted: Vec<String> = Vec::new();
    for layer in layers.iter().filter(|layer| layer.reads != maker.prepared.input.name) {
        if !wanted.contains(&layer.reads) {
            wanted.push(layer.reads.clone());
        }
    }
    let parts = observe::parts(&wanted, &maker.shapes).into_iter();
    parts.map(|values| observe::session(&maker.prepared, &values, threads)).collect()
}

/// Adds a value to the moments of the layers that read it.
fn add(layers: &mut [Layer], name: &str, (shape, values): (&[usize], &[f32]), picture: usize) {
    for layer in layers.iter_mut().filter(|layer| layer.reads == name) {
        let (rows, count) = layer.patches.sampled(shape, values, picture);
        let rows = match layer.codes {
            Some(codes) => rows.into_iter().map(|value| codes.rounded(value)).collect(),
            None => rows,
        };
        layer.moments.add(&rows, count);
    }
}

impl Layer {
    /// Codes of the weights, and what is left of the error of nearest rounding. None where nothing was seen.
    fn solved(self, limit: i8, centred: bool) -> Option<(Rounded, f64)> {
        let Self { patches, weights, moments, .. } = self;
        let rows = patches.rows;
        let channels = Channels::of(&patches.shape, patches.axis);
        let mut scales = channels.scales(&weights, f32::from(limit));
        let mut codes = vec![0i8; weights.len()];
        let (mut own, mut nearest) = (0.0, 0.0);
        for block in 0..patches.blocks() {
            let (group, part) = (block / patches.parts, block % patches.parts);
            let metric = Metric::of(moments.of_block(block, centred)?, patches.width);
            let mut rounder = Rounder::new(&metric, f32::from(limit));
            let own_rows = group * rows / patches.groups..(group + 1) * rows / patches.groups;
            for (row, scale) in scales.iter_mut().enumerate().take(own_rows.end).skip(own_rows.start) {
                let places = || (0..patches.width).map(|column| patches.place(row, part, column));
                let values: Vec<f32> = places().map(|place| weights[place]).collect();
                // Parts share a scale, which none of them may move.
                let found = rounder.round(&values, *scale, patches.parts == 1);
                *scale = found.scale;
                places().zip(&found.codes).for_each(|(place, code)| codes[place] = *code as i8);
                own += found.error;
                nearest += found.nearest;
            }
        }
        (nearest > 0.0).then(|| (Rounded { scales, codes }, own / nearest))
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
