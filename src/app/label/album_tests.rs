//! Steps taken back and done again, against a list of what was.

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
    let place =
        (0.0..90.0f64, 1.0..50.0f64).prop_map(|(x, side)| PixelBox { x, y: x / 2.0, width: side, height: side / 2.0 });
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
