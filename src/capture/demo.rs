//! The demo scene as a source of frames, with known truth.

use super::{CaptureError, CapturedFrame, FrameSource, Next, Pace, SourceInfo, SourceKind, SourceOptions};
use crate::imaging::ImageSize;
use crate::scene::Drive;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Frames a second.
const RATE: f64 = 30.0;
/// Time between frames.
const PERIOD: Duration = Duration::from_nanos(33_333_333);
/// Size of its pictures: large enough to look good, small enough to cost little beside the models.
const SIZE: ImageSize = ImageSize::new(800, 450);
/// World that is shown unless another seed is asked for.
const DEFAULT_SEED: u64 = 1;
/// Slowest and fastest speed.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=8.0;

/// A drive past road signs, without end.
///
/// In real time it gives a frame every 1/30 s, and one that fell behind skips to the present; as
/// [`Pace::EveryFrame`] it gives consecutive frames, 1/30 s of its world apart, without waiting.
pub struct DemoScene {
    info: SourceInfo,
    name: Arc<str>,
    drive: Drive,
    pace: Pace,
    speed: f64,
    paused: bool,
    /// Time in the world at `anchor`, seconds.
    world_s: f64,
    anchor: Instant,
    /// When the next frame is to be shown.
    due: Instant,
}

impl DemoScene {
    /// Opens the scene; of the options, pace and seed apply.
    pub fn open(options: &SourceOptions) -> Self {
        let seed = options.seed.unwrap_or(DEFAULT_SEED);
        let title = "Demo scene".to_owned();
        let now = Instant::now();
        Self {
            name: title.as_str().into(),
            info: SourceInfo {
                title,
                kind: SourceKind::Demo,
                size: Some(SIZE),
                frame_rate: Some(RATE),
                duration: None,
                picture_count: None,
                detail: format!("rendered road signs, {SIZE} at 30 fps, seed {seed}"),
                camera: None,
            },
            drive: Drive::new(seed, SIZE),
            pace: options.pace,
            speed: 1.0,
            paused: false,
            world_s: 0.0,
            anchor: now,
            due: now,
        }
    }

    /// Time in the world at an instant, seconds.
    fn world_at(&self, instant: Instant) -> f64 {
        if self.paused {
            self.world_s
        } else {
            self.world_s + instant.saturating_duration_since(self.anchor).as_secs_f64() * self.speed
        }
    }

    /// Makes the present the new anchor, before speed or pause change.
    fn settle(&mut self) {
        let now = Instant::now();
        if self.pace == Pace::RealTime {
            self.world_s = self.world_at(now);
        }
        self.anchor = now;
    }

    fn frame(&mut self, world_s: f64) -> CapturedFrame {
        let captured_at = Instant::now();
        let (picture, truth) = self.drive.render(world_s);
        CapturedFrame {
            image: Arc::new(picture),
            captured_at,
            decode_time: captured_at.elapsed(),
            position: None,
            name: self.name.clone(),
            truth: Some(Arc::new(truth)),
            losses: None,
        }
    }
}

/// Sleeps until `until`; nobody wakes this thread earlier on purpose, so a wake-up is no news.
fn wait_until(until: Instant) {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::park_timeout(left);
    }
}

impl FrameSource for DemoScene {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self, wait: Duration) -> Result<Next, CaptureError> {
        let now = Instant::now();
        if self.paused {
            wait_until(now + wait);
            return Ok(Next::Waiting);
        }
        if self.pace == Pace::EveryFrame {
            let world_s = self.world_s;
            self.world_s += self.speed / RATE;
            return Ok(Next::Frame(self.frame(world_s)));
        }
        if self.due > now + wait {
            wait_until(now + wait);
            return Ok(Next::Waiting);
        }
        wait_until(self.due);
        let now = Instant::now();
        if now > self.due + PERIOD {
            self.due = now;
        }
        // The time that the frame was due, not the time of waking up, so that motion is even.
        let world_s = self.world_at(self.due);
        self.due += PERIOD;
        Ok(Next::Frame(self.frame(world_s)))
    }

    fn set_paused(&mut self, paused: bool) {
        if paused != self.paused {
            self.settle();
            self.paused = paused;
            self.due = self.anchor;
        }
    }

    fn set_speed(&mut self, factor: f64) {
        if factor.is_finite() {
            self.settle();
            self.due = self.due.max(self.anchor);
            self.speed = factor.clamp(*SPEEDS.start(), *SPEEDS.end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generous wait: a loaded machine may be slow, but never this slow.
    const PATIENCE: Duration = Duration::from_secs(10);

    fn frame(source: &mut DemoScene) -> CapturedFrame {
        match source.next_frame(PATIENCE) {
            Ok(Next::Frame(frame)) => frame,
            other => panic!("expected a frame, got {other:?}"),
        }
    }

    #[test]
    fn every_frame_gives_the_same_run_twice_with_truth() {
        let options = SourceOptions { pace: Pace::EveryFrame, seed: Some(5), ..SourceOptions::default() };
        let (mut a, mut b) = (DemoScene::open(&options), DemoScene::open(&options));
        for _ in 0..3 {
            let (x, y) = (frame(&mut a), frame(&mut b));
            assert_eq!(x.image.as_raw(), y.image.as_raw());
            assert_eq!(x.truth, y.truth);
            assert!(x.truth.is_some_and(|t| !t.boxes.is_empty()));
        }
    }

    #[test]
    fn real_time_keeps_the_rate() {
        let mut source = DemoScene::open(&SourceOptions::default());
        frame(&mut source);
        let start = Instant::now();
        for _ in 0..6 {
            frame(&mut source);
        }
        // It may be slower on a busy machine, never faster: the first of the six is due one period after the start.
        assert!(start.elapsed() >= PERIOD * 4, "{:?}", start.elapsed());
    }

    #[test]
    fn a_pause_stops_the_clock() {
        let mut source = DemoScene::open(&SourceOptions::default());
        frame(&mut source);
        source.set_paused(true);
        let stopped = source.world_at(Instant::now());
        let wait = Duration::from_millis(30);
        let start = Instant::now();
        assert!(matches!(source.next_frame(wait), Ok(Next::Waiting)));
        assert!(start.elapsed() >= wait);
        assert_eq!(source.world_at(Instant::now()), stopped);
        source.set_paused(false);
        frame(&mut source);
        let now = source.world_at(Instant::now());
        assert!(now >= stopped && now < stopped + PATIENCE.as_secs_f64());
    }

    #[test]
    fn speed_changes_how_far_the_world_moves() {
        let mut source = DemoScene::open(&SourceOptions { pace: Pace::EveryFrame, ..SourceOptions::default() });
        source.set_speed(2.0);
        frame(&mut source);
        assert!((source.world_s - 2.0 / RATE).abs() < 1e-9);
        source.set_speed(f64::NAN);
        source.set_speed(1000.0);
        assert_eq!(source.speed, 8.0);
    }
}
