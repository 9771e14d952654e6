//! The list of everything that was told.

use crate::app::actions::Action;
use crate::app::messages::{MessageLog, Severity};
use crate::app::theme::Colors;
use eframe::egui::{Align2, Color32, Context, RichText, ScrollArea, Ui, Window};

/// Draws the window when it is open; the newest message is at the top.
pub fn message_log_ui(ctx: &Context, open: &mut bool, messages: &MessageLog, actions: &mut Vec<Action>) {
    let window = Window::new("All messages").open(open).collapsible(false).default_size([520.0, 300.0]);
    let window = window.pivot(Align2::CENTER_CENTER).default_pos(ctx.content_rect().center());
    window.show(ctx, |ui| {
        if messages.iter().len() == 0 {
            ui.weak("Nothing has been told since the start.");
            return;
        }
        if ui.button("Clear messages").clicked() {
            actions.push(Action::ClearMessages);
        }
        ScrollArea::vertical().auto_shrink([false, true]).show(ui, |ui| {
            for message in messages.iter().rev() {
                ui.separator();
                ui.horizontal(|ui| {
                    let name = RichText::new(message.severity.name()).color(severity_color(ui, message.severity));
                    ui.label(name.strong());
                    let age = message.at.elapsed().as_secs();
                    let times = if message.times > 1 { format!(", {} times", message.times) } else { String::new() };
                    ui.weak(format!("{} ago{times}", age_words(age)));
                });
                ui.add(eframe::egui::Label::new(&message.text).selectable(true).wrap());
            }
        });
    });
}

fn age_words(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

/// Colour of a severity's name.
pub fn severity_color(ui: &Ui, severity: Severity) -> Color32 {
    let colors = Colors::of(ui);
    match severity {
        Severity::Info => colors.good,
        Severity::Warning => colors.warning,
        Severity::Error => colors.error,
    }
}
