//! What a hand does on the table.

use super::*;
use crate::app::label::album::{Class, Proposal};
use crate::app::label::work_file::WorkPlace;

pub fn desk(pictures: usize, classes: &[&str]) -> Desk {
    let mut album = Album::new(classes.iter().map(|name| Class { name: (*name).to_owned(), id: None }).collect());
    for index in 0..pictures {
        let name = format!("{index}.png");
        album.add_picture(name.clone().into(), name.into(), Ok(ImageSize::new(100, 60)), Vec::new());
    }
    let path = PathBuf::from("/pictures");
    let place = WorkPlace::of(&path, &path);
    Desk::new(Opened { path, album, place, at: 0, notes: Vec::new() })
}

fn point(x: f64, y: f64) -> Point {
    Point::new(x, y)
}

fn drag(desk: &mut Desk, from: Point, to: Point) {
    for action in [LabelAction::Grab(from, 2.0, false), LabelAction::DragTo(to), LabelAction::Drop] {
        assert!(desk.act(action));
    }
}

fn rects(desk: &Desk) -> Vec<[f64; 4]> {
    let boxes = desk.picture().unwrap().content().boxes.iter();
    boxes.map(|found| [found.rect.x, found.rect.y, found.rect.width, found.rect.height]).collect()
}

fn propose(desk: &mut Desk, scores: &[f32]) {
    let found: Vec<_> = (scores.iter().enumerate())
        .map(|(index, score)| Proposal {
            label: "stop".to_owned(),
            rect: PixelBox { x: 20.0 * index as f64, y: 0.0, width: 10.0, height: 10.0 },
            score: *score,
        })
        .collect();
    desk.album.propose(desk.at, &found);
}

#[test]
fn a_box_is_drawn_moved_resized_and_taken_back() {
    let mut desk = desk(1, &["stop", "yield"]);
    desk.act(LabelAction::PickClass(1));
    drag(&mut desk, point(10.0, 10.0), point(40.0, 30.0));
    assert_eq!(rects(&desk), [[10.0, 10.0, 30.0, 20.0]]);
    assert_eq!(desk.picture().unwrap().content().boxes[0].class, 1);
    assert!(desk.selection().is_some(), "a new box is selected");
    drag(&mut desk, point(25.0, 20.0), point(30.0, 25.0));
    assert_eq!(rects(&desk), [[15.0, 15.0, 30.0, 20.0]]);
    drag(&mut desk, point(45.0, 35.0), point(60.0, 50.0));
    assert_eq!(rects(&desk), [[15.0, 15.0, 45.0, 35.0]]);
    drag(&mut desk, point(70.0, 5.0), point(70.5, 5.5));
    assert_eq!(rects(&desk).len(), 1, "a slip of the hand is no box");
    desk.act(LabelAction::Click(point(90.0, 5.0)));
    assert_eq!(desk.selected, None);
    drag(&mut desk, point(20.0, 20.0), point(30.0, 30.0));
    assert_eq!(rects(&desk).len(), 2, "a box in a box that is not selected");
    for _ in 0..4 {
        desk.act(LabelAction::Undo);
    }
    assert_eq!(rects(&desk).len(), 0);
    desk.act(LabelAction::Redo);
    assert_eq!(rects(&desk), [[10.0, 10.0, 30.0, 20.0]]);
}

#[test]
fn escape_lets_go_of_one_thing_after_the_other() {
    let mut desk = desk(1, &["stop"]);
    drag(&mut desk, point(10.0, 10.0), point(40.0, 30.0));
    desk.act(LabelAction::Grab(point(20.0, 20.0), 2.0, false));
    desk.act(LabelAction::DragTo(point(50.0, 20.0)));
    assert_eq!(desk.preview().unwrap().1.x, 40.0);
    assert!(desk.let_go());
    desk.act(LabelAction::Drop);
    assert_eq!(rects(&desk), [[10.0, 10.0, 30.0, 20.0]], "what was let go of stays");
    assert!(desk.let_go() && desk.selected.is_none());
    assert!(!desk.let_go());
}

