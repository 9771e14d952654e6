//! Which of the models that were tried is the best, which are on the front, and what the best one lacks.

use super::search::WORTH_IT;
use super::{Gate, JudgeBy, Measured, Point};

/// Of two models whose F1 and closeness together differ by less, the faster one is better: of some thirty pictures no more is
/// known.
const NOISE: f64 = 0.03;
/// Times that differ by less are the same.
const TIME_NOISE: f64 = 0.02;
/// F1 that is looked for, where less is asked for.
const F1: f64 = 0.95;
/// Where labels tell average precision as well, this F1 is enough. Over some thirty pictures either is uncertain by 0.02, and
/// with 0.93 a model passed that kept 0.96 of its average precision on others.
const F1_WITH_AP: f64 = 0.94;
/// By how much average precision may fall, where no other limit is asked for.
const AP_DROP: f64 = 0.01;
/// Where no model is as good as is looked for, those that take at most this share of the time come before slower ones.
const FAST: f64 = 0.85;

/// What is looked for. The gate says what must be, this is what is aimed at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Aim {
    f1: f64,
    f1_with_ap: f64,
    ap_drop: f64,
    /// Time over that of the model in floats, at which nothing faster is looked for.
    ratio: f64,
}

impl Aim {
    /// What is looked for beyond what a gate asks for.
    pub fn of(gate: &Gate, judged_by: JudgeBy) -> Self {
        let least = gate.min_agreement.unwrap_or(0.0);
        let ratio = match judged_by {
            JudgeBy::Accelerated => 0.6,
            JudgeBy::Plain => 0.85,
        };
        Self {
            f1: least.max(F1),
            f1_with_ap: least.max(F1_WITH_AP),
            ap_drop: gate.max_ap_drop.unwrap_or(AP_DROP),
            ratio: gate.min_speedup.map_or(ratio, |speedup| ratio.min(1.0 / speedup)),
        }
    }

    /// Whether a model agrees as is looked for: by its average precision, where labels tell that.
    pub fn is_accurate(&self, measured: &Measured) -> bool {
        match measured.ap_drop() {
            Some(drop) => drop <= self.ap_drop && measured.agreement.f1 >= self.f1_with_ap,
            None => measured.agreement.f1 >= self.f1,
        }
    }

    /// Whether a model is as fast as is looked for, to the noise of the measurement.
    pub fn is_fast(&self, measured: &Measured) -> bool {
        measured.ratio() <= self.ratio + TIME_NOISE
    }

    /// Whether a model can take the place of another one: as good as is looked for, or as that one is.
    pub fn is_as_good(&self, measured: &Measured, other: &Measured) -> bool {
        self.is_accurate(measured) || (!self.is_accurate(other) && agrees(measured) >= agrees(other) - NOISE)
    }

    /// What a model lacks of what was looked for, as a sentence without its full stop.
    pub fn missed(&self, measured: &Measured) -> Option<String> {
        let mut lacks = Vec::new();
        if !self.is_accurate(measured) {
            lacks.push(match measured.ap {
                Some([own, float]) => format!(
                    "an AP within {:.3} of FP32's {float:.3} at an F1 of at least {:.2} (it has {own:.3} and {:.3})",
                    self.ap_drop, self.f1_with_ap, measured.agreement.f1
                ),
                None => format!("an F1 of {:.2} with the FP32 model (it has {:.3})", self.f1, measured.agreement.f1),
            });
        }
        if !self.is_fast(measured) {
            let place = measured.times.judged_by.place();
            lacks.push(format!("{:.2} of the FP32 time {place} (it takes {:.2})", self.ratio, measured.ratio()));
        }
        (!lacks.is_empty()).then(|| {
            format!(
                "no model that was tried has all that is looked for; the best compromise lacks {}",
                lacks.join(" and ")
            )
        })
    }
}

