//! The table on which pictures are labelled: which one is in view, what is selected and in hand, and how every wish
//! changes that. Nothing here draws or waits.

use super::action::LabelAction;
use super::album::{Album, Picture};
use super::content::{BoxId, Edit};
use super::export::ExportChoice;
use super::geometry::{Grab, PixelBox, Point};
use super::open::Opened;
use super::proposing::ProposeWatch;
use super::saving::{Saving, WorkWriter};
use crate::app::evaluate::Zoom;
use crate::dataset::Written;
use crate::imaging::ImageSize;
use std::path::PathBuf;
use std::sync::Arc;

/// The table.
#[derive(Debug)]
pub struct Desk {
    /// What was opened.
    pub path: PathBuf,
    /// The pictures.
    pub album: Album,
    /// The picture in view.
    pub at: usize,
    /// The selected box.
    pub selected: Option<BoxId>,
    /// What is in hand, and where the hand is.
    pub in_hand: Option<(Grab<BoxId>, Point)>,
    /// How close the picture is looked at.
    pub zoom: Zoom,
    /// The class of new boxes.
    pub class: usize,
    /// What is typed over the list of classes.
    pub search: String,
    /// Whether the keyboard is to go to that field.
    pub focus_search: bool,
    /// Whether the person tried to draw without a class.
    pub class_missing: bool,
    /// What is written down.
    pub saving: Saving,
    /// Writes it down.
    pub writer: Arc<WorkWriter>,
    /// The detector that is at work.
    pub proposing: Option<Arc<ProposeWatch>>,
    /// Pictures on which it failed, and why it did on the last one.
    pub unproposed: Option<(usize, String)>,
    /// The choices of the export; none: they are not shown.
    pub export: Option<ExportChoice>,
    /// The last choices.
    pub last_export: ExportChoice,
    /// Whether a set is being written.
    pub exporting: bool,
    /// What was written last.
    pub exported: Option<Written>,
    /// Changes of the picture in view that are to be remembered.
    moves: u64,
}

impl Desk {
    /// The table with what was opened.
    pub fn new(opened: Opened) -> Self {
        let Opened { path, album, place, at, .. } = opened;
        Self {
            saving: Saving::opened(album.revision()),
            writer: Arc::new(WorkWriter::new(place)),
            path,
            album,
            at,
            selected: None,
            in_hand: None,
            zoom: Zoom::default(),
            class: 0,
            search: String::new(),
            focus_search: false,
            class_missing: false,
            proposing: None,
            unproposed: None,
            export: None,
            last_export: ExportChoice::default(),
            exporting: false,
            exported: None,
            moves: 0,
        }
    }

    /// The picture in view.
    pub fn picture(&self) -> Option<&Picture> {
        self.album.picture(self.at)
    }

    /// Its size, if it can be read.
    pub fn size(&self) -> Option<ImageSize> {
        self.picture()?.size.as_ref().ok().copied()
    }

    /// Grows with everything that is to be written down.
    pub fn revision(&self) -> u64 {
        self.album.revision() + self.moves
    }

    /// The selected box and where it is.
    pub fn selection(&self) -> Option<(BoxId, PixelBox)> {
        let found = self.picture()?.content().find(self.selected?)?;
        Some((found.id, found.rect))
    }

    /// The box in hand: which one, none being a new one, and where it would be.
    pub fn preview(&self) -> Option<(Option<BoxId>, PixelBox)> {
        let (grab, to) = self.in_hand?;
        Some((grab.held(), grab.outcome(to, self.size()?)?))
    }

    /// The classes in the list: those whose names have what is typed.
    pub fn listed_classes(&self) -> Vec<usize> {
        let needle = self.search.trim().to_lowercase();
        let named = |(_, class): &(usize, &super::album::Class)| class.name.to_lowercase().contains(&needle);
        let mut found: Vec<usize> =
            self.album.classes().iter().enumerate().filter(named).map(|(index, _)| index).collect();
        // What is typed in full comes first, so that Enter takes "car" and not "scar".
        found.sort_by_key(|index| {
            let name = self.album.class_name(*index).to_lowercase();
            if needle.is_empty() { 0 } else { usize::from(name != needle) + usize::from(!name.starts_with(&needle)) }
        });
        found
    }

