//! Looking for the layers that are to stay in floats: first whole stretches at the beginning, which are cheap to leave,
//! then single layers, the most sensitive first; each attempt is measured for agreement and for speed.

use super::judge::{Judge, Measured};
use super::plan::Choice;
use super::{Gate, Point, QuantizeError};
use std::collections::BTreeSet;

/// Resolutions until which the network may stay in floats. Detectors predict from 8 on.
const STRIDES: [usize; 4] = [0, 4, 8, 16];
/// Of two models whose agreement differs by less, the faster one is better: of some thirty pictures no more is known.
const NOISE: f64 = 0.015;
/// Models that take at most this share of the time of the one in floats come before slower ones.
const FAST_ENOUGH: f64 = 0.85;
/// A model that is slower than this share of the one in floats is not worth having.
const WORTH_IT: f64 = 0.95;

/// Builds the model of a choice: its bytes, and how many convolutions and products are in integers.
pub(super) type Build<'a> = dyn FnMut(&Choice) -> Result<(Vec<u8>, BTreeSet<String>), QuantizeError> + 'a;

/// All that was tried, and the best of it.
pub(super) struct Search<'a, 'b> {
    pub judge: &'a mut Judge<'b>,
    pub build: &'a mut Build<'a>,
    pub progress: &'a mut dyn FnMut(usize, usize, &Choice) -> Result<(), QuantizeError>,
    pub points: Vec<Point>,
    pub layers: usize,
}

impl Search<'_, '_> {
    /// Tries one choice; one that comes to the same model as an earlier one is not tried again.
    pub fn attempt(&mut self, choice: Choice, left: usize) -> Result<usize, QuantizeError> {
        (self.progress)(self.points.len(), self.points.len() + 1 + left, &choice)?;
        let (bytes, float) = (self.build)(&choice)?;
        if let Some(known) = self.points.iter().position(|point| point.bytes == bytes) {
            return Ok(known);
        }
        let measured = self.judge.measure(&bytes)?;
        let integers = self.layers - float.len();
        self.points.push(Point { choice, integers, float, measured, bytes });
        Ok(self.points.len() - 1)
    }

    /// The stretches at the beginning, with the predictions in integers or not.
    pub fn stretches(&mut self) -> Result<(), QuantizeError> {
        for (index, float_until_stride) in STRIDES.into_iter().enumerate() {
            let choice = Choice { float_until_stride, ..Choice::default() };
            self.attempt(choice, 2 * STRIDES.len() - index - 1)?;
        }
        for (index, float_until_stride) in STRIDES.into_iter().enumerate() {
            let choice = Choice { float_until_stride, float_predictions: true, ..Choice::default() };
            self.attempt(choice, STRIDES.len() - index - 1)?;
        }
        Ok(())
    }

    /// Leaves more and more layers in floats, the most sensitive first, in steps that double, until the gate holds.
    pub fn refine(&mut self, from: usize, sensitive: &[String], gate: &Gate) -> Result<(), QuantizeError> {
        const STEPS: [usize; 4] = [2, 4, 8, 16];
        let base = self.points[from].choice.clone();
        for (index, count) in STEPS.into_iter().enumerate().filter(|(_, count)| *count < sensitive.len()) {
            let float_nodes: BTreeSet<String> = base.float_nodes.iter().chain(&sensitive[..count]).cloned().collect();
            let point = self.attempt(Choice { float_nodes, ..base.clone() }, STEPS.len() - index - 1)?;
            if gate.failed_by(&self.points[point].measured).is_none() {
                break;
            }
        }
        Ok(())
    }
}

/// Of the points that pass the gate and are fast enough, the fastest whose agreement is as good as that of the best, to
/// the noise of the measurement. Where none is fast enough, of those that are worth it; where none passes, of all.
pub(super) fn best(points: &[Point], gate: &Gate) -> Option<usize> {
    let passing: Vec<usize> =
        (0..points.len()).filter(|index| gate.failed_by(&points[*index].measured).is_none()).collect();
    let all = if passing.is_empty() { (0..points.len()).collect() } else { passing };
    let at_most = |share: f64| -> Vec<usize> {
        all.iter().copied().filter(|index| points[*index].measured.latency_ratio <= share).collect()
    };
    let chosen =
        [at_most(FAST_ENOUGH), at_most(WORTH_IT)].into_iter().find(|some| !some.is_empty()).unwrap_or(all.clone());
    let closeness = |index: &usize| points[*index].measured.agreement.closeness;
    let highest = chosen.iter().map(closeness).fold(0.0, f64::max);
    let as_good = chosen.iter().copied().filter(|index| closeness(index) >= highest - NOISE);
    as_good.min_by(|one, other| {
        let ratio = |index: &usize| points[*index].measured.latency_ratio;
        ratio(one).total_cmp(&ratio(other))
    })
}

/// The points than which none is both faster and agrees better, the fastest first.
pub fn front(points: &[Point]) -> Vec<usize> {
    let beaten = |measured: &Measured| {
        points.iter().any(|other| {
            let other = &other.measured;
            let (faster, better) =
                (other.latency_ratio <= measured.latency_ratio, other.agreement.f1 >= measured.agreement.f1);
            faster && better && other != measured
        })
    };
    let mut front: Vec<usize> = (0..points.len()).filter(|index| !beaten(&points[*index].measured)).collect();
    front.sort_by(|one, other| points[*one].measured.latency_ratio.total_cmp(&points[*other].measured.latency_ratio));
    front
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::Agreement;

    fn point(f1: f64, latency_ratio: f64) -> Point {
        let agreement = Agreement { f1, closeness: f1, ..Agreement::default() };
        let measured = Measured { agreement, latency_ratio, latency_ms: [latency_ratio, 1.0], executed: None };
        Point { choice: Choice::default(), integers: 1, float: BTreeSet::new(), measured, bytes: Vec::new() }
    }

    #[test]
    fn the_fastest_of_those_that_are_as_good_is_chosen() {
        let points = [point(0.5, 0.7), point(0.90, 0.8), point(0.91, 0.9), point(0.99, 1.2)];
        let gate = Gate::default();
        assert_eq!(best(&points, &gate), Some(1), "of those that are fast enough the one that agrees best");
        assert_eq!(best(&[point(0.90, 0.88), point(0.91, 0.9)], &gate), Some(0), "to the noise as good, and faster");
        assert_eq!(best(&points, &Gate { min_agreement: Some(0.95), ..gate }), Some(3));
        assert_eq!(best(&points, &Gate { min_agreement: Some(0.905), ..gate }), Some(2));
        assert_eq!(best(&points, &Gate { min_agreement: Some(1.0), min_speedup: Some(2.0) }), Some(1), "none passes");
        assert_eq!(best(&[], &gate), None);
        assert_eq!(front(&points), [0, 1, 2, 3]);
        assert_eq!(front(&[point(0.9, 0.8), point(0.8, 0.9)]), [0]);
    }
}
