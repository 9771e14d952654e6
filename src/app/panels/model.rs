//! The panel of one model: what is believed of it and why, item by item, and what a person wants instead.

use super::model_items::items_ui;
use super::model_probe::probe_ui;
use super::model_threads::threads_ui;
use crate::app::actions::Action;
use crate::app::format;
use crate::app::model_panel::{AdviceView, ModelPanel, ProbeView};
use crate::app::state::LaneState;
use crate::app::theme::Colors;
use eframe::egui::{Align2, Button, Context, Frame, Id, Key, Label, Margin, RichText, ScrollArea, Ui, Window, vec2};

/// Width of the window's content.
const WIDTH: f32 = 400.0;
/// What the top bar, the window's frame and the buttons need of the height.
const AROUND: f32 = 352.0;
/// What the outcome of a search for the best number of threads needs, too.
const ADVICE: f32 = 70.0;
const DOUBT: f32 = 62.0;

/// Draws the panel; `own_threads` is the number of threads that was chosen for this model alone.
pub fn model_panel_ui(
    ctx: &Context,
    panel: &mut ModelPanel,
    state: &LaneState,
    own_threads: Option<usize>,
    actions: &mut Vec<Action>,
) {
    let mut open = true;
    let screen = ctx.content_rect();
    let window = Window::new(format!("Model {:?}", panel.lane)).id(Id::unique("model panel")).open(&mut open);
    let window = window.collapsible(false).resizable(false).pivot(Align2::LEFT_TOP);
    let window = window.default_pos(screen.left_top() + vec2(14.0, 88.0)).constrain_to(screen);
    window.show(ctx, |ui| {
        ui.set_width(WIDTH.min(screen.width() - 40.0));
        head_ui(ui, panel, state);
        let advice = match &panel.advice {
            AdviceView::None | AdviceView::Running(_) => 0.0,
            AdviceView::Done(advice) if advice.doubt.is_some() => ADVICE + DOUBT,
            AdviceView::Failed(_) | AdviceView::Done(_) => ADVICE,
        };
        let height = (screen.height() - AROUND - advice).max(120.0);
        ScrollArea::vertical().id_salt("model items").max_height(height).auto_shrink([false, true]).show(ui, |ui| {
            ui.set_width((ui.available_width() - 10.0).max(0.0));
            items_ui(ui, panel, actions);
        });
        ui.separator();
        buttons_ui(ui, panel, state, actions);
        threads_ui(ui, panel, own_threads, state.loading.is_some(), actions);
    });
    probe_ui(ctx, panel, actions);
    let escaped = !ctx.text_edit_focused() && ctx.input(|input| input.key_pressed(Key::Escape));
    if !open || escaped {
        actions.push(Action::ToggleModelPanel(panel.lane));
    }
}

fn head_ui(ui: &mut Ui, panel: &ModelPanel, state: &LaneState) {
    let colors = Colors::of(ui);
    let name = RichText::new(format::file_name(&panel.path)).strong();
    ui.add(Label::new(name).truncate()).on_hover_text(panel.path.display().to_string());
    let facts = panel.info.as_ref().map_or_else(
        || "This model was not recognised. Name its head, and what else is known of it.".to_owned(),
        |info| format!("{}, {}", info.precision, format::bytes(info.bytes)),
    );
    ui.add(Label::new(RichText::new(facts).color(colors.weak)).wrap());
    if let Some(reason) = &panel.refused {
        let frame = Frame::new().fill(colors.card).stroke((1.0, colors.error)).corner_radius(6);
        frame.inner_margin(Margin::symmetric(8, 5)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.add(Label::new(RichText::new(reason).color(colors.error)).wrap());
        });
    } else if let (Some(_), Some((_, stage))) = (&panel.waiting, &state.loading) {
        let text = format!("{}; the running model goes on until then", super::top_bar::load_words(*stage));
        ui.add(Label::new(RichText::new(text).color(colors.weak)).wrap());
    }
    if let Some(note) = &panel.note {
        ui.add(Label::new(RichText::new(note).color(colors.warning)).wrap());
    }
    ui.separator();
}

fn buttons_ui(ui: &mut Ui, panel: &ModelPanel, state: &LaneState, actions: &mut Vec<Action>) {
    let loading = state.loading.is_some();
    let changed = panel.is_changed();
    ui.horizontal(|ui| {
        let apply = ui.add_enabled(changed && !loading, Button::new("Apply"));
        let apply = apply.on_hover_text("Loads the model again, fed and read like this");
        if apply.on_disabled_hover_text("Nothing was changed").clicked() {
            actions.push(Action::ApplyCard);
        }
        if ui.add_enabled(changed, Button::new("Revert")).on_hover_text("Back to what runs").clicked() {
            actions.push(Action::RevertCard);
        }
        let saving = !changed && !loading && panel.info.is_some();
        let save = ui.add_enabled(saving, Button::new("Save card"));
        let tip = format!("Keeps what is set in {}, where the next start finds it", panel.sidecar().display());
        let save = save.on_hover_text(tip).on_disabled_hover_text("Apply first: only what works is saved");
        if save.clicked() {
            actions.push(Action::SaveCard);
        }
    });
    let colors = Colors::of(ui);
    if let Some(path) = &panel.saved {
        ui.add(Label::new(RichText::new(format!("Saved as {}", path.display())).small().color(colors.good)).wrap());
    }
    ui.horizontal(|ui| {
        if let ProbeView::Running(watch) = &panel.probe {
            if ui.button("Cancel").clicked() {
                actions.push(Action::CancelProbe);
            }
            let progress = watch.progress();
            ui.label(format!("Preprocessing {} of {}", progress.done, progress.of));
            return;
        }
        let probe = ui.add_enabled(panel.info.is_some() && !loading, Button::new("Try preprocessings on this frame"));
        let tip = "Feeds the model in the usual ways and ranks them by how sure and steady the boxes are.\n\
                   Command line: quantscope inspect MODEL --probe PICTURE";
        if probe.on_hover_text(tip).clicked() {
            actions.push(Action::StartProbe);
        }
    });
    if let ProbeView::Failed(reason) = &panel.probe {
        ui.add(Label::new(RichText::new(reason).color(colors.error)).wrap());
    }
}
