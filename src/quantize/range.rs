//! Which range of a tensor its 256 codes are spread over.

use super::Histogram;
use serde::{Deserialize, Serialize};

/// How the range of a tensor is chosen from what was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Lowest to highest value.
    #[serde(alias = "min-max")]
    MinMax,
    /// Without the outermost hundred-thousandth on either side.
    Percentile,
    /// The range after which the distribution has lost least, by Kullback-Leibler divergence (Migacz, "8-bit inference
    /// with TensorRT", 2017).
    Entropy,
    /// Least mean squared error, after the activation function where one follows (Choukroun et al., "Low-bit quantization
    /// of neural networks for efficient inference", 2019, for the criterion).
    #[default]
    Mse,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::MinMax, Self::Percentile, Self::Entropy, Self::Mse];

    /// As on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MinMax => "min-max",
            Self::Percentile => "percentile",
            Self::Entropy => "entropy",
            Self::Mse => "mse",
        }
    }
}

/// What becomes of a tensor, so far as it says which of its values matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Followed {
    /// It is used as it is.
    #[default]
    Plainly,
    /// `x · sigmoid(x)` is all that is used of it.
    BySilu,
    /// `x · min(max(x + 3, 0), 6) / 6` is all that is used of it.
    ByHardSwish,
    /// Its sigmoid is all that is used of it.
    BySigmoid,
    /// It is a result, as box coordinates are: its ends matter.
    ByDecoding,
    /// It is the result of a sigmoid.
    AsShare,
}

impl Followed {
    fn apply(self, x: f32) -> f32 {
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        match self {
            Self::BySilu => x * sigmoid(x),
            Self::ByHardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Self::BySigmoid => sigmoid(x),
            Self::Plainly | Self::ByDecoding | Self::AsShare => x,
        }
    }
}

/// `real = scale · (code - zero)`, codes 0…255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Step of one code, above 0.
    pub scale: f32,
    /// The code of 0.
    pub zero: u8,
}

impl Affine {
    /// The finest codes that reach from `low` to `high` and have one for 0, which padding needs.
    pub fn over(low: f32, high: f32) -> Self {
        let (low, mut high) = (low.min(0.0), high.max(0.0));
        if high - low < NOTHING {
            high = low + 1.0;
        }
        let mut scale = (high - low) / 255.0;
        let zero = (-low / scale).round_ties_even().clamp(0.0, 255.0) as u8;
        // ONNX Runtime leaves out a Clip only where no code lies above its limit.
        if zero == 0 && scale * 255.0 > high && high > 0.0 {
            scale = scale.next_down();
        }
        Self { scale, zero }
    }

    fn code(self, value: f32) -> u8 {
        ((value / self.scale).round_ties_even() + f32::from(self.zero)).clamp(0.0, 255.0) as u8
    }

    fn value(self, code: u8) -> f32 {
        self.scale * (f32::from(code) - f32::from(self.zero))
    }

    /// What a value comes to.
    pub(super) fn rounded(self, value: f32) -> f32 {
        self.value(self.code(value))
    }
}

/// A tensor that reaches no further holds nothing but zeros.
const NOTHING: f32 = 1e-12;
/// Share of values that a percentile keeps, on either side.
const PERCENTILE: f64 = 0.999_99;
/// Steps in which a range is narrowed, and by how much each.
const STEPS: i32 = 40;
const STEP: f32 = 0.92;
/// The same for the range of a channel.
const SPAN_STEPS: i32 = 24;
const SPAN_STEP: f32 = 0.88;
/// How far beside a value a slope is taken.
const NUDGE: f32 = 1e-2;

/// Chooses the codes of a tensor. Without any value seen they are those of 0…1.
pub fn choose(histogram: &Histogram, method: Method, followed: Followed) -> Affine {
    let Some((low, high)) = histogram.limits() else { return Affine::over(0.0, 1.0) };
    match (followed, method) {
        (Followed::AsShare, _) => Affine::over(0.0, 1.0),
        (Followed::ByDecoding, _) | (_, Method::MinMax) => Affine::over(low, high),
        (_, Method::Percentile) => {
            let low = if low >= 0.0 { 0.0 } else { histogram.quantile(1.0 - PERCENTILE) };
            Affine::over(low, histogram.quantile(PERCENTILE))
        }
        (_, Method::Entropy) => least(low, high, |affine| divergence(histogram, affine), true),
        (_, Method::Mse) => {
            let bins: Vec<(f32, f32, f32)> =
                histogram.bins().map(|(value, count)| (value, count as f32, followed.apply(value))).collect();
            least(low, high, |affine| squared_error(&bins, affine, followed), false)
        }
    }
}

