//! A network in segments of layers that follow each other, and what it costs and brings to leave one in floats: single
//! layers in floats cost a conversion each, a segment costs one.

use super::judge::Judge;
use super::maker::Maker;
use super::plan::Choice;
use super::prepare::heavy;
use super::{Progress, QuantizeError, Report, tell};

/// So many segments at most; a network with fewer layers has a segment a layer.
const SEGMENTS: usize = 20;
/// A segment that costs less than this share of the time of the model in floats counts as costing so much: less cannot be
/// measured in a few runs.
const COST_MIN: f64 = 0.01;

/// Names of the layers of each segment that are in integers by `choice`, in the graph's order; the segments have about as
/// much work each.
pub(super) fn segments(maker: &Maker, choice: &Choice) -> Vec<Vec<String>> {
    let maker = maker.of(choice);
    let integer = maker.integers(choice);
    let layers: Vec<(usize, &str)> = heavy(&maker.prepared.model, &maker.prepared.layout)
        .filter(|(index, _)| integer[*index])
        .map(|(index, node)| (maker.work(index), node.name.as_str()))
        .collect();
    let all: usize = layers.iter().map(|(work, _)| work).sum();
    // Layers are not free where they have little work.
    let floor = all / layers.len().max(1) / 2;
    let all: usize = layers.iter().map(|(work, _)| work + floor).sum();
    let mut segments: Vec<Vec<String>> = Vec::new();
    let (mut before, mut place) = (0usize, usize::MAX);
    for (work, name) in &layers {
        let own = if layers.len() <= SEGMENTS { segments.len() } else { before * SEGMENTS / all.max(1) };
        if own != place {
            segments.push(Vec::new());
            place = own;
        }
        before += work + floor;
        if let Some(segment) = segments.last_mut() {
            segment.push((*name).to_owned());
        }
    }
    segments
}

/// The segments that bring something when they are left in floats, besides what is by `choice`, the one that brings most
/// for its time first.
pub(super) fn ranked(
    maker: &Maker,
    choice: &Choice,
    judge: &mut Judge,
    report: &mut Report<'_>,
) -> Result<Vec<Vec<String>>, QuantizeError> {
    let segments = segments(maker, choice);
    let of = segments.len();
    let mut pulse = || tell(report, Progress::Sensitivity { done: 0, of });
    let before = judge.glance(&maker.make(choice)?.bytes, &mut pulse)?;
    let mut found = Vec::new();
    for (done, segment) in segments.iter().enumerate() {
        let mut pulse = || tell(report, Progress::Sensitivity { done, of });
        let mut without = choice.clone();
        without.float_nodes.extend(segment.iter().cloned());
        let after = judge.glance(&maker.make(&without)?.bytes, &mut pulse)?;
        let gained = before.error - after.error;
        let cost = (after.time - before.time).max(COST_MIN);
        if gained > 0.0 {
            found.push((gained / cost, segment.clone()));
        }
    }
    found.sort_by(|one, other| other.0.total_cmp(&one.0));
    Ok(found.into_iter().map(|(_, segment)| segment).collect())
}
