//! The number of threads of a model: how the search for the best one is doing, and what came of it.

use crate::app::actions::Action;
use crate::app::model_panel::{AdviceView, ModelPanel};
use crate::app::theme::Colors;
use crate::benchmark::ThreadAdvice;
use eframe::egui::{Button, Label, RichText, Ui};

/// Draws the button, or what came of it; `own` is the number that was chosen for this model alone.
pub fn threads_ui(ui: &mut Ui, panel: &ModelPanel, own: Option<usize>, loading: bool, actions: &mut Vec<Action>) {
    let colors = Colors::of(ui);
    let Some(info) = &panel.info else { return };
    ui.horizontal(|ui| {
        if let AdviceView::Running(watch) = &panel.advice {
            if ui.button("Cancel").accessible_name("Cancel measuring threads").clicked() {
                actions.push(Action::CancelFindThreads);
            }
            // Neither a spinner nor a moving bar: they draw the window all the time, which takes what is measured.
            ui.add(Label::new(format!("{}; the live view rests", watch.words())).truncate());
            return;
        }
        let find = ui.add_enabled(!loading, Button::new("Find best threads"));
        let tip = "Measures this model alone with 1, 2, … threads on the frame in view, some seconds long; the live view \
                   rests meanwhile.\nCommand line: quantscope bench --advise-threads --model MODEL";
        if find.on_hover_text(tip).clicked() {
            actions.push(Action::FindThreads);
        }
        ui.label(RichText::new(format!("runs with {}", counted(info.threads))).color(colors.weak));
        let tip = "This number is for this model alone. Forgets it";
        if own.is_some() && ui.small_button("As the others").on_hover_text(tip).clicked() {
            actions.push(Action::SetThreadsOfModel(None));
        }
    });
    match &panel.advice {
        AdviceView::Done(advice) => advice_ui(ui, advice, info.threads, loading, actions),
        AdviceView::Failed(reason) => {
            ui.add(Label::new(RichText::new(reason).color(colors.error)).wrap());
        }
        AdviceView::None | AdviceView::Running(_) => {}
    }
}

fn advice_ui(ui: &mut Ui, advice: &ThreadAdvice, now: usize, loading: bool, actions: &mut Vec<Action>) {
    let colors = Colors::of(ui);
    ui.add(Label::new(rows_words(advice)).wrap());
    ui.horizontal_wrapped(|ui| {
        if advice.best == now {
            ui.label(RichText::new(format!("{} best, as now.", are(now))).color(colors.good));
            return;
        }
        let apply = ui.add_enabled(!loading, Button::new(format!("Use {}", counted(advice.best))));
        let apply = apply.on_hover_text("Loads the model again behind the running one, and remembers the number");
        if apply.clicked() {
            actions.push(Action::SetThreadsOfModel(Some(advice.best)));
        }
        if let Some(gain) = advice.gain_over(now) {
            ui.label(RichText::new(format!("{gain:.2} of the latency with {now}")).color(colors.weak));
        }
    });
    if let Some(doubt) = &advice.doubt {
        ui.add(Label::new(RichText::new(doubt).color(colors.warning)).wrap());
    }
}

/// "2 threads: 4.1 ms, 1 thread: 6.9 ms", the best first.
fn rows_words(advice: &ThreadAdvice) -> String {
    let (best, others): (Vec<_>, Vec<_>) = advice.rows.iter().partition(|row| row.threads == advice.best);
    let words = best.into_iter().chain(others).map(|row| format!("{}: {:.1} ms", counted(row.threads), row.p50_ms));
    words.collect::<Vec<String>>().join(", ")
}

fn counted(threads: usize) -> String {
    if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") }
}

fn are(threads: usize) -> String {
    format!("{} {}", counted(threads), if threads == 1 { "is" } else { "are" })
}
