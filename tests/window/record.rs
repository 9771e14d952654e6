//! The control that records.

use crate::support::{Setup, Window};
use eframe::egui::Key;
use quantscope::app::{RecordingSettings, Settings};
use quantscope::pipeline::Event;
use quantscope::pipeline::record::{RecordKind, RecordingState, RecordingStatus, VideoView};
use std::time::Duration;

fn setup(recording: RecordingSettings) -> Setup {
    let settings = Settings { welcome_dismissed: true, recording, ..Settings::default() };
    Setup { settings: Some(settings), ..Setup::default() }
}

fn status(state: RecordingState) -> Event {
    Event::Recording(RecordingStatus {
        kind: RecordKind::Video,
        path: "/videos/quantscope-1.mp4".into(),
        elapsed: Duration::from_secs(75),
        frames: 2000,
        dropped: 3,
        bytes: 3_650_000,
        encoder: Some("H.264 (libx264)".to_owned()),
        state,
    })
}

#[test]
fn record_begins_what_is_chosen_shows_how_it_does_and_stops() {
    let chosen = RecordingSettings { detections: true, folder: Some("/videos".into()), ..Default::default() };
    let mut window = Window::running(setup(chosen));
    window.click("Record");
    let commands = window.commands();
    assert_eq!(commands.len(), 3, "{commands:?}");
    assert!(commands[0].starts_with("SetRecordingView(RecordingView { layout: SideBySide"), "{commands:?}");
    assert!(commands[1].contains("\"/videos\", file: None, what: Video(VideoOptions { view: AsShown"), "{commands:?}");
    assert!(commands[2].contains("what: Detections"), "{commands:?}");
    window.tell(status(RecordingState::Running));
    window.click("Recording choices");
    for text in ["Recording video", "1:15 · 2 000 frames · 3.6 MB", "H.264 (libx264)", "3 frames left out"] {
        assert!(window.sees(text), "{text}");
    }
    window.press(Key::Escape);
    window.press(Key::V);
    let commands = window.commands();
    assert!(commands.iter().any(|command| command.contains("RecordingView { layout: Divider")), "{commands:?}");
    window.click("Stop recording");
    assert_eq!(window.commands(), ["StopRecording(Video)", "StopRecording(Detections)"]);
    window.tell(status(RecordingState::Finished));
    assert!(window.sees("Recorded /videos/quantscope-1.mp4 (2 000 frames, 3.6 MB, 3 left out)"));
}

#[test]
fn a_recording_that_breaks_off_is_an_error_and_can_be_begun_again() {
    let mut window = Window::running(setup(RecordingSettings::default()));
    window.press(Key::R);
    assert_eq!(window.commands().len(), 2);
    window.tell(status(RecordingState::Failed("the disk is full, and so on".to_owned())));
    assert!(window.sees("the disk is full, and so on"));
    window.press(Key::R);
    assert!(window.commands()[0].starts_with("StartRecording"));
}

#[test]
fn what_is_chosen_is_kept() {
    let mut window = Window::running(setup(RecordingSettings::default()));
    window.click("Recording choices");
    window.click("Video with boxes");
    assert!(window.sees("Nothing is chosen"));
    window.click("Frames without boxes, as pictures");
    window.click("JPEG");
    window.press(Key::Escape);
    window.press(Key::R);
    let commands = window.commands();
    assert!(commands.last().is_some_and(|last| last.contains("format: Jpeg")), "{commands:?}");
    let saved = window.saved().recording;
    assert_eq!((saved.video, saved.frames, saved.view), (false, true, VideoView::AsShown));
}
