//! When a camera that failed is opened again, what is told meanwhile, and how long silence is borne.

use super::driver::Closing;
use crate::capture::clock::pause_for;
use crate::capture::{CaptureError, Next};
use std::mem::{Discriminant, discriminant};
use std::time::{Duration, Instant};

/// Before the first attempt to open it again; doubled with each that fails.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// A camera that is plugged in is seen this late at most.
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// A camera that gave pictures for so long is well again: the next fault is a new one.
const WELL_AFTER: Duration = Duration::from_secs(5);
/// A camera that gave nothing for so long is taken to be frozen.
const SILENCE: Duration = Duration::from_secs(3);
/// The first picture may take longer: the sensor wakes up and finds its exposure.
const FIRST_PICTURE: Duration = Duration::from_secs(5);
/// A slow camera may let pass so many of its intervals.
const INTERVALS: f64 = 4.0;

/// The state of a camera's troubles.
#[derive(Debug, Default)]
pub struct Recovery {
    /// The kind of fault that was told last; none while all is well.
    told: Option<Discriminant<CaptureError>>,
    /// Attempts since it was last well.
    attempts: u32,
    next_attempt: Option<Instant>,
    /// The first frame after the last attempt.
    well_since: Option<Instant>,
    /// The thread that has not let go of the camera yet.
    closing: Option<Closing>,
    reopened: u64,
}

impl Recovery {
    /// The camera was lost by `error`, which is passed on if it is news.
    ///
    /// # Errors
    ///
    /// `error`, when it is of another kind than what was told last.
    pub fn lost(&mut self, error: CaptureError, closing: Option<Closing>) -> Result<Next, CaptureError> {
        if self.well_since.take().is_some_and(|since| since.elapsed() >= WELL_AFTER) {
            self.attempts = 0;
        }
        self.closing = closing.or_else(|| self.closing.take());
        self.next_attempt = Some(Instant::now() + delay(self.attempts));
        self.attempts = self.attempts.saturating_add(1);
        // An error in passing, as on a bad cable, is mended by the first attempt before anybody could read of it.
        if self.attempts == 1 && matches!(error, CaptureError::CameraFailed { .. }) {
            tracing::debug!("{error}; it is opened again");
            return Ok(Next::Waiting);
        }
        self.tell(error)
    }

    /// Passes `error` on if it is news.
    ///
    /// # Errors
    ///
    /// `error`, when it is of another kind than what was told last.
    pub fn tell(&mut self, error: CaptureError) -> Result<Next, CaptureError> {
        if self.told.replace(discriminant(&error)) == Some(discriminant(&error)) {
            return Ok(Next::Waiting);
        }
        Err(error)
    }

    /// Whether the camera may be opened again now. Waits for that at most `wait`.
    pub fn is_due(&mut self, wait: Duration) -> bool {
        if let Some(closing) = &mut self.closing {
            // A second stream of a camera that is still held would be refused.
            if !closing.wait(wait) {
                return false;
            }
            self.closing = None;
        }
        let left = self.next_attempt.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
        pause_for(left.min(wait));
        let due = left <= wait;
        self.reopened += u64::from(due);
        due
    }

    /// The camera gives pictures.
    pub fn frame_came(&mut self) {
        self.told = None;
        self.well_since.get_or_insert_with(Instant::now);
    }

    /// How often it was opened again.
    pub fn reopened(&self) -> u64 {
        self.reopened
    }

    /// The thread that has not let go of the camera yet.
    pub fn take_closing(&mut self) -> Option<Closing> {
        self.closing.take()
    }
}

fn delay(attempts: u32) -> Duration {
    FIRST_DELAY.saturating_mul(2u32.saturating_pow(attempts.min(16))).min(LONGEST_DELAY)
}

/// How long a camera may be silent.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// When the last frame came, or when the first one began to be waited for.
    heard_at: Instant,
    /// For the next frame, counted from then.
    now: Duration,
    /// For a frame after another one.
    between: Duration,
    /// For the first frame.
    first: Duration,
}

impl Patience {
    /// For a camera that was just opened.
    pub fn after_opening(frame_rate: Option<f64>) -> Self {
        let interval = frame_rate.filter(|rate| *rate > 0.0).map_or(0.0, |rate| INTERVALS / rate);
        let intervals = Duration::try_from_secs_f64(interval).unwrap_or_default().min(Duration::from_secs(60));
        let (between, first) = (SILENCE.max(intervals), FIRST_PICTURE.max(intervals));
        Self { heard_at: Instant::now(), now: first, between, first }
    }

    /// For a camera that is being opened.
    pub fn while_opening(limit: Duration) -> Self {
        Self { heard_at: Instant::now(), now: limit, between: limit, first: limit }
    }

    /// A frame came, sound or not.
    pub fn heard(&mut self) {
        (self.heard_at, self.now) = (Instant::now(), self.between);
    }

    /// What was waited so far does not count: the camera was paused.
    pub fn begin_anew(&mut self) {
        (self.heard_at, self.now) = (Instant::now(), self.first);
    }

    /// How long is still waited.
    pub fn left(&self) -> Duration {
        self.now.saturating_sub(self.heard_at.elapsed())
    }

    /// How long was waited, when that was too long.
    pub fn lost(&self) -> Option<Duration> {
        let waited = self.heard_at.elapsed();
        (waited >= self.now).then_some(waited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone() -> CaptureError {
        CaptureError::CameraGone { camera: "Webcam".to_owned() }
    }

    fn failed() -> CaptureError {
        CaptureError::CameraFailed { camera: "Webcam".to_owned(), reason: "EIO".to_owned() }
    }

    #[test]
    fn attempts_are_made_ever_more_seldom_and_never_seldomer_than_every_two_seconds() {
        let delays: Vec<u128> = (0..8).map(|attempts| delay(attempts).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1600, 2000, 2000, 2000]);
        assert_eq!(delay(u32::MAX), LONGEST_DELAY);
    }

    #[test]
    fn a_fault_is_told_once_and_again_after_pictures_came() {
        let mut recovery = Recovery::default();
        assert_eq!(recovery.lost(gone(), None).unwrap_err(), gone());
        assert!(recovery.lost(gone(), None).is_ok(), "known already");
        assert_eq!(recovery.lost(failed(), None).unwrap_err(), failed(), "another one");
        recovery.frame_came();
        assert_eq!(recovery.lost(gone(), None).unwrap_err(), gone());
    }

    #[test]
    fn one_error_in_passing_is_not_told_and_one_that_comes_again_is() {
        let mut recovery = Recovery::default();
        assert!(recovery.lost(failed(), None).is_ok());
        recovery.frame_came();
        assert!(recovery.lost(failed(), None).is_err(), "too soon after the first one");
    }

    #[test]
    fn a_slow_camera_is_borne_with_longer() {
        assert_eq!(Patience::after_opening(Some(30.0)).between, SILENCE);
        assert_eq!(Patience::after_opening(Some(0.5)).between, Duration::from_secs(8));
        assert_eq!(Patience::after_opening(Some(f64::MIN_POSITIVE)).between, SILENCE);
    }
}
