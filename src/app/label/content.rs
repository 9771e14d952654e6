//! What a picture is labelled with, and every way in which a person changes it.

use super::geometry::{PixelBox, Point};
use crate::imaging::ImageSize;

/// A proposal that lies on a box of its class this much is the same object.
const SAME_OBJECT: f64 = 0.5;

/// Tells boxes apart, also those that come back by undoing.
pub type BoxId = u64;

/// A box on a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EditBox {
    /// Which one it is.
    pub id: BoxId,
    /// Index into the classes.
    pub class: usize,
    /// Where it is.
    pub rect: PixelBox,
    /// Area of the object where the dataset says it; lost when the box is resized.
    pub area: Option<f64>,
    /// COCO's crowd, VOC's difficult.
    pub ignored: bool,
    /// How sure the model was; a box that has this is a proposal until it is accepted.
    pub score: Option<f32>,
}

impl EditBox {
    /// Whether nobody has accepted it yet.
    pub fn is_proposed(&self) -> bool {
        self.score.is_some()
    }
}

/// What a picture is labelled with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// The boxes, proposals among them.
    pub boxes: Vec<EditBox>,
    /// Whether a person says that it is complete.
    pub done: bool,
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edit {
    /// A proposal is right.
    Accept(BoxId),
    /// All proposals are right.
    AcceptAll,
    /// A box is wrong.
    Delete(BoxId),
    /// All proposals are wrong.
    RejectAll,
    /// A box belongs here. A proposal is accepted with that.
    Place(BoxId, PixelBox),
    /// A box is this many pixels beside its place.
    Nudge(BoxId, Point),
    /// There is another object: its class and its box.
    Add(usize, PixelBox),
    /// A box is of another class. A proposal is accepted with that.
    SetClass(BoxId, usize),
    /// The picture is complete, or is not.
    SetDone(bool),
    /// There is nothing in the picture, and it is complete.
    MarkEmpty,
}

impl Content {
    /// The box with this id.
    pub fn find(&self, id: BoxId) -> Option<&EditBox> {
        self.boxes.iter().find(|found| found.id == id)
    }

    /// Boxes that count.
    pub fn accepted(&self) -> impl Iterator<Item = &EditBox> {
        self.boxes.iter().filter(|found| !found.is_proposed())
    }

    /// Boxes that nobody has accepted.
    pub fn proposed(&self) -> impl Iterator<Item = &EditBox> {
        self.boxes.iter().filter(|found| found.is_proposed())
    }

    /// The same after a change; a new box gets the id `next`. Equal where there was nothing to change.
    #[must_use]
    pub fn after(&self, edit: Edit, size: ImageSize, next: BoxId) -> Self {
        let mut new = self.clone();
        match edit {
            Edit::Accept(id) => new.change(id, |found| found.score = None),
            Edit::AcceptAll => new.boxes.iter_mut().for_each(|found| found.score = None),
            Edit::Delete(id) => new.boxes.retain(|found| found.id != id),
            Edit::RejectAll => new.boxes.retain(|found| !found.is_proposed()),
            Edit::Place(id, rect) => new.change(id, |found| found.place(rect)),
            Edit::Nudge(id, by) => new.change(id, |found| found.place(found.rect.moved(by, size))),
            Edit::Add(class, rect) => {
                let area = None;
                new.boxes.push(EditBox { id: next, class, rect, area, ignored: false, score: None });
            }
            Edit::SetClass(id, class) => new.change(id, |found| (found.class, found.score) = (class, None)),
            Edit::SetDone(done) => new.done = done,
            Edit::MarkEmpty => new = Self { boxes: Vec::new(), done: true },
        }
        new
    }

    fn change(&mut self, id: BoxId, change: impl FnOnce(&mut EditBox)) {
        if let Some(found) = self.boxes.iter_mut().find(|found| found.id == id) {
            change(found);
        }
    }

    /// Adds proposals but those that lie on a box of their class.
    pub fn propose(&mut self, proposals: &[EditBox]) {
        for proposal in proposals {
            let same = |found: &EditBox| found.class == proposal.class && found.rect.iou(&proposal.rect) >= SAME_OBJECT;
            let known = self.boxes.iter().any(|found| found.id == proposal.id || !found.is_proposed() && same(found));
            if !known {
                self.boxes.push(*proposal);
            }
        }
    }

    /// The box that a click there means: of those that the point is on the smallest, after `selected` the next larger,
    /// so that every one can be reached.
    pub fn clicked(&self, at: Point, selected: Option<BoxId>) -> Option<BoxId> {
        let mut met: Vec<&EditBox> = self.boxes.iter().filter(|found| found.rect.contains(at)).collect();
        met.sort_by(|a, b| a.rect.area().total_cmp(&b.rect.area()));
        let place = met.iter().position(|found| Some(found.id) == selected);
        let next = place.map_or(0, |place| (place + 1) % met.len());
        met.get(next).map(|found| found.id)
    }

