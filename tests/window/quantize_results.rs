//! The window Quantize: what was found, the chart, the layers, and what becomes of the file.

use crate::quantization::{Next, Played, one_more, outcome};
use crate::support::Setup;
use egui_kittest::kittest::Queryable;
use quantscope::app::{DialogKind, Picked, QuantizeFailure, ReportForm};
use quantscope::quantize::{Choice, Outcome, Progress, Recipe, Speed};
use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

fn loads_b(commands: &[String]) -> usize {
    commands.iter().filter(|command| command.starts_with("LoadModel { lane: B")).count()
}

#[test]
fn the_best_is_told_in_words_saved_and_compared() {
    let outcome = outcome();
    let mut played = Played::with(Setup::default(), outcome.clone());
    played.window.until(|window| window.sees("Saved as"));
    for words in [
        "2 of 3 layers in integers",
        "0.70 of the FP32 time",
        "0.950 agreement (F1)",
        "0.930 closeness",
        "Of 3 models tried it is the fastest of those that pass",
        "raised from operator set 11 to 13",
    ] {
        assert!(played.window.sees(words), "{words}");
    }
    played.holds("a.int8.onnx", &outcome.points[1].bytes);
    let commands = played.window.commands();
    assert_eq!(loads_b(&commands), 1, "{commands:?}");
    assert!(!commands.iter().any(|command| command.starts_with("SetMode")), "they are compared already");
}

#[test]
fn a_click_on_a_point_writes_it_and_loads_it_as_b() {
    let outcome = outcome();
    let mut played = Played::with(Setup::default(), outcome.clone());
    played.window.until(|window| window.sees("Saved as"));
    played.window.commands();
    let point = "Point 3: 1 more layers float, 2 of 3 layers in integers";
    played.window.harness.get_by_label_contains(point).click();
    played.window.harness.run();
    played.window.until(|window| window.sees("Saved as"));
    played.holds("a.int8.onnx", &outcome.points[2].bytes);
    assert!(played.window.sees("Chosen by hand; it passes") && played.window.sees("0.90 of the FP32 time"));
    assert_eq!(loads_b(&played.window.commands()), 1);
    // The rows below the chart do the same.
    played.window.harness.get_by_label_contains("Model 1: all integers but the tail").click();
    played.window.harness.run();
    played.window.until(|window| window.sees("although it does not pass: its agreement with the FP32 model is 0.700"));
    played.holds("a.int8.onnx", &outcome.points[0].bytes);
}

#[test]
fn times_say_where_they_hold_and_a_report_is_saved_of_the_model_that_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("found");
    let mut outcome = outcome();
    outcome.points[1].measured.times.other = Some(Speed { ratio: 0.95, ms: [9.5, 10.0] });
    let mut played = Played::with(Setup { picked: Picked::Path(path), ..Setup::default() }, outcome);
    played.window.until(|window| window.sees("Saved as"));
    assert!(played.window.sees("0.70 of the FP32 time in quantscope, 0.95 in plain ONNX Runtime."));
    played.window.harness.get_by_label_contains("Model 3: 1 more layers float").click();
    played.window.harness.run();
    played.window.until(|window| window.sees("Saved as"));
    played.window.click("Report of the quantization");
    played.window.click("Data for programs (json)");
    played.window.until(|window| window.sees("Saved the report"));
    let asked = DialogKind::QuantizationReport(ReportForm::Json);
    assert_eq!(*played.window.asked.lock().unwrap(), [asked]);
    let text = std::fs::read(folder.path().join("found.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!((&json["best"], json["points"].as_array().unwrap().len()), (&2.into(), 3));
    assert_eq!(json["points"][1]["plain"]["ratio"], 0.95);
    assert_eq!(json["recipe"]["choice"]["float_nodes"][0], "neck", "of the model that is shown");
    assert!(json["asked"]["Calibrated with"].as_str().unwrap().contains("at most 128 pictures"));
    assert!(json["written"].as_str().unwrap().ends_with("a.int8.onnx"));
    let command = json["command"].as_str().unwrap();
    assert!(command.starts_with("# recipe.toml: the recipe of this report\nquantscope quantize /"), "{command}");
    assert!(command.contains(" --calibrate demo --samples 128 --out /") && command.contains(" --recipe recipe.toml"));
}

#[test]
fn a_recipe_is_saved_and_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.toml");
    let mut played = Played::with(Setup { picked: Picked::Path(path.clone()), ..Setup::default() }, outcome());
    played.window.until(|window| window.sees("Saved as"));
    played.window.click("Report of the quantization");
    played.window.click("Recipe (toml)");
    played.window.until(|window| window.sees("Saved the recipe"));
    let recipe = Recipe::from_toml(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(recipe.choice, outcome().points[1].choice);
    played.window.click("New…");
    played.window.click("More");
    played.window.click("Choose a recipe");
    played.window.until(|window| window.sees("made.toml") && window.sees("as the recipe says"));
    assert_eq!(*played.window.asked.lock().unwrap(), [DialogKind::SaveRecipe, DialogKind::Recipe]);
    played.until_ready();
    played.window.click("Start quantizing");
    played.window.until(|window| window.sees("Cancel quantizing"));
    let jobs = std::sync::Arc::clone(&played.jobs);
    played.window.until(|_| jobs.lock().unwrap().len() == 2);
    assert_eq!(jobs.lock().unwrap()[1].request.recipe.as_ref(), Some(&recipe));
    played.window.click("Cancel quantizing");
    played.window.click("Without a recipe");
    assert!(!played.window.sees("as the recipe says"));
}

#[test]
fn what_is_no_recipe_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("card.toml");
    std::fs::write(&path, "head = \"yolox\"\n").unwrap();
    let mut played = Played::open(Setup { picked: Picked::Path(path), ..Setup::default() });
    played.window.click("More");
    played.window.click("Choose a recipe");
    played.window.until(|window| window.sees("card.toml is no recipe: "));
    assert!(played.window.sees("what stays in floats is searched for"));
}