    /// The new class that is typed: none where there is one of this name.
    pub fn new_class(&self) -> Option<&str> {
        let typed = self.search.trim();
        let known = self.album.classes().iter().any(|class| class.name == typed);
        (!typed.is_empty() && !known).then_some(typed)
    }

    /// Carries out a wish that concerns the table alone; false where it is not of that kind.
    pub fn act(&mut self, action: LabelAction) -> bool {
        match action {
            LabelAction::Go(index) => self.go(index),
            LabelAction::Step(step) => self.go(self.at.saturating_add_signed(step)),
            LabelAction::NextOpen => self.next_open(),
            LabelAction::Select(id) => self.selected = id,
            LabelAction::SelectStep(step) => self.select_step(step),
            LabelAction::Click(at) => {
                self.selected = self.picture().and_then(|picture| picture.content().clicked(at, self.selected));
            }
            LabelAction::Grab(at, reach, fresh) => self.grab(at, reach, fresh),
            LabelAction::DragTo(at) => {
                if let Some((_, to)) = &mut self.in_hand {
                    *to = at;
                }
            }
            LabelAction::Drop => self.drop_in_hand(),
            LabelAction::SetZoom(zoom) => self.zoom = zoom,
            LabelAction::Edit(edit) => self.edit(edit),
            LabelAction::Accept => self.accept(),
            LabelAction::Delete => self.delete(),
            LabelAction::Nudge(by) => {
                if let Some(id) = self.selected {
                    self.edit(Edit::Nudge(id, by));
                }
            }
            LabelAction::PickClass(class) => self.pick_class(class),
            LabelAction::PickRow(row) => {
                if let Some(class) = self.listed_classes().get(row) {
                    self.pick_class(*class);
                }
            }
            LabelAction::SetSearch(text) => self.search = text,
            LabelAction::TakeTyped => self.take_typed(),
            LabelAction::AddTyped => self.add_typed(),
            LabelAction::FocusSearch => self.focus_search = true,
            LabelAction::SearchFocused => self.focus_search = false,
            LabelAction::Undo => self.walk(Album::undo),
            LabelAction::Redo => self.walk(Album::redo),
            LabelAction::ToggleDone => {
                let done = self.picture().is_some_and(|picture| picture.content().done);
                self.edit(Edit::SetDone(!done));
            }
            LabelAction::DoneAndNext => {
                self.edit(Edit::SetDone(true));
                self.next_open();
            }
            LabelAction::EmptyAndNext => {
                self.edit(Edit::MarkEmpty);
                self.next_open();
            }
            LabelAction::ToggleExport => {
                self.export = if self.export.is_some() { None } else { Some(self.last_export) };
            }
            LabelAction::SetExport(choice) => (self.export, self.last_export) = (Some(choice), choice),
            LabelAction::DismissExported => self.exported = None,
            _ => return false,
        }
        true
    }

    /// Lets go of something: of the box in hand, else of the selection. False when there is nothing.
    pub fn let_go(&mut self) -> bool {
        self.export.take().is_some() || self.in_hand.take().is_some() || self.selected.take().is_some()
    }

    fn go(&mut self, index: usize) {
        let index = index.min(self.album.pictures().len().saturating_sub(1));
        if index != self.at {
            self.at = index;
            (self.selected, self.in_hand, self.zoom) = (None, None, Zoom::default());
            // Where a person stopped is part of the work, once there is some.
            self.moves += u64::from(self.saving.path().is_some());
        }
    }

    fn next_open(&mut self) {
        if let Some(index) = self.album.next_open(self.at) {
            self.go(index);
        }
    }

