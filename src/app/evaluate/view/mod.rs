//! Drawing the page: a bar with the tabs, and what is in front. A file a tab.

mod boxes;
mod classes;
mod confusion;
mod curves;
mod differences;
mod large;
mod parts;
mod running;
mod setup;
mod summary;
mod table;

pub use differences::fitted;
pub use running::resting_ui;

use super::action::{EvaluateAction, ReportForm};
use super::pictures::PictureShelf;
use super::state::{EvaluateState, Results, Stage, Tab};
use super::words;
use crate::app::actions::Action;
use crate::app::settings::Settings;
use crate::app::theme::Colors;
use eframe::egui::containers::Sides;
use eframe::egui::{
    Button, CentralPanel, Context, Frame, Key, Label, Margin, Modifiers, Panel, Popup, Rect, RichText, Ui, vec2,
};

/// What the page shows beside its own state.
pub struct PageInput<'a> {
    /// The page's state.
    pub state: &'a EvaluateState,
    /// What the user chose elsewhere: the live thresholds, the recent data sets.
    pub settings: &'a Settings,
}

/// Draws the page over the whole window; returns the place that floating messages may take.
pub fn page_ui(ui: &mut Ui, input: &PageInput<'_>, shelf: &mut PictureShelf, actions: &mut Vec<Action>) -> Rect {
    let mut wishes = Vec::new();
    let bar = Frame::new().fill(Colors::of(ui).bar).inner_margin(Margin::symmetric(10, 7));
    Panel::top("evaluate bar").frame(bar).show(ui, |ui| bar_ui(ui, input.state, &mut wishes));
    if input.state.is_choosing() {
        Panel::bottom("evaluate start").frame(bar).show(ui, |ui| setup::start_ui(ui, input, &mut wishes));
    }
    let frame = Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin::symmetric(12, 10));
    let place =
        CentralPanel::default().frame(frame).show(ui, |ui| match (&input.state.stage, input.state.shown_results()) {
            (Stage::Running(run), _) => running::running_ui(ui, run, &mut wishes),
            (_, Some(results)) => results_ui(ui, results, input, shelf, &mut wishes),
            _ => setup::setup_ui(ui, input, actions, &mut wishes),
        });
    actions.extend(wishes.into_iter().map(Action::Evaluate));
    place.response.rect
}

fn bar_ui(ui: &mut Ui, state: &EvaluateState, wishes: &mut Vec<EvaluateAction>) {
    let mut right = Vec::new();
    Sides::new().shrink_left().show(
        ui,
        |ui| {
            ui.label(RichText::new("Evaluate").heading());
            ui.add(Label::new(RichText::new(subtitle(state)).color(Colors::of(ui).weak)).truncate());
        },
        |ui| {
            let close = ui.button("Close").on_hover_text("Back to the live view (E)");
            if close.accessible_name("Close the evaluation").clicked() {
                right.push(EvaluateAction::Toggle);
            }
            if state.shown_results().is_some() {
                let again = ui.button("New evaluation").on_hover_text("Choose pictures and models again (N)");
                if again.clicked() {
                    right.push(EvaluateAction::ChooseAgain);
                }
            } else if state.results.is_some() && state.run().is_none() && ui.button("Last results").clicked() {
                right.push(EvaluateAction::ShowResults);
            }
        },
    );
    wishes.append(&mut right);
    if let Some(results) = state.shown_results() {
        ui.add_space(1.0);
        let mut right = Vec::new();
        Sides::new().show(ui, |ui| tabs_ui(ui, results.tab, wishes), |ui| save_ui(ui, &mut right));
        wishes.append(&mut right);
    }
}

fn subtitle(state: &EvaluateState) -> String {
    match (state.shown_results(), state.run()) {
        (Some(results), _) => {
            let dataset = &results.evaluation.dataset;
            format!("{} · {} pictures, {}", dataset.path.display(), dataset.images, dataset.objects_in_words())
        }
        (None, Some(run)) => run.dataset.clone(),
        (None, None) => "Models on labelled pictures: how accurate, and how alike".to_owned(),
    }
}

