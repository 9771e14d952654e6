//! Equalization across layers (Nagel et al., "Data-free quantization through weight equalization and bias correction",
//! 2019): channels that reach less far than others of their tensor are made larger by a factor, which the convolutions
//! that read them take back. It changes nothing of what the network says, but rounding.

use super::channels::{Channels, Class, FIXED};
use super::layout::Layout;
use super::observe::{Observed, Observer, Reach, Watch};
use super::prepare::Prepared;
use super::{Progress, QuantizeError, Report, tell};
use crate::inference::preprocess::ModelInput;
use crate::inference::session::{ModelSource, Session};
use crate::inference::{Optimization, SessionOptions};
use crate::onnx;
use crate::onnx::graph::{Links, Names};
use crate::onnx::proto::{GraphProto, ModelProto, TensorProto};
use std::collections::{HashMap, HashSet};

/// No channel becomes larger than by this.
const GAIN_MAX: f32 = 64.0;
/// Share of the power of an output by which it may change: floats in another order.
const SAME: f64 = 1e-6;
/// Of a channel that is always 0.
const REACH_MIN: f32 = 1e-9;

/// How large the channels of values are.
pub(super) type Reaches = HashMap<String, Vec<Reach>>;

/// What pictures come to in a model, channel by channel; the values of `counted` are counted besides.
pub(super) fn watch(
    prepared: &Prepared,
    pictures: &[ModelInput],
    counted: HashSet<String>,
    threads: usize,
    report: &mut Report<'_>,
) -> Result<Observed, QuantizeError> {
    let mut observer = Observer::new(prepared, threads, Watch::Reaches)?.counting(counted);
    let of = pictures.len();
    for (done, picture) in pictures.iter().enumerate() {
        tell(report, Progress::Equalizing { done, of })?;
        observer.add(picture)?;
    }
    tell(report, Progress::Equalizing { done: of, of })?;
    let mut observed = observer.observed;
    let count = pictures.len().max(1) as f32;
    observed.reaches.values_mut().flatten().for_each(|reach| reach.square /= count);
    Ok(observed)
}

/// Equalizes a model by what these pictures come to in it; leaves it as it is where that changes what it says.
pub(super) fn equalize(
    prepared: &mut Prepared,
    seen: &Observed,
    picture: Option<&ModelInput>,
) -> Result<(), QuantizeError> {
    let (Some((model, scaled)), Some(picture)) =
        (equalized(&prepared.model, &prepared.layout, &seen.shapes, &seen.reaches), picture)
    else {
        return Ok(());
    };
    if changes(prepared, &model, picture)? {
        prepared.notes.push("channels were not equalized across layers: the outputs would change".to_owned());
        return Ok(());
    }
    prepared.notes.push(format!("{scaled} channels were equalized across layers"));
    prepared.model = model;
    Ok(())
}

/// Whether a model says something else than the one that was prepared.
pub(super) fn changes(prepared: &Prepared, model: &ModelProto, picture: &ModelInput) -> Result<bool, QuantizeError> {
    Ok(differ(&outputs(prepared, &prepared.model, picture)?, &outputs(prepared, model, picture)?))
}

fn outputs(prepared: &Prepared, model: &ModelProto, picture: &ModelInput) -> Result<Vec<Vec<f32>>, QuantizeError> {
    let bytes = onnx::encoded(model, &prepared.path)?;
    let options = SessionOptions { threads: 1, optimization: Optimization::Basic, ..SessionOptions::default() };
    let source = ModelSource::Memory(&bytes, &prepared.path);
    let mut session = Session::load(source, prepared.opset(), &prepared.input, &options)?;
    let read = session.run(picture, |outputs, _| outputs.iter().map(|output| output.values.to_vec()).collect());
    Ok(read?)
}

/// Whether outputs differ by more than sums in another order do.
fn differ(before: &[Vec<f32>], after: &[Vec<f32>]) -> bool {
    let is_other = |(before, after): (&Vec<f32>, &Vec<f32>)| {
        let power: f64 = before.iter().map(|value| f64::from(*value).powi(2)).sum();
        let error: f64 = before.iter().zip(after).map(|(one, other)| f64::from(one - other).powi(2)).sum();
        before.len() != after.len() || error > power * SAME
    };
    before.len() != after.len() || before.iter().zip(after).any(is_other)
}

/// The model with its channels equalized, and how many were scaled; none where none can be.
fn equalized(
    model: &ModelProto,
    layout: &Layout,
    shapes: &HashMap<String, Vec<usize>>,
    reaches: &Reaches,
) -> Option<(ModelProto, usize)> {
    let graph = model.graph.as_ref()?;
    let channels = Channels::of(graph, layout, shapes, &[]);
    let gains = gains(graph, &channels, reaches);
    let count =
        gains.iter().enumerate().filter(|(class, gain)| channels.class(*class) == *class && **gain != 1.0).count();
    if count == 0 {
        return None;
    }
    let mut result = ModelProto { graph: None, ..model.clone() };
    result.graph = Some(scaled(graph, &channels, &gains));
    Some((result, count))
}

