//! Other forms of a quantized model than fixed scales of 8 bits: which there are, and what each of them writes.

mod dynamic;
mod four_bits;
mod halves;
mod numbers;
#[cfg(test)]
mod test_model;

pub use numbers::{Activations, Mode, Numbers, Weights};

use super::insert::{Codes, insert};
use super::layout::{Kind, Layout};
use super::plan::Choice;
use super::prepare::Prepared;
use super::rounding::Learned;
use super::{Point, QuantizeError};
use crate::onnx;
use crate::onnx::graph::Names;
use crate::onnx::proto::{GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto};
use dynamic::dynamic;
use four_bits::four_bits;
use halves::half;

/// ONNX Runtime's own operators.
pub(super) const MICROSOFT: &str = "com.microsoft";

/// All that a form is written from.
pub(super) struct Writing<'a> {
    pub model: &'a ModelProto,
    pub layout: &'a Layout,
    /// For every node whether it works in integers.
    pub integer: &'a [bool],
    pub codes: &'a Codes,
    /// Largest code of a weight.
    pub weight_limit: i8,
    pub numbers: Numbers,
    /// Codes of weights that are not simply the nearest.
    pub learned: &'a Learned,
}

impl Writing<'_> {
    /// The model in the form that a choice asks for.
    pub fn write(&self, choice: &Choice) -> ModelProto {
        match choice.form {
            Mode::Static | Mode::WeightsOnly => insert(self, choice.weights_only),
            Mode::Dynamic => dynamic(self.model, self.layout, self.integer, self.numbers.weights, self.weight_limit),
            Mode::Half => half(self.model, self.layout).0,
            Mode::FourBits => {
                let (model, _) = four_bits(self.model, self.layout);
                // What is left of weights is stored in 8 bits.
                let layout = model.graph.as_ref().map(Layout::of);
                let none = vec![false; model.graph.as_ref().map_or(0, |graph| graph.node.len())];
                // The nodes are others, for which nothing was learnt.
                let learned = &Learned::new();
                layout.map_or_else(
                    || model.clone(),
                    |layout| {
                        let rest = Writing { model: &model, layout: &layout, integer: &none, learned, ..*self };
                        insert(&rest, choice.weights_only)
                    },
                )
            }
        }
    }
}

/// What there is to say of a form beside what every one has, in sentences.
pub(super) fn notes(prepared: &Prepared, point: &Point) -> Result<Vec<String>, QuantizeError> {
    let (mode, model, layout) = (point.choice.form, &prepared.model, &prepared.layout);
    let count = |kind| layout.nodes.iter().filter(|facts| facts.kind == kind).count();
    let (convolutions, products) = (count(Kind::Convolution), count(Kind::Product));
    Ok(match mode {
        Mode::FourBits => {
            let stored = if products == 0 {
                "nothing in the model could be".to_owned()
            } else {
                format!("{products} products are")
            };
            vec![format!(
                "{stored} stored in 4 bits; ONNX Runtime has no 4-bit form of convolutions, the weights of {convolutions} are stored in 8"
            )]
        }
        Mode::Half => {
            let layers = half(model, layout).1;
            let written = onnx::parse(point.bytes.to_vec(), &prepared.path)?;
            let casts = written.graph.iter().flat_map(|graph| &graph.node).filter(|node| node.is("Cast")).count();
            vec![format!(
                "{layers} of {} convolutions and products compute in 16-bit floats, {casts} casts stand where they begin and end; the tail stays in 32 bits",
                convolutions + products
            )]
        }
        _ => Vec::new(),
    })
}

/// Says that a model uses ONNX Runtime's own operators.
pub(super) fn declare_microsoft(model: &mut ModelProto) {
    if !model.opset_import.iter().any(|set| set.domain == MICROSOFT) {
        let set = OperatorSetIdProto { domain: MICROSOFT.to_owned(), version: Some(1), ..Default::default() };
        model.opset_import.push(set);
    }
}

/// A graph that is written anew, node by node.
struct Draft {
    names: Names,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Draft {
    fn of(graph: &GraphProto) -> Self {
        Self { names: Names::of(graph), nodes: Vec::new(), constants: Vec::new() }
    }

    /// Adds a node of one output and returns the name of that.
    fn add(&mut self, operator: &str, inputs: &[&str], result: &str) -> String {
        let output = self.names.fresh(result);
        let name = self.names.fresh(&format!("{output}_{operator}"));
        self.nodes.push(NodeProto::new(operator, name, inputs, &[&output]));
        output
    }

    /// Adds a constant under a name that is free, and returns that.
    fn keep(&mut self, name: &str, constant: TensorProto) -> String {
        let name = self.names.fresh(name);
        self.constants.push(TensorProto { name: name.clone(), ..constant });
        name
    }

    /// The model with these nodes, and without the weights that nothing reads any more.
    fn finish(self, model: &ModelProto, graph: &GraphProto) -> ModelProto {
        let mut edited = GraphProto { node: self.nodes, ..graph.clone() };
        edited.initializer.extend(self.constants);
        super::insert::remove_unread(&mut edited);
        ModelProto { graph: Some(edited), ..model.clone() }
    }
}
