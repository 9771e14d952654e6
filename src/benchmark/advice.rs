//! The best number of threads for a model on this machine, found by measuring.

use super::runner::Tell;
use super::statistics::ratio;
use super::stopwatch::Stopwatch;
use super::turns::{Turn, take_turns};
use super::{BenchmarkError, Progress, Stage};
use crate::imaging::RgbImage;
use crate::inference::trial::Trial;
use crate::inference::{Detector, LoadOptions, ModelOverrides, SessionOptions, Thresholds};
use crate::metrics::bootstrap::median;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A gain below this is not worth another thread.
const WORTH: f64 = 0.05;
/// A number of threads that takes so many times as long as the best ends the search at once.
const FAR_WORSE: f64 = 1.5;
/// Frames of the first look at a number of threads.
const FIRST_LOOK: usize = 8;
/// About so long is a turn, within these numbers of frames.
const TURN_MS: f64 = 100.0;
const TURN_FRAMES: [f64; 2] = [2.0, 20.0];
/// Most rounds.
const ROUNDS: usize = 20;

/// What to look for.
#[derive(Clone, Debug)]
pub struct AdviceRequest {
    /// The model.
    pub path: PathBuf,
    /// What the user gave with it.
    pub overrides: ModelOverrides,
    /// Thresholds of score and overlap.
    pub thresholds: Thresholds,
    /// Frames, at least one.
    pub images: Vec<Arc<RgbImage>>,
    /// Tries the model first; None for one that runs already.
    pub trial: Option<Trial>,
    /// Most threads that are tried: those of the machine.
    pub most: usize,
    /// Whether models are made faster when they are loaded.
    pub accelerate: bool,
    /// How long the numbers take turns once they were looked at.
    pub time: Duration,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ThreadAdvice {
    /// The model.
    pub path: PathBuf,
    /// What was tried, by rising number.
    pub rows: Vec<ThreadRow>,
    /// The fewest threads that are at most 5 % slower than the fastest number.
    pub best: usize,
    /// Set where the rounds differ so much that another number may be as good: a sentence.
    pub doubt: Option<String>,
}

/// One number of threads.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ThreadRow {
    /// Threads inside one operator.
    pub threads: usize,
    /// Median over the rounds of the median total latency, milliseconds.
    pub p50_ms: f64,
    /// Median latency of each round.
    #[serde(skip)]
    pub rounds_ms: Vec<f64>,
}

impl ThreadAdvice {
    /// From the median latencies of the rounds, in milliseconds, by number of threads; None without any.
    pub fn of(path: &Path, rounds: impl IntoIterator<Item = (usize, Vec<f64>)>) -> Option<Self> {
        let row =
            |(threads, rounds_ms): (usize, Vec<f64>)| ThreadRow { threads, p50_ms: median(&rounds_ms), rounds_ms };
        let mut rows: Vec<ThreadRow> = rounds.into_iter().map(row).filter(|row| row.p50_ms.is_finite()).collect();
        rows.sort_by_key(|row| row.threads);
        let fastest = rows.iter().map(|row| row.p50_ms).min_by(f64::total_cmp)?;
        let best = rows.iter().find(|row| row.p50_ms <= fastest * (1.0 + WORTH))?;
        let (doubt, best) = (doubt(&rows, best), best.threads);
        Some(Self { path: path.to_owned(), rows, best, doubt })
    }

    /// Latency with the best number over that with `threads`, from ratios of the same rounds; None where that number was
    /// not tried.
    pub fn gain_over(&self, threads: usize) -> Option<f64> {
        let rounds = |wanted: usize| self.rows.iter().find(|row| row.threads == wanted).map(|row| &row.rounds_ms);
        Some(ratio(rounds(self.best)?, rounds(threads)?).value)
    }

    /// For people, in one sentence.
    pub fn sentence(&self) -> String {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy();
        let threads = |count: usize| format!("{count} thread{}", if count == 1 { " is" } else { "s are" });
        let [p50, first] = [self.best, self.rows.first().map_or(0, |row| row.threads)]
            .map(|wanted| self.rows.iter().find(|row| row.threads == wanted).map_or(f64::NAN, |row| row.p50_ms));
        let mut said = format!("{} best for {file}: {p50:.1} ms", threads(self.best));
        if let Some(least) = self.rows.first().filter(|row| row.threads < self.best) {
            said += &format!(" against {first:.1} ms with {}", least.threads);
        }
        let more = self.rows.iter().filter(|row| row.threads > self.best);
        if let Some(next) = more.min_by(|a, b| a.p50_ms.total_cmp(&b.p50_ms)) {
            said += &if next.p50_ms < p50 {
                "; more gain less than 5 %".to_owned()
            } else {
                format!("; {} take {:.1} ms", next.threads, next.p50_ms)
            };
        }
        said
    }
}

