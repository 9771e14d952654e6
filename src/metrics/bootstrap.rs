//! The percentile bootstrap: how much a figure would move if the sample had come out differently.
//!
//! Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7, 1979.

/// How often the sample is drawn again. The ends of the interval are its 25th and 975th value or so.
const RESAMPLES: usize = 1000;
/// The interval must not change from run to run on the same data.
const SEED: u64 = 0x7175_616E_7473_636F;

/// Interval that holds `statistic` in 95 of 100 resamplings (with replacement) of `samples` things.
///
/// `statistic` is given the indices that were drawn, `samples` of them, each below `samples`, in no order. Equal data
/// give equal intervals. Values that are not finite (a resampling without anything to measure) are left out; both ends
/// are NaN where nothing is left, and with no samples.
pub fn interval95(samples: usize, mut statistic: impl FnMut(&[usize]) -> f64) -> [f64; 2] {
    if samples == 0 {
        return [f64::NAN; 2];
    }
    let mut chance = Chance(SEED);
    let mut drawn = vec![0; samples];
    let mut values = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        drawn.fill_with(|| chance.below(samples));
        let value = statistic(&drawn);
        if value.is_finite() {
            values.push(value);
        }
    }
    values.sort_by(f64::total_cmp);
    [quantile(&values, 0.025), quantile(&values, 0.975)]
}

/// The `fraction` (0…1) quantile of ascending values by linear interpolation between ranks, as numpy's default does;
/// NaN when there are none.
pub fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = fraction.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
}

/// Median of values in any order; NaN when there are none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
struct Chance(u64);

impl Chance {
    /// Uniform in 0…`count`-1 (the high half of a product: Lemire, "Fast random integer generation in an interval", 2019).
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        ((u128::from(z) * count as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_is_that_of_the_normal_distribution() {
        // 400 values, mean 49.5, standard deviation of 0…99 = 28.866: the mean's error is 1.4433, and 1.96 times that.
        let values: Vec<f64> = (0..400).map(|i| f64::from(i % 100)).collect();
        let mean = |drawn: &[usize]| drawn.iter().map(|i| values[*i]).sum::<f64>() / drawn.len() as f64;
        let [low, high] = interval95(values.len(), mean);
        // The ends of a thousand resamplings scatter by about 0.12 themselves.
        assert!((low - (49.5 - 2.829)).abs() < 0.4, "{low}");
        assert!((high - (49.5 + 2.829)).abs() < 0.4, "{high}");
        assert_eq!([low, high], interval95(values.len(), mean), "not the same twice");
    }

    #[test]
    fn every_thing_is_drawn_equally_often() {
        let mut counts = [0u32; 7];
        interval95(counts.len(), |drawn| {
            assert_eq!(drawn.len(), 7);
            drawn.iter().for_each(|i| counts[*i] += 1);
            0.0
        });
        // 1000 ± 4 standard deviations of a binomial (7000, 1/7), which is 29.
        assert!(counts.iter().all(|count| (880..1120).contains(count)), "{counts:?}");
    }

    #[test]
    fn few_or_no_things() {
        assert!(interval95(0, |_| 1.0).iter().all(|end| end.is_nan()));
        assert!(interval95(3, |_| f64::NAN).iter().all(|end| end.is_nan()));
        assert_eq!(interval95(1, |drawn| drawn[0] as f64 + 0.5), [0.5, 0.5]);
        // Of two things both, or one of them twice: the interval holds everything.
        assert_eq!(interval95(2, |drawn| (drawn[0] + drawn[1]) as f64), [0.0, 2.0]);
        // What cannot be measured in a resampling is left out.
        assert_eq!(interval95(2, |drawn| if drawn[0] == drawn[1] { f64::NAN } else { 4.0 }), [4.0, 4.0]);
    }

    #[test]
    fn quantiles_and_medians_of_known_values() {
        let sorted = [1.0, 2.0, 3.0, 4.0, 5.0];
        for (fraction, expected) in [(0.0, 1.0), (0.5, 3.0), (0.95, 4.8), (1.0, 5.0)] {
            assert!((quantile(&sorted, fraction) - expected).abs() < 1e-12);
        }
        assert!(quantile(&[], 0.5).is_nan());
        assert_eq!(median(&[9.0, 1.0, 4.0, 2.0]), 3.0);
        assert!(median(&[]).is_nan());
    }
}
