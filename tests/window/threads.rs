//! Finding the best number of threads: the live view rests meanwhile, what was found is said, and it is used and
//! remembered for that model alone.

use crate::support::{Setup, Window, model};
use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui::Key;
use egui_kittest::kittest::Queryable;
use quantscope::app::{Advise, Settings};
use quantscope::benchmark::{Progress, Stage, ThreadAdvice};
use quantscope::inference::tuning::{Measured, Row, Share, TunedBy, Tuning};
use quantscope::inference::{ModelInfo, Precision};
use quantscope::pipeline::{Event, LaneId};
use std::path::Path;
use std::sync::Arc;

const FIND: &str = "Find best threads";
const CANCEL: &str = "Cancel measuring threads";

fn advice(one_ms: f64, two_ms: f64) -> ThreadAdvice {
    let rounds = [(1, vec![one_ms; 5]), (2, vec![two_ms; 5])];
    ThreadAdvice::of(Path::new("/models/a.onnx"), rounds).unwrap()
}

/// Tells that it measures, waits for the test, and finds this unless it was cancelled.
fn played(found: Result<ThreadAdvice, String>) -> (Advise, Sender<()>, Receiver<()>) {
    let (release, released) = bounded(1);
    let (begin, begun) = bounded(1);
    let advise: Advise = Arc::new(move |request, tell| {
        assert_eq!((request.path.as_path(), request.images.len()), (Path::new("/models/a.onnx"), 1));
        let progress = |done| Progress { stage: Stage::Measuring, done, of: 40 };
        let _ = tell(progress(10));
        begin.send(()).unwrap();
        released.recv().unwrap();
        if tell(progress(20)).is_break() { Ok(None) } else { found.clone().map(Some) }
    });
    (advise, release, begun)
}

/// A window in which model A runs with one thread, its panel is open and the search is under way.
fn searching(found: Result<ThreadAdvice, String>) -> (Window, Sender<()>) {
    let (advise, release, begun) = played(found);
    let mut window = Window::running(Setup { advise: Some(advise), ..Setup::default() });
    window.click("About model A");
    window.click(FIND);
    begun.recv().unwrap();
    window.background();
    (window, release)
}

fn with_threads(threads: usize) -> Event {
    let info = ModelInfo { threads, ..ModelInfo::clone(&model("/models/a.onnx", Precision::Fp32)) };
    Event::ModelLoaded { lane: LaneId::A, info: Arc::new(info) }
}

/// How far the panel's close button is from its left edge.
fn panel_width(window: &Window) -> f32 {
    let left = window.harness.get_by_label("Apply").rect().left();
    window.harness.get_by_label("Close window").rect().right() - left
}

#[test]
fn the_live_view_rests_meanwhile_and_what_was_found_is_used_and_remembered() {
    let (mut window, release) = searching(Ok(advice(6.9, 4.1)));
    assert_eq!(window.commands(), ["SetPaused(true)"]);
    assert!(window.sees("Measuring in turn, 25 %; the live view rests"));
    let width = panel_width(&window);
    release.send(()).unwrap();
    window.until(|window| window.sees("2 threads: 4.1 ms, 1 thread: 6.9 ms"));
    assert_eq!(window.commands(), ["SetPaused(false)"]);
    assert!(window.sees("0.59 of the latency with 1"));
    if std::thread::available_parallelism().is_ok_and(|threads| threads.get() >= 2) {
        window.click("Use 2 threads");
        assert_eq!(window.commands(), ["SetThreadsOf(\"/models/a.onnx\", Some(2))"]);
        window.tell(with_threads(2));
        assert!(window.sees("runs with 2 threads") && window.sees("2 threads are best, as now."));
        assert!(panel_width(&window) <= width, "the panel grew");
        window.click("As the others");
        assert_eq!(window.commands(), ["SetThreadsOf(\"/models/a.onnx\", None)"]);
        window.click("About model A");
        assert!(!window.sees("2 threads: 4.1 ms"));
    }
    assert!(window.saved().model_threads.is_empty());
}