/// What speaks against the best row: that the next fastest may as well be faster.
fn doubt(rows: &[ThreadRow], best: &ThreadRow) -> Option<String> {
    let others = rows.iter().filter(|row| row.threads != best.threads);
    let rival = others.min_by(|a, b| a.p50_ms.total_cmp(&b.p50_ms))?;
    let [low, high] = ratio(&best.rounds_ms, &rival.rounds_ms).interval;
    (low < 1.0 && high > 1.0 && high - low > super::noise::UNSURE).then(|| {
        format!(
            "The machine was too noisy to tell {} from {} threads (ratio {low:.2} to {high:.2}): close other programs and \
             try again",
            best.threads, rival.threads
        )
    })
}

/// Measures a model with 1, 2, 3, 4, 6, 8 … threads: each is looked at, until more only make it slower; then all of them
/// take turns. Takes some seconds. None when `tell` broke it off.
///
/// # Errors
///
/// When the model does not load or run.
pub fn advise_threads(request: &AdviceRequest, tell: Tell<'_>) -> Result<Option<ThreadAdvice>, BenchmarkError> {
    if request.images.is_empty() {
        return Err(BenchmarkError::NoPicture { source_spec: "the request".to_owned() });
    }
    let watch = Stopwatch { images: &request.images, thresholds: request.thresholds, rapl: None };
    let failed = |source| BenchmarkError::Run { path: request.path.clone(), source };
    let mut tried: Vec<(usize, Detector)> = Vec::new();
    let mut cancelled = false;
    let candidates = candidates(request.most);
    let quick = scout(&candidates, |threads| {
        cancelled =
            tell(Progress { stage: Stage::Trying(threads), done: tried.len(), of: candidates.len() }).is_break();
        if cancelled {
            return Ok(None);
        }
        let session = SessionOptions { threads, accelerate: request.accelerate, ..SessionOptions::default() };
        let options = LoadOptions { session, overrides: request.overrides.clone() };
        let trial = request.trial.as_ref().filter(|_| tried.is_empty());
        let mut detector = Detector::load(&request.path, &options, trial, &mut |_| {})?;
        let look = Turn { round: 0, frames: FIRST_LOOK };
        let totals = watch.totals(&mut detector, look).map_err(failed)?;
        tried.push((threads, detector));
        Ok::<_, BenchmarkError>(Some(median(&totals.iter().map(|ms| f64::from(*ms)).collect::<Vec<f64>>())))
    })?;
    if cancelled {
        return Ok(None);
    }
    let typical = quick.iter().map(|(_, ms)| *ms).min_by(f64::total_cmp).unwrap_or(TURN_MS);
    let frames = (TURN_MS / typical.max(0.01)).clamp(TURN_FRAMES[0], TURN_FRAMES[1]) as usize;
    let (begin, count) = (Instant::now(), tried.len());
    let go_on = |done: usize| {
        let late = done >= count && begin.elapsed() > request.time;
        cancelled = tell(Progress { stage: Stage::Measuring, done, of: ROUNDS * count }).is_break();
        !late && !cancelled
    };
    let turn = |(_, detector): &mut (usize, Detector), turn| watch.totals(detector, turn).map_err(failed);
    let laps = take_turns(&mut tried, &[frames; ROUNDS], turn, go_on)?;
    if cancelled {
        return Ok(None);
    }
    let rounds = tried.iter().enumerate().map(|(row, (threads, _))| {
        (*threads, laps.iter().map(|round| super::statistics::turn_median(&round[row])).collect())
    });
    Ok(ThreadAdvice::of(&request.path, rounds))
}

