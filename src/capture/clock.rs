//! The clock that a video or a folder of pictures is played by.

use std::time::{Duration, Instant};

/// Slowest and fastest playing speed.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.05..=64.0;

/// Tells the position that should be on view now. It can be stopped, moved, and made faster.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    position: Duration,
    /// When `position` was true; none while paused.
    since: Option<Instant>,
    speed: f64,
}

impl Clock {
    /// A clock that runs from 0 at normal speed.
    pub fn start() -> Self {
        Self { position: Duration::ZERO, since: Some(Instant::now()), speed: 1.0 }
    }

    /// The position that should be on view now.
    pub fn position(&self) -> Duration {
        let elapsed = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        self.position + elapsed.mul_f64(self.speed)
    }

    /// How long until `position` is due; nothing when it is due or past. Meaningless while paused.
    pub fn until(&self, position: Duration) -> Duration {
        position.saturating_sub(self.position()).div_f64(self.speed)
    }

    /// Goes to a position.
    pub fn seek(&mut self, position: Duration) {
        self.position = position;
        self.since = self.since.map(|_| Instant::now());
    }

    /// Puts the clock back to `position` if it is ahead: what comes too late is shown its time all the same.
    pub fn not_ahead_of(&mut self, position: Duration) {
        if self.position() > position {
            self.seek(position);
        }
    }

    /// Stops or goes on.
    pub fn set_paused(&mut self, paused: bool) {
        if paused != self.is_paused() {
            self.position = self.position();
            self.since = (!paused).then(Instant::now);
        }
    }

    /// Whether it stands still.
    pub fn is_paused(&self) -> bool {
        self.since.is_none()
    }

    /// Changes the speed, 1.0 is normal. Kept between 0.05 and 64; what is not a number is ignored.
    pub fn set_speed(&mut self, factor: f64) {
        if factor.is_finite() {
            let position = self.position();
            self.seek(position);
            self.speed = factor.clamp(*SPEEDS.start(), *SPEEDS.end());
        }
    }
}

/// Does nothing for `duration`.
pub fn pause_for(duration: Duration) {
    if !duration.is_zero() {
        // Always the time-out: nobody ever sends.
        let _ = crossbeam_channel::never::<()>().recv_timeout(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paused_clock_stands_still_and_can_be_moved() {
        let mut clock = Clock::start();
        clock.set_paused(true);
        clock.seek(Duration::from_secs(7));
        assert_eq!(clock.position(), Duration::from_secs(7));
        clock.set_paused(false);
        assert!(clock.position() >= Duration::from_secs(7));
        assert!(clock.until(Duration::from_secs(5)).is_zero());
    }

    #[test]
    fn speed_divides_the_waiting_time_and_nonsense_is_ignored() {
        let mut clock = Clock::start();
        clock.set_paused(true);
        clock.seek(Duration::ZERO);
        clock.set_speed(4.0);
        assert_eq!(clock.until(Duration::from_secs(8)), Duration::from_secs(2));
        clock.set_speed(f64::NAN);
        assert_eq!(clock.until(Duration::from_secs(8)), Duration::from_secs(2));
        clock.set_speed(-1.0);
        assert_eq!(clock.until(Duration::from_secs(1)), Duration::from_secs(20));
    }
}
