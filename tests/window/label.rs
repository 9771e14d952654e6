//! The page Label: pictures are opened, proposals answered, boxes drawn and the set exported, by clicks and keys.

use crate::support::{Setup, Window};
use eframe::egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, vec2};
use egui_kittest::kittest::Queryable;
use quantscope::app::{DialogKind, Picked, PixelBox, Proposal, Propose, ProposeStep, Settings};
use quantscope::dataset::{Dataset, DatasetForm};
use quantscope::imaging::RgbImage;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Size of all pictures here.
const SIZE: [u32; 2] = [200, 100];

/// A folder of pictures, and what is answered to every file dialog.
struct Pictures(tempfile::TempDir);

impl Pictures {
    fn new(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("frames")).unwrap();
        for number in 1..=count {
            let picture = RgbImage::from_pixel(SIZE[0], SIZE[1], image::Rgb([90, 110, 130]));
            picture.save(folder.path().join(format!("frames/{number:06}.png"))).unwrap();
        }
        Self(folder)
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("frames")
    }

    fn work_file(&self) -> PathBuf {
        self.folder().join(".quantscope-labels.json")
    }

    fn work(&self) -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(self.work_file()).unwrap()).unwrap()
    }

    /// A window with the page open on these pictures.
    fn open(&self, setup: Setup) -> Window {
        let mut window = Window::running(Setup { picked: Picked::Path(self.folder()), ..setup });
        window.press(Key::L);
        window.click("Open folder of pictures…");
        window.until(|window| window.sees("done"));
        window.until(|window| window.sees("Picture 0"));
        window
    }
}

/// A model that finds a stop and a yield sign on every picture.
fn two_signs() -> Setup {
    let found = |label: &str, x, score| Proposal {
        label: label.to_owned(),
        rect: PixelBox { x, y: 20.0, width: 40.0, height: 30.0 },
        score,
    };
    let propose: Propose = Arc::new(move |request, _, tell| {
        tell(ProposeStep::Loaded);
        for (index, _) in &request.pictures {
            tell(ProposeStep::Found(*index, Ok(vec![found("stop", 20.0, 0.6), found("yield", 100.0, 0.9)])));
        }
        Ok(())
    });
    Setup { propose: Some(propose), ..Setup::default() }
}

/// Where a point of the picture is on the screen, when all of it is to be seen.
fn on_screen(window: &Window, x: f32, y: f32) -> Pos2 {
    let canvas = window.harness.get_by_label_contains("Picture 0").rect().shrink(12.0);
    let size = vec2(SIZE[0] as f32, SIZE[1] as f32);
    let place = Rect::from_center_size(canvas.center(), size * (canvas.size() / size).min_elem());
    place.min + vec2(x, y) * place.size() / size
}

fn drag(window: &mut Window, from: (f32, f32), to: (f32, f32)) {
    let (from, to) = (on_screen(window, from.0, from.1), on_screen(window, to.0, to.1));
    window.harness.hover_at(from);
    window.harness.run();
    window.harness.drag_at(from);
    window.harness.run();
    window.harness.hover_at(from.lerp(to, 0.5));
    window.harness.run();
    window.harness.hover_at(to);
    window.harness.run();
    window.harness.drop_at(to);
    window.harness.run();
}

fn click_at(window: &mut Window, x: f32, y: f32) {
    let at = on_screen(window, x, y);
    window.harness.hover_at(at);
    for pressed in [true, false] {
        let modifiers = Modifiers::NONE;
        window.harness.event(Event::PointerButton { pos: at, button: PointerButton::Primary, pressed, modifiers });
    }
    window.harness.run();
}

fn press_with(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.harness.key_press_modifiers(modifiers, key);
    window.harness.run();
}

/// Waits until the work is written down.
fn saved(window: &mut Window) {
    window.until(|window| window.harness.query_by_label("Saved").is_some());
}

#[test]
fn the_page_holds_the_live_view_and_gives_it_back() {
    let mut window = Window::running(Setup::default());
    window.press(Key::L);
    assert!(window.sees("Make a small labelled set") && !window.sees("Compare"));
    assert_eq!(window.commands(), ["SetPaused(true)"]);
    window.press(Key::Escape);
    assert!(window.sees("Compare"));
    assert_eq!(window.commands(), ["SetPaused(false)"]);
    window.click("Tools");
    window.click("Label…");
    window.press(Key::F1);
    assert!(window.sees("Accept all proposals of the picture"), "the help has the page's keys");
    window.press(Key::F1);
    window.click("Close the labelling");
    assert!(window.sees("Compare"));
}

