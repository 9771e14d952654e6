//! What there is beside watching: each tool has a window of its own over the picture.

use super::App;

/// A tool of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Models on labelled pictures.
    Evaluate,
    /// A quantized twin of a model.
    Quantize,
    /// Boxes corrected by hand.
    Label,
}

impl Tool {
    /// In the order of the menu.
    pub const ALL: [Self; 3] = [Self::Evaluate, Self::Quantize, Self::Label];

    /// As the menu writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Evaluate => "Evaluate…",
            Self::Quantize => "Quantize…",
            Self::Label => "Label…",
        }
    }

    /// What it is for, in a sentence.
    pub fn tip(self) -> &'static str {
        match self {
            Self::Evaluate => "Measure models on labelled pictures (E)",
            Self::Quantize => "Make a smaller and faster INT8 twin of the FP32 model (Q)",
            Self::Label => "Correct boxes by hand to make a labelled set (L)",
        }
    }
}

impl App {
    /// Opens a tool's window.
    pub(super) fn open_tool(&mut self, tool: Tool) {
        match tool {
            Tool::Evaluate => self.open_evaluate(),
            Tool::Quantize => self.open_quantize(),
            Tool::Label => self.open_label(),
        }
    }
}
