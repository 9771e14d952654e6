//! The bar at the top: what is watched, with which models, and how.

use super::record::{RecordInput, record_ui};
use super::source_menu::{SourceMenuInput, source_menu_ui};
use super::tools_menu::tools_menu_ui;
use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::settings::{CompareLayout, Settings, ThemeChoice, most_threads};
use crate::app::state::{LaneState, Session};
use crate::app::theme::{Colors, readable_on};
use crate::app::tools::Tool;
use crate::app::variants::{menu_name, precision_name};
use crate::pipeline::{LaneId, LoadStage};
use eframe::egui::containers::Sides;
use eframe::egui::{self, Align, Button, CornerRadius, Frame, Label, Layout, Margin, RichText, Sense, Ui, vec2};

/// What the bar shows.
pub struct TopBarInput<'a> {
    /// What the pipeline told.
    pub session: &'a Session,
    /// What the user chose.
    pub settings: &'a Settings,
}

/// Draws the bar: sources and the window in the first row, models in the second.
pub fn top_bar_ui(ui: &mut Ui, input: &TopBarInput<'_>, url: &mut String, actions: &mut Vec<Action>) {
    // One collection for each side: both closures live at the same time.
    let mut more = Vec::new();
    Sides::new().shrink_left().show(
        ui,
        |ui| first_row_ui(ui, input, url, actions),
        |ui| window_ui(ui, input, &mut more),
    );
    actions.append(&mut more);
    ui.add_space(1.0);
    ui.horizontal(|ui| second_row_ui(ui, input, actions));
}

fn first_row_ui(ui: &mut Ui, input: &TopBarInput<'_>, url: &mut String, actions: &mut Vec<Action>) {
    let menu = SourceMenuInput {
        source: &input.session.source,
        cameras: &input.session.cameras,
        wish: &input.settings.camera,
    };
    source_menu_ui(ui, &menu, url, actions);
    let (pause, tip) =
        if input.session.paused { ("Resume", "Go on (Space)") } else { ("Pause", "Stop on this frame (Space)") };
    let width = vec2(74.0, 0.0);
    if ui
        .add(Button::selectable(input.session.paused, pause).frame_when_inactive(true).min_size(width))
        .on_hover_text(tip)
        .clicked()
    {
        actions.push(Action::TogglePause);
    }
    let tip = "Save the picture with its boxes, and the boxes as JSON (S)";
    if ui.add_enabled(input.session.result.is_some(), Button::new("Snapshot")).on_hover_text(tip).clicked() {
        actions.push(Action::SaveSnapshot);
    }
    tools_menu_ui(ui, actions);
    let record = RecordInput { recording: &input.session.recording, settings: &input.settings.recording };
    record_ui(ui, &record, actions);
    if let Some(open) = input.session.source.open.as_ref().filter(|_| ui.available_width() >= LEAST_DETAIL) {
        let detail = if open.info.detail.is_empty() { open.info.title.clone() } else { open.info.detail.clone() };
        ui.add_space(6.0);
        ui.add(Label::new(RichText::new(detail).weak()).truncate());
    }
}

fn window_ui(ui: &mut Ui, input: &TopBarInput<'_>, actions: &mut Vec<Action>) {
    if ui.button("Help").on_hover_text("Keys and a short tour (F1)").clicked() {
        actions.push(Action::ToggleHelp);
    }
    if ui.button("Messages").on_hover_text("Everything that was told since the start").clicked() {
        actions.push(Action::ToggleMessages);
    }
    ui.menu_button("Settings", |ui| settings_menu_ui(ui, input, actions));
}

