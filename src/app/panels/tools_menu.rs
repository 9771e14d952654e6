//! The menu of what there is beside watching: evaluating, quantizing, labelling.

use crate::app::actions::Action;
use crate::app::tools::Tool;
use eframe::egui::Ui;

/// Draws the button and the menu below it.
pub fn tools_menu_ui(ui: &mut Ui, actions: &mut Vec<Action>) {
    let menu = ui.menu_button("Tools ▾", |ui| {
        ui.set_min_width(150.0);
        for tool in Tool::ALL {
            if ui.button(tool.name()).on_hover_text(tool.tip()).clicked() {
                actions.push(Action::OpenTool(tool));
                ui.close();
            }
        }
    });
    menu.response.on_hover_text("What there is beside watching").accessible_name("Tools");
}
