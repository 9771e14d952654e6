//! The layers of a network as a table: what each is, how much it suffers from integers alone, and where it works.

use super::maker::Maker;
use super::noise::Noise;
use super::prepare::heavy;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};

/// A convolution, or a product with weights, before the tail.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Layer {
    /// Its name, which no other layer has.
    pub name: String,
    /// Its operator: `Conv`, `Gemm`, `MatMul`.
    pub op: String,
    /// How many weights it has.
    pub weights: usize,
    /// How much of what it gives is lost when it alone works in integers, 0…1: the mean over its channels of the error's
    /// share in the channel's variance. None where that was not looked at.
    pub sensitivity: Option<f64>,
    /// Whether it works in integers in the best model.
    pub integer: bool,
}

/// All layers, in the graph's order; those named in `float` are not in integers.
pub(super) fn layers(maker: &Maker, float: &BTreeSet<String>) -> Vec<Layer> {
    let prepared = &maker.prepared;
    let constants = prepared.model.graph.iter().flat_map(|graph| &graph.initializer);
    let sizes: HashMap<&str, usize> =
        constants.map(|tensor| (tensor.name.as_str(), tensor.count().unwrap_or(0))).collect();
    let layer = |(index, node): (usize, &crate::onnx::proto::NodeProto)| Layer {
        name: node.name.clone(),
        op: node.op_type.clone(),
        weights: node.input.get(1).and_then(|weights| sizes.get(weights.as_str())).copied().unwrap_or(0),
        sensitivity: maker.noise.get(&index).map(Noise::share),
        integer: !float.contains(&node.name),
    };
    heavy(&prepared.model, &prepared.layout).map(layer).collect()
}

/// Names of the layers that lose something, those first that lose most.
pub(super) fn noisy(maker: &Maker) -> Vec<String> {
    let mut layers = layers(maker, &BTreeSet::new());
    layers.retain(|layer| layer.sensitivity.is_some());
    layers.sort_by(|one, other| other.sensitivity.unwrap_or(0.0).total_cmp(&one.sensitivity.unwrap_or(0.0)));
    layers.into_iter().map(|layer| layer.name).collect()
}