/// The range of a channel that has its codes for itself, 0 need not be among them: as [`choose`], for a coarse histogram,
/// within whose bins rounding is not seen.
pub(super) fn span(histogram: &Histogram, method: Method, followed: Followed) -> (f32, f32) {
    let Some((low, high)) = histogram.limits() else { return (0.0, 1.0) };
    let narrow = || (histogram.quantile(1.0 - PERCENTILE).max(low), histogram.quantile(PERCENTILE).min(high));
    match method {
        Method::MinMax => (low, high),
        Method::Percentile | Method::Entropy => narrow(),
        Method::Mse => {
            let slope = |value: f32| (followed.apply(value + NUDGE) - followed.apply(value - NUDGE)) / (2.0 * NUDGE);
            let bins: Vec<[f32; 4]> = histogram
                .bins()
                .map(|(value, count)| [value, count as f32, followed.apply(value), slope(value).powi(2)])
                .collect();
            least_span(&bins, (low, high), followed)
        }
    }
}

/// One end after the other, twice. `bins` are values, counts, what follows of them, and the square of its slope.
fn least_span(bins: &[[f32; 4]], (low, high): (f32, f32), followed: Followed) -> (f32, f32) {
    let cost = |(low, high): (f32, f32)| -> f32 {
        let (first, last) = (followed.apply(low), followed.apply(high));
        // The mean square of what rounding to steps takes.
        let rounding = ((high - low) / 255.0).powi(2) / 12.0;
        let lost = |[value, count, wanted, slope]: &[f32; 4]| match *value {
            value if value < low => (wanted - first).powi(2) * count,
            value if value > high => (wanted - last).powi(2) * count,
            _ => rounding * slope * count,
        };
        bins.iter().map(lost).sum()
    };
    let mut best = (low, high);
    let mut best_cost = cost(best);
    let mut attempt = |range: (f32, f32), best: &mut (f32, f32)| {
        let cost = cost(range);
        if cost < best_cost {
            (best_cost, *best) = (cost, range);
        }
    };
    for _ in 0..2 {
        let (from, to) = best;
        (1..SPAN_STEPS)
            .map(|step| SPAN_STEP.powi(step))
            .for_each(|by| attempt((from, from + (high - from) * by), &mut best));
        let to = best.1.min(to);
        (1..SPAN_STEPS).map(|step| SPAN_STEP.powi(step)).for_each(|by| attempt((to - (to - low) * by, to), &mut best));
    }
    best
}

/// The narrower range at which `cost` is least: one end after the other, twice, or `both` together.
fn least(low: f32, high: f32, cost: impl Fn(Affine) -> f64, both: bool) -> Affine {
    let mut best = (low.min(0.0), high.max(0.0));
    let mut best_cost = cost(Affine::over(best.0, best.1));
    let mut attempt = |range: (f32, f32), best: &mut (f32, f32)| {
        let cost = cost(Affine::over(range.0, range.1));
        if cost < best_cost {
            (best_cost, *best) = (cost, range);
        }
    };
    let (low, high) = best;
    if both {
        (1..STEPS).map(|step| STEP.powi(step)).for_each(|by| attempt((low * by, high * by), &mut best));
    } else {
        for _ in 0..2 {
            let kept = best.0;
            (0..STEPS).map(|step| STEP.powi(step)).for_each(|by| attempt((kept, high * by), &mut best));
            let kept = best.1;
            (0..STEPS).map(|step| STEP.powi(step)).for_each(|by| attempt((low * by, kept), &mut best));
        }
    }
    Affine::over(best.0, best.1)
}

/// Over (value, count, what follows of it).
fn squared_error(bins: &[(f32, f32, f32)], affine: Affine, followed: Followed) -> f64 {
    let table: Vec<f32> = (0..=255).map(|code| followed.apply(affine.value(code))).collect();
    let error = |(value, count, wanted): &(f32, f32, f32)| {
        let off = table[usize::from(affine.code(*value))] - wanted;
        f64::from(off * off * count)
    };
    bins.iter().map(error).sum()
}

