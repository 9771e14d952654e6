//! Keys of the page Label.

use super::action::LabelAction;
use super::content::Edit;
use super::geometry::Point;
use super::state::{LabelState, Stage};
use eframe::egui::{Context, Key, Modifiers, Popup};
use std::path::Path;

/// Keys and what they do, for the help window.
pub const KEYS: [(&str, &str); 17] = [
    ("Left, Right or P, N", "Previous or next picture"),
    ("Space", "The picture is done; go to the next that is not"),
    ("D", "The picture is done, or is not"),
    ("X", "There is nothing in the picture: delete all boxes, done, next"),
    ("Enter", "Accept the selected proposal and select the next one"),
    ("A", "Accept all proposals of the picture"),
    ("Del", "Delete the selected box"),
    ("Up, Down", "Select the previous or next box"),
    ("Drag", "Draw a box; move or resize the selected one (Shift: draw in any case)"),
    ("Shift+arrows", "Move the selected box by a pixel (with Ctrl: by ten)"),
    ("1 … 9", "Class of the selected box and of new ones, by its row in the list"),
    ("C", "Type a class: Enter takes it, or makes a new one"),
    ("M", "The model in A proposes boxes on all pictures that are not done"),
    ("Ctrl+Z, Ctrl+Y", "Undo, redo"),
    ("Ctrl+E", "Export the pictures that are done"),
    ("Wheel, right drag", "Look closer, move the picture; 0 shows all of it"),
    ("Esc, L", "Let go of a box; leave the page, the work is kept"),
];

const NUMBERS: [Key; 9] =
    [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];

/// Takes the page's keys out of the input; none while a text is being typed. `last` is what was labelled last.
pub fn shortcuts(ctx: &Context, state: &LabelState, last: Option<&Path>) -> Vec<LabelAction> {
    if ctx.text_edit_focused() {
        return Vec::new();
    }
    let mut keys: Vec<(Modifiers, Key, LabelAction)> = vec![(Modifiers::NONE, Key::L, LabelAction::Toggle)];
    // An open menu is closed by it.
    if !Popup::is_any_open(ctx) {
        keys.push((Modifiers::NONE, Key::Escape, LabelAction::Back));
    }
    // What has the focus is pressed by Enter and Space.
    let focused = ctx.memory(|memory| memory.focused().is_some());
    match (&state.stage, last) {
        (Stage::Editing(desk), _) if desk.export.is_none() => editing_keys(focused, &mut keys),
        (Stage::Choosing | Stage::Failed(_), Some(last)) if !focused => {
            keys.push((Modifiers::NONE, Key::Enter, LabelAction::Open(last.to_owned())));
        }
        _ => {}
    }
    let pressed = |modifiers, key| ctx.input_mut(|input| input.consume_key(modifiers, key));
    keys.into_iter().filter(|(modifiers, key, _)| pressed(*modifiers, *key)).map(|(.., action)| action).collect()
}

/// Those with more modifiers first: a key without them is met by any Shift.
fn editing_keys(focused: bool, keys: &mut Vec<(Modifiers, Key, LabelAction)>) {
    let arrows = [
        (Key::ArrowLeft, -1.0, 0.0),
        (Key::ArrowRight, 1.0, 0.0),
        (Key::ArrowUp, 0.0, -1.0),
        (Key::ArrowDown, 0.0, 1.0),
    ];
    for (modifiers, far) in [(Modifiers::SHIFT | Modifiers::COMMAND, 10.0), (Modifiers::SHIFT, 1.0)] {
        let nudge = |x: f64, y: f64| LabelAction::Nudge(Point::new(x * far, y * far));
        keys.extend(arrows.map(|(key, x, y)| (modifiers, key, nudge(x, y))));
    }
    keys.extend([
        (Modifiers::COMMAND | Modifiers::SHIFT, Key::Z, LabelAction::Redo),
        (Modifiers::COMMAND, Key::Z, LabelAction::Undo),
        (Modifiers::COMMAND, Key::Y, LabelAction::Redo),
        (Modifiers::COMMAND, Key::E, LabelAction::ToggleExport),
    ]);
    let bare = [
        (Key::ArrowLeft, LabelAction::Step(-1)),
        (Key::P, LabelAction::Step(-1)),
        (Key::ArrowRight, LabelAction::Step(1)),
        (Key::N, LabelAction::Step(1)),
        (Key::ArrowUp, LabelAction::SelectStep(-1)),
        (Key::ArrowDown, LabelAction::SelectStep(1)),
        (Key::D, LabelAction::ToggleDone),
        (Key::X, LabelAction::EmptyAndNext),
        (Key::A, LabelAction::Edit(Edit::AcceptAll)),
        (Key::Delete, LabelAction::Delete),
        (Key::Backspace, LabelAction::Delete),
        (Key::C, LabelAction::FocusSearch),
        (Key::M, LabelAction::Propose { only_this: false }),
        (Key::Num0, LabelAction::SetZoom(Default::default())),
    ];
    keys.extend(bare.map(|(key, action)| (Modifiers::NONE, key, action)));
    let rows = NUMBERS.into_iter().enumerate().map(|(row, key)| (Modifiers::NONE, key, LabelAction::PickRow(row)));
    keys.extend(rows);
    if !focused {
        keys.push((Modifiers::NONE, Key::Space, LabelAction::DoneAndNext));
        keys.push((Modifiers::NONE, Key::Enter, LabelAction::Accept));
    }
}
