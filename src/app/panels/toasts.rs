//! The last messages, floating over the lower left corner of the picture.

use super::message_log::severity_color;
use crate::app::actions::Action;
use crate::app::format::shortened;
use crate::app::messages::{Message, MessageLog};
use crate::app::theme::Colors;
use eframe::egui::{Align2, Area, Button, Frame, Id, Label, Margin, Order, Rect, RichText, Stroke, Ui, vec2};
use std::time::Instant;

/// More would cover the picture; the others are in the list of messages.
const MOST_SHOWN: usize = 3;
/// A longer text is cut in the middle; the list has all of it.
const LONGEST: usize = 360;

/// Draws the messages that float at `now` within `stage`, but for what is `said` there anyway.
pub fn toasts_ui(
    ui: &mut Ui,
    stage: Rect,
    messages: &MessageLog,
    (now, said): (Instant, Option<&str>),
    actions: &mut Vec<Action>,
) {
    let is_said = |message: &Message| said.is_some_and(|said| said.starts_with(message.text.as_str()));
    let floating = messages.iter().rev().filter(|message| message.floats(now) && !is_said(message));
    let mut floating: Vec<&Message> = floating.take(MOST_SHOWN).collect();
    if floating.is_empty() {
        return;
    }
    floating.reverse();
    let width = (stage.width() - 40.0).clamp(180.0, 460.0);
    let area = Area::new(Id::unique("toasts")).order(Order::Middle).pivot(Align2::LEFT_BOTTOM);
    area.fixed_pos(stage.left_bottom() + vec2(12.0, -12.0)).constrain_to(stage).show(ui.ctx(), |ui| {
        for message in floating {
            toast_ui(ui, message, width, actions);
        }
    });
}

fn toast_ui(ui: &mut Ui, message: &Message, width: f32, actions: &mut Vec<Action>) {
    let colors = Colors::of(ui);
    let accent = severity_color(ui, message.severity);
    let frame = Frame::new().fill(colors.bar).stroke(Stroke::new(1.0, accent)).corner_radius(8);
    frame.inner_margin(Margin::symmetric(12, 8)).show(ui, |ui| {
        ui.set_width(width - 26.0);
        ui.horizontal_top(|ui| {
            let text_width = ui.available_width() - 24.0;
            ui.vertical(|ui| {
                ui.set_width(text_width);
                let times = if message.times > 1 { format!(" ({} times)", message.times) } else { String::new() };
                ui.label(RichText::new(format!("{}{times}", message.severity.name())).color(accent).strong());
                ui.add(Label::new(shortened(&message.text, LONGEST)).wrap());
            });
            let close = ui.add(Button::new("×").frame(false)).on_hover_text("Dismiss");
            if close.accessible_name(format!("Dismiss: {}", message.text)).clicked() {
                actions.push(Action::DismissMessage(message.id));
            }
        });
    });
}
