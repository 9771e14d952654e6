//! The layers of a network as a table.

use super::Maker;
use super::prepare::heavy;
use std::collections::{BTreeSet, HashMap};

/// A convolution, or a product with weights, before the tail.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Layer {
    /// Its name, which no other layer has.
    pub name: String,
    /// Its operator: `Conv`, `Gemm`, `MatMul`.
    pub op: String,
    /// How many weights it has.
    pub weights: usize,
    /// How much it suffers from integers alone; none where that was not looked at.
    pub sensitivity: Option<f64>,
    /// Whether it works in integers in the best model.
    pub integer: bool,
}

/// All layers, in the graph's order; those named in `float` are not in integers.
pub(super) fn layers(maker: &Maker<'_>, float: &BTreeSet<String>) -> Vec<Layer> {
    let prepared = maker.prepared;
    let constants = prepared.model.graph.iter().flat_map(|graph| &graph.initializer);
    let sizes: HashMap<&str, i64> =
        constants.map(|tensor| (tensor.name.as_str(), tensor.dims.iter().product())).collect();
    heavy(&prepared.model, &prepared.layout)
        .map(|(_, node)| Layer {
            name: node.name.clone(),
            op: node.op_type.clone(),
            weights: node
                .input
                .get(1)
                .and_then(|weights| sizes.get(weights.as_str()))
                .map_or(0, |count| *count as usize),
            sensitivity: None,
            integer: !float.contains(&node.name),
        })
        .collect()
}