/// F1 and closeness together: the one sees boxes come and go, the other how each of them changes.
fn agrees(measured: &Measured) -> f64 {
    measured.agreement.f1 + measured.agreement.closeness
}

/// Of the points that pass the gate and are worth having, the fastest that is as good as is looked for; of those that take
/// about the same time the one that agrees best. Where none is as good, of those that are fast the fastest that agrees
/// as the best of them does, to the noise of the measurement. Where none passes, of all.
pub(super) fn best(points: &[Point], gate: &Gate, aim: &Aim) -> Option<usize> {
    let ratio = |index: usize| points[index].measured.ratio();
    let agrees = |index: usize| agrees(&points[index].measured);
    let passing: Vec<usize> =
        (0..points.len()).filter(|index| gate.failed_by(&points[*index].measured).is_none()).collect();
    let all = if passing.is_empty() { (0..points.len()).collect() } else { passing };
    let at_most = |share: f64| -> Vec<usize> { all.iter().copied().filter(|index| ratio(*index) <= share).collect() };
    let mut good = at_most(WORTH_IT);
    good.retain(|index| aim.is_accurate(&points[*index].measured));
    let fastest = good.iter().map(|index| ratio(*index)).fold(f64::INFINITY, f64::min);
    if fastest.is_finite() {
        good.retain(|index| ratio(*index) <= fastest + TIME_NOISE);
        return good.into_iter().max_by(|one, other| agrees(*one).total_cmp(&agrees(*other)));
    }
    let chosen = [at_most(FAST), at_most(WORTH_IT)].into_iter().find(|some| !some.is_empty()).unwrap_or(all);
    let highest = chosen.iter().map(|index| agrees(*index)).fold(0.0, f64::max);
    let as_good = chosen.into_iter().filter(|index| agrees(*index) >= highest - NOISE);
    as_good.min_by(|one, other| ratio(*one).total_cmp(&ratio(*other)))
}

