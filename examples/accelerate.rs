//! What acceleration gives: a full-precision model, its quantized twin as ONNX Runtime runs it, and the twin accelerated,
//! measured in turn in one process, on one thread.
//!
//! `cargo run --release --example accelerate -- MODEL.onnx MODEL.int8.onnx [ROUNDS]`

use quantscope::inference::{Detector, LoadOptions, SessionOptions};
use std::path::Path;

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
    let mut models = [load(full, true)?, load(quantized, false)?, load(quantized, true)?];
    println!("{}", models[2].info().acceleration.in_words().unwrap_or_else(|| "nothing to accelerate".to_owned()));
    let mut laps: [Vec<f64>; 3] = Default::default();
    for _ in 0..rounds {
        for (model, laps) in models.iter_mut().zip(&mut laps) {
            // The caches were another model's.
            model.time_session()?;
            laps.push(model.time_session()?.as_secs_f64() * 1e3);
        }
    }
    // Ratios within a round, so that what slows the whole machine down does not count.
    let ratios = |of: usize| laps[of].iter().zip(&laps[0]).map(|(lap, full)| lap / full).collect();
    for (index, name) in ["full precision", "quantized", "accelerated"].into_iter().enumerate() {
        println!("{name:<15} {:6.2} ms, {:.3} of full precision", median(laps[index].clone()), median(ratios(index)));
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
