//! Reads a JPEG from stdin and prints the milliseconds (median) that nokhwa takes to decode it.

use std::hint::black_box;
use std::io::Read;
use std::time::{Duration, Instant};

fn main() {
    let mut jpeg = Vec::new();
    std::io::stdin().read_to_end(&mut jpeg).expect("a JPEG on stdin");
    let mut times: Vec<Duration> = (0..110)
        .map(|_| {
            let started = Instant::now();
            black_box(nokhwa_core::types::mjpeg_to_rgb(black_box(&jpeg), false).expect("a sound JPEG"));
            started.elapsed()
        })
        .skip(10)
        .collect();
    times.sort_unstable();
    println!("{}", times[times.len() / 2].as_secs_f64() * 1e3);
}
