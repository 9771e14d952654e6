//! Drawing the page: a bar above, the picture in the middle, what can be done to it beside and below.

mod bar;
mod boxes;
mod canvas;
mod choose;
mod export;
mod foot;
mod panel;

use super::action::LabelAction;
use super::state::{LabelState, Stage};
use crate::app::actions::Action;
use crate::app::evaluate::PictureShelf;
use crate::app::settings::Settings;
use crate::app::theme::Colors;
use eframe::egui::{CentralPanel, Frame, Label, Margin, Panel, Rect, RichText, Ui};

/// The panel of proposals, classes and boxes: narrower in a narrow window.
const PANEL_WIDTH: f32 = 286.0;
const NARROW_PANEL: f32 = 238.0;
const NARROW_BELOW: f32 = 1000.0;

/// What the page shows beside its own state.
pub struct PageInput<'a> {
    /// The page's state.
    pub state: &'a LabelState,
    /// What the user chose elsewhere.
    pub settings: &'a Settings,
    /// File name of the model that can propose.
    pub model: Option<&'a str>,
}

/// Draws the page over the whole window; returns the place that floating messages may take.
pub fn page_ui(ui: &mut Ui, input: &PageInput<'_>, shelf: &mut PictureShelf, actions: &mut Vec<Action>) -> Rect {
    let mut wishes = Vec::new();
    let colors = Colors::of(ui);
    let frame = Frame::new().fill(colors.bar).inner_margin(Margin::symmetric(10, 7));
    Panel::top("label bar").frame(frame).show(ui, |ui| bar::bar_ui(ui, input, &mut wishes));
    let place = match &input.state.stage {
        Stage::Editing(desk) => {
            Panel::bottom("label foot").frame(frame).show(ui, |ui| foot::foot_ui(ui, desk, &mut wishes));
            let width = if ui.available_width() < NARROW_BELOW { NARROW_PANEL } else { PANEL_WIDTH };
            let side = Frame::new().fill(ui.visuals().panel_fill);
            let side = side.inner_margin(Margin { left: 10, right: 4, top: 8, bottom: 6 });
            let panel = Panel::right("label panel").resizable(false).exact_size(width).frame(side);
            panel.show(ui, |ui| panel::panel_ui(ui, desk, input, &mut wishes));
            let stage = Frame::new().fill(colors.stage);
            let place =
                CentralPanel::default().frame(stage).show(ui, |ui| canvas::canvas_ui(ui, desk, shelf, &mut wishes));
            export::export_ui(ui, desk, actions, &mut wishes);
            place.response.rect
        }
        stage => {
            let frame = Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin::symmetric(12, 10));
            let central = CentralPanel::default().frame(frame);
            central.show(ui, |ui| choose::choose_ui(ui, stage, input, actions, &mut wishes)).response.rect
        }
    };
    actions.extend(wishes.into_iter().map(Action::Label));
    place
}

/// A wish that a button stands for.
fn wish(wishes: &mut Vec<LabelAction>, clicked: bool, action: LabelAction) {
    if clicked {
        wishes.push(action);
    }
}

/// Small text that explains, and wraps.
fn note_ui(ui: &mut Ui, text: &str) {
    let weak = Colors::of(ui).weak;
    ui.add(Label::new(RichText::new(text).small().color(weak)).wrap());
}
