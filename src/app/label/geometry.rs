//! Boxes in pixels of the picture under the hand: moved, resized and drawn within the picture, and what of them a point
//! meets.

use crate::imaging::ImageSize;
use serde::{Deserialize, Serialize};

/// No side of a box that was drawn or resized is shorter, in pixels: less is a slip of the hand.
pub const LEAST_SIDE: f64 = 2.0;

/// A place in a picture, in pixels from its upper left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Downwards.
    pub y: f64,
}

impl Point {
    /// The place.
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }
}

/// A box in pixels of the picture, in the form that datasets have, so that one that is not touched is written as it was
/// read. Such a one may reach out of its picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PixelBox {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width, more than nothing.
    pub width: f64,
    /// Height, more than nothing.
    pub height: f64,
}

impl PixelBox {
    /// The box with two opposite corners there.
    pub fn between(a: Point, b: Point) -> Self {
        Self { x: a.x.min(b.x), y: a.y.min(b.y), width: (a.x - b.x).abs(), height: (a.y - b.y).abs() }
    }

    /// Right edge.
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// Bottom edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// Square pixels.
    pub fn area(&self) -> f64 {
        self.width * self.height
    }

    /// Whether the four numbers are those of a box.
    pub fn is_sound(&self) -> bool {
        let numbers = [self.x, self.y, self.width, self.height];
        numbers.iter().all(|number| number.is_finite() && number.abs() < 1e9) && self.width > 0.0 && self.height > 0.0
    }

    /// Whether the point is on it.
    pub fn contains(&self, at: Point) -> bool {
        (self.x..=self.right()).contains(&at.x) && (self.y..=self.bottom()).contains(&at.y)
    }

    /// Intersection over union, 0…1.
    pub fn iou(&self, other: &Self) -> f64 {
        let overlap = |a: (f64, f64), b: (f64, f64)| (a.1.min(b.1) - a.0.max(b.0)).max(0.0);
        let width = overlap((self.x, self.right()), (other.x, other.right()));
        let height = overlap((self.y, self.bottom()), (other.y, other.bottom()));
        let shared = width * height;
        let union = self.area() + other.area() - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }

    /// The part within the picture; None when less than `LEAST_SIDE` is left of it.
    pub fn clipped(&self, size: ImageSize) -> Option<Self> {
        let clip =
            |at: Point| Point::new(at.x.clamp(0.0, f64::from(size.width)), at.y.clamp(0.0, f64::from(size.height)));
        let part = Self::between(clip(Point::new(self.x, self.y)), clip(Point::new(self.right(), self.bottom())));
        let least = least_sides(size);
        (part.is_sound() && part.width >= least.0 && part.height >= least.1).then_some(part)
    }

    /// The box moved by so much, whole within the picture; what reached out of it is cut off first.
    pub fn moved(&self, by: Point, size: ImageSize) -> Self {
        let Some(part) = self.clipped(size) else { return *self };
        let along = |at: f64, by: f64, side: f64, room: u32| (at + by).clamp(0.0, (f64::from(room) - side).max(0.0));
        Self {
            x: along(part.x, by.x, part.width, size.width),
            y: along(part.y, by.y, part.height, size.height),
            ..part
        }
    }

    /// The box with what `handle` holds brought to a point, within the picture; the opposite side stays, and the box
    /// keeps `LEAST_SIDE`.
    pub fn resized(&self, handle: Handle, to: Point, size: ImageSize) -> Self {
        let Some(part) = self.clipped(size) else { return *self };
        let least = least_sides(size);
        let (mut left, mut right, mut top, mut bottom) = (part.x, part.right(), part.y, part.bottom());
        match handle.side_x() {
            Side::First => left = to.x.clamp(0.0, (right - least.0).max(0.0)),
            Side::Last => right = to.x.clamp((left + least.0).min(f64::from(size.width)), f64::from(size.width)),
            Side::Neither => {}
        }
        match handle.side_y() {
            Side::First => top = to.y.clamp(0.0, (bottom - least.1).max(0.0)),
            Side::Last => bottom = to.y.clamp((top + least.1).min(f64::from(size.height)), f64::from(size.height)),
            Side::Neither => {}
        }
        Self::between(Point::new(left, top), Point::new(right, bottom))
    }
}

/// Shortest sides of a box in a picture, which may itself be smaller.
fn least_sides(size: ImageSize) -> (f64, f64) {
    (LEAST_SIDE.min(f64::from(size.width)), LEAST_SIDE.min(f64::from(size.height)))
}