    /// The boxes in the order of the list: proposals first, the surest first, for they wait for an answer; then the
    /// others as they came.
    pub fn listed(&self) -> Vec<&EditBox> {
        let mut proposed: Vec<&EditBox> = self.proposed().collect();
        proposed.sort_by(|a, b| b.score.unwrap_or_default().total_cmp(&a.score.unwrap_or_default()));
        proposed.into_iter().chain(self.accepted()).collect()
    }
}

impl EditBox {
    fn place(&mut self, rect: PixelBox) {
        let resized = rect.width != self.rect.width || rect.height != self.rect.height;
        self.area = self.area.filter(|_| !resized);
        (self.rect, self.score) = (rect, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: ImageSize = ImageSize { width: 100, height: 60 };

    fn a_box(id: BoxId, x: f64, side: f64, score: Option<f32>) -> EditBox {
        let rect = PixelBox { x, y: 5.0, width: side, height: side };
        EditBox { id, class: 1, rect, area: Some(3.5), ignored: true, score }
    }

    fn content() -> Content {
        let boxes = vec![a_box(1, 10.0, 20.0, None), a_box(2, 40.0, 20.0, Some(0.4)), a_box(3, 45.0, 5.0, Some(0.9))];
        Content { boxes, done: false }
    }

    fn ids(content: &Content) -> Vec<BoxId> {
        content.boxes.iter().map(|found| found.id).collect()
    }

    #[test]
    fn correcting_a_proposal_accepts_it() {
        let rect = PixelBox { x: 41.0, y: 6.0, width: 20.0, height: 20.0 };
        for edit in [
            Edit::Accept(2),
            Edit::AcceptAll,
            Edit::Place(2, rect),
            Edit::Nudge(2, Point::new(1.0, 0.0)),
            Edit::SetClass(2, 0),
        ] {
            assert!(!content().after(edit, SIZE, 9).find(2).unwrap().is_proposed(), "{edit:?}");
        }
        assert_eq!(content().after(Edit::AcceptAll, SIZE, 9).proposed().count(), 0);
        assert_eq!(ids(&content().after(Edit::RejectAll, SIZE, 9)), [1]);
    }

    #[test]
    fn the_outline_s_area_is_kept_until_the_box_is_resized() {
        let moved = content().after(Edit::Nudge(1, Point::new(3.0, 0.0)), SIZE, 9);
        assert_eq!((moved.boxes[0].area, moved.boxes[0].rect.x), (Some(3.5), 13.0));
        let rect = PixelBox { width: 21.0, ..content().boxes[0].rect };
        let resized = content().after(Edit::Place(1, rect), SIZE, 9);
        assert_eq!((resized.boxes[0].area, resized.boxes[0].ignored), (None, true));
    }

    #[test]
    fn boxes_are_added_and_taken_away() {
        let rect = PixelBox { x: 1.0, y: 2.0, width: 3.0, height: 4.0 };
        let added = content().after(Edit::Add(4, rect), SIZE, 9);
        assert_eq!((ids(&added), added.boxes[3].class), (vec![1, 2, 3, 9], 4));
        assert_eq!(ids(&content().after(Edit::Delete(2), SIZE, 9)), [1, 3]);
        let empty = content().after(Edit::MarkEmpty, SIZE, 9);
        assert_eq!(empty, Content { boxes: Vec::new(), done: true });
        assert_eq!(content().after(Edit::Delete(77), SIZE, 9), content(), "there is no such box");
    }

    #[test]
    fn a_click_reaches_every_box_under_the_pointer() {
        let (content, at) = (content(), Point::new(47.0, 7.0));
        let first = content.clicked(at, None);
        assert_eq!(first, Some(3), "the smallest");
        let second = content.clicked(at, first);
        assert_eq!((second, content.clicked(at, second)), (Some(2), Some(3)));
        assert_eq!(content.clicked(at, Some(1)), Some(3), "another box was selected");
        assert_eq!(content.clicked(Point::new(90.0, 50.0), Some(1)), None);
    }

    #[test]
    fn proposals_come_once_and_not_on_what_is_labelled() {
        let mut content = content();
        let on_a_box = EditBox { class: 1, ..a_box(10, 12.0, 20.0, Some(0.9)) };
        let of_another_class = EditBox { class: 0, id: 11, ..on_a_box };
        content.propose(&[on_a_box, of_another_class, a_box(12, 70.0, 10.0, Some(0.3))]);
        assert_eq!(ids(&content), [1, 2, 3, 11, 12]);
        content.propose(&[of_another_class]);
        assert_eq!(ids(&content), [1, 2, 3, 11, 12]);
        let listed: Vec<_> = content.listed().iter().map(|found| found.id).collect();
        assert_eq!(listed[0].min(listed[1]), 3, "the surest first: {listed:?}");
        assert_eq!(listed[4], 1, "accepted ones last");
    }
}
