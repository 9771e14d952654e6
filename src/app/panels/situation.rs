//! What is said over the picture, or in its place, when there is nothing to watch, something failed, or a video has
//! come to its end.

use super::top_bar::load_words;
use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::format::file_name;
use crate::app::state::Session;
use crate::app::theme::Colors;
use crate::capture::SourceSpec;
use crate::pipeline::LaneId;
use eframe::egui::{
    Align, Align2, Area, Color32, Frame, Id, Label, Layout, Margin, Order, Rect, RichText, Stroke, TextStyle, Ui, vec2,
};

/// A card with a title, a sentence and things to do.
struct Card {
    title: String,
    text: String,
    is_error: bool,
    steps: Vec<(&'static str, Action)>,
}

/// Draws the card that the situation asks for, if any, on `stage`; returns what it says.
pub fn situation_ui(ui: &mut Ui, stage: Rect, session: &Session, actions: &mut Vec<Action>) -> Option<String> {
    let card = card(ui, session)?;
    let width = (stage.width() - 40.0).clamp(200.0, 520.0);
    // In the middle while there is no picture, else low, so that the picture stays in view.
    let (pivot, at) = match session.result {
        None => (Align2::CENTER_CENTER, stage.center()),
        Some(_) => (Align2::CENTER_BOTTOM, stage.center_bottom() - vec2(0.0, 14.0)),
    };
    let area = Area::new(Id::unique("situation")).order(Order::Middle).pivot(pivot).fixed_pos(at);
    area.constrain_to(stage).show(ui.ctx(), |ui| card_ui(ui, &card, width, actions));
    Some(card.text)
}

fn card(ui: &Ui, session: &Session) -> Option<Card> {
    let elsewhere = || {
        vec![
            ("Show the demo scene", Action::OpenSource(SourceSpec::Demo)),
            ("Open a file…", Action::Browse(DialogKind::SourceFile)),
        ]
    };
    let source = &session.source;
    if let Some(failure) = source.failure.as_ref().filter(|_| source.is_broken()) {
        let mut steps = elsewhere();
        steps.insert(0, ("Try again", Action::RetrySource));
        let shown = session.result.as_ref().filter(|_| source.open.is_some());
        if failure.retrying {
            let age = shown
                .map(|result| format!(" The last picture is {} s old.", result.frame.captured_at.elapsed().as_secs()));
            let text = format!("{}. It is tried again by itself.{}", failure.message, age.unwrap_or_default());
            // The age is told by the second.
            ui.ctx().request_repaint_after(std::time::Duration::from_secs(1));
            return Some(Card { title: "The camera gives no pictures".to_owned(), text, is_error: true, steps });
        }
        let title = if session.result.is_some() { "The source broke off" } else { "The source did not open" };
        return Some(Card { title: title.to_owned(), text: failure.message.clone(), is_error: true, steps });
    }
    if session.result.is_none() {
        let (title, text, steps) = match (&source.opening, &source.open) {
            (Some(spec), _) => (format!("Opening {spec}"), waiting_for(session), Vec::new()),
            (None, Some(open)) => (open.info.title.clone(), waiting_for(session), Vec::new()),
            (None, None) => {
                ("Nothing to watch yet".to_owned(), "Choose what the models look at.".to_owned(), elsewhere())
            }
        };
        return Some(Card { title, text, is_error: false, steps });
    }
    if session.lanes.iter().all(|lane| lane.loaded.is_none() && lane.loading.is_none()) {
        let failure = session.lanes.iter().find_map(|lane| lane.failure.clone());
        let is_error = failure.is_some();
        let text = failure
            .unwrap_or_else(|| "Open an ONNX detector, or take the models that come with the program.".to_owned());
        let steps = vec![
            ("Choose a model…", Action::Browse(DialogKind::Model(LaneId::A))),
            ("Take the default models", Action::OpenDefaultModels),
            ("Get models…", Action::ToggleCatalog),
        ];
        return Some(Card { title: "No model is loaded".to_owned(), text, is_error, steps });
    }
    if source.ended {
        let steps = vec![("Play from the start", Action::PlayAgain)];
        let text = "The last frame stays on view.".to_owned();
        return Some(Card { title: "This is the end".to_owned(), text, is_error: false, steps });
    }
    None
}

/// Why there is no picture yet.
fn waiting_for(session: &Session) -> String {
    let loading = session.lanes.iter().find_map(|lane| lane.loading.as_ref());
    match loading {
        Some((path, stage)) => format!("{} {}", load_words(*stage), file_name(path)),
        None => "The first picture comes in a moment.".to_owned(),
    }
}

fn card_ui(ui: &mut Ui, card: &Card, width: f32, actions: &mut Vec<Action>) {
    let colors = Colors::of(ui);
    let accent = if card.is_error { colors.error } else { colors.line };
    let frame = Frame::new().fill(colors.bar).stroke(Stroke::new(1.0, accent)).corner_radius(10);
    frame.inner_margin(Margin::symmetric(20, 14)).show(ui, |ui| {
        ui.set_width(width - 42.0);
        ui.vertical_centered(|ui| {
            ui.label(RichText::new(&card.title).heading());
            ui.add(Label::new(RichText::new(&card.text).color(colors.weak)).wrap());
            if card.steps.is_empty() {
                return;
            }
            ui.add_space(4.0);
            // A row as wide as its buttons, so that it is centred; below each other where that is too wide.
            let padding = ui.spacing().button_padding.x * 2.0;
            let gap = ui.spacing().item_spacing.x;
            let wide: f32 = card.steps.iter().map(|(name, _)| text_width(ui, name) + padding + gap).sum();
            let size = vec2(wide - gap, ui.spacing().interact_size.y);
            if size.x > ui.available_width() {
                steps_ui(ui, &card.steps, actions);
            } else {
                let layout = Layout::left_to_right(Align::Center);
                ui.allocate_ui_with_layout(size, layout, |ui| steps_ui(ui, &card.steps, actions));
            }
        });
    });
}

fn steps_ui(ui: &mut Ui, steps: &[(&'static str, Action)], actions: &mut Vec<Action>) {
    for (name, action) in steps {
        if ui.button(*name).clicked() {
            actions.push(action.clone());
        }
    }
}

fn text_width(ui: &Ui, text: &str) -> f32 {
    let font = TextStyle::Button.resolve(ui.style());
    ui.painter().layout_no_wrap(text.to_owned(), font, Color32::WHITE).size().x
}
