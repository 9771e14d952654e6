//! Running the model in floats on pictures and counting which values its tensors take.

use super::layout::Layout;
use super::prepare::Prepared;
use super::range::{Followed, Method, choose};
use super::{Histogram, QuantizeError};
use crate::inference::heads::OutputTensor;
use crate::inference::preprocess::ModelInput;
use crate::inference::session::{ModelSource, Session};
use crate::inference::{Optimization, SessionOptions};
use crate::onnx::graph::Links;
use crate::onnx::proto::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use crate::onnx::{self};
use std::collections::{HashMap, HashSet};

/// Values that are held at once while the model runs; a network with more is run in several parts.
const VALUES_AT_ONCE: usize = 64 << 20;

/// What was seen of the tensors of a model.
#[derive(Default)]
pub(super) struct Observed {
    pub histograms: HashMap<String, Histogram>,
    /// Of the first picture.
    pub shapes: HashMap<String, Vec<usize>>,
    /// How large the channels of values `[1, channels, height, width]` are, over all pictures.
    pub reaches: HashMap<String, Vec<Reach>>,
    /// Which values the channels of some of them take.
    pub channels: HashMap<String, Vec<Histogram>>,
}

/// How large the values of a channel are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reach {
    /// Largest distance from 0.
    pub most: f32,
    /// Mean square, a sum over the pictures.
    pub square: f32,
}

/// What is kept of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// How often which come.
    Values,
    /// How far each channel reaches, and of some values which ones each channel takes.
    Reaches,
}

/// A session, or several, with what goes on inside as outputs.
pub(super) struct Observer<'a> {
    prepared: &'a Prepared,
    wanted: Vec<String>,
    sessions: Vec<(Session, Vec<String>)>,
    threads: usize,
    watch: Watch,
    /// Values of which each channel is counted.
    counted: HashSet<String>,
    pub observed: Observed,
}

impl<'a> Observer<'a> {
    pub fn new(prepared: &'a Prepared, threads: usize, watch: Watch) -> Result<Self, QuantizeError> {
        let graph = prepared.model.graph.as_ref();
        let wanted = graph.map_or_else(Vec::new, |graph| prepared.layout.observed(graph));
        let (sessions, observed) = (Vec::new(), Observed::default());
        let counted = HashSet::new();
        let mut observer = Self { prepared, wanted, sessions, threads, watch, counted, observed };
        observer.sessions = vec![observer.session(observer.wanted.clone())?];
        Ok(observer)
    }

    /// The same, and the values of these are counted channel by channel, where reaches are watched.
    pub fn counting(self, counted: HashSet<String>) -> Self {
        Self { counted, ..self }
    }

    fn session(&self, values: Vec<String>) -> Result<(Session, Vec<String>), QuantizeError> {
        Ok((session(self.prepared, &values, self.threads)?, values))
    }

    /// Counts the values that come of one picture.
    pub fn add(&mut self, input: &ModelInput) -> Result<(), QuantizeError> {
        let (is_first, watch) = (self.observed.shapes.is_empty(), self.watch);
        let (observed, counted) = (&mut self.observed, &self.counted);
        if is_first {
            for value in self.wanted.iter().filter(|value| **value == self.prepared.input.name) {
                observed.shapes.insert(value.clone(), input.shape().to_vec());
            }
        }
        if let crate::inference::preprocess::InputValues::F32(values) = input.values() {
            observed.histograms.entry(self.prepared.input.name.clone()).or_default().add(values);
        }
        for (session, values) in &mut self.sessions {
            session.run(input, |outputs, _| {
                for output in outputs {
                    if !values.iter().any(|value| value == output.name) {
                        continue;
                    }
                    if is_first {
                        observed.shapes.insert(output.name.to_owned(), output.shape.to_vec());
                    }
                    observed.add(watch, output);
                    if counted.contains(output.name) {
                        observed.count(output);
                    }
                }
            })?;
        }
        if is_first {
            self.split()?;
        }
        Ok(())
    }

    /// Where a run holds too much at once, goes on with several sessions that hold a part each.
    fn split(&mut self) -> Result<(), QuantizeError> {
        let size = |value: &String| self.observed.shapes.get(value).map_or(0, |shape| shape.iter().product::<usize>());
        if self.wanted.iter().map(size).sum::<usize>() <= VALUES_AT_ONCE {
            return Ok(());
        }
        self.sessions.clear();
        for part in parts(&self.wanted, &self.observed.shapes) {
            self.sessions.push(self.session(part)?);
        }
        Ok(())
    }
}

/// A session that gives these values.
pub(super) fn session(prepared: &Prepared, values: &[String], threads: usize) -> Result<Session, QuantizeError> {
    let bytes = onnx::encoded(&with_outputs(&prepared.model, values), &prepared.path)?;
    let source = ModelSource::Memory(&bytes, &prepared.path);
    let options = SessionOptions { threads, optimization: Optimization::Basic, ..SessionOptions::default() };
    Ok(Session::load(source, prepared.opset(), &prepared.input, &options)?)
}

