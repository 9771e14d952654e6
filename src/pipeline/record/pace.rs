//! When the pictures of a video show: each at the time at which its frame was taken.
//!
//! A constant rate would have to repeat pictures while frames are slow; on a busy machine that is work that ffmpeg does
//! not get done, and the recording would fall behind for good.

use std::time::Duration;

/// How far, in pictures, a frame may be before its place without being left out. Above a half, so that jitter around the
/// half leaves none out.
const TOLERANCE: f64 = 0.75;
/// Without a frame the last picture is shown again only up to so long ago: a frame of that time may be on its way.
const UNDER_WAY: Duration = Duration::from_secs(1);
/// How often it is shown again: what is in the file is so much older than now at most, and the above.
const REPEAT: Duration = Duration::from_secs(1);
/// A longer gap is shortened to this: whatever made it, nobody wants to watch it.
const LONGEST_GAP: Duration = Duration::from_secs(10);
/// Times in the file are whole milliseconds, and rise.
const TICK: Duration = Duration::from_millis(1);

/// Decides when pictures show, and which frames are left out because there are more than the rate allows.
#[derive(Clone, Copy, Debug)]
pub struct Pacer {
    rate: f64,
    /// Where the last picture shows.
    last: Option<Duration>,
    /// The place of the next one where frames come faster than the rate, in pictures.
    next: f64,
    /// Whether the last one was shown again because nothing new came.
    filled: bool,
    /// Time that was cut out: before the first frame, and of gaps.
    cut: Duration,
}

impl Pacer {
    /// `rate` pictures a second at most, brought into 1…60.
    pub fn new(rate: f64) -> Self {
        let rate = if rate.is_finite() { rate.clamp(1.0, 60.0) } else { 30.0 };
        Self { rate, last: None, next: 0.0, filled: false, cut: Duration::ZERO }
    }

    /// Pictures a second at most.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// A frame came that was taken at `at` after the start: where in the video it shows. None: it is left out.
    pub fn frame(&mut self, at: Duration) -> Option<Duration> {
        let Some(last) = self.last else {
            // Whatever was before the first frame is not shown.
            self.cut = at;
            return Some(self.show(Duration::ZERO, false));
        };
        let time = self.shortened(at, last);
        if self.filled {
            // Late, but news all the same.
            return Some(self.show(time.max(last + TICK), false));
        }
        let too_early = time.as_secs_f64() * self.rate < self.next - TOLERANCE;
        (!too_early && time >= last + TICK).then(|| self.show(time, false))
    }

    /// Nothing came up to `at`: where the last picture shows again.
    pub fn idle(&mut self, at: Duration) -> Option<Duration> {
        let last = self.last?;
        let time = self.shortened(at.saturating_sub(UNDER_WAY), last);
        (time >= last + REPEAT).then(|| self.show(time, true))
    }

    /// The recording ends at `at`: where the last picture shows again, so that the video ends then.
    pub fn finish(&mut self, at: Duration) -> Option<Duration> {
        let last = self.last?;
        let picture = Duration::from_secs_f64(1.0 / self.rate);
        let time = self.shortened(at, last).saturating_sub(picture);
        (time >= last + picture / 2).then(|| self.show(time, true))
    }

    fn show(&mut self, time: Duration, filled: bool) -> Duration {
        self.next = self.next.max(time.as_secs_f64() * self.rate) + 1.0;
        (self.last, self.filled) = (Some(time), filled);
        time
    }

