//! Looking for the layers that are to stay in floats: first whole stretches at the beginning, which are cheap to leave,
//! then single layers, the most sensitive first; each attempt is measured for agreement and for speed.

use super::judge::{Judge, Measured};
use super::maker::{Made, Maker};
use super::plan::Choice;
use super::{Gate, Point, Progress, QuantizeError, Report, segments, tell};

/// Resolutions until which the network may stay in floats. Detectors predict from 8 on.
const STRIDES: [usize; 4] = [0, 4, 8, 16];
/// Of two models whose agreement differs by less, the faster one is better: of some thirty pictures no more is known.
const NOISE: f64 = 0.015;
/// F1 that is looked for, where less is asked for.
const AIM: f64 = 0.95;
/// Of so many layers one is left in floats, the noisiest ones.
const NOISY_SHARES: [usize; 5] = [16, 8, 4, 3, 2];
/// Segments that are left in floats at most.
const STEPS: usize = 8;
/// Models that take at most this share of the time of the one in floats come before slower ones.
const FAST_ENOUGH: f64 = 0.85;
/// A model that is slower than this share of the one in floats is not worth having.
pub(super) const WORTH_IT: f64 = 0.95;

/// All that was tried, and the best of it.
pub(super) struct Search<'a, 'b> {
    pub judge: &'a mut Judge,
    pub maker: &'a Maker,
    pub report: &'a mut Report<'b>,
    pub points: Vec<Point>,
}

impl Search<'_, '_> {
    /// Tries one choice; one that comes to the same model as an earlier one is not tried again.
    pub fn attempt(&mut self, choice: Choice, left: usize) -> Result<usize, QuantizeError> {
        let done = self.points.len();
        tell(self.report, Progress::Trying { done, of: done + 1 + left, choice: choice.clone() })?;
        let Made { bytes, integers, float } = self.maker.make(&choice)?;
        if let Some(known) = self.points.iter().position(|point| point.bytes == bytes) {
            return Ok(known);
        }
        let measured = self.judge.measure(&bytes)?;
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

    /// Where no model that is fast enough agrees as it should: leaves the layers in floats that lose most alone, in shares
    /// that double, and then, from the best so far, segment after segment, those first that bring most for their time, until
    /// one does or none is worth it. `noisy` are the layers by what they lose.
    pub fn refine(&mut self, gate: &Gate, noisy: &[String]) -> Result<(), QuantizeError> {
        for share in NOISY_SHARES.into_iter().filter(|share| noisy.len() >= *share) {
            if self.has_reached(gate) {
                return Ok(());
            }
            let float_nodes = noisy[..noisy.len() / share].iter().cloned().collect();
            self.attempt(Choice { float_nodes, ..Choice::default() }, STEPS)?;
        }
        let Some(from) = best(&self.points, gate).filter(|_| !self.has_reached(gate)) else { return Ok(()) };
        let base = self.points[from].choice.clone();
        let segments = segments::ranked(self.maker, &base, self.judge, self.report)?;
        let mut float_nodes = base.float_nodes.clone();
        for (index, segment) in segments.iter().enumerate().take(STEPS) {
            float_nodes.extend(segment.iter().cloned());
            let left = segments.len().min(STEPS) - index - 1;
            let point = self.attempt(Choice { float_nodes: float_nodes.clone(), ..base.clone() }, left)?;
            let measured = &self.points[point].measured;
            if self.has_reached(gate) || measured.latency_ratio > WORTH_IT && gate.agrees(measured) {
                break;
            }
        }
        Ok(())
    }

    /// Whether some model that is fast enough agrees as is asked for, and well.
    fn has_reached(&self, gate: &Gate) -> bool {
        let aim = gate.min_agreement.unwrap_or(0.0).max(AIM);
        self.points.iter().map(|point| &point.measured).any(|measured| {
            // A speed that is asked for is not reached by leaving more in floats.
            measured.agreement.f1 >= aim && measured.latency_ratio <= FAST_ENOUGH && gate.agrees(measured)
        })
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
    use std::collections::BTreeSet;

    fn point(f1: f64, latency_ratio: f64) -> Point {
        let agreement = Agreement { f1, closeness: f1, boxes: 50, ..Agreement::default() };
        let measured =
            Measured { agreement, latency_ratio, latency_ms: [latency_ratio, 1.0], ap: None, executed: None };
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
        assert_eq!(
            best(&points, &Gate { min_agreement: Some(1.0), min_speedup: Some(2.0), ..gate }),
            Some(1),
            "none passes"
        );
        let mut nothing_seen = point(1.0, 0.5);
        nothing_seen.measured.agreement.boxes = 0;
        assert_eq!(gate.failed_by(&nothing_seen.measured), None);
        let reason = Gate { min_agreement: Some(0.8), ..gate }.failed_by(&nothing_seen.measured).unwrap();
        assert!(reason.contains("finds nothing on"), "{reason}");
        assert_eq!(best(&[], &gate), None);
        assert_eq!(front(&points), [0, 1, 2, 3]);
        assert_eq!(front(&[point(0.9, 0.8), point(0.8, 0.9)]), [0]);
    }
}
