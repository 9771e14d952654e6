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
mod tests {
    use super::*;
    use crate::app::label::geometry::Point;
    use proptest::prelude::*;

    fn rect(x: f64) -> PixelBox {
        PixelBox { x, y: 5.0, width: 20.0, height: 10.0 }
    }

    fn proposal(label: &str, x: f64) -> Proposal {
        Proposal { label: label.to_owned(), rect: rect(x), score: 0.7 }
    }

    fn album(pictures: usize) -> Album {
        let mut album = Album::new(vec![Class { name: "stop".to_owned(), id: Some(7) }]);
        for index in 0..pictures {
            let size = Ok(ImageSize::new(100, 60));
            let known = KnownBox { label: "stop".to_owned(), rect: rect(3.0), area: None, ignored: false, score: None };
            album.add_picture(format!("{index}.png").into(), format!("{index}.png").into(), size, vec![known]);
        }
        album
    }

    fn contents(album: &Album) -> Vec<Content> {
        album.pictures().iter().map(|picture| picture.content().clone()).collect()
    }

    #[test]
    fn steps_are_taken_back_and_done_again_where_they_were_made() {
        let mut album = album(2);
        let start = contents(&album);
        assert!(album.apply(0, Edit::Add(0, rect(40.0))) && album.apply(1, Edit::MarkEmpty));
        assert!(!album.apply(1, Edit::MarkEmpty), "it is empty already");
        assert_eq!((album.done(), album.next_open(0), album.next_open(1)), (1, Some(0), Some(0)));
        let end = contents(&album);
        assert_eq!((album.undo(), album.undo(), album.undo()), (Some(1), Some(0), None));
        assert_eq!(contents(&album), start);
        assert_eq!((album.redo(), album.redo(), album.redo()), (Some(0), Some(1), None));
        assert_eq!(contents(&album), end);
        album.undo();
        assert_eq!(album.can_undo_redo(), (true, true));
        album.apply(1, Edit::Add(0, rect(70.0)));
        assert_eq!(album.can_undo_redo(), (true, false), "another way was taken");
    }

    #[test]
    fn proposals_are_there_whatever_is_taken_back_and_leave_complete_pictures_alone() {
        let mut album = album(2);
        album.apply(0, Edit::Add(0, rect(60.0)));
        album.apply(1, Edit::SetDone(true));
        for index in 0..2 {
            album.propose(index, &[proposal("yield", 30.0), proposal("stop", 61.0), proposal("stop", 500.0)]);
        }
        assert_eq!(album.classes().len(), 2);
        assert_eq!(album.pictures()[1].content().proposed().count(), 0);
        assert_eq!(album.pictures()[0].content().proposed().count(), 1, "one lies on a box, one outside");
        assert!(!album.pictures()[0].wants_proposals());
        album.undo();
        album.undo();
        let left = album.pictures()[0].content();
        assert_eq!((left.accepted().count(), left.proposed().count()), (1, 2), "the box that hid one is gone");
        album.redo();
        assert_eq!(album.pictures()[0].content().proposed().count(), 1);
    }

    #[test]
    fn a_picture_that_cannot_be_read_is_passed_over() {
        let mut album = album(1);
        album.add_picture("broken.png".into(), "broken.png".into(), Err("no picture".to_owned()), Vec::new());
        assert!(!album.apply(1, Edit::SetDone(true)) && !album.pictures()[1].wants_proposals());
        album.propose(1, &[proposal("stop", 1.0)]);
        album.apply(0, Edit::SetDone(true));
        assert_eq!((album.next_open(0), album.done()), (None, 1));
    }

    #[test]
    fn only_what_was_touched_is_written_down() {
        let mut album = album(3);
        let before = album.revision();
        album.apply(2, Edit::Nudge(3, Point::new(1.0, 1.0)));
        assert!(album.revision() > before);
        let snapshot = album.snapshot(1);
        let keys: Vec<_> = snapshot.pictures.iter().map(|picture| &*picture.key).collect();
        assert_eq!((keys, snapshot.at.as_deref()), (vec!["2.png"], Some("1.png")));
    }