/// The factor of every member, 1 or above, so that no tensor reaches further than before.
///
/// Larger data lose less in their rounding, and the smaller weights that read them lose more in theirs. With steps `d` of
/// the data and `e` of the weights, the error's power is that of `d · w/s` and of `e · x·s`, which is least where
/// `s² = (d · w) / (e · x)`, `w` and `x` being root mean squares. Where a channel's weights have a scale of their own they
/// lose nothing, and the channel may reach as far as its tensor does.
pub(super) fn gains(graph: &GraphProto, channels: &Channels, reaches: &Reaches) -> Vec<f32> {
    let count = channels.len();
    let (mut own, mut target) = (vec![Reach::default(); count], vec![0f32; count]);
    for (value, reaches) in reaches {
        let members = channels.of_value(value).filter(|members| members.len() == reaches.len());
        let largest = reaches.iter().map(|reach| reach.most).fold(0.0, f32::max);
        for (member, reach) in members.into_iter().flatten().zip(reaches) {
            let class = channels.class(*member);
            let known = &mut own[class];
            *known = Reach { most: known.most.max(reach.most), square: known.square.max(reach.square) };
            target[class] = target[class].max(largest);
        }
    }
    let weights = importances(graph, channels);
    let gain = |member: Class| {
        let class = channels.class(member);
        if class == FIXED || target[class] == 0.0 {
            return 1.0;
        }
        let most = (target[class] / own[class].most.max(REACH_MIN)).clamp(1.0, GAIN_MAX);
        match weights[class] {
            None => most,
            Some(share) => {
                let steps = 127.0 / 255.0 * target[class] / own[class].square.sqrt().max(REACH_MIN);
                (steps * share).sqrt().clamp(1.0, most)
            }
        }
    };
    (0..count).map(gain).collect()
}

/// For every class the root mean square of the weights that read it, each as a share of the largest weight with the same
/// scale; none where all of them have scales of their own.
fn importances(graph: &GraphProto, channels: &Channels) -> Vec<Option<f32>> {
    let links = Links::of(graph);
    let mut sums = vec![(0f32, 0f32); channels.len()];
    for layer in &channels.layers {
        let node = &graph.node[layer.node];
        let Some(tensor) = links.constant(&node.input[1]) else { continue };
        let (Some(values), shape) = (tensor.floats(), tensor.shape()) else { continue };
        let (each, inner) = (shape[1], shape[2..].iter().product::<usize>());
        if each < 2 {
            continue;
        }
        let a_group = layer.makes.len() / layer.groups;
        for (row, weights) in values.chunks_exact((each * inner).max(1)).enumerate() {
            let largest = weights.iter().fold(f32::MIN_POSITIVE, |most, weight| most.max(weight.abs()));
            for (place, weights) in weights.chunks_exact(inner.max(1)).enumerate() {
                let class = channels.class(layer.reads[row / a_group * each + place]);
                sums[class].0 += weights.iter().map(|weight| (weight / largest).powi(2)).sum::<f32>();
                sums[class].1 += inner as f32;
            }
        }
    }
    sums.into_iter().map(|(sum, count)| (count > 0.0).then(|| (sum / count).sqrt())).collect()
}

/// The graph with these factors in its weights and biases; each layer gets weights of its own.
pub(super) fn scaled(graph: &GraphProto, channels: &Channels, gains: &[f32]) -> GraphProto {
    let mut result = graph.clone();
    let (links, mut names) = (Links::of(graph), Names::of(graph));
    for layer in &channels.layers {
        let node = &graph.node[layer.node];
        let gain_of = |members: &[Class]| members.iter().map(|member| gains[*member]).collect::<Vec<f32>>();
        let (read, made) = (gain_of(&layer.reads), gain_of(&layer.makes));
        if read.iter().chain(&made).all(|gain| *gain == 1.0) {
            continue;
        }
        let Some(tensor) = links.constant(&node.input[1]) else { continue };
        let (Some(mut values), shape) = (tensor.floats(), tensor.shape()) else { continue };
        let (each, inner) = (shape[1], shape[2..].iter().product::<usize>());
        let a_group = made.len() / layer.groups;
        for (place, weight) in values.iter_mut().enumerate() {
            let (row, column) = (place / (each * inner), place / inner % each);
            *weight *= made[row] / read[row / a_group * each + column];
        }
        let mut replace = |place: usize, shape: &[usize], values: &[f32]| {
            let name = names.fresh(&format!("{}_equalized", node.input[place]));
            result.initializer.push(TensorProto::of_floats(&name, shape, values));
            result.node[layer.node].input[place] = name;
        };
        replace(1, &shape, &values);
        let bias = node.input.get(2).and_then(|bias| links.constant(bias)).and_then(TensorProto::floats);
        if let Some(mut bias) = bias {
            bias.iter_mut().zip(&made).for_each(|(bias, gain)| *bias *= gain);
            replace(2, &[bias.len()], &bias);
        }
    }
    super::insert::remove_unread(&mut result);
    result
}

#[cfg(test)]
#[path = "equalize_tests.rs"]
mod tests;
