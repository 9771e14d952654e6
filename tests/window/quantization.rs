//! A window in which quantizing is played: the test says what the engine tells and what it makes.

use crate::common;
use crate::support::{Setup, Window, model};
use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui::Key;
use egui_kittest::kittest::{NodeT, Queryable};
use quantscope::app::{QuantizeFailure, QuantizeJob, QuantizeTalk};
use quantscope::inference::Precision;
use quantscope::onnx;
use quantscope::pipeline::{Event, LaneId};
use quantscope::quantize::{
    Agreement, Choice, JudgeBy, Layer, LeftFloat, Measured, Method, Outcome, Point, Profile, Progress, Reason, Recipe,
    Speed, Times, Work, WorkTime,
};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longest wait of the played engine for the test.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the played engine does next.
pub enum Next {
    Tell(Progress),
    Make(Outcome),
    Fail(QuantizeFailure),
    /// Does not listen for so long.
    Busy(Duration),
}

/// A window whose engine is played.
pub struct Played {
    pub window: Window,
    pub next: Sender<Next>,
    /// What it was asked for.
    pub jobs: Arc<Mutex<Vec<QuantizeJob>>>,
    /// Layers that were wished to stay in floats, and whether it was told to stop.
    pub wished: Receiver<BTreeSet<String>>,
    pub stopped: Receiver<()>,
    pub folder: tempfile::TempDir,
}

impl Played {
    /// With the models of the program in a folder of their own, and the window open.
    pub fn open(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(common::default_model("scene.onnx"), folder.path().join("a.onnx")).unwrap();
        let (next, steps) = bounded(64);
        let (wish, wished) = bounded(64);
        let (stop, stopped) = bounded(64);
        let jobs: Arc<Mutex<Vec<QuantizeJob>>> = Arc::default();
        let seen = Arc::clone(&jobs);
        let quantize = move |job: &QuantizeJob, talk: &mut dyn QuantizeTalk| {
            seen.lock().unwrap().push(copy(job));
            let ended = play(&steps, &wish, talk);
            if ended == Err(QuantizeFailure::Cancelled) {
                stop.send(()).unwrap();
            }
            ended
        };
        let mut window = Window::running(Setup { quantize: Some(Arc::new(quantize)), ..setup });
        let path = folder.path().join("a.onnx");
        window.tell(Event::ModelLoaded { lane: LaneId::A, info: model(path.to_str().unwrap(), Precision::Fp32) });
        window.press(Key::Q);
        Self { window, next, jobs, wished, stopped, folder }
    }

    /// Begun.
    pub fn started(setup: Setup) -> Self {
        let mut played = Self::open(setup);
        played.until_ready();
        played.window.commands();
        played.window.press(Key::Enter);
        played
    }

    /// With results on view.
    pub fn with(setup: Setup, outcome: Outcome) -> Self {
        let mut played = Self::started(setup);
        played.send(Next::Make(outcome));
        played.window.until(|window| window.sees("Models tried"));
        played
    }

    /// Waits until it can begin: where the new model can go is looked for beside the window.
    pub fn until_ready(&mut self) {
        self.window.until(|window| {
            let mut starts = window.harness.query_all_by_label("Start quantizing");
            starts.any(|node| !node.accesskit_node().is_disabled())
        });
    }

    /// Waits until the engine, which works beside the window, has got its job.
    pub fn until_begun(&mut self) {
        let jobs = Arc::clone(&self.jobs);
        self.window.until(|_| !jobs.lock().unwrap().is_empty());
    }