    fn edit() -> impl Strategy<Value = Edit> {
        let place = (0.0..90.0f64, 1.0..50.0f64).prop_map(|(x, side)| PixelBox {
            x,
            y: x / 2.0,
            width: side,
            height: side / 2.0,
        });
        (0..9usize, 0..12u64, 0..3usize, place).prop_map(|(kind, id, class, rect)| match kind {
            0 => Edit::Accept(id),
            1 => Edit::AcceptAll,
            2 => Edit::Delete(id),
            3 => Edit::RejectAll,
            4 => Edit::Place(id, rect),
            5 => Edit::Nudge(id, Point::new(rect.x - 45.0, 1.0)),
            6 => Edit::Add(class, rect),
            7 => Edit::SetClass(id, class),
            _ => {
                if class == 0 {
                    Edit::MarkEmpty
                } else {
                    Edit::SetDone(class == 1)
                }
            }
        })
    }

    #[derive(Clone, Debug)]
    enum Move {
        Edit(usize, Edit),
        Undo,
        Redo,
        Propose(usize, u8),
    }

    fn a_move() -> impl Strategy<Value = Move> {
        prop_oneof![
            6 => (0..3usize, edit()).prop_map(|(picture, edit)| Move::Edit(picture, edit)),
            2 => Just(Move::Undo),
            2 => Just(Move::Redo),
            1 => (0..3usize, 0..90u8).prop_map(|(picture, x)| Move::Propose(picture, x)),
        ]
    }

    proptest! {
        /// Against a list of all states that were: without proposals, undo and redo walk through it exactly.
        #[test]
        fn undo_and_redo_walk_through_what_was(moves in prop::collection::vec(a_move(), 1..60)) {
            let mut album = album(3);
            let (mut past, mut future, mut now) = (Vec::new(), Vec::new(), contents(&album));
            for step in moves {
                match step {
                    Move::Edit(picture, edit) => if album.apply(picture, edit) {
                        past.push(std::mem::replace(&mut now, contents(&album)));
                        future.clear();
                    },
                    Move::Undo => match past.pop() {
                        Some(before) => {
                            prop_assert!(album.undo().is_some());
                            future.push(std::mem::replace(&mut now, before));
                        }
                        None => prop_assert!(album.undo().is_none()),
                    },
                    Move::Redo => match future.pop() {
                        Some(after) => {
                            prop_assert!(album.redo().is_some());
                            past.push(std::mem::replace(&mut now, after));
                        }
                        None => prop_assert!(album.redo().is_none()),
                    },
                    Move::Propose(..) => {}
                }
                prop_assert_eq!(&contents(&album), &now);
                prop_assert_eq!(album.can_undo_redo(), (!past.is_empty(), !future.is_empty()));
            }
        }

        /// With proposals in between: taking everything back and doing it again leads to the same place, and no two
        /// boxes of a picture have one id.
        #[test]
        fn proposals_in_between_do_no_harm(moves in prop::collection::vec(a_move(), 1..60)) {
            let mut album = album(3);
            for step in moves {
                match step {
                    Move::Edit(picture, edit) => drop(album.apply(picture, edit)),
                    Move::Undo => drop(album.undo()),
                    Move::Redo => drop(album.redo()),
                    Move::Propose(picture, x) => album.propose(picture, &[proposal("yield", f64::from(x))]),
                }
            }
            while album.redo().is_some() {}
            let end = contents(&album);
            let mut steps = 0;
            while album.undo().is_some() { steps += 1; }
            let start = contents(&album);
            for _ in 0..steps { prop_assert!(album.redo().is_some()); }
            prop_assert_eq!(contents(&album), end);
            while album.undo().is_some() {}
            prop_assert_eq!(&contents(&album), &start);
            for content in start {
                let mut ids: Vec<_> = content.boxes.iter().map(|found| found.id).collect();
                ids.sort_unstable();
                ids.dedup();
                prop_assert_eq!(ids.len(), content.boxes.len());
            }
        }
    }
}
