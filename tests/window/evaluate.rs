//! The page Evaluate: from the choice to the results, played with an evaluation made by hand.

use crate::common;
use crate::evaluation::evaluation;
use crate::support::{Setup, Window};
use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui::{Event, Key, OutputCommand, Pos2, Rect, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use quantscope::app::{DialogKind, Picked, ReportForm, Settings};
use quantscope::evaluate::{Cancel, Evaluation, EvaluationPlan, LabelledPictures, Progress, Speed};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What the thread that evaluates does next.
enum Next {
    Tell(Progress),
    End(Result<Evaluation, String>),
    /// Ends with this, marked as partial, once it is told to stop.
    EndWhenCancelled(Evaluation),
}

/// A window whose evaluations are played.
struct Played {
    window: Window,
    next: Sender<Next>,
    plans: Arc<Mutex<Vec<EvaluationPlan>>>,
    pictures: tempfile::TempDir,
}

impl Played {
    fn open(setup: Setup) -> Self {
        let (next, steps): (Sender<Next>, Receiver<Next>) = bounded(16);
        let plans: Arc<Mutex<Vec<EvaluationPlan>>> = Arc::default();
        let seen = Arc::clone(&plans);
        let evaluate = move |plan: &EvaluationPlan, cancel: &Cancel, tell: &mut dyn FnMut(Progress)| {
            seen.lock().unwrap().push(plan.clone());
            for step in steps.iter() {
                match step {
                    Next::Tell(progress) => tell(progress),
                    Next::End(found) => return found,
                    Next::EndWhenCancelled(mut evaluation) => {
                        while !cancel.is_cancelled() {
                            std::thread::sleep(std::time::Duration::from_millis(5));
                        }
                        evaluation.complete = false;
                        return Ok(evaluation);
                    }
                }
            }
            Err("the test is over".to_owned())
        };
        let mut window = Window::running(Setup { evaluate: Some(Arc::new(evaluate)), ..setup });
        window.press(Key::E);
        Self { window, next, plans, pictures: tempfile::tempdir().unwrap() }
    }

    fn tell(&mut self, progress: Progress) {
        self.next.send(Next::Tell(progress)).unwrap();
    }

    fn evaluation(&self) -> Evaluation {
        evaluation(self.pictures.path(), 6)
    }

    /// Starts and waits for results.
    fn with_results(setup: Setup) -> Self {
        let mut played = Self::open(setup);
        played.window.click("Start evaluation");
        let found = played.evaluation();
        played.next.send(Next::End(Ok(found))).unwrap();
        played.window.until(|window| window.sees("Verdict:"));
        played
    }

    fn label(&self, part: &str) -> bool {
        self.window.sees(part)
    }
}

#[test]
fn the_page_holds_the_live_view_and_gives_it_back() {
    let mut window = Window::running(Setup::default());
    window.press(Key::E);
    assert!(window.sees("Start evaluation") && !window.sees("Compare"));
    assert_eq!(window.commands(), ["SetPaused(true)"]);
    window.press(Key::Escape);
    assert!(window.sees("Compare"));
    assert_eq!(window.commands(), ["SetPaused(false)"]);
    window.click("Pause");
    window.commands();
    window.click("Tools");
    window.click("Evaluate…");
    window.click("Close the evaluation");
    assert_eq!(window.commands(), [""; 0], "what a person paused stays paused");
}

#[test]
fn the_loaded_models_are_chosen_and_others_can_be_added_and_left_out() {
    let mut window = Window::running(Setup { picked: Picked::Path("/elsewhere/c.onnx".into()), ..Setup::default() });
    window.press(Key::E);
    assert!(window.sees("2 models on 200 rendered pictures"));
    window.click("Add model…");
    window.until(|window| window.sees("3 models on 200"));
    assert_eq!(*window.asked.lock().unwrap(), [DialogKind::EvaluatedModel]);
    window.click("Make c.onnx the reference");
    assert!(window.sees("Make a.onnx the reference") && !window.sees("Make c.onnx the reference"));
    for name in ["c.onnx", "a.onnx", "a.int8.onnx"] {
        window.click(&format!("Leave out {name}"));
    }
    assert!(window.sees("Add a model: there is none to evaluate."));
    window.click("Start evaluation");
    assert!(window.sees("Start evaluation") && !window.sees("Cancel the evaluation"), "it cannot be started");
}

#[test]
fn what_is_loaded_while_the_page_is_open_and_what_is_dropped_is_taken() {
    let mut window = Window::open(Setup::default());
    window.settle();
    window.press(Key::E);
    assert!(window.sees("Add a model"));
    window.load_models();
    assert!(window.sees("2 models on 200 rendered pictures"));
    for path in ["/dropped/d.onnx", "/dropped/data.yaml"] {
        window.drop_file(path);
    }
    assert!(window.sees("3 models on all pictures of the data set"));
    assert!(window.sees("Leave out d.onnx") && window.sees("Data set /dropped/data.yaml"));
}

#[test]
fn an_evaluation_is_watched_and_its_results_are_shown() {
    let mut played = Played::open(Setup::default());
    played.window.press(Key::Enter);
    played.tell(Progress::ReadingLabels);
    played.window.until(|window| window.sees("Reading the labels…"));
    let left = Some(std::time::Duration::from_secs(75));
    let speed = Speed { done: vec![40, 39], total: 200, pictures_per_second: Some(12.0), left };
    played.tell(Progress::Running(speed));
    played.window.until(|window| window.sees("Progress a.onnx: 40 of 200"));
    assert!(played.label("12.0 pictures/s · 1:15 left") && played.label("Progress a.int8.onnx: 39 of 200"));
    let mut partial = played.evaluation();
    partial.models.iter_mut().for_each(|model| model.pictures = 40);
    played.tell(Progress::Partial(Box::new(partial)));
    played.window.until(|window| window.sees("So far, on 40 pictures"));
    let found = played.evaluation();
    played.next.send(Next::End(Ok(found))).unwrap();
    played.window.until(|window| window.sees("Verdict:"));
    assert!(played.label("scene.onnx: Precision FP32, Size 3.4 MB, AP 0.850, AP50 0.952"), "the table of models");
    assert!(played.label("scene.int8.onnx: AP diff. −0.060, 95 % interval −0.072 … −0.048, F1 0.971"));
    assert!(played.label("2 × pictures that are missing"));
    assert!(!played.label("Partial"));
    let plan = played.plans.lock().unwrap().remove(0);
    assert!(matches!(plan.pictures, LabelledPictures::Scene { count: 200, .. }), "{plan:?}");
    let paths: Vec<_> = plan.models.iter().map(|model| model.path.as_path()).collect();
    assert_eq!(paths, [Path::new("/models/a.onnx"), Path::new("/models/a.int8.onnx")]);
}

#[test]
fn the_page_may_be_closed_while_it_runs() {
    let mut played = Played::open(Setup::default());
    played.window.commands();
    played.window.press(Key::Enter);
    played.window.press(Key::E);
    assert_eq!(played.window.commands(), [""; 0], "the live view rests on");
    played.tell(Progress::Running(Speed { done: vec![7, 6], total: 200, ..Speed::default() }));
    played.window.until(|window| window.sees("Evaluating 6 of 200: the live view rests"));
    played.window.click("Show the evaluation");
    assert!(played.label("Cancel the evaluation"));
    played.window.press(Key::E);
    let found = played.evaluation();
    played.next.send(Next::End(Ok(found))).unwrap();
    played.window.until(|window| window.sees("The evaluation is done: press E"));
    assert_eq!(played.window.commands(), ["SetPaused(false)"]);
    played.window.press(Key::E);
    assert!(played.label("Verdict:"));
}

#[test]
fn a_cancelled_evaluation_keeps_what_it_has() {
    let mut played = Played::open(Setup::default());
    played.window.press(Key::Enter);
    let mut found = played.evaluation();
    found.models.iter_mut().for_each(|model| model.pictures = 34);
    played.next.send(Next::EndWhenCancelled(found)).unwrap();
    played.window.until(|window| window.sees("Cancel the evaluation"));
    played.window.click("Cancel the evaluation");
    assert!(played.label("Stopping…"));
    played.window.until(|window| window.sees("Partial: stopped after 34 pictures."));
    assert!(played.label("Verdict:"));

    played.window.click("New evaluation");
    played.window.press(Key::Enter);
    let mut nothing = played.evaluation();
    nothing.models.iter_mut().for_each(|model| model.pictures = 0);
    played.next.send(Next::EndWhenCancelled(nothing)).unwrap();
    played.window.until(|window| window.sees("Cancel the evaluation"));
    played.window.click("Cancel the evaluation");
    played.window.until(|window| window.sees("Cancelled before the first picture"));
    assert!(!played.label("Verdict:"));
}

#[test]
fn what_went_wrong_is_said_and_the_choices_stay() {
    let mut played = Played::open(Setup { picked: Picked::Path("/data/x.json".into()), ..Setup::default() });
    played.window.click("Open file… data set");
    played.window.until(|window| window.sees("Data set /data/x.json"));
    played.window.click("Limit the pictures");
    played.window.press(Key::Enter);
    played.next.send(Next::End(Err("/data/x.json: this is no data set".to_owned()))).unwrap();
    played.window.until(|window| window.sees("/data/x.json: this is no data set"));
    assert!(played.label("2 models on at most 500 pictures"));
    let plan = played.plans.lock().unwrap().remove(0);
    assert_eq!(plan.limit, Some(500));
    assert!(matches!(&plan.pictures, LabelledPictures::Files { path, .. } if path == Path::new("/data/x.json")));
    assert_eq!(played.window.saved().recent_datasets, [Path::new("/data/x.json")]);
}

#[test]
fn a_model_that_failed_and_one_that_knows_no_class_are_told() {
    let mut played = Played::open(Setup::default());
    played.window.press(Key::Enter);
    let mut found = played.evaluation();
    found.models[1].error = Some("the node Conv_17 ran out of memory".to_owned());
    found.models[2].unmatched_dataset_classes = vec!["x".to_owned(); found.dataset.classes];
    (found.models[2].accuracy, found.models[2].coco) = (None, Default::default());
    played.next.send(Next::End(Ok(found))).unwrap();
    played.window.until(|window| window.sees("the node Conv_17 ran out of memory"));
    assert!(played.label("scene.qat.int8.onnx knows none of the data set's 12 classes by name"));
    for key in [Key::Num2, Key::Num3, Key::Num4, Key::Num5] {
        played.window.press(key);
    }
}

#[test]
fn odd_figures_do_no_harm() {
    let mut played = Played::open(Setup::default());
    played.window.press(Key::Enter);
    let mut found = played.evaluation();
    found.models[0].coco.ap = Some(f64::NAN);
    let accuracy = found.models[0].accuracy.as_mut().unwrap();
    accuracy.confusion.counts.truncate(2);
    accuracy.confusion.counts[0].truncate(1);
    accuracy.f1.clear();
    accuracy.precision_recall[3].precision = f64::NAN;
    accuracy.classes[0].ap = Some(f64::NAN);
    found.agreement[0].candidate = 17;
    found.agreement[1].details.f1_interval = [f64::NAN; 2];
    found.differences[0].candidate = 17;
    found.differences[0].path = "/gone.png".into();
    found.differences[1].reference_boxes[0].rect = [f32::NAN, f32::INFINITY, -1e30, 1e30];
    played.next.send(Next::End(Ok(found))).unwrap();
    played.window.until(|window| window.sees("Verdict:"));
    for key in [Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Enter, Key::ArrowRight, Key::V] {
        played.window.press(key);
    }
    played.window.until(|window| window.sees("2 of 6"));
}

#[test]
fn the_best_threshold_of_a_curve_becomes_that_of_the_live_view() {
    let mut played = Played::with_results(Setup::default());
    played.window.press(Key::Num2);
    assert!(played.label("Precision over recall") && played.label("F1 over the confidence"));
    let best = played.evaluation().models[1].accuracy.as_ref().unwrap().best.unwrap();
    played.window.commands();
    played.window.click("Use the best threshold of scene.int8.onnx");
    let commands = played.window.commands().join(" ");
    assert!(commands.contains(&format!("confidence: {:?}", best.confidence as f32)), "{commands}");
}

#[test]
fn classes_are_sorted_by_the_head_that_is_clicked() {
    let mut played = Played::with_results(Setup::default());
    played.window.press(Key::Num3);
    let first = |played: &Played| {
        let rows = played.window.harness.query_all_by_label_contains("Objects ");
        let top = rows.min_by(|a, b| a.rect().top().total_cmp(&b.rect().top())).unwrap();
        let node = top.accesskit_node();
        node.label().or(node.value()).unwrap()
    };
    assert!(first(&played).starts_with("speed limit 80:"), "most objects: {}", first(&played));
    played.window.click("Sort by Class");
    assert!(first(&played).starts_with("no entry:"), "{}", first(&played));
    played.window.click("Sort by Class");
    assert!(first(&played).starts_with("yield:"), "{}", first(&played));
    let heads: Vec<_> = played.window.harness.query_all_by_label("Sort by diff.").collect();
    assert_eq!(heads.len(), 2);
    heads[0].click();
    drop(heads);
    played.window.harness.run();
    assert!(first(&played).starts_with("turn right:"), "the greatest loss: {}", first(&played));
    played.window.click("AR100");
    played.window.click("Agreement");
    assert!(played.label("stop: Objects 60, scene.int8.onnx 0.971, 95 % interval 0.930 … 0.990"));
    assert!(played.label("scene.int8.onnx 0.971, 95 % interval –"), "yield: four pictures say nothing");
}

#[test]
fn confusions_are_told_in_words_too() {
    let mut played = Played::with_results(Setup::default());
    played.window.press(Key::Num4);
    assert!(played.label("speed limit 30 taken for speed limit 50: 12 times"));
    assert!(played.label("Confusion of 12 classes"));
    played.window.click("scene.int8.onnx");
    played.window.click("Only mistakes");
}

#[test]
fn the_gallery_leads_to_large_pictures_and_back() {
    let mut played = Played::with_results(Setup::default());
    played.window.press(Key::Num5);
    assert!(played.label("Picture 6: 000005.png, 3 boxes differ"));
    played.window.click("scene.int8.onnx");
    assert!(played.label("Picture 3: 000004.png") && !played.label("Picture 4:"));
    played.window.harness.get_by_label_contains("Picture 2: 000002.png").click();
    played.window.harness.run();
    assert!(played.label("2 of 3") && played.label("000002.png large:"));
    played.window.press(Key::ArrowRight);
    played.window.press(Key::ArrowRight);
    assert!(played.label("3 of 3") && played.label("000004.png large:"));
    played.window.click("Previous picture");
    assert!(played.label("2 of 3"));
    let large = |played: &Played| played.window.harness.get_by_label_contains("000002.png large:").rect();
    let at = large(&played).center() + vec2(-200.0, 0.0);
    played.window.harness.event(Event::PointerMoved(at));
    played.window.harness.event(Event::Zoom(3.0));
    played.window.harness.run();
    assert!(played.label("3.0 times closer"));
    played.window.harness.drag_at(at);
    played.window.harness.event(Event::PointerMoved(at + vec2(30.0, 9.0)));
    played.window.harness.drop_at(at + vec2(30.0, 9.0));
    played.window.press(Key::ArrowRight);
    assert!(!played.label("times closer"), "the next picture is shown as a whole");
    played.window.press(Key::ArrowLeft);
    played.window.press(Key::V);
    played.window.press(Key::T);
    played.window.press(Key::Escape);
    assert!(played.label("Picture 2: 000002.png"));
    played.window.press(Key::Escape);
    assert!(played.label("Compare"), "back in the live view");
}

#[test]
fn a_report_is_saved_and_the_table_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decision");
    let mut played = Played::with_results(Setup { picked: Picked::Path(path), ..Setup::default() });
    played.window.click("Report");
    played.window.press(Key::Escape);
    assert!(played.label("Verdict:"), "it closes the menu, not the page");
    played.window.click("Report");
    played.window.click("Data for programs (json)");
    played.window.until(|window| window.sees("Saved the report"));
    assert_eq!(*played.window.asked.lock().unwrap(), [DialogKind::Report(ReportForm::Json)]);
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("decision.json")).unwrap()).unwrap();
    assert_eq!(json["models"].as_array().unwrap().len(), 3);
    played.window.harness.get_by_label("Copy table").click();
    played.window.harness.step();
    let copied = played.window.harness.output().platform_output.commands.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    assert!(copied.unwrap().contains("| scene.int8.onnx | INT8 (QDQ) | 1.0 MB | 0.790 |"));
}