fn settings_menu_ui(ui: &mut Ui, input: &TopBarInput<'_>, actions: &mut Vec<Action>) {
    ui.label(RichText::new("Theme").weak());
    for (choice, name) in
        [(ThemeChoice::System, "As the system"), (ThemeChoice::Light, "Light"), (ThemeChoice::Dark, "Dark")]
    {
        if ui.radio(input.settings.theme == choice, name).clicked() {
            actions.push(Action::SetTheme(choice));
        }
    }
    ui.separator();
    let loaded = input.session.lanes.iter().find_map(|lane| lane.loaded.as_ref());
    let threads = input.settings.threads.or(loaded.map(|info| info.threads)).unwrap_or(1);
    ui.horizontal(|ui| {
        let label = ui.label("Threads for each model");
        if let Some(wished) = thread_count_ui(ui, threads, label.id) {
            actions.push(Action::SetThreads(wished));
        }
    });
    let mut measured = input.settings.threads.is_none();
    let tip = "Each model is measured in the background with different numbers of threads, spinning or not, beside whatever \
               runs, and goes on with the best. What was found is kept for this machine. Off: the number above for all.\n\
               Command line: --threads auto";
    if ui.checkbox(&mut measured, "Measure the best threads").on_hover_text(tip).changed() {
        actions.push(if measured { Action::MeasureThreads } else { Action::SetThreads(threads) });
    }
    let mut accelerate = input.settings.accelerate;
    let tip = "Activation functions of quantized models become look-ups where the outputs stay the same to the bit; the \
               models are loaded again. Without it they run as ONNX Runtime runs them by itself.";
    if ui.checkbox(&mut accelerate, "Accelerate quantized models").on_hover_text(tip).changed() {
        actions.push(Action::SetAccelerate(accelerate));
    }
    let mut pair = input.settings.pair_twins;
    let tip = "Opening x.onnx also opens its quantized twin (x.int8.onnx and the like) in B, and the other way round.";
    if ui.checkbox(&mut pair, "Open twins together").on_hover_text(tip).changed() {
        actions.push(Action::SetPairTwins(pair));
    }
    ui.separator();
    for (name, action) in [
        ("Default models", Action::OpenDefaultModels),
        ("Reset figures", Action::ResetStatistics),
        ("Picture only (F)", Action::ToggleFullPicture),
    ] {
        if ui.button(name).clicked() {
            actions.push(action);
            ui.close();
        }
    }
}

/// The number of threads; what a person chose instead, once that is settled: each number on the way would load both models.
fn thread_count_ui(ui: &mut Ui, now: usize, label: egui::Id) -> Option<usize> {
    let (id, pass) = (egui::Id::unique("threads on the way"), ui.ctx().cumulative_pass_nr());
    let on_the_way = ui.data(|data| data.get_temp::<(u64, usize)>(id));
    // One that was left behind when the menu closed is forgotten.
    let on_the_way = on_the_way.filter(|(seen, _)| seen + 1 >= pass).map(|(_, threads)| threads);
    let mut wished = on_the_way.unwrap_or(now);
    let value = ui.add(egui::DragValue::new(&mut wished).range(1..=most_threads())).labelled_by(label);
    let value = value.on_hover_text("Threads ONNX Runtime uses inside one operator; the models are loaded again.");
    if value.dragged() || value.has_focus() {
        ui.data_mut(|data| data.insert_temp(id, (pass, wished)));
        return None;
    }
    ui.data_mut(|data| data.remove::<(u64, usize)>(id));
    (wished != now).then_some(wished)
}

fn second_row_ui(ui: &mut Ui, input: &TopBarInput<'_>, actions: &mut Vec<Action>) {
    /// What stands right of the two models, measured with the widest texts.
    const MODES_WIDTH: f32 = 388.0;
    const READY_WIDTH: f32 = 76.0;
    const LEAST_SLOT: f32 = 128.0;
    let gap = ui.spacing().item_spacing.x;
    let modes = MODES_WIDTH + if input.session.ready.is_some() { READY_WIDTH } else { 0.0 };
    let slot = ((ui.available_width() - modes) / 2.0 - gap).clamp(LEAST_SLOT, 420.0);
    for lane in LaneId::BOTH {
        model_slot_ui(ui, lane, input.session.lane(lane), slot, actions);
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let mut layout = input.settings.layout;
        egui::ComboBox::from_id_salt("layout")
            .width(112.0)
            .selected_text(layout.name())
            .show_ui(ui, |ui| {
                for choice in CompareLayout::ALL {
                    if ui.selectable_value(&mut layout, choice, choice.name()).clicked() {
                        actions.push(Action::SetLayout(choice));
                    }
                }
            })
            .response
            .accessible_name("View")
            .on_hover_text("How two models are shown (V for the next)");
        let tip = "Both models on the same frames (C)";
        let compare = Button::selectable(input.settings.compare, "Compare").frame_when_inactive(true);
        if ui.add(compare).on_hover_text(tip).clicked() {
            actions.push(Action::ToggleCompare);
        }
        precision_toggle_ui(ui, input, actions);
    });
}

