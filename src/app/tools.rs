//! What there is beside watching: each tool has a window of its own over the picture.

use super::App;
use super::messages::Severity;

/// A tool of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Models on labelled pictures.
    Evaluate,
    /// Boxes drawn and corrected by hand.
    Label,
    /// Video, boxes and frames to files.
    Record,
}

impl Tool {
    /// In the order of the menu.
    pub const ALL: [Self; 3] = [Self::Evaluate, Self::Label, Self::Record];

    /// As the menu writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Evaluate => "Evaluate…",
            Self::Label => "Label pictures…",
            Self::Record => "Record…",
        }
    }

    /// What it is for, in a sentence.
    pub fn tip(self) -> &'static str {
        match self {
            Self::Evaluate => "Measure models on labelled pictures (E)",
            Self::Label => "Draw and correct boxes on pictures of your own",
            Self::Record => "Write what is seen into a video, a file of boxes, or a folder of pictures",
        }
    }
}

impl App {
    /// Opens a tool's window.
    pub(super) fn open_tool(&mut self, tool: Tool) {
        // Each tool's window replaces its arm.
        match tool {
            Tool::Evaluate => self.open_evaluate(),
            Tool::Label | Tool::Record => {
                self.tell(Severity::Info, format!("{} is not part of this build yet.", tool.name()));
            }
        }
    }
}
