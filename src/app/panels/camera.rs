//! The window with the controls of the camera that is watched.

use crate::app::actions::Action;
use crate::app::state::SourceState;
use crate::app::theme::Colors;
use crate::capture::{CameraControl, ControlAccess, ControlGroup, ControlKind, ControlSetting};
use eframe::egui::{
    Align, Checkbox, ComboBox, Context, Label, Layout, Response, RichText, ScrollArea, Slider, Ui, Window, pos2, vec2,
};

const WIDTH: f32 = 420.0;
const NAME_WIDTH: f32 = 196.0;
const VALUE_WIDTH: f32 = 62.0;
/// A control whose largest value is so many times its smallest is moved by ratios: an exposure of 1 to 10 000.
const WIDE: i64 = 200;

/// Draws the window while it is open and a camera is watched.
pub fn camera_ui(ctx: &Context, open: &mut bool, source: &SourceState, actions: &mut Vec<Action>) {
    let Some(camera) = source.camera().filter(|_| *open) else { return };
    let screen = ctx.content_rect();
    let window = Window::new("Camera controls").open(open).collapsible(false).resizable(false);
    // Below the menu that opens it.
    window.default_pos(pos2(screen.left() + 14.0, screen.top() + 60.0)).show(ctx, |ui| {
        ui.set_width(WIDTH);
        let weak = Colors::of(ui).weak;
        let remembered = format!("{camera}. What is set here is remembered for it.");
        ui.add(Label::new(RichText::new(remembered).small().color(weak)).wrap());
        if source.is_broken() {
            let away = "The camera is away: what is set now is made when it is back.";
            ui.add(Label::new(RichText::new(away).small().color(Colors::of(ui).warning)).wrap());
        }
        match source.controls.as_deref() {
            None => drop(ui.label(RichText::new("Asking the camera…").color(weak))),
            Some([]) => drop(ui.label("This camera has no controls that can be set here.")),
            Some(controls) => {
                let height = (screen.height() - 220.0).max(120.0);
                ScrollArea::vertical().max_height(height).auto_shrink([false, true]).show(ui, |ui| {
                    // Room for the scroll bar, so that it never lies over values.
                    ui.set_width((ui.available_width() - 10.0).max(0.0));
                    controls_ui(ui, controls, actions);
                });
                ui.separator();
                let reset = ui.button("Reset to defaults").on_hover_text("All controls as the camera was made");
                if reset.clicked() {
                    actions.push(Action::ResetCameraControls);
                }
            }
        }
    });
}

fn controls_ui(ui: &mut Ui, controls: &[CameraControl], actions: &mut Vec<Action>) {
    let group = |group: ControlGroup| controls.iter().filter(move |control| control.group == group);
    let mut first = true;
    for (title, members) in [("LIGHT", group(ControlGroup::Light)), ("PICTURE", group(ControlGroup::Picture))] {
        let mut members = members.peekable();
        if members.peek().is_none() {
            continue;
        }
        if !std::mem::take(&mut first) {
            ui.add_space(6.0);
        }
        ui.label(RichText::new(title).small().strong().color(Colors::of(ui).weak));
        members.for_each(|control| row_ui(ui, control, actions));
    }
    let mut others = group(ControlGroup::Other).peekable();
    if others.peek().is_some() {
        ui.add_space(6.0);
        ui.collapsing("More", |ui| others.for_each(|control| row_ui(ui, control, actions)));
    }
}

fn row_ui(ui: &mut Ui, control: &CameraControl, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        let size = vec2(NAME_WIDTH, ui.spacing().interact_size.y);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_width(NAME_WIDTH);
            let color = if control.is_free() { Colors::of(ui).text } else { Colors::of(ui).weak };
            ui.add(Label::new(RichText::new(&control.name).color(color)).truncate());
        });
        let mut value = control.value;
        ui.add_enabled_ui(control.is_free(), |ui| {
            let response = value_ui(ui, control, &mut value);
            response.on_hover_text(default_of(control)).on_disabled_hover_text(why_not(control.access));
        });
        if value != control.value {
            actions.push(Action::SetCameraControl(ControlSetting { id: control.id, value: control.nearest(value) }));
        }
    });
}

fn value_ui(ui: &mut Ui, control: &CameraControl, value: &mut i64) -> Response {
    match &control.kind {
        ControlKind::Switch => {
            let mut on = *value != 0;
            let response = ui.add(Checkbox::without_text(&mut on)).accessible_name(&control.name);
            if response.changed() {
                *value = i64::from(on);
            }
            response
        }
        ControlKind::Number { min, max, step } => {
            ui.spacing_mut().slider_width = (ui.available_width() - VALUE_WIDTH - 12.0).max(60.0);
            ui.spacing_mut().interact_size.x = VALUE_WIDTH;
            let by_ratio = *min > 0 && *max / *min > WIDE;
            let slider = Slider::new(value, *min..=*max).step_by(*step as f64).logarithmic(by_ratio);
            ui.add(slider).accessible_name(&control.name)
        }
        ControlKind::Menu(items) => {
            let chosen = items.iter().find(|(item, _)| item == value).map_or("not known", |(_, name)| name);
            let list = ComboBox::from_id_salt(control.id).selected_text(chosen).width(ui.available_width() - 4.0);
            let shown = list.truncate().show_ui(ui, |ui| {
                for (item, name) in items {
                    ui.selectable_value(value, *item, name);
                }
            });
            shown.response.accessible_name(&control.name)
        }
    }
}

fn default_of(control: &CameraControl) -> String {
    let default = control.default;
    match &control.kind {
        ControlKind::Switch => format!("Default: {}", if default == 0 { "off" } else { "on" }),
        ControlKind::Number { min, max, .. } => format!("{min} to {max}. Default: {default}"),
        ControlKind::Menu(items) => {
            let name = items.iter().find(|(item, _)| *item == default).map_or("not known", |(_, name)| name);
            format!("Default: {name}")
        }
    }
}

fn why_not(access: ControlAccess) -> &'static str {
    match access {
        ControlAccess::Free => "",
        ControlAccess::Automatic => "The camera sets this by itself: turn its automatic mode off first",
        ControlAccess::ReadOnly => "The camera only tells this value",
        ControlAccess::Grabbed => "It cannot be set while the camera gives pictures, or another program holds it",
    }
}