/// Where a box can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handle {
    /// Upper left corner.
    TopLeft,
    /// Upper edge.
    Top,
    /// Upper right corner.
    TopRight,
    /// Right edge.
    Right,
    /// Lower right corner.
    BottomRight,
    /// Lower edge.
    Bottom,
    /// Lower left corner.
    BottomLeft,
    /// Left edge.
    Left,
}

/// Which of two opposite edges.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    First,
    Last,
    Neither,
}

impl Handle {
    /// All of them; corners first, for they are held where a corner and an edge are near.
    pub const ALL: [Self; 8] = [
        Self::TopLeft,
        Self::TopRight,
        Self::BottomRight,
        Self::BottomLeft,
        Self::Top,
        Self::Right,
        Self::Bottom,
        Self::Left,
    ];

    /// Where it is on a box.
    pub fn place(self, on: &PixelBox) -> Point {
        let along = |side: Side, first: f64, length: f64| match side {
            Side::First => first,
            Side::Last => first + length,
            Side::Neither => first + length / 2.0,
        };
        Point::new(along(self.side_x(), on.x, on.width), along(self.side_y(), on.y, on.height))
    }

    fn side_x(self) -> Side {
        match self {
            Self::TopLeft | Self::Left | Self::BottomLeft => Side::First,
            Self::TopRight | Self::Right | Self::BottomRight => Side::Last,
            Self::Top | Self::Bottom => Side::Neither,
        }
    }

    fn side_y(self) -> Side {
        match self {
            Self::TopLeft | Self::Top | Self::TopRight => Side::First,
            Self::BottomLeft | Self::Bottom | Self::BottomRight => Side::Last,
            Self::Left | Self::Right => Side::Neither,
        }
    }
}

/// The handle of a box within `reach` pixels of a point.
pub fn handle_at(on: &PixelBox, at: Point, reach: f64) -> Option<Handle> {
    Handle::ALL.into_iter().find(|handle| {
        let place = handle.place(on);
        (place.x - at.x).abs() <= reach && (place.y - at.y).abs() <= reach
    })
}

/// What a hand does to a box between press and release.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Grab<Id> {
    /// Moves it, held there.
    Move(Id, PixelBox, Point),
    /// Pulls it by a handle, held this far beside it.
    Resize(Id, PixelBox, Handle, Point),
    /// Draws a new one from there.
    Draw(Point),
}

impl<Id: Copy> Grab<Id> {
    /// Holds the selected box by a handle or in its middle, else begins a new one.
    pub fn at(selected: Option<(Id, PixelBox)>, at: Point, reach: f64) -> Self {
        let Some((id, rect)) = selected else { return Self::Draw(at) };
        if let Some(handle) = handle_at(&rect, at, reach) {
            let place = handle.place(&rect);
            return Self::Resize(id, rect, handle, Point::new(place.x - at.x, place.y - at.y));
        }
        if rect.contains(at) { Self::Move(id, rect, at) } else { Self::Draw(at) }
    }

    /// The box that is held; none where a new one is drawn.
    pub fn held(&self) -> Option<Id> {
        match self {
            Self::Move(id, ..) | Self::Resize(id, ..) => Some(*id),
            Self::Draw(_) => None,
        }
    }

