//! A path field, for systems without file dialogs.

use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::state::PathPrompt;
use eframe::egui::{Align2, Button, Context, Key, Label, TextEdit, Window, vec2};
use std::path::PathBuf;

const REASON: &str = "This system has no file dialog: neither a desktop portal nor zenity was found \
                      (`sudo apt install zenity` brings one). Type the path here; a file to open can also be dropped onto the window.";

/// Draws the window.
pub fn path_prompt_ui(ctx: &Context, prompt: &mut PathPrompt, actions: &mut Vec<Action>) {
    let window = Window::new(prompt.kind.title()).collapsible(false).resizable(false);
    window.anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0)).show(ctx, |ui| {
        ui.set_width(440.0);
        ui.add(Label::new(REASON).wrap());
        ui.add_space(4.0);
        let field = TextEdit::singleline(&mut prompt.text)
            .hint_text("/path/to/file")
            .align(Align2::LEFT_CENTER)
            .desired_width(f32::INFINITY);
        let field = ui.add(field).accessible_name("Path");
        if ui.memory(|memory| memory.focused().is_none()) && prompt.text.is_empty() {
            field.request_focus();
        }
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let typed = !prompt.text.trim().is_empty();
        ui.horizontal(|ui| {
            let saves = matches!(
                prompt.kind,
                DialogKind::Report(_)
                    | DialogKind::QuantizationReport(_)
                    | DialogKind::LabelExport
                    | DialogKind::WorstFolder
                    | DialogKind::QuantizedModel(_)
            );
            let open = ui.add_enabled(typed, Button::new(if saves { "Save here" } else { "Open this path" }));
            if typed && (open.clicked() || entered) {
                actions.push(Action::PathTyped(prompt.kind.clone(), expanded(prompt.text.trim())));
            }
            if ui.button("Cancel").clicked() || ui.input(|input| input.key_pressed(Key::Escape)) {
                actions.push(Action::CancelPath);
            }
        });
    });
}

/// `~/x` as a shell would read it.
fn expanded(text: &str) -> PathBuf {
    let home = directories::UserDirs::new().map(|user| user.home_dir().to_owned());
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}
