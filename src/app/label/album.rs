//! The pictures of a folder or a data set with their boxes, and what was done to them, step by step.

use super::content::{BoxId, Content, Edit, EditBox};
use super::geometry::PixelBox;
use crate::imaging::ImageSize;
use std::path::PathBuf;
use std::sync::Arc;

/// Steps that can be taken back; older ones are forgotten.
const MOST_STEPS: usize = 2000;

/// A picture under the hand.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Its file.
    pub path: PathBuf,
    /// Its name in the file of the work: below the folder that was opened, with `/` between folders.
    pub key: Arc<str>,
    /// Its size, or why it cannot be read: a sentence.
    pub size: Result<ImageSize, String>,
    /// What it is labelled with.
    content: Arc<Content>,
    /// Whether that is other than in what was opened.
    touched: bool,
    /// Whether proposals were made for it.
    asked: bool,
}

/// What an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its number in the data set that was opened.
    pub id: Option<u64>,
}

/// An object that a model or a recording proposes.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Name of the class.
    pub label: String,
    /// Where it is.
    pub rect: PixelBox,
    /// How sure the model is, 0…1.
    pub score: f32,
}

/// A box as it is read from a data set or from earlier work.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownBox {
    /// Name of the class.
    pub label: String,
    /// Where it is.
    pub rect: PixelBox,
    /// Area of the object where it is said.
    pub area: Option<f64>,
    /// COCO's crowd, VOC's difficult.
    pub ignored: bool,
    /// How sure the model was, if it is a proposal still.
    pub score: Option<f32>,
}

/// What a picture was before a step, and after it.
#[derive(Clone, Debug)]
struct Step {
    picture: usize,
    before: Arc<Content>,
    after: Arc<Content>,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Album {
    classes: Vec<Class>,
    pictures: Vec<Picture>,
    steps: Vec<Step>,
    /// Steps that are in effect; those beyond can be done again.
    in_effect: usize,
    next: BoxId,
    revision: u64,
}

/// What is to be written down of an album: cheap to take, so that writing is another thread's work.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Names of the classes, in their order.
    pub classes: Vec<String>,
    /// The pictures that differ from what was opened.
    pub pictures: Vec<TouchedPicture>,
    /// The picture in view.
    pub at: Option<Arc<str>>,
}

/// A picture of a [`Snapshot`].
#[derive(Clone, Debug)]
pub struct TouchedPicture {
    /// Its name in the file of the work.
    pub key: Arc<str>,
    /// Its boxes.
    pub content: Arc<Content>,
    /// Whether proposals were made for it.
    pub asked: bool,
}

impl Album {
    /// An album without pictures whose classes are these.
    pub fn new(classes: Vec<Class>) -> Self {
        let mut album = Self::default();
        for class in classes {
            album.add_class(class);
        }
        album
    }

    /// Adds a picture; for opening.
    pub fn add_picture(&mut self, path: PathBuf, key: Arc<str>, size: Result<ImageSize, String>, boxes: Vec<KnownBox>) {
        let boxes = boxes.into_iter().map(|known| self.numbered(known)).collect();
        let content = Arc::new(Content { boxes, done: false });
        self.pictures.push(Picture { path, key, size, content, touched: false, asked: false });
    }

    /// Calls all pictures complete; for opening a data set.
    pub fn call_complete(&mut self) {
        for picture in &mut self.pictures {
            Arc::make_mut(&mut picture.content).done = true;
        }
    }

    /// Puts what was done earlier in place of what was opened; for opening. None of it can be taken back.
    pub fn restore(&mut self, index: usize, boxes: Vec<KnownBox>, done: bool, asked: bool) {
        let boxes = boxes.into_iter().map(|known| self.numbered(known)).collect();
        if let Some(picture) = self.pictures.get_mut(index) {
            picture.content = Arc::new(Content { boxes, done });
            (picture.touched, picture.asked) = (true, asked);
        }
    }

    fn numbered(&mut self, known: KnownBox) -> EditBox {
        let class = self.class_named(&known.label);
        let KnownBox { rect, area, ignored, score, .. } = known;
        EditBox { id: self.take_id(), class, rect, area, ignored, score }
    }

    fn take_id(&mut self) -> BoxId {
        self.next += 1;
        self.next
    }

    /// The pictures.
    pub fn pictures(&self) -> &[Picture] {
        &self.pictures
    }

    /// A picture.
    pub fn picture(&self, index: usize) -> Option<&Picture> {
        self.pictures.get(index)
    }

    /// The classes.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Name of a class.
    pub fn class_name(&self, class: usize) -> &str {
        self.classes.get(class).map_or("?", |class| &class.name)
    }

    /// The class of this name, added where there is none.
    pub fn class_named(&mut self, name: &str) -> usize {
        self.add_class(Class { name: name.to_owned(), id: None })
    }