#[test]
fn proposals_are_answered_with_keys_and_the_work_is_kept() {
    let pictures = Pictures::new(3);
    let mut window = pictures.open(two_signs());
    assert!(window.sees("0 of 3 done") && window.sees("Picture 000001.png: 0 boxes, 0 proposals"));
    assert!(!pictures.work_file().exists(), "nothing was done yet");
    window.click("Propose: All pictures");
    window.until(|window| window.sees("Picture 000001.png: 0 boxes, 2 proposals"));
    window.press(Key::Enter);
    assert!(window.sees("selected yield at 100 20 140 50"), "the surest first");
    window.press(Key::Enter);
    assert!(window.sees("1 box, 1 proposal, selected stop"));
    window.press(Key::Delete);
    assert!(window.sees("Picture 000001.png: 1 box, 0 proposals"));
    window.press(Key::Space);
    assert!(window.sees("1 of 3 done") && window.sees("Picture 000002.png: 0 boxes, 2 proposals"));
    window.press(Key::A);
    assert!(window.sees("Picture 000002.png: 2 boxes, 0 proposals"));
    window.press(Key::ArrowDown);
    window.press(Key::Num1);
    assert!(window.sees("Box stop, accepted"), "the class of the first row");
    window.press(Key::D);
    window.press(Key::N);
    window.press(Key::X);
    assert!(window.sees("3 of 3 done") && window.sees("Picture 000003.png: 0 boxes, 0 proposals, done"));
    saved(&mut window);
    let work = pictures.work();
    assert_eq!(work["pictures"][0]["boxes"][0]["class"], "yield");
    assert_eq!(work["pictures"].as_array().unwrap().len(), 3);

    press_with(&mut window, Modifiers::COMMAND, Key::Z);
    assert!(window.sees("Picture 000003.png: 0 boxes, 2 proposals") && window.sees("2 of 3 done"));
    press_with(&mut window, Modifiers::COMMAND, Key::Y);
    assert!(window.sees("3 of 3 done"));
    saved(&mut window);
    drop(window);

    let mut again = pictures.open(Setup::default());
    assert!(again.sees("3 of 3 done") && again.sees("Picture 000003.png"), "where the person stopped");
    again.press(Key::P);
    assert!(again.sees("Picture 000002.png: 2 boxes"));
    assert_eq!(again.saved().recent_labels, [pictures.folder()]);
}

