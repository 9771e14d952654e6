//! What acceleration gives: a full-precision model, its quantized twin as ONNX Runtime runs it, and the twin accelerated,
//! measured in turn in one process, on one thread. The full-precision model is given what helps it, too.
//!
//! `cargo run --release --example accelerate -- MODEL.onnx MODEL.int8.onnx [ROUNDS]`
//!
//! Where the system tells it, it is processor time that is measured, which other programs disturb less than they do the clock.

use image::RgbImage;
use quantscope::inference::{Detector, LoadOptions, SessionOptions, Thresholds};
use quantscope::runtime::own_processor_time;
use std::path::Path;
use std::time::Instant;

/// What is measured of a model, milliseconds: its session alone, and a whole frame.
type Lap = [f64; 2];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [full, quantized, rest @ ..] = arguments.as_slice() else {
        return Err("name a full-precision model and its quantized twin".into());
    };
    let rounds: usize = rest.first().map_or(Ok(40), |rounds| rounds.parse())?;
    let load = |path: &str, accelerate| {
        let session = SessionOptions { threads: 1, accelerate, ..SessionOptions::default() };
        Detector::load(Path::new(path), &LoadOptions { session, ..LoadOptions::default() }, None, &mut |_| {})
    };
    let mut models = [load(full, true)?, load(full, false)?, load(quantized, false)?, load(quantized, true)?];
    for model in [&models[0], &models[3]] {
        let told = model.info().acceleration.in_words();
        println!("{}: {}", model.info().path.display(), told.as_deref().unwrap_or("nothing to accelerate"));
    }
    let picture = RgbImage::from_fn(1280, 720, |x, y| image::Rgb([(x ^ y) as u8, (x * 7) as u8, (y / 3) as u8]));
    let mut laps: [Vec<Lap>; 4] = Default::default();
    for _ in 0..rounds {
        for (model, laps) in models.iter_mut().zip(&mut laps) {
            // The caches were another model's.
            model.time_session()?;
            let begin = now_ms();
            model.time_session()?;
            let between = now_ms();
            model.detect(&picture, Thresholds::default(), &mut Vec::new())?;
            laps.push([between - begin, now_ms() - between]);
        }
    }
    let names = ["full precision", "full, plain", "quantized, plain", "quantized"];
    for (name, own) in names.into_iter().zip(&laps) {
        let told = [0, 1].map(|part| {
            // Ratios within a round, so that what slows the whole machine down does not count.
            let ratio = median(own.iter().zip(&laps[0]).map(|(lap, full)| lap[part] / full[part]));
            format!("{:7.2} ms {ratio:6.3}", median(own.iter().map(|lap| lap[part])))
        });
        println!("{name:<17} session {}   frame {}", told[0], told[1]);
    }
    Ok(())
}

/// Processor time of this process, else the clock, milliseconds.
fn now_ms() -> f64 {
    thread_local!(static BEGIN: Instant = Instant::now());
    own_processor_time().unwrap_or_else(|| BEGIN.with(Instant::elapsed)).as_secs_f64() * 1e3
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
