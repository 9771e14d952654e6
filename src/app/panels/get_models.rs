//! The window of models to download: the catalog by families, with progress and what to do with what is here.

use crate::app::actions::Action;
use crate::app::catalog::{CatalogState, Download, Listing, Shelf, ShelfRow, pair};
use crate::app::format;
use crate::app::theme::Colors;
use crate::pipeline::LaneId;
use crate::runtime::catalog::{Presence, Progress};
use eframe::egui::{
    Align, Align2, Button, Context, Frame, Key, Label, Layout, Margin, Modifiers, ProgressBar, RichText, ScrollArea,
    Stroke, Ui, Window, vec2,
};

const WIDTH: f32 = 690.0;
/// Room that is left around the window, its title included.
const AROUND: [f32; 2] = [48.0, 132.0];
/// Columns of a row; what is left is for the controls.
const NAME_WIDTH: f32 = 170.0;
const PRECISION_WIDTH: f32 = 150.0;
const SIZE_WIDTH: f32 = 68.0;
/// Widest bar; in a narrow window it takes what is left.
const BAR_WIDTH: f32 = 196.0;

const INTRODUCTION: &str = "Well-known detectors from their publishers. Each file is verified before it is used; by \
                            getting one you accept its licence.";

/// Draws the window when it is open. Escape closes it; downloads go on.
pub fn get_models_ui(ctx: &Context, state: &CatalogState, actions: &mut Vec<Action>) {
    if !state.open {
        return;
    }
    let mut open = true;
    let screen = ctx.content_rect();
    let size = vec2(WIDTH.min(screen.width() - AROUND[0]), (screen.height() - AROUND[1]).clamp(200.0, 640.0));
    let window = Window::new("Get models").open(&mut open).collapsible(false).resizable(false);
    window.pivot(Align2::CENTER_CENTER).default_pos(screen.center()).show(ctx, |ui| {
        ui.set_width(size.x - 28.0);
        ui.set_height(size.y);
        ui.add(Label::new(RichText::new(INTRODUCTION).color(Colors::of(ui).weak)).wrap());
        match &state.shelf {
            Shelf::Searching => {
                ui.add_space(8.0);
                ui.label("Looking what is here…");
            }
            Shelf::Failed(reason) => failed_ui(ui, reason, actions),
            Shelf::Listed(listing) => listing_ui(ui, listing, state, actions),
        }
    });
    let escaped = !ctx.text_edit_focused() && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
    if !open || escaped {
        actions.push(Action::ToggleCatalog);
    }
}

fn failed_ui(ui: &mut Ui, reason: &str, actions: &mut Vec<Action>) {
    ui.add_space(8.0);
    ui.add(Label::new(RichText::new(reason).color(Colors::of(ui).error)).wrap());
    if ui.button("Try again").clicked() {
        actions.push(Action::ListCatalog);
    }
}

fn listing_ui(ui: &mut Ui, listing: &Listing, state: &CatalogState, actions: &mut Vec<Action>) {
    let footer = ui.text_style_height(&eframe::egui::TextStyle::Small) + 10.0;
    let height = (ui.available_height() - footer).max(80.0);
    ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink([false, false]).show(ui, |ui| {
        // Room for the scroll bar, so that it never lies over buttons.
        ui.set_width((ui.available_width() - 10.0).max(0.0));
        for family in listing.families() {
            family_ui(ui, family, state, actions);
        }
    });
    ui.add_space(4.0);
    let kept = format!("Kept in {}", listing.folder.display());
    ui.add(Label::new(RichText::new(&kept).small().color(Colors::of(ui).weak)).truncate()).on_hover_text(kept);
}

fn family_ui(ui: &mut Ui, family: &[ShelfRow], state: &CatalogState, actions: &mut Vec<Action>) {
    let Some(first) = family.first() else { return };
    let colors = Colors::of(ui);
    let frame = Frame::new().stroke(Stroke::new(1.0, colors.line)).corner_radius(6);
    frame.inner_margin(Margin::symmetric(10, 6)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(RichText::new(&first.model.family).strong());
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                pair_ui(ui, family, actions);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let model = &first.model;
                    let facts = format!("finds {} · licence {} · {}", model.finds, model.licence, model.publisher);
                    let text = RichText::new(facts).small().color(colors.weak);
                    ui.add(Label::new(text).truncate()).on_hover_text(&model.page);
                });
            });
        });
        for row in family {
            row_ui(ui, row, state.downloads.get(&row.model.name), actions);
        }
    });
    ui.add_space(2.0);
}

