//! The command that a report names is read by this very command line as what was asked for.

use super::*;
use crate::cli::arguments::{Arguments, Subcommand};
use crate::inference::{CardSource, ModelOverrides, Thresholds};
use crate::quantize::{Activations, ChannelScales, JudgeBy, Method, Mode, Numbers, Weights};
use crate::report::Again;
use clap::Parser;

fn usual() -> Request {
    let gate = Gate { min_agreement: Some(0.8), ..Gate::default() };
    Request {
        model: "/m/a model.onnx".into(),
        load: LoadOptions::default(),
        judged_threads: 1,
        judge_by: JudgeBy::Accelerated,
        channel_scales: ChannelScales::Auto,
        thresholds: Thresholds::default(),
        mode: Mode::Static,
        numbers: Numbers::default(),
        weight_limit: None,
        method: Method::default(),
        corrections: Corrections::USUAL,
        samples: 128,
        classes: Vec::new(),
        gate,
        recipe: None,
    }
}

fn odd() -> Request {
    let card = Some(CardSource::File("/m/it's a card.toml".into()));
    let overrides = ModelOverrides { card, labels: Some("/m/$names".into()) };
    Request {
        load: LoadOptions { overrides, ..LoadOptions::default() },
        judge_by: JudgeBy::Plain,
        channel_scales: ChannelScales::On,
        thresholds: Thresholds { confidence: 0.1, iou: 0.65 },
        numbers: Numbers { activations: Activations::S16, weights: Weights::S8 },
        weight_limit: Some(63),
        method: Method::Entropy,
        corrections: Corrections::NONE,
        samples: 7,
        gate: Gate { min_agreement: Some(0.95), min_speedup: Some(1.25), max_ap_drop: Some(0.01) },
        ..usual()
    }
}

/// What a shell makes of the command and this program of that.
fn read(command: &str) -> (Global, Args) {
    let script = format!("quantscope() {{ printf '%s\\n' \"$@\"; }}\n{command}");
    let shell = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    let words = String::from_utf8(shell.stdout).unwrap();
    let words = std::iter::once("quantscope").chain(words.lines());
    let arguments = Arguments::try_parse_from(words).unwrap_or_else(|error| panic!("{command}: {error}"));
    let Some(Subcommand::Quantize(args)) = arguments.command else { panic!("{command}") };
    (arguments.global, args)
}

#[test]
fn a_command_asks_for_what_was_asked_for() {
    let dynamic = Numbers { weights: Weights::U8, ..Numbers::default() };
    let requests = [
        usual(),
        odd(),
        Request { mode: Mode::Dynamic, numbers: dynamic, weight_limit: Some(127), ..usual() },
        Request { mode: Mode::Half, ..usual() },
        Request { channel_scales: ChannelScales::Off, weight_limit: Some(127), ..usual() },
    ];
    for request in requests {
        let out = Path::new("/o/new twin.onnx");
        let again = Again { request: &request, pictures: "/p/my pictures", live: false, out, by_recipe: false };
        let (global, args) = read(&again.command());
        let asked = super::request(&global, &args, args.file.as_ref().unwrap()).unwrap();
        assert_eq!(format!("{asked:?}"), format!("{request:?}"), "{}", again.command());
        assert_eq!((args.calibrate.as_str(), args.out.as_deref()), ("/p/my pictures", Some(out)));
    }
}

#[test]
fn a_recipe_says_what_it_says_and_comments_are_none_of_the_command() {
    let request = odd();
    let out = Path::new("twin.onnx");
    let again = Again { request: &request, pictures: "camera:0", live: true, out, by_recipe: true };
    let (global, args) = read(&again.command());
    assert_eq!(args.recipe.as_deref(), Some(Path::new("recipe.toml")));
    assert!(args.weights.is_none() && args.activations.is_none() && !args.no_equalize);
    assert_eq!((args.judge_by, args.min_speedup), (Some(WayName::Plain), Some(1.25)));
    assert_eq!((args.calibrate.as_str(), global.confidence), ("camera:0", Some(0.1)));
}
