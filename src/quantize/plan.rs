//! Which nodes are to work in integers.

use super::forms::Mode;
use super::layout::{Kind, Layout};
use crate::onnx::graph::Links;
use crate::onnx::proto::GraphProto;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Whether channels get ranges of their own in the functions behind convolutions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelScales {
    /// It is tried, where time is judged as accelerated sessions take it.
    #[default]
    Auto,
    /// In every model.
    On,
    /// In none.
    Off,
}

/// Which part of the heavy work stays in floats; everything before the tail that ONNX Runtime has in integers and that
/// lies between integers follows from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Choice {
    /// Nodes stay in floats until the resolution has gone down by this factor; 0: none do. A stretch at the beginning is
    /// cheap to leave in floats, as it costs one conversion.
    pub float_until_stride: usize,
    /// The convolutions and products that give the predictions stay in floats.
    pub float_predictions: bool,
    /// Nothing computes in integers; weights are only stored so.
    pub weights_only: bool,
    /// What becomes of the numbers.
    pub form: Mode,
    /// Channels have ranges of their own in the functions behind convolutions, which an accelerated session makes look-ups
    /// of; ONNX Runtime alone computes them in floats.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub channel_scales: bool,
    /// Nodes with weights that stay in floats besides, by their names.
    pub float_nodes: BTreeSet<String>,
}

impl Choice {
    /// In words: `float until stride 8, predictions in integers`.
    pub fn in_words(&self) -> String {
        if matches!(self.form, Mode::Half | Mode::FourBits) {
            return self.form.in_words().to_owned();
        }
        if self.weights_only {
            return "weights stored as integers".to_owned();
        }
        let mut parts = Vec::new();
        if self.form == Mode::Dynamic {
            parts.push(self.form.in_words().to_owned());
        }
        if self.float_until_stride > 0 {
            parts.push(format!("float before stride {}", self.float_until_stride));
        }
        if self.float_predictions {
            parts.push("predictions float".to_owned());
        }
        if !self.float_nodes.is_empty() {
            parts.push(format!("{} more layers float", self.float_nodes.len()));
        }
        let words = if parts.is_empty() { "all integers but the tail".to_owned() } else { parts.join(", ") };
        if self.channel_scales { format!("{words}, ranges a channel") } else { words }
    }
}

/// For every node whether it is to work in integers.
pub(super) fn integers(graph: &GraphProto, layout: &Layout, strides: &[usize], choice: &Choice) -> Vec<bool> {
    let links = Links::of(graph);
    let mut integer: Vec<bool> = (0..graph.node.len())
        .map(|index| {
            let facts = &layout.nodes[index];
            let heavy = facts.kind.has_weights();
            !choice.weights_only
                && choice.form != Mode::Half
                && facts.in_trunk
                && facts.kind != Kind::Float
                && strides[index] >= choice.float_until_stride
                && !(heavy && facts.predicts && choice.float_predictions)
                && !(heavy && choice.float_nodes.contains(&graph.node[index].name))
        })
        .collect();
    // What is not between integers would only be converted for nothing; each that goes may take neighbours with it.
    loop {
        let idle =
            (0..integer.len()).filter(|index| integer[*index] && !is_worth_it(graph, layout, &links, &integer, *index));
        let idle: Vec<usize> = idle.collect();
        if idle.is_empty() {
            return integer;
        }
        idle.into_iter().for_each(|index| integer[index] = false);
    }
}

fn is_worth_it(graph: &GraphProto, layout: &Layout, links: &Links<'_>, integer: &[bool], index: usize) -> bool {
    let facts = &layout.nodes[index];
    if facts.kind.has_weights() {
        return true;
    }
    let is_integer = |value: &str| links.producer(value).is_some_and(|source| integer[source]);
    let is_fed = match facts.function_of {
        Some(layer) => integer[layer],
        None => layout.data(&graph.node[index]).any(is_integer),
    };
    if !is_fed {
        return false;
    }
    // A clamp that is part of what is before it lives with it.
    if facts.is_part {
        return true;
    }
    let last = facts.clamped_by.unwrap_or(index);
    let mut readers = graph.node[last].output.iter().flat_map(|value| links.readers(value));
    readers.any(|reader| integer[*reader])
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
