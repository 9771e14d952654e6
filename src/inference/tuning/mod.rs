//! How many threads a model's session uses, and whether they spin while they wait, found by measuring on this machine.
//!
//! Two lanes, the capture and the window share the cores, so a session is given no more than its part of them, and it is
//! measured beside whatever runs: threads that would only take from others show no gain. What was found is kept beside
//! what acceleration made (`kept`), by the model's content, ONNX Runtime, the machine and the number of lanes.

mod kept;
mod measure;

pub use measure::{RunClock, SessionClock, Settled, recall, settle};

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a session uses the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tuning {
    /// Threads inside one operator, at least 1.
    pub threads: usize,
    /// Whether these wait for the next operator by spinning, which is quick and keeps cores busy. Of one thread it means
    /// nothing.
    pub spinning: bool,
}

/// Where a session's [`Tuning`] comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TunedBy {
    /// It was asked for, by a person or by a caller.
    #[default]
    Order,
    /// It is what suits most models of this machine; it is to be measured.
    Custom,
    /// It was measured.
    Measuring(Measured),
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// What the machine is shared by.
    pub share: Share,
    /// What was tried, in the order of [`Share::candidates`].
    pub rows: Vec<Row>,
}

/// One [`Tuning`] that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What was tried.
    pub tuning: Tuning,
    /// Median time of a run in microseconds.
    pub micros: u64,
}

/// Most threads that are tried: small detectors gain nothing from more.
const THREADS_MAX: usize = 16;
/// A gain below this is not worth more threads, nor that they spin.
const WORTH: f64 = 0.05;

/// Cores, and the lanes that share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Physical cores that this process may use.
    pub cores: usize,
    /// Lanes that have a model.
    pub lanes: usize,
}

impl Share {
    /// What is to be tried: one thread, half of a lane's cores and all of them; spinning too where a core is left to the
    /// capture and the window. What takes fewest comes first.
    pub fn candidates(self) -> Vec<Tuning> {
        let lanes = self.lanes.max(1);
        let most = (self.cores / lanes).clamp(1, THREADS_MAX);
        let mut numbers = vec![1, most.div_ceil(2), most];
        numbers.dedup();
        let of = |threads: usize| {
            let may_spin = threads > 1 && threads * lanes < self.cores;
            let ways = if may_spin { &[false, true][..] } else { &[false] };
            ways.iter().map(move |spinning| Tuning { threads, spinning: *spinning })
        };
        numbers.into_iter().flat_map(of).collect()
    }
}

impl Measured {
    /// The first that is at most 5 % slower than the fastest one; None where nothing was tried.
    pub fn best(&self) -> Option<Tuning> {
        let fastest = self.rows.iter().map(|row| row.micros).min()?;
        let limit = fastest as f64 * (1.0 + WORTH);
        self.rows.iter().find(|row| row.micros as f64 <= limit).map(|row| row.tuning)
    }

    /// Such as `2 threads are best (1: 8.2 ms, 2: 5.1 ms, 2 spinning: 5.0 ms), measured with two models loaded`.
    pub fn in_words(&self) -> Option<String> {
        let best = self.best()?;
        let rows = self.rows.iter().map(|Row { tuning, micros }| {
            let time = Duration::from_micros(*micros).as_secs_f64() * 1e3;
            format!("{}{}: {time:.1} ms", tuning.threads, if tuning.spinning { " spinning" } else { "" })
        });
        let rows = rows.collect::<Vec<String>>().join(", ");
        let beside = if self.share.lanes > 1 { "two models" } else { "one model" };
        let are = if best.threads == 1 { "is" } else { "are" };
        Some(format!("{} {are} best ({rows}), measured with {beside} loaded", best.in_words()))
    }
}

impl Tuning {
    /// Such as `1 thread`, `4 spinning threads`.
    pub fn in_words(self) -> String {
        let spinning = if self.spinning { "spinning " } else { "" };
        format!("{} {spinning}thread{}", self.threads, if self.threads == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuning(threads: usize, spinning: bool) -> Tuning {
        Tuning { threads, spinning }
    }

    #[test]
    fn a_lane_gets_its_part_of_the_cores_and_spins_only_where_one_is_left() {
        let of = |cores, lanes| {
            let words = Share { cores, lanes }.candidates().into_iter().map(|t| (t.threads, t.spinning));
            words.collect::<Vec<_>>()
        };
        assert_eq!(of(1, 1), [(1, false)]);
        assert_eq!(of(2, 1), [(1, false), (2, false)], "both cores would spin");
        assert_eq!(of(2, 2), [(1, false)]);
        assert_eq!(of(3, 1), [(1, false), (2, false), (2, true), (3, false)]);
        assert_eq!(of(8, 2), [(1, false), (2, false), (2, true), (4, false)]);
        assert_eq!(of(9, 2), [(1, false), (2, false), (2, true), (4, false), (4, true)]);
        assert_eq!(of(64, 1).last(), Some(&(16, true)));
        assert_eq!(of(0, 0), [(1, false)]);
    }

    #[test]
    fn the_least_effort_within_five_percent_is_best() {
        let of = |micros: &[u64]| {
            let share = Share { cores: 8, lanes: 2 };
            let rows =
                share.candidates().into_iter().zip(micros).map(|(tuning, micros)| Row { tuning, micros: *micros });
            Measured { share, rows: rows.collect() }
        };
        assert_eq!(of(&[10_000, 5_100, 4_990, 5_000]).best(), Some(tuning(2, false)));
        assert_eq!(of(&[10_000, 6_000, 4_990, 5_000]).best(), Some(tuning(2, true)));
        assert_eq!(of(&[10_000, 6_000, 6_100, 4_000]).best(), Some(tuning(4, false)));
        assert_eq!(of(&[4_100, 6_000, 6_100, 4_000]).best(), Some(tuning(1, false)));
        assert_eq!(of(&[]).best(), None);
        assert_eq!(
            of(&[10_000, 6_000, 4_990, 5_000]).in_words().unwrap(),
            "2 spinning threads are best (1: 10.0 ms, 2: 6.0 ms, 2 spinning: 5.0 ms, 4: 5.0 ms), measured with two models \
             loaded"
        );
        let alone =
            Measured { share: Share { cores: 1, lanes: 1 }, rows: vec![Row { tuning: tuning(1, false), micros: 9 }] };
        assert_eq!(alone.in_words().unwrap(), "1 thread is best (1: 0.0 ms), measured with one model loaded");
    }
}
