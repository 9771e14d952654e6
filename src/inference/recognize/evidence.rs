//! Why something is believed of a model.

use crate::inference::CardOverrides;
use serde::Serialize;

/// What a piece of evidence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// Axes and element type of the input, and what is fed beside the picture.
    Input,
    /// Width and height of the input.
    Size,
    /// The encoding of the outputs.
    Head,
    /// How the outputs number the classes.
    ClassNumbers,
    /// Colour order, range and how the picture is made to fit.
    Preprocessing,
    /// The names of the classes.
    Labels,
    /// In what numbers the model computes.
    Precision,
    /// What the user's card sets.
    Card,
}

impl Item {
    /// The keys of a model card that say it.
    pub const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Input => &["layout"],
            Self::Size => &["input_size"],
            Self::Head => &["head", "nms"],
            Self::ClassNumbers => &["class_numbers"],
            Self::Preprocessing => &["color", "scale", "mean", "std", "resize", "pad"],
            Self::Labels => &["labels"],
            Self::Precision | Self::Card => &[],
        }
    }
}

/// The keys of a model card whose values are guesses, less those that a card has `set`.
pub fn guessed_keys(evidence: &[Evidence], set: Option<&CardOverrides>) -> Vec<&'static str> {
    let set = set.map(CardOverrides::keys).unwrap_or_default();
    let mut keys: Vec<&'static str> = Vec::new();
    for key in evidence.iter().filter(|evidence| evidence.guess).flat_map(|evidence| evidence.item.keys()) {
        if !set.contains(key) && !keys.contains(key) {
            keys.push(key);
        }
    }
    keys
}

/// A reason to believe something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What it is about.
    pub item: Item,
    /// The reason, in a sentence.
    pub text: String,
    /// Whether other models that look the same differ in it.
    pub guess: bool,
}

impl Evidence {
    /// A reason that leaves no doubt.
    pub fn sure(item: Item, text: impl Into<String>) -> Self {
        Self { item, text: text.into(), guess: false }
    }

    /// What is usual, where the file does not say it.
    pub fn guess(item: Item, text: impl Into<String>) -> Self {
        Self { item, text: text.into(), guess: true }
    }
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)?;
        if self.guess && !self.text.contains("guess") { f.write_str(" (a guess)") } else { Ok(()) }
    }
}
