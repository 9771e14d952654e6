//! The layers: what each is, how much it suffers from integers, and a tick for where it works.

use super::parts::{ROW, columns, note_ui, strip_ui, write};
use super::running::steps_ui;
use crate::app::format;
use crate::app::quantize::action::QuantizeAction;
use crate::app::quantize::layers::Order;
use crate::app::quantize::state::Results;
use crate::app::theme::Colors;
use crate::pipeline::LaneId;
use crate::quantize::{Layer, Mode};
use eframe::egui::{
    Align, Button, Checkbox, ComboBox, Layout, Rect, Role, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

const WIDTHS: [f32; 4] = [0.0, 66.0, 84.0, 150.0];
const HEADS: [&str; 4] = ["INT8, layer", "operator", "weights", "sensitivity"];
/// Width of a letter of a layer's name, about.
const LETTER: f32 = 6.9;
/// Width of the box that is ticked.
const TICK: f32 = 28.0;
/// Figures keep so far from the scroll bar.
const BESIDE_BAR: f32 = 8.0;
/// What stands below the table: buttons alone, or progress or a reason.
const BUTTONS: f32 = 48.0;
const BELOW: f32 = 118.0;

/// Draws the tab in so much height.
pub fn layers_ui(ui: &mut Ui, results: &Results, height: f32, wishes: &mut Vec<QuantizeAction>) {
    let layers = &results.outcome.layers;
    let order = results.order.of(layers);
    let facts = Facts {
        weights: layers.iter().map(|layer| layer.weights).sum::<usize>().max(1),
        highest: layers.iter().filter_map(|layer| layer.sensitivity).fold(0.0, f64::max),
    };
    order_ui(ui, results, wishes);
    heads_ui(ui);
    let buttons_alone = results.alive && !results.making && results.not_made.is_none();
    let below = if buttons_alone { BUTTONS } else { BELOW };
    let rows = (height - below - 2.0 * ROW).max(3.0 * ROW);
    let area = ScrollArea::vertical().id_salt("quantized layers").max_height(rows).min_scrolled_height(rows);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        area.auto_shrink([false, false]).show_rows(ui, ROW, order.len(), |ui, shown| {
            for index in order.get(shown).into_iter().flatten() {
                row_ui(ui, results, &layers[*index], &facts, wishes);
            }
        });
    });
    foot_ui(ui, results, wishes);
}

/// What rows are compared with.
struct Facts {
    weights: usize,
    highest: f64,
}

fn order_ui(ui: &mut Ui, results: &Results, wishes: &mut Vec<QuantizeAction>) {
    ui.horizontal(|ui| {
        let mut order = results.order;
        let shown = ComboBox::from_id_salt("order of layers").width(180.0).selected_text(order.name());
        let shown = shown.show_ui(ui, |ui| {
            for choice in Order::ALL {
                ui.selectable_value(&mut order, choice, choice.name());
            }
        });
        shown.response.accessible_name("Order of the layers");
        if order != results.order {
            wishes.push(QuantizeAction::SortLayers(order));
        }
        note_ui(
            ui,
            "No tick: the layer stays in floats. Sensitivity: what is lost when the layer alone is in integers.",
        );
    });
}

fn heads_ui(ui: &mut Ui) {
    let colors = Colors::of(ui);
    let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let place = line.with_max_x(line.right() - ui.spacing().scroll.allocated_width() - BESIDE_BAR);
    ui.painter().hline(place.x_range(), place.bottom() - 0.5, (1.0, colors.line));
    for (index, (place, head)) in columns(place, WIDTHS).into_iter().zip(HEADS).enumerate() {
        write(ui, place, head, colors.weak, index >= 2);
    }
}

