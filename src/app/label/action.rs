//! Everything a person can ask of the page Label.

use super::content::{BoxId, Edit};
use super::export::ExportChoice;
use super::geometry::Point;
use crate::app::evaluate::Zoom;
use std::path::PathBuf;

/// One wish on the page.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelAction {
    /// Show or leave the page.
    Toggle,
    /// One step back: let go of the box in hand, of the selection, of the page.
    Back,
    /// Open a folder of pictures or a data set.
    Open(PathBuf),
    /// Stop opening it.
    CancelOpening,
    /// Back to the choice of what is labelled; the work is kept.
    ChooseAgain,
    /// Show this picture.
    Go(usize),
    /// Show the picture so many places further.
    Step(isize),
    /// Show the next picture that is not complete.
    NextOpen,
    /// Select this box; none: no box.
    Select(Option<BoxId>),
    /// Select the box so many places further down the list.
    SelectStep(isize),
    /// A click on the picture.
    Click(Point),
    /// A press that became a drag: where, how far a handle reaches, and whether it is to be a new box in any case.
    Grab(Point, f64, bool),
    /// The hand is there now.
    DragTo(Point),
    /// The hand lets go.
    Drop,
    /// Look closer.
    SetZoom(Zoom),
    /// Change the picture in view.
    Edit(Edit),
    /// The selected proposal, or the first one, is right.
    Accept,
    /// The selected box is wrong.
    Delete,
    /// The selected box moved by so many pixels.
    Nudge(Point),
    /// The class of the selected box and of new ones: its index.
    PickClass(usize),
    /// The class in this row of the list, from 0.
    PickRow(usize),
    /// What is typed over the list of classes.
    SetSearch(String),
    /// The class that is typed: the one that is found, else a new one.
    TakeTyped,
    /// The class that is typed, although others have the text in their names.
    AddTyped,
    /// Type a class.
    FocusSearch,
    /// The keyboard went to the field.
    SearchFocused,
    /// Take the last change back.
    Undo,
    /// Do it again.
    Redo,
    /// The picture is complete, or is not.
    ToggleDone,
    /// The picture is complete; show the next one that is not.
    DoneAndNext,
    /// There is nothing in the picture; show the next one that is not complete.
    EmptyAndNext,
    /// Let the model propose boxes on all pictures that wait for it; only on the one in view.
    Propose {
        /// Only on the picture in view.
        only_this: bool,
    },
    /// Stop that.
    StopProposing,
    /// Least score of proposals.
    SetConfidence(f32),
    /// Show or hide the choices of the export.
    ToggleExport,
    /// How the set is written.
    SetExport(ExportChoice),
    /// Forget what was exported last.
    DismissExported,
    /// Evaluate models on what was exported.
    EvaluateExported,
}
