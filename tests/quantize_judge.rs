//! What models are judged by: how this program runs them, or plain ONNX Runtime; and that quantizing ends soon when it is
//! cancelled, and leaves nothing behind.

mod common;

use quantscope::imaging::{ImageSize, RgbImage};
use quantscope::inference::{LoadOptions, SessionOptions, Thresholds};
use quantscope::quantize::{
    ChannelScales, Corrections, Gate, JudgeBy, Method, Mode, Numbers, Progress, QuantizeError, Quantizer, Recipe,
    Request, Sample,
};
use quantscope::scene;
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::Path;

fn quantize(model: &Path, cache: &Path, options: &[&str]) -> Value {
    let config = tempfile::tempdir().unwrap();
    let mut command = common::quantscope(config.path());
    command.env("QUANTSCOPE_CACHE_DIR", cache).arg("quantize").arg(model);
    command.args(["--calibrate", "demo", "--samples", "12", "--format", "json"]);
    let output = command.args(options).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{options:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn best(report: &Value) -> &Value {
    &report["points"][report["best"].as_u64().unwrap() as usize]
}

#[test]
fn models_are_judged_as_the_program_runs_them_or_by_plain_onnx_runtime() {
    let (folder, model) = common::scene();
    let (cache, recipe) = (folder.path().join("cache"), folder.path().join("recipe.txt"));
    let save = ["--save-recipe", recipe.to_str().unwrap()];
    let report = quantize(&model, &cache, &save);
    let chosen = best(&report);
    assert_eq!(chosen["judged_by"], "accelerated", "that is the default");
    assert_eq!(chosen["latency_ratio"], chosen["accelerated"]["ratio"]);
    assert!(chosen["plain"]["ratio"].as_f64().unwrap() > 0.0, "of the best one both are told: {chosen}");
    let front = report["front"].as_array().unwrap();
    assert!(front.iter().all(|index| report["points"][index.as_u64().unwrap() as usize]["plain"].is_object()));
    assert_eq!(report["asked"]["Judged by the time"], "in quantscope");
    let stored = Recipe::from_toml(&std::fs::read_to_string(&recipe).unwrap()).unwrap();
    assert_eq!(stored.judged_by, Some(JudgeBy::Accelerated));
    let left = || cache.read_dir().map_or(0, |entries| entries.count());
    assert_eq!(left(), 0, "models that were only tried are not kept in the cache");

    for way in [&["--judge-by", "plain"][..], &["--no-accelerate"]] {
        let arguments = [way, &["--recipe", recipe.to_str().unwrap()]].concat();
        let report = quantize(&model, &cache, &arguments);
        let chosen = best(&report);
        assert_eq!(chosen["judged_by"], "plain", "{way:?}");
        assert_eq!(chosen["latency_ratio"], chosen["plain"]["ratio"]);
        assert!(chosen["accelerated"]["ratio"].as_f64().unwrap() > 0.0, "{chosen}");
        assert_eq!(report["recipe"]["judged_by"], "accelerated", "how the recipe was found does not change");
        assert_eq!(left(), 0);
    }
}

#[test]
fn ways_that_exclude_each_other_are_refused() {
    let (_folder, model) = common::scene();
    let config = tempfile::tempdir().unwrap();
    let arguments = ["--calibrate", "demo", "--judge-by", "accelerated", "--no-accelerate"];
    let output = common::quantscope(config.path()).arg("quantize").arg(&model).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("exclude each other"), "{said}");
}

fn request(model: &Path) -> Request {
    Request {
        model: model.to_owned(),
        load: LoadOptions { session: SessionOptions { threads: 1, ..Default::default() }, ..Default::default() },
        judged_threads: 1,
        judge_by: JudgeBy::Accelerated,
        thresholds: Thresholds::default(),
        mode: Mode::Static,
        numbers: Numbers::default(),
        weight_limit: None,
        method: Method::Mse,
        channel_scales: ChannelScales::Auto,
        corrections: Corrections::USUAL,
        samples: 8,
        gate: Gate::default(),
        classes: Vec::new(),
        recipe: None,
    }
}

fn pictures() -> impl Iterator<Item = RgbImage> {
    (0..8).map(|index| scene::still(7, index, ImageSize::new(320, 320)).0)
}

/// Asks for the end after the first word that `stops`: what was told then, and the next word, with which it ends.
fn cancelled_at(model: &Path, stops: impl Fn(&Progress) -> bool) -> [Progress; 2] {
    let mut told = Vec::new();
    let mut report = |progress: Progress| {
        if told.is_empty() && !stops(&progress) {
            return ControlFlow::Continue(());
        }
        told.push(progress);
        if told.len() > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut samples = pictures().map(Sample::from);
    let ended = Quantizer::calibrate(&request(model), None, &mut samples, &mut report)
        .and_then(|mut quantizer| quantizer.quantize(&mut report).map(drop));
    assert!(matches!(ended, Err(QuantizeError::Cancelled)), "it came to its end: {ended:?}");
    told.try_into().unwrap()
}

#[test]
fn cancelling_takes_effect_within_a_step() {
    let (_folder, model) = common::scene();
    type IsIt = fn(&Progress) -> bool;
    let kinds: [IsIt; 5] = [
        |progress| matches!(progress, Progress::Equalizing { done: 2, .. }),
        |progress| matches!(progress, Progress::Calibrating { done: 2, .. }),
        |progress| matches!(progress, Progress::Rounding { .. }),
        |progress| matches!(progress, Progress::Sensitivity { .. }),
        |progress| matches!(progress, Progress::Trying { .. }),
    ];
    for stops in kinds {
        let [asked, ended] = cancelled_at(&model, stops);
        let one_more = match asked {
            Progress::Equalizing { done, of } => Progress::Equalizing { done: done + 1, of },
            Progress::Calibrating { done, of } => Progress::Calibrating { done: done + 1, of },
            Progress::Rounding { done, of } => Progress::Rounding { done: done + 1, of },
            Progress::Sensitivity { done, of } => Progress::Sensitivity { done: done + 1, of },
            // Within what takes long the same is told again and again.
            trying => trying,
        };
        assert_eq!(ended, one_more);
    }
}
