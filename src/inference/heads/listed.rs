//! Lists of finished detections whose boxes, scores and classes come in outputs of their own: which output is which, and
//! their rows.
//!
//! The boxes are the output whose sides but for the last, 4, are those of at least two others. Of these, scores and
//! classes are told apart by their names, else by their values: classes are whole numbers.

use super::facts::are_scores;
use super::family::{Look, Output};
use super::tensor::{class_number, push_finite, shape_error};
use super::{DecodeError, OutputTensor, family};
use crate::imaging::BoxInModel;
use crate::inference::{Candidate, Head};

/// An output as both recognition and decoding see it.
#[derive(Clone, Copy)]
struct Part<'a> {
    name: &'a str,
    shape: &'a [usize],
    /// None where only shapes are declared; then a side of 0 is an open one.
    values: Option<&'a [f32]>,
}

/// Where the parts of a list are among the outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub boxes: usize,
    pub scores: usize,
    pub classes: usize,
    /// The number of rows that hold a detection.
    pub count: Option<usize>,
}

/// The rows of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    boxes: &'a [f32],
    scores: &'a [f32],
    classes: &'a [f32],
    rows: usize,
}

/// Where the parts of a list are among the outputs of a model; none if they are no such list, or their values are none
/// and no card says that they are.
pub(super) fn places(look: &Look<'_>) -> Option<Places> {
    let places = places_by_shape(look.outputs)?;
    let plausible = || rows_seen(look.outputs, places).is_none_or(Rows::are_plausible);
    (look.asked.is_some() || plausible()).then_some(places)
}

fn places_by_shape(outputs: &[Output<'_>]) -> Option<Places> {
    find(outputs.len(), |index| {
        let output = &outputs[index];
        Part { name: output.name, shape: &output.shape, values: output.values }
    })
}

/// The list that a run gave.
pub(super) fn rows<'a>(outputs: &[OutputTensor<'a>]) -> Option<Rows<'a>> {
    let places = find(outputs.len(), |index| {
        let output = outputs[index];
        Part { name: output.name, shape: output.shape, values: Some(output.values) }
    })?;
    let values = |index: usize| outputs[index].values;
    Some(Rows::new(values(places.boxes), values(places.scores), values(places.classes), places.count.map(values)))
}

/// The list that a first run gave, if there was one.
pub(super) fn rows_seen<'a>(outputs: &[Output<'a>], places: Places) -> Option<Rows<'a>> {
    let values = |index: usize| outputs[index].values;
    let count = places.count.and_then(values);
    Some(Rows::new(values(places.boxes)?, values(places.scores)?, values(places.classes)?, count))
}

impl<'a> Rows<'a> {
    fn new(boxes: &'a [f32], scores: &'a [f32], classes: &'a [f32], count: Option<&[f32]>) -> Self {
        let told = count.and_then(|values| values.first()).filter(|told| told.is_finite());
        let most = told.map_or(usize::MAX, |told| told.max(0.0).round() as usize);
        let rows = most.min(boxes.len() / 4).min(scores.len()).min(classes.len());
        Self { boxes, scores, classes, rows }
    }

    /// Box as it came, score and class of each detection.
    pub fn iter(self) -> impl Iterator<Item = ([f32; 4], f32, f32)> {
        let edges = self.boxes.as_chunks::<4>().0.iter().copied();
        edges.zip(self.scores).zip(self.classes).take(self.rows).map(|((edges, score), class)| (edges, *score, *class))
    }

    /// The classes of what scores more than 0.
    pub fn classes(self) -> impl Iterator<Item = f32> {
        self.iter().filter(|(_, score, _)| *score > 0.0).map(|(_, _, class)| class)
    }

    /// Whether all classes are whole numbers and all scores lie in 0…1, as they must.
    pub fn are_plausible(self) -> bool {
        self.iter().all(|(_, score, class)| class.fract() == 0.0 && are_scores(&[score]))
    }

    /// How far the boxes of what scores more than 0 reach; none without any.
    pub fn reach(self) -> Option<f32> {
        let scored = self.iter().filter(|(_, score, _)| *score > 0.0);
        scored.flat_map(|(edges, ..)| edges).map(f32::abs).reduce(f32::max)
    }
}

