//! The time of a recording: it begins at 0 and stands still while the source is paused.

use std::time::{Duration, Instant};

/// Tells the recorded time at any instant since the start.
#[derive(Clone, Copy, Debug)]
pub struct RecordClock {
    start: Instant,
    paused_since: Option<Instant>,
    /// Length of all pauses that are over.
    rested: Duration,
}

impl RecordClock {
    /// A clock that runs, or waits for the end of a pause.
    pub fn start(now: Instant, paused: bool) -> Self {
        Self { start: now, paused_since: paused.then_some(now), rested: Duration::ZERO }
    }

    /// Stops or goes on.
    pub fn set_paused(&mut self, paused: bool, now: Instant) {
        match (self.paused_since, paused) {
            (None, true) => self.paused_since = Some(now),
            (Some(since), false) => {
                self.rested += now.saturating_duration_since(since);
                self.paused_since = None;
            }
            _ => {}
        }
    }

    /// The recorded time at `instant`, 0 before the start. An instant within or before the latest pause may be told
    /// too early by the length of that pause, never too late.
    pub fn at(&self, instant: Instant) -> Duration {
        let instant = self.paused_since.map_or(instant, |since| instant.min(since));
        instant.saturating_duration_since(self.start).saturating_sub(self.rested)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_cut_out() {
        let start = Instant::now();
        let s = |seconds: u64| start + Duration::from_secs(seconds);
        let mut clock = RecordClock::start(start, false);
        assert_eq!(clock.at(s(3)), Duration::from_secs(3));
        clock.set_paused(true, s(5));
        clock.set_paused(true, s(6));
        assert_eq!(clock.at(s(60)), Duration::from_secs(5));
        clock.set_paused(false, s(65));
        assert_eq!(clock.at(s(66)), Duration::from_secs(6));
        assert_eq!(RecordClock::start(s(10), false).at(start), Duration::ZERO);
        let mut paused = RecordClock::start(start, true);
        paused.set_paused(false, s(7));
        assert_eq!(paused.at(s(8)), Duration::from_secs(1));
    }
}
