//! The model panel: what is believed is seen, what is edited is applied, and nothing is lost when it is refused.

use crate::support::{Setup, Window, model};
use eframe::egui::Key;
use egui_kittest::kittest::Queryable;
use quantscope::app::{Picked, ProbeRow};
use quantscope::imaging::{ResizeMode, RgbImage};
use quantscope::inference::probe::Feeding;
use quantscope::inference::{CardOverrides, ColorOrder, Evidence, Item, ModelInfo, Precision};
use quantscope::pipeline::{Event, LaneId};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A model with evidence, loaded with a card.
fn told(path: &Path, card: CardOverrides) -> Arc<ModelInfo> {
    let mut info = ModelInfo::clone(&model(path.to_str().unwrap(), Precision::Fp32));
    info.evidence = vec![
        Evidence::sure(Item::Head, "two outputs, boxes and scores"),
        Evidence::guess(Item::Preprocessing, "RGB 0…1, stretched: as is usual"),
    ];
    card.apply(&mut info.card);
    info.set = Some(Arc::new(card));
    Arc::new(info)
}

/// A window whose panel of lane A is open, and the model's path.
fn opened(setup: Setup) -> (Window, PathBuf) {
    let mut window = Window::running(setup);
    let path = window.path("gate.onnx");
    window.tell(Event::ModelLoaded { lane: LaneId::A, info: told(&path, CardOverrides::default()) });
    window.click("About model A");
    (window, path)
}

fn choose(window: &mut Window, list: &str, choice: &str) {
    window.click(list);
    window.click(choice);
}

#[test]
fn what_is_believed_is_seen_with_its_evidence_and_guesses_are_marked() {
    let (mut window, _) = opened(Setup::default());
    for said in ["gate.onnx", "two outputs, boxes and scores", "RGB 0…1, stretched: as is usual (a guess)", "a guess"]
    {
        assert!(window.sees(said), "{said}");
    }
    for field in ["Head", "Input width", "Layout", "Colours", "Range", "Scale", "Resize", "Padding", "Class numbers"] {
        window.harness.get_by_label(field);
    }
    window.press(Key::Escape);
    assert!(window.harness.query_by_label("Try preprocessings on this frame").is_none());
    window.press(Key::M);
    window.harness.get_by_label("Try preprocessings on this frame");
    window.press(Key::M);
    assert!(window.harness.query_by_label("Try preprocessings on this frame").is_none());
}

#[test]
fn what_is_edited_is_applied_to_that_lane_alone() {
    let (mut window, path) = opened(Setup::default());
    choose(&mut window, "Colours", "BGR");
    choose(&mut window, "Range", "0…1");
    window.harness.get_by_label("Padding").set_value_accesskit(7.0);
    window.harness.run();
    assert_eq!(window.commands(), [] as [String; 0], "nothing is applied before it is asked for");
    window.click("Apply");
    let commands = window.commands();
    assert!(commands.len() == 1 && commands[0].starts_with("LoadModel { lane: A"), "{commands:?}");
    for part in
        ["gate.onnx", "color: Some(Bgr)", "scale: Some(0.003921569)", "pad: Some(7)", "head: None", "resize: None"]
    {
        assert!(commands[0].contains(part), "{part} in {commands:?}");
    }
    let card = CardOverrides { color: Some(ColorOrder::Bgr), ..CardOverrides::default() };
    window.tell(Event::ModelLoaded { lane: LaneId::A, info: told(&path, card) });
    window.click("Forget colours");
    window.click("Apply");
    assert!(window.commands()[0].contains("color: None"));
}

#[test]
fn a_refusal_is_shown_and_nothing_is_lost() {
    let (mut window, path) = opened(Setup::default());
    choose(&mut window, "Head", "yolox");
    window.click("Apply");
    window.commands();
    let message = "the model card sets head = \"yolox\", which needs one output. Correct the card".to_owned();
    window.tell(Event::ModelFailed { lane: LaneId::A, path, message: message.clone() });
    assert!(window.sees(&message));
    window.click("Apply");
    assert!(window.commands()[0].contains("head: Some(Yolox)"), "what was edited is still there");
    window.click("Revert");
    assert!(window.harness.query_by_label("Forget head").is_none());
}

#[test]
fn class_names_are_chosen_with_the_dialog() {
    let (mut window, _) = opened(Setup { picked: Picked::Path("/names/gate.names".into()), ..Setup::default() });
    window.click("Choose class names");
    window.background();
    assert!(window.sees("gate.names"));
    window.click("Apply");
    assert!(window.commands()[0].contains("labels: Some(File(\"/names/gate.names\"))"));
}

#[test]
fn what_was_applied_is_saved_beside_the_model() {
    let (mut window, path) = opened(Setup::default());
    let card = CardOverrides { pad: Some(9), ..CardOverrides::default() };
    let sidecar = path.with_extension("toml");
    std::fs::write(&sidecar, "# mine\n").unwrap();
    window.tell(Event::ModelLoaded { lane: LaneId::A, info: told(&path, card) });
    window.click("Save card");
    window.background();
    assert!(window.sees(&format!("Saved as {}", sidecar.display())));
    assert_eq!(std::fs::read_to_string(&sidecar).unwrap(), "pad = 9\n# mine\n");
    std::fs::remove_file(&sidecar).unwrap();
    std::fs::create_dir(&sidecar).unwrap();
    window.click("Save card");
    window.background();
    assert!(window.sees("gate.toml cannot be read"));
}

#[test]
fn a_preprocessing_is_searched_and_taken() {
    let feeding = |color, resize| Feeding { color, scale: 1.0, mean: [0.0; 3], std: [1.0; 3], resize, pad: 114 };
    let row = |feeding, score| ProbeRow { feeding, bytes: false, score, boxes: 4, picture: RgbImage::new(64, 48) };
    let rows = vec![
        row(feeding(ColorOrder::Bgr, ResizeMode::Stretch), 2.5),
        row(feeding(ColorOrder::Rgb, ResizeMode::LetterboxTopLeft), 1.25),
    ];
    let (mut window, _) = opened(Setup { probed: Ok(Some(rows)), ..Setup::default() });
    window.click("Try preprocessings on this frame");
    // The progress, and then what was found.
    window.background();
    window.background();
    assert!(window.sees("1. score 2.50, 4 boxes"));
    assert!(window.sees("2. score 1.25, 4 boxes, as now"));
    window.click("Take BGR 0…255, stretched");
    let commands = window.commands();
    for part in ["lane: A", "color: Some(Bgr)", "resize: Some(Stretch)", "scale: Some(1.0)"] {
        assert!(commands[0].contains(part), "{part} in {commands:?}");
    }
}

#[test]
fn a_search_that_fails_says_why() {
    let (mut window, _) = opened(Setup { probed: Err("gate.onnx is gone".into()), ..Setup::default() });
    window.click("Try preprocessings on this frame");
    window.background();
    window.background();
    assert!(window.sees("gate.onnx is gone"));
}

#[test]
fn a_model_that_was_not_recognised_can_be_given_a_head() {
    let mut window = Window::running(Setup::default());
    let path = PathBuf::from("/models/odd.onnx");
    let message = "/models/odd.onnx: the outputs look like another kind of head".to_owned();
    window.tell(Event::ModelFailed { lane: LaneId::B, path, message });
    window.click("About model B");
    assert!(window.sees("This model was not recognised"));
    choose(&mut window, "Head", "yolov5");
    window.click("Apply");
    let commands = window.commands();
    assert!(commands[0].contains("odd.onnx") && commands[0].contains("head: Some(YoloV5)"), "{commands:?}");
}
