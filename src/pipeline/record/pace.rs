//! Frames that come when they like become pictures at a constant rate.

use std::time::Duration;

/// How far, in pictures, a frame may be from its place before one is repeated or left out. Above a half, so that
/// jitter around the half makes no repetitions.
const TOLERANCE: f64 = 0.75;
/// Without a frame the last picture is repeated only up to so long ago: a frame of that time may be on its way.
const UNDER_WAY: Duration = Duration::from_secs(1);
/// A longer gap is shortened to this: whatever made it, nobody wants to watch it.
const LONGEST_GAP: Duration = Duration::from_secs(10);

/// Decides how often pictures are written. Each shows at its time to within a picture.
#[derive(Clone, Copy, Debug)]
pub struct Pacer {
    rate: f64,
    /// Pictures written so far.
    written: u64,
    /// Whether the last one was a repetition because nothing new came.
    filled: bool,
    /// Pictures that were cut out of gaps.
    cut: u64,
}

/// What is to be written for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// First the picture before it, so often.
    pub repeats: u64,
    /// Then the frame itself. False: another one stands at its place already.
    pub show: bool,
}

impl Pacer {
    /// `rate` pictures a second, brought into 1…60.
    pub fn new(rate: f64) -> Self {
        let rate = if rate.is_finite() { rate.clamp(1.0, 60.0) } else { 30.0 };
        Self { rate, written: 0, filled: false, cut: 0 }
    }

    /// Pictures a second.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// A frame came that was taken at `at` after the start.
    pub fn frame(&mut self, at: Duration) -> Step {
        let behind = self.behind(at);
        if self.written == 0 {
            // Whatever was before the first frame is not shown.
            self.cut = behind.max(0.0) as u64;
            self.written = 1;
            return Step { repeats: 0, show: true };
        }
        if behind < -TOLERANCE && !self.filled {
            return Step { repeats: 0, show: false };
        }
        let repeats = if behind > TOLERANCE { self.shortened(behind.round() as u64) } else { 0 };
        self.filled = false;
        self.written += repeats + 1;
        Step { repeats, show: true }
    }

    /// Nothing came up to `at`: how often the last picture is to be repeated.
    pub fn idle(&mut self, at: Duration) -> u64 {
        self.fill(at.saturating_sub(UNDER_WAY))
    }

    /// The recording ends at `at`: how often the last picture is to be repeated.
    pub fn finish(&mut self, at: Duration) -> u64 {
        self.fill(at)
    }

    fn fill(&mut self, until: Duration) -> u64 {
        let behind = self.behind(until);
        if self.written == 0 || behind < 1.0 {
            return 0;
        }
        let repeats = self.shortened(behind as u64);
        self.filled = true;
        self.written += repeats;
        repeats
    }

    /// By how many pictures the file is shorter than `at`.
    fn behind(&self, at: Duration) -> f64 {
        at.as_secs_f64() * self.rate - self.cut as f64 - self.written as f64
    }

    fn shortened(&mut self, repeats: u64) -> u64 {
        let most = (LONGEST_GAP.as_secs_f64() * self.rate) as u64;
        self.cut += repeats.saturating_sub(most);
        repeats.min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(f64) -> Duration = |ms| Duration::from_secs_f64(ms / 1e3);

    /// Pictures that come of frames at these times: the index of the frame that each shows.
    fn shown(rate: f64, times_ms: impl IntoIterator<Item = f64>) -> Vec<usize> {
        let mut pacer = Pacer::new(rate);
        let mut pictures: Vec<usize> = Vec::new();
        for (index, ms) in times_ms.into_iter().enumerate() {
            let step = pacer.frame(MS(ms));
            let last = pictures.last().copied().unwrap_or_default();
            pictures.extend(std::iter::repeat_n(last, step.repeats as usize));
            pictures.extend(step.show.then_some(index));
        }
        pictures
    }

    #[test]
    fn frames_at_the_rate_are_each_shown_once_in_spite_of_jitter() {
        let jitter = |index: usize| [0.0, 9.0, -11.0, 4.0, 12.0, -8.0][index % 6];
        let times = (0..300).map(|index| (index as f64 * 1e3 / 30.0 + jitter(index)).max(0.0));
        assert_eq!(shown(30.0, times), (0..300).collect::<Vec<_>>());
    }

    #[test]
    fn slower_frames_are_repeated_and_faster_ones_left_out_and_each_shows_at_its_time() {
        for frames_a_second in [7.0, 12.5, 24.0, 29.97, 50.0, 60.0, 144.0] {
            let count = (frames_a_second * 20.0) as usize;
            let pictures = shown(30.0, (0..count).map(|index| index as f64 * 1e3 / frames_a_second));
            assert!((pictures.len() as f64 / 30.0 - 20.0).abs() < 0.2, "{frames_a_second}: {}", pictures.len());
            for (picture, frame) in pictures.iter().enumerate() {
                let (shown_at, taken_at) = (picture as f64 / 30.0, *frame as f64 / frames_a_second);
                let early = taken_at - shown_at;
                let late = shown_at - (taken_at + 1.0 / frames_a_second);
                assert!(early < 0.04 && late < 0.04, "{frames_a_second}: picture {picture} shows frame {frame}");
            }
        }
    }

    #[test]
    fn a_still_is_repeated_and_what_comes_late_is_shown_all_the_same() {
        let mut pacer = Pacer::new(10.0);
        assert_eq!(pacer.idle(MS(5000.0)), 0, "nothing to repeat yet");
        assert!(pacer.frame(MS(5000.0)).show);
        assert_eq!(pacer.idle(MS(5900.0)), 0);
        assert_eq!(pacer.idle(MS(7050.0)), 9, "up to a second ago");
        assert_eq!(pacer.frame(MS(5500.0)), Step { repeats: 0, show: true });
        assert_eq!(pacer.frame(MS(5600.0)), Step { repeats: 0, show: false }, "its place is taken");
        assert_eq!(pacer.finish(MS(7050.0)), 9);
    }

    #[test]
    fn a_gap_of_an_hour_is_shortened_and_time_goes_on_behind_it() {
        let mut pacer = Pacer::new(10.0);
        pacer.frame(MS(0.0));
        assert_eq!(pacer.frame(MS(3_600_000.0)).repeats, 100);
        assert_eq!(pacer.frame(MS(3_600_100.0)), Step { repeats: 0, show: true });
        assert_eq!(Pacer::new(f64::NAN).rate(), 30.0);
        assert_eq!(Pacer::new(1e9).rate(), 60.0);
    }
}