/// Full precision in A and quantized in B, once both are here.
fn pair_ui(ui: &mut Ui, family: &[ShelfRow], actions: &mut Vec<Action>) {
    let Some([full, quantized]) = pair(family) else { return };
    let tip = format!("{} in A, {} in B", full.model.name, quantized.model.name);
    let button = ui.button("Open pair").on_hover_text(tip);
    if button.accessible_name(format!("Open pair {}", full.model.family)).clicked() {
        actions.push(Action::OpenPair([full.path.clone(), quantized.path.clone()]));
        actions.push(Action::ToggleCatalog);
    }
}

fn row_ui(ui: &mut Ui, row: &ShelfRow, download: Option<&Download>, actions: &mut Vec<Action>) {
    let colors = Colors::of(ui);
    ui.horizontal(|ui| {
        cell_ui(ui, NAME_WIDTH, RichText::new(&row.model.name));
        cell_ui(ui, PRECISION_WIDTH, RichText::new(&row.model.precision).color(colors.weak));
        cell_ui(ui, SIZE_WIDTH, RichText::new(format::bytes(row.model.transfer().0)).color(colors.weak));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| controls_ui(ui, row, download, actions));
    });
    if let Some(Download::Failed(reason)) = download {
        ui.add(Label::new(RichText::new(reason).small().color(colors.error)).wrap());
    }
}

fn cell_ui(ui: &mut Ui, width: f32, text: RichText) {
    let size = vec2(width, ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
        ui.set_width(width);
        ui.add(Label::new(text).truncate());
    });
}

/// From right to left.
fn controls_ui(ui: &mut Ui, row: &ShelfRow, download: Option<&Download>, actions: &mut Vec<Action>) {
    let name = &row.model.name;
    let mut press = |ui: &mut Ui, text: &str, spoken: String, asked: &[Action]| {
        if ui.add(Button::new(text)).accessible_name(spoken).clicked() {
            actions.extend_from_slice(asked);
        }
    };
    let get = Action::GetModel(name.clone());
    match (download, row.presence) {
        (Some(Download::Running { cancel, .. }), _) if cancel.is_cancelled() => {
            ui.label(RichText::new("cancelling…").color(Colors::of(ui).weak));
        }
        (Some(Download::Running { watch, .. }), _) => {
            press(ui, "Cancel", format!("Cancel {name}"), &[Action::CancelGet(name.clone())]);
            progress_ui(ui, row, watch.progress());
        }
        (Some(Download::Failed(_)), _) => {
            press(ui, "Retry", format!("Retry {name}"), &[get]);
        }
        (None, Presence::There) => {
            for (lane, text) in [(LaneId::B, "Open as B"), (LaneId::A, "Open as A")] {
                let open = [Action::OpenModel(lane, row.path.clone()), Action::ToggleCatalog];
                press(ui, text, format!("Open {name} as {lane:?}"), &open);
            }
        }
        (None, Presence::Begun(bytes)) => {
            press(ui, "Resume", format!("Resume {name}"), &[get]);
            let here = format!("{} are here", format::bytes(bytes));
            ui.add(Label::new(RichText::new(here).small().color(Colors::of(ui).weak)).truncate());
        }
        (None, Presence::Absent) => press(ui, "Get", format!("Get {name}"), &[get]),
    }
}

fn progress_ui(ui: &mut Ui, row: &ShelfRow, progress: Option<Progress>) {
    let (share, text) = match progress {
        None => (0.0, "waiting…".to_owned()),
        Some(Progress { done, total, bytes_per_second }) => {
            let speed = bytes_per_second.map(|speed| format!(" · {}/s", format::bytes(speed as u64)));
            (done as f32 / total.max(1) as f32, format!("{}{}", format::bytes(done), speed.unwrap_or_default()))
        }
    };
    let spoken = format!("Progress {}: {text}", row.model.name);
    let bar =
        ProgressBar::new(share).desired_width(BAR_WIDTH.min(ui.available_width())).text(RichText::new(text).small());
    ui.add(bar).accessible_name(spoken);
}
