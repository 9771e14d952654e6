//! Everything a person can ask of the window Quantize.

use super::layers::Order;
use super::setup::{Calibration, QuantizeSettings};
use super::state::Tab;
use crate::app::evaluate::ReportForm;
use std::path::PathBuf;

/// One wish in the window.
#[derive(Clone, Debug, PartialEq)]
pub enum QuantizeAction {
    /// Show or hide the window; what runs goes on.
    Toggle,
    /// Show the window.
    Open,
    /// Quantize this model; none: the one in lane A.
    SetModel(Option<PathBuf>),
    /// Calibrate with these pictures.
    SetCalibration(Calibration),
    /// Method, gates and what else is remembered.
    SetWishes(QuantizeSettings),
    /// Write to this file; none: to a new one beside the model.
    SetOutput(Option<PathBuf>),
    /// Search for what stays in floats instead of taking it over from a recipe.
    NoRecipe,
    /// Begin.
    Start,
    /// Stop what is under way.
    Cancel,
    /// Go on with the frames of the camera that have been taken.
    EnoughFrames,
    /// Back to the choices.
    ChooseAgain,
    /// Back to what was found last.
    ShowResults,
    /// Bring a tab to the front.
    Show(Tab),
    /// Write this one of the models that were tried, and load it as B.
    Load(usize),
    /// Save a report of what was found in this form.
    Report(ReportForm),
    /// Try again to write the one that could not be written.
    SaveAgain,
    /// Whether this layer is to stay in floats.
    SetFloat(String, bool),
    /// The ticks as they were.
    RevertFloats,
    /// Order of the table of layers.
    SortLayers(Order),
    /// Make the model that the ticks say.
    Requantize,
}