fn find<'a>(count: usize, part: impl Fn(usize) -> Part<'a>) -> Option<Places> {
    let is_vector_of = |lead: &[usize], index: usize| {
        let part = part(index);
        let name = Name(part.name);
        let fits = same_sides(lead, part.shape, part.values.is_none());
        fits && !name.is_count() && !name.is_index()
    };
    let boxes = (0..count).find(|&index| {
        let part = part(index);
        let lead = lead_of_boxes(&part);
        lead.is_some_and(|lead| (0..count).filter(|&other| other != index && is_vector_of(lead, other)).count() >= 2)
    })?;
    let lead = &part(boxes).shape[..part(boxes).shape.len() - 1];
    let vectors = || (0..count).filter(|&index| index != boxes && is_vector_of(lead, index));
    let (scores, classes) = scores_and_classes(vectors, &part)?;
    let free = |index: &usize| ![boxes, scores, classes].contains(index);
    let single = |index: &usize| part(*index).shape.iter().product::<usize>() == 1;
    let number =
        (0..count).filter(free).find(|&index| Name(part(index).name).is_count() && part(index).shape.len() <= 2);
    Some(Places { boxes, scores, classes, count: number.or_else(|| (0..count).filter(free).find(single)) })
}

/// The sides before the 4 edges. All but the last of them are 1: the batch.
fn lead_of_boxes<'a>(part: &Part<'a>) -> Option<&'a [usize]> {
    let (last, lead) = part.shape.split_last()?;
    let open = |side: usize| side == 0 && part.values.is_none();
    let edges = *last == 4 || open(*last);
    let batch = lead.split_last()?.1;
    (edges && batch.len() <= 1 && batch.iter().all(|&side| side == 1 || open(side))).then_some(lead)
}

fn same_sides(a: &[usize], b: &[usize], open: bool) -> bool {
    let same = |(a, b): (&usize, &usize)| a == b || open && (*a == 0 || *b == 0);
    a.len() == b.len() && a.iter().zip(b).all(same)
}

fn scores_and_classes<'a, I: Iterator<Item = usize>>(
    vectors: impl Fn() -> I,
    part: &impl Fn(usize) -> Part<'a>,
) -> Option<(usize, usize)> {
    let scores = vectors().find(|&index| Name(part(index).name).is_score());
    let classes = vectors().find(|&index| Name(part(index).name).is_class());
    let other = |than: usize| vectors().find(|&index| index != than);
    match (scores, classes) {
        (Some(scores), Some(classes)) => Some((scores, classes)),
        (Some(scores), None) => Some((scores, other(scores)?)),
        (None, Some(classes)) => Some((other(classes)?, classes)),
        (None, None) => {
            // Whole numbers are no scores. Most exporters give the classes just before the scores.
            let scores = vectors().max_by_key(|&index| std::cmp::Reverse(look_of_classes(&part(index))))?;
            let before = vectors().take_while(|&index| index < scores).last();
            Some((scores, before.or_else(|| other(scores))?))
        }
    }
}

/// How much values look like classes: whole numbers do, the more so when they are beyond a score.
fn look_of_classes(part: &Part<'_>) -> u8 {
    let values = part.values.unwrap_or_default();
    let whole = values.iter().all(|value| value.fract() == 0.0);
    u8::from(whole) + u8::from(whole && values.iter().any(|value| *value > 1.0))
}

/// Reads the lists of `head`, each box turned into pixels by `rect`.
pub(super) fn decode(
    head: Head,
    outputs: &[OutputTensor<'_>],
    floor: f32,
    candidates: &mut Vec<Candidate>,
    rect: impl Fn([f32; 4]) -> BoxInModel,
) -> Result<(), DecodeError> {
    let rows = rows(outputs).ok_or_else(|| shape_error(head, family(head).outputs, outputs))?;
    for (sides, score, class) in rows.iter() {
        if score >= floor
            && let Some(class) = class_number(class)
        {
            push_finite(candidates, class, score, rect(sides));
        }
    }
    Ok(())
}

/// What the name of an output says, in any case.
#[derive(Clone, Copy)]
pub(super) struct Name<'a>(pub &'a str);