    /// The box as it is when the hand is `to`; None where a new one is still too small.
    pub fn outcome(&self, to: Point, size: ImageSize) -> Option<PixelBox> {
        match *self {
            Self::Move(_, rect, from) => Some(rect.moved(Point::new(to.x - from.x, to.y - from.y), size)),
            Self::Resize(_, rect, handle, beside) => {
                Some(rect.resized(handle, Point::new(to.x + beside.x, to.y + beside.y), size))
            }
            Self::Draw(from) => PixelBox::between(from, to).clipped(size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIZE: ImageSize = ImageSize { width: 100, height: 60 };

    fn rect(x: f64, y: f64, width: f64, height: f64) -> PixelBox {
        PixelBox { x, y, width, height }
    }

    fn at(x: f64, y: f64) -> Point {
        Point::new(x, y)
    }

    #[test]
    fn a_box_is_moved_up_to_the_edges() {
        let start = rect(10.0, 10.0, 20.0, 10.0);
        assert_eq!(start.moved(at(5.0, -3.0), SIZE), rect(15.0, 7.0, 20.0, 10.0));
        assert_eq!(start.moved(at(-50.0, 500.0), SIZE), rect(0.0, 50.0, 20.0, 10.0));
        let reaching_out = rect(90.0, 10.0, 30.0, 10.0);
        assert_eq!(reaching_out.moved(at(0.0, 1.0), SIZE), rect(90.0, 11.0, 10.0, 10.0), "the part within");
        let outside = rect(200.0, 10.0, 30.0, 10.0);
        assert_eq!(outside.moved(at(1.0, 1.0), SIZE), outside, "there is nothing to move");
    }

    #[test]
    fn a_handle_moves_its_edges_and_no_others() {
        let start = rect(10.0, 10.0, 20.0, 10.0);
        let table = [
            (Handle::TopLeft, at(5.0, 6.0), rect(5.0, 6.0, 25.0, 14.0)),
            (Handle::Right, at(50.0, 0.0), rect(10.0, 10.0, 40.0, 10.0)),
            (Handle::Bottom, at(0.0, 90.0), rect(10.0, 10.0, 20.0, 50.0)),
            (Handle::Left, at(70.0, 0.0), rect(28.0, 10.0, 2.0, 10.0)),
            (Handle::BottomRight, at(-9.0, -9.0), rect(10.0, 10.0, 2.0, 2.0)),
            (Handle::TopRight, at(1e9, -1e9), rect(10.0, 0.0, 90.0, 20.0)),
        ];
        for (handle, to, want) in table {
            assert_eq!(start.resized(handle, to, SIZE), want, "{handle:?}");
        }
    }

    #[test]
    fn the_hand_meets_a_handle_before_the_box_and_the_selected_box_before_the_picture() {
        let selected = Some((7, rect(10.0, 10.0, 20.0, 10.0)));
        assert!(matches!(Grab::at(selected, at(31.0, 9.0), 2.0), Grab::Resize(7, _, Handle::TopRight, _)));
        assert!(matches!(Grab::at(selected, at(20.0, 21.0), 2.0), Grab::Resize(7, _, Handle::Bottom, _)));
        assert!(matches!(Grab::at(selected, at(15.0, 15.0), 2.0), Grab::Move(7, ..)));
        assert!(matches!(Grab::at(selected, at(50.0, 50.0), 2.0), Grab::Draw(_)));
        assert!(matches!(Grab::<u64>::at(None, at(15.0, 15.0), 2.0), Grab::Draw(_)));
        let beside = Grab::at(selected, at(31.0, 9.0), 2.0);
        assert_eq!(beside.outcome(at(31.0, 9.0), SIZE), Some(rect(10.0, 10.0, 20.0, 10.0)), "no jump at the press");
        let drawn = Grab::<u64>::Draw(at(50.0, 50.0));
        assert_eq!(drawn.outcome(at(51.0, 58.0), SIZE), None, "a slip of the hand");
        assert_eq!(drawn.outcome(at(40.0, 90.0), SIZE), Some(rect(40.0, 50.0, 10.0, 10.0)));
        assert_eq!(drawn.held(), None);
    }

    #[test]
    fn a_box_in_a_tiny_picture_may_be_as_small() {
        let size = ImageSize::new(1, 1);
        let whole = rect(0.0, 0.0, 1.0, 1.0);
        assert_eq!(Grab::<u64>::Draw(at(-3.0, -3.0)).outcome(at(9.0, 9.0), size), Some(whole));
        assert_eq!(whole.resized(Handle::TopLeft, at(0.9, 0.9), size), whole);
    }

    fn point() -> impl Strategy<Value = Point> {
        (-300.0..300.0f64, -300.0..300.0f64).prop_map(|(x, y)| Point::new(x, y))
    }

    proptest! {
        #[test]
        fn whatever_the_hand_does_the_box_stays_in_the_picture_and_keeps_a_size(
            from in point(), to in point(), hand in prop::collection::vec((point(), point(), 0..9usize), 1..20),
            width in 1u32..200, height in 1u32..200,
        ) {
            let size = ImageSize::new(width, height);
            let least = least_sides(size);
            let Some(mut now) = Grab::<u64>::Draw(from).outcome(to, size) else { return Ok(()) };
            for (press, release, kind) in hand {
                let grab = match Handle::ALL.get(kind) {
                    Some(handle) => Grab::Resize(1u64, now, *handle, Point::default()),
                    None => Grab::Move(1, now, press),
                };
                now = grab.outcome(release, size).unwrap();
                prop_assert!(now.is_sound() && now.x >= 0.0 && now.y >= 0.0, "{now:?}");
                prop_assert!(now.right() <= f64::from(width) + 1e-9 && now.bottom() <= f64::from(height) + 1e-9);
                prop_assert!(now.width >= least.0 - 1e-9 && now.height >= least.1 - 1e-9, "{now:?}");
            }
        }
    }
}
