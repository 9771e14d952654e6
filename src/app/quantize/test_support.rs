//! An outcome made by hand: three models of a network with three layers.

use super::setup::{ChosenModel, QuantizeSettings};
use super::state::Run;
use crate::capture::SourceSpec;
use crate::quantize::{
    Agreement, Choice, Gate, JudgeBy, Layer, Measured, Method, Outcome, Point, Recipe, Request, Speed, Times,
};
use std::time::Instant;

/// The second model is the best, the third is beaten.
pub fn outcome() -> Outcome {
    let points = vec![point(0.7, 0.5, &[], 0), point(0.95, 0.7, &["stem"], 1), point(0.9, 0.9, &["neck"], 2)];
    let layer = |name: &str, weights, sensitivity, integer| Layer {
        name: name.to_owned(),
        op: "Conv".to_owned(),
        weights,
        sensitivity,
        integer,
    };
    Outcome {
        recipe: Recipe {
            parent_sha256: "0".repeat(64),
            method: Method::Mse,
            weight_limit: 127,
            pictures: 96,
            numbers: Default::default(),
            corrections: Default::default(),
            judged_by: Some(JudgeBy::Accelerated),
            choice: points[1].choice.clone(),
        },
        points,
        best: 1,
        front: vec![0, 1],
        failed: None,
        layers: vec![
            layer("stem", 432, Some(0.002), false),
            layer("neck", 9216, Some(0.05), true),
            layer("head", 20_000, None, true),
        ],
        float_bytes: 3_400_000,
        notes: vec!["raised from operator set 11 to 13".to_owned()],
        profiles: Vec::new(),
    }
}

fn point(f1: f64, ratio: f64, float: &[&str], number: u8) -> Point {
    let agreement = Agreement { f1, closeness: f1 - 0.02, boxes: 90, pictures: 32, ..Agreement::default() };
    let float_nodes = float.iter().map(|name| (*name).to_owned()).collect();
    Point {
        choice: Choice { float_nodes, ..Choice::default() },
        integers: 3 - float.len(),
        float: float.iter().map(|name| (*name).to_owned()).collect(),
        measured: Measured {
            agreement,
            times: Times::new(JudgeBy::Accelerated, Speed { ratio, ms: [ratio * 10.0, 10.0] }),
            ap: None,
            executed: None,
        },
        bytes: vec![number; 1000].into(),
    }
}

fn request() -> Request {
    let gate = Gate { min_agreement: Some(0.8), ..Gate::default() };
    QuantizeSettings::default().request(&ChosenModel::file("/m/a.onnx".into()), gate, None)
}

/// What it was asked for.
pub fn run() -> Run {
    Run {
        watch: Default::default(),
        request: request().into(),
        output: "/m/a.int8.onnx".into(),
        pictures: SourceSpec::Demo,
        recipe: None,
        begun: 1_795_426_560,
        began: Instant::now(),
    }
}