impl Name<'_> {
    /// Whether it holds one of these words, which are in lower case. Allocates nothing.
    pub fn has(self, words: &[&str]) -> bool {
        let name = self.0.as_bytes();
        words.iter().any(|word| name.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes())))
    }

    fn is_count(self) -> bool {
        self.has(&["num", "count", "valid"])
    }

    fn is_index(self) -> bool {
        self.has(&["anchor", "indices", "index"])
    }

    fn is_score(self) -> bool {
        self.has(&["score", "conf", "prob"])
    }

    fn is_class(self) -> bool {
        self.has(&["class", "label", "cls", "categor"]) && !self.is_score()
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::tensor;
    use super::*;

    fn places_of(outputs: &[OutputTensor<'_>], declared: bool) -> Option<[Option<usize>; 4]> {
        let outputs: Vec<_> = outputs
            .iter()
            .map(|o| Output { name: o.name, shape: o.shape.to_vec(), values: (!declared).then_some(o.values) })
            .collect();
        places_by_shape(&outputs).map(|p| [Some(p.boxes), Some(p.scores), Some(p.classes), p.count])
    }

    #[test]
    fn parts_are_told_by_names() {
        let edges = [1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0];
        let raw = [0.0; 12];
        let list = [
            tensor("detection_anchor_indices", &[1, 2], &[7.0, 8.0]),
            tensor("detection_boxes", &[1, 2, 4], &edges),
            tensor("detection_classes", &[1, 2], &[1.0, 1.0]),
            tensor("detection_multiclass_scores", &[1, 2, 3], &[0.0; 6]),
            tensor("detection_scores", &[1, 2], &[1.0, 0.0]),
            tensor("num_detections", &[1], &[1.0]),
            tensor("raw_detection_boxes", &[1, 3, 4], &raw),
            tensor("raw_detection_scores", &[1, 3, 3], &[0.0; 9]),
        ];
        assert_eq!(places_of(&list, false), Some([Some(1), Some(4), Some(2), Some(5)]));
        let rows = rows(&list).unwrap();
        assert_eq!(rows.iter().collect::<Vec<_>>(), [([1.0, 2.0, 3.0, 4.0], 1.0, 1.0)]);
        assert_eq!(rows.reach(), Some(4.0));
        let mut reversed = list;
        reversed.reverse();
        assert_eq!(places_of(&reversed, true), Some([Some(6), Some(3), Some(5), Some(2)]));
    }

    #[test]
    fn without_names_whole_numbers_are_classes() {
        let edges = [0.0; 8];
        for (first, second, scores, classes) in [
            ([0.5, 0.25], [3.0, 0.0], 0, 1),
            ([3.0, 0.0], [0.5, 0.25], 1, 0),
            ([0.0, 0.0], [0.5, 0.25], 1, 0),
            ([1.0, 0.0], [3.0, 0.0], 0, 1),
            ([0.0, 0.0], [0.0, 0.0], 1, 0),
        ] {
            let list = [tensor("a", &[2], &first), tensor("b", &[2], &second), tensor("c", &[2, 4], &edges)];
            assert_eq!(places_of(&list, false), Some([Some(2), Some(scores), Some(classes), None]));
        }
        let three = [
            tensor("tensor0", &[1, 2], &[90.0, 4.0]),
            tensor("tensor1", &[1, 2, 4], &edges),
            tensor("tensor2", &[1, 2], &[2.0, 1.0]),
            tensor("tensor4", &[1, 2], &[0.5, 0.25]),
            tensor("tensor5", &[1], &[2.0]),
        ];
        assert_eq!(places_of(&three, false), Some([Some(1), Some(3), Some(2), Some(4)]));
    }

    #[test]
    fn open_sides_fit_only_before_a_run() {
        let list = [tensor("labels", &[0, 0], &[]), tensor("boxes", &[1, 0, 0], &[]), tensor("scores", &[0, 0], &[])];
        assert_eq!(places_of(&list, true), Some([Some(1), Some(2), Some(0), None]));
        assert_eq!(places_of(&list, false), None);
        let one = [tensor("x", &[1, 4], &[0.0; 4]), tensor("y", &[1], &[0.0])];
        assert_eq!(places_of(&one, false), None);
    }

    #[test]
    fn a_count_is_never_believed_beyond_the_rows() {
        for (count, want) in [(9.0, 1), (f32::NAN, 1), (-3.0, 0), (0.0, 0)] {
            let count = [count];
            let list = [
                tensor("num_dets", &[1, 1], &count),
                tensor("det_boxes", &[1, 1, 4], &[0.0; 4]),
                tensor("det_scores", &[1, 1], &[0.5]),
                tensor("det_classes", &[1, 1], &[2.0]),
            ];
            assert_eq!(rows(&list).unwrap().iter().count(), want);
        }
    }
}
