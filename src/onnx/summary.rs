//! What there is to know of a model without running it.

use super::channels::weight_channels;
use super::precision::{Precision, Quantization, precision};
use super::proto::{DataType, DimensionValue, GraphProto, ModelProto, NodeProto, TypeValue, ValueInfoProto};
use super::{OnnxError, external};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// What there is to know of a model without running it.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Version of the default operator set (`ai.onnx`); 0 where the model names none.
    pub opset: i64,
    /// Version of the file format.
    pub ir_version: i64,
    /// Tool that wrote the file, with its version; may be empty.
    pub producer: String,
    /// What has to be fed. Weights that are listed among the graph's inputs are not here.
    pub inputs: Vec<ValueInfo>,
    /// What comes out.
    pub outputs: Vec<ValueInfo>,
    /// The file's own key-value metadata.
    pub metadata: BTreeMap<String, String>,
    /// How often each operator occurs, subgraphs and functions included; names outside the default domain carry it,
    /// as in `com.microsoft.QGemm`.
    pub operators: BTreeMap<String, usize>,
    /// How many convolutions and products with weights have so many output channels, subgraphs included.
    pub weight_channels: BTreeMap<usize, usize>,
    /// In what numbers the model computes.
    pub precision: Precision,
    /// Why that is believed.
    pub precision_evidence: String,
    /// How much of it computes in integers.
    pub quantization: Quantization,
    /// Size of the file and of its external data.
    pub bytes: u64,
}

/// An input or output of a graph.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ValueInfo {
    /// Its name.
    pub name: String,
    /// Its sides as the file declares them; none where it declares no shape at all.
    pub shape: Option<Vec<Dimension>>,
    /// Type of its elements.
    pub dtype: ElementType,
}

impl ValueInfo {
    /// The shape as numbers, where every side is a number.
    pub fn fixed_shape(&self) -> Option<Vec<usize>> {
        self.shape.as_ref()?.iter().map(Dimension::fixed).collect()
    }
}

impl std::fmt::Display for ValueInfo {
    /// `images [1,3,416,416] float32`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.shape {
            Some(shape) => {
                let sides: Vec<_> = shape.iter().map(Dimension::to_string).collect();
                write!(f, "{} [{}] {}", self.name, sides.join(","), self.dtype)
            }
            None => write!(f, "{} [unknown shape] {}", self.name, self.dtype),
        }
    }
}

/// One side of a declared shape.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Dimension {
    /// Always this long.
    Fixed(usize),
    /// Chosen at run time; sides of the same name are equally long.
    Named(String),
    /// Chosen at run time.
    Unknown,
}

impl Dimension {
    /// The length, where it is fixed.
    pub fn fixed(&self) -> Option<usize> {
        match self {
            Self::Fixed(length) => Some(*length),
            Self::Named(_) | Self::Unknown => None,
        }
    }
}

impl std::fmt::Display for Dimension {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(length) => length.fmt(f),
            Self::Named(name) => name.fmt(f),
            Self::Unknown => f.write_str("?"),
        }
    }
}

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementType(pub DataType);

impl std::fmt::Display for ElementType {
    /// The name that NumPy and ONNX Runtime use, such as `float32`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            DataType::Undefined => f.write_str("unknown"),
            DataType::Float => f.write_str("float32"),
            DataType::Double => f.write_str("float64"),
            other => f.write_str(&format!("{other:?}").to_lowercase()),
        }
    }
}

impl serde::Serialize for ElementType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Says what is in a model that lies at `path`.
///
/// # Errors
/// When an external data file of it is refused or not there, as in [`super::read`].
pub fn summary(model: &ModelProto, path: &Path) -> Result<Summary, OnnxError> {
    let file = path.metadata().map_err(|source| OnnxError::Io { path: path.to_owned(), source })?;
    let bytes = file.len().saturating_add(external::check(model, path)?);
    let quantization = Quantization::of(model);
    let (precision, precision_evidence) = precision(model, &quantization);
    let graph = model.graph.as_ref();
    let weights: HashSet<&str> = graph
        .map(|g| {
            let sparse = g.sparse_initializer.iter().filter_map(|s| s.values.as_ref());
            g.initializer.iter().chain(sparse).map(|tensor| tensor.name.as_str()).collect()
        })
        .unwrap_or_default();
    let default_domain = |domain: &str| domain.is_empty() || domain == "ai.onnx";
    let opset = model.opset_import.iter().filter(|set| default_domain(&set.domain)).filter_map(|set| set.version).max();
    Ok(Summary {
        opset: opset.unwrap_or(0),
        ir_version: model.ir_version,
        producer: format!("{} {}", model.producer_name, model.producer_version).trim().to_owned(),
        inputs: graph.map_or_else(Vec::new, |g| {
            g.input.iter().filter(|input| !weights.contains(input.name.as_str())).map(value_info).collect()
        }),
        outputs: graph.map_or_else(Vec::new, |g| g.output.iter().map(value_info).collect()),
        metadata: model.metadata_props.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect(),
        operators: count_operators(model),
        weight_channels: weight_channels(model),
        precision,
        precision_evidence,
        quantization,
        bytes,
    })
}

fn value_info(info: &ValueInfoProto) -> ValueInfo {
    let tensor = match info.r#type.as_ref().and_then(|kind| kind.value.as_ref()) {
        Some(TypeValue::TensorType(tensor)) => Some(tensor),
        _ => None,
    };
    let shape = tensor.and_then(|tensor| tensor.shape.as_ref());
    ValueInfo {
        name: info.name.clone(),
        shape: shape.map(|shape| shape.dim.iter().map(|side| dimension(side.value.as_ref())).collect()),
        dtype: ElementType(
            tensor.and_then(|tensor| DataType::try_from(tensor.elem_type).ok()).unwrap_or(DataType::Undefined),
        ),
    }
}

fn dimension(value: Option<&DimensionValue>) -> Dimension {
    match value {
        // Some exporters write -1 or 0 for a side that is chosen at run time.
        Some(DimensionValue::DimValue(length)) if *length > 0 => Dimension::Fixed(*length as usize),
        Some(DimensionValue::DimParam(name)) if !name.is_empty() => Dimension::Named(name.clone()),
        _ => Dimension::Unknown,
    }
}

fn count_operators(model: &ModelProto) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    if let Some(graph) = &model.graph {
        count_graph(graph, &mut counts);
    }
    model.functions.iter().for_each(|function| count_nodes(&function.node, &mut counts));
    counts
}

fn count_graph(graph: &GraphProto, counts: &mut BTreeMap<String, usize>) {
    count_nodes(&graph.node, counts);
}

fn count_nodes(nodes: &[NodeProto], counts: &mut BTreeMap<String, usize>) {
    for node in nodes {
        let name = match node.domain.as_str() {
            "" | "ai.onnx" => node.op_type.clone(),
            domain => format!("{domain}.{}", node.op_type),
        };
        *counts.entry(name).or_default() += 1;
        let subgraphs = node.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs));
        subgraphs.for_each(|graph| count_graph(graph, counts));
    }
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
