//! Everything can be reached in small and in large windows.

use crate::support::{Setup, Window, source_opened};
use eframe::egui::{Pos2, Rect, vec2};
use egui_kittest::kittest::Queryable;
use quantscope::app::Settings;
use quantscope::capture::SourceKind;

const BARS: [&str; 19] = [
    "Source",
    "Pause",
    "Snapshot",
    "Tools",
    "Settings",
    "Messages",
    "Help",
    "Open model A",
    "Open model B",
    "Close model A",
    "Close model B",
    "Show A FP32",
    "Show B INT8",
    "Compare",
    "View",
    "Pause video",
    "Step",
    "Position",
    "Speed",
];

const SCROLLED: [&str; 6] =
    ["Confidence", "Overlap (IoU)", "Classes: all 3", "Memory: 400 MB", "yield, A 0.60", "Mean IoU: 0.940"];

#[test]
fn every_control_is_in_view_or_can_be_scrolled_to() {
    const LONG: &str = "/models/a_very_long_name_of_a_model_that_somebody_exported_with_every_option_in_it.onnx";
    for size in [[720.0, 480.0], [900.0, 600.0], [1280.0, 800.0], [2560.0, 1440.0]] {
        // With the strip of the first start, which takes room.
        let settings = Some(Settings::default());
        let mut window = Window::running(Setup { size, settings, ..Setup::default() });
        let info = crate::support::model(LONG, quantscope::inference::Precision::Int8);
        window.tell(quantscope::pipeline::Event::ModelLoaded { lane: quantscope::pipeline::LaneId::B, info });
        window.tell(source_opened(SourceKind::Video));
        let screen = Rect::from_min_size(Pos2::ZERO, vec2(size[0], size[1])).expand(0.5);
        for name in BARS {
            let rect = window.harness.get_by_label(name).rect();
            assert!(screen.contains_rect(rect) && rect.is_positive(), "{name} at {rect:?} in {size:?}");
        }
        assert_no_overlap(&window, &BARS, size);
        for name in SCROLLED {
            window.harness.get_all_by_label(name).last().unwrap().scroll_to_me();
            window.harness.run();
            let rect = window.harness.get_all_by_label(name).last().unwrap().rect();
            assert!(screen.contains_rect(rect) && rect.is_positive(), "{name} at {rect:?} in {size:?}");
        }
    }
}

fn assert_no_overlap(window: &Window, names: &[&str], size: [f32; 2]) {
    let rects: Vec<_> = names.iter().map(|name| (name, window.harness.get_by_label(name).rect())).collect();
    for (index, (a, first)) in rects.iter().enumerate() {
        for (b, second) in &rects[..index] {
            assert!(!first.shrink(1.0).intersects(second.shrink(1.0)), "{a} and {b} overlap in {size:?}");
        }
    }
}

#[test]
fn windows_over_the_picture_fit_into_a_small_window() {
    let mut window = Window::running(Setup { size: [900.0, 600.0], ..Setup::default() });
    window.click("Help");
    let screen = Rect::from_min_size(Pos2::ZERO, vec2(900.0, 600.0));
    window.harness.get_by_label_contains("Drop a model, a video").scroll_to_me();
    window.harness.run();
    let last = window.harness.get_by_label_contains("Drop a model, a video").rect();
    assert!(screen.contains_rect(last) && last.is_positive(), "{last:?}");
}
