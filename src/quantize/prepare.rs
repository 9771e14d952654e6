//! From a file to a graph that can be quantized: constants folded, batch normalization fused, operator set high enough.

use super::layout::Layout;
use super::{Pulse, QuantizeError, swish};
use crate::inference::session::{ModelSource, Session};
use crate::inference::trial::Trial;
use crate::inference::twin;
use crate::inference::{InputRecognition, LoadOptions, ModelCard, Optimization, Precision, SessionOptions, examine};
use crate::onnx::proto::{ModelProto, NodeProto};
use crate::onnx::{self, OnnxError, graph::Names};
use crate::runtime::catalog::sha256_of;
use std::path::{Path, PathBuf};

/// A model that is ready to be quantized.
#[derive(Clone)]
pub(super) struct Prepared {
    /// The file it came from.
    pub path: PathBuf,
    /// That file's SHA-256, in hexadecimal.
    pub sha256: String,
    /// That file's size, with its external data.
    pub bytes: u64,
    /// The same without its external data.
    pub own_bytes: u64,
    /// About how many weights it has.
    pub weights: u64,
    pub model: ModelProto,
    pub layout: Layout,
    pub input: InputRecognition,
    pub card: ModelCard,
    /// The file as it runs in floats: with open sides, where it needs them.
    pub float: Option<Vec<u8>>,
    /// What was done to it, in sentences.
    pub notes: Vec<String>,
}

impl Prepared {
    /// The model as it was given, for a session.
    pub fn float_source(&self) -> ModelSource<'_> {
        self.float.as_ref().map_or(ModelSource::File(&self.path), |bytes| ModelSource::Memory(bytes, &self.path))
    }

    /// The operator set of the prepared graph.
    pub fn opset(&self) -> i64 {
        onnx::opset_of(&self.model)
    }
}

/// Reads, recognises and tidies a model.
///
/// # Errors
/// When it is no detector in 32-bit floats, ONNX Runtime refuses it, or an operator stands in the way.
pub(super) fn prepare(
    path: &Path,
    options: &LoadOptions,
    trial: Option<&Trial>,
    pulse: &mut Pulse<'_>,
) -> Result<Prepared, QuantizeError> {
    pulse()?;
    // Nothing is measured with its session.
    let session = SessionOptions { accelerate: false, ..options.session.clone() };
    let options = &LoadOptions { session, ..options.clone() };
    let examined = examine(path, options, trial, &mut |_| {})?;
    pulse()?;
    let summary = &examined.summary;
    if summary.precision != Precision::Fp32 {
        let precision = summary.quantization.name_with(summary.precision);
        return Err(QuantizeError::NotFullPrecision { path: path.to_owned(), precision });
    }
    let mut model = onnx::read(path)?;
    let mut notes = Vec::new();
    let count = onnx::inline_external(&mut model, path)?;
    if count > 0 {
        notes.push(format!("{count} weights were taken in from the files that they lay in"));
    }
    let mut float = None;
    if examined.input.relaxed_from.is_some() {
        let bytes = onnx::relaxed(model, &examined.input.name);
        model = onnx::parse(bytes.clone(), path)?;
        float = Some(bytes);
    }
    notes.extend(onnx::repair(&mut model));
    let before = model.graph.as_ref().map_or(0, |graph| graph.node.len());
    let mut folded = fold(&model, path, summary.opset, &examined.input)?;
    pulse()?;
    let after = folded.graph.as_ref().map_or(0, |graph| graph.node.len());
    notes.push(format!(
        "ONNX Runtime's optimizer left {after} of {before} operators (constants folded, batch norms fused)"
    ));
    folded.metadata_props.clone_from(&model.metadata_props);
    folded.producer_name.clone_from(&model.producer_name);
    folded.producer_version.clone_from(&model.producer_version);
    let opset = onnx::opset_of(&folded);
    if onnx::raise_opset(&mut folded).map_err(|source| QuantizeError::Opset { path: path.to_owned(), source })? {
        notes.push(format!("raised from operator set {opset} to {}", onnx::PER_CHANNEL_OPSET));
    }
    // The new operator set allows repairs that the old one did not.
    notes.extend(onnx::repair(&mut folded));
    let spelled_out = folded.graph.as_mut().map_or(0, swish::spell_out);
    if spelled_out > 0 {
        notes.push(format!("{spelled_out} HardSwish and HardSigmoid were spelled out, to work in integers"));
    }
    tidy(&mut folded);
    let layout = folded.graph.as_ref().map(Layout::of);
    let Some(layout) = layout.filter(|layout| layout.nodes.iter().any(|facts| facts.kind.has_weights())) else {
        return Err(QuantizeError::NothingToQuantize { path: path.to_owned() });
    };
    Ok(Prepared {
        path: path.to_owned(),
        sha256: sha256_of(path).map_err(|source| OnnxError::Io { path: path.to_owned(), source })?,
        bytes: summary.bytes,
        weights: twin::weights(summary),
        own_bytes: path.metadata().map_or(summary.bytes, |file| file.len()),
        model: folded,
        layout,
        input: examined.input,
        card: examined.recognition.card,
        float,
        notes,
    })
}

/// Lets ONNX Runtime's optimizer fold and fuse, at the level on which only operators of ONNX itself come out.
fn fold(model: &ModelProto, path: &Path, opset: i64, input: &InputRecognition) -> Result<ModelProto, QuantizeError> {
    let folder = tempfile::tempdir().map_err(QuantizeError::Temporary)?;
    let folded = folder.path().join("folded.onnx");
    let bytes = onnx::encoded(model, path)?;
    let options = SessionOptions {
        threads: 1,
        optimized_to: Some(folded.clone()),
        optimization: Optimization::Basic,
        ..SessionOptions::default()
    };
    drop(Session::load(ModelSource::Memory(&bytes, path), opset, input, &options)?);
    Ok(onnx::read(&folded)?)
}

/// Operator sets that nothing uses are not declared, and every node has a name of its own.
fn tidy(model: &mut ModelProto) {
    let Some(graph) = &mut model.graph else { return };
    let used = |domain: &str| domain.is_empty() || graph.node.iter().any(|node| node.domain == domain);
    let has_functions = !model.functions.is_empty();
    model.opset_import.retain(|set| has_functions || used(&set.domain));
    let mut names = Names::default();
    for node in &mut graph.node {
        let base = if node.name.is_empty() { node.op_type.clone() } else { node.name.clone() };
        node.name = names.fresh(&base);
    }
}

/// Nodes with weights, in order.
pub(super) fn heavy<'a>(model: &'a ModelProto, layout: &'a Layout) -> impl Iterator<Item = (usize, &'a NodeProto)> {
    let nodes = model.graph.iter().flat_map(|graph| graph.node.iter().enumerate());
    nodes.filter(move |(index, _)| layout.nodes[*index].kind.has_weights())
}