/// Kullback-Leibler divergence of the distribution as it is left from the distribution as it was, within the range; what
/// lies outside counts to the outermost bins of the former only.
fn divergence(histogram: &Histogram, affine: Affine) -> f64 {
    let (low, high) = (affine.value(0), affine.value(255));
    let (mut mass, mut filled) = ([0.0f64; 256], [0.0f64; 256]);
    let mut inside: Vec<(usize, f64)> = Vec::new();
    let (mut below, mut above) = (0.0, 0.0);
    for (value, count) in histogram.bins() {
        let count = count as f64;
        match value {
            value if value < low => below += count,
            value if value > high => above += count,
            value => {
                let code = usize::from(affine.code(value));
                mass[code] += count;
                filled[code] += 1.0;
                inside.push((code, count));
            }
        }
    }
    let left: f64 = mass.iter().sum();
    if left == 0.0 {
        return f64::INFINITY;
    }
    if let Some(first) = inside.first_mut() {
        first.1 += below;
    }
    if let Some(last) = inside.last_mut() {
        last.1 += above;
    }
    let total = left + below + above;
    let term = |(code, count): &(usize, f64)| {
        let was = count / total;
        was * (was / (mass[*code] / filled[*code] / left)).ln()
    };
    inside.iter().map(term).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: impl IntoIterator<Item = f32>) -> Histogram {
        let mut histogram = Histogram::default();
        histogram.add(&values.into_iter().collect::<Vec<f32>>());
        histogram
    }

    /// A bell with a single value far out.
    fn with_outlier() -> Histogram {
        let bell = (0..400_000).map(|index| {
            let share = (index as f32 + 0.5) / 400_000.0;
            (share / (1.0 - share)).ln() / 4.0
        });
        histogram(bell.chain([60.0]))
    }

    #[test]
    fn zero_always_has_a_code_and_ends_are_not_exceeded() {
        for (low, high) in [(-1.0, 3.0), (2.0, 6.0), (-5.0, -1.0), (0.0, 6.0), (0.0, 0.1)] {
            let affine = Affine::over(low, high);
            assert_eq!(affine.value(affine.code(0.0)), 0.0, "{low} {high}");
            assert!(low < 0.0 || high == 0.0 || affine.value(255) <= high, "{high}: {}", affine.value(255));
            assert!((affine.value(255) - high.max(0.0)).abs() <= affine.scale, "{low} {high}");
        }
        assert_eq!(Affine::over(0.0, 0.0), Affine::over(0.0, 1.0), "a tensor of zeros");
    }

    #[test]
    fn an_outlier_counts_for_min_max_alone() {
        let seen = with_outlier();
        let reach = |method| choose(&seen, method, Followed::Plainly).value(255);
        assert!(reach(Method::MinMax) > 59.0);
        for method in [Method::Percentile, Method::Entropy, Method::Mse] {
            assert!(reach(method) < 50.0, "{}: {}", method.name(), reach(method));
        }
    }

    #[test]
    fn what_an_activation_flattens_needs_few_codes() {
        let seen = histogram((0..10_000).map(|index| index as f32 / 100.0 - 80.0));
        let plain = choose(&seen, Method::Mse, Followed::Plainly);
        let silu = choose(&seen, Method::Mse, Followed::BySilu);
        assert!(plain.value(0) < -70.0 && silu.value(0) > -12.0, "{plain:?} {silu:?}");
        assert_eq!(choose(&seen, Method::Mse, Followed::AsShare), Affine::over(0.0, 1.0));
        let boxes = choose(&with_outlier(), Method::Mse, Followed::ByDecoding);
        assert!(boxes.value(255) > 59.0);
    }

    #[test]
    fn a_channel_has_its_range_where_its_values_lie() {
        let mut far = Histogram::of_channel();
        far.add(&(0..10_000).map(|index| 20.0 + index as f32 / 1000.0).collect::<Vec<_>>());
        for method in Method::ALL {
            let (low, high) = span(&far, method, Followed::Plainly);
            assert!((19.9..21.0).contains(&low) && (29.0..30.1).contains(&high), "{}: {low} {high}", method.name());
        }
        let mut wide = Histogram::of_channel();
        wide.add(&(0..10_000).map(|index| index as f32 / 100.0 - 80.0).collect::<Vec<_>>());
        let (low, high) = span(&wide, Method::Mse, Followed::BySilu);
        assert!((-15.0..-2.0).contains(&low) && high > 15.0, "{low} {high}");
    }

    #[test]
    fn the_chosen_range_has_the_least_error_of_all_tried() {
        let seen = with_outlier();
        let bins: Vec<_> = seen.bins().map(|(value, count)| (value, count as f32, value)).collect();
        let error = |affine| squared_error(&bins, affine, Followed::Plainly);
        let best = error(choose(&seen, Method::Mse, Followed::Plainly));
        for method in [Method::MinMax, Method::Percentile, Method::Entropy] {
            assert!(best <= error(choose(&seen, method, Followed::Plainly)) * 1.001, "{}", method.name());
        }
    }
}