    /// The time in the video, with a gap that is too long cut out.
    fn shortened(&mut self, at: Duration, last: Duration) -> Duration {
        let time = at.saturating_sub(self.cut);
        let latest = last + LONGEST_GAP;
        self.cut += time.saturating_sub(latest);
        time.min(latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(f64) -> Duration = |ms| Duration::from_secs_f64(ms / 1e3);

    /// Which of the frames at these times are shown, and when.
    fn shown(rate: f64, times_ms: impl IntoIterator<Item = f64>) -> Vec<(usize, Duration)> {
        let mut pacer = Pacer::new(rate);
        let times = times_ms.into_iter().enumerate();
        times.filter_map(|(index, ms)| Some((index, pacer.frame(MS(ms))?))).collect()
    }

    #[test]
    fn frames_at_the_rate_are_all_shown_at_their_times_in_spite_of_jitter() {
        let jitter = |index: usize| [0.0, 9.0, -11.0, 4.0, 12.0, -8.0][index % 6];
        let times: Vec<f64> = (0..300).map(|index| (index as f64 * 1e3 / 30.0 + jitter(index)).max(0.0)).collect();
        let expected: Vec<_> = times.iter().map(|ms| MS(*ms)).enumerate().collect();
        assert_eq!(shown(30.0, times), expected);
    }

    #[test]
    fn slow_frames_make_no_work_and_fast_ones_are_left_out() {
        for (frames_a_second, pictures) in [(0.5, 10), (7.0, 140), (29.97, 599), (50.0, 600), (60.0, 600), (144.0, 600)]
        {
            let count = (frames_a_second * 20.0) as usize;
            let times = (0..count).map(|index| index as f64 * 1e3 / frames_a_second);
            let shown = shown(30.0, times.clone());
            assert!(shown.len().abs_diff(pictures) <= 12, "{frames_a_second}: {}", shown.len());
            let times: Vec<f64> = times.collect();
            assert!(shown.iter().all(|(index, at)| *at == MS(times[*index])), "each at its own time");
            assert!(shown.windows(2).all(|pair| pair[1].1 >= pair[0].1 + TICK));
        }
    }

    #[test]
    fn a_still_is_shown_again_and_what_comes_late_is_shown_all_the_same() {
        let mut pacer = Pacer::new(10.0);
        assert_eq!(pacer.idle(MS(5000.0)), None, "nothing to show again yet");
        assert_eq!(pacer.frame(MS(5000.0)), Some(Duration::ZERO), "the video begins with the first frame");
        assert_eq!(pacer.idle(MS(6900.0)), None);
        assert_eq!(pacer.idle(MS(7050.0)), Some(MS(1050.0)), "up to a second ago");
        assert_eq!(pacer.frame(MS(5500.0)), Some(MS(1051.0)), "late");
        assert_eq!(pacer.frame(MS(5600.0)), None, "another one stands there already");
        assert_eq!(pacer.frame(MS(6300.0)), Some(MS(1300.0)));
        assert_eq!(pacer.finish(MS(7300.0)), Some(MS(2200.0)), "and lasts a tenth of a second");
        assert_eq!(pacer.finish(MS(7300.0)), None);
    }

    #[test]
    fn the_video_is_as_long_as_the_recording_whatever_the_frames_do() {
        for step_ms in [5.0, 33.4, 140.0, 900.0, 4000.0] {
            let mut pacer = Pacer::new(30.0);
            let mut at = 0.0;
            while at < 20_000.0 {
                pacer.frame(MS(at));
                at += step_ms;
            }
            pacer.finish(MS(20_000.0));
            let end = pacer.last.unwrap().as_secs_f64() + 1.0 / 30.0;
            assert!((end - 20.0).abs() < 0.06, "{step_ms}: {end}");
        }
    }

    #[test]
    fn a_gap_of_an_hour_is_shortened_and_time_goes_on_behind_it() {
        let mut pacer = Pacer::new(10.0);
        pacer.frame(MS(0.0));
        assert_eq!(pacer.frame(MS(3_600_000.0)), Some(MS(10_000.0)));
        assert_eq!(pacer.frame(MS(3_600_100.0)), Some(MS(10_100.0)));
        assert_eq!(Pacer::new(f64::NAN).rate(), 30.0);
        assert_eq!(Pacer::new(1e9).rate(), 60.0);
    }
}
