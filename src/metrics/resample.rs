//! Intervals by resampling: how far a figure would move if other pictures of the same kind had been taken.

use super::percentile;

/// With fewer units an interval would say more than is known.
pub(super) const UNITS_MIN: usize = 10;
/// The interval holds the figure in 95 of 100 resamplings.
const TAILS: [f32; 2] = [0.025, 0.975];
/// The same pictures give the same interval, today and tomorrow.
const SEED: u64 = 0x5eed;

/// The interval that holds a figure in 95 of 100 resamplings (bootstrap percentile; Efron, "Bootstrap methods:
/// another look at the jackknife", 1979). Each resampling draws `units` times with replacement; `figure` gets how
/// often each unit was drawn, and gives none where it is not defined. None with fewer than ten units, or where the
/// figure is defined in fewer than half of the resamplings.
pub(super) fn interval(
    units: usize,
    resamples: usize,
    mut figure: impl FnMut(&[u32]) -> Option<f64>,
) -> Option<[f64; 2]> {
    intervals(units, resamples, 1, |drawn, _| figure(drawn)).into_iter().next().flatten()
}

/// The same for several figures of the same resamplings, in their order; `figure` also gets which one is asked for.
pub(super) fn intervals(
    units: usize,
    resamples: usize,
    count: usize,
    mut figure: impl FnMut(&[u32], usize) -> Option<f64>,
) -> Vec<Option<[f64; 2]>> {
    if units < UNITS_MIN {
        return vec![None; count];
    }
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut drawn = vec![0; units];
    let mut found: Vec<Vec<f32>> = vec![Vec::with_capacity(resamples); count];
    for _ in 0..resamples {
        drawn.fill(0);
        (0..units).for_each(|_| drawn[random.usize(..units)] += 1);
        for (index, figures) in found.iter_mut().enumerate() {
            figures.extend(figure(&drawn, index).map(|figure| figure as f32));
        }
    }
    let ends = |mut figures: Vec<f32>| {
        figures.sort_by(f32::total_cmp);
        let defined = figures.len() * 2 >= resamples.max(1);
        defined.then(|| TAILS.map(|tail| f64::from(percentile(&figures, tail))))
    };
    found.into_iter().map(ends).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_is_that_of_the_central_limit() {
        // 400 coins, half of them heads: standard error 0.025, so 1.96 of them to each side.
        let heads = |drawn: &[u32]| {
            let sum: u32 = drawn.iter().step_by(2).sum();
            Some(f64::from(sum) / drawn.len() as f64)
        };
        let [low, high] = interval(400, 4000, heads).unwrap();
        assert!((low - 0.451).abs() < 0.006 && (high - 0.549).abs() < 0.006, "{low} … {high}");
        assert_eq!(interval(400, 4000, heads), Some([low, high]), "the seed is fixed");
    }

    #[test]
    fn several_figures_of_the_same_resamplings_are_what_each_is_alone() {
        let share = |drawn: &[u32], step: usize| Some(f64::from(drawn.iter().step_by(step).sum::<u32>()) / 60.0);
        let together = intervals(60, 500, 3, |drawn, index| if index == 2 { None } else { share(drawn, index + 2) });
        assert_eq!(
            together,
            [interval(60, 500, |drawn| share(drawn, 2)), interval(60, 500, |drawn| share(drawn, 3)), None]
        );
        assert_eq!(intervals(UNITS_MIN - 1, 100, 2, |_, _| Some(0.5)), [None, None]);
    }

    #[test]
    fn too_few_units_or_too_few_figures_give_no_interval() {
        assert_eq!(interval(UNITS_MIN - 1, 100, |_| Some(0.5)), None);
        assert_eq!(interval(20, 100, |_| None), None);
        let mut calls = 0;
        let seldom = |_: &[u32]| {
            calls += 1;
            (calls % 3 == 0).then_some(0.5)
        };
        assert_eq!(interval(20, 99, seldom), None);
    }
}
