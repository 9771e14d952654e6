//! How sure and how steady boxes are; the formula is in the documentation of the module above.

use crate::imaging::{BoxInImage, ImageSize, RgbImage};
use crate::inference::Detection;

/// Overlap from which boxes of two views are the same object.
const MET: f32 = 0.5;
/// Overlap from which boxes of one view lie on one place.
const ONE_PLACE: f32 = 0.7;
/// Weight of what is not met.
const PENALTY: f32 = 0.5;
/// More boxes than this in a picture are absurd; real pictures of COCO hold seven on average.
const PLENTY: f32 = 50.0;
/// A box counts in the cut view if so much of it is left.
const LEFT_OVER: f32 = 0.9;

/// A picture as it is shown to the model.
pub(super) struct View {
    pub image: RgbImage,
    change: Change,
    size: ImageSize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    None,
    Mirrored,
    /// So many pixels less at the left and at the top.
    Cut(u32, u32),
}

impl View {
    /// The picture as it is, mirrored, and cut.
    pub fn all(picture: &RgbImage) -> Vec<Self> {
        let size = ImageSize::new(picture.width(), picture.height());
        let (x, y) = (size.width / 8, size.height / 8);
        let cut = image::imageops::crop_imm(picture, x, y, size.width - x, size.height - y).to_image();
        let of = |image, change| Self { image, change, size };
        vec![
            of(picture.clone(), Change::None),
            of(image::imageops::flip_horizontal(picture), Change::Mirrored),
            of(cut, Change::Cut(x, y)),
        ]
    }

    /// A box of this view in the whole picture.
    fn back(&self, b: BoxInImage) -> BoxInImage {
        let width = self.size.width as f32;
        match self.change {
            Change::None => b,
            Change::Mirrored => BoxInImage::new(width - b.x2, b.y1, width - b.x1, b.y2),
            Change::Cut(x, y) => {
                let (x, y) = (x as f32, y as f32);
                BoxInImage::new(b.x1 + x, b.y1 + y, b.x2 + x, b.y2 + y)
            }
        }
    }

    /// Whether a box of the whole picture can be expected here as it is there.
    fn shows(&self, b: &BoxInImage) -> bool {
        let Change::Cut(x, y) = self.change else { return true };
        let left = BoxInImage { x1: b.x1.max(x as f32), y1: b.y1.max(y as f32), ..*b };
        left.area() >= LEFT_OVER * b.area()
    }

    /// Whether a box of this view, taken back, touches the cut: there is more of it in the whole picture.
    fn is_cut_off(&self, b: &BoxInImage) -> bool {
        let Change::Cut(x, y) = self.change else { return false };
        b.x1 < x as f32 + 2.0 || b.y1 < y as f32 + 2.0
    }
}

/// The score of one picture; `found` has the boxes of each view, best first, the picture as it is first.
pub(super) fn of_picture(views: &[View], found: &[Vec<Detection>]) -> f32 {
    let (Some(whole), Some(size)) = (found.first(), views.first().map(|view| view.size)) else { return 0.0 };
    let others = views.iter().zip(found).skip(1);
    let count = others.len().max(1) as f32;
    let steady: f32 = others.map(|(view, seen)| of_view(view, whole, seen)).sum::<f32>() / count;
    let most = found.iter().map(Vec::len).max().unwrap_or(0).max(1) as f32;
    let factor = inside(whole, size).powi(2) * (PLENTY / most).min(1.0);
    // What is bad does not become better by being implausible.
    if steady > 0.0 { steady * factor } else { steady }
}

fn of_view(view: &View, whole: &[Detection], seen: &[Detection]) -> f32 {
    let expected: Vec<Detection> = whole.iter().filter(|box_| view.shows(&box_.rect)).copied().collect();
    let seen: Vec<Detection> = seen.iter().map(|box_| Detection { rect: view.back(box_.rect), ..*box_ }).collect();
    let (expected, mut strays) = split_strays(&expected);
    let (mut seen, more_strays) = split_strays(&seen);
    strays += more_strays;
    let (mut met, mut lost) = (0.0, 0.0);
    for box_ in &expected {
        let overlap = |other: &Detection| match other.class_id == box_.class_id {
            true => box_.rect.iou(&other.rect),
            false => 0.0,
        };
        let best = (0..seen.len()).max_by(|a, b| overlap(&seen[*a]).total_cmp(&overlap(&seen[*b])));
        match best.filter(|best| overlap(&seen[*best]) >= MET) {
            Some(best) => {
                met += box_.score * seen[best].score * overlap(&seen[best]);
                seen.swap_remove(best);
            }
            None => lost += box_.score.powi(2),
        }
    }
    lost += seen.iter().filter(|box_| !view.is_cut_off(&box_.rect)).map(|box_| box_.score.powi(2)).sum::<f32>();
    met - PENALTY * (lost + strays)
}

