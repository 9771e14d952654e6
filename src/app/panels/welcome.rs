//! The strip of the first start: what is to be seen, and what to do next.

use crate::app::actions::Action;
use crate::app::dialogs::DialogKind;
use crate::app::state::CameraList;
use crate::app::theme::Colors;
use crate::capture::SourceSpec;
use crate::pipeline::LaneId;
use eframe::egui::{Button, Frame, Margin, Ui};

/// What the strip says.
pub struct WelcomeInput<'a> {
    /// Cameras of this machine.
    pub cameras: &'a CameraList,
    /// Whether the models are those that come with the program.
    pub default_models: bool,
}

/// The strip's frame: tinted, so that it is told from the bar.
pub fn frame(ui: &Ui) -> Frame {
    Frame::new().fill(Colors::of(ui).tint).inner_margin(Margin::symmetric(10, 6))
}

/// Draws the strip.
pub fn welcome_ui(ui: &mut Ui, input: &WelcomeInput<'_>, actions: &mut Vec<Action>) {
    // On the tint, buttons need a fill of their own to stand out.
    ui.visuals_mut().widgets.inactive.weak_bg_fill = Colors::of(ui).card;
    ui.horizontal_wrapped(|ui| {
        let models = if input.default_models { "the default models" } else { "your models" };
        ui.label(format!("You are watching the demo scene with {models}. Next:"));
        let (name, first) = match input.cameras {
            CameraList::Searching => ("Your camera (looking…)".to_owned(), None),
            CameraList::Found(cameras) if cameras.is_empty() => ("Your camera (none found)".to_owned(), None),
            CameraList::Found(cameras) => {
                (format!("Your camera ({} found)", cameras.len()), cameras.first().map(|camera| camera.number))
            }
        };
        let camera = ui.add_enabled(first.is_some(), Button::new(name));
        if let Some(number) = first
            && camera.clicked()
        {
            next(Action::OpenSource(SourceSpec::Camera(number)), actions);
        }
        if ui.button("Video or pictures…").clicked() {
            next(Action::Browse(DialogKind::SourceFile), actions);
        }
        if ui.button("Your own model…").clicked() {
            next(Action::Browse(DialogKind::Model(LaneId::A)), actions);
        }
        let dismiss = ui.add(Button::new("×").frame(false)).on_hover_text("Do not show this again");
        if dismiss.accessible_name("Dismiss the first steps").clicked() {
            actions.push(Action::DismissWelcome);
        }
    });
}

/// Whoever takes a step needs no strip any more.
fn next(action: Action, actions: &mut Vec<Action>) {
    actions.extend([action, Action::DismissWelcome]);
}
