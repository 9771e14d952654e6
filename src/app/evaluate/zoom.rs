//! Looking closer at a large picture; both halves show the same part.

use eframe::egui::{Rect, Vec2, vec2};

/// Closer than this there are only squares.
const CLOSEST: f32 = 16.0;

/// How close, and where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zoom {
    /// 1 is the whole picture.
    factor: f32,
    /// What is in the middle, as shares 0…1 of the picture's width and height.
    center: Vec2,
}

impl Default for Zoom {
    fn default() -> Self {
        Self { factor: 1.0, center: Vec2::splat(0.5) }
    }
}

impl Zoom {
    /// How many times closer than all of it.
    pub fn factor(self) -> f32 {
        self.factor
    }

    /// Where the whole picture lies when it fills `fitted` in the middle of `stage` at first.
    pub fn place(self, stage: Rect, fitted: Rect) -> Rect {
        let size = fitted.size() * self.factor;
        Rect::from_min_size(stage.center() - size * self.kept(stage, size), size)
    }

    /// Closer by `times` around the point `from_middle` of the stage's middle.
    #[must_use]
    pub fn by(self, times: f32, from_middle: Vec2, stage: Rect, fitted: Rect) -> Self {
        let factor = (self.factor * times).clamp(1.0, CLOSEST);
        let before = fitted.size() * self.factor;
        let pointed = self.kept(stage, before) + from_middle / before;
        let after = fitted.size() * factor;
        let moved = Self { factor, center: pointed - from_middle / after };
        Self { center: moved.kept(stage, after), ..moved }
    }

    /// The picture moved by so many points.
    #[must_use]
    pub fn dragged(self, points: Vec2, stage: Rect, fitted: Rect) -> Self {
        let size = fitted.size() * self.factor;
        let moved = Self { center: self.kept(stage, size) - points / size, ..self };
        Self { center: moved.kept(stage, size), ..moved }
    }

    /// The middle, so that no stage is left empty that the picture could fill.
    fn kept(self, stage: Rect, size: Vec2) -> Vec2 {
        let along = |center: f32, stage: f32, size: f32| {
            let half = stage / 2.0 / size;
            if half < 0.5 && center.is_finite() { center.clamp(half, 1.0 - half) } else { 0.5 }
        };
        vec2(along(self.center.x, stage.width(), size.x), along(self.center.y, stage.height(), size.y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::pos2;

    fn stage() -> Rect {
        Rect::from_min_size(pos2(100.0, 50.0), vec2(400.0, 300.0))
    }

    fn fitted() -> Rect {
        Rect::from_center_size(stage().center(), vec2(300.0, 300.0))
    }

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        let whole = Zoom::default();
        assert_eq!(whole.place(stage(), fitted()), fitted());
        let at = vec2(60.0, -40.0);
        let share = |zoom: Zoom| {
            let place = zoom.place(stage(), fitted());
            (stage().center() + at - place.min) / place.size()
        };
        let close = whole.by(4.0, at, stage(), fitted());
        assert!((share(whole) - share(close)).length() < 1e-5);
        assert!((close.place(stage(), fitted()).width() - 1200.0).abs() < 1e-3);
        assert_eq!(
            close.by(0.01, at, stage(), fitted()).place(stage(), fitted()),
            fitted(),
            "no farther than all of it"
        );
        assert_eq!(close.by(1e9, at, stage(), fitted()).place(stage(), fitted()).width(), 300.0 * CLOSEST);
    }

    #[test]
    fn a_picture_is_moved_up_to_its_edges() {
        let close = Zoom::default().by(4.0, Vec2::ZERO, stage(), fitted());
        let before = close.place(stage(), fitted());
        let after = close.dragged(vec2(30.0, -20.0), stage(), fitted()).place(stage(), fitted());
        assert!((after.min - before.min - vec2(30.0, -20.0)).length() < 1e-3);
        let edge = close.dragged(vec2(1e6, 1e6), stage(), fitted()).place(stage(), fitted());
        assert!((edge.min - stage().min).length() < 1e-3, "{edge:?}");
        let whole = Zoom::default().dragged(vec2(50.0, 50.0), stage(), fitted());
        assert_eq!(whole.place(stage(), fitted()), fitted(), "the whole picture has nowhere to go");
    }
}