#[test]
fn what_does_not_pass_is_not_saved_unless_asked_for() {
    let mut failed = outcome();
    failed.points[1].measured.agreement.f1 = 0.6;
    failed.failed = Some("its agreement with the FP32 model is 0.600, and 0.800 was asked for".to_owned());
    let mut played = Played::with(Setup::default(), failed);
    assert!(played.window.sees("Nothing is saved, for the best model does not pass"));
    assert!(played.window.sees("told above") && !played.path("a.int8.onnx").exists());
    assert_eq!(loads_b(&played.window.commands()), 0);
    played.window.click("Save the best anyway");
    played.window.until(|window| window.sees("although it does not pass"));
    assert!(played.path("a.int8.onnx").exists());
    assert_eq!(loads_b(&played.window.commands()), 1);
}

#[test]
fn one_point_and_a_twin_that_does_not_pay_are_told() {
    let mut alone = one_more(1.0, 1.2, &[], "scene.int8.onnx");
    alone.layers.clear();
    let mut played = Played::with(Setup::default(), alone);
    assert!(played.window.sees("integers do not pay for this model: FP32 is faster"));
    assert!(played.window.sees("Point 1: ") && !played.window.sees("beaten"));
    played.window.click("Layers");
    assert!(played.window.sees("0 of 0 layers in integers"));
}

#[test]
fn what_cannot_be_written_is_kept_and_can_go_elsewhere() {
    let other = tempfile::tempdir().unwrap();
    let place = other.path().join("twin");
    let mut played = Played::open(Setup { picked: Picked::Path(place.clone()), ..Setup::default() });
    played.until_ready();
    // A folder in its place.
    std::fs::create_dir_all(played.path("a.int8.onnx").join("inside")).unwrap();
    played.window.press(eframe::egui::Key::Enter);
    played.send(Next::Make(outcome()));
    played.window.until(|window| window.sees("Not saved."));
    assert!(played.window.sees("cannot be written") && played.window.sees("Make room there, or choose another place"));
    assert_eq!(loads_b(&played.window.commands()), 0);
    played.window.click("Try to save again");
    played.window.until(|window| window.sees("Not saved."));
    played.window.click("Save as…");
    played.window.until(|window| window.sees("Saved as"));
    assert!(other.path().join("twin.onnx").exists());
}

#[test]
fn where_the_time_goes_is_told() {
    let mut played = Played::with(Setup::default(), outcome());
    played.window.until(|window| window.sees("Saved as"));
    played.window.press(eframe::egui::Key::Num3);
    for words in [
        "Use it: it is twice as fast.",
        "Half of the time goes into convolutions.",
        "convolutions and products in integers: 37 nodes, FP32 –, INT8 (QDQ) 4.50 ms",
        "7 × HardSwish: ONNX Runtime has no integer form of it",
    ] {
        assert!(played.window.sees(words), "{words}");
    }
    played.window.press(eframe::egui::Key::Num1);
    played.window.harness.get_by_label_contains("Model 1: all integers").click();
    played.window.harness.run();
    played.window.press(eframe::egui::Key::Num3);
    assert!(played.window.sees("Of the model that was measured last: 1 more layers float"));
}

