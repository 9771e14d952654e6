//! Keys that work anywhere in the window.

use super::actions::Action;
use super::dialogs::DialogKind;
use super::evaluate::EvaluateAction;
use super::label::LabelAction;
use super::quantize::QuantizeAction;
use crate::pipeline::LaneId;
use eframe::egui::{Context, Key, Modifiers, Popup};

/// A key and what it does, in the order of the help window.
pub const SHORTCUTS: [(Key, &str); 15] = [
    (Key::Space, "Pause or go on"),
    (Key::T, "Toggle between model A and model B"),
    (Key::C, "Compare: both models on the same frames, or one"),
    (Key::V, "Next view of two models: side by side, divider, overlay"),
    (Key::O, "Open a model into the lane that is shown"),
    (Key::G, "Get models: well-known detectors to download"),
    (Key::E, "Evaluate: models on labelled pictures, how accurate they are and where they differ"),
    (Key::Q, "Quantize: make an INT8 twin of the FP32 model and compare the two"),
    (Key::L, "Label: correct boxes on pictures by hand to make a small labelled set"),
    (Key::M, "Model: what is believed of the model that is shown, and how to correct it"),
    (Key::S, "Save a snapshot: the picture with its boxes, and the boxes as JSON"),
    (Key::R, "Record what is chosen beside Record, or stop recording"),
    (Key::W, "Hold the worst: keep the frames on which the models disagree most"),
    (Key::F, "Picture only: hide or show the panels"),
    (Key::F1, "This help"),
];

/// Takes the shortcuts out of the input. None is taken while a text is being typed; Space is left to a control that
/// has the keyboard focus, because there it presses it.
pub fn take(ctx: &Context, active: LaneId) -> Vec<Action> {
    if ctx.text_edit_focused() {
        return Vec::new();
    }
    let something_focused = ctx.memory(|memory| memory.focused().is_some());
    let pressed = |key: Key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    SHORTCUTS
        .iter()
        .filter(|(key, _)| !(*key == Key::Space && something_focused))
        .filter(|(key, _)| pressed(*key))
        .filter_map(|(key, _)| action(*key, active))
        .collect()
}

/// Takes the keys out of the input that belong to a frame which is looked at in place of the newest one: Esc back, the
/// arrows to the next of its kind. A menu that is open has Esc for itself, a control with the focus the arrows.
pub fn take_while_held(ctx: &Context) -> Vec<Action> {
    if ctx.text_edit_focused() || Popup::is_any_open(ctx) {
        return Vec::new();
    }
    let something_focused = ctx.memory(|memory| memory.focused().is_some());
    let keys = [
        (Key::Escape, Action::ReleaseWorst),
        (Key::ArrowRight, Action::HoldNextWorst { forward: true }),
        (Key::ArrowLeft, Action::HoldNextWorst { forward: false }),
    ];
    let free = keys.into_iter().filter(|(key, _)| *key == Key::Escape || !something_focused);
    free.filter(|(key, _)| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, *key)))
        .map(|(_, action)| action)
        .collect()
}

fn action(key: Key, active: LaneId) -> Option<Action> {
    match key {
        Key::Space => Some(Action::TogglePause),
        Key::T => Some(Action::TogglePrecision),
        Key::C => Some(Action::ToggleCompare),
        Key::V => Some(Action::NextLayout),
        Key::O => Some(Action::Browse(DialogKind::Model(active))),
        Key::G => Some(Action::ToggleCatalog),
        Key::E => Some(Action::Evaluate(EvaluateAction::Toggle)),
        Key::Q => Some(Action::Quantize(QuantizeAction::Toggle)),
        Key::L => Some(Action::Label(LabelAction::Toggle)),
        Key::M => Some(Action::ToggleModelPanel(active)),
        Key::S => Some(Action::SaveSnapshot),
        Key::R => Some(Action::ToggleRecording),
        Key::W => Some(Action::ToggleWorst),
        Key::F => Some(Action::ToggleFullPicture),
        Key::F1 => Some(Action::ToggleHelp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_shortcut_does_something() {
        for (key, _) in SHORTCUTS {
            assert!(action(key, LaneId::A).is_some(), "{key:?}");
        }
    }
}