/// The values in parts, none of which is too much to be held at once.
pub(super) fn parts(values: &[String], shapes: &HashMap<String, Vec<usize>>) -> Vec<Vec<String>> {
    let mut parts: Vec<(Vec<String>, usize)> = Vec::new();
    for value in values {
        let size = shapes.get(value).map_or(0, |shape| shape.iter().product::<usize>());
        match parts.last_mut() {
            Some((part, sum)) if *sum + size <= VALUES_AT_ONCE => {
                part.push(value.clone());
                *sum += size;
            }
            _ => parts.push((vec![value.clone()], size)),
        }
    }
    parts.into_iter().map(|(part, _)| part).collect()
}

/// The model with more outputs, their types left to be worked out.
fn with_outputs(model: &ModelProto, values: &[String]) -> ModelProto {
    let mut model = model.clone();
    if let Some(graph) = &mut model.graph {
        let known = |graph: &GraphProto, value: &str| graph.output.iter().chain(&graph.input).any(|v| v.name == value);
        for value in values {
            if !known(graph, value) {
                graph.output.push(ValueInfoProto { name: value.clone(), ..Default::default() });
            }
        }
    }
    model
}

impl Observed {
    fn add(&mut self, watch: Watch, output: &OutputTensor<'_>) {
        if watch == Watch::Values {
            match self.histograms.get_mut(output.name) {
                Some(histogram) => histogram.add(output.values),
                None => self.histograms.entry(output.name.to_owned()).or_default().add(output.values),
            }
            return;
        }
        let [1, channels, height, width] = *output.shape else { return };
        let sums = self.reaches.entry(output.name.to_owned()).or_default();
        sums.resize(channels, Reach::default());
        let area = (height * width).max(1);
        for (sum, values) in sums.iter_mut().zip(output.values.chunks_exact(area)) {
            sum.most = values.iter().fold(sum.most, |most, value| most.max(value.abs()));
            sum.square += values.iter().map(|value| value * value).sum::<f32>() / area as f32;
        }
    }

    fn count(&mut self, output: &OutputTensor<'_>) {
        let [1, channels, height, width] = *output.shape else { return };
        let counts = self.channels.entry(output.name.to_owned()).or_default();
        counts.resize_with(channels, Histogram::of_channel);
        let planes = output.values.chunks_exact((height * width).max(1));
        counts.iter_mut().zip(planes).for_each(|(counts, values)| counts.add(values));
    }

    /// The codes of every tensor that was seen.
    pub fn codes(&self, graph: &GraphProto, layout: &Layout, method: Method) -> super::insert::Codes {
        let links = Links::of(graph);
        let chosen = self.histograms.iter().map(|(value, histogram)| {
            let followed = followed(graph, layout, &links, value);
            (value.clone(), choose(histogram, method, followed))
        });
        chosen.collect()
    }
}

/// What becomes of a value, as the graph says.
pub(super) fn followed(graph: &GraphProto, layout: &Layout, links: &Links<'_>, value: &str) -> Followed {
    let source = links.producer(value);
    if source.is_some_and(|source| graph.node[source].is("Sigmoid") || layout.nodes[source].is_spread) {
        return Followed::AsShare;
    }
    let mut readers: Vec<_> = links.readers(value).iter().map(|reader| &graph.node[*reader]).collect();
    // Predictions are often turned around before their sigmoid.
    while let [turned] = readers.as_slice()
        && ["Transpose", "Reshape", "Flatten", "Squeeze"].iter().any(|kind| turned.is(kind))
    {
        readers = links.readers(&turned.output[0]).iter().map(|reader| &graph.node[*reader]).collect();
    }
    if let [sigmoid] = readers.as_slice()
        && sigmoid.is("Sigmoid")
    {
        return Followed::BySigmoid;
    }
    if let [one, other] = readers.as_slice() {
        let (shifted, product) = if one.is("Add") { (one, other) } else { (other, one) };
        if shifted.is("Add") && product.is("Mul") && is_hard_swish(graph, links, shifted, product) {
            return Followed::ByHardSwish;
        }
        let (sigmoid, product) = if one.is("Sigmoid") { (one, other) } else { (other, one) };
        let reads_both = product.input.contains(&sigmoid.output[0]) && product.input.iter().any(|name| name == value);
        if sigmoid.is("Sigmoid") && product.is("Mul") && reads_both {
            return Followed::BySilu;
        }
    }
    match source {
        Some(source) if layout.nodes[source].predicts => Followed::ByDecoding,
        _ => Followed::Plainly,
    }
}

/// Whether a product is one with a sum that was cut, as in `x · min(max(x + 3, 0), 6)`.
fn is_hard_swish(graph: &GraphProto, links: &Links<'_>, shifted: &NodeProto, product: &NodeProto) -> bool {
    let is_three = |name: &String| {
        let values = links.constant(name).and_then(TensorProto::floats);
        values.is_some_and(|values| matches!(values[..], [three] if (three - 3.0).abs() < 1e-3))
    };
    let cuts = links.readers(&shifted.output[0]).iter().map(|reader| &graph.node[*reader]);
    shifted.input.iter().any(is_three)
        && cuts.into_iter().all(|cut| cut.is("Clip") && product.input.contains(&cut.output[0]))
}
