//! Throughput of an evaluation against that of its bare sessions, in turn, so that a machine that grows slower meanwhile
//! is fair to both.
//!
//! ```sh
//! cargo run --example eval_throughput -- DATASET MODEL.onnx [MODEL.onnx …]
//! ```
//!
//! Bare is `session.run` back to back with the same number of threads: once as the lanes have them (a session of one
//! thread a core), once as one session at a time with all threads inside its operators.

use quantscope::evaluate::{Cancel, EvaluationPlan, LabelledPictures, ModelToEvaluate, run};
use quantscope::inference::{Detector, LoadOptions, SessionOptions};
use std::path::PathBuf;
use std::time::Instant;

const ROUNDS: usize = 7;
/// Runs of each session in a round.
const RUNS: usize = 32;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let dataset = arguments.next().ok_or("name a dataset and models")?;
    let models: Vec<PathBuf> = arguments.collect();
    let cores = std::thread::available_parallelism()?.get();
    let mut lanes = Vec::new();
    for _ in 0..cores {
        lanes.push(load_all(&models, 1)?);
    }
    let mut whole = load_all(&models, cores)?;
    let (mut ratios_lanes, mut ratios_whole) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let beside = bare_beside(&mut lanes);
        let evaluated = evaluation(&dataset, &models)?;
        let in_turn = bare(&mut whole);
        println!(
            "round {round}: {evaluated:.1} runs a second; bare {beside:.1} as lanes, {in_turn:.1} one after the other"
        );
        ratios_lanes.push(evaluated / beside);
        ratios_whole.push(evaluated / in_turn);
    }
    println!("evaluation / bare sessions of one thread beside each other: {:.3} (median)", median(ratios_lanes));
    println!("evaluation / bare sessions of {cores} threads in turn: {:.3} (median)", median(ratios_whole));
    Ok(())
}

fn load_all(models: &[PathBuf], threads: usize) -> Result<Vec<Detector>, Box<dyn std::error::Error>> {
    let session = SessionOptions { threads, ..SessionOptions::default() };
    let options = LoadOptions { session, ..LoadOptions::default() };
    let load = |path: &PathBuf| Detector::load(path, &options, None, &mut |_| {});
    Ok(models.iter().map(load).collect::<Result<_, _>>()?)
}

/// Runs a second of all lanes at once.
fn bare_beside(lanes: &mut [Vec<Detector>]) -> f64 {
    let runs = lanes.len() * lanes.first().map_or(0, Vec::len) * RUNS;
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for lane in lanes {
            scope.spawn(|| bare(lane));
        }
    });
    runs as f64 / begin.elapsed().as_secs_f64()
}

/// Runs a second of these sessions in turn.
fn bare(detectors: &mut [Detector]) -> f64 {
    let begin = Instant::now();
    for _ in 0..RUNS {
        for detector in detectors.iter_mut() {
            let _ = std::hint::black_box(detector.time_session());
        }
    }
    (RUNS * detectors.len()) as f64 / begin.elapsed().as_secs_f64()
}

/// Pictures a second, times the models.
fn evaluation(dataset: &std::path::Path, models: &[PathBuf]) -> Result<f64, Box<dyn std::error::Error>> {
    let pictures = LabelledPictures::Files { path: dataset.to_owned(), images: None, split: None };
    let plan = EvaluationPlan::new(pictures, models.iter().map(ModelToEvaluate::from).collect());
    let evaluation = run(&plan, &Cancel::default(), &mut |_| {})?;
    Ok(evaluation.dataset.images as f64 * models.len() as f64 / evaluation.seconds)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
