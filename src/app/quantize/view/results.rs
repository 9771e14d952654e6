//! What came of it: in words and figures, what became of the file, and the tabs.

use super::parts::{note_ui, strip_ui};
use super::{chart, layers, models, time};
use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::evaluate::ReportForm;
use crate::app::format;
use crate::app::quantize::action::QuantizeAction;
use crate::app::quantize::state::{Results, Saved, Tab};
use crate::app::quantize::words;
use crate::app::theme::Colors;
use eframe::egui::containers::Sides;
use eframe::egui::{Button, FontId, Frame, Label, Margin, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};

/// Draws the results in so much height.
pub fn results_ui(
    ui: &mut Ui,
    results: &Results,
    height: f32,
    actions: &mut Vec<Action>,
    wishes: &mut Vec<QuantizeAction>,
) {
    // The same for every tab, so that their names stay where they are.
    ui.set_min_height(height);
    let top = ui.cursor().top();
    head_ui(ui, results, actions, wishes);
    tabs_ui(ui, results.tab, wishes);
    let left = (height - (ui.cursor().top() - top)).max(140.0);
    match results.tab {
        Tab::Models => {
            let area = ScrollArea::vertical().id_salt("quantized models").max_height(left).min_scrolled_height(left);
            area.auto_shrink([false, false]).show(ui, |ui| {
                // Room for the scroll bar, so that it never lies over figures.
                ui.set_width((ui.available_width() - 10.0).max(0.0));
                chart::chart_ui(ui, results, left, wishes);
                models::models_ui(ui, results, wishes);
                notes_ui(ui, results);
            });
        }
        Tab::Layers => layers::layers_ui(ui, results, left, wishes),
        Tab::Time => time::time_ui(ui, results, left),
    }
}

fn head_ui(ui: &mut Ui, results: &Results, actions: &mut Vec<Action>, wishes: &mut Vec<QuantizeAction>) {
    let colors = Colors::of(ui);
    let (mut right, mut recipe) = (Vec::new(), false);
    Sides::new().shrink_left().show(
        ui,
        |ui| {
            let text = words::what(&results.outcome, results.point());
            let label = ui.add(Label::new(RichText::new(&text).strong()).truncate());
            label.on_hover_text(text);
        },
        |ui| {
            if ui.button("New…").on_hover_text("Back to the choices; this result is kept").clicked() {
                right.push(QuantizeAction::ChooseAgain);
            }
            let menu = ui.menu_button("Report… ▾", |ui| {
                for form in ReportForm::ALL {
                    if ui.button(form.name()).clicked() {
                        right.push(QuantizeAction::Report(form));
                        ui.close();
                    }
                }
                ui.separator();
                let tip = "How the model that is shown was made: with it, here or by quantscope quantize --recipe, it is made again";
                if ui.button("Recipe (toml)").on_hover_text(tip).clicked() {
                    recipe = true;
                    ui.close();
                }
            });
            let tip = "Save what was asked for, tried and found, with the recipe that makes it again";
            menu.response.on_hover_text(tip).accessible_name("Report of the quantization");
            let took = format!("made in {}", format::position(results.took));
            ui.label(RichText::new(took).small().color(colors.weak));
        },
    );
    wishes.append(&mut right);
    if recipe {
        actions.push(Action::Browse(DialogKind::SaveRecipe));
    }
    tiles_ui(ui, results);
    ui.add(Label::new(RichText::new(words::ways(results)).color(colors.weak)).wrap());
    // The strip below says the same of what is not saved.
    if results.saved != Saved::No {
        ui.add(Label::new(RichText::new(words::why(results)).color(colors.weak)).wrap());
    }
    let (text, bad) = words::saved(results);
    if !bad {
        let color = if results.saved == Saved::Yes { colors.good } else { colors.weak };
        ui.add(Label::new(RichText::new(&text).color(color)).truncate()).on_hover_text(text);
        return;
    }
    strip_ui(ui, &text, if matches!(results.saved, Saved::Failed(_)) { colors.error } else { colors.warning });
    ui.horizontal(|ui| match &results.saved {
        Saved::Failed(_) => {
            if ui.button("Try again").accessible_name("Try to save again").clicked() {
                wishes.push(QuantizeAction::SaveAgain);
            }
            if ui.button("Save as…").clicked() {
                actions.push(Action::Browse(DialogKind::QuantizedModel(results.run.output.clone())));
            }
        }
        Saved::No => {
            let tip = "Writes it although it does not pass, and compares it with FP32 in B";
            if ui.button("Save the best anyway").on_hover_text(tip).clicked() {
                wishes.push(QuantizeAction::Load(results.outcome.best));
            }
        }
        Saved::Yes | Saved::Writing => {}
    });
}

/// The figures, large.
fn tiles_ui(ui: &mut Ui, results: &Results) {
    let colors = Colors::of(ui);
    let gap = 8.0;
    let tiles = words::tiles(results);
    let width = ((ui.available_width() - (tiles.len() - 1) as f32 * gap) / tiles.len() as f32).floor();
    let slow = results.point().measured.ratio() >= 1.0;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = gap;
        for (index, (name, value, tip)) in tiles.into_iter().enumerate() {
            let frame = Frame::new().fill(colors.card).stroke((1.0, colors.line)).corner_radius(6);
            let shown = frame.inner_margin(Margin::symmetric(9, 4)).show(ui, |ui| {
                ui.set_width(width - 20.0);
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    let color = if index == 0 && slow { colors.warning } else { colors.text };
                    let (place, _) = ui.allocate_exact_size(vec2(width - 20.0, 22.0), Sense::hover());
                    let font = FontId::proportional(18.0);
                    ui.painter().text(place.left_center(), eframe::egui::Align2::LEFT_CENTER, &value, font, color);
                    ui.add(Label::new(RichText::new(name).small().color(colors.weak)).truncate());
                });
            });
            let response = shown.response.interact(Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{value} {name}")));
            response.on_hover_text(tip);
        }
    });
}

fn tabs_ui(ui: &mut Ui, shown: Tab, wishes: &mut Vec<QuantizeAction>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (index, tab) in Tab::ALL.into_iter().enumerate() {
            let button = Button::selectable(shown == tab, tab.name()).frame_when_inactive(true);
            let button = ui.add(button.min_size(vec2(110.0, 0.0)));
            if button.on_hover_text(format!("Key {}", index + 1)).clicked() {
                wishes.push(QuantizeAction::Show(tab));
            }
        }
    });
}

/// What was done and what was left, in the engine's words.
fn notes_ui(ui: &mut Ui, results: &Results) {
    if results.outcome.notes.is_empty() {
        return;
    }
    ui.add_space(6.0);
    ui.label(RichText::new("What was done").strong());
    results.outcome.notes.iter().for_each(|note| note_ui(ui, note));
}
