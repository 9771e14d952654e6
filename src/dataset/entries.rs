//! What the readers of all forms do alike: checking boxes and pictures.

use super::picture::picture_size;
use super::problem::{ProblemKind, Problems};
use super::{LabelledBox, LabelledPicture};
use crate::imaging::ImageSize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A box may reach this far out of its picture, in pixels, by rounding alone.
const ROUNDING: f64 = 1.0;

/// A file of a dataset as messages name it: without its folders, which are the dataset's.
pub(super) fn short_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The box, unless it has no area or lies wholly outside its picture. One that reaches out is kept as written, for
/// that is how COCO's tools evaluate it. `place` says where it stands.
pub(super) fn checked_box(
    found: LabelledBox,
    size: ImageSize,
    problems: &mut Problems,
    place: impl Fn() -> String,
) -> Option<LabelledBox> {
    let LabelledBox { x, y, width, height, area, .. } = found;
    if ![x, y, width, height].iter().all(|number| number.is_finite()) {
        problems.add(ProblemKind::NotABox, || format!("{}: an edge of the box is no number; left out", place()));
        return None;
    }
    if width <= 0.0 || height <= 0.0 {
        problems.add(ProblemKind::NotABox, || format!("{}: the box is {width} by {height} pixels; left out", place()));
        return None;
    }
    let (right, bottom) = (f64::from(size.width), f64::from(size.height));
    if x >= right || y >= bottom || x + width <= 0.0 || y + height <= 0.0 {
        let text = || format!("{}: the box lies outside its picture of {size} pixels; left out", place());
        problems.add(ProblemKind::OutsidePicture, text);
        return None;
    }
    let out = [-x, -y, x + width - right, y + height - bottom].into_iter().fold(0.0, f64::max);
    if out > ROUNDING {
        let text = || format!("{}: the box reaches {out:.0} pixels out of its picture; kept as written", place());
        problems.add(ProblemKind::OutsidePicture, text);
    }
    let area = if area.is_finite() && area > 0.0 { area } else { width * height };
    Some(LabelledBox { area, ..found })
}

/// Pictures of a dataset while it is read; each file is in it once.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    pub list: Vec<LabelledPicture>,
    by_path: HashMap<PathBuf, usize>,
}

impl Pictures {
    /// Adds a picture whose size is as written, else as in its file, and returns its place. A picture that is there
    /// already keeps its place and is counted.
    pub fn add(&mut self, path: PathBuf, size: Option<ImageSize>, problems: &mut Problems) -> Option<usize> {
        if let Some(&index) = self.by_path.get(&path) {
            let text = || format!("{} is listed twice; its objects are put together", path.display());
            problems.add(ProblemKind::DuplicatePicture, text);
            return Some(index);
        }
        let size = match size.map_or_else(|| picture_size(&path), Ok) {
            Ok(size) => size,
            Err(reason) => {
                let text = || format!("{} is no picture that can be read ({reason}); left out", path.display());
                problems.add(ProblemKind::MissingPicture, text);
                return None;
            }
        };
        let index = self.list.len();
        self.by_path.insert(path.clone(), index);
        self.list.push(LabelledPicture { id: index as u64, path, size, boxes: Vec::new() });
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_kept_told_or_left_out() {
        let size = ImageSize::new(100, 50);
        let table = [
            ([0.0, 0.0, 100.0, 50.0], true, None),
            ([-0.5, 0.0, 100.9, 50.0], true, None),
            ([90.0, 10.0, 30.0, 10.0], true, Some("reaches 20 pixels out")),
            ([100.0, 10.0, 30.0, 10.0], false, Some("outside its picture of 100x50")),
            ([-30.0, 10.0, 30.0, 10.0], false, Some("outside")),
            ([10.0, 10.0, 0.0, 10.0], false, Some("0 by 10 pixels")),
            ([10.0, 10.0, 5.0, -10.0], false, Some("5 by -10 pixels")),
            ([f64::NAN, 10.0, 5.0, 10.0], false, Some("no number")),
            ([10.0, 10.0, f64::INFINITY, 10.0], false, Some("no number")),
        ];
        for ([x, y, width, height], kept, told) in table {
            let mut problems = Problems::default();
            let found = LabelledBox { class: 0, x, y, width, height, area: f64::NAN, ignored: false };
            let got = checked_box(found, size, &mut problems, || "here".to_owned());
            assert_eq!(got.map(|b| b.area), kept.then_some(width * height), "{found:?}");
            let problems = problems.into_list();
            assert_eq!(problems.len(), usize::from(told.is_some()), "{problems:?}");
            assert!(told.is_none_or(|part| problems[0].text.contains(part)), "{problems:?}");
        }
    }
}