/// The best box of each place, and the squares of the scores of the others.
fn split_strays(boxes: &[Detection]) -> (Vec<Detection>, f32) {
    let (mut kept, mut strays): (Vec<Detection>, f32) = (Vec::new(), 0.0);
    for box_ in boxes {
        match kept.iter().any(|other| other.rect.iou(&box_.rect) >= ONE_PLACE) {
            true => strays += box_.score.powi(2),
            false => kept.push(*box_),
        }
    }
    (kept, strays)
}

/// Share of the boxes' area that lies in the picture; 1 where there is none.
fn inside(boxes: &[Detection], size: ImageSize) -> f32 {
    let all: f32 = boxes.iter().map(|box_| box_.rect.area()).sum();
    let inside: f32 = boxes.iter().map(|box_| box_.rect.clipped_to(size).area()).sum();
    if all > 0.0 && all.is_finite() { inside / all } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn views() -> Vec<View> {
        View::all(&RgbImage::new(800, 400))
    }

    fn found(class_id: u32, score: f32, [x1, y1, x2, y2]: [f32; 4]) -> Detection {
        Detection { class_id, score, rect: BoxInImage::new(x1, y1, x2, y2) }
    }

    /// One object at 300…400, 100…200 as each view shows it.
    fn steady(score: f32) -> Vec<Vec<Detection>> {
        vec![
            vec![found(1, score, [300.0, 100.0, 400.0, 200.0])],
            vec![found(1, score, [400.0, 100.0, 500.0, 200.0])],
            vec![found(1, score, [200.0, 50.0, 300.0, 150.0])],
        ]
    }

    #[test]
    fn views_are_the_picture_mirrored_and_cut() {
        let picture = RgbImage::from_fn(16, 8, |x, y| image::Rgb([x as u8, y as u8, 0]));
        let [whole, mirrored, cut]: [View; 3] = View::all(&picture).try_into().ok().unwrap();
        assert_eq!(whole.image, picture);
        assert_eq!(mirrored.image.get_pixel(0, 3).0, [15, 3, 0]);
        assert_eq!((cut.image.dimensions(), cut.image.get_pixel(0, 0).0), ((14, 7), [2, 1, 0]));
        View::all(&RgbImage::new(1, 1));
    }

    #[test]
    fn what_is_sure_and_steady_counts_as_one() {
        assert!((of_picture(&views(), &steady(1.0)) - 1.0).abs() < 1e-6);
        assert!((of_picture(&views(), &steady(0.5)) - 0.25).abs() < 1e-6);
        assert_eq!(of_picture(&views(), &[vec![], vec![], vec![]]), 0.0);
        assert_eq!(of_picture(&views(), &[]), 0.0);
    }

    #[test]
    fn what_stays_where_it_is_whatever_is_shown_counts_against() {
        let fixed = found(1, 1.0, [300.0, 100.0, 400.0, 200.0]);
        assert!((of_picture(&views(), &[vec![fixed], vec![fixed], vec![fixed]]) + 1.0).abs() < 1e-6);
    }

    #[test]
    fn other_classes_crowds_and_boxes_outside_count_against() {
        let best = of_picture(&views(), &steady(1.0));
        let mut other_class = steady(1.0);
        other_class[1][0].class_id = 2;
        assert!((of_picture(&views(), &other_class) - 0.0).abs() < 1e-6, "met once, lost twice");
        let mut pile = steady(1.0);
        pile.iter_mut().for_each(|boxes| boxes.push(Detection { class_id: 2, score: 0.9, ..boxes[0] }));
        assert!(of_picture(&views(), &pile) < best);
        let mut crowd = steady(1.0);
        crowd[0].extend((0..99).map(|i| found(1, 0.16, [i as f32 * 8.0, 300.0, i as f32 * 8.0 + 4.0, 310.0])));
        assert!(of_picture(&views(), &crowd) < best / 2.0);
        let outside = vec![
            vec![found(1, 1.0, [-300.0, 100.0, 100.0, 200.0])],
            vec![found(1, 1.0, [700.0, 100.0, 1100.0, 200.0])],
            vec![],
        ];
        assert!(of_picture(&views(), &outside) < 0.1);
    }

    #[test]
    fn what_the_cut_takes_away_counts_neither_way() {
        let at_the_edge =
            vec![vec![found(1, 1.0, [0.0, 0.0, 90.0, 400.0])], vec![found(1, 1.0, [710.0, 0.0, 800.0, 400.0])], vec![]];
        assert!((of_picture(&views(), &at_the_edge) - 0.5).abs() < 1e-6, "the mirrored view alone");
        let rest = vec![vec![], vec![], vec![found(1, 1.0, [0.0, 0.0, 90.0, 350.0])]];
        assert_eq!(of_picture(&views(), &rest), 0.0);
    }
}
