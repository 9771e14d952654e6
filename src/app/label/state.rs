//! What the page knows: what is being opened, and the table once it is.

use super::desk::Desk;
use super::open::{OpenWatch, Opened};
use std::path::PathBuf;
use std::sync::Arc;

/// The page Label.
#[derive(Debug, Default)]
pub struct LabelState {
    /// Whether it is shown.
    pub open: bool,
    /// What it shows.
    pub stage: Stage,
    /// Least score of proposals; none: that of the live view.
    pub confidence: Option<f32>,
    /// Whether the person was asked once whether to close with work that cannot be saved.
    pub close_asked: bool,
}

/// What the page shows.
#[derive(Debug, Default)]
pub enum Stage {
    /// What can be labelled.
    #[default]
    Choosing,
    /// As before, after something that could not be opened: a sentence.
    Failed(String),
    /// Something is being opened.
    Opening(PathBuf, Arc<OpenWatch>),
    /// The table.
    Editing(Box<Desk>),
}

impl LabelState {
    /// The table.
    pub fn desk(&self) -> Option<&Desk> {
        match &self.stage {
            Stage::Editing(desk) => Some(desk),
            Stage::Choosing | Stage::Failed(_) | Stage::Opening(..) => None,
        }
    }

    /// The table, to be changed.
    pub fn desk_mut(&mut self) -> Option<&mut Desk> {
        match &mut self.stage {
            Stage::Editing(desk) => Some(desk),
            Stage::Choosing | Stage::Failed(_) | Stage::Opening(..) => None,
        }
    }

    /// What was being opened is open, or is not; what the person should know.
    pub fn opened(&mut self, result: Result<Option<Opened>, String>) -> Vec<String> {
        // A table is not cleared by something that comes late.
        if !matches!(self.stage, Stage::Opening(..)) {
            return Vec::new();
        }
        match result {
            Ok(Some(mut opened)) => {
                let notes = std::mem::take(&mut opened.notes);
                self.stage = Stage::Editing(Box::new(Desk::new(opened)));
                notes
            }
            Ok(None) => {
                self.stage = Stage::Choosing;
                Vec::new()
            }
            Err(reason) => {
                self.stage = Stage::Failed(reason);
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::label::desk::tests::desk;

    #[test]
    fn what_comes_late_or_fails_clears_no_table() {
        let mut state = LabelState { stage: Stage::Editing(Box::new(desk(1, &[]))), ..LabelState::default() };
        state.opened(Err("too late".to_owned()));
        assert!(state.desk().is_some());
        state.stage = Stage::Opening("/x".into(), Arc::default());
        state.opened(Ok(None));
        assert!(matches!(state.stage, Stage::Choosing));
        state.stage = Stage::Opening("/x".into(), Arc::default());
        state.opened(Err("no picture".to_owned()));
        assert!(matches!(&state.stage, Stage::Failed(reason) if reason == "no picture") && state.desk_mut().is_none());
    }
}