/// FP32 ⇄ INT8, and the model that is kept ready where there is one: what is shown is lit; both are in compare mode.
fn precision_toggle_ui(ui: &mut Ui, input: &TopBarInput<'_>, actions: &mut Vec<Action>) {
    let frame = Frame::new().fill(ui.visuals().extreme_bg_color).corner_radius(6).inner_margin(Margin::same(1));
    frame.show(ui, |ui| {
        ui.spacing_mut().item_spacing.x = 1.0;
        let family = &input.session.lane(LaneId::B).family;
        let ready = input.session.ready.as_ref().map(|info| precision_name(info, family));
        let before_b = input.session.ready_is_before_b();
        // The row runs from right to left.
        ready_ui(ui, ready.as_deref().filter(|_| !before_b), actions);
        lane_ui(ui, LaneId::B, input, actions);
        ready_ui(ui, ready.as_deref().filter(|_| before_b), actions);
        lane_ui(ui, LaneId::A, input, actions);
    });
}

fn lane_ui(ui: &mut Ui, lane: LaneId, input: &TopBarInput<'_>, actions: &mut Vec<Action>) {
    let state = input.session.lane(lane);
    let asked_for = input.settings.compare || input.settings.active == lane;
    let precision = state.precision().unwrap_or_else(|| "–".to_owned());
    let name = format!("{lane:?} {precision}");
    let shown = asked_for && state.loaded.is_some();
    let fill = if shown { Colors::of(ui).lane(lane) } else { egui::Color32::TRANSPARENT };
    let text = if shown { RichText::new(&name).color(readable_on(fill)) } else { RichText::new(&name) };
    let tip = "Show this model alone. T goes from one precision to the next, without a reload";
    let button = Button::new(text).fill(fill).min_size(vec2(66.0, 0.0));
    if ui.add(button).on_hover_text(tip).accessible_name(format!("Show {name}")).clicked() {
        actions.push(Action::ShowLane(lane));
    }
}

/// The model that is kept warm behind lane B.
fn ready_ui(ui: &mut Ui, name: Option<&str>, actions: &mut Vec<Action>) {
    let Some(name) = name else { return };
    let tip = "Put this model into lane B in place of the other; both stay loaded";
    let button = Button::new(name).fill(egui::Color32::TRANSPARENT).min_size(vec2(66.0, 0.0));
    if ui.add(button).on_hover_text(tip).accessible_name(format!("Show {name} in B")).clicked() {
        actions.push(Action::ShowReady);
    }
}

/// From this width on a lane's slot has room for the button of the model panel; the name opens it, too.
const MODEL_BUTTON_FROM: f32 = 240.0;

/// Narrower than these there is none for buttons that close the model or open another, which are in the menu then.
const CLOSE_BUTTON_FROM: f32 = 145.0;
const OPEN_BUTTON_FROM: f32 = 140.0;
/// Less room does not tell what a source is.
const LEAST_DETAIL: f32 = 60.0;

fn model_slot_ui(ui: &mut Ui, lane: LaneId, state: &LaneState, width: f32, actions: &mut Vec<Action>) {
    let colors = Colors::of(ui);
    let frame = Frame::new().fill(ui.visuals().extreme_bg_color).corner_radius(6).inner_margin(Margin::symmetric(5, 2));
    let response = frame.show(ui, |ui| {
        ui.set_width(width - 10.0);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            badge_ui(ui, lane);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                models_menu_ui(ui, lane, state, width, actions);
                let known = state.loaded.is_some() || state.failed.is_some();
                if known && width >= MODEL_BUTTON_FROM {
                    let tip = "What is believed of this model, and how to correct it (M for the one that is shown)";
                    let panel = ui.button("Model…").on_hover_text(tip);
                    if panel.accessible_name(format!("About model {lane:?}")).clicked() {
                        actions.push(Action::ToggleModelPanel(lane));
                    }
                }
                if width >= OPEN_BUTTON_FROM {
                    let open = ui.button("Open…").on_hover_text("Choose an ONNX file");
                    if open.accessible_name(format!("Open model {lane:?}")).clicked() {
                        actions.push(Action::Browse(DialogKind::Model(lane)));
                    }
                }
                if state.loaded.is_some() && width >= CLOSE_BUTTON_FROM {
                    let close = ui.add(Button::new("×").frame(false)).on_hover_text("Close this model");
                    if close.accessible_name(format!("Close model {lane:?}")).clicked() {
                        actions.push(Action::UnloadModel(lane));
                    }
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    if model_name_ui(ui, state, &colors) {
                        actions.push(Action::ToggleModelPanel(lane));
                    }
                });
            });
        });
    });
    if let Some((_, stage)) = &state.loading {
        let mut bar = response.response.rect;
        bar.min.y = bar.max.y - 3.0;
        bar.max.x = bar.min.x + bar.width() * load_share(*stage);
        ui.painter().rect_filled(bar, CornerRadius::same(2), colors.lane(lane));
    }
}

