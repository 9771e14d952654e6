//! `quantscope cameras --probe N`: reads a camera for a while and says what came of it.

use crate::capture::{self, CameraBackend, CameraLosses, CapturedFrame, Next, SourceOptions, SourceSpec};
use crate::metrics::{LatencySummary, LatencyWindow};
use anyhow::bail;
use serde::Serialize;
use std::fmt;
use std::time::{Duration, Instant};

/// How long a frame is waited for before the clock is looked at.
const PATIENCE: Duration = Duration::from_millis(100);
/// Frames that the median rests on at most: the last ones.
const WINDOW: usize = 100_000;
/// Different troubles that are told; a camera that comes and goes would tell for ever.
const TROUBLES: usize = 8;

/// What is measured.
#[derive(Clone, Debug, Serialize)]
pub struct Probe {
    camera: u32,
    name: String,
    /// Format, size and rate, as the driver confirms them.
    mode: String,
    seconds: f64,
    frames: u64,
    /// Frames a second by the camera's own times. None for a single frame.
    rate: Option<f64>,
    decode_ms: Option<Milliseconds>,
    /// From the driver's time of a frame to when its picture is handed over.
    age_ms: Option<Milliseconds>,
    driver_drops: u64,
    damaged_frames: u64,
    /// How often it was closed and opened again after a fault.
    restarts: u64,
    troubles: Vec<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Milliseconds {
    p50: f32,
    p95: f32,
}

/// Reads camera `number` for so many seconds.
///
/// # Errors
///
/// When it does not open, or gives no picture in that time.
pub fn probe(number: u32, seconds: f64, backend: CameraBackend) -> anyhow::Result<Probe> {
    let options = SourceOptions { camera_backend: backend, ..SourceOptions::default() };
    let mut source = capture::open(&SourceSpec::Camera(number), &options)?;
    let (started, limit) = (Instant::now(), Duration::from_secs_f64(seconds));
    let mut seen = Seen::default();
    while started.elapsed() < limit {
        match source.next_frame(PATIENCE) {
            Ok(Next::Frame(frame)) => seen.note(&frame, Instant::now()),
            Ok(_) => {}
            // A camera tries again by itself.
            Err(error) => seen.note_trouble(error.to_string()),
        }
    }
    if seen.frames == 0 {
        let told = seen.troubles.join("; ");
        let told = if told.is_empty() { "it is open and sends nothing".to_owned() } else { told };
        bail!("camera {number}: no picture in {seconds} s ({told}). Unplug it, plug it in again, and probe it anew");
    }
    let info = source.info();
    let losses = seen.losses;
    Ok(Probe {
        camera: info.camera.unwrap_or(number),
        name: info.title.clone(),
        mode: info.detail.clone(),
        seconds: started.elapsed().as_secs_f64(),
        frames: seen.frames,
        rate: seen.rate(),
        decode_ms: seen.decode.as_ref().map(|window| window.summary().into()),
        age_ms: seen.age.as_ref().map(|window| window.summary().into()),
        driver_drops: losses.dropped,
        damaged_frames: losses.damaged,
        restarts: losses.reopened,
        troubles: seen.troubles,
    })
}

#[derive(Default)]
struct Seen {
    frames: u64,
    /// When the first and the last frame were taken.
    span: Option<(Instant, Instant)>,
    decode: Option<LatencyWindow>,
    age: Option<LatencyWindow>,
    losses: CameraLosses,
    troubles: Vec<String>,
}

impl Seen {
    fn note(&mut self, frame: &CapturedFrame, now: Instant) {
        self.frames += 1;
        let first = self.span.map_or(frame.captured_at, |(first, _)| first);
        self.span = Some((first, frame.captured_at));
        self.decode.get_or_insert_with(|| LatencyWindow::new(WINDOW)).push(frame.decode_time);
        let age = now.saturating_duration_since(frame.captured_at);
        self.age.get_or_insert_with(|| LatencyWindow::new(WINDOW)).push(age);
        self.losses = frame.losses.unwrap_or_default();
    }

    fn note_trouble(&mut self, trouble: String) {
        if self.troubles.len() < TROUBLES && !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }

    fn rate(&self) -> Option<f64> {
        let (first, last) = self.span?;
        let seconds = last.saturating_duration_since(first).as_secs_f64();
        (seconds > 0.0).then(|| (self.frames - 1) as f64 / seconds)
    }
}

impl From<LatencySummary> for Milliseconds {
    fn from(summary: LatencySummary) -> Self {
        Self { p50: summary.p50_ms, p95: summary.p95_ms }
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ms median, {:.2} ms 95th percentile", self.p50, self.p95)
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = || "not known".to_owned();
        let rate = self.rate.map_or_else(unknown, |rate| format!("{rate:.2} fps"));
        writeln!(f, "camera:{}  {}", self.camera, self.name)?;
        writeln!(f, "  mode            {}", self.mode)?;
        writeln!(f, "  capture rate    {rate}, {} frames in {:.1} s", self.frames, self.seconds)?;
        for (name, figure) in [("decode", self.decode_ms), ("frame age", self.age_ms)] {
            writeln!(f, "  {name:<15} {}", figure.map_or_else(unknown, |figure| figure.to_string()))?;
        }
        writeln!(f, "  driver drops    {}", self.driver_drops)?;
        writeln!(f, "  damaged frames  {}", self.damaged_frames)?;
        writeln!(f, "  restarts        {}", self.restarts)?;
        self.troubles.iter().try_for_each(|trouble| writeln!(f, "  trouble         {trouble}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::RgbImage;
    use std::sync::Arc;

    fn seen() -> Seen {
        let mut seen = Seen::default();
        let start = Instant::now();
        for tick in 0..31u64 {
            let captured_at = start + Duration::from_millis(tick * 40);
            let losses = CameraLosses { dropped: tick / 10, damaged: 1, reopened: 2 };
            let frame = CapturedFrame {
                image: Arc::new(RgbImage::new(2, 2)),
                captured_at,
                decode_time: Duration::from_millis(2),
                position: None,
                name: "Webcam".into(),
                truth: None,
                losses: Some(losses),
            };
            seen.note(&frame, captured_at + Duration::from_millis(5));
        }
        seen
    }

    #[test]
    fn the_rate_is_that_of_the_cameras_times_and_the_age_is_that_at_the_hand_over() {
        let seen = seen();
        assert!((seen.rate().unwrap() - 25.0).abs() < 1e-9);
        assert_eq!(seen.losses, CameraLosses { dropped: 3, damaged: 1, reopened: 2 });
        let age = seen.age.unwrap().summary();
        assert!((age.p50_ms - 5.0).abs() < 1e-3 && age.count == 31, "{age:?}");
        assert_eq!(Seen::default().rate(), None);
    }

    #[test]
    fn a_trouble_is_told_once_and_only_a_few_are() {
        let mut seen = Seen::default();
        for number in 0..200 {
            seen.note_trouble(format!("trouble {}", number % 100));
        }
        assert_eq!(seen.troubles.len(), TROUBLES);
    }
}
