//! From a choice of layers to a model.

use super::corrections::{self, Corrections, Shifts};
use super::forms::Writing;
use super::layout::Kind;
use super::noise::Noise;
use super::observe::Observed;
use super::plan::{self, Choice};
use super::prepare::{Prepared, heavy};
use super::range::Method;
use super::rounding::Learned;
use super::times::JudgeBy;
use super::{Numbers, QuantizeError, Recipe, Request, insert, layout};
use crate::onnx;
use crate::onnx::proto::TensorProto;
use std::collections::{BTreeSet, HashMap};

/// Makes models of choices.
pub(super) struct Maker {
    pub prepared: Prepared,
    pub codes: insert::Codes,
    pub weight_limit: i8,
    pub numbers: Numbers,
    strides: Vec<usize>,
    /// Of values that were seen at work.
    pub shapes: HashMap<String, Vec<usize>>,
    method: Method,
    corrections: Corrections,
    pictures: usize,
    judged_by: Option<JudgeBy>,
    /// Mean errors of layers that are to be taken from their biases.
    pub shifts: Shifts,
    /// Codes of weights that are not simply the nearest.
    pub learned: Learned,
    /// What each layer loses alone.
    pub noise: HashMap<usize, Noise>,
    /// The same network with a range for each channel.
    pub scaled: Option<Box<Maker>>,
    /// Whether that is all that is asked for.
    pub always_scaled: bool,
}

/// A model that was made.
pub(super) struct Made {
    /// The file's contents.
    pub bytes: Vec<u8>,
    /// Convolutions and products in integers.
    pub integers: usize,
    /// Names of those in floats.
    pub float: BTreeSet<String>,
}

impl Maker {
    pub fn new(prepared: Prepared, observed: Observed, request: &Request, pictures: usize) -> Self {
        let method = request.range_method();
        let corrections = request.corrections();
        let by_request = || request.weight_limit.unwrap_or_else(weight_limit);
        let weight_limit = request.recipe.as_ref().map_or_else(by_request, |recipe| recipe.weight_limit);
        let numbers = request.recipe.as_ref().map_or(request.numbers, |recipe| recipe.numbers);
        // With steps as fine as those of 16 bits nothing has to be cut off.
        let ranges = if numbers.activations.is_wide() { Method::MinMax } else { method };
        let height = prepared.input.size.height as usize;
        let (codes, strides) = prepared.model.graph.as_ref().map_or_else(Default::default, |graph| {
            let codes = observed.codes(graph, &prepared.layout, ranges);
            (codes, layout::strides(graph, &observed.shapes, height))
        });
        let (shapes, shifts, judged_by) = (observed.shapes, Shifts::new(), request.recorded_judge());
        Self {
            prepared,
            codes,
            numbers,
            strides,
            shapes,
            method,
            weight_limit,
            corrections,
            pictures,
            judged_by,
            shifts,
            learned: Learned::new(),
            noise: HashMap::new(),
            scaled: None,
            always_scaled: false,
        }
    }

    /// What a choice is made of.
    pub fn of(&self, choice: &Choice) -> &Self {
        self.scaled.as_deref().filter(|_| choice.channel_scales).unwrap_or(self)
    }

    /// The choice with what is asked for in every model, and without what cannot be had.
    pub fn settled(&self, choice: Choice) -> Choice {
        let channel_scales = self.scaled.is_some() && (choice.channel_scales || self.always_scaled);
        Choice { channel_scales, ..choice }
    }

    pub fn recipe(&self, choice: &Choice) -> Recipe {
        Recipe {
            parent_sha256: self.prepared.sha256.clone(),
            method: self.method,
            weight_limit: self.weight_limit,
            pictures: self.pictures,
            judged_by: self.judged_by,
            numbers: self.numbers,
            corrections: self.corrections,
            choice: choice.clone(),
        }
    }

    /// For every node whether it works in integers.
    pub fn integers(&self, choice: &Choice) -> Vec<bool> {
        if let Some(scaled) = self.scaled.as_deref().filter(|_| choice.channel_scales) {
            return scaled.integers(choice);
        }
        let graph = self.prepared.model.graph.as_ref();
        graph.map_or_else(Vec::new, |graph| plan::integers(graph, &self.prepared.layout, &self.strides, choice))
    }

    /// Products that a layer computes, for a picture.
    pub fn work(&self, index: usize) -> usize {
        let Some(graph) = &self.prepared.model.graph else { return 0 };
        let facts = &self.prepared.layout.nodes[index];
        let node = &graph.node[index];
        let result = &graph.node[facts.clamped_by.unwrap_or(index)].output[0];
        let weights = graph.initializer.iter().find(|tensor| tensor.name == node.input[1]);
        let weights = weights.and_then(TensorProto::count).unwrap_or(0);
        let places = self.shapes.get(result).map_or(1, |shape| match facts.kind {
            Kind::Convolution => shape.iter().skip(2).product(),
            _ => shape.iter().rev().skip(1).product(),
        });
        weights * places
    }

    pub fn make(&self, choice: &Choice) -> Result<Made, QuantizeError> {
        if let Some(scaled) = self.scaled.as_deref().filter(|_| choice.channel_scales) {
            return scaled.make(choice);
        }
        let integer = self.integers(choice);
        let layers = || heavy(&self.prepared.model, &self.prepared.layout);
        let float = layers().filter(|(index, _)| !integer[*index]).map(|(_, node)| node.name.clone());
        let unbiased = corrections::unbiased(&self.prepared.model, &integer, &self.shifts);
        let writing = Writing {
            model: &unbiased,
            layout: &self.prepared.layout,
            integer: &integer,
            codes: &self.codes,
            weight_limit: self.weight_limit,
            numbers: self.numbers,
            learned: &self.learned,
        };
        let mut model = writing.write(choice);
        self.recipe(choice).store([self.prepared.own_bytes, self.prepared.weights], &mut model);
        Ok(Made {
            bytes: onnx::encoded(&model, &self.prepared.path)?,
            integers: layers().filter(|(index, _)| integer[*index]).count(),
            float: float.collect(),
        })
    }
}

/// On x86 processors without VNNI the sum of two products of 8 bits is cut to 16 bits (ONNX Runtime, "Quantize ONNX
/// models": "saturation"); weights of 7 bits avoid it.
fn weight_limit() -> i8 {
    #[cfg(target_arch = "x86_64")]
    {
        let vnni = std::arch::is_x86_feature_detected!("avx512vnni") || std::arch::is_x86_feature_detected!("avxvnni");
        if !vnni {
            return 63;
        }
    }
    127
}
