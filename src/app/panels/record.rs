//! The control that records: a button that begins and ends, and what there is to choose.

use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::format;
use crate::app::recording::{RecordingSession, RecordingSettings};
use crate::app::theme::Colors;
use crate::pipeline::record::{Container, Every, PictureFormat, RecordKind, VideoView};
use eframe::egui::containers::menu::{MenuButton, MenuConfig};
use eframe::egui::{Button, DragValue, Label, PopupCloseBehavior, RichText, Ui};

/// What the control shows.
pub struct RecordInput<'a> {
    /// What runs.
    pub recording: &'a RecordingSession,
    /// What is chosen.
    pub settings: &'a RecordingSettings,
}

/// Draws the button and the list beside it.
pub fn record_ui(ui: &mut Ui, input: &RecordInput<'_>, actions: &mut Vec<Action>) {
    let running = input.recording.is_running();
    let gap = std::mem::replace(&mut ui.spacing_mut().item_spacing.x, 2.0);
    let (text, name, tip) = if running {
        let time = format!("● {}", format::position(input.recording.elapsed()));
        let red = RichText::new(time).color(Colors::of(ui).error);
        (red, "Stop recording", "Stop recording and complete the files (R)")
    } else {
        (RichText::new("Record"), "Record", "Record what is chosen in the list beside this (R)")
    };
    let button = ui.add(Button::new(text)).on_hover_text(tip);
    if button.accessible_name(name).clicked() {
        actions.push(Action::ToggleRecording);
    }
    // A menu would close at the first choice.
    let stays = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let (response, _) = MenuButton::new("▾").config(stays).ui(ui, |ui| {
        ui.set_min_width(300.0);
        if running {
            running_ui(ui, input.recording)
        } else {
            choices_ui(ui, input.settings, actions)
        }
        ui.separator();
        folder_ui(ui, input, actions);
    });
    response.on_hover_text("What is recorded, and where to").accessible_name("Recording choices");
    ui.spacing_mut().item_spacing.x = gap;
}

/// How the recordings are doing.
fn running_ui(ui: &mut Ui, recording: &RecordingSession) {
    for status in recording.running.iter().flatten() {
        let name = status.kind.name();
        ui.label(RichText::new(format!("Recording {name}")).strong());
        let (frames, size) = (format::count(status.frames), format::bytes(status.bytes));
        ui.label(format!("{} · {frames} frames · {size}", format::position(status.elapsed)));
        if let Some(encoder) = &status.encoder {
            ui.label(RichText::new(encoder).weak());
        }
        if status.dropped > 0 {
            let text = format!("{} frames left out: writing does not keep up", format::count(status.dropped));
            ui.colored_label(Colors::of(ui).warning, text);
        }
    }
}

fn choices_ui(ui: &mut Ui, settings: &RecordingSettings, actions: &mut Vec<Action>) {
    let mut chosen = settings.clone();
    ui.checkbox(&mut chosen.video, "Video with boxes");
    ui.indent("video", |ui| {
        ui.add_enabled_ui(chosen.video, |ui| {
            ui.horizontal(|ui| {
                for view in VideoView::ALL {
                    ui.radio_value(&mut chosen.view, view, view.name());
                }
            });
            ui.horizontal(|ui| {
                for container in Container::ALL {
                    ui.radio_value(&mut chosen.container, container, container.ending());
                }
            });
        });
    });
    ui.checkbox(&mut chosen.detections, "Detections, as JSON lines");
    ui.checkbox(&mut chosen.frames, "Frames without boxes, as pictures")
        .on_hover_text("To calibrate with, or to be labelled");
    ui.indent("frames", |ui| ui.add_enabled_ui(chosen.frames, |ui| frames_ui(ui, &mut chosen)));
    if chosen != *settings {
        actions.push(Action::SetRecording(chosen));
    }
}

fn frames_ui(ui: &mut Ui, chosen: &mut RecordingSettings) {
    let options = &mut chosen.frame_options;
    ui.horizontal(|ui| {
        ui.label("One every");
        let in_seconds = matches!(options.every, Every::Seconds(_));
        match &mut options.every {
            Every::Seconds(seconds) => ui.add(DragValue::new(seconds).range(0.0..=3600.0).speed(0.1)),
            Every::Frames(step) => ui.add(DragValue::new(step).range(1..=100_000)),
        }
        .accessible_name("Distance of frames");
        if ui.radio(in_seconds, "seconds").clicked() && !in_seconds {
            options.every = Every::Seconds(1.0);
        }
        if ui.radio(!in_seconds, "frames").clicked() && in_seconds {
            options.every = Every::Frames(30);
        }
    });
    ui.checkbox(&mut options.different, "Only those that differ visibly from the last one kept");
    ui.horizontal(|ui| {
        let mut count = options.count.unwrap_or(100);
        let mut limited = options.count.is_some();
        ui.checkbox(&mut limited, "Stop after");
        ui.add_enabled(limited, DragValue::new(&mut count).range(1..=100_000)).accessible_name("Most frames");
        options.count = limited.then_some(count);
        for (format, name) in [(PictureFormat::Png, "PNG"), (PictureFormat::Jpeg, "JPEG")] {
            ui.radio_value(&mut options.format, format, name);
        }
    });
}

fn folder_ui(ui: &mut Ui, input: &RecordInput<'_>, actions: &mut Vec<Action>) {
    let folder = input.settings.folder();
    let shown = input.recording.latest.as_deref().unwrap_or(&folder);
    let text = format::shortened(&shown.display().to_string(), 46);
    ui.add(Label::new(RichText::new(text).weak())).on_hover_text(shown.display().to_string());
    ui.horizontal(|ui| {
        if ui.button("Show in folder").clicked() {
            actions.push(Action::ShowRecordings);
        }
        if ui.button("Copy path").clicked() {
            ui.ctx().copy_text(shown.display().to_string());
        }
        let change = ui.add_enabled(!input.recording.is_running(), Button::new("Other folder…"));
        if change.clicked() {
            actions.push(Action::Browse(DialogKind::RecordingFolder));
            ui.close();
        }
    });
    let chosen = RecordKind::ALL.iter().any(|kind| input.settings.has(*kind));
    if !chosen {
        ui.colored_label(Colors::of(ui).warning, "Nothing is chosen");
    }
}
