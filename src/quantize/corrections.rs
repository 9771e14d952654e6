//! What is done to weights and biases before they are rounded, so that less is lost.

use crate::onnx::graph::{Links, Names};
use crate::onnx::proto::{GraphProto, ModelProto, TensorProto};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Which corrections are made. A recipe that does not name one was recorded without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Corrections {
    /// Channels of a tensor are brought to like ranges where the network stays the same (Nagel et al., "Data-free
    /// quantization through weight equalization and bias correction", 2019).
    pub equalize: bool,
    /// The mean error of each channel of a layer that works in integers alone is taken from its bias (the same paper).
    pub bias: bool,
    /// Weights are rounded so that what a layer gives on the calibration's pictures changes least, the error of one being
    /// made up for by others (Frantar et al., "GPTQ", 2022), instead of each to the nearest.
    pub rounding: bool,
}

impl Corrections {
    /// None of them.
    pub const NONE: Self = Self { equalize: false, bias: false, rounding: false };
    /// Those that are made unless something else is asked for.
    pub const USUAL: Self = Self { equalize: true, bias: true, rounding: true };
}

/// Mean errors of the channels of layers, by node.
pub(super) type Shifts = HashMap<usize, Vec<f32>>;

/// The model with these errors taken from the biases of the nodes that `integer` says.
pub(super) fn unbiased(model: &ModelProto, integer: &[bool], shifts: &Shifts) -> ModelProto {
    let mut result = model.clone();
    let (Some(graph), Some(edited)) = (&model.graph, &mut result.graph) else { return result };
    let (links, mut names) = (Links::of(graph), Names::of(graph));
    let mut nodes: Vec<&usize> = shifts.keys().filter(|index| integer[**index]).collect();
    nodes.sort_unstable();
    for index in nodes {
        let Some(values) = bias_without(graph, &links, *index, &shifts[index]) else { continue };
        let node = &mut edited.node[*index];
        let base = node.input.get(2).filter(|bias| !bias.is_empty()).unwrap_or(&node.name);
        let name = names.fresh(&format!("{base}_corrected"));
        edited.initializer.push(TensorProto::of_floats(&name, &[values.len()], &values));
        node.input.truncate(2);
        node.input.push(name);
    }
    result
}

/// The bias of a layer less an error; none where it cannot have one.
fn bias_without(graph: &GraphProto, links: &Links<'_>, index: usize, shift: &[f32]) -> Option<Vec<f32>> {
    let node = &graph.node[index];
    if node.is("MatMul") {
        return None;
    }
    let known = match node.input.get(2).filter(|bias| !bias.is_empty()) {
        Some(bias) => links.constant(bias)?.floats()?,
        None => vec![0.0; shift.len()],
    };
    (known.len() == shift.len()).then(|| known.iter().zip(shift).map(|(bias, error)| bias - error).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::NodeProto;

    #[test]
    fn the_error_is_taken_from_the_bias_of_layers_in_integers_alone() {
        let graph = GraphProto {
            initializer: vec![TensorProto::of_floats("b", &[2], &[1.0, 2.0])],
            node: vec![
                NodeProto::new("Conv", "one", &["x", "w", "b"], &["y"]),
                NodeProto::new("Conv", "two", &["y", "w"], &["z"]),
                NodeProto::new("Conv", "three", &["z", "w", "b"], &["out"]),
            ],
            ..Default::default()
        };
        let model = ModelProto { graph: Some(graph), ..Default::default() };
        let shifts: Shifts = (0..3).map(|index| (index, vec![0.5, -0.25])).collect();
        let graph = unbiased(&model, &[true, true, false], &shifts).graph.unwrap();
        let links = Links::of(&graph);
        let bias = |node: usize| links.constant(&graph.node[node].input[2]).and_then(TensorProto::floats);
        assert_eq!(bias(0), Some(vec![0.5, 2.25]));
        assert_eq!(bias(1), Some(vec![-0.5, 0.25]));
        assert_eq!(bias(2), Some(vec![1.0, 2.0]), "a layer in floats has no error");
    }
}
