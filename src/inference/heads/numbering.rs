//! How a list of finished detections numbers its classes. The list itself does not say; the width of the layers that
//! classify does: their output channels are classes times anchors a place.

use super::family::{Classes, Look};
use crate::inference::{ClassNumbers, Evidence, Item};

/// What all sentences of this file are about.
const ITEM: Item = Item::ClassNumbers;

/// How a list numbers its classes.
#[derive(Clone, Debug)]
pub(super) struct Numbering {
    pub numbers: ClassNumbers,
    pub classes: Classes,
    /// Why.
    pub evidence: Evidence,
}

/// COCO's highest category id, and the number of its classes.
const COCO_IDS: usize = 90;
const COCO_CLASSES: usize = 80;
/// Pascal VOC's classes and the background.
const VOC_WITH_BACKGROUND: usize = 21;

/// Anchors a place (4 also stands for the edges that torchvision predicts for each class).
const ANCHORS: &[usize] = &[1, 2, 3, 4, 5, 6, 9];
/// The same for 90, of which other multiples are usual widths, such as 180 and 360.
const ANCHORS_OF_90: &[usize] = &[1, 3, 6, 9];

/// How lists are numbered whose first class is `first`, 0 or 1, unless the network shows another way. `seen` are the
/// classes that a first run gave.
pub(super) fn tell(look: &Look<'_>, first: usize, seen: impl Iterator<Item = f32>) -> Numbering {
    let seen = seen.filter(|class| class.is_finite()).fold(None, |range: Option<(f32, f32)>, class| {
        let (low, high) = range.unwrap_or((class, class));
        Some((low.min(class), high.max(class)))
    });
    // The background is never detected, so that a class 0 is a true one.
    let (first, why) = match seen {
        Some((low, _)) if first == 1 && low.round() == 0.0 => (0, "a run gave a class 0"),
        _ => (first, ""),
    };
    let own_names = look.names().filter(|names| ![COCO_CLASSES, COCO_IDS, COCO_IDS + 1].contains(names));
    if let Some(coco) = coco_evidence(look, first, seen).filter(|_| own_names.is_none()) {
        let (numbers, text) = match first {
            0 => (ClassNumbers::CocoIdsLessOne, "ids less one"),
            _ => (ClassNumbers::CocoIds, "ids"),
        };
        let evidence = Evidence::sure(ITEM, format!("{coco}: classes are COCO's {text}"));
        return Numbering { numbers, classes: Classes::Known(COCO_IDS + 1), evidence };
    }
    if first == 0 {
        let evidence = match why {
            "" => Evidence::guess(ITEM, "classes are numbered from 0: a guess, usual for this head"),
            why => Evidence::sure(ITEM, format!("classes are numbered from 0: {why}")),
        };
        return Numbering { numbers: ClassNumbers::FromZero, classes: Classes::Open, evidence };
    }
    let known = [COCO_CLASSES + 1, VOC_WITH_BACKGROUND]
        .into_iter()
        .find_map(|classes| several(look, classes).map(|text| (classes, text)));
    match known.filter(|_| own_names.is_none()) {
        Some((classes, text)) => Numbering {
            numbers: ClassNumbers::FromOne,
            classes: Classes::Known(classes),
            evidence: Evidence::sure(ITEM, format!("{text}: classes are numbered from 1, 0 is the background")),
        },
        None => Numbering {
            numbers: ClassNumbers::FromOne,
            classes: Classes::Open,
            evidence: Evidence::guess(
                ITEM,
                "classes are numbered from 1, 0 is the background: a guess, usual for this head; \
                 \"class_numbers\" in a card sets it",
            ),
        },
    }
}

/// How Detectron2 numbers classes: the background is its last one (`FastRCNNOutputLayers` in `detectron2/modeling`).
/// `image_size` is the output that shows the exporter.
pub(super) fn of_detectron2(image_size: &str) -> Numbering {
    Numbering {
        numbers: ClassNumbers::FromZero,
        classes: Classes::Open,
        evidence: Evidence::sure(
            ITEM,
            format!(
                "classes are numbered from 0, as Detectron2 does: output {image_size} is the input's height and width"
            ),
        ),
    }
}

/// Why classes should be COCO's category ids, if they are.
fn coco_evidence(look: &Look<'_>, first: usize, seen: Option<(f32, f32)>) -> Option<String> {
    let ids = (COCO_CLASSES + first) as f32..(COCO_IDS + first) as f32;
    match seen {
        Some((_, high)) if ids.contains(&high) => Some(format!("a run gave the class {high:.0}")),
        _ => {
            layers(look, COCO_IDS + 1, ANCHORS).or_else(|| layers(look, COCO_IDS, ANCHORS_OF_90)).map(|(_, text)| text)
        }
    }
}