/// The other precisions of the network in a lane, and what there is beside a file of one's own.
fn models_menu_ui(ui: &mut Ui, lane: LaneId, state: &LaneState, width: f32, actions: &mut Vec<Action>) {
    let menu = ui.scope(|ui| {
        // Slim, for in a small window every point of this row is needed.
        ui.spacing_mut().button_padding.x = 3.0;
        ui.menu_button("▾", |ui| {
            family_ui(ui, lane, state, actions);
            let open = ("Open…", Action::Browse(DialogKind::Model(lane)));
            let close = ("Close", Action::UnloadModel(lane));
            let without_room = [
                Some(open).filter(|_| width < OPEN_BUTTON_FROM),
                Some(close).filter(|_| width < CLOSE_BUTTON_FROM && state.loaded.is_some()),
            ];
            for (name, action) in without_room.into_iter().flatten().chain([
                ("Quantize…", Action::OpenTool(Tool::Quantize)),
                ("Get models…", Action::ToggleCatalog),
                ("Default models", Action::OpenDefaultModels),
            ]) {
                if ui.button(name).clicked() {
                    actions.push(action);
                    ui.close();
                }
            }
        })
    });
    let tip =
        "Other precisions of this model, making a quantized one (Q), models to download (G), those of the program";
    menu.inner.response.on_hover_text(tip).accessible_name(format!("More models {lane:?}"));
}

fn family_ui(ui: &mut Ui, lane: LaneId, state: &LaneState, actions: &mut Vec<Action>) {
    let Some(loaded) = state.loaded.as_ref().filter(|_| state.family.len() > 1) else { return };
    ui.label(RichText::new("Precisions of this model").weak());
    for variant in &state.family {
        let name = menu_name(variant);
        let choice = ui.radio(variant.path == loaded.path, &name);
        if choice.accessible_name(format!("Load {name} into {lane:?}")).clicked() {
            actions.push(Action::OpenVariant(lane, variant.path.clone()));
            ui.close();
        }
    }
    ui.separator();
}

/// Draws the name; true when it was clicked and there is something to tell of the model.
fn model_name_ui(ui: &mut Ui, state: &LaneState, colors: &Colors) -> bool {
    let (text, color, tip) = match (&state.loading, &state.failure) {
        (Some((path, stage)), _) => {
            let text = format!("{} {}", load_words(*stage), crate::app::format::file_name(path));
            (text, colors.weak, path.display().to_string())
        }
        (None, Some(failure)) => (format!("{} (last load failed)", state.title()), colors.error, failure.clone()),
        (None, None) => {
            let tip = state
                .loaded
                .as_ref()
                .map_or("No model in this lane".to_owned(), |info| info.path.display().to_string());
            (state.title(), if state.loaded.is_some() { colors.text } else { colors.weak }, tip)
        }
    };
    let known = state.loaded.is_some() || state.failed.is_some();
    let sense = if known { Sense::click() } else { Sense::hover() };
    ui.add(Label::new(RichText::new(text).color(color)).truncate().sense(sense)).on_hover_text(tip).clicked()
}

/// The letter of a lane on its colour.
fn badge_ui(ui: &mut Ui, lane: LaneId) {
    let fill = Colors::of(ui).lane(lane);
    let (rect, _) = ui.allocate_exact_size(vec2(18.0, 18.0), Sense::hover());
    ui.painter().rect_filled(rect, CornerRadius::same(4), fill);
    let font = egui::FontId::proportional(13.0);
    ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, format!("{lane:?}"), font, readable_on(fill));
}

/// What a stage of loading does, for people.
pub fn load_words(stage: LoadStage) -> &'static str {
    match stage {
        LoadStage::Reading => "Reading",
        LoadStage::Trying => "Trying out",
        LoadStage::Building => "Preparing",
        LoadStage::WarmingUp => "Warming up",
    }
}

/// How much of a load is behind once this stage is under way. The stages differ in length with the model; this only
/// shows that something moves.
fn load_share(stage: LoadStage) -> f32 {
    match stage {
        LoadStage::Reading => 0.15,
        LoadStage::Trying => 0.4,
        LoadStage::Building => 0.65,
        LoadStage::WarmingUp => 0.9,
    }
}