/// The points than which none is both faster and agrees better, the fastest first.
pub fn front(points: &[Point]) -> Vec<usize> {
    let beaten = |measured: &Measured| {
        points.iter().any(|other| {
            let other = &other.measured;
            let (faster, better) = (other.ratio() <= measured.ratio(), other.agreement.f1 >= measured.agreement.f1);
            faster && better && other != measured
        })
    };
    let mut front: Vec<usize> = (0..points.len()).filter(|index| !beaten(&points[*index].measured)).collect();
    front.sort_by(|one, other| points[*one].measured.ratio().total_cmp(&points[*other].measured.ratio()));
    front
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::{Agreement, Choice, Speed, Times};
    use std::collections::BTreeSet;

    fn point(f1: f64, ratio: f64) -> Point {
        let agreement = Agreement { f1, closeness: f1, boxes: 50, ..Agreement::default() };
        let times = Times::new(JudgeBy::Accelerated, Speed { ratio, ms: [ratio, 1.0] });
        let measured = Measured { agreement, times, ap: None, executed: None };
        Point { choice: Choice::default(), integers: 1, float: BTreeSet::new(), measured, bytes: Vec::new().into() }
    }

    fn with_ap(f1: f64, ratio: f64, own: f64) -> Point {
        let mut point = point(f1, ratio);
        point.measured.ap = Some([own, 0.5]);
        point
    }

    fn chosen(points: &[Point], gate: Gate) -> Option<usize> {
        best(points, &gate, &Aim::of(&gate, JudgeBy::Accelerated))
    }

    #[test]
    fn of_those_that_are_good_enough_the_fastest_is_chosen() {
        let gate = Gate::default();
        assert_eq!(chosen(&[point(0.5, 0.5), point(0.96, 0.7), point(0.99, 0.75)], gate), Some(1));
        assert_eq!(
            chosen(&[point(0.96, 0.7), point(0.99, 0.71)], gate),
            Some(1),
            "in about the same time the closer one"
        );
        assert_eq!(chosen(&[point(0.94, 0.5), point(0.96, 0.97)], gate), Some(0), "0.97 of the time is no gain");
        let labelled = [with_ap(0.8, 0.5, 0.5), with_ap(0.94, 0.6, 0.495), with_ap(0.99, 0.7, 0.5)];
        assert_eq!(chosen(&labelled, gate), Some(1), "average precision counts where it is known");
        let strict = Gate { max_ap_drop: Some(0.002), ..gate };
        assert_eq!(chosen(&labelled, strict), Some(2));
    }

    #[test]
    fn where_none_is_good_enough_the_fastest_of_the_closest_is_chosen() {
        let points = [point(0.5, 0.7), point(0.90, 0.8), point(0.91, 0.9), point(0.94, 1.2)];
        let gate = Gate::default();
        assert_eq!(chosen(&points, gate), Some(1), "of those that are fast the one that agrees best");
        assert_eq!(chosen(&[point(0.90, 0.88), point(0.91, 0.9)], gate), Some(0), "to the noise as good, and faster");
        assert_eq!(chosen(&points, Gate { min_agreement: Some(0.93), ..gate }), Some(3));
        assert_eq!(chosen(&points, Gate { min_agreement: Some(0.905), ..gate }), Some(2));
        let nothing = Gate { min_agreement: Some(1.0), min_speedup: Some(2.0), ..gate };
        assert_eq!(chosen(&points, nothing), Some(1), "none passes");
        assert_eq!(chosen(&[], gate), None);
        assert_eq!(front(&points), [0, 1, 2, 3]);
        assert_eq!(front(&[point(0.9, 0.8), point(0.8, 0.9)]), [0]);
    }

    #[test]
    fn where_the_fp32_model_finds_nothing_a_gate_says_so() {
        let mut nothing_seen = point(1.0, 0.5);
        nothing_seen.measured.agreement.boxes = 0;
        assert_eq!(Gate::default().failed_by(&nothing_seen.measured), None);
        let reason = Gate { min_agreement: Some(0.8), ..Gate::default() }.failed_by(&nothing_seen.measured).unwrap();
        assert!(reason.contains("finds nothing on"), "{reason}");
        let slow = Gate { min_speedup: Some(3.0), ..Gate::default() }.failed_by(&nothing_seen.measured).unwrap();
        assert!(slow.contains("2.00 times as fast as the FP32 model in quantscope"), "{slow}");
    }

    #[test]
    fn what_is_missed_is_said() {
        let aim = Aim::of(&Gate::default(), JudgeBy::Accelerated);
        assert_eq!(aim.missed(&point(0.96, 0.55).measured), None);
        let both = aim.missed(&point(0.93, 0.66).measured).unwrap();
        assert!(both.contains("an F1 of 0.95 with the FP32 model (it has 0.930)"), "{both}");
        assert!(both.contains("0.60 of the FP32 time in quantscope (it takes 0.66)"), "{both}");
        let labelled = aim.missed(&with_ap(0.96, 0.5, 0.47).measured).unwrap();
        assert!(labelled.contains("an AP within 0.010 of FP32's 0.500") && !labelled.contains("time"), "{labelled}");
        let plain = Aim::of(&Gate::default(), JudgeBy::Plain);
        assert_eq!(plain.missed(&point(0.96, 0.8).measured), None, "without acceleration less is to be had");
    }

    #[test]
    fn a_shorter_stretch_is_as_good_where_it_is_good_enough_or_as_close() {
        let aim = Aim::of(&Gate::default(), JudgeBy::Accelerated);
        let good = |one: f64, other: f64| aim.is_as_good(&point(one, 0.5).measured, &point(other, 0.6).measured);
        assert!(good(0.95, 0.99) && good(0.92, 0.93));
        assert!(!good(0.94, 0.96), "the longer one is good enough");
        assert!(!good(0.90, 0.93));
    }
}