#[test]
fn ticks_make_a_model_without_a_search() {
    let mut played = Played::with(Setup::default(), outcome());
    played.window.until(|window| window.sees("Saved as"));
    played.window.commands();
    played.window.click("Layers");
    assert!(played.window.sees("2 of 3 layers in integers, as in the model in B"));
    let top = |played: &Played, name: &str| played.window.harness.get_by_label_contains(name).rect().top();
    assert!(top(&played, "neck: Conv") < top(&played, "stem: Conv"), "the most sensitive first");
    assert!(top(&played, "stem: Conv") < top(&played, "head: Conv"), "what was not measured last");
    assert!(played.window.sees("neck: Conv, 9 216 weights, sensitivity 5.0 %"));
    played.window.click("neck in integers");
    played.window.click("stem in integers");
    assert!(played.window.sees("2 of 3 layers in integers; 2 are changed"));
    played.window.click("Re-quantize");
    let wished = played.wished.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(wished.into_iter().collect::<Vec<_>>(), ["neck"]);
    played.send(Next::Tell(Progress::Trying { done: 0, of: 1, choice: Choice::default() }));
    played.window.until(|window| window.sees("Making that model…") && window.sees("Progress: 1 of 1"));
    let commands = RefCell::new(Vec::new());
    played.window.until(|window| {
        commands.borrow_mut().extend(window.commands());
        !commands.borrow().is_empty()
    });
    assert_eq!(*commands.borrow(), ["SetPaused(true)"]);
    let made = one_more(0.97, 0.6, &["neck"], "scene.onnx");
    played.send(Next::Make(made.clone()));
    played.window.until(|window| window.sees("as in the model in B"));
    played.holds("a.int8.onnx", &made.points[0].bytes);
    assert!(played.window.sees("0.60 of the FP32 time"));
    played.window.until(|window| window.sees("Saved as"));
    assert_eq!(loads_b(&played.window.commands()), 1);
    played.window.click("Models tried");
    assert!(played.window.sees("Point 4: "));
}

#[test]
fn a_further_model_can_be_stopped_and_may_fail() {
    let mut played = Played::with(Setup::default(), outcome());
    played.window.until(|window| window.sees("Saved as"));
    played.window.click("Layers");
    played.window.click("neck in integers");
    played.window.click("Re-quantize");
    played.wished.recv_timeout(Duration::from_secs(5)).unwrap();
    played.window.until(|window| window.sees("Cancel re-quantizing"));
    played.window.click("Cancel re-quantizing");
    assert!(played.window.sees("Stopping after the present step…"));
    played.send(Next::Tell(Progress::Trying { done: 0, of: 1, choice: Choice::default() }));
    played.window.until(|window| window.sees("1 of 3 layers in integers; 1 is changed"));
    played.window.click("Re-quantize");
    played.wished.recv_timeout(Duration::from_secs(5)).unwrap();
    played.send(Next::Fail(QuantizeFailure::Model("The runtime refuses it.".to_owned())));
    played.window.until(|window| window.sees("That model was not made. The runtime refuses it."));
    played.window.click("Revert");
    assert!(played.window.sees("as in the model in B"));
}

#[test]
fn the_last_result_stays_while_the_next_is_chosen_and_its_name_is_not_taken_again() {
    let mut played = Played::with(Setup::default(), outcome());
    played.window.until(|window| window.sees("Saved as"));
    played.window.click("New…");
    played.window.until(|window| window.sees("a.int8-2.onnx"));
    played.window.click("Last result");
    assert!(played.window.sees("Models tried"));
    played.window.click("New…");
    played.window.click("Start quantizing");
    let further: Outcome = one_more(0.99, 0.8, &[], "scene.fp16.onnx");
    played.send(Next::Make(further.clone()));
    played.window.until(|window| window.sees("0.80 of the FP32 time"));
    played.holds("a.int8-2.onnx", &further.points[0].bytes);
    assert!(Path::new(&played.path("a.int8.onnx")).exists());
}