/// Two or more such layers: one alone may have its width by chance.
fn several(look: &Look<'_>, classes: usize) -> Option<String> {
    layers(look, classes, ANCHORS).filter(|(count, _)| *count >= 2).map(|(_, text)| text)
}

/// How many layers have so many output channels an anchor, in number and words.
fn layers(look: &Look<'_>, classes: usize, anchors: &[usize]) -> Option<(usize, String)> {
    let widths = anchors.iter().filter_map(|anchors| {
        let width = classes * anchors;
        look.summary.weight_channels.get(&width).map(|count| (*count, width))
    });
    let found: Vec<_> = widths.collect();
    let list = found.iter().map(|(_, width)| width.to_string()).collect::<Vec<_>>().join(", ");
    let count = found.iter().map(|(count, _)| count).sum();
    (count > 0).then(|| (count, format!("{count} layers have {list} output channels, {classes} an anchor")))
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{summary, with_metadata};
    use super::*;
    use crate::inference::recognize_input;

    fn told(
        widths: &[(usize, usize)],
        first: usize,
        seen: &[f32],
        names: Option<&str>,
    ) -> (ClassNumbers, Classes, Evidence) {
        let mut summary = summary(&[]);
        summary.weight_channels = widths.iter().copied().collect();
        if let Some(names) = names {
            summary = with_metadata(summary, &[("names", names)]);
        }
        let input = recognize_input(&summary, None).unwrap();
        let look = Look { summary: &summary, input: &input, outputs: &[], asked: None, anchors: None };
        let Numbering { numbers, classes, evidence } = tell(&look, first, seen.iter().copied());
        (numbers, classes, evidence)
    }

    #[test]
    fn the_width_of_the_last_layers_tells_the_numbering() {
        use ClassNumbers::{CocoIds, CocoIdsLessOne, FromOne, FromZero};
        let coco = Classes::Known(91);
        for (widths, first, seen, want) in [
            (&[(546, 5), (273, 1)][..], 0, &[][..], (CocoIdsLessOne, coco)),
            (&[(546, 5), (273, 1)], 1, &[], (CocoIds, coco)),
            (&[(546, 5), (273, 1)], 1, &[0.0, 7.0], (CocoIdsLessOne, coco)),
            (&[(91, 1), (364, 1)], 1, &[], (CocoIds, coco)),
            (&[(810, 1)], 1, &[], (CocoIds, coco)),
            (&[(80, 3)], 1, &[], (FromOne, Classes::Open)),
            (&[(80, 3)], 1, &[90.0], (CocoIds, coco)),
            (&[(80, 3)], 1, &[80.0], (FromOne, Classes::Open)),
            (&[(80, 3)], 0, &[80.0], (CocoIdsLessOne, coco)),
            (&[(80, 3)], 0, &[], (FromZero, Classes::Open)),
            (&[(81, 1), (324, 1)], 1, &[], (FromOne, Classes::Known(81))),
            (&[(81, 1), (486, 2)], 1, &[], (FromOne, Classes::Known(81))),
            (&[(63, 1), (126, 5)], 1, &[], (FromOne, Classes::Known(21))),
            (&[(21, 1), (720, 4), (180, 3)], 1, &[f32::NAN], (FromOne, Classes::Open)),
            (&[], 1, &[0.0], (FromZero, Classes::Open)),
        ] {
            let (numbers, classes, evidence) = told(widths, first, seen, None);
            assert_eq!((numbers, classes), want, "{widths:?} {first} {seen:?}: {evidence}");
        }
    }

    #[test]
    fn names_of_its_own_go_before_the_widths_and_guesses_are_called_so() {
        assert_eq!(told(&[(91, 1)], 1, &[], Some("['a', 'b']")).0, ClassNumbers::FromOne);
        assert!(told(&[(80, 3)], 1, &[], None).2.guess && told(&[(80, 3)], 0, &[], None).2.guess);
        assert!(!told(&[], 1, &[0.0], None).2.guess && !told(&[(81, 1), (324, 1)], 1, &[], None).2.guess);
        let sure = told(&[(546, 5), (273, 1)], 0, &[], None).2;
        assert_eq!((sure.item, sure.guess), (Item::ClassNumbers, false));
        assert_eq!(sure.text, "6 layers have 273, 546 output channels, 91 an anchor: classes are COCO's ids less one");
    }
}
