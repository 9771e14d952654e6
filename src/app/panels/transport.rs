//! The row for videos and folders of pictures: play, seek, loop, speed, step.

use crate::app::actions::Action;
use crate::app::format;
use crate::app::state::Session;
use eframe::egui::containers::Sides;
use eframe::egui::{Button, ComboBox, Label, RichText, Slider, Ui, vec2};
use std::time::Duration;

/// What the row shows.
pub struct TransportInput<'a> {
    /// What the pipeline told.
    pub session: &'a Session,
    /// Whether the source starts again at its end.
    pub looping: bool,
}

const SPEEDS: [f64; 6] = [0.25, 0.5, 1.0, 1.5, 2.0, 4.0];

/// Draws the row.
pub fn transport_ui(ui: &mut Ui, input: &TransportInput<'_>, actions: &mut Vec<Action>) {
    let mut more = Vec::new();
    Sides::new().shrink_left().show(ui, |ui| seek_ui(ui, input, actions), |ui| playing_ui(ui, input, &mut more));
    actions.append(&mut more);
}

fn seek_ui(ui: &mut Ui, input: &TransportInput<'_>, actions: &mut Vec<Action>) {
    let play = if input.session.source.ended {
        ("Play again", "Play again", Action::PlayAgain)
    } else if input.session.paused {
        ("Play", "Play video", Action::TogglePause)
    } else {
        ("Pause", "Pause video", Action::TogglePause)
    };
    if ui.add(Button::new(play.0).min_size(vec2(84.0, 0.0))).accessible_name(play.1).clicked() {
        actions.push(play.2);
    }
    if ui.button("Step").on_hover_text("One frame on").clicked() {
        actions.push(Action::Step);
    }
    let duration = input.session.source.open.as_ref().and_then(|open| open.info.duration);
    let at = input.session.result.as_ref().and_then(|result| result.frame.position).unwrap_or_default();
    let total = duration.unwrap_or_default();
    let mut seconds = at.as_secs_f64();
    let times =
        format!("{} / {}", format::position(at), duration.map_or_else(|| format::NONE.to_owned(), format::position));
    let room = ui.available_width() - 110.0;
    ui.spacing_mut().slider_width = room.max(60.0);
    let slider = Slider::new(&mut seconds, 0.0..=total.as_secs_f64().max(0.001)).show_value(false);
    let slider = ui.add_enabled(duration.is_some(), slider).accessible_name("Position");
    if slider.changed() {
        actions.push(Action::Seek(Duration::from_secs_f64(seconds.max(0.0)).min(total)));
    }
    ui.add(Label::new(RichText::new(times).monospace()).extend());
}

fn playing_ui(ui: &mut Ui, input: &TransportInput<'_>, actions: &mut Vec<Action>) {
    let speed = input.session.speed.0;
    let combo = ComboBox::from_id_salt("speed").width(70.0).selected_text(format!("{speed}×"));
    let shown = combo.show_ui(ui, |ui| {
        for choice in SPEEDS {
            if ui.selectable_label(speed == choice, format!("{choice}×")).clicked() {
                actions.push(Action::SetSpeed(choice));
            }
        }
    });
    shown.response.accessible_name("Speed");
    let mut looping = input.looping;
    if ui.checkbox(&mut looping, "Loop").on_hover_text("Start again at the end").changed() {
        actions.push(Action::SetLooping(looping));
    }
}