fn row_ui(ui: &mut Ui, results: &Results, layer: &Layer, facts: &Facts, wishes: &mut Vec<QuantizeAction>) {
    let colors = Colors::of(ui);
    let (line, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let place = line.with_max_x(line.right() - BESIDE_BAR);
    let changed = results.floats.is_changed(&layer.name);
    if changed || response.hovered() {
        ui.painter().rect_filled(place, 4, ui.visuals().faint_bg_color);
    }
    if changed {
        let mark = place.with_max_x(place.left() + 3.0).shrink2(vec2(0.0, 3.0));
        ui.painter().rect_filled(mark, 1, colors.lane(LaneId::B));
    }
    let [name, op, weights, sensitivity] = columns(place, WIDTHS);
    let mut integer = !results.floats.has(&layer.name);
    let tick = Rect::from_min_max(pos2(name.left() + 6.0, name.top()), pos2(name.left() + TICK, name.bottom()));
    let enabled = results.alive && !results.making && results.run.request.form() == Mode::Static;
    let ticked = ui.scope_builder(UiBuilder::new().max_rect(tick).id_salt(&layer.name), |ui| {
        let tip = if integer { "Untick: the layer stays in floats" } else { "Tick: the layer works in integers" };
        let ticked = ui.add_enabled(enabled, Checkbox::without_text(&mut integer)).on_hover_text(tip);
        ticked.accessible_name(format!("{} in integers", layer.name)).changed()
    });
    if ticked.inner {
        wishes.push(QuantizeAction::SetFloat(layer.name.clone(), !integer));
    }
    let name = name.with_min_x(tick.right() + 4.0);
    // The ends of such names tell more than their middle.
    let short = format::shortened(&layer.name, ((name.width() / LETTER) as usize).max(12));
    let cut = write(ui, name, &short, colors.text, false) || short != layer.name;
    write(ui, op, &layer.op, colors.weak, false);
    let share = 100.0 * layer.weights as f64 / facts.weights as f64;
    write(ui, weights, &format!("{share:.1} %"), colors.text, true);
    sensitivity_ui(ui, sensitivity, layer.sensitivity, facts.highest);
    let spoken = format!(
        "{}: {}, {} weights, sensitivity {}",
        layer.name,
        layer.op,
        format::count(layer.weights as u64),
        layer.sensitivity.map_or_else(|| "not measured".to_owned(), sensitivity_words)
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    if cut {
        response.on_hover_text(spoken);
    }
}

/// A bar against the highest, and the figure.
fn sensitivity_ui(ui: &Ui, place: Rect, value: Option<f64>, highest: f64) {
    let colors = Colors::of(ui);
    let Some(value) = value else {
        write(ui, place, "not measured", colors.weak, true);
        return;
    };
    let room = place.with_max_x(place.right() - 64.0).shrink2(vec2(0.0, 8.0));
    let share = if highest > 0.0 { (value / highest).clamp(0.0, 1.0) as f32 } else { 0.0 };
    ui.painter().rect_filled(room, 3, colors.line);
    ui.painter().rect_filled(room.with_max_x(room.left() + room.width() * share), 3, colors.lane(LaneId::B));
    write(ui, place.with_min_x(room.right() + 4.0), &sensitivity_words(value), colors.text, true);
}

/// As a percentage, with as many digits as tell something.
fn sensitivity_words(value: f64) -> String {
    match 100.0 * value {
        percent if percent >= 10.0 => format!("{percent:.0} %"),
        percent if percent >= 1.0 => format!("{percent:.1} %"),
        percent if percent >= 0.1 => format!("{percent:.2} %"),
        percent => format!("{percent:.3} %"),
    }
}

fn foot_ui(ui: &mut Ui, results: &Results, wishes: &mut Vec<QuantizeAction>) {
    let colors = Colors::of(ui);
    if results.making {
        ui.horizontal(|ui| {
            let cancelled = results.run.watch.is_cancelled();
            ui.label(if cancelled { "Stopping after the present step…" } else { "Making that model…" });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let cancel = ui.add_enabled(!cancelled, Button::new("Cancel"));
                if cancel.accessible_name("Cancel re-quantizing").clicked() {
                    wishes.push(QuantizeAction::Cancel);
                }
            });
        });
        steps_ui(ui, &results.run.watch.steps());
        return;
    }
    if let Some(reason) = &results.not_made {
        strip_ui(ui, &format!("That model was not made. {reason}"), colors.error);
    }
    let changes = results.floats.changes();
    ui.horizontal(|ui| {
        let again = ui.add_enabled(results.alive && changes > 0, Button::new("Re-quantize").min_size(vec2(110.0, 28.0)));
        let tip = "Makes and measures the model that the ticks say, writes it and loads it as B; nothing is searched, no \
                   picture is run again";
        let why = match (results.alive, results.run.request.form()) {
            (_, mode) if mode != Mode::Static => "Single layers can stay in floats only where others compute in integers",
            (true, _) => "Change a tick first",
            (false, _) => "A newer run took its place: quantize again first",
        };
        if again.on_hover_text(tip).on_disabled_hover_text(why).clicked() {
            wishes.push(QuantizeAction::Requantize);
        }
        let revert = ui.add_enabled(changes > 0, Button::new("Revert").min_size(vec2(0.0, 28.0)));
        if revert.on_hover_text("The ticks as in the model in B").clicked() {
            wishes.push(QuantizeAction::RevertFloats);
        }
        let all = results.outcome.layers.len();
        let integer = results.outcome.layers.iter().filter(|layer| !results.floats.has(&layer.name)).count();
        let text = match changes {
            0 => format!("{integer} of {all} layers in integers, as in the model in B"),
            1 => format!("{integer} of {all} layers in integers; 1 is changed"),
            changes => format!("{integer} of {all} layers in integers; {changes} are changed"),
        };
        ui.label(eframe::egui::RichText::new(text).color(colors.weak));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensitivities_have_digits_that_tell_something() {
        let words = [0.5, 0.05, 0.0012, 0.000_02, 0.0].map(sensitivity_words);
        assert_eq!(words, ["50 %", "5.0 %", "0.12 %", "0.002 %", "0.000 %"]);
    }
}
