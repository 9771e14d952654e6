//! The agreement in the panel: over how many frames, and how sure it is.

use crate::support::{Setup, Window, frame, statistics, text};
use egui_kittest::kittest::Queryable;
use quantscope::app::{Settings, StartOptions};
use quantscope::pipeline::{AgreementStatistics, Command, Mode, Statistics};
use std::sync::Arc;

#[test]
fn the_window_is_chosen_sent_and_kept() {
    let mut window = Window::running(Setup::default());
    for frames in [30, 100, 1000, 300, 100] {
        window.harness.get_by_label(&format!("Agreement over {frames} frames")).scroll_to_me();
        window.harness.run();
        window.click(&format!("Agreement over {frames} frames"));
        assert_eq!(window.commands(), [text(Command::SetAgreementWindow(frames))]);
    }
    assert_eq!(window.saved().agreement_frames, 100);
}

#[test]
fn a_length_from_the_command_line_or_the_settings_is_sent_at_the_start_and_can_be_left() {
    let settings = Settings { agreement_frames: 1000, ..Settings::default() };
    let window = Window::open(Setup { settings: Some(settings.clone()), ..Setup::default() });
    assert!(window.commands().contains(&text(Command::SetAgreementWindow(1000))));
    let options = StartOptions { agreement_frames: Some(57), ..StartOptions::default() };
    let mut window = Window::running(Setup { settings: Some(settings), options, ..Setup::default() });
    assert!(window.sees("Agreement over 57 frames"));
    window.click("Agreement over 300 frames");
    assert_eq!(window.commands(), [text(Command::SetAgreementWindow(300))]);
    assert!(!window.sees("Agreement over 57 frames"));
}

#[test]
fn the_panel_says_what_the_agreement_rests_on_and_how_sure_it_is() {
    let mut window = Window::running(Setup::default());
    for row in ["95 % interval: 0.950 … 0.980", "Compared frames: 250 of 300", "Boxes compared: A 1 000, B 980"] {
        assert!(window.harness.query_by_label(row).is_some(), "{row}");
    }
    let mut few = frame(2, Mode::Compare);
    let statistics = statistics();
    let agreement =
        statistics.agreement.map(|a| AgreementStatistics { f1_interval: None, frames: 30, window: 30, ..a });
    few.statistics = Arc::new(Statistics { agreement, ..statistics });
    window.publish(few);
    assert!(window.harness.query_by_label("95 % interval: –").is_some(), "thirty frames are no sample");
    assert!(window.harness.query_by_label("Compared frames: 30 of 30").is_some());
    assert!(window.sees("agrees on 97 % of boxes"), "a short window that is full is judged");
}