#[test]
fn everything_on_the_page_can_be_reached_in_every_size() {
    for size in [[720.0, 480.0], [1280.0, 800.0], [2560.0, 1440.0]] {
        let screen = Rect::from_min_size(Pos2::ZERO, vec2(size[0], size[1])).expand(0.5);
        let settings = Settings {
            welcome_dismissed: true,
            recent_datasets: vec!["/a/folder/with/a/long/name/".repeat(6).into(); 1],
            ..Settings::default()
        };
        let mut played = Played::open(Setup { size, settings: Some(settings), ..Setup::default() });
        let fits = |played: &Played, name: &str| {
            let rect = played.window.harness.get_by_label(name).rect();
            assert!(screen.contains_rect(rect) && rect.is_positive(), "{name} at {rect:?} in {size:?}");
        };
        for name in ["Start evaluation", "Close the evaluation", "Open folder… data set", "Demo scene"] {
            fits(&played, name);
        }
        for name in ["Add model…", "Confidence", "Overlap (IoU)"] {
            played.window.harness.get_all_by_label(name).last().unwrap().scroll_to_me();
            played.window.harness.run();
            let rect = played.window.harness.get_all_by_label(name).last().unwrap().rect();
            assert!(screen.contains_rect(rect), "{name} at {rect:?} in {size:?}");
        }
        played.window.press(Key::Enter);
        let found = played.evaluation();
        played.next.send(Next::End(Ok(found))).unwrap();
        played.window.until(|window| window.sees("Verdict:"));
        for name in ["Summary", "Differences", "Report", "Copy table", "New evaluation", "Close the evaluation"] {
            fits(&played, name);
        }
        played.window.press(Key::Num5);
        played.window.press(Key::Enter);
        for name in ["← Gallery", "Next picture", "Truth", "One picture"] {
            fits(&played, name);
        }
    }
}

#[test]
fn the_default_models_are_really_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("signs");
    let mut scene = common::quantscope(folder.path());
    assert!(scene.args(["scene", "--count", "6", "--out", out.to_str().unwrap()]).status().unwrap().success());
    let mut window = Window::open(Setup::default());
    window.settle();
    window.press(Key::E);
    for model in ["scene.onnx", "scene.int8.onnx"] {
        window.drop_file(common::default_model(model).to_str().unwrap());
    }
    window.drop_file(out.join("instances.json").to_str().unwrap());
    window.press(Key::Enter);
    window.until(|window| window.sees("Verdict:"));
    assert!(window.sees("6 pictures") && window.sees("scene.onnx: Precision FP32"));
    assert!(!window.sees("Partial"));
    for key in [Key::Num2, Key::Num3, Key::Num4, Key::Num5] {
        window.press(key);
    }
}