    fn select_step(&mut self, step: isize) {
        let Some(picture) = self.picture() else { return };
        let listed: Vec<BoxId> = picture.content().listed().iter().map(|found| found.id).collect();
        let place = self.selected.and_then(|id| listed.iter().position(|listed| *listed == id));
        let next = match place {
            Some(place) => place.saturating_add_signed(step).min(listed.len().saturating_sub(1)),
            None if step > 0 => 0,
            None => listed.len().saturating_sub(1),
        };
        self.selected = listed.get(next).copied();
    }

    fn grab(&mut self, at: Point, reach: f64, fresh: bool) {
        let grab = if fresh { Grab::Draw(at) } else { Grab::at(self.selection(), at, reach) };
        self.class_missing = self.album.classes().is_empty() && grab.held().is_none();
        if self.class_missing {
            self.focus_search = true;
        } else if self.size().is_some() {
            self.in_hand = Some((grab, at));
        }
    }

    fn drop_in_hand(&mut self) {
        let preview = self.preview();
        self.in_hand = None;
        match preview {
            // A press without a way is no change: it would accept a proposal.
            Some((Some(id), rect)) if self.selection().is_some_and(|(_, before)| before != rect) => {
                self.edit(Edit::Place(id, rect));
            }
            Some((Some(_), _)) | None => {}
            Some((None, rect)) => {
                self.edit(Edit::Add(self.class.min(self.album.classes().len().saturating_sub(1)), rect));
                self.selected = Some(self.album.newest());
            }
        }
    }

    fn edit(&mut self, edit: Edit) {
        self.album.apply(self.at, edit);
        if self.selection().is_none() {
            self.selected = None;
        }
    }

    /// The next proposal comes under the hand, so that a key answers one after the other.
    fn accept(&mut self) {
        let Some(picture) = self.picture() else { return };
        let chosen = self.selected.and_then(|id| picture.content().find(id)).filter(|found| found.is_proposed());
        match chosen.map(|found| found.id) {
            Some(id) => {
                self.edit(Edit::Accept(id));
                self.selected = self.first_proposed().or(Some(id));
            }
            None => self.selected = self.first_proposed().or(self.selected),
        }
    }

    fn delete(&mut self) {
        let Some(found) = self.selected.and_then(|id| self.picture()?.content().find(id)) else { return };
        let (id, proposed) = (found.id, found.is_proposed());
        self.edit(Edit::Delete(id));
        self.selected = self.first_proposed().filter(|_| proposed);
    }

    fn first_proposed(&self) -> Option<BoxId> {
        let listed = self.picture()?.content().listed();
        listed.first().filter(|found| found.is_proposed()).map(|found| found.id)
    }

    fn pick_class(&mut self, class: usize) {
        if class < self.album.classes().len() {
            self.class = class;
            self.class_missing = false;
            if let Some(id) = self.selected {
                self.edit(Edit::SetClass(id, class));
            }
        }
    }

    fn take_typed(&mut self) {
        if self.search.trim().is_empty() {
            return;
        }
        let class = match (self.listed_classes().first(), self.new_class()) {
            (Some(class), _) => *class,
            (None, Some(name)) => {
                let name = name.to_owned();
                self.album.class_named(&name)
            }
            (None, None) => return,
        };
        self.search.clear();
        self.pick_class(class);
    }

    /// Adds the class that is typed, also where others have the text in their names.
    fn add_typed(&mut self) {
        if let Some(name) = self.new_class().map(str::to_owned) {
            let class = self.album.class_named(&name);
            self.search.clear();
            self.pick_class(class);
        }
    }

    /// Undo and redo show what they change.
    fn walk(&mut self, walk: impl FnOnce(&mut Album) -> Option<usize>) {
        self.in_hand = None;
        if let Some(index) = walk(&mut self.album) {
            self.go(index);
            if self.selection().is_none() {
                self.selected = None;
            }
        }
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
pub mod tests;
