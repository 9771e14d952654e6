//! What ONNX Runtime's optimizer made of a model: counts over the graph that really runs.

use super::proto::{DataType, GraphProto, ModelProto, NodeProto};
use super::quantization::{Form, Quantization, Work, weight_inputs, work_of};
use super::{OnnxError, Precision, read};
use std::collections::HashMap;
use std::path::Path;

/// In what numbers the convolutions and products of a model really run, told from the graph that ONNX Runtime's
/// optimizer leaves. Only operators with weights are counted, as in [`Quantization`].
///
/// `MatMulNBits` counts as integers at accuracy level 4, where it rounds its data to 8 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Executed {
    /// All convolutions.
    pub convolutions: usize,
    /// Convolutions in integers.
    pub integer_convolutions: usize,
    /// Convolutions in 16-bit floats.
    pub half_convolutions: usize,
    /// All products with weights.
    pub products: usize,
    /// Products in integers.
    pub integer_products: usize,
    /// Products in 16-bit floats.
    pub half_products: usize,
    /// `DequantizeLinear` operators that were not fused into others.
    pub dequantize_left: usize,
}

impl Executed {
    /// The optimized graph of a larger model is not asked for: it takes as much room, in memory and on disk.
    pub const MODEL_BYTES_MAX: u64 = 512 << 20;

    /// Counts over an optimized graph that ONNX Runtime wrote to a file.
    ///
    /// # Errors
    /// When the file is no model.
    pub fn read(path: &Path) -> Result<Self, OnnxError> {
        Ok(Self::of(&read(path)?))
    }

    /// Counts over an optimized graph.
    pub fn of(model: &ModelProto) -> Self {
        let mut counts = Self::default();
        if let Some(graph) = &model.graph {
            counts.add_graph(graph, None);
        }
        counts
    }

    fn add_graph(&mut self, graph: &GraphProto, outer: Option<&Weights<'_>>) {
        let weights = Weights::new(graph, outer);
        for node in &graph.node {
            self.add(node, &weights);
            let subgraphs = node.attribute.iter().flat_map(|a| a.g.iter().chain(&a.graphs));
            subgraphs.for_each(|subgraph| self.add_graph(subgraph, Some(&weights)));
        }
    }

    fn add(&mut self, node: &NodeProto, weights: &Weights<'_>) {
        self.dequantize_left += usize::from(node.op_type == "DequantizeLinear");
        let Some((work, form)) = work_of(&node.op_type) else { return };
        let kind = weight_inputs(node).iter().find_map(|name| weights.data_type(name));
        if work == Work::Product && kind.is_none() {
            return;
        }
        let in_integers = match form {
            Some(Form::WeightOnly) => node.attribute.iter().any(|a| a.name == "accuracy_level" && a.i == Some(4)),
            form => form.is_some(),
        };
        let in_halves = !in_integers && kind == Some(DataType::Float16 as i32);
        let (all, integers, halves) = match work {
            Work::Convolution => (&mut self.convolutions, &mut self.integer_convolutions, &mut self.half_convolutions),
            Work::Product => (&mut self.products, &mut self.integer_products, &mut self.half_products),
        };
        *all += 1;
        *integers += usize::from(in_integers);
        *halves += usize::from(in_halves);
    }

    /// What runs in integers, such as `39 of 47 convolutions and 1 of 2 matrix products run in integers`.
    pub fn in_words(&self) -> String {
        match parts(self.integer_convolutions, self.convolutions, self.integer_products, self.products) {
            Some(parts) => format!("{parts} run in integers"),
            None => "nothing in it could run in integers".to_owned(),
        }
    }

    /// What the user should know where less runs in small numbers than the file says.
    pub fn warning(&self, claimed: Precision, file: &Quantization) -> Option<String> {
        match claimed {
            Precision::Int8 | Precision::Mixed => {
                // Floats are counted, as the optimizer may have removed integer operators that nothing needs.
                let convolutions = self.convolutions.saturating_sub(self.integer_convolutions)
                    > file.convolutions.saturating_sub(file.quantized_convolutions);
                let products = self.products.saturating_sub(self.integer_products)
                    > file.products.saturating_sub(file.quantized_products);
                (convolutions || products).then(|| {
                    let claims =
                        parts(file.quantized_convolutions, file.convolutions, file.quantized_products, file.products);
                    format!(
                        "The file marks {} as INT8, but in ONNX Runtime only {}; the rest runs in floats. An operator \
                         is fused where its inputs and its output are quantized: quantize the outputs, too",
                        claims.unwrap_or_default(),
                        self.in_words(),
                    )
                })
            }
            Precision::Fp16 => {
                let (all, halves) = (self.convolutions + self.products, self.half_convolutions + self.half_products);
                (halves < all).then(|| {
                    format!(
                        "The weights are 16-bit floats, but ONNX Runtime turns {} of {all} operators into 32-bit \
                         floats on this processor: the file is smaller, the model no faster",
                        all - halves
                    )
                })
            }
            Precision::Fp32 => None,
        }
    }
}

/// The weights that a graph sees, with the numbers of their types.
struct Weights<'a> {
    own: HashMap<&'a str, i32>,
    outer: Option<&'a Weights<'a>>,
}

impl<'a> Weights<'a> {
    fn new(graph: &'a GraphProto, outer: Option<&'a Weights<'a>>) -> Self {
        let own = graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor.data_type)).collect();
        Self { own, outer }
    }

    fn data_type(&self, name: &str) -> Option<i32> {
        self.own.get(name).copied().or_else(|| self.outer?.data_type(name))
    }
}

/// `3 of 4 convolutions and 1 of 2 matrix products`, without what there is none of.
fn parts(convolutions: usize, of: usize, products: usize, of_products: usize) -> Option<String> {
    let convolutions = (of > 0).then(|| format!("{convolutions} of {of} convolutions"));
    let products = (of_products > 0).then(|| format!("{products} of {of_products} matrix products"));
    let parts: Vec<String> = convolutions.into_iter().chain(products).collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

#[cfg(test)]
#[path = "executed_tests.rs"]
mod tests;
