//! Figures from what was measured.

use crate::evaluate::Quantiles;
use crate::metrics::bootstrap::{interval95, median, quantile};
use crate::metrics::percentile;

/// Quantiles of values in any order; zeros where there are none.
pub(super) fn quantiles(values: impl IntoIterator<Item = f32>) -> Quantiles {
    let mut sorted: Vec<f32> = values.into_iter().collect();
    sorted.sort_by(f32::total_cmp);
    let at = |fraction| percentile(&sorted, fraction);
    Quantiles { p50: at(0.50), p95: at(0.95), p99: at(0.99) }
}

/// Median of the values of one turn.
pub(super) fn turn_median(values: &[f32]) -> f64 {
    median(&values.iter().map(|value| f64::from(*value)).collect::<Vec<f64>>())
}

/// A ratio of two, and the interval that holds it in 95 of 100 resamplings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio {
    pub value: f64,
    pub interval: [f64; 2],
}

/// Median of the ratios of `these` to `those`, round by round.
pub(super) fn ratio(these: &[f64], those: &[f64]) -> Ratio {
    let ratios: Vec<f64> = these.iter().zip(those).map(|(this, that)| this / that).collect();
    let of_drawn = |drawn: &[usize]| median(&drawn.iter().map(|round| ratios[*round]).collect::<Vec<f64>>());
    Ratio { value: median(&ratios), interval: interval95(ratios.len(), of_drawn) }
}

/// Interquartile range over the median: how far the middle half of the rounds is apart.
pub(super) fn spread(medians: &[f64]) -> f64 {
    let mut sorted = medians.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = quantile(&sorted, 0.5);
    let range = quantile(&sorted, 0.75) - quantile(&sorted, 0.25);
    if middle > 0.0 { range / middle } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_known_values() {
        let Quantiles { p50, p95, p99 } = quantiles((0..=100).rev().map(|value| value as f32));
        assert_eq!([p50, p95, p99], [50.0, 95.0, 99.0]);
        assert_eq!(quantiles([]), Quantiles::default());
        assert_eq!(turn_median(&[3.0, 1.0, 2.0, 10.0]), 2.5);
    }

    #[test]
    fn a_ratio_is_taken_round_by_round_so_that_a_slow_round_hurts_neither() {
        // The machine was three times as slow in two of five rounds.
        let those = [10.0, 30.0, 10.0, 30.0, 10.0];
        let these = those.map(|ms| ms * 0.5);
        assert_eq!(ratio(&these, &those), Ratio { value: 0.5, interval: [0.5, 0.5] });
        assert_eq!(ratio(&those, &those), Ratio { value: 1.0, interval: [1.0, 1.0] });
        let Ratio { value, interval } = ratio(&[4.0, 5.0, 6.0, 5.0, 5.2], &[10.0; 5]);
        assert_eq!(value, 0.5);
        // The median of five draws is the least one with probability 0.058, and so for the greatest: both ends are in.
        assert_eq!(interval, [0.4, 0.6]);
    }

    #[test]
    fn the_spread_is_the_middle_half() {
        // Quartiles of 8, 9, 10, 11, 30 are 9 and 11.
        assert!((spread(&[30.0, 8.0, 11.0, 9.0, 10.0]) - 0.2).abs() < 1e-12);
        assert_eq!(spread(&[7.0]), 0.0);
        assert_eq!(spread(&[0.0, 0.0]), 0.0);
    }
}
