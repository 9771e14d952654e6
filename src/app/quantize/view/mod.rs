//! Drawing the window: a file a stage, the chart and the tables.

mod chart;
mod how;
mod layers;
mod models;
mod parts;
mod results;
mod running;
mod setup;
mod time;

pub use running::resting_ui;

use super::action::QuantizeAction;
use super::setup::QuantizeSettings;
use super::state::{QuantizeState, Stage, Tab};
use crate::app::actions::Action;
use crate::capture::SourceSpec;
use eframe::egui::{Align2, Context, Id, Key, Modifiers, Popup, ScrollArea, Ui, Vec2, Window, vec2};

/// Widest content; results have more to show.
const WIDTH: f32 = 600.0;
const RESULTS_WIDTH: f32 = 740.0;
/// Room that is left around the content, the window's title and frame included.
const AROUND: Vec2 = vec2(48.0, 128.0);
/// A higher one shows no more.
const MOST_HEIGHT: f32 = 720.0;

/// What the window shows beside its own state.
pub struct WindowInput<'a> {
    /// The window's state.
    pub state: &'a QuantizeState,
    /// What is remembered of the choices.
    pub wishes: &'a QuantizeSettings,
    /// What is watched, and its name for people.
    pub on_view: Option<(&'a SourceSpec, &'a str)>,
    /// Whether a person stopped the live view.
    pub paused: bool,
}

/// Draws the window when it is open. Escape and its × hide it; what runs goes on.
pub fn quantize_ui(ctx: &Context, input: &WindowInput<'_>, actions: &mut Vec<Action>) {
    if !input.state.open {
        return;
    }
    let mut wishes = Vec::new();
    let mut open = true;
    let screen = ctx.content_rect();
    let results = input.state.shown_results();
    let width = if results.is_some() { RESULTS_WIDTH } else { WIDTH }.min(screen.width() - AROUND.x);
    let height = (screen.height() - AROUND.y).clamp(160.0, MOST_HEIGHT);
    let window = Window::new("Quantize").id(Id::unique("quantize window")).open(&mut open).collapsible(true);
    let window = window.resizable(false).pivot(Align2::CENTER_CENTER).default_pos(screen.center());
    window.constrain_to(screen).show(ctx, |ui| {
        ui.set_width(width);
        match (&input.state.stage, results) {
            (Stage::Running(run), _) => {
                let waits = input.state.ending.is_some();
                running::running_ui(ui, run, (input.paused, waits), &mut wishes);
            }
            (_, Some(results)) => results::results_ui(ui, results, height, actions, &mut wishes),
            _ => scrolled_ui(ui, height, |ui| setup::setup_ui(ui, input, actions, &mut wishes)),
        }
    });
    keys(ctx, input, &mut open, &mut wishes);
    if !open {
        wishes.push(QuantizeAction::Toggle);
    }
    actions.extend(wishes.into_iter().map(Action::Quantize));
}

/// Escape hides the window, Enter begins, numbers show tabs; a control that has the focus, an open menu and a text that is typed have them for
/// themselves.
fn keys(ctx: &Context, input: &WindowInput<'_>, open: &mut bool, wishes: &mut Vec<QuantizeAction>) {
    if ctx.text_edit_focused() || Popup::is_any_open(ctx) {
        return;
    }
    let pressed = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if pressed(Key::Escape) {
        *open = false;
    }
    let focused = ctx.memory(|memory| memory.focused().is_some());
    if input.state.is_choosing() && !focused && pressed(Key::Enter) {
        wishes.push(QuantizeAction::Start);
    }
    if input.state.shown_results().is_some() {
        let tabs = [Key::Num1, Key::Num2, Key::Num3].into_iter().zip(Tab::ALL);
        wishes.extend(tabs.filter(|(key, _)| pressed(*key)).map(|(_, tab)| QuantizeAction::Show(tab)));
    }
}

/// Content that is scrolled where the window is low.
fn scrolled_ui(ui: &mut Ui, height: f32, content: impl FnOnce(&mut Ui)) {
    let area = ScrollArea::vertical().id_salt("quantize choices").max_height(height).min_scrolled_height(height);
    area.auto_shrink([false, true]).show(ui, |ui| {
        // Room for the scroll bar, so that it never lies over controls.
        ui.set_width((ui.available_width() - 10.0).max(0.0));
        content(ui);
    });
}