/// 1, 2, 3, 4, 6, 8, 12, 16 … and the most.
fn candidates(most: usize) -> Vec<usize> {
    let steps = (1..=4).chain((2..).flat_map(|power| [3 << (power - 1), 1 << (power + 1)]));
    let mut numbers: Vec<usize> = steps.take_while(|threads| *threads < most).collect();
    numbers.push(most.max(1));
    numbers
}

/// Looks at one number after the other; ends when one is far worse than the best so far, or two in a row gain nothing,
/// or `look` gives none.
fn scout<E>(
    candidates: &[usize],
    mut look: impl FnMut(usize) -> Result<Option<f64>, E>,
) -> Result<Vec<(usize, f64)>, E> {
    let mut seen: Vec<(usize, f64)> = Vec::new();
    let (mut best, mut useless) = (f64::INFINITY, 0);
    for threads in candidates {
        let Some(ms) = look(*threads)? else { break };
        seen.push((*threads, ms));
        useless = if ms > best * (1.0 + WORTH) { useless + 1 } else { 0 };
        if ms > best * FAR_WORSE || useless == 2 {
            break;
        }
        best = best.min(ms);
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn few_numbers_are_tried_on_large_machines() {
        assert_eq!(candidates(1), [1]);
        assert_eq!(candidates(3), [1, 2, 3]);
        assert_eq!(candidates(10), [1, 2, 3, 4, 6, 8, 10]);
        assert_eq!(candidates(32), [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]);
    }

    #[test]
    fn the_search_ends_when_more_threads_only_slow_it_down() {
        let seen = |times: &[f64]| {
            let look = |threads: usize| Ok::<_, Infallible>(times.get(threads - 1).copied());
            scout(&[1, 2, 3, 4, 5, 6], look).unwrap().len()
        };
        assert_eq!(seen(&[10.0, 6.0, 5.0, 4.5, 4.4, 4.3]), 6);
        assert_eq!(seen(&[10.0, 6.0, 6.5, 6.6, 1.0, 1.0]), 4, "two in a row");
        assert_eq!(seen(&[10.0, 6.0, 9.1, 1.0, 1.0, 1.0]), 3, "far worse");
        assert_eq!(seen(&[10.0, 6.0]), 2, "cancelled");
    }

    #[test]
    fn the_fewest_threads_within_five_percent_are_best() {
        let advice = |rows: &[(usize, f64)]| {
            ThreadAdvice::of(Path::new("/m/a.onnx"), rows.iter().map(|(threads, ms)| (*threads, vec![*ms; 3]))).unwrap()
        };
        let two = advice(&[(1, 15.1), (2, 9.8), (4, 9.5)]);
        assert_eq!(
            two.sentence(),
            "2 threads are best for a.onnx: 9.8 ms against 15.1 ms with 1; more gain less than 5 %"
        );
        assert!((two.gain_over(1).unwrap() - 9.8 / 15.1).abs() < 1e-12);
        assert_eq!(two.gain_over(3), None);
        let one = advice(&[(1, 8.0), (2, 8.4)]);
        assert_eq!(one.sentence(), "1 thread is best for a.onnx: 8.0 ms; 2 take 8.4 ms");
        assert_eq!(
            advice(&[(1, 8.0), (2, 4.0)]).sentence(),
            "2 threads are best for a.onnx: 4.0 ms against 8.0 ms with 1"
        );
        assert!(ThreadAdvice::of(Path::new("a"), []).is_none());
        assert_eq!(two.doubt, None);
    }

    #[test]
    fn rounds_that_differ_much_leave_a_doubt() {
        let advice = |one: &[f64], two: &[f64]| {
            ThreadAdvice::of(Path::new("a.onnx"), [(1, one.to_vec()), (2, two.to_vec())]).unwrap().doubt
        };
        let said = advice(&[10.0, 9.0, 12.0, 8.0, 11.0], &[8.0, 12.0, 9.0, 11.0, 9.5]).unwrap();
        assert!(said.starts_with("The machine was too noisy to tell 2 from 1 threads (ratio 0."), "{said}");
        assert_eq!(
            advice(&[10.0, 10.1, 9.9, 10.0, 10.0], &[10.1, 10.0, 10.0, 9.9, 10.0]),
            None,
            "equally fast, surely"
        );
        assert_eq!(advice(&[10.0, 20.0, 12.0, 18.0, 11.0], &[5.0, 10.0, 6.0, 9.0, 5.5]), None, "faster in every round");
    }
}
