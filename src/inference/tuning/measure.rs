//! Measures sessions that differ only in how they use the processor, in turn.

use super::{Measured, Row, Share, TunedBy, Tuning, kept};
use crate::inference::{Detector, LoadError, LoadOptions, SessionError, SessionOptions};
use std::path::Path;
use std::time::{Duration, Instant};

/// Rounds, in each of which every session runs once.
const ROUNDS: usize = 9;
/// So many rounds are enough where they take long.
const ROUNDS_MIN: usize = 3;
/// No more rounds are begun after so long.
const PATIENCE: Duration = Duration::from_secs(2);
/// Of larger models several sessions at once may not fit into memory; they keep the usual number of threads.
const BYTES_MAX: u64 = 256 << 20;

/// Tells how long a run of a model takes. A stand-in makes tests independent of the machine.
pub trait RunClock: std::fmt::Debug + Send + Sync {
    /// Time of one run of `detector`, whose session is built as `tuning` says.
    ///
    /// # Errors
    ///
    /// When it does not run.
    fn time(&self, detector: &mut Detector, tuning: Tuning) -> Result<Duration, SessionError>;

    /// Physical cores that this process may use.
    fn cores(&self) -> usize;
}

/// The clock on the wall, around the session alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionClock;

impl RunClock for SessionClock {
    fn time(&self, detector: &mut Detector, _: Tuning) -> Result<Duration, SessionError> {
        detector.time_session()
    }

    fn cores(&self) -> usize {
        crate::runtime::cores()
    }
}

/// A session that was chosen.
pub struct Settled {
    /// It, warm. Its [`ModelInfo`](crate::inference::ModelInfo) tells how it was chosen.
    pub detector: Detector,
    /// What was measured, now or before.
    pub measured: Measured,
}

/// What was measured before of the model at `path`.
pub fn recall(path: &Path, share: Share, accelerate: bool) -> Option<Measured> {
    let bytes = std::fs::metadata(path).ok().filter(|metadata| metadata.len() <= BYTES_MAX)?.len();
    kept::find(&kept::place(path, bytes, share, accelerate)?, share)
}

/// Finds the best way to run the model at `path`, which `runs` so already, and gives a session that does: from what was
/// measured before, else by measuring. None where `goes_on` says no, or where it runs in the only way that there is.
///
/// # Errors
///
/// When the model does not load or run.
pub fn settle(
    path: &Path,
    options: &LoadOptions,
    (share, runs): (Share, Tuning),
    clock: &dyn RunClock,
    goes_on: &dyn Fn() -> bool,
) -> Result<Option<Settled>, LoadError> {
    let candidates = share.candidates();
    let bytes = std::fs::metadata(path).map_or(u64::MAX, |metadata| metadata.len());
    let load = |tuning: Tuning, by: TunedBy| {
        let session = SessionOptions { tuned_by: by, ..options.session.clone() }.tuned(tuning);
        Detector::load(path, &LoadOptions { session, ..options.clone() }, None, &mut |_| {})
    };
    if let [only] = candidates[..] {
        // As it runs was best when the machine was shared otherwise.
        let measured = Measured { share, rows: Vec::new() };
        let settled =
            || Ok(Settled { detector: load(only, TunedBy::Measuring(measured.clone()))?, measured: measured.clone() });
        return (only != runs).then(settled).transpose();
    }
    if bytes > BYTES_MAX {
        return Ok(None);
    }
    let place = kept::place(path, bytes, share, options.session.accelerate);
    if let Some(measured) = place.as_deref().and_then(|place| kept::find(place, share))
        && let Some(best) = measured.best()
    {
        let detector = load(best, TunedBy::Measuring(measured.clone()))?;
        return Ok(Some(Settled { detector, measured }));
    }
    let mut tried: Vec<(Tuning, Detector)> = Vec::with_capacity(candidates.len());
    for tuning in candidates {
        if !goes_on() {
            return Ok(None);
        }
        tried.push((tuning, load(tuning, TunedBy::Custom)?));
    }
    let failed = |source| LoadError::Run { path: path.to_owned(), source };
    let Some(rows) = measure(&mut tried, clock, goes_on).map_err(failed)? else { return Ok(None) };
    let measured = Measured { share, rows };
    if let Some(place) = place {
        kept::store(&place, &measured);
    }
    let best = measured.best();
    let Some((_, mut detector)) = tried.into_iter().find(|(tuning, _)| Some(*tuning) == best) else { return Ok(None) };
    detector.note_tuned_by(TunedBy::Measuring(measured.clone()));
    Ok(Some(Settled { detector, measured }))
}

fn measure(
    tried: &mut [(Tuning, Detector)],
    clock: &dyn RunClock,
    goes_on: &dyn Fn() -> bool,
) -> Result<Option<Vec<Row>>, SessionError> {
    let begin = Instant::now();
    let mut times: Vec<Vec<Duration>> = vec![Vec::with_capacity(ROUNDS); tried.len()];
    for round in 0..ROUNDS {
        if round >= ROUNDS_MIN && begin.elapsed() > PATIENCE {
            break;
        }
        for ((tuning, detector), times) in tried.iter_mut().zip(&mut times) {
            if !goes_on() {
                return Ok(None);
            }
            times.push(clock.time(detector, *tuning)?);
        }
    }
    let rows = tried.iter().zip(times).map(|((tuning, _), mut times)| {
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        Row { tuning: *tuning, micros: u64::try_from(median.as_micros()).unwrap_or(u64::MAX) }
    });
    Ok(Some(rows.collect()))
}
