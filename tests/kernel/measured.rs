//! What is measured on frames: colours, rate, age; and what a camera is said to offer.

use crate::{STEP_LIMIT, controls, driver, frames};
use quantscope::capture::{self, ControlSetting, FrameSource, Next};
use std::time::{Duration, Instant};

/// What a colour may be off by after the way through YUV and back.
const COLOUR_PLAY: i32 = 6;

/// Camera 0 offers this format and size ("YUYV 640x360"), with these rates.
pub fn offers(format: &str, rates: &[f64]) {
    let camera = capture::list_cameras().into_iter().find(|camera| camera.number == 0).expect("camera 0");
    let name = |offered: &capture::CameraFormat| format!("{} {}", offered.format, offered.size);
    let offered = camera.formats.iter().find(|offered| name(offered) == format);
    let known: Vec<String> = camera.formats.iter().map(name).collect();
    let offered = offered.unwrap_or_else(|| panic!("{format} is not among {known:?}"));
    assert_eq!(offered.rates.len(), rates.len(), "{:?}", offered.rates);
    let same = offered.rates.iter().zip(rates).all(|(a, b)| (a - b).abs() < 1e-3);
    assert!(same, "{:?}", offered.rates);
}

/// Among its controls are these, each in the words of [`controls::words`].
pub fn has_controls(source: &mut dyn FrameSource, expected: &[&str]) {
    let started = Instant::now();
    let told = loop {
        if let Some(told) = source.take_controls() {
            break told;
        }
        assert!(started.elapsed() < STEP_LIMIT, "no controls");
        frames(source, 1);
    };
    let told: Vec<String> = told.iter().map(controls::words).collect();
    for control in expected {
        assert!(told.iter().any(|told| told == control), "{control} is not among\n{}", told.join("\n"));
    }
}

/// A frame comes that has this colour (R, G, B) everywhere.
pub fn shows(source: &mut dyn FrameSource, colour: [u8; 3]) {
    let started = Instant::now();
    loop {
        let frame = frames(source, 1).remove(0);
        let (width, height) = frame.image.dimensions();
        let places =
            [(0, 0), (width / 2, height / 2), (width - 1, 0), (width / 3, height - 1), (width - 1, height - 1)];
        let found = places.map(|(x, y)| frame.image.get_pixel(x, y).0);
        let is_near =
            |found: &[u8; 3]| (0..3).all(|i| (i32::from(found[i]) - i32::from(colour[i])).abs() <= COLOUR_PLAY);
        if found.iter().all(is_near) {
            return;
        }
        assert!(started.elapsed() < STEP_LIMIT / 4, "{found:?} in the place of {colour:?}");
    }
}

/// Frames come that often, by the times at which they were taken. What was dropped counts too.
pub fn rate(source: &mut dyn FrameSource, rate: f64) {
    frames(source, 3);
    let frames = frames(source, (rate * 1.5).max(6.0) as usize);
    let (first, last) = (&frames[0], &frames[frames.len() - 1]);
    let dropped = last.losses.unwrap().dropped - first.losses.unwrap().dropped;
    let span = (last.captured_at - first.captured_at).as_secs_f64();
    let found = ((frames.len() - 1) as f64 + dropped as f64) / span;
    println!("{found:.2} frames a second, {dropped} of {} dropped", frames.len());
    // An emulated timer comes late, and never early.
    let slowest = if driver::is_emulated() { 0.25 } else { 0.9 };
    assert!((slowest..1.1).contains(&(found / rate)), "{found:.2} in the place of {rate}");
}

/// A reader that takes a frame of every ten gets the newest one each time: by the driver's time no older than two
/// periods, one that it waited for its successor and one in which that was filled, and the time of decoding both.
pub fn slowly(source: &mut dyn FrameSource, count: usize) {
    let period = Duration::from_secs_f64(1.0 / source.info().frame_rate.unwrap());
    frames(source, 1);
    let mut in_time = 0;
    for _ in 0..count {
        std::thread::sleep(10 * period);
        let frame = frames(source, 1).remove(0);
        let (age, limit) = (frame.captured_at.elapsed(), 2 * (period + frame.decode_time));
        println!("{age:?} of {limit:?}");
        in_time += usize::from(age <= limit);
    }
    // A queue anywhere would make all of them late; a machine that has something else to do, some.
    assert!(in_time + count / 4 >= count, "{in_time} of {count} were the newest");
}

/// Frames are older where they are handed over when the driver stamps them at the start of their exposure than when it
/// stamps them at the end: so it is the driver's time that counts. `stamped_at` is the control for that.
pub fn age_is_the_drivers(source: &mut dyn FrameSource, stamped_at: u32) {
    let [end, start] = [0, 1].map(|value| {
        source.set_control(ControlSetting { id: stamped_at, value });
        // Those on their way are stamped the old way.
        frames(source, 4);
        let mut ages: Vec<Duration> = (0..15).map(|_| age(source)).collect();
        ages.sort_unstable();
        ages[7]
    });
    println!("age without decoding: {end:?} stamped at the end, {start:?} at the start");
    assert!(start > end + Duration::from_micros(100), "{end:?}, {start:?}");
    assert!(start < Duration::from_secs(1), "{start:?}");
}

/// The age of the next frame without its time of decoding.
fn age(source: &mut dyn FrameSource) -> Duration {
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < STEP_LIMIT);
        if let Next::Frame(frame) = source.next_frame(Duration::from_millis(500)).unwrap() {
            return frame.captured_at.elapsed().saturating_sub(frame.decode_time);
        }
    }
}