#[test]
fn a_remembered_number_is_said_before_the_model_is_loaded_and_goes_when_all_get_one() {
    let mut settings = Settings { welcome_dismissed: true, ..Settings::default() };
    settings.set_threads_of(Path::new("/models/a.onnx"), Some(1));
    let mut window = Window::open(Setup { settings: Some(settings.clone()), ..Setup::default() });
    let commands = window.commands();
    let place = |beginning: &str| commands.iter().position(|command| command.starts_with(beginning));
    assert!(commands.contains(&"SetThreadsOf(\"/models/a.onnx\", Some(1))".to_owned()), "{commands:?}");
    assert!(place("SetThreadsOf") < place("LoadModel"), "{commands:?}");
    window.load_models();
    window.click("About model A");
    assert!(window.sees("runs with 1 thread") && window.sees("As the others"));
    assert_eq!(window.saved().model_threads, settings.model_threads);
    let options = quantscope::app::StartOptions { threads: Some(1), ..Setup::default().options };
    let window = Window::open(Setup { settings: Some(settings), options, ..Setup::default() });
    assert!(!window.commands().iter().any(|command| command.starts_with("SetThreadsOf")), "--threads is for all");
}

#[test]
fn cancelled_or_closed_it_ends_and_the_live_view_goes_on() {
    for close in [false, true] {
        let (mut window, release) = searching(Ok(advice(6.9, 4.1)));
        if close {
            window.press(Key::Escape);
        } else {
            window.click(CANCEL);
        }
        assert_eq!(window.commands(), ["SetPaused(true)", "SetPaused(false)"]);
        release.send(()).unwrap();
        window.background();
        assert!(!window.sees("2 threads: 4.1 ms"));
        assert_eq!(window.harness.query_by_label(FIND).is_some(), !close);
        assert_eq!(window.commands(), [] as [&str; 0]);
    }
}

#[test]
fn a_pause_of_the_persons_stays_and_a_failure_says_why() {
    let (advise, release, begun) = played(Err("a.onnx is gone".into()));
    let mut window = Window::running(Setup { advise: Some(advise), ..Setup::default() });
    window.press(Key::Space);
    window.click("About model A");
    window.click(FIND);
    begun.recv().unwrap();
    release.send(()).unwrap();
    window.until(|window| window.sees("a.onnx is gone"));
    assert_eq!(window.commands(), ["SetPaused(true)"]);
}

#[test]
fn a_noisy_machine_is_said() {
    let rounds = [(1, vec![10.0, 9.0, 12.0, 8.0, 11.0]), (2, vec![8.0, 12.0, 9.0, 11.0, 9.5])];
    let found = ThreadAdvice::of(Path::new("/models/a.onnx"), rounds).unwrap();
    let (mut window, release) = searching(Ok(found));
    release.send(()).unwrap();
    window.until(|window| window.sees("The machine was too noisy to tell 2 from 1 threads"));
}

#[test]
fn threads_are_measured_until_a_number_is_fixed_and_the_figures_tell_what_was_found() {
    let measure = "MeasureThreads(SessionClock)".to_owned();
    let window = Window::open(Setup::default());
    assert!(window.commands().contains(&measure));
    let mut window = Window::running(Setup::default());
    window.click("Settings");
    window.click("Measure the best threads");
    assert_eq!(window.commands(), ["SetThreads(1)"]);
    if window.harness.query_by_label("Measure the best threads").is_none() {
        window.click("Settings");
    }
    window.click("Measure the best threads");
    assert_eq!(window.commands(), [measure.as_str()]);
    let row = |threads, micros| Row { tuning: Tuning { threads, spinning: false }, micros };
    let measured = Measured { share: Share { cores: 4, lanes: 2 }, rows: vec![row(1, 8_200), row(2, 5_100)] };
    let info = model("/models/a.onnx", Precision::Fp32);
    let info = ModelInfo { threads: 2, tuned_by: TunedBy::Measuring(measured), ..ModelInfo::clone(&info) };
    window.tell(Event::ModelTuned { lane: LaneId::A, info: Arc::new(info) });
    assert!(window.sees("2, measured"));
    assert_eq!(window.saved().threads, None);
    // A number on the command line is for all; `auto` forgets what was set.
    let settings = Settings { threads: Some(1), ..Settings::default() };
    let options = quantscope::app::StartOptions { measure_threads: true, ..Setup::default().options };
    let window = Window::open(Setup { options, settings: Some(settings), ..Setup::default() });
    assert!(window.commands().contains(&measure));
    assert_eq!(window.saved().threads, None);
}