fn tabs_ui(ui: &mut Ui, shown: Tab, wishes: &mut Vec<EvaluateAction>) {
    ui.spacing_mut().item_spacing.x = 4.0;
    for (index, tab) in Tab::ALL.into_iter().enumerate() {
        let button = Button::selectable(shown == tab, tab.name()).frame_when_inactive(true).min_size(vec2(70.0, 0.0));
        if ui.add(button).on_hover_text(format!("Key {}", index + 1)).clicked() {
            wishes.push(EvaluateAction::Show(tab));
        }
    }
}

fn save_ui(ui: &mut Ui, wishes: &mut Vec<EvaluateAction>) {
    let menu = ui.menu_button("Report… ▾", |ui| {
        for form in ReportForm::ALL {
            if ui.button(form.name()).clicked() {
                wishes.push(EvaluateAction::Report(form));
                ui.close();
            }
        }
    });
    menu.response.on_hover_text("Save what was found, good enough to attach to a decision").accessible_name("Report");
    if ui.button("Copy table").on_hover_text("The summary as markdown into the clipboard").clicked() {
        wishes.push(EvaluateAction::CopyTable);
    }
}

fn results_ui(
    ui: &mut Ui,
    results: &Results,
    input: &PageInput<'_>,
    shelf: &mut PictureShelf,
    wishes: &mut Vec<EvaluateAction>,
) {
    let evaluation = &*results.evaluation;
    if let Some(partial) = words::partial(evaluation) {
        parts::strip_ui(ui, &partial);
    }
    if evaluation.models.iter().all(|model| model.pictures == 0) {
        summary::nothing_ui(ui, evaluation);
        return;
    }
    match results.tab {
        Tab::Summary => summary::summary_ui(ui, evaluation),
        Tab::Curves => curves::curves_ui(ui, evaluation, input.settings.thresholds.confidence, wishes),
        Tab::Classes => classes::classes_ui(ui, results, wishes),
        Tab::Confusion => confusion::confusion_ui(ui, results, wishes),
        Tab::Differences if results.enlarged().is_some() => large::large_ui(ui, results, shelf, wishes),
        Tab::Differences => differences::differences_ui(ui, results, shelf, wishes),
    }
}

/// Takes the page's keys out of the input; none while a text is being typed.
pub fn shortcuts(ctx: &Context, state: &EvaluateState) -> Vec<EvaluateAction> {
    if ctx.text_edit_focused() {
        return Vec::new();
    }
    let mut keys: Vec<(Key, EvaluateAction)> = vec![(Key::E, EvaluateAction::Toggle)];
    // An open menu is closed by it.
    if !Popup::is_any_open(ctx) {
        keys.push((Key::Escape, EvaluateAction::Back));
    }
    // What has the focus is pressed by Enter.
    let focused = ctx.memory(|memory| memory.focused().is_some());
    if state.is_choosing() && !focused {
        keys.push((Key::Enter, EvaluateAction::Start));
    }
    if let Some(results) = state.shown_results() {
        keys.push((Key::N, EvaluateAction::ChooseAgain));
        let numbers = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5];
        keys.extend(numbers.into_iter().zip(Tab::ALL).map(|(key, tab)| (key, EvaluateAction::Show(tab))));
        if results.tab == Tab::Differences {
            match results.gallery.enlarged {
                Some(_) => {
                    keys.push((Key::ArrowLeft, EvaluateAction::TurnPage(-1)));
                    keys.push((Key::ArrowRight, EvaluateAction::TurnPage(1)));
                    keys.push((Key::T, EvaluateAction::SetTruthShown(!results.gallery.truth)));
                    keys.push((Key::V, EvaluateAction::SetOverlaid(!results.gallery.overlaid)));
                }
                None if !focused => keys.push((Key::Enter, EvaluateAction::Enlarge(Some(0)))),
                None => {}
            }
        }
    }
    let pressed = |key: Key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    keys.into_iter().filter(|(key, _)| pressed(*key)).map(|(_, action)| action).collect()
}