    pub fn send(&self, next: Next) {
        self.next.send(next).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Waits until the file that is written holds this model.
    pub fn holds(&mut self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        let model = onnx::parse(bytes.to_vec(), &path).unwrap();
        let expected = onnx::encoded(&model, &path).unwrap();
        self.window.until(|_| std::fs::read(&path).is_ok_and(|written| written == expected));
    }
}

fn copy(job: &QuantizeJob) -> QuantizeJob {
    use quantscope::app::PicturesFrom;
    let pictures = match &job.pictures {
        PicturesFrom::Spec(spec, cameras) => PicturesFrom::Spec(spec.clone(), *cameras),
        PicturesFrom::Live(frames) => PicturesFrom::Live(frames.clone()),
    };
    QuantizeJob { request: job.request.clone(), pictures, trial: None }
}

fn play(
    steps: &Receiver<Next>,
    wish: &Sender<BTreeSet<String>>,
    talk: &mut dyn QuantizeTalk,
) -> Result<(), QuantizeFailure> {
    let begun = Instant::now();
    let mut made = false;
    loop {
        if talk.stops() && !made {
            return Err(QuantizeFailure::Cancelled);
        }
        assert!(begun.elapsed() < PATIENCE * 6, "the test does not end");
        match steps.recv_timeout(Duration::from_millis(10)) {
            Ok(Next::Tell(progress)) => {
                let stopped = talk.tell(progress).is_break();
                if stopped && !made {
                    return Err(QuantizeFailure::Cancelled);
                } else if stopped {
                    let Some(float) = talk.made(Err(QuantizeFailure::Cancelled)) else { return Ok(()) };
                    wish.send(float).unwrap();
                }
            }
            Ok(Next::Make(outcome)) => {
                made = true;
                let Some(float) = talk.made(Ok(outcome)) else { return Ok(()) };
                wish.send(float).unwrap();
            }
            Ok(Next::Fail(failure)) if made => {
                let Some(float) = talk.made(Err(failure)) else { return Ok(()) };
                wish.send(float).unwrap();
            }
            Ok(Next::Fail(failure)) => return Err(failure),
            Ok(Next::Busy(time)) => std::thread::sleep(time),
            Err(error) if error.is_timeout() => {}
            Err(_) => return Err(QuantizeFailure::Other("the test is over".to_owned())),
        }
    }
}

/// Three models: fast and bad, the best, and one that is beaten. Each is one of the program's own, so that it can be
/// written and read.
pub fn outcome() -> Outcome {
    let points = vec![
        point(0.70, 0.5, &[], "scene.qat.onnx"),
        point(0.95, 0.7, &["stem"], "scene.int8.onnx"),
        point(0.90, 0.9, &["neck"], "scene.fp16.onnx"),
    ];
    let layer = |name: &str, weights, sensitivity, integer| Layer {
        name: name.to_owned(),
        op: "Conv".to_owned(),
        weights,
        sensitivity,
        integer,
    };
    Outcome {
        recipe: Recipe { choice: points[1].choice.clone(), ..recipe() },
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
        profiles: [None, Some(9.0)].map(profile).to_vec(),
    }
}

/// Where the time goes: of the FP32 model, or of one whose reference takes so long.
fn profile(reference_ms: Option<f64>) -> Profile {
    let ms = if reference_ms.is_some() { 4.5 } else { 9.0 };
    let kind = if reference_ms.is_some() { Work::IntegerLayers } else { Work::FloatLayers };
    let left = LeftFloat {
        reason: Reason::NoIntegerForm,
        operator: "HardSwish".to_owned(),
        nodes: 7,
        ms: 0.8,
        conversions: 14,
        conversion_ms: 0.6,
    };
    Profile {
        path: "a.onnx".into(),
        numbers: if reference_ms.is_some() { "INT8 (QDQ)" } else { "FP32" }.to_owned(),
        accelerated: false,
        run_ms: ms,
        reference_ms,
        runs: 20,
        operators: Vec::new(),
        work: vec![WorkTime { work: kind, nodes: 37, ms, share: 1.0, reference_ms: reference_ms.map(|_| 0.0) }],
        floats: reference_ms.map(|_| left).into_iter().collect(),
        findings: vec!["Half of the time goes into convolutions.".to_owned()],
        advice: reference_ms.map(|_| "Use it: it is twice as fast.".to_owned()),
    }
}

/// The one model that comes of a wish.
pub fn one_more(f1: f64, ratio: f64, float: &[&str], file: &str) -> Outcome {
    let made = point(f1, ratio, float, file);
    Outcome { points: vec![made], best: 0, front: vec![0], ..outcome() }
}

fn recipe() -> Recipe {
    let text = format!(
        "parent_sha256 = \"{}\"\nmethod = \"{}\"\nweight_limit = 127\npictures = 96\n[choice]\n",
        "0".repeat(64),
        Method::Mse.name()
    );
    Recipe::from_toml(&text).unwrap()
}

/// A model that stands for what was made.
pub fn point(f1: f64, ratio: f64, float: &[&str], file: &str) -> Point {
    let agreement = Agreement { f1, closeness: f1 - 0.02, boxes: 90, pictures: 32, ..Agreement::default() };
    let names: BTreeSet<String> = float.iter().map(|name| (*name).to_owned()).collect();
    Point {
        choice: Choice { float_nodes: names.clone(), ..Choice::default() },
        integers: 3 - float.len(),
        float: names,
        measured: Measured {
            agreement,
            times: Times::new(JudgeBy::Accelerated, Speed { ratio, ms: [ratio * 10.0, 10.0] }),
            ap: None,
            executed: None,
        },
        bytes: std::fs::read(common::default_model(file)).unwrap().into(),
    }
}