#[test]
fn boxes_are_drawn_moved_and_resized_with_the_mouse() {
    let pictures = Pictures::new(2);
    let mut window = pictures.open(Setup::default());
    window.click("Class yield");
    drag(&mut window, (50.0, 20.0), (110.0, 70.0));
    assert!(window.sees("1 box, 0 proposals, selected yield at 50 20 110 70"));
    drag(&mut window, (80.0, 45.0), (90.0, 50.0));
    assert!(window.sees("selected yield at 60 25 120 75"), "moved");
    drag(&mut window, (120.0, 75.0), (150.0, 90.0));
    assert!(window.sees("selected yield at 60 25 150 90"), "resized by a corner");
    drag(&mut window, (60.0, 57.5), (500.0, 57.5));
    assert!(window.sees("selected yield at 148 25 150 90"), "never inside out");
    press_with(&mut window, Modifiers::COMMAND, Key::Z);
    drag(&mut window, (100.0, 60.0), (-500.0, 60.0));
    assert!(window.sees("selected yield at 0 25 90 90"), "kept within the picture");
    press_with(&mut window, Modifiers::SHIFT, Key::ArrowRight);
    press_with(&mut window, Modifiers::SHIFT | Modifiers::COMMAND, Key::ArrowUp);
    assert!(window.sees("selected yield at 1 15 91 80"));
    click_at(&mut window, 190.0, 5.0);
    assert!(!window.sees("selected"));
    click_at(&mut window, 50.0, 50.0);
    assert!(window.sees("selected yield at 1 15 91 80"));
    window.press(Key::Escape);
    drag(&mut window, (20.0, 30.0), (40.0, 50.0));
    assert!(window.sees("2 boxes") && window.sees("at 20 30 40 50"), "a box in a box");
    for _ in 0..7 {
        press_with(&mut window, Modifiers::COMMAND, Key::Z);
    }
    assert!(window.sees("Picture 000001.png: 0 boxes"));
    press_with(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert!(window.sees("Picture 000001.png: 1 box"));
    let at = on_screen(&window, 80.0, 45.0);
    window.harness.event(Event::PointerMoved(at));
    window.harness.event(Event::Zoom(3.0));
    window.harness.run();
    assert!(window.sees("3.0 times closer"));
    window.press(Key::Num0);
    assert!(!window.sees("times closer"));
}

#[test]
fn classes_are_typed_and_searched() {
    let pictures = Pictures::new(1);
    let mut window = pictures.open(Setup::default());
    window.press(Key::C);
    window.harness.get_by_label("Search or type a class").type_text("roun");
    window.harness.run();
    assert!(window.sees("Class roundabout") && !window.sees("Class stop") && window.sees("New class roun"));
    window.press(Key::Enter);
    drag(&mut window, (50.0, 20.0), (110.0, 70.0));
    assert!(window.sees("selected roundabout"));
    window.press(Key::C);
    window.harness.get_by_label("Search or type a class").type_text("stop");
    window.harness.run();
    window.press(Key::Enter);
    assert!(window.sees("selected stop"));
    window.press(Key::C);
    window.harness.get_by_label("Search or type a class").type_text("top");
    window.harness.run();
    window.click("New class top");
    assert!(window.sees("selected top at"));
    saved(&mut window);
    assert_eq!(pictures.work()["classes"][3], "top");
}

#[test]
fn what_is_done_is_exported_and_evaluated() {
    let pictures = Pictures::new(3);
    let mut window = pictures.open(two_signs());
    window.click("Export");
    assert!(window.sees("No picture is done yet"));
    window.click("Cancel");
    window.click("Propose: This one");
    window.until(|window| window.sees("2 proposals"));
    window.press(Key::Enter);
    window.press(Key::Enter);
    window.press(Key::Space);
    window.press(Key::X);
    window.click("Export");
    assert!(window.sees("2 pictures marked done, 1 of them empty, with 1 box."));
    assert!(window.sees("Left out: 1 picture not marked done.") && window.sees("Left out: 1 proposal not accepted."));
    window.click("YOLO");
    window.click("Only classes that have a box");
    window.click("Choose folder and export…");
    window.until(|window| window.sees("Exported 2 pictures and 1 box"));
    assert_eq!(window.asked.lock().unwrap().last(), Some(&DialogKind::LabelExport));
    let written = Dataset::open(&pictures.folder().join("frames-yolo/data.yaml"), None).unwrap();
    assert_eq!((written.form, written.pictures.len()), (Some(DatasetForm::Yolo), 2));
    let names: Vec<_> = written.classes.iter().map(|class| class.name.as_str()).collect();
    assert_eq!((names, written.pictures[0].boxes.len()), (vec!["yield"], 1));
    let found = written.pictures[0].boxes[0];
    assert!((found.x - 100.0).abs() < 1e-6 && (found.height - 30.0).abs() < 1e-6, "{found:?}");
    window.click("Evaluate models on it");
    assert!(window.sees("Start evaluation") && window.sees("frames-yolo/data.yaml"));
}

#[test]
fn an_export_that_fails_says_so_and_loses_nothing() {
    let pictures = Pictures::new(2);
    let mut window = pictures.open(Setup::default());
    window.press(Key::X);
    std::fs::remove_file(pictures.folder().join("000001.png")).unwrap();
    window.click("Export");
    window.press(Key::Enter);
    window.until(|window| window.sees("Nothing was exported. the picture"));
    assert!(window.sees("1 of 2 done") && !pictures.folder().join("frames-coco").exists());
}

#[test]
fn what_cannot_be_opened_is_told_and_what_cannot_be_read_is_passed_over() {
    let none = Pictures::new(0);
    let mut window = Window::running(Setup { picked: Picked::Path(none.folder()), ..Setup::default() });
    window.press(Key::L);
    window.click("Open folder of pictures…");
    window.until(|window| window.sees("there is no picture in it"));
    drop(window);

    let pictures = Pictures::new(2);
    std::fs::write(pictures.folder().join("000000.png"), "no picture").unwrap();
    let mut window = pictures.open(two_signs());
    assert!(window.sees("000000.png cannot be read as a picture"));
    window.press(Key::Space);
    assert!(window.sees("0 of 3 done") && window.sees("Picture 000001.png"), "it cannot be called done");
    window.drop_file("/nowhere/at/all");
    window.until(|window| window.sees("/nowhere/at/all is not there. Choose a folder"));
}

#[test]
fn damaged_work_is_kept_and_told() {
    let pictures = Pictures::new(1);
    std::fs::write(pictures.work_file(), "{\"version\": 1, \"pict").unwrap();
    let window = pictures.open(Setup::default());
    assert!(window.sees("The earlier work cannot be read") && window.sees("Picture 000001.png: 0 boxes"));
    let kept = std::fs::read(pictures.folder().join(".quantscope-labels.damaged-1.json")).unwrap();
    assert_eq!(kept, b"{\"version\": 1, \"pict");
}

/// Makes a path that not even root can write a file to.
fn block(path: &Path) {
    std::fs::create_dir_all(path.join("in the way")).unwrap();
}

#[test]
fn work_that_cannot_be_saved_beside_the_pictures_is_saved_elsewhere_else_the_window_stays() {
    let pictures = Pictures::new(2);
    let mut window = pictures.open(Setup::default());
    std::fs::rename(pictures.folder(), pictures.folder().with_extension("away")).unwrap();
    window.press(Key::D);
    saved(&mut window);
    let spares = window.path("config/labels");
    assert_eq!(std::fs::read_dir(&spares).unwrap().count(), 1, "the folder has vanished");
    std::fs::rename(pictures.folder().with_extension("away"), pictures.folder()).unwrap();

    std::fs::remove_dir_all(&spares).unwrap();
    std::fs::write(&spares, "in the way").unwrap();
    block(&pictures.work_file());
    window.press(Key::N);
    window.press(Key::D);
    window.until(|window| window.sees("Not saved") && window.sees("The labels are not saved:"));
    window.click("Open other pictures");
    assert!(window.sees("2 of 2 done"), "the table is not cleared");
    let commands = close(&mut window);
    assert!(commands.contains(&eframe::egui::ViewportCommand::CancelClose), "{commands:?}");
    assert!(window.sees("close the window once more"));
    assert!(!close(&mut window).contains(&eframe::egui::ViewportCommand::CancelClose), "the second time it goes");
    std::fs::remove_dir_all(pictures.work_file()).unwrap();
    drop(window.saved());
    assert_eq!(pictures.work()["pictures"][1]["done"], true, "it is tried to the end");
}

/// Asks the window to close; what it answers.
fn close(window: &mut Window) -> Vec<eframe::egui::ViewportCommand> {
    let id = window.harness.ctx.viewport_id();
    let viewport = window.harness.input_mut().viewports.entry(id).or_default();
    viewport.events.push(eframe::egui::ViewportEvent::Close);
    window.harness.step();
    let output = window.harness.output().viewport_output.get(&id).map(|output| output.commands.clone());
    let viewport = window.harness.input_mut().viewports.entry(id).or_default();
    viewport.events.clear();
    window.harness.run();
    output.unwrap_or_default()
}

#[test]
fn a_window_that_closes_at_once_after_a_change_loses_nothing() {
    let pictures = Pictures::new(1);
    let mut window = pictures.open(Setup::default());
    window.press(Key::D);
    assert!(close(&mut window).is_empty());
    assert_eq!(pictures.work()["pictures"][0]["done"], true);
}

#[test]
fn proposing_can_be_stopped_and_failures_are_told() {
    let pictures = Pictures::new(4);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let propose: Propose = Arc::new(move |request, cancel, tell| {
        seen.lock().unwrap().push(request.clone());
        tell(ProposeStep::Loaded);
        tell(ProposeStep::Found(request.pictures[0].0, Err("000002.png is broken".to_owned())));
        let begin = Instant::now();
        while !cancel.is_cancelled() && begin.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("the model was told to stop".to_owned())
    });
    let mut window = pictures.open(Setup { propose: Some(propose), ..Setup::default() });
    window.press(Key::D);
    window.press(Key::N);
    window.click("Propose: All pictures");
    window.until(|window| window.sees("1 of 3") && window.sees("000002.png is broken"));
    window.click("Stop proposing");
    window.until(|window| window.sees("Nothing is proposed. the model was told to stop"));
    let request = asked.lock().unwrap().remove(0);
    let order: Vec<_> = request.pictures.iter().map(|(index, _)| *index).collect();
    assert_eq!(order, [1, 2, 3], "from the one in view on; what is done is not asked for");
    assert_eq!(request.model, Path::new("/models/a.onnx"));
}

#[test]
fn it_all_fits_into_a_small_window() {
    let pictures = Pictures::new(2);
    let settings = Settings { welcome_dismissed: true, ..Settings::default() };
    let mut window = pictures.open(Setup { size: [720.0, 480.0], settings: Some(settings), ..two_signs() });
    window.click("Propose: All pictures");
    window.until(|window| window.sees("2 proposals"));
    window.press(Key::Enter);
    let screen = Rect::from_min_size(Pos2::ZERO, vec2(720.0, 480.0));
    for name in ["Done, next", "Nothing in the picture", "Export", "Close the labelling", "Undo", "Next picture"] {
        let rect = window.harness.get_by_label(name).rect();
        assert!(screen.contains_rect(rect), "{name} at {rect:?}");
    }
    let canvas = window.harness.get_by_label_contains("Picture 0").rect();
    assert!(canvas.width() > 400.0 && canvas.height() > 250.0, "{canvas:?}");
}
