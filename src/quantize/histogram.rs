//! How often which values come in a tensor, counted over any number of pictures in the same memory.

/// Bins, half of them below zero.
const BINS: usize = 4096;
/// Bins of a channel, of which a network has thousands.
const BINS_OF_CHANNEL: usize = 1024;

/// Counts of the finite values of a tensor in bins of equal width around zero. Where a value lies outside, the bins become
/// twice as wide, neighbours being added up, so that memory does not grow and nothing has to be seen twice.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    /// Upper end; the lower one is its negative. 0 before the first value that is not 0.
    reach: f32,
    minimum: f32,
    maximum: f32,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::of(BINS)
    }
}

impl Histogram {
    /// A coarser one, for one channel.
    pub(super) fn of_channel() -> Self {
        Self::of(BINS_OF_CHANNEL)
    }

    fn of(bins: usize) -> Self {
        Self { counts: vec![0; bins], reach: 0.0, minimum: f32::INFINITY, maximum: f32::NEG_INFINITY }
    }

    fn half(&self) -> usize {
        self.counts.len() / 2
    }

    /// Counts more values. Those that are not finite are left out.
    pub fn add(&mut self, values: &[f32]) {
        let (mut minimum, mut maximum) = (self.minimum, self.maximum);
        for value in values.iter().filter(|value| value.is_finite()) {
            minimum = minimum.min(*value);
            maximum = maximum.max(*value);
        }
        (self.minimum, self.maximum) = (minimum, maximum);
        self.reach_to(minimum.abs().max(maximum.abs()));
        let (scale, reach) = (self.half() as f32 / self.reach.max(f32::MIN_POSITIVE), self.reach);
        let last = self.counts.len() - 1;
        for value in values {
            // A value that is not finite is cut to an end or to 0 here; comparing costs more than it is worth, so those
            // are counted only where there are none.
            let place = ((value + reach) * scale) as usize;
            self.counts[place.min(last)] += u64::from(value.is_finite());
        }
    }

    fn reach_to(&mut self, magnitude: f32) {
        if !magnitude.is_finite() || magnitude <= self.reach {
            return;
        }
        if self.reach == 0.0 {
            // Only zeros so far: they lie in the first bin of the upper half, whatever its width.
            let zeros: u64 = self.counts.iter().sum();
            self.counts.fill(0);
            let half = self.half();
            self.counts[half] = zeros;
            self.reach = magnitude;
        }
        let half = self.half();
        while self.reach < magnitude {
            let wider: Vec<u64> = self.counts.chunks_exact(2).map(|pair| pair[0] + pair[1]).collect();
            self.counts.fill(0);
            self.counts[half / 2..half / 2 + half].copy_from_slice(&wider);
            self.reach *= 2.0;
        }
    }

    /// Lowest and highest value; None before the first.
    pub fn limits(&self) -> Option<(f32, f32)> {
        (self.minimum <= self.maximum).then_some((self.minimum, self.maximum))
    }

    /// Number of values.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The middle of every bin that is not empty, cut to the limits, and its count; from low to high.
    pub fn bins(&self) -> impl Iterator<Item = (f32, u64)> {
        let width = self.reach / self.half() as f32;
        let counted = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        counted.map(move |(index, count)| {
            let middle = (index as f32 + 0.5 - self.half() as f32) * width;
            (middle.clamp(self.minimum, self.maximum), *count)
        })
    }

    /// The value below which `share` (0…1) of all values lie, to the width of a bin.
    pub fn quantile(&self, share: f64) -> f32 {
        let wanted = share * self.total() as f64;
        let mut below = 0.0;
        for (value, count) in self.bins() {
            below += count as f64;
            if below >= wanted {
                return value;
            }
        }
        self.maximum.max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_once_whatever_comes_first() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.limits(), None);
        histogram.add(&[0.0, 0.0]);
        histogram.add(&[1.0, -0.5, f32::NAN]);
        histogram.add(&[100.0, f32::INFINITY]);
        assert_eq!((histogram.total(), histogram.limits()), (5, Some((-0.5, 100.0))));
        let bins: Vec<(f32, u64)> = histogram.bins().collect();
        let width = 128.0 / histogram.half() as f32;
        for value in [-0.5, 0.0, 1.0, 100.0] {
            assert!(bins.iter().any(|(middle, _)| (middle - value).abs() <= width), "{value} in {bins:?}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let values: Vec<f32> = (0..10_000).map(|index| index as f32 / 100.0 - 20.0).collect();
        let mut histogram = Histogram::default();
        values.chunks(777).for_each(|chunk| histogram.add(chunk));
        for share in [0.001, 0.25, 0.5, 0.999] {
            let wanted = share as f32 * 100.0 - 20.0;
            assert!((histogram.quantile(share) - wanted).abs() < 0.1, "{share}: {}", histogram.quantile(share));
        }
    }
}
