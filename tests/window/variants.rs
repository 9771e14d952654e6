//! A family of three: full precision, and two quantized models of which one is kept ready.

use crate::support::{Setup, Window, model, text};
use eframe::egui::Key;
use egui_kittest::kittest::Queryable;
use quantscope::app::Variant;
use quantscope::inference::{CardOverrides, CardSource, ModelInfo, ModelOverrides, Precision};
use quantscope::pipeline::{Command, Event, LaneId};
use std::sync::Arc;

const FAMILY: [(&str, Option<&str>); 3] =
    [("/models/a.onnx", None), ("/models/a.int8.onnx", Some("int8")), ("/models/a.qat.onnx", Some("qat"))];

fn family() -> Vec<Variant> {
    let variant = |(path, ending): (&str, Option<&str>)| Variant {
        path: path.into(),
        quantized: ending.is_some(),
        ending: ending.map(str::to_owned),
    };
    FAMILY.map(variant).to_vec()
}

/// A window with a.onnx in A, a.int8.onnx in B, and a.qat.onnx ready.
fn window() -> Window {
    let mut window = Window::open(Setup { family: family(), ..Setup::default() });
    window.load_models();
    // The cameras, and the family of each model.
    for _ in 0..3 {
        window.background();
    }
    let asked: Vec<_> = window.commands().into_iter().filter(|command| command.starts_with("KeepReady")).collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].starts_with("KeepReady(Some((\"/models/a.qat.onnx\""), "{asked:?}");
    window.tell(Event::ModelReady(Some(model("/models/a.qat.onnx", Precision::Int8))));
    window
}

/// What the pipeline tells after an exchange.
fn exchanged(window: &mut Window, in_b: &str, ready: &str) {
    window.tell(Event::ModelLoaded { lane: LaneId::B, info: model(in_b, Precision::Int8) });
    window.tell(Event::ModelReady(Some(model(ready, Precision::Int8))));
    window.background();
    assert_eq!(window.commands(), [] as [String; 0], "the other one is ready already");
}

#[test]
fn the_toggle_walks_through_three_precisions_and_back() {
    let mut window = window();
    let (a, b) = ("SetMode(Single(A))", "SetMode(Single(B))");
    for _ in 0..2 {
        window.press(Key::T);
        let first = window.commands();
        assert_eq!(first.last().map(String::as_str), Some(b));
        if first.len() > 1 {
            assert_eq!(first[0], "Exchange");
            exchanged(&mut window, "/models/a.int8.onnx", "/models/a.qat.onnx");
        }
        window.harness.get_by_label("Show B INT8");
        window.press(Key::T);
        assert_eq!(window.commands(), ["Exchange", b]);
        exchanged(&mut window, "/models/a.qat.onnx", "/models/a.int8.onnx");
        window.harness.get_by_label("Show B INT8 qat");
        window.press(Key::T);
        assert_eq!(window.commands(), [a]);
    }
}

#[test]
fn two_quantized_models_are_compared_by_choosing_them() {
    let mut window = window();
    window.click("Show INT8 qat in B");
    assert_eq!(window.commands(), ["Exchange"], "comparing goes on");
    window.click("More models A");
    window.click("Load a.int8.onnx into A");
    let commands = window.commands();
    assert!(commands[0].starts_with("LoadModel { lane: A, path: \"/models/a.int8.onnx\""), "{commands:?}");
}

/// A model that was loaded with a card and labels.
fn given(path: &str, overrides: &ModelOverrides) -> Arc<ModelInfo> {
    Arc::new(ModelInfo { given: overrides.clone(), ..ModelInfo::clone(&model(path, Precision::Int8)) })
}

#[test]
fn relatives_are_fed_and_read_as_what_runs_in_their_lane() {
    let mut window = window();
    let card = CardOverrides { pad: Some(7), ..CardOverrides::default() };
    let overrides =
        ModelOverrides { card: Some(CardSource::Given(Arc::new(card))), labels: Some("/names/own.names".into()) };
    window.tell(Event::ModelLoaded { lane: LaneId::B, info: given("/models/a.int8.onnx", &overrides) });
    window.background();
    let ready = Some(("/models/a.qat.onnx".into(), overrides.clone()));
    assert_eq!(window.commands(), [text(Command::KeepReady(ready))], "it is loaded anew, with the card of B");
    window.tell(Event::ModelReady(Some(given("/models/a.qat.onnx", &overrides))));
    window.click("Show INT8 qat in B");
    assert_eq!(window.commands(), ["Exchange"]);
    window.tell(Event::ModelLoaded { lane: LaneId::B, info: given("/models/a.qat.onnx", &overrides) });
    window.tell(Event::ModelReady(Some(given("/models/a.int8.onnx", &overrides))));
    window.background();
    assert_eq!(window.commands(), [] as [String; 0], "the other one is ready with the same card");
    for (lane, overrides) in [(LaneId::B, overrides), (LaneId::A, ModelOverrides::default())] {
        window.click(&format!("More models {lane:?}"));
        window.click(&format!("Load a.int8.onnx into {lane:?}"));
        let path = "/models/a.int8.onnx".into();
        assert_eq!(window.commands(), [text(Command::LoadModel { lane, path, overrides })]);
    }
}

#[test]
fn the_toggle_waits_for_the_answer_to_an_exchange() {
    let mut window = window();
    window.press(Key::T);
    window.press(Key::T);
    assert_eq!(window.commands(), ["SetMode(Single(B))", "Exchange", "SetMode(Single(B))"]);
    window.press(Key::T);
    assert_eq!(window.commands(), [] as [String; 0], "what runs in B is not known yet");
    exchanged(&mut window, "/models/a.qat.onnx", "/models/a.int8.onnx");
    window.press(Key::T);
    assert_eq!(window.commands(), ["SetMode(Single(A))"]);
}