#[test]
fn a_key_answers_one_proposal_after_the_other() {
    let mut desk = desk(1, &["stop"]);
    propose(&mut desk, &[0.5, 0.9, 0.7]);
    desk.act(LabelAction::Accept);
    assert_eq!(desk.selection().unwrap().1.x, 20.0, "the surest first, to be looked at");
    assert_eq!(desk.picture().unwrap().content().accepted().count(), 0);
    desk.act(LabelAction::Accept);
    assert_eq!(desk.selection().unwrap().1.x, 40.0);
    desk.act(LabelAction::Delete);
    assert_eq!(desk.selection().unwrap().1.x, 0.0);
    desk.act(LabelAction::Accept);
    let content = desk.picture().unwrap().content();
    assert_eq!((content.accepted().count(), content.proposed().count()), (2, 0));
    desk.act(LabelAction::Delete);
    assert_eq!((rects(&desk).len(), desk.selected), (1, None), "an accepted one was selected");
}

#[test]
fn pictures_are_turned_and_those_that_wait_are_found() {
    let mut desk = desk(4, &["stop"]);
    desk.act(LabelAction::Step(-1));
    assert_eq!(desk.at, 0);
    desk.act(LabelAction::DoneAndNext);
    desk.act(LabelAction::EmptyAndNext);
    assert_eq!((desk.at, desk.album.done()), (2, 2));
    desk.act(LabelAction::Go(99));
    assert_eq!(desk.at, 3);
    desk.act(LabelAction::DoneAndNext);
    assert_eq!(desk.at, 2, "from the start again");
    desk.act(LabelAction::ToggleDone);
    desk.act(LabelAction::NextOpen);
    assert_eq!((desk.at, desk.album.done()), (2, 4));
    desk.act(LabelAction::Go(0));
    desk.act(LabelAction::Undo);
    assert_eq!((desk.at, desk.album.done()), (2, 3), "what is taken back is shown");
}

#[test]
fn classes_are_found_typed_and_given() {
    let mut desk = desk(1, &["scar", "car", "traffic light"]);
    desk.act(LabelAction::PickClass(2));
    desk.act(LabelAction::TakeTyped);
    assert_eq!(desk.class, 2, "nothing was typed");
    desk.act(LabelAction::SetSearch("CAR".to_owned()));
    assert_eq!(desk.listed_classes(), [1, 0]);
    desk.act(LabelAction::TakeTyped);
    assert_eq!((desk.class, desk.search.as_str()), (1, ""));
    drag(&mut desk, point(10.0, 10.0), point(40.0, 30.0));
    desk.act(LabelAction::PickRow(2));
    assert_eq!(desk.picture().unwrap().content().boxes[0].class, 2);
    desk.act(LabelAction::PickRow(7));
    desk.act(LabelAction::SetSearch("a boat".to_owned()));
    assert_eq!(desk.new_class(), Some("a boat"));
    desk.act(LabelAction::TakeTyped);
    assert_eq!(desk.album.class_name(desk.picture().unwrap().content().boxes[0].class), "a boat");
    desk.act(LabelAction::SetSearch(" ca ".to_owned()));
    desk.act(LabelAction::AddTyped);
    assert_eq!((desk.album.class_name(4), desk.class), ("ca", 4), "although others have it in their names");
}

#[test]
fn without_a_class_nothing_can_be_drawn() {
    let mut desk = desk(1, &[]);
    drag(&mut desk, point(10.0, 10.0), point(40.0, 30.0));
    assert!(rects(&desk).is_empty() && desk.class_missing && desk.focus_search);
    desk.act(LabelAction::SetSearch("boat".to_owned()));
    desk.act(LabelAction::TakeTyped);
    drag(&mut desk, point(10.0, 10.0), point(40.0, 30.0));
    assert_eq!((rects(&desk).len(), desk.class_missing), (1, false));
}

#[test]
fn the_list_is_walked_up_and_down() {
    let mut desk = desk(1, &["stop"]);
    desk.act(LabelAction::SelectStep(1));
    assert_eq!(desk.selected, None);
    propose(&mut desk, &[0.5, 0.9]);
    let walked: Vec<_> = [1, 1, 1, -1, -1]
        .map(|step| {
            desk.act(LabelAction::SelectStep(step));
            desk.selection().unwrap().1.x
        })
        .to_vec();
    assert_eq!(walked, [20.0, 0.0, 0.0, 20.0, 20.0]);
    desk.act(LabelAction::Nudge(point(1.0, -5.0)));
    assert_eq!(rects(&desk)[1], [21.0, 0.0, 10.0, 10.0]);
}
