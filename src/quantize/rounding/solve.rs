//! From moments to codes: the nearest point of a lattice, looked for as Babai did ("On Lovász' lattice reduction and the
//! nearest lattice point problem", 1986), which is what GPTQ does in the other order (Chen et al., "The geometry of LLM
//! quantization: GPTQ as Babai's nearest plane algorithm", 2025), then code by code until nothing becomes better.

/// What is added to the mean square of each value, as a share of the mean over all: pictures are few, and values that never
/// vary must not take up what others lose.
const DAMPING: f32 = 0.01;
/// Shares of the scale at which the largest weight just fits that are tried: with smaller steps some weights are cut off.
const SHRUNK: [f32; 6] = [1.0, 0.95, 0.9, 0.85, 0.8, 0.7];
/// No smaller scale is tried when one is worse than the best by this factor.
const HOPELESS: f64 = 1.5;
/// How often all codes are looked at in the end.
const PASSES: usize = 3;

/// The measure of errors of a row of weights, and its triangle.
pub(super) struct Metric {
    width: usize,
    /// Damped moments, `[width, width]`.
    moments: Vec<f32>,
    /// Which value each row of the triangle belongs to: the one that is decided last comes first.
    order: Vec<usize>,
    /// Lower triangle `L` with `L·Lᵀ` the moments in this order, `[width, width]`.
    triangle: Vec<f32>,
}

impl Metric {
    /// Of moments `[width, width]`. Values of which most is known from the others are decided first, as in sorted QR
    /// decomposition (Wübben et al., "Efficient algorithm for decoding layered space-time codes", 2001).
    pub fn of(mut moments: Vec<f32>, width: usize) -> Self {
        let mean = (0..width).map(|place| moments[place * width + place]).sum::<f32>() / width.max(1) as f32;
        let damping = (mean * DAMPING).max(f32::MIN_POSITIVE);
        (0..width).for_each(|place| moments[place * width + place] += damping);
        // Of each value in its own order, what of its square is left when those before are known.
        let mut left: Vec<f32> = (0..width).map(|place| moments[place * width + place]).collect();
        let mut open: Vec<usize> = (0..width).collect();
        let mut order = Vec::with_capacity(width);
        let mut lines = vec![0.0f32; width * width];
        for step in 0..width {
            let least = (0..open.len()).min_by(|one, other| left[open[*one]].total_cmp(&left[open[*other]]));
            let place = open.swap_remove(least.unwrap_or(0));
            let root = left[place].max(damping * 0.5).sqrt();
            let pivot = lines[place * width..][..step].to_vec();
            lines[place * width + step] = root;
            for other in &open {
                let line = &mut lines[other * width..][..=step];
                let value = (moments[other * width + place] - dot(&line[..step], &pivot)) / root;
                line[step] = value;
                left[*other] -= value * value;
            }
            order.push(place);
        }
        let triangle = order.iter().flat_map(|place| &lines[place * width..][..width]).copied().collect();
        Self { width, moments, order, triangle }
    }

    /// `H·e`.
    fn slope(&self, error: &[f32]) -> Vec<f32> {
        self.moments.chunks_exact(self.width.max(1)).map(|line| dot(line, error)).collect()
    }
}

/// A row's codes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    pub codes: Vec<f32>,
    pub scale: f32,
    /// `eᵀ·H·e`.
    pub error: f64,
    /// The same of nearest rounding.
    pub nearest: f64,
}

/// Rounds rows of weights of which the largest code is `limit`.
pub(super) struct Rounder<'a> {
    metric: &'a Metric,
    limit: f32,
    /// For each place in the metric's order, what those that are decided have already lost there.
    lost: Vec<f32>,
}

impl<'a> Rounder<'a> {
    pub fn new(metric: &'a Metric, limit: f32) -> Self {
        Self { metric, limit, lost: vec![0.0; metric.width] }
    }

    /// The best codes of a row; at `scale` its largest weight has the largest code. Smaller scales are tried where it may
    /// `shrink`.
    pub fn round(&mut self, weights: &[f32], scale: f32, shrink: bool) -> Found {
        let nearest: Vec<f32> = weights.iter().map(|weight| self.code(weight / scale)).collect();
        let error = self.error(weights, &nearest, scale);
        let mut best = Found { codes: nearest, scale, error, nearest: error };
        for share in SHRUNK.into_iter().take(if shrink { SHRUNK.len() } else { 1 }) {
            let scale = scale * share;
            let (codes, error) = self.babai(weights, scale);
            if error < best.error {
                best = Found { codes, scale, error, ..best };
            } else if error > best.error * HOPELESS && share < 1.0 {
                break;
            }
        }
        self.polish(weights, &mut best);
        best
    }

    fn code(&self, steps: f32) -> f32 {
        steps.round_ties_even().clamp(-self.limit, self.limit)
    }

