//! How much there is in a dataset.

use super::{Dataset, DatasetForm, LabelledBox};
use serde::Serialize;

/// COCO calls an object small below this area, in square pixels.
const SMALL_BELOW: f64 = 32.0 * 32.0;
/// And large above this one.
const LARGE_ABOVE: f64 = 96.0 * 96.0;

/// What a dataset holds, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatasetSummary {
    /// How it is written.
    pub form: Option<DatasetForm>,
    /// Number of pictures.
    pub images: usize,
    /// Of these, pictures without a box.
    pub without_boxes: usize,
    /// Number of boxes, with the ignored ones.
    pub boxes: usize,
    /// Boxes that are neither wanted nor wrong.
    pub ignored: usize,
    /// Boxes, without the ignored ones, with an area below 32² pixels.
    pub small: usize,
    /// The same from 32² to 96² pixels.
    pub medium: usize,
    /// The same above 96² pixels.
    pub large: usize,
    /// All classes, in the dataset's order.
    pub classes: Vec<ClassSummary>,
}

/// What a dataset holds of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassSummary {
    /// Its number in the file.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its boxes, with the ignored ones.
    pub boxes: usize,
    /// Pictures with at least one of them.
    pub images: usize,
}

impl Dataset {
    /// Counts what there is. Sizes are those of COCO (<https://cocodataset.org/#detection-eval>).
    pub fn summary(&self) -> DatasetSummary {
        let classes = self.classes.iter();
        let mut classes: Vec<ClassSummary> =
            classes.map(|class| ClassSummary { id: class.id, name: class.name.clone(), boxes: 0, images: 0 }).collect();
        // The last picture that a class was seen on.
        let mut seen_on = vec![None; classes.len()];
        for (index, picture) in self.pictures.iter().enumerate() {
            for found in &picture.boxes {
                let Some(class) = classes.get_mut(found.class) else { continue };
                class.boxes += 1;
                class.images += usize::from(seen_on[found.class].replace(index) != Some(index));
            }
        }
        let boxes = || self.pictures.iter().flat_map(|picture| &picture.boxes);
        let wanted = |is: fn(&LabelledBox) -> bool| boxes().filter(|found| !found.ignored && is(found)).count();
        DatasetSummary {
            form: self.form,
            images: self.pictures.len(),
            without_boxes: self.pictures.iter().filter(|picture| picture.boxes.is_empty()).count(),
            boxes: boxes().count(),
            ignored: boxes().filter(|found| found.ignored).count(),
            small: wanted(|found| found.area < SMALL_BELOW),
            medium: wanted(|found| (SMALL_BELOW..=LARGE_ABOVE).contains(&found.area)),
            large: wanted(|found| found.area > LARGE_ABOVE),
            classes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DatasetClass, LabelledPicture};
    use super::*;
    use crate::imaging::ImageSize;

    #[test]
    fn boxes_are_counted_by_class_and_size() {
        let found =
            |class, area, ignored| LabelledBox { class, x: 0.0, y: 0.0, width: 9.0, height: 9.0, area, ignored };
        let picture = |boxes| LabelledPicture { id: 0, path: "a".into(), size: ImageSize::new(9, 9), boxes };
        let pictures = vec![
            picture(vec![found(1, 1023.0, false), found(1, 1024.0, false), found(0, 9216.0, false)]),
            picture(vec![found(1, 9217.0, false), found(1, 5.0, true)]),
            picture(vec![]),
        ];
        let class = |name: &str, id| DatasetClass { name: name.to_owned(), id };
        let classes = vec![class("cat", 3), class("dog", 5), class("cow", 7)];
        let form = Some(DatasetForm::Coco);
        let summary = Dataset { path: "a.json".into(), form, classes, pictures, problems: vec![] }.summary();
        assert_eq!((summary.images, summary.without_boxes, summary.boxes, summary.ignored), (3, 1, 5, 1));
        assert_eq!((summary.small, summary.medium, summary.large), (1, 2, 1));
        let classes: Vec<_> = summary.classes.iter().map(|c| (c.id, c.name.as_str(), c.boxes, c.images)).collect();
        assert_eq!(classes, [(3, "cat", 1, 1), (5, "dog", 4, 2), (7, "cow", 0, 0)]);
    }
}