    fn add_class(&mut self, class: Class) -> usize {
        if let Some(index) = self.classes.iter().position(|known| known.name == class.name) {
            return index;
        }
        self.classes.push(class);
        self.revision += 1;
        self.classes.len() - 1
    }

    /// Changes a picture. False when there was nothing to change, or the picture cannot be read.
    pub fn apply(&mut self, index: usize, edit: Edit) -> bool {
        let next = self.next + 1;
        let Some(picture) = self.pictures.get_mut(index) else { return false };
        let Ok(size) = picture.size else { return false };
        let after = picture.content.after(edit, size, next);
        if after == *picture.content {
            return false;
        }
        self.next = next;
        let after = Arc::new(after);
        let before = std::mem::replace(&mut picture.content, Arc::clone(&after));
        picture.touched = true;
        self.steps.truncate(self.in_effect);
        self.steps.push(Step { picture: index, before, after });
        if self.steps.len() > MOST_STEPS {
            self.steps.remove(0);
        }
        self.in_effect = self.steps.len();
        self.revision += 1;
        true
    }

    /// The box that was added last.
    pub fn newest(&self) -> BoxId {
        self.next
    }

    /// Takes the last step back; the picture it was on.
    pub fn undo(&mut self) -> Option<usize> {
        let step = self.steps.get(self.in_effect.checked_sub(1)?)?;
        let (picture, content) = (step.picture, Arc::clone(&step.before));
        self.in_effect -= 1;
        self.put(picture, content)
    }

    /// Does the step again that was taken back last; the picture it is on.
    pub fn redo(&mut self) -> Option<usize> {
        let step = self.steps.get(self.in_effect)?;
        let (picture, content) = (step.picture, Arc::clone(&step.after));
        self.in_effect += 1;
        self.put(picture, content)
    }

    fn put(&mut self, index: usize, content: Arc<Content>) -> Option<usize> {
        let picture = self.pictures.get_mut(index)?;
        (picture.content, picture.touched) = (content, true);
        self.revision += 1;
        Some(index)
    }

    /// Whether there is a step to take back, and one to do again.
    pub fn can_undo_redo(&self) -> (bool, bool) {
        (self.in_effect > 0, self.in_effect < self.steps.len())
    }

    /// Takes proposals for a picture in. A picture that a person called complete stays as it is. Proposals are no step of
    /// the person's: they are there whatever is taken back.
    pub fn propose(&mut self, index: usize, found: &[Proposal]) {
        let Some(picture) = self.pictures.get_mut(index) else { return };
        let Ok(size) = picture.size else { return };
        (picture.asked, picture.touched) = (true, true);
        self.revision += 1;
        if picture.content.done {
            return;
        }
        let mut proposals = Vec::with_capacity(found.len());
        for proposal in found {
            let Some(rect) = proposal.rect.clipped(size) else { continue };
            let class = self.class_named(&proposal.label);
            let score = Some(proposal.score);
            proposals.push(EditBox { id: self.take_id(), class, rect, area: None, ignored: false, score });
        }
        if let Some(picture) = self.pictures.get_mut(index) {
            Arc::make_mut(&mut picture.content).propose(&proposals);
        }
        for step in self.steps.iter_mut().filter(|step| step.picture == index) {
            Arc::make_mut(&mut step.before).propose(&proposals);
            Arc::make_mut(&mut step.after).propose(&proposals);
        }
    }

    /// Pictures that are complete.
    pub fn done(&self) -> usize {
        self.pictures.iter().filter(|picture| picture.content.done).count()
    }

    /// The next picture after this one that can be read and is not complete, from the start again at the end.
    pub fn next_open(&self, from: usize) -> Option<usize> {
        let count = self.pictures.len();
        let order = (1..=count).map(|step| (from + step) % count);
        order.into_iter().find(|index| self.pictures[*index].is_open())
    }

    /// Grows with every change that has to be written down.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What is to be written down.
    pub fn snapshot(&self, at: usize) -> Snapshot {
        let touched = self.pictures.iter().filter(|picture| picture.touched);
        let taken = touched.map(|picture| TouchedPicture {
            key: Arc::clone(&picture.key),
            content: Arc::clone(&picture.content),
            asked: picture.asked,
        });
        Snapshot {
            classes: self.classes.iter().map(|class| class.name.clone()).collect(),
            pictures: taken.collect(),
            at: self.pictures.get(at).map(|picture| Arc::clone(&picture.key)),
        }
    }
}

impl Picture {
    /// Its boxes.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Whether there is something to be done to it.
    pub fn is_open(&self) -> bool {
        self.size.is_ok() && !self.content.done
    }

    /// Whether a model may still be asked: it was not, and nobody has called it complete.
    pub fn wants_proposals(&self) -> bool {
        self.is_open() && !self.asked
    }
}

#[cfg(test)]
#[path = "album_tests.rs"]
mod tests;
