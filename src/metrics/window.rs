//! Rolling windows over the last frames.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Percentiles of a rolling window, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LatencySummary {
    /// Median.
    pub p50_ms: f32,
    /// 95th percentile.
    pub p95_ms: f32,
    /// Number of values it rests on; with none the others mean nothing.
    pub count: usize,
}

/// The last `capacity` durations of something.
#[derive(Clone, Debug)]
pub struct LatencyWindow {
    values_ms: VecDeque<f32>,
    capacity: usize,
}

impl LatencyWindow {
    /// An empty window of `capacity` values.
    pub fn new(capacity: usize) -> Self {
        Self { values_ms: VecDeque::with_capacity(capacity), capacity }
    }

    /// Adds a value; the oldest goes when the window is full.
    pub fn push(&mut self, value: Duration) {
        if self.values_ms.len() == self.capacity {
            self.values_ms.pop_front();
        }
        self.values_ms.push_back(value.as_secs_f32() * 1e3);
    }

    /// Number of values in the window.
    pub fn len(&self) -> usize {
        self.values_ms.len()
    }

    /// Whether the window is empty.
    pub fn is_empty(&self) -> bool {
        self.values_ms.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.values_ms.clear();
    }

    /// Median and 95th percentile; zero while the window is empty.
    pub fn summary(&self) -> LatencySummary {
        let mut sorted: Vec<f32> = self.values_ms.iter().copied().collect();
        sorted.sort_by(f32::total_cmp);
        LatencySummary { p50_ms: percentile(&sorted, 0.50), p95_ms: percentile(&sorted, 0.95), count: sorted.len() }
    }

    /// The newest `count` values in milliseconds, oldest first.
    pub fn newest_ms(&self, count: usize) -> Vec<f32> {
        self.values_ms.iter().skip(self.values_ms.len().saturating_sub(count)).copied().collect()
    }
}

/// The `fraction` (0…1) percentile of ascending values by linear interpolation between ranks, as numpy's default
/// does; 0 when there are none.
pub fn percentile(sorted: &[f32], fraction: f32) -> f32 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let position = fraction.clamp(0.0, 1.0) * last as f32;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (position - below as f32)
}

/// Events a second over a sliding span.
#[derive(Clone, Debug)]
pub struct RateMeter {
    times: VecDeque<Instant>,
    span: Duration,
}

impl RateMeter {
    /// A meter that looks back over `span`.
    pub fn new(span: Duration) -> Self {
        Self { times: VecDeque::new(), span }
    }

    /// Notes an event.
    pub fn tick(&mut self, now: Instant) {
        self.times.push_back(now);
        self.forget_before(now);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.times.clear();
    }

    /// Events a second: intervals between the events of the span over the time they took. None when fewer than two
    /// events fell in the span.
    pub fn rate(&mut self, now: Instant) -> Option<f32> {
        self.forget_before(now);
        let (first, last) = (self.times.front()?, self.times.back()?);
        let intervals = self.times.len() - 1;
        let seconds = last.duration_since(*first).as_secs_f32();
        (intervals > 0 && seconds > 0.0).then(|| intervals as f32 / seconds)
    }

    fn forget_before(&mut self, now: Instant) {
        while self.times.front().is_some_and(|time| now.duration_since(*time) > self.span) {
            self.times.pop_front();
        }
    }
}

/// Rate of a running total over a sliding span: for events that are counted elsewhere and seen only now and then.
#[derive(Clone, Debug)]
pub struct TotalRate {
    seen: VecDeque<(Instant, u64)>,
    span: Duration,
}

impl TotalRate {
    /// A meter that looks back over `span`.
    pub fn new(span: Duration) -> Self {
        Self { seen: VecDeque::new(), span }
    }

    /// Notes that the total stood at `total` at `at`.
    pub fn note(&mut self, at: Instant, total: u64) {
        self.seen.push_back((at, total));
        self.forget_before(at);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.seen.clear();
    }

    /// Events a second between the first and the last note of the span; None with fewer than two notes.
    pub fn rate(&mut self, now: Instant) -> Option<f32> {
        self.forget_before(now);
        let ((first, from), (last, to)) = (self.seen.front()?, self.seen.back()?);
        let seconds = last.saturating_duration_since(*first).as_secs_f32();
        (seconds > 0.0).then(|| (to - from) as f32 / seconds)
    }

    fn forget_before(&mut self, now: Instant) {
        while self.seen.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > self.span) {
            self.seen.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_known_values() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        for (fraction, expected) in [(0.0, 1.0), (0.5, 3.0), (0.95, 4.8), (1.0, 5.0)] {
            assert!((percentile(&values, fraction) - expected).abs() < 1e-5);
        }
        assert_eq!(percentile(&[], 0.5), 0.0);
        assert_eq!(percentile(&[7.0], 0.95), 7.0);
    }

    #[test]
    fn a_full_window_forgets_the_oldest() {
        let mut window = LatencyWindow::new(3);
        for ms in [100, 1, 2, 3] {
            window.push(Duration::from_millis(ms));
        }
        assert_eq!(window.len(), 3);
        assert!((window.summary().p50_ms - 2.0).abs() < 1e-3);
        assert_eq!(window.newest_ms(2).len(), 2);
    }

    #[test]
    fn the_rate_of_a_total_counts_what_was_not_seen() {
        let start = Instant::now();
        let mut meter = TotalRate::new(Duration::from_secs(2));
        assert_eq!(meter.rate(start), None);
        // Every fourth frame of a camera at 30 frames a second is taken.
        for taken in 0..20u64 {
            meter.note(start + Duration::from_secs_f64(taken as f64 * 4.0 / 30.0), taken * 4);
        }
        let now = start + Duration::from_secs_f64(19.0 * 4.0 / 30.0);
        assert!((meter.rate(now).unwrap() - 30.0).abs() < 0.01);
    }

    #[test]
    fn the_rate_counts_intervals_inside_the_span() {
        let start = Instant::now();
        let mut meter = RateMeter::new(Duration::from_secs(2));
        assert_eq!(meter.rate(start), None);
        for i in 0..=100 {
            meter.tick(start + Duration::from_millis(50 * i));
        }
        let now = start + Duration::from_secs(5);
        assert!((meter.rate(now).unwrap() - 20.0).abs() < 0.01);
        assert_eq!(meter.rate(now + Duration::from_secs(10)), None);
    }
}