    /// Codes one after the other, each made for what those before have lost; and the error.
    fn babai(&mut self, weights: &[f32], scale: f32) -> (Vec<f32>, f64) {
        let Metric { width, order, triangle, .. } = self.metric;
        self.lost.fill(0.0);
        let mut codes = vec![0.0; *width];
        let mut sum = 0.0;
        for step in (0..*width).rev() {
            let (place, line) = (order[step], &triangle[step * width..][..=step]);
            let wanted = weights[place] - self.lost[step] / line[step];
            let code = self.code(wanted / scale);
            let error = code * scale - weights[place];
            sum += f64::from(line[step] * error + self.lost[step]).powi(2);
            self.lost.iter_mut().zip(&line[..step]).for_each(|(lost, by)| *lost += by * error);
            codes[place] = code;
        }
        (codes, sum)
    }

    fn error(&self, weights: &[f32], codes: &[f32], scale: f32) -> f64 {
        let error: Vec<f32> = codes.iter().zip(weights).map(|(code, weight)| code * scale - weight).collect();
        let slope = self.metric.slope(&error);
        slope.iter().zip(&error).map(|(slope, error)| f64::from(slope * error)).sum()
    }

    /// Moves single codes as long as that helps.
    fn polish(&self, weights: &[f32], found: &mut Found) {
        let (width, scale) = (self.metric.width, found.scale);
        let error: Vec<f32> = found.codes.iter().zip(weights).map(|(code, weight)| code * scale - weight).collect();
        let mut slope = self.metric.slope(&error);
        for _ in 0..PASSES {
            let mut moved = false;
            for place in 0..width {
                let line = &self.metric.moments[place * width..][..width];
                let code = self.code(found.codes[place] - slope[place] / (line[place] * scale));
                let by = (code - found.codes[place]) * scale;
                let gained = -f64::from(by) * (2.0 * f64::from(slope[place]) + f64::from(by) * f64::from(line[place]));
                if gained > found.error * 1e-6 {
                    found.codes[place] = code;
                    found.error -= gained;
                    slope.iter_mut().zip(line).for_each(|(slope, value)| *slope += by * value);
                    moved = true;
                }
            }
            if !moved {
                return;
            }
        }
    }
}

/// A sum in lanes, which the compiler can do side by side.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0f32; LANES];
    let (one, other) = (one.chunks_exact(LANES), other.chunks_exact(LANES));
    let rest: f32 = one.remainder().iter().zip(other.remainder()).map(|(a, b)| a * b).sum();
    for (one, other) in one.zip(other) {
        for lane in 0..LANES {
            sums[lane] += one[lane] * other[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 40;
    const SCALE: f32 = 1.0 / 31.0;

    fn weights(row: usize) -> Vec<f32> {
        let wave = |place: usize| ((place * 7 + row * 13 + 1) as f32 * 0.73).sin();
        (0..WIDTH).map(|place| wave(place) * wave(place + row).abs().max(0.2)).collect()
    }

    /// Of values that go along with their neighbours.
    fn correlated() -> Vec<f32> {
        let of = |place: usize| 0.95f32.powi((place / WIDTH).abs_diff(place % WIDTH) as i32);
        (0..WIDTH * WIDTH).map(of).collect()
    }

    fn white() -> Vec<f32> {
        (0..WIDTH * WIDTH).map(|place| if place / WIDTH == place % WIDTH { 2.0 } else { 0.0 }).collect()
    }

    fn errors(moments: Vec<f32>) -> (f64, f64) {
        let metric = Metric::of(moments, WIDTH);
        let mut rounder = Rounder::new(&metric, 31.0);
        let found: Vec<Found> = (0..20).map(|row| rounder.round(&weights(row), SCALE, true)).collect();
        for (row, found) in found.iter().enumerate() {
            let again = rounder.error(&weights(row), &found.codes, found.scale);
            assert!((again - found.error).abs() <= 1e-3 * again + 1e-9, "{again} {}", found.error);
            assert!(found.error <= found.nearest && found.codes.iter().all(|code| code.abs() <= 31.0));
        }
        (found.iter().map(|found| found.error).sum(), found.iter().map(|found| found.nearest).sum())
    }

    #[test]
    fn where_values_go_together_less_than_half_of_the_error_is_left() {
        let (own, nearest) = errors(correlated());
        assert!(own < 0.5 * nearest, "{own} of {nearest}");
    }

    #[test]
    fn where_they_do_not_it_is_never_worse_than_the_nearest() {
        let (own, nearest) = errors(white());
        assert!(own <= nearest && own > 0.3 * nearest, "{own} of {nearest}");
    }

    #[test]
    fn the_triangle_gives_the_moments_back() {
        let metric = Metric::of(correlated(), WIDTH);
        for (row, place) in metric.order.iter().enumerate() {
            for (column, other) in metric.order.iter().enumerate() {
                let lines = [row, column].map(|line| &metric.triangle[line * WIDTH..][..WIDTH]);
                let known = metric.moments[place * WIDTH + other];
                assert!((dot(lines[0], lines[1]) - known).abs() < 1e-4, "{row} {column}");
            }
        }
    }

    #[test]
    fn values_that_never_vary_are_rounded_to_the_nearest() {
        let metric = Metric::of(vec![0.0; 4], 2);
        let found = Rounder::new(&metric, 127.0).round(&[0.301, -0.999], 0.01, true);
        assert!(found.scale > 0.0 && found.codes.iter().all(|code| code.is_finite()), "{found:?}");
    }
}
